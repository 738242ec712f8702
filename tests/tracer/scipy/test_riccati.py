"""Riccati's equations: values against SciPy, derivatives against differences and each other."""

from __future__ import annotations

import numpy as np
import pytest
import scipy.linalg as sl

import gradjit as gj

A, B = np.array([[0.0, 1.0], [-1.0, -0.3]]), np.array([[0.0], [1.0]])
STEP, W = np.eye(2) + 0.1 * A, np.array([[1.0, 2.0], [2.0, 5.0]])
SOLVE = {"continuous": (sl.solve_continuous_are, A), "discrete": (sl.solve_discrete_are, STEP)}


@pytest.mark.parametrize("kind", SOLVE)
def test_riccati(kind):
    solve, a = SOLVE[kind]

    def cost(s):
        return np.sum(W * solve(a * s, B, np.eye(2) * s, [[2.0 * s**2]]))

    h = 1e-5
    value, slope = gj.value_and_grad(cost)(0.8)
    assert value == pytest.approx(cost(0.8))
    assert slope == pytest.approx((cost(0.8 + h) - cost(0.8 - h)) / (2 * h), rel=1e-7)
    assert gj.jvp(cost, (0.8,), (1.0,))[1] == pytest.approx(slope)
    h = 1e-3
    curvature = (cost(0.8 + h) - 2 * cost(0.8) + cost(0.8 - h)) / h**2
    assert gj.grad(gj.grad(cost))(0.8) == pytest.approx(curvature, rel=1e-4)


def test_the_gain_of_a_regulator():
    """The gradient of a quadratic regulator's gain by the weight of the control."""
    gain = lambda r: (B.T @ sl.solve_continuous_are(A, B, np.eye(2), r) / r)[0, 1]
    slope = gj.grad(lambda r: gain(np.reshape(r, (1, 1))))(1.5)
    at = lambda r: gain(np.array([[r]]))
    assert slope == pytest.approx((at(1.5001) - at(1.4999)) / 2e-4, rel=1e-6)
