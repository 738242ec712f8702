"""Batching of whole functions: every flag combination, of primal functions and of their derivatives, against a loop."""

from __future__ import annotations

from itertools import product
from typing import Any

import numpy as np
import pytest

from gradjit.errors import UnsupportedError
from gradjit.ir import Builder, Func, Loc, Value
from gradjit.passes.batching import batch
from gradjit.passes.jvp import jvp
from gradjit.passes.vjp import gradient, reverse
from tests.passes.derivatives import added, func, function, run, total

RNG = np.random.default_rng(5)
MATMUL = {"xbatch": (), "ybatch": (), "xsum": (1,), "ysum": (0,)}
SIZE = 3


def looped(f: Func, flags: tuple[bool, ...], args: list[np.ndarray]) -> list[np.ndarray]:
    """The results over the examples, stacked."""
    rows = [run(f, *(a[i] if flag else a for a, flag in zip(args, flags, strict=True))) for i in range(SIZE)]
    return [np.stack(r) for r in zip(*rows, strict=True)]


def agrees(f: Func, flags: tuple[bool, ...], shapes: Any) -> Func:
    args = [RNG.standard_normal(((SIZE,) if flag else ()) + s) for s, flag in zip(shapes, flags, strict=True)]
    batched = batch(f, flags, SIZE)
    for got, expected in zip(run(batched, *args), looped(f, flags, args), strict=True):
        np.testing.assert_allclose(got, expected, rtol=1e-12, atol=1e-14)
    return batched


def layer(b: Builder, x: Value, w: Value, c: Value) -> Value:
    y = b.add(b.contract(x, w, **MATMUL), b.broadcast(c, shape=(2, 4), dims=(1,)))
    shift = b.broadcast(b.max(y, axes=(1,)), shape=(2, 4), dims=(0,))
    e = b.exp(b.sub(y, shift))
    return total(b, b.mul(b.log(b.sum(e, axes=(1,))), b.max(y, axes=(1,))))


SHAPES = ((2, 3), (3, 4), (4,))


@pytest.mark.parametrize("flags", list(product((False, True), repeat=3)))
def test_every_choice_of_batched_parameters(flags: tuple[bool, ...]) -> None:
    f = function(layer, *SHAPES)
    agrees(f, flags, SHAPES)
    agrees(gradient(f, [0, 1, 2]), flags, SHAPES)
    agrees(jvp(f, [1]), (*flags, True), (*SHAPES, SHAPES[1]))


def test_what_is_the_same_for_all_is_computed_once() -> None:
    f = function(lambda b, x, y: b.mul(b.exp(x), b.exp(y)), (4,), (4,))
    batched = batch(f, (True, False), SIZE)
    assert sorted(str(op.result.type) for op in batched.ops if op.name == "exp") == ["f64[3,4]", "f64[4]"]


def test_results_that_do_not_depend_on_the_batch_are_repeated() -> None:
    f = function(lambda b, x, y: (b.exp(x), b.exp(y), y), (4,), (2,))
    batched = agrees(f, (True, False), ((4,), (2,)))
    assert [str(r.type) for r in batched.results] == ["f64[3,4]", "f64[3,2]", "f64[3,2]"]


def test_pointwise_programs_get_no_broadcasts() -> None:
    f = function(lambda b, x: b.mul(b.exp(x), x), (4,))
    assert added(batch(f, (True,), SIZE), f) == {}


def test_names_and_locations_stay() -> None:
    f = func("func @f(%x: f64[2]) -> f64[2] {\n  %y: f64[2] = exp %x ; model.py:3\n  return %y\n}")
    batched = batch(f, (True,), SIZE)
    assert [p.name for p in batched.params] == ["x"]
    assert (batched.ops[0].loc, batched.results[0].name) == (Loc("model.py", 3), "y")


