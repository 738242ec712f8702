"""Factorisations through SciPy's LAPACK, one call for each matrix of a stack.

LAPACK thinks in columns: what stands in rows is to it the transpose, lower triangles are upper ones.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import reduce
from typing import TYPE_CHECKING

from ...errors import LinAlgError
from ...ir import OPS
from ...ir.ops.factorisation import SINGULAR
from ...ir.sizes import is_open
from .. import llvm
from ..emit_control import when
from ..failures import Check, note
from ..loops import Call, View
from ..symbolic import reckoned
from ..vecmath.lanes import I32, I64
from .blas import PREFIX, PTR, constant_cell, integer, line, matrix, number, over, positive, transposed
from .cholesky_cotangent import reverse_function
from .cholesky_panels import MOST as MOST_ROWS, Factor, panel_function
from .small_matrices import WrittenOut, is_small

if TYPE_CHECKING:
    from ..emit import Emitter

MOST = (1 << 31) - 1
"""LAPACK counts with 32 bits."""
COMPLEX = {"d": "z", "s": "c"}
"""The letters of complex numbers for those of their parts."""


UNITARY = {"orgqr": "ungqr", "syevd": "heevd"}
"""What the routines are called of which the complex ones have another name."""


class Routines:
    """Calls of LAPACK and BLAS for the numbers of an operation: real ones, or complex ones, which are pairs."""

    def __init__(self, e: Emitter, call: Call):
        self.e, self.call = e, call
        self.axes = OPS[call.routine].matrix
        self.parts = self.axes - 1
        """How many floats a number is."""
        self.prefix = PREFIX[call.writes[0].buffer.dtype.name]
        self.element = llvm.DoubleType() if self.prefix == "d" else llvm.FloatType()
        self.adjoint = "T"
        if self.parts == 2:
            self.prefix, self.adjoint = COMPLEX[self.prefix], "C"

    def __call__(self, library: str, name: str, *args: str | llvm.Value) -> None:
        """`name(*args)`: letters, and pointers to all else."""
        name = UNITARY.get(name, name) if self.parts == 2 else name
        fn = self.e.lanes(1).declare(f"gradjit.{library}.{self.prefix}{name}", llvm.VoidType(), [PTR] * len(args))
        self.e.b.call(fn, [self.argument(a) for a in args])

    def argument(self, a: str | llvm.Value) -> llvm.Value:
        return constant_cell(self.e, llvm.IntType(8), ord(a), f"gradjit.letter.{a}") if isinstance(a, str) else a

    def extents(self, v: View) -> tuple[int, int]:
        """The numbers of rows and columns of a matrix."""
        m, n, *_ = v.shape[-self.axes:]
        return m, n

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
        """A number by its address."""
        if self.parts == 1:
            return number(self.e, self.element, x)
        pair = llvm.ArrayType(self.element, 2)
        return constant_cell(self.e, pair, (x, 0.0), f"gradjit.complex.{self.element}.{x}")

    def distance(self, v: View) -> llvm.Value:
        """The distance between the rows of a matrix whose rows stand along memory; it is never 0."""
        return self.line(line(v.strides[-2], v.shape[-1]))

    def leading(self, v: View) -> llvm.Value:
        """The same between columns, where these do, in numbers."""
        far = v.strides[1 - self.axes]
        return self.line(line(far if self.parts == 1 else far // 2, v.shape[-self.axes]))

    def line(self, n: int) -> llvm.Value:
        found = positive(self.e, n)
        return integer(self.e, found) if isinstance(found, llvm.Value) else self.integer(found)

    def scratch(self, v: View, start: int = 0) -> llvm.Value:
        """A routine's own memory, from a float on."""
        return self.e.at(v.buffer, self.e.b.add(self.e.place(v.offset), self.e.number(start)))

    def spaces(self, views: Sequence[View]) -> list[llvm.Value]:
        """Pieces of such memory, each with its size: the first for numbers, the others for floats or integers."""
        sizes = [v.shape[0] // (1 if k else self.parts) for k, v in enumerate(views)]
        return [a for v, size in zip(views, sizes, strict=True) for a in (self.scratch(v), self.integer(size))]

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
        e, count, zero = self.e, self.e.number(v.shape[1 - self.axes]), self.element(0.0)

        def check(k: llvm.Value) -> None:
            step = e.b.add(e.number(v.strides[1 - self.axes]), e.number(v.strides[-self.axes]))
            place = e.b.mul(k, step)
            are_zero = [e.b.fcmp_ordered("==", e.b.load(e.b.gep(first, [at], of=self.element), type=self.element), zero)
                        for at in (place, *([e.b.add(place, I64(1))] if self.parts == 2 else []))]
            note(e, Check(None, self.call.loc, SINGULAR, LinAlgError), reduce(e.b.and_, are_zero))

        self.columns(count, check)

    def each(self, body: Callable[[list[llvm.Value]], None]) -> None:
        """`body(index)` for each matrix of the stack."""
        over(self.e, self.call.writes[0].shape[:-self.axes], body, self.call.work)


NOT_POSITIVE = "Matrix is not positive definite"
NOT_SINGLE = ("Sylvester's equation has no single solution: the first matrix has an eigenvalue that is, but for its "
              "sign, one of the second's")


def cholesky(e: Emitter, call: Call) -> None:
    """The lower triangle of a matrix replaced by its factor."""
    (out,), run = call.writes, Routines(e, call)
    rows = out.shape[-1]
    n = run.integer(rows)

    def one(index: list[llvm.Value]) -> None:
        if is_small(rows):
            return WrittenOut(e, run, call, index).cholesky(out, NOT_POSITIVE, LinAlgError)
        info = run.info()
        if is_open(rows) or rows > MOST_ROWS:
            run("lapack", "potrf", "U", n, matrix(e, out, index), run.distance(out), info)
        else:
            factor = panel_function(e.module, Factor, run.element)
            e.b.store(e.b.call(factor, [matrix(e, out, index), e.number(out.strides[-2]), I64(rows)]), info)
        run.check(info, NOT_POSITIVE)

    run.each(one)


def cholesky_cotangent(e: Emitter, call: Call) -> None:
    """The lower triangle of the factor's cotangent replaced by that of the matrix's."""
    (factor, _), (out,), run = call.reads, call.writes, Routines(e, call)
    run.integer(out.shape[-1])
    reverse = reverse_function(e.module, run.prefix, run.element)

    def one(index: list[llvm.Value]) -> None:
        e.b.call(reverse, [a for v in (factor, out) for a in (matrix(e, v, index), e.number(v.strides[-2]))]
                 + [e.number(out.shape[-1])])

    run.each(one)


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

    run.each(one)


# LU -------------------------------------------------------------------------------------------------------------------
def lu(e: Emitter, call: Call) -> None:
    """A matrix replaced by its factors; the pivots, and the order of rows that they give."""
    (out, pivots, *order), run = call.writes, Routines(e, call)
    extent, _ = run.extents(out)
    n = run.integer(extent)

    def one(index: list[llvm.Value]) -> None:
        at = matrix(e, pivots, index)
        if run.parts == 1 and is_small(extent):
            WrittenOut(e, run, call, index).lu(out, pivots)
        else:
            run("lapack", "getrf", n, n, matrix(e, out, index), run.leading(out), at, run.info())
        if order:
            in_order(e, e.number(extent), at, matrix(e, order[0], index))

    run.each(one)


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
    """For several columns what getrs does is written out: OpenBLAS starts its threads for it, and for laswp, however
    little there is to do."""
    (lu, pivots, _), (x,), run = call.reads, call.writes, Routines(e, call)
    n, m = map(run.integer, run.extents(x))
    turned = call.attrs["trans" if run.parts == 1 else "adjoint"]

    def one(index: list[llvm.Value]) -> None:
        factors = matrix(e, lu, index)
        if call.attrs["checked"]:
            run.nonzero_diagonal(lu, factors)
        if run.parts == 1 and is_small(x.shape[-2]):
            return WrittenOut(e, run, call, index).lu_solve(lu, pivots, x, turned)
        far, at, places, step = run.leading(lu), matrix(e, x, index), matrix(e, pivots, index), run.leading(x)
        if run.extents(x)[1] == 1:
            return run("lapack", "getrs", run.adjoint if turned else "N", n, m, factors, far, places, at, step,
                       run.info())

        def divide(uplo: str, unit: str) -> None:
            run("blas", "trsm", "L", uplo, run.adjoint if turned else "N", unit, n, m, run.number(1.0), factors, far,
                at, step)

        if turned:
            divide("U", "N")
            divide("L", "U")
            return exchange_rows(e, run, x, at, places, backwards=True)
        exchange_rows(e, run, x, at, places, backwards=False)
        divide("L", "U")
        return divide("U", "N")

    run.each(one)


def exchange_rows(e: Emitter, run: Routines, x: View, at: llvm.Value, pivots: llvm.Value, backwards: bool) -> None:
    """Rows of right-hand sides exchanged as those of the matrix were, or back again."""
    (n, m), number = map(e.number, run.extents(x)), run.element if run.parts == 1 else llvm.VectorType(run.element, 2)
    down, across = (e.number(x.strides[-a]) for a in (run.axes, run.axes - 1))
    size = x.buffer.dtype.itemsize

    def row(k: llvm.Value) -> None:
        k = e.b.sub(e.b.sub(n, I64(1)), k) if backwards else k
        p = e.b.sub(e.b.sext(e.b.load(e.b.gep(pivots, [k], of=I32), type=I32), I64), I64(1))

        def column(j: llvm.Value) -> None:
            one, other = (e.b.gep(at, [e.b.add(e.b.mul(i, down), e.b.mul(j, across))], of=run.element) for i in (k, p))
            above, below = e.b.load(one, type=number, align=size), e.b.load(other, type=number, align=size)
            e.b.store(below, one, align=size)
            e.b.store(above, other, align=size)

        with when(e, e.b.icmp_signed("!=", k, p)):
            run.columns(m, column)

    run.columns(n, row)


# eigenvalues and singular values --------------------------------------------------------------------------------------
NOT_FOUND = "Eigenvalues did not converge"


def eigh(e: Emitter, call: Call) -> None:
    """A matrix replaced by its eigenvectors, if they are wanted."""
    (out, w, *spaces), run = call.writes, Routines(e, call)
    n = run.integer(run.extents(out)[0])

    def one(index: list[llvm.Value]) -> None:
        info = run.info()
        run("lapack", "syevd", "V" if call.attrs["vectors"] else "N", "L" if call.attrs["lower"] else "U", n,
            matrix(e, out, index), run.leading(out), matrix(e, w, index), *run.spaces(spaces), info)
        run.check(info, NOT_FOUND)

    run.each(one)


def svd(e: Emitter, call: Call) -> None:
    """Singular values, and vectors if they are wanted. The matrix is used up."""
    (a, s, work, *others), run = call.writes, Routines(e, call)
    spaces, sides = others[:run.parts], others[run.parts:]
    m, n = map(run.integer, run.extents(a))
    job = "N" if not sides else "A" if call.attrs["full"] else "S"
    lines = [run.leading(v) for v in sides] or [run.integer(1)] * 2

    def one(index: list[llvm.Value]) -> None:
        info, at = run.info(), matrix(e, a, index)
        u, vt = [matrix(e, v, index) for v in sides] or [at, at]
        run("lapack", "gesdd", job, m, n, at, run.leading(a), matrix(e, s, index), u, lines[0], vt, lines[1],
            *run.spaces([work]), *map(run.scratch, spaces), info)
        run.check(info, "SVD did not converge")

    run.each(one)


def eig(e: Emitter, call: Call) -> None:
    """Eigenvalues, and eigenvectors if they are wanted. The matrix is used up."""
    (a, *others), run = call.writes, Routines(e, call)
    count = 3 - run.parts  # the values of a real matrix come in parts
    values, work, spaces, vectors = others[:count], others[count], others[count + 1:3], others[3:]
    n = run.integer(run.extents(a)[0])

    def one(index: list[llvm.Value]) -> None:
        info, at, far = run.info(), matrix(e, a, index), run.leading(a)
        right = matrix(e, vectors[0], index) if vectors else at
        run("lapack", "geev", "N", "V" if vectors else "N", n, at, far, *(matrix(e, w, index) for w in values), at, far,
            right, run.leading(vectors[0]) if vectors else far, *run.spaces([work]), *map(run.scratch, spaces), info)
        run.check(info, NOT_FOUND)

    run.each(one)


# QR -------------------------------------------------------------------------------------------------------------------
def qr(e: Emitter, call: Call) -> None:
    """A matrix replaced by r, with reflections below it, of which q is made."""
    (a, q, work), run = call.writes, Routines(e, call)
    rows, columns = run.extents(a)
    m, n = run.integer(rows), run.integer(columns)
    reflections = rows if call.attrs["wide"] else columns
    k, inner = run.integer(reflections), run.integer(run.extents(q)[1])
    space = run.integer(work.shape[0] // run.parts - reflections)

    def one(index: list[llvm.Value]) -> None:
        info, at, made = run.info(), matrix(e, a, index), matrix(e, q, index)
        own = run.scratch(work), run.scratch(work, run.parts * reflections), space, info
        run("lapack", "geqrf", m, n, at, run.leading(a), *own)
        run("lapack", "lacpy", "A", m, k, at, run.leading(a), made, run.leading(q))
        run("lapack", "orgqr", m, inner, k, made, run.leading(q), *own)

    run.each(one)


# Sylvester's equation -------------------------------------------------------------------------------------------------
def sylvester(e: Emitter, call: Call) -> None:
    """a = u r u', b = v t v' with (nearly) triangular r and t, for which the equation is solved by substitution."""
    (x, *matrices, work), run = call.writes, Routines(e, call)
    rows, columns = run.extents(x)
    m, n = run.integer(rows), run.integer(columns)
    both, none, adjoint = rows + columns, llvm.Constant(PTR, None), run.adjoint
    values = run.parts * rows * columns  # where they stand in the routine's memory, behind a product
    more = values + 2 * both  # where complex ones have another space
    space = more + (run.parts - 1) * both

    def schur(a: llvm.Value, far: llvm.Value, v: llvm.Value, n: llvm.Value) -> None:
        info = run.info()
        found = [run.scratch(work, values + k * both) for k in range(3 - run.parts)]  # real ones come in parts
        spare = [run.scratch(work, more)] if run.parts == 2 else []
        run("lapack", "gees", "V", "N", none, n, a, far, run.info(), *found, v, far, run.scratch(work, space),
            run.integer(6 * both + 2), *spare, none, info)
        run.check(info, "Schur form not found")

    def one(index: list[llvm.Value]) -> None:
        (a, b, u, v), at = [matrix(e, y, index) for y in matrices], matrix(e, x, index)
        far_a, far_b, far = run.leading(matrices[0]), run.leading(matrices[1]), run.leading(x)
        unit, zero, between = run.number(1.0), run.number(0.0), run.scratch(work)
        schur(a, far_a, u, m)
        schur(b, far_b, v, n)
        run("blas", "gemm", adjoint, "N", m, n, m, unit, u, far_a, at, far, zero, between, far)
        run("blas", "gemm", "N", "N", m, n, n, unit, between, far, v, far_b, zero, at, far)
        scale, info = e.cell(llvm.ArrayType(run.element, run.parts)), run.info()
        run("lapack", "trsyl", "N", "N", run.integer(1), m, n, a, far_a, b, far_b, at, far, scale, info)
        run.check(info, NOT_SINGLE)
        e.b.store(e.b.fdiv(run.element(1.0), e.b.load(scale, type=run.element)), scale)
        if run.parts == 2:
            e.b.store(run.element(0.0), e.b.gep(scale, [I64(1)], of=run.element))
        run("blas", "gemm", "N", "N", m, n, m, scale, u, far_a, at, far, zero, between, far)
        run("blas", "gemm", "N", adjoint, m, n, n, unit, between, far, v, far_b, zero, at, far)

    run.each(one)


OF_BOTH: dict[str, Callable[[Emitter, Call], None]] = {"lu": lu, "eigh": eigh, "svd": svd, "qr": qr,
                                                       "sylvester": sylvester}
"""Of real matrices and of complex ones."""
ROUTINES: dict[str, Callable[[Emitter, Call], None]] = {
    "cholesky": cholesky, "cholesky_cotangent": cholesky_cotangent, "triangular_solve": triangular_solve,
    "lu_solve": lu_solve, "eig": eig, **OF_BOTH,
}

ALONE, COLUMNS = 48, 1 << 10
"""Rows of real matrices, and elements of right-hand sides, up to which LAPACK is called by several threads: for larger
ones BLAS has threads of its own (measured with SciPy's OpenBLAS)."""


def stack_of_matrices(call: Call) -> int | str:
    """How many leading axes there are of matrices that are worked on apart."""
    out, axes = call.writes[0], OPS[call.routine].matrix
    if any(reckoned(n) * (axes - 1) > ALONE for n in out.shape[len(out.shape) - axes:]):
        return "BLAS has threads of its own for matrices of that size"
    return len(out.shape) - axes


def stack_of_solves(call: Call) -> int | str:
    """The same where `writes[0]` are right-hand sides, and `reads[0]` the matrices."""
    x, axes = call.writes[0], OPS[call.routine].matrix
    rows, columns, *_ = map(reckoned, x.shape[len(x.shape) - axes:])
    if rows * (axes - 1) > ALONE or (columns > 1 and rows * columns * (axes - 1) >= COLUMNS):
        return "BLAS has threads of its own for matrices of that size"
    return len(x.shape) - axes


STACKS: dict[str, Callable[[Call], int | str]] = {
    **dict.fromkeys(ROUTINES, stack_of_matrices), "triangular_solve": stack_of_solves, "lu_solve": stack_of_solves}

LAPACK = ("potrf", "getrf", "getrs", "syevd", "gesdd", "geev", "geqrf", "orgqr", "lacpy", "gees", "trsyl")
BLAS = ("trsm", "symm")
SYMBOLS = {
    **{f"gradjit.lapack.{p}{n}": ("scipy.linalg.cython_lapack", f"{p}{n}") for p in PREFIX.values() for n in LAPACK},
    **{f"gradjit.blas.{p}{n}": ("scipy.linalg.cython_blas", f"{p}{n}") for p in PREFIX.values() for n in BLAS},
}
"""Where the routines are found."""
