"""Lists whose lengths differ from one side of a branch to the other, or from one iteration of a loop to the next."""

from __future__ import annotations

from itertools import pairwise

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


def merged_by_calls(a, b):
    if not a:
        return b
    if not b:
        return a
    if a[0] < b[0]:
        return [a[0]] + merged_by_calls(a[1:], b)
    return [b[0]] + merged_by_calls(a, b[1:])


def merge_sort_by_calls(a):
    if len(a) <= 1:
        return a
    m = len(a) // 2
    return merged_by_calls(merge_sort_by_calls(a[:m]), merge_sort_by_calls(a[m:]))


def sort_of_pairs(pairs):
    if len(pairs) <= 1:
        return pairs
    first, others = pairs[0], pairs[1:]
    return (sort_of_pairs([p for p in others if p[0] < first[0]]) + [first]
            + sort_of_pairs([p for p in others if p[0] >= first[0]]))


def selected(a, k):
    p = a[len(a) // 2]
    less, more = [v for v in a if v < p], [v for v in a if v > p]
    if k < len(less):
        return selected(less, k)
    if k >= len(a) - len(more):
        return selected(more, k - (len(a) - len(more)))
    return p


def weighed(items):
    return sum((k + 1) * v for k, v in enumerate(items))


@pytest.mark.parametrize("n", [3, 9])
@pytest.mark.parametrize("sort", [merge_sort, quick_sort])
def test_sorting_by_recursion(sort, n):
    check(lambda x: weighed(sort(list(x))), np.sin(7.0 * np.arange(n)))


SEARCHES = {
    "merge sort by calls": (lambda x: weighed(merge_sort_by_calls(list(x))), 5),
    "sort of pairs": (lambda x: weighed([a * b for a, b in sort_of_pairs([(v, np.cos(v)) for v in x])]), 8),
    "median": (lambda x: selected(list(x), len(x) // 2), 9),
}


@pytest.mark.parametrize("name", SEARCHES)
def test_recursion_over_lists(name):
    f, n = SEARCHES[name]
    check(f, np.sin(7.0 * np.arange(n)))


def nodes(f, a, b, tolerance):
    m = 0.5 * (a + b)
    if abs(f(m) - 0.5 * (f(a) + f(b))) < tolerance:
        return [(a, f(a))]
    return nodes(f, a, m, tolerance) + nodes(f, m, b, tolerance)


def area(k, tolerance=0.02):
    f = lambda t: np.exp(-k * t) * np.sin(6 * t)
    found = nodes(f, 0.0, 2.0, tolerance) + [(2.0, f(2.0))]
    return sum((b[0] - a[0]) * (a[1] + b[1]) / 2 for a, b in zip(found, found[1:], strict=False))


def walked(x, so_far):
    return so_far if x < 0.01 else walked(x * 0.7, so_far + [np.sin(x)])


def test_lists_that_calls_give_and_lengthen():
    check(lambda x: area(x[0]), np.array([0.7]))
    check(lambda x: weighed(walked(x[0], [])), np.array([0.9]))
    with pytest.raises(gj.GradjitError, match="nodes, which calls itself, gives more than 512 items.*write a loop"):
        gj.jit(lambda k: len(nodes(lambda t: np.exp(-k * t), 0.0, 2.0, 1e-8)))(0.7)


def test_other_sizes_by_one_compilation():
    f = gj.grad(lambda x: weighed(quick_sort(list(x))))
    for n in (6, 7, 30):
        x = np.sin(7.0 * np.arange(n))
        np.testing.assert_array_equal(f(x), 1 + np.argsort(np.argsort(x)))


def loud_sort(a):
    if len(a) <= 1:
        return a
    print(a[0])
    return loud_sort([x for x in a[1:] if x < a[0]]) + [a[0]] + loud_sort([x for x in a[1:] if not x < a[0]])


def array_sort(x):
    if len(x) <= 1:
        return x
    return np.concatenate([array_sort(x[x < x[0]]), x[x == x[0]], array_sort(x[x > x[0]])])


@pytest.mark.parametrize("n", [4, 20])
def test_pairs_of_neighbours(n):
    def steps(x):
        chosen = [x[0] * k for k in range(n) if x[1] * k > 2]
        kept = []
        for k in range(9):
            kept.append(x[1] * k * k)
        return sum(b * a for a, b in pairwise(chosen)) + sum(b / (a + 1) for a, b in pairwise(kept[:n]))

    check(steps, np.array([1.1, 0.7]))


def test_a_while_that_takes_from_two_lists_is_bounded_by_both():
    text = str(gj.trace(lambda x: weighed(merged(list(x[:5]), list(x[5:]))), np.arange(9.0)))
    assert "bounded" in text and "1000001" not in text

    def unbounded(x):
        found = [x[0]]
        while found[-1] > 1:
            found.append(found[-1] / 2)
        return sum(found)

    assert "1000001" in str(gj.trace(unbounded, np.arange(9.0)))


def test_calls_that_multiply_are_refused():
    with pytest.raises(gj.TraceError, match="loud_sort calls itself.*it prints.*write a loop"):
        gj.jit(lambda x: loud_sort(list(x))[0])(np.arange(9.0))
    with pytest.raises(gj.TraceError, match="array_sort calls itself.*write a loop"):
        gj.jit(array_sort)(np.arange(9.0))
