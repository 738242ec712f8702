"""Functions with loops, branches and tapes in text form, for the tests of the passes, with arguments for each."""

from __future__ import annotations

from typing import Any

import numpy as np

RNG = np.random.default_rng(31)

PRODUCTS = """
func @products(%n: i64[], %x: f64[], %y: f64[]) -> (f64[], f64[]) {
  %zero: i64[] = const 0
  %one: i64[] = const 1
  %c: f64[] = const 1.0
  %p: f64[], %q: f64[] = for %zero, %n, %one, %c, %y {
    (%i: i64[], %a: f64[], %b: f64[])
    %d: f64[] = mul %a, %x
    %e: f64[] = sin %b
    %f: f64[] = add %e, %d
    yield %d, %f
  }
  return %p, %q
}"""
"""A carried value that only another one makes vary."""

ROTATION = """
func @rotation(%n: i64[], %x: f64[], %y: f64[], %z: f64[]) -> (f64[], f64[], f64[]) {
  %zero: i64[] = const 0
  %one: i64[] = const 1
  %p: f64[], %q: f64[], %r: f64[] = for %zero, %n, %one, %x, %y, %z {
    (%i: i64[], %a: f64[], %b: f64[], %c: f64[])
    %e: f64[] = exp %b
    yield %e, %c, %a
  }
  return %p, %q, %r
}"""

BRANCH = """
func @branch(%x: f64[], %y: f64[]) -> (f64[], f64[]) {
  %c: bool[] = lt %x, %y
  %p: f64[], %q: f64[] = if %c {
    ()
    %a: f64[] = mul %x, %y
    %k: f64[] = const 2.0
    yield %a, %k
  } {
    ()
    %b: f64[] = sin %x
    yield %b, %y
  }
  return %p, %q
}"""

NEWTON = """
func @newton(%x: f64[], %tol: f64[]) -> f64[] {
  %half: f64[] = const 0.5
  %y: f64[] = while %x {
    (%a: f64[])
    %s: f64[] = mul %a, %a
    %d: f64[] = sub %s, %x
    %e: f64[] = abs %d
    %more: bool[] = gt %e, %tol
    yield %more
  } {
    (%a: f64[])
    %q: f64[] = div %x, %a
    %b: f64[] = add %q, %a
    %r: f64[] = mul %half, %b
    yield %r
  }
  return %y
}"""
"""The square root of x."""

NEST = """
func @nest(%x: f64[4], %w: f64[4,4]) -> (f64[4], f64[]) {
  %zero: i64[] = const 0
  %one: i64[] = const 1
  %four: i64[] = const 4
  %s: f64[] = const 0.0
  %y: f64[4], %t: f64[] = for %zero, %four, %one, %x, %s {
    (%i: i64[], %a: f64[4], %u: f64[])
    %next: i64[] = add %i, %one
    %b: f64[4], %v: f64[] = for %next, %four, %one, %a, %u {
      (%j: i64[], %c: f64[4], %z: f64[])
      %e: f64[1,1] = slice %w [%i:+1, %j:+1]
      %k: f64[1] = reshape %e shape=[1]
      %p: f64[1] = slice %c [%i:+1]
      %q: f64[1] = slice %c [%j:+1]
      %m: f64[1] = mul %k, %p
      %o: f64[1] = sub %q, %m
      %d: f64[4] = update %c, %o starts=[%j] steps=[1]
      %h: f64[] = reshape %o shape=[]
      %pos: bool[] = gt %h, %s
      %g: f64[] = if %pos {
        ()
        %l: f64[] = exp %h
        yield %l
      } {
        ()
        %l: f64[] = mul %h, %h
        yield %l
      }
      %f: f64[] = add %z, %g
      yield %d, %f
    }
    yield %b, %v
  }
  return %y, %t
}"""
"""Elimination by element, with a branch inside."""

TRIANGLE = """
func @triangle(%n: i64[], %a: f64[5,5]) -> (f64[], f64[5,5]) {
  %zero: i64[] = const 0
  %one: i64[] = const 1
  %s: f64[] = const 0.0
  %t: f64[], %r: f64[5,5] = for %zero, %n, %one, %s, %a {
    (%i: i64[], %u: f64[], %b: f64[5,5])
    %w: i64[] = add %i, %one
    %row: f64[1,%w] = slice %b [%i:+1, 0:+%w]
    %v: f64[%w] = reshape %row shape=[%w]
    %d: f64[] = contract %v, %v xbatch=[] ybatch=[] xsum=[0] ysum=[0]
    %e: f64[1,%w] = sin %row
    %c: f64[5,5] = update %b, %e starts=[%i,0] steps=[1,1]
    %f: f64[] = add %u, %d
    yield %f, %c
  }
  return %t, %r
}"""
"""Slices whose extent is a loop's index."""

