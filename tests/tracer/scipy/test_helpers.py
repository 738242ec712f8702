"""scipy.linalg's matrices of elements, scipy.integrate's rules, scipy.spatial's distances."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import scipy.integrate as sq
import scipy.interpolate as si
import scipy.linalg as sl
import scipy.spatial.distance as sd
from scipy.spatial import procrustes

import gradjit as gj
from gradjit.errors import UnsupportedError
from gradjit.tracer.scipy import RULES
from gradjit.tracer.scipy.written_loops import looped, zeros
from tests.tracer.scipy.calls import Call, check_gradients, check_values

X, Y = np.array([0.7, -1.2, 2.3, 0.1, 1.4]), np.array([1.0, 0.4, -0.3, 2.2, 0.9])
A, B = np.array([[0.3, 1.2, -0.7], [2.1, 0.4, 0.9]]), np.array([[1.3, -0.2, 0.5], [0.1, 0.8, 1.9]])

MATRICES: list[Call] = [
    lambda x, y, a, b: sl.toeplitz(x), lambda x, y, a, b: sl.toeplitz(x, y[:3]), lambda x, y, a, b: sl.hankel(x),
    lambda x, y, a, b: sl.hankel(x[:2], y), lambda x, y, a, b: sl.circulant(x), lambda x, y, a, b: sl.companion(x),
    lambda x, y, a, b: sl.leslie(x, x[1:]), lambda x, y, a, b: sl.fiedler(x),
    lambda x, y, a, b: sl.convolution_matrix(x, 2, "same"), lambda x, y, a, b: sl.convolution_matrix(x, 5, "valid"),
    lambda x, y, a, b: sl.matmul_toeplitz(x, x), lambda x, y, a, b: np.asarray_chkfinite(x),
    lambda x, y, a, b: sl.block_diag(a, x, b), lambda x, y, a, b: sl.block_diag(a, np.arange(2.0)),
    lambda x, y, a, b: sl.khatri_rao(a, b),
]
INTEGRALS: list[Call] = [
    lambda x, y, a, b: sq.trapezoid(x), lambda x, y, a, b: sq.trapezoid(x, np.cumsum(np.exp(y))),
    lambda x, y, a, b: sq.simpson(x), lambda x, y, a, b: sq.simpson(x[:4], x=np.cumsum(np.exp(y))[:4]),
    lambda x, y, a, b: sq.simpson(x, x=np.cumsum(np.exp(y))), lambda x, y, a, b: sq.simpson(a, axis=0),
    lambda x, y, a, b: sq.simpson(a, dx=0.3), lambda x, y, a, b: sq.cumulative_trapezoid(x),
    lambda x, y, a, b: sq.cumulative_trapezoid(a, axis=0, initial=0), lambda x, y, a, b: sq.romb(x, dx=0.2),
    lambda x, y, a, b: sq.fixed_quad(lambda t: np.exp(-t * x[0]), 0.0, y[0])[0],
]
DISTANCES: list[Call] = [
    *(lambda x, y, a, b, m=m: sd.cdist(a, b, m) for m in ("euclidean", "sqeuclidean", "cityblock", "chebyshev",
                                                          "cosine", "correlation", "canberra", "braycurtis")),
    lambda x, y, a, b: sd.cdist(a, b, "minkowski", p=3), lambda x, y, a, b: sd.pdist(np.concatenate([a, b])),
    lambda x, y, a, b: sd.squareform(x[:3]), lambda x, y, a, b: sd.squareform(sd.squareform(x[:3])),
    *(lambda x, y, a, b, f=f: f(x, y) for f in (sd.euclidean, sd.cosine, sd.cityblock, sd.correlation, sd.canberra)),
    lambda x, y, a, b: procrustes(a, b)[1], lambda x, y, a, b: procrustes(a, np.sin(3 * b))[2],
    lambda x, y, a, b: sd.minkowski(x, y, 3), lambda x, y, a, b: sd.euclidean(x, y, np.arange(1.0, 6.0)),
]


@pytest.mark.thinned
@pytest.mark.parametrize("calls", [MATRICES, INTEGRALS, DISTANCES], ids=["linalg", "integrate", "spatial"])
def test_values_and_gradients(calls: list[Call]) -> None:
    check_values(calls, [X, Y, A, B])
    check_gradients(calls, [X, Y, A, B])


def test_the_distance_of_equal_points_has_no_direction() -> None:
    gradient = gj.grad(lambda a: np.sum(sd.cdist(a, a)))(A)
    assert np.all(np.isfinite(gradient))


KNOTS = np.array([0.0, 1.0, 0.2, 0.5, 0.8])


def test_linear_interpolation() -> None:
    places = np.array([0.05, 0.33, 0.9])
    calls: list[Call] = [
        lambda y, m: si.interp1d(KNOTS, y)(m), lambda y, m: si.interp1d(KNOTS, y, fill_value="extrapolate")(2 * m),
        lambda y, m: si.interp1d(KNOTS, y, bounds_error=False, fill_value=0.5)(2 * m)]
    check_values([*calls, lambda y, m: si.interp1d(KNOTS, y, bounds_error=False)(2 * m)], [Y, places])
    check_gradients(calls, [Y, places])
    with pytest.raises(ValueError, match="outside of the interpolation range"):
        gj.jit(calls[0])(Y, 2 * places)
    one = [lambda y, m: si.interp1d([0.25], y[:1], bounds_error=False)(np.where(m > 0.5, m, 0.25)),
           lambda y, m: si.interp1d([0.25], y[:1], bounds_error=False, fill_value=(1.0, 2.0))(m)]
    check_values(one, [Y, places])
    with pytest.raises(UnsupportedError, match=r"interp1d.*kind='tenth'"):
        gj.jit(lambda y: si.interp1d(KNOTS, y, "tenth")(0.3))(Y)


SORTED, SURFACE = np.sort(KNOTS), np.arange(30.0).reshape(2, 5, 3) ** 1.5


@pytest.mark.parametrize("kind", ["linear", "nearest", "nearest-up", "previous", "next", "zero", "slinear", "quadratic",
                                  "cubic", 4])
def test_interpolants_that_scipy_has_made(kind: Any) -> None:
    heights = SURFACE[0, :, 0]
    one = si.interp1d(SORTED, heights, kind)
    planes = si.interp1d(SORTED, SURFACE, kind, axis=1, bounds_error=False, fill_value=np.arange(6.0).reshape(2, 3))
    sides = si.interp1d(SORTED, heights, kind, bounds_error=False, fill_value=(-1.0, 7.0))
    inside, far = np.array([0.05, 0.33, 0.88]), np.array([-1.0, 0.7, 2.0])
    calls: list[Call] = [lambda m: one(m), lambda m: one(0.1 + 0 * m[0])]
    check_values(calls, [inside])
    check_values([lambda m: planes(m), lambda m: sides(m)], [far])
    if kind not in ("previous", "next", "zero"):
        beyond = si.interp1d(SORTED, SURFACE[0], kind, axis=0, fill_value="extrapolate")
        check_values([lambda m: beyond(m)], [far])
    check_gradients(calls[:1], [inside])
    with pytest.raises(ValueError, match="outside of the interpolation range"):
        gj.jit(calls[0])(far)


def test_an_interpolant_that_changes() -> None:
    line = si.interp1d(SORTED, SORTED**2)
    f, places = gj.jit(lambda m: line(m)), np.array([0.05, 0.33, 0.9])
    f(places)
    for change in (lambda: setattr(line, "y", 2 * line.y), lambda: line.y.__setitem__(2, 5.0),
                   lambda: setattr(line, "fill_value", 3.0), lambda: setattr(line, "bounds_error", False)):
        change()
        np.testing.assert_allclose(f(places), line(places))
    np.testing.assert_allclose(f(9 * places), line(9 * places))


def test_refusals() -> None:
    krogh, radial = si.KroghInterpolator(SORTED, SORTED), si.RBFInterpolator(SORTED[:, None], SORTED)
    with pytest.raises(UnsupportedError, match=r"KroghInterpolator .*made outside.* make it inside"):
        gj.jit(lambda m: krogh(m))(X)
    with pytest.raises(UnsupportedError, match=r"RBFInterpolator wants the elements[^$]*make it inside"):
        gj.jit(lambda m: radial(m))(X[:, None])
    with pytest.raises(UnsupportedError, match=r"metric='jaccard'"):
        gj.jit(lambda a: sd.cdist(a, a, "jaccard"))(A)
    with pytest.raises(UnsupportedError, match=r"scipy\.integrate\.romb"):
        gj.jit(lambda x: sq.romb(x[:4]))(X)


# what the rules are made of -------------------------------------------------------------------------------------------
def _written(x: Any, out: Any) -> Any:
    for k in range(len(x)):
        out[k] = 2 * x[k]
    return out


@pytest.mark.parametrize("make", [np.zeros, zeros])
def test_a_loop_of_a_rule_does_not_write_to_numpys_own_arrays(make: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """What the rule holds would stay zero."""
    def rule(x: Any) -> Any:
        out = make(5)
        looped(_written)(x, out)
        return out

    monkeypatch.setitem(RULES, ("scipy.linalg._special_matrices", "circulant"), rule)
    f = gj.jit(lambda x: sl.circulant(x))
    if make is zeros:
        np.testing.assert_array_equal(f(X), 2 * X)
        return
    with pytest.raises(AssertionError, match="_written writes to its argument 1, an array of NumPy's own"):
        f(X)
