"""A block while it is lowered: where its values are, and when they are read and overwritten."""

from __future__ import annotations

from dataclasses import field

from ...ir import OPS, Block, Op, Value, captures
from ...records import dataclass
from ..loops import Buffer, Node, Tape, View
from .order import changes_last

Home = Node | View | Tape
"""What a value is where it can be read: a scalar's node, an array's memory, a tape."""

@dataclass(eq=False)
class BlockState:
    """A block while it is lowered.

    homes: where its values are. fleeting: values that are written again where they are read. owned: memory that the
    block may change. last: for each value the position of the last operation that reads it.
    last_through: the same, also through fleeting values of it. changed_at: where an array's memory may be written.
    """

    outer: BlockState | None
    block: Block
    ops: list[Op] = field(init=False)  # in an order in which arrays are changed after they are read
    owned: set[Buffer] = field(default_factory=set)
    own: set[Buffer] = field(default_factory=set)  # memory that each iteration gets anew
    homes: dict[Value, Home] = field(default_factory=dict)
    fleeting: dict[Value, Op] = field(default_factory=dict)
    evaluated: set[Node] = field(default_factory=set)
    last: dict[Value, int] = field(default_factory=dict)
    last_through: dict[Value, int] = field(default_factory=dict)
    changed_at: dict[Value, list[int]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.ops = changes_last(self.block)
        for k, op in enumerate(self.ops):
            inside = captures(op) if op.regions else []
            for v in (*op.uses(), *inside):
                self.last[v] = k
            changed = op.operands[:1] if OPS[op.name].writes else op.operands if op.regions else ()
            for v in (*changed, *(inside if op.name == "if" else ())):
                self.changed_at.setdefault(v, []).append(k)
        for v in self.block.results:
            self.last[v] = len(self.ops)
        self.last_through.update(self.last)
        for op in reversed(self.ops):
            if OPS[op.name].is_free:
                for v in op.operands:
                    self.last_through[v] = max(self.last_through.get(v, -1), self.last_through.get(op.result, -1))

    def home(self, v: Value) -> Home | None:
        scope: BlockState | None = self
        while scope is not None:
            if v in scope.homes:
                return scope.homes[v]
            scope = scope.outer
        return None

    def known(self) -> set[Node]:
        """The nodes that have been evaluated in this block and around it."""
        return self.evaluated | self.outer.known() if self.outer else self.evaluated

    def rule(self, v: Value) -> Op | None:
        """The operation of a fleeting value."""
        scope: BlockState | None = self
        while scope is not None:
            if v in scope.fleeting:
                return scope.fleeting[v]
            scope = scope.outer
        return None

    def passes_on(self, op: Op) -> bool:
        """Whether an operation's result is only read by straight operations that change nothing."""
        if op.result in self.block.results:
            return False
        readers = [o for o in self.ops if op.result in o.operands]
        return all(OPS[o.name].pointwise for o in readers) and not any(
            op.result in captures(o) for o in self.ops if o.regions)

    def is_read_from(self, v: Value, k: int) -> bool:
        return self.last.get(v, -1) >= k
