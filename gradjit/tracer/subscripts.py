"""`x[key]` and `x[key] = v`: basic keys give views, computed ones gathers and scatters, as in NumPy."""

from __future__ import annotations

import operator
from collections.abc import Callable, Sequence
from dataclasses import field
from typing import Any, NoReturn

import numpy as np

from ..errors import ArgumentError, BoundsError, ShapeError, TraceError, UnsupportedDtypeError, UnsupportedError
from ..ir import Value, can_fail
from ..ir.linear import Form, Linear
from ..ir.sizes import is_open, same
from ..ir.uniform import varies
from ..records import dataclass
from . import extents as ext, operands as o
from .array import ARRAY, FLAT, SCALAR, TracedArray
from .conversion import element, elements
from .extents import form
from .known_elements import known_elements
from .layout import Strides, axes_of_loop, nested
from .locations import fail
from .masked_selection import Selection, elements_of, write as write_by_places
from .shaping import located, windowed
from .views import Broadcast, WindowView, extents, plain


@dataclass
class Key:
    """A key taken apart: a window over all axes, and the index arrays for some axes of what that shows."""

    starts: list[Form] = field(default_factory=list)
    sizes: list[Form] = field(default_factory=list)
    steps: list[int] = field(default_factory=list)
    axes: list[int | None] = field(default_factory=list)
    """The array's axes that are left after integers dropped some; None for new ones."""
    arrays: dict[int, TracedArray] = field(default_factory=dict)
    """Index arrays by place in `axes`."""
    ellipsis: bool = False
    together: bool = True
    """Whether the index arrays (and integers beside them) stand next to each other in the key."""
    copies: bool = False
    """Whether a 0-d array is among the integers: what it names is a copy, not a view."""

    @property
    def window(self) -> WindowView:
        return WindowView(tuple(self.starts), tuple(self.sizes), tuple(self.steps), tuple(self.axes))


def getitem(x: TracedArray, key: Any) -> Any:
    """What NumPy's `x[key]` gives: a view for a basic key, a scalar where integers name one element."""
    from .dispatch import leave
    key = elements_of(key)
    if x.kind != ARRAY:
        x = scalar_as_array(x, key)
    mask = leading_mask(x, key)
    if mask is not None and known_elements(mask) is None:
        return Selection(x, mask)
    k = parse(x, key)
    if k.arrays:
        chosen_from = indexed(x, k)
        got = gather(chosen_from, k)
        return leave(o.laid(o.root(got.content, got.home, got.kind), strides_of_gathered(chosen_from, k)))
    v = windowed(x, k.window)
    if k.axes or k.ellipsis:
        return o.root(v.content, v.home, ARRAY) if k.copies or x.origin == FLAT else v
    return leave(o.root(v.content, v.home, SCALAR))


def setitem(x: TracedArray, key: Any, value: Any) -> None:
    """NumPy's `x[key] = value`, also through views: one update of the array that owns the elements."""
    if x.kind != ARRAY:
        fail(TraceError, f"'{x.kind}' object does not support item assignment")
    key = elements_of(key)
    mask = leading_mask(x, key)
    if isinstance(value, Selection) and mask is not None:
        return write_by_places(x, mask, value)
    value = elements_of(value)
    v = o.as_traced(value)
    if v.weak and v.ir_dtype.is_complex and not x.ir_dtype.is_complex:
        fail(UnsupportedDtypeError, f"a complex number cannot be written into an array of {x.dtype}; write its real "
                                    f"part")
    is_list = isinstance(value, (list, tuple))
    if mask is not None or is_list or not is_basic(key):
        v = elements(value if is_list else v, x.dtype)
    else:
        v = element(v, x.dtype)
    if mask is not None and (v.ndim == 0 or v.ndim <= x.ndim - mask.ndim or o.is_single(v)):
        return x.write(write_by_mask(x, mask, v))
    if mask is not None and known_elements(mask) is None:
        return write_by_places(x, mask, v)
    k = parse(x, key)
    if k.arrays and isinstance(key, TracedArray) and key.ndim == 1 and not key.type.is_static:
        from .control.folding import scattered
        return scattered(x, key, v)
    if k.arrays:
        target = indexed(x, k)
        return target.write(scatter(target, k, v))
    base, window = located(x, k.window)
    if v.parent is base and v._view == window:
        return None  # `x[key] += 1` ends with writing back what has been changed in place already
    if isinstance(base._view, Broadcast):
        fitted(v, extents(window.shape))
        v = reshape_to(v, v.extents[max(v.ndim - len(window.shape), 0):])
        assert base.parent is not None
        return base.parent.write(base._view.through(base.parent, window, v))
    return base.write(window.put(base, fitted(v, extents(window.shape))))


