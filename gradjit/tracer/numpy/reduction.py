"""Reductions, scans, and the methods of ufuncs."""

from __future__ import annotations

import functools
import operator
from collections.abc import Callable, Sequence
from typing import Any, NoReturn

import numpy as np

from ...errors import ArgumentError, BoundsError, DtypeError
from ...ir.sizes import is_open
from .. import extents as ext, operands as o
from ..lift import lifted
from ..locations import fail
from ..operands import TracedArray, as_traced, cast, emit, normal_axes, static_int, unsupported
from ..ufuncs import compute
from ..views import forms
from .common import (
    NO_VALUE,
    array,
    call,
    concat,
    expand,
    fixed,
    flatten,
    full,
    full_like,
    given,
    move_axis,
    pick,
    reshape,
    slice_axis,
    static,
    stored,
    stored_safely,
    transpose,
    truth,
)
from .computed_extents import narrowed, widened

Rule = Callable[..., Any]


# shapes and neutral elements ----------------------------------------------------------------------------------------
def axes_of(axis: Any, x: TracedArray, zero_d: bool = False) -> tuple[int, ...]:
    """The axes of a reduction. `zero_d` is for those whose axes 0 and -1 a 0-d array has, too."""
    if zero_d and not x.ndim and axis in (0, -1):
        return ()
    return normal_axes(None if axis is NO_VALUE else axis, x.ndim)


def kept(x: TracedArray, axes: Sequence[int]) -> tuple[Any, ...]:
    """x's shape with the axes at extent 1."""
    return tuple(1 if k in axes else e for k, e in enumerate(x.extents))


def flag(keepdims: Any) -> bool:
    return keepdims is not NO_VALUE and bool(keepdims)


def restored(y: TracedArray, x: TracedArray, axes: Sequence[int], keepdims: Any) -> TracedArray:
    """The reduction y of x with its axes put back where `keepdims` asks for it."""
    return reshape(y, kept(x, axes)) if flag(keepdims) else y


def spread(y: TracedArray, x: TracedArray, axes: Sequence[int]) -> TracedArray:
    """A reduction of x, repeated over the axes that it dropped."""
    dims = tuple(k for k in range(x.ndim) if k not in axes)
    return y if len(dims) == x.ndim else emit("broadcast", y, shape=x.extents, dims=dims)


def chosen(x: TracedArray, where: Any, neutral: Any) -> TracedArray:
    """x with a neutral number where the mask `where=` is false."""
    if where is True or where is NO_VALUE:
        return x
    mask = truth(as_traced(where))
    x, mask = o.broadcast(x, mask)
    return emit("select", mask, x, full_like(neutral, x))


def count(x: TracedArray, axes: Sequence[int]) -> Any:
    """The number of elements that a reduction takes together: an int, or a traced one."""
    return ext.handle(ext.product(forms([x.extents[a] for a in axes])))


def is_empty(x: TracedArray, axes: Sequence[int]) -> bool:
    """Whether a reduction surely takes no elements together."""
    return any(isinstance(x.extents[a], int) and x.extents[a] == 0 for a in axes)


def summed_dtype(x: TracedArray, dtype: Any = None, out: Any = None) -> np.dtype:
    """The dtype in which NumPy adds or multiplies: small integers and booleans grow to the platform's, unless `out=`
    says where the result goes."""
    if dtype is not None:
        return np.dtype(dtype)
    (out,) = out if isinstance(out, tuple) else (out,)
    return np.sum(np.zeros(0, x.dtype)).dtype if out is None else np.promote_types(x.dtype, out.dtype)


# reductions ---------------------------------------------------------------------------------------------------------
def _accumulating(func: Rule, op: str, ufunc: np.ufunc, neutral: int) -> Rule:
    """np.sum and np.prod."""

    def rule(a, axis=None, dtype=None, out=None, keepdims=False, initial=NO_VALUE, where=True):
        x = as_traced(a)
        x = cast(x, summed_dtype(x, dtype, out))
        if x.ir_dtype.is_bool:
            return stored(func, _logical(x, axis, keepdims, "any" if op == "sum" else "all"), out, "unsafe")
        x = chosen(x, where, neutral)
        axes = axes_of(axis, x, zero_d=True)
        wide = widened(x, 1) if op == "prod" else x
        y = narrowed(emit(op, wide, axes=axes), [e for k, e in enumerate(x.extents) if k not in axes])
        y = restored(y, x, axes, keepdims)
        if given(initial):
            y = call(ufunc, y, cast(as_traced(initial), y.dtype))
        return stored(func, y, out, "unsafe")

    return rule


