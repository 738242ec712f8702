"""Attributes and methods of ndarrays that traced arrays have: NumPy's functions under another name, and the rest."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np

from ..errors import TraceError, UnsupportedError
from ..probe import class_name
from . import inplace, layout, operands as o, shaping
from .array import ARRAY, PYTHON, TracedArray
from .conversion import whole
from .dispatch import apply, leave
from .locations import fail
from .structures import made

FUNCTIONS: dict[str, Callable[..., Any]] = {
    name: getattr(np, name) for name in (
        "all", "any", "argmax", "argmin", "argsort", "clip", "cumprod", "cumsum", "diagonal", "dot", "max", "mean",
        "min", "nonzero", "prod", "ptp", "ravel", "repeat", "round", "searchsorted", "squeeze", "std", "sum",
        "swapaxes", "take", "trace", "var", "choose", "argpartition",
    )
}
"""Methods that are NumPy's function of the same name, with the array as first argument."""


def attribute(x: TracedArray, name: str) -> Any:
    """`x.name` for what is no slot and no operator of the class."""
    from .builtin_functions import stand_in
    if name.startswith("__") or not hasattr(stand_in(x), name):  # of this NumPy
        raise AttributeError(f"{class_name(stand_in(x))!r} object has no attribute {name!r}")
    if name in FUNCTIONS:
        return partial(_function, FUNCTIONS[name], x)
    if name in METHODS:
        return partial(METHODS[name], x)
    if name in PROPERTIES:
        return PROPERTIES[name](x)
    fail(UnsupportedError, f"the array method or attribute .{name} is not supported")




def _function(func: Callable[..., Any], x: TracedArray, *args: Any, **kwargs: Any) -> Any:
    return apply(func, (x, *args), kwargs)


# methods of their own -----------------------------------------------------------------------------------------------
def astype(x: TracedArray, dtype: Any, order: str = "K", casting: str = "unsafe", subok: bool = True,
           copy: bool = True) -> Any:
    if not np.can_cast(x.dtype, np.dtype(dtype), casting):  # type: ignore[arg-type]
        fail(TraceError, f"Cannot cast array data from {x.dtype!r} to {np.dtype(dtype)!r} by the rule {casting!r}")
    from .numpy.creation import converted
    if x.kind != ARRAY:
        return leave(o.as_asked(x, dtype))
    return leave(converted(x, dtype, order, copy or (order == "A" and is_contiguous(x) is False)))


def is_contiguous(x: TracedArray) -> bool | None:
    """Whether there are no gaps between the elements, in row-major or column-major order."""
    rows, columns = (layout.is_contiguous(x.extents, x.strides_in_elements, order) for order in ("C", "F"))
    return rows or columns


def reshape(x: TracedArray, *shape: Any, order: str = "C", copy: bool | None = None) -> Any:
    given = shape[0] if len(shape) == 1 else shape
    return apply(np.reshape, (x, given), {"order": order, "copy": copy})


def transpose(x: TracedArray, *axes: Any) -> Any:
    given = axes[0] if len(axes) == 1 else axes or None
    return apply(np.transpose, (x, given), {})


def flatten(x: TracedArray, order: str = "C") -> Any:
    return leave(shaping.copied(apply(np.ravel, (x,), {"order": order}), "C"))


def fill(x: TracedArray, value: Any) -> None:
    x[...] = value


def sort(x: TracedArray, axis: int = -1, kind: Any = None, order: Any = None, *, stable: bool | None = None) -> None:
    if order is not None:
        fail(UnsupportedError, "sort(order=) is for structured arrays")
    x[...] = apply(np.sort, (x, axis), {})


def partition(x: TracedArray, kth: Any, axis: int = -1, kind: str = "introselect", order: Any = None) -> None:
    x[...] = apply(np.partition, (x, kth, axis, kind, order), {})


def compress(x: TracedArray, condition: Any, axis: Any = None, out: Any = None) -> Any:
    return apply(np.compress, (condition, x), {"axis": axis, "out": out})


def put(x: TracedArray, indices: Any, values: Any, mode: str = "raise") -> None:
    apply(np.put, (x, indices, values, mode), {})


def item(x: TracedArray, *index: Any) -> Any:
    """The element as a Python number, which has 64 bits; a traced one stays traced."""
    flat = len(index) == 1 and not isinstance(index[0], tuple)
    y = x if not index else x.flat[index[0]] if flat else x[index[0] if len(index) == 1 else index]
    if not isinstance(y, TracedArray):
        return y.item()
    if not o.is_single(y):
        fail(TraceError, "can only convert an array of size 1 to a Python scalar")
    if y.ndim:
        y = o.emit("reshape", y, shape=())
    if y.dtype.kind in "iu":
        return leave(whole(y))
    number = o.root(y.content, y.home, PYTHON)
    return leave(o.cast(number, WIDE[y.dtype.kind]) if y.dtype.kind in WIDE else number)


