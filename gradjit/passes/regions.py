"""Rebuilding operations with regions: with live values only, without those that a loop passes on as they came."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

from ..ir import Block, Op, Value
from ..ir.core import map_type
from ..ir.rewrite import Env, new_block
from .fold import splat_of

if TYPE_CHECKING:
    from .rewriter import Rewriter


def finish(rw: Rewriter, op: Op, args: Sequence[Value], regions: tuple[Block, ...], kept: Sequence[int],
           env: Env) -> None:
    """Append the rebuilt operation, whose results are those of `op` at `kept`."""
    types = tuple(map_type(op.results[k].type, env.__getitem__) for k in kept)
    new = Op(op.name, tuple(args), op.attrs, types, regions, op.loc)
    rw.block.ops.append(new)
    for k, r in zip(kept, new.results, strict=True):
        rw.bind(op.results[k], r, env)


def rebuild_if(rw: Rewriter, op: Op, env: Env) -> None:
    """A result that both branches yield alike is computed outside; without others the branch is gone."""
    kept = rw.live.kept[op]
    then, other = (rw.region(r, env, kept) for r in op.regions)
    differing = []
    for at, k in enumerate(kept):
        same = _agreed(rw, then.results[at], other.results[at])
        if same is None:
            differing.append(at)
        else:
            rw.bind(op.results[k], same, env)
    for region in (then, other):
        region.results = tuple(region.results[at] for at in differing)
    if differing:
        finish(rw, op, (env[op.operands[0]],), (then, other), [kept[at] for at in differing], env)


def _agreed(rw: Rewriter, x: Value, y: Value) -> Value | None:
    """The value that both branches yield: one from outside, or a constant."""
    if x is y:
        return x
    a, b = splat_of(x), splat_of(y)
    if a is None or b is None or x.type != y.type or a.tobytes() != b.tobytes() or not x.type.is_static:
        return None
    return rw.full(a, x.type)


def carried(rw: Rewriter, op: Op, env: Env, inits: Sequence[Value], body: Block, params: Sequence[Sequence[Value]]
            ) -> list[int]:
    """The positions of the values that a loop must carry: live ones that its body changes. The others become their
    initial values, inside and behind the loop."""
    changing = []
    for k in rw.live.kept[op]:
        if body.results[k] is not params[0][k]:
            changing.append(k)
            continue
        for p in params:
            env[p[k]] = env[inits[k]]
        rw.bind(op.results[k], env[inits[k]], env)
    return changing


def rebuild_for(rw: Rewriter, op: Op, env: Env) -> None:
    (body,) = op.regions
    inits = op.operands[3:]
    kept = carried(rw, op, env, inits, body, (body.params[1:],))
    if not kept:
        return
    fresh = new_block((body.params[0], *(body.params[k + 1] for k in kept)), env)
    rw.fill(fresh, body, env, kept)
    rw.again = rw.again or any(r is p for r, p in zip(fresh.results, fresh.params[1:], strict=True))
    finish(rw, op, [env[v] for v in op.operands[:3]] + [env[inits[k]] for k in kept], (fresh,), kept, env)


def rebuild_while(rw: Rewriter, op: Op, env: Env) -> None:
    """A loop whose condition is false from the start leaves its initial values."""
    cond, body = op.regions
    kept = carried(rw, op, env, op.operands, body, (body.params, cond.params))
    first = rw.fill(new_block((cond.params[k] for k in kept), env), cond, env)
    never = splat_of(first.results[0])
    if not kept or (never is not None and not never):
        for k in kept:
            rw.bind(op.results[k], env[op.operands[k]], env)
        return
    second = rw.fill(new_block((body.params[k] for k in kept), env), body, env, kept)
    rw.again = rw.again or any(r is p for r, p in zip(second.results, second.params, strict=True))
    finish(rw, op, [env[op.operands[k]] for k in kept], (first, second), kept, env)


REBUILD: dict[str, Callable[[Rewriter, Op, Env], None]] = {
    "if": rebuild_if, "for": rebuild_for, "while": rebuild_while,
}