def _logical(x: TracedArray, axis: Any, keepdims: Any, op: str) -> TracedArray:
    axes = axes_of(axis, x, zero_d=True)
    return restored(emit(op, truth(x), axes=axes), x, axes, keepdims)


def _truth(func: Rule, op: str, neutral: bool) -> Rule:
    """np.any and np.all."""

    def rule(a, axis=None, out=None, keepdims=False, *, where=True):
        x = chosen(truth(as_traced(a)), where, neutral)
        return stored(func, _logical(x, axis, keepdims, op), out, "unsafe")

    return rule


def least(dtype: np.dtype) -> Any:
    """A number that no element exceeds from below: the neutral element of the maximum."""
    if dtype.kind == "b":
        return False
    return -np.inf if dtype.kind == "f" else np.iinfo(dtype).min


def greatest(dtype: np.dtype) -> Any:
    if dtype.kind == "b":
        return True
    return np.inf if dtype.kind == "f" else np.iinfo(dtype).max


def complex_position(x: TracedArray, op: str, k: int) -> TracedArray:
    """Where the largest or the least complex number is along an axis, in NumPy's order: by the real part, of equal ones
    by the imaginary part; the first one with a nan."""
    re, im = emit("real", x), emit("imag", x)
    neutral = full_like(-np.inf if op == "max" else np.inf, re)
    bad = emit("or", emit("isnan", re), emit("isnan", im))
    good = emit("not", bad)
    for part in (re, im):
        part = emit("select", good, part, neutral)
        best = reshape(emit(op, part, axes=(k,)), kept(x, (k,)))
        good = emit("and", good, emit("eq", part, o.broadcast_to(best, part.extents)))
    any_bad = reshape(emit("any", bad, axes=(k,)), kept(x, (k,)))
    first = emit("select", o.broadcast_to(any_bad, bad.extents), bad, good)
    return emit("argmax", cast(first, np.int64), axis=k)


def complex_extreme(x: TracedArray, op: str, axes: Sequence[int]) -> TracedArray:
    """The complex number that is the largest or the least along axes."""
    rest = [k for k in range(x.ndim) if k not in axes]
    count = functools.reduce(operator.mul, (x.extents[k] for k in axes))
    lines = reshape(transpose(x, (*rest, *axes)), (*(x.extents[k] for k in rest), count))
    place = complex_position(lines, op, len(rest))
    take: Rule = np.take_along_axis
    found = take(lines, reshape(place, (*place.extents, 1)), -1)
    return reshape(found, [x.extents[k] for k in rest])


def extreme(x: TracedArray, op: str, axes: Sequence[int]) -> TracedArray:
    """The maximum or minimum along axes; NumPy's ValueError where there are no elements."""
    if is_empty(x, axes) and 0 not in [e for k, e in enumerate(x.extents) if k not in axes]:
        fail(ArgumentError, f"zero-size array to reduction operation {op}imum which has no identity")
    if is_empty(x, axes):
        return full(0, [e for k, e in enumerate(x.extents) if k not in axes], x.dtype)
    some_elements(x, axes, f"zero-size array to reduction operation {op}imum which has no identity")
    if x.ir_dtype.is_complex:
        return complex_extreme(x, op, axes) if axes else x
    return emit(op, x, axes=tuple(axes))


def some_elements(x: TracedArray, axes: Sequence[int], message: str) -> None:
    """NumPy's ValueError where an extent is computed, and the run finds that it is 0."""
    for k in axes:
        if not isinstance(n := ext.form(x.extents[k]), int) and not ext.is_less(0, n):
            o.require(call(np.greater, ext.handle(n), 0), message)


