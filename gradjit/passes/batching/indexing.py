"""Gathers, scatters and sorting. Where examples have indices of their own, the example's number becomes one more."""

from __future__ import annotations

from collections.abc import Sequence

from ...ir import I64, Builder, Op, Value
from .driver import Rule, all_spread
from .reduction import one_axis

Values = Sequence[Value]
Flags = Sequence[bool]


def _gather(b: Builder, op: Op, operands: Values, batched: Flags, size: int) -> Values:
    x, *indices = operands
    axes = op.attrs["axes"]
    if not batched[0]:
        return [b.gather(x, *all_spread(b, indices, batched[1:], size), axes=axes)]
    behind = tuple(a + 1 for a in axes)
    if any(batched[1:]):
        return [b.gather(x, *_with_number(b, indices, batched[1:], size), axes=(0, *behind))]
    # One index for all: the batch axis is an ordinary one, first behind the index axes.
    rank = indices[0].type.rank
    found = b.gather(x, *indices, axes=behind)
    return [b.transpose(found, perm=(rank, *range(rank), *range(rank + 1, found.type.rank))) if rank else found]


def _with_number(b: Builder, indices: Values, batched: Flags, size: int) -> list[Value]:
    """The index arrays of a stack with the example's number before them."""
    spread = all_spread(b, indices, batched, size)
    return [b.iota(shape=spread[0].shape, axis=0, dtype=I64), *spread]


def _scatter(b: Builder, op: Op, operands: Values, batched: Flags, size: int) -> Values:
    x, *indices, v = operands
    x, v = all_spread(b, (x, v), (batched[0], batched[-1]), size)
    numbered = _with_number(b, indices, batched[1:-1], size)
    return b.append(op.name, (x, *numbered, v), {"axes": (0, *(a + 1 for a in op.attrs["axes"]))}).results


def _bounded(b: Builder, op: Op, operands: Values, batched: Flags, size: int) -> Values:
    return b.append("bounded", operands, op.attrs).results


RULES: dict[str, Rule] = {
    "bounded": _bounded,
    "gather": _gather,
    "scatter": _scatter,
    "scatter_add": _scatter,
    "sort": one_axis,
    "argsort": one_axis,
}

INDICES: dict[str, slice] = {
    "bounded": slice(0, 1),
    "gather": slice(1, None),
    "scatter": slice(1, -1),
    "scatter_add": slice(1, -1),
}
"""Which operands are indices that must be in range."""
