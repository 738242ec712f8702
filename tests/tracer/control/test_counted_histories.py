"""Lists that a `while` of unknown length appends to under conditions, or in loops within: their items are counted."""

from __future__ import annotations

import math

import numpy as np
import pytest

import gradjit as gj
from tests.tracer.compare import check


def bounces(x):
    y, v, t, times = 1.0 + x, 0.0, 0.0, []
    while t < 2.0:
        v -= 9.81 * 0.01
        y += v * 0.01
        if y < 0:
            y, v = -y, -0.8 * v
            times.append(t + y)
        t += 0.01
    return y + 0.1 * len(times) + (times[0] if times else 0.0) + sum(times)


def accepted_steps(x):
    t, y, h = 0.0, np.array([1.0, x]), 0.1
    ts, ys, rejected = [t], [y], 0
    while ts[-1] < 2.0:
        k1 = np.array([y[1], -2.0 * y[0]])
        k2 = np.array([y[1] + h * k1[1], -2.0 * (y[0] + h * k1[0])])
        high = y + h / 2 * (k1 + k2)
        error = np.max(np.abs(high - y - h * k1)) / 1.1e-2
        if error <= 1.0:
            t, y = t + h, high
            ts.append(t)
            ys.append(y)
        else:
            rejected += 1
        h = h * min(2.0, max(0.3, 0.9 / math.sqrt(error + 1e-12)))
    ys, ts = np.array(ys), np.array(ts)
    return np.trapezoid(ys[:, 0] ** 2, ts) + np.sum(np.trapezoid(ys, ts, axis=0)) + 0.1 * len(ts) + ys[-1, 1]


def two_lists(x):
    n, high, low, pairs = 0, [], [0.5], []
    while n < 30 and x < 10:
        x, n = 2.9 * x * (1 - x), n + 1
        if x > 0.6:
            high.append(x)
            if n % 3 == 0:
                pairs.append((x, float(n)))
        else:
            low.append(x * 2)
            low.append(x * 3)
    total = sum(high) + np.mean(low) * 2 + low[-1] + low[0]
    for a, b in pairs:
        total += a * b
    return total + len(pairs) + max(high)


def in_loops_within(x):
    found = []
    while x < 4.0:
        for k in range(3):
            if x * k > 2.05:
                found.append(x * k)
        for k in range(12):
            if k > 9:
                found.append(0.1 * x)
        x *= 1.3
    return np.sum(np.array(found) ** 2) + len(found) * 0.5 + found[2]


def none_of_them(x):
    found = []
    while x < 4.0:
        if x > 100:
            found.append(x)
        x *= 1.3
    return x + len(found) + (found[0] if found else 0.0)


def the_last_is_read(x):
    peaks = [1.0]
    while x < 20.0:
        x = x * 1.2 + 0.1 * peaks[-1]
        if x > 2 * peaks[-1]:
            peaks.append(x)
    return peaks[-1] * 2 + sum(k * v for k, v in enumerate(peaks)) + len(peaks)


def rows(x):
    v, out = np.array([0.8, 1.0, 1.2]) * (1 + x), []
    while np.sum(v) < 30:
        v = v * np.array([1.3, 1.2, 1.1])
        if v[0] > v[1]:
            out.append(v.copy())
        if v[2] < 3:
            out.append(np.sin(v))
    a = np.array(out)
    return a.sum() + a[-1] @ a[0] + a.shape[0]


def until_the_last_is_near(x):
    past = []
    while True:
        x = np.cos(0.9 * x)
        if (len(past) > 0 and abs(x - past[-1]) < 1e-3) or len(past) >= 40:
            break
        if x < 0.95:
            past.append(x)
    return sum(past) + past[-1] * 3 + len(past)


PROGRAMS = [bounces, accepted_steps, two_lists, in_loops_within, none_of_them, the_last_is_read, rows,
            until_the_last_is_near]


@pytest.mark.parametrize("f", PROGRAMS, ids=lambda f: f.__name__)
def test_as_python(f):
    check(f, 0.4, exact=False)


