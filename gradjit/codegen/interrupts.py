"""Where a kernel asks whether the user wants to interrupt it: often enough to answer at once, too seldom to cost.

Work is estimated as in `numbers`. What takes long asks: a loop of the program in each of its iterations, a loop over
elements between its strips (`Emitter.blocked`), a stack of products at each of them. All count down one number by the
work that they have done, and ask where it is used up (`flow.poll`).
"""

from __future__ import annotations

from collections.abc import Iterator
from math import inf

from .loop_passes import statements
from .loops import (
    Call,
    Chunks,
    IfStmt,
    LoopStmt,
    Node,
    Program,
    Repeat,
    Stmt,
    WhileStmt,
    in_order,
    inner,
    roots_of,
    trips,
)
from .numbers import ITERATION, LOAD, LONG, SCALAR, cost_of
from .target import Machine


def place_polls(p: Program, machine: Machine) -> None:
    """Mark the loops that ask; where nothing does, what is left is the program's work."""
    seen: set[Node] = set()
    work = sum(unasked(s, seen) for s in p.body)
    p.work = inf if any(is_long(s) for s in statements(p.body)) else work


def is_long(s: Stmt) -> bool:
    """Whether it is a loop that may take longer than a question is put off. (Routines are not ours.)"""
    return isinstance(s, Chunks) or (isinstance(s, (LoopStmt, Repeat, WhileStmt)) and s.asks > 0)


def unasked(s: Stmt, seen: set[Node]) -> float:
    """The work of a statement that goes by without asking; `seen` are nodes whose values are known by then."""
    if isinstance(s, Call):
        return s.work if s.work < LONG else 0.0
    iteration = sum(map(price, new_nodes(s, seen))) + sum(unasked(x, seen) for block in inner(s) for x in block)
    if isinstance(s, LoopStmt):
        return element_loop(s, iteration)
    if isinstance(s, (Repeat, WhileStmt)):
        n = trips(s) if isinstance(s, Repeat) else None
        iteration += ITERATION
        if iteration * (inf if n is None else n) < LONG:
            return iteration * (n or 0)
        s.asks = iteration
        return 0.0
    if isinstance(s, Chunks):
        return 0.0  # whoever runs the chunks asks behind each
    return iteration + (ITERATION if isinstance(s, IfStmt) else 0.0)


def element_loop(s: LoopStmt, iteration: float) -> float:
    """A loop over elements: one that takes long asks, if not a loop inside it does."""
    if s.lanes == 1 and not any(isinstance(x, LoopStmt) for x in s.body):
        iteration *= SCALAR
    if iteration * s.var.reckoned < LONG:
        return iteration * s.var.reckoned
    s.asks = iteration
    return 0.0


def new_nodes(s: Stmt, seen: set[Node]) -> Iterator[Node]:
    """The nodes that a statement is the first to need."""
    for root in roots_of(s):
        for n in in_order(root, seen.__contains__):
            seen.add(n)
            yield n


def price(n: Node) -> float:
    return cost_of(n.attrs[0]) if n.kind == "apply" else LOAD if n.kind == "load" else 0.0
