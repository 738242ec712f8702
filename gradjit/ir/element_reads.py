"""Single elements are read where they came from, in place: of the array that a window or joined pieces were made of.

    slice (slice x [2:+5]) [1:+1]    --> slice x [3:+1]
    slice (concat x, y) [7:+1]       --> slice y [2:+1]     where x has 5 elements along the axis

What is differentiated has short ways back then: the cotangent of an element goes to the array that it is of, and not
into one of each window between, of which a recursion over minors or subsets has thousands.
"""

from __future__ import annotations

from typing import Any

from .core import Func, Op, Value, walk

Place = tuple[Any, ...]


def read_elements_directly(func: Func) -> None:
    """Replace, in place, what slices of one element read. What nobody reads any more stays."""
    for op in walk(func.body):
        if op.name == "slice" and all(type(n) is int and n == 1 for n in op.attrs["sizes"]):
            source, place = op.operands[0], op.attrs["starts"]
            while (found := behind(source, place)) is not None:
                source, place = found
            if source is not op.operands[0]:
                op.operands, op.attrs = (source,), {**op.attrs, "starts": place}


def behind(v: Value, place: Place) -> tuple[Value, Place] | None:
    """The array that an element of v is of, if v consists of parts of such, and where it stands there."""
    op = v.op
    if op is None or op.name not in OF_PARTS or not all(map(is_number, place)):
        return None
    return OF_PARTS[op.name](op, place)


def of_window(op: Op, place: Place) -> tuple[Value, Place] | None:
    starts, steps = op.attrs["starts"], op.attrs["steps"]
    if not all(map(is_number, starts)):
        return None
    return op.operands[0], tuple(a + k * s for a, k, s in zip(starts, place, steps, strict=True))


def of_joined(op: Op, place: Place) -> tuple[Value, Place] | None:
    axis, at = op.attrs["axis"], 0
    for x in op.operands:
        n = x.shape[axis]
        if not is_number(n):
            return None
        if place[axis] < at + n:
            return x, (*place[:axis], place[axis] - at, *place[axis + 1:])
        at += n
    return None


OF_PARTS = {"slice": of_window, "concat": of_joined}
"""Operations whose result consists of parts of their operands."""


def is_number(x: Any) -> bool:
    """Whether an extent or a place is known: no size, and no value."""
    return type(x) is int
