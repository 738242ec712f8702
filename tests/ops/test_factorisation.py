"""Factorisations of matrices."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import scipy.linalg as sl

from gradjit.ir import I64, OPS, Builder, Value, interpret, matrices as m
from tests.ops.backends import COMPILED
from tests.ops.harness import Case, check

RNG = np.random.default_rng(12)


def normal(*shape: int) -> np.ndarray:
    return np.asarray(RNG.standard_normal(shape))


def positive(*shape: int) -> np.ndarray:
    """Positive definite matrices."""
    x = normal(*shape)
    return x @ np.swapaxes(x, -1, -2) + np.eye(shape[-1])


def scaled(a: np.ndarray, by: int) -> np.ndarray:
    """Other data of the same kind."""
    return a * (1 + by)


def triangular(*shape: int) -> np.ndarray:
    """Matrices far from singular; what stands in the other triangle is not read."""
    return normal(*shape) / 3 + np.diag(np.arange(1.0, shape[-1] + 1))


# Cholesky -------------------------------------------------------------------------------------------------------------
def covariance(b: Builder, x: Value) -> Value:
    """Of what is positive definite whatever x is."""
    return b.cholesky(b.add(m.product(b, x, x, ty=True), m.identity_like(b, m.product(b, x, x, ty=True))))


CASES = [Case("cholesky", (positive(*shape),), {}, np.linalg.cholesky, varied=scaled)
         for shape in ((1, 1), (3, 3), (2, 3, 3), (2, 1, 2, 2))]
CASES += [
    Case("cholesky", (normal(2, 3, 3),), {}, lambda x: np.linalg.cholesky(x @ x.swapaxes(-1, -2) + np.eye(3)),
         covariance, note="covariance"),
    Case("cholesky", (np.triu(normal(3, 3), 1) + np.tril(positive(3, 3)),), {}, np.linalg.cholesky, varied=scaled,
         note="lower triangle"),
    Case("cholesky", (np.zeros((0, 0)),), {}, np.linalg.cholesky, note="empty"),
    Case("cholesky", (np.zeros((0, 2, 2)),), {}, np.linalg.cholesky, note="none"),
]


def cotangent(a: np.ndarray, g: np.ndarray) -> np.ndarray:
    """By differences of <g, cholesky(a)>, in the lower triangle."""
    found = np.zeros_like(a)
    for i, j in zip(*np.tril_indices(len(a)), strict=True):
        d = np.zeros_like(a)
        d[i, j] = d[j, i] = 1e-5
        found[i, j] = np.sum(np.tril(g) * (np.linalg.cholesky(a + d) - np.linalg.cholesky(a - d))) / 2e-5
    return found


@pytest.mark.parametrize("n", [1, 15, 33, 300])
def test_the_reverse_of_cholesky_by_blocks(n: int) -> None:
    a, g = positive(n, n), normal(n, n)
    factor = np.linalg.cholesky(a)
    f = Case("cholesky_cotangent", (factor, g)).func()
    (compiled,), (meant,) = COMPILED["compiled"](f, (factor, g)), interpret(f, (factor, g))
    np.testing.assert_allclose(compiled, meant, rtol=0, atol=1e-11 * np.max(np.abs(meant)))
    if n < 20:
        np.testing.assert_allclose(meant, cotangent(a, g), rtol=1e-6, atol=1e-7)


CASES.append(Case("cholesky_cotangent", (np.linalg.cholesky(positive(2, 3, 3)), normal(2, 3, 3)), varied=scaled))


# triangles ------------------------------------------------------------------------------------------------------------
def substituted(lower: bool, trans: bool, unit: bool, checked: bool = True) -> Callable[..., Any]:
    def one(a: np.ndarray, b: np.ndarray) -> np.ndarray:
        return np.asarray(sl.solve_triangular(a, b, trans=int(trans), lower=lower, unit_diagonal=unit))

    return lambda a, b: np.reshape([one(p, q) for p, q in zip(a.reshape(-1, *a.shape[-2:]), b.reshape(
        -1, *b.shape[-2:]), strict=True)], b.shape)


def turned(b: Builder, a: Value, x: Value) -> Value:
    """A matrix that stands in columns, and a right-hand side that does."""
    return m.transposed(b, m.solved(b, m.transposed(b, a), m.transposed(b, x), lower=True))


for lower, trans, unit in ((False, False, False), (True, True, False), (False, True, True), (True, False, True)):
    CASES.append(Case("triangular_solve", (triangular(3, 3), normal(3, 2)),
                      {"lower": lower, "trans": trans, "unit": unit, "checked": lower},
                      substituted(lower, trans, unit), varied=scaled, note=f"{lower}-{trans}-{unit}"))
PLAIN = {"lower": True, "trans": False, "unit": False, "checked": True}
CASES += [
    Case("triangular_solve", (triangular(2, 3, 3), normal(2, 3, 1)), PLAIN, substituted(**PLAIN), varied=scaled),
    Case("triangular_solve", (triangular(3, 3), normal(2, 3)), {}, lambda a, x: sl.solve_triangular(a, x.T, trans=1).T,
         turned, varied=scaled, note="in columns"),
    Case("triangular_solve", (triangular(1, 1), normal(1, 3)), PLAIN, substituted(**PLAIN), varied=scaled),
    Case("triangular_solve", (np.zeros((0, 0)), np.zeros((0, 2))), PLAIN, lambda a, b: b, note="empty"),
    Case("triangular_solve", (triangular(2, 2), np.zeros((2, 0))), PLAIN, lambda a, b: b, note="no columns"),
]


# LU -------------------------------------------------------------------------------------------------------------------
def solution(trans: bool) -> Callable[..., Any]:
    def body(b: Builder, a: Value, x: Value) -> Value:
        lu, pivots, _ = b.lu(a)
        return b.lu_solve(a, lu, pivots, x, trans=trans, checked=True)

    return body


def determinant(log: bool) -> Callable[..., Any]:
    def body(b: Builder, a: Value) -> Value:
        lu, pivots, _ = b.lu(a)
        d = m.signed_product(b, lu, pivots)
        return b.det(b.log(b.abs(d)) if log else d, a, lu, pivots, log=log)

    return body


def packed(a: np.ndarray) -> tuple[np.ndarray, ...]:
    """SciPy's factors of one matrix."""
    lu, pivots = sl.lu_factor(a)
    rows = np.arange(len(a))
    for k, p in enumerate(pivots):
        rows[[k, p]] = rows[[p, k]]
    return lu, (pivots + 1).astype(np.int32), rows


