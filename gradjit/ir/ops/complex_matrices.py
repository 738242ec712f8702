"""Matrices of complex numbers, and those of real ones whose eigenvalues are complex.

A complex array is one of reals whose last axis has two elements: matrices are the two axes before.
"""

from __future__ import annotations

import numpy as np

from ...errors import DtypeError, ShapeError
from .. import attrs as kinds
from ..types import I32, ArrayType
from .factorisation import KNOWN, ROUTINE, SINGULAR, eliminated, exchanged, substituted
from .planes import joined
from .spec import Fails, OpSpec, table


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


# LU -------------------------------------------------------------------------------------------------------------------
def _infer_lu(a: ArrayType) -> tuple[ArrayType, ...]:
    _square("complex_lu", a)
    return a, ArrayType(I32, a.shape[:-2])


def _lu(a: np.ndarray) -> tuple[np.ndarray, ...]:
    lu, pivots, _ = eliminated(complex_of(a), taxicab)
    return parts_of(lu), pivots


def _factors(name: str, a: ArrayType, lu: ArrayType, pivots: ArrayType) -> None:
    _square(name, a)
    if lu != a or pivots != ArrayType(I32, a.shape[:-2]):
        raise ShapeError(f"{name}: {lu} and {pivots} as the factors of {a}")


def _infer_solve(a: ArrayType, lu: ArrayType, pivots: ArrayType, b: ArrayType, adjoint: bool, checked: bool
                 ) -> tuple[ArrayType, ...]:
    _factors("complex_solve", a, lu, pivots)
    if b.dtype != a.dtype or b.rank != a.rank or b.shape[:-2] != a.shape[:-2] or b.shape[-1] != 2:
        raise ShapeError(f"complex_solve: {a} with {b} on the right-hand side")
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


OPS = table(
    # As `lu`, of complex matrices; which row stands where is not told.
    OpSpec("complex_lu", "complex_matrices", 1, _infer_lu, _lu, Fails.NEVER, **ROUTINE),
    # The x with a x = b, or with a's adjoint, from the factors of a. checked: a zero on the diagonal is a LinAlgError.
    OpSpec("complex_solve", "complex_matrices", 4, _infer_solve, _solve, Fails.SOMETIMES,
           {"adjoint": kinds.BOOL, "checked": kinds.BOOL}, **ROUTINE),
    # d itself, which has been made from a's factors: the determinant, or its logarithm (of which the imaginary part is
    # the direction).
    OpSpec("complex_det", "complex_matrices", 4, _infer_det, lambda d, a, lu, pivots, log: d, Fails.NEVER,
           {"log": kinds.BOOL}, **KNOWN),
    # Eigenvalues (real), ascending, and eigenvectors in columns; of a the lower or the upper triangle is read, and of
    # its diagonal the real part.
    OpSpec("complex_eigh", "complex_matrices", 1, _infer_eigh, _eigh, Fails.SOMETIMES, {"lower": kinds.BOOL},
           **ROUTINE),
    # Eigenvalues and eigenvectors of any complex matrix: vectors of length 1 whose largest element is real.
    OpSpec("complex_eig", "complex_matrices", 1, _infer_complex_eig, _complex_eig, Fails.SOMETIMES, **ROUTINE),
    # Of a real matrix: the parts of the eigenvalues, and vectors as LAPACK has them. Of a pair of conjugate
    # eigenvalues, which stand side by side, the first column is the real part, the second the imaginary one (of the
    # first vector).
    OpSpec("eig", "complex_matrices", 1, _infer_eig, _eig, Fails.SOMETIMES, **ROUTINE),
    # w itself, which has been made from a: its eigenvalues, to the eigenvectors v. a is real or complex.
    OpSpec("eigenvalues", "complex_matrices", 3, _infer_eigenvalues, lambda w, a, v: w, Fails.NEVER, **KNOWN),
    # v itself, which has been made from a: its eigenvectors, to the eigenvalues w.
    OpSpec("eigenvectors", "complex_matrices", 3, _infer_eigenvectors, lambda v, a, w: v, Fails.NEVER, **KNOWN),
)