def _extreme(func: Rule, op: str, ufunc: np.ufunc, neutral: Callable[[np.dtype], Any]) -> Rule:
    """np.max and np.min."""

    def rule(a, axis=None, out=None, keepdims=False, initial=NO_VALUE, where=True):
        x = as_traced(a)
        if x.ir_dtype.is_complex and (given(initial) or (where is not True and where is not NO_VALUE)):
            unsupported(func, "of complex numbers, with initial= or where=")
        if where is not True and where is not NO_VALUE:
            if not given(initial):
                fail(ArgumentError, f"reduction operation '{ufunc.__name__}' does not have an identity, "
                                    f"so to use a where mask one has to specify 'initial'")
            x = chosen(x, where, neutral(x.dtype))
        axes = axes_of(axis, x, zero_d=True)
        if given(initial):
            first = o.convert(as_traced(initial), x.dtype)
            shape = kept(x, axes) if flag(keepdims) else [e for k, e in enumerate(x.extents) if k not in axes]
            y = full(neutral(x.dtype), shape, x.dtype) if is_empty(x, axes) else restored(
                emit(op, x, axes=axes), x, axes, keepdims)
            y = call(ufunc, y, first)
        else:
            y = restored(extreme(x, op, axes), x, axes, keepdims)
        return stored(func, y, out, "unsafe")

    return rule


def _position(func: Rule, op: str) -> Rule:
    """np.argmax and np.argmin."""

    def rule(a, axis=None, out=None, *, keepdims=False):
        x = as_traced(a)
        rank = x.ndim
        if axis is None or not rank:
            x = flatten(x)
        k = o.normal_axis(0 if axis is None else axis, max(x.ndim, 1))
        if x.extents[k] == 0:
            fail(ArgumentError, f"attempt to get {op} of an empty sequence")
        some_elements(x, (k,), f"attempt to get {op} of an empty sequence")
        y = complex_position(x, op[3:], k) if x.ir_dtype.is_complex else emit(op, x, axis=k)
        if flag(keepdims):
            y = reshape(y, (1,) * rank) if axis is None else reshape(y, kept(x, (k,)))
        return stored_safely(func, y, out)

    return rule


sum_ = _accumulating(np.sum, "sum", np.add, 0)
prod = _accumulating(np.prod, "prod", np.multiply, 1)
max_ = _extreme(np.max, "max", np.maximum, least)
min_ = _extreme(np.min, "min", np.minimum, greatest)
any_, all_ = _truth(np.any, "any", False), _truth(np.all, "all", True)
argmax, argmin = _position(np.argmax, "argmax"), _position(np.argmin, "argmin")


def ptp(a, axis=None, out=None, keepdims=False):
    x = as_traced(a)
    return stored(np.ptp, call(np.subtract, max_(x, axis, None, keepdims), min_(x, axis, None, keepdims)), out)


def count_nonzero(a, axis=None, *, keepdims=False):
    return sum_(truth(as_traced(a)), axis, np.int64, None, keepdims)


# scans --------------------------------------------------------------------------------------------------------------
def scanned(op: str, x: TracedArray, axis: int) -> TracedArray:
    return narrowed(emit(op, widened(x, int(op == "cumprod")), axis=axis, reverse=False), x.extents)


def _scan(func: Rule, op: str) -> Rule:
    """np.cumsum and np.cumprod; without an axis along the flattened array."""

    def rule(a, axis=None, dtype=None, out=None):
        x = as_traced(a)
        x = flatten(x) if axis is None or x.ndim == 0 else x
        k = o.normal_axis(0 if axis is None else axis, x.ndim)
        x = cast(x, summed_dtype(x, dtype, out))
        if x.ir_dtype.is_bool:  # "or" and "and" of the elements so far
            return stored(func, cast(scanned(op, cast(x, np.int64), k), np.bool_), out, "unsafe")
        return stored(func, scanned(op, x, k), out, "unsafe")

    return rule


cumsum, cumprod = _scan(np.cumsum, "cumsum"), _scan(np.cumprod, "cumprod")


def _cumulative(func: Rule, scan: Rule, neutral: int) -> Rule:
    """np.cumulative_sum and np.cumulative_prod, which may begin with the neutral element."""

    def rule(x, /, *, axis=None, dtype=None, out=None, include_initial=False):
        x = array(x)
        x = x if x.ndim else flatten(x)
        if x.ndim > 1 and axis is None:
            fail(ArgumentError, "For arrays which have more than one dimension ``axis`` argument is required.")
        k = o.normal_axis(0 if axis is None else axis, x.ndim)
        y = scan(x, k, dtype)
        if include_initial:
            y = concat([full(neutral, kept(y, (k,)), y.dtype), y], k)
        return stored(func, y, out)

    return rule


# ignoring nan -------------------------------------------------------------------------------------------------------
def no_nan(a: Any, neutral: Any) -> TracedArray:
    """The array with a neutral number for nan."""
    x = as_traced(a)
    return emit("select", emit("isnan", x), full_like(neutral, x), x) if x.ir_dtype.is_float else x


