"""Factorisations of matrices of a few rows, written out: a call of LAPACK would take longer than its work.

As LAPACK's: rows are exchanged for the largest pivot (the first of equal ones), a pivot of 0 leaves its column, and
what is singular or not positive definite is found where LAPACK finds it.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

from ...ir.sizes import is_open
from .. import llvm
from ..failures import Check, note
from ..loops import Call, View
from ..symbolic import is_symbolic
from ..vecmath.lanes import I32, I64
from .blas import matrix

if TYPE_CHECKING:
    from ..emit import Emitter
    from .lapack import Routines

FEW = 4
"""Matrices of at most so many rows."""
BYTES = 32
"""Right-hand sides that stand side by side are taken several at once, in vectors of so many bytes."""

Elements = list[list[llvm.Value]]


def is_small(n: int) -> bool:
    """Whether an extent is known, and small."""
    return not is_open(n) and not is_symbolic(n) and n <= FEW


class WrittenOut:
    """Emits straight code for one matrix of a stack."""

    def __init__(self, e: Emitter, run: Routines, call: Call, index: list[llvm.Value]):
        self.e, self.b, self.run, self.call, self.index, self.type = e, e.b, run, call, index, run.element

    # memory -----------------------------------------------------------------------------------------------------------
    def at(self, v: View, i: int, j: int | llvm.Value) -> llvm.Value:
        """The place of an element; the column may be computed."""
        first = matrix(self.e, v, self.index)
        row = self.b.mul(I64(i), self.e.number(v.strides[-2]))
        column = self.b.mul(I64(j) if isinstance(j, int) else j, self.e.number(v.strides[-1]))
        return self.b.gep(first, [self.b.add(row, column)], of=self.type)

    def load(self, v: View, i: int, j: int | llvm.Value, lanes: int = 1) -> llvm.Value:
        """An element, or those of some neighbouring columns."""
        kind = self.type if lanes == 1 else llvm.VectorType(self.type, lanes)
        return self.b.load(self.at(v, i, j), type=kind, align=v.buffer.dtype.itemsize)

    def store(self, x: llvm.Value, v: View, i: int, j: int | llvm.Value) -> None:
        self.b.store(x, self.at(v, i, j), align=v.buffer.dtype.itemsize)

    def in_lanes(self, a: Elements, lanes: int) -> Elements:
        """Each element in all lanes of a vector."""
        if lanes == 1:
            return a
        wide = llvm.VectorType(self.type, lanes)
        undefined, zeros = llvm.Constant(wide, llvm.UNDEFINED), llvm.Constant(llvm.VectorType(I32, lanes), [0] * lanes)
        return [[self.b.shuffle_vector(self.b.insert_element(undefined, x, I32(0)), undefined, zeros) for x in row]
                for row in a]

    def pivot(self, pivots: View, k: int) -> llvm.Value:
        place = self.b.mul(I64(k), self.e.number(pivots.strides[-1]))
        return self.b.gep(matrix(self.e, pivots, self.index), [place], of=I32)

    # arithmetic -------------------------------------------------------------------------------------------------------
    def less(self, x: llvm.Value, a: llvm.Value, y: llvm.Value) -> llvm.Value:
        """x - a y"""
        return self.b.fsub(x, self.b.fmul(a, y))

    def exchanged(self, column: Sequence[llvm.Value], k: int, p: llvm.Value) -> list[llvm.Value]:
        """The elements with that of row k and that of the computed row p exchanged; p is no row above k."""
        found, above = list(column), column[k]
        for i in range(k + 1, len(column)):
            is_it = self.b.icmp_signed("==", p, I32(i))
            found[k] = self.b.select(is_it, column[i], found[k])
            found[i] = self.b.select(is_it, above, column[i])
        return found

    def magnitude(self, x: llvm.Value) -> llvm.Value:
        return self.b.select(self.b.fcmp_ordered("<", x, self.type(0.0)), self.b.fneg(x), x)

    def for_columns(self, x: View, body: Callable[[int | llvm.Value, int], None], lanes: int = 1) -> None:
        """`body(column, lanes)` for all columns: `lanes` at once from that column on, and the last ones singly."""
        n, b, count = x.shape[-1], self.b, self.e.number(x.shape[-1])
        if n == 1 and not is_symbolic(n):
            return body(0, 1)
        if lanes == 1:
            return self.run.columns(count, lambda j: body(j, 1))
        whole = b.udiv(count, I64(lanes))
        self.run.columns(whole, lambda t: body(b.mul(t, I64(lanes)), lanes))
        done = b.mul(whole, I64(lanes))
        return self.run.columns(b.sub(count, done), lambda k: body(b.add(done, k), 1))

    def lanes(self, x: View) -> int:
        """How many columns can be taken at once: those that stand side by side."""
        lanes, n = BYTES // x.buffer.dtype.itemsize, x.shape[-1]
        is_short = not is_open(n) and not is_symbolic(n) and n < lanes
        return 1 if is_short or is_open(x.strides[-1]) or x.strides[-1] != 1 else lanes

    # factorisations ---------------------------------------------------------------------------------------------------
    def lu(self, out: View, pivots: View) -> None:
        b, n, zero = self.b, int(out.shape[-1]), self.type(0.0)
        a: Elements = [[self.load(out, i, j) for j in range(n)] for i in range(n)]
        for k in range(n):
            p: llvm.Value = I32(k)
            best = self.magnitude(a[k][k])
            for i in range(k + 1, n):
                other = self.magnitude(a[i][k])
                larger = b.fcmp_ordered(">", other, best)
                best, p = b.select(larger, other, best), b.select(larger, I32(i), p)
            b.store(b.add(p, I32(1)), self.pivot(pivots, k))
            for j in range(n):
                for i, x in enumerate(self.exchanged([row[j] for row in a], k, p)):
                    a[i][j] = x
            is_zero = b.fcmp_ordered("==", a[k][k], zero)
            for i in range(k + 1, n):
                a[i][k] = b.select(is_zero, a[i][k], b.fdiv(a[i][k], a[k][k]))
                for j in range(k + 1, n):
                    a[i][j] = self.less(a[i][j], a[i][k], a[k][j])
        for i in range(n):
            for j in range(n):
                b.store(a[i][j], self.at(out, i, j))

    def lu_solve(self, factors: View, pivots: View, x: View, trans: bool) -> None:
        b, n = self.b, int(x.shape[-2])
        f: Elements = [[self.load(factors, i, j) for j in range(n)] for i in range(n)]
        p = [b.sub(b.load(self.pivot(pivots, k), type=I32), I32(1)) for k in range(n)]

        def column(j: int | llvm.Value, _: int) -> None:
            y = [self.load(x, i, j) for i in range(n)]
            if trans:
                y = self.substituted([list(r) for r in zip(*f, strict=True)], y, lower=True, unit=False)
                y = self.substituted([list(r) for r in zip(*f, strict=True)], y, lower=False, unit=True)
                for k in reversed(range(n)):
                    y = self.exchanged(y, k, p[k])
            else:
                for k in range(n):
                    y = self.exchanged(y, k, p[k])
                y = self.substituted(f, y, lower=True, unit=True)
                y = self.substituted(f, y, lower=False, unit=False)
            for i in range(n):
                b.store(y[i], self.at(x, i, j))

        self.for_columns(x, column)

    def substituted(self, a: Elements, y: Sequence[llvm.Value], lower: bool, unit: bool) -> list[llvm.Value]:
        """The solution of a triangular system."""
        found, rows = list(y), range(len(y))
        for i in rows if lower else reversed(rows):
            for j in range(i) if lower else range(i + 1, len(y)):
                found[i] = self.less(found[i], a[i][j], found[j])
            found[i] = found[i] if unit else self.b.fdiv(found[i], a[i][i])
        return found

    def triangular_solve(self, a: View, x: View, lower: bool, trans: bool, unit: bool) -> None:
        n, is_lower = int(x.shape[-2]), lower != trans
        zero = self.type(0.0)
        elements = [[self.load(a, *((j, i) if trans else (i, j))) if (j <= i if is_lower else j >= i) else zero
                     for j in range(n)] for i in range(n)]

        every = {lanes: self.in_lanes(elements, lanes) for lanes in {1, self.lanes(x)}}

        def columns(j: int | llvm.Value, lanes: int) -> None:
            y = self.substituted(every[lanes], [self.load(x, i, j, lanes) for i in range(n)], is_lower, unit)
            for i in range(n):
                self.store(y[i], x, i, j)

        self.for_columns(x, columns, self.lanes(x))

    def cholesky(self, out: View, message: str, error: type[Exception]) -> None:
        """Of the lower triangle, row by row."""
        b, n, zero = self.b, int(out.shape[-1]), self.type(0.0)
        root = self.e.lanes(1).declare(f"llvm.sqrt.f{64 if self.run.prefix == 'd' else 32}", self.type, [self.type])
        a = [[self.load(out, i, j) for j in range(i + 1)] for i in range(n)]
        for j in range(n):
            for k in range(j):
                a[j][j] = self.less(a[j][j], a[j][k], a[j][k])
            is_bad = b.fcmp_ordered("<=", a[j][j], zero)  # nan goes on, as in LAPACK
            note(self.e, Check(None, self.call.loc, message, error), is_bad)
            a[j][j] = b.call(root, [a[j][j]])
            for i in range(j + 1, n):
                for k in range(j):
                    a[i][j] = self.less(a[i][j], a[i][k], a[j][k])
                a[i][j] = b.fdiv(a[i][j], a[j][j])
        for i in range(n):
            for j in range(i + 1):
                b.store(a[i][j], self.at(out, i, j))
