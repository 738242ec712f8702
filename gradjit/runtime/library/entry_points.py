"""The functions of a library that C calls, as LLVM IR around its kernels.

For each routine there are, as the header declares them,

    int32_t NAME(size..., parameter..., void *workspace)       arrays in row-major order
    int32_t NAME_strided(const NAME_arguments *, void *)       arrays in any layout
    int64_t NAME_workspace(size...)
    const char *NAME_error(int32_t code)
    int32_t NAME_kernel_K(pointers...)                         version K without any check: for `gj.load`

Whatever can be wrong with a call is looked at before the kernel runs: its parameters are `noalias`, and its addresses
are computed without a look at overflow.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from gradjit.codegen import llvm
from gradjit.codegen.emit_control import INTERRUPTED, OUT_OF_MEMORY
from gradjit.codegen.sizes import emitted
from gradjit.ir.sizes import Dim, Quotient, Size, is_open
from gradjit.runtime.c_function import F64, I32, I64, NULL, PTR, CFunction, i32, i64
from gradjit.runtime.library import error_codes
from gradjit.runtime.library.description import LibraryRoutine, ProgramVersion
from gradjit.runtime.library.error_codes import code, first_array
from gradjit.runtime.library.processor_choice import LEVEL
from gradjit.runtime.library.processors import Processor
from gradjit.runtime.library.strided_views import (
    HIGH,
    LIMIT,
    LOW,
    OWNED,
    PIECE,
    READS,
    RECORD,
    RELEASE,
    VIEW,
    WRITES,
    library_function,
    memory_copy,
)

LETTERS = {"f64": "d", "f32": "f", "i64": "q", "u64": "q", "i32": "i", "u32": "i", "i16": "h", "u16": "h", "i8": "b",
           "u8": "b", "bool": "b"}
"""Scalars that are passed by value, in the letters of `CFunction`."""
ALIGNMENT = 64
STACK = 4096
"""Up to so many bytes a workspace that the caller does not give is on the stack."""


def kernel_symbol(r: LibraryRoutine, version: int) -> str:
    return f"{r.name}_kernel_{version}"


def own_symbol(r: LibraryRoutine, version: int, processor: Processor) -> str:
    """A version's kernel for one processor."""
    return f"gradjit.{r.name}.{version}.{processor.suffix}"


# kernels --------------------------------------------------------------------------------------------------------------
def emit_versions(module: llvm.Module, r: LibraryRoutine, processors: Sequence[Processor]) -> None:
    """Each version as one function: the kernel for this processor, with the constants that it takes."""
    for number, version in enumerate(r.versions):
        first = len(r.sizes)
        taken = first + len(r.inputs)
        frame = CFunction(module, kernel_symbol(r, number), "i", "p" * (taken + len(r.outputs) + 1))
        given = frame.function.args
        constants = [constant_data(frame, a, f"constant.{k}") for k, a in enumerate(version.constants)]
        own = sizes_of(frame, version.sizes, dict(zip(r.sizes, given, strict=False)))
        arguments = [*own, *given[first:taken], *constants, *given[taken:]]
        kind = llvm.FunctionType(I32, [PTR] * len(arguments))
        none = frame.block("no_processor")
        choice = frame.builder.switch(frame.builder.call(module.defined(LEVEL), []), none)
        for k, p in enumerate(processors):
            case = frame.block(p.suffix)
            choice.add_case(i32(k + 1), case)
            frame.enter(case)
            kernel = llvm.Function(module, kind, own_symbol(r, number, p))
            frame.builder.ret(frame.builder.call(kernel, arguments))
        frame.enter(none)
        frame.builder.ret(i32(code(error_codes.PROCESSOR)))
        frame.finish()


