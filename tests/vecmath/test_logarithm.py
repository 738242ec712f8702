"""log, log2, log10, log1p, inverse hyperbolic functions, softplus, log_expit, logaddexp against mpmath."""

from __future__ import annotations

from typing import Any

import mpmath
import numpy as np
import pytest

from tests.vecmath import accuracy
from tests.vecmath.accuracy import DTYPES, Case, by_case, compiled
from tests.vecmath.harness import assert_same_bits, random_bits, specials


def softplus(x: Any) -> Any:
    """log(1 + e**x) = logaddexp(0, x), in any precision."""
    return np.maximum(x, 0) + np.log1p(np.exp(-np.abs(x)))


def softplus_mp(x: Any) -> Any:
    return x if x > 400 else mpmath.log1p(mpmath.exp(x))


ROOT = 1.4142135623730951
ONES = [1.0, 0.5, 2.0, ROOT, 1 / ROOT, 2 * ROOT, 4.0]  # the reduction changes its exponent at sqrt(2)
CASES = [
    Case("log", mpmath.log, np.log, (0.95, 0.95), [(0.3, 3), (0, 100)], ONES, (-1074, 1024), numpy=np.log),
    Case("log2", lambda x: mpmath.log(x, 2), np.log2, (1.3, 1.3), [(0.3, 3), (0, 100)], ONES, (-1074, 1024),
         numpy=np.log2),
    Case("log10", mpmath.log10, np.log10, (1.2, 1.2), [(0.3, 3), (0, 100)], [*ONES, 10, 0.1, 1e10], (-1074, 1024),
         numpy=np.log10),
    Case("log1p", mpmath.log1p, np.log1p, (0.95, 0.95), [(-1, 1), (0, 100)],
         [-1, -0.5, 0, ROOT - 1, 1 / ROOT - 1, 2.0**60], (-60, 70), numpy=np.log1p),
    Case("arcsinh", mpmath.asinh, np.arcsinh, (1.2, 1.2), [(-2, 2), (-100, 100)],
         [0, 1, 2.0**14, 2.0**30, 0.35], (-60, 70), numpy=np.arcsinh),
    Case("arccosh", mpmath.acosh, np.arccosh, (1.8, 1.8), [(1, 1.01), (1, 2), (1, 100)],
         [1, 1.25, 2.0**14, 2.0**30], (0, 70), numpy=np.arccosh),
    Case("arctanh", mpmath.atanh, np.arctanh, (1, 1), [(-1, 1), (0.99, 1), (-0.2, 0.2)],
         [-1, 0, 0.171572875, 1], (-60, 0), numpy=np.arctanh),
    Case("softplus", softplus_mp, softplus, (1.9, 1.9), [(-3, 3), (-50, 50), (-750, 5), (-110, 5)],
         [0, -745.13, -103.97, -0.881, 0.881], numpy=softplus),
    Case("log_expit", lambda x: -softplus_mp(-x), lambda x: -softplus(-x), (1.9, 1.9),
         [(-3, 3), (-50, 50), (-5, 750), (-5, 110)], [0, 745.13, 103.97], numpy=lambda x: -softplus(-x)),
]


@pytest.mark.thinned
@by_case(CASES)
def test_accuracy(case: Case, dtype: Any) -> None:
    accuracy.check_against_mpmath(case, dtype, 400)


@by_case(CASES)
def test_special_values(case: Case, dtype: Any) -> None:
    accuracy.check_special_values(case, dtype)
    accuracy.check_any_nan(case, dtype)


@by_case(CASES)
def test_scalar_and_vector_give_the_same_bits(case: Case, dtype: Any) -> None:
    accuracy.check_widths(case, dtype, 2000, [1])


@pytest.mark.skipif(not accuracy.X86, reason="reads x86 assembly")
@by_case(CASES)
def test_vectors_stay_vectors(case: Case, dtype: Any) -> None:
    accuracy.check_stays_vector(case, dtype, accuracy.WIDE[np.dtype(dtype)], None)


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("name", ["arcsinh", "arctanh"])
def test_symmetry(name: str, dtype: Any) -> None:
    x = np.concatenate([random_bits(dtype, 5000), np.linspace(-1, 1, 5000, dtype=dtype)])
    fn = compiled(name, 1, dtype)
    assert_same_bits(fn(-x), -fn(x))


