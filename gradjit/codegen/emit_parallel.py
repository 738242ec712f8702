"""Machine code of loops that are cut into chunks: the body becomes a function of its own, which the runtime runs for
each chunk, on whatever thread.

    i32 body(what the kernel takes..., captured, lo, iterations, chunk, record)

computes one chunk. `captured` has what the kernel has computed before the loop: values, and where memory stands that
moves. The runtime knows nothing of that: it runs `i32 chunk(context, k, record)`, which takes all of it from the
context and finds out where chunk k begins.

What moves in the body is each chunk's own, from where it was before the loop on: cells that hold where memory stands,
how much of a tape is in use, variables. The kernel does what moves itself, and does so first: then tapes have their
room.
"""

from __future__ import annotations

from dataclasses import field
from typing import TYPE_CHECKING

from ..ir.sizes import is_open
from ..records import dataclass
from . import llvm
from .affine import Var
from .emit_control import TapeCells, inside, leave, place_of, stop_if_failed, tape_of, when
from .emit_scope import EmitScope
from .failures import record_of
from .independence import Uses, accesses
from .loop_passes import statements
from .loops import (
    Assign,
    Buffer,
    Call,
    Cell,
    Chunks,
    Exchange,
    LoopStmt,
    Node,
    Pop,
    Push,
    Tape,
    addresses_of,
    operands,
    roots_of,
)
from .lower.elementwise import llvm_type
from .vecmath.lanes import I32, I64

if TYPE_CHECKING:
    from .emit import Emitter

PTR = llvm.PointerType()
RUN = "gradjit_parallel"
"""The runtime's function that runs chunks; what it takes is told in `runtime.pool`."""
LIMIT = "gradjit_threads"
"""The word that tells it how many threads a function may use."""


@dataclass
class Captured:
    """What a body reads that the kernel around it has: computed values, variables of loops, memory."""

    nodes: list[Node] = field(default_factory=list)
    vars: list[Var] = field(default_factory=list)
    buffers: list[Buffer] = field(default_factory=list)
    cells: list[Cell] = field(default_factory=list)
    tapes: list[Tape] = field(default_factory=list)

    @classmethod
    def of(cls, e: Emitter, s: Chunks) -> Captured:
        found, computed = cls(), needed(e, s)
        every = list(statements(s.body))
        records = [x for x in every if isinstance(x, (Push, Pop))]
        shown = {b for x in records for b, _ in x.entries}
        found.tapes = list(dict.fromkeys(x.tape for x in records))
        found.nodes = [n for n, is_known in computed.items() if is_known]
        within = [n for n, is_known in computed.items() if not is_known]
        stores = [a for x in statements(s.body) for a in accesses(x) if a.is_store]
        own = {x.var for x in statements([s]) if isinstance(x, (LoopStmt, Chunks))}
        used = {v for n in within for v in n.vars} | {v for x in stores for v in x.address.vars}
        used |= {v for x in every if isinstance(x, Call) for a in addresses_of(x) for v in a.vars}
        found.vars = [scope.var for scope in e.enclosing() if scope.var is not None and scope.var in used - own]
        touched = {n.attrs[0] for n in within if n.kind == "load"} | {x.buffer for x in stores}
        touched |= {b for x in every if isinstance(x, Exchange) for b in (x.one, x.other)}
        touched |= {v.buffer for x in every if isinstance(x, Call) for v in (*x.reads, *x.writes)}
        inside = Uses(s.body).buffers
        found.buffers = [b for b in sorted(touched - shown, key=lambda b: b.name) if b.moves or b.role == "tape" or (
            b.role == "local" and inside[b] < e.uses.buffers[b])]  # else each thread has its own
        cells = [n.attrs[0] for n in within if n.kind == "cell"]
        cells += [c for x in every if isinstance(x, Assign) for c in x.cells]
        found.cells = [c for c in dict.fromkeys(cells) if c in e.cells]  # the others are set in the body first
        return found

    def values(self, e: Emitter) -> list[llvm.Value]:
        """All but how much of the tapes is in use, and where they stand."""
        at = [e.scope.holding(v).start for v in self.vars]
        return [*(e.value(n) for n in self.nodes), *(v for v in at if v is not None),
                *(e.pointer(b) for b in self.buffers),
                *(e.b.load(place_of(e, c), type=llvm_type(c.dtype)) for c in self.cells)]

    def give(self, part: Emitter, values: list[llvm.Value]) -> None:
        """Let a part of the kernel know them."""
        part.scope.values.update(zip(self.nodes, values, strict=False))
        rest = iter(values[len(self.nodes):])
        for v in self.vars:
            part.scope = EmitScope(part.scope, v, next(rest))
        for b in self.buffers:
            part.pointers[b] = next(rest) if not b.moves else begun(part, PTR, next(rest))
        for c in self.cells:
            part.cells[c] = begun(part, llvm_type(c.dtype), next(rest))
        for t in self.tapes:
            base, capacity, used = (begun(part, kind, next(rest)) for kind in (PTR, I64, I64))
            part.tapes[t] = TapeCells(base, capacity, used, is_borrowed=True)


