"""The walk over a program: its parts and its steps."""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Sequence
from dataclasses import replace

from ...ir import OPS, ArrayType, Block, Func, Op, Value
from ..affine import Affine, dot
from ..buffers import BufferProgram
from ..buffers.block_reads import LastReads
from ..buffers.in_place import dissolved_into
from ..buffers.language import is_single, own_role
from ..buffers.outputs import changes_memory
from ..elements import whole
from ..extent_bounds import Bounds, most
from ..generate import Generator
from ..loops import Buffer, Let, Node, Nodes, Program, Stmt, Store, Tape, View
from ..memory import plan
from ..part import Home, Part, new_state
from ..tasks import Surroundings, only
from . import effects, steps, tape

STEPS = {**steps.STEPS, **tape.STEPS, **effects.STEPS}
"""Operations that are no part of straight code: `rule(lowering, op) -> statements`."""


class Nests:
    """Lowers a program."""

    def __init__(self, p: BufferProgram):
        self.p = p
        self.nodes = Nodes()
        self.bounds = Bounds(p.func)
        self.fleeting: dict[Value, Op] = {}
        self.homes: dict[Value, Home] = {}
        self.workspace = list(p.workspace)
        self.literals: list[Buffer] = []
        self.count = 0
        self.states: Iterator[int] = itertools.count()
        self.tapes: dict[Value, Tape] = {}
        self.rows = tape.RecordRows(p.func, self.bounds.bound)
        self.is_one_part = not any(op.name in STEPS for op in p.func.ops)

    def run(self) -> Program:
        p = self.p
        body: list[Stmt] = []
        for v in p.func.params:
            body += self.parameter(v)
        body += self.block(p.func.body)
        for group, letter in ((self.workspace, "w"), (self.literals, "c")):
            for k, b in enumerate(group):
                b.name = f"{letter}{k}"
        outputs = [p.outputs[k] for k in range(len(p.outputs))]
        return Program(p.func.name, p.inputs, outputs, self.workspace, self.literals, body, self.nodes)

    # small things -----------------------------------------------------------------------------------------------------
    def home(self, v: Value) -> Home | None:
        return self.homes.get(v)

    def place(self, v: Value) -> View | None:
        """The memory that the program has for a value, if any."""
        return self.p.homes.get(v)

    def serial(self) -> int:
        self.count += 1
        return self.count

    def static(self, t: ArrayType) -> ArrayType:
        """The type with bounds in the place of computed extents: for memory."""
        return most(t, lambda e: self.bounds.extent(e, self.home(e), e))

    def buffer(self, t: ArrayType) -> View:
        """New memory, for a routine alone: none of the program's."""
        static = self.static(t)
        self.workspace.append(Buffer("w", t.dtype, static.extents, own_role(static)))
        return whole(self.workspace[-1])

    def new_tape(self, v: Value) -> Tape:
        """The tape that begins as this value: a new one, unless a branch around has told which."""
        return self.tapes.get(v) or Tape(f"tape{self.serial()}")

    def scalar(self, v: Value) -> Node:
        """The node of the only element of a value."""
        home = self.home(v)
        if isinstance(home, View):
            return self.nodes.load(home.buffer, dot((), (), home.offset), home.version)
        assert isinstance(home, Node), f"{v!r} is no scalar that is known here"
        return home

    def tape(self, v: Value) -> Tape:
        home = self.home(v)
        assert isinstance(home, Tape)
        return home

    def parameter(self, v: Value) -> list[Stmt]:
        home = self.p.homes[v]
        self.homes[v] = home
        if v.type.rank:
            return []
        self.homes[v] = node = self.nodes.load(home.buffer, Affine({}))
        return [Let(node)]

    def renew(self, v: Value, home: View) -> None:
        """The value is what the memory holds from now on."""
        home.buffer.changing = True
        self.homes[v] = replace(home, version=new_state(self))

    # blocks -----------------------------------------------------------------------------------------------------------
    def block(self, block: Block) -> list[Stmt]:
        """The statements of a block."""
        reads = LastReads(block)
        out: list[Stmt] = []
        pending: list[Op] = []
        for k, op in enumerate(block.ops):
            rule = STEPS.get(op.name)
            if rule is None:
                pending.append(op)
            if rule is not None or changes_memory(self.p, op):
                out += self.part(reads, pending, k if rule else k + 1)
                pending = []
            if rule is not None:
                out += rule(self, op)
        return out + self.part(reads, pending, len(block.ops))

    def part(self, reads: LastReads, ops: Sequence[Op], k: int) -> list[Stmt]:
        """The statements of some operations, with homes for what is read from position k on."""
        if not ops:
            return []
        in_place = ops[-1] if changes_memory(self.p, ops[-1]) else None
        targets, singles, fleeting = self.results(reads, ops, k)
        part = Part(self, in_place)
        for op in ops:
            part.op(op)
        body, nodes = self.written(part, targets, singles, in_place)
        for v, view in targets.items():
            self.homes[v] = view
        if in_place:
            self.renew(in_place.result, targets[in_place.result])
        self.homes.update(nodes)
        self.fleeting.update(fleeting)
        return body + [Let(n) for n in nodes.values() if n.kind != "const"]

    def written(self, part: Part, targets: dict[Value, View], singles: Sequence[Value], in_place: Op | None = None
                ) -> tuple[list[Stmt], dict[Value, Node]]:
        """The loops of a part, and the nodes of the single elements that are wanted of it."""
        views = {part.now[v]: replace(home, shape=part.now[v].type.extents) for v, home in targets.items()}
        part.block.results = tuple(part.now[v] for v in (*targets, *singles))
        changed = {part.now[in_place.result]} if in_place else set()
        frame = Surroundings(self.nodes, part.homes, views, [part.now[v] for v in singles], changed,
                             not self.is_one_part)
        func = Func(self.p.func.name, part.block)
        p = plan(func, frame, self.overwritten(part, func, views))
        body = Generator(p).block(p.root.items, {})
        e = p.low.elements
        nodes = {v: e.shown(e.at(part.now[v], only(v))) for v in singles}
        for b in p.low.workspace:
            b.role = "workspace" if self.is_one_part else own_role(b)
        self.workspace += p.low.workspace
        self.literals += [v.buffer for v in e.literals.values()]
        return body, nodes

    def overwritten(self, part: Part, func: Func, views: dict[Value, View]) -> set[Value]:
        """What is computed from memory that the part overwrites, and so must not be computed before."""
        filled = {view.buffer for view in views.values()}
        read = {v for v, home in part.homes.items() if isinstance(home, View) and home.buffer in filled}
        return dissolved_into(func, read) if read else set()

    def results(self, reads: LastReads, ops: Sequence[Op], k: int
                ) -> tuple[dict[Value, View], list[Value], dict[Value, Op]]:
        """What a part has memory for, the single elements that are read from position k on, and the values that are
        written again where they are read from there on."""
        targets: dict[Value, View] = {}
        singles: list[Value] = []
        fleeting: dict[Value, Op] = {}
        wanted: set[Value] = set()
        for op in reversed(ops):
            for r in op.results:
                place = self.place(r)
                if place is not None:
                    targets[r] = place
                elif not (r in wanted or reads.is_read_from(r, k)):
                    continue
                elif is_single(r.type):
                    singles.append(r)
                else:
                    assert OPS[op.name].is_free, f"{r!r} has no memory"
                    fleeting[r] = op
                    wanted.update(op.uses())
                wanted.update(e for e in r.type.shape if isinstance(e, Value))
        return dict(reversed(targets.items())), singles[::-1], fleeting

    def put(self, v: Value, view: View) -> list[Stmt]:
        """Store a value's elements in given memory."""
        home = self.home(v)
        if isinstance(home, Node):
            return [Store(view.buffer, Affine({}), home)]
        part = Part(self)
        part.value(v)
        return self.written(part, {v: view}, ())[0]
