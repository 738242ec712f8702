"""Statistics of samples. `nan_policy` is "propagate", as it is by default."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np

from ....errors import ArgumentError, DtypeError
from ....ir.sizes import agree
from ...locations import fail
from ...numpy.common import array
from ...operands import TracedArray, cast, require, static_int, unsupported
from ..special import ufunc

Rule = Callable[..., Any]


def sample(a: Any, axis: Any) -> tuple[TracedArray, int | tuple[int, ...]]:
    """The array in floats, and the axis; flat where that is None."""
    x = array(a)
    x = x if x.ir_dtype.is_inexact else cast(x, np.float64)
    return (flat(x), 0) if axis is None else (x, axis)


def real_sample(a: Any, axis: Any) -> tuple[TracedArray, int | tuple[int, ...]]:
    """The sample, of real numbers."""
    x, along = sample(a, axis)
    if x.ir_dtype.is_complex:
        fail(DtypeError, "this statistic is of real numbers; write x.real, x.imag or np.abs(x)")
    return x, along


def with_nan(x: Any, axis: Any, result: Any, keepdims: bool = False) -> Any:
    """A result for which elements were put in order: nan where one of them is."""
    return np.where(np.any(np.isnan(x), axis=axis, keepdims=keepdims), np.nan, result)[()]


def flat(x: TracedArray) -> Any:
    return np.ravel(x)


def length(x: TracedArray, axis: Any) -> Any:
    axes = axis if isinstance(axis, tuple) else (axis,)
    return math.prod(x.shape[k] for k in axes)


# means ----------------------------------------------------------------------------------------------------------------
def gmean(a, axis=0, dtype=None, weights=None, *, keepdims=False):
    """exp of the mean logarithm."""
    x, axis = sample(a, axis)
    return np.exp(_average(np.log(x if dtype is None else cast(x, dtype)), axis, weights, keepdims))


def hmean(a, axis=0, dtype=None, *, weights=None, keepdims=False):
    """The reciprocal of the mean reciprocal; nan for negative numbers."""
    x, axis = sample(a, axis)
    x = x if dtype is None else cast(x, dtype)
    good = np.all(x >= 0, axis=axis, keepdims=keepdims)
    return np.where(good, 1.0 / _average(1.0 / x, axis, weights, keepdims), np.nan)[()]


def pmean(a, p, *, axis=0, dtype=None, weights=None, keepdims=False):
    """(mean of x**p)**(1/p), the geometric mean for p = 0."""
    if isinstance(p, TracedArray):
        unsupported("scipy.stats.pmean", "a power p that is not known while tracing")
    if p == 0:
        return gmean(a, axis, dtype, weights, keepdims=keepdims)
    x, axis = sample(a, axis)
    x = x if dtype is None else cast(x, dtype)
    good = np.all(x >= 0, axis=axis, keepdims=keepdims)
    return np.where(good, _average(x ** float(p), axis, weights, keepdims) ** (1 / p), np.nan)[()]


def _average(x: Any, axis: Any, weights: Any, keepdims: bool) -> Any:
    if weights is None:
        return np.mean(x, axis=axis, keepdims=keepdims)
    average: Rule = np.average
    return average(x, axis=axis, weights=weights, keepdims=keepdims)


def trim_mean(a, proportiontocut, axis=0):
    """The mean of what is left when that part has been cut at either end."""
    x, axis = real_sample(a, axis)
    n = x.shape[axis]
    cut = int(proportiontocut * n)
    if 2 * cut >= n:
        fail(ArgumentError, "Proportion too big.")
    return with_nan(x, axis, np.mean(np.take(np.sort(x, axis=axis), range(cut, n - cut), axis=axis), axis=axis))


def trimboth(a, proportiontocut, axis=0):
    return _trimmed(a, proportiontocut, proportiontocut, axis)


def trim1(a, proportiontocut, tail="right", axis=0):
    if proportiontocut >= 1:
        return []
    is_right = tail.lower() == "right"
    return _trimmed(a, 0.0 if is_right else proportiontocut, proportiontocut if is_right else 0.0, axis)


def _trimmed(a: Any, low: float, high: float, axis: Any) -> Any:
    """What is left of samples that lose these shares of their least and of their largest elements."""
    x: Any = array(a)
    x, axis = (np.ravel(x), 0) if axis is None else (x, axis)
    n = static_int(x.shape[axis], "the number of elements")
    first, last = int(low * n), n - int(high * n)
    if first >= last:
        raise ValueError("Proportion too big.")
    return np.take(np.partition(x, (first, last - 1), axis), range(first, last), axis=axis)


# spread ---------------------------------------------------------------------------------------------------------------
def zscore(a, axis=0, ddof=0):
    return zmap(a, a, axis, ddof)


def zmap(scores, compare, axis=0, ddof=0):
    """Distances from the mean in standard deviations; nan where all are equal."""
    x = array(compare)
    x = x if x.ir_dtype.is_inexact else cast(x, np.float64)
    middle = np.mean(x, axis=axis, keepdims=True)
    spread = np.std(x, axis=axis, ddof=ddof, keepdims=True)
    flat = spread <= np.abs(np.finfo(x.dtype).eps * middle)
    return np.where(flat, np.nan, (scores - middle) / np.where(flat, 1.0, spread)).astype(x.dtype)


def sem(a, axis=0, ddof=1, *, keepdims=False):
    x, axis = sample(a, axis)
    return np.std(x, axis=axis, ddof=ddof, keepdims=keepdims) / length(x, axis) ** 0.5


def gstd(a, axis=0, ddof=1, *, keepdims=False):
    """exp of the logarithms' standard deviation."""
    x, axis = sample(a, axis)
    return np.exp(np.std(np.log(x), axis=axis, ddof=ddof, keepdims=keepdims))


