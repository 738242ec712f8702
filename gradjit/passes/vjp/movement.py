"""Pullbacks of operations that move elements: other operations that move elements."""

from __future__ import annotations

from ...ir import Builder, Op, Value
from ..masks import Flow
from .driver import Contribution, Rule
from .window_cotangents import window

Needs = tuple[bool, ...]


def _broadcast(b: Builder, op: Op, needs: Needs, g: Value) -> list[Flow | None]:
    """The one place where broadcasting is undone: the sum over the axes that are new or were stretched."""
    x, dims = op.operands[0], op.attrs["dims"]
    stretched = {d for k, d in enumerate(dims) if x.shape[k] == 1 and g.shape[d] != 1}
    axes = tuple(d for d in range(g.type.rank) if d not in dims or d in stretched)
    return [b.reshape_to(summed(b, g, axes) if axes else g, x.shape)]


def summed(b: Builder, g: Value, axes: tuple[int, ...]) -> Value:
    """The sum of a cotangent, with signs and factors that are constant along the axes taken out of it.

    What is left to sum is often a residual that the function itself sums: in log-sum-exp the weights of the maximum's
    cotangent are the exponentials, and their sum is there.
    """
    op = g.op
    if op is not None and op.name == "neg":
        return b.neg(summed(b, op.operands[0], axes))
    if op is not None and op.name == "mul":
        for factor, rest in (op.operands, op.operands[::-1]):
            constant = without_axes(b, factor, axes)
            if constant is not None:
                return b.mul(constant, summed(b, rest, axes))
    return b.sum(g, axes=axes)


def without_axes(b: Builder, v: Value, axes: tuple[int, ...]) -> Value | None:
    """A broadcast value that is the same all along the axes, without them; None for any other value."""
    op = v.op
    if op is None or op.name != "broadcast":
        return None
    x, dims = op.operands[0], op.attrs["dims"]
    kept = tuple(d for d in range(v.type.rank) if d not in axes)
    if any(d in axes for d in dims):
        return None
    shape = tuple(v.shape[d] for d in kept)
    return b.broadcast(x, shape=shape, dims=tuple(kept.index(d) for d in dims)) if shape else x


def _reshape(b: Builder, op: Op, needs: Needs, g: Value) -> list[Flow | None]:
    return [b.reshape_to(g, op.operands[0].shape)]


def _transpose(b: Builder, op: Op, needs: Needs, g: Value) -> list[Flow | None]:
    perm = op.attrs["perm"]
    return [b.transpose(g, perm=tuple(sorted(range(len(perm)), key=perm.__getitem__)))]


def _slice(b: Builder, op: Op, needs: Needs, g: Value) -> list[Contribution | None]:
    return [window(g, op.operands[0].type, op.attrs["starts"], op.attrs["steps"])]


def _update(b: Builder, op: Op, needs: Needs, g: Value, nothing: float = 0) -> list[Flow | None]:
    """What was written is read from the cotangent and cleared in it, by the zero `nothing`."""
    v, starts, steps = op.operands[1], op.attrs["starts"], op.attrs["steps"]
    return [b.update(g, b.const(nothing, g.dtype, v.shape), starts=starts, steps=steps) if needs[0] else None,
            b.slice(g, starts=starts, sizes=v.shape, steps=steps) if needs[1] else None]


def _pad(b: Builder, op: Op, needs: Needs, g: Value) -> list[Flow | None]:
    x, starts = op.operands[0], op.attrs["lows"]
    steps = tuple(i + 1 for i in op.attrs["interiors"])
    inside = b.slice(g, starts=starts, sizes=x.shape, steps=steps) if needs[0] else None
    if not needs[1]:
        return [inside, None]
    # Not sum(g) - sum(inside): where the inside is large the difference has no digits left.
    outside = b.update(g, b.zeros(x.type.with_dtype(g.dtype)), starts=starts, steps=steps)
    return [inside, b.sum(outside, axes=tuple(range(g.type.rank)))]


def _concat(b: Builder, op: Op, needs: Needs, g: Value) -> list[Flow | None]:
    axis, at = op.attrs["axis"], 0
    cts: list[Flow | None] = []
    for x, need in zip(op.operands, needs, strict=True):
        starts = tuple(at if k == axis else 0 for k in range(g.type.rank))
        cts.append(b.slice(g, starts=starts, sizes=x.shape, steps=(1,) * g.type.rank) if need else None)
        at += x.shape[axis]
    return cts


RULES: dict[str, Rule] = {
    "broadcast": _broadcast,
    "reshape": _reshape,
    "transpose": _transpose,
    "slice": _slice,
    "update": _update,
    "pad": _pad,
    "concat": _concat,
}

CONSTANT: dict[str, str] = {}

MOVES_MASKS = frozenset({"reshape", "transpose", "slice", "update", "concat"})

JOINS_MASKS = {name: RULES[name] for name in ("broadcast", "pad")}

CLEARS: dict[str, Rule] = {"update": _update}

PARTS = frozenset({"slice", "update"})
