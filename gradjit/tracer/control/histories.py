"""Lists that the body of a compiled loop appends to, once or several times an iteration, or under a condition.

    path.append(x)      -->      rows[n] = x; n = n + 1

The first attempt at the loop shows that a list grows, and what its items are made of; the next one is made with arrays
in the place of the list (grown.py), long enough for what all iterations may append. What is appended in each iteration
without a condition has its place by the number of the iteration, and is written at the end of the body. Elsewhere
(under a traced condition, in a loop within) the number of items is carried along, and items are written as they come.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import field, replace
from typing import TYPE_CHECKING, Any, ClassVar, NoReturn, Self

import numpy as np

from ...errors import LeakError, TraceError
from ...ir.sizes import is_open
from ...records import dataclass
from .. import extents, grown, operands as o, structures, tables
from ..array import ARRAY, TracedArray, root
from ..grown import Row, Tail
from ..perhaps import OneOf
from ..recorder import recorders
from .frames import LOOP, Again, Frame, Retry
from .iterables import SHORT
from .loop_variables import Mismatch
from .may_alias import Alias, Aliases, alias_items, bind
from .states import Spec, as_one_of, described, fitting, is_same, join, numeric, options_of, spec_of, union

if TYPE_CHECKING:
    from .loop_regions import LoopStatement
    from .loop_results import AliasAtEnd, LoopResults


MOST_ITERATIONS, MOST_BYTES = 1_000_000, 1 << 27
"""Of so many iterations of a loop whose length is not known lists are kept, or as many as fit into so many bytes: the
memory
of compiled code is planned before it runs."""


class Grows(Again):
    """A list from outside of a branch grows on one side of it."""

    def __init__(self, owner: list[Any], items: list[Any], refused: TraceError):
        super().__init__("a list grows")
        self.owner, self.items, self.refused = owner, items, refused


@dataclass
class Growth:
    """How a loop makes one list longer."""

    may_be_backwards: ClassVar[bool] = True
    owner: list[Any]
    name: str
    tree: structures.Structure
    parts: list[Any]
    """Of an item: types of what becomes a row, and objects that are the same in all."""
    per_iteration: int
    """How many items an iteration appends."""
    room: Any
    """How many items an iteration appends at most; None where that is not known."""
    eager: bool = False
    """Whether items are written as they come, and counted."""
    is_backwards: bool = False
    """Whether items are put in front: the rows are in the order in which they come."""
    tail: Tail | None = None
    frame: Frame | None = None
    """The attempt under way."""
    prefix: list[Any] = field(default_factory=list)
    """What stands for items of earlier calls (state.py)."""
    given: list[Any] = field(default_factory=list)
    """What the list held before the loop."""
    began: Any = 0
    """How many items that is."""
    trip_count: Any = None
    """How many iterations there are at most."""
    appended: list[tuple[TracedArray, int, Row]] = field(default_factory=list)
    """Arrays that were appended in this attempt, with the versions that were written, and where."""
    sharing: list[tuple[Row, TracedArray]] = field(default_factory=list)
    """Rows, with arrays from outside of the loop that are items, or views of such."""
    twins: list[tuple[Row, Row]] = field(default_factory=list)
    """Rows that share elements with other ones, or with one another: an array was appended twice."""
    is_shared: bool = False
    """Whether items are arrays from outside of the loop, or views of such, or what a variable is bound to."""
    held: list[Any] = field(default_factory=list)
    """Lists, dicts and objects that were."""
    asked: int = 0
    """The room that this attempt has used."""

    @classmethod
    def of(cls, owner: list[Any], items: list[Any], eager: bool) -> Self:
        """What the first attempt shows of a list that grows by these items in an iteration."""
        name = grown.name_of(owner)
        try:
            first = items[0].item(0) if type(items[0]) is Tail else items[0]
        except LeakError:  # the branch that the inner loop stands in has ended
            raise Mismatch(f"{name} grows in a loop within, under a condition on traced values, so that none knows by "
                           f"how many items; count in a variable, and write into an array of full size") from None
        leaves, tree = flat(first)
        n = grown.length(items)
        known = n if isinstance(n, int) else 1
        made = cls(owner, name, tree, [part_of(name, x) for x in leaves], known, known, eager or not isinstance(n, int))
        try:
            made.learn([i for i in items if type(i) is not Tail])
        except Again:
            pass
        return made

    def learn(self, items: list[Any]) -> None:
        """Let the types fit more items. Again where that changes them."""
        changed = False
        for x in items:
            leaves = self.split(x, Again)
            for k, (part, leaf) in enumerate(zip(self.parts, leaves, strict=True)):
                new = agreed(self.name, part, leaf)
                changed = changed or new != part
                self.parts[k] = new
        if changed:
            raise Again

    def split(self, x: Any, again: Callable[[], BaseException]) -> list[Any]:
        """The parts of an item, as those of the others are. `again` is raised where one that is one of a few strings or
        members of an enumeration may be another one, too, than those before."""
        leaves, found = flat(x)
        if found == self.tree:
            return leaves
        if (as_others := fitting(self.tree, found, iter(leaves))) is not None:
            return as_others
        wider = with_options_of(self.tree, found, iter(leaves))
        if wider is None:
            raise Mismatch(f"{self.name} gets items of several kinds: {described(x)} is not like those before")
        self.tree = wider
        if self.tail is not None:
            self.tail.tree = wider
        raise again()

    # attempts ---------------------------------------------------------------------------------------------------------
    def open(self, loop: LoopStatement) -> None:
        """Before an attempt: arrays for all items, which begin with those that the list holds."""
        if self.room is None:
            raise Mismatch(f"{self.name} grows in a loop within, whose number of iterations is not known, so there is "
                           f"no bound on its length")
        self.prefix = [i for i in self.owner if grown.is_part(i) and type(i) is not Tail]
        self.given = [i for i in self.owner if not any(i is p for p in self.prefix)]
        self.began = grown.length(self.given)
        if any(tables.is_row(n.given) for x in self.given for n in structures.flatten(x)[1].nodes()):
            self.refuse_row()
        if self.given:
            self.learn([self.given[0].item(0)] if type(self.given[0]) is Tail else self.given)
        trip_count = loop.trip_count_at_most()
        if trip_count is None:
            raise Mismatch(f"{self.name} grows with each iteration, and how many iterations there are is not known")
        if not isinstance(trip_count, int) and extents.upper_bound(trip_count) is None:
            trip_count = extents.form(self.planned(extents.handle(trip_count), self.room, loop))
        trip_count = extents.told(trip_count)
        self.trip_count = trip_count
        room = extents.form(extents.linear(self.began) + extents.linear(trip_count) * self.room)
        parts = [Row(blank(p, room), p.kind) if isinstance(p, Spec) else p for p in self.parts]
        if self.given:
            before = grown.whole(self.given) if any(map(grown.is_part, self.given)) else None
            arrays = before.arrays() if before is not None else [[x.array if isinstance(x, Rows) else x for x in c]
                                                                 for c in zip(*(
                self.split(x, Again) for x in self.given), strict=True)]
            for p, a in zip(parts, arrays, strict=True):
                if isinstance(p, Row):
                    before_it = a if isinstance(a, TracedArray) else o.stack_nested(a)
                    p.array[:self.began] = before_it[::-1] if self.is_backwards else before_it
        self.appended, self.sharing, self.twins, self.held, self.asked = [], [], [], [], 0
        if self.tail is None:
            self.tail = Tail(self.tree, parts, 0, self.began)
        self.tail.parts, self.tail.count, self.tail.growth = parts, self.began, self
        self.tail.is_backwards = self.is_backwards
        self.frame = None

    def planned(self, trip_count: Any, room: int, loop: LoopStatement) -> Any:
        """A number of iterations that only the run tells. Memory for so many rows is planned; beyond that it is an
        error."""
        size = sum(int(np.prod(p.shape)) * p.dtype.itemsize for p in self.parts if isinstance(p, Spec)) * room
        most = min(MOST_ITERATIONS, MOST_BYTES // max(size, 1))
        o.require(o.as_traced(trip_count <= most),
                  f"{loop.word} has more than {most} iterations, for so many of which the "
                  f"items of {self.name} are kept; write what is needed of them into an array, or pass their number as "
                  f"an int")
        return extents.handle(extents.bounded(extents.form(trip_count), most + 1))

    def enter(self, frame: Frame, iteration: Any) -> None:
        """At the beginning of the body."""
        tail = self.tail
        assert tail is not None
        frame.before_change(self.owner)
        self.frame = frame
        if not self.eager:
            tail.count = self.began + iteration * self.per_iteration
        self.owner[:] = [tail]
        grown.noted(self.owner)
        frame.carry.update(id(r.array) for r in tail.rows)
        if self.is_shared or any(isinstance(x, TracedArray) and x.kind == ARRAY for x in self.given):
            self.close_items(tail)

    def ask_eager(self, tail: Tail) -> None:
        """Items must be counted: try again so."""
        if not self.eager:
            self.eager = True
            raise Retry(tail.frame)

    def before_pop(self, tail: Tail) -> None:
        """Before the last item is taken out."""
        self.ask_eager(tail)

    def close_items(self, tail: Tail) -> None:
        """Nobody may write to the items: their rows are not the arrays that were appended."""
        for row in tail.rows:
            bind(row.array, Aliases(alone=False, why=f"an item of {self.name} may be an array that has another name"))

    def write(self, tail: Tail, items: list[Any], learning: bool = False) -> None:
        """Put items into the rows behind those that there are, and count them."""
        at: Any = tail.count
        for x in items:
            if type(x) is Tail:
                for p, a in zip(tail.parts, x.arrays(), strict=True):
                    if isinstance(p, Row):
                        p.array[at:at + x.count] = a
                at = at + x.count
                self.asked += x.count * iterations_within(tail.frame, self.name)
                continue
            leaves = self.split(x, lambda: Retry(tail.frame))
            self.hold(x)
            for k, (part, leaf) in enumerate(zip(self.parts, leaves, strict=True)):
                new = agreed(self.name, part, leaf)
                if new != part:
                    self.parts[k] = new
                    raise Retry(tail.frame)
            for p, leaf in zip(tail.parts, leaves, strict=True):
                if isinstance(p, Row):
                    h = handle_of(leaf)
                    assert h is not None
                    recorders()[-1].frame.before_write(p.array)  # notes that nobody else may write to it
                    p.array.aliases = None
                    p.array[at] = h
                    if h.kind == ARRAY and not isinstance(leaf, Rows):
                        self.appended.append((h, h.root.version, p))
                        self.share(h, tail)
            at = at + 1
            self.asked += iterations_within(tail.frame, self.name)
        if self.eager:
            recorders()[-1].frame.before_change(tail)
            tail.count = at

    def share(self, h: TracedArray, tail: Tail) -> None:
        """An array stands in a row now. One from outside of the loop is an item of the iterations before, too."""
        assert tail.frame is not None
        if not self.is_shared and any(r.made.depth < tail.frame.depth for r in h.maybe()):
            self.is_shared = True
            raise Retry(tail.frame)
        self.close_items(tail)

    def hold(self, x: Any) -> None:
        """An item that can be changed may not be changed any more: its row would not see that."""
        for n in structures.flatten(x)[1].nodes():
            table = tables.table_of(n.given)
            if table is not None and self.frame is not None and not self.frame.is_fresh(table.items):
                self.refuse_row()
            self.held.append(n.given)
            structures.freeze(n.given, f"it is an item of {self.name}, too")

    def is_in_front(self, tail: Tail) -> bool:
        """Whether the body has put items in front."""
        return self.may_be_backwards and len(self.owner) > 1 and self.owner[-1] is tail

    def refuse_row(self) -> NoReturn:
        raise Mismatch(f"a list that is an item of another one, or may be changed, is appended to {self.name}; append "
                       f"a copy, as by append(x[:])")

    def leave(self, finish: LoopResults) -> None:
        """At the end of the body: what it has appended is written. Again where more must be known."""
        tail = self.tail
        assert tail is not None
        if self.is_in_front(tail) and not self.is_backwards and not self.eager:
            self.is_backwards = True  # of an empty list the first attempt did not tell
            raise Again
        order = self.owner[::-1] if self.is_backwards else self.owner
        items = order[1:] if order and order[0] is tail else None
        if items is None or (self.eager and items):
            raise Mismatch(f"{self.name} is changed in the body other than by append, extend, += and pop at its end")
        if not self.eager:
            n = grown.length(items)
            if not isinstance(n, int):
                self.eager = True
                raise Again
            if n != self.per_iteration:
                self.per_iteration = self.room = n
                raise Again
            self.write(tail, items)
            self.owner[:] = [tail]
        elif self.room is None or self.asked > self.room:
            self.room = self.asked
            raise Again
        for h, version, _ in self.appended:
            if h.root.version != version and self.eager:
                raise Mismatch(f"an array is changed after it was appended to {self.name}; append a copy, as by "
                               f"append(x.copy())")

    def close(self, frame: Frame, loop: LoopStatement) -> None:
        """Behind the loop: the list holds what it held before, and the rows."""
        tail = self.tail
        assert tail is not None
        trip_count = self.trip_count if isinstance(self.trip_count, int) else extents.handle(self.trip_count)
        count = self.told(tail.count - self.began) if self.eager else trip_count * self.per_iteration
        self.frame = None
        frame.before_change(self.owner)
        rest = Tail(self.tree, tail.parts, self.began, count)
        if self.is_backwards:
            rows = [Row(p.array[self.began:self.began + count][::-1], p.kind) if isinstance(p, Row) else p
                    for p in tail.parts]
            rest = Tail(self.tree, rows, 0, count)
        rest.made_at = loop.loc if loop.is_short else None
        new = [rest] if not (isinstance(count, int) and count == 0) else []
        self.owner[:] = [*self.prefix, *((*new, *self.given) if self.is_backwards else (*self.given, *new))]
        grown.noted(self.owner)
        self.tail = None
        self.share_elements()

    def told(self, n: Any) -> Any:
        """The number of items, where the loop has counted them: it is bounded by how often it ran."""
        most = extents.upper_bound(extents.linear(self.trip_count) * self.room)
        if isinstance(n, int) or most is None or is_open(most):
            return n
        return extents.handle(extents.bounded(extents.form(n), most + 1))

    # arrays that are items --------------------------------------------------------------------------------------------
    def note_shared(self, items: list[Any], finish: LoopResults) -> None:
        """What the attempt that shows the list growing can tell of the next: that a variable is bound to an item."""
        handles = [handle_of(leaf) for x in items if type(x) is not Tail for leaf in self.split(x, Again)
                   if not isinstance(leaf, Rows)]
        self.is_shared = any(finish.is_named(h) for h in handles if h is not None and h.kind == ARRAY)

    def shared(self, finish: LoopResults) -> list[tuple[Row, AliasAtEnd]]:
        """Variables that may be bound to an array that was appended. Mismatch where such an array is changed."""
        found = []
        for entry in self.appended:
            h, _, row = entry
            roots = h.maybe()
            standing = [leaf for leaf in finish.written() if any(leaf.stand_in is r for r in roots)]
            changed = [r for r in roots if r.made.depth < finish.frame.depth and finish.is_changed(r)]
            if standing or changed:
                raise Mismatch(f"an array that is appended to {self.name} is changed in place in the body, so that the "
                               f"item changes, too; append a copy, as by append(x.copy())")
            twins = [e[2] for g in finish.loop.histories.values() for e in g.appended
                     if e is not entry and any(r is s for r in roots for s in e[0].maybe())]
            named = [(row, e) for e in finish.ends if any(a is b for a in roots for b in e.array.maybe())]
            if (named or twins) and not self.is_shared:
                self.is_shared = True
                raise Again
            found += named
            self.twins += [(row, other) for other in twins]
            if any(r.made.depth < finish.frame.depth for r in roots):
                self.sharing.append((row, h))
        return found

    def share_elements(self) -> None:
        """Behind the loop, when all is as it was before but for its results: rows share their elements with arrays."""
        for row, h in self.sharing:
            alias_items([row.array], [h], recorders()[-1].frame.depth, self.name)
        self.sharing = []

    def share_twins(self) -> None:
        """Behind the loop, when all lists hold their rows."""
        for row, other in self.twins:
            be_near(row.array, other.array, f"an item of {self.name} was appended twice, so that it has another name")
        self.twins = []


def alias(row: Row, end: AliasAtEnd, name: str) -> None:
    """A variable is, behind the loop, bound to an array that is an item of the list."""
    h = end.cells[end.k]
    if isinstance(h, TracedArray):
        be_near(row.array, h.root, f"{end.name} may be an item of {name}, too")


def be_near(a: TracedArray, b: TracedArray, why: str) -> None:
    """Two arrays may share elements: neither is written to."""
    for one, other in ((a, b), (b, a)):
        old = one.aliases or Aliases()
        bind(one, replace(old, near=(*old.near, Alias.of(other)), why=old.why or why))


def iterations_within(frame: Frame, name: str) -> int:
    """How often what is traced now runs in one iteration of a loop at most: by the loops within it."""
    total = 1
    f: Frame | None = recorders()[-1].frame
    while f is not None and f is not frame:
        if f.kind == LOOP:
            if f.trip_count is None:
                raise Mismatch(f"{name} grows in a loop within, whose number of iterations is not known; count in a "
                               f"variable, or give that loop a bound, as by range(n) and break")
            total *= f.trip_count
        f = f.parent
    return total


# what items are made of -----------------------------------------------------------------------------------------------
def flat(x: Any) -> tuple[list[Any], structures.Structure]:
    """An item as parts, and how they are put together."""
    return ([x], grown.LEAF) if isinstance(x, TracedArray) else structures.flatten(with_rows(x))


def with_options_of(tree: structures.Structure, found: structures.Structure,
                    leaves: Iterator[Any]) -> structures.Structure | None:
    """The tree with the options of what differs from it in these alone; None for anything else."""
    x = next(leaves) if found.is_leaf() or found.type is OneOf else None
    if tree.type is OneOf:
        options = union(tree.kind[1], options_of(found.given if found.type is OneOf else x))
        return None if options is None else structures.flatten(as_one_of(tree.given, options, ""))[1]
    if tree.kind != found.kind or len(tree.children) != len(found.children):
        return None
    children = [with_options_of(t, f, leaves) for t, f in zip(tree.children, found.children, strict=True)]
    known = [c for c in children if c is not None]
    return structures.Structure(tree.given, tree.kind, known, tree.build) if len(known) == len(children) else None


class Rows:
    """A long list of numbers, as an item: the array of them."""

    def __init__(self, array: TracedArray, kind: str):
        self.array, self.kind = array, f"list of {kind}s"


def with_rows(x: Any) -> Any:
    """An item with the long lists in it as arrays."""
    if grown.is_grown(x) or (type(x) is list and len(x) > SHORT):
        items = x if grown.is_grown(x) else alike(x)
        if items is None:
            return x
        one = grown.whole(items)
        rows = one.rows
        return Rows(one.arrays()[0], rows[0].kind) if one.tree.is_leaf() and rows and (
            rows[0].kind not in grown.LISTS) else x
    if type(x) in (list, tuple):
        return type(x)([with_rows(i) for i in x])
    return {k: with_rows(v) for k, v in x.items()} if type(x) is dict else x


def alike(x: list[Any]) -> list[Any] | None:
    """A list of numbers, or arrays of one shape, as rows; None for others."""
    handles = [numeric(i) for i in x]
    first = handles[0]
    if first is None or any(h is None or join(spec_of(h), spec_of(first)) is None for h in handles):
        return None
    return [grown.of_items(x, len(x))]


def handle_of(x: Any) -> TracedArray | None:
    """A part of an item as the handle that becomes a row."""
    return x.array if isinstance(x, Rows) else numeric(x)


def part_of(name: str, x: Any) -> Any:
    """The type of a number or array; other objects themselves."""
    h = handle_of(x)
    if h is None:
        return x
    if isinstance(x, Rows) and h.type.is_static:
        return Spec(x.kind, h.ir_dtype, h.extents)
    if h.kind == ARRAY and not h.type.is_static:
        raise Mismatch(f"{name} gets arrays of computed shapes, {h.type}, which are no rows of an array")
    return spec_of(h)


def agreed(name: str, part: Any, x: Any) -> Any:
    """The type that both have room in."""
    new = part_of(name, x)
    if isinstance(part, Spec) != isinstance(new, Spec):
        raise Mismatch(f"{name} gets items of several kinds: {described(x)} is not like those before")
    if not isinstance(part, Spec):
        if not is_same(part, new):
            raise Mismatch(f"{name} gets {described(part)} and {described(new)}, which are no rows of an array")
        return part
    both = join(part, new)
    if both is None:
        raise Mismatch(f"{name} gets items of the types {part} and {new}, which are no rows of one array")
    return both


def blank(spec: Spec, room: Any) -> TracedArray:
    """An array of zeros, which the loop writes to."""
    from ..views import extents as as_extents
    return root_of(o.filled(0, (*as_extents((room,)), *spec.shape), spec.dtype.np))


def root_of(h: TracedArray) -> TracedArray:
    return root(h.content, h.home, ARRAY)
