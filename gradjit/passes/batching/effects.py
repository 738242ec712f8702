"""Effects over a stack: printed is the whole stack at once, an assertion must hold for every lane that takes part."""

from __future__ import annotations

from collections.abc import Sequence

from ...ir import Builder, Op, Value
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


def same(b: Builder, op: Op, operands: Sequence[Value], batched: Sequence[bool], size: int) -> Sequence[Value]:
    return b.append(op.name, operands, op.attrs).results


LOCAL: dict[str, Rule] = {"probe": same, "show": same}
WALKS: dict[str, Walk] = {"debug_print": debug_print, "assert": assertion}
RULES: dict[str, Rule | Walk] = {**LOCAL, **WALKS}
