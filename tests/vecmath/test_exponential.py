"""exp, exp2, expm1, sinh, cosh, tanh, expit against mpmath."""

from __future__ import annotations

from typing import Any

import mpmath
import numpy as np
import pytest

from tests.vecmath import accuracy
from tests.vecmath.accuracy import DTYPES, Case, by_case, compiled
from tests.vecmath.harness import assert_same_bits, random_bits


def expit(x: Any) -> Any:
    """scipy.special.expit, exact in the tails for wider dtypes too."""
    return np.where(x >= 0, 1 / (1 + np.exp(-x)), np.exp(x) / (1 + np.exp(x)))


LN2 = 0.6931471805599453
# overflow and underflow of e**x, the smallest normal results, where the reduction takes its next multiple of ln2
ENDS = [709.782712893384, 710.4758600739439, -745.1332191019412, -708.3964185322641, 88.72283935546875,
        89.41598629223294, -103.97207708399179, -87.33654475055310, LN2 / 2, -LN2 / 2, LN2, 37.4, 17, 0, 1, -1]
CASES = [
    Case("exp", mpmath.exp, np.exp, (0.98, 0.98), [(-750, 715), (-105, 90), (-3, 3)], ENDS, numpy=np.exp),
    Case("exp2", lambda x: mpmath.power(2, x), np.exp2, (0.9, 0.9), [(-1080, 1030), (-152, 130), (-3, 3)],
         [1024, -1022, -1074, -1075, 128, -126, -149, -150, 0.5, -0.5, 0, 1], numpy=np.exp2),
    Case("expm1", mpmath.expm1, np.expm1, (1.2, 1.2), [(-45, 45), (0, 715), (0, 90), (-1, 1)], ENDS, numpy=np.expm1),
    Case("sinh", mpmath.sinh, np.sinh, (1.6, 1.6), [(-715, 715), (-90, 90), (-2, 2)], ENDS, numpy=np.sinh),
    Case("cosh", mpmath.cosh, np.cosh, (1, 1), [(-715, 715), (-90, 90), (-2, 2)], ENDS, numpy=np.cosh),
    Case("tanh", mpmath.tanh, np.tanh, (0.9, 0.9), [(-25, 25), (-2, 2)],
         [0, LN2 / 4, LN2, 7, 9.01, 15, 18.7, 19.06, 22], numpy=np.tanh),
    Case("expit", lambda x: 1 / (1 + mpmath.exp(-x)), expit, (0.8, 0.8), [(-750, 50), (-105, 30), (-3, 3)],
         [*ENDS, -50, -25, 40], numpy=expit),
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
@pytest.mark.parametrize("name, sign", [("sinh", -1), ("cosh", 1), ("tanh", -1)])
def test_symmetry(name: str, sign: int, dtype: Any) -> None:
    x = random_bits(dtype, 5000)
    fn = compiled(name, 1, dtype)
    assert_same_bits(fn(-x), fn(x) * dtype(sign))


@pytest.mark.parametrize("dtype", DTYPES)
def test_exp2_of_integers_is_exact(dtype: Any) -> None:
    info = np.finfo(dtype)
    k = np.arange(info.minexp - info.nmant - 3, info.maxexp + 2)
    with np.errstate(over="ignore"):
        np.testing.assert_array_equal(compiled("exp2", 1, dtype)(k), np.ldexp(dtype(1), k))


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
