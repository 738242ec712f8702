"""Machine code of a program's own control flow: loops, branches, variables, tapes, and loops of computed extents."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from ..ir.sizes import is_open
from ..records import dataclass
from . import llvm
from .emit_scope import EmitScope
from .failures import exit_block
from .loop_passes import nodes_of, statements
from .loops import (
    Accumulate,
    Assign,
    Cell,
    Exchange,
    Finish,
    IfStmt,
    Let,
    LoopStmt,
    Node,
    Pop,
    Push,
    Repeat,
    Rewind,
    Start,
    Stmt,
    Store,
    Tape,
    WhileStmt,
)
from .lower.elementwise import llvm_type
from .numbers import LONG, PAGE_BYTES, STRIP
from .vecmath.lanes import I1, I32, I64

if TYPE_CHECKING:
    from .emit import Emitter

PTR = llvm.PointerType()
I8 = llvm.IntType(8)
FIRST_TAPE = 1 << 16
"""Bytes of a tape's first allocation; it doubles when it is full."""
LARGE_PAGES = sys.platform == "linux"
"""Whether the system may be asked for large pages."""
ARE_LARGE, HUGE_PAGES = 1 << 22, 14
"""Bytes from which on that pays; and the advice: MADV_HUGEPAGE."""
ADVISE = "gradjit.advise"
QUIET = ("noinline", "cold", "nounwind", "inaccessiblemem_or_argmemonly")
"""Of a function that seldom runs, and leaves alone what the code around it has loaded."""
ASK = "gradjit_interrupted"
"""The runtime's function that tells whether the user interrupts."""
OUT_OF_MEMORY, INTERRUPTED = -2, -3
"""What the kernel returns when a tape finds no memory, and when the user interrupts it."""


@contextmanager
def inside(e: Emitter, scope: EmitScope) -> Iterator[None]:
    e.scope = scope
    yield
    assert scope.parent is not None
    e.scope = scope.parent


@contextmanager
def when(e: Emitter, condition: llvm.Value) -> Iterator[None]:
    """Code that runs only if the condition holds; what it computes is not known behind it."""
    then, after = e.b.append_basic_block("then"), e.b.append_basic_block("after")
    e.b.cbranch(condition, then, after)
    e.b.position_at_end(then)
    with inside(e, EmitScope(e.scope)):
        yield
    e.b.branch(after)
    e.b.position_at_end(after)


# loop nests -----------------------------------------------------------------------------------------------------------
def counted(e: Emitter, s: LoopStmt) -> None:
    """A loop whose number of iterations is computed: whole vectors, then the rest one by one."""
    assert s.trip_count is not None
    n = e.value(s.trip_count)
    with when(e, e.b.icmp_signed(">", n, I64(0))):
        e.hoist(s)
        single = replace(s, lanes=1, unroll=1)
        if s.lanes == 1:
            along(e, s, n, lambda k: iteration(e, single, k))
            return
        whole = e.b.udiv(n, I64(s.lanes))
        with when(e, e.b.icmp_signed(">", whole, I64(0))):
            along(e, s, whole, lambda k: iteration(e, s, e.b.mul(k, I64(s.lanes), flags="nsw")))
        done = e.b.mul(whole, I64(s.lanes), flags="nsw")
        with when(e, e.b.icmp_signed("<", done, n)):
            if runs_along(e, s):
                rest(e, s, done, n)
            else:
                e.iterate(done, n, lambda k: iteration(e, single, k))


def along(e: Emitter, s: LoopStmt, trip_count: llvm.Value, body: Callable[[llvm.Value], None]) -> None:
    """The iterations, at least one, of a loop that may ask whether the user interrupts."""
    if not s.asks:
        e.iterate(I64(0), trip_count, body)
        return
    size = max(int(STRIP / (s.asks * s.lanes)), 1)
    e.strips(trip_count, size, body, lambda: poll(e, size * s.asks * s.lanes))


