"""For computed extents there is as much memory as they need, wherever a number is an array's extent.

What bounds a number in one branch does not bound it in another, nor where no branch has asked.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import gradjit as gj
from gradjit.ir import parse
from gradjit.ir.greatest_extents import upper_bounds
from gradjit.ir.ranges import Ranges, owners_of


def a_window_here_more_there(x: Any, k: Any) -> Any:
    n = 10 - k
    if 0 <= k <= 9:
        return x[:n].sum()
    if -500 <= k < 0:
        z = np.zeros(n)
        for i in range(n):
            z[i] = x[i % 10] * i
        return (np.sin(z) * z[::-1]).sum()
    return x[0]


def no_window_is_left(x: Any, k: Any) -> Any:
    m = np.zeros(10) + x[0]
    if 1 <= k <= 5:
        m[0] *= m[k:].sum()
    return m.sum()


def checked_before(x: Any, k: Any) -> Any:
    n = 300 + k
    if not -300 <= k <= 200:
        raise ValueError("far")
    z = np.ones(n) * x[1]
    z[::2] *= x[0]
    return (z * z).sum()


def in_a_loop(x: Any, k: Any) -> Any:
    s = 0.0
    for i in range(-30, 10):
        n = k - i
        if 0 <= n <= 10:
            s = s + x[:n].sum()
        elif n > 10 and n < 200:
            w = np.ones(n) * x[2]
            w[1:] = np.cos(w[:-1]) * x[3]
            s = s + w.sum() * 0.1
    return s


def behind_a_branch(x: Any, k: Any) -> Any:
    n = 10 - k
    a = x[2]
    if 3 <= k < 10:
        a = x[k:].sum()
    b = x[3]
    if -100 < k < 10:
        b = (np.arange(n) * x[1]).sum()
    return a * b + a


def a_window_behind_an_end(x: Any, k: Any) -> Any:
    n = k + 3
    if not 0 <= n <= 500:
        raise ValueError("far")
    z = np.zeros(n)
    for i in range(n):
        z[i] = x[i % 10] * i
    if n > 10:
        raise ValueError("long")
    return x[:n].sum() + (z * z[::-1]).sum()


def two_conditions_at_once(x: Any, k: Any) -> Any:
    n = k + 3
    if n < 0 or n > 200:
        return x[0]
    y = np.ones(n) * x[1]
    s = (y[1:] * y[:-1]).sum() if n > 0 else x[2]
    z = np.concatenate([np.zeros(n) + x[4], x[:n]])
    s = s + np.cumsum(z).sum() * 0.01
    if n > 10:
        return s * x[1]
    return s + np.repeat(x[:n], 2).sum() + (x[n:] ** 2).sum()


def one_of_two_numbers(x: Any, k: Any) -> Any:
    m = abs(k)
    if m > 120:
        m = 20
    w = np.ones(m) * x[1]
    w[1:] = np.cos(w[:-1]) * x[2]
    return w.sum() + x[:m].sum()


def a_branch_that_never_runs(x: Any, k: Any) -> Any:
    n = abs(k)
    s = x[0]
    for i in range(0, 12, 5):  # at first the branch asks for -abs(k) > 0
        m = i - n
        if 0 < m <= 30:
            z = np.sort(np.cumsum(np.ones(m) * x[1]))
            s = s + z[-1] * z.max() + np.concatenate([x, z])[m]
    return s


def kept_for_the_reverse_and_sorted(x: Any, k: Any) -> Any:
    n = 10 - k
    s = x[8] * 0.5
    if n < 0 or n > 200:
        return x[0] * s
    s = s + np.sum(np.outer(x, np.cos(x))[n:, :n] ** 2)
    if n > 30:
        return s * x[1]
    z = np.sin(np.arange(n) * x[2])
    s = s + (np.sort(z) * np.arange(n)).sum() * 1e-2
    return s * x[1]


PROGRAMS = (a_window_here_more_there, no_window_is_left, checked_before, in_a_loop, behind_a_branch,
            a_window_behind_an_end, two_conditions_at_once, one_of_two_numbers, a_branch_that_never_runs,
            kept_for_the_reverse_and_sorted)


def outcome(f: Callable[..., Any], x: np.ndarray, k: Any) -> Any:
    try:
        return f(x, k)
    except ValueError as e:
        return str(e).partition("\n")[0]


@pytest.mark.parametrize("program", PROGRAMS)
def test_programs(program: Callable[..., Any]) -> None:
    x = np.arange(10.) / 10 + 1
    value, gradient = gj.jit(program), gj.grad(program)
    for k in (3, -3, 0, 9, 5, -99, 1, -250, -300, -499, -500, 200, -600):
        expected = outcome(program, x, k)
        found, slope = outcome(value, x, np.array(k)), outcome(gradient, x, np.array(k))
        if isinstance(expected, str):
            assert (found, slope) == (expected, expected)
            continue
        np.testing.assert_allclose(found, expected, rtol=1e-12)
        steps = 1e-6 * np.eye(10)
        difference = np.array([(program(x + h, k) - program(x - h, k)) / 2e-6 for h in steps])
        np.testing.assert_allclose(slope, difference, rtol=1e-4, atol=1e-4 * max(1, np.max(np.abs(difference))))


def kept_as_a_counter(x: Any, k: Any) -> Any:
    s = 0.0
    while k > -200:
        n = 10 - k
        if k >= 0:
            s += np.sum(x[:n] ** 2) if n >= 0 else 0.0
        else:
            u = np.zeros(n)
            u[5:] = x[1] * x[3]
            s += (u * np.arange(n)).sum()
        k = k - 37
    return s


def test_the_reverse_of_a_while_knows_less() -> None:
    x = np.arange(10.) / 10 + 1
    for k in (3, 200, -99, -300):
        np.testing.assert_allclose(gj.jit(kept_as_a_counter)(x, np.array(k)), kept_as_a_counter(x, k), rtol=1e-12)
    with pytest.raises(gj.UnsupportedError, match="has no upper bound.*\n.*kept_as_a_counter"):
        gj.grad(kept_as_a_counter)(x, np.array(3))


def of_any_length_where_it_returns(x: Any, k: Any) -> Any:
    if k < 0:
        return x[3]
    if k > 10:
        if k > 200:
            return x[0]
        z = np.ones(k) * x[1]
    else:
        z = x[:k] * 1.0
    return z.sum() * z[::-1].max() if k > 0 else x[2]


def test_an_extent_without_bound_is_named() -> None:
    with pytest.raises(gj.UnsupportedError, match="has no upper bound.*\n *the extent is k"):
        gj.jit(of_any_length_where_it_returns)(np.ones(10), np.array(3))


def bounds_of(text: str) -> dict[str, int | None]:
    (func,) = parse(text).funcs.values()
    return {v.name: n for v, n in upper_bounds(func, Ranges(owners_of(func))).items()}


SIDES = """
func @f(%x: f64[10], %n: i64[], %c: bool[]) -> f64[] {{
  %zero: f64[] = const 0.0
  %low: i64[] = const {low}
  %big: bool[] = gt %n, %low
  %r: f64[] = if {condition} {{
    ()
    %a: f64[%n] = slice %x [0:+%n]
    %s: f64[] = sum %a axes=[0]
    yield %s
  }} {{
    ()
    {other}
    yield %zero
  }}
  return %r
}}
"""
MORE = "%b: f64[%n] = broadcast %zero shape=[%n] dims=[]"


BEHIND = """
func @f(%x: f64[10], %k: i64[], %c: bool[]) -> f64[] {{
  %zero: f64[] = const 0.0
  %none: i64[] = const 0
  %n: i64[] = bounded %k extent=[500]
  %b: f64[%n] = broadcast %zero shape=[%n] dims=[]
  {between}
  %a: f64[%n] = slice %x [0:+%n]
  %s: f64[] = sum %a axes=[0]
  return %s
}}
"""


@pytest.mark.parametrize("between, most", [
    ("%d: f64[] = cos %zero", 10),
    ("%d: f64[] = if %c { () yield %zero } { () yield %zero }", 10),
    ("assert %c message=\"\"", 499),
    ("%i: i64[] = bounded %k extent=[10]", 499),
    ("if %c { () raise error=\"ValueError\" message=\"long\" yield } { () yield }", 499),
    ("%w: i64[] = while %none { (%p: i64[]) yield %c } { (%q: i64[]) yield %q }", 499),
])
def test_a_window_that_the_program_may_not_come_to(between: str, most: int) -> None:
    assert bounds_of(BEHIND.format(between=between)) == {"n": most}


@pytest.mark.parametrize("condition, other, most", [
    ("%c", "", 10),
    ("%c", MORE, None),
    ("%big", "", 10),
    ("%big", MORE, 50),
])
def test_the_most_of_all_places(condition: str, other: str, most: int | None) -> None:
    """A window says how long arrays of its extent are in its branch; in the other one the condition may."""
    assert bounds_of(SIDES.format(condition=condition, other=other, low=50)) == {"n": most}
