"""Calls that repeat an earlier one are computed once, and nothing else is taken for one."""

from __future__ import annotations

import copy
import functools
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import gradjit as gj
from tests.control.science.records import basis

X = np.array([0.5, -1.2, 2.0])
M = np.random.default_rng(0).normal(size=(6, 6))


def agrees(f: Callable[..., Any], *args: Any, close: float = 1e-12) -> None:
    """Values as Python computes them; the gradient by the first argument as by finite differences."""
    expected = f(*copy.deepcopy(args))
    np.testing.assert_allclose(gj.jit(f)(*copy.deepcopy(args)), expected, rtol=close)
    x, step = args[0], 1e-6
    value, slope = gj.value_and_grad(f)(*copy.deepcopy(args))
    np.testing.assert_allclose(value, expected, rtol=close)
    for place in np.ndindex(x.shape):
        sides = []
        for sign in (1, -1):
            moved = x.copy()
            moved[place] += sign * step
            sides.append(f(moved, *copy.deepcopy(args[1:])))
        np.testing.assert_allclose(slope[place], (sides[0] - sides[1]) / (2 * step), rtol=1e-5, atol=1e-6)


def operations(f: Callable[..., Any], *args: Any) -> int:
    return str(gj.trace(f, *args)).count("\n")


# recursions over subsets ----------------------------------------------------------------------------------------------
def by_minors(a):
    if len(a) == 1:
        return a[0, 0]
    total = 0.0
    for j in range(len(a)):
        total += (-1) ** j * a[0, j] * by_minors(np.delete(np.delete(a, 0, axis=0), j, axis=1))
    return total


def by_columns(a, columns, row=0):
    if len(columns) == 1:
        return a[row, columns[0]]
    total = 0.0
    for k, c in enumerate(columns):
        total += (-1) ** k * a[row, c] * by_columns(a, columns[:k] + columns[k + 1:], row + 1)
    return total


def by_lists(rows):
    if len(rows) == 1:
        return rows[0][0]
    return sum((-1) ** j * rows[0][j] * by_lists([r[:j] + r[j + 1:] for r in rows[1:]]) for j in range(len(rows)))


def nested_recursion(a):
    def minors(row, columns):
        if not columns:
            return 1.0
        return sum((-1) ** k * a[row, c] * minors(row + 1, tuple(d for d in columns if d != c))
                   for k, c in enumerate(columns))
    return minors(0, tuple(range(len(a))))


DETERMINANTS = [by_minors, lambda a: by_columns(a, tuple(range(len(a)))), nested_recursion,
                lambda a: by_lists([[a[i, j] for j in range(len(a))] for i in range(len(a))])]


@pytest.mark.thinned
@pytest.mark.parametrize("det", DETERMINANTS, ids=["minors", "columns", "nested", "lists"])
def test_a_determinant_by_minors_takes_as_many_calls_as_there_are_subsets(det: Any) -> None:
    a = M[:4, :4]
    value, slope = gj.value_and_grad(det)(a)
    np.testing.assert_allclose(value, np.linalg.det(a), rtol=1e-10)
    np.testing.assert_allclose(slope, np.linalg.det(a) * np.linalg.inv(a).T, rtol=1e-8)
    assert operations(det, M[:5, :5]) < 3.5 * operations(det, a)  # n 2^n grows by 2.5, n! by 5


def by_joined_minors(a):
    if len(a) == 1:
        return a[0, 0]
    total = 0.0
    for j in range(len(a)):
        total += (-1) ** j * a[0, j] * by_joined_minors(np.concatenate([a[1:, :j], a[1:, j + 1:]], axis=1))
    return total


def test_short_loops_that_join_what_they_count_are_unrolled() -> None:
    """As a loop each iteration would have arrays of computed extent, and no call would repeat another."""
    agrees(by_joined_minors, M[:5, :5], close=1e-10)
    assert "= for " not in str(gj.trace(by_joined_minors, M))


def chebyshev(n, x):
    return 1.0 if n == 0 else x if n == 1 else 2 * x * chebyshev(n - 1, x) - chebyshev(n - 2, x)


def test_recursions_of_two_terms() -> None:
    agrees(lambda x: np.sum(chebyshev(15, x)), X / 3)
    assert operations(lambda x: chebyshev(40, x), 0.3) < 200
    knots = np.linspace(0, 1, 12) ** 1.1
    agrees(lambda x, t: np.sum(sum(c * basis(x, 3, i, t) for i, c in enumerate(X))), np.linspace(0.05, 0.5, 4), knots)


