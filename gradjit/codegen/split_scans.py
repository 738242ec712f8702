"""Scans of what is dear to compute: computed first, side by side, to where the running values will stand.

    for i: acc sum= exp(x[i]) into y[i]   -->   for i: y[i] = exp(x[i])
                                                for j: acc sum= y[j] into y[j]

A scan goes from element to element; the loop before it does not, and may have lanes and run in chunks.
"""

from __future__ import annotations

from dataclasses import replace

from .affine import Affine, Var
from .independence import accesses
from .loop_passes import Swap, nodes_of, statements
from .loops import Accumulate, LoopStmt, Nodes, Program, Stmt, Store, inner
from .numbers import cost_of
from .target import Machine

DEAR = 2.5
"""What is computed for an element costs more than to store it and load it again."""


def split_scans(p: Program, machine: Machine) -> None:
    """Split the loops that scan what is dear."""
    split(p.body, p.nodes)


def split(body: list[Stmt], nodes: Nodes) -> None:
    out: list[Stmt] = []
    for s in body:
        out += parts(s, nodes) if isinstance(s, LoopStmt) else [s]
        for block in inner(s):
            split(block, nodes)
    body[:] = out


def parts(s: LoopStmt, nodes: Nodes) -> list[Stmt]:
    """The loop, and behind it one for each of its scans that is split off."""
    found: list[Stmt] = [s]
    for k, x in enumerate(s.body):
        if isinstance(x, Accumulate) and is_split_off(x, s):
            assert x.store is not None
            target, place = x.store
            var = Var(f"{s.var.name}.{len(found)}", s.var.lo, s.var.hi)
            s.body[k] = Store(target, place, x.node)
            there = Swap(nodes, {s.var: Affine.of(var)}).affine(place)
            found.append(replace(s, var=var, body=[replace(x, node=nodes.load(target, there), store=(target, there))]))
    return found


def is_split_off(x: Accumulate, s: LoopStmt) -> bool:
    """Whether a statement scans what is dear, into memory that the loop has nothing else to do with."""
    if x.store is None or x.acc.dtype is not x.store[0].dtype or s.var not in x.store[1].vars:
        return False
    if sum(cost_of(n.attrs[0]) for n in nodes_of(x) if n.kind == "apply" and s.var in n.vars) <= DEAR:
        return False
    every = list(statements(s.body))
    if any(isinstance(y, LoopStmt) for y in every):
        return False
    return not any(a.buffer is x.store[0] and not (a.is_store and y is x) for y in every for a in accesses(y))


__all__ = ["split_scans"]
