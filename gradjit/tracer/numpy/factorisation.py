"""numpy.linalg's factorisations, and what is solved with them."""

from __future__ import annotations

from collections.abc import Callable
from math import prod
from typing import Any

import numpy as np
from numpy.linalg import _linalg

from ...errors import ArgumentError, DtypeError, LinAlgError, ShapeError
from ...ir.sizes import is_open
from .. import extents as ext, operands as o
from ..locations import fail
from ..operands import TracedArray, as_traced, cast, emit, emit_all
from .common import array, call, move_axis, reshape, swap_axes, truth, where
from .complex_numbers import conjugate, real, squared_length

Rule = Callable[..., Any]
Matrices = Any
"""A TracedArray: rules that are written with NumPy's functions take and give what mypy takes for arrays."""
RESULTS: Any = _linalg
"""Where the named tuples are that NumPy's functions give."""


# operands -------------------------------------------------------------------------------------------------------------
def stack(a: Any, func: Any, complex_too: bool = False) -> Matrices:
    """Matrices of float32 or float64 (integers become float64), or of complex numbers."""
    x = array(a)
    if x.ir_dtype.is_complex and not complex_too:
        o.unsupported(func, "of complex numbers")
    if x.dtype == np.float16:
        fail(DtypeError, "array type float16 is unsupported in linalg")
    if x.ndim < 2:
        fail(LinAlgError, f"{x.ndim}-dimensional array given. Array must be at least two-dimensional")
    return x if x.ir_dtype.is_inexact else cast(x, np.float64)


def squares(a: Any, func: Any, complex_too: bool = False) -> Matrices:
    """Square ones."""
    x = stack(a, func, complex_too)
    if not o.may_agree(*x.extents[-2:]):
        fail(LinAlgError, "Last 2 dimensions of the array must be square")
    return o.retyped(x, (*x.extents[:-1], x.extents[-2]))


def is_wide(x: TracedArray, func: Any) -> bool:
    """Whether there are no more rows than columns."""
    m, n = x.extents[-2:]
    if not (isinstance(m, int) and isinstance(n, int)):
        o.refuse_shape(func, x)
    return bool(m <= n)


def real_dtype(x: TracedArray) -> np.dtype:
    """That of magnitudes."""
    return np.finfo(x.dtype).dtype


def is_empty(x: TracedArray) -> bool:
    """Whether there surely are no elements in a matrix."""
    return any(isinstance(e, int) and not is_open(e) and e == 0 for e in x.extents[-2:])


def turned(x: TracedArray) -> Matrices:
    """The transposed matrices."""
    return swap_axes(x, x.ndim - 2, x.ndim - 1)


def adjoint(x: TracedArray) -> Matrices:
    """The transposed and conjugated matrices."""
    return turned(conjugate(x) if x.ir_dtype.is_complex else x)


def chosen(x: TracedArray, compare: np.ufunc) -> TracedArray:
    """x where `compare(row, column)` holds, and 0 elsewhere."""
    rows, columns = (emit("iota", shape=x.extents, axis=x.ndim - k, dtype=o.I64) for k in (2, 1))
    return where(call(compare, rows, columns), x, o.filled(0, x.extents, x.dtype))


def identity_like(x: TracedArray) -> TracedArray:
    return chosen(o.filled(1, x.extents, x.dtype), np.equal)


def symmetric(x: TracedArray) -> Matrices:
    """The matrix that has x's lower triangle on both sides; a complex one is Hermitian."""
    if x.ir_dtype.is_complex:
        low = chosen(x, np.greater)
        return low + adjoint(low) + chosen(o.as_array(real(x)), np.equal)
    return chosen(x, np.greater_equal) + turned(chosen(x, np.greater))


def diagonals(x: TracedArray) -> TracedArray:
    """Of square matrices, read at computed places: they may stand in columns."""
    places = emit("iota", shape=x.extents[-1:], axis=0, dtype=o.I64)
    found = emit("gather", x, places, places, axes=(x.ndim - 2, x.ndim - 1))
    return move_axis(found, 0, x.ndim - 2)


