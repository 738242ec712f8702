"""What the rules of every family use: ufuncs and movement on handles, and the last steps of a function's result.

Everything here takes and gives handles (`TracedArray`); known operands are computed at once.
"""

from __future__ import annotations

from collections.abc import Sequence
from math import prod
from typing import Any

import numpy as np

from ...errors import ArgumentError, DtypeError, ShapeError, UnsupportedError
from ...ir.linear import Form
from ...ir.sizes import is_open, same
from .. import extents as ext, known_elements, ufuncs
from ..array import FLAT, root
from ..layout import is_contiguous, is_row_major
from ..locations import fail
from ..operands import (
    ARRAY,
    TracedArray,
    as_array,
    as_traced,
    broadcast,
    broadcast_to,
    cast,
    constant,
    elements,
    emit,
    filled,
    ir_dtype,
    is_traced,
    name_of,
    normal_axis,
    refuse_shape,
    result_type,
    shape_of,
    shown,
)
from ..recorder import LITERAL_LIMIT, current
from ..subscripts import check_ends
from ..views import extents, forms, plain
from .computed_extents import joined

NO_VALUE = np._NoValue


def call(ufunc: np.ufunc, *args: Any) -> TracedArray:
    """The ufunc on any operands, promoted and broadcast as NumPy does; a handle."""
    return ufuncs.compute(ufunc, [as_traced(a) for a in args])


def given(x: Any) -> bool:
    """Whether an optional argument was passed: neither None nor NumPy's `<no value>`."""
    return x is not None and x is not NO_VALUE


def stored(func: Any, result: Any, out: Any, casting: str = "same_kind") -> Any:
    """The result itself, or `out` after it has been written there."""
    if isinstance(out, tuple) and len(out) == 1:
        (out,) = out
    if not given(out):
        return result
    if isinstance(out, TracedArray) and out.extents != result.extents:
        fail(ShapeError, f"{name_of(func)}: the output array has shape {shown(out.extents)}, the result "
                         f"{shown(result.extents)}")
    return ufuncs.store(func, result, out, True, casting)


def stored_exactly(func: Any, result: Any, out: Any) -> Any:
    """`stored` for products: NumPy takes for them an array of the very dtype and rank, in row-major order, alone."""
    if isinstance(out, TracedArray) and (out.dtype != result.dtype or out.ndim != result.ndim or is_contiguous(
            out.extents, out.strides_in_elements) is False):
        fail(ArgumentError, f"{name_of(func)}: the output array is not acceptable: {out.type}, where an array of "
                            f"{result.type}, in row-major order, is wanted; make it by np.empty({shown(result.extents)}"
                            f", {result.dtype.name!r})")
    return stored(func, result, out)


def stored_safely(func: Any, result: Any, out: Any) -> Any:
    """`stored` for what NumPy fills through a copy of `out` in the dtype of the result: that must lose nothing."""
    if isinstance(out, TracedArray) and not np.can_cast(out.dtype, result.dtype, "safe"):
        fail(DtypeError, f"{name_of(func)}: Cannot cast array data from {out.dtype!r} to {result.dtype!r} according to "
                         f"the rule 'safe'; give it an out= of {result.dtype.name}")
    return stored(func, result, out)


def fixed(x: TracedArray, func: Any = "this function") -> tuple[int, ...]:
    """The shape as ints; UnsupportedError where an extent is not known while tracing."""
    if not all(isinstance(e, int) for e in x.extents):
        refuse_shape(func, x)
    return x.extents


# making -------------------------------------------------------------------------------------------------------------
def full(number: Any, shape: Sequence[Any], dtype: Any) -> TracedArray:
    """An array of one number, stored once, and known where its shape is; a scalar where that is ()."""
    return filled(number, shape, dtype)


def full_like(number: Any, x: TracedArray) -> TracedArray:
    """The number in x's dtype over x's shape."""
    return full(number, x.extents, x.dtype)


def where(mask: TracedArray, x: Any, y: Any) -> TracedArray:
    """`select` after promotion and broadcasting of all three; the mask is boolean. (NumPy wraps Python's integers.)"""
    a, b = as_traced(x), as_traced(y)
    dtype = result_type(a, b)
    return emit("select", *broadcast(mask, cast(a, dtype), cast(b, dtype)))


