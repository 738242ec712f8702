"""Values out of nothing: literals and counters."""

from __future__ import annotations

from typing import Any

import numpy as np

from ...errors import ShapeError
from .. import attrs as kinds
from ..types import INDEX, ArrayType, DType, dtype_of
from .spec import Fails, Memory, OpSpec, table


def _infer_const(value: np.ndarray, shape: tuple[Any, ...]) -> tuple[ArrayType, ...]:
    if value.ndim and value.shape != shape:
        raise ShapeError(f"const: the literal has shape {value.shape}, the type {shape}")
    return (ArrayType(dtype_of(value.dtype), shape),)


def _infer_iota(shape: tuple[Any, ...], axis: int, dtype: DType) -> tuple[ArrayType, ...]:
    if not 0 <= axis < len(shape):
        raise ShapeError(f"iota: axis {axis} of rank {len(shape)}")
    return (ArrayType(dtype, shape),)


def _iota(shape: tuple[int, ...], axis: int, dtype: DType) -> np.ndarray:
    along = [1] * len(shape)
    along[axis] = shape[axis]
    return np.broadcast_to(np.arange(shape[axis]).astype(dtype.np).reshape(along), shape)


def _infer_size(of: tuple[Any, ...]) -> tuple[ArrayType, ...]:
    if len(of) != 1:
        raise ShapeError(f"size: one size, not {len(of)}")
    return (INDEX,)


MADE: dict[str, Any] = {"memory": Memory.SOURCE, "cost": 0.0, "open_extents": True}

OPS = table(
    # A 0-d literal is repeated over the whole shape.
    OpSpec("const", "creation", 0, _infer_const, lambda value, shape: np.broadcast_to(value, shape),
           Fails.COMPUTED, {"value": kinds.LITERAL, "shape": kinds.EXTENTS}, **MADE),
    # The index along `axis`: 0, 1, 2, ...
    OpSpec("iota", "creation", 0, _infer_iota, _iota, Fails.COMPUTED,
           {"shape": kinds.EXTENTS, "axis": kinds.INT, "dtype": kinds.DTYPE}, **MADE),
    # An open extent as a number.
    OpSpec("size", "creation", 0, _infer_size, lambda of: np.asarray(of[0], np.int64), Fails.NEVER,
           {"of": kinds.EXTENTS}, **MADE),
)
