"""Control flow over stacks.

What is decided alike for all lanes stays as it is. A branch that only some lanes take is run if any does, and each lane
selects from it; a loop runs until the last lane is done, and lanes that are done keep their values. (A select passes no
nan on from the side that it does not choose.)
"""

from __future__ import annotations

from collections.abc import Sequence

from ...errors import UnsupportedError
from ...ir import INDEX, OPS, Block, Builder, For, Op, Value, While, captures, walk
from ...ir.clone import copy_op
from ...ir.linear import Forms
from ...tracer.locations import fail
from .. import dependence
from .driver import Batcher, Walk, batched_function, chosen, spread

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
    """Each side where any lane takes it: what only its lanes know to be safe (an index, a loop that ends) stays so.

    A tape goes through one side, then through the other.
    """
    sides: list[Sequence[Value]] = [(), ()]
    going = BothSides(batcher, op)
    for k, lanes in going.ordered((condition, b.not_(condition))):
        sides[k] = going.on(b, k, batcher.both(b, lanes))
    for r, then, other in zip(op.results, *sides, strict=True):
        if dependence.is_tape(r):
            batcher.bind(r, going.tapes[batcher.tapes.root(r)])
        else:
            batcher.bind(r, chosen(b, condition, then, other))


class BothSides:
    """What goes through both sides of a branch, one after the other.

    tapes: by root, the stage of each tape that has come so far. backwards: whether the second side comes first, as it
    must where records are popped that were pushed the other way round.
    """

    def __init__(self, batcher: Batcher, op: Op):
        self.batcher = batcher
        self.op = op
        root = batcher.tapes.root
        self.handed = {root(r) for r in op.results if dependence.is_tape(r)}
        self.taken = [v for v in captures(op) if dependence.is_tape(v) and root(v) in self.handed]
        self.tapes = {root(v): batcher.look(v) for v in self.taken}
        moved = [(inner.name, root(inner.operands[0])) for region in op.regions for inner in walk(region)
                 if OPS[inner.name].moves_record]
        before = {batcher.backwards[r] for name, r in moved if name == "pop" and r in batcher.backwards}
        if len(before) > 1:
            fail(UnsupportedError, "a branch that differs along the batch takes from tapes that were filled in "
                                   "different orders; batch the function before differentiating it", op.loc)
        self.backwards = before == {False}
        batcher.backwards.update({r: self.backwards for name, r in moved if name == "push" and r in self.handed})

    def ordered(self, lanes: tuple[Value, Value]) -> list[tuple[int, Value]]:
        pairs = list(enumerate(lanes))
        return pairs[::-1] if self.backwards else pairs

    def on(self, b: Builder, k: int, lanes: Value) -> Sequence[Value]:
        """The results of a side that some lanes take, all batched. If none does: zeros, and tapes as they come."""
        batcher, results = self.batcher, self.op.results
        root = batcher.tapes.root
        batcher.env.update({v: self.tapes[root(v)] for v in self.taken})
        outer = {r: batcher.started[r] for r in self.handed if r in batcher.started}
        batcher.started.update(self.tapes)
        with batcher.masked(lanes):
            run = batcher.fill(Block(), self.op.regions[k], [not dependence.is_tape(r) for r in results])
        skipped = Block()
        rest = Builder(skipped, self.op.loc)
        skipped.results = tuple((self.tapes.get(root(r)) or outer.get(root(r)) or rest.tape()) if dependence.is_tape(r)
                                else rest.zeros(batcher.type(r, True)) for r in results)
        for r in self.handed:
            batcher.started.pop(r, None)
        batcher.started.update(outer)
        made = b.append("if", [b.any(lanes, axes=(0,))], {}, (run, skipped), [v.type for v in skipped.results])
        self.tapes.update({root(r): new for r, new in zip(results, made.results, strict=True) if dependence.is_tape(r)})
        return made.results


# loops ----------------------------------------------------------------------------------------------------------------
def kept(b: Builder, mask: Value, new: Sequence[Value], old: Sequence[Value]) -> tuple[Value, ...]:
    """What lanes carry: new values where the mask is true. Tapes belong to all lanes."""
    return tuple(n if n is o or dependence.is_tape(n) else chosen(b, mask, n, o) for n, o in zip(new, old, strict=True))


def _for(batcher: Batcher, b: Builder, op: Op) -> None:
    loop, flags = For(op), flags_of(batcher, op.results)
    carried = [batcher.spread(b, v, flag) for v, flag in zip(loop.inits, flags, strict=True)]
    if any(map(batcher.has, loop.bounds)):
        return _for_apart(batcher, b, op, carried, flags)
    body = batcher.fill(batcher.params(loop.body), loop.body, flags)
    finish(batcher, b, op, [*map(batcher.look, loop.bounds), *carried], (body,))
    return None


