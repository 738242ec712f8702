"""The loop IR: nests of loops over buffers, with scalar expressions in their bodies.

A `Program` is a list of steps; a step is a statement (`Loop`, `Store`, ...) or a `Call` into BLAS or a routine. The
expressions are hash-consed nodes, so that what two statements share is computed once; a node is evaluated in the
outermost loop that binds all of its loop variables. Every extent is known here.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from math import prod
from typing import Any

import numpy as np

from ..ir import DType, Loc
from .affine import Affine, Var


@dataclass(eq=False)
class Buffer:
    """Memory for an array: contiguous elements in row-major order of `shape`.

    role: `input` and `output` are the caller's, `workspace` is planned (at `offset` bytes), `literal` is constant data.
    """

    name: str
    dtype: DType
    shape: tuple[int, ...]
    role: str
    data: np.ndarray | None = None
    offset: int = -1

    @property
    def size(self) -> int:
        return prod(self.shape)

    @property
    def nbytes(self) -> int:
        return self.size * self.dtype.itemsize

    def __str__(self) -> str:
        return f"{self.name}: {self.dtype}[{','.join(map(str, self.shape))}] {self.role}"


class Node:
    """A scalar expression. `kind` says what `args` and `attrs` mean:

    const: attrs = the number. index: attrs = an Affine. load: attrs = (buffer, address).
    apply: attrs = (operation name, ((attribute, value), ...)), args = operands.
    total: attrs = an Accumulator, whose final value it reads. check: args = an index, attrs = its extent (range check).
    """

    __slots__ = ("kind", "args", "attrs", "dtype", "vars", "loc", "__weakref__")

    def __init__(self, kind: str, args: tuple[Node, ...], attrs: Any, dtype: DType, vars: frozenset[Var],
                 loc: Loc | None = None):
        self.kind = kind
        self.args = args
        self.attrs = attrs
        self.dtype = dtype
        self.vars = vars
        self.loc = loc

    def __repr__(self) -> str:
        return show(self)


def operands(n: Node) -> tuple[Node, ...]:
    """What a node is computed from: its arguments and the computed parts of its address."""
    if n.kind == "load":
        return tuple(a for a in n.attrs[1].terms if isinstance(a, Node))
    return n.args


def in_order(root: Node, done: Callable[[Node], bool]) -> Iterator[Node]:
    """`root` and what it needs, operands first, without what is `done`. Chains may be long: no recursion."""
    stack = [(root, False)]
    while stack:
        n, ready = stack.pop()
        if done(n):
            continue
        if ready:
            yield n
            continue
        stack.append((n, True))
        stack.extend((a, False) for a in reversed(operands(n)))


class Nodes:
    """Makes nodes, each distinct one once."""

    def __init__(self) -> None:
        self.known: dict[Any, Node] = {}

    def make(self, kind: str, args: tuple[Node, ...], attrs: Any, dtype: DType, vars: frozenset[Var],
             loc: Loc | None = None) -> Node:
        key = (kind, args, attrs, dtype)
        node = self.known.get(key)
        if node is None:
            node = self.known[key] = Node(kind, args, attrs, dtype, vars, loc)
        return node

    def const(self, value: Any, dtype: DType) -> Node:
        # -0.0 == 0.0 and nan != nan, so literals are told apart by their bytes.
        raw = np.asarray(value, dtype.np)
        key = ("const", raw.tobytes(), dtype)
        node = self.known.get(key)
        if node is None:
            node = self.known[key] = Node("const", (), raw[()], dtype, frozenset())
        return node

    def index(self, a: Affine, dtype: DType) -> Node:
        return self.make("index", (), a, dtype, a.vars)

    def load(self, buffer: Buffer, address: Affine) -> Node:
        return self.make("load", (), (buffer, address), buffer.dtype, address.vars)

    def apply(self, op: str, args: tuple[Node, ...], dtype: DType, attrs: dict[str, Any] | None = None,
              loc: Loc | None = None) -> Node:
        vars = frozenset().union(*(a.vars for a in args)) if args else frozenset()
        return self.make("apply", args, (op, tuple((attrs or {}).items())), dtype, vars, loc)


@dataclass(eq=False)
class Accumulator:
    """The running value of a reduction, held in registers. `op` is the combining operation: sum, prod, max, ..."""

    op: str
    dtype: DType
    name: str


@dataclass(eq=False)
class Stmt:
    """Base of what stands in a loop's body."""


@dataclass(eq=False)
class Store(Stmt):
    """buffer[address] = node, or combined with what is there: `combine` names the operation (`sum`, `max`, ...)."""

    buffer: Buffer
    address: Affine
    node: Node
    combine: str | None = None


@dataclass(eq=False)
class Start(Stmt):
    """Set an accumulator to its identity."""

    acc: Accumulator


@dataclass(eq=False)
class Accumulate(Stmt):
    """Combine `node` into the accumulator.

    position: for argmax and argmin, the index that goes with the node. store: for scans, where each new value goes.
    """

    acc: Accumulator
    node: Node
    position: Affine | None = None
    store: tuple[Buffer, Affine] | None = None


@dataclass(eq=False)
class Finish(Stmt):
    """Bind the node that reads the accumulator's final value."""

    acc: Accumulator
    total: Node


@dataclass(eq=False)
class Loop(Stmt):
    """Run the body for each value of `var`. `lanes` > 1: so many values at once; `unroll`: so many vectors a turn."""

    var: Var
    body: list[Stmt]
    lanes: int = 1
    unroll: int = 1


@dataclass(frozen=True, eq=False)
class View:
    """Elements of a buffer: element (i, j, ...) stands at `offset + i*strides[0] + j*strides[1] + ...`."""

    buffer: Buffer
    offset: Affine | int
    strides: tuple[int, ...]
    shape: tuple[int, ...]

    def __str__(self) -> str:
        shape, strides = (",".join(map(str, x)) for x in (self.shape, self.strides))
        return f"{self.buffer.name}[{self.offset}; {shape} by {strides}]"


@dataclass(eq=False)
class Call(Stmt):
    """A routine on whole arrays: `gemm`, `sort`, ... `reads` and `writes` are views; attrs are the routine's own."""

    routine: str
    reads: tuple[View, ...]
    writes: tuple[View, ...]
    attrs: dict[str, Any] = field(default_factory=dict)
    loc: Loc | None = None


@dataclass(eq=False)
class Program:
    """A lowered function: what its kernel reads, writes and does."""

    name: str
    inputs: list[Buffer]
    outputs: list[Buffer]
    workspace: list[Buffer]
    literals: list[Buffer]
    body: list[Stmt]
    workspace_bytes: int = 0

    def __str__(self) -> str:
        return print_program(self)


# text -----------------------------------------------------------------------------------------------------------------

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
        return f"check({args[0]} < {n.attrs})"
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
            if isinstance(s, Loop):
                self.uses(s.body, seen)
            elif isinstance(s, (Store, Accumulate)):
                for n in in_order(s.node, seen.__contains__):
                    seen[n] = 0
                    for a in operands(n):
                        seen[a] += 1
                seen[s.node] += 1

    def let(self, root: Node, shared: dict[Node, int], pad: str) -> None:
        """Name what is used more than once, and parts of long expressions, before the statement that needs them."""
        for n in in_order(root, self.depth.__contains__):
            depth = self.depth[n] = 1 + max((self.depth[a] for a in n.args), default=0)
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
                self.lines.append(f"{pad}for {s.var} in {s.var.lo}..{s.var.hi}:{how}")
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
