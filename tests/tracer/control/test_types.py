"""The types of what a loop carries: Python's numbers beside NumPy's scalars, of double and single precision."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import gradjit as gj
from gradjit.tracer.control import loop_results

X = np.array([0.3, 1.7, -0.6])
SINGLES = X.astype(np.float32)


def of_doubles(x: Any, y: Any) -> Any:
    total = 0.0
    for v in x:
        total = total + v
    return total


def of_singles(x: Any, y: Any) -> Any:
    total = 0.0
    for v in y:
        total = total + v
    return total


def by_a_single_number(x: Any, y: Any) -> Any:
    t = 0.5
    for i in range(3):
        t = abs(np.float32(1.1)) * t + np.float32(i)
    return t


def of_elements_cast(x: Any, y: Any) -> Any:
    t = 0.1
    for i in range(3):
        t = t + x[i].astype(np.float32)
    return t


def of_captured_singles(x: Any, y: Any) -> Any:
    t = 0.1
    for i in range(3):
        t = t * SINGLES[i] * 1.1
    return t + 0 * x[0]


def in_a_branch(x: Any, y: Any) -> Any:
    z = 1.0
    for i in range(3):
        if x[i] > 0:
            z = z * np.float32(0.3)
    return z * x[0]


def behind(x: Any, y: Any) -> Any:
    t = 0.1
    for i in range(3):
        t = t + x[i]
    return t * np.float32(1.1)


def stays_pythons(x: Any, y: Any) -> Any:
    t, u = 0.1, 1.0
    for i in range(3):
        u = u * 1.1
        t = t + np.sin(u) + float(i)
    return t, u, x[0]


def read_behind_only(x: Any, y: Any) -> Any:
    last, single = 0.0, 0.0
    for i in range(len(x)):
        last = x[i] * 2
        single = y[i] * 2
    return last, single


def becomes_complex(x: Any, y: Any) -> Any:
    z = 0.0
    for i in range(3):
        z = np.exp(1j * z) + x[i]
    return z


def in_while(x: Any, y: Any) -> Any:
    t = 0.1
    while t < 3.0:
        t = t * 1.5 + x[1] * 0.1
    return t


def in_a_container(x: Any, y: Any) -> Any:
    state = {"s": 1.0, "x": x}
    for _ in range(25):
        state = {"s": state["s"] * 0.9, "x": state["x"] * 0.5}
    return state["s"], state["x"][0]


def by_a_function(x: Any, y: Any) -> Any:
    t = 1.0
    for _ in range(25):
        t = damped(t)
    return t, x[0]


def damped(t: float) -> float:
    return t * 0.9


def of_integers(x: Any, y: Any) -> Any:
    total = 0.0
    for k in np.arange(4):
        total = total + k
    return total + x[0]


PROGRAMS = [of_doubles, of_singles, by_a_single_number, of_elements_cast, of_captured_singles, in_a_branch, behind,
            in_a_container, by_a_function, stays_pythons, read_behind_only, becomes_complex, in_while, of_integers]


def kinds(results: Any) -> list[tuple[Any, ...]]:
    """Classes and dtypes; Python's floats come back as NumPy's, which are floats, too."""
    found = results if isinstance(results, tuple) else (results,)
    return [(type(r), r.dtype) for r in (np.float64(r) if type(r) is float else r for r in found)]


@pytest.mark.parametrize("f", PROGRAMS, ids=lambda f: f.__name__)
@pytest.mark.parametrize("backend", ["native", "interpreter"])
def test_types_are_pythons(f: Any, backend: Any) -> None:
    expected, found = f(X, SINGLES), gj.jit(f, backend=backend)(X, SINGLES)
    assert kinds(found) == kinds(expected)
    for a, b in zip(np.atleast_1d(found), np.atleast_1d(expected), strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-7 if b.dtype.itemsize in (4,) else 1e-14)


def test_what_is_read_behind_the_loop_alone_asks_for_no_second_attempt(monkeypatch: pytest.MonkeyPatch) -> None:
    attempts = 0
    run = loop_results.LoopResults.run

    def counted(end: Any) -> None:
        nonlocal attempts
        attempts += 1
        run(end)

    monkeypatch.setattr(loop_results.LoopResults, "run", counted)
    gj.jit(lambda x: read_behind_only(x, x))(np.linspace(0.1, 1.0, 200))
    assert attempts == 1
