"""Lists that a compiled loop has filled: what looks for a value in them, compares them, sorts them."""

from __future__ import annotations

import math

import numpy as np
import pytest

import gradjit as gj
from gradjit.tracer.trace import trace


def series(x, n=60):
    found, s = [], x[0]
    for k in range(n):
        s = s + math.sin(s) * x[1] - 0.02 * k
        found.append(s)
    return found


def where_the_greatest_stands(x):
    s = series(x)
    return s.index(max(s)) * x[0] + s.count(s[3]) + sum(s)


def is_there(x):
    s = series(x)
    return (s[7] in s) * x[0] + (100.0 in s) * x[1] + (None in s) + (s[0] not in s) + s[-1]


def of_chosen_items(x):
    s = [v for v in series(x) if v > 0]
    return s.index(max(s)) * x[0] + s.count(s[-1]) + (s[0] in s) * x[1] + (x[0] in s) + sum(s)


def equal_lists(x):
    s, t = series(x), series(x * 1.01)
    u = [v + 0 for v in s]
    a = x[0] if s == u else x[1]
    return a + 2 * (s == t) + 4 * (s != t) + 8 * (s == s[:]) + 16 * (s == [1.0]) + 32 * (s != tuple(t))


def in_order(x):
    s = series(x)
    down = sorted(s, reverse=True)
    s.sort()
    return sum(k * v for k, v in enumerate(s)) + 3 * down[0] + down[1] * x[0]


def tuples_in_order(x):
    s = [(round(v, 1), k, v) for k, v in enumerate(series(x))]
    up, down = sorted(s), sorted(s, reverse=True)
    return sum(k * v * i for k, (_, i, v) in enumerate(up)) + sum(k * i * v for k, (_, i, v) in enumerate(down))


def few_tuples_in_order(x):
    pairs = sorted((v, k) for k, v in enumerate(x))
    back = sorted([(k % 2, v) for k, v in enumerate(x)], reverse=True)
    return sum(v * i * k for k, (v, i) in enumerate(pairs)) + sum(k * v * b for k, (b, v) in enumerate(back))


def by_a_key(x):
    s = [{"value": v, "place": k} for k, v in enumerate(series(x))]
    s.sort(key=lambda d: (d["place"] % 3, -d["value"]))
    first = min(s, key=lambda d: d["value"])
    return sum(k * d["value"] for k, d in enumerate(s)) + first["place"] * x[0]


ALL = [where_the_greatest_stands, is_there, of_chosen_items, equal_lists, in_order, tuples_in_order,
       few_tuples_in_order, by_a_key]


@pytest.mark.parametrize("f", ALL, ids=lambda f: f.__name__)
def test_value_and_gradient(f):
    x = np.array([0.7, 0.9, 0.3, 0.5])
    assert np.isclose(gj.jit(f)(x), f(x), rtol=1e-12)
    gj.check_grads(f, x)


def test_tuples_are_sorted_as_arrays():
    assert len(list(trace(tuples_in_order, (np.array([0.7, 0.9]),), {}).func.body.ops)) < 250


def test_a_value_that_is_not_there():
    def f(x):
        return series(x).index(7.0)

    with pytest.raises(ValueError, match="the value is not in the list"):
        gj.jit(f)(np.array([0.7, 0.9]))
