"""Elementwise functions against NumPy."""

from __future__ import annotations

import itertools
from typing import Any

import numpy as np
import pytest

from gradjit.errors import ConversionError
from gradjit.tracer.trace import trace
from tests.tracer.numpy.arrays import A, V
from tests.tracer.numpy.harness import Case, by_function, case, check_all

FLOAT32_MAX = 3e38
DTYPES = "?bhilBHILfdFD"
SPECIAL = np.array([0.0, -0.0, 1.0, -1.0, 0.5, -2.5, 1.5, 3.7, 1e300, -1e-300, np.inf, -np.inf, np.nan])
OTHER = np.array([1.0, -0.0, np.nan, 2.0, 0.5, -2.5, -1.5, 0.0, 2.0, np.inf, -np.inf, -np.inf, 1.0])
SPECIAL32, OTHER32 = (np.clip(a, -FLOAT32_MAX, FLOAT32_MAX, where=np.isfinite(a), out=a.copy()).astype("f")
                      for a in (SPECIAL, OTHER))
SMALL = np.array([0.3, -0.7, 0.0, 1.0, -1.0, 0.99])
LARGE = np.array([1.5, 2.0, 1.0, 7.25, 1e10, np.inf])


def of_dtype(char: str, second: bool = False) -> np.ndarray:
    """A few elements of each dtype, negative ones where there are."""
    a = np.array([2, 1, 3, 0]) if second else np.array([1, 0, 5, 7])
    if char in "hilfdFDb":
        a = a * np.array([1, -1, -1, 1])
    if char in "fdFD":
        a = a + 0.25
    return (a + (0.5j if char in "FD" else 0)).astype(char)


UNARY = [np.negative, np.positive, np.absolute, np.fabs, np.sign, np.rint, np.floor, np.ceil, np.trunc, np.exp, np.exp2,
         np.expm1, np.log, np.log2, np.log10, np.log1p, np.sqrt, np.cbrt, np.square, np.reciprocal, np.sin, np.cos,
         np.tan,
         np.arcsin, np.arccos, np.arctan, np.sinh, np.cosh, np.tanh, np.arcsinh, np.arccosh, np.arctanh, np.deg2rad,
         np.rad2deg,
         np.degrees, np.radians, np.isnan, np.isinf, np.isfinite, np.signbit, np.logical_not, np.invert, np.modf,
         np.spacing,
         np.bitwise_count, np.conjugate]
BINARY = [np.add, np.subtract, np.multiply, np.divide, np.true_divide, np.floor_divide, np.remainder, np.mod, np.fmod,
          np.divmod,
          np.power, np.float_power, np.logaddexp, np.logaddexp2, np.arctan2, np.hypot, np.maximum, np.minimum, np.fmax,
          np.fmin,
          np.heaviside, np.copysign, np.nextafter, np.less, np.less_equal, np.greater, np.greater_equal, np.equal,
          np.not_equal,
          np.logical_and, np.logical_or, np.logical_xor, np.bitwise_and, np.bitwise_or, np.bitwise_xor, np.left_shift,
          np.right_shift]
COMPLEX_OK = {np.negative, np.positive, np.exp, np.exp2, np.expm1, np.log, np.log2, np.log10, np.log1p, np.sqrt,
              np.square,
              np.reciprocal, np.sin, np.cos, np.tan, np.arcsin, np.arccos, np.arctan, np.sinh, np.cosh, np.tanh,
              np.arcsinh,
              np.arccosh, np.arctanh, np.logical_not, np.add, np.subtract, np.multiply, np.divide, np.true_divide,
              np.power,
              np.float_power, np.equal, np.not_equal, np.logical_and, np.logical_or, np.logical_xor}


def takes(ufunc: np.ufunc, *chars: str) -> bool:
    """Whether complex operands, if any, are within what the IR has."""
    return ufunc in COMPLEX_OK or not any(c in "FD" for c in chars)


