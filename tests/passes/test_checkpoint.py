"""Loops that are reversed from snapshots: the same derivatives, in as few iterations and as little memory as theory
says."""

from __future__ import annotations

from math import comb
from typing import Any

import numpy as np
import pytest

from gradjit.ir import Func, interpreter, walk
from gradjit.passes import optimize
from gradjit.passes.batching import batch
from gradjit.passes.jvp import jvp
from gradjit.passes.vjp import gradient, reverse
from tests.passes.derivatives import func, numeric_gradient, run

STEPS = """
func @steps(%n: i64[], %x: f64[2], %w: f64[2]) -> f64[] {{
  %lo: i64[] = const {lo}
  %step: i64[] = const {step}
  %scale: i64[] = const {step}
  %m: i64[] = mul %n, %scale
  %hi: i64[] = add %lo, %m
  %zero: i64[] = const 0
  %y: f64[2], %k: i64[], %z: f64[2] = for %lo, %hi, %step, %x, %zero, %w snapshots={snapshots} {{  ; model.py:3
    (%i: i64[], %p: f64[2], %c: i64[], %q: f64[2])
    %one: i64[] = const 1
    %d: i64[] = add %c, %one
    %e: f64[] = cast %d dtype=f64
    %j: f64[] = cast %i dtype=f64
    %f: f64[] = add %e, %j
    %g: f64[] = sin %f
    %h: f64[2] = broadcast %g shape=[2] dims=[]
    %r: f64[2] = mul %w, %p
    %s: f64[2] = sin %r
    %t: f64[2] = add %s, %h
    %u: f64[2] = mul %t, %q
    yield %u, %d, %q
  }}
  %s: f64[] = sum %y axes=[0]
  return %s
}}"""


def steps(snapshots: int, lo: int = 0, step: int = 1) -> Func:
    return func(STEPS.format(snapshots=snapshots, lo=lo, step=step))


X, W = np.array([0.3, 0.8]), np.array([1.2, -0.7])


def theory(n: int, s: int) -> int:
    """The least number of iterations computed to get at those that are reversed (Griewank and Walther)."""
    if n <= 1:
        return 0
    r = next(r for r in range(n) if comb(s + r, s) >= n)
    return r * n - comb(s + r, s + 1)


@pytest.mark.thinned
@pytest.mark.parametrize("n", [0, 1, 2, 3, 7, 20])
@pytest.mark.parametrize("s", [1, 2, 3, 30])
@pytest.mark.parametrize("bounds", [(0, 1), (5, -1), (-2, 3), (4, -2)])
def test_derivatives_are_the_same(n: int, s: int, bounds: tuple[int, int]) -> None:
    expected = run(gradient(steps(0, *bounds), [1, 2]), n, X, W)
    found = gradient(steps(s, *bounds), [1, 2])
    for g in (found, optimize(found, verify=True)):
        for x, y in zip(run(g, n, X, W), expected, strict=True):
            np.testing.assert_allclose(x, y, rtol=1e-12)


def test_against_differences() -> None:
    f = steps(2)
    _, dx, dw = run(gradient(f, [1, 2]), 9, X, W)
    np.testing.assert_allclose(dx, numeric_gradient(f, [9, X, W], 1), rtol=1e-6, atol=1e-9)
    np.testing.assert_allclose(dw, numeric_gradient(f, [9, X, W], 2), rtol=1e-6, atol=1e-9)


def counted(f: Func, monkeypatch: pytest.MonkeyPatch, *args: Any) -> tuple[int, int]:
    """How many iterations are computed, each of which has one sine of an array, and reversed, with a cosine in its
    place."""
    counts = {"sin": 0, "cos": 0}
    plain = interpreter.evaluate

    def evaluate(op: Any, *rest: Any) -> Any:
        if op.name in counts and op.result.type.rank:
            counts[op.name] += 1
        return plain(op, *rest)

    monkeypatch.setattr(interpreter, "evaluate", evaluate)
    run(f, *args)
    monkeypatch.undo()
    return counts["sin"], counts["cos"]


