"""Frames: the regions under construction, and what happens to Python's objects inside of them.

A region is traced by running its statements once. What they write to arrays and containers from outside of it must not
last: a frame *logs* the old contents at the first write, restores them when the region ends, and gives the new ones to
the operation, as results of a branch or carried values of a loop.

- BRANCH: one side of an `if`. Reads see what stands outside.
- LOOP: the body of a loop. The first touch of an array from outside *takes it in*: it becomes a parameter of the body,
  since a later iteration may find it changed. Those that are never written to get their outer value back in the end. An
  array whose elements are known stays known until it is written to; a write after a read that relied on the elements
  is a `Retry`, with the array taken in from the start.
- TRIAL: iterations that run as ordinary Python, but may be taken back. It has no block of its own.
"""

from __future__ import annotations

import itertools
import types
from array import array
from collections import OrderedDict, defaultdict, deque
from collections.abc import Callable, Iterator, Sequence
from typing import TYPE_CHECKING, Any, NoReturn

import numpy as np

from ...errors import LeakError, Signal, TraceError
from ...ir import Block, Builder, Loc, Value
from ...ir.core import map_attr, map_type
from ...probe import has_dict, peek
from ..locations import fail

if TYPE_CHECKING:
    from ..array import TracedArray
    from ..recorder import Recorder

ROOT, BRANCH, LOOP, TRIAL = "function", "branch", "loop", "trial"

versions = itertools.count(1)
"""Versions of contents: no two are the same, so that a view knows what it has seen."""


class Retry(Signal):
    """The attempt to trace a region must be made again, knowing more."""

    def __init__(self, frame: Frame):
        super().__init__("a region must be traced again")
        self.frame = frame


class Again(Signal):
    """The attempt has shown how a loop must be compiled: trace its body again."""


class Saved:
    """What an array's handle held when a frame first changed it."""

    __slots__ = ("handle", "content", "home", "where", "version", "written_at", "aliases")

    def __init__(self, h: TracedArray):
        self.handle = h
        self.content, self.home, self.where = h._content, h.home, h.where
        self.version, self.written_at, self.aliases = h.version, h.written_at, h.aliases

    def restore(self) -> None:
        h = self.handle
        h._content, h.home, h.where = self.content, self.home, self.where
        h.version, h.written_at, h.aliases = self.version, self.written_at, self.aliases


class ContentsBefore:
    """What a container or object held when a frame first changed it."""

    __slots__ = ("owner", "items")

    def __init__(self, owner: Any):
        self.owner = owner
        self.items = items_of(owner)

    def restore(self) -> None:
        now = items_of(self.owner)
        if self.items is not None and (now is None or not same_items(self.items, now)):  # a set that is filled anew
            refill(self.owner, self.items)  # may have another order


