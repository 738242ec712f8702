"""`x[key]` and `x[key] = v`: basic keys give views, computed ones gathers and scatters, as in NumPy."""

from __future__ import annotations

import operator
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, NoReturn

import numpy as np

from ..errors import ArgumentError, BoundsError, ShapeError, TraceError, UnsupportedError
from . import operands as o
from .array import ARRAY, SCALAR, TracedArray
from .locations import fail
from .pinning import pinned
from .selection import Selection, write as write_selection
from .shaping import picked, regrouped, window
from .views import Reshaped, Window


@dataclass
class Key:
    """A key taken apart: a window over all axes, then which of its axes vanish, are new, or carry index arrays."""

    starts: list[Any] = field(default_factory=list)
    sizes: list[Any] = field(default_factory=list)
    steps: list[int] = field(default_factory=list)
    shape: list[Any] = field(default_factory=list)
    """The shape after integers dropped and None added axes."""
    arrays: dict[int, TracedArray] = field(default_factory=dict)
    """Index arrays by axis of `shape`."""
    ellipsis: bool = False
    together: bool = True
    """Whether the index arrays (and integers beside them) stand next to each other in the key."""
    integers: bool = False
    """Whether all that needs a gather are single integers, which give a view; 0-d arrays give a copy."""


def getitem(x: TracedArray, key: Any) -> Any:
    """What NumPy's `x[key]` gives: a view for a basic key, a scalar where integers name one element."""
    from .dispatch import leave
    if x.kind != ARRAY:
        x = scalar_as_array(x, key)
    mask = leading_mask(x, key)
    if mask is not None and pinned(mask) is None:
        return Selection(x, mask)
    k = parse(x, key)
    v = basic_view(x, k)
    if k.arrays and k.integers and (v.ndim > len(k.arrays) or k.ellipsis):
        return picked(v, tuple(k.arrays), tuple(k.arrays.values()))
    if k.arrays:
        return leave(gather(v, k))
    if not k.shape and not k.ellipsis:
        v = o.root(v.content, v.home, SCALAR)
    return leave(v)


def setitem(x: TracedArray, key: Any, value: Any) -> None:
    """NumPy's `x[key] = value`, also through views."""
    if x.kind != ARRAY:
        fail(TraceError, f"'{x.kind}' object does not support item assignment")
    mask = leading_mask(x, key)
    if isinstance(value, Selection) and mask is not None:
        return write_selection(x, mask, value)
    v = o.as_traced(value)
    if v.ir_dtype.is_complex and not x.ir_dtype.is_complex:
        fail(TraceError, f"a {v.dtype} cannot be written into a {x.dtype} array")
    v = o.convert(v, x.dtype)
    if mask is not None and (v.size == 1 or v.ndim <= x.ndim - mask.ndim):
        return x.write(write_by_mask(x, mask, v))
    if mask is not None and pinned(mask) is None:
        fail(UnsupportedError, "x[mask] = values with a mask that is not known while tracing takes one number; write "
                               "x[:] = np.where(mask, values, x) with values in x's shape")
    k = parse(x, key)
    if k.arrays:
        target = basic_view(x, k)
        return target.write(scatter(target, k, v))
    if is_view_of(x, k, v):
        return None
    new = reshape_to(fitted(v, tuple(k.shape)), tuple(k.sizes))
    return x.write(Window(tuple(k.starts), tuple(k.sizes), tuple(k.steps)).put(x, new))


def is_view_of(x: TracedArray, k: Key, v: TracedArray) -> bool:
    """Whether v is `x[key]` itself: `x[key] += 1` ends with writing back what has been changed in place already."""
    if v.extents != tuple(k.shape) or v.parent is None:
        return False
    if tuple(k.shape) != tuple(k.sizes):
        if not isinstance(v._view, Reshaped):
            return False
        v = v.parent
    return v.parent is x and v._view == Window(tuple(k.starts), tuple(k.sizes), tuple(k.steps))


def scalar_as_array(x: TracedArray, key: Any) -> TracedArray:
    if key == () or key is Ellipsis or key is None or key == (Ellipsis,):
        return o.as_array(x)
    fail(TraceError, f"invalid index to a scalar: {x!r} has no axes")


