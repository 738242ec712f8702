"""Windows of arrays, along their axes: where they begin and end, and whether two have an element in common.

An axis of a window is `(start, size, step)`; start and size are numbers or index values.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

from .core import Op
from .linear import Linear
from .ranges import Ranges

Axis = tuple[Any, Any, int]
Linearised = Callable[[Any], Linear]
"""The linear form of an index."""


def of_slice(op: Op) -> list[Axis]:
    """Where a slice reads."""
    return list(zip(op.attrs["starts"], op.attrs["sizes"], op.attrs["steps"], strict=True))


def of_update(op: Op) -> list[Axis]:
    """Where an update writes."""
    return list(zip(op.attrs["starts"], op.operands[1].shape, op.attrs["steps"], strict=True))


def are_apart(ranges: Ranges, one: Iterable[Axis], other: Iterable[Axis], form: Linearised | None = None) -> bool:
    """Whether two windows of an array surely share no element: along some axis one ends before the other begins.

    form: how the other's indices are to be read; as they are unless given.
    """
    for a, b in zip(one, other, strict=True):
        (first, last), (begin, end) = ends(a, ranges.linear), ends(b, form or ranges.linear)
        if ranges.is_less(last, begin) or ranges.is_less(end, first):
            return True
    return False


def ends(axis: Axis, form: Linearised) -> tuple[Linear, Linear]:
    """The least and the greatest index of a window along an axis."""
    start, size, step = axis
    first = form(start)
    last = first + (form(size) - 1) * step
    return (first, last) if step > 0 else (last, first)
