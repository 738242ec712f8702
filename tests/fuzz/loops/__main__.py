"""The command line: see the package and `tests.fuzz.campaign`."""

from __future__ import annotations

import functools
import sys
from collections.abc import Iterator

import tests.fuzz.loops as package
from tests.fuzz.campaign import Fuzzer, Outcome, main
from tests.fuzz.failure import outcome_of
from tests.fuzz.loops import check, program, reduced


def outcomes(seeds: range) -> Iterator[tuple[int, Outcome] | int]:
    for seed in seeds:
        yield seed
        yield seed, outcome_of(functools.partial(check, program(seed)))


FUZZER = Fuzzer("loops", program, outcomes, check, lambda p, seconds: reduced(p, "native", seconds),
                warm=lambda: list(outcomes(range(1))))

if __name__ == "__main__":
    sys.exit(main(FUZZER, package.__doc__))
