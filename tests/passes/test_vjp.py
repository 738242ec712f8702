"""The reverse pass as a whole: what it emits, what it leaves out, where it refuses."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from gradjit.errors import DifferentiationError
from gradjit.ir import F64, I64, ArrayType, Builder, Loc, Value, walk
from gradjit.ir.builder import build
from gradjit.passes.jvp import jvp
from gradjit.passes.vjp import gradient, reverse
from tests.passes.derivatives import added, counts, func, function, numeric_gradient, run, total

RNG = np.random.default_rng(3)
MATMUL = {"xbatch": (), "ybatch": (), "xsum": (1,), "ysum": (0,)}


# what comes out -----------------------------------------------------------------------------------------------------
def test_parameters_and_results() -> None:
    f = func("""
        func @f(%x: f64[3], %n: i64[], %y: f32[]) -> (f64[], i64[], f32[], f64[3]) {
          %s: f64[] = sum %x axes=[0]
          %e: f64[3] = exp %x
          %m: i64[] = add %n, %n
          %z: f32[] = mul %y, %y
          return %s, %m, %z, %e
        }""")
    r = reverse(f, [2, 0])
    assert [str(p.type) for p in r.params] == ["f64[3]", "i64[]", "f32[]", "f64[]", "f32[]", "f64[3]"]
    assert [p.name for p in r.params] == ["x", "n", "y", "ct_s", "ct_z", "ct_e"]
    assert [str(v.type) for v in r.results] == ["f64[]", "i64[]", "f32[]", "f64[3]", "f32[]", "f64[3]"]
    x = np.array([0.0, 1.0, 2.0])
    *_, dy, dx = run(r, x, 4, np.float32(3), 1.0, np.float32(10), [1.0, 0.0, 2.0])
    assert dy == np.float32(60)
    np.testing.assert_allclose(dx, 1 + np.exp(x) * [1, 0, 2])


def test_the_original_is_left_alone() -> None:
    f = function(lambda b, x: total(b, b.mul(x, b.sin(x))), (4,))
    text = str(f)
    gradient(f, [0])
    assert str(f) == text


def test_gradient_chooses_a_result_and_returns_all() -> None:
    f = function(lambda b, x: (b.exp(x), b.sin(x)), ())
    for of, expected in ((0, np.exp(0.3)), (1, np.cos(0.3))):
        value, other, g = run(gradient(f, [0], of), 0.3)
        assert (value, other) == (np.exp(0.3), np.sin(0.3))
        assert g == expected


def test_a_parameter_may_be_asked_for_twice_and_returned() -> None:
    f = function(lambda b, x, y: (b.mul(x, y), x), (), ())
    *_, a, c, d = run(reverse(f, [0, 1, 0]), 2.0, 5.0, 1.0, 10.0)
    assert (a, c, d) == (15.0, 2.0, 15.0)


def test_a_result_that_is_returned_twice_sums_its_cotangents() -> None:
    def body(b: Builder, x: Value) -> tuple[Value, Value]:
        e = b.exp(x)
        return e, e

    assert run(reverse(function(body, ()), [0]), 0.0, 2.0, 3.0)[-1] == 5.0


def test_no_influence_is_zeros_written_out_once() -> None:
    f = function(lambda b, x, y: total(b, b.sin(x)), (3,), (2, 2))
    g = gradient(f, [1])
    assert added(g, f) == {}
    assert g.results[-1].op is g.ops[-1]
    np.testing.assert_array_equal(run(g, np.ones(3), np.ones((2, 2)))[-1], np.zeros((2, 2)))


def test_gradients_are_named_after_their_parameters() -> None:
    f = function(lambda b, x, y: total(b, b.mul(x, b.exp(y))), (3,), (3,))
    assert [v.name for v in gradient(f, [0, 1]).results[1:]] == ["d_x", "d_y"]


def test_locations_are_those_of_the_primal_operations() -> None:
    f = function(lambda b, x, y: total(b, b.mul(b.sin(x), b.maximum(x, y))), (3,), (3,))
    for line, op in enumerate(f.ops):
        op.loc = Loc("model.py", line + 1)
    g = gradient(f, [0, 1])
    assert g.ops[len(f.ops)].loc is None  # the seed belongs to no line
    lines = [op.loc.line for op in g.ops[len(f.ops) + 1:] if op.loc]
    assert len(lines) == len(g.ops) - len(f.ops) - 1
    assert lines == sorted(lines, reverse=True)
    assert set(lines) == {1, 2, 3, 4}


# what is not emitted ------------------------------------------------------------------------------------------------
@pytest.mark.parametrize("op", ["exp", "tanh", "sqrt", "expit", "cbrt", "tan", "erfinv"])
def test_results_are_reused(op: str) -> None:
    """These derivatives are arithmetic on the result; erfinv's is too, but for one exp."""
    f = function(lambda b, x: total(b, b.emit(op, x)), (4,))
    cheap = {"mul", "add", "sub", "div", "broadcast"}
    assert set(added(gradient(f, [0]), f)) - cheap == ({"exp"} if op == "erfinv" else set())


