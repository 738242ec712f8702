"""Lists that are kept in order by traced values: heaps, sorted lists, items put in or taken out at traced places.

How many items there are is known; which one goes where is a choice for each place. So `heapq` leaves the items as
Python's own does:

    heappush(h, x)     -->   x changes places with its parents, as long as it is less than they are
    h.insert(k, x)     -->   h[j] = h[j] if j < k else x if j == k else h[j - 1], for all j
"""

from __future__ import annotations

import bisect
import functools
import heapq
from collections.abc import Callable
from typing import Any, NoReturn

import numpy as np

from ..errors import TraceError
from . import grown, operands as o
from .array import PYTHON, TracedArray
from .comparison import before, is_compared, picked
from .control.frames import before_change
from .dispatch import apply
from .locations import fail

Rule = Callable[..., Any]
MOST = 64
"""Items that choices are written out for."""


def chosen(test: Any, a: Any, b: Any) -> Any:
    """`a if test else b`, where the test may be known."""
    if isinstance(test, bool):
        return a if test else b
    return a if a is b else picked(test, a, b)


def both(a: Any, b: Any) -> Any:
    if isinstance(a, bool):
        return b if a else False
    if isinstance(b, bool):
        return a if b else False
    found = o.as_traced(np.logical_and(a, b))
    return o.root(found.content, found.home, PYTHON)


def refuse(name: str, why: str, instead: str) -> NoReturn:
    fail(TraceError, f"{name} of a list {why} is not supported; {instead}")


def require_known(name: str, items: list[Any]) -> None:
    """The list as Python's objects, of which there are not too many."""
    instead = ("keep the items in an array with a count, or take the least by np.argmin; shortest ways come out the "
               "same if all edges are tried as often as there are nodes")
    if grown.is_grown(items):
        if not grown.is_static(items):
            refuse(name, f"whose length depends on traced values ({grown.name_of(items)})", instead)
        grown.whole_again(items, name)
    if len(items) > MOST:
        refuse(name, f"of {len(items)} items in the order of traced values (at most {MOST})", instead)


# heaps ----------------------------------------------------------------------------------------------------------------
def is_less(a: Any, b: Any) -> Any:
    return before("lt", a, b)


def rise(heap: list[Any], k: int) -> None:
    """The last item, of number k, changes places with those above it."""
    x, moves = heap[k], True
    while k > 0 and moves is not False:
        above = (k - 1) >> 1
        moves = both(moves, is_less(x, heap[above]))
        heap[k], heap[above] = chosen(moves, heap[above], heap[k]), chosen(moves, x, heap[above])
        k = above


def sink(heap: list[Any], top: int) -> None:
    """The item at `top` changes places with the lesser of those below it, as long as that is not greater."""
    x, here = heap[top], {top: True}
    for k in range(top, len(heap)):
        left = 2 * k + 1
        if left >= len(heap) or here.get(k, False) is False:
            continue
        is_right = False if left + 1 >= len(heap) else negated(is_less(heap[left], heap[left + 1]))
        least = heap[left] if left + 1 >= len(heap) else chosen(is_right, heap[left + 1], heap[left])
        moves = both(here[k], negated(is_less(x, least)))
        heap[k] = chosen(moves, least, heap[k])
        for child, test in ((left, negated(is_right)), (left + 1, is_right)):
            if child < len(heap):
                here[child] = both(moves, test)
                heap[child] = chosen(here[child], x, heap[child])


def negated(x: Any) -> Any:
    from .control.protocol import Control
    return Control.negated(x)


def _push(heap: list[Any], item: Any) -> None:
    heap.append(item)
    rise(heap, len(heap) - 1)


def _pop(heap: list[Any]) -> Any:
    last = heap.pop()
    return replaced(heap, last) if heap else last


def replaced(heap: list[Any], item: Any) -> Any:
    least, heap[0] = heap[0], item
    sink(heap, 0)
    return least


def _push_pop(heap: list[Any], item: Any) -> Any:
    if not heap:
        return item
    test = is_less(heap[0], item)
    if isinstance(test, bool):
        return replaced(heap, item) if test else item
    old = list(heap)
    replaced(heap, item)
    heap[:] = [chosen(test, x, y) for x, y in zip(heap, old, strict=True)]
    return chosen(test, old[0], item)


