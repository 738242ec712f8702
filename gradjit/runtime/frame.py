"""The common ground of the emitters of C-level code: symbols, field access, calls into CPython, and the ways out.

A `Frame` is one C function under construction. Objects that it owns live in slots (stack cells that LLVM turns into
registers): the `miss` and `fail` exits release what is still in them, so that no path leaks or releases twice.
"""

from __future__ import annotations

from collections.abc import Sequence

from llvmlite import ir

from gradjit.runtime import cpython, numpy_abi

PTR = ir.PointerType()
I1, I8, I32, I64 = ir.IntType(1), ir.IntType(8), ir.IntType(32), ir.IntType(64)
F64 = ir.DoubleType()
NULL = ir.Constant(PTR, None)
MISS = ir.Constant(I64, 1).inttoptr(PTR)
"""What an entry returns when the call is not for it; no object has this address."""

_TYPES: dict[str, ir.Type] = {"p": PTR, "n": I64, "q": I64, "i": I32, "d": F64, "v": ir.VoidType()}
_LIKELY = (4000, 1)


def i32(value: int) -> ir.Constant:
    return ir.Constant(I32, value - (1 << 32) if value >= 1 << 31 else value)


def i64(value: int) -> ir.Constant:
    return ir.Constant(I64, value)


def opaque(value: ir.NamedValue) -> ir.NamedValue:
    """A pointer as an opaque one: until llvmlite drops typed pointers, it types what it allocates by the pointee."""
    value.type = PTR
    return value


class Frame:
    """A C function being emitted into `module`; `name` prefixes its private symbols."""

    def __init__(self, module: ir.Module, name: str, result: ir.Type, parameters: Sequence[ir.Type]) -> None:
        self.module = module
        self.name = name
        self.function = ir.Function(module, ir.FunctionType(result, parameters), name)
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
        self.symbols.add(name)
        return self.builder.call(self._declare(name), arguments)

    def _declare(self, name: str) -> ir.Function:
        if name in self.module.globals:
            return self.module.globals[name]
        result, parameters = cpython.SIGNATURES[name] if name in cpython.SIGNATURES else numpy_abi.FUNCTIONS[name][1:]
        function = ir.Function(self.module, ir.FunctionType(_TYPES[result], [_TYPES[p] for p in parameters]), name)
        function.attributes.add("nounwind")
        return function

    def call_address(self, symbol: str, result: ir.Type, *arguments: ir.Value) -> ir.Value:
        """Call the C function behind a symbol that is resolved when the code is loaded."""
        self.symbols.add(symbol)
        function = self.module.globals.get(symbol)
        if function is None:
            function = ir.Function(self.module, ir.FunctionType(result, [a.type for a in arguments]), symbol)
            function.attributes.add("nounwind")
        return self.builder.call(function, arguments)

    def call_pointer(self, pointer: ir.Value, result: ir.Type, *arguments: ir.Value) -> ir.Value:
        """Call through a function pointer."""
        kind = ir.FunctionType(result, [a.type for a in arguments])
        return self.builder.call(_Callee(pointer, kind), arguments)

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

    def slot(self) -> ir.Value:
        """A stack cell for one owned reference, NULL at first."""
        cell = opaque(self._allocas.alloca(PTR))
        self._allocas.store(NULL, cell)
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

    def branch(self, condition: ir.Value, rare: ir.Block) -> ir.Block:
        """Go to `rare` unless `condition`; returns the block for both to meet in, entered by the caller."""
        onwards = self.block()
        self.builder.cbranch(condition, onwards, rare).set_weights(_LIKELY)
        return onwards

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

    def release(self, slots: Sequence[ir.Value]) -> None:
        """Release what the slots hold."""
        for slot in slots:
            value = self.load(slot)
            held, onwards = self.block(), self.block()
            self.builder.cbranch(self.differs(value, NULL), held, onwards)
            self.enter(held)
            self.decref(value)
            self.go(onwards)
            self.enter(onwards)


class _Callee:
    """A function pointer with its type, in the form that llvmlite's call instruction reads."""

    def __init__(self, pointer: ir.Value, kind: ir.FunctionType) -> None:
        self.function_type = kind
        self.type = PTR
        self._pointer = pointer

    def get_reference(self) -> str:
        return self._pointer.get_reference()
