"""SciPy's special functions. Its ufuncs are known by name, so that the module is not imported before the user does."""

from __future__ import annotations

import functools
import math
import sys
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from ...errors import ArgumentError
from ...ir.ops.special_functions import SIGNATURES, signature
from .. import operands as o
from ..libraries import rules
from ..locations import fail
from ..operands import TracedArray, cast, emit, static_int
from ..ufuncs import Raw
from .common import array, call, full_like
from .reduction import axes_of, extreme, is_empty, restored, spread

Rule = Callable[..., Any]


# elementwise --------------------------------------------------------------------------------------------------------
def logit(p: TracedArray) -> TracedArray:
    """log(p / (1 - p)); near 1/2, where the logarithms cancel, through log1p."""
    one = full_like(1, p)
    s = emit("sub", emit("add", p, p), one)
    near = emit("le", emit("abs", emit("sub", p, full_like(0.5, p))), full_like(0.2, p))
    inner = emit("select", near, s, full_like(0, s))
    outer = emit("select", near, full_like(0.5, p), p)
    close = emit("sub", emit("log1p", inner), emit("log1p", emit("neg", inner)))
    far = emit("log", emit("div", outer, emit("sub", one, outer)))
    return emit("select", near, close, far)


def log_expit(x: TracedArray) -> TracedArray:
    """log(1 / (1 + exp(-x))) = -log(1 + exp(-x))."""
    return emit("neg", emit("logaddexp", full_like(0, x), emit("neg", x)))


def _guarded(x: TracedArray, y: TracedArray, log: TracedArray) -> TracedArray:
    """x times a logarithm of y: 0 where x is 0, also where the logarithm is infinite or y outside of its domain."""
    zero = full_like(0, x)
    outside = emit("and", emit("not", emit("isfinite", log)), emit("not", emit("isnan", y)))
    none = emit("and", emit("eq", x, zero), outside)
    return emit("select", none, zero, emit("mul", x, emit("select", none, zero, log)))


def xlogy(x: TracedArray, y: TracedArray) -> TracedArray:
    return _guarded(x, y, emit("log", y))


def xlog1py(x: TracedArray, y: TracedArray) -> TracedArray:
    return _guarded(x, y, emit("log1p", y))


def entr(x: TracedArray) -> TracedArray:
    """-x log x, 0 at 0, -inf below."""
    positive = emit("gt", x, full_like(0, x))
    safe = emit("select", positive, x, full_like(1, x))
    y = emit("neg", emit("mul", safe, emit("log", safe)))
    outside = emit("select", emit("eq", x, full_like(0, x)), full_like(0, x), full_like(-np.inf, x))
    return emit("select", emit("isnan", x), x, emit("select", positive, y, outside))


def _relative(x: TracedArray, y: TracedArray, linear: bool) -> TracedArray:
    """x log(x/y) (- x + y): 0 (or y) where x is 0 and y >= 0, inf elsewhere outside of the positive numbers."""
    zero = full_like(0, x)
    both = emit("and", emit("gt", x, zero), emit("gt", y, zero))
    a, b = (emit("select", both, v, full_like(1, v)) for v in (x, y))
    value = emit("mul", a, emit("log", emit("div", a, b)))
    if linear:
        value = emit("add", emit("sub", value, a), b)
    edge = emit("and", emit("eq", x, zero), emit("ge", y, zero))
    outside = emit("select", edge, y if linear else zero, full_like(np.inf, x))
    nan = emit("or", emit("isnan", x), emit("isnan", y))
    return emit("select", nan, full_like(np.nan, x), emit("select", both, value, outside))


def rel_entr(x: TracedArray, y: TracedArray) -> TracedArray:
    return _relative(x, y, False)


def kl_div(x: TracedArray, y: TracedArray) -> TracedArray:
    return _relative(x, y, True)


