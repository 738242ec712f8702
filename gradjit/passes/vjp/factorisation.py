"""Pullbacks of factorisations. They are made of solutions with the factors: no inverse is formed.

Where the derivative of a factor does not exist (equal eigenvalues, rank loss) what is infinite is left out: a function
that does not depend on which of the factors it gets has its own derivative (docs/linear-algebra.md).
"""

from __future__ import annotations

from functools import reduce

from ...ir import Builder, Func, Op, Value, matrices as m
from ...ir.builder import build
from ...ir.clone import inline
from .driver import Rule

Needs = tuple[bool, ...]
Pulled = list[Value | None]


def _cholesky(b: Builder, op: Op, needs: Needs, g: Value) -> Pulled:
    return [b.cholesky_cotangent(op.result, g)]


def written_out(b: Builder, factor: Value, g: Value) -> Value:
    """cholesky_cotangent: with s = L'^-1 half(L' g) L^-1, half(s + s') of the lower triangle, which was read."""
    inner = m.half_lower(b, m.product(b, m.lower(b, factor), m.lower(b, g), tx=True))
    left = m.solved(b, factor, inner, lower=True, trans=True)
    return m.folded(b, m.solved(b, factor, m.transposed(b, left), lower=True, trans=True))


def _cholesky_cotangent(b: Builder, op: Op, needs: Needs, g: Value) -> Pulled:
    """The pullback of what it is when it is written out."""
    from . import reverse
    wrt = [k for k, need in enumerate(needs) if need]
    pulled = iter(inline(b, reverse(formula(op), wrt), (*op.operands, g))[1:])
    return [next(pulled) if need else None for need in needs]


def formula(op: Op) -> Func:
    return build("cholesky_cotangent", [v.type for v in op.operands], lambda b, *params: [written_out(b, *params)])


def _triangular_solve(b: Builder, op: Op, needs: Needs, g: Value) -> Pulled:
    """The right-hand side's is the solution with the transpose; the matrix's minus its product with x."""
    a, x = op.operands[0], op.result
    lower, trans, unit, checked = (op.attrs[name] for name in ("lower", "trans", "unit", "checked"))
    s = m.solved(b, a, g, lower, not trans, unit, checked)
    if not needs[0]:
        return [None, s]
    outer = m.product(b, x, s, ty=True) if trans else m.product(b, s, x, ty=True)
    return [b.neg(m.triangle(b, outer, lower, unit)), s if needs[1] else None]


# LU -------------------------------------------------------------------------------------------------------------------
def _lu(b: Builder, op: Op, needs: Needs, g: Value | None, *_: None) -> Pulled:
    """L'^-1 (strictly lower(L' g) + upper(g U')) U'^-1, with the rows back where they were."""
    if g is None:
        return [None]
    lu, _pivots, order = op.results
    inner = b.add(m.strictly_lower(b, m.product(b, m.unit_lower(b, lu), m.strictly_lower(b, g), tx=True)),
                  m.upper(b, m.product(b, m.upper(b, g), m.upper(b, lu), ty=True)))
    left = m.solved(b, lu, inner, lower=True, trans=True, unit=True)
    both = m.transposed(b, m.solved(b, lu, m.transposed(b, left), lower=False))
    return [m.rows(b, both, b.argsort(order, axis=order.type.rank - 1))]


def _lu_solve(b: Builder, op: Op, needs: Needs, g: Value) -> Pulled:
    a, lu, pivots, _ = op.operands
    x, trans = op.result, op.attrs["trans"]
    s = b.lu_solve(a, lu, pivots, g, trans=not trans, checked=op.attrs["checked"])
    of_a = None
    if needs[0]:
        of_a = b.neg(m.product(b, x, s, ty=True) if trans else m.product(b, s, x, ty=True))
    return [of_a, None, None, s if needs[3] else None]


def _det(b: Builder, op: Op, needs: Needs, g: Value) -> Pulled:
    return [None, b.mul(m.of_stack(b, g, op.operands[1]), m.cofactors(b, op)) if needs[1] else None, None, None]


# eigenvalues and singular values --------------------------------------------------------------------------------------
def _eigh(b: Builder, op: Op, needs: Needs, gw: Value | None, gv: Value | None) -> Pulled:
    """v (diagonal(gw) + (v' gv) / gaps) v', folded to the triangle that was read."""
    w, v = op.results
    parts = []
    if gw is not None:
        parts.append(m.product(b, b.mul(v, m.rows_of(b, gw, v)), v, ty=True))
    if gv is not None:
        inner = b.mul(m.product(b, v, gv, tx=True), m.inverse_gaps(b, w, v))
        parts.append(m.product(b, m.product(b, v, inner), v, ty=True))
    if not parts:
        return [None]
    folded = m.folded(b, reduce(b.add, parts))
    return [folded if op.attrs["lower"] else m.transposed(b, folded)]


