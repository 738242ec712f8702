"""From the buffer IR to loop nests: a block's straight operations are planned a part at a time, and written out.

Operations between two steps (control flow, tapes, fences, changes in place) are one *part*: it is planned by `memory`
and written out by `generate`. A program without control flow is one part. What goes from part to part are nodes
(scalars, in registers) and views (arrays, in memory); slices and their like have no memory and are written again
wherever they are read.
"""

from __future__ import annotations

from ..buffers import BufferProgram
from ..loops import Program
from .lowering import Nests


def nests(p: BufferProgram) -> Program:
    """The statements that compute a program."""
    return Nests(p).run()
