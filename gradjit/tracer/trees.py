"""Arguments and results as pytrees: dict, list, tuple, namedtuple, dataclass, whatever is registered with optree."""

from __future__ import annotations

import dataclasses
import re
import sys
from typing import Any

import optree

from ..processes import Lock, passage

NAMESPACE = "gradjit"
"""optree's namespace: what the user registers globally counts, and what is registered here does not leak out."""

IN_ORDER = "gradjit in order"
"""The same, with dicts in the order of their items, not of their keys."""
_in_order = optree.dict_insertion_ordered(True, namespace=IN_ORDER)
_in_order.__enter__()  # for good: it ends when it is collected

Tree = optree.PyTreeSpec

_lock = Lock()
_seen: set[type] = set()
"""Types of leaves that are no dataclasses, and dataclasses that are registered."""


_orders: dict[Tree, tuple[Tree, list[int] | None, bool]] = {}
"""By a structure in order: the structure, where its leaves are, and whether its keys are of one type, if equal."""
MAX_ORDERS = 4096


def flatten(tree: Any) -> tuple[list[Any], Tree]:
    """Leaves and structure. Dataclasses are registered when they are first seen."""
    with passage.own:
        leaves, spec = optree.tree_flatten(tree, namespace=NAMESPACE)
    if _seen.issuperset(map(type, leaves)):
        return leaves, spec
    fresh = {type(x) for x in leaves} - _seen
    nodes = [cls for cls in fresh if dataclasses.is_dataclass(cls)]
    for cls in nodes:
        register_dataclass(cls)
    _seen.update(fresh)
    return flatten(tree) if nodes else (leaves, spec)


def flatten_call(tree: Any) -> tuple[list[Any], Tree, Any]:
    """Leaves, structure, and a key that two calls share if they have the same structure with their dicts in the same
    order, and keys of the same types: a function may look at either."""
    with passage.own:
        leaves, order = optree.tree_flatten(tree, namespace=IN_ORDER)
        known = _orders.get(order)
    if known is None or not _seen.issuperset(map(type, leaves)):
        return first_of_its_kind(tree)
    spec, permutation, plain = known
    if not plain:
        return *flatten(tree), (order, key_types(tree))
    if permutation is not None:
        leaves = [leaves[k] for k in permutation]
    return leaves, spec, order


@passage
def first_of_its_kind(tree: Any) -> tuple[list[Any], Tree, Any]:
    """`flatten_call` for a structure or types of leaves that have not been seen."""
    leaves, spec = flatten(tree)
    _, order = optree.tree_flatten(tree, namespace=IN_ORDER)
    numbered = optree.tree_unflatten(order, range(len(leaves)))
    places = optree.tree_leaves(numbered, namespace=NAMESPACE)
    plain = has_plain_keys(order)
    if len(_orders) >= MAX_ORDERS:
        _orders.clear()
    _orders[order] = spec, None if places == sorted(places) else places, plain
    return leaves, spec, order if plain else (order, key_types(tree))


def in_order(args: Any) -> tuple[list[Any], list[int]] | None:
    """The leaves of the arguments of a call in the order in which they stand, and where each of the leaves that
    `flatten_call` gives is among them; None where a dict has keys that are no strings."""
    whole: Any = (args, {})
    with passage.own:
        leaves, order = optree.tree_flatten(whole, namespace=IN_ORDER)
        known = _orders.get(order)
    if known is None or not known[2]:
        return None
    return leaves, list(range(len(leaves))) if known[1] is None else known[1]


def dataclasses_in(spec: Tree) -> dict[type, tuple[str, ...]]:
    """The dataclasses in a structure, with the names of their fields."""
    if spec.is_leaf():
        return {}
    found = {k: v for child in spec.children() for k, v in dataclasses_in(child).items()}
    if spec.type is not None and dataclasses.is_dataclass(spec.type):
        found[spec.type] = tuple(sys.intern(f.name) for f in dataclasses.fields(spec.type))
    return found


def has_plain_keys(spec: Tree) -> bool:
    """Whether all keys of dicts are strings: others can be equal and still of several types, as 1 and True are."""
    if spec.is_leaf():
        return True
    own = all(type(k) is str for k in spec.entries()) if issubclass(spec.type or type(None), dict) else True
    return own and all(map(has_plain_keys, spec.children()))


@passage
def key_types(tree: Any) -> tuple[tuple[type, ...], ...]:
    """The types of the keys on the way to each leaf."""
    return tuple(tuple(map(type, path)) for path in optree.tree_paths(tree, namespace=IN_ORDER))


def unflatten(spec: Tree, leaves: Any) -> Any:
    with passage.own:
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
            for namespace in (NAMESPACE, IN_ORDER):
                optree.register_pytree_node(cls, take, build, namespace=namespace)  # type: ignore[arg-type]
            _seen.add(cls)


def register(cls: type, take: Any, build: Any) -> None:
    """Make a class of gradjit's own a node."""
    optree.register_pytree_node(cls, take, build, namespace=NAMESPACE)
    optree.register_pytree_node(cls, take, build, namespace=IN_ORDER)


@passage
def leaf_names(spec: Tree, names: list[str]) -> list[str]:
    """A name for each leaf of `(args, kwargs)`: `x`, `params.w1`, `layers_0.bias`; `names` by position."""
    out = []
    for where, first, *rest in spec.paths():
        name = names[first] if where == 0 and first < len(names) else (f"arg{first}" if where == 0 else str(first))
        for key in rest:
            name += f"_{key}" if isinstance(key, int) else f".{re.sub(r'[^A-Za-z0-9_]', '_', str(key))}"
        out.append(name)
    return out
