"""scipy.interpolate.CloughTocher2DInterpolator, and griddata by cubics, inside compiled functions."""

from __future__ import annotations

import numpy as np
import pytest
import scipy.interpolate as si

import gradjit as gj

POINTS = np.random.default_rng(0).random((12, 2))
Z = np.sin(3 * POINTS[:, 0]) + POINTS[:, 1] ** 2
PLACES = np.array([[0.4, 0.5], [0.5, 0.6], [0.45, 0.3]])
OUTSIDE = si.CloughTocher2DInterpolator(POINTS, Z)

CASES = {
    "by values": (lambda z: si.CloughTocher2DInterpolator(POINTS, z)(PLACES), Z),
    "by several values": (lambda z: si.CloughTocher2DInterpolator(POINTS, z)(PLACES), np.stack([Z, Z**2], axis=1)),
    "by places": (lambda q: OUTSIDE(q), PLACES), "by coordinates": (lambda q: OUTSIDE(q[:, 0], q[:, 1]), PLACES),
    "griddata": (lambda z: si.griddata(POINTS, z, PLACES, method="cubic"), Z),
    "by both": (lambda q: si.CloughTocher2DInterpolator(POINTS, Z * q[0, 0])(q), PLACES),
}


@pytest.mark.parametrize("name", CASES)
def test_values_and_gradients(name):
    """SciPy finds the slopes at the points to 1e-6."""
    f, x = CASES[name]
    wanted = f(x)
    weights = np.arange(1.0, wanted.size + 1).reshape(wanted.shape)
    value, gradient = gj.value_and_grad(lambda x: np.sum(weights * f(x)))(x)
    assert value == pytest.approx(np.sum(weights * wanted), abs=1e-6)
    expected = np.zeros(x.shape)
    for k in np.ndindex(x.shape):
        step = np.zeros(x.shape)
        step[k] = 1e-5
        expected[k] = np.sum(weights * (f(x + step) - f(x - step))) / 2e-5
    np.testing.assert_allclose(gradient, expected, atol=2e-6)


def test_outside_of_all_triangles_and_refusals():
    assert np.isnan(gj.jit(lambda q: OUTSIDE(q))(np.array([[3.0, 3.0]]))).all()
    second = gj.hessian(lambda q: np.sum(OUTSIDE(q[None])))(PLACES[0])
    slope = gj.grad(lambda q: np.sum(OUTSIDE(q[None])))
    step = np.array([1e-5, 0.0])
    np.testing.assert_allclose(second[0], (slope(PLACES[0] + step) - slope(PLACES[0] - step)) / 2e-5, atol=1e-5)
    with pytest.raises(gj.UnsupportedError, match="points that are known"):
        gj.jit(lambda p: si.CloughTocher2DInterpolator(p, Z)(PLACES))(POINTS)