def turned_solve(a: np.ndarray, x: np.ndarray) -> np.ndarray:
    return np.asarray(np.linalg.solve(a.swapaxes(-1, -2), x))


def stacked(f: Callable[..., Any]) -> Callable[..., Any]:
    return lambda *args: tuple(map(np.stack, zip(*(f(*a) for a in zip(*args, strict=True)), strict=True)))


SQUARE, STACK = normal(3, 3) + np.eye(3), normal(2, 3, 3) + 2 * np.eye(3)
CASES += [
    Case("lu", (SQUARE,), {}, packed, varied=scaled),
    Case("lu", (STACK,), {}, stacked(packed), varied=scaled),
    Case("lu", (normal(1, 1),), {}, packed, varied=scaled),
    Case("lu_solve", (SQUARE, normal(3, 2)), {}, np.linalg.solve, solution(False), varied=scaled),
    Case("lu_solve", (STACK, normal(2, 3, 1)), {}, turned_solve, solution(True), varied=scaled, note="transposed"),
    Case("lu_solve", (np.zeros((0, 0)), np.zeros((0, 2))), {}, lambda a, x: x, solution(False), note="empty"),
    Case("det", (SQUARE,), {}, np.linalg.det, determinant(False), varied=scaled),
    Case("det", (STACK,), {}, lambda a: np.linalg.slogdet(a)[1], determinant(True), varied=scaled, note="logarithm"),
]


# eigenvalues and singular values: of vectors what does not depend on their signs --------------------------------------
def weighted(b: Builder, v: Value, first: float = 0.0) -> Value:
    """v diagonal(1, 2, ...) v'."""
    weights = b.add(b.cast(b.iota(shape=v.shape, axis=v.type.rank - 1, dtype=I64), dtype=v.dtype), b.like(first, v))
    return m.product(b, b.mul(v, weights), v, ty=True)


def eigen(b: Builder, a: Value) -> tuple[Value, ...]:
    w, v = b.eigh(a, lower=True)
    return w, weighted(b, v)


def eigen_of_upper(b: Builder, a: Value) -> tuple[Value, ...]:
    w, v = b.eigh(m.transposed(b, a), lower=False)
    return w, weighted(b, v)


def eigen_of_numpy(a: np.ndarray) -> tuple[np.ndarray, ...]:
    w, v = np.linalg.eigh(a)
    return w, (v * np.arange(v.shape[-1])) @ v.swapaxes(-1, -2)