class Frame:
    """One region under construction. `parent` is None for the function itself."""

    __slots__ = ("kind", "recorder", "parent", "depth", "block", "builder", "region", "open", "loc", "log", "imports",
                 "known_reads", "carry", "containers", "fresh", "alias_writes", "start", "unanswered", "facts",
                 "irreversible", "trip_count", "turn", "follows",
                 "frozen", "stand_ins", "aliased", "calls", "names", "present", "undo", "changed_before", "runs_over")

    def __init__(self, kind: str, recorder: Recorder, parent: Frame | None, loc: Loc | None = None,
                 block: Block | None = None):
        self.kind = kind
        self.recorder = recorder
        self.block: Block
        self.builder: Builder
        self.region: Frame
        self.parent = parent
        self.depth: int = 0 if parent is None else parent.depth + 1
        if kind == TRIAL:
            assert parent is not None
            self.block, self.builder, self.region = parent.block, parent.builder, parent.region
        else:
            self.block = Block() if block is None else block
            self.builder, self.region = Builder(self.block), self
        self.open = True
        self.loc = loc
        self.log: dict[int, Saved] = {}
        self.imports: dict[int, tuple[Saved, Value]] = {}
        """LOOP: arrays taken in, with their parameters."""
        self.known_reads: dict[int, TracedArray] = {}
        self.carry: set[int] = set()
        """LOOP: ids of known arrays that are taken in at the first touch."""
        self.containers: dict[int, ContentsBefore] = {}
        self.fresh: dict[int, Any] = {}
        """Containers and objects made inside."""
        self.alias_writes: dict[int, tuple[TracedArray, Any]] = {}
        """Arrays from outside that may have been written to under another name, with the aliases that they had."""
        self.aliased = frozenset(recorder.may_be_aliased) if kind == TRIAL else frozenset()
        """TRIAL: ids of the arrays with aliases that there were."""
        self.start = len(self.block.ops)
        self.unanswered = recorder.outermost.unanswered if parent is not None else None
        self.facts = _count_facts(recorder)
        self.trip_count: int | None = None
        """LOOP: how often the body runs, where that is known."""
        self.runs_over: Sequence[Any] = ()
        """LOOP: the iterators that it takes its items from."""
        self.turn: Any = None
        """LOOP: gives the number of the iteration, where all of them run."""
        self.frozen: dict[int, tuple[Any, str, Loc | None]] = {}
        """Containers and objects that may not be changed, with the reason (structures.py)."""
        self.stand_ins: dict[int, Any] = {}
        """Containers and objects that stand for one or another."""
        self.follows: Any = None
        """BRANCH: where it is what follows a `raise`, or its handler, the `try` that catches it (attempts.py)."""
        self.calls: dict[Any, Any] = {}
        """Calls that others may repeat (repeated_calls.py)."""
        self.present: dict[Any, Any] = {}
        """BRANCH: conditions that hold in it, or do not, by their values; options that are left, by their numbers
        (states.py)."""
        self.names: tuple[str, ...] = ()
        """What of the names around it the region hands on."""
        self.changed_before: frozenset[int] = frozenset()
        """BRANCH: ids of the containers that the side before this one has changed."""
        self.undo: list[Callable[[], None]] = []
        """What else is to be done where the frame is taken back."""
        self.irreversible = ""
        """What was done that cannot be taken back (a generator moved on), if anything."""

    # arrays ---------------------------------------------------------------------------------------------------------
    def path(self, h: TracedArray) -> Iterator[Frame]:
        """The frames between where the handle was made and this one, outermost first."""
        inner: list[Frame] = []
        f: Frame | None = self
        while f is not None and f.depth > h.made.depth:
            inner.append(f)
            f = f.parent
        return reversed(inner)

    def reach(self, h: TracedArray) -> None:
        """Before the content of an array made outside is read here."""
        for f in self.path(h):
            if f.kind == LOOP and id(h) not in f.imports:
                if isinstance(h._content, np.ndarray) and id(h) not in f.carry:
                    f.known_reads[id(h)] = h
                else:
                    f.take_in(h)

    def take_in(self, h: TracedArray) -> None:
        """LOOP: the array becomes a parameter of the body."""
        if id(h) in self.imports:
            return
        if id(h) in self.known_reads:
            self.carry.add(id(h))
            raise Retry(self)
        param = self.parameter(h.type, "")
        self.imports[id(h)] = Saved(h), param
        h._content, h.home, h.where = param, self.recorder, self

    def parameter(self, t: Any, name: str) -> Value:
        v = Value(t, self.block, len(self.block.params), name)
        self.block.params += (v,)
        return v

    def before_write(self, h: TracedArray) -> None:
        """Before the handle of an array gets another content."""
        for f in self.path(h):
            if f.kind == LOOP:
                f.take_in(h)
        if self.kind in (BRANCH, TRIAL) and h.made.depth < self.depth:
            self.log.setdefault(id(h), Saved(h))

    def before_alias_write(self, h: TracedArray) -> None:
        """Before an array is told that it may have changed under another name. Frames around remember what it was, too:
        when they are taken back, this one has ended long since."""
        f: Frame | None = self
        while f is not None and h.made is not None and h.made.depth < f.depth:
            saved = f.log.get(id(h)) or f.imports.get(id(h), (None,))[0]
            f.alias_writes.setdefault(id(h), (h, saved.aliases if saved is not None else h.aliases))
            f = f.parent

    # containers -----------------------------------------------------------------------------------------------------
    def before_change(self, owner: Any) -> None:
        """Before a container's or object's items change."""
        if self.logs_containers and not self.is_fresh(owner) and id(owner) not in self.containers:
            self.containers[id(owner)] = ContentsBefore(owner)

    @property
    def logs_containers(self) -> bool:
        """Whether somebody asks behind the frame what has been changed of what was there before."""
        return self.kind != ROOT or bool(self.recorder.called_by)

    def is_fresh(self, owner: Any) -> bool:
        return id(owner) in self.fresh

    def refuse(self, what: str) -> None:
        """Before something is done that is neither repeated by the compiled code nor can be taken back."""
        f: Frame | None = self
        while f is not None and f.kind != ROOT:
            if f.kind == TRIAL:
                f.irreversible = what
            else:
                fail(TraceError, f"{what}, which a compiled loop or branch cannot repeat")
            f = f.parent
        self.recorder.refuse_state(what)

    def refuse_unless_carried(self, name: str, made_in: Frame | None) -> None:
        """Before a name is bound anew that belongs to a function which runs in the region made_in: each region in
        between must hand it on."""
        f: Frame | None = self
        while f is not None and f is not made_in and f.kind != ROOT:
            if name not in f.names:
                what = f"the name {name} of a function around is bound anew by a function that is called"
                if f.kind == TRIAL:
                    f.irreversible = what
                else:
                    fail(TraceError, f"{what}, inside of an expression, or in another function's loop or branch, which "
                                     f"does not hand it on; write the condition as an if statement in the function "
                                     f"that {name} belongs to")
            f = f.parent
        if f is not None and f is not made_in:
            self.recorder.refuse_state(f"the name {name} of a function around is bound anew")

    def changed(self) -> Iterator[tuple[ContentsBefore, Any]]:
        """The containers from outside that are not what they were, with what they hold now."""
        for old in self.containers.values():
            now = items_of(old.owner)
            if old.items is None or now is None or not same_items(old.items, now):
                yield old, now

    # ends -----------------------------------------------------------------------------------------------------------
    def restore(self) -> None:
        """Everything outside as it was when the frame began."""
        for saved in self.log.values():
            saved.restore()
        for saved, _ in self.imports.values():
            saved.restore()
        for contents in self.containers.values():
            contents.restore()
        for h, aliases in self.alias_writes.values():
            h.aliases = aliases

    def close(self) -> None:
        """The frame ends; its parent is the innermost one again, and what was made here was made there."""
        assert self.recorder.frame is self and self.parent is not None
        self.open = False
        self.parent.fresh.update(self.fresh)
        self.parent.frozen.update(self.frozen)
        self.parent.stand_ins.update(self.stand_ins)
        _drop_facts(self.recorder, self.facts)
        self.recorder.frame = self.parent

    def abandon(self) -> None:
        """Take back all that was done in this frame (and in those inside of it that an exception left open)."""
        while self.recorder.frame is not self:
            self.recorder.frame.abandon()
        self.restore()
        while self.undo:
            self.undo.pop()()
        if self.kind == TRIAL:
            self.recorder.forget(self.block.ops[self.start:])
            del self.block.ops[self.start:]
            for key in set(self.recorder.may_be_aliased) - self.aliased:
                self.recorder.may_be_aliased.pop(key, None)
        self.recorder.outermost.unanswered = self.unanswered
        self.fresh, self.frozen, self.stand_ins = {}, {}, {}
        self.close()

    def commit(self) -> None:
        """TRIAL: what was done stays, and is the parent's to take back."""
        assert self.parent is not None
        up = self.parent
        for saved in self.log.values():
            if up.kind == TRIAL or (up.kind == BRANCH and saved.handle.made.depth < up.depth):
                up.log.setdefault(id(saved.handle), saved)
        for key, contents in self.containers.items():
            if up.logs_containers and key not in up.fresh:
                up.containers.setdefault(key, contents)
        for key, (h, aliases) in self.alias_writes.items():
            if h.made.depth < up.depth:
                up.alias_writes.setdefault(key, (h, aliases))
        up.irreversible = up.irreversible or self.irreversible
        up.calls.update(self.calls)
        up.undo += self.undo
        self.close()


