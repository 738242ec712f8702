"""Values and gradients: structure, dtypes, kinds, nesting, and the products."""

from __future__ import annotations

import math
from collections import OrderedDict
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
import pytest

import gradjit as gj
from gradjit.api import functions
from gradjit.api.made_once import made_once

X = np.array([0.3, -1.2, 2.0])


def square_sum(x):
    return np.sum(x * x)


def difference(f, x, eps=1e-6):
    """The gradient of a function of one array by central differences."""
    g = np.zeros_like(x)
    for k in np.ndindex(x.shape):
        a, b = x.copy(), x.copy()
        a[k] += eps
        b[k] -= eps
        g[k] = (f(a) - f(b)) / (2 * eps)
    return g


@pytest.mark.parametrize("backend", ["native", "interpreter"])
def test_value_and_grad(backend):
    f = gj.value_and_grad(square_sum, backend=backend)
    for _ in range(3):
        value, gradient = f(X)
        np.testing.assert_allclose(value, square_sum(X), rtol=1e-15)
        assert type(value) is np.float64
        np.testing.assert_array_equal(gradient, 2 * X)
        assert gradient.flags.writeable and gradient.flags.owndata
    assert f(X)[1] is not f(X)[1]


def test_as_decorators():
    @gj.grad
    def f(x):
        """Doc."""
        return x * x

    @gj.value_and_grad(argnums=(0, 1))
    def g(x, y):
        return x * y

    @gj.jit
    def h(x):
        return x + 1

    assert f(3.0) == 6.0
    assert f.__doc__ == "Doc."
    assert f.__name__ == "f"
    assert g(2.0, 5.0) == (10.0, (5.0, 2.0))
    assert h(1.0) == 2.0


def test_argnums():
    def f(a, b, c=2.0):
        return np.sum(a * b) * c

    a, b = X, X + 1
    np.testing.assert_allclose(gj.grad(f)(a, b), 2 * b)
    np.testing.assert_allclose(gj.grad(f, 1)(a, b), 2 * a)
    np.testing.assert_allclose(gj.grad(f, -1)(a, b), 2 * a)
    assert gj.grad(f, 2)(a, b, 3.0) == np.sum(a * b)
    assert gj.grad(f, 2)(a, b, c=3.0) == np.sum(a * b)
    both = gj.grad(f, (1, 0))(a, b)
    assert type(both) is tuple
    np.testing.assert_allclose(both, (2 * a, 2 * b))
    np.testing.assert_allclose(gj.grad(f, (0,))(a, b)[0], 2 * b)


def test_keywords():
    def f(x, *, scale, shift=0.0):
        return np.sum(x * scale + shift)

    g = gj.value_and_grad(f)
    v, d = g(X, scale=2.0)
    np.testing.assert_allclose(d, [2.0] * 3)
    v, d = g(x=X, scale=3.0, shift=1.0)
    np.testing.assert_allclose(d, [3.0] * 3)
    assert v == f(X, scale=3.0, shift=1.0)
    with pytest.raises(TypeError, match="scale"):
        g(X)
    with pytest.raises(TypeError, match="unexpected"):
        g(X, scale=1.0, nonsense=2)


def test_has_aux():
    def f(x):
        y = x * 2
        return np.sum(y), {"y": y, "n": 3, "name": "s"}

    (value, aux), gradient = gj.value_and_grad(f, has_aux=True)(X)
    assert value == X.sum() * 2
    np.testing.assert_array_equal(aux["y"], X * 2)
    assert (aux["n"], aux["name"]) == (3, "s")
    np.testing.assert_array_equal(gradient, [2.0] * 3)
    gradient, aux = gj.grad(f, has_aux=True)(X)
    np.testing.assert_array_equal(aux["y"], X * 2)


class Point(NamedTuple):
    x: Any
    y: Any


@dataclass
class Layer:
    w: Any
    b: Any
    next: Any = None


