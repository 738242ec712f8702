"""scipy.stats' statistics of angles and of what lies between limits, tests by moments and of equal variances."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np

from ...numpy.common import array
from ...operands import TracedArray, static_int, unsupported
from ..special import ufunc
from .distribution_methods import number
from .sample_statistics import central, kurtosis, length, pearsonr, real_sample, sample, skew, zscore
from .sample_tests import Tested

Rule = Callable[..., Any]


# angles ---------------------------------------------------------------------------------------------------------------
def _mean_direction(samples: Any, period: Any, axis: Any) -> tuple[Any, Any]:
    """The means of sines and cosines."""
    x, axis = sample(samples, axis)
    angle = x * (2.0 * np.pi / period)
    return np.mean(np.sin(angle), axis=axis), np.mean(np.cos(angle), axis=axis)


def _length_of_direction(samples: Any, period: Any, axis: Any) -> Any:
    s, c = _mean_direction(samples, period, axis)
    return np.minimum(np.hypot(s, c), 1.0)


def circmean(samples, high=2 * np.pi, low=0, axis=None):
    s, c = _mean_direction(samples, high - low, axis)
    return (np.arctan2(s, c) * ((high - low) / (2.0 * np.pi)) - low) % (high - low) + low


def circvar(samples, high=2 * np.pi, low=0, axis=None):
    return 1.0 - _length_of_direction(samples, high - low, axis)


def circstd(samples, high=2 * np.pi, low=0, axis=None, *, normalize=False):
    spread = np.sqrt(-2.0 * np.log(_length_of_direction(samples, high - low, axis)))
    return spread if normalize else spread * ((high - low) / (2.0 * np.pi))


# between limits -------------------------------------------------------------------------------------------------------
class _Within:
    """The elements between two limits, of which each may be absent."""

    def __init__(self, a: Any, limits: Any, inclusive: Any, axis: Any):
        self.x, self.axis = real_sample(a, axis)
        low, high = (None, None) if limits is None else limits
        self.inside: Any = np.ones(self.x.shape, bool)
        if low is not None:
            self.inside = self.inside & (self.x >= low if inclusive[0] else self.x > low)
        if high is not None:
            self.inside = self.inside & (self.x <= high if inclusive[1] else self.x < high)
        self.inside = self.inside | np.isnan(self.x)  # (which shows in the result)
        self.count: Any = np.sum(self.inside, axis=self.axis, dtype=self.x.dtype)

    def mean(self) -> Any:
        return np.sum(np.where(self.inside, self.x, 0.0), axis=self.axis) / self.count

    def var(self, ddof: Any) -> Any:
        middle = np.sum(np.where(self.inside, self.x, 0.0), axis=self.axis, keepdims=True) / np.sum(
            self.inside, axis=self.axis, keepdims=True, dtype=self.x.dtype)
        square = np.where(self.inside, self.x - middle, 0.0) ** 2
        return np.sum(square, axis=self.axis) / (self.count - ddof)


def tmean(a, limits=None, inclusive=(True, True), axis=None):
    return _Within(a, limits, inclusive, axis).mean()


def tvar(a, limits=None, inclusive=(True, True), axis=0, ddof=1):
    return _Within(a, limits, inclusive, axis).var(ddof)


def tstd(a, limits=None, inclusive=(True, True), axis=0, ddof=1):
    return np.sqrt(tvar(a, limits, inclusive, axis, ddof))


def tsem(a, limits=None, inclusive=(True, True), axis=0, ddof=1):
    within = _Within(a, limits, inclusive, axis)
    return np.sqrt(within.var(ddof) / within.count)


def tmin(a, lowerlimit=None, axis=0, inclusive=True):
    within = _Within(a, (lowerlimit, None), (inclusive, True), axis)
    least = np.min(np.where(within.inside, within.x, np.inf), axis=within.axis)
    return np.where(within.count == 0, np.nan, least)[()]


def tmax(a, upperlimit=None, axis=0, inclusive=True):
    within = _Within(a, (None, upperlimit), (True, inclusive), axis)
    most = np.max(np.where(within.inside, within.x, -np.inf), axis=within.axis)
    return np.where(within.count == 0, np.nan, most)[()]


# spread ---------------------------------------------------------------------------------------------------------------
OF_A_NORMAL = 0.6744897501960817
"""The median distance of a standard normal number from 0."""


def median_abs_deviation(x, axis=0, center=None, scale=1.0, *, keepdims=False):
    v, axis = sample(x, axis)
    middle = (np.median if center is None else center)(v, axis=axis, keepdims=True) if center in (
        None, np.median, np.mean) else unsupported("scipy.stats.median_abs_deviation", "another center than "
                                                   "np.median and np.mean")
    size = OF_A_NORMAL if isinstance(scale, str) and scale.lower() == "normal" else scale
    return np.median(np.abs(v - middle), axis=axis, keepdims=keepdims) / size


def gzscore(a, *, axis=0, ddof=0):
    return zscore(np.log(sample(a, 0)[0]), axis, ddof)


class DescribeResult(NamedTuple):
    """As SciPy's."""

    nobs: Any
    minmax: Any
    mean: Any
    variance: Any
    skewness: Any
    kurtosis: Any


