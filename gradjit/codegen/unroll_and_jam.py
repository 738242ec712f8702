"""Products with several rows at once: what the rows share is loaded once, and their sums do not wait for each other.

    for i: {a = 0; for j: a += A[i, j] * x[j]; y[i] = a}
    -->  for i in fours: {a, b, c, d = 0; for j: {a += A[i, j] * x[j]; b += A[i+1, j] * x[j]; ...}; y[i] = a; ...}
"""

from __future__ import annotations

from dataclasses import replace

from ..ir.sizes import is_open
from .affine import Affine, Var
from .loop_passes import Swap, nodes_of, statements
from .loops import Accumulate, Accumulator, Finish, Let, LoopStmt, Node, Nodes, Program, Start, Stmt, Store, inner
from .target import Machine

ROWS = 4
"""Rows an iteration: their running values stay in registers."""


def unroll_and_jam(p: Program, machine: Machine) -> None:
    """Products with rows, inside of the program's own loops, take several rows at once."""
    for s in p.body:
        if not isinstance(s, LoopStmt):
            for block in inner(s):
                jam(block, p.nodes)


def jam(body: list[Stmt], nodes: Nodes) -> None:
    """Take rows together in a list of statements, in place, inner lists too."""
    out: list[Stmt] = []
    for s in body:
        if isinstance(s, LoopStmt) and may_jam(s):
            out.append(jammed(s, nodes))
            if not is_open(s.var.extent) and s.var.extent % ROWS == 0:
                continue
            s.var.lo = s.var.lo + s.var.extent // ROWS * ROWS  # the rows that are left
        else:
            for block in inner(s):
                jam(block, nodes)
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


def sums(s: Stmt, row: Var) -> bool:
    """Whether a statement adds to a running value, in registers or at a place in memory that all rows share."""
    if isinstance(s, Accumulate):
        return s.position is None and s.store is None
    return isinstance(s, Store) and s.combine == "sum" and row not in s.address.vars


def jammed(s: LoopStmt, nodes: Nodes) -> LoopStmt:
    """The loop over fours of rows."""
    fours = Var(s.var.name + "r", 0, s.var.extent // ROWS)
    rows = [row(nodes, s, Affine({fours: ROWS}, s.var.lo + r), r) for r in range(ROWS)]
    body: list[Stmt] = []
    for x in s.body:
        if isinstance(x, LoopStmt):
            along: list[Stmt] = [swap.stmt(y) for y in x.body for swap in rows]
            body.append(replace(x, body=along, unroll=1))
        else:
            body += [swap.stmt(x) for swap in rows]
    return LoopStmt(fours, body)


def row(nodes: Nodes, s: LoopStmt, at: Affine, r: int) -> Swap:
    """What rebuilds statements for row number r of a four, with running values of its own."""
    own = {x.acc: Accumulator(x.acc.op, x.acc.dtype, f"{x.acc.name}_{r}") for x in s.body if isinstance(x, Start)}
    totals = {x.total: Node("total", (), own[x.acc], x.total.dtype, (x.total.vars - {s.var}) | at.vars)
              for x in s.body if isinstance(x, Finish)}
    return Swap(nodes, {s.var: at}, totals, own)
