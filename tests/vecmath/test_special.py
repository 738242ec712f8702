"""erf, erfc, erfinv, gammaln, digamma, polygamma against mpmath."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any

import llvmlite.binding
import mpmath
import numpy as np
import pytest
import scipy.special

from gradjit.codegen import llvm
from gradjit.codegen.vecmath import Lanes, gamma, special
from tests.vecmath import accuracy
from tests.vecmath.accuracy import DTYPES, WIDE, Case, by_case, compiled
from tests.vecmath.harness import (
    Elementwise,
    assert_same_bits,
    compile_elementwise,
    near,
    per_binade,
    random_bits,
    ulp_error,
)

ZERO = 1.4616321449683622  # of digamma


def erfinv_mp(x: Any) -> Any:
    """Newton's iteration, on erfc where 1 - |x| has more digits than x."""
    if not abs(x) < 1:
        return mpmath.inf * x if abs(x) == 1 else mpmath.nan
    if abs(x) < mpmath.mpf(2) ** -100:
        return x * mpmath.sqrt(mpmath.pi) / 2
    y = abs(mpmath.mpf(float(scipy.special.erfinv(float(x)))))
    for _ in range(3):
        excess = mpmath.erf(y) - abs(x) if abs(x) < 0.5 else (1 - abs(x)) - mpmath.erfc(y)
        y -= excess * mpmath.exp(y * y) * mpmath.sqrt(mpmath.pi) / 2
    return mpmath.sign(x) * y


def erfc_mp(x: Any) -> Any:
    """mpmath fails for very large arguments."""
    return mpmath.mpf(0 if x > 0 else 2) if abs(x) > 1e4 else mpmath.erfc(x)


def gammaln_mp(x: Any) -> Any:
    pole = x <= 0 and x == mpmath.floor(x)
    return mpmath.inf if pole or abs(x) == mpmath.inf else mpmath.log(abs(mpmath.gamma(x)))


def trigamma_scipy(x: np.ndarray) -> np.ndarray:
    """SciPy takes long for negative arguments."""
    above = scipy.special.zeta(2, np.where(x > 0, x, 1 - x))
    return np.where(x > 0, above, (np.pi / np.sin(np.pi * (x - np.rint(x)))) ** 2 - above)


def gammaln_scipy(x: np.ndarray) -> np.ndarray:
    """SciPy has inf for subnormal numbers, whose gamma function overflows but not its logarithm."""
    return np.where((np.abs(x) < 1e-300) & (x != 0), -np.log(np.abs(x)), scipy.special.gammaln(x)).astype(x.dtype)


def erfinv_scipy(x: np.ndarray) -> np.ndarray:
    """SciPy loses the sign of zero."""
    return np.where(x == 0, x, scipy.special.erfinv(x))


def erfinv_wide(x: np.ndarray) -> np.ndarray:
    """The float64 function, which mpmath has checked: SciPy's takes minutes for the dense test of float32."""
    return compiled("erfinv", 1, np.float64)(x)


