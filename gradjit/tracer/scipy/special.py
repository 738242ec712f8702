"""scipy.special's functions that are written in Python."""

from __future__ import annotations

import functools
import math
from collections.abc import Callable
from typing import Any

import numpy as np

from ...errors import ArgumentError
from ...ir.ops.special_functions import found
from .. import operands as o
from ..locations import fail
from ..numpy.common import array, call, full_like
from ..numpy.complex_numbers import joined, values
from ..operands import TracedArray, cast, emit, static_int

Rule = Callable[..., Any]


def ufunc(name: str, *args: Any) -> Any:
    """One of SciPy's ufuncs on operands as the user gave them."""
    return call(found(name), *args)


def _where(mask: Any, x: Any, y: Any) -> Any:
    return np.where(mask, x, y)


# zeta, factorials -----------------------------------------------------------------------------------------------------
def zeta(x, q=None):
    """Riemann's function, or Hurwitz's of x and q."""
    return ufunc("_riemann_zeta", x) if q is None else ufunc("_zeta", x, q)


def factorial(n, exact=False, extend="zero"):
    """The gamma function of n + 1; 0 for negative n."""
    if exact or extend != "zero":
        o.unsupported("scipy.special.factorial", "exact=True, extend='complex'")
    x = o.as_traced(n)
    x = x if x.ir_dtype.is_float else cast(x, np.float64)
    return _where(x < 0, 0.0, ufunc("gamma", _where(x < 0, 0.0, x) + 1.0)).astype(x.dtype)


def comb(N, k, *, exact=False, repetition=False):
    """Binomial coefficients; 0 outside of 0 <= k <= N."""
    if exact:
        o.unsupported("scipy.special.comb", "exact=True of what is not known while tracing")
    N, k = array(N), array(k)
    if repetition:
        return _where((k == 0) & (N >= 0), 1.0, ufunc("binom", N + k - 1, k))
    return _where((k <= N) & (N >= 0) & (k >= 0), ufunc("binom", N, k), 0.0)


def perm(N, k, exact=False):
    """k things of N in order; 0 outside of 0 <= k <= N."""
    if exact:
        o.unsupported("scipy.special.perm", "exact=True of what is not known while tracing")
    N, k = array(N), array(k)
    return _where((k <= N) & (N >= 0) & (k >= 0), ufunc("poch", N - k + 1, k), 0.0)


# complex results ------------------------------------------------------------------------------------------------------
def lambertw(z, k=0, tol=1e-8):
    """The solution w of w exp(w) = z of branch k."""
    x, branch = o.broadcast(o.as_traced(z), cast(o.as_traced(k), np.int64))
    re, im = values(cast(x, np.complex128)) if x.ir_dtype.is_complex else (cast(x, np.float64), None)
    parts = (re, full_like(0, re) if im is None else im, branch, full_like(tol, re))
    return joined(*(emit("special_call", *parts, function="_lambertw", result=n) for n in range(2)))


def wofz(x: TracedArray, dtype: Any = None) -> TracedArray:
    """Faddeeva's function of a real number: exp(-x²) + 2i/sqrt(pi) D(x) with Dawson's integral (7.5.1)."""
    if x.ir_dtype.is_complex:
        o.unsupported("scipy.special.wofz", "of complex numbers")
    x = cast(x, np.float64)
    return joined(o.as_traced(np.exp(-(x * x))), ufunc("dawsn", x) * (2 / math.sqrt(math.pi)))


def _hankel(sign: int, scaled: bool) -> Rule:
    """J ± iY (10.4.3), scaled by exp(∓ix)."""
    def rule(v: TracedArray, x: TracedArray, dtype: Any = None) -> TracedArray:
        first, second = ufunc("jv", v, x), sign * ufunc("yv", v, x)
        if scaled:
            c, s = np.cos(x), -sign * np.sin(x)
            first, second = first * c - second * s, first * s + second * c
        return joined(first, second)

    return rule


def kelvin(x: TracedArray, dtype: Any = None) -> tuple[TracedArray, ...]:
    """ber + i bei, ker + i kei, and their derivatives."""
    pairs = (("ber", "bei"), ("ker", "kei"), ("berp", "beip"), ("kerp", "keip"))
    return tuple(joined(ufunc(re, x), ufunc(im, x)) for re, im in pairs)


def sph_harm_y(n, m, theta, phi, *, diff_n=0):
    """exp(i m phi) times the normalised Legendre function of cos(theta) (14.30.1)."""
    if diff_n != 0:
        o.unsupported("scipy.special.sph_harm_y", "diff_n=")
    radius = _spherical_legendre(n, m, theta)
    angle = static_int(m, "m") * array(phi)
    return joined(*(o.as_traced(radius * f(angle)) for f in (np.cos, np.sin)))


# Legendre functions ---------------------------------------------------------------------------------------------------
def legendre_p(n, z, *, diff_n=0):
    if diff_n != 0:
        o.unsupported("scipy.special.legendre_p", "diff_n=")
    return ufunc("eval_legendre", n, cast(o.as_traced(z), np.float64))[np.newaxis]


def sph_legendre_p(n, m, theta, *, diff_n=0):
    if diff_n != 0:
        o.unsupported("scipy.special.sph_legendre_p", "diff_n=")
    return _spherical_legendre(n, m, theta)[np.newaxis]


