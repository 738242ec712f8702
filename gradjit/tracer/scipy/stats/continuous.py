"""Formulas of continuous distributions, where SciPy's own cannot be traced or have no right derivative."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from ..special import ufunc
from .formulas import Formulas

LOG_ROOT_2PI = 0.5 * math.log(2 * math.pi)


# the normal distribution between two bounds ---------------------------------------------------------------------------
def log_mass(a: Any, b: Any) -> Any:
    """log(Phi(b) - Phi(a)): by the left tail, whose mirror image the right one is; around 0 by what is outside."""
    right, left = a > 0, b <= 0
    low, high = np.where(right, -b, a), np.where(right, -a, b)
    tail = right | left
    upper, lower = ufunc("log_ndtr", np.where(tail, high, 0.0)), ufunc("log_ndtr", np.where(tail, low, -1.0))
    narrow = upper + ufunc("_log1mexp", np.minimum(lower - upper, -1e-300))
    around = np.log1p(-ufunc("ndtr", np.where(tail, -1.0, a)) - ufunc("ndtr", np.where(tail, -1.0, -b)))
    return np.where(tail, narrow, around)


def _share(part: Any, rest: Any, a: Any, b: Any) -> Any:
    """The logarithm of a part of the mass, where it is nearly all of it by the rest."""
    whole = log_mass(a, b)
    mine, other = part - whole, rest - whole
    much = mine > -0.1
    return np.where(much, np.log1p(-np.exp(np.where(much, other, -1.0))), mine)


def truncnorm_logcdf(x: Any, a: Any, b: Any) -> Any:
    return _share(log_mass(a, x), log_mass(x, b), a, b)


def truncnorm_logsf(x: Any, a: Any, b: Any) -> Any:
    return _share(log_mass(x, b), log_mass(a, x), a, b)


def truncnorm_ppf(q: Any, a: Any, b: Any) -> Any:
    """By the tail that is the nearer one."""
    left = a < 0
    start = np.where(left, a, -b)
    part = np.where(left, np.log(q), np.log1p(-q))
    x = ufunc("ndtri_exp", np.logaddexp(ufunc("log_ndtr", start), part + log_mass(a, b)))
    return np.where(left, x, -x)


def _edges(a: Any, b: Any) -> tuple[Any, Any, Any, Any]:
    """Densities at both bounds, and the bounds times them: 0 where one is at infinity."""
    whole = log_mass(a, b)
    pa, pb = (np.exp(-0.5 * x * x - LOG_ROOT_2PI - whole) for x in (a, b))
    wa, wb = (np.where(np.isfinite(x), np.where(np.isfinite(x), x, 0.0) * p, 0.0) for x, p in ((a, pa), (b, pb)))
    return pa, pb, wa, wb


def truncnorm_mean(a: Any, b: Any) -> Any:
    pa, pb, _, _ = _edges(a, b)
    return pa - pb


def truncnorm_var(a: Any, b: Any) -> Any:
    pa, pb, wa, wb = _edges(a, b)
    return 1 + wa - wb - (pa - pb) ** 2


def truncnorm_entropy(a: Any, b: Any) -> Any:
    _, _, wa, wb = _edges(a, b)
    return LOG_ROOT_2PI + 0.5 + log_mass(a, b) + (wa - wb) / 2


# Student's t ----------------------------------------------------------------------------------------------------------
def t_entropy(df: Any) -> Any:
    """By its formula; for many degrees of freedom, where that cancels, by the series in 1/df."""
    many = df >= 100
    n, u = np.where(many, 1.0, df), 1 / np.where(many, df, 1.0)
    half = (n + 1) / 2
    exact = half * (ufunc("digamma", half) - ufunc("digamma", n / 2)) + 0.5 * np.log(n) + ufunc("betaln", n / 2, 0.5)
    series = u * (1 + u * (1 / 4 + u * (-1 / 6 + u * (-1 / 8 + u * (3 / 10 + u / 4)))))
    return np.where(many, LOG_ROOT_2PI + 0.5 + series, exact)


# others ---------------------------------------------------------------------------------------------------------------
def betaprime_ppf(q: Any, a: Any, b: Any) -> Any:
    """r / (1 - r) of the beta distribution's, by the smaller of r and 1 - r."""
    small = q < 0.5
    r = ufunc("betaincinv", a, b, np.where(small, q, 0.25))
    rest = ufunc("betaincinv", b, a, np.where(small, 0.25, 1 - q))
    return np.where(small, r / (1 - r), (1 - rest) / rest)


def geninvgauss_logpdf(x: Any, p: Any, b: Any) -> Any:
    return (p - 1) * np.log(x) - b * (x + 1 / x) / 2 - math.log(2) - np.log(ufunc("kve", p, b)) + b


def gennorm_var(beta: Any) -> Any:
    return np.exp(ufunc("gammaln", 3 / beta) - ufunc("gammaln", 1 / beta))


