"""Bessel functions and their kin: DLMF 9 (Airy), 10, 11 (Struve)."""

from __future__ import annotations

import math
from collections.abc import Callable

from ..terms import Term, call, exp, sign, sqrt, where
from .rows import ORDER, PARAMETER, Formula, Rows


def _neighbours(name: str, below: float, above: float) -> Formula:
    """below f_{v-1} + above f_{v+1} (10.6.1, 10.29.1)."""
    return lambda r, v, x: below * call(name, v - 1, x) + above * call(name, v + 1, x)


def _ive(r: Term, v: Term, x: Term) -> Term:
    return _neighbours("ive", 0.5, 0.5)(r, v, x) - sign(x) * r


def _kve(r: Term, v: Term, x: Term) -> Term:
    return _neighbours("kve", -0.5, -0.5)(r, v, x) + r


def _second(name: str, first: str, below: float, above: float, scaled: Callable[[Term, Term], Term] | None = None
            ) -> Formula:
    """The derivative of a function of order 1, from those of orders 0 and 2."""
    def formula(r: Term, x: Term) -> Term:
        d = below * call(first, x) + above * call(name, x.like(2), x)
        return d if scaled is None else d + scaled(r, x)

    return formula


# spherical ------------------------------------------------------------------------------------------------------------
def _spherical(name: str, below: float, above: float) -> Formula:
    """(n f_{n-1} - (n+1) f_{n+1}) / (2n + 1), with the signs of the kind (10.51.1, 10.51.4, 10.51.5)."""
    def formula(r: Term, n: Term, x: Term) -> Term:
        order = n.cast(x)
        lower = call(name, where(n.equals(0), n, n - 1), x)
        lower = where(order.equals(0), 0, lower)
        return (below * order * lower + above * (order + 1) * call(name, n + 1, x)) / (2 * order + 1)

    return formula


# Struve ---------------------------------------------------------------------------------------------------------------
def _struve(name: str, below: float, above: float) -> Formula:
    """(H_{v-1} - H_{v+1} + (x/2)**v / (sqrt(pi) Gamma(v + 3/2))) / 2 (11.4.25, 11.4.27)."""
    def formula(r: Term, v: Term, x: Term) -> Term:
        extra = (x * 0.5) ** v * call("rgamma", v + 1.5) * (0.5 / math.sqrt(math.pi))
        return below * call(name, v - 1, x) + above * call(name, v + 1, x) + extra

    return formula


# Airy -----------------------------------------------------------------------------------------------------------------
def _airy(k: int, x: Term) -> Term:
    return call("airy", x, result=k)


def _airye(k: int, factor: float, product: bool) -> Formula:
    """Scaled by exp(factor * 2/3 x sqrt(x)) right of 0, which adds factor sqrt(x) times the function (9.2.1)."""
    def formula(r: Term, x: Term) -> Term:
        right = x > 0
        grown = where(right, factor * sqrt(where(right, x, 1)), 0) * r
        other = call("airye", x, result=k)
        return (x * other if product else other) + grown

    return formula


# Kelvin ---------------------------------------------------------------------------------------------------------------
def _kelvin(other: str, factor: float) -> Formula:
    """The second derivative, by the equation x² w'' + x w' = i x² w (10.61.3)."""
    def formula(r: Term, x: Term) -> Term:
        origin = x.equals(0)
        return factor * call(other, x) - where(origin, 0.5 * factor * call(other, x), r / where(origin, 1, x))

    return formula


def _ratio(r: Term, v: Term, x: Term) -> Term:
    """I_v / I_{v-1}: 1 - r² - (2v - 1) r / x (10.29.2)."""
    return 1 - r * r - (2 * v - 1) * r / x


def _over(numerator: Callable[[Term], Term]) -> Formula:
    return lambda r, x: numerator(x) / x


