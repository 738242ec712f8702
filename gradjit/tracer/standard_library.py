"""Functions of Python's standard library, and methods of its lists, that look at numbers: on traced ones.

`statistics` computes with fractions; on traced numbers it is NumPy's formula in floats, which may differ in the last
place.
"""

from __future__ import annotations

import copy
import functools
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from typing import Any

import numpy as np

from ..errors import TraceError
from . import grown, operands as o, ordered_lists
from .array import PYTHON, SCALAR, TracedArray
from .calls import as_it_is
from .comparison import before
from .control.frames import before_change
from .dispatch import apply, leave
from .locations import fail
from .structures import made

Rule = Callable[..., Any]


def numbers(data: Iterable[Any], name: str) -> TracedArray:
    """The numbers of an iterable as a vector."""
    found = grown.as_array(data) if isinstance(data, list) and grown.is_grown(data) else o.as_traced(
        data if isinstance(data, TracedArray) else list(data))
    if found.ndim != 1:
        fail(TraceError, f"statistics.{name} takes numbers, got {found.type}; write np.{name}(x, axis=...) for arrays")
    return found


def python(x: Any) -> Any:
    h = o.as_traced(x)
    return leave(o.root(h.content, h.home, PYTHON))


def typed(data: Any, x: TracedArray, found: Any) -> Any:
    """A number of the type that those of the data have: NumPy's floats, or else Python's."""
    are_python = isinstance(data, list) and all(o.as_traced(v).kind == PYTHON for v in data)
    if are_python or not x.ir_dtype.is_float:
        return python(found)
    h = o.cast(o.as_traced(found), x.dtype)
    return leave(o.root(h.content, h.home, SCALAR))


def looked_at(data: Any) -> Any:
    return data if isinstance(data, (TracedArray, list)) else list(data)


def _reduced(name: str, f: Any, keeps: bool) -> Rule:
    """keeps: whether it gives a number of the data's type."""
    def rule(data: Any) -> Any:
        data = looked_at(data)
        x = numbers(data, name)
        found = apply(f, (o.cast(x, np.float64) if x.ir_dtype.is_float else x,), {})
        return typed(data, x, found) if keeps else python(found)

    return rule


def _moment(name: str, f: Any, ddof: int) -> Rule:
    def rule(data: Any, middle: Any = None) -> Any:
        data = looked_at(data)
        x = numbers(data, name)
        if middle is None:
            found: Any = apply(f, (o.cast(x, np.float64) if x.ir_dtype.is_float else x,), {"ddof": ddof})
        else:
            found = apply(np.sum, ((x - middle) ** 2,), {}) / (x.shape[0] - ddof)
            found = np.sqrt(found) if f is np.std else found
        return python(found) if f is np.std else typed(data, x, found)

    return rule


def _geometric_mean(data: Any) -> Any:
    return python(np.exp(apply(np.mean, (np.log(numbers(data, "geometric_mean")),), {})))


def _harmonic_mean(data: Any) -> Any:
    data = looked_at(data)
    x = numbers(data, "harmonic_mean")
    return typed(data, x, 1.0 / apply(np.mean, (1.0 / x,), {}))


STATISTICS: dict[str, Rule] = {
    "mean": _reduced("mean", np.mean, True), "fmean": _reduced("fmean", np.mean, False),
    "median": _reduced("median", np.median, True),
    "pvariance": _moment("pvariance", np.var, 0), "variance": _moment("variance", np.var, 1),
    "pstdev": _moment("pstdev", np.std, 0), "stdev": _moment("stdev", np.std, 1),
    "geometric_mean": _geometric_mean, "harmonic_mean": _harmonic_mean,
}


def of_statistics(f: Any, args: tuple[Any, ...]) -> Callable[..., Any] | None:
    """The rule for a function of `statistics` on traced numbers."""
    data = args[0] if args else None
    if isinstance(data, Iterator):
        items = list(data)
        rule = of_statistics(f, (items,)) or f
        return lambda _, *rest, **named: rule(items, *rest, **named)
    if not (o.is_traced((data,)) or grown.is_grown(data)):
        return None
    name = f.__name__
    if name not in STATISTICS:
        fail(TraceError, f"statistics.{name} of traced numbers is not supported; write it with NumPy's functions")
    return STATISTICS[name]


# lists ----------------------------------------------------------------------------------------------------------------
def _sort(items: list[Any], /, *, key: Any = None, reverse: bool = False) -> None:
    from .builtin_functions import RULES
    before_change(items)
    items[:] = RULES[sorted](items, key=key, reverse=reverse)


def _first(count: int, items: Any, key: Any = None, *, reverse: bool) -> list[Any]:
    from .builtin_functions import RULES
    found: list[Any] = made(RULES[sorted](items, key=key, reverse=reverse)[:count])
    return found


FROM_HEAPS: dict[str, Rule] = {"nlargest": functools.partial(_first, reverse=True),
                               "nsmallest": functools.partial(_first, reverse=False)}
"""Functions of `heapq` that give what sorting would."""


def equal(x: Any, y: Any) -> Any:
    return True if x is y else before("eq", x, y)


def _count(items: list[Any], value: Any) -> Any:
    found = [equal(x, value) for x in items]
    return functools.reduce(lambda total, e: total + (int(e) if isinstance(e, bool) else e), found, 0)


def _index(items: list[Any], value: Any, *bounds: Any) -> Any:
    if bounds:
        fail(TraceError, "list.index with bounds is not supported where items are traced values; take a slice before")
    found = [equal(x, value) for x in items]
    surely = next((k for k, e in enumerate(found) if e is True), None)
    if surely is not None and all(e is False for e in found[:surely]):
        return surely
    if all(e is False for e in found):
        raise ValueError(f"{value!r} is not in list")
    flags = o.as_traced(list(map(o.as_traced, found)))
    o.require(o.as_traced(apply(np.any, (flags,), {})), "the value is not in the list")
    return python(apply(np.argmax, (flags,), {}))


def _remove(items: list[Any], value: Any) -> None:
    place = _index(items, value)
    if isinstance(place, TracedArray):
        ordered_lists.take(items, place)
        return
    before_change(items)
    del items[place]


LISTS: dict[str, Rule] = {"sort": _sort, "count": _count, "index": _index, "remove": _remove}


def of_list(f: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Callable[[], Any] | None:
    """What a method of a list does that looks at items, where any of them is traced or has a comparison of its own."""
    from .comparison import is_compared
    owner = f.__self__
    if (found := ordered_lists.of_list(f, args)) is not None:
        return found
    if f.__name__ not in LISTS or grown.is_grown(owner):
        return None
    key = kwargs.get("key")
    if not (o.is_traced((owner, args)) or any(map(is_compared, owner)) or (key is not None and f.__name__ == "sort")):
        return None
    return functools.partial(LISTS[f.__name__], owner, *args, **kwargs)


def deep_copy(x: Any, memo: Any = None) -> Any:
    """copy.deepcopy: all lists, dicts and sets in what it gives are new."""
    found = as_it_is(copy.deepcopy, (x,) if memo is None else (x, memo), {})
    seen: set[int] = set()
    todo = [found] if memo is None else []
    while todo:
        part = todo.pop()
        if id(part) in seen or not isinstance(part, (list, dict, set, deque, tuple)):
            continue
        seen.add(id(part))
        if not isinstance(part, tuple):
            made(part)
        if type(part) is list and any(map(grown.is_part, part)):
            grown.noted(part)
        todo += part.values() if isinstance(part, dict) else part
    return found
