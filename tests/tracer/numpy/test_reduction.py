"""Reductions, scans, statistics and ufunc methods against NumPy."""

from __future__ import annotations

import numpy as np
import pytest

import gradjit as gj
from tests.tracer.numpy.arrays import (
    EMPTY,
    IA,
    IV,
    NANS,
    SMALL,
    SOME_NANS,
    TIES,
    UNSIGNED,
    ZERO_D,
    A,
    C,
    F,
    M,
    T,
    V,
)
from tests.tracer.numpy.harness import Case, by_function, case, check_all

ARRAYS = (A, F, IA, SMALL, UNSIGNED, M, V, T, ZERO_D)
ORDERED = [np.max, np.min, np.amax, np.amin, np.ptp]
PLAIN = [np.sum, np.prod, np.mean, np.var, np.std, np.max, np.min, np.any, np.all, np.count_nonzero]
AXES = (None, 0, -1, 1, (0, 2), (1, -1), (), (2, 0, 1))
MASK = np.array([[True, False, True, True], [False, False, True, False], [True, True, True, True]])
WEIGHTS = np.array([[0.1, 2.0, 3.0, 0.7], [1.0, 1.0, 2.0, 0.5], [0.3, 0.2, 0.1, 4.0]])
NAN_FUNCTIONS = [np.nansum, np.nanprod, np.nanmean, np.nanmax, np.nanmin, np.nanvar, np.nanstd, np.nanmedian]

REDUCTIONS = [
    *(case(f, x) for f in PLAIN for x in ARRAYS),
    *(case(f, T, axis=a) for f in PLAIN for a in AXES),
    *(case(f, T, axis=a, keepdims=True) for f in PLAIN for a in AXES),
    *(case(f, T, axis=a) for f in PLAIN for a in (3, -4, (0, 0))), *(case(f, T, 1.5) for f in PLAIN),
    *(case(f, ZERO_D, axis=a) for f in PLAIN for a in (0, -1, 1)),
    *(case(f, EMPTY) for f in PLAIN), *(case(f, EMPTY, axis=a) for f in PLAIN for a in (0, 1)),
    *(case(f, 3.5) for f in PLAIN), *(case(f, [V, V]) for f in PLAIN),
    *(case(f, [1.0, V[0], 2]) for f in (np.sum, np.max)),
    *(case(f, x, dtype=t) for f in (np.sum, np.prod) for x in (IA, SMALL, M, F) for t in (float, "f", np.int32)),
    *(case(f, IA, dtype=bool) for f in (np.sum, np.prod)),
    *(case(f, x, dtype=t) for f in (np.mean, np.var, np.std) for x in (IA, F, M) for t in (float, "f")),
    *(case(f, C) for f in (np.sum, np.prod, np.mean)), case(np.any, C), case(np.all, C),
    case(np.sum, C, axis=0), case(np.cumsum, C),
    # initial= and where=
    *(case(f, A, initial=v) for f in (np.sum, np.prod, np.max, np.min) for v in (2, -1.5, 100.0)),
    *(case(f, A, axis=1, where=MASK) for f in (np.sum, np.prod, np.mean, np.var, np.std)),
    *(case(f, M, axis=1, where=MASK) for f in (np.any, np.all)), case(np.sum, A, where=MASK[0]),
    *(case(f, A, axis=1, where=MASK, keepdims=True) for f in (np.mean, np.var)),
    *(case(f, A, axis=0, initial=0.0, where=MASK) for f in (np.max, np.min)), case(np.max, A, where=MASK),
    *(case(f, EMPTY, axis=0, initial=1.0) for f in (np.max, np.min, np.sum)), case(np.max, IA, initial=3),
    *(case(f, A, where=False) for f in (np.sum, np.mean)),
    # variance
    *(case(f, A, ddof=d) for f in (np.var, np.std) for d in (0, 1, 1.5, 12, 13)),
    case(np.var, A, axis=0, ddof=1, keepdims=True),
    case(np.var, A, correction=1), case(np.var, A, ddof=1, correction=1),
    case(np.std, A, axis=1, mean=A.mean(1, keepdims=True)),
    case(np.var, A + 1e8), case(np.var, F), case(np.var, np.full(5, 0.1)),
    # extremes and positions
    *(case(f, x, axis=a) for f in (np.argmax, np.argmin) for x in (A, IA, TIES, M, NANS) for a in (None, 0, -1)),
    *(case(f, T, axis=a, keepdims=True) for f in (np.argmax, np.argmin) for a in (None, 0, -1)),
    *(case(f, EMPTY) for f in (np.argmax, np.argmin)), case(np.argmax, EMPTY, axis=0), case(np.argmax, EMPTY, axis=1),
    case(np.argmax, A, axis=2), case(np.argmax, ZERO_D), case(np.argmin, ZERO_D, axis=0), case(np.argmax, V[::-1]),
    *(case(f, NANS, axis=a) for f in ORDERED for a in (None, 0, 1)), *(case(np.ptp, x) for x in (IA, UNSIGNED, V)),
    case(np.ptp, T, axis=(0, 1), keepdims=True), case(np.ptp, M),
    case(np.max, C, _refused="np.max"), case(np.count_nonzero, T, axis=1, keepdims=True),
    # average
    case(np.average, A), case(np.average, A, weights=WEIGHTS), case(np.average, A, axis=1, weights=WEIGHTS[0]),
    case(np.average, A, axis=0, weights=WEIGHTS[:, 0], returned=True), case(np.average, A, returned=True),
    case(np.average, A, axis=1, weights=WEIGHTS, keepdims=True), case(np.average, IA, axis=0, weights=np.arange(1, 4)),
    case(np.average, F, axis=0, weights=np.arange(1, 4)), case(np.average, A, weights=np.ones(3)),
    case(np.average, A, axis=0, weights=np.ones(4)), case(np.average, T, axis=(2, 0), weights=WEIGHTS[:2].T),
    case(np.average, A, axis=(0, 1), returned=True),
    # ignoring nan
    *(case(f, x, axis=a) for f in NAN_FUNCTIONS for x in (SOME_NANS, IA, F) for a in (None, 0, 1)),
    *(case(f, NANS, axis=1) for f in NAN_FUNCTIONS),
    *(case(f, SOME_NANS, axis=1, keepdims=True) for f in NAN_FUNCTIONS),
    *(case(f, SOME_NANS, axis=a) for f in (np.nanargmax, np.nanargmin) for a in (None, 0, 1)),
    case(np.nanargmax, IA, axis=0),
    *(case(f, SOME_NANS, axis=0) for f in (np.nancumsum, np.nancumprod)), case(np.nancumsum, SOME_NANS),
    case(np.nansum, SOME_NANS, initial=2.0), case(np.nanmean, SOME_NANS, axis=1, where=MASK),
    case(np.nanvar, SOME_NANS, axis=1, ddof=1),
    case(np.nanvar, NANS[:2], axis=0, ddof=1), case(np.nanstd, SOME_NANS, axis=1, dtype="f"),
    case(np.nanmax, SOME_NANS, initial=3.0),
    case(np.nansum, SOME_NANS, where=MASK), case(np.nanmean, SOME_NANS, dtype="f"),
]

