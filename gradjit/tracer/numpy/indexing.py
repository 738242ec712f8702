"""Reading and writing by computed indices: take, put, choose, and their like."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from math import prod
from typing import Any

import numpy as np

from ...errors import ArgumentError, BoundsError, DtypeError, ShapeError, TraceError
from ...ir.sizes import is_known
from .. import operands as o
from ..conversion import elements
from ..locations import fail
from ..operands import TracedArray, as_traced, cast, emit
from ..subscripts import in_range as check_in_range, index_array, may_differ
from ..ufuncs import store
from .common import (
    along,
    array,
    axis_of,
    call,
    elements_if_known,
    fixed,
    flatten,
    full_like,
    iota,
    move_axis,
    reshape,
    stored,
    stored_safely,
    take_known,
    transpose,
    truth,
)
from .computed_extents import places as where_true
from .joining import stack

Rule = Callable[..., Any]


# indices ------------------------------------------------------------------------------------------------------------
def in_range(indices: Any, extent: int, axis: int, mode: str, func: Any) -> TracedArray:
    """Non-negative i64 indices. mode "raise" leaves run-time checks to the gather; "clip" and "wrap" need none."""
    if isinstance(indices, (list, tuple, range)) and not len(indices):
        return index_array(indices, extent, axis)
    i = as_traced(indices)
    i = cast(i, np.int64) if i.ir_dtype.is_bool else i  # numbers here, no mask
    if mode == "raise":
        return index_array(i, extent, axis)
    if not i.ir_dtype.is_integer:
        fail(DtypeError, f"{o.name_of(func)}: indices must be integers, got {i.dtype}")
    i = cast(i, np.int64)
    if mode == "wrap":
        return emit("mod", i, full_like(extent, i))
    if mode == "clip":
        return emit("minimum", emit("maximum", i, full_like(0, i)), full_like(extent - 1, i))
    fail(ArgumentError, f"clipmode must be one of 'clip', 'raise', or 'wrap' (got {mode!r})")


def _safely_an_index(i: TracedArray, func: Any) -> None:
    """DtypeError for what NumPy does not take for int64."""
    if not np.can_cast(i.dtype, np.int64, "safe"):
        fail(DtypeError, f"{o.name_of(func)}: cannot cast indices of {i.dtype} to int64 according to the rule 'safe'; "
                         f"write a.astype(int)")


def take(a, indices, axis=None, out=None, mode="raise"):
    """The elements (or, along an axis, the slices) at the indices."""
    x = array(a)
    if isinstance(out, TracedArray) and not np.can_cast(out.dtype, x.dtype, "safe"):
        fail(DtypeError, f"np.take: cannot cast out= of {out.dtype} to {x.dtype} according to the rule 'safe'")
    x, k = along(x, axis)
    n = fixed(x, np.take)[k]
    i = in_range(indices, n, k, mode, np.take)
    if n == 0 and i.size:
        fail(BoundsError, "cannot do a non-empty take from an empty axes.")
    if mode == "raise" and not i.is_known and not may_differ(x._content, k):
        check_in_range(i, n)
    return stored(np.take, taken(x, i, k), out)


def taken(x: TracedArray, i: TracedArray, axis: int) -> TracedArray:
    """x at checked indices along an axis; the indices' axes stand in its place."""
    if i.known is not None:
        y = take_known(x, axis, i.known.reshape(-1))
        return reshape(y, (*x.extents[:axis], *i.extents, *x.extents[axis + 1:]))
    y = emit("gather", x, i, axes=(axis,))
    order = [*range(i.ndim, i.ndim + axis), *range(i.ndim), *range(i.ndim + axis, y.ndim)]
    return transpose(y, order)


def along_axis(x: TracedArray, indices: Any, axis: int, func: Any) -> tuple[TracedArray, list[TracedArray]]:
    """For take_along_axis: x broadcast to the other axes of the indices, and an index array for each axis."""
    i = as_traced(indices)
    if not i.ir_dtype.is_integer:
        fail(BoundsError, "`indices` must be an integer array")
    if i.ndim != x.ndim:
        fail(ArgumentError, "`indices` and `arr` must have the same number of dimensions")
    others = [tuple(1 if k == axis else e for k, e in enumerate(v.extents)) for v in (x, i)]
    shape = list(o.broadcast_shape(*others))
    shape[axis] = x.extents[axis]
    x = o.broadcast_to(x, shape)
    shape[axis] = i.extents[axis]
    i = o.broadcast_to(index_array(i, fixed(x, func)[axis], axis), shape)
    return x, [i if k == axis else iota(shape, k) for k in range(x.ndim)]


def take_along_axis(arr, indices, axis=-1):
    x = array(arr)
    if axis is None:
        x, axis = flatten(x), 0
    x, places = along_axis(x, indices, axis_of(axis, x), np.take_along_axis)
    return emit("gather", x, *places, axes=tuple(range(x.ndim)))


