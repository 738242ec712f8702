"""Values with a rule of their own keep it: the rule is batched, too. A function that is not looked into is called for
each lane that takes part."""

from __future__ import annotations

from collections.abc import Sequence

from ...ir import BOOL, I64, INDEX, Block, Builder, Func, Op, Value
from ...ir.clone import copy_op, inline
from ...ir.ops.custom import Rule as Custom
from .driver import Batcher, Rule, Walk, all_spread, raised


class Batched(Custom):
    """A rule over a stack. flags: which operands differ along it."""

    def __init__(self, rule: Custom, flags: Sequence[bool], size: int):
        super().__init__(rule.name.partition("#")[0], rule.refused)
        self.rule, self.flags, self.size = rule, list(flags), size

    def push(self) -> Func | None:
        from . import batch
        func = self.rule.push()
        if func is None:
            return None
        moving = [f for f, p in zip(self.flags, func.params, strict=False) if p.dtype.is_inexact]
        return batch(func, [*self.flags, *moving], self.size)

    def pull(self) -> Func | None:
        """What all examples share gets the sum of their cotangents."""
        from . import batch
        func = self.rule.pull()
        if func is None:
            return None
        shared = [not f for f, p in zip(self.flags, func.params, strict=False) if p.dtype.is_inexact]
        many = batch(func, [*self.flags, *[True] * (len(func.params) - len(self.flags))], self.size)
        block = Block(tuple(p.type for p in many.params))
        b = Builder(block)
        block.results = tuple(b.sum(v, axes=(0,)) if one else v
                              for v, one in zip(inline(b, many, block.params), shared, strict=True))
        return Func(many.name, block)


def custom(b: Builder, op: Op, operands: Sequence[Value], batched: Sequence[bool], size: int) -> Sequence[Value]:
    n = op.attrs["results"]
    results = all_spread(b, operands[:n], batched[:n], size)
    attrs = {**op.attrs, "rule": Batched(op.attrs["rule"], batched[n:], size)}
    return b.append("custom", (*results, *operands[n:]), attrs).results


def opaque(batcher: Batcher, b: Builder, op: Op) -> None:
    """A loop over the lanes, which fills the stack of each result."""
    if not any(map(batcher.has, op.operands)):
        copy_op(b, op, batcher.env)
        return
    stacks = [raised(t, batcher.size) for t in op.attrs["types"]]
    block = Block((INDEX, *stacks))
    inner, (lane, *filled) = Builder(block, op.loc), block.params
    results = for_lane(batcher, inner, op, lane)
    block.results = tuple(
        inner.update(stack, inner.reshape_to(r, (1, *r.shape)), starts=(lane, *(0 for _ in r.shape)),
                     steps=(1,) * stack.type.rank) for stack, r in zip(filled, results, strict=True))
    bounds = [b.const(n, I64) for n in (0, batcher.size, 1)]
    made = b.append("for", (*bounds, *map(b.zeros, stacks)), {"snapshots": 0}, (block,)).results
    for old, new in zip(op.results, made, strict=True):
        batcher.bind(old, new)


def for_lane(batcher: Batcher, b: Builder, op: Op, lane: Value) -> Sequence[Value]:
    """The results of a lane; zeros where it does not take part."""
    operands = [of_lane(b, batcher.look(v), lane) if batcher.has(v) else batcher.look(v) for v in op.operands]
    if batcher.mask is None:
        return b.append(op.name, operands, op.attrs).results
    then, other = Block(), Block()
    then.results = Builder(then, op.loc).append(op.name, operands, op.attrs).results
    zeros = Builder(other, op.loc)
    other.results = tuple(zeros.zeros(r.type) for r in op.results)
    takes_part = of_lane(b, batcher.mask, lane)
    assert takes_part.dtype is BOOL
    return b.append("if", (takes_part,), {}, (then, other), [r.type for r in op.results]).results


def of_lane(b: Builder, stack: Value, lane: Value) -> Value:
    rest = stack.shape[1:]
    one = b.slice(stack, starts=(lane, *(0 for _ in rest)), sizes=(1, *rest), steps=(1,) * stack.type.rank)
    return b.reshape_to(one, rest)


LOCAL: dict[str, Rule] = {"custom": custom}
WALKS: dict[str, Walk] = {"opaque": opaque}
RULES: dict[str, Rule | Walk] = {**LOCAL, **WALKS}