def begun(e: Emitter, t: llvm.Type, v: llvm.Value) -> llvm.Value:
    """A stack cell that holds a value where the function begins."""
    cell = e.cell(t)
    e.allocas.store(v, cell)
    return cell


def needed(e: Emitter, s: Chunks) -> dict[Node, bool]:
    """The nodes that the body reads, and whether each is known before it: of those it does not look further."""
    found: dict[Node, bool] = {}
    stack = [root for x in statements(s.body) for root in roots_of(x)]
    while stack:
        n = stack.pop()
        if n in found or n.kind == "const":
            continue
        found[n] = e.scope.find(n) is not None
        if not found[n]:
            stack += (*operands(n), *(a for a in n.args if a.kind == "version"))
    return found


def chunks(e: Emitter, s: Chunks) -> None:
    """A loop in chunks. What does not change in it is computed before it."""
    extent = e.number(s.extent)
    captured, values = Captured.of(e, s), []
    if s.moves:
        values = captured.values(e) + moved(e, s, captured.tapes)
    if is_open(s.extent):
        with when(e, e.b.icmp_signed(">", extent, I64(0))):
            cut(e, s, extent, captured, values)
    else:
        cut(e, s, extent, captured, values)


def moved(e: Emitter, s: Chunks, tapes: list[Tape]) -> list[llvm.Value]:
    """Do what moves. For each tape where it stands and its room behind that, and how much was in use before."""
    used = [e.b.load(tape_of(e, t).used, type=I64) for t in tapes]
    with inside(e, EmitScope(e.scope)):
        e.block(s.moves)
    found: list[llvm.Value] = []
    for t, n in zip(tapes, used, strict=True):
        found += e.b.load(tape_of(e, t).base, type=PTR), e.b.load(tape_of(e, t).capacity, type=I64), n
    return found


def cut(e: Emitter, s: Chunks, extent: llvm.Value, captured: Captured, values: list[llvm.Value]) -> None:
    if not s.moves:
        for x in s.body:
            if isinstance(x, LoopStmt):
                e.hoist(x)
        captured = Captured.of(e, s)
        values = captured.values(e)
    before = len(e.checks)
    body = emit_body(e, s, captured, [v.type for v in values])
    count = count_of(e, s, extent)
    units = e.b.udiv(extent, I64(s.sizes.unit))
    fields = [*values, *e.kernel.args, count, units, extent]
    context = e.cell(llvm.StructType([v.type for v in fields]), 8)
    layout = llvm.StructType([v.type for v in fields])
    for k, v in enumerate(fields):
        e.b.store(v, e.b.gep(context, [I32(0), I32(k)], of=layout))
    run_chunk = emit_chunk(e, s, body, layout, len(values))
    told = any(c.is_described for c in e.checks[before:])
    record = record_of(e) if told else llvm.Constant(PTR, None)
    stop_if_failed(e, run(e, s, run_chunk, context, count, record))


def count_of(e: Emitter, s: Chunks, extent: llvm.Value) -> llvm.Value:
    """The number of chunks: `ChunkSizes.count`."""
    if not is_open(s.extent):
        return I64(s.sizes.count(s.extent))
    b = e.b
    count = b.udiv(extent, I64(s.sizes.least))
    count = b.select(b.icmp_signed("<", count, I64(s.sizes.most)), count, I64(s.sizes.most))
    return b.select(b.icmp_signed(">=", count, I64(s.sizes.fewest)), count, I64(1))


