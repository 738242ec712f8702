"""`gj.checkpoint`: the same numbers, from less memory."""

from __future__ import annotations

import numpy as np
import pytest

import gradjit as gj

U = np.linspace(-1.0, 1.0, 50)


def steps(wrapped):
    def f(u, a):
        for i in wrapped(100):
            u = u + 0.01 * np.sin(a * u) * (1 + 0.001 * i)
        return np.sum(u ** 2)

    return f


PLAIN = steps(range)


@pytest.mark.parametrize("wrapped", [
    lambda n: gj.checkpoint(range(n), 5), lambda n: gj.checkpoint(range(n), 1), lambda n: gj.checkpoint(range(n), 200),
    lambda n: gj.checkpoint(range(n), "4kB"), lambda n: gj.checkpoint(range(n), "100MB"),
])
def test_loops(wrapped):
    f = steps(wrapped)
    assert f(U, 2.0) == PLAIN(U, 2.0)
    assert gj.jit(f)(U, 2.0) == pytest.approx(PLAIN(U, 2.0), rel=1e-13)
    ours = gj.value_and_grad(f, argnums=(0, 1))(U, 2.0)
    value, gradients = gj.value_and_grad(PLAIN, argnums=(0, 1))(U, 2.0)
    assert ours[0] == pytest.approx(value, rel=1e-13)
    for x, y in zip(ours[1], gradients, strict=True):
        np.testing.assert_allclose(x, y, rtol=1e-10)


def test_the_attribute_in_the_ir():
    assert "snapshots=5" in str(gj.trace(steps(lambda n: gj.checkpoint(range(n), 5)), U, 2.0))
    # 50 doubles are 400 bytes: ten states, one of which is worked on
    assert "snapshots=9" in str(gj.trace(steps(lambda n: gj.checkpoint(range(n), "4kB")), U, 2.0))
    assert "snapshots=5" in str(gj.trace(lambda u: gj.fori_loop(0, 100, lambda i, u: u * u, u, checkpoint=5), U))


def test_over_arrays():
    def f(u, xs):
        for i, x in gj.checkpoint(enumerate(xs), 3):
            u = u * x + i
        return u

    xs = np.linspace(0.5, 1.0, 20)
    expected = gj.grad(lambda u, xs: gj.fori_loop(0, 20, lambda i, u: u * xs[i] + i, u), argnums=(0, 1))(1.0, xs)
    for x, y in zip(gj.grad(f, argnums=(0, 1))(1.0, xs), expected, strict=True):
        np.testing.assert_allclose(x, y, rtol=1e-12)


def test_functions():
    def g(u, scale=1.0):
        v = np.tanh(u * scale)
        return {"v": v, "s": np.sum(np.exp(v)), "n": 3}

    def f(u, wrap):
        for _ in range(20):
            out = wrap(g)(u, scale=1.1)
            u = out["v"] * out["n"] + 0.01 * out["s"]
        return np.sum(u)

    kept, again = (lambda h: h), gj.checkpoint
    assert f(U, again) == f(U, kept)
    ours, expected = (gj.value_and_grad(lambda u, wrap=wrap: f(u, wrap))(U) for wrap in (again, kept))
    for a, b in zip(ours, expected, strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-12)


@pytest.mark.parametrize("snapshots, message", [
    (None, "how much it may keep"), (0, "at least one"), ("100 parsecs", "no size in memory"), ("0MB", "no size"),
    ("much", "no size"),
])
def test_budgets_that_say_nothing(snapshots, message):
    with pytest.raises(gj.ArgumentError, match=message):
        gj.checkpoint(range(3), snapshots)


def test_what_cannot_be_checkpointed():
    def f(u, xs):
        for x in gj.checkpoint(xs, 3):
            u = u * x
        return u

    with pytest.raises(gj.ArgumentError, match="a range, an array.*it got a dict"):
        gj.grad(f)(1.0, {"a": 1.0})
    assert gj.grad(f)(1.0, [1.5, 2.0, 3.0]) == 9.0
    with pytest.raises(gj.ArgumentError, match="keeps its arguments"):
        gj.checkpoint(np.sin, 3)
    with pytest.raises(gj.TraceError, match="two states do not fit into 100 bytes"):
        gj.grad(steps(lambda n: gj.checkpoint(range(n), "100B")))(U, 2.0)

    def g(u):
        for _ in gj.checkpoint(range(100), 3):
            u = u * 1.5
            if u > 10:
                break
        return u

    with pytest.raises(gj.TraceError, match="a loop with a break on a traced value"):
        gj.grad(g)(1.0)
