"""Which values derivatives pass through: what depends on parameters, and what results depend on."""

from __future__ import annotations

from collections.abc import Container, Iterable, Iterator
from functools import cached_property

from ..ir import OPS, TAPE, Block, Func, Op, Slope, Value, walk
from . import dependence
from .masks import is_steep


class Activity:
    """The values, regions' included, that lie on a way of derivatives from `sources` to `results`.

    A tape is active if some place in its records is. `pops` are the operations that
    pop a record with such places, or have one that does in a region; `places`
    tells which: a push and its pop agree on them, so that each pop must be reversed, also where no cotangent arrives.
    """

    def __init__(self, block: Block, sources: Iterable[Value], results: Iterable[Value], constant: Container[str]):
        def reads(op: Op) -> Iterator[tuple[Value, Value]]:
            if not op.regions and op.name not in constant:
                for v in inexact(op.operands):
                    for r in inexact(op.results):
                        yield v, r

        self.tapes = dependence.TapeRoots(block)
        self.graph = dependence.edges(Func("", block), self.tapes, reads)
        self.block = block
        self.found = dependence.between(self.graph, inexact(sources), inexact(results))
        self.records = {op for op in walk(block) if OPS[op.name].moves_record and self.places(op)}
        pops = {op for op in self.records if op.name == "pop"}
        self.pops = {op for op in walk(block) if any(inner in pops for inner in nest(op))} if pops else pops
        self.roots = {self.tapes.root(op.operands[0]) for op in self.records}

    def __contains__(self, v: Value) -> bool:
        return self.tapes.root(v) in self.roots if v.dtype is TAPE else v in self.found

    @cached_property
    def singular(self) -> set[dependence.Node]:
        """The values (and slots) whose cotangents go on through a derivative that may be infinite at finite operands.
        There a cotangent of zero is not as good as an absent one."""
        return dependence.reached(self.graph, (r for op in walk(self.block) if OPS[op.name].slope is not Slope.FINITE
                                         for r in op.results if r in self.found))

    @cached_property
    def steep(self) -> set[dependence.Node]:
        """Those of them whose cotangents go on through a derivative that may be infinite where the result is finite."""
        return dependence.reached(self.graph, (r for op in walk(self.block) if is_steep(op)
                                         for r in op.results if r in self.found))

    def places(self, op: Op) -> list[int]:
        """The active places in the record that a push or pop moves."""
        return [k for k, slot in enumerate(self.tapes.slots(op)) if slot in self.found]


def nest(op: Op) -> Iterator[Op]:
    """An operation and all in its regions."""
    yield op
    for region in op.regions:
        yield from walk(region)


def inexact(values: Iterable[Value]) -> list[Value]:
    return [v for v in values if v.dtype.is_inexact]
