"""First values of parameters: arrays, or with requires_grad tensors. Shapes are (out, in, *window) as for kernels, or
(in, out) as for `dense`; fans are reckoned accordingly."""

from __future__ import annotations

from math import prod, sqrt
from typing import Any

import numpy as np

from ..errors import ArgumentError
from ..tensors import Tensor

Generator = np.random.Generator


def made(a: np.ndarray, dtype: Any, requires_grad: bool) -> Any:
    a = np.asarray(a, dtype)
    return Tensor(a, requires_grad=True) if requires_grad else a


def generator(rng: Generator | int | None) -> Generator:
    return rng if isinstance(rng, Generator) else np.random.default_rng(rng)


def fans(shape: tuple[int, ...]) -> tuple[int, int]:
    """How many numbers go into an element of the result, and to how many elements each goes."""
    if len(shape) < 2:
        raise ArgumentError(f"shape={shape}: weights have at least two axes")
    if len(shape) == 2:
        return shape[0], shape[1]
    window = prod(shape[2:])
    return shape[1] * window, shape[0] * window


def uniform(*shape: int, low: float = 0.0, high: float = 1.0, rng: Any = None, dtype: Any = float,
            requires_grad: bool = False) -> Any:
    """Uniform in [low, high)."""
    return made(generator(rng).uniform(low, high, shape), dtype, requires_grad)


def normal(*shape: int, mean: float = 0.0, std: float = 1.0, rng: Any = None, dtype: Any = float,
           requires_grad: bool = False) -> Any:
    """Normally distributed."""
    return made(generator(rng).normal(mean, std, shape), dtype, requires_grad)


def glorot_uniform(*shape: int, gain: float = 1.0, rng: Any = None, dtype: Any = float, requires_grad: bool = False
                   ) -> Any:
    """Uniform with variance 2 gain² / (in + out)."""
    bound = gain * sqrt(6 / sum(fans(shape)))
    return uniform(*shape, low=-bound, high=bound, rng=rng, dtype=dtype, requires_grad=requires_grad)


def glorot_normal(*shape: int, gain: float = 1.0, rng: Any = None, dtype: Any = float, requires_grad: bool = False
                  ) -> Any:
    """Normal with variance 2 gain² / (in + out)."""
    return normal(*shape, std=gain * sqrt(2 / sum(fans(shape))), rng=rng, dtype=dtype, requires_grad=requires_grad)


def he_uniform(*shape: int, gain: float = sqrt(2), rng: Any = None, dtype: Any = float, requires_grad: bool = False
               ) -> Any:
    """Uniform with variance gain² / in, for relu."""
    bound = gain * sqrt(3 / fans(shape)[0])
    return uniform(*shape, low=-bound, high=bound, rng=rng, dtype=dtype, requires_grad=requires_grad)


def he_normal(*shape: int, gain: float = sqrt(2), rng: Any = None, dtype: Any = float, requires_grad: bool = False
              ) -> Any:
    """Normal with variance gain² / in, for relu."""
    return normal(*shape, std=gain / sqrt(fans(shape)[0]), rng=rng, dtype=dtype, requires_grad=requires_grad)


def lecun_normal(*shape: int, rng: Any = None, dtype: Any = float, requires_grad: bool = False) -> Any:
    """Normal with variance 1 / in, for selu."""
    return he_normal(*shape, gain=1.0, rng=rng, dtype=dtype, requires_grad=requires_grad)


def lecun_uniform(*shape: int, rng: Any = None, dtype: Any = float, requires_grad: bool = False) -> Any:
    """Uniform with variance 1 / in."""
    return he_uniform(*shape, gain=1.0, rng=rng, dtype=dtype, requires_grad=requires_grad)


def dirac(*shape: int, dtype: Any = float, requires_grad: bool = False) -> Any:
    """Kernels (f, c, *window) that hand their channels on as they are."""
    a = np.zeros(shape)
    for k in range(min(shape[:2])):
        a[(k, k, *(n // 2 for n in shape[2:]))] = 1
    return made(a, dtype, requires_grad)


def orthogonal(*shape: int, gain: float = 1.0, rng: Any = None, dtype: Any = float, requires_grad: bool = False) -> Any:
    """A matrix with orthogonal rows or columns, or kernels whose rows are such."""
    rows, columns = shape[0], prod(shape[1:])
    q, r = np.linalg.qr(generator(rng).normal(size=(max(rows, columns), min(rows, columns))))
    q = q * np.sign(np.diag(r))
    return made(gain * (q if rows >= columns else q.T).reshape(shape), dtype, requires_grad)
