"""Distributions of scipy.stats: values, also at the ends of the support and outside, and gradients by all arguments."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np
import pytest
import scipy.stats as st

import gradjit as gj
from gradjit.errors import UnsupportedError
from tests.tracer.scipy.calls import Call, check_gradients, check_values

CONTINUOUS: dict[str, tuple[float, ...]] = {
    "norm": (), "gamma": (1.9,), "beta": (2.3, 0.6), "t": (4.2,), "expon": (), "laplace": (), "logistic": (),
    "cauchy": (), "uniform": (), "lognorm": (0.7,), "halfnorm": (), "weibull_min": (1.5,), "invgamma": (2.4,),
    "pareto": (2.6,), "chi2": (3.3,), "f": (3.1, 4.4), "gumbel_r": (), "gumbel_l": (), "truncnorm": (-1.1, 1.4),
    "gennorm": (1.5,), "skewnorm": (1.5,), "rayleigh": (), "genextreme": (-0.2,), "genpareto": (0.2,), "fisk": (3.1,),
    "burr12": (2.5, 1.7), "betaprime": (2.4, 3.1), "invgauss": (0.6,), "nakagami": (1.4,), "powerlaw": (1.7,),
    "loggamma": (1.3,), "maxwell": (), "halfcauchy": (), "levy": (), "triang": (0.3,), "exponnorm": (1.5,),
    "gompertz": (0.9,), "hypsecant": (), "kappa3": (1.2,), "lomax": (1.9,), "moyal": (), "rice": (0.8,),
    "truncexpon": (4.7,), "erlang": (2.0,), "weibull_max": (1.8,), "chi": (2.6,), "dgamma": (1.4,),
}
"""With shapes."""
COMMON = ("norm", "gamma", "beta", "t", "expon", "lognorm", "weibull_min", "truncnorm", "genextreme", "skewnorm")
"""Those that are tried each time; the others where there is time."""
NO_QUANTILE = {"rice"}
DISCRETE: dict[str, tuple[float, ...]] = {
    "poisson": (2.3,), "binom": (6.0, 0.35), "nbinom": (3.0, 0.4), "geom": (0.35,), "bernoulli": (0.3,),
    "betabinom": (5.0, 1.3, 2.2), "logser": (0.6,), "planck": (0.7,), "boltzmann": (1.2, 8.0), "zipf": (2.6,),
    "dlaplace": (0.8,),
}
SCALED = 0.3, 1.7
"""Location and scale."""
LEVELS = np.array([0.1, 0.35, 0.62, 0.9])


@pytest.mark.thinned
@pytest.mark.parametrize("m", ["logpdf", "cdf", "ppf"])
def test_common(m: str) -> None:
    """All of them in one kernel for values and one for each mode, at quantiles of their own."""
    check_continuous(COMMON, m)


@pytest.mark.slow
@pytest.mark.parametrize("m", ["logpdf", "cdf", "logsf", "ppf"])
def test_continuous(m: str) -> None:
    check_continuous(CONTINUOUS, m)


def check_continuous(names: Iterable[str], m: str) -> None:
    chosen = [n for n in names if m != "ppf" or n not in NO_QUANTILE]
    calls = [bound(n, m, LEVELS if m == "ppf" else quantiles(n), CONTINUOUS[n]) for n in chosen]
    check_values(calls, [np.zeros(4), np.array(0.3), np.array(1.7), np.array(1.0)], 1e-10)
    check_gradients(calls, [np.zeros(4), np.array(0.3), np.array(1.7), np.array(1.0)], 2e-6)


def quantiles(name: str) -> np.ndarray:
    return np.asarray(getattr(st, name).ppf(LEVELS, *CONTINUOUS[name], *SCALED))


def bound(name: str, m: str, points: np.ndarray, shapes: tuple[float, ...]) -> Call:
    """The method around its points; shapes grow together by one factor."""
    dist = getattr(st, name)
    step = 0.01 if m == "ppf" else 1.0
    return lambda d, loc, scale, factor: getattr(dist, m)(points + step * d, *(s * factor for s in shapes), loc, scale)


@pytest.mark.parametrize("m", ["pdf", "sf", "logcdf", "isf"])
def test_other_methods(m: str) -> None:
    calls: list[Call] = []
    for name in ("norm", "gamma", "beta", "t", "truncnorm", "genextreme"):
        calls.append(bound(name, m, LEVELS if m == "isf" else quantiles(name), CONTINUOUS[name]))
    check_values(calls, [np.zeros(4), np.array(0.3), np.array(1.7), np.array(1.0)], 1e-10)


@pytest.mark.slow
def test_moments() -> None:
    calls: list[Call] = [
        lambda s, n=n, m=m, a=a: getattr(getattr(st, n), m)(*(s * k for k in a), 0.3, 1.7 * s)
        for n, a in {"norm": (), "gamma": (1.9,), "beta": (2.3, 0.6), "t": (4.2,), "expon": (), "lognorm": (0.7,),
                     "truncnorm": (-1.1, 1.4), "betaprime": (2.4, 3.1), "gumbel_r": ()}.items()
        for m in ("mean", "var", "std")]
    calls += [lambda s: st.norm.entropy(s, 1.0 + s), lambda s: st.t.entropy(4 * s), lambda s: st.gamma.entropy(2 * s),
              lambda s: st.norm.median(s, 2.0), lambda s: st.norm.interval(0.9, s, 2 * s)[1],
              lambda s: st.gamma(2.0, scale=s).interval(0.5 * s)[0], lambda s: st.norm.stats(s, 2.0)[1],
              lambda s: st.poisson.mean(2 * s), lambda s: st.binom.var(6, 0.3 * s),
              lambda s: st.uniform.support(s, 2)[1]]
    check_values(calls, [np.array(1.1)], 1e-11)
    check_gradients(calls, [np.array(1.1)])


@pytest.mark.slow
@pytest.mark.parametrize("m", ["logpmf", "cdf"])
def test_discrete(m: str) -> None:
    calls: list[Call] = []
    for name, shapes in DISCRETE.items():
        if m == "cdf" and name in ("betabinom", "zipf"):  # SciPy adds up the terms
            continue
        points = np.asarray(getattr(st, name).ppf(LEVELS, *shapes))
        free = [k for k, s in enumerate(shapes) if s != round(s)]
        calls.append(lambda f, n=name, k=points, a=shapes, free=free:
                     getattr(getattr(st, n), m)(k, *(s * f if j in free else s for j, s in enumerate(a))))
    check_values(calls, [np.array(1.0)], 1e-10)
    if m == "logpmf":
        check_gradients(calls, [np.array(1.02)], 2e-6)


def test_outside_of_the_support_and_at_its_ends() -> None:
    x = np.array([-3.0, -1.0, 0.0, 0.5, 1.0, 4.0, np.nan, np.inf, -np.inf])
    cases: list[tuple[str, tuple[float, ...]]] = [
        ("expon", ()), ("uniform", ()), ("gamma", (2.0,)), ("beta", (2.0, 0.5)), ("pareto", (2.0,)), ("gamma", (-1.0,)),
        ("truncnorm", (-1.0, 1.0))]
    check_values([lambda x, n=n, a=a, m=m: getattr(getattr(st, n), m)(x, *a) for n, a in cases
                  for m in ("pdf", "logpdf", "cdf", "logsf", "ppf", "isf")], [x], 1e-11)
    counts: list[tuple[str, tuple[float, ...]]] = [("poisson", (2.0,)), ("binom", (4, 0.3)), ("randint", (1, 5))]
    check_values([lambda x, n=n, a=a, m=m: getattr(getattr(st, n), m)(x, *a) for n, a in counts
                  for m in ("pmf", "logpmf", "cdf", "logsf", "ppf", "isf")], [x], 1e-11)


def test_gradients_outside_are_zero_and_inside_finite() -> None:
    x = np.array([-3.0, 0.5, np.nan, np.inf])
    for f in (lambda x, s: st.gamma.logpdf(x, s), lambda x, s: st.expon.logpdf(x, 0, s),
              lambda x, s: st.beta.logpdf(x, s, s)):
        gradient = gj.grad(lambda x, s, f=f: np.sum(np.where(np.isfinite(x), f(x, s), 0.0)))(x[:2], 2.0)
        assert gradient[0] == 0 and np.isfinite(gradient[1])


# frozen ones ----------------------------------------------------------------------------------------------------------
WIDTHS = np.array([1.0, 2.0, 3.0, 1.5])
OUTSIDE = st.norm(0.5, WIDTHS)


def test_frozen_distributions() -> None:
    x = np.array([0.7, -1.2, 2.3, 0.1])
    calls: list[Call] = [
        lambda x, s: st.norm(0.5, s).logpdf(x), lambda x, s: st.norm(loc=s, scale=WIDTHS).cdf(x),
        lambda x, s: st.gamma(a=2.5, scale=s).sf(np.abs(x)), lambda x, s: OUTSIDE.logpdf(x) * s,
        lambda x, s: st.norm(s, 2 * s).std() + st.norm.freeze(s).mean() * x,
        lambda x, s: st.norm.logpdf(x, loc=s, scale=WIDTHS)]
    check_values(calls, [x, np.array(0.8)])
    check_gradients(calls, [x, np.array(0.8)])


def test_what_a_frozen_distribution_from_outside_holds_is_seen() -> None:
    widths = np.array([1.0, 2.0])
    outside = st.norm(0.5, widths)
    f = gj.jit(lambda x: outside.logpdf(x))
    x = np.array([0.3, 0.9])
    np.testing.assert_allclose(f(x), outside.logpdf(x))
    widths[0] = 5.0
    np.testing.assert_allclose(f(x), outside.logpdf(x))


@pytest.mark.slow
# several variables ----------------------------------------------------------------------------------------------------
def test_dirichlet_and_multinomial() -> None:
    p = np.array([0.2, 0.3, 0.5])
    calls: list[Call] = [
        lambda a: st.dirichlet.logpdf(p, a), lambda a: st.dirichlet.pdf(p[:2], a), lambda a: st.dirichlet.mean(a),
        lambda a: st.dirichlet.var(a), lambda a: st.dirichlet.cov(a), lambda a: st.dirichlet.entropy(a),
        lambda a: st.multinomial.logpmf(np.array([[1, 2, 3], [2, 2, 2]]), 6, a / a.sum()),
        lambda a: st.multinomial.pmf(np.array([1, 2, 3]), 6, a / a.sum()),
        lambda a: st.multinomial.mean(6, a / a.sum()), lambda a: st.multinomial.cov(6, a / a.sum())]
    a = np.array([1.2, 0.7, 2.2])
    check_values(calls, [a], 1e-11)
    check_gradients(calls, [a])
    wrong = gj.jit(lambda x: st.dirichlet.logpdf(x, np.array([1.0, 2.0])))
    with pytest.raises(ValueError, match="add up to 1"):
        wrong(np.array([0.3, 0.3]))
    check_values([lambda k: st.multinomial.logpmf(k, 3, [0.5, 0.5])], [np.array([[1.0, 2.0], [1.5, 1.5], [1.0, 1.0]])])


COVARIANCE = np.array([[2.0, 0.3, -0.2], [0.3, 1.1, 0.1], [-0.2, 0.1, 0.8]])
ELSEWHERE = st.multivariate_normal(np.array([0.1, 0.2, -0.3]), COVARIANCE.copy())
BESIDE, WISHART = st.multivariate_t([0.1, 0.2, 0.0], COVARIANCE, 3.0), st.wishart(5, COVARIANCE)


@pytest.mark.slow
def test_normal_t_and_wishart() -> None:
    points = np.random.default_rng(0).normal(size=(4, 3))
    calls: list[Call] = [
        lambda m, s: st.multivariate_normal.logpdf(points, m, s * COVARIANCE),
        lambda m, s: st.multivariate_normal.pdf(m, points[0], s * COVARIANCE),
        lambda m, s: st.multivariate_normal.logpdf(points[None], m, s), lambda m, s: ELSEWHERE.logpdf(points + m),
        lambda m, s: st.multivariate_normal(m, np.exp(m)).logpdf(points), lambda m, s: ELSEWHERE.entropy() * s,
        lambda m, s: st.multivariate_normal.logpdf(m, s, 2 * s), lambda m, s: st.multivariate_normal(m, s).entropy(),
        lambda m, s: st.multivariate_t.logpdf(points, m, s * COVARIANCE, 3 * s), lambda m, s: BESIDE.pdf(m) * s,
        lambda m, s: st.multivariate_t(m, s * COVARIANCE, 4 * s).entropy(), lambda m, s: BESIDE.logpdf(points) * s,
        lambda m, s: st.wishart.logpdf(np.diag(np.exp(m)), 4 * s, s * COVARIANCE), lambda m, s: WISHART.mean() * s,
        lambda m, s: WISHART.logpdf(np.stack([COVARIANCE, s * COVARIANCE], axis=-1))]
    check_values(calls, [points[3], np.array(1.2)], 1e-11)
    check_gradients(calls[::4], [points[3], np.array(1.2)])
    with pytest.raises(np.linalg.LinAlgError, match="not positive definite"):
        gj.jit(lambda s: st.multivariate_normal.logpdf(points, np.zeros(3), s * COVARIANCE))(-1.0)


# errors ---------------------------------------------------------------------------------------------------------------
@pytest.mark.parametrize(("f", "text"), [
    (lambda x: st.alpha.entropy(x[0]), r"scipy\.stats\.alpha\.entropy is not supported"),
    (lambda x: st.multivariate_normal.cdf(x, x, np.eye(2)), r"multivariate_normal\.cdf is not supported"),
    (lambda x: st.multivariate_normal.logpdf(x, x, np.eye(2), allow_singular=True), "add a small multiple of np.eye"),
    (lambda x: st.norm.expect(loc=x[0]), r"scipy\.stats\.norm\.expect is not supported"),
])
def test_refusals_name_the_method(f: Call, text: str) -> None:
    with pytest.raises(UnsupportedError, match=text):
        gj.jit(f)(np.array([0.3, 0.4]))
