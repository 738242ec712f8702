"""Programs that exercise one lowering each: parameter types and a body."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from gradjit.ir import BOOL, F32, F64, I64, ArrayType, Builder, Func, Value
from gradjit.ir.builder import build

Body = Callable[..., Sequence[Value]]


def f64(*shape: int) -> ArrayType:
    return ArrayType(F64, shape)


def f32(*shape: int) -> ArrayType:
    return ArrayType(F32, shape)


def i64(*shape: int) -> ArrayType:
    return ArrayType(I64, shape)


@dataclass(frozen=True)
class Case:
    """`body(builder, *params)` gives the results. Index parameters are drawn below `high`."""

    name: str
    types: tuple[ArrayType, ...]
    body: Body
    high: int = 5

    def func(self) -> Func:
        return build(self.name, self.types, self.body)

    def arguments(self, seed: int = 0) -> list[np.ndarray]:
        rng = np.random.default_rng(seed)
        def draw(t: ArrayType) -> Any:
            return rng.normal(size=t.extents) if t.dtype.is_float else rng.integers(0, self.high, t.extents)
        return [np.asarray(draw(t), t.dtype.np) for t in self.types]


def product(b: Builder, x: Value, y: Value, xsum: Any, ysum: Any, xbatch: Any = (), ybatch: Any = ()) -> Value:
    return b.contract(x, y, xbatch=xbatch, ybatch=ybatch, xsum=xsum, ysum=ysum)


def pads(b: Builder, x: Value) -> list[Value]:
    seven = b.const(7.0)
    plain = b.pad(x, seven, lows=(1, 2), highs=(0, 3), interiors=(0, 0))
    return [plain, b.pad(x, seven, lows=(1, 2), highs=(0, 3), interiors=(2, 1)), b.sum(b.exp(plain), axes=(1,))]


def cotangents(b: Builder, x: Value, y: Value) -> list[Value]:
    """Sums of pads, as the reverse of slices makes them."""
    zero = b.const(0.0)
    left = b.pad(b.sin(x), zero, lows=(1,), highs=(0,), interiors=(0,))
    right = b.pad(b.mul(x, y), zero, lows=(0,), highs=(1,), interiors=(0,))
    return [b.add(left, right), b.sum(b.add(left, right), axes=(0,))]


def joins(b: Builder, x: Value, y: Value) -> list[Value]:
    both = b.concat(x, y, axis=1)
    return [b.concat(x, y, x, axis=1), b.sum(both, axes=(0,)), b.mul(both, b.concat(y, x, axis=1))]


def reshapes(b: Builder, x: Value) -> list[Value]:
    e = b.exp(x)
    return [b.reshape(x, shape=(24,)), b.reshape(e, shape=(3, 8)), b.reshape(b.transpose(x, perm=(1, 0)), shape=(24,)),
            b.sum(b.reshape(e, shape=(2, 2, 6)), axes=(0,)), b.reshape(e, shape=(4, 1, 6, 1))]


def gathers(b: Builder, x: Value, i: Value, j: Value) -> list[Value]:
    return [b.gather(x, i, axes=(0,)), b.gather(x, i, j, axes=(0, 1)), b.gather(x, i, axes=(1,)),
            b.gather(b.exp(x), j, axes=(1,)), b.sum(b.gather(x, i, axes=(0,)), axes=(0, 1))]


def scatters(b: Builder, x: Value, i: Value, j: Value, v: Value, w: Value) -> list[Value]:
    return [b.scatter_add(x, i, v, axes=(0,)), b.scatter(x, i, v, axes=(0,)), b.scatter_add(x, i, j, w, axes=(0, 1)),
            b.scatter(x, i, j, w, axes=(0, 1))]


def softmax(b: Builder, z: Value, y: Value) -> list[Value]:
    """Three passes over each row, which share the loop over rows."""
    shape = z.shape
    e = b.exp(b.sub(z, b.restore_axes(b.max(z, axes=(1,)), shape, (1,))))
    total = b.restore_axes(b.sum(e, axes=(1,)), shape, (1,))
    return [b.sub(b.div(e, total), y), b.sum(b.mul(z, y), axes=(0, 1)), b.sum(e, axes=(0,))]


def logistic(b: Builder, rows: Value, w: Value, y: Value) -> list[Value]:
    """A product with the rows, work on each, and the transposed product: one pass over the matrix."""
    z = product(b, rows, w, (1,), (0,))
    p = b.div(b.like(1.0, z), b.add(b.like(1.0, z), b.exp(b.neg(z))))
    return [b.sum(b.mul(y, z), axes=(0,)), product(b, b.sub(p, y), rows, (0,), (0,))]


def divisions(b: Builder, x: Value, y: Value) -> list[Value]:
    z = b.sub(y, b.like(2, y))
    return [b.floordiv(x, z), b.mod(x, z), b.fmod(x, z), b.pow(x, y), b.shl(x, y), b.shr(x, y), b.abs(z), b.sign(z),
            b.max(x, axes=(0,)), b.cast(x, dtype=F64), b.cast(x, dtype=BOOL)]


def floats(b: Builder, x: Value, y: Value) -> list[Value]:
    return [b.floordiv(x, y), b.mod(x, y), b.fmod(x, y), b.maximum(x, y), b.fmin(x, y), b.sign(x), b.nextafter(x, y),
            b.copysign(x, y), b.signbit(x), b.cast(x, dtype=I64), b.rint(x), b.floor(x), b.sqrt(b.abs(x))]


def booleans(b: Builder, x: Value, y: Value) -> list[Value]:
    less = b.lt(x, y)
    return [less, b.any(less, axes=(0,)), b.all(less, axes=(0,)), b.select(b.gt(x, y), x, y), b.not_(less),
            b.cast(less, dtype=F64), b.sum(b.cast(less, dtype=I64), axes=(0,)), b.xor(less, b.le(x, x))]


def rows_and_columns(b: Builder, x: Value) -> list[Value]:
    e, shape = b.exp(x), x.shape
    return [b.div(x, b.restore_axes(b.sum(e, axes=(a,)), shape, (a,))) for a in (0, 1)]


REDUCED = [(0,), (1,), (2,), (0, 1), (0, 2), (1, 2), (0, 1, 2)]

CASES = [
    Case("sums", (f64(4, 5, 6),), lambda b, x: [b.sum(x, axes=a) for a in [*REDUCED, ()]]),
    Case("extremes", (f64(4, 5, 6),), lambda b, x: [b.max(x, axes=a) for a in REDUCED]
         + [b.min(x, axes=a) for a in REDUCED] + [b.prod(x, axes=a) for a in REDUCED]),
    Case("positions", (f64(4, 5),), lambda b, x: [b.argmax(x, axis=0), b.argmin(x, axis=1), b.argmax(x, axis=1)]),
    Case("scans", (f64(4, 5),), lambda b, x: [b.cumsum(x, axis=0, reverse=False), b.cumsum(x, axis=1, reverse=True),
                                              b.cumprod(x, axis=1, reverse=False)]),
    Case("sorts", (f64(4, 5),), lambda b, x: [b.sort(x, axis=0), b.argsort(x, axis=1), b.sort(x, axis=1)]),
    Case("integer sorts", (i64(3, 40),), lambda b, x: [b.sort(x, axis=1), b.argsort(x, axis=1), b.argsort(x, axis=0)]),
    Case("pads", (f64(3, 4),), pads),
    Case("cotangents", (f64(30), f64(30)), cotangents),
    Case("joins", (f64(3, 4), f64(3, 2)), joins),
    Case("slices", (f64(10, 7),), lambda b, x: [
        b.slice(x, starts=(9, 0), sizes=(5, 3), steps=(-2, 2)),
        b.sum(b.slice(x, starts=(9, 6), sizes=(5, 7), steps=(-2, -1)), axes=(0,))]),
    Case("updates", (f64(5, 6), f64(2, 3)), lambda b, x, v: [b.update(x, v, starts=(1, 0), steps=(2, 2)), x]),
    Case("one element", (f64(1), f64(1)), lambda b, x, v: [
        b.exp(b.update(x, v, starts=(0,), steps=(4,))),
        b.sin(b.pad(x, b.const(2.0), lows=(0,), highs=(0,), interiors=(3,))),
        b.neg(b.scatter_add(x, b.const(np.array([0, 0])), b.concat(v, v, axis=0), axes=(0,)))]),
    Case("short scans", (f64(3, 40),), lambda b, x: [b.sum(b.concat(x, b.exp(x), axis=0), axes=(0,)),
                                                     b.cumprod(x, axis=0, reverse=False)]),
    Case("reshapes", (f64(4, 6),), reshapes),
    Case("a reshape that has memory itself", (f64(5, 4), f64(8, 30)), lambda b, x, y: [
        product(b, b.reshape(b.transpose(b.gather(x, b.const(np.array([[0, 3], [2, 1]])), axes=(1,)), perm=(2, 0, 1)),
                             shape=(10, 2)), b.reshape(y, shape=(2, 120)), (1,), (0,))]),
    Case("gathers", (f64(5, 6), i64(7), i64(7)), gathers),
    Case("scatters", (f64(5, 6), i64(7), i64(7), f64(7, 6), f64(7)), scatters),
    Case("matrix products", (f64(40, 50), f64(50, 30)), lambda b, x, y: [
        product(b, x, y, (1,), (0,)), product(b, y, x, (0,), (1,)), product(b, b.exp(x), y, (1,), (0,))]),
    Case("single precision products", (f32(40, 50), f32(50, 30)), lambda b, x, y: [product(b, x, y, (1,), (0,))]),
    Case("stacks", (f64(6, 20, 30), f64(6, 30, 10)), lambda b, x, y: [
        product(b, x, y, (2,), (1,), (0,), (0,)),
        b.transpose(product(b, x, y, (2,), (1,), (0,), (0,)), perm=(1, 0, 2))]),
    Case("stacks in odd order", (f64(20, 6, 30), f64(30, 10, 6)), lambda b, x, y: [
        product(b, x, y, (2,), (0,), (1,), (2,)), product(b, b.exp(x), y, (2,), (0,), (1,), (2,))]),
    Case("inner axes", (f64(20, 30, 6), f64(30, 10)), lambda b, x, y: [
        product(b, x, y, (1,), (0,)), product(b, x, x, (0, 1), (0, 1))]),
    Case("small products", (f64(3, 4), f64(4, 5)), lambda b, x, y: [product(b, x, y, (1,), (0,)),
                                                                    product(b, x, y, (), ())]),
    Case("integer products", (i64(30, 40), i64(40, 50)), lambda b, x, y: [product(b, x, y, (1,), (0,))]),
    Case("empty", (f64(0, 4),), lambda b, x: [b.sum(x, axes=(0,)), b.sum(x, axes=(1,)), b.exp(x),
                                              b.prod(x, axes=(0, 1)), b.sort(x, axis=0),
                                              b.cumsum(x, axis=1, reverse=False)]),
    Case("ones", (f64(1, 4, 1),), lambda b, x: [
        b.sum(x, axes=(0,)), b.sum(x, axes=(1,)), b.exp(x), b.max(x, axes=(0, 2)), b.argmax(x, axis=0),
        b.cumsum(x, axis=0, reverse=False)]),
    Case("scalars", (f64(), f64()), lambda b, x, y: [b.mul(b.sin(x), b.mul(x, x)), y, x, b.const(3.0), y]),
    Case("booleans", (f64(9), f64(9)), booleans),
    Case("counters", (f64(4, 5),), lambda b, x: [
        b.add(x, b.iota(shape=(4, 5), axis=1, dtype=F64)),
        b.select(b.ge(b.iota(shape=(4, 5), axis=0, dtype=I64), b.iota(shape=(4, 5), axis=1, dtype=I64)), x,
                 b.like(0, x))]),
    Case("literals", (f64(3, 4),), lambda b, x: [
        b.mul(x, b.const(np.arange(12.0).reshape(3, 4))), b.const(np.arange(4)),
        b.gather(x, b.const(np.array([2, 0, 1, 1])), axes=(1,))]),
    Case("single precision", (f32(37), f32(37)), lambda b, x, y: [
        b.sum(b.mul(b.exp(x), y), axes=(0,)), b.cast(x, dtype=F64), b.add(x, y)]),
    Case("integer arithmetic", (i64(19), i64(19)), divisions),
    Case("float arithmetic", (f64(50), f64(50)), floats),
    Case("rows and columns", (f64(30, 20),), rows_and_columns),
    Case("softmax", (f64(33, 10), f64(33, 10)), softmax),
    Case("logistic", (f64(57, 13), f64(13), f64(57)), logistic),
    Case("sines with cosines", (f64(19), f64()), lambda b, x, t: [
        b.sin(x), b.mul(b.cos(x), b.sin(x)), b.sin(t), b.add(b.broadcast(b.cos(t), shape=(19,), dims=()), x)]),
    Case("logistic in strips", (f64(160, 13), f64(13), f64(160)), logistic),
    Case("softmax in strips", (f64(96, 40), f64(96, 40)), softmax),
    Case("row norms in strips", (f64(64, 37), f64(64)), lambda b, x, y: [
        b.mul(x, b.restore_axes(b.exp(b.neg(b.sum(b.mul(x, x), axes=(1,)))), x.shape, (1,))),
        b.log(b.sum(b.exp(x), axes=(1,))), b.sum(b.mul(y, b.tanh(b.sum(x, axes=(1,)))), axes=(0,)),
        b.argmax(x, axis=1), b.cumsum(x, axis=1, reverse=False)]),
    Case("long sums", (f64(10007), f32(100003)), lambda b, x, y: [b.sum(x, axes=(0,)), b.max(x, axes=(0,)),
                                                               b.sum(y, axes=(0,))]),
]