def huber(delta: TracedArray, r: TracedArray) -> TracedArray:
    """Quadratic up to delta, linear beyond; inf for a negative delta."""
    size = emit("abs", r)
    half = full_like(0.5, r)
    inner = emit("mul", half, emit("mul", r, r))
    outer = emit("mul", delta, emit("sub", size, emit("mul", half, delta)))
    y = emit("select", emit("le", size, delta), inner, outer)
    return emit("select", emit("lt", delta, full_like(0, delta)), full_like(np.inf, r), y)


def pseudo_huber(delta: TracedArray, r: TracedArray) -> TracedArray:
    """delta² (sqrt(1 + (r/delta)²) - 1), 0 where either is 0, inf for a negative delta; the difference through expm1
    and log1p, so that it does not cancel."""
    zero = full_like(0, delta)
    positive = emit("gt", delta, zero)
    d = emit("select", positive, delta, full_like(1, delta))
    u = emit("div", r, d)
    root = emit("expm1", emit("mul", full_like(0.5, u), emit("log1p", emit("mul", u, u))))
    y = emit("mul", emit("mul", d, d), root)
    outside = emit("select", emit("isnan", delta), delta, full_like(np.inf, delta))
    y = emit("select", positive, y, outside)
    overflow = emit("and", emit("eq", r, zero), emit("isinf", emit("mul", d, d)))  # inf * 0
    return emit("select", emit("or", emit("eq", delta, zero), emit("and", positive, overflow)), zero, y)


def ndtr(x: TracedArray) -> TracedArray:
    """The normal distribution's integral: erfc(-x/√2)/2, which keeps its precision in the left tail."""
    return emit("mul", full_like(0.5, x), emit("erfc", emit("mul", x, full_like(-np.sqrt(0.5), x))))


def boxcox(x: TracedArray, power: TracedArray) -> TracedArray:
    """(x**p - 1) / p, which is log(x) exprel(p log(x)): smooth in p, also where p is 0."""
    log = emit("log", x)
    return emit("mul", log, exprel(emit("mul", power, log)))


def boxcox1p(x: TracedArray, power: TracedArray) -> TracedArray:
    log = emit("log1p", x)
    return emit("mul", log, exprel(emit("mul", power, log)))


def inv_boxcox(y: TracedArray, power: TracedArray) -> TracedArray:
    return emit("exp", _logrel(y, power))


def inv_boxcox1p(y: TracedArray, power: TracedArray) -> TracedArray:
    return emit("expm1", _logrel(y, power))


def _logrel(y: TracedArray, p: TracedArray) -> TracedArray:
    """log1p(p y) / p: y (1 - u/2 + u²/3 - ...) where u = p y is small, so that derivatives at 0 are right, too."""
    u = emit("mul", p, y)
    near = emit("lt", emit("abs", u), full_like(0.03, u))
    series = _polynomial(emit("select", near, u, full_like(0, u)), [(-1) ** k / (k + 1) for k in range(12)])
    safe_p = emit("select", near, full_like(1, p), p)
    far = emit("div", emit("log1p", emit("select", near, full_like(0, u), u)), safe_p)
    return emit("select", near, emit("mul", y, series), far)


def exprel(x: TracedArray) -> TracedArray:
    """(exp(x) - 1) / x: its power series near 0, where derivatives of the quotient would cancel."""
    near = emit("lt", emit("abs", x), full_like(0.2, x))
    series = _polynomial(emit("select", near, x, full_like(0, x)), [1 / math.factorial(k + 1) for k in range(12)])
    safe = emit("select", near, full_like(1, x), x)
    far = emit("div", emit("expm1", safe), safe)
    far = emit("select", emit("eq", x, full_like(np.inf, x)), x, far)
    return emit("select", near, series, far)


def _polynomial(x: TracedArray, coefficients: Sequence[float]) -> TracedArray:
    """By Horner's rule; the lowest coefficient stands first."""
    y = full_like(coefficients[-1], x)
    for c in reversed(coefficients[:-1]):
        y = emit("add", emit("mul", y, x), full_like(c, x))
    return y


def exp10(x: TracedArray) -> TracedArray:
    return emit("pow", full_like(10, x), x)