@pytest.mark.parametrize("backend", ["native", "interpreter"])
def test_containers(backend):
    def f(p):
        point, layer = p["point"], p["layer"]
        return np.sum(p["w"] * p["list"][0]) + point.x * point.y + np.sum(layer.w) * layer.b + p["t"][0]

    p = {"w": X, "list": [X + 1, None], "point": Point(2.0, np.float64(3.0)), "layer": Layer(X, 2.0), "t": (1.0,)}
    value, g = gj.value_and_grad(f, backend=backend)(p)
    np.testing.assert_allclose(value, f(p))
    assert set(g) == set(p)
    np.testing.assert_array_equal(g["w"], X + 1)
    np.testing.assert_array_equal(g["list"][0], X)
    assert g["list"][1] is None
    assert type(g["point"]) is Point
    assert g["point"] == Point(3.0, 2.0)
    assert type(g["layer"]) is Layer
    np.testing.assert_array_equal(g["layer"].w, [2.0] * 3)
    np.testing.assert_allclose(g["layer"].b, X.sum())
    assert g["layer"].next is None
    assert g["t"] == (1.0,)


def test_containers_as_results():
    @gj.jit
    def f(x, n):
        return {"b": [x, x * 2], "a": (n, None, "s"), "p": Point(x.sum(), 1.5), "o": OrderedDict(z=x, y=1),
                "l": Layer(x, n)}

    r = f(X, 3)
    assert list(r) == ["b", "a", "p", "o", "l"]
    assert r["a"] == (3, None, "s")
    assert r["p"] == Point(X.sum(), 1.5)
    assert type(r["o"]) is OrderedDict
    assert r["b"][0] is X
    np.testing.assert_array_equal(r["b"][1], X * 2)
    assert r["l"].w is X


def test_strings_in_differentiated_containers_have_no_gradient():
    g = gj.grad(lambda p: np.sum(p["w"]) if p["kind"] == "sum" else 0.0 * p["w"][0])({"w": X, "kind": "sum"})
    assert g["kind"] is None
    np.testing.assert_array_equal(g["w"], [1.0] * 3)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_dtypes_are_kept(dtype):
    x = X.astype(dtype)
    v, g = gj.value_and_grad(lambda x: np.sum(np.sin(x) * 2.0))(x)
    assert v.dtype == g.dtype == dtype
    s, g = gj.value_and_grad(lambda x: x * 2)(dtype(1.5))
    assert type(s) is dtype
    assert type(g) is dtype


def test_kinds_of_zero_d():
    v, g = gj.value_and_grad(lambda x: x * 2)(1.5)
    assert type(v) is np.float64
    assert type(g) is np.float64
    v, g = gj.value_and_grad(lambda x: x * 2)(np.array(1.5))
    assert type(v) is np.float64
    assert type(g) is np.ndarray
    assert g.shape == ()
    assert type(gj.jit(lambda x: np.where(x > 0, x, 0.0))(1.0)) is np.ndarray
    assert type(gj.jit(lambda x: x[0])(X)) is np.float64


def test_integers_beside():
    def f(x, i, n, flag):
        return np.sum(x[i]) * n if flag else np.sum(x)

    i = np.array([0, 0, 2])
    np.testing.assert_array_equal(gj.grad(f)(X, i, 2, True), [4.0, 0.0, 2.0])
    np.testing.assert_array_equal(gj.grad(f)(X, i, 3, False), [1.0] * 3)


def test_constant_results():
    v, g = gj.value_and_grad(lambda x: 3.0)(X)
    assert v == 3.0
    assert type(v) is np.float64
    np.testing.assert_array_equal(g, np.zeros(3))
    np.testing.assert_array_equal(gj.grad(lambda x, y: np.sum(y))(X, X), np.zeros(3))


def test_stop_gradient():
    np.testing.assert_array_equal(gj.grad(lambda x: np.sum(x * gj.stop_gradient(x)))(X), X)
    tree = {"a": X, "n": 2}
    np.testing.assert_array_equal(gj.stop_gradient(tree)["a"], X)
    assert gj.stop_gradient(tree)["n"] == 2
    np.testing.assert_array_equal(gj.jit(lambda x: gj.stop_gradient(x) * 2)(X), X * 2)


def test_the_arguments_are_not_changed():
    def f(x):
        x *= 2
        x[0] = 0.0
        return np.sum(x * x)

    x = X.copy()
    g = gj.grad(f)(x)
    np.testing.assert_array_equal(x, X)
    np.testing.assert_allclose(g, [0.0, *(8 * X[1:])])


def test_mutation_inside():
    def f(x):
        y = np.zeros(4)
        y[1:] = x
        y[:2] += x[0] * y[2:]
        y *= y
        return np.sum(y)

    np.testing.assert_allclose(gj.grad(f)(X), difference(f, X), rtol=1e-6)


