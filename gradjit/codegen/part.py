"""Straight operations between two steps, as a function of their own."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Any, Protocol

from ..ir import I64, ArrayType, Block, Op, Value
from ..ir.core import map_attr
from ..ir.windows import are_apart, of_slice, of_update
from .extent_bounds import Bounds, check_extents
from .loops import Node, Nodes, Tape, View

Home = Node | View | Tape
"""What a value is where it can be read: a scalar's node, an array's memory, a tape."""


class Whereabouts(Protocol):
    """Who knows where values are."""

    nodes: Nodes
    bounds: Bounds
    states: Iterator[int]
    """Numbers for the states of memory that changes."""
    fleeting: dict[Value, Op]
    """The operations of values that have no memory: they are written again where they are read."""

    def home(self, v: Value) -> Home | None: ...


def new_state(known: Whereabouts) -> Node:
    """A state of memory that changes, other than all before."""
    return known.nodes.make("version", (), next(known.states), I64, frozenset())


class Part:
    """Straight operations as a function of their own: parameters are what they read, types have known extents.

    change: an update in place, the last operation of the part.
    """

    def __init__(self, known: Whereabouts, change: Op | None = None):
        self.known = known
        self.change = change
        self.apart = new_state(known)  # of what the update surely does not overwrite
        self.others: dict[Value, Value] = {}
        self.block = Block()
        self.now: dict[Value, Value] = {}
        self.homes: dict[Value, Node | View] = {}

    def value(self, v: Value) -> Value:
        """What stands for a value in this part."""
        if v not in self.now:
            rule = self.known.fleeting.get(v)
            if rule is not None:
                self.op(rule)
            else:
                self.parameter(v)
        return self.now[v]

    def parameter(self, v: Value) -> None:
        home = self.known.home(v)
        assert isinstance(home, (Node, View)), f"{v!r} has no home"
        self.now[v] = self.bound(v, home)

    def bound(self, v: Value, home: Node | View) -> Value:
        p = Value(self.type(v.type), self.block, len(self.block.params), v.name)
        self.block.params += (p,)
        # Memory is as large as computed extents may be; what is read of it is as large as they are.
        self.homes[p] = home if isinstance(home, Node) else replace(home, shape=p.type.extents)
        return p

    def operand(self, op: Op, v: Value) -> Value:
        """An operand; for a slice that the update stands apart from, the array in a state of its own."""
        change, home = self.change, self.known.home(v)
        if change is None or (op.name, change.name) != ("slice", "update") or v is not change.operands[0]:
            return self.value(v)
        if not isinstance(home, View) or not are_apart(self.known.bounds.ranges, of_slice(op), of_update(change)):
            return self.value(v)
        if v not in self.others:
            self.others[v] = self.bound(v, replace(home, version=self.apart))
        return self.others[v]

    def extent(self, e: Value | int) -> int:
        return e if isinstance(e, int) else self.known.bounds.extent(e, self.known.home(e), self.value(e))

    def type(self, t: ArrayType) -> ArrayType:
        return t if t.is_static else t.with_shape(tuple(map(self.extent, t.shape)))

    def op(self, op: Op) -> None:
        check_extents(op)
        operands = tuple(self.operand(op, v) for v in op.operands)
        attrs = {name: self.attribute(name, a) for name, a in op.attrs.items()}
        new = Op(op.name, operands, attrs, tuple(self.type(r.type) for r in op.results), (), op.loc)
        self.block.ops.append(new)
        for old, r in zip(op.results, new.results, strict=True):
            r.name = old.name
            self.now[old] = r

    def attribute(self, name: str, a: Any) -> Any:
        """Extents become known ones; places along an axis stay values."""
        if name in ("shape", "sizes"):
            return tuple(map(self.extent, a))
        return map_attr(a, self.value)
