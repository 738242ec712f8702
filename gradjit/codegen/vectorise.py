"""Vectors: which loop of a nest gets lanes, how many, and why: its iterations may run side by side. Short loops over
memory in registers are written out."""

from __future__ import annotations

from math import prod

from ..ir.sizes import is_open
from .affine import Var
from .loop_passes import nodes_of, statements
from .loops import (
    Accumulate,
    Buffer,
    Call,
    Finish,
    Let,
    LoopStmt,
    Program,
    Start,
    Stmt,
    Store,
    inner,
)
from .numbers import cost_of
from .target import Machine

WRITTEN_OUT = 24
"""Iterations, of all loops of a nest, up to which the nest is written out."""
SHORT = 32
"""Iterations of a loop whose running values stay in registers while the loop around it runs side by side."""

FEW_VECTORS = 4
"""Vectors of a loop up to which it is likely to read what was written a few instructions ago."""


def vectorise(p: Program, machine: Machine) -> None:
    """Lanes for the loops whose iterations may run side by side."""
    for s in p.body:
        choose_lanes(s, machine.vector_bytes)
    for s in statements(p.body):
        if isinstance(s, Call) and "lanes" in s.attrs:
            s.attrs.update(lanes=machine.vector_bytes // s.writes[0].buffer.dtype.itemsize, fuses=machine.multiply_adds)


def choose_lanes(s: Stmt, width: int) -> None:
    """Give innermost loops vectors as wide as the machine's, and several of them an iteration to short reductions."""
    if not isinstance(s, LoopStmt) or not runs_side_by_side(s, width):
        for block in inner(s):
            for x in block:
                choose_lanes(x, width)
        return
    widest = max((n.dtype.itemsize for n in nodes_of(*statements(s.body)) if s.var in n.vars), default=8)
    lanes = width // widest
    while not is_open(s.var.extent) and lanes > s.var.extent:
        lanes //= 2
    s.lanes = max(lanes, 1)
    s.exact = begins_again(s) or stalls(s) or any(n.kind == "load" and n.attrs[0].changing and n.attrs[0] in stored(s)
                                                  for n in nodes_of(*statements(s.body)))
    innermost = not any(isinstance(x, LoopStmt) for x in s.body)
    if innermost and s.trip_count is None and not s.exact and any(isinstance(x, Accumulate) for x in s.body):
        cost = sum(cost_of(n.attrs[0]) for x in s.body for n in nodes_of(x) if n.kind == "apply")
        s.unroll = 4 if cost <= 2.5 else 2 if cost <= 10 else 1
        while s.unroll > 1 and not is_open(s.var.extent) and s.var.extent < 2 * s.unroll * s.lanes:
            s.unroll //= 2


def runs_side_by_side(s: LoopStmt, width: int) -> bool:
    """Whether it is this loop, and not one in it, that gets vectors."""
    loops = [x for x in statements(s.body) if isinstance(x, LoopStmt)]
    return all(vectorises(x, s.var) for x in statements(s.body)) and (not loops or _short_inside(s, loops, width))


def stored(s: Stmt) -> set[Buffer]:
    """The memory that a statement writes, other than by adding to it."""
    return {x.buffer for x in statements([s]) if isinstance(x, Store) and x.combine is None}


def begins_again(s: LoopStmt) -> bool:
    """Whether an iteration sets memory and adds to it: lanes that run once more would have to add once more, too."""
    added = {x.buffer for x in statements(s.body) if isinstance(x, Store) and x.combine is not None}
    return not added.isdisjoint(stored(s))


def stalls(s: LoopStmt) -> bool:
    """Whether a last vector that overlaps the one before would wait for memory: of few iterations, it loads what two
    stores have just written, which no processor hands on before both are in the cache."""
    extent = s.var.extent
    if is_open(extent) or extent % s.lanes == 0 or extent > FEW_VECTORS * s.lanes:
        return False
    nodes = nodes_of(*statements(s.body))
    return any(isinstance(x, Store) and x.combine is not None for x in statements(s.body)) or any(
        n.kind == "load" and n.attrs[0].role not in ("input", "literal") for n in nodes)


def write_out(p: Program, machine: Machine) -> None:
    """Short loops over memory in registers become as many copies of their bodies."""
    for s in statements(p.body):
        if isinstance(s, LoopStmt) and is_written_out(s):
            s.written_out, s.unroll = True, 1


def is_written_out(s: LoopStmt) -> bool:
    """Whether all iterations of a loop become code of their own: few of them, on memory that can be held in
    registers."""
    loops = [x for x in statements([s]) if isinstance(x, LoopStmt)]
    if any(x.trip_count or is_open(x.var.extent) for x in loops):
        return False
    if prod(-(-x.var.extent // x.lanes) for x in loops) > WRITTEN_OUT:
        return False
    return any(b.role == "local" for b in stored(s)) or any(
        n.kind == "load" and n.attrs[0].role == "local" for n in nodes_of(*statements([s])))


def _short_inside(s: LoopStmt, loops: list[LoopStmt], width: int) -> bool:
    """Whether a loop around short ones is the one to run side by side: it is long enough, and memory runs along it, or
    what is computed is dear, and would leave many lanes idle in the loops inside."""
    if any(is_open(x.var.extent) or x.var.extent > SHORT for x in loops) or any(x.trip_count for x in (s, *loops)):
        return False
    if not is_open(s.var.extent) and s.var.extent < 4:
        return False
    strides = [a.terms.get(s.var, 0) for x in statements(s.body) for n in nodes_of(x) if n.kind == "load"
               for a in (n.attrs[1],)]
    strides += [x.address.terms.get(s.var, 0) for x in statements(s.body) if isinstance(x, Store)]
    if all(stride in (0, 1) for stride in strides):
        return 1 in strides
    if any(is_open(stride) for stride in strides):
        return False
    return any(map(is_dear, loops)) and all(leaves_idle(x.var.extent, width) for x in loops)


DEAR, IDLE = 3.5, 1.5
"""What costs more for an element is dear: as much as to load the elements of some rows one by one. So many times as
many vectors as there need be leave too many lanes idle."""


def is_dear(s: LoopStmt) -> bool:
    return sum(cost_of(n.attrs[0]) for n in nodes_of(*s.body) if n.kind == "apply" and s.var in n.vars) > DEAR


def leaves_idle(extent: int, width: int) -> bool:
    """Whether a loop of so many iterations makes bad use of vectors."""
    lanes = width // 8
    used = lanes
    while used > extent:
        used //= 2
    return -(-extent // max(used, 1)) * lanes >= IDLE * extent


def vectorises(s: Stmt, var: Var) -> bool:
    """Whether iterations of the loop over `var` may run side by side."""
    if isinstance(s, (LoopStmt, Start, Finish)):
        return True
    if isinstance(s, Accumulate):
        return s.store is None and (s.position is None or s.position.terms == {var: 1})
    if isinstance(s, Store):
        moves = s.address.terms.get(var, 0) != 0
        return moves and not any(var in a.vars for a in s.address.terms if a is not var)
    return isinstance(s, Let)
