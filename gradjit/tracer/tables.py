"""Lists of numbers, and lists of such lists, whose items a compiled loop takes and assigns by its index: tables.

    d = [[0.0] * m for _ in range(n)]               d:    <an array, f64[n,m]>
    for i in range(n):                     -->      d[i]: <row i of it>
        for j in range(m): d[i][j] = ...

Before the loop the list is made one `Tail` (grown.py) over an array of its own, and each list in it becomes a row of
that array: whoever has such a row under another name sees what is written to the table, and the other way round. A
traced integer takes out a new list, which stands for the same row.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

from ..errors import TraceError
from . import extents, operands as o, structures
from .array import ARRAY, TracedArray, root
from .control.frames import BRANCH, LOOP, TRIAL, Again, Frame
from .control.iterables import SHORT
from .control.states import Spec, converted, join, numeric, spec_of
from .dispatch import apply
from .grown import LISTS, Row, Tail, expanded, is_grown, length, made, noted
from .locations import fail
from .recorder import recorders

MOST = 1 << 16
"""So many numbers a list has at most that becomes a table."""
IN_LIST = {item: kind for kind, item in LISTS.items()}
"""Of rows that are items of a list: the kind of that list's rows."""


class Tabulate(Again):
    """A list must be a table, or one of another type, before the outermost loop that it is not made in begins."""

    def __init__(self, items: list[Any], spec: Spec, replaces: bool = False):
        super().__init__("a list is read or written by the index of a loop")
        self.items, self.spec, self.replaces = items, spec, replaces

    def carry_out(self) -> None:
        """In front of the loop."""
        table = table_of(self.items)
        if table is None:
            tabulated(self.items, self.spec)
        elif self.replaces:
            table.replaces, table.version = True, table.version + 1
        else:
            widen(table, self.spec)

    def take_back(self) -> None:
        """The loop is none: no list is replaced in it at a place that is not known."""
        table = table_of(self.items)
        if self.replaces and table is not None:
            table.replaces, table.version = False, table.version - 1


class Table(Row):
    """All items of a list, as an array that is the list's own."""

    is_own = True

    def __init__(self, array: TracedArray, kind: str, spec: Spec, items: Any = None):
        super().__init__(array, kind)
        self.spec, self.items = spec, items
        self.version = 0
        """Goes up where a list in it is replaced: those that have been taken out are no rows of it any more."""
        self.replaces = False
        """Whether a loop under construction does that."""

    @property
    def table(self) -> Table:
        return self

    def at(self, k: Any) -> Any:
        return row_list(self, k) if self.kind in LISTS else super().at(k)


class RowOfTable(Row):
    """A list in a table."""

    is_own = True

    def __init__(self, whole: Table | RowOfTable, key: Any):
        self.whole, self.key, self.kind = whole, key, LISTS[whole.kind]
        self.version = self.table.version

    @property
    def table(self) -> Table:
        return self.whole.table

    @property
    def array(self) -> TracedArray:  # type: ignore[override]  # made where it is used: a region may end in between
        if self.version != self.table.version:
            fail(TraceError, "a list that was an item of a list is used after a compiled loop or branch has given its "
                             "place to another one; take it out of the list again")
        return o.as_traced(self.whole.array[self.key])

    def at(self, k: Any) -> Any:
        return row_list(self, k) if self.kind in LISTS else super().at(k)


def row_list(whole: Table | RowOfTable, key: Any) -> list[Any]:
    """A list that stands for one in a table."""
    found = noted(made([tail_of(RowOfTable(whole, key))]))
    structures.stand_in(found)
    return found


def tail_of(row: Table | RowOfTable) -> Tail:
    return Tail(structures.LEAF, [row], 0, row.array.shape[0])


def table_of(items: Any) -> Table | None:
    """The table that a list is, or is a row of."""
    if not is_grown(items) or len(items) != 1 or type(items[0]) is not Tail or not items[0].parts[0:1]:
        return None
    row = items[0].parts[0]
    if isinstance(row, Table) and row.items is None:
        row.items = items
    return row.table if isinstance(row, (Table, RowOfTable)) else None


