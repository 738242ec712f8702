"""Error functions and exponential integrals: DLMF 6, 7, 4.13."""

from __future__ import annotations

import math

from ..terms import Term, absolute, call, cos, cosh, erf, exp, log1p, polynomial, sin, sinh, where
from .rows import ORDER, Rows

ROOT_PI = math.sqrt(math.pi)
FAR = 25.0
"""From here on the difference of two terms, which cancel, is taken from the asymptotic series instead."""


def _normal(z: Term) -> Term:
    """exp(z²/2) sqrt(2 pi), the reciprocal density."""
    return math.sqrt(2 * math.pi) * exp(z * z * 0.5)


def _hazard(x: Term) -> Term:
    """The density over the integral: sqrt(2 / pi) / erfcx(-x / sqrt(2)), without overflow in the tail."""
    return math.sqrt(2 / math.pi) / call("erfcx", x * -math.sqrt(0.5))


def _erfcx(r: Term, x: Term) -> Term:
    """2 x r - 2 / sqrt(pi) (7.2.7); far out -1/(sqrt(pi) x²) (1 - 3/(2x²) + 15/(4x⁴) - ...) (7.12.1)."""
    far = x > FAR
    u = 1 / where(far, x * x, 1)
    series = -(u * polynomial(u, [1.0, -1.5, 3.75, -13.125, 59.0625]) / ROOT_PI)
    return where(far, series, 2 * x * where(far, 0, r) - 2 / ROOT_PI)


def _dawsn(r: Term, x: Term) -> Term:
    """1 - 2 x r (7.2.5); far out -1/(2x²) (1 + 3/(2x²) + 15/(4x⁴) + ...) (7.12.1)."""
    far = absolute(x) > FAR
    u = 1 / where(far, x * x, 1)
    series = -(0.5 * u * polynomial(u, [1.0, 1.5, 3.75, 13.125, 59.0625]))
    return where(far, series, 1 - 2 * x * where(far, 0, r))


def _cardinal(numerator: Term, x: Term) -> Term:
    """A quotient by x that is 1 at 0."""
    origin = x.equals(0)
    return where(origin, 1, numerator / where(origin, 1, x))


def _spence(r: Term, z: Term) -> Term:
    """log(z) / (1 - z) (25.12.1); near 1 by its series, which has derivatives there."""
    u = z - 1
    near = absolute(u) < 0.03
    series = -polynomial(where(near, u, 0), [(-1) ** k / (k + 1) for k in range(12)])
    v = where(near, 1, u)
    return where(near, series, -(log1p(v) / v))


def _lower_order(r: Term, n: Term, x: Term) -> Term:
    """-E_{n-1}(x) (8.19.13); E_{-1} by the recurrence 8.19.12."""
    zero = n.equals(0)
    lower = call("expn", where(zero, n, n - 1), x)
    return -where(zero, (exp(-x) + r) / x, lower)


# complex functions by their real and imaginary parts: dw = w' dz, and what the imaginary argument adds is i w' ------
def _wofz(x: Term, y: Term) -> tuple[Term, Term]:
    """w'(z) = -2 z w(z) + 2 i / sqrt(pi) (7.10.2)."""
    u, v = call("wofz", x, y, result=0), call("wofz", x, y, result=1)
    return -2 * (x * u - y * v), 2 / ROOT_PI - 2 * (x * v + y * u)


def _voigt(x: Term, sigma: Term, gamma: Term) -> tuple[Term, Term, Term, Term]:
    """Re w(z) / (sigma sqrt(2 pi)) with z = (x + i gamma) / (sigma sqrt(2)) (7.19.3): factor and w'(z), and z."""
    scale = 1 / (sigma * math.sqrt(2))
    a, c = x * scale, gamma * scale
    u, v = _wofz(a, c)
    return scale * scale / ROOT_PI, u, v, scale


def _voigt_x(r: Term, x: Term, sigma: Term, gamma: Term) -> Term:
    factor, u, _, _ = _voigt(x, sigma, gamma)
    return factor * u


def _voigt_gamma(r: Term, x: Term, sigma: Term, gamma: Term) -> Term:
    factor, _, v, _ = _voigt(x, sigma, gamma)
    return -(factor * v)


def _voigt_sigma(r: Term, x: Term, sigma: Term, gamma: Term) -> Term:
    factor, u, v, _ = _voigt(x, sigma, gamma)
    return -(r / sigma) - factor * (u * x - v * gamma) / sigma


def _lambertw(u: Term, v: Term) -> tuple[Term, Term]:
    """W'(z) = exp(-W) / (1 + W) (4.13.4)."""
    size, one = exp(-u), 1 + u
    under = one * one + v * v
    c, s = cos(v), -sin(v)
    return size * (c * one + s * v) / under, size * (s * one - c * v) / under


def _lambertw_parts(x: Term, y: Term, k: Term, tol: Term) -> tuple[Term, Term]:
    return _lambertw(*(call("_lambertw", x, y, k, tol, result=n) for n in range(2)))


BRANCH = "it numbers the branch"

ROWS: Rows = {
    "erfcx": (_erfcx,),
    "erfi": (lambda r, x: 2 / ROOT_PI * exp(x * x),),
    "erfcinv": (lambda r, y: -ROOT_PI / 2 * exp(r * r),),
    "dawsn": (_dawsn,),
    "ndtri": (lambda r, y: _normal(r),),
    "log_ndtr": (lambda r, x: _hazard(x),),
    "ndtri_exp": (lambda r, y: 1 / _hazard(r),),
    # Owen 1956
    "owens_t": (lambda r, h, a: -0.5 / math.sqrt(2 * math.pi) * exp(h * h * -0.5) * erf(a * h * math.sqrt(0.5)),
                lambda r, h, a: exp(h * h * (1 + a * a) * -0.5) / (2 * math.pi * (1 + a * a))),
    "voigt_profile": (_voigt_x, _voigt_sigma, _voigt_gamma),
    "wofz": [(lambda r, x, y: _wofz(x, y)[0], lambda r, x, y: -_wofz(x, y)[1]),
             (lambda r, x, y: _wofz(x, y)[1], lambda r, x, y: _wofz(x, y)[0])],
    "expi": (lambda r, x: exp(x) / x,),  # 6.2.5
    "exp1": (lambda r, x: -(exp(-x) / x),),  # 6.2.1
    "_scaled_exp1": (lambda r, x: r / x + r - 1,),  # x exp(x) E1(x)
    "expn": (ORDER, _lower_order),
    "sici": [(lambda r, x: _cardinal(sin(x), x),), (lambda r, x: cos(x) / x,)],  # 6.2.9, 6.2.11
    "shichi": [(lambda r, x: _cardinal(sinh(x), x),), (lambda r, x: cosh(x) / x,)],  # 6.2.15, 6.2.16
    "fresnel": [(lambda r, x: sin(x * x * (math.pi / 2)),), (lambda r, x: cos(x * x * (math.pi / 2)),)],  # 7.2.7, 7.2.8
    "spence": (_spence,),
    "_lambertw": [(lambda r, *z: _lambertw_parts(*z)[0], lambda r, *z: -_lambertw_parts(*z)[1], BRANCH, BRANCH),
                  (lambda r, *z: _lambertw_parts(*z)[1], lambda r, *z: _lambertw_parts(*z)[0], BRANCH, BRANCH)],
    "wrightomega": (lambda r, x: r / (1 + r),),
}
