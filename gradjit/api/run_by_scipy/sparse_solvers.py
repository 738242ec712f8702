"""scipy.sparse.linalg's solvers inside traced functions: SciPy solves while the program runs, and once more, with the
adjoint matrix, for derivatives. No inverse and no dense matrix is formed."""

from __future__ import annotations

import functools
import importlib
import warnings
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from ...errors import ShapeError, UnsupportedError
from ...tracer import libraries
from ...tracer.array import TracedArray
from ...tracer.built_sparse import BuiltSparse, built
from ...tracer.calls import as_it_is
from ...tracer.locations import fail
from ...tracer.operands import as_traced, is_traced
from ...tracer.sparse import Sparse, is_sparse
from ..primitive import primitive
from .linear_operators import solved_by_operator

Function = Callable[..., Any]


def scipy_linalg() -> Any:
    return importlib.import_module("scipy.sparse.linalg")


class SquarePlaces:
    """The places of a square matrix, and the last factorisation of values at them."""

    def __init__(self, rows: np.ndarray, columns: np.ndarray, size: int):
        self.rows, self.columns, self.size = rows, columns, size
        self.last: tuple[np.ndarray, Any] | None = None

    def matrix(self, values: np.ndarray) -> Any:
        sparse = importlib.import_module("scipy.sparse")
        made = sparse.csc_matrix((values, (self.rows, self.columns)), shape=(self.size, self.size))
        made.eliminate_zeros()
        return made

    def factorised(self, values: np.ndarray) -> Any:
        """SuperLU's factors, None where the matrix is singular. Steps of a simulation, and their derivatives, solve
        with the same values again and again."""
        last = self.last
        if last is not None and np.array_equal(last[0], values):
            return last[1]
        try:
            factors = scipy_linalg().splu(self.matrix(values))
        except RuntimeError:
            factors = None
        self.last = values.copy(), factors
        return factors


Direct = Callable[[np.ndarray, np.ndarray, bool], tuple[np.ndarray, np.int64]]
"""Solves while the program runs: values, right-hand side, whether with the adjoint matrix. Gives 0 where it has."""


def directly(s: SquarePlaces, is_strict: bool) -> Direct:
    def solve(values: np.ndarray, b: np.ndarray, adjoint: bool) -> tuple[np.ndarray, np.int64]:
        factors = s.factorised(values)
        dtype = np.result_type(values, b, np.float32)
        if factors is None and is_strict:
            raise RuntimeError("Factor is exactly singular")
        if factors is None:
            warnings.warn("Matrix is exactly singular", scipy_linalg().MatrixRankWarning, stacklevel=2)
            return np.full(b.shape, np.nan, dtype), np.int64(0)
        parts = [b] if np.iscomplexobj(values) or not np.iscomplexobj(b) else [b.real, b.imag]
        found = [factors.solve(np.ascontiguousarray(p, values.dtype), "H" if adjoint else "N") for p in parts]
        return np.asarray(found[0] if len(found) == 1 else found[0] + 1j * found[1], dtype), np.int64(0)

    return solve


def solved(a: BuiltSparse, b: Any, run: Direct) -> tuple[Any, Any]:
    """The x with a x = b, differentiated by that equation; and what the solver tells (0: that it has converged)."""
    @functools.cache
    def system(adjoint: bool) -> Function:
        def pull(cotangent: Any, result: Any, values: Any, b: Any, rows: Any, columns: Any) -> Any:
            x, _ = system(adjoint)(values, b, rows, columns)  # the result itself, with its derivative
            s, _ = system(not adjoint)(values, cotangent[0], rows, columns)
            left, right = (x, np.conj(s)) if adjoint else (s, np.conj(x))
            terms = left[rows] * right[columns]
            of_values = -(np.sum(terms, axis=1) if np.ndim(terms) == 2 else terms)
            real = not np.iscomplexobj(values)
            return (np.real(of_values) if real else of_values, s if np.iscomplexobj(b) else np.real(s), None, None)

        return primitive(lambda values, b, rows, columns: run(values, b, adjoint), vjp=pull,
                         out=lambda values, b, rows, columns: (b * values[0], np.int64(0)))

    x, info = system(False)(a.values, b, a.rows, a.columns)  # a rule reads no arrays but its arguments
    return x, info


