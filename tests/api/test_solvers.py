"""scipy.optimize inside compiled functions, as people call it: constraints, robust losses, linear programs, fits with
options, and what results tell. Values against SciPy, derivatives against differences and each other."""

from __future__ import annotations

import numpy as np
import pytest
import scipy.optimize as so

import gradjit as gj

X = np.linspace(0, 1, 20)
Y = np.exp(-1.3 * X) + 0.01 * np.cos(9 * X)
OUTLIER = Y + 0.5 * (np.arange(20) == 5)
TIGHT = {"xtol": 1e-12, "ftol": 1e-12, "gtol": 1e-12}
SUM = np.array([1.0, 3.0])


def residuals(p, s):
    return p[0] * np.exp(-p[1] * X) - OUTLIER * s


def curve(x, a, b):
    return a * np.exp(-b * x)


def bowl(t, s):
    return np.sum((t - s) ** 2) + t[0] ** 4


def slope(t, s):
    return 2 * (t - s) + 4 * t[0] ** 3 * np.array([1, 0])


def system(t, s):
    return [t[0] ** 2 + t[1] - s, t[0] - t[1] ** 2]


def squares(s, **options):
    return so.least_squares(residuals, [1.0, 1.0], args=(s,), **(TIGHT | options))


def under(s, constraints, method="SLSQP", f=bowl, **options):
    found = so.minimize(f, np.full(2, 0.3), (s,), method=method, constraints=constraints, **({"tol": 1e-12} | options))
    return found.x @ SUM


def program(s, **options):
    return so.linprog([-1 * s, -2], A_ub=[[1, 1], [1, 3]], b_ub=np.array([4, 6]) * s, **options)


