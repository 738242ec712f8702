"""What MyGrad has besides functions of tensors: makers of tensors, modes, files."""

from __future__ import annotations

import functools
import operator
import threading
from collections.abc import Callable
from typing import Any

import numpy as np

from ..errors import ArgumentError, DtypeError, ShapeError
from ..tensors import no_grad
from ..tensors.recording import local
from ..tensors.trie import modes
from .tensor_base import Tensor, _plain, like


# made from nothing ----------------------------------------------------------------------------------------------------
def tensor(arr_like: Any, dtype: Any = None, *, constant: bool | None = None, copy: bool = True, ndmin: int = 0
           ) -> Tensor:
    """A tensor of these numbers; with copy=False, the tensor itself where it is one of this dtype and kind."""
    if not copy and isinstance(arr_like, Tensor) and (dtype is None or arr_like.dtype == dtype) and (
            constant in (None, arr_like.constant)):
        missing = operator.index(ndmin) - arr_like.ndim
        return arr_like[(None,) * missing] if missing > 0 else arr_like
    return Tensor(arr_like, dtype=dtype, constant=constant, copy=copy, ndmin=ndmin)


def astensor(t: Any, dtype: Any = None, *, constant: bool | None = None) -> Tensor:
    """The tensor itself where it is one of this dtype and kind."""
    return tensor(t, dtype, constant=constant, copy=False)


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
        return like(func, other, *args, constant=constant, **kwargs)

    return make


arange, linspace, logspace, geomspace = map(_maker, (np.arange, np.linspace, np.logspace, np.geomspace))
zeros, ones, empty = (_maker(f, np.float32) for f in (np.zeros, np.ones, np.empty))
full, eye, identity = _maker(np.full), _maker(np.eye), _maker(np.identity)
zeros_like, ones_like, full_like, empty_like = map(_like, (np.zeros_like, np.ones_like, np.full_like, np.empty_like))


# graphs and memory ----------------------------------------------------------------------------------------------------
class _NoAutodiff(threading.local):
    """`with mg.no_autodiff:`, or a decorator: nothing is recorded for derivatives. What is computed there from floats
    is a variable, whatever it is computed from."""

    def __init__(self) -> None:
        self.entered: list[tuple[no_grad, bool]] = []

    def __enter__(self) -> None:
        compute_new()  # what was made before stays what it is
        self.entered.append((no_grad(), modes.makes_variables))
        self.entered[-1][0].__enter__()
        modes.makes_variables = True

    def __exit__(self, *error: object) -> None:
        guard, before = self.entered.pop()
        try:
            compute_new()
        finally:
            modes.makes_variables = before
            guard.__exit__(*error)

    def __call__(self, func: Callable[..., Any], to_numpy: bool = False) -> Callable[..., Any]:
        @functools.wraps(func)
        def wrapped(*args: Any, **kwargs: Any) -> Any:
            with self:
                found = func(*args, **kwargs)
            return asarray(found) if to_numpy else found

        return wrapped


def compute_new() -> None:
    if local.recording is not None:
        local.recording.compute_new()


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


def is_count(x: Any) -> bool:
    return bool(isinstance(x, int | np.integer) and not isinstance(x, bool) and x > 0)


def check_windows(a: np.ndarray, window: Any, step: Any, dilation: Any) -> None:
    """DtypeError, ShapeError or ArgumentError for windows that cannot be."""
    if not hasattr(window, "__iter__") or not all(map(is_count, window)):
        raise DtypeError(f"`window_shape` must be a sequence of positive integers, got: {window}")
    for name, x in (("step", step), ("dilation", 1 if dilation is None else dilation)):
        if not isinstance(x, int | np.integer) and not hasattr(x, "__iter__"):
            raise DtypeError(f"`{name}` must be a positive integer or a sequence of positive integers, got: {x}")
        several = list(x) if hasattr(x, "__iter__") else [x] * len(window)
        if not all(map(is_count, several)) or len(several) != len(window):
            raise ArgumentError(f"`{name}` must be a positive integer or one for each of {len(window)}, got: {x}")
    if len(window) > a.ndim:
        raise ShapeError(f"`window_shape` ({window}) cannot name more axes than the array's {a.ndim}")
    gaps = [1] * len(window) if dilation is None else np.broadcast_to(dilation, len(window)).tolist()
    if any((w - 1) * d + 1 > e for w, d, e in zip(window, gaps, a.shape[a.ndim - len(window):], strict=True)):
        raise ShapeError(f"windows of {window}, dilated by {gaps}, do not fit into an array of shape {a.shape}")


def sliding_window_view(arr: Any, window_shape: Any, step: Any, dilation: Any = None) -> np.ndarray:
    """All windows over the last axes of an array, without a copy: the places of the windows come first."""
    a = np.asarray(_plain(arr))
    check_windows(a, window_shape, step, dilation)
    n = len(window_shape)
    steps = (step,) * n if isinstance(step, int) else tuple(step)
    gaps = (1,) * n if dilation is None else (dilation,) * n if isinstance(dilation, int) else tuple(dilation)
    reach = [(w - 1) * d + 1 for w, d in zip(window_shape, gaps, strict=True)]
    axes = tuple(range(a.ndim - n, a.ndim))
    every = np.lib.stride_tricks.sliding_window_view(a, reach, axis=axes)
    lead = (slice(None),) * (a.ndim - n)
    found = every[(*lead, *(slice(None, None, s) for s in steps), *(slice(None, None, d) for d in gaps))]
    return np.moveaxis(found, range(a.ndim - n, a.ndim), range(n))
