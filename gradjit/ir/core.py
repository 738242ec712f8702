"""What a program is: values, operations, blocks, functions, modules.

SSA over immutable array values. An `Op` has operands, attributes, results, nested regions and the user's location. A
region is a single `Block` with parameters; control flow is structured, so no block has a successor. Attributes may hold
index values in extents (`shape=(%n, 3)`); `Op.uses` lists them with the operands.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import field
from typing import Any

from ..records import dataclass
from .types import ArrayType


@dataclass(frozen=True)
class Loc:
    """A line of the user's program."""

    file: str
    line: int
    function: str = ""

    def __str__(self) -> str:
        name = self.file.rsplit("/", 1)[-1]
        return f"{name.replace(' ', '_')}:{self.line}"  # one word, as the parser reads it back

    @property
    def full(self) -> str:
        """As Python's tracebacks put it, with the whole path."""
        return f'File "{self.file}", line {self.line}' + (f", in {self.function}" if self.function else "")


class Value:
    """An immutable array: the result of an operation or the parameter of a block. Compared by identity."""

    __slots__ = ("type", "owner", "index", "name")

    def __init__(self, type: ArrayType, owner: Op | Block | None, index: int = 0, name: str = ""):
        self.type = type
        self.owner = owner
        self.index = index
        self.name = name  # a hint; the printer numbers what has none

    @property
    def op(self) -> Op | None:
        """The operation that defines this value; None for a block parameter."""
        return self.owner if isinstance(self.owner, Op) else None

    @property
    def shape(self) -> tuple[Any, ...]:
        return self.type.shape

    @property
    def dtype(self) -> Any:
        return self.type.dtype

    def __repr__(self) -> str:
        return f"%{self.name or id(self)}: {self.type}"


class Op:
    """One operation: `results = name operands {attrs} regions`."""

    __slots__ = ("name", "operands", "attrs", "results", "regions", "loc")

    def __init__(self, name: str, operands: tuple[Value, ...], attrs: dict[str, Any], types: tuple[ArrayType, ...],
                 regions: tuple[Block, ...] = (), loc: Loc | None = None):
        self.name = name
        self.operands = operands
        self.attrs = attrs
        self.regions = regions
        self.loc = loc
        self.results = tuple([Value(t, self, i) for i, t in enumerate(types)])

    @property
    def result(self) -> Value:
        """The only result."""
        (r,) = self.results
        return r

    def uses(self) -> tuple[Value, ...]:
        """Operands, then the index values held by attributes. What regions capture is not listed (see `captures`)."""
        found = self.operands
        for a in self.attrs.values():
            if a.__class__ is tuple and (held := attr_values(a)):
                found += tuple(held)
        return found

    def __repr__(self) -> str:
        return f"<{self.name} {list(self.operands)} {self.attrs}>"


class Block:
    """Parameters, operations in order, and the values that it yields (or, for a function, returns)."""

    __slots__ = ("params", "ops", "results")

    def __init__(self, types: tuple[ArrayType, ...] = (), names: tuple[str, ...] = ()):
        self.params = tuple(Value(t, self, i, names[i] if i < len(names) else "") for i, t in enumerate(types))
        self.ops: list[Op] = []
        self.results: tuple[Value, ...] = ()


@dataclass(eq=False)
class Func:
    """A named function. `body.params` are its parameters, `body.results` what it returns. Compared by identity."""

    name: str
    body: Block

    @property
    def params(self) -> tuple[Value, ...]:
        return self.body.params

    @property
    def results(self) -> tuple[Value, ...]:
        return self.body.results

    @property
    def ops(self) -> list[Op]:
        return self.body.ops

    def __str__(self) -> str:
        from .printer import print_func
        return print_func(self)


@dataclass
class Module:
    """Functions by name, in order."""

    funcs: dict[str, Func] = field(default_factory=dict)

    def add(self, func: Func) -> Func:
        self.funcs[func.name] = func
        return func

    def __getitem__(self, name: str) -> Func:
        return self.funcs[name]

    def __str__(self) -> str:
        return "\n".join(str(f) for f in self.funcs.values())


def walk(block: Block) -> Iterator[Op]:
    """Every operation of a block and of its nested regions, outer before inner."""
    around = [iter(block.ops)]
    while around:
        for op in around[-1]:
            yield op
            if op.regions:
                around += [iter(r.ops) for r in reversed(op.regions)]
                break
        else:
            around.pop()


def called(func: Func) -> list[Func]:
    """The functions that a function calls, also through others, each once and behind those that it calls itself."""
    found: dict[Func, None] = {}

    def visit(f: Func) -> None:
        for op in walk(f.body):
            for a in op.attrs.values():
                if isinstance(a, Func) and a not in found:
                    visit(a)
                    found[a] = None

    visit(func)
    return list(found)


def captures(op: Op) -> list[Value]:
    """Values from outside that an operation's regions read, each once, in order of first use."""
    inside: set[Value] = set()
    found: dict[Value, None] = {}

    def visit(block: Block) -> None:
        inside.update(block.params)
        for inner in block.ops:
            for v in inner.uses():
                if v not in inside:
                    found[v] = None
            for r in inner.regions:
                visit(r)
            inside.update(inner.results)
        for v in block.results:
            if v not in inside:
                found[v] = None

    for r in op.regions:
        visit(r)
    return list(found)


def attr_values(attr: tuple[Any, ...]) -> list[Value]:
    """The index values in a tuple of extents or types."""
    found: list[Value] = []
    for v in attr:
        if type(v) is int:
            continue
        if isinstance(v, Value):
            found.append(v)
        elif isinstance(v, ArrayType) and not v.is_static:
            found += [e for e in v.shape if isinstance(e, Value)]
    return found


def map_attr(attr: Any, f: Callable[[Value], Value]) -> Any:
    """An attribute with its index values replaced."""
    if attr.__class__ is tuple and attr_values(attr):
        return tuple(f(v) if isinstance(v, Value) else map_type(v, f) if isinstance(v, ArrayType) else v for v in attr)
    return attr


def map_type(t: ArrayType, f: Callable[[Value], Value]) -> ArrayType:
    """A type with its symbolic extents replaced."""
    return t if t.is_static else t.with_shape(tuple(f(e) if isinstance(e, Value) else e for e in t.shape))
