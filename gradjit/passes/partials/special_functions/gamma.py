"""The gamma function and its kin: DLMF 5, 8, 25."""

from __future__ import annotations

import math

from ..terms import Term, call, cos, digamma, exp, gammaln, log, sin, where, xlog1py, xlogy
from .rows import Rows
from .shapes import gamma_shape


# gamma, beta ----------------------------------------------------------------------------------------------------------
def _rgamma(r: Term, x: Term) -> Term:
    """-psi(x) / Gamma(x) (5.2.2). Left of 1/2, where psi has poles, the derivative of the reflection
    1 / Gamma(x) = Gamma(1 - x) sin(pi x) / pi (5.5.3), which has none."""
    left = x < 0.5
    z = where(left, x, 0)
    angle = math.pi * z
    reflected = call("gamma", 1 - z) * (cos(angle) - digamma(1 - z) * sin(angle) / math.pi)
    return where(left, reflected, -(digamma(where(left, 1, x)) * r))


def _psi_between(x: Term, y: Term) -> Term:
    return digamma(x) - digamma(y)


# incomplete ones ------------------------------------------------------------------------------------------------------
def gamma_density(a: Term, x: Term) -> Term:
    """x**(a - 1) exp(-x) / Gamma(a): the derivative of P(a, x) (8.8.13)."""
    return exp(xlogy(a - 1, x) - x - gammaln(a))


def beta_density(a: Term, b: Term, x: Term) -> Term:
    """x**(a - 1) (1 - x)**(b - 1) / B(a, b): the derivative of I_x(a, b) (8.17.1)."""
    return exp(xlogy(a - 1, x) + xlog1py(b - 1, -x) - call("betaln", a, b))


# zeta -----------------------------------------------------------------------------------------------------------------
_BERNOULLI = (1 / 6, -1 / 30, 1 / 42, -1 / 30, 5 / 66, -691 / 2730, 7 / 6, -3617 / 510, 43867 / 798, -174611 / 330)
_TERMS = 10


def _zeta_by_exponent(s: Term, q: Term) -> Term:
    """The derivative of Euler's and Maclaurin's sum for zeta(s, q) (25.11.5 with 2.10.1), term by term."""
    total = s.like(0)
    for k in range(_TERMS):
        total = total - log(q + k) * exp(-(s * log(q + k)))
    w = q + _TERMS
    height = log(w)
    power = exp(-(s * height))
    total = total - power * w / (s - 1) * (height + 1 / (s - 1)) - 0.5 * height * power
    rising, slope, factor = s, s.like(1), power / w  # s (s + 1) ... and its derivative; w**(-s - 2j + 1)
    for j, number in enumerate(_BERNOULLI, 1):
        c = number / math.factorial(2 * j)
        total = total + c * factor * (slope - rising * height)
        for k in (2 * j - 1, 2 * j):
            rising, slope = rising * (s + k), slope * (s + k) + rising
        factor = factor / (w * w)
    return total


def _zeta(r: Term, s: Term) -> Term:
    """Left of 0, where the sum cancels, the derivative of the reflection
    zeta(s) = 2 (2 pi)**(s-1) sin(pi s/2) Gamma(1 - s) zeta(1 - s) (25.4.1)."""
    left = s < 0
    z = where(left, s, -1)
    across, angle = 1 - z, z * (math.pi / 2)
    slope = _zeta_by_exponent(where(left, across, s), s.like(1))
    outer = 2 * exp((z - 1) * math.log(2 * math.pi) + gammaln(across))
    waves = math.pi / 2 * cos(angle) * call("_riemann_zeta", across) - sin(angle) * slope
    return where(left, r * (math.log(2 * math.pi) - digamma(across)) + outer * waves, slope)


ROWS: Rows = {
    "gamma": (lambda r, x: r * digamma(x),),  # 5.2.2
    "loggamma": (lambda r, x: digamma(x),),
    "rgamma": (_rgamma,),
    "beta": (lambda r, a, b: r * _psi_between(a, a + b), lambda r, a, b: r * _psi_between(b, a + b)),  # 5.12.1
    "betaln": (lambda r, a, b: _psi_between(a, a + b), lambda r, a, b: _psi_between(b, a + b)),
    "poch": (lambda r, z, m: r * _psi_between(z + m, z), lambda r, z, m: r * digamma(z + m)),  # 5.2.5
    "binom": (lambda r, n, k: r * _psi_between(n + 1, n - k + 1),  # 1.2.6
              lambda r, n, k: r * _psi_between(n - k + 1, k + 1)),
    "gammainc": (lambda r, a, x: gamma_shape(a, x), lambda r, a, x: gamma_density(a, x)),
    "gammaincc": (lambda r, a, x: -gamma_shape(a, x), lambda r, a, x: -gamma_density(a, x)),
    # Inverses: x'(y) = 1 / P'(x), and P_a + P' x'(a) = 0.
    "gammaincinv": (lambda r, a, y: -(gamma_shape(a, r) / gamma_density(a, r)),
                    lambda r, a, y: 1 / gamma_density(a, r)),
    "gammainccinv": (lambda r, a, y: -(gamma_shape(a, r) / gamma_density(a, r)),
                     lambda r, a, y: -1 / gamma_density(a, r)),
    "zetac": (lambda r, x: _zeta(r + 1, x),),
    "_riemann_zeta": (_zeta,),
    "_zeta": (lambda r, s, q: _zeta_by_exponent(s, q), lambda r, s, q: -(s * call("_zeta", s + 1, q))),  # 25.11.17
}
