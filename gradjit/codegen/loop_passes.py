"""Passes over loop nests: loops that run through memory as one, dead stores, vectors, results in place, memory. All
of them are listed in `loop_pipeline`."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from math import prod

from ..ir.sizes import is_open
from .affine import Affine, Var
from .loops import (
    Accumulate,
    Accumulator,
    Buffer,
    Call,
    Exchange,
    Finish,
    Let,
    LoopStmt,
    Node,
    Nodes,
    Program,
    Start,
    Stmt,
    Store,
    addresses_of,
    in_order,
    inner,
    roots_of,
)
from .numbers import cost_of
from .symbolic import reckoned
from .target import Machine

ALIGN = 64
WORTHWHILE = 1 << 12
"""Bytes from which on it pays to look for an output in whose memory a buffer can live."""
OWN = ("workspace", "local")
"""The roles of memory that nobody outside of the kernel sees."""
WRITTEN_OUT = 24
"""Iterations, of all loops of a nest, up to which the nest is written out."""
SHORT = 32
"""Iterations of a loop whose running values stay in registers while the loop around it runs side by side."""


def statements(body: Sequence[Stmt]) -> Iterator[Stmt]:
    """All statements, outer before inner."""
    for s in body:
        yield s
        for block in inner(s):
            yield from statements(block)


def nodes_of(*some: Stmt, seen: set[Node] | None = None) -> Iterator[Node]:
    """Every node that statements evaluate, each once, computed addresses included; without those `seen` before, which
    grow. (Straight code shares nodes: statement by statement it would take a square of its length.)"""
    roots = [n for s in some for n in roots_of(s)]
    seen = set() if seen is None else seen
    while roots:
        n = roots.pop()
        if n in seen:
            continue
        seen.add(n)
        yield n
        roots.extend(n.args)
        if n.kind == "load":
            roots.extend(a for a in n.attrs[1].terms if isinstance(a, Node))


# merging --------------------------------------------------------------------------------------------------------------
def coalesce(p: Program, machine: Machine) -> None:
    """`for i: for j: body` --> `for ij: body` where that runs through memory in the same way."""
    merge(p.body, p.nodes)


def merge(body: list[Stmt], nodes: Nodes) -> None:
    """Merge the loops of a list of statements, in place."""
    for k, s in enumerate(body):
        if isinstance(s, LoopStmt):
            body[k] = merged(s, nodes)
        else:
            for block in inner(s):
                merge(block, nodes)


def merged(loop: LoopStmt, nodes: Nodes) -> LoopStmt:
    """`for i: for j: body` --> `for ij: body` where every address runs through both as through one."""
    loop.body = [merged(s, nodes) if isinstance(s, LoopStmt) else s for s in loop.body]
    if len(loop.body) != 1 or not isinstance(loop.body[0], LoopStmt):
        return loop
    within = loop.body[0]
    i, j = loop.var, within.var
    counted = loop.trip_count or within.trip_count
    if j.lo != 0 or any(isinstance(s, (LoopStmt, Start, Finish)) for s in within.body) or counted:
        return loop
    extent = j.extent
    if not all(_together(s, i, j, extent) for s in within.body):
        return loop
    ij = Var(i.name + j.name, i.lo * extent, i.hi * extent)
    swap = Swap(nodes, {i: Affine({}), j: Affine.of(ij)})
    return LoopStmt(ij, [swap.stmt(s) for s in within.body])


def _together(s: Stmt, i: Var, j: Var, extent: int) -> bool:
    def fits(a: Affine) -> bool:
        return a.terms.get(i, 0) == a.terms.get(j, 0) * extent

    if isinstance(s, Accumulate) and (s.position is not None or s.store is not None):
        return False
    if not all(map(fits, addresses_of(s))):
        return False
    for n in nodes_of(s):
        if n.kind == "load" and not fits(n.attrs[1]):
            return False
        if n.kind == "index" and not fits(n.attrs):
            return False
        if n.kind == "total" and (i in n.vars or j in n.vars):
            return False
    return True


class Swap:
    """Rebuilds statements with loop variables, some nodes, and accumulators replaced."""

    def __init__(self, nodes: Nodes, by: dict[Var, Affine], others: dict[Node, Node] | None = None,
                 accumulators: dict[Accumulator, Accumulator] | None = None):
        self.nodes = nodes
        self.by = by
        self.memo: dict[Node, Node] = dict(others or {})
        self.accumulators = accumulators or {}

    def affine(self, a: Affine) -> Affine:
        return a.substitute(lambda x: self.by.get(x) if isinstance(x, Var) else Affine.of(self.node(x)))

    def node(self, root: Node) -> Node:
        for n in in_order(root, lambda n: n in self.memo or not any(v in n.vars for v in self.by)):
            self.memo[n] = self.rebuilt(n)
        return self.memo.get(root, root)

    def rebuilt(self, n: Node) -> Node:
        """A node whose operands are rebuilt already."""
        args = tuple(self.memo.get(a, a) for a in n.args)
        attrs = n.attrs
        vars = frozenset(v for a in args for v in a.vars)
        if n.kind == "load":
            attrs = (n.attrs[0], self.affine(n.attrs[1]))
            vars |= attrs[1].vars
        elif n.kind == "index":
            attrs = self.affine(n.attrs)
            vars = attrs.vars
        elif n.kind == "total":
            vars = frozenset(w for v in n.vars for w in (self.by[v].vars if v in self.by else (v,)))
            return Node(n.kind, args, self.accumulator(attrs), n.dtype, vars, n.loc)
        return self.nodes.make(n.kind, args, attrs, n.dtype, vars, n.loc)

    def accumulator(self, a: Accumulator) -> Accumulator:
        return self.accumulators.get(a, a)

    def stmt(self, s: Stmt) -> Stmt:
        if isinstance(s, Start):
            return Start(self.accumulator(s.acc))
        if isinstance(s, Store):
            return Store(s.buffer, self.affine(s.address), self.node(s.node), s.combine)
        if isinstance(s, Accumulate):
            position = None if s.position is None else self.affine(s.position)
            store = None if s.store is None else (s.store[0], self.affine(s.store[1]))
            return Accumulate(self.accumulator(s.acc), self.node(s.node), position, store)
        if isinstance(s, Finish):
            return Finish(self.accumulator(s.acc), self.node(s.total))
        if isinstance(s, Let):
            return Let(self.node(s.node))
        if isinstance(s, LoopStmt):
            return replace(s, body=[self.stmt(x) for x in s.body])
        return s


# dead stores ----------------------------------------------------------------------------------------------------------
def drop_dead_stores(p: Program, machine: Machine) -> None:
    """Stores into workspace that nothing loads are dropped, and with them loops that do nothing."""
    read: set[Buffer] = set()
    for s in statements(p.body):
        if isinstance(s, Call):
            read.update(v.buffer for v in s.reads)
        elif isinstance(s, Exchange):
            read.update((s.one, s.other))
    read.update(n.attrs[0] for n in nodes_of(*statements(p.body)) if n.kind == "load")

    def live(s: Stmt) -> bool:
        if isinstance(s, Store):
            return s.buffer.role not in OWN or s.buffer in read
        for block in inner(s):
            block[:] = filter(live, block)
        return not isinstance(s, LoopStmt) or bool(s.body)

    p.body = [s for s in p.body if live(s)]


# vectors --------------------------------------------------------------------------------------------------------------
def vectorise(p: Program, machine: Machine) -> None:
    """Lanes for the loops whose iterations may run side by side."""
    for s in p.body:
        choose_lanes(s, machine.vector_bytes)


def choose_lanes(s: Stmt, width: int) -> None:
    """Give innermost loops vectors as wide as the machine's, and several of them an iteration to short reductions."""
    if not isinstance(s, LoopStmt) or not runs_side_by_side(s):
        for block in inner(s):
            for x in block:
                choose_lanes(x, width)
        return
    widest = max((n.dtype.itemsize for n in nodes_of(*statements(s.body)) if s.var in n.vars), default=8)
    lanes = width // widest
    while not is_open(s.var.extent) and lanes > s.var.extent:
        lanes //= 2
    s.lanes = max(lanes, 1)
    s.exact = any(n.kind == "load" and n.attrs[0].changing and n.attrs[0] in stored(s)
                  for n in nodes_of(*statements(s.body)))
    innermost = not any(isinstance(x, LoopStmt) for x in s.body)
    if innermost and s.trip_count is None and not s.exact and any(isinstance(x, Accumulate) for x in s.body):
        cost = sum(cost_of(n.attrs[0]) for x in s.body for n in nodes_of(x) if n.kind == "apply")
        s.unroll = 4 if cost <= 2.5 else 2 if cost <= 10 else 1
        while s.unroll > 1 and not is_open(s.var.extent) and s.var.extent < 2 * s.unroll * s.lanes:
            s.unroll //= 2


