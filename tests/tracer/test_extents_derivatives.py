"""Derivatives and simplification of programs with windows at traced places and arrays of traced shape."""

from __future__ import annotations

from functools import partial
from typing import Any

import numpy as np
import pytest

import gradjit as gj
from gradjit.ir import Builder, Func, interpret, verify
from gradjit.ir.clone import inline, new_block
from gradjit.passes.jvp import jvp
from gradjit.passes.pipeline import optimize
from gradjit.passes.vjp import gradient
from gradjit.tracer.trace import trace

from .test_extents import MATRICES, VECTORS, A, N, X, ranging, shifted

STEP = 1e-6


def elements(x, i, j):
    y = x * 1.0
    y[i] = x[j] * x[i]
    y[j] += y[i] * y[i - 1]
    y[i:] *= x[i]
    return y @ y


def triangles(x, i, j):
    a = x[:, None] * x + 1.0
    a[i, :j] = np.sin(a[i, :j]) * x[:j]
    a[j:, i] /= a[i, i]
    a[i + 1:, j] -= a[i + 1:, i] * a[i, j]
    return np.sum(a * a) + a[i, :j] @ a[:j, i]


def views(x, i, j):
    a = np.outer(x, x)
    row = a[i]
    row[j] = x[0] * x[i]
    turned = a.T[:j]
    turned[:, i] += x[i]
    row[::-1][:j] *= 2.0
    return np.sum(a * np.cos(a)) + row @ x


def strided(x, i, j):
    y = x[i:j:2] * x[j:i:-2]
    z = np.zeros(9)
    z[i:j:2] = y
    z[::-3] *= x[j]
    return np.sum(np.exp(z)) + np.max(x[:j]) + np.mean(x[i:])


def made(x, i, j):
    v = np.zeros(j)
    v[:] = x[:j]
    v[1:] += v[:-1]
    m = np.ones((j, 2)) * v[:, None]
    m[:, 1] *= np.arange(j)
    return np.sum(m[:, 0] * m[:, 1]) + v.mean() + np.std(v) + np.linalg.norm(m)


def compared(x, i, j):
    y, a, b, c = shifted(x, i, i + 1)
    n = int(x[0] * 0.0) + j
    return np.sum(y * y) + a * b + c + x[:n] @ np.exp(x[:j])


PROGRAMS = [elements, triangles, views, strided, made, compared]


def gradients_agree(f: Any, x: Any, *integers: Any) -> None:
    """Reverse and forward mode of a scalar program of x, as traced and simplified, against differences."""
    func = trace(f, (x, *integers), {}).func
    with np.errstate(all="ignore"):
        expected = f(x, *integers)
    numeric = differences(f, x, *integers)
    direction = np.cos(np.arange(x.size)).reshape(x.shape)
    for prepared in (func, optimize(func)):
        np.testing.assert_allclose(run(prepared, x, *integers)[0], expected, rtol=1e-12)
        backward, forward = gradient(prepared, (0,), 0), jvp(prepared, (0,))
        for derived in (backward, optimize(backward)):
            np.testing.assert_allclose(run(derived, x, *integers)[-1], numeric, rtol=2e-7, atol=2e-7 * scale(numeric))
        for derived in (forward, optimize(forward)):
            np.testing.assert_allclose(run(derived, x, *integers, direction)[-1], np.sum(numeric * direction),
                                       rtol=1e-6, atol=1e-6 * scale(numeric))


def scale(a: np.ndarray) -> float:
    return max(1.0, float(np.abs(a).max()))


def run(func: Func, *args: Any) -> list[np.ndarray]:
    verify(func)
    return interpret(func, args)


def differences(f: Any, x: np.ndarray, *integers: Any) -> np.ndarray:
    out = np.zeros(x.shape)
    for place in np.ndindex(x.shape):
        ends = []
        for sign in (1, -1):
            moved = x.copy()
            moved[place] += sign * STEP
            ends.append(f(moved, *integers))
        out[place] = (ends[0] - ends[1]) / (2 * STEP)
    return out


@pytest.mark.thinned
@pytest.mark.parametrize("program", PROGRAMS)
def test_programs(program):
    def f(x, i, j):
        return program(x, ranging(i, 1, 8), ranging(j, 1, 9))

    for i, j in ((1, 2), (2, 5), (7, 3), (5, 8)):
        gradients_agree(f, X, N(i), N(j))


