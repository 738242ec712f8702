"""The loop IR: nests of loops over buffers, with scalar expressions in their bodies.

A `Program` is a list of steps; a step is a statement (`LoopStmt`, `Store`, ...) or a `Call` into BLAS or a routine. The
expressions are hash-consed nodes, so that what two statements share is computed once; a node is evaluated in the
outermost loop that binds all of its loop variables. Every extent is known here.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import field
from math import inf, prod
from typing import Any

import numpy as np

from ..ir import DType, Loc
from ..ir.ranges import range_length
from ..ir.size_conditions import SizeCondition
from ..ir.sizes import Dim
from ..records import dataclass
from .affine import Affine, Var
from .symbolic import upper


@dataclass(eq=False)
class Buffer:
    """Memory for an array: contiguous elements in row-major order of `shape`, which has bounds in the place of extents
    that are computed at run time.

    role: `input` and `output` are the caller's, `workspace` is planned (at `offset` bytes), `literal` is constant data,
        `local` is small and stands on the stack or in registers, `tape` is a part of a record on a tape.
    """

    name: str
    dtype: DType
    shape: tuple[int, ...]
    role: str
    data: np.ndarray | None = None
    offset: int = -1
    strides: tuple[int, ...] | None = None  # of the caller's memory, where it is not in row-major order
    moves: bool = False  # where it stands changes while the program runs: see Exchange
    changing: bool = False  # written again after it has been read

    def __post_init__(self) -> None:
        self.shape = tuple(map(upper, self.shape))

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
    total: attrs = an Accumulator, whose final value it reads. check: args = an index, attrs = its extent (range check);
        an extent that is computed is the second of args.
    cell: attrs = (a Cell, a serial number): what the cell holds when the node is evaluated, at its Let.
    version: attrs = a serial number. The args of a load from memory that changes: it holds for one state of it.
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
        from .loopir.printer import show
        return show(self)


def operands(n: Node) -> tuple[Node, ...]:
    """What a node is computed from: its arguments and the computed parts of its address, or of the index that it is."""
    if n.kind in ("load", "index"):
        address = n.attrs[1] if n.kind == "load" else n.attrs
        return tuple(a for a in address.terms if isinstance(a, Node))
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
        return self.known.get(key) or self.known.setdefault(key, Node(kind, args, attrs, dtype, vars, loc))

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

    def load(self, buffer: Buffer, address: Affine, version: Node | None = None) -> Node:
        args = () if version is None else (version,)
        key = ("load", args, (buffer, address), buffer.dtype)
        if (known := self.known.get(key)) is not None:
            return known
        vars = address.vars if version is None else address.vars | version.vars
        return self.make("load", args, (buffer, address), buffer.dtype, vars)

    def apply(self, op: str, args: tuple[Node, ...], dtype: DType, attrs: dict[str, Any] | None = None,
              loc: Loc | None = None) -> Node:
        named = (op, tuple(attrs.items()) if attrs else ())
        if (known := self.known.get(("apply", args, named, dtype))) is not None:
            return known
        return self.make("apply", args, named, dtype, frozenset().union(*[a.vars for a in args]), loc)


@dataclass(eq=False)
class Cell:
    """A scalar variable, held in a register: what a loop of the program carries, what a branch gives."""

    name: str
    dtype: DType


@dataclass(eq=False)
class Tape:
    """A stack of bytes, one allocation that grows: where a loop keeps what its reverse reads."""

    name: str


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
    """buffer[address] = node, or combined with what is there: `combine` names the operation (`sum`, `max`, ...).

    fused: the node is a product, which is rounded with the sum.
    """

    buffer: Buffer
    address: Affine
    node: Node
    combine: str | None = None
    fused: bool = False


@dataclass(eq=False)
class Start(Stmt):
    """Set an accumulator to its identity."""

    acc: Accumulator


@dataclass(eq=False)
class Accumulate(Stmt):
    """Combine `node` into the accumulator.

    position: for argmax and argmin, the index that goes with the node. store: for scans, where each new value goes.
    fused: the node is a product, which is rounded with the sum. loc: the reduction's line.
    """

    acc: Accumulator
    node: Node
    position: Affine | None = None
    store: tuple[Buffer, Affine] | None = None
    fused: bool = False
    loc: Loc | None = None


@dataclass(eq=False)
class Finish(Stmt):
    """Bind the node that reads the accumulator's final value."""

    acc: Accumulator
    total: Node


