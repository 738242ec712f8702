"""Literals and counters, element by element."""

from __future__ import annotations

from ...ir import Op
from ..affine import Affine, dot
from ..elements import Elements
from ..loops import Node


def _const(e: Elements, op: Op, index: tuple[Affine, ...]) -> Node:
    value = op.attrs["value"]
    if value.ndim == 0:
        return e.nodes.const(value, op.result.dtype)
    view = e.literal(op.result)
    address = dot(index, view.strides, view.offset)
    if not address.terms:
        return e.nodes.const(value.ravel()[address.const], op.result.dtype)
    return e.nodes.load(view.buffer, address)


def _iota(e: Elements, op: Op, index: tuple[Affine, ...]) -> Node:
    return e.nodes.index(index[op.attrs["axis"]], op.result.dtype)


def _size(e: Elements, op: Op, index: tuple[Affine, ...]) -> Node:
    return e.nodes.index(Affine({}, op.attrs["of"][0]), op.result.dtype)


ELEMENT = {"const": _const, "iota": _iota, "size": _size}
