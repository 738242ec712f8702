"""Pushforwards of reductions and scans."""

from __future__ import annotations

from ...ir import Builder, Op, Value
from ..partials.reduction import exclusive_products, recurrence, shifted
from ..vjp import reduction
from .driver import Rule
from .movement import linear


def _prod(b: Builder, op: Op, t: Value) -> list[Value | None]:
    axes = op.attrs["axes"]
    return [b.sum(b.mul(t, exclusive_products(b, op.operands[0], axes)), axes=axes)]


def _extreme(b: Builder, op: Op, t: Value) -> list[Value | None]:
    """The mean tangent of the elements that equal the extreme."""
    x, axes = op.operands[0], op.attrs["axes"]
    chosen = b.eq(x, b.restore_axes(op.result, x.shape, axes))
    count = b.sum(b.cast(chosen, dtype=x.dtype), axes=axes)
    return [b.div(b.sum(b.select(chosen, t, b.zeros(t.type)), axes=axes), count)]


def _cumprod(b: Builder, op: Op, t: Value) -> list[Value | None]:
    """s[k] = x[k] * s[k-1] + r[k-1] * t[k], along the scan."""
    x, axis, reverse = op.operands[0], op.attrs["axis"], op.attrs["reverse"]
    before = shifted(b, op.result, axis, -1 if reverse else 1, 1)
    return [recurrence(b, x, b.mul(before, t), axis, reverse)]


RULES: dict[str, Rule] = {
    **dict.fromkeys(("sum", "cumsum"), linear),
    "prod": _prod,
    "max": _extreme,
    "min": _extreme,
    "cumprod": _cumprod,
}
MASKS: dict[str, Rule] = {"sum": lambda b, op, t: [b.any(t, axes=op.attrs["axes"])]}
CONSTANT = reduction.CONSTANT
