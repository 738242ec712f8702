"""The reverse of a nest as it will be: with what was kept popped, the rest computed again, arrays carried backwards."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

from ...errors import DifferentiationError
from ...ir import INDEX, ArrayType, Block, Builder, For, Loc, Op, Value, captures, walk
from ...ir.clone import copy_op
from ...ir.core import map_type
from ...ir.linear import Linear
from ...ir.ops.tape import TAPE_TYPE
from ...records import dataclass
from ...tracer.locations import fail
from .adjoint_pairs import OpPair, RegionPair, carry, complete, insert, parameter, result
from .never_overwritten import read
from .residuals import Nest, ResidualPlan, extents, planned, reads
from .restorable import Restorable, VersionChain, overwritten, places, restored


class Unavailable(Exception):
    """A value is not there when it is needed: `value` must be kept on the tape in place of being computed or undone."""

    def __init__(self, value: Value):
        super().__init__(value)
        self.value = value


PATIENCE = 8
"""So many values that turn out not to be available are tried one by one."""


def keep(block: Block, op_pairs: Sequence[OpPair]) -> None:
    """Make the reverses of a function's nests read only what is in scope. `block` is the function's own."""
    owners = {region: op for op in walk(block) for region in op.regions} if op_pairs else {}
    for op_pair in op_pairs:
        nest = Nest(op_pair, owners)
        dear: set[Value] = set()
        whole: set[Value] = set()
        while True:
            plan = planned(nest, dear, whole)
            try:
                outermost = Outermost(plan, block)
                made = finished(outermost, plan, op_pair)
                break
            except Unavailable as e:
                missing = e.value
            group = dear if missing in plan.again else whole
            if missing in group or missing in plan.kept:
                fail(DifferentiationError, f"the reverse of this {op_pair.op.name!r} reads a {missing.type} before it "
                                           f"can be found again; this is a gap in gradjit", op_pair.op.loc)
            group.add(missing)
            if len(dear) > PATIENCE:  # those that read the same have the same fate, most likely
                dear.update(v for s in plan.sources(missing) or () for v in plan.readers.get(s, ()))
        attach(block, outermost, made)


@dataclass
class Made:
    """A finished reverse: its regions, and the arrays that go in, and come out, behind what the draft has."""

    regions: tuple[Block, ...]
    arrays: list[Value]
    restorables: list[Restorable]


class Region:
    """The reverse of one region under construction.

    env: what forward values, and those of the draft, are here.
    versions: those of arrays that are gone backwards, with their places.
    at: for each path that is gone backwards, how many of its steps are not undone yet; arrays: its array now.
    held: paths that may not move, while the reverse of one of their steps is under construction.
    """

    def __init__(self, plan: ResidualPlan, op_pair: OpPair, pair: RegionPair, block: Block, outer: Scope,
                 tape: Value | None):
        self.plan = plan
        self.nest = plan.nest
        self.op_pair = op_pair
        self.pair = pair
        self.outer = outer
        self.b = Builder(block, op_pair.op.loc)
        self.tape = tape
        self.env: dict[Value, Value] = {}
        self.at: dict[VersionChain, int] = {}
        self.arrays: dict[VersionChain, Value] = {}
        self.held: set[VersionChain] = set()
        self.old: dict[Op, Value] = {}
        self.chains = plan.chains[pair]
        # What a branch takes from outside is found there, unless it is undone there: then the branch does it first.
        self.versions = {v: (chain, k) for chain in self.chains for k, v in enumerate(chain.versions)
                         if self.nest.home.get(v) is pair or plan.restorable(v) in plan.restored}
        self.stack: list[Value] = outer.stack

    # looking up -------------------------------------------------------------------------------------------------------
    def get(self, v: Value) -> Value:
        """What a value of the forward pass or of the draft is here. Raises Unavailable."""
        if v in self.env:
            return self.env[v]
        if v in self.versions and v not in self.plan.kept:
            self.rewind(*self.versions[v])
        elif self.nest.home.get(v) is not self.pair:
            return self.outer.get(v)
        elif v in self.plan.again:
            for source in self.behind(v):
                if source not in self.env:
                    self.again(source)
        if v not in self.env:
            raise Unavailable(self.stack[-1] if self.stack else v)
        return self.env[v]

    def all(self, values: Iterable[Value], reader: Value | None = None) -> dict[Value, Value]:
        """Several values at once. An array may have moved on while another was looked for."""
        wanted = list(dict.fromkeys(values))
        for v in wanted:
            self.get(v)
        lost = [v for v in wanted if self.is_gone(v)]
        if lost:
            raise Unavailable(reader or lost[0])
        return {v: self.get(v) for v in wanted}

    def is_gone(self, v: Value) -> bool:
        home = self.nest.home.get(v)
        if home is None or v in self.env:
            return False
        return home is self.pair or self.outer.is_gone(v)

    def behind(self, v: Value) -> list[Value]:
        """What is to be computed for v, and v, in the order of the program. (No recursion: an iteration may be
        long.)"""
        found, todo = {v}, [v]
        while todo:
            for s in self.plan.sources(todo.pop()) or ():
                if s in self.plan.again and s not in found and s not in self.env and self.nest.home[s] is self.pair:
                    found.add(s)
                    todo.append(s)
        return sorted(found, key=self.nest.order.__getitem__)

    def again(self, v: Value) -> None:
        """Compute a value once more."""
        if v in self.stack:
            raise Unavailable(v)
        if v in self.nest.same or v in self.nest.counters:
            self.env[v] = self.get(self.nest.same[v]) if v in self.nest.same else self.count(v)
            return
        op, reading = v.op, self.plan.reading(v)
        self.stack.append(v)
        if reading is not None:
            env = self.all((reading.array, *reading.places(), *extents(v)), v)
            self.b.loc = self.op_pair.op.loc if op is None else op.loc
            self.env[v] = self.b.reshape_to(read(self.b, reading, env), map_type(v.type, lambda e: env.get(e, e)).shape)
        else:
            assert op is not None
            env = self.all(reads(op), v)
            copy_op(self.b, op, env)
            self.env.update({r: env[r] for r in op.results})
        self.stack.pop()

    def count(self, v: Value) -> Value:
        """A counter as it is in this iteration, from the index or the iteration's number."""
        counter = self.nest.counters[v]
        init, index = self.get(counter.init), self.b.block.params[0]
        self.b.loc = self.op_pair.op.loc
        if self.op_pair.op.name == "for":
            index = self.b.sub(index, self.get(For(self.op_pair.op).lo))
        if counter.slope != 1:
            index = self.b.mul(index, self.b.index(counter.slope))
        return self.b.add(init, index)

    # going backwards --------------------------------------------------------------------------------------------------
    def rewind(self, chain: VersionChain, to: int) -> None:
        """Undo the steps of a path behind the version `to`, where they are writes."""
        while self.at.get(chain, -1) > to:
            write = chain.steps[self.at[chain] - 1]
            if chain in self.held or not isinstance(write, Op):
                raise Unavailable(self.stack[-1] if self.stack else chain.versions[to])
            self.restore(chain, write)

    def restore(self, chain: VersionChain, write: Op) -> None:
        """One write undone, behind everything that reads the version it made."""
        self.held.add(chain)
        self.read_all(write.result)
        env = self.all(places(write))
        self.held.discard(chain)
        self.b.loc = write.loc
        self.arrive(chain, self.at[chain] - 1, restored(self.b, write, self.arrays[chain], self.old[write], env))

    def arrive(self, chain: VersionChain, at: int, array: Value) -> None:
        """The array as it was in the version `at`."""
        if chain in self.at:
            self.forget(chain.versions[self.at[chain]])
        self.at[chain], self.arrays[chain] = at, array
        if chain.versions[at] not in self.plan.kept:
            self.env[chain.versions[at]] = array

    def forget(self, version: Value) -> None:
        if version not in self.plan.kept:
            del self.env[version]

    def read_all(self, version: Value) -> None:
        """Compute now what will be computed from a version that is about to go."""
        for v in self.plan.readers.get(version, ()):
            if v not in self.env:
                self.again(v)

    # the block --------------------------------------------------------------------------------------------------------
    def fill(self, arrays: Sequence[tuple[VersionChain, Value]]) -> None:
        """Write the block. `arrays` are those that are gone backwards, as they are at the end of their paths."""
        for chain, array in arrays:
            self.arrive(chain, len(chain.steps), array)
        self.pop()
        for op in self.pair.back.ops:
            if op in self.nest.backs:
                self.reverse(self.nest.backs[op])
            elif op in self.nest.live:
                env = self.all((*reads(op), *captures(op)))
                copy_op(self.b, op, env)
                self.env.update({r: env[r] for r in op.results})
        results = [self.get(v) for v in self.pair.back.results]
        for chain, _ in arrays:
            self.rewind(chain, 0)
        self.b.block.results = (*results, *([self.tape] if self.tape is not None else []),
                                *(self.arrays[chain] for chain, _ in arrays))

    def pop(self) -> None:
        """Take the iteration's records from the tape. Extents come before what they are extents of."""
        for record in records(self.plan, self.pair):
            types = tuple(map_type(t, self.get) for t in map(type_of, record))
            assert self.tape is not None
            self.tape, *values = self.b.append("pop", (self.tape,), {"types": types}).results
            for entry, v in zip(record, values, strict=True):
                if isinstance(entry, Op):
                    self.old[entry] = v
                else:
                    v.name = entry.name
                    self.env[entry] = self.within(entry, v)

    def within(self, entry: Value, popped: Value) -> Value:
        """A popped integer with what the forward pass knows of its bounds said again: what it measures needs memory."""
        if entry.type != INDEX:
            return popped
        ranges = self.nest.never_overwritten.ranges
        with ranges.supposing(self.known(entry.op)):
            low, high = ranges.interval(entry)
        if high is not None:
            popped = self.b.minimum(popped, self.b.index(high))
            popped = popped if low is None else self.b.maximum(popped, self.b.index(low))
        return popped

    def known(self, op: Op | None) -> Iterator[Linear]:
        """The forms of integers that are not negative where the forward pass runs an operation of the region."""
        ranges, region = self.nest.never_overwritten.ranges, self.op_pair.pairs.index(self.pair)
        yield from self.outer.known(self.op_pair.op)
        yield from ranges.within(self.op_pair.op, region)
        yield from ranges.before(self.pair.block, op)

    def reverse(self, op_pair: OpPair) -> None:
        """The finished reverse of an operation of the region."""
        draft = op_pair.back
        through = [chain for chain in self.chains for p in chain.restorables if p.op_pair is op_pair]
        for chain in through:
            self.rewind(chain, chain.behind(op_pair))
        env = self.all(reads(draft))
        self.held.update(through)
        made = finished(self, self.plan, op_pair)
        for chain in through:
            self.read_all(chain.versions[self.at[chain]])
        self.held.difference_update(through)
        operands = [env[v] for v in draft.operands]
        if op_pair.op.name != "if":
            operands += [*self.tapes(op_pair), *made.arrays]
        types = [*(map_type(r.type, lambda v: env.get(v, v)) for r in draft.results),
                 *(v.type for v in (*self.tapes(op_pair), *made.arrays))]
        new = Op(draft.name, tuple(operands), draft.attrs, tuple(types), made.regions, draft.loc)
        self.b.block.ops.append(new)
        self.env.update(zip(draft.results, new.results, strict=False))
        rest = list(new.results[len(draft.results):])
        if self.tapes(op_pair):
            self.tape = rest.pop(0)
        for chain in through:
            restorable = chain.steps[self.at[chain] - 1]
            assert isinstance(restorable, Restorable)
            self.arrive(chain, self.at[chain] - 1, rest[made.restorables.index(restorable)])

    def tapes(self, op_pair: OpPair) -> list[Value]:
        """The tape, if the reverse of an operation takes from it."""
        return [self.tape] if op_pair in self.plan.taped and self.tape is not None else []


