"""Stable sorting along an axis: a merge sort from the bottom up, nan last, as a private function for each dtype.

Every line is copied into scratch memory, sorted there, and copied to the result; argsort carries positions along.
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import nullcontext
from typing import TYPE_CHECKING

from ...ir import I64 as INDEX, DType
from ...ir.sizes import is_open
from .. import llvm
from ..emit_control import ASK, INTERRUPTED, stop_if, when
from ..loops import Call, View
from ..lower.elementwise import EMIT, memory_type
from ..vecmath.lanes import I1, I32, I64, Lanes
from .blas import over

if TYPE_CHECKING:
    from ..emit import Emitter

PTR = llvm.PointerType()


def sort(e: Emitter, call: Call) -> None:
    """out = x sorted along `axis`, or the positions that sort it."""
    (x,), (out, keys, *places) = call.reads, call.writes
    axis = call.attrs["axis"]
    n = x.shape[axis]
    if n == 0:
        return
    dtype = x.buffer.dtype
    is_long = is_open(n) or n >= STRIP
    fn = merge_sort(e, dtype, bool(places), is_long)
    outer = tuple(s for k, s in enumerate(x.shape) if k != axis)
    count = e.number(n)
    a, b = own(e, keys, n)
    pa, pb = own(e, places[0], n) if places else (a, b)

    def line(index: list[llvm.Value]) -> None:
        def element(view: View, k: llvm.Value) -> llvm.Value:
            full = [*index[:axis], k, *index[axis:]]
            offset = e.place(view.offset)
            for i, s in zip(full, view.strides, strict=True):
                offset = e.b.add(offset, e.b.mul(i, e.number(s)))
            return e.at(view.buffer, offset)

        def take(k: llvm.Value) -> None:
            e.b.store(e.b.load(element(x, k), type=memory_type(dtype)), element_at(e.b, a, k, dtype))
            if places:
                e.b.store(k, element_at(e.b, pa, k, INDEX))

        e.iterate(I64(0), count, take)
        answer = e.b.call(fn, [a, b, pa, pb, count])
        if is_long:
            stop_if(e, e.b.icmp_signed("==", answer, BROKEN_OFF), INTERRUPTED)
        in_b = e.b.trunc(answer, I1)
        source = e.b.select(in_b, pb if places else b, pa if places else a)
        kind = INDEX if places else dtype

        def give(k: llvm.Value) -> None:
            e.b.store(e.b.load(element_at(e.b, source, k, kind), type=memory_type(kind)), element(out, k))

        e.iterate(I64(0), count, give)

    with when(e, e.b.icmp_signed(">", count, I64(0))) if is_open(n) else nullcontext():
        over(e, outer, line, call.work)


def own(e: Emitter, v: View, n: int) -> tuple[llvm.Value, llvm.Value]:
    """Two pieces of the routine's memory."""
    first = e.place(v.offset)
    return e.at(v.buffer, first), e.at(v.buffer, e.b.add(first, e.number(n)))


def element_at(b: llvm.IRBuilder, p: llvm.Value, k: llvm.Value, t: DType) -> llvm.Value:
    return b.gep(p, [k], inbounds=True, of=memory_type(t))


STRIP = 1 << 20
"""Elements that are merged between two questions whether the user interrupts: some milliseconds."""
BROKEN_OFF = I32(2)


def merge_sort(e: Emitter, t: DType, positions: bool, asks: bool) -> llvm.Function:
    """`i32 sort(keys, spare keys, positions, spare positions, n)`: whether the result ended up in the spare memory.

    asks: it asks whether the user interrupts, and then answers `BROKEN_OFF`.
    """
    name = f"gradjit.{'long_' if asks else ''}{'argsort' if positions else 'sort'}.{t}"
    known = e.module.function(name)
    if known is not None:
        return known
    fn = llvm.Function(e.module, llvm.FunctionType(I32, [PTR] * 4 + [I64]), name, "internal")
    _Merger(fn, t, positions, e.lanes(1).declare(ASK, I32, []) if asks else None).run()
    return fn


