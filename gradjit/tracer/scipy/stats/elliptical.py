"""Normal and t distributions of several variables, and Wishart's: by the Cholesky factor of their matrix."""

from __future__ import annotations

import importlib
import math
from typing import Any

import numpy as np

from ....errors import LinAlgError, ShapeError
from ...guards import Source
from ...locations import fail
from ...numpy import factorisation as nf
from ...numpy.common import array
from ...operands import captured, emit, is_traced, unsupported
from ...outside import outside
from ...recorder import current
from ..special import ufunc
from . import variates
from .multivariate import Rule, demand, floats

LOG_2PI = math.log(2 * math.pi)


class Ellipse:
    """A place and a symmetric positive definite matrix, which say how far off a point is."""

    def __init__(self, name: str, place: Any, matrix: Any, allow_singular: Any = False):
        if allow_singular:
            unsupported(f"scipy.stats.{name}", "with allow_singular=True; add a small multiple of np.eye(n) to the "
                                               "matrix, or take out what the others determine")
        m = floats(1.0 if matrix is None else matrix)
        n = place_size(name, place, m)
        self.n, self.place = n, np.zeros(n) if place is None else np.reshape(floats(place), (n,))
        self.matrix = whole_matrix(name, m, n)
        self.factor: Any = emit("cholesky", self.matrix)
        self.log_det = 2 * np.sum(np.log(nf.diagonals(self.factor)))

    def distances(self, x: Any) -> Any:
        """The squared distance of each point, measured by the matrix. Points are rows; where there is one variable,
        each number of a vector is a point."""
        p = floats(x)
        if p.ndim == 1 and self.n == 1:
            p = p[:, np.newaxis]
        if p.ndim == 0:
            p = p[np.newaxis]
        away = p - self.place
        if away.shape[-1] != self.n:
            fail(ShapeError, f"points of shape {p.shape} for {self.n} variables")
        flat: Any = np.reshape(away, (-1, self.n))
        solved = nf.triangular(self.factor, nf.turned(flat), True)
        return np.reshape(np.sum(solved * solved, axis=0), away.shape[:-1])


def place_size(name: str, place: Any, matrix: Any) -> int:
    p = None if place is None else floats(place)
    if p is not None and p.ndim > 1:
        fail(ShapeError, f"scipy.stats.{name}: the place must be a vector, but has shape {p.shape}")
    n = (matrix.shape[0] if matrix.ndim == 2 else 1) if p is None else (1 if p.ndim == 0 else p.shape[0])
    if not isinstance(n, int):
        unsupported(f"scipy.stats.{name}", "of a computed number of variables")
    return n


def whole_matrix(name: str, m: Any, n: int) -> Any:
    """The matrix where only its diagonal is given, or one number for all of that."""
    if n == 1 and m.ndim < 2:
        return np.reshape(m, (1, 1))
    if m.ndim < 2:
        m = m * np.eye(n) if m.ndim == 0 else np.diag(m)
    if m.ndim != 2 or m.shape != (n, n):
        fail(ShapeError, f"scipy.stats.{name}: a matrix of shape {m.shape} for {n} variables")
    return m


def normal_rvs(dist: Any, mean: Any = None, cov: Any = 1, size: Any = 1, random_state: Any = None) -> Any:
    """Without the factor of the matrix, which may be singular here."""
    m = floats(1.0 if cov is None else cov)
    n = place_size("multivariate_normal", mean, m)
    place = np.zeros(n) if mean is None else np.reshape(floats(mean), (n,))
    return variates.of_normal(place, whole_matrix("multivariate_normal", m, n), size, random_state)


def single(x: Any) -> Any:
    """What SciPy gives of one point: a scalar."""
    return np.squeeze(x)[()]


