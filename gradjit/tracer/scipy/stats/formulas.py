"""Which formula a method of a distribution is computed by.

A distribution of SciPy's is a class with methods `_logpdf(x, *shapes)`, `_cdf`, `_ppf`, ... for the standard one, which
its public methods shift, scale and mask. Where such a method is a formula of NumPy's and scipy.special's functions it
is traced (`borrowed`). Where it is not (it loops, or integrates), or has no right derivative, one of our own stands in
`continuous` or `discrete`. What a distribution has no formula for follows from another one, and if there is
none of them it is refused, as SciPy would integrate or search.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from ....errors import GradjitError
from ...operands import unsupported
from .borrowed import Standard

Formula = Callable[..., Any]
Formulas = Mapping[str, Formula]

DERIVED: dict[str, list[tuple[str, Formula]]] = {
    "pdf": [("logpdf", np.exp)], "logpdf": [("pdf", np.log)], "pmf": [("logpmf", np.exp)], "logpmf": [("pmf", np.log)],
    "cdf": [("sf", lambda s: 1 - s), ("logcdf", np.exp)], "sf": [("cdf", lambda f: 1 - f), ("logsf", np.exp)],
    "logcdf": [("cdf", np.log)], "logsf": [("sf", np.log)],
}
"""What a method follows from, and how."""
MIRRORED = {"ppf": "isf", "isf": "ppf"}
"""Methods that are another one of 1 - q."""


def own(dist: Any) -> Formulas:
    """Our formulas of a distribution, by the name of its class."""
    from . import continuous, discrete
    return {**continuous.FORMULAS, **discrete.FORMULAS}.get(type(dist).__name__, {})


def direct(dist: Any, method: str) -> Formula | None:
    """A formula for the method itself: ours, or SciPy's."""
    found = own(dist).get(method)
    return found if found is not None else of_class(dist, f"_{method}")


def guarded(dist: Any, name: str, f: Formula) -> Formula:
    """A formula of SciPy's, which may turn out to be none."""
    def run(*args: Any) -> Any:
        try:
            return f(*args)
        except (GradjitError, TypeError, ValueError, AttributeError, IndexError):
            unsupported(f"scipy.stats.{dist.name}.{name.strip('_')}",
                        "SciPy computes it by code that decides by elements, or by a function without a derivative; "
                        "write its formula with scipy.special, or compute it outside")

    return run


def of_class(dist: Any, name: str) -> Formula | None:
    """A method that the distribution's class defines: none that all distributions have."""
    for cls in type(dist).__mro__:
        if cls.__module__ == "scipy.stats._distn_infrastructure":
            return None
        if name in vars(cls):
            return guarded(dist, name, getattr(Standard(dist), name))
    return None


def formula(dist: Any, method: str) -> Formula:
    """`formula(x, *shapes)` for a method of the standard distribution. UnsupportedError where there is none."""
    found = direct(dist, method)
    if found is not None:
        return found
    if method in MIRRORED and (mirrored := direct(dist, MIRRORED[method])) is not None:
        return lambda q, *shapes: mirrored(1 - q, *shapes)
    for other, outer in DERIVED.get(method, ()):
        inner = direct(dist, other) or indirect(dist, other)
        if inner is not None:
            return lambda x, *shapes, f=inner, g=outer: g(f(x, *shapes))
    unsupported(f"scipy.stats.{dist.name}.{method}", "SciPy has no formula for it, but integrates or searches; write "
                                                     "one with scipy.special, or compute it outside")


def indirect(dist: Any, method: str) -> Formula | None:
    """One that follows from another in one step."""
    for other, outer in DERIVED.get(method, ()):
        if (inner := direct(dist, other)) is not None:
            return lambda x, *shapes, f=inner, g=outer: g(f(x, *shapes))
    return None


def valid(dist: Any, shapes: tuple[Any, ...]) -> Any:
    """Where the shapes are those of a distribution."""
    check = own(dist).get("valid") or of_class(dist, "_argcheck")
    if check is not None:
        return np.not_equal(check(*shapes), 0)
    answer: Any = np.True_
    for s in shapes:
        answer = answer & (s > 0)
    return answer


def support(dist: Any, shapes: tuple[Any, ...]) -> tuple[Any, Any]:
    """The ends of the standard distribution."""
    ends = own(dist).get("support")
    found = ends if ends is not None else guarded(dist, "support", Standard(dist)._get_support)
    return found(*shapes)
