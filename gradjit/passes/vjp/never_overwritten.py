"""What a window of an array held in an iteration, and holds still when all is over.

`y[n] = a * y[n-1] + x[n]`: what was read as y[n-1] is never written again, so the reverse reads it from the y that the
loop left. No tape, and nothing to undo. What must be proven is that every write behind the read is apart from it: those
later in the same iteration, and all writes of all later iterations of each loop around.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from ...ir import INDEX, Block, Builder, For, Loop, Op, Value, windows
from ...ir.linear import Linear, atom, constant
from ...ir.ranges import Ranges
from ...records import dataclass
from .adjoint_pairs import OpPair, RegionPair
from .restorable import Restorable, Step, VersionChain

MOST_QUESTIONS = 1000
"""In a function with more reads and writes than that, the rest is kept or undone."""


@dataclass(frozen=True)
class WindowRead:
    """A window of an array, where a value can be read."""

    array: Value
    starts: tuple[Any, ...]
    sizes: tuple[Any, ...]
    steps: tuple[int, ...]

    def axes(self) -> Iterable[windows.Axis]:
        return zip(self.starts, self.sizes, self.steps, strict=True)

    def places(self) -> Iterator[Value]:
        """The index values that say where it is."""
        return (v for v in (*self.starts, *self.sizes) if isinstance(v, Value))


def slice_reading(op: Op) -> WindowRead:
    return WindowRead(op.operands[0], op.attrs["starts"], op.attrs["sizes"], op.attrs["steps"])


def write_reading(op: Op) -> WindowRead:
    """Where an update has left what it wrote."""
    return WindowRead(op.result, op.attrs["starts"], op.operands[1].shape, op.attrs["steps"])


def read(b: Builder, reading: WindowRead, env: Mapping[Value, Value]) -> Value:
    """The window; `env` has the array and the places."""
    starts, sizes = (tuple(env.get(e, e) for e in bounds) for bounds in (reading.starts, reading.sizes))
    return b.slice(env[reading.array], starts=starts, sizes=sizes, steps=reading.steps)


class NeverOverwritten:
    """Finds where readings can be made in the end. `chains` tells for each version of an array its chain."""

    def __init__(self, owners: Mapping[Block, Op], home: Mapping[Value, RegionPair],
                 outer: Mapping[RegionPair, RegionPair | None], op_pairs: Mapping[RegionPair, OpPair],
                 chains: Mapping[Value, tuple[Restorable, VersionChain]]):
        self.ranges = Ranges(owners)
        self.home = home
        self.outer = outer
        self.op_pairs = op_pairs
        self.chains = chains
        self.questions = 0
        self.later: dict[tuple[RegionPair, Value], Value] = {}

    def found(self, reading: WindowRead) -> WindowRead | None:
        """The same window of what is left of the array behind the outermost loop; None where it may have changed, or
        where that is itself changed further."""
        array = reading.array
        while array in self.chains:
            restorable, chain = self.chains[array]
            behind = chain.steps[chain.versions.index(array):]
            if not all(self.apart(reading, w, None) for w in writes(behind)):
                return None
            if restorable.op_pair.op.name != "if" and not all(
                    self.apart(reading, w, chain.pair) for w in writes(chain.steps)):
                return None
            array = restorable.end
        return WindowRead(array, reading.starts, reading.sizes, reading.steps)

    def apart(self, reading: WindowRead, write: Op, iteration: RegionPair | None) -> bool:
        """Whether the write surely leaves the window alone: in this iteration, or in any later one of the loop of
        `iteration`."""
        self.questions += 1
        if write.name != "update" or self.questions > MOST_QUESTIONS:
            return False
        return windows.are_apart(self.ranges, reading.axes(), windows.of_update(write),
                                 lambda index: self.form(index, iteration))

    def form(self, v: Value | int, iteration: RegionPair | None) -> Linear:
        """The linear form of an index; as it is in a later iteration, if one is given."""
        form = self.ranges.linear(v)
        if iteration is None:
            return form
        found = Linear(const=form.const)
        for a, k in form.terms:
            found = found + atom(self.in_later(a, iteration)) * k
        return found

    def in_later(self, v: Value, iteration: RegionPair) -> Value:
        """What stands for v in some later iteration: itself where it comes from outside of the loop, else another
        value, of which nothing is known but that indices and counters have gone on."""
        if not self.is_inside(v, iteration):
            return v
        key = iteration, v
        if key not in self.later:
            self.later[key] = Value(INDEX, None, 0, f"{v.name}'" if v.name else "")
            self.declare(self.later[key], v, iteration)
        return self.later[key]

    def is_inside(self, v: Value, iteration: RegionPair) -> bool:
        pair = self.home.get(v)
        while pair is not None and pair is not iteration:
            pair = self.outer[pair]
        return pair is iteration

    def declare(self, later: Value, v: Value, iteration: RegionPair) -> None:
        """What is known about an index or a counter in a later iteration."""
        if v.op is not None:
            if v.op.name == "bounded":
                self.ranges.declare(later, 0, self.form(v.op.attrs["extent"][0], iteration))
            return
        pair = self.home[v]
        op = self.op_pairs[pair].op
        if op.name == "for" and v.index == 0:
            loop = For(op)
            step = constant(loop.step)
            if step:
                # The loop's own index has gone on; one of a loop inside begins anew.
                lo = self.ranges.linear(v) + step if pair is iteration else self.form(loop.lo, iteration)
                self.ranges.declare(later, lo, self.form(loop.hi, iteration), step)
        elif pair is iteration and v.type == INDEX:
            position = Loop.of(op).position(v)
            assert position is not None
            change = self.ranges.linear(pair.block.results[position]) - atom(v)
            if change.is_const and change.const:
                self.ranges.declare(later, self.ranges.linear(v) + change, None, change.const)


def writes(steps: Iterable[Step]) -> Iterator[Op]:
    """All writes of some steps, those in regions included."""
    for s in steps:
        if isinstance(s, Op):
            yield s
        else:
            for chain in s.chains:
                yield from writes(chain.steps)
