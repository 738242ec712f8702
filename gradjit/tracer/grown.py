"""Lists that a compiled loop has made longer: rows of arrays stand for the items.

    path = [x0]                               path:  x0, <rows 1 to 100 of an array>
    for _ in range(100): path.append(x)

In the list stands one object for the rows, a `Tail`. What is done to such a list in lifted code comes here: its length,
items, slices and iteration are found by index, and NumPy's functions get the array. What needs the items one by one,
as Python's objects, gets them, where their number is known (control/histories.py tells how the rows are written).
"""

from __future__ import annotations

import bisect
import itertools
import operator
import types
from collections.abc import Callable, Iterable, Iterator
from typing import Any, NoReturn

import numpy as np

from ..errors import TraceError, UnsupportedError
from ..ir import Loc
from ..ir.sizes import is_open
from . import extents, structures, trees
from .array import ARRAY, PYTHON, SCALAR, TracedArray, root
from .locations import fail, user_frame
from .recorder import recorders


def is_part(x: Any) -> bool:
    """Whether it stands for several items."""
    return type(x) is Tail or type(x).__name__ == "Before"


MAX_ITEMS = 20_000
"""The longest list that is taken apart into Python's objects."""


class Row:
    """A part of the items that differs from item to item: the rows of an array, as handles of a kind."""

    is_own = False
    """Whether the array is the list's own, so that items are assigned by writing to it (tables.py)."""

    def __init__(self, array: TracedArray, kind: str):
        self.array, self.kind = array, kind

    def at(self, k: Any) -> Any:
        from . import operands as o
        found = o.as_traced(self.array[k])
        if self.kind in LISTS:
            return noted(made([Tail(LEAF, [Row(found, LISTS[self.kind])], 0, found.shape[0])]))
        return found if self.kind == ARRAY else root(found.content, found.home, self.kind)


LISTS = {f"{'list of ' * depth}list of {kind}s": f"{'list of ' * depth}{kind}{'s' * (depth > 0)}"
         for depth in range(3) for kind in (ARRAY, SCALAR, PYTHON)}
"""Kinds of rows that are lists themselves, by the kind of their items."""
LEAF = structures.LEAF


class Tail:
    """`count` items of a list, from row `start` on: `parts` are Rows, or what is the same in all items."""

    def __init__(self, tree: structures.Structure, parts: list[Any], start: Any, count: Any):
        self.tree, self.parts, self.start = tree, parts, start
        self.count = extents.handle(count) if is_open(count) else count
        self.last: Any = None
        """The parts of the last item, where only that can be read."""
        self.made_at: Loc | None = None
        """The loop that has made the items."""
        self.growth: Any = None
        """How a loop under construction makes it longer, if one does."""
        self.is_backwards = False
        """Whether the last row is the first item: that loop puts items in front."""
        self.members: list[list[Any]] | None = None
        """Of a table (tables.py) the lists that are its rows."""
        made(self)

    @property
    def frame(self) -> Any:
        """The region of that loop."""
        return None if self.growth is None else self.growth.frame

    def __deepcopy__(self, memo: Any) -> Tail:
        if self.is_table and self.parts[0].kind in LISTS:
            from .tables import remade
            return remade(self)
        return self.copy()

    @property
    def is_table(self) -> bool:
        return len(self.parts) == 1 and isinstance(self.parts[0], Row) and self.parts[0].is_own

    def copy(self) -> Tail:
        if self.is_table:
            (array,) = self.arrays()
            return Tail(self.tree, [Row(array, self.parts[0].kind)], 0, self.count)
        return self.made_by(Tail(self.tree, self.parts, self.start, self.count))

    def made_by(self, other: Tail) -> Tail:
        """Another one of items of the same loop."""
        other.made_at = self.made_at
        return other

    @property
    def rows(self) -> list[Row]:
        return [p for p in self.parts if isinstance(p, Row)]

    def item(self, k: Any) -> Any:
        """Item number k of these, which is in range. One that can be changed is a copy of what stands in the list."""
        if self.members is not None and isinstance(k, int):
            from .tables import member
            return member(self, k)
        found = self.taken(k)
        if self.is_table:
            return found
        for n in structures.flatten(found)[1].nodes() if type(found) is list or not self.tree.is_leaf() else ():
            structures.stand_in(n.given)
            structures.freeze(n.given, "it is an item of a list that a compiled loop has filled", self.made_at)
        return found

    def taken(self, k: Any) -> Any:
        """The same for an item that leaves the list."""
        k = self.count - 1 - k if self.is_backwards else k
        k = k if isinstance(self.start, int) and self.start == 0 else self.start + k
        parts = [p.at(k) if isinstance(p, Row) else p for p in self.parts]
        return made(parts[0] if self.tree.is_leaf() else structures.unflatten(self.tree, parts))

    def arrays(self) -> list[Any]:
        """For each part the array of its items."""
        found = [p.array[self.start:self.start + self.count] if isinstance(p, Row) else p for p in self.parts]
        if self.is_backwards:
            return [x[::-1] if isinstance(p, Row) else x for x, p in zip(found, self.parts, strict=True)]
        return [root(x.content, x.home, ARRAY) for x in found] if self.is_table else found

    def refuse(self, *_: Any, **__: Any) -> NoReturn:
        fail(TraceError, "a list that a compiled loop has made longer is looked into by code that gradjit does not "
                         "see; make an array of it before, as by np.array(items)")

    __iter__ = __len__ = __float__ = __int__ = __bool__ = __array__ = __index__ = refuse
    __add__ = __radd__ = __mul__ = __rmul__ = __lt__ = __gt__ = refuse