def cosm1(x: TracedArray) -> TracedArray:
    """cos(x) - 1 = -2 sin²(x/2)."""
    s = emit("sin", emit("mul", x, full_like(0.5, x)))
    return emit("mul", full_like(-2, x), emit("mul", s, s))


def gammasgn(x: TracedArray) -> TracedArray:
    """The sign of the gamma function: nan at its poles, alternating between them."""
    zero, one = full_like(0, x), full_like(1, x)
    floor = emit("floor", x)
    half = emit("mul", floor, full_like(0.5, x))
    odd = emit("ne", emit("floor", half), half)
    negative = emit("select", odd, emit("neg", one), one)
    pole = emit("and", emit("eq", floor, x), emit("lt", x, zero))
    y = emit("select", emit("gt", x, zero), one, emit("select", pole, full_like(np.nan, x), negative))
    y = emit("select", emit("eq", x, zero), emit("copysign", one, x), y)
    return emit("select", emit("isnan", x), x, y)


UFUNCS_BY_NAME: dict[str, str | Rule] = {
    "erf": "erf", "erfc": "erfc", "erfinv": "erfinv", "expit": "expit", "gammaln": "gammaln", "psi": "digamma",
    "digamma": "digamma", "logit": logit, "log_expit": log_expit, "xlogy": xlogy, "xlog1py": xlog1py, "entr": entr,
    "rel_entr": rel_entr, "kl_div": kl_div, "huber": huber, "pseudo_huber": pseudo_huber, "ndtr": ndtr,
    "boxcox": boxcox,
    "boxcox1p": boxcox1p, "inv_boxcox": inv_boxcox, "inv_boxcox1p": inv_boxcox1p, "exprel": exprel, "exp2": "exp2",
    "exp10": exp10, "expm1": "expm1", "log1p": "log1p", "cbrt": "cbrt", "cosm1": cosm1, "gammasgn": gammasgn,
    "round": "rint",
}


def special_ufunc(ufunc: np.ufunc) -> str | Rule | Raw | None:
    """The rule of one of scipy.special's ufuncs: an operation of our own, or a call of SciPy's loop."""
    name = ufunc.__name__
    modules = (sys.modules.get("scipy.special"), sys.modules.get("scipy.special._ufuncs"))
    if not any(m is not None and getattr(m, name, None) is ufunc for m in modules):
        return None
    if name in SIGNATURES and name != "wofz":
        return functools.partial(scipy_call, name)
    if name in UFUNCS_BY_NAME:
        return UFUNCS_BY_NAME[name]
    giving_complex = rules("scipy").get(("scipy.special._ufuncs", name))
    return None if giving_complex is None else Raw(giving_complex)


def scipy_call(name: str, *operands: TracedArray) -> Any:
    """SciPy's function on operands of one of its loops; a tuple where it gives several results. (Of no function that
    gives complex numbers.)"""
    if any(x.ir_dtype.is_complex for x in operands):
        o.unsupported(f"scipy.special.{name}", "of complex numbers")
    results = [emit("special_call", *operands, function=name, result=k) for k in range(len(signature(name).results))]
    return tuple(results) if len(results) > 1 else results[0]


# along axes ---------------------------------------------------------------------------------------------------------
def _float(a: Any, *others: Any) -> TracedArray:
    x = array(a)
    return x if x.ir_dtype.is_inexact else cast(x, np.float64)


