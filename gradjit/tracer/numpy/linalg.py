"""Products of vectors, matrices and tensors, norms, and what of numpy.linalg needs no factorisation."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, NoReturn

import numpy as np

from ...errors import ArgumentError, ShapeError
from .. import operands as o
from ..extents import product
from ..locations import fail
from ..operands import TracedArray, as_traced, cast, emit, static_int
from ..ufuncs import Raw, compute, resolve
from ..views import extents, forms
from .common import (
    array,
    axis_of,
    call,
    common,
    concat,
    expand,
    flatten,
    full_like,
    magnitude,
    move_axis,
    pick,
    reshape,
    stored,
    stored_exactly,
    transpose,
    truth,
)
from .complex_numbers import conjugate, squared_length
from .contraction import contract
from .factorisation import inv, singular_values
from .movement import diagonal, diagonal_of
from .reduction import max_, min_, sum_

Rule = Callable[..., Any]


def _promoted(*xs: TracedArray) -> list[TracedArray]:
    t = common(*xs)
    return [cast(x, t) for x in xs]


# products -----------------------------------------------------------------------------------------------------------
def matmul(x: TracedArray, y: TracedArray, dtype: Any = None) -> TracedArray:
    """NumPy's `@`: vectors are rows on the left and columns on the right, stacks broadcast."""
    loop = resolve(np.matmul, [x, y], dtype)
    x, y = cast(x, loop[0]), cast(y, loop[1])
    if not x.ndim or not y.ndim:
        fail(ArgumentError, "matmul: Input operand does not have enough dimensions (has 0, gufunc core with signature "
                            "(n?,k),(k,m?)->(n?,m?) requires 1)")
    inner = y.extents[0 if y.ndim == 1 else -2]
    if not o.may_agree(x.extents[-1], inner):
        fail(ShapeError, f"matmul: Input operand 1 has a mismatch in its core dimension 0, with gufunc signature "
                         f"(n?,k),(k,m?)->(n?,m?) (size {o.told(inner)} is different from {o.told(x.extents[-1])})")
    stack = [f"b{k}" for k in range(max(x.ndim, y.ndim) - 2)]
    xs = [*(stack[len(stack) - (x.ndim - 2):] if x.ndim > 2 else []), *(["n"] if x.ndim > 1 else []), "k"]
    ys = [*(stack[len(stack) - (y.ndim - 2):] if y.ndim > 2 else []), "k", *(["m"] if y.ndim > 1 else [])]
    out = [*stack, *(["n"] if x.ndim > 1 else []), *(["m"] if y.ndim > 1 else [])]
    return contract([x, y], [xs, ys], out, "matmul")


def _core_product(ufunc: np.ufunc, xs: str, ys: str, out: str) -> Raw:
    """A generalised ufunc on stacks: np.vecdot, np.matvec, np.vecmat."""

    def rule(x: TracedArray, y: TracedArray, dtype: Any = None) -> TracedArray:
        loop = resolve(ufunc, [x, y], dtype)
        x, y = cast(x, loop[0]), cast(y, loop[1])
        x = conjugate(x) if x.ir_dtype.is_complex and ufunc.__name__.startswith("vec") else x
        if x.ndim < len(xs) or y.ndim < len(ys):
            fail(ArgumentError, f"{ufunc.__name__}: Input operand does not have enough dimensions")
        sizes: dict[str, Any] = {}
        for labels, v in ((xs, x), (ys, y)):
            for label, e in zip(labels, v.extents[v.ndim - len(labels):], strict=True):
                if sizes.setdefault(label, e) != e:
                    fail(ShapeError, f"{ufunc.__name__}: Input operand 1 has a mismatch in its core dimension 0 "
                                     f"(size {e} is different from {sizes[label]})")
        stack = [f"b{k}" for k in range(max(x.ndim - len(xs), y.ndim - len(ys)))]
        lead = [stack[len(stack) - (v.ndim - len(c)):] if v.ndim > len(c) else [] for v, c in ((x, xs), (y, ys))]
        return contract([x, y], [[*lead[0], *xs], [*lead[1], *ys]], [*stack, *out], ufunc.__name__)

    return Raw(rule)


