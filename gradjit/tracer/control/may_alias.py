"""Arrays that may be one another.

Behind `if c: y = a else: y = b` the name y stands for a or for b, which only a run can tell. It holds elements of its
own, and is an *alias* of a and of b. All three have the right elements until somebody writes.

- Where the condition under which y is a can be computed, the alias is *exact*. Who reads y behind a write to a takes
  a's elements if the condition holds; who reads a behind a write to y takes those of y. Nothing is done for programs
  that do not ask.
- Elsewhere (a loop rebinds the name in some of its iterations, to another view in each) a write to a makes y
  unreadable, and a write to y makes a and b so, where no other name may stand for one of them as well; otherwise it is
  an error. What is unreadable says to copy.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, NoReturn

import numpy as np

from ...errors import TraceError
from ...ir import Block, Value
from ...records import dataclass
from ..locations import fail, here

if TYPE_CHECKING:
    from ..array import TracedArray
    from ..recorder import Content, Recorder

MANY = 1000
"""Overlays of one program. In unrolled loops that bind names under conditions each may need those of all iterations
before, so that their number grows without measure."""

When = Callable[["Recorder"], Value]
"""A condition, computed in the innermost region of the recorder."""


@dataclass(frozen=True, eq=False)
class Alias:
    """An array, or a view of one, that a name may stand for."""

    array: TracedArray
    version: int
    """The version of its root that the name's own elements are no older than."""
    when: When | None = None
    """When it is this very one; None where that cannot be computed."""

    @classmethod
    def of(cls, array: TracedArray, when: When | None = None) -> Alias:
        return cls(array, array.root.version, when)


@dataclass(frozen=True, eq=False)
class AliasWrite:
    """A write, under another name, to what may be this array."""

    source: TracedArray | None
    """What has been written to; None where nobody can read it any more."""
    target: TracedArray
    """This array or a view of it: what the source is, where it is one with it."""
    when: When | None
    why: str
    group: object = None

    def is_by(self, h: TracedArray) -> bool:
        """Whether the source is this array, or one that is surely another than this."""
        return self.source is h or (self.group is not None and h.aliases is not None and self.group is h.aliases.group)


@dataclass(frozen=True, eq=False)
class Aliases:
    """What an array may share its elements with."""

    others: tuple[Alias, ...] = ()
    why: str = ""
    """Begins with the name of the variable."""
    near: tuple[Alias, ...] = ()
    """Other variables that may stand for one array that was made in the same region: none of them is written to."""
    alone: bool = True
    """Whether it may be written to."""
    loose: bool = False
    """Of a value that is being returned: nothing is written to on the way that returns it."""
    group: object = None
    """Arrays of one group are different ones, though they may be the same others."""
    alias_writes: tuple[AliasWrite, ...] = ()
    is_complete: bool = False
    """Whether it surely is one of the others: it is no array of its own."""

    @property
    def every(self) -> tuple[Alias, ...]:
        return (*self.others, *self.near)

    @property
    def is_lost(self) -> bool:
        """Whether one that this may be has been written to, and nobody can tell whether it was this."""
        return any(n.when is None for n in self.alias_writes)


def bind(h: TracedArray, aliases: Aliases) -> None:
    """Give an array its aliases."""
    assert h.owner is not None
    h.aliases = aliases
    h.owner.may_be_aliased[id(h)] = h


def refresh_all(recorder: Recorder) -> None:
    """Before a loop: elements are brought in once, not in each iteration. Those that nobody reads cost nothing."""
    needed = recorder.outermost.is_needed
    for h in list(recorder.may_be_aliased.values()):
        if h.made.open and h.aliases is not None:
            try:
                refresh(h)
            except TraceError:  # who reads it will be told
                recorder.outermost.is_needed = needed


def refresh(h: TracedArray, reader: TracedArray | None = None, done: set[tuple[int, int]] | None = None) -> None:
    """Before the elements of a root are read: bring in what was written under other names. TraceError where only a run
    could tell. `reader`: what reads them, which knows what was written under its own name. `done`: which has been asked
    for which reader; there are many ways from a name to one that it may be, where loops exchange names."""
    aliases = h.aliases
    if aliases is None or aliases.loose:
        return
    done = set() if done is None else done
    for alias in aliases.others:
        way = id(alias.array.root), id(h)
        if way not in done:
            done.add(way)
            refresh(alias.array.root, h, done)
    stale = [alias for alias in aliases.others if alias.array.root.version != alias.version]
    if stale or any(reader is None or not n.is_by(reader) for n in aliases.alias_writes):
        apply_alias_writes(h)
    for alias in stale:
        if alias.when is None:
            refuse(aliases.why)
        h.owner.frame.before_write(h)  # type: ignore[union-attr]
        seen(h, alias.array.root)
        overlay(h, alias.when, alias.array)
    if any(alias.array.root.version != alias.version for alias in aliases.near):
        refuse(aliases.why)


