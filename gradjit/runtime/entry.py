"""The C-level entry of a specialisation: emission, loading, and the object that keeps everything alive which it names.

An entry is the C function `PyObject *entry(PyObject *const *args, Py_ssize_t nargs)`. It returns a new reference, NULL
with an exception set, or MISS: this call is for another specialisation. The order of its work is what makes it safe.
Whatever may run Python code (guards that look keys up, properties) comes before the last look at the array headers;
between that look and the kernel only memory is allocated; results are built when the kernel is done. While the kernel
runs without the GIL, the caller holds its arguments, the entry the captured values; as with NumPy's own loops, another
thread may change an array's elements meanwhile, and must not free its memory by `resize(refcheck=False)`.
"""

from __future__ import annotations

import ctypes
import struct
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from gradjit.codegen import llvm
from gradjit.ir.sizes import Dim, is_open
from gradjit.records import dataclass
from gradjit.runtime import cpython, numpy_abi, support
from gradjit.runtime.c_function import I32, I64, MISS as MISS_POINTER, NULL, PTR, CFunction, i32, i64
from gradjit.runtime.call_convention import MISS
from gradjit.runtime.entry_checks import Checks
from gradjit.runtime.entry_results import Results
from gradjit.runtime.entry_spec import Argument, ArraySpec, CapturedResult, EntrySpec, is_passed
from gradjit.runtime.jit import MachineCode, ObjectCode, emit_object, emit_outlined, load_objects

STACK_WORKSPACE = 4096  # up to this many bytes the workspace is on the stack
CACHED_WORKSPACE = 256 << 20  # up to this many a block is kept between calls
WORKSPACE_ALIGNMENT = 64
_HITS, _WORKSPACE = 0, 1  # words of the state; the others belong to the checks

ENTRY = "gradjit.entry"
_STATE, _OBJECT = f"{ENTRY}.state", f"{ENTRY}.object."


@dataclass(frozen=True)
class EntryCode:
    """A compiled entry, not bound to objects yet; it can be pickled, and cached beside the kernel's object code."""

    code: ObjectCode
    symbols: tuple[str, ...]
    state_words: int


def emit_entry(kernel: str, spec: EntrySpec) -> EntryCode:
    """Compile the entry that checks calls as `spec` says and passes them on to the function of that name.

    Raises LayoutError if this build of Python or NumPy is not laid out as the code needs.
    """
    numpy_abi.layout()
    emitter = _Emitter(kernel, spec)
    emitter.emit()
    code = emit_object(emitter.frame.module, pipeline="glue", exports=(ENTRY,))
    return EntryCode(code, tuple(sorted(emitter.frame.symbols)), emitter.checks.state_words)


def kernel_arguments(spec: EntrySpec) -> int:
    """How many pointers the kernel takes."""
    inputs = sum(map(is_passed, spec.parameters))
    captured = sum(capture.is_passed for capture in spec.captured)
    return len(spec.sizes) + inputs + captured + len(spec.outputs) + 1


def _check_signature(kernel: llvm.Function, spec: EntrySpec) -> None:
    expected = kernel_arguments(spec)
    kind = kernel.function_type
    pointers = all(isinstance(argument, llvm.PointerType) for argument in kind.parameters)
    if kind.result != I32 or len(kind.parameters) != expected or not pointers:
        raise ValueError(
            f"kernel {kernel.name} is {kind}; this entry needs one that takes {expected} pointers, returns i32"
        )


