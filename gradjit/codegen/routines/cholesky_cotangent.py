"""The reverse of Cholesky's factorisation, block after block from the last, in twice the work of the factorisation.

With blocks of rows R D of the factor and B C below them, and cotangents of each, which stand where the result will:

    C' := C' D^-1;  B' -= C' R;  D' -= C'^T C;  D' := reverse of D alone;  R' -= C'^T B + (D' + D'^T) R

(I. Murray, Differentiation of the Cholesky decomposition, 2016). BLAS sees rows as columns: operands are exchanged.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from .. import llvm
from ..emit_control import when
from ..loops import Call
from ..lower.factorisation import BLOCK
from ..vecmath.lanes import I64
from .blas import integer, matrix

if TYPE_CHECKING:
    from ..emit import Emitter
    from .lapack import Routines

LARGE, SMALL, MANY = BLOCK, 32, 512
"""Rows of a block, and of one of a matrix of fewer than so many rows."""


class Reverse:
    """Emits the reverse of one matrix."""

    def __init__(self, e: Emitter, run: Routines, call: Call, index: list[llvm.Value]):
        self.e, self.run, self.type = e, run, run.element
        factor, (out, work) = call.reads[0], call.writes
        self.n = e.number(out.shape[-1])
        self.factor, self.out, self.both = matrix(e, factor, index), matrix(e, out, index), run.scratch(work)
        self.steps = {id(self.factor): e.number(factor.strides[-2]), id(self.out): e.number(out.strides[-2])}
        self.lines = {k: integer(e, v) for k, v in self.steps.items()}
        self.size = e.b.select(e.b.icmp_signed(">", self.n, I64(MANY)), I64(LARGE), I64(SMALL))

    def emit(self) -> None:
        b = self.e.b
        with when(self.e, b.icmp_signed(">", self.n, I64(0))):
            count = self.e.b.udiv(self.e.b.add(self.n, self.e.b.sub(self.size, I64(1))), self.size)
            self.e.iterate(I64(0), count, lambda q: self.block(self.e.b.sub(self.e.b.sub(count, I64(1)), q)))

    # memory -----------------------------------------------------------------------------------------------------------
    def at(self, m: llvm.Value, row: llvm.Value, column: llvm.Value) -> llvm.Value:
        place = self.e.b.add(self.e.b.mul(row, self.steps[id(m)]), column)
        return self.e.b.gep(m, [place], of=self.type)

    def get(self, p: llvm.Value) -> llvm.Value:
        return self.e.b.load(p, type=self.type)

    def less(self, p: llvm.Value, x: llvm.Value, y: llvm.Value) -> None:
        """p -= x * y"""
        self.e.b.store(self.e.b.fsub(self.get(p), self.e.b.fmul(x, y)), p)

    def loop(self, lo: llvm.Value, hi: llvm.Value, body: Callable[[llvm.Value], None]) -> None:
        with when(self.e, self.e.b.icmp_signed("<", lo, hi)):
            self.e.iterate(lo, hi, body)

    # a block ----------------------------------------------------------------------------------------------------------
    def block(self, q: llvm.Value) -> None:
        b = self.e.b
        j = b.mul(q, self.size)
        end = b.add(j, self.size)
        k = b.select(b.icmp_signed("<", end, self.n), end, self.n)
        size, below = b.sub(k, j), b.sub(self.n, k)
        L, A, zero = self.factor, self.out, I64(0)
        lf, la = self.lines[id(L)], self.lines[id(A)]
        w, m, left = (integer(self.e, x) for x in (size, below, j))
        R, D, B, C = self.at(L, j, zero), self.at(L, j, j), self.at(L, k, zero), self.at(L, k, j)
        ar, ad, ab, ac = self.at(A, j, zero), self.at(A, j, j), self.at(A, k, zero), self.at(A, k, j)
        one, minus = self.run.number(1.0), self.run.number(-1.0)
        with when(self.e, b.icmp_signed(">", below, zero)):
            self.run("blas", "trsm", "L", "U", "N", "N", w, m, one, D, lf, ac, la)
            self.run("blas", "gemm", "N", "N", left, m, w, minus, R, lf, ac, la, one, ab, la)
            self.run("blas", "gemm", "N", "T", w, w, m, minus, C, lf, ac, la, one, ad, la)
        self.loop(zero, size, lambda p: self.row(D, ad, size, self.e.b.sub(self.e.b.sub(size, I64(1)), p)))
        self.loop(zero, size, lambda p: self.mirror(ad, size, p))
        with when(self.e, self.e.b.icmp_signed(">", j, zero)):
            self.run("blas", "gemm", "N", "T", left, w, m, minus, B, lf, ac, la, one, ar, la)
            self.run("blas", "gemm", "N", "N", left, w, w, minus, R, lf, self.both, w, one, ar, la)

    def inside(self, corner: llvm.Value, of: llvm.Value, row: llvm.Value, column: llvm.Value) -> llvm.Value:
        """An element of a block on the diagonal of `of`."""
        place = self.e.b.add(self.e.b.mul(row, self.steps[id(of)]), column)
        return self.e.b.gep(corner, [place], of=self.type)

    def row(self, D: llvm.Value, ad: llvm.Value, size: llvm.Value, p: llvm.Value) -> None:
        """The reverse of a row and the column below it, within the block."""
        b, zero = self.e.b, I64(0)

        def known(i: llvm.Value, c: llvm.Value) -> llvm.Value:
            return self.get(self.inside(D, self.factor, i, c))

        def own(i: llvm.Value, c: llvm.Value) -> llvm.Value:
            return self.inside(ad, self.out, i, c)

        after = b.add(p, I64(1))
        d, total = known(p, p), self.e.cell(self.type)
        self.e.b.store(self.get(own(p, p)), total)

        def shorten(i: llvm.Value) -> None:
            cell = own(i, p)
            self.e.b.store(self.e.b.fdiv(self.get(cell), d), cell)
            self.less(total, known(i, p), self.get(cell))

        self.loop(after, size, shorten)
        mine = self.e.b.fdiv(self.get(total), d)
        self.loop(zero, p, lambda c: self.less(own(p, c), mine, known(p, c)))

        def spread(i: llvm.Value) -> None:
            factor = self.get(own(i, p))

            def element(c: llvm.Value) -> None:
                self.less(own(p, c), factor, known(i, c))
                self.less(own(i, c), factor, known(p, c))

            self.loop(zero, p, element)

        self.loop(after, size, spread)
        self.e.b.store(self.e.b.fmul(mine, self.type(0.5)), own(p, p))

    def mirror(self, ad: llvm.Value, size: llvm.Value, p: llvm.Value) -> None:
        """A row of D' + D'^T; nothing stays above the diagonal."""
        def put(i: llvm.Value, c: llvm.Value, v: llvm.Value) -> None:
            place = self.e.b.add(self.e.b.mul(i, size), c)
            self.e.b.store(v, self.e.b.gep(self.both, [place], of=self.type))

        def element(c: llvm.Value) -> None:
            v = self.get(self.inside(ad, self.out, p, c))
            put(p, c, v)
            put(c, p, v)
            self.e.b.store(self.type(0.0), self.inside(ad, self.out, c, p))

        self.loop(I64(0), p, element)
        v = self.get(self.inside(ad, self.out, p, p))
        put(p, p, self.e.b.fadd(v, v))
