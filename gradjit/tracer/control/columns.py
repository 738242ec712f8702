"""Lists and tuples of items that are alike, as what a loop runs over by index.

    for (i, j), k in [((0, 1), 2.5), ((0, 2), 1.5), ...]      columns: 0, 0, ...   1, 2, ...   2.5, 1.5, ...

The parts of the items are put into arrays, one for each part: a *column*. The body gets an item that is made of the
columns' elements at the loop's index. Parts that are the same in all items (a name, a function) stay what they are.
Items that are not alike have no columns, and the loop runs over them as ordinary Python.
"""

from __future__ import annotations

import operator
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import numpy as np

from .. import operands as o, structures
from ..array import ARRAY, PYTHON, SCALAR, TracedArray, root
from ..grown import made
from ..outside import is_data_array
from ..perhaps import OneOf
from .iterables import IndexedIterable
from .loop_variables import Mismatch, is_object
from .may_alias import Alias, Aliases, bind
from .states import are_labels, is_same, number_of, options_of, union

Column = Callable[[Any], Any]
"""From the index to the part of the item."""
Make = Callable[[], Column]
"""Puts a column into an array, where that is needed, before the loop."""

NUMBERS = {int: np.int64, float: np.float64, bool: np.bool_, complex: np.complex128}


class Columns(IndexedIterable):
    def __init__(self, sequence: Any, items: list[Any], tree: structures.Structure, makes: list[Make]):
        self.sequence, self.items, self.tree, self.makes = sequence, items, tree, makes
        self.columns: list[Column] = []
        self.has_labels = any(isinstance(x, str) for x in structures.flatten(items[0])[0])
        self.given: list[tuple[Any, list[Any], structures.Structure]] = []
        """Containers that the body under construction has got as items, with what they held."""

    def count(self) -> int:
        return len(self.items)

    def at(self, i: Any) -> Any:
        if not isinstance(i, TracedArray):
            return self.items[i]
        parts = [column(i) for column in self.columns or [make() for make in self.makes]]
        item = parts[0] if self.tree.is_leaf() else structures.unflatten(self.tree, parts)
        if is_object(item) or type(item) is tuple:
            self.given.append((item, *structures.flatten(item)))
            for x in containers(item):
                made(x)
                structures.stand_in(x)
        return item

    def __iter__(self) -> Iterator[Any]:
        return iter(self.sequence)

    def prepare(self, first: int = 0) -> None:
        self.given = []
        if not self.columns:
            self.columns = [make() for make in self.makes]

    def check(self, names: Sequence[str], values: Sequence[Any]) -> None:
        held = {id(x): x for item, _, _ in self.given for x in containers(item)}
        for item, before, whole in self.given:
            now, tree = structures.flatten(item)
            if tree != whole or not all(map(operator.is_, now, before)):
                raise Mismatch("an item of the list that it runs over is changed in the body")
        for name, x in zip(names, values, strict=True):
            if is_object(x) and held.get(id(x)) is x:
                raise Mismatch(f"{name} is bound to an item of the list that the loop runs over")


def containers(x: Any) -> Iterator[Any]:
    """The containers and objects within x that can be changed."""
    return (n.given for n in structures.flatten(x)[1].nodes())


SEQUENCES: tuple[type, ...] = (str, list, tuple, deque, type({}.values()), type({}.items()), type({}.keys()))


def columns(x: Any) -> Columns | None:
    """A sequence as columns; None where its items are not alike."""
    if type(x) not in SEQUENCES or not x or (type(x) is str and not are_labels(x)):
        return None
    items = list(x)
    kind = type(items[0])
    if any(type(i) is not kind for i in items):
        return None
    if kind in NUMBERS or kind is TracedArray:
        parts, tree = [items], structures.flatten(items[0])[1]
    else:
        flat = [structures.flatten(i) for i in items]
        tree = flat[0][1]
        if any(t != tree for _, t in flat):
            return None
        parts = [list(p) for p in zip(*(leaves for leaves, _ in flat), strict=True)]
    makes = []
    for p in parts:
        make = maker(p)
        if make is None:
            return None
        makes.append(make)
    return Columns(x, items, tree, makes)


def maker(xs: list[Any]) -> Make | None:
    """How a column is made; None where its parts are of several kinds."""
    first = xs[0]
    kind = type(first)
    if all(x is first for x in xs):
        return lambda: lambda _: first
    if any(type(x) is not kind for x in xs):
        return None
    if kind in NUMBERS or isinstance(first, np.generic):
        return of_numbers(xs, kind)
    if is_data_array(first):
        same = all(is_data_array(x) and x.shape == first.shape and x.dtype == first.dtype for x in xs)
        return (lambda: of_arrays([o.captured(x) for x in xs])) if same else None
    if kind is TracedArray:
        same = all(x.kind == first.kind and x.dtype == first.dtype and x.extents == first.extents for x in xs)
        return (lambda: of_arrays(xs)) if same else None
    if kind is str:
        return of_labels(xs) if are_labels(xs) else None
    return (lambda: lambda _: first) if all(is_same(first, x) for x in xs) else None


def of_labels(xs: list[str]) -> Make:
    """Strings of which there are few, as their numbers."""
    options = union(*map(options_of, xs))
    assert options is not None

    def make() -> Column:
        array = root(np.array([number_of(x) for x in xs]), None, ARRAY)

        def column(i: Any) -> Any:
            found = o.as_traced(array[i])
            return OneOf(root(found.content, found.home, PYTHON), options, "it is one of the strings that a loop runs "
                                                                           "over")

        return column

    return make


def of_numbers(xs: list[Any], kind: type) -> Make | None:
    if kind is int and not all(-2 ** 63 <= x < 2 ** 63 for x in xs):
        return None
    dtype = NUMBERS.get(kind) or xs[0].dtype
    if dtype not in NUMBERS.values() and np.dtype(dtype).kind not in "biufc":
        return None
    known = np.array(xs, dtype)
    if kind is int and len(xs) > 1 and np.array_equal(known, xs[0] + (xs[1] - xs[0]) * np.arange(len(xs))):
        start, step = xs[0], xs[1] - xs[0]
        return lambda: lambda i: i * step + start if (start, step) != (0, 1) else i

    def make() -> Column:
        array = root(known, None, ARRAY)

        def column(i: Any) -> Any:
            found = o.as_traced(array[i])
            return root(found.content, found.home, PYTHON if kind in NUMBERS else SCALAR)

        return column

    return make


def of_arrays(xs: list[TracedArray]) -> Column:
    """Arrays of one shape, which may be read as long as none of them is written to; or scalars."""
    stacked = o.stack_nested(xs)
    kind = xs[0].kind
    aliases = tuple(Alias.of(x) for x in xs) if kind == ARRAY else ()

    def column(i: Any) -> Any:
        found = o.as_traced(stacked[i])
        chosen = root(found.content, found.home, kind)
        if aliases:
            bind(chosen, Aliases(aliases, "an array taken from a list by a loop may be any of the list's", alone=False))
        return chosen

    return column
