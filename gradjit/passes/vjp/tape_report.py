"""What a function keeps on its tapes, told by the user's lines."""

from __future__ import annotations

from collections.abc import Iterator

from ...ir import ArrayType, Block, For, Func, Loc, Op, Value
from ...ir.greatest_extents import upper_bound
from ...ir.linear import constant
from ...ir.ops.tape import record_of
from ...ir.ranges import Ranges, owners_of, range_length
from ...ir.sizes import guess
from ...records import dataclass


@dataclass(frozen=True)
class TapeEntry:
    """A value that is pushed: the line that computes it, the most bytes an iteration, and how many iterations there
    are at most;
    None where that is only known when the program runs."""

    loc: Loc | None
    type: str
    bytes: int | None
    trip_count: int | None

    @property
    def total(self) -> int | None:
        """The most bytes that are kept of it."""
        return None if self.bytes is None or self.trip_count is None else self.bytes * self.trip_count


def tape_entries(func: Func) -> list[TapeEntry]:
    """Everything that the loops of a function push, in the order of the program."""
    return list(_pushed(func.body, 1, Ranges(owners_of(func))))


def _pushed(block: Block, trip_count: int | None, ranges: Ranges) -> Iterator[TapeEntry]:
    for op in block.ops:
        if op.name == "push":
            for v in record_of(op):
                yield TapeEntry(_place(v) or op.loc, str(v.type), _bytes(v.type, ranges), trip_count)
        for region in op.regions:
            yield from _pushed(region, _product(trip_count, _trip_count(op)), ranges)


def _place(v: Value) -> Loc | None:
    return v.op.loc if v.op is not None else None


def _bytes(t: ArrayType, ranges: Ranges) -> int | None:
    found: int | None = t.dtype.itemsize
    for e in t.shape:
        found = _product(found, upper_bound(e, ranges))
    return None if found is None else int(guess(found))


def _product(a: int | None, b: int | None) -> int | None:
    return None if a is None or b is None else a * b


def _trip_count(op: Op) -> int | None:
    """How often an operation's regions run, where its bounds are literals; a branch once at most."""
    if op.name != "for":
        return 1 if op.name == "if" else None
    lo, hi, step = map(constant, For(op).bounds)
    return None if lo is None or hi is None or not step else range_length(lo, hi, step)
