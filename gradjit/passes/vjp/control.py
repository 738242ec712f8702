"""Reverses of loops and branches: a loop that runs backwards, a branch on the same condition.

What a region reads from outside gets its cotangent through the reverse as well: a loop carries it from iteration to
iteration, begun with what has arrived, so that what the iterations add is added in place; a branch yields it from both
sides. Here the reverses read the values of the forward regions as if they were in scope; `residuals` brings them there.
"""

from __future__ import annotations

from collections.abc import Sequence

from ...ir import INDEX, Block, Builder, For, Func, If, Loop, Op, Value, While, captures
from ...ir.clone import Env
from ...ir.ranges import range_length
from ..checks import append_parameter
from ..dce import dce
from ..fold import splat_of
from ..masks import TRUTH, Cotangent, Flow, Masked, Signed, Truth, calm, flowing, of_branch, truth_of, written
from .adjoint_pairs import OpPair, RegionPair, carry, complete, insert, parameter, result
from .carried_cotangents import CarriedCotangents
from .checkpoint import checkpointed, is_checkpointed
from .coverage import NONE, PARTIAL, Coverages
from .driver import Reverser, Walk, pullback


def _for(reverser: Reverser, op: Op) -> None:
    if is_checkpointed(op):
        return checkpointed(reverser, op)
    loop_reversed(reverser, For(op), backwards(reverser.b, op))


def _while(reverser: Reverser, op: Op) -> None:
    """The forward loop counts its iterations; the reverse's index is the number of the iteration."""
    trip_count = counted(reverser.source, op)
    one, down = (reverser.b.index(n) for n in (1, -1))
    loop_reversed(reverser, While(op), (reverser.b.sub(trip_count, one), down, down))


def loop_reversed(reverser: Reverser, loop: Loop, bounds: Sequence[Value]) -> None:
    """The reverse of a loop: it carries the cotangents of carried values, then of what the body reads from outside."""
    crossing = CarriedCotangents(reverser, loop, loop.inits, [v for v in captures(loop.op) if reverser.wants(v)])
    back = Block((INDEX, *crossing.types), ("", *crossing.names))
    inner = reverser.within(back, loop.body)
    crossing.enter(inner, back.params[1:], crossing.yields)
    inner.run()
    inner.b.loc = loop.op.loc
    back.results = tuple(crossing.leave(inner, crossing.params))
    made = reverser.b.append("for", (*bounds, *crossing.begun(reverser)), {"snapshots": 0}, (back,))
    crossing.arrive(reverser, made.results, lambda b: turned(b, *bounds))
    reverser.op_pairs.append(OpPair(loop.op, made, (RegionPair(loop.body, back, inner.op_pairs),)))


