"""Which tasks share loops.

Slots form a tree: a slot is a loop of some extent, its items are tasks, calls and further slots, in order. A task is
placed, outermost loop first, into a slot of its extent where that keeps every dependence: what it reads of a task in
the slot must have been computed in the same iteration of the loop. So elementwise chains, reductions with their
producers, sibling outputs, and several passes over the rows of a matrix come to share loops.
"""

from __future__ import annotations

from collections.abc import Hashable
from dataclasses import field
from math import inf

from ..ir import Value
from ..records import dataclass
from .affine import Affine, Var
from .elements import Index
from .loops import Buffer
from .nesting import Order, orders
from .numbers import identity
from .tasks import CallTask, Lowering, Task

Reads = dict[Value, list[Index | None]]
"""Where a task reads each value that other tasks compute; None stands for anywhere."""


@dataclass(eq=False)
class Slot:
    """A loop that tasks share, with a variable over its whole extent. The root has none.

    splits: where the loop must be cut, and the values that ask for it. touched: the memory that its tasks use.
    makers: the tasks inside, by the value that each computes. Of its items: ranks, in whose order they stand; makes,
    the last that computes a value; touching, the slots that use some memory.
    """

    var: Var | None
    items: list[Slot | Task | CallTask] = field(default_factory=list)
    touched: set[Buffer] = field(default_factory=set)
    splits: dict[int, set[Value]] = field(default_factory=dict)
    makers: dict[Value, list[Task | CallTask]] = field(default_factory=dict)

    ranks: dict[Item, float] = field(default_factory=dict)
    makes: dict[Value, float] = field(default_factory=dict)
    touching: dict[Buffer, list[Slot]] = field(default_factory=dict)

    def append(self, item: Item) -> None:
        self.ranks[item] = self.ranks[self.items[-1]] + 1.0 if self.items else 0.0
        self.items.append(item)

    def insert_before(self, item: Item, other: Item) -> None:
        k = self.items.index(other)
        before = self.ranks[self.items[k - 1]] if k else self.ranks[other] - 2.0
        self.ranks[item] = (before + self.ranks[other]) / 2
        self.items.insert(k, item)

    def holds(self, item: Item, t: Task | CallTask) -> None:
        """Note a task that is one of the items, or stands somewhere inside of it."""
        for v in t.values:
            self.makers.setdefault(v, []).append(t)
            self.makes[v] = max(self.makes.get(v, -inf), self.ranks[item])

    def touch(self, slot: Slot, touched: set[Buffer]) -> None:
        """Note the memory that a slot among the items uses."""
        for b in touched - slot.touched:
            slot.touched.add(b)
            self.touching.setdefault(b, []).append(slot)

    def sharing(self, touched: set[Buffer], reads: Reads) -> list[Slot]:
        """The slots among the items that use the memory, the last one first, back to where something read is made."""
        first = max((self.makes.get(v, -inf) for v in reads), default=-inf)
        found = {s for b in touched for s in self.touching.get(b, ()) if self.ranks[s] >= first}
        return sorted(found, key=self.ranks.__getitem__, reverse=True)


Item = Slot | Task | CallTask


KnownOrders = dict[Hashable, list[Order]]


def what_orders_depend_on(t: Task) -> Hashable:
    """Of tasks of one program, whichever of its values have memory: what is the same has the same orders."""
    reads, visits = (frozenset(v for v, _ in seen) for seen in (t.notes.reads, t.notes.visits))
    return t.kind, t.value, t.domain, t.order, t.kept, t.serial, reads, visits


