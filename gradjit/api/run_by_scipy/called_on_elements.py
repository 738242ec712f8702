"""SciPy's functions that call a function of the user's on all elements, or all places, which are known beforehand:
tests of a sample against a distribution, pictures whose elements come from other places."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, NoReturn

import numpy as np

from ...errors import UnsupportedError
from ...tracer import libraries
from ...tracer.calls import call
from ...tracer.locations import fail
from ...tracer.operands import as_traced, unsupported
from ...tracer.scipy.ndimage.resampling import map_coordinates
from ...tracer.scipy.stats.sample_tests import Tested
from ...tracer.scipy.written_loops import Rule, invalid
from ..mapped import mapped
from ..primitive import primitive


class KstestResult(Tested):
    """As SciPy's: two fields, and what else is known."""

    statistic_location: Any
    statistic_sign: Any


def ks_1samp(x: Any, cdf: Any, args: Sequence[Any] = (), alternative: str = "two-sided", method: str = "auto", *,
             axis: Any = 0, nan_policy: str = "propagate", keepdims: bool = False) -> KstestResult:
    """The largest distance between a sample's distribution function and another. Its derivative is that of the
    distance at the element where it is largest."""
    sample: Any = np.sort(as_traced(x) * 1.0)
    if sample.ndim != 1 or keepdims or nan_policy != "propagate":
        unsupported("scipy.stats.ks_1samp", "of other traced samples than vectors, or with keepdims= or nan_policy=; "
                                            "call it once for each row")
    side = {"t": "two-sided", "g": "greater", "l": "less"}.get(alternative.lower()[0], alternative)
    n = int(sample.shape[0])
    values = call(cdf, sample, *args)
    above, below = np.arange(1.0, n + 1) / n - values, values - np.arange(0.0, n) / n
    plus, minus = np.argmax(above), np.argmax(below)
    is_plus = {"greater": True, "less": False}.get(side, above[plus] > below[minus])
    distance = np.where(is_plus, above[plus], below[minus])[()]
    found = KstestResult(distance, _tail(distance, n, "one-sided" if side != "two-sided" else method))
    found.statistic_location = sample[np.where(is_plus, plus, minus)]
    found.statistic_sign = np.where(is_plus, 1, -1).astype(np.int8)[()]
    return found


def _tail(distance: Any, n: int, method: str) -> Any:
    """The probability of a larger distance."""
    def sf(d: Any) -> Any:
        from scipy.stats import distributions as known
        if method == "one-sided":
            return np.float64(known.ksone.sf(d, n))
        if method in ("auto", "exact"):
            p = known.kstwo.sf(d, n)
        else:
            p = known.kstwobign.sf(d * np.sqrt(n)) if method == "asymp" else 2 * known.ksone.sf(d, n)
        return np.float64(np.clip(p, 0.0, 1.0))

    return primitive(sf, out=lambda d: np.float64(0.0), vjp=_unknown)(distance)


def _unknown(*_: Any) -> NoReturn:
    fail(UnsupportedError, "the derivative of the p-value of scipy.stats.kstest is not known; differentiate the "
                           "statistic")


def kstest(rvs: Any, cdf: Any, args: Sequence[Any] = (), N: int = 20, alternative: str = "two-sided",
           method: str = "auto", **options: Any) -> Any:
    from scipy import stats
    if callable(rvs) or isinstance(rvs, str):
        unsupported("scipy.stats.kstest", "of a sample that it draws itself; draw it outside and pass it")
    if not (callable(cdf) or isinstance(cdf, str)):
        return call(stats.ks_2samp, rvs, cdf, alternative=alternative, method=method, **options)
    own = getattr(stats, cdf).cdf if isinstance(cdf, str) else cdf
    return ks_1samp(rvs, own, args, alternative.replace("_", "-"), method, **options)


def geometric_transform(input: Any, mapping: Any, output_shape: Any = None, output: Any = None, order: int = 3,
                        mode: str = "constant", cval: Any = 0.0, prefilter: bool = True,
                        extra_arguments: Sequence[Any] = (), extra_keywords: Mapping[str, Any] | None = None) -> Any:
    """The mapping is traced once, for all places."""
    if not callable(mapping):
        unsupported("scipy.ndimage.geometric_transform", "by a LowLevelCallable; pass a function of Python")
    x = as_traced(input)
    shape = tuple(int(n) for n in (x.shape if output_shape is None else output_shape))

    def place(at: Any) -> Any:
        found = call(mapping, tuple([at[k] for k in range(len(shape))]), *extra_arguments, **(extra_keywords or {}))
        if len(found) != x.ndim:
            invalid(f"the mapping gives {len(found)} coordinates for an input of {x.ndim} axes")
        return np.stack([as_traced(c) * 1.0 for c in found])

    places: Any = mapped(place, 0, 1, (np.indices(shape).reshape(len(shape), -1).T,), {})
    at: Rule = map_coordinates
    return at(x, np.reshape(places, (x.ndim, *shape)), output, order, mode, cval, prefilter)


RULES: libraries.Rules = {
    ("scipy.stats._stats_py", "ks_1samp"): ks_1samp, ("scipy.stats._stats_py", "kstest"): kstest,
    ("scipy.ndimage._interpolation", "geometric_transform"): geometric_transform,
}
libraries.SOLVERS.update(RULES)
