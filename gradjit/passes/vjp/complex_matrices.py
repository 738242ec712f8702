"""Pullbacks of complex matrices' operations. With the cotangent g of a complex result, a change dz of an operand counts
as the real part of conj(g) dz."""

from __future__ import annotations

from functools import partial, reduce

from ...ir import Builder, Op, Value, interleaved as c, matrices as m
from .driver import Rule

Needs = tuple[bool, ...]
Pulled = list[Value | None]


def _cholesky(b: Builder, op: Op, needs: Needs, g: Value) -> Pulled:
    """L'^-1 half(L' g) L^-1, folded to the triangle that was read (Murray, Differentiation of the Cholesky
    decomposition)."""
    factor = op.result
    inner = c.half_lower(b, c.product(b, c.adjoint(b, c.parts(b, factor)), c.each(m.lower, b, c.parts(b, g))))
    left = c.substituted(b, factor, inner, lower=True, adjoint=True)
    return [c.joined(b, c.folded(b, c.substituted(b, factor, c.adjoint(b, left), lower=True, adjoint=True)))]


def _triangular_solve(b: Builder, op: Op, needs: Needs, g: Value) -> Pulled:
    """The right-hand side's is the solution with the adjoint; the matrix's minus its product with x."""
    a, x, attrs = op.operands[0], c.parts(b, op.result), op.attrs
    s = b.complex_triangular_solve(a, g, **{**attrs, "adjoint": not attrs["adjoint"]})
    of_a = None
    if needs[0]:
        y = c.parts(b, s)
        outer = c.product(b, x, c.adjoint(b, y)) if attrs["adjoint"] else c.product(b, y, c.adjoint(b, x))
        of_a = c.joined(b, c.negative(b, c.each(m.triangle, b, outer, attrs["lower"], attrs["unit"])))
    return [of_a, s if needs[1] else None]


def _lu(b: Builder, op: Op, needs: Needs, g: Value | None, *_: None) -> Pulled:
    """L'^-1 (strictly lower(L' g) + upper(g U')) U'^-1, with the rows back where they were."""
    if g is None:
        return [None]
    lu, _pivots, order = op.results
    factors, z = c.parts(b, lu), c.parts(b, g)
    left = c.product(b, c.adjoint(b, c.unit_lower(b, factors)), c.each(m.strictly_lower, b, z))
    right = c.product(b, c.each(m.upper, b, z), c.adjoint(b, c.each(m.upper, b, factors)))
    inner = c.add(b, c.each(m.strictly_lower, b, left), c.each(m.upper, b, right))
    both = c.substituted(b, lu, inner, lower=True, adjoint=True, unit=True)
    both = c.adjoint(b, c.substituted(b, lu, c.adjoint(b, both), lower=False))
    return [c.joined(b, c.each(m.rows, b, both, b.argsort(order, axis=order.type.rank - 1)))]


def _solve(b: Builder, op: Op, needs: Needs, g: Value) -> Pulled:
    a, lu, pivots, _ = op.operands
    adjoint = op.attrs["adjoint"]
    s = b.complex_solve(a, lu, pivots, g, adjoint=not adjoint, checked=op.attrs["checked"])
    of_a = None
    if needs[0]:
        x, y = c.parts(b, op.result), c.parts(b, s)
        of_a = c.joined(b, c.negative(b, c.product(b, x, c.adjoint(b, y)) if adjoint else
                                      c.product(b, y, c.adjoint(b, x))))
    return [of_a, None, None, s if needs[3] else None]


def _det(b: Builder, op: Op, needs: Needs, g: Value) -> Pulled:
    if not needs[1]:
        return [None] * 4
    return [None, c.joined(b, pulled_det(b, op, c.parts(b, g))), None, None]


def pulled_det(b: Builder, op: Op, g: c.Pair) -> c.Pair:
    """g times the inverse's adjoint; times the determinant's conjugate, where it is not the logarithm."""
    inverse = c.inverse_adjoint(b, op)
    if not op.attrs["log"]:
        g = c.multiply(b, g, c.conjugate(b, c.regular_det(b, op)))
    wide = m.of_stack(b, g[0], inverse[0]), m.of_stack(b, g[1], inverse[0])
    return c.multiply(b, wide, inverse)


