"""What is proven about integers when a function is complete."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from gradjit.ir import interpret, parse, verify, walk
from gradjit.ir.fold_ranges import fold_ranges
from gradjit.ir.ranges import Ranges, owners_of
from gradjit.passes.dce import dce

from .test_ranges import named


def folded(text: str, *args: Any) -> list[str]:
    """The names of the live operations after settling; the meaning must be what it was."""
    (f,) = parse(text).funcs.values()
    verify(f)
    before = interpret(f, args)
    fold_ranges(f)
    verify(f)
    for a, b in zip(interpret(f, args), before, strict=True):
        np.testing.assert_array_equal(a, b)
    return [op.name for op in walk(dce(f).body) if op.name != "const"]


CHECKS = {"bounded", "lt", "ge", "select", "minimum", "maximum"}


def test_a_counter_that_falls_stays_below_where_it_began() -> None:
    """The inner loop of an insertion sort, `while j >= 0 and x[j] > key`."""
    names = folded("""
func @f(%x: f64[5]) -> f64[5] {
  %zero: i64[] = const 0
  %one: i64[] = const 1
  %five: i64[] = const 5
  %no: bool[] = const false
  %out: f64[5] = for %one, %five, %one, %x {
    (%i: i64[], %a: f64[5])
    %k0: f64[1] = slice %a [%i:+1]
    %key: f64[] = reshape %k0 shape=[]
    %j0: i64[] = sub %i, %one
    %je: i64[], %ae: f64[5] = while %j0, %a {
      (%j: i64[], %b: f64[5])
      %more: bool[] = ge %j, %zero
      %go: bool[] = if %more {
        ()
        %at: i64[] = bounded %j extent=[5]
        %v0: f64[1] = slice %b [%at:+1]
        %v: f64[] = reshape %v0 shape=[]
        %larger: bool[] = gt %v, %key
        yield %larger
      } {
        ()
        yield %no
      }
      yield %go
    } {
      (%jb: i64[], %bb: f64[5])
      %atb: i64[] = bounded %jb extent=[5]
      %w: f64[1] = slice %bb [%atb:+1]
      %up: i64[] = add %jb, %one
      %to: i64[] = bounded %up extent=[5]
      %moved: f64[5] = update %bb, %w starts=[%to] steps=[1]
      %less: i64[] = sub %jb, %one
      yield %less, %moved
    }
    %place: i64[] = add %je, %one
    %put: i64[] = bounded %place extent=[5]
    %k1: f64[1] = reshape %key shape=[1]
    %done: f64[5] = update %ae, %k1 starts=[%put] steps=[1]
    yield %done
  }
  return %out
}""", np.array([3.0, 1.0, 2.0, 5.0, 4.0]))
    assert names.count("bounded") == 1  # behind the loop it would take that j >= -1


def test_branches_say_what_holds_in_them() -> None:
    text = """
func @f(%x: f64[5], %i: i64[]) -> f64[] {
  %zero: i64[] = const 0
  %one: i64[] = const 1
  %five: i64[] = const 5
  %r: f64[1] = slice %x [0:+1]
  %a: bool[] = ge %i, %zero
  %b: bool[] = lt %i, %five
  %c: bool[] = and %a, %b
  %y: f64[1] = if %c {
    ()
    %neg: bool[] = lt %i, %zero
    %end: i64[] = add %i, %five
    %w: i64[] = select %neg, %end, %i
    %at: i64[] = bounded %w extent=[5]
    %v: f64[1] = slice %x [%at:+1]
    yield %v
  } {
    ()
    yield %r
  }
  %s: f64[] = reshape %y shape=[]
  return %s
}"""
    for i in (-1, 0, 4, 5):
        assert not {"bounded", "select"} & set(folded(text, np.arange(5.0), i))


def test_what_is_not_proven_stays() -> None:
    text = """
func @f(%x: f64[5], %i: i64[]) -> f64[1] {
  %one: i64[] = const 1
  %zero: i64[] = const 0
  %ten: i64[] = const 10
  %k: i64[] = for %zero, %ten, %one, %i {
    (%j: i64[], %k0: i64[])
    %k1: i64[] = sub %k0, %one
    yield %k1
  }
  %low: i64[] = maximum %k, %zero
  %at: i64[] = bounded %low extent=[5]
  %v: f64[1] = slice %x [%at:+1]
  return %v
}"""
    assert {"bounded", "maximum"} <= set(folded(text, np.arange(5.0), 3))


@pytest.mark.parametrize(("step", "interval"), [("add %k, %one", (3, None)), ("sub %k, %one", (None, 3)),
                                                ("mul %k, %one", (3, 3)), ("neg %k", (None, None))])
def test_carried_integers(step: str, interval: tuple[int | None, int | None]) -> None:
    (f,) = parse(f"""
func @f(%n: i64[], %c: bool[]) -> i64[] {{
  %zero: i64[] = const 0
  %one: i64[] = const 1
  %three: i64[] = const 3
  %out: i64[] = for %zero, %n, %one, %three {{
    (%i: i64[], %k: i64[])
    %next: i64[] = if %c {{
      ()
      %changed: i64[] = {step}
      yield %changed
    }} {{
      ()
      yield %k
    }}
    yield %next
  }}
  return %out
}}""").funcs.values()
    verify(f)
    r = Ranges(owners_of(f))
    assert r.interval(named(f)["k"]) == r.interval(f.results[0]) == interval


def test_indices_that_bound_each_other_do_not_go_round_in_circles() -> None:
    """Bisection: `while hi - lo > 1`."""
    (f,) = parse("""
func @f(%n: i64[]) -> i64[] {
  %zero: i64[] = const 0
  %one: i64[] = const 1
  %two: i64[] = const 2
  %lo: i64[], %hi: i64[] = while %zero, %n {
    (%l0: i64[], %h0: i64[])
    %d: i64[] = sub %h0, %l0
    %c: bool[] = gt %d, %one
    %e: bool[] = lt %l0, %h0
    %go: bool[] = and %c, %e
    yield %go
  } {
    (%l: i64[], %h: i64[])
    %s: i64[] = add %l, %h
    %m: i64[] = floordiv %s, %two
    %low: bool[] = lt %m, %n
    %next: i64[] = select %low, %m, %l
    yield %next, %h
  }
  return %lo
}""").funcs.values()
    verify(f)
    r, v = Ranges(owners_of(f)), named(f)
    assert r.is_less(v["l"], v["h"]) and r.is_less(v["m"], v["h"])
    assert r.interval(v["s"])[1] is None