SCANS = [
    *(case(f, x) for f in (np.cumsum, np.cumprod) for x in ARRAYS),
    *(case(f, x, dtype=t) for f in (np.cumsum, np.cumprod, np.add.accumulate, np.nancumsum)
      for x in (np.array([0.0, 0.5, -2.0, 0.0]), np.array([1, 2, 0, 3]), np.array([False, True, False]))
      for t in (bool, np.int8, np.float32)),
    *(case(f, T, axis=a) for f in (np.cumsum, np.cumprod) for a in (0, 1, -1, 3)),
    *(case(f, SMALL, axis=1, dtype=t) for f in (np.cumsum, np.cumprod) for t in (float, "b", np.int16)),
    case(np.cumsum, EMPTY, axis=0), case(np.cumsum, EMPTY), case(np.cumsum, 2.0),
    *(case(f, T, axis=1, include_initial=i) for f in (np.cumulative_sum, np.cumulative_prod) for i in (False, True)),
    case(np.cumulative_sum, V), case(np.cumulative_sum, T), case(np.cumulative_sum, V, include_initial=True),
    case(np.cumulative_sum, IA, axis=0, dtype=float, include_initial=True), case(np.cumulative_prod, ZERO_D),
]

QUANTILE_METHODS = ("inverted_cdf", "averaged_inverted_cdf", "closest_observation", "interpolated_inverted_cdf",
                    "hazen", "weibull",
                    "linear", "median_unbiased", "normal_unbiased", "lower", "higher", "midpoint", "nearest")
