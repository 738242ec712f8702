"""What a variable holds, part by part: lists, tuples, dicts, whatever is a pytree, dataclasses, and instances of the
user's own classes that the traced function has made.

Branches merge and loops carry such things leaf by leaf, and make new ones behind, which hold the results. A new one is
no longer the object that went in: what has several names is `frozen` then (see `freeze`).
"""

from __future__ import annotations

import bisect
import dataclasses
import functools
import heapq
import operator
import random
from collections import OrderedDict, defaultdict, deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any

import numpy as np
import optree

from ..errors import TraceError
from ..ir import Loc, Value
from . import trees
from .array import TracedArray
from .control.frames import items_of
from .locations import fail, with_place
from .outside import is_user_class, outside
from .parts import is_iterator
from .perhaps import EitherText, Fixed, OneOf, Perhaps, Unset
from .recorder import current, recorders

DEEPEST = 60
"""How deep objects are opened: what is nested deeper, or in itself, is one leaf."""
CLOSED = (BaseException, type, list, dict, set, frozenset, tuple, str, bytes, np.ndarray, np.generic, int, float,
          complex)
"""Instances of subclasses of these are more than their attributes."""


UNCHANGING = (tuple, Fixed)
"""What holds other things for ever."""


class Structure:
    """A node with its children; `kind` is None for a leaf, else what equal nodes have in common."""

    __slots__ = ("given", "kind", "children", "build")

    def __init__(self, given: Any, kind: Any = None, children: Sequence[Structure] = (),
                 build: Callable[[list[Any]], Any] | None = None):
        self.given, self.kind, self.children, self.build = given, kind, children, build

    def is_leaf(self) -> bool:
        return self.kind is None

    @property
    def type(self) -> Any:
        """The class of a node."""
        return self.kind and self.kind[0]

    def __eq__(self, other: object) -> bool:
        if self is other:
            return True
        return isinstance(other, Structure) and self.kind == other.kind and len(self.children) == len(
            other.children) and all(map(Structure.__eq__, self.children, other.children))

    def __hash__(self) -> int:
        return hash((self.kind, len(self.children)))

    def leaves(self) -> Iterator[Any]:
        if self.kind is None:
            yield self.given
        for c in self.children:
            yield from c.leaves()

    def nodes(self) -> Iterator[Structure]:
        """What can be changed in place: lists, dicts, objects; from the outside in."""
        if self.kind is not None and not isinstance(self.given, UNCHANGING):
            yield self
        for c in self.children:
            yield from c.nodes()

    def with_leaves(self, leaves: Iterator[Any]) -> Any:
        """The same with other leaves: new objects, that belong to the traced function."""
        return next(leaves) if self.kind is None else self.remade([c.with_leaves(leaves) for c in self.children])

    def remade(self, children: list[Any]) -> Any:
        """The same with other children."""
        assert self.build is not None
        return made(self.build(children))

    def bare(self) -> Structure:
        """The same of nothing in particular."""
        return Structure(None, self.kind, [c.bare() for c in self.children], self.build) if self.children else (
            LEAF if self.kind is None else Structure(None, self.kind, (), self.build))

    def skip(self, leaves: Iterator[Any]) -> None:
        """Pass over as many leaves as it has."""
        for _ in self.leaves():
            next(leaves)


LEAF = Structure(None)


def flatten(x: Any, outermost: bool = False) -> tuple[list[Any], Structure]:
    """Leaves and structure; with `outermost` lists, dicts and objects within are leaves."""
    if isinstance(x, (TracedArray, float, int)):
        return [x], LEAF
    try:
        found = opened(x, (), outermost)
    except TooDeep:
        return [x], Structure(x)
    return list(found.leaves()), found


def unflatten(structure: Structure, leaves: Iterable[Any]) -> Any:
    return structure.with_leaves(iter(leaves))


class TooDeep(Exception):
    """Objects that hold one another, or nested without end."""


