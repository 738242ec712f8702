"""Means, variances, quantiles, covariances."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from ...errors import ArgumentError, BoundsError, DtypeError, ShapeError
from ...ir.sizes import is_open
from .. import extents as ext, operands as o
from ..locations import fail
from ..operands import TracedArray, as_traced, cast, constant, emit
from ..views import forms
from .common import (
    NO_VALUE,
    array,
    call,
    concat,
    elements_if_known,
    full,
    full_like,
    given,
    iota,
    magnitude,
    reshape,
    slice_axis,
    stored,
    transpose,
    truth,
)
from .complex_numbers import squared_length
from .computed_extents import sorts_last, widened
from .movement import diagonal_of
from .reduction import axes_of, chosen, count, flag, is_nan, no_nan, restored, spread, summed_dtype

Rule = Callable[..., Any]


# means --------------------------------------------------------------------------------------------------------------
def _mean_dtype(x: TracedArray, dtype: Any) -> np.dtype:
    """The dtype of a mean: integers and booleans give floats."""
    if given(dtype):
        return o.ir_dtype(dtype).np
    return np.dtype(np.float64) if x.ir_dtype.kind in "biu" else x.dtype


def _count(x: TracedArray, axes: tuple[int, ...], where: Any) -> Any:
    """The number of elements that are taken together: known, or with a mask traced, in x's dtype."""
    if where is True or where is NO_VALUE:
        return count(x, axes)
    mask = o.broadcast_to(truth(as_traced(where)), x.extents)
    return emit("sum", cast(mask, x.dtype), axes=axes)


def mean(a, axis=None, dtype=None, out=None, keepdims=False, *, where=True):
    x = as_traced(a)
    is_open = dtype is None and x.ir_dtype.is_inexact
    x = cast(x, summed_dtype(x, None, out) if is_open else _mean_dtype(x, dtype))
    axes = axes_of(axis, x)
    if isinstance(out, TracedArray) and not out.ir_dtype.is_inexact:  # NumPy writes the sum there, then divides it
        total = cast(cast(emit("sum", chosen(x, where, 0), axes=axes), out.dtype), x.dtype)
        return stored(np.mean, restored(_divided(total, _count(x, axes, where)), x, axes, keepdims), out, "unsafe")
    return stored(np.mean, restored(_mean(x, axes, where), x, axes, keepdims), out, "unsafe")


def _mean(x: TracedArray, axes: tuple[int, ...], where: Any = True) -> TracedArray:
    return _divided(emit("sum", chosen(x, where, 0), axes=axes), _count(x, axes, where))


def _divided(x: TracedArray, n: Any) -> TracedArray:
    """x over a number, known or traced; 0/0 is nan."""
    if not isinstance(n, TracedArray):
        return emit("div", x, full_like(n, x))
    return emit("div", x, o.broadcast_to(cast(n, x.dtype), x.extents))


def var(a, axis=None, dtype=None, out=None, ddof=0, keepdims=False, *, where=True, mean=NO_VALUE, correction=NO_VALUE):
    """The mean of the squared deviations from the mean, `n - ddof` in the denominator."""
    return stored(np.var, _var(a, axis, dtype, ddof, keepdims, where, mean, correction), out)


def std(a, axis=None, dtype=None, out=None, ddof=0, keepdims=False, *, where=True, mean=NO_VALUE, correction=NO_VALUE):
    """The square root of the variance; where all elements are equal it has no derivative."""
    return stored(np.std, magnitude(_var(a, axis, dtype, ddof, keepdims, where, mean, correction)), out)


def _var(a: Any, axis: Any, dtype: Any, ddof: Any, keepdims: Any, where: Any, given_mean: Any,
         correction: Any) -> TracedArray:
    if given(correction):
        if ddof != 0:
            fail(ArgumentError, "ddof and correction can't be provided simultaneously.")
        ddof = correction
    x = as_traced(a)
    x = cast(x, _mean_dtype(x, dtype))
    axes = axes_of(axis, x)
    deviation = emit("sub", x, _center(x, axes, given_mean, lambda: _mean(x, axes, where)))
    total = emit("sum", chosen(squared_length(deviation), where, 0), axes=axes)
    n = _count(x, axes, where)
    freedom = call(np.maximum, call(np.subtract, n, ddof), 0) if isinstance(n, TracedArray) else max(n - ddof, 0)
    return restored(_divided(total, freedom), x, axes, keepdims)


