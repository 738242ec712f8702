"""scipy.special's functions that are written in Python, or give complex numbers, whose parts are taken."""

from __future__ import annotations

import numpy as np
import pytest
import scipy.special as sp

import gradjit as gj
from gradjit.errors import UnsupportedError
from tests.tracer.scipy.calls import Call, check_gradients, check_values

X = np.array([0.3, 0.9, 2.1, 3.3])
ANGLES = np.array([-0.7, -0.1, 0.4, 0.8])

CALLS: list[Call] = [
    lambda x: sp.zeta(x + 2), lambda x: sp.zeta(3.0, x), lambda x: sp.zeta(x + 2, 1.0), lambda x: sp.zeta(x + 1.1, x),
    lambda x: sp.comb(x + 5, 2), lambda x: sp.comb(x + 5, x), lambda x: sp.comb(x, 2, repetition=True),
    lambda x: sp.perm(x + 5, 2), lambda x: sp.lambertw(x).real, lambda x: sp.lambertw(-x).imag,
    lambda x: sp.lambertw(x, 1).imag, lambda x: sp.wofz(x).real, lambda x: sp.wofz(x).imag,
    lambda x: np.real(sp.wofz(x)), lambda x: sp.hankel1(1.5, x).imag, lambda x: sp.hankel2e(1.5, x).imag,
    lambda x: sp.kelvin(x)[1].real, lambda x: sp.jvp(1, x, 2), lambda x: sp.kvp(1.5, x, 1), lambda x: sp.ivp(1.5, x, 3),
    lambda x: sp.yvp(1, x), lambda x: sp.diric(x, 5), lambda x: sp.diric(x, 4), lambda x: sp.jn(2, x),
    lambda x: sp.softplus(x), lambda x: sp.i0(x), lambda x: sp.airy(x)[2], lambda x: sp.logsumexp(x),
    *(lambda x, f=f, s=s, d=d: f(2, s * x, derivative=d) for f in (sp.spherical_jn, sp.spherical_yn, sp.spherical_in)
      for s in (1, -1) for d in (False, True)),
    *(lambda x, f=f: f(0, x, derivative=True) for f in (sp.spherical_jn, sp.spherical_yn, sp.spherical_in)),
    lambda x: sp.spherical_kn(1, x), lambda x: sp.spherical_kn(1, x, True),
    lambda x: sp.spherical_jn(np.arange(4), x),
]
LEGENDRE: list[Call] = [
    lambda t: sp.sph_harm_y(2, 1, t, 2 * t).real, lambda t: sp.sph_harm_y(3, -2, t, 2 * t).imag,
    lambda t: sp.legendre_p(3, np.tanh(t)), lambda t: sp.sph_legendre_p(3, -1, t), lambda t: sp.sph_legendre_p(1, 2, t),
    *(lambda t, m=m, n=n: sp.assoc_legendre_p(3, m, np.tanh(t), norm=n) for m in (-1, 0, 1, 4) for n in (False, True)),
]


@pytest.mark.parametrize("dtype", [np.float64, np.float32])
def test_values(dtype: type) -> None:
    tolerance = 1e-12 if dtype is np.float64 else 3e-5
    check_values(CALLS, [X.astype(dtype)], tolerance)
    check_values(LEGENDRE, [ANGLES.astype(dtype)], tolerance)


@pytest.mark.slow
def test_gradients() -> None:
    check_gradients(CALLS, [X])
    check_gradients(LEGENDRE, [ANGLES])


def test_special_points() -> None:
    x = np.array([-2.0, 0.0, -1.0, np.inf, np.nan, 5.0])
    check_values([lambda x: sp.comb(x, 2), lambda x: sp.comb(4, x), lambda x: sp.perm(x, 2), lambda x: sp.zeta(x),
                  lambda x: sp.zeta(2.0, x), lambda x: sp.lambertw(x).real, lambda x: sp.spherical_jn(1, x),
                  lambda x: sp.diric(x * np.pi, 3)], [x])


def test_what_gives_complex_numbers() -> None:
    for f in (lambda x: sp.wofz(x) + 1, lambda x: sp.lambertw(x), lambda x: abs(sp.hankel1(1, x))):
        np.testing.assert_allclose(gj.jit(f)(X), f(X), rtol=1e-12)


def test_errors_name_the_function_as_it_is_written() -> None:
    with pytest.raises(UnsupportedError, match=r"scipy\.special\.modfresnelp is not supported"):
        gj.jit(lambda x: sp.modfresnelp(x))(X)
    with pytest.raises(UnsupportedError, match=r"scipy\.special\.zeta: .*out"):
        gj.jit(lambda x: sp.zeta(x, out=x))(X)


def test_lambertw_of_complex_numbers() -> None:
    z = np.array([0.3 + 1j, -0.2 - 0.7j, 2.0 + 0.1j])
    for branch in (0, 1, -1):
        np.testing.assert_array_equal(gj.jit(lambda z, k=branch: sp.lambertw(z, k))(z), sp.lambertw(z, branch))
    d, h = np.array([1 - 1j, 0.5j, 2.0]), 1e-6
    difference = (sp.lambertw(z + h * d) - sp.lambertw(z - h * d)) / (2 * h)
    np.testing.assert_allclose(gj.jvp(sp.lambertw, (z,), (d,))[1], difference, rtol=1e-7)
