"""Joining, splitting, padding, inserting and deleting."""

from __future__ import annotations

import itertools
import operator
from collections.abc import Callable, Sequence
from math import prod
from typing import Any

import numpy as np

from ...errors import ArgumentError, BoundsError, DtypeError, ShapeError
from ...ir.sizes import is_open
from .. import extents as ext, operands as o, shaping
from ..locations import fail
from ..operands import TracedArray, as_traced, cast, emit, static_int
from ..subscripts import index_array
from ..views import forms
from .common import (
    array,
    array as as_array,
    axis_of,
    common,
    concat,
    elements_if_known,
    fixed,
    flatten,
    full,
    given,
    move_axis,
    pad_axis,
    pick,
    reshape,
    reverse,
    slice_axis,
    static,
    stored,
    take_known,
    transpose,
)
from .computed_extents import places as where_true
from .creation import linspace
from .movement import atleast_1d, atleast_2d, atleast_3d, expand_dims
from .reduction import max_, min_
from .statistics import mean, median

Rule = Callable[..., Any]


# joining ------------------------------------------------------------------------------------------------------------
MISMATCH = "all the input array dimensions except for the concatenation axis must match exactly"


def concatenate(arrays, /, axis=0, out=None, *, dtype=None, casting="same_kind"):
    if isinstance(arrays, TracedArray) and arrays.ndim > 1:
        x = in_common([arrays], dtype, casting)[0]
        if axis is None:
            return stored(np.concatenate, new(flatten(x)), out)
        return stored(np.concatenate, along(x, o.normal_axis(axis, x.ndim - 1)), out)
    xs = listed(arrays)
    if not xs:
        fail(ArgumentError, "need at least one array to concatenate")
    if axis is None:
        xs, axis = [flatten(x) for x in xs], 0
    if any(x.ndim == 0 for x in xs):
        fail(ShapeError, "zero-dimensional arrays cannot be concatenated")
    k = axis_of(axis, xs[0])
    for n, x in enumerate(xs):
        if x.ndim != xs[0].ndim:
            fail(ShapeError, f"{MISMATCH}, but the array at index 0 has {xs[0].ndim} dimension(s) and the array at "
                             f"index {n} has {x.ndim} dimension(s)")
        for j in range(x.ndim):
            if j != k and x.extents[j] != xs[0].extents[j]:
                fail(ShapeError, f"{MISMATCH}, but along dimension {j}, the array at index 0 has size "
                                 f"{xs[0].extents[j]} and the array at index {n} has size {x.extents[j]}")
    return stored(np.concatenate, concat(in_common(xs, dtype, casting), k), out)


def along(x: TracedArray, k: int) -> TracedArray:
    """The rows of one array joined along their axis k."""
    y = move_axis(x, 0, k)
    return new(reshape(y, (*y.extents[:k], ext.product(forms(y.extents[k:k + 2])), *y.extents[k + 2:])))


def new(x: TracedArray) -> TracedArray:
    """The elements as an array of their own."""
    return o.root(x.content, x.home, o.ARRAY)


def listed(arrays: Any) -> list[TracedArray]:
    """The arrays of a sequence, or the rows of one array."""
    if isinstance(arrays, (TracedArray, np.ndarray)):
        x = as_traced(arrays)
        return [array(x[k]) for k in range(len(x))]
    return [array(a) for a in arrays]


def in_common(xs: Sequence[TracedArray], dtype: Any = None, casting: str = "same_kind") -> list[TracedArray]:
    """All in the common dtype, or in the one asked for."""
    target = np.dtype(dtype) if given(dtype) else common(*xs)
    for x in xs:
        if not np.can_cast(x.dtype, target, casting):  # type: ignore[arg-type]
            fail(DtypeError, f"Cannot cast array data from {x.dtype!r} to {target!r} according to the rule {casting!r}")
    return [cast(x, target) for x in xs]


