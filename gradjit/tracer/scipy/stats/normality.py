"""scipy.stats' tests of a sample by its order, with derivatives: Shapiro's and Wilk's, Anderson's and Darling's."""

from __future__ import annotations

import functools
import math
from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np

from ....errors import ArgumentError
from ...locations import fail
from ...operands import static_int, unsupported
from ..special import ufunc
from .sample_moments import nothing
from .sample_statistics import real_sample, with_nan
from .sample_tests import Tested

Rule = Callable[..., Any]


# Shapiro's and Wilk's -------------------------------------------------------------------------------------------------
@functools.cache
def weights(n: int) -> np.ndarray:
    """Of the elements in order, as Royston has approximated them; those of the larger half are the negative ones."""
    from scipy.stats import _morestats
    half = np.zeros(n // 2)
    _morestats.swilk(np.arange(float(n)), half, 0)
    return np.concatenate([-half, np.zeros(n % 2), half[::-1]])


def polynomial(coefficients: tuple[float, ...], x: float) -> float:
    return sum(c * x ** k for k, c in enumerate(coefficients))


def probability(w: Any, n: int) -> Any:
    """Royston's approximations (AS R94): exact for 3, normal numbers for others."""
    if n == 3:
        return np.maximum(6 / math.pi * (np.arcsin(np.sqrt(w)) - math.asin(math.sqrt(0.75))), 0.0)
    y, size = np.log(1 - w), math.log(n)
    if n > 11:
        mean = polynomial((-1.5861, -0.31082, -0.083751, 0.0038915), size)
        spread = math.exp(polynomial((-0.4803, -0.082676, 0.0030302), size))
        return ufunc("ndtr", -(y - mean) / spread)
    end = polynomial((-2.273, 0.459), n)
    mean = polynomial((0.5440, -0.39978, 0.025054, -6.714e-4), n)
    spread = math.exp(polynomial((1.3822, -0.77857, 0.062767, -0.0020322), n))
    beyond = y >= end
    inner = -np.log(np.where(beyond, 1.0, end - y))
    return np.where(beyond, 1e-99, ufunc("ndtr", -(inner - mean) / spread))[()]


def shapiro(x, *, axis=None):
    v, along = real_sample(x, None)
    if axis is not None and np.ndim(x) != 1:
        unsupported("scipy.stats.shapiro", "axis= of several; write a loop over the others")
    n = static_int(v.shape[0], "the number of elements")
    if n < 3:
        return nothing(v, along)
    v = v.astype(np.float64)
    deviation = v - np.mean(v)
    square = np.sum(deviation * deviation)
    alike = np.max(v) == np.min(v)
    w = np.sum(weights(n) * np.sort(deviation)) ** 2 / np.where(alike, 1.0, square)
    w = np.where(alike, 1.0, np.minimum(w, 1.0))[()]
    p = np.where(alike, 1.0, probability(np.where(alike, 0.9, w)[()], n))[()]
    return Tested(with_nan(v, None, w), with_nan(v, None, p))


# Anderson's and Darling's ---------------------------------------------------------------------------------------------
class AndersonResult(NamedTuple):
    """As SciPy's, without the fit."""

    statistic: Any
    critical_values: Any
    significance_level: Any


LEVELS = np.array([15, 10, 5, 2.5, 1])


def _of_normal(x: Any, n: int) -> tuple[Any, Any, np.ndarray]:
    w = (x - np.mean(x)) / np.std(x, ddof=1)
    critical = np.array([0.561, 0.631, 0.752, 0.873, 1.035]) / (1.0 + 0.75 / n + 2.25 / n / n)
    return ufunc("log_ndtr", w), ufunc("log_ndtr", -w), critical


def _of_exponential(x: Any, n: int) -> tuple[Any, Any, np.ndarray]:
    w = x / np.mean(x)
    critical = np.array([0.916, 1.062, 1.321, 1.591, 1.959]) / (1.0 + 0.6 / n)
    inside = w >= 0
    below = np.where(inside, np.log1p(-np.exp(-np.where(inside, w, 1.0))), -np.inf)
    return below, np.where(inside, -w, 0.0), critical


FITTED: dict[str, Rule] = {"norm": _of_normal, "expon": _of_exponential}


def anderson(x, dist="norm", *, method=None):
    if not isinstance(dist, str) or dist.lower() not in (
            *FITTED, "logistic", "gumbel", "gumbel_l", "gumbel_r", "extreme1", "weibull_min"):
        fail(ArgumentError, f"Invalid distribution {dist!r}; there are 'norm' and 'expon'")
    if dist.lower() not in FITTED or method is not None:
        unsupported("scipy.stats.anderson", f"dist={dist!r}, method={method!r}: only 'norm' and 'expon' are")
    v, _ = real_sample(x, None)
    n = static_int(v.shape[0], "the number of elements")
    below, above, critical = FITTED[dist.lower()](np.sort(v), n)
    ranks = 2 * np.arange(1, n + 1) - 1.0
    return AndersonResult(-n - np.sum(ranks / n * (below + above[::-1])), np.around(critical, 3), LEVELS)


_FILE = "scipy.stats._morestats"
RULES: dict[tuple[str, str], Rule] = {(_FILE, "shapiro"): shapiro, (_FILE, "anderson"): anderson}
