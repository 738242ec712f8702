"""Control flow over stacks.

What is decided alike for all lanes stays as it is. A branch that only some lanes take is run if any does, and each lane
selects from it; a loop runs until the last lane is done, and lanes that are done keep their values. (A select passes no
nan on from the side that it does not choose.)
"""

from __future__ import annotations

from collections.abc import Sequence

from ...errors import UnsupportedError
from ...ir import INDEX, Block, Builder, Op, Value
from ...ir.linear import Forms
from ...tracer.locations import fail
from .. import flow
from .driver import Batcher, Walk, chosen, spread

FARTHEST = 2**62
"""Beyond every index."""


def finish(batcher: Batcher, b: Builder, op: Op, operands: Sequence[Value], regions: tuple[Block, ...]) -> None:
    """Append the operation with regions rebuilt, and bind its results."""
    types = tuple(batcher.type(r, batcher.has(r)) for r in op.results)
    new = Op(op.name, tuple(operands), op.attrs, types, regions, op.loc)
    b.block.ops.append(new)
    for old, fresh in zip(op.results, new.results, strict=True):
        batcher.bind(old, fresh)


def flags_of(batcher: Batcher, values: Sequence[Value]) -> list[bool]:
    return [batcher.has(v) for v in values]


# branches -------------------------------------------------------------------------------------------------------------
def _if(batcher: Batcher, b: Builder, op: Op) -> None:
    (condition,) = op.operands
    if batcher.has(condition):
        return _if_apart(batcher, b, op, batcher.look(condition))
    flags = flags_of(batcher, op.results)
    finish(batcher, b, op, [batcher.look(condition)],
           tuple(batcher.fill(Block(), region, flags) for region in op.regions))
    return None


def _if_apart(batcher: Batcher, b: Builder, op: Op, condition: Value) -> None:
    """Each side where any lane takes it: what only its lanes know to be safe (an index, a loop that ends) stays so."""
    if any(flow.is_tape(r) for r in op.results):
        fail(UnsupportedError, "a branch that differs along the batch, in a loop that is differentiated in reverse, "
                               "is not batched yet; write np.where, or batch the function before differentiating it",
             op.loc)
    sides = [side(batcher, b, region, taken, op) for region, taken in
             zip(op.regions, (condition, b.not_(condition)), strict=True)]
    for r, then, other in zip(op.results, *sides, strict=True):
        batcher.bind(r, chosen(b, condition, then, other))


def side(batcher: Batcher, b: Builder, region: Block, taken: Value, op: Op) -> Sequence[Value]:
    """The results of a branch that the lanes `taken` take, all batched; zeros if none does."""
    lanes = batcher.both(b, taken)
    with batcher.masked(lanes):
        run = batcher.fill(Block(), region, [True] * len(op.results))
    skipped = Block()
    other = Builder(skipped, op.loc)
    skipped.results = tuple(other.zeros(batcher.type(r, True)) for r in op.results)
    return b.append("if", [b.any(lanes, axes=(0,))], {}, (run, skipped), [v.type for v in skipped.results]).results


# loops ----------------------------------------------------------------------------------------------------------------
def kept(b: Builder, mask: Value, new: Sequence[Value], old: Sequence[Value]) -> tuple[Value, ...]:
    """What lanes carry: new values where the mask is true. Tapes belong to all lanes."""
    return tuple(n if n is o or flow.is_tape(n) else chosen(b, mask, n, o) for n, o in zip(new, old, strict=True))


def _for(batcher: Batcher, b: Builder, op: Op) -> None:
    (old,) = op.regions
    inits, flags = op.operands[3:], flags_of(batcher, op.results)
    carried = [batcher.spread(b, v, flag) for v, flag in zip(inits, flags, strict=True)]
    if any(batcher.has(v) for v in op.operands[:3]):
        return _for_apart(batcher, b, op, carried, flags)
    body = batcher.fill(batcher.params(old), old, flags)
    finish(batcher, b, op, [*map(batcher.look, op.operands[:3]), *carried], (body,))
    return None


def _for_apart(batcher: Batcher, b: Builder, op: Op, carried: Sequence[Value], flags: Sequence[bool]) -> None:
    """One loop over the indices of all lanes; a lane takes part in the turns whose index is one of its own.

    So the turns in which lanes take part have an order that does not depend on where they begin: the reverse of the
    loop has the same turns backwards, and pops what they have pushed.
    """
    step = Forms()(batcher.look(op.operands[2]))
    if not step.is_const or not step.const:
        fail(UnsupportedError, "for: bounds that differ along the batch, with a step that is not a known number, are "
                               "not batched yet; write the step as a number", op.loc)
    turns = Turns(batcher, b, op, step.const)
    (old,) = op.regions
    block = batcher.params(old)
    inner = Builder(block, op.loc)
    lanes = batcher.both(inner, turns.lanes(inner, block.params[0]))
    with batcher.masked(lanes):
        if turns.gaps:
            run = batcher.fill(Block(), old, flags)
            end = Builder(run, op.loc)
            run.results = kept(end, lanes, run.results, block.params[1:])
            rest = Block()
            rest.results = block.params[1:]
            block.results = inner.append("if", [inner.any(lanes, axes=(0,))], {}, (run, rest),
                                         [v.type for v in rest.results]).results
        else:
            batcher.fill(block, old, flags)
            block.results = kept(inner, lanes, block.results, block.params[1:])
    finish(batcher, b, op, [*turns.bounds, *carried], (block,))


