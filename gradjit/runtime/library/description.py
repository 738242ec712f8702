"""What a library holds, as plain data: its functions, what each takes and gives, and the programs behind them.

Extents are polynomials (`ir.sizes`) of the sizes that a function's signature names. A function may have several
*versions*: programs that were made for sizes that meet certain conditions; the first whose conditions a call meets
answers it.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np

from gradjit.codegen import Check
from gradjit.ir import DType
from gradjit.ir.size_conditions import SizeCondition
from gradjit.ir.sizes import Dim, is_open
from gradjit.records import dataclass

KEYWORDS = frozenset("""
alignas alignof and and_eq asm auto bitand bitor bool break case catch char class compl const constexpr const_cast
continue decltype default delete do double dynamic_cast else enum explicit export extern false float for friend goto if
inline int long mutable namespace new noexcept not not_eq nullptr operator or or_eq private protected public register
reinterpret_cast requires restrict return short signed sizeof static static_assert static_cast struct switch template
this thread_local throw true try typedef typeid typename typeof union unsigned using virtual void volatile wchar_t while
xor xor_eq
""".split())
"""Words of C and C++, which no parameter can be named by."""
RESERVED = ("workspace", "arguments", "ask", "errno", "NULL", "EOF", "I", "stdin", "stdout", "stderr",
            "free", "calloc", "printf", "size_t")
"""Names that the header, the example, or what they include use."""


@dataclass(frozen=True)
class LibraryParameter:
    """An array (or a scalar) that a function of a library takes.

    name: in C. label: as the user knows it. role: "in", "out" or "inout" (an array that the function changes).
    """

    name: str
    label: str
    dtype: DType
    shape: tuple[int, ...]
    role: str = "in"
    apart: bool = False
    """Whether it must share no memory with any other array."""

    @property
    def by_value(self) -> bool:
        """Whether C passes the number itself."""
        return self.role == "in" and not self.shape

    @property
    def elements(self) -> int:
        total = 1
        for e in self.shape:
            total *= e
        return total

    @property
    def nbytes(self) -> int:
        return self.elements * self.dtype.itemsize

    @property
    def type(self) -> str:
        return f"{self.dtype.name}[{','.join(map(str, self.shape))}]"


@dataclass(frozen=True)
class KernelText:
    """A kernel for one processor as LLVM IR: what it is optimised by, and the seldom run functions that it calls."""

    processor: str
    text: str
    pipeline: str
    outlined: tuple[str, ...]
    externals: tuple[str, ...]


@dataclass(frozen=True)
class ProgramVersion:
    """A program `i32 kernel(ptr size..., ptr input..., ptr captured..., ptr output..., ptr workspace)`.

    sizes: what it takes first, in those of the function. constants: the captured arrays, as they were when the library
    was made.
    """

    conditions: tuple[SizeCondition, ...]
    sizes: tuple[int, ...]
    workspace_bytes: int
    constants: tuple[np.ndarray[Any, Any], ...]
    checks: tuple[Check, ...]
    kernels: tuple[KernelText, ...]
    work: float


@dataclass(frozen=True)
class LibraryRoutine:
    """A function of a library.

    sizes: the open extents, which a C caller passes first. outputs: which of `parameters` each of the kernel's outputs
    is; one that stands for an array that is changed is that array's. forms: what each is in Python (see OutputSpec).
    result: how Python's result is built of them. arguments: the names of Python's arguments.
    """

    name: str
    title: str
    derivative: str | None
    signature: str
    sizes: tuple[Dim, ...]
    parameters: tuple[LibraryParameter, ...]
    outputs: tuple[int, ...]
    forms: tuple[str, ...]
    result: Any
    arguments: tuple[str, ...]
    notes: tuple[str, ...]
    versions: tuple[ProgramVersion, ...]

    @property
    def inputs(self) -> list[int]:
        """The parameters that the kernel reads, by position."""
        return [k for k, p in enumerate(self.parameters) if p.role != "out"]

    @property
    def checks(self) -> list[Check]:
        """Those of all versions: the function gives 1 + the position of the one that failed."""
        return [c for v in self.versions for c in v.checks]

    def first_check(self, version: int) -> int:
        return sum(len(v.checks) for v in self.versions[:version])

    def scratch(self, version: ProgramVersion) -> list[tuple[int, int]]:
        """For each of the kernel's outputs that goes to an array which it reads, too: the output, and where it stands
        behind the workspace until the kernel is done."""
        places = []
        end = aligned(version.workspace_bytes)
        for k, at in enumerate(self.outputs):
            if self.parameters[at].role == "inout":
                places.append((k, end))
                end = end + aligned(self.parameters[at].nbytes)
        return places

    def memory_bytes(self, version: ProgramVersion) -> int:
        """What a call needs: the workspace, and the new contents of arrays that are changed."""
        places = self.scratch(version)
        if not places:
            return version.workspace_bytes
        k, at = places[-1]
        return at + aligned(self.parameters[self.outputs[k]].nbytes)


def aligned(nbytes: int) -> int:
    return (nbytes + 63) // 64 * 64 if is_open(nbytes) or nbytes % 64 else nbytes


@dataclass(frozen=True)
class LibraryDescription:
    """All of a library."""

    name: str
    routines: tuple[LibraryRoutine, ...]

    @property
    def externals(self) -> list[str]:
        """What the kernels call from outside, each once."""
        return list(dict.fromkeys(x for r in self.routines for v in r.versions for k in v.kernels for x in k.externals))


def identifier(text: str) -> str:
    """A name in C for what a user calls `text`."""
    name = re.sub(r"[^A-Za-z0-9_]+", "_", text).strip("_") or "x"
    name = f"x{name}" if name[0].isdigit() else name
    return f"{name}_" if name in KEYWORDS else name


def is_identifier(name: str) -> bool:
    """Whether C and C++ take a name."""
    return re.fullmatch(r"[A-Za-z_][A-Za-z0-9_]*", name) is not None and name not in KEYWORDS


def function_identifier(text: str) -> str:
    """A name for a function of a library: none that C's own libraries have, which would be called in its place."""
    name = identifier(text)
    return next(x for x in (name, f"{name}_", f"f_{name}") if not is_taken(x))


LOCAL = frozenset({"main", "self", "args", "nargs", "keywords", "given", "names", "size", "near", "block", "spare",
                   "status", "result", "answer", "at", *RESERVED})
"""Names within the extension module's functions, and what an example has."""


def is_taken(name: str) -> bool:
    """Whether something else has a function's name: something in this process, which C's own libraries are a part of,
    or in the extension module."""
    from llvmlite.binding import address_of_symbol
    return name in LOCAL or re.match(r"Py|_Py|NPY|[arsv]_|gradjit_", name) is not None or (
        address_of_symbol(name) is not None)


def identifiers(labels: Sequence[str], taken: Iterable[str] = ()) -> list[str]:
    """Such names for several, no two of which are equal or `taken`."""
    used = set(taken)
    found = []
    for label in labels:
        name = first = identifier(label)
        number = 2
        while name in used:
            name, number = f"{first}_{number}", number + 1
        used.add(name)
        found.append(name)
    return found


__all__ = [
    "KernelText", "LibraryDescription", "LibraryParameter", "LibraryRoutine", "ProgramVersion", "aligned",
    "RESERVED", "function_identifier", "identifier", "identifiers", "is_identifier", "is_taken",
]
