"""Values from outside of the traced function: where they come from, and what must stay true of them.

One principle: what the trace has read, and where it has read it, is watched; what cannot be watched is refused.

An array from outside is a hidden input: it is read at each call, from its *source* (a global name, a closure cell, an
attribute, an item of a container) where it has one, so that rebinding the name needs no new trace. Everything else from
outside (numbers, functions, modules, classes, the containers themselves) is part of the compiled code, and a *guard*
(guards.py) says so. A place where nothing was found is guarded, too.

Containers are watched as soon as they come in, with all that they hold; attributes of objects one by one, as they are
read (attributes.py); whatever a library may look at, down to the last part (`watch`). Only what the function makes
itself is *fresh*, and needs no guard.
"""

from __future__ import annotations

import functools
import types
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from ..errors import TraceError
from ..ir import DTYPES, Loc
from ..probe import class_name, is_of_package, text
from .ambient import note_decimals
from .fresh_arrays import FreshArrays
from .guards import ABSENT, ANY, NUMBERS, Condition, Guard, HeldItems, Repeated, Snapshot, Source, is_plain
from .locations import fail, is_internal
from .parts import CONTAINERS, HEAP_TYPE, is_iterator, parts

if TYPE_CHECKING:
    from .recorder import Recorder

_COMPILED = frozenset(t.np.str[1:] for t in DTYPES.values() if t.kind in "biufc")


def is_data_array(x: Any) -> bool:
    """Whether it is an array that can be a hidden input."""
    return type(x) in (np.ndarray, np.memmap) and x.dtype.str[1:] in _COMPILED


def is_user_class(cls: type) -> bool:
    """Whether a class may be changed by its user: made by a class statement outside of the libraries."""
    return bool(cls.__flags__ & HEAP_TYPE) and text(cls, "__module__").partition(".")[0] not in LIBRARIES


LIBRARIES = frozenset({"builtins", "numpy", "scipy", "gradjit", "collections", "functools", "abc", "typing", "enum",
                       "types", "dataclasses", "optree"})
MAX_WATCHED = 20_000
"""Objects that one call of a library may look at."""


