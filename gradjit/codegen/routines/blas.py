"""Matrix products through SciPy's BLAS.

BLAS thinks in columns: a row-major C = A B is, to it, C' = B' A', so operands are passed in exchanged order.
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import nullcontext
from math import prod
from typing import TYPE_CHECKING, Protocol

from ...ir.sizes import is_open
from .. import llvm
from ..emit_control import poll, when
from ..loops import Call, View
from ..lower.elementwise import llvm_type
from ..numbers import LONG, cost_of
from ..symbolic import reckoned
from ..vecmath.lanes import I32, I64

if TYPE_CHECKING:
    from ..emit import Emitter

PTR = llvm.PointerType()
PREFIX = {"f64": "d", "f32": "s"}


def gemm(e: Emitter, call: Call) -> None:
    """out[..., m, n] = x[..., m, k] @ y[..., k, n], one BLAS call for each matrix of the stack."""
    x, y = call.reads
    (out,) = call.writes
    shape = out.shape[:call.attrs["batch"]]

    def body(index: list[llvm.Value]) -> None:
        in_blocks(e, (matrix(e, x, index), matrix(e, y, index), matrix(e, out, index)), x, y, out)

    over(e, shape, body, call.work)


BLOCK, ROWS = 1 << 31, 128
"""Multiplications of one BLAS call (a tenth of a second), and the rows that it has at least: it is not interrupted."""


def in_blocks(e: Emitter, at: tuple[llvm.Value, llvm.Value, llvm.Value], x: View, y: View, out: View) -> None:
    """One matrix product; a very long one by some rows after the others."""
    m, k = x.shape[-2:]
    n = y.shape[-1]
    if is_open(m) or is_open(n * k):
        return open_blocks(e, at, x, y, out)
    rows = max(BLOCK // max(n * k, 1) // ROWS, 1) * ROWS
    if m < 2 * rows:
        return product(e, at, x, y, out, m)
    px, py, pout = at

    def block(i: llvm.Value, size: int) -> None:
        from_row = [e.b.gep(p, [e.b.mul(i, I64(v.strides[-2]))], of=llvm_type(v.buffer.dtype))
                    for p, v in ((px, x), (pout, out))]
        product(e, (from_row[0], py, from_row[1]), x, y, out, size)
        poll(e, cost_of("contract") * size * n * k)

    e.iterate(I64(0), I64(m // rows), lambda i: block(e.b.mul(i, I64(rows)), rows))
    if m % rows:
        block(I64(m // rows * rows), m % rows)
    return None


def open_blocks(e: Emitter, at: tuple[llvm.Value, llvm.Value, llvm.Value], x: View, y: View, out: View) -> None:
    """The same where an extent is open: how many rows are one call is computed."""
    b, (m, k), n = e.b, map(e.number, x.shape[-2:]), e.number(y.shape[-1])
    each = b.mul(n, k, flags="nsw")
    each = b.select(b.icmp_signed(">", each, I64(0)), each, I64(1))
    groups = b.udiv(b.udiv(I64(BLOCK), each), I64(ROWS))
    groups = b.select(b.icmp_signed(">", groups, I64(0)), groups, I64(1))
    rows = b.mul(groups, I64(ROWS), flags="nsw")
    px, py, pout = at

    def block(i: llvm.Value) -> None:
        first = e.b.mul(i, rows, flags="nsw")
        left = e.b.sub(m, first, flags="nsw")
        size = e.b.select(e.b.icmp_signed("<", left, rows), left, rows)
        from_row = [e.b.gep(p, [e.b.mul(first, e.number(v.strides[-2]))], of=llvm_type(v.buffer.dtype))
                    for p, v in ((px, x), (pout, out))]
        product(e, (from_row[0], py, from_row[1]), x, y, out, size)
        poll(e, LONG)

    with when(e, e.b.icmp_signed(">", e.b.mul(m, n, flags="nsw"), I64(0))):
        count = e.b.udiv(e.b.add(m, e.b.sub(rows, I64(1))), rows)
        with when(e, e.b.icmp_signed("<=", count, I64(1))):  # nearly always: nothing to wait for
            product(e, at, x, y, out, m)
        with when(e, e.b.icmp_signed(">", count, I64(1))):
            e.iterate(I64(0), count, block)


def over(e: Emitter, shape: tuple[int, ...], body: Callable[[list[llvm.Value]], None], work: float) -> None:
    """Nested loops over a shape, `body(index)`; what takes long asks each time whether the user interrupts."""
    def loop(index: list[llvm.Value]) -> None:
        if len(index) < len(shape):
            n = e.number(shape[len(index)])
            with when(e, e.b.icmp_signed(">", n, I64(0))) if is_open(shape[len(index)]) else nullcontext():
                e.iterate(I64(0), n, lambda k: loop([*index, k]))
            return
        body(index)
        if shape and work >= LONG:
            poll(e, work / prod(map(reckoned, shape)))

    if 0 not in shape:
        loop([])


def matrix(e: Emitter, v: View, index: list[llvm.Value]) -> llvm.Value:
    """The first element of one matrix of a stack."""
    offset = e.place(v.offset)
    for k, stride in zip(index, v.strides, strict=False):
        offset = e.b.add(offset, e.b.mul(k, e.number(stride)))
    return e.at(v.buffer, offset)


def product(e: Emitter, at: tuple[llvm.Value, llvm.Value, llvm.Value], x: View, y: View, out: View,
            m: int | llvm.Value) -> None:
    """One matrix product of m rows; `at` points to the first element of each matrix."""
    px, py, pout = at
    k = x.shape[-1]
    n = y.shape[-1]
    dtype = out.buffer.dtype
    prefix = PREFIX[dtype.name]
    t = llvm.DoubleType() if prefix == "d" else llvm.FloatType()
    fn = e.lanes(1).declare(f"gradjit.blas.{prefix}gemm", llvm.VoidType(), [PTR] * 13)
    tx, ldx = transposed(x)
    ty, ldy = transposed(y)
    lines = [integer(e, positive(e, ld)) for ld in (ldy, ldx, line(out.strides[-2], n))]
    args = [letter(e, ty), letter(e, tx), integer(e, n), integer(e, m), integer(e, k), number(e, t, 1.0), py,
            lines[0], px, lines[1], number(e, t, 0.0), pout, lines[2]]
    e.b.call(fn, args)


def positive(e: Emitter, n: int) -> int | llvm.Value:
    """The number, or 1 where an open one is 0: BLAS wants so of the distance between lines."""
    if not is_open(n):
        return n
    v = e.number(n)
    return e.b.select(e.b.icmp_signed(">", v, I64(0)), v, I64(1))


def line(stride: int, n: int) -> int:
    """The distance between lines of n elements, which is 1 at least where it is known."""
    return stride if is_open(stride) or (is_open(n) and stride) else n if is_open(n) else max(stride, n, 1)


def transposed(v: View) -> tuple[bool, int]:
    """Whether columns (not rows) run along memory, and the distance between lines."""
    rows, columns = v.strides[-2:]
    m, n = v.shape[-2:]
    if columns == 1 and (rows == n or rows >= n):
        return False, line(rows, n)
    return True, line(columns, m)


class InModule(Protocol):
    """What emits into a module."""

    module: llvm.Module


def constant_cell(e: InModule, t: llvm.Type, value: object, name: str) -> llvm.Value:
    """BLAS takes its numbers by address."""
    known = e.module.variable(name)
    return known or llvm.GlobalVariable(e.module, t, name, t(value), linkage="internal", is_constant=True)


def integer(e: Emitter, value: int | llvm.Value) -> llvm.Value:
    """A number by its address. One that is open, or computed, is stored in a cell."""
    if isinstance(value, llvm.Value) or is_open(value):
        cell = e.cell(I32)
        e.b.store(e.b.trunc(value if isinstance(value, llvm.Value) else e.number(value), I32), cell)
        return cell
    return constant_cell(e, I32, value, f"gradjit.i32.{value}")


def letter(e: Emitter, trans: bool) -> llvm.Value:
    return constant_cell(e, llvm.IntType(8), ord("T" if trans else "N"), f"gradjit.{'T' if trans else 'N'}")


def number(e: InModule, t: llvm.Type, value: float) -> llvm.Value:
    return constant_cell(e, t, value, f"gradjit.{t}.{value}")


ROUTINES = {"gemm": gemm}

ALONE = 1 << 18
"""Multiplications up to which OpenBLAS uses one thread for a product."""


def stack_of_products(call: Call) -> int | str:
    """How many leading axes there are of products that are computed apart."""
    (x, y), stack = call.reads, call.attrs["batch"]
    if reckoned(x.shape[-2] * x.shape[-1] * y.shape[-1]) > ALONE:
        return "BLAS has threads of its own for products of that size"
    return int(stack)


STACKS: dict[str, Callable[[Call], int | str]] = {"gemm": stack_of_products}

SYMBOLS = {f"gradjit.blas.{p}gemm": ("scipy.linalg.cython_blas", f"{p}gemm") for p in PREFIX.values()}
"""Where the routines are found: a Cython module and the name that it exports."""