def made(x: Any) -> Any:
    """An object that belongs to the traced function."""
    if recorders() and not isinstance(x, TracedArray):
        recorders()[-1].frame.fresh[id(x)] = x
        recorders()[-1].outermost.world.made(x)
    return x


def noted(items: list[Any]) -> list[Any]:
    """A list that holds tails."""
    recorders()[-1].outermost.grown[id(items)] = items
    return items


def is_grown(x: Any) -> bool:
    """Whether x is a list that holds tails."""
    if type(x) is not list or not recorders():
        return False
    known = recorders()[-1].outermost.grown
    return id(x) in known and any(map(is_part, x))


def length(items: list[Any]) -> Any:
    """The number of items, as the user sees it."""
    total: Any = 0
    plain = 0
    for i in items:
        if is_part(i) and type(i) is not Tail:
            fail(TraceError, "a list from outside that the function appends to is read, too: what it holds differs "
                             "from call to call; keep what is read in an attribute or a variable")
        if type(i) is Tail:
            total = total + i.count
        else:
            plain += 1
    return total + plain if plain else total


def is_static(items: list[Any]) -> bool:
    return isinstance(length(items), int)


# items ----------------------------------------------------------------------------------------------------------------
def item(items: list[Any], key: Any) -> Any:
    """`items[key]`."""
    if isinstance(key, slice):
        return sliced(items, key)
    if isinstance(key, TracedArray) and (key.ndim or not key.ir_dtype.is_integer):
        raise TypeError(f"list indices must be integers or slices, not {key!r}")
    if isinstance(key, int) and key < 0 and not any(map(is_part, items[key:])) and len(items) >= -key:
        return items[key]
    n = length(items)
    if isinstance(n, int) and not isinstance(key, TracedArray):
        k = operator.index(key)
        if not -n <= k < n:
            raise IndexError("list index out of range")
        return located(items, k % n)
    if not isinstance(key, TracedArray) and (found := near_an_end(items, operator.index(key))) is not None:
        return found[0]
    one = readable(items)
    return one.item(key if one.is_table else checked(key, n))


def located(items: list[Any], k: int) -> Any:
    """Item number k >= 0, counted over tails of known length."""
    for i in items:
        n = i.count if type(i) is Tail else 1
        if k < n:
            return i.item(k) if type(i) is Tail else i
        k -= n
    raise IndexError("list index out of range")


def near_an_end(items: list[Any], k: int) -> tuple[Any] | None:
    """The item at a known index that lies before all tails of unknown length, or behind them."""
    for i in items if k >= 0 else reversed(items):
        n = i.count if type(i) is Tail else 1
        if not isinstance(n, int):
            break
        inside = k if k >= 0 else n + k
        if 0 <= inside < n:
            return (i.item(inside) if type(i) is Tail else i,)
        k += -n if k >= 0 else n
    return None