# normal ---------------------------------------------------------------------------------------------------------------
class Normal:
    """What `scipy.stats.multivariate_normal(mean, cov)` gives."""

    def __init__(self, mean: Any = None, cov: Any = 1, allow_singular: Any = False, seed: Any = None):
        self._ellipse = Ellipse("multivariate_normal", mean, cov, allow_singular)
        self.dim, self.mean, self.cov = self._ellipse.n, self._ellipse.place, self._ellipse.matrix

    def logpdf(self, x: Any) -> Any:
        e = self._ellipse
        return single(-0.5 * (e.n * LOG_2PI + e.log_det + e.distances(x)))

    def pdf(self, x: Any) -> Any:
        return np.exp(self.logpdf(x))

    def entropy(self) -> Any:
        return 0.5 * (self.dim * (LOG_2PI + 1) + self._ellipse.log_det)

    def cdf(self, x: Any, *args: Any, **kwargs: Any) -> Any:
        unsupported("scipy.stats.multivariate_normal.cdf", "SciPy integrates it by random points; of one variable "
                                                           "write scipy.stats.norm.cdf")

    logcdf = cdf

    def rvs(self, size: Any = 1, random_state: Any = None) -> Any:
        return variates.of_normal(self.mean, self.cov, size, random_state)


class StudentT:
    """What `scipy.stats.multivariate_t(loc, shape, df)` gives."""

    def __init__(self, loc: Any = None, shape: Any = 1, df: Any = 1, allow_singular: Any = False, seed: Any = None):
        self._ellipse = Ellipse("multivariate_t", loc, shape, allow_singular)
        self.dim, self.loc, self.shape, self.df = self._ellipse.n, self._ellipse.place, self._ellipse.matrix, df
        demand(array(df) > 0, "scipy.stats.multivariate_t: 'df' must be greater than zero.")

    def logpdf(self, x: Any) -> Any:
        e, t = self._ellipse, 0.5 * (self.df + self.dim)
        constants = ufunc("gammaln", t) - ufunc("gammaln", 0.5 * self.df) - 0.5 * self.dim * np.log(self.df * np.pi)
        return single(constants - 0.5 * e.log_det - t * np.log1p(e.distances(x) / self.df))

    def pdf(self, x: Any) -> Any:
        return np.exp(self.logpdf(x))

    def entropy(self) -> Any:
        half, rest = 0.5 * (self.dim + self.df), 0.5 * self.df
        return (ufunc("gammaln", rest) - ufunc("gammaln", half) + 0.5 * self.dim * np.log(self.df * np.pi)
                + half * (ufunc("digamma", half) - ufunc("digamma", rest)) + 0.5 * self._ellipse.log_det)

    def cdf(self, x: Any, *args: Any, **kwargs: Any) -> Any:
        unsupported("scipy.stats.multivariate_t.cdf", "SciPy integrates it by random points; of one variable write "
                                                      "scipy.stats.t.cdf")

    def rvs(self, size: Any = 1, random_state: Any = None) -> Any:
        return variates.of_many("multivariate_t")(scipy("multivariate_t"), self.loc, self.shape, self.df, size=size,
                                                  random_state=random_state)


# Wishart --------------------------------------------------------------------------------------------------------------
class Wishart:
    """What `scipy.stats.wishart(df, scale)` gives."""

    def __init__(self, df: Any = None, scale: Any = None, seed: Any = None):
        if df is None:
            fail(ShapeError, "scipy.stats.wishart: df must be given")
        self._ellipse = Ellipse("wishart", None, scale)
        self.dim, self.scale, self.df = self._ellipse.n, self._ellipse.matrix, df
        demand(array(df) > self.dim - 1, "Degrees of freedom must be greater than the dimension of scale matrix minus "
                                         "1.")

    def logpdf(self, x: Any) -> Any:
        """Of a matrix, or of several side by side along a third axis."""
        p: Any = floats(x)
        n = self.dim
        if p.ndim < 2:
            p = np.reshape(p, (1, 1, -1))
        if p.ndim == 2:
            p = p[:, :, np.newaxis]
        if p.shape[:2] != (n, n):
            fail(LinAlgError, f"scipy.stats.wishart: quantiles of shape {p.shape} for a scale of {n} rows")
        each = np.moveaxis(p, -1, 0)
        log_det = 2 * np.sum(np.log(nf.diagonals(emit("cholesky", array(each)))), axis=-1)
        half, flat = 0.5 * self.df, np.reshape(p, (n, -1))
        inner = nf.triangular(self._ellipse.factor, nf.triangular(self._ellipse.factor, array(flat), True), True,
                              trans=True)
        trace = np.sum(np.diagonal(np.reshape(inner, p.shape)), axis=-1)
        constants = half * (n * math.log(2) + self._ellipse.log_det) + _log_gamma(half, n)
        return single((half - 0.5 * (n + 1)) * log_det - 0.5 * trace - constants)

    def pdf(self, x: Any) -> Any:
        return np.exp(self.logpdf(x))

    def mean(self) -> Any:
        return single(self.df * self.scale)

    def rvs(self, size: Any = 1, random_state: Any = None) -> Any:
        return variates.of_many("wishart")(scipy("wishart"), self.df, self.scale, size=size, random_state=random_state)


