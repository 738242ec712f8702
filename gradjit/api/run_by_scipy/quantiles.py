"""scipy.stats' quantiles that SciPy searches for, and fits, inside traced functions: SciPy finds them while the program
runs, the equation that they solve gives their derivatives."""

from __future__ import annotations

import importlib
from typing import Any

import numpy as np

from ...errors import UnsupportedError
from ...tracer import libraries
from ...tracer.locations import fail
from ...tracer.operands import as_traced
from ...tracer.scipy.stats import distribution_methods as methods
from ...tracer.scipy.stats.formulas import formula
from ..implicit import Equation, like
from ..primitive import primitive
from .found_by_elements import without_derivative
from .solvers import stationary

STEPS = 3
"""Newton's steps behind the solution, which is exact already. Each doubles the order up to which derivatives are."""


def searched(dist: Any, method: str) -> Any:
    """ppf or isf by what SciPy finds: x, where cdf(x) = p."""
    integral, density = formula(dist, "cdf" if method == "ppf" else "sf"), formula(dist, "pdf")
    sign = 1.0 if method == "ppf" else -1.0

    def rule(*given: Any) -> Any:
        all_: list[Any] = list(np.broadcast_arrays(*given))
        p, *shapes = all_
        run = primitive(lambda p, *shapes: np.asarray(getattr(dist, method)(p, *shapes), np.float64),
                        out=lambda p, *_: p)
        x = run(*without_derivative(p, *shapes))
        for _ in range(STEPS):
            x = x - sign * (integral(x, *shapes) - p) / density(x, *shapes)
        return x

    return rule


methods.SEARCHED.append(searched)


FITTED = frozenset({"norm", "expon", "gamma", "lognorm", "weibull_min", "beta", "rayleigh", "invgauss", "logistic",
                    "gumbel_r", "gumbel_l", "halfnorm", "laplace", "t", "chi2", "maxwell", "invgamma", "fisk"})
"""Distributions whose most likely shapes and scale are where the slope is 0, and not at an end."""


# fits -----------------------------------------------------------------------------------------------------------------
def fit(dist: Any, data: Any, *starts: Any, **options: Any) -> Any:
    """The most likely parameters. Where the location is free only distributions of which it is known in closed form."""
    x = as_traced(data) * 1.0
    if dist.name == "norm" and not starts and not options:
        return np.mean(x), np.std(x)
    if dist.name == "expon" and not starts and not options:
        return np.min(x), np.mean(x) - np.min(x)
    held = {k: v for k, v in options.items() if k in ("floc", "fscale")}
    is_bounded = dist.name == "beta" and "fscale" not in held
    if dist.name not in FITTED or is_bounded or "floc" not in held or set(options) - {"floc", "fscale", "loc", "scale"}:
        fail(UnsupportedError, f"scipy.stats.{dist.name}.fit of traced data is not supported; norm and expon are, and "
                               f"with floc= {', '.join(sorted(FITTED))} (beta with fscale=, too); write "
                               f"scipy.optimize.minimize of -np.sum({dist.name}.logpdf(...))")
    count = dist.numargs
    free = count + ("fscale" not in held)

    def parameters(v: Any) -> Any:
        shapes = [v[k] for k in range(count)]
        return *shapes, held["floc"], held["fscale"] if "fscale" in held else v[count]

    def cost(v: Any, x: Any) -> Any:
        return -np.sum(methods.method_of(dist, "logpdf")(dist, x, *parameters(v)))

    def run(x: Any) -> Any:
        found = dist.fit(x, *starts, **options)
        kept = [*found[:count], *(found[count + 1:] if "fscale" not in held else ())]
        polish = importlib.import_module("scipy.optimize").minimize
        best = polish(lambda v: dist.nnlf((*v[:count], held["floc"], held.get("fscale", v[-1])), x), kept,
                      method="Nelder-Mead", options={"xatol": 1e-10, "fatol": 1e-12})
        return np.asarray(best.x, float)

    v = primitive(run, out=lambda *_: np.zeros(free))(*without_derivative(x))
    v, = Equation(stationary(cost), like(np.zeros(free)), (x,)).solved([as_traced(v)])
    return parameters(v)


RULES: libraries.Rules = {
    ("scipy.stats._distn_infrastructure", "rv_continuous.fit"): fit,
    **{("scipy.stats._continuous_distns", f"{name}_gen.fit"): fit for name in (*FITTED, "uniform", "pareto",
                                                                                      "powerlaw")},
}