class Outermost:
    """The function's own block, whose values are all in scope."""

    def __init__(self, plan: ResidualPlan, block: Block):
        self.plan = plan
        self.block = block
        self.stack: list[Value] = []
        op = plan.nest.op_pair.op
        self.tape = Value(TAPE_TYPE, op, len(op.results))  # `push` makes it a result of the forward operation

    def get(self, v: Value) -> Value:
        return v

    def is_gone(self, v: Value) -> bool:
        return False

    def known(self, op: Op) -> Iterator[Linear]:
        return self.plan.nest.never_overwritten.ranges.before(self.block, op)


Scope = Region | Outermost


def finished(outer: Scope, plan: ResidualPlan, op_pair: OpPair) -> Made:
    """The finished regions of a reverse."""
    restorables = [p for p in plan.restored if p.op_pair is op_pair]
    arrays = [outer.get(p.end) for p in restorables]
    if op_pair.op.name == "if":
        regions = tuple(branch(outer, plan, op_pair, pair, restorables, arrays) for pair in op_pair.pairs)
    else:
        regions = (iteration(outer, plan, op_pair, restorables, arrays),)
    return Made(regions, arrays, restorables)


def branch(outer: Scope, plan: ResidualPlan, op_pair: OpPair, pair: RegionPair, restorables: Sequence[Restorable],
           arrays: Sequence[Value]) -> Block:
    """Tape and arrays come from outside."""
    block = Block()
    region = Region(plan, op_pair, pair, block, outer, outer.tape if op_pair in plan.taped else None)
    region.fill([(p.chains[op_pair.pairs.index(pair)], a) for p, a in zip(restorables, arrays, strict=True)])
    return block


