"""What a process does to its threads: it forks, which leaves only one of them alive, and it ends.

A thread that is gone never releases its locks. So every lock of gradjit's is a `Lock`, which a forked child finds free
(or held by the thread that forked, where that held it). Where a thread must not be cut off, as nobody could go on with
what it leaves behind, it stands behind one of two doors, which a fork and the end of the process wait for, and shut:
`gate`, for LLVM and for modules that are being imported, and `passage`, for C++ code that would abort the process.
"""

from __future__ import annotations

import atexit
import gc
import os
import threading
import time
import weakref
from collections.abc import Callable, Iterator
from contextlib import contextmanager

FORK_SECONDS = 5.0
"""So long a fork waits for threads behind the doors; then it goes on, and the child begins anew."""
EXIT_SECONDS = 10.0
"""So long the end of the process waits for them."""


class Lock:
    """A re-entrant lock, for `with`, that a forked child finds free if a thread held it that is gone."""

    __slots__ = ("lock", "__weakref__")

    def __init__(self) -> None:
        self.lock = threading.RLock()
        _locks.add(self)

    def acquire(self, blocking: bool = True, seconds: float = -1) -> bool:
        return self.lock.acquire(blocking, seconds)

    def release(self) -> None:
        self.lock.release()

    def __enter__(self) -> None:
        self.lock.acquire()

    def __exit__(self, *_: object) -> None:
        self.lock.release()

    def renew(self) -> None:
        """In a forked child: take it from a thread that is gone."""
        if self.lock.acquire(blocking=False):
            self.lock.release()
        else:
            self.lock = threading.RLock()


class Passage:
    """A door, for `with`, through which any number of threads go at once, until it is shut.

    (A lock would do, if what happens behind it were not the user's code at times, which may wait for other threads.)
    """

    def __init__(self) -> None:
        self.inside: dict[int, int] = {}
        self.door = Lock()
        self.shut_by: int | None = None
        self.times = 0  # that it has been shut: a process may fork while it ends

    def __enter__(self) -> None:
        own = threading.get_ident()
        self.inside[own] = self.inside.get(own, 0) + 1  # before it looks; `shut` looks after it has shut
        while self.shut_by is not None and self.shut_by != own and self.inside[own] == 1:
            del self.inside[own]
            with self.door:
                self.inside[own] = 1

    def __exit__(self, *_: object) -> None:
        own = threading.get_ident()
        if self.inside[own] == 1:
            del self.inside[own]
        else:
            self.inside[own] -= 1

    def shut(self, seconds: float) -> bool:
        """Let nobody in any more, and wait until all others are out; whether they are."""
        end, own = time.monotonic() + seconds, threading.get_ident()
        if not self.door.acquire(seconds=seconds):
            return False
        self.shut_by, self.times = own, self.times + 1
        while any(other != own for other in list(self.inside)):
            if time.monotonic() > end:
                return False
            time.sleep(0.0005)
        return True

    def open(self) -> None:
        if self.shut_by == threading.get_ident():
            self.times -= 1
            self.shut_by = self.shut_by if self.times else None
            self.door.release()

    def renew(self) -> None:
        """In a forked child: nobody is inside but the thread that forked."""
        self.shut_by, self.times = None, 0
        self.inside = {k: n for k, n in self.inside.items() if k == threading.get_ident()}


_locks: weakref.WeakSet[Lock] = weakref.WeakSet()
gate = Lock()
"""Only one thread at a time is behind it."""
passage = Passage()
_state = threading.local()
_renewals: list[Callable[[], None]] = []


def in_child(renew: Callable[[], None]) -> None:
    """Have `renew` called in each forked child that had to be born while another thread was behind the gate."""
    _renewals.append(renew)


# forks ----------------------------------------------------------------------------------------------------------------
def _before() -> None:
    passage.shut(FORK_SECONDS)
    _state.waited = gate.acquire(seconds=FORK_SECONDS)


def _in_parent() -> None:
    if _state.waited:
        gate.release()
    passage.open()


def _in_child() -> None:
    _in_parent()
    passage.renew()
    for lock in list(_locks):
        lock.renew()
    if not _state.waited:
        for renew in _renewals:
            renew()
    _collect_again()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(before=_before, after_in_parent=_in_parent, after_in_child=_in_child)


# the end --------------------------------------------------------------------------------------------------------------
@atexit.register
def _at_exit() -> None:
    """Threads that Python does not wait for would be in C++ code while the process takes it down. They stay outside:
    the doors are not opened again, other than for this thread."""
    passage.shut(EXIT_SECONDS)
    gate.acquire(seconds=EXIT_SECONDS)


# garbage --------------------------------------------------------------------------------------------------------------
_uncollected: set[int] = set()
"""The threads for which the collector has been switched off."""


@contextmanager
def uncollected() -> Iterator[None]:
    """Keep the garbage collector from running: a compilation makes many objects that live to its end, and each full
    collection goes through all of the program's modules (15 ms in a process that has imported NumPy and LLVM)."""
    if not gc.isenabled():
        yield
        return
    own = threading.get_ident()
    _uncollected.add(own)
    gc.disable()
    try:
        yield
    finally:
        _uncollected.discard(own)
        gc.enable()


def _collect_again() -> None:
    """In a forked child: the thread that would have switched the collector on again may be gone."""
    own = threading.get_ident()
    if _uncollected and own not in _uncollected:
        gc.enable()
    _uncollected.intersection_update({own})