def dot(a, b, out=None):
    """The sum over the last axis of a and the last but one of b."""
    x, y = _promoted(array(a), array(b))
    if not x.ndim or not y.ndim:
        return stored_exactly(np.dot, call(np.multiply, x, y), out)
    k = 0 if y.ndim == 1 else y.ndim - 2
    if not o.may_agree(x.extents[-1], y.extents[k]):
        not_aligned(x, y, k)
    return stored_exactly(np.dot, _sum_over(x, y, [x.ndim - 1], [k]), out)


def not_aligned(x: TracedArray, y: TracedArray, k: int) -> NoReturn:
    """The last axis of x and axis k of y have different extents."""
    fail(ShapeError, f"shapes {o.shown(x.extents)} and {o.shown(y.extents)} not aligned: {o.told(x.extents[-1])} "
                     f"(dim {x.ndim - 1}) != {o.told(y.extents[k])} (dim {k})")


def _sum_over(x: TracedArray, y: TracedArray, xaxes: Sequence[int], yaxes: Sequence[int]) -> TracedArray:
    """The sum of products over paired axes; the free axes of x, then those of y."""
    xs: list[Any] = [f"x{k}" for k in range(x.ndim)]
    ys: list[Any] = [f"y{k}" for k in range(y.ndim)]
    for i, j in zip(xaxes, yaxes, strict=True):
        ys[j] = xs[i]
    out = [v for k, v in enumerate(xs) if k not in xaxes] + [v for k, v in enumerate(ys) if k not in yaxes]
    return contract([x, y], [xs, ys], out, "tensordot")


def inner(a, b, /):
    x, y = _promoted(array(a), array(b))
    if not x.ndim or not y.ndim:
        return call(np.multiply, x, y)
    if not o.may_agree(x.extents[-1], y.extents[-1]):
        not_aligned(x, y, y.ndim - 1)
    return _sum_over(x, y, [x.ndim - 1], [y.ndim - 1])


def vdot(a, b, /):
    x, y = _promoted(flatten(array(a)), flatten(array(b)))
    x = conjugate(x) if x.ir_dtype.is_complex else x
    if not o.may_agree(x.extents[0], y.extents[0]):
        fail(ShapeError, "cannot reshape array: vdot needs arrays of equal size, "
                         f"got {o.shown(x.extents)} and {o.shown(y.extents)} elements")
    return _sum_over(x, y, [0], [0])


def outer(a, b, out=None):
    x, y = flatten(array(a)), flatten(array(b))
    return stored(np.outer, call(np.multiply, expand(x, (1,)), y), out)


def linalg_outer(x1, x2, /):
    if as_traced(x1).ndim != 1 or as_traced(x2).ndim != 1:
        fail(ArgumentError, "Input arrays must be one-dimensional")
    return outer(x1, x2)


def tensordot(a, b, axes=2):
    x, y = _promoted(array(a), array(b))
    if isinstance(axes, (tuple, list)):
        xaxes, yaxes = ([axis_of(k, v) for k in (side if isinstance(side, (tuple, list, np.ndarray)) else (side,))]
                        for v, side in zip((x, y), axes, strict=True))
    else:
        n = static_int(axes, "axes")
        if n > min(x.ndim, y.ndim):
            fail(ShapeError, "shape-mismatch for sum")
        xaxes, yaxes = list(range(x.ndim - n, x.ndim)), list(range(n))
    if len(xaxes) != len(yaxes) or any(x.extents[i] != y.extents[j] for i, j in zip(xaxes, yaxes, strict=True)):
        fail(ShapeError, "shape-mismatch for sum")
    return o.as_array(_sum_over(x, y, xaxes, yaxes))


def linalg_tensordot(x1, x2, /, *, axes=2):
    return tensordot(x1, x2, axes)


