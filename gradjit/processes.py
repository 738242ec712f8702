"""What a process does to its threads: it forks, which leaves only one of them alive, and it ends.

A thread that is gone never releases its locks. So every lock of gradjit's is a `Lock`, which a forked child finds free
(or held by the thread that forked, where that held it). Where a thread must not be cut off, as nobody could go on with
what it leaves behind, it stands behind one of two doors, which a fork and the end of the process wait for, and shut:
`gate`, for LLVM and for modules that are being imported, and `passage`, for C++ code that would abort the process.
"""

from __future__ import annotations

import atexit
import gc
import importlib
import os
import threading
import time
import weakref
from collections.abc import Callable, Iterator
from contextlib import ContextDecorator, contextmanager
from typing import Any

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


class Passage(threading.local, ContextDecorator):
    """A door, for `with` or around a function, through which any number of threads go at once, until it is shut.

    Each thread has a lock of its own, which it holds while it is inside; who shuts the door takes all of them. (One
    lock would do, if what happens behind it were not the user's code at times, which may wait for other threads.)
    """

    def __init__(self) -> None:
        self.own = threading.RLock()
        """What `with` takes where each tenth of a microsecond counts."""
        self.taken: list[list[Any]] = []
        """The locks that each `shut` of this thread has taken: a process may fork while it ends."""
        with _joining:
            _inside.add(self.own)

    def __enter__(self) -> None:
        self.own.acquire()

    def __exit__(self, *_: object) -> None:
        self.own.release()

    def shut(self, seconds: float) -> bool:
        """Let nobody in any more, and wait until all others are out; whether they are."""
        end = time.monotonic() + seconds
        if not _joining.acquire(seconds=seconds):
            return False
        self.taken.append([])
        for lock in list(_inside):
            if not lock.acquire(timeout=max(0.0, end - time.monotonic())):
                return False
            self.taken[-1].append(lock)
        return True

    def open(self) -> None:
        """Undo the last `shut` of this thread, if there is one."""
        if self.taken:
            for lock in self.taken.pop():
                lock.release()
            _joining.release()

    def renew(self) -> None:
        """In a forked child: nobody is inside but the thread that forked."""
        while self.taken:
            self.open()
        _inside.clear()
        _inside.add(self.own)


_locks: weakref.WeakSet[Lock] = weakref.WeakSet()
gate = Lock()
"""Only one thread at a time is behind it."""
_joining = Lock()
"""Held by who lets a thread in for the first time, and by who has shut the passage."""
_inside: weakref.WeakSet[Any] = weakref.WeakSet()
"""The locks of the threads that have been in the passage."""
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
importlib.import_module("optree")  # what is registered last is done first: the doors are shut when optree ends


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


@contextmanager
def staying() -> Iterator[None]:
    """As `uncollected`, for what makes objects that stay: the collector takes them for old ones, without going through
    them once more when it is switched on again (a tenth of an import's time)."""
    with uncollected():
        yield
        if gc.get_freeze_count() == 0:  # else somebody holds objects back from the collector, and they stay so
            gc.freeze()
            gc.unfreeze()


def _collect_again() -> None:
    """In a forked child: the thread that would have switched the collector on again may be gone."""
    own = threading.get_ident()
    if _uncollected and own not in _uncollected:
        gc.enable()
    _uncollected.intersection_update({own})