def iteration(outer: Scope, plan: ResidualPlan, op_pair: OpPair, restorables: Sequence[Restorable],
              arrays: Sequence[Value]) -> Block:
    """Tape and arrays are carried."""
    (pair,) = op_pair.pairs
    draft = pair.back
    block = Block()
    fresh = [parameter(block, map_type(p.type, outer.get), p.name) for p in draft.params]
    tape = parameter(block, TAPE_TYPE) if op_pair in plan.taped else None
    carried = [parameter(block, a.type, p.end.name) for p, a in zip(restorables, arrays, strict=True)]
    region = Region(plan, op_pair, pair, block, outer, tape)
    region.env.update(zip(draft.params, fresh, strict=True))
    if op_pair.op.name == "for":
        index = For(op_pair.op).index
        region.env[index] = fresh[0]
        fresh[0].name = index.name
    region.fill([(p.chains[0], a) for p, a in zip(restorables, carried, strict=True)])
    return block


def records(plan: ResidualPlan, pair: RegionPair) -> list[list[Value | Op]]:
    """An iteration's records as they are popped: what has known extents, then what has computed ones."""
    entries = plan.records[pair]
    known = [e for e in entries if type_of(e).is_static]
    return [r for r in (known, [e for e in entries if not type_of(e).is_static]) if r]