def singular(full: bool, wide: bool) -> Callable[..., Any]:
    def body(b: Builder, a: Value) -> tuple[Value, ...]:
        u, s, vt = b.svd(a, full=full, wide=wide)
        k = s.shape[-1]
        v = m.transposed(b, vt)
        rest = [m.product(b, x, x, ty=True) for x in (m.columns_behind(b, u, k), m.columns_behind(b, v, k)) if x]
        return s, weighted(b, m.first_columns(b, u, k)), weighted(b, m.first_columns(b, v, k), 1), *rest

    return body


def orthogonal(b: Builder, a: Value) -> tuple[Value, ...]:
    wide = a.shape[-1] > a.shape[-2]
    q, r = b.qr(a, full=True, wide=wide)
    k = min(a.shape[-2:])
    rest = m.columns_behind(b, q, k)
    assert rest is not None
    return m.first_columns(b, q, k), r, m.product(b, rest, rest, ty=True)


CASES += [
    Case("eigh", (normal(3, 3),), {}, eigen_of_numpy, eigen, rtol=1e-6, varied=scaled),
    Case("eigh", (normal(2, 2, 2),), {}, eigen_of_numpy, eigen_of_upper, rtol=1e-6, varied=scaled),
    *(Case("svd", (normal(*shape),), {}, None, singular(full, shape[-1] > shape[-2]), rtol=1e-6, varied=scaled,
           note=f"{full}") for shape, full in (((3, 3), False), ((4, 2), False), ((2, 4), True), ((2, 3, 2), True))),
    Case("qr", (normal(3, 3),), {"full": False, "wide": True}, lambda a: tuple(np.linalg.qr(a)), varied=scaled),
    Case("qr", (normal(2, 3),), {"full": False, "wide": True}, lambda a: tuple(np.linalg.qr(a)), varied=scaled),
    Case("qr", (normal(2, 4, 2),), {"full": False, "wide": False}, lambda a: tuple(np.linalg.qr(a)), varied=scaled),
    Case("qr", (normal(4, 2),), {}, None, orthogonal, varied=scaled, note="full"),
]


# others ---------------------------------------------------------------------------------------------------------------
def pseudo(b: Builder, a: Value) -> Value:
    """Of a matrix of full column rank."""
    square = m.product(b, a, a, tx=True)
    lu, pivots, _ = b.lu(square)
    turned = m.transposed(b, a)
    return b.pinv(b.lu_solve(square, lu, pivots, turned, trans=False, checked=True), a)


def root(b: Builder, a: Value) -> Value:
    """Of the square of a matrix, the matrix."""
    return b.sqrtm(b.stop_gradient(a), m.product(b, a, a))


CASES += [
    Case("sqrtm", (positive(3, 3),), {}, lambda a: a, root, varied=scaled),
    Case("pinv", (normal(4, 2),), {}, np.linalg.pinv, pseudo, varied=scaled),
    Case("pinv", (normal(2, 3, 2),), {}, np.linalg.pinv, pseudo, varied=scaled),
    Case("sylvester", (normal(3, 3), normal(2, 2) + 5 * np.eye(2), normal(3, 2)), {}, sl.solve_sylvester,
         varied=scaled),
    Case("sylvester", (normal(2, 1, 1), normal(2, 2, 2) + 5 * np.eye(2), normal(2, 1, 2)), {},
         lambda *a: np.stack([sl.solve_sylvester(*x) for x in zip(*a, strict=True)]), varied=scaled),
]


DEAR = {"svd-3x3-False", "svd-2x4-True", "svd-2x3x2-True", "eigh-2x2x2", "qr-2x3", "lu-2x3x3", "pinv-2x3x2",
        "sylvester-2x1x1-2x2x2-2x1x2", "cholesky-2x1x2x2", "cholesky-3x3", "triangular_solve-3x3-3x2-True-False-True"}
"""What others show as well."""


def marked(case: Case) -> Any:
    return pytest.param(case, id=case.id, marks=[pytest.mark.slow] if case.id in DEAR else [])


@pytest.mark.thinned
@pytest.mark.parametrize("case", [marked(c) for c in CASES])
def test_operation(case: Case) -> None:
    check(case)


def test_every_factorisation_has_a_case() -> None:
    assert {name for name, s in OPS.items() if s.family == "factorisation"} == {c.op for c in CASES}
