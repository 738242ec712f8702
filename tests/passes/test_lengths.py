"""The square of a length has the derivatives of the square, of any order, also where the length is 0."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import gradjit as gj

Loss = Callable[[Any], Any]


def of_rows(x: Any) -> Any:
    return np.sum(np.linalg.norm(np.stack([x, 2 * x]), axis=1) ** 2)


def in_another_shape(x: Any) -> Any:
    return np.sum(np.linalg.norm(np.stack([x, 2 * x]), axis=1, keepdims=True) ** 2)


def in_a_loop(x: Any) -> Any:
    total = 0.0
    for k in range(1, 21):
        r = np.sqrt(np.sum((k * x) ** 2))
        total += r * r
    return total


TWICE = sum(k * k for k in range(1, 21))
SQUARES: list[tuple[Loss, Any]] = [
    (lambda x: np.sum(abs(x) ** 2), 1.0), (lambda x: np.sum(abs(x) * abs(x)), 1.0),
    (lambda x: np.sum(np.square(np.abs(x))), 1.0),
    (lambda x: np.sum(np.float_power(np.abs(x), 2)), 1.0), (lambda x: np.linalg.norm(x) ** 2, 1.0),
    (lambda x: np.sqrt(x @ x) ** 2, 1.0), (lambda x: np.square(np.sqrt(np.sum(x * x))), 1.0),
    (lambda x: 3.0 * np.hypot(x[0], x[1]) ** 2, 3.0), (of_rows, 5.0), (in_another_shape, 5.0), (in_a_loop, TWICE),
    (lambda x: np.abs(x[0] + 1j * x[1]) ** 2, 1.0)]


@pytest.mark.parametrize(("f", "factor"), SQUARES)
@pytest.mark.parametrize("at", [(0.0, 0.0), (0.0, 2.0), (-1.5, 0.5)])
def test_derivatives_of_squares(f: Loss, factor: float, at: tuple[float, float]) -> None:
    x = np.array(at)
    value, gradient = gj.value_and_grad(f)(x)
    np.testing.assert_allclose(value, f(x), rtol=1e-14)
    np.testing.assert_allclose(gradient, 2 * factor * x, rtol=1e-14)
    np.testing.assert_allclose(gj.jacfwd(f)(x), 2 * factor * x, rtol=1e-14)
    for hessian in (gj.hessian(f), gj.jacfwd(gj.jacfwd(f)), gj.jacrev(gj.grad(f))):
        np.testing.assert_allclose(hessian(x), 2 * factor * np.eye(2), rtol=1e-13)


def test_a_deviation_squared() -> None:
    hessian = gj.hessian(lambda x: np.std(x) ** 2)
    for x in (np.full(3, 2.0), np.array([1.0, 2.0, 4.0])):
        np.testing.assert_allclose(hessian(x), 2 / 3 * (np.eye(3) - 1 / 3), atol=1e-15)


def test_values_stay_what_they_are() -> None:
    """The root of what is below 0 is no number, and so are its derivatives; an infinite length is infinite."""
    f = gj.value_and_grad(lambda x: np.sqrt(x) ** 2)
    assert np.isnan(f(-1.0)).all()
    assert f(2.0) == (np.sqrt(2.0) ** 2, 1.0)
    assert gj.value_and_grad(lambda x: np.linalg.norm(x) ** 2)(np.array([np.inf, 1.0]))[0] == np.inf
