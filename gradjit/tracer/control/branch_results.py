"""What the sides of a branch have left, brought together: the operation, and its results in the places of variables."""

from __future__ import annotations

import enum
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any, NoReturn

import numpy as np

from ...errors import TraceError
from ...ir import OPS, Block, Builder, Op, Value, can_fail, walk
from ...ir.types import BOOL, I64
from ...probe import has_dict
from ...records import dataclass
from .. import structures
from ..array import ARRAY, PYTHON, TracedArray, root
from ..grown import Tail, name_of, of_items
from ..guards import ABSENT, lookup
from ..layout import Strides
from ..locations import fail, here, with_place
from ..outside import is_user_class, outside
from ..perhaps import EitherText, OneOf, Perhaps, Unset
from ..raising import may_be_caught
from ..recorder import Content, Recorder, current
from ..structures import Structure
from ..texts import is_some_text
from . import lists_of_two_lengths
from .frames import BRANCH, LOOP, TRIAL, ContentsBefore, Frame, is_container, refill
from .histories import Grows
from .may_alias import (
    Alias,
    Aliases,
    AliasWrite,
    When,
    alias_items,
    bind,
    by_origin,
    exactly,
    make_unreadable,
    overlap,
    same_elements,
    set_alias_writes,
    taken_out,
    value_of,
)
from .names import VALUE, shown
from .states import (
    MaybeBound,
    Spec,
    Undefined,
    described,
    is_same,
    join,
    number_of,
    numeric,
    options_of,
    spec_of,
    union,
)

if TYPE_CHECKING:
    from .branches import Branch


@dataclass
class BranchLeaf:
    """A leaf that a side has left: the object, and where it is numeric its type, its content and its root."""

    given: Any
    spec: Spec | None = None
    content: Content | None = None
    home: Recorder | None = None
    root: TracedArray | None = None
    """Of an array."""
    strides: Strides = None

    @classmethod
    def of(cls, x: Any) -> BranchLeaf:
        h = numeric(x)
        if h is None:
            return cls(x)
        return cls(x, spec_of(h), h.content, h.home, h.root if h.kind == ARRAY else None, h.strides_in_elements)

    @property
    def handle(self) -> TracedArray:
        """The array itself."""
        h = numeric(self.given)
        assert h is not None
        return h


@dataclass
class Left:
    """What a variable holds at the end of a side."""

    given: Any
    leaves: list[BranchLeaf]
    tree: Structure

    @classmethod
    def of(cls, x: Any, known: dict[int, BranchLeaf] | None = None) -> Left:
        """known: leaves by what they are of, where these can be read no more."""
        is_leaf = isinstance(x, (TracedArray, Undefined))
        found, tree = ([x], structures.LEAF) if is_leaf else structures.flatten(x)
        return cls(x, [(known and known.get(id(leaf))) or BranchLeaf.of(leaf) for leaf in found], tree)

    @classmethod
    def of_items(cls, items: dict[Any, Left]) -> Left:
        """Of a list, of what its items are."""
        given = [x.given for x in items.values()]
        tree = Structure(given, (list, len(given)), [x.tree for x in items.values()], list)
        return cls(given, [leaf for x in items.values() for leaf in x.leaves], tree)

    @classmethod
    def part(cls, x: Structure, leaves: Iterator[BranchLeaf]) -> Left:
        """Of a part, with the next ones of the leaves of the whole."""
        found = [next(leaves) for _ in x.leaves()]
        return cls(found[0].given if x.is_leaf() else x.given, found, x)


def one_of_them(options: tuple[Any, ...]) -> str:
    return (f"one of {', '.join(map(repr, options))}, as a traced value decides: it can be compared, printed, "
            f"returned, and an index into dicts; choose a number, as an index")


class Differs(Exception):
    """Two parts have nothing in common."""


