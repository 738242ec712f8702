"""From operations to tasks: which values get memory, and the loop nest or call that fills each.

A task computes one array (or a window of one) over a domain of loops. Values without memory dissolve into the tasks
that read them (see `elements`). The first guess gives memory only to results, reductions and the operands of calls;
`schedule` then asks for more where dissolving would compute something dear twice.
"""

from __future__ import annotations

from collections.abc import Callable, Container, Iterator, Mapping, Sequence
from dataclasses import field

import numpy as np

from ..errors import UnsupportedError
from ..ir import DTYPES, OPS, DType, Func, Memory, Op, Value
from ..records import dataclass
from .affine import ZERO, Affine, Var, dot
from .elements import Elements, Index, Notes, row_major, whole
from .loops import Accumulator, Buffer, Call, Node, Nodes, View, operands
from .lower import ELEMENT, TASKS, UNLOWERED, dissolve, is_thin
from .symbolic import Extent


@dataclass(eq=False)
class Task:
    """Elements of `target` over a domain of loops.

    domain: the loops' extents. order: the domain axes with more than one step, outermost first.
    element: the expression at a domain index. place: the index in the target's value, from the domain index.
    kept: the domain axes that the target's axes are, in order (None where a window shifts them).
    combine: None for a plain store; the operation that combines reduced elements.
    serial: axes along which elements must follow one another.
    """

    kind: str  # map, window, reduce, arg, scan, scatter
    value: Value
    target: View
    domain: tuple[int, ...]
    order: tuple[int, ...]
    element: Callable[[Elements, Index], Node]
    kept: tuple[int, ...] | None
    place: Callable[[Elements, Index], Affine]
    combine: str | None = None
    serial: frozenset[int] = frozenset()
    after: tuple[Value, ...] = ()  # values whose earlier tasks write the same memory
    # What a dry walk over whole loops found: its notes, the expression and the address of its store.
    notes: Notes = field(default_factory=Notes)
    vars: dict[int, Var] = field(default_factory=dict)
    node: Node | None = None
    address: Affine = ZERO
    accumulator: Accumulator | None = None  # while its loops are written

    @property
    def values(self) -> tuple[Value, ...]:
        return (self.value,)

    @property
    def reduced(self) -> frozenset[int]:
        axes = range(len(self.domain))
        return frozenset(axes) - frozenset(axes if self.kept is None else self.kept)

    @property
    def in_registers(self) -> bool:
        """Whether the reduced loops are innermost, so that the running value never goes to memory."""
        if self.kind not in ("reduce", "arg"):
            return False
        n = len([a for a in self.order if a in self.reduced])
        return all(a in self.reduced for a in self.order[len(self.order) - n:])

    def index(self, at: dict[int, Affine]) -> Index:
        """The domain index with the given axes at the given places, the others (of one step) at 0."""
        return tuple(at.get(a, ZERO) for a in range(len(self.domain)))

    def survey(self, e: Elements) -> None:
        """Walk the task dry, over whole loops."""
        self.vars = {a: Var(f"d{a}", 0, n) for a, n in enumerate(self.domain) if n != 1}
        e.memo.clear()
        self.notes = e.notes = Notes(frozenset(self.vars.values()))
        index = self.index({a: Affine.of(v) for a, v in self.vars.items()})
        self.node, self.address = self.element(e, index), self.place(e, index)
        for n in self.domain:
            if isinstance(n, Extent):  # it is read in front of the loop
                e.at(n.value, ())
        e.notes = None

    def accesses(self) -> Iterator[tuple[Buffer, Affine, bool]]:
        """The buffers and addresses that the task touches, and whether it writes there."""
        yield self.target.buffer, self.address, True
        for n in self.loads():
            yield *n.attrs, False

    def loads(self) -> Iterator[Node]:
        """What an element loads."""
        seen: set[Node] = set()
        stack = [self.node, *(a for a in self.address.terms if isinstance(a, Node))]
        while stack:
            n = stack.pop()
            if n is None or n in seen:
                continue
            seen.add(n)
            if n.kind == "load":
                yield n
            stack.extend((*n.args, *operands(n)))


@dataclass(eq=False)
class CallTask:
    """A routine on whole arrays. values: what it computes, or finishes in place."""

    values: tuple[Value, ...]
    call: Call
    reads: tuple[Value, ...]  # values with memory


COMPLEX = frozenset(t for t in DTYPES.values() if t.is_complex)