def variation(a, axis=0, ddof=0, *, keepdims=False):
    x, axis = real_sample(a, axis)
    return np.std(x, axis=axis, ddof=ddof, keepdims=keepdims) / np.mean(x, axis=axis, keepdims=keepdims)


def iqr(x, axis=None, rng=(25, 75), scale=1.0, nan_policy="propagate", interpolation="linear", keepdims=False):
    """The distance between two quantiles."""
    if nan_policy != "propagate" or isinstance(scale, str):
        unsupported("scipy.stats.iqr", "nan_policy=, scale='normal'")
    low, high = (np.percentile(x, p, axis=axis, method=interpolation, keepdims=keepdims) for p in sorted(rng))
    return (high - low) / scale


def central(x: Any, order: int, axis: Any, middle: Any = None) -> Any:
    """The moment about a point, or about the mean."""
    deviation = x - (np.mean(x, axis=axis, keepdims=True) if middle is None else middle)
    return np.mean(deviation ** order, axis=axis)


def moment(a, order=1, axis=0, *, center=None):
    x, axis = real_sample(a, axis)
    if center is None and np.ndim(order) == 0 and order == 1:
        return 0.0 * np.mean(x, axis=axis)
    if np.ndim(order):
        return np.stack([moment(x, k, axis, center=center) for k in order])
    return central(x, static_int(order, "order"), axis, center)


def skew(a, axis=0, bias=True):
    """m3 / m2**1.5; nan where all are equal."""
    x, axis = real_sample(a, axis)
    n = length(x, axis)
    second, flat = _second(x, axis)
    value = central(x, 3, axis) / second ** 1.5
    if not bias and n > 2:
        value = value * (((n - 1.0) * n) ** 0.5 / (n - 2.0))
    return np.where(flat, np.nan, value)[()]


def kurtosis(a, axis=0, fisher=True, bias=True):
    """m4 / m2², less 3 by Fisher's definition; nan where all are equal."""
    x, axis = real_sample(a, axis)
    n = length(x, axis)
    second, flat = _second(x, axis)
    value = central(x, 4, axis) / (second * second)
    if not bias and n > 3:
        value = ((n * n - 1.0) * value - 3.0 * (n - 1) ** 2) / ((n - 2.0) * (n - 3.0)) + 3.0
    return np.where(flat, np.nan, value - 3.0 if fisher else value)[()]