# arrays that are given ------------------------------------------------------------------------------------------------
def doubled(x):
    y = 2 * x
    return y


def pair(x):
    y = x * x
    return [y, y + 1], {"sum": np.sum(y)}


def test_each_call_gives_arrays_and_lists_of_its_own() -> None:
    def f(x):
        a, b, c, d = (doubled(x) for _ in range(4))
        b[0], c[1] = 7.0, x[0]
        d += 1
        return np.sum(a * 1 + b * 2 + c * 3 + d * 4)

    def g(x):
        found = [pair(x) for _ in range(3)]
        found[1][0].append(x)
        found[2][0][0][1] = x[2]
        found[2][1]["sum"] = 3.0
        return sum(np.sum(v) for lists, _ in found for v in lists) + sum(d["sum"] for _, d in found)
    agrees(f, X)
    agrees(g, X)


def head(x):
    return x[:2]


def itself(x):
    return x


def column_order(a):
    return a.ravel(order="K")


def test_what_is_given_may_be_the_argument() -> None:
    def f(x):
        for k in range(3):
            head(x)[k % 2] = k * x[2]
            itself(x)[2] = x[2] + 1
        return np.sum(x**2)

    def g(x):
        a = x[:4].reshape(2, 2) * 1.0
        b = np.asfortranarray(a)
        flat = [v for each in (a, b, a, b) for v in column_order(each)]
        return sum(k * v for k, v in enumerate(flat))
    agrees(f, X)
    agrees(g, np.arange(1.0, 6.0))


# writes in between ----------------------------------------------------------------------------------------------------
def energy(x):
    return np.sum(x**2) + x[0]


def test_a_write_between_two_calls_is_seen() -> None:
    def f(x):
        total = energy(x) + energy(x)
        x[0] = 3 * x[1]
        total = total * energy(x)
        x[1:] *= 2
        return total + energy(x) + energy(x)
    agrees(f, X)


def test_what_a_closure_reads_may_change() -> None:
    def f(x):
        table, k, options = x * 2, 1.0, {"a": 1.0}

        def h(y):
            return k * np.sum(table * y) + options["a"]
        total = h(x) + h(x) + h(x)
        table[1] = 5.0
        total += h(x) + h(x)
        k = 3.0
        total += h(x) + h(x)
        options["a"] = x[0]
        total += h(x) + h(x)
        table = -table
        return total + h(x) + h(x)
    agrees(f, X)


def test_a_later_write_of_a_loop_is_seen_by_its_next_iteration() -> None:
    def f(x):
        table = x.copy()

        def h(y):
            return np.sum(table * y)
        total = h(x) + h(x) + h(x)
        for k in range(20):
            total += h(x) * 0.1
            table[k % 3] = 0.5 * table[k % 3]
        return total + h(x)

    def g(x, table):
        total = energy(table) + energy(table) + energy(table)
        for _ in range(20):
            total = total + 0.1 * energy(table) + energy(x)
            table *= 0.9
        return total + energy(table)
    agrees(f, X)
    agrees(g, X, np.ones(3))


TABLE = np.array([1.0, 2.0, 3.0])
SCALE = 2.0


def from_outside(x):
    return SCALE * np.sum(TABLE * x)


def test_what_stands_outside_is_read_at_each_call() -> None:
    def f(x):
        first = from_outside(x) + from_outside(x) + from_outside(x)
        return first * from_outside(2 * x)
    jitted = gj.jit(f)
    np.testing.assert_allclose(jitted(X), f(X))
    TABLE[1] += 1
    np.testing.assert_allclose(jitted(X), f(X))
    global SCALE
    SCALE += 1
    np.testing.assert_allclose(jitted(X), f(X))

    def scratch(x):
        total = from_outside(x) + from_outside(x)
        TABLE[0] = total
        return total + from_outside(x) + from_outside(x)
    before = TABLE.copy()
    expected = scratch(X)
    TABLE[:] = before
    np.testing.assert_allclose(gj.jit(scratch)(X), expected)
    TABLE[:] = before


# what is not the same -------------------------------------------------------------------------------------------------
def told(x, n):
    return x * n if isinstance(n, float) else x + n


def which(a, b):
    return np.sum(a) if a is b else 2 * np.sum(b)


def direction(x, zero):
    return x * np.copysign(1.0, zero)


