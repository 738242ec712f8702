"""Matrices of few rows, whose factorisations are written out, against LAPACK through NumPy and SciPy."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import scipy.linalg as sl

import gradjit as gj
from gradjit.ir import OPS

RNG = np.random.default_rng(5)
SIZES = (1, 2, 3, 4)


def matrices(n: int) -> np.ndarray:
    """Some of any kind, of whole numbers (with equal pivots), with zeros on the diagonal, and badly scaled ones."""
    any_kind, whole = RNG.normal(size=(8, n, n)), RNG.integers(-2, 3, size=(30, n, n)).astype(float)
    hollow = RNG.normal(size=(4, n, n)) * (1 - np.eye(n)) if n > 1 else any_kind
    found = np.concatenate([any_kind, whole, hollow, any_kind * np.logspace(-150, 150, n)[:, None]])
    return found[np.abs(np.linalg.det(found / np.abs(found).max(axis=(1, 2), keepdims=True))) > 1e-280]


@pytest.mark.thinned
@pytest.mark.parametrize("n", SIZES)
@pytest.mark.parametrize("dtype", [np.float64, np.float32])
def test_as_lapack(n: int, dtype: Any) -> None:
    stack = matrices(n)[:38].astype(dtype)
    stack = stack[np.linalg.cond(stack) < 1e4]
    b = RNG.normal(size=(n, 3)).astype(dtype)
    accuracy = 100 * float(np.finfo(dtype).eps)
    solve, inverse, det = gj.jit(np.linalg.solve), gj.jit(np.linalg.inv), gj.jit(np.linalg.slogdet)
    for a in stack:
        x = solve(a, b)
        assert np.linalg.norm(a @ x - b) <= accuracy * np.linalg.norm(a) * np.linalg.norm(x)
    tolerance = {"rtol": accuracy * 1e4, "atol": accuracy * 1e4}
    np.testing.assert_allclose(inverse(stack), np.linalg.inv(stack), **tolerance)
    for x, y in zip(det(stack), np.linalg.slogdet(stack), strict=True):
        np.testing.assert_allclose(x, y, **tolerance)
    positive = stack @ np.swapaxes(stack, -1, -2) + np.eye(n, dtype=dtype)
    np.testing.assert_allclose(gj.jit(np.linalg.cholesky)(positive), np.linalg.cholesky(positive), **tolerance)
    for trans in ("N", "T"):
        for lower in (True, False):
            def f(a: Any, b: Any, lower: bool = lower, trans: str = trans) -> Any:
                return sl.solve_triangular(a, b, lower=lower, trans=trans)

            np.testing.assert_allclose(gj.jit(f)(positive[0], b), f(positive[0], b), **tolerance)


@pytest.mark.parametrize("n", SIZES)
def test_pivots(n: int) -> None:
    """Rows are exchanged for the same pivots, the first of equal ones."""
    factor = gj.jit(sl.lu_factor)
    for a in matrices(n):
        (lu, pivots), (expected, order) = factor(a), sl.lu_factor(a)
        assert np.array_equal(pivots, order)
        np.testing.assert_allclose(lu, expected, rtol=1e-11, atol=1e-13 * np.abs(a).max())


@pytest.mark.parametrize("n", SIZES)
def test_singular(n: int) -> None:
    singular = np.outer(np.arange(1.0, n + 1), np.ones(n)) * (n > 1)
    for f in (np.linalg.inv, lambda a: np.linalg.solve(a, np.ones(n))):
        with pytest.raises(np.linalg.LinAlgError, match="Singular"):
            gj.jit(f)(singular)
    with pytest.raises(np.linalg.LinAlgError, match="positive definite"):
        gj.jit(np.linalg.cholesky)(-np.eye(n))
    hollow = np.diag(np.full(n, np.nan))
    assert np.array_equal(gj.jit(np.linalg.cholesky)(hollow), np.linalg.cholesky(hollow), equal_nan=True)
    assert gj.jit(np.linalg.det)(singular) == 0
    assert gj.jit(np.linalg.slogdet)(singular) == (0, -np.inf)


@pytest.mark.parametrize("n", [2, 4])
def test_derivatives(n: int) -> None:
    a, b = RNG.normal(size=(2, n, n)) + 2 * np.eye(n), RNG.normal(size=(2, n, 2))
    gj.check_grads(lambda a, b: np.sum(np.linalg.solve(a, b) ** 2), a, b)
    gj.check_grads(lambda a: np.sum(np.linalg.cholesky(a @ np.swapaxes(a, -1, -2) + np.eye(n)) ** 3), a)


@pytest.mark.parametrize("dtype", [np.float64, np.float32])
@pytest.mark.parametrize("n", SIZES)
def test_many_right_hand_sides(n: int, dtype: Any) -> None:
    """Those that stand side by side are taken several at once: to the same bits as one alone."""
    a = np.tril(RNG.normal(size=(n, n)) + 4 * np.eye(n)).astype(dtype)
    square = (a + a.T).astype(dtype)
    for m in (1, 2, 3, 4, 5, 8, 9, 31, 40):
        b = RNG.normal(size=(n, m)).astype(dtype)
        for lower, trans in ((True, "N"), (True, "T"), (False, "N")):
            def f(a: Any, b: Any, lower: bool = lower, trans: str = trans) -> Any:
                return sl.solve_triangular(a, b, lower=lower, trans=trans)

            t = a if lower else a.T.copy()
            compiled = gj.jit(f)
            found = compiled(t, b)
            alone = np.concatenate([compiled(t, b[:, k:k + 1]) for k in range(m)], axis=1)
            assert found.tobytes() == alone.tobytes()
            np.testing.assert_allclose(found, f(t, b), rtol=1e-3 if dtype is np.float32 else 1e-10)
        np.testing.assert_allclose(square @ gj.jit(np.linalg.solve)(square, b), b,
                                   atol=1e-3 if dtype is np.float32 else 1e-11)
    wide = gj.jit(lambda a, b: sl.solve_triangular(a, b, lower=True), sizes="any")
    for m in (9, 4, 3, 1, 17):
        b = RNG.normal(size=(n, m)).astype(dtype)
        np.testing.assert_allclose(wide(a, b), sl.solve_triangular(a, b, lower=True),
                                   rtol=1e-3 if dtype is np.float32 else 1e-10)


@pytest.mark.parametrize("dtype", [np.float64, np.float32])
@pytest.mark.parametrize("n", [5, 7, 8, 9, 16, 31, 64, 65, 73, 128, 129, 200])
def test_panels(n: int, dtype: Any) -> None:
    """Cholesky's factorisation and its reverse, with whole panels and tiles and with parts of them."""
    a, weights = RNG.normal(size=(2, n, n)).astype(dtype)
    s = a @ a.T + n * np.eye(n, dtype=dtype)
    factor, few = np.linalg.cholesky(s.astype(float)), 20 * float(np.finfo(dtype).eps)
    found = gj.jit(np.linalg.cholesky)(s)
    assert np.abs(found - factor).max() <= few * np.abs(factor).max()
    assert not np.triu(found, 1).any()
    gradient = gj.grad(lambda s: np.sum(np.linalg.cholesky(s) * weights))(s)
    expected = OPS["cholesky_cotangent"].evaluate(factor, np.tril(weights.astype(float)))
    assert np.abs(gradient - expected).max() <= few * np.abs(expected).max()
    for k in (0, n // 2, n - 1):
        bad = s.copy()
        bad[k, k] = np.nan
        assert np.array_equal(np.isnan(gj.jit(np.linalg.cholesky)(bad)), np.isnan(np.linalg.cholesky(bad)))
        for wrong in (-1.0, 0.0):
            bad[k, k] = wrong
            with pytest.raises(np.linalg.LinAlgError, match="positive definite"):
                gj.jit(np.linalg.cholesky)(bad)
