"""Ordinary Python on traced values: builtins, comprehensions, NumPy's helpers; values and gradients as Python's."""

from __future__ import annotations

import bisect

import numpy as np
import pytest

import gradjit as gj

X = np.array([0.4, -0.3, 1.2, 0.7, -1.1, 0.25])


def any_and_all(x):
    some = any(v > 0.2 for v in x) and not any(v > 9 for v in x)
    return np.sum(x) if some and all([x[0] > -9, x[1] < 9, True]) else np.sum(x**2)


def from_iterators(x):
    return np.sum(np.fromiter((v**2 for v in x), dtype=float, count=4)) + np.sum(np.fromiter(x, float))


def vectorized(x):
    f = np.vectorize(lambda v, k: v**2 if v > 0 else -v * k)
    return np.sum(f(x.reshape(2, 3), np.arange(3)))


def by_key(x):
    i = min(range(len(x)), key=lambda k: (x[k] - 0.3) ** 2)
    largest = max(list(x), key=lambda v: -v * v)
    return x[i] ** 2 + largest + min([x[0], x[1]], default=0.0) + max([], default=2.0) * x[2]


def places_of_a_mask(x):
    pos = np.where(x > 0)[0]
    y = x.copy()
    y[pos] = y[pos] ** 2
    for i in pos:
        y[i] += 1.0
    found = np.argwhere(x.reshape(2, 3) > 0)
    return np.sum(y) + np.sum(x.reshape(2, 3)[found[:, 0], found[:, 1]] * np.flatnonzero(x > 0)) + len(found)


def long_comprehensions(x):
    z = np.concatenate([x] * 10)
    products = [a * b for a, b in zip(z, z[::-1], strict=True)]
    positive = [v for v in z if v > 0]
    return (sum(products) + len(positive) * x[0] + max(products) + sum(positive) + np.mean([v**2 for v in z])
            + sum(np.sin(v) * k for k, v in enumerate(z)))


def in_order(x):
    up, down = sorted(list(x)), sorted(x, reverse=True)
    pairs = sorted([(v * v, v) for v in x], key=lambda p: p[0])
    return up[0] * down[1] + pairs[2][1] + divmod(x[0], 0.3)[1] + bisect.bisect([0.0, 0.1, 0.5], x[0]) * x[1]


def and_or(x):
    total = 0.0
    for i in range(len(x)):
        total += (x[i] > 0.5 and x[i] * 2) or 0.1
        total += (x[i] > 0 and x[i] < 1 and x[i]) or x[0] or 2.0
    return total


def bound_on_one_side(x):
    if x[0] > 0.3:
        extra = x[0] ** 2
    if x[0] > 0.3:
        return extra * x[1]
    return x[1]


def flags(x):
    assert x.flags["C_CONTIGUOUS"] and x.flags.c_contiguous and x.reshape(2, 3).T.flags.f_contiguous
    assert x.strides == (8,)
    return np.sum(x)


@pytest.mark.parametrize("f", [any_and_all, from_iterators, vectorized, by_key, places_of_a_mask, long_comprehensions,
                               in_order, and_or, bound_on_one_side, flags], ids=lambda f: f.__name__)
def test_as_python(f):
    g = gj.value_and_grad(f)
    for x in (X, X[::-1].copy()):
        value, slope = g(x)
        step = 1e-6 * np.eye(len(x))
        assert np.isclose(value, f(x), rtol=1e-12)
        np.testing.assert_allclose(slope, [(f(x + e) - f(x - e)) / 2e-6 for e in step], rtol=1e-5, atol=1e-6)


def test_what_is_not_bound():
    def f(x):
        if x > 0:
            y = np.sqrt(x)
        return y * 2.0

    g = gj.value_and_grad(f)
    assert np.allclose(g(4.0), (4.0, 0.5))
    with pytest.raises(UnboundLocalError, match="cannot access local variable 'y'"):
        g(-1.0)

    def rebound(x):
        if x > 0:
            y = np.sqrt(x)
        if x > 1:
            y = x
        return y

    g = gj.jit(rebound)
    assert (g(2.0), g(0.25)) == (2.0, 0.5)
    with pytest.raises(UnboundLocalError, match="cannot access local variable 'y'"):
        g(-1.0)