def opened(x: Any, around: tuple[int, ...], outermost: bool = False) -> Structure:
    """`around`: the ids of what x stands in."""
    if x is None or isinstance(x, (TracedArray, float, int, str)) or (
            outermost and around and not isinstance(x, UNCHANGING)):
        return Structure(x)
    node = children_of(x)
    if node is None:
        return Structure(x)
    if id(x) in around or len(around) > DEEPEST:
        raise TooDeep
    kind, children, build = node
    around = (*around, id(x))
    return Structure(x, kind, [opened(c, around, outermost) for c in children], build)


Node = tuple[Any, Iterable[Any], Callable[[list[Any]], Any]]


def children_of(x: Any) -> Node | None:
    """What stands in a container or object, and how one is made with other things in it; None for a leaf."""
    kind = type(x)
    if kind in BUILTIN:
        return BUILTIN[kind](x)
    if isinstance(x, tuple) and hasattr(kind, "_fields"):
        return (kind, len(x)), x, lambda values: tuple.__new__(kind, values)
    if is_openable(x):
        items = items_of(x)
        names = tuple(items)
        return (kind, names), items.values(), lambda values: remade(kind, names, values)
    if isinstance(x, (*CLOSED, Iterator)) or callable(x):
        return None
    try:
        children, about, _, build = optree.tree_flatten_one_level(x, namespace=trees.NAMESPACE)
    except ValueError:
        return None
    return (kind, len(children), repr(about)), children, lambda values: build(about, values)


BUILTIN: dict[type, Callable[[Any], Node | None]] = {
    list: lambda x: ((list, len(x)), x, list),
    tuple: lambda x: ((tuple, len(x)), x, tuple),
    Perhaps: lambda x: of_perhaps(x),
    Unset: lambda x: of_perhaps(x),
    EitherText: lambda x: ((EitherText,), (x.is_first, x.first, x.second),
                           lambda values: EitherText(values[0], values[1], values[2], x.why)),
    OneOf: lambda x: ((OneOf, x.options), (x.number,), lambda values: OneOf(values[0], x.options, x.why)),
    deque: lambda x: ((deque, len(x), x.maxlen), x, functools.partial(deque, maxlen=x.maxlen)),
    dict: lambda x: of_mapping(x, dict),
    OrderedDict: lambda x: of_mapping(x, OrderedDict),
    defaultdict: lambda x: of_mapping(x, functools.partial(defaultdict, x.default_factory)),
}


def register(cls: type, node: Callable[[Any], Node | None]) -> None:
    """A class of the tracer's own whose instances hold traced values."""
    BUILTIN[cls] = node


def of_perhaps(x: Perhaps) -> Node:
    return (type(x),), (x.is_there, x.value), lambda values: type(x)(values[0], values[1], x.why)


def of_mapping(x: dict[Any, Any], make: Any) -> Node:
    keys = tuple(x)
    factory = x.default_factory if isinstance(x, defaultdict) else None
    return (type(x), factory, tuple((type(k), k) for k in keys)), x.values(), lambda values: make(
        zip(keys, values, strict=True))


def is_openable(x: Any) -> bool:
    """Whether an instance is all that its attributes are: a dataclass, or one of the user's own class that the traced
    function has made (others may change unseen)."""
    cls = type(x)
    if isinstance(x, CLOSED) or not is_user_class(cls) or is_iterator(x):
        return False
    if dataclasses.is_dataclass(cls):
        return True
    return bool(recorders()) and outside(current()).is_fresh(x)


def remade(cls: type, names: Iterable[str], values: Iterable[Any]) -> Any:
    """An instance with these attributes; `__init__`, which may ask for numbers, is not called."""
    x: Any = object.__new__(cls)
    for name, value in zip(names, values, strict=True):
        object.__setattr__(x, name, value)
    return x


def made(x: Any) -> Any:
    """A container or object that the traced function has made."""
    if recorders():
        outside(current()).made(x)
        recorders()[-1].frame.fresh[id(x)] = x
    return x


# what has several names -----------------------------------------------------------------------------------------------
class Unroll(TraceError):
    """A loop of known length had better run iteration by iteration: what it makes is changed behind it."""

    def __init__(self, message: str, loc: Loc):
        super().__init__(message)
        self.loc = loc


STANDS_FOR: dict[type, Callable[[Any], Any]] = {}
"""Classes of the tracer's own of which several objects stand for one thing: which it is."""


