"""Views for the rules of NumPy's functions: where NumPy gives a view, these give one."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from . import layout
from .array import ARRAY, TracedArray, view
from .operands import emit
from .views import Maybe, Permuted, Picked, ReadOnly, Reshaped, Window


def reshaped(x: TracedArray, shape: Sequence[Any], name: str = "reshape") -> TracedArray:
    """x in another shape of the same size: a view where NumPy gives one, a copy where it copies."""
    shape = tuple(shape)
    if x.kind != ARRAY:
        return emit("reshape", x, shape=shape, kind=ARRAY)
    if x.strides_in_elements is None:
        return view(x, Maybe(Reshaped(shape), name), None)
    strides = layout.reshaped(x.extents, x.strides_in_elements, shape)
    return emit("reshape", x, shape=shape, kind=ARRAY) if strides is None else view(x, Reshaped(shape), strides)


def regrouped(x: TracedArray, shape: Sequence[Any]) -> TracedArray:
    """x with axes of extent 1 added or dropped: always a view."""
    shape = tuple(shape)
    if x.kind != ARRAY:
        return emit("reshape", x, shape=shape, kind=ARRAY)
    strides = None if x.strides_in_elements is None else layout.reshaped(x.extents, x.strides_in_elements, shape)
    return view(x, Reshaped(shape), strides)


def permuted(x: TracedArray, perm: Sequence[int]) -> TracedArray:
    """The transposed view."""
    perm = tuple(perm)
    if x.kind != ARRAY:
        return x
    s = x.strides_in_elements
    return view(x, Permuted(perm), None if s is None else tuple(s[p] for p in perm))


def window(x: TracedArray, starts: Sequence[Any], sizes: Sequence[Any], steps: Sequence[int]) -> TracedArray:
    """The view that basic slicing gives."""
    s = x.strides_in_elements
    strides = None if s is None else tuple(a * b for a, b in zip(s, steps, strict=True))
    return view(x, Window(tuple(starts), tuple(sizes), tuple(steps)), strides)


def picked(x: TracedArray, axes: tuple[int, ...], places: tuple[TracedArray, ...]) -> TracedArray:
    """The view at integers that are not known while tracing (of i64, in range) along some axes, which are dropped."""
    s = x.strides_in_elements
    strides = None if s is None else tuple(step for k, step in enumerate(s) if k not in axes)
    return view(x, Picked(axes, places), strides)


def read_only(x: TracedArray, read: Callable[[TracedArray], TracedArray]) -> TracedArray:
    """A view that cannot be written through: `read` computes it from its parent."""
    return view(x, ReadOnly(read), None) if x.kind == ARRAY else read(x)
