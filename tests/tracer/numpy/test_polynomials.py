"""numpy.polynomial's functions and classes, and np.poly1d: values, dtypes, gradients, and coefficients that are 0."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from numpy.polynomial import chebyshev, hermite, hermite_e, laguerre, legendre, polynomial

import gradjit as gj
from tests.tracer.scipy.calls import Call, check_gradients, check_values

MODULES: dict[str, Any] = {"poly": polynomial, "cheb": chebyshev, "leg": legendre, "herm": hermite, "herme": hermite_e,
                           "lag": laguerre}


def named(name: str) -> list[Any]:
    """The function of each module."""
    return [vars(m)[p + name] for p, m in MODULES.items()]


X, C = np.array([0.3, -0.7, 0.2, 0.9, -0.1]), np.array([0.4, 1.3, -0.8, 0.6])
OUTSIDE = chebyshev.Chebyshev([1.0, 0.3, 0.4], domain=[0, 2])
HIGHEST_FIRST = np.poly1d([1.0, 0.3, 0.4])
CALLS: dict[str, list[Call]] = {
    "values": [lambda x, c, f=f: f(x, c) for f in named("val")],
    "matrices": [
        lambda x, c, f=f: f(x, 3) for f in named("vander")] + [
        lambda x, c, f=f: f(c) for f in named("companion")],
    "calculus": [lambda x, c, f=f: f(c) for f in named("der")] + [
        lambda x, c, f=f: f(c, 2, [0.5]) for f in named("int")],
    "products": [lambda x, c, f=f: f(x, c) for f in named("mul")] + [
        lambda x, c: polynomial.polyadd(x, c), lambda x, c: chebyshev.chebpow(c, 2),
        lambda x, c: legendre.legfromroots(c), lambda x, c: hermite.hermval2d(x, x, np.outer(c, c)),
        lambda x, c: laguerre.laggrid2d(x, c, np.outer(c, c)), lambda x, c: polynomial.polyvalfromroots(x, c)],
    "fits": [lambda x, c, f=f: f(np.arange(5.0), x, 2) for f in named("fit")] + [
        lambda x, c: polynomial.polyfit(np.arange(5.0), np.stack([x, x * x], 1), [0, 2], w=np.arange(1.0, 6.0))],
    "classes": [
        lambda x, c: polynomial.Polynomial(c)(x), lambda x, c: chebyshev.Chebyshev(c, domain=[0, 2])(x[0]),
        lambda x, c: (2.0 * hermite.Hermite(c) + hermite.Hermite(c) * hermite.Hermite(c)).deriv()(x),
        lambda x, c: legendre.Legendre(c, domain=[1, 4]).integ()(x), lambda x, c: OUTSIDE(x) * c[0],
        lambda x, c: np.poly1d(c)(x), lambda x, c: HIGHEST_FIRST(x), lambda x, c: (np.poly1d(c) * x[0]).deriv().c],
}


@pytest.mark.thinned
@pytest.mark.parametrize("name", CALLS)
def test_values(name: str) -> None:
    check_values(CALLS[name], [X, C], 1e-11)


def test_gradients() -> None:
    check_gradients([f for calls in CALLS.values() for f in calls[:1]], [X, C])


@pytest.mark.slow
@pytest.mark.parametrize("name", CALLS)
def test_all_gradients(name: str) -> None:
    check_gradients(CALLS[name], [X, C], 1e-5)


def test_arguments_are_not_written_to() -> None:
    def f(c: Any) -> Any:
        chebyshev.chebint(c, 2)
        polynomial.polyadd(c, c)
        return c * 1.0

    np.testing.assert_array_equal(gj.jit(f)(C), C)


def test_integers_become_floats_and_arrays_from_outside_are_read_at_each_call() -> None:
    check_values([lambda k: chebyshev.chebval(k, k), lambda k: polynomial.polyadd(k, k)], [np.arange(1, 4)])
    p = polynomial.Polynomial([1.0, 2.0])
    f = gj.jit(lambda x: p(x))
    assert f(3.0) == 7.0
    p.coef[1] = 5.0
    assert f(3.0) == 16.0


@pytest.mark.parametrize(("f", "text"), [
    (lambda c: polynomial.polymul(c, c), "the last coefficient of a polynomial is 0"),
    (lambda c: np.poly1d(c[::-1]).c, "the first coefficient of np.poly1d is 0"),
    (lambda c: np.polymul([3.0, 4.0], c[::-1]), "the first coefficient of a polynomial is 0"),
])
def test_coefficients_that_are_zero_are_no_matter_of_shape(f: Call, text: str) -> None:
    compiled = gj.jit(f)
    compiled(np.array([1.0, 2.0]))
    with pytest.raises(ValueError, match=text):
        compiled(np.array([1.0, 0.0]))


def test_zeros_that_polymul_leaves_out() -> None:
    c = np.array([1.0, 2.0])
    for known in [0.0, 0.0, 3.0], [0.0, 0.0], 0.0, [0.0, 2.0]:
        np.testing.assert_array_equal(gj.jit(lambda c, known=known: np.polymul(known, c))(c), np.polymul(known, c))
