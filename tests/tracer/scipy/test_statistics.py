"""Statistics of samples in scipy.stats."""

from __future__ import annotations

import numpy as np
import pytest
import scipy.stats as st

from tests.tracer.scipy.calls import Call, check_gradients, check_values

X, Y = np.array([0.7, -1.2, 2.3, 0.1, 1.4]), np.array([1.0, 0.4, -0.3, 2.2, 0.9])
A = np.arange(12.0).reshape(3, 4) ** 1.3 + 1
WEIGHTS = np.array([1.0, 2.0, 3.0, 1.0, 1.0])

SMOOTH: list[Call] = [
    lambda x, y, a: st.zscore(x), lambda x, y, a: st.zscore(x, ddof=1), lambda x, y, a: st.zscore(a, axis=1),
    lambda x, y, a: st.zscore(a, axis=None), lambda x, y, a: st.zmap(x, y), lambda x, y, a: st.skew(x),
    lambda x, y, a: st.skew(x, bias=False), lambda x, y, a: st.skew(a, axis=None), lambda x, y, a: st.kurtosis(x),
    lambda x, y, a: st.kurtosis(a, axis=1, bias=False), lambda x, y, a: st.kurtosis(x, fisher=False),
    lambda x, y, a: st.gmean(a), lambda x, y, a: st.gmean(a, axis=1, weights=[1.0, 2.0, 3.0, 4.0]),
    lambda x, y, a: st.gstd(a), lambda x, y, a: st.gstd(a, axis=(0, 1), ddof=0), lambda x, y, a: st.hmean(a),
    lambda x, y, a: st.pmean(a, 2.5), lambda x, y, a: st.pmean(a, 0),
    lambda x, y, a: st.sem(x), lambda x, y, a: st.sem(a, axis=1, ddof=0), lambda x, y, a: st.pearsonr(x, y)[0],
    lambda x, y, a: st.pearsonr(x, y)[1], lambda x, y, a: st.pearsonr(x, y, alternative="less").pvalue,
    lambda x, y, a: st.linregress(x, y)[0], lambda x, y, a: st.linregress(x, y).pvalue,
    lambda x, y, a: st.linregress(x, y).stderr, lambda x, y, a: st.linregress(x, y).intercept_stderr,
    lambda x, y, a: st.entropy(a), lambda x, y, a: st.entropy(a, base=2, axis=1),
    lambda x, y, a: st.entropy(a[0], a[1]), lambda x, y, a: st.trim_mean(x, 0.2), lambda x, y, a: st.iqr(x),
    lambda x, y, a: st.iqr(a, axis=1, rng=(10, 80)), lambda x, y, a: st.wasserstein_distance(x, y),
    lambda x, y, a: st.wasserstein_distance(x, y, WEIGHTS), lambda x, y, a: st.energy_distance(x, y),
    lambda x, y, a: st.gaussian_kde(x)(y), lambda x, y, a: st.gaussian_kde(x, "silverman").logpdf(y),
    lambda x, y, a: st.gaussian_kde(x, 0.5, weights=np.abs(y)).pdf(y), lambda x, y, a: st.ttest_ind(x, y)[0],
    lambda x, y, a: st.ttest_ind(x, y, equal_var=False)[1], lambda x, y, a: st.ttest_1samp(x, 0.3).pvalue,
    lambda x, y, a: st.ttest_rel(x, y, alternative="less").pvalue, lambda x, y, a: st.variation(a),
    lambda x, y, a: st.moment(x, 3), lambda x, y, a: st.moment(x, [1, 2, 3]),
    lambda x, y, a: st.moment(x, 2, center=0.3),
]
LONG = np.random.default_rng(2).normal(size=(12, 3))
MOMENTS: list[Call] = [
    lambda a: st.circmean(a), lambda a: st.circmean(a, 180, -180, axis=0), lambda a: st.circvar(a, axis=1),
    lambda a: st.circstd(a, 3.0, axis=0), lambda a: st.circstd(a, normalize=True),
    lambda a: st.tmean(a), lambda a: st.tmean(a, (-1, 0.9)), lambda a: st.tmean(a, (None, 0.5), axis=0),
    lambda a: st.tvar(a, (-1.5, 1.5)), lambda a: st.tstd(a, (-1.9, None), (False, True), 1, 0),
    lambda a: st.tsem(a, (-1, 1)), lambda a: st.tmin(a, -0.5), lambda a: st.tmax(a, 0.3, axis=1, inclusive=False),
    lambda a: st.median_abs_deviation(a), lambda a: st.median_abs_deviation(a, 1, np.mean, "normal"),
    lambda a: st.gzscore(np.exp(a), axis=1, ddof=1), lambda a: st.describe(a).minmax[1],
    lambda a: st.describe(a, axis=None, ddof=0, bias=False).kurtosis, lambda a: st.describe(a[:, 0]).variance,
    lambda a: st.skewtest(a).statistic, lambda a: st.skewtest(a[:, 0], alternative="less").pvalue,
    lambda a: st.kurtosistest(a, axis=None)[0], lambda a: st.kurtosistest(a, alternative="greater")[1],
    lambda a: st.normaltest(a)[0], lambda a: st.normaltest(a)[1], lambda a: st.jarque_bera(a)[0],
    lambda a: st.jarque_bera(a, axis=0)[1], lambda a: st.bartlett(a[:, 0], a[2:, 1], a[:, 2])[0],
    lambda a: st.bartlett(a[:, 0], 9.0 * a[:, 1])[1], lambda a: st.levene(a[:, 0], a[2:, 1], a[:, 2])[0],
    lambda a: st.levene(a, 3.0 * a[1:], center="mean", axis=0)[1], lambda a: st.pointbiserialr(a[:, 0] > 0, a[:, 1])[0],
    lambda a: st.combine_pvalues(st.norm.cdf(a[:, 0]))[0], lambda a: st.combine_pvalues(st.norm.cdf(a[:, 0])).pvalue,
    *(lambda a, k=k: st.yeojohnson(a[:, 0], k) for k in (-0.5, 0, 1.3, 2)),
    lambda a: st.yeojohnson_llf(a[0, 0], a[:, 1]),
]
STEPS: list[Call] = [
    *(lambda i, m=m: st.rankdata(i, m) for m in ("average", "min", "max", "dense", "ordinal")),
    lambda i: st.mode(i)[0], lambda i: st.mode(i).count, lambda i: st.zscore(i * 0 + 2),
]


def test_values() -> None:
    check_values(SMOOTH, [X, Y, A], 1e-11)
    check_values(MOMENTS, [LONG], 1e-10)
    check_values(STEPS, [np.array([3, 1, 2, 3, 5, 1, 3])])
    check_values(STEPS[:5], [X])


@pytest.mark.slow
def test_gradients() -> None:
    check_gradients(SMOOTH, [X, Y, A])
    check_gradients(MOMENTS, [LONG], 1e-5)