@pytest.mark.thinned
@pytest.mark.parametrize("f", [accepted_steps, in_loops_within, rows], ids=lambda f: f.__name__)
def test_gradients(f):
    value, slope = gj.value_and_grad(f)(0.4)
    assert np.isclose(value, f(0.4), rtol=1e-12)
    assert np.isclose(slope, (f(0.4 + 1e-6) - f(0.4 - 1e-6)) / 2e-6, rtol=1e-6)


def taken_out(x):
    out = [x, x]
    while x < 4.0:
        x *= 1.3
        if x > 2:
            out.append(x)
        if x > 3:
            out.pop()
    return sum(out)


def changed_behind(x):
    v, out = np.array([x, 1.0]), []
    while v[0] < 4.0:
        v *= 1.3
        if v[0] > 2:
            out.append(v)
    return sum(r[0] for r in out)


def without_end_within(x):
    out = []
    while x < 4.0:
        y = x
        while y > 1:
            y *= 0.5
            out.append(y)
        x *= 1.3
    return sum(out)


def on_either_side(x):
    out = [x]
    if x > 1:
        out += [1.0]
    elif x > 0.5:
        pass
    else:
        out.append(2.0)
    return np.mean(out)


def again_within(x):
    out = []
    if x > 0.3:
        if x > 0.5:
            out.append(x)
        out.append(2.0)
    return sum(out)


def assigned_in_a_branch(x):
    out = [0.5]
    while x < 5:
        out.append(1.0)
        x = x * 1.5
        if x > 0.1:
            out[1] = out[0]
    return x + out[1]


def turned_round(x):
    out = [x, 0.5]
    while x < 5:
        x = x * 1.5
        out.reverse()
        if x > 2:
            out.append(out[-1])
    return np.mean(out)


@pytest.mark.parametrize("f", [on_either_side, again_within])
@pytest.mark.parametrize("x", [0.2, 0.4, 0.8, 1.5])
def test_of_several_lengths(f, x):
    assert gj.jit(f)(x) == f(x)


@pytest.mark.parametrize("f, words", [
    (assigned_in_a_branch, "items of the list out are assigned, or read all at once, in the loop that appends to it"),
    (turned_round, "the method reverse of the list out, whose length depends on traced values"),
    (taken_out, "an item is taken out of the list out in the loop that appends to it"),
    (changed_behind, "changed"),
    (without_end_within, "grows in a loop within, whose number of iterations is not known"),
], ids=lambda x: getattr(x, "__name__", None))
def test_refused(f, words):
    with pytest.raises(gj.TraceError, match=words):
        gj.jit(f)(0.4)


def test_second_derivatives():
    def f(x):
        found = []
        while x < 4.0:
            if x > 1:
                found.append(x**3)
            x = x * 1.3
        return sum(found)
    n = sum(0.4 * 1.3**k > 1 for k in range(9))
    powers = [1.3**k for k in range(9)][-n:]
    assert np.isclose(gj.hessian(f)(0.4), sum(6 * 0.4 * p**3 for p in powers))


def test_sum_of_as_many_arrays_as_the_run_tells():
    """Python's 0 is no array: of none it is an error, unless there is an array to begin with."""
    def f(x):
        return sum([x * v for v in x if v > 0])

    def g(x):
        return sum([x * v for v in x if v > 0], x)

    for h, arguments in ((f, ([1.0, 2.0, 3.0], [0.5, -1.0, 2.0])), (g, ([1.0, 2.0], [-1.0, -2.0]))):
        compiled = gj.jit(h)
        for x in map(np.array, arguments):
            np.testing.assert_allclose(compiled(x), h(x), rtol=1e-15)
            np.testing.assert_allclose(gj.grad(lambda x: np.sum(h(x)))(x), gj.jacfwd(h)(x).sum(axis=0), rtol=1e-12)
    with pytest.raises(gj.errors.ArgumentError, match="holds arrays, or nothing, as here"):
        gj.jit(f)(np.array([-1.0, -2.0]))
