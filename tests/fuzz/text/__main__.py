"""The command line: see the package and `tests.fuzz.campaign`."""

from __future__ import annotations

import functools
import resource
import sys
from collections.abc import Iterator

import tests.fuzz.text as package
from tests.fuzz.campaign import Fuzzer, Outcome, main
from tests.fuzz.failure import outcome_of
from tests.fuzz.text import check, program, reduced
from tests.fuzz.text.corpus import corpus

BYTES = 6 << 30
"""Of address space for a process: what wants more gets a MemoryError."""


def outcomes(seeds: range) -> Iterator[tuple[int, Outcome] | int]:
    resource.setrlimit(resource.RLIMIT_AS, (BYTES, resource.RLIM_INFINITY))
    for seed in seeds:
        yield seed
        yield seed, outcome_of(functools.partial(check, program(seed)))


def warm() -> None:
    """What the first program would wait for; it may well be refused."""
    corpus()
    outcome_of(functools.partial(check, program(1)))


FUZZER = Fuzzer("text", program, outcomes, check, reduced, warm=warm)

if __name__ == "__main__":
    sys.exit(main(FUZZER, package.__doc__))
