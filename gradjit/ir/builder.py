"""Appends operations to a block, inferring their types.

`b.add(x, y)`, `b.sum(x, axes=(0,))`: every operation of the table is a method (with an underscore behind a Python
keyword: `b.and_`). Broadcasting is never implied here; `b.like(number, x)` and `b.broadcast_to` write it out.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from .attrs import frozen
from .core import Block, Func, Loc, Op, Value
from .ops import OPS
from .sizes import is_open
from .types import INDEX, ArrayType, DType, dtype_of


class Builder:
    """Appends to `block`; each operation gets the location `loc`, which the caller moves along."""

    def __init__(self, block: Block, loc: Loc | None = None):
        self.block = block
        self.loc = loc

    def emit(self, name: str, *operands: Value, regions: tuple[Block, ...] = (), results: Sequence[ArrayType] = (),
             **attrs: Any) -> Value | tuple[Value, ...]:
        """Append the operation; its result, or a tuple of results where it has not exactly one.

        `results` gives the types of an `if` or a `call`; every other operation infers its own.
        """
        op = self.append(name, operands, attrs, regions, results)
        return op.results[0] if len(op.results) == 1 else op.results

    def append(self, name: str, operands: Sequence[Value], attrs: dict[str, Any], regions: tuple[Block, ...] = (),
               results: Sequence[ArrayType] = ()) -> Op:
        """Append the operation and return it."""
        spec = OPS[name]
        types = (v.type for v in operands)
        inferred = spec.result_types(types, attrs, results)
        op = Op(name, tuple(operands), attrs, inferred, regions, self.loc)
        self.block.ops.append(op)
        return op

    def __getattr__(self, name: str) -> Callable[..., Value]:
        op = name.rstrip("_")
        if op not in OPS:
            raise AttributeError(f"no operation {op!r}")
        return lambda *operands, **attrs: self.emit(op, *operands, **attrs)  # type: ignore[return-value]

    # constants ------------------------------------------------------------------------------------------------------
    def const(self, value: Any, dtype: DType | None = None, shape: tuple[Any, ...] | None = None) -> Value:
        """A literal: an array, or a number repeated over `shape`."""
        a = np.asarray(value, dtype=None if dtype is None else dtype.np)
        a = a.astype(dtype_of(a.dtype).np, copy=False)
        if shape is None:
            shape = a.shape
        return self.emit("const", value=frozen(np.array(a)), shape=tuple(shape))  # type: ignore[return-value]

    def index(self, n: int) -> Value:
        """An integer that indexes or counts: a literal, or an open size."""
        return self.size(of=(n,)) if is_open(n) else self.const(n, INDEX.dtype)

    def like(self, number: Any, x: Value) -> Value:
        """The number with x's dtype in x's shape."""
        return self.const(number, x.dtype, x.shape)

    def zeros(self, t: ArrayType) -> Value:
        return self.const(0, t.dtype, t.shape)

    # small compositions ---------------------------------------------------------------------------------------------
    def broadcast_to(self, x: Value, shape: Sequence[Any]) -> Value:
        """NumPy's broadcasting: axes are aligned at the end. x itself where nothing changes."""
        shape = tuple(shape)
        if x.shape == shape:
            return x
        return self.broadcast(x, shape=shape, dims=tuple(range(len(shape) - x.type.rank, len(shape))))

    def restore_axes(self, x: Value, shape: Sequence[Any], axes: tuple[int, ...]) -> Value:
        """Repeat x along the `axes` that a reduction of an array of `shape` dropped."""
        kept = tuple(k for k in range(len(shape)) if k not in axes)
        return self.broadcast(x, shape=tuple(shape), dims=kept)

    def reshape_to(self, x: Value, shape: Sequence[Any]) -> Value:
        return x if x.shape == tuple(shape) else self.reshape(x, shape=tuple(shape))

    def cast_to(self, x: Value, dtype: DType) -> Value:
        return x if x.dtype == dtype else self.cast(x, dtype=dtype)


def build(name: str, types: Sequence[ArrayType], body: Callable[..., Sequence[Value]],
          names: Sequence[str] = ()) -> Func:
    """A function from `body(builder, *params) -> results`."""
    block = Block(tuple(types), tuple(names))
    block.results = tuple(body(Builder(block), *block.params))
    return Func(name, block)
