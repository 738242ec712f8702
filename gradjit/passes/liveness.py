"""Which operations, carried values and entries of records a function depends on, and how often each value is read.

An operation is live when one of its results is read or when it has an effect. What a loop carries is live when the
loop's result is read or the body reads it to compute something live; an entry of a tape's records when a pop's is. Each
value is looked at once, when it is first read, so that the time is linear however deep loops are nested.
"""

from __future__ import annotations

from collections.abc import Iterable

from ..ir import OPS, Block, Func, If, Loop, Op, Value, is_loop
from ..ir.core import attr_values
from ..ir.ops.tape import record_of
from . import dependence

EFFECTS = frozenset(name for name, spec in OPS.items() if spec.effect)


class Liveness:
    """`uses[v]` counts the reads of v by live operations (absent: dead). `counted` are the live operations. `kept[op]`
    lists, for an operation with regions, the positions of the results (and carried values) that are live, for a push or
    a pop those of the record's entries. `effectful` are the operations with an effect somewhere inside."""

    def __init__(self, func: Func):
        self.uses: dict[Value, int] = {}
        self.counted: set[Op] = set()
        self.kept: dict[Op, tuple[int, ...]] = {}
        self.todo: list[Value] = []
        self.positions: dict[Op, set[int]] = {}
        self.inside: dict[Block, Op] = {}
        self.effectful: set[Op] = set()
        self.records = Records(self, func.body)
        self.read(func.results)
        self.effects(func.body, [])
        while self.todo:
            self.need(self.todo.pop())
        self.kept = {op: tuple(sorted(found)) for op, found in self.positions.items()}
        self.records.note_live_places(self.kept)

    def is_live(self, op: Op) -> bool:
        return op in self.counted

    # what is read -----------------------------------------------------------------------------------------------------
    def read(self, values: Iterable[Value]) -> None:
        uses = self.uses
        for v in values:
            n = uses.get(v)
            if n is None:
                uses[v] = 1
                self.todo.append(v)
            else:
                uses[v] = n + 1

    def need(self, v: Value) -> None:
        """v is read for the first time."""
        owner = v.owner
        if type(owner) is Op:
            if owner.regions:
                self.enter(owner)
                self.keep(owner, v.index)
            else:
                if owner not in self.counted:
                    self.count(owner)
                if owner.name == "pop" and v.index:
                    self.records.need(self.records.slots(owner)[v.index - 1])
        elif type(owner) is Block and owner in self.inside:
            loop = Loop.of(self.inside[owner])
            k = loop.position(v)
            if k is not None:
                self.keep(loop.op, k)

    def count(self, op: Op) -> None:
        """An operation without regions has become live."""
        self.counted.add(op)
        if OPS[op.name].moves_record:
            self.read(op.operands[:1])
            self.records.read(op)
            return
        self.read(op.operands)
        for a in op.attrs.values():
            if type(a) is tuple:
                self.read(attr_values(a))

    # operations with regions ------------------------------------------------------------------------------------------
    def enter(self, op: Op) -> None:
        """An operation with regions has become live: it reads its condition or bounds."""
        if op in self.counted:
            return
        self.counted.add(op)
        self.positions[op] = set()
        if is_loop(op):
            self.read(Loop.of(op).decides)
            self.inside.update(dict.fromkeys(op.regions, op))
        else:
            self.read(op.operands)

    def keep(self, op: Op, k: int) -> None:
        """A result, or what becomes it, is read."""
        if k in self.positions[op]:
            return
        self.positions[op].add(k)
        if is_loop(op):
            loop = Loop.of(op)
            self.read([loop.inits[k], loop.yields[k]])
        else:
            self.read(If(op).sides(k))

    def effects(self, block: Block, around: list[Op]) -> None:
        """Operations with an effect are live wherever their region runs, and so is what they are in."""
        for op in block.ops:
            if op.name in EFFECTS:
                self.effectful.update(around)
                for outer in around:
                    self.enter(outer)
                self.count(op)
            for region in op.regions:
                self.effects(region, [*around, op])


class Records:
    """Which entries of tapes' records are live.

    A slot is live when a pop's value of it is read; then all that is pushed there is. The entries of tapes that the
    function takes or returns are all live: who reads them is not known.
    """

    def __init__(self, live: Liveness, body: Block):
        self.live = live
        self.waiting: dict[dependence.Node, list[Value]] = {}
        self.live_slots: set[dependence.Node] = set()
        self.moves: dict[Op, list[dependence.Node]] = {}
        self.tapes = dependence.TapeRoots(body)
        self.open = {self.tapes.root(v) for v in (*body.params, *body.results) if dependence.is_tape(v)}

    def slots(self, op: Op) -> list[dependence.Node]:
        """The slots of a push or pop, remembered."""
        if op not in self.moves:
            self.moves[op] = self.tapes.slots(op)
            if self.tapes.root(op.operands[0]) in self.open:
                for slot in self.moves[op]:
                    self.need(slot)
        return self.moves[op]

    def need(self, slot: dependence.Node) -> None:
        """The slot is live, with all that waited for it."""
        if slot not in self.live_slots:
            self.live_slots.add(slot)
            self.live.read(self.waiting.pop(slot, ()))

    def read(self, op: Op) -> None:
        """A push or pop has become live. For each entry that is, or will be, a push reads the value, a pop the extents.
        """
        for v, slot in zip(record_of(op), self.slots(op), strict=True):
            values = (v,) if op.name == "push" else tuple(attr_values(v.type.shape))
            if slot in self.live_slots:
                self.live.read(values)
            else:
                self.waiting.setdefault(slot, []).extend(values)

    def note_live_places(self, kept: dict[Op, tuple[int, ...]]) -> None:
        for op in self.live.counted:
            if OPS[op.name].moves_record:
                kept[op] = tuple(k for k, slot in enumerate(self.slots(op)) if slot in self.live_slots)
