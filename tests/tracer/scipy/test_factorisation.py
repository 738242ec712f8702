"""scipy.linalg's factorisations and functions of matrices, and numpy.linalg's, compiled: values and gradients."""

from __future__ import annotations

import numpy as np
import pytest
import scipy.linalg as sl
import scipy.sparse.linalg as ssl

import gradjit as gj
from gradjit.errors import LinAlgError
from tests.tracer.scipy.calls import Call, check_gradients, check_values

A = np.array([[2.0, 0.3, 0.1], [0.4, 1.5, 0.2], [0.3, 0.6, 1.8]])
X = np.array([[0.7, 1.2, -0.4], [0.3, -0.8, 1.1], [1.3, 0.2, 0.6], [-0.5, 0.9, 0.4]])
V, B = np.array([1.2, 0.7, 2.1]), np.array([[0.4, 1.5], [0.9, -0.3], [1.1, 0.6]])

SYSTEMS: list[Call] = [
    lambda a, x, v, b: np.linalg.solve(a, v), lambda a, x, v, b: np.linalg.solve(a, b),
    lambda a, x, v, b: np.linalg.inv(a), lambda a, x, v, b: np.linalg.det(a),
    lambda a, x, v, b: np.linalg.det(x @ a @ x.T),
    lambda a, x, v, b: np.linalg.slogdet(a)[1], lambda a, x, v, b: np.linalg.matrix_power(a, -2),
    lambda a, x, v, b: sl.solve(a, b, transposed=True), lambda a, x, v, b: sl.solve(a @ a.T, v, assume_a="pos"),
    lambda a, x, v, b: sl.solve(a, v, assume_a="sym", lower=True),
    lambda a, x, v, b: sl.solve(a, v, assume_a="diagonal"),
    lambda a, x, v, b: sl.solve(a, b, assume_a="lower triangular"), lambda a, x, v, b: sl.inv(a),
    lambda a, x, v, b: sl.det(a), lambda a, x, v, b: sl.lu_factor(a)[0], lambda a, x, v, b: sl.lu(a)[1],
    lambda a, x, v, b: sl.lu(a, permute_l=True)[0], lambda a, x, v, b: sl.lu_solve(sl.lu_factor(a), v),
    lambda a, x, v, b: sl.lu_solve(sl.lu_factor(a), b, trans=1), lambda a, x, v, b: sl.solve_toeplitz(v, b),
    lambda a, x, v, b: sl.solve_circulant(v, b), lambda a, x, v, b: sl.orthogonal_procrustes(a, a * v)[0],
]
FACTORS: list[Call] = [
    lambda a, x, v, b: np.linalg.cholesky(a @ a.T), lambda a, x, v, b: sl.cholesky(a @ a.T),
    lambda a, x, v, b: np.tril(sl.cho_factor(a @ a.T, lower=True)[0]),
    lambda a, x, v, b: sl.cho_solve(sl.cho_factor(a @ a.T), v), lambda a, x, v, b: sl.cho_solve((a, True), b),
    lambda a, x, v, b: sl.solve_triangular(a, b, lower=True), lambda a, x, v, b: sl.solve_triangular(a, v, trans="T"),
    lambda a, x, v, b: np.abs(sl.qr(x, mode="economic")[0]), lambda a, x, v, b: np.abs(sl.qr(x)[1]),
    lambda a, x, v, b: np.abs(sl.rq(a)[0]), lambda a, x, v, b: np.abs(np.linalg.qr(x.T)[1]),
    lambda a, x, v, b: np.linalg.svd(x)[1], lambda a, x, v, b: np.abs(np.linalg.svd(x)[0][:, :3]),
    lambda a, x, v, b: np.abs(np.linalg.svd(x.T, full_matrices=False)[2]), lambda a, x, v, b: sl.svdvals(x),
    lambda a, x, v, b: np.linalg.norm(x, 2), lambda a, x, v, b: np.linalg.norm(x, "nuc"),
    lambda a, x, v, b: np.linalg.norm(x, -2), lambda a, x, v, b: np.linalg.cond(a),
    lambda a, x, v, b: np.linalg.cond(a, 1),
    lambda a, x, v, b: np.linalg.eigvalsh(a), lambda a, x, v, b: np.abs(np.linalg.eigh(a)[1]),
    lambda a, x, v, b: sl.eigh(a, eigvals_only=True, lower=False), lambda a, x, v, b: sl.eigvalsh(a, a @ a.T),
    lambda a, x, v, b: sl.eigh_tridiagonal(v, b[:2, 0], eigvals_only=True),
]
FUNCTIONS: list[Call] = [
    lambda a, x, v, b: np.linalg.pinv(x), lambda a, x, v, b: np.linalg.pinv(x.T), lambda a, x, v, b: sl.pinv(x),
    lambda a, x, v, b: sl.pinvh(a), lambda a, x, v, b: np.linalg.pinv(a, hermitian=True),
    lambda a, x, v, b: np.linalg.lstsq(x, x @ v)[0], lambda a, x, v, b: np.linalg.lstsq(x, x[:, 0] * x[:, 1])[1],
    lambda a, x, v, b: sl.expm(9.0 * a), lambda a, x, v, b: sl.sqrtm(a), lambda a, x, v, b: sl.polar(x)[0],
    lambda a, x, v, b: sl.solve_sylvester(a, b.T @ b, b), lambda a, x, v, b: sl.solve_continuous_lyapunov(a, a * v),
    lambda a, x, v, b: sl.solve_discrete_lyapunov(0.3 * a, a * v, method="bilinear"),
    lambda a, x, v, b: np.abs(sl.null_space(x.T)),
]
SOME: list[Call] = [
    lambda a, x, v, b: np.linalg.pinv(x), lambda a, x, v, b: np.linalg.lstsq(x, x[:, 0] * x[:, 1])[1],
    lambda a, x, v, b: sl.expm(9.0 * a), lambda a, x, v, b: sl.polar(x)[0],
    lambda a, x, v, b: sl.solve_sylvester(a, b.T @ b, b), lambda a, x, v, b: np.abs(sl.null_space(x.T)),
]
MORE: list[Call] = [
    lambda a, x, v, b: sl.lstsq(x, np.exp(x))[0], lambda a, x, v, b: sl.expm(a),
    lambda a, x, v, b: ssl.expm_multiply(a, v), lambda a, x, v, b: ssl.expm(0.5 * a),
    lambda a, x, v, b: np.abs(sl.orth(x)),
    lambda a, x, v, b: sl.expm(np.stack([a, 7.0 * a])), lambda a, x, v, b: sl.expm_frechet(a, a.T * v)[1],
    lambda a, x, v, b: sl.solve_discrete_lyapunov(0.3 * a, a * v), lambda a, x, v, b: sl.polar(a, side="left")[1],
    lambda a, x, v, b: sl.cosm(a), lambda a, x, v, b: sl.sinm(a), lambda a, x, v, b: sl.tanhm(a),
]
LOGARITHMS: list[Call] = [
    lambda a, x, v, b: sl.funm(a, lambda t: t * np.sin(t)), lambda a, x, v, b: sl.logm(a),
    lambda a, x, v, b: sl.fractional_matrix_power(a, 0.3), lambda a, x, v, b: sl.signm(a),
]
GROUPS = {"systems": (SYSTEMS, 1e-11), "factors": (FACTORS, 1e-11), "some": (SOME, 1e-9),
          "functions": (FUNCTIONS, 1e-9), "more": (MORE, 1e-10), "logarithms": (LOGARITHMS, 1e-9)}
