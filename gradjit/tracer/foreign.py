"""Arrays that compiled code gets in a usual form, and NumPy does not: of another byte order, or not aligned.

Their numbers are the same, but NumPy copies such an array where it would hand on another one: `np.asarray(x, float)` of
a `>f8`. Of the arguments themselves that is known; what the function makes of them (`x.copy()` keeps the byte order,
`x * 1` does not) may be either.
"""

from __future__ import annotations

from enum import Enum
from typing import Any

import numpy as np

from .array import TracedArray, view
from .recorder import current, recorders
from .views import Maybe, WindowView


class Foreign(Enum):
    """How NumPy's array differs from the one that compiled code sees."""

    SWAPPED = "byte order"
    MISALIGNED = "alignment"


NAMED = 0
"""Stands for a dtype of another byte order that the function itself has named: no object has this id."""


def foreignness(x: np.ndarray | TracedArray) -> frozenset[Foreign]:
    """How an argument is foreign, if it is."""
    if isinstance(x, TracedArray):
        return current().outermost.foreign.get(id(x.root), (x, frozenset()))[1]
    found = {Foreign.SWAPPED: not x.dtype.isnative, Foreign.MISALIGNED: not x.flags.aligned}
    return frozenset(how for how, is_so in found.items() if is_so)


def note(x: TracedArray, how: frozenset[Foreign]) -> None:
    if how:
        current().outermost.foreign[id(x)] = x, how


def note_dtype(dtype: Any) -> None:
    """A dtype that the function names."""
    if recorders() and not np.dtype(dtype).isnative:
        current().outermost.foreign[NAMED] = None, frozenset({Foreign.SWAPPED})


def is_sure(how: Foreign) -> bool:
    """Whether no array of the trace is foreign in this way."""
    return not any(how in each for _, each in current().outermost.foreign.values())


def is_copied_for(dtype: Any, x: TracedArray) -> bool | None:
    """Whether NumPy copies x, whose type of elements it is, for a dtype as the user wrote it; None where that is not
    known. (An instance of np.dtype may be the array's own, which stands here for both byte orders.)"""
    if is_sure(Foreign.SWAPPED):
        return False
    is_own = x.root.origin == "argument"
    if not is_own or isinstance(dtype, np.dtype) or not np.dtype(dtype).isnative:
        return None
    return Foreign.SWAPPED in foreignness(x)


def is_copied_for_alignment(x: TracedArray) -> bool | None:
    """Whether NumPy copies x where it is asked for an aligned array. (A view may be aligned though its base is not.)"""
    if is_sure(Foreign.MISALIGNED) or Foreign.MISALIGNED not in foreignness(x):
        return False
    return True if x.parent is None else None


def perhaps_copied(x: TracedArray, name: str) -> TracedArray:
    """x, or a copy of it: to be read until somebody writes to either."""
    return view(x, Maybe(WindowView.whole(x), name, "byte order or alignment"), x.strides_in_elements)


__all__ = ["Foreign", "foreignness", "is_copied_for", "is_copied_for_alignment", "is_sure", "note", "note_dtype",
           "perhaps_copied"]
