"""What can go wrong while compiled code runs: which error it is, and the numbers that its message tells.

A check that fails ends the kernel, which returns its number. The index and extent stand in a record then: the last 16
bytes of the workspace.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from ..errors import BoundsError
from ..ir import Loc
from ..records import dataclass
from . import llvm
from .vecmath.lanes import I32, I64, width_of

if TYPE_CHECKING:
    from .emit import Emitter

RECORD_BYTES = 16
_NEVER = (1, 1 << 20)


@dataclass(frozen=True)
class Check:
    """A condition that is checked at run time, at the user's line.

    extent: what an index must stay below; None where that is computed. assertion: the text of an `assert` instead.
    error: what is raised.
    """

    extent: int | None
    loc: Loc | None
    assertion: str | None = None
    error: type[Exception] = BoundsError

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
    return (workspace_bytes + 7) // 8 * 8


def note(e: Emitter, check: Check, bad: llvm.Value, index: llvm.Value | None = None, extent: llvm.Value | None = None
         ) -> None:
    """Where `bad` (an i1, or one for each lane) holds: this check has failed, and the kernel ends."""
    e.checks.append(check)
    b = e.b
    failing, onwards = b.append_basic_block("failing"), b.append_basic_block("onwards")
    b.cbranch(e.lanes(width_of(bad.type)).any(bad), failing, onwards, _NEVER)
    b.position_at_end(failing)
    if index is not None:
        assert extent is not None
        record = record_of(e)
        for k, x in enumerate((index, extent)):
            place = b.gep(record, [I64(k)], of=I64)
            b.store(offender(b, x, bad), place)
    b.store(I32(len(e.checks)), e.status())
    b.branch(exit_block(e))
    b.position_at_end(onwards)


def record_of(e: Emitter) -> llvm.Value:
    """Where a failure is told: behind the workspace, or where a chunk is told to."""
    if e.record is not None:
        return e.record
    return e.b.gep(e.workspace, [e.number(record_offset(e.program.workspace_bytes))], of=llvm.IntType(8))


def offender(b: llvm.IRBuilder, v: llvm.Value, bad: llvm.Value) -> llvm.Value:
    """The element of v in the first lane that is bad."""
    if width_of(v.type) == 1:
        return v
    found = b.extract_element(v, I32(0))
    for k in reversed(range(width_of(bad.type))):
        found = b.select(b.extract_element(bad, I32(k)), b.extract_element(v, I32(k)), found)
    return found


def exit_block(e: Emitter) -> llvm.Block:
    """Where the kernel ends, whatever has happened."""
    if e.exit is None:
        e.exit = e.kernel.append_basic_block("exit")
    return e.exit


__all__ = ["RECORD_BYTES", "Check", "exit_block", "note", "record_of", "record_offset"]
