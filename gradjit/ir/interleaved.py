"""Matrices of complex numbers as rules build them: arrays of reals whose last axis has two elements, and pairs of
real matrices."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from . import matrices as m
from .builder import Builder
from .core import Op, Value
from .types import I64

Pair = tuple[Value, Value]


def parts(b: Builder, x: Value) -> Pair:
    """The real and the imaginary part of what is interleaved."""
    *shape, _ = x.shape
    last = len(shape)
    re, im = (b.reshape(b.slice(x, starts=(0,) * last + (k,), sizes=(*shape, 1), steps=(1,) * (last + 1)),
                        shape=tuple(shape)) for k in range(2))
    return re, im


def joined(b: Builder, z: Pair) -> Value:
    re, im = (b.reshape(p, shape=(*p.shape, 1)) for p in z)
    return b.concat(re, im, axis=re.type.rank - 1)


def real(b: Builder, x: Value) -> Pair:
    """A real one, as a pair."""
    return x, b.zeros(x.type)


def conjugate(b: Builder, z: Pair) -> Pair:
    return z[0], b.neg(z[1])


def adjoint(b: Builder, z: Pair) -> Pair:
    """Transposed and conjugated."""
    return m.transposed(b, z[0]), b.neg(m.transposed(b, z[1]))


def add(b: Builder, x: Pair, y: Pair) -> Pair:
    return b.add(x[0], y[0]), b.add(x[1], y[1])


def subtract(b: Builder, x: Pair, y: Pair) -> Pair:
    return b.sub(x[0], y[0]), b.sub(x[1], y[1])


def negative(b: Builder, z: Pair) -> Pair:
    return b.neg(z[0]), b.neg(z[1])


def multiply(b: Builder, x: Pair, y: Pair) -> Pair:
    """Element by element."""
    (a, c), (d, e) = x, y
    return b.sub(b.mul(a, d), b.mul(c, e)), b.add(b.mul(a, e), b.mul(c, d))


def scale(b: Builder, z: Pair, by: Value) -> Pair:
    """Element by element, by reals."""
    return b.mul(z[0], by), b.mul(z[1], by)


def product(b: Builder, x: Pair, y: Pair) -> Pair:
    """x @ y."""
    (a, c), (d, e) = x, y
    return (b.sub(m.product(b, a, d), m.product(b, c, e)), b.add(m.product(b, a, e), m.product(b, c, d)))


def each(f: Callable[..., Value], b: Builder, z: Pair, *args: Any) -> Pair:
    """`f(b, x, *args)` of either part."""
    return f(b, z[0], *args), f(b, z[1], *args)


def zeros(b: Builder, like: Pair) -> Pair:
    return b.zeros(like[0].type), b.zeros(like[1].type)


def rows_of(b: Builder, d: Pair, like: Pair) -> Pair:
    return m.rows_of(b, d[0], like[0]), m.rows_of(b, d[1], like[1])


def columns_of(b: Builder, d: Pair, like: Pair) -> Pair:
    return m.columns_of(b, d[0], like[0]), m.columns_of(b, d[1], like[1])


def diagonal(b: Builder, x: Pair) -> Pair:
    return m.diagonal(b, x[0]), m.diagonal(b, x[1])


def identity_like(b: Builder, x: Value) -> Value:
    """Interleaved."""
    re, _ = parts(b, x)
    return joined(b, real(b, m.identity_like(b, re)))


def mirrored(b: Builder, z: Pair) -> Pair:
    """The Hermitian matrix that has z's lower triangle, and the real part of its diagonal."""
    low = m.strictly_lower(b, z[1])
    return m.mirrored(b, z[0]), b.sub(low, m.transposed(b, low))


def half_lower(b: Builder, z: Pair) -> Pair:
    """The lower triangle, of the diagonal half of the real part."""
    return m.half_lower(b, z[0]), m.strictly_lower(b, z[1])


def folded(b: Builder, s: Pair) -> Pair:
    """Of a cotangent for a Hermitian matrix what its lower triangle gets, which stands for both."""
    return half_lower(b, add(b, s, adjoint(b, s)))


def unit_lower(b: Builder, lu: Pair) -> Pair:
    """The lower triangle with ones for its diagonal."""
    return m.unit_lower(b, lu[0]), m.strictly_lower(b, lu[1])


def substituted(b: Builder, a: Value, x: Pair, lower: bool, adjoint: bool = False, unit: bool = False,
                checked: bool = False) -> Pair:
    """complex_triangular_solve."""
    return parts(b, b.complex_triangular_solve(a, joined(b, x), lower=lower, adjoint=adjoint, unit=unit,
                                               checked=checked))


def solved(b: Builder, a: Value, x: Pair, adjoint: bool = False) -> Pair:
    """The solution with an interleaved matrix, or with its adjoint."""
    lu, pivots, _ = b.append("complex_lu", (a,), {}).results
    return parts(b, b.append("complex_solve", (a, lu, pivots, joined(b, x)),
                             {"adjoint": adjoint, "checked": False}).result)