def moves(op: Op) -> bool:
    """Whether elements only change their places, so that the code need not know what they stand for."""
    if op.name == "const":
        return not any(np.asarray(op.attrs["value"]).tobytes())  # all bits zero: 0 in every dtype
    spec = OPS[op.name]
    return (spec.memory in (Memory.VIEW, Memory.COPY, Memory.WINDOW) or (spec.pointwise and spec.selects)
            or op.name == "scatter" or op.name == "select")


@dataclass
class Surroundings:
    """What surrounds a part of a program that is lowered by itself.

    homes: for each parameter its memory, or the node of its only element. targets: memory for results. singles: results
    of one element, of which a node is wanted. in_place: updates whose target is the memory of what they change.
    in_parts: whether there are other parts, around which arrays are changed in place.
    """

    nodes: Nodes
    homes: Mapping[Value, Node | View]
    targets: Mapping[Value, View]
    singles: Sequence[Value] = ()
    in_place: Container[Value] = ()
    in_parts: bool = True


def only(v: Value) -> Index:
    """The index of the only element of an array."""
    return (ZERO,) * v.type.rank


class Lowering:
    """The tasks of a part of a program, in its frame, for a given set of values that have memory."""

    def __init__(self, func: Func, memory: set[Value], frame: Surroundings):
        self.func = func
        self.memory = memory
        self.frame = frame
        self.elements = Elements(frame.nodes, ELEMENT)
        self.elements.in_parts = frame.in_parts
        self.workspace: list[Buffer] = []
        self.tasks: list[Task | CallTask] = []
        self.wanted: set[Value] = set()  # values that turn out to need memory
        self.filled: set[Value] = set()
        self.packed: dict[tuple[Value, tuple[int, ...]], Value] = {}
        self.bind()

    # memory ---------------------------------------------------------------------------------------------------------
    def bind(self) -> None:
        """Give memory to parameters and results, then to what `memory` names; make the tasks in program order."""
        copies = self.bind_to(self.frame)
        for op in self.func.ops:
            self.define(op)
        for value, view in copies:
            self.task("map", value, view, value.type.extents, None, element_of(value))

    def bind_to(self, frame: Surroundings) -> list[tuple[Value, View]]:
        """Parameters are where the frame has them, and results where it wants them: those to be copied there."""
        copies = []
        for p in self.func.params:
            home = frame.homes[p]
            given = p
            if isinstance(home, Node):
                self.elements.only[p] = home
                if p in self.memory:
                    self.task("map", p, self.view_of(p), p.type.extents, None, constantly(home))
                continue
            if p in self.memory:
                given = Value(p.type, None, 0, p.name)
            self.elements.views[given] = home
            self.elements.inputs.add(given)
            if given is not p:
                self.copy(p, given)
        for value, view in frame.targets.items():
            if value.op is None or value.op.name == "const":
                copies.append((value, view))
            else:
                self.elements.views[value] = view
                self.memory.add(value)
        return copies

    def view_of(self, value: Value) -> View:
        """Memory for a value, from the workspace unless it has some."""
        views = self.elements.views
        if value not in views:
            buffer = Buffer(f"w{len(self.workspace)}", value.dtype, value.type.extents, "workspace")
            self.workspace.append(buffer)
            views[value] = whole(buffer, value.type.extents)
        return views[value]

    def scratch(self, dtype: DType, n: int) -> View:
        """Memory for a routine's own use."""
        self.workspace.append(Buffer(f"w{len(self.workspace)}", dtype, (n,), "workspace"))
        return whole(self.workspace[-1])

    def need(self, value: Value) -> View:
        """The memory of an operand that is read as a whole; asks for it where there is none."""
        view = self.elements.view(value)
        if view is None:
            home = value  # a reshape of memory of its own is a view of it
            while home.op is not None and home.op.name == "reshape":
                home = home.op.operands[0]
            self.wanted.add(home)
            view = View(Buffer("missing", value.dtype, value.type.extents, "workspace"), 0,
                        row_major(value.type.extents), value.type.extents)
        return view

    def pack(self, value: Value, axes: tuple[int, ...]) -> tuple[View, Value]:
        """A copy of the value whose memory has its axes in the given order: its view, and a name for it."""
        if (value, axes) in self.packed:
            copy = self.packed[(value, axes)]
            return self.elements.views[copy], copy
        copy = self.packed[(value, axes)] = Value(value.type, None, 0, value.name)
        buffer = Buffer(f"w{len(self.workspace)}", value.dtype, tuple(value.type.extents[a] for a in axes), "workspace")
        self.workspace.append(buffer)
        strides = dict(zip(axes, row_major(buffer.shape), strict=True))
        view = View(buffer, 0, tuple(strides[a] for a in range(len(axes))), value.type.extents)
        self.elements.views[copy] = view
        self.task("map", copy, view, value.type.extents, None, lambda e, i: e.at(value, i))
        return view, copy

    # tasks ----------------------------------------------------------------------------------------------------------
    def define(self, op: Op) -> None:
        if op.name in UNLOWERED:
            where = f"; {op.loc.full}" if op.loc else ""
            raise UnsupportedError(f"{op.name} cannot be compiled: {UNLOWERED[op.name]}{where}")
        if not COMPLEX.isdisjoint([v.type.dtype for v in (*op.operands, *op.results)]) and not moves(op):
            where = f"\n  {op.loc.full}" if op.loc else ""
            raise UnsupportedError(f"{op.name} of complex numbers cannot be compiled yet; they can be moved (sliced, "
                                   f"transposed, joined): compute with real and imaginary parts as arrays of their own"
                                   f"{where}")
        rule = TASKS.get(op.name)
        if not (must(op) or any(r in self.memory for r in op.results)):
            if OPS[op.name].has_nest:
                dissolve(self, op)
            return
        if rule:
            rule(self, op)
        else:
            self.map(op.result)

    def map(self, value: Value) -> None:
        """Every element on its own."""
        self.task("map", value, self.view_of(value), value.type.extents, None, lambda e, i: e.inline(value, i))

    def task(self, kind: str, value: Value, target: View, domain: Sequence[int], kept: tuple[int, ...] | None,
             element: Callable[[Elements, Index], Node], place: Callable[[Elements, Index], Affine] | None = None,
             apart: bool = False, **more: object) -> None:
        """apart: whether it writes other elements than the value's earlier tasks, so that their order is free."""
        domain = tuple(domain)
        kept = tuple(range(len(domain))) if kept is None else kept
        if place is None:
            def place(e: Elements, i: Index) -> Affine:
                return dot([i[a] for a in kept], target.strides, target.offset)
        order = tuple(a for a in range(len(domain)) if domain[a] != 1)
        after = (value,) if value in self.filled and not apart else ()
        self.filled.add(value)
        self.tasks.append(Task(kind, value, target, domain, order, element, kept, place, after=after,
                               **more))  # type: ignore[arg-type]

    def reduce(self, value: Value, combine: str, domain: Sequence[int], kept: tuple[int, ...],
               element: Callable[[Elements, Index], Node]) -> None:
        """Combine the elements along the axes that are not kept."""
        self.task("reduce", value, self.view_of(value), domain, kept, element, combine=combine)

    def fill(self, value: Value, scalar: Value) -> None:
        """Set all elements of the value's memory to a scalar."""
        self.task("map", value, self.view_of(value), value.type.extents, None, lambda e, i: e.at(scalar, ()))

    def is_in_place(self, value: Value) -> bool:
        """Whether the value's memory is that of the array of which it replaces elements."""
        return value in self.frame.in_place

    def begin_as(self, value: Value, source: Value) -> None:
        """Let the value's memory hold `source`, of which parts will be overwritten."""
        if not self.is_in_place(value):
            self.copy(value, source)

    def copy(self, value: Value, source: Value) -> None:
        self.task("map", value, self.view_of(value), value.type.extents, None, lambda e, i: e.at(source, i))

    def window(self, value: Value, source: Value, starts: Sequence[Value | int], steps: Sequence[int],
               apart: bool = False) -> None:
        """Write `source` into the value's memory, from `starts` on at `steps`; `apart` from what was written before."""
        target = self.view_of(value)

        def place(e: Elements, index: Index) -> Affine:
            at = (i * step + e.number(start) for i, step, start in zip(index, steps, starts, strict=True))
            return dot(at, target.strides, target.offset)

        self.task("window", value, target, source.type.extents, None, lambda e, i: e.at(source, i), place, apart)

    def call(self, values: Value | Sequence[Value], call: Call, operands: Sequence[Value]) -> None:
        """A routine that computes some values; `operands` are those whose memory it reads."""
        values = (values,) if isinstance(values, Value) else tuple(values)
        reads = tuple(self.elements.base(o) for o in operands if self.elements.view(o) is not None)
        self.filled.update(values)
        self.tasks.append(CallTask(values, call, reads))


def constantly(node: Node) -> Callable[[Elements, Index], Node]:
    return lambda e, i: node


def element_of(value: Value) -> Callable[[Elements, Index], Node]:
    return lambda e, i: e.at(value, i)


def must(op: Op) -> bool:
    """Whether an operation has tasks, and so memory, whoever reads it."""
    return OPS[op.name].has_nest and not is_thin(op)