def test_stacks_of_stacks() -> None:
    f = function(layer, *SHAPES)
    twice = batch(batch(f, (True, False, False), SIZE), (False, True, False), 2)
    x, w, c = RNG.standard_normal((SIZE, *SHAPES[0])), RNG.standard_normal((2, *SHAPES[1])), RNG.standard_normal(4)
    expected = [[run(f, x[i], w[j], c)[0] for i in range(SIZE)] for j in range(2)]
    np.testing.assert_allclose(run(twice, x, w, c)[0], expected)


def test_a_hessian_is_a_batch_of_tangents_of_gradients() -> None:
    def body(b: Builder, x: Value) -> Value:
        return total(b, b.mul(b.prod(x, axes=(0,)), b.log(total(b, b.exp(x)))))

    f = function(body, (3,))
    x = np.array([0.5, -1.0, 2.0])
    rows = run(batch(jvp(gradient(f, [0]), [0]), (False, True), 3), x, np.eye(3))[-1]
    back = reverse(gradient(f, [0]), [0])
    columns = run(batch(back, (False, False, True), 3), x, 0.0, np.eye(3))[-1]
    np.testing.assert_allclose(rows, rows.T, rtol=1e-12)
    np.testing.assert_allclose(rows, columns, rtol=1e-12)


@pytest.mark.parametrize("flags", [f for f in product((False, True), repeat=2) if any(f)])
def test_a_fill_of_its_own_for_each_example(flags: tuple[bool, ...]) -> None:
    f = function(lambda b, x, v: b.pad(x, v, lows=(1,), highs=(2,), interiors=(1,)), (3,), ())
    agrees(f, flags, ((3,), ()))


@pytest.mark.parametrize("flags", [f for f in product((False, True), repeat=3) if any(f)])
def test_scatters_with_indices_of_their_own(flags: tuple[bool, ...]) -> None:
    f = func("""
        func @f(%x: f64[5,2], %i: i64[3], %v: f64[3,2]) -> (f64[5,2], f64[5,2], f64[3,2]) {
          %a: f64[5,2] = scatter %x, %i, %v axes=[0]
          %b: f64[5,2] = scatter_add %x, %i, %v axes=[0]
          %c: f64[3,2] = gather %x, %i axes=[0]
          return %a, %b, %c
        }""")
    shapes = ((5, 2), (3,), (3, 2))
    args = [RNG.standard_normal(((SIZE,) if flag else ()) + s) for s, flag in zip(shapes, flags, strict=True)]
    args[1] = RNG.integers(0, 3, args[1].shape)  # duplicates are likely: the last write must win in each example
    for got, expected in zip(run(batch(f, flags, SIZE), *args), looped(f, flags, args), strict=True):
        np.testing.assert_array_equal(got, expected)


def test_refusals_name_the_line() -> None:
    f = func("""
        func @f(%x: f64[9], %n: i64[]) -> f64[] {
          %y: f64[%n] = slice %x [2:+%n]  ; model.py:4
          %s: f64[] = sum %y axes=[0]
          return %s
        }""")
    with pytest.raises(UnsupportedError, match=r"(?s)arrays of different sizes.*line 4"):
        batch(f, (False, True), SIZE)
    x = np.arange(27.0).reshape(3, 9)
    np.testing.assert_array_equal(run(batch(f, (True, False), SIZE), x, 2)[0], x[:, 2:4].sum(axis=1))


def test_extents_that_are_parameters() -> None:
    f = func("""
        func @f(%n: i64[], %x: f64[%n], %y: f64[%n]) -> (f64[%n], f64[]) {
          %z: f64[%n] = mul %x, %y
          %s: f64[] = sum %z axes=[0]
          return %z, %s
        }""")
    x, y = RNG.standard_normal((SIZE, 4)), RNG.standard_normal(4)
    z, s = run(batch(f, (False, True, False), SIZE), 4, x, y)
    np.testing.assert_array_equal(z, x * y)
    np.testing.assert_allclose(s, (x * y).sum(axis=1))


def test_the_flags_must_fit() -> None:
    with pytest.raises(ValueError, match="2 flags for the 1 parameters of @f"):
        batch(function(lambda b, x: b.exp(x), ()), (True, True), SIZE)
