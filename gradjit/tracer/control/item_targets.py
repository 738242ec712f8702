"""Items of containers and attributes of objects, as variables: `state["x"]`, `self.v`."""

from __future__ import annotations

from collections import deque
from typing import Any

from ...records import dataclass
from .frames import items_of, set_plainly
from .states import Undefined


@dataclass(frozen=True, eq=False)
class ItemTarget:
    """`owner[key]` of a list or dict, `owner.key` of an object."""

    owner: Any
    key: Any

    @property
    def is_item(self) -> bool:
        return isinstance(self.owner, (list, dict)) or isinstance(self.owner, deque)

    @property
    def name(self) -> str:
        kind = type(self.owner).__name__
        return f"the item [{self.key!r}] of a {kind}" if self.is_item else f"the attribute {self.key} of a {kind}"

    def is_same(self, other: ItemTarget) -> bool:
        return self.owner is other.owner and self.key == other.key

    def get(self) -> Any:
        return items_of(self.owner).get(self.key, Undefined(self.name))

    def set(self, value: Any) -> None:
        if isinstance(value, Undefined):
            return
        if self.is_item:
            self.owner[self.key] = value
        else:
            set_plainly(self.owner, self.key, value)
