"""scipy.linalg's factorisations, and what is solved with them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from ...errors import ArgumentError, LinAlgError, ShapeError
from ...ir import Builder, Value
from .. import operands as o
from ..array import TracedArray
from ..locations import fail
from ..numpy import complex_matrices, factorisation as nf
from ..numpy.common import array, call, truth, where
from ..operands import cast, emit, emit_all
from ..repeated_region import repeated
from .linalg import toeplitz

Rule = Callable[..., Any]


def name(f: str) -> str:
    return f"scipy.linalg.{f}"


def finite(*arrays: Any, check: Any = True) -> None:
    """SciPy looks whether its operands are finite, where it is not told otherwise."""
    for x in arrays if flag(check, "check_finite") else ():
        o.require(call(np.isfinite, x), "array must not contain infs or NaNs")


def flag(x: Any, what: str) -> bool:
    return bool(o.static_int(x, what))


def only_default(function: str, **given: Any) -> None:
    """Arguments that are not supported, but for what they are by default: None, or False."""
    for what, value in given.items():
        if value is not None and value is not False:
            o.unsupported(name(function), f"with {what}={value!r}")


def matrices(a: Any, function: str, check: Any = True) -> Any:
    x = nf.stack(a, name(function), complex_too=True)
    finite(x, check=check)
    return x


def squares(a: Any, function: str, check: Any = True, complex_too: bool = True) -> Any:
    x = nf.squares(a, name(function), complex_too)
    finite(x, check=check)
    return x


# Cholesky -------------------------------------------------------------------------------------------------------------
def _factor(a: Any, lower: Any, check_finite: Any, what: str) -> tuple[Any, Any, bool]:
    x, is_lower = squares(a, what, check_finite), flag(lower, "lower")
    factor = nf.cholesky_factor(x if is_lower else nf.adjoint(x))
    return x, factor if is_lower else nf.adjoint(factor), is_lower


def cholesky(a, lower=False, overwrite_a=False, check_finite=True):
    return _factor(a, lower, check_finite, "cholesky")[1]


def cho_factor(a, lower=False, overwrite_a=False, check_finite=True):
    """The other triangle is that of the matrix."""
    x, factor, is_lower = _factor(a, lower, check_finite, "cho_factor")
    return factor + nf.chosen(x, np.less if is_lower else np.greater), is_lower


def cho_solve(c_and_lower, b, overwrite_b=False, check_finite=True):
    c, lower = c_and_lower
    factor, is_lower = nf.squares(c, name("cho_solve"), complex_too=True), flag(lower, "lower")
    s = nf.System(factor, b, name("cho_solve"), complex_too=True)
    finite(factor, s.b, check=check_finite)
    return s.result(by_cholesky(s.a, s.b, is_lower))


def by_cholesky(factor: TracedArray, b: TracedArray, is_lower: bool) -> TracedArray:
    first = nf.triangular(factor, b, is_lower, not is_lower, conjugated=True)
    return nf.triangular(factor, first, is_lower, is_lower, conjugated=True)


# triangles ------------------------------------------------------------------------------------------------------------
TRANSPOSED = {0: False, "N": False, 1: True, "T": True, 2: True, "C": True}


def is_transposed(trans: Any) -> bool:
    if trans not in TRANSPOSED:
        fail(ArgumentError, f"trans={trans!r} is none of 0, 1, 2, 'N', 'T', 'C'")
    return TRANSPOSED[trans]


def solve_triangular(a, b, trans=0, lower=False, unit_diagonal=False, overwrite_b=False, check_finite=True):
    x, unit = nf.squares(a, name("solve_triangular"), complex_too=True), flag(unit_diagonal, "unit")
    s, turned = nf.System(x, b, name("solve_triangular"), complex_too=True), is_transposed(trans)
    finite(x, s.b, check=check_finite)
    return s.result(nf.triangular(s.a, s.b, flag(lower, "lower"), turned, unit, checked=not unit,
                                  conjugated=trans in (2, "C")))


# LU -------------------------------------------------------------------------------------------------------------------
def lu_factor(a, overwrite_a=False, check_finite=True):
    lu, pivots, _ = nf.eliminated(squares(a, "lu_factor", check_finite))
    return lu, pivots - 1


def lu_solve(lu_and_piv, b, trans=0, overwrite_b=False, check_finite=True):
    lu, piv = lu_and_piv
    factors, turned = nf.squares(lu, name("lu_solve"), complex_too=True), is_transposed(trans)
    s = nf.System(factors, b, name("lu_solve"), complex_too=True)
    finite(factors, s.b, check=check_finite)
    if s.a.ndim != 2:
        o.unsupported(name("lu_solve"), "of several at once")
    order = row_order(array(piv))
    y: Any = s.b
    if not turned:
        first = nf.triangular(s.a, y[order], True, unit=True)
        return s.result(nf.triangular(s.a, first, False))
    conjugated = trans in (2, "C")
    first = nf.triangular(s.a, s.b, False, trans=True, conjugated=conjugated)
    last: Any = nf.triangular(s.a, first, True, trans=True, unit=True, conjugated=conjugated)
    return s.result(last[np.argsort(order)])


def row_order(pivots: Any) -> Any:
    """Where the rows come from that were exchanged, one pair after the other: by a loop."""
    n, swaps = pivots.extents[0], cast(pivots, np.int64)

    def exchange(b: Builder, k: Value, rows: Value) -> Value:
        at = b.gather(swaps.value, k, axes=(0,))
        one, other = b.gather(rows, k, axes=(0,)), b.gather(rows, at, axes=(0,))
        return b.scatter(b.scatter(rows, k, other, axes=(0,)), at, one, axes=(0,))

    return repeated(n, emit("iota", shape=(n,), axis=0, dtype=o.I64), exchange)


def lu(a, permute_l=False, overwrite_a=False, check_finite=True, p_indices=False):
    x = squares(a, "lu", check_finite)
    factors, _, order = nf.eliminated(x)
    lower: Any = nf.chosen(factors, np.greater) + nf.identity_like(factors)
    upper = nf.chosen(factors, np.less_equal)
    place: Any = np.argsort(order, axis=-1)
    if flag(permute_l, "permute_l"):
        return np.take_along_axis(lower, place[..., np.newaxis], axis=-2), upper
    if flag(p_indices, "p_indices"):
        return cast(place, np.int32), lower, upper
    return cast(place[..., np.newaxis] == np.arange(x.extents[-1]), nf.real_dtype(x)), lower, upper


# solve ----------------------------------------------------------------------------------------------------------------
STRUCTURES: dict[str | None, str] = {
    None: "gen", "general": "gen", "positive definite": "pos", "symmetric": "sym", "hermitian": "her", "her": "her",
    "diagonal": "diag", "tridiagonal": "gen", "banded": "gen", "upper triangular": "upper", "lower triangular": "lower",
    "gen": "gen", "pos": "pos", "sym": "sym",
}


def structure(assume_a: Any) -> str:
    if assume_a not in STRUCTURES:
        fail(ArgumentError, f"{assume_a} is not a recognized matrix structure")
    return STRUCTURES[assume_a]


def with_structure(kind: str, a: TracedArray, b: TracedArray, lower: bool, trans: bool) -> TracedArray:
    if kind == "gen":
        return nf.solved(a, b, trans)
    if kind == "diag":
        d: Any = nf.diagonals(a)
        o.require(truth(d), "Singular matrix", "LinAlgError")
        return b / d[..., np.newaxis]
    if kind in ("upper", "lower"):
        return nf.triangular(a, b, kind == "lower", trans, checked=True)
    if kind == "sym" and a.ir_dtype.is_complex:  # symmetric, and not Hermitian
        read = a if lower else nf.turned(a)
        below = nf.chosen(read, np.greater)
        return nf.solved(nf.chosen(read, np.greater_equal) + nf.turned(below), b)
    read = a if lower else nf.adjoint(a)
    return by_cholesky(nf.cholesky_factor(read), b, True) if kind == "pos" else nf.solved(nf.symmetric(read), b)


def solve(a, b, lower=False, overwrite_a=False, overwrite_b=False, check_finite=True, assume_a=None,
          transposed=False):
    x = squares(a, "solve", check_finite)
    s = nf.System(x, b, name("solve"), complex_too=True)
    finite(s.b, check=check_finite)
    return s.result(with_structure(structure(assume_a), s.a, s.b, flag(lower, "lower"),
                                   flag(transposed, "transposed")))


def solve_toeplitz(c_or_cr, b, check_finite=True):
    """SciPy's recursion takes fewer steps, but is less exact."""
    columns, rows = c_or_cr if isinstance(c_or_cr, tuple) else (c_or_cr, None)
    x = nf.squares(toeplitz(columns, rows), name("solve_toeplitz"), complex_too=True)
    s = nf.System(x, b, name("solve_toeplitz"), complex_too=True)
    finite(x, s.b, check=check_finite)
    return s.result(nf.solved(s.a, s.b))


