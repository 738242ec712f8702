"""Pushforwards of complex matrices' operations."""

from __future__ import annotations

from ...ir import Builder, Op, Value, interleaved as c, matrices as m
from ..vjp import complex_matrices
from .driver import Rule

Pushed = list[Value | None]


def _cholesky(b: Builder, op: Op, t: Value) -> Pushed:
    """L half(L^-1 t L'^-1), with t Hermitian as its lower triangle says."""
    factor = op.result
    left = c.substituted(b, factor, c.mirrored(b, c.parts(b, t)), lower=True)
    both = c.substituted(b, factor, c.adjoint(b, left), lower=True)
    return [c.joined(b, c.product(b, c.parts(b, factor), c.half_lower(b, both)))]


def _triangular_solve(b: Builder, op: Op, ta: Value | None, tb: Value | None) -> Pushed:
    """The solution of a t = tb - ta x."""
    right = None if tb is None else c.parts(b, tb)
    if ta is not None:
        change = c.each(m.triangle, b, c.parts(b, ta), op.attrs["lower"], op.attrs["unit"])
        change = c.adjoint(b, change) if op.attrs["adjoint"] else change
        moved = c.product(b, change, c.parts(b, op.result))
        right = c.negative(b, moved) if right is None else c.subtract(b, right, moved)
    assert right is not None
    return [b.complex_triangular_solve(op.operands[0], c.joined(b, right), **op.attrs)]


def _lu(b: Builder, op: Op, t: Value) -> Pushed:
    """With f = L^-1 t U^-1, rows in order: L strictly lower(f) + upper(f) U."""
    lu, _, order = op.results
    factors = c.parts(b, lu)
    left = c.substituted(b, lu, c.each(m.rows, b, c.parts(b, t), order), lower=True, unit=True)
    f = c.adjoint(b, c.substituted(b, lu, c.adjoint(b, left), lower=False, adjoint=True))
    low = c.product(b, c.unit_lower(b, factors), c.each(m.strictly_lower, b, f))
    return [c.joined(b, c.add(b, low, c.product(b, c.each(m.upper, b, f), c.each(m.upper, b, factors)))), None, None]


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
    p = c.product(b, c.product(b, c.adjoint(b, v), c.mirrored(b, change)), v)
    dv = c.product(b, v, c.scale(b, p, m.inverse_gaps(b, w, v[0])))
    dv = c.turned_by(b, v, dv, c.RealRow(b, v, not op.attrs["lower"]).phases(dv))
    return [m.diagonal(b, p[0]), c.joined(b, dv)]


# QR, singular values --------------------------------------------------------------------------------------------------
def _qr(b: Builder, op: Op, t: Value) -> Pushed:
    f, z = c.UnitaryFactors(b, op), c.parts(b, t)
    tr = f.divided(c.each(m.first_columns, b, z, f.k), adjoint_of_r=False)
    inner = c.product(b, c.adjoint(b, f.q), tr)
    low = c.each(m.strictly_lower, b, inner)
    change = c.subtract(b, inner, c.subtract(b, low, c.adjoint(b, low)))  # and of the diagonal what is real
    change = change[0], m.chosen(b, b.zeros(change[1].type), b.eq, change[1])
    dr, dq = c.product(b, change, f.r), c.subtract(b, tr, c.product(b, f.q, change))
    if f.n != f.k:
        right = c.each(m.window, b, z, -1, f.k, f.n - f.k)
        more = c.add(b, c.product(b, c.adjoint(b, dq), f.right()), c.product(b, c.adjoint(b, f.q), right))
        dr = c.beside_each_other(b, dr, more)
    if f.full and f.m != f.k:
        across = c.product(b, c.adjoint(b, f.q_rest()), tr)
        dq = c.beside_each_other(b, dq, c.negative(b, c.product(b, f.q, c.adjoint(b, across))))
        re, im = (b.pad(x, b.const(0, x.dtype), **m.rows_behind(x, f.m - f.k)) for x in dr)
        dr = re, im
    return [c.joined(b, dq), c.joined(b, dr)]


