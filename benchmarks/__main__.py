"""`python -m benchmarks`: measure, print, and write RESULTS.md when everything was measured."""

from __future__ import annotations

import argparse
import sys
import time
from fnmatch import fnmatch
from pathlib import Path
from typing import TYPE_CHECKING

from .machine import describe, pin

if TYPE_CHECKING:
    from .cases import Case
    from .first_call import First
    from .measure import Times
    from .report import Figure

    Firsts = list[tuple[Case, dict[str, First]]]

HERE = Path(__file__).parent
EVERY = "gradjit,jax,autograd,torch,gradjit-value,numpy-value"


def say(text: str = "") -> None:
    print(text, flush=True)


def options(argv: list[str] | None) -> argparse.Namespace:
    p = argparse.ArgumentParser(prog="python -m benchmarks", description="gradjit beside JAX, autograd and PyTorch.")
    p.add_argument("--only", action="append", default=[], metavar="CASE", help="a case's name or pattern; repeatable")
    p.add_argument("--peers", default=EVERY, help=f"contenders, with commas between (default: {EVERY})")
    p.add_argument("--quick", action="store_true", help="few short rounds and no first calls; coarse")
    p.add_argument("--no-first", action="store_true", help="leave out the first calls")
    p.add_argument("--list", action="store_true", help="name the cases and stop")
    p.add_argument("--output", type=Path, help="write the report there (default: RESULTS.md beside this file, if all "
                                               "cases and contenders were measured)")
    return p.parse_args(argv)


def chosen(patterns: list[str]) -> list[Case]:
    from .cases import CASES
    found = [c for c in CASES if not patterns or any(fnmatch(c.name, p) for p in patterns)]
    if not found:
        sys.exit(f"no case matches {', '.join(patterns)}; there are: {', '.join(c.name for c in CASES)}")
    return found


def measured_times(cases: list[Case], names: list[str], quick: bool) -> list[Times]:
    from .measure import QUICK, Effort, measure
    from .report import show
    found = []
    for case in cases:
        t = measure(case, names, QUICK if quick else Effort())
        found.append(t)
        say(f"  {case.name:20}" + "".join(f"  {n} {show(s)}" for n, s in t.seconds.items()))
        for p in t.problems:
            say(f"    {p}")
    return found


def measured_firsts(cases: list[Case], names: list[str], problems: list[str]) -> Firsts:
    """The first calls; those that fail are missing from the result and told in `problems`."""
    from .first_call import first_call
    from .peers import takes
    from .report import show
    found = []
    for case in cases:
        firsts = {}
        for n in (n for n in names if takes(n, case)):
            try:
                # The figures compare gradjit with JAX; the others are shown beside them and run once.
                firsts[n] = first_call(case, n, 2 if n in ("gradjit", "jax") else 1)
            except RuntimeError as e:
                problems.append(f"{case.name}: {n} failed at its first call: {e}")
                say(f"    {problems[-1]}")
        found.append((case, firsts))
        say(f"  {case.name:20}" + "".join(f"  {n} {show(f.call_seconds)}" for n, f in firsts.items()))
    return found


def figures(times: list[Times], firsts: Firsts, imported: float | None) -> list[Figure]:
    from . import report
    found = [f for t in times if (f := report.speed(t))]
    found += [f for t in times if (f := report.over_value(t))]
    for case, by_name in firsts:
        found += report.first(case, by_name.get("gradjit"), by_name.get("jax"))
    return found + ([report.imports(imported)] if imported is not None else [])


def main(argv: list[str] | None = None) -> int:
    o = options(argv)
    cores = pin()
    from . import report
    from .first_call import import_seconds
    from .peers import GRADIENTS, MODULES

    names = o.peers.split(",")
    if unknown := [n for n in names if n not in MODULES]:
        sys.exit(f"no contender {', '.join(unknown)}; there are: {', '.join(MODULES)}")
    cases = chosen(o.only)
    if o.list:
        for case in cases:
            say(f"{case.name:22} {case.title}")
        return 0
    begin = time.perf_counter()
    say("seconds a call, least of interleaved rounds")
    times = measured_times(cases, names, o.quick)
    firsts: Firsts = []
    imported = None
    problems = [f"{t.case.name}: {p}" for t in times for p in t.problems]
    if not (o.quick or o.no_first):
        say("first call, each in a fresh process")
        firsts = measured_firsts(cases, [n for n in names if n in GRADIENTS], problems)
        imported = import_seconds("gradjit") if "gradjit" in names else None
    reached = figures(times, firsts, imported)
    text = report.document(describe(len(cores)), report.times_table(times, names),
                           report.first_table(firsts, [n for n in names if n in GRADIENTS]), reached, problems,
                           report.explanations(HERE / "explanations.md"))
    complete = not (o.only or o.quick or o.no_first) and o.peers == EVERY
    target = o.output or (HERE / "RESULTS.md" if complete else None)
    if target:
        target.write_text(text)
    say()
    say(report.times_table(times, names))
    if reached:
        say()
        say(report.figures_table(reached))
    say(f"\n{time.perf_counter() - begin:.0f} s" + (f"; written to {target.name}" if target else ""))
    return 1 if problems else 0


if __name__ == "__main__":
    sys.exit(main())
