"""Pullbacks of complex matrices' operations. With the cotangent g of a complex result, a change dz of an operand counts
as the real part of conj(g) dz."""

from __future__ import annotations

from ...ir import Builder, Op, Value, interleaved as c, matrices as m
from .driver import Rule

Needs = tuple[bool, ...]
Pulled = list[Value | None]


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
    """As of real ones, folded to the triangle that was read."""
    w, v = op.results[0], c.parts(b, op.results[1])
    back = c.adjoint(b, v)
    total: c.Pair | None = None
    if gw is not None:
        total = c.product(b, c.scale(b, v, m.rows_of(b, gw, v[0])), back)
    if gv is not None:
        inner = c.scale(b, c.product(b, back, c.parts(b, gv)), m.inverse_gaps(b, w, v[0]))
        more = c.product(b, c.product(b, v, inner), back)
        total = more if total is None else c.add(b, total, more)
    if total is None:
        return [None]
    if not op.attrs["lower"]:
        total = c.adjoint(b, total)
    both = c.add(b, total, c.adjoint(b, total))
    pulled = m.half_lower(b, both[0]), m.strictly_lower(b, both[1])
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


def as_matrix(b: Builder, a: Value, z: c.Pair) -> Value:
    """In the form of a: its real part, where that is real."""
    return z[0] if a.type.rank == z[0].type.rank else c.joined(b, z)


RULES: dict[str, Rule] = {
    "complex_solve": _solve, "complex_det": _det, "complex_eigh": _eigh, "eigenvalues": _eigenvalues,
    "eigenvectors": _eigenvectors,
}
CONSTANT: dict[str, str] = {
    "complex_lu": "derivatives flow through the matrix, to which `complex_solve` and `complex_det` add whose it is",
    **dict.fromkeys(("complex_eig", "eig"), "derivatives flow through the matrix, to which `eigenvalues` and "
                                            "`eigenvectors` add whose they are"),
}