class Side:
    """One side, traced: what names hold at its end, and the arrays and containers from outside that it has changed."""

    def __init__(self, frame: Frame, values: tuple[Any, ...]):
        self.frame = frame
        self.names = [Left.of(v) for v in values]
        self.arrays: dict[int, tuple[TracedArray, BranchLeaf]] = {}
        self.collect_arrays()
        self.alias_writes = {key: (h, h.aliases.alias_writes) for key, (h, _) in frame.alias_writes.items()
                             if h.aliases is not None and h.aliases.alias_writes}
        self.containers: dict[int, tuple[ContentsBefore, dict[Any, Left]]] = {}
        for contents, now in frame.changed():
            if now is None or contents.items is None:
                fail(TraceError, f"a {type(contents.owner).__name__} is changed under a condition on traced values, "
                                 f"which a compiled function cannot carry out; give the result to a variable in "
                                 f"both branches")
            self.containers[id(contents.owner)] = contents, {k: Left.of(v) for k, v in now.items()}
        frame.restore()

    def collect_arrays(self) -> None:
        """Arrays from outside that have changed, with what they hold; those that only a name knows to have changed
        which ends here, too."""
        frame = self.frame
        for h, _ in list(frame.alias_writes.values()):
            if h.aliases is not None and not h.aliases.is_lost and any(
                    n.source is not None and n.source.made.depth >= frame.depth for n in h.aliases.alias_writes):
                h.content  # noqa: B018 (it takes what is new)
        while new := [s.handle for key, s in frame.log.items() if key not in self.arrays]:
            for h in new:
                if h.aliases is None or not h.aliases.is_lost:
                    self.arrays[id(h)] = h, BranchLeaf.of(h)
            if all(h.aliases is not None and h.aliases.is_lost for h in new):
                break

    def left(self, items: dict[Any, Any]) -> dict[Any, Left]:
        """What items of a container held at the end of this side, which has not bound them anew."""
        known: dict[int, BranchLeaf] = {}
        for contents, now in self.containers.values():
            known.update((id(leaf.given), leaf) for x in now.values() for leaf in x.leaves)
            refill(contents.owner, {k: x.given for k, x in now.items()})
        lefts = {k: Left.of(x, known) for k, x in items.items()}
        for contents, _ in self.containers.values():
            contents.restore()
        for leaf in (leaf for x in lefts.values() for leaf in x.leaves):
            if leaf.root is None or id(leaf.root) not in self.arrays:
                continue
            if leaf.root is not leaf.given:
                fail(TraceError, "an item of a container is a view of an array that one branch of a traced condition "
                                 "writes to, while the other gives the item another value; copy the array when you put "
                                 "it into the container")
            end = self.arrays[id(leaf.root)][1]
            leaf.content, leaf.home = end.content, end.home
        return lefts


FALSE = np.asarray(False)
Candidates = list[tuple[TracedArray, When | None]]
Make = Callable[[Sequence[Value]], Any]
"""From the operation's results to what a variable holds behind."""


