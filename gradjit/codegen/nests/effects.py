"""Printing, assertions and exceptions: what they read is put into memory of its own, and a routine gets that."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ...ir import Op, Value
from ..loops import Call, Stmt, View

if TYPE_CHECKING:
    from .lowering import Nests


def debug_print(low: Nests, op: Op) -> list[Stmt]:
    """`reads` are the values, then the extents that are computed; `extents` says which those are, by their position
    among them, and how far arrays reach otherwise."""
    computed = list(dict.fromkeys(e for v in op.operands for e in v.shape if isinstance(e, Value)))
    extents = tuple(tuple(e if isinstance(e, int) else ("computed", computed.index(e)) for e in v.shape)
                    for v in op.operands)
    reads, out = [], []
    for v in (*op.operands, *computed):
        view, stored = in_memory(low, v)
        reads.append(view)
        out += stored
    name = "raise" if op.name == "raise" else "debug_print"
    return [*out, Call(name, tuple(reads), (), {**op.attrs, "extents": extents}, op.loc)]


def show(low: Nests, op: Op) -> list[Stmt]:
    """The routine is shown the memory that the result has."""
    (x,) = op.operands
    home = low.place(op.result)
    if home is None:
        low.homes[op.result] = low.scalar(x)
        return debug_print(low, op)
    out = low.put(x, home)
    low.homes[op.result] = home
    return [*out, Call("debug_print", (home,), (), {**op.attrs, "extents": (x.shape,)}, op.loc)]


def assertion(low: Nests, op: Op) -> list[Stmt]:
    view, out = in_memory(low, op.operands[0])
    return [*out, Call("assert", (view,), (), dict(op.attrs), op.loc)]


def in_memory(low: Nests, v: Value) -> tuple[View, list[Stmt]]:
    """A copy of the value, and the statements that make it."""
    view = low.buffer(v.type)
    return view, low.put(v, view)


STEPS = {"debug_print": debug_print, "raise": debug_print, "show": show, "assert": assertion}
