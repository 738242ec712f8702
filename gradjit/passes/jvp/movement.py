"""Pushforwards of operations that move elements: they are linear, and their tangent is moved likewise."""

from __future__ import annotations

from ...ir import Builder, Op, Value
from .driver import Rule


def linear(b: Builder, op: Op, *tangents: Value | None) -> list[Value | None]:
    """The operation itself on the tangents; zeros for absent ones. Integer operands (indices) stay what they are."""
    operands = [(b.zeros(v.type) if v.dtype.is_inexact else v) if t is None else t
                for v, t in zip(op.operands, tangents, strict=True)]
    return [b.append(op.name, operands, op.attrs).result]


RULES: dict[str, Rule] = dict.fromkeys(
    ("broadcast", "reshape", "transpose", "slice", "update", "pad", "concat"), linear)
CONSTANT: dict[str, str] = {}
