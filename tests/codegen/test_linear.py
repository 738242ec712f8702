"""The work of lowering grows as the program does. Calls are counted: a clock would count other people's work, too."""

from __future__ import annotations

from functools import partial

import numpy as np

from gradjit.codegen import lower
from gradjit.ir import Builder, Func, Value
from gradjit.ir.builder import build
from tests.codegen.cases import f64
from tests.passes.test_pipeline import calls_of


def bones(count: int) -> Func:
    """A kinematic chain, unrolled: rotations of 3 by 3 that are built of numbers, multiplied and summed up."""
    def body(b: Builder, angles: Value) -> list[Value]:
        frame, place = b.const(np.eye(3)), b.const(np.zeros(3))
        one, zero = b.const(np.ones(1)), b.const(np.zeros(1))
        for k in range(count):
            angle = b.slice(angles, starts=(k,), sizes=(1,), steps=(1,))
            c, s = b.cos(angle), b.sin(angle)
            rows = b.concat(c, b.neg(s), zero, s, c, zero, zero, zero, one, axis=0)
            rotation = b.reshape(rows, shape=(3, 3))
            frame = b.contract(frame, rotation, xbatch=(), ybatch=(), xsum=(1,), ysum=(0,))
            row = b.reshape(b.slice(frame, starts=(0, 0), sizes=(1, 3), steps=(1, 1)), shape=(3,))
            place = b.add(place, row)
        return [place]
    return build("bones", (f64(count),), body)


def test_a_straight_program() -> None:
    few, many = (calls_of(partial(lower, bones(count))) for count in (20, 80))
    assert many < 4.6 * few