CASES = [
    *(case(f, of_dtype(c), _tolerance=4e-13 if c in "FD" else 1e-13) for f in UNARY for c in DTYPES if takes(f, c)),
    *(case(f, SPECIAL) for f in UNARY),
    *(case(f, SPECIAL32) for f in UNARY),
    *(case(f, SMALL) for f in (np.arcsin, np.arccos, np.arctanh, np.log1p, np.expm1)),
    *(case(f, LARGE) for f in (np.arccosh, np.arcsinh, np.log1p)),
    *(case(f, np.float32(0.5)) for f in UNARY), *(case(f, np.array(0.5)) for f in UNARY),
    *(case(f, 0.5) for f in UNARY),
    *(case(f, np.zeros((0, 2))) for f in UNARY),
    *(case(f, of_dtype(a), of_dtype(b, True), _tolerance=1e-12)
      for f in BINARY for a, b in itertools.product("?bilBLfdD", repeat=2)
      if takes(f, a, b) and not (f is np.power and a in "?bilBL" and b in "bil")),  # negative: a matter of run time
    *(case(f, SPECIAL, OTHER) for f in BINARY), *(case(f, OTHER, SPECIAL) for f in BINARY),
    *(case(f, SPECIAL32, OTHER32) for f in BINARY),
    *(case(f, of_dtype(c), s) for f in BINARY for c in "?bBilfd" for s in (2, 0.5, True) if takes(f, c)),
    *(case(f, s, of_dtype(c)) for f in BINARY for c in "bBifd" for s in (2, 0.5) if f is not np.power or c in "Bfd"),
    *(case(f, np.ones((2, 1)), np.ones(3)) for f in BINARY), *(case(f, np.ones((2, 0)), np.ones(1)) for f in BINARY),
    *(case(f, np.ones(2), np.ones(3)) for f in BINARY[:4]),
    *(case(f, np.float32(2), np.float32(3)) for f in BINARY), *(case(f, np.float32(2), 3.0) for f in BINARY),
    *(case(f, np.array(2.0), np.array(3.0)) for f in BINARY[:6]),
    # powers
    *(case(np.power, SPECIAL, e) for e in (0, 1, 2, 3, -1, -2, 0.5, -0.5, 1.5, 2.0, np.float32(2), np.array(2),
                                           np.array([2.0]))),
    *(case(np.power, np.arange(1, 5), e) for e in (0, 1, 2, 3, 0.5, 2.0, -1.0)),
    case(np.power, np.arange(1, 5), -1), case(np.power, np.arange(4), np.array([1, 2, 3, 4])),
    case(np.power, 2.0, np.arange(3.0)), case(np.power, 2, np.arange(3)), case(np.power, np.ones(3), np.ones((2, 1))),
    # comparisons beyond a dtype's range, and between signs
    *(case(f, np.array([0, 255], "B"), n) for f in (np.less, np.greater_equal, np.equal, np.not_equal)
      for n in (300, -1, 256, 7)),
    *(case(f, n, np.array([0, 255], "B")) for f in (np.less, np.greater_equal, np.equal, np.not_equal)
      for n in (300, -1)),
    *(case(f, np.array([-1, 0, 5, 2**62]), np.array([0, 0, 2**63, 2**62], "L"))
      for f in (np.less, np.less_equal, np.greater, np.greater_equal, np.equal, np.not_equal)),
    *(case(f, np.array([0, 0, 2**63, 2**62], "L"), np.array([-1, 0, 5, 2**62]))
      for f in (np.less, np.less_equal, np.greater, np.greater_equal, np.equal, np.not_equal)),
    case(np.add, np.array([1, 2], "B"), 300), case(np.add, np.array([1, 2], "B"), -1),
    # dtype=
    case(np.add, np.arange(3), 1, dtype=float), case(np.sin, np.arange(3.0), dtype="f"),
    case(np.true_divide, np.arange(3), 2, dtype="f"),
    # parts
    case(np.ldexp, SPECIAL, np.arange(13)), case(np.ldexp, np.array([1.0, 3.0, 1e-300]), np.array([1023, -1074, 1000])),
    case(np.ldexp, np.float32(3), 4), case(np.ldexp, np.array([0, 5, -3], "h"), np.array([2**31 - 1, 9000, -9000])),
    case(np.ldexp, np.array([0, 1e-45, 1e38], "f"), np.array([5000, 277, -287])),
    # what is rounded once, not twice, on its way to a subnormal number
    *(case(np.ldexp, np.array([3e-323, 2.5e-323, 1.1e-308, 1.7e-300, 1.9]), np.array(n)) for n in (-1, -2, -30, -1060)),
    *(case(np.ldexp, np.array([1e-40, 7e-45, 1.2e-38, 1.7], "f"), np.array(n, "i")) for n in (-1, -3, -22, -140)),
]



def nan_to_num_in_place(x):  # type: ignore[no-untyped-def]
    x = x.copy()
    np.nan_to_num(x, copy=False)
    return x


