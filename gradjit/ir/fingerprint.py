"""What a function is, apart from the names in it and the lines that it came from: the key of a cache.

Two functions have one fingerprint exactly when they are the same operations on the same types with the same attributes
and constants (to the bit), in the same order, and the same of their operations share a line of the user's. Which
lines these are does not count: `Fingerprint.lines` has them, in the order of their first mention, so that what was
kept for one function can speak of the lines of another. So it is with open extents: `Fingerprint.dims` has them. Code
depends on what has been concluded of them, and costs are reckoned by their examples, of which the magnitude counts.
"""

from __future__ import annotations

import struct
from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np

from ..records import dataclass
from .clone import dims_of
from .core import Block, Func, Loc, Op, Value
from .size_conditions import SizeCondition
from .size_data import size_data
from .sizes import Dim, is_open, reckoned, size_of
from .types import ArrayType, DType


@dataclass(frozen=True)
class Fingerprint:
    """`key` tells functions apart; `lines` are the user's, and `dims` the open extents, by the numbers that the key
    knows them by."""

    key: bytes
    lines: tuple[Loc, ...]
    dims: tuple[Dim, ...] = ()


def fingerprint(func: Func, concluded: Iterable[SizeCondition] = ()) -> Fingerprint | None:
    """The fingerprint of a function, of whose open extents this much has been concluded; None where an attribute is an
    object that only this process knows."""
    dims = tuple(dims_of(func))
    writer = _Writer(dims)
    try:
        for d in dims:
            writer.count("D", magnitude(d))
        for c in concluded:
            writer.condition(c)
        writer.func(func)
    except _Opaque:
        return None
    return Fingerprint(bytes(writer.out), tuple(writer.lines), dims)


def magnitude(d: Dim) -> int:
    """A rough measure of an open extent: of two that have the same, code that was made for one does for the other."""
    return int(reckoned(size_of(d))).bit_length() // 4


class _Opaque(Exception):
    """An attribute has no bytes that another process would understand."""


class _Writer:
    """Writes a function as bytes that can be read in one way only: each part says its kind, and how long it is."""

    def __init__(self, dims: Sequence[Dim]) -> None:
        self.out = bytearray()
        self.dims = {d: k for k, d in enumerate(dims)}
        self.values: dict[Value, int] = {}
        self.funcs: dict[Func, int] = {}
        self.lines: dict[Loc, int] = {}

    def text(self, kind: str, x: bytes) -> None:
        self.out += b"%s%d:" % (kind.encode(), len(x))
        self.out += x

    def count(self, kind: str, n: int) -> None:
        self.out += b"%s%d;" % (kind.encode(), n)

    def func(self, f: Func) -> None:
        if f in self.funcs:
            return self.count("f", self.funcs[f])
        self.funcs[f] = len(self.funcs)
        self.block(f.body)
        return None

    def block(self, block: Block) -> None:
        self.count("B", len(block.params))
        for p in block.params:
            self.define(p)
        self.count("O", len(block.ops))
        for op in block.ops:
            self.op(op)
        self.count("R", len(block.results))
        for r in block.results:
            self.value(r)

    def define(self, v: Value) -> None:
        self.values[v] = len(self.values)
        self.attribute(v.type)

    def value(self, v: Value) -> None:
        self.count("%", self.values[v])

    def op(self, op: Op) -> None:
        self.text("o", op.name.encode())
        if op.loc is not None:
            self.count("l", self.lines.setdefault(op.loc, len(self.lines)))
        self.count("u", len(op.operands))
        for v in op.operands:
            self.value(v)
        self.count("a", len(op.attrs))
        for name, x in op.attrs.items():
            self.text("n", name.encode())
            self.attribute(x)
        self.count("r", len(op.regions))
        for region in op.regions:
            self.block(region)
        self.count("d", len(op.results))
        for v in op.results:
            self.define(v)

    def attribute(self, x: Any) -> None:
        """An attribute, or part of one."""
        if isinstance(x, Value):
            self.value(x)
        elif isinstance(x, Func):
            self.func(x)
        elif isinstance(x, ArrayType):
            self.attribute(x.dtype)
            self.attribute(x.shape)
        elif isinstance(x, DType):
            self.text("t", x.name.encode())
        elif is_open(x):
            self.size(x)
        elif isinstance(x, tuple):
            self.count("(", len(x))
            for part in x:
                self.attribute(part)
        elif isinstance(x, np.ndarray | np.generic):
            self.array(np.asarray(x))
        elif type(x) in SCALARS:
            self.text(*SCALARS[type(x)](x))
        elif type(x) is str:
            self.text("s", x.encode("utf-8", "surrogatepass"))
        else:
            raise _Opaque

    def size(self, x: int) -> None:
        try:
            self.text("S", repr(size_data(x, self.dims)).encode())
        except KeyError:
            raise _Opaque from None

    def condition(self, c: SizeCondition) -> None:
        self.size(c.left)
        self.text("c", c.op.encode())
        self.size(c.right)

    def array(self, a: np.ndarray) -> None:
        if a.dtype.hasobject:
            raise _Opaque
        self.text("A", a.dtype.str.encode())
        self.attribute(a.shape)
        self.text("b", a.tobytes())


SCALARS: dict[type, Any] = {
    bool: lambda x: ("?", b"1" if x else b"0"),
    int: lambda x: ("i", str(x).encode()),
    float: lambda x: ("x", struct.pack("<d", x)),
    complex: lambda x: ("z", struct.pack("<dd", x.real, x.imag)),
    type(None): lambda x: ("0", b""),
}
"""The kind and the bytes of a Python number."""


__all__ = ["Fingerprint", "fingerprint"]
