"""LLVM's types. Each is made once: equal types are one object."""

from __future__ import annotations

import struct
from collections.abc import Sequence
from typing import Any, Self, TypeVar

from .values import UNDEFINED, LLVMConstant, LLVMType, LLVMValue

_T = TypeVar("_T", bound=LLVMType)
_made: dict[str, LLVMType] = {}  # by their text, which tells them apart


def _the(cls: type[_T], text: str, **fields: Any) -> _T:
    """The type with this text. It is complete before another thread can find it."""
    known = _made.get(text)
    if known is None:
        made = object.__new__(cls)
        for name, value in {"text": text, **fields}.items():
            setattr(made, name, value)
        known = _made.setdefault(text, made)
    assert isinstance(known, cls)
    return known


class VoidType(LLVMType):
    """What functions give that give nothing."""

    __slots__ = ()

    def __new__(cls) -> VoidType:
        return _the(cls, "void")


class PointerType(LLVMType):
    """An address, of whatever."""

    __slots__ = ()
    null = "null"

    def __new__(cls) -> PointerType:
        return _the(cls, "ptr")


class IntType(LLVMType):
    """Integers of some bits."""

    __slots__ = ("width",)
    null = "0"
    width: int

    def __new__(cls, width: int) -> IntType:
        return _the(cls, f"i{width}", width=width)

    def written(self, value: Any) -> str:
        return str(int(value))


class _RealType(LLVMType):
    """Floating-point numbers: constants are written as the bits of the float64 of the same value."""

    __slots__ = ()
    null = "0.0"
    name: str
    packed: str
    """The type as `struct` calls it."""

    def __new__(cls) -> _RealType:
        return _the(cls, cls.name)

    def written(self, value: Any) -> str:
        if self.packed != "d":
            (value,) = struct.unpack(self.packed, struct.pack(self.packed, value))
        return f"0x{int.from_bytes(struct.pack('>d', value), 'big'):016x}"


class HalfType(_RealType):
    """float16."""

    __slots__ = ()
    name, packed = "half", "e"


class FloatType(_RealType):
    """float32."""

    __slots__ = ()
    name, packed = "float", "f"


class DoubleType(_RealType):
    """float64."""

    __slots__ = ()
    name, packed = "double", "d"


class _RowType(LLVMType):
    """So many elements of one type, between brackets."""

    __slots__ = ("element", "count")
    brackets: str
    element: LLVMType
    count: int

    def __new__(cls, element: LLVMType, count: int) -> Self:
        left, right = cls.brackets[0], cls.brackets[1]
        return _the(cls, f"{left}{count} x {element.text}{right}", element=element, count=count)

    def written(self, value: Any) -> str:
        left, right = self.brackets[0], self.brackets[1]
        return f"{left}{_elements([self.element] * self.count, value)}{right}"


class VectorType(_RowType):
    """Some values that one instruction works on."""

    __slots__ = ()
    brackets = "<>"


class LLVMArrayType(_RowType):
    """Elements of one type in memory."""

    __slots__ = ()
    brackets = "[]"

    def written(self, value: Any) -> str:
        if isinstance(value, bytes | bytearray):
            assert len(value) == self.count and self.element is IntType(8)
            return 'c"' + "".join(map(_PRINTED.__getitem__, value)) + '"'
        return super().written(value)


class StructType(LLVMType):
    """Elements of several types in memory, or what a function gives that gives several values."""

    __slots__ = ("elements",)
    elements: tuple[LLVMType, ...]

    def __new__(cls, elements: Sequence[LLVMType]) -> StructType:
        return _the(cls, f"{{{', '.join(t.text for t in elements)}}}", elements=tuple(elements))

    @staticmethod
    def of(values: Sequence[LLVMValue]) -> LLVMConstant:
        """The constant struct of some constants."""
        return StructType([v.type for v in values])(values)

    def written(self, value: Any) -> str:
        return f"{{{_elements(self.elements, value)}}}"


class FunctionType(LLVMType):
    """Functions by what they take and give."""

    __slots__ = ("result", "parameters")
    result: LLVMType
    parameters: tuple[LLVMType, ...]

    def __new__(cls, result: LLVMType, parameters: Sequence[LLVMType]) -> FunctionType:
        taken = tuple(parameters)
        return _the(cls, f"{result.text} ({', '.join(t.text for t in taken)})", result=result, parameters=taken)


class OpaqueType(LLVMType):
    """The type of an object of which nothing is known but its address."""

    __slots__ = ("name",)
    name: str

    def __new__(cls, name: str) -> OpaqueType:
        return _the(cls, f"%{name}", name=name)


_PRINTED = [chr(k) if 32 <= k < 127 and k not in b'"\\' else f"\\{k:02x}" for k in range(256)]


def _elements(types: Sequence[LLVMType], values: Sequence[Any]) -> str:
    if len(types) != len(values):
        raise ValueError(f"{len(values)} values for a constant of {len(types)}")
    return ", ".join([_element(t, v) for t, v in zip(types, values, strict=True)])


def _element(t: LLVMType, value: Any) -> str:
    if isinstance(value, LLVMValue):
        if value.type is not t:
            raise TypeError(f"an element of type {value.type.text} where {t.text} is expected")
        return f"{t.text} {value.ref}"
    return f"{t.text} {'undef' if value is UNDEFINED else t.written(value)}"
