"""Random functions of the array IR, from every family of operations, nested regions and symbolic extents included.

`functions()` is a hypothesis strategy, so that what fails shrinks. A program grows one operation at a time from a pool
of values; an operation whose operands the pool cannot supply makes them by broadcasting, reshaping, casting.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from math import prod
from typing import Any

import numpy as np
from hypothesis import strategies as st

from gradjit.errors import GradjitError
from gradjit.ir import (
    BOOL,
    C128,
    F32,
    F64,
    I32,
    I64,
    INDEX,
    OPS,
    ArrayType,
    Block,
    Builder,
    DType,
    Func,
    Value,
    captures,
)

Draw = Callable[[st.SearchStrategy[Any]], Any]
NOT_AGAIN = ("const", "iota", "gather")
SHAPES = ((), (3,), (2, 3), (1,), (4, 1), (2, 2, 3), (0,), (1, 3))
NUMBERS = (0.0, 1.0, -1.0, 2.0, -0.0, 0.5, 3.0, -2.0, 4.0, float("inf"))
MOST_ELEMENTS = 200

UNARY = tuple(n for n, s in OPS.items() if s.pointwise and s.arity == 1 and not s.attrs and s.family == "elementwise")
BINARY = tuple(n for n, s in OPS.items() if s.pointwise and s.arity == 2)
REDUCTIONS = ("sum", "prod", "max", "min")


class Program:
    """A function under construction: a builder and the values in scope."""

    def __init__(self, draw: Draw, block: Block, pool: Sequence[Value], dtypes: Sequence[DType], depth: int = 0):
        self.draw = draw
        self.dtypes = dtypes
        self.b = Builder(block)
        self.pool = list(pool)
        self.depth = depth

    # choices ----------------------------------------------------------------------------------------------------------
    def pick(self, items: Sequence[Any]) -> Any:
        return self.draw(st.sampled_from(list(items)))

    def below(self, n: int, least: int = 0) -> int:
        """An integer in [least, n]."""
        return self.draw(st.integers(least, n))

    def flip(self) -> bool:
        return self.draw(st.booleans())

    def value(self, fits: Callable[[Value], bool] = lambda v: True) -> Value | None:
        """A value of the pool: mostly one of the latest, so that operations follow each other as rules expect them."""
        found = [v for v in self.pool if fits(v)]
        if not found:
            return None
        back = self.pick((1, 1, 1, 2, 3, len(found)))
        return found[-min(back, len(found))] if back < len(found) else self.pick(found)

    def add(self, v: Any) -> None:
        if isinstance(v, Value):
            self.pool.append(v)

    # operands that fit ------------------------------------------------------------------------------------------------
    def matching(self, t: ArrayType) -> Value:
        """A value of type t: one of the pool, a constant, or something cast and broadcast."""
        same = [v for v in self.pool if v.type == t]
        choice = self.below(3)
        if same and choice < 2:
            return same[-1] if choice else self.pick(same)
        scalar = self.value(lambda v: v.dtype == t.dtype and v.shape == ())
        if scalar is not None and choice == 2:
            return self.b.broadcast_to(scalar, t.shape)
        return self.constant(t)

    def constant(self, t: ArrayType) -> Value:
        number = self.pick(NUMBERS)
        if t.dtype.kind in "iub":
            number = int(number) if np.isfinite(number) and number >= (0 if t.dtype.kind == "u" else -2) else 1
        if t.is_static and 1 < t.size <= 12 and self.below(3) == 3:
            data = np.arange(t.size) * (number if np.isfinite(number) else 1)
            return self.b.const(data.astype(t.dtype.np).reshape(t.extents), t.dtype)
        return self.b.const(number, t.dtype, t.shape)

    # growth -----------------------------------------------------------------------------------------------------------
    def step(self, makers: Sequence[Callable[[Program], Any]]) -> None:
        made = self.pick(makers)(self)
        for v in made if isinstance(made, tuple) else (made,):
            self.add(v)

    def grow(self, count: int, makers: Sequence[Callable[[Program], Any]]) -> None:
        with np.errstate(all="ignore"):
            for _ in range(count):
                self.step(makers)


def allowed(op: str, t: ArrayType) -> bool:
    """Whether a pointwise operation takes this dtype."""
    spec = OPS[op]
    try:
        spec.infer(*[t] * (spec.arity or 1))
    except Exception:
        return False
    return True


# elementwise ----------------------------------------------------------------------------------------------------------
def unary(p: Program) -> Any:
    op = p.pick(("neg", "neg", "not", "not", "abs", "floor", *UNARY))
    x = p.value(lambda v: allowed(op, v.type))
    return None if x is None else p.b.emit(op, x)


def binary(p: Program) -> Any:
    op = p.pick(("add", "sub", "mul", "div", "and", "or", "xor", "eq", "lt", *BINARY))
    x = p.value(lambda v: allowed(op, v.type))
    if x is None:
        return None
    y = p.matching(x.type)
    if x.dtype.is_integer and op in ("pow", "shl", "shr"):  # a negative count has no meaning
        y = p.b.const(p.below(3), x.dtype, x.shape)
    return p.b.emit(op, x, y) if p.flip() or op in ("pow", "shl", "shr") else p.b.emit(op, y, x)


def cast(p: Program) -> Any:
    x = p.value()
    dtype = p.pick((*p.dtypes, I32))
    if x is None or (x.dtype.is_complex and not dtype.is_complex):
        return None
    if x.dtype.is_float and dtype.is_integer:  # what a number out of range becomes is the machine's affair
        one = p.b.like(1.0, x)
        x = p.b.select(p.b.lt(p.b.abs(x), one), x, one)
    return p.b.cast(x, dtype=dtype)


def select(p: Program) -> Any:
    x = p.value()
    return None if x is None else p.b.select(p.matching(ArrayType(BOOL, x.shape)), x, p.matching(x.type))


# movement -------------------------------------------------------------------------------------------------------------
def broadcast(p: Program) -> Any:
    x = p.value(lambda v: v.type.rank < 3)
    if x is None:
        return None
    shape: list[Any] = [p.pick((2, 3, 5)) if e == 1 and p.flip() else e for e in x.shape]
    dims = list(range(len(shape)))
    for _ in range(p.below(2 if len(shape) < 2 else 1)):
        at = p.below(len(shape))
        shape.insert(at, p.pick((1, 2, 3)))
        dims = [d + (d >= at) for d in dims]
    if all(isinstance(e, int) for e in shape) and prod(shape) > MOST_ELEMENTS:
        return None
    return p.b.broadcast(x, shape=tuple(shape), dims=tuple(dims))


def reshape(p: Program) -> Any:
    x = p.value(lambda v: v.type.is_static)
    if x is None:
        return None
    shape = [e for e in x.type.extents if e != 1] if p.flip() else [x.type.size]
    if len(shape) == 1 and shape[0] % 2 == 0 and shape[0] and p.flip():
        shape = [2, shape[0] // 2]
    for _ in range(p.below(1)):
        shape.insert(p.below(len(shape)), 1)
    return p.b.reshape(x, shape=tuple(shape))


def transpose(p: Program) -> Any:
    x = p.value(lambda v: v.type.rank > 0)
    return None if x is None else p.b.transpose(x, perm=tuple(p.draw(st.permutations(range(x.type.rank)))))


def window(p: Program, shape: Sequence[int]) -> tuple[tuple[int, ...], tuple[int, ...], tuple[int, ...]]:
    """Starts, sizes and steps within a shape."""
    starts, sizes, steps = [], [], []
    for e in shape:
        start = p.below(max(e - 1, 0))
        step = p.pick((1, 1, 2, -1, -2))
        room = (e - 1 - start) // step + 1 if step > 0 else start // -step + 1
        whole = e > 0 and p.flip()
        starts.append(0 if whole else start)
        sizes.append(e if whole else p.below(min(room, 4)) if e else 0)
        steps.append(1 if whole else step)
    return tuple(starts), tuple(sizes), tuple(steps)


def slice_(p: Program) -> Any:
    x = p.value(lambda v: v.type.is_static and v.type.rank > 0)
    if x is None:
        return None
    starts, sizes, steps = window(p, x.type.extents)
    return p.b.slice(x, starts=starts, sizes=sizes, steps=steps)


def update(p: Program) -> Any:
    x = p.value(lambda v: v.type.is_static and v.type.rank > 0)
    if x is None:
        return None
    starts, sizes, steps = window(p, x.type.extents)
    return p.b.update(x, p.matching(x.type.with_shape(sizes)), starts=starts, steps=steps)


def pad(p: Program) -> Any:
    x = p.value(lambda v: v.type.is_static and 0 < v.type.rank and v.type.size < 20)
    if x is None:
        return None
    lows, highs, gaps = (tuple(p.pick((0, 0, 1, 2)) for _ in x.shape) for _ in range(3))
    return p.b.pad(x, p.matching(ArrayType(x.dtype)), lows=lows, highs=highs, interiors=gaps)


def concat(p: Program) -> Any:
    x = p.value(lambda v: v.type.is_static and 0 < v.type.rank and v.type.size < 40)
    if x is None:
        return None
    axis = p.below(x.type.rank - 1)
    rest = x.shape[:axis] + x.shape[axis + 1:]
    fits = [v for v in p.pool if v.dtype == x.dtype and v.type.rank == x.type.rank and v.type.is_static
            and v.shape[:axis] + v.shape[axis + 1:] == rest]
    pieces = [x, *(p.pick(fits) for _ in range(p.below(2)))]
    if x.type.extents[axis] > 1 and p.flip():  # neighbours in one array
        cut, zeros, ones = p.below(x.type.extents[axis] - 1, 1), (0,) * x.type.rank, (1,) * x.type.rank
        low, high = list(x.type.extents), list(x.type.extents)
        low[axis], high[axis] = cut, x.type.extents[axis] - cut
        start = tuple(cut if k == axis else 0 for k in range(x.type.rank))
        pieces = [p.b.slice(x, starts=zeros, sizes=tuple(low), steps=ones),
                  p.b.slice(x, starts=start, sizes=tuple(high), steps=ones)]
    return p.b.concat(*pieces, axis=axis)


def iota(p: Program) -> Any:
    shape = p.pick([s for s in SHAPES if s])
    return p.b.iota(shape=shape, axis=p.below(len(shape) - 1), dtype=p.pick((I64, F64)))


def const(p: Program) -> Any:
    return p.constant(ArrayType(p.pick((F64, I64, BOOL)), p.pick(SHAPES)))


# reductions -----------------------------------------------------------------------------------------------------------
def reduce(p: Program) -> Any:
    x = p.value(lambda v: v.type.is_static and v.dtype.kind in "if")
    if x is None:
        return None
    axes = tuple(k for k in range(x.type.rank) if p.flip())
    op = p.pick(REDUCTIONS if all(x.shape[a] for a in axes) else REDUCTIONS[:2])
    return p.b.emit(op, x, axes=axes)


def truth(p: Program) -> Any:
    x = p.value(lambda v: v.dtype.is_bool)
    if x is None:
        return None
    return p.b.emit(p.pick(("any", "all")), x, axes=tuple(k for k in range(x.type.rank) if p.flip()))


def scan(p: Program) -> Any:
    x = p.value(lambda v: v.type.rank > 0 and v.dtype.kind in "if")
    if x is None:
        return None
    return p.b.emit(p.pick(("cumsum", "cumprod")), x, axis=p.below(x.type.rank - 1), reverse=p.flip())


def extreme(p: Program) -> Any:
    x = p.value(lambda v: v.type.is_static and v.type.rank > 0 and v.dtype.kind in "bif" and 0 not in v.shape)
    return None if x is None else p.b.emit(p.pick(("argmax", "argmin")), x, axis=p.below(x.type.rank - 1))


# indexing -------------------------------------------------------------------------------------------------------------
def indices(p: Program, shape: tuple[int, ...], extent: int) -> Value:
    """Index arrays within an extent: known ones (spaced or not), or computed from a value."""
    computed = p.value(lambda v: v.dtype == I64 and v.shape == shape)
    if computed is not None and p.flip():
        return p.b.mod(computed, p.b.like(extent, computed))
    size = prod(shape)
    start, step = p.below(extent - 1), p.pick((1, 1, -1, 2, 0))
    known = np.clip(start + step * np.arange(size), 0, extent - 1)
    return p.b.const(known.reshape(shape).astype(np.int64), I64)


def indexed(p: Program) -> tuple[Value, tuple[int, ...], list[Value]] | None:
    x = p.value(lambda v: v.type.is_static and v.type.rank > 0 and 0 not in v.shape)
    if x is None:
        return None
    axes = tuple(p.draw(st.permutations(range(x.type.rank))))[:p.below(2, 1)]
    shape = p.pick(((), (2,), (3,), (2, 2), (1,)))
    return x, axes, [indices(p, shape, x.type.extents[a]) for a in axes]


def gather(p: Program) -> Any:
    found = indexed(p)
    return None if found is None else p.b.gather(found[0], *found[2], axes=found[1])


def scatter(p: Program) -> Any:
    found = indexed(p)
    if found is None or found[0].dtype.is_bool:
        return None
    x, axes, at = found
    t = x.type.with_shape(at[0].shape + tuple(e for k, e in enumerate(x.shape) if k not in axes))
    return p.b.emit(p.pick(("scatter", "scatter_add")), x, *at, p.matching(t), axes=axes)


def sort(p: Program) -> Any:
    x = p.value(lambda v: v.type.rank > 0 and v.dtype.kind in "bif")
    return None if x is None else p.b.emit(p.pick(("sort", "argsort")), x, axis=p.below(x.type.rank - 1))


# linear algebra -------------------------------------------------------------------------------------------------------
def contract(p: Program) -> Any:
    x = p.value(lambda v: v.dtype == F64 and v.type.is_static)
    y = p.value(lambda v: v.dtype == F64 and v.type.is_static)
    if x is None or y is None:
        return None
    pairs: list[tuple[int, int]] = []
    for a, e in enumerate(x.shape):
        fits = [b for b, f in enumerate(y.shape) if f == e and b not in [q for _, q in pairs]]
        if fits and p.below(3):
            pairs.append((a, p.pick(fits)))
    pairs = list(p.draw(st.permutations(pairs)))
    batch, summed = pairs[:(cut := p.below(len(pairs)))], pairs[cut:]
    attrs = {"xbatch": tuple(a for a, _ in batch), "ybatch": tuple(b for _, b in batch),
             "xsum": tuple(a for a, _ in summed), "ysum": tuple(b for _, b in summed)}
    (t,) = OPS["contract"].infer(x.type, y.type, **attrs)
    return None if t.size > MOST_ELEMENTS or t.rank > 4 else p.b.contract(x, y, **attrs)


def product(p: Program) -> Any:
    """A matrix product of operands that rules look through: transposed, repeated, all ones."""
    x = p.value(lambda v: v.dtype == F64 and v.type.is_static and v.type.rank == 2 and v.type.size < 40)
    if x is None:
        return None
    rows, n = x.type.extents
    kind = p.below(3)
    if kind == 0:
        y = p.b.like(1.0, x)
    elif kind == 1:
        y = p.b.broadcast(p.matching(ArrayType(F64, (n,))), shape=(rows, n), dims=(1,))
    else:
        y = p.b.transpose(p.matching(ArrayType(F64, (n, rows))), perm=(1, 0)) if kind == 2 else p.matching(x.type)
    a, b = (x, y) if p.flip() else (y, x)
    axis = p.below(1)
    shared = (1 - axis,) if p.below(3) == 0 else ()
    z = p.b.contract(a, b, xbatch=shared, ybatch=shared, xsum=(axis,), ysum=(axis,))
    return p.b.transpose(z, perm=(1, 0)) if z.type.rank == 2 and p.flip() else z


def again(p: Program) -> Any:
    """The operation that made a value, on that value: update after update, sum of a sum, slice of a slice."""
    v = p.value(lambda v: v.op is not None and v.op.name not in NOT_AGAIN and not v.op.regions)
    if v is None or v.op is None:
        return None
    fixed = v.op.name in ("scatter", "scatter_add", "pow", "shl", "shr")  # not every operand will do
    rest = [o if fixed or p.flip() else p.matching(o.type) for o in v.op.operands[1:]]
    try:
        (t,) = OPS[v.op.name].infer(v.type, *(o.type for o in rest), **v.op.attrs)
    except (GradjitError, ValueError, IndexError):
        return None
    if (t.is_static and t.size > MOST_ELEMENTS) or t.rank > 4:
        return None
    return p.b.emit(v.op.name, v, *rest, **v.op.attrs)


# control --------------------------------------------------------------------------------------------------------------
def nested(p: Program, types: Sequence[ArrayType], yields: Sequence[ArrayType], count: int) -> Block:
    """A region with random operations on its parameters and what it captures."""
    block = Block(tuple(types))
    inner = type(p)(p.draw, block, [*p.pool, *block.params], p.dtypes, p.depth + 1)
    inner.grow(count, STRAIGHT if p.depth else MAKERS)
    block.results = tuple(inner.matching(t) for t in yields)
    return block


def branch(p: Program) -> Any:
    cond = p.matching(ArrayType(BOOL))
    types = [v.type for v in p.pool if p.below(3) == 0][:3]
    regions = tuple(nested(p, (), types, p.below(3)) for _ in range(2))
    return p.b.append("if", (cond,), {}, regions, types).results


def carried(p: Program) -> list[Value]:
    return [v for v in p.pool if p.below(2) == 0][:3] or p.pool[:1]


def loop(p: Program) -> Any:
    inits = carried(p)
    types = [v.type for v in inits]
    bounds = [p.b.const(n, I64) for n in (p.below(2), p.below(4), p.pick((1, 1, 2)))]
    if (n := p.value(lambda v: v.type == INDEX)) is not None and p.flip():
        bounds[1] = p.b.minimum(n, p.b.const(4, I64))
    body = nested(p, (INDEX, *types), types, p.below(4))
    return p.b.append("for", (*bounds, *inits), {}, (body,)).results


def while_loop(p: Program) -> Any:
    """A loop that counts to a small number, among what else it carries."""
    inits = [p.b.const(0, I64), *carried(p)]
    types = [v.type for v in inits]
    cond = Block(tuple(types))
    b = Builder(cond)
    cond.results = (b.lt(cond.params[0], b.const(p.below(3), I64)),)
    body = nested(p, types, types[1:], p.below(4))
    b = Builder(body)
    body.results = (b.add(body.params[0], b.const(1, I64)), *body.results)
    return p.b.append("while", inits, {}, (cond, body)).results[1:]


STRAIGHT: tuple[Callable[[Program], Any], ...] = (
    unary, unary, binary, binary, binary, binary, select, select, cast, broadcast, broadcast, reshape, transpose,
    transpose, slice_, slice_, update, update, pad, concat, concat, iota, const, reduce, reduce, reduce, truth, scan,
    extreme, gather, scatter, sort, contract, contract, product, product, again, again, again,
)
MAKERS: tuple[Callable[[Program], Any], ...] = (*STRAIGHT, branch, loop, while_loop)


@st.composite
def functions(draw: Draw, most: int = 14, makers: Sequence[Callable[[Program], Any]] = MAKERS,
              dtypes: Sequence[DType] = (F64, F64, F64, I64, BOOL, F32, C128), symbolic: bool = True) -> Func:
    """Well-formed functions of up to `most` operations beside the constants that they need."""
    types: list[ArrayType] = [ArrayType(F64, (2, 3))]
    for _ in range(draw(st.integers(0, 3))):
        types.append(ArrayType(draw(st.sampled_from(dtypes)), draw(st.sampled_from(SHAPES))))
    block = Block(tuple(types), tuple(f"p{k}" for k in range(len(types))))
    if symbolic and draw(st.booleans()):
        n = Value(INDEX, block, len(types), "n")
        x = Value(ArrayType(F64, (n, 3)), block, len(types) + 1, "s")
        y = Value(ArrayType(F64, (n,)), block, len(types) + 2, "t")
        block.params += (n, x, y)
    p = Program(draw, block, block.params, dtypes)
    p.grow(draw(st.integers(1, most)), makers)
    read = {v for op in block.ops for v in (*op.uses(), *captures(op))}
    made = p.pool[len(block.params):] or p.pool
    kept = [v for v in made if v not in read and p.below(4) < 4]  # what is left out is dead
    block.results = tuple(kept or made[-1:])
    return Func("random", block)
