"""Partial derivatives of special functions."""

from __future__ import annotations

import math
from typing import NoReturn

from ...errors import UnsupportedError
from ...ir import Builder, Op, Value
from ...ir.ops.special_functions import signature
from ...tracer.locations import fail
from . import ZERO, Partial
from .elementwise import times

TWO_OVER_ROOT_PI = 2 / math.sqrt(math.pi)


def _gauss(b: Builder, t: Value, x: Value, factor: float) -> Value:
    """t * factor * exp(-x²)"""
    return b.mul(times(b, t, factor), b.exp(b.neg(b.mul(x, x))))


PARTIALS: dict[str, tuple[Partial, ...]] = {
    "erf": (lambda b, t, r, x: _gauss(b, t, x, TWO_OVER_ROOT_PI),),
    "erfc": (lambda b, t, r, x: _gauss(b, t, x, -TWO_OVER_ROOT_PI),),
    "erfinv": (lambda b, t, r, x: b.mul(times(b, t, 1 / TWO_OVER_ROOT_PI), b.exp(b.mul(r, r))),),
    "expit": (lambda b, t, r, x: b.mul(t, b.mul(r, b.sub(b.like(1, r), r))),),
    "gammaln": (lambda b, t, r, x: b.mul(t, b.digamma(x)),),
    "digamma": (lambda b, t, r, x: b.mul(t, b.polygamma(x, order=1)),),
    "polygamma": (lambda b, t, r, x, order: b.mul(t, b.polygamma(x, order=order + 1)),),
}


# SciPy's functions ----------------------------------------------------------------------------------------------------
def of_call(op: Op) -> tuple[Partial, ...]:
    """The partial derivatives of a `special_call`, from the row of its function. The rows are imported when a program
    has one: they are many."""
    from .special_functions import row
    function, result = op.attrs["function"], op.attrs.get("result", 0)
    return tuple(_of_entry(entry, function, k) for k, entry in enumerate(row(function, result)))


def _of_entry(entry: object, function: str, position: int) -> Partial:
    from .special_functions import STEPS
    from .terms import Term
    if entry is STEPS:
        return ZERO
    if not callable(entry):
        return lambda b, t, r, *operands, **attrs: _refuse(b, function, position, str(entry))
    return lambda b, t, r, *operands, **attrs: b.mul(t, entry(Term(b, r), *(Term(b, v) for v in operands)).v)


def _refuse(b: Builder, function: str, position: int, reason: str) -> NoReturn:
    s = signature(function)
    name = s.operands[position]
    fail(UnsupportedError, f"the derivative of {s.written} with regard to its argument {name} is not known: {reason}. "
                           f"If it is to be held constant, pass it as a number or leave it out of argnums; otherwise "
                           f"write a difference quotient of two calls: (f({name} + h) - f({name} - h)) / (2 * h)",
         b.loc)
