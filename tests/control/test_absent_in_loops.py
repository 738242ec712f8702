"""Elements of an array that loops do not read, or read under a condition: their derivative is absent.

Each case is written twice, with an infinite derivative in front of what the loop leaves out, and without that. The
loops are long enough to be compiled as loops, and are tried so short that they are not, too.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import gradjit as gj

LONG, SHORT = 24, 3
PLACES = np.array([2, 1, 2])


def roots(x: Any) -> Any:
    n = np.zeros(len(x))
    for i in range(len(x)):
        n[i] = np.sqrt(x[i])
    return n


def under_a_condition(x: Any) -> Any:
    n, s = np.sqrt(x), 0.0
    for i in range(len(x)):
        if n[i] > 0:
            s += n[i]
    return s


def filled_by_a_loop(x: Any) -> Any:
    n, s = roots(x), 0.0
    for i in range(len(x)):
        if n[i] > 0:
            s += n[i]
    return s


def begun_behind_it(x: Any) -> Any:
    n, s = np.sqrt(x), 0.0
    for i in range(1, len(x)):
        s += n[i]
    return s


def windows(x: Any) -> Any:
    n, s = np.sqrt(x), 0.0
    for i in range(len(x) - 1):
        s += np.sum(n[i + 1:i + 2])
    return s


def a_while(x: Any) -> Any:
    n, k, s = np.sqrt(x), 1, 0.0
    while k < len(x):
        s += n[k]
        k += 1
    return s


def by_indices(x: Any) -> Any:
    n, s = np.sqrt(x), 0.0
    for k in range(len(x)):
        s += np.sum(n[PLACES]) * (k > 0)
    return s


def overwritten(x: Any) -> Any:
    n = roots(x)
    for i in range(len(x)):
        if x[i] == 0:
            n[i] = 1.0
    return np.sum(n)


def added_to(x: Any) -> Any:
    n = roots(x)
    for i in range(1, len(x)):
        n[i] += 2 * n[i]
    return np.sum(n[1:])


def left_early(x: Any) -> Any:
    n, s = np.sqrt(x), 0.0
    for i in range(len(x) - 1, -1, -1):
        if x[i] < 0.5:
            break
        s += n[i]
    return s


def in_a_branch(x: Any) -> Any:
    n, s = np.sqrt(x), 0.0
    for i in range(len(x)):
        if i > 0:
            for k in range(2):
                s += n[i] * (k + 1)
    return s


def a_sum_of_roots(x: Any) -> Any:
    s = 0.0
    for i in range(1, len(x)):
        s += np.sqrt(x[i])
    return s


def distances(x: Any) -> Any:
    return np.sqrt((x[:, None] - x[None]) ** 2 + (x[:, None] ** 3 - x[None] ** 3) ** 2)


def distance(x: Any, i: int, j: int) -> Any:
    return np.sqrt((x[i] - x[j]) ** 2 + (x[i] ** 3 - x[j] ** 3) ** 2)


def all_pairs(x: Any) -> Any:
    d, s = distances(x), 0.0
    for i in range(len(x)):
        for j in range(len(x)):
            if i != j:
                s += 1 / d[i, j]
    return s


def pairs_of_a_filled_table(x: Any) -> Any:
    n, s = len(x), 0.0
    d = np.zeros((n, n))
    for i in range(n):
        for j in range(n):
            d[i, j] = distance(x, i, j)
    for i in range(n):
        for j in range(n):
            if i == j:
                continue
            s += 1 / d[i, j]
    return s


def half_the_pairs(x: Any) -> Any:
    d, s = distances(x), 0.0
    for i in range(len(x)):
        for j in range(i + 1, len(x)):
            s += 2 / d[i, j]
    return s


def pairs(x: Any) -> Any:
    s = 0.0
    for i in range(len(x)):
        for j in range(i + 1, len(x)):
            s += 2 / distance(x, i, j)
    return s


CASES = {
    under_a_condition: a_sum_of_roots,
    filled_by_a_loop: a_sum_of_roots,
    begun_behind_it: a_sum_of_roots,
    windows: a_sum_of_roots,
    a_while: a_sum_of_roots,
    by_indices: lambda x: (len(x) - 1) * (2 * np.sqrt(x[2]) + np.sqrt(x[1])),
    overwritten: a_sum_of_roots,
    added_to: lambda x: 3 * np.sum(np.sqrt(x[1:])),
    left_early: a_sum_of_roots,
    in_a_branch: lambda x: 3 * np.sum(np.sqrt(x[1:])),
    all_pairs: pairs,
    pairs_of_a_filled_table: pairs,
    half_the_pairs: pairs,
}


@pytest.mark.parametrize("size", [LONG, SHORT])
@pytest.mark.parametrize("f", CASES, ids=lambda f: f.__name__)
def test_first_order(f: Any, size: int) -> None:
    x = np.arange(size) * 1.0
    want = gj.grad(CASES[f])(x)
    assert np.all(np.isfinite(want))
    np.testing.assert_allclose(gj.grad(f)(x), want, rtol=1e-9, atol=1e-12)


@pytest.mark.parametrize("f", [under_a_condition, filled_by_a_loop, added_to, half_the_pairs], ids=lambda f: f.__name__)
def test_second_order(f: Any) -> None:
    x = np.arange(LONG // 2) * 1.0
    want = gj.hessian(CASES[f])(x)
    for way in (gj.hessian(f), gj.jacrev(gj.grad(f))):
        np.testing.assert_allclose(way(x), want, rtol=1e-7, atol=1e-9)


def test_what_flows_as_zero_is_not_absent() -> None:
    """Zero times an infinite derivative stays undefined where it was computed, in one element and no other."""
    def f(x: Any) -> Any:
        n, s = np.sqrt(x), 0.0
        for i in range(len(x)):
            s += -0.0 * n[i]
        return s

    for size in (LONG, SHORT):
        g = gj.grad(f)(np.arange(size) * 1.0)
        assert np.isnan(g[0])
        assert np.all(g[1:] == 0)


def a_power(x: Any) -> Any:
    return x[0] ** x[1] + x[2]


def test_a_basis_vector_moves_only_where_it_is_not_zero() -> None:
    x = np.array([-2.0, 2.0, 4.0])
    np.testing.assert_array_equal(gj.jacfwd(a_power)(x), [-4.0, np.nan, 1.0])
    np.testing.assert_array_equal(gj.grad(a_power)(x), [-4.0, np.nan, 1.0])
    np.testing.assert_array_equal(gj.hessian(a_power)(x), [[2.0, np.nan, 0.0], [np.nan, np.nan, 0.0], [0.0, 0.0, 0.0]])


@pytest.mark.parametrize("matrix", [gj.jacfwd, gj.jacrev, gj.jacobian])
def test_rows_and_columns_of_jacobians_are_apart(matrix: Any) -> None:
    x = np.array([0.0, 1.0, 4.0])
    want = np.diag([np.inf, 0.5, 0.25])
    np.testing.assert_array_equal(matrix(np.sqrt)(x), want)
    np.testing.assert_array_equal(matrix(lambda x: np.cbrt(x[::-1] * 1.0))(np.array([1.0, 8.0, 0.0]))[0],
                                  [0.0, 0.0, np.inf])
    rows = matrix(lambda m: np.sqrt(np.sum(m * m, axis=1)))(np.array([[3.0, 4.0], [0.0, 0.0]]))
    np.testing.assert_allclose(rows[0], [[0.6, 0.8], [0.0, 0.0]])
    np.testing.assert_array_equal(rows[1][0], [0.0, 0.0])


def test_second_derivatives_of_powers_at_zero() -> None:
    x = np.array([0.0, 1.0, 4.0])
    np.testing.assert_array_equal(gj.hessian(lambda x: np.sum(x ** 1.5))(x), np.diag([np.inf, 0.75, 0.375]))


def test_a_direction_is_no_basis_vector() -> None:
    """One may differentiate by it: where it is zero the derivative is that of the product, which is linear in it."""
    x, zero = np.array([1.0, 4.0]), np.zeros(2)
    for product in (lambda v: gj.jvp(np.sqrt, (x,), (v,))[1], lambda v: gj.vjp(np.sqrt, x)[1](v)[0],
                    lambda v: gj.hvp(lambda x: np.sum(x ** 2.5))(x, v)):
        slopes = np.diag(gj.jacobian(product)(np.ones(2)))
        np.testing.assert_allclose(np.diag(gj.jacobian(product)(zero)), slopes)
        assert np.all(slopes > 0)
