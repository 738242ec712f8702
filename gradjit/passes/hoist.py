"""What does not change from iteration to iteration is computed in front of the loop.

    for ... { %a = exp %x; ... }  -->  %a = exp %x; for ... { ... }

Scalars move, and dear work on arrays (functions, products, reductions) whose results are of moderate size. What costs
nothing, or next to nothing, follows where something that moves reads it, and else stays: code generation dissolves it
into its readers. Work never leaves a branch. What can fail leaves only a loop that surely runs.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Any

from ..ir import OPS, ArrayType, Block, Op, Value
from ..ir.core import attr_values, map_attr, map_type
from ..ir.sizes import reckoned

if TYPE_CHECKING:
    from .rewriter import Rewriter

MOST_BYTES = 1 << 20
"""Arrays up to this size are kept through a loop, in place of being computed in each iteration."""
DEEPEST = 6
"""How far back work is followed that would move along."""


class OpenBlock:
    """A block under construction. turning: a region of a loop; sure: of one that surely runs; branch: the `if` that
    it is a side of."""

    def __init__(self, block: Block, turning: bool = False, sure: bool = False, branch: Op | None = None):
        self.block = block
        self.branch = branch
        self.turning = turning
        self.sure = sure
        self.added: list[Any] = []


def worth_moving(name: str, t: ArrayType) -> bool:
    spec = OPS[name]
    if spec.is_dear and not spec.is_pinned:
        return t.is_static and reckoned(t.size) * t.dtype.itemsize <= MOST_BYTES
    return not t.rank and not spec.is_free and not spec.is_pinned


def may_leave(name: str, args: Iterable[Value], attrs: dict[str, Any], frame: OpenBlock) -> bool:
    """Whether an operation may run in front of the loop though it might never run in it."""
    return frame.turning and (frame.sure or not OPS[name].can_fail([v.type for v in args], attrs))


def reads(args: Iterable[Value], attrs: dict[str, Any]) -> list[Value]:
    found = list(args)
    for a in attrs.values():
        if type(a) is tuple:
            found += attr_values(a)
    return found


class Hoist:
    """Finds for operations the outermost block that they can move to."""

    def __init__(self, rw: Rewriter):
        self.rw = rw

    def level(self, name: str, args: Sequence[Value], attrs: dict[str, Any], depth: int = DEEPEST) -> int:
        """The lowest frame in which an operation can be computed, with what moves along."""
        frames = self.rw.frames
        least = len(frames) - 1
        while least and may_leave(name, args, attrs, frames[least]):
            least -= 1
        for v in reads(args, attrs):
            least = max(least, self.available(v, least, depth))
        return least

    def available(self, v: Value, least: int, depth: int) -> int:
        """The lowest frame, from `least` on, in which v can be had."""
        home = self.rw.level_of(v)
        op = v.owner
        if home <= least or type(op) is not Op or not depth or not moves_along(op):
            return home
        return min(home, max(least, self.level(op.name, op.operands, op.attrs, depth - 1)))

    def lifted(self, v: Value, level: int) -> Value:
        """v in a lower frame: itself, or computed there once more."""
        op = v.owner
        if self.rw.level_of(v) <= level:
            return v
        assert type(op) is Op
        return self.emit(op.name, op.operands, op.attrs, tuple(r.type for r in op.results), level)[v.index]

    def emit(self, name: str, args: Iterable[Value], attrs: dict[str, Any], types: Iterable[ArrayType], level: int
             ) -> Sequence[Value]:
        """The operation in a lower frame, with what it reads."""
        def look(v: Value) -> Value:
            return self.lifted(v, level)

        operands = tuple(look(v) for v in args)
        return self.rw.emit_at(level, name, operands, {k: map_attr(a, look) for k, a in attrs.items()},
                               tuple(map_type(t, look) for t in types))


def moves_along(op: Op) -> bool:
    return OPS[op.name].is_free or OPS[op.name].is_cheap
