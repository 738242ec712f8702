"""scipy.linalg's factorisations, and what is solved with them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from ...errors import ArgumentError
from .. import operands as o
from ..array import TracedArray
from ..locations import fail
from ..numpy import factorisation as nf
from ..numpy.common import call, truth
from ..operands import emit

Rule = Callable[..., Any]


def name(f: str) -> str:
    return f"scipy.linalg.{f}"


def finite(*arrays: TracedArray, check: bool = True) -> None:
    """SciPy looks whether its operands are finite, where it is not told otherwise."""
    for x in arrays if check else ():
        o.require(call(np.isfinite, x), "array must not contain infs or NaNs")


def flag(x: Any, what: str) -> bool:
    return bool(o.static_int(x, what))


# Cholesky -------------------------------------------------------------------------------------------------------------
def _factor(a: Any, lower: Any, check_finite: Any, what: str) -> tuple[TracedArray, TracedArray, bool]:
    x, is_lower = nf.squares(a, name(what)), flag(lower, "lower")
    finite(x, check=flag(check_finite, "check_finite"))
    factor = emit("cholesky", x if is_lower else nf.turned(x))
    return x, factor if is_lower else nf.turned(factor), is_lower


def cholesky(a, lower=False, overwrite_a=False, check_finite=True):
    return _factor(a, lower, check_finite, "cholesky")[1]


def cho_factor(a, lower=False, overwrite_a=False, check_finite=True):
    """The other triangle is that of the matrix."""
    x, factor, is_lower = _factor(a, lower, check_finite, "cho_factor")
    n = x.extents[-1]
    mask = np.tri(n, dtype=bool) if is_lower else np.tri(n, dtype=bool).T
    return emit("select", o.broadcast_to(o.constant(mask), x.extents), factor, x), is_lower


def cho_solve(c_and_lower, b, overwrite_b=False, check_finite=True):
    c, lower = c_and_lower
    factor, is_lower = nf.squares(c, name("cho_solve")), flag(lower, "lower")
    s = nf.System(factor, b, name("cho_solve"))
    finite(s.a, s.b, check=flag(check_finite, "check_finite"))
    first = nf.triangular(s.a, s.b, is_lower, not is_lower)
    return s.result(nf.triangular(s.a, first, is_lower, is_lower))


# triangles ------------------------------------------------------------------------------------------------------------
TRANSPOSED = {0: False, "N": False, 1: True, "T": True, 2: True, "C": True}


def solve_triangular(a, b, trans=0, lower=False, unit_diagonal=False, overwrite_b=False, check_finite=True):
    x, is_lower, unit = nf.squares(a, name("solve_triangular")), flag(lower, "lower"), flag(unit_diagonal, "unit")
    if trans not in TRANSPOSED:
        fail(ArgumentError, f"trans={trans!r} is none of 0, 1, 2, 'N', 'T', 'C'")
    s = nf.System(x, b, name("solve_triangular"))
    finite(s.a, s.b, check=flag(check_finite, "check_finite"))
    if not unit:
        o.require(truth(nf.diagonals(x)), "singular matrix: there is a zero on the diagonal", "LinAlgError")
    return s.result(nf.triangular(s.a, s.b, is_lower, TRANSPOSED[trans], unit))


_CHOLESKY, _BASIC = "scipy.linalg._decomp_cholesky", "scipy.linalg._basic"
RULES: dict[tuple[str, str], Rule] = {
    (_CHOLESKY, "cholesky"): cholesky, (_CHOLESKY, "cho_factor"): cho_factor, (_CHOLESKY, "cho_solve"): cho_solve,
    (_BASIC, "solve_triangular"): solve_triangular,
}