def magnitude(squares: TracedArray, y: TracedArray | None = None) -> TracedArray:
    """The square root of a sum of squares (or y, which is 0 where that is): where all of them are zero it has no
    direction to grow in, and no derivative, as `hypot` at the origin."""
    y = emit("sqrt", squares) if y is None else y
    return emit("select", emit("eq", squares, full_like(0, squares)), full_like(0, y), y)


def truth(x: TracedArray) -> TracedArray:
    """x != 0, as a boolean array."""
    return cast(x, np.bool_)


# moving: copies, also where nothing moves (for views see shaping.py) ----------------------------------------------
def fresh(x: TracedArray) -> TracedArray:
    """A handle of its own on the same elements: a write to one is not seen in the other."""
    return root(x.content, x.home, x.kind, row_major=is_row_major(x.extents, x.strides_in_elements))


def reshape(x: TracedArray, shape: Sequence[Any]) -> TracedArray:
    shape = shape_of(tuple(shape)) if any(isinstance(e, TracedArray) for e in shape) else tuple(shape)
    return fresh(x) if same(x.extents, shape) else emit("reshape", x, shape=shape)


def transpose(x: TracedArray, perm: Sequence[int]) -> TracedArray:
    perm = tuple(perm)
    return fresh(x) if perm == tuple(range(x.ndim)) else emit("transpose", x, perm=perm)


def move_axis(x: TracedArray, source: int, target: int) -> TracedArray:
    """x with one axis moved; both are non-negative."""
    order = [k for k in range(x.ndim) if k != source]
    order.insert(target, source)
    return transpose(x, order)


def swap_axes(x: TracedArray, a: int, b: int) -> TracedArray:
    order = list(range(x.ndim))
    order[a], order[b] = order[b], order[a]
    return transpose(x, order)


def expand(x: TracedArray, axes: Sequence[int]) -> TracedArray:
    """x with axes of extent 1 put in at the given sorted places of the result."""
    shape = list(x.extents)
    for a in axes:
        shape.insert(a, 1)
    return reshape(x, shape)


def slice_axis(x: TracedArray, axis: int, start: Form, size: Form, step: int = 1) -> TracedArray:
    """`size` elements along one axis."""
    starts: list[Form] = [0] * x.ndim
    sizes, steps = list(forms(x.extents)), [1] * x.ndim
    if same((start, size, step), (0, sizes[axis], 1)):
        return fresh(x)
    starts[axis], sizes[axis], steps[axis] = (start, size, step) if not same(size, 0) else (0, 0, 1)
    return emit("slice", x, starts=extents(starts), sizes=extents(sizes), steps=tuple(steps))


def pick(x: TracedArray, axis: int, index: int) -> TracedArray:
    """The one element along an axis, which is dropped; a negative index counts from the end."""
    n = ext.form(x.extents[axis])
    y = slice_axis(x, axis, plain(n + index) if index < 0 else index, 1)
    return reshape(y, x.extents[:axis] + x.extents[axis + 1:])


def reverse(x: TracedArray, axis: int) -> TracedArray:
    n = ext.form(x.extents[axis])
    return fresh(x) if same(n, 0) or same(n, 1) else slice_axis(x, axis, plain(n - 1), n, -1)


def concat(xs: Sequence[TracedArray], axis: int) -> TracedArray:
    """One after the other; of one dtype and the same other extents."""
    if len(xs) == 1:
        return fresh(xs[0])
    return emit("concat", *xs, axis=axis) if all(x.type.is_static for x in xs) else joined(xs, axis)


def iota(shape: Sequence[Any], axis: int, dtype: Any = np.int64) -> TracedArray:
    """The index along one axis: known where it is short, else an operation of the program instead of a table."""
    attrs = {"shape": tuple(shape), "axis": axis, "dtype": ir_dtype(dtype)}
    if all(isinstance(e, int) and not is_open(e) for e in shape) and prod(shape) <= LITERAL_LIMIT:
        along = [1] * len(shape)
        along[axis] = shape[axis]
        return constant(np.broadcast_to(np.arange(shape[axis]).astype(dtype).reshape(along), shape))
    recorder = current()
    return root(recorder.append("iota", (), attrs)[0], recorder)


