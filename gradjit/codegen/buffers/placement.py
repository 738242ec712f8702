"""Which arrays have memory, and whose: a walk over the program, in order.

Operations between two steps (control flow, tapes, changes in place) are one *part*, whose loops may be shared. What is
read outside of its part gets memory, if it is no single element; slices and their like have none, and are written again
wherever they are read. An `update` is done in place where the old array is the block's own and not read any more. A
loop has memory for each array that it carries; where the initial array is not read behind the loop that is the array's
own.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Iterator, Sequence

from ...ir import I64, OPS, For, Loop, Memory, Op, Value, While, captures
from ...ir.core import walk
from ...ir.ops.tape import record_of
from ..affine import ANYWHERE, Affine, Var
from ..elements import whole
from ..extent_bounds import Bounds, most
from ..loops import Buffer, Node, Nodes, View
from ..lower.movement import is_large
from ..part import Home
from .block_state import BlockState
from .in_place import overwritten_too_early, reads_across
from .language import BufferProgram, fence, is_single, is_whole, without_idle_fences
from .roots import root_of


def place(p: BufferProgram) -> None:
    """Give memory to the arrays of a program."""
    Placement(p).run()


class Placement:
    """Gives memory to the arrays of a program. `fleeting` are those that are written again where they are read."""

    def __init__(self, p: BufferProgram):
        self.p = p
        self.nodes = Nodes()
        self.states: Iterator[int] = itertools.count()
        self.bounds = Bounds(p.func)
        self.fleeting: dict[Value, Op] = {}
        self.numbers: dict[Value, Node] = {}

    def run(self) -> None:
        self.block(BlockState(self.p.func.body), results=self.p.func.results)

    # where values are -------------------------------------------------------------------------------------------------
    def home(self, v: Value) -> Home | None:
        """The memory of a value, or a node for a single element. (Tapes are nowhere yet.)"""
        if v in self.p.homes:
            return self.p.homes[v]
        return self.numbers.get(v)

    def number(self, v: Value) -> Node:
        """A node for a single element: what places are computed from it tells where they lie."""
        if v not in self.numbers:
            self.numbers[v] = self.computed(v)
        return self.numbers[v]

    def computed(self, v: Value) -> Node:
        op = v.op
        if op is not None and v.type.rank == 0 and v.dtype is I64:
            if OPS[op.name].memory is Memory.SOURCE and "value" in op.attrs:
                return self.nodes.const(op.attrs["value"], I64)
            if OPS[op.name].pointwise and all(o.dtype is I64 for o in op.operands):
                return self.nodes.apply(op.name, tuple(map(self.number, op.operands)), I64, op.attrs)
        return self.nodes.make("cell", (), (v,), v.dtype, frozenset())

    def extent(self, e: Value) -> int:
        return self.bounds.extent(e, self.number(e), e)

    def memory(self, state: BlockState, v: Value) -> View:
        """New memory for a value, which belongs to the block."""
        home = self.p.memory(most(v.type, self.extent), state.block)
        state.owned.add(home.buffer)
        return home

    # blocks -----------------------------------------------------------------------------------------------------------
    def block(self, state: BlockState, yields: Sequence[tuple[Value, View | None]] = (), results: Sequence[Value] = ()
              ) -> None:
        """Place what a block computes. `yields`: what it hands on, and where that goes. `results`: the program's."""
        out: list[Op] = []
        pending: list[Op] = []
        for k, op in enumerate(state.ops):
            if OPS[op.name].writes and not is_single(op.result.type) and self.is_free(state, k, op, op.operands[0]):
                changed = self.change(state, pending, k, op)
                if changed is None:
                    pending.append(op)
                else:
                    out += changed
                    pending = []
            elif OPS[op.name].memory is Memory.STEP:
                out += self.part(state, pending, k)
                pending = []
                out += self.step(state, k, op)
            else:
                pending.append(op)
        out += self.last_part(state, pending, yields, results)
        state.block.ops = without_idle_fences(out)

    def part(self, state: BlockState, ops: Sequence[Op], k: int) -> list[Op]:
        """Operations before position k: what is read from there on gets a home."""
        if ops:
            self.commit(state, ops, k, {})
        return list(ops)

    def commit(self, state: BlockState, ops: Sequence[Op], k: int, given: dict[Value, View], in_place: bool = False
               ) -> None:
        """Make a part of some operations. given: what has memory already. in_place: the last of them changes some."""
        kept, fleeting = self.results(state, ops, k, given, k - 1 if in_place else k)
        for v in kept:
            if is_single(v.type):
                self.number(v)
            else:
                self.p.homes[v] = self.memory(state, v)
        self.p.homes.update(given)
        self.fleeting.update(fleeting)

    def results(self, state: BlockState, ops: Sequence[Op], k: int, given: Iterable[Value], since: int
                ) -> tuple[list[Value], dict[Value, Op]]:
        """The values that get homes, and those that are written again where they are read from position k on.

        since: the first position at which memory may be overwritten before they are.
        """
        kept: list[Value] = []
        fleeting: dict[Value, Op] = {}
        wanted: set[Value] = set()
        for op in reversed(ops):
            for r in op.results:
                if r in given or r in self.p.homes or not (r in wanted or state.is_read_from(r, k)):
                    continue
                if OPS[op.name].is_free and not is_single(r.type) and not self.endangered(state, r, since):
                    fleeting[r] = op
                    wanted.update(op.uses())
                else:
                    kept.append(r)
                wanted.update(e for e in r.type.shape if isinstance(e, Value))
        return kept[::-1], fleeting

    def endangered(self, state: BlockState, v: Value, k: int) -> bool:
        """Whether what a fleeting value shows may be overwritten before it is read for the last time."""
        source = v
        while source.op is not None and OPS[source.op.name].is_free and source.op.operands:
            source = source.op.operands[0]
        if source.op is not None and OPS[source.op.name].is_free:
            return False
        return any(k <= at <= state.last_through[v] for at in state.changed_at.get(source, ()))

    # ends of blocks ---------------------------------------------------------------------------------------------------
    def last_part(self, state: BlockState, ops: Sequence[Op], yields: Sequence[tuple[Value, View | None]],
                  results: Sequence[Value]) -> list[Op]:
        """The end of a block, which may leave arrays right where they are carried, or where the caller wants them."""
        end = len(state.ops)
        self.p.homes.update(self.for_caller(ops, results))
        given = self.straight(ops, yields)
        while given:
            kept, _ = self.results(state, ops, end, given, end)
            bad = overwritten_too_early(self, ops, kept, given)
            if not bad:
                break
            given = {v: view for v, view in given.items() if v not in bad}
        self.commit(state, ops, end, given)
        return list(ops)

    def straight(self, ops: Sequence[Op], yields: Sequence[tuple[Value, View | None]]) -> dict[Value, View]:
        """The memory of carried arrays that the last operations of a block may fill themselves, if they read it
        rightly."""
        made = {r: op for op in ops for r in op.results}
        found = {}
        for v, home in yields:
            others = [u for u, _ in yields if u is not v]
            if (home is not None and v in made and not OPS[made[v].name].is_free and v not in others
                    and not any(home.buffer in self.p.shown(u) for u in others if u not in made)
                    and not any(OPS[made[u].name].is_free for u in others if u in made)
                    and not reads_across(self.p, v, home.buffer)):
                found[v] = home
        return found

    def for_caller(self, ops: Sequence[Op], results: Sequence[Value]) -> dict[Value, View]:
        """The caller's memory for results that the last part of the program computes.

        A reshape is another view of the memory that its operand fills.
        """
        made = {r for op in ops for r in op.results}
        found: dict[Value, View] = {}
        for k, r in enumerate(results):
            v = r
            while v.op is not None and v.op.name == "reshape" and v.op.operands[0] in made:
                v = v.op.operands[0]
            if v in made and v not in found and v.type.is_static:
                found[v] = whole(self.p.output(k, r), v.type.extents)
        return found

    # changes in place -------------------------------------------------------------------------------------------------
    def is_free(self, state: BlockState, k: int, op: Op, x: Value) -> bool:
        """Whether an array is the block's own and read for the last time, and only once, by the operation at k."""
        home = self.home(x)
        if not isinstance(home, View) or home.buffer not in state.owned or not is_whole(home, x.type):
            return False
        return state.last[x] == k and [*op.uses(), *captures(op)].count(x) == 1

    def change(self, state: BlockState, pending: list[Op], k: int, op: Op) -> list[Op] | None:
        """Do the update at position k in place, together with what comes before it where that is possible.

        None where the new array is better made elsewhere: it is only read on, or it would go through a copy.
        """
        if is_large(op) and state.passes_on(op):
            return None
        home = self.home(op.operands[0])
        assert isinstance(home, View)
        given = {op.result: home}
        kept, _ = self.results(state, [*pending, op], k + 1, given, k)
        if not overwritten_too_early(self, [*pending, op], kept, given, op):
            self.commit(state, [*pending, op], k + 1, given, in_place=True)
            return [*pending, op]
        if is_large(op) and op.result in state.block.results and state.last[op.result] == len(state.ops):
            return None
        before = self.part(state, pending, k)
        kept, _ = self.results(state, [op], k + 1, given, k)
        assert not overwritten_too_early(self, [op], kept, given, op), f"{op!r} reads what it overwrites"
        self.commit(state, [op], k + 1, given, in_place=True)
        return [*before, fence(), op] if before else [op]

    # steps ------------------------------------------------------------------------------------------------------------
    def step(self, state: BlockState, k: int, op: Op) -> list[Op]:
        """An operation that is no part of straight code, and what goes before it."""
        if rule := STEPS.get(op.name):
            return rule(self, state, k, op)
        for r in op.results:
            self.bind(r, None)
        return [op]

    def bind(self, v: Value, home: View | None) -> None:
        """A value is at `home`, or a single element (or a tape, which is nowhere yet)."""
        if home is not None:
            self.p.homes[v] = home
        elif is_single(v.type):
            self.number(v)

    def carry(self, state: BlockState, k: int, op: Op, out: list[Op]) -> list[View | None]:
        """Where a loop keeps what it carries: arrays in memory that is free, or in new memory, behind copies."""
        loop = Loop.of(op)
        homes: list[View | None] = []
        begins = list(loop.inits)
        free = [not is_stored(v) or self.is_free(state, k, op, v) for v in begins]
        for j, init in enumerate(loop.inits):
            if not is_stored(init):
                homes.append(None)
                continue
            if free[j]:
                home = self.home(init)
                assert isinstance(home, View)
            else:
                home = self.memory(state, init)
                out += [fence(), copied := self.p.copied(init, home)]
                begins[j] = copied.result
            homes.append(home)
        loop.begin_with(begins)
        return homes

    def enter(self, inner: BlockState, params: Iterable[Value], homes: Iterable[View | None]) -> None:
        """Bind what a region carries to where it is."""
        for v, home in zip(params, homes, strict=True):
            self.bind(v, home)
            if home is not None:
                inner.owned.add(home.buffer)

    def leave(self, results: Iterable[Value], homes: Iterable[View | None]) -> None:
        """Bind the results of a loop or branch to where it has left them."""
        for v, home in zip(results, homes, strict=True):
            self.bind(v, home)


