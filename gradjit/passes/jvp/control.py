"""Pushforwards through branches and loops: what they hand on is handed on with its tangent.

Each active result gets one more result behind the others; a branch or an initial value without a tangent gives zeros.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TypeVar

from ...ir import ArrayType, Block, Builder, For, Func, If, Loop, Op, Value, While, is_loop
from ...ir.clone import copy_block, copy_op, new_block
from ...ir.core import map_type
from ..masks import TRUTH, Masked, flowing, of_branch, truth_of, unmasked, written
from .driver import Pusher, Walk, pushforward

T = TypeVar("T")


def active(pusher: Pusher, op: Op) -> list[int]:
    """The positions of the results that have tangents. A loop may carry one that nobody reads behind it."""
    handed = [op.results] + ([Loop.of(op).params] if is_loop(op) else [])
    return [k for k, stages in enumerate(zip(*handed, strict=True)) if any(v in pusher.active for v in stages)]


def chosen(values: Sequence[T], positions: Sequence[int]) -> list[T]:
    return [values[k] for k in positions]


class LoopTangents:
    """The tangents that go into, through and out of a loop: `positions` among what it carries, then flags for those at
    `flagged`, which flow in some iterations only."""

    def __init__(self, pusher: Pusher, loop: Loop):
        self.pusher = pusher
        self.loop = loop
        self.positions = active(pusher, loop.op)
        self.flagged = [k for k in self.positions if pusher.is_flagged(loop.params[k])]

    def handed(self, b: Builder, values: Sequence[Value]) -> list[Value]:
        """The tangents of what goes into an iteration (or out of the last), and the flags."""
        flows = {k: self.pusher.flow(b, values[k]) for k in self.positions}
        tangents = [self.pusher.dense(b, values[k], f) for k, f in flows.items()]
        return [*tangents, *(written(b, truth_of(flows[k])) for k in self.flagged)]

    def received(self, primals: Sequence[Value], given: Sequence[Value]) -> None:
        """Bind the tangents of what comes out of an iteration (or into it)."""
        flags = dict(zip(self.flagged, given[len(self.positions):], strict=True))
        for k, t in zip(self.positions, given, strict=False):
            self.pusher.bind(primals[k], Masked(t, flags[k], clean=True) if k in flags else t)

    def parameters(self, fresh: Block) -> list[Value]:
        """One more parameter of a region for each tangent and flag."""
        params = self.loop.params_of(fresh)
        return [*(with_parameter(fresh, params[k]) for k in self.positions),
                *(parameter(fresh, TRUTH) for _ in self.flagged)]

    def body(self) -> Block:
        pusher, old = self.pusher, self.loop.body
        fresh = new_block(old.params, pusher.env)
        params = self.loop.params_of(fresh)
        self.received(params, self.parameters(fresh))
        b = Builder(fresh)
        pusher.run(b, old.ops)
        fresh.results = (*map(pusher.look, old.results), *self.handed(b, self.loop.yields))
        return fresh

    def finish(self, b: Builder, regions: tuple[Block, ...]) -> None:
        """Append the loop with the tangents behind what it carries, and bind its results."""
        op, look = self.loop.op, self.pusher.look
        operands = [*map(look, op.operands), *self.handed(b, self.loop.inits)]
        tangents = [op.results[k].type for k in self.positions] + [TRUTH for _ in self.flagged]
        new = rebuilt(self.pusher, b, op, operands, regions, tangents)
        found = new.results[len(op.results):]
        for k, t in zip(self.positions, found, strict=False):
            t.name = tangent_name(new.results[k])
        self.received(new.results, found)


def with_parameter(block: Block, like: Value) -> Value:
    """One more parameter of a block, for the tangent of one that it has."""
    return parameter(block, like.type, tangent_name(like))


def parameter(block: Block, t: ArrayType, name: str = "") -> Value:
    p = Value(t, block, len(block.params), name)
    block.params = (*block.params, p)
    return p


def tangent_name(v: Value) -> str:
    return f"t_{v.name}" if v.name else ""


def rebuilt(pusher: Pusher, b: Builder, op: Op, operands: Sequence[Value], regions: tuple[Block, ...],
            more: Sequence[ArrayType]) -> Op:
    """Append the operation with more results, and bind those that it had."""
    types = tuple(map_type(t, pusher.look) for t in (*(r.type for r in op.results), *more))
    new = Op(op.name, tuple(operands), op.attrs, types, regions, op.loc)
    b.block.ops.append(new)
    for old, fresh in zip(op.results, new.results, strict=False):
        fresh.name = old.name
        pusher.env[old] = fresh
    return new


def _if(pusher: Pusher, b: Builder, op: Op) -> None:
    """The condition is the mask of what one side alone gives; where a side has masks the branch yields which holds."""
    positions = active(pusher, op)
    sides, inner = [], []
    for old in op.regions:
        side = Builder(Block())
        pusher.run(side, old.ops)
        inner.append(side)
        sides.append([pusher.flow(side, old.results[k]) for k in positions])
    condition = pusher.look(If(op).condition)
    truths = list(zip(*(map(truth_of, flows) for flows in sides), strict=True))
    known = [of_branch(b, condition, *both) for both in truths]
    for s, (old, side, flows) in enumerate(zip(op.regions, inner, sides, strict=True)):
        values = [pusher.dense(side, old.results[k], f) for k, f in zip(positions, flows, strict=True)]
        flags = [written(side, both[s]) for both, one in zip(truths, known, strict=True) if one is None]
        side.block.results = (*map(pusher.look, old.results), *values, *flags)
    more = [*(op.results[k].type for k in positions), *(TRUTH for one in known if one is None)]
    new = rebuilt(pusher, b, op, [condition], tuple(side.block for side in inner), more)
    found = new.results[len(op.results):]
    flagged = iter(found[len(positions):])
    for k, t, both, one in zip(positions, found, truths, known, strict=False):
        t.name = tangent_name(new.results[k])
        if both != (False, False):
            pusher.bind(new.results[k], flowing(t, next(flagged) if one is None else one))


def _for(pusher: Pusher, b: Builder, op: Op) -> None:
    going = LoopTangents(pusher, For(op))
    going.finish(b, (going.body(),))


def _while(pusher: Pusher, b: Builder, op: Op) -> None:
    """The condition takes the tangents as every carried value, and does not read them."""
    going = LoopTangents(pusher, While(op))
    test = copy_block(While(op).condition, pusher.env)
    going.parameters(test)
    going.finish(b, (test, going.body()))


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
    tangents = [unmasked(b, pusher.tangents[operands[k]]) for k in moving]
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
