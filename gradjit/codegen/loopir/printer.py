"""The loop IR as text. `print -> parse -> print` is the identity."""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from typing import Any

from ...ir import BOOL, F64, I64, OPS
from ...ir.attrs import show_literal
from ...ir.sizes import Size, is_open
from ..affine import ANYWHERE, Affine, Var
from ..loops import (
    Accumulate,
    Assign,
    Buffer,
    Call,
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
    View,
    WhileStmt,
    in_order,
    inner,
    operands,
    roots_of,
)
from ..symbolic import upper

INFIX = {"add": "+", "sub": "-", "mul": "*", "div": "/", "lt": "<", "le": "<=", "gt": ">", "ge": ">=", "eq": "==",
         "ne": "!=", "and": "&", "or": "|", "xor": "^"}
LONG = 12
"""Operations nested in one printed expression."""
_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_.]*")


class UniqueNames:
    """A unique name for each thing of one kind: its own where it has one that no other has taken."""

    def __init__(self, default: str) -> None:
        self.default = default
        self.names: dict[Any, str] = {}
        self.taken: set[str] = set()

    def __call__(self, x: Any) -> str:
        found = self.names.get(x)
        return self.define(x) if found is None else found

    def forget(self, x: Any) -> None:
        """Leave the name to others."""
        self.taken.discard(self.names.pop(x))

    def define(self, x: Any) -> str:
        hint = x.name if _NAME.fullmatch(x.name) else self.default
        name, n = hint, 1
        while name in self.taken:
            name, n = f"{hint}.{n}", n + 1
        self.taken.add(name)
        self.names[x] = name
        return name


def number(n: Node) -> str:
    """A literal; its dtype stands behind it where it is none of the usual ones."""
    text = show_literal(n.attrs)
    return text if n.dtype in (F64, I64, BOOL) else f"{text}:{n.dtype}"


def strides_text(b: Buffer) -> str:
    return "" if b.strides is None else f" by {numbers(b.strides)}"


def numbers(ns: tuple[int, ...]) -> str:
    return "[" + ",".join(map(str, ns)) + "]"


