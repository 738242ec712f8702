"""Every operation of the array IR, by name."""

from __future__ import annotations

from ..core import Op
from . import control, creation, effects, elementwise, indexing, linalg, movement, reduction, special, tape
from .spec import Fails, OpSpec

OPS: dict[str, OpSpec] = {
    **creation.OPS, **elementwise.OPS, **special.OPS, **reduction.OPS, **movement.OPS, **indexing.OPS, **linalg.OPS,
    **control.OPS, **tape.OPS, **effects.OPS,
}



def can_fail(op: Op) -> bool:
    """Whether an operation as it stands can end the program."""
    return OPS[op.name].can_fail([v.type for v in op.operands], op.attrs)


__all__ = ["OPS", "Fails", "OpSpec", "can_fail"]