def test_a_quotient_divides_once_for_each_operand() -> None:
    f = function(lambda b, x, y: total(b, b.div(x, y)), (4,), (4,))
    assert added(gradient(f, [0]), f) == {"broadcast": 1, "div": 1}
    assert added(gradient(f, [1]), f) == {"broadcast": 1, "div": 1, "mul": 1, "neg": 1}


def test_operands_that_want_no_cotangent_cost_nothing() -> None:
    f = function(lambda b, x, y: total(b, b.contract(x, y, **MATMUL)), (3, 4), (4, 2))
    assert added(gradient(f, [0]), f) == {"broadcast": 1, "contract": 1}
    f = function(lambda b, x, y: total(b, b.pow(x, y)), (4,), (4,))
    assert "log" not in counts(gradient(f, [0]))
    assert "pow" not in added(gradient(f, [1]), f)
    f = function(lambda b, x, y: total(b, b.maximum(x, y)), (4,), (4,))
    assert added(gradient(f, [0]), f)["select"] == 2
    assert added(gradient(f, [0, 1]), f)["select"] == 4


@pytest.mark.parametrize("n, expected", [
    (2.0, {"mul": 2}), (3.0, {"mul": 3}), (1.0, {}), (0.5, {"mul": 1, "div": 1}), (4.0, {"mul": 2, "pow": 1}),
    (-1.0, {"mul": 3}),
])
def test_constant_exponents(n: float, expected: dict[str, int]) -> None:
    f = function(lambda b, x: total(b, b.pow(x, b.like(n, x))), (4,))
    assert added(gradient(f, [0]), f) == {"broadcast": 1, **expected}


@pytest.mark.parametrize("exponent", [2, 2.0])
def test_an_exponent_may_reach_pow_through_casts_and_broadcasts(exponent: float) -> None:
    def body(b: Builder, x: Value) -> Value:
        return total(b, b.pow(x, b.broadcast_to(b.cast_to(b.const(exponent), F64), x.shape)))

    f = function(body, (4,))
    assert set(added(gradient(f, [0]), f)) == {"broadcast", "mul"}


def test_what_does_not_lead_to_the_result_is_not_differentiated() -> None:
    f = function(lambda b, x: (total(b, x), b.tan(x), b.contract(x, x, xbatch=(), ybatch=(), xsum=(), ysum=())), (4,))
    assert added(gradient(f, [0]), f) == {"broadcast": 1}


def test_nothing_flows_through_operations_without_derivative() -> None:
    def body(b: Builder, x: Value) -> Value:
        steps = b.floor(b.sin(x))
        ranks = b.cast(b.argsort(b.exp(x), axis=0), dtype=F64)
        return total(b, b.mul(b.stop_gradient(b.tan(x)), b.add(steps, b.mul(ranks, x))))

    f = function(body, (4,))
    x = RNG.standard_normal(4)
    assert set(added(gradient(f, [0]), f)) == {"broadcast", "mul"}
    np.testing.assert_allclose(run(gradient(f, [0]), x)[1], np.tan(x) * np.argsort(x))