SLOW = ("functions", "more", "logarithms")


@pytest.mark.thinned
@pytest.mark.parametrize("group", [pytest.param(g, marks=pytest.mark.slow) if g in SLOW else g for g in GROUPS])
def test_values_and_gradients(group: str) -> None:
    calls, tolerance = GROUPS[group]
    check_values(calls, [A, X, V, B], tolerance)
    check_gradients(calls, [A, X, V, B])


ERRORS: list[tuple[Call, tuple[np.ndarray, ...], type[Exception], str]] = [
    (lambda a: sl.cholesky(a), (-A,), LinAlgError, "not positive definite"),
    (lambda a: sl.cho_factor(a), (A * np.nan,), ValueError, "infs or NaNs"),
    (lambda a, v: sl.solve_triangular(a, v), (A * 0, V), LinAlgError, "Singular"),
    (lambda a, v: sl.solve(a, v), (A * 0, V), LinAlgError, "Singular"),
    (lambda a, v: sl.solve(a, v), (X, V), LinAlgError, "square"),
    (lambda a, v: sl.solve(a, v[:2]), (A, V), ValueError, "do not fit together"),
    (lambda a: sl.funm(a, np.sqrt), (-A,), LinAlgError, "is complex"),
    (lambda a: sl.funm(a, np.exp), (np.eye(3) + np.eye(3, k=1),), LinAlgError, "base of eigenvectors"),
    (lambda a: sl.sqrtm(a), (-A,), LinAlgError, "no real square root"),
    (lambda a: sl.null_space(a), (np.ones((2, 3)),), LinAlgError,
     r"rank is not full.* for any rank write u, s, vt = np.linalg.svd\(A\).*vt\[rank:\].T"),
    (lambda a: sl.orth(a), (np.ones((2, 3)),), LinAlgError, r"rank is not full.*u\[:, :rank\]"),
    (lambda a, b: sl.solve_sylvester(a, -a, b), (A, A), LinAlgError, "no single solution"),
    (lambda v: sl.solve_circulant(v * 0 + 1.0, v), (V,), LinAlgError, "near singular"),
    (lambda a: np.asarray_chkfinite(a), (A * np.inf,), ValueError, "infs or NaNs"),
    (lambda a: sl.qr(np.stack([a, a]), pivoting=True), (A,), NotImplementedError, "scipy.linalg.qr"),
    (lambda a, v: sl.solve(a, v, assume_a="odd"), (A, V), ValueError, "not a recognized"),
]


