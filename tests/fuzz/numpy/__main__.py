"""The command line: see the package and `tests.fuzz.campaign`."""

from __future__ import annotations

import functools
import itertools
import sys
from collections.abc import Iterator

import tests.fuzz.numpy as package
from tests.fuzz.campaign import Fuzzer, Outcome, main
from tests.fuzz.failure import outcome_of
from tests.fuzz.numpy import check, program, reduced
from tests.fuzz.numpy.check import can_be_traced, check_batch
from tests.fuzz.numpy.grow import BATCH


def outcomes(seeds: range) -> Iterator[tuple[int, Outcome] | int]:
    """Batch by batch: programs that give values, and programs that are differentiated."""
    for _, batch in itertools.groupby(seeds, lambda seed: seed // BATCH):
        yield from batched(list(batch))


def batched(seeds: list[int]) -> Iterator[tuple[int, Outcome] | int]:
    """Those that can be traced, as one. Where one of these fails, and what cannot be traced: each by itself."""
    traced = [p for p in map(program, seeds) if can_be_traced(p)]
    found: dict[int, Outcome] = {}
    if len(traced) > 1:
        yield seeds[0]
        found = dict(zip((p.seed for p in traced), check_batch(traced) or (), strict=False))
    for seed in seeds:
        if seed not in found:
            yield seed
            found[seed] = outcome_of(functools.partial(check, program(seed)))
        yield seed, found[seed]


FUZZER = Fuzzer("numpy", program, outcomes, check, lambda p, seconds: reduced(p, "native", seconds),
                warm=lambda: list(outcomes(range(BATCH - 1, BATCH + 1))))

if __name__ == "__main__":
    sys.exit(main(FUZZER, package.__doc__))
