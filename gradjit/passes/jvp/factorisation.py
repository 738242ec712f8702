"""Pushforwards of factorisations. (What is left out where a factor has no derivative: see reverse mode.)"""

from __future__ import annotations

from ...ir import Builder, Op, Value, matrices as m
from ...ir.clone import inline
from ..vjp import factorisation
from .driver import Rule

Pushed = list[Value | None]


def _cholesky(b: Builder, op: Op, t: Value) -> Pushed:
    """L half(L^-1 t L'^-1), with t symmetric as its lower triangle says."""
    L = op.result
    left = m.solved(b, L, m.mirrored(b, t), lower=True)
    both = m.solved(b, L, m.transposed(b, left), lower=True)
    return [m.product(b, L, m.half_lower(b, both))]


def _cholesky_cotangent(b: Builder, op: Op, tl: Value | None, tg: Value | None) -> Pushed:
    """The pushforward of what it is when it is written out."""
    from . import jvp
    tangents = [t for t in (tl, tg) if t is not None]
    wrt = [k for k, t in enumerate((tl, tg)) if t is not None]
    pushed = inline(b, jvp(factorisation.formula(op), wrt), (*op.operands, *tangents))
    return [pushed[1]]


def _triangular_solve(b: Builder, op: Op, ta: Value | None, tb: Value | None) -> Pushed:
    """The solution of a t = tb - ta x."""
    a, x = op.operands[0], op.result
    lower, trans, unit, checked = (op.attrs[name] for name in ("lower", "trans", "unit", "checked"))
    right = tb
    if ta is not None:
        moved = m.product(b, m.triangle(b, ta, lower, unit), x, tx=trans)
        right = b.neg(moved) if tb is None else b.sub(tb, moved)
    assert right is not None
    return [m.solved(b, a, right, lower, trans, unit, checked)]


def _lu(b: Builder, op: Op, t: Value) -> Pushed:
    """With f = L^-1 t U^-1, rows in order: L strictly lower(f) + upper(f) U."""
    lu, _, order = op.results
    left = m.solved(b, lu, m.rows(b, t, order), lower=True, unit=True)
    f = m.transposed(b, m.solved(b, lu, m.transposed(b, left), lower=False, trans=True))
    return [b.add(m.product(b, m.unit_lower(b, lu), m.strictly_lower(b, f)),
                  m.product(b, m.upper(b, f), m.upper(b, lu))), None, None]


def _lu_solve(b: Builder, op: Op, ta: Value | None, tlu: Value | None, _: None, tb: Value | None) -> Pushed:
    a, lu, pivots, _b = op.operands
    right = tb
    if ta is not None:
        moved = m.product(b, ta, op.result, tx=op.attrs["trans"])
        right = b.neg(moved) if tb is None else b.sub(tb, moved)
    return [None if right is None else b.lu_solve(a, lu, pivots, right, **op.attrs)]


def _det(b: Builder, op: Op, _: Value | None, ta: Value | None, *factors: Value | None) -> Pushed:
    if ta is None:
        return [None]
    rank = ta.type.rank
    return [b.sum(b.mul(ta, m.cofactors(b, op)), axes=(rank - 2, rank - 1))]


def _eigh(b: Builder, op: Op, t: Value) -> Pushed:
    """Of the values the diagonal of p = v' t v, of the vectors v (p / gaps)."""
    w, v = op.results
    t = m.mirrored(b, t if op.attrs["lower"] else m.transposed(b, t))
    p = m.product(b, m.product(b, v, t, tx=True), v)
    return [m.diagonal(b, p), m.product(b, v, b.mul(p, m.inverse_gaps(b, w, v)))]


