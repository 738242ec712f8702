"""Factorisations of matrices, and what is solved with them. The last two axes are matrices; those before are a stack.

What an operation does not read (the other triangle) may hold anything.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from ...errors import DtypeError, ShapeError
from .. import attrs as kinds
from ..sizes import is_open
from ..types import I32, I64, ArrayType
from .spec import Fails, Memory, OpSpec, Slope, table

ROUTINE: dict[str, Any] = {"memory": Memory.NEST, "cost": 20.0, "open_extents": False, "matrix": 2}
"""A routine of LAPACK's: for each element about as much as a line of products."""

KNOWN: dict[str, Any] = {"memory": Memory.ELEMENT, "cost": 0.0, "open_extents": True, "selects": True,
                         "matrix": 2}
"""What has been computed already, to which the operation adds whose it is: how derivatives flow."""


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


def _infer_cholesky_cotangent(factor: ArrayType, g: ArrayType) -> tuple[ArrayType, ...]:
    _square("cholesky_cotangent", factor)
    if g != factor:
        raise ShapeError(f"cholesky_cotangent: {g} for the factor {factor}")
    return (factor,)


def _cholesky_cotangent(factor: np.ndarray, g: np.ndarray) -> np.ndarray:
    """half(s + s') with s = L'^-1 half(L' g) L^-1, where `half` is of lower triangles with half of the diagonal."""
    def half(x: np.ndarray) -> np.ndarray:
        return np.asarray(np.tril(x, -1) + 0.5 * np.tril(np.triu(x)))

    def turned(x: np.ndarray) -> np.ndarray:
        return np.swapaxes(x, -1, -2)

    inner = half(turned(np.tril(factor)) @ np.tril(g))
    left = substituted(factor, inner, lower=True, trans=True, unit=False)
    s = turned(substituted(factor, turned(left), lower=True, trans=True, unit=False))
    return half(s + turned(s))


# triangles ------------------------------------------------------------------------------------------------------------
def _infer_triangular(a: ArrayType, b: ArrayType, lower: bool, trans: bool, unit: bool, checked: bool
                      ) -> tuple[ArrayType, ...]:
    _right_side("triangular_solve", a, b)
    return (b,)


def _triangular_solve(a: np.ndarray, b: np.ndarray, lower: bool, trans: bool, unit: bool, checked: bool
                      ) -> np.ndarray:
    if checked and not np.all(np.diagonal(a, 0, -2, -1)):
        raise np.linalg.LinAlgError(SINGULAR)
    return substituted(a, b, lower, trans, unit)


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


# LU -------------------------------------------------------------------------------------------------------------------
def _infer_lu(a: ArrayType) -> tuple[ArrayType, ...]:
    _square("lu", a)
    line = a.shape[:-1]
    return a, ArrayType(I32, line), ArrayType(I64, line)


def eliminated(a: np.ndarray, magnitude: Callable[[np.ndarray], np.ndarray] = np.abs) -> tuple[np.ndarray, ...]:
    """Gauss's elimination with the largest element of a column as pivot: factors, pivots, and the order of rows."""
    lu, n = np.array(a), a.shape[-1]
    pivots, order = np.zeros(a.shape[:-1], np.int32), np.zeros(a.shape[:-1], np.int64)
    for at in np.ndindex(*a.shape[:-2]):
        m, rows = lu[at], np.arange(n)
        for k in range(n):
            p = k + int(np.argmax(magnitude(m[k:, k])))
            pivots[(*at, k)] = p + 1
            m[[k, p]], rows[[k, p]] = m[[p, k]], rows[[p, k]]
            if m[k, k] != 0:
                m[k + 1:, k] /= m[k, k]
                m[k + 1:, k + 1:] -= np.outer(m[k + 1:, k], m[k, k + 1:])
        order[at] = rows
    return lu, pivots, order


def _infer_lu_solve(a: ArrayType, lu: ArrayType, pivots: ArrayType, b: ArrayType, trans: bool, checked: bool
                    ) -> tuple[ArrayType, ...]:
    _right_side("lu_solve", a, b)
    _factors("lu_solve", a, lu, pivots)
    return (b,)


def _factors(name: str, a: ArrayType, lu: ArrayType, pivots: ArrayType) -> None:
    if lu != a or pivots != ArrayType(I32, a.shape[:-1]):
        raise ShapeError(f"{name}: {lu} and {pivots} as the factors of {a}")