def exactly(e: Emitter, s: LoopStmt) -> None:
    """A loop that reads what it writes: whole vectors, then the rest one by one."""
    whole = s.var.extent // s.lanes
    if s.written_out:
        for k in range(whole):
            iteration(e, s, I64(k * s.lanes))
    elif whole:
        along(e, s, I64(whole), lambda k: iteration(e, s, e.b.mul(k, I64(s.lanes), flags="nsw")))
    if runs_along(e, s):
        rest(e, s, I64(whole * s.lanes), I64(s.var.extent))
        return
    single = replace(s, lanes=1, unroll=1)
    for k in range(whole * s.lanes, s.var.extent):
        iteration(e, single, I64(k))


ALONG = (Store, Accumulate, Start, Finish, Let, LoopStmt)
"""What a vector does whose lanes do not all count."""


def runs_along(e: Emitter, s: LoopStmt) -> bool:
    """Whether the lanes of a loop are neighbours in memory wherever it touches memory."""
    every = list(statements(s.body))
    if any(not isinstance(x, ALONG) or (isinstance(x, LoopStmt) and x.trip_count is not None) for x in every):
        return False
    for x in every:
        if isinstance(x, Store) and s.var in x.address.vars and x.address.terms.get(s.var, 0) != 1:
            return False
        for n in nodes_of(x):
            a = n.attrs[1] if n.kind == "load" else None
            if n.kind == "check" or (a is not None and s.var in a.vars and (
                    abs(a.terms.get(s.var, 0)) != 1 or any(s.var in t.vars for t in a.terms if t is not s.var))):
                return False
    return True


def rest(e: Emitter, s: LoopStmt, done: llvm.Value, n: llvm.Value) -> None:
    """The last values of a loop, less than a vector of them, from the `done`-th on; the other lanes stand still."""
    first = e.b.add(done, e.number(s.var.lo), flags="nsw") if is_open(s.var.lo) or s.var.lo else done
    with inside(e, EmitScope(e.scope, s.var, first, s.lanes, masked=True)):
        counting = llvm.Constant(llvm.VectorType(I64, s.lanes), list(range(s.lanes)))
        e.scope.valid = e.b.icmp_signed("<", counting, e.splat(e.b.sub(n, done)))
        e.block(s.body)


def iteration(e: Emitter, s: LoopStmt, k: llvm.Value) -> None:
    """One iteration from the loop's k-th value on."""
    first = e.b.add(k, e.number(s.var.lo), flags="nsw") if is_open(s.var.lo) or s.var.lo else k
    with inside(e, EmitScope(e.scope, s.var, first, s.lanes)):
        e.block(s.body)


# the program's loops and branches -------------------------------------------------------------------------------------
def repeat(e: Emitter, s: Repeat) -> None:
    lo, hi, step = e.value(s.lo), e.value(s.hi), e.value(s.step)
    b = e.b
    if s.asks and STRIP / s.asks >= MANY:
        in_strips(e, s, lo, hi, step)
        return
    before = b.block
    head, body, after = (b.append_basic_block(name) for name in ("repeat", "body", "after"))
    b.branch(head)
    b.position_at_end(head)
    i = b.phi(I64)
    i.add_incoming(lo, before)
    b.cbranch(goes_on(e, i, hi, step), body, after)
    b.position_at_end(body)
    poll(e, s.asks)
    with inside(e, EmitScope(e.scope, s.var, i)):
        e.block(s.body)
    i.add_incoming(e.b.add(i, step, flags="nsw"), e.b.block)
    e.b.branch(head)
    b.position_at_end(after)


MANY = 64
"""So many iterations, of a loop that asks whether the user interrupts, go by between two questions at least, or it is
asked in each."""


def in_strips(e: Emitter, s: Repeat, lo: llvm.Value, hi: llvm.Value, step: llvm.Value) -> None:
    """A loop of short iterations, which asks between strips of them."""
    b, size = e.b, int(STRIP / s.asks)
    before = b.block
    head, strip, body, done, after = (b.append_basic_block(n) for n in ("repeat", "strip", "body", "done", "after"))
    b.branch(head)
    b.position_at_end(head)
    first = b.phi(I64)
    first.add_incoming(lo, before)
    b.cbranch(goes_on(e, first, hi, step), strip, after)
    b.position_at_end(strip)
    poll(e, size * s.asks)
    end = strip_end(e, first, hi, step, size)
    begin = e.b.block
    b.branch(body)
    b.position_at_end(body)
    i = b.phi(I64)
    i.add_incoming(first, begin)
    with inside(e, EmitScope(e.scope, s.var, i)):
        e.block(s.body)
    following = e.b.add(i, step, flags="nsw")
    i.add_incoming(following, e.b.block)
    e.b.cbranch(goes_on(e, following, end, step), body, done)
    b.position_at_end(done)
    first.add_incoming(following, done)
    b.branch(head)
    b.position_at_end(after)


