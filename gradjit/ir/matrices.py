"""Matrices, the last two axes of arrays, as rules build them: products, transposes, triangles, diagonals."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from .builder import Builder
from .core import Op, Value
from .types import I64


def transposed(b: Builder, x: Value) -> Value:
    n = x.type.rank
    return b.transpose(x, perm=(*range(n - 2), n - 1, n - 2))


def product(b: Builder, x: Value, y: Value, tx: bool = False, ty: bool = False) -> Value:
    """x @ y, one of them or both transposed."""
    n = x.type.rank
    stack = tuple(range(n - 2))
    return b.contract(x, y, xbatch=stack, ybatch=stack, xsum=(n - 2 if tx else n - 1,), ysum=(n - 1 if ty else n - 2,))


def chosen(b: Builder, x: Value, compare: Callable[[Value, Value], Value], other: Value | None = None) -> Value:
    """x where `compare(row, column)` holds, and elsewhere `other` (zeros)."""
    rows, columns = (b.iota(shape=x.shape, axis=x.type.rank - k, dtype=I64) for k in (2, 1))
    return b.select(compare(rows, columns), x, b.zeros(x.type) if other is None else other)


def lower(b: Builder, x: Value) -> Value:
    """The lower triangle with the diagonal."""
    return chosen(b, x, b.ge)


def strictly_lower(b: Builder, x: Value) -> Value:
    return chosen(b, x, b.gt)


def upper(b: Builder, x: Value) -> Value:
    return chosen(b, x, b.le)


def strictly_upper(b: Builder, x: Value) -> Value:
    return chosen(b, x, b.lt)


def half_lower(b: Builder, x: Value) -> Value:
    """The lower triangle, of the diagonal the half: y with y + y' = x for a symmetric x."""
    halved = chosen(b, b.mul(x, b.like(0.5, x)), b.eq, x)
    return lower(b, halved)


def mirrored(b: Builder, x: Value) -> Value:
    """The symmetric matrix that has x's lower triangle."""
    return chosen(b, x, b.ge, transposed(b, x))


def triangle(b: Builder, x: Value, is_lower: bool, unit: bool) -> Value:
    """The part of x that a triangular matrix has; without its diagonal where that is of ones."""
    if unit:
        return strictly_lower(b, x) if is_lower else strictly_upper(b, x)
    return lower(b, x) if is_lower else upper(b, x)


def solved(b: Builder, a: Value, x: Value, lower: bool, trans: bool = False, unit: bool = False,
           checked: bool = False) -> Value:
    """triangular_solve."""
    return b.triangular_solve(a, x, lower=lower, trans=trans, unit=unit, checked=checked)


def identity_like(b: Builder, x: Value) -> Value:
    return chosen(b, b.like(1, x), b.eq)


def diagonal(b: Builder, x: Value) -> Value:
    """The diagonals of square matrices, as the sums of rows in which nothing else stands."""
    return b.sum(chosen(b, x, b.eq), axes=(x.type.rank - 1,))


def rows_of(b: Builder, d: Value, like: Value) -> Value:
    """Element j of d in column j of each row."""
    n = like.type.rank
    return b.broadcast(d, shape=like.shape, dims=(*range(n - 2), n - 1))


def columns_of(b: Builder, d: Value, like: Value) -> Value:
    """Element i of d in row i of each column."""
    n = like.type.rank
    return b.broadcast(d, shape=like.shape, dims=tuple(range(n - 1)))


def folded(b: Builder, s: Value) -> Value:
    """Of a cotangent for a symmetric matrix what its lower triangle gets, which stands for both."""
    return half_lower(b, b.add(s, transposed(b, s)))


def skew(b: Builder, x: Value) -> Value:
    return b.sub(x, transposed(b, x))


def unit_lower(b: Builder, lu: Value) -> Value:
    """The lower triangle with ones for its diagonal."""
    return b.add(strictly_lower(b, lu), identity_like(b, lu))


