"""scipy.stats: quantiles that SciPy searches for, extreme values, fits, tests of samples, densities from outside.
Values against SciPy, derivatives against differences and each other."""

from __future__ import annotations

import numpy as np
import pytest
import scipy.stats as st

import gradjit as gj

RNG = np.random.default_rng(0)
X, B = RNG.gamma(2.0, 1.5, size=40), RNG.beta(2, 3, size=40)
Y = 0.3 * X + RNG.normal(size=40)
DENSITY, PLANE = st.gaussian_kde(X), st.gaussian_kde(np.stack([X, Y]))
TABLE = np.array([[10.0, 12, 7], [8, 9, 14]])


def everything(dist, *shapes):
    return lambda s: (dist.ppf(0.3 * s, *shapes) + dist.isf([0.2, 0.4 * s], *shapes, loc=s, scale=2.0)).sum()


CASES = {
    "skewnorm": everything(st.skewnorm, 2.0), "invgauss": everything(st.invgauss, 0.7),
    "gompertz": everything(st.gompertz, 0.8), "exponnorm": everything(st.exponnorm, 1.2),
    "by a shape": lambda s: st.skewnorm.ppf(0.3, 2.0 * s) + st.invgauss.median(0.7 * s),
    **{f"extreme values, {c}": lambda s, c=c: st.genextreme.logpdf(0.4 * s, c * s) + st.genextreme.ppf(0.3 * s, c) +
       st.genextreme.cdf(0.4, c, scale=s) + st.genextreme.logsf(0.5 * s, c) + st.genextreme.isf(0.2 * s, c)
       for c in (-0.2, -1e-6, 0.1)},
    "fit": lambda s: np.sum(st.norm.fit(X * s)) + np.sum(st.expon.fit(X * s)),
    "fit, gamma": lambda s: np.sum(st.gamma.fit(X * s + s**2, floc=0)),
    "fit, beta": lambda s: np.sum(st.beta.fit(B**s, floc=0, fscale=1)),
    "spearmanr": lambda s: st.spearmanr(X, Y * s).statistic * s + st.spearmanr(X, Y * s).pvalue * s,
    "chisquare": lambda s: sum(st.chisquare(TABLE[0] * s, TABLE[1] * s * np.sum(TABLE[0]) / np.sum(TABLE[1]))),
    "chi2_contingency": lambda s: sum(st.chi2_contingency(TABLE * s)[:2]),
    "chi2_contingency, corrected": lambda s: sum(st.chi2_contingency(TABLE[:, 1:] * s)[:2]),
    "f_oneway": lambda s: sum(st.f_oneway(X * s, Y, B + 1)),
    "boxcox": lambda s: np.sum(st.boxcox(X * s, 0.5)) + st.boxcox_llf(0.3 * s, X),
    **{f"binned {how}": lambda s, how=how: np.nansum(st.binned_statistic(X, Y * s, how, bins=4).statistic)
       for how in ("mean", "std", "max", "sum")},
    "density": lambda s: np.sum(DENSITY(X[:5] * s)) + np.sum(DENSITY.logpdf(X[:3] * s)),
    "density in the plane": lambda s: np.sum(PLANE(np.stack([X[:5] * s, Y[:5]]))),
}


@pytest.mark.thinned
@pytest.mark.parametrize("name", CASES)
def test_case(name):
    f, h = CASES[name], 1e-5
    value, slope = gj.value_and_grad(f)(0.83)
    loose = 1e4 if name.startswith("fit") else 1  # SciPy searches more coarsely
    assert value == pytest.approx(f(0.83), rel=1e-9 * loose)
    if loose == 1:
        assert slope == pytest.approx((f(0.83 + h) - f(0.83 - h)) / (2 * h), rel=1e-5, abs=1e-6)
    assert gj.jvp(f, (0.83,), (1.0,))[1] == pytest.approx(slope, rel=1e-8, abs=1e-12)


def test_extreme_values_are_smooth_in_their_shape():
    at = lambda c: st.genextreme.logpdf(0.4, c)
    assert gj.grad(at)(0.0) == pytest.approx(gj.grad(at)(1e-3), abs=1e-2)
    assert gj.grad(at)(0.0) == pytest.approx((at(1e-4) - at(-1e-4)) / 2e-4, rel=1e-6)


def test_a_fit_by_the_equation_that_it_solves():
    """The scale of a gamma distribution goes with the data, its shape does not change."""
    shape, _, scale = gj.jacobian(lambda s: np.stack(st.gamma.fit(X * s, floc=0)))(2.0)
    assert shape == pytest.approx(0.0, abs=1e-6)
    assert scale == pytest.approx(st.gamma.fit(X, floc=0)[2], rel=1e-4)


def test_second_order_of_a_quantile():
    ppf = lambda q: st.skewnorm.ppf(q, 2.0)
    slope = lambda q: 1 / st.skewnorm.pdf(ppf(q), 2.0)
    assert gj.grad(gj.grad(ppf))(0.3) == pytest.approx((slope(0.3001) - slope(0.2999)) / 2e-4, rel=1e-5)


def test_what_is_refused():
    with pytest.raises(gj.UnsupportedError, match="uniform.fit of traced data is not supported; norm and expon are"):
        gj.jit(lambda x: st.uniform.fit(x)[0])(X)
