"""Work on each row of a matrix, done for several rows side by side.

A loop over rows that holds a product with the row, some dear scalar work on it, and another pass over the row leaves
the scalar work without vectors. Such a loop is cut into strips of rows:

    for i: {A(i); f(i); B(i)}  -->  for s: {for i in s: A(i); for i in s: f(i); for i in s: B(i)}

The middle loop then runs side by side, and a strip's rows are still in the cache when they are read again. What goes
from one part to the next (final values of reductions, dear scalars) is kept in a few numbers for each strip.
"""

from __future__ import annotations

from dataclasses import field

from ..ir.sizes import is_open
from ..records import dataclass
from .affine import Affine, Var
from .loop_passes import Swap, nodes_of, statements
from .loops import (
    Accumulate,
    Accumulator,
    Buffer,
    Call,
    Finish,
    LoopStmt,
    Node,
    Program,
    Start,
    Stmt,
    Store,
    in_order,
    operands,
)
from .numbers import cost_of
from .target import Machine
from .vectorise import runs_side_by_side

STRIP = 16
"""Rows of a strip: two vectors of doubles, and a few tens of kilobytes of usual rows."""
DEAR = 4.0
"""Cost of scalar work from which on strips pay."""


@dataclass
class _Part:
    """Statements that stay together: loops with their starts and finishes, or scalar statements."""

    scalar: bool
    body: list[Stmt] = field(default_factory=list)


def strip_mine(p: Program, machine: Machine) -> None:
    """Loops over rows with dear scalar work on each become loops over strips of rows."""
    p.body = [x for s in p.body for x in stripped(s, p, machine.vector_bytes)]


def stripped(s: Stmt, p: Program, width: int) -> list[Stmt]:
    """The statement, cut into strips where that pays and is possible. A loop over the last rows, which are no whole
    strip, follows where there are, or may be, such."""
    if not isinstance(s, LoopStmt) or not is_long(s):
        return [s]
    if not any(isinstance(x, LoopStmt) for x in s.body) or any(isinstance(x, Call) for x in statements([s])):
        return [s]
    if runs_side_by_side(s, width):
        return [s]  # as it is
    if any(isinstance(x, Accumulate) and (x.position or x.store) for x in s.body):
        return [s]
    parts = parts_of(s.body)
    if not any(part.scalar for part in parts):
        return [s]
    dear = [scalars(part, s.var) for part in parts]
    if sum(cost_of(n.attrs[0]) for n in {n for some in dear for n in some} if n.kind == "apply") < DEAR:
        return [s]
    is_all = not is_open(s.var.extent) and s.var.extent % STRIP == 0
    cut = _Cutter(s.var, p, {} if is_all else own_accumulators(s)).cut(parts)
    if is_all:
        return [cut]
    s.var.lo = s.var.lo + s.var.extent // STRIP * STRIP
    return [cut, s]


def is_long(s: LoopStmt) -> bool:
    """Whether a loop has enough rows for strips."""
    return s.trip_count is None and s.var.reckoned >= 4 * STRIP


def parts_of(body: list[Stmt]) -> list[_Part]:
    """The body in order, cut where loops and scalar statements meet; each running value begins and ends in one part."""
    body = running_values_together(body)
    own = {x.acc for x in body if isinstance(x, Start)}
    parts: list[_Part] = []
    open_: set[Accumulator] = set()
    for x in body:
        scalar = isinstance(x, Store) or (isinstance(x, Accumulate) and x.acc not in own)
        if not parts or (parts[-1].scalar != scalar and not open_):
            parts.append(_Part(scalar))
        parts[-1].body.append(x)
        if isinstance(x, Start):
            open_.add(x.acc)
        elif isinstance(x, Finish):
            open_.discard(x.acc)
    return parts