# masks --------------------------------------------------------------------------------------------------------------
UNSAFE: dict[str, tuple[Any, float]] = {
    "log": (lambda b, x: b.log(x), 0.0),
    "sqrt": (lambda b, x: b.sqrt(x), 0.0),
    "negative sqrt": (lambda b, x: b.sqrt(x), -1.0),
    "reciprocal": (lambda b, x: b.div(b.like(1, x), x), 0.0),
    "power": (lambda b, x: b.pow(x, b.like(-0.5, x)), 0.0),
    "arcsin": (lambda b, x: b.arcsin(x), 2.0),
    "log of sqrt": (lambda b, x: b.log(b.sqrt(x)), 0.0),
    "overflow": (lambda b, x: b.exp(b.mul(b.like(10, x), x)), 500.0),
    "quotient": (lambda b, x: b.div(b.sin(x), b.mul(x, x)), 0.0),
    "twice": (lambda b, x: b.mul(b.log(x), b.log(x)), 0.0),
}

ROUTES: dict[str, Any] = {
    "where": lambda b, m, y: total(b, b.select(m, y, b.like(0, y))),
    "where not": lambda b, m, y: total(b, b.select(b.not_(m), b.like(0, y), y)),
    "nested": lambda b, m, y: total(b, b.select(m, b.select(b.ne(y, y), b.like(7, y), b.neg(y)), b.like(0, y))),
    "scaled": lambda b, m, y: total(b, b.mul(b.select(m, b.exp(b.neg(y)), b.like(0, y)), b.like(3, y))),
    "reversed": lambda b, m, y: total(b, b.select(reversed_(b, m), reversed_(b, y), b.like(0, y))),
    "reshaped": lambda b, m, y: total(b, b.select(b.reshape(m, shape=(2, 2)), b.reshape(y, shape=(2, 2)),
                                                  b.const(0.0, shape=(2, 2)))),
    "transposed": lambda b, m, y: total(b, b.select(*(b.transpose(b.reshape(v, shape=(2, 2)), perm=(1, 0))
                                                      for v in (m, y)), b.const(0.0, shape=(2, 2)))),
    "joined": lambda b, m, y: total(b, b.select(b.concat(m, m, axis=0), b.concat(y, y, axis=0),
                                                b.const(0.0, shape=(8,)))),
    "summed": lambda b, m, y: total(b, b.select(b.all(b.reshape(m, shape=(4, 1)), axes=(1,)),
                                                b.sum(b.reshape(y, shape=(4, 1)), axes=(1,)), b.like(0, y))),
    "narrowed": lambda b, m, y: total(b, b.select(part(b, m), part(b, y), b.const(0.0, shape=(3,)))),
    "written": lambda b, m, y: total(b, b.select(
        m, b.update(y, b.const(0.0, shape=(1,)), starts=(3,), steps=(1,)), b.like(0, y))),
}


def reversed_(b: Builder, v: Value) -> Value:
    return b.slice(v, starts=(3,), sizes=(4,), steps=(-1,))


def part(b: Builder, v: Value) -> Value:
    return b.slice(v, starts=(0,), sizes=(3,), steps=(1,))


@pytest.mark.parametrize("route", ROUTES)
@pytest.mark.parametrize("name", UNSAFE)
def test_the_untaken_side_gives_no_nan(name: str, route: str) -> None:
    """f(x) = where(mask, unsafe(x), 0) through various movements: zero where the mask is false, right elsewhere."""
    unsafe, bad = UNSAFE[name]
    x, taken = np.array([0.5, bad, 0.7, bad]), np.array([True, False, True, False])

    def body(b: Builder, x: Value) -> Value:
        return ROUTES[route](b, b.const(taken), unsafe(b, x))

    f = function(body, (4,))
    g = run(gradient(f, [0]), x)[1]
    assert (g[~taken] == 0).all()
    safe = np.where(taken, x, 0.6)
    np.testing.assert_allclose(g[taken], numeric_gradient(f, [safe], 0)[taken], rtol=1e-7, atol=1e-9)
    tangents = run(jvp(f, [0]), x, taken * 1.0)[1]
    np.testing.assert_allclose(tangents, g.sum(), rtol=1e-12)


@pytest.mark.parametrize("name", UNSAFE)
def test_second_derivatives_are_safe_too(name: str) -> None:
    unsafe, bad = UNSAFE[name]
    f = function(lambda b, x: b.select(b.const(np.array([True, False])), unsafe(b, x), b.like(0, x)), (2,))
    x, ones = np.array([0.5, bad]), np.ones(2)
    back = reverse(f, [0])
    twice = run(reverse(back, [0]), x, ones, 0 * ones, ones)[-1]
    pushed = run(jvp(back, [0]), x, ones, np.array([1.0, 0.0]))[-1]
    assert np.isfinite(twice).all()
    assert twice[1] == 0
    np.testing.assert_allclose(pushed, twice)