def system_of(A: Any, b: Any, name: str) -> tuple[BuiltSparse, TracedArray] | None:
    """The matrix and the right-hand side of a system in which something is traced."""
    made = isinstance(A, BuiltSparse) or hasattr(type(A), "as_built")
    if not (made or is_traced((A, b))) or not (made or isinstance(A, Sparse) or is_sparse(A) or is_traced(A)):
        return None
    from ...tracer.built_sparse import RULES
    a = built(A) or RULES["scipy.sparse._csc", "csc_matrix"](A)
    if built(b) is not None:
        fail(UnsupportedError, f"{name} with a sparse right-hand side is not supported; write b.toarray()")
    x = as_traced(b)
    x = x if x.ir_dtype.is_inexact else x.astype(np.float64)
    if a.shape[0] != a.shape[1] or x.extents[:1] != a.shape[:1] or not a.nnz:
        fail(ShapeError, f"{name}: a matrix of shape {a.shape} and a right-hand side of shape {x.shape}")
    return a, x


def spsolve(A: Any, b: Any, permc_spec: Any = None, use_umfpack: bool = True) -> Any:
    found = system_of(A, b, "spsolve")
    if found is None:
        return as_it_is(scipy_linalg().spsolve, (A, b, permc_spec, use_umfpack), {})
    a, x = found
    y, _ = solved(a, x, directly(SquarePlaces(a.rows, a.columns, a.shape[0]), is_strict=False))
    return np.reshape(y, -1) if x.ndim == 2 and x.extents[1] == 1 else y


class Factors:
    """What stands for `splu(A)`."""

    def __init__(self, a: BuiltSparse):
        self.a, self.shape, self.nnz = a, a.shape, a.nnz
        self.run = directly(SquarePlaces(a.rows, a.columns, a.shape[0]), is_strict=True)
        back = a.T
        self.turned = back, directly(SquarePlaces(back.rows, back.columns, back.shape[0]), is_strict=True)

    def solve(self, rhs: Any, trans: str = "N") -> Any:
        if trans == "N":
            return solved(self.a, as_traced(rhs), self.run)[0]
        a, run = self.turned
        return solved(a if trans == "T" else a.conj(), as_traced(rhs), run)[0]

    __call__ = solve


def splu(A: Any, *args: Any, **options: Any) -> Any:
    """SuperLU's factors, as an object; the options of the ordering change nothing but rounding."""
    a = built(A)
    return as_it_is(scipy_linalg().splu, (A, *args), options) if a is None else Factors(a)


def factorized(A: Any) -> Any:
    a = built(A)
    return as_it_is(scipy_linalg().factorized, (A,), {}) if a is None else Factors(a)


def _iterative(name: str) -> Function:
    """cg, gmres, bicgstab, ...: the same solver solves the adjoint system."""

    def solver(A: Any, b: Any, x0: Any = None, **options: Any) -> Any:
        if (by_operator := solved_by_operator(name, A, b, x0, options)) is not None:
            return by_operator
        found = system_of(A, b, name)
        method = getattr(scipy_linalg(), name)
        if found is None:
            return as_it_is(method, (A, b, x0), options)
        if is_traced((x0, *options.values())):
            fail(UnsupportedError, f"scipy.sparse.linalg.{name} with a traced option; the solution does not depend on "
                                   f"where it begins")
        a, x = found
        s = SquarePlaces(a.rows, a.columns, a.shape[0])

        def run(values: np.ndarray, b: np.ndarray, adjoint: bool) -> tuple[np.ndarray, np.int64]:
            matrix = s.matrix(values)
            y, info = method(matrix.conj().T if adjoint else matrix, b, None if adjoint else x0, **options)
            if info and adjoint:
                warnings.warn(f"scipy.sparse.linalg.{name} has not converged for a derivative ({info=})",
                              RuntimeWarning, stacklevel=2)
            return np.asarray(y, np.result_type(values, b)), np.int64(info)

        return solved(a, x, run)

    return solver


ITERATIVE: Sequence[tuple[str, str]] = (
    ("iterative", "cg"), ("iterative", "bicg"), ("iterative", "bicgstab"), ("iterative", "cgs"),
    ("iterative", "gmres"), ("minres", "minres"))
libraries.SOLVERS.update({
    **{("scipy.sparse.linalg._dsolve.linsolve", f.__name__): f for f in (spsolve, splu, factorized)},
    **{(f"scipy.sparse.linalg._isolve.{file}", name): _iterative(name) for file, name in ITERATIVE},
})