ROWS: Rows = {
    "jv": (ORDER, _neighbours("jv", 0.5, -0.5)), "yv": (ORDER, _neighbours("yv", 0.5, -0.5)),
    "jve": (ORDER, _neighbours("jve", 0.5, -0.5)), "yve": (ORDER, _neighbours("yve", 0.5, -0.5)),
    "iv": (ORDER, _neighbours("iv", 0.5, 0.5)), "kv": (ORDER, _neighbours("kv", -0.5, -0.5)),
    "kn": (ORDER, _neighbours("kn", -0.5, -0.5)), "yn": (ORDER, _neighbours("yn", 0.5, -0.5)),
    "ive": (ORDER, _ive), "kve": (ORDER, _kve),
    "j0": (lambda r, x: -call("j1", x),), "j1": (_second("jv", "j0", 0.5, -0.5),),
    "y0": (lambda r, x: -call("y1", x),), "y1": (_second("yv", "y0", 0.5, -0.5),),
    "i0": (lambda r, x: call("i1", x),), "i1": (_second("iv", "i0", 0.5, 0.5),),
    "k0": (lambda r, x: -call("k1", x),), "k1": (_second("kv", "k0", -0.5, -0.5),),
    "i0e": (lambda r, x: call("i1e", x) - sign(x) * r,),
    "i1e": (_second("ive", "i0e", 0.5, 0.5, lambda r, x: -(sign(x) * r)),),
    "k0e": (lambda r, x: r - call("k1e", x),), "k1e": (_second("kve", "k0e", -0.5, -0.5, lambda r, x: r),),
    "_spherical_jn": (ORDER, _spherical("_spherical_jn", 1, -1)),
    "_spherical_yn": (ORDER, _spherical("_spherical_yn", 1, -1)),
    "_spherical_in": (ORDER, _spherical("_spherical_in", 1, 1)),
    "_spherical_kn": (ORDER, _spherical("_spherical_kn", -1, -1)),
    "airy": [(lambda r, x: _airy(1, x),), (lambda r, x: x * _airy(0, x),),
             (lambda r, x: _airy(3, x),), (lambda r, x: x * _airy(2, x),)],
    "airye": [(_airye(1, 1, False),), (_airye(0, 1, True),), (_airye(3, -1, False),), (_airye(2, -1, True),)],
    "struve": (ORDER, _struve("struve", 0.5, -0.5)), "modstruve": (ORDER, _struve("modstruve", 0.5, 0.5)),
    "ber": (lambda r, x: call("berp", x),), "bei": (lambda r, x: call("beip", x),),
    "ker": (lambda r, x: call("kerp", x),), "kei": (lambda r, x: call("keip", x),),
    "berp": (_kelvin("bei", -1),), "beip": (_kelvin("ber", 1),),
    "kerp": (_kelvin("kei", -1),), "keip": (_kelvin("ker", 1),),
    "besselpoly": (PARAMETER, PARAMETER, ORDER),
    # 10.46.1: the series, term by term
    "wright_bessel": (PARAMETER, PARAMETER, lambda r, a, b, x: call("wright_bessel", a, a + b, x)),
    "log_wright_bessel": (PARAMETER, PARAMETER,
                          lambda r, a, b, x: exp(call("log_wright_bessel", a, a + b, x) - r)),
    "_iv_ratio": (ORDER, _ratio),
    "_iv_ratio_c": (ORDER, lambda r, v, x: -_ratio(1 - r, v, x)),
    # integrals: 9.10, 10.22, 10.43, 11.7
    "itairy": [(lambda r, x: _airy(0, x),), (lambda r, x: _airy(2, x),), (lambda r, x: _airy(0, -x),),
               (lambda r, x: _airy(2, -x),)],
    "iti0k0": [(lambda r, x: call("i0", x),), (lambda r, x: call("k0", x),)],
    "itj0y0": [(lambda r, x: call("j0", x),), (lambda r, x: call("y0", x),)],
    "it2i0k0": [(_over(lambda x: call("i0", x) - 1),), (_over(lambda x: -call("k0", x)),)],
    "it2j0y0": [(_over(lambda x: 1 - call("j0", x)),), (_over(lambda x: -call("y0", x)),)],
    "itstruve0": (lambda r, x: call("struve", x.like(0), x),),
    "it2struve0": (_over(lambda x: -call("struve", x.like(0), x)),),
    "itmodstruve0": (lambda r, x: call("modstruve", x.like(0), x),),
}
