"""What it costs to keep a value, and to compute it once more: the scales on which residuals are weighed.

One unit is one addition on one element. Keeping a number costs so much a byte: it is written, lies in memory that
other work could use, and is read. So a quotient, or up to twenty additions, are rather done again than a double kept;
an `exp` is kept.
"""

from __future__ import annotations

from math import prod
from typing import Any

from ...ir import OPS, ArrayType, For, Memory, Op
from ...ir.ranges import range_length
from ...ir.sizes import reckoned
from ..fold import splat_of

UNKNOWN_EXTENT = 32
"""What an extent is taken for that is known only when the program runs."""
UNKNOWN_ITERATIONS = 64

UNIT = OPS["add"].cost
"""An addition, on the scale of `OpSpec.cost`."""
BYTE = 2.5
"""Of these units, what a byte costs that is kept: between that of the core's own cache and that of memory."""


def elements(t: ArrayType) -> int:
    return prod(reckoned(e) if isinstance(e, int) else UNKNOWN_EXTENT for e in t.shape)


def size(t: ArrayType) -> int:
    """About how much it costs to keep a value of this type."""
    return round(elements(t) * t.dtype.itemsize * BYTE)


def work(op: Op) -> int:
    """About how much it takes to do an operation without regions again."""
    spec, count = OPS[op.name], elements(op.results[0].type)
    if op.name == "contract":
        x = op.operands[0].type
        count *= prod(elements(ArrayType(x.dtype, (x.shape[a],))) for a in op.attrs["xsum"])
    elif spec.memory is Memory.NEST:
        count = elements(op.operands[0].type)
    return round(spec.cost / UNIT * count)


def trip_count(op: Op) -> int:
    """About how often the regions of an operation run."""
    if op.name == "if":
        return 1
    bounds: list[Any] = [splat_of(v) for v in For(op).bounds] if op.name == "for" else [None]
    if any(n is None for n in bounds) or bounds[2] == 0:
        return UNKNOWN_ITERATIONS
    return range_length(*map(int, bounds))
