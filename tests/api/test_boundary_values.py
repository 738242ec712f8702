"""scipy.integrate.solve_bvp inside compiled functions: SciPy's solution and mesh, derivatives by what holds there."""

from __future__ import annotations

import numpy as np
import pytest
import scipy.integrate as sq

import gradjit as gj

NODES = np.linspace(0.0, 1.0, 5)


def bratu(lam):
    return sq.solve_bvp(lambda x, y: np.vstack((y[1], -lam * np.exp(y[0]))), lambda ya, yb: np.array([ya[0], yb[0]]),
                        NODES, np.zeros((2, 5)), tol=1e-6, max_nodes=100)


def eigenvalue(q):
    guess = np.zeros((2, 5))
    guess[0, 1], guess[0, 3] = 1.0, -1.0
    found = sq.solve_bvp(lambda x, y, p: [y[1], -q * p[0] ** 2 * y[0]], lambda ya, yb, p: [ya[0], yb[0], ya[1] - p[0]],
                         NODES, guess, p=[6.0], tol=1e-6, max_nodes=200)
    return found.p[0]


def interval(length):
    found = sq.solve_bvp(lambda x, y: np.vstack((y[1], -y[0])), lambda ya, yb: np.array([ya[0], yb[0] - 1]),
                         np.linspace(0, length, 5), np.zeros((2, 5)), tol=1e-8, max_nodes=200)
    return found.y[1, 0]


def boundary(end):
    found = sq.solve_bvp(lambda x, y: np.vstack((y[1], 5 * np.sin(y[0]) + x)),
                         lambda ya, yb: np.array([ya[0] - end, yb[0] + end**2]), NODES, np.zeros((2, 5)), tol=1e-6,
                         max_nodes=200)
    return found.sol(0.4)[0] + np.sum(found.sol(np.array([0.1, 0.7]), 1)[0])


@pytest.mark.parametrize("f, at", [(interval, 1.0), *(pytest.param(f, at, marks=pytest.mark.slow) for f, at in (
    (lambda m: np.sum(bratu(m).sol(np.array([0.3, 0.5]))), 1.0), (eigenvalue, 1.3), (boundary, 0.4)))],
                         ids=["interval", "bratu", "eigenvalue", "boundary"])
def test_values_and_derivatives(f, at):
    h = 1e-3
    low, mid, high = f(at - h), f(at), f(at + h)
    value, slope = gj.value_and_grad(f)(at)
    assert value == pytest.approx(mid, rel=1e-9)
    assert slope == pytest.approx((high - low) / (2 * h), rel=1e-4)
    assert gj.jvp(f, (at,), (1.0,))[1] == pytest.approx(slope, rel=1e-9)


@pytest.mark.slow
def test_known_derivatives():
    assert gj.grad(eigenvalue)(1.3) == pytest.approx(-np.pi * 1.3**-1.5, rel=1e-6)
    assert gj.grad(gj.grad(eigenvalue))(1.3) == pytest.approx(1.5 * np.pi * 1.3**-2.5, rel=1e-5)
    assert gj.grad(interval)(1.0) == pytest.approx(-np.cos(1.0) / np.sin(1.0) ** 2, rel=1e-6)


@pytest.mark.slow
def test_the_mesh_is_scipys():
    def parts(lam):
        s = bratu(lam)
        return s.x, s.y, s.yp, s.rms_residuals, s.success, s.status, s.niter

    for got, wanted in zip(gj.jit(parts)(2.0), parts(2.0), strict=True):
        np.testing.assert_allclose(got, wanted, rtol=1e-9, atol=1e-9)
    sine = lambda: sq.solve_bvp(lambda x, y: np.vstack((y[1], -y[0])), lambda a, b: np.array([a[0], b[0] - 1]), NODES,
                                np.zeros((2, 5)))
    assert gj.jit(lambda x: sine().y[1, 0] * x)(2.0) == pytest.approx(2 / np.sin(1), rel=1e-3)


@pytest.mark.parametrize("f, kind, match", [
    (lambda m: sq.solve_bvp(lambda x, y: m * y, lambda a, b: a, NODES, np.zeros((2, 4))).y, gj.ShapeError, "m columns"),
    (lambda m: sq.solve_bvp(lambda x, y: m * y, lambda a, b: a, NODES, np.zeros((2, 5)), S=np.eye(2)).y,
     gj.UnsupportedError, "does not take S="),
    (lambda m: bratu(m).message, gj.UnsupportedError, "solve_bvp in a compiled function is not"),
    (lambda m: bratu(m).sol(0.5, 2), gj.UnsupportedError, "nu=0 and nu=1"),
])
def test_what_is_refused(f, kind, match):
    with pytest.raises(kind, match=match):
        gj.jit(f)(1.0)