LINE = {"type": "eq", "fun": lambda t: t[0] + 2 * t[1] - 1}
HALF = {"type": "ineq", "fun": lambda t: 1 - t[0] - t[1]}
FAR = {"type": "ineq", "fun": lambda t: t[0] + 5}
PLANE = np.array([[1.0, 2.0]])
STEEL = np.vander(X, 3)
CASES = {
    # least squares
    **{f"least_squares, {loss}": lambda s, loss=loss: np.sum(squares(s, loss=loss, f_scale=0.1).x)
       for loss in ("soft_l1", "huber", "cauchy", "arctan")},
    "least_squares, own loss": lambda s: np.sum(squares(s, f_scale=0.1, loss=lambda z: np.stack([
        2 * (np.sqrt(1 + z) - 1), (1 + z) ** -0.5, -0.5 * (1 + z) ** -1.5])).x),
    "least_squares, bounds": lambda s: np.sum(squares(s, bounds=([0, 0], [np.inf, 1.1])).x),
    "least_squares, loss and bounds": lambda s: np.sum(squares(s, loss="huber", bounds=([0, 0], [np.inf, 1.1])).x),
    "least_squares, Bounds": lambda s: np.sum(squares(s, bounds=so.Bounds([0, 0], np.array([5, 1.3]) * s)).x),
    "least_squares, kwargs": lambda s: np.sum(so.least_squares(residuals, [1.0, 1.0], kwargs={"s": s}, **TIGHT).x),
    "least_squares, cost": lambda s: squares(s, loss="soft_l1", f_scale=0.1).cost,
    "least_squares, jac and fun": lambda s: np.sum(squares(s).jac) + squares(s).fun @ X,
    "leastsq": lambda s: np.sum(so.leastsq(residuals, [1.0, 1.0], args=(s,), xtol=1e-12)[0]),
    "leastsq, covariance": lambda s: np.sum(so.leastsq(residuals, [1.0, 1.0], args=(s,), xtol=1e-12, epsfcn=1e-12,
                                                       full_output=True)[1][0]),
    "lsq_linear": lambda s: so.lsq_linear(STEEL, OUTLIER * s, bounds=(-0.5, 0.7)).x @ np.arange(3.0),
    "isotonic": lambda s: so.isotonic_regression(OUTLIER * s).x @ X,
    "isotonic, decreasing": lambda s: so.isotonic_regression(OUTLIER * s, increasing=False).x @ X,
    # fits
    "curve_fit, bounds": lambda s: np.sum(so.curve_fit(curve, X, Y * s, p0=[1, 1], bounds=(0, [3, 5]))[0]),
    "curve_fit, bounds alone": lambda s: np.sum(so.curve_fit(curve, X, Y * s, bounds=([0, 0], [3, np.inf]))[0]),
    "curve_fit, loss": lambda s: np.sum(so.curve_fit(curve, X, OUTLIER * s, method="trf", loss="soft_l1", f_scale=0.1,
                                                     **TIGHT)[0]),
    "curve_fit, errors": lambda s: np.sum(np.sqrt(np.diag(so.curve_fit(curve, X, OUTLIER * s, maxfev=900)[1]))),
    "curve_fit, correlated": lambda s: np.sum(so.curve_fit(curve, X, OUTLIER * s, sigma=0.1 * np.eye(20) + 0.01)[0]),
    "curve_fit, jac": lambda s: np.sum(so.curve_fit(curve, X, OUTLIER * s, jac=lambda x, a, b: np.stack(
        [np.exp(-b * x), -a * x * np.exp(-b * x)], axis=1), full_output=True)[0]),
    # constraints
    "SLSQP, equation": lambda s: under(s, LINE),
    "SLSQP, two sides": lambda s: under(s, [HALF, FAR]),
    "SLSQP, said twice": lambda s: under(s, [HALF, {"type": "ineq", "fun": lambda t: 2 - 2 * t[0] - 2 * t[1]}]),
    "SLSQP, inactive": lambda s: under(s, FAR),
    "SLSQP, traced": lambda s: under(1.0, {"type": "eq", "fun": lambda t, a: t @ t - a, "args": (s,)},
                                     f=lambda t, a: np.sum((t - [2, 1]) ** 2) * a),
    "SLSQP, bounds": lambda s: under(1.0, [{"type": "eq", "fun": lambda t: t[0] + t[1] - s}],
                                     bounds=[(0, None), (None, 0.3)]),
    "SLSQP, jac": lambda s: under(s, {**HALF, "jac": lambda t: np.array([-1.0, -1.0])}, jac=slope),
    "LinearConstraint": lambda s: under(s, so.LinearConstraint(PLANE, 1, s + 0.2)),
    "NonlinearConstraint": lambda s: under(s, so.NonlinearConstraint(lambda t: t @ t, 0.1, 0.5)),
    "trust-constr": lambda s: under(s, so.NonlinearConstraint(lambda t: t @ t, -np.inf, 0.5), "trust-constr",
                                    tol=1e-10),
    "fmin_slsqp": lambda s: so.fmin_slsqp(bowl, np.zeros(2), args=(s,), acc=1e-13, iprint=0,
                                          eqcons=[lambda t, s: t[0] + 2 * t[1] - 1]) @ SUM,
    # linear programs
    "linprog, value": lambda s: program(s).fun,
    "linprog, corner": lambda s: program(s).x @ SUM,
    "linprog, prices": lambda s: program(s).ineqlin.marginals @ SUM,
    "linprog, equations": lambda s: so.linprog([1.0, 2, 3], A_eq=[[1, s, 1], [s, 0.2, 2]], b_eq=[1, s],
                                               bounds=[(0, 5), (0.1, None), (None, None)]).x @ np.arange(3.0),
    # others
    "minimize, scalar start": lambda s: so.minimize(lambda x: (x[0] - s) ** 2, 1.0, tol=1e-12).x[0],
    "minimize, hessp": lambda s: so.minimize(
        bowl, np.zeros(2), (s,), method="trust-ncg", jac=slope, tol=1e-12,
        hessp=lambda t, p, s: np.diag([2 + 12 * t[0] ** 2, 2.0]) @ p).x @ SUM,
    "minimize, what it tells": lambda s: (lambda r: r.x[0] + np.sum(r.jac) if r.success or r.nit > 1 else s)(
        so.minimize(bowl, np.ones(2), (s,), jac=slope, tol=1e-10)),
    "fmin_l_bfgs_b": lambda s: so.fmin_l_bfgs_b(lambda t: (bowl(t, s), slope(t, s)), np.zeros(2), factr=10)[0] @ SUM,
    "fminbound": lambda s: so.fminbound(lambda t: (t - s) ** 2 + t**4, 0, 2, xtol=1e-10),
    "brent": lambda s: so.brent(lambda t: (t - s) ** 2 + t**4),
    "differential_evolution": lambda s: so.differential_evolution(lambda t: bowl(t, s), [(-2, 2), (-2, 2)], seed=0,
                                                                  tol=1e-10, maxiter=40).x @ SUM,
    "brentq, report": lambda s: (lambda found: found[0] * found[1].converged)(
        so.brentq(lambda t: t**3 - s, 0, 2, full_output=True)),
    "fsolve, scalar start": lambda s: so.fsolve(lambda t: t**3 - s, 1.0)[0],
    "fsolve, report": lambda s: (lambda x, info, ier, text: np.sum(x) if ier == 1 else s)(
        *so.fsolve(system, [1, 0.5], (s,), full_output=True)),
    "newton_krylov": lambda s: np.sum(so.newton_krylov(lambda t: np.array(system(t, s)), [1.0, 0.5], f_tol=1e-10)),
}


