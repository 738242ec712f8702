"""Operations with regions beside their reverses: what the residuals are planned on."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import field

from ...ir import ArrayType, Block, Op, Value
from ...records import dataclass


@dataclass(eq=False)
class RegionPair:
    """A region of the forward pass and its reverse, which reads the region's values as if they were in scope.

    op_pairs: the operations of `block` that have a reverse in `back`, in the order of their reverses.
    """

    block: Block
    back: Block
    op_pairs: list[OpPair] = field(default_factory=list)


@dataclass(eq=False)
class OpPair:
    """A `for`, `while` or `if` of the forward pass and its reverse: a `for` of as many iterations, or an `if`."""

    op: Op
    back: Op
    pairs: tuple[RegionPair, ...]


# changing operations of the function being built ----------------------------------------------------------------------
def carry(op: Op, init: Value, name: str = "") -> Value:
    """One more value that a loop carries: its parameter in the body. `result` and `complete` do the rest."""
    op.operands = (*op.operands, init)
    return [parameter(region, init.type, name) for region in op.regions][-1]


def complete(op: Op, *yields: Value) -> None:
    """What each region (the body of a loop) yields for a value that was added."""
    regions = op.regions if op.name == "if" else op.regions[-1:]
    for region, v in zip(regions, yields, strict=True):
        region.results = (*region.results, v)


def parameter(block: Block, t: ArrayType, name: str = "") -> Value:
    p = Value(t, block, len(block.params), name)
    block.params = (*block.params, p)
    return p


def result(op: Op, t: ArrayType, known: Value | None = None) -> Value:
    """One more result, or a value that was made for it."""
    r = known or Value(t, op, len(op.results))
    op.results = (*op.results, r)
    return r


def insert(block: Block, before: Op, ops: Sequence[Op]) -> None:
    at = block.ops.index(before)
    block.ops[at:at] = ops