def rows(b: Builder, x: Value, order: Value) -> Value:
    """The rows of matrices in another order."""
    rank = x.type.rank
    if rank == 2:
        return b.gather(x, order, axes=(0,))
    stack = [b.iota(shape=order.shape, axis=k, dtype=I64) for k in range(rank - 2)]
    return b.gather(x, *stack, order, axes=tuple(range(rank - 1)))


def first_columns(b: Builder, x: Value, count: Any) -> Value:
    return x if x.shape[-1] == count else window(b, x, -1, 0, count)


def columns_behind(b: Builder, x: Value, count: Any) -> Value | None:
    """The columns from a place on; None where there are none."""
    return None if x.shape[-1] == count else window(b, x, -1, count, x.shape[-1] - count)


def first_rows(b: Builder, x: Value, count: Any) -> Value:
    return x if x.shape[-2] == count else window(b, x, -2, 0, count)


def window(b: Builder, x: Value, axis: int, start: Any, size: Any) -> Value:
    starts, sizes = [0] * x.type.rank, list(x.shape)
    starts[axis], sizes[axis] = start, size
    return b.slice(x, starts=tuple(starts), sizes=tuple(sizes), steps=(1,) * x.type.rank)


def rows_behind(x: Value, count: Any) -> dict[str, tuple[Any, ...]]:
    """The attributes of a `pad` that appends rows."""
    rank = x.type.rank
    return {"lows": (0,) * rank, "highs": (*(0,) * (rank - 2), count, 0), "interiors": (0,) * rank}


def diagonal_matrix(b: Builder, d: Value) -> Value:
    n = d.type.rank
    wide = b.broadcast(d, shape=(*d.shape, d.shape[-1]), dims=tuple(range(n)))
    return chosen(b, wide, b.eq)


def of_stack(b: Builder, d: Value, like: Value) -> Value:
    """A number for each matrix, for all of its elements."""
    return b.broadcast(d, shape=like.shape, dims=tuple(range(like.type.rank - 2)))


# what is divided by ---------------------------------------------------------------------------------------------------
def inverse(b: Builder, x: Value, least: Value) -> Value:
    """1 / x, and 0 where the magnitude of x is no more than `least`."""
    none = b.le(b.abs(x), least)
    return b.select(none, b.zeros(x.type), b.div(b.like(1, x), b.select(none, b.like(1, x), x)))


def rounding(b: Builder, w: Value) -> Value:
    """What counts as zero beside numbers of these magnitudes: what they are rounded by. One for each stack."""
    last = w.type.rank - 1
    total = b.sum(b.abs(w), axes=(last,))
    return b.mul(total, b.like(float(np.finfo(w.dtype.np).eps), total))


def inverse_gaps(b: Builder, w: Value, like: Value) -> Value:
    """1 / (w[j] - w[i]), and 0 for equal ones: vectors of equal eigenvalues are left as they are."""
    gaps = b.sub(rows_of(b, w, like), columns_of(b, w, like))
    return inverse(b, gaps, of_stack(b, rounding(b, w), like))


def cofactors(b: Builder, op: Op) -> Value:
    """The derivative of `det`: the inverse, transposed, for the logarithm; the determinant times that else.

    The cofactors of a singular matrix are numbers, too. They are those of a matrix beside it, by what rounding leaves
    of it: its factors have small numbers in place of zeros on the diagonal.
    """
    _, a, lu, pivots = op.operands
    eye = identity_like(b, a)
    if op.attrs["log"]:
        return b.lu_solve(a, lu, pivots, eye, trans=True, checked=False)
    last, limits = a.type.rank - 1, np.finfo(a.dtype.np)
    size = b.sqrt(b.sum(b.mul(a, a), axes=(last - 1, last)))
    none = b.eq(size, b.zeros(size.type))
    tiny = b.select(none, b.like(float(limits.tiny) ** 0.25, size), b.mul(size, b.like(float(limits.eps), size)))
    filled = b.select(b.eq(lu, b.zeros(lu.type)), of_stack(b, tiny, lu), lu)
    regular = chosen(b, filled, b.eq, lu)
    known = b.det(signed_product(b, regular, pivots), a, regular, pivots, log=False)
    return b.mul(of_stack(b, known, a), b.lu_solve(a, regular, pivots, eye, trans=True, checked=False))


