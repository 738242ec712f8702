"""Callbacks of scipy.optimize's solvers inside compiled functions: SciPy calls them while the program runs."""

from __future__ import annotations

import functools

import numpy as np
import pytest
import scipy.optimize as so

import gradjit as gj

KEPT: list = []
PLACE = np.zeros(1)


def quartic(t, a):
    return np.sum((t - a) ** 4 + (t - 1) ** 2)


class Fit:
    """As people write it: what is fitted and what is kept of it stand in one object."""

    def __init__(self):
        self.count, self.path, self.weights = 0, [], np.array([1.0, 2.0])

    def log(self, x):
        self.count += 1
        self.path.append(x.copy())

    def __call__(self, a):
        found = so.minimize(lambda t: quartic(t, a * self.weights), np.zeros(2), method="BFGS", callback=self.log)
        return found.x.sum()


def of_result(a):
    def callback(intermediate_result):
        KEPT.append(float(intermediate_result.fun))

    return so.minimize(quartic, np.zeros(2), a, callback=callback, method="L-BFGS-B").x.sum()


def stopped(a):
    def callback(x):
        KEPT.append(x)
        if len(KEPT) == 2:
            raise StopIteration

    return so.minimize(quartic, np.zeros(2), a, callback=callback, method="Nelder-Mead").x.sum()


def of_roots(a):
    return so.root(lambda t: t**3 - a, [1.0, 1.0], method="krylov", callback=lambda x, f: KEPT.append(x.copy())).x.sum()


def constrained(a):
    return so.minimize(quartic, np.zeros(2), a, callback=lambda x: KEPT.append(x.copy()), method="SLSQP", tol=1e-12,
                       constraints={"type": "eq", "fun": lambda t: t[0] - 2 * t[1]}).x.sum()


def hopping(a):
    return so.basinhopping(lambda t: quartic(t, a), np.zeros(2), niter=3, rng=0,
                           callback=lambda x, f, is_accepted: KEPT.append(f),
                           accept_test=lambda f_new, x_new, f_old, x_old: bool(f_new < 9)).x.sum()


def evolution(a):
    found = so.differential_evolution(lambda t: quartic(t, a), [(-2, 2)] * 2, rng=0, maxiter=20, popsize=5,
                                      callback=lambda xk, convergence: KEPT.append(xk.copy()))
    return found.x.sum()


def older(a):
    return so.fmin_cg(lambda t: quartic(t, a), np.zeros(2), callback=functools.partial(keep, "cg"), disp=False).sum()


def keep(what, x):
    KEPT.append((what, len(x)))


def of_residuals(a):
    return so.least_squares(lambda t: t**2 - a, np.ones(2), callback=KEPT.append).x.sum()


def slopes(f, at, h=1e-4):
    return (f(at + h) - f(at - h)) / (2 * h)


CASES = [of_result, of_roots, constrained, hopping, evolution, older, of_residuals]


@pytest.mark.parametrize("f", CASES, ids=lambda f: f.__name__)
def test_they_are_called_as_often_as_without_gradjit(f):
    KEPT.clear()
    value, slope = gj.value_and_grad(f)(1.5)
    seen = list(KEPT)
    KEPT.clear()
    assert value == pytest.approx(f(1.5), rel=1e-5)
    assert seen and len(seen) == len(KEPT)
    for x, y in zip(seen, KEPT, strict=True):
        if not isinstance(x, (tuple, dict)):
            np.testing.assert_allclose(x, y, rtol=1e-3, atol=1e-6)
    assert slope == pytest.approx(slopes(f, 1.5), rel=2e-3)


def test_an_object_that_counts():
    fit = Fit()
    value, slope = gj.value_and_grad(fit)(1.5)
    count = fit.count
    assert count > 3 and len(fit.path) == count
    assert fit.path[-1].sum() == pytest.approx(value, rel=1e-5)
    assert slope == pytest.approx(slopes(Fit(), 1.5), rel=1e-3)
    gj.value_and_grad(fit)(1.5)
    assert fit.count == 2 * count


def test_it_may_stop_the_solver():
    KEPT.clear()
    gj.jit(stopped)(1.5)
    assert len(KEPT) == 2


def test_it_is_called_where_nothing_is_traced_too():
    f = gj.jit(lambda a: so.minimize(quartic, np.zeros(2), 1.5, callback=KEPT.append).x.sum() * a)
    KEPT.clear()
    first = f(2.0)
    count = len(KEPT)
    assert count and f(2.0) == first and len(KEPT) == 2 * count


def made_inside(a):
    kept = []
    return so.minimize(quartic, np.zeros(2), a, callback=lambda x: kept.append(x)).x.sum()


def method_of_what_is_made_inside(a):
    kept = []
    return so.minimize(quartic, np.zeros(2), a, callback=kept.append).x.sum()


def computed(a):
    return so.minimize(quartic, np.zeros(2), a, callback=lambda x: print(x - a)).x.sum()


def read_behind(a):
    x = so.minimize(quartic, np.zeros(2), a, callback=lambda x: KEPT.append(x)).x.sum()
    return x * len(KEPT)


def element_read_behind(a):
    def callback(x):
        PLACE[0] += 1

    return so.minimize(quartic, np.zeros(2), a, callback=callback).x.sum() + PLACE[0]


@pytest.mark.parametrize("f, match", [
    (made_inside, "callback= of scipy.optimize.minimize uses kept, which is made by the function around it"),
    (method_of_what_is_made_inside, "uses a list, which is made by the function around it"),
    (computed, "uses a, which is computed by the function around it"),
    (read_behind, "changes what the function reads"), (element_read_behind, "changes what the function reads"),
], ids=lambda x: getattr(x, "__name__", ""))
def test_what_callbacks_cannot_do(f, match):
    with pytest.raises(gj.TraceError, match=match):
        gj.jit(f)(1.5)


class ByName:
    """Its attributes are names of a dictionary."""

    def __getattribute__(self, name):
        return {}[name]


ODD = ByName()


def test_a_callback_may_use_what_answers_no_question():
    seen = []

    def callback(x):
        seen.append(type(ODD).__name__)

    gj.jit(lambda x: so.minimize(lambda v: np.sum((v - x) ** 2), np.zeros(2), callback=callback).x)(np.ones(2))
    assert set(seen) == {"ByName"}