class _Emitter:
    def __init__(self, kernel: str, spec: EntrySpec) -> None:
        module = llvm.Module(ENTRY)
        kind = llvm.FunctionType(I32, [PTR] * kernel_arguments(spec))
        self.kernel = llvm.Function(module, kind, kernel)
        self.spec = spec
        self.frame = CFunction(module, ENTRY, "p", "pn")
        self.miss = self.frame.block("miss")
        self.fail = self.frame.block("fail")
        self._index = {id(obj): k for k, obj in enumerate(spec.objects())}
        self.state = self.frame.object(_STATE)
        self.checks = Checks(self.frame, spec, self._object, self.state, (self.miss, self.fail))
        self.results = Results(self.frame, spec, self._object, self.fail)

    def _object(self, value: object) -> llvm.Value:
        return self.frame.object(f"{_OBJECT}{self._index[id(value)]}")

    def emit(self) -> None:
        frame, spec = self.frame, self.spec
        arguments, captured = self._check_call()
        inputs = [
            self.checks.data_pointer(value, kind)
            for value, kind in zip(arguments, spec.parameters, strict=True)
            if is_passed(kind)
        ]
        inputs += [
            self.checks.data_pointer(value, capture.spec)
            for value, capture in zip(captured, spec.captured, strict=True)
            if capture.is_passed
        ]
        sizes = [self._size(d) for d in spec.sizes]
        outputs = self.results.allocate(self.checks.number)
        workspace = self._take_workspace()
        for output, place in spec.scratch.items():
            outputs[output] = frame.at(workspace, place)
        status = self._call_kernel([*sizes, *inputs, *outputs, workspace], arguments)
        record = self._record(workspace)
        self._copy_scratch(status, outputs, arguments, captured)
        self._return_workspace(workspace)
        self._raise_errors(status, record)
        self._write_back(arguments, captured)
        result = self.results.build(arguments, captured)
        self._release(self.checks)
        frame.builder.ret(result)
        frame.enter(self.miss)
        self._release(self.checks)
        frame.builder.ret(MISS_POINTER)
        frame.enter(self.fail)
        self._release(self.checks)
        self._release(self.results)
        frame.builder.ret(NULL)
        frame.finish()

    def _check_call(self) -> tuple[list[llvm.Value], list[llvm.Value]]:
        """All checks; returns the arguments and the captured values."""
        frame, spec = self.frame, self.spec
        row, count = frame.function.args
        frame.require(frame.same(count, i64(len(spec.parameters))), self.miss)
        arguments = self.checks.values(row, spec.parameters)
        environment = self.checks.environment()
        self.checks.arrays_once_more(row, spec.parameters)
        kinds = [capture.spec for capture in spec.captured]
        captured = self.checks.values(environment, kinds)
        pairs = [*zip(arguments, spec.parameters, strict=True)]
        pairs += [(v, c.spec) for v, c in zip(captured, spec.captured, strict=True) if c.holds_memory]
        arrays = [(value, kind) for value, kind in pairs if isinstance(kind, ArraySpec)]
        self.checks.sizes(arrays)
        self.checks.apart(arrays)
        return arguments, captured

    def _size(self, d: Dim) -> llvm.Value:
        """A cell with an open extent."""
        cell = self.frame.cell(8, 8)
        self.frame.store(self.checks.dims[d], cell)
        return cell

    def _release(self, part: Checks | Results) -> None:
        if part.slot_count:
            self.frame.call_support("release", part.slots, i64(part.slot_count))

    # -- the kernel

    def _call_kernel(self, pointers: list[llvm.Value], arguments: list[llvm.Value]) -> llvm.Value:
        frame = self.frame
        if not self.spec.release_gil:
            return frame.builder.call(self.kernel, pointers)
        self.checks.keep(arguments)
        thread = frame.call("PyEval_SaveThread")
        status = frame.builder.call(self.kernel, pointers)
        frame.call("PyEval_RestoreThread", thread)
        return status

    def _record(self, workspace: llvm.Value) -> list[llvm.Value]:
        """The two numbers that the kernel has left for the message of an error, if any error has such."""
        if not any(callable(message) for _, message in self.spec.errors):
            return []
        end = self.frame.at(workspace, self.checks.number(self.spec.workspace_bytes))
        return [self.frame.load(end, -k, I64) for k in (16, 8)]

    def _raise_described(self, cls: type, describe: Callable[..., str], record: list[llvm.Value]) -> None:
        """Raise `cls(describe(*record))`."""
        frame = self.frame
        row = frame.cell(16, 8)
        for k, number in enumerate(record):
            made = frame.call("PyLong_FromLongLong", number)
            frame.require(frame.differs(made, NULL), self.fail)
            frame.store(made, row, 8 * k)
        message = frame.call_support("call_python", self._object(describe), row, i64(2), NULL)
        for k in range(2):
            frame.decref(frame.load(row, 8 * k))
        frame.require(frame.differs(message, NULL), self.fail)
        frame.call("PyErr_SetObject", self._object(cls), message)
        frame.decref(message)

    def _raise_errors(self, status: llvm.Value, record: list[llvm.Value]) -> None:
        frame = self.frame
        failed, onwards = frame.block("failed"), frame.block("done")
        frame.builder.cbranch(frame.same(status, i32(0)), onwards, failed, (4000, 1))
        unknown = frame.block("unknown")
        frame.enter(failed)
        choice = frame.builder.switch(status, unknown)
        for k, (cls, message) in enumerate(self.spec.errors):
            case = frame.block()
            choice.add_case(i32(k + 1), case)
            frame.enter(case)
            if callable(message):
                self._raise_described(cls, message, record)
            else:
                frame.call("PyErr_SetObject", self._object(cls), self._object(message))
            frame.go(self.fail)
        frame.enter(unknown)
        frame.call_support("fail", status)
        frame.go(self.fail)
        frame.enter(onwards)

    # -- arrays that are written to: nothing has been before this

    def _array(self, target: Argument | CapturedResult, arguments: list[llvm.Value], captured: list[llvm.Value]
               ) -> llvm.Value:
        return (arguments if isinstance(target, Argument) else captured)[target.index]

    def _copy_scratch(
        self, status: llvm.Value, outputs: list[llvm.Value], arguments: list[llvm.Value], captured: list[llvm.Value]
    ) -> None:
        """Copy outputs that stand in the workspace to the arrays that they are the contents of."""
        frame, spec = self.frame, self.spec
        if not spec.scratch:
            return
        copy, onwards = frame.block("copy"), frame.block()
        frame.builder.cbranch(frame.same(status, i32(0)), copy, onwards, (4000, 1))
        frame.enter(copy)
        for target, output in spec.writes:
            if output in spec.scratch:
                data = self.checks.data_pointer(self._array(target, arguments, captured), spec.target(target))
                frame.copy(data, outputs[output], spec.outputs[output].nbytes)
        frame.go(onwards)
        frame.enter(onwards)

    def _write_back(self, arguments: list[llvm.Value], captured: list[llvm.Value]) -> None:
        """Have NumPy copy the other outputs, into arrays in any layout."""
        frame = self.frame
        for target, output in self.spec.writes:
            if output not in self.spec.scratch:
                array = self._array(target, arguments, captured)
                answer = frame.call("PyArray_CopyInto", array, self.results.array(output))
                frame.require(frame.same(answer, i32(0)), self.fail)

    # -- the workspace

    def _take_workspace(self) -> llvm.Value:
        """The aligned workspace: none, on the stack, the block of the state, or a new one if another call has that."""
        frame, size = self.frame, self.spec.memory_bytes
        if is_open(size):
            return self._take_open(self.checks.number(size))
        if size == 0:
            return NULL
        if size <= STACK_WORKSPACE:
            return frame.cell(size, WORKSPACE_ALIGNMENT)
        self._block = frame.cell(8, 8)
        frame.store(NULL, self._block)
        if size <= CACHED_WORKSPACE:
            # Taken here and returned below while this thread holds the GIL, so that two calls never have the same
            # block.
            frame.store(frame.load(self.state, 8 * _WORKSPACE), self._block)
            frame.store(NULL, self.state, 8 * _WORKSPACE)
        fresh = frame.block("fresh_workspace")
        onwards = frame.branch(frame.differs(frame.load(self._block), NULL), fresh)
        frame.enter(fresh)
        made = frame.call("PyMem_RawMalloc", i64(size + WORKSPACE_ALIGNMENT))
        frame.store(made, self._block)
        none = frame.block("no_memory")
        frame.require(frame.differs(made, NULL), none)
        frame.go(onwards)
        frame.enter(none)
        frame.call("PyErr_NoMemory")
        frame.go(self.fail)
        frame.enter(onwards)
        start = frame.builder.ptrtoint(frame.load(self._block), I64)
        up = frame.builder.add(start, i64(WORKSPACE_ALIGNMENT - 1))
        return frame.builder.inttoptr(frame.builder.and_(up, i64(-WORKSPACE_ALIGNMENT)), PTR)

    def _take_open(self, size: llvm.Value) -> llvm.Value:
        """A workspace whose size is computed: the block of the state, if that is large enough, or a new one. A block
        tells its size in its first word."""
        frame, b = self.frame, self.frame.builder
        self._block = frame.cell(8, 8)
        spare = frame.load(self.state, 8 * _WORKSPACE)
        frame.store(NULL, self.state, 8 * _WORKSPACE)
        frame.store(spare, self._block)
        look, fresh, none = frame.block("look"), frame.block("fresh_workspace"), frame.block("no_memory")
        onwards = frame.block()
        b.cbranch(frame.differs(spare, NULL), look, fresh, (4000, 1))
        frame.enter(look)
        enough = b.icmp_signed(">=", frame.load(spare, 0, I64), size)
        b.cbranch(enough, onwards, fresh, (4000, 1))
        frame.enter(fresh)
        frame.call("PyMem_RawFree", spare)
        made = frame.call("PyMem_RawMalloc", b.add(size, i64(2 * WORKSPACE_ALIGNMENT)))
        frame.store(made, self._block)
        frame.require(frame.differs(made, NULL), none)
        frame.store(size, made)
        frame.go(onwards)
        frame.enter(none)
        frame.call("PyErr_NoMemory")
        frame.go(self.fail)
        frame.enter(onwards)
        start = b.ptrtoint(frame.load(self._block), I64)
        up = b.add(start, i64(2 * WORKSPACE_ALIGNMENT - 1))
        return b.inttoptr(b.and_(up, i64(-WORKSPACE_ALIGNMENT)), PTR)

    def _return_workspace(self, workspace: llvm.Value) -> None:
        """Give the block back to the state; one that another call has put there meanwhile goes to the allocator."""
        frame, size = self.frame, self.spec.memory_bytes
        if not is_open(size) and size <= STACK_WORKSPACE:
            return
        block = frame.load(self._block)
        if not is_open(size) and size > CACHED_WORKSPACE:
            frame.call("PyMem_RawFree", block)
            return
        surplus = frame.block("surplus")
        onwards = frame.block()
        if is_open(size):
            large, kept = frame.block("large_workspace"), frame.block()
            limit = i64(CACHED_WORKSPACE)
            frame.builder.cbranch(frame.builder.icmp_signed(">", self.checks.number(size), limit), large, kept)
            frame.enter(large)
            frame.call("PyMem_RawFree", block)
            frame.go(onwards)
            frame.enter(kept)
        other = frame.load(self.state, 8 * _WORKSPACE)
        frame.store(block, self.state, 8 * _WORKSPACE)
        frame.builder.cbranch(frame.same(other, NULL), onwards, surplus, (4000, 1))
        frame.enter(surplus)
        frame.call("PyMem_RawFree", other)
        frame.go(onwards)
        frame.enter(onwards)


