"""A block while memory is given to its values: when they are read, and when what they stand in is overwritten."""

from __future__ import annotations

from dataclasses import field

from ...ir import OPS, Block, Op, Value, captures, is_loop
from ...records import dataclass
from ..loops import Buffer
from .block_reads import LastReads


@dataclass(eq=False)
class BlockState:
    """A block and its operations, in an order in which arrays are changed after they are read.

    owned: memory that the block may change. last: for each value the position of the last operation that reads it.
    last_through: the same, also through fleeting values of it. changed_at: where an array's memory may be written.
    """

    block: Block
    owned: set[Buffer] = field(default_factory=set)
    last: dict[Value, int] = field(init=False)
    last_through: dict[Value, int] = field(default_factory=dict)
    changed_at: dict[Value, list[int]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.last = LastReads(self.block).last
        for k, op in enumerate(self.ops):
            inside = captures(op) if op.regions else []
            changed = op.operands[:1] if OPS[op.name].writes else op.operands if op.regions else ()
            for v in (*changed, *(() if is_loop(op) else inside)):
                self.changed_at.setdefault(v, []).append(k)
        self.last_through.update(self.last)
        for op in reversed(self.ops):
            if OPS[op.name].is_free:
                for v in op.operands:
                    self.last_through[v] = max(self.last_through.get(v, -1), self.last_through.get(op.result, -1))

    @property
    def ops(self) -> list[Op]:
        return self.block.ops

    def passes_on(self, op: Op) -> bool:
        """Whether an operation's result is only read by straight operations that change nothing."""
        if op.result in self.block.results:
            return False
        readers = [o for o in self.ops if op.result in o.operands]
        return all(OPS[o.name].pointwise for o in readers) and not any(
            op.result in captures(o) for o in self.ops if o.regions)

    def is_read_from(self, v: Value, k: int) -> bool:
        return self.last.get(v, -1) >= k