@pytest.mark.parametrize("op, bound", [("maximum", -5.0), ("fmax", -5.0), ("minimum", -50.0)])
def test_clipping_hides_what_lies_beyond(op: str, bound: float) -> None:
    """log(0) = -inf loses against the bound, or for `minimum` the bound wins against all: no nan comes back."""
    f = function(lambda b, x: total(b, b.emit(op, b.log(x), b.like(bound, x))), (2,))
    g = run(gradient(f, [0]), np.array([0.0, 2.0]))[1]
    if op == "minimum":
        assert g[1] == 0
    else:
        np.testing.assert_array_equal(g, [0.0, 0.5])


def test_contributions_with_one_mask_are_added_before_it_is_applied() -> None:
    f = function(lambda b, x: total(b, b.select(b.gt(x, b.like(0, x)), b.mul(x, b.mul(x, x)), b.like(0, x))), (4,))
    assert added(gradient(f, [0]), f)["select"] == 1


def test_a_nan_of_the_taken_side_travels() -> None:
    f = function(lambda b, x: total(b, b.select(b.const(np.array([True, False])), b.log(x), b.like(0, x))), (2,))
    np.testing.assert_array_equal(run(gradient(f, [0]), np.array([np.nan, np.nan]))[1], [np.nan, 0.0])


# parts of arrays ----------------------------------------------------------------------------------------------------
def element(b: Builder, x: Value, *at: int) -> Value:
    return b.reshape(b.slice(x, starts=at, sizes=(1,) * len(at), steps=(1,) * len(at)), shape=())


def window(b: Builder, x: Value, start: int, size: int, step: int = 1) -> Value:
    return b.slice(x, starts=(start,), sizes=(size,), steps=(step,))


def test_elements_read_one_by_one_are_put_together_once() -> None:
    def body(b: Builder, x: Value) -> Value:
        s = b.const(0.0)
        for k in range(10):
            s = b.add(s, b.mul(element(b, x, k), element(b, x, (k + 1) % 10)))
        return s

    f = function(body, (10,))
    g = gradient(f, [0])
    assert "pad" not in counts(g)
    assert counts(g)["concat"] == 1
    x = RNG.standard_normal(10)
    np.testing.assert_allclose(run(g, x)[1], np.roll(x, 1) + np.roll(x, -1))


def test_elements_of_a_matrix() -> None:
    def body(b: Builder, x: Value) -> Value:
        entries = [element(b, x, i, j) for i in range(3) for j in range(3) if (i, j) != (1, 1)]
        s = b.const(0.0)
        for k, e in enumerate(entries):
            s = b.add(s, b.mul(b.const(float(k)), b.exp(e)))
        return s

    f = function(body, (3, 3))
    x = RNG.standard_normal((3, 3))
    g = gradient(f, [0])
    np.testing.assert_allclose(run(g, x)[1], numeric_gradient(f, [x], 0), rtol=1e-8, atol=1e-9)
    assert counts(g)["pad"] == 0


def test_a_vector_cut_into_weights_is_joined() -> None:
    def body(b: Builder, x: Value) -> Value:
        w, v, c = window(b, x, 0, 6), window(b, x, 6, 3), window(b, x, 9, 2)
        y = b.contract(b.reshape(w, shape=(2, 3)), v, xbatch=(), ybatch=(), xsum=(1,), ysum=(0,))
        return total(b, b.tanh(b.add(y, c)))

    f = function(body, (11,))
    g = gradient(f, [0])
    assert g.results[1].op is not None
    assert g.results[1].op.name == "concat"
    x = RNG.standard_normal(11)
    np.testing.assert_allclose(run(g, x)[1], numeric_gradient(f, [x], 0), rtol=1e-8, atol=1e-9)