class Printer:
    """Prints one kernel."""

    def __init__(self) -> None:
        self.lines: list[str] = []
        self.buffers, self.vars, self.accumulators = UniqueNames("b"), UniqueNames("i"), UniqueNames("acc")
        self.cells, self.tapes = UniqueNames("v"), UniqueNames("tape")
        self.names: dict[Node, str] = {}
        self.depth: dict[Node, int] = {}
        self.shared: dict[Node, int] = {}

    # expressions ----------------------------------------------------------------------------------------------------
    def show(self, n: Node) -> str:
        """A node as an expression; what has a name by its name."""
        name = self.names.get(n)
        return self.expression(n) if name is None else name

    def expression(self, n: Node) -> str:
        return _SHOW[n.kind](self, n)

    def address(self, a: Affine) -> str:
        text = ""
        for atom, weight in a.terms.items():
            shown = self.vars(atom) if isinstance(atom, Var) else self.atom(atom)
            if is_open(weight):
                text += (" + " if text else "") + f"{factor(weight)}*{shown}"
            else:
                text = joined(text, weight, shown if abs(weight) == 1 else f"{abs(weight)}*{shown}", f"-1*{shown}")
        if is_open(a.const):
            const = a.const.text
            return text + (" + " if text else "") + (f"({const})" if const.startswith("-") else const)
        return joined(text, a.const, str(abs(a.const)), str(a.const)) if a.const or not text else text

    def atom(self, n: Node) -> str:
        return self.names.get(n) or "{" + self.expression(n) + "}"

    def const(self, n: Node) -> str:
        return number(n)

    def index(self, n: Node) -> str:
        return f"index({self.address(n.attrs)})" + ("" if n.dtype is I64 else f":{n.dtype}")

    def load(self, n: Node) -> str:
        buffer, address = n.attrs
        return f"{self.buffers(buffer)}{version(n.args[0] if n.args else None)}[{self.address(address)}]"

    def total(self, n: Node) -> str:
        return self.accumulators(n.attrs)

    def check(self, n: Node) -> str:
        first, *extent = n.args
        limit = self.show(extent[0]) if extent else f"size {n.attrs}" if is_open(n.attrs) else n.attrs
        return f"check({self.show(first)} < {limit})"

    def cell(self, n: Node) -> str:
        return f"read {self.cells(n.attrs[0])}"

    def apply(self, n: Node) -> str:
        op, attrs = n.attrs
        args = [self.show(a) for a in n.args]
        if op in INFIX and len(args) == 2 and not attrs:
            return f"({args[0]} {INFIX[op]} {args[1]})"
        kinds = OPS[op].attrs
        args += [f"{name}={kinds[name].show(a, str)}" for name, a in attrs]
        return f"{op}({', '.join(args)})"

    # names of expressions -------------------------------------------------------------------------------------------
    def count(self, body: list[Stmt]) -> None:
        """Count how often each node is named by another or by a statement."""
        for s in body:
            for root in roots_of(s):
                for n in in_order(root, self.shared.__contains__):
                    self.shared[n] = 0
                    for a in operands(n):
                        self.shared[a] += 1
                self.shared[root] += 1
            for block in inner(s):
                self.count(block)

    def name(self, root: Node, pad: str) -> None:
        """Name what is used more than once, and parts of long expressions, before the statement that needs them."""
        for n in in_order(root, self.depth.__contains__):
            depth = self.depth[n] = 1 + max((self.depth[a] for a in operands(n)), default=0)
            if n.kind == "check" or (n.kind == "apply" and (self.shared.get(n, 0) > 1 or depth > LONG)):
                self.depth[n] = 0
                text = self.expression(n)
                self.lines.append(f"{pad}{self.fresh(n)} = {text}{where(n)}")

    def fresh(self, n: Node) -> str:
        self.names[n] = name = f"%{len(self.names)}"
        return name

    def name_outside(self, s: LoopStmt, pad: str, outside: frozenset[Var]) -> None:
        """Name in front of a loop what is evaluated in front of it."""
        for x in statements_in(s):
            for root in roots_of(x):
                for n in in_order(root, self.depth.__contains__):
                    if n.vars <= outside and n.kind in ("apply", "check"):
                        self.name(n, pad)

    # statements -----------------------------------------------------------------------------------------------------
    def body(self, body: list[Stmt], pad: str, outside: frozenset[Var]) -> None:
        for s in body:
            if isinstance(s, LoopStmt):
                self.name_outside(s, pad, outside)
            for n in named_before(s):
                self.name(n, pad)
            _STATEMENTS[type(s)](self, s, pad, outside)

    def line(self, pad: str, text: str) -> None:
        self.lines.append(pad + text)

    def loop(self, s: LoopStmt, pad: str, outside: frozenset[Var]) -> None:
        how = f"  lanes={s.lanes}" if s.lanes > 1 else ""
        how += f" unroll={s.unroll}" if s.unroll > 1 else ""
        how += (" exact" if s.exact else "") + (" written_out" if s.written_out else "") + asks(s.asks)
        how += serial(s.serial)
        trip_count = "" if s.trip_count is None else f" trip_count {self.show(s.trip_count)}"
        self.line(pad, f"for {self.vars(s.var)} in {s.var.lo}..{upper(s.var.hi)}{trip_count}:{how}")
        self.body(s.body, pad + "  ", outside | s.var.vars)
        self.vars.forget(s.var)

    def store(self, s: Store, pad: str, outside: frozenset[Var]) -> None:
        op = f"{s.combine}=" if s.combine else "="
        self.line(pad, f"{self.buffers(s.buffer)}[{self.address(s.address)}] {op} {self.show(s.node)}{fused(s)}")

    def start(self, s: Start, pad: str, outside: frozenset[Var]) -> None:
        self.line(pad, f"start {self.accumulators(s.acc)}: {s.acc.op} {s.acc.dtype}")

    def accumulate(self, s: Accumulate, pad: str, outside: frozenset[Var]) -> None:
        text = f"{self.accumulators(s.acc)} {s.acc.op}= {self.show(s.node)}"
        if s.position is not None:
            text += f" at {self.address(s.position)}"
        if s.store is not None:
            text += f" into {self.buffers(s.store[0])}[{self.address(s.store[1])}]"
        self.line(pad, text + fused(s))

    def finish(self, s: Finish, pad: str, outside: frozenset[Var]) -> None:
        self.line(pad, f"finish {self.accumulators(s.acc)}")

    def let(self, s: Let, pad: str, outside: frozenset[Var]) -> None:
        if s.node in self.names:
            self.line(pad, f"let {self.names[s.node]}")
        else:
            self.depth[s.node] = 0
            text = self.expression(s.node)
            self.line(pad, f"let {self.fresh(s.node)} = {text}{where(s.node)}")

    def assign(self, s: Assign, pad: str, outside: frozenset[Var]) -> None:
        cells = ", ".join(map(self.cells, s.cells))
        self.line(pad, f"set {cells} = {', '.join(map(self.show, s.nodes))}")

    def repeat(self, s: Repeat, pad: str, outside: frozenset[Var]) -> None:
        bounds = ", ".join(map(self.show, (s.lo, s.hi, s.step)))
        lo, hi = (str(x) if is_open(x) or abs(x) < ANYWHERE else "" for x in (s.var.lo, s.var.hi))
        within = f" within {lo}..{hi}" if lo or hi else ""
        self.line(pad, f"repeat {self.vars(s.var)} in range({bounds}){within}:{asks(s.asks)}{serial(s.serial)}")
        self.body(s.body, pad + "  ", outside | s.var.vars)
        self.vars.forget(s.var)

    def while_(self, s: WhileStmt, pad: str, outside: frozenset[Var]) -> None:
        self.line(pad, f"while {self.vars(s.var)}:{asks(s.asks)}")
        deeper, within = pad + "  ", outside | s.var.vars
        self.body(s.head, deeper, within)
        self.name(s.cond, deeper)
        self.line(deeper, f"stop unless {self.show(s.cond)}")
        self.body(s.body, deeper, within)
        self.vars.forget(s.var)

    def if_(self, s: IfStmt, pad: str, outside: frozenset[Var]) -> None:
        self.line(pad, f"if {self.show(s.cond)}:")
        self.body(s.then, pad + "  ", outside)
        self.line(pad, "else:")
        self.body(s.other, pad + "  ", outside)

    def chunks(self, s: Chunks, pad: str, outside: frozenset[Var]) -> None:
        how = f"least={s.sizes.least} fewest={s.sizes.fewest} most={s.sizes.most} unit={s.sizes.unit}"
        self.line(pad, f"chunks {self.vars(s.var)} of {s.extent} as {s.lo}, {s.trip_count}: {how}")
        self.body(s.body, pad + "  ", outside | s.var.vars)
        self.vars.forget(s.var)
        if s.moves:
            self.line(pad, "moves:")
            self.body(s.moves, pad + "  ", outside)

    def exchange(self, s: Exchange, pad: str, outside: frozenset[Var]) -> None:
        self.line(pad, f"exchange {self.buffers(s.one)}, {self.buffers(s.other)}")

    def rewind(self, s: Rewind, pad: str, outside: frozenset[Var]) -> None:
        self.line(pad, f"rewind {self.tapes(s.tape)}" + (f" {s.nbytes} bytes" if is_open(s.nbytes) or s.nbytes else ""))

    def record(self, s: Push | Pop, pad: str, outside: frozenset[Var]) -> None:
        verb = "push" if isinstance(s, Push) else "pop"
        entries = ", ".join(f"{self.buffers(b)}: {b.dtype}{numbers(b.shape)} {self.show(n)} bytes"
                            for b, n in s.entries)
        self.line(pad, f"{verb} {self.tapes(s.tape)}: {entries}")

    def call(self, s: Call, pad: str, outside: frozenset[Var]) -> None:
        reads, writes = (", ".join(map(self.view, views)) for views in (s.reads, s.writes))
        text = f"call {s.routine}({reads}) -> ({writes})"
        text += (f" work={s.work!r}" if s.work else "") + serial(s.serial)
        text += f" with {without_sizes(s.attrs)!r}" if s.attrs else ""
        self.line(pad, text + (f"  ; {s.loc}" if s.loc else ""))

    def view(self, v: View) -> str:
        offset = v.offset if isinstance(v.offset, Affine) else Affine({}, v.offset)
        return (f"{self.buffers(v.buffer)}{version(v.version)}[{self.address(offset)}; "
                f"{numbers(v.shape)} by {numbers(v.strides)}]")

    # the whole ------------------------------------------------------------------------------------------------------
    def program(self, p: Program) -> str:
        self.line("", f"kernel @{p.name}:")
        for d in p.sizes:
            self.vars.taken.add(d.name)
            self.line("  ", f"size {d.name}: {d.example} {json.dumps(d.words)}")
        for b in (*p.inputs, *p.outputs, *p.workspace, *p.literals):
            self.line("  ", self.buffer(b))
        self.count(p.body)
        self.body(p.body, "  ", frozenset())
        return "\n".join(self.lines) + "\n"

    def buffer(self, b: Buffer) -> str:
        text = f"{b.role} {self.buffers(b)}: {b.dtype}{numbers(b.shape)}{strides_text(b)}"
        if b.data is not None:
            text += f" = {show_literal(b.data.ravel())}"
        text += f" at {b.offset}" if is_open(b.offset) or b.offset >= 0 else ""
        return text + (" moves" if b.moves else "") + (" changing" if b.changing else "")


