"""Sorting, searching, counting, sets."""

from __future__ import annotations

import functools
from collections.abc import Callable
from math import prod
from typing import Any

import numpy as np

from ...errors import ArgumentError, DtypeError, ShapeError
from ...ir.ranges import elements as elements_between
from ...ir.sizes import guess
from .. import extents as ext, operands as o
from ..conversion import strong
from ..locations import fail
from ..operands import TracedArray, as_traced, broadcast, cast, constant, emit, promote, static_int
from ..subscripts import index_array
from .common import (
    array,
    axis_of,
    call,
    concat,
    elements_if_known,
    expand,
    fixed,
    flatten,
    full,
    full_like,
    reshape,
    reverse,
    slice_axis,
    where,
)
from .complex_numbers import values
from .computed_extents import narrowed, places, sorts_last, widened
from .creation import linspace
from .indexing import take_along_axis, taken
from .reduction import max_, min_, sum_

Rule = Callable[..., Any]


# sorting ------------------------------------------------------------------------------------------------------------
def _sorting(func: Rule, op: str) -> Rule:
    """np.sort and np.argsort, always stable."""

    def rule(a, axis=-1, kind=None, order=None, *, stable=None):
        if order is not None:
            o.unsupported(func, "order= is for structured arrays")
        x = array(a)
        x, k = (flatten(x), 0) if axis is None else (x, axis_of(axis, x))
        if not x.ir_dtype.is_complex:
            return narrowed(emit(op, widened(x, sorts_last), axis=k), x.extents)
        order = _complex_order(x, k)
        return order if op == "argsort" else take_along_axis(x, order, k)

    return rule


sort, argsort = _sorting(np.sort, "sort"), _sorting(np.argsort, "argsort")


def _complex_order(x: TracedArray, axis: int) -> TracedArray:
    """By the real parts, then by the imaginary ones; numbers with a nan stand behind the others, last those whose real
    part is one."""
    re, im = values(x)
    first, second = (cast(emit("isnan", v), np.int64) for v in (re, im))
    return lexsort([im, re, emit("add", emit("add", first, first), second)], axis)


def sort_complex(a):
    x = sort(a)
    if x.ir_dtype.is_complex:
        return x
    return cast(x, np.complex64 if x.ir_dtype.is_integer and x.itemsize <= 2 else np.complex128)


def _partition(rule: Rule) -> Rule:
    """A full sort is a partition, too."""
    def partition(a: Any, kth: Any, axis: Any = -1, kind: str = "introselect", order: Any = None) -> TracedArray:
        x = as_traced(a)
        n = prod(x.extents) if axis is None else x.extents[axis_of(axis, x)]
        places = as_traced(kth)
        if places.ir_dtype.kind not in "iub":
            fail(DtypeError, "Partition index must be integer")
        if places.known is not None and isinstance(n, int):
            for place in places.known.ravel().tolist():
                if not -n <= place < n and 0 not in x.extents:
                    fail(ArgumentError, f"kth(={place}) out of bounds ({n})")
        elif places.size:
            end = ext.handle(n)
            o.require(as_traced(np.all((places >= -end) & (places < end))), "kth out of bounds")
        return rule(x, axis, order=order)

    return partition


def lexsort(keys, axis=-1):
    """By the last key, ties by the one before: stable sorts from the first key to the last."""
    columns = list(map(array, as_traced(keys))) if isinstance(keys, (TracedArray, np.ndarray)) else [array(k)
                                                                                                     for k in keys]
    if not columns:
        fail(ArgumentError, "need sequence of keys with len > 0 in lexsort")
    k = axis_of(axis, columns[0])
    order = argsort(columns[0], k)
    for column in columns[1:]:
        order = take_along_axis(order, argsort(take_along_axis(column, order, k), k), k)
    return order


# searching ----------------------------------------------------------------------------------------------------------
COUNTING_LIMIT = 16
"""In a table of at most so many elements the comparisons are counted; in a longer one the search is binary."""


def searchsorted(a, v, side="left", sorter=None):
    """The place of each element of v in the sorted vector a; nan sorts behind all numbers."""
    table = array(a)
    table, wanted = promote(table, strong(as_traced(v), table))
    if table.ndim != 1:
        fail(ShapeError, "object too deep for desired array")
    if side not in ("left", "right"):
        fail(ArgumentError, f"search side must be 'left' or 'right' (got {side!r})")
    if sorter is not None:
        table = taken(table, index_array(sorter, fixed(table, np.searchsorted)[0], 0), 0)
    return places_in(table, wanted, side)