def _center(x: TracedArray, axes: tuple[int, ...], given_mean: Any, computed: Callable[[], TracedArray]) -> TracedArray:
    """The mean over all of x: the one given (with its axes kept), or else computed."""
    if given(given_mean):
        return o.broadcast_to(cast(as_traced(given_mean), x.dtype), x.extents)
    return spread(computed(), x, axes)


def average(a, axis=None, weights=None, returned=False, *, keepdims=False):
    """The mean, weighted on request."""
    x = array(a)
    if weights is None:
        y = mean(x, axis, keepdims=keepdims)
        n = count(x, axes_of(axis, x))
        total = full_like(n, y) if isinstance(n, int) else o.broadcast_to(cast(array(n), y.dtype), y.extents)
        return (y, total) if returned else y
    w = array(weights)
    float_type = (np.float64,) if x.ir_dtype.kind in "biu" else ()
    dtype = np.result_type(x.dtype, w.dtype, *float_type)
    if x.extents != w.extents:
        w = _weights_along(w, x, axis)
    x, w = cast(x, dtype), cast(w, dtype)
    axes = axes_of(axis, x)
    total = restored(emit("sum", w, axes=axes), x, axes, keepdims)
    o.require(call(np.not_equal, total, 0), "Weights sum to zero, can't be normalized", "DivisionError")
    product = restored(emit("sum", emit("mul", x, w), axes=axes), x, axes, keepdims)
    y = emit("div", product, total)
    return (y, total) if returned else y


def _weights_along(w: TracedArray, x: TracedArray, axis: Any) -> TracedArray:
    """Weights of the axes alone, over the whole array."""
    if axis is None:
        fail(DtypeError, "Axis must be specified when shapes of a and weights differ.")
    axes = [o.normal_axis(k, x.ndim) for k in (axis if isinstance(axis, tuple) else (axis,))]
    if w.extents != tuple(x.extents[k] for k in axes):
        fail(ShapeError, "Shape of weights must be consistent with shape of a along specified axis.")
    w = transpose(w, np.argsort(axes).tolist())
    return emit("broadcast", w, shape=x.extents, dims=tuple(sorted(axes)))


# ignoring nan -------------------------------------------------------------------------------------------------------
def _numbers(x: TracedArray, axes: tuple[int, ...], where: Any) -> TracedArray:
    """How many elements are no nan, in x's dtype."""
    return emit("sum", chosen(cast(call(np.logical_not, is_nan(x)), x.dtype), where, 0), axes=axes)


def nanmean(a, axis=None, dtype=None, out=None, keepdims=False, *, where=True):
    x = as_traced(a)
    if not x.ir_dtype.is_float:
        return mean(x, axis, dtype, out, keepdims, where=where)
    x = cast(x, _mean_dtype(x, dtype))
    axes = axes_of(axis, x)
    return stored(np.nanmean, restored(_nanmean(x, axes, where), x, axes, keepdims), out)


def _nanmean(x: TracedArray, axes: tuple[int, ...], where: Any) -> TracedArray:
    return emit("div", emit("sum", chosen(no_nan(x, 0), where, 0), axes=axes), _numbers(x, axes, where))


def nanvar(a, axis=None, dtype=None, out=None, ddof=0, keepdims=False, *, where=True, mean=NO_VALUE,
           correction=NO_VALUE):
    x = as_traced(a)
    if not x.ir_dtype.is_float:
        return var(x, axis, dtype, out, ddof, keepdims, where=where, mean=mean, correction=correction)
    return stored(np.nanvar, _nanvar(x, axis, dtype, correction if given(correction) else ddof, keepdims, where, mean),
                  out)