class System:
    """Matrices and right-hand sides in one dtype and of one stack; a vector is one column.

    vector: whether b is one (all of its axes but the last are then a stack). By default what is 1-d is.
    """

    def __init__(self, a: TracedArray, b: Any, func: Any, vector: bool | None = None, complex_too: bool = False):
        y = array(b)
        if y.ir_dtype.is_complex and not complex_too:
            o.unsupported(func, "of complex numbers")
        if not y.ndim:
            fail(LinAlgError, "0-dimensional array given. Array must be at least one-dimensional")
        dtype = np.result_type(a.dtype, y.dtype if y.ir_dtype.is_inexact else np.float64)
        a, y = cast(a, dtype), cast(y, dtype)
        self.vector = y.ndim == 1 if vector is None else vector
        y = reshape(y, (*y.extents, 1)) if self.vector else y
        if not o.may_agree(a.extents[-2], y.extents[-2]):
            fail(ShapeError, f"{o.name_of(func)}: a matrix of shape {o.shown(a.extents)} and a right-hand side of "
                             f"shape {o.shown(y.extents[:-1] if self.vector else y.extents)} do not fit together")
        y = o.retyped(y, (*y.extents[:-2], a.extents[-2], y.extents[-1]))
        common = o.broadcast_shape(a.extents[:-2], y.extents[:-2])
        self.a = o.broadcast_to(a, (*common, *a.extents[-2:]))
        self.b = o.broadcast_to(y, (*common, *y.extents[-2:]))

    def result(self, x: TracedArray) -> TracedArray:
        """Solutions in the shape that was asked for."""
        return reshape(x, x.extents[:-1]) if self.vector else x


def of_complex() -> Any:
    """What there is for complex matrices."""
    from . import complex_matrices
    return complex_matrices


# Cholesky, triangles --------------------------------------------------------------------------------------------------
def cholesky(a, /, *, upper=False):
    x = squares(a, np.linalg.cholesky, complex_too=True)
    return adjoint(cholesky_factor(adjoint(x))) if upper else cholesky_factor(x)


def cholesky_factor(x: TracedArray) -> TracedArray:
    """The lower one, of the lower triangle."""
    return of_complex().cholesky_factor(x) if x.ir_dtype.is_complex else emit("cholesky", x)


def triangular(a: TracedArray, b: TracedArray, lower: bool, trans: bool = False, unit: bool = False,
               checked: bool = False, conjugated: bool = False) -> TracedArray:
    """The x with a x = b; with a', transposed (trans), and conjugated besides."""
    if a.ir_dtype.is_complex:
        return of_complex().triangular(a, b, lower, trans, unit, checked, conjugated)
    return emit("triangular_solve", a, b, lower=lower, trans=trans, unit=unit, checked=checked)


# LU -------------------------------------------------------------------------------------------------------------------
def eliminated(x: TracedArray) -> tuple[Matrices, Matrices, Matrices]:
    """The factors in one matrix, the pivots (counted from 1), and where the rows of the factors stand in x."""
    if x.ir_dtype.is_complex:
        return of_complex().eliminated(x)
    lu, pivots, order = emit_all("lu", x)
    return lu, pivots, order


def solved(a: TracedArray, b: TracedArray, trans: bool = False, checked: bool = True) -> TracedArray:
    """The x with a x = b, or a' x = b."""
    if a.ir_dtype.is_complex:
        return of_complex().solved(turned(a) if trans else a, b, checked=checked)
    lu, pivots, _ = emit_all("lu", a)
    return emit("lu_solve", a, lu, pivots, b, trans=trans, checked=checked)


def solve(a, b):
    s = System(squares(a, np.linalg.solve, complex_too=True), b, np.linalg.solve, complex_too=True)
    return s.result(solved(s.a, s.b))


def inv(a):
    x = squares(a, np.linalg.inv, complex_too=True)
    return solved(x, identity_like(x))


def signed_diagonal(lu: TracedArray, pivots: TracedArray) -> TracedArray:
    """What the determinant is the product of."""
    places = emit("iota", shape=pivots.extents, axis=pivots.ndim - 1, dtype=pivots.ir_dtype)
    d = diagonals(lu)
    return where(call(np.not_equal, pivots, places + 1), -d, d)


def written_out(x: TracedArray) -> TracedArray:
    """The determinant of a matrix of three rows at most."""
    n = x.extents[-1]
    e = [[x[..., i, j] for j in range(n)] for i in range(n)]
    if n == 1:
        return call(np.positive, e[0][0])
    if n == 2:
        return e[0][0] * e[1][1] - e[0][1] * e[1][0]
    (a, b, c), (d, f, g), (h, i, j) = e
    return a * (f * j - g * i) - b * (d * j - g * h) + c * (d * i - f * h)