def _itself(x: Any) -> Any:
    return x


FEW_ITERATIONS = 16
"""A loop of at most so many iterations is unrolled for extents that it counts: arrays of computed extent cost more."""


def unrolled_for(values: Sequence[Value], what: str, most: int = FEW_ITERATIONS) -> None:
    """Raises Unroll where values are what a loop of known length, of at most so many iterations, counts or carries: run
    iteration by iteration, it knows them."""
    frame: Any = recorders()[-1].frame
    tried = recorders()[-1].outermost.unrolled_at  # what is compiled all the same has to be
    while frame is not None:
        if frame.loc is not None and isinstance(frame.trip_count, int) and frame.trip_count <= most and (
                frame.loc not in tried) and any(v in frame.block.params for v in values):
            raise Unroll(with_place(what), frame.loc)
        frame = frame.parent


def freeze(x: Any, why: str, made_at: Loc | None = None) -> None:
    """A list, dict or object may not be changed any more: of several names for it, one would not see that. `made_at`: a
    loop that makes it, of which more would be known if it ran iteration by iteration."""
    if not isinstance(x, UNCHANGING):
        x = STANDS_FOR.get(type(x), _itself)(x)
        recorders()[-1].frame.frozen[id(x)] = x, why, made_at


def refuse_frozen(owner: Any) -> None:
    """TraceError before a frozen container or object is changed."""
    frame = recorders()[-1].frame if recorders() else None
    while frame is not None:
        if (found := frame.frozen.get(id(owner))) is not None and found[0] is owner:
            what = (f"a {type(owner).__name__} is changed that may have another name: {found[1]}; change a copy of it, "
                    f"as by copy.copy(...)")
            if found[2] is not None:
                raise Unroll(with_place(what), found[2])
            fail(TraceError, what)
        frame = frame.parent


def stand_in(x: Any) -> None:
    """A list, dict or object stands for one or another: which one it is, `is` cannot tell."""
    if not isinstance(x, UNCHANGING):
        recorders()[-1].frame.stand_ins[id(x)] = x


def refuse_identity(a: Any, b: Any) -> None:
    """TraceError where it depends on a traced value, or on the iteration, whether two objects are one."""
    if type(a) is not type(b) or not recorders():
        return
    frame: Any = recorders()[-1].frame
    while frame is not None:
        if any(frame.stand_ins.get(id(x)) is x and not is_newer(y, x) for x, y in ((a, b), (b, a))):
            recorders()[-1].outermost.is_needed = True  # iteration by iteration it is known
            fail(TraceError, f"whether {named(a)} is one object or another (is, ==, in) is not known while "
                             f"gradjit compiles the loop or branch that it comes from; compare a number or name that "
                             f"it holds")
        frame = frame.parent


def named(x: Any) -> str:
    return "an array" if isinstance(x, TracedArray) else f"a {type(x).__name__}"


def is_newer(x: Any, other: Any) -> bool:
    """Whether it is an array that was made behind another one, and no other name of that."""
    return isinstance(x, TracedArray) and x.number > other.number and x.root.aliases is None


CHANGING = frozenset({
    "append", "appendleft", "extend", "extendleft", "insert", "pop", "popleft", "popitem", "remove", "discard", "clear",
    "sort", "reverse", "rotate", "update", "setdefault", "add", "__setitem__", "__delitem__", "__iadd__", "__ior__",
    "__setattr__", "__delattr__"})
"""Methods that change what they are of."""
CHANGING_FIRST = frozenset({
    setattr, delattr, heapq.heappush, heapq.heappop, heapq.heapify, heapq.heapreplace, heapq.heappushpop, bisect.insort,
    bisect.insort_left, random.shuffle, operator.setitem, operator.delitem, operator.iadd})
"""Functions that change their first argument."""


def before_call(f: Any, args: tuple[Any, ...]) -> None:
    """Before a builtin is called that may change something frozen."""
    if f.__name__ in CHANGING:
        refuse_frozen(f.__self__)
    elif args and f in CHANGING_FIRST:
        refuse_frozen(args[0])
