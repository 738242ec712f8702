"""Whether a long list still holds the very objects that it held: by the words of its memory, in one comparison."""

from __future__ import annotations

import ctypes
from collections.abc import Sequence
from typing import Any

import numpy as np

from gradjit.errors import LayoutError
from gradjit.runtime import cpython


class Unchanged:
    """Tells whether `items` are what stands in the list. (They are kept alive, so that no other object gets their
    address.)"""

    def __init__(self, held: list[Any], items: Sequence[Any]):
        self.held, self.items = held, items
        self.words = np.fromiter(map(id, items), np.uintp, len(items)).tobytes()
        self.start = ctypes.c_void_p.from_address(id(held) + cpython.layout().list_items)

    def holds(self) -> bool:
        if len(self.held) != len(self.items):
            return False
        return not self.items or ctypes.string_at(self.start.value or 0, len(self.words)) == self.words


def unchanged(held: list[Any], items: Sequence[Any]) -> Unchanged | None:
    """None where this build of Python keeps lists in another way."""
    try:
        return Unchanged(held, items)
    except LayoutError:
        return None


class Versions:
    """Dicts that are as they were: by their version numbers, which change with each change of a dict; where one has
    changed, by what its guard says."""

    def __init__(self, guards: Sequence[Any], offset: int):
        self.guards = guards
        self.words = [ctypes.c_uint64.from_address(id(g.container) + offset) for g in guards]
        self.versions = [w.value for w in self.words]
        if not all(g.holds() for g in guards):
            self.versions = [0] * len(self.words)

    def holds(self) -> bool:
        now = [w.value for w in self.words]
        if now == self.versions:
            return True
        if not all(g.holds() for g, new, old in zip(self.guards, now, self.versions, strict=True) if new != old):
            return False
        self.versions = now
        return True


def by_versions(guards: Sequence[Any]) -> list[Any]:
    """Guards of dicts as one; as they are where this build of Python has no versions."""
    try:
        offset = cpython.layout().dict_version
    except LayoutError:
        offset = None
    return [Versions(guards, offset)] if offset is not None and guards else list(guards)
