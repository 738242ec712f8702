"""Modules, and what they consist of: functions of blocks, and global variables."""

from __future__ import annotations

from collections.abc import Iterable

from .value_types import FunctionType, OpaqueType, PointerType
from .values import UNDEFINED, Instruction, LLVMConstant, LLVMType, LLVMValue

PTR = PointerType()


def quoted(name: str) -> str:
    """A name as LLVM reads it whatever its characters."""
    return '"' + "".join(c if c.isprintable() and c.isascii() and c not in '"\\' else
                         "".join(f"\\{k:02x}" for k in c.encode()) for c in name) + '"'


class LLVMModule:
    """A module. `globals` has its functions and variables by name."""

    def __init__(self, name: str = "") -> None:
        self.name = name
        self.globals: dict[str, GlobalVariable | Function] = {}
        self._nodes: dict[tuple[str, ...], str] = {}

    @property
    def functions(self) -> list[Function]:
        """Those that are declared or defined here."""
        return [g for g in self.globals.values() if isinstance(g, Function)]

    def unused(self, name: str) -> str:
        """`name`, or with a number behind it where that is the name of something."""
        count, found = 0, name
        while found in self.globals:
            count += 1
            found = f"{name}.{count}"
        return found

    def declared(self, name: str, kind: FunctionType) -> Function:
        """The function of this name, which is declared where the module does not have it."""
        known = self.function(name)
        if known is None:
            return Function(self, kind, name)
        assert known.function_type is kind, f"{name} is declared as {known.function_type}, not as {kind}"
        return known

    def function(self, name: str) -> Function | None:
        known = self.globals.get(name)
        assert not isinstance(known, GlobalVariable)
        return known

    def variable(self, name: str) -> GlobalVariable | None:
        known = self.globals.get(name)
        assert not isinstance(known, Function)
        return known

    def defined(self, name: str) -> Function:
        """The function of this name, which must be there."""
        known = self.globals[name]
        assert isinstance(known, Function)
        return known

    def metadata(self, *operands: str) -> str:
        """The node of some operands, which are text: `!"of a string"`, other nodes, typed constants."""
        return self._nodes.setdefault(operands, f"!{len(self._nodes)}")

    def __str__(self) -> str:
        types = {g.value_type for g in self.globals.values() if isinstance(g, GlobalVariable)}
        lines = [f"; ModuleID = {quoted(self.name)}"]
        lines += sorted(f"{t.text} = type opaque" for t in types if isinstance(t, OpaqueType))
        lines += [g.text for g in self.globals.values()]
        lines += [f"{node} = !{{{', '.join(operands)}}}" for operands, node in self._nodes.items()]
        return "\n".join([*lines, ""])


class GlobalVariable(LLVMValue):
    """A variable of the module, which is its address. Without initializer it is one of another module.

    align: in bytes; linkage: as LLVM calls it, external unless said.
    """

    __slots__ = ("name", "value_type", "initializer", "linkage", "align", "is_constant")

    def __init__(self, module: LLVMModule, type: LLVMType, name: str, initializer: LLVMConstant | None = None, *,
                 linkage: str = "", align: int | None = None, is_constant: bool = False) -> None:
        assert name not in module.globals
        super().__init__(PTR, f"@{quoted(name)}")
        self.name = name
        self.value_type = type
        self.initializer = initializer
        self.linkage = linkage
        self.align = align
        self.is_constant = is_constant
        module.globals[name] = self

    @property
    def text(self) -> str:
        """Its definition or declaration."""
        linkage = self.linkage or ("external" if self.initializer is None else "")
        value = self.initializer
        if value is None and linkage not in ("external", "extern_weak"):
            value = self.value_type(UNDEFINED)
        kind = "constant" if self.is_constant else "global"
        parts = [linkage, kind, self.value_type.text, value.ref if value else ""]
        align = "" if self.align is None else f", align {self.align}"
        return f"{self.ref} = {' '.join(filter(None, parts))}{align}"


class LLVMArgument(LLVMValue):
    """A parameter inside its function."""

    __slots__ = ("attributes",)

    def __init__(self, type: LLVMType, ref: str) -> None:
        super().__init__(type, ref)
        self.attributes: list[str] = []


class Function(LLVMValue):
    """A function, defined when it has blocks. It is its address.

    attributes: as `nounwind`; linkage: as LLVM calls it, external unless said.
    """

    __slots__ = ("module", "name", "function_type", "args", "blocks", "attributes", "linkage", "count", "_labels")

    def __init__(self, module: LLVMModule, type: FunctionType, name: str, linkage: str = "",
                 attributes: Iterable[str] = ()) -> None:
        assert name not in module.globals
        super().__init__(PTR, f"@{quoted(name)}")
        self.module = module
        self.name = name
        self.function_type = type
        self.args = tuple(LLVMArgument(t, f"%a{k}") for k, t in enumerate(type.parameters))
        self.blocks: list[LLVMBlock] = []
        self.attributes = set(attributes)
        self.linkage = linkage
        self.count = 0  # of the values that have a name
        self._labels: dict[str, int] = {}
        module.globals[name] = self

    @property
    def is_declaration(self) -> bool:
        return not self.blocks

    def append_basic_block(self, name: str = "") -> LLVMBlock:
        """A new block behind the others."""
        name = name or "block"
        used = self._labels[name] = self._labels.get(name, -1) + 1
        block = LLVMBlock(self, f"{name}.{used}" if used else name)
        self.blocks.append(block)
        return block

    @property
    def text(self) -> str:
        """Its definition or declaration."""
        given = ", ".join([" ".join([a.type.text, *a.attributes, a.ref]) for a in self.args])
        parts = ["define" if self.blocks else "declare", self.linkage, self.function_type.result.text]
        head = f"{' '.join(filter(None, parts))} {self.ref}({given}){''.join(f' {a}' for a in sorted(self.attributes))}"
        return "\n".join([head, "{", *[b.text for b in self.blocks], "}"]) if self.blocks else head


class LLVMBlock:
    """Instructions that run one after the other, the last of which says where to go on."""

    __slots__ = ("function", "name", "ref", "instructions", "is_terminated")

    def __init__(self, function: Function, name: str) -> None:
        self.function = function
        self.name = name
        self.ref = f"%{name}"
        self.instructions: list[Instruction] = []
        self.is_terminated = False

    @property
    def text(self) -> str:
        return "\n  ".join([f"{self.name}:", *[i.text for i in self.instructions]])
