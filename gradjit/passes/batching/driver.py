"""The walk over a function that gives values a batch axis where they need one."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from ...errors import UnsupportedError
from ...ir import ArrayType, Block, Builder, Func, Op, Value, captures
from ...ir.core import map_attr, map_type
from ...ir.rewrite import Env, copy_op
from ...tracer.locations import fail

Rule = Callable[..., Sequence[Value]]
"""`rule(b, op, operands, batched, size) -> results, all batched`"""


@dataclass(frozen=True)
class Tables:
    """What the package's tables say about each operation; see there."""

    rules: Mapping[str, Rule]
    unsupported: Mapping[str, str]


def raised(t: ArrayType, size: int) -> ArrayType:
    """The type with the batch axis in front."""
    return t.with_shape((size, *t.shape))


def spread(b: Builder, v: Value, size: int) -> Value:
    """An unbatched value repeated along a batch axis."""
    return b.restore_axes(v, (size, *v.shape), (0,))


def all_spread(b: Builder, operands: Sequence[Value], batched: Sequence[bool], size: int) -> list[Value]:
    """The operands with a batch axis each."""
    return [v if has else spread(b, v, size) for v, has in zip(operands, batched, strict=True)]


class Batcher:
    """What each old value has become, and which of the new values carry the batch axis."""

    def __init__(self, b: Builder, tables: Tables, size: int, env: Env, carrying: set[Value]):
        self.b, self.tables, self.size, self.env, self.carrying = b, tables, size, env, carrying

    def op(self, op: Op) -> None:
        """Emit the operation: as it is where nothing that it reads is batched, else by its rule."""
        read = [self.env.get(v, v) for v in (*op.uses(), *captures(op))]
        if not any(v in self.carrying for v in read):
            copy_op(self.b, op, self.env)
            return
        operands = [self.env.get(v, v) for v in op.operands]
        batched = [v in self.carrying for v in operands]
        self.check(op, read, operands)
        self.b.loc = op.loc
        results = self.tables.rules[op.name](self.b, self.looked_up(op), operands, batched, self.size)
        for old, new in zip(op.results, results, strict=True):
            new.name = new.name or old.name
            self.env[old] = new
            self.carrying.add(new)

    def check(self, op: Op, read: Sequence[Value], operands: Sequence[Value]) -> None:
        if op.name in self.tables.unsupported:
            fail(UnsupportedError, f"batching of {op.name!r}: {self.tables.unsupported[op.name]}", op.loc)
        if any(v in self.carrying for v in read if v not in operands):
            fail(UnsupportedError, f"{op.name}: bounds that differ along the batch give arrays of different sizes",
                 op.loc)

    def looked_up(self, op: Op) -> Op:
        """The operation with the extents and bounds that it names replaced by what they have become."""
        def look(v: Value) -> Value:
            return self.env.get(v, v)

        attrs = {k: map_attr(a, look) for k, a in op.attrs.items()}
        return Op(op.name, op.operands, attrs, tuple(map_type(r.type, look) for r in op.results), op.regions, op.loc)


def batched_function(func: Func, batched: Sequence[bool], size: int, tables: Tables) -> Func:
    """See `batch` in the package."""
    if len(batched) != len(func.params):
        raise ValueError(f"{len(batched)} flags for the {len(func.params)} parameters of @{func.name}")
    types = [raised(p.type, size) if flag else p.type for p, flag in zip(func.params, batched, strict=True)]
    block = Block(tuple(types), tuple(p.name for p in func.params))
    env: Env = dict(zip(func.params, block.params, strict=True))
    for p in block.params:
        p.type = map_type(p.type, lambda v: env.get(v, v))
    b = Builder(block)
    batcher = Batcher(b, tables, size, env, {p for p, flag in zip(block.params, batched, strict=True) if flag})
    for op in func.ops:
        batcher.op(op)
    results = [env[r] for r in func.results]
    block.results = tuple(all_spread(b, results, [r in batcher.carrying for r in results], size))
    return Func(func.name + ".batch", block)
