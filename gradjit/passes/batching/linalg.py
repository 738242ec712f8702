"""Linear algebra over stacks."""

from __future__ import annotations

from collections.abc import Sequence

from ...ir import Builder, Op, Value
from .driver import Rule

Axes = tuple[int, ...]


def _contract(b: Builder, op: Op, operands: Sequence[Value], batched: Sequence[bool], size: int) -> Sequence[Value]:
    """A shared axis where both operands are batched; else one more free axis, which is moved to the front."""
    a = op.attrs
    attrs = {name: _behind(a[name], batched[name[0] == "y"]) for name in ("xbatch", "ybatch", "xsum", "ysum")}
    if all(batched):
        attrs["xbatch"], attrs["ybatch"] = (0, *attrs["xbatch"]), (0, *attrs["ybatch"])
    r = b.contract(*operands, **attrs)
    if all(batched):
        return [r]
    before = len(a["xbatch"]) if batched[0] else op.operands[0].type.rank - len(a["xsum"])
    perm = (before, *range(before), *range(before + 1, r.type.rank))
    return [b.transpose(r, perm=perm) if before else r]


def _behind(axes: Axes, batched: bool) -> Axes:
    return tuple(k + 1 for k in axes) if batched else axes


RULES: dict[str, Rule] = {"contract": _contract}
