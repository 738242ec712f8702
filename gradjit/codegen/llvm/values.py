"""What has a type and can be an operand: constants, instructions; and what a type is."""

from __future__ import annotations

from typing import Any, ClassVar


class LLVMType:
    """A type. Calling it makes a constant: `IntType(64)(5)`."""

    __slots__ = ("text",)
    null: ClassVar[str] = "zeroinitializer"
    """The constant whose bits are all zero."""
    text: str

    def __str__(self) -> str:
        return self.text

    def __repr__(self) -> str:
        return f"<{type(self).__name__} {self.text}>"

    def __call__(self, value: Any) -> LLVMConstant:
        return LLVMConstant(self, value)

    def written(self, value: Any) -> str:
        """A constant of this type, as text."""
        raise TypeError(f"no constant of {self.text} is made of {value!r}")


class LLVMValue:
    """An operand. `ref` is how instructions name it."""

    __slots__ = ("type", "ref")
    type: LLVMType
    ref: str

    def __init__(self, type: LLVMType, ref: str) -> None:
        self.type = type
        self.ref = ref

    def __str__(self) -> str:
        """With its type, as most instructions name their operands."""
        return f"{self.type.text} {self.ref}"

    def __repr__(self) -> str:
        return f"<{type(self).__name__} {self}>"


class _Undefined:
    """A constant of no value in particular."""

    def __repr__(self) -> str:
        return "UNDEFINED"


UNDEFINED = _Undefined()


class LLVMConstant(LLVMValue):
    """A constant of `value`: a number, for what has elements a sequence of numbers and constants, bytes for an array
    of them, None for zero bits, UNDEFINED."""

    __slots__ = ("constant",)

    def __init__(self, type: LLVMType, value: Any) -> None:
        self.type = type
        self.constant = value
        self.ref = type.null if value is None else "undef" if value is UNDEFINED else type.written(value)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, LLVMConstant) and self.type is other.type and self.ref == other.ref

    def __hash__(self) -> int:
        return hash(self.ref)


class Instruction(LLVMValue):
    """An instruction, written out; it is the value that it gives."""

    __slots__ = ("text",)
    text: str

    def __init__(self, type: LLVMType, ref: str, text: str) -> None:
        self.type = type
        self.ref = ref
        self.text = text

    def set_metadata(self, kind: str, node: str) -> None:
        """Append a node of metadata, as `Module.metadata` gives it."""
        self.text += f", !{kind} {node}"
