"""What GRADJIT_* variables ask for. What nobody can understand is said once, as a warning, and counts as not set: a
program does not fail for how it is watched."""

from __future__ import annotations

import os
import warnings

_said: set[str] = set()


def switch(name: str) -> bool:
    """Whether a variable is 1. (0 and nothing are no; all else is no, too, with a warning.)"""
    asked = os.environ.get(name, "")
    if asked not in ("", "0", "1"):
        say(f"{name}={asked!r} is neither 0 nor 1, and counts as 0")
    return asked == "1"


def count(name: str) -> int | None:
    """The positive number that a variable holds; None where it holds none."""
    asked = os.environ.get(name, "")
    try:
        if not asked or (n := int(asked)) > 0:
            return n if asked else None
    except ValueError:
        pass
    say(f"{name}={asked!r} is no positive number, and is passed over")
    return None


def say(message: str) -> None:
    """Warn, once in a process for each message."""
    if message not in _said:
        _said.add(message)
        warnings.warn(f"gradjit: {message:.500}", RuntimeWarning, stacklevel=2)
