"""Iterators of `itertools`, of NumPy and of progress bars, as what a loop runs over by index."""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable, Collection, Iterator, Sequence
from typing import Any

import numpy as np

from ...errors import ArgumentError, TraceError
from ...ir.linear import Form
from ...ir.sizes import is_open
from ...probe import text
from ...records import dataclass
from .. import extents, layout, operands as o
from ..array import ARRAY, TracedArray, root
from ..grown import expanded, is_grown
from ..locations import fail
from ..recorder import recorders
from ..structures import made
from .frames import before_change
from .iterables import SHORT, IndexedIterable, IndexedIterator, Same, TracedRange, indexed_iterable

Rule = Callable[..., Any]
MAX_TABLE = 1_000_000
"""The longest table of indices; what has more items runs as ordinary Python."""


class Picked(IndexedIterator):
    """Tuples of items of one sequence: those at the indices in each row of a table."""

    def __init__(self, pool: IndexedIterable, table: np.ndarray):
        self.pool, self.table = pool, table
        self.columns: list[TracedArray] = []

    @property
    def inner(self) -> list[IndexedIterable]:
        return [self.pool]

    def count(self) -> int:
        return len(self.table)

    def prepare(self, first: int = 0) -> None:
        super().prepare()
        self.columns = self.columns or [root(np.ascontiguousarray(c), None, ARRAY) for c in self.table.T]

    def at(self, i: Any) -> Any:
        if not isinstance(i, TracedArray):
            return tuple(self.pool.at(int(k)) for k in self.table[i])
        return tuple(self.pool.at(o.as_traced(c[i])) for c in self.columns)


class ProductIterator(IndexedIterator):
    """All tuples of items of several sequences, the last of which runs fastest."""

    def __init__(self, parts: Sequence[IndexedIterable], counts: Sequence[Form]):
        self.parts, self.counts = parts, counts

    @property
    def inner(self) -> list[IndexedIterable]:
        return list(self.parts)

    def count(self) -> Form:
        return extents.product(self.counts)

    def places(self, i: Any) -> list[Any]:
        """The indices into the parts."""
        found = []
        for k, n in enumerate(self.counts):
            behind = extents.handle(extents.product(self.counts[k + 1:]))
            quotient = i if isinstance(behind, int) and behind == 1 else i // behind
            found.append(quotient % extents.handle(n) if k else quotient)
        return found

    def at(self, i: Any) -> Any:
        return tuple(p.at(k) for p, k in zip(self.parts, self.places(i), strict=True))


class NumberedElements(IndexedIterator):
    """The elements of an array, with their places: np.ndenumerate."""

    def __init__(self, array: TracedArray, places: ProductIterator):
        self.array, self.places = array, places

    def count(self) -> Form:
        return self.places.count()

    def at(self, i: Any) -> Any:
        place = self.places.at(i)
        return place, self.array[place]


@dataclass(frozen=True)
class Course:
    """The way of np.nditer through an array: that of the memory, where order="C" does not say otherwise.

    axes: which it runs over, the innermost last.
    turned: those that it runs through backwards.
    """

    axes: Sequence[int]
    turned: Collection[int]

    @property
    def is_usual(self) -> bool:
        """Whether it is that of all other loops."""
        return not self.turned and list(self.axes) == sorted(self.axes)

    def along(self, array: TracedArray) -> TracedArray:
        """The array as a view with its elements in this order."""
        if self.is_usual:
            return array
        flipped = tuple(slice(None, None, -1) if k in self.turned else slice(None) for k in range(array.ndim))
        found: TracedArray = array[flipped].transpose(tuple(self.axes))
        return found

    def place(self, found: Sequence[Any], shape: Sequence[Any]) -> tuple[Any, ...]:
        """A place in that view as one in the array; `shape` is that of the view."""
        back = {axis: (n - 1 - k if axis in self.turned else k)
                for axis, k, n in zip(self.axes, found, shape, strict=True)}
        return tuple(back[axis] for axis in sorted(back))


