"""Products with several rows at once: what the rows share is loaded once, and their sums do not wait for each other.

    for i: {a = 0; for j: a += A[i, j] * x[j]; y[i] = a}
    -->  for i in fours: {a, b, c, d = 0; for j: {a += A[i, j] * x[j]; b += A[i+1, j] * x[j]; ...}; y[i] = a; ...}

And so for what reads across memory: of each line of the cache one element is read, and when the next row comes by the
line is gone. Rows that lie on one line are taken together.

    for i: for j: y[i, j] = x[j, i]  -->  for i in fours: for j: {y[i, j] = x[j, i]; y[i+1, j] = x[j, i+1]; ...}
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from ..ir.sizes import is_open
from .affine import Affine, Var
from .loop_passes import Swap, nodes_of, statements
from .loops import (
    Accumulate,
    Accumulator,
    Buffer,
    Finish,
    Let,
    LoopStmt,
    Node,
    Nodes,
    Program,
    Start,
    Stmt,
    Store,
    inner,
)
from .numbers import LINE_BYTES, PAGE_BYTES
from .symbolic import reckoned
from .target import Machine

ROWS = 4
"""Rows an iteration: their running values stay in registers."""


def unroll_and_jam(p: Program, machine: Machine) -> None:
    """Products with rows, inside of the program's own loops, take several rows at once, and transpositions anywhere."""
    for s in p.body:
        if not isinstance(s, LoopStmt):
            for block in inner(s):
                jam(block, p.nodes, lambda s: max(ROWS * may_jam(s), rows_on_a_line(s)))
    jam(p.body, p.nodes, rows_on_a_line)


def jam(body: list[Stmt], nodes: Nodes, rows_of: Callable[[LoopStmt], int]) -> None:
    """Take rows together in a list of statements, in place, inner lists too."""
    out: list[Stmt] = []
    for s in body:
        count = rows_of(s) if isinstance(s, LoopStmt) else 0
        if isinstance(s, LoopStmt) and count:
            out.append(jammed(s, nodes, count))
            if not is_open(s.var.extent) and s.var.extent % count == 0:
                continue
            s.var.lo = s.var.lo + s.var.extent // count * count  # the rows that are left
        else:
            for block in inner(s):
                jam(block, nodes, rows_of)
        out.append(s)
    body[:] = out


def may_jam(s: LoopStmt) -> bool:
    """Whether a loop runs over rows, each of them summed up along memory, and no row reads what another writes."""
    if s.lanes > 1 or s.trip_count or s.written_out or s.var.reckoned < 2 * ROWS:
        return False
    loops = [x for x in s.body if isinstance(x, LoopStmt)]
    if not loops or not all(isinstance(x, (Start, Finish, Store, Let, LoopStmt)) for x in s.body):
        return False
    if not all(x.lanes > 1 and not x.trip_count and not x.exact and all(sums(y, s.var) for y in x.body) for x in loops):
        return False
    started = {x.acc for x in s.body if isinstance(x, Start)}
    if any(isinstance(x, Accumulate) and x.acc not in started for x in statements(loops)):
        return False  # a sum over all rows has nothing that the rows share
    written = {x.buffer for x in statements([s]) if isinstance(x, Store)}
    return not written & {n.attrs[0] for x in statements([s]) for n in nodes_of(x) if n.kind == "load"}


def rows_on_a_line(s: LoopStmt) -> int:
    """How many rows to take together of a loop that only fills arrays and goes across the lines of memory that it
    reads; 0 for another one."""
    along = s.body[0]
    if s.lanes > 1 or s.trip_count or s.written_out or len(s.body) != 1 or not isinstance(along, LoopStmt):
        return 0
    if along.lanes < 2 or along.trip_count or along.exact or along.written_out or not all(
            isinstance(x, Store) and x.combine is None for x in along.body):
        return 0
    loads = [n.attrs for n in nodes_of(*along.body) if n.kind == "load"]
    if {x.buffer for x in along.body if isinstance(x, Store)} & {b for b, _ in loads}:
        return 0
    counts = [LINE_BYTES // near for b, a in loads if (near := beside(b, a, s.var)) and
              beside(b, a, along.var) >= PAGE_BYTES // 8 and reckoned(b.nbytes) > PAGE_BYTES]
    count = max(counts, default=0)
    return count if count > 1 and s.var.reckoned >= 2 * count else 0


def beside(b: Buffer, address: Affine, var: Var) -> int:
    """How many bytes apart the elements of neighbouring iterations are; 0 where it is not known, or farther than a
    line for what must be on one."""
    stride = address.terms.get(var, 0)
    return 0 if is_open(stride) else abs(stride) * b.dtype.itemsize


def sums(s: Stmt, row: Var) -> bool:
    """Whether a statement adds to a running value, in registers or at a place in memory that all rows share."""
    if isinstance(s, Accumulate):
        return s.position is None and s.store is None
    return isinstance(s, Store) and s.combine == "sum" and row not in s.address.vars


def jammed(s: LoopStmt, nodes: Nodes, count: int) -> LoopStmt:
    """The loop over groups of so many rows."""
    groups = Var(s.var.name + "r", 0, s.var.extent // count)
    rows = [row(nodes, s, Affine({groups: count}, s.var.lo + r), r) for r in range(count)]
    body: list[Stmt] = []
    for x in s.body:
        if isinstance(x, LoopStmt):
            along: list[Stmt] = [swap.stmt(y) for y in x.body for swap in rows]
            body.append(replace(x, body=along, unroll=1))
        else:
            body += [swap.stmt(x) for swap in rows]
    return LoopStmt(groups, body)


def row(nodes: Nodes, s: LoopStmt, at: Affine, r: int) -> Swap:
    """What rebuilds statements for row number r of a four, with running values of its own."""
    own = {x.acc: Accumulator(x.acc.op, x.acc.dtype, f"{x.acc.name}_{r}") for x in s.body if isinstance(x, Start)}
    totals = {x.total: Node("total", (), own[x.acc], x.total.dtype, (x.total.vars - {s.var}) | at.vars)
              for x in s.body if isinstance(x, Finish)}
    return Swap(nodes, {s.var: at}, totals, own)
