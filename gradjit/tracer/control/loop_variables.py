"""What a loop carries from iteration to iteration: variables, leaf by leaf.

A variable that holds an array object and is only changed in place stays bound to that object, whose elements are
carried as the frame has taken them in. One that is bound anew gets a stand-in for each iteration: its numeric leaves
become parameters of the body. Which of the two it is, is guessed from the text and corrected by a retry.
"""

from __future__ import annotations

import functools
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import field, replace
from typing import Any, NoReturn, TypeVar

import numpy as np

from ...errors import Signal, TraceError
from ...ir import Value
from ...probe import has_dict
from ...records import dataclass
from .. import structures, tables
from ..array import ARRAY, PYTHON, TracedArray, root
from ..grown import Tail, length
from ..perhaps import OneOf, Perhaps, Unset
from ..structures import Structure
from .carried_lists import Packing, packing
from .changing_extents import ChangingExtents, steps_between
from .frames import CONTAINERS, Again, Frame, items_of, same_items, set_plainly
from .may_alias import same_elements
from .states import Spec, Undefined, as_one_of, converted, described, is_same, join, numeric, options_of, spec_of, union

T = TypeVar("T")
MAX_LEAVES = 256


class Mismatch(TraceError):
    """A variable is no region's: it changes its type, or its structure. `text` names it and both types."""


def changing(name: str, old: Any, new: Any) -> Mismatch:
    """The body leaves something else than it has found."""
    before, after = described(old), described(new)
    alike = ", which hold other things (fields, items, their kinds, or arrays that have another name)"
    return Mismatch(f"{name} changes from {before} to {after}{alike if before == after else ''}")


class Fills(Mismatch):
    """A deque that gets no longer than so many items, after some more iterations."""

    def __init__(self, message: str, iterations: int):
        super().__init__(message)
        self.iterations = iterations


class NotBound(Mismatch):
    """An attribute that only the body gives to an object."""

    def __init__(self, key: Any, x: Any, message: str):
        super().__init__(message)
        self.key, self.blank = key, Blank(Unset(TRUE, x, message))


class Changes(Mismatch):
    """A string, or the like, that becomes another one."""

    def __init__(self, key: Any, options: tuple[Any, ...], message: str):
        super().__init__(message)
        self.key, self.options = key, options


FALSE, TRUE = root(np.asarray(False), None, PYTHON), root(np.asarray(True), None, PYTHON)


def outside_of(frame: Frame) -> Frame:
    assert frame.parent is not None
    return frame.parent


class Blank:
    """What stands for a name before the first iteration that binds it: something of the same types, which nobody
    reads."""

    def __init__(self, x: Any):
        self.kind = type(x) if isinstance(x, Perhaps) else None
        self.why = x.why if isinstance(x, Perhaps) else ""
        leaves, tree = structures.flatten(x.value if isinstance(x, Perhaps) else x)
        self.tree = tree
        self.leaves = [(spec_of(y), None) if isinstance(y, TracedArray) else (None, y) for y in leaves]

    def outside_of(self, frame: Frame) -> Any:
        """A new one, made around a frame that has just begun, for a name that is not bound, or None."""
        r = frame.recorder
        r.frame = outside_of(frame)
        try:
            x = structures.unflatten(self.tree, [y if spec is None else root(r.builder.const(
                0, spec.dtype, spec.shape), r, spec.kind) for spec, y in self.leaves])
            return x if self.kind is None else self.kind(FALSE, x, self.why)
        finally:
            r.frame = frame


