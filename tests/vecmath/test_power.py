"""pow, cbrt, hypot against mpmath."""

from __future__ import annotations

from typing import Any

import mpmath
import numpy as np
import pytest

from tests.vecmath import accuracy
from tests.vecmath.accuracy import DTYPES, Case, by_case, compiled
from tests.vecmath.harness import near, random_bits


def power_operands(dtype: Any, count: int) -> tuple[np.ndarray, np.ndarray]:
    """Bit patterns, ordinary values, whole exponents of negative bases, results near overflow, underflow and 1."""
    rng = np.random.default_rng(11)
    top = float(np.log(np.finfo(dtype).max))

    def uniform(low: float, high: float) -> np.ndarray:
        return rng.uniform(low, high, count).astype(dtype)

    any_size = np.exp(uniform(-top, top))
    bases = [random_bits(dtype, count, 1), uniform(0, 3), uniform(-9, 9), any_size, uniform(0.7, 1.42),
             uniform(0.7, 1.42), uniform(1.01, 50), uniform(0, 1),
             1 + rng.uniform(-1, 1, count) * 2.0 ** rng.uniform(-40, 0, count), near(dtype, [1.0], count // 2)[:count]]
    bases = [b.astype(dtype) for b in bases]
    with np.errstate(all="ignore"):
        logs = [np.log(np.abs(b.astype(np.float64))) for b in bases]
        exponents = [random_bits(dtype, count, 2), uniform(-40, 40), np.round(uniform(-30, 30)),
                     *[rng.uniform(-1, 1, count) * 1.05 * top / logs[k] for k in (3, 4)],
                     top * rng.uniform(0.999, 1.001, count) / logs[5], -top * rng.uniform(0.97, 1.06, count) / logs[6],
                     *[rng.uniform(-1, 1, bases[k].size) * 1.05 * top / logs[k] for k in (7, 8, 9)]]
        exponents = [np.nan_to_num(e, nan=2.5).astype(dtype) for e in exponents]
    return np.concatenate(bases), np.concatenate(exponents)


def legs(dtype: Any, count: int) -> tuple[np.ndarray, np.ndarray]:
    """Legs of any size; half of the pairs of like size."""
    rng = np.random.default_rng(12)
    x = random_bits(dtype, 2 * count, 3)
    with np.errstate(all="ignore"):
        alike = (x[:count] * rng.uniform(-4, 4, count)).astype(dtype)
    return x, np.concatenate([alike, random_bits(dtype, count, 4)])


def power_mp(x: Any, y: Any) -> Any:
    """x**y; mpmath's own does not know the conventions for 0, 1 and infinities."""
    if y == 0 or x == 1:
        return mpmath.mpf(1)
    if any(mpmath.isinf(v) or mpmath.isnan(v) for v in (x, y)) or x == 0:
        return mpmath.mpf(float(np.power(float(x), float(y))))
    return mpmath.power(x, y)


def hypot_mp(x: Any, y: Any) -> Any:
    return mpmath.inf if mpmath.isinf(x) or mpmath.isinf(y) else mpmath.sqrt(x * x + y * y)


def cbrt_mp(x: Any) -> Any:
    return -mpmath.cbrt(-x) if x < 0 else mpmath.cbrt(x)


CASES = [
    Case("pow", power_mp, np.power, (1.1, 0.6), arity=2, pairs=power_operands, numpy=np.power),
    Case("hypot", hypot_mp, np.hypot, (1, 1), arity=2, pairs=legs, numpy=np.hypot),
    Case("cbrt", cbrt_mp, np.cbrt, (0.8, 0.8), [(-10, 10), (0, 1e4)], [1, 8, 27, 0.125, 1.4142135623730951, 0],
         (-1074, 1024), numpy=np.cbrt),
]


@pytest.mark.thinned
@by_case(CASES)
def test_accuracy(case: Case, dtype: Any) -> None:
    with np.errstate(all="ignore"):
        accuracy.check_against_mpmath(case, dtype, 300)


@by_case(CASES)
def test_special_values(case: Case, dtype: Any) -> None:
    accuracy.check_special_values(case, dtype)


def test_nan_of_any_payload() -> None:
    for name, arity in (("pow", 2), ("hypot", 2), ("cbrt", 1)):
        for dtype in DTYPES:
            accuracy.check_any_nan(Case(name, abs, abs, (1, 1), arity=arity), dtype)


@by_case(CASES)
def test_scalar_and_vector_give_the_same_bits(case: Case, dtype: Any) -> None:
    accuracy.check_widths(case, dtype, 2000, [1])


@pytest.mark.skipif(not accuracy.X86, reason="reads x86 assembly")
@by_case(CASES)
def test_vectors_stay_vectors(case: Case, dtype: Any) -> None:
    accuracy.check_stays_vector(case, dtype, accuracy.WIDE[np.dtype(dtype)], None)


@pytest.mark.parametrize("dtype", DTYPES)
def test_exact_powers_and_roots(dtype: Any) -> None:
    base, exponent = np.meshgrid(np.arange(-20, 21), np.arange(0, 40))
    exact = [int(b) ** int(e) for b, e in zip(base.ravel(), exponent.ravel(), strict=True)]
    fits = np.array([abs(p) < 2 ** (np.finfo(dtype).nmant + 1) for p in exact])
    got = compiled("pow", 2, dtype)(base.ravel()[fits], exponent.ravel()[fits])
    np.testing.assert_array_equal(got, np.array([p for p, f in zip(exact, fits, strict=True) if f], dtype))
    roots = np.arange(-200, 201)
    np.testing.assert_array_equal(compiled("cbrt", 1, dtype)(roots**3), roots)


@pytest.mark.slow
@by_case(CASES)
def test_dense(case: Case, dtype: Any) -> None:
    with np.errstate(all="ignore"):
        accuracy.check_against_mpmath(case, dtype, 4000)
        accuracy.check_densely(case, dtype, 300_000)


@pytest.mark.slow
@by_case(CASES)
def test_other_widths_and_machines(case: Case, dtype: Any) -> None:
    accuracy.check_widths(case, dtype, 2000, [2, 3, 4, 16])
    if accuracy.X86:
        accuracy.check_lesser_machines(case, dtype, 2000)
        accuracy.check_stays_vector(case, dtype, accuracy.WIDE[np.dtype(dtype)] // 2, "+avx2,+fma")
