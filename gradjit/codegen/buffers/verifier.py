"""What holds for every program of the buffer IR.

- The function is well formed, as one of the array IR is.
- A home is declared, holds the value's dtype, and is as large as the value: no more, no less where that is known.
- What a loop or a branch carries in memory stands there when it is handed on: initial values, what regions yield.
- An array is read while its memory holds it: not behind what has been stored over it, also in the next iteration of
  a loop. Views, and what dissolves into its readers, are read when those are. A single element is read at the end of
  its part at the latest.
- Results stand in the caller's memory.

Not checked: which elements of an array are read. What changes an array in place may read the elements that it replaces,
each before that; whether it reads others is looked at where memory is given (`in_place`), and once more when loops are
made.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from functools import cached_property

from ...errors import IRError
from ...ir import OPS, Block, Loop, Memory, Op, Value, While, is_loop
from ...ir.sizes import is_open, same
from ...ir.verifier import errors_of
from ..loops import Buffer, View
from .language import BufferProgram, is_single, is_trade
from .outputs import changes_memory
from .printer import BufferPrinter

Contents = dict[Buffer, Value | None]
"""What each piece of memory holds at a place of the program; None where that is not known."""


class _BufferChecker:
    def __init__(self, p: BufferProgram):
        self.p = p
        self.errors: list[tuple[Op | None, str]] = []
        self.declared = {*p.inputs, *p.outputs.values(), *p.workspace}
        self.holds: Contents = {}
        self.waiting: list[Value] = []  # single elements of the part

    def fail(self, op: Op | None, text: str) -> None:
        if (op, text) not in self.errors:
            self.errors.append((op, text))

    @cached_property
    def names(self) -> BufferPrinter:
        """What the program's text calls values and memory."""
        printer = BufferPrinter(self.p)
        printer.program()
        return printer

    def called(self, x: Value | Buffer) -> str:
        return f"@{self.names.called(x)}" if isinstance(x, Buffer) else self.names.names(x)

    # homes ------------------------------------------------------------------------------------------------------------
    def home(self, v: Value, op: Op | None) -> None:
        view = self.p.homes.get(v)
        if view is None:
            return
        buffer = view.buffer
        if buffer.role == "tape":
            return
        if buffer not in self.declared:
            self.fail(op, f"{self.called(v)} stands in {self.called(buffer)}, which is no memory of this program")
        if buffer.dtype is not v.dtype:
            self.fail(op, f"{self.called(v)} of {v.dtype} stands in {self.called(buffer)} of {buffer.dtype}")
        elif v.type.is_static and buffer.role != "input" and not fits(buffer, v):
            self.fail(op, f"{self.called(v)} stands in {self.called(buffer)}, which is of another size")

    # reading and writing ----------------------------------------------------------------------------------------------
    def sources(self, v: Value) -> Iterable[tuple[Value, View]]:
        """The arrays in memory whose elements a value shows, or is computed from where it is read."""
        todo, seen = [v], {v}
        while todo:
            x = todo.pop()
            if x in self.p.homes:
                yield x, self.p.homes[x]
            elif x.op is not None and not is_single(x.type) and dissolves(x.op):
                todo += (o for o in x.op.operands if o not in seen)
                seen.update(x.op.operands)

    def read(self, v: Value, op: Op | None) -> None:
        for x, view in self.sources(v):
            held = self.holds.get(view.buffer)
            if view.buffer.role != "tape" and held is not x:
                now = "what is not known" if held is None else self.called(held)
                self.fail(op, f"{self.called(x)} is read, but {self.called(view.buffer)} holds {now}")

    def write(self, v: Value, op: Op | None) -> None:
        self.home(v, op)
        view = self.p.homes.get(v)
        if view is not None:
            self.holds[view.buffer] = v

    def end_part(self) -> None:
        """Single elements are computed now, if they have not been."""
        for v in self.waiting:
            if v.op is not None and v not in self.p.homes:
                for o in v.op.operands:
                    self.read(o, v.op)
        self.waiting = []

    # blocks -----------------------------------------------------------------------------------------------------------
    def block(self, block: Block) -> None:
        for op in block.ops:
            if op.regions:
                self.end_part()
                self.region(op)
            elif OPS[op.name].memory is Memory.STEP:
                self.end_part()
                self.step(op)
            else:
                self.straight(op)
        self.end_part()

    def straight(self, op: Op) -> None:
        if not dissolves(op) or op.result in self.p.homes:
            for o in op.operands:
                self.read(o, op)
        if changes_memory(self.p, op):
            self.end_part()
        for r in op.results:
            if is_single(r.type):
                self.waiting.append(r)
            self.write(r, op)

    def step(self, op: Op) -> None:
        for o in op.operands:
            self.read(o, op)
        for r in op.results:
            self.write(r, op)
        if is_trade(op):  # what stood there stands elsewhere, and is dead
            old = self.p.homes.get(op.operands[0])
            if old is not None:
                self.holds[old.buffer] = None

    def region(self, op: Op) -> None:
        for o in op.operands:
            self.read(o, op)
        if is_loop(op):
            self.loop(op)
        else:
            self.branch(op)

    def loop(self, op: Op) -> None:
        loop = Loop.of(op)
        self.carried(op, loop.inits, loop.params, "begins with")
        for _ in range(2):  # what one iteration leaves is what the next one finds
            for region in op.regions:
                for v in loop.params_of(region):
                    self.write(v, op)
                self.block(region)
            self.carried(op, loop.yields, loop.params, "yields")
        if isinstance(loop, While):
            for region in op.regions[:1]:
                for v in loop.params_of(region):
                    self.write(v, op)
                self.block(region)
        for r in op.results:
            self.write(r, op)
        self.carried(op, loop.params, op.results, "leaves")

    def branch(self, op: Op) -> None:
        before, after = dict(self.holds), []
        for region in op.regions:
            self.holds = dict(before)
            self.block(region)
            self.carried(op, region.results, op.results, "yields")
            after.append(self.holds)
        one, other = after
        self.holds = {b: one.get(b) if one.get(b) is other.get(b) else None for b in {*one, *other}}
        for r in op.results:
            self.write(r, op)

    def carried(self, op: Op, values: Sequence[Value], slots: Sequence[Value], does: str) -> None:
        """What is handed on in memory stands where it is expected."""
        for v, slot in zip(values, slots, strict=True):
            wanted, found = self.p.homes.get(slot), self.p.homes.get(v)
            if wanted is None:
                continue
            if found is None or found.buffer is not wanted.buffer:
                self.fail(op, f"{op.name} {does} {self.called(v)}, which does not stand in "
                              f"{self.called(wanted.buffer)}")
            elif does != "leaves":
                self.read(v, op)

    def program(self) -> None:
        for v in self.p.func.params:
            self.write(v, None)
        self.block(self.p.func.body)
        for k, r in enumerate(self.p.func.results):
            self.read(r, None)
            if k not in self.p.outputs:
                self.fail(None, f"result {k} has no memory of the caller's")
            elif self.p.outputs[k] not in self.p.shown(r):
                self.fail(None, f"result {k}, {self.called(r)}, does not stand in {self.called(self.p.outputs[k])}")


def dissolves(op: Op) -> bool:
    """Whether an operation without memory is computed where its result is read."""
    return not OPS[op.name].has_nest and OPS[op.name].memory is not Memory.STEP


def fits(buffer: Buffer, v: Value) -> bool:
    size, n = buffer.size, v.type.size
    return same(size, n) if is_open(size) or is_open(n) else size == n


def buffer_errors(p: BufferProgram) -> list[tuple[Op | None, str]]:
    """All that is wrong with a program: the operation at fault (None for the ends of blocks), what it is."""
    found = errors_of(p.func, memory=True)
    if found:
        return found
    c = _BufferChecker(p)
    c.program()
    return c.errors


def verify_buffers(p: BufferProgram) -> None:
    """Raise IRError that lists every error beside the operation at fault, with the user's file and line."""
    found = buffer_errors(p)
    if found:
        listed = "\n".join(f"  {f'{op.name} ({op.loc}): ' if op else ''}{text}" for op, text in found)
        raise IRError(f"@{p.func.name} is not well formed:\n{listed}\n{p}")