def runs_side_by_side(s: LoopStmt) -> bool:
    """Whether it is this loop, and not one in it, that gets vectors."""
    loops = [x for x in statements(s.body) if isinstance(x, LoopStmt)]
    return all(_vectorises(x, s.var) for x in statements(s.body)) and (not loops or _short_inside(s, loops))


def stored(s: Stmt) -> set[Buffer]:
    """The memory that a statement writes, other than by adding to it."""
    return {x.buffer for x in statements([s]) if isinstance(x, Store) and x.combine is None}


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


def _short_inside(s: LoopStmt, loops: list[LoopStmt]) -> bool:
    """Whether a loop around short ones is the one to run side by side: memory runs along it, and it is long enough."""
    if any(is_open(x.var.extent) or x.var.extent > SHORT for x in loops) or any(x.trip_count for x in (s, *loops)):
        return False
    if not is_open(s.var.extent) and s.var.extent < 4:
        return False
    strides = [a.terms.get(s.var, 0) for x in statements(s.body) for n in nodes_of(x) if n.kind == "load"
               for a in (n.attrs[1],)]
    strides += [x.address.terms.get(s.var, 0) for x in statements(s.body) if isinstance(x, Store)]
    return all(stride in (0, 1) for stride in strides) and 1 in strides


def _vectorises(s: Stmt, var: Var) -> bool:
    """Whether iterations of the loop over `var` may run side by side."""
    if isinstance(s, (LoopStmt, Start, Finish)):
        return True
    if isinstance(s, Accumulate):
        return s.position is None and s.store is None
    if isinstance(s, Store):
        moves = s.address.terms.get(var, 0) != 0
        return moves and not any(var in a.vars for a in s.address.terms if a is not var)
    return isinstance(s, Let)


