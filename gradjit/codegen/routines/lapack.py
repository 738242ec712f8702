"""Factorisations through SciPy's LAPACK, one call for each matrix of a stack.

LAPACK thinks in columns: what stands in rows is to it the transpose, lower triangles are upper ones.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from ...errors import LinAlgError
from ...ir.ops.factorisation import SINGULAR
from ...ir.sizes import is_open
from .. import llvm
from ..emit_control import when
from ..failures import Check, note
from ..loops import Call, View
from ..vecmath.lanes import I32, I64
from .blas import PREFIX, PTR, constant_cell, integer, line, matrix, number, over, positive, transposed
from .cholesky_cotangent import Reverse
from .small_matrices import WrittenOut, is_small

if TYPE_CHECKING:
    from ..emit import Emitter

MOST = (1 << 31) - 1
"""LAPACK counts with 32 bits."""


class Routines:
    """Calls of LAPACK and BLAS in the element type of a routine's result."""

    def __init__(self, e: Emitter, call: Call):
        self.e, self.call = e, call
        self.prefix = PREFIX[call.writes[0].buffer.dtype.name]
        self.element = llvm.DoubleType() if self.prefix == "d" else llvm.FloatType()

    def __call__(self, library: str, name: str, *args: str | llvm.Value) -> None:
        """`name(*args)`: letters, and pointers to all else."""
        fn = self.e.lanes(1).declare(f"gradjit.{library}.{self.prefix}{name}", llvm.VoidType(), [PTR] * len(args))
        self.e.b.call(fn, [self.argument(a) for a in args])

    def argument(self, a: str | llvm.Value) -> llvm.Value:
        return constant_cell(self.e, llvm.IntType(8), ord(a), f"gradjit.letter.{a}") if isinstance(a, str) else a

    def integer(self, n: int) -> llvm.Value:
        """An extent or a distance, which must be a number of LAPACK's."""
        if not is_open(n):
            self.require(n <= MOST)
            return integer(self.e, n)
        v = self.e.number(n)
        too_large = f"{self.call.routine}: a matrix with more elements than LAPACK counts (2**31)"
        note(self.e, Check(None, self.call.loc, too_large, LinAlgError), self.e.b.icmp_signed(">", v, I64(MOST)))
        return integer(self.e, v)

    def require(self, holds: bool) -> None:
        if not holds:
            where = f"\n  {self.call.loc.full}" if self.call.loc else ""
            raise LinAlgError(f"{self.call.routine}: a matrix with more elements than LAPACK counts (2**31){where}")

    def number(self, x: float) -> llvm.Value:
        return number(self.e, self.element, x)

    def distance(self, v: View) -> llvm.Value:
        """The distance between the rows of a matrix whose rows stand along memory; it is never 0."""
        return self.line(line(v.strides[-2], v.shape[-1]))

    def leading(self, v: View) -> llvm.Value:
        """The same between columns, where these do."""
        return self.line(line(v.strides[-1], v.shape[-2]))

    def line(self, n: int) -> llvm.Value:
        found = positive(self.e, n)
        return integer(self.e, found) if isinstance(found, llvm.Value) else self.integer(found)

    def scratch(self, v: View, start: int = 0) -> llvm.Value:
        """A routine's own memory, from a number on."""
        return self.e.at(v.buffer, self.e.number(start))

    def info(self) -> llvm.Value:
        return self.e.cell(I32)

    def check(self, info: llvm.Value, message: str) -> None:
        """Where the routine has not done what it should, the program ends with an error at the user's line."""
        bad = self.e.b.icmp_signed("!=", self.e.b.load(info, type=I32), I32(0))
        note(self.e, Check(None, self.call.loc, message, LinAlgError), bad)


    def columns(self, count: llvm.Value, body: Callable[[llvm.Value], None]) -> None:
        with when(self.e, self.e.b.icmp_signed(">", count, I64(0))):
            self.e.iterate(I64(0), count, body)

    def nonzero_diagonal(self, v: View, first: llvm.Value) -> None:
        """Where there is a zero on a matrix's diagonal, the program ends with an error."""
        e, count = self.e, self.e.number(v.shape[-1])

        def check(k: llvm.Value) -> None:
            step = e.b.add(e.number(v.strides[-1]), e.number(v.strides[-2]))
            pivot = e.b.load(e.b.gep(first, [e.b.mul(k, step)], of=self.element), type=self.element)
            check = Check(None, self.call.loc, SINGULAR, LinAlgError)
            note(e, check, e.b.fcmp_ordered("==", pivot, self.element(0.0)))

        with when(e, e.b.icmp_signed(">", count, I64(0))):
            e.iterate(I64(0), count, check)


def each(e: Emitter, call: Call, body: Callable[[list[llvm.Value]], None]) -> None:
    """`body(index)` for each matrix of the stack."""
    over(e, call.writes[0].shape[:-2], body, call.work)


NOT_POSITIVE = "Matrix is not positive definite"
NOT_SINGLE = ("Sylvester's equation has no single solution: the first matrix has an eigenvalue that is, but for its "
              "sign, one of the second's")


