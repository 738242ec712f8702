"""Operands with arithmetic of their own: asked as Python and NumPy ask them.

NumPy's binary operators leave the work to the other operand if its class says so: by `__array_ufunc__ = None`, or by a
higher `__array_priority__`. Ufuncs and functions ask every operand that has `__array_ufunc__` or `__array_function__`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import Any

import numpy as np

from . import operands as o
from .array import PYTHON, SCALAR, TracedArray
from .masked_selection import Selection

_OWN = (TracedArray, Selection, np.ndarray, np.generic, *o.Scalar, list, tuple, range)


def defers(x: Any, other: Any, in_place: bool = False) -> bool:
    """Whether the operator of an array x returns NotImplemented, so that Python asks the other operand."""
    kind = type(other)
    if isinstance(other, _OWN):
        return False
    if isinstance(x, TracedArray) and x.kind == PYTHON:
        return True  # Python's numbers know only numbers
    if hasattr(kind, "__array_ufunc__"):
        return kind.__array_ufunc__ is None and not in_place
    if isinstance(x, TracedArray) and x.kind == SCALAR and not hasattr(kind, "__array__"):
        return True  # NumPy's scalars, too, in the end
    own = NO_PRIORITY if isinstance(x, TracedArray) and x.kind == SCALAR else 0.0
    return own < getattr(kind, "__array_priority__", NO_PRIORITY)


ENTERING: list[Callable[[Sequence[Any]], Sequence[Any]]] = []
"""What takes operands from outside, of kinds that are followed, for the function's own where others are traced."""


def entered(xs: Sequence[Any]) -> Sequence[Any]:
    """Operands as they are computed with; the very ones where none is of such a kind."""
    if any(isinstance(x, np.ndarray) and type(x) is not np.ndarray for x in xs):
        for take in ENTERING:
            xs = take(xs)
    return xs


NO_PRIORITY = -1_000_000.0
"""That of NumPy's scalars, and of what names none."""


def has_ufunc(values: Iterable[Any]) -> bool:
    """Whether one of a ufunc's operands has an `__array_ufunc__` of its own, or forbids ufuncs."""
    return any(hasattr(type(v), "__array_ufunc__") and not isinstance(v, _OWN) for v in values)


def has_function(values: Iterable[Any]) -> bool:
    """Whether one of a function's arguments, or of the items of one, has an `__array_function__` of its own."""
    return any(has_function(v) if type(v) in (list, tuple) else
               hasattr(type(v), "__array_function__") and not isinstance(v, _OWN) for v in values)
