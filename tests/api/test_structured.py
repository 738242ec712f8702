"""`fori_loop`, `while_loop`, `scan`, `cond`: in Python and compiled, with their derivatives, and what they refuse."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
import pytest

import gradjit as gj

HERE = r'(.|\n)*File ".*test_structured\.py", line \d+'
X = np.linspace(0.3, 1.4, 12)


class State(NamedTuple):
    position: Any
    velocity: Any


def oscillator(x, n):
    def body(i, s):
        v = s.velocity - 0.1 * s.position
        return State(s.position + 0.1 * v, v)

    end = gj.fori_loop(0, n, body, State(x, np.zeros_like(x)))
    return np.sum(end.position ** 2) + end.velocity[0]


def newton(a):
    return gj.while_loop(lambda s: np.abs(s[0] * s[0] - a) > 1e-12 * a, lambda s: (0.5 * (s[0] + a / s[0]), s[1] + 1),
                         (a, 0))[0]


def filtered(x, k):
    def step(carry, row):
        new = carry * k + row["x"]
        return new, {"y": new, "twice": 2 * new, "first": (new[0], 1.0)}

    rows = x.reshape(6, 2)
    last, ys = gj.scan(step, np.zeros(2), {"x": rows})
    back, zs = gj.scan(step, last, {"x": rows}, reverse=True)
    return np.sum(ys["y"] * zs["twice"]) + np.sum(ys["first"][0] * zs["first"][1]) + back[1]


def either(x, flag):
    y = gj.cond(np.sum(x) > flag, lambda x, s: np.sqrt(x) * s, lambda x, s: x ** 2 - s, x, 2.0)
    return np.sum(y)


CASES = [(oscillator, (X, 3)), (oscillator, (X, 40)), (newton, (2.0,)), (filtered, (X, 0.5)), (either, (X, 1.0)),
         (either, (X, 50.0))]


@pytest.mark.thinned
@pytest.mark.parametrize("backend", ["native", "interpreter"])
@pytest.mark.parametrize("f, args", CASES, ids=lambda x: getattr(x, "__name__", ""))
def test_compiled_and_in_python(f, args, backend):
    expected = f(*args)
    assert gj.jit(f, backend=backend)(*args) == pytest.approx(expected, rel=1e-12)
    value, gradient = gj.value_and_grad(f, backend=backend)(*args)
    assert value == pytest.approx(expected, rel=1e-12)
    np.testing.assert_allclose(gradient, slopes(f, *args), rtol=2e-6, atol=1e-7)


def slopes(f, x, *rest):
    x = np.asarray(x, float)
    out = np.empty(x.shape)
    for k in np.ndindex(x.shape):
        step = np.zeros(x.shape)
        step[k] = 1e-6
        out[k] = (f((x + step)[()], *rest) - f((x - step)[()], *rest)) / 2e-6
    return out


def test_they_become_regions():
    text = gj.jit(oscillator).ir(X, 40)
    assert text.count(" for ") == 1
    assert " while " in gj.jit(newton).ir(2.0)
    assert gj.jit(filtered).ir(X.repeat(4)[:12], 0.5).count(" for ") in (0, 2)
    assert " if " in gj.jit(either).ir(X, 1.0)


def test_bounds_may_be_traced():
    f = gj.jit(lambda n, x: gj.fori_loop(np.int64(1), n, lambda i, s: s + i * x, 0.0))
    for n in (0, 1, 5, 30):
        assert f(np.int64(n), 2.0) == 2.0 * sum(range(1, n))


def test_second_order():
    f = lambda x: gj.fori_loop(0, 12, lambda i, s: s * np.sin(x) + 1.0, x)
    d = gj.grad(gj.grad(f))(0.7)
    h = 1e-5
    assert d == pytest.approx((gj.grad(f)(0.7 + h) - gj.grad(f)(0.7 - h)) / (2 * h), rel=1e-5)


def test_the_initial_carry_is_not_written_to():
    def body(i, s):
        s["u"][i] = 1.0 * i
        return s

    def f(u):
        return gj.fori_loop(0, 10, body, {"u": u})["u"]

    for call in (f, gj.jit(f)):
        u = np.full(12, -1.0)
        np.testing.assert_array_equal(call(u), [*range(10), -1, -1])
        np.testing.assert_array_equal(u, -1)


def test_numbers_may_become_numpy_s():
    for n in (3, 20):
        f = lambda x: gj.fori_loop(0, n, lambda i, s: s + x[i], 0)
        x = np.arange(20) / 2
        assert gj.jit(f)(x) == f(x) == np.sum(x[:n])
    g = lambda x: gj.scan(lambda c, v: (c + v, c), 0, x)
    for got in (gj.jit(g)(x), g(x)):
        assert got[0] == np.sum(x)
        np.testing.assert_array_equal(got[1], np.cumsum(x) - x)


def test_scan_without_xs():
    f = lambda x: gj.scan(lambda c, _: (c * x, None), 1.0, length=10)
    for got in (f(2.0), gj.jit(f)(2.0)):
        assert got == (1024.0, None)
    last, ys = gj.jit(lambda x: gj.scan(lambda c, v: (c, v), 0.0, x))(np.zeros((0, 3)))
    assert last == 0.0 and ys.shape == (0, 3)


@pytest.mark.parametrize("wrap", [lambda f: f, gj.jit], ids=["python", "jit"])
@pytest.mark.parametrize("body, init, message", [
    (lambda i, s: (s[0], s[1], 1.0), (1.0, X), r"comes in as \(\*, \*\) and goes out as \(\*, \*, \*\)"),
    (lambda i, s: (s[0], s[1][:-1]), (1.0, X), r"carry\[1\] comes in as float64\[12\] and goes out as float64\[11\]"),
    (lambda i, s: {"a": s["a"] * np.float64(1)}, {"a": X.astype("f4")},
     r"carry\['a'\] comes in as float32\[12\] and goes out as float64\[12\]"),
    (lambda i, s: None, 1.0, r"comes in as \* and goes out as None"),
])
def test_carries_that_change(body, init, message, wrap):
    if message.endswith("float64\\[12\\]"):
        body = lambda i, s: {"a": s["a"].astype(np.float64)}
    for n in (2, 20):
        with pytest.raises(gj.TraceError, match=f"gj.fori_loop: .*{message}"):
            wrap(lambda init, n=n: gj.fori_loop(0, n, body, init))(init)
    with pytest.raises(gj.TraceError, match=f"gj.while_loop: .*{message}"):
        wrap(lambda init: gj.while_loop(lambda s: True, lambda s: body(0, s), init))(init)
    with pytest.raises(gj.TraceError, match=f"gj.scan: .*{message}"):
        wrap(lambda init: gj.scan(lambda s, x: (body(0, s), x), init, X))(init)


def test_other_mistakes():
    with pytest.raises(TypeError, match="body must be a function, got float"):
        gj.fori_loop(0, 3, 1.0, 2.0)
    with pytest.raises(gj.TraceError, match=f"must return a pair.*returned a float64{HERE}"):
        gj.scan(lambda c, x: c, np.float64(0), X)
    with pytest.raises(gj.ArgumentError, match="different lengths: 3, 4"):
        gj.scan(lambda c, x: (c, x), 0.0, (np.ones(3), np.ones(4)))
    with pytest.raises(gj.ArgumentError, match="needs xs, or length"):
        gj.scan(lambda c, x: (c, x), 0.0)
    with pytest.raises(gj.ArgumentError, match="one of them has none"):
        gj.scan(lambda c, x: (c, x), 0.0, 3.0)
    with pytest.raises(gj.TraceError, match=f"in one branch{HERE}"):
        gj.jit(lambda x: gj.cond(x > 0, lambda: np.ones(2), lambda: np.ones(3)) * 2)(1.0)
