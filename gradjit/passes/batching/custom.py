"""Values with a rule of their own keep it: the rule is batched, too."""

from __future__ import annotations

from collections.abc import Sequence

from ...ir import Block, Builder, Func, Op, Value
from ...ir.clone import inline
from ...ir.ops.custom import Rule as Custom
from .driver import Rule, all_spread


class Batched(Custom):
    """A rule over a stack. flags: which operands differ along it."""

    def __init__(self, rule: Custom, flags: Sequence[bool], size: int):
        super().__init__(rule.name.partition("#")[0], rule.refused)
        self.rule, self.flags, self.size = rule, list(flags), size

    def push(self) -> Func | None:
        from . import batch
        func = self.rule.push()
        if func is None:
            return None
        moving = [f for f, p in zip(self.flags, func.params, strict=False) if p.dtype.is_inexact]
        return batch(func, [*self.flags, *moving], self.size)

    def pull(self) -> Func | None:
        """What all examples share gets the sum of their cotangents."""
        from . import batch
        func = self.rule.pull()
        if func is None:
            return None
        shared = [not f for f, p in zip(self.flags, func.params, strict=False) if p.dtype.is_inexact]
        many = batch(func, [*self.flags, *[True] * (len(func.params) - len(self.flags))], self.size)
        block = Block(tuple(p.type for p in many.params))
        b = Builder(block)
        block.results = tuple(b.sum(v, axes=(0,)) if one else v
                              for v, one in zip(inline(b, many, block.params), shared, strict=True))
        return Func(many.name, block)


def custom(b: Builder, op: Op, operands: Sequence[Value], batched: Sequence[bool], size: int) -> Sequence[Value]:
    n = op.attrs["results"]
    results = all_spread(b, operands[:n], batched[:n], size)
    attrs = {**op.attrs, "rule": Batched(op.attrs["rule"], batched[n:], size)}
    return b.append("custom", (*results, *operands[n:]), attrs).results


RULES: dict[str, Rule] = {"custom": custom}
