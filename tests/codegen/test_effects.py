"""Printing and assertions in machine code: against the interpreter, in loops, on views and computed extents."""

from __future__ import annotations

import ctypes

import numpy as np
import pytest

from gradjit.codegen.printing import Print
from gradjit.ir import F64, interpret, parse, verify
from gradjit.passes import optimize
from gradjit.runtime.kernel import compile_func

ROWS = """
func @f(%x: f64[3,4], %n: i64[]) -> f64[4] {
  %0: i64[] = const 0
  %1: i64[] = const 1
  %z: f64[4] = const 0.0
  %s: f64[4] = for %0, %n, %1, %z {
    (%i: i64[], %a: f64[4])
    %b: i64[] = bounded %i extent=[3]
    %row: f64[1,4] = slice %x [%b:+1, 0:+4]
    %r: f64[4] = reshape %row shape=[4]
    %low: f64[%b] = slice %r [0:+%b]
    %t: f64[3,4] = mul %x, %x
    %turned: f64[4,3] = transpose %t perm=[1,0]
    %c: bool[4] = gt %r, %a
    debug_print %i, %r, %low, %turned, %c format="{}: {} {} {} {}"
    %any: bool[] = any %c axes=[0]
    assert %any message="nothing grows"  ; rows.py:7
    %next: f64[4] = add %a, %r
    yield %next
  }
  debug_print %s, %n format="sum {} of {:d}"
  return %s
}
"""


def both(text, args, capsys):
    """What the interpreter gives and prints, and machine code, optimised and not."""
    f = parse(text)["f"]
    verify(f)
    expected = interpret(f, args)
    shown = capsys.readouterr().out
    for g in (f, optimize(f)):
        for got, wanted in zip(compile_func(g)(*args), expected, strict=True):
            np.testing.assert_allclose(got, wanted, rtol=1e-14)
        assert capsys.readouterr().out == shown
    return shown


def test_prints_in_loops(capsys):
    shown = both(ROWS, [np.arange(1.0, 13.0).reshape(3, 4), 3], capsys)
    assert shown.count("\n") >= 4 and "sum [15. 18. 21. 24.] of 3" in shown


def test_straight_programs(capsys):
    text = """
    func @f(%x: f32[5], %k: i8[], %b: bool[2]) -> f32[] {
      %s: f32[] = sum %x axes=[0]
      debug_print %s, %x, %k, %b format="{:.1f} {} {} {}"
      return %s
    }"""
    assert both(text, [np.arange(5, dtype=np.float32), np.int8(-3), np.array([True, False])], capsys) == \
        "10.0 [0. 1. 2. 3. 4.] -3 [ True False]\n"


def test_assertions_stop_the_program(capsys):
    k = compile_func(parse(ROWS)["f"])
    x = np.arange(1.0, 13.0).reshape(3, 4)
    x[1] = -1
    with pytest.raises(AssertionError, match=r'^nothing grows \(File "rows.py", line 7\)$'):
        k(x, 3)
    assert capsys.readouterr().out.count("\n") == 8  # two iterations of four lines


def test_an_index_out_of_range_stops_the_program(capsys):
    with pytest.raises(IndexError, match="index 3 is out of bounds for an axis with size 3"):
        compile_func(parse(ROWS)["f"])(np.arange(1.0, 13.0).reshape(3, 4), 5)
    assert "3:" not in capsys.readouterr().out


def test_what_printing_raises_passes_through():
    text = 'func @f(%x: f64[2]) -> f64[2] {\n debug_print %x format="{:d}"\n return %x\n}'
    with pytest.raises(ValueError, match="format code 'd'"):
        compile_func(parse(text)["f"])(np.ones(2))


@pytest.mark.parametrize("view", [lambda a: a, lambda a: a[::-1], lambda a: a[1:, ::2], lambda a: a.T[::-1, ::-2],
                                  lambda a: a[:0], lambda a: a[1:2, 2].reshape(())])
def test_words_describe_any_view(view, capsys):
    a = view(np.arange(20.0).reshape(4, 5))
    axes = [w for n, s in zip(a.shape, a.strides, strict=True) for w in (n, s // 8)]
    words = np.array([a.__array_interface__["data"][0], *axes], np.int64)
    Print(((F64, a.ndim),), "{}")(ctypes.addressof(ctypes.c_int64.from_buffer(words)))
    assert capsys.readouterr().out == f"{a[()]}\n"