def is_basic(key: Any) -> bool:
    """Whether a key has no index arrays."""
    parts = key if isinstance(key, tuple) else (key,)
    return not any(isinstance(i, (list, np.ndarray)) or (isinstance(i, TracedArray) and i.kind == ARRAY) for i in parts)


def indexed(x: TracedArray, k: Key) -> TracedArray:
    """What the index arrays of a key choose from."""
    w = k.window
    return x if w.is_all_of(x) and k.axes == list(range(x.ndim)) else windowed(x, w)


def scalar_as_array(x: TracedArray, key: Any) -> TracedArray:
    whole = isinstance(key, tuple) and len(key) < 2 and all(k is Ellipsis for k in key)
    if key is Ellipsis or key is None or whole:
        return o.as_array(x)
    fail(BoundsError, f"invalid index to a scalar: {x!r} has no axes")


def fitted(v: TracedArray, shape: tuple[Any, ...]) -> TracedArray:
    """The value broadcast to the place it is written to; leading axes of extent 1 may be dropped, as NumPy does."""
    extra = v.ndim - len(shape)
    if extra > 0 and all(e == 1 for e in v.extents[:extra]):
        v = reshape_to(v, v.extents[extra:])
    if not o.fits(v.extents, shape):
        fail(ShapeError, f"could not broadcast input array from shape {o.shape_text(v.extents)} into shape "
                         f"{o.shape_text(shape)}")
    return o.broadcast_to(v, shape)


# keys ---------------------------------------------------------------------------------------------------------------
def parse(x: TracedArray, key: Any) -> Key:
    """The key in the terms of x's axes. BoundsError, ShapeError or TraceError with the user's line."""
    items = [o.constant(np.arange(i.start, i.stop, i.step)) if isinstance(i, range) else i
             for i in (key if isinstance(key, tuple) else (key,))]
    items = expand_masks(x, items)
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
    k.copies = any(isinstance(i, np.ndarray) or getattr(i, "kind", "") == ARRAY for i in items)
    for item in items:
        add(k, x, item, advanced)
    return k


def stand_together(items: list[Any]) -> bool:
    """Whether the index arrays, and integers beside them, have no slice, None or ellipsis between them."""
    places = [place for place, item in enumerate(items) if is_advanced(item)]
    return not places or places[-1] - places[0] == len(places) - 1


def is_array_index(item: Any) -> bool:
    """Whether it takes a gather: an index array. Single integers, traced ones and 0-d arrays too, are windows."""
    return isinstance(item, (list, tuple)) or (isinstance(item, (np.ndarray, TracedArray)) and item.ndim > 0)


def is_advanced(item: Any) -> bool:
    """Among index arrays, plain integers count as index arrays too."""
    return item is not None and item is not Ellipsis and not isinstance(item, slice)


def add(k: Key, x: TracedArray, item: Any, advanced: bool) -> None:
    """One element of the key."""
    if item is None:
        k.axes.append(None)
        return
    axis = len(k.starts)
    n = form(x.extents[axis])
    if isinstance(item, slice):
        along(k, axis, *bounds(item, n))
    elif is_array_index(item) or (advanced and is_advanced(item)):
        k.arrays[len(k.axes)] = i = index_array(item, x.extents[axis], axis)
        if not i.is_known and not may_differ(x._content, axis):
            in_range(i, x.extents[axis])
        along(k, axis, 0, n, 1)
    else:
        k.starts.append(start := integer(item, n, axis))
        if is_checked(start) and not may_differ(x._content, axis):
            in_range(item, x.extents[axis])
        k.sizes.append(1)
        k.steps.append(1)


