"""What a `for` runs over, by index: ranges with traced bounds, rows of arrays, enumerate, zip and reversed of these."""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Sequence
from typing import Any, NoReturn

import numpy as np

from ...errors import TraceError
from ...ir import ArrayType, Value
from ...ir.sizes import is_nonnegative, is_open
from .. import extents, operands as o
from ..array import ARRAY, TracedArray, leak, root
from ..dispatch import leave
from ..grown import expanded, is_grown, is_part, length, located, noted, odd_one, readable
from ..locations import fail
from ..masked_selection import elements_of
from ..outside import is_data_array
from ..recorder import recorders
from ..structures import made

SHORT = 8
"""Loops of at most so many iterations run as ordinary Python."""


class IndexedIterable:
    """A sequence whose items are found by index."""

    @property
    def inner(self) -> list[IndexedIterable]:
        """The sequences that it is made of."""
        return []

    sequence: Any = None
    """The list that it stands for, if it does for one."""
    has_labels: bool = False
    """Whether its items are strings, or have such as parts, of which more is known where they are Python's own."""

    @property
    def is_labelled(self) -> bool:
        return self.has_labels or any(t.is_labelled for t in self.inner)

    def sources(self) -> Iterator[Any]:
        """The lists that it runs over."""
        yield self.sequence
        for t in self.inner:
            yield from t.sources()

    def prepare(self, first: int = 0) -> None:
        """Before a region that begins at item number `first`: what is found by index in it is put into arrays."""
        for t in self.inner:
            t.prepare()

    def check(self, names: Sequence[str], values: Sequence[Any]) -> None:
        """At the end of the body: Mismatch where that has done something to the items that is lost."""
        for t in self.inner:
            t.check(names, values)

    def count(self) -> Any:
        """Its length: an int, or a form."""
        raise NotImplementedError

    def at(self, i: Any) -> Any:
        """Item number i, an int or a traced one that is in range."""
        raise NotImplementedError

    @property
    def bounds(self) -> tuple[Any, Any, int]:
        """lo, hi and step of the index that `item` takes."""
        return 0, self.count(), 1

    def item(self, i: Any) -> Any:
        """The item that the loop's index stands for."""
        return self.at(i)

    @property
    def static(self) -> int | None:
        """The length, where it is known."""
        n = self.count()
        return n if isinstance(n, int) and not is_open(n) else None

    def __len__(self) -> int:
        n = self.static
        return self.refuse() if n is None else n

    def __iter__(self) -> Iterator[Any]:
        return self.after(0)

    def after(self, n: int) -> Iterator[Any]:
        """The items behind the first n, one after the other."""
        return (self.at(i) for i in range(n, len(self)))

    # iterators among what it is made of -----------------------------------------------------------------------------
    def is_at(self, n: int) -> bool:
        """Whether n items have been taken of each iterator that it is made of."""
        return all(t.is_at(n) for t in self.inner)

    def spend(self) -> None:
        """A compiled loop has run over all of its items."""
        for t in self.inner:
            t.spend()

    def lose(self, why: str) -> None:
        """Nobody can tell how many items have been taken."""
        for t in self.inner:
            t.lose(why)

    def stand_at(self, n: int, why: str) -> None:
        """n items have been taken by index, which iterators that others are made of cannot tell."""
        self.lose(why)

    def refuse(self) -> NoReturn:
        fail(TraceError, "the length of a range or sequence with traced bounds is not known while gradjit compiles the "
                         "function; run over it with a for statement")