class Outside:
    """What the open trace knows of the world outside. One for each outermost recorder."""

    def __init__(self) -> None:
        self.guards: dict[Any, Condition] = {}
        self.places: dict[int, tuple[np.ndarray, Source]] = {}
        """Arrays in containers from outside, by id: wherever one turns up, it is read from there."""
        self.objects: dict[int, Any] = {}
        """Containers and instances from outside, by id (kept alive, so that an id stays one object's)."""
        self.fresh_arrays = FreshArrays()
        self.born: dict[int, tuple[np.ndarray, Any]] = {}
        """Arrays that were made in calls which the tracer does not see, by id, with their handles."""
        self.lent: dict[int, list[tuple[np.ndarray, Any, Any]]] = {}
        """These by the id of what owns their elements: with the elements as they were, and the handle."""
        self.sparse: dict[int, tuple[Any, Any]] = {}
        """Sparse matrices, by id, with what stands for them."""
        self.fresh: dict[int, Any] = {}
        """Objects that the traced function has made."""
        self.followed: set[types.FunctionType] = set()
        """Functions whose names are guarded."""
        self.watched: dict[int, Any] = {}
        """Objects of which every part is watched."""
        self.namespaces: dict[int, dict[str, Any]] = {}
        """Dicts of global names that came in as such: what is read of them is guarded name by name."""
        self.passed: dict[int, Any] = {}
        """Containers that stand for those among the arguments."""
        self.views: dict[int, tuple[np.ndarray, np.ndarray]] = {}
        self.lost: dict[int, tuple[Any, str]] = {}
        """Iterators of which nobody knows where they have come to, by id, with the reason."""
        self.copies: list[tuple[Any, Any]] = []
        """Containers that functions without source have got, with what they held."""
        self.for_effect: Any = None
        """The function that is called for its effect alone, if one is."""
        self.effects: dict[int, tuple[Any, str, Loc | None]] = {}
        """Objects of libraries with a method that the compiled function calls for its effect."""
        self.at_end: list[Callable[[Any], None]] = []
        """What wants to know, when the trace has ended, what was read: it is called with the recorder."""
        self.prints: list[tuple[dict[str, Any], Loc | None]] = []
        """NumPy's print options where an array is printed that is not known yet."""
        self.settings: dict[Any, None] = {}
        """How settings of the process are read that the function changes."""
        self.seeded: dict[int, Any] = {}
        """Random generators that the traced function has made itself, from a seed."""
        self.streams: dict[int, Any] = {}
        """What stands for these where it is not known what they draw."""

    def plain(self, array: np.ndarray) -> np.ndarray:
        """A view of an array of a subclass as an ndarray: the same one for the same array."""
        return self.views.setdefault(id(array), (array, array.view(np.ndarray)))[1]

    # what was read ----------------------------------------------------------------------------------------------------
    def enter(self, value: Any, source: Source | None) -> None:
        """A value that is no array comes in from `source` (None: from a place that cannot change)."""
        if source is not None and not any(s.stands_at(source) for s in self.states()):
            self.guards.setdefault(source, Guard(source, value, is_plain(value)))
        self.look_into(value)

    def absent(self, source: Source) -> None:
        """Nothing stands at a source."""
        self.guards.setdefault(source, Guard(source, ABSENT, False))

    def repeat(self, f: Any, args: tuple[Any, ...], kwargs: dict[str, Any], result: Any, key: Any = None) -> None:
        """A call of something pure on values from outside has given this."""
        self.guards[key or ("call", len(self.guards))] = Repeated(f, args, kwargs, result)

    def has_class(self, x: Any) -> None:
        """The class of an object has decided something."""
        if not self.is_fresh(x) and type(x).__flags__ & HEAP_TYPE:
            source = Source("type", x)
            self.guards.setdefault(source, Guard(source, type(x), False))

    def has_member(self, cls: type, name: str, value: Any) -> None:
        """A class (or one that it inherits from) has this under a name: for attributes found by way of the class."""
        if cls.__flags__ & HEAP_TYPE and not self.is_fresh(cls):
            source = Source("attribute", cls, name)
            self.guards.setdefault(source, Guard(source, value, False))

    def runs(self, f: types.FunctionType) -> None:
        """A function is traced: its code and its defaults are part of what is compiled."""
        for name in ("__code__", "__defaults__", "__kwdefaults__"):
            source = Source("attribute", f, name)
            if source not in self.guards:
                self.enter(getattr(f, name), source)

    def variable(self, value: Any) -> str:
        """The global name, or that of an enclosing function, by which an object came in; "" for none."""
        for g in self.guards.values():
            if isinstance(g, Guard) and g.expected is value and (
                    g.source.kind == "cell" or (g.source.kind == "item" and "__builtins__" in g.source.owner)):
                return g.source.label or g.source.name
        return ""

    # containers -------------------------------------------------------------------------------------------------------
    def look_into(self, value: Any) -> None:
        """Guard what a container holds, and note where its arrays stand."""
        note_decimals(self, value)
        if is_plain(value) or id(value) in self.objects or isinstance(value, (types.ModuleType, type)):
            return
        if id(value) not in self.fresh:
            self.objects[id(value)] = value
        if type(value) is list:
            self.contents(value, tuple(value), list(enumerate(value)))
        elif type(value) is dict:
            self.contents(value, tuple(value.items()), list(value.items()))
        elif isinstance(value, CONTAINERS) and not is_data_array(value):
            self.snapshot(value)
            for item in parts(value) or ():
                if not is_data_array(item):
                    self.look_into(item)
        elif isinstance(value, types.MethodType):
            self.look_into(value.__self__)
        elif type(value) is functools.partial:
            for name in ("func", "args", "keywords"):  # which `__setstate__` may change
                part = getattr(value, name)
                if self.is_fresh(value):
                    self.look_into(part)
                else:
                    self.enter(part, Source("attribute", value, name))

    def contents(self, container: Any, items: tuple[Any, ...], places: list[tuple[Any, Any]]) -> None:
        fresh = id(container) in self.fresh
        for key, item in places:
            if type(item) in NUMBERS:
                continue
            if not is_data_array(item):
                self.look_into(item)
            elif not fresh:
                self.place(item, Source("item", container, key))
        if fresh:
            return
        carried = {s.key for s in self.states() if s.owner is container}
        if isinstance(container, dict):
            items = tuple((k, ANY if is_data_array(v) or k in carried else v) for k, v in items)
        else:
            items = tuple(ANY if is_data_array(v) or k in carried else v for k, v in enumerate(items))
        self.guards[id(container)] = HeldItems(container, items)

    @staticmethod
    def states() -> Sequence[Any]:
        """What is carried from call to call (state.py): it is no part of the compiled code."""
        from .recorder import recorders
        return recorders()[-1].outermost.states if recorders() else ()

    def snapshot(self, owner: Any) -> bool:
        """Guard what an object of any kind holds. Whether that can be told."""
        if id(owner) in self.fresh or (id(owner) in self.guards and isinstance(self.guards[id(owner)], Snapshot)):
            return True
        held = parts(owner)
        if type(owner) is not tuple and (held or (held is not None and isinstance(owner, CONTAINERS))):  # it may grow
            self.guards[id(owner)] = Snapshot(owner, held)
        return held is not None

    def place(self, array: np.ndarray, source: Source) -> None:
        """An array stands at `source`. One that stands at two places is guarded to be the same at both."""
        other = self.places.setdefault(id(array), (array, source))[1]
        if other != source:
            for s in (source, other):
                self.guards.setdefault(s, Guard(s, array, False))

    def watch(self, value: Any, what: str, follows: bool = False) -> None:
        """Guard everything that can be reached from a value. TraceError where that cannot be told; `what` looks at it.

        Arrays are guarded with their elements: what was computed from them is part of the compiled code.
        follows: whether the functions among it are traced when they are called, and so guard what they read themselves.
        """
        todo = [value]
        while todo:
            x = todo.pop()
            if follows and isinstance(x, types.FunctionType):
                continue
            if is_plain(x) or id(x) in self.watched or is_of_package(type(x), "gradjit"):
                continue
            self.watched[id(x)] = x
            if len(self.watched) > MAX_WATCHED:
                fail(TraceError, f"{what} may look at more than {MAX_WATCHED} objects from outside, too many to notice "
                                 f"when one of them changes; call it outside and pass the result as an argument")
            if isinstance(x, type) and not is_user_class(x):
                continue
            if isinstance(x, types.FunctionType):
                if is_internal(x.__code__.co_filename):
                    continue
                from .unlifted import guard_names
                guard_names(x)
            if not self.snapshot(x):
                if is_iterator(x) and id(x) in self.fresh:
                    continue
                fail(TraceError, f"{what} looks at {described(x)} from outside, whose changes cannot be noticed: a "
                                 f"compiled function would repeat what it found while it was traced; call it outside "
                                 f"and pass the result as an argument")
            if id(x) not in self.fresh:
                self.objects.setdefault(id(x), x)
            todo += parts(x) or ()
            if not isinstance(x, (*CONTAINERS, type, types.FunctionType)) and is_user_class(type(x)):
                self.has_class(x)
                todo.append(type(x))

    def watch_attribute(self, owner: Any, name: str, what: str) -> Any:
        """What an object holds under a name, which is guarded with everything that can be reached from it."""
        found = getattr(owner, name)
        self.enter(found, Source("attribute", owner, name))
        self.watch(found, what)
        return found

    def check_lent(self) -> None:
        """TraceError where a call that the tracer does not see has changed an array that was read before."""
        for array, before, _ in (entry for entries in self.lent.values() for entry in entries):
            if not same_elements(array, before):
                fail(TraceError, f"an array of {array.dtype} that the function has made was changed behind its use, by "
                                 f"a call that gradjit does not follow; copy it before it is used")

    def require_known(self, x: Any) -> None:
        """TraceError before items are taken of an iterator that is lost."""
        if self.lost and id(x) in self.lost and is_iterator(x):
            fail(TraceError, f"{self.lost[id(x)][1]}, so that nobody knows which item of {described(x)} comes next; "
                             f"make another iterator, or write a for loop with an if and a break")

    # what is whose ----------------------------------------------------------------------------------------------------
    def made(self, x: Any) -> None:
        """The traced function has made an object."""
        self.fresh[id(x)] = x

    def is_fresh(self, x: Any) -> bool:
        return id(x) in self.fresh

    def is_passed(self, x: Any) -> bool:
        return id(x) in self.passed

    def knows(self, value: Any) -> bool:
        """Whether a container or instance came from outside."""
        return id(value) in self.objects

    def outlives(self, owner: Any) -> bool:
        """Whether something that is changed is there when the trace has ended: it came from outside, as do all classes
        and modules that the function has not made itself."""
        if isinstance(owner, (type, types.ModuleType)):
            return not self.is_fresh(owner)
        return self.knows(owner) or id(owner) in self.namespaces


def same_elements(a: np.ndarray, b: np.ndarray) -> bool:
    return a.shape == b.shape and a.tobytes() == b.tobytes()


def described(x: Any) -> str:
    """An object as an error names it."""
    name = class_name(type(x))
    return f"{'an' if name[0] in 'aeiou' else 'a'} {name}"


def outside(recorder: Recorder) -> Outside:
    """The outermost recorder's knowledge of the world."""
    return recorder.outermost.world
