"""Lists and tuples indexed by traced integers: what they hold is stacked into an array, which can be."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from typing import Any, NoReturn

import numpy as np

from ..errors import BoundsError, DtypeError, UnsupportedError
from . import extents as ext, grown, operands as o, structures, tables
from .array import ARRAY, PYTHON, SCALAR, TracedArray
from .control.may_alias import Alias, Aliases, bind
from .control.states import are_labels, is_option, option_at, place_of
from .locations import fail
from .perhaps import OneOf
from .recorder import current
from .subscripts import getitem, integer
from .ufuncs import type_name

NUMBERS = (bool, int, float, complex, np.generic, np.ndarray, TracedArray)


def item(items: Sequence[Any], key: TracedArray) -> Any:
    """`items[key]`: a number, or an array that may be read as long as none of the items is written to.

    UnsupportedError unless all items are numbers, or arrays of one shape and dtype.
    """
    if key.is_known:
        return items[key.__index__()]
    if key.ndim or not key.ir_dtype.is_integer:
        raise TypeError(f"{type(items).__name__} indices must be integers or slices, not {key!r}")
    if not items:
        fail(BoundsError, f"{type(items).__name__} index out of range: it is empty")
    if type(items) is list and type(items[0]) is list and tables.ask(items):
        return grown.item(items, key)
    is_told = all(type(x) is str for x in items) and are_labels(items)
    why = "it is one of a list's strings, by a traced integer"
    one = None if counts_a_loop(key) and not is_told else option_at(items, key, why)
    if one is not None:
        return one
    if all(not isinstance(x, NUMBERS) for x in items) and is_alike(items):
        return item_of(items, key)
    if not all(isinstance(x, NUMBERS) for x in items):
        refuse(items, f"it holds a {next(type(x).__name__ for x in items if not isinstance(x, NUMBERS))}")
    handles = [o.as_traced(x) for x in items]
    if any(h.extents != handles[0].extents for h in handles):
        refuse(items, f"its items have the shapes {', '.join(sorted({o.shown(h.extents) for h in handles}))}")
    arrays = handles[0].kind == ARRAY
    if any((h.kind == ARRAY) != arrays or (arrays and h.dtype != handles[0].dtype) for h in handles):
        kinds = {f"{h.kind} of {h.dtype}" for h in handles}
        refuse(items, f"its items are of different kinds ({', '.join(sorted(kinds))})")
    found = o.as_traced(getitem(o.stack_nested(handles), key))  # of numbers that are known it may be one of NumPy's
    if not arrays:
        are_python = all(h.kind == PYTHON or type(x) is bool for h, x in zip(handles, items, strict=True))
        return o.root(found.content, found.home, PYTHON if are_python else SCALAR)
    chosen = o.root(found.content, found.home, ARRAY)
    bind(chosen, Aliases(tuple(Alias.of(h.root) for h in handles),
                      "an array taken from a list by a traced integer may be any of the list's", alone=False))
    return chosen


def item_of_range(items: range, key: TracedArray) -> Any:
    """`range(...)[key]`."""
    if key.ndim or not key.ir_dtype.is_integer:
        fail(DtypeError, f"range indices must be integers or slices, not {type_name(key)}")
    return items.start + items.step * ext.handle(integer(key, len(items), 0))


def by_label(items: dict[Any, Any], key: Any) -> Any:
    """`items[key]`, where traced conditions choose the key, or parts of it, and all that it may name are numbers; None
    elsewhere."""
    parts = key if type(key) is tuple else (key,)
    keys = list(itertools.product(*(x.options if isinstance(x, OneOf) else (x,) for x in parts)))
    found = [items.get(k if type(key) is tuple else k[0], items) for k in keys]
    if (spec := tables.common(found)) is None:
        return None
    place: Any = 0
    for x in parts:
        place = place * len(x.options) + place_of(x) if isinstance(x, OneOf) else place
    taken = getitem(o.stack_nested(found), place)
    return o.root(o.cast(taken, spec.dtype).content, taken.home, spec.kind)


def counts_a_loop(key: TracedArray) -> bool:
    """Whether it is the number of an iteration of a loop of known length, which may as well run as ordinary Python."""
    return any(f.trip_count is not None and any(key.content is p for p in f.block.params) for f in current().frames)


def is_alike(items: Sequence[Any]) -> bool:
    """Whether all items have one structure, and are made of numbers and arrays."""
    first, *others = [structures.flatten(x) for x in items]
    return not first[1].is_leaf() and all(tree == first[1] for _, tree in others) and all(
        isinstance(leaf, NUMBERS) or is_option(leaf) for leaves, _ in (first, *others) for leaf in leaves)


def item_of(items: Sequence[Any], key: Any, why: str = "it is an item of a list, taken by a traced integer") -> Any:
    """An item at a traced place, part by part. It may be any of the items, so that none of them is changed any more."""
    if isinstance(items[0], TracedArray):
        return item(items, key)
    flat = [structures.flatten(x) for x in items]
    columns = zip(*(leaves for leaves, _ in flat), strict=True)
    found = structures.unflatten(flat[0][1], [item(list(c), key) for c in columns])
    freeze_all([found, *items], why)
    return found


def freeze_all(objects: Sequence[Any], why: str) -> None:
    """Lists, dicts and objects that may be one another are not changed any more."""
    for n in [n for x in objects for n in structures.flatten(x)[1].nodes()]:
        structures.freeze(n.given, why)
        structures.stand_in(n.given)


def put(items: list[Any], key: TracedArray, value: Any) -> None:
    """`items[key] = value` at a traced place: each item is the value, if the place is its own."""
    from .comparison import picked
    if key.ndim or not key.ir_dtype.is_integer:
        raise TypeError(f"list indices must be integers or slices, not {key!r}")
    count = len(items)
    if not all(map(is_number, (*items, value))) and not (count and is_alike([*items, value])):
        fail(UnsupportedError, "a list is written to at a place that is not known while gradjit compiles the function, "
                               "and what it holds and gets is not alike: numbers, or containers of such; make it an "
                               "array before, as by x = np.array(x) (or np.zeros), and write x[i] = value")
    if is_number(value):
        tables.ask(items, value)
    o.require(np.logical_and(key >= -count, key < count), "list assignment index out of range", "BoundsError")
    old = list(items)
    for k, x in enumerate(old):
        items[k] = picked(o.as_traced(np.logical_or(key == k, key == k - count)), value, x)
    if not is_number(value):
        freeze_all([*items, *old, value], "it stands in a list that is written to at a traced place")


def is_number(x: Any) -> bool:
    return isinstance(x, NUMBERS) and not isinstance(x, np.ndarray) and getattr(x, "kind", "") != ARRAY


def place(items: list[Any], key: TracedArray) -> Any:
    """The place in a list that an assignment names; the traced integer itself, if it is not known."""
    return key.__index__() if key.is_known else key


def refuse(items: Sequence[Any], why: str) -> NoReturn:
    fail(UnsupportedError, f"a {type(items).__name__} is indexed by a traced integer, and {why}: items must be "
                           f"numbers, or arrays of one shape and dtype. Stack them into an array before, as by "
                           f"np.stack(items), or choose with if and else")
