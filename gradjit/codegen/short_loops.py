"""Short loops in a long one become straight code, where the long one gets lanes by it.

    for i in 0..1000:                              for i in 0..1000:
      start acc                                      start acc
      for k in 0..3: acc sum= x[3*i + k]             acc sum= x[3*i]
      finish acc                            -->      acc sum= x[3*i + 1]
      for k in 0..3: w[k] sum= sqrt(acc)             acc sum= x[3*i + 2]
                                                     finish acc
                                                     w[0] sum= sqrt(acc)
                                                     ...

Points of a plane or of space as the rows of an array leave loops of two or three iterations, which make bad use of
vectors, and dear work on each row (a root, a quotient) between them without any. What the long loop adds to a few
elements keeps it from lanes only until each of them has a register (the pass `promote`).
"""

from __future__ import annotations

from ..ir.sizes import is_open
from .affine import Affine
from .loop_passes import Swap, nodes_of, statements
from .loops import Accumulate, Let, LoopStmt, Program, Stmt, Store, inner
from .numbers import cost_of
from .scalar_promotion import stays
from .target import Machine
from .vectorise import leaves_idle, runs_side_by_side, vectorises

SHORT = 4
"""Iterations of a loop that becomes straight code, at most."""
LONG = 16
"""Iterations of a loop around, at least."""
DEAR = 4.0
"""The cost of an iteration's work outside of the short loops from which on lanes pay, although rows are loaded and
stored by elements."""


def write_out_short(p: Program, machine: Machine) -> None:
    """Straight code for short loops, wherever it lets a loop around run side by side."""
    _block(p, p.body, machine.vector_bytes)


def _block(p: Program, body: list[Stmt], width: int) -> None:
    for s in body:
        if isinstance(s, LoopStmt) and _pays(s, width):
            straight = [y for x in s.body for y in _straight(p, x)]
            if all(vectorises(x, s.var) or (isinstance(x, Store) and stays(s.var, straight, x)) for x in straight):
                s.body = straight
                continue
        for some in inner(s):
            _block(p, some, width)


def _pays(s: LoopStmt, width: int) -> bool:
    """Whether lanes of the loop would be worth straight code in it."""
    loops = [x for x in s.body if isinstance(x, LoopStmt)]
    if not loops or s.trip_count is not None or s.var.reckoned < LONG or not all(_is_short(x, width) for x in loops):
        return False
    return not runs_side_by_side(s, width) and _cost_around(s, loops) >= DEAR


def _is_short(s: LoopStmt, width: int) -> bool:
    """Whether a loop has few iterations, which leave lanes idle, of nothing but what is copied easily."""
    return (s.trip_count is None and not is_open(s.var.extent) and not is_open(s.var.lo)
            and s.var.extent <= SHORT and leaves_idle(s.var.extent, width)
            and all(isinstance(x, (Store, Accumulate, Let)) for x in s.body))


def _cost_around(s: LoopStmt, loops: list[LoopStmt]) -> float:
    """What an iteration's work costs that is the same in all iterations of the short loops."""
    short = {x.var for x in loops}
    nodes = {n for n in nodes_of(*statements(s.body)) if n.kind == "apply" and s.var in n.vars and not short & n.vars}
    return sum(cost_of(n.attrs[0]) for n in nodes)


def _straight(p: Program, s: Stmt) -> list[Stmt]:
    """The iterations of a short loop, one behind the other."""
    if not isinstance(s, LoopStmt):
        return [s]
    out: list[Stmt] = []
    for k in range(s.var.extent):
        swap = Swap(p.nodes, {s.var: Affine({}, s.var.lo + k)})
        out += map(swap.stmt, s.body)
    return out
