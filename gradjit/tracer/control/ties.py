"""Arrays that may be one another.

Behind `if c: y = a else: y = b` the name y stands for a or for b, which only a run can tell. It holds elements of its
own, and is *tied* to a and to b. All three have the right elements until somebody writes.

- Where the condition under which y is a can be computed, the tie is *exact*. Who reads y behind a write to a takes a's
  elements if the condition holds; who reads a behind a write to y takes those of y. Nothing is done for programs that
  do not ask.
- Elsewhere (a loop rebinds the name in some of its turns, to another view in each) a write to a makes y unreadable,
  and a write to y makes a and b so, where no other name may stand for one of them as well; otherwise it is an error.
  What is unreadable says to copy.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, NoReturn

import numpy as np

from ...errors import TraceError
from ...ir import Block, Value
from ..locations import fail, here

if TYPE_CHECKING:
    from ..array import TracedArray
    from ..recorder import Content, Recorder

When = Callable[["Recorder"], Value]
"""A condition, computed in the innermost region of the recorder."""


@dataclass(frozen=True, eq=False)
class Tie:
    """An array, or a view of one, that a name may stand for."""

    array: TracedArray
    version: int
    """The version of its root that the name's own elements are no older than."""
    when: When | None = None
    """When it is this very one; None where that cannot be computed."""

    @classmethod
    def of(cls, array: TracedArray, when: When | None = None) -> Tie:
        return cls(array, array.root.version, when)


@dataclass(frozen=True, eq=False)
class News:
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
        return self.source is h or (self.group is not None and h.ties is not None and self.group is h.ties.group)


@dataclass(frozen=True, eq=False)
class Ties:
    """What an array may share its elements with."""

    others: tuple[Tie, ...] = ()
    why: str = ""
    """Begins with the name of the variable."""
    near: tuple[Tie, ...] = ()
    """Other variables that may stand for one array that was made in the same region: none of them is written to."""
    alone: bool = True
    """Whether it may be written to."""
    loose: bool = False
    """Of a value that is being returned: nothing is written to on the way that returns it."""
    group: object = None
    """Arrays of one group are different ones, though they may be the same others."""
    news: tuple[News, ...] = ()
    is_complete: bool = False
    """Whether it surely is one of the others: it is no array of its own."""

    @property
    def every(self) -> tuple[Tie, ...]:
        return (*self.others, *self.near)

    @property
    def is_lost(self) -> bool:
        """Whether one that this may be has been written to, and nobody can tell whether it was this."""
        return any(n.when is None for n in self.news)


def bind(h: TracedArray, ties: Ties) -> None:
    """Give an array its ties."""
    assert h.owner is not None
    h.ties = ties
    h.owner.tied[id(h)] = h


def settle_all(recorder: Recorder) -> None:
    """Before a loop: elements are brought in once, not in each turn. Those that nobody reads cost nothing."""
    needed = recorder.outermost.is_needed
    for h in list(recorder.tied.values()):
        if h.made.open and h.ties is not None:
            try:
                settle(h)
            except TraceError:  # who reads it will be told
                recorder.outermost.is_needed = needed


def settle(h: TracedArray, reader: TracedArray | None = None) -> None:
    """Before the elements of a root are read: bring in what was written under other names. TraceError where only a run
    could tell. `reader`: what reads them, which knows what was written under its own name."""
    ties = h.ties
    if ties is None or ties.loose:
        return
    for tie in ties.others:
        settle(tie.array.root, h)
    stale = [tie for tie in ties.others if tie.array.root.version != tie.version]
    if stale or any(reader is None or not n.is_by(reader) for n in ties.news):
        take_news(h)
    for tie in stale:
        if tie.when is None:
            refuse(ties.why)
        h.owner.frame.before_write(h)  # type: ignore[union-attr]
        seen(h, tie.array.root)
        overlay(h, tie.when, tie.array)
    if any(tie.array.root.version != tie.version for tie in ties.near):
        refuse(ties.why)


def take_news(h: TracedArray) -> None:
    """Bring in what was written to under other names. What these hold is newer than all that they may be."""
    ties = h.ties
    if ties is None or not ties.news:
        return
    for n in ties.news:
        if n.when is None:
            refuse(n.why)
    assert h.owner is not None
    h.owner.frame.before_write(h)
    h.ties = replace(ties, news=())
    for n in ties.news:
        assert n.source is not None and n.when is not None
        overlay(n.target, n.when, n.source, settled=True)
        seen(n.source, h)


