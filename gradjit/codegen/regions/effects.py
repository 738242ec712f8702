"""Printing, assertions and exceptions: what they read is put into memory of its own, and a routine gets that."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ...ir import Op, Value
from ..loops import Call, Stmt, View
from .block_state import BlockState

if TYPE_CHECKING:
    from .lowering import Regions


def debug_print(low: Regions, scope: BlockState, k: int, op: Op) -> list[Stmt]:
    """`reads` are the values, then the extents that are computed; `extents` says which those are, by their position
    among them, and how far arrays reach otherwise."""
    computed = list(dict.fromkeys(e for v in op.operands for e in v.shape if isinstance(e, Value)))
    extents = tuple(tuple(e if isinstance(e, int) else ("computed", computed.index(e)) for e in v.shape)
                    for v in op.operands)
    reads, out = [], []
    for v in (*op.operands, *computed):
        view, stored = in_memory(low, scope, v)
        reads.append(view)
        out += stored
    name = "raise" if op.name == "raise" else "debug_print"
    return [*out, Call(name, tuple(reads), (), {**op.attrs, "extents": extents}, op.loc)]


def show(low: Regions, scope: BlockState, k: int, op: Op) -> list[Stmt]:
    out = debug_print(low, scope, k, op)
    (call,) = (s for s in out if isinstance(s, Call))
    (shown, *_) = call.reads
    scope.homes[op.result] = shown if op.result.type.rank else low.scalar(scope, op.operands[0])
    return out


def assertion(low: Regions, scope: BlockState, k: int, op: Op) -> list[Stmt]:
    view, out = in_memory(low, scope, op.operands[0])
    return [*out, Call("assert", (view,), (), dict(op.attrs), op.loc)]


def in_memory(low: Regions, scope: BlockState, v: Value) -> tuple[View, list[Stmt]]:
    """A copy of the value, and the statements that make it."""
    view = low.buffer(scope, low.static(scope, v.type), v.name)
    return view, low.put(scope, v, view)


STEPS = {"debug_print": debug_print, "raise": debug_print, "show": show, "assert": assertion}
