"""Running values of reductions, in registers: how they start, combine and end."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

from . import llvm
from .loops import Accumulate, Accumulator, IfStmt, LoopStmt, Stmt
from .lower import EMIT
from .lower.combine import across, combine
from .lower.elementwise import constant, llvm_type
from .numbers import identity
from .vecmath.lanes import I32, I64 as INT64, width_of

if TYPE_CHECKING:
    from .emit import Emitter


class AccumulatorCells:
    """The running values of an accumulator: a scalar, and a vector for each unrolled copy of each width in use.

    The loops that follow decide which vectors there are; all are set when the reduction starts, and combined in a fixed
    order at its end. For sums in blocks `carry` moves them to totals of their own. A reduction that starts inside a
    vector loop keeps its lanes apart: each is a result of its own.
    """

    def __init__(self, e: Emitter, acc: Accumulator, following: Sequence[Stmt]):
        self.e, self.acc = e, acc
        self.per_lane = e.scope.vector is not None
        if self.per_lane:
            keys = {(e.scope.width, e.scope.vector.copy)}  # type: ignore[union-attr]
        else:
            keys = {(1, 0)} | set(vectors_of(acc, following))
        self.cells = {key: self.fresh(key[0]) for key in sorted(keys)}
        self.totals: dict[tuple[int, int], llvm.Value] = {}
        self.arg = acc.op in ("argmax", "argmin")
        self.where = {key: self.nowhere(key[0]) for key in self.cells} if self.arg else {}
        """Where the best value of each part stands, of argmax and argmin."""

    def fresh(self, width: int) -> llvm.Value:
        cell = self.e.cell(self.type(width))
        self.clear(cell, width)
        return cell

    def nowhere(self, width: int) -> llvm.Value:
        """A cell for positions, of which the first are 0."""
        kind = self.e.lanes(width).of(INT64)
        cell = self.e.cell(kind)
        self.e.b.store(llvm.Constant(kind, None), cell)
        return cell

    def clear(self, cell: llvm.Value, width: int, builder: llvm.IRBuilder | None = None) -> None:
        first = constant(self.e.lanes(width), self.acc.dtype, identity(self.acc.op, self.acc.dtype))
        (builder or self.e.b).store(first, cell)

    def type(self, width: int) -> llvm.Type:
        return self.e.lanes(width).of(llvm_type(self.acc.dtype))

    def add(self, v: llvm.Value, copy: int) -> llvm.Value:
        """Combine a value into the part of its width; the part's new value."""
        width = width_of(v.type)
        return self.into(self.cell(width, copy), width, v)

    def add_product(self, x: llvm.Value, y: llvm.Value, copy: int) -> llvm.Value:
        """Add x*y to the part of its width, rounded once; the part's new value."""
        width = width_of(x.type)
        cell = self.cell(width, copy)
        new = self.e.lanes(width).fma(x, y, self.e.b.load(cell, type=self.type(width)))
        self.e.b.store(new, cell)
        return new

    def cell(self, width: int, copy: int) -> llvm.Value:
        return self.cells[(width, copy if width > 1 else 0)]

    def into(self, cell: llvm.Value, width: int, v: llvm.Value) -> llvm.Value:
        L = self.e.lanes(width)
        new = combine(L, self.acc.op, self.acc.dtype, self.e.b.load(cell, type=self.type(width)), v)
        self.e.b.store(new, cell)
        return new

    def carry(self) -> None:
        """At the end of a block: move the vectors to the totals."""
        for (width, copy), cell in self.cells.items():
            if width == 1:
                continue
            if (width, copy) not in self.totals:
                total = self.totals[(width, copy)] = self.e.cell(self.type(width))
                # The reduction may start again in an outer loop, so its totals are cleared when they are read.
                self.clear(total, width, self.e.allocas)
            self.into(self.totals[(width, copy)], width, self.e.b.load(cell, type=self.type(width)))
            self.clear(cell, width)

    def record(self, v: llvm.Value, position: llvm.Value, copy: int, counts: llvm.Value | None) -> None:
        """argmax, argmin: the first of equals, and the first nan of all. counts: the lanes that do."""
        b, width = self.e.b, width_of(v.type)
        key = (width, copy if width > 1 else 0)
        best = b.load(self.cells[key], type=self.type(width))
        better = self.better(v, best)
        if counts is not None:
            better = b.and_(better, counts)
        b.store(b.select(better, v, best), self.cells[key])
        b.store(b.select(better, position, b.load(self.where[key], type=position.type)), self.where[key])

    def better(self, v: llvm.Value, best: llvm.Value) -> llvm.Value:
        b, t = self.e.b, self.acc.dtype
        L = self.e.lanes(width_of(v.type))
        if t.is_bool:
            return b.and_(v, b.not_(best)) if self.acc.op == "argmax" else b.and_(best, b.not_(v))
        better = EMIT["gt" if self.acc.op == "argmax" else "lt"](L, t, v, best)
        return b.or_(better, b.and_(L.isnan(v), b.not_(L.isnan(best)))) if t.is_float else better

    def position(self) -> llvm.Value:
        """That of the best value of all parts: of equal ones the first."""
        b = self.e.b
        best, first = b.load(self.cells[(1, 0)], type=self.type(1)), b.load(self.where[(1, 0)], type=INT64)
        for key, cell in self.cells.items():
            values = b.load(cell, type=self.type(key[0]))
            places = b.load(self.where[key], type=self.e.lanes(key[0]).of(INT64))
            for lane in range(key[0]) if key[0] > 1 else ():
                v, at = b.extract_element(values, I32(lane)), b.extract_element(places, I32(lane))
                is_level = b.not_(b.or_(self.better(v, best), self.better(best, v)))
                taken = b.or_(self.better(v, best), b.and_(is_level, b.icmp_signed("<", at, first)))
                best, first = b.select(taken, v, best), b.select(taken, at, first)
        return first

    def total(self) -> llvm.Value:
        """The final value."""
        e = self.e
        if self.arg:
            return self.position()
        if self.per_lane:
            ((width, _), cell), = self.cells.items()
            return e.b.load(cell, type=self.type(width))
        out = e.b.load(self.cells[(1, 0)], type=self.type(1))
        for width in sorted({w for w, _ in self.cells if w > 1}):
            cells = [c for (w, _), c in self.cells.items() if w == width]
            cells += [c for (w, _), c in self.totals.items() if w == width]
            v = e.b.load(cells[0], type=self.type(width))
            for c in cells[1:]:
                v = combine(e.lanes(width), self.acc.op, self.acc.dtype, v, e.b.load(c, type=self.type(width)))
            for (w, _), c in self.totals.items():
                if w == width:
                    self.clear(c, width)
            lane = across(e.lanes(width), self.acc.op, self.acc.dtype, v)
            out = combine(e.lanes(1), self.acc.op, self.acc.dtype, out, lane)
        return out


def vectors_of(acc: Accumulator, body: Sequence[Stmt], lanes: int = 1, unroll: int = 1) -> Iterator[tuple[int, int]]:
    """The (width, copy) of each vector that is combined into an accumulator."""
    for s in body:
        if isinstance(s, LoopStmt):
            inside = (s.lanes, s.unroll) if s.lanes > 1 else (lanes, unroll)
            yield from vectors_of(acc, s.body, *inside)
        elif isinstance(s, IfStmt):
            yield from vectors_of(acc, [*s.then, *s.other], lanes, unroll)
        elif isinstance(s, Accumulate) and s.acc is acc and lanes > 1:
            yield from ((lanes, copy) for copy in range(unroll))
