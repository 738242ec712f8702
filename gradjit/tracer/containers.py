"""Containers among the arguments, which the function may change: `state["u"] = ...`, `params.w = ...`.

The function gets containers of its own, made of handles. What stands in them at the end, and did not at the
beginning, is told by where it stands, so that the same can be done to the caller's.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator
from typing import Any

from ..errors import TraceError
from ..ir import Loc
from .locations import fail

Path = tuple[Any, ...]


@dataclasses.dataclass(frozen=True)
class ItemPath:
    """An item or field: the way from `(args, kwargs)` to its container, and its key there."""

    path: Path
    key: Any

    @property
    def name(self) -> str:
        """As in `args[0]['u']`."""
        where, *rest = (*self.path, self.key)
        return ("kwargs" if where else "args") + "".join(f"[{k!r}]" for k in rest)

    def put(self, roots: tuple[Any, Any], value: Any) -> None:
        """Do to the caller's container what the function did to its own."""
        owner: Any = roots
        for k in self.path:
            owner = getattr(owner, k) if dataclasses.is_dataclass(owner) else owner[k]
        if dataclasses.is_dataclass(owner):
            setattr(owner, self.key, value)
        else:
            owner[self.key] = value


def items_of(x: Any) -> dict[Any, Any] | None:
    """The parts of a container by their keys; None for what is none, or of a class that only optree knows."""
    if isinstance(x, dict):
        return dict(x)
    if isinstance(x, (list, tuple)):
        return dict(enumerate(x))
    if dataclasses.is_dataclass(x) and not isinstance(x, type):
        return {f.name: getattr(x, f.name, None) for f in dataclasses.fields(x)}
    return None


class ContainerContents:
    """What stands in the containers of `(args, kwargs)` before the function runs."""

    def __init__(self, args: Any, kwargs: Any):
        self.before = list(walk((args, kwargs), ()))

    def changes(self, name: str, loc: Loc | None) -> list[tuple[ItemPath, Any]]:
        """What stands elsewhere now, in order. TraceError where something was taken out or a list has grown."""
        found: list[tuple[ItemPath, Any]] = []
        replaced: set[Path] = set()
        for path, container, old in self.before:
            if any(path[:n] in replaced for n in range(len(path) + 1)):
                continue
            now = items_of(container) or {}
            if gone := old.keys() - now.keys():
                what = ItemPath(path, gone.pop()).name
                fail(TraceError, f"{name} takes {what} out of its container, which a compiled function cannot do to "
                                 f"the caller's; work on a copy of the container", loc)
            for key, value in now.items():
                if key in old and old[key] is value:
                    continue
                if key not in old and isinstance(container, list):
                    item = ItemPath(path[:-1], path[-1])
                    fail(TraceError, f"{name} lengthens the list {item.name}, which a compiled function "
                                     f"cannot do to the caller's; return the new items instead", loc)
                found.append((ItemPath(path, key), value))
                replaced.add((*path, key))
        return found


def walk(x: Any, path: Path) -> Iterator[tuple[Path, Any, dict[Any, Any]]]:
    """Every container within x, with the way to it and its items."""
    items = items_of(x)
    if items is None:
        return
    yield path, x, items
    for key, value in items.items():
        yield from walk(value, (*path, key))
