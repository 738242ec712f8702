"""Text that is wrong on purpose: each is refused with a GradjitError, by the interpreter and by machine code alike."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import pytest

from gradjit.codegen.loopir import parse as parse_kernel
from gradjit.errors import ArgumentError, BoundsError, GradjitError, IRError, ShapeError
from gradjit.ir import Func, interpret, parse, print_module, verify
from gradjit.ir.insert_checks import insert_checks
from gradjit.passes import optimize
from gradjit.runtime.kernel import compile_func

X = np.arange(4.0)

RUNNERS: dict[str, Callable[[Func, Sequence[Any]], Any]] = {
    "interpreter": interpret,
    "guarded": lambda f, args: interpret(insert_checks(f), args),
    "compiled": lambda f, args: compile_func(f)(*args),
    "optimized": lambda f, args: compile_func(optimize(f))(*args),
}


def func(body: str, signature: str) -> Func:
    (f,) = parse(f"func @f{signature} {{\n{body}\n}}\n").funcs.values()
    verify(f)
    return f


TAKES, GIVES = "(%x: f64[4], %i: i64[], %n: i64[]) -> ", "return %y"
LARGE = 2**62

AT_RUN_TIME = {
    "slice": ("%y: f64[2] = slice %x [%i:+2]", "f64[2]", BoundsError, [(3, 0), (-1, 0), (2**63 - 1, 0), (-2**63, 0)]),
    "strided": ("%y: f64[2] = slice %x [%i:+2:3]", "f64[2]", BoundsError, [(1, 0), (-1, 0)]),
    "backwards": ("%y: f64[3] = slice %x [%i:+3:-1]", "f64[3]", BoundsError, [(1, 0), (4, 0), (-2**63, 0)]),
    "extent": ("%z: f64[%n] = slice %x [%i:+%n]\n%y: f64[] = sum %z axes=[0]", "f64[]", BoundsError,
               [(0, 5), (3, 2), (0, -1), (0, -2**63), (0, 2**62), (-1, 2), (4, 1), (2**63 - 1, 2)]),
    "update": ("%o: f64[2] = const {1.0,2.0}\n%y: f64[4] = update %x, %o starts=[%i] steps=[1]", "f64[4]", BoundsError,
               [(3, 0), (-1, 0), (2**40, 0)]),
    "gather": ("%y: f64[] = gather %x, %i axes=[0]", "f64[]", BoundsError, [(4, 0), (-1, 0), (2**40, 0)]),
    "scatter": ("%o: f64[] = const 1.0\n%y: f64[4] = scatter_add %x, %i, %o axes=[0]", "f64[4]", BoundsError,
                [(4, 0), (-1, 0)]),
    "iota": ("%w: f64[%n] = slice %x [0:+%n]\n%z: i64[%n] = iota shape=[%n] axis=0 dtype=i64\n"
             "%s: i64[] = sum %z axes=[0]\n%v: f64[] = sum %w axes=[0]\n%t: f64[] = cast %s dtype=f64\n"
             "%y: f64[] = add %v, %t", "f64[]", GradjitError, [(0, -1), (0, 5), (0, 10**12)]),
    "empty": ("%z: f64[%n] = slice %x [0:+%n]\n%y: f64[] = max %z axes=[0]", "f64[]", GradjitError, [(0, 0)]),
    "step": ("%lo: i64[] = const 0\n%c: f64[] = const 0.0\n%y: f64[] = for %lo, %n, %i, %c { (%k: i64[], %a: f64[])\n"
             "yield %a }", "f64[]", ArgumentError, [(0, 3)]),
    "wraps": ("%s: i64[] = add %i, %i\n%t: i64[] = const 3\n%u: i64[] = abs %s\n%v: i64[] = minimum %u, %t\n"
              "%y: f64[1] = slice %x [%v:+1]", "f64[1]", BoundsError, [(LARGE, 0)]),
    "wraps in a loop": (
        "%a: i64[] = abs %i\n%s: i64[] = add %a, %a\n%t: i64[] = const 3\n%lo: i64[] = minimum %s, %t\n"
        "%hi: i64[] = const 2\n%one: i64[] = const 1\n%c: f64[1] = const 0.0\n"
        "%y: f64[1] = for %lo, %hi, %one, %c { (%k: i64[], %q: f64[1])\n%e: f64[1] = slice %x [%k:+1]\nyield %e }",
        "f64[1]", GradjitError, [(LARGE, 0)]),
    "empty tape": ("%t: tape[] = tape\n%u: tape[], %y: f64[] = pop %t types=[f64[]]", "f64[]", BoundsError, [(0, 0)]),
    "other types": ("%t: tape[] = tape\n%z: f64[] = const 1.0\n%u: tape[] = push %t, %x\n"
                    "%v: tape[], %y: f64[] = pop %u types=[f64[]]", "f64[]", GradjitError, [(0, 0)]),
    "other lengths": ("%t: tape[] = tape\n%z: f64[%n] = slice %x [0:+%n]\n%u: tape[] = push %t, %z\n"
                      "%w: f64[%i] = slice %x [0:+%i]\n%v: tape[], %q: f64[%i] = pop %u types=[f64[%i]]\n"
                      "%a: f64[%i] = add %q, %w\n%y: f64[] = sum %a axes=[0]", "f64[]", ShapeError, [(3, 2), (1, 4)]),
    "popped twice": ("%t: tape[] = tape\n%z: f64[] = const 1.0\n%u: tape[] = push %t, %z\n"
                     "%v: tape[], %p: f64[] = pop %u types=[f64[]]\n%w: tape[], %y: f64[] = pop %v types=[f64[]]",
                     "f64[]", BoundsError, [(0, 0)]),
    "popped more often than pushed": (
        "%t: tape[] = tape\n%lo: i64[] = const 0\n%one: i64[] = const 1\n%c: f64[] = const 0.0\n"
        "%u: tape[] = for %lo, %n, %one, %t { (%k: i64[], %a: tape[])\n%b: tape[] = push %a, %c\nyield %b }\n"
        "%v: tape[], %y: f64[] = for %lo, %i, %one, %u, %c { (%k: i64[], %a: tape[], %s: f64[])\n"
        "%b: tape[], %e: f64[] = pop %a types=[f64[]]\n%r: f64[] = add %e, %s\nyield %b, %r }", "f64[]", BoundsError,
        [(4, 3), (1, 0), (100000, 3)]),
}

RIGHT = {
    "slice": [(0, 0), (2, 0)], "strided": [(0, 0)], "backwards": [(2, 0), (3, 0)],
    "extent": [(0, 4), (4, 0), (100, 0), (1, 3)], "update": [(0, 0), (2, 0)], "gather": [(3, 0)], "scatter": [(0, 0)],
    "iota": [(0, 0), (0, 4)], "empty": [(0, 1)], "step": [(1, 3), (-1, 3)], "wraps": [(0, 0), (1, 0), (-1, 0)],
    "wraps in a loop": [(0, 0), (1, 0)], "other lengths": [(2, 2), (0, 0)],
    "popped more often than pushed": [(3, 3), (0, 0)],
}
"""Arguments at which the same programs are right."""


@pytest.mark.parametrize("runner", RUNNERS)
@pytest.mark.parametrize("name", AT_RUN_TIME)
def test_at_run_time(name: str, runner: str) -> None:
    body, result, error, calls = AT_RUN_TIME[name]
    f = func(f"{body}\n{GIVES}", TAKES + result)
    kernel = compile_func(optimize(f) if runner == "optimized" else f) if runner in ("compiled", "optimized") else None

    def run(i: int, n: int) -> Any:
        args = [X, np.int64(i), np.int64(n)]
        return kernel(*args) if kernel is not None else RUNNERS[runner](f, args)

    for i, n in () if runner == "optimized" and name == "step" else calls:  # a loop that does nothing is dropped
        with pytest.raises(GradjitError) as e:
            run(i, n)
        assert isinstance(e.value, error) or runner != "interpreter"
    for i, n in RIGHT.get(name, ()):
        expected = interpret(f, [X, np.int64(i), np.int64(n)])
        assert all(np.array_equal(a, b) for a, b in zip(run(i, n), expected, strict=True))


WITHOUT_SENSE = {
    "a start that is a float": "%s: f64[] = const 1.5\n%y: f64[2] = slice %x [%s:+2]\nreturn %y",
    "an extent that is a float": "%s: f64[] = const 1.5\n%y: f64[2] = slice %x [0:+%s]\nreturn %y",
    "push without operands": "%t: tape[] = tape\n%u: tape[] = push\n%y: f64[2] = slice %x [0:+2]\nreturn %y",
    "an integer beyond 64 bits": "%y: i64[] = const 9223372036854775808\nreturn %y",
    "a small integer that is none": "%y: i8[] = const 128\nreturn %y",
    "an infinite integer": "%y: i64[] = const inf\nreturn %y",
    "a fraction as an integer": "%y: i64[] = const 1.5\nreturn %y",
    "an axis beyond 64 bits": "%y: f64[] = sum %x axes=[99999999999999999999]\nreturn %y",
    "a long number": f"%y: i64[] = const {'9' * 5000}\nreturn %y",
    "a long axis": f"%y: f64[] = sum %x axes=[{'9' * 5000}]\nreturn %y",
    "an axis that is computed": "%i: i64[] = const 0\n%y: f64[] = sum %x axes=[%i]\nreturn %y",
    "a truth of another kind": "%y: bool[] = const 1\nreturn %y",
    "a word for a number": "%y: f64[] = const true\nreturn %y",
    "an array of tapes": "%y: tape[3] = tape\nreturn %y",
    "a literal of a tape": "%y: tape[] = const 0\nreturn %y",
    "a tape that is reshaped": "%t: tape[] = tape\n%y: tape[1] = reshape %t shape=[1]\nreturn %y",
    "a tape that is returned": "%y: tape[] = tape\nreturn %y",
    "a tape that is used twice in a loop": (
        "%i: i64[] = const 0\n%y: f64[4] = for %i, %i, %i, %x { (%k: i64[], %a: f64[4])\n%t: tape[] = tape\n"
        "%u: tape[] = push %t, %a\n%v: tape[] = push %t, %a\nyield %a }\nreturn %y"),
    "an array larger than memory can be": "%y: f64[9223372036854775807] = const 0.0\nreturn %y",
    "many extents": f"%y: f64[{','.join(['1000'] * 60)}] = const 0.0\nreturn %y",
    "an extent below 0": "%y: f64[-1] = const 0.0\nreturn %y",
    "concat of nothing": "%y: f64[] = concat axis=0\nreturn %y",
    "for without bounds": "%y: f64[] = for { (%k: i64[])\nyield }\nreturn %y",
    "a line of a million": "%y: f64[4] = exp %x  ; file:" + "9" * 6000 + "\nreturn %z",
    "deep regions": "%c: bool[] = const true\n" + "%y: f64[4] = if %c { ()\n" * 2000,
    "another error for an assertion": '%c: bool[] = const true\nassert %c message="m" error="dict"\nreturn %x',
    "deep parentheses": "%y: f64[" + "(" * 3000 + "n] = exp %x\nreturn %y",
    "a sum of bools": "%c: bool[4] = const true\n%i: i64[1] = const 0\n%v: bool[1] = const true\n"
                      "%b: bool[4] = scatter_add %c, %i, %v axes=[0]\nreturn %x",
    "gather of nothing": "%y: f64[4] = gather axes=[0]\nreturn %y",
}


@pytest.mark.parametrize("name", WITHOUT_SENSE)
def test_without_sense(name: str) -> None:
    with pytest.raises(GradjitError) as e:
        verify(parse(f"func @f(%x: f64[4]) -> f64[4] {{\n{WITHOUT_SENSE[name]}\n}}\n"))
    assert len(str(e.value)) < 2000


@pytest.mark.parametrize("text", [
    "func", "func @", "func @f", "func @f(", "func @f(%", "func @f(%x: f64[" + "f64[" * 3000, "@f", "{", "\0", "%",
    "func @f() -> f64[] { return", "func @f() -> () { } }", ";" * 3000, "\x85\u2028func",
    "func @f() -> () { return }\nfunc @f() -> () { return }",
])
def test_no_function(text: str) -> None:
    try:
        assert not parse(text).funcs
    except IRError:
        pass


@pytest.mark.parametrize("text", [
    "kernel @f:\n  input x: f64[" + "(" * 5000, "kernel @f:\n  output y: f64[3]\n  y[0] = " + "(" * 5000,
])
def test_no_kernel(text: str) -> None:
    with pytest.raises(IRError, match="too deeply|stand in one another"):
        parse_kernel(text)


def test_guards_are_for_what_is_not_known() -> None:
    """A program at known places is what it was; one that proves its places gets no check of these."""
    f = func("%y: f64[2] = slice %x [1:+2]\nreturn %y", "(%x: f64[4]) -> f64[2]")
    assert insert_checks(f) is f
    f = func("%lo: i64[] = const 0\n%hi: i64[] = const 3\n%one: i64[] = const 1\n%c: f64[1] = const 0.0\n"
             "%y: f64[1] = for %lo, %hi, %one, %c { (%k: i64[], %q: f64[1])\n%j: i64[] = add %k, %one\n"
             "%e: f64[1] = slice %x [%j:+1]\nyield %e }\nreturn %y", "(%x: f64[4]) -> f64[1]")
    assert str(insert_checks(f)) == str(f)


def test_what_is_guarded_is_well_formed() -> None:
    for body, result, _, _ in AT_RUN_TIME.values():
        g = insert_checks(func(f"{body}\n{GIVES}", TAKES + result))
        verify(g)
        text = str(g)
        assert print_module(parse(text)) == text
