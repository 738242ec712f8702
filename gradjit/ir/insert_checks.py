"""Checks for a program that nobody has proven: IR that was read from text.

A trace proves that windows are in range, or puts a check in front of them; machine code takes what it says. A program
from elsewhere gets here what it may lack, as operations like all others:

    slice %x [%i:+2]      a start that is not surely in range becomes `bounded %i`, an extent that is not is asserted
    for %lo, %hi, %s      a step is not 0; the index lies where `ranges` says, whose sums do not wrap around as i64 do
    push %t, %v           records behind it say how long it is, where that is computed, and of which types;
    pop %t                takes these first, and asserts them; below all records there is one that says: nothing

What is well formed and guarded can fail only with a GradjitError (or an assertion of its own).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from .builder import Builder
from .clone import Env, copy_op, new_block
from .core import Block, Func, Op, Value, map_attr, map_type, walk
from .greatest_extents import brought_in, upper_bound, upper_bounds
from .ops.control import For
from .ops.tape import record_of
from .ranges import Interval, Ranges, owners_of
from .types import I64, INDEX

EMPTY = 0
"""What stands below all records of a tape; records of the k-th kind have k + 1."""


def insert_checks(func: Func) -> Func:
    """The function with a check wherever it could do harm; itself where it could not. It has been verified."""
    if not any(op.name in ("tape", "for") or reads_numbers(op) for op in walk(func.body)):
        return func
    env: Env = {}
    body = new_block(func.params, env)
    CheckInserter(func).fill(body, func.body, env)
    return Func(func.name, body)


def reads_numbers(op: Op) -> bool:
    """Whether a number that is computed says where something stands, or how long it is."""
    return any(isinstance(e, Value) for v in op.results for e in v.shape) or any(True for _ in numbers(op.attrs))


def numbers(attrs: dict[str, Any]) -> list[Value]:
    return [v for a in attrs.values() if isinstance(a, tuple) for v in a if isinstance(v, Value)]


class CheckInserter:
    """One walk over a function, which writes it anew."""

    def __init__(self, func: Func):
        self.ranges = Ranges(owners_of(func))
        self.bounds = upper_bounds(func, self.ranges)
        self.kinds: dict[tuple[Any, ...], int] = {}
        self.owners = owners_of(func)

    def fill(self, fresh: Block, old: Block, env: Env) -> None:
        """Copy the operations of a block behind what `fresh` begins with."""
        b = Builder(fresh)
        for op in old.ops:
            b.loc = op.loc
            if op.regions:
                self.control(b, op, env)
            else:
                RULES.get(op.name, CheckInserter.plain)(self, b, op, env)
        fresh.results = tuple(env.get(v, v) for v in old.results)

    def plain(self, b: Builder, op: Op, env: Env) -> None:
        self.extents(b, op, env)
        copy_op(b, op, env)

    # what is asserted -----------------------------------------------------------------------------------------------
    def require(self, b: Builder, condition: Value, message: str, error: str = "BoundsError") -> None:
        b.append("assert", (condition,), {"message": message, "error": error})

    def between(self, b: Builder, v: Value, low: int | None, high: int | None) -> Value:
        """Whether an index lies between two numbers, both included; None: whatever it is."""
        least = b.const(True) if low is None else b.ge(v, b.const(low, I64))
        return least if high is None else b.and_(least, b.le(v, b.const(high, I64)))

    def extents(self, b: Builder, op: Op, env: Env) -> None:
        """Extents that an operation brings in are none below 0, and none for which code generation plans no memory."""
        for e in brought_in(op):
            most = self.bounds[e] if e in self.bounds else upper_bound(e, self.ranges)
            if not within(self.sure(e), 0, most):
                self.require(b, self.between(b, env[e], 0, most), f"{op.name}: an extent is out of range")

    def sure(self, v: Value, depth: int = 8) -> Interval:
        """Between which numbers an index lies for sure, as far as no sum can wrap around."""
        if v.op is None:
            op = self.owners.get(v.owner)  # type: ignore[arg-type]
            if op is None or op.name != "for" or v.index:
                return None, None
            (a, _), (c, _), (k, _) = (self.sure(o, 0) for o in For(op).bounds)
            if a is None or c is None or not k:
                return None, None
            indices = range(a, c, k)
            return (min(indices[0], indices[-1]), max(indices[0], indices[-1])) if indices else (None, None)
        if v.op.name == "const" and not v.op.attrs["value"].ndim:
            n = int(v.op.attrs["value"])
            return n, n
        if v.op.name in ("add", "sub") and depth:
            (a, c), (d, e) = (self.sure(o, depth - 1) for o in v.op.operands)
            if None not in (a, c, d, e):
                low, high = (a + d, c + e) if v.op.name == "add" else (a - e, c - d)  # type: ignore[operator]
                return (low, high) if within((low, high), -2**63, 2**63 - 1) else (None, None)
        return None, None

    # windows --------------------------------------------------------------------------------------------------------
    def window(self, b: Builder, op: Op, env: Env) -> None:
        """A slice or an update."""
        self.extents(b, op, env)
        x = op.operands[0]
        sizes = op.attrs["sizes"] if op.name == "slice" else op.operands[1].shape
        along = zip(op.attrs["starts"], sizes, x.shape, op.attrs["steps"], strict=True)
        starts = tuple(self.start(b, op, env, *axis) for axis in along)
        new = copy_op(b, op, env)
        new.attrs = {**new.attrs, "starts": starts}

    def start(self, b: Builder, op: Op, env: Env, start: Any, size: Any, extent: Any, step: int) -> Any:
        """The start of a window along an axis, checked."""
        now = env.get(start, start) if isinstance(start, Value) else start
        if all(isinstance(n, int) for n in (start, size, extent)) or size == 0:
            return now
        if isinstance(size, int) and isinstance(extent, int):
            reach = (size - 1) * step
            low, high = max(0, -reach), extent - max(0, reach)
            if within(self.sure(start), low, high - 1):
                return now
            if not low:
                return b.bounded(now, extent=(max(high, 0),))
            shifted = b.sub(now, b.const(low, I64))
            return b.add(b.bounded(shifted, extent=(max(high - low, 0),)), b.const(low, I64))
        at, n, e = (env.get(v, v) if isinstance(v, Value) else b.const(v, I64) for v in (start, size, extent))
        zero, one, far = b.const(0, I64), b.const(1, I64), b.const(abs(step), I64)
        room = b.sub(b.sub(e, at), one) if step > 0 else at
        fits = b.le(b.sub(n, one), b.floordiv(room, far))
        inside = b.and_(b.and_(b.ge(at, zero), b.lt(at, e)), fits)
        self.require(b, b.or_(b.eq(n, zero), inside), f"{op.name}: a window is out of range")
        return now

    def nonempty(self, b: Builder, op: Op, env: Env) -> None:
        """A reduction that has no result for no elements."""
        x = op.operands[0]
        axes = op.attrs["axes"] if "axes" in op.attrs else (op.attrs["axis"],)
        for e in (x.shape[a] for a in axes):
            if isinstance(e, Value):
                self.require(b, b.gt(env[e], b.const(0, I64)), f"{op.name}: no elements", "ArgumentError")
        self.plain(b, op, env)

    def reshape(self, b: Builder, op: Op, env: Env) -> None:
        """The extents that are not there on both sides multiply to the same."""
        self.extents(b, op, env)
        old, new = list(op.operands[0].shape), list(op.attrs["shape"])
        for e in list(old):
            if e in new:
                old.remove(e)
                new.remove(e)
        if any(isinstance(e, Value) for e in old + new):
            sizes = [self.product(b, shape, env) for shape in (old, new)]
            self.require(b, b.eq(*sizes), "reshape: another number of elements", "ShapeError")
        copy_op(b, op, env)

    def product(self, b: Builder, shape: Sequence[Any], env: Env) -> Value:
        out = b.const(1, I64)
        for e in shape:
            out = b.mul(out, env.get(e, e) if isinstance(e, Value) else b.const(e, I64))
        return out

    # loops and branches -----------------------------------------------------------------------------------------------
    def control(self, b: Builder, op: Op, env: Env) -> None:
        if op.name == "for":
            self.range(b, op, env)
        regions = []
        for old in op.regions:
            inner = dict(env)
            fresh = new_block(old.params, inner)
            if op.name == "for":
                self.index(Builder(fresh, op.loc), old.params[0], fresh.params[0])
            self.fill(fresh, old, inner)
            regions.append(fresh)
        look = env.__getitem__
        new = Op(op.name, tuple(map(look, op.operands)), {k: map_attr(a, look) for k, a in op.attrs.items()},
                 tuple(map_type(r.type, look) for r in op.results), tuple(regions), op.loc)
        b.block.ops.append(new)
        for r, fresh_result in zip(op.results, new.results, strict=True):
            fresh_result.name = r.name
            env[r] = fresh_result

    def range(self, b: Builder, op: Op, env: Env) -> None:
        """The step of a loop is not 0, and no step behind the last leads out of i64."""
        loop = For(op)
        if within(self.sure(loop.hi), -2**62, 2**62):
            if within(self.sure(loop.step), 1, 2**62) or within(self.sure(loop.step), -2**62, -1):
                return
        hi, step = env[loop.hi], env[loop.step]
        zero, least, most = (b.const(n, I64) for n in (0, -2**63, 2**63 - 1))
        self.require(b, b.ne(step, zero), "for: a step of 0", "ArgumentError")
        up, down = b.le(hi, b.sub(most, step)), b.ge(hi, b.sub(least, step))
        self.require(b, b.select(b.gt(step, zero), up, down), "for: the range ends where i64 does", "ArgumentError")

    def index(self, b: Builder, i: Value, now: Value) -> None:
        """The index of a loop is where it is thought to be."""
        low, high = self.ranges.interval(i)
        if (low, high) != (None, None) and self.sure(i) == (None, None):
            low, high = (n if n is None or within((n, n), -2**63, 2**63 - 1) else None for n in (low, high))
            self.require(b, self.between(b, now, low, high), "for: the bounds are too large")

    # tapes ------------------------------------------------------------------------------------------------------------
    def kind(self, record: Sequence[Value]) -> int:
        """The number of the kind of a record: the types of what it holds, whatever the extents that are computed."""
        types = tuple((v.dtype, tuple(e if isinstance(e, int) else None for e in v.shape)) for v in record)
        return self.kinds.setdefault(types, len(self.kinds) + 1)

    def tape(self, b: Builder, op: Op, env: Env) -> None:
        copy_op(b, op, env)
        env[op.result] = b.push(env[op.result], b.const(EMPTY, I64))

    def push(self, b: Builder, op: Op, env: Env) -> None:
        record = record_of(op)
        copy_op(b, op, env)
        tape = env[op.result]
        if lengths := [env[e] for e in extents_of(record)]:
            tape = b.push(tape, *lengths)
        env[op.result] = b.push(tape, b.const(self.kind(record), I64))

    def pop(self, b: Builder, op: Op, env: Env) -> None:
        self.extents(b, op, env)
        record = record_of(op)
        tape, kind = b.emit("pop", env[op.operands[0]], types=(INDEX,))  # type: ignore[misc]
        self.require(b, b.eq(kind, b.const(self.kind(record), I64)), "pop: no record of such types is there")
        lengths = extents_of(record)
        if lengths:
            tape, *found = b.emit("pop", tape, types=(INDEX,) * len(lengths))  # type: ignore[misc]
            for e, n in zip(lengths, found, strict=True):
                self.require(b, b.eq(n, env[e]), "pop: the record has another extent", "ShapeError")
        copy_op(b, op, env, [tape])


def extents_of(record: Sequence[Value]) -> list[Value]:
    """The computed extents of a record, one by one."""
    return [e for v in record for e in v.shape if isinstance(e, Value)]


def within(found: Interval, low: int | None, high: int | None) -> bool:
    """Whether what is known says that a number lies between two others."""
    a, c = found
    return a is not None and c is not None and (low is None or low <= a) and (high is None or c <= high)


RULES: dict[str, Callable[[CheckInserter, Builder, Op, Env], None]] = {
    "slice": CheckInserter.window, "update": CheckInserter.window, "reshape": CheckInserter.reshape,
    "tape": CheckInserter.tape, "push": CheckInserter.push, "pop": CheckInserter.pop,
    "max": CheckInserter.nonempty, "min": CheckInserter.nonempty,
    "argmax": CheckInserter.nonempty, "argmin": CheckInserter.nonempty,
}
"""Operations that are more than a copy with good extents."""
