"""Distributions of statistics: their derivatives are densities (DLMF 8; Abramowitz and Stegun 26)."""

from __future__ import annotations

import math

from ..terms import Term, call, exp, gammaln, log, log1p, where, xlog1py, xlogy
from .gamma import beta_density, gamma_density
from .rows import INVERSE, PARAMETER, STEPS, Formula, Rows
from .shapes import beta_shapes, gamma_shape


def _negative(formula: Formula) -> Formula:
    return lambda *args: -formula(*args)


def _inverse(density: Formula, sign: float = 1) -> Formula:
    """x'(p) = 1 / F'(x) of an inverse by its last argument; `density(*parameters, x)`."""
    return lambda r, *args: sign / density(*args[:-1], r)


# counts ---------------------------------------------------------------------------------------------------------------
def _whole(k: Term, like: Term) -> Term:
    """A number of events as SciPy takes it: without its fraction."""
    return k.cast(like) if k.v.dtype.is_integer else k.emit("floor")


def _binomial(k: Term, n: Term, p: Term) -> Term:
    """Minus the derivative of bdtr(k, n, p) = I_{1-p}(n - k, k + 1) (26.5.24)."""
    k, n = _whole(k, p), _whole(n, p)
    inside = k < n
    rest = where(inside, n - k, 1)
    return where(inside, exp(xlogy(k, p) + xlog1py(rest - 1, -p) - call("betaln", rest, k + 1)), 0)


def _negative_binomial(k: Term, n: Term, p: Term) -> Term:
    """The derivative of nbdtr(k, n, p) = I_p(n, k + 1) (26.5.26)."""
    k, n = _whole(k, p), _whole(n, p)
    return exp(xlogy(n - 1, p) + xlog1py(k, -p) - call("betaln", n, k + 1))


def _poisson(k: Term, m: Term) -> Term:
    """Minus the derivative of pdtr(k, m) = Q(k + 1, m) (26.4.21)."""
    k = _whole(k, m)
    return exp(xlogy(k, m) - m - gammaln(k + 1))


# chi², gamma, F, t ----------------------------------------------------------------------------------------------------
def _chi2(v: Term, x: Term) -> Term:
    return 0.5 * gamma_density(v * 0.5, x * 0.5)


def _chi2_shape(v: Term, x: Term) -> Term:
    return 0.5 * gamma_shape(v * 0.5, x * 0.5)


def _gamma(a: Term, b: Term, x: Term) -> Term:
    return a * gamma_density(b, a * x)


def _f(m: Term, n: Term, x: Term) -> Term:
    """The density of F(m, n) (26.6.1)."""
    a, b = m * 0.5, n * 0.5
    ratio = m / n
    return exp(a * log(ratio) + xlogy(a - 1, x) - (a + b) * log1p(ratio * x) - call("betaln", a, b))


def _f_by_shape(first: bool) -> Formula:
    """I_w(m/2, n/2) with w = m x / (m x + n)."""
    def formula(m: Term, n: Term, x: Term) -> Term:
        total = m * x + n
        shape = 0.5 * beta_shapes(m * 0.5, n * 0.5, m * x / total, first)
        moved = x * _f(m, n, x)
        return shape + (moved / m if first else -(moved / n))

    return formula


def _t(n: Term, t: Term) -> Term:
    """Student's density (26.7.1)."""
    half = n * 0.5
    return exp(gammaln(half + 0.5) - gammaln(half) - 0.5 * log(n * math.pi) - (half + 0.5) * log1p(t * t / n))


def _t_by_shape(n: Term, t: Term) -> Term:
    """Of 1 - I_w(n/2, 1/2) / 2 for t > 0, w = n / (n + t²); the other side is its mirror image."""
    square = t * t
    w = n / (n + square)
    shape = 0.25 * beta_shapes(n * 0.5, n.like(0.5), w, True)
    return -(t.emit("sign") * shape) - t * _t(n, t) / (2 * n)


# noncentral -----------------------------------------------------------------------------------------------------------
def _chi2_by_centre(x: Term, df: Term, nc: Term) -> Term:
    """(F_{df+2} - F_df) / 2 (26.4.25, term by term)."""
    return 0.5 * (call("chndtr", x, df + 2, nc) - call("chndtr", x, df, nc))


def _ncx2(x: Term, df: Term, nc: Term) -> Term:
    return call("_ncx2_pdf", x, df, nc)


# normal, Kolmogorov, Tukey --------------------------------------------------------------------------------------------
def _reciprocal_normal(p: Term) -> Term:
    z = call("ndtri", p)
    return math.sqrt(2 * math.pi) * exp(z * z * 0.5)


