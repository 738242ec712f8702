"""What the polynomials of gradjit.codegen.vecmath approximate, where, and to which measure of error.

`python -m tests.vecmath.fits [NAME ...]` prints the tables as they stand in the source.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from typing import Any

import mpmath
from mpmath import mpf

from gradjit.codegen.vecmath import gamma, special, trigonometric
from tests.vecmath.minimax import PRECISION, Fit, fit


def _series(term: Callable[[int], Any], terms: int = 70) -> Callable[[Any], Any]:
    """The power series with the coefficients term(0), term(1), ..."""
    with mpmath.workprec(PRECISION):
        coefficients = [term(k) for k in range(terms)][::-1]
    return lambda x: mpmath.polyval(coefficients, x)


def _both(f: Callable[[Any], Any], weight: Callable[[Any], Any], low: Any, high: Any, terms: tuple[int, int]
          ) -> dict[int, Fit]:
    """The fits for float64 and float32, by the bits of their significands."""
    return {bits: Fit(f, weight, low, high, count, bits) for bits, count in zip((53, 24), terms, strict=True)}


# exponentials, logarithms, powers -------------------------------------------------------------------------------------
with mpmath.workprec(PRECISION):
    _LN2 = mpmath.log(2)
    _HALF_LN2 = _LN2 / 2 * mpf("1.0001")  # rounding to the nearest multiple may miss by as much
    _ROOT = mpmath.sqrt(2)
    _S_SQUARE = (_ROOT - 1) ** 4 * mpf("1.0001")

_EXP_TAIL = _series(lambda k: 1 / mpmath.factorial(k + 2))
_EXP2 = _series(lambda k: _LN2 ** (k + 1) / mpmath.factorial(k + 1))
_LOG2 = _series(lambda k: 2 / ((2 * k + 1) * _LN2))

# name in gradjit.codegen.vecmath -> fits; what is approximated stands beside each table in the source
TABLES: dict[str, dict[int, Fit]] = {
    "exponential.TAIL": _both(_EXP_TAIL, lambda r: r * r / abs(mpmath.expm1(r)), -_HALF_LN2, _HALF_LN2, (10, 5)),
    "exponential.TAIL_LONG": _both(_EXP_TAIL, lambda r: r * r / abs(mpmath.expm1(r)), -_HALF_LN2, _HALF_LN2, (11, 6)),
    "exponential.EXP2": _both(_EXP2, lambda r: abs(r) / 2**r, -mpf(0.5), mpf(0.5), (11, 6)),
    "exponential.COSH": _both(
        _series(lambda k: 1 / mpmath.factorial(2 * k + 2)), lambda z: z, 0, _HALF_LN2**2, (5, 3)),
    "exponential.SINH": _both(
        _series(lambda k: 1 / mpmath.factorial(2 * k + 3)), lambda z: z, 0, _HALF_LN2**2, (5, 2)),
    "logarithm.ATANH": _both(_series(lambda k: mpf(2) / (2 * k + 3)), lambda z: z / 2, 0, _S_SQUARE, (7, 3)),
    "power.ATANH_FROM_5TH": {53: Fit(_series(lambda k: mpf(2) / (2 * k + 5)), lambda z: z * z / 2, 0, _S_SQUARE, 8)},
    "power.LOG2_SINGLE": {53: Fit(_LOG2, lambda z: 1 / _LOG2(z), 0, _S_SQUARE, 5)},
    "power.EXP2_SINGLE": {53: Fit(lambda r: mpf(2) ** r, lambda r: mpf(2) ** -r, -mpf("0.501"), mpf("0.501"), 7)},
    "power.INVERSE_CBRT": _both(lambda f: mpmath.cbrt(1 / (1 + f)), lambda f: mpmath.cbrt(1 + f),
                                1 / _ROOT - 1, _ROOT - 1, (5, 4)),
}


# trigonometric and special functions ----------------------------------------------------------------------------------
def _over_argument(fn: Callable[[Any], Any], at_0: Callable[[Any], Any]) -> Callable[[Any], Any]:
    """s -> fn(sqrt(s)) / sqrt(s) for an odd function; `at_0` takes over where the quotient would lose its digits."""
    def quotient(s: Any) -> Any:
        return at_0(s) if s < mpf(2) ** -100 else fn(mpmath.sqrt(s)) / mpmath.sqrt(s)
    return quotient


def _less_1(quotient: Callable[[Any], Any], at_0: Callable[[Any], Any]) -> Callable[[Any], Any]:
    """s -> (quotient(s) - 1) / s."""
    return lambda s: at_0(s) if s < mpf(2) ** -60 else (quotient(s) - 1) / s


def _scaled_erfc(x: Any) -> Any:
    return mpmath.erfc(x) * mpmath.exp(x * x)


def _erfinv_of(t: Any) -> Any:
    """erfinv(1 - e**(-t**2)), by Newton's iteration on log(erfc)."""
    y = t * mpf("0.9")
    for _ in range(60):
        rest = mpmath.erfc(y)
        step = (mpmath.log(rest) + t * t) * rest * mpmath.exp(y * y) * mpmath.sqrt(mpmath.pi) / 2
        y += step
        if abs(step) < mpf(2) ** -230:
            break
    return y


