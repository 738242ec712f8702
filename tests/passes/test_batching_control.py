"""Batching of loops, branches and windows: every choice of batched parameters, against one example after the other."""

from __future__ import annotations

from itertools import product
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, assume, given, settings, strategies as st

from gradjit.errors import UnsupportedError
from gradjit.ir import Func
from gradjit.passes import optimize
from gradjit.passes.batching import batch
from gradjit.passes.dce import dce
from gradjit.passes.jvp import jvp
from gradjit.passes.vjp import reverse
from tests.fuzz.inputs import arguments
from tests.fuzz.loops_ir import loop_functions
from tests.passes.derivatives import counts, func, run
from tests.passes.loops import LOOPS, TAPED

RNG = np.random.default_rng(11)
SIZE = 3


def stack(arg: Any) -> np.ndarray:
    """Examples like one that is given: integers near it, numbers that differ in size and sign."""
    a = np.asarray(arg)
    if a.dtype.kind == "i":
        return a + np.array([0, -2, 1]).reshape((3, *[1] * a.ndim))
    return a * RNG.uniform(0.5, 2.0, (SIZE, *a.shape))


def agrees(f: Func, flags: tuple[bool, ...], args: list[Any]) -> Func:
    """The batched function on stacks, against the function on each example."""
    given = [stack(a) if flag else a for a, flag in zip(args, flags, strict=True)]
    batched = batch(f, flags, SIZE)
    rows = [run(f, *(a[k] if flag else a for a, flag in zip(given, flags, strict=True))) for k in range(SIZE)]
    got = run(batched, *given)
    for value, expected in zip(got, zip(*rows, strict=True), strict=True):
        np.testing.assert_allclose(value, np.stack(expected), rtol=1e-12, atol=1e-14)
    for value, again in zip(got, run(dce(batched), *given), strict=True):
        np.testing.assert_array_equal(value, again)
    return batched


def choices(args: list[Any], sized: bool = False) -> list[tuple[bool, ...]]:
    """Which parameters are batched. `sized`: the integers decide over extents, and are the same for all."""
    return [flags for flags in product((False, True), repeat=len(args))
            if any(flags) and not (sized and any(flag and isinstance(a, int) for a, flag in zip(args, flags,
                                                                                                strict=True)))]


@pytest.mark.parametrize("name", LOOPS)
def test_programs(name: str) -> None:
    text, args = LOOPS[name]
    for flags in choices(args):
        agrees(func(text), flags, args)


@pytest.mark.parametrize("name", LOOPS)
def test_tangents(name: str) -> None:
    """Only tangents are batched, as for a Jacobian: what is decided stays decided once."""
    text, args = LOOPS[name]
    f = func(text)
    wrt = [k for k, p in enumerate(f.params) if p.dtype.is_float]
    pushed = jvp(f, wrt)
    batched = agrees(pushed, (*[False] * len(args), *[True] * len(wrt)), [*args, *(args[k] for k in wrt)])
    for op in ("if", "while", "for", "gather", "scatter"):
        assert counts(batched)[op] == counts(pushed)[op]
    agrees(pushed, (True,) * (len(args) + len(wrt)), [*args, *(args[k] for k in wrt)])


@pytest.mark.parametrize("name", TAPED)
def test_tapes(name: str) -> None:
    text, args = TAPED[name]
    for flags in choices(args):
        agrees(func(text), flags, args)


def test_a_branch_alike_for_all_stays_a_branch() -> None:
    text, args = LOOPS["branch, then"]
    assert counts(batch(func(text), (False, False), SIZE))["if"] == 1
    batched = agrees(func(text), (True, False), args)
    assert counts(batched)["if"] == 2  # each side runs if any lane takes it
    assert counts(batched)["select"] == 2


