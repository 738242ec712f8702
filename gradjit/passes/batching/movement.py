"""Operations that move elements leave the batch axis where it is."""

from __future__ import annotations

from collections.abc import Sequence

from ...ir import Builder, Op, Value
from .driver import Rule, all_spread, spread

Values = Sequence[Value]
Flags = Sequence[bool]


def _broadcast(b: Builder, op: Op, operands: Values, batched: Flags, size: int) -> Values:
    return [b.broadcast(*operands, shape=(size, *op.attrs["shape"]), dims=(0, *(d + 1 for d in op.attrs["dims"])))]


def _reshape(b: Builder, op: Op, operands: Values, batched: Flags, size: int) -> Values:
    return [b.reshape(*operands, shape=(size, *op.attrs["shape"]))]


def _transpose(b: Builder, op: Op, operands: Values, batched: Flags, size: int) -> Values:
    return [b.transpose(*operands, perm=(0, *(p + 1 for p in op.attrs["perm"])))]


def _slice(b: Builder, op: Op, operands: Values, batched: Flags, size: int) -> Values:
    a = op.attrs
    return [b.slice(*operands, starts=(0, *a["starts"]), sizes=(size, *a["sizes"]), steps=(1, *a["steps"]))]


def _update(b: Builder, op: Op, operands: Values, batched: Flags, size: int) -> Values:
    a = op.attrs
    return [b.update(*all_spread(b, operands, batched, size), starts=(0, *a["starts"]), steps=(1, *a["steps"]))]


def _pad(b: Builder, op: Op, operands: Values, batched: Flags, size: int) -> Values:
    (x, value), a = operands, op.attrs
    around = {name: (0, *a[name]) for name in ("lows", "highs", "interiors")}
    if not batched[1]:
        return [b.pad(x, value, **around)]
    # Each example has a fill of its own: the stack of fills with the examples written into it.
    fill = b.broadcast(value, shape=(size, *op.result.shape), dims=(0,))
    x = x if batched[0] else spread(b, x, size)
    return [b.update(fill, x, starts=around["lows"], steps=(1, *(i + 1 for i in a["interiors"])))]


def _concat(b: Builder, op: Op, operands: Values, batched: Flags, size: int) -> Values:
    return [b.concat(*all_spread(b, operands, batched, size), axis=op.attrs["axis"] + 1)]


RULES: dict[str, Rule] = {
    "broadcast": _broadcast,
    "reshape": _reshape,
    "transpose": _transpose,
    "slice": _slice,
    "update": _update,
    "pad": _pad,
    "concat": _concat,
}
