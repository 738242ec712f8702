"""Pushforwards of gathers, scatters and sorting: tangents go where their primal values go."""

from __future__ import annotations

from ...ir import Builder, Op, Value
from ..partials.indexing import all_axes, along
from ..vjp import indexing
from .driver import Rule
from .movement import linear


def _sort(b: Builder, op: Op, t: Value) -> list[Value | None]:
    x, axis = op.operands[0], op.attrs["axis"]
    return [b.gather(t, *along(b, b.argsort(x, axis=axis), axis), axes=all_axes(x))]


RULES: dict[str, Rule] = {
    **dict.fromkeys(("gather", "scatter", "scatter_add"), linear),
    "sort": _sort,
}
MASKS: dict[str, Rule] = {"gather": linear, "scatter": linear, "sort": _sort}
CONSTANT = indexing.CONSTANT