def before(x: TracedArray, y: TracedArray, side: str) -> TracedArray:
    """Whether a table's element x stands before the place of y: x < y, or x <= y on the right; nan is the greatest."""
    if not x.ir_dtype.is_float:
        return emit("lt" if side == "left" else "le", x, y)
    if side == "left":
        return emit("or", emit("lt", x, y), emit("and", emit("isnan", y), emit("not", emit("isnan", x))))
    return emit("or", emit("le", x, y), emit("isnan", y))


def places_in(table: TracedArray, wanted: TracedArray, side: str) -> TracedArray:
    """The number of elements of the sorted table that stand before each wanted one."""
    (n,) = fixed(table, np.searchsorted)
    if (type(n) is int and n <= COUNTING_LIMIT) or n == 0:
        x, y = broadcast(table, expand(wanted, (wanted.ndim,)))
        return emit("sum", cast(before(x, y, side), np.int64), axes=(x.ndim - 1,))
    found = full(0, wanted.extents, np.int64)
    step = 1 << (bits_of(n) - 1)
    while step:
        tried = emit("add", found, full_like(step, found))
        last = emit("minimum", emit("sub", tried, full_like(1, tried)), full_like(n - 1, tried))
        fits = emit("le", tried, full_like(n, tried))
        ahead = emit("and", fits, before(emit("gather", table, last, axes=(0,)), wanted, side))
        found = emit("select", ahead, tried, found)
        step //= 2
    return found


SPARE_BITS = 6
"""A search in a table of open length serves one that is longer than the example by so many powers of two."""


def bits_of(n: int) -> int:
    """So many bits hold the length of a table, which is none too many: each costs a comparison."""
    if type(n) is int:
        return n.bit_length()
    bits = guess(n).bit_length() + SPARE_BITS
    return bits if n < 1 << bits else n.bit_length()


def digitize(x, bins, right=False):
    """The bin of each element, between edges that rise or fall."""
    if array(x).dtype.kind == "c":
        fail(DtypeError, "x may not be complex")
    table = elements_if_known(bins)
    if table is None:
        return _digitized(array(x), array(bins), bool(right))
    steps = np.diff(table)
    if not (np.all(steps >= 0) or np.all(steps <= 0)):
        fail(ArgumentError, "bins must be monotonically increasing or decreasing")
    if np.all(steps >= 0):
        return searchsorted(bins, x, "left" if right else "right")
    rising = constant(table[::-1].copy())
    places = searchsorted(rising, x, "right" if right else "left")
    return call(np.subtract, len(table), places)


def _digitized(x: TracedArray, edges: TracedArray, right: bool) -> TracedArray:
    """By both tables, of which the elements say which one rises."""
    (n,) = fixed(edges, np.digitize)
    turned = reverse(edges, 0)
    near, far = (slice_axis(edges, 0, k, max(n - 1, 0)) for k in (0, min(1, n)))
    rises, falls = (emit("all", call(c, near, far), axes=(0,)) for c in (np.less_equal, np.greater_equal))
    o.require(call(np.logical_or, rises, falls), "bins must be monotonically increasing or decreasing")
    up = searchsorted(edges, x, "left" if right else "right")
    down = call(np.subtract, n, searchsorted(turned, x, "right" if right else "left"))
    return where(rises, up, down)


def _known_elements(a: Any, func: Any) -> np.ndarray:
    """An array whose non-zero elements decide the shape of the result."""
    known = elements_if_known(a)
    if known is None:
        o.unsupported(func, "of traced values: how many elements it gives depends on them; write np.where(mask, x, 0), "
                            "or compute the indices outside")
    return known


def nonzero(a):
    if as_traced(a).ndim == 0:
        fail(ArgumentError, "Calling nonzero on 0d arrays is not allowed. Use np.atleast_1d(scalar).nonzero() instead.")
    if elements_if_known(a) is None:
        return places(as_traced(a))
    return tuple(constant(i) for i in _known_elements(a, np.nonzero).nonzero())


def argwhere(a):
    if elements_if_known(a) is None:
        return emit("concat", *(reshape(i, (i.extents[0], 1)) for i in places(as_traced(a))), axis=1)
    return constant(np.argwhere(_known_elements(a, np.argwhere)))


def flatnonzero(a):
    if elements_if_known(a) is None:
        return places(flatten(as_traced(a)))[0]
    return constant(np.flatnonzero(_known_elements(a, np.flatnonzero)))


