"""Differences, integrals, interpolation, convolution and polynomials against NumPy."""

from __future__ import annotations

import numpy as np
import pytest

from tests.tracer.numpy.arrays import EMPTY, IA, IV, UNSIGNED, ZERO_D, A, F, M, S, T, V, W
from tests.tracer.numpy.harness import Case, by_function, case, check_all

GRID = np.array([0.0, 0.5, 0.6, 1.7, 2.0, 4.0, 4.5])
LONG = np.sin(np.arange(60.0))
PHASE = np.array([0.0, 3.0, 6.5, -1.0, 9.0, 9.0 + np.pi, 2.0])
XP = np.array([-1.0, 0.0, 0.5, 2.0, 3.5])
FP = np.array([2.0, -1.0, 4.0, 4.0, 0.5])
AT = np.array([-2.0, -1.0, -0.3, 0.0, 0.2, 2.0, 3.4, 3.5, 9.0, np.nan])
TABLE = np.linspace(0, 10, 101)
with np.errstate(all="ignore"):
    INFINITE = np.array([1.0, np.inf, -2.0, 0.0])
    WILD = LONG[:30] / 0.0

DIFFERENCES = [
    *(case(np.diff, x, n=n, axis=a) for x in (A, IA, UNSIGNED, M, T) for n in (0, 1, 2, 5) for a in (0, -1)),
    *(case(np.gradient, np.array([True, False, True]), *more) for more in ((), (2.0,), (GRID[:3],))),
    case(np.diff, V, 7), case(np.diff, V, 8), case(np.diff, V, -1), case(np.diff, ZERO_D), case(np.diff, A, axis=2),
    case(np.diff, V, prepend=0), case(np.diff, V, append=ZERO_D), case(np.diff, V, prepend=W, append=[1, 2]),
    case(np.diff, A, axis=0, prepend=1.0), case(np.diff, A, axis=1, append=A[:, :2]), case(np.diff, IV, prepend=0.5),
    case(np.ediff1d, A), case(np.ediff1d, V, to_end=[1.0, 2.0], to_begin=3.0), case(np.ediff1d, IV, to_end=9),
    case(np.ediff1d, np.zeros(1)),
    *(case(np.gradient, V, *s, edge_order=e) for s in ((), (2.0,), (GRID,), (2,), (np.float64(0.5),)) for e in (1, 2)),
    case(np.gradient, IV), case(np.gradient, F), case(np.gradient, F, 2.0), case(np.gradient, A),
    case(np.gradient, A, 2.0),
    case(np.gradient, A, 2.0, 3.0), case(np.gradient, A, GRID[:3], GRID[:4]),
    case(np.gradient, A, GRID[:3], 2.0, edge_order=2), case(np.gradient, A, axis=1), case(np.gradient, A, axis=(1, 0)),
    case(np.gradient, A, 2.0, axis=0), case(np.gradient, A, GRID[:4], axis=1),
    case(np.gradient, T, axis=(0, 2)), case(np.gradient, V[:1]), case(np.gradient, V[:2]),
    case(np.gradient, V[:2], edge_order=2), case(np.gradient, V, edge_order=3), case(np.gradient, V, W),
    case(np.gradient, A, 1.0, 2.0, 3.0), case(np.gradient, V, A), case(np.gradient, IV, np.arange(7)),
    case(np.trapezoid, V), case(np.trapezoid, V, GRID), case(np.trapezoid, V, dx=0.5), case(np.trapezoid, T, axis=1),
    case(np.trapezoid, T, np.arange(3.0), axis=1), case(np.trapezoid, T, T**2, axis=1), case(np.trapezoid, IA),
    case(np.trapezoid, F, dx=2), case(np.trapezoid, EMPTY), case(np.trapezoid, V, W),
    case(np.unwrap, PHASE), case(np.unwrap, np.stack([PHASE, PHASE * 2]), axis=1), case(np.unwrap, PHASE, period=4.0),
    case(np.unwrap, PHASE, 4.0), case(np.unwrap, np.array([0, 3, 9, 1, 5]), period=4),
    case(np.unwrap, np.array([0, 3, 9, 1, 5]), period=5), case(np.unwrap, PHASE.astype("f")),
]

