"""Lists whose lengths differ from one side of a branch to the other, or from one iteration of a loop to the next."""

from __future__ import annotations

import numpy as np
import pytest

import gradjit as gj

X = np.array([3.0, 1.0, 2.0])


def check(f, *args):
    """Value and gradient, against Python and differences."""
    value, gradient = gj.value_and_grad(f)(*args)
    assert np.isclose(value, f(*args), rtol=1e-12)
    x, h = args[0], 1e-6
    for k in range(len(x)):
        step = h * (np.arange(len(x)) == k)
        slope = (f(x + step, *args[1:]) - f(x - step, *args[1:])) / (2 * h)
        assert np.isclose(gradient[k], slope, rtol=1e-5, atol=1e-6)


# branches -------------------------------------------------------------------------------------------------------------
def either(x):
    s = [x[0], x[1] ** 2] if x[0] > 0 else [x[2] * 3]
    return sum(s) + len(s) * x[1] + s[-1]


def nothing(x):
    s = []
    if x[0] > 5:
        s = [x[0], x[1] ** 2]
    t = 0.0
    for v in s:
        t = t + v * 2
    return t + x[1] + len(s)


def pairs(x):
    points = [(x[0], x[1])]
    if x[2] > 0:
        points = [(x[1], x[2]), (x[0], x[2] * 2.0), (1.0, x[1])]
    return sum(a * b for a, b in points)


def chosen_again(x):
    a = [v for v in x if v > 1.5]
    b = [v * 2 for v in a] if len(a) > 1 else [x[0]]
    return sum(b) + len(b)


def taken_out(x):
    s = [x[0], x[1], x[2]]
    if x[1] > x[0]:
        s.pop()
    return sum(v * v for v in s)


def put_in_front(x):
    s = [x[0], x[1]]
    if x[1] < x[0]:
        s.insert(0, x[2])
    return s[0] * 2 + s[1] * 3 + len(s)


def of_arrays(x):
    s = [x[:2], x[1:3]] if x[0] > 0 else [x[:2] * 2]
    return sum(np.sum(v**2) for v in s)


def slices(x):
    s = [x[0], x[1], x[2], x[0] * x[1]]
    k = int(x[2] + 0.5)
    return sum(s[k:]) + 2 * sum(s[:k]) + len(s[k:])


@pytest.mark.parametrize("f", [either, nothing, pairs, chosen_again, taken_out, put_in_front, of_arrays, slices])
@pytest.mark.parametrize("x", [X, 0.4 - X, 3 * X[::-1]], ids=["up", "down", "other"])
def test_branches(f, x):
    check(f, x)


def written_behind(x):
    y = x * 1.0
    s = [y, y * 2] if x[0] > 0 else [y]
    y[0] = 7.0
    return np.sum(s[0]) + len(s)


def changed_by_another_name(x):
    a = [x[0], x[1], x[2]]
    b = a if x[0] > 0 else [x[1]]
    b.append(x[2])
    return sum(a) + sum(b)


@pytest.mark.parametrize("f, words", [
    (written_behind, "may hold an array that has another name"),
    (changed_by_another_name, "it is one list or another, as a traced condition decides; change a copy"),
])
def test_refused(f, words):
    with pytest.raises(gj.TraceError, match=words):
        gj.jit(f)(X)


# loops ----------------------------------------------------------------------------------------------------------------
def lattice(p, n):
    u = np.exp(p[1] * 0.1)
    v = [max(100.0 - p[0] * 30 * u ** (n - 2 * k), 0.0) for k in range(n + 1)]
    for step in reversed(range(n)):
        v = [max(0.495 * (v[k] + v[k + 1]), 100.0 - p[0] * 30 * u ** (step - 2 * k)) for k in range(step + 1)]
    return v[0]


def pascal(p, n):
    row = [p[0]]
    for _ in range(n):
        row = [p[0]] + [a + b * p[1] for a, b in zip(row, row[1:], strict=False)] + [p[1]]
    return sum(row) / 2.0**n + len(row)


def casteljau(p, n):
    points = [(p[0] * k, p[1] * k * k) for k in range(n)]
    while len(points) > 1:
        points = [(0.4 * a[0] + 0.6 * b[0], 0.4 * a[1] + 0.6 * b[1]) for a, b in zip(points, points[1:], strict=False)]
    return points[0][0] * points[0][1] / n


def fewer(p, n):
    row = [p[0] * k / n for k in range(n)]
    total = 0.0
    while row:
        total = total + sum(row)
        row = [v * 0.9 - 0.1 * p[1] for v in row if v > 0.3]
    return total


def fewer_each_time(p, n):
    row = [p[0] * k / n for k in range(n)]
    for r in range(12):
        row = [v * 0.9 + 0.1 * p[1] for v in row if v > 0.05 * r]
    return sum(row) + len(row)


