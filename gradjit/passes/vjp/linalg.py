"""Pullbacks of linear algebra."""

from __future__ import annotations

from ...ir import Builder, Op, Value
from ...ir.ops.linalg import free_axes
from ..masks import Flow
from .driver import Rule

Axes = tuple[int, ...]


def _contract(b: Builder, op: Op, needs: tuple[bool, ...], g: Value) -> list[Flow | None]:
    """The cotangent contracted with the other operand over that operand's free axes, which leaves the own axes."""
    return [_contract_x(b, op, g) if needs[0] else None, _contract_y(b, op, g) if needs[1] else None]


def _layout(op: Op) -> tuple[Axes, Axes, Axes, Axes, Axes]:
    """Free axes of x and of y, and where the result has the shared axes, x's free and y's free ones."""
    x, y, a = *op.operands, op.attrs
    xfree, yfree = free_axes(x.type.rank, a["xbatch"], a["xsum"]), free_axes(y.type.rank, a["ybatch"], a["ysum"])
    nb, nx = len(a["xbatch"]), len(xfree)
    at = tuple(range(op.result.type.rank))
    return xfree, yfree, at[:nb], at[nb:nb + nx], at[nb + nx:]


def _contract_x(b: Builder, op: Op, g: Value) -> Value:
    """contract(g, y): shared axes, x's free axes, y's summed axes in y's order; then into x's order."""
    y, a = op.operands[1], op.attrs
    xfree, yfree, shared, _, ys = _layout(op)
    ct = b.contract(g, y, xbatch=shared, ybatch=a["ybatch"], xsum=ys, ysum=yfree)
    summed = tuple(a["xsum"][a["ysum"].index(k)] for k in sorted(a["ysum"]))
    return ordered(b, ct, a["xbatch"] + xfree + summed)


def _contract_y(b: Builder, op: Op, g: Value) -> Value:
    """contract(x, g): shared axes, x's summed axes in x's order, y's free axes; then into y's order."""
    x, a = op.operands[0], op.attrs
    xfree, yfree, shared, xs, _ = _layout(op)
    ct = b.contract(x, g, xbatch=a["xbatch"], ybatch=shared, xsum=xfree, ysum=xs)
    summed = tuple(a["ysum"][a["xsum"].index(k)] for k in sorted(a["xsum"]))
    return ordered(b, ct, a["ybatch"] + summed + yfree)


def ordered(b: Builder, v: Value, axes: Axes) -> Value:
    """v, whose axis k is axis axes[k] of the result."""
    perm = tuple(sorted(range(len(axes)), key=axes.__getitem__))
    return v if perm == tuple(range(len(axes))) else b.transpose(v, perm=perm)


RULES: dict[str, Rule] = {"contract": _contract}
CONSTANT: dict[str, str] = {}
