"""The common ground of the emitters of C-level code: symbols, field access, calls into CPython, and the ways out.

A `CFunction` is one C function under construction. References that it owns stand in slots on the stack; the ways out
release what is still in them, so that no path leaks or releases twice.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

from gradjit.codegen import llvm
from gradjit.runtime import cpython, numpy_abi

PTR = llvm.PointerType()
I1, I8, I32, I64 = llvm.IntType(1), llvm.IntType(8), llvm.IntType(32), llvm.IntType(64)
F64 = llvm.DoubleType()
UNKNOWN = llvm.OpaqueType("gradjit.object")
NULL = llvm.Constant(PTR, None)
MISS = llvm.Value(PTR, "inttoptr (i64 1 to ptr)")
"""What an entry returns when the call is not for it; no object has this address."""

# The functions of `support` that entries call: name -> (result, parameters), as in cpython.SIGNATURES.
SUPPORT: dict[str, tuple[str, str]] = {
    "check_arrays": ("i", "ppn"),
    "new_arrays": ("i", "ppn"),
    "release": ("v", "pn"),
    "same_static": ("i", "pp"),
    "check_items": ("i", "ppnnpp"),
    "look_up": ("p", "pp"),
    "get_attribute": ("p", "pp"),
    "check_method": ("i", "ppp"),
    "call_python": ("p", "ppnp"),
    "walk": ("i", "ppn"),
    "signature": ("i", "pnp"),
    "try_indexed": ("p", "ppn"),
    "fail": ("v", "i"),
}

# The function of the C library that `support` calls: its name here, its signature.
CLOCK = "time", ("q", "p")

_TYPES: dict[str, llvm.Type] = {"p": PTR, "n": I64, "q": I64, "i": I32, "h": llvm.IntType(16), "b": I8, "d": F64,
                              "f": llvm.FloatType(), "v": llvm.VoidType()}
_LIKELY = (4000, 1)


def i32(value: int) -> llvm.Constant:
    return llvm.Constant(I32, value - (1 << 32) if value >= 1 << 31 else value)


def i64(value: int) -> llvm.Constant:
    return llvm.Constant(I64, value)


class CFunction:
    """A C function being emitted into `module`, with types as in `cpython.SIGNATURES`.

    `name` prefixes its private symbols; `symbols` collects what it uses from outside.
    """

    def __init__(self, module: llvm.Module, name: str, result: str, parameters: str) -> None:
        self.module = module
        self.name = name
        self.function = llvm.Function(module, llvm.FunctionType(_TYPES[result], [_TYPES[p] for p in parameters]), name)
        self.function.attributes.add("nounwind")
        self._entry = self.function.append_basic_block("entry")
        self._start = self.function.append_basic_block("start")
        self.builder = llvm.IRBuilder(self._start)
        self._allocas = llvm.IRBuilder(self._entry)
        self.symbols: set[str] = set()

    def finish(self) -> None:
        """Join the block of stack cells to the code."""
        self._allocas.branch(self._start)

    # -- symbols

    def object(self, symbol: str) -> llvm.Value:
        """The address of an object outside: a global of unknown size, so that LLVM assumes nothing about it."""
        self.symbols.add(symbol)
        return self.module.variable(symbol) or llvm.GlobalVariable(self.module, UNKNOWN, symbol)

    def call(self, name: str, *arguments: llvm.Value) -> llvm.Value:
        """Call a C function of CPython or NumPy."""
        found = cpython.SIGNATURES[name] if name in cpython.SIGNATURES else numpy_abi.FUNCTIONS[name][1:]
        return self._call(name, found, arguments)

    def call_support(self, name: str, *arguments: llvm.Value) -> llvm.Value:
        """Call a function of `support`."""
        return self._call(f"gradjit.{name}", SUPPORT[name], arguments)

    def call_clock(self) -> llvm.Value:
        """The seconds since 1970."""
        return self._call(*CLOCK, (NULL,))

    def copy(self, target: llvm.Value, source: llvm.Value, size: int) -> None:
        """Copy bytes that do not overlap."""
        kind = llvm.FunctionType(llvm.VoidType(), [PTR, PTR, I64, I1])
        function = self.module.declared("llvm.memcpy.p0.p0.i64", kind)
        self.builder.call(function, [target, source, i64(size), I1(0)])

    def call_alloc(self, dtype: str) -> llvm.Value:
        """A new NumPy scalar, its value not set, or NULL."""
        kind = self.object(f"numpy.type.{dtype}")
        return self._call(f"numpy.alloc.{dtype}", ("p", "pn"), (kind, i64(0)))

    def _call(self, symbol: str, signature: tuple[str, str], arguments: Sequence[llvm.Value]) -> llvm.Value:
        function = self.module.function(symbol)
        if function is None:
            result, parameters = signature
            kind = llvm.FunctionType(_TYPES[result], [_TYPES[p] for p in parameters])
            function = llvm.Function(self.module, kind, symbol, attributes=("nounwind",))
        if function.is_declaration:
            self.symbols.add(symbol)
        return self.builder.call(function, arguments)

    def call_pointer(self, pointer: llvm.Value, result: llvm.Type, *arguments: llvm.Value) -> llvm.Value:
        """Call through a function pointer."""
        kind = llvm.FunctionType(result, [a.type for a in arguments])
        return self.builder.call(llvm.FunctionPointer(pointer.ref, kind), arguments)

    def records(self, label: str, words: Sequence[int | llvm.Value]) -> llvm.Value:
        """The address of a constant table of integers and symbols, a word each; NULL for an empty one."""
        if not words:
            return NULL
        constants: list[Any] = [i64(word) if isinstance(word, int) else word for word in words]
        return self.table(llvm.StructType.of(constants), label)

    def table(self, value: llvm.Constant, label: str) -> llvm.Value:
        """The address of constant data."""
        name = self.module.unused(f"{self.name}.{label}")
        return llvm.GlobalVariable(self.module, value.type, name, value, linkage="private", is_constant=True)

    def text(self, text: str) -> llvm.Value:
        """The address of a C string."""
        data = text.encode() + b"\0"
        return self.table(llvm.Constant(llvm.ArrayType(I8, len(data)), data), "text")

    # -- memory

    def cell(self, size: int, alignment: int) -> llvm.Value:
        """`size` bytes on the stack."""
        return self._allocas.alloca(llvm.ArrayType(I8, size), align=alignment)

    def slots(self, count: int) -> llvm.Value:
        """A row of stack cells for owned references, NULL at first."""
        row = self.cell(8 * count, 8)
        fill = self.module.declared("llvm.memset.p0.i64", llvm.FunctionType(llvm.VoidType(), [PTR, I8, I64, I1]))
        self._allocas.call(fill, [row, llvm.Constant(I8, 0), i64(8 * count), llvm.Constant(I1, 0)])
        return row

    def at_start(self, value: llvm.Value, cell: llvm.Value) -> None:
        """Set a stack cell when the function begins."""
        self._allocas.store(value, cell)

    def variable(self, value: llvm.Value) -> llvm.Value:
        """A stack cell that is set to `value` here."""
        cell = self.cell(8, 8)
        self.store(value, cell)
        return cell

    def at(self, base: llvm.Value, offset: int | llvm.Value) -> llvm.Value:
        """`base` advanced by `offset` bytes."""
        if isinstance(offset, int):
            if offset == 0:
                return base
            offset = i64(offset)
        return self.builder.gep(base, [offset], of=I8)

    def load(self, base: llvm.Value, offset: int = 0, kind: llvm.Type = PTR) -> llvm.Value:
        """The field of type `kind` at `offset` bytes from `base`."""
        return self.builder.load(self.at(base, offset), type=kind)

    def word(self, base: llvm.Value, index: llvm.Value) -> llvm.Value:
        """The address of the word at a computed index."""
        return self.builder.gep(base, [index], of=I64)

    def store(self, value: llvm.Value, base: llvm.Value, offset: int = 0) -> None:
        """Set the field at `offset` bytes from `base`."""
        self.builder.store(value, self.at(base, offset))

    # -- control

    def block(self, name: str = "") -> llvm.Block:
        return self.function.append_basic_block(name)

    def go(self, target: llvm.Block) -> None:
        """Jump to `target`, without moving there."""
        self.builder.branch(target)

    def enter(self, target: llvm.Block) -> None:
        """Emit into `target` from here on."""
        self.builder.position_at_end(target)

    def require(self, condition: llvm.Value, otherwise: llvm.Block) -> None:
        """Go on if `condition`, else leave to `otherwise`, which is taken to be rare."""
        onwards = self.block()
        self.builder.cbranch(condition, onwards, otherwise, _LIKELY)
        self.enter(onwards)

    def unless(self, condition: llvm.Value, target: llvm.Block) -> None:
        """Leave to `target` if `condition`, else go on."""
        onwards = self.block()
        self.builder.cbranch(condition, target, onwards)
        self.enter(onwards)

    def branch(self, condition: llvm.Value, rare: llvm.Block) -> llvm.Block:
        """Go to `rare` unless `condition`; returns the block for both to meet in, entered by the caller."""
        onwards = self.block()
        self.builder.cbranch(condition, onwards, rare, _LIKELY)
        return onwards

    @contextmanager
    def loop(self, count: llvm.Value) -> Iterator[llvm.Value]:
        """Emit a loop over 0 ... count - 1; yields the index."""
        test, body, done = self.block("test"), self.block("body"), self.block("done")
        index = self.variable(i64(0))
        self.go(test)
        self.enter(test)
        k = self.load(index, 0, I64)
        self.builder.cbranch(self.builder.icmp_signed("<", k, count), body, done)
        self.enter(body)
        yield k
        self.store(self.builder.add(k, i64(1)), index)
        self.go(test)
        self.enter(done)

    # -- conditions

    def same(self, left: llvm.Value, right: llvm.Value) -> llvm.Value:
        return self.builder.icmp_unsigned("==", left, right)

    def differs(self, left: llvm.Value, right: llvm.Value) -> llvm.Value:
        return self.builder.icmp_unsigned("!=", left, right)

    def all_of(self, conditions: Sequence[llvm.Value]) -> llvm.Value:
        """The conjunction, evaluated without branches."""
        total = conditions[0]
        for condition in conditions[1:]:
            total = self.builder.and_(total, condition)
        return total

    def has_type(self, obj: llvm.Value, symbol: str) -> llvm.Value:
        """Whether an object's type is exactly the one behind `symbol`."""
        return self.same(self.load(obj, cpython.layout().type), self.object(symbol))

    # -- references

    def incref(self, obj: llvm.Value) -> None:
        self.call("Py_IncRef", obj)

    def decref(self, obj: llvm.Value) -> None:
        """Release a reference; NULL is let pass."""
        self.call("Py_DecRef", obj)

    def take(self, slot: llvm.Value) -> llvm.Value:
        """Move the reference out of a slot."""
        value = self.load(slot)
        self.store(NULL, slot)
        return value

    def decide(self, answer: llvm.Value, no: llvm.Block, error: llvm.Block) -> None:
        """Go on if the answer of a check is YES, else leave to one of the exits."""
        unlikely = self.block("not_yes")
        onwards = self.branch(self.builder.icmp_signed(">", answer, i32(0)), unlikely)
        self.enter(unlikely)
        self.builder.cbranch(self.same(answer, i32(0)), no, error)
        self.enter(onwards)
