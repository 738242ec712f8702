"""Gathers, scatters and sorting."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from ...ir import I64, OPS, Memory, Op, Value
from ...ir.size_conditions import presumed
from ..affine import Affine, dot
from ..elements import Elements, Index
from ..loops import Call, Node
from ..numbers import cost_of
from ..symbolic import Extent, reckoned

if TYPE_CHECKING:
    from ..tasks import Lowering


def position(e: Elements, indices: Value, at: Index, extent: int) -> Affine:
    """The computed index as an address part; checked against the extent unless its range is known to fit."""
    node = e.at(indices, at)
    if isinstance(extent, Extent):
        return Affine.of(below(e, node, e.number(extent.value), indices.op))
    if node.kind == "index":
        span = node.attrs.interval()
        if span is not None and 0 <= span[0] and span[1] < extent:
            return node.attrs
    if node.kind == "const" and 0 <= node.attrs < extent:
        return Affine({}, int(node.attrs))
    if known_range(indices, extent):
        return Affine.of(node)
    return Affine.of(e.nodes.make("check", (node,), extent, I64, node.vars, indices.op.loc if indices.op else None))


def below(e: Elements, node: Node, extent: Affine, op: Op | None) -> Node:
    """The index, checked against an extent that is computed."""
    bound = e.nodes.index(extent, I64)
    return e.nodes.make("check", (node, bound), None, I64, node.vars | bound.vars, op.loc if op else None)


def known_range(indices: Value, extent: int) -> bool:
    """Whether every index is known at compile time to be in range."""
    op = indices.op
    while op is not None and OPS[op.name].memory is Memory.VIEW:
        op = op.operands[0].op
    if op is None or op.name != "const":
        return False
    value: np.ndarray = op.attrs["value"]
    return value.size == 0 or (int(value.min()) >= 0 and int(value.max()) < extent)


def _source_index(e: Elements, op: Op, index: Index) -> Index:
    """The index in the array of element `index` of what is read or written."""
    x, *indices = op.operands
    if op.name != "gather":
        indices = indices[:-1]
    axes, rank = op.attrs["axes"], indices[0].type.rank
    rest = iter(index[rank:])
    at = dict(zip(axes, indices, strict=True))
    return tuple(position(e, at[k], index[:rank], x.shape[k]) if k in at else next(rest) for k in range(x.type.rank))


def _gather(e: Elements, op: Op, index: Index) -> Node:
    x = op.operands[0]
    inner = _source_index(e, op, index)
    if all(a.interval() is not None for a in inner):
        return e.at(x, inner)
    view = e.view(x)
    if view is None:
        assert e.notes is not None
        e.notes.needs_memory.add(x)
        return e.nodes.const(0, x.dtype)
    if e.notes is not None and e.base(x) not in e.inputs and e.base(x) not in e.literals:
        e.notes.reads.append((e.base(x), None))
    return e.fetch(view, inner)


def _bounded(e: Elements, op: Op, index: Index) -> Node:
    """The index, checked where it is not known to be in range."""
    node, extent = e.at(op.operands[0], index), e.number(op.attrs["extent"][0])
    if extent.terms:
        return below(e, node, extent, op)
    span = (node.attrs, node.attrs) if node.kind == "const" else (
        node.attrs.interval() if node.kind == "index" else None)
    if span is not None and presumed(0, "<=", span[0]) and presumed(span[1], "<", extent.const):
        return node
    return e.nodes.make("check", (node,), extent.const, I64, node.vars, op.loc)


ELEMENT = {"gather": _gather, "bounded": _bounded}


def _scatter(low: Lowering, op: Op) -> None:
    x, v = op.operands[0], op.operands[-1]
    low.begin_as(op.result, x)
    target = low.view_of(op.result)

    def place(e: Elements, i: Index) -> Affine:
        return dot(_source_index(e, op, i), target.strides, target.offset)

    serial = frozenset(range(op.operands[1].type.rank))  # equal indices must follow one another
    low.task("scatter", op.result, target, v.type.extents, None, lambda e, i: e.at(v, i), place,
             combine="sum" if op.name == "scatter_add" else None, serial=serial)


def _sort(low: Lowering, op: Op) -> None:
    x = op.operands[0]
    axis = op.attrs["axis"]
    source, target = low.need(x), low.view_of(op.result)
    # The merge sort needs twice a line of keys, and of positions where it carries them along.
    kinds = (x.dtype, I64) if op.name == "argsort" else (x.dtype,)
    spare = tuple(low.scratch(t, 2 * x.shape[axis]) for t in kinds)
    work = cost_of(op.name) * reckoned(x.type.size) * reckoned(x.shape[axis]).bit_length()
    low.call(op.result, Call(op.name, (source,), (target, *spare), {"axis": axis}, op.loc, work), [x])


TASKS = {"scatter": _scatter, "scatter_add": _scatter, "sort": _sort, "argsort": _sort}
