"""Loops over elements whose number of iterations is open: as those of known extents are emitted (`Emitter.loop`), with
the numbers computed when they begin.

What is left when no whole vector fits is one vector under a mask, so that no iteration has to look whether it is the
last. Where memory does not run along with the lanes the last vector overlaps the one before, as it does where the
extent is known, if there are as many elements as a vector has; fewer are done one by one.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING

from . import llvm
from .emit_control import inside, iteration, poll, rest, runs_along, when
from .emit_scope import EmitScope
from .loop_passes import statements
from .loops import Accumulate, LoopStmt, Store
from .numbers import BLOCK, STRIP
from .vecmath.lanes import I64

if TYPE_CHECKING:
    from .accumulators import AccumulatorCells
    from .emit import Emitter


def unbounded(e: Emitter, s: LoopStmt) -> None:
    n = e.number(s.var.extent)
    with when(e, e.b.icmp_signed(">", n, I64(0))):
        e.hoist(s)
        if s.lanes == 1 or e.scope.vector:
            single = replace(s, lanes=1, unroll=1)
            blocked(e, s, n, [], lambda k: iteration(e, single, k))
        elif s.exact or runs_along(e, s):
            whole_and_rest(e, s, n)
        else:
            overlapping(e, s, n)


def whole_and_rest(e: Emitter, s: LoopStmt, n: llvm.Value) -> None:
    """As many vectors as fit, the most of them `unroll` an iteration, then the rest."""
    sums = sums_of(e, s)
    done: llvm.Value = I64(0)
    for count in dict.fromkeys((s.unroll, 1)):
        trip_count = e.b.udiv(e.b.sub(n, done, flags="nsw"), I64(s.lanes * count))
        with when(e, e.b.icmp_signed(">", trip_count, I64(0))):
            run = partial(copies, e, s, count=count, base=done, overlaps=False)
            if count == s.unroll:
                blocked(e, s, trip_count, sums, run)
            else:
                e.iterate(I64(0), trip_count, run)
        done = e.b.add(done, e.b.mul(trip_count, I64(s.lanes * count), flags="nsw"), flags="nsw")
    with when(e, e.b.icmp_signed("<", done, n)):
        few(e, s, done, n)


def sums_of(e: Emitter, s: LoopStmt) -> list[AccumulatorCells]:
    """The running sums of a loop."""
    return [e.parts[x.acc] for x in s.body if isinstance(x, Accumulate) and x.acc.op == "sum" and x.acc in e.parts]


def overlapping(e: Emitter, s: LoopStmt, n: llvm.Value) -> None:
    """Vectors, of which the last begins where it still fits; where not even one fits, see `few`."""
    fits = e.b.icmp_signed(">=", n, I64(s.lanes))
    vectors, others, after = (e.b.append_basic_block(name) for name in ("vectors", "few", "after"))
    e.b.cbranch(fits, vectors, others)
    e.b.position_at_end(vectors)
    with inside(e, EmitScope(e.scope)):
        along(e, s, n)
    e.b.branch(after)
    e.b.position_at_end(others)
    with inside(e, EmitScope(e.scope)):
        few(e, s, I64(0), n)
    e.b.branch(after)
    e.b.position_at_end(after)


def along(e: Emitter, s: LoopStmt, n: llvm.Value) -> None:
    """All of at least as many elements as a vector has."""
    sums = sums_of(e, s)
    if s.unroll == 1:
        count = e.b.udiv(e.b.add(n, I64(s.lanes - 1)), I64(s.lanes))
        blocked(e, s, count, sums, lambda k: copies(e, s, k, 1, I64(0), overlaps=True))
        return
    step = s.lanes * s.unroll
    whole = e.b.udiv(n, I64(step))
    with when(e, e.b.icmp_signed(">", whole, I64(0))):
        blocked(e, s, whole, sums, lambda k: copies(e, s, k, s.unroll, I64(0), overlaps=False))
    done = e.b.mul(whole, I64(step), flags="nsw")
    left = e.b.sub(n, done)
    with when(e, e.b.icmp_signed(">", left, I64(0))):
        count = e.b.udiv(e.b.add(left, I64(s.lanes - 1)), I64(s.lanes))
        e.iterate(I64(0), count, lambda k: copies(e, s, k, 1, done, overlaps=True))


def few(e: Emitter, s: LoopStmt, done: llvm.Value, n: llvm.Value) -> None:
    """What is less than a vector, from the `done`-th element on."""
    if runs_along(e, s):
        rest(e, s, done, n)
    else:
        single = replace(s, lanes=1, unroll=1)
        e.iterate(done, n, lambda k: iteration(e, single, k))


def blocked(e: Emitter, s: LoopStmt, trip_count: llvm.Value, sums: list[AccumulatorCells],
            body: Callable[[llvm.Value], None]
            ) -> None:
    """The iterations, at least one: long sums in blocks, as where the number is known; asking now and then whether the
    user interrupts."""
    work = s.asks * s.lanes * s.unroll
    if not sums and not work:
        e.iterate(I64(0), trip_count, body)
        return
    size: int | llvm.Value = max(int(STRIP / work), 1) if work else BLOCK
    if sums:
        size = e.b.select(e.b.icmp_signed(">", trip_count, I64(2 * BLOCK)), I64(BLOCK), trip_count)

    def end() -> None:
        for p in sums:
            p.carry()
        poll(e, BLOCK * work if sums else int(STRIP))

    e.strips(trip_count, size, body, end)


def copies(e: Emitter, s: LoopStmt, k: llvm.Value, count: int, base: llvm.Value, overlaps: bool) -> None:
    """Iteration number k of `count` vectors, from element `base` of the loop on. overlaps: whether the last may not
    fit."""
    for copy in range(count):
        first = e.b.mul(k, I64(s.lanes * count), flags="nuw nsw")
        first = e.b.add(first, base, flags="nsw")
        first = e.b.add(first, e.number(s.var.lo + copy * s.lanes), flags="nsw")
        with fitting(e, s, first, copy, overlaps):
            e.block(s.body)


@contextmanager
def fitting(e: Emitter, s: LoopStmt, first: llvm.Value, copy: int, overlaps: bool) -> Iterator[None]:
    """The scope of a vector that begins at `first`, or as far before as it must to fit."""
    start = first
    if overlaps:
        last = e.number(s.var.hi - s.lanes)
        start = e.b.select(e.b.icmp_signed("<", first, last), first, last)
    with inside(e, EmitScope(e.scope, s.var, start, s.lanes, copy)):
        counts = any(isinstance(x, Accumulate) or (isinstance(x, Store) and x.combine) for x in statements(s.body))
        if overlaps and counts:
            e.scope.valid = e.b.icmp_signed(">=", e.across_lanes(s.var), e.splat(first))
        yield