def sizes_of(frame: CFunction, wanted: Sequence[int], given: Mapping[Dim, llvm.Value]) -> list[llvm.Value]:
    """Where the sizes stand that a kernel takes: those that are given, and what is computed of them."""
    def number(d: Dim) -> llvm.Value:
        return frame.load(given[d], 0, I64)

    return [given[n.dim] if is_open(n) and n.dim is not None else
            frame.variable(emitted(frame.builder, n, number)) for n in wanted]


def constant_data(frame: CFunction, array: object, label: str) -> llvm.Value:
    import numpy as np

    data = np.ascontiguousarray(array).tobytes() or b"\0"
    kind = llvm.ArrayType(llvm.IntType(8), len(data))
    name = frame.module.unused(f"{frame.name}.{label}")
    return llvm.GlobalVariable(frame.module, kind, name, kind(data), linkage="internal", is_constant=True, align=64)


# in sizes -------------------------------------------------------------------------------------------------------------
class SizedFunction:
    """A function that is being emitted, with numbers for the open sizes."""

    def __init__(self, frame: CFunction, sizes: Mapping[Dim, llvm.Value]) -> None:
        self.frame, self.sizes = frame, dict(sizes)
        self.b = frame.builder

    def number(self, n: int) -> llvm.Value:
        return emitted(self.b, n, self.sizes.__getitem__)

    def refuse(self, bad: llvm.Value, error: int) -> None:
        """Return an error if `bad`, else go on."""
        leave, onwards = self.frame.block("refused"), self.frame.block()
        self.b.cbranch(bad, leave, onwards, (1, 4000))
        self.frame.enter(leave)
        self.give(i32(error))
        self.frame.enter(onwards)

    def give(self, answer: llvm.Value) -> None:
        wide = self.frame.function.function_type.result == I64
        self.b.ret(self.b.sext(answer, I64) if wide and answer.type == I32 else answer)

    def check_size(self, d: Dim, number: int) -> None:
        n = self.sizes[d]
        self.refuse(self.b.icmp_unsigned(">", n, i64(LIMIT)), code(error_codes.EXTENT, number))

    def is_too_large(self, nbytes: int) -> llvm.Value:
        return self.b.fcmp_unordered(">", magnitude(self.b, nbytes, self.sizes), llvm.Constant(F64, float(LIMIT)))

    def holds(self, version: ProgramVersion) -> llvm.Value:
        """Whether the sizes are those of a version."""
        tests = [self.b.icmp_signed(c.op, self.number(c.left), self.number(c.right)) for c in version.conditions]
        return self.frame.all_of(tests) if tests else llvm.Constant(llvm.IntType(1), 1)


def magnitude(b: llvm.IRBuilder, n: int, sizes: dict[Dim, llvm.Value]) -> llvm.Value:
    """A number that is no less than a polynomial, nor than any part of it, in floating point: it cannot overflow."""
    if not is_open(n):
        return llvm.Constant(F64, float(n))
    total: llvm.Value = llvm.Constant(F64, 0.0)
    for monomial, factor in n.terms.items():
        part: llvm.Value = llvm.Constant(F64, float(abs(factor)))
        for a in monomial:
            if isinstance(a, Quotient):
                value = b.fadd(b.fdiv(magnitude(b, a.of, sizes), llvm.Constant(F64, float(a.by))),
                               llvm.Constant(F64, 1.0))
            else:
                value = b.sitofp(sizes[a], F64)
            part = b.fmul(part, value)
        total = b.fadd(total, part)
    return total


# arrays in row-major order --------------------------------------------------------------------------------------------
def emit_plain(module: llvm.Module, r: LibraryRoutine, routines: Sequence[llvm.Function]) -> None:
    """The function that takes arrays in row-major order. `routines` tell whether what the kernels call is there."""
    letters = "q" * len(r.sizes) + "".join(LETTERS[p.dtype.name] if p.by_value else "p" for p in r.parameters) + "p"
    frame = CFunction(module, r.name, "i", letters)
    first = len(r.sizes)
    sizes = dict(zip(r.sizes, frame.function.args[:first], strict=True))
    PlainEntry(frame, r, sizes, frame.function.args[first:-1], frame.function.args[-1]).emit(routines)


