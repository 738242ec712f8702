"""Which values of a loop's turns the reverse needs, and which of them are kept.

The reverses of regions are built as if the values of the forward regions were in scope. What they really read is what
must be there again: it is computed once more, kept on the tape, or read off an array that is carried backwards
(`restorable`). A minimum cut through the nest's values decides, with what `costs` says of keeping and of computing,
each as often as its loop iterates. `rebuild` then writes the reverse as it will be.
"""

from __future__ import annotations

from collections.abc import Container, Iterable, Iterator, Mapping, Sequence

from ...ir import INDEX, OPS, TAPE, Block, For, Loop, Op, Value, walk
from ...ir.linear import Forms, atom, constant
from ...ir.ranges import conditions_on_integers
from ...records import dataclass
from . import costs
from .adjoint_pairs import OpPair, RegionPair
from .mincut import INFINITE, Network
from .never_overwritten import NeverOverwritten, WindowRead, slice_reading, write_reading
from .restorable import Restorable, RestorableFinder, VersionChain, places


def reads(op: Op) -> Iterator[Value]:
    """What an operation reads by itself: operands and index values, those in its results' types included."""
    yield from op.uses()
    for r in op.results:
        yield from extents(r)


def extents(v: Value) -> Iterator[Value]:
    return (e for e in v.shape if isinstance(e, Value))


@dataclass(frozen=True)
class Counter:
    """What a carried integer begins with, and by how much it goes on while the index (in a `while`, the number of the
    iteration) goes on by one."""

    init: Value
    slope: int


