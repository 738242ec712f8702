"""What can go wrong while compiled code runs: which error it is, and the numbers that its message tells.

The kernel returns the number of the first check that failed. The index and extent of that one stand in a record, which
it copies to the last 16 bytes of its workspace when it ends.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from llvmlite import ir
from llvmlite.ir import instructions

from ..errors import BoundsError
from ..ir import Loc
from .vecmath.lanes import I32, I64

if TYPE_CHECKING:
    from .emit import Emitter

RECORD_BYTES = 16
_NEVER = (1, 1 << 20)


@dataclass(frozen=True)
class Check:
    """A condition that is checked at run time, at the user's line.

    extent: what an index must stay below; None where that is computed. assertion: the text of an `assert` instead.
    """

    extent: int | None
    loc: Loc | None
    assertion: str | None = None

    @property
    def error(self) -> type[Exception]:
        return BoundsError if self.assertion is None else AssertionError

    @property
    def is_described(self) -> bool:
        """Whether its message tells numbers."""
        return self.assertion is None

    @property
    def where(self) -> str:
        return f" ({self.loc.full})" if self.loc else ""

    def describe(self, index: int, extent: int) -> str:
        """The message, with the numbers that came."""
        if self.assertion is not None:
            return f"{self.assertion}{self.where}"
        given = index if index >= 0 else index - extent  # negative indices have been counted from the end
        return f"index {given} is out of bounds for an axis with size {extent}{self.where}"


def record_offset(workspace_bytes: int) -> int:
    """Where the record stands behind a workspace of so many bytes."""
    return -(-workspace_bytes // 8) * 8


def note(e: Emitter, check: Check, bad: ir.Value, index: ir.Value | None = None, extent: ir.Value | None = None
         ) -> None:
    """Where `bad` (an i1, or one for each lane) holds: this check has failed, unless another one has before."""
    e.checks.append(check)
    b, status = e.b, e.status()
    wide = isinstance(bad.type, ir.VectorType)
    failing, first, onwards = (b.append_basic_block(name) for name in ("failing", "first", "onwards"))
    b.cbranch(e.lanes(bad.type.count).any(bad) if wide else bad, failing, onwards).set_weights(_NEVER)
    b.position_at_end(failing)
    b.cbranch(b.icmp_signed("==", b.load(status, typ=I32), I32(0)), first, onwards)
    b.position_at_end(first)
    b.store(I32(len(e.checks)), status)
    if index is not None:
        assert extent is not None
        numbers = [offender(b, x, bad) if wide else x for x in (index, extent)]
        for k, number in enumerate(numbers):
            keep(b, number, b.gep(record(e), [I64(k)], source_etype=I64))
    b.branch(onwards)
    b.position_at_end(onwards)


def keep(b: ir.IRBuilder, v: ir.Value, p: ir.Value) -> None:
    """An atomic store, so that LLVM leaves the record in memory instead of carrying it through loops in registers.

    (llvmlite 0.50's `store_atomic` asks opaque pointers for what they point to.)
    """
    b._insert(instructions.StoreAtomicInstr(b.block, v, p, "monotonic", 8))


def offender(b: ir.IRBuilder, v: ir.Value, bad: ir.Value) -> ir.Value:
    """The element of v in the first lane that is bad."""
    if not isinstance(v.type, ir.VectorType):
        return v
    found = b.extract_element(v, I32(0))
    for k in reversed(range(bad.type.count)):
        found = b.select(b.extract_element(bad, I32(k)), b.extract_element(v, I32(k)), found)
    return found


def record(e: Emitter) -> ir.Value:
    """The cell of the index and the extent that the first failure had."""
    if e.record is None:
        e.record = e.cell(ir.ArrayType(I64, 2))
    return e.record


def leave(e: Emitter) -> None:
    """At the end of the kernel: hand the record over, if there is one."""
    if e.record is None:
        return
    offset = record_offset(e.program.workspace_bytes)
    for k in range(2):
        number = e.b.load(e.b.gep(e.record, [I64(k)], source_etype=I64), typ=I64)
        e.b.store(number, e.b.gep(e.workspace, [I64(offset + 8 * k)], source_etype=ir.IntType(8)))


__all__ = ["RECORD_BYTES", "Check", "leave", "note", "record", "record_offset"]
