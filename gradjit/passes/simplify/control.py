"""Rules for branches and loops, and for steps that stand among operations: pops, assertions."""

from __future__ import annotations

from ...ir import I64, INDEX, OPS, Block, For, Op, Value, can_fail
from ...ir.clone import Env
from ...ir.core import map_type
from ...ir.ops.tape import record_of
from ..dependence import is_tape
from ..fold import splat_of
from ..patterns import made_by
from ..rewriter import RegionRule, Rewriter


def if_known(rw: Rewriter, op: Op, env: Env) -> bool:
    """if true {a} {b} --> a"""
    c = splat_of(env[op.operands[0]])
    if c is None:
        return False
    chosen = op.regions[0 if c else 1]
    rw.inline(chosen, env)
    for k in rw.live.kept[op]:
        rw.bind(op.results[k], env[chosen.results[k]], env)
    return True


def if_small(rw: Rewriter, op: Op, env: Env) -> bool:
    """if c {a few sums or products of scalars} {likewise} --> select c, then, else

    A branch costs more than a few operations, and keeps what is around it from being done for several elements at once.
    """
    if any(r.type.rank or is_tape(r) for r in op.results) or not all(is_small(region) for region in op.regions):
        return False
    for region in op.regions:
        rw.inline(region, env)
    then, other = op.regions
    for k in rw.live.kept[op]:
        rw.bind(op.results[k], rw.make("select", *(env[v] for v in (op.operands[0], then.results[k],
                                                                    other.results[k]))), env)
    return True


FEW = 4
"""More operations than these are worth a branch."""


def is_small(region: Block) -> bool:
    """Whether a branch has but a few cheap operations on scalars, none of which can fail."""
    work = [op for op in region.ops if op.name != "const"]
    return len(work) <= FEW and all(OPS[op.name].is_cheap and not op.results[0].type.rank and not can_fail(op)
                                    for op in work)


def for_few(rw: Rewriter, op: Op, env: Env) -> bool:
    """for that never runs --> its initial values;  for that runs once --> its body"""
    loop = For(op)
    n = rw.trip_count(*(env[v] for v in loop.bounds))
    if n is None or n > 1:
        return False
    values = loop.inits
    if n == 1:
        for p, v in zip((loop.index, *loop.params), (loop.lo, *values), strict=True):
            if v in env:
                env[p] = env[v]
        rw.inline(loop.body, env)
        values = loop.yields
    for k in rw.live.kept[op]:
        rw.bind(op.results[k], env[values[k]], env)
    return True


def for_counters(rw: Rewriter, op: Op, env: Env) -> bool:
    """for that carries n and yields n + c, c the same in all iterations --> n is computed from the index

    So it is known where it is an index itself, in loops that run backwards, and to who asks for its range.
    """
    loop = For(op)
    lo, hi, step = (env[v] for v in loop.bounds)
    by = rw.ranges.linear(step)
    found = {k: c for k in rw.live.kept[op] if (c := increment(rw, loop, k, env)) is not None}
    if not found or not by.is_const or abs(by.const) != 1:
        return False
    inits = {k: env[loop.inits[k]] for k in found}

    def distance(end: Value) -> Value:
        return rw.make("sub", end, lo) if by.const > 0 else rw.make("sub", lo, end)

    def after(k: int, trip_count: Value) -> Value:
        name, c = found[k]
        return rw.make(name, inits[k], rw.make("mul", c, trip_count))

    def begin() -> None:
        trip_count = distance(env[loop.index])
        env.update({loop.params[k]: after(k, trip_count) for k in found})

    count = rw.make("maximum", distance(hi), rw.const(0, I64))
    for k in found:
        rw.bind(op.results[k], after(k, count), env)
    rw.begin[loop.body] = begin
    rw.live.kept[op] = tuple(k for k in rw.live.kept[op] if k not in found)
    return False


def increment(rw: Rewriter, loop: For, k: int, env: Env) -> tuple[str, Value] | None:
    """By what an iteration changes the carried integer k: `add` or `sub`, and what does not change."""
    param, op = loop.params[k], loop.yields[k].op
    if param.type != INDEX or op is None or op.name not in ("add", "sub") or param not in op.operands:
        return None
    other = op.operands[1] if op.operands[0] is param else op.operands[0]
    if other is param or (op.name == "sub" and op.operands[0] is not param):
        return None
    number = splat_of(other)
    if number is not None:
        return op.name, rw.const(number, I64)
    return (op.name, env[other]) if other in env else None  # what stands in the body is not rebuilt yet


def pop_push(rw: Rewriter, op: Op, env: Env) -> bool:
    """pop (push t, v...) --> t, v..."""
    push, kept = made_by(env[op.operands[0]], "push"), rw.live.kept[op]
    if push is None or push not in rw.block.ops[-NEAR:] or not kept:
        return False
    entries = [record_of(op)[k] for k in kept]
    if [v.type for v in record_of(push)] != [map_type(v.type, env.__getitem__) for v in entries]:
        return False
    rw.block.ops.remove(push)
    for old, new in zip((op.results[0], *entries), push.operands, strict=True):
        rw.bind(old, new, env)
    return True


def assert_true(rw: Rewriter, op: Op, env: Env) -> bool:
    """assert true --> nothing"""
    return bool(splat_of(env[op.operands[0]]))


NEAR = 100
"""So far back the push is looked for."""

RULES: dict[str, tuple[RegionRule, ...]] = {
    "if": (if_known, if_small),
    "for": (for_few, for_counters),
    "pop": (pop_push,),
    "assert": (assert_true,),
}
