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
    with pytest.raises(UnsupportedError, match="Radau"):
        gj.jit(lambda y: sq.solve_ivp(prey, (0.0, 1.0), y, "Radau").y)(START)
    with pytest.raises(UnsupportedError, match="events="):
        gj.jit(lambda y: sq.solve_ivp(prey, (0.0, 1.0), y, events=[lambda t, y: y[0]]).y)(START)
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
