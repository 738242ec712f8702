"""Reductions and scans: loops with a running value."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ...ir import Op
from ..affine import Affine, dot
from ..elements import Elements, Index
from ..loops import Node

if TYPE_CHECKING:
    from ..tasks import Lowering

COMBINE = ("sum", "prod", "max", "min", "any", "all")


def _reduce(low: Lowering, op: Op) -> None:
    x = op.operands[0]
    kept = tuple(k for k in range(x.type.rank) if k not in op.attrs["axes"])
    low.reduce(op.result, op.name, x.type.extents, kept, lambda e, i: e.at(x, i))


def _arg(low: Lowering, op: Op) -> None:
    x, axis = op.operands[0], op.attrs["axis"]
    kept = tuple(k for k in range(x.type.rank) if k != axis)
    low.task("arg", op.result, low.view_of(op.result), x.type.extents, kept, lambda e, i: e.at(x, i),
             combine=op.name, serial=frozenset((axis,)))


def _scan(low: Lowering, op: Op) -> None:
    x, axis, reverse = op.operands[0], op.attrs["axis"], op.attrs["reverse"]
    extent = x.shape[axis]

    def mirrored(i: Index) -> Index:
        return (*i[:axis], i[axis] * -1 + (extent - 1), *i[axis + 1:]) if reverse else i

    target = low.view_of(op.result)

    def place(e: Elements, i: Index) -> Affine:
        return dot(mirrored(i), target.strides, target.offset)

    def element(e: Elements, i: Index) -> Node:
        return e.at(x, mirrored(i))

    low.task("scan", op.result, target, x.type.extents, None, element, place,
             combine={"cumsum": "cumsum", "cumprod": "prod"}[op.name], serial=frozenset((axis,)))


TASKS = {**dict.fromkeys(COMBINE, _reduce), "argmax": _arg, "argmin": _arg, "cumsum": _scan, "cumprod": _scan}
