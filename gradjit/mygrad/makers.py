"""What MyGrad has besides functions of tensors: makers of tensors, modes, files."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any

import numpy as np

from ..tensors import no_grad
from .tensor_base import Tensor, _plain


# made from nothing ----------------------------------------------------------------------------------------------------
def tensor(arr_like: Any, dtype: Any = None, *, constant: bool | None = None, copy: bool = True, ndmin: int = 0
           ) -> Tensor:
    """A tensor of these numbers."""
    return Tensor(arr_like, dtype=dtype, constant=constant, copy=copy, ndmin=ndmin)


def astensor(t: Any, dtype: Any = None, *, constant: bool | None = None) -> Tensor:
    """The tensor itself where it is one of this dtype and kind."""
    if isinstance(t, Tensor) and (dtype is None or t.dtype == dtype) and constant in (None, t.constant):
        return t
    return Tensor(t, dtype=dtype, constant=constant, copy=False)


def asarray(a: Any, dtype: Any = None, order: Any = None) -> np.ndarray:
    """The elements as an ndarray."""
    return np.asarray(a._expose() if isinstance(a, Tensor) else a, dtype, order)


def _maker(func: Any, dtype: Any = None) -> Callable[..., Tensor]:
    @functools.wraps(func)
    def make(*args: Any, constant: bool | None = None, **kwargs: Any) -> Tensor:
        args = _plain(args)
        if dtype is not None and "dtype" not in kwargs and not any(isinstance(a, type | np.dtype) for a in args[1:]):
            kwargs["dtype"] = dtype
        return Tensor(func(*args, **kwargs), constant=constant, copy=False)

    return make


def _like(func: Any) -> Callable[..., Tensor]:
    @functools.wraps(func)
    def make(other: Any, *args: Any, constant: bool | None = None, **kwargs: Any) -> Tensor:
        if constant is None and isinstance(other, Tensor) and other.constant:
            constant = True
        return Tensor(func(_plain(other), *args, **kwargs), constant=constant, copy=False)

    return make


arange, linspace, logspace, geomspace = map(_maker, (np.arange, np.linspace, np.logspace, np.geomspace))
zeros, ones, empty = (_maker(f, np.float32) for f in (np.zeros, np.ones, np.empty))
full, eye, identity = _maker(np.full), _maker(np.eye), _maker(np.identity)
zeros_like, ones_like, full_like, empty_like = map(_like, (np.zeros_like, np.ones_like, np.full_like, np.empty_like))


# graphs and memory ----------------------------------------------------------------------------------------------------
class _NoAutodiff:
    """`with mg.no_autodiff:`, or a decorator: nothing is recorded for derivatives."""

    def __init__(self) -> None:
        self.entered: list[no_grad] = []

    def __enter__(self) -> None:
        self.entered.append(no_grad())
        self.entered[-1].__enter__()

    def __exit__(self, *error: object) -> None:
        self.entered.pop().__exit__(*error)

    def __call__(self, func: Callable[..., Any], to_numpy: bool = False) -> Callable[..., Any]:
        @functools.wraps(func)
        def wrapped(*args: Any, **kwargs: Any) -> Any:
            with no_grad():
                found = func(*args, **kwargs)
            return asarray(found) if to_numpy else found

        return wrapped


no_autodiff = _NoAutodiff()


class _MemoryGuard:
    """Whether memory is guarded: it is versioned here, so that this is a setting that is only remembered."""

    active = True

    def __init__(self, value: bool):
        self.value = value
        self.before: list[bool] = []

    def __enter__(self) -> None:
        self.before.append(_MemoryGuard.active)
        _MemoryGuard.active = self.value

    def __exit__(self, *_: object) -> None:
        _MemoryGuard.active = self.before.pop()

    def __call__(self, func: Callable[..., Any]) -> Callable[..., Any]:
        @functools.wraps(func)
        def wrapped(*args: Any, **kwargs: Any) -> Any:
            with self:
                return func(*args, **kwargs)

        return wrapped


mem_guard_on, mem_guard_off = _MemoryGuard(True), _MemoryGuard(False)


def mem_guard_active() -> bool:
    return _MemoryGuard.active


def turn_memory_guarding_on() -> None:
    _MemoryGuard.active = True


def turn_memory_guarding_off() -> None:
    _MemoryGuard.active = False


# files, windows -------------------------------------------------------------------------------------------------------
def save(file: Any, tensor: Tensor) -> None:
    """Write a tensor and its gradient to a file, as np.savez does."""
    if not isinstance(tensor, Tensor):
        raise TypeError(f"mg.save is of a tensor, not of a {type(tensor).__name__}")
    parts = {"data": tensor._value()} | ({} if tensor.grad is None else {"grad": tensor.grad})
    np.savez(file, **parts)


def load(file: Any) -> Tensor:
    """What `save` has written."""
    with np.load(file) as parts:
        t = Tensor(parts["data"])
        t.grad = parts.get("grad")
    return t


def sliding_window_view(arr: Any, window_shape: Any, step: Any, dilation: Any = None) -> np.ndarray:
    """All windows over the last axes of an array, without a copy: the places of the windows come first."""
    a = np.asarray(_plain(arr))
    n = len(window_shape)
    steps = (step,) * n if isinstance(step, int) else tuple(step)
    gaps = (1,) * n if dilation is None else (dilation,) * n if isinstance(dilation, int) else tuple(dilation)
    reach = [(w - 1) * d + 1 for w, d in zip(window_shape, gaps, strict=True)]
    axes = tuple(range(a.ndim - n, a.ndim))
    every = np.lib.stride_tricks.sliding_window_view(a, reach, axis=axes)
    lead = (slice(None),) * (a.ndim - n)
    found = every[(*lead, *(slice(None, None, s) for s in steps), *(slice(None, None, d) for d in gaps))]
    return np.moveaxis(found, range(a.ndim - n, a.ndim), range(n))
