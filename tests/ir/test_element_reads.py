"""Elements are read where they came from, and only those that surely come from there."""

from __future__ import annotations

import numpy as np

from gradjit.ir import interpret, parse, verify
from gradjit.ir.element_reads import read_elements_directly

TEXT = """
func @f(%x: f64[6,4], %y: f64[3,4], %i: i64[]) -> (f64[1,1], f64[1,1], f64[1,1], f64[2,1], f64[1,1]) {
  %0: f64[4,4] = slice %x [5:+4:-1, 0:+4]
  %1: f64[7,4] = concat %0, %y axis=0
  %2: f64[7,2] = slice %1 [0:+7, 0:+2:3]
  %3: f64[1,1] = slice %2 [1:+1, 1:+1]
  %4: f64[1,1] = slice %2 [6:+1, 0:+1]
  %5: f64[1,1] = slice %1 [%i:+1, 2:+1]
  %6: f64[2,1] = slice %2 [1:+2, 1:+1]
  %7: f64[2,4] = slice %x [%i:+2, 0:+4]
  %8: f64[1,1] = slice %7 [1:+1, 3:+1]
  return %3, %4, %5, %6, %8
}
"""


def test_elements_are_read_where_they_came_from() -> None:
    (func,) = parse(TEXT).funcs.values()
    inputs = [np.arange(24.0).reshape(6, 4), -np.arange(12.0).reshape(3, 4), np.array(2)]
    expected = interpret(func, inputs)
    read_elements_directly(func)
    verify(func)
    for a, b in zip(interpret(func, inputs), expected, strict=True):
        np.testing.assert_array_equal(a, b)
    x, y, _ = func.params
    first, last, computed, two, behind = (r.op for r in func.results)
    assert first.operands == (x,) and first.attrs["starts"] == (4, 3)
    assert last.operands == (y,) and last.attrs["starts"] == (2, 0)
    assert computed.operands[0].op.name == "concat"
    assert two.operands[0].op.name == "slice" and behind.operands[0] is not x
