"""The order of a block's operations: arrays are changed after all that reads what they were."""

from __future__ import annotations

from ...ir import OPS, Block, Op, Value, captures
from ...ir.core import walk


def changes_last(block: Block) -> list[Op]:
    """The operations, each change of an array behind all reads of what it was that do not depend on it.

    Simplification lets reads look through changes that they do not meet, and so leaves reads of the old array behind
    them; a change with such reads behind it would have to copy the array.
    """
    ops = list(block.ops)
    inputs = {op: used(op) for op in ops}
    last = last_reads(ops, inputs)
    moved: set[Op] = set()  # two changes may wait for each other's readers: each is moved once
    k = 0
    while k < len(ops):
        late = max((last.get(x, k) for x in changed(ops[k])), default=k)
        behind = delayed(ops[k:late + 1], inputs) if late > k and ops[k] not in moved else None
        if behind:
            moved.add(ops[k])
            ops[k:late + 1] = behind
            last = last_reads(ops, inputs)
        else:
            k += 1
    return ops


def delayed(ops: list[Op], inputs: dict[Op, set[Value]]) -> list[Op] | None:
    """The operations with the first one behind all that do not depend on it; None where nothing moves."""
    dependent = set(ops[0].results)
    before, after = [], [ops[0]]
    for op in ops[1:]:
        if dependent.isdisjoint(inputs[op]):
            before.append(op)
        else:
            after.append(op)
            dependent.update(op.results)
    return before + after if before and not any(has_effect(op) for op in ops) else None


def last_reads(ops: list[Op], inputs: dict[Op, set[Value]]) -> dict[Value, int]:
    """The position of the last read of each value, also through fleeting views of it."""
    last: dict[Value, int] = {}
    for k in range(len(ops) - 1, -1, -1):
        behind = max((last.get(r, k) for r in ops[k].results), default=k) if OPS[ops[k].name].is_free else k
        for v in inputs[ops[k]]:
            last[v] = max(last.get(v, -1), behind)
    return last


def changed(op: Op) -> tuple[Value, ...]:
    """The arrays in whose memory an operation may write."""
    if OPS[op.name].writes:
        return op.operands[:1]
    return tuple(v for v in op.operands if v.type.rank) if op.regions else ()


def used(op: Op) -> set[Value]:
    return {*op.uses(), *captures(op)} if op.regions else set(op.uses())


def has_effect(op: Op) -> bool:
    return any(OPS[x.name].effect for x in (op, *(y for r in op.regions for y in walk(r))))