def signed_product(b: Builder, lu: Value, pivots: Value) -> Value:
    """The determinant from the factors."""
    last = pivots.type.rank - 1
    at = b.iota(shape=pivots.shape, axis=last, dtype=pivots.dtype)
    moved = b.ne(pivots, b.add(at, b.like(1, at)))
    diag = diagonal(b, lu)
    return b.prod(b.select(moved, b.neg(diag), diag), axes=(last,))


class SingularValues:
    """Singular values beside each other.

    gaps: 1 / (s[j] - s[i]), 0 for equal ones. sums: 1 / (s[i] + s[j]).
    """

    def __init__(self, b: Builder, s: Value):
        self.b, square = b, diagonal_matrix(b, s)
        columns, rows = rows_of(b, s, square), columns_of(b, s, square)
        least = of_stack(b, rounding(b, s), square)
        self.gaps, self.sums = inverse(b, b.sub(columns, rows), least), inverse(b, b.add(columns, rows), least)
        self.inverse = inverse(b, s, b.broadcast(rounding(b, s), shape=s.shape, dims=tuple(range(s.type.rank - 1))))

    def mixed(self, x: Value, y: Value) -> Value:
        """x s[j] + y s[i], each over s[j]^2 - s[i]^2."""
        b = self.b
        halves = b.add(b.mul(self.gaps, b.add(x, y)), b.mul(self.sums, b.sub(x, y)))
        return b.mul(halves, b.like(0.5, halves))

    def by_s(self, like: Value) -> Value:
        """1 / s[j] in column j."""
        return rows_of(self.b, self.inverse, like)

    def by_s_of(self, x: Value, y: Value) -> Value:
        """The same in the shape of x' y."""
        shape = (*x.shape[:-2], x.shape[-1], y.shape[-1])
        n = len(shape)
        return self.b.broadcast(self.inverse, shape=shape, dims=(*range(n - 2), n - 1))


class SingularFactors(SingularValues):
    """The factors of an `svd`: m x k, k and k x n, and what rules make of them; the others of full ones apart."""

    def __init__(self, b: Builder, op: Op):
        u, s, vt = op.results
        super().__init__(b, s)
        self.op, self.full = op, op.attrs["full"]
        self.m, self.n, self.k = u.shape[-2], vt.shape[-1], s.shape[-1]
        self.u, self.vt = first_columns(b, u, self.k), first_rows(b, vt, self.k)
        self.v = transposed(b, self.vt)

    def beside_u(self, x: Value) -> Value:
        """What of x's columns stands at right angles to u's."""
        return self.b.sub(x, product(self.b, self.u, product(self.b, self.u, x, tx=True)))

    def beside_v(self, x: Value) -> Value:
        return self.b.sub(x, product(self.b, self.v, product(self.b, self.v, x, tx=True)))

    def u_rest(self) -> Value:
        return window(self.b, self.op.results[0], -1, self.k, self.m - self.k)

    def v_rest(self) -> Value:
        return transposed(self.b, window(self.b, self.op.results[2], -2, self.k, self.n - self.k))


class OrthogonalFactors:
    """The factors of a `qr`: q is m x k and r, of the first k columns, k x k; the others of q and r apart."""

    def __init__(self, b: Builder, op: Op):
        self.b, self.op = b, op
        q, r = op.results
        self.full = op.attrs["full"]
        self.m, self.n = q.shape[-2], r.shape[-1]
        self.k = self.m if op.attrs["wide"] else self.n
        self.q = first_columns(b, q, self.k)
        self.r = first_columns(b, first_rows(b, r, self.k), self.k)

    def right(self) -> Value:
        """The columns of the operand behind the first k."""
        return window(self.b, self.op.operands[0], -1, self.k, self.n - self.k)

    def q_rest(self) -> Value:
        return window(self.b, self.op.results[0], -1, self.k, self.m - self.k)
