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
    from .cold_starts import ColdStart
    from .first_call import First
    from .loops.cases import Pair
    from .measure import Times
    from .report import Figure

    Firsts = list[tuple[Case, dict[str, First]]]
    Grown = list[tuple[Pair, First | None, First | None]]
    Failures = dict[tuple[str, str], str]

HERE = Path(__file__).parent
EVERY = "gradjit,jax,numba,autograd,torch,gradjit-value,numpy-value"
SIZES = 1000
PROGRAMS = {"functions": "functions of arrays", "loops": "programs of loops"}


def say(text: str = "") -> None:
    print(text, flush=True)


def options(argv: list[str] | None) -> argparse.Namespace:
    p = argparse.ArgumentParser(prog="python -m benchmarks",
                                description="gradjit beside JAX, Numba, autograd and PyTorch.")
    p.add_argument("--only", action="append", default=[], metavar="CASE", help="a case's name or pattern, or "
                   "`functions` or `loops`; repeatable")
    p.add_argument("--peers", default=EVERY, help=f"contenders, with commas between (default: {EVERY})")
    p.add_argument("--quick", action="store_true", help="few short rounds and no first calls; coarse")
    p.add_argument("--no-first", action="store_true", help="leave out the first calls")
    p.add_argument("--no-sizes", action="store_true", help="leave out the calls of a thousand sizes")
    p.add_argument("--list", action="store_true", help="name the cases and stop")
    p.add_argument("--output", type=Path, help="write the report there (default: RESULTS.md beside this file, if all "
                                               "cases and contenders were measured)")
    return p.parse_args(argv)


def chosen(patterns: list[str]) -> list[Case]:
    from .cases import CASES
    from .loops.cases import LOOPS
    every = (*CASES, *LOOPS)
    found = [c for c in every if not patterns or any(fnmatch(c.name, p) or fnmatch(c.programs, p) for p in patterns)]
    if not found:
        sys.exit(f"no case matches {', '.join(patterns)}; there are: {', '.join(c.name for c in every)}")
    return found


def measured_times(cases: list[Case], names: list[str], quick: bool, failures: Failures) -> list[Times]:
    from .measure import QUICK, Effort, measure
    from .report import show
    found = []
    for case in cases:
        failed = {n: why for (c, n), why in failures.items() if c == case.name}
        t = measure(case, names, QUICK if quick else Effort(), failed)
        found.append(t)
        say(f"  {case.name:20}" + "".join(f"  {n} {show(s)}" for n, s in t.seconds.items()))
        for p in t.problems:
            say(f"    {p}")
    return found


def measured_firsts(cases: list[Case], names: list[str], failures: Failures, quick: bool = False) -> Firsts:
    """The first calls; those that fail are missing from the result and told in `failures`."""
    from .first_call import first_call
    from .peers import takes
    from .report import show
    found = []
    for case in cases:
        firsts = {}
        for n in (n for n in names if takes(n, case) and first_matters(n, case)):
            try:
                # The figures compare gradjit with JAX; the others are shown beside them and run once.
                firsts[n] = first_call(case, n, 2 if n in ("gradjit", "jax") and not quick else 1)
            except RuntimeError as e:
                failures[case.name, n] = str(e)
                say(f"    {case.name}: {n} failed at its first call: {e}")
        found.append((case, firsts))
        say(f"  {case.name:20}" + "".join(f"  {n} {show(f.call_seconds)}" for n, f in firsts.items()))
    return found


def first_matters(name: str, case: Case) -> bool:
    from .peers import GRADIENTS
    return name in GRADIENTS or (name == "gradjit-value" and case.programs == "loops")


def measured_growth(names: list[str]) -> Grown:
    """First calls of gradjit with few steps and many; None for those that fail."""
    from .first_call import first_call
    from .loops.cases import PAIRS
    from .report import compilation, show
    if "gradjit" not in names:
        return []

    def first(case: Case) -> First | None:
        try:
            found = first_call(case, "gradjit")
        except RuntimeError as e:
            say(f"    {case.name}: gradjit failed at its first call: {e}")
            return None
        say(f"  {case.name:28}  {show(compilation(found))}")
        return found

    return [(p, first(p.few), first(p.many)) for p in PAIRS]


