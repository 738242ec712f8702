"""The order of a block's operations: arrays are changed after all that reads what they were."""

from __future__ import annotations

from ...ir import OPS, Block, Op, Value, captures
from ...ir.core import walk
from .language import BufferProgram


def change_last(p: BufferProgram) -> None:
    """Order each block of a program so."""
    blocks = [p.func.body, *(r for op in walk(p.func.body) for r in op.regions)]
    for block in blocks:
        block.ops = changes_last(block)


def changes_last(block: Block) -> list[Op]:
    """The operations, each change of an array behind all reads of what it was that do not depend on it.

    Simplification lets reads look through changes that they do not meet, and so leaves reads of the old array behind
    them; a change with such reads behind it would have to copy the array.
    """
    ops = list(block.ops)
    reads = _Reads(ops)
    moved: set[Op] = set()  # two changes may wait for each other's readers: each is moved once
    k = 0
    while k < len(ops):
        late = max((reads.last(x) for x in changed(ops[k])), default=k)
        behind = delayed(ops[k:late + 1], reads.inputs) if late > k and ops[k] not in moved else None
        if behind:
            moved.add(ops[k])
            ops[k:late + 1] = behind
            reads.place.update(zip(behind, range(k, late + 1), strict=True))
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


class _Reads:
    """Who reads what, and where that stands now. inputs: what each operation reads; place: its position."""

    def __init__(self, ops: list[Op]) -> None:
        self.inputs = {op: used(op) for op in ops}
        self.place = {op: k for k, op in enumerate(ops)}
        self.readers: dict[Value, list[Op]] = {}
        for op in ops:
            for v in self.inputs[op]:
                self.readers.setdefault(v, []).append(op)

    def last(self, value: Value) -> int:
        """The position of the last read of a value, also through fleeting views of it; -1 where there is none."""
        found, seen, todo = -1, {value}, [value]
        while todo:
            for op in self.readers.get(todo.pop(), ()):
                through = [r for r in op.results if r in self.readers] if OPS[op.name].is_free else []
                if len(through) < len(op.results) or not through:
                    found = max(found, self.place[op])
                todo += (r for r in through if r not in seen)
                seen.update(through)
        return found


def changed(op: Op) -> tuple[Value, ...]:
    """The arrays in whose memory an operation may write."""
    if OPS[op.name].writes:
        return op.operands[:1]
    return tuple(v for v in op.operands if v.type.rank) if op.regions else ()


def used(op: Op) -> set[Value]:
    return {*op.uses(), *captures(op)} if op.regions else set(op.uses())


def has_effect(op: Op) -> bool:
    return any(OPS[x.name].effect for x in (op, *(y for r in op.regions for y in walk(r))))
