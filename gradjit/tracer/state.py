"""State: attributes, items and lists from outside that a compiled function changes at each call.

    def step(self, z): self.m = 0.9 * self.m + 0.1 * z; self.log.append(self.m)

The first trace shows what is changed (`Kept`). The next one is made with traced values in these places, which come in
as an argument and go out as results: what stands there is read before each call, and put back behind it. A list that is
appended to gets the new items; what it held before is not looked at.
"""

from __future__ import annotations

import operator
import types
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import numpy as np

from ..errors import TraceError
from ..ir import Loc
from ..records import dataclass
from . import grown, trees
from .array import PYTHON, TracedArray, root
from .guards import ABSENT, Guard, HeldItems, Source, lookup
from .locations import here
from .recorder import recorders

STORED = (types.MemberDescriptorType, types.GetSetDescriptorType)
"""What stands in a class for attributes that an instance holds itself."""


@dataclass(frozen=True, eq=False)
class State:
    """`owner.key`, or `owner[key]`; with `appends` a list that gets new items at its end, perhaps under a global name,
    or that of an enclosing function."""

    owner: Any
    key: Any
    is_item: bool = False
    appends: bool = False
    name: str = ""

    def is_same(self, other: State) -> bool:
        return (self.owner is other.owner and (type(self.key), self.key) == (type(other.key), other.key)
                and self.is_item == other.is_item and self.appends == other.appends)

    def stands_at(self, source: Source) -> bool:
        """Whether a source is this place."""
        key = "cell_contents" if source.kind == "cell" else source.key
        return source.owner is self.owner and not self.appends and (type(key), key) == (type(self.key), self.key)

    @property
    def place(self) -> str:
        """As an error names it."""
        if isinstance(self.owner, types.CellType):
            return "a name of an enclosing function"
        return f"an item of a {type(self.owner).__name__}" if self.is_item else (
            f"the attribute {self.key} of a {type(self.owner).__name__}")

    @property
    def source(self) -> Source | None:
        """Where it is read again; None where other places tell: those of a property, or the items of a slice."""
        if self.is_item:
            return None if isinstance(self.key, slice) else Source("item", self.owner, self.key)
        if isinstance(self.owner, types.CellType):
            return Source("cell", self.owner)
        if isinstance(self.owner, (type, types.ModuleType)):
            return Source("attribute", self.owner, self.key)
        found = lookup(type(self.owner), self.key)
        is_stored = found is ABSENT or not hasattr(type(found), "__set__") or isinstance(found, STORED)
        return Source("plain", self.owner, self.key) if is_stored else None

    @property
    def moves_on(self) -> bool:
        """Whether it is changed by what computes derivatives, too: a random generator is never at the same place
        again."""
        return getattr(type(self.owner), "moves_on", False) is True

    def read(self) -> Any:
        try:
            if self.is_item and isinstance(self.owner, dict):
                return dict.get(self.owner, self.key, ABSENT)  # the own one of a defaultdict would put something there
            return self.owner[self.key] if self.is_item else getattr(self.owner, self.key)
        except (LookupError, AttributeError, ValueError):
            return ABSENT

    def put(self, value: Any) -> None:
        if self.is_item:
            self.owner[self.key] = value
        else:
            setattr(self.owner, self.key, value)

    @property
    def is_inherited(self) -> bool:
        """Whether what is read there belongs to the class, or one that it inherits from: to write it makes the owner
        one of its own."""
        own = None if self.is_item or self.appends else getattr(self.owner, "__dict__", None)
        if own is None or self.key in own:
            return False
        found = lookup(self.owner if isinstance(self.owner, type) else type(self.owner), self.key)
        return found is not ABSENT and (isinstance(self.owner, type) or not hasattr(type(found), "__set__"))

    def restore(self, old: Any, was_inherited: bool) -> None:
        """What stood there before: `read` and `is_inherited` have told."""
        if self.appends:
            self.owner[:] = old
        elif old is ABSENT or was_inherited:
            if self.read() is not ABSENT and not self.is_inherited:
                self.remove()
        else:
            self.put(old)

    def remove(self) -> None:
        if self.is_item:
            operator.delitem(self.owner, self.key)
        else:
            delattr(self.owner, self.key)


def is_carried(state: State) -> bool:
    """Whether it is one that an argument and a result stand for."""
    return any(state.is_same(s) for s in recorders()[-1].outermost.states)


