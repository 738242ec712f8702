"""scipy.linalg's matrices that are put together of elements."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from ...errors import ArgumentError
from ..locations import fail
from ..numpy.common import array
from ..numpy.creation import arange
from ..operands import require, unsupported
from .written_loops import invalid

Rule = Callable[..., Any]


def flat(x: Any) -> Any:
    return np.ravel(array(x))


def _of_sums(values: Any, rows: int, columns: int, first: int, row_step: int, column_step: int) -> Any:
    """A matrix whose element (i, j) is values[first + row_step * i + column_step * j]."""
    places = first + row_step * arange(rows)[:, np.newaxis] + column_step * arange(columns)
    return values[places]


def toeplitz(c, r=None):
    """Constant along diagonals: the first column, and the first row but for its first element."""
    column = flat(c)
    row = np.conjugate(column) if r is None else flat(r)
    n, m = column.shape[0], row.shape[0]
    return _of_sums(np.concatenate([column[::-1], row[1:]]), n, m, n - 1, -1, 1)


def hankel(c, r=None):
    """Constant along the other diagonals: the first column, and the last row but for its first element."""
    column = flat(c)
    row = np.zeros_like(column) if r is None else flat(r)
    return _of_sums(np.concatenate([column, row[1:]]), column.shape[0], row.shape[0], 0, 1, 1)


def circulant(c):
    """Each column is the one before, moved round by one."""
    column = array(c)
    if column.ndim != 1:
        unsupported("scipy.linalg.circulant", "of several at once")
    n = column.shape[0]
    return column[(arange(n)[:, np.newaxis] - arange(n)) % n]


def companion(a):
    """The matrix whose eigenvalues are the roots of a polynomial, the highest coefficient first."""
    p = flat(a)
    if p.shape[0] < 2:
        fail(ArgumentError, "The length of `a` along the last axis must be at least 2.")
    require(array(p[0] != 0), "The first coefficient(s) of `a` (i.e. elements of `a[..., 0]`) must not be zero.")
    first = -p[1:] / p[0]
    n = first.shape[0]
    return np.concatenate([first[np.newaxis], np.eye(n - 1, n).astype(first.dtype)])


def block_diag(*arrs):
    """Matrices along the diagonal."""
    blocks = [b if b.ndim == 2 else np.reshape(b, (1, -1)) for b in map(array, arrs)]
    width, dtype = sum(b.shape[1] for b in blocks), np.result_type(*(b.dtype for b in blocks))
    rows, before = [], 0
    for b in blocks:
        rows.append(np.pad(b.astype(dtype), ((0, 0), (before, width - before - b.shape[1]))))
        before += b.shape[1]
    return np.concatenate(rows)


def khatri_rao(a, b):
    """Kronecker's products of corresponding columns."""
    x, y = array(a), array(b)
    product = x[:, np.newaxis, :] * y[np.newaxis, :, :]
    return np.reshape(product, (x.shape[0] * y.shape[0], x.shape[1]))


def leslie(f, s):
    """Fecundities in the first row, survival below the diagonal."""
    first, below = array(f), array(s)
    if first.ndim != 1 or below.ndim != 1 or first.shape[0] != below.shape[0] + 1 or not below.shape[0]:
        invalid("The length of s must be one less than that of f, and both 1-dimensional.")
    dtype = np.result_type(first.dtype, below.dtype)
    rest = np.pad(np.diag(below.astype(dtype)), ((0, 0), (0, 1)))
    return np.concatenate([first[np.newaxis].astype(dtype), rest])


def fiedler(a):
    """The distances of numbers from each other."""
    x = np.atleast_1d(array(a))
    if x.ndim != 1:
        unsupported("scipy.linalg.fiedler", "of several at once")
    return np.abs(x[:, np.newaxis] - x)


def convolution_matrix(a, n, mode="full"):
    """The matrix whose product with a vector of n elements is the convolution with a."""
    x = array(a)
    if x.ndim != 1 or n <= 0 or x.shape[0] == 0:
        invalid("convolution_matrix expects a one-dimensional array that is not empty, and n > 0")
    if mode not in ("full", "valid", "same"):
        invalid("'mode' argument must be one of ('full', 'valid', 'same')")
    m, none = x.shape[0], np.zeros(n - 1)
    whole = toeplitz(np.concatenate([x, none.astype(x.dtype)]), np.concatenate([x[:1], none.astype(x.dtype)]))
    rows = {"full": m + n - 1, "same": max(m, n), "valid": max(m, n) - min(m, n) + 1}[mode]
    first = {"full": 0, "same": (min(m, n) - 1) // 2, "valid": min(m, n) - 1}[mode]
    return whole[first:first + rows]


def matmul_toeplitz(c_or_cr, x, check_finite=False, workers=None):
    column, row = c_or_cr if isinstance(c_or_cr, tuple) else (c_or_cr, None)
    return toeplitz(column, row) @ array(x)


_SPECIAL = "scipy.linalg._special_matrices"
RULES: dict[tuple[str, str], Rule] = {
    **{(_SPECIAL, f.__name__): f for f in (toeplitz, hankel, circulant, companion, block_diag, leslie, fiedler,
                                         convolution_matrix)},
    ("scipy.linalg._basic", "matmul_toeplitz"): matmul_toeplitz,
    ("scipy.linalg._misc", "khatri_rao"): khatri_rao, (_SPECIAL, "khatri_rao"): khatri_rao,
    ("scipy.linalg._basic", "khatri_rao"): khatri_rao, ("scipy.linalg._matfuncs", "khatri_rao"): khatri_rao,
}
