"""Loops that the program does not write as such: sums over lists that a loop has filled, long comprehensions, and
functions by np.vectorize."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from ...errors import TraceError
from .. import grown, operands as o
from ..array import TracedArray
from ..grown import Tail
from ..known_elements import elements_if_known, known_elements
from ..locations import fail, here
from ..recorder import recorders
from .branches import Branch, truth
from .for_loops import ForStatement
from .iterables import TracedRange, go_back, indexed_iterable, positions
from .names import NONE, Site

SITE = Site(0, ("the sum",), 1, NONE | {"the sum"}, (), None)


def fold(tail: Tail, start: Any, combine: Callable[[Any, Any], Any]) -> Any:
    """`combine(... combine(combine(start, item 0), item 1) ...)`."""
    loop = ForStatement(SITE, TracedRange(0, tail.count), (start,), ())
    total = start
    while loop.again():
        with loop:
            (total,) = loop.enter((total,))
            total = combine(total, tail.item(loop.item()))
            loop.leave((total,))
    (total,) = loop.exit((total,))
    return total


LONG = 32
"""A comprehension over more items is compiled as a loop, if its items are alike."""


def site(line: int) -> Site:
    """A loop without names of its own."""
    return Site(line, (), 0, NONE, (), None)


Each = Callable[[Any], list[tuple[Any, Callable[[], Any]]]]
"""Of a comprehension: for an item its condition, and what makes the item of the list."""


def listed(line: int, items: Any, each: Each, chooses: bool = False) -> list[Any] | None:
    """The list that a comprehension makes, by a compiled loop; None where that is left to Python. chooses: whether it
    has a condition."""
    t = indexed_iterable(items)
    if t is None or (t.static is not None and (t.static <= LONG or t.is_labelled or is_unrolled_here())):
        if not chooses or (t is None and not isinstance(items, (list, tuple))):
            return None
        return chosen(line, items, each)
    return by_loop(line, t, each)


FEW = 16
"""A search through so many items is a chain of choices."""


def static_length(items: Any) -> int | None:
    """How many items there are, if these are few, and can be gone through again."""
    t = indexed_iterable(items)
    return t.static if t is not None and t.static is not None and t.static <= FEW else None


def chosen(line: int, items: Any, each: Each) -> list[Any]:
    """A comprehension over a few items with a condition: where that is traced, how many there are is counted."""
    t = indexed_iterable(items)
    stood = positions(t)
    one_by_one = grown.expanded(items, "a comprehension") if grown.is_grown(items) else items
    found = [pair for x in one_by_one for pair in each(x)]
    tests = of_data([truth(test) for test, _ in found])
    if all(isinstance(t, bool) for t in tests):
        return grown.made([make() for t, (_, make) in zip(tests, found, strict=True) if t])
    if t is None:
        fail(TraceError, "a comprehension over items of several kinds has a condition on traced values; write a loop, "
                         "or np.where for all items")
    go_back(stood)
    return by_loop(line, t, each)


def of_data(tests: list[Any]) -> list[Any]:
    """Conditions that depend on arrays from outside alone are known: those arrays are watched, as for `x[mask]`."""
    if any(not isinstance(t, bool) and elements_if_known(t) is None for t in tests):
        return tests
    return [t if isinstance(t, bool) else bool(known_elements(t)) for t in tests]


def by_loop(line: int, t: Any, each: Each) -> list[Any]:
    out: list[Any] = grown.made([])
    loop, branching = ForStatement(site(line), t, (), ()), site(line)
    while loop.again():
        with loop:
            loop.enter(())
            ((test, make),) = each(loop.item())
            branch = Branch(branching, test, ())
            if branch.then():
                with branch:
                    value = make()
                    recorders()[-1].frame.before_change(out)
                    grown.push(out, value)
                    branch.leave(())
            if branch.otherwise():
                with branch:
                    branch.leave(())
            branch.exit(())
            loop.leave(())
    loop.exit(())
    return out


def decided(f: Any, items: Any, each: Each) -> Any:
    """`any(e for x in items if c)`, or all, by a compiled loop that stops at the item that decides; None where that is
    left to Python."""
    from ..hooks import Hooks
    from ..lift import lifted
    body = DECIDING.get(f)
    t = indexed_iterable(items) if body is not None else None
    if t is None or (t.static is not None and (t.static <= LONG or t.is_labelled or is_unrolled_here())):
        return None
    return lifted(body, Hooks)(t, each)  # type: ignore[arg-type]


def _any(items: Any, each: Any) -> Any:
    for x in items:
        for test, make in each(x):
            if test and make():
                return True
    return False


def _all(items: Any, each: Any) -> Any:
    for x in items:
        for test, make in each(x):
            if test and not make():
                return False
    return True


DECIDING: dict[Any, Callable[[Any, Any], Any]] = {any: _any, all: _all}
"""Builtins that stop at the first item that decides, as loops."""


def is_unrolled_here() -> bool:
    """Whether the items of the comprehension that runs now are changed behind it, so that they must be Python's."""
    return here() in recorders()[-1].outermost.unrolled_at


def scattered(target: TracedArray, places: TracedArray, values: TracedArray) -> None:
    """`target[places] = values`, one after the other: for as many places as only the run tells."""
    loop = ForStatement(site(0), TracedRange(0, places.shape[0]), (), (target,))
    while loop.again():
        with loop:
            loop.enter(())
            k = loop.item()
            target[places[k]] = values[k] if values.ndim == target.ndim and values.extents[0] != 1 else values
            loop.leave(())
    loop.exit(())


def vectorized(f: np.vectorize, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
    """`np.vectorize(f)(*args)`: f of the elements, one by one. As in NumPy the dtypes of the results are those for the
    first elements as the arrays hold them, and what is computed with then are Python's numbers."""
    from ..attributes import read
    from ..calls import call
    if read(f, "signature") is not None:
        o.unsupported("np.vectorize", "with a signature; write a loop")
    given: dict[Any, Any] = {**dict(enumerate(args)), **kwargs}
    excluded, function = read(f, "excluded"), read(f, "pyfunc")
    as_they_are = {k: x for k, x in given.items() if k in excluded}
    names = [k for k in given if k not in as_they_are]

    def one(values: list[Any]) -> Any:
        all_given = {**as_they_are, **dict(zip(names, values, strict=True))}
        return call(function, *(all_given[k] for k in range(len(args))), **{k: all_given[k] for k in kwargs})

    arrays = o.broadcast(*(o.as_traced(given[k]) for k in names))
    shape = arrays[0].shape
    flat = [a.reshape(-1) for a in arrays]
    n = flat[0].shape[0]
    if otypes := read(f, "otypes"):
        types = [np.dtype(t) for t in otypes]
    elif isinstance(n, int) and n:
        first = one([a[0] for a in flat])
        types = [o.as_traced(x).dtype for x in (first if isinstance(first, tuple) else (first,))]
    else:
        o.unsupported("np.vectorize", "of arrays of computed or no size, without otypes; give it otypes=[float]")
    outs = [o.as_array(o.filled(0, (n,), t)) for t in types]
    loop = ForStatement(site(0), TracedRange(0, n), (), tuple(outs))
    while loop.again():
        with loop:
            loop.enter(())
            k = loop.item()
            values = one([a[k].item() for a in flat])
            for out, x in zip(outs, values if isinstance(values, tuple) else (values,), strict=True):
                out[k] = x
            loop.leave(())
    loop.exit(())
    results = [out.reshape(shape) if shape else out.reshape(shape)[()] for out in outs]
    return tuple(results) if len(results) > 1 else results[0]