def apply_alias_writes(h: TracedArray) -> None:
    """Bring in what was written to under other names. What these hold is newer than all that they may be."""
    aliases = h.aliases
    if aliases is None or not aliases.alias_writes:
        return
    for n in aliases.alias_writes:
        if n.when is None:
            refuse(n.why)
    assert h.owner is not None
    h.owner.frame.before_write(h)
    h.aliases = replace(aliases, alias_writes=())
    for n in aliases.alias_writes:
        assert n.source is not None and n.when is not None
        overlay(n.target, n.when, n.source, up_to_date=True)
        seen(n.source, h)


def seen(h: TracedArray, root: TracedArray) -> None:
    """h has what the root holds now."""
    assert h.aliases is not None
    h.aliases = replace(h.aliases, others=tuple(replace(t, version=root.version) if t.array.root is root else t
                                          for t in h.aliases.others))


def before_write(h: TracedArray) -> None:
    """Before a root is written to that has aliases."""
    refresh(h)
    if h.aliases is not None and (h.aliases.near or not h.aliases.alone):
        refuse(h.aliases.why)


def after_write(h: TracedArray) -> None:
    """What the root may be has changed, if it is that."""
    assert h.aliases is not None
    for r in h.maybe()[1:]:
        if r.aliases is not None and any(n.source is h for n in r.aliases.alias_writes):
            set_alias_writes(r, [n for n in r.aliases.alias_writes if n.source is not h], again=False)
    lost: set[int] = set()
    for t in h.aliases.others:
        record_alias_write(t.array, h, t.when, h.aliases.why, h.aliases.group, lost)


def record_alias_write(array: TracedArray, source: TracedArray | None, when: When | None, why: str,
                       group: object = None, lost: set[int] | None = None) -> None:
    """The array may have changed, as its other name `source` is written to; and so may what it may be in its turn.
    `lost`: roots of which only a run could tell, so far; there are many ways to each, where loops exchange names."""
    root = array.root
    lost = set() if lost is None else lost
    if id(root) in lost:
        return
    if when is None:
        lost.add(id(root))
    if root.same_arrays:
        refuse(why)
    old = root.aliases.alias_writes if root.aliases is not None else ()
    set_alias_writes(root, [*old, AliasWrite(source, array, when, why, group)], again=False)
    for t in root.aliases.others if root.aliases is not None else ():
        record_alias_write(rebased(array, t.array), source, both(when, t.when), why, group, lost)


def set_alias_writes(root: TracedArray, alias_writes: Sequence[AliasWrite], again: bool = True) -> None:
    """What a root has been told of: these alone, or (again) besides what it was told of by others."""
    assert root.owner is not None
    root.owner.frame.before_alias_write(root)
    aliases = root.aliases or Aliases()
    kept = [n for n in aliases.alias_writes if again and not any(n.source is m.source for m in alias_writes)]
    bind(root, replace(aliases, alias_writes=(*kept, *alias_writes)))


def both(a: When | None, b: When | None) -> When | None:
    return None if a is None or b is None else conjunction(a, b)


def conjunction(a: When, b: When) -> When:
    return lambda recorder: recorder.builder.and_(a(recorder), b(recorder))


def disjunction(a: When, b: When) -> When:
    return lambda recorder: recorder.builder.or_(a(recorder), b(recorder))


def rebased(h: TracedArray, base: TracedArray) -> TracedArray:
    """What h is of its root, of another array of the same shape."""
    from ..array import view
    if h.parent is None or h._view is None:
        return base
    return view(rebased(h.parent, base), h._view, None)


def make_unreadable(array: TracedArray, why: str, group: object = None) -> None:
    """The array may have changed, in a way that only a run can tell."""
    record_alias_write(array, None, None, why, group)