def determinant(x: TracedArray) -> TracedArray:
    n = x.extents[-1]
    if isinstance(n, int) and not is_open(n) and 0 < n <= 3:
        return written_out(x)
    if x.ir_dtype.is_complex:
        return of_complex().determinant(x)
    lu, pivots, _ = emit_all("lu", x)
    d = emit("prod", signed_diagonal(lu, pivots), axes=(x.ndim - 2,))
    return emit("det", d, x, lu, pivots, log=False)


def det(a):
    return determinant(squares(a, np.linalg.det, complex_too=True))


def slogdet(a):
    x = squares(a, np.linalg.slogdet, complex_too=True)
    if x.ir_dtype.is_complex:
        return RESULTS.SlogdetResult(*of_complex().sign_and_logarithm(x))
    lu, pivots, _ = emit_all("lu", x)
    d, axes = signed_diagonal(lu, pivots), (x.ndim - 2,)
    total = emit("sum", call(np.log, call(np.abs, d)), axes=axes)
    return RESULTS.SlogdetResult(emit("prod", call(np.sign, d), axes=axes), emit("det", total, x, lu, pivots, log=True))


# eigenvalues ----------------------------------------------------------------------------------------------------------
def eigen(a: Any, uplo: Any, func: Any) -> list[TracedArray]:
    x = squares(a, func, complex_too=True)
    if str(uplo).upper() not in ("L", "U"):
        fail(ArgumentError, "UPLO argument must be 'L' or 'U'")
    return eigen_of_symmetric(x, str(uplo).upper() == "L")


def eigen_of_symmetric(x: TracedArray, lower: bool) -> list[TracedArray]:
    """Eigenvalues and vectors of symmetric matrices, or Hermitian ones, of which one triangle is read."""
    return list(of_complex().hermitian(x, lower)) if x.ir_dtype.is_complex else emit_all("eigh", x, lower=lower)


def eigh(a, UPLO="L"):
    return RESULTS.EighResult(*eigen(a, UPLO, np.linalg.eigh))


def eigvalsh(a, UPLO="L"):
    return eigen(a, UPLO, np.linalg.eigvalsh)[0]


# singular values ------------------------------------------------------------------------------------------------------
def singular(x: TracedArray, full: bool, func: Any) -> tuple[Matrices, Matrices, Matrices]:
    """The factors of matrices."""
    wide = is_wide(x, func)
    if full and is_empty(x):
        m, n = x.extents[-2:]
        u, vt = (identity_like(o.filled(1, (*x.extents[:-2], k, k), x.dtype)) for k in (m, n))
        return u, o.filled(0, (*x.extents[:-2], 0), real_dtype(x)), vt
    if x.ir_dtype.is_complex:
        return of_complex().singular(x, full, wide)
    u, s, vt = emit_all("svd", x, full=full, wide=wide)
    return u, s, vt


def of_symmetric(x: Matrices) -> tuple[Matrices, Matrices, Matrices]:
    """Singular values of symmetric matrices, or Hermitian ones, by their eigenvalues."""
    w: Any
    v: Any
    w, v = eigen_of_symmetric(x, True)
    order = np.flip(np.argsort(np.abs(w), axis=-1), axis=-1)
    sign, s = (np.take_along_axis(f(w), order, axis=-1) for f in (np.sign, np.abs))
    u: Any = np.take_along_axis(v, order[..., np.newaxis, :], axis=-1)
    return u, s, adjoint(u * sign[..., np.newaxis, :])


def svd(a, full_matrices=True, compute_uv=True, hermitian=False):
    x = squares(a, np.linalg.svd, True) if hermitian else stack(a, np.linalg.svd, True)
    u, s, vt = of_symmetric(x) if hermitian else singular(x, bool(full_matrices and compute_uv), np.linalg.svd)
    return RESULTS.SVDResult(u, s, vt) if compute_uv else s


def singular_values(x: TracedArray, func: Any) -> Matrices:
    return singular(x, False, func)[1]


def svdvals(x, /):
    return singular_values(stack(x, np.linalg.svdvals, True), np.linalg.svdvals)


