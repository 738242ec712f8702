"""What holds for every kernel of the loop IR.

- Buffers that are read or written are declared, or belong to the record of a tape that a push or pop has shown; each
  has one name, literals have data, and what is exchanged moves, and is of one size and dtype.
- Operands of an operation have the types that its type rule wants; addresses, bounds, sizes of records and iterations
  are i64, conditions bool; what is stored, added up and assigned is of the dtype of where it goes.
- An expression stands inside of all loops that its variables belong to. No two loops around a statement have one name.
- Variables are set before they are read, in both branches of an `if` where they are read behind it.
- An accumulator is started once, and finished, if at all, in the block in which it is started; it is added to in
  between, and read behind that.
- Where all of an address's loops run over known extents, it is in range.
- What is loaded from the workspace is stored somewhere.
- What stands in a chunk of a loop sets no variable and adds to no accumulator from outside of it, exchanges no memory,
  and pushes and pops no records.
- Lanes and unrolling are at least 1; only innermost loops, or those around short ones, have lanes.

Not checked: that a load's state number fits; that stores stand in front of the loads of what they store;
that no chunk reads what another writes.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import field
from typing import Any

from ...errors import GradjitError, IRError
from ...ir import BOOL, I64, OPS, ArrayType, DType
from ...ir.sizes import Dim, Size
from ...records import dataclass
from ..affine import ANYWHERE, Affine, Var
from ..loop_passes import statements
from ..loops import (
    Accumulate,
    Accumulator,
    Assign,
    Buffer,
    Call,
    Cell,
    Chunks,
    Exchange,
    Finish,
    IfStmt,
    Let,
    LoopStmt,
    Node,
    Pop,
    Program,
    Push,
    Repeat,
    Rewind,
    Start,
    Stmt,
    Store,
    WhileStmt,
    in_order,
    roots_of,
)
from ..numbers import ADDING
from .interpreter import COMBINE, ROUTINES
from .parser import at_sizes

ARGUMENTS = ("argmax", "argmin")
READ_ONLY = ("input", "literal")


@dataclass
class Known:
    """What is known at a statement: loops around it, variables that are set, what has become of accumulators."""

    vars: frozenset[Var] = frozenset()
    nest: frozenset[Var] = frozenset()
    cells: set[Cell] = field(default_factory=set)
    started: set[Accumulator] = field(default_factory=set)
    finished: set[Accumulator] = field(default_factory=set)
    reads: set[Node] = field(default_factory=set)  # variables' values that a `let` holds

    def inside(self, var: Var | None = None, nest: bool = False) -> Known:
        """What is known in a block; what that adds is not known behind it."""
        vars = self.vars | var.vars if var else self.vars
        return Known(vars, self.nest | var.vars if var and nest else self.nest, set(self.cells), set(self.started),
                     set(self.finished), set(self.reads))


class Verifier:
    """Collects what is wrong with a kernel, each with the statement at fault."""

    def __init__(self, p: Program):
        self.p = p
        self.errors: list[tuple[Stmt | None, str]] = []
        self.at: Stmt | None = None
        self.buffers = {*p.inputs, *p.outputs, *p.workspace, *p.literals}
        self.typed: set[Node] = set()
        self.loaded: set[Buffer] = set()
        self.stored: set[Buffer] = set()
        self.dims: dict[Dim, int] = {}  # of loops in chunks: as if all were one chunk

    def number(self, n: int) -> int:
        return n.at(self.dims) if type(n) is Size else n

    def fail(self, message: str) -> None:
        self.errors.append((self.at, message))

    def run(self) -> list[tuple[Stmt | None, str]]:
        for b in self.p.literals:
            if b.data is None or b.data.shape != b.shape:
                self.fail(f"{b.name} has no data of its shape")
        self.block(self.p.body, Known())
        self.at = None
        for b in self.p.workspace:
            if b in self.loaded and b not in self.stored:
                self.fail(f"{b.name} is loaded, and stored nowhere")
        return self.errors

    # expressions ------------------------------------------------------------------------------------------------------
    def node(self, root: Node, known: Known, dtype: DType | None = None) -> None:
        if dtype is not None and root.dtype is not dtype:
            self.fail(f"{root!r} is {root.dtype}, not {dtype}")
        if not root.vars <= known.vars:
            names = ", ".join(sorted(v.name for v in root.vars - known.vars))
            self.fail(f"{root!r} stands outside of the loop over {names}")
        seen: set[Node] = set()
        for n in in_order(root, seen.__contains__):
            seen.add(n)
            if n.kind == "total" and n.attrs not in known.finished:
                self.fail(f"{n.attrs.name} is read before its loops end")
            if n.kind == "cell" and n not in known.reads:
                self.fail(f"{n.attrs[0].name} is read outside of a let")
            if n.kind == "load":
                self.address(n.attrs[0], n.attrs[1], known)
                self.loaded.add(n.attrs[0])
            if n not in self.typed:
                self.typed.add(n)
                self.type(n)

    def type(self, n: Node) -> None:
        if n.kind == "load" and n.dtype is not n.attrs[0].dtype:
            self.fail(f"{n!r} is {n.dtype}, its memory {n.attrs[0].dtype}")
        if n.kind == "check" and any(a.dtype is not I64 for a in n.args):
            self.fail(f"{n!r} compares other numbers than i64")
        if n.kind != "apply":
            return
        op, attrs = n.attrs
        if not OPS[op].pointwise:
            self.fail(f"{op} is no operation on numbers")
            return
        try:
            (t,) = OPS[op].result_types([ArrayType(a.dtype) for a in n.args], dict(attrs), ())
        except GradjitError as e:
            self.fail(str(e))
            return
        if t.dtype is not n.dtype:
            self.fail(f"{op} gives {t.dtype}, declared {n.dtype}")

    def memory(self, b: Buffer) -> None:
        if b not in self.buffers:
            self.fail(f"{b.name} is no buffer of this kernel")

    def address(self, b: Buffer, a: Affine, known: Known) -> None:
        """In range where that can be told: `strides` may lead anywhere in the caller's memory."""
        self.memory(b)
        for atom in a.terms:
            if isinstance(atom, Node):
                if atom.dtype is not I64:
                    self.fail(f"{b.name}[{a!r}] is an address of {atom.dtype}")
            elif atom not in known.vars:
                self.fail(f"{b.name}[{a!r}] stands outside of the loop over {atom.name}")
        span = a.interval()
        if span is not None:
            span = self.number(span[0]), self.number(span[1])
        if span is None or b.strides is not None or not span[0] <= span[1] or max(map(abs, span)) >= ANYWHERE // 2:
            return
        exact = all(atom in known.nest for atom in a.terms)
        low, high = span
        if (exact and (low < 0 or high >= b.size)) or high < 0 or low >= max(b.size, 1):
            self.fail(f"{b.name}[{a!r}] is {low}..{high}, outside of its {b.size} elements")

    # statements -------------------------------------------------------------------------------------------------------
    def block(self, body: Iterable[Stmt], known: Known) -> None:
        begun: set[Accumulator] = set()
        for s in body:
            self.at = s
            for root in evaluated(s):
                self.node(root, known)
            if isinstance(s, Start):
                begun.add(s.acc)
            elif isinstance(s, Finish) and s.acc not in begun:
                self.fail(f"{s.acc.name} is finished in another block than it is started in")
            RULES[type(s)](self, s, known)

    def store(self, s: Store, known: Known) -> None:
        self.written(s.buffer, s.address, known)
        self.node(s.node, known, s.buffer.dtype)
        if s.combine is not None and s.combine not in COMBINE:
            self.fail(f"nothing combines by {s.combine}")
        self.fused(s, s.combine)

    def fused(self, s: Store | Accumulate, how: str | None) -> None:
        n = s.node
        if s.fused and not (how in ADDING and n.kind == "apply" and n.attrs[0] == "mul" and n.dtype.is_float):
            self.fail(f"{n!r} is fused, and no product of floats that is added to something")

    def written(self, b: Buffer, a: Affine, known: Known) -> None:
        self.address(b, a, known)
        self.stored.add(b)
        if b.role in READ_ONLY:
            self.fail(f"{b.name} is {b.role}, which is not written to")

    def start(self, s: Start, known: Known) -> None:
        if s.acc.op not in COMBINE and s.acc.op not in ARGUMENTS:
            self.fail(f"nothing combines by {s.acc.op}")
        if s.acc in known.started:
            self.fail(f"{s.acc.name} is started twice")
        known.started.add(s.acc)

    def accumulate(self, s: Accumulate, known: Known) -> None:
        if s.acc not in known.started:
            self.fail(f"{s.acc.name} is not started")
        self.node(s.node, known, s.acc.dtype)
        self.fused(s, s.acc.op)
        if (s.position is not None) != (s.acc.op in ARGUMENTS):
            self.fail(f"{s.acc.op} {'wants a' if s.position is None else 'has no'} position")
        if s.store is not None:
            self.written(*s.store, known)

    def finish(self, s: Finish, known: Known) -> None:
        if s.acc not in known.started:
            self.fail(f"{s.acc.name} is not started")
        known.started.discard(s.acc)
        known.finished.add(s.acc)

    def let(self, s: Let, known: Known) -> None:
        if s.node.kind == "cell":
            if s.node.attrs[0] not in known.cells:
                self.fail(f"{s.node.attrs[0].name} is read before it is set")
            known.reads.add(s.node)

    def assign(self, s: Assign, known: Known) -> None:
        for cell, n in zip(s.cells, s.nodes, strict=True):
            self.node(n, known, cell.dtype)
        known.cells.update(s.cells)

    def loop(self, s: LoopStmt, known: Known) -> None:
        self.around(s.var, known)
        if s.lanes < 1 or s.unroll < 1:
            self.fail("a loop has at least one lane")
        if self.number(s.var.lo) > self.number(s.var.hi):
            self.fail(f"a loop from {s.var.lo} to {s.var.hi}")
        if s.trip_count is not None:
            self.node(s.trip_count, known, I64)
        self.block(s.body, known.inside(s.var, s.trip_count is None))

    def around(self, var: Var, known: Known) -> None:
        if var in known.vars:
            self.fail(f"{var.name} is the variable of a loop around already")

    def repeat(self, s: Repeat, known: Known) -> None:
        self.around(s.var, known)
        for n in (s.lo, s.hi, s.step):
            self.node(n, known, I64)
        self.block(s.body, known.inside(s.var))

    def while_(self, s: WhileStmt, known: Known) -> None:
        within = known.inside(s.var)
        self.block(s.head, within)
        self.at = s
        self.node(s.cond, within, BOOL)
        self.block(s.body, within)

    def if_(self, s: IfStmt, known: Known) -> None:
        self.node(s.cond, known, BOOL)
        sides = [known.inside(), known.inside()]
        for body, within in zip((s.then, s.other), sides, strict=True):
            self.block(body, within)
        known.cells |= sides[0].cells & sides[1].cells

    def chunks(self, s: Chunks, known: Known) -> None:
        self.around(s.var, known)
        within = known.inside(s.var, nest=True)
        outer, within.started = within.started, set()
        self.dims.update({s.lo: 0, s.trip_count: s.extent})
        self.block(s.body, within)
        self.at = s
        done = [type(x) for x in statements(s.moves)]
        for x in statements(s.body):
            if isinstance(x, (Rewind, Chunks)) or (isinstance(x, MOVING) and type(x) not in done):
                self.fail(f"{type(x).__name__.lower()} stands in a chunk")
            elif isinstance(x, Accumulate) and x.acc in outer:
                self.fail(f"{x.acc.name} is added to in chunks, and started outside of them")
        self.block(s.moves, known.inside())
        known.cells |= within.cells if s.moves else set()

    def exchange(self, s: Exchange, known: Known) -> None:
        for b in (s.one, s.other):
            self.memory(b)
            if not b.moves:
                self.fail(f"{b.name} is exchanged, but does not move")
        if (s.one.dtype, s.one.size) != (s.other.dtype, s.other.size):
            self.fail(f"{s.one.name} and {s.other.name} are exchanged, but are not of one size")

    def record(self, s: Push | Pop, known: Known) -> None:
        for b, n in s.entries:
            self.node(n, known, I64)
            self.buffers.add(b)
            self.stored.add(b)

    def call(self, s: Call, known: Known) -> None:
        if s.routine not in ROUTINES:
            self.fail(f"there is no routine {s.routine}")
        for v in (v for v in (*s.reads, *s.writes) if 0 not in v.shape):
            self.address(v.buffer, v.offset if isinstance(v.offset, Affine) else Affine({}, v.offset), known)
        self.loaded.update(v.buffer for v in s.reads)
        self.stored.update(v.buffer for v in s.writes)

    def nothing(self, s: Stmt, known: Known) -> None:
        pass


