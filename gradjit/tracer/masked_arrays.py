"""MaskedArray arrays (np.ma) that the traced function makes: elements, and a mask of those that do not count.

A function is computed of harmless elements under the mask, so that nothing flows back through what is masked. What
stands under the mask of a result has no meaning, as in NumPy.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from typing import Any, NoReturn

import numpy as np

from ..errors import UnsupportedError
from . import trees
from .array import TracedArray
from .calls import KINDS
from .dispatch import apply
from .locations import fail
from .operands import as_array, as_traced, broadcast, broadcast_to, cast, filled, is_traced

Rule = Callable[..., Any]
TINY = np.finfo(float).tiny


class MaskedArray(np.lib.mixins.NDArrayOperatorsMixin):
    """What stands for a masked array."""

    __array_priority__ = 2000.0

    @property
    def stands_for(self) -> type:
        return np.ma.MaskedArray

    def __init__(self, data: Any, mask: Any):
        found = as_traced(data)
        self.data = as_array(found)
        self.mask = as_array(broadcast_to(cast(as_traced(mask), np.bool_), found.extents))

    @property
    def shape(self) -> tuple[Any, ...]:
        return self.data.shape

    @property
    def ndim(self) -> int:
        return self.data.ndim

    @property
    def size(self) -> Any:
        return self.data.size

    @property
    def dtype(self) -> np.dtype:
        return self.data.dtype

    @property
    def T(self) -> MaskedArray:
        return self._each(lambda x: x.T)

    def __len__(self) -> Any:
        return len(self.data)

    def __repr__(self) -> str:
        return f"Traced(masked {self.data.type})"

    def _each(self, f: Callable[[Any], Any]) -> MaskedArray:
        return MaskedArray(f(self.data), f(self.mask))

    def reshape(self, *shape: Any) -> MaskedArray:
        return self._each(lambda x: x.reshape(*shape))

    def ravel(self) -> MaskedArray:
        return self._each(lambda x: x.ravel())

    def copy(self) -> MaskedArray:
        return MaskedArray(self.data, self.mask)

    def astype(self, dtype: Any) -> MaskedArray:
        return MaskedArray(self.data.astype(dtype), self.mask)

    def filled(self, fill_value: Any = None) -> Any:
        value = np.ma.default_fill_value(np.dtype(self.dtype)) if fill_value is None else fill_value
        return apply(np.where, (self.mask, as_traced(value), self.data), {})

    def compressed(self) -> Any:
        return self.data[np.logical_not(self.mask)]

    def __getitem__(self, key: Any) -> Any:
        data, mask = self.data[key], self.mask[key]
        if np.ndim(data):
            return MaskedArray(data, mask)
        known = as_traced(mask).known
        if known is None:
            fail(UnsupportedError, "an element of a masked array is read, and whether it is masked depends on traced "
                                   "values; write m.filled(value)[i]")
        return np.ma.masked if known else data

    def __setitem__(self, key: Any, value: Any) -> None:
        if value is np.ma.masked:
            self.mask[key] = True
            return
        other = as_masked(value)
        self.data[key] = other.data if isinstance(value, MaskedArray) else value
        self.mask[key] = other.mask if isinstance(value, MaskedArray) else False

    def __array__(self, *_: Any, **__: Any) -> NoReturn:
        self._refuse("an ordinary array")

    def _refuse(self, what: str) -> NoReturn:
        fail(UnsupportedError, f"{what} of a masked array is not supported in compiled functions; write "
                               f"m.filled(value), or np.where with the mask")

    # functions --------------------------------------------------------------------------------------------------------
    def __array_ufunc__(self, ufunc: np.ufunc, method: str, *inputs: Any, **kwargs: Any) -> Any:
        if method != "__call__" or set(kwargs) - {"out"}:
            self._refuse(f"np.{ufunc.__name__}.{method}")
        given = [as_masked(x) for x in inputs]
        masks = [as_traced(m.mask) for m in given]
        mask = outside_of(ufunc, [m.data for m in given])
        for m in masks:
            mask = m if mask is None else np.logical_or(mask, m)
        safe = [apply(np.where, (mask, as_traced(np.ones((), x.data.dtype)), x.data), {}) for x in given]
        result = ufunc(*safe)
        if isinstance(result, tuple):
            return tuple(MaskedArray(r, mask) for r in result)
        (out,) = kwargs.get("out") or (None,)
        made = MaskedArray(result, mask)
        if out is None:
            return made
        out.data[...], out.mask[...] = made.data, made.mask
        return out

    def __array_function__(self, func: Any, types: Any, args: Any, kwargs: Any) -> Any:
        if func in METHODS and args and isinstance(args[0], MaskedArray):
            return getattr(args[0], METHODS[func])(*args[1:], **kwargs)
        return self._refuse(f"np.{func.__name__}")

    def _kept(self, value: Any) -> Any:
        return apply(np.where, (self.mask, as_traced(np.asarray(value, self.dtype)), self.data), {})

    def _result(self, found: Any, axis: Any) -> Any:
        return found if axis is None else MaskedArray(found, apply(np.all, (self.mask,), {"axis": axis}))

    def count(self, axis: Any = None) -> Any:
        return apply(np.sum, (np.logical_not(self.mask),), {"axis": axis})

    def sum(self, axis: Any = None) -> Any:
        return self._result(apply(np.sum, (self._kept(0),), {"axis": axis}), axis)

    def prod(self, axis: Any = None) -> Any:
        return self._result(apply(np.prod, (self._kept(1),), {"axis": axis}), axis)

    def mean(self, axis: Any = None) -> Any:
        total, count = apply(np.sum, (self._kept(0),), {"axis": axis}), self.count(axis)
        return self._result(total / np.maximum(as_traced(count), 1), axis)

    def var(self, axis: Any = None, ddof: int = 0) -> Any:
        middle = self.mean(axis)
        middle = middle.data if isinstance(middle, MaskedArray) else middle
        apart = self.data - (middle if axis is None else apply(np.expand_dims, (middle, axis), {}))
        squares = MaskedArray(apart * apart, self.mask).sum(axis)
        variance = (squares.data if isinstance(squares, MaskedArray) else squares) / (self.count(axis) - ddof)
        return variance if axis is None else MaskedArray(variance, squares.mask)

    def std(self, axis: Any = None, ddof: int = 0) -> Any:
        return np.sqrt(self.var(axis, ddof))

    def min(self, axis: Any = None) -> Any:
        return self._result(apply(np.min, (self._kept(limit(self.dtype, 1)),), {"axis": axis}), axis)

    def max(self, axis: Any = None) -> Any:
        return self._result(apply(np.max, (self._kept(limit(self.dtype, -1)),), {"axis": axis}), axis)

    def any(self, axis: Any = None) -> Any:
        return self._result(apply(np.any, (self._kept(0),), {"axis": axis}), axis)

    def all(self, axis: Any = None) -> Any:
        return self._result(apply(np.all, (self._kept(1),), {"axis": axis}), axis)

    def dot(self, other: Any) -> Any:
        return apply(np.dot, (self._kept(0), as_masked(other)._kept(0)), {})


def limit(dtype: np.dtype, sign: int) -> Any:
    """A number beyond all others."""
    if dtype.kind == "f":
        return sign * np.inf
    return np.iinfo(dtype).max if sign > 0 else np.iinfo(dtype).min


def is_class(f: Any) -> bool:
    """Whether it is NumPy's class. NumPy imports it when it is first asked for, which takes as long as to trace a
    function; and who has not imported it cannot mean it."""
    ma = sys.modules.get("numpy.ma")
    return ma is not None and f is ma.MaskedArray


def as_masked(x: Any) -> MaskedArray:
    if isinstance(x, MaskedArray):
        return x
    if isinstance(x, np.ma.MaskedArray):
        return MaskedArray(np.asarray(x.data), np.ma.getmaskarray(x))
    return MaskedArray(x, False)


def outside_of(ufunc: np.ufunc, xs: list[TracedArray]) -> Any:
    """Where a function has no value, so that its result is masked; None for functions of all numbers."""
    domain = np.ma.core.ufunc_domain.get(ufunc)  # type: ignore[attr-defined]
    if domain is None:
        return None
    if type(domain).__name__ == "_DomainSafeDivide":
        a, b = broadcast(*xs)
        return np.absolute(a) * TINY >= np.absolute(b)
    return domain(*xs)


# np.ma's functions ----------------------------------------------------------------------------------------------------
def array(data: Any, mask: Any = False, dtype: Any = None, copy: bool = False, fill_value: Any = None) -> MaskedArray:
    m = as_masked(data if isinstance(data, MaskedArray) else as_traced(data))
    given = as_traced(False if mask is np.ma.nomask else mask)
    found = MaskedArray(m.data, np.logical_or(m.mask, cast(given, np.bool_)))
    return found if dtype is None else found.astype(dtype)


def where(condition: Any, a: Any, copy: bool = True) -> MaskedArray:
    return array(a, condition)


def _compared(f: Any) -> Rule:
    return lambda x, value, copy=True: array(x, f(as_masked(x).data, value))


def _inside(x: Any, v1: Any, v2: Any, copy: bool = True) -> MaskedArray:
    low, high = np.minimum(v1, v2), np.maximum(v1, v2)
    data = as_masked(x).data
    return array(x, np.logical_and(data >= low, data <= high))


def _outside(x: Any, v1: Any, v2: Any, copy: bool = True) -> MaskedArray:
    return array(x, np.logical_not(_inside(as_masked(x).data, v1, v2).mask))


def _method(name: str) -> Rule:
    return lambda x, *args, **kwargs: getattr(as_masked(x), name)(*args, **kwargs)


def _invalid(x: Any, copy: bool = True) -> MaskedArray:
    finite = np.isfinite(as_masked(x).data)
    data = apply(np.where, (finite, as_masked(x).data, filled(1.0, (), as_masked(x).dtype)), {})
    return MaskedArray(data, np.logical_or(as_masked(x).mask, np.logical_not(finite)))


REDUCING = (np.sum, np.prod, np.mean, np.var, np.std, np.min, np.max, np.any, np.all)
REDUCTIONS = ("count", *(f.__name__ for f in REDUCING))
METHODS: dict[Any, str] = {
    **{f: f.__name__ for f in REDUCING}, np.reshape: "reshape", np.ravel: "ravel",
    np.copy: "copy", np.dot: "dot", np.amin: "min", np.amax: "max",
}
FUNCTIONS: dict[str, Rule] = {
    "array": array, "asarray": array, "masked_where": where, "masked_invalid": _invalid, "masked_inside": _inside,
    "masked_outside": _outside, "filled": _method("filled"), "getdata": lambda a, subok=True: as_masked(a).data,
    "getmask": lambda a: as_masked(a).mask, "getmaskarray": lambda a: as_masked(a).mask,
    "masked_less": _compared(np.less), "masked_greater": _compared(np.greater),
    "masked_less_equal": _compared(np.less_equal), "masked_greater_equal": _compared(np.greater_equal),
    "masked_equal": _compared(np.equal), "masked_not_equal": _compared(np.not_equal),
    "masked_values": lambda x, value, rtol=1e-5, atol=1e-8, copy=True, shrink=True: array(
        x, apply(np.isclose, (as_masked(x).data, as_traced(value)), {"rtol": rtol, "atol": atol})),
}


def of_function(f: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Rule | None:
    """The rule of a function or the class of np.ma, where something traced is among its arguments; None for others."""
    module = getattr(f, "__module__", "") or ""
    given = (*args, *kwargs.values())
    if not module.startswith("numpy.ma") or not (is_traced(given) or any(isinstance(x, MaskedArray) for x in given)):
        return None
    if is_class(f):
        return array
    name = getattr(f, "__name__", "") or type(f).__name__
    if name in FUNCTIONS:
        return FUNCTIONS[name]
    if name in REDUCTIONS:
        return _method(name)
    if isinstance(ufunc := getattr(f, "f", None), np.ufunc):  # np.ma.log and its kin
        return lambda *xs: ufunc(*map(as_masked, xs))
    fail(UnsupportedError, f"np.ma.{name} of traced values is not supported; write np.where with a mask")


def _build(_: None, children: Any) -> Any:
    data, mask = children
    if isinstance(data, TracedArray) or isinstance(mask, TracedArray):
        return MaskedArray(data, mask)
    return np.ma.MaskedArray(data, mask) if isinstance(data, np.ndarray) else MaskedArray(data, mask)


KINDS.append(of_function)
trees.register(MaskedArray, lambda m: ((m.data, m.mask), None, ("data", "mask")), _build)
