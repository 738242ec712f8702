"""Contractions: matrix products through BLAS, small and thin ones as loops that fuse with their neighbours."""

from __future__ import annotations

from dataclasses import replace
from itertools import pairwise
from math import prod
from typing import TYPE_CHECKING

from numpy import ndindex

from ...ir import Op, Value
from ...ir.ops.linalg import free_axes
from ...ir.sizes import is_open
from ..affine import ZERO, Affine
from ..elements import Elements, Index
from ..loops import Call, Node, View
from ..numbers import cost_of
from ..symbolic import is_symbolic, reckoned

if TYPE_CHECKING:
    from ..tasks import Lowering

Axes = tuple[int, ...]

THIN, ALONG = 8, 8
"""Products for an element up to which it is computed where it is read, and elements along a line from which on."""
SMALL = 1024
"""Products of fewer multiplications than this (for each matrix of a stack) are loops: a BLAS call costs 0.2 µs."""


class Contraction:
    """The axes of a contraction, and where each stands in the domain (shared, x's free, y's free, summed)."""

    def __init__(self, op: Op):
        self.op = op
        self.x, self.y = op.operands
        a = op.attrs
        self.xbatch, self.ybatch, self.xsum, self.ysum = a["xbatch"], a["ybatch"], a["xsum"], a["ysum"]
        self.xfree = free_axes(self.x.type.rank, self.xbatch, self.xsum)
        self.yfree = free_axes(self.y.type.rank, self.ybatch, self.ysum)
        xs, ys = self.x.type.extents, self.y.type.extents
        self.batch = tuple(xs[k] for k in self.xbatch)
        self.m, self.n = tuple(xs[k] for k in self.xfree), tuple(ys[k] for k in self.yfree)
        self.k = tuple(xs[k] for k in self.xsum)

    @property
    def by_loops(self) -> bool:
        m, n, k = prod(self.m), prod(self.n), prod(self.k)
        thin = m == 1 or n == 1 or k == 1 or any(map(is_symbolic, self.domain))
        small = not is_open(m * n * k) and m * n * k <= SMALL
        return thin or small or self.op.result.dtype.kind != "f"

    @property
    def is_thin(self) -> bool:
        """Whether an element is so few products that it is computed where it is read, if nothing else asks for memory.

        BLAS would have to write the whole result, which then is read: that takes longer than the products.
        """
        n, k = prod(self.n), prod(self.k)
        return not self.by_loops and not is_open(k) and k <= THIN and reckoned(n) >= ALONG

    @property
    def domain(self) -> tuple[int, ...]:
        return self.batch + self.m + self.n + self.k

    def operand(self, which: int, index: Index) -> tuple[Value, Index]:
        """x (0) or y (1) with its index at a domain index."""
        nb, nm, nn = len(self.batch), len(self.m), len(self.n)
        batch, m, n, k = index[:nb], index[nb:nb + nm], index[nb + nm:nb + nm + nn], index[nb + nm + nn:]
        value, parts = ((self.x, ((self.xbatch, batch), (self.xfree, m), (self.xsum, k))),
                        (self.y, ((self.ybatch, batch), (self.yfree, n), (self.ysum, k))))[which]
        out: list[Affine] = [ZERO] * value.type.rank
        for axes, at in parts:
            for a, i in zip(axes, at, strict=True):
                out[a] = i
        return value, tuple(out)


    def element(self, e: Elements, index: Index) -> Node:
        """The sum of all products, written out."""
        total: Node | None = None
        for at in ndindex(*self.k):
            one = self.product(e, (*index, *(Affine({}, k) for k in at)))
            total = one if total is None else e.nodes.apply("add", (total, one), one.dtype, {}, self.op.loc)
        assert total is not None
        return total

    def product(self, e: Elements, i: Index) -> Node:
        """One product, at a domain index."""
        factors = tuple(e.shown(e.at(*self.operand(k, i))) for k in (0, 1))
        return e.nodes.apply("mul", factors, self.op.result.dtype, {}, self.op.loc)


def is_thin(op: Op) -> bool:
    """Whether an operation is a product that dissolves into what reads it."""
    return op.name == "contract" and Contraction(op).is_thin


def dissolve(low: Lowering, op: Op) -> None:
    """Let elements of a thin product be computed where they are read, from memory along which vectors run."""
    c = Contraction(op)
    low.need(c.x)
    view = low.need(c.y)
    along = [a for a in c.yfree if view.shape[a] != 1][-1]
    if view.strides[along] != 1:
        _, c.y = low.pack(c.y, (*c.ybatch, *c.ysum, *c.yfree))
    low.elements.rules[op.result] = c.element


def _contract(low: Lowering, op: Op) -> None:
    c = Contraction(op)
    if c.by_loops:
        low.reduce(op.result, "sum", c.domain, tuple(range(len(c.batch + c.m + c.n))), c.product)
        return
    x, x_home = matrices(low, c.x, c.xbatch, c.xfree, c.xsum)
    y, y_home = matrices(low, c.y, c.ybatch, c.ysum, c.yfree)
    target = low.view_of(op.result)
    out = View(target.buffer, target.offset, row_strides(target.strides, (len(c.batch), len(c.m), len(c.n))),
               (*c.batch, prod(c.m), prod(c.n)))
    work = cost_of(op.name) * reckoned(prod(c.domain))
    low.call(op.result, Call("gemm", (x, y), (out,), {"batch": len(c.batch)}, op.loc, work), [x_home, y_home])


def row_strides(strides: tuple[int, ...], parts: tuple[int, int, int]) -> tuple[int, ...]:
    """Strides of the shape with the matrix's row axes merged and its column axes merged."""
    nb, nm, nn = parts
    rows, columns = strides[nb:nb + nm], strides[nb + nm:nb + nm + nn]
    return (*strides[:nb], rows[-1] if rows else 0, columns[-1] if columns else 0)


def matrices(low: Lowering, v: Value, batch: Axes, rows: Axes, columns: Axes) -> tuple[View, Value]:
    """An operand as a stack of matrices that BLAS can read, and the value whose memory that is.

    Memory that does not serve (axes that do not merge, no unit stride) is copied in the order batch, rows, columns.
    """
    view = low.need(v)
    found = as_matrices(view, batch, rows, columns)
    if found is not None:
        return found, v
    packed, home = low.pack(v, batch + rows + columns)
    served = as_matrices(packed, batch, rows, columns)
    assert served is not None
    return served, home


def as_matrices(v: View, batch: Axes, rows: Axes, columns: Axes) -> View | None:
    """Rows merged into one axis and columns into another, one of them with unit stride; None where that cannot be."""
    merged = []
    for axes in (rows, columns):
        axes = tuple(a for a in axes if v.shape[a] != 1)
        if any(v.strides[a] != v.strides[b] * v.shape[b] for a, b in pairwise(axes)):
            return None
        merged.append((prod(v.shape[a] for a in axes), v.strides[axes[-1]] if axes else 1))
    (m, sm), (n, sn) = merged
    # BLAS wants one stride to be 1 and the other to be no less than the length of a line.
    if not ((sn == 1 and reaches(sm, n)) or (sm == 1 and reaches(sn, m))):
        return None
    return replace(v, strides=(*(v.strides[a] for a in batch), sm, sn), shape=(*(v.shape[a] for a in batch), m, n))


def reaches(stride: int, line: int) -> bool:
    """Whether lines do not overlap."""
    return stride == line or stride >= line


TASKS = {"contract": _contract}
