"""Functions of `gj.jit` that change attributes, items or lists outside of themselves at each call.

The function that is compiled gets what stands in these places as its last argument, and gives what is to stand there as
a part of its result.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from ..tracer import trees
from ..tracer.calls import call
from ..tracer.guards import ABSENT
from ..tracer.recorder import recorders
from ..tracer.state import State, carried, passed
from ..tracer.trace import world_of

if TYPE_CHECKING:
    from .compiled import Compiled


class Stateful:
    """A compiled function with the states that it carries."""

    def __init__(self, states: Sequence[State], f: Callable[..., Any], keeps: bool,
                 compiled: Callable[[Callable[..., Any]], Compiled]):
        """keeps: whether what stands in the places in the end is put back, and not only what moves on."""
        self.states = states
        self.keeps = keeps
        self.numbers: list[list[bool]] = []

        def body(*args: Any, **kwargs: Any) -> Any:
            *args, values = args  # type: ignore[assignment]
            world_of(recorders()[-1], f)
            with carried(states, values) as results:
                out = call(f, *args, **kwargs)
                now = results.now()
                now = [v if keeps or s.moves_on else None for v, s in zip(now, states, strict=True)]
            self.numbers = results.numbers
            return out, now

        self.compiled = compiled(body)

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        given = [None if s.appends or (v := s.read()) is ABSENT else passed(v) for s in self.states]
        out, now = self.compiled(*args, given, **kwargs)
        for s, value, numbers in zip(self.states, now, self.numbers, strict=True):
            if not (self.keeps or s.moves_on):
                continue
            if s.appends:
                s.owner.extend(as_python(value, numbers))
            else:
                s.put(as_python(value, numbers))
        return out


def as_python(value: Any, numbers: list[bool]) -> Any:
    """A result with Python's own numbers where the function has such."""
    if not any(numbers):
        return value
    leaves, tree = trees.flatten(value)
    if len(leaves) != len(numbers):  # a list that a loop has filled, which has them already
        return value
    return trees.unflatten(tree, [x.item() if is_number and isinstance(x, np.generic) else x
                                  for x, is_number in zip(leaves, numbers, strict=True)])