def logsumexp(a, axis=None, b=None, keepdims=False, return_sign=False):
    """log(sum(b exp(a))): the maximum is taken out first, and its own terms m from the sum, so that what is small
    beside them keeps its digits: log(m + s) = log1p(s/m) + log(m)."""
    x = _float(a)
    if x.ir_dtype.is_complex:
        o.unsupported("scipy.special.logsumexp", "of complex numbers")
    weights: Any = None
    if b is not None:
        x, weights = o.broadcast(*o.promote(x, array(b)))
        x = emit("select", emit("eq", weights, full_like(0, weights)), full_like(-np.inf, x), x)
    axes = axes_of(axis, x)
    if is_empty(x, axes):
        y = restored(call(np.log, emit("sum", x, axes=axes)), x, axes, keepdims)
        return (y, full_like(0, y)) if return_sign else y
    highest = emit("stop_gradient", emit("max", x, axes=axes))
    top = emit("select", emit("isfinite", highest), highest, full_like(0, highest))
    terms = emit("exp", emit("sub", x, spread(top, x, axes)))
    terms = terms if weights is None else emit("mul", weights, terms)
    largest, none = emit("eq", x, spread(highest, x, axes)), full_like(0, x)
    m = emit("sum", emit("select", largest, terms, none), axes=axes)
    s = emit("sum", emit("select", largest, none, terms), axes=axes)
    y, sign = _log_of_sum(m, s, return_sign)
    y = restored(emit("add", y, top), x, axes, keepdims)
    return (y, restored(sign, x, axes, keepdims)) if return_sign else y


def _log_of_sum(m: TracedArray, s: TracedArray, absolute: bool) -> tuple[TracedArray, TracedArray]:
    """log(m + s) or log|m + s|, precise where s is small beside m; and the sign of the sum."""
    total = emit("add", m, s)
    apart = emit("and", emit("isfinite", total), emit("gt", emit("abs", m), emit("abs", s)))
    safe_m = emit("select", apart, emit("abs", m) if absolute else m, full_like(1, m))
    ratio = emit("select", apart, emit("div", s, emit("select", apart, m, full_like(1, m))), full_like(0, s))
    near = emit("add", emit("log1p", ratio), emit("log", safe_m))
    safe_total = emit("select", apart, full_like(1, total), emit("abs", total) if absolute else total)
    return emit("select", apart, near, emit("log", safe_total)), emit("sign", total)


def softmax(x, axis=None):
    """exp(x) / sum(exp(x)), the maximum taken out first."""
    v = _float(x)
    axes = axes_of(axis, v)
    top = emit("stop_gradient", extreme(v, "max", axes))
    y = emit("exp", emit("sub", v, spread(top, v, axes)))
    return emit("div", y, spread(emit("sum", y, axes=axes), v, axes))


def log_softmax(x, axis=None):
    v = _float(x)
    axes = axes_of(axis, v)
    highest = emit("stop_gradient", extreme(v, "max", axes))
    top = emit("select", emit("isfinite", highest), highest, full_like(0, highest))
    shifted = emit("sub", v, spread(top, v, axes))
    return emit("sub", shifted, spread(emit("log", emit("sum", emit("exp", shifted), axes=axes)), v, axes))


def polygamma(n, x):
    """Always in float64: SciPy's order is an array of integers, and float32 with that is float64."""
    order, v = static_int(n, "n"), _float(x)
    if order < 0:
        fail(ArgumentError, "polygamma's order must not be negative")
    if order == 0:
        return cast(emit("digamma", v), np.float64)
    return emit("polygamma", cast(v, np.float64), order=order)


def multigammaln(a, d):
    """The logarithm of the multivariate gamma function."""
    d = static_int(d, "d")
    x = _float(a)
    constant = d * (d - 1) * 0.25 * np.log(np.pi)
    y = full_like(constant, x)
    for j in range(d):
        y = emit("add", y, emit("gammaln", emit("sub", x, full_like(j / 2, x))))
    return y


def softplus(x, **kwargs):
    """log(1 + exp(x))."""
    if kwargs:
        o.unsupported("scipy.special.softplus", f"the argument {next(iter(kwargs))}=")
    return call(np.logaddexp, 0.0, x)


LIBRARY_RULES: dict[tuple[str, str], Rule] = {
    ("scipy.special._logsumexp", "logsumexp"): logsumexp,
    ("scipy.special._logsumexp", "softmax"): softmax,
    ("scipy.special._logsumexp", "log_softmax"): log_softmax,
    ("scipy.special._basic", "polygamma"): polygamma,
    ("scipy.special._basic", "softplus"): softplus,
    ("scipy.special._spfun_stats", "multigammaln"): multigammaln,
}
"""SciPy's Python functions, by the module that defines them: they do not dispatch, lifted code finds them here."""