def is_row(items: Any) -> bool:
    """Whether a list is one of those in a table."""
    return table_of(items) is not None and isinstance(items[0].parts[0], RowOfTable)


def member(whole: Tail, k: int) -> Any:
    """Item number k of a table of lists: the list that it was made of, or where a loop or branch has given its place to
    another one, a new list."""
    members = whole.members
    assert members is not None
    row = members[k][0].parts[0]
    if row.version != row.table.version:
        members[k] = row_list(whole.parts[0], k)
    return members[k]


# before a loop --------------------------------------------------------------------------------------------------------
def ask(items: list[Any], *values: Any) -> bool:
    """Before a list is read or written at a traced place: it is made a table where loops and branches allow that. Tells
    whether it is one now."""
    outside_of_loop = is_outside_of_loop(items)
    front = None if outside_of_loop else in_front(items)
    if (not outside_of_loop and front is None) or (found := contents(items)) is None:
        return False
    spec = common([*found[1], *values])
    if spec is None or (len(found[0]) == 1 and (front is not None or found[0][0] <= SHORT)):
        return False
    wanted = Tabulate(items, spec)
    if front is None:
        raise wanted
    recorder = recorders()[-1]
    now, recorder.frame = recorder.frame, front
    wanted.carry_out()
    recorder.frame = now
    return True


def in_front(items: list[Any]) -> Frame | None:
    """The frame in which a list can be made a table though branches that stand in it are traced already: they and what
    is in them have not changed it. None where loops stand between."""
    front = frame = recorders()[-1].frame
    every = {id(x) for x in lists_in(items)}
    while not frame.is_fresh(items):
        changed = {*frame.containers, *frame.changed_before}
        if frame.parent is None or frame.kind == LOOP or not every.isdisjoint(changed):
            return None
        frame = frame.parent
        front = front if frame.kind == TRIAL else frame
    return front


def lists_in(x: Any) -> Iterator[list[Any]]:
    """A list, and those in it."""
    if type(x) is list:
        yield x
        for item in x:
            yield from lists_in(item)


def home_of(items: Any) -> tuple[Frame | None, Frame | None]:
    """The frame in which a list was made, and the outermost loop within that; None where a branch stands between."""
    frame: Frame | None = recorders()[-1].frame
    loop = None
    while frame is not None and not frame.is_fresh(items):
        loop = frame if frame.kind == LOOP else None if frame.kind == BRANCH else loop
        frame = frame.parent
    return frame, loop


def is_outside_of_loop(items: Any) -> bool:
    frame, loop = home_of(items)
    return frame is not None and loop is not None


def contents(items: Any) -> tuple[tuple[int, ...], list[Any]] | None:
    """The shape and the numbers of a list of numbers, or of lists of such that are of one length; None for others."""
    if type(items) is not list or not items:
        return None
    if is_grown(items):
        n = length(items)
        if not isinstance(n, int) or not 0 < n <= MOST or table_of(items) is not None:
            return None
        items = expanded(items, "a loop that takes items by its index")
    if type(items[0]) is not list:
        numbers = all(isinstance(x, (int, float, complex, np.generic, TracedArray)) for x in items)
        return ((len(items),), items) if numbers else None
    parts = [p for x in items if (p := contents(x)) is not None]
    home = home_of(items)[0]
    if not len(items) == len(parts) == len(set(map(id, items))) or any(home_of(x)[0] is not home for x in items):
        return None
    shapes = {shape for shape, _ in parts}
    every = [x for _, found in parts for x in found]
    return ((len(items), *shapes.pop()), every) if len(shapes) == 1 and len(every) <= MOST else None


def common(numbers: list[Any]) -> Spec | None:
    """The type that all numbers can be given."""
    both: Spec | None = None
    for x in {id(x): x for x in numbers}.values():
        h = numeric(x)
        if h is None or h.kind == ARRAY or h.ndim:
            return None
        both = spec_of(h) if both is None else join(both, spec_of(h))
        if both is None:
            return None
    return both


