"""Matrices of complex numbers, and those of real ones whose eigenvalues are complex.

A complex array is one of reals whose last axis has two elements: matrices are the two axes before.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from ...errors import DtypeError, ShapeError
from .. import attrs as kinds
from ..types import I32, I64, ArrayType
from .factorisation import (
    KNOWN as KNOWN_REAL,
    ROUTINE as ROUTINE_REAL,
    SINGULAR,
    by_kronecker,
    eliminated,
    exchanged,
    matrix_extents,
    substituted,
)
from .planes import joined
from .spec import Fails, OpSpec, Slope, table


def _square(name: str, a: ArrayType, complex_too: bool = True) -> None:
    """A stack of square matrices, interleaved; or of real ones."""
    if not a.dtype.is_float:
        raise DtypeError(f"{name}: not defined for {a}")
    rank = 3 if complex_too else 2
    if a.rank < rank or (complex_too and a.shape[-1] != 2) or a.shape[-rank] != a.shape[1 - rank]:
        raise ShapeError(f"{name}: {a} is no stack of square matrices")


def complex_of(x: np.ndarray) -> np.ndarray:
    return joined(x[..., 0], x[..., 1])


def parts_of(z: np.ndarray) -> np.ndarray:
    return np.stack([z.real, z.imag], -1)


def taxicab(z: np.ndarray) -> np.ndarray:
    """By which LAPACK chooses pivots."""
    return np.asarray(np.abs(z.real) + np.abs(z.imag))


# Cholesky, triangles --------------------------------------------------------------------------------------------------
def _infer_cholesky(a: ArrayType) -> tuple[ArrayType, ...]:
    _square("complex_cholesky", a)
    return (a,)


def _right_side(name: str, a: ArrayType, b: ArrayType) -> None:
    _square(name, a)
    if b.dtype != a.dtype or b.rank != a.rank or b.shape[:-2] != a.shape[:-2] or b.shape[-1] != 2:
        raise ShapeError(f"{name}: {a} with {b} on the right-hand side")


def _infer_triangular(a: ArrayType, b: ArrayType, lower: bool, adjoint: bool, unit: bool, checked: bool
                      ) -> tuple[ArrayType, ...]:
    _right_side("complex_triangular_solve", a, b)
    return (b,)


def _triangular_solve(a: np.ndarray, b: np.ndarray, lower: bool, adjoint: bool, unit: bool, checked: bool
                      ) -> np.ndarray:
    z = complex_of(a)
    if checked and not np.all(np.diagonal(z, 0, -2, -1)):
        raise np.linalg.LinAlgError(SINGULAR)
    return parts_of(substituted(z.conj() if adjoint else z, complex_of(b), lower, adjoint, unit))


# LU -------------------------------------------------------------------------------------------------------------------
def _infer_lu(a: ArrayType) -> tuple[ArrayType, ...]:
    _square("complex_lu", a)
    return a, ArrayType(I32, a.shape[:-2]), ArrayType(I64, a.shape[:-2])


def _lu(a: np.ndarray) -> tuple[np.ndarray, ...]:
    lu, pivots, order = eliminated(complex_of(a), taxicab)
    return parts_of(lu), pivots, order


def _factors(name: str, a: ArrayType, lu: ArrayType, pivots: ArrayType) -> None:
    _square(name, a)
    if lu != a or pivots != ArrayType(I32, a.shape[:-2]):
        raise ShapeError(f"{name}: {lu} and {pivots} as the factors of {a}")


def _infer_solve(a: ArrayType, lu: ArrayType, pivots: ArrayType, b: ArrayType, adjoint: bool, checked: bool
                 ) -> tuple[ArrayType, ...]:
    _factors("complex_solve", a, lu, pivots)
    _right_side("complex_solve", a, b)
    return (b,)


def _solve(a: np.ndarray, lu: np.ndarray, pivots: np.ndarray, b: np.ndarray, adjoint: bool, checked: bool
           ) -> np.ndarray:
    z, x = complex_of(lu), complex_of(b)
    if checked and not np.all(np.diagonal(z, 0, -2, -1)):
        raise np.linalg.LinAlgError(SINGULAR)
    if adjoint:
        z = z.conj()
    x = x if adjoint else exchanged(x, pivots)
    for lower in (False, True) if adjoint else (True, False):
        x = substituted(z, x, lower, adjoint, unit=lower)
    return parts_of(exchanged(x, pivots, back=True) if adjoint else x)


def _infer_det(d: ArrayType, a: ArrayType, lu: ArrayType, pivots: ArrayType, log: bool) -> tuple[ArrayType, ...]:
    _factors("complex_det", a, lu, pivots)
    if d != a.with_shape((*a.shape[:-3], 2)):
        raise ShapeError(f"complex_det: {d} as the determinants of {a}")
    return (d,)


# QR, singular values --------------------------------------------------------------------------------------------------
def _pairs(name: str, a: ArrayType) -> None:
    if not a.dtype.is_float or a.rank < 3 or a.shape[-1] != 2:
        raise ShapeError(f"{name}: {a} is no stack of complex matrices")


def _matrix(name: str, a: ArrayType, wide: bool) -> tuple[Any, Any, Any]:
    """The extents of one of a stack of complex matrices, and the smaller of them."""
    _pairs(name, a)
    return matrix_extents(name, a.with_shape(a.shape[:-1]), wide)


def _infer_qr(a: ArrayType, full: bool, wide: bool) -> tuple[ArrayType, ...]:
    m, n, k = _matrix("complex_qr", a, wide)
    inner, stack = m if full else k, a.shape[:-3]
    return a.with_shape((*stack, m, inner, 2)), a.with_shape((*stack, inner, n, 2))


def _qr(a: np.ndarray, full: bool, wide: bool) -> tuple[np.ndarray, ...]:
    return tuple(map(parts_of, np.linalg.qr(complex_of(a), "complete" if full else "reduced")))


def _infer_svd(a: ArrayType, full: bool, wide: bool) -> tuple[ArrayType, ...]:
    m, n, k = _matrix("complex_svd", a, wide)
    stack = a.shape[:-3]
    return (a.with_shape((*stack, m, m if full else k, 2)), a.with_shape((*stack, k)),
            a.with_shape((*stack, n if full else k, n, 2)))


def _svd(a: np.ndarray, full: bool, wide: bool) -> tuple[np.ndarray, ...]:
    u, s, vt = np.linalg.svd(complex_of(a), full)
    return parts_of(u), s, parts_of(vt)


def _infer_pinv(p: ArrayType, a: ArrayType) -> tuple[ArrayType, ...]:
    _pairs("complex_pinv", a)
    if p != a.with_shape((*a.shape[:-3], a.shape[-2], a.shape[-3], 2)):
        raise ShapeError(f"complex_pinv: {p} as the pseudo-inverse of {a}")
    return (p,)


# Sylvester's equation -------------------------------------------------------------------------------------------------
def _infer_sylvester(a: ArrayType, b: ArrayType, q: ArrayType) -> tuple[ArrayType, ...]:
    _square("complex_sylvester", a)
    _square("complex_sylvester", b)
    if q.dtype != a.dtype or b.dtype != a.dtype or a.shape[:-3] != b.shape[:-3] or q.shape != (
            *a.shape[:-2], b.shape[-2], 2):
        raise ShapeError(f"complex_sylvester: {a} and {b} with {q} on the right-hand side")
    return (q,)


def _sylvester(a: np.ndarray, b: np.ndarray, q: np.ndarray) -> np.ndarray:
    return parts_of(by_kronecker(complex_of(a), complex_of(b), complex_of(q)))


def _infer_sqrtm(s: ArrayType, a: ArrayType) -> tuple[ArrayType, ...]:
    _square("complex_sqrtm", a)
    if s != a:
        raise ShapeError(f"complex_sqrtm: {s} as the square root of {a}")
    return (s,)


# eigenvalues ----------------------------------------------------------------------------------------------------------
def _infer_eigh(a: ArrayType, lower: bool) -> tuple[ArrayType, ...]:
    _square("complex_eigh", a)
    return a.with_shape(a.shape[:-2]), a


def _eigh(a: np.ndarray, lower: bool) -> tuple[np.ndarray, ...]:
    w, v = np.linalg.eigh(complex_of(a), "L" if lower else "U")
    return w, parts_of(v)


def _infer_complex_eig(a: ArrayType) -> tuple[ArrayType, ...]:
    _square("complex_eig", a)
    return a.with_shape((*a.shape[:-2], 2)), a


def _complex_eig(a: np.ndarray) -> tuple[np.ndarray, ...]:
    w, v = np.linalg.eig(complex_of(a))
    return parts_of(w), parts_of(v)


def _infer_eig(a: ArrayType) -> tuple[ArrayType, ...]:
    _square("eig", a, complex_too=False)
    line = a.with_shape(a.shape[:-1])
    return line, line, a


def _eig(a: np.ndarray) -> tuple[np.ndarray, ...]:
    w, v = np.linalg.eig(a)
    second = np.iscomplex(w) & (w.imag < 0)
    return w.real, w.imag * np.ones_like(w.real), np.where(second[..., np.newaxis, :], -v.imag, v.real)


def _infer_of_matrix(name: str, w: ArrayType, v: ArrayType, a: ArrayType) -> None:
    _square(name, v)
    if w != v.with_shape((*v.shape[:-2], 2)) or (a != v and a != v.with_shape(v.shape[:-1])):
        raise ShapeError(f"{name}: {w} and {v} for {a}")


def _infer_eigenvalues(w: ArrayType, a: ArrayType, v: ArrayType) -> tuple[ArrayType, ...]:
    _infer_of_matrix("eigenvalues", w, v, a)
    return (w,)


def _infer_eigenvectors(v: ArrayType, a: ArrayType, w: ArrayType) -> tuple[ArrayType, ...]:
    _infer_of_matrix("eigenvectors", w, v, a)
    return (v,)


ROUTINE, KNOWN = {**ROUTINE_REAL, "matrix": 3}, {**KNOWN_REAL, "matrix": 3}
TRIANGLE = {"lower": kinds.BOOL, "adjoint": kinds.BOOL, "unit": kinds.BOOL, "checked": kinds.BOOL}

OPS = table(
    # The lower triangular L, whose diagonal is real and positive, with L times its adjoint = a. Of a the lower triangle
    # is read, and of its diagonal the real part.
    OpSpec("complex_cholesky", "complex_matrices", 1, _infer_cholesky,
           lambda a: parts_of(np.linalg.cholesky(complex_of(a))), Fails.SOMETIMES, **ROUTINE),
    # As `triangular_solve`, with a or its adjoint.
    OpSpec("complex_triangular_solve", "complex_matrices", 2, _infer_triangular, _triangular_solve, Fails.SOMETIMES,
           TRIANGLE, **ROUTINE, slope=Slope.SINGULAR),
    # As `qr`: the columns of q are orthonormal, r's diagonal is real.
    OpSpec("complex_qr", "complex_matrices", 1, _infer_qr, _qr, Fails.NEVER,
           {"full": kinds.BOOL, "wide": kinds.BOOL}, **ROUTINE, slope=Slope.SINGULAR),
    # As `svd`: u, s (real) and v's adjoint. LAPACK's vectors: the first row of u is real where a has fewer rows than
    # columns, else that of v.
    OpSpec("complex_svd", "complex_matrices", 1, _infer_svd, _svd, Fails.SOMETIMES,
           {"full": kinds.BOOL, "wide": kinds.BOOL}, **ROUTINE),
    # p itself, which has been made from a: its pseudo-inverse.
    OpSpec("complex_pinv", "complex_matrices", 2, _infer_pinv, lambda p, a: p, Fails.NEVER, **KNOWN),
    # The x with a x + x b = q. LinAlgError where there is not a single one.
    OpSpec("complex_sylvester", "complex_matrices", 3, _infer_sylvester, _sylvester, Fails.SOMETIMES, **ROUTINE),
    # s itself, which has been made from a: its square root.
    OpSpec("complex_sqrtm", "complex_matrices", 2, _infer_sqrtm, lambda s, a: s, Fails.NEVER,
           **KNOWN, slope=Slope.SINGULAR),
    # As `lu`, of complex matrices.
    OpSpec("complex_lu", "complex_matrices", 1, _infer_lu, _lu, Fails.NEVER, **ROUTINE, slope=Slope.SINGULAR),
    # The x with a x = b, or with a's adjoint, from the factors of a. checked: a zero on the diagonal is a LinAlgError.
    OpSpec("complex_solve", "complex_matrices", 4, _infer_solve, _solve, Fails.SOMETIMES,
           {"adjoint": kinds.BOOL, "checked": kinds.BOOL}, **ROUTINE, slope=Slope.SINGULAR),
    # d itself, which has been made from a's factors: the determinant, or its logarithm (of which the imaginary part is
    # the direction).
    OpSpec("complex_det", "complex_matrices", 4, _infer_det, lambda d, a, lu, pivots, log: d, Fails.NEVER,
           {"log": kinds.BOOL}, **KNOWN),
    # Eigenvalues (real), ascending, and eigenvectors in columns; of a the lower or the upper triangle is read, and of
    # its diagonal the real part. LAPACK's vectors: their first row is real (lower), or their last one.
    OpSpec("complex_eigh", "complex_matrices", 1, _infer_eigh, _eigh, Fails.SOMETIMES, {"lower": kinds.BOOL},
           **ROUTINE),
    # Eigenvalues and eigenvectors of any complex matrix: vectors of length 1 whose largest element is real.
    OpSpec("complex_eig", "complex_matrices", 1, _infer_complex_eig, _complex_eig, Fails.SOMETIMES, **ROUTINE),
    # Of a real matrix: the parts of the eigenvalues, and vectors as LAPACK has them. Of a pair of conjugate
    # eigenvalues, which stand side by side, the first column is the real part, the second the imaginary one (of the
    # first vector).
    OpSpec("eig", "complex_matrices", 1, _infer_eig, _eig, Fails.SOMETIMES, **ROUTINE_REAL),
    # w itself, which has been made from a: its eigenvalues, to the eigenvectors v. a is real or complex.
    OpSpec("eigenvalues", "complex_matrices", 3, _infer_eigenvalues, lambda w, a, v: w, Fails.NEVER,
           **KNOWN, slope=Slope.SINGULAR),
    # v itself, which has been made from a: its eigenvectors, to the eigenvalues w.
    OpSpec("eigenvectors", "complex_matrices", 3, _infer_eigenvectors, lambda v, a, w: v, Fails.NEVER,
           **KNOWN, slope=Slope.SINGULAR),
)
