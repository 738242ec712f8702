"""numpy.linalg's factorisations, and what is solved with them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from ...errors import DtypeError, LinAlgError
from .. import operands as o
from ..locations import fail
from ..operands import TracedArray, cast, emit
from .common import array, reshape, swap_axes
from .movement import diagonal_of

Rule = Callable[..., Any]


# operands -------------------------------------------------------------------------------------------------------------
def stack(a: Any, func: Any) -> TracedArray:
    """Matrices of float32 or float64 (integers become float64)."""
    x = array(a)
    if x.ir_dtype.is_complex:
        o.unsupported(func, "of complex numbers")
    if x.dtype == np.float16:
        fail(DtypeError, "array type float16 is unsupported in linalg")
    if x.ndim < 2:
        fail(LinAlgError, f"{x.ndim}-dimensional array given. Array must be at least two-dimensional")
    return x if x.ir_dtype.is_float else cast(x, np.float64)


def squares(a: Any, func: Any) -> TracedArray:
    """Square ones."""
    x = stack(a, func)
    if not o.may_agree(*x.extents[-2:]):
        fail(LinAlgError, "Last 2 dimensions of the array must be square")
    return x


def turned(x: TracedArray) -> TracedArray:
    """The transposed matrices."""
    return swap_axes(x, x.ndim - 2, x.ndim - 1)


class System:
    """Matrices and right-hand sides in one dtype and of one stack; a vector is one column.

    vector: whether b is one (all of its axes but the last are then a stack). By default what is 1-d is.
    """

    def __init__(self, a: TracedArray, b: Any, func: Any, vector: bool | None = None):
        y = array(b)
        if y.ir_dtype.is_complex:
            o.unsupported(func, "of complex numbers")
        if not y.ndim:
            fail(LinAlgError, "0-dimensional array given. Array must be at least one-dimensional")
        dtype = np.result_type(a.dtype, y.dtype if y.ir_dtype.is_float else np.float64)
        a, y = cast(a, dtype), cast(y, dtype)
        self.vector = y.ndim == 1 if vector is None else vector
        y = reshape(y, (*y.extents, 1)) if self.vector else y
        if not o.may_agree(a.extents[-1], y.extents[-2]):
            fail(LinAlgError, f"{o.name_of(func)}: a matrix of shape {o.shown(a.extents)} and a right-hand side of "
                              f"shape {o.shown(y.extents[:-1] if self.vector else y.extents)} do not fit together")
        y = o.retyped(y, (*y.extents[:-2], a.extents[-1], y.extents[-1]))
        common = o.broadcast_shape(a.extents[:-2], y.extents[:-2])
        self.a = o.broadcast_to(a, (*common, *a.extents[-2:]))
        self.b = o.broadcast_to(y, (*common, *y.extents[-2:]))

    def result(self, x: TracedArray) -> TracedArray:
        """Solutions in the shape that was asked for."""
        return reshape(x, x.extents[:-1]) if self.vector else x


def triangular(a: TracedArray, b: TracedArray, lower: bool, trans: bool = False, unit: bool = False) -> TracedArray:
    return emit("triangular_solve", a, b, lower=lower, trans=trans, unit=unit)


def diagonals(x: TracedArray) -> TracedArray:
    return diagonal_of(x, 0, x.ndim - 2, x.ndim - 1)


# Cholesky -------------------------------------------------------------------------------------------------------------
def cholesky(a, /, *, upper=False):
    x = squares(a, np.linalg.cholesky)
    return turned(emit("cholesky", turned(x))) if upper else emit("cholesky", x)


RULES: dict[Callable[..., Any], Rule] = {np.linalg.cholesky: cholesky}