# results in place -----------------------------------------------------------------------------------------------------
def alias_outputs(p: Program, machine: Machine) -> None:
    """Workspace that lives in the memory of an output which is filled when it is read for the last time."""
    for b in list(p.workspace):
        large = reckoned(b.nbytes) >= WORTHWHILE and not b.moves
        home = output_for(p, b) if large and any(fits(o, b) for o in p.outputs) else None
        if home is not None:
            move(p, b, home)


def output_for(p: Program, b: Buffer) -> Buffer | None:
    """An output in whose memory the workspace buffer `b` can live, if any.

    The loop that fills the output must be the last to read `b`, and read it only where it stores: `out[i] = f(b[i])`.
    Its vectors must not overlap, as they would read what they have overwritten; where the number of elements is open
    they are told not to.
    """
    last = [(step, loop) for step, top in enumerate(p.body) for loop in leaf_loops(top) if b in loaded(loop)]
    if not last or any(isinstance(s, Call) and any(v.buffer is b for v in (*s.reads, *s.writes)) for s in p.body):
        return None
    step, loop = last[-1]
    if any(k == step and other is not loop for k, other in last) or loop.trip_count or not isinstance(
            p.body[step], LoopStmt):
        return None
    if is_open(loop.var.extent):
        if any(isinstance(s, Accumulate) for s in loop.body):
            return None
    elif loop.var.extent % (loop.lanes * loop.unroll):
        return None
    for s in loop.body:
        if isinstance(s, Store) and s.buffer.role == "output" and s.combine is None and fits(s.buffer, b):
            reads = {n.attrs[1] for x in loop.body for n in nodes_of(x) if n.kind == "load" and n.attrs[0] is b}
            if reads == {s.address} and untouched_elsewhere(p, s.buffer, s):
                loop.exact = loop.exact or is_open(loop.var.extent)
                return s.buffer
    return None


def fits(out: Buffer, b: Buffer) -> bool:
    return out.dtype == b.dtype and out.size == b.size


def leaf_loops(s: Stmt) -> Iterator[LoopStmt]:
    """Every loop whose own body has statements that load or store, inner ones included."""
    for x in statements([s]):
        if isinstance(x, LoopStmt):
            yield x


def loaded(loop: LoopStmt) -> set[Buffer]:
    """What the statements directly in a loop's body load."""
    return {n.attrs[0] for s in loop.body if not isinstance(s, LoopStmt) for n in nodes_of(s) if n.kind == "load"}