def measured_cold_starts(cases: list[Case]) -> list[ColdStart]:
    """First calls of gradjit without code on disk, with it, and by the interpreter."""
    from .cold_starts import BOUNDS, measured
    say("first calls of gradjit without code on disk, with it, by the interpreter")
    return [measured(c) for c in cases if c.name in BOUNDS]


def figures(times: list[Times], firsts: Firsts, grown: Grown, imported: float | None) -> list[Figure]:
    from . import report
    found = [f for rule in (report.speed, report.over_numba, report.over_value, report.runs) for t in times
             if (f := rule(t))]
    for case, by_name in firsts:
        found += report.first(case, by_name.get("gradjit"), by_name.get("jax"))
    found += [f for g in grown if (f := report.growth(*g))]
    return found + ([report.imports(imported)] if imported is not None else [])


def main(argv: list[str] | None = None) -> int:
    o = options(argv)
    cores = pin()
    from . import report
    from .first_call import import_seconds
    from .peers import CONTENDERS, GRADIENTS, MODULES

    names = o.peers.split(",")
    if unknown := [n for n in names if n not in MODULES]:
        sys.exit(f"no contender {', '.join(unknown)}; there are: {', '.join(MODULES)}")
    cases = chosen(o.only)
    if o.list:
        for case in cases:
            say(f"{case.name:22} {case.title}")
        return 0
    begin = time.perf_counter()
    failures: Failures = {}
    grown: Grown = []
    imported = None
    say("first call, each in a fresh process")
    # What fails or does not end there is not run in this process, so loops are tried there even if no table shows it.
    tried = [c for c in cases if c.programs == "loops" or not (o.quick or o.no_first)]
    firsts = measured_firsts(tried, names, failures, quick=o.quick or o.no_first)
    if not (o.quick or o.no_first):
        if any(c.programs == "loops" for c in cases):
            grown = measured_growth(names)
        imported = import_seconds("gradjit") if "gradjit" in names else None
    say("seconds a call, least of interleaved rounds")
    times = measured_times(cases, names, o.quick, failures)
    problems = [f"{t.case.name}: {p}" for t in times for p in t.problems]
    reached = figures(times, [] if o.quick or o.no_first else firsts, grown, imported)
    tables = {}
    for programs, what in PROGRAMS.items():
        taking = [n for n in names if n in CONTENDERS[programs]]
        if rows := [t for t in times if t.case.programs == programs]:
            tables[f"Repeated calls: {what}"] = report.times_table(rows, taking)
        if called := [(c, f) for c, f in firsts if c.programs == programs]:
            tables[f"First calls: {what}"] = report.first_table(called, [n for n in taking if n in GRADIENTS])
    if cold := measured_cold_starts(cases) if "gradjit" in names and not (o.quick or o.no_first) else []:
        from . import cold_starts
        tables["First calls of gradjit alone"] = cold_starts.cold_starts_table(cold)
        reached += cold_starts.figures(cold)
    if grown:
        tables["First calls with a thousand times the steps"] = report.growth_table(grown)
    if not (o.only or o.quick or o.no_sizes) and "gradjit" in names:
        from . import sizes
        say("calls of a thousand sizes")
        swept = [sizes.measured(c, SIZES) for c in sizes.SWEPT]
        tables["Calls of a thousand sizes"] = sizes.table(swept, SIZES)
        reached += sizes.figures(swept, SIZES)
    if not (o.only or o.quick) and "gradjit" in names and len(cores) > 1:
        from . import threads
        say("two threads over one")
        copied, *run = [threads.measured(c, (1, 2)) for c in (threads.COPY, *threads.CASES)]
        tables["Two threads over one"] = threads.threads_table([copied, *run], (1, 2))
        reached += threads.figures(run, copied)
    text = report.document(describe(len(cores)), tables, reached, problems,
                           report.explanations(HERE / "explanations.md"))
    complete = not (o.only or o.quick or o.no_first or o.no_sizes) and o.peers == EVERY
    target = o.output or (HERE / "RESULTS.md" if complete else None)
    if target:
        target.write_text(text)
    for shown in tables.values():
        say()
        say(shown)
    if reached:
        say()
        say(report.figures_table(reached))
    say(f"\n{time.perf_counter() - begin:.0f} s" + (f"; written to {target.name}" if target else ""))
    return 1 if problems else 0


if __name__ == "__main__":
    sys.exit(main())
