"""`gj.implicit`, and scipy.optimize's solvers: derivatives of what an equation defines."""

from __future__ import annotations

import numpy as np
import pytest
import scipy.optimize as so

import gradjit as gj

A, B = np.array([[2.0, 1.0], [0.5, 3.0]]), np.array([1.0, 2.0])


@gj.implicit(lambda x, a: x**2 - a)
def root(a):
    x = 1.0 + 0.0 * a
    while np.abs(x * x - a) > 1e-13:
        x = 0.5 * (x + a / x)
    return x


def test_a_number():
    value, slope = gj.value_and_grad(root)(4.0)
    assert (value, slope) == (pytest.approx(2.0), pytest.approx(0.25))
    assert gj.jvp(root, (4.0,), (2.0,))[1] == pytest.approx(0.5)
    assert gj.grad(gj.grad(root))(4.0) == pytest.approx(-0.25 * 4**-1.5)
    assert gj.grad(gj.grad(gj.grad(root)))(4.0) == pytest.approx(0.375 * 4**-2.5)
    assert root(4.0) == pytest.approx(2.0)


def test_batches_and_loops():
    np.testing.assert_allclose(gj.vmap(gj.grad(root))(np.array([1.0, 4.0])), [0.5, 0.25])

    def total(a):
        s = 0.0
        for i in range(1, 40):
            s += root(a * i)
        return s

    i = np.arange(1, 40)
    value, slope = gj.value_and_grad(total)(2.0)
    assert value == pytest.approx(np.sum(np.sqrt(2.0 * i)))
    assert slope == pytest.approx(np.sum(i / (2 * np.sqrt(2.0 * i))))


def test_what_the_residual_reads_from_outside():
    def loss(s):
        b = 2 * s

        def solve():
            x = 0.5
            for _ in range(200):
                x = x - 0.5 * (x - np.cos(x * b))
            return x

        return gj.implicit(lambda x: np.cos(x * b) - x, solve)() * s

    h = 1e-5
    assert gj.grad(loss)(0.4) == pytest.approx((loss(0.4 + h) - loss(0.4 - h)) / (2 * h), rel=1e-8)


def test_arrays_and_containers():
    solve = gj.primitive(lambda M, b: {"x": np.linalg.solve(M, b), "s": float(np.sum(b))},
                         out=lambda M, b: {"x": b, "s": b[0]})
    system = gj.implicit(lambda u, M, b: [M @ u["x"] - b, u["s"] - np.sum(b)], solve)
    gm, gb = gj.grad(lambda M, b: np.sum(system(M, b)["x"] * [1.0, 2.0]) * system(M, b)["s"], argnums=(0, 1))(A, B)
    x, w = np.linalg.solve(A, B), np.array([1.0, 2.0])
    adjoint = np.linalg.solve(A.T, w)
    np.testing.assert_allclose(gm, -np.outer(adjoint, x) * 3)
    np.testing.assert_allclose(gb, adjoint * 3 + w @ x)


def test_what_is_wrong():
    with pytest.raises(gj.ShapeError, match="gives 2 numbers for 1 unknowns"):
        gj.grad(gj.implicit(lambda x, a: np.array([x, a]), lambda a: a * 2))(1.0)
    with pytest.raises(gj.DifferentiationError, match="real numbers"):
        gj.grad(lambda a: gj.implicit(lambda x, a: x - a, lambda a: np.int64(3))(a) * a)(1.0)
    with pytest.raises(TypeError, match="gj.implicit takes a residual"):
        gj.implicit(3)


# SciPy's solvers ------------------------------------------------------------------------------------------------------
X = np.linspace(0, 1, 20)
Y = np.exp(-1.3 * X) + 0.01 * np.cos(9 * X)
TIGHT = {"xtol": 1e-12, "ftol": 1e-12, "gtol": 1e-12}


def bowl(t, s):
    return np.sum((t - s) ** 2) + t[0] ** 4


def system(t, s):
    return [t[0] ** 2 + t[1] - s, t[0] - t[1] ** 2]