BOUNDS = """
func @bounds(%lo: i64[], %hi: i64[], %x: f64[]) -> (f64[], i64[]) {{
  %step: i64[] = const {step}
  %zero: i64[] = const 0
  %y: f64[], %n: i64[] = for %lo, %hi, %step, %x, %zero {{
    (%i: i64[], %c: f64[], %k: i64[])
    %f: f64[] = cast %i dtype=f64
    %d: f64[] = sin %c
    %e: f64[] = add %d, %f
    %one: i64[] = const 1
    %m: i64[] = add %k, %one
    yield %e, %m
  }}
  return %y, %n
}}"""


@pytest.mark.thinned
@pytest.mark.parametrize("step", [1, 2, 3, -1, -2, -4])
def test_bounds_that_differ(step: int) -> None:
    f = func(BOUNDS.format(step=step))
    for _ in range(20):
        lo, hi = RNG.integers(-6, 7, (2, SIZE))
        x = RNG.standard_normal(SIZE)
        for flags in product((False, True), repeat=2):
            given = [v if flag else v[0] for v, flag in zip((lo, hi), flags, strict=True)]
            got = run(batch(f, (*flags, True), SIZE), *given, x)
            rows = [run(f, *(v[k] if flag else v for v, flag in zip(given, flags, strict=True)), x[k])
                    for k in range(SIZE)]
            for value, expected in zip(got, zip(*rows, strict=True), strict=True):
                np.testing.assert_allclose(value, np.stack(expected))


def test_a_step_that_differs_is_refused() -> None:
    f = func("""
        func @f(%x: f64[], %n: i64[], %s: i64[]) -> f64[] {
          %zero: i64[] = const 0
          %y: f64[] = for %zero, %n, %s, %x {  ; model.py:12
            (%i: i64[], %c: f64[])
            %d: f64[] = sin %c
            yield %d
          }
          return %y
        }""")
    with pytest.raises(UnsupportedError, match=r"(?s)for: bounds that differ.*model\.py.*line 12"):
        batch(f, (True, False, True), SIZE)
    agrees(f, (True, False, False), [0.3, 4, 2])


WINDOWS = """
func @windows(%i: i64[], %j: i64[], %x: f64[9,8], %v: f64[2,3]) -> (f64[2,3], f64[9,8], f64[3], f64[3,8]) {
  %a: f64[2,3] = slice %x [%i:+2:2, %j:+3:-1]
  %b: f64[9,8] = update %x, %v starts=[%i,%j] steps=[2,-1]
  %c: f64[1,3] = slice %x [%i:+1, 2:+3:2]
  %d: f64[3] = reshape %c shape=[3]
  %e: f64[3,8] = slice %x [%j:+3, 0:+8]
  return %a, %b, %d, %e
}"""


def test_windows_at_places_that_differ() -> None:
    for flags in product((False, True), repeat=4):
        agrees(func(WINDOWS), flags, [4, 4, RNG.standard_normal((9, 8)), RNG.standard_normal((2, 3))])


GUARDED = """
func @guarded(%i: i64[], %n: i64[], %x: f64[4]) -> f64[] {
  %four: i64[] = const 4
  %zero: i64[] = const 0
  %two: i64[] = const 2
  %c: bool[] = lt %i, %four
  %y: f64[] = if %c {
    ()
    %p: bool[] = ge %n, %zero
    %s: f64[] = if %p {
      ()
      %k: i64[] = bounded %i extent=[4]
      %a: f64[1] = slice %x [%k:+1]
      %b: f64[] = reshape %a shape=[]
      %r: f64[], %m: i64[] = while %b, %n {
        (%u: f64[], %w: i64[])
        %more: bool[] = ne %w, %zero
        yield %more
      } {
        (%u: f64[], %w: i64[])
        %one: i64[] = const 1
        %d: i64[] = sub %w, %one
        %e: i64[] = mod %w, %four
        %h: f64[] = gather %x, %e axes=[0]
        %f: f64[] = mul %u, %h
        yield %f, %d
      }
      yield %r
    } {
      ()
      %o: f64[] = const 5.0
      yield %o
    }
    yield %s
  } {
    ()
    %l: i64[] = sub %i, %two
    %g: f64[] = gather %x, %l axes=[0]
    yield %g
  }
  return %y
}"""