def course_of(arrays: Sequence[TracedArray], shape: Sequence[Any], order: str) -> Course:
    if order == "C":
        return Course(range(len(shape)), ())
    operands = [(a.extents, a.strides_in_elements) for a in arrays]
    axes = layout.axes_of_loop(shape, operands)
    if axes is None:
        fail(TraceError, 'nditer runs over the elements as they stand in memory, and how they do is not known here; '
                         'write np.nditer(x, order="C"), or run over x.flat')
    return Course(axes, layout.turned_axes(shape, operands))


class ElementIterator(IndexedIterable):
    """The elements of an array one by one: np.nditer, run over by `for`, or moved on by `iternext`."""

    def __init__(self, array: TracedArray, course: Course, writable: bool):
        self.array, self.course, self.writable = course.along(array), course, writable
        self.places = grid(self.array.shape)
        self.index: Any = 0

    def __enter__(self) -> ElementIterator:
        return self

    def __exit__(self, *_: object) -> None:
        """What NumPy has copied would be written back here."""

    def count(self) -> Form:
        return self.places.count()

    def at(self, i: Any) -> Any:
        self.index = i
        return self.value

    @property
    def multi_index(self) -> tuple[Any, ...]:
        return self.course.place(self.places.at(self.index), self.array.shape)

    @property
    def value(self) -> Any:
        """The element; one that may be written to as a view."""
        place = self.places.at(self.index)
        return self.array[(*place, ...)] if self.writable else self.array[place]

    def __getitem__(self, k: int) -> Any:
        if k != 0:
            raise IndexError(f"Iterator operand index {k} is out of bounds")
        return self.value

    @property
    def finished(self) -> Any:
        return self.index >= extents.handle(self.count())

    def iternext(self) -> Any:
        before_change(self)
        self.index = self.index + 1
        return self.index < extents.handle(self.count())


class Window(IndexedIterator):
    """A part of a sequence, in steps: itertools.islice; or pairs of neighbours: itertools.pairwise."""

    def __init__(self, part: IndexedIterable, start: int, items: Form, step: int = 1, width: int = 0):
        self.part, self.start, self.items, self.step, self.width = part, start, items, step, width

    @property
    def inner(self) -> list[IndexedIterable]:
        return [self.part]

    def count(self) -> Form:
        return self.items

    def is_at(self, n: int) -> bool:
        return not n and super().is_at(0)

    def steps(self) -> Iterator[Any]:
        if self.part.static is None and not isinstance(self.part, IndexedIterator):
            return self.after(self.taken)
        items = iter(self.part)
        if self.width:
            return itertools.pairwise(items)
        return itertools.islice(items, self.start, self.start + len(self) * self.step, self.step)

    def spend(self) -> None:
        self.is_spent = True
        if self.width:
            self.part.spend()
        elif (n := self.static) is None:
            self.part.lose("a loop over islice has taken some of its items")
        else:
            self.part.stand_at(self.start + n * self.step, "a loop over islice has taken some of its items")

    def at(self, i: Any) -> Any:
        k = self.start + i * self.step
        return tuple(self.part.at(k + j) for j in range(self.width)) if self.width else self.part.at(k)


class Progress(Same):
    """What a progress bar wraps: the bar itself is left away."""

    def __init__(self, wrapped: Any):
        self.wrapped = wrapped

    @property
    def part(self) -> IndexedIterable:  # type: ignore[override]  # found anew, as the bar may be reset
        found = indexed_iterable(self.wrapped)
        if found is None:
            fail(TraceError, "a progress bar is asked for what it runs over, which is no sequence")
        return found

    def __iter__(self) -> Iterator[Any]:
        return iter(self.wrapped)

    def __enter__(self) -> Progress:
        return self

    def __exit__(self, *_: object) -> None:
        pass

    def nothing(self, *_: Any, **__: Any) -> None:
        """The methods that tell how far things are."""

    update = set_description = set_description_str = set_postfix = set_postfix_str = nothing
    close = clear = refresh = reset = display = nothing