def solve_circulant(c, b, singular="raise", tol=None, caxis=-1, baxis=0, outaxis=0):
    """By Fourier's transform, in which the matrix is diagonal."""
    x, y = array(c), array(b)
    if x.ndim != 1 or y.ndim not in (1, 2) or (caxis, baxis, outaxis) != (-1, 0, 0) or singular != "raise":
        o.unsupported(name("solve_circulant"), "of several at once, with axes, or with singular='lstsq'")
    if not o.may_agree(x.extents[0], y.extents[0]):
        fail(ShapeError, f"Shapes of c {x.shape} and b {y.shape} are incompatible")
    values: Any = np.fft.fft(x)
    size: Any = np.abs(values)
    least = np.max(size) * x.shape[0] * np.finfo(np.float64).eps if tol is None else tol
    o.require(size > least, "near singular circulant matrix.", "LinAlgError")
    found = np.fft.ifft(np.fft.fft(y, axis=0) / (values if y.ndim == 1 else values[:, np.newaxis]), axis=0)
    return found if x.ir_dtype.is_complex or y.ir_dtype.is_complex else np.real(found)


def orthogonal_procrustes(A, B, check_finite=True):
    """The orthogonal matrix that turns A into B as well as can be; and the sum of the singular values."""
    a, b = matrices(A, "orthogonal_procrustes", check_finite), matrices(B, "orthogonal_procrustes", check_finite)
    if a.ndim != 2 or b.ndim != 2 or a.shape != b.shape:
        fail(ShapeError, f"the shapes of A and B differ ({a.shape} vs {b.shape})")
    u, s, vt = nf.singular(nf.turned(nf.turned(b) @ (np.conj(a) if a.ir_dtype.is_complex else a)),
                           False, name("orthogonal_procrustes"))
    return u @ vt, np.sum(s)