def pad_axis(x: TracedArray, axis: int, low: int, high: int, number: Any = 0) -> TracedArray:
    """`low` and `high` elements of a number around one axis."""
    if not low and not high:
        return fresh(x)
    lows, highs = [0] * x.ndim, [0] * x.ndim
    lows[axis], highs[axis] = low, high
    value = number if isinstance(number, TracedArray) else constant(number, x.dtype)
    if not x.type.is_static:
        shapes = [(*x.extents[:axis], n, *x.extents[axis + 1:]) for n in (low, high)]
        front, behind = (broadcast_to(value, shape) for shape in shapes)
        return joined([front, x, behind], axis)
    return emit("pad", x, value, lows=tuple(lows), highs=tuple(highs), interiors=(0,) * x.ndim)


def flatten(x: TracedArray) -> TracedArray:
    """The elements in row-major order."""
    return reshape(x, (elements(x),))


def runs(index: np.ndarray) -> list[tuple[int, int, int]]:
    """Known indices as pieces of constant step: (start, size, step), greedily from the left."""
    out: list[tuple[int, int, int]] = []
    i, n = 0, len(index)
    while i < n:
        j = i + 1
        step = int(index[j] - index[i]) if j < n else 1
        while j < n and index[j] - index[j - 1] == step:
            j += 1
        if j == i + 2 < n and abs(step) > 1 and abs(int(index[j] - index[j - 1])) <= 1:
            j, step = i + 1, 1  # the second element begins a longer run
        out.append((int(index[i]), j - i, step))
        i = j
        if len(out) > RUN_LIMIT:
            break
    return out


RUN_LIMIT = 8
"""Known indices of at most so many runs become slices, which fuse; more become one gather."""


def take_known(x: TracedArray, axis: int, index: np.ndarray) -> TracedArray:
    """The elements at known, non-negative indices (1-d) along an axis: slices where they are few, else a gather."""
    pieces = runs(index)
    if not len(index):
        return slice_axis(x, axis, 0, 0)
    check_ends(int(index.min()), int(index.max()), x.extents[axis], axis)
    if len(pieces) > RUN_LIMIT:
        return move_axis(emit("gather", x, constant(index.astype(np.int64)), axes=(axis,)), 0, axis)
    return concat([_run(x, axis, *p) for p in pieces], axis)


def _run(x: TracedArray, axis: int, start: int, size: int, step: int) -> TracedArray:
    if step:
        return slice_axis(x, axis, start, size, step)
    shape = list(x.extents)
    shape[axis] = size
    return broadcast_to(slice_axis(x, axis, start, 1), shape)


# arguments ----------------------------------------------------------------------------------------------------------
def array(x: Any) -> TracedArray:
    """An operand as `np.asarray` gives it: no longer weak, and an array even where it is 0-d."""
    h = as_traced(x)
    if h.kind == ARRAY:
        return h if h.origin != FLAT else root(h.content, h.home, ARRAY)
    return as_array(cast(h, np.asarray(h.known).dtype) if h.is_known else h)


def elements_if_known(x: Any) -> np.ndarray | None:
    """The elements of an operand, where they are known or depend on captured arrays alone (which are then guarded)."""
    return known_elements.known_elements(as_traced(x))


def static(x: Any, what: str) -> np.ndarray:
    """An argument whose elements must be known while tracing."""
    if not is_traced(x) and not isinstance(x, np.ndarray):
        return np.asarray(x)
    a = elements_if_known(x)
    if a is None:
        fail(UnsupportedError, f"{what} must be known while the function is traced; it is {x!r}")
    return a


def axis_of(axis: Any, x: TracedArray, what: str = "axis") -> int:
    return normal_axis(axis, x.ndim, what)


def along(x: TracedArray, axis: Any) -> tuple[TracedArray, int]:
    """What NumPy's functions along one axis go along: the array, or its elements in a row where no axis is named, or
    the first one of an array that has none."""
    if axis is None or (x.ndim == 0 and axis in (0, -1)):
        return flatten(x), 0
    return x, axis_of(axis, x)


def common(*xs: TracedArray) -> np.dtype:
    """The dtype of an array that holds them all."""
    return np.dtype(result_type(*xs))
