"""Who reads the values of a block, and when."""

from __future__ import annotations

from ...ir import Block, Value, captures


class LastReads:
    """For each value the position in a block of the last operation that reads it; the length of the block for what it
    yields."""

    def __init__(self, block: Block):
        self.last: dict[Value, int] = {}
        for k, op in enumerate(block.ops):
            for v in (*op.uses(), *(captures(op) if op.regions else ())):
                self.last[v] = k
        for v in block.results:
            self.last[v] = len(block.ops)

    def is_read_from(self, v: Value, k: int) -> bool:
        return self.last.get(v, -1) >= k