def _for_apart(batcher: Batcher, b: Builder, op: Op, carried: Sequence[Value], flags: Sequence[bool]) -> None:
    """One loop over the indices of all lanes; a lane takes part in the iterations whose index is one of its own.

    So the iterations in which lanes take part have an order that does not depend on where they begin: the reverse of
    the loop has the same iterations backwards, and pops what they have pushed.
    """
    step = Forms()(batcher.look(For(op).step))
    if not step.is_const or not step.const:
        fail(UnsupportedError, "for: bounds that differ along the batch, with a step that is not a known number, are "
                               "not batched yet; write the step as a number", op.loc)
    common = CommonIterations(batcher, b, op, step.const)
    old = For(op).body
    block = batcher.params(old)
    index, *values = block.params
    inner = Builder(block, op.loc)
    lanes = batcher.both(inner, common.lanes(inner, index))
    with batcher.masked(lanes):
        if common.gaps:
            run = batcher.fill(Block(), old, flags)
            end = Builder(run, op.loc)
            run.results = kept(end, lanes, run.results, values)
            rest = Block()
            rest.results = tuple(values)
            block.results = inner.append("if", [inner.any(lanes, axes=(0,))], {}, (run, rest),
                                         [v.type for v in rest.results]).results
        else:
            batcher.fill(block, old, flags)
            block.results = kept(inner, lanes, block.results, values)
    finish(batcher, b, op, [*common.bounds, *carried], (block,))


class CommonIterations:
    """The common iterations of lanes with bounds of their own.

    bounds: low, high and step of the common loop.
    gaps: whether there can be iterations in which no lane takes part.
    """

    def __init__(self, batcher: Batcher, b: Builder, op: Op, step: int):
        self.size, self.step = batcher.size, step
        self.forwards = step > 0
        loop = For(op)
        self.lo, self.hi, stride = map(batcher.look, loop.bounds)
        self.apart = flags_of(batcher, (loop.lo, loop.hi))
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
        """Which lanes have an iteration with the index i."""
        at = spread(b, i, self.size)
        found = self.before(b, at, self.spread(b, 1))
        if self.apart[0]:
            found = b.and_(found, b.not_(self.before(b, at, self.lo)))
        if self.gaps and abs(self.step) > 1:
            offset = b.mod(b.sub(at, self.lo), b.like(abs(self.step), at))
            found = b.and_(found, b.eq(offset, b.like(0, at)))
        return found


def _while(batcher: Batcher, b: Builder, op: Op) -> None:
    loop, flags = While(op), flags_of(batcher, op.results)
    carried = [batcher.spread(b, v, flag) for v, flag in zip(loop.inits, flags, strict=True)]
    if batcher.has(loop.test):
        return _while_apart(batcher, b, op, carried, flags)
    test = batcher.fill(batcher.params(loop.condition), loop.condition, [False])
    finish(batcher, b, op, carried, (test, batcher.fill(batcher.params(loop.body), loop.body, flags)))
    return None


def _while_apart(batcher: Batcher, b: Builder, op: Op, carried: Sequence[Value], flags: Sequence[bool]) -> None:
    """The loop carries, before its values, which lanes go on."""
    loop = While(op)

    def goes_on(b: Builder, values: Sequence[Value]) -> Value:
        batcher.env.update(zip(loop.condition.params, values, strict=True))
        batcher.run(b, loop.condition.ops)
        return batcher.both(b, batcher.spread(b, loop.test))

    first = goes_on(b, carried)
    test, body = (with_mask(batcher.params(region), first) for region in (loop.condition, loop.body))
    test.results = (Builder(test, op.loc).any(test.params[0], axes=(0,)),)
    inner = Builder(body, op.loc)
    mask, *values = body.params
    with batcher.masked(mask):
        batcher.fill(body, loop.body, flags)
        following = kept(inner, mask, body.results, values)
        body.results = (goes_on(inner, following), *following)
    new = b.append("while", [first, *carried], op.attrs, (test, body))
    for r, fresh in zip(op.results, new.results[1:], strict=True):
        batcher.bind(r, fresh)


def with_mask(block: Block, like: Value) -> Block:
    """The block with one more parameter, the first."""
    block.params = (Value(like.type, block, 0, "lanes"), *block.params)
    for k, p in enumerate(block.params):
        p.index = k
    return block


def _call(batcher: Batcher, b: Builder, op: Op) -> None:
    """The call of the callee over the stack; it is told which lanes take part, where not all do."""
    flags = flags_of(batcher, op.operands)
    if not any(flags):
        copy_op(b, op, batcher.env)
        return
    mask = () if batcher.mask is None else (batcher.mask,)
    func = batched_function(op.attrs["callee"], flags, batcher.size, batcher.tables, masked=bool(mask))
    types = [batcher.type(r, True) for r in op.results]
    new = b.append("call", (*map(batcher.look, op.operands), *mask), {**op.attrs, "callee": func}, results=types)
    for old, fresh in zip(op.results, new.results, strict=True):
        batcher.bind(old, fresh)


RULES: dict[str, Walk] = {"if": _if, "for": _for, "while": _while, "call": _call}
