"""Rules for branches and loops."""

from __future__ import annotations

from ...ir import Op
from ...ir.rewrite import Env
from ..fold import splat_of
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


def trips(op: Op, env: Env) -> int | None:
    """How often a `for` runs, where its bounds are known."""
    bounds = [splat_of(env[v]) for v in op.operands[:3]]
    if any(b is None for b in bounds) or bounds[2] == 0:
        return None
    lo, hi, step = map(int, bounds)
    return len(range(lo, hi, step))


def for_few(rw: Rewriter, op: Op, env: Env) -> bool:
    """for that never runs --> its initial values;  for that runs once --> its body"""
    n = trips(op, env)
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


RULES: dict[str, tuple[RegionRule, ...]] = {"if": (if_known,), "for": (for_few,)}
