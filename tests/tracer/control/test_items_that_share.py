"""Lists of arrays that compiled loops and branches fill, where the arrays have other names too, or are views: Python's
numbers, or a refusal that says to copy. Never the old elements."""

from __future__ import annotations

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
