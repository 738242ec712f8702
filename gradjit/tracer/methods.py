"""Attributes and methods of ndarrays that traced arrays have: NumPy's functions under another name, and the rest."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np

from ..errors import TraceError, UnsupportedError
from . import operands as o, shaping
from .array import ARRAY, PYTHON, TracedArray
from .dispatch import apply, leave
from .layout import is_row_major
from .locations import fail

FUNCTIONS: dict[str, Callable[..., Any]] = {
    name: getattr(np, name) for name in (
        "all", "any", "argmax", "argmin", "argsort", "clip", "cumprod", "cumsum", "diagonal", "dot", "max", "mean",
        "min", "nonzero", "prod", "ptp", "ravel", "repeat", "round", "searchsorted", "squeeze", "std", "sum",
        "swapaxes", "take", "trace", "var", "compress", "choose", "partition", "argpartition",
    )
}
"""Methods that are NumPy's function of the same name, with the array as first argument."""


def attribute(x: TracedArray, name: str) -> Any:
    """`x.name` for what is no slot and no operator of the class."""
    if name in FUNCTIONS:
        return partial(_function, FUNCTIONS[name], x)
    if name in METHODS:
        return partial(METHODS[name], x)
    if name in PROPERTIES:
        return PROPERTIES[name](x)
    if name.startswith("__") or not (hasattr(np.ndarray, name) or hasattr(float, name)):
        raise AttributeError(f"'{'numpy.ndarray' if x.kind == ARRAY else x.kind}' object has no attribute {name!r}")
    fail(UnsupportedError, f"the array method or attribute .{name} is not supported")


def _function(func: Callable[..., Any], x: TracedArray, *args: Any, **kwargs: Any) -> Any:
    return apply(func, (x, *args), kwargs)


# methods of their own -----------------------------------------------------------------------------------------------
def astype(x: TracedArray, dtype: Any, order: str = "K", casting: str = "unsafe", subok: bool = True,
           copy: bool = True) -> Any:
    if not np.can_cast(x.dtype, np.dtype(dtype), casting):  # type: ignore[arg-type]
        fail(TraceError, f"Cannot cast array data from {x.dtype!r} to {np.dtype(dtype)!r} by the rule {casting!r}")
    y = o.cast(x, dtype)
    return leave(duplicate(y, order) if x.kind == ARRAY and (copy or y is not x) else y)


def duplicate(x: TracedArray, order: str = "C") -> TracedArray:
    """An array with the same elements that shares nothing."""
    return o.root(x.content, x.home, x.kind, row_major=order == "C" or is_row_major(x.extents, x.strides_in_elements))


def reshape(x: TracedArray, *shape: Any, order: str = "C", copy: bool | None = None) -> Any:
    given = shape[0] if len(shape) == 1 else shape
    return apply(np.reshape, (x, given), {} if order == "C" else {"order": order})


def transpose(x: TracedArray, *axes: Any) -> Any:
    given = axes[0] if len(axes) == 1 else axes
    return apply(np.transpose, (x, given or None), {})


def flatten(x: TracedArray, order: str = "C") -> Any:
    return duplicate(apply(np.ravel, (x,), {} if order == "C" else {"order": order}))


def fill(x: TracedArray, value: Any) -> None:
    x[...] = value


def sort(x: TracedArray, axis: int = -1, kind: Any = None, order: Any = None, *, stable: bool | None = None) -> None:
    if order is not None:
        fail(UnsupportedError, "sort(order=) is for structured arrays")
    x[...] = apply(np.sort, (x, axis), {})


def item(x: TracedArray, *index: Any) -> Any:
    """The element as a Python number; a traced one stays traced."""
    flat = len(index) == 1 and not isinstance(index[0], tuple)
    y = x if not index else x.flat[index[0]] if flat else x[index[0] if len(index) == 1 else index]
    if not isinstance(y, TracedArray):
        return y.item()
    if not o.is_single(y):
        fail(TraceError, "can only convert an array of size 1 to a Python scalar")
    if y.ndim:
        y = o.emit("reshape", y, shape=())
    return leave(o.root(y.content, y.home, PYTHON))


def tolist(x: TracedArray) -> Any:
    return [row.tolist() if isinstance(row, TracedArray) and row.ndim else item(o.as_traced(row)) for row in x] \
        if x.ndim else item(x)


def conj(x: TracedArray) -> Any:
    return x if not x.ir_dtype.is_complex else apply(np.conjugate, (x,), {})


def is_integer(x: TracedArray) -> Any:
    return x == np.floor(x)


METHODS: dict[str, Callable[..., Any]] = {
    "astype": astype, "reshape": reshape, "transpose": transpose, "flatten": flatten, "fill": fill, "sort": sort,
    "copy": lambda x, order="C": leave(duplicate(x)), "item": item, "tolist": tolist, "conj": conj, "conjugate": conj,
    "is_integer": is_integer,
}


def turned(x: TracedArray) -> TracedArray:
    """`.T`."""
    return shaping.permuted(x, range(x.ndim - 1, -1, -1))


def matrix_turned(x: TracedArray) -> TracedArray:
    """`.mT`."""
    if x.ndim < 2:
        fail(TraceError, "matrix transpose with ndim < 2 is undefined")
    return shaping.permuted(x, (*range(x.ndim - 2), x.ndim - 1, x.ndim - 2))


def real(x: TracedArray) -> Any:
    return x if not x.ir_dtype.is_complex else apply(np.real, (x,), {})


def imag(x: TracedArray) -> Any:
    if x.ir_dtype.is_complex:
        return apply(np.imag, (x,), {})
    zeros = o.filled(0, x.extents, x.dtype)
    return leave(o.root(zeros.content, zeros.home, x.kind))


PROPERTIES: dict[str, Callable[[TracedArray], Any]] = {
    "T": turned, "mT": matrix_turned, "real": real, "imag": imag,
    "flat": lambda x: shaping.regrouped(x, (o.elements(x),)),
}