def type_of(entry: Value | Op) -> ArrayType:
    return entry.operands[-1].type if isinstance(entry, Op) else entry.type


# the forward pass -----------------------------------------------------------------------------------------------------
def attach(block: Block, outermost: Outermost, made: Made) -> None:
    """Put the finished regions into the reverse in the function's own block, and let the forward pass push."""
    plan = outermost.plan
    op_pair, back = plan.nest.op_pair, plan.nest.op_pair.back
    back.regions = made.regions
    if op_pair in plan.taped:
        before = Builder(Block(), op_pair.op.loc)
        empty = before.tape()
        insert(block, op_pair.op, before.block.ops)
        push(op_pair, plan, empty, outermost.tape)
        if back.name != "if":
            back.operands = (*back.operands, outermost.tape)
        result(back, TAPE_TYPE)
    if back.name != "if":
        back.operands = (*back.operands, *made.arrays)
    for a in made.arrays:
        result(back, a.type)


def push(op_pair: OpPair, plan: ResidualPlan, tape: Value, behind: Value | None = None) -> Value:
    """Let the regions of an operation push their records; the tape behind it (`behind`, if it is there already)."""
    op = op_pair.op
    if op.name != "if":
        tape = carry(op, tape)
    behind = result(op, TAPE_TYPE, behind)
    complete(op, *(push_records(pair, plan, tape, op.loc) for pair in op_pair.pairs))
    return behind


def push_records(pair: RegionPair, plan: ResidualPlan, tape: Value, loc: Loc | None) -> Value:
    for inner in reversed(pair.op_pairs):
        if inner in plan.taped:
            tape = push(inner, plan, tape)
    for record in reversed(records(plan, pair)):
        values = [held(pair.block, e) if isinstance(e, Op) else e for e in record]
        tape = Builder(pair.block, loc).push(tape, *values)
    return tape


def held(block: Block, write: Op) -> Value:
    """What a write overwrites, read before it."""
    before = Builder(Block(), write.loc)
    old = overwritten(before, write)
    insert(block, write, before.block.ops)
    return old

