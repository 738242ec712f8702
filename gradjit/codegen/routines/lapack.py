"""Factorisations through SciPy's LAPACK, one call for each matrix of a stack.

LAPACK thinks in columns: what stands in rows is to it the transpose, lower triangles are upper ones.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

from llvmlite import ir

from ...errors import LinAlgError
from ...ir.sizes import is_open
from ..failures import Check, note
from ..loops import Call, View
from ..vecmath.lanes import I32, I64
from .blas import PREFIX, PTR, constant_cell, integer, line, matrix, number, over, positive, transposed

if TYPE_CHECKING:
    from ..emit import Emitter

MOST = (1 << 31) - 1
"""LAPACK counts with 32 bits."""


class Routines:
    """Calls of LAPACK and BLAS in the element type of a routine's result."""

    def __init__(self, e: Emitter, call: Call):
        self.e, self.call = e, call
        self.prefix = PREFIX[call.writes[0].buffer.dtype.name]
        self.element = ir.DoubleType() if self.prefix == "d" else ir.FloatType()

    def __call__(self, library: str, name: str, *args: str | ir.Value) -> None:
        """`name(*args)`: letters, and pointers to all else."""
        fn = self.e.lanes(1).declare(f"gradjit.{library}.{self.prefix}{name}", ir.VoidType(), [PTR] * len(args))
        self.e.b.call(fn, [self.argument(a) for a in args])

    def argument(self, a: str | ir.Value) -> ir.Value:
        return constant_cell(self.e, ir.IntType(8), ord(a), f"gradjit.letter.{a}") if isinstance(a, str) else a

    def integer(self, n: int) -> ir.Value:
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

    def number(self, x: float) -> ir.Value:
        return number(self.e, self.element, x)

    def distance(self, v: View) -> ir.Value:
        """The distance between the lines of a matrix whose lines stand along memory; it is never 0."""
        found = positive(self.e, line(v.strides[-2], v.shape[-1]))
        return integer(self.e, found) if isinstance(found, ir.Value) else self.integer(found)

    def info(self) -> ir.Value:
        return self.e.cell(I32)

    def check(self, info: ir.Value, message: str) -> None:
        """Where the routine has not done what it should, the program ends with an error at the user's line."""
        bad = self.e.b.icmp_signed("!=", self.e.b.load(info, typ=I32), I32(0))
        note(self.e, Check(None, self.call.loc, message, LinAlgError), bad)


def each(e: Emitter, call: Call, body: Callable[[list[ir.Value]], None]) -> None:
    """`body(index)` for each matrix of the stack."""
    over(e, call.writes[0].shape[:-2], body, call.work)


NOT_POSITIVE = "Matrix is not positive definite"


def cholesky(e: Emitter, call: Call) -> None:
    """The lower triangle of a matrix replaced by its factor."""
    (out,), run = call.writes, Routines(e, call)
    n = out.shape[-1]

    def one(index: list[ir.Value]) -> None:
        info = run.info()
        run("lapack", "potrf", "U", run.integer(n), matrix(e, out, index), run.distance(out), info)
        run.check(info, NOT_POSITIVE)

    each(e, call, one)


def triangular_solve(e: Emitter, call: Call) -> None:
    """x replaced by the solution."""
    (a, _), (x,), run, attrs = call.reads, call.writes, Routines(e, call), call.attrs
    triangle = triangle_of(e, run, a, attrs)
    n, m = x.shape[-2:]

    def one(index: list[ir.Value]) -> None:
        solve_right(run, triangle, matrix(e, a, index), (run.integer(n), run.integer(m)), matrix(e, x, index),
                    run.distance(x))

    each(e, call, one)


Triangle = tuple[str, str, str, ir.Value]
"""Which triangle, whether transposed, whether its diagonal is of ones, the distance of lines: as BLAS sees it."""


def triangle_of(e: Emitter, run: Routines, a: View, attrs: dict[str, bool]) -> Triangle:
    """How BLAS, to which rows are columns, reads the triangular matrix by which x' is divided from the right."""
    by_columns, distance = transposed(a)
    upper = attrs["lower"] != by_columns
    far = positive(e, distance)
    return ("U" if upper else "L", "T" if by_columns != attrs["trans"] else "N", "U" if attrs["unit"] else "N",
            integer(e, far) if isinstance(far, ir.Value) else run.integer(far))


def solve_right(run: Routines, t: Triangle, a: ir.Value, sizes: Sequence[ir.Value], x: ir.Value, far: ir.Value
                ) -> None:
    uplo, trans, diag, lda = t
    n, m = sizes
    run("blas", "trsm", "R", uplo, trans, diag, m, n, run.number(1.0), a, lda, x, far)


ROUTINES: dict[str, Callable[[Emitter, Call], None]] = {
    "cholesky": cholesky, "triangular_solve": triangular_solve,
}

LAPACK = ("potrf",)
BLAS = ("trsm",)
SYMBOLS = {
    **{f"gradjit.lapack.{p}{n}": ("scipy.linalg.cython_lapack", f"{p}{n}") for p in PREFIX.values() for n in LAPACK},
    **{f"gradjit.blas.{p}{n}": ("scipy.linalg.cython_blas", f"{p}{n}") for p in PREFIX.values() for n in BLAS},
}
"""Where the routines are found."""
