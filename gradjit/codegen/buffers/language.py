"""A program whose arrays stand in memory: the buffer IR."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import field

from ...ir import OPS, ArrayType, Block, Func, Memory, Op, Value
from ...ir.clone import copy_block
from ...ir.core import walk
from ...ir.sizes import is_open
from ...records import dataclass
from ..elements import row_major, whole
from ..loops import Buffer, View

SMALL = 16
"""Elements up to which an array is held on the stack, from where LLVM takes it into registers."""


@dataclass(eq=False)
class BufferProgram:
    """A function and where its arrays stand.

    homes: the memory of each array that has some. What has none is read where its elements come from, over and over: a
        view, or what dissolves into the loops of its readers. A single element has no memory, whatever its rank.
    inputs, outputs: the caller's memory, in the order of parameters and results. workspace: the kernel's own.
    """

    func: Func
    inputs: list[Buffer] = field(default_factory=list)
    outputs: dict[int, Buffer] = field(default_factory=dict)
    workspace: list[Buffer] = field(default_factory=list)
    homes: dict[Value, View] = field(default_factory=dict)
    births: dict[Buffer, Block] = field(default_factory=dict)  # the block in which memory is new in each iteration

    @classmethod
    def of(cls, func: Func, layouts: Sequence[tuple[int, ...] | None] = ()) -> BufferProgram:
        """A copy of the function, of whose arrays only the parameters stand anywhere.

        layouts: for each parameter its strides in elements, or None (and for those left out) for row-major order.
        """
        p = cls(Func(func.name, copy_block(func.body, {})))
        layouts = (*layouts, *(None,) * (len(func.params) - len(layouts)))
        for k, (v, strides) in enumerate(zip(p.func.params, layouts, strict=True)):
            buffer = Buffer(v.name or f"in{k}", v.dtype, v.type.extents, "input", strides=strides)
            p.inputs.append(buffer)
            p.homes[v] = View(buffer, 0, strides or row_major(v.type.extents), v.type.extents)
        return p

    def memory(self, t: ArrayType, block: Block) -> View:
        """New memory for an array of extents that are known, or open; it belongs to a block."""
        buffer = Buffer("w", t.dtype, t.extents, own_role(t))
        self.workspace.append(buffer)
        self.births[buffer] = block
        return whole(buffer)

    def output(self, k: int, r: Value) -> Buffer:
        """The caller's memory for the result at position k."""
        self.outputs[k] = Buffer(f"out{k}", r.dtype, r.type.extents, "output")
        return self.outputs[k]

    def give_away(self, k: int, buffer: Buffer) -> None:
        """What has been the kernel's memory is the caller's, for the result at position k."""
        self.workspace.remove(buffer)
        buffer.role, buffer.name = "output", f"out{k}"
        self.outputs[k] = buffer

    def traded(self) -> Iterator[tuple[Op, View]]:
        """The operations that exchange memory, and where the array is behind them."""
        for op in walk(self.func.body):
            if is_trade(op):
                yield op, self.homes[op.result]

    def name_memory(self) -> None:
        """Number the kernel's own memory."""
        for k, b in enumerate(self.workspace):
            b.name = f"w{k}"

    def copied(self, v: Value, home: View) -> Op:
        """The operation that gives a value other memory."""
        op = Op("copy_to", (v,), {}, (v.type,))
        op.result.name = v.name
        self.homes[op.result] = home
        return op

    def shown(self, v: Value) -> set[Buffer]:
        """The memory that a value is read from."""
        if v in self.homes:
            return {self.homes[v].buffer}
        if v.op is None or not OPS[v.op.name].is_free:
            return set()
        return {b for o in v.op.operands for b in self.shown(o)}

    def __str__(self) -> str:
        from .printer import print_buffers
        return print_buffers(self)


def own_role(x: ArrayType | Buffer) -> str:
    """The role of the kernel's own memory of a size."""
    return "local" if not is_open(x.size) and x.size <= SMALL else "workspace"


def fence() -> Op:
    """What parts the loops before it from those behind it."""
    return Op("fence", (), {}, ())


def without_idle_fences(ops: Iterable[Op]) -> list[Op]:
    """The operations without fences that part nothing: at the beginning, and behind steps."""
    out: list[Op] = []
    for op in ops:
        if not is_fence(op) or (out and OPS[out[-1].name].memory is not Memory.STEP):
            out.append(op)
    return out


def is_fence(op: Op) -> bool:
    return OPS[op.name].family == "homes" and not op.operands


def is_trade(op: Op) -> bool:
    return OPS[op.name].family == "homes" and OPS[op.name].memory is Memory.STEP and bool(op.operands)


def is_whole(view: View, t: ArrayType) -> bool:
    """Whether a view shows all of its buffer in order."""
    return view.offset == 0 and view.strides == row_major(view.buffer.shape) and len(view.buffer.shape) == t.rank


def is_single(t: ArrayType) -> bool:
    """Whether there is one element, which is held as a node whatever the rank."""
    return t.is_static and t.size == 1


def is_own(home: View, v: Value) -> bool:
    """Whether a value has memory of the kernel's own, that is nothing but it."""
    return home.buffer.role == "workspace" and not home.buffer.moves and is_whole(home, v.type)