def is_nan(x: TracedArray) -> TracedArray:
    return call(np.isnan, x)


def _without_nan(rule: Rule, neutral: int) -> Rule:
    """nansum, nanprod, nancumsum, nancumprod."""
    return lambda a, *args, **kwargs: rule(no_nan(a, neutral), *args, **kwargs)


def _nan_extreme(func: Rule, rule: Rule, neutral: Callable[[np.dtype], Any]) -> Rule:
    """nanmax and nanmin: nan where all elements are nan."""

    def extreme_(a, axis=None, out=None, keepdims=False, initial=NO_VALUE, where=True):
        x = as_traced(a)
        if not x.ir_dtype.is_float:
            return rule(x, axis, out, keepdims, initial, where)
        y = rule(no_nan(x, neutral(x.dtype)), axis, None, keepdims, initial, where)
        empty = all_(is_nan(x), axis, None, keepdims, where=where)
        y = y if given(initial) else emit("select", empty, full_like(np.nan, y), y)
        return stored(func, y, out)

    return extreme_


def _nan_position(func: Rule, rule: Rule, neutral: Callable[[np.dtype], Any]) -> Rule:
    """nanargmax and nanargmin; an error where all elements of a slice are nan."""

    def position(a, axis=None, out=None, *, keepdims=False):
        x = as_traced(a)
        if x.ir_dtype.is_float:
            o.require(call(np.logical_not, all_(is_nan(x), axis)), "All-NaN slice encountered")
        return stored(func, rule(no_nan(x, neutral(x.dtype)), axis, None, keepdims=keepdims), out)

    return position


# methods of ufuncs --------------------------------------------------------------------------------------------------
REDUCTIONS: dict[np.ufunc, Rule] = {
    np.add: sum_, np.multiply: prod, np.maximum: max_, np.minimum: min_,
}
LOGICAL_REDUCTIONS: dict[np.ufunc, Rule] = {np.logical_and: all_, np.logical_or: any_}
ASSOCIATIVE: dict[np.ufunc, Any] = {
    np.logaddexp: -np.inf, np.logaddexp2: -np.inf, np.hypot: 0, np.fmax: None, np.fmin: None, np.logical_xor: False,
    np.bitwise_and: -1, np.bitwise_or: 0, np.bitwise_xor: 0,
    np.add: 0, np.multiply: 1, np.maximum: None, np.minimum: None, np.logical_and: True, np.logical_or: False,
}
"""Ufuncs that may be evaluated in any grouping, with their identities (None: there is none)."""


@functools.cache
def is_defined(ufunc: np.ufunc, method: str, operand: np.dtype, dtype: Any) -> str:
    """What NumPy has against a method of a ufunc on such an operand: it is asked, with two numbers."""
    try:
        getattr(ufunc, method)(np.ones(2, operand), dtype=dtype)
    except TypeError as e:
        return str(e) or f"ufunc {ufunc.__name__} has no {method} of {operand}"
    return ""


def look_at_dtypes(ufunc: np.ufunc, method: str, a: Any, dtype: Any) -> None:
    """DtypeError where NumPy has no loop."""
    x = as_traced(a)
    if complaint := is_defined(ufunc, method, x.dtype, None if dtype is None else np.dtype(dtype)):
        fail(DtypeError, complaint)


def reduce_(ufunc, a, axis=0, dtype=None, out=None, keepdims=False, initial=NO_VALUE, where=True):
    """`ufunc.reduce`."""
    look_at_dtypes(ufunc, "reduce", a, dtype)
    if ufunc in REDUCTIONS:
        return REDUCTIONS[ufunc](*_typed(ufunc, a, dtype, axis), out=out, keepdims=keepdims, initial=initial,
                                 where=where)
    if ufunc in LOGICAL_REDUCTIONS:
        return LOGICAL_REDUCTIONS[ufunc](a, axis, out, keepdims, where=where)
    if given(initial) or (where is not True and where is not NO_VALUE):
        unsupported(f"np.{ufunc.__name__}.reduce", "initial= or where=")
    x = as_traced(a) if dtype is None else cast(as_traced(a), dtype)
    if ufunc in ASSOCIATIVE:
        return stored(ufunc, _halving(ufunc, x, axis, keepdims), out)
    if ufunc in INVERSE_OF:
        return stored(ufunc, _folded(ufunc, x, axis, keepdims), out)
    (k,) = axes_of(axis, x) if axis is not None or x.ndim == 1 else _not_reorderable(ufunc)
    y = pick(one_after_the_other(ufunc, x, k), k, -1)
    return stored(ufunc, reshape(y, kept(x, (k,))) if flag(keepdims) else y, out)


