"""The prepared interpreter gives what the interpreter gives, and lets go of what nobody reads any more."""

from __future__ import annotations

import tracemalloc

import numpy as np
import pytest
from numpy.testing import assert_array_equal

import gradjit as gj
from gradjit import errors
from gradjit.ir import interpret, parse
from gradjit.ir.prepared import prepared

X = np.linspace(-1, 2, 6)


@pytest.mark.parametrize("f", [
    lambda x: np.sin(x) * x + 2.0,
    lambda x: (np.sum(x), x[1:3], np.cumsum(x[::-1])),
    lambda x: np.where(x > 0, x, 1.0).reshape(2, 3) @ np.ones(3),
    lambda x: x,
    lambda x: np.sort(x)[np.array([0, 2])],
])
def test_it_gives_what_the_interpreter_gives(f: object) -> None:
    func = gj.trace(f, X)
    args = [X, *(np.array([0, 2]) for _ in func.params[1:])]
    run = prepared(func)
    for _ in range(2):
        for found, expected in zip(run(args), interpret(func, args), strict=True):
            assert_array_equal(found, expected)
            assert found.dtype == expected.dtype and not np.shares_memory(found, X)


def test_loops_are_the_interpreters_own() -> None:
    def f(x):
        s = x * 0
        for k in range(30):
            s = s + x * k
        return s

    func = gj.trace(f, X)
    assert_array_equal(prepared(func)([X])[0], interpret(func, [X])[0])


def test_errors_are_the_interpreters() -> None:
    text = "func @f(%x: f64[3], %i: i64[1]) -> f64[1] {\n  %0: f64[1] = gather %x, %i axes=[0]\n  return %0\n}"
    func = parse(text)["f"]
    with pytest.raises(errors.BoundsError, match="out of bounds"):
        prepared(func)([np.zeros(3), np.array([5])])


def test_dead_arrays_are_let_go() -> None:
    def step(x):
        return np.sin(x) + x

    def f(x):
        return step(step(step(step(step(step(step(step(step(step(step(step(x))))))))))))

    x = np.ones(100_000)
    run = prepared(gj.trace(f, x))
    tracemalloc.start()
    run([x])
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < 6 * x.nbytes
