"""The interpreter: the meaning of regions, symbolic extents and location-free evaluation. (Operations: tests/ops.)"""

from __future__ import annotations

import numpy as np
import pytest

from gradjit.errors import ArgumentError
from gradjit.ir import F64, ArrayType, interpret, parse
from gradjit.ir.builder import build


def run(text: str, *args: object) -> list[np.ndarray]:
    (f,) = parse(text).funcs.values()
    return interpret(f, args)


FOR = """
func @f(%lo: i64[], %hi: i64[], %step: i64[], %x: f64[]) -> (f64[], i64[]) {
  %z: i64[] = const 0
  %y: f64[], %last: i64[] = for %lo, %hi, %step, %x, %z {
    (%i: i64[], %a: f64[], %b: i64[])
    %c: f64[] = cast %i dtype=f64
    %d: f64[] = add %a, %c
    yield %d, %i
  }
  return %y, %last
}
"""


@pytest.mark.parametrize("bounds", [(0, 5, 1), (0, 0, 1), (5, 0, 1), (5, 0, -1), (0, 7, 3), (-3, 4, 2), (2, 3, 100)])
def test_for_runs_as_range(bounds: tuple[int, int, int]) -> None:
    total, last = run(FOR, *bounds, 0.5)
    assert total == 0.5 + sum(range(*bounds))
    assert last == (list(range(*bounds)) or [0])[-1]


def test_for_with_step_zero_is_an_error() -> None:
    with pytest.raises(ArgumentError, match="a step of 0"):
        run(FOR, 0, 5, 0, 1.0)


SWAP = """
func @f(%n: i64[], %x: f64[2], %y: f64[2]) -> (f64[2], f64[2]) {
  %z: i64[] = const 0
  %s: i64[] = const 1
  %a: f64[2], %b: f64[2] = for %z, %n, %s, %x, %y {
    (%i: i64[], %p: f64[2], %q: f64[2])
    yield %q, %p
  }
  return %a, %b
}
"""


@pytest.mark.parametrize("n", [0, 1, 2, 3])
def test_carried_values_change_places_at_once(n: int) -> None:
    pair = [np.array([1.0, 2.0]), np.array([3.0, 4.0])]
    np.testing.assert_array_equal(run(SWAP, n, *pair), pair[::-1] if n % 2 else pair)


def test_while_and_if() -> None:
    text = """
func @gcd(%a: i64[], %b: i64[]) -> i64[] {
  %z: i64[] = const 0
  %p: i64[], %q: i64[] = while %a, %b {
    (%x: i64[], %y: i64[])
    %c: bool[] = ne %y, %z
    yield %c
  } {
    (%x: i64[], %y: i64[])
    %less: bool[] = lt %x, %y
    %r: i64[] = if %less {
      ()
      yield %x
    } {
      ()
      %m: i64[] = mod %x, %y
      yield %m
    }
    yield %y, %r
  }
  return %p
}
"""
    for a, b in [(12, 18), (7, 0), (0, 5), (270, 192)]:
        assert run(text, a, b) == [np.gcd(a, b)]


def test_triangular_extents() -> None:
    """Sums of ever longer rows: the extent of a slice is computed in the loop."""
    text = """
func @f(%n: i64[], %x: f64[%n,%n]) -> f64[] {
  %z: i64[] = const 0
  %s: i64[] = const 1
  %t: f64[] = const 0.0
  %a: f64[] = for %z, %n, %s, %t {
    (%i: i64[], %p: f64[])
    %j: i64[] = add %i, %s
    %r: f64[1,%j] = slice %x [%i:+1, 0:+%j]
    %w: f64[1,%j] = const 2.0
    %m: f64[1,%j] = mul %r, %w
    %q: f64[] = sum %m axes=[0,1]
    %o: f64[] = add %p, %q
    yield %o
  }
  return %a
}
"""
    for n in (1, 2, 5):
        x = np.random.default_rng(n).normal(size=(n, n))
        np.testing.assert_allclose(run(text, n, x), [2 * np.tril(x).sum()])


def test_update_in_a_loop_leaves_the_argument_alone() -> None:
    text = """
func @f(%n: i64[], %x: f64[%n]) -> f64[%n] {
  %s: i64[] = const 1
  %a: f64[%n] = for %s, %n, %s, %x {
    (%i: i64[], %p: f64[%n])
    %j: i64[] = sub %i, %s
    %u: f64[1] = slice %p [%j:+1]
    %v: f64[1] = slice %p [%i:+1]
    %w: f64[1] = add %u, %v
    %q: f64[%n] = update %p, %w starts=[%i] steps=[1]
    yield %q
  }
  return %a
}
"""
    x = np.array([1.0, 2.0, 3.0, 4.0])
    np.testing.assert_array_equal(run(text, 4, x)[0], np.cumsum(x))
    np.testing.assert_array_equal(x, [1.0, 2.0, 3.0, 4.0])


def test_arguments_are_taken_as_the_parameters_say() -> None:
    f = build("f", [ArrayType(F64, (2,))], lambda b, x: [b.exp(x)])
    (result,) = interpret(f, [[1, 2]])
    assert result.dtype == np.float64
    np.testing.assert_array_equal(result, np.exp([1.0, 2.0]))
    with pytest.raises(TypeError, match="@f takes 1 arguments, got 2"):
        interpret(f, [1, 2])


def test_indices_out_of_range_are_errors() -> None:
    text = """
func @f(%x: f64[3], %i: i64[]) -> f64[] {
  %y: f64[] = gather %x, %i axes=[0]
  return %y
}
"""
    assert run(text, [1.0, 2.0, 3.0], 2) == [3.0]
    for i in (-1, 3):
        with pytest.raises(IndexError, match="axis 0 with size 3"):
            run(text, [1.0, 2.0, 3.0], i)
