"""Factorisations over stacks: one more axis of the stack that they have."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from ...ir import Builder, Op, Value, matrices as m
from .driver import Batcher, Rule, Walk, all_spread, chosen


def stacked(b: Builder, op: Op, operands: Sequence[Value], batched: Sequence[bool], size: int) -> Sequence[Value]:
    return b.append(op.name, all_spread(b, operands, batched, size), op.attrs).results


def safe(identity_like: Callable[[Builder, Value], Value], *places: int) -> Walk:
    """In lanes that do not take part identity matrices stand in place of the operands at `places`, on which it depends
    whether the operation fails: with these it does not."""
    def walk(batcher: Batcher, b: Builder, op: Op) -> None:
        operands = [batcher.look(v) for v in op.operands]
        if any(map(batcher.has, op.operands)):
            operands = [batcher.spread(b, v) for v in op.operands]
            if batcher.mask is not None:
                for k in places:
                    operands[k] = chosen(b, batcher.mask, operands[k], identity_like(b, operands[k]))
        for old, new in zip(op.results, b.append(op.name, operands, op.attrs).results, strict=True):
            batcher.bind(old, new)

    return walk


LOCAL: dict[str, Rule] = dict.fromkeys(("cholesky_cotangent", "lu", "det", "qr", "pinv", "sqrtm"), stacked)
WALKS: dict[str, Walk] = {
    **dict.fromkeys(("cholesky", "triangular_solve", "eigh", "svd"), safe(m.identity_like, 0)),
    "lu_solve": safe(m.identity_like, 1), "sylvester": safe(m.identity_like, 0, 1),
}
RULES: dict[str, Rule | Walk] = {**LOCAL, **WALKS}
