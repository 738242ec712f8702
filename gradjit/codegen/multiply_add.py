"""A product that goes into one sum and nowhere else is rounded with the sum: `x*y + z` is one instruction.

This is decided here and not by LLVM, so that code has the same bits however much effort LLVM spends on it. A product
that is read elsewhere, too, is the same number everywhere, and stays an operation of its own: the corrections that
compensated sums compute would be lost. So does one that a loop inside does not change, as it is computed once in front
of that.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence

from .affine import Var
from .loops import (
    Accumulate,
    LoopStmt,
    Node,
    Program,
    Repeat,
    Stmt,
    Store,
    WhileStmt,
    in_order,
    inner,
    operands,
    roots_of,
)
from .numbers import ADDING
from .target import Machine


def multiply_add(p: Program, machine: Machine) -> None:
    """Fuse products with sums, where the machine has an instruction for that."""
    if not machine.multiply_adds:
        return
    statements = list(within(p.body, frozenset()))
    order, uses = used(s for s, _ in statements)
    products = {n for n in order if n.kind == "apply" and n.attrs[0] == "mul" and n.dtype.is_float and uses[n] == 1}
    for n in order:
        if n.kind == "apply" and n.attrs[0] in ("add", "sub"):
            fuse(p, n, products)
    for s, innermost in statements:
        if isinstance(s, (Store, Accumulate)) and s.node in products and innermost & s.node.vars:
            s.fused = (s.combine if isinstance(s, Store) else s.acc.op) in ADDING


def within(body: Sequence[Stmt], innermost: frozenset[Var]) -> Iterable[tuple[Stmt, frozenset[Var]]]:
    """All statements, and the variables of the loop that each stands in."""
    for s in body:
        yield s, innermost
        for block in inner(s):
            yield from within(block, s.var.vars if isinstance(s, (LoopStmt, Repeat, WhileStmt)) else innermost)


def used(statements: Iterable[Stmt]) -> tuple[list[Node], Counter[Node]]:
    """All nodes, operands first, and how often each is named, by other nodes or by statements."""
    order: dict[Node, None] = {}
    uses: Counter[Node] = Counter()
    for s in statements:
        roots = roots_of(s)
        uses.update(roots)
        for root in roots:
            for n in in_order(root, order.__contains__):
                order[n] = None
                uses.update(operands(n))
    return list(order), uses


def fuse(p: Program, n: Node, products: set[Node]) -> None:
    """`n` as a multiply-add, in place: all that read it see it. Where both terms are products it is the first."""
    op, (first, second) = n.attrs[0], n.args
    negative = op == "sub"
    for term, other, is_first in ((first, second, True), (second, first, False)):
        if term in products and term.vars == n.vars:
            x, y = term.args
            if negative and is_first:
                other = negated(p, other)
            elif negative and y.kind == "const":
                y = negated(p, y)
            elif negative:
                x = negated(p, x)
            n.args, n.attrs = (x, y, other), ("fma", ())
            return


def negated(p: Program, n: Node) -> Node:
    return p.nodes.const(-n.attrs, n.dtype) if n.kind == "const" else p.nodes.apply("neg", (n,), n.dtype)


__all__ = ["multiply_add"]
