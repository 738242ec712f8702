"""What takes long while a function is traced says so: a program that is written out by ordinary Python may run for
hours.

It is a warning and no error, because a machine's speed must not decide what can be compiled; what is refused is refused
by count (recorder.py, control/loop_regions.py, control/recursion.py).
"""

from __future__ import annotations

import sys
import threading
import time
import warnings
from collections import Counter
from collections.abc import Callable, Iterator
from traceback import walk_stack
from types import CodeType, FrameType
from typing import Any, TypeVar

from .locations import here, is_internal

T = TypeVar("T")
SECONDS = 10.0
"""So long nothing is said."""
MANY = 1000
"""So many iterations of a loop are worth naming."""
REMEDY = ("write it so that the loop is compiled as one (docs/control-flow.md tells which are), work on whole arrays, "
          "or compute outside what does not depend on the arguments")


class _Patience(threading.local):
    """Of a thread: when what is being traced is told of."""

    until = float("inf")
    is_watching = False
    operations = 0
    """How many were recorded, those of attempts that were taken back among them."""


_patience = _Patience()


def watched(run: Callable[[], T]) -> T:
    """What `run()` gives, the trace of a whole program with all its attempts. One within another is a part of that."""
    if _patience.is_watching:
        return run()
    _patience.until, _patience.operations, _patience.is_watching = time.monotonic() + SECONDS, 0, True
    try:
        return run()
    finally:
        _patience.until, _patience.is_watching = float("inf"), False


def look(recorded: int = 0) -> None:
    """In the course of a trace, wherever a step of it has been done: a warning when it has taken long."""
    _patience.operations += recorded
    if time.monotonic() > _patience.until:
        _patience.until = float("inf")
        say()


def recorded() -> int:
    """How many operations have been, since the trace began."""
    return _patience.operations


def say() -> None:
    loc = here()
    text = (f"tracing has taken {SECONDS:.0f} seconds so far, and goes on: {what()}, and {_patience.operations:,} "
            f"operations have been recorded; {REMEDY}" + (f"\n  {loc.full}" if loc else ""))
    if loc is None:
        warnings.warn(text, RuntimeWarning, stacklevel=2)
    else:
        warnings.warn_explicit(text, RuntimeWarning, loc.file, loc.line)


def what() -> str:
    """What the program is doing, in words: a function that calls itself, a loop that runs as ordinary Python, or where
    it is."""
    frames = list(users())
    calls = Counter(f.f_code for f in frames if not f.f_code.co_name.startswith("<"))
    code, depth = max(calls.items(), key=lambda entry: entry[1], default=(None, 0))
    if code is not None and depth > 2:
        return f"{code.co_name} calls itself, {depth} calls deep at the moment, each of which is written out"
    for f in frames:
        for loop in f.f_locals.values():
            if is_long(loop):
                return (f"{loop.word} has run {loop.iteration:,} iterations as ordinary Python" + because(loop))
    return "the program is in " + (f"{where(frames[0].f_code)}" if frames else "a library")


def users() -> Iterator[FrameType]:
    """The frames of the user's code that is traced, innermost first."""
    frames = [f for f, _ in walk_stack(sys._getframe(1))]
    around = max((k for k, f in enumerate(frames) if f.f_code is watched.__code__), default=len(frames))
    return (f for f in frames[:around] if not is_internal(f.f_code.co_filename))


def is_long(x: Any) -> bool:
    """Whether it is a statement of a loop (control/loop_regions.py) that has run for long."""
    return hasattr(type(x), "why_region") and x.iteration >= MANY


def because(loop: Any) -> str:
    failed = loop.learned.failed
    reason = str(failed).partition("\n")[0] if failed is not None else ""
    return f" ({reason})" if reason else ""


def where(code: CodeType) -> str:
    return f"the function {code.co_name}" if not code.co_name.startswith("<") else "an expression"