@dataclass(eq=False)
class LoopStmt(Stmt):
    """Run the body for each value of `var`. `lanes` > 1: so many values at once; `unroll`: so many vectors an
    iteration.

    iterations: the number of iterations where it is computed (`var.hi` is then an upper bound). exact: the last vector
    may not overlap the one before, as the body reads what it writes, adds to what it has set, or would wait for what
    has just been stored. written_out: every iteration is code of its own. asks: the work of an iteration, where the
    loop asks now and then whether the user wants to interrupt (see `interrupts`), as the program's own loops may.
    serial: why a long loop does not run in chunks, in words.
    """

    var: Var
    body: list[Stmt]
    lanes: int = 1
    unroll: int = 1
    trip_count: Node | None = None
    exact: bool = False
    written_out: bool = False
    asks: float = 0.0
    serial: str = ""


# the program's own control flow ---------------------------------------------------------------------------------------
@dataclass(eq=False)
class Let(Stmt):
    """Evaluate the node now: what it loads may be overwritten later."""

    node: Node


@dataclass(eq=False)
class Assign(Stmt):
    """Set cells, all at once."""

    cells: tuple[Cell, ...]
    nodes: tuple[Node, ...]


@dataclass(eq=False)
class Repeat(Stmt):
    """A `for` of the program: `var` runs as Python's range(lo, hi, step)."""

    var: Var
    lo: Node
    hi: Node
    step: Node
    body: list[Stmt]
    asks: float = 0.0
    serial: str = ""


@dataclass(eq=False)
class WhileStmt(Stmt):
    """Run `head` and, as long as `cond` is true then, `body`. `var` stands for the iteration."""

    var: Var
    head: list[Stmt]
    cond: Node
    body: list[Stmt]
    asks: float = 0.0


@dataclass(eq=False)
class IfStmt(Stmt):
    """One of two lists of statements."""

    cond: Node
    then: list[Stmt]
    other: list[Stmt]