def _count_facts(recorder: Recorder) -> int:
    return len(recorder.integers.ranges.facts) if recorder.integers is not None else 0


def _drop_facts(recorder: Recorder, count: int) -> None:
    if recorder.integers is not None:
        del recorder.integers.ranges.facts[count:]


def leaked(h: TracedArray) -> NoReturn:
    """A handle whose region has ended."""
    what = {BRANCH: "a branch on a traced condition", LOOP: "a compiled loop"}.get(h.made.kind, "a region")
    at = f" ({h.made.loc.full})" if h.made.loc else ""
    fail(LeakError, f"a value made inside of {what}{at} is used after it, by a way that gradjit cannot follow; give "
                    f"it to a variable that is assigned before, or write it into an array")


# containers ---------------------------------------------------------------------------------------------------------
def before_change(owner: Any) -> None:
    """Before lifted code changes what a container or object holds."""
    from ..recorder import recorders
    if recorders():
        from ..structures import refuse_frozen
        refuse_frozen(owner)
        recorders()[-1].frame.before_change(owner)


CONTAINERS = (list, dict, set, deque, bytearray, array)
OF_BYTES = (bytearray, array)
"""Containers that hold no traced values."""
_MAPPINGS = (dict, OrderedDict, defaultdict)


def is_container(x: Any) -> bool:
    """Whether calls may change what x holds."""
    return isinstance(x, CONTAINERS)