# counting -----------------------------------------------------------------------------------------------------------
def bincount(x, /, weights=None, minlength=0):
    """How often (or with what weight) each number occurs."""
    numbers = elements_if_known(x)
    if numbers is None:
        return _traced_bincount(as_traced(x), weights, static_int(minlength, "minlength"))
    if weights is None:
        return constant(np.bincount(numbers, minlength=minlength))
    w = cast(as_traced(weights), np.float64)
    if w.extents != numbers.shape:
        fail(ArgumentError, "The weights and list don't have the same length.")
    length = np.bincount(numbers, minlength=minlength).size
    return emit("scatter_add", full(0, (length,), np.float64), cast(as_traced(x), np.int64), w, axes=(0,))


def _traced_bincount(x: TracedArray, weights: Any, least: int) -> TracedArray:
    """As long as the greatest of the numbers says, of which must be known how large it can be."""
    if x.ndim != 1:
        fail(ArgumentError, "object too deep for desired array")
    if not x.ir_dtype.is_integer:
        fail(DtypeError, f"Cannot cast array data from {x.dtype!r} to dtype('int64') according to the rule 'safe'")
    numbers = cast(x, np.int64)
    top = elements_between(numbers.value)[1]
    if top is None or top > ext.SAYS_NOTHING:
        o.unsupported(np.bincount, "of traced numbers of which nothing says how large they can be: no memory can be "
                                   "set aside; write np.bincount(np.minimum(numbers, most), ...), or np.add.at("
                                   "np.zeros(n), numbers, weights)")
    room = max(top + 1, least, 0)
    o.require(emit("all", call(np.greater_equal, numbers, 0), axes=(0,)), "'list' argument must have no negative "
                                                                          "elements")
    w = full(1, x.extents, np.int64) if weights is None else cast(as_traced(weights), np.float64)
    if w.extents != x.extents:
        fail(ArgumentError, "The weights and list don't have the same length.")
    counts = emit("scatter_add", full(0, (room,), w.dtype), numbers, w, axes=(0,))
    if room == least:  # no number is greater
        return counts
    longest = emit("max", concat([numbers, full(-1, (1,), np.int64)], 0), axes=(0,))
    length = ext.larger(ext.form(call(np.add, longest, 1)), least)
    return narrowed(counts, (ext.extent(ext.bounded(length, room + 1)),))


def _edges(x: TracedArray, bins: Any, range_: Any) -> TracedArray:
    """The edges of the bins: given, or equally spaced over the range."""
    b = as_traced(bins) if not isinstance(bins, str) else o.unsupported(np.histogram, "a rule for the number of bins")
    if b.ndim == 1:
        n = fixed(b, np.histogram)[0]
        if n > 1:
            o.require(call(np.less_equal, slice_axis(b, 0, 0, n - 1), slice_axis(b, 0, 1, n - 1)),
                      "`bins` must increase monotonically, when an array")
        return b
    n = o.static_int(bins, "bins")
    if n < 1:
        fail(ArgumentError, "`bins` must be positive, when an integer")
    low, high = (min_(x), max_(x)) if range_ is None else range_
    for v in (low, high):
        if (end := as_traced(v)).ir_dtype.is_float:
            o.require(call(np.isfinite, end), "the range of np.histogram is not finite")
    if range_ is not None:
        o.require(call(np.less_equal, low, high), "max must be larger than min in range parameter.")
    dtype = o.result_type(x, as_traced(low), as_traced(high))
    low, high = promote(*(call(np.multiply, v, 1.0) for v in (low, high)))
    same = emit("eq", low, high)  # an empty range grows by a half on both sides
    half = full_like(0.5, low)
    low, high = (emit("select", same, emit(op, v, half), v) for op, v in (("sub", low), ("add", high)))
    return linspace(low, high, n + 1, dtype=dtype if dtype.kind == "f" else np.float64)


def histogram_bin_edges(a, bins=10, range=None, weights=None):
    return _edges(flatten(array(a)), bins, range)


def binned(x: TracedArray, edges: TracedArray) -> tuple[TracedArray, TracedArray]:
    """The bin of each element (0 of those outside), and whether it is in one; the last bin has both its edges."""
    n = fixed(edges, np.histogram)[0] - 1
    bounds, found = promote(edges, x)
    place = call(np.subtract, places_in(bounds, found, "right"), 1)
    place = where(call(np.equal, found, slice_axis(bounds, 0, n, 1)), n - 1, place)
    inside = call(np.logical_and, call(np.greater_equal, place, 0), call(np.less, place, n))
    return where(inside, place, 0), inside