def cholesky(e: Emitter, call: Call) -> None:
    """The lower triangle of a matrix replaced by its factor."""
    (out,), run = call.writes, Routines(e, call)
    n = run.integer(out.shape[-1])

    def one(index: list[llvm.Value]) -> None:
        if is_small(out.shape[-1]):
            return WrittenOut(e, run, call, index).cholesky(out, NOT_POSITIVE, LinAlgError)
        info = run.info()
        run("lapack", "potrf", "U", n, matrix(e, out, index), run.distance(out), info)
        run.check(info, NOT_POSITIVE)

    each(e, call, one)


def cholesky_cotangent(e: Emitter, call: Call) -> None:
    """The lower triangle of the factor's cotangent replaced by that of the matrix's."""
    run = Routines(e, call)
    run.integer(call.writes[0].shape[-1])
    each(e, call, lambda index: Reverse(e, run, call, index).emit())


SHAPES = ("lower", "trans", "unit")
"""What is said of a triangular matrix."""


def triangular_solve(e: Emitter, call: Call) -> None:
    """x replaced by the solution. BLAS, to which rows are columns, divides x' by the transpose from the right."""
    (a, _), (x,), run, attrs = call.reads, call.writes, Routines(e, call), call.attrs
    by_columns, far = transposed(a)
    uplo = "U" if attrs["lower"] != by_columns else "L"
    trans = "T" if attrs["trans"] != by_columns else "N"
    n, m = map(run.integer, x.shape[-2:])

    def one(index: list[llvm.Value]) -> None:
        if attrs["checked"] and not attrs["unit"]:
            run.nonzero_diagonal(a, matrix(e, a, index))
        if is_small(x.shape[-2]):
            return WrittenOut(e, run, call, index).triangular_solve(a, x, **{k: attrs[k] for k in SHAPES})
        run("blas", "trsm", "R", uplo, trans, "U" if attrs["unit"] else "N", m, n, run.number(1.0),
            matrix(e, a, index), run.line(far), matrix(e, x, index), run.distance(x))

    each(e, call, one)


# LU -------------------------------------------------------------------------------------------------------------------
def lu(e: Emitter, call: Call) -> None:
    """A matrix replaced by its factors; the pivots, and the order of rows that they give."""
    (out, pivots, *order), run = call.writes, Routines(e, call)
    n = run.integer(out.shape[-1])

    def one(index: list[llvm.Value]) -> None:
        at = matrix(e, pivots, index)
        if is_small(out.shape[-1]):
            WrittenOut(e, run, call, index).lu(out, pivots)
        else:
            run("lapack", "getrf", n, n, matrix(e, out, index), run.leading(out), at, run.info())
        if order:
            in_order(e, e.number(out.shape[-1]), at, matrix(e, order[0], index))

    each(e, call, one)


def in_order(e: Emitter, n: llvm.Value, pivots: llvm.Value, order: llvm.Value) -> None:
    """Row numbers exchanged as the rows were."""
    def cell(k: llvm.Value) -> llvm.Value:
        return e.b.gep(order, [k], of=I64)

    def number(k: llvm.Value) -> None:
        e.b.store(k, cell(k))

    def exchange(k: llvm.Value) -> None:
        p = e.b.sub(e.b.sext(e.b.load(e.b.gep(pivots, [k], of=I32), type=I32), I64), I64(1))
        one, other = e.b.load(cell(k), type=I64), e.b.load(cell(p), type=I64)
        e.b.store(other, cell(k))
        e.b.store(one, cell(p))

    with when(e, e.b.icmp_signed(">", n, I64(0))):
        e.iterate(I64(0), n, number)
        e.iterate(I64(0), n, exchange)


def lu_solve(e: Emitter, call: Call) -> None:
    (lu, pivots, _), (x,), run = call.reads, call.writes, Routines(e, call)
    n, m = map(run.integer, x.shape[-2:])

    def one(index: list[llvm.Value]) -> None:
        factors = matrix(e, lu, index)
        if call.attrs["checked"]:
            run.nonzero_diagonal(lu, factors)
        if is_small(x.shape[-2]):
            return WrittenOut(e, run, call, index).lu_solve(lu, pivots, x, call.attrs["trans"])
        run("lapack", "getrs", "T" if call.attrs["trans"] else "N", n, m, factors, run.leading(lu),
            matrix(e, pivots, index), matrix(e, x, index), run.leading(x), run.info())

    each(e, call, one)


# eigenvalues and singular values --------------------------------------------------------------------------------------
def eigh(e: Emitter, call: Call) -> None:
    """A matrix replaced by its eigenvectors, if they are wanted."""
    (out, w, work, iwork), run = call.writes, Routines(e, call)
    n = run.integer(out.shape[-1])

    def one(index: list[llvm.Value]) -> None:
        info = run.info()
        run("lapack", "syevd", "V" if call.attrs["vectors"] else "N", "L" if call.attrs["lower"] else "U", n,
            matrix(e, out, index), run.leading(out), matrix(e, w, index), run.scratch(work),
            run.integer(work.shape[0]), run.scratch(iwork), run.integer(iwork.shape[0]), info)
        run.check(info, "Eigenvalues did not converge")

    each(e, call, one)


