"""The public methods of SciPy's distributions: shifting, scaling, and what they give outside of the support.

Where the formula does not count its argument is a point inside of the support, so that no derivative of it is nan.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np

from ....errors import UnsupportedError
from ....probe import text
from ...guards import Source
from ...numpy.common import array
from ...operands import TracedArray, cast, unsupported
from ...outside import outside
from ...recorder import current
from . import variates
from .formulas import formula, of_class, own, support, valid

Rule = Callable[..., Any]


def number(x: Any) -> TracedArray:
    """An argument in float64, as the results are."""
    return cast(array(x), np.float64)


def parsed(dist: Any, args: tuple[Any, ...], kwds: dict[str, Any]) -> tuple[tuple[Any, ...], Any, Any]:
    """Shapes, location and scale, as SciPy reads them from the arguments."""
    if not text(type(dist), "__module__").startswith("scipy.stats"):
        unsupported(f"{type(dist).__name__}", "a distribution of your own: write its formula as a function")
    shapes, loc, scale = dist._parse_args(*args, **kwds)
    return tuple(map(number, shapes)), number(loc), number(scale)


def chosen(cases: list[tuple[Any, Any]], otherwise: Any) -> Any:
    """The value of the first condition that holds."""
    for condition, value in reversed(cases):
        otherwise = np.where(condition, value, otherwise)
    return otherwise[()]


def inside_of(a: Any, b: Any) -> Any:
    """A point of the support."""
    low, high = np.isfinite(a), np.isfinite(b)
    zero = 0.0 * np.where(low, a, 0.0)
    both = 0.5 * np.where(low, a, 0.0) + 0.5 * np.where(high, b, 0.0)
    return np.where(low & high, both, np.where(low, a + 1.0, np.where(high, b - 1.0, zero)))


def placed(end: Any, loc: Any, scale: Any) -> Any:
    """An end of the support, shifted and scaled; one at infinity stays, whatever the scale."""
    finite = np.isfinite(end)
    return np.where(finite, np.where(finite, end, 0.0) * scale + loc, end)


# continuous -----------------------------------------------------------------------------------------------------------
def density(method: str) -> Rule:
    """pdf and logpdf."""
    outer = -math.inf if method == "logpdf" else 0.0

    def rule(dist: Any, x: Any, *args: Any, **kwds: Any) -> Any:
        shapes, loc, scale = parsed(dist, args, kwds)
        y = (number(x) - loc) / scale
        a, b = support(dist, shapes)
        good = valid(dist, shapes) & (scale > 0)
        there = good & (a <= y) & (y <= b)
        value = formula(dist, method)(np.where(there, y, inside_of(a, b)), *shapes)
        value = value - np.log(scale) if method == "logpdf" else value / scale
        return chosen([(there, value), (good & ~np.isnan(y), outer)], np.nan)

    return rule


def integral(method: str) -> Rule:
    """cdf, sf and their logarithms."""
    full, none = (0.0, -math.inf) if method.startswith("log") else (1.0, 0.0)
    above, below = (full, none) if method.endswith("cdf") else (none, full)

    def rule(dist: Any, x: Any, *args: Any, **kwds: Any) -> Any:
        shapes, loc, scale = parsed(dist, args, kwds)
        y = (number(x) - loc) / scale
        a, b = support(dist, shapes)
        good = valid(dist, shapes) & (scale > 0)
        there = good & (a < y) & (y < b)
        value = formula(dist, method)(np.where(there, y, inside_of(a, b)), *shapes)
        known = good & ~np.isnan(y)
        return chosen([(there, value), (known & (y >= b), above), (known, below)], np.nan)

    return rule


SEARCHED: list[Callable[[Any, str], Any]] = []
"""How a quantile is found that has no formula, by the distribution and the method: it stands here itself, as it needs
what the tracer does not know of."""


def quantile_formula(dist: Any, method: str) -> Any:
    """A formula for ppf or isf, or a search."""
    def run(p: Any, *shapes: Any) -> Any:
        try:
            return formula(dist, method)(p, *shapes)
        except UnsupportedError:
            if not SEARCHED:
                raise
            return SEARCHED[0](dist, method)(p, *shapes)

    return run


def quantile(method: str) -> Rule:
    """ppf and isf."""
    def rule(dist: Any, q: Any, *args: Any, **kwds: Any) -> Any:
        shapes, loc, scale = parsed(dist, args, kwds)
        p = number(q)
        a, b = support(dist, shapes)
        good = valid(dist, shapes) & (scale > 0) & (loc == loc)
        there = good & (0 < p) & (p < 1)
        value = quantile_formula(dist, method)(np.where(there, p, 0.5), *shapes) * scale + loc
        low, high = (a, b) if method == "ppf" else (b, a)
        return chosen([(there, value), (good & (p == 0), placed(low, loc, scale)),
                       (good & (p == 1), placed(high, loc, scale))], np.nan)

    return rule


# discrete -------------------------------------------------------------------------------------------------------------
def mass(method: str) -> Rule:
    """pmf and logpmf."""
    outer = -math.inf if method == "logpmf" else 0.0

    def rule(dist: Any, k: Any, *args: Any, **kwds: Any) -> Any:
        shapes, loc, _ = parsed(dist, args, kwds)
        n = number(k) - loc
        a, b = support(dist, shapes)
        good = valid(dist, shapes)
        there = good & (a <= n) & (n <= b) & (np.floor(n) == n)
        value = formula(dist, method)(np.where(there, n, whole(a, b)), *shapes)
        return chosen([(there, value), (good & ~np.isnan(n), outer)], np.nan)

    return rule


def whole(a: Any, b: Any) -> Any:
    """A number of events that may be."""
    return np.where(np.isfinite(a), a, np.where(np.isfinite(b), b, 0.0))


def counted(method: str) -> Rule:
    """cdf, sf and their logarithms of a discrete distribution."""
    full, none = (0.0, -math.inf) if method.startswith("log") else (1.0, 0.0)
    above, below = (full, none) if method.endswith("cdf") else (none, full)

    def rule(dist: Any, k: Any, *args: Any, **kwds: Any) -> Any:
        shapes, loc, _ = parsed(dist, args, kwds)
        n = number(k) - loc
        a, b = support(dist, shapes)
        good = valid(dist, shapes)
        there = good & (a <= n) & (n < b) & np.isfinite(n)
        value = formula(dist, method)(np.where(there, n, whole(a, b)), *shapes)
        known = good & ~np.isnan(n)
        return chosen([(there, value), (known & (n >= b), above), (known, below)], np.nan)

    return rule


def least(method: str) -> Rule:
    """ppf and isf of a discrete distribution."""
    def rule(dist: Any, q: Any, *args: Any, **kwds: Any) -> Any:
        shapes, loc, _ = parsed(dist, args, kwds)
        p = number(q)
        a, b = support(dist, shapes)
        good = valid(dist, shapes) & (loc == loc)
        there = good & (0 < p) & (p < 1)
        value = formula(dist, method)(np.where(there, p, 0.5), *shapes) + loc
        low, high = (a - 1 + loc, b + loc) if method == "ppf" else (b + loc, a - 1 + loc)
        return chosen([(there, value), (good & (p == 0), low), (good & (p == 1), high)], np.nan)

    return rule


# moments --------------------------------------------------------------------------------------------------------------
def moments(dist: Any, shapes: tuple[Any, ...], order: int) -> Any:
    """Mean (order 1) or variance (2) of the standard distribution."""
    name = ("mean", "var")[order - 1]
    if name in own(dist):
        return own(dist)[name](*shapes)
    stats = of_class(dist, "_stats")
    found = stats(*shapes) if stats is not None else (None,) * 4
    if found[order - 1] is not None:
        return found[order - 1]
    moment = of_class(dist, "_munp")
    if moment is None:
        unsupported(f"scipy.stats.{dist.name}.{name}", "SciPy has no formula for it; compute it outside")
    mean = found[0] if found[0] is not None else moment(1, *shapes)
    return mean if order == 1 else moment(2, *shapes) - mean * mean


def mean(dist: Any, *args: Any, **kwds: Any) -> Any:
    shapes, loc, scale = parsed(dist, args, kwds)
    value = moments(dist, shapes, 1) * scale + loc
    return chosen([(valid(dist, shapes) & (scale > 0) & (loc == loc), value)], np.nan)


def var(dist: Any, *args: Any, **kwds: Any) -> Any:
    shapes, loc, scale = parsed(dist, args, kwds)
    value = moments(dist, shapes, 2) * scale * scale
    return chosen([(valid(dist, shapes) & (scale > 0) & (loc == loc), value)], np.nan)


def std(dist: Any, *args: Any, **kwds: Any) -> Any:
    return np.sqrt(var(dist, *args, **kwds))


def entropy(dist: Any, *args: Any, **kwds: Any) -> Any:
    shapes, loc, scale = parsed(dist, args, kwds)
    own_formula = own(dist).get("entropy") or of_class(dist, "_entropy")
    if own_formula is None:
        unsupported(f"scipy.stats.{dist.name}.entropy", "SciPy integrates it; compute it outside")
    value = own_formula(*shapes) + np.log(scale)
    return chosen([(valid(dist, shapes) & (scale > 0) & (loc == loc), value)], np.nan)


def stats(dist: Any, *args: Any, moments: str = "mv", **kwds: Any) -> Any:
    """Mean and variance."""
    if any(m not in "mv" for m in moments):
        unsupported(f"scipy.stats.{dist.name}.stats", "skewness and kurtosis; moments='mv' are supported")
    found = tuple({"m": mean, "v": var}[m](dist, *args, **kwds) for m in sorted(moments))
    return found[0] if len(found) == 1 else found


def median(dist: Any, *args: Any, **kwds: Any) -> Any:
    return method_of(dist, "ppf")(dist, 0.5, *args, **kwds)


def interval(dist: Any, confidence: Any, *args: Any, **kwds: Any) -> Any:
    alpha = number(confidence)
    ppf = method_of(dist, "ppf")
    return ppf(dist, (1.0 - alpha) / 2, *args, **kwds), ppf(dist, (1.0 + alpha) / 2, *args, **kwds)


def ends(dist: Any, *args: Any, **kwds: Any) -> Any:
    """support()"""
    shapes, loc, scale = parsed(dist, args, kwds)
    good = valid(dist, shapes) & (scale > 0)
    return tuple(chosen([(good, placed(end, loc, scale))], np.nan) for end in support(dist, shapes))


def refused(method: str, why: str) -> Rule:
    return lambda dist, *args, **kwds: unsupported(f"scipy.stats.{dist.name}.{method}", why)


# frozen ---------------------------------------------------------------------------------------------------------------
class Frozen:
    """A distribution with its arguments, some of which are traced: what `scipy.stats.norm(loc, scale)` gives."""

    def __init__(self, dist: Any, args: tuple[Any, ...], kwds: dict[str, Any]):
        self.dist = dist
        self.args = args
        self.kwds = kwds

    def __getattr__(self, name: str) -> Any:
        if name.startswith("_") or name not in NAMES:
            raise AttributeError(f"a frozen distribution has no attribute {name!r}")
        return Method(self, name)


class Method:
    """A method of a frozen distribution."""

    def __init__(self, frozen: Any, name: str):
        self.frozen = frozen
        self.name = name

    def __call__(self, *args: Any, **kwds: Any) -> Any:
        return of_frozen(self.name)(self.frozen, *args, **kwds)


def freeze(dist: Any, *args: Any, **kwds: Any) -> Frozen:
    return Frozen(dist, args, kwds)


def of_frozen(name: str) -> Rule:
    """The rule of a frozen distribution's method. What it holds is part of what is compiled."""
    def rule(frozen: Any, *args: Any, **kwds: Any) -> Any:
        if not isinstance(frozen, Frozen):
            world = outside(current())
            for held in ("dist", "args", "kwds"):
                world.enter(getattr(frozen, held), Source("attribute", frozen, held))
        if name == "rvs":
            return variates.of_frozen(frozen, *args, **kwds)
        if name in POINTS:
            return method_of(frozen.dist, name)(frozen.dist, *args, *frozen.args, **{**kwds, **frozen.kwds})
        return method_of(frozen.dist, name)(frozen.dist, *args, *frozen.args, **frozen.kwds, **kwds)

    return rule


