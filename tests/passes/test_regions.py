"""The rewriting passes on regions: effects stay, time is linear in the depth of nests, what moves keeps its meaning."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from gradjit.ir import F64, I64, INDEX, ArrayType, Block, Builder, Func, Value, verify, walk
from gradjit.ir.builder import build
from gradjit.passes import optimize
from gradjit.passes.batching import batch
from gradjit.passes.dce import dce
from gradjit.passes.jvp import jvp
from gradjit.passes.liveness import Liveness
from gradjit.passes.rewriter import Rewriter
from gradjit.passes.vjp import gradient
from tests.passes.derivatives import func, run

# effects --------------------------------------------------------------------------------------------------------------
EFFECTS = """
func @effects(%n: i64[], %x: f64[], %c: bool[]) -> f64[] {
  %zero: i64[] = const 0
  %one: i64[] = const 1
  debug_print %x format="in front {}"
  %y: f64[], %z: f64[] = for %zero, %n, %one, %x, %x {
    (%i: i64[], %p: f64[], %q: f64[])
    if %c {
      ()
      debug_print %i, %q format="turn {} {}"
      yield
    } {
      ()
      yield
    }
    %r: f64[] = sin %p
    %s: f64[] = exp %q
    debug_print %r format="behind {}"
    yield %r, %s
  }
  %w: f64[] = for %zero, %n, %one, %x {
    (%i: i64[], %p: f64[])
    debug_print %i format="for itself {}"
    %r: f64[] = cos %p
    yield %r
  }
  %big: f64[] = while %x {
    (%p: f64[])
    %more: bool[] = lt %p, %one_and_a_half
    yield %more
  } {
    (%p: f64[])
    debug_print %p format="while {}"
    %r: f64[] = add %p, %p
    yield %r
  }
  debug_print format="end"
  return %y
}""".replace("  %zero: i64[] = const 0\n", "  %zero: i64[] = const 0\n  %one_and_a_half: f64[] = const 1.5\n", 1)


@pytest.mark.parametrize("c", [True, False])
def test_effects_stay_and_stay_in_order(c: bool, capsys: pytest.CaptureFixture[str]) -> None:
    f = func(EFFECTS)
    run(f, 3, 0.7, c)
    expected = capsys.readouterr().out
    assert expected.count("\n") == 1 + 3 * (1 + c) + 3 + 2 + 1
    for g in (dce(f), optimize(f, verify=True)):
        run(g, 3, 0.7, c)
        assert capsys.readouterr().out == expected
    run(jvp(f, [1]), 3, 0.7, c, 1.0)
    assert capsys.readouterr().out == expected


def test_effects_keep_no_values_that_they_do_not_read() -> None:
    loops = [op for op in dce(func(EFFECTS)).ops if op.regions]
    assert [len(op.results) for op in loops] == [2, 0, 1]


def test_effects_of_a_branch_that_no_lane_takes(capsys: pytest.CaptureFixture[str]) -> None:
    f = func("""
        func @f(%x: f64[]) -> f64[] {
          %zero: f64[] = const 0.0
          %c: bool[] = lt %x, %zero
          if %c {
            ()
            debug_print format="negative"
            yield
          } {
            ()
            yield
          }
          return %x
        }""")
    many = batch(f, [True], 3)
    run(many, np.ones(3))
    assert capsys.readouterr().out == ""
    run(many, np.array([1.0, -1.0, 2.0]))
    assert capsys.readouterr().out == "negative\n"


# nests ----------------------------------------------------------------------------------------------------------------
def nest(depth: int) -> Func:
    """Loops in loops, in which each carried value is found to be live, or to vary, only by way of another."""
    def level(b: Builder, values: list[Value], bounds: tuple[Value, ...], w: Value, depth: int) -> list[Value]:
        if not depth:
            x, y, z = values
            return [b.mul(b.sin(y), w), b.add(b.exp(z), x), b.add(x, b.mul(y, w))]
        body = Block((INDEX, *(v.type for v in values)))
        inner, (x, y, z) = Builder(body), body.params[1:]
        found = level(inner, [inner.add(y, inner.cos(x)), z, x], bounds, w, depth - 1)
        body.results = (inner.mul(found[2], w), found[0], found[1])
        return list(b.append("for", (*bounds, *values), {}, (body,)).results)

    def body(b: Builder, n: Value, *values: Value) -> list[Value]:
        bounds = b.const(0, I64), n, b.const(1, I64)
        return level(b, list(values[:3]), bounds, values[3], depth)[:1]

    f = build("nest", [INDEX, *[ArrayType(F64)] * 4], body)
    verify(f)
    return f


def calls(monkeypatch: pytest.MonkeyPatch, owner: Any, method: str, action: Any) -> int:
    """How often a method is called in an action."""
    count, plain = 0, getattr(owner, method)

    def counting(*args: Any) -> Any:
        nonlocal count
        count += 1
        return plain(*args)

    monkeypatch.setattr(owner, method, counting)
    action()
    monkeypatch.undo()
    return count


def test_liveness_looks_at_each_value_once(monkeypatch: pytest.MonkeyPatch) -> None:
    for depth in (1, 4, 8):
        f = nest(depth)
        values = sum(len(op.results) + sum(len(r.params) for r in op.regions) for op in walk(f.body)) + len(f.params)
        assert calls(monkeypatch, Liveness, "need", lambda f=f: Liveness(f)) <= values


def test_rewriting_looks_at_each_operation_once_a_walk(monkeypatch: pytest.MonkeyPatch) -> None:
    for depth in (1, 4, 8):
        f = gradient(nest(depth), [1, 4])
        count = len(list(walk(f.body)))
        assert calls(monkeypatch, Rewriter, "op", lambda f=f: dce(f)) <= count
        assert calls(monkeypatch, Rewriter, "op", lambda f=f: optimize(f)) <= 5 * count


def test_text_grows_with_the_depth_alone() -> None:
    """Of derivatives, too: each level adds the same."""
    sizes = [[len(list(walk(made(nest(depth)).body))) for depth in (2, 3, 4, 5)]
             for made in (lambda f: jvp(f, [1, 4]), lambda f: gradient(f, [1, 4]),
                          lambda f: batch(jvp(gradient(f, [4]), [4]), [*[False] * 5, True], 3))]
    for a, b, c, d in sizes:
        assert b - a == c - b == d - c


def test_nests_keep_their_meaning() -> None:
    f = nest(3)
    args = [2, 0.1, 0.2, 0.3, 0.4]
    for g in (f, gradient(f, [1, 4]), batch(jvp(gradient(f, [4]), [4]), [*[False] * 5, True], 3)):
        given = args if len(g.params) == 5 else [*args, np.array([1.0, 2.0, -1.0])]
        for x, y in zip(run(optimize(g, verify=True), *given), run(g, *given), strict=True):
            np.testing.assert_allclose(x, y, rtol=1e-12)


# records --------------------------------------------------------------------------------------------------------------
def test_entries_of_one_tape_are_told_apart_by_their_types() -> None:
    """The records are f64[], f64[2] and i64[]; of the second nothing is read, and all of it goes."""
    f = func("""
        func @f(%x: f64[], %y: f64[2], %k: i64[], %c: bool[]) -> (f64[], i64[]) {
          %a: tape[] = tape
          %b: tape[] = push %a, %k
          %d: tape[] = if %c {
            ()
            %p: f64[2] = exp %y
            %q: tape[] = push %b, %p
            yield %q
          } {
            ()
            %p: f64[2] = sin %y
            %q: tape[] = push %b, %p
            yield %q
          }
          %e: tape[] = push %d, %x
          %f: tape[], %g: f64[] = pop %e types=[f64[]]
          %h: tape[], %i: f64[2] = pop %f types=[f64[2]]
          %j: tape[], %l: i64[] = pop %h types=[i64[]]
          return %g, %l
        }""")
    best = dce(f)
    verify(best)
    assert [op.name for op in walk(best.body) if op.name in ("push", "pop", "exp", "sin")] == ["push", "push", "pop",
                                                                                             "pop"]
    assert [v.item() for v in run(best, 1.5, np.ones(2), 7, True)] == [1.5, 7]
    assert [op.name for op in optimize(f, verify=True).ops] == []
