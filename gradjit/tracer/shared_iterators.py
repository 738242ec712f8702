"""Iterators that a generator takes from and somebody else has, too: told by how many references there are.

Where an expression stops at the first item that decides, and that is a matter of traced values, nobody can tell where
such an iterator has come to. What only the generator has is of no concern.
"""

from __future__ import annotations

import gc
import inspect
import sys
from collections.abc import Callable, Generator, Iterator
from typing import Any


def takes_from_others(g: Generator[Any, Any, Any], noted: Callable[[Any], int]) -> bool:
    """Whether somebody else has an iterator that a generator takes from, and would see where that has come to.

    noted: how many references to an object are notes of the tracer's.
    """
    found = inspect.getgeneratorlocals(g)
    return any(isinstance(found[k], Iterator) and (sys.getrefcount(found[k]) - noted(found[k]) > OWN or any(
        sys.getrefcount(y) - noted(y) > WITHIN for y in sources(found[k]))) for k in found)


def sources(x: Any) -> list[Any]:
    """The iterators that zip, map, enumerate and their like take from."""
    if not isinstance(x, (zip, map, filter, enumerate)):
        return []
    return [z for y in gc.get_referents(x) for z in (gc.get_referents(y) if type(y) is tuple else [y])
            if isinstance(z, Iterator)]


_taking = (x for x in list[int]())
_numbering = enumerate(iter(list[int]()))
OWN = sys.getrefcount(inspect.getgeneratorlocals(_taking)[".0"])
"""The references to an iterator that only a generator has."""
WITHIN = max([sys.getrefcount(y) for y in sources(_numbering)])
"""And to one that only an iterator has."""

__all__ = ["takes_from_others"]
