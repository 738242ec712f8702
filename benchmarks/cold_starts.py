"""First calls of gradjit alone: without code on disk, with it, and with the interpreter of the IR.

    python -m benchmarks.cold_starts [CASE ...]

prints the table that `make bench` puts into RESULTS.md. Each time is the least of some fresh processes, from the call
to value and gradient, imports not counted.
"""

from __future__ import annotations

import sys
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from .cases import CASES, Case
from .first_call import COLD, first_call
from .loops.cases import LOOPS
from .report import Figure, at_most_seconds, show, table, verdict

REPEATS = 5


@dataclass(frozen=True)
class Bounds:
    """Seconds that a first call may take; None where the interpreter does not run, as in a program with loops."""

    cold: float
    disk: float
    interpreter: float | None


BOUNDS = {
    "float": Bounds(10e-3, 6e-3, 4e-3),
    "rosenbrock-10": Bounds(12e-3, 8e-3, 5e-3),
    "mlp-f64": Bounds(30e-3, 15e-3, 8e-3),
    "gmm-2x5": Bounds(45e-3, 25e-3, 12e-3),
    "volterra": Bounds(45e-3, 30e-3, None),
}
"""By the names of cases."""

KINDS = {"cold": "nothing on disk", "disk": "code on disk", "interpreter": "interpreter"}


@dataclass(frozen=True)
class ColdStart:
    """Seconds of a case's first call, by kind."""

    case: Case
    seconds: Mapping[str, float]


def measured(case: Case, repeats: int = REPEATS) -> ColdStart:
    """Raises RuntimeError where gradjit fails."""
    def least(settings: Mapping[str, str]) -> float:
        return first_call(case, "gradjit", repeats, settings).call_seconds

    seconds = {"cold": least(COLD)}
    with tempfile.TemporaryDirectory() as directory:
        kept = {"GRADJIT_CACHE": "1", "GRADJIT_CACHE_DIR": directory}
        first_call(case, "gradjit", 1, kept)
        seconds["disk"] = least(kept)
    if BOUNDS[case.name].interpreter is not None:
        seconds["interpreter"] = least({**COLD, "GRADJIT_TIER": "interpret"})
    return ColdStart(case, seconds)


def figures(found: Sequence[ColdStart]) -> list[Figure]:
    return [f for start in found for kind in KINDS if (f := figure(start, kind))]


def figure(start: ColdStart, kind: str) -> Figure | None:
    bound = getattr(BOUNDS[start.case.name], kind)
    if bound is None:
        return None
    return Figure(f"cold-start-{kind} {start.case.name}", f"{start.case.title}: first call, {KINDS[kind]}",
                  at_most_seconds(bound), show(start.seconds[kind]), start.seconds[kind] <= bound)


def cold_starts_table(found: Sequence[ColdStart]) -> str:
    head = ["first call of gradjit", *(x for what in KINDS.values() for x in (what, "required"))]
    return table(head, [[s.case.title, *(x for kind in KINDS for x in cells(s, kind))] for s in found])


def cells(start: ColdStart, kind: str) -> tuple[str, str]:
    found = figure(start, kind)
    return (found.reached, verdict(found.required, found)) if found else ("–", "–")


def main(names: Sequence[str]) -> None:
    unknown = [n for n in names if n not in BOUNDS]
    if unknown:
        sys.exit(f"no case {', '.join(unknown)}; there are: {', '.join(BOUNDS)}")
    cases = [c for c in (*CASES, *LOOPS) if c.name in (names or BOUNDS)]
    print(cold_starts_table([measured(c) for c in cases]))


if __name__ == "__main__":
    main(sys.argv[1:])