def _svd(b: Builder, op: Op, t: Value) -> Pushed:
    f = m.SingularFactors(b, op)
    tv = m.product(b, t, f.v)
    tu = m.product(b, t, f.u, tx=True)
    p = m.product(b, f.u, tv, tx=True)
    pt = m.transposed(b, p)
    du, dv = m.product(b, f.u, f.mixed(p, pt)), m.product(b, f.v, f.mixed(pt, p))
    if f.m != f.k:
        du = b.add(du, b.mul(f.beside_u(tv), f.by_s(tv)))
    if f.n != f.k:
        dv = b.add(dv, b.mul(f.beside_v(tu), f.by_s(tu)))
    if f.full and f.m != f.k:
        across = b.mul(m.product(b, f.u_rest(), tv, tx=True), f.by_s_of(f.u_rest(), tv))
        du = b.concat(du, b.neg(m.product(b, f.u, across, ty=True)), axis=du.type.rank - 1)
    if f.full and f.n != f.k:
        across = b.mul(m.product(b, f.v_rest(), tu, tx=True), f.by_s_of(f.v_rest(), tu))
        dv = b.concat(dv, b.neg(m.product(b, f.v, across, ty=True)), axis=dv.type.rank - 1)
    return [du, m.diagonal(b, p), m.transposed(b, dv)]


def _pinv(b: Builder, op: Op, _: Value | None, ta: Value | None) -> Pushed:
    """-p t p + p p' t' (1 - a p) + (1 - p a) t' p' p."""
    if ta is None:
        return [None]
    a, p = op.operands[1], op.result
    inside = b.neg(m.product(b, m.product(b, p, ta), p))
    left = m.product(b, m.product(b, p, p, ty=True), ta, ty=True)
    left = b.sub(left, m.product(b, m.product(b, left, a), p))
    right = m.product(b, m.product(b, ta, p, tx=True, ty=True), p)
    right = b.sub(right, m.product(b, p, m.product(b, a, right)))
    return [b.add(inside, b.add(left, right))]


def _qr(b: Builder, op: Op, t: Value) -> Pushed:
    f = m.OrthogonalFactors(b, op)
    own, right = m.first_columns(b, t, f.k), m.columns_behind(b, t, f.k)
    tr = m.transposed(b, m.solved(b, f.r, m.transposed(b, own), lower=False, trans=True,
                                   checked=True))
    c = m.product(b, f.q, tr, tx=True)
    turning = m.skew(b, m.strictly_lower(b, c))
    change = b.sub(c, turning)
    dr = m.product(b, change, f.r)
    dq = b.sub(tr, m.product(b, f.q, change))
    if right is not None:
        more = b.add(m.product(b, dq, f.right(), tx=True), m.product(b, f.q, right, tx=True))
        dr = b.concat(dr, more, axis=dr.type.rank - 1)
    if f.full and f.m != f.k:
        across = m.product(b, f.q_rest(), tr, tx=True)
        dq = b.concat(dq, b.neg(m.product(b, f.q, across, ty=True)), axis=dq.type.rank - 1)
        dr = b.pad(dr, b.const(0, dr.dtype), **m.rows_behind(dr, f.m - f.k))
    return [dq, dr]


def _sylvester(b: Builder, op: Op, ta: Value | None, tc: Value | None, tq: Value | None) -> Pushed:
    a, c, _ = op.operands
    x, right = op.result, tq
    for moved in ([] if ta is None else [m.product(b, ta, x)]) + ([] if tc is None else [m.product(b, x, tc)]):
        right = b.neg(moved) if right is None else b.sub(right, moved)
    assert right is not None
    return [b.sylvester(a, c, right)]


def _sqrtm(b: Builder, op: Op, _: Value | None, ta: Value | None) -> Pushed:
    """The x with s x + x s = t."""
    return [None if ta is None else b.sylvester(op.result, op.result, ta)]


RULES: dict[str, Rule] = {
    "cholesky": _cholesky, "cholesky_cotangent": _cholesky_cotangent, "triangular_solve": _triangular_solve,
    "lu": _lu, "lu_solve": _lu_solve, "det": _det,
    "eigh": _eigh, "svd": _svd, "pinv": _pinv, "qr": _qr, "sylvester": _sylvester, "sqrtm": _sqrtm,
}
CONSTANT = factorisation.CONSTANT
