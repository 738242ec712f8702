"""What the rules of this folder share: their loops become regions, as the user's own do."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, NoReturn

import numpy as np

from ...errors import ArgumentError
from ..hooks import Hooks
from ..lift import lifted
from ..locations import fail
from ..numpy.common import array, static
from ..operands import TracedArray, as_array, as_traced, cast, filled, normal_axis

Rule = Callable[..., Any]


def looped(f: Rule) -> Rule:
    """A function of ours whose loops and branches on traced values are compiled as such.

    It reads NumPy's own arrays, but does not write to them: what a rule holds would stay as it is. Its results are
    written into `zeros(...)`, or into a copy of a traced array.
    """
    body = lifted(f, Hooks)  # type: ignore[arg-type]

    def run(*args: Any) -> Any:
        given = [as_traced(a) if type(a) is np.ndarray else a for a in args]
        made = [(k, g, g.content) for k, (a, g) in enumerate(zip(args, given, strict=True)) if g is not a]
        result = body(*given)
        for k, g, content in made:
            if g.content is not content:
                raise AssertionError(f"{f.__qualname__} writes to its argument {k}, an array of NumPy's own, which "
                                     f"stays as it is: give it `zeros(...)`")
        return result

    return run


def invalid(message: str) -> NoReturn:
    """A ValueError with the user's line."""
    fail(ArgumentError, message)


def floats(x: Any) -> TracedArray:
    """An array of float32 or float64 as it is; integers as float64."""
    v = array(x)
    return v if v.ir_dtype.is_inexact else cast(v, np.float64)


def doubles(x: Any) -> TracedArray:
    return cast(array(x), np.float64)


def axis_of(axis: Any, rank: int) -> int:
    return normal_axis(axis, rank)


def sequence(value: Any, count: int, what: str) -> list[Any]:
    """One value for each axis: the same for all, or a list of them."""
    if isinstance(value, str) or not isinstance(value, (list, tuple, np.ndarray)):
        return [value] * count
    if len(value) != count:
        invalid(f"{what} must have a length of {count}, one for each axis; it has {len(value)}")
    return list(value)


def numbers(x: Any, what: str) -> list[Any]:
    """A parameter that is known while tracing, as a list of Python's numbers."""
    found: list[Any] = np.atleast_1d(static(x, what)).ravel().tolist()
    return found


def zeros(shape: int | Sequence[int], dtype: Any = np.float64) -> TracedArray:
    """An array to be written to."""
    return as_array(filled(0, (shape,) if isinstance(shape, int) else tuple(shape), dtype))


# along an axis --------------------------------------------------------------------------------------------------------
def along(axis: int, rank: int, index: Any) -> tuple[Any, ...]:
    """An index along one axis, of all the others everything."""
    return (*[slice(None)] * axis, index, *[slice(None)] * (rank - axis - 1))


def rows_of(x: Any, axis: int) -> tuple[Any, tuple[int, ...]]:
    """x with one axis first and the others as one: (n, all the rest); and the shape of the rest."""
    moved = np.moveaxis(x, axis, 0)
    rest = tuple(moved.shape[1:])
    return np.reshape(moved, (moved.shape[0], int(np.prod(rest, dtype=np.int64)))), rest


def back(rows: Any, rest: Sequence[int], axis: int) -> Any:
    """What `rows_of` took apart."""
    return np.moveaxis(np.reshape(rows, (rows.shape[0], *rest)), 0, axis)


# sliding --------------------------------------------------------------------------------------------------------------
TAPS_LIMIT = 25
"""A kernel of at most so many elements is written out as a sum of shifted slices, which fuses; a larger is a loop."""


def slid(x: Any, kernel: Any, shape: Sequence[int]) -> Any:
    """The sums of products where a kernel slides over x: out[i] = sum of x[i + j] * kernel[j], for all i of a shape."""
    shape = tuple(shape)
    places = list(np.ndindex(*kernel.shape))
    dtype = np.result_type(x.dtype, kernel.dtype)
    if 0 in shape or not places:
        return zeros(shape, dtype)
    if len(places) <= TAPS_LIMIT:
        return sum(kernel[j] * x[window(j, shape)] for j in places)
    return looped(_slid)(x, np.ravel(kernel), np.array(places), shape, zeros(shape, dtype))


def window(start: Sequence[Any], shape: Sequence[int]) -> tuple[slice, ...]:
    return tuple([slice(k, k + n) for k, n in zip(start, shape, strict=True)])


def _slid(x: Any, kernel: Any, places: Any, shape: Any, out: Any) -> Any:
    axes = len(shape)
    for t in range(len(kernel)):
        out += kernel[t] * x[tuple([slice(places[t, k], places[t, k] + shape[k]) for k in range(axes)])]
    return out
