"""`gj.primitive`: functions that are not looked into."""

from __future__ import annotations

import ctypes
import ctypes.util
import gc
import sys
from typing import Any

import numpy as np
import pytest

import gradjit as gj

X = np.array([0.1, 0.2, 0.3])
A, B = np.array([[2.0, 1.0], [0.5, 3.0]]), np.array([1.0, 2.0])


def sine(x):
    assert type(x) is np.ndarray and x.flags.c_contiguous
    return np.sin(x)


RULES = {
    "vjp": {"vjp": lambda g, y, x: g * np.cos(x)},
    "jvp": {"jvp": lambda primals, tangents: np.cos(primals[0]) * tangents[0]},
    "both": {"vjp": lambda g, y, x: g * np.cos(x), "jvp": lambda p, t: np.cos(p[0]) * t[0]},
    "numeric": {"vjp": "numeric"},
    "numeric tangents": {"jvp": "numeric"},
    "numeric forward": {"jvp": "numeric", "vjp": lambda g, y, x: g * np.cos(x)},
}
BACKENDS = ("native", "interpreter")


@pytest.mark.parametrize("backend", BACKENDS)
@pytest.mark.parametrize("rule", RULES)
def test_derivatives(rule, backend):
    f = gj.primitive(sine, out="f64[n]", **RULES[rule])
    loss = lambda x: np.sum(f(x * 2) ** 2)
    value, gradient = gj.value_and_grad(loss, backend=backend)(X)
    np.testing.assert_allclose(value, np.sum(np.sin(2 * X) ** 2), rtol=1e-14)
    np.testing.assert_allclose(gradient, 2 * np.sin(4 * X), rtol=1e-8)
    tangent = gj.jvp(loss, (X,), (np.array([1.0, -1.0, 2.0]),))[1]
    np.testing.assert_allclose(tangent, gradient @ [1, -1, 2], rtol=1e-8)


@pytest.mark.parametrize("rule", ["vjp", "jvp"])
def test_second_order_differentiates_the_rule(rule):
    f = gj.primitive(sine, out="f64[n]", **RULES[rule])
    np.testing.assert_allclose(gj.hessian(lambda x: np.sum(f(x * 2) ** 2))(X), np.diag(8 * np.cos(4 * X)), rtol=1e-10)


def test_without_a_rule_there_is_no_derivative():
    f = gj.primitive(sine, out="f64[n]")
    assert gj.jit(f)(X) == pytest.approx(np.sin(X))
    for derivative in (gj.grad(lambda x: np.sum(f(x))), lambda x: gj.jvp(lambda x: np.sum(f(x)), (x,), (x,))):
        with pytest.raises(gj.DifferentiationError, match=r"sine is a gj.primitive without a derivative.*vjp="):
            derivative(X)
    assert np.all(gj.grad(lambda x: np.sum(gj.stop_gradient(f(x)) * x))(X) == np.sin(X))


def test_several_arguments_and_results():
    transposed = gj.primitive(np.linalg.solve, out="f64[n,n], f64[n] -> f64[n]")

    @gj.primitive(out="f64[n,n], f64[n] -> f64[n], float",
                  vjp=lambda g, y, M, b: (None, transposed(M.T, g[0]) + g[1] * np.ones(2)))
    def solve(M, b):
        return np.linalg.solve(M, b), float(np.sum(b))

    def loss(M, b):
        x, total = solve(M, b)
        return np.sum(x) * total

    value, (dm, db) = gj.value_and_grad(loss, argnums=(0, 1))(A, B)
    assert value == pytest.approx(np.sum(np.linalg.solve(A, B)) * 3)
    assert np.all(dm == 0)
    np.testing.assert_allclose(db, 3 * np.linalg.solve(A.T, np.ones(2)) + np.sum(np.linalg.solve(A, B)), rtol=1e-12)