def is_stored(v: Value) -> bool:
    """Whether a carried value stands in memory: no tape, no single element."""
    return not is_single(v.type) and v.dtype.kind != "O"


def for_(low: Placement, state: BlockState, k: int, op: Op) -> list[Op]:
    out: list[Op] = []
    loop = For(op)
    homes = low.carry(state, k, op, out)
    least, greatest = low.bounds.ranges.interval(loop.index)
    var = Var("k", -ANYWHERE if least is None else least, ANYWHERE if greatest is None else greatest + 1)
    low.numbers[loop.index] = low.nodes.index(Affine.of(var), I64)
    inner = BlockState(loop.body)
    low.enter(inner, loop.params, homes)
    low.block(inner, list(zip(loop.yields, homes, strict=True)))
    low.leave(op.results, homes)
    return [*out, op]


def while_(low: Placement, state: BlockState, k: int, op: Op) -> list[Op]:
    out: list[Op] = []
    loop = While(op)
    homes = low.carry(state, k, op, out)
    first, inner = BlockState(loop.condition), BlockState(loop.body)
    low.enter(first, loop.condition.params, homes)
    first.owned.clear()  # a condition changes nothing
    low.block(first)
    low.enter(inner, loop.params, homes)
    low.block(inner, list(zip(loop.yields, homes, strict=True)))
    low.leave(op.results, homes)
    return [*out, op]


