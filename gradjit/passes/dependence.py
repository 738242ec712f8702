"""What depends on what, through loops, branches and tapes: a graph over all of a function, so that each question about
activity is one search through it. (No fixpoint over loop bodies, which a nest of loops would multiply.)

Nodes are values and slots. A slot is a place in the records of a tape: what is pushed there is what is popped there.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterable, Iterator

from ..ir import OPS, Block, Func, Loop, Op, Value, walk
from ..ir.ops.tape import record_of

Node = Hashable
"""A Value or a slot."""
Edges = dict[Node, list[Node]]
"""From each node to those that read it."""


def moves(op: Op) -> Iterator[tuple[Value, Value]]:
    """What an operation with regions hands on: pairs (source, target) of equal types."""
    if op.name == "if":
        for region in op.regions:
            yield from zip(region.results, op.results, strict=True)
        return
    loop = Loop.of(op)
    for source in (loop.inits, loop.yields):
        yield from zip(source, op.results, strict=True)
        for region in op.regions:
            yield from zip(source, loop.params_of(region), strict=True)


# tapes ----------------------------------------------------------------------------------------------------------------
class TapeRoots:
    """Which tape values are stages of one tape, and the slots of its records.

    Records of one tape that have the same dtypes and ranks share their slots, so that push and pop agree on each
    without knowing of each other. (Extents do not tell records apart: they may be known at one end only.)
    """

    def __init__(self, body: Block):
        self.parent: dict[Value, Value] = {}
        for op in walk(body):
            if op.regions:
                for source, target in moves(op):
                    if is_tape(source):
                        self.unite(source, target)
            elif OPS[op.name].moves_record:
                self.unite(op.operands[0], op.results[0])

    def root(self, v: Value) -> Value:
        """The value that stands for v's tape."""
        while (up := self.parent.get(v, v)) is not v:
            self.parent[v] = self.parent.get(up, up)
            v = up
        return v

    def unite(self, a: Value, b: Value) -> None:
        self.parent[self.root(a)] = self.root(b)

    def slots(self, op: Op) -> list[Node]:
        """The slots of the record that a push or pop moves."""
        entries = record_of(op)
        key = (self.root(op.operands[0]), *((v.dtype, v.type.rank) for v in entries))
        return [(key, k) for k in range(len(entries))]


def is_tape(v: Value) -> bool:
    return v.dtype.name == "tape"


# the graph ------------------------------------------------------------------------------------------------------------
def edges(func: Func, tapes: TapeRoots, reads: Callable[[Op], Iterable[tuple[Node, Node]]]) -> Edges:
    """The graph of a function. `reads(op)` gives the edges of an operation that neither has regions nor moves records,
    and what edges an operation with regions has besides what it hands on."""
    found: Edges = {}

    def add(pairs: Iterable[tuple[Node, Node]]) -> None:
        for source, target in pairs:
            found.setdefault(source, []).append(target)

    for op in walk(func.body):
        if op.regions:
            add(moves(op))
        elif op.name == "push":
            add(zip(record_of(op), tapes.slots(op), strict=True))
            continue
        elif op.name == "pop":
            add(zip(tapes.slots(op), record_of(op), strict=True))
            continue
        add(reads(op))
    return found


def reversed_edges(graph: Edges) -> Edges:
    found: Edges = {}
    for source, targets in graph.items():
        for t in targets:
            found.setdefault(t, []).append(source)
    return found


def reached(graph: Edges, sources: Iterable[Node]) -> set[Node]:
    """The sources and all that depends on them."""
    found = set(sources)
    todo = list(found)
    while todo:
        for target in graph.get(todo.pop(), ()):
            if target not in found:
                found.add(target)
                todo.append(target)
    return found


def between(graph: Edges, sources: Iterable[Node], targets: Iterable[Node]) -> set[Node]:
    """What lies on a way from a source to a target."""
    return reached(graph, sources) & reached(reversed_edges(graph), targets)
