"""Pushforwards of elementwise operations: from the table of partial derivatives."""

from __future__ import annotations

from ...ir import Builder, Op, Value
from ..masks import Flow, Masked, single
from ..partials import MINUS_ONE, Marker, Partial, elementwise, scale
from .driver import Rule, together


def from_partials(partials: tuple[Partial, ...]) -> Rule:
    """The rule that sums the tangents, each scaled by its operand's partial derivative."""
    def rule(b: Builder, op: Op, *tangents: Value | None) -> list[Flow | None]:
        parts: list[Flow] = []
        for p, t in zip(partials, tangents, strict=True):
            if t is not None and p is MINUS_ONE and parts and isinstance(parts[-1], Value):
                parts[-1] = b.sub(parts[-1], t)
            elif t is not None and (scaled := scale(b, p, t, op)) is not None:
                parts.append(scaled)
        return [together(b, parts)]

    return rule


def _div(b: Builder, op: Op, tx: Value | None, ty: Value | None) -> list[Value | None]:
    """(tx - r * ty) / y: one division for both."""
    if ty is None:
        assert tx is not None
        return [b.div(tx, op.operands[1])]
    lost = b.mul(op.result, ty)
    return [b.div(b.neg(lost) if tx is None else b.sub(tx, lost), op.operands[1])]


def _select(b: Builder, op: Op, _: None, tx: Value | None, ty: Value | None) -> list[Flow | None]:
    """The tangent of the side that is chosen; where that side has none the tangent is absent, not zero."""
    mask = op.operands[0]
    if tx is None or ty is None:
        one = single(b, mask)
        return [Masked(tx, one) if tx is not None else None if ty is None else Masked(ty, b.not_(one))]
    return [b.select(mask, tx, ty)]


def _cast(b: Builder, op: Op, t: Value) -> list[Value | None]:
    return [b.cast_to(t, op.result.dtype)]


RULES: dict[str, Rule] = {
    **{name: from_partials(p) for name, p in elementwise.PARTIALS.items()},
    "div": _div,
    "select": _select,
    "cast": _cast,
}

CONSTANT = elementwise.CONSTANT

LINEAR = {"select", "cast", *(name for name, partials in elementwise.PARTIALS.items()
                              if all(isinstance(p, Marker) for p in partials))}
