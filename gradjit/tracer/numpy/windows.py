"""Windows that slide over an array: np.lib.stride_tricks."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from ...errors import ArgumentError
from .. import operands as o
from ..locations import fail
from ..operands import TracedArray, emit
from ..shaping import read_only
from .common import array
from .indexing import take

Rule = Callable[..., Any]

SHORT = 32
"""A window of at most so many elements is written out as slices, which fuse; a longer one is read by index."""


def sliding_window_view(x, window_shape, axis=None, *, subok=False, writeable=False):
    a = array(x)
    if writeable:
        o.unsupported(np.lib.stride_tricks.sliding_window_view, "with writeable=True; write into the array itself")
    widths = tuple(window_shape) if isinstance(window_shape, (tuple, list, np.ndarray)) else (window_shape,)
    widths = tuple(o.static_int(w, "window_shape") for w in widths)
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

    return read_only(a, read)


def windows(a: TracedArray, axis: int, width: int) -> TracedArray:
    """The windows of one axis as a last axis."""
    count = a.extents[axis] - width + 1
    if width > SHORT or not width:
        places = np.arange(count)[:, None] + np.arange(width)
        return o.as_traced(np.moveaxis(take(a, places, axis=axis), axis + 1, -1))
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


RULES: dict[Callable[..., Any], Rule] = {
    np.lib.stride_tricks.sliding_window_view: sliding_window_view, np.lib.stride_tricks.as_strided: as_strided,
}
