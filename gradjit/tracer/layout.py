"""When NumPy's reshape gives a view: strides of traced arrays, counted in elements."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from itertools import pairwise
from typing import Any

import numpy as np

from ..ir.size_conditions import is_no_less_where_positive as is_no_less
from ..ir.sizes import guess, is_open, same

Strides = tuple[int, ...] | None
"""None where the order in memory is not known: NumPy's loops choose one for operands that are not row-major."""


def contiguous(shape: Sequence[Any], order: str = "C") -> Strides:
    """The strides of a row-major ("C") or column-major ("F") array; None where they need extents that are not known."""
    axes = range(len(shape))
    return nested(shape, axes if order == "C" else reversed(axes))


def nested(shape: Sequence[Any], axes: Iterable[int]) -> Strides:
    """The strides of an array without gaps whose axes stand in this order, the innermost last."""
    out = [1] * len(shape)
    step: Any = 1
    for k in reversed(list(axes)):
        if step is None:
            return None
        out[k] = step
        step = None if not isinstance(shape[k], int) else step * (shape[k] if is_open(shape[k]) else max(shape[k], 1))
    return tuple(out)


def copied(shape: Sequence[Any], strides: Strides, order: str, new: Sequence[Any] | None = None) -> Strides:
    """The strides of a copy in an order that may follow the original's: "A", or "K", which has the axes in the order of
    their strides and closes gaps. `new` are its extents where they are others."""
    extents = shape if new is None else new
    if len(extents) < 2 or len(extents) != len(shape):
        return contiguous(extents, "F" if order == "F" else "C")
    if order == "A":
        turned = is_turned(shape, strides)
        return None if turned is None else contiguous(extents, "F" if turned else "C")
    if order in ("C", "F"):
        return contiguous(extents, order)
    if strides is None:
        return None
    if not all(isinstance(e, int) for e in shape):
        return contiguous(extents) if is_row_major(shape, strides) else None
    for gapless in ("C", "F"):
        if is_contiguous(shape, strides, gapless):
            return contiguous(extents, gapless)
    return nested(extents, sorted(range(len(shape)), key=lambda k: -guess(abs(strides[k]))))


def is_turned(shape: Sequence[Any], strides: Strides) -> bool | None:
    """Whether the array counts as column-major where NumPy's order is "A": that, and not row-major at the same time."""
    rows, columns = (is_contiguous(shape, strides, order) for order in "CF")
    return None if rows is None or columns is None else columns and not rows


def of_loop(shape: Sequence[Any], operands: Sequence[tuple[Sequence[Any], Strides]]) -> Strides:
    """The strides of what NumPy's loops (`nditer`, order "K") allocate for operands that are broadcast to the shape."""
    order = axes_of_loop(shape, operands)
    return None if order is None else nested(shape, order)


def axes_of_loop(shape: Sequence[Any], operands: Sequence[tuple[Sequence[Any], Strides]]) -> Sequence[int] | None:
    """The axes as these loops run over them, the innermost last; None where that is not known.

    They are sorted by insertion, the innermost first: one comes before another if every operand that moves along both
    has it so. Where operands disagree, the order of the axes stands.
    """
    axes = range(len(shape))
    moving = [(extents, strides) for extents, strides in operands if not all(same(e, 1) for e in extents)]
    if all(s is not None and len(e) == len(shape) and is_row_major(e, s) for e, s in moving):
        return axes
    if any(s is None for _, s in moving) or not all(isinstance(e, int) for e in shape):
        return None
    if len(shape) < 2 or is_empty(shape):
        return axes
    steps = steps_along(len(shape), moving)
    order: list[int] = []  # the innermost first
    for axis in reversed(axes):
        place = len(order)
        for k in reversed(range(len(order))):
            both = [(abs(s[order[k]]), abs(s[axis])) for s in steps
                    if not same(s[order[k]], 0) and not same(s[axis], 0)]
            if any(is_no_less(outer, inner) for inner, outer in both):
                break
            if both:
                place = k
        order.insert(place, axis)
    return order[::-1]


def steps_along(rank: int, operands: Sequence[tuple[Sequence[Any], Strides]]) -> list[list[Any]]:
    """The strides of operands along the axes of what they are broadcast to; 0 where one does not move."""
    found = []
    for extents, strides in operands:
        own = [0 if same(e, 1) else s for e, s in zip(extents, strides or (), strict=True)]
        found.append([0] * (rank - len(own)) + own)
    return found


def turned_axes(shape: Sequence[Any], operands: Sequence[tuple[Sequence[Any], Strides]]) -> list[int]:
    """The axes that `nditer` runs through backwards, as memory has them: some operand has a negative stride there, and
    none a positive one."""
    steps = steps_along(len(shape), [(e, s) for e, s in operands if s is not None])
    return [k for k in range(len(shape)) if any(s[k] < 0 for s in steps) and all(s[k] <= 0 for s in steps)]


def is_empty(extents: Iterable[Any]) -> bool:
    """Whether a 0 is surely among some numbers."""
    return any(same(e, 0) for e in extents)


def of_array(a: np.ndarray) -> tuple[int, ...]:
    """The strides of an ndarray. (Where they are no whole number of elements, the compiled function gets a copy.)"""
    return tuple(s // a.itemsize for s in a.strides)


def is_contiguous(shape: Sequence[Any], strides: Strides, order: str = "C") -> bool | None:
    """Whether the elements stand one behind the other in row-major ("C") or column-major ("F") order, as NumPy's flags
    tell it; None where that is not known."""
    if len(shape) == 0 or is_empty(shape):
        return True
    if strides is None or not all(isinstance(e, int) for e in shape):
        return None
    step = 1
    for e, s in reversed(list(zip(shape, strides, strict=True))) if order == "C" else zip(shape, strides, strict=True):
        if not same(e, 1) and not same(s, step):
            return False
        step *= e
    return True


def is_row_major(shape: Sequence[Any], strides: Strides) -> bool:
    """Whether the last axis is the innermost and so on, gaps allowed: then results of NumPy's loops are contiguous."""
    if strides is None:
        return False
    steps = [abs(s) for e, s in zip(shape, strides, strict=True) if not isinstance(e, int) or not same(e, 1)]
    return is_empty(shape) or (not is_empty(steps) and all(a is b or is_no_less(a, b) for a, b in pairwise(steps)))


def reshaped(shape: Sequence[int], strides: Sequence[int], new: Sequence[int]) -> Strides:
    """Strides of the reshaped view; None where NumPy has to copy. All extents are known.

    Axes are matched in groups of equal element count from the left; a group of old axes must be mergeable, that is,
    each stride must be the next one times the next extent. (The rule of NumPy's `_attempt_nocopy_reshape`.)
    """
    if 0 in shape or 0 in new:
        return contiguous(new)
    old = [(e, s) for e, s in zip(shape, strides, strict=True) if e != 1]
    out: list[int] = []
    i = j = 0
    while i < len(old) and j < len(new):
        first, start = i, j
        have, want = old[i][0], new[j]
        while have != want:
            if want < have:
                j += 1
                want *= new[j]
            else:
                i += 1
                have *= old[i][0]
        if any(old[k][1] != old[k + 1][1] * old[k + 1][0] for k in range(first, i)):
            return None
        step = old[i][1]
        group = []
        for e in reversed(new[start:j + 1]):
            group.append(step)
            step *= e
        out += reversed(group)
        i, j = i + 1, j + 1
    return (*out, *(1 for _ in new[len(out):]))
