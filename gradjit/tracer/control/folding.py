"""Folds over the rows of an array, as compiled loops: what `sum` and its kin are of lists that a loop has filled."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from ..grown import Tail
from .for_loops import For
from .names import NONE, Site
from .turns import TracedRange

SITE = Site(0, ("the sum",), 1, NONE | {"the sum"}, (), None)


def fold(tail: Tail, start: Any, combine: Callable[[Any, Any], Any]) -> Any:
    """`combine(... combine(combine(start, item 0), item 1) ...)`."""
    loop = For(SITE, TracedRange(0, tail.count), (start,), ())
    total = start
    while loop.again():
        with loop:
            (total,) = loop.enter((total,))
            total = combine(total, tail.item(loop.item()))
            loop.leave((total,))
    (total,) = loop.exit((total,))
    return total