WINDOWS = {
    "overlapping": [(1, 6, 1), (0, 6, 1), (2, 3, 1)],
    "gaps": [(0, 1, 1), (3, 2, 1), (6, 1, 1)],
    "backwards": [(6, 7, -1), (2, 3, -1), (4, 2, 2)],
    "strided": [(0, 4, 2), (1, 3, 2), (6, 4, -2)],
    "single steps": [(3, 1, 5), (4, 1, -5), (0, 3, 1)],
    "equal": [(1, 4, 1), (1, 4, 1), (5, 2, 1)],
    "chain": [(k, 2, 1) for k in range(6)],
    "whole": [(0, 7, 1), (6, 7, -1)],
    "empty": [(3, 0, 1), (0, 2, 1)],
}


@pytest.mark.parametrize("windows", WINDOWS.values(), ids=WINDOWS)
def test_windows(windows: list[tuple[int, int, int]]) -> None:
    def body(b: Builder, x: Value) -> Value:
        s = total(b, b.sin(x))
        for k, (start, size, step) in enumerate(windows):
            w = window(b, x, start, size, step)
            weights = b.const(np.arange(size) + k + 0.5)
            s = b.add(s, total(b, b.mul(weights, b.mul(w, w))))
        return s

    f = function(body, (7,))
    x = RNG.standard_normal(7)
    g = gradient(f, [0])
    np.testing.assert_allclose(run(g, x)[1], numeric_gradient(f, [x], 0), rtol=1e-7, atol=1e-8)
    if windows is WINDOWS["chain"]:
        assert counts(g)["concat"] == 2  # two layers: those that start at even places and those at odd ones
        assert counts(g)["pad"] == 2


def test_gathers_of_one_array_share_their_zeros() -> None:
    def body(b: Builder, x: Value) -> Value:
        i, j = b.const(np.array([0, 2, 2])), b.const(np.array([1, 1]))
        a, c = b.gather(x, i, axes=(0,)), b.gather(x, j, axes=(0,))
        return b.add(total(b, b.mul(a, a)), total(b, b.exp(c)))

    f = function(body, (4,))
    x = RNG.standard_normal(4)
    g = gradient(f, [0])
    np.testing.assert_allclose(run(g, x)[1], [2 * x[0], 2 * np.exp(x[1]), 4 * x[2], 0])
    second = next(op for op in reversed(g.ops) if op.name == "scatter_add")
    assert second.operands[0].op is not None
    assert second.operands[0].op.name == "scatter_add"


# symbolic extents ---------------------------------------------------------------------------------------------------
def test_extents_that_are_parameters() -> None:
    f = func("""
        func @f(%n: i64[], %k: i64[], %x: f64[%n], %w: f64[3,%n]) -> f64[] {
          %y: f64[3] = contract %w, %x xbatch=[] ybatch=[] xsum=[1] ysum=[0]
          %e: f64[%n] = exp %x
          %p: f64[%k] = slice %e [1:+%k]
          %s: f64[] = sum %p axes=[0]
          %t: f64[] = sum %y axes=[0]
          %r: f64[] = mul %s, %t
          return %r
        }""")
    x, w = RNG.standard_normal(5), RNG.standard_normal((3, 5))
    _, dx, dw = run(gradient(f, [2, 3]), 5, 2, x, w)
    s, t = np.exp(x[1:3]).sum(), (w @ x).sum()
    np.testing.assert_allclose(dx, s * w.sum(axis=0) + t * np.exp(x) * [0, 1, 1, 0, 0])
    np.testing.assert_allclose(dw, np.tile(s * x, (3, 1)))


# refusals -----------------------------------------------------------------------------------------------------------
def test_integer_parameters_are_refused() -> None:
    f = build("f", [ArrayType(I64, (2,))], lambda b, x: [b.sum(b.cast(x, dtype=F64), axes=(0,))])
    with pytest.raises(DifferentiationError, match=r"floating-point arguments; argument 0 of @f is i64\[2\]"):
        gradient(f, [0])


@pytest.mark.parametrize("k", [-1, 1])
def test_parameters_that_do_not_exist(k: int) -> None:
    with pytest.raises(DifferentiationError, match=f"none with the index {k}"):
        reverse(function(lambda b, x: b.sin(x), ()), [k])


def test_results_that_are_no_real_scalar() -> None:
    f = function(lambda b, x: (b.sin(x), b.argmax(x, axis=0)), (3,))
    with pytest.raises(DifferentiationError, match=r"real scalar; result 0 of @f is f64\[3\]"):
        gradient(f, [0])
    with pytest.raises(DifferentiationError, match=r"real scalar; result 1 of @f is i64\[\]"):
        gradient(f, [0], 1)


