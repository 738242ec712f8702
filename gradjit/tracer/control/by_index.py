"""Functions that go through sequences one by one, where a compiled loop has to: over sequences whose length is open or
traced, or long ones.

    functools.reduce(f, x)   -->   for v in x[1:]: total = f(total, v)

Each is written as Python would write it, and runs like the user's own code. Combinations of more than two items stay
Python's.
"""

from __future__ import annotations

import functools
import itertools
import math
import operator
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np

from ...errors import TraceError
from .. import extents, grown, operands
from ..array import TracedArray
from ..comparison import vectors
from ..grown import is_grown
from ..locations import fail
from ..recorder import recorders
from .folding import LONG, is_unrolled_here
from .frames import Frame
from .iterables import IndexedIterable, IndexedIterator, Items, OfOne, Taking, TracedRange, Zipped, indexed_iterable

Rule = Callable[..., Any]


def needs_a_loop(x: Any, known: int | None = None) -> bool:
    """Whether only a compiled loop can run over x, or x is no list of Python's and has more items than `known`."""
    t = indexed_iterable(x) if recorders() else None
    if t is None:
        return False
    n = t.static
    if known is None or type(x) in (list, tuple) or t.is_labelled or is_unrolled_here():
        return n is None
    return n is None or n > known


# the functions, in Python ---------------------------------------------------------------------------------------------
def _list(items: Any) -> list[Any]:
    return [x for x in items]  # noqa: C416 (`list` comes here)


def _mapped(f: Any, items: Any) -> list[Any]:
    return [f(x) for x in items]


def _first_by(is_before: Any, key: Any, items: Any, found: Any) -> Any:
    extreme = key(found)
    for x in items:
        k = key(x)
        if is_before(k, extreme):
            extreme, found = k, x
    return found


def _is_any(items: Any) -> bool:
    for x in items:
        if x:
            return True
    return False


def _are_all(items: Any) -> bool:
    for x in items:
        if not x:
            return False
    return True


def _filtered(f: Any, items: Any) -> list[Any]:
    return [x for x in items if f(x)]


def _reduced(f: Any, items: Any, total: Any) -> Any:
    for x in items:
        total = f(total, x)
    return total


def _accumulated(f: Any, items: Any, total: Any) -> list[Any]:
    out = [total]
    for x in items:
        total = f(total, x)
        out.append(total)
    return out


def _chained(*parts: Any) -> list[Any]:
    out = []
    for part in parts:
        for x in part:
            out.append(x)
    return out


def _pairs(items: Any) -> list[Any]:
    return [(items[a], items[b]) for a, b in zip(*np.triu_indices(len(items), 1), strict=True)]


def run(body: Callable[..., Any], *args: Any) -> Any:
    """One of these, as the user's own code would run."""
    from ..hooks import Hooks
    from ..lift import lifted
    return lifted(body, Hooks)(*args)  # type: ignore[arg-type]


def listed(x: Any, known: int | None = LONG) -> Any:
    """The items as a list that a compiled loop has filled, where `needs_a_loop`; else x as it is."""
    return run(_list, x) if not is_grown(x) and needs_a_loop(x, known) else x


# iterators ------------------------------------------------------------------------------------------------------------
class Mapped(Zipped):
    """map(f, ...)."""

    def __init__(self, f: Any, parts: list[IndexedIterable]):
        super().__init__(parts)
        self.f = f

    def at(self, i: Any) -> Any:
        from ..calls import call
        return call(self.f, *super().at(i))

    def steps(self) -> Iterator[Any]:
        from ..calls import call
        return (call(self.f, *given) for given in super().steps())


class Deferred(IndexedIterator):
    """Items that are not found by index: all are made when the first is asked for."""

    def __init__(self, make: Callable[[], Any]):
        self.make = make
        self.made: Items | None = None
        self.frame: Frame | None = None

    def all(self) -> Items:
        """The items, in a list that was made where the program is, or around it."""
        frame: Frame | None = recorders()[-1].frame
        while frame is not None and frame is not self.frame:
            frame = frame.parent
        if self.made is None or frame is None:
            self.made, self.frame = _items(self.make()), recorders()[-1].frame
        return self.made

    def count(self) -> Any:
        return self.all().count()

    def prepare(self, first: int = 0) -> None:
        self.all().prepare(first)

    def at(self, i: Any) -> Any:
        return self.all().at(i)

    def steps(self) -> Iterator[Any]:
        return itertools.islice(iter(self.all()), self.taken, None)


