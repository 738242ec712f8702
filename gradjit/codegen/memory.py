"""Which values get memory: scheduling again until nothing dear is computed twice."""

from __future__ import annotations

from collections.abc import Collection, Container, Sequence
from math import prod
from typing import Any

from ..ir import OPS, ArrayType, Func, Op, Value
from ..ir.sizes import is_open
from ..records import dataclass
from .affine import Affine, Var
from .elements import Index, Notes
from .lower import is_thin
from .numbers import GATHER, LOAD, cost_of, memory_cost
from .schedule import KnownOrders, Scheduler, Slot
from .symbolic import reckoned
from .tasks import Lowering, Surroundings, Task, must, only

ROUNDS = 12
"""Times that the schedule is made anew to keep what is dear."""
LONG, SMALL = 150, 1024
"""Operations from which on a program is long, and elements up to which an array is small in it."""
MAX_DEPTH = 60
"""Operations that dissolve into one expression, one inside the other."""
MAX_PIECES = 24
"""A nest is cut into at most so many pieces; past that, the values that ask for the cuts get memory."""


@dataclass
class MemoryPlan:
    """A lowering with its schedule."""

    low: Lowering
    root: Slot
    path: dict[Task, list[Slot]]


def plan(func: Func, frame: Surroundings, dissolved: Container[Value] = ()) -> MemoryPlan:
    """Lower and schedule, giving memory to more values until the schedule is content; never to those `dissolved`."""
    searches = 1 if len(func.ops) > LONG else ROUNDS
    known: KnownOrders = {}
    memory: set[Value] = set()
    while True:
        low = surveyed(func, frame, memory)
        s = Scheduler(low, known)
        root = s.run()
        p = MemoryPlan(low, root, s.path)
        wanted = too_many_pieces(p) - low.memory
        if not wanted and searches:
            wanted = repeated(p) - low.memory
            searches -= 1
        wanted = {v for v in wanted if v not in dissolved}
        if not wanted:
            return p
        memory = low.memory | wanted


def surveyed(func: Func, frame: Surroundings, memory: Collection[Value] = ()) -> Lowering:
    """The tasks that compute a function, walked dry, where what cannot do without memory has some, and so have the
    values of `memory`."""
    memory = {*memory, *too_deep(func), *(shared_and_small(func) if len(func.ops) > LONG else ())}
    while True:
        low = Lowering(func, set(memory), frame)
        asked = low.wanted - low.memory or required(low) - low.memory
        if not asked:
            return low
        memory |= asked


def shared_and_small(func: Func) -> set[Value]:
    """In a long program: small values that are read more than once. Keeping them costs nothing that counts.

    Without them expressions would be walked again and again while the schedule is made, a program of a thousand
    operations for seconds. Where all readers come to share a loop the stores are dropped in the end.
    """
    readers: dict[Value, int] = {}
    for op in func.ops:
        for o in op.operands:
            readers[o] = readers.get(o, 0) + 1
    return {v for v, n in readers.items() if n > 1 and v.op is not None and is_small(v.type)
            and not must(v.op) and not (OPS[v.op.name].is_free and v.op.name != "slice")}


def is_small(t: ArrayType) -> bool:
    return not is_open(t.size) and t.size <= SMALL


def too_deep(func: Func) -> set[Value]:
    """Values at which long chains are cut: expressions deeper than this would exhaust Python's stack."""
    depth: dict[Value, int] = {}
    cut: set[Value] = set()
    for op in func.ops:
        inner = 1 + max((depth.get(o, 0) for o in op.operands), default=0)
        if inner > MAX_DEPTH and not must(op):
            cut.update(op.results)
        for r in op.results:
            depth[r] = 0 if r in cut or must(op) else inner
    return cut


def required(low: Lowering) -> set[Value]:
    """Survey the tasks: values without which the program cannot be lowered, operands of calls, sources of gathers."""
    wanted = wanted_by_singles(low, low.frame.singles)
    for t in low.tasks:
        if isinstance(t, Task):
            t.survey(low.elements)
            wanted |= t.notes.needs_memory
    return wanted | low.wanted


def wanted_by_singles(low: Lowering, singles: Sequence[Value]) -> set[Value]:
    """What the nodes of single elements need: no task of their own shows it."""
    e = low.elements
    e.memo.clear()
    e.notes = Notes()
    for v in singles:
        e.at(v, only(v))
    found, e.notes = e.notes.needs_memory, None
    e.memo.clear()
    return found


def too_many_pieces(p: MemoryPlan) -> set[Value]:
    """The values that cut a nest into too many pieces."""
    wanted: set[Value] = set()
    for path in p.path.values():
        if prod(len(s.splits) + 1 for s in path) > MAX_PIECES:
            wanted |= {v for s in path for values in s.splits.values() for v in values}
    return wanted


