"""SciPy's own formulas of distributions, run on traced arrays.

A formula (`_logpdf(self, x, a)`) is plain Python over NumPy's and scipy.special's functions, most of which dispatch.
The copies that run here see other things under some names: functions that pick elements by masks compute both sides and
select, functions of Python find their rules, and those of Boost, of which SciPy has a loop but nobody a derivative, are
written out. SciPy's own modules are left as they are.
"""

from __future__ import annotations

import functools
import math
import sys
import types
from collections.abc import Callable
from typing import Any

import numpy as np

from ...calls import call
from ...numpy.common import array
from ...operands import is_traced
from ...recognised import library_rule
from ..special import ufunc


class ModuleWith:
    """A module with some names exchanged; its functions in Python go through their rules."""

    def __init__(self, module: Any, names: dict[str, Any] | None = None):
        self._module = module
        self._names = names or {}

    def __getattr__(self, name: str) -> Any:
        if name in self._names:
            return self._names[name]
        found = getattr(self._module, name)
        return functools.partial(_by_rule, found) if isinstance(found, types.FunctionType) else found


def _by_rule(f: Callable[..., Any], *args: Any, **kwargs: Any) -> Any:
    return call(f, *args, **kwargs) if library_rule(f) is not None else f(*args, **kwargs)


# what picks elements --------------------------------------------------------------------------------------------------
def apply_where(cond: Any, args: Any, f1: Any, f2: Any = None, /, *, fill_value: Any = None, xp: Any = None) -> Any:
    args = args if isinstance(args, (tuple, list)) else (args,)
    other = f2(*args) if f2 is not None else fill_value
    return np.where(cond, f1(*args), other)


def lazyselect(condlist: Any, choicelist: Any, arrays: Any, default: Any = 0) -> Any:
    out: Any = default
    for cond, choice in zip(reversed(condlist), reversed(choicelist), strict=True):
        out = np.where(cond, choice(*arrays), out)
    return out


def asarray(x: Any, *args: Any, **kwargs: Any) -> Any:
    return array(x) if is_traced(x) else np.asarray(x, *args, **kwargs)


def broadcast_to(x: Any, shape: Any, **kwargs: Any) -> Any:
    return x if not is_traced(x) and np.ndim(x) == 0 else np.broadcast_to(x, shape, **kwargs)


# Boost's --------------------------------------------------------------------------------------------------------------
def beta_pdf(x: Any, a: Any, b: Any) -> Any:
    return np.exp(ufunc("xlog1py", b - 1.0, -x) + ufunc("xlogy", a - 1.0, x) - ufunc("betaln", a, b))


def binom_pmf(k: Any, n: Any, p: Any) -> Any:
    return np.exp(binom_logpmf(k, n, p))


def binom_logpmf(k: Any, n: Any, p: Any) -> Any:
    choose = ufunc("gammaln", n + 1) - ufunc("gammaln", k + 1) - ufunc("gammaln", n - k + 1)
    return choose + ufunc("xlogy", k, p) + ufunc("xlog1py", n - k, -p)


def binom_cdf(k: Any, n: Any, p: Any) -> Any:
    k = np.floor(k)
    return np.where(k >= n, 1.0, ufunc("betainc", np.where(k >= n, 1.0, n - k), k + 1, 1 - p))


def binom_sf(k: Any, n: Any, p: Any) -> Any:
    k = np.floor(k)
    return np.where(k >= n, 0.0, ufunc("betainc", k + 1, np.where(k >= n, 1.0, n - k), p))


def least(q: Any, k: Any, cdf: Callable[[Any], Any]) -> Any:
    """The least number whose cdf is q at least, from a real number where it is q."""
    k = np.ceil(k)
    below = np.maximum(k - 1, 0)
    return np.where(cdf(below) >= q, below, k)


def binom_ppf(q: Any, n: Any, p: Any) -> Any:
    return least(q, ufunc("bdtrik", q, n, p), lambda k: binom_cdf(k, n, p))


def nbinom_pmf(k: Any, n: Any, p: Any) -> Any:
    choose = ufunc("gammaln", n + k) - ufunc("gammaln", k + 1) - ufunc("gammaln", n)
    return np.exp(choose + n * np.log(p) + ufunc("xlog1py", k, -p))


