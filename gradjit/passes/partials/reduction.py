"""Products without one factor, and linear recurrences: what derivatives of `prod` and `cumprod` are made of.

Neither divides, so that zeros among the factors do no harm.
"""

from __future__ import annotations

from ...ir import Builder, Value
from . import known_extents

Axes = tuple[int, ...]

WHY = "the derivative of a product of elements"


def replaced(t: tuple[int, ...], axis: int, value: int) -> tuple[int, ...]:
    """The tuple with one item changed."""
    return (*t[:axis], value, *t[axis + 1:])


def shifted(b: Builder, x: Value, axis: int, by: int, fill: float) -> Value:
    """x moved by `by` places along an axis (towards higher indices for by > 0), `fill` moved in."""
    extents = known_extents(b, x, WHY)
    zeros, ones = (0,) * len(extents), (1,) * len(extents)
    amount = min(abs(by), extents[axis])
    kept = b.slice(x, starts=replaced(zeros, axis, 0 if by > 0 else amount),
                   sizes=replaced(extents, axis, extents[axis] - amount), steps=ones)
    room = replaced(zeros, axis, amount)
    return b.pad(kept, b.const(fill, x.dtype), lows=room if by > 0 else zeros, highs=zeros if by > 0 else room,
                 interiors=zeros)


def exclusive_products(b: Builder, x: Value, axes: Axes) -> Value:
    """For each element the product of all others that share its position outside `axes`; x's shape."""
    if not axes:
        return b.like(1, x)
    kept = tuple(k for k in range(x.type.rank) if k not in axes)
    perm = kept + axes
    front = tuple(x.shape[k] for k in kept)
    count = 1
    for a in axes:
        count *= known_extents(b, x, WHY)[a]
    moved = x if perm == tuple(range(len(perm))) else b.transpose(x, perm=perm)
    flat = b.reshape_to(moved, (*front, count))
    axis = len(front)
    before = shifted(b, b.cumprod(flat, axis=axis, reverse=False), axis, 1, 1)
    behind = shifted(b, b.cumprod(flat, axis=axis, reverse=True), axis, -1, 1)
    product = b.reshape_to(b.mul(before, behind), tuple(x.shape[p] for p in perm))
    inverse = tuple(sorted(range(len(perm)), key=perm.__getitem__))
    return product if perm == inverse == tuple(range(len(perm))) else b.transpose(product, perm=inverse)


def recurrence(b: Builder, a: Value, c: Value, axis: int, reverse: bool) -> Value:
    """s with s[k] = a[k] * s[k-1] + c[k] along an axis (s[-1] = 0), or backwards with s[k+1].

    By doubling (Hillis and Steele): after each round s[k] has gathered twice as many terms, so log2(n) rounds of
    elementwise work replace n dependent steps.
    """
    step, extent = (-1 if reverse else 1), known_extents(b, a, WHY)[axis]
    reach = 1
    while reach < extent:
        c = b.add(c, b.mul(a, shifted(b, c, axis, reach * step, 0)))
        reach *= 2
        if reach < extent:
            a = b.mul(a, shifted(b, a, axis, reach // 2 * step, 0))
    return c
