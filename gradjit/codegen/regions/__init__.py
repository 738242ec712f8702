"""From the array IR to loop nests: which memory each value has, what is changed in place, and the statements.

A block is lowered in order. Operations between two steps (control flow, tapes, changes in place) are one *part*: it is
planned by `memory` and written out by `generate`. A program without control flow is one part. What goes from part to
part are nodes (scalars, in registers) and views (arrays, in memory); slices and their like have no memory and are
written again wherever they are read.

An `update` is done in place where the array that it changes is not read any more. A loop owns memory for each array
that it carries; where the initial array is not read behind the loop that is the array's own.
"""

from __future__ import annotations

from collections.abc import Sequence

from ...ir import Func
from ..loops import Program
from .lowering import Regions


def nests(func: Func, layouts: Sequence[tuple[int, ...] | None] = ()) -> Program:
    """The statements that compute a function; `layouts` as for `codegen.lower`."""
    return Regions(func, layouts).run()