INTERPOLATION = [
    case(np.interp, AT, XP, FP), case(np.interp, AT, XP, FP, left=-7.0),
    case(np.interp, AT, XP, FP, left=-7.0, right=np.nan), case(np.interp, AT, XP, FP, period=3.0),
    case(np.interp, AT, XP[::-1].copy(), FP, period=-4.0), case(np.interp, 0.3, XP, FP),
    case(np.interp, ZERO_D, XP, FP),
    case(np.interp, AT.reshape(2, 5), XP, FP), case(np.interp, IV, np.arange(5), np.arange(5) ** 2),
    case(np.interp, AT, XP[:1], FP[:1]), case(np.interp, AT, XP, W[:4]), case(np.interp, AT, np.zeros(0), np.zeros(0)),
    case(np.interp, AT, A, A), case(np.interp, AT, XP, FP, period=0),
    case(np.interp, np.linspace(-1, 11, 77), TABLE, np.sin(TABLE)), case(np.interp, F, XP, FP),
    case(np.interp, AT, XP, FP.astype("f")),
    case(np.interp, np.array([1.0]), np.array([0.0, 1.0, 1.0, 2.0]), np.array([0.0, 1.0, 5.0, 6.0])),
]

CONVOLUTION = [
    *(case(f, a, b, mode=m, _tolerance=1e-12) for f in (np.convolve, np.correlate) for a,
      b in ((V, W), (W, V), (V, V), (LONG, V), (V, LONG), (LONG, LONG[:20]), (LONG, LONG[:21]), (LONG[:21], LONG),
            (V, [2.0]), (V, 3.0), (IV, V), (IV, IV), (np.array([True, False]), np.array([True, True, False])))
      for m in ("full", "same", "valid")),
    *(case(f, a, b, mode=m) for f in (np.convolve, np.correlate) for a, b in (
        (V, INFINITE), (INFINITE, V), (INFINITE, [1.0, np.inf]), (V, [0.0, np.nan, 2.0]), (LONG, WILD))
      for m in ("full", "same", "valid")),
    case(np.convolve, V, np.zeros(0)), case(np.convolve, A, V),
      case(np.convolve, V, W, "none"), case(np.correlate, V, W), case(np.convolve, V, W),
      case(np.convolve, V.astype("f"), W.astype("f"), _tolerance=1e-12),
]

POLYNOMIALS = [
    case(np.polyval, V, W), case(np.polyval, [1, 2, 3], A), case(np.polyval, V, 2.0), case(np.polyval, IV, IA),
    case(np.polyval, [], V), case(np.polyval, [ZERO_D, 2.0], 3),
    case(lambda x: np.poly1d([1, 2, 3])(x), A),
    *(case(f, V, W) for f in (np.polyadd, np.polysub, np.polymul)), case(np.polyadd, W, V), case(np.polyadd, [1, 2], V),
    *(case(np.polyder, V, m) for m in (0, 1, 2, 7)), case(np.polyder, IV), case(np.polyder, V, -1),
    *(case(np.polyint, V, m) for m in (0, 1, 2)), case(np.polyint, IV, 1, 5.0), case(np.polyint, V, 2, [1.0, 2.0]),
    case(np.polyint, V, 2, [1.0, 2.0, 3.0]), case(np.poly, V), case(np.poly, IV), case(np.poly, S, _refused="np.poly"),
    case(np.polyfit, V, V ** 3, 2, _tolerance=1e-10), case(np.polyfit, V, V, -1),
    case(np.polyfit, V, np.stack([V ** 2, V], 1), 1, cov=True, _tolerance=1e-10),
    case(np.polyfit, V, V ** 2, 1, w=V ** 2, cov="unscaled", _tolerance=1e-10),
]


@pytest.mark.parametrize("cases", by_function(DIFFERENCES))
def test_differences(cases: list[Case]) -> None:
    check_all(cases)


@pytest.mark.parametrize("cases", by_function(INTERPOLATION))
def test_interpolation(cases: list[Case]) -> None:
    check_all(cases)


@pytest.mark.parametrize("cases", by_function(CONVOLUTION))
def test_convolution(cases: list[Case]) -> None:
    check_all(cases)


@pytest.mark.parametrize("cases", by_function(POLYNOMIALS))
def test_polynomials(cases: list[Case]) -> None:
    check_all(cases)
