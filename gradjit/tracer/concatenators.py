"""`np.r_[...]` and `np.c_[...]`, which NumPy does not dispatch."""

from __future__ import annotations

from typing import Any

import numpy as np

from . import operands as o
from .array import TracedArray
from .dispatch import apply
from .operands import is_traced, unsupported


class RowConcatenator:
    """`np.r_`: arrays one after the other along the first axis; numbers and slices are arrays of one axis."""

    name = "np.r_"
    numpy: Any = np.r_

    def __getitem__(self, key: Any) -> Any:
        items = key if isinstance(key, tuple) else (key,)
        if not is_traced(items):
            return self.numpy[key]
        if any(isinstance(i, str) for i in items):
            unsupported(f"{self.name} with a directive", "write np.concatenate or np.stack")
        parts = o.promote(*map(self.part, items))  # Python's numbers do not widen
        return self.join([o.emit("reshape", x, shape=(1,)) if x.ndim == 0 else x for x in parts])

    def part(self, item: Any) -> TracedArray:
        return o.constant(np.r_[item]) if isinstance(item, slice) else o.as_traced(item)

    def join(self, parts: list[TracedArray]) -> Any:
        return apply(np.concatenate, (parts,), {})


class ColumnConcatenator(RowConcatenator):
    """`np.c_`: arrays beside each other along the last axis; those of one axis are columns."""

    name = "np.c_"
    numpy: Any = np.c_

    def join(self, parts: list[TracedArray]) -> Any:
        columns = [o.emit("reshape", p, shape=(*p.extents, 1)) if p.ndim == 1 else p for p in parts]
        return apply(np.concatenate, (columns,), {"axis": -1})


STAND_INS: dict[int, Any] = {id(np.r_): RowConcatenator(), id(np.c_): ColumnConcatenator()}
"""What the names stand for in lifted code."""
