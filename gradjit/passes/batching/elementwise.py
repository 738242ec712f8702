"""Elementwise operations do not know their operands' shape: those without a batch axis are repeated along it."""

from __future__ import annotations

from collections.abc import Sequence

from ...ir import OPS, Builder, Op, Value
from .driver import Rule, all_spread


def pointwise(b: Builder, op: Op, operands: Sequence[Value], batched: Sequence[bool], size: int) -> Sequence[Value]:
    return b.append(op.name, all_spread(b, operands, batched, size), op.attrs).results


def family(name: str) -> dict[str, Rule]:
    """The rule for each of a family's pointwise operations."""
    return {op: pointwise for op, spec in OPS.items() if spec.family == name and spec.pointwise}


RULES: dict[str, Rule] = family("elementwise")
