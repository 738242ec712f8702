"""The reverse of Cholesky's factorisation by halves, in twice the work of the factorisation.

With the upper half R of a factor, B C below it, and cotangents of each, which stand where the result will:

    C' := reverse of C;  B' -= (C' + C'^T) B;  B' := B' R^-1;  R' -= B'^T B;  R' := reverse of R

What has few rows is taken in panels (`cholesky_panels`). BLAS sees rows as columns: operands are exchanged.
"""

from __future__ import annotations

from collections.abc import Callable

from .. import llvm
from ..vecmath.lanes import I32, I64, suffix_of
from .blas import PTR, constant_cell, number
from .cholesky_panels import REVERSE, Reverse, panel_function

FEW = 64
"""Rows of a matrix that is not halved."""


def reverse_function(module: llvm.Module, prefix: str, element: llvm.Type) -> llvm.Function:
    """`void reverse(ptr l, i64 l_row, ptr g, i64 g_row, i64 n)`, once in a module: the cotangent of the factor l in
    the lower triangle of g replaced by that of the matrix, with zeros above it."""
    name = f"gradjit.cholesky.halves.{suffix_of(element)}"
    known = module.function(name)
    if known is not None:
        return known
    fn = llvm.Function(module, llvm.FunctionType(llvm.VoidType(), REVERSE), name, "internal", ("noinline", "nounwind"))
    _Halves(fn, prefix, element).run()
    return fn


class _Halves:
    """Emits the function, which calls itself."""

    def __init__(self, fn: llvm.Function, prefix: str, element: llvm.Type):
        self.fn, self.prefix, self.type, self.module = fn, prefix, element, fn.module
        self.b = llvm.IRBuilder(fn.append_basic_block("entry"))

    # operands ---------------------------------------------------------------------------------------------------------
    def blas(self, name: str, *args: str | float | llvm.Value) -> None:
        """`name(*args)`: letters and numbers, the contents of cells, and pointers."""
        fn = self.module.declared(f"gradjit.blas.{self.prefix}{name}",
                                  llvm.FunctionType(llvm.VoidType(), [PTR] * len(args)))
        self.b.call(fn, [self.argument(a) for a in args])

    def argument(self, a: str | float | llvm.Value) -> llvm.Value:
        if isinstance(a, str):
            return constant_cell(self, llvm.IntType(8), ord(a), f"gradjit.letter.{a}")
        return number(self, self.type, a) if isinstance(a, float) else a

    def cell(self, n: llvm.Value) -> llvm.Value:
        cell = self.b.alloca(I32)
        self.b.store(self.b.trunc(n, I32), cell)
        return cell

    def at(self, m: llvm.Value, far: llvm.Value, row: llvm.Value, column: llvm.Value) -> llvm.Value:
        return self.b.gep(m, [self.b.add(self.b.mul(row, far), column)], of=self.type)

    def loop(self, count: llvm.Value, body: Callable[[llvm.Value], None]) -> None:
        """`body(k)` for at least one k."""
        before, head, done = self.b.block, *(self.b.append_basic_block(name) for name in ("loop", "done"))
        self.b.branch(head)
        self.b.position_at_end(head)
        k = self.b.phi(I64)
        body(k)
        following = self.b.add(k, I64(1))
        k.add_incoming(I64(0), before)
        k.add_incoming(following, self.b.block)
        self.b.cbranch(self.b.icmp_signed("<", following, count), head, done)
        self.b.position_at_end(done)

    # the function -----------------------------------------------------------------------------------------------------
    def run(self) -> None:
        b = self.b
        l, l_far, g, g_far, n = self.fn.args
        small, large = b.append_basic_block("small"), b.append_basic_block("large")
        b.cbranch(b.icmp_signed("<=", n, I64(FEW)), small, large)
        b.position_at_end(small)
        b.call(panel_function(self.module, Reverse, self.type), [l, l_far, g, g_far, n])
        b.ret_void()
        b.position_at_end(large)
        self.halves()
        b.ret_void()

    def halves(self) -> None:
        b, zero = self.b, I64(0)
        l, l_far, g, g_far, n = self.fn.args
        above = b.and_(b.add(b.udiv(n, I64(2)), I64(7)), I64(-8))  # whole panels
        below = b.sub(n, above)
        B, C = self.at(l, l_far, above, zero), self.at(l, l_far, above, above)
        dB, dC = self.at(g, g_far, above, zero), self.at(g, g_far, above, above)
        m, w, lf, gf = map(self.cell, (below, above, l_far, g_far))
        self.clear(g, g_far, above, below)
        b.call(self.fn, [C, l_far, dC, g_far, below])
        self.scale_diagonal(dC, g_far, below, 2.0)
        self.blas("symm", "R", "U", w, m, -1.0, dC, gf, B, lf, 1.0, dB, gf)
        self.scale_diagonal(dC, g_far, below, 0.5)
        self.blas("trsm", "L", "U", "N", "N", w, m, 1.0, l, lf, dB, gf)
        first = b.udiv(above, I64(2))
        for start, end in ((zero, first), (first, above)):  # of the rows of R', which end at the diagonal
            columns, rows = self.cell(end), self.cell(b.sub(end, start))
            self.blas("gemm", "N", "T", columns, rows, m, -1.0, B, lf, self.at(dB, g_far, zero, start), gf, 1.0,
                      self.at(g, g_far, start, zero), gf)
        b.call(self.fn, [l, l_far, g, g_far, above])

    def clear(self, g: llvm.Value, far: llvm.Value, rows: llvm.Value, columns: llvm.Value) -> None:
        """Nothing right of the upper half, where products have been added."""
        def element(i: llvm.Value) -> Callable[[llvm.Value], None]:
            return lambda j: self.put(self.type(0.0), self.at(g, far, i, self.b.add(rows, j)))

        self.loop(rows, lambda i: self.loop(columns, element(i)))

    def scale_diagonal(self, m: llvm.Value, far: llvm.Value, count: llvm.Value, factor: float) -> None:
        def scale(k: llvm.Value) -> None:
            place = self.at(m, far, k, k)
            x = self.b.load(place, type=self.type)
            self.put(self.b.fmul(x, self.type(factor)), place)

        self.loop(count, scale)

    def put(self, x: llvm.Value, place: llvm.Value) -> None:
        self.b.store(x, place)
