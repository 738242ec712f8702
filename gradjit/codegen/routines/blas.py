"""Matrix products through SciPy's BLAS.

BLAS thinks in columns: a row-major C = A B is, to it, C' = B' A', so operands are passed in exchanged order.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from llvmlite import ir

from ..loops import Call, View
from ..vecmath.lanes import I32, I64

if TYPE_CHECKING:
    from ..emit import Emitter

PTR = ir.PointerType()
PREFIX = {"f64": "d", "f32": "s"}


def gemm(e: Emitter, call: Call) -> None:
    """out[..., m, n] = x[..., m, k] @ y[..., k, n], one BLAS call for each matrix of the stack."""
    x, y = call.reads
    (out,) = call.writes
    shape = out.shape[:call.attrs["batch"]]

    def body(index: list[ir.Value]) -> None:
        product(e, (matrix(e, x, index), matrix(e, y, index), matrix(e, out, index)), x, y, out)

    over(e, shape, [], body)


def over(e: Emitter, shape: tuple[int, ...], index: list[ir.Value],
         body: Callable[[list[ir.Value]], None]) -> None:
    """Nested loops over a shape; `body(index)`."""
    if not shape:
        body(index)
    elif shape[0]:
        e.turns(I64(0), I64(shape[0]), lambda k: over(e, shape[1:], [*index, k], body))


def matrix(e: Emitter, v: View, index: list[ir.Value]) -> ir.Value:
    """The first element of one matrix of a stack."""
    offset = e.place(v.offset)
    for k, stride in zip(index, v.strides, strict=False):
        offset = e.b.add(offset, e.b.mul(k, I64(stride)))
    return e.at(v.buffer, offset)


def product(e: Emitter, at: tuple[ir.Value, ir.Value, ir.Value], x: View, y: View, out: View) -> None:
    """One matrix product; `at` points to the first element of each matrix."""
    px, py, pout = at
    m, k = x.shape[-2:]
    n = y.shape[-1]
    dtype = out.buffer.dtype
    prefix = PREFIX[dtype.name]
    t = ir.DoubleType() if prefix == "d" else ir.FloatType()
    fn = e.lanes(1).declare(f"gradjit.blas.{prefix}gemm", ir.VoidType(), [PTR] * 13)
    tx, ldx = transposed(x)
    ty, ldy = transposed(y)
    args = [letter(e, ty), letter(e, tx), integer(e, n), integer(e, m), integer(e, k), number(e, t, 1.0), py,
            integer(e, ldy), px, integer(e, ldx), number(e, t, 0.0), pout, integer(e, max(out.strides[-2], n, 1))]
    e.b.call(fn, args)


def transposed(v: View) -> tuple[bool, int]:
    """Whether columns (not rows) run along memory, and the distance between lines."""
    rows, columns = v.strides[-2:]
    m, n = v.shape[-2:]
    if columns == 1 and rows >= n:
        return False, max(rows, n, 1)
    return True, max(columns, m, 1)


def constant_cell(e: Emitter, t: ir.Type, value: object, name: str) -> ir.Value:
    """BLAS takes its numbers by address."""
    known = e.module.globals.get(name)
    if known is None:
        known = ir.GlobalVariable(e.module, t, name)
        known.initializer, known.global_constant, known.linkage = t(value), True, "internal"
        known.type = PTR
    return known


def integer(e: Emitter, value: int) -> ir.Value:
    return constant_cell(e, I32, value, f"gradjit.i32.{value}")


def letter(e: Emitter, trans: bool) -> ir.Value:
    return constant_cell(e, ir.IntType(8), ord("T" if trans else "N"), f"gradjit.{'T' if trans else 'N'}")


def number(e: Emitter, t: ir.Type, value: float) -> ir.Value:
    return constant_cell(e, t, value, f"gradjit.{t}.{value}")


ROUTINES = {"gemm": gemm}

SYMBOLS = {f"gradjit.blas.{p}gemm": ("scipy.linalg.cython_blas", f"{p}gemm") for p in PREFIX.values()}
"""Where the routines are found: a Cython module and the name that it exports."""
