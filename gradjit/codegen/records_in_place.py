"""What a loop keeps for its reverse is written where it is kept, not beside it and copied.

    for i in 0..n: w[i] = sin(x[i])             push tape: t
    push tape: t                         -->    for i in 0..n: t[i] = sin(x[i])
    for i in 0..n: t[i] = w[i]

What must be copied, as it is what the iteration began with, is copied by the same loop.
"""

from __future__ import annotations

from typing import TypeGuard

from ..ir.sizes import is_open, same
from .affine import Affine
from .independence import Uses, accesses, fills, touched
from .loop_passes import Swap, statements
from .loops import Buffer, Call, Exchange, Let, LoopStmt, Node, Pop, Program, Push, Stmt, Store, inner
from .target import Machine
from .workspace import move


def write_into_records(p: Program, machine: Machine) -> None:
    """Memory that is filled in an iteration, copied into a record, and seen in no other iteration, is the record."""
    uses = Uses(p.body)
    for body in blocks(p.body):
        for s in [s for s in body if isinstance(s, Push)]:
            earlier(p, body, s, uses)


def blocks(body: list[Stmt]) -> list[list[Stmt]]:
    """All lists of statements, outer before inner."""
    return [body, *(more for s in body for some in inner(s) for more in blocks(some))]


def earlier(p: Program, body: list[Stmt], s: Push, uses: Uses) -> None:
    """Push a record as early as what goes into it is computed."""
    if any(n.kind not in ("const", "index") for _, n in s.entries):
        return
    at = body.index(s)
    parts = {b for b, _ in s.entries}
    copies = {t: (x, w) for x in body[at + 1:] if (found := copied(x)) is not None for t, w in [found] if t in parts}
    free = 1 + max((k for k in range(at) if uses_tape(body[k], s)), default=-1)
    firsts: dict[Buffer, int] = {}
    for t, (_, w) in copies.items():
        first = next(k for k, x in enumerate(body) if w in all_touched(x)) if within(body, w, uses) else at
        if free <= first < at and is_like(w, t) and fills(body[first], w):
            firsts[t] = first
    if not firsts:
        return
    start = min(firsts.values())
    filling, between = body[start], body[start:at]
    body.insert(start, body.pop(at))
    for t in firsts:
        copy, w = copies[t]
        body.remove(copy)
        move(p, w, t)
    for t in [t for t in copies if t not in firsts]:
        copy, w = copies[t]
        is_known = not any(changes(x, w) for x in between)
        if is_known and is_plain(filling) and is_plain(copy) and runs_along(filling, copy):
            body.remove(copy)
            filling.body.append(Swap(p.nodes, {copy.var: Affine.of(filling.var)}).stmt(copy.body[0]))


def is_plain(s: Stmt) -> TypeGuard[LoopStmt]:
    """Whether a loop over elements does nothing but compute and store."""
    return isinstance(s, LoopStmt) and s.trip_count is None and not is_open(s.var.lo) and s.var.lo == 0 and all(
        isinstance(y, (Store, Let)) for y in s.body)


def runs_along(s: LoopStmt, copy: LoopStmt) -> bool:
    """Whether a loop can copy memory along the way."""
    return same(s.var.extent, copy.var.extent)


def changes(x: Stmt, w: Buffer) -> bool:
    """Whether a statement may write to memory."""
    def stores(y: Stmt) -> bool:
        if isinstance(y, (Call, Exchange)):
            return w in touched(y)
        return any(a.is_store and a.buffer is w for a in accesses(y))

    return any(map(stores, statements([x])))


def copied(s: Stmt) -> tuple[Buffer, Buffer] | None:
    """The memory that a nest copies to, and that which it copies, element by element."""
    while isinstance(s, LoopStmt) and len(s.body) == 1 and s.trip_count is None:
        s = s.body[0]
    if not isinstance(s, Store) or s.combine is not None or s.node.kind != "load":
        return None
    source, address = s.node.attrs
    return (s.buffer, source) if address == s.address and not has_atoms(s) else None


def has_atoms(s: Store) -> bool:
    return any(isinstance(a, Node) for a in s.address.terms)


def uses_tape(x: Stmt, s: Push) -> bool:
    return any(isinstance(y, (Push, Pop)) and y.tape is s.tape for y in statements([x]))


def all_touched(x: Stmt) -> set[Buffer]:
    return {b for y in statements([x]) for b in touched(y)}


def within(body: list[Stmt], w: Buffer, uses: Uses) -> bool:
    """Whether memory is the kernel's own, stays where it is, and is used by these statements alone."""
    if w.role != "workspace" or w.moves:
        return False
    return sum(w in touched(y) for x in body for y in statements([x])) == uses.buffers[w]


def is_like(w: Buffer, t: Buffer) -> bool:
    return w.dtype == t.dtype and w.nbytes == t.nbytes and w.size == t.size


__all__ = ["write_into_records"]