QUANTILES = [
    *(case(np.median, x, axis=a) for x in (A, F, IA, SOME_NANS, SMALL) for a in (None, 0, 1)), case(np.median, V),
    case(np.median, T, axis=(0, 2)),
    case(np.median, T, axis=1, keepdims=True), case(np.median, ZERO_D), case(np.median, EMPTY),
    case(np.median, [1.0, np.inf, np.inf]),
    *(case(np.percentile, x, q) for x in (A, F, IA) for q in (0, 25, 50.0, 99.5, 100)),
    *(case(np.percentile, V, q, method=m)
      for q in (10, 50, 33.3) for m in QUANTILE_METHODS),
      *(case(np.quantile, A, 0.4, axis=1, method=m) for m in QUANTILE_METHODS),
    *(case(np.percentile, IA, 40, axis=1, method=m) for m in QUANTILE_METHODS),
    case(np.quantile, V, [0.0, 0.5, 1.0]), case(np.quantile, T, [[0.1, 0.2], [0.3, 0.9]], axis=1),
    case(np.quantile, T, [0.1, 0.2], axis=(0, 2), keepdims=True), case(np.quantile, V, 1.5), case(np.percentile, V, -1),
    case(np.percentile, V, 50, method="none"), case(np.quantile, NANS, 0.5, axis=1),
    case(np.quantile, SOME_NANS, 0.5, axis=0),
    case(np.quantile, V, np.array([0.2, 0.8])), case(np.quantile, A, np.array(0.3), axis=0),
    case(np.percentile, F, np.array([30.0]), axis=0, _tolerance=1e-7),
    case(np.quantile, T, np.array([[0.1, 0.2]]), axis=1, keepdims=True),
    case(np.quantile, [V, V], 0.25, axis=1), case(np.quantile, F, np.float32(0.3)),
    case(np.quantile, SOME_NANS, np.array(0.5), axis=0),
    *(case(f, SOME_NANS, q, axis=a) for f in (np.nanpercentile,) for q in (10, 50, [20, 80]) for a in (None, 0, 1)),
    case(np.nanquantile, SOME_NANS, 0.35, axis=1, keepdims=True), case(np.nanquantile, IA, 0.35, axis=1),
    case(np.nanquantile, NANS, 0.5, axis=1),
    case(np.quantile, V, 0.5, weights=np.ones(7), method="inverted_cdf", _refused="weights"),
    case(np.nanquantile, V, 0.5, method="lower", _refused="lower"),
]

COVARIANCES = [
    case(np.cov, A), case(np.cov, A, rowvar=False), case(np.cov, A, bias=True), case(np.cov, A, ddof=0),
    case(np.cov, V), case(np.cov, V, V**2),
    case(np.cov, A, A[::-1] * 2), case(np.cov, IA), case(np.cov, F), case(np.cov, F, dtype="f"),
    case(np.cov, A, aweights=np.array([1.0, 2, 3, 4])),
    case(np.cov, A, fweights=np.array([1, 2, 3, 4])),
    case(np.cov, A, fweights=np.array([1, 2, 3, 4]), aweights=np.array([1.0, 2, 3, 4]), ddof=2),
    case(np.cov, T), case(np.cov, A, ddof=1.5), case(np.corrcoef, A), case(np.corrcoef, V, V**2),
    case(np.corrcoef, A, rowvar=False),
    case(np.corrcoef, V), case(np.cov, A[:, :1]),
]



def folds(u: np.ufunc) -> bool:
    """Whether NumPy's own `reduce` is what it should be: its vector code for AVX-512 overwrites what it still reads."""
    return bool(u.reduce(np.full(3, 0.5)) == u(u(0.5, 0.5), 0.5))


