"""What is known about extents that are computed when the code runs."""

from __future__ import annotations

from typing import Any

from ..errors import UnsupportedError
from ..ir import OPS, ArrayType, Func, Op, Value
from ..ir.greatest_extents import upper_bound, upper_bounds
from ..ir.ranges import Ranges, owners_of
from .loops import Node
from .symbolic import Extent, upper


class Bounds:
    """The greatest numbers that the computed extents of a function can be: for so much there is memory."""

    def __init__(self, func: Func):
        self.ranges = Ranges(owners_of(func))
        self.found = upper_bounds(func, self.ranges)

    def bound(self, e: Value) -> Any:
        """The greatest number that a computed extent can be, if that is known."""
        return self.found[e] if e in self.found else upper_bound(e, self.ranges)

    def extent(self, e: Value, home: object, now: Value) -> int:
        """An extent: a number, where it stands at `home` as one, or a computed one with its upper bound; `now` is what
        tells it there."""
        if isinstance(home, Node) and home.kind == "const":
            return max(int(home.attrs), 0)
        bound = self.bound(e)
        if bound is None:
            where = e.op.loc.full if e.op and e.op.loc else f"the extent is {e.name or 'a number'}"
            raise UnsupportedError(f"an array's extent that is only known when the code runs has no upper bound, so "
                                   f"that no memory can be planned for it; take a slice of an array instead\n  {where}")
        return Extent(bound, now)


def most(t: ArrayType, extent: Any) -> ArrayType:
    """The type with bounds in the place of computed extents, which `extent` gives: for memory."""
    return t if t.is_static else t.with_shape(tuple(e if isinstance(e, int) else upper(extent(e)) for e in t.shape))


def check_extents(op: Op) -> None:
    """UnsupportedError for an operation that has no code for extents that are computed."""
    types = [v.type for v in (*op.operands, *op.results)]
    if all(t.is_static for t in types) or OPS[op.name].pointwise:
        return
    if OPS[op.name].open_extents and (op.name != "reshape" or len({without_units(t) for t in types}) == 1):
        return
    where = f"\n  {op.loc.full}" if op.loc else ""
    raise UnsupportedError(f"{op.name} of an array whose extent is only known when the code runs "
                           f"({', '.join(map(str, types))}) has no compiled form; write it as a loop over the "
                           f"elements{where}")


def without_units(t: ArrayType) -> tuple[object, ...]:
    return tuple(e for e in t.shape if e != 1)