def test_containers_statics_and_a_function_as_out():
    @gj.primitive(out=lambda p, power: {"total": 0.0 * p["x"][0], "first": p["x"][:2]}, vjp="numeric")
    def g(p, power):
        assert type(power) is int
        return {"total": np.sum(p["x"] ** power) * p["scale"], "first": p["x"][:2] * 1}

    def loss(x, s):
        r = g({"x": x, "scale": s}, 3)
        return r["total"] * r["first"][1]

    value, (dx, ds) = gj.value_and_grad(loss, argnums=(0, 1))(X, 2.0)
    assert value == pytest.approx(2 * np.sum(X ** 3) * X[1])
    np.testing.assert_allclose(dx, 6 * X ** 2 * X[1] + 2 * np.sum(X ** 3) * np.array([0, 1, 0]), rtol=1e-8)
    assert ds == pytest.approx(np.sum(X ** 3) * X[1], rel=1e-8)


def test_scalars_are_what_they_are():
    seen = []

    @gj.primitive(out="float", vjp="numeric")
    def g(a, b):
        seen.append((type(a), type(b)))
        return float(a * b)

    gj.jit(lambda a, x: g(a, x[0]))(2.0, X)
    assert seen == [(float, np.float64)]


@pytest.mark.parametrize("backend", BACKENDS)
def test_in_loops_and_branches(backend):
    f = gj.primitive(sine, out="f64[n]", vjp="numeric")

    def loss(x):
        total = 0.0
        for i in range(20):
            if x[0] * i > 0.55:
                total += np.sum(f(x * i) * x)
        return total

    value, gradient = gj.value_and_grad(loss, backend=backend)(X)
    assert value == pytest.approx(loss(X))
    steps = np.eye(3) * 1e-6
    np.testing.assert_allclose(gradient, [(loss(X + h) - loss(X - h)) / 2e-6 for h in steps], rtol=1e-6)


def test_batches():
    f = gj.primitive(sine, out="f64[n]", vjp="numeric")
    rows = np.arange(6.0).reshape(2, 3)
    np.testing.assert_allclose(gj.vmap(f)(rows), np.sin(rows), rtol=1e-15)
    np.testing.assert_allclose(gj.vmap(gj.grad(lambda x: np.sum(f(x))))(rows), np.cos(rows), rtol=1e-8)
    for branch in (lambda x: np.sum(f(x)) if x[0] > 1 else x[0], lambda x: f(x)[0] if x[1] > 1 else np.sum(x)):
        np.testing.assert_allclose(gj.vmap(branch)(rows), [branch(r) for r in rows], rtol=1e-14)


def test_it_is_called_as_often_as_its_result_is_needed():
    calls = []

    @gj.primitive(out="f64[n]", vjp=lambda g, y, x: g * np.cos(x))
    def f(x):
        calls.append(x.copy())
        return np.sin(x)

    gj.value_and_grad(lambda x: np.sum(f(x) * f(x)))(X)
    assert len(calls) == 1
    gj.jit(lambda x: (f(x), np.sum(x))[1])(X)
    gj.jit(lambda x: np.sum(f(x)) if x[0] > 1 else np.sum(x))(X)
    assert len(calls) == 1
    gj.jit(lambda x: np.sum(f(np.ones(3)) * x))(X)  # not while code is made
    assert len(calls) == 2


def test_exceptions_end_the_program():
    class NoConvergence(Exception):
        pass

    @gj.primitive(out="f64[n]")
    def f(x):
        if x[0] > 0.5:
            raise NoConvergence(f"at {x[0]}")
        return x * 2

    g = gj.jit(lambda x: np.sum(f(x)))
    assert g(X) == pytest.approx(1.2)
    with pytest.raises(NoConvergence, match="at 0.75"):
        g(np.full(3, 0.75))
    assert g(X) == pytest.approx(1.2)


@pytest.mark.parametrize("f, message", [
    (lambda x: np.ones(4), r"returned an array of shape \(4,\) as result 0; \(3,\) is declared"),
    (lambda x: x + 1j, "returned complex128 as result 0; float64 is declared"),
    (lambda x: (x, x), "declares"),
    (lambda x: None, "declares|declared"),
])
def test_what_it_returns_is_checked(f, message):
    with pytest.raises((gj.ShapeError, gj.DtypeError), match=message):
        gj.jit(gj.primitive(f, out="f64[n]"))(X)