# rules ----------------------------------------------------------------------------------------------------------------
def parts_of(*xs: Any) -> list[IndexedIterable] | None:
    """Sequences by index; None where one is not."""
    found = [indexed_iterable(x) for x in xs] if recorders() else [None]
    return None if any(t is None for t in found) else found  # type: ignore[return-value]


def is_short(n: Form) -> bool:
    """Whether so many iterations run as ordinary Python."""
    return isinstance(n, int) and not is_open(n) and n <= SHORT


def _picking(f: Callable[..., Iterator[tuple[Any, ...]]]) -> Rule:
    """combinations, permutations, ...: by a table of indices."""
    def rule(pool: Any, *args: Any, **kwargs: Any) -> Any:
        (pool,) = taken_at_once(pool)
        parts = parts_of(pool)
        if parts is None or parts[0].static is None:
            return f(pool, *args, **kwargs)
        rows = list(itertools.islice(f(range(len(parts[0])), *args, **kwargs), MAX_TABLE + 1))
        if not SHORT < len(rows) <= MAX_TABLE:
            return f(pool, *args, **kwargs)
        return Picked(parts[0], np.array(rows, np.int64).reshape(len(rows), -1))

    return rule


def taken_at_once(*pools: Any) -> list[Any]:
    """The arguments of functions that take all items before they begin."""
    return [list(p) if isinstance(p, IndexedIterator) else p for p in pools]


def _product(*pools: Any, repeat: int = 1) -> Any:
    pools = tuple(taken_at_once(*pools))
    parts = parts_of(*pools)
    if parts is None or not parts:
        return itertools.product(*pools, repeat=repeat)
    parts = parts * repeat
    found = ProductIterator(parts, [p.count() for p in parts])
    return itertools.product(*pools, repeat=repeat) if is_short(found.count()) else found


def _pairwise(pool: Any) -> Any:
    parts = parts_of(pool)
    if parts is None or is_short(n := parts[0].count()):
        return itertools.pairwise(expanded(pool, "pairwise()") if is_grown(pool) else pool)
    return Window(parts[0], 0, extents.larger(extents.form(extents.linear(n) - 1), 0), width=2)


def _islice(pool: Any, *bounds: Any) -> Any:
    parts = parts_of(pool)
    if parts is None or not all(b is None or isinstance(b, int) for b in bounds):
        return itertools.islice(pool, *bounds)
    s = slice(*bounds)
    start, step = s.start or 0, 1 if s.step is None else s.step
    if min(start, step - 1, 0 if s.stop is None else s.stop) < 0:
        return itertools.islice(pool, *bounds)  # Python's error
    n = parts[0].count()
    stop = n if s.stop is None else extents.smaller(n, s.stop)
    span = extents.larger(extents.form(extents.linear(stop) - start), 0)
    taken = Window(parts[0], start, extents.quotient(extents.form(extents.linear(span) + (step - 1)), step), step)
    return itertools.islice(pool, *bounds) if parts[0].static is not None and is_short(taken.items) else taken


def _chain(*pools: Any) -> Any:
    if recorders() and all(type(p) in (list, tuple, range) for p in pools) and sum(map(len, pools)) > SHORT:
        return indexed_iterable([x for p in pools for x in p]) or itertools.chain(*pools)
    return itertools.chain(*pools)


USUAL = {"flags": frozenset({"multi_index", "c_index", "refs_ok", "zerosize_ok"}), "order": frozenset("CK")}
"""Arguments of np.nditer that say nothing new."""
WRITABLE: dict[Any, bool] = {"readonly": False, "readwrite": True, "writeonly": True}