def describe(a, axis=0, ddof=1, bias=True):
    x, axis = sample(a, axis)
    ends = tuple(f(np.reshape(array(a), x.shape), axis=axis) for f in (np.min, np.max))
    return DescribeResult(length(x, axis), ends, np.mean(x, axis=axis), np.var(x, axis=axis, ddof=ddof),
                          skew(x, axis, bias), kurtosis(x, axis, True, bias))


# tests by moments -----------------------------------------------------------------------------------------------------
def _by_normal(z: Any, alternative: str) -> Tested:
    tails = {"two-sided": lambda: 2.0 * ufunc("ndtr", -np.abs(z)), "greater": lambda: ufunc("ndtr", -z),
             "less": lambda: ufunc("ndtr", z)}
    return Tested(z, tails[alternative]())


def nothing(x: Any, axis: Any) -> Tested:
    """Of samples that are too small."""
    none = np.sum(x, axis=axis) * np.nan
    return Tested(none, none)


def skewtest(a, axis=0, *, alternative="two-sided"):
    """D'Agostino's transformation of the skewness to a normal number."""
    x, axis = sample(a, axis)
    n = static_int(length(x, axis), "the number of elements")
    if n < 8:
        return nothing(x, axis)
    y = skew(x, axis) * math.sqrt((n + 1) * (n + 3) / (6.0 * (n - 2)))
    tail = 3.0 * (n * n + 27 * n - 70) * (n + 1) * (n + 3) / ((n - 2.0) * (n + 5) * (n + 7) * (n + 9))
    square = math.sqrt(2 * (tail - 1)) - 1
    scaled = np.where(y == 0, 1.0, y) / math.sqrt(2.0 / (square - 1))
    return _by_normal(np.arcsinh(scaled) / math.sqrt(0.5 * math.log(square)), alternative)


def kurtosistest(a, axis=0, *, alternative="two-sided"):
    """Anscombe's and Glynn's transformation of the kurtosis to a normal number."""
    x, axis = sample(a, axis)
    n = static_int(length(x, axis), "the number of elements")
    if n < 5:
        return nothing(x, axis)
    spread = 24.0 * n * (n - 2) * (n - 3) / ((n + 1) * (n + 1) * (n + 3) * (n + 5))
    y = (kurtosis(x, axis, False) - 3.0 * (n - 1) / (n + 1)) / math.sqrt(spread)
    third = 6.0 * (n * n - 5 * n + 2) / ((n + 7) * (n + 9)) * math.sqrt(
        6.0 * (n + 3) * (n + 5) / (n * (n - 2) * (n - 3)))
    freedom = 6.0 + 8.0 / third * (2.0 / third + math.sqrt(1 + 4.0 / third**2))
    down = 1 + y * math.sqrt(2 / (freedom - 4.0))
    root = np.cbrt((1 - 2.0 / freedom) / np.where(down == 0, np.nan, down))
    return _by_normal((1 - 2 / (9.0 * freedom) - root) / math.sqrt(2 / (9.0 * freedom)), alternative)


def normaltest(a, axis=0):
    square = skewtest(a, axis).statistic ** 2 + kurtosistest(a, axis).statistic ** 2
    return Tested(square, np.exp(-0.5 * square))


def jarque_bera(x, *, axis=None):
    v, axis = real_sample(x, axis)
    second = central(v, 2, axis)
    skewness, excess = central(v, 3, axis) / second**1.5, central(v, 4, axis) / second**2 - 3.0
    statistic = length(v, axis) / 6 * (skewness**2 + excess**2 / 4)
    return Tested(statistic, np.exp(-0.5 * statistic))


