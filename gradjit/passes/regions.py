"""Rebuilding operations with regions: with live values only, without those that a loop passes on as they came."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

from ..ir import Block, For, If, Loop, Op, Value, While
from ..ir.clone import Env, new_block
from ..ir.core import map_type
from .fold import splat_of

if TYPE_CHECKING:
    from .rewriter import Rewriter


def finish(rw: Rewriter, op: Op, args: Sequence[Value], regions: tuple[Block, ...], kept: Sequence[int],
           env: Env) -> None:
    """Append the rebuilt operation, whose results are those of `op` at `kept`."""
    types = tuple(map_type(op.results[k].type, env.__getitem__) for k in kept)
    new = Op(op.name, tuple(args), op.attrs, types, regions, op.loc)
    rw.place(new)
    for k, r in zip(kept, new.results, strict=True):
        rw.bind(op.results[k], r, env)


def rebuild_if(rw: Rewriter, op: Op, env: Env) -> None:
    """A result that both branches yield alike is computed outside; without others the branch is gone."""
    kept = rw.live.kept[op]
    then, other = (rw.region(r, env, kept, branch=op) for r in op.regions)
    differing = []
    for at, k in enumerate(kept):
        same = _agreed(rw, then.results[at], other.results[at])
        if same is None:
            differing.append(at)
        else:
            rw.bind(op.results[k], same, env)
    for region in (then, other):
        region.results = tuple(region.results[at] for at in differing)
    if differing or op in rw.live.effectful:
        finish(rw, op, (env[If(op).condition],), (then, other), [kept[at] for at in differing], env)


def _agreed(rw: Rewriter, x: Value, y: Value) -> Value | None:
    """The value that both branches yield: one from outside, or a constant."""
    if x is y:
        return x
    a, b = splat_of(x), splat_of(y)
    if a is None or b is None or x.type != y.type or a.tobytes() != b.tobytes() or not x.type.is_static:
        return None
    return rw.full(a, x.type)


class Carried:
    """The values that a loop must carry: live ones that its body changes, those that always agree once.

    kept: their positions. equals: for a value that agrees with one of them, the position of that one.
    """

    def __init__(self, rw: Rewriter, loop: Loop, env: Env, params: Sequence[Sequence[Value]]):
        self.kept: list[int] = []
        self.equals: dict[int, int] = {}
        first: dict[tuple[Value, Value], int] = {}
        for k in rw.live.kept[loop.op]:
            start = env[loop.inits[k]]
            if loop.yields[k] is params[0][k]:
                for p in params:
                    env[p[k]] = start
                rw.bind(loop.results[k], start, env)
                continue
            leader = first.setdefault((start, loop.yields[k]), k)
            if leader == k:
                self.kept.append(k)
            else:
                self.equals[k] = leader

    def block(self, params: Sequence[Value], env: Env, index: Sequence[Value] = ()) -> Block:
        """A block with the parameters that are kept, to which env maps the others."""
        fresh = new_block((*index, *(params[k] for k in self.kept)), env)
        for k, leader in self.equals.items():
            env[params[k]] = env[params[leader]]
        return fresh

    def bind(self, rw: Rewriter, op: Op, env: Env) -> None:
        for k, leader in self.equals.items():
            rw.bind(op.results[k], env[op.results[leader]], env)

    def look_again(self, rw: Rewriter, inits: Sequence[Value], params: Sequence[Value], results: Sequence[Value]
                   ) -> None:
        """Another walk finds more if now a value is passed on as it came, or two agree."""
        unchanged = any(r is p for r, p in zip(results, params, strict=True))
        rw.again = rw.again or unchanged or len(set(zip(inits, results, strict=True))) < len(results)


def rebuild_for(rw: Rewriter, op: Op, env: Env) -> None:
    loop = For(op)
    carried = Carried(rw, loop, env, (loop.params,))
    if not carried.kept and op not in rw.live.effectful:
        return
    lo, hi, step = (env[v] for v in loop.bounds)
    fresh = carried.block(loop.params, env, (loop.index,))
    index, *params = fresh.params
    rw.declare(index, lo, hi, step)
    rw.fill(fresh, loop.body, env, carried.kept, turning=True, sure=rw.runs(lo, hi, step))
    starts = [env[loop.inits[k]] for k in carried.kept]
    carried.look_again(rw, starts, params, fresh.results)
    finish(rw, op, [lo, hi, step, *starts], (fresh,), carried.kept, env)
    carried.bind(rw, op, env)


def rebuild_while(rw: Rewriter, op: Op, env: Env) -> None:
    """A loop whose condition is false from the start leaves its initial values."""
    loop = While(op)
    carried = Carried(rw, loop, env, (loop.params, loop.condition.params))
    kept, starts = carried.kept, [env[loop.inits[k]] for k in carried.kept]
    first = rw.fill(carried.block(loop.condition.params, env), loop.condition, env, turning=True, sure=True)
    never = splat_of(first.results[0])
    if (not kept and op not in rw.live.effectful) or (never is not None and not never):
        for k, start in zip(kept, starts, strict=True):
            rw.bind(op.results[k], start, env)
    else:
        second = rw.fill(carried.block(loop.params, env), loop.body, env, kept, turning=True)
        carried.look_again(rw, starts, second.params, second.results)
        finish(rw, op, starts, (first, second), kept, env)
    carried.bind(rw, op, env)


REBUILD: dict[str, Callable[[Rewriter, Op, Env], None]] = {
    "if": rebuild_if, "for": rebuild_for, "while": rebuild_while,
}
