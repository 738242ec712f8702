"""Factorisations of matrices, and what is solved with them. The last two axes are matrices; those before are a stack.

What an operation does not read (the other triangle) may hold anything.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from ...errors import DtypeError, ShapeError
from .. import attrs as kinds
from ..types import ArrayType
from .spec import Fails, Memory, OpSpec, table

ROUTINE: dict[str, Any] = {"memory": Memory.NEST, "cost": 20.0, "open_extents": False}
"""A routine of LAPACK's: for each element about as much as a line of products."""


def _floats(name: str, *types: ArrayType) -> None:
    for t in types:
        if t.dtype.kind != "f" or t.dtype != types[0].dtype:
            raise DtypeError(f"{name}: not defined for {' and '.join(str(t) for t in types)}")


def _square(name: str, a: ArrayType) -> None:
    _floats(name, a)
    if a.rank < 2 or a.shape[-1] != a.shape[-2]:
        raise ShapeError(f"{name}: {a} is no stack of square matrices")


def _right_side(name: str, a: ArrayType, b: ArrayType) -> None:
    """b has as many rows as a, and the same stack."""
    _square(name, a)
    _floats(name, a, b)
    if b.rank != a.rank or b.shape[:-1] != a.shape[:-1]:
        raise ShapeError(f"{name}: {a} with {b} on the right-hand side")


# Cholesky -------------------------------------------------------------------------------------------------------------
def _infer_cholesky(a: ArrayType) -> tuple[ArrayType, ...]:
    _square("cholesky", a)
    return (a,)


# triangles ------------------------------------------------------------------------------------------------------------
def _infer_triangular(a: ArrayType, b: ArrayType, lower: bool, trans: bool, unit: bool) -> tuple[ArrayType, ...]:
    _right_side("triangular_solve", a, b)
    return (b,)


def substituted(a: np.ndarray, b: np.ndarray, lower: bool, trans: bool, unit: bool) -> np.ndarray:
    """Row after row. A zero on the diagonal divides as floats do."""
    if trans:
        a, lower = np.swapaxes(a, -1, -2), not lower
    x, n = np.array(b), a.shape[-1]
    for i in range(n) if lower else range(n)[::-1]:
        known = slice(0, i) if lower else slice(i + 1, n)
        x[..., i, :] -= np.einsum("...k,...km->...m", a[..., i, known], x[..., known, :])
        if not unit:
            x[..., i, :] /= a[..., i, i, np.newaxis]
    return x


TRIANGLE = {"lower": kinds.BOOL, "trans": kinds.BOOL, "unit": kinds.BOOL}

OPS = table(
    # The lower triangular L with L L' = a, of which the lower triangle is read. LinAlgError where there is none.
    OpSpec("cholesky", "factorisation", 1, _infer_cholesky, lambda a: np.linalg.cholesky(a), Fails.SOMETIMES,
           **ROUTINE),
    # The x with a x = b, or a' x = b (trans). Of a the lower or the upper triangle is read, without its diagonal where
    # that is of ones (unit). Where there is a zero on it x is infinite or nan.
    OpSpec("triangular_solve", "factorisation", 2, _infer_triangular, substituted, Fails.NEVER, TRIANGLE, **ROUTINE),
)