def _items(found: Any) -> Any:
    t = indexed_iterable(found) if is_grown(found) or found else TracedRange(0, 0)
    if t is None:
        fail(TraceError, "the items of an iterator are of several kinds, so that no compiled loop can run over them; "
                         "write a comprehension, or a loop that appends to a list")
    return t


# items taken by next --------------------------------------------------------------------------------------------------
END = object()


def _taken(position: Any, count: Any, at: Any, default: Any) -> Any:
    k = position.next
    if k >= count:
        if default is END:
            raise StopIteration
        return default
    position.next = k + 1
    return at(k)


def _next(it: Any, *default: Any) -> Any:
    """next(it) in a compiled loop or branch that the iterator was made outside of, or behind such: where it stands is
    a number that the program carries along."""
    if not isinstance(it, Taking) or it.lost or it.is_spent or len(default) > 1:
        return None
    items = it.source()
    if items is None or not (isinstance(it.taken, TracedArray) or is_from_outside(it)):
        return None
    return run(_taken, it.position, extents.handle(items.count()), items.at, *(default or (END,)))


def is_from_outside(it: Taking) -> bool:
    """Whether a region is under construction that an iterator was made outside of, and no loop that runs over it."""
    frames = recorders()[-1].frames
    return bool(frames) and not frames[-1].is_fresh(it) and not any(i is it for f in frames for i in f.runs_over)


# rules ----------------------------------------------------------------------------------------------------------------
def _map(f: Any, *parts: Any) -> Any:
    from ..calls import as_user
    if parts and all(needs_a_loop(p, LONG) for p in parts):
        return Mapped(as_user(f), [t for t in map(indexed_iterable, parts) if t is not None])
    return None


def _filter(f: Any, items: Any) -> Any:
    from ..calls import as_user
    if needs_a_loop(items, LONG) or (indexed_iterable(items) is not None and operands.is_traced(items)):
        return Deferred(functools.partial(run, _filtered, _itself if f is None else as_user(f), items))
    return None


def _itself(x: Any) -> Any:
    return x


def _reduce(f: Any, items: Any, *initial: Any) -> Any:
    from ..calls import as_user
    if not needs_a_loop(items, LONG):
        return None
    if initial:
        return run(_reduced, as_user(f), items, initial[0])
    nothing = TypeError("reduce() of empty iterable with no initial value")
    return run(_reduced, as_user(f), *taken_apart(items, nothing))


def _accumulate(items: Any, func: Any = operator.add, *, initial: Any = None) -> Any:
    from ..calls import as_user
    if not needs_a_loop(items, LONG):
        return None

    def make() -> Any:
        if initial is not None:
            return run(_accumulated, as_user(func), items, initial)
        return [] if is_empty(items) else run(_accumulated, as_user(func), *taken_apart(items, IndexError()))

    return Deferred(make)


def _chain(*parts: Any) -> Any:
    if any(needs_a_loop(p) for p in parts) and all(type(p) in (list, tuple) or indexed_iterable(p) is not None
                                                   for p in parts):
        return Deferred(functools.partial(run, _chained, *parts))
    return None


def _combinations(pool: Any, r: Any) -> Any:
    if r != 2 or not needs_a_loop(pool):
        return None
    return Deferred(functools.partial(run, _pairs, listed(pool) if isinstance(pool, IndexedIterator) else pool))


class Behind(OfOne):
    """The items of a sequence behind the first."""

    def __init__(self, part: IndexedIterable):
        self.part = part

    def count(self) -> Any:
        return extents.form(extents.linear(self.part.count()) - 1)

    def at(self, i: Any) -> Any:
        return self.part.at(i + 1)


def counted(items: Any) -> Any:
    """How many items there are: a number, an open size, or a form."""
    t = indexed_iterable(items)
    assert t is not None
    return t.count()


def is_empty(items: Any) -> bool:
    n = counted(items)
    return isinstance(n, int) and n == 0


