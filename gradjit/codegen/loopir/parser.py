"""The loop IR from text: the inverse of the printer. Errors name the line of the text."""

from __future__ import annotations

import ast
from collections.abc import Mapping
from typing import Any

from ...ir import BOOL, I64, ArrayType
from ...ir.attrs import read_literal
from ...ir.sizes import Dim, is_open, size_of
from ..affine import ANYWHERE, Var
from ..loop_passes import statements
from ..loops import (
    Accumulate,
    Accumulator,
    Assign,
    Buffer,
    Call,
    Cell,
    Chunks,
    ChunkSizes,
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
    Tape,
    View,
    WhileStmt,
)
from ..workspace import aligned
from .expressions import COMBINED, INTEGER, TEMPORARY, Expressions, Line, LineCursor, lines_of
from .printer import print_program

ROLES = ("input", "output", "workspace", "local", "literal")
DEEPEST = 64
"""So many statements stand in one another at most."""


class Parser(Expressions):
    """Reads one kernel."""

    def __init__(self, text: str, filename: str, given: Mapping[str, int] | None = None):
        super().__init__(filename)
        self.given = given or {}
        self.lines = lines_of(text)
        self.at = 0
        self.accumulators: dict[str, Accumulator] = {}
        self.cells: dict[str, Cell] = {}
        self.tapes: dict[str, Tape] = {}
        self.loops: tuple[Var, ...] = ()  # those of loop nests: what a total differs by
        self.serial = 0
        self.depth = 0
        self.where: dict[Stmt, int] = {}
        self.of_chunks: set[str] = set()
        """Buffers that chunks have defined which the kernel goes on behind."""

    # lines ------------------------------------------------------------------------------------------------------------
    def next(self) -> LineCursor:
        line = self.lines[self.at]
        self.at += 1
        self.c, self.loc = LineCursor(line, self.filename, self.sizes), line.loc
        return self.c

    def is_deeper(self, indent: int) -> bool:
        return self.at < len(self.lines) and self.lines[self.at].indent > indent

    def block(self, indent: int) -> list[Stmt]:
        """The statements of the lines that are indented further; all by the same."""
        out: list[Stmt] = []
        self.depth += 1
        if self.depth > DEEPEST:
            raise self.c.error(f"more than {DEEPEST} statements stand in one another")
        inner = self.lines[self.at].indent if self.is_deeper(indent) else 0
        while self.is_deeper(indent):
            line = self.lines[self.at]
            if line.indent != inner:
                raise LineCursor(line, self.filename, self.sizes).error(f"is indented by {line.indent}, not by {inner}")
            if line.text.startswith("stop unless"):
                break
            c = self.next()
            s = self.statement(c, line.indent)
            if s is not None:
                out.append(s)
                self.where[s] = line.number
        self.depth -= 1
        return out

    def kernel(self) -> Program:
        if not self.lines:
            raise self.c.error("expected 'kernel', found the end of the text")
        c = self.next()
        c.expect("kernel")
        c.expect("@")
        name = c.text[c.at:].removesuffix(":")
        dims = []
        while self.at < len(self.lines) and self.lines[self.at].text.startswith("size "):
            dims += self.dim(self.next())
        groups: dict[str, list[Buffer]] = {role: [] for role in ROLES}
        while self.at < len(self.lines) and self.lines[self.at].text.split(" ")[0] in ROLES:
            b = self.buffer(self.next())
            groups["workspace" if b.role == "local" else b.role].append(b)
        body = self.block(0)
        if self.at < len(self.lines):
            raise LineCursor(self.lines[self.at], self.filename, self.sizes).error("stands outside of the kernel")
        p = Program(name, groups["input"], groups["output"], groups["workspace"], groups["literal"], body, self.nodes)
        p.sizes = dims
        p.workspace_bytes = end_of(p.workspace)
        return p

    def dim(self, c: LineCursor) -> list[Dim]:
        """`size n: 256 "len(x)"`; no dim where a number is given for it."""
        c.expect("size")
        name = c.name()
        if name in self.sizes:
            raise c.error(f"{name} is defined twice")
        c.expect(":")
        dim = Dim(name, c.integer(), c.string())
        c.end()
        self.sizes[name] = self.given.get(name, size_of(dim))
        return [] if name in self.given else [dim]

    def buffer(self, c: LineCursor) -> Buffer:
        role, b = c.word(), self.declared(c)
        b.role = role
        if c.accept("by"):
            b.strides = c.integers()
            if len(b.strides) != len(b.shape):
                raise c.error(f"{len(b.strides)} strides for {len(b.shape)} axes")
        if role == "literal":
            c.expect("=")
            b.data = read_literal(c, ArrayType(b.dtype, (b.size,))).reshape(b.shape)
        if c.accept("at"):
            b.offset = c.size()
        b.moves, b.changing = c.accept("moves"), c.accept("changing")
        c.end()
        return b

    def declared(self, c: LineCursor) -> Buffer:
        """`name: dtype[extents]`, defined from here on; what a chunk has defined the kernel may define, too."""
        name = c.name()
        if name in self.buffers and name not in self.of_chunks:
            raise c.error(f"{name} is defined twice")
        c.expect(":")
        dtype = c.dtype()
        shape = c.integers()
        if any(not is_open(n) and n < 0 for n in shape):
            raise c.error(f"a negative extent: {shape}")
        b = Buffer(name, dtype, shape, "tape")
        if name in self.of_chunks:
            b = self.buffers[name]
            if (b.dtype, b.shape) != (dtype, tuple(shape)):
                raise c.error(f"{name} is not what it is in the chunk")
        self.buffers[name] = b
        return b

    # statements -------------------------------------------------------------------------------------------------------
    def statement(self, c: LineCursor, indent: int) -> Stmt | None:
        if (m := c.sees(TEMPORARY)) is not None:
            c.at = m.end()
            c.expect("=")
            self.define(m.group(), self.expression())
            c.end()
            return None
        first = c.name()
        if c.peek("[") and first in self.buffers:
            return self.store(first)
        if first in self.accumulators:
            return self.accumulate(self.accumulators[first])
        rule = _STATEMENTS.get(first)
        if rule is None:
            raise c.error(f"{first!r} begins no statement")
        made: Stmt = rule(self, c, indent)
        return made

    def number_of(self) -> int:
        self.serial += 1
        return self.serial

    def ended(self, s: Stmt) -> Stmt:
        self.c.end()
        return s

    def store(self, name: str) -> Stmt:
        address = self.bracketed()
        combine = self.c.match(COMBINED, "'='").group()[:-1] or None
        return self.ended(Store(self.buffers[name], address, self.expression(), combine, self.c.accept("fused")))

    def start(self, c: LineCursor, indent: int) -> Stmt:
        name = c.name()
        c.expect(":")
        op = c.word()
        acc = self.accumulators[name] = Accumulator(op, c.dtype(), name)
        return self.ended(Start(acc))

    def accumulate(self, acc: Accumulator) -> Stmt:
        c = self.c
        op = c.match(COMBINED, "an operation and '='").group()[:-1]
        if op != acc.op:
            raise c.error(f"{acc.name} combines by {acc.op}, not by {op}")
        node = self.expression()
        position = self.address() if c.accept("at") else None
        into = (self.memory(), self.bracketed()) if c.accept("into") else None
        return self.ended(Accumulate(acc, node, position, into, c.accept("fused")))

    def finish(self, c: LineCursor, indent: int) -> Stmt:
        acc: Accumulator = self.known(self.accumulators, "accumulator")
        dtype = I64 if acc.op in ("argmax", "argmin") else acc.dtype
        total = self.totals[acc.name] = self.nodes.make("total", (), acc, dtype, frozenset(self.loops))
        return self.ended(Finish(acc, total))

    def let(self, c: LineCursor, indent: int) -> Stmt:
        name = c.match(TEMPORARY, "a name").group()
        if c.accept("="):
            self.define(name, self.read_cell() if c.accept("read ") else self.expression())
        elif name not in self.names:
            raise c.error(f"{name} is not defined before this line")
        return self.ended(Let(self.names[name]))

    def read_cell(self) -> Node:
        cell: Cell = self.known(self.cells, "variable")
        return self.nodes.make("cell", (), (cell, self.number_of()), cell.dtype, frozenset())

    def assign(self, c: LineCursor, indent: int) -> Stmt:
        names = c.items(c.name)
        c.expect("=")
        nodes = c.items(self.expression)
        if len(names) != len(nodes):
            raise c.error(f"{len(nodes)} values for {len(names)} variables")
        for name, n in zip(names, nodes, strict=True):
            if name not in self.cells:
                self.cells[name] = Cell(name, n.dtype)
        return self.ended(Assign(tuple(self.cells[name] for name in names), tuple(nodes)))

    def scoped(self, var: Var, indent: int, is_nest: bool, body: Any = None) -> list[Stmt]:
        """The lines inside a loop, with its variable in scope."""
        vars, loops = self.vars, self.loops
        if var.name in vars:
            raise self.c.error(f"{var.name} is the variable of a loop around already")
        self.vars = {**vars, var.name: var}
        self.loops = (*loops, var) if is_nest else loops
        found = self.block(indent)
        if body is not None:
            body()
        self.vars, self.loops = vars, loops
        return found

    def reason(self) -> str:
        return self.c.string() if self.c.accept("serial=") else ""

    def work(self) -> float:
        return self.c.floating() if self.c.accept("asks=") else 0.0

    def loop(self, c: LineCursor, indent: int) -> Stmt:
        name = c.name()
        c.expect("in")
        lo = c.size()
        c.expect("..")
        var = Var(name, lo, c.size())
        s = LoopStmt(var, [])
        if c.accept("trip_count "):
            s.trip_count = self.expression()
        c.expect(":")
        s.lanes = c.integer() if c.accept("lanes=") else 1
        s.unroll = c.integer() if c.accept("unroll=") else 1
        s.exact, s.written_out = c.accept("exact"), c.accept("written_out")
        s.asks, s.serial = self.work(), self.reason()
        c.end()
        s.body = self.scoped(var, indent, True)
        return s

    def bound(self, default: int) -> int:
        return self.c.size() if self.c.sees(INTEGER) or self.c.peek("(") or self.sees_size() else default

    def repeat(self, c: LineCursor, indent: int) -> Stmt:
        name = c.name()
        c.expect("in")
        c.expect("range")
        c.expect("(")
        begin = self.expression()
        c.expect(",")
        end = self.expression()
        c.expect(",")
        step = self.expression()
        c.expect(")")
        lo, hi = -ANYWHERE, ANYWHERE
        if c.accept("within"):
            lo = self.bound(-ANYWHERE)
            c.expect("..")
            hi = self.bound(ANYWHERE)
        c.expect(":")
        asks, words = self.work(), self.reason()
        c.end()
        var = Var(name, lo, hi)
        return Repeat(var, begin, end, step, self.scoped(var, indent, False), asks, words)

    def while_(self, c: LineCursor, indent: int) -> Stmt:
        s = WhileStmt(Var(c.name()), [], self.nodes.const(True, BOOL), [])
        c.expect(":")
        s.asks = self.work()
        c.end()

        def rest() -> None:
            if not self.is_deeper(indent):
                raise self.c.error("expected 'stop unless' in the loop")
            c = self.next()
            c.expect("stop unless")
            s.cond = self.expression()
            c.end()
            s.body = self.block(indent)

        s.head = self.scoped(s.var, indent, False, rest)
        return s

    def if_(self, c: LineCursor, indent: int) -> Stmt:
        cond = self.expression()
        c.expect(":")
        c.end()
        then = self.block(indent)
        if self.at == len(self.lines) or self.lines[self.at].text != "else:" or self.lines[self.at].indent != indent:
            raise c.error("expected 'else:' behind the first side of the branch")
        self.next()
        return IfStmt(cond, then, self.block(indent))

    def chunks(self, c: LineCursor, indent: int) -> Stmt:
        name = c.name()
        c.expect("of")
        extent = c.size()
        c.expect("as")
        lo, trip_count = (Dim(name, 0) for name in c.items(c.name))
        c.expect(":")
        sizes = ChunkSizes(*(self.positive(word) for word in ("least", "fewest", "most", "unit")))
        c.end()
        trip_count.example = extent.example if is_open(extent) else extent
        outer = dict(self.sizes)
        for dim in (lo, trip_count):
            if dim.name in outer:
                raise c.error(f"{dim.name} is defined twice")
            self.sizes[dim.name] = size_of(dim)
        var = Var(name, 0, sizes.most if is_open(extent) else sizes.count(extent))
        body = self.scoped(var, indent, True)
        for dim in (lo, trip_count):
            del self.sizes[dim.name]
        if self.at == len(self.lines) or self.lines[self.at].text != "moves:" or self.lines[self.at].indent != indent:
            return Chunks(var, lo, trip_count, extent, sizes, body)
        self.next()
        before, records = self.of_chunks, (x for x in statements(body) if isinstance(x, (Push, Pop)))
        self.of_chunks = before | {b.name for x in records for b, _ in x.entries}
        made = Chunks(var, lo, trip_count, extent, sizes, body, self.block(indent))
        self.of_chunks = before
        return made

    def positive(self, word: str) -> int:
        self.c.expect(f"{word}=")
        n = self.c.integer()
        if n < 1:
            raise self.c.error(f"{word}={n} is not positive")
        return n

    def exchange(self, c: LineCursor, indent: int) -> Stmt:
        one = self.memory()
        c.expect(",")
        return self.ended(Exchange(one, self.memory()))

    def tape(self) -> Tape:
        name = self.c.name()
        return self.tapes.setdefault(name, Tape(name))

    def rewind(self, c: LineCursor, indent: int) -> Stmt:
        tape = self.tape()
        nbytes = 0
        if not c.ends():
            nbytes = c.size()
            c.expect("bytes")
        return self.ended(Rewind(tape, nbytes))

    def record(self, kind: type[Push | Pop]) -> Stmt:
        tape, c = self.tape(), self.c
        c.expect(":")

        def entry() -> tuple[Buffer, Node]:
            b, n = self.declared(c), self.expression()
            c.expect("bytes")
            return b, n

        entries = () if c.ends() else tuple(c.items(entry))
        return self.ended(kind(tape, entries))

    def call(self, c: LineCursor, indent: int) -> Stmt:
        routine = c.name()
        reads = self.views()
        c.expect("->")
        writes = self.views()
        work, serial = c.floating() if c.accept("work=") else 0.0, self.reason()
        attrs: dict[str, Any] = {}
        if c.accept("with"):
            try:
                attrs = self.with_sizes(dict(ast.literal_eval(c.text[c.at:].strip())))
            except (ValueError, SyntaxError, TypeError):
                raise c.error("what stands behind 'with' is no dict") from None
            c.at = len(c.text)
        return self.ended(Call(routine, reads, writes, attrs, self.loc, work, serial))

    def with_sizes(self, x: Any) -> Any:
        """Attributes with sizes in the place of their texts."""
        if isinstance(x, dict):
            return {k: self.with_sizes(v) for k, v in x.items()}
        if not isinstance(x, tuple):
            return x
        if len(x) == 2 and x[0] == "size":
            return LineCursor(Line(self.c.number_of_line, 0, x[1], None), self.filename, self.sizes).size()
        return tuple(map(self.with_sizes, x))

    def views(self) -> tuple[View, ...]:
        self.c.expect("(")
        found = () if self.c.peek(")") else tuple(self.c.items(self.view))
        self.c.expect(")")
        return found

    def view(self) -> View:
        c, buffer = self.c, self.memory()
        version = self.version()
        c.expect("[")
        a = self.address()
        c.expect(";")
        shape = c.integers()
        c.expect("by")
        strides = c.integers()
        c.expect("]")
        if len(shape) != len(strides):
            raise c.error(f"{len(strides)} strides for {len(shape)} axes")
        return View(buffer, a if a.terms else a.const, strides, shape, version)