@pytest.mark.parametrize("program", [elements, triangles, views])
def test_programs_without_ranges(program):
    """Nothing is proven: indices are checked, bounds clipped."""
    for i, j in ((3, 5), (-3, 4), (2, -2)):
        gradients_agree(program, X, N(i), N(j))


@pytest.mark.thinned
@pytest.mark.parametrize("program", PROGRAMS)
def test_second_derivatives(program):
    def f(x, i, j):
        return program(x, ranging(i, 1, 8), ranging(j, 1, 9))

    i, j = N(2), N(5)
    first = gradient(trace(f, (X, i, j), {}).func, (0,), 0)
    for k in (0, 2, 6):
        row = alone(first, k)
        second = gradient(optimize(row), (0,), 0)
        ends = [[run(row, X + sign * d, i, j)[0] for sign in (1, -1)] for d in STEP * np.eye(9)]
        numeric = np.array([(up - down) / (2 * STEP) for up, down in ends])
        np.testing.assert_allclose(run(second, X, i, j)[-1], numeric, rtol=1e-5, atol=1e-6 * scale(numeric))


def alone(func: Func, k: int) -> Func:
    """Element k of the last result of a function, as its only result."""
    block = new_block(func.params, {})
    b = Builder(block)
    g = inline(b, func, block.params)[-1]
    block.results = (b.reshape(b.slice(g, starts=(k,), sizes=(1,), steps=(1,)), shape=()),)
    return Func("row", block)


SMOOTH_VECTORS = [f for f in VECTORS if np.asarray(f(X[:4], X[5:], 1.3)).dtype.kind == "f"]
SMOOTH_MATRICES = [f for f in MATRICES if np.asarray(f(A[:4, :3], X[:3], X[:4])).dtype.kind == "f"]


@pytest.mark.thinned
@pytest.mark.parametrize("k", range(len(SMOOTH_VECTORS)))
def test_functions_of_vectors(k):
    f = SMOOTH_VECTORS[k]

    def g(x, n):
        n = ranging(n, 1, 10)
        y = f(x[:n] * 1.1, x[9 - n:], x[0])
        return np.sum(y * np.cos(y))

    for n in (2, 5):
        gradients_agree(g, X, N(n))


@pytest.mark.parametrize("k", range(len(SMOOTH_MATRICES)))
def test_functions_of_matrices(k):
    f = SMOOTH_MATRICES[k]

    def g(a, n, m):
        n, m = ranging(n, 1, 7), ranging(m, 1, 8)
        y = f(a[:n, :m] * 1.1, a[0, :m], a[:n, 1])
        return np.sum(y * np.cos(y))

    gradients_agree(g, A, N(4), N(3))


def test_a_part_of_computed_length_is_added_to_and_then_one_place_scaled():
    """The reverse splits no loop whose end is computed."""
    def first(y, x, i):
        v = np.zeros(3)
        v[:i] += y[0, i]
        v[0] *= x[1]
        return np.sum(v)

    def several(x, i):
        v = np.zeros(6)
        v[i:] += x[i:] ** 2
        v[1] *= x[0]
        v[4:] -= x[2]
        return np.sum(np.sin(v))

    for i in map(np.int64, range(4)):
        gj.check_grads(partial(first, i=i), np.ones((3, 4)), np.arange(3.0) + 2, modes=("rev",))
        gj.check_grads(partial(several, i=i), np.arange(6.0) / 7 + 0.3, modes=("rev",))


@pytest.mark.parametrize("sizes", ["exact", "any"])
def test_the_tangents_of_integers_are_zeros_of_their_number(sizes):
    x = np.array([1.0, -2.0, 3.0, -0.5, 2.0])
    value, tangent = gj.jit(lambda x: gj.jvp(lambda x: (x * x, np.nonzero(x > 0)[0], np.arange(len(x))), (x,), (x,)),
                            sizes=sizes)(x)
    np.testing.assert_array_equal(value[1], [0, 2, 4])
    for t, n in zip(tangent[1:], (3, 5), strict=True):
        assert (t.dtype, t.tolist()) == (np.dtype(float), [0.0] * n)
