"""Arrays that a loop makes shorter or longer by the same in each iteration: backward induction, tableaus, minors."""

from __future__ import annotations

import numpy as np
import pytest

import gradjit as gj

RNG = np.random.default_rng(0)


def american_put(spot, volatility):
    n, strike, rate, years = 60, 100.0, 0.05, 1.0
    dt = years / n
    u = np.exp(volatility * np.sqrt(dt))
    p, discount = (np.exp(rate * dt) - 1 / u) / (u - 1 / u), np.exp(-rate * dt)
    value = np.maximum(strike - spot * u ** np.arange(n, -n - 1, -2), 0)
    for i in range(n - 1, -1, -1):
        prices = spot * u ** np.arange(i, -i - 1, -2)
        value = np.maximum(strike - prices, discount * (p * value[:-1] + (1 - p) * value[1:]))
    return value[0]


def put_by_slices(spot, volatility):
    n = 60
    prices = spot * np.exp(volatility * np.linspace(-1, 1, n + 1))
    value = np.maximum(100.0 - prices, 0)
    for i in range(n - 1, -1, -1):
        kept = 0.999 * (0.52 * value[1:i + 2] + 0.48 * value[:i + 1])
        value = np.maximum(np.maximum(100.0 - prices[:i + 1], 0), kept)
    return value[0]


def recurrence(x):
    v = np.array([x, 1.0])
    for _ in range(40):
        v = np.concatenate([v, [np.sin(v[-1]) * x]])
    return (v * np.arange(42)).sum()


def smoothed(v):
    w = v
    for _ in range(30):
        w = np.convolve(w, [0.5, 0.5])
    return (w ** 2).sum() + len(w)


def eliminated(A):
    d = 0.0
    for _ in range(10):
        d = d + np.log(A[0, 0])
        A = A[1:, 1:] - np.outer(A[1:, 0], A[0, 1:]) / A[0, 0]
    return d + A[0, 0] * A.shape[0]


def neville(y):
    x, t = np.linspace(0, 1, 12), 0.37
    p = y
    for k in range(1, 12):
        p = ((t - x[k:]) * p[:-1] + (x[:-k] - t) * p[1:]) / (x[:-k] - x[k:])
    return p[0]


def both_at_once(y):
    a, b = y, y[1:] * 2
    for _ in range(15):
        a, b = b + a[1:] * 0.1, np.diff(a)[:-1]
    return a.sum() + b.sum()


def by_two(y):
    for _ in range(12):
        y = y[:len(y) - 2] + y[2:] * 0.5
    return y.sum()


def changed_in_place(y):
    for _ in range(12):
        y = y[1:].copy()
        y[0] += 1.0
        y[:3] *= 0.9
    return (y ** 2).sum()


def nested(y):
    s = 0.0
    for _ in range(12):
        y = y[1:]
        for i in range(len(y)):
            s = s + y[i] * i
    return s


def list_of_first(y):
    out = []
    for _ in range(12):
        y = 0.5 * (y[1:] + y[:-1])
        out.append(y[0])
    return np.array(out).sum() + y.mean()


def list_of_all(y):
    out = []
    for _ in range(12):
        y = 0.5 * (y[1:] + y[:-1])
        out.append(y)
    return sum(o.sum() for o in out)


def branch_on_the_length(y):
    for _ in range(12):
        y = np.maximum(y[1:], y[:-1] * 0.9)
        if len(y) < 16:
            y = y * 2
    return y.sum()


def branch_on_an_element(y):
    for _ in range(12):
        y = np.maximum(y[1:], y[:-1] * 0.9)
        if y[0] > 1:
            y = y * 0.7
    return np.sort(y)[0] + y.max()


def none_left(y):
    for _ in range(25):
        y = y[:-1] * 1.1
    return y.sum() + 1.0


def views_written_behind(y):
    z = y
    for _ in range(12):
        z = z[1:]
    z[0] = 5.0
    return y.sum() + z.sum()


