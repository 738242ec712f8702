"""Axes along which all elements of a value are one number, by the way that it is made."""

from __future__ import annotations

from collections.abc import Callable

from .core import Op, Value
from .ops import OPS
from .sizes import is_known

DEPTH = 8
"""Operations that are looked through."""


def varies(v: Value, axis: int, depth: int = DEPTH) -> bool:
    """Whether elements at several places along an axis may differ."""
    op = v.op
    if op is None or not depth:
        return True
    rule = RULES.get(op.name)
    if rule is not None:
        return rule(op, axis, depth - 1)
    return not OPS[op.name].pointwise or any(varies(x, axis, depth - 1) for x in op.operands)


def is_one(extent: Value | int) -> bool:
    return isinstance(extent, int) and is_known(extent, "==", 1) is True


def _const(op: Op, axis: int, depth: int) -> bool:
    return bool(op.attrs["value"].ndim)


def _broadcast(op: Op, axis: int, depth: int) -> bool:
    (x,), dims = op.operands, op.attrs["dims"]
    if axis not in dims or is_one(x.shape[dims.index(axis)]):
        return False
    return varies(x, dims.index(axis), depth)


def _transpose(op: Op, axis: int, depth: int) -> bool:
    return varies(op.operands[0], op.attrs["perm"][axis], depth)


def _reshape(op: Op, axis: int, depth: int) -> bool:
    (x,) = op.operands
    return any(not is_one(e) and varies(x, k, depth) for k, e in enumerate(x.shape))


def _slice(op: Op, axis: int, depth: int) -> bool:
    return varies(op.operands[0], axis, depth)


RULES: dict[str, Callable[[Op, int, int], bool]] = {
    "const": _const, "broadcast": _broadcast, "transpose": _transpose, "reshape": _reshape, "slice": _slice,
}
"""By operation."""


__all__ = ["varies"]