class Scheduler:
    """Places the tasks of a lowering, which have been surveyed, in program order. `path` tells the slots of each,
    outermost first. known: the orders that such tasks may have, where that was asked before."""

    def __init__(self, low: Lowering, known: KnownOrders):
        self.low = low
        self.known = known
        self.root = Slot(None)
        self.path: dict[Task, list[Slot]] = {}

    def run(self) -> Slot:
        for t in self.low.tasks:
            if isinstance(t, CallTask):
                self.root.append(t)
                self.root.holds(t, t)
                continue
            self.choose_order(t)
            self.place(t)
            if t.kind == "reduce" and not t.in_registers:
                self.start_in_memory(t)
        return self.root

    def start_in_memory(self, t: Task) -> None:
        """A reduction whose running values live in memory: a task that sets them goes before its first reduced loop."""
        assert t.kept is not None and t.combine is not None
        dtype, first = t.value.dtype, identity(t.combine, t.value.dtype)
        n = len(t.kept)
        init = Task("map", t.value, t.target, tuple(t.domain[a] for a in t.kept), (),
                    lambda e, i: e.nodes.const(first, dtype), tuple(range(n)),
                    lambda e, i: t.place(e, self._spread(t, i)))
        init.survey(self.low.elements)
        init.order = tuple(t.kept.index(a) for a in t.order if a in t.kept)
        shared = next(k for k, a in enumerate(t.order) if a in t.reduced)
        path = self.path[t]
        outer = path[shared - 1] if shared else self.root
        inner = [Slot(Var(f"i{k}", 0, init.domain[a])) for k, a in enumerate(init.order) if k >= shared]
        items: list[Item] = [*inner[1:], init]
        for slot, item in zip(inner, items, strict=True):
            slot.append(item)
        outer.insert_before(inner[0], path[shared])
        self.path[init] = [*path[:shared], *inner]
        around = self.root
        for slot in self.path[init]:
            around.holds(slot, init)
            around = slot
        around.holds(init, init)

    @staticmethod
    def _spread(t: Task, index: Index) -> Index:
        """An index of the result as a domain index (reduced axes at 0)."""
        assert t.kept is not None
        return t.index(dict(zip(t.kept, index, strict=True)))

    # placement --------------------------------------------------------------------------------------------------------
    def choose_order(self, t: Task) -> None:
        """Of the orders that the task may have, the one that shares most loops with what is placed already."""
        key = what_orders_depend_on(t)
        candidates = self.known[key] if key in self.known else self.known.setdefault(key, orders(t))
        t.order = max(candidates, key=lambda order: (self.shared_depth(t, order), -candidates.index(order)))

    def shared_depth(self, t: Task, order: Order) -> int:
        """How many loops the task would share."""
        t.order = order
        reads, touched = self.reads(t), self.touched(t)
        slot = self.root
        for depth in range(len(order)):
            found = self.find(slot, t, depth, reads, touched)
            if found is None:
                return depth
            slot = found
        return len(order)

    def reads(self, t: Task) -> Reads:
        found: Reads = {}
        for value, index in t.notes.reads:
            found.setdefault(value, []).append(index)
        for value in t.after:
            found.setdefault(value, []).append(self.written(t))
        return found

    @staticmethod
    def touched(t: Task) -> set[Buffer]:
        return {b for b, _, _ in t.accesses()}

    def place(self, t: Task) -> None:
        reads, touched = self.reads(t), self.touched(t)
        slot, path = self.root, []
        for depth, axis in enumerate(t.order):
            found = self.find(slot, t, depth, reads, touched)
            if found is None:
                found = Slot(Var(f"i{depth}", 0, t.domain[axis]))
                slot.append(found)
            slot.touch(found, touched)
            for at, values in t.notes.splits.get(t.vars[axis], {}).items():
                found.splits.setdefault(at, set()).update(values)
            slot.holds(found, t)
            path.append(found)
            slot = found
        slot.append(t)
        slot.holds(t, t)
        self.path[t] = path

    def written(self, t: Task) -> Index | None:
        """Where a later task of a value writes, as an index into the value; None for a window or computed place."""
        if t.kind in ("window", "scatter") or t.kept is None:
            return None
        return tuple(Affine.of(t.vars[a]) if a in t.vars else Affine({}) for a in t.kept)

    def find(self, slot: Slot, t: Task, depth: int, reads: Reads, touched: set[Buffer]) -> Slot | None:
        """The last slot inside `slot` that the task's loop can share at this depth, if any.

        Sharing pays only where data is shared, so a slot that touches none of the task's memory is passed by.
        """
        var = t.vars[t.order[depth]]
        return next((s for s in slot.sharing(touched, reads) if s.var is not None and s.var.extent == var.extent
                     and self.aligned(s, t, depth, var, reads)), None)

    def aligned(self, item: Slot, t: Task, depth: int, var: Var, reads: Reads) -> bool:
        """Whether all that `t` reads from the tasks in `item` was computed in the same iteration of its loop."""
        for other in (t for value in reads for t in item.makers.get(value, ())):
            if isinstance(other, CallTask) or depth >= len(other.order) or other.kept is None:
                return False
            axis = other.order[depth]
            if other.kind in ("window", "scatter") or axis in other.serial or axis not in other.kept:
                return False
            where = other.kept.index(axis)
            if any(i is None or i[where] != Affine.of(var) for i in reads[other.value]):
                return False
        return True