def tabulated(items: list[Any], spec: Spec) -> None:
    """Make a list a table."""
    found = contents(items)
    assert found is not None
    shape, numbers = found
    become(items, Table(array_of(numbers, shape, spec), kind_of(spec, len(shape)), spec, items))


def kind_of(spec: Spec, depth: int) -> str:
    """The kind of the rows of a table of so many axes."""
    kind = spec.kind
    for _ in range(depth - 1):
        kind = IN_LIST[kind]
    return kind


def become(items: list[Any], row: Table | RowOfTable) -> None:
    """The list, and the lists in it, are rows from now on."""
    frame = recorders()[-1].frame
    frame.before_change(items)
    members = list(items) if row.kind in LISTS else None
    tail = tail_of(row)
    items[:] = [tail]
    noted(items)
    if members is not None:
        tail.members = members
        for k, x in enumerate(members):
            become(x, RowOfTable(row, k))


def array_of(numbers: list[Any], shape: tuple[int, ...], spec: Spec) -> TracedArray:
    """An array of its own."""
    handles = [converted(h, spec) for x in numbers if (h := numeric(x)) is not None]
    known = np.array([0 if (a := h.known) is None else a for h in handles], spec.dtype.np)
    traced = [k for k, h in enumerate(handles) if h.known is None]
    if len(traced) * 4 > len(handles):
        flat = o.stack_nested(handles)
        whole = o.emit("reshape", flat, shape=shape) if len(shape) > 1 else flat
        return root(whole.content, whole.home, ARRAY)
    array = root(known.reshape(shape), None, ARRAY)
    for k in traced:
        array[tuple(map(int, np.unravel_index(k, shape)))] = handles[k]
    return array


def widen(table: Table, spec: Spec) -> None:
    """Let a table hold numbers of another type, too."""
    whole = o.cast(table.array, spec.dtype)
    table.array, table.spec = root(whole.content, whole.home, ARRAY), spec
    table.kind = kind_of(spec, whole.ndim)
    for row in rows_of(table.items):
        row.kind = LISTS[row.whole.kind]


def rows_of(items: Any) -> Iterator[RowOfTable]:
    for x in items[0].members or ():
        if table_of(x) is not None and isinstance(row := x[0].parts[0], RowOfTable):
            yield row
            yield from rows_of(x)


# writing --------------------------------------------------------------------------------------------------------------
def put(items: list[Any], key: Any, value: Any) -> bool:
    """`items[key] = value` in a table. Tells whether it was done."""
    table = table_of(items)
    if table is None or isinstance(key, slice):
        return False
    structures.refuse_frozen(items)
    structures.refuse_frozen(table)
    row = items[0].parts[0]
    if row.kind in LISTS:
        return replaced(row, key, value)
    h = numeric(value)
    both = None if h is None or h.kind == ARRAY else join(table.spec, spec_of(h))
    if h is None or both is None:
        return False
    if both != table.spec:
        before_loop(table, Tabulate(table.items, both))
    row.array[key] = h
    return True


def replaced(whole: Table | RowOfTable, key: Any, value: Any) -> bool:
    """The same with a list, which is a row of the table from then on."""
    frame, table = recorders()[-1].frame, whole.table
    if isinstance(key, int) and home_of(table.items)[1] is None and not table.version:
        return False  # the list is one of Python's own lists from now on, each of which is a row of the table
    found = contents(value) if frame.is_fresh(value) else None
    spec = None if found is None else common(found[1])
    if found is None or found[0] != whole.array.shape[1:] or spec is None or join(table.spec, spec) != table.spec:
        return False
    new = array_of(found[1], found[0], table.spec)
    replace(whole, [(key, new)])
    become(value, RowOfTable(whole, key))
    return True


def replace(whole: Table | RowOfTable, rows: list[tuple[Any, TracedArray]]) -> None:
    """Lists get the places of others, which are no rows of the table from then on."""
    table = whole.table
    if not table.replaces:
        before_loop(table, Tabulate(table.items, table.spec, replaces=True))
    for key, new in rows:
        whole.array[key] = new
    table.version += 1
    recorders()[-1].frame.undo.append(lambda: setattr(table, "version", table.version - 1))


