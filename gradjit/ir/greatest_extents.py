"""How large computed extents can be: for so much there is memory."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence

from .core import Block, Func, Op, Value, walk
from .ops import OPS, Fails, can_fail
from .ranges import Ranges
from .sizes import is_open


def upper_bound(extent: int | Value, ranges: Ranges) -> int | None:
    """The greatest number that an extent can be."""
    return extent if isinstance(extent, int) else not_below_0(ranges.upper(extent))


def not_below_0(most: int | None) -> int | None:
    """The greatest number of an extent, which is none below 0: where nothing ever runs conditions contradict it."""
    return most if most is None or is_open(most) else max(most, 0)


def upper_bounds(func: Func, ranges: Ranges) -> dict[Value, int | None]:
    """Of computed extents the greatest numbers that they can be, None where that is not known.

    It is the greatest at any place where an array of such an extent comes to be, as the numbers are known there: by
    the branches around it and the checks before it, and by the windows of the block, none of which is longer than its
    array, unless the program may end before it gets to them. (What does not run says nothing of its numbers.)
    """
    found: dict[Value, int | None] = {}
    _bounds_in(func.body, ranges, {}, set(), found)
    return found


def _bounds_in(block: Block, ranges: Ranges, windows: Mapping[Value, int], there: set[Value],
               found: dict[Value, int | None]) -> None:
    """windows: how long those around the block can be. there: the extents of arrays that are there already."""
    count = len(ranges.facts)
    windows, there = dict(windows), {*there, *(e for p in block.params for e in p.shape if isinstance(e, Value))}
    for ops in _stretches(block):
        for size, most in (window for op in ops for window in _window(op)):
            around = most if isinstance(most, int) else _at(most, ranges, windows)
            if around is not None:
                windows[size] = min(around, windows.get(size, around))
        for op in ops:
            for k, region in enumerate(op.regions):
                with ranges.under(op, k):
                    _bounds_in(region, ranges, windows, there, found)
            for e in brought_in(op):
                if e in there:
                    continue
                there.add(e)
                if not op.regions:  # whose results are arrays that were made within, or before
                    here = _at(e, ranges, windows)
                    before = found.get(e, here)
                    found[e] = None if here is None or before is None else max(here, before)
            ranges.facts += ranges.behind(op)
    del ranges.facts[count:]


def _stretches(block: Block) -> Iterator[Sequence[Op]]:
    """The operations of a block, cut behind those at which the program may end or stay."""
    first = 0
    for k, op in enumerate(block.ops, 1):
        if k == len(block.ops) or any(map(_may_end, (op, *(o for region in op.regions for o in walk(region))))):
            yield block.ops[first:k]
            first = k


def _may_end(op: Op) -> bool:
    """Whether the program may not come to what is behind an operation. (Windows are where they are trusted to be.)"""
    if op.name in ("while", "call"):
        return True
    return OPS[op.name].fails not in (Fails.COMPUTED, Fails.INSIDE) and can_fail(op)


def _window(op: Op) -> list[tuple[Value, int | Value]]:
    """The computed extents of the window that an operation has in an array, with those of the array."""
    if op.name not in ("slice", "update"):
        return []
    sizes = op.attrs["sizes"] if op.name == "slice" else op.operands[1].shape
    return [(n, around) for n, around in zip(sizes, op.operands[0].shape, strict=True) if isinstance(n, Value)]


def _at(e: Value, ranges: Ranges, windows: Mapping[Value, int]) -> int | None:
    """The greatest number that an extent can be where it is asked for."""
    known = [n for n in (ranges.upper(e), windows.get(e)) if n is not None]
    return not_below_0(min(known)) if known else None


def brought_in(op: Op) -> Iterable[Value]:
    """The computed extents of an operation's results that those of its operands have not."""
    if all(v.type.is_static for v in op.results):
        return ()
    of_operands = {e for v in op.operands for e in v.shape}
    return dict.fromkeys(e for v in op.results for e in v.shape if isinstance(e, Value) and e not in of_operands)