def method_of(dist: Any, name: str) -> Rule:
    """The rule of a distribution's method, by its name."""
    return (DISCRETE if hasattr(dist, "pmf") else CONTINUOUS)[name]


POINTS = ("pdf", "logpdf", "pmf", "logpmf", "cdf", "logcdf", "sf", "logsf", "ppf", "isf")
"""Methods that take points before the parameters."""
NUMERIC = "SciPy integrates or optimises numerically; call it outside"
COMMON: dict[str, Rule] = {
    "mean": mean, "var": var, "std": std, "entropy": entropy, "median": median, "interval": interval, "support": ends,
    "rvs": variates.rvs, "expect": refused("expect", NUMERIC), "fit": refused("fit", NUMERIC),
    "stats": stats, "moment": refused("moment", "write mean() and var()"),
}
CONTINUOUS: dict[str, Rule] = {
    **COMMON, **{m: density(m) for m in ("pdf", "logpdf")},
    **{m: integral(m) for m in ("cdf", "logcdf", "sf", "logsf")}, **{m: quantile(m) for m in ("ppf", "isf")},
}
DISCRETE: dict[str, Rule] = {
    **COMMON, **{m: mass(m) for m in ("pmf", "logpmf")},
    **{m: counted(m) for m in ("cdf", "logcdf", "sf", "logsf")}, **{m: least(m) for m in ("ppf", "isf")},
}
NAMES = frozenset({*CONTINUOUS, *DISCRETE})

_FILE = "scipy.stats._distn_infrastructure"


def rules() -> dict[tuple[str, str], Rule]:
    """The rules by where SciPy's classes define the methods."""
    found: dict[tuple[str, str], Rule] = {
        (_FILE, f"rv_generic.{n}"): f for n, f in {**COMMON, "__call__": freeze, "freeze": freeze}.items()}
    found["scipy.stats._continuous_distns", "vonmises_gen.rvs"] = variates.of_angle
    for name in CONTINUOUS:
        found[_FILE, f"rv_continuous.{name}"] = CONTINUOUS[name]
    for name in DISCRETE:
        found[_FILE, f"rv_discrete.{name}"] = DISCRETE[name]
    for name in NAMES:
        for cls in ("rv_frozen", "rv_continuous_frozen", "rv_discrete_frozen"):
            found[_FILE, f"{cls}.{name}"] = of_frozen(name)
    return found

