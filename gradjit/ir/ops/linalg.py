"""Linear algebra."""

from __future__ import annotations

import numpy as np

from ...errors import DtypeError, ShapeError
from .. import attrs as kinds
from ..types import ArrayType
from .spec import Fails, Memory, OpSpec, table

Axes = tuple[int, ...]


def free_axes(rank: int, *used: Axes) -> Axes:
    """The axes that are neither contracted nor shared, in order."""
    return tuple(k for k in range(rank) if not any(k in u for u in used))


def _infer_contract(x: ArrayType, y: ArrayType, xbatch: Axes, ybatch: Axes, xsum: Axes, ysum: Axes
                    ) -> tuple[ArrayType, ...]:
    if x.dtype != y.dtype or x.dtype.kind not in "iufc":
        raise DtypeError(f"contract: {x} with {y}")
    for t, axes in ((x, xbatch + xsum), (y, ybatch + ysum)):
        if len(set(axes)) != len(axes) or any(not 0 <= a < t.rank for a in axes):
            raise ShapeError(f"contract: axes {axes} of {t}")
    pairs = list(zip(xbatch + xsum, ybatch + ysum, strict=True))
    if len(xbatch) != len(ybatch) or any(x.shape[a] != y.shape[b] for a, b in pairs):
        raise ShapeError(f"contract: {x} with {y} along {xbatch}{xsum} and {ybatch}{ysum}")
    shape = (*(x.shape[a] for a in xbatch), *(x.shape[a] for a in free_axes(x.rank, xbatch, xsum)),
             *(y.shape[a] for a in free_axes(y.rank, ybatch, ysum)))
    return (x.with_shape(shape),)


def _contract(x: np.ndarray, y: np.ndarray, xbatch: Axes, ybatch: Axes, xsum: Axes, ysum: Axes) -> np.ndarray:
    xlabels, ylabels = list(range(x.ndim)), list(range(x.ndim, x.ndim + y.ndim))
    for a, b in zip(xbatch + xsum, ybatch + ysum, strict=True):
        ylabels[b] = xlabels[a]
    out = [xlabels[a] for a in xbatch + free_axes(x.ndim, xbatch, xsum)]
    out += [ylabels[b] for b in free_axes(y.ndim, ybatch, ysum)]
    return np.asarray(np.einsum(x, xlabels, y, ylabels, out, optimize=True), dtype=x.dtype)


OPS = table(
    # The sum of products over paired axes. Result axes: the shared ones, x's free axes, y's free axes.
    OpSpec("contract", "linalg", 2, _infer_contract, _contract, Fails.NEVER,
           {"xbatch": kinds.INTS, "ybatch": kinds.INTS, "xsum": kinds.INTS, "ysum": kinds.INTS},
           memory=Memory.NEST, cost=0.3, open_extents=True),
)
