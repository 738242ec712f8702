"""MyGrad's random tensors: NumPy's global generator, which `seed` begins anew."""

from __future__ import annotations

from typing import Any

import numpy as np

from .tensor_base import Tensor

_state = np.random.mtrand._rand  # the generator behind np.random.rand, which MyGrad draws from


def seed(seed_number: int) -> None:
    """Have NumPy's generator begin anew."""
    _state.seed(seed_number)


def rand(*shape: int, constant: bool | None = None) -> Tensor:
    """Uniform in [0, 1)."""
    return Tensor(_state.rand(*shape), constant=constant)


def randn(*shape: int, constant: bool | None = None) -> Tensor:
    """From the standard normal distribution."""
    return Tensor(_state.randn(*shape), constant=constant)


def randint(low: int, high: int | None = None, shape: Any = None, dtype: Any = int) -> Tensor:
    """Integers from [low, high), or [0, low)."""
    return Tensor(_state.randint(low, high, shape, dtype))


def random(shape: Any = None, *, constant: bool | None = None) -> Tensor:
    """Uniform in [0, 1)."""
    return Tensor(_state.random_sample(shape), constant=constant)


random_sample = ranf = sample = random
