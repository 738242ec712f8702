"""Arrays that get shorter or longer by the same in each iteration of a loop of known length.

    for i in range(n - 1, -1, -1):            for %i = ... carrying %room: f64[n+1]
        V = f(V[1:], V[:-1])         -->          %V = slice %room [0:+%i+2];  ...
                                                  yield update(%room, %new: f64[%i+1])

What is carried is as large as the largest of them. Each iteration reads the part in front that its array is, of an
extent that the number of the iteration tells, and writes the new one there.
"""

from __future__ import annotations

from typing import Any

from ...ir import Value
from ...records import dataclass
from .. import extents, operands as o
from ..array import TracedArray
from .states import Spec

Shape = tuple[Any, ...]


def steps_between(before: Spec, after: Spec, turn: Any, count: int | None) -> Shape | None:
    """By how much each extent of an array changes in an iteration, of which `turn` is the number; None where that is
    not what becomes of it."""
    if count is None or before.kind != after.kind or before.dtype != after.dtype or len(before.shape) != len(
            after.shape) or not all(isinstance(e, int) for e in before.shape):
        return None
    steps = tuple(step_between(a, b, turn) for a, b in zip(before.shape, after.shape, strict=True))
    if any(s is None or a + s * count < 0 for a, s in zip(before.shape, steps, strict=True)):
        return None
    return steps


def step_between(before: int, after: Any, turn: Any) -> int | None:
    """The step by which an extent changes: after the first iteration, or as the number of the iteration says."""
    if isinstance(after, int):
        step = after - before
        return step if type(step) is int else None
    form, number = extents.linear(after), extents.linear(turn)
    if len(number.terms) != 1:
        return None
    (atom, k), = number.terms
    step = next((n for a, n in form.terms if a is atom), 0) // k
    return step if form == number * step + before + step else None


@dataclass
class ChangingExtents:
    """One such array."""

    first: Shape
    """Its shape before the loop."""
    steps: Shape
    count: int
    """How many iterations there are."""
    turn: Any
    """The number of the iteration, traced."""

    @property
    def last(self) -> Shape:
        """Its shape behind the loop."""
        return tuple(n + s * self.count for n, s in zip(self.first, self.steps, strict=True))

    @property
    def room(self) -> Shape:
        """As large as it ever is."""
        return tuple(n + s * self.count if s > 0 else n for n, s in zip(self.first, self.steps, strict=True))

    def shape(self, later: int) -> Shape:
        """Its shape in this iteration, or in one that comes later."""
        turn = extents.linear(self.turn)
        return tuple(extents.extent(turn * s + n + s * later) if s else n
                     for n, s in zip(self.first, self.steps, strict=True))

    def begin(self, x: TracedArray) -> TracedArray:
        """What is there before the loop, with the room that it needs."""
        return x if self.room == self.first else written(o.filled(0, self.room, x.dtype), x)

    def read(self, room: TracedArray) -> TracedArray:
        """The array at the beginning of an iteration."""
        return in_front(room, self.shape(0))

    def write(self, room: TracedArray, x: TracedArray) -> Value | None:
        """What is carried into the next iteration; None where the array is not of the extents that it should have."""
        wanted = self.shape(1)
        if any(extents.linear(a) != extents.linear(b) for a, b in zip(x.extents, wanted, strict=True)):
            return None
        return written(room, x).value

    def end(self, room: TracedArray) -> TracedArray:
        """The array behind the loop."""
        return in_front(room, self.last)


def written(room: TracedArray, x: TracedArray) -> TracedArray:
    return o.emit("update", room, x, starts=(0,) * x.ndim, steps=(1,) * x.ndim)


def in_front(room: TracedArray, shape: Shape) -> TracedArray:
    return o.emit("slice", room, starts=(0,) * room.ndim, sizes=shape, steps=(1,) * room.ndim)
