"""`gj.jacobian` in both modes and with the value, `gj.linearize`, and derivatives of containers."""

from __future__ import annotations

import numpy as np
import pytest

import gradjit as gj

from ..control.case import dot, mapped, quotient, random_like, same

RNG = np.random.default_rng(2)
X = RNG.normal(size=4)
A = RNG.normal(size=(3, 4))
P = {"w": A, "b": RNG.normal(size=3)}


def tall(x):
    return np.tanh(A @ x) * x[0]


def looped(x):
    y = x.copy()
    for i in range(1, len(x)):
        y[i] = np.sin(y[i - 1]) * y[i]
    return y


def model(p, x):
    h = np.tanh(p["w"] @ x + p["b"])
    return {"h": h, "s": (np.sum(h), h[0] * x[1])}


def by_differences(f, x):
    columns = [quotient(lambda h, d=d: f(x + h * d.reshape(x.shape)), 1e-4) for d in np.eye(x.size)]
    return np.stack(columns, -1).reshape(np.shape(columns[0]) + x.shape)


@pytest.mark.parametrize("f", [tall, looped, lambda x: np.sum(x ** 3), lambda x: np.outer(x, x)[:, 1:]])
@pytest.mark.parametrize("jacobian", [gj.jacobian, gj.jacfwd, gj.jacrev])
def test_both_modes(f, jacobian):
    np.testing.assert_allclose(jacobian(f)(X), by_differences(f, X), rtol=1e-8, atol=1e-9)


def test_the_modes_are_what_they_say():
    forward, reverse = (jacobian(tall).ir(X, stage="adjoint") for jacobian in (gj.jacfwd, gj.jacrev))
    assert "f64[4,3]" in forward and "f64[3,3]" not in forward
    assert "f64[3,3]" in reverse


@pytest.mark.parametrize("jacobian", [gj.jacobian, gj.jacfwd, gj.jacrev])
def test_containers(jacobian):
    p_block, x_block = (jacobian(model, argnums=(0, 1))(P, X)[name] for name in ("h", "s"))
    assert {k: v.shape for k, v in p_block[0].items()} == {"w": (3, 3, 4), "b": (3, 3)}
    assert x_block[0][1].shape == (4,)
    h = by_differences(lambda x: model(P, x)["h"], X)
    np.testing.assert_allclose(p_block[1], h, rtol=1e-8, atol=1e-9)


@pytest.mark.parametrize("f, args", [(tall, (X,)), (model, (P, X))])
def test_value_and_jacobian(f, args):
    value, jacobian = gj.value_and_jacobian(f)(*args)
    same(value, f(*args))
    same(jacobian, gj.jacobian(f)(*args))


def test_value_and_jacobian_inside_a_function():
    def step(x):
        """One step of Newton's method."""
        r, j = gj.value_and_jacobian(lambda y: y ** 2 - 2.0)(x)
        return x - r / np.diag(j)

    x = np.array([1.0, 1.5])
    np.testing.assert_allclose(gj.jit(step)(x), x - (x ** 2 - 2) / (2 * x))
    np.testing.assert_allclose(gj.jacobian(step)(x), np.diag(0.5 - 1 / x ** 2), rtol=1e-12, atol=1e-12)


@pytest.mark.parametrize("f, args", [(tall, (X,)), (looped, (X,)), (model, (P, X))])
def test_linearize(f, args):
    value, linear = gj.linearize(f, *args)
    same(value, f(*args))
    d, e = (random_like(args, np.random.default_rng(k)) for k in (3, 4))
    same(linear(*d), gj.jvp(f, args, d)[1])
    both = linear(*mapped(lambda a, b: 2.0 * a - b, d, e))
    same(both, mapped(lambda a, b: 2.0 * a - b, linear(*d), linear(*e)), rtol=1e-10)


def test_linearize_inside_a_function():
    def f(x, v):
        value, linear = gj.linearize(tall, x)
        return value + linear(v) - linear(2.0 * v)

    np.testing.assert_allclose(gj.jit(f)(X, X), tall(X) - gj.jvp(tall, (X,), (X,))[1])
    np.testing.assert_allclose(gj.jacobian(f)(X, X), by_differences(lambda x: f(x, X), X), rtol=1e-7, atol=1e-8)


def total(p, x):
    m = model(p, x)
    return np.sum(m["h"] ** 3) + m["s"][0] * m["s"][1]


def test_second_derivatives_of_containers():
    v = random_like((P, X), RNG)
    product = gj.hvp(total, argnums=(0, 1))(P, X, v)
    slope = quotient(lambda h: gj.grad(total, argnums=(0, 1))(*mapped(lambda a, b: a + h * b, (P, X), v)), 1e-4)
    same(product, slope, rtol=1e-7)
    blocks = gj.hessian(total)(P, X)
    assert blocks["w"]["b"].shape == (3, 4, 3)
    by_blocks = mapped(lambda _: 0.0, P)
    for k in P:
        by_blocks[k] = sum(np.tensordot(blocks[k][j], v[0][j], v[0][j].ndim) for j in P)
    same(gj.hvp(total)(P, v[0], X), by_blocks, rtol=1e-9)


def test_products_of_containers_agree():
    primals, tangents = (P, X), random_like((P, X), RNG)
    value, tangent = gj.jvp(model, primals, tangents)
    again, pullback = gj.vjp(model, *primals)
    same(value, again)
    cotangent = random_like(value, RNG)
    assert dot(tangent, cotangent)[0] == pytest.approx(dot(tangents, pullback(cotangent))[0], rel=1e-10)


def chained(x, rate):
    """A number of Python's own where the loop does not turn."""
    s = 0.5
    for k in range(1, len(x)):
        s = s + rate * x[k] * x[k - 1]
    return s


@pytest.mark.parametrize("derivative", [gj.jacobian, gj.jacfwd, gj.jacrev, gj.grad])
def test_constants_have_derivatives_too(derivative):
    """They are zero, as for arrays that do not depend on the arguments; what is no float has none."""
    slope = derivative(chained)
    assert slope(X[:1], 2.0).tolist() == [0.0]
    np.testing.assert_allclose(slope(X[:2], 2.0), 2 * X[1::-1])
    assert derivative(lambda x: np.float64(2.0))(X).tolist() == [0.0] * 4


def test_constants_among_results():
    found = gj.jacobian(lambda x: {"sum": np.sum(x), "rate": 2.0, "count": 3, "name": "f"})(X)
    assert found["rate"].tolist() == [0.0] * 4 == (found["sum"] - 1.0).tolist()
    assert found["count"] is found["name"] is None


def test_second_derivatives_of_constants():
    assert gj.hessian(chained)(X[:1], 2.0).tolist() == [[0.0]]
    assert gj.hvp(chained)(X[:1], np.ones(1), 2.0).tolist() == [0.0]
    blocks = gj.hessian(chained, argnums=(0, 1))(X[:1], 2.0)
    assert blocks[1][1] == 0.0
    assert blocks[0][1].tolist() == [0.0]
    same(gj.hessian(chained)(X, 2.0), 2 * (np.eye(4, k=1) + np.eye(4, k=-1)))