def kron(a, b):
    """The Kronecker product: an outer product with its axes interleaved."""
    x, y = array(a), array(b)
    rank = max(x.ndim, y.ndim)
    x, y = (reshape(v, (1,) * (rank - v.ndim) + v.extents) for v in (x, y))
    wide_x = reshape(x, [n for e in x.extents for n in (e, 1)])
    wide_y = reshape(y, [n for e in y.extents for n in (1, e)])
    sizes = (product(forms(pair)) for pair in zip(x.extents, y.extents, strict=True))
    return reshape(call(np.multiply, wide_x, wide_y), extents(sizes))


def cross(a, b, axisa=-1, axisb=-1, axisc=-1, axis=None):
    """The cross product of vectors of length 3."""
    if axis is not None:
        axisa = axisb = axisc = axis
    x, y = array(a), array(b)
    if not x.ndim or not y.ndim:
        fail(ArgumentError, "At least one array has zero dimension")
    x = move_axis(x, axis_of(axisa, x, "axisa"), x.ndim - 1)
    y = move_axis(y, axis_of(axisb, y, "axisb"), y.ndim - 1)
    sizes = (x.extents[-1], y.extents[-1])
    if any(n not in (2, 3) for n in sizes):
        fail(ArgumentError, f"Both input arrays must be (arrays of) 3-dimensional vectors, but they are {sizes[0]} and "
                            f"{sizes[1]} dimensional instead.")
    us = [pick(x, x.ndim - 1, k) if k < sizes[0] else full_like(0, pick(x, x.ndim - 1, 0)) for k in range(3)]
    vs = [pick(y, y.ndim - 1, k) if k < sizes[1] else full_like(0, pick(y, y.ndim - 1, 0)) for k in range(3)]

    def part(i: int, j: int) -> TracedArray:
        return call(np.subtract, call(np.multiply, us[i], vs[j]), call(np.multiply, us[j], vs[i]))

    if sizes == (2, 2):
        return part(0, 1)
    parts = [part(1, 2), part(2, 0), part(0, 1)]
    stacked = concat([reshape(p, (*p.extents, 1)) for p in parts], parts[0].ndim)
    return move_axis(stacked, stacked.ndim - 1, o.normal_axis(axisc, stacked.ndim))


def linalg_cross(x1, x2, /, *, axis=-1):
    if as_traced(x1).shape[axis] != 3 or as_traced(x2).shape[axis] != 3:
        fail(ArgumentError, "Both input arrays must be (arrays of) 3-dimensional vectors")
    return cross(x1, x2, axis=axis)


def matrix_power(a, n):
    """Whole powers by repeated squaring."""
    x, n = array(a), static_int(n, "n")
    _square(x)
    if n < 0:
        x, n = inv(x), -n
    if n == 0:
        eye = o.constant(np.eye(x.extents[-1], dtype=x.dtype))
        return o.broadcast_to(eye, x.extents)
    if n == 1:
        return x
    result: Any = None
    while n:
        if n & 1:
            result = x if result is None else matmul(result, x)
        n >>= 1
        x = matmul(x, x) if n else x
    return result


def _square(x: TracedArray) -> None:
    if x.ndim < 2:
        fail(ArgumentError, f"{x.ndim}-dimensional array given. Array must be at least two-dimensional")
    if x.extents[-1] != x.extents[-2]:
        fail(ArgumentError, "Last 2 dimensions of the array must be square")


def multi_dot(arrays, *, out=None):
    """The product of a chain of matrices, in the order of least work (the textbook's dynamic programme)."""
    xs = [array(a) for a in arrays]
    if len(xs) < 2:
        fail(ArgumentError, "Expecting at least two arrays.")
    if len(xs) == 2:
        return dot(xs[0], xs[1], out)
    first, last = xs[0].ndim == 1, xs[-1].ndim == 1
    xs[0] = reshape(xs[0], (1, xs[0].size)) if first else xs[0]
    xs[-1] = reshape(xs[-1], (xs[-1].size, 1)) if last else xs[-1]
    if any(x.ndim != 2 for x in xs):
        fail(ArgumentError, "arrays must be 2-dimensional, but for the first and last, which may be vectors")
    y = _chain(xs, chain_order([xs[0].extents[0], *(x.extents[1] for x in xs)]), 0, len(xs) - 1)
    shape = ([] if first else [y.extents[0]]) + ([] if last else [y.extents[1]])
    return stored_exactly(np.linalg.multi_dot, reshape(y, shape), out)


