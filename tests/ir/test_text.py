"""The text form: what is printed, that it parses back to the same, and where errors point."""

from __future__ import annotations

import numpy as np
import pytest

from gradjit.errors import IRError
from gradjit.ir import BOOL, C64, C128, DTYPES, F32, F64, I8, I64, U64, ArrayType, DType, Loc, Value, parse, print_func
from gradjit.ir.builder import build
from gradjit.ir.core import Block, Func, Module


def again(f: Func) -> Func:
    """Printed, parsed, and printed to the same text."""
    text = print_func(f)
    (back,) = parse(text).funcs.values()
    assert print_func(back) == text
    return back


def constant(value: object, dtype: DType) -> np.ndarray:
    """A literal that has been through the text."""
    f = again(build("f", [], lambda b: [b.const(value, dtype)]))
    return f.ops[0].attrs["value"]


@pytest.mark.parametrize("dtype, value", [
    (F64, 0.1), (F64, -0.0), (F64, 5e-324), (F64, 1.7976931348623157e308), (F64, np.inf), (F64, -np.inf), (F64, np.nan),
    (F32, np.float32(0.1)), (F32, 3e-45), (F32, -0.0), (I64, -2**63), (I64, 2**63 - 1), (U64, 2**64 - 1), (I8, -128),
    (BOOL, True), (BOOL, False), (C128, 1.5 - 2j), (C128, complex(-0.0, np.nan)), (C128, complex(np.inf, -0.0)),
    (C64, np.complex64(0.1 + 0.2j)),
])
def test_numbers_survive_bit_by_bit(dtype: DType, value: object) -> None:
    expected = np.asarray(value, dtype.np)
    assert constant(value, dtype).tobytes() == expected.tobytes()
    pair = np.stack([expected, expected])
    assert constant(pair, dtype).tobytes() == pair.tobytes()


@pytest.mark.parametrize("shape", [(0,), (2, 0, 3), (1,), (1, 1), (2, 3)])
def test_literals_of_every_shape(shape: tuple[int, ...]) -> None:
    a = constant(np.arange(np.prod(shape)).reshape(shape), F64)
    assert a.shape == shape
    assert not a.flags.writeable


def test_every_dtype_is_one_object() -> None:
    import copy
    import pickle
    for name, dtype in DTYPES.items():
        assert dtype.name == name
        assert pickle.loads(pickle.dumps(dtype)) is dtype
        assert copy.deepcopy(dtype) is dtype


def test_names_are_kept_and_made_unique() -> None:
    f = build("f", [ArrayType(F64)] * 2, lambda b, x, y: [b.add(x, y), b.mul(x, y)], ["x", "x"])
    f.ops[0].result.name = "x"
    f.ops[1].result.name = "no name at all"
    back = again(f)
    assert "%x, %x.1" in print_func(f)
    assert [p.name for p in back.params] == ["x", "x"]
    assert "%0: f64[] = mul" in print_func(f)


def test_a_hint_that_looks_like_another_name() -> None:
    f = build("f", [ArrayType(F64)] * 3, lambda b, x, y, z: [b.add(b.add(x, y), z)], ["x", "x.1", "x"])
    f.ops[0].result.name = "x.1"
    again(f)


def test_locations() -> None:
    f = build("f", [ArrayType(F64)], lambda b, x: [b.exp(x)])
    f.ops[0].loc = Loc("/home/someone/model.py", 12)
    assert "  ; model.py:12\n" in print_func(f)
    assert "model.py" not in print_func(f, locations=False)
    assert again(f).ops[0].loc == Loc("model.py", 12)


def test_comments_and_locations_of_a_text() -> None:
    text = ("; a comment\nfunc @f(%x: f64[]) -> f64[] {  ; another\n  ; and one more: 3\n"
            "  %y: f64[] = exp %x  ; model.py:7\n  %z: f64[] = sin %y\n  return %z\n}\n")
    f = parse(text, "case.ir", locate=True)["f"]
    assert [str(op.loc) for op in f.ops] == ["model.py:7", "case.ir:5"]
    assert parse(text)["f"].ops[1].loc is None


