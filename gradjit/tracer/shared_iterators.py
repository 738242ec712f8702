"""Iterators of which nobody can tell where they have come to: an expression stops at the first item that decides, and
that is a matter of traced values.

One that the expression runs over is lost (outside.py): whoever takes from it once more is refused. One that this takes
from, and somebody else has, too, is told by how many references there are.
"""

from __future__ import annotations

import gc
import inspect
import sys
import types
from collections.abc import Callable, Iterator
from typing import Any

from .parts import HEAP_TYPE


def takes_from_others(g: Iterator[Any], noted: Callable[[Any], int]) -> bool:
    """Whether somebody else has an iterator that another one takes from, and would see where that has come to.

    noted: how many references to an object are notes of the tracer's.
    """
    if not isinstance(g, types.GeneratorType):
        return any(sys.getrefcount(y) - noted(y) > WITHIN for y in sources(g))
    found = inspect.getgeneratorlocals(g)
    return any(isinstance(found[k], Iterator) and (sys.getrefcount(found[k]) - noted(found[k]) > OWN or any(
        sys.getrefcount(y) - noted(y) > WITHIN for y in sources(found[k]))) for k in found)


def sources(x: Any) -> list[Any]:
    """The iterators that zip, map, enumerate, itertools.chain and their like take from."""
    if not isinstance(x, Iterator) or type(x).__flags__ & HEAP_TYPE:
        return []
    return [z for y in gc.get_referents(x) for z in within(y) if isinstance(z, Iterator)]


def within(x: Any) -> Iterator[Any]:
    """What a tuple holds, or an iterator over one; else x itself."""
    if type(x) not in (tuple, OVER_TUPLE):
        yield x
        return
    for y in gc.get_referents(x):
        yield from within(y)


OVER_TUPLE = type(iter(()))


_taking = (x for x in list[int]())
_numbering = enumerate(iter(list[int]()))
OWN = sys.getrefcount(inspect.getgeneratorlocals(_taking)[".0"])
"""The references to an iterator that only a generator has."""
WITHIN = max([sys.getrefcount(y) for y in sources(_numbering)])
"""And to one that only an iterator has."""

__all__ = ["takes_from_others"]