WIDE = {"f": np.float64, "c": np.complex128}
"""What Python's numbers are that are no integers, by the kind of an array's dtype."""


def tolist(x: TracedArray) -> Any:
    return made([tolist(row) if row.ndim else item(row) for row in map(o.as_traced, x)]) if x.ndim else item(x)


def conj(x: TracedArray) -> Any:
    if not x.ir_dtype.is_complex:
        return x
    z = o.as_traced(np.conjugate(x))
    return leave(o.root(z.content, z.home, PYTHON)) if x.kind == PYTHON else z


def is_integer(x: TracedArray) -> Any:
    found = o.as_traced((x == np.floor(x)) & np.isfinite(x))
    return leave(o.root(found.content, found.home, PYTHON))


def bit_count(x: TracedArray) -> Any:
    y = o.as_traced(np.bitwise_count(x))
    return leave(o.cast(o.root(y.content, y.home, PYTHON), np.int64)) if x.kind == PYTHON else y


def bit_length(x: TracedArray) -> Any:
    """The digits of |x| in base 2: all below the first are made ones, and counted."""
    bits = o.emit("abs", x)
    for shift in (1, 2, 4, 8, 16, 32):
        bits = o.emit("or", bits, o.emit("shr", bits, o.filled(shift, (), bits.dtype)))
    return bit_count(o.root(bits.content, bits.home, x.kind))


def byteswap(x: TracedArray, inplace: bool = False) -> Any:
    """The elements with their bytes in the other order: halves exchanged, of which each is turned round."""
    size = x.dtype.itemsize
    if x.ir_dtype.is_complex:
        o.unsupported("ndarray.byteswap", "of complex numbers; take their parts")
    y: Any = np.copy(x)
    if size > 1:
        unsigned = np.dtype(f"u{size}")
        y = y.view(unsigned)
        for bits in (b for b in (8, 16, 32) if b < 8 * size):
            low = unsigned.type(sum(((1 << bits) - 1) << k for k in range(0, 8 * size, 2 * bits)))
            y = ((y & low) << unsigned.type(bits)) | ((y >> unsigned.type(bits)) & low)
        y = y.view(x.dtype)
    if inplace:
        x[...] = y
        return x
    return y


METHODS: dict[str, Callable[..., Any]] = {
    "astype": astype, "reshape": reshape, "transpose": transpose, "flatten": flatten, "fill": fill, "sort": sort,
    "resize": inplace.resize, "view": inplace.view_as, "partition": partition, "compress": compress, "put": put,
    "copy": lambda x, order="C": leave(shaping.copied(x, order)),
    "item": item, "tolist": tolist, "conj": conj, "conjugate": conj,
    "is_integer": is_integer, "byteswap": byteswap, "bit_count": bit_count, "bit_length": bit_length,
}


def turned(x: TracedArray) -> TracedArray:
    """`.T`."""
    return shaping.permuted(x, range(x.ndim - 1, -1, -1))


def matrix_turned(x: TracedArray) -> TracedArray:
    """`.mT`."""
    if x.ndim < 2:
        fail(TraceError, "matrix transpose with ndim < 2 is undefined")
    return shaping.permuted(x, (*range(x.ndim - 2), x.ndim - 1, x.ndim - 2))


class Flags:
    """`x.flags`, as far as it is known: the order in memory."""

    def __init__(self, x: TracedArray):
        self.array = x

    def __getitem__(self, name: str) -> Any:
        if name.upper() not in ORDERS:
            fail(UnsupportedError, f"the flag {name} of a traced array is not known while the function is compiled")
        return self.answer(ORDERS[name.upper()])

    def answer(self, orders: str) -> bool:
        x = self.array
        found = [layout.is_contiguous(x.extents, x.strides_in_elements, order) for order in orders]
        if any(found):
            return True
        if None in found:
            fail(UnsupportedError, "whether a traced array is contiguous is not known here; ask before it is made")
        return False

    def __getattr__(self, name: str) -> Any:
        return self[name]


ORDERS = {"C_CONTIGUOUS": "C", "F_CONTIGUOUS": "F", "CONTIGUOUS": "C", "FORTRAN": "F", "C": "C", "F": "F",
          "FORC": "CF"}
"""The flags of the order in memory, by the orders that they ask for."""


def strides(x: TracedArray) -> tuple[Any, ...]:
    if x.strides_in_elements is None:
        fail(UnsupportedError, "the strides of a traced array are not known here; they are of arguments and copies")
    return tuple(s * x.itemsize for s in x.strides_in_elements)


PROPERTIES: dict[str, Callable[[TracedArray], Any]] = {
    "T": turned, "mT": matrix_turned, "flags": Flags, "strides": strides,
    "numerator": lambda x: x, "denominator": lambda x: 1,  # of integers
}