def fitted(v: TracedArray, shape: tuple[Any, ...]) -> TracedArray:
    """The value broadcast to the place it is written to; leading axes of extent 1 may be dropped, as NumPy does."""
    extra = v.ndim - len(shape)
    if extra > 0 and all(e == 1 for e in v.extents[:extra]):
        v = reshape_to(v, v.extents[extra:])
    if not o.fits(v.extents, shape):
        fail(ShapeError, f"could not broadcast input array from shape {v.extents} into shape {shape}")
    return o.broadcast_to(v, shape)


# keys ---------------------------------------------------------------------------------------------------------------
def parse(x: TracedArray, key: Any) -> Key:
    """The key in the terms of x's axes. BoundsError, ShapeError or TraceError with the user's line."""
    items = expand_masks(x, list(key) if isinstance(key, tuple) else [key])
    k = Key(ellipsis=any(i is Ellipsis for i in items))
    used = sum(1 for i in items if i is not None and i is not Ellipsis)
    if used > x.ndim:
        fail(BoundsError, f"too many indices for array: array is {x.ndim}-dimensional, but {used} were indexed")
    if sum(1 for i in items if i is Ellipsis) > 1:
        fail(BoundsError, "an index can only have a single ellipsis ('...')")
    k.together = stand_together(items)
    items = [j for i in items for j in ([slice(None)] * (x.ndim - used) if i is Ellipsis else [i])]
    items += [slice(None)] * (x.ndim - sum(1 for i in items if i is not None))
    advanced = any(is_array_index(i) for i in items)
    for item in items:
        add(k, x, item, advanced)
    k.integers = not any(isinstance(i, (list, tuple, np.ndarray)) or getattr(i, "kind", "") == ARRAY for i in items)
    return k


def stand_together(items: list[Any]) -> bool:
    """Whether the index arrays, and integers beside them, have no slice, None or ellipsis between them."""
    places = [place for place, item in enumerate(items) if is_advanced(item)]
    return not places or places[-1] - places[0] == len(places) - 1


def is_array_index(item: Any) -> bool:
    """An index array, or a traced integer: what needs a gather."""
    if isinstance(item, TracedArray):
        return item.kind == ARRAY or item.known is None
    return isinstance(item, (list, tuple, np.ndarray))


def is_advanced(item: Any) -> bool:
    """Among index arrays, plain integers count as index arrays too."""
    return item is not None and item is not Ellipsis and not isinstance(item, slice)


def add(k: Key, x: TracedArray, item: Any, advanced: bool) -> None:
    """One element of the key."""
    if item is None:
        k.shape.append(1)
        return
    axis = len(k.starts)
    extent = x.extents[axis]
    if isinstance(item, slice):
        start, stop, step = bounds(item, extent)
        whole(k, start, len(range(start, stop, step)), step)
    elif is_array_index(item) or advanced:
        k.arrays[len(k.shape)] = index_array(item, extent, axis)
        whole(k, 0, extent, 1)
    else:
        i = integer(item, extent, axis)
        k.starts.append(i)
        k.sizes.append(1)
        k.steps.append(1)


def whole(k: Key, start: Any, size: Any, step: int) -> None:
    k.starts.append(start if size else 0)
    k.sizes.append(size)
    k.steps.append(step if size else 1)
    k.shape.append(size)


def bounds(s: slice, extent: int) -> tuple[int, int, int]:
    try:
        return s.indices(extent)
    except (TypeError, ValueError) as e:
        if isinstance(e, TraceError):
            raise
        fail(ArgumentError if isinstance(e, ValueError) else TraceError, f"slice {s}: {e}")


def integer(item: Any, extent: int, axis: int) -> int:
    try:
        i = operator.index(item)
    except TraceError:
        raise
    except TypeError:
        fail(BoundsError, f"only integers, slices, ellipsis, None and integer or boolean arrays are valid indices, "
                          f"got {item!r:.80}")
    if not -extent <= i < extent:
        fail(BoundsError, f"index {i} is out of bounds for axis {axis} with size {extent}")
    return i + extent if i < 0 else i


