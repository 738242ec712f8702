"""Lists of numbers, and lists of such lists, that loops read and write by their index (tables.py)."""

from __future__ import annotations

import copy
import math
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import gradjit as gj
from gradjit.ir import walk
from gradjit.tracer.trace import trace

Program = Callable[[Any], Any]


def edit_distance(p):
    a, b = [1, 2, 3, 4, 5, 6, 7, 8, 9, 1, 2, 3], [2, 3, 5, 6, 8, 9, 1, 1, 2, 5]
    n, m = len(a), len(b)
    d = [[0.0] * (m + 1) for _ in range(n + 1)]
    for i in range(1, n + 1):
        d[i][0] = i * p[0]
    for j in range(1, m + 1):
        d[0][j] = j * p[1]
    for i in range(1, n + 1):
        for j in range(1, m + 1):
            changed = d[i - 1][j - 1] + (0.0 if a[i - 1] == b[j - 1] else p[2])
            d[i][j] = min(d[i - 1][j] + p[0], d[i][j - 1] + p[1], changed)
    return d[n][m] + d[n // 2][m // 2]


def alias(p):
    d = [[p[0] * 0.0] * 12 for _ in range(12)]
    row0 = d[0]
    for i in range(12):
        for j in range(12):
            d[i][j] = p[0] * i + p[1] * j * j
    row0[3] = 100.0 * p[2]
    last = d[-1]
    last[0] += row0[3] * p[1]
    return d[0][3] + sum(d[11]) + sum(sum(r) for r in d) + max(row0)


def ints(p):
    count = [[0] * 12 for _ in range(12)]
    for i in range(12):
        for j in range(12):
            count[i][j] += i * j
    for i in range(12):
        for j in range(12):
            count[i][j] += p[0] * count[i][j] ** 2
    return count[11][11] / 10 + p[1] * sum(count[5]) + p[2]


def flat(p):
    fib = [0.0] * 30
    fib[:2] = p[0], p[1]
    for i in range(2, 30):
        fib[i] = fib[i - 1] * p[2] * 0.3 + fib[i - 2] * 0.5
    return fib[29] + sum(fib) + np.mean(fib) + fib[-1] * len(fib)


def flat_if(p):
    a = [0.0 for _ in range(20)]
    for i in range(20):
        if p[0] * i > 5.0:
            a[i] = p[0] * i
        elif i % 3 == 0:
            a[i] = p[1]
    b = a[:]
    b[3] = 7.0
    c = list(a)
    for i in range(1, 20):
        c[i] = c[i - 1] + a[i]
    return sum(a) + b[3] * p[2] + c[-1] + a[3]


def knapsack(p):
    weights = [2, 3, 4, 5, 9, 7, 3, 4, 2, 6]
    W = 20
    best = [0.0] * (W + 1)
    for k, w in enumerate(weights):
        v = p[k % 3] * (k + 1) + 0.1 * k
        for c in range(W, w - 1, -1):
            best[c] = max(best[c], best[c - w] + v)
    return best[W]


def floyd(p):
    n = 9
    D = [[float(abs(i - j)) * p[0] + p[1] * ((i * j) % 5) for j in range(n)] for i in range(n)]
    for k in range(n):
        for i in range(n):
            for j in range(n):
                if D[i][k] + D[k][j] < D[i][j]:
                    D[i][j] = D[i][k] + D[k][j]
    return sum(map(sum, D)) * p[2]


def elimination(p):
    n = 10
    A = [[p[0] + 4.0 * n * (i == j) + p[1] * np.cos(i + 2 * j) for j in range(n)] for i in range(n)]
    b = [p[2] * i for i in range(n)]
    for i in range(n):
        for k in range(i + 1, n):
            f = A[k][i] / A[i][i]
            for j in range(i, n):
                A[k][j] -= f * A[i][j]
            b[k] -= f * b[i]
    x = [0.0] * n
    for i in range(n - 1, -1, -1):
        x[i] = (b[i] - sum(A[i][j] * x[j] for j in range(i + 1, n))) / A[i][i]
    return sum(x) + x[3]


def cube(p):
    n = 10
    u = [[[0.0] * n for _ in range(n)] for _ in range(n)]
    for i in range(n):
        for j in range(n):
            for k in range(n):
                u[i][j][k] = p[0] * i + p[1] * j - p[2] * k
    for _ in range(3):
        for i in range(1, n - 1):
            for j in range(1, n - 1):
                for k in range(1, n - 1):
                    u[i][j][k] += 0.1 * (u[i + 1][j][k] + u[i - 1][j][k] - 2 * u[i][j][k]) * u[i][j - 1][k]
    return u[4][4][4] + sum(u[5][5])


def previous_rows(p):
    prev = [p[0] * k for k in range(12)]
    for i in range(1, 15):
        cur = [0.0] * 12
        cur[0] = i * p[1]
        for j in range(1, 12):
            cur[j] = min(prev[j] + p[1], cur[j - 1] + p[2], prev[j - 1] + 0.1)
        prev = cur
    return prev[-1] + sum(prev)


def two_rows(p):
    a, b = [p[0] * k for k in range(12)], [0.0] * 12
    for _ in range(15):
        for j in range(1, 11):
            b[j] = 0.25 * (a[j - 1] + 2 * a[j] + a[j + 1]) * p[1]
        a, b = b, a
    return sum(a) + p[2] * b[5]


def from_path(p):
    path = [p[0]]
    for _ in range(30):
        path.append(path[-1] * p[1] + 0.1)
    for i in range(1, 30):
        path[i] = 0.5 * (path[i - 1] + path[i + 1]) * p[2]
    return sum(path) + path[7]


def rows_made(p):
    rows = []
    for i in range(12):
        cur = [0.0] * 11
        for j in range(1, 11):
            cur[j] = cur[j - 1] * p[0] + p[1] * i
        rows.append(cur)
    total = 0.0
    for i in range(1, 12):
        for j in range(11):
            total += rows[i][j] * rows[i - 1][j]
    return total * 1e-4 + rows[-1][3] * p[2]


class Grid:
    def __init__(self, n, value):
        self.n = n
        self.cells = [[value for _ in range(n)] for _ in range(n)]
    def __getitem__(self, ij):
        i, j = ij
        return self.cells[i][j]
    def __setitem__(self, ij, v):
        i, j = ij
        self.cells[i][j] = v
    def step(self, k):
        new = [[0.0] * self.n for _ in range(self.n)]
        for i in range(self.n):
            for j in range(self.n):
                up, down = self.cells[(i - 1) % self.n][j], self.cells[(i + 1) % self.n][j]
                left, right = self.cells[i][(j - 1) % self.n], self.cells[i][(j + 1) % self.n]
                new[i][j] = self.cells[i][j] + k * (up + down + left + right - 4 * self.cells[i][j])
        self.cells = new


def grid(p):
    g = Grid(10, p[0])
    g[3, 4] = p[1] * 10
    for _ in range(12):
        g.step(0.1 * p[2])
    return sum(sum(r) for r in g.cells) + g[3, 4] * 2 + g[0, 0]


def dict_of_lists(p):
    state = {"u": [p[0] * i for i in range(12)], "v": [0.0] * 12}
    for _ in range(20):
        for i in range(1, 11):
            state["v"][i] += 0.1 * p[1] * (state["u"][i - 1] - 2 * state["u"][i] + state["u"][i + 1])
        for i in range(12):
            state["u"][i] += 0.1 * state["v"][i]
    return sum(state["u"]) + p[2] * state["v"][3]


def hist(p):
    counts = [0] * 10
    for k in range(50):
        counts[int((k * 7) % 10)] += 1
    bins = [0.0] * 10
    x = 0.3
    for _ in range(50):
        x = 3.7 * x * (1 - x)
        b = min(int(x * 10), 9)
        bins[b] += p[0] * x
    return sum(bins[i] * counts[i] for i in range(10)) + bins[5] * p[1] + p[2]


def same_rows(p):   # all rows one list
    d = [[0.0] * 12] * 12
    for i in range(12):
        for j in range(12):
            d[i][j] = d[i][j] + p[0] * i + p[1] * j
    return d[3][4] * p[2]


def history_of_rows(p):
    d = [[p[0] + k * j for k in range(10)] for j in range(10)]
    snaps = []
    for i in range(10):
        snaps.append(d[i])
        d[i][0] = p[1] * i
        d[0][i] = d[0][i] + p[2]
    return sum(s[0] for s in snaps) + sum(snaps[0])


def lists_kept_long(p):
    rows = []
    for i in range(12):
        rows.append([p[0] * i * k + p[1] for k in range(12)])
    rows[3][1] = 5.0 * p[2]
    return sum(r[1] for r in rows) + rows[3][1] + rows[3][2]


def deep(p):
    d = [[p[0] * i + j for j in range(10)] for i in range(10)]
    for i in range(10):
        d[i][0] = p[1] * i
    e = copy.deepcopy(d)
    s = [row[:] for row in d]
    for i in range(10):
        d[i][1] = p[2]
    t = [list(r) for r in d]
    return sum(map(sum, e)) + sum(r[1] for r in s) + sum(r[1] for r in t) * 0.1


def paths_aliased(p):
    paths, path = [], []
    for i in range(12):
        path.append(p[0] * i)
    paths.append(path)
    path.append(5.0 * p[1])
    d = {}
    d.setdefault("a", path)
    path.append(p[2])
    return paths[0][-1] + paths[0][-2] + len(paths[0]) + d["a"][-1]


def transposed(p):
    d = [[p[0] * i + j * p[1] for j in range(10)] for i in range(10)]
    for i in range(10):
        for j in range(i):
            d[i][j], d[j][i] = d[j][i], d[i][j]
    t = list(zip(*d, strict=True))
    return sum(t[3]) * p[2] + d[2][7]


def matrix(p, n):
    def element(i, j):
        return p[0] * math.sin(1 + 3 * i + 2 * j) + p[1] * (i == n - 1 - j) + 0.1 * j

    return [[element(i, j) for j in range(n)] for i in range(n)]


def eliminated(M, exchange):
    """Rows are made anew, the largest pivot first."""
    n, det = len(M), 1.0
    for k in range(n):
        best = max(range(k, n), key=lambda r: abs(M[r][k]))
        if best != k:
            exchange(M, k, best)
            det = -det
        det *= M[k][k]
        for i in range(k + 1, n):
            f = M[i][k] / M[k][k]
            M[i] = [a - f * b for a, b in zip(M[i], M[k], strict=True)]
    return det + sum(row[-1] for row in M)


def at_once(M, i, j):
    M[i], M[j] = M[j], M[i]


def one_by_one(M, i, j):
    held = M[i]
    M[i] = M[j]
    M[j] = held


def long_pivots(p):
    return eliminated(matrix(p, 10), at_once) * p[2]


def held_pivots(p):
    return eliminated(matrix(p, 10), one_by_one) * p[2]


def short_pivots(p):
    return eliminated(matrix(p, 4), at_once) * p[2]


def short_held_pivots(p):
    return eliminated(matrix(p, 3), one_by_one) * p[2]


def pivots_in_place(p):
    M, y = np.array(matrix(p, 9)).tolist(), [p[2] * k for k in range(9)]
    for k in range(9):
        best = k
        for r in range(k + 1, 9):
            if abs(M[r][k]) > abs(M[best][k]):
                best = r
        M[best], M[k], y[best], y[k] = M[k], M[best], y[k], y[best]
        for i in range(k + 1, 9):
            f = M[i][k] / M[k][k]
            for j in range(k, 9):
                M[i][j] -= f * M[k][j]
            y[i] -= f * y[k]
    return y[8] / M[8][8] + M[0][3]


def exchanged_at_known_places(p):
    M = matrix(p, 10)
    M[0], M[3] = M[3], M[0]
    for k in range(9):
        M[k][0] += M[k + 1][0] * p[2]
    M[0], M[3], M[5] = M[5], M[0], M[3]
    M[0][1] = 5.0 * p[1]
    return sum(M[0]) + 2 * M[-1][1] + sum(k * r[0] for k, r in enumerate(M)) + M[3][1] * p[0]


def rotated(p):
    M = matrix(p, 12)
    for k in range(1, 11):
        M[k - 1], M[k], M[k + 1] = M[k + 1], M[k - 1], M[k]
        M[k][0] += p[2]
    return sum((i + 1) * M[i][0] for i in range(12))


def rows_replaced(p):
    M = matrix(p, 10)
    for k in range(9):
        M[k + 1] = [a - 0.3 * b for a, b in zip(M[k + 1], M[k], strict=True)]
    return M[0][1] + M[-1][2] + M[5][0] * M[3][1] + p[2] * sum(r[0] for r in M)


AS_LOOPS = [
    long_pivots, held_pivots, pivots_in_place, rows_replaced,
    edit_distance, alias, ints, flat, flat_if, knapsack, floyd, elimination, cube, previous_rows, two_rows,
    from_path, rows_made, grid, dict_of_lists, hist,
]
AS_WRITTEN = [
    short_pivots, short_held_pivots, exchanged_at_known_places, rotated,
    same_rows, history_of_rows, lists_kept_long, deep, paths_aliased, transposed,
]
AT = np.array([0.7, 1.3, 0.9])


@pytest.mark.parametrize("f", [*AS_LOOPS, *AS_WRITTEN], ids=lambda f: f.__name__)
def test_tables_are_lists(f: Program) -> None:
    value, gradient = gj.value_and_grad(f)(AT)
    np.testing.assert_allclose(value, f(AT), rtol=1e-12)
    np.testing.assert_allclose(gj.jvp(f, (AT,), (np.ones(3),))[1], sum(gradient), rtol=1e-9)
    for k, h in enumerate(1e-6 * np.eye(3)):
        np.testing.assert_allclose(gradient[k], (f(AT + h) - f(AT - h)) / 2e-6, rtol=1e-6, atol=1e-6)


@pytest.mark.parametrize("f", AS_LOOPS, ids=lambda f: f.__name__)
def test_loops_over_tables_are_loops(f: Program) -> None:
    """(The numbers that a list is made of are computed one by one.)"""
    ops = list(walk(trace(f, (AT,), {}).func.body))
    assert sum(op.name in ("for", "while") for op in ops) >= 1
    assert len(ops) < 1600, len(ops)


def test_a_row_that_was_replaced_is_no_row_any_more() -> None:
    def f(p):
        d = [[p[0] * i + j for j in range(10)] for i in range(10)]
        first = d[0]
        total = 0.0
        for i in range(10):
            total += first[3]
            d[i] = [x * p[1] for x in d[i]]
        return total + sum(map(sum, d))

    np.testing.assert_allclose(gj.jit(f)(AT), f(AT), rtol=1e-12)


def test_a_row_that_has_changed_places_is_no_row_of_that_place() -> None:
    def f(p):
        M = matrix(p, 10)
        first = M[0]
        for k in range(9):
            M[k], M[k + 1] = M[k + 1], M[k]
        first[0] += 10.0
        return sum(M[9]) + M[0][0]

    with pytest.raises(gj.TraceError, match="given its place to another one; take it out of the list again"):
        gj.jit(f)(AT)


def test_largest_by_key_of_no_numbers() -> None:
    def f(x, n):
        return x[max(range(n, 5), key=lambda i: x[i])]

    x = np.array([3.0, 1.0, 4.0, 2.0, 0.5])
    for n in range(5):
        assert gj.jit(f)(x, n) == f(x, n)
    with pytest.raises(ValueError, match="empty"):
        gj.jit(f)(x, 5)


@pytest.mark.parametrize("n", [4, 10])
@pytest.mark.parametrize("at", [0.7, 1.3])
def test_one_side_changes_rows_and_the_other_exchanges_them(n: int, at: float) -> None:
    def f(x, i):
        M = [[x * (r + 1) + c for c in range(n)] for r in range(n)]
        row = M[0]
        if x > 1:
            row[0] += 5.0 * x
        else:
            M[1], M[i] = M[i], M[1]
        return sum(M[0]) + 3 * M[1][0] + 7 * M[2][1] * x

    i = np.int64(2)
    value, slope = gj.value_and_grad(f)(at, i)
    np.testing.assert_allclose(value, f(at, i), rtol=1e-12)
    np.testing.assert_allclose(slope, (f(at + 1e-6, i) - f(at - 1e-6, i)) / 2e-6, rtol=1e-6)


def test_three_places_of_which_two_may_be_one() -> None:
    """Both hold one list then, which a table cannot: what changes places are two rows."""
    def f(x, i, j, k):
        M = [[x * (r + 1) + c for c in range(10)] for r in range(10)]
        M[i], M[j], M[k] = M[j], M[i], M[i]
        M[j][0] += 5.0
        return M[k][0] + 2 * M[i][0] + 3 * M[j][1]

    places = np.int64(1), np.int64(2), np.int64(3)
    with pytest.raises(gj.GradjitError, match="change a copy of it|Stack them into an array"):
        gj.jit(f)(0.7, *places)