class IndexedIterator(IndexedIterable):
    """One that is an iterator: what has been taken of it is gone, for all who have it.

    Python (`next`, loops that run as ordinary Python, other iterators) takes items one by one, and the iterators that
    it is made of move on with it. A compiled loop takes all that is left by index, and leaves it spent.
    """

    taken = 0
    is_spent = False
    lost = ""
    """Why nobody knows how many items have been taken, if that is so."""
    _steps: Iterator[Any] | None = None
    _steps_at: Any = 0
    """How many items have been taken of these steps, and before them."""

    def __iter__(self) -> Iterator[Any]:
        return self

    def __next__(self) -> Any:
        self.require()
        if self.is_spent:
            raise StopIteration
        if self._steps is None or self._steps_at != self.taken:
            self._steps = self.steps()
        found = next(self._steps)
        self.taken += 1
        self._steps_at = self.taken
        return found

    def steps(self) -> Iterator[Any]:
        """What Python takes, from where the iterator stands."""
        return self.after(self.taken)

    def require(self) -> None:
        """TraceError where nobody knows what comes next."""
        if self.lost:
            fail(TraceError, f"{self.lost}, so that nobody knows which item of the iterator comes next; make another "
                             f"iterator, or count with an index")

    def is_at(self, n: int) -> bool:
        return not self.lost and not self.is_spent and self.taken == n and super().is_at(n)

    def spend(self) -> None:
        self.is_spent = True
        super().spend()

    def lose(self, why: str) -> None:
        self.lost = self.lost or why
        super().lose(why)

    def stand_at(self, n: int, why: str) -> None:
        """n items have been taken by index."""
        if len(iterators(self)) == 1:
            self.taken, self._steps = n, None
        else:
            self.lose(why)

    def rest(self) -> IndexedIterable | None:
        """What is left, by index; None where only Python's own steps tell."""
        self.require()
        if self.is_spent:
            return TracedRange(0, 0)
        nodes = iterators(self)
        if len(set(map(id, nodes))) < len(nodes) or not self.is_at(self.taken):
            return None
        return Rest(self, self) if self.taken else self


def iterators(t: IndexedIterable) -> list[IndexedIterator]:
    """The iterators that it is made of, itself among them."""
    found = [t] if isinstance(t, IndexedIterator) else []
    return [*found, *(i for part in t.inner for i in iterators(part))]


def positions(t: IndexedIterable | None) -> Positions:
    """Where they stand: they come back there by `go_back`."""
    return [(i, i.taken) for i in iterators(t)] if t is not None else []


Positions = list[tuple[IndexedIterator, int]]


def go_back(old: Positions) -> None:
    for iterator, taken in old:
        iterator.taken, iterator._steps = taken, None


class Rest(IndexedIterator):
    """What is left of an iterator over these items."""

    def __init__(self, source: IndexedIterator, items: IndexedIterable):
        self.source, self.items, self.first = source, items, source.taken

    @property
    def inner(self) -> list[IndexedIterable]:
        return [self.source] if self.items is self.source else [self.source, self.items]

    def is_at(self, n: int) -> bool:
        return self.taken == n and self.source.is_at(self.first + n)

    def stand_at(self, n: int, why: str) -> None:
        self.source.stand_at(self.first + n, why)

    def count(self) -> Any:
        n = self.items.count()
        return n - self.first if self.first and not is_endless(self.items) else n

    @property
    def bounds(self) -> tuple[Any, Any, int]:
        return super().bounds if self.first else self.items.bounds

    def item(self, i: Any) -> Any:
        return self.at(i) if self.first else self.items.item(i)

    def at(self, i: Any) -> Any:
        return self.items.at(i + self.first if self.first else i)

    def steps(self) -> Iterator[Any]:
        return iter(self.source)


class Position:
    """Where an iterator stands that the running program moves on."""

    def __init__(self) -> None:
        self.next: Any = 0