def checked(key: Any, n: Any) -> Any:
    """The index counted from the beginning; an IndexError at run time where it is out of range."""
    from . import operands as o
    known = not isinstance(key, TracedArray)
    k = key + n if known and key < 0 else key if known else o.as_traced(np.where(key < 0, key + n, key))
    inside = np.logical_and(k >= 0, k < n)
    o.require(o.as_traced(inside), "list index out of range", "BoundsError")
    k = o.as_traced(k)
    return root(k.content, k.home, "python number")


def sliced(items: list[Any], key: slice) -> list[Any]:
    """`items[a:b:c]`, a new list."""
    n = length(items)
    if isinstance(n, int) and not any(isinstance(b, TracedArray) for b in (key.start, key.stop, key.step)):
        taken = range(n)[key]
        if len(taken) <= 8 or holds_lists(items):
            return made([located(items, k) for k in taken])
        if odd_one(items):
            return within_segments(items, taken)
    one = readable(items)
    parts = [Row(of_bounded_length(a[key], a), p.kind) if isinstance(p, Row) else p
             for a, p in zip(one.arrays(), one.parts, strict=True)]
    found = next((p.array.shape[0] for p in parts if isinstance(p, Row)), None)
    if found is None:
        fail(UnsupportedError, "a list that a compiled loop has filled with one and the same object is sliced; take "
                               "its items by index")
    return noted(made([one.made_by(Tail(one.tree, parts, 0, found))]))


def within_segments(items: list[Any], taken: range) -> list[Any]:
    """The items at these places of a list whose parts are no rows of one array: of each part what is taken of it."""
    if taken.step < 0:
        return made([located(items, k) for k in taken])
    found: list[Any] = []
    begins = 0
    for s in segments(items):
        n = s.count if isinstance(s, Tail) else len(s)
        of_it = [k - begins for k in taken if begins <= k < begins + n]
        if isinstance(s, Tail) and len(of_it) > 8:
            found += sliced(noted([s]), slice(of_it[0], of_it[-1] + 1, taken.step))
        else:
            found += [s.item(k) if isinstance(s, Tail) else s[k] for k in of_it]
        begins += n
    return noted(made(found))


def of_bounded_length(x: TracedArray, whole: TracedArray) -> TracedArray:
    """Some of the rows of an array, of which the tracer knows how many there are at most, as so many that say so."""
    n = extents.form(x.extents[0])
    most = extents.greatest(whole.extents[0])
    if isinstance(n, int) or len(n.terms) < 2 or most is None or is_open(most):
        return x
    told = extents.bounded(n, most + 1)
    from . import operands as o
    sizes = (extents.extent(told), *x.extents[1:])
    found = o.emit("slice", x, starts=(0,) * x.ndim, sizes=sizes, steps=(1,) * x.ndim)
    return root(found.content, found.home, ARRAY)


def is_traced_slice(key: slice) -> bool:
    return any(isinstance(b, TracedArray) and not b.is_known for b in (key.start, key.stop, key.step))


def part(items: list[Any], key: slice) -> list[Any]:
    """`items[a:b]` of Python's items, with traced bounds."""
    if not items:
        return made([])
    from .control.may_alias import alias_items
    one = of_items(items, len(items))
    arrays = [x for x in items if isinstance(x, TracedArray) and x.kind == ARRAY]
    alias_items([r.array for r in one.rows], arrays, recorders()[-1].frame.depth, name_of(items))
    return sliced([one], key)


def rearranged(items: list[Any], places: TracedArray) -> list[Any]:
    """A new list with the items at these places."""
    one = readable(items)
    parts = [Row(a[places], p.kind) if isinstance(p, Row) else p for a, p in zip(one.arrays(), one.parts, strict=True)]
    return noted(made([one.made_by(Tail(one.tree, parts, 0, one.count))]))


def holds_lists(items: list[Any]) -> bool:
    """Whether items are lists that can be written to, so that a copy holds the very same."""
    return any(type(i) is Tail and i.is_table and i.parts[0].kind in LISTS for i in items)


def segments(items: list[Any]) -> Iterator[Tail | list[Any]]:
    """Tails, and what stands between them."""
    plain: list[Any] = []
    for i in items:
        if type(i) is Tail:
            if plain:
                yield plain
            plain = []
            yield i
        else:
            plain.append(i)
    if plain:
        yield plain


class Unlike(TraceError):
    """The items of a list are no rows of one array."""


