"""MyGrad's first values of parameters: tensors in single precision, from NumPy's global generator."""

from __future__ import annotations

from math import sqrt
from typing import Any

import numpy as np

from ...errors import ArgumentError
from ...nn import dirac as _dirac
from ..random import _state
from ..tensor_base import Tensor, _plain


def _shape(shape: tuple[Any, ...]) -> tuple[int, ...]:
    return tuple(shape[0]) if len(shape) == 1 and isinstance(shape[0], tuple | list) else shape


def check_float(dtype: Any) -> None:
    if np.dtype(dtype).kind != "f":
        raise ArgumentError(f"first values of parameters are floats, not {np.dtype(dtype)}")


def uniform(*shape: Any, lower_bound: float = 0, upper_bound: float = 1, dtype: Any = np.float32,
            constant: bool | None = None) -> Tensor:
    check_float(dtype)
    low, high = _plain(lower_bound), _plain(upper_bound)
    if low >= high:
        raise ArgumentError(f"the lower bound {low} is not below the upper bound {high}")
    return Tensor(_state.uniform(low, high, _shape(shape)).astype(dtype), constant=constant)


def normal(*shape: Any, mean: float = 0, std: float = 1, dtype: Any = np.float32, constant: bool | None = None
           ) -> Tensor:
    check_float(dtype)
    if std < 0:
        raise ArgumentError(f"a standard deviation of {std}")
    return Tensor(_state.normal(_plain(mean), _plain(std), _shape(shape)).astype(dtype), constant=constant)


def fans(shape: tuple[int, ...]) -> tuple[int, int]:
    """The elements that go into one of the result, and those that one of the operand goes to."""
    if len(shape) < 2:
        raise ArgumentError(f"weights have at least two axes, and not the shape {shape}")
    window = int(np.prod(shape[2:]))
    return shape[1] * window, shape[0] * window


def glorot_normal(*shape: Any, gain: float = 1, **options: Any) -> Tensor:
    """As MyGrad's, which counts the last extent alone of a window with several. (`gj.nn.glorot_normal` counts all.)"""
    sizes = _shape(shape)
    counted = (*sizes[:2], sizes[-1]) if len(sizes) > 2 else sizes
    return normal(*shape, std=float(gain) * sqrt(2 / sum(fans(counted))), **options)


def glorot_uniform(*shape: Any, gain: float = 1, **options: Any) -> Tensor:
    bound = float(gain) * sqrt(6 / sum(fans(_shape(shape))))
    return uniform(*shape, lower_bound=-bound, upper_bound=bound, **options)


def he_normal(*shape: Any, gain: float = 1, **options: Any) -> Tensor:
    return normal(*shape, std=float(gain) / sqrt(fans(_shape(shape))[0]), **options)


def he_uniform(*shape: Any, gain: float = 1, **options: Any) -> Tensor:
    bound = float(gain) * sqrt(3 / fans(_shape(shape))[0])
    return uniform(*shape, lower_bound=-bound, upper_bound=bound, **options)


def dirac(*shape: Any, dtype: Any = np.float32, constant: bool | None = None) -> Tensor:
    fans(_shape(shape))
    return Tensor(_dirac(*_shape(shape), dtype=dtype), constant=constant)


def identity(n: int, dtype: Any = float, *, constant: bool | None = None) -> Tensor:
    return Tensor(np.identity(n, dtype), constant=constant)


def constant(*shape: Any, value: float = 0.0, dtype: Any = None, constant: bool | None = None) -> Tensor:
    """One number over a shape."""
    return Tensor(np.full(_shape(shape), value, dtype), constant=constant)