SINGULAR = "Singular matrix"


def _lu_solve(a: np.ndarray, lu: np.ndarray, pivots: np.ndarray, b: np.ndarray, trans: bool, checked: bool
              ) -> np.ndarray:
    if checked and not np.all(np.diagonal(lu, 0, -2, -1)):
        raise np.linalg.LinAlgError(SINGULAR)
    x = exchanged(b, pivots) if not trans else b
    for lower in (False, True) if trans else (True, False):
        x = substituted(lu, x, lower, trans, unit=lower)
    return exchanged(x, pivots, back=True) if trans else x


def exchanged(b: np.ndarray, pivots: np.ndarray, back: bool = False) -> np.ndarray:
    """Rows exchanged as the pivots say, one pair after the other."""
    x, n = np.array(b), b.shape[-2]
    for at in np.ndindex(*b.shape[:-2]):
        for k in range(n)[::-1] if back else range(n):
            p = int(pivots[(*at, k)]) - 1
            x[at][[k, p]] = x[at][[p, k]]
    return x


def _infer_det(d: ArrayType, a: ArrayType, lu: ArrayType, pivots: ArrayType, log: bool) -> tuple[ArrayType, ...]:
    _square("det", a)
    _factors("det", a, lu, pivots)
    if d != a.with_shape(a.shape[:-2]):
        raise ShapeError(f"det: {d} as the determinants of {a}")
    return (d,)


# eigenvalues and singular values --------------------------------------------------------------------------------------
def _infer_eigh(a: ArrayType, lower: bool) -> tuple[ArrayType, ...]:
    _square("eigh", a)
    return a.with_shape(a.shape[:-1]), a


def matrix_extents(name: str, a: ArrayType, wide: bool) -> tuple[Any, Any, Any]:
    """The number of rows, of columns, and the smaller of them: where they are open, `wide` says which that is."""
    _floats(name, a)
    if a.rank < 2:
        raise ShapeError(f"{name}: {a} is no stack of matrices")
    m: Any
    n: Any
    m, n = a.shape[-2:]
    known = isinstance(m, int) and isinstance(n, int) and not (is_open(m) or is_open(n))
    if known and m != n and wide != (m < n):
        raise ShapeError(f"{name}: {a} with wide={wide}")
    return m, n, m if wide else n


def _infer_svd(a: ArrayType, full: bool, wide: bool) -> tuple[ArrayType, ...]:
    m, n, k = matrix_extents("svd", a, wide)
    stack = a.shape[:-2]
    return (a.with_shape((*stack, m, m if full else k)), a.with_shape((*stack, k)),
            a.with_shape((*stack, n if full else k, n)))


def _infer_qr(a: ArrayType, full: bool, wide: bool) -> tuple[ArrayType, ...]:
    m, n, k = matrix_extents("qr", a, wide)
    inner, stack = m if full else k, a.shape[:-2]
    return a.with_shape((*stack, m, inner)), a.with_shape((*stack, inner, n))


def _infer_pinv(p: ArrayType, a: ArrayType) -> tuple[ArrayType, ...]:
    _floats("pinv", a, p)
    if a.rank < 2 or p.shape != (*a.shape[:-2], a.shape[-1], a.shape[-2]):
        raise ShapeError(f"pinv: {p} as the pseudo-inverse of {a}")
    return (p,)


def _infer_sqrtm(s: ArrayType, a: ArrayType) -> tuple[ArrayType, ...]:
    _square("sqrtm", a)
    if s != a:
        raise ShapeError(f"sqrtm: {s} as the square root of {a}")
    return (s,)


# Sylvester's equation -------------------------------------------------------------------------------------------------
def _infer_sylvester(a: ArrayType, b: ArrayType, q: ArrayType) -> tuple[ArrayType, ...]:
    _square("sylvester", a)
    _square("sylvester", b)
    _floats("sylvester", a, b, q)
    if q.shape != (*a.shape[:-1], b.shape[-1]) or a.shape[:-2] != b.shape[:-2]:
        raise ShapeError(f"sylvester: {a} and {b} with {q} on the right-hand side")
    return (q,)


