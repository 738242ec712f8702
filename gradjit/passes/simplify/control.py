"""Rules for branches and loops."""

from __future__ import annotations

from ...ir import Block, Op
from ...ir.core import map_type
from ...ir.rewrite import Env
from ..flow import is_tape, record
from ..fold import splat_of
from ..kinds import CHEAP
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
    """Whether a branch has but a few cheap operations on scalars, all of which are defined for all operands."""
    work = [op for op in region.ops if op.name != "const"]
    return len(work) <= FEW and all(op.name in CHEAP and not op.results[0].type.rank for op in work)


def for_few(rw: Rewriter, op: Op, env: Env) -> bool:
    """for that never runs --> its initial values;  for that runs once --> its body"""
    n = rw.turns(*(env[v] for v in op.operands[:3]))
    if n is None or n > 1:
        return False
    (body,) = op.regions
    values = op.operands[3:]
    if n == 1:
        for p, v in zip(body.params, (op.operands[0], *values), strict=True):
            if v in env:
                env[p] = env[v]
        rw.inline(body, env)
        values = body.results
    for k in rw.live.kept[op]:
        rw.bind(op.results[k], env[values[k]], env)
    return True


def pop_push(rw: Rewriter, op: Op, env: Env) -> bool:
    """pop (push t, v...) --> t, v..."""
    push, kept = made_by(env[op.operands[0]], "push"), rw.live.kept[op]
    if push is None or push not in rw.block.ops[-NEAR:] or not kept:
        return False
    entries = [record(op)[k] for k in kept]
    if [v.type for v in record(push)] != [map_type(v.type, env.__getitem__) for v in entries]:
        return False
    rw.block.ops.remove(push)
    for old, new in zip((op.results[0], *entries), push.operands, strict=True):
        rw.bind(old, new, env)
    return True


NEAR = 100
"""So far back the push is looked for."""

RULES: dict[str, tuple[RegionRule, ...]] = {
    "if": (if_known, if_small),
    "for": (for_few,),
    "pop": (pop_push,),
}
