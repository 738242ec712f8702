"""Fourier transforms: routines on lines, which may stand in memory with any distances.

Many lines of lengths that small transforms make up are transformed side by side by code of our own, from wherever real
and imaginary parts stand, together or not. Their results stand in two planes, in the order of what they come from: the
transform of another axis then reads and writes memory in that order, too. All others are NumPy's.
"""

from __future__ import annotations

from dataclasses import replace
from math import log2
from typing import TYPE_CHECKING

from ...ir import Op, Value
from ...ir.sizes import is_open
from ..elements import VIEWS, row_major
from ..loops import Buffer, Call, View
from ..numbers import LINE_BYTES, cost_of
from ..routines.fourier_passes import is_made_of_passes
from ..symbolic import reckoned

if TYPE_CHECKING:
    from ..tasks import Lowering

SIDE_BY_SIDE = 0.4
"""The work of a transform whose lines run side by side, as a part of that of others."""
Plane = tuple[View, float, Value]
"""Where the real or the imaginary parts stand, a factor that they have in the program, and what has that memory."""


def _complex(low: Lowering, op: Op) -> None:
    (x,), behind = op.operands, op.attrs.get("behind", 0)
    axis = x.type.rank - 2 - behind
    work = work_of(op, x.type.extents[axis])
    if runs_side_by_side(x, axis):
        return _side_by_side(low, op, axis, work * SIDE_BY_SIDE)
    view, home = lines(low, x, is_complex=True)
    views = [last(v, axis, before=1) for v in (view, low.view_of(op.result))]
    attrs = {"inverse": op.attrs["inverse"]}
    low.call(op.result, Call(op.name, (views[0],), (views[1],), attrs, op.loc, work), [home])
    return None


def _real(low: Lowering, op: Op) -> None:
    (x,), to_reals = op.operands, "n" in op.attrs
    view, home = lines(low, x, is_complex=to_reals)
    work = work_of(op, (op.result if to_reals else x).type.extents[-1])
    low.call(op.result, Call(op.name, (view,), (low.view_of(op.result),), dict(op.attrs), op.loc, work), [home])


def work_of(op: Op, n: int) -> float:
    return cost_of(op.name) * reckoned(op.operands[0].type.size) * log2(max(reckoned(n), 2)) / 8


def last(v: View, axis: int, before: int = 0) -> View:
    """The same elements with an axis as the last one, but for some."""
    n = len(v.shape) - before
    order = (*(a for a in range(n) if a != axis), axis, *range(n, len(v.shape)))
    return replace(v, strides=tuple(v.strides[a] for a in order), shape=tuple(v.shape[a] for a in order))


def lines(low: Lowering, x: Value, is_complex: bool) -> tuple[View, Value]:
    """Where the operand stands, with both parts of a complex number side by side."""
    view = low.need(x)
    if is_complex and view.strides[-1] != 1:
        return low.pack(x, tuple(range(x.type.rank)))
    return view, x


# lines side by side ---------------------------------------------------------------------------------------------------
def together(x: Value) -> int:
    """So many lines are transformed at once at most, which share lines of the cache."""
    return LINE_BYTES // x.dtype.itemsize


def runs_side_by_side(x: Value, axis: int) -> bool:
    extents = x.type.extents[:-1]
    if any(is_open(e) for e in extents) or 0 in extents or not is_made_of_passes(extents[axis]):
        return False
    return max((e for a, e in enumerate(extents) if a != axis), default=0) >= together(x)


def _side_by_side(low: Lowering, op: Op, axis: int, work: float) -> None:
    x = op.operands[0]
    re, im = (plane(low, x, which) for which in (0, 1))
    target = beside(low, op.result, re[0])
    views = [last(v, axis) for v in (re[0], im[0], part(target, 0), part(target, 1))]
    views = side_by_side(views, together(x))
    scratch = low.scratch(x.dtype, 4 * together(x) * x.type.extents[axis])
    attrs = {"inverse": op.attrs["inverse"], "factors": (re[1], im[1]), "lanes": 1, "fuses": False,
             "together": together(x)}
    low.call(op.result, Call("fft_lines", tuple(views[:2]), (*views[2:], scratch), attrs, op.loc, work), [re[2], im[2]])