STACK = """
func @stack(%n: i64[], %x: f64[], %y: f64[2]) -> (f64[], f64[2]) {
  %zero: i64[] = const 0
  %one: i64[] = const 1
  %back: i64[] = const -1
  %last: i64[] = sub %n, %one
  %t0: tape[] = tape
  %a: f64[], %t1: tape[] = for %zero, %n, %one, %x, %t0 {
    (%i: i64[], %p: f64[], %t: tape[])
    %k: f64[] = sin %p
    %f: f64[] = cast %i dtype=f64
    %u: tape[] = push %t, %k, %i
    %v: tape[] = push %u, %y, %f
    yield %k, %v
  }
  %b: f64[], %c: f64[2], %t2: tape[] = for %last, %back, %back, %a, %y, %t1 {
    (%i: i64[], %p: f64[], %q: f64[2], %t: tape[])
    %u: tape[], %z: f64[2], %f: f64[] = pop %t types=[f64[2],f64[]]
    %v: tape[], %k: f64[], %j: i64[] = pop %u types=[f64[],i64[]]
    %g: f64[] = cast %j dtype=f64
    %h: f64[] = mul %k, %g
    %o: f64[] = add %h, %f
    %m: f64[] = add %o, %p
    %r: f64[2] = mul %z, %q
    yield %m, %r, %v
  }
  return %b, %c
}"""
"""Two records an iteration: a varied one and one whose entries do not all vary."""


BRANCHES = """
func @branches(%n: i64[], %x: f64[], %y: f64[]) -> f64[] {
  %zero: i64[] = const 0
  %one: i64[] = const 1
  %low: f64[] = const 0.2
  %z: f64[] = for %zero, %n, %one, %x {
    (%i: i64[], %p: f64[])
    %s: f64[] = sin %p
    %f: f64[] = cast %i dtype=f64
    %t: f64[] = mul %f, %y
    %c: f64[] = cos %t
    %d: bool[] = lt %c, %p
    %q: f64[] = if %d {
      ()
      %e: f64[] = for %zero, %i, %one, %s {
        (%j: i64[], %r: f64[])
        %g: f64[] = tanh %r
        %h: f64[] = mul %g, %y
        %k: f64[] = sin %h
        %b: bool[] = gt %k, %s
        %o: f64[] = if %b {
          ()
          %u: f64[] = mul %k, %k
          %v: f64[] = tanh %u
          yield %v
        } {
          ()
          %u: f64[] = cos %k
          %v: f64[] = mul %u, %r
          yield %v
        }
        yield %o
      }
      yield %e
    } {
      ()
      %e: f64[] = while %p {
        (%r: f64[])
        %a: f64[] = abs %r
        %more: bool[] = gt %a, %low
        yield %more
      } {
        (%r: f64[])
        %g: f64[] = mul %r, %y
        %h: f64[] = sin %g
        %half: f64[] = const 0.5
        %k: f64[] = mul %h, %half
        yield %k
      }
      %g: f64[] = add %e, %c
      %h: f64[] = tanh %g
      yield %h
    }
    %l: f64[] = add %q, %s
    %m: f64[] = sin %l
    yield %m
  }
  return %z
}"""
"""Loops inside of branches, which keep what they need on one tape."""


def _f(*shape: int) -> np.ndarray:
    return RNG.standard_normal(shape)


LOOPS: dict[str, tuple[str, list[Any]]] = {
    "products": (PRODUCTS, [5, 1.1, 0.3]),
    "rotation": (ROTATION, [4, 0.1, 0.2, 0.3]),
    "branch, then": (BRANCH, [0.3, 0.5]),
    "branch, else": (BRANCH, [0.5, 0.3]),
    "newton": (NEWTON, [2.0, 1e-12]),
    "branches": (BRANCHES, [6, 0.4, 0.9]),
    "nest": (NEST, [_f(4), _f(4, 4)]),
    "triangle": (TRIANGLE, [4, _f(5, 5)]),
}
"""Programs by name, each with arguments; floating-point ones may be varied."""

TAPED: dict[str, tuple[str, list[Any]]] = {"stack": (STACK, [4, 0.7, np.array([1.1, 0.9])])}
