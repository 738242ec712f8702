"""Partial derivatives of special functions."""

from __future__ import annotations

import math

from ...ir import Builder, Value
from . import Partial
from .elementwise import times

TWO_OVER_ROOT_PI = 2 / math.sqrt(math.pi)


def _gauss(b: Builder, t: Value, x: Value, factor: float) -> Value:
    """t * factor * exp(-x²)"""
    return b.mul(times(b, t, factor), b.exp(b.neg(b.mul(x, x))))


SINGULAR = frozenset({"erfinv", "gammaln", "digamma", "polygamma"})

PARTIALS: dict[str, tuple[Partial, ...]] = {
    "erf": (lambda b, t, r, x: _gauss(b, t, x, TWO_OVER_ROOT_PI),),
    "erfc": (lambda b, t, r, x: _gauss(b, t, x, -TWO_OVER_ROOT_PI),),
    "erfinv": (lambda b, t, r, x: b.mul(times(b, t, 1 / TWO_OVER_ROOT_PI), b.exp(b.mul(r, r))),),
    "expit": (lambda b, t, r, x: b.mul(t, b.mul(r, b.sub(b.like(1, r), r))),),
    "gammaln": (lambda b, t, r, x: b.mul(t, b.digamma(x)),),
    "digamma": (lambda b, t, r, x: b.mul(t, b.polygamma(x, order=1)),),
    "polygamma": (lambda b, t, r, x, order: b.mul(t, b.polygamma(x, order=order + 1)),),
}
