"""Factorisations: what they work on is written where the result stands, and LAPACK replaces it there."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from ...ir import BOOL, I64, Op, Value
from ..elements import Elements, Index
from ..loops import Call, Node, View
from ..numbers import cost_of
from ..symbolic import reckoned
from .linalg import matrices

if TYPE_CHECKING:
    from ..tasks import Lowering


def element(compare: str, x: Value) -> Callable[[Elements, Index], Node]:
    """x's element where `compare(row, column)` holds, and 0 elsewhere."""
    def rule(e: Elements, i: Index) -> Node:
        row, column = (e.nodes.index(a, I64) for a in i[-2:])
        inside = e.nodes.apply(compare, (row, column), BOOL)
        return e.nodes.apply("select", (inside, e.shown(e.at(x, i)), e.nodes.const(0, x.dtype)), x.dtype)

    return rule


def prepare(low: Lowering, value: Value, target: View, found: Callable[[Elements, Index], Node]) -> View:
    """Write elements where a routine will find them, and leave others in their place."""
    low.task("map", value, target, value.type.extents, None, found)
    assert target.strides[-1] == 1 or target.shape[-1] == 1, "LAPACK takes the lines of a result one after the other"
    return target


def work_of(op: Op) -> float:
    """So much for each element and the length of a line."""
    t = op.operands[0].type
    return cost_of(op.name) * reckoned(t.size) * (1 + reckoned(t.extents[-1]) / 32)


def _cholesky(low: Lowering, op: Op) -> None:
    (a,) = op.operands
    made = prepare(low, op.result, low.view_of(op.result), element("ge", a))
    low.call(op.result, Call("cholesky", (made,), (made,), {}, op.loc, work_of(op)), [])


def _triangular_solve(low: Lowering, op: Op) -> None:
    a, x = op.operands
    view, home = matrix(low, a)
    made = prepare(low, op.result, low.view_of(op.result), lambda e, i: e.at(x, i))
    low.call(op.result, Call("triangular_solve", (view, made), (made,), dict(op.attrs), op.loc, work_of(op)), [home])


def matrix(low: Lowering, a: Value) -> tuple[View, Value]:
    """A stack of matrices with rows or columns along memory, and the value whose memory it is."""
    n = a.type.rank
    return matrices(low, a, tuple(range(n - 2)), (n - 2,), (n - 1,))


TASKS = {"cholesky": _cholesky, "triangular_solve": _triangular_solve}