def test_what_only_its_lanes_know_to_be_safe_stays_so() -> None:
    """Indices out of range and loops without end are in lanes that do not take the branch."""
    f = func(GUARDED)
    x = RNG.standard_normal(4)
    i, n = np.array([3, 5, 1, 4, 0]), np.array([4, -1, -7, -9, 2])
    expected = [run(f, *pair, x)[0] for pair in zip(i, n, strict=True)]
    np.testing.assert_allclose(run(batch(f, (True, True, False), 5), i, n, x)[0], expected)
    np.testing.assert_allclose(run(batch(f, (False, True, False), 5), 9 - 4, n, x)[0], [x[3]] * 5)
    with pytest.raises(IndexError):
        run(batch(f, (True, True, False), 5), i + np.array([0, 9, 0, 0, 0]), n, x)


def test_no_nan_leaks_from_the_side_that_is_not_taken() -> None:
    f = func("""
        func @f(%x: f64[]) -> f64[] {
          %zero: f64[] = const 0.0
          %c: bool[] = gt %x, %zero
          %y: f64[] = if %c {
            ()
            %a: f64[] = log %x
            yield %a
          } {
            ()
            yield %x
          }
          return %y
        }""")
    np.testing.assert_array_equal(run(batch(f, (True,), 3), np.array([1.0, -1.0, 0.0]))[0], [0.0, -1.0, 0.0])


# random programs ------------------------------------------------------------------------------------------------------
RANDOM = settings(max_examples=20, deadline=None, derandomize=True, suppress_health_check=list(HealthCheck))


def lanes_agree(f: Func, rows: list[list[np.ndarray]], flags: list[bool]) -> None:
    """The batched function on rows of arguments, where those not flagged are the first row's, against each row."""
    given = [np.stack([r[k] for r in rows]) if flag else rows[0][k] for k, flag in enumerate(flags)]
    alone = [run(f, *(a[lane] if flag else a for a, flag in zip(given, flags, strict=True))) for lane in range(SIZE)]
    assume(all(np.all(np.abs(a) < 1e4) for results in alone for a in results))
    try:
        batched = batch(f, flags, SIZE)
    except UnsupportedError as e:
        assert "different sizes" in str(e) or "a step that is not a known number" in str(e)
        return
    for g in (batched, optimize(batched, verify=True)):
        for value, expected in zip(run(g, *given), zip(*alone, strict=True), strict=True):
            np.testing.assert_allclose(value, np.stack(expected), rtol=1e-8, atol=1e-8)


@RANDOM
@given(loop_functions(), st.integers(0, 99), st.lists(st.booleans(), min_size=12, max_size=12))
def test_random_loops(f: Func, seed: int, flags: list[bool]) -> None:
    rng = np.random.default_rng(seed)
    lanes_agree(f, [arguments(f, rng, special=False) for _ in range(SIZE)], flags[:len(f.params)])


@RANDOM
@given(loop_functions(), st.integers(0, 99), st.lists(st.booleans(), min_size=12, max_size=12))
def test_random_loops_reversed(f: Func, seed: int, flags: list[bool]) -> None:
    """Each lane has iterations and branches of its own, and takes from the tapes what it left there."""
    rng = np.random.default_rng(seed)
    back = reverse(f, [k for k, p in enumerate(f.params) if p.dtype.is_float])
    cts = [p.type.extents for p in back.params[len(f.params):]]
    rows = [[*arguments(f, rng, special=False), *(rng.normal(size=s) for s in cts)] for _ in range(SIZE)]
    lanes_agree(back, rows, [*flags[:len(f.params)], *[True] * len(cts)])
