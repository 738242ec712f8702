"""Statistics of scipy.stats by order: lines by medians of slopes, samples without their ends, distances of
distribution functions."""

from __future__ import annotations

import numpy as np
import pytest
import scipy.stats as st

import gradjit as gj
from tests.tracer.scipy.calls import Call, check_gradients, check_values

X, Y = np.array([0.7, -1.2, 2.3, 0.1, 1.4]), np.array([1.0, 0.4, -0.3, 2.2, 0.9])
A = np.arange(12.0).reshape(3, 4) ** 1.3 + 1

SMOOTH: list[Call] = [
    *(lambda x, y, k=k: st.theilslopes(x, y)[k] for k in range(4)), lambda x, y: st.theilslopes(x).intercept,
    lambda x, y: st.theilslopes(x, [0, 0, 1, 2, 2], 0.9, "joint").low_slope,
    lambda x, y: st.theilslopes(x, [0, 0, 1, 2, 2], method="joint").intercept,
    *(lambda x, y, m=m: st.siegelslopes(x, y, m)[1] for m in ("hierarchical", "separate")),
    lambda x, y: st.siegelslopes(x, [0, 0, 1, 2, 2], "separate").intercept, lambda x, y: st.siegelslopes(x).slope,
    lambda x, y: np.sort(st.trimboth(x, 0.2)), lambda x, y: np.sort(st.trimboth(A * x[1], 0.34, axis=None)),
    lambda x, y: np.sort(st.trim1(A * x[0], 0.34, "left")), lambda x, y: np.sort(st.trim1(x, 0.4)),
    *(lambda x, y, s=s: st.kstest(x, "norm", alternative=s).statistic for s in ("two-sided", "less", "greater")),
    lambda x, y: st.kstest(x, "norm", (y[0], 1.7)).statistic,
    lambda x, y: st.kstest(x, "norm").statistic_location,
    lambda x, y: st.ks_1samp(x, lambda t: 1 / (1 + np.exp(-t * y[1])))[0], lambda x, y: st.kstest(x, Y + 0.05)[0],
]
STEPS: list[Call] = [
    *(lambda i, m=m: st.kstest(i * 0.3, "norm", method=m).pvalue for m in ("auto", "asymp", "approx")),
    *(lambda i, s=s: st.kstest(i * 0.3, "norm", alternative=s)[1] for s in ("less", "greater")),
    lambda i: st.kstest(i * 0.3, "norm").statistic_sign, lambda i: st.theilslopes(i).high_slope,

]


def test_values() -> None:
    check_values(SMOOTH, (X, Y))
    check_values(STEPS, (np.array([3, 1, 1, 2, 3]),))


def test_gradients() -> None:
    check_gradients(SMOOTH, (X, Y))


def test_the_p_value_of_a_test_by_distances_has_no_derivative():
    x = np.array([0.3, -1.2, 0.8, 1.9])
    with pytest.raises(gj.UnsupportedError, match="p-value of scipy.stats.kstest is not known; differentiate the stat"):
        gj.grad(lambda x: st.kstest(x, "norm").pvalue)(x)
    with pytest.raises(gj.UnsupportedError, match="of a sample that it draws itself"):
        gj.jit(lambda s: st.kstest("norm", "norm", args=(0.0, s)).statistic)(1.0)