def histogram(a, bins=10, range=None, density=None, weights=None):
    """Counts (or sums of weights) in half-open bins, the last one closed, and the edges."""
    x = flatten(array(a))
    x = cast(x, np.float64) if x.ir_dtype.kind in "biu" else x
    edges = _edges(x, bins, range)
    n = fixed(edges, np.histogram)[0] - 1
    place, inside = binned(x, edges)
    if weights is None:
        w = full(1, x.extents, np.int64)
    else:
        w = flatten(array(weights))
        if w.extents != x.extents:
            fail(ArgumentError, "weights should have the same shape as a.")
    w = emit("select", inside, w, full_like(0, w))
    counts = emit("scatter_add", full(0, (n,), w.dtype), place, w, axes=(0,))
    if density:
        widths = call(np.subtract, slice_axis(edges, 0, 1, n), slice_axis(edges, 0, 0, n))
        counts = call(np.divide, call(np.divide, counts, widths), sum_(counts))
    return counts, edges


def histogramdd(sample, bins=10, range=None, density=None, weights=None):
    """Counts (or sums of weights) in boxes, and the edges along each axis. Rows of the sample are points."""
    points = array(sample) if isinstance(sample, TracedArray) else array(np.atleast_2d(sample).T)
    points = reshape(points, (points.extents[0], 1)) if points.ndim == 1 else points
    count, axes = fixed(points, np.histogramdd)
    each = bins if isinstance(bins, (list, tuple, np.ndarray)) else [bins] * axes
    if len(each) != axes:
        fail(ArgumentError, "The dimension of bins must be equal to the dimension of the sample x.")
    columns = [reshape(slice_axis(points, 1, k, 1), (count,)) for k, _ in enumerate(each)]
    columns = [c if c.ir_dtype.is_float else cast(c, np.float64) for c in columns]
    ranges = [None] * axes if range is None else list(range)
    edges = [_edges(c, b, r) for c, b, r in zip(columns, each, ranges, strict=True)]
    sizes = [fixed(e, np.histogramdd)[0] - 1 for e in edges]
    found = [binned(c, e) for c, e in zip(columns, edges, strict=True)]
    inside = functools.reduce(lambda p, q: call(np.logical_and, p, q), [i for _, i in found])
    place = functools.reduce(lambda p, q: call(np.add, call(np.multiply, p, q[1]), q[0]),
                             [(p, n) for (p, _), n in zip(found, sizes, strict=True)][1:], found[0][0])
    w = full(1.0, (count,), np.float64) if weights is None else cast(flatten(array(weights)), np.float64)
    w = emit("select", inside, w, full_like(0, w))
    flat = emit("scatter_add", full(0, (prod(sizes),), np.float64), where(inside, place, 0), w, axes=(0,))
    counts = reshape(flat, tuple(sizes))
    if density:
        total = sum_(counts)
        for k, (e, n) in enumerate(zip(edges, sizes, strict=True)):
            widths = call(np.subtract, slice_axis(e, 0, 1, n), slice_axis(e, 0, 0, n))
            counts = call(np.divide, counts, reshape(widths, (n,) + (1,) * (axes - k - 1)))
        counts = call(np.divide, counts, total)
    return counts, tuple(edges)


def histogram2d(x, y, bins=10, range=None, density=None, weights=None):
    first, second = flatten(array(x)), flatten(array(y))
    if first.extents != second.extents:
        fail(ArgumentError, "x and y must have the same length.")
    pair = [expand(v, (1,)) for v in promote(first, second)]
    several = isinstance(bins, (list, tuple, np.ndarray, TracedArray)) and len(bins) not in (1, 2)
    counts, edges = histogramdd(o.as_array(emit("concat", *pair, axis=1)), [bins, bins] if several else bins, range,
                                density, weights)
    return counts, *edges


RULES: dict[Callable[..., Any], Rule] = {
    np.sort: sort, np.sort_complex: sort_complex, np.argsort: argsort,
    np.partition: _partition(sort), np.argpartition: _partition(argsort),
    np.lexsort: lexsort, np.searchsorted: searchsorted, np.digitize: digitize,
    np.nonzero: nonzero, np.argwhere: argwhere, np.flatnonzero: flatnonzero,
    np.bincount: bincount, np.histogram: histogram, np.histogramdd: histogramdd, np.histogram2d: histogram2d,
    np.histogram_bin_edges: histogram_bin_edges,
}
