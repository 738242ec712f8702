"""The passes between the trace (or the adjoint) and code generation, in order."""

from __future__ import annotations

import time
from collections.abc import Callable

from ..environment import switch
from ..ir import Func, verify as check
from ..records import dataclass
from .cse import cse
from .dce import dce
from .dump import Dumper
from .fold import fold_constants
from .inline import inline_calls
from .outer_products import collect_outer_products
from .planes import in_memory
from .planes.complex_formulas import write_out
from .simplify import simplify


@dataclass(frozen=True)
class Pass:
    """A named function from IR to IR, which leaves its argument as it was."""

    name: str
    run: Callable[[Func], Func]
    about: str


PIPELINE: tuple[Pass, ...] = (
    Pass("inline", inline_calls, "calls become the bodies of the functions that they call"),
    Pass("planes", in_memory, "complex numbers become their real and imaginary parts"),
    Pass("formulas", write_out, "quotients, exponentials and roots of complex numbers become operations on reals"),
    Pass("simplify", simplify, "folds constants, applies the rewrite rules, shares common subexpressions: one walk"),
    Pass("products", collect_outer_products, "products that a loop adds up become one product behind it"),
    Pass("dce", dce, "drops what the rewritten results no longer depend on"),
)
"""What `optimize` runs."""

PARTS: tuple[Pass, ...] = (
    Pass("fold", fold_constants, "operations on constants become their results"),
    Pass("cse", cse, "each value is computed once in any scope"),
)
"""Parts of `simplify`, by themselves: for tests and for reading dumps."""

PASSES: dict[str, Pass] = {p.name: p for p in (*PIPELINE, *PARTS)}


def optimize(func: Func, *, verify: bool | None = None, dump: Dumper | None = None,
             timings: dict[str, float] | None = None) -> Func:
    """The function in its simplest form; `func` is not changed.

    verify: check the IR after each pass (default: whether GRADJIT_VERIFY=1); IRError names the pass that broke it.
    dump: receives each pass's output (default: what GRADJIT_DUMP asks for).
    timings: the seconds of each pass are added here by name.
    """
    verify = switch("GRADJIT_VERIFY") if verify is None else verify
    dump = Dumper.from_environment() if dump is None else dump
    for p in PIPELINE:
        func = run(p, func, verify, dump, timings)
    return func


def run(p: Pass, func: Func, verify: bool = False, dump: Dumper | None = None,
        timings: dict[str, float] | None = None) -> Func:
    """One pass, with what surrounds it."""
    start = time.perf_counter()
    func = p.run(func)
    if timings is not None:
        timings[p.name] = timings.get(p.name, 0.0) + time.perf_counter() - start
    if dump is not None:
        dump(p.name, func)
    if verify:
        try:
            check(func)
        except Exception as e:
            e.add_note(f"after the pass {p.name!r}")
            raise
    return func