def relative(x: TracedArray, tolerance: Any) -> Any:
    """A tolerance by default: what is rounded, in as many steps as there are rows or columns."""
    return ext.handle(max(x.extents[-2:])) * np.finfo(x.dtype).eps if tolerance is None else tolerance


def matrix_rank(A, tol=None, hermitian=False, *, rtol=None):
    a = array(A)
    if rtol is not None and tol is not None:
        fail(ArgumentError, "`tol` and `rtol` can't be both set.")
    if a.ndim < 2:
        return emit("cast", truth(as_traced(np.any(truth(a)))), dtype=o.I64, kind=o.PYTHON)
    x = stack(a, np.linalg.matrix_rank, True)
    if hermitian:
        s = of_symmetric(squares(x, np.linalg.matrix_rank, True))[1]
    else:
        s = singular_values(x, np.linalg.matrix_rank)
    if tol is None:
        largest = np.max(s, axis=-1, keepdims=True, initial=0)
        tol = largest * (relative(x, None) if rtol is None else np.asarray(rtol)[..., np.newaxis])
    else:
        tol = np.asarray(tol)[..., np.newaxis]
    return np.count_nonzero(s > tol, axis=-1)


def inverted(s: Matrices, tolerance: Any) -> Matrices:
    """1 / s, and 0 where s is no larger than the tolerance times the largest."""
    large = s > array(tolerance)[..., np.newaxis] * np.max(s, axis=-1, keepdims=True)
    return where(large, 1 / where(large, s, 1), 0)


def pseudo_inverse(x: TracedArray, tolerance: Any, hermitian: bool, func: Any) -> TracedArray:
    x = symmetric(x) if hermitian else x
    if is_empty(x):
        return o.filled(0, (*x.extents[:-2], x.extents[-1], x.extents[-2]), x.dtype)
    u, s, vt = of_symmetric(x) if hermitian else singular(x, False, func)
    return whose_inverse(adjoint(vt) @ (inverted(s, tolerance)[..., np.newaxis] * adjoint(u)), x)


def whose_inverse(p: Matrices, x: Matrices) -> Matrices:
    """p, which has been made from x: its pseudo-inverse."""
    return of_complex().whose_inverse(p, x) if x.ir_dtype.is_complex else emit("pinv", p, x)


def pinv(a, rcond=None, hermitian=False, *, rtol=np._NoValue):
    x = squares(a, np.linalg.pinv, True) if hermitian else stack(a, np.linalg.pinv, True)
    if rcond is None:
        rcond = 1e-15 if rtol is np._NoValue else relative(x, rtol)
    elif rtol is not np._NoValue:
        fail(ArgumentError, "`rtol` and `rcond` can't be both set.")
    return pseudo_inverse(x, rcond, bool(hermitian), np.linalg.pinv)


def least_squares(x: Matrices, y: Matrices, rcond: Any, func: Any
                  ) -> tuple[Matrices, Matrices, Matrices, Matrices]:
    """The shortest solution, the squares that are left, the rank and the singular values."""
    u, s, vt = singular(x, False, func)
    usual = rcond is None or (not isinstance(rcond, TracedArray) and rcond == -1)
    tolerance = relative(x, None if usual else rcond)
    if is_empty(x):
        found, large = o.filled(0, (x.extents[1], *y.extents[1:]), y.dtype), s > 0
    else:
        p = whose_inverse(adjoint(vt) @ (inverted(s, tolerance)[..., np.newaxis] * adjoint(u)), x)
        found, large = p @ y, s > tolerance * s[0]
    left = squared_length(y - x @ found)
    return found, np.sum(left, axis=0), cast(as_traced(np.count_nonzero(large)), np.int32), s


def there(x: TracedArray, condition: Any) -> TracedArray:
    """x, where the condition holds; else there is nothing: who reads an element finds no index."""
    count = where(as_traced(condition), x.extents[0], 0)
    places = emit("bounded", emit("iota", shape=x.extents[:1], axis=0, dtype=o.I64), extent=(count.value,))
    return emit("gather", x, places, axes=(0,))


