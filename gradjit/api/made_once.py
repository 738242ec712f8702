"""What `jvp`, `vjp`, `jet` and `linearize` have compiled of a function, found again at the next call.

It refers to the function, and so would keep it alive in a table beside it, weak keys or not. It stands on the function
instead: the two go together.
"""

from __future__ import annotations

import types
from collections.abc import Callable
from typing import Any

from ..bounded import Bounded
from .compiled import Compiled

_NAME = "__gradjit_made__"

Make = Callable[[Any], Compiled]


class MadeOf:
    """What was compiled of one function, by what made it. Copies and pickles of the function come without."""

    def __init__(self, function: Any = None) -> None:
        self.function = function
        self.made: dict[Make, Compiled] = {}

    def __reduce__(self) -> tuple[type[MadeOf], tuple[()]]:
        return MadeOf, ()


_others: Bounded[tuple[Make, Any], Compiled] = Bounded(64)
"""Of other callables: methods, which are new objects each time, ufuncs."""


def made_once(f: Callable[..., Any], make: Make) -> Compiled:
    """`make(f)`, made once."""
    if type(f) in (types.FunctionType, Compiled):
        holder = f.__dict__.get(_NAME)
        if holder is None or holder.function is not f:  # `functools.wraps` gives a function what another one has
            holder = f.__dict__[_NAME] = MadeOf(f)
        return holder.made.get(make) or holder.made.setdefault(make, make(f))
    try:
        return _others.get((make, f)) or _others.put((make, f), make(f))
    except TypeError:  # cannot be hashed
        return make(f)