# -- loading
# -------------------------------------------------------------------------------------------------------------


class EntryState:
    """The words that an entry's code writes: how often it ran, its spare workspace, what its guards remember."""

    __slots__ = ("address", "_memory")

    def __init__(self, words: int) -> None:
        self.address = _raw_calloc(words, cpython.WORD)
        if not self.address:
            raise MemoryError
        self._memory = _state_memory(self.address)

    @property
    def hits_address(self) -> int:
        return self.address + cpython.WORD * _HITS

    @property
    def hits(self) -> int:
        return cpython.word_at(self.hits_address)


_raw_free = ctypes.pythonapi["PyMem_RawFree"]  # handles of our own, whose types nobody else changes
_raw_free.restype, _raw_free.argtypes = None, [ctypes.c_void_p]
_raw_calloc = ctypes.pythonapi["PyMem_RawCalloc"]
_raw_calloc.restype, _raw_calloc.argtypes = ctypes.c_void_p, [ctypes.c_size_t, ctypes.c_size_t]


def _free_state(address: int) -> None:
    _raw_free(cpython.word_at(address + cpython.WORD * _WORKSPACE))
    _raw_free(address)


_state_memory = cpython.mortal_words("gradjit.runtime.entry.StateMemory", _free_state)


class Entry:
    """A loaded entry: it owns the machine code and every object that the code names.

    `call(*args)` runs it and returns the result, or MISS if the arguments are not the ones it was compiled for; it
    raises what the kernel's status stands for. Attributes: `address` of the C function, `code`, `spec`.
    """

    __slots__ = ("address", "call", "code", "spec", "_state", "__weakref__")

    address: int
    call: Callable[..., Any]

    def __init__(self, code: MachineCode, spec: EntrySpec, state: EntryState) -> None:
        self.code = code
        self.spec = spec
        self._state = state
        self.address = code.addresses[ENTRY]
        # The builtin keeps alive what the code needs, not this object: no cycle, so no garbage.
        self.call = support.entry_builtin(self.packed(), (code, spec, state))

    @property
    def hits(self) -> int:
        """How many calls this entry has answered."""
        return self._state.hits

    def packed(self) -> bytes:
        """The entry as the dispatcher reads it: the function's address, the address of the counter of hits."""
        return struct.pack("QQ", self.address, self._state.hits_address)