def lstsq(a, b, rcond=None):
    x, y = stack(a, np.linalg.lstsq, True), array(b)
    if x.ndim != 2:
        fail(LinAlgError, f"{x.ndim}-dimensional array given. Array must be two-dimensional")
    if y.ndim not in (1, 2):
        fail(LinAlgError, f"{y.ndim}-dimensional array given. Array must be two-dimensional")
    if not o.may_agree(x.extents[0], y.extents[0]):
        fail(LinAlgError, "Incompatible dimensions")
    s = System(x, y, np.linalg.lstsq, complex_too=True)
    found, left, rank, values = least_squares(s.a, s.b, rcond, np.linalg.lstsq)
    wide = is_wide(x, np.linalg.lstsq)
    left = left[:0] if wide else there(left, rank == x.extents[1])  # of a rank that is not full there are none
    return s.result(found), left, rank, values


def cond(x, p=None):
    a = stack(x, np.linalg.cond, True)
    if is_empty(a):
        fail(LinAlgError, "cond is not defined on empty arrays")
    if p in (None, 2, -2):
        s = singular_values(a, np.linalg.cond)
        r = s[..., -1] / s[..., 0] if p == -2 else s[..., 0] / s[..., -1]
    else:
        a = squares(a, np.linalg.cond, True)
        inverse = solved(a, identity_like(a), checked=False)
        r = np.linalg.norm(a, p, axis=(-2, -1)) * np.linalg.norm(inverse, p, axis=(-2, -1))
    return where(as_traced(np.isnan(r) & ~np.any(np.isnan(a), axis=(-2, -1))), np.inf, r)


# QR -------------------------------------------------------------------------------------------------------------------
def orthogonal(x: TracedArray, full: bool, func: Any) -> tuple[TracedArray, TracedArray]:
    wide = is_wide(x, func)
    if x.ir_dtype.is_complex:
        return of_complex().orthogonal(x, full, wide)
    q, r = emit_all("qr", x, full=full, wide=wide)
    return q, r


def qr(a, mode="reduced"):
    x = stack(a, np.linalg.qr, True)
    if mode not in ("reduced", "complete", "r"):
        if mode in ("raw", "full", "f", "economic", "e"):
            o.unsupported(np.linalg.qr, f"mode={mode!r}")
        fail(ArgumentError, f"Unrecognized mode '{mode}'")
    q, r = orthogonal(x, mode == "complete", np.linalg.qr)
    return r if mode == "r" else RESULTS.QRResult(q, r)


# tensors --------------------------------------------------------------------------------------------------------------
def fixed_shape(x: TracedArray, func: Any) -> tuple[int, ...]:
    if not x.type.is_static:
        o.refuse_shape(func, x)
    return x.extents


def tensorsolve(a, b, axes=None):
    x: Any = array(a)
    y = array(b)
    if axes is not None:
        order = [k for k in range(x.ndim) if k not in [o.normal_axis(a, x.ndim) for a in axes]]
        x = np.transpose(x, (*order, *(o.normal_axis(a, x.ndim) for a in axes)))
    shape = fixed_shape(x, np.linalg.tensorsolve)[y.ndim:]
    size = prod(shape)
    if x.size != size * size:
        fail(LinAlgError, "Input arrays must satisfy the requirement             "
                          "prod(a.shape[b.ndim:]) == prod(a.shape[:b.ndim])")
    return np.reshape(solve(np.reshape(x, (size, size)), np.ravel(y)), shape)


def tensorinv(a, ind=2):
    x = array(a)
    if o.static_int(ind, "ind") <= 0:
        fail(ArgumentError, "Invalid ind argument.")
    shape = fixed_shape(x, np.linalg.tensorinv)
    size = prod(shape[ind:])
    return np.reshape(inv(np.reshape(x, (size, -1))), (*shape[ind:], *shape[:ind]))


RULES: dict[Callable[..., Any], Rule] = {
    np.linalg.cholesky: cholesky, np.linalg.solve: solve, np.linalg.inv: inv, np.linalg.det: det,
    np.linalg.slogdet: slogdet, np.linalg.eigh: eigh, np.linalg.eigvalsh: eigvalsh, np.linalg.svd: svd,
    np.linalg.svdvals: svdvals, np.linalg.matrix_rank: matrix_rank, np.linalg.pinv: pinv, np.linalg.lstsq: lstsq,
    np.linalg.cond: cond, np.linalg.qr: qr, np.linalg.tensorsolve: tensorsolve, np.linalg.tensorinv: tensorinv,
}
