"""Arrays that are filled piece by piece: right, and without copies of what is overwritten."""

from __future__ import annotations

import re

import numpy as np
import pytest

import gradjit as gj

X = np.linspace(0.5, 1.0, 100)
MATRIX = np.random.default_rng(2).uniform(0.5, 1.0, (6, 7))


def first_and_rest(x):
    z = np.empty(len(x))
    z[0] = x[0]
    z[1:] = x[1:] * x[:-1]
    return z


def both_ends(x):
    z = np.empty_like(x)
    z[0] = x[0]
    z[-1] = x[1] * 2
    z[1:-1] = x[2:] * x[:-2]
    return np.sin(z)


def read_while_it_is_filled(x):
    z = np.empty_like(x)
    z[:50] = x[50:]
    z[50:] = np.sin(z[:50])
    z[3] = 7.0
    z[2:5] += z[40:43]
    return z * z


def rows_columns_and_an_element(x):
    m = np.empty((5, 8))
    m[0] = x[:8]
    m[1:, 0] = x[8:12]
    m[1:, 1:] = np.sin(x[12:40]).reshape(4, 7)
    m[2, 3] = 0.5
    return m * 2


def borders(m):
    m = m.copy()
    m[1:-1, 1:-1] = m[2:, 1:-1] + m[:-2, 1:-1]
    m[:, 0] = m[:, 1]
    m[0] = m[1]
    return m


def copied_first(x):
    y = x.copy()
    y[3] = 0.0
    y[5:9] *= 2
    return np.sum(np.sin(y)) * y


def one_after_the_other(x):
    z = np.zeros(30)
    z[0], z[1], z[2] = x[0], x[1], x[2] * 3
    z[3] = z[2] + 1
    z[4] = z[3] * z[0]
    for k in (5, 6, 7, 8, 9, 10, 29):
        z[k] = x[k] * x[k + 1]
    return z


def anew_in_each_iteration(x):
    s = np.zeros(3)
    for i in range(12):
        z = np.empty(10)
        z[0] = x[i]
        z[1:] = x[1:10] * x[:9] * i
        t = np.empty(3)
        t[:2] = z[3:5]
        t[2] = z[0]
        s = s + t
    return s


PROGRAMS = [(first_and_rest, X), (both_ends, X), (read_while_it_is_filled, X), (rows_columns_and_an_element, X),
            (borders, MATRIX), (copied_first, X), (one_after_the_other, X), (anew_in_each_iteration, X)]


@pytest.mark.thinned
@pytest.mark.parametrize("f, x", PROGRAMS, ids=[f.__name__ for f, _ in PROGRAMS])
def test_values_and_gradients(f, x):
    np.testing.assert_allclose(gj.jit(f)(x), f(x), rtol=1e-13)
    np.testing.assert_allclose(gj.grad(lambda x: np.sum(np.sin(f(x))))(x), differences(f, x), atol=1e-7)


def differences(f, x, h=1e-6):
    found = np.zeros_like(x)
    for k in np.ndindex(x.shape):
        for sign in (1, -1):
            y = x.copy()
            y[k] += sign * h
            found[k] += sign * np.sum(np.sin(f(y))) / (2 * h)
    return found


def loops(f, *args):
    return gj.jit(f).ir(*args, stage="loops")


@pytest.mark.parametrize("f", [first_and_rest, both_ends, copied_first])
def test_no_memory_but_the_result(f):
    assert "workspace" not in loops(f, X)


def test_filled_is_concatenated():
    def joined(x):
        return np.concatenate([x[:1], x[1:] * x[:-1]])

    def stores(f):
        return re.findall(r"out0\[.*= |for .*", loops(f, X))

    assert len(stores(first_and_rest)) == len(stores(joined))


def test_many_elements_are_stored_in_one_array():
    text = loops(one_after_the_other, X)
    assert "workspace" not in text and text.count("out0[") == 13


@pytest.mark.parametrize("make", [lambda: np.empty(100), lambda: np.empty_like(X),
                                  lambda: np.empty((50, 2)).reshape(100)])
def test_new_memory_has_no_contents(make):
    """What stands in it by chance would make another program of each compilation."""
    def f(x):
        z = make()
        z[0] = x[0]
        return z[:1] * x

    texts = set()
    for k in range(3):
        rubbish = [np.full(100, float(k)) for _ in range(10)]
        del rubbish
        texts.add(gj.jit(f).ir(X, stage="traced"))
    assert len(texts) == 1


def eliminated(a):
    w = a.copy()
    for k in range(len(w) - 1):
        for i in range(k + 1, len(w)):
            w[i, k] /= w[k, k]
            w[i, k + 1:] -= w[i, k] * w[k, k + 1:]
    return np.sum(np.log(np.abs(np.diag(w))))


def test_an_element_and_the_rest_of_its_row() -> None:
    """Two writes an iteration at computed places are both done in place, forward and in reverse: no row is copied."""
    a = np.eye(6) * 6 + MATRIX[:, :6]
    f = gj.value_and_grad(eliminated)
    value, gradient = f(a)
    assert np.isclose(value, np.linalg.slogdet(a)[1]) and np.allclose(gradient, np.linalg.inv(a).T)
    buffers = re.findall(r"workspace \w+: f64\[([\d,]+)\]", f.ir(stage="loops"))
    assert buffers and all(np.prod([int(n) for n in b.split(",")]) == a.size for b in buffers)
