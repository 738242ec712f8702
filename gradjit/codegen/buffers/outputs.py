"""Results in the caller's memory."""

from __future__ import annotations

from ...ir import OPS, Op, Value
from ..elements import whole
from .language import BufferProgram, is_own


def place_outputs(p: BufferProgram) -> None:
    """Results stand in the caller's memory: what they stand in becomes that, where it is their own, else they are
    copied. (What the last part computes stands there already.)"""
    for k, r in enumerate(p.func.results):
        if k not in p.outputs:
            place_output(p, k, r)


def place_output(p: BufferProgram, k: int, r: Value) -> None:
    home = p.homes.get(r)
    if home is not None and is_own(home, r):
        p.give_away(k, home.buffer)
        return
    p.func.ops.append(op := p.copied(r, whole(p.output(k, r))))
    p.func.body.results = tuple(op.result if j == k else x for j, x in enumerate(p.func.results))


def changes_memory(p: BufferProgram, op: Op) -> bool:
    """Whether an operation replaces elements of its first operand where that stands."""
    if not OPS[op.name].writes or op.result not in p.homes:
        return False
    old = p.homes.get(op.operands[0])
    return old is not None and old.buffer is p.homes[op.result].buffer
