"""scipy.interpolate's fitted splines, grids by splines, and scattered points: values against SciPy, derivatives against
differences and each other."""

from __future__ import annotations

import numpy as np
import pytest
import scipy.interpolate as si

import gradjit as gj

X = np.linspace(0, 1, 20)
Y = np.exp(-1.3 * X) + 0.05 * np.cos(9 * X)
G = np.linspace(0, 1, 7)
SURFACE = np.sin(G[:, None] * 3) + G * G * G[:, None]
SOLID = np.sin(G[:, None, None] * 3) + G[None, :, None] * G
P, Q = np.random.default_rng(0).random((30, 2)), np.array([[0.4, 0.5], [0.6, 0.45], [0.5, 0.7]])
V = np.sin(P[:, 0] * 3) + P[:, 1]
AT = np.array([0.31, 0.42])
SMOOTH = si.UnivariateSpline(X, Y, s=0.005)
HELD = si.UnivariateSpline(X, Y, s=0.005, ext=3)
SHEET = si.RectBivariateSpline(G, G, SURFACE)
SCATTERED = si.SmoothBivariateSpline(P[:, 0], P[:, 1], V, s=0.1)
TCK = si.splrep(X, Y, s=0.005)
BETWEEN, NEAREST = si.LinearNDInterpolator(P, V), si.NearestNDInterpolator(P, V)
KNOTS = np.r_[[0] * 4, 0.3, 0.6, [1] * 4]
HERE = np.array([[0.37, 0.61, 0.28], [0.52, 0.12, 0.44]])
CASES = {
    "from outside": lambda s: np.sum(SMOOTH(AT * s)),
    "its slope": lambda s: np.sum(SMOOTH.derivative()(AT * s)) + SMOOTH(0.3 * s, 1),
    "its integral": lambda s: SMOOTH.integral(0.1, 0.5 * s) + SMOOTH.integral(-1.0, 0.5 * s),
    "beyond its ends": lambda s: HELD(1.5 * s) + SMOOTH(1.5 * s) + HELD(0.5 * s),
    "splint": lambda s: si.splint(0.0, 0.5 * s, TCK),
    "splev": lambda s: np.sum(si.splev(AT * s, TCK, der=1)),
    "given knots": lambda s: np.sum(si.LSQUnivariateSpline(X, Y * s, [0.3, 0.6])(AT * s)),
    "least squares": lambda s: np.sum(si.make_lsq_spline(X, Y * s, KNOTS, w=1 + X)(AT * s)),
    "smoothing": lambda s: np.sum(si.make_smoothing_spline(X, Y * s, w=1 + X, lam=1e-3 * s)(AT * s)),
    "through all": lambda s: np.sum(si.UnivariateSpline(X, Y * s, s=0)(AT)),
    "pchip": lambda s: np.sum(si.pchip_interpolate(X, Y * s, AT * s)),
    "surface": lambda s: np.sum(si.RectBivariateSpline(G, G, SURFACE * s)(AT * s, AT)),
    "surface from outside": lambda s: np.sum(SHEET.ev(AT * s, AT)) + np.sum(SHEET(AT * s, [0.5, 0.9 * s])),
    "its partial": lambda s: np.sum(SHEET.ev(AT * s, AT, dx=1)) + np.sum(SHEET(AT, AT * s, dy=1, grid=False)),
    "its volume": lambda s: SHEET.integral(0.1, 0.8 * s, 0.2, 0.7),
    "smoothed surface": lambda s: np.sum(SCATTERED.ev(AT * s, AT)),
    **{f"grid, {m}": lambda s, m=m: np.sum(si.RegularGridInterpolator((G, G, G), SOLID * s, method=m)(HERE * s))
       for m in ("slinear", "cubic", "quintic", "pchip")},
    "triangles": lambda s: np.sum(si.griddata(P, V * s, Q)),
    "moving points": lambda s: np.sum(si.griddata(P * s, V, Q * 0.9)),
    "a grid of points": lambda s: np.nansum(si.griddata(P, V * s, tuple(np.meshgrid(G, G)), fill_value=0.2)),
    "the nearest": lambda s: np.sum(si.griddata(P, V * s, Q, method="nearest")),
    "along a line": lambda s: np.sum(si.griddata(X, Y * s, AT * s)),
    "linear from outside": lambda s: np.sum(BETWEEN(Q * s)),
    "nearest from outside": lambda s: np.sum(NEAREST(Q * s)) * s,
    "two values a point": lambda s: np.sum(si.LinearNDInterpolator(P, np.stack([V, V**2], 1) * s)(Q) @ [1.0, 3.0]),
}


@pytest.mark.thinned
@pytest.mark.parametrize("name", CASES)
def test_case(name):
    f, h = CASES[name], 1e-5
    value, slope = gj.value_and_grad(f)(0.83)
    loose = 100 if name.startswith("grid") else 1  # SciPy's solver iterates
    assert value == pytest.approx(f(0.83), rel=1e-7 * loose)
    assert slope == pytest.approx((f(0.83 + h) - f(0.83 - h)) / (2 * h), rel=1e-5 * loose, abs=1e-7)
    assert gj.jvp(f, (0.83,), (1.0,))[1] == pytest.approx(slope, rel=1e-9, abs=1e-12)


def test_what_is_refused():
    with pytest.raises(gj.UnsupportedError, match="give the knots"):
        gj.jit(lambda y: si.UnivariateSpline(X, y)(0.5))(Y)
