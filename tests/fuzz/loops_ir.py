"""Random functions of the IR that consist of loops and branches, with windows at computed places: a strategy.

The programs of `ir_programs` have regions now and then; these have little else, and none that cannot be differentiated.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from hypothesis import strategies as st

from gradjit.ir import F64, I64, INDEX, ArrayType, Block, Func, Value

from .ir_programs import (
    Draw,
    Program,
    branch,
    carried,
    loop,
    nested,
    reduce,
    reshape,
    select,
    slice_,
    transpose,
    update,
    while_loop,
)

SMOOTH = ("sin", "cos", "tanh", "neg")
TYPES = (ArrayType(F64), ArrayType(F64), ArrayType(F64, (3,)), ArrayType(F64, (2, 3)), ArrayType(F64, (4,)))


def is_float(v: Value) -> bool:
    return v.dtype == F64


def unary(p: Program) -> Any:
    x = p.value(is_float)
    return None if x is None else p.b.emit(p.pick(SMOOTH), x)


def binary(p: Program) -> Any:
    x = p.value(is_float)
    return None if x is None else p.b.emit(p.pick(("add", "sub", "mul", "mul")), x, p.matching(x.type))


def place(p: Program, n: int) -> Value:
    """An integer in [0, n): computed from one in scope, the inner loop's index rather than others."""
    i = p.value(lambda v: v.type == INDEX)
    if i is None:
        return p.b.const(p.below(n - 1), I64)
    wrapped = p.b.mod(i, p.b.const(n, I64))
    return p.b.bounded(wrapped, extent=(n,)) if p.flip() else wrapped


def window(p: Program) -> tuple[Value, tuple[Any, ...], tuple[int, ...], tuple[int, ...]] | None:
    """An array, and starts, sizes and steps of a part of it, one start at least computed."""
    x = p.value(lambda v: is_float(v) and v.type.is_static and v.type.rank > 0 and 0 not in v.shape)
    if x is None:
        return None
    starts: list[Any] = []
    sizes, steps = [], []
    computed = p.below(x.type.rank - 1)
    for axis, e in enumerate(x.type.extents):
        size = p.pick((1, 1, max(e - 1, 1)))
        step = p.pick((1, 1, -1))
        if axis == computed:
            start = place(p, e - size + 1)
            starts.append(start if step > 0 else p.b.add(start, p.b.const(size - 1, I64)))
        else:
            size = p.pick((size, e))
            starts.append(0 if step > 0 else size - 1)
        sizes.append(size)
        steps.append(step)
    return x, tuple(starts), tuple(sizes), tuple(steps)


def read(p: Program) -> Any:
    found = window(p)
    if found is None:
        return None
    x, starts, sizes, steps = found
    return p.b.slice(x, starts=starts, sizes=sizes, steps=steps)


def write(p: Program) -> Any:
    found = window(p)
    if found is None:
        return None
    x, starts, sizes, steps = found
    value = p.matching(x.type.with_shape(sizes))
    if p.flip():
        value = p.b.add(value, p.b.slice(x, starts=starts, sizes=sizes, steps=steps))
    return p.b.update(x, value, starts=starts, steps=steps)


def prefix(p: Program) -> Any:
    """The sum over the first elements, as many as an integer says; or these elements changed."""
    x = p.value(lambda v: is_float(v) and v.type.is_static and v.type.rank == 1)
    if x is None:
        return None
    size = place(p, x.type.extents[0] + 1)
    part = p.b.slice(x, starts=(0,), sizes=(size,), steps=(1,))
    part = p.b.emit(p.pick(SMOOTH), part)
    return p.b.sum(part, axes=(0,)) if p.flip() else p.b.update(x, part, starts=(0,), steps=(1,))


def counted(p: Program) -> Any:
    """A loop up, down, by a step, or up to another loop's index."""
    inits = [v for v in carried(p) if v.dtype != INDEX.dtype] or [p.constant(ArrayType(F64))]
    types = [v.type for v in inits]
    lo, hi, step = p.pick(((0, 3, 1), (0, 4, 1), (3, -1, -1), (1, 5, 2), (0, 0, 1), (0, 1, 1)))
    bounds = [p.b.const(k, I64) for k in (lo, hi, step)]
    i = p.value(lambda v: v.type == INDEX)
    if i is not None and step == 1 and p.flip():
        bounds[1] = p.b.mod(i, p.b.const(4, I64))
    body = nested(p, (INDEX, *types), types, p.below(5, 1))
    return p.b.append("for", (*bounds, *inits), {}, (body,)).results


STRAIGHT: tuple[Callable[[Program], Any], ...] = (
    unary, unary, binary, binary, binary, read, read, write, write, write, prefix, select, reduce, reshape, transpose,
    slice_, update,
)
LOOPS: tuple[Callable[[Program], Any], ...] = (*STRAIGHT, branch, branch, counted, counted, counted, counted, loop,
                                               while_loop, while_loop)


class LoopProgram(Program):
    """A program whose regions hold what it is made of itself, to a depth of three."""

    def grow(self, count: int, makers: Any) -> None:
        super().grow(count, LOOPS if self.depth < 3 else STRAIGHT)


@st.composite
def loop_functions(draw: Draw, most: int = 6) -> Func:
    types = [ArrayType(F64, (3,)), ArrayType(F64), *draw(st.lists(st.sampled_from(TYPES), max_size=2)), INDEX]
    block = Block(tuple(types), tuple(f"p{k}" for k in range(len(types))))
    p = LoopProgram(draw, block, block.params, (F64,))
    p.grow(draw(st.integers(1, most)), LOOPS)
    made = [v for v in p.pool[len(block.params):] if v.dtype == F64 and v.type.is_static] or [block.params[0]]
    block.results = tuple(made[-3:])
    return Func("loops", block)
