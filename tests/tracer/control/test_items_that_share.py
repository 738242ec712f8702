"""Lists of arrays that compiled loops and branches fill, where the arrays have other names too, or are views: Python's
numbers, or a refusal that says to copy. Never the old elements."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import gradjit as gj


def written_behind(x: Any) -> Any:
    a = x.copy()
    views = [a[k:k + 2] for k in range(len(a) - 1)]
    a *= 2.0
    return sum([v.sum() for v in views])


def written_through_items(x: Any) -> Any:
    a, views = x.copy(), []
    for k in range(len(a) - 1):
        views.append(a[k:k + 2])
    for v in views:
        v += 1.0
    return a


def one_array_many_times(x: Any) -> Any:
    a = x.copy()
    rows = [a for _ in range(len(a))]
    rows[0][0] = 9.0
    return rows[1] * 1.0


def written_through_one(x: Any) -> Any:
    a = x.copy()
    views = [a[k:k + 2] for k in range(len(a) - 1)]
    views[0][0] = 5.0
    return a


def rows_of_a_matrix(x: Any) -> Any:
    a, rows = np.outer(x, x), []
    for r in a:
        rows.append(r)
    for r in rows:
        r[0] = 1.0
    return a


def in_tuples(x: Any) -> Any:
    a = x.copy()
    views = [(a[k:k + 1], k) for k in range(len(a))]
    for v, k in views:
        v *= k
    return a


def of_the_argument(x: Any) -> Any:
    views = [x[k:k + 2] for k in range(len(x) - 1)]
    views[0][0] = 7.0
    return x * 1.0


def in_the_loop(x: Any) -> Any:
    a, views = x.copy(), []
    for k in range(len(a)):
        if a[k] > 0.6:
            views.append(a[k:k + 1])
            views[-1] *= 2.0
    return a


def in_the_loop_with_some_before(x: Any) -> Any:
    a = x.copy()
    views = [a[:1]]
    for k in range(len(a)):
        if x[k] > 0.6:
            views.append(a[k:k + 1])
        views[-1] += 1.0
    return a


def under_a_condition(x: Any) -> Any:
    a, views = x.copy(), []
    if x[0] > 0.6:
        views.append(a)
    for v in views:
        v += 1.0
    return a


def behind_a_condition(x: Any) -> Any:
    a = x.copy()
    views = [a * 2.0]
    if x[0] > 0.6:
        views.append(a[:])
    a *= 3.0
    return views[-1] * 1.0


def the_last_of_a_traced_number(x: Any) -> Any:
    rows = [x * 2.0]
    if x[0] > 0.6:
        rows.append(x * 3.0)
    rows[-1] += 1.0
    return rows[0] * 1.0


def each_of_a_traced_number(x: Any) -> Any:
    rows = [x * 2.0]
    if x[0] > 0.6:
        rows.append(x * 3.0)
    for r in rows:
        r += 1.0
    return rows[0] * 1.0


PROGRAMS: list[Callable[[Any], Any]] = [
    written_behind, written_through_items, one_array_many_times, written_through_one, rows_of_a_matrix, in_tuples,
    of_the_argument, in_the_loop, in_the_loop_with_some_before, under_a_condition, behind_a_condition,
    the_last_of_a_traced_number, each_of_a_traced_number]
REFUSED = frozenset({under_a_condition, behind_a_condition, the_last_of_a_traced_number, each_of_a_traced_number,
                     in_the_loop_with_some_before})


@pytest.mark.thinned
@pytest.mark.parametrize("f", PROGRAMS)
def test_values(f: Any) -> None:
    """For a known size, one that is open, and one of which the loop is not unrolled."""
    compiled = gj.jit(f)
    for x in (np.array([1.0, 2.0, 3.0]), np.array([0.5, 2.0, 3.0, -1.0]), np.linspace(0.3, 2.0, 24)):
        expected = f(x.copy())
        try:
            got = compiled(x.copy())
        except gj.TraceError as e:
            assert "copy" in str(e)
            assert f in REFUSED
        else:
            np.testing.assert_allclose(got, expected, rtol=1e-12)


def test_lists_that_are_only_read() -> None:
    """Views in lists cost nothing, and are read, as long as nobody writes."""
    def f(x: Any) -> Any:
        views = [x[k:k + 2] for k in range(len(x) - 1)]
        return sum([v[0] * v[1] for v in views])

    value_and_grad = gj.value_and_grad(f)
    for x in (np.array([1.0, 2.0, 3.0]), np.linspace(0.3, 2.0, 24)):
        value, gradient = value_and_grad(x)
        assert np.isclose(value, f(x))
        np.testing.assert_allclose(gradient, np.append(x[1:], 0.0) + np.append(0.0, x[:-1]), rtol=1e-12)


# arrays that the body makes, and appends twice ----------------------------------------------------------------------
def to_two_lists(x: Any, n: int) -> Any:
    a, b = [], []
    for k in range(n):
        y = x * k
        a.append(y)
        b.append(y)
    a[1][0] = 100.0
    return b[1]


def to_one_list(x: Any, n: int) -> Any:
    a = []
    for k in range(n):
        y = x * k
        a.append(y)
        a.append(y)
    a[2][0] = 100.0
    return a[3]


def with_a_view(x: Any, n: int) -> Any:
    a, b = [], []
    for k in range(n):
        y = x * k
        a.append(y)
        b.append(y[1:])
    a[1][1] = 100.0
    return b[1]


def in_one_tuple(x: Any, n: int) -> Any:
    a = []
    for k in range(n):
        y = x * k
        a.append((y, y))
    a[1][0][1] = 100.0
    return a[1][1]


def in_one_list(x: Any, n: int) -> Any:
    a = []
    for k in range(n):
        y = x * k
        a.append([y, y])
    a[1][0][1] = 100.0
    return a[1][1]


def in_a_dict(x: Any, n: int) -> Any:
    a, b = [], []
    for k in range(n):
        y = x * k
        a.append({"k": y})
        b.append(y)
    b[1][1] = 100.0
    return a[1]["k"]


def sometimes(x: Any, n: int) -> Any:
    a, b = [], []
    for k in range(n):
        y = x * k
        if y[0] > 1.5:
            a.append(y)
        b.append(y)
    b[2][0] = 100.0
    return a[0]


def in_a_while(x: Any, n: int) -> Any:
    a, b, s = [], [], 1.0 * x[0]
    while s < n:
        y = x * s
        a.append(y)
        b.append(y)
        s += 1.0
    a[1][0] = 100.0
    return b[1]


def from_outside_in_a_while(x: Any, n: int) -> Any:
    y, a, s = x.copy(), [], 1.0 * x[0]
    while s < n:
        a.append(y)
        s += 1.0
    y[0] = 7.0
    return a[1]


def by_a_loop_behind(x: Any, n: int) -> Any:
    a, b = [], []
    for k in range(n):
        y = x * k
        a.append(y)
        b.append(y)
    for v in a:
        v += 1.0
    return b[1]


TWICE = [to_two_lists, to_one_list, with_a_view, in_one_tuple, in_one_list, in_a_dict, sometimes, in_a_while,
         from_outside_in_a_while, by_a_loop_behind]


@pytest.mark.parametrize("f", TWICE)
def test_arrays_that_are_appended_twice(f: Any) -> None:
    """Right, where the loop can be run as ordinary Python, else refused."""
    x = np.array([1.0, 2.0, 3.0])
    for n in (12, 3000):
        compiled = gj.jit(functools.partial(f, n=n))
        try:
            got = compiled(x)
        except gj.TraceError as e:
            assert "copy" in str(e)
            assert n > 12 or f in (sometimes, in_a_while, from_outside_in_a_while)
        else:
            np.testing.assert_allclose(got, f(x, n), rtol=1e-12)


def last_ones(x: Any) -> Any:
    a, b, s = [], [], 1.0 * x[0]
    while s < 40:
        y = x * s
        a.append(y)
        b.append(y)
        a[-1][0] += 1.0
        s *= 1.5
    return np.array(b)


def other_items(x: Any) -> Any:
    a, b = [], []
    for k in range(3000):
        y = x * k
        a.append(y)
        b.append(y)
    a[0] = x
    return np.array(a).sum() + 2 * np.array(b).sum() + len(a)


def read_and_outer(x: Any) -> Any:
    out, s = [], 1.0 * x[0]
    while s < 40:
        out.append(x * s)
        out.append(x)
        s *= 1.5
    return np.sum(np.array(out)) + len(out)


@pytest.mark.parametrize("f", [last_ones, other_items, read_and_outer])
def test_arrays_that_are_appended_twice_and_read(f: Any) -> None:
    x = np.array([1.0, 2.0, 3.0])
    np.testing.assert_allclose(gj.jit(f)(x), f(x), rtol=1e-12)


def test_lists_that_grow_in_a_while_within() -> None:
    def f(x: Any) -> Any:
        out, s = [x[0]], x[0]
        while s < 40:
            out.append(s)
            e = 4.0
            while e > s / 10:
                e *= 0.5
                out.append(e)
            s *= 1.5
        return len(out)

    with pytest.raises(gj.TraceError, match=r"the list out grows in a loop within[^$]*count in a variable"):
        gj.jit(f)(np.array([1.0, 2.0]))