# nesting ------------------------------------------------------------------------------------------------------------
def test_derivatives_of_derivatives():
    def f(x):
        return math.sin(x) * x ** 3

    g = f
    expected = [f(0.7)]
    for _ in range(4):
        g = gj.grad(g)
        expected.append(g(0.7))
    x = 0.7
    np.testing.assert_allclose(expected[1], math.cos(x) * x ** 3 + 3 * x ** 2 * math.sin(x))
    np.testing.assert_allclose(
        expected[4], math.sin(x) * x ** 3 - 12 * x ** 2 * math.cos(x) - 36 * x * math.sin(x) + 24 * math.cos(x))


def test_gradients_inside_traced_functions():
    scale = np.array([1.0, 2.0, 3.0])

    def f(x):
        weight = np.sum(x)

        def g(y):
            return np.sum(y ** 2 * scale) * weight

        return np.sum(gj.grad(g)(x) * x) + gj.value_and_grad(lambda t: t * t)(weight)[1]

    def by_hand(x):
        return np.sum(2 * x * scale * np.sum(x) * x) + 2 * np.sum(x)

    np.testing.assert_allclose(gj.jit(f)(X), by_hand(X))
    np.testing.assert_allclose(gj.grad(f)(X), difference(by_hand, X), rtol=1e-6)


def test_newton_written_with_inner_derivatives():
    def root(a):
        x = 1.0
        for _ in range(6):
            x = x - (x * x - a) / gj.grad(lambda t: t * t - a)(x)
        return x

    np.testing.assert_allclose(gj.jit(root)(2.0), math.sqrt(2))
    np.testing.assert_allclose(gj.grad(root)(2.0), 0.5 / math.sqrt(2))


def test_inner_gradient_of_known_and_static_values():
    assert gj.jit(lambda x: x * gj.grad(lambda t: t * t)(3.0))(2.0) == 12.0
    np.testing.assert_array_equal(gj.jit(lambda x: x + gj.grad(lambda v: np.sum(v * v))(np.ones(3)))(X), X + 2)


def test_jit_inside_is_inlined():
    inner = gj.jit(lambda x: x * 2)
    outer = gj.jit(lambda x: inner(x) + 1)
    np.testing.assert_array_equal(outer(X), X * 2 + 1)
    assert not inner.stats().specialisations
    np.testing.assert_array_equal(gj.grad(lambda x: np.sum(inner(x)))(X), [2.0] * 3)


def test_captured_arrays_of_an_inner_compiled_function_are_read_at_each_call():
    w = np.ones(3)
    inner = gj.jit(lambda x: x * w)
    outer = gj.jit(lambda x, y: np.sum(inner(x)) + np.sum(inner(np.ones(3))) * y)
    assert outer(X, 1.0) == X.sum() + 3
    w[:] = 2.0
    assert outer(X, 1.0) == 2 * X.sum() + 6


def test_writing_to_an_outer_array_from_a_differentiated_function_is_refused():
    def f(x):
        kept = np.zeros(3)

        def g(y):
            kept[0] = y[0]
            return np.sum(y)

        gj.grad(g)(x)
        return np.sum(kept * x)

    with pytest.raises(gj.TraceError, match="test_gradients"):
        gj.jit(f)(X)


# products and matrices ----------------------------------------------------------------------------------------------
def quartic(x):
    return np.sum(x ** 4) + x[0] * x[1] * x[2]


def test_hessian_and_hvp():
    h = gj.hessian(quartic)(X)
    a, b, c = X
    expected = np.diag(12 * X ** 2) + np.array([[0, c, b], [c, 0, a], [b, a, 0]])
    np.testing.assert_allclose(h, expected)
    v = np.array([1.0, -2.0, 0.5])
    np.testing.assert_allclose(gj.hvp(quartic)(X, v), expected @ v)
    np.testing.assert_allclose(gj.jacobian(gj.grad(quartic))(X), expected)
    np.testing.assert_allclose(gj.grad(lambda x: gj.grad(quartic)(x) @ v)(X), expected @ v)
    assert gj.hessian(lambda x: x ** 3)(2.0) == 12.0


