"""np.nditer: elements to read and to write, their places, moved on by hand."""

from __future__ import annotations

import numpy as np
import pytest

import gradjit as gj
from tests.tracer.compare import check


def written(x):
    y = x.copy()
    with np.nditer(y, op_flags=["readwrite"]) as it:
        for v in it:
            v[...] = v * 2 + np.sin(v)
    return (y * y).sum()


def written_under_a_condition(x):
    y = x * 1.0
    for v in np.nditer(y, op_flags=[["readwrite"]]):
        if v < 0:
            v[...] = -v
        else:
            v *= 3
    return y.sum() * y.ravel()[1]


def places(x):
    it = np.nditer(x, flags=["multi_index"])
    total = 0.0
    for v in it:
        total += v * v * (it.multi_index[0] + 1)
    return total


def by_hand(x):
    it = np.nditer(x, flags=["multi_index"], op_flags=["readwrite"])
    total = 0.0
    while not it.finished:
        total += it[0] * (1 + it.multi_index[-1]) + x[it.multi_index] ** 2
        it.iternext()
    return total


def numeric_gradient(x):
    x = x.copy()
    gradient, h = np.zeros_like(x), 1e-3
    it = np.nditer(x, flags=["multi_index"], op_flags=["readwrite"])
    while not it.finished:
        place = it.multi_index
        old = x[place]
        x[place] = old + h
        above = np.sum(x**3)
        x[place] = old - h
        gradient[place] = (above - np.sum(x**3)) / (2 * h)
        x[place] = old
        it.iternext()
    return np.sum(gradient**2)


def in_order(x):
    """Of what runs over the elements the last weigh most, and each says where it stands."""
    it = np.nditer(x, flags=["multi_index"])
    total = 0.0
    for v in it:
        total = total * 0.9 + v * (2 * it.multi_index[0] + it.multi_index[-1] + x[it.multi_index])
    return total


def numbered(x):
    y = x.copy(order="K")
    n = 0.0
    for v in np.nditer(y, op_flags=["readwrite"]):
        n += 1
        v[...] = v * n
    return y


def pairs(x):
    total = 0.0
    for v, w in np.nditer([x, np.arange(float(x.shape[-1]))]):
        total = total * 0.9 + v * (w + 1)
    return total


def row_by_row(x):
    total = 0.0
    for v in np.nditer(x, order="C"):
        total = total * 0.9 + v
    return total


A = np.cos(np.arange(20.0)).reshape(5, 4)
STACK = np.cos(np.arange(24.0)).reshape(2, 3, 4).transpose(1, 2, 0)
LAYOUTS = {"columns": np.asfortranarray(A), "turned": A.T, "backwards": A[::-1, ::-1], "rows backwards": A[::-1],
           "columns backwards": A[:, ::-1], "turned and backwards": A.T[::-1], "with gaps": A[::2, ::-2].T,
           "short": A[:2, :2].T, "three axes": STACK, "three, one backwards": STACK[:, ::-1], "one": A[0, ::-1],
           "repeated": np.broadcast_to(A[:, :1], (5, 4))}


@pytest.mark.parametrize("layout", LAYOUTS)
@pytest.mark.parametrize("f", [in_order, numbered, pairs, row_by_row], ids=lambda f: f.__name__)
def test_elements_come_as_they_stand_in_memory(f, layout):
    x = LAYOUTS[layout]
    np.testing.assert_allclose(gj.jit(f)(x), f(x))


def test_of_nothing():
    with pytest.raises(ValueError, match="zero-sized"):
        gj.jit(row_by_row)(np.zeros((0, 3)))
    assert gj.jit(lambda x: len([v for v in np.nditer(x, flags=["zerosize_ok"])]))(np.zeros((0, 3))) == 0


@pytest.mark.parametrize("shape", [(3,), (2, 2), (5, 4)], ids=str)
@pytest.mark.parametrize("f", [written, written_under_a_condition, places, by_hand, numeric_gradient],
                         ids=lambda f: f.__name__)
def test_as_numpy(f, shape):
    check(f, np.cos(np.arange(float(np.prod(shape)))).reshape(shape), exact=False)


def test_gradient():
    x = np.cos(np.arange(12.0)).reshape(3, 4)
    np.testing.assert_allclose(gj.grad(written)(x), 2 * (2 * x + np.sin(x)) * (2 + np.cos(x)))
    np.testing.assert_allclose(gj.grad(by_hand)(x), 1 + np.arange(4.0) + 2 * x)


def test_refused():
    with pytest.raises(gj.TraceError, match="nditer with these flags is not supported.*np.ndindex"):
        gj.jit(lambda x: [v for v in np.nditer(x, flags=["external_loop"])])(np.ones(3))
