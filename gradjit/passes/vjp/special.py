"""Pullbacks of special functions: from the table of partial derivatives."""

from __future__ import annotations

from ...ir import Builder, Op, Value
from ..masks import Flow
from ..partials import special
from .driver import Rule
from .elementwise import from_partials


def _special_call(b: Builder, op: Op, needs: tuple[bool, ...], g: Value) -> list[Flow | None]:
    return from_partials(special.of_call(op))(b, op, needs, g)  # type: ignore[return-value]


RULES: dict[str, Rule] = {
    **{name: from_partials(p) for name, p in special.PARTIALS.items()},
    "special_call": _special_call,
}
CONSTANT: dict[str, str] = {}
