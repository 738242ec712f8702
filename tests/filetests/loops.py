"""File tests of the loop IR: `.loops` files with a kernel, what is run over it, and the expected text.

    ; run: coalesce vectorise width=32        loop passes, each with its settings; or verify, interpret, compile
    ; run: parallel chunk=100                 the work of a chunk, as small loops are left alone
    ; args: {1.0,nan} 3                       arguments of a call, as literals; open sizes are their examples
    kernel @f:
      ...
    ; expect:
    ...

Behind each pass the verifier runs, and the interpreter compares before and after. `compile` runs the kernel in the
interpreter and as machine code, which must agree. An invalid kernel has `; error: text` at the end of each line at
fault in place of an expected text.
"""

from __future__ import annotations

import re

import numpy as np

from gradjit.codegen import cores
from gradjit.codegen.loop_passes import statements
from gradjit.codegen.loop_pipeline import LOOP_PASSES
from gradjit.codegen.loopir import interpret, parse, print_program, verify
from gradjit.codegen.loopir.parser import Parser, at_sizes
from gradjit.codegen.loopir.verifier import errors_of
from gradjit.codegen.loops import Chunks, Program
from gradjit.codegen.target import Machine
from gradjit.errors import IRError
from gradjit.ir import ArrayType, type_of
from gradjit.ir.attrs import read_literal, show_literal
from gradjit.ir.parser import Cursor
from gradjit.runtime.kernel import compile_program
from tests.fuzz.inputs import same

ERROR = re.compile(r"[ \t]*; error: .*")


def kernel_of(source: str) -> str:
    """The text without error comments, each line where it was."""
    return ERROR.sub("", source)


def check_text(p: Program) -> None:
    text = print_program(p)
    assert print_program(parse(text)) == text, "print, parse, print is not the identity"


def read_arguments(p: Program, line: str) -> list[np.ndarray]:
    """The literals of an `args` line; an array of one repeated number may be written as that number."""
    c = Cursor(line)
    p = at_sizes(p, {d.name: d.example for d in p.sizes})
    return [np.broadcast_to(read_literal(c, ArrayType(b.dtype, b.shape)), b.shape) for b in p.inputs]


def apply(p: Program, name: str, settings: dict[str, str]) -> None:
    """One pass, then the checks that follow every pass."""
    before = parse(print_program(p))
    with cores.limits(**{k: float(v) for k, v in settings.items() if k in ("chunk", "copies")}):
        LOOP_PASSES[name].run(p, Machine(int(settings.get("width", "32"))))
    verify(p)
    check_text(p)
    rng = np.random.default_rng(0)
    known = at_sizes(p, {d.name: d.example for d in p.sizes})
    args = [rng.normal(size=b.shape) if b.dtype.is_float else rng.integers(0, 3, b.shape) for b in known.inputs]
    wrong = same(interpret(p, args), interpret(before, args), exact=False)
    assert not wrong, f"the pass changed the meaning: {wrong}"
    if any(isinstance(s, Chunks) for s in statements(p.body)):
        wrong = same(interpret(p, args, backwards=True), interpret(p, args), exact=True)
        assert not wrong, f"chunks are not independent: {wrong}"


def call(p: Program, line: str, compiled: bool) -> str:
    args = read_arguments(p, line)
    results = interpret(p, args)
    if compiled:
        wrong = same(compile_program(p)(*args), results, exact=False)
        assert not wrong, f"machine code differs from the interpreter: {wrong}"
    return "".join(f"{type_of(a)} {show_literal(a)}\n" for a in results)


def outcome(source: str, name: str, runs: tuple[tuple[str, dict[str, str]], ...], calls: tuple[str, ...]) -> str:
    p = parse(kernel_of(source), name)
    verify(p)
    check_text(p)
    for run, settings in runs:
        if run in LOOP_PASSES:
            apply(p, run, settings)
    found = [call(p, line, run == "compile") for run, _ in runs if run in ("interpret", "compile") for line in calls]
    return "\n".join(found) or print_program(p)


def errors(source: str, name: str) -> dict[int, str]:
    """The messages about an invalid kernel by line."""
    parser = Parser(kernel_of(source), name)
    try:
        p = parser.kernel()
    except IRError as e:
        line, message = re.match(r"[^:]*:(\d+): (.*)", str(e)).groups()  # type: ignore[union-attr]
        return {int(line): message}
    found: dict[int, str] = {}
    first = next(k for k, text in enumerate(source.splitlines(), 1) if text.startswith("kernel"))
    for s, message in errors_of(p):
        found.setdefault(first if s is None else parser.where[s], message)
    return found
