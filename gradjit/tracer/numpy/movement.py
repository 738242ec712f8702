"""Moving elements: shapes, axes, order, joining, splitting, padding. Where NumPy gives views, so do these."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from math import prod
from typing import Any

import numpy as np

from ...errors import ArgumentError, BoundsError, DtypeError, ShapeError
from ...ir import Value
from ...ir.linear import Linear
from ...ir.sizes import agree, is_open
from .. import extents as ext, layout, operands as o, shaping
from ..locations import fail
from ..operands import TracedArray, as_traced, cast, emit, static_int
from ..views import forms, plain
from .common import (
    along,
    array,
    axis_of,
    call,
    concat,
    elements_if_known,
    fixed,
    flatten,
    full_like,
    iota,
    move_axis,
    reshape as reshape_copy,
    slice_axis,
    static,
    take_known,
    transpose as transpose_copy,
)
from .computed_extents import repeated

Rule = Callable[..., Any]


# shapes -------------------------------------------------------------------------------------------------------------
def target_shape(x: TracedArray, shape: Any) -> tuple[Any, ...]:
    """The shape asked for, with a -1 worked out. NumPy's ValueError where the sizes differ."""
    items = o.items_of(shape)
    computed = any(isinstance(n, TracedArray) and not n.is_known for n in items)
    if not x.type.is_static or (computed and not all(isinstance(n, int) for n in o.shape_of(shape))):
        return symbolic_shape(x, o.shape_of(shape))
    given_shape: tuple[Any, ...] = tuple(o.shape_of(shape)) if computed else o.static_shape(shape)
    unknown = [k for k, n in enumerate(given_shape) if n < 0]
    if len(unknown) > 1:
        fail(ArgumentError, "can only specify one unknown dimension")
    rest = prod([n for n in given_shape if n >= 0])
    size = prod(fixed(x, np.reshape))
    if unknown and rest and size % rest == 0:
        return tuple(size // rest if n < 0 else n for n in given_shape)
    if unknown or not agree(rest, size):
        fail(ShapeError, f"cannot reshape array of size {size} into shape {_text(given_shape)}")
    return given_shape


def symbolic_shape(x: TracedArray, shape: tuple[Any, ...]) -> tuple[Any, ...]:
    """The same where extents are not known: sizes must agree by how they are computed."""
    unknown = [k for k, n in enumerate(shape) if isinstance(n, int) and n < 0]
    if len(unknown) > 1:
        fail(ArgumentError, "can only specify one unknown dimension")
    size = ext.linear(ext.product(forms(x.extents)))
    rest = ext.linear(ext.product(forms(n for k, n in enumerate(shape) if k not in unknown)))
    if not unknown and size == rest:
        return shape
    left = Linear(const=1) if size == rest else size.divided(rest.const) if rest.is_const and rest.const > 0 else None
    if not unknown or left is None or (size != rest and left * rest.const != size):
        fail(ShapeError, f"cannot reshape an array of shape {o.shape_text(x.extents)} into shape "
                         f"{o.shape_text(shape)}: that their sizes agree does not follow from how they are computed")
    return tuple(ext.extent(left) if k in unknown else n for k, n in enumerate(shape))


def _text(shape: Sequence[Any]) -> str:
    return str(tuple(shape)).replace(" ", "")


def reshape(a, /, shape, order="C", *, copy=None):
    x = array(a)
    if order == "K":
        fail(ArgumentError, "order 'K' is not permitted for reshaping")
    y = in_order(x, target_shape(x, shape), memory_order(x, np.reshape, order))
    if copy is False and y.parent is None:
        fail(ArgumentError, "Unable to avoid creating a copy while reshaping.")
    return as_traced_copy(y) if copy else y


def memory_order(x: TracedArray, func: Any, order: Any) -> str:
    """"C" or "F", which "A" takes from x's order in memory."""
    order = order.upper() if isinstance(order, str) else order
    if order in ("C", "F"):
        return order
    if order != "A":
        fail(ArgumentError, f"order must be one of 'C', 'F', 'A', or 'K' (got {order!r})")
    turned = layout.is_turned(x.extents, x.strides_in_elements)
    if turned is None:
        o.unsupported(func, "order='A' of an array whose order in memory is not known; write order='C' or order='F'")
    return "F" if turned else "C"


def in_order(x: TracedArray, shape: Sequence[Any], order: str, name: str = "reshape") -> TracedArray:
    """x in another shape, elements read and placed in row-major ("C") or column-major ("F") order."""
    if order == "C":
        return shaping.reshaped(x, shape, name)
    turned = shaping.reshaped(shaping.permuted(x, range(x.ndim - 1, -1, -1)), tuple(reversed(tuple(shape))), name)
    return shaping.permuted(turned, range(turned.ndim - 1, -1, -1))


def as_traced_copy(x: TracedArray) -> TracedArray:
    """An array of its own with the same elements."""
    return o.as_array(x)


def ravel(a, order="C"):
    """One axis: a view of an array that has the order asked for in memory, else a copy in it."""
    x = array(a)
    if order == "K":
        return _ravel_as_it_lies(x)
    order = memory_order(x, np.ravel, order)
    return flattened(shaping.contiguous(x, order, "ravel") if x.kind == o.ARRAY else x, order)


def flattened(x: TracedArray, order: str) -> TracedArray:
    """x, which is contiguous in the order, or may be, with one axis."""
    return in_order(x, (o.elements(x),), order, "ravel")


def _ravel_as_it_lies(x: TracedArray) -> TracedArray:
    """Elements in the order in which they stand in memory."""
    if x.ndim < 2 or layout.is_row_major(x.extents, x.strides_in_elements):
        return ravel(x, "C")
    strides = x.strides_in_elements
    if strides is None or not x.type.is_static:
        o.unsupported(np.ravel, "order='K' of an array whose order in memory is not known; write order='C'")
    order = sorted(range(x.ndim), key=lambda k: -abs(strides[k]))
    return ravel(shaping.permuted(x, order), "C")


def squeeze(a, axis=None):
    x = array(a)
    if axis is None:
        axes: tuple[int, ...] = tuple(k for k, e in enumerate(x.extents) if e == 1)
    else:
        axes = o.normal_axes(axis, x.ndim)
        if any(x.extents[k] != 1 for k in axes):
            fail(ShapeError, "cannot select an axis to squeeze out which has size not equal to one")
    return shaping.regrouped(x, [e for k, e in enumerate(x.extents) if k not in axes])


def expand_dims(a, axis):
    x = array(a)
    axes = axis if isinstance(axis, (tuple, list)) else (axis,)
    places = o.normal_axes(tuple(axes), x.ndim + len(axes))
    shape = list(x.extents)
    for k in places:
        shape.insert(k, 1)
    return shaping.regrouped(x, shape)


def _atleast(rank: int, shape_of: Callable[[tuple[Any, ...]], tuple[Any, ...]]) -> Rule:
    """np.atleast_1d, 2d, 3d: views of higher rank; a tuple of them for several arrays."""

    def one(a: Any) -> TracedArray:
        x = array(a)
        return x if x.ndim >= rank else shaping.regrouped(x, shape_of(x.extents))

    return lambda *arys: one(arys[0]) if len(arys) == 1 else tuple(map(one, arys))


def _three(s: tuple[Any, ...]) -> tuple[Any, ...]:
    return (1, *(s or (1,)), 1) if len(s) < 2 else (*s, 1)


atleast_1d = _atleast(1, lambda s: (1,))
atleast_2d = _atleast(2, lambda s: (1, *(s or (1,))))
atleast_3d = _atleast(3, _three)


# axes ---------------------------------------------------------------------------------------------------------------
def transpose(a, axes=None):
    x = array(a)
    if axes is None:
        return shaping.permuted(x, range(x.ndim - 1, -1, -1))
    axes = o.items_of(axes)
    if len(axes) != x.ndim:
        fail(ArgumentError, "axes don't match array")
    perm = tuple(o.normal_axis(k, x.ndim) for k in axes)
    if len(set(perm)) != len(perm):
        fail(ArgumentError, "repeated axis in transpose")
    return shaping.permuted(x, perm)


def matrix_transpose(x, /):
    x = array(x)
    if x.ndim < 2:
        fail(ArgumentError, f"Input array must be at least 2-dimensional, but it is {x.ndim}")
    return swapaxes(x, -1, -2)


def swapaxes(a, axis1, axis2):
    x = array(a)
    i, j = axis_of(axis1, x, "axis1"), axis_of(axis2, x, "axis2")
    perm = list(range(x.ndim))
    perm[i], perm[j] = j, i
    return shaping.permuted(x, perm)


def moveaxis(a, source, destination):
    x = array(a)
    sources, targets = (_axis_list(v, x, name) for v, name in ((source, "source"), (destination, "destination")))
    if len(sources) != len(targets):
        fail(ArgumentError, "`source` and `destination` arguments must have the same number of elements")
    order = [k for k in range(x.ndim) if k not in sources]
    for target, src in sorted(zip(targets, sources, strict=True)):
        order.insert(target, src)
    return shaping.permuted(x, order)


def _axis_list(axes: Any, x: TracedArray, name: str) -> list[int]:
    found = [axis_of(k, x, name) for k in o.items_of(axes)]
    if len(set(found)) != len(found):
        fail(ArgumentError, f"repeated axis in `{name}` argument")
    return found


def rollaxis(a, axis, start=0):
    x = array(a)
    k, place = axis_of(axis, x), static_int(start, "start")
    place = place + x.ndim if place < 0 else place
    if not 0 <= place <= x.ndim:
        fail(BoundsError, f"'start' arg requires {-x.ndim} <= start < {x.ndim + 1}, but {start} was passed in")
    order = [j for j in range(x.ndim) if j != k]
    order.insert(place - 1 if k < place else place, k)
    return shaping.permuted(x, order)


# order --------------------------------------------------------------------------------------------------------------
def flip(m, axis=None):
    x = array(m)
    axes = o.normal_axes(axis, x.ndim)
    sizes = forms(x.extents)
    starts = [plain(e - 1) if k in axes and e != 0 else 0 for k, e in enumerate(sizes)]
    steps = [-1 if k in axes and e not in (0, 1) else 1 for k, e in enumerate(sizes)]
    return shaping.window(x, starts, x.extents, steps)


def fliplr(m):
    x = array(m)
    if x.ndim < 2:
        fail(ArgumentError, "Input must be >= 2-d.")
    return flip(x, 1)


def flipud(m):
    x = array(m)
    if x.ndim < 1:
        fail(ArgumentError, "Input must be >= 1-d.")
    return flip(x, 0)


def rot90(m, k=1, axes=(0, 1)):
    x = array(m)
    if len(axes) != 2 or (i := axis_of(axes[0], x)) == (j := axis_of(axes[1], x)):
        fail(ArgumentError, "len(axes) must be 2, and the axes different.")
    quarters = static_int(k, "k") % 4
    if quarters == 0:
        return shaping.permuted(x, range(x.ndim))
    if quarters == 2:
        return flip(flip(x, i), j)
    return swapaxes(flip(x, j), i, j) if quarters == 1 else flip(swapaxes(x, i, j), j)


def roll(a, shift, axis=None):
    """Elements moved along axes, those that leave at one end entering at the other; also by a traced amount."""
    x = array(a)
    if axis is None:
        flat = roll(flatten(x), shift, 0)
        return reshape_copy(flat, x.extents)
    shifts, axes = tuple(o.items_of(shift)), tuple(o.items_of(axis))
    if len(shifts) != len(axes) and 1 not in (len(shifts), len(axes)):
        fail(ArgumentError, "'shift' and 'axis' should be scalars or 1D sequences")
    count = len(axes) if len(shifts) == 1 else len(shifts)
    for s, k in zip(shifts * (count if len(shifts) == 1 else 1), axes * (count if len(axes) == 1 else 1), strict=True):
        x = _rolled(x, s, axis_of(k, x))
    return as_traced_copy(x)


def _rolled(x: TracedArray, shift: Any, axis: int) -> TracedArray:
    n = x.extents[axis]
    s = as_traced(ext.handle(shift) if is_open(shift) else shift)
    if not isinstance(n, int):
        fixed_rest(x, axis, np.roll)
        places = call(np.remainder, call(np.subtract, iota((n,), 0), s), ext.handle(ext.form(n)))
        return move_axis(emit("gather", x, places, axes=(axis,)), 0, axis)
    by = shift if is_open(shift) else ext.size(s)
    if by is not None and is_open(n):
        end = n - by if by >= 0 else -by
        if not 0 <= end <= n:  # more than once around
            end = end % n
        return concat([slice_axis(x, axis, end, n - end), slice_axis(x, axis, 0, end)], axis)
    if s.known is not None:
        return take_known(x, axis, (np.arange(n) - static_int(shift, "shift")) % max(n, 1))
    places = emit("sub", iota((n,), 0), o.broadcast_to(cast(reshape_copy(s, ()), np.int64), (n,)))
    places = call(np.remainder, places, ext.handle(n))
    return move_axis(emit("gather", x, places, axes=(axis,)), 0, axis)


def _centred(forward: bool) -> Rule:
    """np.fft.fftshift and ifftshift: half the extent moved from one end to the other."""

    def rule(x, axes=None):
        v = array(x)
        for k in (range(v.ndim) if axes is None else [axis_of(a, v) for a in np.atleast_1d(axes).tolist()]):
            half = fixed(v, np.roll)[k] // 2
            v = _rolled(v, half if forward else -half, k)
        return as_traced_copy(v)

    return rule


# repetition ---------------------------------------------------------------------------------------------------------
def broadcast_to(array, shape, subok=False):
    x = as_traced(array)
    shape = o.shape_of(shape)
    if o.broadcast_shape(x.extents, shape) != shape or x.ndim > len(shape):
        fail(ShapeError, f"operands could not be broadcast together with remapped shapes [original->remapped]: "
                         f"{_text(x.extents)} and requested shape {_text(shape)}")
    return shaping.read_only(o.as_array(x) if x.kind != o.ARRAY else x, lambda p: o.broadcast_to(p, shape))


def broadcast_arrays(*args, subok=False):
    xs = [array(a) for a in args]
    shape = o.broadcast_shape(*(x.extents for x in xs))
    return tuple(x if x.extents == shape else shaping.spread(x, shape) for x in xs)


def tile(A, reps):
    """A repeated along each axis."""
    x = array(A)
    reps = o.static_shape(reps)
    rank = max(x.ndim, len(reps))
    times = (1,) * (rank - len(reps)) + reps
    if any(t < 0 for t in times):
        fail(ArgumentError, "negative dimensions are not allowed")
    if not x.type.is_static:
        x = reshape_copy(x, (*(1,) * (rank - x.ndim), *x.extents))
        for k, t in enumerate(times):
            x = concat([x] * t, k) if t else slice_axis(x, k, 0, 0)
        return o.as_array(x)
    shape = (1,) * (rank - x.ndim) + fixed(x, np.tile)
    axes = [k for k in range(rank) if times[k] != 1]
    wide = [n for k in range(rank) for n in ((times[k], shape[k]) if k in axes else (shape[k],))]
    dims, place = [], 0
    for k in range(rank):
        place += k in axes
        dims.append(place)
        place += 1
    y = emit("broadcast", reshape_copy(x, shape), shape=tuple(wide), dims=tuple(dims)) if axes else reshape_copy(x,
                                                                                                                 shape)
    return o.as_array(reshape_copy(y, [t * e for t, e in zip(times, shape, strict=True)]))


def repeat(a, repeats, axis=None):
    """Each element repeated: the same number of times, or known numbers of times."""
    x = array(a)
    x, k = along(x, axis)
    if elements_if_known(repeats) is None:
        fixed(x, np.repeat)
        return repeated(x, as_traced(repeats), k)
    counts = static(repeats, "the counts of np.repeat")
    n = x.extents[k]
    if not isinstance(n, int) and counts.size == 1:
        times = int(counts.reshape(())[()])
        fixed_rest(x, k, np.repeat)
        places = call(np.floor_divide, iota((ext.extent(ext.product([times, ext.form(n)])),), 0), max(times, 1))
        return move_axis(emit("gather", x, places, axes=(k,)), 0, k)
    n = fixed(x, np.repeat)[k]
    if counts.ndim > 1:
        fail(ArgumentError, "object too deep for desired array")
    if np.any(counts < 0):
        fail(ArgumentError, "repeats may not contain negative values.")
    if counts.size == 1:
        times = int(counts.reshape(())[()])
        shape = (*x.extents[:k + 1], times, *x.extents[k + 1:])
        wide = emit("broadcast", x, shape=shape, dims=tuple(j for j in range(x.ndim + 1) if j != k + 1))
        return reshape_copy(wide, (*x.extents[:k], n * times, *x.extents[k + 1:]))
    if len(counts) != n:
        fail(ShapeError, f"operands could not be broadcast together with shape ({n},) ({len(counts)},)")
    return take_known(x, k, np.repeat(np.arange(n), counts))


def fixed_rest(x: TracedArray, axis: int, func: Any) -> None:
    """UnsupportedError where other extents than that along the axis are computed."""
    if not all(isinstance(e, int) for k, e in enumerate(x.extents) if k != axis):
        o.refuse_shape(func, x)


def resize(a, new_shape):
    """The elements in order, repeated until the new shape is full."""
    x = flatten(array(a))
    shape = o.static_shape(new_shape)
    size = prod(shape)
    if size < 0:
        fail(ArgumentError, "all elements of `new_shape` must be non-negative")
    if x.size == 0 or size == 0:
        return o.constant(np.zeros(shape, x.dtype))
    copies = tile(x, -(-size // x.size)) if size > x.size else x
    return reshape_copy(take_known(copies, 0, np.arange(size)), shape)


# parts --------------------------------------------------------------------------------------------------------------
def diagonal(a, offset=0, axis1=0, axis2=1):
    """A read-only view of a diagonal."""
    x = array(a)
    if x.ndim < 2:
        fail(ArgumentError, "diag requires an array of at least two dimensions")
    i, j = axis_of(axis1, x, "axis1"), axis_of(axis2, x, "axis2")
    if i == j:
        fail(ArgumentError, "axis1 and axis2 cannot be the same")
    return shaping.read_only(x, lambda p: diagonal_of(p, static_int(offset, "offset"), i, j))


def diagonal_of(x: TracedArray, offset: int, i: int, j: int) -> TracedArray:
    """The diagonal of two axes as the last axis: a slice of the flattened matrix, rows of `columns + 1` apart."""
    rest = [k for k in range(x.ndim) if k not in (i, j)]
    m = transpose_copy(x, [*rest, i, j])
    rows, columns = fixed(m, np.diagonal)[-2:]
    size = max(min(rows + min(offset, 0), columns - max(offset, 0)), 0)
    start = offset if offset >= 0 else -offset * columns
    flat = reshape_copy(m, (*m.extents[:-2], rows * columns))
    return slice_axis(flat, flat.ndim - 1, start, size, columns + 1)


def diag(v, k=0):
    x = array(v)
    if x.ndim == 2:
        return diagonal(x, k)
    if x.ndim != 1:
        fail(ArgumentError, "Input must be 1- or 2-d.")
    return diagonal_matrix(x, static_int(k, "k"))


def diagonal_matrix(x: TracedArray, k: int) -> TracedArray:
    """A square matrix with x on its k-th diagonal: padding between the elements, then rows."""
    (n,) = fixed(x, np.diag)
    order = n + abs(k)
    if n == 0:
        return o.constant(np.zeros((order, order), x.dtype))
    low = k if k >= 0 else -k * order
    high = order * order - low - ((n - 1) * (order + 1) + 1)
    zero = o.constant(np.zeros((), x.dtype))
    flat = emit("pad", x, zero, lows=(low,), highs=(high,), interiors=(order,))
    return reshape_copy(flat, (order, order))


def diagflat(v, k=0):
    return diagonal_matrix(flatten(array(v)), static_int(k, "k"))


def _triangle(keep_lower: bool) -> Rule:
    """np.tril and np.triu."""

    def rule(m, k=0):
        x = array(m)
        k = static_int(k, "k")
        x = o.broadcast_to(x, (x.extents[0],) * 2) if x.ndim == 1 else x
        if x.ndim == 0:
            fail(DtypeError, "an array of at least one dimension is needed")
        rows, columns = x.extents[-2:]
        mask = lower_mask(rows, columns, k if keep_lower else k - 1)
        mask = o.broadcast_to(mask, x.extents)
        zero = full_like(0, x)
        return emit("select", mask, x, zero) if keep_lower else emit("select", mask, zero, x)

    return rule


def lower_mask(rows: int | Value, columns: int | Value, k: int) -> TracedArray:
    """True at and below the k-th diagonal, computed from counters (a table of it would have to be read)."""
    i, j = iota((rows, columns), 0), iota((rows, columns), 1)
    return emit("le", j, emit("add", i, full_like(k, i))) if k else emit("le", j, i)


tril, triu = _triangle(True), _triangle(False)


# windows that slide over an array ------------------------------------------------------------------------------------
SHORT_WINDOW = 32
"""A window of at most so many elements is written out as slices, which fuse; a longer one is read by index."""


def sliding_window_view(x, window_shape, axis=None, *, subok=False, writeable=False):
    a = array(x)
    if writeable:
        o.unsupported(np.lib.stride_tricks.sliding_window_view, "with writeable=True; write into the array itself")
    widths = tuple(window_shape) if isinstance(window_shape, (tuple, list, np.ndarray)) else (window_shape,)
    widths = tuple(static_int(w, "window_shape") for w in widths)
    if any(w < 0 for w in widths):
        fail(ArgumentError, "`window_shape` cannot contain negative values")
    if axis is None and len(widths) != a.ndim:
        fail(ArgumentError, f"Since axis is None, must provide window_shape for all dimensions of `x`; got "
                            f"{len(widths)} window_shape elements and `x.ndim` is {a.ndim}.")
    axes = tuple(range(a.ndim)) if axis is None else o.normal_axes(axis, a.ndim)
    if len(widths) != len(axes):
        fail(ArgumentError, f"Must provide matching length window_shape and axis; got {len(widths)} window_shape "
                            f"elements and {len(axes)} axes elements.")
    for k, w in zip(axes, widths, strict=True):
        n = a.extents[k]
        if isinstance(n, int) and w > n:
            fail(ArgumentError, "window shape cannot be larger than input array shape")
        if not isinstance(n, int):
            o.refuse_shape(np.lib.stride_tricks.sliding_window_view, a)

    def read(parent: TracedArray) -> TracedArray:
        for k, w in zip(axes, widths, strict=True):
            parent = windows(parent, k, w)
        return parent

    return shaping.read_only(a, read)


def windows(a: TracedArray, axis: int, width: int) -> TracedArray:
    """The windows of one axis as a last axis."""
    count = a.extents[axis] - width + 1
    if width > SHORT_WINDOW or not width:
        places = np.arange(count)[:, None] + np.arange(width)
        read = take_known(a, axis, places.ravel())
        return moveaxis(reshape_copy(read, (*a.extents[:axis], count, width, *a.extents[axis + 1:])), axis + 1, -1)
    starts, steps = [0] * a.ndim, (1,) * a.ndim
    sizes = [*a.extents[:axis], count, *a.extents[axis + 1:]]
    parts = []
    for j in range(width):
        starts[axis] = j
        part = emit("slice", a, starts=tuple(starts), sizes=tuple(sizes), steps=steps)
        parts.append(emit("reshape", part, shape=(*sizes, 1)))
    return parts[0] if width == 1 else emit("concat", *parts, axis=a.ndim)


def as_strided(x, shape=None, strides=None, subok=False, writeable=True):
    o.unsupported(np.lib.stride_tricks.as_strided, "it looks at memory; write sliding_window_view, or an index")


# lookups of sizes ---------------------------------------------------------------------------------------------------
def shape_(a):
    return as_traced(a).shape


def ndim(a):
    return as_traced(a).ndim


def size(a, axis=None):
    x = as_traced(a)
    if axis is None:
        return x.size
    n = 1
    for k in o.normal_axes(axis, x.ndim):
        n *= x.extents[k]
    return n


def unstack(x, /, *, axis=0):
    x = array(x)
    if x.ndim == 0:
        fail(ArgumentError, "Input array must be at least 1-d.")
    y = moveaxis(x, axis, 0)
    return tuple(y[k] for k in range(y.extents[0]))


RULES: dict[Callable[..., Any], Rule] = {
    np.reshape: reshape, np.ravel: ravel, np.squeeze: squeeze, np.expand_dims: expand_dims,
    np.atleast_1d: atleast_1d, np.atleast_2d: atleast_2d, np.atleast_3d: atleast_3d,
    np.transpose: transpose, np.matrix_transpose: matrix_transpose, np.linalg.matrix_transpose: matrix_transpose,
    np.swapaxes: swapaxes, np.moveaxis: moveaxis, np.rollaxis: rollaxis,
    np.flip: flip, np.fliplr: fliplr, np.flipud: flipud, np.rot90: rot90, np.roll: roll,
    np.broadcast_to: broadcast_to, np.broadcast_arrays: broadcast_arrays, np.tile: tile, np.repeat: repeat,
    np.resize: resize,
    np.diagonal: diagonal, np.diag: diag, np.diagflat: diagflat, np.tril: tril, np.triu: triu,
    np.shape: shape_, np.ndim: ndim, np.size: size, np.unstack: unstack,
    np.fft.fftshift: _centred(True), np.fft.ifftshift: _centred(False),
    np.lib.stride_tricks.sliding_window_view: sliding_window_view, np.lib.stride_tricks.as_strided: as_strided,
}
