"""Pushforwards of complex matrices' operations."""

from __future__ import annotations

from ...ir import Builder, Op, Value, interleaved as c, matrices as m
from ..vjp import complex_matrices
from .driver import Rule

Pushed = list[Value | None]


def _solve(b: Builder, op: Op, ta: Value | None, tlu: Value | None, _: Value | None, tb: Value | None) -> Pushed:
    """The solution of a t = tb - ta x."""
    a, lu, pivots, _b = op.operands
    right = None if tb is None else c.parts(b, tb)
    if ta is not None:
        change = c.parts(b, ta)
        change = c.adjoint(b, change) if op.attrs["adjoint"] else change
        moved = c.product(b, change, c.parts(b, op.result))
        right = c.negative(b, moved) if right is None else c.subtract(b, right, moved)
    return [None if right is None else b.complex_solve(a, lu, pivots, c.joined(b, right), **op.attrs)]


def _det(b: Builder, op: Op, _: Value | None, ta: Value | None, *factors: Value | None) -> Pushed:
    if ta is None:
        return [None]
    z = c.multiply(b, c.conjugate(b, c.inverse_adjoint(b, op)), c.parts(b, ta))
    rank = z[0].type.rank
    t: c.Pair = (b.sum(z[0], axes=(rank - 2, rank - 1)), b.sum(z[1], axes=(rank - 2, rank - 1)))
    return [c.joined(b, t if op.attrs["log"] else c.multiply(b, t, c.regular_det(b, op)))]


def _eigh(b: Builder, op: Op, t: Value) -> Pushed:
    w, v = op.results[0], c.parts(b, op.results[1])
    change = c.parts(b, t)
    if not op.attrs["lower"]:
        change = c.adjoint(b, change)
    low = m.strictly_lower(b, change[1])
    whole = m.mirrored(b, change[0]), b.sub(low, m.transposed(b, low))
    p = c.product(b, c.product(b, c.adjoint(b, v), whole), v)
    return [m.diagonal(b, p[0]), c.joined(b, c.product(b, v, c.scale(b, p, m.inverse_gaps(b, w, v[0]))))]


def turned(b: Builder, vectors: Value, t: Value) -> c.Pair:
    """v^-1 t v."""
    v = c.parts(b, vectors)
    change = c.real(b, t) if t.type.rank == v[0].type.rank else c.parts(b, t)
    return c.solved(b, vectors, c.product(b, change, v))


def _eigenvalues(b: Builder, op: Op, _: Value | None, ta: Value | None, tv: Value | None) -> Pushed:
    return [None if ta is None else c.joined(b, c.diagonal(b, turned(b, op.operands[2], ta)))]


def _eigenvectors(b: Builder, op: Op, _: Value | None, ta: Value | None, tw: Value | None) -> Pushed:
    if ta is None:
        return [None]
    v = c.parts(b, op.result)
    values = c.parts(b, b.eigenvalues(op.operands[2], op.operands[1], op.result))
    u = c.product(b, v, c.multiply(b, c.inverse_gaps(b, values, v), turned(b, op.result, ta)))
    return [c.joined(b, c.fixed_tangent(b, v, u))]


RULES: dict[str, Rule] = {
    "complex_solve": _solve, "complex_det": _det, "complex_eigh": _eigh, "eigenvalues": _eigenvalues,
    "eigenvectors": _eigenvectors,
}
CONSTANT = complex_matrices.CONSTANT
