"""numpy.linalg's and scipy.linalg's functions of complex matrices, compiled: values and gradients, of the factors
themselves: LAPACK's vectors have a row that is real, from which their directions follow."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import scipy.linalg as sl

import gradjit as gj
from tests.tracer.scipy.calls import Call, check_gradients, check_values

RNG = np.random.default_rng(11)
RE, IM = RNG.normal(size=(3, 3)) + 3 * np.eye(3), RNG.normal(size=(3, 3))
V = RNG.normal(size=3)


def planes(z: Any) -> Any:
    return np.stack([np.real(z), np.imag(z)])


def hermitian(z: Any) -> Any:
    return z @ np.conj(z.T) + np.eye(3)


FACTORS: list[Call] = [
    lambda z, v: np.linalg.cholesky(hermitian(z)), lambda z, v: np.linalg.cholesky(hermitian(z), upper=True),
    lambda z, v: sl.cholesky(hermitian(z)), lambda z, v: sl.cho_factor(hermitian(z), lower=True)[0],
    lambda z, v: sl.cho_solve(sl.cho_factor(hermitian(z)), v), lambda z, v: sl.solve_triangular(z, v),
    lambda z, v: sl.solve_triangular(z, z @ v, trans="T", lower=True),
    lambda z, v: sl.solve_triangular(z, v, trans="C", unit_diagonal=True),
    lambda z, v: sl.lu_factor(z)[0], lambda z, v: sl.lu(z)[1], lambda z, v: sl.lu_solve(sl.lu_factor(z), v, trans=2),
    lambda z, v: sl.lu_solve(sl.lu_factor(z), v, trans=1), lambda z, v: sl.solve(hermitian(z), v, assume_a="pos"),
    lambda z, v: sl.solve(z + z.T, v, assume_a="sym"), lambda z, v: sl.solve(hermitian(z), v, assume_a="her"),
    lambda z, v: np.linalg.qr(z)[0], lambda z, v: np.linalg.qr(z)[1], lambda z, v: np.linalg.qr(z[:, :2], "r"),
    lambda z, v: np.linalg.qr(z[:2])[1], lambda z, v: np.linalg.qr(np.stack([z, z.T]))[0],
]
SPECTRA: list[Call] = [
    lambda z, v: np.linalg.svd(z)[0], lambda z, v: np.linalg.svd(z[:, :2], full_matrices=False)[2],
    lambda z, v: np.linalg.svd(z[:2], full_matrices=False)[0], lambda z, v: sl.svdvals(z) + 0j,
    lambda z, v: np.linalg.norm(z, "nuc") + 0j, lambda z, v: np.linalg.cond(z) + 0j,
    lambda z, v: np.linalg.eigh(hermitian(z))[1], lambda z, v: np.linalg.eigh(hermitian(z), "U")[1],
    lambda z, v: sl.eigh(z + np.conj(z.T), hermitian(z), eigvals_only=True) + 0j,
    lambda z, v: np.linalg.pinv(z[:, :2]), lambda z, v: np.linalg.pinv(z[:2]),
    lambda z, v: np.linalg.pinv(hermitian(z), hermitian=True), lambda z, v: sl.pinvh(hermitian(z)),
    lambda z, v: np.linalg.lstsq(z[:, :2], z @ v)[0], lambda z, v: np.linalg.lstsq(z[:, :2], v)[1] + 0j,
    lambda z, v: sl.solve_sylvester(z, z.T, z * v), lambda z, v: sl.solve_continuous_lyapunov(z, hermitian(z)),
    lambda z, v: sl.sqrtm(z), lambda z, v: sl.polar(z[:, :2])[0], lambda z, v: sl.polar(z[:2], "left")[1],
    lambda z, v: sl.solve_toeplitz(v + z[0], v),
    lambda z, v: sl.expm(z), lambda z, v: sl.cosm(z), lambda z, v: sl.expm_frechet(z, z.T)[1],
    lambda z, v: sl.solve_discrete_lyapunov(0.1 * z, hermitian(z), method="direct"),
]


SOME: list[Call] = [
    lambda z, v: np.linalg.cholesky(hermitian(z)), lambda z, v: sl.solve_triangular(z, v, trans="T"),
    lambda z, v: sl.lu_factor(z)[0], lambda z, v: np.linalg.qr(z[:, :2])[0], lambda z, v: np.linalg.svd(z)[0],
    lambda z, v: np.linalg.pinv(z[:, :2]), lambda z, v: np.linalg.eigh(hermitian(z))[1],
    lambda z, v: sl.solve_sylvester(z, z.T, z * v),
]


@pytest.mark.parametrize("calls", [
    pytest.param(FACTORS, id="factors", marks=pytest.mark.slow),
    pytest.param(SPECTRA, id="spectra", marks=pytest.mark.slow), pytest.param(SOME, id="some")])
def test_values_and_gradients(calls: list[Call]) -> None:
    of_planes = [lambda re, im, v, f=f: planes(f(re + 1j * im, v)) for f in calls]
    check_values(of_planes, [RE, IM, V], 1e-9)
    check_gradients(of_planes, [RE, IM, V])


def test_a_column_whose_real_row_is_zero_does_not_turn() -> None:
    """Of a block matrix some vectors have a zero where LAPACK's are real: what does not depend on directions still has
    its derivative."""
    h = np.array([[2.0, 0, 0], [0, 1.0, 0.5j], [0, -0.5j, 1.5]])

    def projected(a: Any) -> Any:
        v = np.linalg.eigh(a)[1]
        return np.real((v[:, :1] @ np.conj(v[:, :1].T))[1, 2] * (1 + 2j))

    gradient, step = gj.grad(projected)(h), 1e-6
    for i, j, d in ((1, 1, 1.0), (2, 1, 1.0), (2, 1, 1j), (1, 0, 1j)):
        change = np.zeros((3, 3), complex)
        change[i, j] = d * step
        slope = (projected(h + change) - projected(h - change)) / (2 * step)
        np.testing.assert_allclose(np.real(np.conj(d) * gradient[i, j]), slope, atol=1e-8)


def test_what_is_not_positive_definite_is_an_error() -> None:
    with pytest.raises(np.linalg.LinAlgError, match="not positive definite"):
        gj.jit(lambda a: np.linalg.cholesky(a))(-np.eye(2) + 0j)
