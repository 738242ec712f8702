"""Partial derivatives of pointwise operations, from which both modes are made.

A partial derivative is stated as what it does to a tangent or a cotangent `t`, so that it can be emitted in its
cheapest form: `log` divides t by x, it does not multiply by a reciprocal.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from enum import Enum
from typing import Any, Union

from ...errors import UnsupportedError
from ...ir import OPS, Builder, Memory, Op, Value
from ...tracer.locations import fail
from ..masks import Flow


class Marker(Enum):
    """Partial derivatives that cost nothing."""

    ONE = "one"
    MINUS_ONE = "minus one"
    ZERO = "zero"


ONE, MINUS_ONE, ZERO = Marker.ONE, Marker.MINUS_ONE, Marker.ZERO


Partial = Union[Marker, Callable[..., "Flow | None"]]
"""A marker, or `partial(b, t, result, *operands, **attrs)`: t scaled by the derivative with regard to one operand."""


def scale(b: Builder, partial: Partial, t: Value, op: Op) -> Flow | None:
    """The tangent or cotangent `t` scaled by a partial derivative of `op`; None where that is zero."""
    if partial is ZERO:
        return None
    if partial is ONE:
        return t
    if partial is MINUS_ONE:
        return b.neg(t)
    return partial(b, t, op.result, *op.operands, **op.attrs)  # type: ignore[operator]


def keeps_zeros(op: Op) -> bool:
    """Whether a pointwise operation's derivatives make zeros of zeros whatever the operands are: they only choose, or
    multiply by a finite number that is known."""
    if op.name == "mul":
        return any((n := constant_of(v)) is not None and abs(n) < math.inf for v in op.operands)
    return OPS[op.name].chooses or op.name in ("broadcast", "cast", "add", "sub", "neg")


def _is_widening(op: Op) -> bool:
    return op.name == "cast" and op.operands[0].dtype.is_integer


def known_extents(b: Builder, x: Value, why: str) -> tuple[int, ...]:
    """x's shape as ints; UnsupportedError with the user's line where an extent is computed."""
    if not x.type.is_static:
        fail(UnsupportedError, f"{why} needs extents that are known when it is compiled, not {x.type}", b.loc)
    return x.type.extents


def constant_of(x: Value) -> Any:
    """The Python number that x is known to repeat over its shape; None if there is none."""
    op = x.op
    while op is not None and (OPS[op.name].memory is Memory.VIEW or _is_widening(op)):
        op = op.operands[0].op
    if op is not None and op.name == "const" and op.attrs["value"].ndim == 0:
        return op.attrs["value"].item()
    return None