@dataclass
class Learned:
    """What attempts at one loop have shown."""

    same: dict[Any, bool] = field(default_factory=dict)
    """By variable and leaf: whether it stays bound to one object."""
    specs: dict[Any, Spec] = field(default_factory=dict)
    """By variable and leaf: the type that it is carried in."""
    dynamic: set[Any] = field(default_factory=set)
    """Leaves of containers that are numbers and change."""
    closed: set[Any] = field(default_factory=set)
    """Variables with lists, dicts or objects within that stay what they are, and are changed in place."""
    shared: set[Any] = field(default_factory=set)
    """Variables that hold what has another name, too: it may not be changed."""
    steps: dict[Any, tuple[int, ...]] = field(default_factory=dict)
    """By variable and leaf: by how much the extents of an array change in each iteration."""
    unordered: set[Any] = field(default_factory=set)
    """Leaves whose order in memory changes."""
    carry: dict[int, TracedArray] = field(default_factory=dict)
    """Known arrays that are written to."""
    places: list[ItemTarget] = field(default_factory=list)
    options: dict[Any, tuple[Any, ...]] = field(default_factory=dict)
    """By variable, what it may be, where that is one of several strings or the like."""
    tables: dict[Any, Spec] = field(default_factory=dict)
    """By variable that is bound to lists of numbers, which become tables: the type of these numbers."""
    lists: dict[Any, Packing] = field(default_factory=dict)
    """By variable that is bound to lists of several lengths: what their rows are made of."""
    begins: dict[Any, Blank] = field(default_factory=dict)
    """By name, of those that only the body binds while the program notes that: what it is."""
    failed: Exception | None = None
    """Why it is no region."""

    def way(self) -> tuple[int, ...]:
        """Counts what may send the next attempt another way through the body; types of numbers do not."""
        facts = (self.same, self.dynamic, self.closed, self.shared, self.unordered, self.carry, self.places,
                 self.begins, self.options, self.steps, self.tables, self.lists)
        return tuple(map(len, facts))


@dataclass
class CarriedValue:
    """A carried value: the parameter, how it begins and ends, and what is done with the result."""

    param: Value
    init: Callable[[], Value]
    final: Value
    sink: Callable[[Value], None]
    is_stop: bool = False
    """Whether it is the flag that ends a `for`."""


def is_object(x: Any) -> bool:
    """Whether x is a container or object that may be changed in place."""
    return isinstance(x, CONTAINERS) or has_dict(x) or structures.is_openable(x)


class CarriedLeaf:
    """A leaf of a variable: the handle or object at the beginning, its parameter, what the body sees."""

    def __init__(self, key: Any, name: str, given: Any, alone: bool, rebound: bool, frame: Frame, learned: Learned):
        self.key, self.name, self.given, self.frame, self.learned = key, name, given, frame, learned
        self.handle = numeric(given) if alone or isinstance(given, (TracedArray, np.ndarray)) or (
            key in learned.dynamic) else None
        self.same = self.handle is None or learned.same.get(key, self.handle.kind == ARRAY and not rebound)
        self.param: Value | None = None
        self.stand_in: Any = self.handle if self.handle is not None and self.handle.kind == ARRAY else given
        if self.handle is not None and not self.same:
            self.spec = learned.specs.get(key) or spec_of(self.handle)
            self.changing = self.changes()
            if self.changing is not None:
                self.spec = replace(self.spec, shape=self.changing.room)
            self.param = frame.parameter(self.spec.type, "")
            self.stand_in = carried = root(self.param, frame.recorder, self.spec.kind)
            if self.changing is not None:
                self.stand_in = self.changing.read(carried)
            self.entered = self.stand_in._content
            if self.spec.kind == ARRAY:
                structures.stand_in(self.stand_in)
            self.stand_in.strides_in_elements = self.strides = (
                None if key in learned.unordered or key in learned.steps else self.handle.strides_in_elements)

    def changes(self) -> ChangingExtents | None:
        """How its extents change, where they do."""
        steps, count = self.learned.steps.get(self.key), self.frame.trip_count
        if steps is None:
            return None
        if count is None or len(steps) != len(self.spec.shape) or not all(isinstance(e, int) for e in self.spec.shape):
            raise Mismatch(f"{self.name} changes its shape, and before the loop it is {self.spec}")
        return ChangingExtents(self.spec.shape, steps, count, self.frame.turn())

    def written(self) -> bool:
        """Whether the body has written to the stand-in, under its own name or another one."""
        if self.param is None:
            return False
        aliases = self.stand_in.aliases
        return self.stand_in._content is not self.entered or (aliases is not None and bool(aliases.alias_writes))

    def origins(self) -> list[TracedArray]:
        """The arrays that the variable may be bound to before the loop."""
        return self.handle.maybe() if self.handle is not None and self.handle.kind == ARRAY else []

    def init(self) -> Value:
        h = numeric(self.given)
        assert h is not None
        h = converted(h, self.spec)
        return h.value if self.changing is None else self.changing.begin(h).value

    def behind(self, result: TracedArray) -> TracedArray:
        """What it is behind the loop, of the result of the operation."""
        return result if self.changing is None else self.changing.end(result)

    def final(self, name: str, x: Any) -> Value | None:
        """The leaf at the end of the body; None where it has not changed."""
        if self.same and self.is_unchanged(x):
            return None
        if self.param is None:
            return self.require_same(name, x)
        h = numeric(x)
        if h is None:
            raise changing(name, self.given, x)
        if self.changing is not None:
            return self.changed(name, h)
        if self.is_unchanged(h):
            if self.written():
                self.learn(self.learned.same, True)
            return None
        got = spec_of(h)
        if got != self.spec:
            both = join(self.spec, got)
            if both is None and self.frame.turn is not None and (
                    steps := steps_between(self.spec, got, self.frame.turn(), self.frame.trip_count)) is not None:
                self.learned.steps[self.key] = steps
                raise Again
            if both is None:
                raise Mismatch(f"{name} changes from {self.spec} to {got}")
            if both != self.spec:
                self.learn(self.learned.specs, both)
            h = converted(h, both)
        if h.ndim > 1 and self.strides is not None and h.strides_in_elements != self.strides:
            self.learned.unordered.add(self.key)
            raise Again
        return h.value

    def changed(self, name: str, h: TracedArray) -> Value:
        """The same of an array of changing extents."""
        assert self.changing is not None and self.param is not None
        value = None
        if h.kind == ARRAY and h.ir_dtype == self.spec.dtype and h.ndim == len(self.spec.shape):
            value = self.changing.write(root(self.param, self.frame.recorder, ARRAY), h)
        if value is None:
            raise Mismatch(f"{name} changes from {spec_of(self.stand_in)} to {spec_of(h)}, which is not the change of "
                           f"every iteration")
        return value

    def is_unchanged(self, x: Any) -> bool:
        """Whether the body leaves the variable bound to what it was bound to, or to an equal view."""
        if x is self.stand_in:
            return True
        if not isinstance(x, TracedArray) or not isinstance(self.stand_in, TracedArray) or x.kind != ARRAY:
            return False
        return same_elements(x, self.stand_in) or (self.handle is not None and same_elements(x, self.handle))

    def require_same(self, name: str, x: Any) -> Value | None:
        """A leaf that was taken to stay what it is."""
        if self.handle is not None:
            self.learn(self.learned.same, False)
        if is_same(self.given, x):
            return None
        if numeric(self.given) is not None and numeric(x) is not None:
            self.learned.dynamic.add(self.key)
            raise Again
        raise changing(name, self.given, x)

    def learn(self, table: dict[Any, Any], what: Any) -> NoReturn:
        table[self.key] = what
        raise Again


