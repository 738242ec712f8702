"""Factorisations over stacks: one more axis of the stack that they have."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from ...ir import Builder, Op, Value, matrices as m
from .driver import Batcher, Rule, Walk, all_spread


def stacked(b: Builder, op: Op, operands: Sequence[Value], batched: Sequence[bool], size: int) -> Sequence[Value]:
    return b.append(op.name, all_spread(b, operands, batched, size), op.attrs).results


def safe(batcher: Batcher, b: Builder, op: Op) -> None:
    safe_with(batcher, b, op, m.identity_like)


def safe_with(batcher: Batcher, b: Builder, op: Op, identity_like: Callable[[Builder, Value], Value]) -> None:
    """Of lanes that do not take part an identity matrix is factorised, which cannot fail."""
    operands = [batcher.look(v) for v in op.operands]
    if any(map(batcher.has, op.operands)):
        operands = [batcher.spread(b, v) for v in op.operands]
        if batcher.mask is not None:
            mask, x = batcher.mask, operands[0]
            operands[0] = b.select(b.broadcast(mask, shape=x.shape, dims=(0,)), x, identity_like(b, x))
    for old, new in zip(op.results, b.append(op.name, operands, op.attrs).results, strict=True):
        batcher.bind(old, new)


LOCAL: dict[str, Rule] = dict.fromkeys(("cholesky_cotangent", "lu", "det", "qr", "pinv", "sqrtm"), stacked)
WALKS: dict[str, Walk] = dict.fromkeys(("cholesky", "triangular_solve", "lu_solve", "eigh", "svd", "sylvester"), safe)
RULES: dict[str, Rule | Walk] = {**LOCAL, **WALKS}