def _tukey(f: Term, shape: Term) -> Term:
    """The density where the integral is f: Q(f) = (f**s - (1 - f)**s) / s."""
    return 1 / (f ** (shape - 1) + (1 - f) ** (shape - 1))


ONE_STEP = "its derivative is SciPy's own series, of which no derivative is known here"

ROWS: Rows = {
    "bdtr": (STEPS, STEPS, lambda r, k, n, p: -_binomial(k, n, p)),
    "bdtrc": (STEPS, STEPS, lambda r, k, n, p: _binomial(k, n, p)),
    "bdtri": (STEPS, STEPS, _inverse(_binomial, -1)),
    "bdtrik": (INVERSE,) * 3, "bdtrin": (INVERSE,) * 3,
    "nbdtr": (STEPS, STEPS, lambda r, k, n, p: _negative_binomial(k, n, p)),
    "nbdtrc": (STEPS, STEPS, lambda r, k, n, p: -_negative_binomial(k, n, p)),
    "nbdtri": (STEPS, STEPS, _inverse(_negative_binomial)),
    "nbdtrik": (INVERSE,) * 3, "nbdtrin": (INVERSE,) * 3,
    "pdtr": (STEPS, lambda r, k, m: -_poisson(k, m)), "pdtrc": (STEPS, lambda r, k, m: _poisson(k, m)),
    "pdtri": (STEPS, _inverse(_poisson, -1)), "pdtrik": (INVERSE,) * 2,
    "chdtr": (lambda r, v, x: _chi2_shape(v, x), lambda r, v, x: _chi2(v, x)),
    "chdtrc": (lambda r, v, x: -_chi2_shape(v, x), lambda r, v, x: -_chi2(v, x)),
    "chdtri": (lambda r, v, p: -(_chi2_shape(v, r) / _chi2(v, r)), _inverse(_chi2, -1)),
    "chdtriv": (lambda r, p, x: 1 / _chi2_shape(r, x), lambda r, p, x: -(_chi2(r, x) / _chi2_shape(r, x))),
    "gdtr": (lambda r, a, b, x: x * gamma_density(b, a * x), lambda r, a, b, x: gamma_shape(b, a * x),
             lambda r, a, b, x: _gamma(a, b, x)),
    "gdtrc": (lambda r, a, b, x: -(x * gamma_density(b, a * x)), lambda r, a, b, x: -gamma_shape(b, a * x),
              lambda r, a, b, x: -_gamma(a, b, x)),
    "gdtrix": (lambda r, a, b, p: -(r / a), lambda r, a, b, p: -(gamma_shape(b, a * r) / _gamma(a, b, r)),
               _inverse(_gamma)),
    "gdtria": (lambda r, p, b, x: 1 / (x * gamma_density(b, r * x)),
               lambda r, p, b, x: -(gamma_shape(b, r * x) / (x * gamma_density(b, r * x))),
               lambda r, p, b, x: -(r / x)),
    "gdtrib": (lambda r, a, p, x: -(x * gamma_density(r, a * x) / gamma_shape(r, a * x)),
               lambda r, a, p, x: 1 / gamma_shape(r, a * x),
               lambda r, a, p, x: -(_gamma(a, r, x) / gamma_shape(r, a * x))),
    "fdtr": (lambda r, m, n, x: _f_by_shape(True)(m, n, x), lambda r, m, n, x: _f_by_shape(False)(m, n, x),
             lambda r, m, n, x: _f(m, n, x)),
    "fdtrc": (lambda r, m, n, x: -_f_by_shape(True)(m, n, x), lambda r, m, n, x: -_f_by_shape(False)(m, n, x),
              lambda r, m, n, x: -_f(m, n, x)),
    "fdtri": (lambda r, m, n, p: -(_f_by_shape(True)(m, n, r) / _f(m, n, r)),
              lambda r, m, n, p: -(_f_by_shape(False)(m, n, r) / _f(m, n, r)), _inverse(_f)),
    "fdtridfd": (INVERSE,) * 3,
    "stdtr": (lambda r, n, t: _t_by_shape(n, t), lambda r, n, t: _t(n, t)),
    "stdtrit": (lambda r, n, p: -(_t_by_shape(n, r) / _t(n, r)), _inverse(_t)),
    "stdtridf": (lambda r, p, t: 1 / _t_by_shape(r, t), lambda r, p, t: -(_t(r, t) / _t_by_shape(r, t))),
    "betainc": (lambda r, a, b, x: beta_shapes(a, b, x, True), lambda r, a, b, x: beta_shapes(a, b, x, False),
                lambda r, a, b, x: beta_density(a, b, x)),
    "betaincc": (lambda r, a, b, x: -beta_shapes(a, b, x, True), lambda r, a, b, x: -beta_shapes(a, b, x, False),
                 lambda r, a, b, x: -beta_density(a, b, x)),
    "betaincinv": (lambda r, a, b, y: -(beta_shapes(a, b, r, True) / beta_density(a, b, r)),
                   lambda r, a, b, y: -(beta_shapes(a, b, r, False) / beta_density(a, b, r)), _inverse(beta_density)),
    "betainccinv": (lambda r, a, b, y: -(beta_shapes(a, b, r, True) / beta_density(a, b, r)),
                    lambda r, a, b, y: -(beta_shapes(a, b, r, False) / beta_density(a, b, r)),
                    _inverse(beta_density, -1)),
    "btdtria": (lambda r, p, b, x: 1 / beta_shapes(r, b, x, True),
                lambda r, p, b, x: -(beta_shapes(r, b, x, False) / beta_shapes(r, b, x, True)),
                lambda r, p, b, x: -(beta_density(r, b, x) / beta_shapes(r, b, x, True))),
    "btdtrib": (lambda r, a, p, x: -(beta_shapes(a, r, x, True) / beta_shapes(a, r, x, False)),
                lambda r, a, p, x: 1 / beta_shapes(a, r, x, False),
                lambda r, a, p, x: -(beta_density(a, r, x) / beta_shapes(a, r, x, False))),
    "chndtr": (lambda r, x, df, nc: _ncx2(x, df, nc), PARAMETER, lambda r, x, df, nc: _chi2_by_centre(x, df, nc)),
    "chndtrix": (lambda r, p, df, nc: 1 / _ncx2(r, df, nc), PARAMETER,
                 lambda r, p, df, nc: -(_chi2_by_centre(r, df, nc) / _ncx2(r, df, nc))),
    "chndtridf": (INVERSE,) * 3,
    "chndtrinc": (lambda r, x, df, p: -(_ncx2(x, df, r) / _chi2_by_centre(x, df, r)), PARAMETER,
                  lambda r, x, df, p: 1 / _chi2_by_centre(x, df, r)),
    # from the density's Bessel function (10.29.2), and term by term
    "_ncx2_pdf": (lambda r, x, df, nc: r * ((df * 0.5 - 1) / x - 0.5) + nc / (2 * x) * call("_ncx2_pdf", x, df + 2, nc),
                  PARAMETER,
                  lambda r, x, df, nc: 0.5 * (call("_ncx2_pdf", x, df + 2, nc) - r)),
    "nctdtr": (PARAMETER, PARAMETER, lambda r, df, nc, t: call("_nct_pdf", t, df, nc)),
    "nctdtrit": (PARAMETER, PARAMETER, lambda r, df, nc, p: 1 / call("_nct_pdf", r, df, nc)),
    "nctdtridf": (INVERSE,) * 3, "nctdtrinc": (INVERSE,) * 3, "_nct_pdf": (PARAMETER,) * 3,
    "ncfdtr": (PARAMETER, PARAMETER, PARAMETER, lambda r, m, n, nc, f: call("_ncf_pdf", f, m, n, nc)),
    "ncfdtri": (PARAMETER, PARAMETER, PARAMETER, lambda r, m, n, nc, p: 1 / call("_ncf_pdf", r, m, n, nc)),
    "ncfdtridfn": (INVERSE,) * 4, "ncfdtridfd": (INVERSE,) * 4, "ncfdtrinc": (INVERSE,) * 4,
    "_ncf_pdf": (PARAMETER,) * 4,
    # mean = x - std z, std = (x - mean) / z, with z where the normal integral is p
    "nrdtrimn": (lambda r, p, std, x: -(std * _reciprocal_normal(p)), lambda r, p, std, x: -call("ndtri", p),
                 lambda r, p, std, x: x.like(1)),
    "nrdtrisd": (lambda r, mn, p, x: -1 / call("ndtri", p),
                 lambda r, mn, p, x: -(r * _reciprocal_normal(p) / call("ndtri", p)),
                 lambda r, mn, p, x: 1 / call("ndtri", p)),
    "kolmogorov": (lambda r, x: call("_kolmogp", x),), "kolmogi": (lambda r, p: 1 / call("_kolmogp", r),),
    "_kolmogp": (ONE_STEP,),
    "smirnov": (STEPS, lambda r, n, d: call("_smirnovp", n, d)),
    "smirnovi": (STEPS, lambda r, n, p: 1 / call("_smirnovp", n, r)),
    "_smirnovp": (STEPS, ONE_STEP),
    "tklmbda": (lambda r, x, s: _tukey(r, s), PARAMETER),
}