def index_array(item: Any, extent: int, axis: int) -> TracedArray:
    """A non-negative i64 index; known ones are checked now."""
    if isinstance(item, (list, tuple)) and not o.is_traced(item) and not len(item):
        return o.constant(np.zeros(np.shape(item), np.int64))
    i = o.as_traced(item)
    i = o.root(i.content, i.home, i.kind)  # as it is now: a later write to the index array changes nothing
    if not i.ir_dtype.is_integer:
        fail(BoundsError, f"arrays used as indices must be of integer (or boolean) type, got {i.dtype}")
    if (a := i.known) is not None:
        a = a.astype(np.int64)
        if a.size and (a.min() < -extent or a.max() >= extent):
            bad = int(a.min() if a.min() < -extent else a.max())
            fail(BoundsError, f"index {bad} is out of bounds for axis {axis} with size {extent}")
        return o.constant(np.where(a < 0, a + extent, a))
    if i.ir_dtype.kind == "u":
        return o.cast(i, np.int64)
    i = o.cast(i, np.int64)
    full = o.constant(np.broadcast_to(np.int64(extent), i.extents))
    return o.emit("select", o.emit("lt", i, zeros_like(i)), o.emit("add", i, full), i)


def zeros_like(x: TracedArray) -> TracedArray:
    return o.constant(np.broadcast_to(np.zeros((), x.dtype), x.extents))


# masks --------------------------------------------------------------------------------------------------------------
def leading_mask(x: TracedArray, key: Any) -> TracedArray | None:
    """The key as a boolean array over x's leading axes, where it is one that is not known."""
    if isinstance(key, np.ndarray) and key.dtype == bool:
        key = o.as_traced(key)
    if not (isinstance(key, TracedArray) and key.ir_dtype.is_bool and key.ndim and key.known is None):
        return None
    return key if key.extents == x.extents[:key.ndim] else None


def refuse_mask() -> NoReturn:
    fail(UnsupportedError, "x[mask] with a mask that is not known while tracing has a shape that depends on its "
                           "elements; "
                           "write np.where(mask, x, 0) (or another neutral value) and reduce that, or x[mask] = value "
                           "for a write, or index with np.flatnonzero(mask) computed outside")


def write_by_mask(x: TracedArray, mask: TracedArray, v: TracedArray) -> TracedArray:
    """x with one number, or one value for the axes behind the mask, written wherever the mask is true."""
    v = reshape_to(v, ()) if v.size == 1 and v.ndim > x.ndim - mask.ndim else v
    return o.emit("select", over(x, mask), o.broadcast_to(v, x.extents), x)


def over(x: TracedArray, mask: TracedArray) -> TracedArray:
    """The mask over all of x."""
    return mask if mask.ndim == x.ndim else o.emit("broadcast", mask, shape=x.extents, dims=tuple(range(mask.ndim)))


def expand_masks(x: TracedArray, items: list[Any]) -> list[Any]:
    """Known boolean arrays as the index arrays that they stand for. BoundsError where they do not fit x's axes."""
    masks = [None if isinstance(i, (bool, np.bool_)) else boolean(i) for i in items]
    spans = [0 if i is None else 1 if m is None else m.ndim for i, m in zip(items, masks, strict=True)]
    out: list[Any] = []
    for place, (i, mask) in enumerate(zip(items, masks, strict=True)):
        if isinstance(i, (bool, np.bool_)):
            fail(UnsupportedError, "a single True or False as an index is not supported")
        if mask is not None:
            behind = any(j is Ellipsis for j in items[:place])
            fits(x, mask, x.ndim - sum(spans[place:]) if behind else sum(spans[:place]))
        out += [i] if mask is None else [o.constant(a) for a in mask.nonzero()]
    return out


def fits(x: TracedArray, mask: np.ndarray, axis: int) -> None:
    """Whether the mask has the extents of x's axes from `axis` on."""
    for k, n in enumerate(mask.shape):
        if axis + k < x.ndim and x.extents[axis + k] != n:
            fail(BoundsError, f"boolean index did not match indexed array along axis {axis + k}; size of axis is "
                              f"{x.extents[axis + k]} but size of corresponding boolean axis is {n}")


def boolean(item: Any) -> np.ndarray | None:
    """A known boolean array used as an index."""
    if isinstance(item, list) and item and not o.is_traced(item) and np.asarray(item).dtype == bool:
        return np.asarray(item)
    if isinstance(item, np.ndarray) and item.dtype == bool:
        item = o.as_traced(item)
    if isinstance(item, TracedArray) and item.ir_dtype.is_bool:
        mask = pinned(item)
        return refuse_mask() if mask is None else mask
    return None