def inverse_gaps(b: Builder, w: Pair, like: Pair) -> Pair:
    """1 / (w[j] - w[i]), and 0 for equal ones."""
    gaps = subtract(b, rows_of(b, w, like), columns_of(b, w, like))
    size = b.add(b.mul(gaps[0], gaps[0]), b.mul(gaps[1], gaps[1]))
    least = m.rounding(b, b.hypot(*w))
    over = m.inverse(b, size, m.of_stack(b, b.mul(least, least), like[0]))
    return b.mul(gaps[0], over), b.neg(b.mul(gaps[1], over))


def column_sums(b: Builder, x: Value) -> Value:
    return b.sum(x, axes=(x.type.rank - 2,))


def column_products(b: Builder, x: Pair, y: Pair) -> Pair:
    """For each column the product of x's adjoint with y's."""
    z = multiply(b, conjugate(b, x), y)
    return column_sums(b, z[0]), column_sums(b, z[1])


def largest(b: Builder, v: Pair) -> Value:
    """1 at the element of the largest magnitude of each column (the first of several), 0 elsewhere."""
    size = b.add(b.mul(v[0], v[0]), b.mul(v[1], v[1]))
    axis = size.type.rank - 2
    at = b.argmax(size, axis=axis)
    here = b.iota(shape=size.shape, axis=axis, dtype=I64)
    return b.select(b.eq(here, m.rows_of(b, at, here)), b.like(1, size), b.zeros(size.type))


# determinants ---------------------------------------------------------------------------------------------------------
def regular(b: Builder, op: Op) -> tuple[Value, Pair]:
    """The factors that a `complex_det` has been made of, with small numbers for zeros on the diagonal, interleaved; and
    their diagonal, with the signs of the exchanges."""
    _, a, lu, pivots = op.operands
    z, limits = parts(b, lu), np.finfo(a.dtype.np)
    last = z[0].type.rank - 1
    size = b.sqrt(b.sum(b.add(b.mul(z[0], z[0]), b.mul(z[1], z[1])), axes=(last - 1, last)))
    none = b.eq(size, b.zeros(size.type))
    tiny = b.select(none, b.like(float(limits.tiny) ** 0.25, size), b.mul(size, b.like(float(limits.eps), size)))
    zero = b.and_(b.eq(z[0], b.zeros(z[0].type)), b.eq(z[1], b.zeros(z[1].type)))
    filled = m.chosen(b, b.select(zero, m.of_stack(b, tiny, z[0]), z[0]), b.eq, z[0])
    d = m.diagonal(b, filled), m.diagonal(b, z[1])
    at = b.iota(shape=pivots.shape, axis=pivots.type.rank - 1, dtype=pivots.dtype)
    moved = b.ne(pivots, b.add(at, b.like(1, at)))
    return joined(b, (filled, z[1])), (b.select(moved, b.neg(d[0]), d[0]), b.select(moved, b.neg(d[1]), d[1]))


def inverse_adjoint(b: Builder, op: Op) -> Pair:
    """The inverse's adjoint of a matrix whose determinant is taken; of one beside it, where it has none."""
    _, a, _, pivots = op.operands
    factors, _ = regular(b, op)
    return parts(b, b.append("complex_solve", (a, factors, pivots, identity_like(b, a)),
                             {"adjoint": True, "checked": False}).result)


def regular_det(b: Builder, op: Op) -> Pair:
    """The determinant; that of a matrix beside it, where it is 0."""
    _, a, _, pivots = op.operands
    factors, d = regular(b, op)
    size = b.hypot(*d)
    over = b.div(b.like(1, size), size)
    axes = (size.type.rank - 1,)
    length, angle = b.prod(size, axes=axes), b.sum(b.arctan2(b.mul(d[1], over), b.mul(d[0], over)), axes=axes)
    z = joined(b, (b.mul(length, b.cos(angle)), b.mul(length, b.sin(angle))))
    return parts(b, b.append("complex_det", (z, a, factors, pivots), {"log": False}).result)


# vectors of length 1 --------------------------------------------------------------------------------------------------
def fixed_tangent(b: Builder, v: Pair, u: Pair) -> Pair:
    """The tangent of columns that keep their length, and whose largest element stays real: u + v c, where u is
    any tangent that is right but for multiples c of the columns."""
    along, _ = column_products(b, v, u)
    here = largest(b, v)
    rotation = b.div(column_sums(b, b.mul(here, u[1])), column_sums(b, b.mul(here, v[0])))
    change = b.neg(along), b.neg(rotation)
    return add(b, u, multiply(b, v, rows_of(b, change, v)))


def fixed_cotangent(b: Builder, v: Pair, g: Pair) -> Pair:
    """The transposed of that."""
    s = column_products(b, g, v)
    here = largest(b, v)
    rotation = b.div(s[1], column_sums(b, b.mul(here, v[0])))
    less = scale(b, v, m.rows_of(b, s[0], v[0]))
    return b.sub(g[0], less[0]), b.add(b.sub(g[1], less[1]), b.mul(here, m.rows_of(b, rotation, here)))


