"""Values from outside of the traced function: where they come from, and what must stay true of them.

An array from outside is a hidden input: it is read at each call, from its *source* (a global name, a closure cell, an
attribute, an item of a container) where it has one, so that rebinding the name needs no new trace. Everything else from
outside (numbers, strings, functions, the containers themselves) is part of the compiled code; a *guard* says so, and a
failing guard means tracing again.
"""

from __future__ import annotations

import functools
import operator
import types
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np

from ..ir import DTYPES
from ..probe import code_of
from .births import Births
from .locations import is_internal

if TYPE_CHECKING:
    from .recorder import Recorder

NUMBERS = (int, float, complex, str, bytes, bool, type(None), np.dtype)
"""Values that are compared by type and value; all others by identity."""


@dataclass(frozen=True)
class Source:
    """A place that is read at each call, by its kind: `owner[key]` ("item"), `owner.key` ("attribute"), or the
    content of the cell `owner` ("cell").
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
    def identity(self) -> tuple[str, int, Any]:
        return self.kind, id(self.owner), self.key

    def read(self) -> Any:
        """What stands there now; the Source itself where nothing does."""
        try:
            if self.kind == "item":
                return self.owner[self.key]
            return self.owner.cell_contents if self.kind == "cell" else getattr(self.owner, self.key)
        except (LookupError, ValueError, AttributeError):
            return self

    @property
    def name(self) -> str:
        """A name for the parameter that it becomes."""
        return str(self.key) if isinstance(self.key, str) else ""


class _Any:
    """In the items of a Contents guard: an array, which is read through its own source."""

    def __repr__(self) -> str:
        return "ANY"


ANY = _Any()


@dataclass(frozen=True, eq=False)
class Guard:
    """`source` still gives `expected`: the same object, or with `by_value` one of its type, equal to the bit."""

    source: Source
    expected: Any
    by_value: bool

    def holds(self) -> bool:
        now = self.source.read()
        return now is self.expected or (self.by_value and same_value(now, self.expected))


@dataclass(frozen=True, eq=False)
class Contents:
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


class Condition(Protocol):
    """A guard of any kind."""

    def holds(self) -> bool:
        """Whether it still does."""
        ...


def same_value(a: Any, b: Any) -> bool:
    """Whether two plain values are interchangeable: 1, 1.0 and True are not, nor are 0.0 and -0.0; a nan is itself."""
    if type(a) is not type(b):
        return False
    if isinstance(a, tuple):
        return len(a) == len(b) and all(map(same_value, a, b))
    if isinstance(a, (float, complex)):
        return np.asarray(a).tobytes() == np.asarray(b).tobytes()
    return isinstance(a, NUMBERS) and bool(a == b)


def is_plain(x: Any) -> bool:
    """Whether a value is compared by value."""
    return type(x) in NUMBERS or isinstance(x, np.dtype) or (type(x) is tuple and all(map(is_plain, x)))


def is_library(x: Any) -> bool:
    """Modules, builtins, and functions and classes of NumPy, SciPy, the standard library and gradjit: not guarded."""
    if isinstance(x, (types.ModuleType, types.BuiltinFunctionType, np.ufunc)):
        return True
    code = code_of(x)
    if code is not None:
        return is_internal(code.co_filename)
    return isinstance(x, type) and x.__module__.partition(".")[0] in ("builtins", "numpy", "scipy", "gradjit", "math")


_COMPILED = frozenset(t.np.str[1:] for t in DTYPES.values() if t.kind in "biufc")


def is_data_array(x: Any) -> bool:
    """Whether it is an array that can be a hidden input."""
    return type(x) in (np.ndarray, np.memmap) and x.dtype.str[1:] in _COMPILED


class Outside:
    """What the open trace knows of the world outside. One for each outermost recorder."""

    def __init__(self) -> None:
        self.guards: dict[Any, Condition] = {}
        self.places: dict[int, tuple[np.ndarray, Source]] = {}
        """Arrays in containers from outside, by id: wherever one turns up, it is read from there."""
        self.objects: dict[int, Any] = {}
        """Containers and instances from outside, by id (kept alive, so that an id stays one object's)."""

        self.births = Births()
        self.born: dict[int, tuple[np.ndarray, Any]] = {}
        """Arrays that were made in calls which the tracer does not see, by id, with their handles."""
        self.sparse: dict[int, tuple[Any, Any]] = {}
        """Sparse matrices, by id, with what stands for them."""
        self.views: dict[int, tuple[np.ndarray, np.ndarray]] = {}
        self.seeded: dict[int, Any] = {}
        """Random generators that the traced function has made itself, from a seed."""

    def plain(self, array: np.ndarray) -> np.ndarray:
        """A view of an array of a subclass as an ndarray: the same one for the same array."""
        return self.views.setdefault(id(array), (array, array.view(np.ndarray)))[1]

    def enter(self, value: Any, source: Source | None) -> None:
        """A value that is no array comes in from `source` (None: from a place that cannot change)."""
        if is_library(value):
            return
        if source is not None:
            self.guards.setdefault(source, Guard(source, value, is_plain(value)))
        self.look_into(value)

    def look_into(self, value: Any) -> None:
        """Guard what a container holds, and note where its arrays stand."""
        if is_plain(value) or id(value) in self.objects or isinstance(value, types.FunctionType):
            return
        self.objects[id(value)] = value
        if type(value) is list:
            self.contents(value, tuple(value), list(enumerate(value)))
        elif type(value) is dict:
            self.contents(value, tuple(value.items()), list(value.items()))
        elif isinstance(value, tuple):
            for item in value:
                if not is_data_array(item):
                    self.look_into(item)
        elif isinstance(value, types.MethodType):
            self.look_into(value.__self__)
        elif type(value) is functools.partial:
            self.look_into((value.func, *value.args, value.keywords))

    def contents(self, container: Any, items: tuple[Any, ...], places: list[tuple[Any, Any]]) -> None:
        for key, item in places:
            if is_data_array(item):
                self.place(item, Source("item", container, key))
            else:
                self.look_into(item)
        if isinstance(container, dict):
            items = tuple((k, ANY if is_data_array(v) else v) for k, v in items)
        else:
            items = tuple(ANY if is_data_array(v) else v for v in items)
        self.guards[id(container)] = Contents(container, items)

    def place(self, array: np.ndarray, source: Source) -> None:
        """An array stands at `source`. One that stands at two places is tied to both by identity."""
        other = self.places.setdefault(id(array), (array, source))[1]
        if other != source:
            for s in (source, other):
                self.guards.setdefault(s, Guard(s, array, False))

    def knows(self, value: Any) -> bool:
        """Whether a container or instance came from outside."""
        return id(value) in self.objects


def outside(recorder: Recorder) -> Outside:
    """The outermost recorder's knowledge of the world."""
    return recorder.outermost.world
