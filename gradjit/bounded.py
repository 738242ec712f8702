"""Memory that does not grow for ever: what a process may meet any number of is remembered up to a bound."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Hashable
from typing import Generic, TypeVar

K = TypeVar("K", bound=Hashable)
V = TypeVar("V")


class Bounded(Generic[K, V]):
    """A mapping that forgets what was used longest ago. What it holds must be possible to make again.

    Any thread may use it: each step on the dictionary below is one operation of the interpreter's.
    """

    def __init__(self, room: int) -> None:
        self.room = room
        self._items: OrderedDict[K, V] = OrderedDict()

    def get(self, key: K) -> V | None:
        found = self._items.get(key)
        if found is not None:
            try:
                self._items.move_to_end(key)
            except KeyError:  # another thread has dropped it
                pass
        return found

    def put(self, key: K, value: V) -> V:
        """The value, which is kept now."""
        self._items[key] = value
        while len(self._items) > self.room:
            try:
                self._items.popitem(last=False)
            except KeyError:
                break
        return value

    def drop(self, key: K) -> None:
        self._items.pop(key, None)

    def __len__(self) -> int:
        return len(self._items)

    def __contains__(self, key: object) -> bool:
        return key in self._items