@dataclass(frozen=True)
class ChunkSizes:
    """How a loop is cut into chunks: a matter of its number of iterations alone.

    least: about so many iterations a chunk has at least. fewest, most: so many chunks there are at least, or else only
    one, and at most. unit: every chunk but the last is a multiple of it.
    """

    least: int
    fewest: int
    most: int
    unit: int

    def count(self, extent: int) -> int:
        """How many chunks there are of a loop of known extent: none of one without iterations."""
        count = min(extent // self.least, self.most)
        return count if count >= self.fewest else min(extent, 1)

    def bounds(self, extent: int) -> list[tuple[int, int]]:
        """The first iteration of each chunk, and the number of its iterations."""
        count, units = self.count(extent), extent // self.unit
        if count == 0:
            return []
        cuts = [k * units // count * self.unit for k in range(count)]
        return [(lo, hi - lo) for lo, hi in zip(cuts, [*cuts[1:], extent], strict=True)]


@dataclass(eq=False)
class Chunks(Stmt):
    """Run the body for each chunk of a loop of `extent` iterations: in any order or at once, as none sees what another
    does.

    var is the number of the chunk; within the body, `lo` is its first iteration, and `trip_count` how many it has.
    moves: what the body does to memory that moves, to tapes and cells. Each chunk begins with those as they are in
    front of the loop, and has its own; the kernel itself runs `moves`, once.
    """

    var: Var
    lo: Dim
    trip_count: Dim
    extent: int
    sizes: ChunkSizes
    body: list[Stmt]
    moves: list[Stmt] = field(default_factory=list)

    @property
    def is_of_members(self) -> bool:
        """Whether a chunk runs all iterations of a loop of the program, for some members."""
        return isinstance(self.body[0], Repeat)


@dataclass(eq=False)
class Exchange(Stmt):
    """Two buffers of one size change places: what an iteration has written becomes what the next one reads."""

    one: Buffer
    other: Buffer


@dataclass(eq=False)
class Rewind(Stmt):
    """Empty a tape, and see that it has room for so many bytes (0: not known)."""

    tape: Tape
    nbytes: int = 0


@dataclass(eq=False)
class Push(Stmt):
    """Room on a tape for a record: each buffer (of role `tape`) gets its number of bytes. Stores fill them."""

    tape: Tape
    entries: tuple[tuple[Buffer, Node], ...]


@dataclass(eq=False)
class Pop(Stmt):
    """Take the last record off a tape: each buffer shows its part until the next push."""

    tape: Tape
    entries: tuple[tuple[Buffer, Node], ...]


def inner(s: Stmt) -> tuple[list[Stmt], ...]:
    """The lists of statements inside a statement, in order."""
    blocks = BLOCKS.get(s.__class__)
    return blocks(s) if blocks else ()


BLOCKS: dict[type[Stmt], Callable[[Any], tuple[list[Stmt], ...]]] = {
    LoopStmt: lambda s: (s.body,), Repeat: lambda s: (s.body,), Chunks: lambda s: (s.body, s.moves),
    WhileStmt: lambda s: (s.head, s.body), IfStmt: lambda s: (s.then, s.other),
}
"""Of statements that have statements inside."""


def trips(s: Repeat) -> int | None:
    """How often the body runs, where that is known."""
    if any(n.kind != "const" for n in (s.lo, s.hi, s.step)) or s.step.attrs == 0:
        return None
    return range_length(int(s.lo.attrs), int(s.hi.attrs), int(s.step.attrs))


def direct_nodes(s: Stmt) -> tuple[Node, ...]:
    """The nodes that a statement names itself, addresses aside."""
    named = NAMED.get(s.__class__)
    return named(s) if named else ()


def _node(s: Any) -> tuple[Node, ...]:
    return (s.node,)


def _cond(s: Any) -> tuple[Node, ...]:
    return (s.cond,)


def _sizes(s: Any) -> tuple[Node, ...]:
    return tuple([n for _, n in s.entries])


NAMED: dict[type[Stmt], Callable[[Any], tuple[Node, ...]]] = {
    Store: _node, Accumulate: _node, Let: _node, WhileStmt: _cond, IfStmt: _cond, Push: _sizes, Pop: _sizes,
    Assign: lambda s: s.nodes, Repeat: lambda s: (s.lo, s.hi, s.step),
    LoopStmt: lambda s: () if s.trip_count is None else (s.trip_count,),
}
"""Of statements that name nodes."""


def addresses_of(s: Stmt) -> list[Affine]:
    """The addresses that a statement itself writes to, and the position that it records."""
    kind = s.__class__
    if kind is Store:
        return [s.address]  # type: ignore[attr-defined]
    if isinstance(s, Accumulate):
        return [a for a in (s.position, s.store[1] if s.store else None) if a is not None]
    if isinstance(s, Call):
        return [v.offset for v in (*s.reads, *s.writes) if isinstance(v.offset, Affine)]
    return []


def roots_of(s: Stmt) -> list[Node]:
    """The nodes that a statement evaluates itself, those in its addresses first."""
    return [*[x for a in addresses_of(s) for x in a.terms if isinstance(x, Node)], *direct_nodes(s)]


@dataclass(frozen=True, eq=False)
class View:
    """Elements of a buffer: element (i, j, ...) stands at `offset + i*strides[0] + j*strides[1] + ...`."""

    buffer: Buffer
    offset: Affine | int
    strides: tuple[int, ...]
    shape: tuple[int, ...]
    version: Node | None = None  # of memory that changes while the program runs

    def __str__(self) -> str:
        shape, strides = (",".join(map(str, x)) for x in (self.shape, self.strides))
        return f"{self.buffer.name}[{self.offset}; {shape} by {strides}]"


@dataclass(eq=False)
class Call(Stmt):
    """A routine on whole arrays: `gemm`, `sort`, ... `reads` and `writes` are views; attrs are the routine's own.

    work: what it takes, as `numbers` reckons. serial: why a long one does not run in chunks, in words.
    """

    routine: str
    reads: tuple[View, ...]
    writes: tuple[View, ...]
    attrs: dict[str, Any] = field(default_factory=dict)
    loc: Loc | None = None
    work: float = 0.0
    serial: str = ""


@dataclass(eq=False)
class Program:
    """A lowered function: what its kernel reads, writes and does."""

    name: str
    inputs: list[Buffer]
    outputs: list[Buffer]
    workspace: list[Buffer]
    literals: list[Buffer]
    body: list[Stmt]
    nodes: Nodes = field(default_factory=Nodes)
    workspace_bytes: int = 0
    sizes: list[Dim] = field(default_factory=list)  # the open extents, which the kernel takes first
    conditions: list[SizeCondition] = field(default_factory=list)  # what they must meet
    work: float = inf  # what a call takes, as `numbers` reckons; infinite where it takes long, or nobody knows

    def __str__(self) -> str:
        from .loopir.printer import print_program
        return print_program(self)