def is_checked(start: Form) -> bool:
    """Whether a place is one that a run has to check."""
    return not isinstance(start, int) and any(a.op is not None and can_fail(a.op) for a in ext.linear(start).atoms)


def may_differ(v: np.ndarray | Value, axis: int) -> bool:
    """Whether elements at several places along an axis may differ. Where they are one number it is read without asking
    for the place."""
    if isinstance(v, Value):
        return varies(v, axis)
    return not bool(np.all(v == np.take(v, [0], axis))) if v.shape[axis] else False


def in_range(item: Any, extent: Any) -> None:
    """A run checks integers that name one or another of equal elements: nothing else would."""
    i, n = o.as_traced(item), o.as_traced(ext.handle(extent))
    inside = o.as_traced(np.logical_and(i < n, i >= -n))
    o.require(inside, f"an index is out of bounds for an axis with {o.told(extent)} elements", "BoundsError")


def along(k: Key, axis: int, start: Form, size: Form, step: int) -> None:
    """An axis that is kept, from `start` on."""
    empty = same(size, 0)
    k.starts.append(0 if empty else start)
    k.sizes.append(size)
    k.steps.append(1 if empty or same(size, 1) else step)
    k.axes.append(axis)


def bounds(s: slice, n: Form) -> tuple[Form, Form, int]:
    """Start, size and step of the slice of an axis with n elements. Bounds are clipped, as in NumPy."""
    start, stop, step = bound(s.start), bound(s.stop), bound(s.step)
    if not isinstance(step, int) and step is not None:
        fail(TraceError, "the step of a slice must be known while the function is traced; write an int, or index with "
                         "np.arange(...) * step")
    if isinstance(n, int) and not any(isinstance(x, Linear) or is_open(x) for x in (n, start, stop)):
        try:
            places = range(*slice(start, stop, step).indices(n))
        except ValueError as e:
            fail(ArgumentError, f"slice {s}: {e}")
        return places.start, len(places), places.step
    step = 1 if step is None else step
    if step == 0:
        fail(ArgumentError, "slice step cannot be zero")
    low: Form = 0 if step > 0 else -1
    high = n if step > 0 else plain(n - 1)
    first, last = (low, high) if step > 0 else (high, low)
    first = first if start is None else clipped(start, n, low, high)
    last = last if stop is None else clipped(stop, n, low, high)
    distance = plain(last - first if step > 0 else first - last)
    return first, ext.quotient(plain(ext.larger(distance, 0) + (abs(step) - 1)), abs(step)), step


def clipped(i: Form, n: Form, low: Form, high: Form) -> Form:
    """A bound of a slice as NumPy takes it: negative ones count from the end, others stop at the ends."""
    return ext.smaller(ext.larger(ext.from_end(i, n), low), high)


def bound(item: Any) -> Form | None:
    """A start, stop or step: None, an int, or the form of a traced integer."""
    if item is None or is_open(item):
        return item
    if isinstance(item, TracedArray) and item.ndim == 0 and item.ir_dtype.is_integer:
        return form(item)
    try:
        return operator.index(item)
    except TypeError:
        fail(TraceError, f"slice indices must be integers or None or have an __index__ method, got {item!r:.80}")


def integer(item: Any, n: Form, axis: int) -> Form:
    """The place that a single integer names among n: checked now, or at run time where it is not proven in range."""
    item = o.as_traced(item) if isinstance(item, np.ndarray) else item  # from outside: another one at the next call
    if isinstance(item, TracedArray) and not item.is_known:
        if not item.ir_dtype.is_integer:
            fail(BoundsError, f"only integers, slices, ellipsis, None and integer or boolean arrays are valid indices, "
                              f"got {item!r}")
        return ext.bounded(ext.from_end(form(item), n), n)
    try:
        i = operator.index(item)
    except TraceError:
        raise
    except TypeError:
        fail(BoundsError, f"only integers, slices, ellipsis, None and integer or boolean arrays are valid indices, "
                          f"got {item!r:.80}")
    if not isinstance(n, int):
        return ext.bounded(ext.from_end(i, n), n)
    if not -n <= i < n:
        fail(BoundsError, f"index {i} is out of bounds for axis {axis} with size {n}")
    return i + n if i < 0 else i