FUNCTIONS = [
    # where
    case(np.where, SPECIAL > 0, SPECIAL, OTHER), case(np.where, np.array([True, False]), 1, 2.0),
    case(np.where, True, 1.0, 2.0),
    case(np.where, np.array([1, 0, 2]), np.float32(1), 2.0),
    case(np.where, np.ones((2, 1)), np.arange(3), np.float32(5)),
    case(np.where, np.ones(2), np.ones(3), 0.0), case(np.where, np.array([True]), np.arange(3, dtype="b"), 100),
    case(np.where, np.array([0.0, np.nan, 1.0]), 1, 0),
    # clip
    case(np.clip, SPECIAL, -1, 1), case(np.clip, SPECIAL, None, 1.0), case(np.clip, SPECIAL, 0.5, None),
    case(np.clip, SPECIAL, 2, 1), case(np.clip, np.arange(5), 1, 3), case(np.clip, np.arange(5), 1.5, 3),
    case(np.clip, np.arange(5, dtype="B"), 1, 300), case(np.clip, np.arange(5, dtype="f"), 1, 3.5),
    case(np.clip, np.arange(6.0).reshape(2, 3), np.array([1.0, 2.0, 3.0]), np.array([[2.0], [4.0]])),
    case(np.clip, SPECIAL, min=0, max=1), case(np.clip, SPECIAL, min=0), case(np.clip, np.arange(3.0), np.nan, 1),
    case(np.clip, np.float64(3), 0, 1), case(np.clip, 3.0, 0, 1), case(np.clip, np.arange(3.0), None, None),
    # rounding
    *(case(np.round, x, d) for x in (np.array([1.25, -2.345, 0.5, 1.5, 2.675, 1e10, np.nan, np.inf]),
                                     np.float32([1.25, 7.77]))
      for d in (0, 1, 2, -1)),
    case(np.round, np.array([1234, -1250, 17])), case(np.round, np.array([1234, -1250, 17]), -2),
    case(np.around, SPECIAL, 1),
    case(np.round, np.float64(2.5)), case(np.fix, SPECIAL), case(np.fix, np.arange(3)),
    # nan_to_num
    case(np.nan_to_num, SPECIAL), case(np.nan_to_num, SPECIAL32),
    case(np.nan_to_num, SPECIAL, nan=1, posinf=2, neginf=-3.0),
    case(np.nan_to_num, np.arange(3)), case(np.nan_to_num, np.array([np.nan, 1.0]), nan=np.array([5.0, 6.0])),
    # sinc and angles
    case(np.sinc, SMALL), case(np.sinc, np.arange(3)), case(np.sinc, np.array([0.0, 1e-300, 1e-9, 2.5], "f")),
    case(np.angle, SPECIAL), case(np.angle, SPECIAL, deg=True), case(np.real, SPECIAL), case(np.imag, SPECIAL),
    case(np.isreal, SPECIAL), case(np.iscomplex, SPECIAL), case(np.isrealobj, SPECIAL), case(np.iscomplexobj, SPECIAL),
    case(np.real_if_close, SPECIAL),
    case(np.isposinf, SPECIAL), case(np.isneginf, SPECIAL), case(np.isposinf, np.arange(2)),
    # select and piecewise
    case(np.select, [SPECIAL < 0, SPECIAL > 1], [SPECIAL, SPECIAL * 2]), case(np.select, [SPECIAL < 0], [1], 7.5),
    case(np.select, [np.array([True, False]), np.array([True, True])], [np.array([1, 2]), np.array([[3.0], [4.0]])],
         np.float32(9)),
    case(np.select, [], []), case(np.select, [SPECIAL < 0], [1, 2]), case(np.select, [SPECIAL], [1]),
    case(np.piecewise, SPECIAL, [SPECIAL < 0, SPECIAL >= 1], [-1, 1]),
    case(np.piecewise, SPECIAL, [SPECIAL < 0, SPECIAL >= 1], [lambda x: -x, lambda x: x * x, 7]),
    case(np.piecewise, np.arange(4), [np.arange(4) < 2], [lambda x, k: x * k, lambda x, k: x + k], 2),
    case(np.piecewise, SPECIAL, SPECIAL < 0, [1, 2]), case(np.piecewise, 0.5, [0.5 < 1, 0.5 > 1], [3.0, 4.0]),
    case(np.piecewise, SPECIAL, [SPECIAL < 0], [1, 2, 3]),
    # closeness
    case(np.isclose, SPECIAL, OTHER), case(np.isclose, SPECIAL, SPECIAL, equal_nan=True),
    case(np.isclose, SPECIAL, SPECIAL + 1e-9),
    case(np.allclose, SMALL, SMALL + 1e-12, _kinds=False), case(np.allclose, SMALL, SMALL + 1e-3, _kinds=False),
    case(np.array_equal, SMALL, SMALL, _kinds=False), case(np.array_equal, SMALL, SMALL[:2], _kinds=False),
    case(np.array_equal, SPECIAL, SPECIAL, equal_nan=True, _kinds=False),
    case(np.array_equiv, SMALL, np.ones((2, 1)), _kinds=False), case(np.array_equiv, np.ones((2, 2)), 1, _kinds=False),
    case(np.array_equiv, SMALL, SMALL[:2], _kinds=False),
    case(np.isscalar, SMALL), case(np.isscalar, np.float32(1)), case(np.isscalar, 0.5, _floats=True),
    case(np.iterable, SMALL),
    case(np.iterable, np.array(0.5)), case(np.isscalar, np.array(0.5)),
    # refused
    *(case(f, np.array([12, -18, 0, 7, 0], t), np.array([18, 12, 5, -21, 0], t)) for f in (np.gcd, np.lcm)
      for t in (np.int64, np.int32, np.int8)),
    case(np.gcd, np.arange(3), 2), case(np.lcm, np.arange(9, dtype=np.uint8), 6),
    *(case(np.frexp, np.array([0.0, -0.0, 1.0, -3.7, 1e30, np.finfo(t).smallest_subnormal, np.inf, np.nan], t))
      for t in (np.float64, np.float32)),
    *(case(np.i0, x) for x in (SMALL, np.arange(3), 0.5)),
    case(np.angle, SMALL + 1j), case(np.abs, SMALL + 1j),
    case(nan_to_num_in_place, SPECIAL),
]