def test_complex_values() -> None:
    """The cotangent of exp z is conj(exp z) times that of the result."""
    f = func("func @f(%z: c128[]) -> c128[] {\n  %e: c128[] = exp %z\n  return %e\n}")
    value, ct = run(reverse(f, [0]), 0.3 - 0.7j, 2 + 1j)
    np.testing.assert_allclose([value, ct], [np.exp(0.3 - 0.7j), np.conj(np.exp(0.3 - 0.7j)) * (2 + 1j)])
    f = func("func @f(%x: f64[]) -> c128[] {\n  %z: c128[] = cast %x dtype=c128 ; model.py:7\n  return %z\n}")
    np.testing.assert_allclose(run(reverse(f, [0]), 0.3, 2 + 1j), [0.3, 2.0])


LOOP = """
func @f(%x: f64[], %n: i64[]) -> (f64[], f64[]) {
  %zero: i64[] = const 0
  %one: i64[] = const 1
  %y: f64[] = for %zero, %n, %one, %x {  ; model.py:12
    (%i: i64[], %c: f64[])
    %d: f64[] = sin %c
    yield %d
  }
  %z: f64[] = exp %x
  return %y, %z
}"""


def test_control_flow_beside_the_way_is_no_obstacle() -> None:
    f = func(LOOP)
    value, z, g = run(gradient(f, [0], of=1), 0.3, 2)
    assert (value, z, g) == (np.sin(np.sin(0.3)), np.exp(0.3), np.exp(0.3))


# whole programs -----------------------------------------------------------------------------------------------------
def log_sum_exp(b: Builder, x: Value) -> Value:
    m = b.max(x, axes=(0,))
    return b.add(m, b.log(total(b, b.exp(b.sub(x, b.broadcast_to(m, x.shape))))))


def perceptron(b: Builder, x: Value, w: Value, v: Value) -> Value:
    hidden = b.tanh(b.contract(x, w, **MATMUL))
    out = b.contract(hidden, v, **MATMUL)
    return total(b, b.mul(out, out))


def rosenbrock(b: Builder, x: Value) -> Value:
    head, tail = window(b, x, 0, 5), window(b, x, 1, 5)
    a, c = b.sub(tail, b.mul(head, head)), b.sub(b.like(1, head), head)
    return total(b, b.add(b.mul(b.like(100, a), b.mul(a, a)), b.mul(c, c)))


PROGRAMS = {
    "log-sum-exp": (log_sum_exp, ((6,),)),
    "perceptron": (perceptron, ((3, 4), (4, 5), (5, 2))),
    "rosenbrock": (rosenbrock, ((6,),)),
}


@pytest.mark.parametrize("body, shapes", PROGRAMS.values(), ids=PROGRAMS)
def test_programs(body: Any, shapes: Any) -> None:
    f = function(body, *shapes)
    args = [RNG.standard_normal(s) for s in shapes]
    wrt = range(len(args))
    got = run(gradient(f, wrt), *args)[1:]
    for k in wrt:
        np.testing.assert_allclose(got[k], numeric_gradient(f, args, k), rtol=1e-5, atol=1e-7)


def test_gradients_of_gradients_of_gradients() -> None:
    """d³/dx³ of sin(x) exp(x): the pass applies to its own output."""
    f = function(lambda b, x: b.mul(b.sin(x), b.exp(x)), ())
    x = 0.7
    s, c = np.exp(x) * np.sin(x), np.exp(x) * np.cos(x)
    for expected in (s + c, 2 * c, 2 * c - 2 * s, -4 * s):
        f = gradient(f, [0], of=len(f.results) - 1)
        np.testing.assert_allclose(run(f, x)[-1], expected)
    assert f.name == "f" + ".grad" * 4


def test_every_operation_of_an_adjoint_verifies_and_prints() -> None:
    f = function(perceptron, (3, 4), (4, 5), (5, 2))
    g = gradient(gradient(f, [0, 1, 2]), [1])
    text = str(g)
    assert str(func(text)) == text
    assert all(op.results for op in walk(g.body))
