"""`round(x, n)` of Python floats and of NumPy's numbers, each as it is done outside."""

from __future__ import annotations

import numpy as np
import pytest

import gradjit as gj

SPECIAL = [2.675, 0.15, 1.005, 0.5, 1.5, 2.5, -0.5, -2.675, 0.0, -0.0, np.inf, -np.inf, np.nan, 1e300, 5e-324,
           149.99999999999997, 150.0, 250.0, -150.0, 50.0, -50.0, 1e15 + 0.5, 2**53 - 1.0, 2**52 + 0.5, 2**53 + 2.0]


def numbers(digits):
    """About halves of the last place, next to them, and any."""
    rng = np.random.default_rng(digits + 30)
    halves = (rng.integers(-10**6, 10**6, 500) + 0.5) / 10.0**digits
    wild = rng.normal(size=500) * 10.0**rng.integers(-8, 18, 500)
    large = rng.integers(2**51, 2**54, 500) / 10.0**digits
    return np.concatenate([SPECIAL, halves, np.nextafter(halves, np.inf), np.nextafter(halves, -np.inf), wild, large])


@pytest.mark.parametrize("digits", [0, 1, 2, 7, 15, 22, -1, -2, -9])
def test_as_python_rounds(digits):
    def f(xs):
        return np.array([round(float(x), digits) for x in xs])

    xs = numbers(digits)
    expected, got = f(xs), gj.jit(f)(xs)
    np.testing.assert_array_equal(got, expected)
    np.testing.assert_array_equal(np.signbit(got), np.signbit(expected))


@pytest.mark.parametrize("x", [2.675, np.float64(2.675), np.float32(2.675), 1.005])
def test_by_the_kind_of_number(x):
    assert gj.jit(lambda x: round(x, 2))(x) == round(x, 2)
    assert gj.jit(lambda x: round(x * 3, 2))(x) == round(x * 3, 2)


def test_derivatives():
    assert gj.grad(lambda x: round(x * 3.0, 2) * x)(2.675) == round(2.675 * 3.0, 2)
    assert gj.grad(lambda x: round(x, 2))(1e30) == 0.0


def test_more_places_than_there_are():
    with pytest.raises(gj.UnsupportedError, match="22"):
        gj.jit(lambda x: round(x, 23))(0.1)
