"""Pullbacks of reductions and scans."""

from __future__ import annotations

from ...ir import Builder, Op, Value
from ..masks import Flow, Masked
from ..partials.reduction import exclusive_products, recurrence, shifted
from .driver import Rule

Needs = tuple[bool, ...]


def _sum(b: Builder, op: Op, needs: Needs, g: Value) -> list[Flow | None]:
    return [b.restore_axes(g, op.operands[0].shape, op.attrs["axes"])]


def _prod(b: Builder, op: Op, needs: Needs, g: Value) -> list[Flow | None]:
    x, axes = op.operands[0], op.attrs["axes"]
    return [b.mul(b.restore_axes(g, x.shape, axes), exclusive_products(b, x, axes))]


def _extreme(b: Builder, op: Op, needs: Needs, g: Value) -> list[Flow | None]:
    """The elements that equal the extreme share the cotangent."""
    x, axes = op.operands[0], op.attrs["axes"]
    chosen = b.eq(x, b.restore_axes(op.result, x.shape, axes))
    share = b.div(g, b.sum(b.cast(chosen, dtype=x.dtype), axes=axes))
    return [Masked(b.restore_axes(share, x.shape, axes), chosen)]


def _cumsum(b: Builder, op: Op, needs: Needs, g: Value) -> list[Flow | None]:
    return [b.cumsum(g, axis=op.attrs["axis"], reverse=not op.attrs["reverse"])]


def _cumprod(b: Builder, op: Op, needs: Needs, g: Value) -> list[Flow | None]:
    """With p[i] the product before i: p[i] * s[i], where s[i] = g[i] + x[i+1] * s[i+1] runs against the scan."""
    x, axis, reverse = op.operands[0], op.attrs["axis"], op.attrs["reverse"]
    step = -1 if reverse else 1
    before = shifted(b, op.result, axis, step, 1)
    following = shifted(b, x, axis, -step, 0)
    return [b.mul(before, recurrence(b, following, g, axis, reverse=not reverse))]


RULES: dict[str, Rule] = {
    "sum": _sum,
    "prod": _prod,
    "max": _extreme,
    "min": _extreme,
    "cumsum": _cumsum,
    "cumprod": _cumprod,
}

CONSTANT = {
    **dict.fromkeys(("any", "all"), "the result is a truth value"),
    **dict.fromkeys(("argmax", "argmin"), "the result is an index"),
}

MOVES_MASKS = frozenset({"sum"})

PARTS = frozenset({"max", "min"})

JOINS_MASKS: dict[str, Rule] = {"prod": _sum, "max": _sum, "min": _sum, "cumsum": _cumsum, "cumprod": _cumsum}