def test_arguments_that_only_look_the_same() -> None:
    def f(x):
        total = 0.0
        for n in (1, 1.0, True, 1, 1.0, np.float32(1)):
            total += np.sum(told(x, n)) * (1 + n)
        for zero in (0.0, -0.0, 0.0, -0.0):
            total += np.sum(direction(x, zero))
        y = x.copy()
        return total + which(x, x) + which(x, y) + which(x, x) + which(y, x) + which(x, y)
    agrees(f, X)


def test_lambdas_of_one_text() -> None:
    def f(x):
        hs = [lambda y, k=k: y * k for k in range(4)] + [functools.partial(told, n=k) for k in range(3)]
        scaled = [(lambda c: lambda y: c * y)(k) for k in (1.0, x[0], 1.0, 2.0)]
        return sum(np.sum(h(x)) for h in hs * 2 + scaled * 2)

    def applied(h, y):
        return h(y) + h(h(y))

    def both(first, second, y):
        return first(y) - second(second(y))

    def g(x):
        h, k, l = (lambda v, n=n: v**n for n in (2, 3, 2))
        total = sum(both(*hs, x[1]) for hs in [(h, k), (h, h), (k, h), (h, l), (k, k), (h, k)])
        return total + sum(applied(h, x[0]) for h in (np.sin, np.cos, lambda v: v**2, np.sin, lambda v: v**3) * 2)
    agrees(f, X)
    agrees(g, X)


# what does more than compute ------------------------------------------------------------------------------------------
def counted(x):
    counted.calls += 1  # type: ignore[attr-defined]
    return x * counted.calls  # type: ignore[attr-defined]


def pushed(items, x):
    items.append(x)
    return np.sum(x) * len(items)


def remembering(x, seen=[]):  # noqa: B006
    seen.append(1)
    return np.sum(x) * len(seen)


def filled(x, out):
    out[0] = out[0] + x[0]
    return out[0] * 2


def test_what_a_call_changes_is_changed_each_time() -> None:
    def f(x):
        items, out, n = [], np.zeros(2), 0

        def next_one(y):
            nonlocal n
            n += 1
            return y * n
        total = sum(pushed(items, x) for _ in range(4)) + sum(filled(x, out) for _ in range(4))
        return total + np.sum(next_one(x)) + np.sum(next_one(x)) + np.sum(next_one(x)) + out[0] * len(items)
    agrees(f, X)

    def g(x):
        counted.calls = 0
        return sum(np.sum(counted(x)) for _ in range(4))
    np.testing.assert_allclose(gj.jit(g)(X), g(X))


def shouted(x):
    print("x =", x)
    return x * 2


def noisy(x, rng):
    return x * rng.normal()


def test_prints_and_draws_are_repeated(capsys: pytest.CaptureFixture[str]) -> None:
    def f(x):
        return shouted(x) + shouted(x) + shouted(x)
    assert gj.jit(f)(2.0) == 12.0
    assert capsys.readouterr().out == "x = 2.0\n" * 3

    def g(x):
        rng = np.random.default_rng(3)
        return np.sum(noisy(x, rng) + noisy(x, rng) * 2 + noisy(x, rng) * 3)
    agrees(g, X)


def root_of(x):
    if x < 0:
        raise ValueError(f"no root of {x}")
    return np.sqrt(x)


def test_exceptions_and_branches() -> None:
    def f(x):
        a = root_of(x[2]) + root_of(x[2]) + root_of(x[2])
        if x[0] > 0:
            a = a + root_of(x[0]) + root_of(x[0])
        else:
            a = a * root_of(-x[0])
        return a + root_of(x[0] ** 2) + root_of(x[0] ** 2) + root_of(x[2])
    agrees(f, X)
    agrees(f, -X * np.array([1, 1, -1]))
    with pytest.raises(ValueError, match="no root of -2"):
        gj.jit(f)(-X)

    def g(x):
        total = 0.0
        for _ in range(3):
            if x[0] > 1:
                total = total + energy(x)
            total = total + energy(x) * 2
        return total
    agrees(g, X)
    agrees(g, X + 1)


def test_a_function_that_is_differentiated_inside() -> None:
    def f(x):
        slope = gj.grad(energy)
        return np.sum(slope(x) * x) + energy(x) + np.sum(slope(x)) + np.sum(gj.grad(lambda y: energy(y) * energy(x))(x))

    def g(x):
        return np.sum((2 * x + np.eye(3)[0]) * (x + 1)) + energy(x) + np.sum((2 * x + np.eye(3)[0]) * energy(x))
    np.testing.assert_allclose(gj.jit(f)(X), g(X))
    np.testing.assert_allclose(gj.grad(f)(X), gj.grad(g)(X))
