"""The reverse of a loop in bounded memory: snapshots of what it carries, from which iterations are computed again.

`for ... snapshots=s` keeps s states beside the one that it works on. The schedule is the binomial one (Griewank and
Walther, "Algorithm 799: revolve", 2000), which needs the fewest iterations: with s snapshots C(s + r, s) iterations can
be reversed if each is computed at most r times before its reverse, and n iterations, for the least such r, take
r n - C(s + r, s + 1) iterations beside those that are reversed. It is emitted as IR, so that one piece of code serves
any number of iterations:

    sweep to the last iteration, leaving snapshots on the way
    for t = n-1, ..., 0:
        sweep to t from the latest snapshot
        the iteration t, differentiated; drop the latest snapshot, which is that of t

The snapshots are a stack: for each carried value an array with one more axis, and the numbers of their iterations. The
state that is worked on is left on it, too, so that it has one place more than there are snapshots.
"""

from __future__ import annotations

from collections.abc import Sequence

from ...ir import I64, INDEX, ArrayType, Block, Builder, For, Func, Op, Value, captures
from ...ir.clone import Env, copy_block, copy_op, inline, new_block
from ...records import dataclass
from ..activity import Activity
from ..dce import dce
from ..dependence import is_tape
from ..fold import splat_of
from .adjoint_pairs import insert, parameter
from .carried_cotangents import CarriedCotangents
from .driver import Reverser
from .rebuild import keep

Values = Sequence[Value]


def is_checkpointed(op: Op) -> bool:
    """Whether the loop asks for snapshots and can have them: of a tape that it carries there are none."""
    return bool(op.attrs.get("snapshots")) and not any(map(is_tape, op.results))


def checkpointed(reverser: Reverser, op: Op) -> None:
    """The reverse of a loop with snapshots: adds cotangents of its initial values and of what it reads from outside.

    In the function's own block the forward pass leaves the first snapshots, and goes on for one iteration to the
    results. In a region the reverse sweeps itself, so that there are the snapshots of one loop at a time.
    """
    loop, b = NumberedLoop(op), reverser.b
    if reverser.inside:
        count, stack = loop.begun(b)
    else:
        before = Builder(Block(), op.loc)
        count, stack = loop.begun(before)
        loop.shorten(before, stack)
        insert(reverser.source, op, before.block.ops)
    iteration = ReversedIteration(reverser, loop)
    cts = backwards(b, loop, iteration, count, stack, iteration.crossing.begun(reverser))
    iteration.crossing.arrive(reverser, cts, lambda b: b.gt(count, integer(b, 0)))


# numbers --------------------------------------------------------------------------------------------------------------
def integer(b: Builder, n: int) -> Value:
    return b.const(n, I64)


def trip_count_of(b: Builder, lo: Value, hi: Value, step: Value) -> Value:
    """len(range(lo, hi, step))"""
    by = splat_of(step)
    if by == 1:
        n = b.sub(hi, lo)
    elif by == -1:
        n = b.sub(lo, hi)
    else:
        n = b.floordiv(b.add(b.sub(b.sub(hi, lo), b.sign(step)), step), step)
    return b.maximum(n, integer(b, 0))


def next_snapshot(b: Builder, at: Value, end: Value, free: Value) -> Value:
    """Where to go from the snapshot of turn `at` before the next is taken, to reverse the turns up to `end`.

    free: how many snapshots there are for these iterations, that of `at` included. With f of them and the least r for
    which C(f + r, f) >= l = end - at, all splits l = m + (l - m) are best for which m iterations can be reversed with f
    snapshots and r - 1 repetitions, and l - m with f - 1 and r. The largest such m: min(C(f+r-1, f), l - C(f+r-2,
    f-1)).
    """
    length, one = b.sub(end, at), integer(b, 1)
    cond, body = Block((INDEX, INDEX)), Block((INDEX, INDEX))
    cond.results = (Builder(cond).lt(cond.params[1], length),)
    inner, (r, reach) = Builder(body), body.params
    more = inner.add(r, one)
    body.results = (more, inner.floordiv(inner.mul(reach, inner.add(more, free)), more))
    r, reach = b.append("while", (integer(b, 0), one), {}, (cond, body)).results
    most = b.floordiv(b.mul(reach, r), b.add(free, r))
    rest = b.floordiv(b.mul(most, free), b.sub(b.add(free, r), one))
    return b.add(at, b.maximum(b.minimum(most, b.sub(length, rest)), one))