def before_writing(state: State, known: bool = False) -> None:
    """Before something outside is changed while the function is traced: where that fails, it is changed back."""
    r = recorders()[-1].outermost if recorders() else None
    if r is not None and (known or r.world.outlives(state.owner)) and not is_carried(state):
        r.written.append((state, state.read(), state.is_inherited, here()))


def change_back(written: list[tuple[State, Any, bool, Loc | None]]) -> None:
    """What was changed outside is as it was before the trace."""
    while written:
        state, old, was_inherited, _ = written.pop()
        state.restore(old, was_inherited)


class Kept(TraceError):
    """The function gives a traced value to something outside: a state, for those who carry it."""

    def __init__(self, message: str, state: State | None = None):
        super().__init__(message)
        self.state = state


def changed_numbers(guards: Sequence[Any]) -> State | None:
    """A number from outside that the function itself has changed while it was traced. What was changed is as it was
    before, then."""
    found: State | None = None
    for g in guards:
        for s, expected in numbers_of(g):
            now = s.read()
            if type(now) is type(expected) and now != expected:
                s.put(expected)
                found = found or s
    return found


def numbers_of(g: Any) -> Iterator[tuple[State, Any]]:
    """The places of numbers that a guard is of, with what they held."""
    if isinstance(g, Guard) and g.is_written:
        return
    if isinstance(g, HeldItems):
        pairs = g.items if isinstance(g.container, dict) else enumerate(g.items)
        yield from ((State(g.container, k, is_item=True), v) for k, v in pairs if isinstance(v, NUMBERS))
    elif isinstance(g, Guard) and g.source.kind in ("attribute", "item") and isinstance(g.expected, NUMBERS):
        yield State(g.source.owner, g.source.key, is_item=g.source.kind == "item"), g.expected
    elif isinstance(g, Guard) and g.source.kind == "cell" and isinstance(g.expected, NUMBERS):
        yield State(g.source.owner, "cell_contents"), g.expected


NUMBERS = (int, float, complex, np.generic)


class Before:
    """What a list from outside holds before a call: it is not looked at."""

    def __repr__(self) -> str:
        return "<items of earlier calls>"


def passed(value: Any) -> Any:
    """A value as an argument: an int is traced, as it changes from call to call."""
    if type(value) is not int:
        return value
    return np.int64(value) if -2 ** 63 <= value < 2 ** 63 else value


def received(value: Any, given: Any) -> Any:
    """The argument as what stood in the place: a Python int stays one."""
    if type(given) is int and isinstance(value, TracedArray):
        return root(value.content, value.home, PYTHON)
    return value


@contextmanager
def carried(states: Sequence[State], values: Sequence[Any]) -> Iterator[StateResults]:
    """Traced values stand in the places of the states, and what stands there in the end is told; then all is as it was.
    A place where nothing stood has None for a value."""
    outermost = recorders()[-1].outermost
    world, outermost.states = outermost.world, states
    with restored(states):
        for s, value in zip(states, values, strict=True):
            if s.appends:
                s.owner[:] = [BEFORE]
                world.made(s.owner)
                grown.noted(s.owner)
            elif (old := s.read()) is not ABSENT:
                s.put(received(value, old))
        yield StateResults(states)


BEFORE = Before()


@contextmanager
def restored(states: Sequence[State]) -> Iterator[None]:
    """A function that is differentiated leaves its states as they were."""
    before = [(list(s.owner) if s.appends else s.read(), s.is_inherited) for s in states]
    try:
        yield
    finally:
        for s, (old, was_inherited) in zip(states, before, strict=True):
            s.restore(old, was_inherited)


class StateResults:
    """What the states are at the end."""

    def __init__(self, states: Sequence[State]):
        self.states = states
        self.numbers: list[list[bool]] = []
        """Which leaves of each are Python's numbers."""

    def now(self) -> list[Any]:
        values = [s.owner[1:] if s.appends else s.read() for s in self.states]
        self.numbers = [[isinstance(x, TracedArray) and x.kind == PYTHON for x in trees.flatten(v)[0]]
                        for v in values]
        for v, s in zip(values, self.states, strict=True):
            if s.appends:
                grown.noted(v)
        return [None if v is ABSENT else v for v in values]
