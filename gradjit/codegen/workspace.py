"""Where workspace lives: in outputs that are filled later, or in one piece of memory, in which what is never alive
together shares bytes."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from ..ir.sizes import is_open
from .loop_passes import OWN, Loads, nodes_of, statements
from .loops import (
    Accumulate,
    Buffer,
    Call,
    Exchange,
    LoopStmt,
    Node,
    Program,
    Stmt,
    Store,
)
from .symbolic import reckoned
from .target import Machine

ALIGN = 64
WORTHWHILE = 1 << 12
"""Bytes from which on it pays to look for an output in whose memory a buffer can live."""


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
        elif isinstance(s, Call):
            s.reads, s.writes = (tuple(replace(v, buffer=home) if v.buffer is b else v for v in views)
                                 for views in (s.reads, s.writes))
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
    loads = Loads()

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
            for b in loads.of(s):
                touch(b, step)
    together: dict[Buffer, set[Buffer]] = {}
    for one, other in exchanged:
        group = together.get(one, {one}) | together.get(other, {other})
        together.update(dict.fromkeys(group, group))
    for group in together.values():
        spans = [alive[b] for b in group if b in alive]
        alive.update(dict.fromkeys(group, (min(first for first, _ in spans), max(last for _, last in spans))))
    return alive