def stack(arrays, axis=0, out=None, *, dtype=None, casting="same_kind"):
    if isinstance(arrays, TracedArray) and arrays.ndim:
        x = in_common([arrays], dtype, casting)[0]
        return stored(np.stack, new(move_axis(x, 0, o.normal_axis(axis, x.ndim))), out)
    xs = listed(arrays)
    if not xs:
        fail(ArgumentError, "need at least one array to stack")
    if any(x.extents != xs[0].extents for x in xs):
        fail(ShapeError, "all input arrays must have the same shape")
    k = o.normal_axis(axis, xs[0].ndim + 1)
    shape = (*xs[0].extents[:k], 1, *xs[0].extents[k:])
    return stored(np.stack, concat([reshape(x, shape) for x in in_common(xs, dtype, casting)], k), out)


def vstack(tup, *, dtype=None, casting="same_kind"):
    if isinstance(tup, TracedArray) and 0 < tup.ndim < 3:
        x = new(in_common([tup], dtype, casting)[0])
        return reshape(x, (*x.extents, 1)) if x.ndim == 1 else x
    if isinstance(tup, TracedArray) and tup.ndim:
        return concatenate(tup, 0, dtype=dtype, casting=casting)
    return concatenate([atleast_2d(x) for x in listed(tup)], 0, dtype=dtype, casting=casting)


def hstack(tup, *, dtype=None, casting="same_kind"):
    if isinstance(tup, TracedArray) and tup.ndim:
        x = in_common([tup], dtype, casting)[0]
        return new(x) if x.ndim == 1 else concatenate(x, 0 if x.ndim == 2 else 1)
    xs = [atleast_1d(x) for x in listed(tup)]
    return concatenate(xs, 0 if xs and xs[0].ndim == 1 else 1, dtype=dtype, casting=casting)


def dstack(tup):
    return concatenate([atleast_3d(x) for x in listed(tup)], 2)


def column_stack(tup):
    if isinstance(tup, TracedArray) and tup.ndim:
        return reshape(new(tup), (1, *tup.extents)) if tup.ndim == 1 else (
            new(move_axis(tup, 0, 1)) if tup.ndim == 2 else concatenate(tup, 1))
    xs = listed(tup)
    return concatenate([reshape(x, (x.size, 1)) if x.ndim < 2 else x for x in xs], 1)


def append(arr, values, axis=None):
    x, v = array(arr), array(values)
    return concatenate([flatten(x), flatten(v)], 0) if axis is None else concatenate([x, v], axis)


def block(arrays):
    """A matrix from nested lists of blocks: the innermost lists along the last axis, the next along the one before."""
    depth = _depth(arrays)
    rank = max(depth, *(x.ndim for x in _leaves(arrays)))

    def build(item: Any, level: int) -> TracedArray:
        if level == depth:
            x = array(item)
            return reshape(x, (1,) * (rank - x.ndim) + x.extents)
        parts = [build(i, level + 1) for i in item]
        return concatenate(parts, rank - depth + level)

    return o.as_array(build(arrays, 0))


def _depth(arrays: Any) -> int:
    if not isinstance(arrays, list):
        return 0
    if not arrays:
        fail(ArgumentError, "List at arrays cannot be empty")
    depths = {_depth(a) for a in arrays}
    if len(depths) != 1:
        fail(ArgumentError, "List depths are mismatched")
    return 1 + depths.pop()


def _leaves(arrays: Any) -> list[TracedArray]:
    return [x for a in arrays for x in _leaves(a)] if isinstance(arrays, list) else [array(arrays)]


