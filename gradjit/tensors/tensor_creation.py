"""Tensors from nothing, under NumPy's names: `gj.zeros((2, 3), requires_grad=True)`.

Each takes what NumPy's function of that name takes, and requires_grad.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from ..errors import DifferentiationError
from ..tracer.locations import fail
from .tensor import Tensor
from .trie import modes


def tensor(data: Any, requires_grad: bool = False, dtype: Any = None) -> Tensor:
    """A tensor with a copy of these numbers: a number, an array, a tensor, or nested lists of such."""
    if not requires_grad and modes.grad_enabled and isinstance(data, list | tuple) and any(map(is_on_a_way, data)):
        fail(DifferentiationError, "gj.tensor makes a constant of tensors that require gradients, to which no "
                                   "derivative passes; write gj.stack([a, b]), or t.detach() where none is wanted; "
                                   "with requires_grad=True it is a leaf of its own")
    return Tensor(data, requires_grad, dtype)


def is_on_a_way(x: Any) -> bool:
    """Whether a derivative passes an item of nested lists."""
    return x.requires_grad if isinstance(x, Tensor) else isinstance(x, list | tuple) and any(map(is_on_a_way, x))


def from_numpy(a: np.ndarray, requires_grad: bool = False) -> Tensor:
    """A tensor that shares memory with an array in row-major order, as `t.numpy()` does; a copy of any other."""
    if not (type(a) is np.ndarray and a.flags.c_contiguous and a.flags.writeable and a.flags.aligned
            and a.dtype.isnative and a.dtype.kind in "biufc"):
        return Tensor(a, requires_grad)
    t = Tensor.__new__(Tensor)
    t._set(a, requires_grad)
    t._exposed = True
    return t


def _maker(func: Any) -> Callable[..., Tensor]:
    by_shape = func.__name__.endswith("_like")
    """Whether nothing but the shape and the dtype of the first argument are asked for."""

    def number(a: Any) -> Any:
        if modes.grad_enabled and a.requires_grad:
            fail(DifferentiationError, f"gj.{func.__name__} makes a new leaf, to which no derivative passes; write "
                                       f"t.detach() for the numbers, or compute it, as by np.ones(n) * t")
        return a._value()

    def make(*args: Any, requires_grad: bool = False, **kwargs: Any) -> Tensor:
        plain = [a if not isinstance(a, Tensor) else a._value() if by_shape and k == 0 else number(a)
                 for k, a in enumerate(args)]
        named = {name: number(a) if isinstance(a, Tensor) else a for name, a in kwargs.items()}
        return Tensor(func(*plain, **named), requires_grad)

    make.__name__ = make.__qualname__ = func.__name__
    make.__doc__ = f"A tensor as np.{func.__name__} makes an array; with requires_grad a leaf."
    return make


arange, linspace, logspace, geomspace = map(_maker, (np.arange, np.linspace, np.logspace, np.geomspace))
zeros, ones, full, empty = _maker(np.zeros), _maker(np.ones), _maker(np.full), _maker(np.zeros)
eye, identity = _maker(np.eye), _maker(np.identity)
zeros_like, ones_like, full_like = map(_maker, (np.zeros_like, np.ones_like, np.full_like))


class Random:
    """Random tensors. `gj.random.seed(0)` begins anew; without it the numbers differ from run to run."""

    def __init__(self) -> None:
        self.generator = np.random.default_rng()

    def seed(self, seed: Any = None) -> None:
        self.generator = np.random.default_rng(seed)

    def rand(self, *shape: int, requires_grad: bool = False) -> Tensor:
        """Uniform in [0, 1)."""
        return Tensor(self.generator.random(shape), requires_grad)

    def randn(self, *shape: int, requires_grad: bool = False) -> Tensor:
        """From the standard normal distribution."""
        return Tensor(self.generator.standard_normal(shape), requires_grad)

    def randint(self, low: int, high: int | None = None, size: Any = None) -> Tensor:
        """Integers from [low, high), or [0, low)."""
        return Tensor(self.generator.integers(low, high, size))

    def uniform(self, low: float = 0.0, high: float = 1.0, size: Any = None, requires_grad: bool = False) -> Tensor:
        return Tensor(self.generator.uniform(low, high, size), requires_grad)

    def normal(self, loc: float = 0.0, scale: float = 1.0, size: Any = None, requires_grad: bool = False) -> Tensor:
        return Tensor(self.generator.normal(loc, scale, size), requires_grad)

    def permutation(self, x: Any) -> Tensor:
        return Tensor(self.generator.permutation(x._value() if isinstance(x, Tensor) else x))


random = Random()
rand, randn = random.rand, random.randn


def manual_seed(seed: int) -> None:
    """Have `gj.random` begin anew."""
    random.seed(seed)


def stack(tensors: Any, axis: int = 0) -> Any:
    """Tensors of one shape along a new axis: `np.stack`, for numbers among them, too."""
    return np.stack([t if isinstance(t, Tensor) else Tensor(t) for t in tensors], axis)


def concatenate(tensors: Any, axis: int = 0) -> Any:
    """`np.concatenate`."""
    return np.concatenate([t if isinstance(t, Tensor) else Tensor(t) for t in tensors], axis)