def _second(x: Any, axis: Any) -> tuple[Any, Any]:
    """The variance, 1 where it is none, and whether it is."""
    second = central(x, 2, axis)
    flat = second <= (np.finfo(x.dtype).eps * np.mean(x, axis=axis)) ** 2
    return np.where(flat, 1.0, second), flat


def entropy(pk, qk=None, base=None, axis=0):
    """Of probabilities, which are made to add up to 1; relative to others where those are given."""
    p = array(pk)
    p = p / np.sum(p, axis=axis, keepdims=True)
    if qk is None:
        terms = ufunc("entr", p)
    else:
        q = array(qk)
        terms = ufunc("rel_entr", p, q / np.sum(q, axis=axis, keepdims=True))
    total = np.sum(terms, axis=axis)
    return total if base is None else total / np.log(base)


# tests and correlation ------------------------------------------------------------------------------------------------
class TtestResult(NamedTuple):
    statistic: Any
    pvalue: Any


class PearsonRResult(NamedTuple):
    statistic: Any
    pvalue: Any


class LinregressResult(NamedTuple):
    slope: Any
    intercept: Any
    rvalue: Any
    pvalue: Any
    stderr: Any
    intercept_stderr: Any


class ModeResult(NamedTuple):
    mode: Any
    count: Any


def _by_student(t: Any, df: Any, alternative: str) -> Any:
    if alternative == "less":
        return ufunc("stdtr", df, t)
    return ufunc("stdtr", df, -t) if alternative == "greater" else 2 * ufunc("stdtr", df, -np.abs(t))


def ttest_1samp(a, popmean, axis=0, *, alternative="two-sided"):
    x, axis = real_sample(a, axis)
    n = length(x, axis)
    t = (np.mean(x, axis=axis) - popmean) / np.sqrt(np.var(x, axis=axis, ddof=1) / n)
    return TtestResult(t, _by_student(t, n - 1.0, alternative))


def ttest_rel(a, b, axis=0, *, alternative="two-sided"):
    return ttest_1samp(array(a) - b, 0.0, axis, alternative=alternative)


def ttest_ind(a, b, axis=0, equal_var=True, alternative="two-sided"):
    (x, along), (y, _) = real_sample(a, axis), real_sample(b, axis)
    m, n = length(x, along), length(y, along)
    if agree(m, 0) or agree(n, 0):
        return TtestResult(*[(np.sum(x, axis=along) + np.sum(y, axis=along)) * np.nan] * 2)
    v, w = (np.var(z, axis=along, ddof=1) for z in (x, y))
    if equal_var:
        df: Any = m + n - 2.0
        square = ((m - 1) * v + (n - 1) * w) / df * (1.0 / m + 1.0 / n)
    else:
        square = v / m + w / n
        df = square ** 2 / ((v / m) ** 2 / (m - 1) + (w / n) ** 2 / (n - 1))
    t = (np.mean(x, axis=along) - np.mean(y, axis=along)) / np.sqrt(square)
    return TtestResult(t, _by_student(t, df, alternative))


def pearsonr(x, y, *, alternative="two-sided", axis=0):
    """Correlation; the probability by the beta distribution that it has for independent normal numbers."""
    (u, along), (v, _) = sample(x, axis), sample(y, axis)
    n = length(u, along)
    if agree(n, 0) or agree(n, 1):
        fail(ArgumentError, "`x` and `y` must have length at least 2.")
    u, v = u - np.mean(u, axis=along, keepdims=True), v - np.mean(v, axis=along, keepdims=True)
    r = np.sum(u * v, axis=along) / np.sqrt(np.sum(u * u, axis=along) * np.sum(v * v, axis=along))
    r = np.clip(r, -1.0, 1.0)
    if agree(n, 2):  # through two points goes a line
        r = np.rint(r)
        return PearsonRResult(r, 1.0 + 0.0 * r)
    half = n / 2 - 1.0
    tails = {"two-sided": lambda: 2 * ufunc("betainc", half, half, (1 - np.abs(r)) / 2),
             "greater": lambda: ufunc("betainc", half, half, (1 - r) / 2),
             "less": lambda: ufunc("betainc", half, half, (1 + r) / 2)}
    return PearsonRResult(r, tails[alternative]())