def statements_in(s: Stmt) -> list[Stmt]:
    return [s, *(y for block in inner(s) for x in block for y in statements_in(x))]


def factor(size: Size) -> str:
    """A size as it stands in a product."""
    return f"({size.text})" if len(size.terms) > 1 or size.text.startswith("-") else size.text


def without_sizes(x: Any) -> Any:
    """A routine's attributes as Python's literals, in which open sizes are `("size", text)`."""
    if isinstance(x, dict):
        return {k: without_sizes(v) for k, v in x.items()}
    if is_open(x):
        return "size", x.text
    return tuple(map(without_sizes, x)) if isinstance(x, tuple) else x


def joined(text: str, weight: int, shown: str, alone: str) -> str:
    """The text with one term more; `alone` is how one with a minus sign stands at the beginning."""
    if text:
        return f"{text} {'+' if weight >= 0 else '-'} {shown}"
    return shown if weight >= 0 else alone if weight == -1 else f"-{shown}"


def named_before(s: Stmt) -> Sequence[Node]:
    """The expressions whose parts get names in front of a statement."""
    if isinstance(s, Let):
        return operands(s.node)
    return () if isinstance(s, WhileStmt) else roots_of(s)


def where(n: Node) -> str:
    return f"  ; {n.loc}" if n.loc else ""