def strip_end(e: Emitter, first: llvm.Value, hi: llvm.Value, step: llvm.Value, size: int) -> llvm.Value:
    """Where a strip of so many iterations ends, or the loop if that is sooner."""
    b = e.b
    span = b.mul(step, I64(size))
    far = b.call(e.lanes(1).declare("llvm.sadd.sat.i64", I64, [I64, I64]), [first, span])
    sooner = b.icmp_signed("<", far, hi)
    if isinstance(step, llvm.Constant):
        rising: llvm.Value = I1(step.constant > 0)
    else:
        rising = b.icmp_signed(">", step, I64(0))
    return b.select(b.icmp_unsigned("==", sooner, rising), far, hi)


def goes_on(e: Emitter, i: llvm.Value, hi: llvm.Value, step: llvm.Value) -> llvm.Value:
    """Whether a range has not come to its end; one whose step is 0 has none (the tracer refuses it)."""
    up, down = e.b.icmp_signed("<", i, hi), e.b.icmp_signed(">", i, hi)
    if isinstance(step, llvm.Constant):
        return up if step.constant > 0 else down if step.constant < 0 else I1(0)
    zero = I64(0)
    rising = e.b.and_(e.b.icmp_signed(">", step, zero), up)
    return e.b.or_(rising, e.b.and_(e.b.icmp_signed("<", step, zero), down))


def while_(e: Emitter, s: WhileStmt) -> None:
    b = e.b
    head, body, after = (b.append_basic_block(name) for name in ("while", "body", "after"))
    b.branch(head)
    b.position_at_end(head)
    with inside(e, EmitScope(e.scope, s.var)):
        e.block(s.head)
        e.b.cbranch(e.value(s.cond), body, after)
        b.position_at_end(body)
        poll(e, s.asks)
        e.block(s.body)
        e.b.branch(head)
    b.position_at_end(after)


def if_(e: Emitter, s: IfStmt) -> None:
    condition = e.value(s.cond)
    then, other, after = (e.b.append_basic_block(name) for name in ("then", "else", "after"))
    e.b.cbranch(condition, then, other)
    for block, body in ((then, s.then), (other, s.other)):
        e.b.position_at_end(block)
        with inside(e, EmitScope(e.scope)):
            e.block(body)
        e.b.branch(after)
    e.b.position_at_end(after)


# variables ------------------------------------------------------------------------------------------------------------
def let(e: Emitter, s: Let) -> None:
    e.value(s.node)


def assign(e: Emitter, s: Assign) -> None:
    values = [e.value(n) for n in s.nodes]
    for cell, v in zip(s.cells, values, strict=True):
        e.b.store(v, place_of(e, cell))


def place_of(e: Emitter, cell: Cell) -> llvm.Value:
    if cell not in e.cells:
        e.cells[cell] = e.cell(llvm_type(cell.dtype))
    return e.cells[cell]


def cell_value(e: Emitter, n: Node) -> llvm.Value:
    cell, _ = n.attrs
    return e.b.load(place_of(e, cell), type=llvm_type(cell.dtype))


# memory that moves ----------------------------------------------------------------------------------------------------
def exchange(e: Emitter, s: Exchange) -> None:
    one, other = e.moving(s.one), e.moving(s.other)
    p, q = e.b.load(one, type=PTR), e.b.load(other, type=PTR)
    e.b.store(q, one)
    e.b.store(p, other)


# tapes ----------------------------------------------------------------------------------------------------------------
@dataclass
class TapeCells:
    """Where a tape's memory begins, its capacity and how much of it is in use: three stack cells. is_borrowed: somebody
    else frees the memory."""

    base: llvm.Value
    capacity: llvm.Value
    used: llvm.Value
    is_borrowed: bool = False