def cosine_cdf(x: Any) -> Any:
    """(x + pi + sin x) / (2 pi), near -pi by the series of what cancels."""
    u = x + math.pi
    near = u < 0.2
    v = np.where(near, u, 0.0)
    series = v ** 3 / 6 * (1 - v * v / 20 * (1 - v * v / 42 * (1 - v * v / 72)))
    return np.where(near, series, u + np.sin(x)) / (2 * math.pi)


def skewnorm_cdf(x: Any, a: Any) -> Any:
    """With Owen's T (Azzalini 1985)."""
    return ufunc("ndtr", x) - 2 * ufunc("owens_t", x, a)


def no_moment(*shapes: Any) -> Any:
    return np.nan


# extreme values -------------------------------------------------------------------------------------------------------
def over(f: Any, series: tuple[float, ...], u: Any) -> Any:
    """f(u) / u, by its series where u is small."""
    is_small = np.abs(u) < 1e-4
    near: Any = 0.0
    for c in reversed(series):
        near = near * u + c
    safe = np.where(is_small, 1.0, u)
    return np.where(is_small, near, f(safe) / safe)


def log_rate(x: Any, c: Any) -> Any:
    """log(-log F(x)) of the generalised extreme values, smooth where their shape passes 0."""
    return -x * over(np.log1p, (1.0, -1 / 2, 1 / 3, -1 / 4), -c * x)


def genextreme_logpdf(x: Any, c: Any) -> Any:
    rate = log_rate(x, c)
    return -np.exp(rate) + rate - np.log1p(-c * x)


def genextreme_at(rate: Any, c: Any) -> Any:
    """Where log(-log F) is so much."""
    return -rate * over(np.expm1, (1.0, 1 / 2, 1 / 6, 1 / 24), c * rate)


FORMULAS: dict[str, Formulas] = {
    "genextreme_gen": {
        "logpdf": genextreme_logpdf, "pdf": lambda x, c: np.exp(genextreme_logpdf(x, c)),
        "logcdf": lambda x, c: -np.exp(log_rate(x, c)),
        "cdf": lambda x, c: np.exp(-np.exp(log_rate(x, c))), "sf": lambda x, c: -np.expm1(-np.exp(log_rate(x, c))),
        "ppf": lambda q, c: genextreme_at(np.log(-np.log(q)), c),
        "isf": lambda q, c: genextreme_at(np.log(-np.log1p(-q)), c), "valid": lambda c: np.isfinite(c),
        "support": lambda c: (np.where(c < 0, 1 / np.where(c < 0, c, 1.0), -np.inf),
                              np.where(c > 0, 1 / np.where(c > 0, c, 1.0), np.inf)),
    },
    "kappa3_gen": {"sf": lambda x, a: -np.expm1(-np.log1p(a * x ** -a) / a)},
    "truncnorm_gen": {
        "logpdf": lambda x, a, b: -0.5 * x * x - LOG_ROOT_2PI - log_mass(a, b),
        "pdf": lambda x, a, b: np.exp(-0.5 * x * x - LOG_ROOT_2PI - log_mass(a, b)),
        "logcdf": truncnorm_logcdf, "cdf": lambda x, a, b: np.exp(truncnorm_logcdf(x, a, b)),
        "logsf": truncnorm_logsf, "sf": lambda x, a, b: np.exp(truncnorm_logsf(x, a, b)), "ppf": truncnorm_ppf,
        "isf": lambda q, a, b: -truncnorm_ppf(q, -b, -a),
        "mean": truncnorm_mean, "var": truncnorm_var, "entropy": truncnorm_entropy,
    },
    "t_gen": {"entropy": t_entropy},
    "erlang_gen": {"valid": lambda a: a > 0},
    "betaprime_gen": {
        "ppf": betaprime_ppf, "isf": lambda q, a, b: 1 / betaprime_ppf(q, b, a),
        "mean": lambda a, b: np.where(b > 1, a / (b - 1), np.inf),
        "var": lambda a, b: np.where(b > 2, a * (a + b - 1) / ((b - 2) * (b - 1) ** 2), np.inf),
    },
    "geninvgauss_gen": {
        "logpdf": geninvgauss_logpdf, "pdf": lambda x, p, b: np.exp(geninvgauss_logpdf(x, p, b)),
        "mean": lambda p, b: ufunc("kve", p + 1, b) / ufunc("kve", p, b),
    },
    "skewnorm_gen": {"cdf": skewnorm_cdf, "sf": lambda x, a: skewnorm_cdf(-x, -a)},
    "gennorm_gen": {"mean": lambda beta: 0.0 * beta, "var": gennorm_var},
    "cosine_gen": {"cdf": cosine_cdf, "sf": lambda x: cosine_cdf(-x)},
    "cauchy_gen": {"mean": no_moment, "var": no_moment},
}
"""By the name of the distribution's class."""