def _svd(b: Builder, op: Op, t: Value) -> Pushed:
    f, z = c.ComplexSingularFactors(b, op), c.parts(b, t)
    tv, tu = c.product(b, z, f.v), c.product(b, c.adjoint(b, z), f.u)
    p = c.product(b, c.adjoint(b, f.u), tv)
    back = c.adjoint(b, p)
    du, dv = c.product(b, f.u, f.turning(p, back)), c.product(b, f.v, f.turning(back, p))
    if f.m != f.k:
        du = c.add(b, du, c.scale(b, f.beside(f.u, tv), f.by_s(tv[0])))
    if f.n != f.k:
        dv = c.add(b, dv, c.scale(b, f.beside(f.v, tu), f.by_s(tu[0])))
    phases = f.row.phases(du if f.row.v is f.u else dv)
    du, dv = c.turned_by(b, f.u, du, phases), c.turned_by(b, f.v, dv, phases)
    if f.full and f.m != f.k:
        du = c.beside_each_other(b, du, _across(f, f.whole_u, f.u, tv))
    if f.full and f.n != f.k:
        dv = c.beside_each_other(b, dv, _across(f, f.whole_v, f.v, tu))
    return [c.joined(b, du), m.diagonal(b, p[0]), c.joined(b, c.adjoint(b, dv))]


def _across(f: c.ComplexSingularFactors, whole: c.Pair, z: c.Pair, moved: c.Pair) -> c.Pair:
    """The tangents of the other columns, which stay at right angles to the columns z."""
    b = f.b
    inner = c.product(b, c.adjoint(b, f.rest(whole)), moved)
    return c.negative(b, c.product(b, z, c.adjoint(b, c.scale(b, inner, f.by_s(inner[0])))))


def _pinv(b: Builder, op: Op, _: Value | None, ta: Value | None) -> Pushed:
    """As of real ones, with adjoints."""
    if ta is None:
        return [None]
    a, p, z = c.parts(b, op.operands[1]), c.parts(b, op.result), c.parts(b, ta)
    back, zt = c.adjoint(b, p), c.adjoint(b, z)
    inside = c.product(b, c.product(b, p, z), p)
    left = c.product(b, c.product(b, p, back), zt)
    left = c.subtract(b, left, c.product(b, c.product(b, left, a), p))
    right = c.product(b, c.product(b, zt, back), p)
    right = c.subtract(b, right, c.product(b, p, c.product(b, a, right)))
    return [c.joined(b, c.subtract(b, c.add(b, left, right), inside))]


def _sylvester(b: Builder, op: Op, ta: Value | None, tc: Value | None, tq: Value | None) -> Pushed:
    first, second, _ = op.operands
    x, right = c.parts(b, op.result), None if tq is None else c.parts(b, tq)
    moved = [] if ta is None else [c.product(b, c.parts(b, ta), x)]
    moved += [] if tc is None else [c.product(b, x, c.parts(b, tc))]
    for z in moved:
        right = c.negative(b, z) if right is None else c.subtract(b, right, z)
    assert right is not None
    return [b.complex_sylvester(first, second, c.joined(b, right))]


def _sqrtm(b: Builder, op: Op, _: Value | None, ta: Value | None) -> Pushed:
    """The x with s x + x s = t."""
    return [None if ta is None else b.complex_sylvester(op.result, op.result, ta)]


# eigenvalues of any matrix --------------------------------------------------------------------------------------------


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
    "complex_cholesky": _cholesky, "complex_triangular_solve": _triangular_solve, "complex_qr": _qr,
    "complex_svd": _svd, "complex_pinv": _pinv, "complex_sylvester": _sylvester, "complex_sqrtm": _sqrtm,
    "complex_lu": _lu, "complex_solve": _solve, "complex_det": _det, "complex_eigh": _eigh, "eigenvalues": _eigenvalues,
    "eigenvectors": _eigenvectors,
}
CONSTANT = complex_matrices.CONSTANT
