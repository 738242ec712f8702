"""Work that a mask throws away is not done: a select that is the same for all iterations of a loop becomes a branch.

    for i: {for j: y[i, j] += select(m[i], v(i, j), 0)}  -->  for i: {if m[i]: {for j: y[i, j] += v(i, j)}}

Reverse mode makes such loops of minima and maxima over an axis, of `np.where` with a mask of rows, of assignments to
some rows. A branch that goes now here, now there costs as much as a hundred simple operations, so the loop has to be
worth that; where the mask compares numbers for equality, as that of an extreme does, it is seldom true and always worth
it.
"""

from __future__ import annotations

from .loop_passes import nodes_of, statements
from .loops import Accumulate, Buffer, IfStmt, LoopStmt, Node, Program, Stmt, Store, in_order, inner
from .numbers import MISPREDICTED, cost_of
from .symbolic import reckoned
from .target import Machine
from .vectorise import runs_side_by_side


def branch_on_masks(p: Program, machine: Machine) -> None:
    """Loops that add up where a mask is true are run where it is true."""
    branched(p.body, machine.vector_bytes)


def branched(body: list[Stmt], width: int) -> None:
    """The loops of a list of statements, in place, those inside of them first."""
    for k, s in enumerate(body):
        if isinstance(s, LoopStmt) and runs_side_by_side(s, width) and any(isinstance(x, LoopStmt) for x in s.body):
            continue  # lanes have each a mask of their own
        for block in inner(s):
            branched(block, width)
        if isinstance(s, LoopStmt):
            body[k] = masked(s) or outside(s) or s


def masked(s: LoopStmt) -> IfStmt | None:
    """A loop whose statements all add 0 where one mask is false, as a branch."""
    masks = {mask_of(x) for x in s.body}
    if len(masks) != 1 or s.trip_count is not None:
        return None
    mask, = masks
    if mask is None or s.var in mask.vars or reads(mask) & written(s) or not is_worth_it(mask, s):
        return None
    for x in s.body:
        assert isinstance(x, (Store, Accumulate))
        x.node = x.node.args[1]
    return IfStmt(mask, [s], [])


def mask_of(s: Stmt) -> Node | None:
    """The condition under which a statement changes anything, where it is one."""
    if isinstance(s, Store):
        adds = s.combine == "sum"
    elif isinstance(s, Accumulate):
        adds = s.acc.op == "sum" and s.position is None and s.store is None
    else:
        return None
    n = s.node
    if not adds or n.kind != "apply" or n.attrs[0] != "select":
        return None
    mask, _, other = n.args
    return mask if mask.kind != "const" and other.kind == "const" and not other.attrs else None


def outside(s: LoopStmt) -> IfStmt | None:
    """`for i: {if c: body}` --> `if c: {for i: body}` where c is the same in all iterations."""
    if len(s.body) != 1 or s.trip_count is not None:
        return None
    found = s.body[0]
    if not isinstance(found, IfStmt) or found.other or s.var in found.cond.vars or reads(found.cond) & written(s):
        return None
    s.body = found.then
    return IfStmt(found.cond, [s], [])


def is_worth_it(mask: Node, s: LoopStmt) -> bool:
    """Whether a loop takes longer than a branch that is predicted wrongly, or the mask is seldom true."""
    if mask.kind == "apply" and mask.attrs[0] == "eq" and mask.args[0].dtype.is_float:
        return True
    each = sum(cost_of(n.attrs[0]) for x in s.body for n in nodes_of(x) if n.kind == "apply" and s.var in n.vars)
    return each * reckoned(s.var.extent) >= MISPREDICTED


def reads(root: Node) -> set[Buffer]:
    """The memory that a node reads."""
    seen: set[Node] = set()
    for n in in_order(root, seen.__contains__):  # each once, however many share it
        seen.add(n)
    return {n.attrs[0] for n in seen if n.kind == "load"}


def written(s: Stmt) -> set[Buffer]:
    """The memory that a statement writes to."""
    return {x.buffer for x in statements([s]) if isinstance(x, Store)} | {
        x.store[0] for x in statements([s]) if isinstance(x, Accumulate) and x.store}