class Turns:
    """The common turns of lanes with bounds of their own.

    bounds: low, high and step of the common loop.
    gaps: whether there can be turns in which no lane takes part.
    """

    def __init__(self, batcher: Batcher, b: Builder, op: Op, step: int):
        self.size, self.step = batcher.size, step
        self.forwards = step > 0
        self.lo, self.hi, stride = map(batcher.look, op.operands[:3])
        self.apart = flags_of(batcher, op.operands[:2])
        self.gaps = self.apart[0] and (self.apart[1] or abs(step) > 1)
        if self.gaps:
            stride = b.const(1 if self.forwards else -1, INDEX.dtype)
        runs = self.before(b, self.spread(b, 0), self.spread(b, 1))
        runs = batcher.both(b, runs)
        first, last = ("min", "max") if self.forwards else ("max", "min")
        far = FARTHEST if self.forwards else -FARTHEST
        self.bounds = (self.extreme(b, first, 0, runs, far), self.extreme(b, last, 1, runs, -far), stride)

    def spread(self, b: Builder, k: int) -> Value:
        """The low or high bound of each lane."""
        v = (self.lo, self.hi)[k]
        return v if self.apart[k] else spread(b, v, self.size)

    def before(self, b: Builder, x: Value, y: Value) -> Value:
        return b.lt(x, y) if self.forwards else b.gt(x, y)

    def extreme(self, b: Builder, name: str, k: int, runs: Value, otherwise: int) -> Value:
        """The outermost bound of the lanes that run at all."""
        if not self.apart[k]:
            return (self.lo, self.hi)[k]
        v = self.spread(b, k)
        found = b.emit(name, b.select(runs, v, b.like(otherwise, v)), axes=(0,))
        assert isinstance(found, Value)
        return found

    def lanes(self, b: Builder, i: Value) -> Value:
        """Which lanes have a turn with the index i."""
        at = spread(b, i, self.size)
        found = self.before(b, at, self.spread(b, 1))
        if self.apart[0]:
            found = b.and_(found, b.not_(self.before(b, at, self.lo)))
        if self.gaps and abs(self.step) > 1:
            offset = b.mod(b.sub(at, self.lo), b.like(abs(self.step), at))
            found = b.and_(found, b.eq(offset, b.like(0, at)))
        return found


def _while(batcher: Batcher, b: Builder, op: Op) -> None:
    cond, old = op.regions
    flags = flags_of(batcher, op.results)
    carried = [batcher.spread(b, v, flag) for v, flag in zip(op.operands, flags, strict=True)]
    if batcher.has(cond.results[0]):
        return _while_apart(batcher, b, op, carried, flags)
    test = batcher.fill(batcher.params(cond), cond, [False])
    finish(batcher, b, op, carried, (test, batcher.fill(batcher.params(old), old, flags)))
    return None


def _while_apart(batcher: Batcher, b: Builder, op: Op, carried: Sequence[Value], flags: Sequence[bool]) -> None:
    """The loop carries, before its values, which lanes go on."""
    cond, old = op.regions

    def goes_on(b: Builder, values: Sequence[Value]) -> Value:
        batcher.env.update(zip(cond.params, values, strict=True))
        batcher.run(b, cond.ops)
        return batcher.both(b, batcher.spread(b, cond.results[0]))

    first = goes_on(b, carried)
    test, body = (with_mask(batcher.params(region), first) for region in (cond, old))
    test.results = (Builder(test, op.loc).any(test.params[0], axes=(0,)),)
    inner, mask, values = Builder(body, op.loc), body.params[0], body.params[1:]
    with batcher.masked(mask):
        batcher.fill(body, old, flags)
        values = kept(inner, mask, body.results, values)
        body.results = (goes_on(inner, values), *values)
    new = b.append("while", [first, *carried], op.attrs, (test, body))
    for r, fresh in zip(op.results, new.results[1:], strict=True):
        batcher.bind(r, fresh)


def with_mask(block: Block, like: Value) -> Block:
    """The block with one more parameter, the first."""
    block.params = (Value(like.type, block, 0, "lanes"), *block.params)
    for k, p in enumerate(block.params):
        p.index = k
    return block


RULES: dict[str, Walk] = {"if": _if, "for": _for, "while": _while}
