"""rvs of scipy.stats, and what generators draw of traced parameters: SciPy's and NumPy's own numbers, bit for bit, and
gradients through places, scales and shapes."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import scipy.stats as st

import gradjit as gj

COV = np.array([[2.0, 0.3], [0.3, 1.0]])
WEIGHTS = np.array([0.1, 0.2, 0.3, 0.4])
X = np.arange(1.0, 5.0)
FROZEN = st.gamma(2.0, 1.0)
PLANE = st.multivariate_normal([1.0, 2.0], COV)
SHARES = st.dirichlet([1.0, 2.0])

SMOOTH: dict[str, Any] = {
    "norm": lambda m, g: st.norm.rvs(m, 2 * m, size=(2, 3), random_state=g),
    "norm, one": lambda m, g: st.norm.rvs(m, random_state=g),
    "norm, frozen": lambda m, g: st.norm(m, 2.0).rvs(5, random_state=g),
    "norm, known": lambda m, g: st.norm.rvs(size=3, random_state=g) * m,
    "frozen outside": lambda m, g: FROZEN.rvs(size=3, random_state=g) * m,
    "uniform": lambda m, g: st.uniform.rvs(m, 2.0, size=3, random_state=g),
    "expon": lambda m, g: st.expon.rvs(scale=m * X, random_state=g),
    "laplace": lambda m, g: st.laplace.rvs(m, m, size=4, random_state=g),
    "gumbel_r": lambda m, g: st.gumbel_r.rvs(m, m, size=4, random_state=g),
    "lognorm": lambda m, g: st.lognorm.rvs(m, size=4, random_state=g),
    "weibull_min": lambda m, g: st.weibull_min.rvs(m, scale=2, size=4, random_state=g),
    "pareto": lambda m, g: st.pareto.rvs(m, size=4, random_state=g),
    "truncnorm": lambda m, g: st.truncnorm.rvs(-1, m, size=4, random_state=g),
    "gamma, scale": lambda m, g: st.gamma.rvs(2.0, m, m, size=4, random_state=g),
    "vonmises, place": lambda m, g: st.vonmises.rvs(2.0, m, size=3, random_state=g),
    "poisson": lambda m, g: st.poisson.rvs(m, size=4, random_state=g) * m,
    "binom": lambda m, g: st.binom.rvs(5, m / 9, loc=2, size=4, random_state=g) * m,
    "multinomial": lambda m, g: st.multinomial.rvs(5, [0.3, 0.7], size=3, random_state=g) * m,
    "dirichlet": lambda m, g: st.dirichlet.rvs([1.0, 2.0, 3.0], size=2, random_state=g) * m,
    "dirichlet, frozen": lambda m, g: SHARES.rvs(size=2, random_state=g) * m,
    "wishart": lambda m, g: st.wishart.rvs(3, COV, size=3, random_state=g) * m,
    "multivariate_t": lambda m, g: st.multivariate_t.rvs([1.0, 2.0], COV, 3, size=3, random_state=g) * m,
    "multivariate_normal": lambda m, g: st.multivariate_normal.rvs([m, 2.0], m * COV, size=3, random_state=g),
    "multivariate_normal, frozen": lambda m, g: st.multivariate_normal([m, 2.0], m * COV).rvs(random_state=g),
    "multivariate_normal, outside": lambda m, g: PLANE.rvs(size=3, random_state=g) * m,
    "a seed": lambda m, g: st.norm.rvs(m, size=3, random_state=5) + 0 * g.random(),
    "made inside": lambda m, g: inside(m) + 0 * g.random(),
    "in a loop": lambda m, g: walk(m, g),
    # of the generator itself
    "choice": lambda m, g: g.choice(X * m, 5, p=WEIGHTS) + g.choice(4, p=WEIGHTS * 1),
    "Generator.multivariate_normal": lambda m, g: g.multivariate_normal([m, 1.0], m * COV, (2, 2)),
    "equal variances": lambda m, g: g.multivariate_normal(np.zeros(2), m * np.eye(2)),
    "Generator.laplace": lambda m, g: g.laplace(m, m * X),
    "Generator.gumbel": lambda m, g: g.gumbel(X, m),
    "Generator.logistic": lambda m, g: g.logistic(m, m, 3),
    "Generator.weibull": lambda m, g: g.weibull(m, 3),
    "Generator.pareto": lambda m, g: g.pareto(m * X),
    "Generator.power": lambda m, g: g.power(m, 3),
    "Generator.rayleigh": lambda m, g: g.rayleigh(m),
    "Generator.poisson": lambda m, g: m * g.poisson(m * X),
    "Generator.binomial": lambda m, g: m * g.binomial(5, p=m / 9, size=2),
    "Generator.geometric": lambda m, g: m * g.geometric(m / 9, 2),
    "Generator.negative_binomial": lambda m, g: m * g.negative_binomial(3, m / 9, size=2),
}


def inside(m):
    g = np.random.default_rng(3)
    a, total = st.norm.rvs(size=2, random_state=g), 0.0
    for _ in range(3):
        total = total + g.normal() * m
    return total + a.sum() + st.dirichlet.rvs([1.0, 2.0], random_state=g)[0, 0]


def walk(m, g):
    x = m
    for _ in range(5):
        x = x + 0.1 * st.norm.rvs(0, m, random_state=g)
    return x


@pytest.mark.parametrize("name", SMOOTH)
def test_numbers_state_and_slopes(name):
    f, at = SMOOTH[name], 1.3

    def summed(m, seed=7):
        return np.sum(f(m, np.random.default_rng(seed)))

    g, h = np.random.default_rng(7), np.random.default_rng(7)
    compiled = gj.jit(f)
    for _ in range(2):
        got, want = compiled(at, g), f(at, h)
        np.testing.assert_allclose(got, want, rtol=2e-15, atol=2e-15)
        assert np.shape(got) == np.shape(want)
        assert np.asarray(got).dtype == np.asarray(want).dtype
    assert g.bit_generator.state == h.bit_generator.state
    slope = gj.grad(lambda m, g: np.sum(f(m, g)))(at, np.random.default_rng(7))
    assert slope == pytest.approx((summed(at + 1e-6) - summed(at - 1e-6)) / 2e-6, rel=1e-6, abs=1e-6)


SHAPES: dict[str, Any] = {
    "gamma": (st.gamma, lambda m: (m,)), "beta": (st.beta, lambda m: (m, 2 * m)), "t": (st.t, lambda m: (3 * m,)),
    "chi2": (st.chi2, lambda m: (3 * m,)), "invgamma": (st.invgamma, lambda m: (m,)),
    "f": (st.f, lambda m: (3 * m, 4.0)),
}


@pytest.mark.parametrize("name", SHAPES)
def test_a_shape_moves_what_is_drawn_as_its_quantile(name):
    dist, shapes = SHAPES[name]
    f = lambda m: np.sum(dist.rvs(*shapes(m), size=3, random_state=5))
    at, h = 1.3, 1e-4
    drawn = dist.rvs(*shapes(at), size=3, random_state=5)
    np.testing.assert_allclose(gj.jit(f)(at), drawn.sum(), rtol=1e-15)
    share = dist.cdf(drawn, *shapes(at))
    low, mid, high = (np.sum(dist.ppf(share, *shapes(m))) for m in (at - h, at, at + h))
    assert gj.grad(f)(at) == pytest.approx((high - low) / (2 * h), rel=1e-5)
    assert gj.jvp(f, (at,), (1.0,))[1] == pytest.approx((high - low) / (2 * h), rel=1e-5)
    assert gj.grad(gj.grad(f))(at) == pytest.approx((high - 2 * mid + low) / h**2, rel=1e-3, abs=1e-4)


def test_second_order_of_a_covariance():
    f = lambda m: np.sum(st.multivariate_normal.rvs(np.zeros(2), m * COV + m**2 * np.eye(2), random_state=3) ** 2)
    slope, h = gj.grad(f), 1e-4
    assert gj.grad(slope)(1.3) == pytest.approx((slope(1.3 + h) - slope(1.3 - h)) / (2 * h), rel=1e-7)


def test_a_batch():
    f = gj.vmap(lambda m: st.gamma.rvs(m, size=2, random_state=1))
    wanted = [st.gamma.rvs(m, size=2, random_state=1) for m in (1.0, 2.0)]
    np.testing.assert_array_equal(f(np.array([1.0, 2.0])), wanted)


@pytest.mark.parametrize("f, kind, match", [
    (lambda m: st.norm.rvs(m), gj.TraceError, "norm.rvs without random_state= draws from a state that the compiled"),
    (lambda m: st.norm.rvs(m, random_state=np.random), gj.TraceError, "norm.rvs of that random_state= draws"),
    (lambda m: st.norm.rvs(scale=-m, random_state=0), ValueError, "Domain error in arguments"),
    (lambda m: st.vonmises.rvs(m, random_state=0), gj.DifferentiationError, "scipy.stats.vonmises.rvs is a gj.primit"),
    (lambda m: st.dirichlet.rvs(m * X, random_state=0)[0, 0], gj.DifferentiationError, "scipy.stats.dirichlet.rvs"),
])
def test_what_is_refused(f, kind, match):
    with pytest.raises(kind, match=match):
        gj.grad(f)(1.3)


def test_long_arrays_of_probabilities_are_told_apart():
    def draw(p):
        def f(x):
            g, y = np.random.default_rng(1), 0.0
            for _ in range(3):
                y = y + x * g.choice(3000, p=np.where(np.arange(3000) == p, 1.0, 0.0))
            return y

        return gj.jit(f)(1.0)

    assert (draw(1000), draw(2000)) == (3000.0, 6000.0)