def columns(items: list[Any]) -> tuple[Tail, list[list[Any]]]:
    """For each part of the items what stands for it in each segment, and the tail that the others are like. Unlike
    where there is none."""
    from . import operands as o
    from .control.states import fitted, is_same
    found = list(segments(items))
    like = next(s for s in found if isinstance(s, Tail))
    columns: list[list[Any]] = [[] for _ in like.parts]
    for s in found:
        if isinstance(s, Tail):
            if s.tree != like.tree:
                refuse_kinds(items)
            parts = s.arrays()
        else:
            flat = [fitted(like.tree, i) for i in s]
            parts = [list(p) for p in zip(*(leaves for leaves in flat if leaves is not None), strict=True)]
            if None in flat:
                refuse_kinds(items)
        for column, p in zip(columns, parts, strict=True):
            column.append(p)
    for part, column in zip(like.parts, columns, strict=True):
        if isinstance(part, Row):
            shapes = {shape for c in column for shape in shapes_of(c, items)}
            if len(shapes) > 1:
                refuse_kinds(items, f"items of the shapes {' and '.join(sorted(map(o.shown, shapes)))}")
        elif not all(is_same(part, x) for c in column for x in (c if isinstance(c, list) else [c])):
            refuse_kinds(items)
    return like, columns


def shapes_of(column: Any, items: list[Any]) -> list[tuple[Any, ...]]:
    """The shapes of the items in the rows of an array, or in a list."""
    if isinstance(column, TracedArray):
        return [column.extents[1:]]
    if not all(isinstance(x, (TracedArray, np.ndarray, np.generic, bool, int, float, complex)) for x in column):
        refuse_kinds(items)
    return [x.extents if isinstance(x, TracedArray) else np.shape(x) for x in column]


def odd_one(items: list[Any]) -> Unlike | None:
    """Why the items are no rows of one array, if they are not."""
    if len(items) == 1:
        return None
    try:
        columns(items)
    except Unlike as e:
        return e
    return None


def whole(items: list[Any]) -> Tail:
    """All items as one tail."""
    if len(items) == 1:
        return items[0]
    from . import operands as o
    like, found = columns(items)
    made_of: list[Any] = []
    for part, column in zip(like.parts, found, strict=True):
        if isinstance(part, Row):
            arrays = [c if isinstance(c, TracedArray) else o.stack_nested(c) for c in column]
            made_of.append(Row(joined(arrays), part.kind))
        else:
            made_of.append(part)
    return like.made_by(Tail(like.tree, made_of, 0, length(items)))


def readable(items: list[Any]) -> Tail:
    """The same for who reads items: where an array is put together for that, what is written to it would be lost."""
    from .control.may_alias import alias_items
    one = whole(items)
    if len(items) > 1:
        parts = [x for i in items for x in ([r.array for r in i.rows] if type(i) is Tail else structures.flatten(i)[0])]
        alias_items([r.array for r in one.rows], [x for x in parts if isinstance(x, TracedArray) and x.kind == ARRAY],
                  recorders()[-1].frame.depth, name_of(items))
    return one


def of_items(items: list[Any], count: Any) -> Tail:
    """Items as rows, of which so many count."""
    from . import operands as o
    flat = [([i], LEAF) if isinstance(i, TracedArray) else structures.flatten(i) for i in items]
    tree = flat[0][1]
    if any(t != tree for _, t in flat):
        refuse_kinds(items)
    parts: list[Any] = []
    for column in zip(*(leaves for leaves, _ in flat), strict=True):
        first = column[0]
        if isinstance(first, (TracedArray, np.ndarray, np.generic, int, float, complex)):
            handles = [o.as_traced(x) for x in column]
            kinds = {h.kind for h in handles}
            parts.append(Row(o.stack_nested(handles), kinds.pop() if len(kinds) == 1 else SCALAR))
        elif all(x is first or x == first for x in column):
            parts.append(first)
        else:
            refuse_kinds(items)
    return Tail(tree, parts, 0, count)


