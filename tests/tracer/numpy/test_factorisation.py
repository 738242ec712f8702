"""numpy.linalg's factorisations against NumPy: values, dtypes, shapes, errors."""

from __future__ import annotations

import numpy as np
import pytest

from tests.tracer.numpy.harness import Case, by_function, case, check_all

RNG = np.random.default_rng(14)


def r(*shape: int) -> np.ndarray:
    return np.asarray(RNG.normal(size=shape))


def definite(*shape: int) -> np.ndarray:
    x = r(*shape)
    return x @ x.swapaxes(-1, -2) + np.eye(shape[-1])


S3, S1, T3, I2, F3 = r(3, 3), r(1, 1), r(2, 3, 3), np.array([[1, 2], [3, 5]]), r(3, 3).astype("f")
TALL, FLAT, EMPTY, NONE, BAD = r(5, 3), r(3, 5), np.zeros((0, 0)), np.zeros((0, 3, 3)), np.zeros((2, 3))
SAME, SYMMETRIC, P3, V3 = np.ones((3, 3)), S3 + S3.T, definite(3, 3), r(3)
SQUARES = (S3, S1, T3, I2, F3, EMPTY, NONE, BAD, V3, r(2, 4, 3, 3), np.float64(2.0),
           np.array([[True, False], [True, True]]))
L = np.linalg

CASES = [
    *(case(f, a, _tolerance=1e-10 if a is not F3 else 1e-4) for f in (L.inv, L.det, L.slogdet, L.eigvalsh)
      for a in SQUARES),
    *(case(f, SAME * 0) for f in (L.inv, L.det, L.slogdet)), case(L.inv, np.array([[1.0, 2.0], [2.0, 4.0]])),
    *(case(L.cholesky, a, _tolerance=1e-12) for a in (P3, definite(2, 2, 2), P3.astype("f"), EMPTY, BAD, V3)),
    case(L.cholesky, P3, upper=True), case(L.cholesky, -P3), case(L.cholesky, np.array([[4, 2], [2, 3]])),
    *(case(L.solve, S3, b, _tolerance=1e-11) for b in (V3, r(3, 2), r(3, 0), r(4), r(2, 3, 4), np.arange(3),
                                                      V3.astype("f"), np.float64(1.0))),
    case(L.solve, T3, V3, _tolerance=1e-11), case(L.solve, T3, r(2, 3, 1), _tolerance=1e-11),
    case(L.solve, F3, V3.astype("f"), _tolerance=1e-4), case(L.solve, EMPTY, np.zeros(0)), case(L.solve, SAME * 0, V3),
    *(case(L.eigh, a, *u, _tolerance=1e-11) for a in (P3, T3, S1, EMPTY) for u in ((), ("U",))),
    case(L.eigh, P3, "X"), case(L.eigvalsh, S3, "u"),
    *(case(L.svd, a, full, _tolerance=1e-11) for a in (S3, TALL, T3, FLAT[:2, :3], EMPTY, np.zeros((3, 0)), S1)
      for full in (True, False)),
    case(L.svd, FLAT, compute_uv=False, _tolerance=1e-11), case(L.svd, SYMMETRIC, hermitian=True, _tolerance=1e-11),
    case(L.svd, V3), case(L.svdvals, T3, _tolerance=1e-11), case(L.svd, SYMMETRIC, True, False, True, _tolerance=1e-11),
    *(case(L.qr, a, mode, _tolerance=1e-11) for a in (S3, TALL, FLAT, r(2, 4, 2), EMPTY, S1, np.zeros((3, 0)))
      for mode in ("reduced", "complete", "r")),
    case(L.qr, S3, "raw", _refused="mode='raw'"), case(L.qr, S3, "x"),
    *(case(L.pinv, a, _tolerance=1e-10) for a in (S3, TALL, FLAT, T3, SAME, np.zeros((0, 2)))),
    case(L.pinv, SYMMETRIC, hermitian=True, _tolerance=1e-10), case(L.pinv, TALL, 0.5, _tolerance=1e-10),
    case(L.pinv, TALL, rtol=None, _tolerance=1e-10), case(L.pinv, TALL, 0.1, rtol=0.1),
    *(case(L.matrix_rank, a) for a in (S3, TALL, SAME, SAME * 0, T3, V3, V3 * 0, EMPTY)),
    case(L.matrix_rank, SAME, tol=4.0), case(L.matrix_rank, SYMMETRIC, hermitian=True),
    case(L.matrix_rank, S3, rtol=1.0),
    case(L.matrix_rank, S3, 1.0, rtol=1.0),
    *(case(L.cond, a, p, _tolerance=1e-10) for a in (S3, T3) for p in (None, 2, -2, 1, -1, np.inf, -np.inf, "fro")),
    case(L.cond, TALL, _tolerance=1e-10), case(L.cond, TALL, 1), case(L.cond, EMPTY), case(L.cond, SAME * 0, 1),
    case(L.lstsq, TALL, r(5), _tolerance=1e-10, _traced_only=True), case(L.lstsq, FLAT, r(3, 2), _tolerance=1e-10),
    case(L.lstsq, TALL, r(4)), case(L.lstsq, T3, V3),
    case(L.tensorsolve, r(2, 3, 6), r(2, 3), _tolerance=1e-10), case(L.tensorsolve, r(6, 2, 3), r(2, 3), axes=(0,)),
    case(L.tensorsolve, r(2, 3, 5), r(2, 3)), case(L.tensorinv, r(6, 2, 3), ind=1, _tolerance=1e-10),
    case(L.tensorinv, r(2, 3, 3, 2), _tolerance=1e-10), case(L.tensorinv, r(6, 2, 3), ind=0),
    case(L.tensorinv, r(6, 2, 3)),
]


@pytest.mark.thinned
@pytest.mark.parametrize("cases", by_function(CASES))
def test_function(cases: list[Case]) -> None:
    check_all(cases)
