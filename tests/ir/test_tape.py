"""Tapes: their meaning, their text, and the linear use that the verifier asks for."""

from __future__ import annotations

import numpy as np
import pytest

from gradjit.errors import DtypeError, IRError, ShapeError
from gradjit.ir import Func, dtype_of, interpret, parse, print_module, verify
from gradjit.passes import optimize
from gradjit.passes.cse import cse

ROUND_TRIP = """func @squares(%x: f64[n], %k: i64[]) -> (f64[], f64[]) {
  %zero: f64[] = const 0.0
  %lo: i64[] = const 0
  %one: i64[] = const 1
  %t: tape[] = tape
  %u: tape[] = for %lo, %k, %one, %t {
    (%i: i64[], %a: tape[])
    %row: f64[%i] = slice %x [0:+%i]
    %s: f64[] = sum %row axes=[0]
    %b: tape[] = push %a, %row
    %c: tape[] = push %b, %i, %s
    yield %c
  }
  %from: i64[] = sub %k, %one
  %to: i64[] = const -1
  %down: i64[] = const -1
  %v: tape[], %p: f64[], %q: f64[] = for %from, %to, %down, %u, %zero, %zero {
    (%j: i64[], %d: tape[], %r: f64[], %w: f64[])
    %e: tape[], %m: i64[], %g: f64[] = pop %d types=[i64[],f64[]]
    %f: tape[], %h: f64[%m] = pop %e types=[f64[%m]]
    %l: f64[] = sum %h axes=[0]
    %y: f64[] = mul %l, %g
    %z: f64[] = add %r, %y
    yield %f, %z, %g
  }
  return %p, %q
}
""".replace("[n]", "[5]")


def only(text: str) -> Func:
    (f,) = parse(text).funcs.values()
    return f


def test_records_come_back_in_reverse_order_with_computed_extents() -> None:
    f = only(ROUND_TRIP)
    verify(f)
    x = np.arange(1.0, 6.0)
    sums = [x[:i].sum() for i in range(4)]
    total, first = interpret(f, [x, 4])
    assert (total, first) == (sum(s * s for s in sums), sums[0])


def test_text_is_read_back() -> None:
    assert print_module(parse(ROUND_TRIP)) == ROUND_TRIP


def test_passes_keep_tapes() -> None:
    f = only(ROUND_TRIP)
    x = np.linspace(-1, 1, 5)
    for g in (optimize(f), cse(f)):
        verify(g)
        assert interpret(g, [x, 5]) == interpret(f, [x, 5])


def test_equal_tapes_are_not_shared() -> None:
    f = cse(only("""
        func @two(%x: f64[]) -> (f64[], f64[]) {
          %t: tape[] = tape
          %u: tape[] = tape
          %a: tape[] = push %t, %x
          %b: tape[] = push %u, %x
          %c: tape[], %v: f64[] = pop %a types=[f64[]]
          %d: tape[], %w: f64[] = pop %b types=[f64[]]
          return %v, %w
        }"""))
    verify(f)
    assert [op.name for op in f.ops] == ["tape", "tape", "push", "push", "pop", "pop"]


@pytest.mark.parametrize("lines", [
    "%a: tape[] = push %t, %x \n %b: tape[] = push %t, %x",
    "%a: tape[] = push %t, %x \n %b: tape[], %y: f64[] = pop %t types=[f64[]]",
    "%a: tape[] = if %c { () yield %t } { () %d: tape[] = push %t, %x yield %d } \n %b: tape[] = push %t, %x",
    "%i: i64[] = const 1 \n %y: f64[] = for %i, %i, %i, %x { (%j: i64[], %z: f64[])"
    " %b: tape[], %w: f64[] = pop %t types=[f64[]] yield %w }",
])
def test_a_tape_is_used_once_on_every_path(lines: str) -> None:
    f = only(f"func @f(%x: f64[], %c: bool[]) -> f64[] {{ %t: tape[] = tape \n {lines} \n return %x }}")
    with pytest.raises(IRError, match="the tape .* is used twice|uses a tape from outside in each iteration"):
        verify(f)


def test_each_branch_may_use_a_tape() -> None:
    f = only("""
        func @f(%x: f64[], %c: bool[]) -> f64[] {
          %t: tape[] = tape
          %a: tape[] = if %c { () %d: tape[] = push %t, %x yield %d } { () %e: f64[] = neg %x
            %d: tape[] = push %t, %e yield %d }
          %b: tape[], %y: f64[] = pop %a types=[f64[]]
          return %y
        }""")
    verify(f)
    assert [interpret(f, [3.0, c])[0] for c in (True, False)] == [3.0, -3.0]


def test_what_was_not_pushed_is_not_popped() -> None:
    text = "func @f(%x: f64[]) -> f64[{n}] {{ %t: tape[] = tape \n {push} %b: tape[], %y: f64[{n}] = pop {of} " \
           "types=[f64[{n}]] return %y }}"
    with pytest.raises(IndexError, match="empty tape"):
        interpret(only(text.format(n="", push="", of="%t")), [1.0])
    with pytest.raises(ShapeError, match=r"a record of \[f64\[\]\], expected \[f64\[2\]\]"):
        interpret(only(text.format(n="2", push="%a: tape[] = push %t, %x \n", of="%a")), [1.0])


def test_a_tape_is_no_element_type_of_arrays() -> None:
    with pytest.raises(DtypeError, match="object"):
        dtype_of(object)