def taken_apart(items: Any, of_none: Exception) -> tuple[Any, Any]:
    """What is behind the first item, and that item. The error where there is none."""
    if is_empty(items):
        raise of_none
    n = counted(items)
    if not isinstance(n, int):
        operands.require(operands.as_traced(extents.handle(n) > 0), str(of_none))
    t = indexed_iterable(items)
    assert t is not None
    return Behind(t), t.at(0)


def _extreme(f: Any, is_before: Callable[[Any, Any], Any]) -> Rule:
    """min and max; by a key the first item that no other one is before."""
    def rule(*items: Any, key: Any = None, **default: Any) -> Any:
        from ..calls import as_user
        if key is None or len(items) != 1 or not needs_a_loop(items[0], LONG):
            return _of_list(f)(*items, **default) if key is None and len(items) == 1 else None
        if default and (is_empty(items[0]) or not isinstance(counted(items[0]), int)):
            return None
        rest, first = taken_apart(items[0], ValueError(f"{f.__name__}() iterable argument is empty"))
        return run(_first_by, is_before, as_user(key), rest, first)

    return rule


def _deciding(body: Callable[..., Any]) -> Rule:
    """any and all: as far as Python would go."""
    def rule(items: Any, /) -> Any:
        return run(body, items) if isinstance(items, IndexedIterable) and needs_a_loop(items, LONG) else None

    return rule


def _folded(combine: Callable[[Any, Any], Any], start: Any) -> Rule:
    def rule(items: Any, *, start: Any = start) -> Any:
        return run(_reduced, combine, items, start) if needs_a_loop(items, LONG) else None

    return rule


def _of_list(f: Any) -> Rule:
    """A function that takes lists that loops have filled: of iterators it gets one. (Arrays it knows itself.)"""
    def rule(items: Any, *args: Any, **kwargs: Any) -> Any:
        from ..calls import call
        found = listed(items) if isinstance(items, IndexedIterable) else items
        return None if found is items else call(f, found, *args, **kwargs)

    return rule


def in_order(items: list[Any], key: Any, reverse: bool) -> list[Any] | None:
    """The items of a list that a compiled loop has filled, sorted; None where only comparisons of them one by one, as
    Python's objects, tell the order."""
    from ..builtin_functions import order_of
    from ..calls import as_user
    by = items if key is None else run(_mapped, as_user(key), items)
    keys = vectors(by)
    if keys is not None:
        return grown.rearranged(items, order_of(keys, reverse))
    if grown.is_static(items):
        return None
    fail(TraceError, "sorted() by what is no number and no tuple of numbers, of as many items as only the call tells, "
                     "is not supported; sort by numbers, as by key=lambda item: item[0]")


def is_long(items: Any) -> bool:
    """Whether a list that a compiled loop has filled is sorted as an array."""
    if not is_grown(items):
        return False
    n = grown.length(items)
    return not isinstance(n, int) or (n > LONG and not is_unrolled_here() and grown.odd_one(items) is None)


def _sorted(items: Any, /, *, key: Any = None, reverse: bool = False) -> Any:
    from ..calls import call
    found = listed(items)
    if is_long(found) and (ordered := in_order(found, key, reverse)) is not None:
        return ordered
    return None if found is items else call(sorted, found, key=key, reverse=reverse)


def _sort(items: list[Any], *, key: Any = None, reverse: bool = False) -> None:
    if is_long(items) and (ordered := in_order(items, key, reverse)) is not None:
        items[:] = ordered
        return
    grown.whole_again(items, "the method sort")
    from ..calls import call
    call(items.sort, key=key, reverse=reverse)


def _as_list(*items: Any) -> Any:
    return listed(items[0], None) if items and not is_grown(items[0]) and needs_a_loop(items[0]) else None


RULES: dict[Any, Rule] = {
    map: _map, filter: _filter, functools.reduce: _reduce, itertools.accumulate: _accumulate, itertools.chain: _chain,
    itertools.combinations: _combinations,
    list: _as_list, next: _next,
    min: _extreme(min, operator.lt), max: _extreme(max, operator.gt),
    math.fsum: _folded(operator.add, 0.0), math.prod: _folded(operator.mul, 1),
    sorted: _sorted, sum: _of_list(sum), any: _deciding(_is_any), all: _deciding(_are_all),
}
grown.METHODS["sort"] = _sort
grown.ONE_BY_ONE.update(RULES)
