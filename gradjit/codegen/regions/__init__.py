"""Programs with loops and branches: which memory each value has, what is changed in place, and the statements.

A block is lowered in order. Operations between two steps (control flow, tapes, changes in place) are one *part*: it is
planned by `memory` and written out by `generate`, so that everything which holds for straight programs holds inside of
loops. What goes from part to part are nodes (scalars, in registers) and views (arrays, in memory); slices and their
like have no memory and are written again wherever they are read.

An `update` is done in place where the array that it changes is not read any more. A loop owns memory for each array
that it carries; where the initial array is not read behind the loop that is the array's own.
"""

from __future__ import annotations

from collections.abc import Sequence

from ...ir import OPS, Func
from ..loops import Program
from .lowering import Regions


def has_regions(func: Func) -> bool:
    """Whether a function needs what stands here: loops, branches, tapes, effects, or extents that are computed."""
    return any(op.regions or OPS[op.name].family in ("tape", "control", "effects")
               or not all(r.type.is_static for r in op.results) for op in func.ops)


def nests_of_regions(func: Func, layouts: Sequence[tuple[int, ...] | None] = ()) -> Program:
    """The statements that compute a function with loops, branches or tapes."""
    return Regions(func, layouts).run()
