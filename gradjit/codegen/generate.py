"""From a schedule to loop nests: slots become loops (cut where pads and joins ask for it), tasks become statements."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from functools import cmp_to_key
from itertools import pairwise

from ..ir import I64
from ..ir.sizes import is_known, is_open
from .affine import Affine, Var
from .elements import Index
from .loops import Accumulate, Accumulator, Finish, LoopStmt, Node, Start, Stmt, Store
from .memory import MemoryPlan
from .schedule import Item, Slot
from .symbolic import Extent, upper
from .tasks import CallTask, Task

Env = dict[Slot, Affine]
"""Where each enclosing loop is: its variable, or a constant where the piece has one step."""


class Generator:
    """Writes out the loops of a plan."""

    def __init__(self, p: MemoryPlan):
        self.plan = p
        self.e = p.low.elements
        self.e.memo.clear()
        self.count = 0
        # What several tasks write is known only in memory.
        self.begun: dict[Slot, list[Task]] = {}  # the reductions whose running values start in front of a slot
        for t, path in p.path.items():
            for slot in (s for depth, s in enumerate(path) if self.begins(t, depth)):
                self.begun.setdefault(slot, []).append(t)
        calls = (v for t in p.low.tasks if isinstance(t, CallTask) for v in t.values)
        made = Counter([*calls, *(t.value for t in p.path)])
        self.alone = {v for v, n in made.items() if n == 1}

    def fresh(self, letter: str) -> str:
        self.count += 1
        return f"{letter}{self.count}"

    def block(self, items: list[Item], env: Env) -> list[Stmt]:
        out: list[Stmt] = []
        for item in items:
            if isinstance(item, Slot):
                out += self.loop(item, env)
            elif isinstance(item, CallTask):
                out.append(item.call)
            else:
                out += self.task(item, env)
        return out

    def loop(self, slot: Slot, env: Env) -> list[Stmt]:
        """The pieces of a slot, between the start and finish of the reductions that begin here."""
        assert slot.var is not None
        begun = self.begun.get(slot, [])
        out: list[Stmt] = []
        for t in begun:
            out += self.start(t)
        cuts = in_order({slot.var.lo, slot.var.hi, *slot.splits})
        for lo, hi in pairwise(cuts):
            out += self.piece(slot, lo, hi, env)
        for t in begun:
            out += self.finish(t, env)
        return out

    def piece(self, slot: Slot, lo: int, hi: int, env: Env) -> list[Stmt]:
        if not isinstance(hi, Extent) and hi - lo == 1:
            return self.block(slot.items, {**env, slot: Affine({}, lo)})
        var = Var(self.fresh("i"), lo, upper(hi))
        body = self.block(slot.items, {**env, slot: Affine.of(var)})
        return [LoopStmt(var, body, trip_count=self.e.at(hi.value, ()) if isinstance(hi, Extent) else None)]

    # tasks ------------------------------------------------------------------------------------------------------------
    @staticmethod
    def begins(t: Task, depth: int) -> bool:
        """Whether the loop at this depth is the first over which the task keeps a running value in registers."""
        running = t.serial if t.kind in ("scan", "arg") else t.reduced if t.kind == "reduce" and t.in_registers else ()
        inner = [k for k, a in enumerate(t.order) if a in running]
        return bool(inner) and inner[0] == depth

    def start(self, t: Task) -> list[Stmt]:
        assert t.combine is not None and t.node is not None
        t.accumulator = Accumulator(t.combine, t.node.dtype if t.kind == "arg" else t.value.dtype, self.fresh("acc"))
        return [Start(t.accumulator)]

    def at(self, t: Task, env: Env) -> Index:
        return t.index({a: env[s] for a, s in zip(t.order, self.plan.path[t], strict=True) if s in env})

    def finish(self, t: Task, env: Env) -> list[Stmt]:
        """Read the final value, keep it live for readers in the same loops, and store it."""
        acc, index = t.accumulator, self.at(t, env)
        assert acc is not None and t.kept is not None
        if t.kind == "scan":
            return []
        where = tuple(index[a] for a in t.kept)
        vars = frozenset(v for a in where for v in a.vars)
        total = self.e.nodes.make("total", (), acc, I64 if t.kind == "arg" else acc.dtype, vars)
        if t.value in self.alone:
            self.e.live[(t.value, where)] = total
        return [Finish(acc, total), Store(t.target.buffer, t.place(self.e, index), total)]

    def task(self, t: Task, env: Env) -> list[Stmt]:
        if 0 in t.domain and not t.reduced:
            return []
        index = self.at(t, env)
        node = self.e.shown(t.element(self.e, index))
        acc = t.accumulator
        loc = t.value.op.loc if t.value.op is not None else None
        if acc is not None and t.kind == "scan":
            return [Accumulate(acc, node, store=(t.target.buffer, t.place(self.e, index)), loc=loc)]
        if acc is not None:
            return [Accumulate(acc, node, index[next(iter(t.serial))] if t.kind == "arg" else None, loc=loc)]
        if t.kind == "arg":
            node = self.e.nodes.const(0, I64)
        return [self.store(t, index, node)]

    def store(self, t: Task, index: Index, node: Node) -> Stmt:
        combine = t.combine if t.kind == "scatter" or (t.kind == "reduce" and not t.in_registers) else None
        if t.kind in ("map", "reduce") and t.value in self.alone and t.kept is not None:
            self.e.live[(t.value, tuple(index[a] for a in t.kept))] = node
        return Store(t.target.buffer, t.place(self.e, index), node, combine)


def in_order(places: Iterable[int]) -> list[int]:
    """Places along a loop, of which open ones may coincide."""
    def compare(a: int, b: int) -> int:
        if a is b or not (is_open(upper(a)) or is_open(upper(b))):
            return (a > b) - (a < b)
        a, b = upper(a), upper(b)
        return -1 if is_known(a, "<=", b) else 1 if is_known(b, "<=", a) else (a > b) - (a < b)

    return sorted(places, key=cmp_to_key(compare))
