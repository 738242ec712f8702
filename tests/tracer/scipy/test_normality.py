"""Tests of a sample by its order: values as SciPy's, derivatives of the statistics."""

from __future__ import annotations

import numpy as np
import pytest
import scipy.stats as st

import gradjit as gj
from tests.tracer.scipy.calls import check_gradients, check_values

rng = np.random.default_rng(0)


@pytest.mark.parametrize("n", [2, 3, 4, 5, 11, 12, 40])
@pytest.mark.filterwarnings("ignore")
def test_shapiro(n: int) -> None:
    for x in (rng.normal(size=n), rng.exponential(size=n), np.arange(n) ** 4.0, rng.normal(size=n).astype(np.float32)):
        check_values([lambda x: st.shapiro(x).statistic, lambda x: st.shapiro(x).pvalue], [x], 1e-6)


@pytest.mark.filterwarnings("ignore")
def test_shapiro_of_equal_elements_and_of_nan() -> None:
    for x in (np.full(6, 2.0), np.array([1.0, np.nan, 2.0, 5.0])):
        check_values([lambda x: st.shapiro(x).statistic, lambda x: st.shapiro(x).pvalue], [x])


@pytest.mark.parametrize("dist", ["norm", "expon"])
@pytest.mark.filterwarnings("ignore")
def test_anderson(dist: str) -> None:
    x = rng.exponential(size=14) + 0.1
    check_values([lambda x: st.anderson(x, dist).statistic, lambda x: st.anderson(x, dist).critical_values,
                  lambda x: st.anderson(x, dist).significance_level], [x], 1e-10)


@pytest.mark.filterwarnings("ignore")
def test_derivatives() -> None:
    calls = [lambda x: st.shapiro(x).statistic, lambda x: st.shapiro(x).pvalue, lambda x: st.anderson(x).statistic,
             lambda x: st.anderson(np.exp(x), "expon").statistic]
    for n in (7, 15):
        check_gradients(calls, [rng.normal(size=n)], 1e-5)


def test_distributions_that_are_fitted_by_a_search_are_refused() -> None:
    with pytest.raises(gj.UnsupportedError, match=r"scipy\.stats\.anderson is not supported: dist='logistic'"):
        gj.jit(lambda x: st.anderson(x, "logistic").statistic)(rng.normal(size=9))
    with pytest.raises(ValueError, match="Invalid distribution"):
        gj.jit(lambda x: st.anderson(x, "normal").statistic)(rng.normal(size=9))
