"""Lists that the body of a `while` appends to: how many iterations there are only the run tells, so that no array is
long enough. Each iteration leaves a record on a tape, which may grow; behind the loop the records are taken from it,
last in, first out, and become rows of arrays.

    while test: path.append(x)    -->    while %test { %t = push %t, %x; %n = %n + 1 }
                                         for %i in reversed(range(%n)) { %t, %x = pop %t; rows[%i] = %x }

What is appended under a condition, or in a loop within, is put into arrays that begin anew in each iteration, with room
for what one may append; the record is these arrays and the number of items in them.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np

from ...ir import INDEX, ArrayType, Block, Builder, Value
from ...ir.ops.tape import TAPE_TYPE
from ...ir.sizes import is_open
from .. import extents, grown, operands as o
from ..array import ARRAY, TracedArray, root
from ..grown import Row, Tail
from ..recorder import Recorder, recorders
from .frames import Again, Frame, Retry
from .histories import MOST_ITERATIONS, Growth, Rows, agreed, blank, handle_of, iterations_within
from .loop_variables import CarriedValue, ItemTarget, Mismatch
from .states import Spec, converted, described

if TYPE_CHECKING:
    from .loop_regions import LoopStatement
    from .loop_results import LoopResults


class Taped(Growth):
    """How a `while` makes one list longer."""

    may_be_backwards: ClassVar[bool] = False
    counted: Value | None = None
    tape: Value | None = None

    local: ItemCount
    """How many items the iteration under construction has appended, where they are counted."""

    def open(self, loop: LoopStatement) -> None:
        self.asked = 0
        self.prefix = [i for i in self.owner if grown.is_part(i) and type(i) is not Tail]
        self.given = [i for i in self.owner if not any(i is p for p in self.prefix)]
        self.began = grown.length(self.given)
        self.appended, self.sharing, self.twins, self.held = [], [], [], []
        if self.tail is None:
            self.tail = Tail(self.tree, [], 0, self.began)
        tail = self.tail
        tail.parts = [LastRow(self, k, p) if isinstance(p, Spec) else p for k, p in enumerate(self.parts)]
        last = grown.item(grown.noted(self.given), -1) if self.given and isinstance(self.began, int) else None
        parts = self.split(last, Again) if last is not None else self.parts
        tail.count, tail.growth, self.frame = self.began, self, None
        tail.last = tuple(first(p, x) for p, x in zip(self.parts, parts, strict=True))
        for key in ("count", "last"):  # the condition may ask for them before the body has changed them
            place = ItemTarget(tail, key)
            if self.per_iteration and not any(place.is_same(p) for p in loop.learned.places):
                loop.learned.places.append(place)

    def enter(self, frame: Frame, iteration: Any) -> None:
        assert self.tail is not None
        frame.before_change(self.owner)
        self.frame = frame
        self.owner[:] = [self.tail]
        grown.noted(self.owner)
        if self.eager:
            self.local = grown.made(ItemCount())
            for row in self.tail.rows:
                assert isinstance(row, LastRow)
                row.buffer = blank(self.parts[row.number], self.room)

    def before_pop(self, tail: Tail) -> None:
        raise Mismatch(f"an item is taken out of {self.name} in the loop that appends to it, whose number of "
                       f"iterations is not known; keep it in a variable")

    def write(self, tail: Tail, items: list[Any], learning: bool = False) -> None:
        """Put items into the arrays of the iteration, and count them."""
        frame = recorders()[-1].frame
        for x in items:
            if type(x) is Tail:
                raise Mismatch(f"{self.name} gets all items of another list at once, in a loop whose number of "
                               f"iterations is not known; append them one by one")
            leaves = self.leaves(x, lambda: Retry(tail.frame))
            for row in tail.rows:
                assert isinstance(row, LastRow)
                h = handle_of(leaves[row.number])
                assert h is not None
                if not isinstance(self.local.count, int) or self.local.count < self.room:  # the next attempt has room
                    row.buffer[self.local.count] = h
            frame.before_change(self.local)
            self.local.count = self.local.count + 1
            self.count(tail, leaves, frame, 1)
            self.asked += iterations_within(tail.frame, self.name)

    def leaves(self, x: Any, again: Callable[[], BaseException]) -> list[Any]:
        """The parts of an item. `again` is raised where the types must be learnt anew."""
        leaves = self.split(x, again)
        self.hold(x)
        assert self.tail is not None
        for k, (part, leaf) in enumerate(zip(self.parts, leaves, strict=True)):
            new = agreed(self.name, part, leaf)
            if new != part:
                self.parts[k] = new
                raise again()
            h = handle_of(leaf) if isinstance(part, Spec) else None
            if h is not None and h.kind == ARRAY and not isinstance(leaf, Rows):
                self.appended.append((h, h.root.version, self.tail.parts[k]))
        return leaves

    def count(self, tail: Tail, leaves: list[Any], frame: Frame, n: int) -> None:
        """n items were appended, the last of which has these parts."""
        frame.before_change(tail)
        tail.count = tail.count + n
        tail.last = tuple(root(v.content, v.home, v.kind) if (v := handle_of(x)) is not None and isinstance(p, Spec)
                          else x for p, x in zip(self.parts, leaves, strict=True))

    def ask_eager(self, tail: Tail) -> None:
        self.eager = True
        raise Retry(tail.frame)

    def leave(self, finish: LoopResults) -> None:
        tail, frame = self.tail, finish.frame
        assert tail is not None
        if not self.owner or self.owner[0] is not tail:
            raise Mismatch(f"{self.name} is changed in the body other than by append, extend and += at its end")
        if self.eager:
            self.leave_counted(finish)
            return
        items = grown.expanded(self.owner[1:], "a loop that appends to it")
        if len(items) != self.per_iteration:
            self.per_iteration = len(items)
            raise Again
        values: list[Value] = []
        for x in items:
            leaves = self.leaves(x, Again)
            values += [record(leaf, part) for part, leaf in zip(self.parts, leaves, strict=True)
                       if isinstance(part, Spec)]
        self.owner[:] = [tail]
        if items:
            self.count(tail, leaves, frame, len(items))
        self.carry(finish, values)

    def leave_counted(self, finish: LoopResults) -> None:
        assert self.tail is not None
        if self.owner[1:]:
            raise Mismatch(f"{self.name} is changed in the body other than by append, extend and += at its end")
        if self.room is None or self.asked > self.room:
            self.room = self.asked
            raise Again
        for h, version, _ in self.appended:
            if h.root.version != version:
                raise Mismatch(f"an array is changed after it was appended to {self.name}; append a copy, as by "
                               f"append(x.copy())")
        n = o.cast(o.as_traced(self.local.count), np.int64)
        self.carry(finish, [n.value, *(row.buffer.value for row in self.tail.rows if isinstance(row, LastRow))])

    def carry(self, finish: LoopResults, values: list[Value]) -> None:
        """The tape and the number of iterations go from iteration to iteration."""
        frame, r = finish.frame, finish.recorder
        tape, trip_count = frame.parameter(TAPE_TYPE, ""), frame.parameter(INDEX, "")
        pushed = frame.builder.append("push", (tape, *values), {}).result
        more = frame.builder.add(trip_count, frame.builder.const(1, INDEX.dtype))

        def empty() -> Value:
            return r.builder.append("tape", (), {}).result

        finish.slots.append(CarriedValue(tape, empty, pushed, lambda v: setattr(self, "tape", v)))
        finish.slots.append(CarriedValue(trip_count, lambda: r.literal(ZERO), more,
                                         lambda v: setattr(self, "counted", v)))

    def close(self, frame: Frame, loop: LoopStatement) -> None:
        tail, r = self.tail, frame.recorder
        assert tail is not None and self.counted is not None
        if self.eager:
            count = self.at_most(tail.count - self.began, self.room, 1, loop)
        else:
            count = self.at_most(extents.handle(self.counted), 1, self.per_iteration, loop) * self.per_iteration
        room = count + 1 if self.eager else count
        rows = {k: blank(p, extents.form(room)) for k, p in enumerate(self.parts) if isinstance(p, Spec)}
        take = counted_out if self.eager else taken
        arrays = take(r, self, rows, count) if self.per_iteration else list(rows.values())
        found = iter(arrays)
        parts = [Row(next(found), p.kind) if isinstance(p, Spec) else p for p in self.parts]
        for old, new in zip(tail.parts, parts, strict=True):
            if isinstance(old, LastRow):
                old.array = new.array
        self.frame = None
        frame.before_change(self.owner)
        self.owner[:] = [*self.prefix, *self.given, Tail(self.tree, parts, 0, count)]
        grown.noted(self.owner)
        self.tail = None
        self.share_elements()


    def at_most(self, n: Any, each: int, room: int, loop: LoopStatement) -> Any:
        """The number of items, or iterations, of which one is `each`: bounded by how often the loop runs at most. Where
        nobody knows that, memory for so many times `room` rows is planned."""
        turns = loop.trip_count_at_most()
        most = None if turns is None else extents.upper_bound(turns)
        if isinstance(n, int) or most is None or is_open(most) or most * each > MOST_ITERATIONS:
            return self.planned(n, room, loop)
        return extents.handle(extents.bounded(extents.form(n), max(most, 0) * each + 1))


ZERO = np.asarray(0)


class ItemCount:
    """A number of items."""

    def __init__(self) -> None:
        self.count: Any = 0


def record(x: Any, part: Spec) -> Value:
    """A part of an item as it goes to the tape."""
    h = handle_of(x)
    assert h is not None
    return converted(h, part).value


class LastRow(Row):
    """While the loop is under construction only the last item can be read."""

    buffer: TracedArray
    """What an iteration has appended, where it is counted."""

    def __init__(self, growth: Taped, number: int, spec: Spec):
        self.growth, self.number, self.kind = growth, number, spec.kind

    def __getattr__(self, name: str) -> Any:
        """There is no array before the loop is made."""
        if name != "array":
            raise AttributeError(name)
        raise Mismatch(f"items of {self.growth.name} are assigned, or read all at once, in the loop that appends to "
                       f"it, whose number of iterations is not known; keep what is needed of it in a variable")

    def at(self, k: Any) -> Any:
        tail = self.growth.tail
        assert tail is not None
        distance = extents.difference(tail.count, k) if isinstance(tail.count, TracedArray) or isinstance(
            k, TracedArray) else tail.count - k
        if distance != 1:
            raise Mismatch(f"an item of {self.growth.name} other than the last is read in the loop that appends to it, "
                           f"whose number of iterations is not known; keep it in a variable")
        return tail.last[self.number]


def first(part: Any, x: Any) -> Any:
    """What stands for a part of the last item before the first iteration."""
    if not isinstance(part, Spec):
        return part
    if isinstance(x, Spec):
        given = o.filled(0, part.shape, part.dtype.np)
    else:
        number = handle_of(x)
        if number is None or number.extents != part.shape:
            raise Mismatch(f"a list gets items of several shapes: {described(x)} before the loop, and {part} in it")
        given = number
    h = converted(given, part)
    return root(h.content, h.home, part.kind)


def taken(r: Recorder, growth: Taped, rows: dict[int, TracedArray], count: Any) -> list[TracedArray]:
    """The records from the tape, put into arrays."""
    assert growth.tape is not None and growth.counted is not None
    specs = [p for p in growth.parts if isinstance(p, Spec)]
    values = [h.value for h in rows.values()]
    builder = r.builder
    builder.loc = growth.frame.loc if growth.frame is not None else None
    minus = builder.const(-1, INDEX.dtype)
    last = builder.add(growth.counted, minus)
    block = Block((INDEX, TAPE_TYPE, *(v.type for v in values)))
    b = Builder(block, builder.loc)
    index, tape, *arrays = block.params
    types = tuple(s.type for s in specs) * growth.per_iteration
    tape, *found = b.append("pop", (tape,), {"types": types}).results
    for j in range(growth.per_iteration):
        start = index if growth.per_iteration == 1 else b.add(b.mul(index, b.const(growth.per_iteration, INDEX.dtype)),
                                                      b.const(j, INDEX.dtype))
        for n, s in enumerate(specs):
            row = b.reshape(found[j * len(specs) + n], shape=(1, *s.shape))
            arrays[n] = b.update(arrays[n], row, starts=(start, *(0,) * len(s.shape)), steps=(1,) * (len(s.shape) + 1))
    block.results = (tape, *arrays)
    results = builder.append("for", (last, minus, minus, growth.tape, *values), {}, (block,)).results[1:]
    return [root(v, r, ARRAY) for v in results]


def counted_out(r: Recorder, growth: Taped, rows: dict[int, TracedArray], count: Any) -> list[TracedArray]:
    """The same for records of several items or none. One row behind the others takes what is no item."""
    assert growth.tape is not None and growth.counted is not None
    specs, room = [p for p in growth.parts if isinstance(p, Spec)], growth.room
    values, behind = [h.value for h in rows.values()], o.cast(o.as_traced(count), np.int64).value
    builder = r.builder
    builder.loc = growth.frame.loc if growth.frame is not None else None
    minus = builder.const(-1, INDEX.dtype)
    block = Block((INDEX, TAPE_TYPE, INDEX, *(v.type for v in values)))
    b = Builder(block, builder.loc)
    _, tape, end, *arrays = block.params
    types = (INDEX, *(ArrayType(s.dtype, (room, *s.shape)) for s in specs))
    tape, n, *found = b.append("pop", (tape,), {"types": types}).results
    for j in reversed(range(room)):
        is_item = b.lt(b.const(j, INDEX.dtype), n)
        end = b.select(is_item, b.add(end, b.const(-1, INDEX.dtype)), end)
        place = b.select(is_item, end, behind)
        for k, s in enumerate(specs):
            ones, zeros = (1,) * (len(s.shape) + 1), (0,) * len(s.shape)
            row = b.slice(found[k], starts=(j, *zeros), sizes=(1, *s.shape), steps=ones)
            arrays[k] = b.update(arrays[k], row, starts=(place, *zeros), steps=ones)
    block.results = (tape, end, *arrays)
    operands = (builder.add(growth.counted, minus), minus, minus, growth.tape, behind, *values)
    _, _, *results = builder.append("for", operands, {}, (block,)).results
    return [root(v, r, ARRAY) for v in results]
