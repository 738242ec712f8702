"""Lists and tuples indexed by traced integers: what they hold is stacked into an array, which can be."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NoReturn

import numpy as np

from ..errors import BoundsError, UnsupportedError
from . import operands as o
from .array import ARRAY, PYTHON, SCALAR, TracedArray
from .control.may_alias import Alias, Aliases, bind
from .locations import fail
from .subscripts import getitem

NUMBERS = (bool, int, float, complex, np.generic, np.ndarray, TracedArray)


def item(items: Sequence[Any], key: TracedArray) -> Any:
    """`items[key]`: a number, or an array that may be read as long as none of the items is written to.

    UnsupportedError unless all items are numbers, or arrays of one shape and dtype.
    """
    if key.is_known:
        return items[key.__index__()]
    if key.ndim or not key.ir_dtype.is_integer:
        raise TypeError(f"{type(items).__name__} indices must be integers or slices, not {key!r}")
    if not items:
        fail(BoundsError, f"{type(items).__name__} index out of range: it is empty")
    if not all(isinstance(x, NUMBERS) for x in items):
        refuse(items, f"it holds a {next(type(x).__name__ for x in items if not isinstance(x, NUMBERS))}")
    handles = [o.as_traced(x) for x in items]
    if any(h.extents != handles[0].extents for h in handles):
        refuse(items, f"its items have the shapes {', '.join(sorted({o.shown(h.extents) for h in handles}))}")
    arrays = handles[0].kind == ARRAY
    if any((h.kind == ARRAY) != arrays or (arrays and h.dtype != handles[0].dtype) for h in handles):
        kinds = {f"{h.kind} of {h.dtype}" for h in handles}
        refuse(items, f"its items are of different kinds ({', '.join(sorted(kinds))})")
    found = getitem(o.stack_nested(handles), key)
    if not arrays:
        return o.root(found.content, found.home, PYTHON if all(h.kind == PYTHON for h in handles) else SCALAR)
    chosen = o.root(found.content, found.home, ARRAY)
    bind(chosen, Aliases(tuple(Alias.of(h.root) for h in handles),
                      "an array taken from a list by a traced integer may be any of the list's", alone=False))
    return chosen


def place(items: list[Any], key: TracedArray) -> int:
    """The place in a list that an assignment names; it must be known."""
    if not key.is_known:
        fail(UnsupportedError, "a list is written to at a place that is not known while gradjit compiles the function; "
                               "make it an array before, as by x = np.array(x) (or np.zeros), and write x[i] = value")
    return key.__index__()


def refuse(items: Sequence[Any], why: str) -> NoReturn:
    fail(UnsupportedError, f"a {type(items).__name__} is indexed by a traced integer, and {why}: items must be "
                           f"numbers, or arrays of one shape and dtype. Stack them into an array before, as by "
                           f"np.stack(items), or choose with if and else")
