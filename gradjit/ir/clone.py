"""Copying IR with values replaced: what every pass is made of."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from .builder import Builder
from .core import Block, Func, Op, Value, map_attr, map_type, walk
from .sizes import Dim, Size, dims_in
from .types import ArrayType

Env = dict[Value, Value]
"""What each old value has become."""


def copy_op(b: Builder, op: Op, env: Env, operands: Sequence[Value] | None = None) -> Op:
    """Append a copy of `op` with its operands (or those given), extents and regions replaced by `env`."""
    def look(v: Value) -> Value:
        return env.get(v, v)

    b.loc = op.loc
    attrs = {k: map_attr(a, look) if a.__class__ is tuple else a for k, a in op.attrs.items()}
    regions = tuple([copy_block(r, env) for r in op.regions])
    given = tuple(operands) if operands is not None else tuple([env.get(v, v) for v in op.operands])
    new = Op(op.name, given, attrs, tuple([map_type(r.type, look) for r in op.results]), regions, op.loc)
    b.block.ops.append(new)
    for old, fresh in zip(op.results, new.results, strict=True):
        fresh.name = old.name
        env[old] = fresh
    return new


def copy_block(block: Block, outer: Env) -> Block:
    """A copy of a region; `outer` is not changed."""
    env = dict(outer)
    fresh = new_block(block.params, env)
    b = Builder(fresh)
    for op in block.ops:
        copy_op(b, op, env)
    fresh.results = tuple(env.get(v, v) for v in block.results)
    return fresh


def new_block(params: Iterable[Value], env: Env) -> Block:
    """An empty block with parameters like those given, which `env` then maps to the new ones."""
    params = tuple(params)
    block = Block(tuple(p.type for p in params), tuple(p.name for p in params))
    for old, fresh in zip(params, block.params, strict=True):
        env[old] = fresh
        fresh.type = map_type(fresh.type, lambda v: env.get(v, v))
    return block


def inline(b: Builder, func: Func, args: Sequence[Value]) -> tuple[Value, ...]:
    """Append the body of `func` with its parameters bound to `args`; the values it returns."""
    env: Env = dict(zip(func.params, args, strict=True))
    for op in func.ops:
        copy_op(b, op, env)
    return tuple(env.get(v, v) for v in func.results)


# sizes --------------------------------------------------------------------------------------------------------------
def dims_of(func: Func) -> list[Dim]:
    """The open extents of a function, in the order in which they were opened."""
    def every() -> Iterator[Any]:
        for p in func.params:
            yield from p.shape
        for op in walk(func.body):
            for r in op.results:
                yield from r.shape
            for a in op.attrs.values():
                if isinstance(a, tuple):
                    yield from a
            for region in op.regions:
                for p in region.params:
                    yield from p.shape

    return dims_in(every())


def with_sizes(func: Func, dims: Mapping[Dim, int]) -> Func:
    """A copy of a function with numbers for its open extents."""
    env: Env = {}
    body = _sized_block(func.body, env, dims)
    return Func(func.name, body)


def _sized_block(block: Block, env: Env, dims: Mapping[Dim, int]) -> Block:
    fresh = new_block(block.params, env)
    for p in fresh.params:
        p.type = _sized(p.type, dims)

    def look(v: Value) -> Value:
        return env.get(v, v)

    for op in block.ops:
        attrs = {k: map_attr(_sized(a, dims), look) for k, a in op.attrs.items()}
        types = tuple(map_type(_sized(r.type, dims), look) for r in op.results)
        regions = tuple(_sized_block(r, dict(env), dims) for r in op.regions)
        new = Op(op.name, tuple(map(look, op.operands)), attrs, types, regions, op.loc)
        fresh.ops.append(new)
        for old, r in zip(op.results, new.results, strict=True):
            r.name = old.name
            env[old] = r
    fresh.results = tuple(map(look, block.results))
    return fresh


def _sized(x: Any, dims: Mapping[Dim, int]) -> Any:
    """A type or an attribute with numbers for its dims."""
    if type(x) is Size:
        return x.at(dims)
    if isinstance(x, ArrayType):
        return x.with_shape(tuple(_sized(e, dims) for e in x.shape))
    if isinstance(x, Func):
        return with_sizes(x, dims)
    return tuple(_sized(e, dims) for e in x) if isinstance(x, tuple) else x