@pytest.mark.thinned
@pytest.mark.parametrize("cases", by_function(CASES))
def test_ufunc(cases: list[Case]) -> None:
    for c in cases:  # x**0.5 is a square root where the exponent is known, and C's where it is an argument
        c.floats = not (c.func is np.power and 0.5 in [a for a in c.args if type(a) is float])
    check_all(cases)


@pytest.mark.parametrize("cases", by_function(FUNCTIONS))
def test_function(cases: list[Case]) -> None:
    check_all(cases)


LARGE = np.array([2**63 - 1, 5, -1])
UNSIGNED_LARGE = np.array([2**63, 2**64 - 1, 5], np.uint64)
INTEGERS = [
    case(np.isin, LARGE, UNSIGNED_LARGE), case(np.isin, UNSIGNED_LARGE, LARGE), case(np.isin, LARGE, UNSIGNED_LARGE,
                                                                                  invert=True),
    case(np.isin, LARGE, [2.0**63, 5.0]), case(np.isin, np.arange(40), UNSIGNED_LARGE),
    case(np.isin, LARGE, np.arange(40, dtype=np.uint64), _refused="cast both to one dtype", _traced_only=True),
    case(np.choose, np.array([0, 1], np.uint64), [A[0, :2], A[1, :2]]),
    case(np.choose, np.array([0, 1], np.uint32), [A[0, :2], A[1, :2]]),
    case(np.choose, np.array([0.0, 1.0]), [A[0, :2], A[1, :2]]),
    case(np.choose, np.array([False, True]), [A[0, :2], A[1, :2]]),
    *(case(np.round, np.array([True, False]), d) for d in (1, -1, 3)),
    *(case(np.logical_and, x, n) for x in (V, LARGE, np.array([True])) for n in (2**63, 2**64, -2**63 - 1, 5)),
    *(case(f, V, out=V.copy()) for f in (np.frexp, np.modf)),
]


@pytest.mark.parametrize("cases", by_function(INTEGERS))
def test_integers_and_booleans(cases: list[Case]) -> None:
    check_all(cases)


SMALL = np.array([3, -1, 2, 5], np.int8)
WITH_NAN = np.array([0.5, np.nan, 2.0, -1.0])


def put_mask(x: Any, values: Any) -> Any:
    x = x.copy()
    np.putmask(x, x > 1, values)
    return x


def taken_into(x: Any, dtype: str) -> Any:
    return np.take(x, [0, 1], out=np.zeros(2, dtype))


BEYOND_SMALL = [
    *(case(np.select, [SMALL > 1], [SMALL], n) for n in (300, 5, 2.5)), case(np.insert, SMALL, 1, 300),
    case(np.insert, SMALL, 1, 2.7), *(case(np.pad, x, 1, constant_values=n) for n in (300, 5, 2.7)
                                      for x in (SMALL, SMALL.astype("B"))),
    *(case(f, SMALL, initial=n) for f in (np.max, np.min) for n in (300, 4, 2.5)),
    *(case(put_mask, x.copy(), v) for x in (SMALL, V) for v in (2.5, 300, 7, np.array([2, 3]), np.array([2.5, 1.0]))),
    *(case(taken_into, x, t) for x, t in ((SMALL, "b"), (SMALL, "d"), (SMALL, "f"), (V, "d"), (V, "f"))),
    *(case(f, x) for f in (max, min) for x in (WITH_NAN, WITH_NAN[1:], WITH_NAN[::-1].copy(), SMALL)),
]


@pytest.mark.parametrize("cases", by_function(BEYOND_SMALL))
def test_numbers_beyond_small_dtypes(cases: list[Case]) -> None:
    check_all(cases)


def test_an_array_holds_no_integers_beyond_64_bits() -> None:
    with pytest.raises(ConversionError, match="64 bits"):
        trace(lambda x: np.array([x[0], 2**64]), (V,), {})