def running_values_together(body: list[Stmt]) -> list[Stmt]:
    """The body, where reductions start just in front of the first statement that adds to them, and finish just behind
    the last."""
    starts, finishes = ({x.acc: x for x in body if isinstance(x, kind)} for kind in (Start, Finish))
    adding = [[y.acc for y in statements([x]) if isinstance(y, Accumulate)] for x in body]
    first = {acc: k for k, some in reversed(list(enumerate(adding))) for acc in some}
    last = {acc: k for k, some in enumerate(adding) for acc in some}
    out: list[Stmt] = []
    for k, x in enumerate(body):
        if isinstance(x, (Start, Finish)) and x.acc in first:
            continue
        out += [starts[acc] for acc in dict.fromkeys(adding[k]) if first[acc] == k and acc in starts]
        out.append(x)
        out += [finishes[acc] for acc in dict.fromkeys(adding[k]) if last[acc] == k and acc in finishes]
    return out


def scalars(part: _Part, var: Var) -> list[Node]:
    """The nodes of a part that differ between rows and within no row."""
    inner = {x.var for x in statements(part.body) if isinstance(x, LoopStmt)}
    return [n for x in statements(part.body) for n in nodes_of(x) if var in n.vars and not inner & n.vars]


def own_accumulators(s: LoopStmt) -> dict[Accumulator, Accumulator]:
    """Others for the running values of each row."""
    return {x.acc: Accumulator(x.acc.op, x.acc.dtype, f"{x.acc.name}s") for x in statements(s.body)
            if isinstance(x, Start)}


class _Cutter:
    """Writes a loop over rows as a loop over strips."""

    def __init__(self, var: Var, p: Program, accumulators: dict[Accumulator, Accumulator]):
        self.var, self.p, self.accumulators = var, p, accumulators
        self.strip = Var(var.name + "s", 0, var.extent // STRIP)
        self.kept: dict[Node, Buffer] = {}

    def cut(self, parts: list[_Part]) -> LoopStmt:
        wanted = [self.wanted(part) for part in parts]
        out: list[Stmt] = []
        for k, part in enumerate(parts):
            later = list(dict.fromkeys(n for some in wanted[k + 1:] for n in some))
            out.append(self.loop(part, later))
        return LoopStmt(self.strip, out)

    def wanted(self, part: _Part) -> list[Node]:
        """What a part reads that another should compute: final values of its loops, and for loops dear scalars."""
        own = {x.total for x in part.body if isinstance(x, Finish)}
        some = dict.fromkeys(scalars(part, self.var))
        found = {n for n in some if n.kind == "total"}
        if not part.scalar:
            outside = {a for x in statements(part.body) for n in nodes_of(x) if n not in some for a in operands(n)}
            outside |= {x.node for x in statements(part.body) if isinstance(x, (Store, Accumulate))}
            found |= {n for n in some if n in outside and n.kind == "apply" and price(n) >= DEAR}
        return [n for n in some if n in found - own]

    def loop(self, part: _Part, later: list[Node]) -> LoopStmt:
        """The part for the rows of one strip, and what later parts want of it."""
        row = Var(self.var.name + "r", 0, STRIP)
        at = Affine({self.strip: STRIP, row: 1}, self.var.lo)
        kept = {n: self.load(n, b, row) for n, b in self.kept.items()}
        swap = Swap(self.p.nodes, {self.var: at}, kept, self.accumulators)
        body = [swap.stmt(x) for x in part.body]
        finished = {x.total for x in part.body if isinstance(x, Finish)}
        for n in sorted((n for n in later if n not in self.kept), key=lambda n: n.kind):
            if n in finished or (part.scalar and n.kind == "apply" and self.computable(n)):
                buffer = Buffer(f"s{len(self.p.workspace)}", n.dtype, (STRIP,), "workspace")
                self.p.workspace.append(buffer)
                body.append(Store(buffer, Affine.of(row), swap.node(n)))
                self.kept[n] = buffer
        return LoopStmt(row, body)

    def computable(self, n: Node) -> bool:
        """Whether all final values that a node needs are kept already."""
        return all(x.kind != "total" or self.var not in x.vars or x in self.kept for x in in_order(n, lambda _: False))

    def load(self, n: Node, b: Buffer, row: Var) -> Node:
        return self.p.nodes.load(b, Affine.of(row))


def price(n: Node) -> float:
    """What a node costs with all that it is computed from."""
    seen: set[Node] = set()
    total = 0.0
    for x in in_order(n, seen.__contains__):
        seen.add(x)
        total += cost_of(x.attrs[0]) if x.kind == "apply" else 0.0
    return total