# the stack ------------------------------------------------------------------------------------------------------------
@dataclass(frozen=True)
class Stack:
    """Snapshots of states. top: the place of the latest; iterations: i64[places]; arrays: one for each part of the
    state."""

    top: Value
    iterations: Value
    arrays: tuple[Value, ...]

    @property
    def values(self) -> tuple[Value, ...]:
        return self.top, self.iterations, *self.arrays

    @staticmethod
    def of(values: Values) -> Stack:
        return Stack(values[0], values[1], tuple(values[2:]))

    @staticmethod
    def empty(b: Builder, places: int, state: Values) -> Stack:
        arrays = tuple(b.zeros(v.type.with_shape((places, *v.shape))) for v in state)
        return Stack(integer(b, -1), b.zeros(ArrayType(I64, (places,))), arrays)

    def pushed(self, b: Builder, iteration: Value, state: Values) -> Stack:
        top = b.add(self.top, integer(b, 1))
        snapshots = zip((self.iterations, *self.arrays), (iteration, *state), strict=True)
        iterations, *arrays = (put(b, a, top, v) for a, v in snapshots)
        return Stack(top, iterations, tuple(arrays))

    def latest(self, b: Builder) -> tuple[Value, list[Value]]:
        """The iteration and the state of the latest snapshot."""
        iteration, *state = (got(b, a, self.top) for a in (self.iterations, *self.arrays))
        return iteration, state

    def popped(self, b: Builder) -> Stack:
        return Stack(b.sub(self.top, integer(b, 1)), self.iterations, self.arrays)


def put(b: Builder, array: Value, place: Value, v: Value) -> Value:
    starts = (place, *(0,) * v.type.rank)
    return b.update(array, b.reshape(v, shape=(1, *v.shape)), starts=starts, steps=(1,) * len(starts))


def got(b: Builder, array: Value, place: Value) -> Value:
    shape = array.shape[1:]
    starts = (place, *(0,) * len(shape))
    return b.reshape(b.slice(array, starts=starts, sizes=(1, *shape), steps=(1,) * len(starts)), shape=shape)


# the loop -------------------------------------------------------------------------------------------------------------
class NumberedLoop:
    """The loop to be reversed, its iterations numbered from 0. Its state is what the iterations change of what it
    carries."""

    def __init__(self, op: Op):
        self.op = op
        loop = For(op)
        self.lo, self.hi, self.step = loop.bounds
        self.inits, self.params, self.body = loop.inits, loop.params, loop.body
        self.changing = [k for k, p in enumerate(self.params) if loop.yields[k] is not p]
        self.snapshots = int(op.attrs["snapshots"])

    def number(self, b: Builder, iteration: Value) -> Value:
        """The index in an iteration."""
        return b.add(self.lo, b.mul(iteration, self.step))

    def carried(self, state: Values) -> list[Value]:
        """All that the loop carries, in a state."""
        values = list(self.inits)
        for k, v in zip(self.changing, state, strict=True):
            values[k] = v
        return values

    def advanced(self, b: Builder, state: Values, iteration: Value, to: Value) -> list[Value]:
        """The state before iteration `to`, from that before `iteration`."""
        operands = (self.number(b, iteration), self.number(b, to), self.step, *self.carried(state))
        results = b.append("for", operands, {}, (copy_block(self.body, {}),)).results
        return [results[k] for k in self.changing]

    def begun(self, b: Builder) -> tuple[Value, Stack]:
        """The number of iterations, and the snapshots that a sweep to the last iteration leaves."""
        count = trip_count_of(b, self.lo, self.hi, self.step)
        state = [self.inits[k] for k in self.changing]
        stack = Stack.empty(b, self.snapshots + 1, state).pushed(b, integer(b, 0), state)
        return count, self.swept(b, stack, b.sub(count, integer(b, 1)))

    def swept(self, b: Builder, stack: Stack, last: Value) -> Stack:
        """Snapshots on the way from the latest one to the iteration `last`, which is the latest then."""
        types = tuple(v.type for v in stack.values)
        cond, body = Block(types), Block(types)
        test = Builder(cond, self.op.loc)
        cond.results = (test.lt(Stack.of(cond.params).latest(test)[0], last),)
        inner, now = Builder(body, self.op.loc), Stack.of(body.params)
        iteration, state = now.latest(inner)
        free, one = inner.sub(integer(inner, self.snapshots), now.top), integer(inner, 1)
        to = next_snapshot(inner, iteration, inner.add(last, one), free)
        body.results = now.pushed(inner, to, self.advanced(inner, state, iteration, to)).values
        return Stack.of(b.append("while", stack.values, {}, (cond, body)).results)

    def shorten(self, b: Builder, stack: Stack) -> None:
        """The loop itself goes on from the last snapshot: for one iteration, or none if it has none."""
        iteration, state = stack.latest(b)
        self.op.operands = (self.number(b, iteration), self.hi, self.step, *self.carried(state))
        self.op.attrs = {}


