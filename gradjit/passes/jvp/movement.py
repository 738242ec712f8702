"""Pushforwards of operations that move elements: they are linear, and their tangent is moved likewise."""

from __future__ import annotations

from ...ir import Builder, Op, Value
from .driver import Rule


def linear(b: Builder, op: Op, *tangents: Value | None) -> list[Value | None]:
    """The operation itself on the tangents, or on their masks; zeros for absent ones. Integer operands (indices) stay
    what they are."""
    dtype = next(t.dtype for t in tangents if t is not None)
    operands = [(b.zeros(v.type.with_dtype(dtype)) if v.dtype.is_inexact else v) if t is None else t
                for v, t in zip(op.operands, tangents, strict=True)]
    return [b.append(op.name, operands, op.attrs).result]


RULES: dict[str, Rule] = dict.fromkeys(
    ("broadcast", "reshape", "transpose", "slice", "update", "pad", "concat"), linear)
MASKS: dict[str, Rule] = RULES
CONSTANT: dict[str, str] = {}