def test_hvp_of_several_and_beside_others():
    def f(x, y, k):
        return np.sum(x * x * y) * k

    x, y = X, X + 3
    vx, vy = np.ones(3), np.arange(3.0)
    hx, hy = gj.hvp(f, (0, 1))(x, y, (vx, vy), 2)
    np.testing.assert_allclose(hx, 2 * (2 * y * vx + 2 * x * vy))
    np.testing.assert_allclose(hy, 2 * (2 * x * vx))
    np.testing.assert_allclose(gj.hvp(f)(x, vx, y, 2), 4 * y * vx)
    with pytest.raises(TypeError, match="vector"):
        gj.hvp(f)(x)


def test_hessian_of_containers():
    def f(p):
        return p["a"] ** 2 * np.sum(p["b"] ** 2)

    h = gj.hessian(f)({"a": 2.0, "b": X})
    np.testing.assert_allclose(h["a"]["a"], 2 * np.sum(X ** 2))
    np.testing.assert_allclose(h["a"]["b"], 4 * 2.0 * X)
    np.testing.assert_allclose(h["b"]["a"], h["a"]["b"])
    np.testing.assert_allclose(h["b"]["b"], np.eye(3) * 8.0)


def test_jacobians_both_ways():
    a = np.arange(12.0).reshape(4, 3)

    def tall(x):
        return np.sin(a @ x)

    def wide(x):
        return np.sin(a.T @ x)[:2]

    np.testing.assert_allclose(gj.jacobian(tall)(X), np.cos(a @ X)[:, None] * a)
    z = np.arange(4.0) / 7
    np.testing.assert_allclose(gj.jacobian(wide)(z), (np.cos(a.T @ z)[:, None] * a.T)[:2])
    j = gj.jacobian(lambda x, y: {"s": x * y, "t": (np.sum(x), 3)}, (0, 1))(X, X + 1)
    np.testing.assert_allclose(j["s"][0], np.diag(X + 1))
    np.testing.assert_allclose(j["s"][1], np.diag(X))
    np.testing.assert_allclose(j["t"][0][0], np.ones(3))
    assert j["t"][1] == (None, None)
    assert gj.jacobian(lambda x: np.outer(x, x))(X).shape == (3, 3, 3)
    assert gj.jacobian(lambda x: x)(np.zeros((0,))).shape == (0, 0)


def test_jvp_and_vjp():
    a = np.arange(9.0).reshape(3, 3)
    v = np.array([1.0, 0.0, -1.0])

    def f(x, t):
        return {"y": a @ x * t, "n": 2}

    out, tangent = gj.jvp(f, (X, 2.0), (v, 1.0))
    np.testing.assert_allclose(out["y"], a @ X * 2)
    np.testing.assert_allclose(tangent["y"], a @ v * 2 + a @ X)
    assert out["n"] == 2
    value, pullback = gj.vjp(f, X, 2.0)
    np.testing.assert_allclose(value["y"], a @ X * 2)
    ct = {"y": v, "n": 0}
    gx, gt = pullback(ct)
    np.testing.assert_allclose(gx, a.T @ v * 2)
    np.testing.assert_allclose(gt, (a @ X) @ v)
    with pytest.raises(gj.DifferentiationError, match="structure"):
        pullback(v)
    with pytest.raises(gj.DifferentiationError, match="tangent"):
        gj.jvp(f, (X, 2.0), (v[:2], 1.0))
    with pytest.raises(TypeError, match="tuples"):
        gj.jvp(f, X, v)


def test_jvp_and_vjp_are_compiled_once():
    gj.jvp(quartic, (X,), (X,))
    compiled = made_once(quartic, functions._push)
    misses = compiled.misses
    gj.jvp(quartic, (X,), (X,))
    assert len(compiled.stats().specialisations) == 1
    assert compiled.misses == misses  # containers go to machine code, too


def test_jvp_and_vjp_inside():
    def f(x):
        _, t = gj.jvp(quartic, (x,), (x,))
        _, pullback = gj.vjp(lambda y: y * 2, x)
        return t + np.sum(pullback(x)[0])

    np.testing.assert_allclose(gj.jit(f)(X), gj.grad(quartic)(X) @ X + 2 * X.sum())


def test_trace_gives_ir():
    func = gj.trace(lambda x: np.sum(x * 2), X)
    assert [op.name for op in func.ops] == ["const", "mul", "sum"]
    assert "test_gradients.py" in str(func)