@pytest.mark.parametrize("k", range(len(ERRORS)))
def test_errors(k: int) -> None:
    f, args, kind, words = ERRORS[k]
    with pytest.raises(kind, match=words) as caught:
        gj.jit(f)(*args)
    assert "test_factorisation.py" in str(caught.value)


def stationary(r: np.ndarray) -> np.ndarray:
    """Of a Markov chain: the null space of a square matrix, whose rank is one less than full."""
    q = np.array([[-r[0], r[0], 0], [r[1], -r[1] - r[2], r[2]], [0, r[0], -r[0]]])
    p = sl.null_space(q.T)[:, 0]
    return p / p.sum()


def test_the_null_space_of_a_square_matrix_is_as_large_as_it_is() -> None:
    rates, weights, h = np.array([1.0, 0.5, 0.3]), np.array([1.0, 2.0, 3.0]), 1e-5 * np.eye(3)
    f = lambda r: stationary(r) @ weights
    slope = gj.grad(f)
    np.testing.assert_allclose(gj.jit(stationary)(rates), stationary(rates), rtol=1e-12)
    np.testing.assert_allclose(slope(rates), [(f(rates + e) - f(rates - e)) / 2e-5 for e in h], rtol=1e-7)
    np.testing.assert_allclose(gj.grad(lambda r: slope(r)[0])(rates),
                               [(slope(rates + e)[0] - slope(rates - e)[0]) / 2e-5 for e in h], rtol=1e-6)
    plane = lambda s: sl.null_space(np.outer([1.0, 2, 3], [1.0, 1, 2]) * np.array([1, s, 1]))  # two equal zeros
    onto = lambda s: np.sum((plane(s) @ plane(s).T) * np.arange(9.0).reshape(3, 3))
    assert gj.jit(plane)(1.2).shape == (3, 2)
    assert gj.grad(onto)(1.2) == pytest.approx((onto(1.2 + 1e-6) - onto(1.2 - 1e-6)) / 2e-6, rel=1e-6)
    assert gj.jit(lambda a: sl.null_space(a))(np.eye(3)).shape == (3, 0)
