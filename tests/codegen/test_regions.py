"""Programs with regions, compiled against interpreted; and what is changed in place, by counting copies."""

from __future__ import annotations

import re
from typing import Any

import numpy as np
import pytest

from gradjit.codegen import lower
from gradjit.ir import Func, interpret
from gradjit.ir.parser import parse
from gradjit.ir.verifier import verify
from gradjit.runtime.kernel import compile_func

RANDOM = np.random.default_rng(5)

CHOL = """func @chol(%x: f64[6,6]) -> f64[6,6] {
  %0: i64[] = const 0
  %1: i64[] = const 1
  %n: i64[] = const 6
  %L0: f64[6,6] = const 0.0
  %L: f64[6,6] = for %0, %n, %1, %L0 {
    (%i: i64[], %A: f64[6,6])
    %i1: i64[] = add %i, %1
    %B: f64[6,6] = for %0, %i1, %1, %A {
      (%j: i64[], %C: f64[6,6])
      %r: f64[1,%j] = slice %C [%i:+1, 0:+%j]
      %r1: f64[%j] = reshape %r shape=[%j]
      %q: f64[1,%j] = slice %C [%j:+1, 0:+%j]
      %q1: f64[%j] = reshape %q shape=[%j]
      %d: f64[] = contract %r1, %q1 xbatch=[] ybatch=[] xsum=[0] ysum=[0]
      %e: f64[1,1] = slice %x [%i:+1, %j:+1]
      %e1: f64[] = reshape %e shape=[]
      %s: f64[] = sub %e1, %d
      %eq: bool[] = eq %i, %j
      %v: f64[] = if %eq {
    ()
        %a: f64[] = sqrt %s
        yield %a
      } {
    ()
        %l: f64[1,1] = slice %C [%j:+1, %j:+1]
        %l1: f64[] = reshape %l shape=[]
        %a: f64[] = div %s, %l1
        yield %a
      }
      %w: f64[1,1] = reshape %v shape=[1,1]
      %D: f64[6,6] = update %C, %w starts=[%i,%j] steps=[1,1]
      yield %D
    }
    yield %B
  }
  return %L
}
"""

HEAT = """func @heat(%u: f64[21]) -> f64[21] {
  %0: i64[] = const 0
  %1: i64[] = const 1
  %n: i64[] = const 7
  %c: f64[] = const 0.1
  %r: f64[21] = for %0, %n, %1, %u {
    (%i: i64[], %v: f64[21])
    %a: f64[19] = slice %v [0:+19]
    %b: f64[19] = slice %v [1:+19]
    %d: f64[19] = slice %v [2:+19]
    %e: f64[19] = add %a, %d
    %k: f64[19] = broadcast %c shape=[19] dims=[]
    %f: f64[19] = mul %e, %k
    %g: f64[19] = sub %b, %f
    %h: f64[21] = update %v, %g starts=[1] steps=[1]
    yield %h
  }
  return %r
}
"""

SWAP = """func @swap(%u: f64[5], %w: f64[5], %n: i64[]) -> (f64[5], f64[5], f64[]) {
  %0: i64[] = const 0
  %1: i64[] = const 1
  %z: f64[] = const 1.0
  %r: f64[5], %s: f64[5], %t: f64[] = for %0, %n, %1, %u, %w, %z {
    (%i: i64[], %a: f64[5], %b: f64[5], %c: f64[])
    %d: f64[5] = slice %a [4:+5:-1]
    %e: f64[] = sum %b axes=[0]
    %f: f64[] = mul %e, %c
    yield %b, %d, %f
  }
  return %r, %s, %t
}
"""

NEWTON = """func @newton(%x: f64[], %v: f64[20]) -> (f64[], i64[], f64[20]) {
  %0: i64[] = const 0
  %1: i64[] = const 1
  %one: f64[] = const 1.0
  %r: f64[], %e: f64[], %k: i64[], %y: f64[20] = while %one, %one, %0, %v {
    (%a: f64[], %err: f64[], %n: i64[], %w: f64[20])
    %tol: f64[] = const 1e-10
    %ab: f64[] = abs %err
    %g: bool[] = gt %ab, %tol
    yield %g
  } {
    (%a: f64[], %err: f64[], %n: i64[], %w: f64[20])
    %b: f64[] = div %x, %a
    %c: f64[] = add %a, %b
    %h: f64[] = const 0.5
    %d: f64[] = mul %c, %h
    %e: f64[] = sub %d, %a
    %m: i64[] = add %n, %1
    %q: bool[] = gt %d, %a
    %u: f64[20] = if %q {
    ()
      %s: f64[1] = reshape %d shape=[1]
      %t: f64[20] = update %w, %s starts=[2] steps=[1]
      yield %t
    } {
    ()
      yield %w
    }
    yield %d, %e, %m, %u
  }
  return %r, %k, %y
}
"""