_STATEMENTS: dict[str, Any] = {
    "start": Parser.start, "finish": Parser.finish, "let": Parser.let, "set": Parser.assign, "for": Parser.loop,
    "repeat": Parser.repeat, "while": Parser.while_, "if": Parser.if_, "chunks": Parser.chunks,
    "exchange": Parser.exchange, "rewind": Parser.rewind, "push": lambda p, c, indent: p.record(Push),
    "pop": lambda p, c, indent: p.record(Pop), "call": Parser.call,
}


def end_of(workspace: list[Buffer]) -> int:
    """The bytes of a workspace whose buffers have their places: those of open sizes come last, in order."""
    first: dict[int, Buffer] = {}  # of those that share bytes
    for b in workspace:
        if is_open(b.nbytes):
            first.setdefault(b.offset, b)
    if first:
        offset, b = list(first.items())[-1]
        return offset + aligned(b.nbytes)
    return max((b.offset + b.nbytes for b in workspace if b.offset >= 0), default=0)


def parse(text: str, filename: str = "<loops>", sizes: Mapping[str, int] | None = None) -> Program:
    """The kernel that the text spells, with numbers for open sizes where `sizes` gives them.

    Raises IRError with the line at fault.
    """
    parser = Parser(text, filename, sizes)
    try:
        return parser.kernel()
    except RecursionError:
        raise parser.c.error("expressions stand in one another too deeply") from None


def at_sizes(p: Program, sizes: Mapping[str, int]) -> Program:
    """The kernel for known sizes, by their names."""
    return parse(print_program(p), sizes=sizes)


__all__ = ["at_sizes", "parse"]
