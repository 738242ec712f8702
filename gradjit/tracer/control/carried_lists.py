"""Lists of which an iteration leaves another length than it has found: a loop carries rows, and how many of them count.

    for n in reversed(range(m)): v = [f(v[k], v[k + 1]) for k in range(n)]      v = (rows, count)
"""

from __future__ import annotations

from typing import Any

from ...errors import TraceError
from ...ir.sizes import is_open
from ...records import dataclass
from .. import extents, grown, operands as o
from ..array import PYTHON, TracedArray, root
from ..grown import Row, Tail
from ..structures import Structure
from .states import Spec, is_same, join

MOST = 1 << 16
"""The longest such list."""


@dataclass(frozen=True, eq=False)
class Packing:
    """What the rows are made of: of each part of an item its type, or what it is in all."""

    tree: Structure
    parts: tuple[Any, ...]
    capacity: int

    def fits(self, other: Packing) -> bool:
        return self.capacity >= other.capacity and all(
            (a == b) if isinstance(a, Spec) else is_same(a, b) for a, b in zip(self.parts, other.parts, strict=True))

    def pack(self, items: list[Any]) -> tuple[Any, ...]:
        """A list as its rows and its length."""
        specs = [s for s in self.parts if isinstance(s, Spec)]
        if not items:
            return *(o.as_array(o.filled(0, (self.capacity, *s.shape), s.dtype.np)) for s in specs), o.as_traced(0)
        tail = one(items)
        rows = [self.room(p, s) for p, s in zip(rows_of(tail), self.parts, strict=True) if isinstance(s, Spec)]
        count = extents.handle(extents.bounded(extents.form(tail.count), self.capacity + 1))
        count = o.as_traced(count)
        return *rows, root(count.content, count.home, PYTHON)

    def room(self, a: TracedArray, spec: Spec) -> TracedArray:
        a = o.cast(a, spec.dtype)
        n = a.extents[0]
        if isinstance(n, int) and n == self.capacity:
            return a
        whole = o.as_array(o.filled(0, (self.capacity, *spec.shape), spec.dtype.np))
        if isinstance(n, int):
            whole[:min(n, self.capacity)] = a[:self.capacity]
        else:
            whole[:extents.handle(extents.bounded(n, self.capacity + 1))] = a
        return whole

    def listed(self, packed: tuple[Any, ...]) -> list[Any]:
        """The list again."""
        *rows, count = packed
        mine = iter(rows)
        parts = [Row(next(mine), s.kind) if isinstance(s, Spec) else s for s in self.parts]
        known = extents.handle(extents.bounded(extents.form(count), self.capacity + 1))
        out: list[Any] = grown.noted(grown.made([Tail(self.tree, parts, 0, known)]))
        return out


def one(items: list[Any]) -> Tail:
    """The items as one, where they are numbers, or tuples of such."""
    found = grown.whole(items) if any(map(grown.is_part, items)) else grown.of_items(items, len(items))
    if not found.rows or any(r.kind in grown.LISTS or r.kind == "array" for r in found.rows):
        raise TraceError("the items are no numbers")
    return found


def rows_of(tail: Tail) -> list[Any]:
    if tail.is_backwards or tail.is_table or not isinstance(tail.start, int) or tail.start:
        return tail.arrays()
    return [p.array if isinstance(p, Row) else p for p in tail.parts]


def bound(tail: Tail) -> int:
    """How many items there are at most."""
    row = next(r for r in rows_of(tail) if isinstance(r, TracedArray))
    found = [b for x in (row.extents[0], tail.count) if (b := extents.greatest(
        x if isinstance(x, TracedArray) else extents.form(x))) is not None and not is_open(b)]
    if not found:
        raise TraceError("there is no bound on its length")
    return min(found)


def packing(before: Any, after: Any, known: Packing | None, trip_count: int | None) -> Packing | None:
    """How a variable is carried that is a list before an iteration and another behind it; None where it is no rows
    of numbers."""
    if type(before) is not list or type(after) is not list or not (before or after):
        return None
    try:
        first, last = (one(x) if x else None for x in (before, after))
        like = last if first is None else first
        assert like is not None
        if first is not None and last is not None and first.tree != last.tree:
            return None
        parts = tuple(part(first, last, k) for k in range(len(like.parts)))
        there, left = (0 if t is None else bound(t) for t in (first, last))
    except TraceError:
        return None
    if known is not None:
        return Packing(known.tree, parts, known.capacity)
    room = max(there, left) if left <= there or trip_count is None else there + (left - there) * trip_count
    is_bounded = room <= MOST and (left <= there or trip_count is not None)
    return Packing(like.tree.bare(), parts, room) if is_bounded else None


def part(first: Tail | None, last: Tail | None, k: int) -> Any:
    found = [t.parts[k] for t in (first, last) if t is not None]
    specs = [Spec(p.kind, p.array.ir_dtype, p.array.extents[1:]) if isinstance(p, Row) else None for p in found]
    a, b = specs[0], specs[-1]
    both = join(a, b) if a is not None and b is not None else None
    if both is not None and not both.shape:
        return both
    if a is None and b is None and is_same(found[0], found[-1]):
        return found[0]
    raise TraceError("the items differ")