def nanstd(a, axis=None, dtype=None, out=None, ddof=0, keepdims=False, *, where=True, mean=NO_VALUE,
           correction=NO_VALUE):
    x = as_traced(a)
    if not x.ir_dtype.is_float:
        return std(x, axis, dtype, out, ddof, keepdims, where=where, mean=mean, correction=correction)
    y = _nanvar(x, axis, dtype, correction if given(correction) else ddof, keepdims, where, mean)
    return stored(np.nanstd, magnitude(y), out)


def _nanvar(x: TracedArray, axis: Any, dtype: Any, ddof: Any, keepdims: Any, where: Any,
            given_mean: Any) -> TracedArray:
    x = cast(x, _mean_dtype(x, dtype))
    axes = axes_of(axis, x)
    deviation = emit("sub", x, _center(x, axes, given_mean, lambda: _nanmean(x, axes, where)))
    deviation = emit("select", is_nan(x), full_like(0, x), deviation)
    total = emit("sum", chosen(emit("mul", deviation, deviation), where, 0), axes=axes)
    freedom = call(np.subtract, _numbers(x, axes, where), ddof)
    y = emit("div", total, freedom)
    y = emit("select", call(np.less_equal, freedom, 0), full_like(np.nan, y), y)
    return restored(y, x, axes, keepdims)


# quantiles ----------------------------------------------------------------------------------------------------------
def _sorted_first(a: Any, axis: Any, func: Any) -> tuple[TracedArray, tuple[int, ...], TracedArray]:
    """x, the axes, and x sorted along them taken as one, which stands first."""
    x = array(a)
    if x.ir_dtype.is_complex:
        fail(DtypeError, f"{o.name_of(func)}: a must be an array of real numbers")
    axes = axes_of(axis, x)
    rest = [k for k in range(x.ndim) if k not in axes]
    y = transpose(x, [*axes, *rest])
    y = reshape(y, (x.extents[axes[0]] if len(axes) == 1 else count(x, axes), *(x.extents[k] for k in rest)))
    return x, axes, emit("sort", widened(y, sorts_last), axis=0)


def _nan_if_any(y: TracedArray, ranked: TracedArray) -> TracedArray:
    """y, or nan where the sorted elements end in one."""
    if not ranked.ir_dtype.is_float:
        return y
    last = _rank(ranked, ranked.extents[0] - 1)
    bad = o.broadcast_to(emit("isnan", last), y.extents)
    return emit("select", bad, full_like(np.nan, y), y)


def _rank(ranked: TracedArray, k: int) -> TracedArray:
    return reshape(slice_axis(ranked, 0, k, 1), ranked.extents[1:])


def _between(low: TracedArray, high: TracedArray, t: Any) -> TracedArray:
    """low + t (high - low), from the nearer end, as NumPy interpolates."""
    step = emit("sub", high, low)
    if not isinstance(t, TracedArray):
        if t == 0:
            return low
        if t < 0.5:
            return emit("add", low, emit("mul", step, full_like(t, step)))
        return emit("sub", high, emit("mul", step, full_like(1 - t, step)))
    t = o.broadcast_to(t, step.extents)
    upper = emit("sub", high, emit("mul", step, emit("sub", full_like(1, t), t)))
    y = emit("select", emit("ge", t, full_like(0.5, t)), upper, emit("add", low, emit("mul", step, t)))
    exact = emit("and", emit("eq", t, full_like(0, t)), emit("not", emit("isfinite", step)))  # 0 * inf
    return emit("select", exact, low, y)