def items_of(owner: Any) -> Any:
    """What a container or object holds, by key; None for what is not looked into."""
    if isinstance(owner, (list, deque, *OF_BYTES)):
        return dict(enumerate(owner))
    if isinstance(owner, dict):
        return dict(owner)
    if isinstance(owner, (set, frozenset)):
        return dict.fromkeys(owner)
    if isinstance(owner, types.ModuleType):
        return None
    held = dict(owner.__dict__) if has_dict(owner) else {}
    for cls in type(owner).__mro__:
        for name in _slots(cls):
            if (value := peek(owner, name, held)) is not held:
                held[name] = value
    return held


def _slots(cls: type) -> tuple[str, ...]:
    names = cls.__dict__.get("__slots__", ())
    return tuple(n for n in ((names,) if isinstance(names, str) else names) if n not in ("__dict__", "__weakref__"))


def refill(owner: Any, items: dict[Any, Any]) -> None:
    """Make a container or object hold these items again."""
    if isinstance(owner, (list, bytearray)):
        owner[:] = items.values()
    elif isinstance(owner, array):
        owner[:] = array(owner.typecode, items.values())
    elif isinstance(owner, deque):
        owner.clear()
        owner.extend(items.values())
    elif isinstance(owner, (dict, set)):
        owner.clear()
        owner.update(items)
    else:
        now = items_of(owner)
        for name in now:
            if name not in items:
                (type if isinstance(owner, type) else object).__delattr__(owner, name)
        for name, value in items.items():
            if name not in now or now[name] is not value:
                set_plainly(owner, name, value)


def set_plainly(owner: Any, name: str, value: Any) -> None:
    """`owner.name = value`, whatever the class says about it."""
    (type if isinstance(owner, type) else object).__setattr__(owner, name, value)


def same_items(a: dict[Any, Any], b: dict[Any, Any]) -> bool:
    """The same keys in the same order, the same objects."""
    return len(a) == len(b) and all(k == j and v is w for (k, v), (j, w) in zip(a.items(), b.items(), strict=True))


# substitution -------------------------------------------------------------------------------------------------------
def substitute(block: Block, env: dict[Value, Value]) -> None:
    """Replace values in a block and the regions inside of it, in place."""
    if not env:
        return

    def look(v: Value) -> Value:
        return env.get(v, v)

    for op in block.ops:
        op.operands = tuple(map(look, op.operands))
        op.attrs = {k: map_attr(a, look) for k, a in op.attrs.items()}
        for r in op.results:
            r.type = map_type(r.type, look)
        for region in op.regions:
            for p in region.params:
                p.type = map_type(p.type, look)
            substitute(region, env)
    block.results = tuple(map(look, block.results))