METHODS = [
    *(case(getattr(f, m), x) for f in (np.equal, np.less, np.not_equal, np.greater_equal)
      for m in ("reduce", "accumulate") for x in (A[0], IV, np.array([3, 1], np.uint8), np.array([True, False]))),
    *(case(u.reduce, x, axis=a) for u in (np.add, np.multiply, np.maximum, np.minimum, np.logaddexp, np.hypot, np.fmax,
                                          np.fmin,
                                          np.logical_and, np.logical_or, np.logical_xor, np.subtract, np.divide,
                                          np.logaddexp2)
      for x in (A, V, T[:, :, :1]) for a in (0, -1)),
    *(case(u.reduce, T, axis=(0, 2), keepdims=True) for u in (np.add, np.maximum, np.logaddexp, np.logical_or)),
    *(case(u.reduce, T, axis=None) for u in (np.add, np.maximum, np.logaddexp, np.logical_or)),
    case(np.subtract.reduce, T, axis=(0, 1)),
    *(case(u.reduce, x, axis=1) for u in (np.bitwise_and, np.bitwise_or, np.bitwise_xor) for x in (IA, UNSIGNED, M)),
    *(case(u.reduce, EMPTY, axis=0) for u in (np.add, np.multiply, np.logical_and, np.logaddexp, np.hypot, np.maximum,
                                              np.fmax, np.subtract)),
    *(case(u.reduce, EMPTY.astype(int), axis=0) for u in (np.bitwise_and, np.bitwise_or)),
    case(np.bitwise_and.reduce, EMPTY.astype("B"), axis=0),
    *(case(u.reduce, V[:1]) for u in (np.hypot, np.logical_xor, np.subtract, np.logaddexp, np.maximum)),
    case(np.add.reduce, IA, dtype=float), case(np.add.reduce, A, initial=3.0),
    case(np.maximum.reduce, IA, dtype=float), case(np.maximum.reduce, A, initial=3.0),
    case(np.power.reduce, IV), case(np.power.reduce, V[:0]), case(np.floor_divide.reduce, IV),
    *([case(np.power.reduce, np.abs(V)), case(np.power.reduce, A, axis=None)] if folds(np.power) else []),
    *([case(np.arctan2.reduce, A, axis=1, keepdims=True)] if folds(np.arctan2) else []),
    *(case(u.accumulate, x, axis=a) for u in (np.add, np.multiply, np.maximum, np.minimum, np.logaddexp, np.logical_and)
      for x in (A, T) for a in (0, 1, -1)),
    *(case(u.accumulate, V) for u in (np.add, np.maximum, np.logaddexp, np.fmax)),
    case(np.maximum.accumulate, NANS, axis=1),
    case(np.bitwise_or.accumulate, UNSIGNED, axis=1), case(np.add.accumulate, SMALL, dtype=float),
    *(case(u.accumulate, A, axis=1) for u in (np.subtract, np.divide, np.hypot)),
    case(np.power.accumulate, np.abs(V)), case(np.logical_xor.accumulate, M, axis=1), case(np.divide.accumulate, IV),
    *(case(u.outer, V, A[0]) for u in (np.add, np.multiply, np.subtract, np.maximum, np.hypot, np.less)),
    case(np.add.outer, A, T[0, 0]),
    case(np.multiply.outer, 2.0, V), case(np.multiply.outer, V, 2), case(np.add.outer, IV, F[0]),
    case(np.add.reduceat, V, [0, 3, 1, 6]), case(np.add.reduceat, A, [0, 2], axis=1),
    case(np.maximum.reduceat, A, [0, 1]),
    case(np.add.reduceat, V, [0, 7]), case(np.multiply.reduceat, IV, [0, 2, 4]),
]


def into(f, x, *args, **kwargs):  # type: ignore[no-untyped-def]
    """The reduction into an array of its own."""
    out = np.zeros_like(f(x, *args, **kwargs))
    returned = f(x, *args, out=out, **kwargs)
    return out, returned


OUT = [
    *(case(into, f, A, axis=0) for f in (np.sum, np.prod, np.mean, np.var, np.std, np.max, np.min, np.ptp, np.cumsum,
                                         np.median)),
    *(case(into, f, A, axis=1, keepdims=True) for f in (np.sum, np.mean, np.max)),
    *(case(into, f, A, axis=0) for f in (np.any, np.all, np.argmax)),
    case(into, np.clip, A, -0.5, 0.5), case(into, np.round, A, 1), case(into, np.cumprod, A, axis=1),
    case(into, np.nansum, SOME_NANS, axis=0),
    case(into, np.percentile, A, 30, axis=0), case(into, np.take, V, [1, 2]), case(into, np.dot, A, A.T),
    case(into, np.add.reduce, A, axis=0), case(into, np.maximum.accumulate, A, axis=0), case(into, np.sin, A),
    case(into, np.trace, A),
]


@pytest.mark.thinned
@pytest.mark.parametrize("cases", by_function(REDUCTIONS))
def test_reduction(cases: list[Case]) -> None:
    check_all(cases)