def svd(e: Emitter, call: Call) -> None:
    """Singular values, and vectors if they are wanted. The matrix is used up."""
    (a, s, work, iwork, *sides), run = call.writes, Routines(e, call)
    m, n = map(run.integer, a.shape[-2:])
    job = "N" if not sides else "A" if call.attrs["full"] else "S"
    lines = [run.leading(v) for v in sides] or [run.integer(1)] * 2

    def one(index: list[llvm.Value]) -> None:
        info, at = run.info(), matrix(e, a, index)
        u, vt = [matrix(e, v, index) for v in sides] or [at, at]
        run("lapack", "gesdd", job, m, n, at, run.leading(a), matrix(e, s, index), u, lines[0], vt, lines[1],
            run.scratch(work), run.integer(work.shape[0]), run.scratch(iwork), info)
        run.check(info, "SVD did not converge")

    each(e, call, one)


# QR -------------------------------------------------------------------------------------------------------------------
def qr(e: Emitter, call: Call) -> None:
    """A matrix replaced by r, with reflections below it, of which q is made."""
    (a, q, work), run = call.writes, Routines(e, call)
    m, n = map(run.integer, a.shape[-2:])
    reflections = a.shape[-2] if call.attrs["wide"] else a.shape[-1]
    k, inner = run.integer(reflections), run.integer(q.shape[-1])
    space = run.integer(work.shape[0] - reflections)

    def one(index: list[llvm.Value]) -> None:
        info, at, made = run.info(), matrix(e, a, index), matrix(e, q, index)
        own = run.scratch(work), run.scratch(work, reflections), space, info
        run("lapack", "geqrf", m, n, at, run.leading(a), *own)
        run("lapack", "lacpy", "A", m, k, at, run.leading(a), made, run.leading(q))
        run("lapack", "orgqr", m, inner, k, made, run.leading(q), *own)

    each(e, call, one)


# Sylvester's equation -------------------------------------------------------------------------------------------------
def sylvester(e: Emitter, call: Call) -> None:
    """a = u r u', b = v t v' with (nearly) triangular r and t, for which the equation is solved by substitution."""
    (x, *matrices, work), run = call.writes, Routines(e, call)
    sizes = x.shape[-2:]
    m, n = map(run.integer, sizes)
    product, both = sizes[0] * sizes[1], sizes[0] + sizes[1]
    space = run.integer(6 * both + 2)

    def schur(a: llvm.Value, far: llvm.Value, v: llvm.Value, n: llvm.Value) -> None:
        info = run.info()
        run("lapack", "gees", "V", "N", llvm.Constant(PTR, None), n, a, far, run.info(), run.scratch(work, product),
            run.scratch(work, product + both), v, far, run.scratch(work, product + 2 * both), space,
            llvm.Constant(PTR, None), info)
        run.check(info, "Schur form not found")

    def one(index: list[llvm.Value]) -> None:
        (a, b, u, v), at = [matrix(e, y, index) for y in matrices], matrix(e, x, index)
        far_a, far_b, far = run.leading(matrices[0]), run.leading(matrices[1]), run.leading(x)
        unit, zero, between = run.number(1.0), run.number(0.0), run.scratch(work)
        schur(a, far_a, u, m)
        schur(b, far_b, v, n)
        run("blas", "gemm", "T", "N", m, n, m, unit, u, far_a, at, far, zero, between, far)
        run("blas", "gemm", "N", "N", m, n, n, unit, between, far, v, far_b, zero, at, far)
        scale, info = e.cell(run.element), run.info()
        run("lapack", "trsyl", "N", "N", run.integer(1), m, n, a, far_a, b, far_b, at, far, scale, info)
        run.check(info, NOT_SINGLE)
        e.b.store(e.b.fdiv(run.element(1.0), e.b.load(scale, type=run.element)), scale)
        run("blas", "gemm", "N", "N", m, n, m, scale, u, far_a, at, far, zero, between, far)
        run("blas", "gemm", "N", "T", m, n, n, unit, between, far, v, far_b, zero, at, far)

    each(e, call, one)


ROUTINES: dict[str, Callable[[Emitter, Call], None]] = {
    "cholesky": cholesky, "cholesky_cotangent": cholesky_cotangent, "triangular_solve": triangular_solve,
    "lu": lu, "lu_solve": lu_solve, "eigh": eigh,
    "svd": svd, "qr": qr, "sylvester": sylvester,
}

LAPACK = ("potrf", "getrf", "getrs", "syevd", "gesdd", "geqrf", "orgqr", "lacpy", "gees", "trsyl")
BLAS = ("trsm",)
SYMBOLS = {
    **{f"gradjit.lapack.{p}{n}": ("scipy.linalg.cython_lapack", f"{p}{n}") for p in PREFIX.values() for n in LAPACK},
    **{f"gradjit.blas.{p}{n}": ("scipy.linalg.cython_blas", f"{p}{n}") for p in PREFIX.values() for n in BLAS},
}
"""Where the routines are found."""
