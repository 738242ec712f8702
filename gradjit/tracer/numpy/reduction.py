"""Reductions."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from ..dispatch import run
from ..operands import TracedArray, as_traced, cast, emit, normal_axes, unsupported
from ..ufuncs import store


def _kept(x: TracedArray, axes: tuple[int, ...]) -> tuple[Any, ...]:
    return tuple(1 if k in axes else e for k, e in enumerate(x.extents))


def _sum(a: Any, axis: Any = None, dtype: Any = None, out: Any = None, keepdims: bool = False) -> Any:
    x = as_traced(a)
    if dtype is None and x.ir_dtype.kind in "biu":
        dtype = np.sum(np.zeros(0, x.dtype)).dtype  # NumPy widens small integers to the platform's
    x = x if dtype is None else cast(x, dtype)
    axes = normal_axes(axis, x.ndim)
    y = emit("sum", x, axes=axes)
    if keepdims:
        y = emit("reshape", y, shape=_kept(x, axes))
    return y if out is None else store(np.add, y, out, True)


RULES: dict[Callable[..., Any], Callable[..., Any]] = {np.sum: _sum}

_REDUCTIONS: dict[np.ufunc, Callable[..., Any]] = {np.add: np.sum}


def _reduce(ufunc: np.ufunc, a: Any, axis: Any = 0, dtype: Any = None, out: Any = None, keepdims: bool = False) -> Any:
    func = _REDUCTIONS.get(ufunc)
    if func is None:
        unsupported(f"np.{ufunc.__name__}.reduce")
    return run(RULES[func], func, (a, axis, dtype, out, keepdims), {})


UFUNC_METHODS: dict[str, Callable[..., Any]] = {"reduce": _reduce}