def bind_returned(h: TracedArray) -> None:
    """The value has been returned: from now on writes count."""
    if h.aliases is not None:
        others, near = (tuple(Alias.of(t.array, t.when) for t in group) for group in (h.aliases.others, h.aliases.near))
        h.aliases = replace(h.aliases, others=others, near=near, loose=False)


def alias_items(rows: Iterable[TracedArray], appended: Iterable[TracedArray], depth: int, name: str) -> None:
    """Items of a list, which rows of arrays stand for, are arrays that have other names, or views of such: those of
    `depth`, or further out. The rows may not be written to, nor be read when one of these has been."""
    others = {id(r): Alias.of(r) for h in appended for r in h.maybe() if r.made.depth <= depth}
    for row in rows if others else ():
        bind(row.root, replace(row.root.aliases or Aliases(), others=tuple(others.values()), alone=False,
                               why=f"{name} may hold an array that has another name, too"))


def refuse(why: str) -> NoReturn:
    from ..recorder import current
    current().outermost.is_needed = True  # iteration by iteration, loops of known length leave no doubt
    fail(TraceError, f"{why}, and one of them is written to: which one has changed is not known while gradjit "
                     f"compiles the function; copy the array when you assign it, as by x = y.copy()")


def overlap(a: TracedArray, b: TracedArray) -> bool:
    """Whether two roots may be one array."""
    if a is b or any(a is x for x in b.same_arrays):
        return True
    s, t = a.aliases, b.aliases
    if s is not None and t is not None and s.group is t.group is not None:
        return False
    return any(x is y for x in a.maybe() for y in b.maybe())


def are_one(x: TracedArray, y: TracedArray) -> bool:
    """Whether two handles surely are one array."""
    return x is y or any(y is t for t in x.same_arrays)


def when_one(x: TracedArray, y: TracedArray) -> When | bool:
    """When two handles are one object; TraceError where that cannot be computed."""
    if x.root.aliases is None is y.root.aliases or x is y:
        return x is y
    if (group := x.root.aliases and x.root.aliases.group) and y.root.aliases and y.root.aliases.group is group:
        return False
    found: When | None = None
    for a, s in names_of(x):
        for b, t in names_of(y):
            if (s is None or t is None) and a.root is b.root:
                why = next(h.root.aliases.why for h in (x, y) if h.root.aliases is not None)
                x.owner.outermost.is_needed = True  # type: ignore[union-attr]  # iteration by iteration it is known
                fail(TraceError, f"{why}, and only a run could tell whether it is: `is` has no answer while gradjit "
                                 f"compiles the function; keep a flag beside the name")
            if s is not None and t is not None and a is b:
                found = conjunction(s, t) if found is None else disjunction(found, conjunction(s, t))
    return found or False


def names_of(h: TracedArray) -> list[tuple[TracedArray, When | None]]:
    """The handles that stand for the object that h does, and under which condition; None where that is not known."""
    found: dict[int, tuple[TracedArray, When | None]] = {id(h): (h, always)}
    todo = [h]
    for x in todo:  # grows
        for t in x.aliases.every if x.aliases is not None else ():
            if id(t.array) not in found:
                is_near = x.aliases is not None and t in x.aliases.near
                found[id(t.array)] = t.array, None if is_near else both(found[id(x)][1], t.when)
                todo.append(t.array)
            elif t.array is not h:  # on two ways
                found[id(t.array)] = t.array, None
    return list(found.values())


def always(recorder: Recorder) -> Value:
    return recorder.literal(np.asarray(True))


def may_share(x: TracedArray, y: TracedArray) -> bool:
    """Whether two handles may have elements in common."""
    if x.root is not y.root:
        return overlap(x.root, y.root)
    v, w = x._view, y._view
    return v is None or w is None or x.parent is not y.parent or not v.is_apart(w)


# elements -------------------------------------------------------------------------------------------------------------
def overlay(target: TracedArray, when: When, source: TracedArray, up_to_date: bool = False) -> None:
    """target = source if when else target. up_to_date: the source is a root that holds what it should."""
    from ..array import ARRAY, root
    from ..recorder import innermost
    recorder = target.root.owner
    assert recorder is not None
    count_overlay(recorder.outermost, target.root.aliases)
    with innermost(recorder):
        if up_to_date:
            source.enter()
        new = value_of(recorder, source._content, source.home) if up_to_date else value_in(recorder, source)
        old = value_in(recorder, target)
        recorder.builder.loc = here()
        test = when(recorder)
        b = recorder.builder
        if new.type.rank:
            (value,) = b.append("if", (test,), {}, (giving(new), giving(old)), [old.type]).results
        else:
            value = b.select(test, new, old)
        target.assign(root(value, recorder, ARRAY))