def positive(low: float, high: float, turns: Any) -> Callable[[Any, int], Any]:
    """Sampling of positive arguments: a range, all binades, beside the turning points."""
    def points(dtype: Any, count: int) -> tuple[np.ndarray]:
        info, rng = np.finfo(dtype), np.random.default_rng(13)
        binades = np.abs(per_binade(dtype, info.minexp - info.nmant, info.maxexp, max(1, count // 1000)))
        ranges = [rng.uniform(low, high, count), rng.uniform(0, 3, count)]
        return (np.concatenate([*[r.astype(dtype) for r in ranges], binades, near(dtype, turns, count // 30)]),)
    return points


HALVES = [0.25, 0.5, 1, 1.25, 1.5, 2, 2.25, 2.5, 3, 3.25, 4, 4.25, 5, 5.25, 6, 6.25, 8, ZERO]
ERROR_FUNCTIONS = [
    Case("erf", mpmath.erf, scipy.special.erf, (1.1, 1.15), [(-6, 6), (-1.3, 1.3), (0, 0.1)],
         [0, 0.75, 1.1875, 4, 6, -1.1875], (-60, 5), numpy=scipy.special.erf),
    Case("erfc", erfc_mp, scipy.special.erfc, (1.3, 1.4), [(-6, 6), (0.5, 2), (0.7, 10.3), (0.7, 27), (26, 28)],
         [0, 0.75, -0.75, 9, 9.2, 10.05, 26.5, 26.55, 27.2], (-60, 5), numpy=scipy.special.erfc),
    Case("erfinv", erfinv_mp, erfinv_wide, (1.6, 0.51), [(-1, 1), (0.7, 0.8), (0.999, 1), (-1, -0.99)],
         [0, 0.75, -0.75, 1, -1], (-60, 1), numpy=erfinv_scipy),
]
GAMMA_FUNCTIONS = [
    Case("gammaln", gammaln_mp, scipy.special.gammaln, (1.3, 0.51), numpy=gammaln_scipy,
         pairs=positive(0, 12, HALVES)),
    Case("digamma", mpmath.digamma, scipy.special.digamma, (2.5, 0.51), numpy=scipy.special.digamma,
         pairs=positive(0, 12, HALVES)),
    Case("trigamma", lambda x: polygamma_mp(1, x), trigamma_scipy, (3, 0.51),
         numpy=lambda x: scipy.special.polygamma(1, x).astype(x.dtype), pairs=positive(0, 12, HALVES)),
]
CASES = ERROR_FUNCTIONS + GAMMA_FUNCTIONS


@pytest.mark.thinned
@by_case(CASES)
def test_accuracy(case: Case, dtype: Any) -> None:
    accuracy.check_against_mpmath(case, dtype, 120)


@by_case(CASES)
def test_special_values(case: Case, dtype: Any) -> None:
    accuracy.check_special_values(case, dtype)
    accuracy.check_any_nan(case, dtype)


@by_case(CASES)
def test_scalar_and_vector_give_the_same_bits(case: Case, dtype: Any) -> None:
    accuracy.check_widths(case, dtype, 1000, [1])
    x = random_bits(dtype, 1000)
    assert_same_bits(compiled(case.name, 1, dtype)(x), compiled(case.name, 1, dtype, 1)(x))


@pytest.mark.parametrize("dtype", DTYPES)
def test_symmetry(dtype: Any) -> None:
    x = np.concatenate([random_bits(dtype, 3000), np.linspace(-2, 2, 3000, dtype=dtype)])
    for name in ("erf", "erfinv"):
        assert_same_bits(compiled(name, 1, dtype)(-x), -compiled(name, 1, dtype)(x))


@pytest.mark.parametrize("dtype", DTYPES)
def test_erf_rises_and_erfc_falls_through_their_seams(dtype: Any) -> None:
    """Neighbours may differ by the error bound, but the pieces of the function must meet."""
    eps = np.finfo(dtype).eps
    for seam in (0.75, 1.1875, -0.75, -1.1875):
        x = near(dtype, [seam], 50)
        for name, sign in (("erf", 1), ("erfc", -1)):
            y = compiled(name, 1, dtype)(np.sort(x))
            assert (np.diff(sign * y) >= -2 * eps * np.abs(y[1:])).all()


# negative arguments of the gamma functions ----------------------------------------------------------------------------
def _negative(dtype: Any, count: int) -> np.ndarray:
    rng = np.random.default_rng(17)
    x = np.concatenate([-rng.uniform(0, 12, count), -np.exp(rng.uniform(-40, 8, count)), -rng.integers(1, 99, 20) - 0.5,
                        1e-6 * rng.normal(size=20) - rng.integers(0, 9, 20)]).astype(dtype)
    return x[x != np.floor(x)]


def _cot(x: Any) -> Any:
    return mpmath.cospi(x) / mpmath.sinpi(x)


REFLECTED = {"digamma": (0, lambda x: mpmath.pi * _cot(x)),
             "trigamma": (1, lambda x: (mpmath.pi / mpmath.sinpi(x)) ** 2)}


@pytest.mark.thinned
@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("name", REFLECTED)
def test_reflection(name: str, dtype: Any) -> None:
    """The error counts against the larger of the terms whose sum or difference the function is."""
    order, pole = REFLECTED[name]
    x = _negative(dtype, 150)
    got = compiled(name, 1, dtype)(x)
    with mpmath.workprec(160):
        for v, g in zip(x.tolist(), got.tolist(), strict=True):
            value = mpmath.mpf(v)
            scale = max(abs(mpmath.psi(order, 1 - value)), abs(pole(value)))
            assert abs(mpmath.mpf(g) - mpmath.psi(order, value)) <= 4 * float(np.finfo(dtype).eps) * scale, (v, g)


@pytest.mark.parametrize("dtype", DTYPES)
def test_gammaln_of_negative_numbers(dtype: Any) -> None:
    """Within some ulps; beside a zero within the same share of the logarithm's own scale."""
    x = _negative(dtype, 150)
    got = compiled("gammaln", 1, dtype)(x)
    with mpmath.workprec(160):
        exact = np.array([float(gammaln_mp(mpmath.mpf(v))) for v in x.tolist()])
    assert (np.abs(got - exact) <= 4 * np.finfo(dtype).eps * np.maximum(np.abs(exact), 1)).all()


def test_poles() -> None:
    """As SciPy has them: at 0 and the negative integers, near 0 from both sides, at -inf."""
    x = np.array([0.0, -0.0, -1, -2, -3, -170, -(2.0**60), 1e-310, -1e-310, -np.inf])
    for name in ("digamma", "trigamma"):
        case = next(c for c in CASES if c.name == name)
        np.testing.assert_array_equal(compiled(name, 1, np.float64)(x), case.numpy(x))
    assert np.isposinf(compiled("gammaln", 1, np.float64)(x[:7])).all()


# polygamma ------------------------------------------------------------------------------------------------------------
@functools.cache
def of_order(order: int, dtype: Any, width: int | None = None) -> Elementwise:
    def emitter(L: Lanes, x: llvm.Value) -> llvm.Value:
        return special.polygamma(L, x, order)
    return compile_elementwise(emitter, 1, dtype, width or WIDE[np.dtype(dtype)])


def polygamma_mp(order: int, x: Any) -> Any:
    """mpmath takes long where the answer is only a power."""
    sign = 1 if order % 2 else -1
    if x < mpmath.mpf(10) ** -30:
        return sign * mpmath.factorial(order) / x ** (order + 1)
    if x > mpmath.mpf(10) ** 20:
        return sign * mpmath.factorial(order - 1) / x**order * (1 + order / (2 * x))
    return mpmath.psi(order, x)


def _check_order(order: int, dtype: Any, count: int) -> None:
    (x,) = positive(0, 30, [1, 2, 8, 9, 10])(dtype, count)
    error = ulp_error(of_order(order, dtype)(x), functools.partial(polygamma_mp, order), x)
    assert error.max() <= (1.2 * order + 2.5 if dtype == np.float64 else 0.51), x[error.argmax()]


@pytest.mark.thinned
@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("order", [2, 3])
def test_polygamma(order: int, dtype: Any) -> None:
    _check_order(order, dtype, 40)
    x = np.array([0.0, -0.0, -1, -2, np.inf, -np.inf, np.nan], dtype)
    want = scipy.special.polygamma(order, x).astype(dtype)
    np.testing.assert_array_equal(of_order(order, dtype)(x), want)
    x = random_bits(dtype, 300)
    assert_same_bits(of_order(order, dtype)(x), of_order(order, dtype, 1)(x))


def test_polygamma_of_negative_numbers() -> None:
    x = -np.array([0.3, 0.5, 1.25, 2.75, 7.5])
    for order in (2, 3):
        exact = [float(mpmath.psi(order, mpmath.mpf(v))) for v in x.tolist()]
        np.testing.assert_allclose(of_order(order, np.float64)(x), exact, rtol=1e-14)


def test_orders_of_polygamma() -> None:
    x = np.random.default_rng(19).uniform(0.1, 20, 500)
    assert_same_bits(of_order(0, np.float64)(x), compiled("digamma", 1, np.float64)(x))
    assert_same_bits(of_order(1, np.float64)(x), compiled("trigamma", 1, np.float64)(x))
    block = llvm.Function(llvm.Module(), llvm.FunctionType(llvm.VoidType(), []), "f").append_basic_block()
    lanes = Lanes(llvm.IRBuilder(block), 1, True)
    for order in (-1, gamma.HIGHEST_ORDER + 1):
        with pytest.raises(ValueError, match=f"polygamma of order {order}: the order must be from 0 to 64"):
            special.polygamma(lanes, llvm.Constant(llvm.DoubleType(), 1.0), order)


# machine code ---------------------------------------------------------------------------------------------------------
@pytest.mark.skipif(not accuracy.X86, reason="reads x86 assembly")
@by_case(CASES)
def test_vectors_stay_vectors(case: Case, dtype: Any) -> None:
    """No scalar arithmetic; one call, to the function of negative arguments of the gamma functions."""
    if llvmlite.binding.llvm_version_info[0] < 20 and (case.name, dtype) == ("erfinv", np.float32):
        pytest.skip("LLVM 15 takes these vectors apart")
    assembly = compiled(case.name, 1, dtype).assembly
    found = accuracy.SCALAR_CODE.findall(assembly[assembly.index("kernel:"):assembly.index(".Lfunc_end0:")])
    assert found == [line for line in found if line.startswith("\tcall")]
    assert len(found) == (case in GAMMA_FUNCTIONS)


@pytest.mark.slow
@by_case(CASES)
def test_dense(case: Case, dtype: Any) -> None:
    accuracy.check_against_mpmath(case, dtype, 6000)
    if dtype == np.float32:  # SciPy has nothing wider than float64
        accuracy.check_densely(case, dtype, 400_000)


@pytest.mark.slow
@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("order", [2, 3, 5, 10, 20])
def test_polygamma_dense(order: int, dtype: Any) -> None:
    _check_order(order, dtype, 1000)


@pytest.mark.slow
@by_case(CASES)
def test_other_widths_and_machines(case: Case, dtype: Any) -> None:
    accuracy.check_widths(case, dtype, 1000, [2, 3, 4, 16])
    if accuracy.X86:
        accuracy.check_lesser_machines(case, dtype, 1000)