class PlainEntry(SizedFunction):
    def __init__(self, frame: CFunction, r: LibraryRoutine, sizes: Mapping[Dim, llvm.Value],
                 values: Sequence[llvm.Value], workspace: llvm.Value) -> None:
        super().__init__(frame, sizes)
        self.r, self.values, self.workspace = r, values, workspace
        self.nbytes: dict[int, llvm.Value] = {}

    def emit(self, routines: Sequence[llvm.Function]) -> None:
        r, b = self.r, self.b
        for k, d in enumerate(r.sizes):
            self.check_size(d, k + 1)
        arrays = [k for k, p in enumerate(r.parameters) if not p.by_value]
        for k in arrays:
            self.check_extents(k)
        for k in arrays:
            self.check_address(k)
        for k in arrays:
            for j in arrays:
                if must_be_apart(r, j, k):
                    bad = self.overlap(self.span(j), self.span(k))
                    self.refuse(bad, code(error_codes.SHARED, first_array(r) + k))
        if any(r.memory_bytes(v) != 0 for v in r.versions):
            bad = self.frame.differs(b.and_(b.ptrtoint(self.workspace, I64), i64(ALIGNMENT - 1)), i64(0))
            self.refuse(bad, code(error_codes.MISALIGNED, first_array(r) + len(r.parameters)))
        for there in routines:
            self.refuse(self.frame.same(b.call(there, []), i32(0)), code(error_codes.NO_ROUTINE))
        for number, version in enumerate(r.versions):
            this, others = self.frame.block("version"), self.frame.block("others")
            b.cbranch(self.holds(version), this, others)
            self.frame.enter(this)
            self.run(number, version)
            self.frame.enter(others)
        b.ret(i32(code(error_codes.CONDITION)))
        self.frame.finish()

    def check_extents(self, k: int) -> None:
        p = self.r.parameters[k]
        if is_open(p.nbytes) or p.nbytes > LIMIT:
            self.refuse(self.is_too_large(p.nbytes), code(error_codes.EXTENT, first_array(self.r) + k))

    def check_address(self, k: int) -> None:
        p, b, number = self.r.parameters[k], self.b, first_array(self.r) + k
        self.nbytes[k] = self.number(p.nbytes)
        if type(p.nbytes) is int and p.nbytes == 0:
            return
        bad = self.frame.same(self.values[k], NULL)
        if is_open(p.nbytes):
            bad = b.and_(bad, self.frame.differs(self.nbytes[k], i64(0)))
        self.refuse(bad, code(error_codes.NULL_POINTER, number))
        if p.dtype.itemsize > 1:
            low = b.and_(b.ptrtoint(self.values[k], I64), i64(p.dtype.itemsize - 1))
            self.refuse(self.frame.differs(low, i64(0)), code(error_codes.MISALIGNED, number))

    def span(self, k: int) -> tuple[llvm.Value, llvm.Value]:
        start = self.b.ptrtoint(self.values[k], I64)
        return start, self.b.add(start, self.nbytes[k])

    def overlap(self, one: tuple[llvm.Value, llvm.Value], other: tuple[llvm.Value, llvm.Value]) -> llvm.Value:
        """Whether two ranges share a byte; empty ones share none."""
        b = self.b
        low = b.select(b.icmp_unsigned(">", one[0], other[0]), one[0], other[0])
        high = b.select(b.icmp_unsigned("<", one[1], other[1]), one[1], other[1])
        return b.icmp_unsigned("<", low, high)

    def run(self, number: int, version: ProgramVersion) -> None:
        """Call a version's kernel, and return."""
        r, b, frame = self.r, self.b, self.frame
        owned = frame.variable(NULL)
        memory = self.memory(version, owned)
        scratch = dict(r.scratch(version))
        pointers = [self.cell(self.sizes[d]) for d in r.sizes]
        pointers += [self.cell(self.values[k]) if r.parameters[k].by_value else self.values[k] for k in r.inputs]
        for output, k in enumerate(r.outputs):
            pointers.append(frame.at(memory, self.number(scratch[output])) if output in scratch else self.values[k])
        status = b.call(frame.module.defined(kernel_symbol(r, number)), [*pointers, memory])
        if scratch:
            copy, on = frame.block("copy"), frame.block("copied")
            b.cbranch(frame.same(status, i32(0)), copy, on)
            frame.enter(copy)
            for output, place in scratch.items():
                k = r.outputs[output]
                memory_copy(frame, self.values[k], frame.at(memory, self.number(place)), self.nbytes[k])
            frame.go(on)
            frame.enter(on)
        if r.memory_bytes(version) != 0:
            b.call(library_function(frame.module, "free", llvm.VoidType(), [PTR]), [frame.load(owned)])
        b.ret(self.told(status, r.first_check(number)))

    def told(self, status: llvm.Value, first: int) -> llvm.Value:
        """The kernel's status as the function's."""
        b = self.b
        check = b.add(status, i32(first))
        told = b.select(b.icmp_signed(">", status, i32(0)), check, status)
        for own, kind in ((OUT_OF_MEMORY, error_codes.NO_MEMORY), (INTERRUPTED, error_codes.INTERRUPTED),
                          (-1, error_codes.RAISED)):
            told = b.select(self.frame.same(status, i32(own)), i32(code(kind)), told)
        return told

    def cell(self, value: llvm.Value) -> llvm.Value:
        cell = self.frame.cell(8, 8)
        self.frame.store(value, cell)
        return cell

    def memory(self, version: ProgramVersion, owned: llvm.Value) -> llvm.Value:
        """The workspace: the caller's, or one on the stack, or (to be freed) from the heap."""
        frame, b = self.frame, self.b
        nbytes = self.r.memory_bytes(version)
        if type(nbytes) is int and nbytes == 0:
            return NULL
        if is_open(nbytes):
            self.refuse(self.is_too_large(nbytes), code(error_codes.NO_MEMORY))
        size = self.number(nbytes)
        self.check_workspace(size)
        chosen = frame.variable(self.workspace)
        if not is_open(nbytes) and nbytes <= STACK:
            given = frame.differs(self.workspace, NULL)
            return b.select(given, self.workspace, frame.cell(nbytes, ALIGNMENT))
        fresh, on = frame.block("fresh"), frame.block("ready")
        b.cbranch(frame.same(self.workspace, NULL), fresh, on)
        frame.enter(fresh)
        block = b.call(library_function(frame.module, "malloc", PTR, [I64]), [b.add(size, i64(ALIGNMENT))])
        self.refuse(frame.same(block, NULL), code(error_codes.NO_MEMORY))
        frame.store(block, owned)
        up = b.and_(b.add(b.ptrtoint(block, I64), i64(ALIGNMENT - 1)), i64(-ALIGNMENT))
        frame.store(b.inttoptr(up, PTR), chosen)
        frame.go(on)
        frame.enter(on)
        return frame.load(chosen)

    def check_workspace(self, size: llvm.Value) -> None:
        """The caller's workspace is no part of an array."""
        b = self.b
        start = b.ptrtoint(self.workspace, I64)
        given = self.frame.differs(self.workspace, NULL)
        span = start, b.select(given, b.add(start, size), start)
        for k, p in enumerate(self.r.parameters):
            if not p.by_value:
                number = first_array(self.r) + len(self.r.parameters)
                self.refuse(self.overlap(span, self.span(k)), code(error_codes.SHARED, number))