def chain_order(sizes: Sequence[int]) -> dict[tuple[int, int], int]:
    """For matrices of shapes (sizes[i], sizes[i+1]): where to cut each part of the chain so that it costs least."""
    n = len(sizes) - 1
    cost = {(i, i): 0 for i in range(n)}
    cut: dict[tuple[int, int], int] = {}
    for length in range(1, n):
        for i in range(n - length):
            j = i + length
            options = ((cost[i, k] + cost[k + 1, j] + sizes[i] * sizes[k + 1] * sizes[j + 1], k) for k in range(i, j))
            cost[i, j], cut[i, j] = min(options)
    return cut


def _chain(xs: Sequence[TracedArray], cut: dict[tuple[int, int], int], i: int, j: int) -> TracedArray:
    if i == j:
        return xs[i]
    k = cut[i, j]
    return dot(_chain(xs, cut, i, k), _chain(xs, cut, k + 1, j))


# diagonals ----------------------------------------------------------------------------------------------------------
def trace(a, offset=0, axis1=0, axis2=1, dtype=None, out=None):
    x = array(a)
    if x.ndim < 2:
        fail(ArgumentError, "diag requires an array of at least two dimensions")
    i, j = axis_of(axis1, x, "axis1"), axis_of(axis2, x, "axis2")
    if i == j:
        fail(ArgumentError, "axis1 and axis2 cannot be the same")
    return stored(np.trace, sum_(diagonal_of(x, static_int(offset, "offset"), i, j), -1, dtype), out)


def linalg_trace(x, /, *, offset=0, dtype=None):
    return trace(x, offset, -2, -1, dtype)


def linalg_diagonal(x, /, *, offset=0):
    return diagonal(x, offset, -2, -1)


# norms --------------------------------------------------------------------------------------------------------------
def norm(x, ord=None, axis=None, keepdims=False):
    """Vector norms of every order, and the matrix norms that need no singular values."""
    v = _inexact(x)
    rank = v.ndim
    if axis is None:
        if ord is None or (ord in ("f", "fro") and rank == 2) or (ord == 2 and rank == 1):
            y = _euclidean(v, range(rank))
            return reshape(y, (1,) * rank) if keepdims else y
        axes: tuple[int, ...] = tuple(range(rank))
    else:
        axes = tuple(o.normal_axis(k, rank) for k in (axis if isinstance(axis, tuple) else (axis,)))
    if len(axes) == 1:
        return _kept(_vector_norm(v, ord, axes), v, axes, keepdims)
    if len(axes) == 2:
        return _kept(_matrix_norm(v, ord, axes), v, axes, keepdims)
    fail(ArgumentError, "Improper number of dimensions to norm.")


def _inexact(x: Any) -> TracedArray:
    v = array(x)
    return v if v.ir_dtype.is_inexact else cast(v, np.float64)


def _kept(y: TracedArray, x: TracedArray, axes: Sequence[int], keepdims: bool) -> TracedArray:
    return reshape(y, [1 if k in axes else e for k, e in enumerate(x.extents)]) if keepdims else y


def _euclidean(x: TracedArray, axes: Sequence[int]) -> TracedArray:
    return magnitude(emit("sum", squared_length(x), axes=tuple(sorted(axes))))