def untouched_elsewhere(p: Program, out: Buffer, store: Store) -> bool:
    """Whether `store` is the only statement that uses an output."""
    for s in statements(p.body):
        if isinstance(s, Call) and any(v.buffer is out for v in (*s.reads, *s.writes)):
            return False
        if isinstance(s, Store) and s.buffer is out and s is not store:
            return False
        if isinstance(s, Accumulate) and s.store and s.store[0] is out:
            return False
        if any(n.kind == "load" and n.attrs[0] is out for n in nodes_of(s)):
            return False
    return True


def move(p: Program, b: Buffer, home: Buffer) -> None:
    """Let everything that uses `b` use `home`."""
    seen: set[Node] = set()
    for s in statements(p.body):
        if isinstance(s, Store) and s.buffer is b:
            s.buffer = home
        elif isinstance(s, Accumulate) and s.store and s.store[0] is b:
            s.store = (home, s.store[1])
        for n in nodes_of(s, seen=seen):
            if n.kind == "load" and n.attrs[0] is b:
                n.attrs = (home, n.attrs[1])
    p.workspace.remove(b)


# memory ---------------------------------------------------------------------------------------------------------------
def place_workspace(p: Program, machine: Machine | None = None) -> None:
    """Offsets for workspace buffers: those that are never alive together may share bytes (first fit, largest first)."""
    alive = _lifetimes(p)
    p.workspace = [b for b in p.workspace if b in alive]
    placed: list[Buffer] = []
    known = [b for b in p.workspace if b.role == "workspace" and not is_open(b.nbytes)]
    for b in sorted(known, key=lambda b: -b.nbytes):
        first, last = alive[b]
        others = sorted((o for o in placed if alive[o][0] <= last and first <= alive[o][1]), key=lambda o: o.offset)
        at = 0
        for o in others:
            if at + b.nbytes <= o.offset:
                break
            at = max(at, -(-(o.offset + o.nbytes) // ALIGN) * ALIGN)
        b.offset = at
        placed.append(b)
    end = max((b.offset + b.nbytes for b in placed), default=0)
    p.workspace_bytes = place_open([b for b in p.workspace if b.role == "workspace" and is_open(b.nbytes)], alive, end)


def place_open(buffers: list[Buffer], alive: dict[Buffer, tuple[int, int]], end: int) -> int:
    """Offsets for buffers whose sizes are open, behind the others: those of one size may share bytes. The new end."""
    slots: list[tuple[int, list[Buffer]]] = []
    for b in buffers:
        first, last = alive[b]
        slot = next((s for n, s in slots if n == b.nbytes and all(
            alive[o][1] < first or last < alive[o][0] for o in s)), None)
        if slot is None:
            slot = []
            slots.append((b.nbytes, slot))
        slot.append(b)
    for n, slot in slots:
        end = aligned(end)
        for b in slot:
            b.offset = end
        end = end + aligned(n)
    return end


def aligned(n: int) -> int:
    """A number of bytes, rounded up."""
    return (n + (ALIGN - 1)) // ALIGN * ALIGN


def _lifetimes(p: Program) -> dict[Buffer, tuple[int, int]]:
    """The first and last step of the program that touches each workspace buffer."""
    alive: dict[Buffer, tuple[int, int]] = {}
    exchanged: list[tuple[Buffer, Buffer]] = []

    def touch(b: Buffer, step: int) -> None:
        if b.role in OWN:
            alive[b] = (alive.get(b, (step, step))[0], step)

    for step, top in enumerate(p.body):
        for s in statements([top]):
            if isinstance(s, Store):
                touch(s.buffer, step)
            elif isinstance(s, Accumulate) and s.store:
                touch(s.store[0], step)
            elif isinstance(s, Call):
                for v in (*s.reads, *s.writes):
                    touch(v.buffer, step)
            elif isinstance(s, Exchange):
                exchanged.append((s.one, s.other))
            for n in nodes_of(s):
                if n.kind == "load":
                    touch(n.attrs[0], step)
    together: dict[Buffer, set[Buffer]] = {}
    for one, other in exchanged:
        group = together.get(one, {one}) | together.get(other, {other})
        together.update(dict.fromkeys(group, group))
    for group in together.values():
        spans = [alive[b] for b in group if b in alive]
        alive.update(dict.fromkeys(group, (min(first for first, _ in spans), max(last for _, last in spans))))
    return alive
