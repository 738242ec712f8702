"""Every operation of the array IR, by name."""

from __future__ import annotations

from . import control, creation, effects, elementwise, indexing, linalg, movement, reduction, special, tape
from .spec import OpSpec

OPS: dict[str, OpSpec] = {
    **creation.OPS, **elementwise.OPS, **special.OPS, **reduction.OPS, **movement.OPS, **indexing.OPS, **linalg.OPS,
    **control.OPS, **tape.OPS, **effects.OPS,
}

__all__ = ["OPS", "OpSpec"]