@pytest.mark.thinned
@pytest.mark.parametrize("s", [1, 2, 3, 5, 8])
def test_iterations_are_as_few_as_can_be(s: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """Beside the schedule's iterations there is the last one, which gives the results."""
    g = gradient(steps(s), [1])
    for n in (1, 2, 3, 4, 5, 8, 13, 16, 21, 29, 57, 120):
        if n < 40 or s > 1:
            assert counted(g, monkeypatch, n, X, W) == (theory(n, s) + 1, n)


def test_memory_is_that_of_the_snapshots() -> None:
    g = gradient(steps(4), [1, 2])
    assert not [op for op in walk(g.body) if op.name in ("tape", "push", "pop")]
    assert {str(v.type) for op in walk(g.body) for v in op.results if v.type.rank == 2} == {"f64[5,2]", "f64[1,2]"}


NESTED = """
func @nested(%n: i64[], %m: i64[], %x: f64[], %a: f64[4]) -> f64[] {{
  %zero: i64[] = const 0
  %one: i64[] = const 1
  %four: i64[] = const 4
  %y: f64[] = for %zero, %n, %one, %x {outer} {{
    (%i: i64[], %p: f64[])
    %k: i64[] = mod %i, %four
    %e: f64[1] = slice %a [%k:+1]
    %f: f64[] = reshape %e shape=[]
    %g: f64[] = sin %f
    %c: f64[] = mul %p, %g
    %top: i64[] = add %m, %k
    %q: f64[], %b: f64[4] = for %k, %top, %one, %c, %a {inner} {{
      (%j: i64[], %r: f64[], %d: f64[4])
      %s: f64[] = sin %r
      %l: i64[] = mod %j, %four
      %t: f64[1] = slice %d [%l:+1]
      %u: f64[] = reshape %t shape=[]
      %v: f64[] = mul %s, %u
      %w: f64[] = add %v, %p
      %o: f64[1] = reshape %w shape=[1]
      %h: f64[4] = update %d, %o starts=[%l] steps=[1]
      yield %w, %h
    }}
    %z: f64[] = while %q {{
      (%r: f64[])
      %big: bool[] = gt %r, %x
      yield %big
    }} {{
      (%r: f64[])
      %s: f64[] = mul %r, %g
      %t: f64[] = sin %s
      yield %t
    }}
    %sum: f64[] = sum %b axes=[0]
    %end: f64[] = mul %sum, %z
    yield %end
  }}
  return %y
}}"""


@pytest.mark.thinned
@pytest.mark.parametrize("outer, inner", [("snapshots=2", ""), ("", "snapshots=2"), ("snapshots=1", "snapshots=3")])
def test_nests(outer: str, inner: str) -> None:
    plain = func(NESTED.format(outer="", inner=""))
    f = func(NESTED.format(outer=outer, inner=inner))
    a = np.array([0.9, 0.4, 0.7, 1.1])
    for n, m in ((0, 3), (1, 0), (3, 2), (5, 4)):
        expected = run(gradient(plain, [2, 3]), n, m, 0.8, a)
        g = gradient(f, [2, 3])
        for h in (g, optimize(g, verify=True)):
            for x, y in zip(run(h, n, m, 0.8, a), expected, strict=True):
                np.testing.assert_allclose(x, y, rtol=1e-12)


def test_second_derivatives() -> None:
    plain, f = gradient(steps(0), [1]), gradient(steps(2), [1])
    v = np.array([0.4, -1.0])
    expected = run(jvp(plain, [1]), 6, X, W, v)[-1]
    np.testing.assert_allclose(run(jvp(f, [1]), 6, X, W, v)[-1], expected, rtol=1e-12)
    np.testing.assert_allclose(run(reverse(f, [1]), 6, X, W, 0.0, v)[-1], expected, rtol=1e-12)
    rows = run(batch(jvp(f, [1]), [False, False, False, True], 2), 6, X, W, np.eye(2))[-1]
    np.testing.assert_allclose(rows @ v, expected, rtol=1e-12)


def test_the_loop_stays_one_loop_for_any_number_of_iterations() -> None:
    """The text does not grow with the number of snapshots."""
    few, many = (len(list(walk(gradient(steps(s), [1]).body))) for s in (1, 1000))
    assert few == many
