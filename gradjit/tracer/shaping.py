"""Views for the rules of NumPy's functions: where NumPy gives a view, these give one."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from ..ir.sizes import same
from . import layout
from .array import ARRAY, TracedArray, root, view
from .operands import emit, laid
from .views import Broadcast, Maybe, ReadOnly, Reshaped, WindowView, forms


def reshaped(x: TracedArray, shape: Sequence[Any], name: str = "reshape") -> TracedArray:
    """x in another shape of the same size: a view where NumPy gives one, a copy where it copies."""
    shape = tuple(shape)
    if x.kind != ARRAY:
        return emit("reshape", x, shape=shape, kind=ARRAY)
    axes = matched(forms(x.extents), forms(shape))
    if axes is not None:
        return windowed(x, WindowView.whole(x, axes))
    if x.strides_in_elements is None or not x.type.is_static:
        return view(x, Maybe(Reshaped(forms(shape)), name), None)
    strides = strides_of(x, shape)
    return emit("reshape", x, shape=shape, kind=ARRAY) if strides is None else view(x, Reshaped(forms(shape)), strides)


def strides_of(x: TracedArray, shape: tuple[Any, ...]) -> layout.Strides:
    """The strides of x in another shape, if that is a view for sure."""
    if x.strides_in_elements is None or not all(isinstance(e, int) for e in (*x.extents, *shape)):
        return None
    return layout.reshaped(x.extents, x.strides_in_elements, shape)


def regrouped(x: TracedArray, shape: Sequence[Any]) -> TracedArray:
    """x with axes of extent 1 added or dropped: always a view."""
    shape = tuple(shape)
    if x.kind != ARRAY:
        return emit("reshape", x, shape=shape, kind=ARRAY)
    axes = matched(forms(x.extents), forms(shape))
    if axes is not None:
        return windowed(x, WindowView.whole(x, axes))
    return view(x, Reshaped(forms(shape)), strides_of(x, shape))


def matched(old: tuple[Any, ...], new: tuple[Any, ...]) -> list[int | None] | None:
    """For each new axis the old one that it is, None for those of extent 1 that are new; None for other shapes."""
    axes: list[int | None] = []
    left = [k for k, e in enumerate(old) if not same(e, 1)]
    for e in new:
        axes.append(None if same(e, 1) else left.pop(0) if left and same(old[left[0]], e) else -1)
    return None if left or -1 in axes else axes


def contiguous(x: TracedArray, order: str, name: str) -> TracedArray:
    """x itself where it is row-major ("C") or column-major ("F") in memory, else such a copy."""
    if x.kind != ARRAY:
        return root(x.content, x.home, ARRAY)
    stands = layout.is_contiguous(x.extents, x.strides_in_elements, order)
    if stands is None:
        return view(x, Maybe(WindowView.whole(x), name), layout.contiguous(x.extents, order))
    return x if stands else copied(x, order)


def copied(x: TracedArray, order: str) -> TracedArray:
    """An array of its own with the same elements, in a memory order that may follow x's ("A", "K")."""
    return laid(root(x.content, x.home, x.kind), layout.copied(x.extents, x.strides_in_elements, order))


def permuted(x: TracedArray, perm: Sequence[int]) -> TracedArray:
    """The transposed view."""
    return x if x.kind != ARRAY else windowed(x, WindowView.whole(x, perm))


def window(x: TracedArray, starts: Sequence[Any], sizes: Sequence[Any], steps: Sequence[int]) -> TracedArray:
    """The view that basic slicing gives."""
    return windowed(x, WindowView(tuple(starts), forms(sizes), tuple(steps), tuple(range(x.ndim))))


def located(x: TracedArray, w: WindowView) -> tuple[TracedArray, WindowView]:
    """A window of x as a window of what x itself is a window of: the array to write to, and where."""
    outer = x._view
    merged = w.within(outer) if isinstance(outer, WindowView) else None
    if merged is None or x.parent is None:
        return x, w
    return x.parent, merged


def windowed(x: TracedArray, w: WindowView) -> TracedArray:
    """The view of x that the window gives. Views of views look at the same array as these."""
    if x.kind != ARRAY:
        y = w.get(x)
        return root(y.content, y.home, ARRAY)
    s = x.strides_in_elements
    strides = None if s is None else tuple(1 if a is None else s[a] * w.steps[a] for a in w.axes)
    base, whole = located(x, w)
    return view(base, whole, strides)


def spread(x: TracedArray, shape: Sequence[Any]) -> TracedArray:
    """A view of x repeated to the shape, which NumPy lets one write through."""
    return view(x, Broadcast(tuple(shape)), None)


def read_only(x: TracedArray, read: Callable[[TracedArray], TracedArray]) -> TracedArray:
    """A view that cannot be written through: `read` computes it from its parent."""
    return view(x, ReadOnly(read), None) if x.kind == ARRAY else read(x)
