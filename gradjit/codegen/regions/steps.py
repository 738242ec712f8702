"""Loops and branches."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ...errors import UnsupportedError
from ...ir import I64, For, If, Op, Value, While
from .. import loops
from ..affine import ANYWHERE, Affine, Var
from ..loops import Cell, Repeat, Stmt, Tape, View
from .block_state import BlockState
from .carried_memory import Place, carry, enter, give, leave
from .hazards import begin_of, is_single, is_whole, root_of

if TYPE_CHECKING:
    from .lowering import Regions


def for_(low: Regions, scope: BlockState, k: int, op: Op) -> list[Stmt]:
    out: list[Stmt] = []
    loop = For(op)
    lo, hi, step = (low.scalar(scope, v) for v in loop.bounds)
    places = [carry(low, scope, k, op, init, out) for init in loop.inits]
    least, greatest = low.ranges.interval(loop.index)
    var = Var(f"k{low.serial()}", -ANYWHERE if least is None else least,
              ANYWHERE if greatest is None else greatest + 1)
    inner = BlockState(scope, loop.body)
    inner.homes[loop.index] = low.nodes.index(Affine.of(var), I64)
    body: list[Stmt] = []
    enter(low, inner, loop.params, places, body)
    body += low.block(inner, list(zip(loop.yields, places, strict=True)))
    body += give(low, inner, loop.yields, places)
    out.append(Repeat(var, lo, hi, step, body))
    leave(low, scope, op.results, places, out)
    return out


def while_(low: Regions, scope: BlockState, k: int, op: Op) -> list[Stmt]:
    out: list[Stmt] = []
    loop = While(op)
    places = [carry(low, scope, k, op, init, out) for init in loop.inits]
    var = Var(f"k{low.serial()}")
    first, inner = BlockState(scope, loop.condition), BlockState(scope, loop.body)
    head: list[Stmt] = []
    enter(low, first, loop.condition.params, places, head)
    first.owned.clear()  # a condition changes nothing
    head += low.block(first)
    body: list[Stmt] = []
    enter(low, inner, loop.params, places, body)
    body += low.block(inner, list(zip(loop.yields, places, strict=True)))
    body += give(low, inner, loop.yields, places)
    out.append(loops.WhileStmt(var, head, low.scalar(first, loop.test), body))
    leave(low, scope, op.results, places, out)
    return out


def if_(low: Regions, scope: BlockState, k: int, op: Op) -> list[Stmt]:
    out: list[Stmt] = []
    places = [branch_place(low, scope, k, op, r) for r in op.results]
    bodies = []
    for region in op.regions:
        inner = BlockState(scope, region)
        inner.owned.update(p.buffer for p in places if isinstance(p, View))
        body = low.block(inner)
        bodies.append(body + give(low, inner, region.results, places))
    out.append(loops.IfStmt(low.scalar(scope, If(op).condition), *bodies))
    leave(low, scope, op.results, places, out)
    return out


def branch_place(low: Regions, scope: BlockState, k: int, op: Op, r: Value) -> Place:
    """Where a branch leaves a result: the memory of the array that both sides may change, where it is free."""
    sources = {root_of(region, region.results[r.index]) for region in op.regions}
    (source, *others) = sources
    if r.dtype.kind == "O":
        return branch_tape(low, scope, op, r, source if not others else None)
    if is_single(r.type):
        return Cell(f"v{low.serial()}", r.dtype)
    if source is not None and not others and may_lend(low, scope, k, op, source):
        home = scope.home(source)
        assert isinstance(home, View)
        low.changing.add(home.buffer)
        return home
    home = low.buffer(scope, low.static(scope, r.type), r.name)
    low.changing.add(home.buffer)
    return home


def branch_tape(low: Regions, scope: BlockState, op: Op, r: Value, source: Value | None) -> Tape:
    """The tape that a branch leaves: the one from outside that both sides go on with, or one that both begin."""
    if source is not None:
        return low.tape(scope, source)
    begins = [begin_of(region, region.results[r.index]) for region in op.regions]
    if any(v.op is None or v.op not in region.ops for v, region in zip(begins, op.regions, strict=True)):
        raise UnsupportedError("a branch whose sides keep values on different tapes has no compiled form"
                               + (f"\n  {op.loc.full}" if op.loc else ""))
    tape = low.new_tape(r)
    low.tapes.update(dict.fromkeys(begins, tape))
    return tape


def may_lend(low: Regions, scope: BlockState, k: int, op: Op, x: Value) -> bool:
    home = scope.home(x)
    roots = [root_of(region, v) for region in op.regions for v in region.results]
    return (isinstance(home, View) and home.buffer in scope.owned and is_whole(home, x.type)
            and scope.last[x] == k and x not in op.operands and roots.count(x) == len(op.regions))


STEPS = {"for": for_, "while": while_, "if": if_}