class ReversedIteration:
    """One iteration and its reverse: a block that takes the index, what is carried and cotangents, and yields
    cotangents.

    crossing: what goes from iteration to iteration.
    """

    def __init__(self, reverser: Reverser, loop: NumberedLoop):
        op, body = loop.op, loop.body
        self.crossing = crossing = CarriedCotangents(reverser, For(op), loop.inits,
                                            [v for v in captures(op) if reverser.wants(v)])
        env: Env = {}
        block = new_block(body.params, env)
        b = Builder(block)
        for inner in body.ops:
            copy_op(b, inner, env)
        results = [env.get(v, v) for v in body.results]
        wanted = [*(For(op).params_of(block)[k] for k in crossing.carried), *crossing.captured]
        ends = [results[k] for k in crossing.carried]
        activity = Activity(block, wanted, ends, reverser.tables.constant)
        step = Reverser(b, reverser.tables, activity, block, inside=True)
        cts = [parameter(block, t, name) for t, name in zip(crossing.types, crossing.names, strict=True)]
        came = crossing.enter(step, cts, [*ends, *crossing.captured])
        step.run()
        b.loc = op.loc
        otherwise = [None if k < len(ends) else f for k, f in enumerate(came)]
        block.results = tuple(crossing.leave(step, wanted, otherwise))
        keep(block, step.op_pairs)
        self.func, self.free = closed(block)

    def emit(self, b: Builder, index: Value, carried: Values, cts: Values) -> tuple[Value, ...]:
        """The cotangents in front of an iteration, from those behind it."""
        return inline(b, self.func, (*self.free, index, *carried, *cts))


def closed(block: Block) -> tuple[Func, list[Value]]:
    """The block as a function without dead code, which takes first what the block reads from outside; that, too."""
    around = Op("for", (), {}, (), (block,))
    free = sorted(captures(around), key=lambda v: v.type != INDEX)  # extents come before what they are extents of
    env: Env = {}
    body = new_block((*free, *block.params), env)
    b = Builder(body)
    for op in block.ops:
        copy_op(b, op, env)
    body.results = tuple(env[v] for v in block.results)
    return dce(Func("iteration", body)), free


def backwards(b: Builder, loop: NumberedLoop, iteration: ReversedIteration, count: Value, stack: Stack, cts: Values
              ) -> list[Value]:
    """The iterations in reverse order; the cotangents in front of the first."""
    one = integer(b, 1)
    block = Block((INDEX, *(v.type for v in (*stack.values, *cts))))
    inner, size = Builder(block, loop.op.loc), len(stack.values)
    now = loop.swept(inner, Stack.of(block.params[1:1 + size]), block.params[0])
    at, state = now.latest(inner)
    found = iteration.emit(inner, loop.number(inner, at), loop.carried(state), block.params[1 + size:])
    block.results = (*now.popped(inner).values, *found)
    bounds = b.sub(count, one), integer(b, -1), integer(b, -1)
    return list(b.append("for", (*bounds, *stack.values, *cts), {}, (block,)).results[size:])
