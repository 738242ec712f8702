"""Fourier transforms: a routine on lines, which may stand in memory with any distances."""

from __future__ import annotations

from math import log2
from typing import TYPE_CHECKING

from ...ir import Op, Value
from ..loops import Call, View
from ..numbers import cost_of
from ..symbolic import reckoned

if TYPE_CHECKING:
    from ..tasks import Lowering


def _transform(low: Lowering, op: Op) -> None:
    (x,) = op.operands
    view, home = lines(low, x, is_complex=op.name != "rfft")
    target = low.view_of(op.result)
    n = max(x.type.extents[-1], x.type.extents[-2] if op.name != "rfft" else 1, 2)
    work = cost_of(op.name) * reckoned(x.type.size) * log2(n) / 8
    low.call(op.result, Call(op.name, (view,), (target,), dict(op.attrs), op.loc, work), [home])


def lines(low: Lowering, x: Value, is_complex: bool) -> tuple[View, Value]:
    """Where the operand stands, with both parts of a complex number side by side."""
    view = low.need(x)
    if is_complex and view.strides[-1] != 1:
        return low.pack(x, tuple(range(x.type.rank)))
    return view, x


TASKS = {"fft": _transform, "rfft": _transform, "irfft": _transform}