# eigenvalues ----------------------------------------------------------------------------------------------------------
def _eigh(b: Builder, op: Op, needs: Needs, gw: Value | None, gv: Value | None) -> Pulled:
    """As of real ones, folded to the triangle that was read; and of the row that is real."""
    w, v = op.results[0], c.parts(b, op.results[1])
    back = c.adjoint(b, v)
    total: c.Pair | None = None
    if gw is not None:
        total = c.product(b, c.scale(b, v, m.rows_of(b, gw, v[0])), back)
    if gv is not None:
        g = c.parts(b, gv)
        g = c.RealRow(b, v, not op.attrs["lower"]).pulled(g, c.spins(b, g, v))
        inner = c.scale(b, c.product(b, back, g), m.inverse_gaps(b, w, v[0]))
        more = c.product(b, c.product(b, v, inner), back)
        total = more if total is None else c.add(b, total, more)
    if total is None:
        return [None]
    if not op.attrs["lower"]:
        total = c.adjoint(b, total)
    pulled = c.folded(b, total)
    if not op.attrs["lower"]:
        pulled = c.adjoint(b, pulled)
    return [c.joined(b, pulled)]


def _eigenvalues(b: Builder, op: Op, needs: Needs, g: Value) -> Pulled:
    """v'^-1 diagonal(g) v'."""
    _, a, vectors = op.operands
    if not needs[1]:
        return [None] * 3
    v = c.parts(b, vectors)
    right = c.adjoint(b, v)
    gw = c.parts(b, g)
    return [None, as_matrix(b, a, c.solved(b, vectors, c.multiply(b, c.columns_of(b, gw, right), right), True)), None]


def _eigenvectors(b: Builder, op: Op, needs: Needs, g: Value) -> Pulled:
    """v'^-1 (v' u / gaps) v', with u = g without what only changes a vector's length or direction in the plane."""
    _, a, w = op.operands
    if not needs[1]:
        return [None] * 3
    v = c.parts(b, op.result)
    values = c.parts(b, b.eigenvalues(w, a, op.result))
    u = c.fixed_cotangent(b, v, c.parts(b, g))
    back = c.adjoint(b, v)
    gaps = c.conjugate(b, c.inverse_gaps(b, values, v))
    inner = c.product(b, c.multiply(b, gaps, c.product(b, back, u)), back)
    return [None, as_matrix(b, a, c.solved(b, op.result, inner, True)), None]


# QR, singular values --------------------------------------------------------------------------------------------------
def _qr(b: Builder, op: Op, needs: Needs, gq: Value | None, gr: Value | None) -> Pulled:
    """As of real ones, with adjoints (Walter and Lehmann, Algorithmic differentiation of linear algebra functions with
    application in optimum experimental design): (q + q mirrored(r gr' - gq' q)) r'^-1."""
    f = c.UnitaryFactors(b, op)
    if gq is None and gr is None:
        return [None]
    whole = c.zeros(b, f.whole) if gq is None else c.parts(b, gq)
    own = c.each(m.first_columns, b, whole, f.k)
    if f.full and f.m != f.k:
        rest = c.each(m.window, b, whole, -1, f.k, f.m - f.k)
        own = c.subtract(b, own, c.product(b, f.q_rest(), c.product(b, c.adjoint(b, rest), f.q)))
    of_r = None if gr is None else c.each(m.first_rows, b, c.parts(b, gr), f.k)
    right = None if of_r is None or f.n == f.k else c.each(m.window, b, of_r, -1, f.k, f.n - f.k)
    if right is not None:
        own = c.add(b, own, c.product(b, f.right(), c.adjoint(b, right)))
    inner = c.negative(b, c.product(b, c.adjoint(b, own), f.q))
    if of_r is not None:
        upper = c.each(m.upper, b, c.each(m.first_columns, b, of_r, f.k))
        inner = c.add(b, inner, c.product(b, f.r, c.adjoint(b, upper)))
    left = f.divided(c.add(b, own, c.product(b, f.q, c.mirrored(b, inner))), adjoint_of_r=True)
    if f.n == f.k:
        return [c.joined(b, left)]
    beside = c.zeros(b, f.right()) if right is None else c.product(b, f.q, right)
    return [c.joined(b, c.beside_each_other(b, left, beside))]


