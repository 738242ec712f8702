"""The walk over a program: parts and steps, memory, changes in place."""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Sequence
from dataclasses import replace
from typing import Any

from ...errors import UnsupportedError
from ...ir import I64, OPS, ArrayType, Func, Op, Value, captures
from ...ir.ranges import Ranges, owners_of, upper_bounds
from ...ir.sizes import is_open
from ...records import dataclass
from ..affine import Affine, dot
from ..elements import whole
from ..generate import Generator
from ..loops import Buffer, Let, Node, Nodes, Program, Stmt, Store, Tape, View
from ..lower.movement import is_large
from ..memory import plan
from ..symbolic import Extent, upper
from ..tasks import Surroundings, only
from . import effects, steps, tape
from .block_state import BlockState
from .carried_memory import Place, straight
from .hazards import conflicts, is_single, is_whole
from .part import Part

SMALL = 16
"""Elements up to which an array is held on the stack, from where LLVM takes it into registers."""

STEPS = {**steps.STEPS, **tape.STEPS, **effects.STEPS}
"""Operations that are no part of straight code: `rule(lowering, scope, position, op) -> statements`."""


@dataclass(eq=False)
class Draft:
    """Operations as a part, which may be planned more than once; what was found to need memory stays."""

    part: Part
    memory: set[Value]

    @classmethod
    def of(cls, lowering: Regions, scope: BlockState, ops: Sequence[Op], given: Iterable[Value],
           in_place: Op | None = None) -> Draft:
        part = Part(lowering, scope, in_place)
        for op in ops:
            part.op(op)
        for v in given:
            part.value(v)
        return cls(part, set())