def must_be_apart(r: LibraryRoutine, j: int, k: int) -> bool:
    """Whether parameter k must share no memory with j; of two that are written to, the later is told."""
    p, q = r.parameters[k], r.parameters[j]
    wants = p.role != "in" or p.apart
    return j != k and wants and not ((q.role != "in" or q.apart) and j > k)


# sizes and texts ------------------------------------------------------------------------------------------------------
def emit_workspace(module: llvm.Module, r: LibraryRoutine) -> None:
    """The bytes of a workspace for some sizes, or what is wrong with these."""
    frame = CFunction(module, f"{r.name}_workspace", "q", "q" * len(r.sizes))
    s = SizedFunction(frame, dict(zip(r.sizes, frame.function.args, strict=True)))
    for k, d in enumerate(r.sizes):
        s.check_size(d, k + 1)
    for version in r.versions:
        this, others = frame.block("version"), frame.block("others")
        s.b.cbranch(s.holds(version), this, others)
        frame.enter(this)
        nbytes = r.memory_bytes(version)
        if is_open(nbytes):
            s.refuse(s.is_too_large(nbytes), code(error_codes.NO_MEMORY))
        s.b.ret(s.number(nbytes))
        frame.enter(others)
    s.give(i32(code(error_codes.CONDITION)))
    frame.finish()


