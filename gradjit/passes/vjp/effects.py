"""Pullbacks of what prints: a probe prints the cotangent that arrives at it."""

from __future__ import annotations

from collections.abc import Sequence

from ...ir import Builder, Op, Value
from ..partials import effects
from .driver import Rule


def probe(b: Builder, op: Op, needs: tuple[bool, ...], ct: Value) -> Sequence[Value | None]:
    """The cotangent, printed on its way."""
    b.emit("debug_print", ct, format=op.attrs["format"])
    return (ct,)


RULES: dict[str, Rule] = {"probe": probe}
CONSTANT = effects.CONSTANT
