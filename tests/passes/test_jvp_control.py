"""Forward mode through loops, branches and tapes, against finite differences."""

from __future__ import annotations

from itertools import combinations
from typing import Any

import numpy as np
import pytest

from gradjit.ir import Func, walk
from gradjit.passes.dce import dce
from gradjit.passes.jvp import jvp
from tests.passes.derivatives import func, run
from tests.passes.loops import LOOPS, PRODUCTS, ROTATION, TAPED

RNG = np.random.default_rng(7)


def floats(f: Func) -> list[int]:
    return [k for k, p in enumerate(f.params) if p.dtype.is_float]


def directional(f: Func, args: list[Any], wrt: tuple[int, ...], tangents: list[np.ndarray], h: float = 1e-6
                ) -> list[np.ndarray]:
    """Central differences of the floating-point results along the tangents."""
    def moved(s: float) -> list[np.ndarray]:
        at = list(args)
        for k, t in zip(wrt, tangents, strict=True):
            at[k] = args[k] + s * h * t
        return run(f, *at)

    return [(a - b) / (2 * h) for a, b, r in zip(moved(1), moved(-1), f.results, strict=True) if r.dtype.is_float]


def check(f: Func, args: list[Any], wrt: tuple[int, ...]) -> None:
    tangents = [RNG.standard_normal(np.shape(args[k])) for k in wrt]
    pushed = jvp(f, wrt)
    got = run(pushed, *args, *tangents)
    primal, expected = run(f, *args), directional(f, args, wrt, tangents)
    for a, b in zip(got, primal + expected, strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-6, atol=1e-8)
    for a, b in zip(run(dce(pushed), *args, *tangents), got, strict=True):
        np.testing.assert_array_equal(a, b)


@pytest.mark.parametrize("name", LOOPS)
def test_programs(name: str) -> None:
    text, args = LOOPS[name]
    f = func(text)
    for count in range(1, len(floats(f)) + 1):
        for wrt in combinations(floats(f), count):
            if name != "newton" or 1 not in wrt:  # the tolerance has no influence that differences could show
                check(f, args, wrt)


@pytest.mark.parametrize("name", TAPED)
def test_tapes(name: str) -> None:
    text, args = TAPED[name]
    f = func(text)
    for wrt in [(1,), (2,), (1, 2)]:
        check(f, args, wrt)


def test_only_entries_that_vary_are_pushed_with_a_tangent() -> None:
    f = func(TAPED["stack"][0])
    pushes = [op for op in walk(jvp(f, [1]).body) if op.name == "push"]
    assert [[str(v.type) for v in op.operands[1:]] for op in pushes] == [
        ["f64[]", "i64[]", "f64[]"], ["f64[2]", "f64[]"]]


@pytest.mark.parametrize("name", ["products", "nest", "triangle"])
def test_tangents_of_tangents(name: str) -> None:
    text, args = LOOPS[name]
    f = func(text)
    wrt = tuple(floats(f))
    tangents = [RNG.standard_normal(np.shape(args[k])) for k in wrt]
    check(jvp(f, wrt), [*args, *tangents], wrt)


def test_only_what_varies_is_carried_with_a_tangent() -> None:
    """y has no influence on the product: the loop carries one tangent more. Zeros start what varies later."""
    loop = next(op for op in jvp(func(PRODUCTS), [2]).ops if op.name == "for")
    assert len(loop.results) == 3
    loop = next(op for op in jvp(func(PRODUCTS), [1]).ops if op.name == "for")
    assert len(loop.results) == 4
    assert [r.name for r in loop.results] == ["p", "q", "t_p", "t_q"]


def test_what_turns_round_varies_as_a_whole() -> None:
    loop = next(op for op in jvp(func(ROTATION), [1]).ops if op.name == "for")
    assert len(loop.results) == 6


def test_loops_beside_the_way_are_copied() -> None:
    f = func("""
        func @f(%x: f64[], %y: f64[], %n: i64[]) -> (f64[], f64[]) {
          %zero: i64[] = const 0
          %one: i64[] = const 1
          %z: f64[] = for %zero, %n, %one, %x {
            (%i: i64[], %c: f64[])
            %d: f64[] = sin %c
            yield %d
          }
          %e: f64[] = exp %y
          return %z, %e
        }""")
    pushed = jvp(f, [1])
    assert [len(op.results) for op in pushed.ops if op.name == "for"] == [1]
    np.testing.assert_allclose(run(pushed, 0.3, 0.4, 2, 1.0), [np.sin(np.sin(0.3)), np.exp(0.4), 0.0, np.exp(0.4)])
