"""scipy.interpolate's splines of a basis, grids, radial functions and polynomials; equations with a few diagonals."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import scipy.interpolate as si
import scipy.linalg as sl

import gradjit as gj
from tests.tracer.scipy.calls import Call, check_gradients, check_values

X = np.array([0.0, 0.4, 1.1, 1.5, 2.2, 2.9, 3.1])
Y, M = np.sin(X * 1.3), np.array([0.13, 0.77, 1.37, 2.47, 2.97])
ARGS = [X, Y, M]
RNG = np.random.default_rng(0)
BANDS = RNG.normal(size=(4, 7)) + np.array([[0], [3], [0], [0]])
POSITIVE = np.abs(RNG.normal(size=(2, 7))) * 0.2 + np.array([[0.0], [5.0]])
TABLE, SITES = RNG.normal(size=(3, 4, 2)), RNG.normal(size=(6, 2))
PLACES = np.array([[0.5, 1.2], [1.1, 2.5], [0.0, 3.0]])
SPLINE = si.make_interp_spline(X, np.stack([Y, Y * Y + 1]), 3, axis=1)
GRID = si.RegularGridInterpolator((np.arange(3.0), np.arange(4.0)), TABLE)
KERNELS = ("linear", "thin_plate_spline", "cubic", "quintic", "multiquadric", "inverse_multiquadric",
           "inverse_quadratic", "gaussian")


def longer(y: Any) -> Any:
    return np.concatenate([y, y[:1]])


CALLS: dict[str, list[Call]] = {
    "basis": [
        lambda x, y, m: si.BSpline(np.arange(11.0), longer(y), 2)(m + 3),
        lambda x, y, m: si.BSpline(np.arange(11.0), longer(y), 2)(m + 3, 1),
        lambda x, y, m: np.nan_to_num(si.BSpline(np.arange(11.0), longer(y), 2, extrapolate=False)(m[:2] + 1.5)),
        lambda x, y, m: si.BSpline(np.arange(11.0), longer(y), 2, extrapolate="periodic")(m * 5),
        lambda x, y, m: SPLINE(m), lambda x, y, m: SPLINE(m[0], 1) * y[0]],
    "splines": [
        *(lambda x, y, m, k=k: si.make_interp_spline(x, y, k)(m) for k in range(6)),
        *(lambda x, y, m, b=b: si.make_interp_spline(x, y, 3, bc_type=b)(m) for b in ("natural", "clamped")),
        lambda x, y, m: si.make_interp_spline(x, y, 5, bc_type=([(1, 0.3), (2, 0.0)], [(1, y[0]), (3, 0.1)]))(m),
        lambda x, y, m: si.make_interp_spline(x, np.stack([y, y * y]), 3, axis=1)(m),
        lambda x, y, m: si.make_interp_spline(x, y).integrate(m[0], m[2]),
        lambda x, y, m: si.splev(m, si.splrep(x, y)), lambda x, y, m: si.splev(m * 2, si.splrep(x, y), ext=3),
        lambda x, y, m: si.splev(m * 2, si.splrep(x, y), ext=1), lambda x, y, m: si.UnivariateSpline(x, y, s=0)(m)],
    "lines": [
        *(lambda x, y, m, k=k: si.interp1d(x, y, kind=k)(m) for k in (
            "nearest", "previous", "next", "zero", "slinear", "quadratic", "cubic", "nearest-up")),
        lambda x, y, m: si.interp1d(x, np.stack([y, y * y]), kind="cubic")(m[:2]),
        lambda x, y, m: si.interp1d(x, np.stack([y, y * y], 1), axis=0, fill_value=(0.0, 1.0),
                                    bounds_error=False)(2 * m)],
    "grids": [
        lambda x, y, m: si.RegularGridInterpolator((x, m), np.outer(y, m))(np.stack([m + 0.1, m - 0.1], 1)[1:4]),
        lambda x, y, m: si.interpn((x, m), np.outer(y, m), np.stack([m, m], 1)[1:4] + 0.01, method="nearest"),
        lambda x, y, m: GRID(PLACES[:2] * (m[0] + 0.8)),
        lambda x, y, m: si.interpn((x, m), np.outer(y, m), (2 * m, m[0] + 0.1), bounds_error=False, fill_value=7.0),
        lambda x, y, m: si.RegularGridInterpolator((np.arange(7.0)[::-1],), y)(m)],
    "radial": [
        *(lambda x, y, m, k=k: si.RBFInterpolator(SITES * m[0], y[:6], kernel=k, epsilon=1.3)(PLACES) for k in KERNELS),
        lambda x, y, m: si.RBFInterpolator(SITES, np.stack([y, x], 1)[:6], smoothing=m[0], degree=-1)(PLACES * m[1])],
    "polynomials": [
        lambda x, y, m: si.BarycentricInterpolator(x, y)(m), lambda x, y, m: si.krogh_interpolate(x, y, m),
        lambda x, y, m: si.BarycentricInterpolator(x, np.stack([y, y]), axis=1)(x[2])],
    "bands": [
        lambda x, y, m: sl.solve_banded((1, 2), BANDS * m[0], y),
        lambda x, y, m: sl.solve_banded((0, 0), BANDS[1:2], y),
        lambda x, y, m: sl.solve_banded((2, 1), BANDS[::-1] * m[0], np.outer(y, m)),
        lambda x, y, m: sl.solveh_banded(POSITIVE, y * m[0]),
        lambda x, y, m: sl.solveh_banded(POSITIVE[::-1] * m[0], y, lower=True)],
}


@pytest.mark.thinned
@pytest.mark.parametrize("name", CALLS)
def test_values(name: str) -> None:
    check_values(CALLS[name][::1 if name == "basis" else 3], ARGS, 1e-9)


@pytest.mark.parametrize("name", ["basis", "grids", "bands"])
def test_gradients(name: str) -> None:
    check_gradients(CALLS[name][:1], ARGS, 1e-5)


@pytest.mark.slow
@pytest.mark.parametrize(("name", "k"), [(n, k) for n, calls in CALLS.items() for k in range(len(calls))])
def test_all(name: str, k: int) -> None:
    check_values(CALLS[name][k:k + 1], ARGS, 1e-9)
    check_gradients(CALLS[name][k:k + 1], ARGS, 1e-5)


@pytest.mark.slow
def test_many_rows_with_a_few_diagonals_are_eliminated() -> None:
    n = 70
    bands, right = RNG.normal(size=(4, n)), RNG.normal(size=n)
    spread = np.abs(RNG.normal(size=(2, n))) * 0.2 + np.array([[0.0], [5.0]])
    calls: list[Call] = [lambda a, p, b: sl.solve_banded((2, 1), a, b), lambda a, p, b: sl.solveh_banded(p, b)]
    for f in calls:
        check_values([f], [bands, spread, right], 1e-8)
        check_gradients([f], [bands, spread, right], 1e-5)


def test_errors() -> None:
    with pytest.raises(np.linalg.LinAlgError, match="not positive definite"):
        gj.jit(lambda p: sl.solveh_banded(p, Y))(-POSITIVE)
    with pytest.raises(ValueError, match="out of bounds in dimension 1"):
        gj.jit(lambda p: GRID(p))(np.array([[0.5, 7.0]]))
    with pytest.raises(gj.UnsupportedError, match=r"UnivariateSpline is not supported: of traced samples but with s=0"):
        gj.jit(lambda y: si.UnivariateSpline(X, y)(0.3))(Y)
