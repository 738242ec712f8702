"""Pushforwards through branches and loops: what they hand on is handed on with its tangent.

Each active result gets one more result behind the others; a branch or an initial value without a tangent gives zeros.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TypeVar

from ...ir import Block, Builder, Op, Value
from ...ir.core import map_type
from ...ir.rewrite import copy_block, new_block
from .driver import Pusher, Walk

T = TypeVar("T")


def active(pusher: Pusher, op: Op) -> list[int]:
    """The positions of the results that have tangents. A loop may carry one that nobody reads behind it."""
    handed = [op.results] + ([op.regions[-1].params[op.name == "for":]] if op.name != "if" else [])
    return [k for k, stages in enumerate(zip(*handed, strict=True)) if any(v in pusher.active for v in stages)]


def chosen(values: Sequence[T], positions: Sequence[int]) -> list[T]:
    return [values[k] for k in positions]


def body(pusher: Pusher, old: Block, fresh: Block, positions: Sequence[int]) -> Block:
    """Fill a block with the operations of `old`; it yields what `old` does, then the tangents at `positions`."""
    b = Builder(fresh)
    pusher.run(b, old.ops)
    tangents = [pusher.tangent(b, v) for v in chosen(old.results, positions)]
    fresh.results = (*map(pusher.look, old.results), *tangents)
    return fresh


def carrying(pusher: Pusher, old: Block, skipped: int, positions: Sequence[int]) -> Block:
    """A block with the parameters of `old`, then a tangent for each carried value at `positions`."""
    fresh = new_block(old.params, pusher.env)
    moved = [fresh.params[skipped + k] for k in positions]
    for p in moved:
        pusher.bind(p, with_parameter(fresh, p))
    return fresh


def with_parameter(block: Block, like: Value) -> Value:
    """One more parameter of a block, for the tangent of one that it has."""
    t = Value(like.type, block, len(block.params), tangent_name(like))
    block.params = (*block.params, t)
    return t


def tangent_name(v: Value) -> str:
    return f"t_{v.name}" if v.name else ""


def finish(pusher: Pusher, b: Builder, op: Op, operands: Sequence[Value], regions: tuple[Block, ...],
           positions: Sequence[int]) -> None:
    """Append the rebuilt operation and bind its results and their tangents."""
    types = tuple(map_type(r.type, pusher.look) for r in (*op.results, *chosen(op.results, positions)))
    new = Op(op.name, tuple(operands), op.attrs, types, regions, op.loc)
    b.block.ops.append(new)
    count = len(op.results)
    for old, fresh in zip(op.results, new.results[:count], strict=True):
        fresh.name = old.name
        pusher.env[old] = fresh
    for k, t in zip(positions, new.results[count:], strict=True):
        t.name = tangent_name(new.results[k])
        pusher.bind(new.results[k], t)


def _if(pusher: Pusher, b: Builder, op: Op) -> None:
    positions = active(pusher, op)
    regions = tuple(body(pusher, r, Block(), positions) for r in op.regions)
    finish(pusher, b, op, [pusher.look(op.operands[0])], regions, positions)


def _for(pusher: Pusher, b: Builder, op: Op) -> None:
    positions, inits = active(pusher, op), op.operands[3:]
    operands = [*map(pusher.look, op.operands), *(pusher.tangent(b, v) for v in chosen(inits, positions))]
    (old,) = op.regions
    finish(pusher, b, op, operands, (body(pusher, old, carrying(pusher, old, 1, positions), positions),), positions)


def _while(pusher: Pusher, b: Builder, op: Op) -> None:
    """The condition takes the tangents as every carried value, and does not read them."""
    positions = active(pusher, op)
    operands = [*map(pusher.look, op.operands), *(pusher.tangent(b, v) for v in chosen(op.operands, positions))]
    cond, old = op.regions
    test = copy_block(cond, pusher.env)
    for p in chosen(test.params, positions):
        with_parameter(test, p)
    finish(pusher, b, op, operands, (test, body(pusher, old, carrying(pusher, old, 0, positions), positions)),
           positions)


RULES: dict[str, Walk] = {"if": _if, "for": _for, "while": _while}
CONSTANT: dict[str, str] = {}
UNSUPPORTED: dict[str, str] = {}