class Taking(IndexedIterator):
    """`iter` of a sequence."""

    def __init__(self, of: Any):
        self.of = of
        self.is_plain = type(of) in (list, tuple) and not o.is_traced(of)
        """Whether loops over it run as ordinary Python, which knows the items."""
        self.position = made(Position())

    @property
    def taken(self) -> Any:
        """How many items have been taken: a traced number where compiled loops or branches have taken some."""
        return self.position.next

    @taken.setter
    def taken(self, n: Any) -> None:
        self.position.next = n

    def require(self) -> None:
        super().require()
        if isinstance(self.taken, TracedArray):
            fail(TraceError, "how many items have been taken of an iterator depends on traced values, so that nobody "
                             "knows where a loop over the others begins; take them by next(), or count with an index")

    def source(self) -> IndexedIterable | None:
        """All items, by index."""
        return indexed_iterable(self.of)

    def __len__(self) -> int:
        raise TypeError("an iterator has no len()")

    def steps(self) -> Iterator[Any]:
        items = indexed_iterable(self.of)
        if items is not None and items.static is None:
            return one_by_one(items, self.taken)
        return itertools.islice(iter(self.of), self.taken, None)

    def rest(self) -> IndexedIterable | None:
        self.require()
        items = None if self.is_plain else self.source()
        return TracedRange(0, 0) if self.is_spent else Rest(self, items) if items is not None else None


class Counting(IndexedIterator):
    """`itertools.count`: a loop over it ends by a break, return or exception."""

    def __init__(self, start: int, step: int):
        self.numbers = TracedRange(start, start + ENDLESS * step, step)

    def __len__(self) -> int:
        raise TypeError("an iterator has no len()")

    def count(self) -> Any:
        return ENDLESS

    def at(self, i: Any) -> Any:
        return self.numbers.at(i)

    @property
    def bounds(self) -> tuple[Any, Any, int]:
        return self.numbers.bounds

    def item(self, i: Any) -> Any:
        return i

    def steps(self) -> Iterator[Any]:
        start, _, step = self.bounds
        return itertools.count(start + self.taken * step, step)


ENDLESS = 2 ** 40
"""More iterations than there ever are."""


class Cycling(Taking):
    """`itertools.cycle` of a sequence that has items."""

    def __init__(self, of: Any):
        super().__init__(of)
        self.is_plain = False  # it begins as ordinary Python, as all loops that only their bodies end

    def source(self) -> IndexedIterable | None:
        items = super().source()
        return None if items is None else Repeating(items)

    def steps(self) -> Iterator[Any]:
        return itertools.islice(itertools.cycle(iter(self.of)), self.taken % len(self.of), None)


def cycling(x: Any) -> Any:
    """itertools.cycle(x)."""
    items = indexed_iterable(x) if type(x) in (list, tuple, range) and recorders() else None
    return Cycling(x) if items is not None and items.static else itertools.cycle(x)


def is_endless(t: IndexedIterable | None) -> bool:
    """Whether a loop over it ends in its body alone."""
    return t is not None and t.static is not None and t.static >= ENDLESS


def counting(start: Any = 0, step: Any = 1) -> Any:
    """itertools.count(start, step)."""
    ints = type(start) is int and type(step) is int and step != 0
    return Counting(start, step) if ints and recorders() else itertools.count(start, step)


def one_by_one(items: IndexedIterable, k: int) -> Iterator[Any]:
    """The items from number k on of a sequence whose length is open: how many there are at least is concluded."""
    while extents.handle(items.count()) > k:
        yield items.at(k)
        k += 1


