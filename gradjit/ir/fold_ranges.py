"""What is proven about integers, folded in place: checks that cannot fail, comparisons with one answer.

A trace proves what it can while it goes; what a loop does to the integers it carries is only known at its end. So the
operations on integers are looked at once more when the function is complete:

    bounded i [n]       --> i               where 0 <= i < n
    lt a, b (and so on) --> true or false   where that is known
    minimum a, b        --> a               where a <= b (and maximum likewise)
    select c, a, b      --> a               where c has become true
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from .attrs import frozen
from .core import Block, Func, Op, Value, map_attr, map_type
from .ranges import COMPARED, OPPOSITE, Ranges, owners_of
from .types import BOOL, INDEX, ArrayType

Env = dict[Value, Value]


def fold_ranges(func: Func) -> None:
    """Replace, in place, what is proven. Operations that nobody reads any more stay, as do parameters and results."""
    if any(op.name == "bounded" or op.regions for op in func.ops):
        RangeFolder(func).block(func.body)


class RangeFolder:
    """One walk over a function. What is asked about a block holds under the conditions of the branches around it."""

    def __init__(self, func: Func):
        self.body = func.body
        self.ranges = Ranges(owners_of(func))
        self.env: Env = {}
        self.truths: dict[Value, bool] = {}

    def block(self, block: Block) -> None:
        ops: list[Op] = []
        for op in block.ops:
            self.renew(op)
            self.regions(op)
            ops += self.folded(op)
            ops.append(op)
        block.ops = ops
        if block is not self.body:
            block.results = tuple(map(self.look, block.results))

    def look(self, v: Value) -> Value:
        return self.env.get(v, v)

    def renew(self, op: Op) -> None:
        """Operands, attributes and types with what has been folded before."""
        if not self.env:
            return
        op.operands = tuple(map(self.look, op.operands))
        op.attrs = {k: map_attr(a, self.look) for k, a in op.attrs.items()}
        for v in (*op.results, *(p for r in op.regions for p in r.params)):
            v.type = map_type(v.type, self.look)

    def regions(self, op: Op) -> None:
        for k, region in enumerate(op.regions):
            with self.ranges.under(op, k):
                self.block(region)

    def folded(self, op: Op) -> list[Op]:
        """Bind the result of an operation that is known; operations to put before it."""
        if op.name == "select" and op.operands[0] in self.truths:
            self.env[op.result] = op.operands[1 if self.truths[op.operands[0]] else 2]
        rule = RULES.get(op.name)
        return rule(self, op) if rule is not None and all(v.type == INDEX for v in op.operands) else []

    def in_range(self, op: Op) -> list[Op]:
        """An index that is in range for all that is known is itself."""
        (a,) = op.operands
        if self.ranges.is_nonnegative(a) and self.ranges.is_less(a, op.attrs["extent"][0]):
            self.env[op.result] = a
        return []

    def extreme(self, op: Op) -> list[Op]:
        """The one of two numbers that is known to be less, or greater."""
        a, b = op.operands
        small, large = (a, b) if op.name == "minimum" else (b, a)
        difference = self.ranges.linear(b) - self.ranges.linear(a)
        if self.ranges.is_nonnegative(difference):
            self.env[op.result] = small
        elif self.ranges.is_nonnegative(-difference):
            self.env[op.result] = large
        return []

    def compared(self, op: Op) -> list[Op]:
        """A comparison whose answer is known is a constant."""
        a, b = map(self.ranges.linear, op.operands)
        for name, truth in ((op.name, True), (OPPOSITE[op.name], False)):
            wanted = COMPARED[name](a, b)
            if wanted and all(map(self.ranges.is_nonnegative, wanted)):
                literal = {"value": frozen(np.array(truth)), "shape": ()}
                const = Op("const", (), literal, (ArrayType(BOOL),), (), op.loc)
                self.env[op.result] = const.result
                self.truths[const.result] = truth
                return [const]
        return []


RULES: dict[str, Callable[[RangeFolder, Op], list[Op]]] = {
    "bounded": RangeFolder.in_range, "minimum": RangeFolder.extreme, "maximum": RangeFolder.extreme,
    **dict.fromkeys(COMPARED, RangeFolder.compared),
}
"""What is asked about operations on i64 scalars."""