def test_regions_and_symbolic_extents() -> None:
    text = """\
func @f(%n: i64[], %x: f64[%n,3]) -> (f64[%n,3], f64[]) {
  %zero: i64[] = const 0
  %one: i64[] = const 1
  %s: f64[] = const 0.0
  %y: f64[%n,3], %t: f64[] = for %zero, %n, %one, %x, %s {
    (%i: i64[], %a: f64[%n,3], %b: f64[])
    %j: i64[] = add %i, %one
    %w: f64[%j,1] = slice %a [0:+%j, 2:+1:-1]
    %v: f64[] = sum %w axes=[0,1]
    %c: bool[] = lt %v, %b
    %d: f64[] = if %c {
      ()
      %e: f64[] = add %b, %v
      yield %e
    } {
      ()
      %g: f64[] = while %v {
        (%h: f64[])
        %k: bool[] = isnan %h
        yield %k
      } {
        (%l: f64[])
        yield %b
      }
      yield %g
    }
    yield %a, %d
  }
  return %y, %t
}
"""
    assert print_func(parse(text)["f"]) == text


def test_modules_keep_their_order() -> None:
    m = Module()
    for name in ("g", "f.vjp", "<lambda>"):
        m.add(build(name, [ArrayType(F64)], lambda b, x: [x]))
    assert list(parse(str(m)).funcs) == ["g", "f.vjp", "<lambda>"]
    assert str(parse(str(m))) == str(m)


def test_a_function_without_results_or_operations() -> None:
    f = Func("f", Block())
    assert print_func(f) == "func @f() -> () {\n  return\n}\n"
    again(f)


@pytest.mark.parametrize("text, line, message", [
    ("func @f(%x: f64[]) -> f64[] {\n  %y: f64[] = exq %x\n  return %y\n}", 2, "unknown operation 'exq'"),
    ("func @f(%x: f64[]) -> f64[] {\n  return %x\n", 2, "expected '}', found the end"),
    ("func @f(%x: f64[]) -> f64[] {\n\n  %y: f64[] = exp %x\n}", 4, "expected an operation or 'return'"),
    ("func @f(%x: f64[2.5]) -> f64[] {\n  return %x\n}", 1, "expected an integer, found '2.5'"),
    ("func @f(%x: f64[%n]) -> f64[] {\n  return %x\n}", 1, "%n is not defined"),
    ("func @f() -> () {\n  return\n}\nfunc @f() -> () {\n  return\n}", 6, "@f is defined twice"),
    ("func @f(%x: f64[], %x: f64[]) -> f64[] {\n  return %x\n}", 1, "%x is defined twice"),
    ("func @f() -> f64[] {\n  %c: f64[] = const one\n  return %c\n}", 2, "expected a number"),
    ("hello", 1, "expected 'func'"),
])
def test_errors_name_the_line(text: str, line: int, message: str) -> None:
    with pytest.raises(IRError, match=rf"^case\.ir:{line}: ") as e:
        parse(text, "case.ir")
    assert message in str(e.value)


def test_every_truncation_is_an_error() -> None:
    """No prefix of a program parses, and none fails in another way."""
    text = print_func(build("f", [ArrayType(F64, (3,))], lambda b, x: [
        b.sum(b.pad(x, b.const(1.0), lows=(1,), highs=(0,), interiors=(2,)), axes=(0,)), b.slice(
            x, starts=(2,), sizes=(3,), steps=(-1,)), b.const([1.0, 2.0]), b.cumsum(x, axis=0, reverse=True)]))
    assert isinstance(parse(text)["f"].ops[0].result, Value)
    for end in range(1, len(text) - 1):
        with pytest.raises(IRError):
            parse(text[:end])
