"""Effects over a stack: printed is the whole stack at once, an assertion must hold for every lane that takes part."""

from __future__ import annotations

from collections.abc import Sequence

from ...ir import I64, Block, Builder, Op, Value
from .driver import Batcher, Rule, Walk


def debug_print(batcher: Batcher, b: Builder, op: Op) -> None:
    """What is batched is printed with the batch axis in front, lanes that do not take part included."""
    b.emit("debug_print", *map(batcher.look, op.operands), **op.attrs)


def assertion(batcher: Batcher, b: Builder, op: Op) -> None:
    (cond,) = op.operands
    new = batcher.look(cond)
    if batcher.mask is not None:
        new = b.or_(batcher.spread(b, cond), b.not_(batcher.mask))
    b.emit("assert", new if new.type.rank == 0 else b.all(new, axes=(0,)), **op.attrs)


def raising(batcher: Batcher, b: Builder, op: Op) -> None:
    """The exception is that of the first lane that takes part; if none does, there is none."""
    if batcher.mask is None:
        b.emit("raise", *(first_lane(b, batcher, v) for v in op.operands), **op.attrs)
        return
    then, other = Block(), Block()
    inside = Builder(then, op.loc)
    inside.emit("raise", *(first_lane(inside, batcher, v) for v in op.operands),
                **op.attrs)
    b.append("if", (b.any(batcher.mask, axes=(0,)),), {}, (then, other), [])


def first_lane(b: Builder, batcher: Batcher, v: Value) -> Value:
    """Of a value what the first lane that takes part has."""
    new = batcher.look(v)
    if not batcher.has(v):
        return new
    first = b.const(0, I64) if batcher.mask is None else b.argmax(b.cast_to(batcher.mask, I64), axis=0)
    return b.gather(new, first, axes=(0,))


def same(b: Builder, op: Op, operands: Sequence[Value], batched: Sequence[bool], size: int) -> Sequence[Value]:
    return b.append(op.name, operands, op.attrs).results


LOCAL: dict[str, Rule] = {"probe": same, "show": same}
WALKS: dict[str, Walk] = {"debug_print": debug_print, "raise": raising, "assert": assertion}
RULES: dict[str, Rule | Walk] = {**LOCAL, **WALKS}
