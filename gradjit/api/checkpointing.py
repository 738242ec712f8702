"""Less memory for the reverse pass: `gj.checkpoint`."""

from __future__ import annotations

import operator
import re
from collections.abc import Callable
from typing import Any

from ..errors import ArgumentError
from ..probe import named_like
from ..tracer.control.iterables import Checkpointed, IndexedIterable, indexed_iterable
from ..tracer.recorder import running_recorders
from .differentiate import isolated

UNITS = {"B": 1, "KB": 10**3, "MB": 10**6, "GB": 10**9, "TB": 10**12,
         "KIB": 2**10, "MIB": 2**20, "GIB": 2**30, "TIB": 2**40}
_SIZE = re.compile(r"\s*(\d+(?:\.\d+)?)\s*([A-Za-z]*)\s*")


def checkpoint(what: Any, snapshots: int | str | None = None) -> Any:
    """What a `for` runs over, or a function, with a bound on what its reverse pass keeps.

        for i in gj.checkpoint(range(n), 50):          # at most 50 states of what the loop changes
        for x in gj.checkpoint(xs, "100MB"):           # as many as fit
        f = gj.checkpoint(f)                           # of f its arguments only: it runs again in the reverse pass

    A loop is reversed from snapshots of the state (all that it changes), and computes what lies between again, by the
    binomial schedule of Griewank and Walther: with s snapshots and each iteration computed at most r times again, loops
    of C(s + r, s) iterations. The values are those that it would compute otherwise. Without a derivative, and outside
    of compiled functions, nothing is kept and nothing done twice.

    The loop must have a number of iterations that is known when it starts, and no `break` on a traced value. `while`
    loops keep what they need. Raises ArgumentError for other things to run over, and sizes that say nothing.
    """
    if callable(what) and not isinstance(what, IndexedIterable):
        if snapshots is not None:
            raise ArgumentError("gj.checkpoint(f) of a function keeps its arguments; snapshots are for loops")
        return again(what)
    count, nbytes = budget(snapshots)
    if not running_recorders():
        return what
    sequence = indexed_iterable(what)
    if sequence is None:
        raise ArgumentError(f"gj.checkpoint takes what a loop runs over by index: a range, an array, a list of "
                            f"numbers, or enumerate, zip or reversed of these; it got a {type(what).__name__}")
    return Checkpointed(sequence, count, nbytes)


def budget(snapshots: Any) -> tuple[int | None, int | None]:
    """The number of snapshots, or of bytes."""
    if isinstance(snapshots, str):
        m = _SIZE.fullmatch(snapshots)
        unit = UNITS.get((m.group(2) or "B").upper()) if m else None
        if m is None or unit is None or not float(m.group(1)):
            raise ArgumentError(f"{snapshots!r} is no size in memory; write it as \"100MB\" or \"1.5GiB\"")
        return None, int(float(m.group(1)) * unit)
    if snapshots is None:
        raise ArgumentError("gj.checkpoint of a loop takes how much it may keep: gj.checkpoint(range(n), 50) for a "
                            "number of states, or \"100MB\"")
    count = operator.index(snapshots)
    if count < 1:
        raise ArgumentError(f"snapshots={count}; there must be at least one")
    return count, None


# functions ----------------------------------------------------------------------------------------------------------
def again(f: Callable[..., Any]) -> Callable[..., Any]:
    """The function; its reverse pass runs it again instead of keeping what it has computed."""
    def checkpointed(*args: Any, **kwargs: Any) -> Any:
        if not running_recorders():
            return f(*args, **kwargs)
        return isolated(f, args, kwargs)

    return named_like(checkpointed, f)
