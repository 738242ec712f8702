"""What only a program has whose values stand in memory (`codegen/buffers`): each is the identity, as values go.

`copy_to %x` is the same array in other memory. `trade %x` is the same array behind an exchange: its memory and that of
the array before it, which nobody reads any more, have changed names. `fence` parts what may share loops: what stands
before it is done before what stands behind it begins.
"""

from __future__ import annotations

from typing import Any

from ..types import ArrayType
from .spec import STEP, Fails, Memory, OpSpec, table


def _infer_same(x: ArrayType) -> tuple[ArrayType, ...]:
    return (x,)


def _same(x: Any) -> Any:
    return x


OPS = table(
    OpSpec("copy_to", "homes", 1, _infer_same, _same, Fails.NEVER, pointwise=True, selects=True, pinned=True,
           memory=Memory.ELEMENT, cost=0.0, open_extents=True),
    OpSpec("trade", "homes", 1, _infer_same, _same, Fails.NEVER, **STEP),
    OpSpec("fence", "homes", 0, tuple, tuple, Fails.NEVER, **STEP),
)
