"""Room for recursion: a call of the traced function takes several frames of Python's own."""

from __future__ import annotations

import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager

FRAMES = 6
"""Frames of the interpreter for one call of the user's, at most."""

_lock = threading.Lock()
_open: list[int] = []
"""The limit that was set before the first of the traces that are open, in any thread; one entry for each of them."""


def limit() -> int:
    """What `sys.getrecursionlimit()` gives where nothing is traced."""
    with _lock:
        return _open[0] if _open else sys.getrecursionlimit()


@contextmanager
def deeper() -> Iterator[None]:
    """The user's functions may call each other as deep as in plain Python."""
    with _lock:
        _open.append(_open[0] if _open else sys.getrecursionlimit())
        sys.setrecursionlimit(FRAMES * _open[0])
    try:
        yield
    finally:
        with _lock:
            usual = _open.pop()
            if not _open:
                sys.setrecursionlimit(usual)
