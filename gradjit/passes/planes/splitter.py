"""The walk that writes a function with planes."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import Any, Union

from ...ir import OPS, ArrayType, Block, Builder, Func, Op, Value, walk
from ...ir.clone import Env, copy_op, inline, new_block
from ...ir.core import map_attr, map_type
from ...records import dataclass

Pair = tuple[Value, Value]
"""The real and the imaginary plane."""
Parts = Union[Value, Pair]
Group = tuple[int, ...]


@dataclass(frozen=True)
class Planes:
    """A function written with planes.

    params, results: for each parameter and result of the original where its one or two planes stand in `func`.
    """

    original: Func
    func: Func
    params: tuple[Group, ...]
    results: tuple[Group, ...]

    def of(self, params: Iterable[int]) -> list[int]:
        """The planes of several parameters."""
        return [plane for k in params for plane in self.params[k]]


def has_complex(func: Func) -> bool:
    """Whether complex numbers occur anywhere in a function, or in what it calls."""
    found = {v.type.dtype for v in func.params}
    inside: list[Func] = []
    for op in walk(func.body):
        found.update([v.type.dtype for v in (*op.operands, *op.results)])
        inside += [a for a in op.attrs.values() if a.__class__ is Func]
    return any(t.is_complex for t in found) or any(map(has_complex, inside))


def split(func: Func) -> Planes:
    """The function with two real values for each complex one."""
    if not has_complex(func):
        return Planes(func, func, _single(func.params), _single(func.results))
    s = Splitter()
    body = s.block(func.body)
    return Planes(func, Func(func.name, body), groups(func.params), groups(func.results))


def _single(values: Sequence[Value]) -> tuple[Group, ...]:
    return tuple((k,) for k in range(len(values)))


def groups(values: Iterable[Value | ArrayType]) -> tuple[Group, ...]:
    """The places of each value's planes, when those of all stand in a row."""
    found: list[Group] = []
    at = 0
    for v in values:
        count = 2 if v.dtype.is_complex else 1
        found.append(tuple(range(at, at + count)))
        at += count
    return tuple(found)


def parts_of(t: ArrayType) -> list[ArrayType]:
    """The types of a value's planes."""
    return [t.with_dtype(t.dtype.part)] * (2 if t.dtype.is_complex else 1)


def taken_apart(b: Builder, values: Iterable[Value]) -> list[Value]:
    """The planes of values, one after the other."""
    return [p for v in values for p in ((b.real(v), b.imag(v)) if v.dtype.is_complex else (v,))]


def put_together(b: Builder, planes: Iterator[Value], like: Iterable[Value | ArrayType]) -> list[Value]:
    """Values of the dtypes of `like`, from their planes."""
    return [b.complex(next(planes), next(planes)) if v.dtype.is_complex else next(planes) for v in like]


class Splitter:
    """What each old value has become: `env` holds the real ones, `pairs` the complex ones."""

    def __init__(self) -> None:
        self.env: Env = {}
        self.pairs: dict[Value, Pair] = {}
        self.callees: dict[Func, Func] = {}

    def look(self, v: Value) -> Parts:
        return self.pairs[v] if v in self.pairs else self.env.get(v, v)

    def real(self, v: Value) -> Value:
        """What a real value has become."""
        return self.env.get(v, v)

    def flat(self, values: Iterable[Value]) -> list[Value]:
        """The planes of values, one after the other."""
        return [p for v in values for p in (self.pairs[v] if v in self.pairs else (self.real(v),))]

    def types(self, types: Iterable[ArrayType]) -> tuple[ArrayType, ...]:
        return tuple(map_type(p, self.real) for t in types for p in parts_of(t))

    def bind(self, old: Sequence[Value], new: Sequence[Value]) -> None:
        """Old values have become these, one after the other."""
        left = iter(new)
        for v in old:
            self.put(v, (next(left), next(left)) if v.dtype.is_complex else next(left))

    def put(self, old: Value, new: Parts) -> None:
        if isinstance(new, Value):
            self.env[old] = new
            new.name = new.name or old.name
            return
        self.pairs[old] = new
        for plane, suffix in zip(new, ("re", "im"), strict=True):
            if old.name and not plane.name:
                plane.name = f"{old.name}_{suffix}"

    # ------------------------------------------------------------------------------------------------------------------
    def block(self, old: Block) -> Block:
        """A block with planes for parameters and results."""
        fresh = Block(tuple(p for v in old.params for p in parts_of(v.type)))
        self.bind(old.params, fresh.params)
        for p in fresh.params:
            p.type = map_type(p.type, self.real)
        b = Builder(fresh)
        for op in old.ops:
            self.op(b, op)
        fresh.results = tuple(self.flat(old.results))
        return fresh

    def op(self, b: Builder, op: Op) -> None:
        from .plane_rules import RULES, STEPS
        b.loc = op.loc
        if op.name in STEPS or (OPS[op.name].is_pinned and not OPS[op.name].by_planes):
            self.step(b, op)
        elif not any(v.dtype.is_complex for v in (*op.operands, *op.results)):
            self.real_op(b, op)
        elif OPS[op.name].by_planes:
            self.each_plane(b, op)
        else:
            attrs = {k: map_attr(a, self.real) for k, a in op.attrs.items()}
            self.put(op.result, RULES[op.name](b, *map(self.look, op.operands), **attrs))

    def real_op(self, b: Builder, op: Op) -> None:
        """An operation on reals; the square of a length takes no root."""
        size = op.operands[0].op if op.name == "mul" and op.operands[0] is op.operands[1] else None
        if size is not None and size.name == "abs" and size.operands[0] in self.pairs:
            self.put(op.result, b.squared_hypot(*self.pairs[size.operands[0]]))
        else:
            copy_op(b, op, self.env)

    def each_plane(self, b: Builder, op: Op) -> None:
        """The operation on the real planes, and on the imaginary ones; real operands serve both."""
        attrs = {k: map_attr(a, self.real) for k, a in op.attrs.items()}
        operands = [self.look(v) for v in op.operands]
        made = [b.append(op.name, [p if isinstance(p, Value) else p[k] for p in operands], attrs).result
                for k in range(2)]
        self.put(op.result, (made[0], made[1]))

    def step(self, b: Builder, op: Op) -> None:
        """What is no part of straight code takes and gives all planes."""
        from .plane_rules import STEPS
        attrs = {k: map_attr(a, self.real) for k, a in op.attrs.items()}
        if op.name in STEPS and any(v.dtype.is_complex for v in (*op.operands, *op.results)):
            attrs = STEPS[op.name](self, op, attrs)
        new = Op(op.name, tuple(self.flat(op.operands)), attrs, self.types(r.type for r in op.results),
                 tuple(self.block(r) for r in op.regions), op.loc)
        b.block.ops.append(new)
        self.bind(op.results, new.results)

    def callee(self, func: Func) -> Func:
        """A function that is called, with planes."""
        if func not in self.callees:
            self.callees[func] = split(func).func
        return self.callees[func]


def inlined(b: Builder, func: Func, operands: Iterable[Value], results: Iterable[Value | ArrayType]) -> list[Value]:
    """The body of a function of planes on values that may be complex; its results, of the dtypes given."""
    return put_together(b, iter(inline(b, func, taken_apart(b, operands))), results)


def block_like(params: Sequence[Value]) -> tuple[Block, Env]:
    """An empty block with parameters like those given."""
    env: Env = {}
    return new_block(params, env), env


__all__ = ["Any", "Pair", "Parts", "Planes", "Splitter", "block_like", "groups", "has_complex", "inlined", "parts_of",
           "put_together", "split", "taken_apart"]
