"""Index arrays that derivatives of gathers, scatters and sorts need."""

from __future__ import annotations

from collections.abc import Sequence
from math import prod
from typing import Any

import numpy as np

from ...ir import I64, Builder, Value
from . import known_extents


def along(b: Builder, index: Value, axis: int) -> tuple[Value, ...]:
    """Index arrays for all axes, as `take_along_axis` uses them: `index` along one axis, the own place elsewhere."""
    return tuple(index if k == axis else b.iota(shape=index.shape, axis=k, dtype=I64) for k in range(index.type.rank))


def all_axes(x: Value) -> tuple[int, ...]:
    return tuple(range(x.type.rank))


def are_distinct(indices: Sequence[Value]) -> bool:
    """Whether no two positions of the index arrays are known to name one element."""
    if indices[0].type.is_static and indices[0].type.size <= 1:
        return True
    known = [i.op.attrs["value"] if i.op is not None and i.op.name == "const" else None for i in indices]
    if any(k is None or k.ndim == 0 for k in known):
        return False
    tuples = np.stack([np.ravel(k) for k in known])  # type: ignore[arg-type]
    return np.unique(tuples, axis=1).shape[1] == tuples.shape[1]


def last_writers(b: Builder, extents: tuple[Any, ...], indices: Sequence[Value]) -> Value:
    """bool of the index arrays' shape: whether nothing behind writes to the same element, as last write wins."""
    axes = tuple(range(len(indices)))
    if indices[0].type.rank == 1:
        order = b.iota(shape=indices[0].shape, axis=0, dtype=I64)
    else:
        shape = known_extents(b, indices[0], "the derivative of writing by index")
        order = b.reshape_to(b.iota(shape=(prod(shape),), axis=0, dtype=I64), shape)
    winner = b.scatter(b.const(0, I64, extents), *indices, order, axes=axes)
    return b.eq(b.gather(winner, *indices, axes=axes), order)