def test_what_it_gets_is_its_own():
    @gj.primitive(out="f64[n]")
    def f(x):
        x[:] = 7
        return x

    x = X.copy()
    assert np.all(gj.jit(lambda x: f(x[::-1]) + x)(x) == 7 + X)
    assert np.all(x == X)


def test_declarations_that_are_wrong():
    with pytest.raises(TypeError, match="it is a function, or"):
        gj.primitive(sine, out="f64[n]", vjp=3)
    with pytest.raises(TypeError, match="out=3; it is a text"):
        gj.primitive(sine, out=3)
    with pytest.raises(gj.ArgumentError, match="f65"):
        gj.primitive(sine, out="f65[n]")
    with pytest.raises(gj.ArgumentError, match="m is no extent of the first array.*arrow"):
        gj.jit(gj.primitive(sine, out="f64[n,m]"))(X)
    with pytest.raises(gj.ShapeError, match="axis 0 of argument 1 has 3 elements, expected n = 2"):
        gj.jit(gj.primitive(np.linalg.solve, out="f64[n,n], f64[n] -> f64[n]"))(A, X)
    with pytest.raises(gj.DtypeError, match="argument 0 is f32"):
        gj.jit(gj.primitive(sine, out="f64[n] -> f64[n]"))(X.astype(np.float32))


def test_sizes():
    f = gj.primitive(sine, out="f64[n]", vjp="numeric")
    g = gj.grad(lambda x: np.sum(f(x) ** 2), sizes="any")
    for n in (0, 1, 5):
        x = np.linspace(0, 1, n)
        np.testing.assert_allclose(g(x), np.sin(2 * x), rtol=1e-7, atol=1e-12)


def test_functions_of_c():
    name = ctypes.util.find_library("m")
    if name is None or sys.platform == "win32":
        pytest.skip("there is no libm to be loaded")
    library = ctypes.CDLL(name)
    library.cbrt.restype, library.cbrt.argtypes = ctypes.c_double, [ctypes.c_double]
    cbrt = gj.primitive(library.cbrt, out="float", vjp="numeric")
    value, slope = gj.value_and_grad(lambda a: cbrt(a) ** 2)(8.0)
    assert value == pytest.approx(4.0)
    assert slope == pytest.approx(1 / 3, rel=1e-8)


def test_it_lives_as_long_as_its_code():
    def made():
        scale = 3.0
        return gj.jit(gj.primitive(lambda x: x * scale, out="f64[n]"))

    f = made()
    assert np.all(f(X) == X * 3)
    gc.collect()
    assert np.all(f(X) == X * 3)


def test_errors_say_how():
    with pytest.raises(gj.UnsupportedError, match=r"gj\.primitive\("):
        gj.jit(lambda x: np.mask_indices(3, np.triu, x))(1.0)
    signal = pytest.importorskip("scipy.signal")
    with pytest.raises(gj.UnsupportedError, match=r"lfiltic = gj\.primitive\(scipy\.signal\.lfiltic, out="):
        gj.jit(lambda x: signal.lfiltic(x, np.ones(3), x))(X)
    lfiltic = gj.primitive(signal.lfiltic, out="f64[2]")
    found = gj.jit(lambda x: lfiltic(np.ones(3), x[:2], x))(X)
    np.testing.assert_array_equal(found, signal.lfiltic(np.ones(3), X[:2], X))


@pytest.mark.parametrize("rules", [{"vjp": lambda ct, r, t: ct * np.cos(t)}, {"jvp": lambda p, d: d[0] * np.cos(p[0])},
                                   {"vjp": "numeric"}], ids=["vjp", "jvp", "numeric"])
def test_made_inside_of_a_compiled_function(rules: dict[str, Any]) -> None:
    """What a primitive remembers is its own: no state of the program's."""
    def f(x: Any) -> Any:
        inner = gj.primitive(lambda t: np.sin(t), out=lambda t: np.empty_like(t), **rules)
        return np.sum(inner(x)) + np.sum(gj.vmap(inner)(x))

    x = np.array([0.3, 1.2])
    for _ in range(2):
        np.testing.assert_allclose(gj.grad(f)(x), 2 * np.cos(x), rtol=1e-7)