def run(e: Emitter, s: Chunks, run_chunk: llvm.Function, context: llvm.Value, count: llvm.Value, record: llvm.Value
        ) -> llvm.Value:
    """Have the chunks run; the status. A loop that is one chunk goes nowhere."""
    limit = e.module.variable(LIMIT) or llvm.GlobalVariable(e.module, I64, LIMIT)
    parallel = e.lanes(1).declare(RUN, I32, [PTR, PTR, I64, PTR, PTR])
    everything = [run_chunk, context, count, limit, record]
    if not is_open(s.extent):
        return e.b.call(parallel, everything)
    status = e.cell(I32)
    alone, several, after = (e.b.append_basic_block(name) for name in ("alone", "several", "after"))
    e.b.cbranch(e.b.icmp_signed("<=", count, I64(1)), alone, several)
    e.b.position_at_end(alone)
    own = e.cell(llvm.ArrayType(I64, 4), 8)
    stop = e.b.gep(own, [I64(3)], of=I64)
    e.b.store(I64(0), stop)
    e.b.store(stop, e.b.gep(own, [I64(2)], of=I64))
    e.b.store(e.b.call(run_chunk, [context, I64(0), own]), status)
    if not isinstance(record, llvm.Constant):
        for k in range(2):
            e.b.store(e.b.load(e.b.gep(own, [I64(k)], of=I64), type=I64),
                      e.b.gep(record, [I64(k)], of=I64))
    e.b.branch(after)
    e.b.position_at_end(several)
    e.b.store(e.b.call(parallel, everything), status)
    e.b.branch(after)
    e.b.position_at_end(after)
    return e.b.load(status, type=I32)


def emit_body(e: Emitter, s: Chunks, captured: Captured, types: list[llvm.Type]) -> llvm.Function:
    """The function that computes one chunk."""
    name = e.module.unused(f"{e.kernel.name}.part")
    part = e.part(name, [PTR, I64, I64, I64, PTR])
    values, lo, trip_count, chunk, part.record = part.kernel.args[-5:]
    layout = llvm.StructType(types)
    loaded = [part.allocas.load(part.allocas.gep(values, [I32(0), I32(k)], of=layout), type=t)
              for k, t in enumerate(types)]
    captured.give(part, loaded)
    part.dims = {**part.dims, s.lo: lo, s.trip_count: trip_count}
    part.scope = EmitScope(part.scope, s.var, chunk)
    part.block(s.body)
    leave(part)
    part.allocas.branch(part.b.function.blocks[1])
    return part.kernel


def apart_by(b: llvm.IRBuilder, count: llvm.Value) -> llvm.Value:
    """How far apart chunks are taken that run at once: neighbours would write to the lines between them in turns, in
    each iteration. A number without a common divisor with that of the chunks."""
    half = b.lshr(count, I64(1))
    even = b.add(b.add(half, I64(1)), b.and_(half, I64(1)))
    return b.select(b.icmp_unsigned("==", b.and_(count, I64(1)), I64(0)), even, I64(2))


def emit_chunk(e: Emitter, s: Chunks, body: llvm.Function, layout: llvm.StructType, values: int) -> llvm.Function:
    """`i32 chunk(context, k, record)`: the chunk by its number."""
    name = f"{body.name}.chunk"
    f = llvm.Function(e.module, llvm.FunctionType(I32, [PTR, I64, PTR]), name)
    f.linkage = "internal"
    f.attributes.add("nounwind")
    context, k, record = f.args
    b = llvm.IRBuilder(f.append_basic_block())

    def taken(n: int) -> llvm.Value:
        return b.load(b.gep(context, [I32(0), I32(n)], of=layout), type=layout.elements[n])

    args = [taken(values + n) for n in range(len(e.kernel.args))]
    count, units, extent = (taken(len(layout.elements) - n) for n in (3, 2, 1))

    def start(k: llvm.Value) -> llvm.Value:
        return b.mul(b.udiv(b.mul(k, units), count), I64(s.sizes.unit))

    place: llvm.Value = b.urem(b.mul(k, apart_by(b, count)), count) if s.is_of_members else k
    lo, following = start(place), b.add(place, I64(1))
    hi = b.select(b.icmp_signed("<", following, count), start(following), extent)
    b.ret(b.call(body, [*args, context, lo, b.sub(hi, lo), k, record]))
    return f
