"""LAPACK's routines for complex matrices, and for the eigenvalues of real ones that are not symmetric."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from ...errors import LinAlgError
from ...ir.ops.factorisation import SINGULAR
from .. import llvm
from ..emit_control import when
from ..failures import Check, note
from ..loops import Call, View
from ..vecmath.lanes import I64
from .blas import PTR, constant_cell, line, matrix, over
from .lapack import NOT_POSITIVE, NOT_SINGLE, Routines, each, in_order

if TYPE_CHECKING:
    from ..emit import Emitter

COMPLEX = {"d": "z", "s": "c"}
NOT_FOUND = "Eigenvalues did not converge"


class ComplexRoutines(Routines):
    """Those for pairs of the element type."""

    def __init__(self, e: Emitter, call: Call):
        super().__init__(e, call)
        self.prefix = COMPLEX[self.prefix]

    def leading(self, v: View) -> llvm.Value:
        return self.line(line(v.strides[-2] // 2, v.shape[-3]))

    def one(self) -> llvm.Value:
        """The number 1, by its address."""
        return self.pair(1.0)

    def zero(self) -> llvm.Value:
        return self.pair(0.0)

    def pair(self, x: float) -> llvm.Value:
        return constant_cell(self.e, llvm.ArrayType(self.element, 2), (x, 0.0), f"gradjit.complex.{self.element}.{x}")

    def nonzero_diagonal(self, v: View, first: llvm.Value) -> None:
        e, count = self.e, self.e.number(v.shape[-2])
        step, zero = e.number(v.strides[-2] + v.strides[-3]), self.element(0.0)

        def check(k: llvm.Value) -> None:
            at = e.b.mul(k, step)
            re, im = (e.b.load(e.b.gep(first, [place], of=self.element), type=self.element)
                      for place in (at, e.b.add(at, I64(1))))
            both = e.b.and_(e.b.fcmp_ordered("==", re, zero), e.b.fcmp_ordered("==", im, zero))
            note(e, Check(None, self.call.loc, SINGULAR, LinAlgError), both)

        with when(e, e.b.icmp_signed(">", count, I64(0))):
            e.iterate(I64(0), count, check)


def each_complex(e: Emitter, call: Call, body: Callable[[list[llvm.Value]], None]) -> None:
    """`body(index)` for each matrix of the stack."""
    over(e, call.writes[0].shape[:-3], body, call.work)


def cholesky(e: Emitter, call: Call) -> None:
    """The lower triangle of a matrix replaced by its factor."""
    (out,), run = call.writes, ComplexRoutines(e, call)
    n = run.integer(out.shape[-2])

    def one(index: list[llvm.Value]) -> None:
        info = run.info()
        run("lapack", "potrf", "L", n, matrix(e, out, index), run.leading(out), info)
        run.check(info, NOT_POSITIVE)

    each_complex(e, call, one)


def triangular_solve(e: Emitter, call: Call) -> None:
    """x replaced by the solution."""
    (a, _), (x,), run, attrs = call.reads, call.writes, ComplexRoutines(e, call), call.attrs
    n, m = map(run.integer, x.shape[-3:-1])
    uplo, trans, unit = "L" if attrs["lower"] else "U", "C" if attrs["adjoint"] else "N", "U" if attrs["unit"] else "N"

    def one(index: list[llvm.Value]) -> None:
        factor = matrix(e, a, index)
        if attrs["checked"] and not attrs["unit"]:
            run.nonzero_diagonal(a, factor)
        run("blas", "trsm", "L", uplo, trans, unit, n, m, run.one(), factor, run.leading(a), matrix(e, x, index),
            run.leading(x))

    each_complex(e, call, one)


def qr(e: Emitter, call: Call) -> None:
    """A matrix replaced by r, with reflections below it, of which q is made."""
    (a, q, work), run = call.writes, ComplexRoutines(e, call)
    m, n = map(run.integer, a.shape[-3:-1])
    reflections = a.shape[-3] if call.attrs["wide"] else a.shape[-2]
    k, inner = run.integer(reflections), run.integer(q.shape[-2])
    space = run.integer(work.shape[0] // 2 - reflections)

    def one(index: list[llvm.Value]) -> None:
        info, at, made = run.info(), matrix(e, a, index), matrix(e, q, index)
        own = run.scratch(work), run.scratch(work, 2 * reflections), space, info
        run("lapack", "geqrf", m, n, at, run.leading(a), *own)
        run("lapack", "lacpy", "A", m, k, at, run.leading(a), made, run.leading(q))
        run("lapack", "ungqr", m, inner, k, made, run.leading(q), *own)

    each_complex(e, call, one)


def svd(e: Emitter, call: Call) -> None:
    """Singular values, and vectors if they are wanted. The matrix is used up."""
    (a, s, work, rwork, iwork, *sides), run = call.writes, ComplexRoutines(e, call)
    m, n = map(run.integer, a.shape[-3:-1])
    job = "N" if not sides else "A" if call.attrs["full"] else "S"
    lines = [run.leading(v) for v in sides] or [run.integer(1)] * 2

    def one(index: list[llvm.Value]) -> None:
        info, at = run.info(), matrix(e, a, index)
        u, vt = [matrix(e, v, index) for v in sides] or [at, at]
        run("lapack", "gesdd", job, m, n, at, run.leading(a), matrix(e, s, index), u, lines[0], vt, lines[1],
            run.scratch(work), run.integer(work.shape[0] // 2), run.scratch(rwork), run.scratch(iwork), info)
        run.check(info, "SVD did not converge")

    each_complex(e, call, one)


def lu(e: Emitter, call: Call) -> None:
    """A matrix replaced by its factors; the pivots, and the order of rows that they give."""
    (out, pivots, *order), run = call.writes, ComplexRoutines(e, call)
    n = run.integer(out.shape[-2])

    def one(index: list[llvm.Value]) -> None:
        at = matrix(e, pivots, index)
        run("lapack", "getrf", n, n, matrix(e, out, index), run.leading(out), at, run.info())
        if order:
            in_order(e, e.number(out.shape[-2]), at, matrix(e, order[0], index))

    each_complex(e, call, one)


def solve(e: Emitter, call: Call) -> None:
    (lu, pivots, _), (x,), run = call.reads, call.writes, ComplexRoutines(e, call)
    n, m = map(run.integer, x.shape[-3:-1])

    def one(index: list[llvm.Value]) -> None:
        factors = matrix(e, lu, index)
        if call.attrs["checked"]:
            run.nonzero_diagonal(lu, factors)
        run("lapack", "getrs", "C" if call.attrs["adjoint"] else "N", n, m, factors, run.leading(lu),
            matrix(e, pivots, index), matrix(e, x, index), run.leading(x), run.info())

    each_complex(e, call, one)


def eigh(e: Emitter, call: Call) -> None:
    """A matrix replaced by its eigenvectors, if they are wanted."""
    (out, w, work, rwork, iwork), run = call.writes, ComplexRoutines(e, call)
    n = run.integer(out.shape[-2])

    def one(index: list[llvm.Value]) -> None:
        info = run.info()
        run("lapack", "heevd", "V" if call.attrs["vectors"] else "N", "L" if call.attrs["lower"] else "U", n,
            matrix(e, out, index), run.leading(out), matrix(e, w, index), run.scratch(work),
            run.integer(work.shape[0] // 2), run.scratch(rwork), run.integer(rwork.shape[0]), run.scratch(iwork),
            run.integer(iwork.shape[0]), info)
        run.check(info, NOT_FOUND)

    each_complex(e, call, one)


def sylvester(e: Emitter, call: Call) -> None:
    """As of real ones: a = u r u', b = v t v' with triangular r and t, for which the equation is solved by
    substitution."""
    (x, *matrices, work), run = call.writes, ComplexRoutines(e, call)
    rows, columns = x.shape[-3:-1]
    m, n = run.integer(rows), run.integer(columns)
    product, both, none = 2 * rows * columns, rows + columns, llvm.Constant(PTR, None)

    def schur(a: llvm.Value, far: llvm.Value, v: llvm.Value, n: llvm.Value) -> None:
        info = run.info()
        run("lapack", "gees", "V", "N", none, n, a, far, run.info(), run.scratch(work, product), v, far,
            run.scratch(work, product + 3 * both), run.integer(6 * both + 2), run.scratch(work, product + 2 * both),
            none, info)
        run.check(info, "Schur form not found")

    def one(index: list[llvm.Value]) -> None:
        (a, b, u, v), at = [matrix(e, y, index) for y in matrices], matrix(e, x, index)
        far_a, far_b, far = run.leading(matrices[0]), run.leading(matrices[1]), run.leading(x)
        unit, zero, between = run.one(), run.zero(), run.scratch(work)
        schur(a, far_a, u, m)
        schur(b, far_b, v, n)
        run("blas", "gemm", "C", "N", m, n, m, unit, u, far_a, at, far, zero, between, far)
        run("blas", "gemm", "N", "N", m, n, n, unit, between, far, v, far_b, zero, at, far)
        scale, info = e.cell(llvm.ArrayType(run.element, 2)), run.info()
        run("lapack", "trsyl", "N", "N", run.integer(1), m, n, a, far_a, b, far_b, at, far, scale, info)
        run.check(info, NOT_SINGLE)
        e.b.store(e.b.fdiv(run.element(1.0), e.b.load(scale, type=run.element)), scale)
        e.b.store(run.element(0.0), e.b.gep(scale, [I64(1)], of=run.element))
        run("blas", "gemm", "N", "N", m, n, m, scale, u, far_a, at, far, zero, between, far)
        run("blas", "gemm", "N", "C", m, n, n, unit, between, far, v, far_b, zero, at, far)

    each_complex(e, call, one)


def complex_eig(e: Emitter, call: Call) -> None:
    """Eigenvalues, and eigenvectors if they are wanted. The matrix is used up."""
    (a, w, work, rwork, *vectors), run = call.writes, ComplexRoutines(e, call)
    n = run.integer(a.shape[-2])

    def one(index: list[llvm.Value]) -> None:
        info, at, far = run.info(), matrix(e, a, index), run.leading(a)
        right = matrix(e, vectors[0], index) if vectors else at
        run("lapack", "geev", "N", "V" if vectors else "N", n, at, far, matrix(e, w, index), at, far, right,
            run.leading(vectors[0]) if vectors else far, run.scratch(work), run.integer(work.shape[0] // 2),
            run.scratch(rwork), info)
        run.check(info, NOT_FOUND)

    each_complex(e, call, one)


def eig(e: Emitter, call: Call) -> None:
    (a, re, im, work, *vectors), run = call.writes, Routines(e, call)
    n = run.integer(a.shape[-1])

    def one(index: list[llvm.Value]) -> None:
        info, at, far = run.info(), matrix(e, a, index), run.leading(a)
        right = matrix(e, vectors[0], index) if vectors else at
        run("lapack", "geev", "N", "V" if vectors else "N", n, at, far, matrix(e, re, index), matrix(e, im, index), at,
            far, right, run.leading(vectors[0]) if vectors else far, run.scratch(work), run.integer(work.shape[0]),
            info)
        run.check(info, NOT_FOUND)

    each(e, call, one)


ROUTINES: dict[str, Callable[[Emitter, Call], None]] = {
    "complex_sylvester": sylvester, "complex_cholesky": cholesky, "complex_triangular_solve": triangular_solve,
    "complex_qr": qr, "complex_svd": svd, "complex_lu": lu,
    "complex_solve": solve, "complex_eigh": eigh, "complex_eig": complex_eig, "eig": eig,
}
SYMBOLS = {
    **{f"gradjit.lapack.{p}{n}": ("scipy.linalg.cython_lapack", f"{p}{n}") for p in COMPLEX.values()
       for n in ("potrf", "getrf", "getrs", "heevd", "geev", "geqrf", "lacpy", "ungqr", "gesdd",
                 "gees", "trsyl")},
    **{f"gradjit.blas.{p}{n}": ("scipy.linalg.cython_blas", f"{p}{n}") for p in COMPLEX.values()
       for n in ("trsm", "gemm")},
    **{f"gradjit.lapack.{p}geev": ("scipy.linalg.cython_lapack", f"{p}geev") for p in COMPLEX},
}
"""Where the routines are found."""
