"""Pushforwards through branches and loops: what they hand on is handed on with its tangent.

Each active result gets one more result behind the others; a branch or an initial value without a tangent gives zeros.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TypeVar

from ...ir import Block, Builder, For, Func, If, Loop, Op, Value, While, is_loop
from ...ir.core import map_type
from ...ir.rewrite import copy_block, copy_op, new_block
from .driver import Pusher, Walk, pushforward

T = TypeVar("T")


def active(pusher: Pusher, op: Op) -> list[int]:
    """The positions of the results that have tangents. A loop may carry one that nobody reads behind it."""
    handed = [op.results] + ([Loop.of(op).params] if is_loop(op) else [])
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


def carrying(pusher: Pusher, loop: Loop, positions: Sequence[int]) -> Block:
    """A block with the parameters of a loop's body, then a tangent for each carried value at `positions`."""
    fresh = new_block(loop.body.params, pusher.env)
    for p in chosen(loop.params_of(fresh), positions):
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
    finish(pusher, b, op, [pusher.look(If(op).condition)], regions, positions)


def _for(pusher: Pusher, b: Builder, op: Op) -> None:
    positions, loop = active(pusher, op), For(op)
    operands = [*map(pusher.look, op.operands), *(pusher.tangent(b, v) for v in chosen(loop.inits, positions))]
    finish(pusher, b, op, operands, (body(pusher, loop.body, carrying(pusher, loop, positions), positions),), positions)


def _while(pusher: Pusher, b: Builder, op: Op) -> None:
    """The condition takes the tangents as every carried value, and does not read them."""
    positions, loop = active(pusher, op), While(op)
    operands = [*map(pusher.look, loop.inits), *(pusher.tangent(b, v) for v in chosen(loop.inits, positions))]
    test = copy_block(loop.condition, pusher.env)
    for p in chosen(test.params, positions):
        with_parameter(test, p)
    finish(pusher, b, op, operands, (test, body(pusher, loop.body, carrying(pusher, loop, positions), positions)),
           positions)


def _call(pusher: Pusher, b: Builder, op: Op) -> None:
    """The call of the callee's pushforward along the operands that have tangents."""
    callee: Func = op.attrs["callee"]
    operands = list(map(pusher.look, op.operands))
    moving = [k for k, v in enumerate(operands) if v in pusher.tangents]
    if not moving:
        copy_op(b, op, pusher.env)
        return
    func = pushforward(callee, moving, pusher.tables)
    floats = [k for k, r in enumerate(op.results) if r.dtype.is_inexact]
    types = [map_type(op.results[k].type, pusher.look) for k in (*range(len(op.results)), *floats)]
    tangents = [pusher.tangents[operands[k]] for k in moving]
    new = b.append("call", (*operands, *tangents), {**op.attrs, "callee": func}, results=types)
    for old, fresh in zip(op.results, new.results, strict=False):
        fresh.name = old.name
        pusher.env[old] = fresh
    for k, t in zip(floats, new.results[len(op.results):], strict=True):
        t.name = tangent_name(new.results[k])
        pusher.bind(new.results[k], t)


RULES: dict[str, Walk] = {"if": _if, "for": _for, "while": _while, "call": _call}
CONSTANT: dict[str, str] = {}
UNSUPPORTED: dict[str, str] = {}