class TracedRange(IndexedIterable):
    """`range` with traced arguments, or an ordinary one."""

    def __init__(self, start: Any, stop: Any, step: Any = 1):
        self.start, self.stop, self.step = start, stop, step

    @property
    def static(self) -> int | None:
        span = extents.linear(self.stop) - extents.linear(self.start)
        return None if is_open(span.const) and not span.terms else super().static

    def count(self) -> Any:
        span = extents.linear(self.stop) - extents.linear(self.start) if self.step > 0 else (
            extents.linear(self.start) - extents.linear(self.stop))
        known = extents.form(span)
        width = abs(self.step)
        if isinstance(known, int):
            n = -(-known // width)
            return n if is_nonnegative(n) else max(0, n)
        return extents.quotient(extents.larger(extents.form(span + (width - 1)), 0), width)

    def at(self, i: Any) -> Any:
        return self.start + i * self.step

    @property
    def bounds(self) -> tuple[Any, Any, int]:
        return self.start, self.stop, self.step

    def item(self, i: Any) -> Any:
        return i

    def backwards(self) -> TracedRange | None:
        """The same numbers from the last to the first, where that is a range."""
        if self.static is not None and not isinstance(self.start, TracedArray):
            r = range(self.start, self.start + len(self) * self.step, self.step)[::-1]
            return TracedRange(r.start, r.stop, r.step)
        return TracedRange(self.stop - self.step, self.start - self.step, -self.step) if abs(self.step) == 1 else None

    def __reversed__(self) -> IndexedIterable:
        return Reversed(self)


class ArrayRows(IndexedIterable):
    """Along the first axis of an array."""

    def __init__(self, array: TracedArray):
        self.array = array

    def count(self) -> Any:
        return extents.form(self.array.extents[0])

    def at(self, i: Any) -> Any:
        return self.array[i]


class OfOne(IndexedIterable):
    """What runs over another sequence, of as many items."""

    part: IndexedIterable

    @property
    def inner(self) -> list[IndexedIterable]:
        return [self.part]

    def count(self) -> Any:
        return self.part.count()


class Repeating(OfOne):
    """The items of a sequence again and again."""

    def __init__(self, part: IndexedIterable):
        self.part = part

    def count(self) -> Any:
        return ENDLESS

    def at(self, i: Any) -> Any:
        return self.part.at(i % len(self.part))


class Same(OfOne):
    """What runs over another sequence as that does itself."""

    def prepare(self, first: int = 0) -> None:
        self.part.prepare(first)

    def at(self, i: Any) -> Any:
        return self.part.at(i)

    @property
    def bounds(self) -> tuple[Any, Any, int]:
        return self.part.bounds

    def item(self, i: Any) -> Any:
        return self.part.item(i)


class Checkpointed(Same):
    """gj.checkpoint: its loop keeps `snapshots` states of what it carries, or as many as fit into so many bytes.

    The reverse computes from these what it does not find kept (passes/vjp/checkpoint.py).
    """

    def __init__(self, part: IndexedIterable, snapshots: int | None, nbytes: int | None):
        self.part = part
        self.given = snapshots
        self.nbytes = nbytes

    def snapshots(self, carried: Sequence[ArrayType]) -> int:
        """How many states of these types are kept. TraceError where not even one fits."""
        if self.given is not None:
            return self.given
        assert self.nbytes is not None
        state = sum(t.dtype.itemsize * self.elements(t) for t in carried)
        fitting = int(self.nbytes // max(state, 1))
        if fitting < 2:  # the state that is worked on takes the place of one
            fail(TraceError, f"gj.checkpoint: the loop carries {state} bytes, of which two states do not fit into "
                             f"{self.nbytes} bytes")
        n = self.static
        return max(1, min(fitting - 1, n)) if n is not None else fitting - 1

    def elements(self, t: ArrayType) -> int:
        total = 1
        for e in t.shape:
            bound = extents.greatest(e) if isinstance(e, Value) else e
            if bound is None:
                fail(TraceError, f"gj.checkpoint: the loop carries an array of {t}, whose size is only known when the "
                                 f"code runs; give the number of snapshots instead of bytes")
            total *= bound
        return total


class Enumerated(OfOne, IndexedIterator):
    """enumerate."""

    def __init__(self, part: IndexedIterable, start: Any = 0):
        self.part, self.start = part, start

    def prepare(self, first: int = 0) -> None:
        self.part.prepare(first)

    def at(self, i: Any) -> Any:
        return (i + self.start if not is_zero(self.start) else i), self.part.at(i)

    def steps(self) -> Iterator[Any]:
        return enumerate(items_from(self.part, self.taken), self.start + self.taken)


class Zipped(IndexedIterator):
    def __init__(self, parts: list[IndexedIterable]):
        self.parts = parts

    @property
    def inner(self) -> list[IndexedIterable]:
        return self.parts

    def prepare(self, first: int = 0) -> None:
        for t in self.parts:
            t.prepare(first)

    def count(self) -> Any:
        shortest: Any = None
        for p in self.parts:
            shortest = p.count() if shortest is None else extents.smaller(shortest, p.count())
        return shortest if not isinstance(shortest, int) else min(p.count() for p in self.parts) \
            if all(isinstance(p.count(), int) for p in self.parts) else shortest

    def at(self, i: Any) -> Any:
        return tuple(p.at(i) for p in self.parts)

    def steps(self) -> Iterator[Any]:
        return zip(*(items_from(p, self.taken) for p in self.parts), strict=False)

    def spend(self) -> None:
        """Those before the shortest have given one item more."""
        self.is_spent = True
        counts = [p.static for p in self.parts]
        known = [n for n in counts if n is not None]
        shortest = counts.index(min(known)) if len(known) == len(counts) else None
        for k, part in enumerate(self.parts):
            if shortest is None:
                part.lose("a loop over zip has ended with the shortest, whose length is only known when the code runs")
            elif counts[k] == counts[shortest]:
                part.spend()
            else:
                part.stand_at(known[shortest] + (k < shortest), "a loop over zip has ended with the shortest")


class Reversed(OfOne, IndexedIterator):
    def __init__(self, part: IndexedIterable):
        self.part = part
        self.numbers = part.backwards() if isinstance(part, TracedRange) else None

    def at(self, i: Any) -> Any:
        return self.part.at(last(self.part) - i)

    @property
    def bounds(self) -> tuple[Any, Any, int]:
        return super().bounds if self.numbers is None else self.numbers.bounds

    def item(self, i: Any) -> Any:
        return self.at(i) if self.numbers is None else i


class Items(IndexedIterable):
    """Of a list that a compiled loop has made longer."""

    def __init__(self, items: list[Any]):
        self.sequence, self.items = items, list(items)
        self.whole: Any = None
        self.first = 0
        """Which item is the first of those that are put into arrays."""

    def count(self) -> Any:
        n = length(self.items)
        return n if isinstance(n, int) else extents.form(n)

    def prepare(self, first: int = 0) -> None:
        """A loop that has run over the first items as ordinary Python goes over the others as rows: [x] + [...]."""
        if self.whole is not None:
            return
        behind = self.items
        if (odd := odd_one(behind)) is not None:
            behind = noted(self.items[first:])
            if any(map(is_part, self.items[:first])) or not is_grown(behind) or odd_one(behind) is not None:
                raise odd
            self.first = first
        self.whole = readable(behind)

    def at(self, i: Any) -> Any:
        if isinstance(i, int) and self.static is not None:
            return located(self.items, i)
        one = readable(self.items) if self.whole is None else self.whole
        return one.item(i - self.first if self.first else i)

    def __iter__(self) -> Iterator[Any]:
        return iter(expanded(self.items, "a loop over the items"))


def items_from(t: IndexedIterable, n: int) -> Iterator[Any]:
    """An iterator as it stands; the items of a sequence behind the first n."""
    return t.after(n) if n and not isinstance(t, IndexedIterator) else iter(t)


def last(t: IndexedIterable) -> Any:
    if t.static is not None:
        return t.static - 1
    return extents.handle(extents.linear(t.count()) - 1)


def is_zero(x: Any) -> bool:
    return isinstance(x, int) and x == 0


def indexed_iterable(x: Any) -> IndexedIterable | None:
    """What can be run over by index; None for other iterables."""
    if isinstance(x, IndexedIterator):
        return x.rest()
    if isinstance(x, IndexedIterable):
        return x
    if type(x) is range:
        return TracedRange(x.start, x.stop, x.step)
    if is_data_array(x) and recorders():
        x = o.captured(x)
    x = elements_of(x)
    if isinstance(x, TracedArray):
        return ArrayRows(x) if x.kind == ARRAY and x.ndim else None
    if not recorders():
        return None
    from ..special_methods import unwrapped
    x = unwrapped(x)
    if is_grown(x):
        return Items(x)
    from .columns import columns
    return columns(x)


# builtins -----------------------------------------------------------------------------------------------------------
def index(x: Any, what: str) -> Any:
    """An integer argument of range, known or traced."""
    if not isinstance(x, TracedArray):
        return x.__index__()
    if not x.ir_dtype.is_integer or x.ndim:
        fail(TraceError, f"{what} of range() is {x!r}, which is no integer; write int(...) of it")
    return leave(numeric_index(x))


def numeric_index(x: TracedArray) -> TracedArray:
    y = o.cast(x, np.int64)
    return root(y.content, y.home, "python number")


def traced_range(*args: Any) -> Any:
    """range(...): with traced arguments a TracedRange."""
    if not o.is_traced(args):
        return range(*args)
    if not 1 <= len(args) <= 3:
        raise TypeError(f"range expected 1 to 3 arguments, got {len(args)}")
    start, stop, step = (0, args[0], 1) if len(args) == 1 else (*args, 1) if len(args) == 2 else args
    step = index(step, "the step")
    if isinstance(step, TracedArray):
        leak(step, "whether a range runs upwards or downwards", "pass the step as an int argument, which is static")
    if step == 0:
        raise ValueError("range() arg 3 must not be zero")
    start, stop = index(start, "the start"), index(stop, "the end")
    return range(start, stop, step) if not o.is_traced((start, stop)) else TracedRange(start, stop, step)


def is_lazy(*xs: Any) -> bool:
    """Whether builtins keep to indices: an array, a traced range or a long list is among the arguments, and nothing
    but such."""
    some = any(isinstance(x, (IndexedIterable, TracedArray, range)) or is_data_array(x)
               or (type(x) in (list, tuple, str) and len(x) > SHORT) or is_grown(x) for x in xs)
    return some and bool(recorders()) and all(indexed_iterable(x) is not None for x in xs)


def enumerated(items: Any, start: Any = 0) -> Any:
    return Enumerated(indexed_iterable(items), start) if is_lazy(items) else enumerate(items, start)  # type: ignore[arg-type]


def zipped(*items: Any, strict: bool = False) -> Any:
    if items and is_lazy(*items):
        parts = [t for t in map(indexed_iterable, items) if t is not None]
        if strict and len({p.static for p in parts}) > 1:
            raise ValueError("zip() arguments are of different lengths")
        return Zipped(parts)
    return zip(*items, strict=strict)


def backwards(items: Any) -> Any:
    if isinstance(items, IndexedIterator):
        raise TypeError("an iterator is not reversible")
    if isinstance(items, IndexedIterable) or is_lazy(items):
        t = indexed_iterable(items)
        assert t is not None
        return Reversed(t)
    return reversed(items)


def begun(x: Any, *sentinel: Any) -> Any:
    """iter(...): of sequences with something traced in them one whose items a compiled loop finds."""
    if isinstance(x, IndexedIterator) or sentinel or not recorders():
        return iter(x, *sentinel)
    is_sequence = isinstance(x, (IndexedIterable, range)) or is_data_array(x) or (isinstance(x, TracedArray) and x.ndim)
    return Taking(x) if is_sequence or (type(x) in (list, tuple) and indexed_iterable(x) is not None) else iter(x)


RULES: dict[Any, Any] = {range: traced_range, enumerate: enumerated, zip: zipped, reversed: backwards, iter: begun,
                         itertools.count: counting, itertools.cycle: cycling}