def exchanged(items: list[Any], values: list[Any], keys: list[Any]) -> bool:
    """`items[i], items[j] = items[j], items[i]` of a table of lists. Tells whether it was done. (Of three places two
    may be one, which then hold one list.)"""
    table = table_of(items)
    if table is None or items[0].parts[0].kind not in LISTS or len(keys) != 2:
        return False
    rows, whole = [x[0].parts[0] for x in values if is_row(x)], items[0].parts[0]
    if len(rows) != 2 or any(r.whole is not whole for r in rows):
        return False
    if not (is_place(keys[0], rows[1].key) and is_place(keys[1], rows[0].key)):
        return False
    structures.refuse_frozen(items)
    structures.refuse_frozen(table)
    new = [root(a.content, a.home, ARRAY) for a in (r.array for r in rows)]
    replace(whole, list(zip(keys, new, strict=True)))
    return True


def is_place(a: Any, b: Any) -> bool:
    """Whether two indices are the same."""
    if isinstance(a, TracedArray) and isinstance(b, TracedArray):
        return a is b or (a.content is b.content and a.home is b.home)
    return isinstance(a, int) and isinstance(b, int) and a == b


def before_loop(table: Table, change: Tabulate) -> None:
    """Something about a table changes, which loops that it is not made in must know from their beginning."""
    frame, loop = home_of(table.items)
    if loop is not None or frame is None:
        raise change
    change.carry_out()


# lists that a name is bound to anew -----------------------------------------------------------------------------------
def spec_of_list(items: Any) -> Spec | None:
    """The type of the numbers of a list that may be a table, or is one that stands by itself."""
    table = table_of(items)
    if table is not None:
        return table.spec if items[0].parts[0].kind not in LISTS else None
    found = contents(items)
    return None if found is None or len(found[0]) > 1 else common(found[1])


def joined(a: Any, b: Any) -> Spec | None:
    """The type of two lists of one length, of which one at least is made by compiled loops; None for others."""
    if type(a) is not list or type(b) is not list or not (is_grown(a) or is_grown(b)):
        return None
    first, second = spec_of_list(a), spec_of_list(b)
    n, m = length(a), length(b)
    return None if first is None or second is None or n != m or not isinstance(n, int) else join(first, second)


def as_table(items: list[Any], spec: Spec) -> list[Any]:
    """A list of its own with the same numbers, as a table."""
    table = table_of(items)
    if table is not None:
        whole = o.cast(root((a := items[0].arrays()[0]).content, a.home, ARRAY), spec.dtype)
        array = root(whole.content, whole.home, ARRAY)
    else:
        found = contents(items)
        assert found is not None
        array = array_of(found[1], found[0], spec)
    return noted(made([tail_of(Table(array, spec.kind, spec))]))


def repeated(items: Any, times: TracedArray) -> list[Any] | None:
    """`items * times` of a list of numbers, as a table; None for other sequences."""
    found = contents(items)
    spec = None if found is None or len(found[0]) > 1 else common(found[1])
    if found is None or spec is None or extents.size(times) is None:
        return None
    once = array_of(found[1], found[0], spec)
    whole = apply(np.tile, (once, extents.handle(extents.larger(extents.form(times), 0))), {})
    return noted(made([tail_of(Table(root(whole.content, whole.home, ARRAY), spec.kind, spec))]))


def remade(x: Tail) -> Tail:
    """A table with the same numbers."""
    (array,), row = x.arrays(), x.parts[0]
    return tail_of(Table(array, row.kind, row.table.spec))


def _as_node(x: Tail) -> structures.Node | None:
    if not x.is_table:
        return None
    row = x.parts[0]
    kind, spec = row.kind, row.table.spec
    return (Tail, kind, spec.dtype), (row.array,), lambda values: tail_of(Table(values[0], kind, spec))


structures.register(Tail, _as_node)
structures.STANDS_FOR[Tail] = lambda x: x.parts[0].table if x.is_table else x
