"""Pullbacks of factorisations. They are made of solutions with the factors: no inverse is formed."""

from __future__ import annotations

from ...ir import Builder, Op, Value
from .. import matrices as m
from .driver import Rule

Needs = tuple[bool, ...]


def _cholesky(b: Builder, op: Op, needs: Needs, g: Value) -> list[Value | None]:
    """With s = L'^-1 half(L' g) L^-1: half(s + s') of the lower triangle, which is what was read."""
    L = op.result
    inner = m.half_lower(b, m.product(b, L, m.lower(b, g), tx=True))
    s = m.solved(b, L, m.transposed(b, m.solved(b, L, inner, lower=True, trans=True)), lower=True, trans=True)
    return [m.half_lower(b, b.add(s, m.transposed(b, s)))]


def _triangular_solve(b: Builder, op: Op, needs: Needs, g: Value) -> list[Value | None]:
    """The right-hand side's is the solution with the transpose; the matrix's minus its product with x."""
    a, x, lower, trans, unit = op.operands[0], op.result, op.attrs["lower"], op.attrs["trans"], op.attrs["unit"]
    s = m.solved(b, a, g, lower, not trans, unit)
    if not needs[0]:
        return [None, s]
    outer = m.product(b, x, s, ty=True) if trans else m.product(b, s, x, ty=True)
    return [b.neg(m.triangle(b, outer, lower, unit)), s if needs[1] else None]


RULES: dict[str, Rule] = {"cholesky": _cholesky, "triangular_solve": _triangular_solve}
CONSTANT: dict[str, str] = {}
