"""What must still be true for a trace to be valid: sources that are read again, and what was found there.

A *source* is a place that can be read at each call. A *guard* says what was found; when it no longer holds, the
function is traced anew. Machine code checks the common kinds (runtime/entry_spec.py), Python the others.
"""

from __future__ import annotations

import operator
import types
from collections.abc import Callable, Iterable
from dataclasses import field
from typing import Any, Protocol

import numpy as np

from ..records import dataclass
from .parts import parts

NUMBERS = (int, float, complex, str, bytes, bool, type(None), np.dtype, np.generic)
"""Values that are compared by type and value; all others by identity."""


class SourceMarker:
    def __init__(self, name: str) -> None:
        self.name = name

    def __repr__(self) -> str:
        return self.name


ABSENT = SourceMarker("ABSENT")
"""What a source gives where nothing stands."""
ANY = SourceMarker("ANY")
"""In the items of a HeldItems guard: an array, which is read through its own source."""


@dataclass(frozen=True)
class Source:
    """A place that is read at each call.

    "item": `owner[key]`; "attribute": `owner.key`; "cell": the content of the cell `owner`; "method": the function
    that `owner.key` binds to `owner` (or to its class); "type": the class of `owner`; "plain": the attribute as
    `object` finds it, without `__getattr__`; "member": what stands in the class `owner`, or in one that it inherits
    from, as it is; "body": what stands in its own body.
    """

    kind: str
    owner: Any
    key: Any = None
    label: str = ""
    """What people call the variable that a cell is."""

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Source) and self.identity == other.identity

    def __hash__(self) -> int:
        return hash(self.identity)

    @property
    def identity(self) -> tuple[str, int, type, Any]:
        return self.kind, id(self.owner), type(self.key), self.key

    def read(self) -> Any:
        """What stands there now, ABSENT where nothing does."""
        try:
            return READ[self.kind](self.owner, self.key)
        except (LookupError, ValueError, AttributeError):
            return ABSENT

    @property
    def name(self) -> str:
        """A name for the parameter that it becomes."""
        return str(self.key) if isinstance(self.key, str) else ""


def lookup(cls: type, name: str) -> Any:
    """What stands under a name in a class or in one that it inherits from; ABSENT for nothing."""
    for c in cls.__mro__:
        if name in c.__dict__:
            return c.__dict__[name]
    return ABSENT


def bound_function(owner: Any, name: str) -> Any:
    """The function that `owner.name` would call with its owner; ABSENT if it is no method."""
    value = getattr(owner, name)
    if isinstance(value, types.MethodType) and (value.__self__ is owner or value.__self__ is type(owner)):
        return value.__func__
    return ABSENT


READ: dict[str, Callable[[Any, Any], Any]] = {
    "item": operator.getitem,
    "attribute": getattr,
    "cell": lambda owner, _: owner.cell_contents,
    "method": bound_function,
    "type": lambda owner, _: type(owner),
    "plain": object.__getattribute__,
    "member": lambda owner, name: lookup(owner, name),
    "body": lambda owner, name: owner.__dict__[name],
}


class Condition(Protocol):
    """A guard of any kind."""

    def holds(self) -> bool:
        """Whether it still does."""
        ...


@dataclass(frozen=True, eq=False)
class Guard:
    """`source` still gives `expected`: the same object, or with `by_value` one of its type, equal to the bit."""

    source: Source
    expected: Any
    by_value: bool
    is_written: bool = False
    """Whether the function has put it there, rather than read it."""

    def holds(self) -> bool:
        now = self.source.read()
        return now is self.expected or (self.by_value and same_value(now, self.expected))


@dataclass(frozen=True, eq=False)
class HeldItems:
    """A list or dict still holds these items, each the same object (or ANY)."""

    container: list[Any] | dict[Any, Any]
    items: tuple[Any, ...]
    """The values of a list; the (key, value) pairs of a dict, in order."""

    def holds(self) -> bool:
        if len(self.container) != len(self.items):
            return False
        if isinstance(self.container, dict):
            pairs = zip(self.container.items(), self.items, strict=True)
            return all(k is j and (w is ANY or v is w) for (k, v), (j, w) in pairs)
        return all(map(operator.is_, self.container, self.items)) or all(
            w is ANY or v is w for v, w in zip(self.container, self.items, strict=True))


@dataclass(frozen=True, eq=False)
class Snapshot:
    """An object of any other kind still holds what it held (see `parts`)."""

    owner: Any
    held: tuple[Any, ...]

    def holds(self) -> bool:
        now = parts(self.owner)
        return now is not None and len(now) == len(self.held) and all(map(interchangeable, now, self.held))


@dataclass(frozen=True, eq=False)
class Repeated:
    """A call of something pure and cheap on values from outside still gives the same."""

    function: Callable[..., Any]
    args: tuple[Any, ...]
    kwargs: dict[str, Any]
    expected: Any

    def holds(self) -> bool:
        return alike(self.function(*self.args, **self.kwargs), self.expected)


@dataclass(eq=False)
class Together:
    """Guards that Python checks, as one callable for an entry. An exception means that they do not hold."""

    conditions: list[Condition] = field(default_factory=list)

    def __call__(self) -> bool:
        try:
            return all(c.holds() for c in self.conditions)
        except Exception:
            return False


def all_hold(conditions: Iterable[Condition]) -> bool:
    return Together(list(conditions))()


# comparison ---------------------------------------------------------------------------------------------------------
def same_value(a: Any, b: Any) -> bool:
    """Whether two plain values are interchangeable: 1, 1.0 and True are not, nor are 0.0 and -0.0; a nan is itself."""
    if type(a) is not type(b):
        return False
    if isinstance(a, tuple):
        return len(a) == len(b) and all(map(same_value, a, b))
    if isinstance(a, (float, complex, np.generic)):
        return np.asarray(a).dtype == np.asarray(b).dtype and np.asarray(a).tobytes() == np.asarray(b).tobytes()
    return isinstance(a, NUMBERS) and bool(a == b)


def interchangeable(a: Any, b: Any) -> bool:
    return a is b or b is ANY or same_value(a, b)


def is_plain(x: Any) -> bool:
    """Whether a value is compared by value."""
    return (type(x) in NUMBERS or isinstance(x, np.dtype) or (isinstance(x, np.generic) and x.dtype.kind not in "OV")
            or (type(x) is tuple and all(map(is_plain, x))))


BOUND = (types.BuiltinFunctionType, types.MethodWrapperType)
"""Methods of C code, which are made anew each time that they are asked for."""


def alike(a: Any, b: Any, depth: int = 8) -> bool:
    """Whether two results of one call mean the same: one object, equal plain values, or alike in all parts."""
    if interchangeable(a, b) or (isinstance(a, BOUND) and type(a) is type(b) and a == b):
        return True
    if type(a) is not type(b) or not depth or isinstance(a, (type, types.FunctionType)):
        return False
    left, right = parts(a), parts(b)
    told = bool(left) or isinstance(a, (list, dict, set, frozenset))  # an object without parts says nothing
    return (left is not None and right is not None and told and len(left) == len(right)
            and all(alike(v, w, depth - 1) for v, w in zip(left, right, strict=True)))


__all__ = ["ABSENT", "ANY", "Condition", "HeldItems", "Guard", "Repeated", "Snapshot", "Source", "Together",
           "all_hold", "alike", "is_plain", "lookup", "same_value"]
