"""What the calls of a function by itself take and give, as rows of the stack that a loop keeps (recursion.py).

What is the same in all calls stands outside of the rows. Of the rest a row holds numbers, arrays of one shape, and
lists whose lengths depend on traced values, as arrays with a number of items that count. Which parts differ, and in
which types, is learnt: whoever finds out more says so, and the body is run again.
"""

from __future__ import annotations

import operator
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from typing import Any

from ...errors import Signal, TraceError
from ...records import dataclass
from .. import grown, operands as o, structures
from ..array import ARRAY, TracedArray, root
from ..grown import Row, Tail
from ..masked_selection import Selection, elements_of
from ..recorder import recorders
from ..structures import Structure
from .frames import Frame
from .lists_of_two_lengths import ItemsType, type_of
from .may_alias import alias_items
from .states import Spec, described, is_same, join, numeric, spec_of

Path = tuple[int, ...]
DIFFER = "its calls of itself differ in more than numbers, or in shapes"
SPARE = 8
"""Room in the lists that a call gives, beyond twice what there is in those that it takes."""
ROOM = 512
"""The same where it takes none."""


class Learnt(Signal):
    """The body must be run again, knowing more."""


# parts ----------------------------------------------------------------------------------------------------------------
@dataclass(frozen=True)
class NumberPart:
    """A part that is a number or array."""

    spec: Spec

    @property
    def columns(self) -> list[Spec]:
        return [self.spec]

    def joined(self, other: Part) -> Part:
        if isinstance(other, RowsPart):
            return RowsPart.of(self.spec).joined(other)
        both = join(self.spec, other.spec) if isinstance(other, NumberPart) else None
        if both is None:
            raise TraceError(DIFFER)
        return NumberPart(both)

    def arrays(self, x: Any) -> list[TracedArray]:
        h = o.cast(o.as_traced(x), self.spec.dtype)
        return [h if h.kind == self.spec.kind == ARRAY else root(h.content, h.home, self.spec.kind)]

    def made(self, columns: Sequence[TracedArray]) -> Any:
        return self.arrays(columns[0])[0]


@dataclass(frozen=True)
class ListPart:
    """A part that is a list of traced length."""

    type: ItemsType
    most: int
    """The room that it gets where it grows from call to call: that of several lists together would grow on and on."""
    said: str = ""
    """What is said of one that has more items."""

    @property
    def columns(self) -> list[Spec]:
        return self.type.columns

    def joined(self, other: Part) -> ListPart:
        if type(other) is not type(self):
            raise TraceError(DIFFER)
        both = self.type.joined(other.type)
        return replace(self, type=both if both.room == self.type.room else both.with_room(self.most))

    def arrays(self, x: Any) -> list[TracedArray]:
        room = self.type.room
        if type_of(x).room > room:
            o.require(o.as_traced(grown.length(x) <= room), f"{self.said} more than {room} items, for which no memory "
                                                            f"was set aside; write a loop over an array of full size")
        return self.type.arrays(x)

    def made(self, columns: Sequence[TracedArray]) -> Any:
        return grown.noted(structures.made([self.type.tail(columns)]))


@dataclass(frozen=True)
class RowsPart(ListPart):
    """A part that is an array of a traced number of rows."""

    @classmethod
    def of(cls, spec: Spec) -> RowsPart:
        if spec.kind != ARRAY or not spec.shape:
            raise TraceError(DIFFER)
        return cls(type_of([cls.tail(root(o.filled(0, spec.shape, spec.dtype.np).content, None, ARRAY))]), 0)

    @staticmethod
    def tail(x: Any) -> Tail:
        return Tail(grown.LEAF, [Row(x, ARRAY)], 0, x.shape[0])

    def arrays(self, x: Any) -> list[TracedArray]:
        h = numeric(x)
        assert h is not None
        return super().arrays([self.tail(h)])

    def made(self, columns: Sequence[TracedArray]) -> Any:
        (found,) = self.type.tail(columns).arrays()
        return root(found.content, found.home, ARRAY)


Part = NumberPart | ListPart


