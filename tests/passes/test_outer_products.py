"""Products that a loop adds up become one product behind it: the same numbers, and only where the rule says so."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from gradjit.ir import Func, interpret, verify, walk
from gradjit.passes import optimize
from gradjit.passes.outer_products import collect_outer_products
from gradjit.passes.simplify import simplify
from gradjit.passes.vjp import gradient
from gradjit.tracer.trace import trace

RNG = np.random.default_rng(6)


def collected(f: Callable[..., Any], *args: Any) -> Func:
    """The function after the pass, which is checked to mean the same."""
    before = simplify(trace(f, args, {}).func)
    after = optimize(collect_outer_products(before), verify=True)
    verify(collect_outer_products(before))
    for a, b in zip(interpret(before, args), interpret(after, args), strict=True):
        np.testing.assert_allclose(b, a, rtol=1e-12, atol=1e-13)
    return after


def inside(f: Func) -> Counter[str]:
    """What the loops do."""
    return Counter(op.name for loop in f.ops if loop.name == "for" for op in walk(loop.regions[0]))


def matrices_carried(f: Func, shape: tuple[int, ...]) -> int:
    return sum(v.shape == shape for op in f.ops if op.name == "for" for v in op.operands)


def test_outer_products_are_taken_out() -> None:
    def f(xs: Any, v: Any) -> Any:
        total = np.zeros((12, 16))
        for t in range(20):
            v = np.sin(v) + xs[t, 0]
            total += np.outer(v, xs[t])
        return total

    g = collected(f, RNG.random((20, 16)), RNG.random(12))
    assert matrices_carried(g, (12, 16)) == 0
    assert sum(op.name == "contract" for op in g.ops) == 1
    assert matrices_carried(g, (20, 16)) == 0  # xs is there


@pytest.mark.parametrize("indices", [range(3, 17), range(16, 2, -1), range(1, 20, 2), range(18, 0, -3)])
def test_any_order_of_iterations(indices: range) -> None:
    def f(xs: Any, v: Any) -> Any:
        total = np.ones((12, 16))
        for t in range(indices.start, indices.stop, indices.step):
            v = np.sin(v) + xs[t - 1, 0]
            total -= np.outer(v, xs[t + 1] * v[0])
            total += np.outer(v, xs[t])
        return total

    g = collected(f, RNG.random((22, 16)), RNG.random(12))
    assert sum(op.name == "contract" for op in g.ops) == (2 if len(indices) > 8 else 0)  # few iterations are unrolled


def test_transposed_and_batched_products() -> None:
    def f(xs: Any, ys: Any, v: Any) -> Any:
        a, b = np.zeros((16, 12)), np.zeros((32, 40))
        for t in range(20):
            v = np.sin(v)
            a = np.outer(v, xs[t]).T + a
            ys = np.cos(ys)
            b += ys[:, :32].T @ ys
        return a, b

    g = collected(f, RNG.random((20, 16)), RNG.random((2, 40)), RNG.random(12))
    assert matrices_carried(g, (16, 12)) == matrices_carried(g, (32, 40)) == 0


def test_what_else_is_added_stays() -> None:
    def f(xs: Any, v: Any) -> Any:
        total = np.ones((12, 16))
        for t in range(20):
            v = np.sin(v)
            total += np.outer(v, xs[t]) + 0.5
            total -= np.cos(xs[t])
        return total

    g = collected(f, RNG.random((20, 16)), RNG.random(12))
    assert matrices_carried(g, (12, 16)) == 1


def test_a_sum_that_is_read_on_the_way_stays() -> None:
    def f(xs: Any, v: Any) -> Any:
        total = np.zeros((12, 16))
        for t in range(20):
            v = np.sin(v) + total[0, 0]
            total += np.outer(v, xs[t])
        return total

    assert inside(collected(f, RNG.random((20, 16)), RNG.random(12)))["mul"] == 1


def test_small_matrices_and_unknown_iterations_stay() -> None:
    def small(xs: Any, v: Any) -> Any:
        total = np.zeros((3, 4))
        for t in range(20):
            v = np.sin(v)
            total += np.outer(v, xs[t, :4])
        return total

    def unknown(xs: Any, v: Any, n: Any) -> Any:
        total = np.zeros((12, 16))
        for t in range(n):
            v = np.sin(v)
            total += np.outer(v, xs[t])
        return total

    assert matrices_carried(collected(small, RNG.random((20, 16)), RNG.random(3)), (3, 4)) == 1
    g = collected(unknown, RNG.random((20, 16)), RNG.random(12), np.int64(9))
    assert matrices_carried(g, (12, 16)) == 1


def test_products_with_rows_go_ahead() -> None:
    """Vectors and matrices as rows, on the left and on the right; what an iteration computes itself stays."""
    def f(w: Any, xs: Any, ys: Any, v: Any) -> Any:
        total = np.zeros(24)
        for t in range(19, 3, -1):
            v = np.sin(v)
            total = np.tanh(total + w @ xs[t] + xs[t - 3] @ w.T + w @ v)
            total += np.sum(ys[t] @ w.T, axis=0) + (w.T @ total)[0] + np.sum(w @ ys[t].T, axis=1)
        return total

    args = RNG.random((24, 16)), RNG.random((20, 16)), RNG.random((20, 3, 16)), RNG.random(16)
    g = collected(f, *args)
    assert inside(g)["contract"] == 3
    assert sum(op.name == "contract" for op in g.ops) == 3


def test_small_and_changing_matrices_stay() -> None:
    def f(w: Any, small: Any, xs: Any) -> Any:
        total = np.zeros(24)
        for t in range(20):
            total[:2] += small @ xs[t]
            total += w @ xs[t]
            w = np.cos(w)
        return total

    assert inside(collected(f, RNG.random((24, 16)), RNG.random((2, 16)), RNG.random((20, 16))))["contract"] == 2


def test_the_reverse_of_a_recurrent_network() -> None:
    """No weight matrix is touched in an iteration."""
    def f(w: Any, u: Any, xs: Any) -> Any:
        h = np.zeros(24)
        for t in range(50):
            h = np.tanh(w @ h + u @ xs[t])
        return np.sum(h * h)

    args = RNG.normal(size=(24, 24)) / 5, RNG.random((24, 16)), RNG.random((50, 16))
    t = trace(f, args, {}).func
    plain = gradient(t, [0, 1])
    g = optimize(plain, verify=True)
    extra = [np.float64(0)] * (len(g.params) - len(args))
    for a, b in zip(interpret(plain, [*args, *extra]), interpret(g, [*args, *extra]), strict=True):
        np.testing.assert_allclose(b, a, rtol=1e-10, atol=1e-13)
    assert matrices_carried(g, (24, 24)) == matrices_carried(g, (24, 16)) == 0
