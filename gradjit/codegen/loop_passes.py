"""Passes over loop nests: loops that run through memory as one become one, and what is stored and not loaded goes. All
passes are listed in `loop_pipeline`."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace

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
    operands,
    roots_of,
)
from .target import Machine

OWN = ("workspace", "local")
"""The roles of memory that nobody outside of the kernel sees."""


def statements(body: Sequence[Stmt]) -> Iterator[Stmt]:
    """All statements, outer before inner."""
    around = [iter(body)]
    while around:
        for s in around[-1]:
            yield s
            if blocks := inner(s):
                around += [iter(block) for block in reversed(blocks)]
                break
        else:
            around.pop()


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
        roots.extend((*n.args, *operands(n)))


class Loads:
    """The memory that statements load from, computed addresses included: of each node it is found once, however many
    statements share it."""

    def __init__(self) -> None:
        self.known: dict[Node, frozenset[Buffer]] = {}

    def of(self, s: Stmt) -> set[Buffer]:
        return {b for root in roots_of(s) for b in self.of_node(root)}

    def of_node(self, root: Node) -> frozenset[Buffer]:
        todo = [root]
        while todo:
            n = todo[-1]
            if n in self.known:
                todo.pop()
                continue
            parts = (*n.args, *operands(n))
            missing = [x for x in parts if x not in self.known]
            if missing:
                todo += missing
                continue
            todo.pop()
            found = [self.known[x] for x in parts if self.known[x]]
            if n.kind == "load":
                found.append(frozenset((n.attrs[0],)))
            widest = max(found, key=len, default=frozenset[Buffer]())
            self.known[n] = widest if all(x <= widest for x in found) else widest.union(*found)
        return self.known[root]


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
            return Accumulate(self.accumulator(s.acc), self.node(s.node), position, store, loc=s.loc)
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