# vectors with a real row ----------------------------------------------------------------------------------------------
class RealRow:
    """Columns of length 1 of which LAPACK makes the first row real, or the last one.

    Their directions in the plane follow: any tangents t of unitary columns are those of LAPACK's but for multiples
    i phi of the columns, and phi is what makes the row of t real again. Where the row's element is 0 to half of the
    digits no direction follows from it, and the columns are taken not to turn: what does not depend on directions has
    its own derivative there.
    """

    def __init__(self, b: Builder, v: Pair, last: bool = False):
        self.b, self.v = b, v
        rows = b.iota(shape=v[0].shape, axis=v[0].type.rank - 2, dtype=I64)
        at = b.argmax(rows, axis=rows.type.rank - 2) if last else None
        self.here = b.eq(rows, b.zeros(rows.type) if at is None else m.rows_of(b, at, rows))
        element = self.read(v[0])
        self.over = m.inverse(b, element, b.like(float(np.finfo(element.dtype.np).eps) ** 0.5, element))

    def read(self, x: Value) -> Value:
        return column_sums(self.b, self.b.select(self.here, x, self.b.zeros(x.type)))

    def phases(self, t: Pair) -> Value:
        """phi for each column, from tangents."""
        return self.b.neg(self.b.mul(self.read(t[1]), self.over))

    def pulled(self, g: Pair, spin: Value) -> Pair:
        """The cotangent g of these columns, with that of the phases, of which `spin` (the imaginary part of g's adjoint
        times the columns, and the same of others that turn along) is the negative."""
        b = self.b
        row = m.rows_of(b, b.mul(spin, self.over), g[1])
        return g[0], b.add(g[1], b.select(self.here, row, b.zeros(row.type)))


def turned_by(b: Builder, v: Pair, t: Pair, phases: Value) -> Pair:
    """The tangents t of columns that turn by angles besides."""
    angle = m.rows_of(b, phases, v[0])
    return b.sub(t[0], b.mul(angle, v[1])), b.add(t[1], b.mul(angle, v[0]))


def spins(b: Builder, g: Pair, v: Pair) -> Value:
    """For each column the imaginary part of g's adjoint times v."""
    return column_products(b, g, v)[1]


# factors --------------------------------------------------------------------------------------------------------------
class ComplexSingularFactors(m.SingularValues):
    """The factors of a `complex_svd` as pairs: u is m x k, v n x k; the others of full ones apart."""

    def __init__(self, b: Builder, op: Op):
        u, s, vt = op.results
        super().__init__(b, s)
        self.full, self.wide = op.attrs["full"], op.attrs["wide"]
        self.m, self.n, self.k = u.shape[-3], vt.shape[-2], s.shape[-1]
        self.whole_u, self.whole_v = parts(b, u), adjoint(b, parts(b, vt))
        self.u, self.v = (each(m.first_columns, b, z, self.k) for z in (self.whole_u, self.whole_v))
        self.row = RealRow(b, self.u if self.m != self.n and self.wide else self.v)

    def turning(self, x: Pair, y: Pair) -> Pair:
        return self.mixed(x[0], y[0]), self.mixed(x[1], y[1])

    def beside(self, z: Pair, x: Pair) -> Pair:
        """What of x's columns stands at right angles to those of z."""
        b = self.b
        return subtract(b, x, product(b, z, product(b, adjoint(b, z), x)))

    def rest(self, whole: Pair) -> Pair:
        return each(m.window, self.b, whole, -1, self.k, whole[0].shape[-1] - self.k)


class UnitaryFactors:
    """The factors of a `complex_qr` as pairs: q is m x k and r, of the first k columns, k x k; the others apart."""

    def __init__(self, b: Builder, op: Op):
        q, r = (parts(b, x) for x in op.results)
        self.b, self.op, self.whole = b, op, q
        self.full = op.attrs["full"]
        self.m, self.n = q[0].shape[-2], r[0].shape[-1]
        self.k = self.m if op.attrs["wide"] else self.n
        self.q = each(m.first_columns, b, q, self.k)
        self.r = each(m.first_columns, b, each(m.first_rows, b, r, self.k), self.k)

    def divided(self, x: Pair, adjoint_of_r: bool) -> Pair:
        """x over r, or over its adjoint, from the right."""
        b = self.b
        return adjoint(b, substituted(b, joined(b, self.r), adjoint(b, x), lower=False, adjoint=not adjoint_of_r,
                                      checked=True))

    def right(self) -> Pair:
        """The columns of the operand behind the first k."""
        return each(m.window, self.b, parts(self.b, self.op.operands[0]), -1, self.k, self.n - self.k)

    def q_rest(self) -> Pair:
        return each(m.window, self.b, self.whole, -1, self.k, self.m - self.k)


def beside_each_other(b: Builder, x: Pair, y: Pair) -> Pair:
    """The columns of both."""
    axis = x[0].type.rank - 1
    return b.concat(x[0], y[0], axis=axis), b.concat(x[1], y[1], axis=axis)