def _call(reverser: Reverser, op: Op) -> None:
    """The reverse of an isolated call: it calls a function that runs the callee once more, and its reverse."""
    callee: Func = op.attrs["callee"]
    wrt = [k for k, v in enumerate(op.operands) if reverser.wants(v)]
    cts = {k: ct for k, r in enumerate(op.results) if (ct := reverser.calm(r)) is not None}
    flags = {k: ct.mask for k, ct in cts.items() if isinstance(ct, Masked)}

    def seeds(b: Builder, block: Block, env: Env) -> list[Flow | None]:
        given = {k: append_parameter(block, env[callee.results[k]], ct_name(callee.results[k])) for k in cts}
        truths = {k: parameter(block, TRUTH) for k in flags}
        return [Masked(given[k], truths[k], clean=True) if k in flags else given.get(k)
                for k in range(len(callee.results))]

    func = pullback(callee, wrt, reverser.tables, ".vjp", seeds)
    func.body.results = func.results[len(callee.results):]
    b = reverser.b
    given = [b.barrier(v) if v.dtype.is_inexact else v for v in op.operands]
    values = map(reverser.unmasked, cts.values())
    made = b.append("call", (*given, *values, *flags.values()), {"callee": dce(func), "isolated": True},
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
        return tuple(b.index(n) for n in (r.start, r.stop, r.step))  # type: ignore[return-value]
    one = b.const(1, INDEX.dtype)
    if known[2] == 1:
        return b.sub(hi, one), b.sub(lo, one), b.const(-1, INDEX.dtype)
    if known[2] == -1:
        return b.add(hi, one), b.add(lo, one), one
    # The last index is `lo` and as many steps as lie before `hi`; a loop without iterations has one before `lo`, and
    # less.
    steps = b.floordiv(b.sub(b.sub(hi, lo), b.sign(step)), step)
    return b.add(lo, b.mul(steps, step)), b.sub(lo, step), b.neg(step)


def turned(b: Builder, lo: Value, hi: Value, step: Value) -> Truth:
    """Whether a loop with these bounds iterations at all."""
    by = splat_of(step)
    ends = [splat_of(v) for v in (lo, hi)]
    if by is not None and None not in ends:
        return range_length(int(ends[0]), int(ends[1]), int(by)) > 0
    up = b.lt(lo, hi)
    if by is not None:
        return up if by > 0 else b.gt(lo, hi)
    return b.select(b.gt(step, b.like(0, step)), up, b.gt(lo, hi))


def counted(source: Block, op: Op) -> Value:
    """How many turns a `while` made: one more value that it carries. `source` is the block that it stands in."""
    before = Builder(Block(), op.loc)
    param = carry(op, before.const(0, INDEX.dtype), "trip_count")
    trip_count = result(op, INDEX)
    insert(source, op, before.block.ops)
    b = Builder(op.regions[1], op.loc)
    complete(op, b.add(param, b.const(1, INDEX.dtype)))
    return trip_count


def _if(reverser: Reverser, op: Op) -> None:
    """Each side goes on from the cotangents that have arrived for what the branch reads.

    What a side gives flows if that side is taken: the condition is its mask. Where a side has masks of its own the
    branch yields which holds.
    """
    captured = [v for v in captures(op) if reverser.wants(v)]
    as_signed = with_signs(reverser, op, captured)
    begun = [*(entering(reverser, r) for r in op.results), *map(reverser.calm, captured, as_signed)]
    sides = [reverser.within(Block(), region) for region in op.regions]
    for inner in sides:
        inner.begin((*inner.source.results, *captured), begun)
    found = [list(map(inner.calm, captured, as_signed)) for inner in sides]
    kept = [k for k in range(len(captured)) if any(cts[k] is not None for cts in found)]
    truths = [(True, True) if as_signed[k] else tuple(truth_of(cts[k]) for cts in found)
              for k in kept]
    known = [of_branch(reverser.b, If(op).condition, *both) for both in truths]
    for s, (inner, cts) in enumerate(zip(sides, found, strict=True)):
        inner.b.block.results = (*(inner.zero(captured[k], as_signed[k]) if (f := cts[k]) is None
                                   else inner.unmasked(f) for k in kept),
                                 *(written(inner.b, both[s]) for both, one in zip(truths, known, strict=True)
                                   if one is None))
    made = reverser.b.append("if", op.operands, {}, tuple(inner.b.block for inner in sides),
                             [*(captured[k].type for k in kept), *(TRUTH for one in known if one is None)])
    flags = iter(made.results[len(kept):])
    for k, ct, one in zip(kept, made.results, known, strict=False):
        truth = next(flags) if one is None else one
        reverser.add(captured[k], Signed(ct) if as_signed[k] else flowing(ct, truth))
    pairs = tuple(RegionPair(inner.source, inner.b.block, inner.op_pairs) for inner in sides)
    reverser.op_pairs.append(OpPair(op, made, pairs))


def with_signs(reverser: Reverser, op: Op, captured: Sequence[Value]) -> list[bool]:
    """Which of the arrays that a branch reads go through it with the masks of their elements in their signs."""
    found = [reverser.meets_infinity_in_parts(v, reverser.is_changed(v)) for v in captured]
    if any(found):
        state = {v: c for v in (*op.results, *captured) if (c := reverser.coverage(v)) is not NONE}
        Coverages(reverser.active, reverser.tables.parts).branch(op, state)
        found = [one and state.get(v) is PARTIAL for v, one in zip(captured, found, strict=True)]
    return [one or reverser.has_signed(v) for v, one in zip(captured, found, strict=True)]


def entering(reverser: Reverser, r: Value) -> Cotangent | None:
    """The cotangent of what a branch gives, as its sides see it: they read a mask of elements, as all from outside."""
    flow = reverser.take(r)
    has_elements = isinstance(flow, Masked) and not flow.is_single and r in reverser.active.singular
    return flow if has_elements or isinstance(flow, Signed) else calm(reverser.b, flow)


RULES: dict[str, Walk] = {"for": _for, "while": _while, "if": _if, "call": _call}
CONSTANT: dict[str, str] = {}
