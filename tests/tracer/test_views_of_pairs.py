"""Complex numbers seen as pairs of real ones, `z.view(float)`, and back: elements, gradients, writes through views."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import gradjit as gj

Z = np.array([[1 + 2j, -0.5j, 3.0], [0.25 - 1j, 2j, -1 + 1j]])
X = np.array([[1.0, 2.0, 0.0, -0.5], [3.0, 0.1, 0.25, -1.0]])


def written(z):
    v = z.view(float)
    v[0, 1::2] *= 3
    v[1, :2] = 7.0
    w = v[:, 2:4].view(complex)
    w += 1j
    return z * 2, v, w


def halves(z):
    return z.view(float).reshape(-1, 2).sum(axis=0)


def rows(z):
    for k in range(len(z)):
        row = z[k].view(float)
        if row[0] > 0.5:
            row[1] = row[0] ** 2
    return z, z[:, :1].view(float)


@pytest.mark.parametrize(("f", "x"), [
    (written, Z), (halves, Z), (rows, Z), (lambda z: z.copy().view(float), Z[:, ::2]),
    (lambda z: z[::-1].view(float), Z),
    (lambda x: x.view(complex), X), (lambda x: (x * 2).view(complex) ** 2, X), (lambda x: x[:, 2:].view(complex), X),
    (lambda z: z.view(np.float32), Z.astype(np.complex64)), (lambda x: x.view("c8"), X.astype(np.float32)),
    (lambda z: z.view(float), Z[:0]), (lambda z: z.view(float), Z[:, :0]), (lambda z: z.view(float).view(complex), Z),
])
def test_values(f: Callable[[Any], Any], x: np.ndarray) -> None:
    given, expected_given = x.copy(), x.copy()
    got, expected = gj.jit(f)(given), f(expected_given)
    for g, e in zip(got if isinstance(got, tuple) else [got], expected if isinstance(expected, tuple) else [expected],
                    strict=True):
        assert (g.dtype, g.shape) == (e.dtype, e.shape)
        np.testing.assert_array_equal(g, e)
    np.testing.assert_array_equal(given, expected_given)


@pytest.mark.parametrize("f", [lambda z: written(z)[0], halves, lambda z: rows(z)[0]])
def test_derivatives(f: Callable[[Any], Any]) -> None:
    def loss(z):
        return np.sum(np.abs(f(z.copy())) ** 2)

    d, h = np.cos(np.arange(6.0)).reshape(2, 3) + 1j * np.sin(np.arange(6.0)).reshape(2, 3), 1e-6
    difference = (loss(Z + h * d) - loss(Z - h * d)) / (2 * h)
    np.testing.assert_allclose(np.sum(np.real(np.conj(gj.grad(loss)(Z)) * d)), difference, rtol=1e-6)
    np.testing.assert_allclose(gj.jvp(loss, (Z,), (d,))[1], difference, rtol=1e-6)


def test_several_sizes() -> None:
    f = gj.jit(lambda z: z.view(float) * 2, sizes="any")
    for n in (1, 2, 5):
        np.testing.assert_array_equal(f(Z[0, :1] * np.ones(n)), (Z[0, :1] * np.ones(n)).view(float) * 2)


@pytest.mark.parametrize(("f", "x", "words"), [
    (lambda z: z[:, ::2].view(float), Z, "the last axis must be contiguous"),
    (lambda z: z.T.view(float), Z, "the last axis must be contiguous"),
    (lambda x: x[:, :3].view(complex), X, "must be a divisor"),
    (lambda z: z[:1, :1].reshape(()).view(float), Z, "0d array"),
])
def test_what_numpy_refuses_is_refused(f: Callable[[Any], Any], x: np.ndarray, words: str) -> None:
    with pytest.raises(ValueError, match=words):
        f(x)
    with pytest.raises(ValueError, match=words):
        gj.jit(f)(x)