def views_written_in_the_loop(y):
    y = y * 1.0
    z = y
    for _ in range(12):
        z = z[1:]
        z[0] = z[0] * 2
    return y.sum() + (z**2).sum()


def romberg(x):
    T = np.array([np.sin(x * np.arange(n + 1) / n).sum() / n for n in 2 ** np.arange(11)])
    for k in range(1, 11):
        T = (4.0**k * T[1:] - T[:-1]) / (4.0**k - 1)
    return T[0]


def triangle(x):
    rows = [np.array([x])]
    row = rows[0]
    for _ in range(15):
        row = np.concatenate([[x], row[:-1] + row[1:], [1.0]])
    return row.max() + row.sum() * 1e-3


Y = RNG.normal(size=25) + 1
M = RNG.normal(size=(11, 11))
LOOPS = [(american_put, (100.0, 0.3)), (put_by_slices, (100.0, 0.3)), (recurrence, (0.7,)),
         (eliminated, (M @ M.T + 11 * np.eye(11),)), (neville, (Y[:12],)), (both_at_once, (RNG.normal(size=40),)),
         (by_two, (Y,)), (changed_in_place, (Y,)), (nested, (Y,)), (list_of_first, (Y,)), (branch_on_the_length, (Y,)),
         (branch_on_an_element, (Y,)), (none_left, (Y,))]
OTHERS = [(smoothed, (Y,)), (romberg, (0.7,)), (triangle, (0.7,)),
          (list_of_all, (Y,)), (views_written_behind, (Y,)), (views_written_in_the_loop, (Y,))]


@pytest.mark.parametrize("f, args", [pytest.param(*c, id=c[0].__name__) for c in LOOPS + OTHERS])
def test_value_and_derivatives(f, args):
    value, gradient = gj.value_and_grad(f)(*args)
    assert value == pytest.approx(f(*args), rel=1e-12)
    assert gj.jit(f, tier="interpret")(*args) == pytest.approx(value, rel=1e-12)
    x, rest = args[0], args[1:]
    d = np.cos(np.arange(np.size(x))).reshape(np.shape(x))
    slope = np.sum(gradient * d)
    assert gj.jvp(lambda y: f(y, *rest), (x,), (d if np.ndim(x) else 1.0,))[1] == pytest.approx(slope, rel=1e-9)
    h = 1e-6
    assert slope == pytest.approx((f(x + h * d, *rest) - f(x - h * d, *rest)) / (2 * h), rel=1e-5, abs=1e-7)


@pytest.mark.parametrize("f, args", [pytest.param(*c, id=c[0].__name__) for c in LOOPS])
def test_the_loop_is_a_loop(f, args):
    text = str(gj.trace(f, *args))
    assert " = for " in text
    assert text.count("\n") < 90


def test_sizes_that_change_from_call_to_call():
    def folded(y, n):
        for _ in range(n):
            y = np.sin(y[1:] + 0.3 * y[:-1])
        return y.sum()

    g = gj.value_and_grad(folded)
    for m in 30, 40, 50, 20:
        y, d = np.linspace(0.1, 1, m), np.cos(np.arange(m))
        for n in 12, 15, 12:
            value, gradient = g(y, n)
            assert value == pytest.approx(folded(y, n), rel=1e-12)
            assert gradient @ d == pytest.approx((folded(y + 1e-6 * d, n) - folded(y - 1e-6 * d, n)) / 2e-6, abs=1e-8)
    hessian = gj.hessian(folded)(np.linspace(0.1, 1, 20), 12)
    np.testing.assert_allclose(hessian, hessian.T, atol=1e-12)
    batch = np.linspace(0.1, 1, 40).reshape(2, 20)
    np.testing.assert_allclose(gj.vmap(lambda y: folded(y, 12))(batch), [folded(y, 12) for y in batch], rtol=1e-12)
