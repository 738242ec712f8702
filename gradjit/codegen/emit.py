"""LLVM from loop nests.

The kernel is `i32 gradjit.kernel(ptr input..., ptr output..., ptr workspace)`; it returns 0, or 1 + the number of the
check that failed (see `Emitted.checks`). Vectors are explicit: a loop of `lanes` values an iteration works on
`<n x double>`; where the extent is no multiple, the last vector overlaps the one before, and reductions mask the lanes
that were counted already.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from functools import cached_property

import numpy as np

from ..ir import BOOL, I64, DType
from ..ir.sizes import is_open
from ..records import dataclass
from . import llvm, pairs
from .accumulators import AccumulatorCells
from .affine import Affine, Var
from .alias_scopes import AliasScopes
from .emit_control import FLOW, TapeCells, cell_value, counted, exactly, leave, poll
from .emit_parallel import chunks
from .emit_scope import EmitScope
from .emit_stores import accumulate, store
from .failures import Check, note
from .independence import Uses
from .loop_passes import nodes_of, statements
from .loops import (
    Accumulate,
    Accumulator,
    Buffer,
    Call,
    Cell,
    Chunks,
    Finish,
    LoopStmt,
    Node,
    Program,
    Start,
    Stmt,
    Store,
    Tape,
    in_order,
)
from .lower import EMIT
from .lower.elementwise import constant, memory_type, sine_and_cosine
from .numbers import BLOCK, STRIP
from .open_loops import unbounded
from .routines import ROUTINES
from .sizes import emitted
from .vecmath.lanes import I32, I64 as INT64, Lanes, suffix_of, width_of

KERNEL = "gradjit.kernel"
"""The function's name, whatever the user's is: entries of one signature, and kernels of one text, are compiled once."""
PTR = llvm.PointerType()
I8 = llvm.IntType(8)
UNROLLED = 16
"""Iterations of a short loop inside a vector loop, up to which it is written out."""
INLINED = 16
"""Uses of one function of the vector math library in a kernel, up to which it is inlined."""


@dataclass
class Emitted:
    """A module with the kernel of a program in it."""

    module: llvm.Module
    kernel: llvm.Function
    program: Program
    checks: tuple[Check, ...]
    objects: tuple[object, ...]
    """Python objects that the code names, as `gradjit_object_<position>`."""


class Emitter:
    """Emits one program as one kernel."""

    def __init__(self, program: Program, module: llvm.Module, name: str = KERNEL, more: Sequence[llvm.Type] = (),
                 whole: Emitter | None = None):
        self.program = program
        self.module = module
        buffers = [*program.inputs, *program.outputs]
        count = len(program.sizes)
        taken = count + len(buffers) + 1
        self.kernel = llvm.Function(module, llvm.FunctionType(I32, [PTR] * taken + [*more]), name)
        self.kernel.attributes.add("nounwind")
        self.entry = self.kernel.append_basic_block("entry")
        self.allocas = llvm.IRBuilder(self.entry)
        self.b = llvm.IRBuilder(self.kernel.append_basic_block("body"))
        self.pointers: dict[Buffer, llvm.Value] = dict(zip(buffers, self.kernel.args[count:], strict=False))
        self.dims = {d: self.allocas.load(p, type=INT64) for d, p in zip(program.sizes, self.kernel.args, strict=False)}
        self.numbers: dict[int, llvm.Value] = {}
        for arg in self.kernel.args[:taken]:
            arg.attributes.append("noalias")
        self.workspace = self.kernel.args[taken - 1]
        self.record: llvm.Value | None = None  # where a chunk of a parallel loop tells of its failure
        self.scope = EmitScope(None)
        self.parts: dict[Accumulator, AccumulatorCells] = {}
        self.checks: list[Check] = whole.checks if whole else []
        self.objects: list[object] = whole.objects if whole else []
        self.failed: llvm.Value | None = None
        self.cells: dict[Cell, llvm.Value] = {}
        self.tapes: dict[Tape, TapeCells] = {}
        self.exit: llvm.Block | None = None
        self.polls: llvm.Value | None = None
        self.pairs: dict[Node, Node] = whole.pairs if whole else sines_with_cosines(program)
        self.aliases: AliasScopes = whole.aliases if whole else AliasScopes(program, module)

    def run(self) -> Emitted:
        self.block(self.program.body)
        leave(self)
        self.allocas.branch(self.b.function.blocks[1])
        for f in self.module.functions:
            if f.name.startswith(KERNEL):
                call_what_is_frequent(f)
        return Emitted(self.module, self.kernel, self.program, tuple(self.checks), tuple(self.objects))

    @cached_property
    def uses(self) -> Uses:
        """Which statements of the program have to do with which memory."""
        return Uses(self.program.body)

    def part(self, name: str, more: Sequence[llvm.Type]) -> Emitter:
        """What emits a part of this kernel as a function of its own, which takes what the kernel takes, and `more`."""
        made = Emitter(self.program, self.module, name, more, self)
        made.kernel.linkage = "internal"
        return made

    # sizes ------------------------------------------------------------------------------------------------------------
    def number(self, n: int) -> llvm.Value:
        """A number, or a size, which is computed where the kernel begins."""
        if not is_open(n):
            return INT64(n)
        if n not in self.numbers:
            self.numbers[n] = emitted(self.allocas, n, self.dims.__getitem__)
        return self.numbers[n]

    # memory -----------------------------------------------------------------------------------------------------------
    def cell(self, t: llvm.Type, align: int | None = None) -> llvm.Value:
        """A stack cell, which LLVM turns into a register."""
        return self.allocas.alloca(t, align=align)

    def moving(self, buffer: Buffer) -> llvm.Value:
        """The cell that holds where a buffer stands which moves."""
        if buffer not in self.pointers:
            cell = self.pointers[buffer] = self.cell(PTR)
            self.allocas.store(self.allocas.gep(self.workspace, [self.number(buffer.offset)], of=I8),
                               cell)
        return self.pointers[buffer]

    def pointer(self, buffer: Buffer) -> llvm.Value:
        if buffer.moves:
            return self.b.load(self.moving(buffer), type=PTR)
        if buffer not in self.pointers:
            if buffer.role == "literal":
                self.pointers[buffer] = self.literal(buffer)
            elif buffer.role == "local":
                self.pointers[buffer] = self.cell(llvm.ArrayType(memory_type(buffer.dtype), max(buffer.size, 1)), 64)
            else:
                offset = self.number(buffer.offset)
                self.pointers[buffer] = self.allocas.gep(self.workspace, [offset], of=I8)
        return self.pointers[buffer]

    def literal(self, buffer: Buffer) -> llvm.Value:
        """A constant array in the module's read-only data."""
        assert buffer.data is not None
        t = memory_type(buffer.dtype)
        flat = buffer.data.ravel()
        number: Callable[[np.generic], float] = float if buffer.dtype.is_float else int
        array = llvm.Constant(llvm.ArrayType(t, flat.size), [t(number(x)) for x in flat])
        name = self.module.unused(f"{self.kernel.name}.literal")
        return llvm.GlobalVariable(self.module, array.type, name, array, linkage="internal", is_constant=True, align=64)

    def python_object(self, x: object) -> llvm.Value:
        """The address of a Python object."""
        self.objects.append(x)
        return llvm.GlobalVariable(self.module, I8, f"gradjit_object_{len(self.objects) - 1}")

    def at(self, buffer: Buffer, index: llvm.Value) -> llvm.Value:
        return self.b.gep(self.pointer(buffer), [index], inbounds=True, of=memory_type(buffer.dtype))

    def lanes(self, width: int) -> Lanes:
        return Lanes(self.b, width, True)

    # addresses --------------------------------------------------------------------------------------------------------
    def place(self, a: Affine | int) -> llvm.Value:
        """An address in which no vector takes part (or the first lane of one in which a loop variable does)."""
        if isinstance(a, int):
            return self.number(a)
        total: llvm.Value | None = None
        for atom, weight in a.terms.items():
            part = self.value(atom) if isinstance(atom, Node) else self.scope.holding(atom).start
            assert part is not None
            if weight != 1:
                part = self.b.mul(part, self.number(weight), flags="nsw")
            total = part if total is None else self.b.add(total, part, flags="nsw")
        if total is None:
            return self.number(a.const)
        return self.b.add(total, self.number(a.const), flags="nsw") if is_open(a.const) or a.const else total

    def places(self, a: Affine) -> llvm.Value:
        """The addresses of all lanes, as a vector."""
        total: llvm.Value = self.splat(self.number(a.const))
        for atom, weight in a.terms.items():
            part = self.across_lanes(atom)
            total = self.b.add(total, part if weight == 1 else self.b.mul(part, self.splat(self.number(weight))))
        return total

    def across_lanes(self, atom: object) -> llvm.Value:
        """A loop variable or computed index in every lane."""
        if isinstance(atom, Node):
            return self.widened(atom)
        scope = self.scope.holding(atom)  # type: ignore[arg-type]
        assert scope.start is not None
        first = self.splat(scope.start)
        if scope is not self.scope.vector:
            return first
        counting = llvm.Constant(first.type, list(range(self.scope.width)))
        return self.b.add(first, counting)

    def splat(self, v: llvm.Value) -> llvm.Value:
        """A scalar in every lane of the current loop."""
        n = self.scope.width
        if isinstance(v, llvm.Constant):
            return llvm.Constant(llvm.VectorType(v.type, n), [v.constant] * n)
        wide = llvm.VectorType(v.type, n)
        one = self.b.insert_element(llvm.Constant(wide, llvm.UNDEFINED), v, I32(0))
        zeros = llvm.Constant(llvm.VectorType(I32, n), [0] * n)
        return self.b.shuffle_vector(one, llvm.Constant(wide, llvm.UNDEFINED), zeros)

    def is_wide(self, vars: frozenset[Var]) -> bool:
        """Whether what depends on `vars` differs between the lanes of the current loop."""
        return self.scope.vector is not None and self.scope.vector.var in vars

    def load(self, buffer: Buffer, a: Affine) -> llvm.Value:
        t = memory_type(buffer.dtype)
        if not self.is_wide(a.vars):
            return self.from_memory(self.read(buffer, self.at(buffer, self.place(a)), t), buffer.dtype)
        stride = self.stride(a)
        n = self.scope.width
        if stride == 1 or stride == -1:
            first = self.at(buffer, self.place(a if stride == 1 else a + (1 - n)))
            if self.scope.mask is not None:
                v = self.masked_load(buffer, first, llvm.VectorType(t, n), stride)
            else:
                v = self.read(buffer, first, llvm.VectorType(t, n))
            return self.from_memory(v if stride == 1 else self.reversed(v), buffer.dtype)
        if stride == 2 and self.scope.mask is None and (which := pairs.part(buffer, a)) is not None:
            return pairs.load(self, buffer, a, which, t)
        index = self.places(a)
        out: llvm.Value = llvm.Constant(llvm.VectorType(t, n), llvm.UNDEFINED)
        for k in range(n):
            p = self.at(buffer, self.b.extract_element(index, I32(k)))
            out = self.b.insert_element(out, self.read(buffer, p, t), I32(k))
        return self.from_memory(out, buffer.dtype)

    def read(self, buffer: Buffer, p: llvm.Value, t: llvm.Type) -> llvm.Value:
        """What stands in a buffer's memory at a pointer."""
        return self.aliases.mark(self.b.load(p, align=buffer.dtype.itemsize, type=t), buffer)

    def write(self, buffer: Buffer, p: llvm.Value, v: llvm.Value) -> None:
        self.aliases.mark(self.b.store(self.to_memory(v, buffer.dtype), p, align=buffer.dtype.itemsize), buffer)

    def masked_load(self, buffer: Buffer, p: llvm.Value, t: llvm.Type, stride: int) -> llvm.Value:
        """The lanes that may touch memory, 0 in the others."""
        mask = self.scope.mask
        assert mask is not None
        mask = mask if stride == 1 else self.reversed(mask)
        fn = self.lanes(1).declare(f"llvm.masked.load.{suffix_of(t)}.p0", t, [PTR, I32, mask.type, t])
        align = I32(buffer.dtype.itemsize)
        return self.aliases.mark(self.b.call(fn, [p, align, mask, llvm.Constant(t, None)]), buffer)

    def masked_write(self, buffer: Buffer, p: llvm.Value, v: llvm.Value) -> None:
        v = self.to_memory(v, buffer.dtype)
        mask = self.scope.mask
        assert mask is not None
        name = f"llvm.masked.store.{suffix_of(v.type)}.p0"
        fn = self.lanes(1).declare(name, llvm.VoidType(), [v.type, PTR, I32, mask.type])
        self.aliases.mark(self.b.call(fn, [v, p, I32(buffer.dtype.itemsize), mask]), buffer)

    def stride(self, a: Affine) -> int | None:
        """How far apart the lanes are; None where a computed index decides."""
        var = self.scope.vector.var if self.scope.vector else None
        if any(var in x.vars for x in a.terms if x is not var):
            return None
        return a.terms.get(var, 0)

    def reversed(self, v: llvm.Value) -> llvm.Value:
        n = width_of(v.type)
        order = llvm.Constant(llvm.VectorType(I32, n), list(range(n - 1, -1, -1)))
        return self.b.shuffle_vector(v, llvm.Constant(v.type, llvm.UNDEFINED), order)

    def from_memory(self, v: llvm.Value, t: DType) -> llvm.Value:
        if not t.is_bool:
            return v
        zero = llvm.Constant(v.type, [0] * v.type.count if isinstance(v.type, llvm.VectorType) else 0)
        return self.b.icmp_unsigned("!=", v, zero)

    def to_memory(self, v: llvm.Value, t: DType) -> llvm.Value:
        if not t.is_bool:
            return v
        return self.b.zext(v, llvm.VectorType(I8, v.type.count) if isinstance(v.type, llvm.VectorType) else I8)

    # values -----------------------------------------------------------------------------------------------------------
    def value(self, n: Node) -> llvm.Value:
        """The node's value: a scalar, or a vector where it differs between the lanes of the current loop."""
        if n.kind == "const":
            return constant(self.lanes(1), n.dtype, n.attrs)
        known = self.scope.find(n)
        if known is not None:
            return known
        for inner in in_order(n, lambda x: x.kind == "const" or self.scope.find(x) is not None):
            self.scope.values[inner] = EVALUATE[inner.kind](self, inner)
        return self.scope.values[n]

    def widened(self, n: Node) -> llvm.Value:
        """The node's value in every lane of the current loop."""
        v = self.value(n)
        if isinstance(v.type, llvm.VectorType):
            return v
        if n not in self.scope.wide:
            self.scope.wide[n] = self.splat(v)
        return self.scope.wide[n]

    def index(self, n: Node) -> llvm.Value:
        wide = self.is_wide(n.vars)
        v = self.places(n.attrs) if wide else self.place(n.attrs)
        return EMIT["cast"](self.lanes(self.scope.width if wide else 1), I64, v, dtype=n.dtype)

    def apply(self, n: Node) -> llvm.Value:
        wide = self.is_wide(n.vars)
        args = [self.widened(a) if wide else self.value(a) for a in n.args]
        op, attrs = n.attrs
        t = n.args[-1].dtype if op == "select" else n.args[0].dtype
        L = Lanes(self.b, self.scope.width if wide else 1, t.itemsize == 8)
        if n in self.pairs:
            both = dict(zip(("sin", "cos"), sine_and_cosine(L, *args), strict=True))
            self.scope.values[self.pairs[n]] = both["cos" if op == "sin" else "sin"]
            return both[op]
        return EMIT[op](L, t, *args, **dict(attrs))

    def check(self, n: Node) -> llvm.Value:
        """The index; where it is out of range the kernel ends."""
        v, *computed = [self.value(a) for a in n.args]
        wide = isinstance(v.type, llvm.VectorType)
        limit = computed[0] if computed else self.number(n.attrs)
        extent = self.splat(limit) if wide else limit
        told = None if computed or is_open(n.attrs) else n.attrs
        note(self, Check(told, n.loc), self.b.icmp_unsigned(">=", v, extent), v, extent)
        return v

    def status(self) -> llvm.Value:
        """The cell of the number that the kernel returns: 0 as long as all is well."""
        if self.failed is None:
            self.failed = self.cell(I32)
            self.allocas.store(I32(0), self.failed)
        return self.failed

    def total(self, n: Node) -> llvm.Value:
        raise AssertionError(f"{n!r} is read before its loops end")

    # statements -------------------------------------------------------------------------------------------------------
    def block(self, body: Sequence[Stmt]) -> None:
        stored: Stmt | None = None
        for k, s in enumerate(body):
            if s is stored:
                continue
            if pairs.both(self, s, following := body[k + 1] if k + 1 < len(body) else None):
                assert isinstance(s, Store) and isinstance(following, Store)
                pairs.store(self, s, following)
                stored = following
            elif isinstance(s, LoopStmt) and s.trip_count is not None:
                counted(self, s)
            elif isinstance(s, LoopStmt) and is_open(s.var.extent):
                unbounded(self, s)
            elif isinstance(s, LoopStmt):
                self.hoist(s)
                self.loop(s)
            elif isinstance(s, Start):
                self.parts[s.acc] = AccumulatorCells(self, s.acc, body[k + 1:])
            elif isinstance(s, Finish):
                self.scope.values[s.total] = self.parts.pop(s.acc).total()
            elif isinstance(s, Accumulate):
                accumulate(self, s)
            elif isinstance(s, Store):
                store(self, s)
            elif isinstance(s, Call):
                ROUTINES[s.routine](self, s)
            elif isinstance(s, Chunks):
                chunks(self, s)
            else:
                FLOW[type(s)](self, s)

    def hoist(self, loop: LoopStmt) -> None:
        """Evaluate before a loop what the loop needs and does not change."""
        outside = {scope.var for scope in self.enclosing()}
        seen: set[Node] = set()
        for s in statements([loop]):
            if not isinstance(s, (Store, Accumulate)):
                continue
            for n in in_order(s.node, lambda n: n in seen or self.scope.find(n) is not None):
                seen.add(n)
                # Inside a vector loop nothing nests, so what is outside is scalar here.
                if n.vars <= outside and n.kind in ("load", "apply"):
                    self.value(n)

    def enclosing(self) -> Iterator[EmitScope]:
        scope: EmitScope | None = self.scope
        while scope is not None:
            yield scope
            scope = scope.parent

    # loops ------------------------------------------------------------------------------------------------------------
    def loop(self, s: LoopStmt) -> None:
        if self.scope.vector and s.var.extent <= UNROLLED:
            for k in range(s.var.extent):
                self.iteration(s, INT64(k), 1)
            return
        step, extent = s.lanes * s.unroll, s.var.extent
        if s.exact and extent % step:
            exactly(self, s)
            return
        if s.written_out:
            for k in range(-(-extent // s.lanes)):
                self.iteration(s, INT64(k), 1)
            return
        whole = extent // step
        sums = [self.parts[x.acc] for x in s.body
                if isinstance(x, Accumulate) and x.acc.op == "sum" and x.acc in self.parts]
        if s.unroll > 1:
            self.blocked(whole, sums, lambda k: self.iteration(s, k, s.unroll), s.asks * step)
            left = extent - whole * step
            if left:
                trip_count = -(-left // s.lanes)
                self.iterate(INT64(0), INT64(trip_count), lambda k: self.iteration(s, k, 1, whole * step))
        else:
            self.blocked(-(-extent // s.lanes), sums if s.lanes > 1 else [], lambda k: self.iteration(s, k, 1),
                         s.asks * s.lanes)

    def blocked(self, trip_count: int, sums: list[AccumulatorCells], body: Callable[[llvm.Value], None], asks: float
                ) -> None:
        """Run the iterations; long sums in blocks, each of which is added to the total at its end.

        asks: the work of an iteration, if the loop is to ask whether the user interrupts: it does between blocks.
        """
        if sums and trip_count > 2 * BLOCK:
            size = BLOCK
        elif asks:
            sums, size = [], max(int(STRIP / asks), 1)
        else:
            self.iterate(INT64(0), INT64(trip_count), body)
            return

        def end() -> None:
            for p in sums:
                p.carry()
            poll(self, size * asks)

        self.strips(INT64(trip_count), size, body, end)

    def strips(self, trip_count: llvm.Value, size: int | llvm.Value, body: Callable[[llvm.Value], None],
               end: Callable[[], None]) -> None:
        """Run the iterations, at least one, and `end` behind each `size` of them."""
        size = INT64(size) if isinstance(size, int) else size

        def strip(k: llvm.Value) -> None:
            lo = self.b.mul(k, size)
            hi = self.b.add(lo, size)
            self.iterate(lo, self.b.select(self.b.icmp_signed("<", hi, trip_count), hi, trip_count), body)
            end()

        count = self.b.add(self.b.udiv(self.b.sub(trip_count, INT64(1)), size), INT64(1))
        self.iterate(INT64(0), count, strip)

    def iterate(self, lo: llvm.Value, hi: llvm.Value, body: Callable[[llvm.Value], None]) -> None:
        """A counted loop of at least one iteration."""
        b = self.b
        before, head = b.block, b.append_basic_block("loop")
        b.branch(head)
        b.position_at_end(head)
        k = b.phi(INT64)
        k.add_incoming(lo, before)
        body(k)
        following = b.add(k, INT64(1), flags="nuw nsw")
        k.add_incoming(following, b.block)
        done = b.append_basic_block("done")
        b.cbranch(b.icmp_signed("<", following, hi), head, done)
        b.position_at_end(done)

    def iteration(self, s: LoopStmt, k: llvm.Value, copies: int, base: int = 0) -> None:
        """One iteration: `copies` vectors of lanes, from element `base` of the loop on."""
        for copy in range(copies):
            first = self.b.mul(k, INT64(s.lanes * copies), flags="nuw nsw")
            first = self.b.add(first, self.number(s.var.lo + base + copy * s.lanes), flags="nsw")
            with self.inside(s, first, copy, copies == 1 and (s.var.extent - base) % s.lanes != 0):
                self.block(s.body)

    @contextmanager
    def inside(self, s: LoopStmt, first: llvm.Value, copy: int, overlaps: bool) -> Iterator[None]:
        """The scope of an iteration that starts at `first`; `overlaps` where the last iteration must step back to
        fit."""
        start, valid = first, None
        if overlaps and s.lanes > 1:
            last = self.number(s.var.hi - s.lanes)
            start = self.b.select(self.b.icmp_signed("<", first, last), first, last)
        self.scope = EmitScope(self.scope, s.var, start, s.lanes, copy, valid)
        counts = any(isinstance(x, Accumulate) or (isinstance(x, Store) and x.combine) for x in statements(s.body))
        if start is not first and counts:
            self.scope.valid = self.b.icmp_signed(">=", self.across_lanes(s.var), self.splat(first))
        yield
        assert self.scope.parent is not None
        self.scope = self.scope.parent


def call_what_is_frequent(kernel: llvm.Function) -> None:
    """Functions of the vector math library that are used very often are called, not inlined.

    Inlined code grows with every use, and LLVM's time with it: 1000 sines take 5 s inlined and 0.1 s called.
    """
    uses = Counter(i.callee for b in kernel.blocks for i in b.instructions if isinstance(i, llvm.CallInstruction))
    for fn, count in uses.items():
        if count > INLINED and isinstance(fn, llvm.Function) and "alwaysinline" in fn.attributes:
            fn.attributes.discard("alwaysinline")
            fn.attributes.add("noinline")


def sines_with_cosines(program: Program) -> dict[Node, Node]:
    """For each sine whose cosine is wanted, too, that cosine, and the reverse: the two share most of their work."""
    found: dict[tuple[str, Node], Node] = {}
    for n in nodes_of(*statements(program.body)):
        if n.kind == "apply" and n.attrs[0] in ("sin", "cos"):
            found[(n.attrs[0], n.args[0])] = n
    pairs = {}
    for (op, x), n in found.items():
        other = found.get(("cos" if op == "sin" else "sin", x))
        if other is not None:
            pairs[n] = other
    return pairs


EVALUATE: dict[str, Callable[[Emitter, Node], llvm.Value]] = {
    "index": Emitter.index, "load": lambda e, n: e.load(*n.attrs), "apply": Emitter.apply, "check": Emitter.check,
    "total": Emitter.total, "cell": cell_value,
}


def emit(program: Program) -> Emitted:
    """The program's kernel, in a module of its own."""
    return Emitter(program, llvm.Module(KERNEL)).run()


__all__ = ["BOOL", "Emitted", "emit", "nodes_of"]