def linregress(x, y, alternative="two-sided"):
    """The line y = slope x + intercept of least squares."""
    u, v = (cast(real_sample(z, None)[0], np.float64) for z in (x, y))
    n = u.shape[0]
    if not agree(n, v.shape[0]) or agree(n, 0):
        fail(ArgumentError, f"x and y must have one length, and not be empty; they have {n} and {v.shape[0]} elements")
    require(array(np.any(u != u[0])), "Cannot calculate a linear regression if all x values are identical")
    middle, height = np.mean(u), np.mean(v)
    du, dv = u - middle, v - height
    xx, xy, yy = np.mean(du * du), np.mean(du * dv), np.mean(dv * dv)
    r = np.clip(xy / np.sqrt(xx * yy), -1.0, 1.0)
    slope = xy / xx
    if agree(n, 2):  # a line through both
        none = slope * 0.0
        return LinregressResult(slope, height - slope * middle, r, np.where(v[0] == v[1], 1.0, none)[()], none, none)
    df = n - 2.0
    t = r * np.sqrt(df / ((1.0 - r + 1e-20) * (1.0 + r + 1e-20)))
    stderr = np.sqrt((1 - r * r) * yy / xx / df)
    return LinregressResult(slope, height - slope * middle, r, _by_student(t, df, alternative), stderr,
                            stderr * np.sqrt(xx + middle * middle))


# order ----------------------------------------------------------------------------------------------------------------
RANKED = ("average", "min", "max", "dense", "ordinal")


def rankdata(a, method="average", *, axis=None):
    """Places in the sorted array, those of equal elements by the method."""
    x = array(a)
    if x.ndim > 1 and axis is not None:
        unsupported("scipy.stats.rankdata", "axis= of several; write a loop over the others")
    x = flat(x)
    if method not in RANKED:
        fail(ArgumentError, f"unknown method {method!r}; there are {', '.join(RANKED)}")
    if method != "average" and x.ir_dtype.is_inexact:  # (of a nan SciPy makes floats)
        require(array(np.logical_not(np.any(np.isnan(x)))), f"nan has no place in an order (method={method!r})")
    if method == "ordinal":
        return np.argsort(np.argsort(x, kind="stable"), kind="stable") + 1
    ordered = np.sort(x)
    below, upto = np.searchsorted(ordered, x, "left"), np.searchsorted(ordered, x, "right")
    if method == "dense":
        starts = np.concatenate([np.ones(1, np.int64), (ordered[1:] != ordered[:-1]).astype(np.int64)])
        return np.cumsum(starts)[below]
    if method == "average":
        found = (below + upto + 1) / 2
        return with_nan(x, None, found) if x.ir_dtype.is_inexact else found
    return below + 1 if method == "min" else upto


def mode(a, axis=0, *, keepdims=False):
    """The most frequent element, the least of several; of one axis."""
    x = array(a)
    if x.ndim > 1 and axis is not None:
        unsupported("scipy.stats.mode", "of several axes; write a loop over the others")
    ordered = np.sort(np.ravel(x))
    counts = np.searchsorted(ordered, ordered, "right") - np.searchsorted(ordered, ordered, "left")
    best = np.argmax(counts)
    found = ordered[best], counts[best]
    return ModeResult(*(np.reshape(f, (1,)) if keepdims else f for f in found))


def wasserstein_distance(u_values, v_values, u_weights=None, v_weights=None):
    return _distance_of_distributions(u_values, v_values, u_weights, v_weights, 1)


def energy_distance(u_values, v_values, u_weights=None, v_weights=None):
    return np.sqrt(2.0) * _distance_of_distributions(u_values, v_values, u_weights, v_weights, 2)


