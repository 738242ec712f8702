"""The common ground of the emitters of C-level code: symbols, field access, calls into CPython, and the ways out.

A `CFunction` is one C function under construction. References that it owns stand in slots on the stack; the ways out
release what is still in them, so that no path leaks or releases twice.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

from llvmlite import ir

from gradjit.runtime import cpython, numpy_abi

PTR = ir.PointerType()
I1, I8, I32, I64 = ir.IntType(1), ir.IntType(8), ir.IntType(32), ir.IntType(64)
F64 = ir.DoubleType()
NULL = ir.Constant(PTR, None)
MISS = ir.Constant(I64, 1).inttoptr(PTR)
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

_TYPES: dict[str, ir.Type] = {"p": PTR, "n": I64, "q": I64, "i": I32, "h": ir.IntType(16), "b": I8, "d": F64,
                              "f": ir.FloatType(), "v": ir.VoidType()}
_LIKELY = (4000, 1)


def i32(value: int) -> ir.Constant:
    return ir.Constant(I32, value - (1 << 32) if value >= 1 << 31 else value)


def i64(value: int) -> ir.Constant:
    return ir.Constant(I64, value)


def opaque(value: ir.NamedValue) -> ir.NamedValue:
    """A pointer as an opaque one: until llvmlite drops typed pointers, it types what it allocates by the pointee."""
    value.type = PTR
    return value


class CFunction:
    """A C function being emitted into `module`, with types as in `cpython.SIGNATURES`.

    `name` prefixes its private symbols; `symbols` collects what it uses from outside.
    """

    def __init__(self, module: ir.Module, name: str, result: str, parameters: str) -> None:
        self.module = module
        self.name = name
        self.function = ir.Function(module, ir.FunctionType(_TYPES[result], [_TYPES[p] for p in parameters]), name)
        self.function.attributes.add("nounwind")
        self._entry = self.function.append_basic_block("entry")
        self._start = self.function.append_basic_block("start")
        self.builder = ir.IRBuilder(self._start)
        self._allocas = ir.IRBuilder(self._entry)
        self.symbols: set[str] = set()

    def finish(self) -> None:
        """Join the block of stack cells to the code."""
        self._allocas.branch(self._start)

    # -- symbols

    def object(self, symbol: str) -> ir.Value:
        """The address of an object outside: a global of unknown size, so that LLVM assumes nothing about it."""
        self.symbols.add(symbol)
        if symbol in self.module.globals:
            return self.module.globals[symbol]
        unknown = self.module.context.get_identified_type("gradjit.object")
        variable = ir.GlobalVariable(self.module, unknown, symbol)
        variable.linkage = "external"
        return opaque(variable)

    def call(self, name: str, *arguments: ir.Value) -> ir.Value:
        """Call a C function of CPython or NumPy."""
        found = cpython.SIGNATURES[name] if name in cpython.SIGNATURES else numpy_abi.FUNCTIONS[name][1:]
        return self._call(name, found, arguments)

    def call_support(self, name: str, *arguments: ir.Value) -> ir.Value:
        """Call a function of `support`."""
        return self._call(f"gradjit.{name}", SUPPORT[name], arguments)

    def call_clock(self) -> ir.Value:
        """The seconds since 1970."""
        return self._call(*CLOCK, (NULL,))

    def copy(self, target: ir.Value, source: ir.Value, size: int) -> None:
        """Copy bytes that do not overlap."""
        kind = ir.FunctionType(ir.VoidType(), [PTR, PTR, I64, I1])
        name = "llvm.memcpy.p0.p0.i64"
        function = self.module.globals.get(name) or ir.Function(self.module, kind, name)
        self.builder.call(function, [target, source, i64(size), I1(0)])

    def call_alloc(self, dtype: str) -> ir.Value:
        """A new NumPy scalar, its value not set, or NULL."""
        kind = self.object(f"numpy.type.{dtype}")
        return self._call(f"numpy.alloc.{dtype}", ("p", "pn"), (kind, i64(0)))

    def _call(self, symbol: str, signature: tuple[str, str], arguments: Sequence[ir.Value]) -> ir.Value:
        function = self.module.globals.get(symbol)
        if function is None:
            result, parameters = signature
            function = ir.Function(
                self.module, ir.FunctionType(_TYPES[result], [_TYPES[p] for p in parameters]), symbol
            )
            function.attributes.add("nounwind")
        if function.is_declaration:
            self.symbols.add(symbol)
        return self.builder.call(function, arguments)

    def call_pointer(self, pointer: ir.Value, result: ir.Type, *arguments: ir.Value) -> ir.Value:
        """Call through a function pointer."""
        kind = ir.FunctionType(result, [a.type for a in arguments])
        return self.builder.call(_Callee(pointer, kind), arguments)

    def records(self, label: str, words: Sequence[int | ir.Value]) -> ir.Value:
        """The address of a constant table of integers and symbols, a word each; NULL for an empty one."""
        if not words:
            return NULL
        constants: list[Any] = [i64(word) if isinstance(word, int) else word for word in words]
        return self.table(ir.Constant.literal_struct(constants), label)

    def table(self, value: ir.Constant, label: str) -> ir.Value:
        """The address of constant data."""
        variable = ir.GlobalVariable(self.module, value.type, self.module.get_unique_name(f"{self.name}.{label}"))
        variable.linkage, variable.global_constant, variable.initializer = "private", True, value
        return opaque(variable)

    def text(self, text: str) -> ir.Value:
        """The address of a C string."""
        data = bytearray(text.encode() + b"\0")
        return self.table(ir.Constant(ir.ArrayType(I8, len(data)), data), "text")

    # -- memory

    def cell(self, size: int, alignment: int) -> ir.Value:
        """`size` bytes on the stack."""
        space = self._allocas.alloca(ir.ArrayType(I8, size))
        space.align = alignment
        return opaque(space)

    def slots(self, count: int) -> ir.Value:
        """A row of stack cells for owned references, NULL at first."""
        row = self.cell(8 * count, 8)
        fill = self.module.declare_intrinsic("llvm.memset", [PTR, I64])
        self._allocas.call(fill, [row, ir.Constant(I8, 0), i64(8 * count), ir.Constant(I1, 0)])
        return row

    def at_start(self, value: ir.Value, cell: ir.Value) -> None:
        """Set a stack cell when the function begins."""
        self._allocas.store(value, cell)

    def variable(self, value: ir.Value) -> ir.Value:
        """A stack cell that is set to `value` here."""
        cell = self.cell(8, 8)
        self.store(value, cell)
        return cell

    def at(self, base: ir.Value, offset: int | ir.Value) -> ir.Value:
        """`base` advanced by `offset` bytes."""
        if isinstance(offset, int):
            if offset == 0:
                return base
            offset = i64(offset)
        return self.builder.gep(base, [offset], source_etype=I8)

    def load(self, base: ir.Value, offset: int = 0, kind: ir.Type = PTR) -> ir.Value:
        """The field of type `kind` at `offset` bytes from `base`."""
        return self.builder.load(self.at(base, offset), typ=kind)

    def word(self, base: ir.Value, index: ir.Value) -> ir.Value:
        """The address of the word at a computed index."""
        return self.builder.gep(base, [index], source_etype=I64)

    def store(self, value: ir.Value, base: ir.Value, offset: int = 0) -> None:
        """Set the field at `offset` bytes from `base`."""
        self.builder.store(value, self.at(base, offset))

    # -- control

    def block(self, name: str = "") -> ir.Block:
        return self.function.append_basic_block(name)

    def go(self, target: ir.Block) -> None:
        """Jump to `target`, without moving there."""
        self.builder.branch(target)

    def enter(self, target: ir.Block) -> None:
        """Emit into `target` from here on."""
        self.builder.position_at_end(target)

    def require(self, condition: ir.Value, otherwise: ir.Block) -> None:
        """Go on if `condition`, else leave to `otherwise`, which is taken to be rare."""
        onwards = self.block()
        self.builder.cbranch(condition, onwards, otherwise).set_weights(_LIKELY)
        self.enter(onwards)

    def unless(self, condition: ir.Value, target: ir.Block) -> None:
        """Leave to `target` if `condition`, else go on."""
        onwards = self.block()
        self.builder.cbranch(condition, target, onwards)
        self.enter(onwards)

    def branch(self, condition: ir.Value, rare: ir.Block) -> ir.Block:
        """Go to `rare` unless `condition`; returns the block for both to meet in, entered by the caller."""
        onwards = self.block()
        self.builder.cbranch(condition, onwards, rare).set_weights(_LIKELY)
        return onwards

    @contextmanager
    def loop(self, count: ir.Value) -> Iterator[ir.Value]:
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

    def same(self, left: ir.Value, right: ir.Value) -> ir.Value:
        return self.builder.icmp_unsigned("==", left, right)

    def differs(self, left: ir.Value, right: ir.Value) -> ir.Value:
        return self.builder.icmp_unsigned("!=", left, right)

    def all_of(self, conditions: Sequence[ir.Value]) -> ir.Value:
        """The conjunction, evaluated without branches."""
        total = conditions[0]
        for condition in conditions[1:]:
            total = self.builder.and_(total, condition)
        return total

    def has_type(self, obj: ir.Value, symbol: str) -> ir.Value:
        """Whether an object's type is exactly the one behind `symbol`."""
        return self.same(self.load(obj, cpython.layout().type), self.object(symbol))

    # -- references

    def incref(self, obj: ir.Value) -> None:
        self.call("Py_IncRef", obj)

    def decref(self, obj: ir.Value) -> None:
        """Release a reference; NULL is let pass."""
        self.call("Py_DecRef", obj)

    def take(self, slot: ir.Value) -> ir.Value:
        """Move the reference out of a slot."""
        value = self.load(slot)
        self.store(NULL, slot)
        return value

    def decide(self, answer: ir.Value, no: ir.Block, error: ir.Block) -> None:
        """Go on if the answer of a check is YES, else leave to one of the exits."""
        unlikely = self.block("not_yes")
        onwards = self.branch(self.builder.icmp_signed(">", answer, i32(0)), unlikely)
        self.enter(unlikely)
        self.builder.cbranch(self.same(answer, i32(0)), no, error)
        self.enter(onwards)


class _Callee:
    """A function pointer with its type, in the form that llvmlite's call instruction reads."""

    def __init__(self, pointer: ir.Value, kind: ir.FunctionType) -> None:
        self.function_type = kind
        self.type = PTR
        self._pointer = pointer

    def get_reference(self) -> str:
        return self._pointer.get_reference()
