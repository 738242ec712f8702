"""Loop nests as text: the `loops` stage of a dump."""

from __future__ import annotations

from .loops import (
    Accumulate,
    Assign,
    Call,
    Exchange,
    If,
    Loop,
    Node,
    Pop,
    Program,
    Push,
    Repeat,
    Rewind,
    Start,
    Stmt,
    Store,
    While,
    direct_nodes,
    in_order,
    inner,
    operands,
)

_INFIX = {"add": "+", "sub": "-", "mul": "*", "div": "/", "lt": "<", "le": "<=", "gt": ">", "ge": ">=", "eq": "==",
          "ne": "!=", "and": "&", "or": "|", "xor": "^"}


def show(n: Node, names: dict[Node, str] | None = None) -> str:
    """A node as an expression; nodes in `names` by their names."""
    if names and n in names:
        return names[n]
    args = [show(a, names) for a in n.args]
    if n.kind == "const":
        return repr(n.attrs.item())
    if n.kind == "index":
        return f"({n.attrs!r})"
    if n.kind == "load":
        return f"{n.attrs[0].name}[{n.attrs[1]!r}]"
    if n.kind == "total":
        return n.attrs.name
    if n.kind == "check":
        return f"check({args[0]} < {args[1] if len(args) > 1 else n.attrs})"
    if n.kind == "cell":
        return n.attrs[0].name
    if n.kind == "version":
        return f"#{n.attrs}"
    op = n.attrs[0]
    if op in _INFIX and len(args) == 2:
        return f"({args[0]} {_INFIX[op]} {args[1]})"
    return f"{op}({', '.join(args)})"


LONG = 12
"""Operations nested in one printed expression."""


class _Text:
    def __init__(self) -> None:
        self.lines: list[str] = []
        self.names: dict[Node, str] = {}
        self.depth: dict[Node, int] = {}
        self.count = 0

    def uses(self, body: list[Stmt], seen: dict[Node, int]) -> None:
        """Count how often each node is named by another or by a statement."""
        for s in body:
            for root in direct_nodes(s):
                for n in in_order(root, seen.__contains__):
                    seen[n] = 0
                    for a in operands(n):
                        seen[a] += 1
                seen[root] += 1
            for block in inner(s):
                self.uses(block, seen)

    def let(self, root: Node, shared: dict[Node, int], pad: str) -> None:
        """Name what is used more than once, and parts of long expressions, before the statement that needs them."""
        for n in in_order(root, self.depth.__contains__):
            depth = self.depth[n] = 1 + max((self.depth[a] for a in operands(n)), default=0)
            if n.kind == "apply" and (shared.get(n, 0) > 1 or depth > LONG):
                self.depth[n] = 0
                text = show(n, self.names)
                self.names[n] = f"t{self.count}"
                self.count += 1
                self.lines.append(f"{pad}{self.names[n]} = {text}" + (f"  ; {n.loc}" if n.loc else ""))

    def body(self, body: list[Stmt], pad: str, shared: dict[Node, int]) -> None:
        for s in body:
            if isinstance(s, Loop):
                how = f"  lanes={s.lanes}" + (f" unroll={s.unroll}" if s.unroll > 1 else "") if s.lanes > 1 else ""
                hi = s.var.hi if s.turns is None else show(s.turns, self.names)
                self.lines.append(f"{pad}for {s.var} in {s.var.lo}..{hi}:{how}")
                self.body(s.body, pad + "  ", shared)
            elif isinstance(s, Store):
                self.let(s.node, shared, pad)
                op = f"{s.combine}=" if s.combine else "="
                self.lines.append(f"{pad}{s.buffer.name}[{s.address!r}] {op} {show(s.node, self.names)}")
            elif isinstance(s, Accumulate):
                self.let(s.node, shared, pad)
                self.lines.append(f"{pad}{s.acc.name} {s.acc.op}= {show(s.node, self.names)}")
            elif isinstance(s, Start):
                self.lines.append(f"{pad}{s.acc.name} = identity of {s.acc.op}")
            elif isinstance(s, Call):
                views = ", ".join(map(str, (*s.writes, *s.reads)))
                self.lines.append(f"{pad}{s.routine}({views})" + (f"  ; {s.loc}" if s.loc else ""))
            else:
                self.flow(s, pad, shared)

    def flow(self, s: Stmt, pad: str, shared: dict[Node, int]) -> None:
        """The program's own control flow, variables and tapes."""
        names, deeper = self.names, pad + "  "
        if not isinstance(s, While):
            for n in direct_nodes(s):
                self.let(n, shared, pad)
        if isinstance(s, Assign):
            for cell, n in zip(s.cells, s.nodes, strict=True):
                self.lines.append(f"{pad}{cell.name} = {show(n, names)}")
        elif isinstance(s, Repeat):
            bounds = ", ".join(show(n, names) for n in (s.lo, s.hi, s.step))
            self.lines.append(f"{pad}repeat {s.var} in range({bounds}):")
            self.body(s.body, deeper, shared)
        elif isinstance(s, While):
            self.lines.append(f"{pad}while:")
            self.body(s.head, deeper, shared)
            self.let(s.cond, shared, deeper)
            self.lines.append(f"{deeper}stop unless {show(s.cond, names)}")
            self.body(s.body, deeper, shared)
        elif isinstance(s, If):
            self.lines.append(f"{pad}if {show(s.cond, names)}:")
            self.body(s.then, deeper, shared)
            self.lines.append(f"{pad}else:")
            self.body(s.other, deeper, shared)
        elif isinstance(s, Exchange):
            self.lines.append(f"{pad}exchange {s.one.name}, {s.other.name}")
        elif isinstance(s, Rewind):
            self.lines.append(f"{pad}rewind {s.tape.name}" + (f", {s.nbytes} bytes" if s.nbytes else ""))
        elif isinstance(s, (Push, Pop)):
            verb = "push" if isinstance(s, Push) else "pop"
            entries = ", ".join(f"{b.name} ({show(n, names)} bytes)" for b, n in s.entries)
            self.lines.append(f"{pad}{verb} {s.tape.name}: {entries}")


def print_program(p: Program) -> str:
    """The loop nests as indented text."""
    t = _Text()
    t.lines.append(f"kernel @{p.name}:")
    for b in (*p.inputs, *p.outputs, *p.literals, *p.workspace):
        at = f" at {b.offset}" if b.role == "workspace" else ""
        t.lines.append(f"  buffer {b}{at}")
    shared: dict[Node, int] = {}
    t.uses(p.body, shared)
    t.body(p.body, "  ", shared)
    return "\n".join(t.lines) + "\n"