def long_ones(p, n):
    row = [p[0] * k / n for k in range(10 * n)]
    for _ in range(9):
        row = [v * p[1] for v in row]
    return sum(row)


@pytest.mark.parametrize("f", [lattice, pascal, casteljau, fewer, fewer_each_time, long_ones])
@pytest.mark.parametrize("n", [7, 40])
def test_loops(f, n):
    check(f, np.array([3.1, 0.9]), n)


def steps(row, p):
    return [a * 0.3 + b * p[1] for a, b in zip(row, row[1:], strict=False)]


def under_two_names(p, n):
    row = [p[0] * k for k in range(n)]
    first = row
    for _ in range(n - 1):
        new = steps(row, p)
        row = new
    row.append(p[0])
    return sum(new) + len(new) + sum(first)


def one_of_them_kept(p, n):
    row = [p[0] * k for k in range(n)]
    best = row
    for k in range(n - 3):
        row = steps(row, p)
        if k == 2:
            best = row
    row.append(p[0])
    return sum(best) + len(best) + sum(row)


def changed_in_place_and_bound_anew(p, n):
    row = [p[0] * k for k in range(n)]
    first = row
    for _ in range(n - 3):
        row.append(p[1])
        row = steps(row[1:], p)
    return sum(first) + len(first) + sum(row)


def the_one_before(p, n):
    a, b = [p[0] * k for k in range(n)], [p[1]]
    for _ in range(n - 2):
        a, b = steps(a, p), a
    b.append(1.0)
    return sum(a) + sum(b) * len(b) + len(a)


@pytest.mark.parametrize("f", [under_two_names, one_of_them_kept, changed_in_place_and_bound_anew, the_one_before])
@pytest.mark.parametrize("n", [7, 36])
def test_other_names(f, n):
    check(f, np.array([3.1, 0.6]), n)


def test_the_list_of_a_loop_that_may_be_empty():
    def f(p):
        row = [p[0] * k for k in range(9)]
        first = row
        while sum(row) > 50.0:
            row = steps(row, p)
        row.append(p[0])
        return sum(first) + len(row)

    with pytest.raises(gj.TraceError, match="may have another name: it may be one of two behind the loop.*copy"):
        gj.jit(f)(np.array([3.1, 0.6]))


def edit_distance(p, n):
    a, b = "kitten sitting on the table" * 2, "sitting kitten at a table"
    before = [j * p[0] for j in range(len(b) + 1)]
    for i, x in enumerate(a[:n], 1):
        now = [i * p[0]]
        for j, y in enumerate(b, 1):
            now.append(min(before[j] + p[0], now[j - 1] + p[0], before[j - 1] + (0.0 if x == y else p[1])))
        before = now
    return before[-1]


def test_rows_of_a_table_are_a_loop():
    check(edit_distance, np.array([1.0, 0.6]), 40)
    assert str(gj.trace(edit_distance, np.array([1.0, 0.6]), 40)).count("= for") <= 4


def test_a_lattice_is_a_loop():
    assert str(gj.trace(lattice, np.array([3.1, 0.9]), 40)).count("= for") == 3


def differences(p, n):
    table = [[np.sin(p[0] * k) for k in range(n)]]
    while len(table[-1]) > 1:
        last = table[-1]
        table.append([b - a * p[1] for a, b in zip(last, last[1:], strict=False)])
    return sum(row[0] for row in table) / 2.0**n


@pytest.mark.parametrize("n", [7, 36])
def test_rows_of_other_lengths_are_appended(n):
    check(differences, np.array([3.1, 0.9]), n)


# recursion ------------------------------------------------------------------------------------------------------------
def merged(a, b):
    out, i, j = [], 0, 0
    while i < len(a) and j < len(b):
        if a[i] < b[j]:
            out.append(a[i])
            i += 1
        else:
            out.append(b[j])
            j += 1
    out.extend(a[i:])
    out.extend(b[j:])
    return out


def merge_sort(a):
    if len(a) <= 1:
        return a
    m = len(a) // 2
    return merged(merge_sort(a[:m]), merge_sort(a[m:]))


def quick_sort(a):
    if len(a) <= 1:
        return a
    p = a[0]
    return quick_sort([x for x in a[1:] if x < p]) + [p] + quick_sort([x for x in a[1:] if not x < p])


@pytest.mark.parametrize("sort", [merge_sort, quick_sort])
def test_sorting_by_recursion(sort):
    check(lambda x: sum((k + 1) * v for k, v in enumerate(sort(list(x)))), np.array([3.0, 1.0, 2.0]))


def test_calls_that_multiply_are_refused():
    with pytest.raises(gj.TraceError, match="quick_sort calls itself.*its calls multiply.*write a loop"):
        gj.jit(lambda x: quick_sort(list(x))[0])(np.arange(9.0))
