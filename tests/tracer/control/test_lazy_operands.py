"""Operands that are computed on some ways only, and bind names, or read names that may not be bound; operands of tests,
of which nothing but the truth is asked."""

from __future__ import annotations

import numpy as np
import pytest

import gradjit as gj

X = np.array([0.11, 0.53, -1.03, 0.31, 0.42, 2.07, 1.09, -0.22])


def read_behind_and(x):
    n, t = 0, 0.0
    for v in x:
        if v > 0.2:
            best = v
            n += 1
        if n >= 2 and best < 1:
            t += best
    return t * np.sum(x) + n


def read_in_either_way(x):
    n = 0
    for v in x:
        if v > 0.2:
            best = v
            n += 1
    y = best if n else 3.0
    if n < 1 or best > 0.7:
        y *= 2
    elif n > 2 and best < 0.5:
        y -= 1
    else:
        y = y * y
    return y if n == 0 else best * y


def bound_behind_and(x):
    t = 0.0
    for v in x:
        if v > 0.1 and (q := v * 2) < 1.0:
            t += q
        elif v < -5 or (r := v + 1) > 1.2:
            t -= v
        else:
            t *= r
    return t


def bound_in_the_test_of_a_loop(x):
    i, t = 0, 1.0
    while i < len(x) and (c := x[i]) < 1.5 and (d := c * t) > -3:
        i += 1
        if c < 0:
            continue
        t += d
        if t > 4:
            break
    return t + i


def read_behind_the_loop(x):
    k = 0
    while k < 20 and (r := np.sum(x * x)) > 0.3:
        x = x * 0.9
        k += 1
    return np.sum(x) * r + k


def bound_and_returned(x):
    if len(x) > 2 and (m := x.max()) > 1.5:
        return m * x.sum()
    return s if (s := x.sum()) > 0 else -s


def a_number_and_a_comparison(x):
    n, t, last = 0, 0.0, 1.0
    for v in x:
        if (n and last * v < 0) or not t:
            t += v
        if v > 0.4:
            n += 1
        last = v
    while n and t < 5:
        n -= 1
        t = t * 1.5 + (x[0] if n and t < 2 else x[1])
    return t


@pytest.mark.parametrize("f", [read_behind_and, read_in_either_way, bound_behind_and, bound_in_the_test_of_a_loop,
                               read_behind_the_loop, bound_and_returned, a_number_and_a_comparison])
def test_as_python_has_it(f):
    compiled, gradient, t = gj.jit(f), gj.grad(f), np.cos(np.arange(8.0))
    for x in (X, -X[::-1], X * 3, -0.01 * np.abs(X)):
        np.testing.assert_allclose(compiled(x), f(x), rtol=1e-13)
        by_differences = (f(x + 1e-6 * t) - f(x - 1e-6 * t)) / 2e-6
        np.testing.assert_allclose(gradient(x) @ t, by_differences, rtol=1e-6, atol=1e-7)
        np.testing.assert_allclose(gj.jvp(f, (x,), (t,))[1], gradient(x) @ t, rtol=1e-12, atol=1e-12)


def test_what_is_not_bound_is_an_error_where_it_is_read():
    def f(x):
        for v in x:
            if v > 1:
                best = v
        return best * 2 if x[0] > 0 and best > 0 else 1.0

    compiled = gj.jit(f)
    assert compiled(np.array([0.5, 2.0])) == 4.0
    assert compiled(np.array([-0.5, 0.0])) == 1.0
    with pytest.raises(UnboundLocalError, match="'best'"):
        compiled(np.array([0.5, 0.0]))
