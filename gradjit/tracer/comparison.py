"""Comparisons of what has parts, or methods of its own for it; the least of such things, and their order.

Lists that a compiled loop has filled are compared, and searched for a value, by the arrays of their items where these
are numbers; else item by item, which needs a known length.
"""

from __future__ import annotations

import dataclasses
import functools
import operator
from typing import Any

import numpy as np

from ..errors import TraceError
from . import grown, operands as o
from .array import ARRAY, PYTHON, TracedArray, root
from .control.branches import truth
from .dispatch import apply, leave
from .grown import Row
from .locations import fail, here


def is_compared(key: Any) -> bool:
    """Whether it is compared by code of the user's own, or part by part where parts are traced."""
    from .attributes import special
    return parts_of(key, key) is not None or special(key, "__lt__") is not None or special(key, "__gt__") is not None


def before(name: str, a: Any, b: Any) -> Any:
    """The truth of a comparison by its name in `operator`."""
    from .special_methods import binary
    return truth(binary(name, a, b))


def parts_of(a: Any, b: Any) -> tuple[Any, Any] | None:
    """Both sides of a comparison that Python makes part by part, where parts are traced: tuples and lists, and the
    fields of a dataclass whose methods are the usual ones. None for anything else."""
    if type(a) is not type(b):
        return None
    if isinstance(a, (tuple, list)):
        return (a, b) if o.is_traced((*a, *b)) else None
    if not dataclasses.is_dataclass(a) or isinstance(a, type):
        return None
    names = [f.name for f in dataclasses.fields(a) if f.compare]
    x, y = (tuple(getattr(v, n) for n in names) for v in (a, b))
    return (x, y) if o.is_traced((*x, *y)) else None


def is_usual(method: Any) -> bool:
    """Whether a method is one that `dataclasses` writes."""
    return method.__code__.co_filename == "<string>"


def line() -> int:
    """The user's line, which branches name."""
    loc = here()
    return loc.line if loc is not None else 0


def by_parts(name: str, a: Any, b: Any) -> Any:
    """`a < b` and its kin, by the first parts that differ."""
    from .control.protocol import Control
    if name in ("eq", "ne"):
        same: Any = len(a) == len(b)
        for x, y in zip(a, b, strict=False):
            same = Control.all_of(line(), same, functools.partial(before, "eq", x, y))
        return same if name == "eq" else Control.negated(same)
    if not a or not b:
        return getattr(operator, name)(len(a), len(b))
    equal = before("eq", a[0], b[0])
    if equal is True:
        return by_parts(name, a[1:], b[1:])
    first = before(name, a[0], b[0])
    if equal is False:
        return first
    return Control.either(line(), equal, lambda: by_parts(name, a[1:], b[1:]), lambda: first)


def first_by(compare: str, items: list[Any], keys: list[Any]) -> Any:
    """The item whose key comes before the others: the first of those that share it."""
    found, low = items[0], keys[0]
    for item, k in zip(items[1:], keys[1:], strict=True):
        test = before(compare, k, low)
        if isinstance(test, bool):
            found, low = (item, k) if test else (found, low)
        else:
            found, low = picked(test, (item, k), (found, low))
    return found


def in_order(items: list[Any], keys: list[Any], reverse: bool) -> list[Any]:
    """The items sorted by keys that are compared two at a time: neighbours change places, as often as may be needed."""
    pairs = list(zip(keys, items, strict=True))
    for end in range(len(pairs) - 1, 0, -1):
        for k in range(end):
            a, b = pairs[k], pairs[k + 1]
            test = before("lt", a[0], b[0]) if reverse else before("lt", b[0], a[0])
            if isinstance(test, bool):
                pairs[k:k + 2] = (b, a) if test else (a, b)
            else:
                pairs[k:k + 2] = picked(test, (b, a), (a, b))
    return [item for _, item in pairs]


def picked(test: TracedArray, a: Any, b: Any) -> Any:
    """`a if test else b` of Python's values, part by part."""
    from .control.protocol import Control
    return Control.either(line(), o.root(test.content, test.home, PYTHON), lambda: a, lambda: b)


def is_in_range(item: TracedArray, items: range) -> Any:
    """`item in range(...)`, of a number: whether it lies between the ends, on a step."""
    step = abs(items.step)
    low, high = (items.start, items.stop) if items.step > 0 else (items.stop + 1, items.start + 1)
    return (low <= item) & (item < high) & ((item - items.start) % step == 0)


# lists that loops have filled -----------------------------------------------------------------------------------------
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