def by_kronecker(a: np.ndarray, b: np.ndarray, q: np.ndarray) -> np.ndarray:
    """One system of linear equations for all elements, in double precision."""
    m, n = q.shape[-2:]
    system = (np.einsum("...ik,jl->...ijkl", a, np.eye(n)) + np.einsum("ik,...lj->...ijkl", np.eye(m), b))
    double = np.result_type(q.dtype, np.float64)
    flat = system.reshape(*q.shape[:-2], m * n, m * n).astype(double)
    return np.linalg.solve(flat, q.reshape(*q.shape[:-2], m * n, 1).astype(double)).reshape(q.shape)


TRIANGLE = {"lower": kinds.BOOL, "trans": kinds.BOOL, "unit": kinds.BOOL, "checked": kinds.BOOL}

OPS = table(
    # The lower triangular L with L L' = a, of which the lower triangle is read. LinAlgError where there is none.
    OpSpec("cholesky", "factorisation", 1, _infer_cholesky, lambda a: np.linalg.cholesky(a), Fails.SOMETIMES,
           **ROUTINE),
    # The cotangent of a, in its lower triangle, for that of its factor: reverse mode makes it.
    OpSpec("cholesky_cotangent", "factorisation", 2, _infer_cholesky_cotangent, _cholesky_cotangent, Fails.NEVER,
           **ROUTINE, slope=Slope.SINGULAR),
    # The x with a x = b, or a' x = b (trans). Of a the lower or the upper triangle is read, without its diagonal where
    # that is of ones (unit). Where there is a zero on it x is infinite or nan, or there is a LinAlgError (checked).
    OpSpec("triangular_solve", "factorisation", 2, _infer_triangular, _triangular_solve, Fails.SOMETIMES, TRIANGLE,
           **ROUTINE, slope=Slope.SINGULAR),
    # a with rows exchanged is L U: both in one matrix (the ones of L's diagonal left out), with which row each row was
    # exchanged, counted from 1, and where the rows of L U stand in a.
    OpSpec("lu", "factorisation", 1, _infer_lu, lambda a: eliminated(a), Fails.NEVER,
           **ROUTINE, slope=Slope.SINGULAR),
    # The x with a x = b, or a' x = b (trans), from the factors of a, which `lu` has made: derivatives flow through a.
    # checked: a zero on the diagonal is a LinAlgError.
    OpSpec("lu_solve", "factorisation", 4, _infer_lu_solve, _lu_solve, Fails.SOMETIMES,
           {"trans": kinds.BOOL, "checked": kinds.BOOL}, **ROUTINE, slope=Slope.SINGULAR),
    # d itself, which has been made from a's factors: the determinant, or the logarithm of its magnitude.
    OpSpec("det", "factorisation", 4, _infer_det, lambda d, a, lu, pivots, log: d, Fails.NEVER, {"log": kinds.BOOL},
           **KNOWN, slope=Slope.SINGULAR),
    # Eigenvalues, ascending, and eigenvectors in columns; of a the lower or the upper triangle is read.
    OpSpec("eigh", "factorisation", 1, _infer_eigh, lambda a, lower: tuple(np.linalg.eigh(a, "L" if lower else "U")),
           Fails.SOMETIMES, {"lower": kinds.BOOL}, **ROUTINE),
    # u, s and v' with u s v' = a; s descending. full: u and v are square. wide: there are no more rows than columns.
    OpSpec("svd", "factorisation", 1, _infer_svd, lambda a, full, wide: tuple(np.linalg.svd(a, full)), Fails.SOMETIMES,
           {"full": kinds.BOOL, "wide": kinds.BOOL}, **ROUTINE),
    # q, whose columns are orthonormal, and the upper triangular r with q r = a. full: q is square.
    OpSpec("qr", "factorisation", 1, _infer_qr,
           lambda a, full, wide: tuple(np.linalg.qr(a, "complete" if full else "reduced")), Fails.NEVER,
           {"full": kinds.BOOL, "wide": kinds.BOOL}, **ROUTINE, slope=Slope.SINGULAR),
    # p itself, which has been made from a: its pseudo-inverse.
    OpSpec("pinv", "factorisation", 2, _infer_pinv, lambda p, a: p, Fails.NEVER, **KNOWN),
    # s itself, which has been made from a: its square root.
    OpSpec("sqrtm", "factorisation", 2, _infer_sqrtm, lambda s, a: s, Fails.NEVER, **KNOWN, slope=Slope.SINGULAR),
    # The x with a x + x b = q. LinAlgError where there is not a single one.
    OpSpec("sylvester", "factorisation", 3, _infer_sylvester, by_kronecker, Fails.SOMETIMES, **ROUTINE),
)
