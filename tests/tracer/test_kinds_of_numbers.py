"""Whether a number is Python's or NumPy's: what is computed with it tells, by values and dtypes."""

from __future__ import annotations

import cmath
import math
import statistics

import numpy as np
import pytest

import gradjit as gj

TRUTHS = {
    "float.is_integer": lambda x: x.is_integer(), "np.allclose": lambda x: np.allclose(x, 0.15),
    "np.array_equal": lambda x: np.array_equal([x], [0.15]), "np.array_equiv": lambda x: np.array_equiv(x, [0.15, 1.0]),
    "np.isreal": lambda x: np.isreal(x), "math.isnan": lambda x: math.isnan(x), "x >= 0": lambda x: x >= 0.1,
    "not x": lambda x: not x, "one of a list": lambda x: [True, False][0 if x > 0 else 1],
    "any": lambda x: any([x > 1.0, x > 0.0]), "np.isnan": lambda x: np.isnan(x),
}
FLOATS = {
    "math.prod": lambda x: math.prod([x, x]), "math.prod, started": lambda x: math.prod([x, 2], start=1.5),
    "math.fsum": lambda x: math.fsum([x, x]), "statistics.mean": lambda x: statistics.mean([x, x, 2 * x]),
    "statistics.fmean": lambda x: statistics.fmean([x, x]), "one of a list": lambda x: [1.0, 2.0][0 if x > 0 else 1],
    "statistics.variance": lambda x: statistics.variance([x, 2 * x]), "conjugate": lambda x: x.conjugate(),
    "statistics.stdev": lambda x: statistics.stdev([x, 2 * x]), "1j * x": lambda x: 1j * x, "x * 1j": lambda x: x * 1j,
    "1j - x": lambda x: 1j - x, "1j / x": lambda x: 1j / x, "1j ** x": lambda x: 1j**x,
    "cmath.exp(x) * x": lambda x: cmath.exp(x) * x, "np.multiply(1j, x)": lambda x: np.multiply(1j, x),
    "statistics.median": lambda x: statistics.median([x, 2 * x]),
}
NUMBERS = [0.15, np.float64(0.15), np.float32(0.15), 0.15 + 0.5j]
SMALL = np.ones(2, np.float32)


def same(f, x):
    with np.errstate(all="ignore"):
        try:
            expected = f(x)
        except (TypeError, AttributeError, ValueError):
            pytest.skip("not defined")
        got = gj.jit(f)(x)
    assert np.asarray(got).dtype == np.asarray(expected).dtype
    np.testing.assert_allclose(got, expected, rtol=1e-6)


@pytest.mark.filterwarnings("ignore::DeprecationWarning")
@pytest.mark.parametrize("x", NUMBERS, ids=lambda x: type(x).__name__)
@pytest.mark.parametrize("name", TRUTHS)
def test_truths(name, x):
    f = TRUTHS[name]
    same(lambda x: ~f(x), x)
    same(lambda x: f(x) + f(x), x)


@pytest.mark.parametrize("x", NUMBERS, ids=lambda x: type(x).__name__)
@pytest.mark.parametrize("name", FLOATS)
def test_numbers(name, x):
    f = FLOATS[name]
    same(lambda x: f(x) * SMALL, x)
    same(lambda x: f(x) * np.int8(3), x)
