"""Pushforwards by rules that somebody has written; a rule for cotangents is transposed."""

from __future__ import annotations

from collections.abc import Sequence

from ...ir import Builder, Func, Op, Value
from ...ir.clone import inline
from ...ir.ops.custom import Rule as Custom
from ..vjp.custom import check_wanted, refuse, transposed
from .driver import Rule


def pushed(b: Builder, op: Op, *tangents: Value | None) -> Sequence[Value | None]:
    rule, n = op.attrs["rule"], op.attrs["results"]
    operands, given = op.operands[n:], tangents[n:]
    for k, t in enumerate(given):
        if t is not None:
            check_wanted(rule, k, op)
    moving = [b.zeros(v.type) if t is None else t for v, t in zip(operands, given, strict=True) if v.dtype.is_inexact]
    found = iter(inline(b, push_of(rule, len(operands)), (*operands, *moving)))
    return [next(found) if r.dtype.is_inexact else None for r in op.results]


def push_of(rule: Custom, operands: int) -> Func:
    found = rule.push()
    if found is None:
        found = rule.pull()
        assert found is not None
        found = transposed(found, operands)
    return found


def opaque(b: Builder, op: Op, *tangents: Value | None) -> Sequence[Value | None]:
    refuse(op)


RULES: dict[str, Rule] = {"custom": pushed, "opaque": opaque}
CONSTANT: dict[str, str] = {}
