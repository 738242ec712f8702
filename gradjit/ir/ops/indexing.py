"""Operations with computed indices. Indices are i64 and non-negative; out of range is an IndexError at run time."""

from __future__ import annotations

from typing import Any

import numpy as np

from ...errors import BoundsError, DtypeError, ShapeError
from .. import attrs as kinds
from ..types import I64, ArrayType
from .spec import Fails, Memory, OpSpec, Sign, table


def _window_shape(name: str, x: ArrayType, indices: tuple[ArrayType, ...], axes: tuple[int, ...]) -> tuple[Any, ...]:
    """The shape of what is read or written: the indices' shape, then the axes that are not indexed."""
    if not indices or len(indices) != len(axes) or len(set(axes)) != len(axes):
        raise ShapeError(f"{name}: {len(indices)} index arrays for axes {axes}")
    if any(not 0 <= a < x.rank for a in axes):
        raise ShapeError(f"{name}: axes {axes} of {x}")
    if any(i.dtype != I64 for i in indices):
        raise DtypeError(f"{name}: indices must be i64, got {', '.join(map(str, indices))}")
    if any(i.shape != indices[0].shape for i in indices):
        raise ShapeError(f"{name}: index shapes differ: {', '.join(map(str, indices))}")
    return indices[0].shape + tuple(e for k, e in enumerate(x.shape) if k not in axes)


def _infer_gather(x: ArrayType, *indices: ArrayType, axes: tuple[int, ...]) -> tuple[ArrayType, ...]:
    return (x.with_shape(_window_shape("gather", x, indices, axes)),)


def _front(x: np.ndarray, axes: tuple[int, ...]) -> np.ndarray:
    """A view of x with the indexed axes first."""
    return x.transpose(axes + tuple(k for k in range(x.ndim) if k not in axes))


def _bounded(x: np.ndarray, indices: tuple[np.ndarray, ...], axes: tuple[int, ...]) -> None:
    for i, a in zip(indices, axes, strict=True):
        if i.size and (i.min() < 0 or i.max() >= x.shape[a]):
            raise BoundsError(f"index out of bounds for axis {a} with size {x.shape[a]}")


def _gather(x: np.ndarray, *indices: np.ndarray, axes: tuple[int, ...]) -> np.ndarray:
    _bounded(x, indices, axes)
    return _front(x, axes)[tuple(indices)]


def _infer_scatter(x: ArrayType, *rest: ArrayType, axes: tuple[int, ...]) -> tuple[ArrayType, ...]:
    *indices, v = rest
    shape = _window_shape("scatter", x, tuple(indices), axes)
    if v != x.with_shape(shape):
        raise ShapeError(f"scatter: {v} where {x.with_shape(shape)} is written into {x}")
    return (x,)


def _scatter(x: np.ndarray, *rest: np.ndarray, axes: tuple[int, ...]) -> np.ndarray:
    *indices, v = rest
    _bounded(x, tuple(indices), axes)
    out = np.array(x)
    _front(out, axes)[tuple(indices)] = v
    return out


def _infer_scatter_add(x: ArrayType, *rest: ArrayType, axes: tuple[int, ...]) -> tuple[ArrayType, ...]:
    if x.dtype.is_bool:
        raise DtypeError(f"scatter_add: {x} has no sums")
    return _infer_scatter(x, *rest, axes=axes)


def _scatter_add(x: np.ndarray, *rest: np.ndarray, axes: tuple[int, ...]) -> np.ndarray:
    *indices, v = rest
    _bounded(x, tuple(indices), axes)
    out = np.array(x)
    np.add.at(_front(out, axes), tuple(indices), v)
    return out


def _infer_bounded(i: ArrayType, extent: tuple[Any, ...]) -> tuple[ArrayType, ...]:
    if i.dtype != I64:
        raise DtypeError(f"bounded: the index is {i}, not i64")
    if len(extent) != 1:
        raise ShapeError(f"bounded: one extent, not {len(extent)}")
    return (i,)


def _bounded_index(i: np.ndarray, extent: tuple[int]) -> np.ndarray:
    bad = i[(i < 0) | (i >= extent[0])]
    if bad.size:
        raise BoundsError(f"index {bad.flat[0]} is out of bounds for an axis of size {extent[0]}")
    return i


def _sorted(name: str, result: Any, fn: Any) -> OpSpec:
    def infer(x: ArrayType, axis: int) -> tuple[ArrayType, ...]:
        if x.dtype.kind not in "biuf" or not 0 <= axis < x.rank:
            raise ShapeError(f"{name}: axis {axis} of {x}")
        return (x if result is None else x.with_dtype(result),)

    return OpSpec(name, "indexing", 1, infer, lambda x, axis: fn(x, axis=axis, kind="stable"), Fails.NEVER,
                  {"axis": kinds.INT}, selects=result is None, sign=Sign.ANY if result else Sign.KEPT,
                  memory=Memory.NEST, cost=20.0, open_extents=False)


OPS = table(
    # The index itself, which must lie in [0, extent): what windows at computed places are checked by.
    OpSpec("bounded", "indexing", 1, _infer_bounded, _bounded_index, Fails.SOMETIMES, {"extent": kinds.EXTENTS},
           memory=Memory.ELEMENT, cost=0.15, open_extents=True),
    # Operands: the array, then one index array for each of `axes`.
    OpSpec("gather", "indexing", None, _infer_gather, _gather, Fails.SOMETIMES, {"axes": kinds.INTS},
           memory=Memory.COPY, cost=3.0, open_extents=True, selects=True, by_planes=True,
           sign=Sign.KEPT),
    # Operands: the array, index arrays, the values written. Among equal indices the last (in row-major order) wins.
    OpSpec("scatter", "indexing", None, _infer_scatter, _scatter, Fails.SOMETIMES, {"axes": kinds.INTS},
           memory=Memory.SCATTER, cost=3.0, open_extents=True, by_planes=True),
    # The same with values added, each of several equal indices.
    OpSpec("scatter_add", "indexing", None, _infer_scatter_add, _scatter_add, Fails.SOMETIMES, {"axes": kinds.INTS},
           memory=Memory.SCATTER, cost=3.0, open_extents=True, by_planes=True),
    # Stable; nan last.
    _sorted("sort", None, np.sort),
    _sorted("argsort", I64, np.argsort),
)
