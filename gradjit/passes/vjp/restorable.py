"""Arrays that a loop changes by windows: their versions, and the steps from each to the next.

Such an array is not kept. The forward pass leaves what each window held before it was written, and the reverse carries
the array backwards: from what the loop made of it, window by window, to what it was at the beginning. So every version
is there when the reverse comes to where it was read.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Union

from ...ir import OPS, Builder, Loop, Op, Value
from ...records import dataclass
from .adjoint_pairs import OpPair, RegionPair


@dataclass(eq=False)
class Restorable:
    """An array's way through a loop or a branch: from `start` to the result at `position`, by a path in each region."""

    op_pair: OpPair
    position: int
    start: Value
    chains: tuple[VersionChain, ...]

    @property
    def end(self) -> Value:
        return self.op_pair.op.results[self.position]


Step = Union[Op, Restorable]
"""A write, or the way through an operation with regions."""


@dataclass(eq=False)
class VersionChain:
    """An array's versions in a region, first to last; `steps[k]` makes versions[k + 1] of versions[k].

    The first one is a loop's parameter, or what a branch takes from outside.
    """

    pair: RegionPair
    versions: tuple[Value, ...]
    steps: tuple[Step, ...]

    @property
    def writes(self) -> tuple[Op, ...]:
        return tuple(s for s in self.steps if isinstance(s, Op))

    @property
    def restorables(self) -> tuple[Restorable, ...]:
        return tuple(s for s in self.steps if isinstance(s, Restorable))

    def behind(self, op_pair: OpPair) -> int:
        """The version that an operation with regions leaves behind."""
        return 1 + next(k for k, s in enumerate(self.steps) if isinstance(s, Restorable) and s.op_pair is op_pair)


class RestorableFinder:
    """Finds passages. `op_pairs` are the operations that have a reverse, `home` says which region defines a value."""

    def __init__(self, op_pairs: Mapping[Op, OpPair], home: Mapping[Value, RegionPair]):
        self.op_pairs = op_pairs
        self.home = home
        self.found: dict[Value, Restorable | None] = {}

    def through(self, op_pair: OpPair, position: int) -> Restorable | None:
        """The way of a result's array through the operation, if it is changed by nothing but windows."""
        end = op_pair.op.results[position]
        if end not in self.found:
            find = self._branch if op_pair.op.name == "if" else self._loop
            self.found[end] = find(op_pair, position)
        return self.found[end]

    def _loop(self, op_pair: OpPair, position: int) -> Restorable | None:
        (pair,), loop = op_pair.pairs, Loop.of(op_pair.op)
        chain = self._path(pair, loop.yields[position], loop.params[position])
        if chain is None or not chain.steps:
            return None
        return Restorable(op_pair, position, loop.inits[position], (chain,))

    def _branch(self, op_pair: OpPair, position: int) -> Restorable | None:
        """Both sides start from one value outside."""
        chains = [self._path(pair, pair.block.results[position], None) for pair in op_pair.pairs]
        whole = [p for p in chains if p is not None]
        starts = {p.versions[0] for p in whole}
        if len(whole) != len(chains) or len(starts) != 1 or not any(p.steps for p in whole):
            return None
        return Restorable(op_pair, position, starts.pop(), tuple(whole))

    def _path(self, pair: RegionPair, last: Value, first: Value | None) -> VersionChain | None:
        """The way back from a version to the first, or to a value from outside."""
        versions: list[Value] = [last]
        steps: list[Step] = []
        while versions[-1] is not first and (first is not None or self.home.get(versions[-1]) is pair):
            step = self._step(versions[-1])
            if step is None:
                return None
            steps.append(step)
            versions.append(step.operands[0] if isinstance(step, Op) else step.start)
        return VersionChain(pair, tuple(versions[::-1]), tuple(steps[::-1]))

    def _step(self, v: Value) -> Step | None:
        op = v.op
        if op is None or not op.regions:
            return op if op is not None and OPS[op.name].writes else None
        op_pair = self.op_pairs.get(op)
        return self.through(op_pair, v.index) if op_pair is not None else None


def places(write: Op) -> Sequence[Value]:
    """The values that say where a write goes: bounds and extents, or index arrays."""
    extents = [e for e in write.operands[-1].shape if isinstance(e, Value)]
    return [*write.operands[1:-1], *[s for s in write.attrs.get("starts", ()) if isinstance(s, Value)], *extents]


def overwritten(b: Builder, write: Op) -> Value:
    """What stands where the operation writes."""
    array, value = write.operands[0], write.operands[-1]
    if write.name == "update":
        return b.slice(array, starts=write.attrs["starts"], sizes=value.shape, steps=write.attrs["steps"])
    return b.gather(array, *write.operands[1:-1], axes=write.attrs["axes"])


def restored(b: Builder, write: Op, array: Value, old: Value, env: Mapping[Value, Value]) -> Value:
    """The array with what stood there before; `env` has the places."""
    if write.name == "update":
        starts = tuple(env.get(s, s) for s in write.attrs["starts"])
        return b.update(array, old, starts=starts, steps=write.attrs["steps"])
    return b.scatter(array, *(env.get(i, i) for i in write.operands[1:-1]), old, axes=write.attrs["axes"])