def _typed(ufunc: np.ufunc, a: Any, dtype: Any, axis: Any) -> tuple[Any, ...]:
    """The leading arguments of the reduction: only sums and products take a dtype of their own."""
    if ufunc in (np.add, np.multiply):
        return a, axis, dtype
    return (a if dtype is None else cast(as_traced(a), dtype)), axis


def _halving(ufunc: np.ufunc, x: TracedArray, axis: Any, keepdims: Any) -> TracedArray:
    """An associative ufunc along axes, by folding one half onto the other: about log2(n) steps."""
    axes = axes_of(axis, x)
    y = x
    for a in axes:
        y = _fold_axis(ufunc, y, a)
    return y if flag(keepdims) else reshape(y, [e for k, e in enumerate(y.extents) if k not in axes])


def _fold_axis(ufunc: np.ufunc, x: TracedArray, axis: int) -> TracedArray:
    if x.extents[axis] == 0:
        identity = ASSOCIATIVE[ufunc]
        if identity is None:
            fail(ArgumentError, f"zero-size array to reduction operation {ufunc.__name__} which has no identity")
        dtype = call(ufunc, full(0, (), x.dtype), full(0, (), x.dtype)).dtype
        return full(np.asarray(identity).astype(dtype), kept(x, (axis,)), dtype)
    if x.extents[axis] == 1 and ufunc in (np.hypot, np.logical_xor):
        return compute(np.absolute if ufunc is np.hypot else np.logical_or, [x, x][:ufunc.nin - (ufunc is np.hypot)])
    if is_open(x.extents[axis]):
        return reshape(pick(one_after_the_other(ufunc, x, axis), axis, -1), kept(x, (axis,)))
    while (n := x.extents[axis]) > 1:
        half = n // 2
        folded = call(ufunc, slice_axis(x, axis, 0, half), slice_axis(x, axis, half, half))
        x = concat([folded, cast(slice_axis(x, axis, n - 1, 1), folded.dtype)], axis) if n % 2 else folded
    return x


INVERSE_OF: dict[np.ufunc, np.ufunc] = {np.subtract: np.add, np.divide: np.multiply}


def _folded(ufunc: np.ufunc, x: TracedArray, axis: Any, keepdims: Any) -> TracedArray:
    """`a - b - c - ...` as `a - (b + c + ...)`, and so for quotients."""
    axes = axes_of(axis, x)
    (k,) = axes if len(axes) == 1 else _not_reorderable(ufunc)
    if x.extents[k] == 0:
        fail(ArgumentError, f"zero-size array to reduction operation {ufunc.__name__} which has no identity")
    y = pick(x, k, 0)
    if x.extents[k] > 1:
        rest = slice_axis(x, k, 1, x.extents[k] - 1)
        dtype = call(ufunc, y, y).dtype
        y = call(ufunc, y, REDUCTIONS[INVERSE_OF[ufunc]](rest, k, dtype))
    return reshape(y, kept(x, axes)) if flag(keepdims) else y


def _not_reorderable(ufunc: np.ufunc) -> NoReturn:
    fail(ArgumentError, f"reduction operation '{ufunc.__name__}' is not reorderable, so at most one axis may be "
                        f"specified")


def one_after_the_other(ufunc: np.ufunc, x: TracedArray, axis: int) -> TracedArray:
    """What a ufunc of two operands makes of all elements up to each, from the left: by a loop."""
    n = x.shape[axis] if is_open(x.extents[axis]) else fixed(x, ufunc)[axis]
    if ufunc.nin != 2 or ufunc.nout != 1:
        fail(ArgumentError, "reduce only supported for binary functions returning a single value")
    if n == 0:
        fail(ArgumentError, f"zero-size array to reduction operation {ufunc.__name__} which has no identity")
    rows = move_axis(x, axis, 0)
    dtype = call(ufunc, pick(rows, 0, 0), pick(rows, 0, 0)).dtype
    out: Any = o.as_array(cast(rows, dtype))
    from ..hooks import Hooks
    in_turn: Any = lifted(_in_turn, Hooks)  # type: ignore[arg-type]
    in_turn(ufunc, out, n)
    return move_axis(out, 0, axis)