def _erfinv_tail(u: Any) -> Any:
    return _erfinv_of(1 / u - 2) / (1 / u - 2)


def _without_zeros(fn: Callable[[Any], Any], zeros: Callable[[Any], Any], near: Callable[[Any], Any]
                   ) -> Callable[[Any], Any]:
    """fn / zeros; `near` takes over beside the zero."""
    return lambda x: near(x) if abs(zeros(x)) < mpf(2) ** -60 else fn(x) / zeros(x)


def _far(remainder: Callable[[Any], Any], first: Any) -> Callable[[Any], Any]:
    """y -> remainder(1/sqrt(y)), and its limit at 0."""
    return lambda y: first if y < mpf(10) ** -14 else remainder(1 / mpmath.sqrt(y))


def _about(f: Callable[[Any], Any], weight: Callable[[Any], Any], low: Any, high: Any, centre: float, terms: int,
           bits: int = 53) -> dict[int, Fit]:
    """A fit in powers of x - centre."""
    return {bits: Fit(lambda v: f(v + centre), lambda v: weight(v + centre), low - centre, high - centre, terms, bits)}


def _relative(f: Callable[[Any], Any]) -> Callable[[Any], Any]:
    return lambda x: 1 / f(x)


with mpmath.workprec(PRECISION):
    _QUARTER = (mpmath.pi / 4 * mpf("1.0000001")) ** 2  # rounding to the nearest multiple may miss by as much
    _ZERO = mpmath.findroot(mpmath.digamma, 1.46163)
    _GAMMA_AT_2 = 1 - mpmath.euler
    _ERF_AT_0 = 2 / mpmath.sqrt(mpmath.pi)
    _STIRLING_REST = (mpmath.log(2 * mpmath.pi) - 1) / 2
    _TAIL_LOW, _TAIL_HIGH = mpmath.sqrt(mpmath.log(4)), mpmath.sqrt(54 * mpmath.log(2))

_ARCTAN_Z = _over_argument(mpmath.atan, lambda s: 1 - s / 3)
_ARCTAN = _less_1(_ARCTAN_Z, lambda s: -mpf(1) / 3 + s / 5)
_ARCSIN = _less_1(_over_argument(mpmath.asin, lambda s: 1 + s / 6), lambda s: mpf(1) / 6 + 3 * s / 40)
_ERF_Z = _over_argument(mpmath.erf, lambda s: _ERF_AT_0)
_ERFINV_Z = _over_argument(mpmath.erfinv, lambda s: 1 / _ERF_AT_0)
_GAMMA = _without_zeros(mpmath.loggamma, lambda x: (x - 2) * (x - 1), lambda x: _GAMMA_AT_2)
_DIGAMMA = _without_zeros(mpmath.digamma, lambda x: x - _ZERO, lambda x: mpmath.psi(1, _ZERO))
_STIRLING = _far(lambda x: x * (mpmath.loggamma(x) - (x - mpf(1) / 2) * (mpmath.log(x) - 1) - _STIRLING_REST),
                 mpf(1) / 12)
