"""Programs with loops and branches: which memory each value has, what is changed in place, and the statements.

A block is lowered in order. Operations between two steps (control flow, tapes, changes in place) are one *part*: it is
planned by `memory` and written out by `generate`, so that everything which holds for straight programs holds inside of
loops. What goes from part to part are nodes (scalars, in registers) and views (arrays, in memory); slices and their
like have no memory and are written again wherever they are read.

An `update` is done in place where the array that it changes is not read any more. A loop owns memory for each array
that it carries; where the initial array is not read behind the loop that is the array's own.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from math import prod
from typing import Any

from ..errors import UnsupportedError
from ..ir import I64, OPS, ArrayType, Block, Func, Op, Value, captures
from ..ir.core import map_attr, walk
from ..ir.ranges import Ranges, owners_of
from .affine import ANYWHERE, Affine, Var
from .elements import row_major, whole
from .finish import finish
from .generate import Generator
from .loops import (
    Assign,
    Buffer,
    Cell,
    If,
    Let,
    Node,
    Nodes,
    Pop,
    Program,
    Push,
    Repeat,
    Rewind,
    Stmt,
    Store,
    Tape,
    View,
    While,
    in_order,
)
from .memory import Plan, plan
from .symbolic import Extent
from .target import vector_bytes
from .tasks import CallTask, Frame, Task

Home = Node | View | Tape
"""What a value is where it can be read: a scalar's node, an array's memory, a tape."""

CHANGES = frozenset({"update", "scatter", "scatter_add"})
"""Operations that give their first operand with some elements replaced."""
FLEETING = frozenset({"const", "iota", "broadcast", "reshape", "transpose", "slice"})
"""Operations that cost nothing where their result is read, and so are done there."""
SMALL = 16
"""Elements up to which an array is held on the stack, from where LLVM takes it into registers."""
ALONE = 8
"""Bytes that the entries of a tape are multiples of."""


def has_regions(func: Func) -> bool:
    """Whether a function needs what stands here: loops, branches or tapes."""
    return any(op.regions or OPS[op.name].family in ("tape", "control", "effects") for op in func.ops)


@dataclass(eq=False)
class Scope:
    """A block while it is lowered.

    homes: where its values are. fleeting: values that are written again where they are read. owned: memory that the
    block may change. last: for each value the position of the last operation that reads it.
    last_through: the same, also through fleeting values of it. changed_at: where an array's memory may be written.
    """

    outer: Scope | None
    block: Block
    owned: set[Buffer] = field(default_factory=set)
    homes: dict[Value, Home] = field(default_factory=dict)
    fleeting: dict[Value, Op] = field(default_factory=dict)
    evaluated: set[Node] = field(default_factory=set)
    last: dict[Value, int] = field(default_factory=dict)
    last_through: dict[Value, int] = field(default_factory=dict)
    changed_at: dict[Value, list[int]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        for k, op in enumerate(self.block.ops):
            inside = captures(op) if op.regions else []
            for v in (*op.uses(), *inside):
                self.last[v] = k
            changed = op.operands[:1] if op.name in CHANGES else op.operands if op.regions else ()
            for v in (*changed, *(inside if op.name == "if" else ())):
                self.changed_at.setdefault(v, []).append(k)
        for v in self.block.results:
            self.last[v] = len(self.block.ops)
        self.last_through.update(self.last)
        for op in reversed(self.block.ops):
            if op.name in FLEETING:
                for v in op.operands:
                    self.last_through[v] = max(self.last_through.get(v, -1), self.last_through.get(op.result, -1))

    def home(self, v: Value) -> Home | None:
        scope: Scope | None = self
        while scope is not None:
            if v in scope.homes:
                return scope.homes[v]
            scope = scope.outer
        return None

    def known(self) -> set[Node]:
        """The nodes that have been evaluated in this block and around it."""
        return self.evaluated | self.outer.known() if self.outer else self.evaluated

    def rule(self, v: Value) -> Op | None:
        """The operation of a fleeting value."""
        scope: Scope | None = self
        while scope is not None:
            if v in scope.fleeting:
                return scope.fleeting[v]
            scope = scope.outer
        return None

    def is_read_from(self, v: Value, k: int) -> bool:
        return self.last.get(v, -1) >= k


class Part:
    """Straight operations as a function of their own: parameters are what they read, types have known extents."""

    def __init__(self, lowering: Regions, scope: Scope):
        self.low = lowering
        self.scope = scope
        self.block = Block()
        self.now: dict[Value, Value] = {}
        self.homes: dict[Value, Node | View] = {}

    def value(self, v: Value) -> Value:
        """What stands for a value in this part."""
        if v not in self.now:
            rule = self.scope.rule(v)
            if rule is not None:
                self.op(rule)
            else:
                self.parameter(v)
        return self.now[v]

    def parameter(self, v: Value) -> None:
        home = self.scope.home(v)
        assert isinstance(home, (Node, View)), f"{v!r} has no home"
        p = self.now[v] = Value(self.type(v.type), self.block, len(self.block.params), v.name)
        self.block.params += (p,)
        self.homes[p] = home

    def extent(self, e: Value | int) -> int:
        return e if isinstance(e, int) else self.low.extent(self.scope, e, self.value(e))

    def type(self, t: ArrayType) -> ArrayType:
        return t if t.is_static else t.with_shape(tuple(map(self.extent, t.shape)))

    def op(self, op: Op) -> None:
        self.low.check(op)
        operands = tuple(map(self.value, op.operands))
        attrs = {name: self.attribute(name, a) for name, a in op.attrs.items()}
        new = Op(op.name, operands, attrs, tuple(self.type(r.type) for r in op.results), (), op.loc)
        self.block.ops.append(new)
        for old, r in zip(op.results, new.results, strict=True):
            r.name = old.name
            self.now[old] = r

    def attribute(self, name: str, a: Any) -> Any:
        """Extents become known ones; places along an axis stay values."""
        if name in ("shape", "sizes"):
            return tuple(map(self.extent, a))
        return map_attr(a, self.value)


@dataclass
class Written:
    """A part as statements, and the nodes of the scalars that were asked for."""

    body: list[Stmt]
    scalars: dict[Value, Node]


class Regions:
    """Lowers a function with regions."""

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

    def run(self, width: int) -> Program:
        scope = Scope(None, self.func.body)
        body: list[Stmt] = []
        for k, (p, strides) in enumerate(zip(self.func.params, self.layouts, strict=True)):
            body += self.parameter(scope, k, p, strides)
        body += self.block(scope)
        outputs = [self.output(scope, k, r, body) for k, r in enumerate(self.func.results)]
        for group, letter in ((self.workspace, "w"), (self.literals, "c")):
            for k, b in enumerate(group):
                b.name = f"{letter}{k}"
        program = Program(self.func.name, self.inputs, outputs, self.workspace, self.literals, body)
        return finish(program, width, self.changing)

    # small things ---------------------------------------------------------------------------------------------------
    def serial(self) -> int:
        self.count += 1
        return self.count

    def check(self, op: Op) -> None:
        """UnsupportedError for an operation that has no code for extents that are computed."""
        types = [v.type for v in (*op.operands, *op.results)]
        if all(t.is_static for t in types) or OPS[op.name].pointwise or op.name in SYMBOLIC:
            return
        where = f"\n  {op.loc.full}" if op.loc else ""
        raise UnsupportedError(f"{op.name} of an array whose extent is only known when the code runs "
                               f"({', '.join(map(str, types))}) has no compiled form; write it as a loop over the "
                               f"elements{where}")

    def extent(self, scope: Scope, e: Value, now: Value) -> int:
        """An extent in a part: a number, or a computed one with its upper bound."""
        home = scope.home(e)
        if isinstance(home, Node) and home.kind == "const":
            return int(home.attrs)
        bound = self.ranges.upper(e)
        if bound is None:
            where = e.op.loc.full if e.op and e.op.loc else "an extent"
            raise UnsupportedError(f"an array's extent that is only known when the code runs has no upper bound, so "
                                   f"that no memory can be planned for it; take a slice of an array instead\n  {where}")
        return Extent(max(bound, 0), now)

    def version(self) -> Node:
        return self.nodes.make("version", (), self.serial(), I64, frozenset())

    def buffer(self, scope: Scope, t: ArrayType, name: str = "") -> View:
        """New memory, which belongs to the block."""
        buffer = Buffer(name or "w", t.dtype, t.extents, "local" if t.size <= SMALL else "workspace")
        self.workspace.append(buffer)
        scope.owned.add(buffer)
        return whole(buffer)

    def static(self, scope: Scope, t: ArrayType) -> ArrayType:
        """The type with bounds in the place of computed extents: for memory."""
        return t if t.is_static else t.with_shape(tuple(
            e if isinstance(e, int) else int(self.extent(scope, e, e)) for e in t.shape))

    def scalar(self, scope: Scope, v: Value) -> Node:
        home = scope.home(v)
        assert isinstance(home, Node), f"{v!r} is no scalar that is known here"
        return home

    def tape(self, scope: Scope, v: Value) -> Tape:
        home = scope.home(v)
        assert isinstance(home, Tape)
        return home

    # inputs and outputs ---------------------------------------------------------------------------------------------
    def parameter(self, scope: Scope, k: int, p: Value, strides: tuple[int, ...] | None) -> list[Stmt]:
        buffer = Buffer(p.name or f"in{k}", p.dtype, p.type.extents, "input")
        self.inputs.append(buffer)
        view = whole(buffer) if strides is None else View(buffer, 0, strides, p.type.extents)
        scope.homes[p] = view
        if p.type.rank:
            return []
        scope.homes[p] = node = self.nodes.load(buffer, Affine({}))
        return [Let(node)]

    def output(self, scope: Scope, k: int, r: Value, body: list[Stmt]) -> Buffer:
        """The buffer of a result: the very memory that the value has, where that is its own."""
        home = scope.home(r)
        if isinstance(home, View) and home.buffer.role == "workspace" and is_whole(home, r.type):
            home.buffer.role, home.buffer.name = "output", f"out{k}"
            self.workspace.remove(home.buffer)
            return home.buffer
        buffer = Buffer(f"out{k}", r.dtype, r.type.extents, "output")
        body += self.put(scope, r, whole(buffer))
        return buffer

    # blocks ---------------------------------------------------------------------------------------------------------
    def block(self, scope: Scope) -> list[Stmt]:
        """The statements of a block."""
        out: list[Stmt] = []
        pending: list[Op] = []
        for k, op in enumerate(scope.block.ops):
            if op.name in CHANGES and op.result.type.rank and self.may_change(scope, k, op):
                out += self.change(scope, pending, k, op)
                pending = []
            elif op.name in STEPS:
                out += self.part(scope, pending, k)
                pending = []
                out += STEPS[op.name](self, scope, k, op)
            else:
                pending.append(op)
        return out + self.part(scope, pending, len(scope.block.ops))

    def part(self, scope: Scope, ops: Sequence[Op], k: int) -> list[Stmt]:
        """Operations before position k: what is read from there on gets a home."""
        written = self.write(scope, ops, k, {}) if ops else None
        assert written is not None or not ops
        return written.body if written else []

    def write(self, scope: Scope, ops: Sequence[Op], k: int, given: dict[Value, View],
              in_place: Op | None = None) -> Written | None:
        """The statements of some operations, with homes for what is read from position k on.

        given: memory for results. in_place: the last of the operations changes that memory; None is returned where
        another of them would read what it has overwritten.
        """
        kept, fleeting = self.results(scope, ops, k, given)
        part = Part(self, scope)
        for op in ops:
            part.op(op)
        for v in given:
            part.value(v)
        scalars = [v for v in kept if not v.type.rank]
        targets = {v: self.buffer(scope, self.static(scope, v.type), v.name) for v in kept if v.type.rank}
        views = {part.now[v]: replace(home, shape=part.now[v].type.extents) for v, home in {**targets, **given}.items()}
        part.block.results = tuple(part.now[v] for v in (*given, *kept))
        changed = {part.now[in_place.result]} if in_place else set()
        frame = Frame(self.nodes, part.homes, views, changed)
        p = plan(Func(self.func.name, part.block), (), frame)
        body = Generator(p).block(p.root.items, {})
        e = p.low.elements
        found = {v: e.shown(e.at(part.now[v], ())) for v in scalars}
        taken, known = {view.buffer for view in given.values()}, scope.known()
        if any(view.buffer in taken and conflicts(p, view, v, found.values(), known)
               for v, view in views.items()):
            for view in targets.values():
                self.workspace.remove(view.buffer)
            return None
        for b in p.low.workspace:
            b.role = "local" if b.size <= SMALL else "workspace"
        self.workspace += p.low.workspace
        self.literals += [v.buffer for v in e.literals.values()]
        scope.homes.update(targets)
        scope.homes.update(found)
        scope.fleeting.update(fleeting)
        scope.evaluated.update(found.values())
        return Written(body + [Let(n) for n in found.values() if n.kind != "const"], found)

    def results(self, scope: Scope, ops: Sequence[Op], k: int, given: dict[Value, View]
                ) -> tuple[list[Value], dict[Value, Op]]:
        """The values that get homes, and those that are written again where they are read."""
        kept: list[Value] = []
        fleeting: dict[Value, Op] = {}
        wanted: set[Value] = set()
        for op in reversed(ops):
            for r in op.results:
                if r in given or not (r in wanted or scope.is_read_from(r, k)):
                    continue
                if op.name in FLEETING and r.type.rank and not self.endangered(scope, r, k):
                    fleeting[r] = op
                    wanted.update(op.uses())
                    wanted.update(e for e in r.type.shape if isinstance(e, Value))
                else:
                    kept.append(r)
                    wanted.update(e for e in r.type.shape if isinstance(e, Value))
        return kept[::-1], fleeting

    def endangered(self, scope: Scope, v: Value, k: int) -> bool:
        """Whether what a fleeting value shows may be overwritten before it is read for the last time."""
        source = v
        while source.op is not None and source.op.name in FLEETING and source.op.operands:
            source = source.op.operands[0]
        return any(k <= at <= scope.last_through[v] for at in scope.changed_at.get(source, ()))

    # changes in place -----------------------------------------------------------------------------------------------
    def may_change(self, scope: Scope, k: int, op: Op) -> bool:
        """Whether the array that the operation at position k changes is the block's own and read for the last time."""
        return self.is_free(scope, k, op, op.operands[0])

    def is_free(self, scope: Scope, k: int, op: Op, x: Value) -> bool:
        home = scope.homes.get(x) or scope.home(x)
        if not isinstance(home, View) or home.buffer not in scope.owned or not is_whole(home, x.type):
            return False
        return scope.last[x] == k and [*op.uses(), *captures(op)].count(x) == 1

    def change(self, scope: Scope, pending: list[Op], k: int, op: Op) -> list[Stmt]:
        """Do the update at position k in place, together with what comes before it where that is possible."""
        x = op.operands[0]
        home = scope.home(x)
        assert isinstance(home, View)
        given = {op.result: replace(home, version=None)}
        body: list[Stmt] = []
        written = self.write(scope, [*pending, op], k + 1, given, op) if x not in made_by(pending) else None
        if written is None:
            body = self.part(scope, pending, k)
            home = scope.home(x)
            assert isinstance(home, View)
            given = {op.result: replace(home, version=None)}
            written = self.write(scope, [op], k + 1, given, op)
        assert written is not None, f"{op!r} reads what it overwrites"
        self.renew(scope, op.result, home)
        return body + written.body

    def renew(self, scope: Scope, v: Value, home: View) -> None:
        """The value is what the memory holds from now on."""
        self.changing.add(home.buffer)
        scope.homes[v] = replace(home, version=self.version())

    def put(self, scope: Scope, v: Value, view: View) -> list[Stmt]:
        """Store a value's elements in given memory."""
        home = scope.home(v)
        if isinstance(home, Node):
            return [Store(view.buffer, Affine({}), home)]
        written = self.write(scope, [], len(scope.block.ops) + 1, {v: view})
        assert written is not None
        return written.body

    # what loops and branches carry ----------------------------------------------------------------------------------
    def carry(self, scope: Scope, k: int, op: Op, init: Value, out: list[Stmt]) -> Home | Cell:
        """Where a loop keeps a value that it carries, with its initial value there."""
        if init.dtype.kind == "O":
            return self.tape(scope, init)
        if not init.type.rank:
            cell = Cell(f"v{self.serial()}", init.dtype)
            out.append(Assign((cell,), (self.scalar(scope, init),)))
            return cell
        if self.is_free(scope, k, op, init):
            home = scope.home(init)
            assert isinstance(home, View)
        else:
            home = self.buffer(scope, self.static(scope, init.type), init.name)
            out += self.put(scope, init, home)
        self.changing.add(home.buffer)
        return home

    def enter(self, inner: Scope, params: Iterable[Value], places: Iterable[Home | Cell], body: list[Stmt]) -> None:
        """Bind what a region carries to where it is."""
        for p, place in zip(params, places, strict=True):
            if isinstance(place, Cell):
                inner.homes[p] = node = self.read(place)
                body.append(Let(node))
            elif isinstance(place, View):
                inner.owned.add(place.buffer)
                inner.homes[p] = replace(place, version=self.version())
            else:
                inner.homes[p] = place

    def read(self, cell: Cell) -> Node:
        """What the cell holds now."""
        return self.nodes.make("cell", (), (cell, self.serial()), cell.dtype, frozenset())

    def leave(self, scope: Scope, results: Iterable[Value], places: Iterable[Home | Cell], out: list[Stmt]) -> None:
        """Bind the results of a loop or branch to where it has left them."""
        for r, place in zip(results, places, strict=True):
            if isinstance(place, Cell):
                scope.homes[r] = node = self.read(place)
                out.append(Let(node))
            elif isinstance(place, View):
                scope.homes[r] = replace(place, version=self.version())
            else:
                scope.homes[r] = place

    def give(self, inner: Scope, results: Sequence[Value], places: Sequence[Home | Cell]) -> list[Stmt]:
        """Bring what a region yields to where it is carried: all at once, as the old values may be among the new."""
        pairs = list(zip(results, places, strict=True))
        scalars = [(v, c) for v, c in pairs if isinstance(c, Cell)]
        out: list[Stmt] = []
        for v, place in pairs:
            assert not isinstance(place, Tape) or self.tape(inner, v) is place, "a tape leaves a region as another one"
        arrays = [(v, p) for v, p in pairs if isinstance(p, View) and not self.stands_at(inner, v, p)]
        for v, view in self.in_turn(inner, arrays, out):
            out += self.put(inner, v, replace(view, version=None))
        changed = [(c, self.scalar(inner, v)) for v, c in scalars]
        changed = [(c, n) for c, n in changed if not (n.kind == "cell" and n.attrs[0] is c)]
        if changed:
            cells, nodes = zip(*changed, strict=True)
            out.append(Assign(cells, nodes))
        return out

    def stands_at(self, scope: Scope, v: Value, place: View) -> bool:
        home = scope.home(v)
        return isinstance(home, View) and home.buffer is place.buffer and is_whole(home, v.type)

    def in_turn(self, scope: Scope, arrays: list[tuple[Value, View]], out: list[Stmt]) -> list[tuple[Value, View]]:
        """The arrays in an order in which no copy overwrites what another reads; through copies where there is none."""
        done: list[tuple[Value, View]] = []
        left = list(arrays)
        while left:
            free = next((x for x in left if not any(x[1].buffer in self.shown(scope, v) for v, p in left
                                                    if p is not x[1] or self.moves(scope, v))), None)
            if free is None:
                v, view = left[0]
                copy = Value(v.type, None, 0, v.name)
                home = self.buffer(scope, self.static(scope, v.type), v.name)
                out += self.put(scope, v, home)
                scope.homes[copy] = home
                left[0] = (copy, view)
                continue
            left.remove(free)
            done.append(free)
        return done

    def moves(self, scope: Scope, v: Value) -> bool:
        return scope.rule(v) is not None

    def shown(self, scope: Scope, v: Value) -> set[Buffer]:
        """The memory that a value is read from."""
        home, rule = scope.home(v), scope.rule(v)
        if isinstance(home, View):
            return {home.buffer}
        return {b for o in rule.operands for b in self.shown(scope, o)} if rule else set()

    # steps ----------------------------------------------------------------------------------------------------------
    def for_(self, scope: Scope, k: int, op: Op) -> list[Stmt]:
        out: list[Stmt] = []
        (region,) = op.regions
        lo, hi, step = (self.scalar(scope, v) for v in op.operands[:3])
        places = [self.carry(scope, k, op, init, out) for init in op.operands[3:]]
        least, greatest = self.ranges.interval(region.params[0])
        var = Var(f"k{self.serial()}", -ANYWHERE if least is None else least,
                  ANYWHERE if greatest is None else greatest + 1)
        inner = Scope(scope, region)
        inner.homes[region.params[0]] = self.nodes.index(Affine.of(var), I64)
        body: list[Stmt] = []
        self.enter(inner, region.params[1:], places, body)
        body += self.block(inner)
        body += self.give(inner, region.results, places)
        out.append(Repeat(var, lo, hi, step, body))
        self.leave(scope, op.results, places, out)
        return out

    def while_(self, scope: Scope, k: int, op: Op) -> list[Stmt]:
        out: list[Stmt] = []
        cond, region = op.regions
        places = [self.carry(scope, k, op, init, out) for init in op.operands]
        var = Var(f"k{self.serial()}")
        first, inner = Scope(scope, cond), Scope(scope, region)
        head: list[Stmt] = []
        self.enter(first, cond.params, places, head)
        first.owned.clear()  # a condition changes nothing
        head += self.block(first)
        body: list[Stmt] = []
        self.enter(inner, region.params, places, body)
        body += self.block(inner)
        body += self.give(inner, region.results, places)
        out.append(While(var, head, self.scalar(first, cond.results[0]), body))
        self.leave(scope, op.results, places, out)
        return out

    def if_(self, scope: Scope, k: int, op: Op) -> list[Stmt]:
        out: list[Stmt] = []
        places = [self.branch_place(scope, k, op, r) for r in op.results]
        bodies = []
        for region in op.regions:
            inner = Scope(scope, region)
            inner.owned.update(p.buffer for p in places if isinstance(p, View))
            body = self.block(inner)
            bodies.append(body + self.give(inner, region.results, places))
        out.append(If(self.scalar(scope, op.operands[0]), *bodies))
        self.leave(scope, op.results, places, out)
        return out

    def branch_place(self, scope: Scope, k: int, op: Op, r: Value) -> Home | Cell:
        """Where a branch leaves a result: the memory of the array that both sides may change, where it is free."""
        sources = {root_of(region, region.results[r.index]) for region in op.regions}
        (source, *others) = sources
        if r.dtype.kind == "O":
            assert source is not None and not others
            return self.tape(scope, source)
        if not r.type.rank:
            return Cell(f"v{self.serial()}", r.dtype)
        if source is not None and not others and self.may_lend(scope, k, op, source):
            home = scope.home(source)
            assert isinstance(home, View)
            self.changing.add(home.buffer)
            return home
        home = self.buffer(scope, self.static(scope, r.type), r.name)
        self.changing.add(home.buffer)
        return home

    def may_lend(self, scope: Scope, k: int, op: Op, x: Value) -> bool:
        home = scope.home(x)
        roots = [root_of(region, v) for region in op.regions for v in region.results]
        return (isinstance(home, View) and home.buffer in scope.owned and is_whole(home, x.type)
                and scope.last[x] == k and x not in op.operands and roots.count(x) == len(op.regions))

    # tapes ----------------------------------------------------------------------------------------------------------
    def tape_(self, scope: Scope, k: int, op: Op) -> list[Stmt]:
        tape = Tape(f"tape{self.serial()}")
        scope.homes[op.result] = tape
        return [Rewind(tape)]

    def entry(self, scope: Scope, t: ArrayType) -> tuple[View, Node]:
        """A buffer for a part of a record, and its size in bytes: that of what is there, along the first axis."""
        static = self.static(scope, t)
        buffer = Buffer(f"t{self.serial()}", t.dtype, static.extents, "tape")
        first = t.shape[0] if t.rank else 1
        inner = t.dtype.itemsize * prod(static.extents[1:])
        if isinstance(first, int):
            return whole(buffer), self.number(-(-inner * first // ALONE) * ALONE)
        rows = self.scalar(scope, first)
        nbytes = self.apply("mul", rows, self.number(inner))
        if inner % ALONE:
            nbytes = self.apply("mul", self.apply("floordiv", self.apply("add", nbytes, self.number(ALONE - 1)),
                                                  self.number(ALONE)), self.number(ALONE))
        return whole(buffer), nbytes

    def number(self, n: int) -> Node:
        return self.nodes.const(n, I64)

    def apply(self, op: str, *args: Node) -> Node:
        return self.nodes.apply(op, args, I64)

    def push(self, scope: Scope, k: int, op: Op) -> list[Stmt]:
        tape, values = self.tape(scope, op.operands[0]), op.operands[1:]
        scope.homes[op.result] = tape
        entries = [self.entry(scope, v.type) for v in values]
        out: list[Stmt] = [Push(tape, tuple((view.buffer, n) for view, n in entries))]
        for v, (view, _) in zip(values, entries, strict=True):
            out += self.put(scope, v, view)
        return out

    def pop(self, scope: Scope, k: int, op: Op) -> list[Stmt]:
        tape = self.tape(scope, op.operands[0])
        scope.homes[op.results[0]] = tape
        entries = [self.entry(scope, r.type) for r in op.results[1:]]
        out: list[Stmt] = [Pop(tape, tuple((view.buffer, n) for view, n in entries))]
        for r, (view, _) in zip(op.results[1:], entries, strict=True):
            if not r.type.rank:
                scope.homes[r] = node = self.nodes.load(view.buffer, Affine({}))
                out.append(Let(node))
            elif self.is_pushed_over(scope, k):
                copy = self.buffer(scope, self.static(scope, r.type), r.name)
                shadow = Value(r.type, None, 0, r.name)
                scope.homes[shadow] = view
                out += self.put(scope, shadow, copy)
                scope.homes[r] = copy
            else:
                scope.homes[r] = view
        return out

    @staticmethod
    def is_pushed_over(scope: Scope, k: int) -> bool:
        """Whether something is pushed behind position k, so that what a pop shows there is overwritten."""
        return any(inner.name == "push" for op in scope.block.ops[k:] for inner in (op, *inside(op)))


def inside(op: Op) -> Iterable[Op]:
    for r in op.regions:
        yield from walk(r)


def made_by(ops: Iterable[Op]) -> set[Value]:
    return {r for op in ops for r in op.results}


def is_whole(view: View, t: ArrayType) -> bool:
    """Whether a view shows all of its buffer in order."""
    return view.offset == 0 and view.strides == row_major(view.buffer.shape) and len(view.buffer.shape) == t.rank


def root_of(region: Block, v: Value) -> Value | None:
    """The value from outside of a region that a value is, but for elements that are replaced; None for others."""
    inner = dict.fromkeys(region.ops, True)
    while v.op is not None and v.op in inner:
        op = v.op
        if op.name in CHANGES or op.name in ("push", "pop"):
            v = op.operands[0]
        elif op.name == "for":
            v = op.operands[3 + v.index]
        elif op.name == "while":
            v = op.operands[v.index]
        elif op.name == "if":
            roots = {root_of(r, r.results[v.index]) for r in op.regions}
            root = next(iter(roots))
            if len(roots) > 1 or root is None:
                return None
            v = root
        else:
            return None
    return None if v in region.params else v


def conflicts(p: Plan, view: View, value: Value, scalars: Iterable[Node], evaluated: set[Node]) -> bool:
    """Whether a part reads memory that it overwrites, other than each element just before it is replaced.

    What `evaluated` nodes have read they need no more.
    """
    buffer = view.buffer
    for t in p.low.tasks:
        if isinstance(t, CallTask):
            if any(v.buffer is buffer for v in t.call.reads):
                return True
        elif any(b is buffer and not writes and not (t.value is value and safe(t, address))
                 for b, address, writes in t.accesses(evaluated)):
            return True
    seen: set[Node] = set(evaluated)
    for root in scalars:
        for n in in_order(root, seen.__contains__):
            seen.add(n)
            if n.kind == "load" and n.attrs[0] is buffer:
                return True
    return False


def safe(t: Task, address: Affine) -> bool:
    """Whether a task that replaces elements may read this one of them: the very one, or any before a single store."""
    return t.kind in ("map", "window") and (address == t.address or not t.order)


SYMBOLIC = frozenset({"slice", "update", "broadcast", "reshape", "transpose", "sum", "prod", "max", "min", "any", "all",
                      "contract", "const", "iota", "gather", "scatter", "scatter_add", "cumsum", "cumprod"})
"""Operations on arrays of computed extents that have code, next to the pointwise ones."""

STEPS = {"for": Regions.for_, "while": Regions.while_, "if": Regions.if_, "tape": Regions.tape_, "push": Regions.push,
         "pop": Regions.pop}


def lower_regions(func: Func, layouts: Sequence[tuple[int, ...] | None] = (), width: int | None = None) -> Program:
    """The statements that compute a function with loops, branches or tapes; see `generate.lower_loops`."""
    return Regions(func, layouts).run(width or vector_bytes())