def median(a, axis=None, out=None, overwrite_input=False, keepdims=False):
    if has_computed_extents(a):
        return stored(np.median, _traced_quantile(np.median, a, 0.5, axis, keepdims, False, "linear", None), out)
    x, axes, ranked = _sorted_first(a, axis, np.median)
    n = ranked.extents[0]
    ranked = cast(ranked, _mean_dtype(x, None))
    if n == 0:
        y = full(np.nan, ranked.extents[1:], ranked.dtype)
    elif n % 2:
        y = _nan_if_any(_rank(ranked, n // 2), ranked)
    else:
        pair = emit("add", _rank(ranked, n // 2 - 1), _rank(ranked, n // 2))
        y = _nan_if_any(emit("div", pair, full_like(2, pair)), ranked)
    return stored(np.median, restored(y, x, axes, keepdims), out)


def _quantile_rule(func: Rule, percent: bool) -> Rule:
    """np.quantile and np.percentile, with all of NumPy's methods for known q, linear for traced q."""

    def rule(a, q, axis=None, out=None, overwrite_input=False, method="linear", keepdims=False, *, weights=None):
        if weights is not None:
            o.unsupported(func, "weights=")
        known = elements_if_known(q)
        if known is None or has_computed_extents(a):
            return stored(func, _traced_quantile(func, a, q, axis, keepdims, percent, method, None), out)
        fractions = known / (100.0 if percent else 1.0)
        if not np.all((fractions >= 0) & (fractions <= 1)):
            fail(ArgumentError, "Percentiles must be in the range [0, 100]" if percent else
                 "Quantiles must be in the range [0, 1]")
        x, axes, ranked = _sorted_first(a, axis, func)
        if is_open(ranked.extents[0]) and method == "linear":
            return stored(func, _traced_quantile(func, a, q, axis, keepdims, percent, method, None), out)
        y = _known_quantiles(func, x, ranked, known, fractions, as_traced(q).weak, method)
        if flag(keepdims):
            y = reshape(y, (*known.shape, *restored_shape(x, axes)))
        return stored(func, y, out)

    return rule


def restored_shape(x: TracedArray, axes: Sequence[int]) -> tuple[Any, ...]:
    return tuple(1 if k in axes else e for k, e in enumerate(x.extents))


def _known_quantiles(func: Rule, x: TracedArray, ranked: TracedArray, q: np.ndarray, fractions: np.ndarray, weak: bool,
                     method: str) -> TracedArray:
    """Each q is a place between two ranks; NumPy tells which, for any method: the quantile of the ranks themselves."""
    n = ranked.extents[0]
    if n == 0:
        fail(BoundsError, "a quantile of no elements")
    try:
        places = np.quantile(np.arange(n, dtype=np.float64), fractions, method=method)  # type: ignore[call-overload]
        asked = q.item() if weak else q
        dtype = func(np.zeros(2, x.dtype), asked, method=method).dtype
    except ValueError as e:
        fail(ArgumentError, str(e))
    ranked = cast(ranked, dtype)
    parts = []
    for place in places.reshape(-1):
        low = int(np.floor(place))
        high = min(low + 1, n - 1)
        parts.append(_nan_if_any(_between(_rank(ranked, low), _rank(ranked, high), float(place - low)), ranked))
    if places.ndim == 0:
        return parts[0]
    shape = ranked.extents[1:]
    if not parts:
        return constant(np.zeros((*places.shape, *shape), dtype))
    return reshape(concat([reshape(p, (1, *shape)) for p in parts], 0), (*places.shape, *shape))


def _traced_quantile(func: Rule, a: Any, q: Any, axis: Any, keepdims: Any, percent: bool, method: str,
                     numbers: Callable[[TracedArray], TracedArray] | None) -> TracedArray:
    """Linear interpolation at computed places; `numbers(ranked)` says how many leading ranks count (all, if None)."""
    if method != "linear":
        o.unsupported(func, f"method={method!r} here; method='linear' is")
    x, axes, ranked = _sorted_first(a, axis, func)
    n = ranked.extents[0]
    if n == 0:
        fail(BoundsError, "a quantile of no elements")
    fraction = array(call(np.true_divide, q, 100) if percent else q)
    o.require(call(np.logical_and, call(np.greater_equal, fraction, 0), call(np.less_equal, fraction, 1)),
              "Percentiles must be in the range [0, 100]" if percent else "Quantiles must be in the range [0, 1]")
    fraction = cast(fraction, np.float64) if fraction.ir_dtype.kind in "biu" else fraction
    dtype = np.result_type(_mean_dtype(x, None), fraction.dtype if not as_traced(q).weak else _mean_dtype(x, None))
    ranked, fraction = cast(ranked, dtype), cast(fraction, dtype)
    rest = ranked.extents[1:]
    shape = (*fraction.extents, *rest)
    t = emit("broadcast", fraction, shape=shape, dims=tuple(range(fraction.ndim)))
    counted = numbers(ranked) if numbers is not None else length_of(x, axes)
    last = full_like(n - 1, t) if counted is None else o.broadcast_to(
        call(np.subtract, cast(counted, dtype), 1), shape)
    place = emit("maximum", emit("mul", t, last), full_like(0, t))
    low = emit("floor", place)
    weight = emit("sub", place, low)
    low_index = cast(low, np.int64)
    high_index = emit("minimum", call(np.add, low_index, 1), cast(emit("maximum", last, full_like(0, last)), np.int64))
    y = _between(_ranks(ranked, low_index), _ranks(ranked, high_index), weight)
    if numbers is None and counted is None:
        y = _nan_if_any(y, ranked)
    elif numbers is None and ranked.ir_dtype.is_float:
        end = cast(emit("maximum", last, full_like(0, last)), np.int64)
        y = emit("select", emit("isnan", _ranks(ranked, end)), full_like(np.nan, y), y)
    if flag(keepdims):
        y = reshape(y, (*fraction.extents, *restored_shape(x, axes)))
    return y


def has_computed_extents(a: Any) -> bool:
    return isinstance(a, TracedArray) and not a.type.is_static


def length_of(x: TracedArray, axes: Sequence[int]) -> TracedArray | None:
    """How many elements there are along the axes, where that is computed: what is sorted is as long as it can be."""
    if not has_computed_extents(x):
        return None
    return array(ext.handle(ext.product(forms([x.extents[k] for k in axes]))))


def _ranks(ranked: TracedArray, index: TracedArray) -> TracedArray:
    """ranked[index[..., i, j], i, j] for an index of shape (..., *ranked.shape[1:])."""
    rest = ranked.ndim - 1
    others = [iota(index.extents, index.ndim - rest + k) for k in range(rest)]
    return emit("gather", ranked, index, *others, axes=tuple(range(ranked.ndim)))


def _nan_quantile(func: Rule, plain: Rule, percent: bool) -> Rule:
    """np.nanquantile and np.nanpercentile: nan sorts last, so the first ranks are the numbers."""

    def rule(a, q, axis=None, out=None, overwrite_input=False, method="linear", keepdims=False, *, weights=None):
        x = as_traced(a)
        if not x.ir_dtype.is_float:
            return plain(x, q, axis, out, overwrite_input, method, keepdims, weights=weights)
        if x.size == 0:
            return nanmean(x, axis, None, out, keepdims)
        if weights is not None:
            o.unsupported(func, "weights=")
        return stored(func, _traced_quantile(func, x, q, axis, keepdims, percent, method, _count_numbers), out)

    return rule


def _count_numbers(ranked: TracedArray) -> TracedArray:
    return emit("sum", cast(emit("not", emit("isnan", ranked)), np.int64), axes=(0,))


percentile, quantile = _quantile_rule(np.percentile, True), _quantile_rule(np.quantile, False)


def nanmedian(a, axis=None, out=None, overwrite_input=False, keepdims=False):
    x = as_traced(a)
    if not x.ir_dtype.is_float:
        return median(x, axis, out, overwrite_input, keepdims)
    if x.size == 0:
        return nanmean(x, axis, None, out, keepdims)
    y = _traced_quantile(np.nanmedian, x, 0.5, axis, keepdims, False, "linear", _count_numbers)
    return stored(np.nanmedian, y, out)


# covariance ---------------------------------------------------------------------------------------------------------
def cov(m, y=None, rowvar=True, bias=False, ddof=None, fweights=None, aweights=None, *, dtype=None):
    """The covariance matrix of the rows (of the columns, with rowvar=False)."""
    if ddof is not None and ddof != int(ddof):
        fail(ArgumentError, "ddof must be integer")
    x = array(m)
    if x.ndim > 2 or (y is not None and as_traced(y).ndim > 2):
        fail(ArgumentError, "m has more than 2 dimensions")
    if x.ir_dtype.is_complex:
        o.unsupported(np.cov, "of complex numbers")
    dtype = np.dtype(dtype) if given(dtype) else np.result_type(x.dtype, np.float64,
                                                                *([] if y is None else [array(y).dtype]))
    x = _as_rows(x, dtype, rowvar)
    if y is not None:
        x = concat([x, _as_rows(array(y), dtype, rowvar)], 0)
    n = x.extents[1]
    w: Any = None
    for weights in (fweights, aweights):
        if weights is not None:
            v = cast(array(weights), dtype)
            if v.extents != (n,):
                fail(ArgumentError, "incompatible numbers of samples and weights")
            w = v if w is None else emit("mul", w, v)
    centered, total = _centered(x, w)
    ddof = (0 if bias else 1) if ddof is None else ddof
    weighted = centered if w is None else emit("mul", centered, o.broadcast_to(w, x.extents))
    freedom = _freedom(w, total, ddof, n, aweights, dtype)
    c = emit("contract", weighted, centered, xbatch=(), ybatch=(), xsum=(1,), ysum=(1,))
    c = call(np.true_divide, c, freedom)
    return o.as_array(reshape(c, ())) if c.extents == (1, 1) else c


def _as_rows(x: TracedArray, dtype: np.dtype, rowvar: bool) -> TracedArray:
    x = cast(x, dtype)
    if x.ndim < 2:
        return reshape(x, (1, x.size))
    return x if rowvar or x.extents[0] == 1 else transpose(x, (1, 0))


def _centered(x: TracedArray, w: TracedArray | None) -> tuple[TracedArray, Any]:
    """The rows less their (weighted) means, and the sum of the weights."""
    if w is None:
        return emit("sub", x, spread(_mean(x, (1,)), x, (1,))), x.extents[1]
    total = emit("sum", w, axes=(0,))
    weighted = emit("sum", emit("mul", x, o.broadcast_to(w, x.extents)), axes=(1,))
    center = reshape(emit("div", weighted, o.broadcast_to(total, weighted.extents)), (x.extents[0], 1))
    return emit("sub", x, o.broadcast_to(center, x.extents)), total


def _freedom(w: Any, total: Any, ddof: int, n: int, aweights: Any, dtype: np.dtype) -> Any:
    """The denominator of a covariance."""
    if w is None:
        return cast(as_traced((n - ddof if n > ddof else 0) if is_open(n) else float(max(n - ddof, 0))), dtype)
    if ddof == 0:
        return total
    if aweights is None:
        return call(np.subtract, total, ddof)
    correction = emit("sum", emit("mul", w, cast(array(aweights), dtype)), axes=(0,))
    return call(np.subtract, total, call(np.true_divide, call(np.multiply, correction, ddof), total))


def corrcoef(x, y=None, rowvar=True, *, dtype=None):
    """Pearson's correlation coefficients, clipped to [-1, 1]."""
    c = cov(x, y, rowvar, dtype=dtype)
    if c.ndim == 0:
        return call(np.true_divide, c, c)
    scale = emit("sqrt", diagonal_of(c, 0, 0, 1))
    c = call(np.true_divide, call(np.true_divide, c, reshape(scale, (scale.size, 1))), scale)
    return emit("minimum", emit("maximum", c, full_like(-1, c)), full_like(1, c))


RULES: dict[Callable[..., Any], Rule] = {
    np.mean: mean, np.var: var, np.std: std, np.average: average, np.median: median,
    np.percentile: percentile, np.quantile: quantile,
    np.nanmean: nanmean, np.nanvar: nanvar, np.nanstd: nanstd, np.nanmedian: nanmedian,
    np.nanpercentile: _nan_quantile(np.nanpercentile, percentile, True),
    np.nanquantile: _nan_quantile(np.nanquantile, quantile, False),
    np.cov: cov, np.corrcoef: corrcoef,
}

