"""Draws from a generator: NumPy's own numbers, a state that moves on, gradients through places and scales."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import gradjit as gj

X = np.arange(1.0, 6.0)
RNG = np.random.default_rng(3)
Call = Callable[..., Any]


def reset(bits: Any = np.random.PCG64, seed: int = 3) -> None:
    global RNG
    RNG = np.random.Generator(bits(seed))


def everything(x: Any) -> list[Any]:
    return [x + RNG.normal(size=5), RNG.normal(x, 2.0), RNG.uniform(x, x + 1), RNG.exponential(x), RNG.lognormal(x / 9),
            RNG.gamma(2.0, x), RNG.permutation(x), RNG.choice(x, 3), RNG.choice(x, 3, replace=False, p=[0.2] * 5),
            x[RNG.integers(0, 5, 3)], RNG.standard_t(3.0, size=2), RNG.random(), RNG.poisson(3.0, 4)]


def shuffled(x: Any) -> Any:
    y = x.copy()
    RNG.shuffle(y)
    return y


def walk(x: Any, n: int) -> Any:
    for _ in range(n):
        if RNG.random() < 0.5:
            x = x + 0.1 * RNG.normal(size=5)
    return x


@pytest.mark.parametrize(("f", "args"), [(everything, (X,)), (shuffled, (X,)), (walk, (X, 40))])
def test_numbers_and_state_are_numpys(f: Call, args: Any) -> None:
    reset()
    wanted = [f(*args), f(*args)]
    state = RNG.bit_generator.state
    reset()
    compiled = gj.jit(f)
    for want in wanted:
        got = compiled(*args)
        for g, w in zip(got, want, strict=True):
            np.testing.assert_allclose(g, w, rtol=1e-15)
    assert RNG.bit_generator.state == state


@pytest.mark.parametrize("bits", [np.random.PCG64DXSM, np.random.SFC64, np.random.Philox, np.random.MT19937])
def test_all_bit_generators(bits: Any) -> None:
    reset(bits)
    wanted = [RNG.normal(size=3), RNG.random(2, dtype=np.float32)]
    reset(bits)
    got = gj.jit(lambda: [RNG.normal(size=3), RNG.random(2, dtype=np.float32)])()
    for g, w in zip(got, wanted, strict=True):
        np.testing.assert_array_equal(g, w)
        assert g.dtype == w.dtype


def dropout(w: Any, x: Any) -> Any:
    kept = RNG.random(5) < 0.5
    return np.sum((w * kept + RNG.normal(w, 0.3)) * x) ** 2


@pytest.mark.parametrize("make", [gj.value_and_grad, lambda f: gj.jit(gj.value_and_grad(f))])
def test_gradients_are_of_the_numbers_that_were_drawn(make: Call) -> None:
    reset()
    own = np.random.default_rng(3)
    step = make(dropout)
    for _ in range(2):
        value, gradient = step(X, X)
        kept, noise = own.random(5) < 0.5, own.standard_normal(5)
        total = np.sum((X * kept + X + 0.3 * noise) * X)
        np.testing.assert_allclose(value, total ** 2)
        np.testing.assert_allclose(gradient, 2 * total * (kept + 1.0) * X)
        assert RNG.bit_generator.state == own.bit_generator.state


def test_loops_keep_no_numbers_twice() -> None:
    reset()
    own = np.random.default_rng(3).standard_normal(30)

    def path(s: float, n: int) -> Any:
        x = 1.0
        for _ in range(n):
            x = x * (1 + 0.1 * s * RNG.normal())
        return x

    value, slope = gj.value_and_grad(path)(0.7, 30)
    np.testing.assert_allclose(value, np.prod(1 + 0.07 * own))
    np.testing.assert_allclose(slope, np.prod(1 + 0.07 * own) * np.sum(0.1 * own / (1 + 0.07 * own)))


def test_a_generator_may_be_an_argument_and_one_made_inside_starts_anew() -> None:
    f = gj.jit(lambda x, rng: x + rng.normal(size=5))
    mine, own = np.random.default_rng(1), np.random.default_rng(1)
    for _ in range(2):
        np.testing.assert_array_equal(f(X, mine), X + own.normal(size=5))

    def inside(x: Any, seed: int) -> Any:
        rng = np.random.default_rng(seed)
        return rng.normal(x, 2.0)

    g = gj.jit(inside)
    np.testing.assert_allclose([g(X, 1), g(X, 1)], [inside(X, 1)] * 2, rtol=1e-15)


def simulated(x: Any, seed: int, n: int) -> Any:
    """Draws that are known, draws by traced scales, and draws in a loop and a branch, of one stream."""
    rng = np.random.default_rng(seed)
    x = x[rng.permutation(5)] + rng.normal(0.0, x)
    for _ in range(n):
        x = x + 0.1 * rng.normal(size=5)
        if x[0] > 1:
            x = x * rng.random()
    rng.shuffle(x)
    return x + rng.normal(size=5)


def test_draws_in_loops_from_a_generator_made_inside() -> None:
    f = gj.jit(simulated)
    for _ in range(2):
        np.testing.assert_allclose(f(X, 7, 40), simulated(X, 7, 40), rtol=1e-13)
    h = 1e-6
    slope = (np.sum(simulated(X + h, 7, 40)) - np.sum(simulated(X - h, 7, 40))) / (2 * h)
    gradient = gj.grad(lambda x: np.sum(simulated(x, 7, 40)))(X)
    np.testing.assert_allclose(np.sum(gradient), slope, rtol=1e-6)


@pytest.mark.parametrize(("f", "text"), [
    (lambda x: gj.vjp(lambda x: x * RNG.normal(), x)[1](x), "draws random numbers from a generator from outside"),
    (lambda x: gj.linearize(lambda x: x * RNG.normal(), x)[1](x), "draws random numbers from a generator from outside"),
    (lambda x: gj.jacobian(lambda x: x * RNG.normal())(x), "draws random numbers from a generator from outside"),
    (lambda x: gj.jit(lambda x: RNG.standard_t(x))(x), r"Generator.standard_t of traced arguments cannot be compiled"),
    (lambda x: gj.jit(lambda x: x + np.random.normal(size=5))(x), "gives another result at each call"),
])
def test_what_is_refused(f: Call, text: str) -> None:
    with pytest.raises(gj.GradjitError, match=text):
        f(X)
