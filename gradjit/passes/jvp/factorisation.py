"""Pushforwards of factorisations."""

from __future__ import annotations

from ...ir import Builder, Op, Value
from .. import matrices as m
from ..vjp import factorisation
from .driver import Rule


def _cholesky(b: Builder, op: Op, t: Value) -> list[Value | None]:
    """L half(L^-1 t L'^-1), with t symmetric as its lower triangle says."""
    L = op.result
    left = m.solved(b, L, m.mirrored(b, t), lower=True)
    both = m.solved(b, L, m.transposed(b, left), lower=True)
    return [m.product(b, L, m.half_lower(b, both))]


def _triangular_solve(b: Builder, op: Op, ta: Value | None, tb: Value | None) -> list[Value | None]:
    """The solution of a t = tb - ta x."""
    a, x, lower, trans, unit = op.operands[0], op.result, op.attrs["lower"], op.attrs["trans"], op.attrs["unit"]
    right = tb
    if ta is not None:
        moved = m.product(b, m.triangle(b, ta, lower, unit), x, tx=trans)
        right = b.neg(moved) if tb is None else b.sub(tb, moved)
    assert right is not None
    return [m.solved(b, a, right, lower, trans, unit)]


RULES: dict[str, Rule] = {"cholesky": _cholesky, "triangular_solve": _triangular_solve}
CONSTANT = factorisation.CONSTANT