def _distance_of_distributions(u: Any, v: Any, u_weights: Any, v_weights: Any, p: int) -> Any:
    """The integral of |U - V|**p, its p-th root, with the cumulated distributions."""
    u, v = sample(u, None)[0], sample(v, None)[0]
    if agree(u.shape[0], 0) or agree(v.shape[0], 0):
        fail(ArgumentError, "Distribution can't be empty.")
    values = np.sort(np.concatenate([u, v]))
    first, second = _cumulated(u, u_weights, values[:-1]), _cumulated(v, v_weights, values[:-1])
    gaps = values[1:] - values[:-1]
    if p == 1:
        return np.sum(np.abs(first - second) * gaps)
    return np.sqrt(np.sum((first - second) ** 2 * gaps))


def _cumulated(x: Any, weights: Any, places: Any) -> Any:
    order = np.argsort(x)
    below = np.searchsorted(x[order], places, "right")
    if weights is None:
        return below / x.shape[0]
    sums = np.concatenate([np.zeros(1), np.cumsum(array(weights)[order])])
    return sums[below] / sums[-1]


# densities ------------------------------------------------------------------------------------------------------------
class Density:
    """What `scipy.stats.gaussian_kde(x)` gives of one variable."""

    def __init__(self, data: Any, factor: Any, weights: Any):
        self.data = data
        self.weights = weights
        mean = np.sum(weights * data)
        effective = 1 - np.sum(weights * weights)
        self.covariance = np.sum(weights * (data - mean) ** 2) / effective * factor * factor

    def logpdf(self, x: Any) -> Any:
        """log(sum(w exp(-(x - data)² / (2 c)) / sqrt(2 pi c)))."""
        points = array(x)
        points = flat(points if points.ir_dtype.is_inexact else cast(points, np.float64))
        squares = (points[:, np.newaxis] - self.data) ** 2 / (2 * self.covariance)
        exponents = np.log(self.weights) - squares
        top = np.max(exponents, axis=1, keepdims=True)
        total = np.log(np.sum(np.exp(exponents - top), axis=1)) + top[:, 0]
        return total - 0.5 * np.log(2 * math.pi * self.covariance)

    def __call__(self, x: Any) -> Any:
        return np.exp(self.logpdf(x))

    evaluate = pdf = __call__


def gaussian_kde(dataset, bw_method=None, weights=None):
    x = array(dataset)
    x = x if x.ir_dtype.is_inexact else cast(x, np.float64)
    if x.ndim > 1 and x.shape[0] > 1:
        unsupported("scipy.stats.gaussian_kde", "of several variables")
    x = flat(x)
    n = x.shape[0]
    if n < 2:
        fail(ArgumentError, "`dataset` input should have multiple elements.")
    require(array(np.all(np.isfinite(x))), "array must not contain infs or NaNs")
    require(array(np.any(x != x[0])), "The data appears to lie in a lower-dimensional subspace of the space in which "
                                      "it is expressed.", "LinAlgError")
    w = np.full(n, 1.0 / n) if weights is None else array(weights) / np.sum(array(weights))
    effective = 1.0 / np.sum(w * w)
    rules = {None: lambda: effective ** -0.2, "scott": lambda: effective ** -0.2,
             "silverman": lambda: (effective * 0.75) ** -0.2}
    if callable(bw_method):
        unsupported("scipy.stats.gaussian_kde", "a function as bw_method; write its number")
    return Density(x, rules[bw_method]() if bw_method in rules else bw_method, w)


_STATS = "scipy.stats._stats_py"
RULES: dict[tuple[str, str], Rule] = {
    **{(_STATS, f.__name__): f for f in (gmean, hmean, pmean, gstd, trim_mean, trimboth, trim1, zscore, zmap, sem,
                                         iqr, moment, skew, kurtosis, ttest_1samp, ttest_rel, ttest_ind, pearsonr,
                                         rankdata, mode, wasserstein_distance, energy_distance,
                                         linregress)},
    ("scipy.stats._variation", "variation"): variation, ("scipy.stats._entropy", "entropy"): entropy,
    ("scipy.stats._stats_mstats_common", "linregress"): linregress,
    ("scipy.stats._kde", "gaussian_kde"): gaussian_kde,
}
