"""Pushforwards of elementwise operations: from the table of partial derivatives."""

from __future__ import annotations

from ...ir import Builder, Op, Value
from ..partials import MINUS_ONE, Partial, elementwise, scale, settle
from .driver import Rule


def from_partials(partials: tuple[Partial, ...]) -> Rule:
    """The rule that sums the tangents, each scaled by its operand's partial derivative."""
    def rule(b: Builder, op: Op, *tangents: Value | None) -> list[Value | None]:
        total: Value | None = None
        for p, t in zip(partials, tangents, strict=True):
            if t is not None:
                total = plus(b, total, p, t, op)
        return [total]

    return rule


def plus(b: Builder, total: Value | None, partial: Partial, t: Value, op: Op) -> Value | None:
    """The total with one more scaled tangent."""
    if partial is MINUS_ONE and total is not None:
        return b.sub(total, t)
    scaled = scale(b, partial, t, op)
    if scaled is None:
        return total
    value = settle(b, scaled)
    return value if total is None else b.add(total, value)


def _div(b: Builder, op: Op, tx: Value | None, ty: Value | None) -> list[Value | None]:
    """(tx - r * ty) / y: one division for both."""
    if ty is None:
        assert tx is not None
        return [b.div(tx, op.operands[1])]
    lost = b.mul(op.result, ty)
    return [b.div(b.neg(lost) if tx is None else b.sub(tx, lost), op.operands[1])]


def _select(b: Builder, op: Op, _: None, tx: Value | None, ty: Value | None) -> list[Value | None]:
    x, y = (b.zeros(op.result.type) if t is None else t for t in (tx, ty))
    return [b.select(op.operands[0], x, y)]


def _cast(b: Builder, op: Op, t: Value) -> list[Value | None]:
    return [b.cast_to(t, op.result.dtype)]


RULES: dict[str, Rule] = {
    **{name: from_partials(p) for name, p in elementwise.PARTIALS.items()},
    "div": _div,
    "select": _select,
    "cast": _cast,
}

CONSTANT = elementwise.CONSTANT
