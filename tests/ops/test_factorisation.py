"""Factorisations of matrices."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import scipy.linalg as sl

from gradjit.ir import OPS, Builder, Value
from gradjit.passes import matrices as m
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


# triangles ------------------------------------------------------------------------------------------------------------
def substituted(lower: bool, trans: bool, unit: bool) -> Callable[..., Any]:
    def one(a: np.ndarray, b: np.ndarray) -> np.ndarray:
        return np.asarray(sl.solve_triangular(a, b, trans=int(trans), lower=lower, unit_diagonal=unit))

    return lambda a, b: np.reshape([one(p, q) for p, q in zip(a.reshape(-1, *a.shape[-2:]), b.reshape(
        -1, *b.shape[-2:]), strict=True)], b.shape)


def turned(b: Builder, a: Value, x: Value) -> Value:
    """A matrix that stands in columns, and a right-hand side that does."""
    return m.transposed(b, m.solved(b, m.transposed(b, a), m.transposed(b, x), lower=True))


for lower, trans, unit in ((False, False, False), (True, True, False), (False, True, True), (True, False, True)):
    CASES.append(Case("triangular_solve", (triangular(3, 3), normal(3, 2)),
                      {"lower": lower, "trans": trans, "unit": unit}, substituted(lower, trans, unit), varied=scaled,
                      note=f"{lower}-{trans}-{unit}"))
PLAIN = {"lower": True, "trans": False, "unit": False}
CASES += [
    Case("triangular_solve", (triangular(2, 3, 3), normal(2, 3, 1)), PLAIN, substituted(**PLAIN), varied=scaled),
    Case("triangular_solve", (triangular(3, 3), normal(2, 3)), {}, lambda a, x: sl.solve_triangular(a, x.T, trans=1).T,
         turned, varied=scaled, note="in columns"),
    Case("triangular_solve", (triangular(1, 1), normal(1, 3)), PLAIN, substituted(**PLAIN), varied=scaled),
    Case("triangular_solve", (np.zeros((0, 0)), np.zeros((0, 2))), PLAIN, lambda a, b: b, note="empty"),
    Case("triangular_solve", (triangular(2, 2), np.zeros((2, 0))), PLAIN, lambda a, b: b, note="no columns"),
]


@pytest.mark.parametrize("case", CASES, ids=lambda c: c.id)
def test_operation(case: Case) -> None:
    check(case)


def test_every_factorisation_has_a_case() -> None:
    assert {name for name, s in OPS.items() if s.family == "factorisation"} == {c.op for c in CASES}
