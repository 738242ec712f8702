"""What looks for a value among the items of a list that a compiled loop has filled, or compares such lists: by the
arrays of their items where these are numbers, else item by item, which needs a known length."""

from __future__ import annotations

from typing import Any

import numpy as np

from ..errors import TraceError
from . import grown, operands as o
from .array import ARRAY, PYTHON, TracedArray, root
from .dispatch import apply, leave
from .grown import Row
from .locations import fail


def python(x: Any) -> Any:
    h = o.as_traced(x)
    return leave(root(h.content, h.home, PYTHON))


def vectors(items: Any, depth: int = 1) -> list[TracedArray] | None:
    """The items as a vector, where they are numbers; at depth 1 as several, where they are tuples of numbers."""
    if not grown.is_grown(items) or grown.odd_one(items) is not None:
        return None
    one = grown.whole(items)
    are_numbers = all(isinstance(p, Row) and p.kind not in (ARRAY, *grown.LISTS) for p in one.parts)
    is_flat = one.tree.is_leaf() or (depth and one.tree.type is tuple and all(c.is_leaf() for c in one.tree.children))
    return one.arrays() if are_numbers and is_flat and one.parts else None


def numbers(items: Any) -> TracedArray | None:
    """The items as a vector, where they are numbers."""
    found = vectors(items, 0)
    return None if found is None else found[0]


def is_number(x: Any) -> bool:
    return isinstance(x, (bool, int, float, complex, np.generic)) or (isinstance(x, TracedArray) and not x.ndim)


def compared(name: str, a: Any, b: Any) -> Any:
    """`a == b` and its kin."""
    from .comparison import by_parts
    from .control.protocol import Control
    if type(a) is not type(b):
        return getattr(object, f"__{name}__")(a, b) if name in ("eq", "ne") else NotImplemented
    lengths = [grown.length(x) for x in (a, b)]
    if not all(isinstance(n, int) for n in lengths):
        fail(TraceError, f"{grown.name_of(a)} is compared with {grown.name_of(b)}, of which one has a length that "
                         f"depends on traced values; compare len(), and what you look for in np.array(items)")
    if name in ("eq", "ne"):
        if lengths[0] != lengths[1]:
            return name == "ne"
        x, y = (numbers(items) if grown.is_grown(items) else None for items in (a, b))
        if x is not None and y is not None:
            same = python(apply(np.all, (x == y,), {}))
            return Control.negated(same) if name == "ne" else same
    return by_parts(name, *(grown.expanded(x, "a comparison") if grown.is_grown(x) else x for x in (a, b)))


def flags(items: list[Any], value: Any) -> TracedArray | None:
    """For each item whether it is the value; None where only a comparison of the items one by one tells."""
    x = numbers(items)
    return o.as_traced(x == value) if x is not None and is_number(value) else None


def contains(items: list[Any], value: Any) -> Any:
    """`value in items`."""
    from .control.protocol import Control
    equal = flags(items, value)
    if equal is None:
        return Control.contains(value, grown.expanded(items, "looking for a value"))
    return python(apply(np.any, (equal,), {}))


def index(items: list[Any], value: Any, *bounds: Any) -> Any:
    """`items.index(value)`."""
    from .standard_library import LISTS
    equal = flags(items, value) if not bounds else None
    if equal is None:
        return LISTS["index"](grown.expanded(items, "the method index"), value, *bounds)
    o.require(o.as_traced(apply(np.any, (equal,), {})), "the value is not in the list")
    return python(apply(np.argmax, (equal,), {}))


def count(items: list[Any], value: Any) -> Any:
    """`items.count(value)`."""
    from .standard_library import LISTS
    equal = flags(items, value)
    if equal is None:
        return LISTS["count"](grown.expanded(items, "the method count"), value)
    return python(apply(np.count_nonzero, (equal,), {}))


grown.METHODS.update({"index": index, "count": count})