def part_of(x: Any) -> Part | None:
    """The type of a leaf; None for what is neither a number, an array nor a list."""
    if type(x) is list:
        return ListPart(type_of(x), 0)
    h = numeric(x)
    if h is not None and h.kind == ARRAY and h.ndim and not isinstance(h.extents[0], int):
        return RowsPart(type_of([RowsPart.tail(h)]), 0)
    return None if h is None else NumberPart(spec_of(h))


class Layout:
    """A structure of which some lists are open: leaves, whatever number of items they hold."""

    parts: dict[int, Part]
    """Of the leaves that differ from call to call, by position."""

    def __init__(self, given: Any, open: set[Path]):
        self.open = open
        self.leaves, self.structure = self.flat(given)

    def flat(self, x: Any) -> tuple[list[Any], Structure]:
        leaves, found = structures.flatten(x)
        if not found.is_leaf():
            found = self.closed(found, ())
            leaves = list(found.leaves())
        return [elements_of(leaf) if isinstance(leaf, Selection) else leaf for leaf in leaves], found

    def closed(self, s: Structure, path: Path) -> Structure:
        """The same with open lists as leaves."""
        if s.is_leaf():
            return s
        if s.type is list and (path in self.open or any(type(c.given) is Tail for c in s.children)):
            self.open.add(path)
            return Structure(s.given)
        children = [self.closed(c, (*path, k)) for k, c in enumerate(s.children)]
        return s if all(map(operator.is_, children, s.children)) else Structure(s.given, s.kind, children, s.build)

    def learn(self, parts: dict[int, Part]) -> None:
        learnt, self.parts = parts != self.parts, parts
        if learnt:
            raise Learnt

    @property
    def columns(self) -> list[Spec]:
        return [c for p in self.parts.values() for c in p.columns]

    def row(self, leaves: Sequence[Any]) -> list[TracedArray]:
        """What a row holds of these."""
        return [a for k, p in self.parts.items() for a in p.arrays(leaves[k])]

    def made(self, row: Sequence[Any], own: Callable[[Any], Any] = lambda x: x) -> Any:
        """What a row stands for."""
        leaves, columns = list(self.leaves), iter(row)
        for k, p in self.parts.items():
            leaves[k] = own(p.made([next(columns) for _ in p.columns]))
        return structures.unflatten(self.structure, leaves)


class Arguments(Layout):
    """The arguments of all calls."""

    def __init__(self, given: dict[str, Any], name: str, any_length: bool = False):
        self.given, self.name, self.any_length = given, name, any_length
        super().__init__(list(given.values()), set())
        self.parts = self.lists()

    def lists(self) -> dict[int, Part]:
        return {k: self.bounded(ListPart(type_of(x), 0)) for k, x in enumerate(self.leaves) if type(x) is list}

    def bounded(self, part: Part) -> Part:
        if not isinstance(part, ListPart) or part.most:
            return part
        return replace(part, most=2 * part.type.room + ROOM, said=f"{self.name}, which calls itself, is given")

    def meet(self, given: dict[str, Any]) -> list[Any] | None:
        """Learn from the arguments of another call; its leaves. None where they differ in more than numbers."""
        known = len(self.open)
        leaves, structure = self.flat(list(given.values()))
        if self.any_length:
            self.open.update(lists_of_other_lengths(structure, self.structure, ()))
        try:
            if len(self.open) != known:
                self.leaves, self.structure = self.flat(list(self.given.values()))
                self.parts = self.lists()
                raise Learnt
            if structure != self.structure:
                return None
            parts = dict(self.parts)
            for k, (a, b) in enumerate(zip(self.leaves, leaves, strict=True)):
                if a is b or (k not in parts and not isinstance(a, TracedArray) and is_same(a, b)):
                    continue
                x, y = parts.get(k) or part_of(a), part_of(b)
                if x is None or y is None:
                    return None
                parts[k] = self.bounded(x.joined(y))
        except TraceError:
            return None
        self.learn(parts)
        return leaves