class Regions:
    """Lowers a function."""

    def __init__(self, func: Func, layouts: Sequence[tuple[int, ...] | None] = ()):
        self.func = func
        self.layouts = (*layouts, *(None,) * (len(func.params) - len(layouts)))
        self.nodes = Nodes()
        self.ranges = Ranges(owners_of(func))
        self.inputs: list[Buffer] = []
        self.workspace: list[Buffer] = []
        self.literals: list[Buffer] = []
        self.changing: set[Buffer] = set()
        self.count = 0
        self.versions = itertools.count()
        self.tapes: dict[Value, Tape] = {}
        self.bounds = upper_bounds(func, self.ranges)
        self.rows = tape.RecordRows(func, self.bound)
        self.outputs: dict[int, Buffer] = {}
        self.is_one_part = not any(op.name in STEPS for op in func.ops)

    def run(self) -> Program:
        scope = BlockState(None, self.func.body)
        body: list[Stmt] = []
        for k, (p, strides) in enumerate(zip(self.func.params, self.layouts, strict=True)):
            body += self.parameter(scope, k, p, strides)
        body += self.block(scope, results=self.func.results)
        outputs = [self.output(scope, k, r, body) for k, r in enumerate(self.func.results)]
        for group, letter in ((self.workspace, "w"), (self.literals, "c")):
            for k, b in enumerate(group):
                b.name = f"{letter}{k}"
        program = Program(self.func.name, self.inputs, outputs, self.workspace, self.literals, body, self.nodes)
        for b in self.changing:
            b.changing = True
        return program

    # small things ---------------------------------------------------------------------------------------------------
    def serial(self) -> int:
        self.count += 1
        return self.count

    def check(self, op: Op) -> None:
        """UnsupportedError for an operation that has no code for extents that are computed."""
        types = [v.type for v in (*op.operands, *op.results)]
        if all(t.is_static for t in types) or OPS[op.name].pointwise:
            return
        if OPS[op.name].open_extents and (op.name != "reshape" or len({without_units(t) for t in types}) == 1):
            return
        where = f"\n  {op.loc.full}" if op.loc else ""
        raise UnsupportedError(f"{op.name} of an array whose extent is only known when the code runs "
                               f"({', '.join(map(str, types))}) has no compiled form; write it as a loop over the "
                               f"elements{where}")

    def extent(self, scope: BlockState, e: Value, now: Value) -> int:
        """An extent in a part: a number, or a computed one with its upper bound."""
        home = scope.home(e)
        if isinstance(home, Node) and home.kind == "const":
            return max(int(home.attrs), 0)
        bound = self.bound(e)
        if bound is None:
            where = e.op.loc.full if e.op and e.op.loc else "an extent"
            raise UnsupportedError(f"an array's extent that is only known when the code runs has no upper bound, so "
                                   f"that no memory can be planned for it; take a slice of an array instead\n  {where}")
        return Extent(bound if is_open(bound) else max(bound, 0), now)

    def bound(self, e: Value) -> Any:
        """The greatest number that a computed extent can be, if that is known."""
        return self.bounds.get(e) if e in self.bounds else self.ranges.upper(e)

    def version(self) -> Node:
        return self.nodes.make("version", (), next(self.versions), I64, frozenset())

    def buffer(self, scope: BlockState, t: ArrayType, name: str = "") -> View:
        """New memory, which belongs to the block."""
        buffer = Buffer(name or "w", t.dtype, t.extents, "local" if is_small(t.size) else "workspace")
        self.workspace.append(buffer)
        scope.owned.add(buffer)
        scope.own.add(buffer)
        return whole(buffer)

    def static(self, scope: BlockState, t: ArrayType) -> ArrayType:
        """The type with bounds in the place of computed extents: for memory."""
        return t if t.is_static else t.with_shape(tuple(
            e if isinstance(e, int) else upper(self.extent(scope, e, e)) for e in t.shape))

    def new_tape(self, v: Value) -> Tape:
        """The tape that begins as this value: a new one, unless a branch around has told which."""
        return self.tapes.get(v) or Tape(f"tape{self.serial()}")

    def scalar(self, scope: BlockState, v: Value) -> Node:
        """The node of the only element of a value."""
        home = scope.home(v)
        if isinstance(home, View):
            return self.nodes.load(home.buffer, dot((), (), home.offset), home.version)
        assert isinstance(home, Node), f"{v!r} is no scalar that is known here"
        return home

    def tape(self, scope: BlockState, v: Value) -> Tape:
        home = scope.home(v)
        assert isinstance(home, Tape)
        return home

    # inputs and outputs ---------------------------------------------------------------------------------------------
    def parameter(self, scope: BlockState, k: int, p: Value, strides: tuple[int, ...] | None) -> list[Stmt]:
        buffer = Buffer(p.name or f"in{k}", p.dtype, p.type.extents, "input", strides=strides)
        self.inputs.append(buffer)
        view = whole(buffer) if strides is None else View(buffer, 0, strides, p.type.extents)
        scope.homes[p] = view
        if p.type.rank:
            return []
        scope.homes[p] = node = self.nodes.load(buffer, Affine({}))
        return [Let(node)]

    def output(self, scope: BlockState, k: int, r: Value, body: list[Stmt]) -> Buffer:
        """The buffer of a result: the very memory that the value has, where that is its own."""
        if k in self.outputs:
            return self.outputs[k]
        home = scope.home(r)
        if isinstance(home, View) and is_own(home, r):
            home.buffer.role, home.buffer.name = "output", f"out{k}"
            self.workspace.remove(home.buffer)
            return home.buffer
        buffer = Buffer(f"out{k}", r.dtype, r.type.extents, "output")
        body += self.put(scope, r, whole(buffer))
        return buffer

    def targets(self, scope: BlockState, results: Sequence[Value]) -> dict[Value, View]:
        """Output buffers for results that have no memory yet which can be one: the last part of the program fills them.

        A reshape is another view of the memory that its operand fills.
        """
        found: dict[Value, View] = {}
        for k, r in enumerate(results):
            v = r
            while v.op is not None and v.op.name == "reshape" and scope.home(v) is None:
                v = v.op.operands[0]
            home = scope.home(v)
            v = r if home is not None else v
            if v in found or (isinstance(home, View) and is_own(home, v)) or not v.type.is_static:
                continue
            self.outputs[k] = Buffer(f"out{k}", r.dtype, r.type.extents, "output")
            found[v] = whole(self.outputs[k], v.type.extents)
        return found

    # blocks ---------------------------------------------------------------------------------------------------------
    def block(self, scope: BlockState, yields: Sequence[tuple[Value, Place]] = (), results: Sequence[Value] = ()
              ) -> list[Stmt]:
        """The statements of a block. `yields`: what it hands on, and where that goes. `results`: the program's."""
        out: list[Stmt] = []
        pending: list[Op] = []
        for k, op in enumerate(scope.ops):
            if OPS[op.name].writes and not is_single(op.result.type) and self.is_free(scope, k, op, op.operands[0]):
                changed = self.change(scope, pending, k, op)
                if changed is None:
                    pending.append(op)
                else:
                    out += changed
                    pending = []
            elif op.name in STEPS:
                out += self.part(scope, pending, k)
                pending = []
                out += STEPS[op.name](self, scope, k, op)
            else:
                pending.append(op)
        given = straight(self, scope, pending, yields)
        return out + self.last_part(scope, pending, given | self.targets(scope, results))

    def last_part(self, scope: BlockState, ops: Sequence[Op], given: dict[Value, View]) -> list[Stmt]:
        """The end of a block, which may leave arrays right where they are carried."""
        draft = Draft.of(self, scope, ops, given)
        while given:
            written = self.write(scope, ops, len(scope.ops), given, draft=draft)
            if isinstance(written, list):
                scope.homes.update(given)
                return written
            given = {v: view for v, view in given.items() if v not in written}
        return self.part(scope, ops, len(scope.ops))

    def part(self, scope: BlockState, ops: Sequence[Op], k: int) -> list[Stmt]:
        """Operations before position k: what is read from there on gets a home."""
        written = self.write(scope, ops, k, {}) if ops else []
        assert isinstance(written, list)
        return written

    def write(self, scope: BlockState, ops: Sequence[Op], k: int, given: dict[Value, View],
              in_place: Op | None = None, draft: Draft | None = None) -> list[Stmt] | set[Value]:
        """The statements of some operations, with homes for what is read from position k on.

        given: memory for results. in_place: the last of the operations changes that memory. draft: what an earlier try
        for more memory has made. Instead, those of the given are returned whose memory would be read after it has been
        overwritten.
        """
        kept, fleeting = self.results(scope, ops, k, given, k - 1 if in_place else k)
        draft = draft or Draft.of(self, scope, ops, given, in_place)
        part = draft.part
        singles = [v for v in kept if is_single(v.type)]
        targets = {v: self.buffer(scope, self.static(scope, v.type), v.name) for v in kept if v not in singles}
        views = {part.now[v]: replace(home, shape=part.now[v].type.extents) for v, home in {**targets, **given}.items()}
        part.block.results = tuple(part.now[v] for v in (*given, *kept))
        changed = {part.now[in_place.result]} if in_place else set()
        frame = Surroundings(self.nodes, part.homes, views, [part.now[v] for v in singles], changed,
                             not self.is_one_part)
        p = plan(Func(self.func.name, part.block), frame, draft.memory)
        body = Generator(p).block(p.root.items, {})
        e = p.low.elements
        found = {v: e.shown(e.at(part.now[v], only(v))) for v in singles}
        known = scope.known()
        bad = {v for v in given if views[part.now[v]].buffer.role != "output" and
               conflicts(p, views[part.now[v]], part.now[v], found.values(), known, part.apart)}
        if bad:
            for view in targets.values():
                self.workspace.remove(view.buffer)
            return bad
        for b in p.low.workspace:
            b.role = "local" if is_small(b.size) and not self.is_one_part else "workspace"
        self.workspace += p.low.workspace
        self.literals += [v.buffer for v in e.literals.values()]
        scope.homes.update(targets)
        scope.homes.update(found)
        scope.fleeting.update(fleeting)
        scope.evaluated.update(found.values())
        return body + [Let(n) for n in found.values() if n.kind != "const"]

    def results(self, scope: BlockState, ops: Sequence[Op], k: int, given: dict[Value, View], since: int
                ) -> tuple[list[Value], dict[Value, Op]]:
        """The values that get homes, and those that are written again where they are read from position k on.

        since: the first position at which memory may be overwritten before they are.
        """
        kept: list[Value] = []
        fleeting: dict[Value, Op] = {}
        wanted: set[Value] = set()
        for op in reversed(ops):
            for r in op.results:
                if r in given or not (r in wanted or scope.is_read_from(r, k)):
                    continue
                if OPS[op.name].is_free and not is_single(r.type) and not self.endangered(scope, r, since):
                    fleeting[r] = op
                    wanted.update(op.uses())
                    wanted.update(e for e in r.type.shape if isinstance(e, Value))
                else:
                    kept.append(r)
                    wanted.update(e for e in r.type.shape if isinstance(e, Value))
        return kept[::-1], fleeting

    def endangered(self, scope: BlockState, v: Value, k: int) -> bool:
        """Whether what a fleeting value shows may be overwritten before it is read for the last time."""
        source = v
        while source.op is not None and OPS[source.op.name].is_free and source.op.operands:
            source = source.op.operands[0]
        if source.op is not None and OPS[source.op.name].is_free:
            return False
        return any(k <= at <= scope.last_through[v] for at in scope.changed_at.get(source, ()))

    # changes in place -----------------------------------------------------------------------------------------------
    def is_free(self, scope: BlockState, k: int, op: Op, x: Value) -> bool:
        """Whether an array is the block's own and read for the last time, and only once, by the operation at k."""
        home = scope.home(x)
        if not isinstance(home, View) or home.buffer not in scope.owned or not is_whole(home, x.type):
            return False
        return scope.last[x] == k and [*op.uses(), *captures(op)].count(x) == 1

    def change(self, scope: BlockState, pending: list[Op], k: int, op: Op) -> list[Stmt] | None:
        """Do the update at position k in place, together with what comes before it where that is possible.

        None where the new array is better made elsewhere: it is only read on, or it would go through a copy.
        """
        if is_large(op) and scope.passes_on(op):
            return None
        x = op.operands[0]
        home = scope.home(x)
        assert isinstance(home, View)
        given = {op.result: replace(home, version=None)}
        written = self.write(scope, [*pending, op], k + 1, given, op) if x not in made_by(pending) else set()
        if isinstance(written, list):
            self.renew(scope, op.result, home)
            return written
        if written and is_large(op) and op.result in scope.block.results and scope.last[op.result] == len(scope.ops):
            return None
        body = self.part(scope, pending, k)
        home = scope.home(x)
        assert isinstance(home, View)
        given = {op.result: replace(home, version=None)}
        written = self.write(scope, [op], k + 1, given, op)
        assert isinstance(written, list), f"{op!r} reads what it overwrites"
        self.renew(scope, op.result, home)
        return body + written

    def renew(self, scope: BlockState, v: Value, home: View) -> None:
        """The value is what the memory holds from now on."""
        self.changing.add(home.buffer)
        scope.homes[v] = replace(home, version=self.version())

    def put(self, scope: BlockState, v: Value, view: View) -> list[Stmt]:
        """Store a value's elements in given memory."""
        home = scope.home(v)
        if isinstance(home, Node):
            return [Store(view.buffer, Affine({}), home)]
        written = self.write(scope, [], len(scope.ops) + 1, {v: view})
        assert isinstance(written, list)
        return written


def is_small(size: int) -> bool:
    return not is_open(size) and size <= SMALL


def is_own(home: View, v: Value) -> bool:
    """Whether a value has memory of the kernel's own, that is nothing but it."""
    return home.buffer.role == "workspace" and not home.buffer.moves and is_whole(home, v.type)


def without_units(t: ArrayType) -> tuple[object, ...]:
    return tuple(e for e in t.shape if e != 1)


def made_by(ops: Iterable[Op]) -> set[Value]:
    return {r for op in ops for r in op.results}