def nbinom_cdf(k: Any, n: Any, p: Any) -> Any:
    return ufunc("betainc", n, np.floor(k) + 1, p)


def nbinom_sf(k: Any, n: Any, p: Any) -> Any:
    return ufunc("betaincc", n, np.floor(k) + 1, p)


def nbinom_ppf(q: Any, n: Any, p: Any) -> Any:
    return least(q, ufunc("nbdtrik", q, n, p), lambda k: nbinom_cdf(k, n, p))


def cauchy_ppf(q: Any, loc: Any, scale: Any) -> Any:
    return loc - scale / np.tan(math.pi * q)


BOOST: dict[str, Any] = {
    "_beta_pdf": beta_pdf, "_beta_ppf": lambda q, a, b: ufunc("betaincinv", a, b, q),
    "_binom_pmf": binom_pmf, "_binom_cdf": binom_cdf, "_binom_sf": binom_sf, "_binom_ppf": binom_ppf,
    "_binom_isf": lambda q, n, p: binom_ppf(1 - q, n, p),
    "_nbinom_pmf": nbinom_pmf, "_nbinom_cdf": nbinom_cdf, "_nbinom_sf": nbinom_sf, "_nbinom_ppf": nbinom_ppf,
    "_nbinom_isf": lambda q, n, p: nbinom_ppf(1 - q, n, p),
    "_nbinom_mean": lambda n, p: n * (1 - p) / p, "_nbinom_variance": lambda n, p: n * (1 - p) / (p * p),
    "_nbinom_skewness": lambda n, p: (2 - p) / np.sqrt(n * (1 - p)),
    "_nbinom_kurtosis_excess": lambda n, p: (p * (p - 6) + 6) / (n * (1 - p)),
    "_cauchy_ppf": cauchy_ppf, "_cauchy_isf": lambda q, loc, scale: cauchy_ppf(1 - q, loc, scale),
    "_ncx2_sf": lambda x, df, nc: 1 - ufunc("chndtr", x, df, nc),
    "_nct_sf": lambda x, df, nc: 1 - ufunc("nctdtr", df, nc, x),
    "_ncf_sf": lambda x, dfn, dfd, nc: 1 - ufunc("ncfdtr", dfn, dfd, nc, x),
}


# copies ---------------------------------------------------------------------------------------------------------------
@functools.cache
def space(module: str) -> dict[str, Any]:
    """The names that copies of a module's functions see."""
    names = dict(vars(sys.modules[module]))
    special, loops = sys.modules["scipy.special"], sys.modules["scipy.special._ufuncs"]
    exchanged = {"np": ModuleWith(np, {"asarray": asarray, "asanyarray": asarray, "broadcast_to": broadcast_to}),
                 "xpx": ModuleWith(names.get("xpx"), {"apply_where": apply_where}), "_lazyselect": lazyselect,
                 "asarray": asarray, "sc": ModuleWith(special),
                 "special": ModuleWith(special), "scu": ModuleWith(loops, BOOST)}
    for name, value in list(names.items()):
        if name in exchanged:
            names[name] = exchanged[name]
        elif isinstance(value, types.FunctionType):
            names[name] = copied(value, names) if value.__module__ == module else functools.partial(_by_rule, value)
        elif hasattr(type(value), "_argcheck") and not isinstance(value, type):
            names[name] = Standard(value)
    return names


def copied(f: types.FunctionType, names: dict[str, Any]) -> types.FunctionType:
    g = types.FunctionType(f.__code__, names, f.__name__, f.__defaults__, f.__closure__)
    g.__kwdefaults__ = f.__kwdefaults__
    return g


class Standard:
    """A distribution as its own methods see it, which are copies."""

    def __init__(self, dist: Any):
        self._dist = dist

    def __getattr__(self, name: str) -> Any:
        found = getattr(self._dist, name)
        f = getattr(found, "__func__", None)
        if isinstance(f, types.FunctionType) and f.__module__.startswith("scipy.stats"):
            return types.MethodType(copied(f, space(f.__module__)), self)
        return found
