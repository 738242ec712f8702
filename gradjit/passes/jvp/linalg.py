"""Pushforwards of linear algebra."""

from __future__ import annotations

from ...ir import Builder, Op, Value
from .driver import Rule


def _contract(b: Builder, op: Op, tx: Value | None, ty: Value | None) -> list[Value | None]:
    """Linear in each operand: the product rule."""
    x, y = op.operands
    parts = [b.contract(*pair, **op.attrs) for t, pair in ((tx, (tx, y)), (ty, (x, ty))) if t is not None]
    return [parts[0] if len(parts) == 1 else b.add(*parts)]


RULES: dict[str, Rule] = {"contract": _contract}
CONSTANT: dict[str, str] = {}
