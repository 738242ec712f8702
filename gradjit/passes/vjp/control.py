"""Reverses of loops and branches: a loop that runs backwards, a branch on the same condition.

What a region reads from outside gets its cotangent through the reverse as well: a loop carries it from turn to turn,
begun with what has arrived, so that what the turns add is added in place; a branch yields it from both sides.
Here the reverses read the values of the forward regions as if they were in scope; `residuals` brings them there.
"""

from __future__ import annotations

from collections.abc import Sequence

from ...ir import INDEX, Block, Builder, For, Func, Loop, Op, Value, While, captures
from ...ir.rewrite import Env
from ..checks import append_parameter
from ..dce import dce
from ..fold import splat_of
from .checkpoint import checkpointed, is_checkpointed
from .driver import Reverser, Walk, pullback
from .twins import Pair, Twin, carry, complete, insert, result


def _for(reverser: Reverser, op: Op) -> None:
    if is_checkpointed(op):
        return checkpointed(reverser, op)
    loop_reversed(reverser, For(op), backwards(reverser.b, op))


def _while(reverser: Reverser, op: Op) -> None:
    """The forward loop counts its turns; the reverse's index is the number of the turn."""
    turns = counted(reverser.source, op)
    one, down = (reverser.b.const(n, INDEX.dtype) for n in (1, -1))
    loop_reversed(reverser, While(op), (reverser.b.sub(turns, one), down, down))


def loop_reversed(reverser: Reverser, loop: Loop, bounds: Sequence[Value]) -> None:
    """The reverse of a loop: it carries the cotangents of carried values, then of what the body reads from outside."""
    op, params = loop.op, loop.params
    carried = [k for k, p in enumerate(params) if reverser.wants(p) or reverser.wants(op.results[k])]
    captured = [v for v in captures(op) if reverser.wants(v)]
    begun = [reverser.taken(op.results[k]) or reverser.zero(params[k]) for k in carried]
    begun += [reverser.taken(v) or reverser.zero(v) for v in captured]
    types = [v.type for v in (*(params[k] for k in carried), *captured)]
    back = Block((INDEX, *types), ("", *(ct_name(v) for v in (*(params[k] for k in carried), *captured))))
    inner = reverser.within(back, loop.body)
    for v, ct in zip((*captured, *(loop.yields[k] for k in carried)),
                     (*back.params[1 + len(carried):], *back.params[1:1 + len(carried)]), strict=True):
        inner.add(v, ct)
    inner.run()
    inner.b.loc = op.loc
    back.results = tuple(inner.taken(v) or inner.zero(v) for v in (*(params[k] for k in carried), *captured))
    made = reverser.b.append("for", (*bounds, *begun), {"snapshots": 0}, (back,))
    for v, ct in zip((*(loop.inits[k] for k in carried), *captured), made.results, strict=True):
        reverser.add(v, ct)
    reverser.twins.append(Twin(op, made, (Pair(loop.body, back, inner.twins),)))


def _call(reverser: Reverser, op: Op) -> None:
    """The reverse of an isolated call: it calls a function that runs the callee once more, and its reverse."""
    callee: Func = op.attrs["callee"]
    wrt = [k for k, v in enumerate(op.operands) if reverser.wants(v)]
    cts = {k: ct for k, r in enumerate(op.results) if (ct := reverser.taken(r)) is not None}

    def seeds(b: Builder, block: Block, env: Env) -> list[Value | None]:
        return [append_parameter(block, env[r], ct_name(r)) if k in cts else None
                for k, r in enumerate(callee.results)]

    func = pullback(callee, wrt, reverser.tables, ".vjp", seeds)
    func.body.results = func.results[len(callee.results):]
    b = reverser.b
    given = [b.barrier(v) if v.dtype.is_inexact else v for v in op.operands]
    made = b.append("call", (*given, *cts.values()), {"callee": dce(func), "isolated": True},
                    results=[op.operands[k].type for k in wrt])
    for k, ct in zip(wrt, made.results, strict=True):
        reverser.add(op.operands[k], ct)


def ct_name(v: Value) -> str:
    return f"ct_{v.name}" if v.name else ""


def backwards(b: Builder, op: Op) -> tuple[Value, Value, Value]:
    """The bounds and step of the same indices in reverse order."""
    lo, hi, step = For(op).bounds
    known = [splat_of(v) for v in (lo, hi, step)]
    if all(n is not None for n in known):
        r = range(*map(int, known))[::-1]
        return tuple(b.const(n, INDEX.dtype) for n in (r.start, r.stop, r.step))  # type: ignore[return-value]
    one = b.const(1, INDEX.dtype)
    if known[2] == 1:
        return b.sub(hi, one), b.sub(lo, one), b.const(-1, INDEX.dtype)
    if known[2] == -1:
        return b.add(hi, one), b.add(lo, one), one
    # The last index is `lo` and as many steps as lie before `hi`; a loop without turns has one before `lo`, and less.
    steps = b.floordiv(b.sub(b.sub(hi, lo), b.sign(step)), step)
    return b.add(lo, b.mul(steps, step)), b.sub(lo, step), b.neg(step)


def counted(source: Block, op: Op) -> Value:
    """How many turns a `while` made: one more value that it carries. `source` is the block that it stands in."""
    before = Builder(Block(), op.loc)
    param = carry(op, before.const(0, INDEX.dtype), "turns")
    turns = result(op, INDEX)
    insert(source, op, before.block.ops)
    b = Builder(op.regions[1], op.loc)
    complete(op, b.add(param, b.const(1, INDEX.dtype)))
    return turns


def _if(reverser: Reverser, op: Op) -> None:
    """Each side goes on from the cotangents that have arrived for what the branch reads."""
    captured = [v for v in captures(op) if reverser.wants(v)]
    begun = [reverser.taken(v) for v in (*op.results, *captured)]
    sides = [reverser.within(Block(), region) for region in op.regions]
    found = [side(inner, (*inner.source.results, *captured), begun, captured) for inner in sides]
    kept = [k for k in range(len(captured)) if any(cts[k] is not None for cts in found)]
    for inner, cts in zip(sides, found, strict=True):
        inner.b.block.results = tuple(cts[k] or inner.zero(captured[k]) for k in kept)
    made = reverser.b.append("if", op.operands, {}, tuple(inner.b.block for inner in sides),
                             [captured[k].type for k in kept])
    for k, ct in zip(kept, made.results, strict=True):
        reverser.add(captured[k], ct)
    reverser.twins.append(Twin(op, made, tuple(Pair(inner.source, inner.b.block, inner.twins) for inner in sides)))


def side(inner: Reverser, values: Sequence[Value], begun: Sequence[Value | None], captured: Sequence[Value]
         ) -> list[Value | None]:
    """Run the reverse of one branch; the cotangents of what it reads from outside."""
    for v, ct in zip(values, begun, strict=True):
        inner.add(v, ct)
    inner.run()
    inner.b.loc = None
    return [inner.taken(v) for v in captured]


RULES: dict[str, Walk] = {"for": _for, "while": _while, "if": _if, "call": _call}
CONSTANT: dict[str, str] = {}
