"""MaskedArray arrays (np.ma) that the traced function makes: elements, and a mask of those that do not count.

A function is computed of harmless elements under the mask, so that nothing flows back through what is masked. What
stands under the mask of a result has no meaning, as in NumPy.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Sequence
from typing import Any, NoReturn

import numpy as np

from ..errors import DtypeError, UnsupportedError
from ..probe import peek
from . import trees
from .array import ARRAY, TracedArray, root
from .calls import BORN, KINDS
from .dispatch import apply, leave
from .locations import fail
from .operands import as_array, as_traced, broadcast, broadcast_to, cast, filled, is_traced
from .outside import outside
from .overrides import ENTERING
from .recorder import current

Rule = Callable[..., Any]
TINY = np.finfo(float).tiny
UNKNOWN = object()
"""In the place of the number that an array is filled with, where only NumPy knows which it is."""
UNFOLLOWED = frozenset({"harden_mask", "set_fill_value", "unshare_mask", "resize"})
"""Methods that change more than elements and masks."""


class MaskedArray(np.lib.mixins.NDArrayOperatorsMixin):
    """What stands for a masked array."""

    __array_priority__ = 2000.0

    @property
    def stands_for(self) -> type:
        return np.ma.MaskedArray

    def __init__(self, data: Any, mask: Any = None):
        """The arrays themselves are kept, so that what is written to one is seen in the other. mask: None where nothing
        has been masked yet (NumPy's `nomask`): views have masks of their own then."""
        found = as_traced(data)
        self.data = found if found.kind == ARRAY else as_array(found)
        self._mask = None if mask is None else fitting(mask, self.data)
        self._fill: Any = None

    def __setattr__(self, name: str, value: Any) -> None:
        if name not in ("data", "_mask", "_fill", "mask"):
            self._refuse(f"assigning the attribute {name}")
        super().__setattr__(name, value)

    @property
    def mask(self) -> Any:
        """The mask as NumPy shows it: False where nothing is masked."""
        return np.ma.nomask if self._mask is None else self._mask

    @mask.setter
    def mask(self, value: Any) -> None:
        self.own_mask()[...] = value

    def own_mask(self) -> TracedArray:
        """The mask to be written to."""
        if self._mask is None:
            self._mask = self.full_mask()
        return self._mask

    def full_mask(self) -> TracedArray:
        """The mask of every element, to be read."""
        if self._mask is None:
            return as_array(filled(False, self.data.extents, np.bool_))
        return self._mask

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
        return self.filling_as(MaskedArray(f(self.data), None if self._mask is None else f(self._mask)))

    def filling_as(self, other: MaskedArray) -> MaskedArray:
        """The other with what this one is filled with."""
        other._fill = self._fill
        return other

    def reshape(self, *shape: Any) -> MaskedArray:
        return self._each(lambda x: x.reshape(*shape))

    def ravel(self) -> MaskedArray:
        return self._each(lambda x: x.ravel())

    def copy(self) -> MaskedArray:
        return self._each(lambda x: x.copy())

    def astype(self, dtype: Any) -> MaskedArray:
        made = MaskedArray(self.data.astype(dtype), None if self._mask is None else self._mask.copy())
        made._fill = None if self._fill is None else UNKNOWN
        return made

    def __getattr__(self, name: str) -> Any:
        """What is not followed: NumPy's own of a copy, where all is known; what that changes is changed here, too."""
        if name.startswith("_") or not hasattr(np.ma.MaskedArray, name):
            raise AttributeError(f"'MaskedArray' object has no attribute '{name}'")
        known = self.known() if name not in UNFOLLOWED else None
        if known is None or not hasattr(known, name):
            fail(UnsupportedError, f"{name} of a masked array that holds traced values is not supported in compiled "
                                   f"functions; write m.filled(value), or np.where with the mask")
        found = getattr(known, name)
        if not callable(found):
            return adopted(found)

        def method(*args: Any, **kwargs: Any) -> Any:
            result = found(*map(as_known, args), **{k: as_known(v) for k, v in kwargs.items()})
            if known.shape != self.shape:
                self._refuse(f"a change of shape by {name}")
            if known.data.tobytes() != np.asarray(self.data.known).tobytes():
                self.data[...] = known.data.copy()
            if not np.array_equal(np.ma.getmaskarray(known), np.asarray(self.full_mask().known)):
                self.own_mask()[...] = np.ma.getmaskarray(known)
            return self if result is known else adopted(result)

        return method

    def known(self) -> Any:
        """A masked array of NumPy's with the same elements, where all are known; else None."""
        data, mask = self.data.known, None if self._mask is None else self._mask.known
        if data is None or (mask is None) != (self._mask is None):
            return None
        if self._fill is UNKNOWN:
            return None
        return np.ma.MaskedArray(data.copy(), np.ma.nomask if mask is None else mask.copy(), fill_value=self._fill)

    def filled(self, fill_value: Any = None) -> Any:
        value = self._fill if fill_value is None else fill_value
        if value is UNKNOWN:
            self._refuse("the number that it is filled with, which was set for another array it is computed from,")
        value = np.ma.default_fill_value(np.dtype(self.dtype)) if value is None else value
        return apply(np.where, (self.full_mask(), as_traced(value), self.data), {}).astype(self.dtype)

    def compressed(self) -> Any:
        return self.data[np.logical_not(self.full_mask())]

    def __getitem__(self, key: Any) -> Any:
        data = self.data[key]
        if np.ndim(data):
            return self.filling_as(MaskedArray(data, None if self._mask is None else self._mask[key]))
        mask = False if self._mask is None else self._mask[key]
        known = as_traced(mask).known
        if known is None:
            fail(UnsupportedError, "an element of a masked array is read, and whether it is masked depends on traced "
                                   "values; write m.filled(value)[i]")
        return np.ma.masked if known else data

    def __setitem__(self, key: Any, value: Any) -> None:
        if value is np.ma.masked:
            self.own_mask()[key] = True
            return
        is_masked = isinstance(value, (MaskedArray, np.ma.MaskedArray))
        other = as_masked(value)
        self.data[key] = other.data if is_masked else value
        if self._mask is not None or (is_masked and other._mask is not None):
            self.own_mask()[key] = other.full_mask() if is_masked else False

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
        mask = outside_of(ufunc, [m.data for m in given])
        for m in (as_traced(m._mask) for m in given if m._mask is not None):
            mask = m if mask is None else np.logical_or(mask, m)
        result = ufunc(*(safe(x, mask) for x in given))
        if isinstance(result, tuple):
            return tuple(MaskedArray(r, mask) for r in result)
        (out,) = kwargs.get("out") or (None,)
        made = MaskedArray(result, mask)
        made._fill = None if all(m._fill is None for m in given) else UNKNOWN
        return made if out is None else self._in_place(ufunc, made, out, inputs)

    def _in_place(self, ufunc: np.ufunc, made: MaskedArray, out: MaskedArray, inputs: Sequence[Any]) -> MaskedArray:
        """`m += y`: what is masked stays as it is."""
        if out is not inputs[0]:
            self._refuse(f"out= of np.{ufunc.__name__}")
        if not np.can_cast(made.dtype, out.dtype, "same_kind"):
            fail(DtypeError, f"Cannot cast np.{ufunc.__name__} output from {made.dtype!r} to {out.dtype!r} with "
                             f"casting rule 'same_kind'")
        if made._mask is None:
            out.data[...] = made.data
            return out
        out.data[...] = apply(np.where, (made._mask, out.data, made.data), {})
        out.own_mask()[...] = made._mask
        return out

    def __array_function__(self, func: Any, types: Any, args: Any, kwargs: Any) -> Any:
        if func in METHODS and args and isinstance(args[0], MaskedArray):
            return getattr(args[0], METHODS[func])(*args[1:], **kwargs)
        if (known := all_known(args, kwargs)) is not None:
            return adopted(func(*known[0], **known[1]))
        return self._refuse(f"np.{func.__name__}")

    def _kept(self, value: Any) -> Any:
        return apply(np.where, (self.full_mask(), as_traced(np.asarray(value, self.dtype)), self.data), {})

    def _result(self, found: Any, axis: Any) -> Any:
        if axis is None and self._mask is not None and (known := self._mask.known) is not None and known.all():
            return np.ma.masked
        return found if axis is None else MaskedArray(found, apply(np.all, (self.full_mask(),), {"axis": axis}))

    def count(self, axis: Any = None) -> Any:
        if self._mask is None and axis is None:
            return self.size
        return apply(np.sum, (np.logical_not(self.full_mask()),), {"axis": axis})

    def sum(self, axis: Any = None) -> Any:
        return self._result(apply(np.sum, (self._kept(0),), {"axis": axis}), axis)

    def prod(self, axis: Any = None) -> Any:
        return self._result(apply(np.prod, (self._kept(1),), {"axis": axis}), axis)

    def mean(self, axis: Any = None) -> Any:
        total, count = apply(np.sum, (self._kept(0),), {"axis": axis}), self.count(axis)
        return self._result(total / np.maximum(as_traced(count), 1), axis)

    def var(self, axis: Any = None, ddof: int = 0) -> Any:
        middle = self.mean(axis)
        if middle is np.ma.masked:
            return middle
        middle = middle.data if isinstance(middle, MaskedArray) else middle
        apart = self.data - (middle if axis is None else apply(np.expand_dims, (middle, axis), {}))
        squares = MaskedArray(apart * apart, self.full_mask()).sum(axis)
        variance = (squares.data if isinstance(squares, MaskedArray) else squares) / (self.count(axis) - ddof)
        return variance if axis is None else MaskedArray(variance, squares.full_mask())

    def std(self, axis: Any = None, ddof: int = 0) -> Any:
        variance = self.var(axis, ddof)
        if variance is np.ma.masked:
            return variance
        return variance._each(deviation) if isinstance(variance, MaskedArray) else deviation(variance)

    def anom(self, axis: Any = None) -> MaskedArray:
        """What each element differs from the mean by."""
        middle = self.mean(axis)
        return self - (middle if axis is None else middle._each(lambda x: apply(np.expand_dims, (x, axis), {})))

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


def deviation(variance: Any) -> Any:
    """The root of a variance, which at 0 has the derivative that np.std has there."""
    from .numpy.common import magnitude
    return leave(magnitude(as_traced(variance)))


def average(a: Any, axis: Any = None, weights: Any = None) -> Any:
    """The mean of what is not masked, each element as often as its weight says."""
    x = as_masked(a)
    if weights is None:
        return x.mean(axis)
    w = MaskedArray(broadcast_to(as_traced(weights), x.shape), x._mask)
    return (x * w).sum(axis) / w.sum(axis)


def fitting(mask: Any, data: TracedArray) -> TracedArray:
    """A mask as an array of data's shape: the very one, where it is such."""
    given = as_traced(mask)
    found = broadcast_to(cast(given, np.bool_), data.extents)
    return found if found is given and found.kind == ARRAY else as_array(found)


def safe(x: MaskedArray, mask: Any) -> Any:
    """The data with harmless numbers under a mask."""
    if mask is None:
        return x.data
    return apply(np.where, (mask, as_traced(np.ones((), x.data.dtype)), x.data), {})


def as_known(x: Any) -> Any:
    """What stands for a value in a call of NumPy's own: UnsupportedError where it holds traced values."""
    found = x.known() if isinstance(x, MaskedArray) else x.known if isinstance(x, TracedArray) else x
    if found is None and x is not None:
        fail(UnsupportedError, "a method of a masked array is given traced values; write m.filled(value), or np.where "
                               "with the mask")
    return found


def all_known(args: Any, kwargs: dict[str, Any]) -> tuple[list[Any], dict[str, Any]] | None:
    """The arguments of a call with NumPy's own arrays in the place of what is known; None where some is not."""
    try:
        return list(map(as_known, args)), {k: as_known(v) for k, v in kwargs.items()}
    except UnsupportedError:
        return None


def adopted(result: Any) -> Any:
    """What NumPy has made: its new masked arrays as the function's own."""
    if type(result) is np.ma.MaskedArray and result.dtype.kind in "biufc" and result.dtype.names is None:
        mask = None if result.mask is np.ma.nomask else root(np.ma.getmaskarray(result).copy(), None, ARRAY)
        made = MaskedArray(root(np.array(result.data), None, ARRAY), mask)
        made._fill = result.fill_value if peek(result, "_fill_value") is not None else None
        return made
    if type(result) in (list, tuple):
        return type(result)(map(adopted, result))
    if type(result) is np.ndarray and result.dtype.kind in "biufc":
        return root(result, None, ARRAY)
    return result


def beside(xs: Sequence[Any]) -> Sequence[Any]:
    """Operands of which some are traced, with masked arrays from outside as the function's own. What these hold is part
    of what is compiled, and watched."""
    if not any(is_class(type(x)) for x in xs) or not (any(isinstance(x, MaskedArray) for x in xs) or is_traced(xs)):
        return xs
    return [taken_in(x) if is_class(type(x)) else x for x in xs]


def taken_in(x: np.ma.MaskedArray) -> Any:
    outside(current()).watch(x, "a masked array")
    return adopted(x)


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
        made = MaskedArray(np.asarray(x.data), None if x.mask is np.ma.nomask else np.ma.getmaskarray(x))
        made._fill = None if peek(x, "_fill_value") is None else x.fill_value
        return made
    return MaskedArray(x)


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
def array(data: Any, mask: Any = np.False_, dtype: Any = None, copy: bool = False, fill_value: Any = None
          ) -> MaskedArray:
    m = as_masked(data if isinstance(data, (MaskedArray, np.ma.MaskedArray)) else as_traced(data))
    m = m.copy() if copy else m
    if fill_value is not None:
        m._refuse("fill_value= ")
    if mask is np.ma.nomask or (mask is False and m._mask is not None):
        found = MaskedArray(m.data, m._mask)
    elif m._mask is None:
        found = MaskedArray(m.data, mask)
    else:
        found = MaskedArray(m.data, np.logical_or(m._mask, cast(as_traced(mask), np.bool_)))
    return found if dtype is None else found.astype(dtype)


def where(condition: Any, a: Any, copy: bool = True) -> MaskedArray:
    return array(a, condition, copy=copy)


def _compared(f: Any) -> Rule:
    return lambda x, value, copy=True: array(x, f(as_masked(x).data, value), copy=copy)


def _inside(x: Any, v1: Any, v2: Any, copy: bool = True) -> MaskedArray:
    low, high = np.minimum(v1, v2), np.maximum(v1, v2)
    data = as_masked(x).data
    return array(x, np.logical_and(data >= low, data <= high), copy=copy)


def _outside(x: Any, v1: Any, v2: Any, copy: bool = True) -> MaskedArray:
    return array(x, np.logical_not(_inside(as_masked(x).data, v1, v2).mask), copy=copy)


def _method(name: str) -> Rule:
    return lambda x, *args, **kwargs: getattr(as_masked(x), name)(*args, **kwargs)


def _invalid(x: Any, copy: bool = True) -> MaskedArray:
    finite = np.isfinite(as_masked(x).data)
    data = apply(np.where, (finite, as_masked(x).data, filled(1.0, (), as_masked(x).dtype)), {})
    return MaskedArray(data, np.logical_or(as_masked(x).full_mask(), np.logical_not(finite)))


REDUCING = (np.sum, np.prod, np.mean, np.var, np.std, np.min, np.max, np.any, np.all)
REDUCTIONS = ("count", *(f.__name__ for f in REDUCING))
METHODS: dict[Any, str] = {
    **{f: f.__name__ for f in REDUCING}, np.reshape: "reshape", np.ravel: "ravel",
    np.copy: "copy", np.dot: "dot", np.amin: "min", np.amax: "max",
}
FUNCTIONS: dict[str, Rule] = {
    "array": array, "asarray": array, "masked_where": where, "masked_invalid": _invalid, "masked_inside": _inside,
    "masked_outside": _outside, "filled": _method("filled"), "getdata": lambda a, subok=True: as_masked(a).data,
    "getmask": lambda a: as_masked(a).mask, "getmaskarray": lambda a: as_masked(a).full_mask(),
    "masked_less": _compared(np.less), "masked_greater": _compared(np.greater),
    "masked_less_equal": _compared(np.less_equal), "masked_greater_equal": _compared(np.greater_equal),
    "masked_equal": _compared(np.equal), "masked_not_equal": _compared(np.not_equal),
    "average": average, "dot": lambda a, b: as_masked(a).dot(b), "anom": _method("anom"), "anomalies": _method("anom"),
    "masked_values": lambda x, value, rtol=1e-5, atol=1e-8, copy=True, shrink=True: array(
        x, apply(np.isclose, (as_masked(x).data, as_traced(value)), {"rtol": rtol, "atol": atol}), copy=copy),
}


def of_function(f: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Rule | None:
    """The rule of a function or the class of np.ma, where something traced is among its arguments; None for others."""
    module = getattr(f, "__module__", "") or ""
    given = (*args, *kwargs.values())
    if not module.startswith("numpy.ma") or not (is_traced(given) or any(isinstance(x, MaskedArray) for x in given)):
        return None
    if is_class(f):
        return array
    if (known := all_known(args, kwargs)) is not None and not is_followed(f):
        return lambda *_, **__: adopted(f(*known[0], **known[1]))
    name = getattr(f, "__name__", "") or type(f).__name__
    if name in FUNCTIONS:
        return FUNCTIONS[name]
    if name in REDUCTIONS:
        return _method(name)
    if isinstance(ufunc := getattr(f, "f", None), np.ufunc):  # np.ma.log and its kin
        return lambda *xs: ufunc(*map(as_masked, xs))
    fail(UnsupportedError, f"np.ma.{name} of traced values is not supported; write np.where with a mask")


def is_followed(f: Any) -> bool:
    """Whether there is a rule for a function of np.ma."""
    name = getattr(f, "__name__", "") or type(f).__name__
    return name in FUNCTIONS or name in REDUCTIONS or isinstance(getattr(f, "f", None), np.ufunc)


def _build(_: None, children: Any) -> Any:
    data, mask = children
    if isinstance(data, TracedArray) or isinstance(mask, TracedArray) or not isinstance(data, np.ndarray):
        return MaskedArray(data, mask)
    return np.ma.MaskedArray(data, np.ma.nomask if mask is None else mask)


KINDS.append(of_function)
BORN.append(adopted)
ENTERING.append(beside)
trees.register(MaskedArray, lambda m: ((m.data, m._mask), None, ("data", "mask")), _build)