# equal variances ------------------------------------------------------------------------------------------------------
def bartlett(*samples, axis=0):
    xs = [sample(x, axis)[0] for x in samples]
    sizes = [length(x, axis) - 1 for x in xs]
    total, k = sum(sizes), len(xs)
    spreads = [np.var(x, axis=axis, ddof=1) for x in xs]
    pooled = sum(n * v for n, v in zip(sizes, spreads, strict=True)) / total
    up = total * np.log(pooled) - sum(n * np.log(v) for n, v in zip(sizes, spreads, strict=True))
    statistic = np.maximum(up / (1 + (sum(1 / n for n in sizes) - 1 / total) / (3 * (k - 1))), 0.0)
    return Tested(statistic, ufunc("chdtrc", k - 1.0, statistic))


def levene(*samples, center="median", proportiontocut=0.05, axis=0):
    middles: dict[str, Rule] = {"median": np.median, "mean": np.mean}
    if center not in middles or axis is None:
        unsupported("scipy.stats.levene", "center='trimmed', axis=None")
    xs: list[Any] = [sample(x, axis)[0] for x in samples]
    off = [np.abs(x - middles[center](x, axis=axis, keepdims=True)) for x in xs]
    sizes, k = [length(x, axis) for x in xs], len(xs)
    total, means = sum(sizes), [np.mean(d, axis=axis, keepdims=True) for d in off]
    middle = sum(n * m for n, m in zip(sizes, means, strict=True)) / total
    between = sum(n * (m - middle) ** 2 for n, m in zip(sizes, means, strict=True))
    inside = sum(np.sum((d - m) ** 2, axis=axis) for d, m in zip(off, means, strict=True))
    statistic = (total - k) / (k - 1.0) * np.sum(between, axis=axis) / inside
    return Tested(statistic, ufunc("fdtrc", k - 1.0, float(total - k), statistic))


# others ---------------------------------------------------------------------------------------------------------------
def pointbiserialr(x, y):
    found = pearsonr(number(x), y)
    return Tested(found.statistic, found.pvalue)


def combine_pvalues(pvalues, method="fisher", weights=None, *, axis=0):
    if method != "fisher":
        unsupported("scipy.stats.combine_pvalues", f"method={method!r}; 'fisher' is")
    x, axis = sample(pvalues, axis)
    statistic = -2.0 * np.sum(np.log(x), axis=axis)
    return Tested(statistic, ufunc("chdtrc", 2.0 * length(x, axis), statistic))


def _bent(x: TracedArray, power: Any) -> Any:
    """Yeo's and Johnson's transformation: (1 + x) to a power, and for negative numbers its mirror image."""
    def side(size: Any, exponent: Any) -> Any:
        is_zero = np.abs(exponent) < np.finfo(np.float64).eps
        safe = np.where(is_zero, 1.0, exponent)
        return np.where(is_zero, np.log1p(size), np.expm1(safe * np.log1p(size)) / safe)

    is_positive = x >= 0
    return np.where(is_positive, side(np.where(is_positive, x, 0.0), power),
                    -side(np.where(is_positive, 0.0, -x), 2.0 - power))


def yeojohnson(x, lmbda=None):
    if lmbda is None:
        unsupported("scipy.stats.yeojohnson", "without lmbda=; find it with yeojohnson_llf")
    return _bent(sample(x, 0)[0], lmbda)


def yeojohnson_llf(lmb, data, *, axis=0, keepdims=False):
    x, axis = sample(data, axis)
    spread = np.var(_bent(x, lmb), axis=axis, keepdims=keepdims)
    slopes = np.sum(np.sign(x) * np.log1p(np.abs(x)), axis=axis, keepdims=keepdims)
    return (lmb - 1) * slopes - length(x, axis) / 2 * np.log(spread)


RULES: dict[tuple[str, str], Rule] = {
    **{("scipy.stats._stats_py", f.__name__): f for f in (
        tmean, tvar, tstd, tsem, tmin, tmax, median_abs_deviation, gzscore, describe, skewtest, kurtosistest,
        normaltest, jarque_bera, pointbiserialr, combine_pvalues)},
    **{("scipy.stats._morestats", f.__name__): f for f in (
        circmean, circvar, circstd, bartlett, levene, yeojohnson, yeojohnson_llf)},
}
