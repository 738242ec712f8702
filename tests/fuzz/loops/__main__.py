"""The command line: see the package and `tests.fuzz.campaign`."""

from __future__ import annotations

import sys
from collections.abc import Iterator

import tests.fuzz.loops as package
from tests.fuzz.campaign import Fuzzer, Outcome, main
from tests.fuzz.failure import Refused, Rough
from tests.fuzz.loops import check, program, reduced


def outcomes(seeds: range) -> Iterator[tuple[int, Outcome | None]]:
    for seed in seeds:
        yield seed, None
        try:
            yield seed, check(program(seed)) or "ok"
        except (Refused, Rough) as e:
            yield seed, type(e).__name__.lower()


FUZZER = Fuzzer("loops", program, outcomes, check, lambda p, seconds: reduced(p, "native", seconds),
                warm=lambda: check(program(1)))

if __name__ == "__main__":
    sys.exit(main(FUZZER, package.__doc__))