@pytest.mark.parametrize("cases", by_function(SCANS))
def test_scan(cases: list[Case]) -> None:
    check_all(cases)


@pytest.mark.thinned
@pytest.mark.parametrize("cases", by_function(QUANTILES))
def test_quantile(cases: list[Case]) -> None:
    check_all(cases)


@pytest.mark.parametrize("cases", by_function(COVARIANCES))
def test_covariance(cases: list[Case]) -> None:
    check_all(cases)


@pytest.mark.thinned
@pytest.mark.parametrize("cases", by_function(METHODS))
def test_ufunc_method(cases: list[Case]) -> None:
    check_all(cases)


@pytest.mark.parametrize("cases", by_function(OUT))
def test_out(cases: list[Case]) -> None:
    check_all(cases)


@pytest.mark.parametrize("into", ["?", "i1", "u1", "i8", "f4", "f8"])
@pytest.mark.parametrize("of", ["?", "i1", "u2", "f4", "f8"])
@pytest.mark.parametrize("f", [np.sum, np.prod, np.cumsum, np.cumprod, np.max, np.min, np.mean],
                         ids=lambda f: f.__name__)
def test_dtypes_of_out(f, of, into):
    """`out=` has a say in the dtype that is added in, and takes the result without asking."""
    x = np.array([100, 3, 100], of) if of != "?" else np.array([True, False, True])

    def g(x, out):
        f(x, out=out)

    out = np.zeros(3 if f in (np.cumsum, np.cumprod) else (), into)
    expected = out.copy()
    g(x, expected)
    gj.jit(g, backend="interpreter")(x, out)
    np.testing.assert_array_equal(out, expected)


def complex_numbers():
    rng = np.random.default_rng(3)
    z = rng.integers(-2, 3, (3, 4, 5)) + 1j * rng.integers(-2, 3, (3, 4, 5))
    with_nan, infinite = z.copy(), z.copy()
    with_nan[0, 1, 2], with_nan[1, 2, 3] = np.nan, complex(1, np.nan)
    infinite[0, 0, :2] = complex(-np.inf, np.inf), complex(-np.inf, -np.inf)
    return {"ties": z, "nan": with_nan, "infinite": infinite, "single": z.astype(np.complex64),
            "least": np.full((2, 3, 1), complex(-np.inf, -np.inf))}


@pytest.mark.parametrize("name", complex_numbers())
@pytest.mark.parametrize("f", [np.max, np.min, np.argmax, np.argmin])
def test_extremes_of_complex_numbers(name, f):
    z = complex_numbers()[name]
    ways = [{}, {"axis": 0}, {"axis": -1}, {"axis": 1, "keepdims": True}, {"keepdims": True}]
    ways += [{"axis": (0, 1)}, {"axis": (-1, 0), "keepdims": True}] if f in (np.max, np.min) else []
    for got, way in zip(gj.jit(lambda z: [f(z, **w) for w in ways])(z), ways, strict=True):
        expected = f(z, **way)
        assert np.asarray(got).dtype == expected.dtype
        np.testing.assert_array_equal(got, expected, err_msg=str(way))


def test_what_is_made_of_extremes_of_complex_numbers():
    z = complex_numbers()["ties"]
    calls = [lambda z: np.ptp(z, 0), lambda z: z.max(), lambda z: np.maximum.reduce(z), lambda z: np.max(z[0, 0, 0]),
             lambda z: np.clip(z, -1, 1), lambda z: z.clip(max=0.5j), lambda z: np.sinc(z / 3)]
    for f in calls:
        np.testing.assert_allclose(gj.jit(lambda z, f=f: f(z))(z), f(z), rtol=1e-12)
    np.testing.assert_array_equal(gj.grad(lambda z: np.max(z).imag)(np.array([1j, 2 + 1j, 2 + 3j])), [0, 0, 1j])
    with pytest.raises(gj.UnsupportedError, match=r"np\.max is not supported: of complex numbers, with initial="):
        gj.jit(lambda z: np.max(z, initial=0))(z)


def test_partitions_have_places():
    with pytest.raises(ValueError, match=r"kth\(=4\) out of bounds \(4\)"):
        gj.jit(lambda x: np.partition(x, 4))(np.arange(4.0))
    np.testing.assert_array_equal(gj.jit(lambda x: np.partition(x, -4)[0])(np.array([3.0, 1, 2, 5])), 1)
