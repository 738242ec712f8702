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
STEPS: list[Call] = [
    *(lambda i, m=m: st.rankdata(i, m) for m in ("average", "min", "max", "dense", "ordinal")),
    lambda i: st.mode(i)[0], lambda i: st.mode(i).count, lambda i: st.zscore(i * 0 + 2),
]


def test_values() -> None:
    check_values(SMOOTH, [X, Y, A], 1e-11)
    check_values(STEPS, [np.array([3, 1, 2, 3, 5, 1, 3])])
    check_values(STEPS[:5], [X])


@pytest.mark.slow
def test_gradients() -> None:
    check_gradients(SMOOTH, [X, Y, A])
