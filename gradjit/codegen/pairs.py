"""Memory that holds pairs, as that of complex numbers does: lanes at every second element.

The first parts of some pairs in a row are half of a vector twice as wide, which is loaded in one go; LLVM loads it once
for both parts. Stores of both parts, one behind the other, become one store of such a vector.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from ..ir.sizes import is_open
from . import llvm
from .affine import Affine
from .loop_passes import nodes_of
from .loops import Buffer, Stmt, Store
from .vecmath.lanes import I32

if TYPE_CHECKING:
    from .emit import Emitter

ROLES = ("input", "output", "workspace")


def part(buffer: Buffer, a: Affine) -> int | None:
    """Which part of a pair every address names: 0 or 1. None where the memory holds no pairs, or where that differs."""
    strides = buffer.strides
    if buffer.role not in ROLES or buffer.dtype.is_bool or not buffer.shape or is_open(buffer.shape[-1]):
        return None
    if buffer.shape[-1] != 2 or (strides is not None and (strides[-1] != 1 or any(is_odd(s) for s in strides[:-1]))):
        return None
    if is_open(a.const) or any(is_odd(w) for w in a.terms.values()):
        return None
    return a.const % 2


def is_odd(n: int) -> bool:
    return is_open(n) or n % 2 == 1


def load(e: Emitter, buffer: Buffer, a: Affine, which: int, t: llvm.Type) -> llvm.Value:
    """One part of as many pairs as there are lanes."""
    n = e.scope.width
    wide = e.read(buffer, e.at(buffer, e.place(a + -which)), llvm.VectorType(t, 2 * n))
    return e.b.shuffle_vector(wide, llvm.Constant(wide.type, llvm.UNDEFINED), order(range(which, 2 * n, 2)))


def order(lanes: Sequence[int]) -> llvm.Constant:
    return llvm.Constant(llvm.VectorType(I32, len(lanes)), list(lanes))


def both(e: Emitter, s: Stmt, following: Stmt | None) -> bool:
    """Whether two statements store the two parts of the same pairs, and the second reads nothing of what the first
    stores."""
    if not (isinstance(s, Store) and isinstance(following, Store) and s.buffer is following.buffer):
        return False
    if s.combine is not None or following.combine is not None or e.scope.mask is not None:
        return False
    if not e.is_wide(s.address.vars) or e.stride(s.address) != 2 or following.address != s.address + 1:
        return False
    if part(s.buffer, s.address) != 0:
        return False
    return not any(n.kind == "load" and n.attrs[0] is s.buffer for n in nodes_of(following))


def store(e: Emitter, first: Store, second: Store) -> None:
    """Both parts at once."""
    re, im = (e.widened(s.node) for s in (first, second))
    n = e.scope.width
    wide = e.b.shuffle_vector(re, im, order([k // 2 + n * (k % 2) for k in range(2 * n)]))
    e.write(first.buffer, e.at(first.buffer, e.place(first.address)), wide)
