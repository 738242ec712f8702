"""Functions that are not looked into: they read operands from memory and fill the memory of their results."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ...ir import Op
from ..loops import Call
from ..numbers import cost_of

if TYPE_CHECKING:
    from ..tasks import Lowering


def _opaque(low: Lowering, op: Op) -> None:
    reads = tuple(low.need(v) for v in op.operands)
    writes = tuple(low.view_of(r) for r in op.results)
    call = Call("opaque", reads, writes, {"function": op.attrs["function"].name}, op.loc, cost_of(op.name))
    low.call(op.results, call, list(dict.fromkeys(op.operands)))


TASKS = {"opaque": _opaque}