def _svd(b: Builder, op: Op, needs: Needs, gu: Value | None, gs: Value | None, gvt: Value | None) -> Pulled:
    """As of real ones, with adjoints; directions follow from the row that is real. (Wan and Zhang, Automatic
    differentiation for complex valued SVD, for what does not depend on them.)"""
    f = c.ComplexSingularFactors(b, op)
    back = c.adjoint(b, f.v)
    outer: list[c.Pair] = [] if gs is None else [c.product(b, c.scale(b, f.u, m.rows_of(b, gs, f.u[0])), back)]
    if gu is not None or gvt is not None:
        whole_u = c.zeros(b, f.whole_u) if gu is None else c.parts(b, gu)
        whole_v = c.zeros(b, f.whole_v) if gvt is None else c.adjoint(b, c.parts(b, gvt))
        own_u, own_v = (c.each(m.first_columns, b, g, f.k) for g in (whole_u, whole_v))
        spin = b.add(c.spins(b, own_u, f.u), c.spins(b, own_v, f.v))
        if f.row.v is f.u:
            own_u = f.row.pulled(own_u, spin)
        else:
            own_v = f.row.pulled(own_v, spin)
        turning = [skew(b, c.product(b, c.adjoint(b, z), g)) for z, g in ((f.u, own_u), (f.v, own_v))]
        outer.append(c.product(b, c.product(b, f.u, f.turning(turning[0], turning[1])), back))
        if f.m != f.k:
            outer.append(c.product(b, _beside(f, f.whole_u, f.u, own_u, whole_u), back))
        if f.n != f.k:
            outer.append(c.product(b, f.u, c.adjoint(b, _beside(f, f.whole_v, f.v, own_v, whole_v))))
    return [c.joined(b, reduce(partial(c.add, b), outer))] if outer else [None]


def _beside(f: c.ComplexSingularFactors, whole: c.Pair, z: c.Pair, own: c.Pair, g: c.Pair) -> c.Pair:
    """What of a cotangent stands beside the columns z, over the singular values."""
    b = f.b
    total = c.scale(b, f.beside(z, own), f.by_s(own[0]))
    if not f.full:
        return total
    rest = c.product(b, c.adjoint(b, f.rest(g)), z)
    return c.subtract(b, total, c.product(b, f.rest(whole), c.scale(b, rest, f.by_s(rest[0]))))


def skew(b: Builder, x: c.Pair) -> c.Pair:
    return c.subtract(b, x, c.adjoint(b, x))


def _pinv(b: Builder, op: Op, needs: Needs, g: Value) -> Pulled:
    """As of real ones, with adjoints (Golub and Pereyra)."""
    if not needs[1]:
        return [None, None]
    a, p, gt = c.parts(b, op.operands[1]), c.parts(b, op.result), c.adjoint(b, c.parts(b, g))
    back = c.adjoint(b, p)
    inside = c.product(b, c.product(b, back, c.parts(b, g)), back)
    left = c.product(b, c.product(b, gt, p), back)
    left = c.subtract(b, left, c.product(b, a, c.product(b, p, left)))
    right = c.product(b, c.product(b, back, p), gt)
    right = c.subtract(b, right, c.product(b, c.product(b, right, p), a))
    return [None, c.joined(b, c.subtract(b, c.add(b, left, right), inside))]


def _sylvester(b: Builder, op: Op, needs: Needs, g: Value) -> Pulled:
    """The right-hand side's solves the equation of the adjoints."""
    first, second, _ = (c.parts(b, v) for v in op.operands)
    x = c.adjoint(b, c.parts(b, op.result))
    s = b.complex_sylvester(c.joined(b, c.adjoint(b, first)), c.joined(b, c.adjoint(b, second)), g)
    z = c.parts(b, s)
    return [c.joined(b, c.negative(b, c.product(b, z, x))) if needs[0] else None,
            c.joined(b, c.negative(b, c.product(b, x, z))) if needs[1] else None, s if needs[2] else None]


def _sqrtm(b: Builder, op: Op, needs: Needs, g: Value) -> Pulled:
    """The x with s' x + x s' = g."""
    back = c.joined(b, c.adjoint(b, c.parts(b, op.result)))
    return [None, b.complex_sylvester(back, back, g) if needs[1] else None]


def as_matrix(b: Builder, a: Value, z: c.Pair) -> Value:
    """In the form of a: its real part, where that is real."""
    return z[0] if a.type.rank == z[0].type.rank else c.joined(b, z)


RULES: dict[str, Rule] = {
    "complex_cholesky": _cholesky, "complex_triangular_solve": _triangular_solve, "complex_qr": _qr,
    "complex_svd": _svd, "complex_pinv": _pinv, "complex_sylvester": _sylvester, "complex_sqrtm": _sqrtm,
    "complex_lu": _lu, "complex_solve": _solve, "complex_det": _det, "complex_eigh": _eigh, "eigenvalues": _eigenvalues,
    "eigenvectors": _eigenvectors,
}
CONSTANT: dict[str, str] = {
    **dict.fromkeys(("complex_eig", "eig"), "derivatives flow through the matrix, to which `eigenvalues` and "
                                            "`eigenvectors` add whose they are"),
}