def learning_all(steps: Iterable[Callable[[], T]]) -> list[T]:
    """What each step gives. Where some have learned something the body is traced again, once for all of them; what does
    not fit before they have may fit then."""
    found, again = [], False
    for step in steps:
        try:
            found.append(step())
        except Again:
            again = True
        except Mismatch:
            if not again:
                raise
    if again:
        raise Again
    return found


@dataclass(frozen=True, eq=False)
class ItemTarget:
    """`owner[key]` of a list or dict, `owner.key` of an object."""

    owner: Any
    key: Any

    @property
    def is_item(self) -> bool:
        return isinstance(self.owner, (list, dict)) or isinstance(self.owner, deque)

    @property
    def name(self) -> str:
        kind = type(self.owner).__name__
        return f"the item [{self.key!r}] of a {kind}" if self.is_item else f"the attribute {self.key} of a {kind}"

    def is_same(self, other: ItemTarget) -> bool:
        return self.owner is other.owner and self.key == other.key

    def get(self) -> Any:
        return items_of(self.owner).get(self.key, Undefined(self.name))

    def set(self, value: Any) -> None:
        if isinstance(value, Undefined):
            return
        if self.is_item:
            self.owner[self.key] = value
        else:
            set_plainly(self.owner, self.key, value)


class LoopVariable:
    """A variable of a loop that is carried in: a name, or a place in a container."""

    def __init__(self, key: Any, name: str, given: Any, rebound: bool, frame: Frame, learned: Learned):
        if key in learned.begins and (given is None or isinstance(given, Undefined)):
            given = learned.begins[key].outside_of(frame)
        self.packing = learned.lists.get(key) if type(given) is list and rebound else None
        self.original = given
        if key in learned.tables and self.packing is None and tables.spec_of_list(given) is not None:
            frame.recorder.frame = outside_of(frame)
            given = tables.as_table(given, learned.tables[key])
            frame.recorder.frame = frame
        if key in learned.options:
            frame.recorder.frame = outside_of(frame)
            given = as_one_of(given, learned.options[key], f"{name} is one of several in the iterations of a loop")
            frame.recorder.frame = frame
        if self.packing is not None:
            frame.recorder.frame = outside_of(frame)
            try:
                given = self.packing.pack(given)
            finally:
                frame.recorder.frame = frame
        self.key, self.name, self.given, self.learned, self.frame = key, name, given, learned, frame
        self.tree = structures.LEAF
        self.same = is_object(given) and not isinstance(given, TracedArray) and learned.same.get(key, not rebound)
        self.leaves: list[CarriedLeaf] = []
        self.inside: Any = given
        if isinstance(given, Undefined) or self.same:
            return
        found, self.tree = structures.flatten(given, key in learned.closed)
        alone = self.tree.is_leaf()
        self.leaves = [CarriedLeaf((key, k), name, x, alone, rebound, frame, learned) for k, x in enumerate(found)]
        if sum(leaf.param is not None for leaf in self.leaves) > MAX_LEAVES:
            self.learn_list(given, given)
            raise Mismatch(f"{name} holds {len(found)} numbers, each of which would be carried by itself; keep them in "
                           f"an array")
        inner = [leaf.stand_in for leaf in self.leaves]
        self.inside = structures.unflatten(self.tree, inner)
        self.tree_inside = structures.flatten(self.inside, key in learned.closed)[1]
        self.before = [items_of(n.given) for n in self.tree_inside.nodes()]
        """What stands in its parts at the beginning of an iteration."""
        for n in self.tree_inside.nodes():
            structures.stand_in(n.given)
        if key in learned.shared:
            for n in self.tree_inside.nodes():
                structures.freeze(n.given, f"{name} is one or another in the iterations of the loop")
        self.packed = self.inside
        if self.packing is not None:
            self.inside = self.packing.listed(self.packed)
            structures.freeze(self.inside, f"{name} is bound to lists of several lengths in the iterations of the loop")

    def counts(self, x: Any) -> bool:
        """Whether it is bound anew to a list, and that, or the one before, is one that loops have filled: it may have
        another length."""
        if not (type(x) is type(self.given) is list and x is not self.inside and any(
                type(i) is Tail for i in (*x, *self.given))):
            return False
        n, m = length(x), length(self.given)
        return not (isinstance(n, int) and isinstance(m, int) and n == m and self.has_table(x))

    def has_table(self, x: list[Any]) -> bool:
        return any(tables.table_of(y) is not None for y in (x, self.inside, self.given))

    def learn_list(self, before: Any, after: Any) -> None:
        """Again where a list that changes its length can be carried so."""
        known = self.learned.lists.get(self.key)
        count = self.frame.trip_count
        found = packing(before, after, known, count)
        if found is not None and (known is None or not known.fits(found)):
            self.learned.lists[self.key] = found
            raise Again

    def as_rows(self, x: Any) -> Any:
        """The end of a variable that is carried as the rows of a list."""
        assert self.packing is not None
        if x is self.inside:
            return self.packed
        self.learn_list(self.inside, x)
        if type(x) is not list:
            raise changing(self.name, self.inside, x)
        try:
            return self.packing.pack(x)
        except Signal:
            raise
        except TraceError:
            raise changing(self.name, self.inside, x) from None

    def fitted(self, x: Any) -> Any:
        """What stands at the end of the body, as something that may be None where the variable is."""
        if self.packing is not None:
            return self.as_rows(x)
        if isinstance(self.given, Perhaps) and not isinstance(x, Perhaps) and not isinstance(x, Undefined):
            kind = type(self.given)
            return kind(FALSE, self.inside.value, self.given.why) if x is None else kind(TRUE, x, self.given.why)
        if (self.given is None and type(x) is Perhaps) or (isinstance(self.given, Undefined) and type(x) is Unset):
            self.learned.begins[self.key] = Blank(x)
            raise Again
        if type(x) is list and type(self.given) is list and self.leaves and (
                self.key in self.learned.tables or self.has_table(x)):
            x = self.as_table(x)
        now, then = options_of(x), options_of(self.given)
        if now is None or then is None or (x is self.given and not isinstance(x, OneOf)):
            return x
        every = union(then, now)
        if every is not None and len(every) > len(then):
            if not isinstance(x, OneOf) and not isinstance(self.given, OneOf):
                raise Changes(self.key, every, f"{self.name} changes from {described(self.given)} to {described(x)}")
            self.learned.options[self.key] = every
            raise Again
        return as_one_of(x, then, self.given.why) if isinstance(self.given, OneOf) else x

    def as_table(self, x: list[Any]) -> list[Any]:
        """The same of a list of numbers, where the variable is a table; it becomes one if either list is."""
        known = self.learned.tables.get(self.key)
        for other in (x, self.inside):  # which loops in the body may have made a table
            spec = tables.joined(self.given, other)
            if spec is not None and spec != known and (known is None or join(known, spec) != known):
                self.learned.tables[self.key] = spec
                raise Again
        return x if known is None or tables.spec_of_list(x) is None or (
            (table := tables.table_of(x)) is not None and table.spec == known) else tables.as_table(x, known)

    def finish(self, x: Any) -> list[tuple[CarriedLeaf, Value | None]]:
        """The leaves with their values at the end of the body (None: unchanged). Again or Mismatch."""
        if x is self.inside and (self.same or not self.leaves):
            return []
        if isinstance(self.given, Undefined):
            raise NotBound(self.key, x, f"{self.name} is not bound at the beginning and {described(x)} at the end")
        if self.same:
            self.learned.same[self.key] = False
            raise Again
        found, tree = structures.flatten(x, self.key in self.learned.closed)
        if tree != self.tree or self.counts(x):
            self.learn_list(self.given, x)
        if tree != self.tree:
            raise changing(self.name, self.given, x)
        if x is not self.inside:
            self.check_parts(tree)
        if any(p.owner is n.given for p in self.learned.places for n in self.tree.nodes()):
            raise Mismatch(f"{self.name} is bound anew in the body, and what it holds before is changed under another "
                           f"name; change a copy, or bind it anew only")
        finals = learning_all(functools.partial(leaf.final, self.name, y)
                              for leaf, y in zip(self.leaves, found, strict=True))
        ends = list(zip(self.leaves, finals, strict=True))
        if x is self.inside and is_object(x) and not isinstance(x, TracedArray) and any(v is not None for _, v in ends):
            self.learned.same[self.key] = True
            raise Again
        return ends

    def check_parts(self, tree: Structure) -> None:
        """A variable is bound anew. What stands in it may not be changed in place, too: what was there before the loop
        may have another name, which would not see it."""
        for inside, now, before in zip(self.tree_inside.nodes(), tree.nodes(), self.before, strict=True):
            if same_items(items_of(inside.given), before):
                continue
            if now.given is inside.given and self.key not in self.learned.closed:
                self.learned.closed.add(self.key)
                raise Again
            raise Mismatch(f"{self.name} is changed in place in the body, and bound anew; change a copy, or bind it "
                           f"anew only")

    def parts_at_end(self, x: Any) -> list[Structure]:
        """What can be changed in place at the end of the body and was not there at its beginning."""
        if not self.leaves or x is self.inside or self.packing is not None:
            return []
        tree = structures.flatten(x, self.key in self.learned.closed)[1]
        return [n for n, m in zip(tree.nodes(), self.tree_inside.nodes(), strict=True) if n.given is not m.given]

    def behind(self, x: Any, results: Sequence[Any], whole: Whole) -> Any:
        """What the variable holds behind the loop: `results` for the leaves, in their order."""
        if self.packing is not None:
            return self.packing.listed(tuple(results[:len(self.leaves)]))
        if not self.leaves or (x is self.inside and not self.tree.is_leaf()):
            return self.given
        now = structures.flatten(x, self.key in self.learned.closed)[1]
        return self.rebuilt(self.tree, self.tree_inside, now, iter(results), whole)

    def rebuilt(self, given: Structure, inside: Structure, now: Structure, results: Iterator[Any], whole: Whole) -> Any:
        if given.is_leaf():
            return next(results)
        if now.given is inside.given and not isinstance(now.given, structures.UNCHANGING):
            given.skip(results)
            return given.given
        children = [self.rebuilt(g, i, n, results, whole)
                    for g, i, n in zip(given.children, inside.children, now.children, strict=True)]
        return whole(given, now, children)


Whole = Callable[[Structure, Structure, list[Any]], Any]
"""From a part before the loop, the one at the end of the body and its children behind it to the part behind."""


class RunAsPython(Signal):
    """The body depends on nothing traced, and its iterations are few: what it computes is better known."""
