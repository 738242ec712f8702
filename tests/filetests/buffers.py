"""File tests of the buffer IR: `.buffers` files.

    ; run: order memory              a function of the array IR follows, which is given memory by these passes
    ; run: compile                   a program of buffers follows; also verify, interpret
    ; args: {1.0,nan} 3              arguments of a call, as literals
    ; expect:
    ...

Behind the last of all passes the program is verified, and the interpreter compares it with the function. `compile` runs
the program through the interpreter and as machine code, which must agree. An invalid program has `; error: text` at the
end of each line at fault in place of an expected text.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

import numpy as np

from gradjit.codegen import loops_of
from gradjit.codegen.buffers import PIPELINE, BufferProgram, buffer_errors, parse_buffers, verify_buffers
from gradjit.codegen.target import this_machine
from gradjit.errors import IRError
from gradjit.ir import Func, interpret, parse, type_of
from gradjit.ir.attrs import read_literal, show_literal
from gradjit.ir.parser import Cursor
from gradjit.runtime.kernel import compile_program
from tests.fuzz.inputs import arguments, same

ERROR = re.compile(r"[ \t]*; error: .*")
PASSES = {p.name: p for p in PIPELINE}


def check_text(p: BufferProgram) -> None:
    text = str(p)
    assert str(parse_buffers(text)) == text, "print, parse, print is not the identity"


def placed(func: Func, names: Sequence[str]) -> BufferProgram:
    """A function behind some of the passes, in order."""
    p = BufferProgram.of(func)
    for name in names:
        PASSES[name].run(p)
        p.name_memory()
        check_text(p)
    if names[-1] == PIPELINE[-1].name:
        verify_buffers(p)
        args = arguments(func, np.random.default_rng(0), special=False)
        wrong = same(interpret(p.func, args), interpret(func, args), exact=True)
        assert not wrong, f"the passes changed the meaning: {wrong}"
        wrong = same(run(p, args), interpret(func, args), exact=False)
        assert not wrong, f"machine code differs from the interpreter: {wrong}"
    return p


def run(p: BufferProgram, args: Sequence[np.ndarray]) -> list[np.ndarray]:
    """The results of the machine code for a program, which its text says in full."""
    return compile_program(loops_of(parse_buffers(str(p)), this_machine(), {}))(*args)


def call(p: BufferProgram, line: str, compiled: bool) -> str:
    c = Cursor(line)
    args = [np.broadcast_to(read_literal(c, v.type), v.type.extents) for v in p.func.params]
    results = interpret(p.func, args)
    if compiled:
        wrong = same(run(p, args), results, exact=False)
        assert not wrong, f"machine code differs from the interpreter: {wrong}"
    return "".join(f"{type_of(a)} {show_literal(a)}\n" for a in results)


def outcome(source: str, name: str, runs: tuple[tuple[str, dict[str, str]], ...], calls: tuple[str, ...]) -> str:
    names = [run for run, _ in runs]
    if names[0] in PASSES:
        (func,) = parse(source, name).funcs.values()
        return str(placed(func, names))
    p = parse_buffers(source, name)
    verify_buffers(p)
    check_text(p)
    found = [call(p, line, "compile" in names) for line in calls]
    return "\n".join(found) or str(p)


def errors(source: str, name: str) -> dict[int, str]:
    """The messages about an invalid program by line; none about a function that is to become one."""
    if not re.search("^program", source, re.MULTILINE):
        return {}
    try:
        p = parse_buffers(ERROR.sub("", source), name, locate=True)
    except IRError as e:
        line, message = re.match(r"[^:]*:(\d+): (.*)", str(e)).groups()  # type: ignore[union-attr]
        return {int(line): message}
    first = next(k for k, text in enumerate(source.splitlines(), 1) if text.startswith("program"))
    found: dict[int, str] = {}
    for op, message in buffer_errors(p):
        found.setdefault(op.loc.line if op is not None and op.loc else first, message)
    return found