def update_by_mask(x: TracedArray, key: Any, change: Callable[[Any], Any], other: Any) -> bool:
    """`x[mask] op= number` for a mask that is not known: x is changed everywhere and the result taken under the mask.

    Tells whether that was the case. `change(x)` is what the operator gives for all of x.
    """
    mask = leading_mask(x, key)
    if mask is None or isinstance(other, Selection) or np.size(other) != 1 or x.kind != ARRAY:
        return False
    new = o.broadcast_to(o.cast(o.as_traced(change(o.root(x.content, x.home, ARRAY))), x.dtype), x.extents)
    x.write(o.emit("select", over(x, mask), new, x))
    return True


# reading and writing ------------------------------------------------------------------------------------------------
def basic_view(x: TracedArray, k: Key) -> TracedArray:
    """The window, then the axes dropped and added."""
    v = x if is_full(x, k) and (k.arrays or tuple(k.shape) != x.extents) else window(x, k.starts, k.sizes, k.steps)
    return v if v.extents == tuple(k.shape) else regrouped(v, k.shape)


def is_full(x: TracedArray, k: Key) -> bool:
    return k.sizes == list(x.extents) and all(s == 1 for s in k.steps)


def reshape_to(x: TracedArray, shape: tuple[Any, ...]) -> TracedArray:
    return x if x.extents == shape else o.emit("reshape", x, shape=shape)


def aligned(k: Key) -> tuple[tuple[int, ...], list[TracedArray]]:
    """Axes and index arrays, broadcast to one shape."""
    axes = tuple(k.arrays)
    try:
        return axes, o.broadcast(*k.arrays.values())
    except ShapeError:
        shapes = " ".join(str(a.extents) for a in k.arrays.values())
        fail(BoundsError, f"shape mismatch: indexing arrays could not be broadcast together with shapes {shapes}")


def placement(v: TracedArray, k: Key, axes: tuple[int, ...], rank: int) -> tuple[int, ...]:
    """For the result of a gather (index axes first), the permutation that puts them where NumPy has them.

    Index arrays that stand together stay at the place of the first; otherwise their axes come first.
    """
    lead = axes[0] if k.together else 0
    rest = v.ndim - len(axes)
    index = list(range(rank))
    return (*range(rank, rank + lead), *index, *range(rank + lead, rank + rest))


def gather(v: TracedArray, k: Key) -> TracedArray:
    """The elements that index arrays name."""
    axes, indices = aligned(k)
    if len(axes) == 1 and indices[0].known is not None:
        return known_rows(v, axes[0], indices[0].known)
    got = o.emit("gather", v, *indices, axes=axes)
    perm = placement(v, k, axes, indices[0].ndim)
    return got if perm == tuple(range(len(perm))) else o.emit("transpose", got, perm=perm)


def known_rows(v: TracedArray, axis: int, index: np.ndarray) -> TracedArray:
    """Known indices along one axis: a few slices where they run, which fuse with their neighbours, else a gather."""
    from .numpy.common import take_known
    rows = take_known(v, axis, index.reshape(-1))
    return reshape_to(rows, (*v.extents[:axis], *index.shape, *v.extents[axis + 1:]))


def scatter(v: TracedArray, k: Key, new: TracedArray, op: str = "scatter") -> TracedArray:
    """v with the elements that index arrays name replaced (or added to)."""
    axes, indices = aligned(k)
    rank = indices[0].ndim
    rest = tuple(e for a, e in enumerate(v.extents) if a not in axes)
    perm = placement(v, k, axes, rank)
    shape = (*indices[0].extents, *rest)
    new = fitted(new, tuple(shape[p] for p in perm))
    if perm != tuple(range(len(perm))):
        new = o.emit("transpose", new, perm=tuple(sorted(range(len(perm)), key=perm.__getitem__)))
    return o.emit(op, v, *indices, new, axes=axes)


def add_at(x: TracedArray, key: Any, value: Any) -> None:
    """`np.add.at(x, key, value)`: every occurrence of an index adds."""
    v = o.convert(o.as_traced(value), x.dtype)
    k = parse(x, key)
    target = basic_view(x, k)
    if k.arrays:
        target.write(scatter(target, k, v, "scatter_add"))
    else:
        target.write(o.emit("add", target, fitted(v, target.extents)))