def norm(a, ord=None, axis=None, keepdims=False, check_finite=True):
    x = array(a)
    finite(x, check=check_finite)
    return np.linalg.norm(x, ord, axis, flag(keepdims, "keepdims"))


def inv(a, overwrite_a=False, check_finite=True, *, assume_a=None, lower=False):
    x = squares(a, "inv", check_finite)
    return with_structure(structure(assume_a), x, nf.identity_like(x), flag(lower, "lower"), False)


def det(a, overwrite_a=False, check_finite=True):
    return nf.determinant(squares(a, "det", check_finite))


# QR, singular values --------------------------------------------------------------------------------------------------
def qr(a, overwrite_a=False, lwork=None, mode="full", pivoting=False, check_finite=True):
    only_default("qr", pivoting=pivoting)
    if mode not in ("full", "qr", "r", "economic"):
        o.unsupported(name("qr"), f"with mode={mode!r}")
    q, r = nf.orthogonal(matrices(a, "qr", check_finite), mode != "economic", name("qr"))
    return (r,) if mode == "r" else (q, r)


def rq(a, overwrite_a=False, lwork=None, mode="full", check_finite=True):
    """By the factors of the matrix turned round: r q = a."""
    if mode not in ("full", "economic", "r"):
        o.unsupported(name("rq"), f"with mode={mode!r}")
    x = matrices(a, "rq", check_finite)
    q, r = nf.orthogonal(nf.adjoint(np.flip(x, -2)), mode != "economic", name("rq"))
    upper, last = np.flip(nf.adjoint(r), (-1, -2)), np.flip(nf.adjoint(q), -2)
    return upper if mode == "r" else (upper, last)


def svd(a, full_matrices=True, compute_uv=True, overwrite_a=False, check_finite=True, lapack_driver="gesdd"):
    x = matrices(a, "svd", check_finite)
    u, s, vt = nf.singular(x, bool(full_matrices and compute_uv), name("svd"))
    return (u, s, vt) if compute_uv else s


