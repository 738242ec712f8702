"""`gj.jet`: derivatives along curves, against nested forward mode and known series."""

from __future__ import annotations

import math

import numpy as np
import pytest

import gradjit as gj

X = np.array([0.3, 0.7, 1.1])
M = np.array([[2.0, 0.3, 0.1], [0.4, 1.5, 0.2], [0.3, 0.6, 1.8]])


def nested(f, primals, series):
    """The same by forward mode of forward mode, along t -> sum of x_k t^k / k!."""
    def along(t):
        return f(*(x + sum(c * (t ** k / math.factorial(k)) for k, c in enumerate(s, 1))
                   for x, s in zip(primals, series, strict=True)))

    found, g = [], along
    for _ in series[0]:
        g = (lambda h: lambda t: gj.jvp(h, (t,), (1.0,))[1])(g)
        found.append(g(0.0))
    return found


PROGRAMS = {
    "polynomial": lambda x: np.sum(x**3 - 2 * x),
    "elementary": lambda x: np.exp(np.sin(x)) * np.log(x) / (1 + x * x),
    "roots": lambda x: np.sqrt(x) + np.cbrt(x) + x**1.7 + 2.0**x,
    "hyperbolic": lambda x: np.tanh(x) + np.arctan(x) * np.sinh(x) + np.log1p(x),
    "products": lambda x: (M @ x) @ x + np.dot(x, np.cos(x)),
    "moves": lambda x: np.concatenate([x[::-1], x[1:] * x[:-1]])[1:4].reshape(3, 1) * np.arange(2.0),
    "reductions": lambda x: np.prod(x) + np.max(np.sin(x)) + np.cumsum(x * x)[1] + np.mean(x) + np.linalg.norm(x),
    "choices": lambda x: np.where(x > 0.5, x**2, np.exp(x)) + np.maximum(x, 0.4) + np.abs(x),
    "constant": lambda x: np.ones(3) * 2 + 0 * x,
    "factors": lambda x: np.linalg.solve(M + np.outer(x, x), x),
}


@pytest.mark.thinned
@pytest.mark.parametrize("name", PROGRAMS)
def test_against_nested_forward_mode(name):
    f, series = PROGRAMS[name], ([np.array([1.0, -0.5, 2.0]), np.array([0.3, 0.1, -0.2]), np.zeros(3)],)
    value, derivatives = gj.jet(f, (X,), series)
    np.testing.assert_allclose(value, f(X), rtol=1e-13)
    assert len(derivatives) == 3
    for found, expected in zip(derivatives, nested(f, (X,), series), strict=True):
        np.testing.assert_allclose(found, expected, rtol=1e-10, atol=1e-12)


def test_high_orders():
    value, found = gj.jet(np.exp, (0.0,), ([1.0] + [0.0] * 9,))
    assert (value, found) == (1.0, [pytest.approx(1.0)] * 10)
    value, found = gj.jet(np.sin, (0.0,), ([1.0] + [0.0] * 7,))
    np.testing.assert_allclose(found, [1, 0, -1, 0, 1, 0, -1, 0], atol=1e-15)
    found = gj.jet(lambda x: 1 / (1 - x), (0.0,), ([1.0] + [0.0] * 11,))[1]
    np.testing.assert_allclose(found, [math.factorial(k) for k in range(1, 13)], rtol=1e-14)


def test_several_arguments_and_containers():
    f = lambda p, s: {"q": p["a"] * s, "n": np.sum(p["a"]) ** 2}
    primals = {"a": X}, 2.0
    value, (first, second) = gj.jet(f, primals, ([{"a": X}, {"a": 0 * X}], [1.0, 0.5]))
    np.testing.assert_allclose(value["q"], 2 * X)
    np.testing.assert_allclose(first["q"], X * 2 + X)
    np.testing.assert_allclose(second["q"], 2 * X + 0.5 * X)
    assert second["n"] == pytest.approx(2 * np.sum(X) ** 2)


def test_inside_other_functions():
    third = lambda x: gj.jet(lambda y: np.sin(y) * y, (x,), ([1.0, 0.0, 0.0],))[1][2]
    assert gj.grad(third)(0.7) == pytest.approx(gj.jet(lambda y: np.sin(y) * y, (0.7,), ([1.0, 0, 0, 0],))[1][3])
    assert gj.jit(third)(0.7) == pytest.approx(third(0.7))


def test_what_is_refused():
    with pytest.raises(TypeError, match="tuples of equal lengths"):
        gj.jet(np.sin, 0.0, [1.0])
    with pytest.raises(TypeError, match="same orders"):
        gj.jet(lambda x, y: x * y, (1.0, 2.0), ([1.0], [1.0, 2.0]))
    with pytest.raises(gj.DifferentiationError, match="tangent of x"):
        gj.jet(lambda x: np.sum(x), (X,), ([np.ones(2)],))

    def loop(x):
        for _ in range(50):
            x = x * 0.5 + np.sin(x)
        return x

    with pytest.raises(gj.UnsupportedError, match="here is a for; nest gj.jvp"):
        gj.jet(loop, (1.0,), ([1.0],))
