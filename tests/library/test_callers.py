"""One kernel for other callers than Python: ctypes, SciPy's C callbacks, functions that Numba compiles."""

from __future__ import annotations

import ctypes
import inspect
from typing import NamedTuple

import numpy as np
import pytest

import gradjit as gj
from gradjit.errors import ArgumentError

from . import models as m


# ctypes ---------------------------------------------------------------------------------------------------------------
def test_a_c_function_by_its_address():
    f = gj.value_and_grad(m.rosenbrock, signature="f64[n]")
    x, value, gradient = np.linspace(0, 1, 6), np.zeros(()), np.zeros(6)
    kind = ctypes.CFUNCTYPE(ctypes.c_int32, ctypes.c_int64, *[ctypes.c_void_p] * 4)
    assert kind(f.address)(6, *m.pointers(x, value, gradient), None) == 0
    expected, slope = gj.value_and_grad(m.rosenbrock)(x)
    np.testing.assert_allclose(value, expected)
    np.testing.assert_allclose(gradient, slope)
    assert f.cfunc() is f.cfunc()


def test_a_c_function_for_given_types():
    c = gj.cfunc(m.picked, "f64[n]", "i64[m]")
    assert c.declaration == ("int32_t picked(int64_t n, int64_t m, const double *x, const int64_t *i, double *result, "
                             "void *workspace)")
    x, i, out = np.arange(3.0), np.array([2, 9]), np.zeros(2)
    code = c(3, 2, *m.pointers(x, i, out), None)
    assert "IndexError" in c.error(code) and "models.py" in c.error(code)
    assert c(3, 2, None, *m.pointers(i, out), None) == -1003
    i[1] = -1
    assert c(3, 2, *m.pointers(x, i, out), None) == 0 and out.tolist() == [4, 4]
    assert c.workspace(3, 2) >= 0 > c.workspace(-1, 2)


def test_products_by_blas():
    c = gj.cfunc(m.product, "f64[n,n], f64[n,n]")
    a = np.random.default_rng(0).normal(size=(80, 80))
    out = np.zeros_like(a)
    assert c(80, *m.pointers(a, a, out), None) == 0
    np.testing.assert_allclose(out, a @ a)


def test_types_are_needed():
    with pytest.raises(ArgumentError, match="needs the types"):
        gj.cfunc(m.rosenbrock)
    with pytest.raises(AttributeError, match="needs a signature to have an address"):
        _ = gj.jit(m.rosenbrock).address
    assert dict(inspect.getmembers(gj.jit(m.rosenbrock)))["kind"] == "jit"


# SciPy ----------------------------------------------------------------------------------------------------------------
def bump(x):
    return np.exp(-(x**2)) * np.cos(x)


def spread(w):
    return np.max(w) - np.min(w)


def test_integrals():
    integrate = pytest.importorskip("scipy.integrate")
    for convention in ("double (double)", "double (double, void *)"):
        got, _ = integrate.quad(gj.low_level_callable(bump, convention), -2, 3)
        assert got == pytest.approx(integrate.quad(bump, -2, 3)[0])
    two = gj.low_level_callable(lambda x, y: np.sin(x) * y, "double (int, double *)")
    assert integrate.nquad(two, [[0, 1], [0, 2]])[0] == pytest.approx((1 - np.cos(1)) * 2)
    array = gj.low_level_callable(lambda v: np.sin(v[0]) * v[1], "double (int, double *)", "f64[2]")
    assert integrate.nquad(array, [[0, 1], [0, 2]])[0] == pytest.approx((1 - np.cos(1)) * 2)
    slope = gj.low_level_callable(gj.grad(bump), "double (double)")
    assert integrate.quad(slope, 0, 1)[0] == pytest.approx(bump(1) - bump(0))
    wrong = gj.low_level_callable(lambda x, y, z: x * y * z, "double (int, double *)")
    with pytest.warns(integrate.IntegrationWarning):
        assert np.isnan(integrate.nquad(wrong, [[0, 1], [0, 2]])[0])


def test_filters():
    ndimage = pytest.importorskip("scipy.ndimage")
    image = np.random.default_rng(0).normal(size=(12, 9))
    own = gj.low_level_callable(spread, "int (double *, npy_intp, double *, void *)")
    np.testing.assert_array_equal(ndimage.generic_filter(image, own, size=3),
                                  ndimage.generic_filter(image, spread, size=3))
    four = gj.low_level_callable(spread, "int (double *, npy_intp, double *, void *)", "f64[4]")
    with pytest.raises(RuntimeError, match="takes f64.4., and the window has another number"):
        ndimage.generic_filter(image, four, size=3)
    beyond = gj.low_level_callable(lambda w: w[np.argmax(w) + 5], "int (double *, npy_intp, double *, void *)")
    with pytest.raises(RuntimeError, match="IndexError: an index is out of bounds"):
        ndimage.generic_filter(image, beyond, size=3)