def plane(low: Lowering, x: Value, which: int) -> Plane:
    """Where the real or the imaginary parts of the operand stand, or shall stand."""
    found = stands(low, x)
    if found is not None:
        return part(found[0], which), *found[1:]
    factor, joined = factored(x)
    op = joined.op
    if op is not None and op.name == "concat" and len(op.operands) == 2 and op.operands[0].shape[-1] == 1:
        own = op.operands[which]
        found = stands(low, own)
        if found is not None and 1.0 in (factor, found[1]):
            return part(found[0], 0), factor * found[1], found[2]
        if own.op is None or own.op.name != "const":
            return part(low.need(own), 0), factor, own
    view, home = low.pack(x, (x.type.rank - 1, *range(x.type.rank - 1)))
    return part(view, which), 1.0, home


def stands(low: Lowering, x: Value) -> Plane | None:
    """Memory that holds a value, or what is the value but for a factor."""
    view, op = low.elements.view(x), x.op
    if view is not None:
        return view, 1.0, x
    if op is None:
        return None
    if op.name in VIEWS:
        inner = stands(low, op.operands[0])
        shown = VIEWS[op.name](low.elements, op, inner[0]) if inner else None
        return (shown, *inner[1:]) if inner and shown else None
    factor, rest = factored(x)
    found = stands(low, rest) if rest is not x else None
    return (found[0], factor, found[2]) if found and found[1] == 1 else None


def factored(x: Value) -> tuple[float, Value]:
    """A number, and what it is multiplied with."""
    if x.op is not None and x.op.name == "mul":
        for v, c in (x.op.operands, reversed(x.op.operands)):
            if c.op is not None and c.op.name == "const" and c.op.attrs["value"].ndim == 0:
                return float(c.op.attrs["value"]), v
    return 1.0, x


def part(v: View, which: int) -> View:
    """The real or the imaginary parts of complex numbers."""
    return replace(v, offset=v.offset + which * v.strides[-1], strides=v.strides[:-1], shape=v.shape[:-1])


def beside(low: Lowering, x: Value, like: View) -> View:
    """Memory for complex numbers: what has none yet gets two planes, whose axes are in the order of those of another
    array. What is asked for memory is asked for rows: somebody reads it in another shape."""
    if x in low.elements.views or x in low.memory:
        return low.view_of(x)
    axes = sorted(range(len(like.shape)), key=lambda a: (-like.strides[a], a))
    extents = x.type.extents
    buffer = Buffer(f"w{len(low.workspace)}", x.dtype, (2, *(extents[a] for a in axes)), "workspace")
    low.workspace.append(buffer)
    strides = dict(zip((x.type.rank - 1, *axes), row_major(buffer.shape), strict=True))
    low.elements.views[x] = View(buffer, 0, tuple(strides[a] for a in range(x.type.rank)), extents)
    return low.elements.views[x]


def side_by_side(views: list[View], most: int) -> list[View]:
    """The same lines with as few axes in front of them as can be, the last of which is long: one along which lines
    stand side by side in memory, if there is one."""
    axes = [(n, tuple(v.strides[a] for v in views)) for a, n in enumerate(views[0].shape[:-1]) if n != 1]
    merged: list[tuple[int, tuple[int, ...]]] = []
    for n, steps in axes:
        if merged and all(outer == n * step for outer, step in zip(merged[-1][1], steps, strict=True)):
            merged[-1] = (merged[-1][0] * n, steps)
        else:
            merged.append((n, steps))
    last = max((a for a in merged if a[0] >= most), key=lambda a: (a[1].count(1), a[0]))
    merged.remove(last)
    merged.append(last)
    shape = (*(n for n, _ in merged), views[0].shape[-1])
    return [replace(v, shape=shape, strides=(*(steps[k] for _, steps in merged), v.strides[-1]))
            for k, v in enumerate(views)]


TASKS = {"fft": _complex, "rfft": _real, "irfft": _real}
