"""Matrices, the last two axes of arrays, in rules of derivatives: products, transposes, triangles, diagonals."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from ..ir import I64, Builder, Value


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


def solved(b: Builder, a: Value, x: Value, lower: bool, trans: bool = False, unit: bool = False) -> Value:
    """triangular_solve."""
    return b.triangular_solve(a, x, lower=lower, trans=trans, unit=unit)


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


Matrix = Any
