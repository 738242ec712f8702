"""Loops that passes write: over the places of an axis, one after the other."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from ..ir import Block, Builder, Value


def loop(b: Builder, count: int | Value, inits: Sequence[Value], iteration: Callable[..., Sequence[Value]]
         ) -> tuple[Value, ...]:
    """`for i in range(count)`, where `iteration(builder, i, state)` makes the next state of the one before."""
    bounds = b.index(0), number(b, count), b.index(1)
    body = Block((bounds[0].type, *(v.type for v in inits)))
    body.results = tuple(iteration(Builder(body, b.loc), body.params[0], body.params[1:]))
    return b.append("for", (*bounds, *inits), {}, (body,)).results


def number(b: Builder, extent: int | Value) -> Value:
    return extent if isinstance(extent, Value) else b.index(extent)


def taken(b: Builder, x: Value, axis: int, i: Any) -> Value:
    """The elements at i of an axis, without it."""
    shape = x.shape
    starts, sizes = (0,) * axis + (i,) + (0,) * (len(shape) - axis - 1), (*shape[:axis], 1, *shape[axis + 1:])
    return b.reshape(b.slice(x, starts=starts, sizes=sizes, steps=(1,) * len(shape)),
                     shape=(*shape[:axis], *shape[axis + 1:]))


def written(b: Builder, whole: Value, part: Value, axis: int, i: Value) -> Value:
    """The array with the elements at i of an axis replaced."""
    shape = whole.shape
    starts = (0,) * axis + (i,) + (0,) * (len(shape) - axis - 1)
    return b.update(whole, b.reshape(part, shape=(*shape[:axis], 1, *shape[axis + 1:])), starts=starts,
                    steps=(1,) * len(shape))