def _vector_norm(x: TracedArray, order: Any, axes: tuple[int, ...]) -> TracedArray:
    """The norm of the axes taken as one vector."""
    if order is None or order == 2:
        return _euclidean(x, axes)
    if isinstance(order, str):
        fail(ArgumentError, f"Invalid norm order '{order}' for vectors")
    size = emit("abs", x)
    if order in (np.inf, -np.inf):
        return _extreme(size, axes, order > 0)
    axes = tuple(sorted(axes))
    if order == 0:
        return emit("sum", cast(truth(x), size.dtype), axes=axes)
    if order == 1:
        return emit("sum", size, axes=axes)
    total = emit("sum", call(np.power, size, order), axes=axes)
    exponent = emit("div", full_like(1, total), o.broadcast_to(cast(as_traced(order), total.dtype), total.extents))
    y = call(np.power, total, exponent)
    return magnitude(total, y) if isinstance(order, (int, float, np.number)) and order > 0 else y


def _matrix_norm(x: TracedArray, order: Any, axes: tuple[int, ...]) -> TracedArray:
    row, column = axes
    if row == column:
        fail(ArgumentError, "Duplicate axes given.")
    if order in (None, "f", "fro"):
        return _euclidean(x, axes)
    if order in (2, -2, "nuc"):
        moved = transpose(x, [*(k for k in range(x.ndim) if k not in axes), row, column])
        s = singular_values(moved, np.linalg.norm)
        zero = full_like(0, s)
        s = emit("select", emit("eq", s, zero), zero, s)  # those that are 0 have no direction to grow in
        return sum_(s, -1) if order == "nuc" else _extreme(s, s.ndim - 1, order == 2)
    if order not in (1, -1, np.inf, -np.inf):
        fail(ArgumentError, "Invalid norm order for matrices.")
    summed, other = (row, column) if abs(order) == 1 else (column, row)
    return _extreme(sum_(emit("abs", x), summed), other - (other > summed), order > 0)


def _extreme(x: TracedArray, axis: Any, largest: bool) -> TracedArray:
    """The largest of no elements is 0."""
    if not largest:
        return min_(x, axis)
    return max_(x, axis, initial=0) if 0 in x.extents else max_(x, axis)


def vector_norm(x, /, *, axis=None, keepdims=False, ord=2):
    v = _inexact(x)
    axes = tuple(o.normal_axes(axis, v.ndim))
    return _kept(_vector_norm(v, ord, axes), v, axes, keepdims)


def matrix_norm(x, /, *, keepdims=False, ord="fro"):
    v = _inexact(x)
    axes = (v.ndim - 2, v.ndim - 1)
    return _kept(_matrix_norm(v, ord, axes), v, axes, keepdims)


def linalg_vecdot(x1, x2, /, *, axis=-1):
    x, y = (move_axis(array(v), axis_of(axis, array(v)), array(v).ndim - 1) for v in (x1, x2))
    return compute(np.vecdot, [x, y])


def linalg_matmul(x1, x2, /):
    return matmul(array(x1), array(x2))


UFUNCS: dict[np.ufunc, str | Rule | Raw] = {
    np.matmul: Raw(matmul),
    np.vecdot: _core_product(np.vecdot, "k", "k", ""),
    **({np.matvec: _core_product(np.matvec, "nk", "k", "n"), np.vecmat: _core_product(np.vecmat, "k", "kn", "n")}
       if hasattr(np, "matvec") else {}),
}

RULES: dict[Callable[..., Any], Rule] = {
    np.dot: dot, np.inner: inner, np.vdot: vdot, np.outer: outer, np.tensordot: tensordot, np.kron: kron,
    np.cross: cross,
    np.trace: trace, np.linalg.norm: norm, np.linalg.vector_norm: vector_norm, np.linalg.matrix_norm: matrix_norm,
    np.linalg.matrix_power: matrix_power, np.linalg.multi_dot: multi_dot, np.linalg.trace: linalg_trace,
    np.linalg.diagonal: linalg_diagonal, np.linalg.cross: linalg_cross, np.linalg.outer: linalg_outer,
    np.linalg.tensordot: linalg_tensordot, np.linalg.matmul: linalg_matmul, np.linalg.vecdot: linalg_vecdot,
}

