"""Fourier transforms of many lines by code of our own: some lines at once, each in a lane of a vector.

Lines may stand in memory with any distances, with real and imaginary parts anywhere. Some of them are brought side by
side into memory of the routine's own, transformed there, and brought to where they shall stand. The last lines are
taken together with some before them, which are computed twice: to the same bits.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

from ...ir.sizes import is_open
from ...records import dataclass
from .. import llvm
from ..affine import Affine
from ..loops import Call, View
from ..lower.elementwise import memory_type
from ..vecmath.lanes import I32, I64
from .blas import matrix, over
from .fourier_passes import transform_lanes
from .shuffles import across

if TYPE_CHECKING:
    from ..emit import Emitter

Places = Sequence[llvm.Value]
Mover = Callable[[Places, Places, Sequence[float]], None]
"""`mover(places where lines stand, places where they are transformed, factors)`"""


def fft_lines(e: Emitter, call: Call) -> None:
    """Transforms of all lines along the last axis; the one before it is that of the lanes. There are at least as
    many lines as are taken `together`. The inverse is the transform with the parts exchanged, there and back."""
    source, target, factors = call.reads, call.writes[:2], call.attrs["factors"]
    if call.attrs["inverse"]:
        source, target, factors = source[::-1], target[::-1], factors[::-1]
    block = _LineBlock(e, call, _Lines(source, factors), _Lines(target))
    over(e, source[0].shape[:-2], block.lines, call.work)


@dataclass
class _Lines:
    """Where both parts of the lines stand, and the factors that they have."""

    parts: Sequence[View]
    factors: Sequence[float] = (1.0, 1.0)

    @property
    def are_columns(self) -> bool:
        """Whether lines stand side by side."""
        return all(v.strides[-2] == 1 for v in self.parts)

    @property
    def are_rows(self) -> bool:
        """Whether the elements of a line follow one another."""
        return all(v.strides[-1] == 1 for v in self.parts)

    @property
    def pair(self) -> int | None:
        """Which of the parts comes first where both of an element stand side by side, and those of a line follow one
        another."""
        one, other = self.parts
        if one.buffer is not other.buffer or any(v.strides[-1] != 2 for v in self.parts):
            return None
        apart = Affine({}, 0) + other.offset + (Affine({}, 0) + one.offset) * -1
        if apart.terms or is_open(apart.const) or one.strides != other.strides or abs(apart.const) != 1:
            return None
        return 0 if apart.const == 1 else 1


class _LineBlock:
    """Emits the transform of some lines."""

    def __init__(self, e: Emitter, call: Call, source: _Lines, target: _Lines):
        self.e, self.b, self.attrs = e, e.b, call.attrs
        self.source, self.target = source, target
        self.dtype = call.writes[0].buffer.dtype
        self.type = memory_type(self.dtype)
        self.n, self.count = int(call.reads[0].shape[-1]), e.number(call.reads[0].shape[-2])
        self.lanes: int = call.attrs["lanes"]
        self.kind = llvm.VectorType(self.type, self.lanes)
        side_by_side = self.source.are_columns or self.target.are_columns
        self.copies = max(call.attrs["together"] // self.lanes, 1) if side_by_side else 1
        self.scratch = e.at(call.writes[2].buffer, e.place(call.writes[2].offset))

    def lines(self, index: list[llvm.Value]) -> None:
        """All lines along the axis of the lanes."""
        b, each = self.b, I64(self.copies * self.lanes)
        source, target = ([matrix(self.e, v, index) for v in x.parts] for x in (self.source, self.target))
        last = b.sub(self.count, each)
        groups = b.udiv(b.add(last, b.sub(b.add(each, each), I64(1))), each)

        def group(k: llvm.Value) -> None:
            first = self.b.mul(k, each)
            first = self.b.select(self.b.icmp_signed("<", first, last), first, last)
            self.group(self.at(source, self.source, first), self.at(target, self.target, first))

        self.e.iterate(I64(0), groups, group)

    def at(self, places: Sequence[llvm.Value], lines: _Lines, first: llvm.Value) -> list[llvm.Value]:
        return [self.b.gep(p, [self.b.mul(first, I64(v.strides[-2]))], of=self.type)
                for p, v in zip(places, lines.parts, strict=True)]

    def group(self, source: list[llvm.Value], target: list[llvm.Value]) -> None:
        size = 2 * self.n
        here = [self.b.gep(self.scratch, [I64(2 * k * size)], of=self.kind) for k in range(self.copies)]
        spare = [self.b.gep(self.scratch, [I64((2 * k + 1) * size)], of=self.kind) for k in range(self.copies)]
        self.move(source, self.source, here, self.take)
        done = [transform_lanes(self.b, self.n, self.dtype, self.kind, self.attrs["fuses"], x, y)
                for x, y in zip(here, spare, strict=True)]
        self.move(target, self.target, done, self.put)

    # between where the lines stand and where they are transformed -----------------------------------------------------
    def move(self, far: list[llvm.Value], lines: _Lines, near: list[llvm.Value], mover: Mover) -> None:
        """`mover` for all elements of some lines."""
        if lines.are_columns:
            return self.columns(far, lines, near, mover)
        for copy, base in enumerate(near):
            starts = [[self.place(p, I64((copy * self.lanes + lane) * v.strides[-2])) for lane in range(self.lanes)]
                      for p, v in zip(far, lines.parts, strict=True)]
            if lines.pair is not None:
                self.pairs(starts[lines.pair], lines, base, mover)
            else:
                for which, row in enumerate(starts):
                    self.part(row, which, lines, base, mover)
        return None

    def columns(self, far: list[llvm.Value], lines: _Lines, near: list[llvm.Value], mover: Mover) -> None:
        def element(k: llvm.Value) -> None:
            for copy, base in enumerate(near):
                for which, p in enumerate(far):
                    place = self.b.add(self.b.mul(k, I64(lines.parts[which].strides[-1])), I64(copy * self.lanes))
                    mover([self.place(p, place)], [self.near(base, k, which)], [lines.factors[which]])

        self.e.iterate(I64(0), I64(self.n), element)

    def part(self, row: list[llvm.Value], which: int, lines: _Lines, base: llvm.Value, mover: Mover) -> None:
        """The real or the imaginary parts."""
        self.along(row, lines.parts[which].strides[-1], self.n, lambda k: self.near(base, k, which),
                   (lines.factors[which],) * 2, mover)

    def pairs(self, row: list[llvm.Value], lines: _Lines, base: llvm.Value, mover: Mover) -> None:
        """Both parts of a line in one go."""
        first = lines.pair or 0

        def near(k: llvm.Value) -> llvm.Value:
            return self.b.gep(base, [self.b.xor(k, I64(first))], of=self.kind)

        self.along(row, 1, 2 * self.n, near, (lines.factors[first], lines.factors[1 - first]), mover)

    def along(self, starts: list[llvm.Value], step: int, count: int, near: Callable[[llvm.Value], llvm.Value],
              factors: tuple[float, float], mover: Mover) -> None:
        """`count` numbers from each of some places on, which go beside each other; `near(k)`: where those at k do.
        factors: of numbers at even and at odd places."""
        whole = count // self.lanes if step == 1 else 0

        def square(t: llvm.Value) -> None:
            first = self.b.mul(t, I64(self.lanes))
            places = [near(self.b.add(first, I64(k))) for k in range(self.lanes)]
            mover([self.place(p, first) for p in starts], places, [factors[k % 2] for k in range(self.lanes)])

        def single(k: llvm.Value) -> None:
            far = [self.place(p, self.b.mul(k, I64(step))) for p in starts]
            factor = factors[0]
            self.one(far, near(k), factor, mover == self.take)

        if whole:
            self.e.iterate(I64(0), I64(whole), square)
        for k in range(whole * self.lanes, count) if step == 1 else ():
            far = [self.place(p, I64(k)) for p in starts]
            self.one(far, near(I64(k)), factors[k % 2], mover == self.take)
        if step != 1:
            self.e.iterate(I64(0), I64(count), single)

    def place(self, p: llvm.Value, offset: llvm.Value) -> llvm.Value:
        return self.b.gep(p, [offset], of=self.type)

    def near(self, base: llvm.Value, k: llvm.Value, which: int) -> llvm.Value:
        """The place of a part of all lines' element k."""
        return self.b.gep(base, [self.b.add(self.b.shl(k, I64(1)), I64(which))], of=self.kind)

    def take(self, far: Places, near: Places, factors: Sequence[float]) -> None:
        """Bring numbers side by side: one vector as it is, or the rows of a square as its columns."""
        rows = [self.b.load(p, type=self.kind, align=self.dtype.itemsize) for p in far]
        for v, p, factor in zip(across(self.b, rows), near, factors, strict=True):
            self.b.store(self.scaled(v, factor), p, align=self.dtype.itemsize)

    def put(self, far: Places, near: Places, factors: Sequence[float]) -> None:
        """The way back."""
        rows = [self.b.load(p, type=self.kind, align=self.dtype.itemsize) for p in near]
        for v, p in zip(across(self.b, rows), far, strict=True):
            self.b.store(v, p, align=self.dtype.itemsize)

    def one(self, far: Places, near: llvm.Value, factor: float, is_taken: bool) -> None:
        """One number of each line."""
        b, size = self.b, self.dtype.itemsize
        if not is_taken:
            v = b.load(near, type=self.kind, align=size)
            for lane, p in enumerate(far):
                b.store(b.extract_element(v, I32(lane)), p, align=size)
            return
        v = llvm.Constant(self.kind, llvm.UNDEFINED)
        for lane, p in enumerate(far):
            v = b.insert_element(v, b.load(p, type=self.type, align=size), I32(lane))
        b.store(self.scaled(v, factor), near, align=size)

    def scaled(self, v: llvm.Value, factor: float) -> llvm.Value:
        return v if factor == 1 else self.b.fmul(v, llvm.Constant(self.kind, [factor] * self.lanes))


ROUTINES: dict[str, Callable[[Emitter, Call], None]] = {"fft_lines": fft_lines}
STACKS: dict[str, Callable[[Call], int | str]] = {"fft_lines": lambda call: len(call.reads[0].shape) - 1}
