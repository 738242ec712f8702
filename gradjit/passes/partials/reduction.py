"""Products without one factor, and linear recurrences: what derivatives of `prod` and `cumprod` are made of.

Neither divides, so that zeros among the factors do no harm.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import reduce
from math import prod
from typing import Any

from ...ir import I64, Builder, Value
from ...ir.sizes import is_open
from ..along_axis import loop, taken, written
from . import known_extents

Axes = tuple[int, ...]

WHY = "the derivative of a running product"


def replaced(t: tuple[Any, ...], axis: int, value: Any) -> tuple[Any, ...]:
    """The tuple with one item changed."""
    return (*t[:axis], value, *t[axis + 1:])


def shifted(b: Builder, x: Value, axis: int, by: int, fill: float) -> Value:
    """x moved by `by` places along an axis (towards higher indices for by > 0), `fill` moved in."""
    zeros, ones = (0,) * x.type.rank, (1,) * x.type.rank
    if not x.type.is_static:
        size = fewer(b, x.shape[axis], abs(by))
        kept = b.slice(x, starts=replaced(zeros, axis, max(-by, 0)), sizes=replaced(x.shape, axis, size), steps=ones)
        return b.update(b.like(fill, x), kept, starts=replaced(zeros, axis, max(by, 0)), steps=ones)
    extents = x.type.extents
    amount = min(abs(by), extents[axis])
    kept = b.slice(x, starts=replaced(zeros, axis, 0 if by > 0 else amount),
                   sizes=replaced(extents, axis, extents[axis] - amount), steps=ones)
    room = replaced(zeros, axis, amount)
    return b.pad(kept, b.const(fill, x.dtype), lows=room if by > 0 else zeros, highs=zeros if by > 0 else room,
                 interiors=zeros)


def fewer(b: Builder, extent: int | Value, by: int) -> int | Value:
    """max(extent - by, 0)."""
    if isinstance(extent, int):
        return max(extent - by, 0)
    return b.maximum(b.sub(extent, b.const(by, I64)), b.const(0, I64))


def product(b: Builder, extents: Sequence[int | Value]) -> int | Value:
    """The product of extents."""
    known = prod(e for e in extents if isinstance(e, int))
    others = [e for e in extents if not isinstance(e, int)]
    if not others:
        return known
    return reduce(b.mul, others if known == 1 else [b.const(known, I64), *others])


def exclusive_products(b: Builder, x: Value, axes: Axes) -> Value:
    """For each element the product of all others that share its position outside `axes`; x's shape."""
    if not axes:
        return b.like(1, x)
    kept = tuple(k for k in range(x.type.rank) if k not in axes)
    perm = kept + axes
    front = tuple(x.shape[k] for k in kept)
    count = product(b, [x.shape[a] for a in axes])
    moved = x if perm == tuple(range(len(perm))) else b.transpose(x, perm=perm)
    flat = b.reshape_to(moved, (*front, count))
    axis = len(front)
    before = shifted(b, b.cumprod(flat, axis=axis, reverse=False), axis, 1, 1)
    behind = shifted(b, b.cumprod(flat, axis=axis, reverse=True), axis, -1, 1)
    others = b.reshape_to(b.mul(before, behind), tuple(x.shape[p] for p in perm))
    inverse = tuple(sorted(range(len(perm)), key=perm.__getitem__))
    return others if perm == inverse == tuple(range(len(perm))) else b.transpose(others, perm=inverse)


def recurrence(b: Builder, a: Value, c: Value, axis: int, reverse: bool) -> Value:
    """s with s[k] = a[k] * s[k-1] + c[k] along an axis (s[-1] = 0), or backwards with s[k+1].

    By doubling (Hillis and Steele): after each round s[k] has gathered twice as many terms, so log2(n) rounds of
    elementwise work replace n dependent steps. Of an axis whose length is open one step after the other.
    """
    step, extent = (-1 if reverse else 1), known_extents(b, a, WHY)[axis]
    if is_open(extent):
        return _in_turn(b, a, c, axis, reverse)
    reach = 1
    while reach < extent:
        c = b.add(c, b.mul(a, shifted(b, c, axis, reach * step, 0)))
        reach *= 2
        if reach < extent:
            a = b.mul(a, shifted(b, a, axis, reach // 2 * step, 0))
    return c


def _in_turn(b: Builder, a: Value, c: Value, axis: int, reverse: bool) -> Value:
    extent = a.shape[axis]
    last = b.sub(b.index(extent), b.index(1)) if reverse else None
    begun = b.zeros(c.type.with_shape((*c.shape[:axis], *c.shape[axis + 1:])))

    def iteration(inner: Builder, i: Value, state: Sequence[Value]) -> Sequence[Value]:
        at = i if last is None else inner.sub(last, i)
        s = inner.add(inner.mul(taken(inner, a, axis, at), state[0]), taken(inner, c, axis, at))
        return s, written(inner, state[1], s, axis, at)

    return loop(b, extent, (begun, b.zeros(c.type)), iteration)[1]
