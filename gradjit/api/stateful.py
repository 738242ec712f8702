"""Functions of `gj.jit` that change attributes, items or lists outside of themselves at each call.

The function that is compiled gets what stands in these places as its last argument, and gives what is to stand there as
a part of its result.
"""

from __future__ import annotations

import functools
import operator
import types
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
        self.readers = [reader(s) for s in states]
        self.writers = [writer(s) if keeps or s.moves_on else None for s in states]

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
        """Between what is read of the places and what is put there all is the machine code's."""
        out, now = self.compiled(*args, [passed(read()) for read in self.readers], **kwargs)
        for put, value, numbers in zip(self.writers, now, self.numbers, strict=True):
            if put is None:
                continue
            if True not in numbers:
                put(value)
            elif isinstance(value, np.generic):
                put(value.item())
            else:
                put(as_python(value, numbers))
        return out


def reader(s: State) -> Callable[[], Any]:
    """What gives that which stands in a place; None where nothing does, and for what is not looked at."""
    if s.appends:
        return lambda: None
    if not s.is_item and not isinstance(s.owner, types.CellType):
        return functools.partial(getattr, s.owner, s.key, None)
    if s.is_item and type(s.owner) is dict:
        return functools.partial(s.owner.get, s.key)
    return lambda: None if (value := s.read()) is ABSENT else value


def writer(s: State) -> Callable[[Any], None]:
    """What puts a value there."""
    if s.appends:
        extend: Callable[[Any], None] = s.owner.extend
        return extend
    return functools.partial(operator.setitem if s.is_item else setattr, s.owner, s.key)


def as_python(value: Any, numbers: list[bool]) -> Any:
    """A result with Python's own numbers where the function has such."""
    if not any(numbers):
        return value
    leaves, tree = trees.flatten(value)
    if len(leaves) != len(numbers):  # a list that a loop has filled, which has them already
        return value
    return trees.unflatten(tree, [x.item() if is_number and isinstance(x, np.generic) else x
                                  for x, is_number in zip(leaves, numbers, strict=True)])
