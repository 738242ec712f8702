"""Distributions of several variables: of shares and of counts."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np

from ....errors import ShapeError
from ...locations import fail
from ...numpy.common import array
from ...operands import TracedArray, cast, require, unsupported
from ..special import ufunc

Rule = Callable[..., Any]


def floats(x: Any) -> TracedArray:
    return cast(array(x), np.float64)


def demand(condition: Any, message: str) -> None:
    """What SciPy finds out about the elements, when the compiled function runs."""
    require(array(condition), message)


# Dirichlet ------------------------------------------------------------------------------------------------------------
def _concentrations(alpha: Any) -> TracedArray:
    a = floats(alpha)
    if a.ndim != 1:
        fail(ShapeError, f"scipy.stats.dirichlet: alpha must be one-dimensional, but has shape {a.shape}")
    demand(np.all(a > 0), "scipy.stats.dirichlet: all parameters must be greater than 0")
    return a


def _on_simplex(x: Any, alpha: TracedArray) -> Any:
    """The point, its last entry added where it is left away."""
    p, k = floats(x), alpha.shape[0]
    if p.ndim not in (1, 2) or p.shape[0] not in (k, k - 1):
        fail(ShapeError, f"scipy.stats.dirichlet: x of shape {p.shape} for {k} parameters; it must have as many "
                         f"entries along its first axis, or one less")
    if p.shape[0] == k - 1:
        p = np.concatenate([p, (1 - np.sum(p, axis=0))[np.newaxis]])  # type: ignore[assignment]
    column = alpha if p.ndim == 1 else alpha[:, np.newaxis]
    demand(np.all((p >= 0) & (p <= 1)), "scipy.stats.dirichlet: each entry of x must be from 0 to 1")
    demand(~np.any((p == 0) & (column < 1)),
           "scipy.stats.dirichlet: each entry of x must be greater than 0 if its alpha is less than 1")
    demand(np.all(np.abs(np.sum(p, axis=0) - 1.0) <= 10e-10),
           "scipy.stats.dirichlet: the entries of x must add up to 1")
    return p


def _log_beta(alpha: Any) -> Any:
    return np.sum(ufunc("gammaln", alpha)) - ufunc("gammaln", np.sum(alpha))


def dirichlet_logpdf(dist: Any, x: Any, alpha: Any) -> Any:
    a = _concentrations(alpha)
    p = _on_simplex(x, a)
    powers = a - 1 if p.ndim == 1 else (a - 1)[:, np.newaxis]
    return np.sum(ufunc("xlogy", powers, p), axis=0) - _log_beta(a)


def dirichlet_pdf(dist: Any, x: Any, alpha: Any) -> Any:
    return np.exp(dirichlet_logpdf(dist, x, alpha))


def dirichlet_mean(dist: Any, alpha: Any) -> Any:
    a = _concentrations(alpha)
    return a / np.sum(a)


def dirichlet_var(dist: Any, alpha: Any) -> Any:
    a = _concentrations(alpha)
    total = np.sum(a)
    return a * (total - a) / (total * total * (total + 1))


def dirichlet_cov(dist: Any, alpha: Any) -> Any:
    a = _concentrations(alpha)
    total = np.sum(a)
    mean = a / total
    return (np.diag(mean) - np.outer(mean, mean)) / (total + 1)


def dirichlet_entropy(dist: Any, alpha: Any) -> Any:
    a = _concentrations(alpha)
    total, k = np.sum(a), a.shape[0]
    return _log_beta(a) + (total - k) * ufunc("digamma", total) - np.sum((a - 1) * ufunc("digamma", a))


# multinomial ----------------------------------------------------------------------------------------------------------
def _probabilities(p: Any) -> tuple[Any, Any]:
    """The last one is what the others leave, where they do not add up to 1; and whether they are probabilities."""
    q = floats(p)
    eps = np.finfo(np.float64).eps * 10
    off = np.abs(1 - np.sum(q, axis=-1)) > eps
    last = np.where(off, 1.0 - np.sum(q[..., :-1], axis=-1), q[..., -1])
    q = np.concatenate([q[..., :-1], np.expand_dims(last, -1)], axis=-1)  # type: ignore[assignment]
    return q, np.all((q >= 0) & (q <= 1), axis=-1)


def multinomial_logpmf(dist: Any, x: Any, n: Any, p: Any) -> Any:
    q, good = _probabilities(p)
    k, count = floats(x), floats(n)
    there = np.all((np.floor(k) == k) & (k >= 0), axis=-1) & (np.sum(k, axis=-1) == count)
    good = good & (count >= 0)
    safe = np.where(k >= 0, k, 0.0)
    chances = np.where(np.expand_dims(good, -1), q, 0.5)
    value = ufunc("gammaln", np.where(good, count, 0.0) + 1) + np.sum(
        ufunc("xlogy", safe, chances) - ufunc("gammaln", safe + 1), axis=-1)
    return np.where(good, np.where(there, value, -math.inf), np.nan)[()]


def multinomial_pmf(dist: Any, x: Any, n: Any, p: Any) -> Any:
    return np.exp(multinomial_logpmf(dist, x, n, p))


def multinomial_mean(dist: Any, n: Any, p: Any) -> Any:
    q, good = _probabilities(p)
    return np.where(np.expand_dims(good, -1), np.expand_dims(floats(n), -1) * q, np.nan)


def multinomial_cov(dist: Any, n: Any, p: Any) -> Any:
    q, _ = _probabilities(p)
    if q.ndim != 1:
        unsupported("scipy.stats.multinomial.cov", "of several distributions")
    return floats(n) * (np.diag(q) - np.outer(q, q))


_FILE = "scipy.stats._multivariate"
METHODS: dict[str, dict[str, Rule]] = {
    "dirichlet": {"logpdf": dirichlet_logpdf, "pdf": dirichlet_pdf, "mean": dirichlet_mean, "var": dirichlet_var,
                  "cov": dirichlet_cov, "entropy": dirichlet_entropy},
    "multinomial": {"logpmf": multinomial_logpmf, "pmf": multinomial_pmf, "mean": multinomial_mean,
                    "cov": multinomial_cov},
}
RULES: dict[tuple[str, str], Rule] = {
    (_FILE, f"{name}_gen.{method}"): rule for name, methods in METHODS.items() for method, rule in methods.items()}
