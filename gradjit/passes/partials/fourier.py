"""Fourier transforms are linear: what both modes say of them.

In the inner product of reals the transpose of a transform is the inverse one, not normalised. Of a real line only half
of the transform is kept, where each element but the ends stands for two.
"""

from __future__ import annotations

import numpy as np

from ...ir import Builder, Op, Value
from ...ir.sizes import is_open
from ...ir.types import INDEX


def weighted(b: Builder, x: Value, n: int, inner: float) -> Value:
    """Half a transform of n real numbers, with the elements that stand for two multiplied."""
    m = n // 2 + 1
    if is_open(n):
        place = b.iota(shape=(m,), axis=0, dtype=INDEX.dtype)
        ends = b.or_(b.eq(place, b.like(0, place)),
                     b.eq(b.mul(place, b.like(2, place)), b.broadcast_to(b.index(n), (m,))))
        one = b.like(1, b.cast(place, dtype=x.dtype))
        weights = b.select(ends, one, b.like(inner, one))
        return b.mul(x, b.broadcast(weights, shape=x.shape, dims=(x.type.rank - 2,)))
    known = np.full(m, inner, x.dtype.np)
    known[0] = 1
    if n % 2 == 0:
        known[-1] = 1
    return b.mul(x, b.broadcast(b.const(known), shape=x.shape, dims=(x.type.rank - 2,)))


def transposed(b: Builder, op: Op, g: Value) -> Value:
    """The transpose of a transform, of its result's cotangent."""
    if op.name == "fft":
        return b.fft(g, inverse=not op.attrs["inverse"], behind=op.attrs.get("behind", 0))
    if op.name == "rfft":
        n = op.operands[0].type.extents[-1]
        return b.irfft(weighted(b, g, n, 0.5), n=n)
    n = op.attrs["n"]
    return weighted(b, b.rfft(g), n, 2.0)