def tape_of(e: Emitter, tape: Tape) -> TapeCells:
    if tape not in e.tapes:
        cells = e.tapes[tape] = TapeCells(e.cell(PTR), e.cell(I64), e.cell(I64))
        e.allocas.store(llvm.Constant(PTR, None), cells.base)
        e.allocas.store(I64(0), cells.capacity)
        e.allocas.store(I64(0), cells.used)
    return e.tapes[tape]


def rewind(e: Emitter, s: Rewind) -> None:
    t = tape_of(e, s.tape)
    e.b.store(I64(0), t.used)
    if s.nbytes:
        room(e, t, I64(s.nbytes), I64(s.nbytes), is_open(s.nbytes) or s.nbytes >= ARE_LARGE)


def places(e: Emitter, s: Push | Pop) -> tuple[list[llvm.Value], llvm.Value]:
    """Where each entry of a record begins within it, and the record's size in bytes."""
    total: llvm.Value = I64(0)
    starts = []
    for _, nbytes in s.entries:
        starts.append(total)
        total = e.b.add(total, e.value(nbytes), flags="nsw")
    return starts, total


def push(e: Emitter, s: Push) -> None:
    t, b = tape_of(e, s.tape), e.b
    starts, size = places(e, s)
    used = b.load(t.used, type=I64)
    top = b.add(used, size, flags="nsw")
    sizes = [n.attrs if n.kind == "const" else PAGE_BYTES for _, n in s.entries]
    room(e, t, top, b.add(b.shl(top, I64(1)), I64(FIRST_TAPE)), sum(map(int, sizes)) >= PAGE_BYTES)
    b.store(top, t.used)
    show(e, s, starts, b.load(t.base, type=PTR), used)


def room(e: Emitter, t: TapeCells, needed: llvm.Value, capacity: llvm.Value, may_be_large: bool) -> None:
    """See that a tape has room for `needed` bytes; where it has not it gets that capacity. may_be_large: whether to ask
    for large pages then; a call more where numbers are pushed one by one costs a tenth of a loop's time."""
    b = e.b
    full = b.icmp_unsigned(">", needed, b.load(t.capacity, type=I64))
    grow, ready = b.append_basic_block("grow"), b.append_basic_block("ready")
    b.cbranch(full, grow, ready, (1, 1 << 20))
    b.position_at_end(grow)
    fresh = b.call(e.lanes(1).declare("realloc", PTR, [PTR, I64]), [b.load(t.base, type=PTR), capacity])
    stop_if(e, b.icmp_unsigned("==", fresh, llvm.Constant(PTR, None)), OUT_OF_MEMORY)
    b.store(fresh, t.base)
    b.store(capacity, t.capacity)
    if LARGE_PAGES and may_be_large:
        b.call(advising(e.module), [fresh, capacity])
    b.branch(ready)
    b.position_at_end(ready)


def advising(module: llvm.Module) -> llvm.Function:
    """The function `(memory, bytes)` that asks for large pages where so much memory is worth it.

    Fresh memory comes page by page, each at its first touch; that took two thirds of the time of a loop that keeps
    500 MB. NumPy asks for large pages for its arrays, too. The page in which the memory begins, behind the allocator's
    own words, is one of them: memory in two kinds of pages cannot be moved to where there is more room, and would be
    copied each time it grows.
    """
    known = module.function(ADVISE)
    if known is not None:
        return known
    f = llvm.Function(module, llvm.FunctionType(llvm.VoidType(), [PTR, I64]), ADVISE, attributes=QUIET)
    f.linkage = "internal"
    b = llvm.IRBuilder(f.append_basic_block("entry"))
    large, done = f.append_basic_block("large"), f.append_basic_block("done")
    b.cbranch(b.icmp_unsigned(">=", f.args[1], I64(ARE_LARGE)), large, done)
    b.position_at_end(large)
    address = b.ptrtoint(f.args[0], I64)
    first = b.and_(address, I64(-PAGE_BYTES))
    left = b.sub(f.args[1], b.sub(first, address))
    advise = module.declared("madvise", llvm.FunctionType(I32, [PTR, I64, I32]))
    b.call(advise, [b.inttoptr(first, PTR), left, I32(HUGE_PAGES)])
    b.branch(done)
    b.position_at_end(done)
    b.ret_void()
    return f


