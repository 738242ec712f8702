"""Reductions and scans: their axes stand one further behind."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from ...ir import Builder, Op, Value
from .driver import Rule


def _axes(b: Builder, op: Op, operands: Sequence[Value], batched: Sequence[bool], size: int) -> Sequence[Value]:
    return b.append(op.name, operands, {"axes": tuple(a + 1 for a in op.attrs["axes"])}).results


def one_axis(b: Builder, op: Op, operands: Sequence[Value], batched: Sequence[bool], size: int) -> Sequence[Value]:
    attrs: dict[str, Any] = {**op.attrs, "axis": op.attrs["axis"] + 1}
    return b.append(op.name, operands, attrs).results


RULES: dict[str, Rule] = {
    **dict.fromkeys(("sum", "prod", "max", "min", "any", "all"), _axes),
    **dict.fromkeys(("argmax", "argmin", "cumsum", "cumprod"), one_axis),
}