def put_along_axis(arr, indices, values, axis):
    """Writes into the array; among equal indices the last wins."""
    x = target(arr, np.put_along_axis)
    flat = flatten(x) if axis is None else x
    k = 0 if axis is None else axis_of(axis, x)
    flat, places = along_axis(flat, indices, k, np.put_along_axis)
    v = o.broadcast_to(elements(values, x.dtype), places[0].extents)
    x.write(reshape(emit("scatter", flat, *places, v, axes=tuple(range(flat.ndim))), x.extents))


def target(arr: Any, func: Any) -> TracedArray:
    """An array that may be written to."""
    if not isinstance(arr, TracedArray):
        fail(TraceError, f"{o.name_of(func)} changes an array from outside of the traced function; copy it inside "
                         f"first")
    return arr


def put(a, ind, v, mode="raise"):
    """a.flat[ind] = v, the values repeated as needed."""
    x = target(a, np.put)
    i = flatten(in_range(ind, x.size, 0, mode, np.put))
    values = flatten(elements(v, x.dtype))
    if not i.size or not values.size:
        return
    values = take_known(values, 0, np.arange(i.size) % values.size)
    x.write(reshape(emit("scatter", flatten(x), i, values, axes=(0,)), x.extents))


def put_all(x: TracedArray, v: Any) -> None:
    """x.flat = v: all elements, the values repeated as needed."""
    values = flatten(elements(v, x.dtype))
    if not values.size:
        fail(ArgumentError, "Error setting single item of array.")
    n = fixed(x, "x.flat = v")
    size = prod(n)
    values = o.broadcast_to(values, (size,)) if values.size == 1 else take_known(
        values, 0, np.arange(size) % values.size)
    x.write(reshape(values, x.extents))


def choose(a, choices, out=None, mode="raise"):
    """result[i] = choices[a[i]][i]."""
    i = array(a)
    _safely_an_index(i, np.choose)
    items = [as_traced(c) for c in choices] if not isinstance(choices, (TracedArray, np.ndarray)) else list(
        map(as_traced, as_traced(choices)))
    items = o.promote(*map(array, items))
    if mode == "raise":
        o.require(call(np.greater_equal, i, 0), "invalid entry in choice array", "ArgumentError")
    i = in_range(i, len(items), 0, mode, np.choose)
    i, *items = o.broadcast(i, *items)
    table = stack(items)
    places = [reshape(i, (1, *i.extents)), *(iota((1, *i.extents), k + 1) for k in range(i.ndim))]
    y = emit("gather", table, *places, axes=tuple(range(table.ndim)))
    return stored(np.choose, reshape(y, i.extents), out)


# masks --------------------------------------------------------------------------------------------------------------
def known_places(condition: Any, func: Any) -> np.ndarray:
    """Where a mask is true; it must be known."""
    mask = elements_if_known(condition)
    if mask is None:
        o.unsupported(func, "with a mask that is computed from traced values its shape depends on them; write "
                            "np.where(mask, x, 0) (or another neutral number) and reduce that")
    return np.flatnonzero(mask)


def compress(condition, a, axis=None, out=None):
    x = array(a)
    x, k = along(x, axis)
    mask = as_traced(condition)
    if mask.ndim != 1:
        fail(ArgumentError, "condition must be a 1-d array")
    if elements_if_known(condition) is None:
        n = mask.extents[0]
        if not is_known(n, "<=", x.extents[k]):
            fail(BoundsError, f"a condition of {n} elements for an axis of {x.extents[k]}")
        chosen = emit("gather", x, where_true(truth(mask))[0], axes=(k,))
        return stored_safely(np.compress, move_axis(chosen, 0, k), out)
    places = known_places(condition, np.compress)
    if len(places) and places[-1] >= fixed(x, np.compress)[k]:
        fail(BoundsError, f"index {places[-1]} is out of bounds for axis {k} with size {x.extents[k]}")
    return stored_safely(np.compress, take_known(x, k, places), out)


def extract(condition, arr):
    if elements_if_known(condition) is None:
        x, mask = flatten(array(arr)), truth(flatten(as_traced(condition)))
        return emit("gather", x, where_true(mask)[0], axes=(0,)) if mask.extents != x.extents else x[mask]
    return take_known(flatten(array(arr)), 0, known_places(condition, np.extract))