MOVING = (Assign, Exchange, Push, Pop)
"""What changes where memory stands, or what a cell holds: the kernel does it, too, behind its chunks."""

RULES: dict[type[Stmt], Any] = {
    Store: Verifier.store, Start: Verifier.start, Accumulate: Verifier.accumulate, Finish: Verifier.finish,
         Let: Verifier.let, Assign: Verifier.assign, LoopStmt: Verifier.loop, Repeat: Verifier.repeat,
         WhileStmt: Verifier.while_, IfStmt: Verifier.if_, Exchange: Verifier.exchange, Rewind: Verifier.nothing,
         Chunks: Verifier.chunks, Push: Verifier.record, Pop: Verifier.record, Call: Verifier.call}


def evaluated(s: Stmt) -> list[Node]:
    """The expressions that a statement evaluates where it begins."""
    if isinstance(s, WhileStmt) or (isinstance(s, Let) and s.node.kind == "cell"):
        return []
    return roots_of(s)


def errors_of(p: Program) -> list[tuple[Stmt | None, str]]:
    """What is wrong with a kernel, by statement; of one with open sizes, for those by which costs are reckoned."""
    if p.sizes:
        known = at_sizes(p, {d.name: d.example for d in p.sizes})
        return [(None, message) for _, message in Verifier(known).run()]
    return Verifier(p).run()


def verify(p: Program) -> None:
    """Raises IRError with everything that is wrong with a kernel."""
    found = errors_of(p)
    if found:
        raise IRError(f"@{p.name} is no kernel:\n" + "\n".join(f"  {message}" for _, message in found))


__all__ = ["errors_of", "verify"]