def scipy(name: str) -> Any:
    return getattr(importlib.import_module("scipy.stats"), name)


def _log_gamma(a: Any, n: int) -> Any:
    """The logarithm of the gamma function of n variables."""
    return 0.25 * n * (n - 1) * math.log(math.pi) + np.sum(ufunc("gammaln", a - 0.5 * np.arange(n)))


# rules ----------------------------------------------------------------------------------------------------------------
KINDS: dict[str, tuple[type, tuple[str, ...], tuple[str, ...]]] = {
    "multivariate_normal": (Normal, ("pdf", "logpdf", "cdf", "logcdf"), ("entropy", "rvs")),
    "multivariate_t": (StudentT, ("pdf", "logpdf", "cdf"), ("entropy", "rvs")),
    "wishart": (Wishart, ("pdf", "logpdf"), ("mean", "rvs")),
}
"""The class that stands for a frozen one, methods that take points, and those that do not."""
HELD: dict[str, dict[str, tuple[str, ...]]] = {
    "multivariate_normal": {"mean": ("mean",), "cov": ("cov_object", "_covariance")},
    "multivariate_t": {"loc": ("loc",), "shape": ("shape",), "df": ("df",)},
    "wishart": {"df": ("df",), "scale": ("scale",)},
}
"""The arguments of a frozen one from outside, by the attributes that lead to them."""


def _of_points(kind: type, method: str) -> Rule:
    return lambda dist, x, *args, **kwds: getattr(kind(*args, **kwds), method)(x)


def _of_parameters(kind: type, method: str) -> Rule:
    return lambda dist, *args, **kwds: getattr(kind(*args, **kwds), method)()


def _held(frozen: Any, path: tuple[str, ...]) -> Any:
    """An array or a number that a frozen distribution holds, which is read at each call or guarded."""
    world = outside(current())
    for name in path[:-1]:
        world.enter(getattr(frozen, name), Source("attribute", frozen, name))
        frozen = getattr(frozen, name)
    value, source = getattr(frozen, path[-1]), Source("attribute", frozen, path[-1])
    if is_traced(value) or not isinstance(value, np.ndarray):
        world.enter(value, source)
        return value
    return captured(value, source)


def _frozen(name: str, kind: type, method: str) -> Rule:
    def rule(frozen: Any, *args: Any, **kwds: Any) -> Any:
        if getattr(frozen, "allow_singular", False):
            unsupported(f"scipy.stats.{name}", "of a frozen one with allow_singular=True")
        made = kind(**{arg: _held(frozen, path) for arg, path in HELD[name].items()})
        return getattr(made, method)(*args, **kwds)

    return rule


def rules() -> dict[tuple[str, str], Rule]:
    """By where SciPy's classes define the methods."""
    file = "scipy.stats._multivariate"
    found: dict[tuple[str, str], Rule] = {}
    for name, (kind, of_points, of_parameters) in KINDS.items():
        found[file, f"{name}_gen.__call__"] = lambda dist, *args, kind=kind, **kwds: kind(*args, **kwds)
        for method in (*of_points, *of_parameters):
            made = (_of_points if method in of_points else _of_parameters)(kind, method)
            found[file, f"{name}_gen.{method}"] = made
            found[file, f"{name}_frozen.{method}"] = _frozen(name, kind, method)
    found[file, "multivariate_normal_gen.rvs"] = normal_rvs
    return found