def place(arr, mask, vals):
    """Where the mask is true, the values one after the other, repeated as needed."""
    x, v = target(arr, np.place), flatten(as_traced(vals))
    if v.size == 1:
        return putmask(arr, mask, as_elements(vals, x.dtype))
    if elements_if_known(mask) is None:
        m = truth(as_traced(mask))
        if m.extents != x.extents:
            fail(ArgumentError, "place: mask and data must be the same size")
        if not v.size:
            fail(ArgumentError, "Cannot insert from an empty array!")
        chosen = where_true(flatten(m))[0]
        repeated = emit("gather", cast(v, x.dtype), call(np.remainder, iota(chosen.extents, 0), v.size), axes=(0,))
        return x.write(reshape(emit("scatter", flatten(x), chosen, repeated, axes=(0,)), x.extents))
    places = known_places(mask, np.place)
    if not len(places):
        return None
    if not v.size:
        fail(ArgumentError, "Cannot insert from an empty array!")
    values = take_known(as_elements(vals, x.dtype), 0, np.arange(len(places)) % v.size)
    flat = emit("scatter", flatten(x), o.constant(places), values, axes=(0,))
    return x.write(reshape(flat, x.extents))


def as_elements(vals: Any, dtype: Any) -> TracedArray:
    """Values as place() makes them elements of an array: numbers one by one, arrays whatever they are."""
    return elements(vals, dtype) if isinstance(vals, (list, tuple)) else cast(flatten(as_traced(vals)), dtype)


def putmask(a, /, mask, values):
    """Where the mask is true, the value at the same place, the values repeated to a's size."""
    x, m = target(a, np.putmask), truth(as_traced(mask))
    given_ = as_traced(values)
    if given_.kind == o.ARRAY and not np.can_cast(given_.dtype, x.dtype, "safe"):
        fail(DtypeError, f"np.putmask: cannot cast values of {given_.dtype} to {x.dtype} according to the rule 'safe'")
    v = flatten(elements(values, a.dtype))
    if m.extents != x.extents:
        fail(ShapeError, "putmask: mask and data must be the same size")
    if v.size:
        spread = o.broadcast_to(v, x.extents) if v.size == 1 else reshape(
            take_known(v, 0, np.arange(x.size) % v.size), x.extents)
        x.write(emit("select", m, spread, x))


def copyto(dst, src, casting="same_kind", where=True):
    x, v = target(dst, np.copyto), as_traced(src)
    if v.weak and v.known is not None:
        v = o.convert(v, x.dtype if np.can_cast(o.result_type(x, v), x.dtype, casting) else v.dtype)
    store(np.copyto, v, x, where, casting)


# flat indices -------------------------------------------------------------------------------------------------------
def ravel_multi_index(multi_index, dims, mode="raise", order="C"):
    """One index into the flattened array for each tuple of indices."""
    dims = o.static_shape(dims)
    items = [as_traced(i) for i in multi_index]
    if len(items) != len(dims):
        fail(ArgumentError, f"parameter multi_index must be a sequence of length {len(dims)}")
    modes: Sequence[str] = mode if isinstance(mode, (tuple, list)) else (mode,) * len(dims)
    strides = [prod(dims[k + 1:] if order == "C" else dims[:k]) for k in range(len(dims))]
    total: Any = None
    for i, n, m, s in zip(items, dims, modes, strides, strict=True):
        if m == "raise" and i.known is not None and np.any((i.known < 0) | (i.known >= n)):
            fail(ArgumentError, "invalid entry in coordinates array")
        i = _checked(cast(i, np.int64), n) if m == "raise" else in_range(i, n, 0, m, np.ravel_multi_index)
        term = emit("mul", i, full_like(s, i))
        total = term if total is None else call(np.add, total, term)
    return total


def _checked(i: TracedArray, n: int) -> TracedArray:
    """The same indices, found out of range at run time by looking themselves up."""
    return i if i.known is not None else emit("gather", iota((n,), 0), i, axes=(0,))


def unravel_index(indices, shape, order="C"):
    """The tuple of indices for each index into the flattened array."""
    dims = o.static_shape(shape)
    i = as_traced(indices)
    if not i.ir_dtype.is_integer:
        fail(DtypeError, "only int indices permitted")
    if i.known is not None and np.any((i.known < 0) | (i.known >= prod(dims))):
        fail(ArgumentError, f"index is out of bounds for array with size {prod(dims)}")
    i, out = _checked(cast(i, np.int64), prod(dims)), []
    for n in reversed(dims) if order == "C" else dims:
        size = full_like(max(n, 1), i)
        out.append(emit("mod", i, size))
        i = emit("floordiv", i, size)
    return tuple(reversed(out)) if order == "C" else tuple(out)


RULES: dict[Callable[..., Any], Rule] = {
    np.take: take, np.take_along_axis: take_along_axis, np.put_along_axis: put_along_axis, np.put: put,
    np.choose: choose,
    np.compress: compress, np.extract: extract, np.place: place, np.putmask: putmask, np.copyto: copyto,
    np.ravel_multi_index: ravel_multi_index, np.unravel_index: unravel_index,
}