def joined(arrays: list[TracedArray]) -> TracedArray:
    """Arrays one behind the other, also where their lengths are traced: then there may be room behind them."""
    from . import operands as o
    parts = o.promote(*arrays)
    if all(p.type.is_static for p in parts):
        return o.emit("concat", *parts, axis=0)
    from .extents import form, greatest, linear
    from .views import extents as as_extents
    bounds = [greatest(p.extents[0]) for p in parts]
    if all(b is not None and not is_open(b) for b in bounds):
        total = linear(sum(b for b in bounds if b is not None))
    else:
        total = sum((linear(p.extents[0]) for p in parts[1:]), linear(parts[0].extents[0]))
    whole = o.as_traced(np.zeros(1, parts[0].dtype))
    whole = o.broadcast_to(o.emit("reshape", whole, shape=()), (*as_extents((form(total),)), *parts[0].extents[1:]))
    at = linear(0)
    for p in parts:  # which have room, so that no slice of the whole is asked whether it goes past the end
        ones, zeros = (1,) * p.ndim, (0,) * (p.ndim - 1)
        whole = o.emit("update", whole, p, starts=(extents.extent(form(at)), *zeros), steps=ones)
        at = at + linear(p.extents[0])
    return root(whole.content, whole.home, ARRAY)


def refuse_kinds(items: list[Any], what: str = "items of several kinds") -> NoReturn:
    fail(Unlike, f"{name_of(items)}, which a compiled loop has filled, at least in part, holds {what}, so that it is "
                 f"no array; keep items of one kind and shape in it, and others in variables of their own")


def name_of(items: Any, unnamed: str = "a list") -> str:
    """A list, or dict, as the user knows it: by the name that it has where the program is."""
    frame = user_frame()
    while frame is not None:
        for name, x in frame.f_locals.items():
            if x is items and not name.startswith("_gradjit"):
                return f"the {type(items).__name__} {name}"
        frame = frame.f_back
    return unnamed


def expanded(items: list[Any], what: str) -> list[Any]:
    """The items one by one, as a new list."""
    n = length(items)
    if not isinstance(n, int):
        named = name_of(items)
        short = named.split()[-1] if named.startswith("the list ") else "items"
        fail(TraceError, f"{what} of {named}, whose length depends on traced values, is not supported; its "
                         f"length, items, slices, iteration and NumPy's functions of it are: in the place of "
                         f"zip(*{short}) write [a for a, b in {short}] for each part, in that of tuple({short}) "
                         f"np.array({short})")
    if n > MAX_ITEMS:
        fail(TraceError, f"{what} takes the {n} items of {name_of(items)} one by one, too many to be compiled (at most "
                         f"{MAX_ITEMS}); write it with np.array({name_of(items).split()[-1]})")
    out: list[Any] = []
    for i in items:
        out += [i.item(k) for k in range(i.count)] if type(i) is Tail else [i]
    return made(out)


def as_array(items: list[Any]) -> TracedArray:
    """`np.array(items)`."""
    one = whole(items)
    return stacked(one.tree, one.arrays(), one.count)


def as_operand(items: list[Any]) -> Any:
    """What NumPy's functions get of a list: the array, or the list where it is none and its items are known."""
    return expanded(items, "a NumPy function") if is_static(items) and odd_one(items) else as_array(items)


def stacked(tree: structures.Structure, arrays: list[Any], count: Any) -> TracedArray:
    """The array of items that are numbers, arrays, or tuples and lists of such."""
    from . import operands as o
    if tree.is_leaf():
        (a,) = arrays
        if isinstance(a, TracedArray):
            return a
        return o.broadcast_to(o.as_traced(a), (count, *np.shape(a)))
    if tree.type not in (list, tuple) and not hasattr(tree.type, "_fields"):
        fail(TraceError, f"a list of {getattr(tree.type, '__name__', tree.type)}s is no array of numbers")
    parts = []
    for child in tree.children:
        n = sum(1 for _ in child.leaves())
        parts.append(stacked(child, arrays[:n], count))
        arrays = arrays[n:]
    parts = list(o.promote(*parts))
    if any(p.extents != parts[0].extents for p in parts):
        fail(TraceError, "a list of tuples of different shapes is no array of numbers; take them apart, as by "
                         "np.array([t for t, x in items])")
    return o.emit("concat", *(o.emit("reshape", p, shape=(p.extents[0], 1, *p.extents[1:])) for p in parts), axis=1)


# methods and builtins -------------------------------------------------------------------------------------------------
def push(items: list[Any], x: Any) -> None:
    """`items.append(x)`."""
    last = items[-1] if items else None
    if type(last) is Tail and last.frame is not None and last.growth.eager:
        last.growth.write(last, [x])
    else:
        items.append(x)


