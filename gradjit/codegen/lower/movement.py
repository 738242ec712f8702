"""Operations that move elements: most only change the index at which their operand is read."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ...ir import Op, Value
from ...ir.size_conditions import is_less_where_positive
from ...ir.sizes import is_known, is_open, same
from ..affine import ZERO, Affine, dot
from ..elements import VIEWS, Elements, row_major
from ..loops import Node
from ..symbolic import is_symbolic, reckoned

if TYPE_CHECKING:
    from ..tasks import Lowering

Index = tuple[Affine, ...]


def _broadcast(e: Elements, op: Op, index: Index) -> Node:
    x = op.operands[0]
    return e.at(x, tuple(ZERO if x.shape[k] == 1 else index[d] for k, d in enumerate(op.attrs["dims"])))


def _transpose(e: Elements, op: Op, index: Index) -> Node:
    inner: list[Affine] = [ZERO] * len(index)
    for k, p in enumerate(op.attrs["perm"]):
        inner[p] = index[k]
    return e.at(op.operands[0], tuple(inner))


def _slice(e: Elements, op: Op, index: Index) -> Node:
    a = op.attrs
    along = zip(index, a["steps"], a["starts"], strict=True)
    return e.at(op.operands[0], tuple(i * step + e.number(start) for i, step, start in along))


def _reshape(e: Elements, op: Op, index: Index) -> Node:
    x, shape = op.operands[0], op.result.type.extents
    inner = unreshaped(x.type.extents, shape, index)
    if inner is not None:
        return e.at(x, inner)
    source = e.view(x)  # not the result's: that may be the very memory that is to be filled
    view = VIEWS["reshape"](e, op, source) if source else None
    if view is None:  # only met while running dry
        assert e.notes is not None
        e.notes.needs_memory.add(x)
        return e.at(x, tuple(ZERO for _ in x.shape))
    if e.notes is not None:
        base = e.base(x)
        if base not in e.inputs and base not in e.literals:
            e.notes.reads.append((base, None))
    return e.fetch(view, index)


def unreshaped(old: tuple[int, ...], new: tuple[int, ...], index: Index) -> Index | None:
    """The index before a reshape, where each old axis is a run of new axes; None where an old axis was split off."""
    out: list[Affine] = []
    j = 0
    for extent in old:
        if extent == 1:
            out.append(ZERO)
            continue
        run: list[int] = []
        size = 1
        while size != extent and j < len(new) and (same(size, 1) or is_less_where_positive(size, extent)):
            size = new[j] if size == 1 else size * new[j]
            run.append(j)
            j += 1
        if size != extent:
            return None
        out.append(dot([index[k] for k in run], row_major(tuple(new[k] for k in run))))
    return tuple(out)


def _pad(e: Elements, op: Op, index: Index) -> Node:
    x, value = op.operands
    a = op.attrs
    if any(a["interiors"]):
        assert e.notes is not None, "a pad with gaps has memory"
        e.notes.needs_memory.add(op.result)
        return e.at(x, tuple(ZERO for _ in x.shape))
    inner: list[Affine] = []
    for i, lo, extent in zip(index, a["lows"], x.shape, strict=True):
        inner.append(i + -lo)
        if e.side(i, lo, lo + extent, op.result) not in (0, None):
            return _around(e, op, value)
    return e.at(x, tuple(inner))


def _around(e: Elements, op: Op, value: Value) -> Node:
    v = value.op
    if v is not None and v.name == "const" and v.attrs["value"].ndim == 0 and v.attrs["value"] == 0:
        return e.absent(op.result)
    return e.at(value, ())


def _concat(e: Elements, op: Op, index: Index) -> Node:
    axis = op.attrs["axis"]
    start = 0
    span = index[axis].interval()
    for x in op.operands:
        stop = start + x.shape[axis]
        apart = span is not None and (is_known(span[0], ">=", stop) or is_known(span[1], "<", start))
        if (is_open(x.shape[axis]) or stop > start) and not apart:
            inner = (*index[:axis], index[axis] + -start, *index[axis + 1:])
            side = e.side(index[axis], start, stop, op.result)
            if side == 0:
                return e.at(x, inner)
            if side is None:  # dry: every part is looked at
                e.at(x, inner)
        start = stop
    return e.nodes.const(0, op.result.dtype)


def _update(e: Elements, op: Op, index: Index) -> Node:
    x, v = op.operands
    if not is_looked_through(e, op):
        assert e.notes is not None, "an update has memory"
        e.notes.needs_memory.add(op.result)
        return e.nodes.const(0, op.result.dtype)
    sides = [e.side(i, start, start + n, op.result)
             for i, start, n in zip(index, op.attrs["starts"], v.shape, strict=True)]
    if any(side not in (0, None) for side in sides):
        return e.at(x, index)
    if None in sides:  # dry: both are looked at
        e.at(x, index)
    return e.at(v, tuple(i + -start for i, start in zip(index, op.attrs["starts"], strict=True)))


def is_looked_through(e: Elements, op: Op) -> bool:
    """Whether an element of an updated array is found without memory for it: a few windows one after the other, each
    of which cuts the array along one axis.

    In parts of programs (`in_parts`) arrays are changed in place, but for new ones and where a good part is replaced.
    """
    if e.in_parts and is_large(op):
        return True
    first: Op | None = op
    for k in range(WINDOWS):
        if first is None or first.name != "update":
            return not e.in_parts or (first is not None and first.name == "const")
        if not cuts_one_axis(first):
            return k > 0 and not e.in_parts
        first = first.operands[0].op
    return False


WINDOWS = 8
"""Updates up to which a chain of them is looked through."""


def cuts_one_axis(op: Op) -> bool:
    x, v = (o.type.extents for o in op.operands)
    return is_window(op) and sum(n != m for n, m in zip(x, v, strict=True)) <= 1


def is_window(op: Op) -> bool:
    """Whether an update replaces a window that is known, without gaps."""
    if op.name != "update":
        return False
    x, v = (o.type for o in op.operands)
    if not (x.is_static and v.is_static and all(isinstance(s, int) for s in op.attrs["starts"])):
        return False
    return not any(map(is_symbolic, (*x.extents, *v.extents))) and all(d == 1 for d in op.attrs["steps"])


def is_large(op: Op) -> bool:
    """Whether an update replaces a good part of its array by one window that is known."""
    return is_window(op) and 4 * reckoned(op.operands[1].type.size) >= reckoned(op.operands[0].type.size)


ELEMENT = {"broadcast": _broadcast, "transpose": _transpose, "slice": _slice, "reshape": _reshape, "pad": _pad,
           "concat": _concat, "update": _update}


# With memory of their own: one task fills, the others write windows ---------------------------------------------------
def _pad_tasks(low: Lowering, op: Op) -> None:
    x, value = op.operands
    steps = tuple(i + 1 for i in op.attrs["interiors"])
    low.fill(op.result, value)
    low.window(op.result, x, op.attrs["lows"], steps)


def _update_tasks(low: Lowering, op: Op) -> None:
    if is_looked_through(low.elements, op) and not low.is_in_place(op.result):
        return low.map(op.result)
    # Updates of which only this one reads the result write into its memory, one after the other.
    chain = [op]
    while (x := chain[-1].operands[0]).op is not None and x.op.name == "update" and x not in low.elements.views:
        chain.append(x.op)
    low.begin_as(op.result, x)
    for each in reversed(chain):
        low.window(op.result, each.operands[1], each.attrs["starts"], each.attrs["steps"])
    return None


def _concat_tasks(low: Lowering, op: Op) -> None:
    axis = op.attrs["axis"]
    start = 0
    for x in op.operands:
        low.window(op.result, x, tuple(start if k == axis else 0 for k in range(x.type.rank)), (1,) * x.type.rank,
                   apart=True)
        start += x.shape[axis]


TASKS = {"pad": _pad_tasks, "update": _update_tasks, "concat": _concat_tasks}