class Merge:
    """Both sides brought together: the operation, and its results in the places of what the sides have left."""

    def __init__(self, branch: Branch):
        assert branch.recorder is not None
        self.branch, self.recorder = branch, branch.recorder
        self.dead = branch.raising
        """The second side, where it ends by a `raise`: nobody sees what it leaves."""
        self.then = branch.sides[0]
        self.other = self.then if self.dead is not None else branch.sides[1]
        self.frames = [self.then.frame, self.dead or self.other.frame]
        self.builders = [Builder(f.block, here()) for f in self.frames]
        self.slots: list[tuple[Value, Value]] = []
        self.known: dict[Any, int] = {}
        """Slots by the pair of handles that they merge: names of one array stay names of one array."""
        self.made: dict[int, TracedArray] = {}
        self.whole: dict[tuple[int, int], Any] = {}
        """Containers and objects that are merged, by what the sides have left: what has two names on both sides has two
        names behind."""
        self.partners: tuple[dict[int, set[Any]], ...] = {}, {}
        """By what one side has left: what it is merged with, as keys of `whole`."""
        self.may_be_aliased: list[tuple[int, str, list[BranchLeaf], list[Candidates]]] = []
        """Slots of arrays with their names, what each side has bound to them, and what that is or may be."""
        self.remade: dict[int, Make] = {}
        """Lists from outside that have another length behind each side, by id."""
        self.depth = self.then.frame.depth
        self.results: Sequence[Value] = ()

    def run(self) -> tuple[Any, ...]:
        names = [self.pair(n, a, b) for n, a, b in
                 zip(self.branch.site.names, self.then.names, self.other.names, strict=False)]
        containers = [(c, self.container(c, a, b)) for c, a, b in self.containers()]
        arrays = [(h, self.slot((a, b), a.spec)) for h, a, b in self.arrays() if a.spec]
        for frame, values in zip(self.frames, zip(*self.slots, strict=True) if self.slots else ((), ()), strict=True):
            frame.block.results = tuple(values)
        self.results = results = self.emit()
        for h, k in arrays:
            h.assign(root(results[k], self.recorder, ARRAY))
            if h.aliases is not None:
                h.aliases = replace(h.aliases, alias_writes=())
        for owner, items in containers:
            self.recorder.frame.before_change(owner)
            refill(owner, {k: make(results) for k, make in items.items()})
        out = tuple(make(results) for make in names)
        self.alias()
        self.alias_writes()
        return out

    def emit(self) -> Sequence[Value]:
        blocks = tuple(f.block for f in self.frames)
        if not self.slots and not any(map(has_effect, blocks)):
            return ()
        builder = self.recorder.builder
        builder.loc = here()
        test = self.branch.test.value
        if all(map(is_cheap, blocks)) and all(v.type.rank == 0 for v, _ in self.slots):
            for block in blocks:
                for op in block.ops:
                    builder.block.ops.append(op)
            return [chosen(builder, test, *slot) for slot in self.slots]
        return self.branch.append(blocks[0], blocks[1], [v.type for v, _ in self.slots])

    # variables ------------------------------------------------------------------------------------------------------
    def pair(self, name: str, a: Left, b: Left) -> Make:
        """How a variable is made of what both sides have left in it."""
        if self.dead is not None:
            return self.tree(name, a, a, blank=1) if not isinstance(a.given, Undefined) else lambda _: a.given
        if a.given is b.given:
            return lambda _: a.given
        for x, y in ((a, b), (b, a)):
            if isinstance(x.given, Undefined):
                why = f"is assigned in one branch only ({self.place}); assign it before the branch, or in both"
                if isinstance(x.given, MaybeBound) or (isinstance(y.given, Undefined) and not x.given.why):
                    return self.never(name, why, by_way=True)
                if x.given.why:
                    return lambda _, x=x: x.given  # type: ignore[misc]
                if not x.given.harmless and any(f.kind != BRANCH for f in self.recorder.frames):
                    return self.never(name, why, by_way=True)  # it may be bound in an earlier iteration
                make = self.tree(name, y, y, blank=0 if x is a else 1)
                return make if x.given.harmless else self.maybe(name, why, make, side=x is b)
        return self.perhaps(name, a, b) or self.one_of(name, a, b) or self.tree(name, a, b)

    def one_of(self, name: str, a: Left, b: Left) -> Make | None:
        """How one of several strings is made, or of other options, of which each side has left some."""
        options = union(options_of(a.given), options_of(b.given))
        if options is None or len(options) == 1:
            return None
        first, second = (x.leaves[0] if isinstance(x.given, OneOf) else BranchLeaf.of(number_of(x.given))
                         for x in (a, b))
        k = self.slot((first, second), Spec(PYTHON, I64, ()))
        why = f"{shown(name)} is {one_of_them(options)} ({self.place})"
        return lambda results: OneOf(root(results[k], self.recorder, PYTHON), options, why)

    def perhaps(self, name: str, a: Left, b: Left) -> Make | None:
        """How a value is made that one side has left, and the other None."""
        given = a.given, b.given
        missing = [k for k, x in enumerate(given) if x is None or isinstance(x, Undefined)]
        sides = [self.value_of(x) for x in (a, b)]
        if len(missing) > 1 or not (missing or (a.tree != b.tree and any(isinstance(x, Perhaps) for x in given))):
            return None
        blank = missing[0] if missing else None
        kind = Unset if any(isinstance(x, (Unset, Undefined)) for x in given) else Perhaps
        if kind is Unset and any(x is None or type(x) is Perhaps for x in given):
            return None
        if blank is not None:
            sides[blank] = BranchLeaf.of(False), *sides[1 - blank][1:]
        (first, x, some), (second, y, others) = sides
        try:
            value = self.node(name, x, y, iter(some), iter(others), blank)
        except Differs:
            return None
        spec = Spec(PYTHON, BOOL, ())
        k = self.slot((first, second), spec)
        why = (f"{shown(name)} is {described(a.given)} in one branch and {described(b.given)} in the other "
               f"({self.place}), where the condition is a traced value; " + (
                   "assign it before the branch" if kind is Unset else
                   "ask whether it is None before it is used, or begin with a number instead of None, as -1 or np.nan"))
        return lambda results: kind(root(results[k], self.recorder, PYTHON), value(results), why)

    def either_text(self, name: str, a: Left, b: Left) -> Make | None:
        """How one text or another is made, which differ in more than numbers."""
        if not (is_some_text(a.given) and is_some_text(b.given)):
            return None
        k = self.slot((BranchLeaf.of(True), BranchLeaf.of(False)), Spec(PYTHON, BOOL, ()))
        first, second = self.tree(name, a, a, blank=1), self.tree(name, b, b, blank=0)
        why = (f"{shown(name)} is one text or another ({self.place}), as a traced value decides: it can be returned; "
               f"print or raise it in both branches")
        return lambda results: EitherText(root(results[k], self.recorder, PYTHON), first(results), second(results), why)

    def value_of(self, x: Left) -> tuple[BranchLeaf, Structure, list[BranchLeaf]]:
        """Whether what a side has left is there, its structure and leaves."""
        if isinstance(x.given, Perhaps):
            return x.leaves[0], x.tree.children[1], x.leaves[1:]
        return BranchLeaf.of(True), x.tree, x.leaves

    def tree(self, name: str, a: Left, b: Left, blank: int | None = None) -> Make:
        try:
            return self.node(name, a.tree, b.tree, iter(a.leaves), iter(b.leaves), blank)
        except Differs:
            return self.differing(name, a.given, b.given)

    def node(self, name: str, x: Structure, y: Structure, some: Iterator[BranchLeaf], others: Iterator[BranchLeaf],
             blank: int | None) -> Make:
        """How a part is made of what both sides have left there."""
        if x.is_leaf() and y.is_leaf():
            return self.leaf(name, next(some), next(others), blank)
        if blank is None and x.given is not y.given and lists_of_two_lengths.differ(x, y):
            return self.lists(name, Left.part(x, some), Left.part(y, others))
        if x.kind != y.kind or len(x.children) != len(y.children):
            return self.joined(name, Left.part(x, some), Left.part(y, others))
        left = [(n.given, self.frames[k], self.partners[k]) for k, n in enumerate((x, y)) if k != blank]
        if x.given is y.given and all(self.was_there(x, frame) for _, frame, _ in left):
            x.skip(some)
            y.skip(others)
            return lambda _: x.given
        children = [self.node(name, c, d, some, others, blank) for c, d in zip(x.children, y.children, strict=True)]
        key = (id(x.given), id(y.given))
        for given, _, partners in left:
            partners.setdefault(id(given), set()).add(key)
        old = [given for given, frame, _ in left if not frame.is_fresh(given)]

        def make(results: Sequence[Value]) -> Any:
            if key not in self.whole:
                parts = [c(results) for c in children]
                if (differs := next((p for p in parts if type(p) is Undefined and p.why), None)) is not None:
                    return differs  # nobody asks an item whether it is one thing or another
                self.whole[key] = x.remade(parts)
                if old or any(len(partners[id(given)]) > 1 for given, _, partners in left):
                    structures.stand_in(self.whole[key])
                    why = f"{name} is one or another behind {self.place}, whose condition is a traced value"
                    for n in (self.whole[key], *old):
                        structures.freeze(n, why)
            return self.whole[key]

        return make

    def joined(self, name: str, a: Left, b: Left) -> Make:
        """A part that is one thing or another."""
        made = self.perhaps(name, a, b) or self.one_of(name, a, b) or self.either_text(name, a, b)
        if made is None:
            raise Differs
        return made

    def lists(self, name: str, a: Left, b: Left) -> Make:
        made = lists_of_two_lengths.merged(self, a, b)
        if made is None:
            raise Differs
        return made

    def was_there(self, x: Structure, frame: Frame) -> bool:
        """Whether a container or object is from before the branch, so that its own items are what is merged."""
        if id(x.given) in frame.containers:
            return True
        return not frame.is_fresh(x.given) and not any(
            isinstance(h, TracedArray) and h.made.depth >= self.depth for h in x.leaves())

    def leaf(self, name: str, a: BranchLeaf, b: BranchLeaf, blank: int | None) -> Make:
        if blank is None and (a.given is b.given or is_same(a.given, b.given)):
            return lambda _: a.given
        spec = join(a.spec, b.spec) if a.spec and b.spec else None
        if spec is None and blank is not None:
            return lambda _: a.given
        if spec is None:
            try:
                return self.joined(name, *(Left(x.given, [x], Structure(x.given)) for x in (a, b)))
            except Differs:
                return self.differing(name, a.given, b.given)
        if a.root is not None and b.root is not None:
            x, y = (taken_out(leaf.handle, self.depth) for leaf in (a, b))
            if x is not None and y is not None and (blank is not None or same_elements(x, y)):
                return lambda _: x
        k = self.slot((a, b), spec, blank)
        if spec.kind != ARRAY:
            return lambda results: root(results[k], self.recorder, spec.kind)
        if all(j != k for j, *_ in self.may_be_aliased):
            self.may_be_aliased.append((k, name, [a, b], [self.candidates(x, side) for side, x in enumerate((a, b))]))

        def make(results: Sequence[Value]) -> Any:
            if k not in self.made:
                h = self.made[k] = root(results[k], self.recorder, ARRAY)
                h.strides_in_elements = a.strides if a.strides == b.strides or h.ndim < 2 else None
            return self.made[k]

        return make

    def never(self, name: str, why: str, by_way: bool = False) -> Make:
        return lambda _: Undefined(name, why, by_way=by_way)

    def maybe(self, name: str, why: str, make: Make, side: bool) -> Make:
        """A name that is bound where the condition is `side`."""
        test = self.branch.test

        def check() -> bool:
            r = current()
            if r is not self.recorder or not test.made.open or may_be_caught(UnboundLocalError()):
                return False
            unbound = Block()
            message = f"cannot access local variable '{name}' where it is not associated with a value"
            Builder(unbound, here()).emit("raise", error="UnboundLocalError", message=message.replace("{", "{{"))
            builder = r.builder
            builder.loc = here()
            value = value_of(r, test._content, test.home)
            builder.append("if", (value,), {}, (Block(), unbound) if side else (unbound, Block()), [])
            return True

        return lambda results: MaybeBound(name, why, make(results), check)

    def differing(self, name: str, a: Any, b: Any) -> Make:
        if a is None or b is None:
            remedy = "begin with a number instead of None, as -1 or np.nan"
        elif type(a) is type(b) is str:
            remedy = "choose a number, as an index, and by that an array or a number out of a list"
        elif isinstance(a, enum.Enum) and isinstance(b, enum.Enum):
            remedy = "members of an enum.Enum may be chosen so; those of an IntEnum are numbers, as is their .value"
        elif type(a) is not type(b) and is_user_class(type(a)) and is_user_class(type(b)):
            remedy = ("compute of each what is needed, as max(f(x) for x in items), and choose among numbers, or let "
                      "both be of one class")
        elif type(a) is type(b) is tuple and len(a) != len(b):
            remedy = "keep a list, as by append, or let both be as long"
        else:
            remedy = "give it the same type in both"
        one, other = (f"{described(x)}{f' of {len(x)}' if type(a) is type(b) is tuple else ''}" for x in (a, b))
        return self.never(name, f"is {one} in one branch and {other} in the other ({self.place}), "
                                f"where the condition is a traced value; {remedy}")

    @property
    def place(self) -> str:
        return f"the if in line {self.branch.site.line}"

    # arrays and containers --------------------------------------------------------------------------------------------
    def arrays(self) -> list[tuple[TracedArray, BranchLeaf, BranchLeaf]]:
        """The arrays from outside that a side has written to, with what each has left in them."""
        found = {**self.then.arrays, **self.other.arrays}
        if self.dead is not None:
            return [(h, now, BranchLeaf.of(h)) for h, now in found.values()]
        return [(h, *(s.arrays[key][1] if key in s.arrays else BranchLeaf.of(h) for s in (self.then, self.other)))  # type: ignore[misc]
                for key, (h, _) in found.items()]

    def containers(self) -> list[tuple[Any, dict[Any, Left], dict[Any, Left]]]:
        found = {**self.then.containers, **self.other.containers}
        out = []
        for key, (contents, _) in found.items():
            first, second = (s.containers[key][1] if key in s.containers else
                             s.left(contents.items) for s in (self.then, self.other))
            if list(first) != list(second) and self.grows(contents, first, second):
                pass
            elif list(first) != list(second) and self.gets_attributes(contents):
                first, second = ({k: self.attribute(contents.owner, k, side) for k in {**first, **second}}
                                 for side in (first, second))
            elif self.is_remade(contents, first, second):
                pass
            elif list(first) != list(second) or self.has_grown(contents.items, first, second):
                self.refuse_size(contents.owner, first, second)
            out.append((contents.owner, first, second))
        return out

    def is_remade(self, contents: ContentsBefore, first: dict[Any, Left], second: dict[Any, Left]) -> bool:
        """Whether a list has another length behind each side, so that it is made anew; loops do not carry such ones."""
        owner, old = contents.owner, contents.items
        if type(owner) is not list or any(f.kind == LOOP and not f.is_fresh(owner) for f in self.recorder.frames):
            return False
        new = [x.given for side in (first, second) for k, x in side.items() if x.given is not old.get(k)]
        if len(first) == len(second) and not any(type(x) is Tail for x in new):
            return False
        make = lists_of_two_lengths.merged(self, *(Left.of_items(side) for side in (first, second)))
        if make is not None:
            self.remade[id(owner)] = make
        return make is not None

    def refuse_size(self, owner: Any, first: dict[Any, Left], second: dict[Any, Left]) -> NoReturn:
        what = name_of(owner, f"a {type(owner).__name__}")
        one_side = [k for k in {**first, **second} if k not in first or k not in second]
        if isinstance(owner, dict) and one_side:
            keys = ", ".join(f"{k!r:.40}" for k in one_side[:3])
            fail(TraceError, f"{what} gets other keys ({keys}) under a condition on traced values ({self.place}), so "
                             f"that which keys it has would depend on them; give it these keys before, as by "
                             f"d[{one_side[0]!r:.40}] = 0.0, or in both branches")
        if isinstance(owner, (set, frozenset)):
            fail(TraceError, f"{what} gets other members under a condition on traced values ({self.place}); keep flags "
                             f"in an array, as by seen = np.zeros(n, bool) and seen[k] = True")
        if isinstance(owner, list) and type(owner) is not list:
            fail(TraceError, f"{what}, a list of a class of its own, grows or shrinks under a condition on traced "
                             f"values ({self.place}), so that its size would depend on them; derive the class from "
                             f"collections.UserList, or keep a list in an attribute")
        fail(TraceError, f"{what} grows, shrinks or gets other keys under a condition on traced values ({self.place}), "
                         f"so that its size would depend on them; make it of the same size in both branches, or write "
                         f"into an array")

    def gets_attributes(self, contents: ContentsBefore) -> bool:
        """Whether it is an object that the function has made, which may have an attribute or not."""
        return has_dict(contents.owner) and not is_container(contents.owner) and outside(
            self.recorder).is_fresh(contents.owner)

    def attribute(self, owner: Any, name: str, side: dict[Any, Left]) -> Left:
        """What a side has left in an attribute; where it has none, what the class has."""
        if name in side:
            return side[name]
        in_class = lookup(type(owner), name)
        return Left.of(Undefined(name, is_noted=True) if in_class is ABSENT else in_class)

    def grows(self, contents: ContentsBefore, first: dict[Any, Left], second: dict[Any, Left]) -> bool:
        """Whether a list gets longer on one side, or on both by different numbers of items. A loop that is under
        construction is told."""
        owner, old = contents.owner, contents.items
        sides = [{k: v.given for k, v in side.items()} for side in (first, second)]
        if type(owner) is not list or any(any(s.get(k) is not x for k, x in old.items()) for s in sides):
            return False
        for i in old.values():
            if type(i) is Tail and i.frame is not None:
                i.growth.ask_eager(i)
        if any(f.kind == LOOP and not f.is_fresh(owner) for f in self.recorder.frames):
            items = [x for s in sides for k, x in s.items() if k not in old]
            raise Grows(owner, items, TraceError(with_place(
                f"a list that the body of a loop has made grows under a condition on traced values ({self.place}), so "
                f"that its size would depend on them; write into an array")))
        return not self.has_grown(old, first, second)

    def has_grown(self, old: dict[Any, Any], first: dict[Any, Left], second: dict[Any, Left]) -> bool:
        """Whether a list has on one side what was appended to it under a condition within this one: it has two lengths
        already. (Iterations that may be taken back go on: the loop may become one that the list grows with.)"""
        return not any(f.kind == TRIAL for f in self.recorder.frames) and any(
            k not in old and type(x.given) is Tail for side in (first, second) for k, x in side.items())

    def container(self, owner: Any, a: dict[Any, Left], b: dict[Any, Left]) -> dict[Any, Make]:
        if id(owner) in self.remade:
            return {0: self.whole_list(owner)}
        kind = type(owner).__name__
        made = {k: self.attribute_or_item(kind, k, a[k], b[k]) for k in a if k in b}
        if a.keys() != b.keys():
            made.update(self.lengthened(owner, made, a, b))
        return made

    def whole_list(self, owner: list[Any]) -> Make:
        self.recorder.outermost.grown[id(owner)] = owner
        return lambda results: self.remade[id(owner)](results)[0]

    def attribute_or_item(self, kind: str, key: Any, a: Left, b: Left) -> Make:
        if any(isinstance(x.given, (Unset, Undefined)) for x in (a, b)):
            name = f"the attribute {key} of a {kind}"
            return self.perhaps(name, a, b) or self.pair(name, a, b)
        return self.pair(f"the item {key!r} of a {kind}", a, b)

    def lengthened(self, owner: list[Any], old: dict[int, Make], a: dict[int, Left], b: dict[int, Left]
                   ) -> dict[int, Make]:
        """What one side alone has appended: as many items behind the list, of which a traced number counts."""
        longer, blank = (a, 1) if len(a) > len(b) else (b, 0)
        makes = [self.tree(f"an item of {name_of(owner)}", longer[k], longer[k], blank) for k in longer if k not in old]
        counts = [len(makes), 0] if longer is a else [0, len(makes)]
        k, place = len(self.slots), len(old)
        self.slots.append((self.recorder.literal(np.asarray(counts[0])), self.recorder.literal(np.asarray(counts[1]))))

        def make(results: Sequence[Value]) -> Any:
            count = root(results[k], self.recorder, PYTHON)
            tail = of_items([m(results) for m in makes], count)
            alias_items([row.array for row in tail.rows], arrays, self.recorder.frame.depth, name_of(owner))
            return tail

        appended = (leaf for k in longer if k not in old for leaf in structures.flatten(longer[k].given)[0])
        arrays = [x for x in appended if isinstance(x, TracedArray) and x.kind == ARRAY]
        self.recorder.outermost.grown[id(owner)] = owner
        return {place: make}

    # values -----------------------------------------------------------------------------------------------------------
    def slot(self, leaves: tuple[BranchLeaf, BranchLeaf], spec: Spec, blank: int | None = None) -> int:
        """The result of the operation that merges two leaves."""
        key = (*(id(x.given) if x.root is not None else id(x) for x in leaves), spec, blank)
        if key not in self.known:
            a, b = [self.blank(spec) if k == blank else self.value(x, spec, k) for k, x in enumerate(leaves)]
            self.known[key] = len(self.slots)
            self.slots.append((a, b))
        return self.known[key]

    def blank(self, spec: Spec) -> Value:
        """What stands for the value of a side that gives none; nobody reads it."""
        return self.recorder.root_builder.const(0, spec.dtype, spec.shape)

    def value(self, x: BranchLeaf, spec: Spec, side: int) -> Value:
        """A leaf's value at the end of its side, in the merged type."""
        if isinstance(x.content, np.ndarray):
            return self.recorder.literal(x.content.astype(spec.dtype.np, copy=False))
        assert x.content is not None and x.home is not None
        return self.builders[side].cast_to(self.recorder.adopt(x.content, x.home), spec.dtype)

    # what may be what -----------------------------------------------------------------------------------------------
    def alias(self) -> None:
        """Arrays that may be one another know it."""
        bound = [entry for entry in self.may_be_aliased if entry[0] in self.made]
        aliases: list[tuple[TracedArray, Aliases]] = []
        for k, name, sides, candidates in bound:
            near, far = [], []
            for j, n, other, _ in bound:
                if j != k and (n != VALUE or name == VALUE):
                    pairs = [(a.root, b.root) for a, b in zip(sides, other, strict=True)
                             if a.root is not None and b.root is not None]
                    if any(self.is_near(a, b) for a, b in pairs):
                        near.append(Alias.of(self.made[j]))
                    elif any(overlap(a, b) for a, b in pairs):
                        far.append(j)
            found = by_origin([c for each in candidates for c in each], self.recorder)
            others = tuple(Alias.of(h, when) for h, when in found)
            if others or near:
                aliases.append((self.made[k], Aliases(
                    others, f"{shown(name)} may be one array or another behind {self.place}", tuple(near),
                    loose=name == VALUE, group=None if near or far else self,
                    is_complete=all(t.when for t in others) and all(map(self.is_covered, sides)))))
        for h, t in aliases:
            bind(h, t)

    def candidates(self, x: BranchLeaf, side: int) -> Candidates:
        """The arrays from outside that a variable is, or may be (then without a condition), if that side was taken."""
        if x.root is None:
            return []
        same = taken_out(x.handle, self.depth)
        if same is not None:
            return [(same, self.taken(side))]
        exact = exactly(x.handle, self.depth)
        if exact is None:
            return [(r, None) for r in x.root.maybe() if r.made.depth < self.depth]
        return [(h, self.told(when, side)) for h, when in exact]

    def is_covered(self, x: BranchLeaf) -> bool:
        """Whether what a side has left surely is one of its candidates."""
        if x.root is None:
            return False
        return taken_out(x.handle, self.depth) is not None or (
            x.handle is x.root and x.root.aliases is not None and x.root.aliases.is_complete)

    def told(self, when: When, side: int) -> When:
        """A condition that one side computes, as a result of the operation: false if the other was taken."""
        frame = self.recorder.frame
        self.recorder.frame = self.frames[side]
        value = when(self.recorder)
        self.recorder.frame = frame
        k, no = len(self.slots), self.recorder.literal(FALSE)
        self.slots.append((value, no) if side == 0 else (no, value))
        return lambda recorder: value_of(recorder, self.results[k], self.recorder)

    def taken(self, side: int) -> When:
        """The condition that a side was taken."""
        test = self.branch.test

        def when(recorder: Recorder) -> Value:
            t = value_of(recorder, test._content, test.home)
            return t if side == 0 else recorder.builder.not_(t)

        return when

    def is_near(self, a: TracedArray, b: TracedArray) -> bool:
        """Whether two roots may be one array that was made on this side."""
        inside = [r for r in a.maybe() if r.made.depth >= self.depth]
        return any(x is y for x in inside for y in b.maybe())

    def alias_writes(self) -> None:
        """Arrays that a side has changed under another name."""
        sides = (self.then, self.other)
        for key, (h, _) in {**self.then.alias_writes, **self.other.alias_writes}.items():
            every: list[AliasWrite] = []
            for s in sides:
                told = {id(n.source) for n in every}
                every += [n for n in s.alias_writes.get(key, (h, ()))[1] if id(n.source) not in told]
            first = every[0]
            unclear = next((n for n in every if n.when is None), None)
            if unclear is None and not any(key in s.arrays for s in sides) and all(
                    n.source is first.source or n.group is first.group is not None for n in every):
                set_alias_writes(h, every)
            else:
                make_unreadable(h, (unclear or first).why)


def is_cheap(block: Block) -> bool:
    """Whether a block has but a few operations, on scalars, that cost less than a branch and cannot fail."""
    specs = [OPS[op.name] for op in block.ops]
    return (len(specs) <= 6 and all(s.is_free or s.is_cheap for s in specs)
            and not any(op.results[0].type.rank or can_fail(op) for op in block.ops))


def chosen(builder: Builder, test: Value, a: Value, b: Value) -> Value:
    """`a` if test else `b`; of truths, a logical operation."""
    if b is test:
        return builder.and_(test, a)
    return builder.or_(test, b) if a is test else builder.select(test, a, b)


def has_effect(block: Block, other_than: Callable[[Op], bool] = lambda op: False) -> bool:
    """Whether something in the block is done though nobody reads a result of it."""
    return any(OPS[op.name].effect and not other_than(op) for op in walk(block))
