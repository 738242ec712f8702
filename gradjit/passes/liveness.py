"""Which operations and carried values a function's results depend on, and how often each value is read.

Operations have no side effects, so one is dead when none of its results is read. A value that a loop carries is live
when the loop's result is read or the body reads it to compute another live one; that is a fixpoint over the body.
"""

from __future__ import annotations

from ..ir import Block, Func, Op, Value
from ..ir.core import attr_values


class Liveness:
    """`uses[v]` counts the reads of v by live operations (absent: dead). `kept[op]` lists, for an operation with
    regions, the positions of the results (and carried values) that are live."""

    def __init__(self, func: Func):
        self.uses: dict[Value, int] = {}
        self.kept: dict[Op, tuple[int, ...]] = {}
        self.counted: set[Op] = set()
        self.read(func.results)
        self.block(func.body)

    def is_live(self, op: Op) -> bool:
        return op in self.counted

    def read(self, values: tuple[Value, ...]) -> None:
        for v in values:
            self.uses[v] = self.uses.get(v, 0) + 1

    def block(self, block: Block) -> None:
        """Visit a block whose live results have been read, last operation first."""
        uses = self.uses
        for op in reversed(block.ops):
            if op.regions:
                if any(r in uses for r in op.results):
                    REGIONS[op.name](self, op)
            elif op not in self.counted:
                for r in op.results:
                    if r in uses:
                        self.counted.add(op)
                        self.count(op)
                        break

    def count(self, op: Op) -> None:
        uses = self.uses
        for v in op.operands:
            uses[v] = uses.get(v, 0) + 1
        for a in op.attrs.values():
            if type(a) is tuple:
                for v in attr_values(a):
                    uses[v] = uses.get(v, 0) + 1

    def enter(self, op: Op, fixed: tuple[Value, ...]) -> None:
        """The operation has become live: it reads its condition or bounds."""
        if op not in self.counted:
            self.counted.add(op)
            self.kept[op] = ()
            self.read(fixed)

    def keep(self, op: Op, found: set[int]) -> list[int]:
        """Remember live positions; those that are new."""
        fresh = sorted(found.difference(self.kept[op]))
        self.kept[op] = tuple(sorted(found.union(self.kept[op])))
        return fresh

    # operations with regions ------------------------------------------------------------------------------------------
    def branch(self, op: Op) -> None:
        self.enter(op, op.operands)
        for k in self.keep(op, {k for k, r in enumerate(op.results) if r in self.uses}):
            for region in op.regions:
                self.read((region.results[k],))
        for region in op.regions:
            self.block(region)

    def counted_loop(self, op: Op) -> None:
        self.enter(op, op.operands[:3])
        (body,) = op.regions
        self.carried(op, op.operands[3:], body, (body.params[1:],))

    def open_loop(self, op: Op) -> None:
        self.enter(op, ())
        cond, body = op.regions
        if not self.kept[op]:
            self.read(cond.results)
        self.carried(op, op.operands, body, (cond.params, body.params))

    def carried(self, op: Op, inits: tuple[Value, ...], body: Block, params: tuple[tuple[Value, ...], ...]) -> None:
        while True:
            for region in op.regions:
                self.block(region)
            read = {k for k, r in enumerate(op.results) if r in self.uses or any(p[k] in self.uses for p in params)}
            fresh = self.keep(op, read)
            if not fresh:
                return
            for k in fresh:
                self.read((inits[k], body.results[k]))


REGIONS = {"if": Liveness.branch, "for": Liveness.counted_loop, "while": Liveness.open_loop}