CASES = {
    "brentq": lambda s: so.brentq(lambda t: t**3 - s, 0.0, 2.0),
    "brentq, args": lambda s: so.brentq(lambda t, a: t**3 - a, 0.0, 2.0, args=(s,)),
    "brentq, traced bracket": lambda s: so.brentq(lambda t: t**3 - s, 0.0, s + 1),
    "bisect": lambda s: so.bisect(lambda t: t**3 - s, 0.0, 2.0),
    "ridder": lambda s: so.ridder(lambda t: t**3 - s, 0.0, 2.0),
    "brenth": lambda s: so.brenth(lambda t: t**3 - s, 0.0, 2.0),
    "toms748": lambda s: so.toms748(lambda t: t**3 - s, 0.0, 2.0),
    "newton": lambda s: so.newton(lambda t: t**3 - s, 1.0),
    "newton, fprime": lambda s: so.newton(lambda t: t**3 - s, 1.0, fprime=lambda t: 3 * t * t),
    "root_scalar": lambda s: so.root_scalar(lambda t: t**3 - s, bracket=[0, 2]).root,
    "root": lambda s: np.sum(so.root(system, [1.0, 0.5], args=(s,)).x),
    "root, success": lambda s: so.root(system, [1.0, 0.5], args=(s,)).x[0] if so.root(system, [1.0, 0.5], s).success
    else s,
    "fsolve": lambda s: np.sum(so.fsolve(lambda t: system(t, s), [1.0, 0.5])),
    "fixed_point": lambda s: so.fixed_point(lambda t: np.cos(t * s), 0.7),
    "minimize": lambda s: so.minimize(lambda t: bowl(t, s), np.zeros(2), method="BFGS", tol=1e-10).x[0],
    "minimize, fun": lambda s: so.minimize(bowl, np.zeros(2), (s,), method="BFGS", tol=1e-10).fun,
    "minimize, jac": lambda s: so.minimize(lambda t: bowl(t, s), np.zeros(2), method="BFGS", tol=1e-10,
                                           jac=lambda t: 2 * (t - s) + 4 * t[0] ** 3 * np.array([1, 0])).x[0],
    "minimize, both": lambda s: so.minimize(lambda t: (bowl(t, s), 2 * (t - s) + 4 * t[0] ** 3 * np.array([1, 0])),
                                            np.zeros(2), method="BFGS", tol=1e-10, jac=True).x[0],
    "minimize, bounds": lambda s: np.sum(so.minimize(lambda t: bowl(t, s), np.zeros(2), method="L-BFGS-B", tol=1e-12,
                                                     bounds=[(None, None), (0, 0.5)]).x),
    "minimize, traced bounds": lambda s: np.sum(so.minimize(lambda t: bowl(t, 1.0), np.zeros(2), method="L-BFGS-B",
                                                            tol=1e-12, bounds=[(None, None), (0, s)]).x),
    "minimize_scalar": lambda s: so.minimize_scalar(lambda t: (t - s) ** 2 + t**4).x,
    "least_squares": lambda s: np.sum(so.least_squares(lambda p: p[0] * np.exp(-p[1] * X) - Y * s, [1.0, 1.0],
                                                       **TIGHT).x),
    "fmin": lambda s: so.fmin(lambda t: bowl(t, s), np.zeros(2), disp=False, xtol=1e-10, ftol=1e-12)[0],
    "curve_fit": lambda s: np.sum(so.curve_fit(lambda x, a, b: a * np.exp(-b * x), X, Y * s)[0]),
    "curve_fit, covariance": lambda s: so.curve_fit(lambda x, a, b: a * np.exp(-b * x), X, Y * s)[1][0, 0] * 1e4,
    "nnls": lambda s: np.sum(so.nnls(np.array([[1.0, 0.2], [0.3, 1.0], [0.5, -1]]), np.array([1, 1, 2]) * s)[0]),
    "linear_sum_assignment": lambda s: np.sum(so.linear_sum_assignment(np.array([[s, 1.0], [0.2, 0.3]]))[1] * s),
    "rosen": lambda s: so.rosen(np.array([s, 1.2, s * s])),
    "rosen_der": lambda s: so.rosen_der(np.array([s, 1.2, s * s, 0.3])) @ np.arange(4.0),
    "rosen_hess": lambda s: np.sum(so.rosen_hess(np.array([s, 1.2, s * s, 0.3])) * np.arange(16.0).reshape(4, 4)),
}


@pytest.mark.thinned
@pytest.mark.parametrize("name", CASES)
def test_solver(name):
    f, at, h = CASES[name], 0.4 if "traced bounds" in name else 0.8, 1e-5
    value, slope = gj.value_and_grad(f)(at)
    assert value == pytest.approx(f(at), rel=1e-7)
    assert slope == pytest.approx((f(at + h) - f(at - h)) / (2 * h), rel=5e-4, abs=1e-6)
    assert gj.jvp(f, (at,), (1.0,))[1] == pytest.approx(slope, rel=1e-9)


def test_second_order():
    f = lambda s: so.brentq(lambda t: t**3 - s, 0.0, 2.0)
    assert gj.grad(gj.grad(f))(0.8) == pytest.approx(-2 / 9 * 0.8 ** (-5 / 3), rel=1e-8)


def test_where_nothing_is_traced_scipy_is_called():
    assert gj.jit(lambda x: so.brentq(lambda t: t**3 - 2.0, 0.0, 2.0) * x)(1.0) == pytest.approx(2 ** (1 / 3))


def test_what_solvers_refuse():
    with pytest.raises(ValueError, match="different signs"):
        gj.grad(lambda s: so.brentq(lambda t: t**3 + s, 0.0, 2.0))(1.0)
    with pytest.raises(gj.UnsupportedError, match="scipy.optimize.fmin_cg of a traced function does not take retall"):
        gj.grad(lambda s: so.fmin_cg(lambda t: bowl(t, s), np.zeros(2), retall=1)[0][0])(1.0)
    with pytest.raises(gj.ArgumentError, match="brentq: missing a required argument"):
        gj.jit(lambda s: so.brentq(lambda t: t - s, 0.0))(1.0)
