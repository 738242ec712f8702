"""scipy.integrate's solvers: SciPy's own steps, and derivatives by values, parameters and times."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import scipy.integrate as sq

import gradjit as gj
from gradjit.errors import UnsupportedError

START = np.array([1.2, 0.7])


def prey(t: Any, y: Any, a: Any = 1.0) -> Any:
    return [a * y[0] - 0.5 * y[0] * y[1], -y[1] + 0.3 * y[0] * y[1]]


def at_times(y: Any, a: Any, end: Any) -> Any:
    return sq.solve_ivp(prey, (0.0, end), y, t_eval=[0.0, 1.0, 2.5], args=(a,), rtol=1e-10, atol=1e-10).y


def at_steps(y: Any, a: Any, end: Any) -> Any:
    return sq.solve_ivp(lambda t, r: np.array(prey(t, r, a)), (0.0, end), y, rtol=1e-10, atol=1e-10).y[:, -1]


def by_odeint(y: Any, a: Any, end: Any) -> Any:
    return sq.odeint(prey, y, np.linspace(0.0, 1.0, 4) * end, (a,), rtol=1e-11, atol=1e-11, tfirst=True)


@pytest.mark.parametrize("f", [at_times, at_steps])
def test_the_steps_are_those_of_scipy(f: Any) -> None:
    np.testing.assert_allclose(gj.jit(f)(START, 0.8, 3.0), f(START, 0.8, 3.0), rtol=1e-12)


@pytest.mark.slow
@pytest.mark.parametrize("method", ["RK23", "DOP853"])
def test_methods_forward_and_back_in_time(method: str) -> None:
    def f(y: Any) -> Any:
        return [sq.solve_ivp(prey, span, y, method, t_eval=times, rtol=1e-5).y
                for span, times in (((0.0, 4.0), np.linspace(0, 4, 9)), ((1.0, -1.0), np.linspace(1, -1, 5)))]

    for got, expected in zip(gj.jit(f)(START), f(START), strict=True):
        np.testing.assert_allclose(got, expected, rtol=1e-11)


@pytest.mark.parametrize("f", [at_times, at_steps, pytest.param(by_odeint, marks=pytest.mark.slow)])
def test_gradients(f: Any) -> None:
    weights = np.random.default_rng(0).uniform(0.5, 1.5, np.shape(f(START, 0.8, 3.0)))

    def total(y: Any, a: Any, end: Any) -> Any:
        return np.sum(weights * f(y, a, end))

    got = gj.grad(total, argnums=(0, 1, 2))(START, 0.8, 3.0)
    h = 1e-4
    for k, step in enumerate(((np.array([h, 0]), 0, 0), (0, h, 0), (0, 0, h))):
        up, down = (total(START + s * step[0], 0.8 + s * step[1], 3.0 + s * step[2]) for s in (1, -1))
        np.testing.assert_allclose(np.ravel(got[k])[0], (up - down) / (2 * h), rtol=1e-5, atol=1e-6)
    tangent = gj.jvp(total, (START, 0.8, 3.0), (np.ones(2), 1.0, 1.0))[1]
    np.testing.assert_allclose(tangent, np.sum(got[0]) + got[1] + got[2], rtol=1e-9)


def test_what_is_refused() -> None:
    with pytest.raises(UnsupportedError, match="'Radau', 'BDF'"):
        gj.jit(lambda y: sq.solve_ivp(prey, (0.0, 1.0), y, "Euler").y)(START)
    with pytest.raises(UnsupportedError, match="with lband="):
        gj.jit(lambda y: sq.solve_ivp(prey, (0.0, 1.0), y, "Radau", lband=1).y)(START)
    with pytest.raises(ValueError, match="2 elements"):
        gj.jit(lambda y: sq.solve_ivp(lambda t, y: y[:1], (0.0, 1.0), y).y)(START)
    with pytest.raises(RuntimeError, match="step size"):
        gj.jit(lambda y: sq.solve_ivp(lambda t, y: y * y, (0.0, 3.0), y).y[:, -1])(START)


def falling(height: Any, speed: Any, floor: Any) -> Any:
    """Until it reaches the floor: when, how fast, and at which step."""
    def lands(t: Any, y: Any, floor: Any) -> Any:
        return y[0] - floor

    lands.terminal, lands.direction = True, -1  # type: ignore[attr-defined]
    found = sq.solve_ivp(lambda t, y, _: [y[1], -9.81 - 0.1 * y[1] * np.abs(y[1])], (0.0, 20.0), [height, speed],
                         events=lands, args=(floor,), rtol=1e-10, atol=1e-10)
    return np.array([found.t_events[0][0], found.y_events[0][0, 1], found.t[-1], found.y[1, -1], found.status * 1.0])


def test_a_terminal_event() -> None:
    at, along = (3.0, 5.0, 0.5), (0.4, -1.0, 0.7)
    value, tangent = gj.jvp(falling, at, along)
    np.testing.assert_allclose(value, falling(*at), rtol=1e-9)
    ahead, behind = (falling(*(x + h * d for x, d in zip(at, along, strict=True))) for h in (1e-5, -1e-5))
    np.testing.assert_allclose(tangent, (ahead - behind) / 2e-5, rtol=1e-4, atol=1e-9)


def test_an_event_that_does_not_come() -> None:
    def never(y: Any) -> Any:
        def far(t: Any, y: Any) -> Any:
            return y[0] - 1000.0

        far.terminal = True  # type: ignore[attr-defined]
        found = sq.solve_ivp(lambda t, y: -y, (0.0, 1.0), y, "RK23", events=[far])
        return found.y, found.t, len(found.t_events[0]), found.status

    for got, expected in zip(gj.jit(never)(START), never(START), strict=True):
        np.testing.assert_allclose(got, expected, rtol=1e-12)


def test_dense_output() -> None:
    def f(y: Any) -> Any:
        solution = sq.solve_ivp(lambda t, y: -y * y, (0.0, 2.0), y, "RK23", dense_output=True, rtol=1e-7).sol
        return solution(np.array([1.7, 0.2, 2.0]))

    value, tangent = gj.jvp(f, (START,), (np.ones(2),))
    np.testing.assert_allclose(value, f(START), rtol=1e-11)
    times = np.array([1.7, 0.2, 2.0])
    np.testing.assert_allclose(tangent, 1 / (1 + START[:, None] * times) ** 2, rtol=1e-4)


def orbit(y: Any, rate: Any) -> Any:
    """A pendulum: when it passes the middle, and where it turns, until it has slowed down."""
    def middle(t: Any, r: Any) -> Any:
        return r[0]

    def turns(t: Any, r: Any) -> Any:
        return r[1]

    def slow(t: Any, r: Any) -> Any:
        return r[0] ** 2 + r[1] ** 2 - 0.3

    turns.direction, slow.terminal = 1, True  # type: ignore[attr-defined]
    found = sq.solve_ivp(lambda t, r: [r[1], -r[0] - rate * r[1]], (0.0, 30.0), y, events=[middle, turns, slow],
                         rtol=1e-9, atol=1e-9, t_eval=np.linspace(0.0, 30.0, 61))
    return found.t_events[0], found.y_events[1], found.t_events[2], found.t, found.y


@pytest.mark.slow
def test_an_event_that_comes_often_and_one_that_ends() -> None:
    def f(y: Any) -> Any:
        def middle(t: Any, r: Any) -> Any:
            return r[0]

        def slow(t: Any, r: Any) -> Any:
            return r[0] ** 2 + r[1] ** 2 - 0.3

        slow.terminal = True  # type: ignore[attr-defined]
        found = sq.solve_ivp(lambda t, r: [r[1], -r[0] - 0.2 * r[1]], (0.0, 30.0), y, "RK23", events=(middle, slow))
        return found.t_events[0], found.t_events[1], found.y[:, -1]

    for got, expected in zip(gj.jit(f)(START), f(START), strict=True):
        np.testing.assert_allclose(got, expected, rtol=1e-9, atol=1e-9)


@pytest.mark.slow
def test_several_events() -> None:
    for got, expected in zip(gj.jit(orbit)(START, 0.2), orbit(START, 0.2), strict=True):
        np.testing.assert_allclose(got, expected, rtol=1e-7, atol=1e-9)


@pytest.mark.slow
def test_gradients_of_several_events() -> None:
    def total(y: Any, rate: Any) -> Any:
        return sum(np.sum(part) for part in orbit(y, rate))

    got, h = gj.grad(total, argnums=1)(START, 0.2), 1e-5
    np.testing.assert_allclose(got, (total(START, 0.2 + h) - total(START, 0.2 - h)) / (2 * h), rtol=1e-4)


def stiff(y: Any, rate: Any, method: str = "Radau") -> Any:
    found = sq.solve_ivp(lambda t, r: [-rate * (r[0] - np.cos(t)), r[0] - r[1] ** 2], (0.0, 2.0), y, method,
                         rtol=1e-6, atol=1e-8)
    return found.y[:, -1], found.t


@pytest.mark.slow
def test_radau_goes_by_the_steps_of_scipy() -> None:
    (got, mesh), (expected, theirs) = gj.jit(stiff)(START, 1000.0), stiff(START, 1000.0)
    np.testing.assert_allclose(mesh, theirs, rtol=1e-3)  # as far as differences of other lengths are the Jacobian
    np.testing.assert_allclose(got, expected, rtol=1e-7)


@pytest.mark.slow
def test_stiff_methods_and_gradients() -> None:
    def last(y: Any, rate: Any, end: Any, method: str) -> Any:
        return np.sum(sq.solve_ivp(prey, (0.0, end), y, method, args=(rate,), rtol=1e-9, atol=1e-10).y[:, -1] ** 2)

    for method in ("BDF", "LSODA"):
        np.testing.assert_allclose(gj.jit(last)(START, 0.8, 3.0, method), last(START, 0.8, 3.0, method), rtol=1e-6)
    got = gj.grad(last, argnums=(0, 1, 2))(START, 0.8, 3.0, "Radau")
    expected = gj.grad(last, argnums=(0, 1, 2))(START, 0.8, 3.0, "DOP853")
    for g, e in zip(got, expected, strict=True):
        np.testing.assert_allclose(g, e, rtol=1e-6)
    np.testing.assert_allclose(gj.hvp(lambda a: last(START, a[0], 3.0, "Radau"))(np.array([0.8]), np.ones(1)),
                               gj.hvp(lambda a: last(START, a[0], 3.0, "DOP853"))(np.array([0.8]), np.ones(1)),
                               rtol=1e-5)


@pytest.mark.slow
def test_a_jacobian_of_the_users() -> None:
    def decay(y: Any, k: Any) -> Any:
        return sq.solve_ivp(lambda t, r: -k * r, (0.0, 1.0), y, "Radau", jac=lambda t, r: np.diag(-k), rtol=1e-8,
                            atol=1e-10).y[:, -1]

    k = np.array([0.7, 300.0])
    np.testing.assert_allclose(gj.jit(decay)(START, k), START * np.exp(-k), atol=1e-8)
    np.testing.assert_allclose(gj.jacobian(decay, argnums=1)(START, k), np.diag(-START * np.exp(-k)), atol=1e-7)
