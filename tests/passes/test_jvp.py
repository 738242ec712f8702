"""The forward pass as a whole."""

from __future__ import annotations

import numpy as np
import pytest

from gradjit.errors import DifferentiationError
from gradjit.ir import F64, I64, ArrayType, Builder, Loc, Value
from gradjit.ir.builder import build
from gradjit.passes.jvp import jvp
from gradjit.passes.vjp import gradient
from tests.passes.derivatives import added, counts, func, function, run, total

RNG = np.random.default_rng(4)


def test_parameters_and_results() -> None:
    f = func("""
        func @f(%x: f64[3], %n: i64[], %y: f32[]) -> (f64[], i64[], f32[], f64[3]) {
          %s: f64[] = sum %x axes=[0]
          %e: f64[3] = exp %x
          %m: i64[] = add %n, %n
          %z: f32[] = mul %y, %y
          return %s, %m, %z, %e
        }""")
    j = jvp(f, [2, 0])
    assert [p.name for p in j.params] == ["x", "n", "y", "t_y", "t_x"]
    assert [str(p.type) for p in j.params] == ["f64[3]", "i64[]", "f32[]", "f32[]", "f64[3]"]
    assert [str(v.type) for v in j.results] == ["f64[]", "i64[]", "f32[]", "f64[3]", "f64[]", "f32[]", "f64[3]"]
    x, t = np.array([0.0, 1.0, 2.0]), np.array([1.0, 10.0, 100.0])
    *_, ts, tz, te = run(j, x, 4, np.float32(3), np.float32(0.5), t)
    assert (ts, tz) == (111.0, np.float32(3))
    np.testing.assert_allclose(te, np.exp(x) * t)


def test_absent_tangents_cost_nothing() -> None:
    f = function(lambda b, x, y: (b.mul(b.sin(x), b.tan(y)), b.exp(y)), (3,), (3,))
    j = jvp(f, [0])
    assert added(j, f) == {"cos": 1, "mul": 2}
    assert (run(j, *RNG.standard_normal((3, 3)))[-1] == 0).all()


def test_a_quotient_divides_once() -> None:
    f = function(lambda b, x, y: b.div(x, y), (3,), (3,))
    assert added(jvp(f, [0, 1]), f) == {"mul": 1, "sub": 1, "div": 1}
    assert added(jvp(f, [0]), f) == {"div": 1}


def test_differences_subtract() -> None:
    f = function(lambda b, x, y: b.sub(x, y), (3,), (3,))
    assert added(jvp(f, [0, 1]), f) == {"sub": 1}
    assert added(jvp(f, [1]), f) == {"neg": 1}


def test_nothing_flows_through_operations_without_derivative() -> None:
    def body(b: Builder, x: Value) -> Value:
        return b.mul(b.stop_gradient(b.tan(x)), b.add(b.floor(b.sin(x)), x))

    f = function(body, (4,))
    assert added(jvp(f, [0]), f) == {"mul": 1}


def test_what_does_not_lead_to_a_floating_result_is_not_differentiated() -> None:
    f = function(lambda b, x: (b.exp(x), b.argsort(b.tan(x), axis=0)), (4,))
    assert added(jvp(f, [0]), f) == {"mul": 1}


def test_locations_are_those_of_the_primal_operations() -> None:
    f = function(lambda b, x: b.exp(b.sin(x)), (3,))
    for line, op in enumerate(f.ops):
        op.loc = Loc("model.py", line + 1)
    assert [op.loc.line for op in jvp(f, [0]).ops if op.loc] == [1, 1, 1, 2, 2]


def test_refusals() -> None:
    f = build("f", [ArrayType(I64, ())], lambda b, x: [b.cast(x, dtype=F64)])
    with pytest.raises(DifferentiationError, match="floating-point arguments; argument 0"):
        jvp(f, [0])


def test_complex_values() -> None:
    f = func("func @f(%z: c128[]) -> c128[] {\n  %e: c128[] = exp %z\n  return %e\n}")
    np.testing.assert_allclose(run(jvp(f, [0]), 0.3 - 0.7j, 2 + 1j), np.exp(0.3 - 0.7j) * np.array([1, 2 + 1j]))


def test_tangents_of_tangents() -> None:
    """d²/dx² of sin(x) exp(x) = 2 cos(x) exp(x)."""
    f = function(lambda b, x: b.mul(b.sin(x), b.exp(x)), ())
    twice = jvp(jvp(f, [0]), [0])
    np.testing.assert_allclose(run(twice, 0.7, 1.0, 1.0)[-1], 2 * np.cos(0.7) * np.exp(0.7))


def test_products_of_hessians_and_vectors_agree_in_all_compositions() -> None:
    def body(b: Builder, x: Value) -> Value:
        w = b.contract(x, x, xbatch=(), ybatch=(), xsum=(), ysum=())
        return total(b, b.mul(b.tanh(w), b.broadcast_to(b.exp(x), w.shape)))

    f = function(body, (4,))
    x, v = RNG.standard_normal((2, 4))
    over = run(jvp(gradient(f, [0]), [0]), x, v)[-1]
    under = run(gradient(jvp(f, [0]), [0], of=1), x, v)[-1]
    g = gradient(f, [0])
    np.testing.assert_allclose(over, under, rtol=1e-12)
    step = 1e-6
    ends = [run(g, x + s * step * v)[1] for s in (1, -1)]
    np.testing.assert_allclose(over, (ends[0] - ends[1]) / (2 * step), rtol=1e-6, atol=1e-8)


def test_extents_that_are_parameters() -> None:
    f = func("""
        func @f(%n: i64[], %x: f64[%n]) -> (f64[%n], f64[]) {
          %y: f64[%n] = exp %x
          %s: f64[] = sum %y axes=[0]
          return %y, %s
        }""")
    x, t = RNG.standard_normal((2, 5))
    *_, ty, ts = run(jvp(f, [1]), 5, x, t)
    np.testing.assert_allclose(ty, np.exp(x) * t)
    np.testing.assert_allclose(ts, (np.exp(x) * t).sum())


def test_counts_of_a_long_chain_grow_linearly() -> None:
    def chain(n: int):
        def body(b: Builder, x: Value) -> Value:
            for _ in range(n):
                x = b.sin(x)
            return x
        return function(body, (3,))

    assert [sum(counts(jvp(chain(n), [0])).values()) for n in (10, 20)] == [30, 60]
