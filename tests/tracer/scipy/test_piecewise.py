"""scipy.interpolate's piecewise polynomials: through traced samples, at traced places, and those made outside."""

from __future__ import annotations

import numpy as np
import pytest
import scipy.interpolate as si

import gradjit as gj
from gradjit.errors import UnsupportedError
from tests.tracer.scipy.calls import Call, check_gradients, check_values

G = np.linspace(-1, 1, 9) ** 3 * 0.5 + np.linspace(-1, 1, 9)
Y = np.cos(3 * G) + G
PLACES = np.array([-0.7, -0.2, 0.3, 0.55, 0.85, 1.7])
CUBIC = si.CubicSpline(G, Y)
SHAPED = si.PchipInterpolator(G, np.stack([Y, Y**2, np.exp(Y)], 1))
AKIMA = si.Akima1DInterpolator(G, Y)

CALLS: list[Call] = [
    lambda y, m: si.CubicSpline(G, y)(m), lambda y, m: si.CubicSpline(G, y, bc_type="natural")(m, 1),
    lambda y, m: si.CubicSpline(G, y, bc_type=((1, 0.3), (2, -0.4)))(m), lambda y, m: si.PchipInterpolator(G, y)(m),
    lambda y, m: si.CubicSpline(G, y, bc_type="clamped").derivative(2)(m), lambda y, m: CUBIC(m, nu=2),
    lambda y, m: si.CubicSpline(G, y).integrate(-0.3, m[2]), lambda y, m: si.CubicSpline(G, y).antiderivative()(m),
    lambda y, m: si.PchipInterpolator(G, np.stack([y, 2 * y]), axis=1)(m),
    lambda y, m: CUBIC(m), lambda y, m: SHAPED(m),
    lambda y, m: si.Akima1DInterpolator(G, y)(m[:5]), lambda y, m: si.Akima1DInterpolator(G, y, method="makima")(m[:5]),
    lambda y, m: AKIMA(m[:5]), lambda y, m: CUBIC.integrate(m[0], m[1]),
    lambda y, m: si.CubicSpline(G + 0.01 * y, y)(m),
    lambda y, m: si.CubicHermiteSpline(G, y, y**2)(m), lambda y, m: si.CubicSpline(G, y)(np.reshape(m, (2, 3))),
]


@pytest.mark.slow
def test_values_and_gradients() -> None:
    check_values(CALLS, [Y, PLACES], 1e-10)
    check_gradients(CALLS, [Y, PLACES])


def test_bad_arguments() -> None:
    with pytest.raises(ValueError, match="strictly increasing"):
        gj.jit(lambda y: si.CubicSpline(G[::-1].copy(), y)(0.1))(Y)
    with pytest.raises(UnsupportedError, match="periodic"):
        gj.jit(lambda y: si.CubicSpline(G, y, bc_type="periodic")(0.1))(Y)
    bernstein = si.BPoly([[1.0], [2.0], [4.0]], [0.0, 1.0])
    with pytest.raises(UnsupportedError, match="BPoly"):
        gj.jit(lambda t: bernstein(t))(0.3)


def test_a_spline_from_outside_is_watched() -> None:
    spline = si.CubicSpline(G, Y)
    f = gj.jit(lambda t: spline(t))
    assert f(1.7) == pytest.approx(float(spline(1.7)))
    spline.c = spline.c * 2
    assert f(0.3) == pytest.approx(float(spline(0.3)))
    spline.extrapolate = False
    assert np.isnan(f(1.7))