def svdvals(a, overwrite_a=False, check_finite=True):
    return nf.singular_values(matrices(a, "svdvals", check_finite), name("svdvals"))


def pinv(a, *, atol=None, rtol=None, return_rank=False, check_finite=True):
    x = matrices(a, "pinv", check_finite)
    u, s, vt = nf.singular(x, False, name("pinv"))
    return _pseudo(x, u, s, vt, atol, rtol, return_rank)


def pinvh(a, atol=None, rtol=None, lower=True, return_rank=False, check_finite=True):
    x = squares(a, "pinvh", check_finite)
    x = nf.symmetric(x if flag(lower, "lower") else nf.adjoint(x))
    return _pseudo(x, *nf.of_symmetric(x), atol, rtol, return_rank)


def _pseudo(x: Any, u: Any, s: Any, vt: Any, atol: Any, rtol: Any, return_rank: Any) -> Any:
    rtol = nf.relative(x, None) if rtol is None else rtol
    least = (0.0 if atol is None else atol) + np.max(s, axis=-1, keepdims=True, initial=0.0) * rtol
    large = s > least
    over = where(large, 1 / where(large, s, 1), 0)
    p = nf.whose_inverse(nf.adjoint(vt) @ (over[..., np.newaxis] * nf.adjoint(u)), x)
    return (p, np.sum(large, axis=-1)) if return_rank else p


def lstsq(a, b, cond=None, overwrite_a=False, overwrite_b=False, check_finite=True, lapack_driver=None):
    x = matrices(a, "lstsq", check_finite)
    if x.ndim != 2:
        o.unsupported(name("lstsq"), "of several at once")
    if not o.may_agree(x.extents[0], array(b).extents[0]):
        fail(ShapeError, f"Shape mismatch: a and b should have the same number of rows ({o.told(x.extents[0])} != "
                         f"{o.told(array(b).extents[0])}).")
    s = nf.System(x, b, name("lstsq"), complex_too=True)
    finite(s.b, check=check_finite)
    found, left, rank, values = nf.least_squares(s.a, s.b, np.finfo(s.a.dtype).eps if cond is None else cond,
                                                 name("lstsq"))
    left = left[:0] if nf.is_wide(x, name("lstsq")) else nf.there(left, rank == x.extents[1])
    left = np.sum(left) if s.vector and not nf.is_wide(x, name("lstsq")) else left
    return s.result(found), left, rank, values


def full_rank(s: Any, least: Any, function: str) -> None:
    """A basis has as many vectors as the rank says, which must be known: it is taken to be full."""
    o.require(s > least, f"scipy.linalg.{function}: the rank is not full, and the shape of the result would depend on "
                         f"the elements; for any rank write u, s, vt = np.linalg.svd(A), rank = np.sum(s > tolerance) "
                         f"and {BASES[function]}", "LinAlgError")


BASES = {"null_space": "vt[rank:].T", "orth": "u[:, :rank]"}
"""How the vectors are taken of a decomposition where the rank is computed."""


def null_space(A, rcond=None, *, overwrite_a=False, check_finite=True, lapack_driver="gesdd"):
    x = matrices(A, "null_space", check_finite)
    _, s, vt = nf.singular(x, True, name("null_space"))
    least = np.max(s, initial=0.0) * nf.relative(x, rcond)
    if x.ndim == 2 and x.extents[0] >= x.extents[1]:  # of full rank there would be none: how many is computed
        return nf.adjoint(vt[np.sum(s > least):])
    full_rank(s, least, "null_space")
    return nf.adjoint(vt[..., s.extents[-1]:, :])


def orth(A, rcond=None):
    x = matrices(A, "orth")
    u, s, _ = nf.singular(x, False, name("orth"))
    full_rank(s, np.max(s, initial=0.0) * nf.relative(x, rcond), "orth")
    return u


