"""Loops that the program does not write as such: sums over lists that a loop has filled, long comprehensions, and
functions by np.vectorize."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from .. import grown, operands as o
from ..array import ARRAY, TracedArray
from ..grown import Tail
from ..locations import here
from ..recorder import recorders
from .branches import Branch
from .for_loops import ForStatement
from .iterables import TracedRange, indexed_iterable
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


def listed(line: int, items: Any, each: Callable[[Any], list[tuple[Any, Callable[[], Any]]]]) -> list[Any] | None:
    """The list that a comprehension makes, by a compiled loop; None where that is left to Python. `each` gives for an
    item the condition of the comprehension, and what makes the item of the list."""
    t = indexed_iterable(items)
    if t is None or (t.static is not None and (t.static <= LONG or is_turn_by_turn())):
        return None
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


def is_turn_by_turn() -> bool:
    """Whether the items of the comprehension that runs now are changed behind it, so that they must be Python's."""
    return here() in recorders()[-1].outermost.turn_by_turn


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
    """`np.vectorize(f)(*args)`: f of the elements, one by one."""
    from ..calls import call
    if kwargs or f.signature is not None or f.excluded:
        o.unsupported("np.vectorize", "with keywords, excluded arguments or a signature; write a loop")
    arrays = o.broadcast(*map(o.as_traced, args))
    shape = arrays[0].shape
    flat = [a.reshape(-1) for a in arrays]
    n = flat[0].shape[0]
    if not isinstance(n, int) or not n:
        o.unsupported("np.vectorize", "of arrays of computed or no size; write a loop")
    first = call(f.pyfunc, *(a[0] for a in flat))
    if isinstance(first, tuple):
        o.unsupported("np.vectorize", "of functions with several results; write a loop")
    dtype = np.dtype(f.otypes[0]) if f.otypes else o.as_traced(first).dtype
    out = o.as_traced(np.zeros(n, dtype))
    out = grown.root(out.content, out.home, ARRAY)
    out[0] = first
    loop = ForStatement(site(0), TracedRange(1, n), (), (out,))
    while loop.again():
        with loop:
            loop.enter(())
            k = loop.item()
            out[k] = call(f.pyfunc, *(a[k] for a in flat))
            loop.leave(())
    loop.exit(())
    result: TracedArray = out.reshape(shape)
    return result if shape else result[()]
