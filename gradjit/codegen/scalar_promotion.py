"""What a loop adds to one element of memory in all of its iterations runs in a register, and goes to memory behind it.

    for i in 0..n:                          start acc
      w[0] sum= x[i]             -->        for i in 0..n: acc sum= x[i]
                                            finish acc
                                            w[0] sum= acc

A loop with such a store has no lanes, as they would all write to one place; an accumulator may have them. (Known as
scalar promotion, or register promotion: Cooper and Lu, Register Promotion in C Programs, PLDI 1997.)
"""

from __future__ import annotations

from ..ir.sizes import is_open
from .affine import Affine, Var
from .independence import accesses
from .loop_passes import statements
from .loops import Accumulate, Accumulator, Buffer, Finish, LoopStmt, Node, Program, Start, Stmt, Store, inner
from .target import Machine


def promote(p: Program, machine: Machine) -> None:
    """Accumulators for what loops combine into elements that stay the same."""
    taken = {x.acc.name for x in statements(p.body) if isinstance(x, Start)}
    _block(p, p.body, frozenset(), taken)


def _block(p: Program, body: list[Stmt], around: frozenset[Var], taken: set[str]) -> None:
    """around: the variables of the loops that the statements stand in."""
    out: list[Stmt] = []
    for s in body:
        for some in inner(s):
            _block(p, some, around | s.var.vars if isinstance(s, LoopStmt) else around, taken)
        out += _promoted(p, s, around, taken) if isinstance(s, LoopStmt) and s.trip_count is None else [s]
    body[:] = out


def _promoted(p: Program, s: LoopStmt, around: frozenset[Var], taken: set[str]) -> list[Stmt]:
    """A loop with what stands before it and behind it."""
    before: list[Stmt] = []
    behind: list[Stmt] = []
    made: dict[tuple[Buffer, Affine], Accumulator] = {}
    for k, x in enumerate(s.body):
        if not isinstance(x, Store) or not stays(s.var, s.body, x):
            continue
        place = x.buffer, x.address
        acc = made.get(place)
        if acc is None:
            acc = made[place] = Accumulator(x.combine or "", x.buffer.dtype, _name(s.var.name, taken))
            total = p.nodes.make("total", (), acc, acc.dtype, around)
            before.append(Start(acc))
            behind += [Finish(acc, total), Store(x.buffer, x.address, total, x.combine)]
        s.body[k] = Accumulate(acc, x.node, fused=x.fused)
    return [*before, s, *behind]


def stays(var: Var, body: list[Stmt], x: Store) -> bool:
    """Whether a store combines with the same element in each iteration, of memory that the loop over `var` has nothing
    else to do with but such stores at other places."""
    if x.combine is None or not x.buffer.dtype.is_float or _varies(var, x.address):
        return False
    for y in statements(body):
        for a in accesses(y):
            if a.buffer is x.buffer and not (y in body and a.is_store and a.combine == x.combine and (
                    not _varies(var, a.address)) and _same_or_apart(a.address, x.address)):
                return False
    return True


def _varies(var: Var, a: Affine) -> bool:
    return var in a.vars or any(isinstance(atom, Node) for atom in a.terms)


def _same_or_apart(a: Affine, b: Affine) -> bool:
    behind = a + b * -1
    return not behind.terms and not is_open(behind.const)


def _name(var: str, taken: set[str]) -> str:
    k = 1
    while f"acc.{var}.{k}" in taken:
        k += 1
    taken.add(f"acc.{var}.{k}")
    return f"acc.{var}.{k}"


__all__ = ["promote", "stays"]