def insert(items: list[Any], key: Any, x: Any) -> None:
    """`items.insert(key, x)`: in front of a list that a loop makes longer there, or did."""
    if isinstance(key, TracedArray) and not key.is_known:
        from .ordered_lists import insert_row
        insert_row(items, key, x)
        return
    if not isinstance(key, int) or key != 0 or (type(items[0]) is Tail and items[0].is_table):
        whole_again(items, "the method insert")
    items.insert(key, x)


def before_item(items: list[Any], key: Any) -> None:
    """Before `items[key] = value`: the place must be one of Python's own."""
    behind = next((k for k, x in enumerate(reversed(items)) if type(x) is Tail), len(items))
    if isinstance(key, int) and -behind <= key < 0:
        return
    if any(type(i) is Tail and i.frame is not None for i in items):
        fail(TraceError, f"an item of {name_of(items)} is assigned in the loop that makes it longer; write into an "
                         f"array of full size instead")
    recorders()[-1].frame.before_change(items)
    whole_again(items, "assigning an item")


def extend(items: list[Any], more: Any) -> None:
    if is_grown(more):
        items += copied(more)
        join_tails(items)
        return
    for x in more:
        push(items, x)


def join_tails(items: list[Any]) -> None:
    """Several parts of traced length become one, now and not wherever the list is read."""
    if sum(type(i) is Tail and not isinstance(i.count, int) for i in items) < 2 or any(
            is_part(i) and (type(i) is not Tail or i.frame is not None or i.is_table) for i in items):
        return
    one = readable(items)
    one.count = extents.handle(extents.told(extents.form(one.count)))
    items[:] = [one]
    noted(items)


def pop(items: list[Any], key: Any = -1) -> Any:
    if any(type(i) is Tail and i.is_table for i in items):
        whole_again(items, "pop")
        return items.pop(key)
    last = items[-1]
    if isinstance(key, TracedArray) or key != -1 or type(last) is not Tail:
        if type(last) is Tail or isinstance(key, TracedArray) or key != -1:
            whole_again(items, "pop")
        return items.pop(key)
    if last.frame is not None:
        last.growth.before_pop(last)
    found = last.taken(checked(-1, last.count) if not isinstance(last.count, int) else last.count - 1)
    if isinstance(found, TracedArray) and found.kind == ARRAY:
        found = found.copy()  # the row may be written anew
    recorders()[-1].frame.before_change(last)
    last.count = last.count - 1
    return found


def whole_again(items: list[Any], what: str) -> None:
    """The list as one of Python's objects."""
    items[:] = expanded(items, what)


def copied(items: list[Any]) -> list[Any]:
    if holds_lists(items):
        return expanded(items, "a copy")
    return noted(made([i.copy() if type(i) is Tail else i for i in items]))


METHODS: dict[str, Callable[..., Any]] = {
    "append": push, "insert": insert, "extend": extend, "pop": pop, "copy": copied, "__len__": length,
    "__getitem__": item,
}


