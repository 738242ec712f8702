"""numpy.linalg's functions of complex matrices, and eigenvalues of general ones, which are complex."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from .. import operands as o
from ..operands import TracedArray, as_traced, cast, emit, emit_all
from .common import array, call, move_axis, where
from .complex_numbers import conjugate, joined as complex_number, values
from .factorisation import RESULTS, squares
from .fourier import parted, whole

Rule = Callable[..., Any]


def cholesky_factor(x: TracedArray) -> TracedArray:
    return whole(emit("complex_cholesky", parted(x)))


def triangular(a: TracedArray, b: TracedArray, lower: bool, trans: bool, unit: bool, checked: bool, conjugated: bool
               ) -> TracedArray:
    """Transposed alone is the conjugate of what the adjoint gives for the conjugate."""
    def solution(x: TracedArray) -> TracedArray:
        return whole(emit("complex_triangular_solve", parted(a), parted(x), lower=lower, adjoint=trans, unit=unit,
                          checked=checked))

    return conjugate(solution(conjugate(b))) if trans and not conjugated else solution(b)


def orthogonal(x: TracedArray, full: bool, wide: bool) -> tuple[TracedArray, TracedArray]:
    q, r = emit_all("complex_qr", parted(x), full=full, wide=wide)
    return whole(q), whole(r)


def singular(x: TracedArray, full: bool, wide: bool) -> tuple[TracedArray, TracedArray, TracedArray]:
    u, s, vt = emit_all("complex_svd", parted(x), full=full, wide=wide)
    return whole(u), s, whole(vt)


def sylvester(a: TracedArray, b: TracedArray, q: TracedArray) -> TracedArray:
    return whole(emit("complex_sylvester", parted(a), parted(b), parted(q)))


def whose_root(s: TracedArray, a: TracedArray) -> TracedArray:
    return whole(emit("complex_sqrtm", parted(s), parted(a)))


def whose_inverse(p: TracedArray, x: TracedArray) -> TracedArray:
    return whole(emit("complex_pinv", parted(p), parted(x)))


def eliminated(x: TracedArray) -> tuple[TracedArray, TracedArray, TracedArray]:
    lu, pivots, order = emit_all("complex_lu", parted(x))
    return whole(lu), pivots, order


def solved(a: TracedArray, b: TracedArray, adjoint: bool = False, checked: bool = True) -> TracedArray:
    """The x with a x = b, or with a's adjoint."""
    matrix = parted(a)
    lu, pivots, _ = emit_all("complex_lu", matrix)
    return whole(emit("complex_solve", matrix, lu, pivots, parted(b), adjoint=adjoint, checked=checked))


def signed_diagonal(lu: TracedArray, pivots: TracedArray) -> Any:
    """What the determinant is the product of."""
    places = emit("iota", shape=pivots.extents[-1:], axis=0, dtype=o.I64)
    z: Any = whole(lu)
    d = move_axis(emit("gather", z, places, places, axes=(z.ndim - 2, z.ndim - 1)), 0, z.ndim - 2)
    rows = emit("iota", shape=pivots.extents, axis=pivots.ndim - 1, dtype=pivots.ir_dtype)
    return where(call(np.not_equal, pivots, rows + 1), call(np.negative, d), d)


def determinant(x: TracedArray) -> TracedArray:
    matrix = parted(x)
    lu, pivots, _ = emit_all("complex_lu", matrix)
    d = np.prod(signed_diagonal(lu, pivots), axis=-1)
    return whole(emit("complex_det", parted(as_traced(d)), matrix, lu, pivots, log=False))


def sign_and_logarithm(x: TracedArray) -> tuple[Any, Any]:
    """The direction of the determinant, and the logarithm of its magnitude."""
    matrix = parted(x)
    lu, pivots, _ = emit_all("complex_lu", matrix)
    d = signed_diagonal(lu, pivots)
    log, angle = np.sum(np.log(np.abs(d)), axis=-1), np.sum(np.angle(d), axis=-1)
    known = emit("complex_det", parted(complex_number(as_traced(log), as_traced(angle))), matrix, lu, pivots, log=True)
    re, im = values(whole(known))
    phase = np.exp(1j * array(im))
    return where(call(np.equal, re, -np.inf), 0, phase), re


def hermitian(x: TracedArray, lower: bool) -> tuple[TracedArray, TracedArray]:
    w, v = emit_all("complex_eigh", parted(x), lower=lower)
    return w, whole(v)


# eigenvalues of any matrix --------------------------------------------------------------------------------------------
def eigen(a: Any, func: Any) -> tuple[Any, Any]:
    """Eigenvalues and eigenvectors, complex ones; derivatives flow through the matrix."""
    x = squares(a, func, complex_too=True)
    matrix = parted(x) if x.ir_dtype.is_complex else x
    if x.ir_dtype.is_complex:
        w, v = emit_all("complex_eig", matrix)
    else:
        w, v = (parted(as_traced(z)) for z in of_real(matrix))
    vectors = emit("eigenvectors", v, matrix, w)
    return whole(emit("eigenvalues", w, matrix, vectors)), whole(vectors)


def of_real(x: TracedArray) -> tuple[Any, Any]:
    """What LAPACK gives for a real matrix, as complex numbers: columns of pairs are the parts of the first one's."""
    re, im, columns = emit_all("eig", x)
    packed: Any = columns
    before, behind = np.roll(packed, 1, -1), np.roll(packed, -1, -1)
    side: Any = np.expand_dims(o.as_array(im), -2)
    real = np.where(side < 0, before, packed)
    imaginary = np.where(side > 0, behind, np.where(side < 0, -packed, 0))
    return complex_number(re, im), complex_number(as_traced(real), as_traced(cast(as_traced(imaginary), x.dtype)))


def eig(a):
    return RESULTS.EigResult(*eigen(a, np.linalg.eig))


def eigvals(a):
    return eigen(a, np.linalg.eigvals)[0]


def roots(p):
    """The eigenvalues of the companion matrix. The first and the last coefficient are not 0: there are as many roots as
    there are further coefficients."""
    c: Any = array(p)
    if c.ndim != 1:
        o.unsupported(np.roots, "of more than one polynomial")
    c = c if c.ir_dtype.is_inexact else cast(c, np.float64)
    n = c.shape[0] - 1
    if n < 1:
        return o.as_array(o.filled(0, (0,), np.float64))
    o.require(array((c[0] != 0) & (c[-1] != 0)), "the first or the last coefficient of a polynomial is 0: how many "
                                                 "roots there are would depend on the elements; leave it out")
    first = (-c[1:] / c[0])[np.newaxis]
    return eigvals(np.concatenate([first, np.eye(n - 1, n).astype(c.dtype)]))


RULES: dict[Callable[..., Any], Rule] = {np.linalg.eig: eig, np.linalg.eigvals: eigvals, np.roots: roots}