@pytest.mark.filterwarnings("ignore:delta_grad")
@pytest.mark.thinned
@pytest.mark.parametrize("name", CASES)
def test_solver(name):
    f, at, h = CASES[name], 0.83, 1e-4
    value, slope = gj.value_and_grad(f)(at)
    assert value == pytest.approx(f(at), rel=1e-5)
    assert slope == pytest.approx((f(at + h) - f(at - h)) / (2 * h), rel=2e-3, abs=1e-4)
    assert gj.jvp(f, (at,), (1.0,))[1] == pytest.approx(slope, rel=1e-9, abs=1e-12)


def test_second_order_under_a_constraint():
    at_circle = lambda s: so.minimize(lambda t: t[0] + s * t[1], [-0.5, -0.5], method="SLSQP", tol=1e-14,
                                      constraints={"type": "eq", "fun": lambda t: t @ t - 1}).x[0]
    assert at_circle(0.5) == pytest.approx(-((1 + 0.25) ** -0.5), rel=1e-7)
    assert gj.grad(gj.grad(at_circle))(0.5) == pytest.approx(1.25**-1.5 - 3 * 0.25 * 1.25**-2.5, rel=1e-5)


def test_portfolio():
    cov = np.array([[0.1, 0.02, 0.0], [0.02, 0.2, 0.01], [0.0, 0.01, 0.3]])

    def weights(c):
        return so.minimize(lambda w: w @ c @ w, np.full(3, 1 / 3), method="SLSQP", bounds=[(0, 1)] * 3, tol=1e-14,
                           constraints=({"type": "eq", "fun": lambda w: np.sum(w) - 1},)).x[0]

    def inverse(c):
        c = np.linalg.inv((c + c.T) / 2)
        return np.sum(c[0]) / np.sum(c)

    np.testing.assert_allclose(gj.grad(weights)(cov), gj.grad(inverse)(cov), rtol=1e-4, atol=1e-5)


def test_a_program_without_solution():
    @gj.jit
    def solved(b):
        found = so.linprog([1.0, 1.0], A_ub=[[1.0, 1.0]], b_ub=[b])
        return found.x, found.success

    x, success = solved(-1.0)
    assert np.isnan(x).all()
    assert not success


def test_what_results_do_not_tell():
    with pytest.raises(gj.UnsupportedError, match=r"\.hess_inv of the result of scipy.optimize.minimize in "):
        gj.grad(lambda s: so.minimize(bowl, np.zeros(2), (s,)).hess_inv[0, 0])(1.0)
    with pytest.raises(gj.ArgumentError, match="got a dictionary with 'fn'"):
        gj.grad(lambda s: so.minimize(bowl, np.zeros(2), (s,), constraints=[{"fn": 1}]).x[0])(1.0)
    with pytest.raises(gj.UnsupportedError, match="evolution of a traced function does not take polish="):
        gj.grad(lambda s: so.differential_evolution(lambda t: bowl(t, s), [(0, 1)] * 2, polish=False).x[0])(1.0)


ROWS, ENDS = np.array([[1.0, 1.0], [2.0, 1.0]]), np.array([4.3, 6.2])
WHOLE = {
    "x": lambda c: so.milp(-c, constraints=so.LinearConstraint(ROWS, ub=ENDS * c[0]), integrality=[1, 0],
                           bounds=so.Bounds(0, 5)).x @ SUM,
    "value": lambda c: so.milp(-c, constraints=(ROWS, -np.inf, ENDS * c[1]), integrality=[1, 0]).fun,
    "several": lambda c: so.milp(-c, constraints=[so.LinearConstraint(ROWS[:1] * c[1], -np.inf, ENDS[:1]),
                                                  so.LinearConstraint(ROWS[1:], -np.inf, ENDS[1:] * c[0])],
                                 integrality=np.array([0, 1])).fun,
    "from below": lambda c: so.milp(c, constraints=so.LinearConstraint(ROWS, ENDS * c[0], np.inf)).fun,
    "all whole": lambda c: so.milp(-c, constraints=so.LinearConstraint(ROWS, ub=ENDS), integrality=1).fun,
    "linprog": lambda c: so.linprog(-c, A_ub=ROWS, b_ub=ENDS * c[0], integrality=[1, 0]).fun,
    "semicontinuous": lambda c: so.milp(c, constraints=so.LinearConstraint(ROWS, ENDS * c[0], np.inf),
                                        integrality=[2, 0], bounds=so.Bounds([0.1, 0], [3, 9])).fun,
    "none": lambda c: so.milp(-c, constraints=so.LinearConstraint(ROWS, ub=-ENDS * c[0]), integrality=1).status * c[0],
}


@pytest.mark.parametrize("name", WHOLE)
def test_programs_with_whole_numbers(name):
    f, c = WHOLE[name], np.array([1.0, 0.8])
    value, slope = gj.value_and_grad(f)(c)
    assert value == pytest.approx(f(c), rel=1e-12)
    assert slope == pytest.approx([(f(c + h) - f(c - h)) / 2e-6 for h in 1e-6 * np.eye(2)], rel=1e-6, abs=1e-7)