# eigenvalues ----------------------------------------------------------------------------------------------------------
def eigh(a, b=None, *, lower=True, eigvals_only=False, overwrite_a=False, overwrite_b=False, type=1, check_finite=True,
         subset_by_index=None, subset_by_value=None, driver=None):
    only_default("eigh", subset_by_value=subset_by_value)
    x = squares(a, "eigh", check_finite)
    is_lower = flag(lower, "lower")
    if b is None:
        w, v = nf.eigen_of_symmetric(x, is_lower)
    else:
        second = squares(b, "eigh", check_finite)
        dtype = np.result_type(x.dtype, second.dtype)
        whole = nf.symmetric(x if is_lower else nf.adjoint(x))
        w, v = _generalised(cast(whole, dtype), cast(second, dtype), is_lower, type)
    if subset_by_index is not None:
        first, last = (o.static_int(k, "subset_by_index") for k in subset_by_index)
        w, v = w[..., first:last + 1], v[..., first:last + 1]
    return w if eigvals_only else (w, v)


def _generalised(x: Any, b: Any, lower: bool, kind: Any) -> Any:
    """a v = w b v by b's Cholesky factor: L^-1 a L'^-1 has the same eigenvalues."""
    if kind != 1:
        o.unsupported(name("eigh"), f"with type={kind!r}")
    factor = nf.cholesky_factor(b if lower else nf.adjoint(b))
    left = nf.triangular(factor, x, True)
    w, v = nf.eigen_of_symmetric(nf.triangular(factor, nf.adjoint(left), True), True)
    return w, nf.triangular(factor, v, True, trans=True, conjugated=True)


def eig(a, b=None, left=False, right=True, overwrite_a=False, overwrite_b=False, check_finite=True,
        homogeneous_eigvals=False):
    """Eigenvectors on the right; eigenvalues of a pair of matrices by the solution with the second."""
    only_default("eig", left=left, homogeneous_eigvals=homogeneous_eigvals)
    x = squares(a, "eig", check_finite)
    if b is not None:
        if right:
            o.unsupported(name("eig"), "of eigenvectors of a pair of matrices; write eig(np.linalg.solve(b, a)), whose "
                                       "vectors have length 1")
        second = squares(b, "eig", check_finite)
        x = nf.System(second, x, name("eig"), vector=False, complex_too=True)
        x = nf.solved(x.a, x.b)
    w, v = complex_matrices.eigen(x, name("eig"))
    return (w, v) if right else w


def eigvals(a, b=None, overwrite_a=False, check_finite=True, homogeneous_eigvals=False):
    return eig(a, b, right=False, check_finite=check_finite, homogeneous_eigvals=homogeneous_eigvals)


def eigvalsh(a, b=None, *, lower=True, overwrite_a=False, overwrite_b=False, type=1, check_finite=True,
             subset_by_index=None, subset_by_value=None, driver=None):
    return eigh(a, b, lower=lower, eigvals_only=True, type=type, check_finite=check_finite,
                subset_by_index=subset_by_index, subset_by_value=subset_by_value)


def eigh_tridiagonal(d, e, eigvals_only=False, select="a", select_range=None, check_finite=True, tol=0.0,
                     lapack_driver="auto"):
    if select not in ("a", 0, "all"):
        o.unsupported(name("eigh_tridiagonal"), f"with select={select!r}")
    x, y = (v if v.ir_dtype.is_inexact else cast(v, np.float64) for v in (array(d), array(e)))
    if x.ndim != 1 or y.ndim != 1 or x.shape[0] != y.shape[0] + 1:
        fail(LinAlgError, "d (the diagonal) must have one element more than e")
    finite(x, y, check=check_finite)
    w, v = emit_all("eigh", np.diag(x) + np.diag(y, -1), lower=True)
    return w if eigvals_only else (w, v)


# modules --------------------------------------------------------------------------------------------------------------
def _names(module: str, *rules: Rule) -> dict[tuple[str, str], Rule]:
    return {(f"scipy.linalg.{module}", f.__name__): f for f in rules}


RULES: dict[tuple[str, str], Rule] = {
    **_names("_decomp_cholesky", cholesky, cho_factor, cho_solve), **_names("_decomp_lu", lu_factor, lu_solve, lu),
    **_names("_basic", solve_triangular, solve_toeplitz, solve_circulant, solve, inv, det, pinv, pinvh, lstsq),
    **_names("_procrustes", orthogonal_procrustes),
    **_names("_decomp_qr", qr, rq), **_names("_decomp_svd", svd, svdvals, null_space, orth),
    **_names("_decomp", eig, eigvals, eigh, eigvalsh, eigh_tridiagonal), **_names("_misc", norm),
}