def load_entry(
    kernel: ObjectCode,
    entry: EntryCode,
    spec: EntrySpec,
    symbols: Mapping[str, int] | None = None,
    outlined: Sequence[ObjectCode] = (),
) -> Entry:
    """Link a kernel, the outlined functions that it calls and its entry, and bind them to the objects of `spec`.

    `symbols` gives the addresses of what the kernel calls. Raises RuntimeError if something is left undefined.
    """
    state = EntryState(entry.state_words)
    addresses = {name: _symbol_address(name, spec, state) for name in entry.symbols}
    return Entry(load_objects([kernel, *outlined, entry.code], {**(symbols or {}), **addresses}), spec, state)


def bind_entry(kernel: str, address: int, entry: EntryCode, spec: EntrySpec) -> Entry:
    """The same around a kernel that is loaded already, at an address, and stays."""
    state = EntryState(entry.state_words)
    addresses = {name: _symbol_address(name, spec, state) for name in entry.symbols}
    return Entry(load_objects([entry.code], {**addresses, kernel: address}), spec, state)


def build_entry(
    module: llvm.Module,
    kernel: llvm.Function,
    spec: EntrySpec,
    *,
    symbols: Mapping[str, int] | None = None,
    pipeline: str = "light",
    outlined: Sequence[str] = (),
) -> Entry:
    """Compile `module` with the modules that it is linked to, and an entry for its function `kernel`, and load them.

    The entry's `code` exports the kernel too. Raises ValueError if the kernel's signature is not the one that `spec`
    calls for, otherwise what `emit_entry`, `emit_object` and `load_entry` do.
    """
    _check_signature(kernel, spec)
    entry = emit_entry(kernel.name, spec)
    code = emit_object(module, pipeline=pipeline, exports=(kernel.name,))
    return load_entry(code, entry, spec, symbols, emit_outlined(outlined))


def _symbol_address(symbol: str, spec: EntrySpec, state: EntryState) -> int:
    if symbol == _STATE:
        return state.address
    if symbol.startswith(_OBJECT):
        return id(spec.objects()[int(symbol.removeprefix(_OBJECT))])
    return support.symbol_address(symbol)


__all__ = ["MISS", "Entry", "EntryCode", "EntryState", "bind_entry", "build_entry", "emit_entry", "load_entry"]
