"""Methods of arrays, and NumPy's functions on known values."""

from __future__ import annotations

import copy
import pickle

import numpy as np
import pytest

import gradjit as gj
from gradjit.errors import TraceError
from gradjit.tracer.trace import trace

from .compare import check

X = np.array([[3.0, -1.0, 2.0], [0.5, 4.0, -2.0]])


@pytest.mark.parametrize("call", [
    lambda x: x.sum(), lambda x: x.sum(axis=0), lambda x: x.sum(1, keepdims=True), lambda x: x.mean(),
    lambda x: x.prod(0),
    lambda x: x.max(axis=1), lambda x: x.min(), lambda x: x.argmax(), lambda x: x.argmin(axis=1), lambda x: x.std(),
    lambda x: x.var(axis=0, ddof=1), lambda x: x.cumsum(), lambda x: x.cumprod(axis=1), lambda x: (x > 0).any(),
    lambda x: (x > 0).all(axis=0), lambda x: x.round(), lambda x: x.clip(-1, 1), lambda x: x.clip(min=0.0),
    lambda x: x.reshape(3, 2), lambda x: x.reshape((3, -1)), lambda x: x.reshape(-1), lambda x: x.ravel(),
    lambda x: x.flatten(), lambda x: x.transpose(), lambda x: x.transpose(1, 0), lambda x: x.transpose((1, 0)),
    lambda x: x.swapaxes(0, 1), lambda x: x[None].squeeze(), lambda x: x[None].squeeze(axis=0), lambda x: x.copy(),
    lambda x: x.astype(np.float32), lambda x: x.astype(int), lambda x: x.astype(bool), lambda x: x.astype("f4").dtype,
    lambda x: x.dot(x.T), lambda x: x.repeat(2), lambda x: x.repeat(2, axis=1), lambda x: x.take([0, 1], axis=1),
    lambda x: x.diagonal(), lambda x: x.trace(), lambda x: x.conj(), lambda x: x.real, lambda x: x.imag * 1.0,
    lambda x: x.argsort(axis=1), lambda x: x.item(0), lambda x: x.item(1, 2), lambda x: x[:1, :1].item(),
    lambda x: x.tolist(), lambda x: x[0].sum().item(), lambda x: x[0].tolist(), lambda x: x.flat[4],
    lambda x: [v for v in x.flat], lambda x: (x.shape, x.dtype, x.ndim, x.size)[2:],
    lambda x: copy.copy(x), lambda x: copy.deepcopy(x), lambda x: x.transpose(range(2)), lambda x: x.transpose([1, 0]),
    lambda x: x.transpose(np.array([1, 0])), lambda x: x.transpose(None), lambda x: x.reshape(np.array([3, 2])),
    lambda x: x.reshape(range(3, 1, -1)), lambda x: np.broadcast_to(x, range(2, 4)),
    lambda x: np.tile(x, range(1, 3)), lambda x: np.roll(x, range(1, 3), axis=range(2)),
    lambda x: np.zeros(range(2, 4)) + x, lambda x: np.full(np.array([2, 3]), 2.0) * x,
], ids=lambda f: None)
def test_as_numpy(call):
    check(call, X, exact=False)


def test_methods_that_write():
    def f(x):
        y = x * 1.0
        y.sort()
        z = x * 1.0
        z.sort(axis=0)
        w = np.empty_like(x)
        w.fill(2.0)
        u = x * 1.0
        u.flat[1] = 50.0
        u.T.flat[1] = 60.0
        return y, z, w, u

    check(f, X)


def test_ravel_and_flatten_differ():
    def f(x):
        y = x * 1.0
        v, w = y.ravel(), y.flatten()
        v[0] = 9.0
        w[1] = 8.0
        return y, v, w

    check(f, X)


def test_numpy_scalars_have_methods():
    check(lambda x: (x.sum().astype(np.float32), x.sum().reshape(1), x.sum().round(1), x.sum().item()), X)