def seen(h: TracedArray, root: TracedArray) -> None:
    """h has what the root holds now."""
    assert h.ties is not None
    h.ties = replace(h.ties, others=tuple(replace(t, version=root.version) if t.array.root is root else t
                                          for t in h.ties.others))


def before_write(h: TracedArray) -> None:
    """Before a root is written to that has ties."""
    settle(h)
    if h.ties is not None and (h.ties.near or not h.ties.alone):
        refuse(h.ties.why)


def after_write(h: TracedArray) -> None:
    """What the root may be has changed, if it is that."""
    assert h.ties is not None
    for r in h.maybe()[1:]:
        if r.ties is not None and any(n.source is h for n in r.ties.news):
            retell(r, [n for n in r.ties.news if n.source is not h], again=False)
    for t in h.ties.others:
        tell(t.array, h, t.when, h.ties.why, h.ties.group)


def tell(array: TracedArray, source: TracedArray | None, when: When | None, why: str, group: object = None) -> None:
    """The array may have changed, as its other name `source` is written to; and so may what it may be in its turn."""
    root = array.root
    old = root.ties.news if root.ties is not None else ()
    retell(root, [*old, News(source, array, when, why, group)], again=False)
    for t in root.ties.others if root.ties is not None else ():
        tell(rebased(array, t.array), source, both(when, t.when), why, group)


def retell(root: TracedArray, news: Sequence[News], again: bool = True) -> None:
    """What a root has been told of: these alone, or (again) besides what it was told of by others."""
    assert root.owner is not None
    root.owner.frame.before_news(root)
    ties = root.ties or Ties()
    kept = [n for n in ties.news if again and not any(n.source is m.source for m in news)]
    bind(root, replace(ties, news=(*kept, *news)))


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


def lose(array: TracedArray, why: str, group: object = None) -> None:
    """The array may have changed, in a way that only a run can tell."""
    tell(array, None, None, why, group)


def fasten(h: TracedArray) -> None:
    """The value has been returned: from now on writes count."""
    if h.ties is not None:
        others, near = (tuple(Tie.of(t.array, t.when) for t in ties) for ties in (h.ties.others, h.ties.near))
        h.ties = replace(h.ties, others=others, near=near, loose=False)


def refuse(why: str) -> NoReturn:
    from ..recorder import current
    current().outermost.is_needed = True  # turn by turn, loops of known length leave no doubt
    fail(TraceError, f"{why}, and one of them is written to: which one has changed is not known while gradjit "
                     f"compiles the function; copy the array when you assign it, as by x = y.copy()")


def overlap(a: TracedArray, b: TracedArray) -> bool:
    """Whether two roots may be one array."""
    if a is b:
        return True
    s, t = a.ties, b.ties
    if s is not None and t is not None and s.group is t.group is not None:
        return False
    return any(x is y for x in a.maybe() for y in b.maybe())


def may_share(x: TracedArray, y: TracedArray) -> bool:
    """Whether two handles may have elements in common."""
    if x.root is not y.root:
        return overlap(x.root, y.root)
    v, w = x._view, y._view
    return v is None or w is None or x.parent is not y.parent or not v.is_apart(w)


# elements -------------------------------------------------------------------------------------------------------------
def overlay(target: TracedArray, when: When, source: TracedArray, settled: bool = False) -> None:
    """target = source if when else target. settled: the source is a root that holds what it should."""
    from ..array import ARRAY, root
    recorder = target.root.owner
    assert recorder is not None
    if settled:
        source.enter()
    new = value_of(recorder, source._content, source.home) if settled else value_in(recorder, source)
    old = value_in(recorder, target)
    recorder.builder.loc = here()
    test = when(recorder)
    b = recorder.builder
    if new.type.rank:
        (value,) = b.append("if", (test,), {}, (giving(new), giving(old)), [old.type]).results
    else:
        value = b.select(test, new, old)
    target.assign(root(value, recorder, ARRAY))


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
    if h.parent is not None or (h.ties is not None and (h.ties.near or h.ties.news)):
        return None
    found: list[tuple[TracedArray, When]] = []
    for t in h.ties.others if h.ties is not None else ():
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
    once. So a name that is bound anew in many turns has no more ties in the last than in the first.

    A condition that is put together is computed here: it is asked for at many places.
    """
    out: list[tuple[TracedArray, When | None]] = []
    for h, when in found:
        ties = h.root.ties
        if when is None or ties is None or not ties.is_complete or ties.near:
            out.append((h, when))
            continue
        for t in ties.others:
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
