"""Lists of traced length as arrays of known size: rows, of which a number counts. Those that are longer on one side of
a branch than on the other are such behind it:

    if c: s = [a, b]                rows, n = if c { [a, b], 2 } else { [d, 0], 1 }
    else: s = [d]           -->     s = the first n rows

Calls of a function by itself take and give them, too (call_records.py). What has to agree between several lists is
their type: the parts of an item, and for how many items there is room.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from ...errors import TraceError
from ...ir import Value
from ...ir.sizes import is_open
from ...records import dataclass
from .. import extents, grown, operands as o, structures
from ..array import ARRAY, PYTHON, TracedArray, root
from ..grown import Row, Tail, name_of
from ..structures import Structure
from .frames import Frame
from .may_alias import alias_items
from .states import Spec, is_same, join, numeric, spec_of

if TYPE_CHECKING:
    from .branch_results import Left, Merge

Make = Callable[[Sequence[Value]], Any]


def differ(x: Structure, y: Structure) -> bool:
    """Whether two parts are lists, of lengths that differ or that are traced."""
    return x.type is y.type is list and (len(x.children) != len(y.children) or any(
        type(c.given) is Tail for c in (*x.children, *y.children) if c.is_leaf()))


@contextmanager
def reopened(frame: Frame) -> Iterator[None]:
    """A side of a branch that has ended goes on."""
    recorder = frame.recorder
    around, recorder.frame, frame.open = recorder.frame, frame, True
    try:
        yield
    finally:
        recorder.frame, frame.open = around, False


COUNT = Spec(PYTHON, o.as_traced(0).ir_dtype, ())


@dataclass(frozen=True)
class ItemsType:
    """What the lists hold: items of one structure, of which each part has a type, or is one and the same thing."""

    tree: structures.Structure | None
    """None of empty lists, which hold whatever others do."""
    parts: tuple[Any, ...]
    room: int

    @property
    def specs(self) -> list[Spec]:
        return [p for p in self.parts if isinstance(p, Spec)]

    @property
    def columns(self) -> list[Spec]:
        """The arrays that stand for a list: those of its items, and their number."""
        return [*(Spec(ARRAY, p.dtype, (self.room, *p.shape)) for p in self.specs), COUNT]

    def with_room(self, room: int) -> ItemsType:
        return ItemsType(self.tree, self.parts, room)

    def joined(self, other: ItemsType) -> ItemsType:
        """The type of both. TraceError where there is none."""
        room = max(self.room, other.room)
        if self.tree is None or other.tree is None:
            return (self if other.tree is None else other).with_room(room)
        if self.tree != other.tree:
            raise TraceError("the items are of several kinds")
        return ItemsType(self.tree, tuple(map(both, self.parts, other.parts)), room)

    def arrays(self, items: list[Any]) -> list[TracedArray]:
        """A list as its columns, where it has no more items than there is room for."""
        if not items:
            return [o.as_traced(o.filled(0, c.shape, c.dtype.np)) for c in self.columns]
        tail = as_one(items)
        found = [self.padded(a, s) for a, s in zip(rows_of(tail), self.parts, strict=True) if isinstance(s, Spec)]
        return [*found, o.as_traced(tail.count)]

    def padded(self, a: TracedArray, spec: Spec) -> TracedArray:
        a = o.cast(a, spec.dtype)
        if isinstance(a.extents[0], int) and a.extents[0] == self.room:
            return a
        whole = o.as_array(o.filled(0, (self.room, *spec.shape), spec.dtype.np))
        n = a.shape[0]
        most = extents.greatest(a.extents[0])
        if most is None or most > self.room:
            n = extents.handle(extents.smaller(extents.form(n), self.room))
            a = a[:n]
        whole[:n] = a
        return whole

    def tail(self, columns: Iterable[TracedArray]) -> Tail:
        """The items that columns stand for."""
        *arrays, count = columns
        mine = iter(arrays)
        parts = [Row(root((a := next(mine)).content, a.home, ARRAY), p.kind) if isinstance(p, Spec) else p
                 for p in self.parts]
        n = extents.handle(extents.bounded(extents.form(count), self.room + 1))
        return Tail((self.tree or grown.LEAF).bare(), parts, 0, n)


def both(a: Any, b: Any) -> Any:
    """The type of a part of the items of two lists; what is the same in all as it is."""
    if not isinstance(a, Spec) and not isinstance(b, Spec) and is_same(a, b):
        return a
    found = join(a, b) if isinstance(a, Spec) and isinstance(b, Spec) else None
    if found is None:
        raise TraceError("the items differ")
    return found


def type_of(items: list[Any]) -> ItemsType:
    """That of a list. TraceError where its items are no rows of arrays, or nothing bounds their number."""
    found = ItemsType(None, (), 0)
    for s in grown.segments(items):
        each = [of_tail(s)] if isinstance(s, Tail) else [of_item(x) for x in s]
        for t in each:
            found = found.joined(t).with_room(found.room + t.room)
    return found


def of_tail(tail: Tail) -> ItemsType:
    parts = [Spec(p.kind, p.array.ir_dtype, p.array.extents[1:]) if isinstance(p, Row) else p for p in tail.parts]
    if not all(isinstance(e, int) and not is_open(e) for p in parts if isinstance(p, Spec) for e in p.shape):
        raise TraceError("the items are arrays of computed shapes")
    arrays = [a for a, p in zip(rows_of(tail), parts, strict=True) if isinstance(p, Spec)]
    if not arrays:
        raise TraceError("all items are one and the same")
    first = arrays[0].extents[0]
    most = first if isinstance(first, int) else extents.greatest(first)
    if most is None or is_open(most):
        raise TraceError("there is no bound on its length")
    return ItemsType(tail.tree, tuple(parts), most)


def of_item(x: Any) -> ItemsType:
    """The type of a list of this alone."""
    leaves, tree = structures.flatten(x)
    handles = [numeric(leaf) for leaf in leaves]
    return ItemsType(tree, tuple(leaf if h is None else spec_of(h) for h, leaf in zip(handles, leaves, strict=True)), 1)


def as_one(items: list[Any]) -> Tail:
    """The items of a list as one tail."""
    return grown.whole(items) if any(map(grown.is_part, items)) else grown.of_items(items, len(items))


def rows_of(tail: Tail) -> Sequence[Any]:
    """The arrays of its items, with room for more at times."""
    if tail.is_backwards or tail.is_table or not isinstance(tail.start, int) or tail.start:
        return tail.arrays()
    return [p.array if isinstance(p, Row) else p for p in tail.parts]


# branches -------------------------------------------------------------------------------------------------------------
class ListsOfTwoLengths:
    """What both sides have left in one place, as a list behind the branch."""

    def __init__(self, merge: Merge, sides: Sequence[Left]):
        self.merge, self.sides, self.frames = merge, sides, merge.frames
        self.tails = [self.tail(k, x) for k, x in enumerate(sides)]
        types = [self.type_of(k) for k, t in enumerate(self.tails) if t is not None]
        if not types:
            raise TraceError("both lists are empty")
        self.type = types[0].joined(types[-1])

    def tail(self, k: int, x: Left) -> Tail | None:
        """The items of a side as one; None where there is none."""
        with reopened(self.frames[k]):
            leaves = [leaf.given if leaf.spec is None or leaf.content is None else root(
                leaf.content, leaf.home, leaf.spec.kind) for leaf in x.leaves]
            items = structures.unflatten(x.tree, leaves)
            return as_one(items) if items else None

    def type_of(self, k: int) -> ItemsType:
        tail = self.tails[k]
        assert tail is not None
        with reopened(self.frames[k]):
            return of_tail(tail)

    def values(self, k: int) -> list[Value]:
        """What a side gives: its rows, and how many of them count."""
        tail = self.tails[k]
        if tail is None:
            builder = self.merge.recorder.root_builder
            return [builder.const(0, c.dtype, c.shape) for c in self.type.columns]
        with reopened(self.frames[k]):
            return [a.value for a in self.type.arrays([tail])]

    def make(self) -> Make:
        first = len(self.merge.slots)
        self.merge.slots += zip(self.values(0), self.values(1), strict=True)
        recorder = self.merge.recorder
        arrays = [x for side in self.sides for leaf in side.leaves for x in arrays_of(leaf.given)]
        old = [x.given for x, frame in zip(self.sides, self.frames, strict=True) if not frame.is_fresh(x.given)]

        def make(results: Sequence[Value]) -> Any:
            mine = iter(results[first:])
            tail = self.type.tail([root(next(mine), recorder, c.kind) for c in self.type.columns])
            out: list[Any] = grown.noted(grown.made([tail]))
            alias_items([r.array for r in tail.rows], arrays, recorder.frame.depth, name_of(out))
            if old:
                structures.stand_in(out)
                for x in (out, *old):
                    structures.freeze(x, "it is one list or another, as a traced condition decides")
            return out

        return make


def arrays_of(x: Any) -> list[TracedArray]:
    """The arrays that an item is, or items of a loop's are."""
    found = [r.array for r in x.rows if r.kind == ARRAY] if type(x) is Tail else [x]
    return [h for h in found if isinstance(h, TracedArray) and h.kind == ARRAY]


def merged(merge: Merge, a: Left, b: Left) -> Make | None:
    """How such a list is made; None where its items are no rows of one array."""
    try:
        return ListsOfTwoLengths(merge, (a, b)).make()
    except TraceError:
        return None
