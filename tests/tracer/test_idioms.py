"""Idioms that programs are made of: what is copied deeply, ordered by what is computed, filtered by data, kept in lists
of coefficients, places and values. Against Python, with derivatives against differences."""


from __future__ import annotations

import copy
from itertools import pairwise

import numpy as np
import pytest
import scipy.sparse as ss
import scipy.sparse.linalg as sla

import gradjit as gj

POINTS = np.random.default_rng(0).random((15, 2))


def deep_copies(s):
    d = {"a": [s], "b": {"c": np.ones(2) * s}}
    e = copy.deepcopy(d)
    e["a"].append(s * s)
    e["b"]["c"] *= 2
    e["b"]["d"] = 3.0
    return sum(d["a"]) + sum(e["a"]) + np.sum(d["b"]["c"] - 3 * e["b"]["c"]) + len(d["b"]) * len(e["b"])


def order_of_indices(s):
    values = [3 * s, s, 2 * s, 0.9]
    order = sorted(range(4), key=lambda i: values[i])
    return sum(values[i] * (k + 1) for k, i in enumerate(order))


def sorted_in_place(s):
    values = [5.0, s, 1.0, s * s]
    values.sort(reverse=True)
    return sum((i + 1) * v for i, v in enumerate(values))


def filtered_by_data(s):
    """Space is divided by where the points are."""
    def pull(p, low, high, chosen):
        if len(chosen) == 0:
            return np.zeros(2)
        if len(chosen) <= 2:
            return sum(((POINTS[i] - p) / (np.sum((POINTS[i] - p) ** 2) + 0.1) for i in chosen), np.zeros(2))
        middle = (low + high) / 2
        left, right = ([i for i in chosen if (POINTS[i, 0] < middle) == side] for side in (True, False))
        return pull(p, low, middle, left) + pull(p, middle, high, right)

    return pull(np.array([0.5, 0.5 * s]), 0.0, 1.0, list(range(15))) @ np.array([1.0, 2.0])


def aligned(s):
    """Needleman and Wunsch's table, with soft maxima."""
    a, b = "GATTACA", "GCATGCU"
    table = np.zeros((8, 8))
    table[0] = table[:, 0] = -s * np.arange(8)
    for i in range(1, 8):
        for j in range(1, 8):
            table[i, j] = np.logaddexp.reduce([table[i - 1, j - 1] + (1.0 if a[i - 1] == b[j - 1] else -1.0),
                                               table[i - 1, j] - s, table[i, j - 1] - s])
    return table[-1, -1]


def assembled(s):
    rows, columns, values = [], [], []
    for e in range(12):
        k = s * (1 + e / 12) * 12
        for i, j, v in ((e, e, k), (e + 1, e + 1, k), (e, e + 1, -k), (e + 1, e, -k)):
            rows.append(i)
            columns.append(j)
            values.append(v)
    stiffness = ss.coo_matrix((values, (rows, columns)), shape=(13, 13)).tocsr()
    free = np.arange(1, 13)
    return sla.spsolve(stiffness[free][:, free].tocsc(), np.ones(12)).sum()


def polynomials(s):
    p, q = np.poly1d([s, 2.0, -1.0]), np.poly1d([1.0, 2.0])
    made = (p * q + q * s - 1) ** 2
    return p(1.3) + p.deriv()(0.5) + p.integ()(s) + made(0.3) + np.polyval(p, 2.0) + p[1] + p.order + sum(p.c)


def differences(s):
    return sum((b - a) ** 2 for a, b in pairwise([s, s * s, 1.0, np.sin(s)]))


PROGRAMS = [deep_copies, order_of_indices, sorted_in_place, filtered_by_data, aligned, assembled, polynomials,
            differences]


@pytest.mark.parametrize("f", PROGRAMS, ids=lambda f: f.__name__)
def test_program(f):
    h = 1e-6
    value, slope = gj.value_and_grad(f)(0.83)
    assert value == pytest.approx(f(0.83))
    assert slope == pytest.approx((f(0.83 + h) - f(0.83 - h)) / (2 * h), rel=1e-6)


def test_data_that_filters_is_watched():
    data = np.array([0.1, 0.7, 0.9])
    f = gj.jit(lambda s: sum([d * s for d in data if d > 0.5]) + len([d for d in data if d > 0.5]))
    assert f(2.0) == pytest.approx(5.2)
    data[0] = 0.6
    assert f(2.0) == pytest.approx(7.4)