def emit_texts(module: llvm.Module, r: LibraryRoutine) -> None:
    """What each code means."""
    frame = CFunction(module, f"{r.name}_error", "p", "i")
    unknown = frame.block("unknown")
    choice = frame.builder.switch(frame.function.args[0], unknown)
    for number, text in dict(error_codes.texts(r)).items():
        case = frame.block()
        choice.add_case(i32(number), case)
        frame.enter(case)
        frame.builder.ret(frame.text(text))
    frame.enter(unknown)
    frame.builder.ret(frame.text("no code of this function"))
    frame.finish()


# arrays in any layout -------------------------------------------------------------------------------------------------
def fields(r: LibraryRoutine) -> tuple[list[int], int]:
    """Where each parameter stands in the structure of arguments, as C lays it out, and the size of that."""
    places, at = [], 0
    for p in r.parameters:
        size = p.dtype.itemsize if p.by_value else 8
        at = (at + size - 1) // size * size
        places.append(at)
        at += size if p.by_value else 8 + 16 * len(p.shape)
    return places, (at + 7) // 8 * 8


def emit_strided(module: llvm.Module, r: LibraryRoutine) -> None:
    frame = CFunction(module, f"{r.name}_strided", "i", "pp")
    StridedEntry(frame, r).emit()


class StridedEntry(SizedFunction):
    def __init__(self, frame: CFunction, r: LibraryRoutine) -> None:
        super().__init__(frame, {})
        self.r = r
        self.places, _ = fields(r)
        self.arguments, self.workspace = frame.function.args
        self.arrays = [k for k, p in enumerate(r.parameters) if not p.by_value]
        self.records = frame.cell(RECORD * max(len(self.arrays), 1), 8)
        self.looked_at = 0

    def give(self, answer: llvm.Value) -> None:
        """What was packed so far is freed."""
        if self.looked_at:
            self.b.call(self.frame.module.defined(RELEASE), [self.records, i64(self.looked_at)])
        self.b.ret(answer)

    def emit(self) -> None:
        r, b, frame = self.r, self.b, self.frame
        self.refuse(frame.same(self.arguments, NULL), code(error_codes.NULL_POINTER, 0))
        for number, d in enumerate(r.sizes):
            self.sizes[d] = self.found(d)
            self.check_size(d, number + 1)
        for k in self.arrays:
            self.check_shape(k)
        for k in self.arrays:
            self.look_at(k)
        for k in self.arrays:
            for j in self.arrays:
                if must_be_apart(r, j, k):
                    self.refuse(self.share(j, k), code(error_codes.SHARED, first_array(r) + k))
        values = [frame.load(self.record(k), PIECE) if k in self.arrays else self.by_value(k)
                  for k in range(len(r.parameters))]
        status = b.call(frame.module.defined(r.name), [*self.sizes.values(), *values, self.workspace])
        done, leave = frame.block("done"), frame.block("leave")
        b.cbranch(frame.same(status, i32(0)), done, leave)
        frame.enter(done)
        for k in self.arrays:
            if r.parameters[k].role != "in" and r.parameters[k].shape:
                self.hand_back(k)
        frame.go(leave)
        frame.enter(leave)
        self.give(status)
        frame.finish()

    def field(self, k: int) -> llvm.Value:
        return self.frame.at(self.arguments, self.places[k])

    def extents(self, k: int) -> llvm.Value:
        return self.frame.at(self.field(k), 8)

    def strides(self, k: int) -> llvm.Value:
        return self.frame.at(self.field(k), 8 + 8 * len(self.r.parameters[k].shape))

    def by_value(self, k: int) -> llvm.Value:
        return self.b.load(self.field(k), type=self.frame.module.defined(self.r.name).args[len(self.r.sizes) + k].type)

    def record(self, k: int) -> llvm.Value:
        return self.frame.at(self.records, RECORD * self.arrays.index(k))

    def found(self, d: Dim) -> llvm.Value:
        """An open size, from where it stands alone."""
        for k in self.arrays:
            for axis, e in enumerate(self.r.parameters[k].shape):
                if type(e) is Size and e.dim is d:
                    return self.frame.load(self.extents(k), 8 * axis, I64)
        raise AssertionError(f"{d} is no extent of an argument")

    def check_shape(self, k: int) -> None:
        p = self.r.parameters[k]
        number = first_array(self.r) + k
        if is_open(p.nbytes) or p.nbytes > LIMIT:
            self.refuse(self.is_too_large(p.nbytes), code(error_codes.EXTENT, number))
        for axis, e in enumerate(p.shape):
            given = self.frame.load(self.extents(k), 8 * axis, I64)
            self.refuse(self.frame.differs(given, self.number(e)), code(error_codes.SHAPE, number))

    def look_at(self, k: int) -> None:
        p, b, frame = self.r.parameters[k], self.b, self.frame
        number = first_array(self.r) + k
        use = {"in": READS, "out": WRITES, "inout": READS | WRITES}[p.role]
        kind = b.call(frame.module.defined(VIEW), [
            self.record(k), frame.load(self.field(k)), i64(p.dtype.itemsize), i64(len(p.shape)),
            self.extents(k) if p.shape else NULL, self.strides(k) if p.shape else NULL, i32(use)])
        bad, onwards = frame.block("refused"), frame.block()
        b.cbranch(frame.same(kind, i32(0)), onwards, bad, (4000, 1))
        frame.enter(bad)
        self.give(b.sub(i32(0), b.add(b.mul(kind, i32(error_codes.FACTOR)), i32(number))))
        frame.enter(onwards)
        self.looked_at += 1

    def share(self, j: int, k: int) -> llvm.Value:
        b, (one, other) = self.b, (self.record(j), self.record(k))
        low, high = ([self.frame.load(x, place, I64) for x in (one, other)] for place in (LOW, HIGH))
        return b.and_(b.icmp_unsigned("<", low[0], high[1]), b.icmp_unsigned("<", low[1], high[0]))

    def hand_back(self, k: int) -> None:
        """Copy what was computed in one piece to where the caller's elements are."""
        p, b, frame = self.r.parameters[k], self.b, self.frame
        piece = frame.load(self.record(k), OWNED)
        copy, on = frame.block("hand_back"), frame.block()
        b.cbranch(frame.differs(piece, NULL), copy, on)
        frame.enter(copy)
        b.call(frame.module.defined("gradjit.move"), [
            piece, frame.load(self.field(k)), i64(p.dtype.itemsize), i64(len(p.shape)), self.extents(k),
            self.strides(k), i32(0)])
        frame.go(on)
        frame.enter(on)


__all__ = [
    "emit_plain", "emit_strided", "emit_texts", "emit_versions", "emit_workspace", "fields", "kernel_symbol",
    "own_symbol",
]