class _Merger:
    """Emits the sorting function."""

    def __init__(self, fn: llvm.Function, t: DType, positions: bool, ask: llvm.Function | None):
        self.fn, self.t, self.positions, self.ask = fn, t, positions, ask
        self.b = llvm.IRBuilder(fn.append_basic_block("entry"))
        self.cells: dict[str, llvm.Value] = {}

    def cell(self, name: str, kind: llvm.Type, first: llvm.Value) -> None:
        self.cells[name] = self.b.alloca(kind)
        self.b.store(first, self.cells[name])

    def get(self, name: str) -> llvm.Value:
        kind = PTR if name in ("a", "b", "pa", "pb") else I1 if name == "odd" else I64
        return self.b.load(self.cells[name], type=kind)

    def set(self, name: str, v: llvm.Value) -> None:
        self.b.store(v, self.cells[name])

    def loop(self, condition: Callable[[], llvm.Value], body: Callable[[], None]) -> None:
        head, inside, done = (self.b.append_basic_block(n) for n in ("while", "do", "end"))
        self.b.branch(head)
        self.b.position_at_end(head)
        self.b.cbranch(condition(), inside, done)
        self.b.position_at_end(inside)
        body()
        self.b.branch(head)
        self.b.position_at_end(done)

    def least(self, x: llvm.Value, y: llvm.Value) -> llvm.Value:
        return self.b.select(self.b.icmp_signed("<", x, y), x, y)

    def run(self) -> None:
        a, b, pa, pb, n = self.fn.args
        self.n = n
        for name, first in (("a", a), ("b", b), ("pa", pa), ("pb", pb)):
            self.cell(name, PTR, first)
        for name in ("width", "lo", "i", "j", "k", "mid", "hi", "stop", "left"):
            self.cell(name, I64, I64(1 if name == "width" else 0))
        self.cell("odd", I1, I1(0))
        self.loop(lambda: self.b.icmp_signed("<", self.get("width"), n), self.level)
        self.b.ret(self.b.zext(self.get("odd"), I32))

    def level(self) -> None:
        """Merge all pairs of neighbouring runs of `width` into the spare memory, then exchange the two."""
        self.set("lo", I64(0))
        self.loop(lambda: self.b.icmp_signed("<", self.get("lo"), self.n), self.pair)
        for x, y in (("a", "b"), ("pa", "pb")):
            old, new = self.get(x), self.get(y)
            self.set(x, new)
            self.set(y, old)
        self.set("odd", self.b.not_(self.get("odd")))
        self.set("width", self.b.shl(self.get("width"), I64(1)))

    def pair(self) -> None:
        lo, width = self.get("lo"), self.get("width")
        mid = self.least(self.b.add(lo, width), self.n)
        hi = self.least(self.b.add(mid, width), self.n)
        for name, v in (("mid", mid), ("hi", hi), ("i", lo), ("j", mid), ("k", lo), ("lo", hi)):
            self.set(name, v)
        if self.ask is None:
            self.set("stop", hi)
            self.steps()
        else:
            self.loop(lambda: self.b.icmp_signed("<", self.get("k"), self.get("hi")), self.strip)

    def steps(self) -> None:
        self.loop(lambda: self.b.icmp_signed("<", self.get("k"), self.get("stop")), self.step)

    def strip(self) -> None:
        """A part of a merge; ask when so many elements have been merged that it is time."""
        b, k = self.b, self.get("k")
        self.set("stop", self.least(b.add(k, I64(STRIP)), self.get("hi")))
        left = b.sub(self.get("left"), b.sub(self.get("stop"), k))
        self.set("left", left)
        self.steps()
        ask, stop, on = (b.append_basic_block(name) for name in ("ask", "broken_off", "on"))
        b.cbranch(b.icmp_signed("<", left, I64(0)), ask, on)
        b.position_at_end(ask)
        self.set("left", I64(STRIP))
        assert self.ask is not None
        b.cbranch(b.icmp_signed("!=", b.call(self.ask, []), I32(0)), stop, on)
        b.position_at_end(stop)
        b.ret(BROKEN_OFF)
        b.position_at_end(on)

    def step(self) -> None:
        """Take the smaller of the two heads, the left one of equals. A run that is used up loses."""
        b, i, j = self.b, self.get("i"), self.get("j")
        left = b.icmp_signed("<", i, self.get("mid"))
        right = b.icmp_signed("<", j, self.get("hi"))
        # Reading past the end of a run is harmless where it is clamped into the line.
        last = b.sub(self.n, I64(1))
        x, y = (self.key(self.least(p, last)) for p in (i, j))
        from_right = b.or_(b.not_(left), b.and_(right, self.less(y, x)))
        self.put(b.select(from_right, y, x))
        if self.positions:
            p = b.select(from_right, j, i)
            place = b.load(element_at(b, self.get("pa"), p, INDEX), type=I64)
            b.store(place, element_at(b, self.get("pb"), self.get("k"), INDEX))
        one = b.zext(from_right, I64)
        self.set("j", b.add(j, one))
        self.set("i", b.add(i, b.sub(I64(1), one)))
        self.set("k", b.add(self.get("k"), I64(1)))

    def key(self, k: llvm.Value) -> llvm.Value:
        return self.b.load(element_at(self.b, self.get("a"), k, self.t), type=memory_type(self.t))

    def put(self, v: llvm.Value) -> None:
        self.b.store(v, element_at(self.b, self.get("b"), self.get("k"), self.t))

    def less(self, x: llvm.Value, y: llvm.Value) -> llvm.Value:
        if self.t.is_bool:
            return self.b.icmp_unsigned("<", x, y)
        L = Lanes(self.b, 1, self.t.itemsize == 8)
        before = EMIT["lt"](L, self.t, x, y)
        if not self.t.is_float:
            return before
        return self.b.or_(before, self.b.and_(L.isnan(y), self.b.not_(L.isnan(x))))


ROUTINES = {"sort": sort, "argsort": sort}
STACKS: dict[str, Callable[[Call], int | str]] = dict.fromkeys(ROUTINES, lambda call: int(call.attrs["axis"]))