# splitting ----------------------------------------------------------------------------------------------------------
def array_split(ary, indices_or_sections, axis=0):
    """Views of the parts; the first ones are longer by one where the parts cannot be equal."""
    x = array(ary)
    k = axis_of(axis, x)
    n = fixed(x, np.split)[k]
    points = static(indices_or_sections, "the places of a split")
    if points.ndim == 0:
        sections = static_int(indices_or_sections, "the number of sections")
        if sections <= 0:
            fail(ArgumentError, "number sections must be larger than 0.")
        sizes = [(n + sections - 1 - j) // sections for j in range(sections - 1)]
        pairs = list(itertools.pairwise([0, *itertools.accumulate(sizes), n]))
    else:
        places: list[Any] = [ext.smaller(ext.larger(ext.from_end(p, n), 0), n) for p in points.tolist()]
        pairs = list(itertools.pairwise([0, *places, n]))
    return [_part(x, k, a, max(b - a, 0)) for a, b in pairs]


def _part(x: TracedArray, axis: int, start: int, size: int) -> TracedArray:
    starts, sizes = [0] * x.ndim, list(x.extents)
    starts[axis], sizes[axis] = (start if size else 0), size
    return shaping.window(x, starts, sizes, [1] * x.ndim)


def split(ary, indices_or_sections, axis=0):
    x = array(ary)
    n = x.extents[axis_of(axis, x)]
    sections = static(indices_or_sections, "the places of a split")
    if sections.ndim == 0 and (sections <= 0 or n % int(sections)):
        fail(ArgumentError, "array split does not result in an equal division" if sections > 0
             else "number sections must be larger than 0.")
    return array_split(x, indices_or_sections, axis)


def _split_along(rank: int, axis_for: Callable[[TracedArray], int], message: str) -> Rule:
    def rule(ary, indices_or_sections):
        x = array(ary)
        if x.ndim < rank:
            fail(ArgumentError, message)
        return split(x, indices_or_sections, axis_for(x))

    return rule


hsplit = _split_along(1, lambda x: 1 if x.ndim > 1 else 0, "hsplit only works on arrays of 1 or more dimensions")
vsplit = _split_along(2, lambda x: 0, "vsplit only works on arrays of 2 or more dimensions")
dsplit = _split_along(3, lambda x: 2, "dsplit only works on arrays of 3 or more dimensions")


# padding ------------------------------------------------------------------------------------------------------------
def pad(array, pad_width, mode="constant", **kwargs):
    """NumPy's modes: constant, edge, reflect, symmetric, wrap, empty, linear_ramp, maximum, mean, median, minimum.

    The modes that copy elements ask NumPy itself, on index numbers, which element goes where.
    """
    x = as_array(array)
    widths = _pairs(pad_width, x.ndim, "pad_width")
    if any(n < 0 for pair in widths for n in pair):
        fail(ArgumentError, "index can't contain negative values")
    if mode == "constant":
        return _pad_constant(x, widths, **kwargs)
    if mode == "empty":
        return _pad_constant(x, widths)
    if mode in ("edge", "reflect", "symmetric", "wrap"):
        return _pad_copies(x, widths, mode, kwargs)
    if mode == "linear_ramp":
        return _pad_ramp(x, widths, **kwargs)
    if mode in ("maximum", "minimum", "mean", "median"):
        return _pad_statistic(x, widths, mode, **kwargs)
    if callable(mode):
        o.unsupported(np.pad, "a function as mode; write np.concatenate of what it makes")
    fail(ArgumentError, f"mode {mode!r} is not supported; there are 'constant', 'edge', 'empty', 'linear_ramp', "
                        f"'maximum', 'mean', 'median', 'minimum', 'reflect', 'symmetric', 'wrap'")


def _pairs(widths: Any, rank: int, what: str) -> list[tuple[int, int]]:
    """(before, after) for each axis, broadcast as NumPy does; a dict names axes."""
    if isinstance(widths, dict):
        out = [(0, 0)] * rank
        for axis, w in widths.items():
            out[o.normal_axis(axis, rank)] = tuple(np.broadcast_to(np.asarray(w), (2,)).tolist())
        return out
    numbers = static(widths, what)
    if numbers.dtype.kind not in "iu":
        fail(DtypeError, f"`{what}` must be of integral type.")
    try:
        return [tuple(p) for p in np.broadcast_to(numbers, (rank, 2)).tolist()]
    except ValueError as e:
        fail(ShapeError, str(e))


def _value_pairs(values: Any, x: TracedArray) -> list[tuple[TracedArray, TracedArray]]:
    """(before, after) numbers for each axis, which may be traced."""
    v = o.broadcast_to(o.convert(as_traced(values), x.dtype), (x.ndim, 2))
    return [(pick(pick(v, 0, k), 0, 0), pick(pick(v, 0, k), 0, 1)) for k in range(x.ndim)]


def _pad_constant(x: TracedArray, widths: Sequence[tuple[int, int]], constant_values: Any = 0) -> TracedArray:
    if type(constant_values) is int:  # NumPy itself says which numbers wrap around, and which it does not take
        constant_values = np.pad(np.zeros(1, x.dtype), 1, constant_values=constant_values)[0]
    v = as_traced(constant_values)
    if v.size == 1 and x.type.is_static:
        lows, highs = zip(*widths, strict=True) if widths else ((), ())
        return o.as_array(emit("pad", x, reshape(o.convert(v, x.dtype), ()), lows=lows, highs=highs,
                               interiors=(0,) * x.ndim))
    for k, (pair, numbers) in enumerate(zip(widths, _value_pairs(v, x), strict=True)):
        for side, (width, number) in enumerate(zip(pair, numbers, strict=True)):
            x = pad_axis(x, k, width, 0, number) if side == 0 else pad_axis(x, k, 0, width, number)
    return x


def _pad_copies(x: TracedArray, widths: Sequence[tuple[int, int]], mode: str, options: dict[str, Any]) -> TracedArray:
    if options.get("reflect_type", "even") != "even":
        o.unsupported(np.pad, "reflect_type='odd'")
    for k, (low, high) in enumerate(widths):
        if low or high:
            def places(n: int, pair: tuple[int, int] = (low, high)) -> np.ndarray:
                found: np.ndarray = np.pad(np.arange(n), pair, mode=mode, **options)  # type: ignore[call-overload]
                return found

            try:
                x = _copied_beyond(x, k, low, high, places)
            except ValueError as e:
                fail(ArgumentError, str(e))
    return o.as_array(x)


def _copied_beyond(x: TracedArray, axis: int, low: int, high: int, places: Callable[[int], np.ndarray]) -> TracedArray:
    """x with `low` and `high` copies of its own elements in front and behind; `places` tells which, for an extent.

    Where that is open they are counted from the end that they are nearer to, which is the same for all extents that
    are greater than what is copied.
    """
    n, near = x.extents[axis], max(low, high) + 1
    if not is_open(n) or n < near:
        return take_known(x, axis, places(operator.index(n)))
    index = places(4 * near)

    def copies(some: np.ndarray) -> list[TracedArray]:
        if not len(some):
            return []
        in_front = bool(some[0] < near)
        window = slice_axis(x, axis, 0 if in_front else n - near, near)
        return [take_known(window, axis, some if in_front else some - 3 * near)]

    return concat([*copies(index[:low]), x, *copies(index[low + 4 * near:])], axis)


def _pad_ramp(x: TracedArray, widths: Sequence[tuple[int, int]], end_values: Any = 0) -> TracedArray:
    """From the edge to an end value in equal steps."""
    for k, ((low, high), (first, last)) in enumerate(zip(widths, _value_pairs(end_values, x), strict=True)):
        def edge(index: int, k: int = k, x: TracedArray = x) -> TracedArray:
            return reshape(slice_axis(x, k, index, 1), x.extents[:k] + x.extents[k + 1:])

        n = x.extents[k]
        parts = [x]
        if low:
            parts.insert(0, linspace(first, edge(0), low, endpoint=False, dtype=x.dtype, axis=k))
        if high:
            ramp = linspace(last, edge(n - 1), high, endpoint=False, dtype=x.dtype, axis=k)
            parts.append(reverse(ramp, k))
        x = concat(parts, k)
    return x


def _pad_statistic(x: TracedArray, widths: Sequence[tuple[int, int]], mode: str,
                   stat_length: Any = None) -> TracedArray:
    """A statistic of the elements next to each edge."""
    statistics: dict[str, Rule] = {"maximum": max_, "minimum": min_, "mean": mean, "median": median}
    statistic = statistics[mode]
    for k, (low, high) in enumerate(widths):
        n = x.extents[k]
        lengths = (n, n) if stat_length is None else _pairs(stat_length, x.ndim, "stat_length")[k]
        sides = []
        for width, length, at_end in ((low, lengths[0], False), (high, lengths[1], True)):
            length = min(length, n)
            s = statistic(slice_axis(x, k, n - length if at_end else 0, length), axis=k, keepdims=True)
            if x.ir_dtype.is_integer and s.ir_dtype.is_float:
                s = emit("rint", s)
            shape = (*x.extents[:k], width, *x.extents[k + 1:])
            sides.append(o.broadcast_to(cast(s, x.dtype), shape))
        x = concat([p for p in (sides[0], x, sides[1]) if p.extents[k]], k)
    return x


# inserting and deleting ---------------------------------------------------------------------------------------------
def delete(arr, obj, axis=None):
    x = array(arr)
    x, k = (flatten(x), 0) if axis is None else (x, axis_of(axis, x))
    n = fixed(x, np.delete)[k]
    if not isinstance(obj, slice) and elements_if_known(obj) is None:
        return _without(x, as_traced(obj), k)
    places = obj if isinstance(obj, slice) else static(obj, "the indices of np.delete")
    if isinstance(places, np.ndarray) and not places.size:
        return o.as_array(x)
    if is_open(n) and not isinstance(places, slice) and places.ndim == 0:
        at = _place(places, n, n)
        return concat([slice_axis(x, k, 0, at), slice_axis(x, k, at + 1, n - at - 1)], k)
    try:
        left = np.delete(np.arange(n), places)
    except IndexError as e:
        fail(BoundsError, str(e))
    return take_known(x, k, left)


def _without(x: TracedArray, places: TracedArray, axis: int) -> TracedArray:
    """What is left of x where places along an axis go that are traced."""
    n = fixed(x, np.delete)[axis]
    if places.ir_dtype.is_bool:
        if places.extents != (n,):
            fail(ArgumentError, f"boolean array argument obj to delete must be one dimensional and match the axis "
                                f"length of {n}")
        left = emit("not", places)
    else:
        i = index_array(places if places.ndim else reshape(places, (1,)), n, axis)
        left = emit("scatter", full(True, (n,), np.bool_), i, o.broadcast_to(o.constant(False), i.extents), axes=(0,))
    return move_axis(emit("gather", x, where_true(left)[0], axes=(axis,)), 0, axis)


def insert(arr, obj, values, axis=None):
    """Known places: NumPy itself says, on index numbers, where each element comes from."""
    x, v = array(arr), as_traced(values)
    x, k = (flatten(x), 0) if axis is None else (x, axis_of(axis, x))
    n = fixed(x, np.insert)[k]
    places = obj if isinstance(obj, slice) else static(obj, "the indices of np.insert")
    if not isinstance(places, slice) and not places.size:
        return o.as_array(x)
    one = not isinstance(places, slice) and places.ndim == 0
    if is_open(n) and one:
        at = _place(np.asarray(places), n, n + 1)
        v = _rows_to_insert(v, x, k) if v.ndim else o.broadcast_to(v, (*x.extents[:k], 1, *x.extents[k + 1:]))
        return concat([slice_axis(x, k, 0, at), o.convert(v, x.dtype), slice_axis(x, k, at, n - at)], k)
    try:
        count = np.insert(np.arange(n), places, np.int64(0) if one else 0).size - n
        order = np.insert(np.arange(n), places, n + np.arange(count) if count != 1 or not one else n)
    except IndexError as e:
        fail(BoundsError, str(e))
    if one and v.ndim:
        v = _rows_to_insert(v, x, k)
        count = v.extents[k]
        at = static_int(obj, "the place of np.insert") % n if n else 0
        order = np.concatenate([np.arange(at), n + np.arange(count), np.arange(at, n)])
    shape = (*x.extents[:k], count, *x.extents[k + 1:])
    v = o.broadcast_to(o.convert(v, x.dtype), shape)
    return take_known(concat([x, v], k), k, order)


def _place(place: np.ndarray, n: int, end: int) -> int:
    """A known place along an axis of n elements, n open, which must be less than `end`."""
    at = int(place) + n if place < 0 else int(place)
    if not 0 <= at < end:
        fail(BoundsError, f"index {int(place)} is out of bounds for axis 0 with size {n}")
    return at


def _rows_to_insert(v: TracedArray, x: TracedArray, axis: int) -> TracedArray:
    """Values for one place: their first axis is the one along which they are put in."""
    v = reshape(v, (1,) * (x.ndim - v.ndim) + v.extents)
    order = list(range(1, v.ndim))
    order.insert(axis, 0)
    v = transpose(v, order)
    return o.broadcast_to(v, (*x.extents[:axis], v.extents[axis], *x.extents[axis + 1:]))


def fill_diagonal(a, val, wrap=False):
    """Writes into the array, as NumPy's does."""
    if not isinstance(a, TracedArray):
        o.unsupported(np.fill_diagonal, "on an array from outside of the traced function; copy it inside first")
    if a.ndim < 2:
        fail(ArgumentError, "array must be at least 2-d")
    if a.ndim > 2 and len(set(a.extents)) != 1:
        fail(ArgumentError, "All dimensions of input must be of equal length")
    step = sum(prod(a.extents[k + 1:]) for k in range(a.ndim))
    n = len(range(0, prod(fixed(a, np.fill_diagonal)), step)) if wrap and a.ndim == 2 else min(a.extents)
    v = cast(as_traced(val), a.dtype)
    if v.ndim:
        flat = flatten(v)
        v = take_known(flat, 0, np.arange(n) % flat.size)
    v = o.broadcast_to(v, (n,))
    flat = emit("update", flatten(a), v, starts=(0,), steps=(step,)) if n else flatten(a)
    a.write(reshape(flat, a.extents))


# functions along axes ----------------------------------------------------------------------------------------------
def apply_along_axis(func1d, axis, arr, *args, **kwargs):
    """The function on each 1-d slice, one after the other."""
    x = array(arr)
    k = axis_of(axis, x)
    rest = [e for j, e in enumerate(fixed(x, np.apply_along_axis)) if j != k]
    if prod(rest) > SLICE_LIMIT:
        o.unsupported(np.apply_along_axis, f"on more than {SLICE_LIMIT} slices; give the function an axis argument")
    rows = reshape(move_axis(x, k, x.ndim - 1),
                        (-1 if 0 in rest else prod(rest), x.extents[k]))
    if not rows.extents[0]:
        fail(ArgumentError, "Cannot apply_along_axis when any iteration dimensions are 0")
    results = [array(func1d(pick(rows, 0, i), *args, **kwargs)) for i in range(rows.extents[0])]
    y = stack(results)
    y = reshape(y, (*rest, *results[0].extents))
    inner = results[0].ndim
    order = [*range(k), *range(len(rest), len(rest) + inner), *range(k, len(rest))]
    return transpose(y, order)


SLICE_LIMIT = 256


def apply_over_axes(func, a, axes):
    y = array(a)
    rank = y.ndim
    for k in o.items_of(axes):
        r = array(func(y, o.normal_axis(k, rank)))
        y = r if r.ndim == rank else expand_dims(r, o.normal_axis(k, rank))
    return y


RULES: dict[Callable[..., Any], Rule] = {
    np.concatenate: concatenate, np.stack: stack, np.vstack: vstack, np.hstack: hstack, np.dstack: dstack,
    getattr(np, "row_stack", np.vstack): vstack, np.column_stack: column_stack, np.append: append, np.block: block,
    np.array_split: array_split, np.split: split, np.hsplit: hsplit, np.vsplit: vsplit, np.dsplit: dsplit,
    np.pad: pad, np.delete: delete, np.insert: insert,
    np.apply_along_axis: apply_along_axis, np.apply_over_axes: apply_over_axes, np.fill_diagonal: fill_diagonal,
}
