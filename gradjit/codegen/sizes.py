"""Sizes as numbers in machine code: the polynomial, computed where a function begins."""

from __future__ import annotations

from collections.abc import Callable

from ..ir.sizes import Atom, Dim, Quotient, Size
from . import llvm

I64 = llvm.IntType(64)
KEPT = "nsw"
"""No array is so large that an extent or an address wraps around."""


def emitted(b: llvm.IRBuilder, size: int, dim: Callable[[Dim], llvm.Value]) -> llvm.Value:
    """A size, or a number, as an i64. `dim` gives the value of each open extent."""
    if type(size) is not Size:
        return I64(size)
    total: llvm.Value | None = None
    for monomial, factor in sorted(size.terms.items(), key=lambda t: (not t[0], t[1] < 0)):
        part: llvm.Value | None = None
        for a in monomial:
            one = _atom(b, a, dim)
            part = one if part is None else b.mul(part, one, flags=KEPT)
        if part is None:
            part = I64(factor)
        elif abs(factor) != 1:
            part = b.mul(part, I64(abs(factor) if total is not None and factor < 0 else factor), flags=KEPT)
        if total is None:
            total = b.neg(part) if factor == -1 and monomial else part
        elif monomial and factor < 0:
            total = b.sub(total, part, flags=KEPT)
        else:
            total = b.add(total, part, flags=KEPT)
    assert total is not None
    return total


def _atom(b: llvm.IRBuilder, a: Atom, dim: Callable[[Dim], llvm.Value]) -> llvm.Value:
    if isinstance(a, Quotient):
        of = emitted(b, a.of, dim)
        if a.by & (a.by - 1) == 0:
            return b.ashr(of, I64(a.by.bit_length() - 1))  # rounds down, as Python does
        floor = b.sdiv(of, I64(a.by))
        down = b.icmp_signed("<", of, b.mul(floor, I64(a.by)))
        return b.sub(floor, b.zext(down, I64))
    return dim(a)


__all__ = ["emitted"]