def pop(e: Emitter, s: Pop) -> None:
    t, b = tape_of(e, s.tape), e.b
    starts, size = places(e, s)
    used = b.sub(b.load(t.used, type=I64), size, flags="nsw")
    b.store(used, t.used)
    show(e, s, starts, b.load(t.base, type=PTR), used)


def show(e: Emitter, s: Push | Pop, starts: list[llvm.Value], base: llvm.Value, used: llvm.Value) -> None:
    """Let each buffer of a record stand at its place on the tape."""
    record = e.b.gep(base, [used], of=I8)
    for (buffer, _), start in zip(s.entries, starts, strict=True):
        e.pointers[buffer] = e.b.gep(record, [start], of=I8)


# leaving --------------------------------------------------------------------------------------------------------------
def stop_if(e: Emitter, condition: llvm.Value, status: int) -> None:
    """Leave the kernel with the given status."""
    stop, on = e.b.append_basic_block("stop"), e.b.append_basic_block("on")
    e.b.cbranch(condition, stop, on)
    e.b.position_at_end(stop)
    e.b.store(I32(status), e.status())
    e.b.branch(exit_block(e))
    e.b.position_at_end(on)


def stop_if_failed(e: Emitter, status: llvm.Value) -> None:
    """Leave the kernel with a status that is not 0."""
    stop, on = e.b.append_basic_block("stop"), e.b.append_basic_block("on")
    e.b.cbranch(e.b.icmp_signed("!=", status, I32(0)), stop, on, (1, 1 << 20))
    e.b.position_at_end(stop)
    e.b.store(status, e.status())
    e.b.branch(exit_block(e))
    e.b.position_at_end(on)


def poll(e: Emitter, work: float) -> None:
    """After so much work: ask whether the user has interrupted, if enough has been done since that was asked last."""
    if not work:
        return
    stop_where_told(e)
    b, budget = e.b, I64(int(LONG))
    if e.polls is None:
        e.polls = e.cell(I64)
        e.allocas.store(budget, e.polls)
    left = b.sub(b.load(e.polls, type=I64), I64(int(min(max(work, 1.0), LONG))))
    b.store(left, e.polls)
    ask, on = b.append_basic_block("ask"), b.append_basic_block("on")
    b.cbranch(b.icmp_signed("<", left, I64(0)), ask, on, (1, 1 << 16))
    b.position_at_end(ask)
    b.store(budget, e.polls)
    asked = b.call(e.lanes(1).declare(ASK, I32, []), [])
    stop_if(e, b.icmp_signed("!=", asked, I32(0)), INTERRUPTED)
    b.branch(on)
    b.position_at_end(on)


def stop_where_told(e: Emitter) -> None:
    """Leave a chunk if the loop that it belongs to has been interrupted."""
    if e.record is None:
        return
    told = e.b.load(e.b.gep(e.record, [I64(2)], of=I64), type=PTR)
    stop_if(e, e.b.icmp_signed("!=", e.b.load_atomic(told, "monotonic", 8, type=I64), I64(0)), INTERRUPTED)


def leave(e: Emitter) -> None:
    """The end of the kernel: tapes are freed on every path."""
    e.b.branch(exit_block(e))
    e.b.position_at_end(exit_block(e))
    for t in e.tapes.values():
        if t.is_borrowed:
            continue
        free = e.lanes(1).declare("free", llvm.VoidType(), [PTR])
        e.b.call(free, [e.b.load(t.base, type=PTR)])
    e.b.ret(e.b.load(e.failed, type=I32) if e.failed is not None else I32(0))


FLOW: dict[type[Stmt], Callable[[Any, Any], None]] = {
    Let: let, Assign: assign, Exchange: exchange, Repeat: repeat, WhileStmt: while_, IfStmt: if_,
    Rewind: rewind, Push: push, Pop: pop,
}