def of_method(f: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Callable[[], Any] | None:
    """What a method of such a list does; None for those of other objects."""
    owner: Any = getattr(f, "__self__", None)
    if not is_grown(owner):
        return None
    frame = recorders()[-1].frame
    frame.before_change(owner)
    name = f.__name__
    if name in METHODS:
        return lambda: METHODS[name](owner, *args, **kwargs)

    def run() -> Any:
        whole_again(owner, f"the method {name}")
        return f(*args, **kwargs)

    return run if name != "clear" else None


AWARE: frozenset[Any] = frozenset({len, sum, min, max, any, all, sorted, enumerate, zip, reversed, isinstance, type, id,
                                    print, bool, bisect.bisect_left, bisect.bisect_right, itertools.pairwise})
"""Builtins that take such lists as they are."""


BUILTIN = (type, types.BuiltinFunctionType)
ONE_BY_ONE: dict[Any, Callable[..., Any]] = {}
"""What goes through a sequence that only a compiled loop can go through: rules that give None for other sequences
(control/by_index.py has them)."""


def arguments(f: Any, args: Iterable[Any]) -> list[Any]:
    """The arguments of a function that takes lists as Python's: with such lists item by item."""
    name = getattr(f, "__name__", "a call")
    return [expanded(a, f"{name}()") if is_grown(a) else a for a in args]


def total(items: list[Any], start: Any = 0) -> Any:
    """sum(items): one after the other, as a loop. That of arrays begins with an array of zeros; of no items it would be
    Python's 0, which is none."""
    tail = next(i for i in items if type(i) is Tail)
    if isinstance(start, int) and start == 0 and tail.tree.is_leaf() and tail.rows and tail.rows[0].kind == ARRAY:
        from . import operands as o
        n = length(items)
        if isinstance(n, TracedArray):
            said = (f"sum() of {name_of(items)}, which holds arrays, or nothing, as here: then it is the number 0 and "
                    f"no array; give sum() an array to begin with")
            o.require(o.as_traced(n > 0), said)
        if not isinstance(n, int) or n:
            item = tail.rows[0].array
            start = o.filled(0, item.extents[1:], item.dtype if item.dtype != np.bool_ else np.int64)
    return folded(items, start, operator.add)


def folded(items: list[Any], start: Any, combine: Callable[[Any, Any], Any]) -> Any:
    """The items combined from the left, by a compiled loop where they are many."""
    from .control.folding import fold
    for s in segments(items):
        if isinstance(s, list) or (isinstance(s.count, int) and s.count <= 8):
            for x in s if isinstance(s, list) else [s.item(k) for k in range(s.count)]:
                start = combine(start, x)
        else:
            start = fold(s, start, combine)
    return start


# results --------------------------------------------------------------------------------------------------------------
class Listed:
    """A list of the result: `children` are items, and of its tails the arrays (with the count, where that is traced);
    `plan` tells which are what. As a pytree it is put together to a list of Python's."""

    def __init__(self, plan: tuple[Any, ...], children: list[Any]):
        self.plan, self.children = plan, children

    @staticmethod
    def of(items: list[Any]) -> Listed:
        plan: list[Any] = []
        children: list[Any] = []
        for i in items:
            if type(i) is not Tail:
                plan.append(None)
                children.append(returned(i))
                continue
            known = isinstance(i.count, int)
            if not all(r.array.type.is_static for r in i.rows):
                fail(UnsupportedError, "the function returns a list that a loop of unknown length has filled, whose "
                                       "length depends on traced values; return what is needed of it, as its last item "
                                       "or np.mean(items), or run over a range and end the loop by break")
            parts = tuple((p.kind,) if isinstance(p, Row) else (None, p) for p in i.parts)
            plan.append((i.tree.bare(), parts, i.count if known else None))
            if known:
                children += [a for a, p in zip(i.arrays(), i.parts, strict=True) if isinstance(p, Row)]
            else:
                children += [i.start, i.count, *(p.array for p in i.rows)]
        return Listed(tuple(plan), children)


def put_together(plan: tuple[Any, ...], children: Iterable[Any]) -> list[Any]:
    """The list."""
    rest = iter(children)
    out: list[Any] = []
    for entry in plan:
        if entry is None:
            out.append(next(rest))
            continue
        tree, parts, count = entry
        start, n = (0, count) if count is not None else (int(next(rest)), int(next(rest)))
        columns = [[p[1]] * n if p[0] is None else objects(next(rest)[start:start + n], p[0]) for p in parts]
        out += columns[0] if tree.is_leaf() else [structures.unflatten(tree, row) for row in zip(*columns, strict=True)]
    return out


def objects(rows: Any, kind: str) -> list[Any]:
    """The rows of an array as the objects of a kind."""
    if kind in LISTS:
        return [objects(row, LISTS[kind]) for row in rows]
    if kind == PYTHON:
        found: list[Any] = rows.tolist()
        return found
    return list(rows) if kind == SCALAR or rows.ndim > 1 else [np.array(x) for x in rows]


def returned(x: Any) -> Any:
    """A result with lists that loops have made longer as what they are put together of."""
    if is_grown(x):
        return Listed.of(x)
    if type(x) in (list, tuple):
        return type(x)([returned(i) for i in x])
    if type(x) is dict:
        return {k: returned(v) for k, v in x.items()}
    if hasattr(type(x), "_fields") and isinstance(x, tuple):
        return type(x)(*map(returned, x))
    return x


trees.register(Listed, lambda x: (x.children, x.plan), put_together)


def _list_of(values: list[Any]) -> list[Any]:
    return noted(list(values)) if any(map(is_part, values)) else list(values)


structures.register(list, lambda x: ((list, len(x)), x, _list_of))
