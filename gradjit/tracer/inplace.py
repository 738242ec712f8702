"""What changes an array object: `x.shape = ...`, `x.resize(...)`; and `x.view(dtype)`, another look at its bits."""

from __future__ import annotations

import inspect
from math import prod
from typing import Any, NoReturn

import numpy as np

from ..errors import ArgumentError, UnsupportedError
from ..ir import DType
from ..ir.sizes import agree
from . import layout, operands as o
from .array import ARRAY, TracedArray, view
from .foreign import Foreign, is_sure
from .locations import fail
from .recorder import current
from .shaping import strides_of, windowed
from .views import Bits, PairsView, Reshaped, WindowView, forms


def set_shape(x: TracedArray, shape: Any) -> None:
    """x.shape = shape: where that needs no copy."""
    from .numpy.movement import target_shape
    own(x, "setting .shape", "x = x.reshape(shape)")
    new = target_shape(x, shape)
    strides = strides_of(x, new)
    if strides is None:
        if x.strides_in_elements is None or not x.type.is_static:
            refuse("setting .shape of an array whose order in memory is not known", "x = x.reshape(shape)")
        raise AttributeError("Incompatible shape for in-place modification. Use `.reshape()` to make a copy with the "
                             "desired shape.")
    if x.parent is None or x._view is None:
        become(x, o.emit("reshape", x, shape=new, kind=ARRAY), strides)
    else:  # the object is from now on a look at what it was
        look = view(view(x.parent, x._view, x.strides_in_elements), Reshaped(forms(new)), strides)
        x.parent, x._view, x._shape, x._seen = look.parent, look._view, look._shape, look._seen
        x._content, x.home, x.where, x.strides_in_elements = look._content, look.home, look.where, strides


def resize(x: TracedArray, *new_shape: Any, refcheck: bool = True) -> None:
    """x.resize(shape): the elements in order, zeros behind them."""
    from .numpy.common import fixed, flatten, pad_axis, slice_axis
    own(x, "x.resize", "x = np.resize(x, shape)")
    shape = o.static_shape(new_shape[0] if len(new_shape) == 1 else new_shape)
    if any(n < 0 for n in shape):
        fail(ArgumentError, "all elements of `new_shape` must be non-negative")
    if x.parent is not None:
        fail(ArgumentError, "cannot resize this array: it does not own its data")
    if not layout.is_contiguous(x.extents, x.strides_in_elements):
        refuse("x.resize of an array that is not row-major in memory", "x = np.resize(x, shape)")
    size, old = prod(shape), prod(fixed(x, "x.resize"))
    flat = flatten(x)
    flat = slice_axis(flat, 0, 0, size) if size < old else pad_axis(flat, 0, 0, size - old)
    become(x, o.emit("reshape", flat, shape=shape, kind=ARRAY), layout.contiguous(shape))


def view_as(x: TracedArray, dtype: Any = None, type: Any = None) -> Any:
    """x.view(dtype), for a dtype of the same size."""
    dtype, type = (None if given is np.ndarray else given for given in (dtype, type))
    if type is not None or (inspect.isclass(dtype) and issubclass(dtype, np.ndarray)):
        refuse("x.view(type=...)", "x itself")
    if dtype is None:
        return windowed(x, WindowView.whole(x))
    t = o.ir_dtype(dtype)
    if not is_sure(Foreign.SWAPPED):
        refuse("x.view(dtype) beside arrays of another byte order", "x.astype(x.dtype.newbyteorder('=')) before the "
                                                                    "call, and pass that")
    if t == x.ir_dtype:
        return windowed(x, WindowView.whole(x))
    if x.kind == ARRAY and {t.kind, x.ir_dtype.kind} == {"c", "f"} and (
            max(t.itemsize, x.ir_dtype.itemsize) == 2 * min(t.itemsize, x.ir_dtype.itemsize)):
        return pairs_view(x, t)
    if t.itemsize != x.ir_dtype.itemsize or "b" in (t.kind, x.ir_dtype.kind) or "c" in (t.kind, x.ir_dtype.kind):
        refuse(f"x.view({t.np}) of an array of {x.dtype}", "x.astype(dtype), or a view as numbers of the same size")
    from .dispatch import leave
    return leave(view(x, Bits(t), x.strides_in_elements) if x.kind == ARRAY else o.emit("bitcast", x, dtype=t))


def pairs_view(x: TracedArray, t: DType) -> TracedArray:
    """Complex numbers as pairs of real ones along the last axis, or back."""
    if not x.ndim:
        fail(ArgumentError, "Changing the dtype of a 0d array is only supported if the itemsize is unchanged")
    strides = x.strides_in_elements
    if strides is None:
        refuse(f"x.view({t.np}) of an array whose order in memory is not known", "x.copy().view(dtype)")
    if strides[-1] != 1 and 0 not in x.extents and not agree(x.extents[-1], 1):
        fail(ArgumentError, "To change to a dtype of a different size, the last axis must be contiguous")
    if t.kind == "f":
        return view(x, PairsView(of_complex=True), (*(2 * s for s in strides[:-1]), 1))
    outer = zip(strides[:-1], x.extents[:-1], strict=True)
    if not agree(x.extents[-1] % 2, 0) or any(s % 2 for s, n in outer if n != 1):
        fail(ArgumentError, "When changing to a larger dtype, its size must be a divisor of the total size in bytes of "
                            "the last axis of the array.")
    return view(x, PairsView(of_complex=False), (*(s // 2 for s in strides[:-1]), 1))


def own(x: TracedArray, what: str, remedy: str) -> None:
    """UnsupportedError unless the object is the function's own, made in this region, and nothing else looks at it."""
    frame = current().frame
    if x.kind != ARRAY or x.origin or x.owner is not current():
        refuse(f"{what} of an array from outside of the function", remedy)
    if x.made is not frame.region:
        refuse(f"{what} of an array made outside of the loop or branch", remedy)
    if x.viewed or x.aliases is not None:
        refuse(f"{what} of an array that has views", remedy)


def refuse(what: str, remedy: str) -> NoReturn:
    fail(UnsupportedError, f"{what} is not supported; write {remedy}")


def become(x: TracedArray, new: TracedArray, strides: layout.Strides) -> None:
    """The object x, which has no views, holds other elements in another shape from now on."""
    x._content, x.home, x._shape, x.strides_in_elements = new.content, new.home, new._shape, strides
    x.where = new.where
