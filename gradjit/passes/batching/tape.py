"""Tapes belong to all lanes: a record holds what each lane pushed in a common iteration.

Which entries carry the batch axis is asked of slots (passes/dependence.py), so that what was pushed is what is popped.
"""

from __future__ import annotations

from ...errors import UnsupportedError
from ...ir import Builder, Op, Value
from ...ir.clone import copy_op
from ...ir.ops.tape import record_of
from ...tracer.locations import fail
from .driver import OTHER_SIZES, Batcher, Walk


def _tape(batcher: Batcher, b: Builder, op: Op) -> None:
    """A tape that both sides of a branch begin is one tape."""
    begun = batcher.started.get(batcher.tapes.root(op.result))
    if begun is None:
        copy_op(b, op, batcher.env)
    else:
        batcher.bind(op.result, begun)


def _flags(batcher: Batcher, op: Op) -> list[bool]:
    return [slot in batcher.batched for slot in batcher.tapes.slots(op)]


def _push(batcher: Batcher, b: Builder, op: Op) -> None:
    entries = [batcher.spread(b, v, flag) for v, flag in zip(record_of(op), _flags(batcher, op), strict=True)]
    copy_op(b, op, batcher.env, operands=[batcher.look(op.operands[0]), *entries])


def _pop(batcher: Batcher, b: Builder, op: Op) -> None:
    if any(batcher.has(e) for v in record_of(op) for e in v.shape if isinstance(e, Value)):
        fail(UnsupportedError, OTHER_SIZES, op.loc)
    types = tuple(batcher.type(v, flag) for v, flag in zip(record_of(op), _flags(batcher, op), strict=True))
    new = b.append("pop", [batcher.look(op.operands[0])], {"types": types})
    for old, fresh in zip(op.results, new.results, strict=True):
        batcher.bind(old, fresh)


RULES: dict[str, Walk] = {"tape": _tape, "push": _push, "pop": _pop}
