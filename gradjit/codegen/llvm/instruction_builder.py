"""A builder: its methods append instructions to a block, and give their values."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager

from .modules import Function, LLVMBlock, LLVMModule
from .value_types import FunctionType, IntType, LLVMArrayType, PointerType, StructType, VectorType, VoidType
from .values import Instruction, LLVMConstant, LLVMType, LLVMValue

I1, I32, PTR, VOID = IntType(1), IntType(32), PointerType(), VoidType()
COMPARISONS = {"==": "eq", "!=": "ne", "<": "lt", "<=": "le", ">": "gt", ">=": "ge"}
RARE = 1, 99
"""Weights of a branch: of the way that it takes where its condition holds, and of the other."""


class StackCell(Instruction):
    """An `alloca`, which knows what it holds."""

    __slots__ = ("holds",)
    holds: LLVMType


class CallInstruction(Instruction):
    """A call, which knows whom it calls."""

    __slots__ = ("callee",)
    callee: Function | FunctionPointer


class Phi(Instruction):
    """One of several values, by the block that was left last."""

    __slots__ = ("incoming",)

    def __init__(self, type: LLVMType, ref: str) -> None:
        self.type = type
        self.ref = ref
        self.incoming: list[str] = []

    def add_incoming(self, value: LLVMValue, block: LLVMBlock) -> None:
        if value.type is not self.type:
            raise TypeError(f"{value} comes to a value of type {self.type}")
        self.incoming.append(f"[{value.ref}, {block.ref}]")

    @property
    def text(self) -> str:  # type: ignore[override]
        return f"{self.ref} = phi {self.type.text} {', '.join(self.incoming)}"


class Switch(Instruction):
    """Goes on at one of several blocks, by an integer."""

    __slots__ = ("value", "default", "cases")

    def __init__(self, value: LLVMValue, default: LLVMBlock) -> None:
        self.type = VOID
        self.ref = ""
        self.value = value
        self.default = default
        self.cases: list[str] = []

    def add_case(self, value: LLVMValue, block: LLVMBlock) -> None:
        self.cases.append(f"{value}, label {block.ref}")

    @property
    def text(self) -> str:  # type: ignore[override]
        return f"switch {self.value}, label {self.default.ref} [{' '.join(self.cases)}]"


class FunctionPointer:
    """A computed address of a function, or code in the place of one, with the type to call it by."""

    __slots__ = ("ref", "function_type")

    def __init__(self, ref: str, kind: FunctionType) -> None:
        self.ref = ref
        self.function_type = kind


Binary = Callable[["IRBuilder", LLVMValue, LLVMValue], LLVMValue]
Cast = Callable[["IRBuilder", LLVMValue, LLVMType], LLVMValue]


def _binary(name: str) -> Binary:
    def method(self: IRBuilder, x: LLVMValue, y: LLVMValue) -> LLVMValue:
        if x.type is not y.type:
            raise TypeError(f"{name} of {x} and {y}")
        return self.made(x.type, f"{name} {x.type.text} {x.ref}, {y.ref}")

    method.__name__ = method.__qualname__ = name
    return method


def _cast(name: str) -> Cast:
    def method(self: IRBuilder, x: LLVMValue, to: LLVMType) -> LLVMValue:
        return self.made(to, f"{name} {x.type.text} {x.ref} to {to.text}")

    method.__name__ = method.__qualname__ = name
    return method


class IRBuilder:
    """Appends to `block`, which `position_at_end` chooses."""

    def __init__(self, block: LLVMBlock) -> None:
        self.position_at_end(block)

    def position_at_end(self, block: LLVMBlock) -> None:
        self.block = block
        self.function = block.function
        self._append = block.instructions.append

    @property
    def module(self) -> LLVMModule:
        return self.function.module

    def append_basic_block(self, name: str = "") -> LLVMBlock:
        return self.function.append_basic_block(name)

    # what all instructions come from ---------------------------------------------------------------------------------
    def made(self, type: LLVMType, text: str) -> Instruction:
        """An instruction that gives a value; `text` is what stands behind its name."""
        ref = self.named()
        i = Instruction(type, ref, f"{ref} = {text}")
        self._append(i)
        return i

    def named(self) -> str:
        """A name for a value."""
        f = self.function
        f.count += 1
        return f"%v{f.count}"

    def effect(self, text: str) -> Instruction:
        """An instruction that gives no value."""
        i = Instruction(VOID, "", text)
        self._append(i)
        return i

    def end(self, text: str) -> Instruction:
        """The last instruction of the block."""
        self.terminate()
        return self.effect(text)

    def terminate(self) -> None:
        assert not self.block.is_terminated, f"{self.function.name} has gone on from {self.block.name} already"
        self.block.is_terminated = True

    # integers --------------------------------------------------------------------------------------------------------
    def add(self, x: LLVMValue, y: LLVMValue, flags: str = "") -> LLVMValue:
        return self._flagged("add", x, y, flags)

    def sub(self, x: LLVMValue, y: LLVMValue, flags: str = "") -> LLVMValue:
        return self._flagged("sub", x, y, flags)

    def mul(self, x: LLVMValue, y: LLVMValue, flags: str = "") -> LLVMValue:
        return self._flagged("mul", x, y, flags)

    def _flagged(self, name: str, x: LLVMValue, y: LLVMValue, flags: str) -> LLVMValue:
        if x.type is not y.type:
            raise TypeError(f"{name} of {x} and {y}")
        return self.made(x.type, f"{name} {flags} {x.type.text} {x.ref}, {y.ref}")

    udiv, sdiv, urem, srem = _binary("udiv"), _binary("sdiv"), _binary("urem"), _binary("srem")
    shl, lshr, ashr = _binary("shl"), _binary("lshr"), _binary("ashr")
    and_, or_, xor = _binary("and"), _binary("or"), _binary("xor")

    def not_(self, x: LLVMValue) -> LLVMValue:
        t = x.type
        return self.xor(x, LLVMConstant(t, [-1] * t.count if isinstance(t, VectorType) else -1))

    def neg(self, x: LLVMValue) -> LLVMValue:
        return self.sub(LLVMConstant(x.type, None), x)

    def icmp_signed(self, op: str, x: LLVMValue, y: LLVMValue) -> LLVMValue:
        """`op` is one of Python's signs, as `<=`."""
        return self._compared("icmp", COMPARISONS[op] if op in ("==", "!=") else f"s{COMPARISONS[op]}", x, y)

    def icmp_unsigned(self, op: str, x: LLVMValue, y: LLVMValue) -> LLVMValue:
        return self._compared("icmp", COMPARISONS[op] if op in ("==", "!=") else f"u{COMPARISONS[op]}", x, y)

    # floating-point numbers ------------------------------------------------------------------------------------------
    fadd, fsub, fmul, fdiv, frem = _binary("fadd"), _binary("fsub"), _binary("fmul"), _binary("fdiv"), _binary("frem")

    def fneg(self, x: LLVMValue) -> LLVMValue:
        return self.made(x.type, f"fneg {x.type.text} {x.ref}")

    def fcmp_ordered(self, op: str, x: LLVMValue, y: LLVMValue) -> LLVMValue:
        """False where one of the two is nan. `op` is one of Python's signs, or LLVM's word."""
        return self._compared("fcmp", f"o{COMPARISONS[op]}" if op in COMPARISONS else op, x, y)

    def fcmp_unordered(self, op: str, x: LLVMValue, y: LLVMValue) -> LLVMValue:
        """True where one of the two is nan."""
        return self._compared("fcmp", f"u{COMPARISONS[op]}" if op in COMPARISONS else op, x, y)

    def _compared(self, name: str, how: str, x: LLVMValue, y: LLVMValue) -> LLVMValue:
        t = x.type
        if t is not y.type:
            raise TypeError(f"{name} {how} of {x} and {y}")
        result = VectorType(I1, t.count) if isinstance(t, VectorType) else I1
        return self.made(result, f"{name} {how} {t.text} {x.ref}, {y.ref}")

    # choice, and casts -----------------------------------------------------------------------------------------------
    def select(self, condition: LLVMValue, x: LLVMValue, y: LLVMValue) -> LLVMValue:
        t = x.type
        if t is not y.type:
            raise TypeError(f"one of {x} and {y}")
        return self.made(t, f"select {condition.type.text} {condition.ref}, {t.text} {x.ref}, {t.text} {y.ref}")

    def phi(self, type: LLVMType) -> Phi:
        i = Phi(type, self.named())
        self._append(i)
        return i

    def freeze(self, x: LLVMValue) -> LLVMValue:
        """`x`, of which LLVM knows nothing more."""
        return self.made(x.type, f"freeze {x.type.text} {x.ref}")

    trunc, zext, sext = _cast("trunc"), _cast("zext"), _cast("sext")
    fptrunc, fpext, bitcast = _cast("fptrunc"), _cast("fpext"), _cast("bitcast")
    fptosi, fptoui, sitofp, uitofp = _cast("fptosi"), _cast("fptoui"), _cast("sitofp"), _cast("uitofp")
    ptrtoint, inttoptr = _cast("ptrtoint"), _cast("inttoptr")

    # memory ----------------------------------------------------------------------------------------------------------
    def alloca(self, type: LLVMType, size: int = 1, align: int | None = None) -> StackCell:
        """`size` elements on the stack."""
        ref = self.named()
        count = "" if size == 1 else f", i32 {size}"
        aligned = "" if align is None else f", align {align}"
        i = StackCell(PTR, ref, f"{ref} = alloca {type.text}{count}{aligned}")
        i.holds = type
        self._append(i)
        return i

    def load(self, place: LLVMValue, type: LLVMType, align: int | None = None) -> LLVMValue:
        aligned = "" if align is None else f", align {align}"
        return self.made(type, f"load {type.text}, {_address(place)}{aligned}")

    def store(self, value: LLVMValue, place: LLVMValue, align: int | None = None) -> Instruction:
        aligned = "" if align is None else f", align {align}"
        return self.effect(f"store {value.type.text} {value.ref}, {_address(place)}{aligned}")

    def gep(self, base: LLVMValue, indices: Sequence[LLVMValue], of: LLVMType, inbounds: bool = False) -> LLVMValue:
        """The address of an element, behind `base` where things of type `of` stand."""
        places = ", ".join([f"{k.type.text} {k.ref}" for k in indices])
        within = " inbounds" if inbounds else ""
        return self.made(PTR, f"getelementptr{within} {of.text}, {_address(base)}, {places}")

    def load_atomic(self, place: LLVMValue, ordering: str, align: int, type: LLVMType) -> LLVMValue:
        return self.made(type, f"load atomic {type.text}, {_address(place)} {ordering}, align {align}")

    def store_atomic(self, value: LLVMValue, place: LLVMValue, ordering: str, align: int) -> Instruction:
        return self.effect(f"store atomic {value}, {_address(place)} {ordering}, align {align}")

    def atomic_rmw(self, op: str, place: LLVMValue, value: LLVMValue, ordering: str) -> LLVMValue:
        """What stood there; what `op` makes of that and `value` stands there now."""
        return self.made(value.type, f"atomicrmw {op} {_address(place)}, {value} {ordering}")

    def cmpxchg(self, place: LLVMValue, was: LLVMValue, becomes: LLVMValue, ordering: str) -> LLVMValue:
        """{what stood there, whether that was `was`}: then `becomes` stands there now."""
        return self.made(StructType([becomes.type, I1]),
                         f"cmpxchg {_address(place)}, {was}, {becomes} {ordering} {ordering}")

    # vectors, and values of several parts ----------------------------------------------------------------------------
    def extract_element(self, vector: LLVMValue, lane: LLVMValue) -> LLVMValue:
        assert isinstance(vector.type, VectorType)
        return self.made(vector.type.element, f"extractelement {vector}, {lane}")

    def insert_element(self, vector: LLVMValue, value: LLVMValue, lane: LLVMValue) -> LLVMValue:
        assert isinstance(vector.type, VectorType) and vector.type.element is value.type
        return self.made(vector.type, f"insertelement {vector}, {value}, {lane}")

    def shuffle_vector(self, one: LLVMValue, other: LLVMValue, lanes: LLVMValue) -> LLVMValue:
        """The lanes of both that the constant `lanes` names."""
        assert isinstance(one.type, VectorType) and one.type is other.type and isinstance(lanes.type, VectorType)
        return self.made(VectorType(one.type.element, lanes.type.count), f"shufflevector {one}, {other}, {lanes}")

    def extract_value(self, whole: LLVMValue, k: int) -> LLVMValue:
        return self.made(_part(whole.type, k), f"extractvalue {whole}, {k}")

    def insert_value(self, whole: LLVMValue, part: LLVMValue, k: int) -> LLVMValue:
        if _part(whole.type, k) is not part.type:
            raise TypeError(f"{part} as part {k} of {whole.type}")
        return self.made(whole.type, f"insertvalue {whole}, {part}, {k}")

    # calls -----------------------------------------------------------------------------------------------------------
    def call(self, fn: Function | FunctionPointer, args: Sequence[LLVMValue]) -> LLVMValue:
        kind = fn.function_type
        if len(args) != len(kind.parameters) or any(
                a.type is not t for a, t in zip(args, kind.parameters, strict=True)):
            raise TypeError(f"a call of {fn.ref}, of type {kind}, with {', '.join(map(str, args)) or 'nothing'}")
        given = ", ".join([f"{a.type.text} {a.ref}" for a in args])
        text = f"call {kind.result.text} {fn.ref}({given})"
        ref = "" if kind.result is VOID else self.named()
        i = CallInstruction(kind.result, ref, f"{ref} = {text}" if ref else text)
        i.callee = fn
        self._append(i)
        return i

    def asm(self, kind: FunctionType, code: str, constraints: str, args: Sequence[LLVMValue]) -> LLVMValue:
        """Instructions of the machine, which may do anything."""
        return self.call(FunctionPointer(f'asm sideeffect "{code}", "{constraints}"', kind), args)

    # where to go on --------------------------------------------------------------------------------------------------
    def branch(self, target: LLVMBlock) -> Instruction:
        return self.end(f"br label {target.ref}")

    def cbranch(self, condition: LLVMValue, yes: LLVMBlock, no: LLVMBlock,
                weights: tuple[int, int] | None = None) -> Instruction:
        """weights: how often each of the two ways is taken, relative to the other."""
        made = self.end(f"br i1 {condition.ref}, label {yes.ref}, label {no.ref}")
        if weights is not None:
            made.set_metadata("prof", self.module.metadata('!"branch_weights"', *(f"i32 {w}" for w in weights)))
        return made

    def switch(self, value: LLVMValue, default: LLVMBlock) -> Switch:
        self.terminate()
        i = Switch(value, default)
        self._append(i)
        return i

    def ret(self, value: LLVMValue) -> Instruction:
        return self.end(f"ret {value}")

    def ret_void(self) -> Instruction:
        return self.end("ret void")

    @contextmanager
    def if_rare(self, condition: LLVMValue) -> Iterator[None]:
        """What is emitted inside runs where the condition holds, which is taken to be rare."""
        inside, behind = self.append_basic_block("rare"), self.append_basic_block("behind")
        self.cbranch(condition, inside, behind, RARE)
        self.position_at_end(inside)
        yield
        if not self.block.is_terminated:
            self.branch(behind)
        self.position_at_end(behind)


def _address(place: LLVMValue) -> str:
    if place.type is not PTR:
        raise TypeError(f"{place} is no pointer")
    return f"ptr {place.ref}"


def _part(t: LLVMType, k: int) -> LLVMType:
    if isinstance(t, StructType):
        return t.elements[k]
    assert isinstance(t, LLVMArrayType)
    return t.element