def test_pickling_is_refused():
    with pytest.raises(TraceError, match="pickling"):
        trace(lambda x: pickle.dumps(x), (X,), {})


def test_rows_and_columns():
    check(lambda x: (np.r_[x[0], 1.0, x[1]], np.r_[x, x], np.r_[x[0], 1:4], np.c_[x[0], x[1]], np.c_[x, x]), X)
    check(lambda x: x[0] * np.r_[1.0, 2:4][:3], X)
    with pytest.raises(TraceError, match="directive"):
        trace(lambda x: np.r_["0,2", x, x], (X,), {})


def test_functions_without_a_rule_run_on_known_values():
    def f(x):
        a = np.eye(2) * 2.0
        a[0, 1] = 1.0
        return np.linalg.inv(a), np.unique(np.array([2, 1, 1])), x * np.linalg.det(a)

    check(f, X, exact=False)


def test_known_values_may_be_shuffled():
    def f(x):
        a = np.arange(6)
        np.random.default_rng(0).shuffle(a)
        return x[0, 0] * a, a

    check(f, X)


def test_known_values_are_never_written_behind_our_back():
    def f(x):
        a = np.arange(3.0)
        np.linalg.inv(np.eye(3), out=a)
        return x

    with pytest.raises((TraceError, TypeError, ValueError)):
        trace(f, (X,), {})


@pytest.mark.parametrize("dtype", ["f8", "f4", "i8", "i4", "i2", "u1"])
def test_bytes_in_the_other_order(dtype: str) -> None:
    x = (np.arange(6) * 37.3 + 1).astype(dtype)
    np.testing.assert_array_equal(gj.jit(lambda x: x.byteswap())(x).view("u1"), x.byteswap().view("u1"))
    mine, own = x.copy(), x.copy()
    gj.jit(lambda x: x.byteswap(inplace=True) is None)(mine)
    np.testing.assert_array_equal(mine.view("u1"), own.byteswap(inplace=True).view("u1"))


def test_numbers_taken_out_of_narrow_arrays_are_pythons():
    small = np.array([200, 100, 7], np.uint8)
    check(lambda x: (x.item(0) + x.item(1), x.tolist()[0] * 300, sum(x.tolist()), x.sum().item() * 2 ** 40), small)
    check(lambda x: x.item(0) * x.tolist()[0], np.array([1e30], np.float32))


def test_written_by_flat_behind_a_method() -> None:
    """What a method is called of is no object from outside."""
    def f(x):
        before = x.flatten()
        x.flat = 1.0
        return before + x.ravel()

    x = np.arange(6.0).reshape(2, 3)
    np.testing.assert_array_equal(gj.jit(f)(x), np.arange(6.0) + 1.0)
    assert np.all(x == 1.0)


def by_flat(x):
    c = x.copy()
    c.flat = x.ravel() ** 3
    return np.sum(c)


def by_shape(x):
    c = x.copy()
    c.shape = (6,)
    return np.sum(c[:4] ** 3)


def by_real(x):
    c = x.copy()
    c.real = x * x * x
    return np.sum(c)


@pytest.mark.parametrize("f", [by_flat, by_shape, by_real])
def test_attributes_that_are_set_within_a_derivative(f) -> None:
    """What is set is the array's own, and no object's around."""
    x = np.arange(6.0).reshape(2, 3)
    second = gj.grad(lambda x: np.sum(gj.grad(f)(x)))
    expected = 6 * x * (np.arange(6).reshape(2, 3) < 4) if f is by_shape else 6 * x
    np.testing.assert_allclose(second(x), expected)


def test_attributes_that_are_set_under_a_condition() -> None:
    def f(x):
        y = x.copy()
        for i in range(20):
            if x[0, 0] > i:
                y.flat = i
            else:
                y.real = y * 1.5
        return y

    for first in (0.0, 5.0):
        x = np.arange(6.0).reshape(2, 3) + first
        np.testing.assert_allclose(gj.jit(f)(x), f(x))