def _in_turn(ufunc: Any, x: Any, n: Any) -> None:
    """Plain Python, which is lifted."""
    for k in range(1, n):
        x[k] = ufunc(x[k - 1], x[k])


def accumulate(ufunc, array, axis=0, dtype=None, out=None):
    """`ufunc.accumulate`: sums and products are operations; other associative ufuncs take log2(n) shifted steps."""
    x = as_traced(array)
    look_at_dtypes(ufunc, "accumulate", x, dtype)
    if ufunc in (np.add, np.multiply):
        return (cumsum if ufunc is np.add else cumprod)(x, static_int(axis, "axis"), dtype, out)
    if ufunc not in ASSOCIATIVE or ufunc in (np.hypot, np.logical_xor):
        x = x if dtype is None else cast(x, dtype)
        return stored(ufunc, one_after_the_other(ufunc, x, o.normal_axis(static_int(axis, "axis"), x.ndim)), out)
    x = x if dtype is None else cast(x, dtype)
    x = truth(x) if ufunc in LOGICAL_REDUCTIONS else x
    k, shift = o.normal_axis(axis, x.ndim), 1
    n = x.extents[k]
    if is_open(n):
        return stored(ufunc, one_after_the_other(ufunc, x, k), out)
    while shift < n:
        later = call(ufunc, slice_axis(x, k, 0, n - shift), slice_axis(x, k, shift, n - shift))
        x = concat([cast(slice_axis(x, k, 0, shift), later.dtype), later], k)
        shift *= 2
    return stored(ufunc, x, out)


def outer(ufunc, a, b, dtype=None, out=None):
    """`ufunc.outer`: every element of a with every element of b."""
    x, y = as_traced(a), as_traced(b)
    return stored(ufunc, compute(ufunc, [expand(x, range(x.ndim, x.ndim + y.ndim)) if y.ndim else x, y], dtype), out)


def reduceat(ufunc, array, indices, axis=0, dtype=None, out=None):
    """`ufunc.reduceat` with known indices: one reduction for each segment."""
    x = as_traced(array)
    starts = static(indices, "the indices of reduceat")
    if len(starts) > SEGMENT_LIMIT:
        unsupported(f"np.{ufunc.__name__}.reduceat", f"more than {SEGMENT_LIMIT} segments; write np.add.at with the "
                                                     f"numbers of the segments")
    k = o.normal_axis(axis, x.ndim)
    n = x.extents[k]
    for i in starts:
        if not 0 <= i < n:
            fail(BoundsError, f"index {i} out-of-bounds in {ufunc.__name__}.reduceat [0, {n})")
    parts = []
    for i, stop in zip(starts, [*starts[1:], n], strict=True):
        size = max(int(stop) - int(i), 1)
        parts.append(as_traced(reduce_(ufunc, slice_axis(x, k, int(i), size), k, dtype, None, True)))
    return stored(ufunc, concat(parts, k), out)


SEGMENT_LIMIT = 256


RULES: dict[Callable[..., Any], Rule] = {
    np.sum: sum_, np.prod: prod, np.max: max_, np.min: min_, np.amax: max_, np.amin: min_, np.any: any_, np.all: all_,
    np.argmax: argmax, np.argmin: argmin, np.ptp: ptp, np.count_nonzero: count_nonzero,
    np.cumsum: cumsum, np.cumprod: cumprod,
    np.cumulative_sum: _cumulative(np.cumulative_sum, cumsum, 0),
    np.cumulative_prod: _cumulative(np.cumulative_prod, cumprod, 1),
    np.nansum: _without_nan(sum_, 0), np.nanprod: _without_nan(prod, 1),
    np.nancumsum: _without_nan(cumsum, 0), np.nancumprod: _without_nan(cumprod, 1),
    np.nanmax: _nan_extreme(np.nanmax, max_, least), np.nanmin: _nan_extreme(np.nanmin, min_, greatest),
    np.nanargmax: _nan_position(np.nanargmax, argmax, least),
    np.nanargmin: _nan_position(np.nanargmin, argmin, greatest),
}

UFUNC_METHODS: dict[str, Rule] = {
    "reduce": reduce_, "accumulate": accumulate, "outer": outer, "reduceat": reduceat,
}