def asks(work: float) -> str:
    return f" asks={work!r}" if work else ""


def fused(s: Store | Accumulate) -> str:
    return " fused" if s.fused else ""


def serial(words: str) -> str:
    return f" serial={json.dumps(words)}" if words else ""


def version(v: Node | None) -> str:
    return "" if v is None else f"#{v.attrs}"


_SHOW = {"const": Printer.const, "index": Printer.index, "load": Printer.load, "total": Printer.total,
         "check": Printer.check, "cell": Printer.cell, "apply": Printer.apply}

_STATEMENTS: dict[type[Stmt], Any] = {
    LoopStmt: Printer.loop, Store: Printer.store, Start: Printer.start, Accumulate: Printer.accumulate,
    Finish: Printer.finish, Let: Printer.let, Assign: Printer.assign, Repeat: Printer.repeat, WhileStmt: Printer.while_,
    Chunks: Printer.chunks,
    IfStmt: Printer.if_, Exchange: Printer.exchange, Rewind: Printer.rewind, Push: Printer.record, Pop: Printer.record,
    Call: Printer.call,
}


def print_program(p: Program) -> str:
    """The kernel as indented text."""
    return Printer().program(p)


def show(n: Node) -> str:
    """One expression, for messages."""
    return Printer().show(n)


__all__ = ["INFIX", "print_program", "show"]
