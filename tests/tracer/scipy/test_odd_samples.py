"""Samples that SciPy treats in a way of their own: with nan, of few elements, of integers and complex numbers."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import scipy.interpolate as si
import scipy.linalg as sl
import scipy.ndimage as nd
import scipy.stats as st

import gradjit as gj
from tests.tracer.scipy.calls import check_gradients, check_values

rng = np.random.default_rng(0)
X = rng.normal(size=9)
WITH_NAN = np.where(np.arange(9) == 2, np.nan, X)
IMAGE = rng.normal(size=(5, 6))
ORDERED: list[Callable[[Any], Any]] = [
    lambda x: st.rankdata(x), lambda x: st.trim_mean(x, 0.2), lambda x: st.tmean(x, (-1, 1)),
    lambda x: st.tvar(x, (-1, 1)), lambda x: st.tstd(x, (-1, None)), lambda x: st.tsem(x, (-1, 1))]
RESAMPLED: list[Callable[[Any], Any]] = [
    lambda a: nd.shift(a, 0.7), lambda a: nd.zoom(a, 1.5), lambda a: nd.rotate(a, 20.0, order=1),
    lambda a: nd.map_coordinates(a, [[0.3, 2.5, 3.6], [0.2, 4.4, 1.1]]),
    lambda a: nd.affine_transform(a, [[0.9, 0.1], [-0.2, 1.1]], mode="reflect")]
FILTERS: list[Callable[[Any], Any]] = [
    lambda a: nd.gaussian_filter(a, 1.0), lambda a: nd.uniform_filter(a, 3), lambda a: nd.sobel(a),
    lambda a: nd.laplace(a), lambda a: nd.correlate1d(a, [1.0, 2, 3], mode="constant", cval=0.5 - 2j),
    lambda a: nd.convolve(a, np.ones((2, 3)), mode="wrap")]


@pytest.mark.parametrize("x", [X, WITH_NAN, X.astype(np.float32)], ids=["numbers", "nan", "float32"])
def test_nan_shows_in_what_depends_on_an_order(x: Any) -> None:
    check_values(ORDERED, [x], 1e-6 if x.dtype == np.float32 else 1e-12)


def test_of_nan_no_rank_that_is_an_integer() -> None:
    check_values([lambda x, m=m: st.rankdata(x, m) for m in ("min", "max", "dense", "ordinal")], [X])
    with pytest.raises(ValueError, match="nan has no place in an order"):
        gj.jit(lambda x: st.rankdata(x, "min"))(WITH_NAN)
    with pytest.raises(ValueError, match="unknown method 'mean'; there are average, min"):
        gj.jit(lambda x: st.rankdata(x, "mean"))(X)


@pytest.mark.parametrize("n", [1, 2, 4, 5, 7, 8])
@pytest.mark.filterwarnings("ignore")
def test_of_few_elements_there_is_no_test(n: int) -> None:
    tests = st.skewtest, st.kurtosistest, st.normaltest
    check_values([lambda x, t=t: np.stack([*t(x)]) for t in tests], [X[:n]], 1e-9)


def test_ends_of_integers_are_integers() -> None:
    check_values([lambda x: st.describe(x).minmax[0], lambda x: st.describe(x).minmax[1]], [np.array([3, -1, 4, 1])])


@pytest.mark.parametrize("f", [st.skew, st.kurtosis, st.tvar, st.variation, lambda x: st.ttest_1samp(x, 0.0),
                               lambda x: st.moment(x, 3), st.jarque_bera])
def test_statistics_of_complex_numbers_are_refused(f: Callable[[Any], Any]) -> None:
    with pytest.raises(TypeError, match=r"of real numbers; write x\.real, x\.imag or np\.abs\(x\)"):
        gj.jit(lambda x: f(x))(X + 1j)


# images --------------------------------------------------------------------------------------------------------------
@pytest.mark.parametrize("dtype", ["int64", "int8", "uint8", "float32", "complex64", "complex128"])
def test_what_is_between_elements_is_stored_as_scipy_stores_it(dtype: str) -> None:
    image = (40 * IMAGE + (120 if dtype == "uint8" else 0) + (1j * IMAGE[::-1] if "c" in dtype else 0)).astype(dtype)
    check_values(RESAMPLED, [image], 1e-4 if dtype in ("float32", "complex64") else 1e-10)


@pytest.mark.parametrize("dtype", ["complex64", "complex128"])
def test_filters_of_complex_images(dtype: str) -> None:
    check_values(FILTERS, [(IMAGE + 1j * IMAGE[::-1]).astype(dtype)], 1e-5 if dtype == "complex64" else 1e-12)


def test_derivatives_of_filters_of_complex_images() -> None:
    calls = [lambda a, b, f=f: np.abs(f(a + 1j * b)) for f in (*FILTERS[:3], RESAMPLED[0])]
    check_gradients(calls, [IMAGE + 3, np.sin(IMAGE)])


def test_filters_of_no_elements() -> None:
    check_values([lambda a, f=f: f(a) for f in (FILTERS[0], FILTERS[2], lambda a: nd.median_filter(a, 3))],
                 [np.zeros((0, 3))])


# what has to be finite -----------------------------------------------------------------------------------------------
@pytest.mark.parametrize("make", [si.CubicSpline, si.PchipInterpolator, si.Akima1DInterpolator, si.make_interp_spline])
def test_interpolants_are_of_finite_samples(make: Any) -> None:
    f = gj.jit(lambda x: make(np.arange(9.0), x)(0.3))
    np.testing.assert_allclose(f(X), make(np.arange(9.0), X)(0.3))
    with pytest.raises(ValueError, match=r"finite|infs or nans"):
        f(WITH_NAN)


def test_a_companion_has_a_first_coefficient() -> None:
    check_values([lambda a: sl.companion(a)], [X])
    with pytest.raises(ValueError, match="must not be zero"):
        gj.jit(lambda a: sl.companion(a))(X * (np.arange(9) > 0))


# two samples ---------------------------------------------------------------------------------------------------------
Y = rng.normal(size=9)


@pytest.mark.filterwarnings("ignore")
def test_statistics_of_two_points_and_of_nan() -> None:
    two = [lambda x, y: np.stack([*st.pearsonr(x, y)]), lambda x, y: np.stack([*st.linregress(x, y)[:5]]),
           lambda x, y: st.pearsonr(x, y, alternative="less")[1]]
    check_values(two, [X[:2], Y[:2]])
    check_values(two, [X[:2], -Y[:2]])
    check_values([lambda x, y: st.linregress(x, y)[0]], [X.astype(np.float32), Y.astype(np.float32)], 1e-6)
    lines = [lambda x, y: np.stack([*st.theilslopes(x, y)]), lambda x, y: np.stack([*st.siegelslopes(x, y)])]
    check_values(lines, [WITH_NAN, Y])
    check_values(lines, [X, np.where(np.arange(9) == 4, np.nan, Y)])


@pytest.mark.parametrize("statistic", ["mean", "std", "sum", "count", "min", "max"])
@pytest.mark.filterwarnings("ignore")
def test_a_nan_is_in_one_bin(statistic: str) -> None:
    f = [lambda x, y: st.binned_statistic(x, y, statistic, 3).statistic,
         lambda x, y: st.binned_statistic(x, y, statistic, 3).bin_edges]
    check_values(f, [X, Y])
    if statistic not in ("min", "max"):
        check_values(f[:1], [X, np.where(np.arange(9) == 4, np.nan, Y)])
    check_values(f, [X * 0 + 2, Y])


@pytest.mark.parametrize(("f", "error", "words"), [
    (lambda x, y: st.linregress(x * 0, y), ValueError, "if all x values are identical"),
    (lambda x, y: st.pearsonr(x[:1], y[:1]), ValueError, "length at least 2"),
    (lambda x, y: st.gaussian_kde(x[:1])(y), ValueError, "multiple elements"),
    (lambda x, y: st.gaussian_kde(x * np.nan)(y), ValueError, "infs or NaNs"),
    (lambda x, y: st.gaussian_kde(x * 0)(y), np.linalg.LinAlgError, "lower-dimensional"),
    (lambda x, y: st.wasserstein_distance(x[:0], y), ValueError, "empty"),
])
def test_samples_that_are_refused(f: Any, error: type[Exception], words: str) -> None:
    with pytest.raises(error):
        f(X, Y)
    with pytest.raises(error, match=words):
        gj.jit(f)(X, Y)


@pytest.mark.filterwarnings("ignore")
def test_of_no_elements_there_is_no_difference() -> None:
    check_values([lambda x, y: st.ttest_ind(x[:0], y).statistic, lambda x, y: st.ttest_ind(x, y[:0]).pvalue], [X, Y])


@pytest.mark.parametrize("n", [2, 3])
def test_cubics_through_few_samples(n: int) -> None:
    calls = [lambda x, y: si.CubicSpline(np.cumsum(np.exp(x)), y)(np.linspace(0, 3, 5)),
             lambda x, y: si.CubicSpline(np.cumsum(np.exp(x)), np.stack([y, y ** 2], 1))(np.linspace(0, 3, 5), 1)]
    check_values(calls, [X[:n], Y[:n]])
    check_gradients(calls, [X[:n], Y[:n]])


def test_interpolants_that_do_not_look_whether_samples_are_finite() -> None:
    check_values([lambda y: si.InterpolatedUnivariateSpline(np.arange(9.0), y)(0.5) * np.ones(2)], [X])
    assert np.isnan(gj.jit(lambda y: si.interp1d(np.arange(9.0), y, kind="cubic")(2.5))(WITH_NAN))


def test_tridiagonal_matrices_of_integers() -> None:
    check_values([lambda d, e: sl.eigh_tridiagonal(d, e)[0]], [np.array([3, 1, 2]), np.array([1, -1])], 1e-12)