class Nest:
    """A loop (or branch) of the function's own block with all that is nested in it.

    home: the region that defines a value; values of the function's own block have none, and are always at hand.
    order: the values of a region as they are defined.
    outer: the region around a region; None for the outermost.
    weight: about how often a region runs.
    live: the operations of the reverses that are needed.
    demanded: the values of forward regions that they read.
    same: carried values that no iteration changes, with what they are from the beginning; and what the branches of the
        outermost `if` yield, with the results, which are at hand.
    counters: carried integers that go on by the same number in each iteration.
    bounding: conditions on integers, with their parts, that say how long the arrays in their branches can be.
    """

    def __init__(self, op_pair: OpPair, owners: Mapping[Block, Op]):
        self.op_pair = op_pair
        self.home: dict[Value, RegionPair] = {}
        self.order: dict[Value, int] = {}
        self.outer: dict[RegionPair, RegionPair | None] = {}
        self.weight: dict[RegionPair, int] = {}
        self.forms = Forms()
        self.same: dict[Value, Value] = {}
        self.counters: dict[Value, Counter] = {}
        self.bounding: set[Value] = set()
        self.counted: set[RegionPair] = set()
        self.of_pair: dict[RegionPair, OpPair] = {}
        self.op_pairs: dict[Op, OpPair] = {}
        self.backs: dict[Op, OpPair] = {}
        self.live: set[Op] = set()
        needed = {**self._living(op_pair.back), **dict.fromkeys(reads(op_pair.back))}
        self._enter(op_pair, None, 1)
        self.demanded = [v for v in needed if v in self.home]
        self.restorables = RestorableFinder(self.op_pairs, self.home)
        self.chains: dict[Value, tuple[Restorable, VersionChain]] = {}
        self.order.update({v: k for k, v in enumerate(self.home)})
        for t in self.op_pairs.values():
            self._versions(t)
        self.never_overwritten = NeverOverwritten(owners, self.home, self.outer, self.of_pair, self.chains)
        self.readings: dict[Value, WindowRead | None] = {}

    # what is needed ---------------------------------------------------------------------------------------------------
    def _living(self, op: Op) -> dict[Value, None]:
        """Mark what the regions of a reverse need; the values that they read."""
        self.live.add(op)
        needed: dict[Value, None] = {}
        for region in op.regions:
            needed.update(self._block(region))
        return needed

    def _block(self, block: Block) -> dict[Value, None]:
        needed = dict.fromkeys(block.results)
        for p in block.params:
            needed.update(dict.fromkeys(extents(p)))
        for op in reversed(block.ops):
            if any(r in needed for r in op.results):
                needed.update(self._living(op))
                needed.update(dict.fromkeys(reads(op)))
        return needed

    def _enter(self, op_pair: OpPair, outer: RegionPair | None, weight: int) -> None:
        """Register a counterpart and, in it, those whose reverse is needed."""
        self.op_pairs[op_pair.op] = self.backs[op_pair.back] = op_pair
        if op_pair.op.name == "for":
            self.counted.update(op_pair.pairs)
        weight *= max(costs.trip_count(op_pair.op), 1)
        for pair in op_pair.pairs:
            self.outer[pair], self.weight[pair], self.of_pair[pair] = outer, weight, op_pair
            self.home.update(dict.fromkeys(pair.block.params, pair))
            for op in pair.block.ops:
                self.home.update(dict.fromkeys(op.results, pair))
            pair.op_pairs = [t for t in pair.op_pairs if t.back in self.live]
            for t in pair.op_pairs:
                self._enter(t, pair, weight)
        self._unchanged(op_pair)
        if op_pair.op.name == "if":
            self._bounding(op_pair.op)
            if outer is None:
                self.same.update({v: r for pair in op_pair.pairs
                                  for v, r in zip(pair.block.results, op_pair.op.results, strict=True)
                                  if self.home.get(v) is pair})

    def _bounding(self, op: Op) -> None:
        parts = conditions_on_integers(op.operands[0])
        if parts and any(not r.type.is_static for region in op.regions for o in walk(region) for r in o.results):
            self.bounding.update(parts)

    def _unchanged(self, op_pair: OpPair) -> None:
        if op_pair.op.name == "if":
            return
        loop = Loop.of(op_pair.op)
        for p, init, r in zip(loop.params, loop.inits, loop.yields, strict=True):
            if r is p:
                self.same[p] = init
            elif p.type == INDEX:
                change, step = self.forms(r) - atom(p), constant(loop.step) if isinstance(loop, For) else 1
                if change.is_const and step and change.const % step == 0:
                    self.counters[p] = Counter(init, change.const // step)

    def _versions(self, op_pair: OpPair) -> None:
        for k in range(len(op_pair.op.results)):
            restorable = self.restorables.through(op_pair, k)
            for chain in restorable.chains if restorable is not None else ():
                first = 1 if op_pair.op.name == "if" else 0  # what a branch takes from outside is a version there
                assert restorable is not None
                self.chains.update(dict.fromkeys(chain.versions[first:], (restorable, chain)))

    def is_given(self, v: Value) -> bool:
        """Whether v is the index of a `for`, which the reverse has as its own."""
        pair = self.home[v]
        return v.owner is pair.block and v.index == 0 and pair in self.counted

    def sources(self, v: Value) -> list[Value] | None:
        """The forward values that v can be computed from; None if it cannot be computed in the reverse."""
        if v in self.same:
            return self.inside([self.same[v]])
        if v in self.counters:
            loop = self.of_pair[self.home[v]].op
            return self.inside([self.counters[v].init, *((For(loop).lo,) if loop.name == "for" else ())])
        if self.is_given(v):
            return []
        op = v.op
        if op is None or OPS[op.name].is_pinned:
            return None
        return self.inside(reads(op))

    def lasts(self, v: Value) -> WindowRead | None:
        """Where in an array that is left behind a slice's elements stand still."""
        if v not in self.readings:
            is_read = v.op is not None and v.op.name == "slice" and v.op.operands[0] in self.chains
            read = self.never_overwritten.found(slice_reading(v.op)) if is_read and v.op is not None else None
            self.readings[v] = read
        return self.readings[v]

    def inside(self, values: Iterable[Value]) -> list[Value]:
        return [v for v in dict.fromkeys(values) if v in self.home]


NOTHING: Mapping[Value, WindowRead] = {}


class ResidualPlan:
    """What is kept, undone and computed again for one nest.

    kept: the values on the tape. restored: the arrays that are carried backwards. needed: all forward values that the
    reverse has again. again: those among them that are computed.
    dear: values that must not be computed again, as what they read is not there when they are needed.
    whole: versions of arrays that must not be undone, likewise.
    read: values that a write left in an array that is there in the reverse, with where they are read.
    paid: arrays that are carried backwards anyway.
    """

    def __init__(self, nest: Nest, dear: set[Value], whole: set[Value], read: Mapping[Value, WindowRead] = NOTHING,
                 paid: Container[Restorable] = ()):
        self.nest = nest
        self.dear = dear
        self.whole = whole
        self.read = read
        self.paid = paid
        self.net = Network()
        self.seen: set[Value | Restorable] = set()
        self.todo: list[Value] = []
        for v in nest.demanded:
            self.net.edge(self.available(v), self.net.sink, INFINITE)
        while self.todo:
            self._made(self.todo.pop())
        self.side = self.net.cut()
        self.kept: dict[Value, None] = {}
        self.restored: dict[Restorable, None] = {}
        self.again: dict[Value, None] = {}
        self.needed: set[Value | Restorable] = set()
        self._need(nest.demanded)
        self.chains = self._paths()
        self.records = {pair: self._record(pair) for pair in nest.weight}
        self.taped = {t for t in nest.op_pairs.values() if self._has_tape(t)}
        self.readers = self._readers()

    # the network: on the sink's side is what the reverse has ----------------------------------------------------------
    def available(self, v: Value) -> int:
        """The node that says that the reverse has v. Behind it: v is kept (an edge that costs), or made available."""
        if v not in self.seen:
            self.seen.add(v)
            self.todo.append(v)
        return self.net.node(("has", v))

    def _made(self, v: Value) -> None:
        """The edges that lead to a value."""
        made, weight = self.net.node(("makes", v)), self.nest.weight[self.nest.home[v]]
        self.net.edge(made, self.net.node(("has", v)),
                      INFINITE if v.dtype is TAPE else max(costs.size(v.type), 1) * weight)
        restorable = self.restorable(v)
        sources = self.sources(v)
        if restorable is not None:
            self.net.edge(self.undoing(restorable), made, INFINITE)
        elif sources is None or v in self.dear or v in self.nest.chains:
            self.net.edge(self.net.source, made, INFINITE)
        else:
            self.net.edge(self.net.source, made, self.work(v) * weight)
            for s in sources:
                self.net.edge(self.available(s), made, INFINITE)

    def sources(self, v: Value) -> list[Value] | None:
        """The forward values that v is computed from, or that say where it is read; None if it cannot be."""
        reading = self.reading(v)
        return self.nest.sources(v) if reading is None else self.nest.inside([reading.array, *reading.places()])

    def reading(self, v: Value) -> WindowRead | None:
        """Where v is read off an array."""
        return self.read.get(v) or self.nest.lasts(v)

    def work(self, v: Value) -> int:
        """What it costs to have v again."""
        if v in self.nest.same or v in self.nest.bounding:  # (a condition that was kept would say nothing of extents)
            return 0
        if self.reading(v) is not None:
            return costs.elements(v.type)
        return costs.work(v.op) if v.op is not None and not v.op.regions else 0

    def written(self) -> dict[Value, WindowRead]:
        """Values that arrays hold which are there in the reverse, and that cost more in another way than to be read."""
        found: dict[Value, WindowRead] = {}
        for restorable, chain in dict.fromkeys(self.nest.chains.values()):
            for write in chain.writes:
                values = [v for v in unmoved(write.operands[-1]) if self.is_dear(v) and self.nest.home[v] is chain.pair]
                if write.name == "update" and values:
                    reading = write_reading(write)
                    last = self.nest.never_overwritten.found(reading)
                    if last is None and restorable in self.restored:
                        last = reading
                    if last is not None:
                        found.update(dict.fromkeys(values, last))
        return found

    def is_dear(self, v: Value) -> bool:
        """Whether it costs more than a look into an array to have v in the reverse."""
        return v in self.kept or (v in self.again and self.work(v) > costs.elements(v.type))

    def restorable(self, v: Value) -> Restorable | None:
        """The way on which v is found when its array is carried backwards."""
        return None if v in self.whole or v not in self.nest.chains else self.nest.chains[v][0]

    def undoing(self, restorable: Restorable) -> int:
        """The node that says that an array is carried backwards."""
        node = self.net.node(restorable)
        if restorable not in self.seen:
            self.seen.add(restorable)
            kept = sum(costs.size(w.operands[-1].type) * self.nest.weight[p.pair]
                       for p in restorable.chains for w in p.writes)
            self.net.edge(self.net.source, node, 0 if restorable in self.paid else kept)
            for v in self.required(restorable):
                self.net.edge(self.available(v), node, INFINITE)
            for inner in inner_restorables(restorable):
                self.net.edge(self.undoing(inner), node, INFINITE)
        return node

    def required(self, restorable: Restorable) -> list[Value]:
        """What carrying an array backwards takes: what it was in the end, and where each write went."""
        wheres = [v for p in restorable.chains for w in p.writes for v in places(w)]
        return self.nest.inside([restorable.end, *wheres])

    # what the cut says ------------------------------------------------------------------------------------------------
    def _need(self, values: Sequence[Value]) -> None:
        todo: list[Value | Restorable] = list(values)
        while todo:
            v = todo.pop()
            if v in self.needed:
                continue
            self.needed.add(v)
            if isinstance(v, Restorable):
                self.restored[v] = None
                todo += [*self.required(v), *inner_restorables(v)]
            elif self.net.node(("makes", v)) not in self.side:
                self.kept[v] = None
            elif (restorable := self.restorable(v)) is not None:
                todo.append(restorable)
            else:
                self.again[v] = None
                todo += self.sources(v) or ()

    # records ----------------------------------------------------------------------------------------------------------
    def _record(self, pair: RegionPair) -> list[Value | Op]:
        """What an iteration leaves on the tape: values, and for a write what it overwrites. In the order of the
        program."""
        writes = {w for p in self.chains[pair] for w in p.writes}
        found: list[Value | Op] = [p for p in pair.block.params if p in self.kept]
        for op in pair.block.ops:
            if op in writes:
                found.append(op)
            found += [r for r in op.results if r in self.kept]
        return found

    def _paths(self) -> dict[RegionPair, list[VersionChain]]:
        """The ways of arrays through each region that are gone backwards."""
        found: dict[RegionPair, list[VersionChain]] = {pair: [] for pair in self.nest.weight}
        for restorable in self.restored:
            for chain in restorable.chains:
                found[chain.pair].append(chain)
        return found

    def _has_tape(self, op_pair: OpPair) -> bool:
        """Whether anything is kept in a nest."""
        return any(self.records[pair] or any(map(self._has_tape, pair.op_pairs)) for pair in op_pair.pairs)

    def _readers(self) -> dict[Value, list[Value]]:
        """For a version of an array the values of its region that are computed from it again, in order."""
        found: dict[Value, list[Value]] = {}
        for v in sorted(self.again, key=self.nest.order.__getitem__):
            for s in self.sources(v) or ():
                if s in self.nest.chains and self.nest.home[s] is self.nest.home[v]:
                    found.setdefault(s, []).append(v)
        return found


def unmoved(v: Value) -> Iterator[Value]:
    """A value and those that it is a reshape of."""
    yield v
    while v.op is not None and v.op.name == "reshape":
        v = v.op.operands[0]
        yield v


def inner_restorables(restorable: Restorable) -> list[Restorable]:
    return [inner for p in restorable.chains for inner in p.restorables]



def planned(nest: Nest, dear: set[Value], whole: set[Value]) -> ResidualPlan:
    """The plan; where arrays are carried backwards, a second one that reads off them what they hold."""
    plan = ResidualPlan(nest, dear, whole)
    written = plan.written()
    return ResidualPlan(nest, dear, whole, written, plan.restored) if written else plan
