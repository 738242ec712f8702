"""The command line: see the package and `tests.fuzz.campaign`."""

from __future__ import annotations

import functools
import sys
from collections.abc import Iterator

import tests.fuzz.numpy as package
from tests.fuzz.campaign import Fuzzer, Outcome, main
from tests.fuzz.failure import outcome_of
from tests.fuzz.numpy import check, program, reduced
from tests.fuzz.numpy.check import can_be_traced, check_batch

BATCH = 8
"""Programs that are compiled as one."""


def outcomes(seeds: range) -> Iterator[tuple[int, Outcome] | int]:
    """Values and gradients make batches of their own: the even seeds of a stretch, and the odd ones."""
    for start in range(seeds.start, seeds.stop, 2 * BATCH):
        stretch = range(start, min(start + 2 * BATCH, seeds.stop))
        for batch in (stretch[::2], stretch[1::2]):
            yield from batched(batch)


def batched(seeds: range) -> Iterator[tuple[int, Outcome] | int]:
    """Those that can be traced, as one. Where one of these fails, and what cannot be traced: each by itself."""
    traced = [p for p in map(program, seeds) if can_be_traced(p)]
    found: dict[int, Outcome] = {}
    if len(traced) > 1:
        yield traced[0].seed
        found = dict(zip((p.seed for p in traced), check_batch(traced) or (), strict=False))
    for seed in seeds:
        if seed not in found:
            yield seed
            found[seed] = outcome_of(functools.partial(check, program(seed)))
        yield seed, found[seed]


FUZZER = Fuzzer("numpy", program, outcomes, check, lambda p, seconds: reduced(p, "native", seconds),
                warm=lambda: list(outcomes(range(2))))

if __name__ == "__main__":
    sys.exit(main(FUZZER, package.__doc__))
