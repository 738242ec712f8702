"""Arrays that compiled code gets in a usual form, and NumPy does not: of another byte order, or not aligned.

Their numbers are the same, but NumPy copies such an array where it would hand on another one: `np.asarray(x, float)` of
a `>f8`. Of the arguments themselves that is known; what the function makes of them (`x.copy()` keeps the byte order,
`x * 1` does not) may be either.
"""

from __future__ import annotations

import array as array_module
from enum import Enum
from typing import Any

import numpy as np

from ..errors import UnsupportedError
from .array import ARRAY, BORROWED, TracedArray, root, view
from .fresh_arrays import owner_of
from .layout import of_array
from .locations import fail
from .outside import Outside, described, is_data_array, outside
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


# elements that other objects have, too --------------------------------------------------------------------------------
def born(array: np.ndarray) -> TracedArray:
    """The handle of such an array: known elements, new at each call."""
    world = outside(current())
    entry = world.born.get(id(array))
    if entry is None or not entry[1].made.open:
        entry = world.born[id(array)] = array, lent(world, array)
    return entry[1]


def lent(world: Outside, array: np.ndarray) -> TracedArray:
    """A new handle; or that of another array of the very same elements, as an object that has them gives at each look.
    Where two show them in different ways, neither can be written to."""
    owner = owner_of(array)
    others = world.lent.setdefault(id(owner), [])
    overlapping = [(a, h) for a, _, h in others if h.made.open and np.shares_memory(a, array)]
    for a, h in overlapping:
        if layout_of(a) == layout_of(array):
            return h
        refuse_written(h, owner)
        h.origin = BORROWED
    handle = root(array.copy("K"), None, ARRAY, BORROWED if overlapping else "")
    handle.strides_in_elements = of_array(array)
    note(handle, foreignness(array))
    others.append((array, handle.known, handle))
    return handle


def refuse_written(h: TracedArray, owner: Any) -> None:
    """UnsupportedError where elements are read by another name than the one that they were written to by."""
    if h.version:
        fail(UnsupportedError, f"{described(owner)} is read, whose elements have been written to by another name, "
                               f"which gradjit does not follow; copy the array before it is written to")


LENDING = (np.ndarray, bytearray, memoryview, array_module.array)
"""Objects of Python's and NumPy's that arrays share elements with."""


def look_at_elements(x: Any) -> None:
    """Before an object of another kind than arrays is read as it is."""
    if isinstance(x, LENDING) and not is_data_array(x):
        owner = owner_of(x) if isinstance(x, np.ndarray) else x.obj if isinstance(x, memoryview) else x
        for _, _, h in outside(current()).lent.get(id(owner), ()):
            refuse_written(h, x)


def layout_of(array: np.ndarray) -> tuple[Any, ...]:
    return array.__array_interface__["data"][0], array.shape, array.strides, array.dtype


__all__ = ["Foreign", "born", "foreignness", "is_copied_for", "is_copied_for_alignment", "is_sure", "look_at_elements",
           "note", "note_dtype", "perhaps_copied"]
