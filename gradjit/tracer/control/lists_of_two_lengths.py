"""Lists that are longer on one side of a branch than on the other: rows, of which a traced number counts.

    if c: s = [a, b]                rows, n = if c { [a, b], 2 } else { [d, 0], 1 }
    else: s = [d]           -->     s = the first n rows
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from ...errors import TraceError
from ...ir import Value
from ...ir.sizes import is_open
from .. import extents, grown, operands as o, structures
from ..array import ARRAY, PYTHON, TracedArray, root
from ..grown import Row, Tail, name_of
from ..structures import Structure
from .frames import Frame
from .may_alias import alias_items
from .states import Spec, is_same, join

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


class ListsOfTwoLengths:
    """What both sides have left in one place, as a list behind the branch."""

    def __init__(self, merge: Merge, sides: Sequence[Left]):
        self.merge, self.sides, self.frames = merge, sides, merge.frames
        self.tails = [self.tail(k, x) for k, x in enumerate(sides)]
        like = next((t for t in self.tails if t is not None), None)
        if like is None or any(t is not None and t.tree != like.tree for t in self.tails):
            raise TraceError("the items are of several kinds")
        self.like = like
        self.kinds = [self.spec_of(k) for k in range(len(like.parts))]
        self.capacity = max(self.room(k) for k in range(2))

    def tail(self, k: int, x: Left) -> Tail | None:
        """The items of a side as one; None where there is none."""
        with reopened(self.frames[k]):
            leaves = [leaf.given if leaf.spec is None or leaf.content is None else root(
                leaf.content, leaf.home, leaf.spec.kind) for leaf in x.leaves]
            items = structures.unflatten(x.tree, leaves)
            if not items:
                return None
            return grown.whole(items) if any(map(grown.is_part, items)) else grown.of_items(items, len(items))

    def spec_of(self, k: int) -> Spec | None:
        """The type of a part of an item; None for what is the same in all."""
        parts = [t.parts[k] for t in self.tails if t is not None]
        specs = [Spec(p.kind, p.array.ir_dtype, p.array.extents[1:]) if isinstance(p, Row) else None for p in parts]
        a, b = specs[0], specs[-1]
        if a is None and b is None and is_same(parts[0], parts[-1]):
            return None
        both = join(a, b) if a is not None and b is not None else None
        if both is None or not all(isinstance(e, int) and not is_open(e) for e in both.shape):
            raise TraceError("the items differ")
        return both

    def rows(self, k: int) -> list[Any]:
        """Of a side the arrays of its items, with room for more at times."""
        tail = self.tails[k]
        assert tail is not None
        if tail.is_backwards or tail.is_table or not isinstance(tail.start, int) or tail.start:
            return tail.arrays()
        return [p.array if isinstance(p, Row) else p for p in tail.parts]

    def room(self, k: int) -> int:
        """How many items a side has at most."""
        if self.tails[k] is None:
            return 0
        with reopened(self.frames[k]):
            found = [a.extents[0] for a, kind in zip(self.rows(k), self.kinds, strict=True) if kind is not None]
            if not found:
                raise TraceError("all items are one and the same")
            most = found[0] if isinstance(found[0], int) else extents.upper_bound(found[0])
        if most is None or is_open(most):
            raise TraceError("there is no bound on its length")
        return most

    def values(self, k: int) -> list[Value]:
        """What a side gives: its rows, and how many of them count."""
        tail = self.tails[k]
        if tail is None:
            blank = [self.merge.recorder.root_builder.const(0, s.dtype, (self.capacity, *s.shape))
                     for s in self.kinds if s is not None]
            return [*blank, self.merge.recorder.root_builder.const(0, o.as_traced(0).ir_dtype)]
        with reopened(self.frames[k]):
            found = [self.padded(a, s) for a, s in zip(self.rows(k), self.kinds, strict=True) if s is not None]
            return [*(a.value for a in found), o.as_traced(tail.count).value]

    def padded(self, a: TracedArray, spec: Spec) -> TracedArray:
        a = o.cast(a, spec.dtype)
        if isinstance(a.extents[0], int) and a.extents[0] == self.capacity:
            return a
        whole = o.as_array(o.filled(0, (self.capacity, *spec.shape), spec.dtype.np))
        whole[:a.shape[0]] = a
        return whole

    def make(self) -> Make:
        first = len(self.merge.slots)
        self.merge.slots += zip(self.values(0), self.values(1), strict=True)
        recorder, capacity = self.merge.recorder, self.capacity
        arrays = [x for side in self.sides for leaf in side.leaves for x in arrays_of(leaf.given)]
        old = [x.given for x, frame in zip(self.sides, self.frames, strict=True) if not frame.is_fresh(x.given)]

        def make(results: Sequence[Value]) -> Any:
            mine = iter(results[first:])
            parts = [p if s is None else Row(root(next(mine), recorder, ARRAY), s.kind)
                     for p, s in zip(self.like.parts, self.kinds, strict=True)]
            count = extents.handle(extents.bounded(extents.form(root(next(mine), recorder, PYTHON)), capacity + 1))
            tail = Tail(self.like.tree.bare(), parts, 0, count)
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
