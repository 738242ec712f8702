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