def _heapify(heap: list[Any]) -> None:
    for k in reversed(range(len(heap) // 2)):
        sink(heap, k)


def _of_heap(name: str, builtin: Rule, rule: Rule) -> Rule:
    """Python's own, where no key is traced."""
    def run(heap: list[Any], *item: Any) -> Any:
        given = [*heap, *item]
        if not (grown.is_grown(heap) or o.is_traced(given) or any(map(is_compared, given))):
            return builtin(heap, *item)
        before_change(heap)
        require_known(f"heapq.{name}", heap)
        return rule(heap, *item)

    return run


# places ---------------------------------------------------------------------------------------------------------------
def insert(items: list[Any], place: TracedArray, x: Any) -> None:
    """`items.insert(place, x)` at a traced place."""
    before_change(items)
    if grown.is_grown(items) or len(items) > 8:
        insert_row(items, place, x)
        return
    n = len(items)
    k = within(place, n)
    old = list(items)
    items.append(x)
    for j in range(n + 1):
        behind = old[j - 1] if j else x
        found = chosen(o.as_traced(k == j), x, behind) if j else x
        items[j] = chosen(o.as_traced(k > j), old[j], found) if j < n else found


def within(place: TracedArray, n: Any) -> Any:
    """A place to insert at, as Python takes it."""
    return o.as_traced(np.clip(np.where(place < 0, place + n, place), 0, n))


def insert_row(items: list[Any], place: TracedArray, x: Any) -> None:
    """The same of long lists, and those of which the run tells how many items they have: rows change places."""
    n = grown.length(items)
    k = within(place, n)
    grown.noted(items)
    items.append(x)
    one = grown.whole(items) if grown.is_grown(items) else grown.of_items(items, n + 1)
    items[:] = [one]
    j = np.arange(one.rows[0].array.shape[0])
    places = apply(np.where, (j == k, n, apply(np.where, (j > k, j - 1, j), {})), {})
    parts = [grown.Row(p.array[places], p.kind) if isinstance(p, grown.Row) else p for p in one.parts]
    items[:] = [one.made_by(grown.Tail(one.tree, parts, 0, n + 1))]


def take(items: list[Any], place: TracedArray) -> Any:
    """`items.pop(place)` at a traced place, which is in range."""
    from .builtin_functions import item_of
    before_change(items)
    n = len(items)
    k = o.as_traced(np.where(place < 0, place + n, place))
    o.require(o.as_traced(np.logical_and(k >= 0, k < n)), "pop index out of range", "BoundsError")
    old = list(items)
    found = item_of(old, o.root(k.content, k.home, PYTHON))
    items.pop()
    for j in range(n - 1):
        items[j] = chosen(o.as_traced(k <= j), old[j + 1], old[j])
    return found


def _insort(side: str, builtin: Rule) -> Rule:
    def rule(items: Any, x: Any, *args: Any, **kwargs: Any) -> None:
        from .calls import call
        if type(items) is not list or not (grown.is_grown(items) or o.is_traced((items, x))):
            builtin(items, x, *args, **kwargs)
            return
        if args or kwargs:
            fail(TraceError, f"bisect.insort with bounds or a key, of traced values, is not supported; sort the list "
                             f"with list.sort(key=...) when it is complete, or insert at bisect.bisect_{side}(keys, "
                             f"key(x))")
        call(items.insert, call(getattr(bisect, f"bisect_{side}"), items, x), x)

    return rule


RULES: dict[Any, Rule] = {
    heapq.heappush: _of_heap("heappush", heapq.heappush, _push),
    heapq.heappop: _of_heap("heappop", heapq.heappop, _pop),
    heapq.heapreplace: _of_heap("heapreplace", heapq.heapreplace, replaced),
    heapq.heappushpop: _of_heap("heappushpop", heapq.heappushpop, _push_pop),
    heapq.heapify: _of_heap("heapify", heapq.heapify, _heapify),
    bisect.insort_left: _insort("left", bisect.insort_left), bisect.insort_right: _insort("right", bisect.insort_right),
}


def _insert(items: list[Any], place: Any, x: Any) -> None:
    insert(items, place, x)


LISTS: dict[str, Callable[..., Any]] = {"insert": _insert, "pop": take}
"""Methods of lists, at traced places."""


def of_list(f: Any, args: tuple[Any, ...]) -> Callable[[], Any] | None:
    """What a method of a list does at a traced place; None for others."""
    if f.__name__ not in LISTS or not args or not isinstance(args[0], TracedArray) or args[0].is_known:
        return None
    return functools.partial(LISTS[f.__name__], f.__self__, *args)