def if_(low: Placement, state: BlockState, k: int, op: Op) -> list[Op]:
    homes = [branch_home(low, state, k, op, r) for r in op.results]
    for region in op.regions:
        inner = BlockState(region)
        inner.owned.update(home.buffer for home in homes if home is not None)
        low.block(inner)
    low.leave(op.results, homes)
    return [op]


def branch_home(low: Placement, state: BlockState, k: int, op: Op, r: Value) -> View | None:
    """Where a branch leaves a result: the memory of the array that both sides may change, where it is free."""
    if not is_stored(r):
        return None
    source, *others = {root_of(region, region.results[r.index]) for region in op.regions}
    if source is not None and not others and may_lend(low, state, k, op, source):
        home = low.home(source)
        assert isinstance(home, View)
        return home
    return low.memory(state, r)


def may_lend(low: Placement, state: BlockState, k: int, op: Op, x: Value) -> bool:
    home = low.home(x)
    roots = [root_of(region, v) for region in op.regions for v in region.results]
    return (isinstance(home, View) and home.buffer in state.owned and is_whole(home, x.type)
            and state.last[x] == k and x not in op.operands and roots.count(x) == len(op.regions))


def pop(low: Placement, state: BlockState, k: int, op: Op) -> list[Op]:
    """What is popped is read where it stands on the tape, unless something is pushed over it."""
    over = is_pushed_over(state, k)
    for r in record_of(op):
        if is_single(r.type):
            low.number(r)
        elif over:
            low.bind(r, low.memory(state, r))
        else:
            t = most(r.type, low.extent)
            low.bind(r, whole(Buffer("", t.dtype, t.extents, "tape")))
    return [op]


def is_pushed_over(state: BlockState, k: int) -> bool:
    """Whether something is pushed behind position k, so that what a pop shows there is overwritten."""
    return any(x.name == "push" for op in state.ops[k:] for x in (op, *(y for r in op.regions for y in walk(r))))


def show(low: Placement, state: BlockState, k: int, op: Op) -> list[Op]:
    low.bind(op.result, None if is_single(op.result.type) else low.memory(state, op.result))
    return [op]


STEPS = {"for": for_, "while": while_, "if": if_, "pop": pop, "show": show}
"""Operations that have memory for what they carry or give: `rule(placement, state, position, op) -> operations`."""
