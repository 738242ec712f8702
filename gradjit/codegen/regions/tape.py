"""Tapes: records are pushed and popped by bytes, and their parts are read where they stand."""

from __future__ import annotations

from collections.abc import Iterator
from math import prod
from typing import TYPE_CHECKING

from ...ir import I64, ArrayType, Op, Value
from ...ir.core import walk
from ...ir.ops.tape import record_of
from ...ir.sizes import is_open
from ..affine import Affine
from ..elements import whole
from ..loops import Buffer, Let, Node, Pop, Push, Rewind, Stmt, View
from .block_state import BlockState
from .hazards import is_single

if TYPE_CHECKING:
    from .lowering import Regions

def tape_(low: Regions, scope: BlockState, k: int, op: Op) -> list[Stmt]:
    tape = low.new_tape(op.result)
    scope.homes[op.result] = tape
    return [Rewind(tape)]


def entry(low: Regions, scope: BlockState, t: ArrayType) -> tuple[View, Node]:
    """A buffer for a part of a record, and its size in bytes: that of what is there, along the first axis."""
    static = low.static(scope, t)
    buffer = Buffer(f"t{low.serial()}", t.dtype, static.extents, "tape")
    first = t.shape[0] if t.rank else 1
    row = t.dtype.itemsize * prod(static.extents[1:])
    if isinstance(first, int):
        return whole(buffer), number(low, row * first)
    return whole(buffer), low.nodes.apply("mul", (low.scalar(scope, first), number(low, row)), I64)


def number(low: Regions, n: int) -> Node:
    return low.nodes.index(Affine({}, n), I64) if is_open(n) else low.nodes.const(n, I64)


def push(low: Regions, scope: BlockState, k: int, op: Op) -> list[Stmt]:
    tape, values = low.tape(scope, op.operands[0]), record_of(op)
    scope.homes[op.result] = tape
    entries = [entry(low, scope, v.type) for v in values]
    out: list[Stmt] = [Push(tape, tuple((view.buffer, n) for view, n in entries))]
    for v, (view, _) in zip(values, entries, strict=True):
        out += low.put(scope, v, view)
    return out


def pop(low: Regions, scope: BlockState, k: int, op: Op) -> list[Stmt]:
    tape = low.tape(scope, op.operands[0])
    scope.homes[op.results[0]] = tape
    entries = [entry(low, scope, r.type) for r in record_of(op)]
    out: list[Stmt] = [Pop(tape, tuple((view.buffer, n) for view, n in entries))]
    for r, (view, _) in zip(record_of(op), entries, strict=True):
        if is_single(r.type):
            scope.homes[r] = node = low.nodes.load(view.buffer, Affine({}))
            out.append(Let(node))
        elif is_pushed_over(scope, k):
            copy = low.buffer(scope, low.static(scope, r.type), r.name)
            shadow = Value(r.type, None, 0, r.name)
            scope.homes[shadow] = view
            out += low.put(scope, shadow, copy)
            scope.homes[r] = copy
        else:
            scope.homes[r] = view
    return out


def is_pushed_over(scope: BlockState, k: int) -> bool:
    """Whether something is pushed behind position k, so that what a pop shows there is overwritten."""
    return any(x.name == "push" for op in scope.ops[k:] for x in (op, *inside(op)))


def inside(op: Op) -> Iterator[Op]:
    for r in op.regions:
        yield from walk(r)


STEPS = {"tape": tape_, "push": push, "pop": pop}