class Result(Layout):
    """What all calls give."""

    calls = 1
    """How many results of its own calls a body may read."""
    may_be_given = False
    """Whether it may be, or hold, an array, list or object that the call was given."""
    is_learning = False
    """Whether the run of a body that is under way has shown something new."""
    is_stale = False
    """Whether more lists are open than was known when it was made."""

    def __init__(self, x: Any, name: str, arguments: Arguments, open: set[Path]):
        super().__init__(x, open)
        self.name, self.most = name, room_for(arguments)
        self.structure = self.structure.bare()
        self.parts = {k: p for k, x in enumerate(self.leaves) if (p := self.part(x)) is not None}

    def part(self, x: Any) -> Part | None:
        found = part_of(x)
        return None if found is None else self.bounded(found)

    def bounded(self, part: Part) -> Part:
        if not isinstance(part, ListPart) or part.most:
            return part
        room = min(part.type.room, self.most)
        return replace(part, type=part.type.with_room(room), most=self.most,
                       said=f"{self.name}, which calls itself, gives")

    def meet(self, x: Any, made_in: Frame, began: int) -> list[TracedArray]:
        """What a row holds of another result, of a body that has run in this frame, since arrays had this number."""
        known = len(self.open)
        leaves, structure = self.flat(x)
        self.open.update(lists_of_other_lengths(structure, self.structure, ()))
        if len(self.open) != known:
            self.is_stale = True
            raise Learnt
        if structure != self.structure:
            raise TraceError("it gives results of different structure")
        if not self.may_be_given and holds_given(leaves, structure, made_in, began):
            self.may_be_given = self.is_learning = True
        parts = dict(self.parts)
        for k, (a, b) in enumerate(zip(self.leaves, leaves, strict=True)):
            if (both := self.joined(k, b)) is not None:
                parts[k] = both
            elif k in parts or not is_same(a, b):
                raise TraceError(f"it gives {described(a)} in one call and {described(b)} in another")
        self.learn(parts)
        if self.is_learning:
            self.is_learning = False
            raise Learnt
        return self.row(leaves)

    def joined(self, k: int, x: Any) -> Any:
        """The type that a leaf and x have room in; None where there is none."""
        new = part_of(x) if k in self.parts else None
        try:
            return None if new is None else self.bounded(self.parts[k].joined(new))
        except TraceError:
            return None

    def filled(self, row: Sequence[Any], given: Any) -> Any:
        """The result in a row, of a call with these arguments."""
        found = self.made(row, own)
        if self.may_be_given:
            part_of_both(found, given, self.name)
        return found


def room_for(arguments: Arguments) -> int:
    """How many items a list has room for that a call gives."""
    taken = [p.type.room for p in arguments.parts.values() if isinstance(p, ListPart)]
    return 2 * sum(taken) + SPARE if taken else ROOM


def own(x: Any) -> Any:
    """A number or array of a row, which is written anew, apart from that."""
    return root(x.content, x.home, x.kind) if isinstance(x, TracedArray) else x


def lists_of_other_lengths(a: Structure, b: Structure, path: Path) -> Iterator[Path]:
    """Where two structures hold lists of different lengths."""
    if a.type is b.type is list and len(a.children) != len(b.children):
        yield path
        return
    for k, (x, y) in enumerate(zip(a.children, b.children, strict=False)):
        yield from lists_of_other_lengths(x, y, (*path, k))


# arrays, lists and objects that have two names ------------------------------------------------------------------------
def holds_given(leaves: Sequence[Any], structure: Structure, made_in: Frame, began: int) -> bool:
    """Whether the result of a body may be, or hold, arrays, lists or objects that were there before."""
    nodes = [*(n.given for n in structure.nodes()), *(x for x in leaves if type(x) is list)]
    return any(not made_in.is_fresh(n) or id(n) in made_in.frozen for n in nodes) or any(
        isinstance(x, TracedArray) and x.kind == ARRAY and any(h.number < began for h in x.maybe())
        for x in leaves)


def part_of_both(found: Any, given: Any, name: str) -> None:
    """A result may hold arrays, lists or objects of the arguments: whoever changes one must not lose that."""
    (leaves, structure), (theirs, arguments) = structures.flatten(found), structures.flatten(given)
    for n in (*structure.nodes(), *arguments.nodes()):
        structures.freeze(n.given, f"{name}, which calls itself, may give what it was given")
    arrays = [x for x in theirs if isinstance(x, TracedArray) and x.kind == ARRAY]
    alias_items([x for x in leaves if isinstance(x, TracedArray) and x.kind == ARRAY], arrays,
                recorders()[-1].frame.depth, f"what {name} gives")