_DIGAMMA_FAR = _far(lambda x: (mpmath.log(x) - 1 / (2 * x) - mpmath.digamma(x)) * x * x, mpf(1) / 12)


def _arctan(which: int, terms: int, bits: int) -> dict[int, Fit]:
    return _about(_ARCTAN, lambda s: s / _ARCTAN_Z(s), 0, 1, trigonometric.ARCTAN_CENTRE[which], terms, bits)


def _erf(which: int, terms: int, bits: int) -> dict[int, Fit]:
    return _about(lambda s: _ERF_Z(s) - 1, _relative(_ERF_Z), 0, mpf("1.1875") ** 2, special.ERF_CENTRE[which], terms,
                  bits)


def _erf_rest(last: int, terms: int, bits: int) -> dict[int, Fit]:
    return _about(lambda u: _scaled_erfc(1 / u - 3) / u, lambda u: u * mpmath.exp(-(1 / u - 3) ** 2),
                  1 / (mpf(last) + 3), 1 / mpf("4.1875"), 0.1875, terms, bits)


def _erfc(which: int, last: str, terms: int, bits: int) -> dict[int, Fit]:
    def f(u: Any) -> Any:
        return _scaled_erfc(1 / u - 2) * (1 / u - mpf("1.5"))
    return _about(f, _relative(f), 1 / (mpf(last) + 2), 1 / mpf("2.75"), special.ERFC_CENTRE[which], terms, bits)


TABLES |= {
    "trigonometric.SIN": _both(
        _series(lambda k: (-1) ** k / mpmath.factorial(2 * k + 3)), lambda s: s, 0, _QUARTER, (6, 3)),
    "trigonometric.COS": _both(
        _series(lambda k: (-1) ** k / mpmath.factorial(2 * k + 4)), lambda s: s * s, 0, _QUARTER, (6, 3)),
    "trigonometric.ARCTAN": _arctan(0, 21, 53) | _arctan(1, 10, 24),
    "trigonometric.ARCSIN": _both(_ARCSIN, lambda s: s, 0, mpf("0.25"), (13, 5)),
    "special.ERF": _erf(0, 13, 53) | _erf(1, 8, 24),
    "special.ERF_REST": _erf_rest(6, 11, 53) | _erf_rest(4, 5, 24),
    "special.ERFC": _erfc(0, "27.5", 23, 53) | _erfc(1, "10.25", 9, 24),
    "special.ERFINV": _about(_ERFINV_Z, _relative(_ERFINV_Z), 0, mpf("0.5625"), special.ERFINV_CENTRE, 23),
    "special.ERFINV_TAIL": _about(_erfinv_tail, _relative(_erfinv_tail), 1 / (_TAIL_HIGH + 2), 1 / (_TAIL_LOW + 2),
                                  special.ERFINV_TAIL_CENTRE, 22),
    "gamma.LOG_GAMMA": _about(_GAMMA, _relative(_GAMMA), mpf("1.25"), mpf("2.25"), gamma.LOG_GAMMA_CENTRE, 21),
    "gamma.STIRLING": {53: Fit(_STIRLING, mpmath.sqrt, 0, 1 / mpf("6.25") ** 2, 8)},
    "gamma.DIGAMMA": _about(_DIGAMMA, _relative(_DIGAMMA), 1, 2, gamma.DIGAMMA_CENTRE, 23),
    "gamma.DIGAMMA_FAR": {53: Fit(_DIGAMMA_FAR, lambda y: y, 0, mpf(1) / 36, 9)},
}


def main(names: list[str]) -> None:
    for name in names or TABLES:
        for bits, task in TABLES[name].items():
            coefficients, error = fit(task)
            print(f"{name}, {bits} bits: error 2**{mpmath.nstr(mpmath.log(error, 2), 4)}")
            print("    " + ", ".join(repr(float(c)) for c in coefficients))


if __name__ == "__main__":
    main(sys.argv[1:])
