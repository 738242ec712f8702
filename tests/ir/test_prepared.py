"""The prepared interpreter gives what the interpreter gives, and lets go of what nobody reads any more."""

from __future__ import annotations

import itertools
import tracemalloc
from dataclasses import replace

import numpy as np
import pytest
from numpy.testing import assert_array_equal

import gradjit as gj
from gradjit import errors
from gradjit.ir import OPS, interpret, parse
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


def test_what_is_known_to_be_equal_is_computed_once(monkeypatch: pytest.MonkeyPatch) -> None:
    func = parse("""func @f(%x: f64[4], %y: f64[4]) -> (f64[4], f64[4], f64[4], f64[4], f64[4]) {
  %0: f64[4] = const 1.0
  %1: f64[4] = mul %0, %x
  %2: f64[4] = stop_gradient %1
  %3: f64[4] = mul %x, %y
  %4: f64[4] = mul %x, %y
  %5: f64[4] = add %3, %4
  %6: f64[4] = mul %y, %x
  return %2, %5, %3, %4, %6
}""")["f"]
    args = [np.array([-0.0, np.inf, np.nan, 3.0]), np.array([2.0, -0.0, 1.0, 0.1])]
    expected = interpret(func, args)
    calls = []
    plain = OPS["mul"].evaluate
    monkeypatch.setitem(OPS, "mul", replace(OPS["mul"], evaluate=lambda a, b: calls.append(0) or plain(a, b)))
    found = prepared(func)(args)
    assert len(calls) == 3  # 1 * x, x * y and y * x
    for a, b in zip(found, expected, strict=True):
        assert_array_equal(a, b)
        assert_array_equal(np.signbit(a), np.signbit(b))
    assert not any(np.shares_memory(a, b) for a, b in itertools.combinations([*args, *found], 2))
