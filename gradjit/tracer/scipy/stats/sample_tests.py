"""scipy.stats' tests and tables of samples: ranks, counts, variances, means by bins, densities from outside."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np

from ...numpy.common import array
from ...operands import as_traced, require, unsupported
from ...outside import outside
from ...recorder import current
from ..special import ufunc
from .distribution_methods import number
from .sample_statistics import pearsonr, rankdata

Rule = Callable[..., Any]


class Tested(NamedTuple):
    """A statistic, and the probability of one as far out."""

    statistic: Any
    pvalue: Any

    @property
    def correlation(self) -> Any:
        return self.statistic


class ContingencyResult(NamedTuple):
    statistic: Any
    pvalue: Any
    dof: Any
    expected_freq: Any


class BinnedResult(NamedTuple):
    statistic: Any
    bin_edges: Any
    binnumber: Any


def spearmanr(a, b=None, axis=0, nan_policy="propagate", alternative="two-sided"):
    """The correlation of ranks; no derivative flows through ranks."""
    if b is None:
        unsupported("scipy.stats.spearmanr", "of one array; pass two samples")
    u, v = rankdata(a), rankdata(b)
    r = pearsonr(u, v).statistic
    n = u.shape[0]
    df = n - 2.0
    t = r * np.sqrt(df / ((r + 1.0) * (1.0 - r)))
    tail = {"two-sided": lambda: 2 * ufunc("stdtr", df, -np.abs(t)), "greater": lambda: ufunc("stdtr", df, -t),
            "less": lambda: ufunc("stdtr", df, t)}[alternative]
    return Tested(r, tail())


def chisquare(f_obs, f_exp=None, ddof=0, axis=0, *, sum_check=True):
    observed = number(f_obs)
    expected = np.mean(observed, axis=axis, keepdims=True) if f_exp is None else number(f_exp)
    terms = (observed - expected) ** 2 / expected
    k = observed.size if axis is None else observed.shape[axis]
    statistic = np.sum(terms, axis=axis)
    return Tested(statistic, ufunc("chdtrc", k - 1.0 - ddof, statistic))


def chi2_contingency(observed, correction=True, lambda_=None, *, method=None):
    if lambda_ is not None or method is not None:
        unsupported("scipy.stats.chi2_contingency", "with lambda_= or method=")
    table = number(observed)
    total = np.sum(table)
    expected: Any = total
    for axis in range(table.ndim):
        share = np.sum(table, axis=tuple(k for k in range(table.ndim) if k != axis)) / total
        expected = expected * np.reshape(share, [-1 if k == axis else 1 for k in range(table.ndim)])
    dof = table.size - sum(table.shape) + table.ndim - 1
    if dof == 1 and correction:
        apart = expected - table
        table = table + np.minimum(0.5, np.abs(apart)) * np.sign(apart)
    statistic = np.sum((table - expected) ** 2 / expected)
    return ContingencyResult(statistic, ufunc("chdtrc", float(dof), statistic), dof, expected)


def f_oneway(*samples, axis=0):
    if axis != 0 or any(np.ndim(s) != 1 for s in samples):
        unsupported("scipy.stats.f_oneway", "but of samples in vectors")
    groups = [number(s) for s in samples]
    sizes = [g.shape[0] for g in groups]
    total = sum(sizes)
    middle = sum(np.sum(g) for g in groups) / total
    between = sum(n * (np.mean(g) - middle) ** 2 for g, n in zip(groups, sizes, strict=True))
    within = sum(np.sum((g - np.mean(g)) ** 2) for g in groups)
    df = len(groups) - 1.0, total - float(len(groups))
    f = (between / df[0]) / (within / df[1])
    return Tested(f, ufunc("fdtrc", *df, f))


def boxcox(x, lmbda=None, alpha=None, optimizer=None):
    if lmbda is None:
        unsupported("scipy.stats.boxcox", "without lmbda=, which it searches for; maximise boxcox_llf")
    return ufunc("boxcox", number(x), lmbda)


def boxcox_llf(lmb, data):
    x = number(data)
    return (lmb - 1) * np.sum(np.log(x), axis=0) - x.shape[0] / 2 * np.log(np.var(ufunc("boxcox", x, lmb), axis=0))


def binned_statistic(x, values, statistic="mean", bins=10, range=None):
    """Of values in bins of x; no derivative flows through the choice of the bin."""
    at, v = number(x), number(values)
    if v.ndim != 1 or callable(statistic) or statistic not in STATISTICS:
        unsupported("scipy.stats.binned_statistic", f"but {', '.join(STATISTICS)} of one vector of values")
    edges: Any
    if np.ndim(bins) == 0:
        low, high = (np.min(at), np.max(at)) if range is None else range
        require(array(np.isfinite(low) & np.isfinite(high)), "the elements that are binned must be finite")
        alike = low == high
        low, high = np.where(alike, low - 0.5, low), np.where(alike, high + 0.5, high)
        edges = np.linspace(low, high, int(bins) + 1)
    else:
        edges = number(bins)
    n = edges.shape[0] - 1
    place = np.searchsorted(edges, at, "right")
    place = np.where(at == edges[-1], n, place)
    member = (place[:, np.newaxis] == np.arange(1, n + 1)).astype(np.float64)
    return BinnedResult(STATISTICS[statistic](v, member), edges, place)


def _sum(v: Any, member: Any) -> Any:
    """Bin by bin: a nan is in one of them."""
    return np.sum(np.where(member > 0, v[:, np.newaxis], 0.0), axis=0)


def _mean(v: Any, member: Any) -> Any:
    count = np.sum(member, axis=0)
    return np.where(count > 0, _sum(v, member) / np.maximum(count, 1.0), np.nan)


def _std(v: Any, member: Any) -> Any:
    count = np.sum(member, axis=0)
    middle = _sum(v, member) / np.maximum(count, 1.0)
    square = np.sum(np.where(member > 0, (v[:, np.newaxis] - middle) ** 2, 0.0), axis=0) / np.maximum(count, 1.0)
    return np.where(count > 0, np.sqrt(square), np.nan)


def _extreme(pick: Rule, far: float) -> Rule:
    def rule(v: Any, member: Any) -> Any:
        found = pick(np.where(member > 0, v[:, np.newaxis], far), axis=0)
        return np.where(np.sum(member, axis=0) > 0, found, np.nan)

    return rule


STATISTICS: dict[str, Rule] = {
    "mean": _mean, "std": _std, "sum": _sum, "count": lambda v, member: np.sum(member, axis=0),
    "min": _extreme(np.min, math.inf), "max": _extreme(np.max, -math.inf)}


# a density from outside -----------------------------------------------------------------------------------------------
def kde_logpdf(made, x):
    """Of an estimate that SciPy has made: a mixture of normal densities."""
    outside(current()).watch(made, "a gaussian_kde")
    points = np.atleast_2d(number(x))
    d, n = made.dataset.shape
    if points.shape[0] != d:
        points = np.reshape(points, (d, -1))
    data, weights = as_traced(np.array(made.dataset)), as_traced(np.array(made.weights))
    whiten: Any = np.linalg.inv(np.linalg.cholesky(np.array(made.covariance)))
    away = np.reshape(points, (d, 1, -1)) - np.reshape(data, (d, n, 1))
    square = np.sum((array(whiten) @ np.reshape(away, (d, -1))) ** 2, axis=0)
    exponents = np.log(weights)[:, np.newaxis] - 0.5 * np.reshape(square, (n, -1))
    top = np.max(exponents, axis=0)
    level = math.log(np.prod(np.diag(whiten))) - 0.5 * d * math.log(2 * math.pi)
    return np.log(np.sum(np.exp(exponents - top), axis=0)) + top + level


def kde_pdf(made, x):
    return np.exp(kde_logpdf(made, x))


RULES: dict[tuple[str, str], Rule] = {
    **{("scipy.stats._stats_py", f.__name__): f for f in (spearmanr, chisquare, f_oneway)},
    ("scipy.stats.contingency", "chi2_contingency"): chi2_contingency,
    **{("scipy.stats._morestats", f.__name__): f for f in (boxcox, boxcox_llf)},
    ("scipy.stats._binned_statistic", "binned_statistic"): binned_statistic,
    **{("scipy.stats._kde", f"gaussian_kde.{name}"): f for name, f in (
        ("evaluate", kde_pdf), ("pdf", kde_pdf), ("__call__", kde_pdf), ("logpdf", kde_logpdf))},
}