TAPE = """func @tape(%x: f64[9], %nn: i64[]) -> (f64[], f64[9]) {
  %nine: i64[] = const 9
  %n: i64[] = minimum %nn, %nine
  %0: i64[] = const 0
  %1: i64[] = const 1
  %m1: i64[] = const -1
  %z: f64[] = const 1.0
  %t0: tape[] = tape
  %s: f64[], %t: tape[] = for %0, %n, %1, %z, %t0 {
    (%i: i64[], %a: f64[], %tp: tape[])
    %e: f64[1] = slice %x [%i:+1]
    %f: f64[] = reshape %e shape=[]
    %row: f64[%i] = slice %x [0:+%i]
    %g: f64[] = mul %a, %f
    %sr: f64[] = sum %row axes=[0]
    %g2: f64[] = add %g, %sr
    %tq: tape[] = push %tp, %a, %f, %row
    yield %g2, %tq
  }
  %last: i64[] = sub %n, %1
  %g0: f64[9] = const 0.0
  %ct: f64[], %d: f64[9], %te: tape[] = for %last, %m1, %m1, %z, %g0, %t {
    (%i: i64[], %c: f64[], %d0: f64[9], %tp: tape[])
    %tq: tape[], %a: f64[], %f: f64[], %row: f64[%i] = pop %tp types=[f64[], f64[], f64[%i]]
    %ca: f64[] = mul %c, %f
    %cf: f64[] = mul %c, %a
    %old: f64[1] = slice %d0 [%i:+1]
    %cf1: f64[1] = reshape %cf shape=[1]
    %new: f64[1] = add %old, %cf1
    %d1: f64[9] = update %d0, %new starts=[%i] steps=[1]
    %o2: f64[%i] = slice %d1 [0:+%i]
    %n2: f64[%i] = add %o2, %row
    %d2: f64[9] = update %d1, %n2 starts=[0] steps=[1]
    yield %ca, %d2, %tq
  }
  return %s, %d
}
"""


# An element at a place of the program's loop, of a sum with a padded array: its loop cannot be cut in pieces.
PADDED = """func @f(%a: f64[2], %x: f64[5]) -> (f64[]) {
  %0: i64[] = const 0
  %1: i64[] = const 4
  %2: i64[] = const 1
  %3: f64[] = const 0.0
  %4: f64[] = for %0, %1, %2, %3 {
    (%i: i64[], %s: f64[])
    %5: f64[2] = mul %a, %a
    %6: f64[5] = pad %5, %3 lows=[1] highs=[2] interiors=[0]
    %7: f64[5] = mul %x, %x
    %8: f64[5] = add %6, %7
    %12: f64[1] = slice %8 [%i:+1]
    %13: f64[1] = slice %7 [0:+1]
    %9: f64[1] = mul %12, %13
    %10: f64[] = reshape %9 shape=[]
    %11: f64[] = add %s, %10
    yield %11
  }
  return %4
}
"""


def read(source: str) -> Func:
    (func,) = parse(source).funcs.values()
    verify(func)
    return func


def random(*shape: int) -> np.ndarray:
    return RANDOM.standard_normal(shape)


def positive(n: int) -> np.ndarray:
    a = random(n, n)
    return a @ a.T + n * np.eye(n)


CASES: dict[str, tuple[str, list[Any]]] = {
    "triangular": (CHOL, [positive(6)]),
    "padded": (PADDED, [random(2), random(5)]),
    "windows": (HEAT, [random(21)]),
    "swap": (SWAP, [random(5), random(5), np.int64(3)]),
    "no turn": (SWAP, [random(5), random(5), np.int64(0)]),
    "open": (NEWTON, [np.float64(2.0), random(20)]),
    "tape": (TAPE, [random(9), np.int64(7)]),
    "empty tape": (TAPE, [random(9), np.int64(0)]),
}


@pytest.mark.parametrize("name", CASES)
def test_compiled_as_interpreted(name: str) -> None:
    source, args = CASES[name]
    func = read(source)
    kernel = compile_func(func)
    for _ in range(2):
        for got, expected in zip(kernel(*args), interpret(func, args), strict=True):
            np.testing.assert_allclose(got, expected, rtol=1e-13)


def loops(source: str) -> str:
    """The loops as text, without the states of memory."""
    return re.sub(r"#\d+", "", lower(read(source)).loops)


def test_an_element_written_in_a_loop_is_one_store() -> None:
    text = loops(CHOL)
    inner = text[text.index("repeat"):]
    assert inner.count("out0[6*") == 3 and "workspace" not in text  # two rows read, one element stored
    assert re.search(r"\n +out0\[6\*k\d \+ k\d\] = %\d+\n", inner)


def test_what_reads_its_neighbours_is_written_elsewhere_and_changes_places() -> None:
    text = loops(HEAT)
    assert "w1[i1] = fma((w0[i1 - 1] + w0[i1 + 1]), -0.1, w0[i1])" in text
    assert text.count("exchange") == 1


def test_an_array_changed_by_one_branch_stays_where_it_is() -> None:
    text = loops(NEWTON)
    assert text.count("out2[2] = ") == 1 and text.count("for ") == 1  # the one that copies the argument
