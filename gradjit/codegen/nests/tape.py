"""Tapes: records are pushed and popped by bytes, and their parts are read where they stand."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterable
from math import prod
from typing import TYPE_CHECKING, Any

from ...ir import I64, OPS, ArrayType, Func, Op, Value
from ...ir.core import walk
from ...ir.ops.tape import record_of
from ...ir.sizes import is_open
from ...passes.dependence import TapeRoots
from ..affine import Affine
from ..elements import whole
from ..loops import Buffer, Let, Node, Pop, Push, Rewind, Stmt, View

if TYPE_CHECKING:
    from .lowering import Nests


class RecordRows:
    """The extents behind the first of the parts of records: what pushes a part and what pops it lay it out alike, also
    where one of them knows less about its extents than the other. Parts that share a slot of their tape share them."""

    def __init__(self, func: Func, bound: Callable[[Value], Any]):
        self.found: dict[Hashable, tuple[Any, ...]] = {}
        ends = [op for op in walk(func.body) if OPS[op.name].moves_record]
        if all(v.type.is_static for op in ends for v in record_of(op)):
            return
        self.tapes = TapeRoots(func.body)
        given: dict[Hashable, list[tuple[Any, ...]]] = {}
        for op in ends:
            for v, slot in zip(record_of(op), self.tapes.slots(op), strict=True):
                given.setdefault(slot, []).append(v.shape[1:])
        for slot, rows in given.items():
            if any(isinstance(e, Value) for row in rows for e in row):
                known = [tuple(at_least_none(bound(e)) if isinstance(e, Value) else e for e in row) for row in rows]
                self.found[slot] = tuple(map(largest, zip(*known, strict=True)))

    def of(self, op: Op) -> list[tuple[Any, ...] | None]:
        """Those of each part of the record that `op` moves; None where each end knows them for itself."""
        return [self.found.get(slot) for slot in self.tapes.slots(op)] if self.found else [None] * len(record_of(op))


def at_least_none(bound: Any) -> Any:
    """The bound of an extent, which is no less than 0 where it is a number."""
    return max(bound, 0) if type(bound) is int else bound


def largest(extents: Iterable[Any]) -> Any:
    """No less than any of the extents, which may be polynomials; None where one is not known."""
    each = list(dict.fromkeys(extents))
    if None in each or len(each) == 1:
        return None if None in each else each[0]
    return sum(each) if any(map(is_open, each)) else max(each)


def tape_(low: Nests, op: Op) -> list[Stmt]:
    tape = low.new_tape(op.result)
    low.homes[op.result] = tape
    return [Rewind(tape)]


def entry(low: Nests, t: ArrayType, row: tuple[Any, ...] | None) -> tuple[View, Node]:
    """A buffer for a part of a record, and its size in bytes: that of what is there, along the first axis. row: the
    extents behind that, where both ends must agree on them."""
    static = low.static(t)
    if row is not None and None not in row:
        static = static.with_shape((static.shape[0], *row))
    buffer = Buffer(f"t{low.serial()}", t.dtype, static.extents, "tape")
    first = t.shape[0] if t.rank else 1
    nbytes = t.dtype.itemsize * prod(static.extents[1:])
    if isinstance(first, int):
        return whole(buffer), number(low, nbytes * first)
    return whole(buffer), low.nodes.apply("mul", (low.scalar(first), number(low, nbytes)), I64)


def number(low: Nests, n: int) -> Node:
    return low.nodes.index(Affine({}, n), I64) if is_open(n) else low.nodes.const(n, I64)


def push(low: Nests, op: Op) -> list[Stmt]:
    tape, values = low.tape(op.operands[0]), record_of(op)
    low.homes[op.result] = tape
    entries = [entry(low, v.type, row) for v, row in zip(values, low.rows.of(op), strict=True)]
    out: list[Stmt] = [Push(tape, tuple((view.buffer, n) for view, n in entries))]
    for v, (view, _) in zip(values, entries, strict=True):
        out += low.put(v, view)
    return out


def pop(low: Nests, op: Op) -> list[Stmt]:
    """What has a home of its own is copied there from the record; the rest is read where it stands."""
    tape = low.tape(op.operands[0])
    low.homes[op.results[0]] = tape
    entries = [entry(low, r.type, row) for r, row in zip(record_of(op), low.rows.of(op), strict=True)]
    out: list[Stmt] = [Pop(tape, tuple((view.buffer, n) for view, n in entries))]
    for r, (view, _) in zip(record_of(op), entries, strict=True):
        home = low.place(r)
        if home is None:
            low.homes[r] = node = low.nodes.load(view.buffer, Affine({}))
            out.append(Let(node))
        else:
            low.homes[r] = view
            if home.buffer.role != "tape":
                out += low.put(r, home)
                low.homes[r] = home
    return out


STEPS = {"tape": tape_, "push": push, "pop": pop}