@pytest.mark.parametrize("dtype", DTYPES)
def test_logarithms_of_powers_are_exact(dtype: Any) -> None:
    info = np.finfo(dtype)
    k = np.arange(info.minexp - info.nmant, info.maxexp)
    np.testing.assert_array_equal(compiled("log2", 1, dtype)(np.ldexp(dtype(1), k)), k)
    tens = np.arange(23 if dtype == np.float64 else 11)  # the powers of 10 that are floating-point numbers
    np.testing.assert_array_equal(compiled("log10", 1, dtype)([float(10**int(n)) for n in tens]), tens)


# logaddexp: its error counts against the largest of operands and result -----------------------------------------------
ADDITIONS = {
    "logaddexp": (np.logaddexp, lambda x, y: x + mpmath.log1p(mpmath.exp(y - x))),
    "logaddexp2": (np.logaddexp2, lambda x, y: x + mpmath.log1p(mpmath.power(2, y - x)) / mpmath.log(2)),
}


def _operands(dtype: Any, count: int) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(5)
    spans = [(3, 3), (40, 40), (1e-3, 40), (800, 800), (0.7, 0.7), (1e6, 1e6)]
    x = [rng.uniform(-a, a, count).astype(dtype) for a, _ in spans]
    y = [rng.uniform(-b, b, count).astype(dtype) for _, b in spans]
    close = rng.uniform(-1, 0, count).astype(dtype)  # results near 0
    other = np.log(-np.expm1(close.astype(np.float64))).astype(dtype)
    return (np.concatenate([*x, close, random_bits(dtype, count, 1)]),
            np.concatenate([*y, other, random_bits(dtype, count, 2)]))


def _check_addition(name: str, dtype: Any, count: int) -> None:
    x, y = _operands(dtype, count)
    keep = np.isfinite(x) & np.isfinite(y) & (np.maximum(np.abs(x), np.abs(y)) < np.finfo(dtype).max / 4)
    x, y = x[keep], y[keep]
    got = compiled(name, 2, dtype)(x, y)
    with mpmath.workprec(200):
        for a, b, g in zip(x.tolist(), y.tolist(), got.tolist(), strict=True):
            exact = ADDITIONS[name][1](*map(mpmath.mpf, (max(a, b), min(a, b))))
            unit = np.spacing(dtype(max(abs(a), abs(b), abs(float(exact)))))
            assert abs(g - exact) <= 2 * float(unit), (a, b, g)


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("name", ADDITIONS)
def test_addition_accuracy(name: str, dtype: Any) -> None:
    _check_addition(name, dtype, 150)


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("name", ADDITIONS)
def test_addition_special_values(name: str, dtype: Any) -> None:
    of_numpy, exact = ADDITIONS[name]
    case = Case(name, exact, of_numpy, (2, 2), arity=2, pairs=_operands, numpy=of_numpy)
    accuracy.check_special_values(case, dtype, accuracy.INFINITE)
    accuracy.check_any_nan(case, dtype)
    accuracy.check_widths(case, dtype, 1000, [1])
    values = specials(dtype)
    x, y = np.repeat(values, values.size), np.tile(values, values.size)
    assert_same_bits(compiled(name, 2, dtype)(x, y), compiled(name, 2, dtype)(y, x))


@pytest.mark.slow
@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("name", ADDITIONS)
def test_addition_dense(name: str, dtype: Any) -> None:
    _check_addition(name, dtype, 8000)


@pytest.mark.slow
@by_case(CASES)
def test_dense(case: Case, dtype: Any) -> None:
    accuracy.check_against_mpmath(case, dtype, 4000)
    accuracy.check_densely(case, dtype, 400_000)


@pytest.mark.slow
@by_case(CASES)
def test_other_widths_and_machines(case: Case, dtype: Any) -> None:
    accuracy.check_widths(case, dtype, 2000, [2, 3, 4, 16])
    if accuracy.X86:
        accuracy.check_lesser_machines(case, dtype, 2000)
        accuracy.check_stays_vector(case, dtype, accuracy.WIDE[np.dtype(dtype)] // 2, "+avx2,+fma")
