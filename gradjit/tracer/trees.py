"""Arguments and results as pytrees: dict, list, tuple, namedtuple, dataclass, whatever is registered with optree."""

from __future__ import annotations

import dataclasses
import re
from typing import Any

import optree

from ..processes import Lock, passage

NAMESPACE = "gradjit"
"""optree's namespace: what the user registers globally counts, and what is registered here does not leak out."""

Tree = optree.PyTreeSpec

_lock = Lock()
_seen: set[type] = set()
"""Types of leaves that are no dataclasses, and dataclasses that are registered."""


def flatten(tree: Any) -> tuple[list[Any], Tree]:
    """Leaves and structure. Dataclasses are registered when they are first seen."""
    with passage:
        leaves, spec = optree.tree_flatten(tree, namespace=NAMESPACE)
    if _seen.issuperset(map(type, leaves)):
        return leaves, spec
    fresh = {type(x) for x in leaves} - _seen
    nodes = [cls for cls in fresh if dataclasses.is_dataclass(cls)]
    for cls in nodes:
        register_dataclass(cls)
    _seen.update(fresh)
    return flatten(tree) if nodes else (leaves, spec)


def unflatten(spec: Tree, leaves: Any) -> Any:
    with passage:
        return optree.tree_unflatten(spec, leaves)


def register_dataclass(cls: type) -> None:
    """Make a dataclass a node: its fields are the children. `__init__`, which may ask for numbers, is not called."""
    names = tuple(f.name for f in dataclasses.fields(cls))

    def take(obj: Any) -> tuple[tuple[Any, ...], None, tuple[str, ...]]:
        return tuple(getattr(obj, n) for n in names), None, names

    def build(_: None, children: Any) -> Any:
        obj: Any = object.__new__(cls)
        for n, v in zip(names, children, strict=True):
            object.__setattr__(obj, n, v)
        return obj

    with _lock:
        if cls not in _seen:
            optree.register_pytree_node(cls, take, build, namespace=NAMESPACE)  # type: ignore[arg-type]
            _seen.add(cls)


def leaf_names(spec: Tree, names: list[str]) -> list[str]:
    """A name for each leaf of `(args, kwargs)`: `x`, `params.w1`, `layers_0.bias`; `names` by position."""
    out = []
    for where, first, *rest in spec.paths():
        name = names[first] if where == 0 and first < len(names) else (f"arg{first}" if where == 0 else str(first))
        for key in rest:
            name += f"_{key}" if isinstance(key, int) else f".{re.sub(r'[^A-Za-z0-9_]', '_', str(key))}"
        out.append(name)
    return out
