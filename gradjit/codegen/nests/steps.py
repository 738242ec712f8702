"""Loops, branches, and what parts and moves memory."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING

from ...errors import UnsupportedError
from ...ir import I64, For, If, Op, Value, While
from .. import loops
from ..affine import ANYWHERE, Affine, Var
from ..buffers.roots import begin_of, root_of
from ..loops import Assign, Cell, Exchange, Let, Node, Repeat, Stmt, Tape, View

if TYPE_CHECKING:
    from .lowering import Nests

Place = View | Cell | Tape
"""Where a carried value is: a scalar in a cell, an array in its memory, a tape as it is."""


def for_(low: Nests, op: Op) -> list[Stmt]:
    out: list[Stmt] = []
    loop = For(op)
    lo, hi, step = (low.scalar(v) for v in loop.bounds)
    places = [carry(low, init, p, out) for init, p in zip(loop.inits, loop.params, strict=True)]
    least, greatest = low.bounds.ranges.interval(loop.index)
    var = Var(f"k{low.serial()}", -ANYWHERE if least is None else least,
              ANYWHERE if greatest is None else greatest + 1)
    low.homes[loop.index] = low.nodes.index(Affine.of(var), I64)
    body: list[Stmt] = []
    enter(low, loop.params, places, body)
    body += low.block(loop.body)
    body += give(low, loop.yields, places)
    out.append(Repeat(var, lo, hi, step, body))
    enter(low, op.results, places, out)
    return out


def while_(low: Nests, op: Op) -> list[Stmt]:
    out: list[Stmt] = []
    loop = While(op)
    places = [carry(low, init, p, out) for init, p in zip(loop.inits, loop.params, strict=True)]
    var = Var(f"k{low.serial()}")
    head: list[Stmt] = []
    enter(low, loop.condition.params, places, head)
    head += low.block(loop.condition)
    test = low.scalar(loop.test)
    body: list[Stmt] = []
    enter(low, loop.params, places, body)
    body += low.block(loop.body)
    body += give(low, loop.yields, places)
    out.append(loops.WhileStmt(var, head, test, body))
    enter(low, op.results, places, out)
    return out


def if_(low: Nests, op: Op) -> list[Stmt]:
    out: list[Stmt] = []
    places = [branch_place(low, op, r) for r in op.results]
    bodies = []
    for region in op.regions:
        body = low.block(region)
        bodies.append(body + give(low, region.results, places))
    out.append(loops.IfStmt(low.scalar(If(op).condition), *bodies))
    enter(low, op.results, places, out)
    return out


def carry(low: Nests, init: Value, param: Value, out: list[Stmt]) -> Place:
    """Where a loop keeps a value that it carries, with its initial value there."""
    if init.dtype.kind == "O":
        return low.tape(init)
    home = low.place(param)
    if home is not None:
        home.buffer.changing = True
        return home
    cell = Cell(f"v{low.serial()}", init.dtype)
    out.append(Assign((cell,), (low.scalar(init),)))
    return cell


def enter(low: Nests, values: Iterable[Value], places: Iterable[Place], out: list[Stmt]) -> None:
    """Bind what a region carries, or has left behind, to where it is."""
    for v, place in zip(values, places, strict=True):
        if isinstance(place, Cell):
            low.homes[v] = node = read(low, place)
            out.append(Let(node))
        elif isinstance(place, View):
            low.renew(v, place)
        else:
            low.homes[v] = place


def read(low: Nests, cell: Cell) -> Node:
    """What the cell holds now."""
    return low.nodes.make("cell", (), (cell, next(low.states)), cell.dtype, frozenset())


def give(low: Nests, results: Sequence[Value], places: Sequence[Place]) -> list[Stmt]:
    """Bring the scalars that a region yields to where they are carried: all at once."""
    changed = []
    for v, place in zip(results, places, strict=True):
        assert not isinstance(place, Tape) or low.tape(v) is place, "a tape leaves a region as another one"
        if isinstance(place, Cell):
            node = low.scalar(v)
            if not (node.kind == "cell" and node.attrs[0] is place):
                changed.append((place, node))
    if not changed:
        return []
    cells, nodes = zip(*changed, strict=True)
    return [Assign(cells, nodes)]


def branch_place(low: Nests, op: Op, r: Value) -> Place:
    """Where a branch leaves a result."""
    if r.dtype.kind == "O":
        return branch_tape(low, op, r)
    home = low.place(r)
    if home is not None:
        home.buffer.changing = True
        return home
    return Cell(f"v{low.serial()}", r.dtype)


def branch_tape(low: Nests, op: Op, r: Value) -> Tape:
    """The tape that a branch leaves: the one from outside that both sides go on with, or one that both begin."""
    source, *others = {root_of(region, region.results[r.index]) for region in op.regions}
    if source is not None and not others:
        return low.tape(source)
    begins = [begin_of(region, region.results[r.index]) for region in op.regions]
    if any(v.op is None or v.op not in region.ops for v, region in zip(begins, op.regions, strict=True)):
        raise UnsupportedError("a branch whose sides keep values on different tapes has no compiled form"
                               + (f"\n  {op.loc.full}" if op.loc else ""))
    tape = low.new_tape(r)
    low.tapes.update(dict.fromkeys(begins, tape))
    return tape


def trade(low: Nests, op: Op) -> list[Stmt]:
    (new,) = op.operands
    home, place = low.home(new), low.place(op.result)
    assert isinstance(home, View) and place is not None
    home.buffer.changing = True
    low.homes[op.result] = place
    return [Exchange(place.buffer, home.buffer)]


def fence(low: Nests, op: Op) -> list[Stmt]:
    return []


STEPS = {"for": for_, "while": while_, "if": if_, "trade": trade, "fence": fence}
