"""A function that writes, differentiated where two of its arrays are one, or share memory: what NumPy computes, or
refused."""

from __future__ import annotations

import numpy as np
import pytest

import gradjit as gj

BACKENDS = ("native", "interpreter")
X = np.array([3.0, 1.0, 2.0])


def first(a, b):
    a[0] *= 2
    return b[0] * a[1]


def in_dict(d):
    d["p"][0] *= 2
    return d["q"][0] * 1.0


SEEN = X.copy()


def captured(a):
    a[0] *= 2
    return SEEN[0] * a[1]


def reads_only(a, b):
    return np.sum(a * b)


def in_closure(x):
    def loss(a):
        a[0] *= 2
        return x[0] * a[1]
    return gj.grad(loss)(x)


WAYS = {
    "grad": lambda f, a, b, backend: gj.grad(f, backend=backend)(a, b),
    "grad of both": lambda f, a, b, backend: gj.grad(f, argnums=(0, 1), backend=backend)(a, b),
    "value_and_grad": lambda f, a, b, backend: gj.value_and_grad(f, backend=backend)(a, b),
    "hessian": lambda f, a, b, backend: gj.hessian(f, backend=backend)(a, b),
    "jacobian": lambda f, a, b, backend: gj.jacobian(f, backend=backend)(a, b),
    "jvp": lambda f, a, b, backend: gj.jvp(f, (a, b), (np.ones(3), np.ones(len(b)))),
    "vjp": lambda f, a, b, backend: gj.vjp(f, a, b),
    "second order": lambda f, a, b, backend: gj.grad(lambda a, b: np.sum(gj.grad(f)(a, b)), backend=backend)(a, b),
    "grad in jit": lambda f, a, b, backend: gj.jit(lambda a, b: gj.grad(f)(a, b), backend=backend)(a, b),
}


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("other", [lambda x: x[:2], lambda x: x[::-1], lambda x: x.view()],
                         ids=["a part", "turned round", "a view"])
def test_refused_with_the_line(way, other):
    x = X.copy()
    said = r"(?s)writes to the argument.*(shares memory with|the same array as) the argument.*pass a copy.*"
    with pytest.raises(gj.ArgumentError, match=said + r"test_one_array_twice.py\", line \d+"):
        WAYS[way](first, x, other(x), "interpreter")
    assert np.array_equal(x, X)


def by_turns(a, b):
    for i in range(len(a) - 1):
        a[i + 1] += 0.5 * a[i] * b[i]
        if b[i + 1] > 1:
            b[i] = np.sin(b[i + 1])
    return np.sum(a * b**2)


def by_views(a, b):
    even, tail = a[::2], b[1:].reshape(-1)
    even *= 3
    tail += even[0] * a[1]
    np.add.at(a, [0, 0, 2], tail[:1])
    return np.sum(a * b) + tail @ tail


VALUES = {
    "grad": ([2, 6, 0], None), "grad of both": ([2, 6, 0], [0, 0, 0]), "value_and_grad": (6, [2, 6, 0]),
    "hessian": ([[0, 2, 0], [2, 0, 0], [0, 0, 0]], None), "jacobian": ([2, 6, 0], None), "jvp": (6, 8),
    "second order": ([2, 2, 0], None), "grad in jit": ([2, 6, 0], None),
}


@pytest.mark.parametrize("way", VALUES)
def test_the_very_array_sees_the_write(way):
    x = X.copy()
    got = WAYS[way](first, x, x, "interpreter")
    a, b = VALUES[way]
    for y, wanted in zip((got,) if b is None else got, (a, b), strict=False):
        assert np.array_equal(y, wanted)
    assert np.array_equal(x, X)


@pytest.mark.parametrize("f", [by_turns, by_views])
def test_the_parts_add_up_to_the_derivative_by_the_one_array(f):
    x, d = X.copy(), np.array([0.3, -0.2, 0.5])
    value, parts = gj.value_and_grad(f, argnums=(0, 1))(x, x)

    def plain(x):
        y = x.copy()
        return f(y, y)

    np.testing.assert_allclose(value, plain(X), rtol=1e-14)
    numeric = (plain(X + 1e-6 * d) - plain(X - 1e-6 * d)) / 2e-6
    np.testing.assert_allclose(sum(parts) @ d, numeric, rtol=1e-6)
    np.testing.assert_allclose(gj.jvp(f, (x, x), (d, d))[1], numeric, rtol=1e-6)


@pytest.mark.parametrize("backend", BACKENDS)
def test_refused_by_a_function_that_is_compiled_already(backend):
    x = X.copy()
    for f in (gj.grad(first, backend=backend), gj.jit(lambda a, b: gj.grad(first)(a, b), backend=backend)):
        assert np.array_equal(f(x, X), [0, 3, 0])
        for other in (x[:3], x[::-1][::-1]):
            with pytest.raises(gj.ArgumentError, match="writes to the argument a"):
                f(x, other)
        assert np.array_equal(f(x, x), [2, 6, 0])
        assert np.array_equal(f(x, X), [0, 3, 0])


@pytest.mark.parametrize("backend", BACKENDS)
def test_in_containers_and_captured(backend):
    x = X.copy()
    g = gj.grad(in_dict, backend=backend)({"p": x, "q": x})
    assert np.array_equal(g["p"], [2, 0, 0]) and not g["q"].any()
    f = gj.grad(captured, backend=backend)
    assert np.array_equal(f(x), [0, 3, 0])
    with pytest.raises(gj.ArgumentError, match="the captured array SEEN"):
        f(SEEN)
    with pytest.raises(gj.ArgumentError, match="the captured array SEEN"):
        gj.grad(captured, backend=backend)(SEEN[:])


@pytest.mark.parametrize("backend", BACKENDS)
def test_one_array_within_a_trace(backend):
    def twice(x):
        return gj.grad(first)(x, x)

    def parts(x):
        return gj.grad(lambda a, b: first(a, b) * 1.0)(x[:2], x[1:])

    assert np.array_equal(gj.jit(twice, backend=backend)(X), [2, 6, 0])
    for f in (parts, in_closure):
        with pytest.raises(gj.DifferentiationError, match="may share its elements with.*pass a copy"):
            gj.jit(f, backend=backend)(X)
    assert np.array_equal(gj.jit(lambda x: gj.grad(first)(x[:2], x[2:]), backend=backend)(X), [0, 2])


@pytest.mark.parametrize("backend", BACKENDS)
def test_nothing_is_asked_of_functions_that_do_not_write(backend):
    assert np.array_equal(gj.grad(reads_only, backend=backend)(X, X), X)
    assert np.array_equal(gj.grad(reads_only, argnums=1, backend=backend)(X[::-1], X), X[::-1])


@pytest.mark.parametrize("backend", BACKENDS)
def test_by_jit_it_is_one_array(backend):
    x, y = X.copy(), X.copy()
    assert gj.jit(first, backend=backend)(x, x) == first(y, y)
    assert np.array_equal(x, y)
