"""Of which arrays in a region some elements may get a cotangent and others none.

Found as `presence` finds what flows at all, by a walk over the region that writes nothing. An array that is changed as
a whole, or is added to as in `x[i] += v`, has one truth for all its elements.
"""

from __future__ import annotations

from collections.abc import Container
from enum import Enum
from typing import Any

from ...ir import OPS, Block, Op, Value
from ..activity import Activity, inexact
from ..presence import Walk
from .window_cotangents import place_of


class Coverage(Enum):
    """Which elements of an array a sum of cotangents reaches; the sum of two is the later one."""

    NONE = 0
    ALIKE = 1
    PARTIAL = 2
    WHOLE = 3


NONE, ALIKE, PARTIAL, WHOLE = Coverage


class Coverages(Walk[Coverage]):
    """The walk for cotangents. parts: the operations that may leave elements of an operand out."""

    nothing = NONE

    def __init__(self, active: Activity, parts: Container[str]):
        super().__init__(active)
        self.parts = parts
        self.cleared: dict[Value, tuple[Any, Coverage]] = {}
        """Of arrays that are written in parts: the window that the reverse clears, and what the others get."""

    def joined(self, x: Coverage, y: Coverage) -> Coverage:
        return x if x.value >= y.value else y

    def agreed(self, x: Coverage, y: Coverage) -> Coverage:
        return x if x is y else PARTIAL if PARTIAL in (x, y) else ALIKE

    def add(self, state: dict[Value, Coverage], v: Value, p: Coverage) -> None:
        super().add(state, v, ALIKE if is_one_element(v) and p is PARTIAL else p)

    def block(self, block: Block, state: dict[Value, Coverage]) -> None:
        around, self.cleared = self.cleared, {}
        super().block(block, state)
        for x in self.cleared:
            self.add(state, x, PARTIAL)
        self.cleared = around

    def straight(self, op: Op, state: dict[Value, Coverage]) -> None:
        if OPS[op.name].moves_record:
            for v in inexact(op.operands):
                self.add(state, v, ALIKE)
            return
        for r in op.results:
            if self.cleared.pop(r, None):
                self.add(state, r, PARTIAL)
        found = max((state.pop(r, NONE) for r in op.results), key=lambda p: p.value, default=NONE)
        if found is NONE:
            return
        if "starts" in op.attrs:
            self.window(state, found, op, *op.operands)
        else:
            is_partial = op.name in self.parts or OPS[op.name].chooses
            for v in inexact(op.operands):
                self.add(state, v, PARTIAL if is_partial else found)

    def window(self, state: dict[Value, Coverage], found: Coverage, op: Op, x: Value, written: Value | None = None
               ) -> None:
        """Of an array a window is read, or written."""
        if written is not None:
            self.add(state, written, found)
            self.cleared[x] = place_of(op, written), found
            return
        is_restored = self.cleared.get(x) == (place_of(op, op.result), found)
        if is_restored:
            del self.cleared[x]
        self.add(state, x, found if is_restored else PARTIAL)


def is_one_element(v: Value) -> bool:
    return all(type(e) is int and e == 1 for e in v.shape)
