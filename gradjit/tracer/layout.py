"""When NumPy's reshape gives a view: strides of traced arrays, counted in elements."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from typing import Any

import numpy as np

Strides = tuple[int, ...] | None
"""None where the order in memory is not known: NumPy's loops choose one for operands that are not row-major."""


def contiguous(shape: Sequence[Any]) -> Strides:
    """The strides of a row-major array; None where they depend on extents that are not known."""
    out, step = [], 1
    for k, e in enumerate(reversed(shape)):
        out.append(step)
        if k == len(shape) - 1:
            break
        if not isinstance(e, int):
            return None
        step *= max(e, 1)
    return tuple(reversed(out))


def of_array(a: np.ndarray) -> tuple[int, ...]:
    """The strides of an ndarray. (Where they are no whole number of elements, the compiled function gets a copy.)"""
    return tuple(s // a.itemsize for s in a.strides)


def is_contiguous(shape: Sequence[Any], strides: Strides, order: str = "C") -> bool | None:
    """Whether the elements stand one behind the other in row-major ("C") or column-major ("F") order, as NumPy's flags
    tell it; None where that is not known."""
    if len(shape) == 0 or 0 in shape:
        return True
    if strides is None or not all(isinstance(e, int) for e in shape):
        return None
    step = 1
    for e, s in reversed(list(zip(shape, strides, strict=True))) if order == "C" else zip(shape, strides, strict=True):
        if e != 1 and s != step:
            return False
        step *= e
    return True


def is_row_major(shape: Sequence[Any], strides: Strides) -> bool:
    """Whether the last axis is the innermost and so on, gaps allowed: then results of NumPy's loops are contiguous."""
    if strides is None:
        return False
    steps = [abs(s) for e, s in zip(shape, strides, strict=True) if not isinstance(e, int) or e != 1]
    return 0 in shape or (0 not in steps and all(a >= b for a, b in pairwise(steps)))


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
