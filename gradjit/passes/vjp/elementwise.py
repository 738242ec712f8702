"""Pullbacks of elementwise operations: from the table of partial derivatives."""

from __future__ import annotations

from ...ir import Builder, Op, Value
from ..masks import Flow, Masked, single
from ..partials import Partial, elementwise, scale
from .driver import Rule


def from_partials(partials: tuple[Partial, ...]) -> Rule:
    """The rule that scales the cotangent by each operand's partial derivative."""
    def rule(b: Builder, op: Op, needs: tuple[bool, ...], g: Value) -> list[Flow | None]:
        return [scale(b, p, g, op) if need else None for p, need in zip(partials, needs, strict=True)]

    return rule


def _select(b: Builder, op: Op, needs: tuple[bool, ...], g: Value) -> list[Flow | None]:
    """Each side gets the cotangent with the mask beside it; the mask is applied behind that side's derivatives."""
    mask = single(b, op.operands[0])
    return [None, Masked(g, mask) if needs[1] else None, Masked(g, b.not_(mask)) if needs[2] else None]


def _cast(b: Builder, op: Op, needs: tuple[bool, ...], g: Value) -> list[Flow | None]:
    return [b.cast_to(g, op.operands[0].dtype) if needs[0] else None]


RULES: dict[str, Rule] = {
    **{name: from_partials(p) for name, p in elementwise.PARTIALS.items()},
    "select": _select,
    "cast": _cast,
}

CONSTANT = elementwise.CONSTANT

PARTS = frozenset({"select"})
