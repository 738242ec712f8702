"""Pullbacks of what prints: a probe shows the cotangent that arrives at it."""

from __future__ import annotations

from collections.abc import Sequence

from ...ir import Builder, Op, Value
from ..partials import effects
from .driver import Rule


def probe(b: Builder, op: Op, needs: tuple[bool, ...], ct: Value) -> Sequence[Value | None]:
    return (b.show(ct, format=op.attrs["format"]),)


def show(b: Builder, op: Op, needs: tuple[bool, ...], ct: Value) -> Sequence[Value | None]:
    """What has been shown is the identity."""
    return (ct,)


RULES: dict[str, Rule] = {"probe": probe, "show": show}
CONSTANT = effects.CONSTANT