def _spherical_legendre(n: Any, m: Any, theta: Any) -> Any:
    """The Legendre function of cos(theta), normalised on the sphere; without the axis of derivatives that SciPy's
    functions put in front."""
    theta = cast(array(theta), np.float64)
    n, m = static_int(n, "n"), static_int(m, "m")
    if abs(m) > n:
        return 0.0 * np.cos(theta)
    norm = math.sqrt((2 * n + 1) / (4 * math.pi) * math.factorial(n - abs(m)) / math.factorial(n + abs(m)))
    sign = (-1) ** m if m < 0 else 1
    return sign * norm * ufunc("lpmv", float(abs(m)), float(n), np.cos(theta))


def assoc_legendre_p(n, m, z, *, branch_cut=2, norm=False, diff_n=0):
    if diff_n != 0 or branch_cut != 2:
        o.unsupported("scipy.special.assoc_legendre_p", "diff_n=, branch_cut=")
    n, m = static_int(n, "n"), static_int(m, "m")
    z = cast(array(z), np.float64)
    if abs(m) > n:
        return 0.0 * z[np.newaxis]
    size = abs(m)
    factor = (-1) ** m * math.factorial(n - size) / math.factorial(n + size) if m < 0 else 1.0
    if norm:
        factor *= math.sqrt((2 * n + 1) / 2 * math.factorial(n - m) / math.factorial(n + m))
    return factor * ufunc("lpmv", float(size), float(n), z)[np.newaxis]


# Bessel functions -----------------------------------------------------------------------------------------------------
def _spherical(name: str, sign: int, below: int, above: int) -> Rule:
    """The function at |z|, with its symmetry; its derivative by the neighbouring orders (10.51.1, 10.51.4)."""
    def rule(n, z, derivative=False):
        x = o.as_traced(z)
        x = x if x.ir_dtype.is_float else cast(x, np.float64)
        size = _where(x >= 0, x, -x) if sign else x
        if derivative:
            lower = _where(np.equal(n, 0), 0.0, ufunc(name, np.maximum(np.subtract(n, 1), 0), size))
            value = (below * np.multiply(n, lower) + above * (np.add(n, 1)) * ufunc(name, np.add(n, 1), size)) / (
                np.multiply(2, n) + 1)
        else:
            value = ufunc(name, n, size)
        if not sign:
            return o.as_traced(value).astype(x.dtype)
        mirrored = np.where(np.equal(np.mod(n, 2), 0), sign, -sign) * (-1 if derivative else 1)
        return _where(x >= 0, value, mirrored * value).astype(np.float64)

    return rule


def _derivative(name: str, phase: int, sign: int) -> Rule:
    """The n-th derivative, from 2**-n times a sum of orders v - n, v - n + 2, ..., v + n (10.6.7, 10.29.5)."""
    def rule(v, z, n=1):
        n = static_int(n, "n")
        if n < 0:
            fail(ArgumentError, f"scipy.special.{name}p: n must not be negative, but is {n}")
        terms = [math.comb(n, k) * phase ** k * ufunc(name, np.subtract(v, n - 2 * k), z) for k in range(n + 1)]
        return sign ** n * functools.reduce(np.add, terms) / 2.0 ** n

    return rule


# small ones -----------------------------------------------------------------------------------------------------------
def diric(x, n):
    """sin(n x/2) / (n sin(x/2)); ±1 where x is a multiple of 2 pi."""
    n = static_int(n, "n")
    x = cast(array(x), np.float64)
    if n <= 0:
        return full_like(np.nan, x)
    under = np.sin(x / 2)
    tiny = np.abs(under) < 1e-7
    odd = np.mod(np.rint(x / (2 * np.pi)) * (n - 1), 2) != 0
    return _where(tiny, _where(odd, -1.0, 1.0), np.sin(n * x / 2) / (n * _where(tiny, 1.0, under)))


def lmbda(v, x):
    o.unsupported("scipy.special.lmbda", "write scipy.special.jv with the factor that you need")


UFUNCS: dict[str, Rule] = {
    "wofz": wofz, "hankel1": _hankel(1, False), "hankel1e": _hankel(1, True), "hankel2": _hankel(-1, False),
    "hankel2e": _hankel(-1, True), "kelvin": kelvin,
}
"""Ufuncs that give complex numbers of real ones: with the operands as they come."""

_BASIC, _MULTI = "scipy.special._basic", "scipy.special._multiufuncs"

RULES: dict[tuple[str, str], Rule] = {
    **{("scipy.special._ufuncs", name): rule for name, rule in UFUNCS.items()},
    (_BASIC, "zeta"): zeta, (_BASIC, "factorial"): factorial, (_BASIC, "comb"): comb, (_BASIC, "perm"): perm,
    (_BASIC, "diric"): diric, (_BASIC, "jvp"): _derivative("jv", -1, 1), (_BASIC, "yvp"): _derivative("yv", -1, 1),
    (_BASIC, "ivp"): _derivative("iv", 1, 1), (_BASIC, "kvp"): _derivative("kv", 1, -1), (_BASIC, "lmbda"): lmbda,
    ("scipy.special._lambertw", "lambertw"): lambertw,
    **{("scipy.special._spherical_bessel", f"spherical_{kind}"): _spherical(f"_spherical_{kind}", sign, below, above)
       for kind, sign, below, above in (("jn", 1, 1, -1), ("yn", -1, 1, -1), ("in", 1, 1, 1), ("kn", 0, -1, -1))},
    (_MULTI, "legendre_p"): legendre_p, (_MULTI, "sph_legendre_p"): sph_legendre_p,
    (_MULTI, "assoc_legendre_p"): assoc_legendre_p, (_MULTI, "sph_harm_y"): sph_harm_y,
}
