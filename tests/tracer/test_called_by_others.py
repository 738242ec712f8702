"""What a solver, gj.vmap or a derivative within a program calls changes nothing around it; nor do any() and all() move
on an iterator that others have."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import integrate, optimize

import gradjit as gj


class Counter:
    n = 0


def by_name(run, x):
    k = 0

    def counted(*args):
        nonlocal k
        k += 1
        return run.of(x, *args)
    return run(x, counted) + k


def by_list(run, x):
    log = []

    def counted(*args):
        log.append(1.0)
        return run.of(x, *args)
    return run(x, counted) + len(log)


def by_dict(run, x):
    found = {"n": 0}

    def counted(*args):
        found["n"] += 1
        return run.of(x, *args)
    return run(x, counted) + found["n"]


def by_attribute(run, x):
    c = Counter()

    def counted(*args):
        c.n += 1
        return run.of(x, *args)
    return run(x, counted) + c.n


class Run:
    def __init__(self, run, of):
        self.run, self.of = run, of

    def __call__(self, x, f):
        return self.run(x, f)


RUNS = {
    "minimize": Run(lambda x, f: np.sum(optimize.minimize(f, np.zeros(2)).x), lambda x, v: np.sum((v - x) ** 2)),
    "brentq": Run(lambda x, f: optimize.brentq(f, -5, 5), lambda x, v: v - x[0]),
    "least_squares": Run(lambda x, f: np.sum(optimize.least_squares(f, np.zeros(2)).x), lambda x, v: v - x),
    "vmap": Run(lambda x, f: np.sum(gj.vmap(f)(x)), lambda x, v: v * 2),
    "grad": Run(lambda x, f: np.sum(gj.grad(f)(x)), lambda x, v: np.sum((v - x) ** 2)),
}
WAYS = (by_name, by_list, by_dict, by_attribute)
x = np.array([0.5, 1.3])


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("name", RUNS)
def test_state_around_is_refused(name, way):
    with pytest.raises(gj.TraceError, match=r"counted, which (a solver|gj.vmap|is differentiated)"):
        gj.jit(lambda x: way(RUNS[name], x))(x)


def integrated(method):
    def run(x, f):
        if method == "odeint":
            return np.sum(integrate.odeint(f, x, [0.0, 1.0], tfirst=True))
        return np.sum(integrate.solve_ivp(f, (0, 1), x, method=method).y[:, -1])
    return Run(run, lambda x, t, y: -x * y)


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("method", ["Radau", "BDF", "LSODA", "odeint"])
def test_calls_that_are_not_scipys_are_not_counted(method, way):
    with pytest.raises(gj.TraceError, match=r"counted, which this solver calls at other times than SciPy's does"):
        gj.jit(lambda x: way(integrated(method), x))(x)


@pytest.mark.parametrize("way", [by_dict, by_attribute])
def test_calls_that_are_scipys_are_counted(way):
    f = lambda x: way(integrated("RK45"), x)
    assert gj.jit(f)(x) == pytest.approx(f(x), rel=1e-12)


def test_state_of_its_own_is_not():
    def f(x):
        def sums(v):
            parts, k = [], 0
            for i in range(2):
                parts.append((v[i] - x[i]) ** 2)
                k += 1
            return sum(parts) * k
        return np.sum(optimize.minimize(sums, np.zeros(2)).x)

    np.testing.assert_allclose(gj.jit(f)(x), 1.8, rtol=1e-6)
    np.testing.assert_allclose(gj.grad(f)(x), [1, 1], rtol=1e-6)


def shared(x):
    it = iter([1.0, 2.0, 3.0])
    return any(x[0] < v for v in it) + sum(it)


def shared_within(x):
    it = iter([1.0, 2.0, 3.0])
    return any(x[0] < v for v, _ in zip(it, [1, 2, 3], strict=True)) + sum(it)


def passed_on(x):
    def less(it):
        for v in it:
            yield x[0] < v
    it = iter([1.0, 2.0, 3.0])
    return any(less(it)) + sum(it)


@pytest.mark.parametrize("f", [shared, shared_within, passed_on])
def test_a_shared_iterator_is_refused(f):
    with pytest.raises(gj.TraceError, match="iterator that others have"):
        gj.jit(f)(x)


@pytest.mark.parametrize("f", [
    lambda x: any(x[0] < v for v in [0.1, 2.0]), lambda x: all(x[0] * a < b for a, b in zip([1], [2], strict=True)),
    lambda x: any(x[k] < v for k, v in enumerate([0.1, 2.0])), lambda x: any(x[0] < v for v in map(float, [0, 1])),
])
def test_iterators_of_its_own_are_not(f):
    assert bool(gj.jit(f)(x)) == bool(f(x))