def test_functions_that_are_no_callbacks():
    with pytest.raises(ArgumentError, match="gives .*; a callback gives one"):
        gj.low_level_callable(gj.value_and_grad(bump), "double (double)")
    with pytest.raises(ArgumentError, match="called with one number"):
        gj.low_level_callable(spread, "double (double)", "f64[n]")
    with pytest.raises(ArgumentError, match="there are double"):
        gj.low_level_callable(bump, "float (float)")


# Numba ----------------------------------------------------------------------------------------------------------------
numba = pytest.importorskip("numba")
loss = gj.value_and_grad(m.loss)
slope = gj.grad(lambda x, a: np.sin(x) * a)
relaxed = gj.jit(m.relaxed)
picked = gj.jit(m.picked)
of_pair = gj.jit(lambda pair, k: (np.sum(pair[0]) * pair[1], k * 2))


@numba.njit
def descend(w, x, y, n):
    value = 0.0
    for _ in range(n):
        value, gradient = loss(w, x, y)
        w = w - 0.1 * gradient
    return value, w


@numba.njit(parallel=True)
def slopes(xs):
    out = np.zeros(len(xs))
    for k in numba.prange(len(xs)):
        out[k] = slope(xs[k], 2.0)
    return out


@numba.njit
def others(u, v, i):
    total = relaxed(u, 0.1) + relaxed(v[::2], 0.1)
    return total, picked(u, i), of_pair((u, 2.0), len(u))


def test_gradients_in_a_loop_of_numbas():
    rng = np.random.default_rng(0)
    x, y = rng.normal(size=(20, 3)), rng.normal(size=20)
    w = np.zeros(3)
    value, end = descend(w, x, y, 50)
    for _ in range(50):
        expected, gradient = loss(w, x, y)
        w = w - 0.1 * gradient
    assert value == pytest.approx(expected)
    np.testing.assert_allclose(end, w)


@pytest.mark.slow
def test_parallel_loops():
    xs = np.linspace(0, 3, 200)
    np.testing.assert_allclose(slopes(xs), 2 * np.cos(xs))


@pytest.mark.slow
def test_writes_tuples_and_integers():
    u, v = np.arange(5.0) ** 2, np.arange(10.0) ** 2
    u2, v2 = u.copy(), v.copy()
    total, chosen, pair = others(u, v, np.array([1, -1]))
    assert total == pytest.approx(m.relaxed(u2, 0.1) + m.relaxed(v2[::2], 0.1))
    np.testing.assert_allclose(u, u2)
    np.testing.assert_allclose(v, v2)
    assert chosen.tolist() == (u2[[1, -1]] * 2).tolist()
    assert pair == (pytest.approx(np.sum(u2) * 2), 10)


@pytest.mark.slow
def test_indices_in_numbas_code():
    with pytest.raises(IndexError, match="index is out of bounds"):
        others(np.arange(5.0), np.arange(5.0), np.array([7]))


class Pair(NamedTuple):
    a: np.ndarray
    b: np.ndarray


def test_errors_from_numbas_code():
    with pytest.raises(ValueError, match=r"x.shape\[0\] == y.shape\[0\]"):
        descend(np.zeros(3), np.ones((4, 3)), np.ones(5), 1)

    @numba.njit
    def wrong(x):
        return loss(x, "a", x)

    with pytest.raises(numba.TypingError, match="no array, number or tuple"):
        wrong(np.zeros(3))

    @numba.njit
    def named(x):
        return loss(x, Pair(x, x), x)

    with pytest.raises(numba.TypingError, match="Pair is a named tuple, which signatures do not have; pass a plain"):
        named(np.zeros(3))


@numba.njit
def horner(x, c):
    total = 0.0
    for k in range(len(c)):
        total = total * x + c[k]
    return total


@numba.njit(parallel=True)
def squares(x):
    total = 0.0
    for k in numba.prange(x.shape[0]):
        total += x[k] ** 2
    return total


def test_functions_of_numbas_are_traced():
    c = np.array([1.0, -2.0, 3.0])
    for f in (horner, lambda x, c: horner(x, c) * 1.0):
        value, slope = gj.value_and_grad(f)(2.0, c)
        assert (value, slope) == (pytest.approx(np.polyval(c, 2.0)), pytest.approx(np.polyval(np.polyder(c), 2.0)))
    np.testing.assert_allclose(gj.grad(squares)(c), 2 * c)
    assert gj.jit(horner)(2.0, c) == horner(2.0, c)