def _svd(b: Builder, op: Op, needs: Needs, gu: Value | None, gs: Value | None, gvt: Value | None) -> Pulled:
    f = m.SingularFactors(b, op)
    turning: list[Value | None] = [None, None]
    outer: list[Value] = []
    if gu is not None:
        own, rest = m.first_columns(b, gu, f.k), m.columns_behind(b, gu, f.k)
        turning[0] = m.skew(b, m.product(b, f.u, own, tx=True))
        if f.m != f.k:
            outer.append(m.product(b, b.mul(f.beside_u(own), f.by_s(own)), f.vt))
            if rest is not None:
                mixed = b.mul(m.product(b, rest, f.u, tx=True), f.by_s_of(rest, f.u))
                outer.append(b.neg(m.product(b, m.product(b, f.u_rest(), mixed), f.vt)))
    if gvt is not None:
        gv = m.transposed(b, gvt)
        own, rest = m.first_columns(b, gv, f.k), m.columns_behind(b, gv, f.k)
        turning[1] = m.skew(b, m.product(b, f.v, own, tx=True))
        if f.n != f.k:
            scaled = b.mul(f.beside_v(own), f.by_s(own))
            outer.append(m.product(b, f.u, scaled, ty=True))
            if rest is not None:
                mixed = b.mul(m.product(b, rest, f.v, tx=True), f.by_s_of(rest, f.v))
                outer.append(b.neg(m.product(b, f.u, m.product(b, f.v_rest(), mixed), ty=True)))
    inner = [] if gs is None else [m.diagonal_matrix(b, gs)]
    some = next((x for x in turning if x is not None), None)
    if some is not None:
        inner.append(f.mixed(*(b.zeros(some.type) if x is None else x for x in turning)))
    if inner:
        outer.insert(0, m.product(b, m.product(b, f.u, reduce(b.add, inner)), f.vt))
    return [reduce(b.add, outer)] if outer else [None]


def _pinv(b: Builder, op: Op, needs: Needs, g: Value) -> Pulled:
    """-p' g p' + (1 - a p) g' p p' + p' p g' (1 - p a): what changes in the range, and what beside it."""
    a, p = op.operands[1], op.result
    gt = m.transposed(b, g)
    inside = b.neg(m.product(b, m.product(b, p, g, tx=True), p, ty=True))
    left = m.product(b, m.product(b, gt, p), p, ty=True)
    left = b.sub(left, m.product(b, a, m.product(b, p, left)))
    right = m.product(b, m.product(b, p, p, tx=True), gt)
    right = b.sub(right, m.product(b, m.product(b, right, p), a))
    return [None, b.add(inside, b.add(left, right)) if needs[1] else None]


# QR -------------------------------------------------------------------------------------------------------------------
def _qr(b: Builder, op: Op, needs: Needs, gq: Value | None, gr: Value | None) -> Pulled:
    """Of the square part (q + q mirrored(r gr' - gq' q)) r'^-1; what is right of it is q r, and no part of q."""
    f = m.OrthogonalFactors(b, op)
    if gq is None and gr is None:
        return [None]
    own = None if gq is None else m.first_columns(b, gq, f.k)
    rest = None if gq is None else m.columns_behind(b, gq, f.k)
    gr = None if gr is None else m.first_rows(b, gr, f.k)
    right = None if gr is None else m.columns_behind(b, gr, f.k)
    if rest is not None and own is not None:
        own = b.sub(own, m.product(b, f.q_rest(), m.product(b, rest, f.q, tx=True)))
    if right is not None:
        more = m.product(b, f.right(), right, ty=True)
        own = more if own is None else b.add(own, more)
    inner = [] if own is None else [b.neg(m.product(b, own, f.q, tx=True))]
    if gr is not None:
        inner.append(m.product(b, f.r, m.upper(b, m.first_columns(b, gr, f.k)), ty=True))
    total = m.product(b, f.q, m.mirrored(b, reduce(b.add, inner)))
    total = total if own is None else b.add(own, total)
    left = m.transposed(b, m.solved(b, f.r, m.transposed(b, total), lower=False, checked=True))
    if f.n == f.k:
        return [left]
    beside = m.product(b, f.q, right) if right is not None else b.zeros(f.right().type)
    return [b.concat(left, beside, axis=left.type.rank - 1)]


def _sylvester(b: Builder, op: Op, needs: Needs, g: Value) -> Pulled:
    """The right-hand side's solves the transposed equation."""
    a, c, _ = op.operands
    x = op.result
    s = b.sylvester(m.transposed(b, a), m.transposed(b, c), g)
    return [b.neg(m.product(b, s, x, ty=True)) if needs[0] else None,
            b.neg(m.product(b, x, s, tx=True)) if needs[1] else None, s if needs[2] else None]


def _sqrtm(b: Builder, op: Op, needs: Needs, g: Value) -> Pulled:
    """The x with s' x + x s' = g."""
    st = m.transposed(b, op.result)
    return [None, b.sylvester(st, st, g) if needs[1] else None]


RULES: dict[str, Rule] = {
    "cholesky": _cholesky, "cholesky_cotangent": _cholesky_cotangent, "triangular_solve": _triangular_solve,
    "lu": _lu, "lu_solve": _lu_solve, "det": _det,
    "eigh": _eigh, "svd": _svd, "pinv": _pinv, "qr": _qr, "sylvester": _sylvester, "sqrtm": _sqrtm,
}
CONSTANT: dict[str, str] = {}
