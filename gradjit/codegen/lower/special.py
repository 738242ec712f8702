"""The machine code of special functions."""

from __future__ import annotations

from llvmlite import ir

from ...ir import DType
from ..vecmath.lanes import Lanes
from .elementwise import Rule, vector_math


def _polygamma(L: Lanes, t: DType, x: ir.Value, order: int) -> ir.Value:
    from ..vecmath import special
    return special.polygamma(L, x, order)


EMIT: dict[str, Rule] = {
    **{n: vector_math(n) for n in ("erf", "erfc", "erfinv", "expit", "gammaln", "digamma")},
    "polygamma": _polygamma,
}