def count_overlay(whole: Recorder, aliases: Aliases | None) -> None:
    """One more; TraceError where they are too many to compile."""
    whole.overlays += 1
    if whole.overlays > MANY:
        why = aliases.why if aliases is not None and aliases.why else "a name may stand for one of several arrays"
        fail(TraceError, f"{why}, and arrays that it may stand for are written to, again and again: the elements that "
                         f"this changes have been worked out {MANY} times in this function, by now; copy the array "
                         f"when you assign it, as by x = y.copy()")


def giving(v: Value) -> Block:
    """A region that yields a value from outside."""
    block = Block()
    block.results = (v,)
    return block


def value_in(recorder: Recorder, h: TracedArray) -> Value:
    """What a handle holds, as a value of this recorder's function."""
    return value_of(recorder, h.content, h.home)


def value_of(recorder: Recorder, content: Content, home: Recorder | None) -> Value:
    if isinstance(content, np.ndarray):
        return recorder.literal(content)
    assert home is not None
    return recorder.adopt(content, home)


# views that belong to no region ---------------------------------------------------------------------------------------
def taken_out(h: TracedArray, depth: int) -> TracedArray | None:
    """The array, or an equal view, as a handle made outside of the regions from `depth` on; None if there is none."""
    from ..array import view
    if h.made.depth < depth:
        return h
    if h.parent is None or h._view is None or not h._view.is_static:
        return None
    parent = taken_out(h.parent, depth)
    return None if parent is None else view(parent, h._view, h.strides_in_elements)


def exactly(h: TracedArray, depth: int) -> list[tuple[TracedArray, When]] | None:
    """The arrays from outside that one made inside is, each with its condition; None where that is not known."""
    if h.parent is not None or (h.aliases is not None and (h.aliases.near or h.aliases.alias_writes)):
        return None
    found: list[tuple[TracedArray, When]] = []
    for t in h.aliases.others if h.aliases is not None else ():
        if t.when is None:
            return None
        same = taken_out(t.array, depth)
        deeper = [(same, None)] if same is not None else exactly(t.array, depth)
        if deeper is None:
            return None
        found += [(x, t.when if when is None else conjunction(t.when, when)) for x, when in deeper]
    return found


def by_origin(found: Sequence[tuple[TracedArray, When | None]], recorder: Recorder
              ) -> list[tuple[TracedArray, When | None]]:
    """What a name may stand for, without the names among them that are surely others': those in their place, each but
    once. So a name that is bound anew in many iterations has no more aliases in the last than in the first.

    A condition that is put together is computed here: it is asked for at many places.
    """
    out: list[tuple[TracedArray, When | None]] = []
    for h, when in found:
        aliases = h.root.aliases
        if when is None or aliases is None or not aliases.is_complete or aliases.near:
            out.append((h, when))
            continue
        for t in aliases.others:
            assert t.when is not None
            array, test = rebased(h, t.array), computed(conjunction(when, t.when), recorder)
            k = next((k for k, (x, w) in enumerate(out) if w is not None and same_elements(x, array)), None)
            if k is None:
                out.append((array, test))
            else:
                out[k] = array, computed(disjunction(out[k][1], test), recorder)  # type: ignore[arg-type]
    return out


def computed(when: When, recorder: Recorder) -> When:
    """The condition, computed now."""
    value = when(recorder)
    return lambda r: value_of(r, value, recorder)


def same_elements(a: TracedArray, b: TracedArray) -> bool:
    """Whether both handles surely are the same window of the same array."""
    a, b = unwrapped(a), unwrapped(b)
    if a is b:
        return True
    return (a.parent is not None and b.parent is not None and a._view == b._view and a._view is not None
            and a._view.is_static and same_elements(a.parent, b.parent))


def unwrapped(h: TracedArray) -> TracedArray:
    """The array that a handle shows all of, as it is."""
    while h.parent is not None and h._view is not None and h._view.shows_all(h.parent):
        h = h.parent
    return h