class PartsIterator(IndexedIterable):
    """Several iterators, one beside the other: np.nditer of several arrays."""

    def __init__(self, parts: list[Any]):
        self.parts = parts

    def __enter__(self) -> PartsIterator:
        return self

    def __exit__(self, *_: object) -> None:
        """As that of one array."""

    @property
    def inner(self) -> list[IndexedIterable]:
        return self.parts

    def count(self) -> Any:
        return self.parts[0].count()

    def at(self, i: Any) -> Any:
        return tuple(p.at(i) for p in self.parts)


def grid(shape: Sequence[Any]) -> ProductIterator:
    """All places in an array of a shape, in row-major order."""
    parts = [TracedRange(0, n) for n in shape]
    return ProductIterator(parts, [p.count() for p in parts])


def _ndindex(*shape: Any) -> Any:
    given = shape[0] if len(shape) == 1 and isinstance(shape[0], (tuple, list)) else shape
    if not recorders() or not given or (not o.is_traced(given) and math.prod(given) <= SHORT):
        return np.ndindex(*shape)
    return grid(tuple(given))


def _ndenumerate(x: Any) -> NumberedElements:
    h = o.as_traced(x)
    h = h if h.ndim else h.reshape(1)
    return NumberedElements(h, grid(h.shape))


def _nditer(op: Any, flags: Any = (), op_flags: Any = ("readonly",), **options: Any) -> Any:
    each = op_flags[0] if len(op_flags) == 1 and not isinstance(op_flags[0], str) else op_flags
    several = isinstance(op, (list, tuple))
    given = {"flags": flags, **options}
    if (several and (flags or op_flags != ("readonly",))) or len(each) != 1 or each[0] not in WRITABLE or any(
            k not in USUAL or not USUAL[k].issuperset(v) for k, v in given.items()):
        fail(TraceError, "nditer with these flags is not supported for traced arrays; run over x.flat, or over "
                         "np.ndindex(x.shape) and write x[i]")
    arrays = [o.as_traced(x) for x in (op if several else (op,))]
    views = [h if h.ndim else h.reshape(1) for h in o.broadcast(*arrays)]
    if "zerosize_ok" not in flags and layout.is_empty(views[0].extents):
        fail(ArgumentError, "Iteration of zero-sized operands is not enabled")
    course = course_of(arrays if arrays[0].ndim else views, views[0].extents, options.get("order", "K"))
    if "c_index" in flags and not course.is_usual:
        fail(TraceError, "nditer with c_index, over an array whose elements do not stand in this order, is not "
                         'supported; write np.nditer(x, flags=["c_index"], order="C")')
    parts = [ElementIterator(h, course, WRITABLE[each[0]]) for h in views]
    return PartsIterator(parts) if several else made(parts[0])


RULES: dict[Any, Rule] = {
    **{f: _picking(f) for f in (itertools.combinations, itertools.combinations_with_replacement,
                                itertools.permutations)},
    itertools.product: _product, itertools.pairwise: _pairwise, itertools.islice: _islice, itertools.chain: _chain,
    np.ndindex: _ndindex,
}
OF_ARRAYS: dict[Any, Rule] = {np.ndenumerate: _ndenumerate, np.nditer: _nditer}
"""Where they are given something traced."""

BARS = frozenset({"tqdm", "tqdm_notebook", "tqdm_asyncio", "trange", "tnrange", "track", "progressbar"})
"""Progress bars, by the names of their functions and classes."""


def bar(f: Any) -> Rule | None:
    """The rule of a progress bar: what it wraps is passed through."""
    if text(f, "__module__").partition(".")[0] not in ("tqdm", "rich", "progressbar", "fastprogress"):
        return None
    name = text(f, "__name__")
    if name in ("trange", "tnrange"):
        return lambda *args, **_: Progress(range(*args))
    if name in BARS:
        return lambda iterable=None, *_, **__: Progress(() if iterable is None else iterable)
    return None
