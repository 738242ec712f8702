"""Single numbers that become integers: where no integer of the dtype is meant, Python and NumPy raise.

Arrays are cast element by element, and nobody looks (`a[:] = b` with a nan in b); a number that is stored in an array
of integers is looked at (`a[0] = x`), as is what `int(x)` and `math.floor(x)` take. NumPy itself is asked which numbers
it looks at: not those of its own floats that go into unsigned integers.
"""

from __future__ import annotations

import functools
import warnings
from typing import Any

import numpy as np

from ..errors import ConversionError
from ..ir import I64, DType
from . import extents as ext, operands as o
from .array import ARRAY, PYTHON, SCALAR, TracedArray
from .locations import fail


def element(x: TracedArray, dtype: Any) -> TracedArray:
    """x as it is stored in an array of the dtype."""
    t = o.ir_dtype(dtype)
    is_operand = x.weak and x.ir_dtype.is_integer  # which is looked at wherever it meets integers
    if x.kind != ARRAY and t.is_integer and not is_operand and is_looked_at(x.kind, x.ir_dtype, t):
        check(x, t)
    return o.as_asked(x, dtype) if x.ir_dtype.is_complex else o.convert(x, dtype)


def elements(x: Any, dtype: Any) -> TracedArray:
    """What is first made an array, to be stored in one of the dtype: a number, an array, or a list of them. NumPy's own
    numbers are arrays then, which nobody looks at; those in lists are not."""
    if isinstance(x, (list, tuple)):
        look_at(x, o.ir_dtype(dtype))
    h = o.as_traced(x)
    return element(h, dtype) if h.weak or h.ir_dtype.is_complex else o.convert(h, dtype)


def look_at(x: Any, t: DType) -> None:
    """Check the traced numbers of a list, nested to any depth, that is stored in integers."""
    if isinstance(x, (list, tuple)):
        for y in x:
            look_at(y, t)
    elif isinstance(x, TracedArray):
        element(x, t.np)


def whole(x: TracedArray) -> TracedArray:
    """A scalar as a Python integer, which has 64 bits here."""
    check(x, I64)
    return o.cast(o.root(x.content, x.home, PYTHON), I64)


@functools.cache
def is_looked_at(kind: str, source: DType, t: DType) -> bool:
    """Whether NumPy raises for some numbers of this kind that are stored in an array of integers."""
    if source == t or source.is_bool or source.is_complex:
        return False
    if source.is_float:
        bad: Any = np.nan
    else:
        mine, yours = np.iinfo(source.np), np.iinfo(t.np)
        bad = mine.max if mine.max > yours.max else mine.min
    number = bad if kind == PYTHON else source.np.type(bad)
    try:
        with warnings.catch_warnings(), np.errstate(all="ignore"):
            warnings.simplefilter("ignore")
            np.zeros(1, t.np)[0] = number
    except (ValueError, OverflowError):
        return True
    return False


def check(x: TracedArray, t: DType) -> None:
    """Where x, cut off behind the point, is no number of the integer type, the program ends with ConversionError."""
    if x.ir_dtype.is_bool or x.ir_dtype.is_complex:
        return
    limits = np.iinfo(t.np)
    low, high = int(limits.min), int(limits.max)
    if x.known is not None:
        number = x.known.item()
        if not np.isfinite(number) or not low <= int(number) <= high:
            fail(ConversionError, f"cannot convert {number} to {t.np}")
        return
    tests = floats(x, low, high) if x.ir_dtype.is_float else integers(x, low, high)
    if tests:
        what = "nan, infinity and numbers" if x.ir_dtype.is_float else "integers"
        o.require(functools.reduce(lambda a, b: o.emit("and", a, b), tests),
                  f"{what} out of the range of {t.np} cannot be converted to it", "ConversionError")


def floats(x: TracedArray, low: int, high: int) -> list[TracedArray]:
    """The conditions that x is above low - 1 and below high + 1. What is no int64 is the least one when it is cast, so
    that one comparison tells; the least number itself, -2**63, is refused, too."""
    if low == np.iinfo(np.int64).min:
        y = o.cast(x, np.int64)
        return [o.emit("ne", y, single(low, y))]
    y = o.cast(x, np.float64)
    return [o.emit("gt", y, single(low - 1.0, y)), o.emit("lt", y, single(high + 1.0, y))]


def integers(x: TracedArray, low: int, high: int) -> list[TracedArray]:
    """Those of the conditions low <= x <= high that are not known to hold."""
    least, most = interval(x)
    return [*([o.emit("ge", x, single(low, x))] if least < low else []),
            *([o.emit("le", x, single(high, x))] if most > high else [])]


def interval(x: TracedArray) -> tuple[int, int]:
    """Between which numbers an integer surely lies."""
    limits = np.iinfo(x.dtype)
    least, most = ext.interval(x) if x.ir_dtype == I64 and not x.ndim else (None, None)
    return (int(limits.min) if least is None else max(least, int(limits.min)),
            int(limits.max) if most is None else min(most, int(limits.max)))


def strong(x: TracedArray, other: TracedArray) -> TracedArray:
    """A Python integer that may be out of the other's range as the int64 that NumPy then takes it for; else x."""
    if not (x.weak and x.known is None and x.ir_dtype.is_integer and other.ir_dtype.is_integer and not other.weak):
        return x
    limits, (least, most) = np.iinfo(other.dtype), interval(x)
    return x if limits.min <= least and most <= limits.max else o.root(x.content, x.home, SCALAR)


def clipped(x: Any, dtype: np.dtype, upper: bool) -> Any:
    """The bound of a clip: an integer beyond the range of the dtype is as good as its last number."""
    if not (isinstance(x, TracedArray) and x.weak and x.known is None and x.ir_dtype.is_integer):
        return x
    limits, (least, most) = np.iinfo(dtype), interval(x)
    name, end = ("minimum", limits.max) if upper else ("maximum", limits.min)
    if (limits.min <= least and most <= limits.max) or end > np.iinfo(np.int64).max:
        return x
    y = o.emit(name, x, single(end, x))
    return o.root(y.content, y.home, PYTHON)


def single(number: Any, like: TracedArray) -> TracedArray:
    """A known number over the shape of a scalar or of an array of one element."""
    return o.filled(number, like.extents, like.dtype)


__all__ = ["check", "clipped", "element", "elements", "is_looked_at", "look_at", "strong", "whole"]