def index_array(item: Any, extent: int | Value, axis: int) -> TracedArray:
    """A non-negative i64 index. Known ones are checked here: code that is generated takes them as they are."""
    if isinstance(item, (list, tuple, range)) and not o.is_traced(item) and not len(item):
        return o.constant(np.zeros(np.shape(item), np.int64))
    given = o.as_traced(item)
    now = o.root(given.content, given.home, given.kind)  # a later write to the index array changes nothing
    return o.laid(not_negative(now, extent, axis), given.strides_in_elements)


def not_negative(i: TracedArray, extent: int | Value, axis: int) -> TracedArray:
    if not i.ir_dtype.is_integer:
        fail(BoundsError, f"arrays used as indices must be of integer (or boolean) type, got {i.dtype}")
    a = i.known
    if a is not None and a.size:
        check_ends(int(a.min()), int(a.max()), extent, axis)
    if a is not None and isinstance(extent, int) and not is_open(extent):
        return o.constant(np.where(a < 0, a.astype(np.int64) + extent, a.astype(np.int64)))
    if i.ir_dtype.kind == "u" or (a is not None and a.size and a.min() >= 0):
        return o.cast(i, np.int64)
    i = o.cast(i, np.int64)
    full = o.broadcast_to(o.as_traced(ext.handle(extent)), i.extents)
    return o.emit("select", o.emit("lt", i, zeros_like(i)), o.emit("add", i, o.cast(full, np.int64)), i)


def check_ends(least: int, most: int, extent: int | Value, axis: int) -> None:
    """Known indices from `least` to `most` are in range: now, as a condition on an open extent, or at run time."""
    if isinstance(extent, int):
        if least < -extent or most >= extent:
            bad = least if least < -extent else most
            fail(BoundsError, f"index {bad} is out of bounds for axis {axis} with size {extent}")
        return
    for bad, beyond in ((most, most), (least, -1 - least)):
        if beyond >= 0 and not ext.is_less(beyond, extent):
            o.require(o.emit("lt", o.filled(beyond, (), np.int64), ext.handle(extent)),
                      f"index {bad} is out of bounds for axis {axis}", "BoundsError")


def zeros_like(x: TracedArray) -> TracedArray:
    return o.filled(0, x.extents, x.dtype)


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
    v = reshape_to(v, ()) if o.is_single(v) and v.ndim > x.ndim - mask.ndim else v
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
        mask = known_elements(item)
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


def strides_of_gathered(v: TracedArray, k: Key) -> Strides:
    """Memory has the index axes outermost, in their order, and within them the other axes as the array has them; where
    there are no others, NumPy's loop over the index arrays decides."""
    axes, indices = aligned(k)
    rank, rest = indices[0].ndim, [a for a in range(v.ndim) if a not in axes]
    perm = placement(v, k, axes, rank)
    kept = tuple(v.extents[a] for a in rest)
    inner = () if v.strides_in_elements is None else tuple(v.strides_in_elements[a] for a in rest)
    outer: Sequence[int] | None = range(rank)
    within = axes_of_loop(kept, [(kept, inner if len(inner) == len(rest) else None)])
    if not rest:
        outer = axes_of_loop(indices[0].extents, [(i.extents, i.strides_in_elements) for i in k.arrays.values()])
    if outer is None or within is None:
        return None
    shape = (*indices[0].extents, *kept)
    order = [*outer, *(rank + a for a in within)]
    return nested([shape[p] for p in perm], [perm.index(a) for a in order])


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
    target = indexed(x, k)
    if k.arrays:
        target.write(scatter(target, k, v, "scatter_add"))
    else:
        target.write(o.emit("add", target, fitted(v, target.extents)))


