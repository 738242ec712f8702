"""scipy.linalg's reductions by orthogonal matrices inside traced functions: Schur's and Hessenberg's form, L D L^T, QR
with pivots. SciPy finds them while the program runs; their derivatives are those of the equations that they fulfil.

Of A = Z T Z^H the derivative of Z is Z W with a skew W, whose part below the diagonal makes the derivative of T zero
where T is. (Of a complex Z the phases are held: what does not depend on them has the right derivative.) Of P A P^T =
L D L^H it is L F with F below the blocks of D. (Giles, An extended collection of matrix derivative results, 2008.)
"""

from __future__ import annotations

import functools
import importlib
from typing import Any

import numpy as np

from ...errors import ShapeError, UnsupportedError
from ...tracer import libraries
from ...tracer.locations import fail
from ...tracer.opaque import on_data
from ...tracer.operands import as_traced, require
from ...tracer.scipy import factorisation
from ..primitive import primitive
from .found_by_elements import without_derivative


def square(a: Any, name: str) -> Any:
    x: Any = as_traced(a)
    x = x if x.ir_dtype.is_inexact else x * 1.0
    if x.ndim != 2 or x.extents[0] != x.extents[1]:
        fail(ShapeError, f"scipy.linalg.{name}: expected a square matrix, got {x.type}")
    return x


def adjoint(m: Any) -> Any:
    return np.conj(np.swapaxes(m, -1, -2))


# A = Z T Z^H ----------------------------------------------------------------------------------------------------------
def turned(name: str, find: Any, below: int, is_real: bool) -> Any:
    """A primitive for (T, Z): T is zero below that diagonal. is_real: whether T may have blocks of two rows."""

    def push(primals: Any, tangents: Any) -> Any:
        (a,), (da,) = primals, tangents
        t, z = reduced(a)
        n = t.shape[0]
        if is_real and below == 1:
            require(as_traced(np.all(np.diagonal(t, -1) == 0)),
                    "scipy.linalg.schur of a real matrix with complex eigenvalues has no derivative here; write "
                    "schur(a, output='complex')")
        row, column = (i.reshape(-1) for i in np.indices((n, n)))
        zero, free = np.flatnonzero(row - column >= below), np.flatnonzero((row > column) & (column >= below - 1))
        c = adjoint(z) @ da @ z
        low = np.zeros((n, n)) * c
        if len(free):
            eye = np.eye(n)
            whole = np.kron(eye, np.transpose(t)) - np.kron(t, eye)
            found = np.linalg.solve(whole[zero][:, free], np.reshape(c, -1)[zero])
            low = np.reshape(found @ (free[:, None] == np.arange(n * n)), (n, n))
        w = low - adjoint(low)
        dt = c - (w @ t - t @ w)
        return dt * np.tri(n, n, below - 1).T if below == 1 else dt * np.tri(n, n, 1).T, z @ w

    reduced = primitive(find, out=lambda a: (a, a), jvp=push)
    reduced.__name__ = name
    return reduced


def schur(a: Any, output: str = "real", lwork: Any = None, overwrite_a: bool = False, sort: Any = None,
          check_finite: bool = True) -> Any:
    if sort is not None:
        options = {"output": output, "sort": sort}
        if (known := on_data(importlib.import_module("scipy.linalg").schur, (a,), options)) is not None:
            return known
        fail(UnsupportedError, "scipy.linalg.schur of a traced matrix does not take sort=; leave it away")
    x = square(a, "schur")
    x = x.astype(np.complex128) if output in ("complex", "c") and not x.ir_dtype.is_complex else x
    return SCHUR[not x.ir_dtype.is_complex](x)


def hessenberg(a: Any, calc_q: bool = False, overwrite_a: bool = False, check_finite: bool = True) -> Any:
    x = square(a, "hessenberg")
    if x.ir_dtype.is_complex:
        fail(UnsupportedError, "scipy.linalg.hessenberg of a complex traced matrix is not supported; schur is")
    h, q = HESSENBERG(x)
    return (h, q) if calc_q else h


def _scipy(name: str, **options: Any) -> Any:
    return lambda a: tuple(getattr(importlib.import_module("scipy.linalg"), name)(a, **options))


without_pivots: Any = factorisation.qr
SCHUR = {is_real: turned("schur", _scipy("schur"), 1, is_real) for is_real in (True, False)}
HESSENBERG = turned("hessenberg", _scipy("hessenberg", calc_q=True), 2, True)


# P A P^T = L D L^H ----------------------------------------------------------------------------------------------------
@functools.cache
def ldl_of(lower: bool, hermitian: bool) -> Any:
    """A primitive for the factors and the permutation."""
    turn = adjoint if hermitian else lambda m: np.swapaxes(m, -1, -2)

    def find(a: Any) -> Any:
        lu, d, perm = importlib.import_module("scipy.linalg").ldl(a, lower, hermitian)
        return lu, d, np.asarray(perm, np.int64)

    def push(primals: Any, tangents: Any) -> Any:
        (a,), (da,) = primals, tangents
        lu, d, perm = factored(a)
        n = d.shape[0]
        low = np.tri(n)
        part = da * (low if lower else low.T)
        whole = part + turn(part) * (1 - np.eye(n))
        unit = lu[perm]
        inner = np.linalg.solve(unit, whole[perm][:, perm])
        c = turn(np.linalg.solve(unit, turn(inner)))
        in_block = (d != 0) | (np.eye(n) > 0)
        outside = ~in_block & (low > 0 if lower else low.T > 0)
        f = np.where(outside, c, 0.0) @ np.linalg.inv(d)
        return (unit @ f)[np.argsort(perm)], np.where(in_block, c, 0.0), np.zeros(n)

    factored = primitive(find, out=lambda a: (a, a, np.zeros(a.shape[0], np.int64)), jvp=push)
    return factored


def ldl(A: Any, lower: bool = True, hermitian: bool = True, overwrite_a: bool = False, check_finite: bool = True,
        ) -> Any:
    return ldl_of(bool(lower), bool(hermitian))(square(A, "ldl"))


# QR with pivots -------------------------------------------------------------------------------------------------------
def qr(a: Any, overwrite_a: bool = False, lwork: Any = None, mode: str = "full", pivoting: bool = False,
       check_finite: bool = True) -> Any:
    """The columns in the order that SciPy finds, factored as without pivots."""
    if not pivoting:
        return without_pivots(a, overwrite_a, lwork, mode, pivoting, check_finite)
    x: Any = as_traced(a)
    if x.ndim != 2:
        fail(UnsupportedError, "scipy.linalg.qr with pivoting=True of a stack of traced matrices is not supported")
    count = x.extents[1]

    def run(x: Any) -> Any:
        return np.asarray(importlib.import_module("scipy.linalg").qr(x, mode="r", pivoting=True)[-1], np.int64)

    order = primitive(run, out=f"i64[{count}]")(*without_derivative(x))
    return *without_pivots(x[:, order], mode=mode, check_finite=check_finite), order


RULES: libraries.Rules = {
    ("scipy.linalg._decomp_schur", "schur"): schur, ("scipy.linalg._decomp", "hessenberg"): hessenberg,
    ("scipy.linalg._decomp_ldl", "ldl"): ldl, ("scipy.linalg._decomp_qr", "qr"): qr,
}