def repeated(p: MemoryPlan) -> set[Value]:
    """Values that are cheaper to keep than to compute again, the last of each chain of them.

    First those that are computed from none of the others: once they have memory, the others may be cheap. So costs are
    reckoned again until nothing is found any more.
    """
    runs = {v: n for v, n in evaluations(p).items() if v.op is not None and v not in p.low.memory and (
            OPS[v.op.name].pointwise or v.op.name == "gather" or is_thin(v.op))}
    ops = p.low.func.ops
    users: dict[Value, list[Value]] = {}
    place = {r: k for k, op in enumerate(ops) for r in op.results}
    for op in ops:
        for o in op.operands:
            users.setdefault(o, []).extend(op.results)
    own = [own_cost(op) for op in ops]
    sizes = {v: reckoned(v.type.size) for v in runs}
    memory = {v: (n + sizes[v]) * memory_cost(sizes[v] * v.dtype.itemsize) for v, n in runs.items()}
    kept: set[Value] = set()
    costs: dict[Value, float] = {}
    saved: dict[Value, int] = {}
    start = 0  # what stands before has the costs that it had
    while True:
        inline_costs(p.low, ops[start:], own[start:], kept, costs)
        for v, n in runs.items():
            if place[v] < start:
                continue
            if v not in kept and n * costs[v] > sizes[v] * costs[v] + memory[v]:
                saved[v] = n
            else:
                saved.pop(v, None)
        tops = {v for v, n in saved.items() if not covered(v, n, saved, users)}
        found = first_of(ops, tops)
        if not found:
            return kept
        kept |= found
        start = min(place[v] for v in found)


def first_of(ops: Sequence[Op], values: set[Value]) -> set[Value]:
    """Those that are computed from none of the others: once they have memory, the others may be cheap."""
    behind: set[Value] = set()
    reached = set(values)
    for op in ops if len(values) > 1 else ():
        if not reached.isdisjoint(op.operands):
            behind.update(op.results)
            reached.update(op.results)
    return values - behind


def covered(v: Value, count: int, saved: dict[Value, int], users: dict[Value, list[Value]]) -> bool:
    """Whether every use of `v` is inside a value that will be kept and is evaluated as often."""
    used = users.get(v, [])
    return bool(used) and all(saved.get(u, -1) >= count for u in used)


def evaluations(p: MemoryPlan) -> dict[Value, int]:
    """How many elements of each value without memory are computed, all loops counted."""
    seen: set[tuple[Value, Index]] = set()
    runs: dict[Value, int] = {}
    for t, path in p.path.items():
        shared = {t.vars[axis]: slot.var for axis, slot in zip(t.order, path, strict=True)}
        renamed: dict[Affine, Affine] = {}

        def rename(atom: Any, shared: dict[Var, Var | None] = shared) -> Affine | None:
            var = shared.get(atom)
            return None if var is None else Affine.of(var)

        for value, index in t.notes.visits:
            for a in index:
                if a not in renamed:
                    renamed[a] = a.substitute(rename)
            key = (value, tuple(map(renamed.__getitem__, index)))
            if key in seen:
                continue
            seen.add(key)
            vars = {v for a in key[1] for v in a.vars}
            depth = max((k + 1 for k, s in enumerate(path) if s.var in vars), default=0)
            runs[value] = runs.get(value, 0) + prod(s.var.reckoned for s in path[:depth] if s.var)
    return runs


def own_cost(op: Op) -> float:
    """What an element costs beyond those that it is computed from."""
    if is_thin(op):
        return prod(op.operands[0].type.extents[a] for a in op.attrs["xsum"]) * 2 * cost_of(op.name)  # and a load
    return cost_of(op.name) if OPS[op.name].pointwise else GATHER if op.name == "gather" else 0.0


def inline_costs(low: Lowering, ops: Sequence[Op], own: Sequence[float], kept: Container[Value],
                 costs: dict[Value, float]) -> None:
    """The cost of an element of each result, computed from what has memory, or is to be kept there: into `costs`.
    own: what each operation costs by itself.

    What is the same along an axis is computed once for it: a broadcast value costs as much less as it is repeated.
    """
    for op, cost in zip(ops, own, strict=True):
        for r in op.results:
            inner = sum(LOAD if o in low.elements.views or o in kept else costs.get(o, 0.0) for o in op.operands)
            if op.name == "broadcast":
                inner *= reckoned(op.operands[0].type.size) / max(reckoned(r.type.size), 1)
            costs[r] = inner + cost
