"""Python's builtins on traced values."""

from __future__ import annotations

import bisect
import dis
import functools
import itertools
import operator
import sys
import types
from collections.abc import Callable, Iterable, Iterator
from typing import Any

import numpy as np

from ..errors import TraceError, UnsupportedError
from . import extents, grown, operands as o, ordered_lists, texts
from .array import ARRAY, NUMBERS, PYTHON, SCALAR, TracedArray
from .comparison import first_by, in_order, is_compared, picked
from .control import iterables, iterators
from .control.branches import truth
from .control.frames import TRIAL, ContentsBefore, Frame
from .control.states import options_of
from .conversion import elements, single, whole
from .dispatch import apply, leave
from .locations import fail, here
from .masked_selection import Selection
from .outside import outside
from .recorder import current, recorders
from .shared_iterators import takes_from_others
from .structures import made
from .ufuncs import compute

Rule = Callable[..., Any]


def stand_in(x: Any) -> type:
    """The type that the value has when the function runs as ordinary NumPy."""
    if not isinstance(x, TracedArray):
        return x.stands_for if hasattr(type(x), "stands_for") else type(x)
    if x.kind == ARRAY:
        return np.ndarray
    if x.kind == SCALAR:
        return x.dtype.type
    return {"b": bool, "i": int, "u": int, "f": float, "c": complex}[x.ir_dtype.kind]


def _type(*args: Any, **kwargs: Any) -> Any:
    return stand_in(args[0]) if len(args) == 1 else made(type(*args, **kwargs))


def _isinstance(x: Any, classes: Any) -> bool:
    """Also of what stands for something else, which says what it `stands_for`."""
    if isinstance(x, TracedArray) or hasattr(type(x), "stands_for"):
        return issubclass(stand_in(x), classes)
    return isinstance(x, classes)


# conversions --------------------------------------------------------------------------------------------------------
def _number(x: TracedArray, dtype: type) -> Any:
    if not o.is_single(x):
        raise TypeError("only 0-dimensional arrays can be converted to Python scalars")
    y = o.emit("reshape", x, shape=()) if x.ndim else x
    return leave(whole(y) if dtype is np.int64 else o.cast(o.root(y.content, y.home, PYTHON), dtype))


def _float(*args: Any) -> Any:
    return _number(args[0], np.float64) if args and isinstance(args[0], TracedArray) else float(*args)


def _int(*args: Any, **kwargs: Any) -> Any:
    return _number(args[0], np.int64) if args and isinstance(args[0], TracedArray) else int(*args, **kwargs)


def _bool(*args: Any) -> Any:
    return leave(truth(args[0])) if len(args) == 1 and isinstance(args[0], TracedArray) else bool(*args)


def _complex(*args: Any, **kwargs: Any) -> Any:
    if len(args) == 1 and isinstance(args[0], TracedArray):
        return _number(args[0], np.complex128)
    if o.is_traced((args, kwargs)):
        return _of_parts(*args, **kwargs)
    return complex(*args, **kwargs)


def _of_parts(real: Any = 0.0, imag: Any = 0.0) -> Any:
    """complex(real, imag): the parts themselves, where they are real."""
    parts = [o.as_traced(x) for x in (real, imag)]
    if any(x.ir_dtype.is_complex for x in parts):
        return real + imag * 1j
    re, im = (o.as_traced(_number(x, np.float64)) for x in parts)
    return leave(o.emit("complex", re, im, kind=PYTHON))


def _scalar_type(cls: type) -> Rule:
    """np.float32(x), np.int64(x), ...: a cast; a 0-d result is a NumPy scalar; an array of this dtype is given back."""
    def rule(*args: Any, **kwargs: Any) -> Any:
        if not args or not o.is_traced(args[0]):
            return cls(*args, **kwargs)
        x = o.as_traced(args[0])
        if x is args[0] and x.ndim and x.dtype == cls:
            return x
        y = elements(args[0], cls) if x.weak or isinstance(args[0], (list, tuple)) else o.as_asked(x, cls)
        return leave(o.root(y.content, y.home, SCALAR if not y.ndim else ARRAY))

    return rule


def _round(x: Any, ndigits: Any = None) -> Any:
    return rounded(x, ndigits) if isinstance(x, TracedArray) else round(x, ndigits)


def rounded(x: TracedArray, ndigits: Any = None) -> Any:
    """`round(x)` of a scalar gives an int, `round(x, n)` a number of x's kind."""
    if x.kind == ARRAY:
        raise TypeError("type numpy.ndarray doesn't define __round__ method")
    if ndigits is None:
        y = compute(np.rint, [x])
    elif x.kind == PYTHON and x.ir_dtype.is_float:
        y = to_decimals(x, o.static_int(ndigits, "ndigits"))
    else:
        y = o.as_traced(apply(np.round, (x, ndigits), {}))
    y = o.root(y.content, y.home, x.kind if ndigits is not None else PYTHON)
    return leave(y if ndigits is not None else whole(y))


EXACT_POWERS = 22
"""Powers of ten up to this one are floats."""


def to_decimals(x: TracedArray, digits: int) -> TracedArray:
    """`round(x, digits)` of a Python float: the float nearest to the decimal number nearest to x, of two the even one.

    Python goes by the digits of the float itself: that of 2.675 lies below 2.675, and becomes 2.67. Here the product
    with a power of ten tells where x lies, unless it is a half: then what was lost in rounding the product does, which
    a fused multiply-add gives exactly. What is so large that floats are no denser than such decimals stays as it is.
    """
    if abs(digits) > EXACT_POWERS:
        fail(UnsupportedError, f"round(x, {digits}) of a traced number; gradjit rounds to {EXACT_POWERS} digits at "
                               f"most")
    x = o.emit("stop_gradient", x)  # a large one is itself; the derivative is 0 there, too
    e, scale = o.emit, single(10.0 ** abs(digits), x)
    if digits >= 0:
        units = e("mul", x, scale)
        lost = e("fma", x, scale, e("neg", units))
    else:
        units = e("div", x, scale)
        lost = e("fma", e("neg", units), scale, x)
    whole_units, zero = e("rint", units), single(0.0, x)
    below = e("floor", units)
    nearer = e("select", e("gt", lost, zero), e("add", below, single(1.0, x)),
               e("select", e("lt", lost, zero), below, whole_units))
    size = e("abs", units)
    has_halves = e("lt", size, single(2.0**52, x))
    is_half = e("and", has_halves, e("eq", units, e("add", below, single(0.5, x))))
    found = e("copysign", e("select", is_half, nearer, whole_units), x)
    is_denser = e("lt", size, single(2.0**53, x))
    return e("select", is_denser, e("div" if digits >= 0 else "mul", found, scale), x)


# over several values ------------------------------------------------------------------------------------------------
def _extreme(name: str, builtin: Rule, compare: str, whole: Rule) -> Rule:
    """min and max: `b if b < a else a`, one after the other, as Python does; of a traced vector NumPy's, where a nan
    is passed over unless it comes first."""

    def rule(*args: Any, **kwargs: Any) -> Any:
        if len(args) == 1 and isinstance(args[0], TracedArray) and args[0].ndim == 1 and not kwargs:
            x = args[0]
            if not x.ir_dtype.is_float or not isinstance(x.extents[0], int) or not x.extents[0]:
                return apply(whole, (x,), {})
            far = np.inf if compare == "lt" else -np.inf
            return apply(whole, (apply(np.where, (operator.and_(np.isnan(x), apply(np.arange, (x.extents[0],), {}) > 0),
                                                  o.cast(o.as_traced(far), x.dtype), x), {}),), {})
        if len(args) == 1 and grown.is_grown(args[0]) and not kwargs:
            return leave(grown.folded(args[0], grown.item(args[0], 0), lambda a, b: chosen(o.as_traced(a),
                                                                                          o.as_traced(b))))
        items = list(args[0]) if len(args) == 1 else list(args)
        key = kwargs.get("key")
        if len(args) == 1 and grown.is_grown(args[0]):
            items = grown.expanded(args[0], f"{name}() with a key")
        keys = items if key is None else [_call(key, x) for x in items]
        if items and any(map(is_compared, keys)):
            return first_by(compare, items, keys)
        if not o.is_traced(keys):
            return builtin(*([items] if len(args) == 1 else items), **kwargs)
        if key is None:
            return leave(functools.reduce(chosen, map(o.as_traced, items)))
        return best(items, [o.as_traced(k) for k in keys])

    def best(items: list[Any], keys: list[TracedArray]) -> Any:
        """The item with the extreme key: the first of those that share it."""
        found, low = items[0], keys[0]
        for item, k in zip(items[1:], keys[1:], strict=True):
            x, y = o.promote(low, k)
            test = o.emit(compare, y, x)
            found = picked(test, item, found)
            low = o.emit("select", test, y, x)
        return found

    def chosen(a: TracedArray, b: TracedArray) -> TracedArray:
        if a.ndim or b.ndim:
            fail(TraceError, f"{name}() of several arrays has no single answer; write np.{name}imum(a, b)")
        for python, other in ((a, b), (b, a)):  # an int that the other's dtype has not is beyond all of its numbers
            if python.weak and not other.weak and python.known is not None and (
                    python.ir_dtype.is_integer and other.ir_dtype.is_integer):
                value, limits = int(python.known), np.iinfo(other.dtype)
                if not limits.min <= value <= limits.max:
                    return python if (value > limits.max) == (name == "max") else other
        kind = PYTHON if a.kind == b.kind == PYTHON else SCALAR
        x, y = o.promote(a, b)
        return o.emit("select", o.emit(compare, y, x), y, x, kind=kind)

    return rule


def _call(f: Any, *args: Any) -> Any:
    from .calls import call
    return call(f, *args)


def _sum(items: Any, /, start: Any = 0) -> Any:
    if grown.is_grown(items):
        return grown.total(items, start)
    if isinstance(items, TracedArray) and items.ndim:
        # one after the other, without the wider integers that np.sum adds small ones in; 0 + True is an int
        total = apply(np.sum, (items,), {"axis": 0, "dtype": np.int64 if items.ir_dtype.is_bool else items.dtype})
        return total if isinstance(start, int) and start == 0 else start + total
    return sum(items, start)


def _truth(builtin: Rule, whole: Rule) -> Rule:
    """any and all; of traced values a traced bool."""
    def rule(items: Iterable[Any], /) -> Any:
        if grown.is_grown(items):
            items = grown.as_array(items)  # type: ignore[arg-type]
        if not (isinstance(items, TracedArray) and items.ndim == 1):
            return one_by_one(items)
        y = o.as_traced(apply(whole, (items,), {}))
        return leave(o.root(y.content, y.home, PYTHON))

    def one_by_one(items: Iterable[Any]) -> Any:
        """As far as Python would look, where what it finds is known."""
        ends, answer = builtin is any, None
        pulled = Pulled(iter(items), builtin.__name__)
        for x in pulled:
            t = truth(x)
            if isinstance(t, bool):
                if t == ends:
                    return ends
            else:
                pulled.is_open = True
                answer = t if answer is None else compute(np.logical_or if ends else np.logical_and, [answer, t])
        if answer is None:
            return not ends
        why = f"{builtin.__name__}() has stopped at the first item that decides"
        if isinstance(items, iterables.IndexedIterable):
            items.lose(why)
        elif isinstance(items, Iterator) and recorders():
            outside(current()).lost[id(items)] = items, why
        return leave(o.root(answer.content, answer.home, PYTHON))

    return rule


class Pulled:
    """Items one after the other; error if one is computed by something that does more than compute, once it is open
    whether Python would have come to it."""

    def __init__(self, items: Iterator[Any], name: str):
        self.items, self.name, self.is_open = items, name, False
        self.binds = isinstance(items, types.GeneratorType) and any(
            i.opname == "STORE_GLOBAL" or (i.opname == "STORE_DEREF" and i.argval in items.gi_code.co_freevars)
            for i in dis.get_instructions(items.gi_code))
        self.moves = takes_from_others(items, known_by_us)

    def __iter__(self) -> Iterator[Any]:
        while True:
            x, does = next_quietly(self.items) if self.is_open else (next(self.items, DONE), False)
            if x is DONE:
                return
            if does or (self.is_open and (self.binds or self.moves)):
                fail(TraceError, f"{self.name}() stops at the first item that decides, which is a matter of traced "
                                 f"values, and its items do more than compute (they bind a name, write to something, "
                                 f"or move on an iterator that others have); write a for loop with an if and a break")
            yield x


def known_by_us(x: Any) -> int:
    """How many references to an object are notes of the tracer's that the function has made it."""
    count, frame = int(outside(current()).is_fresh(x)), recorders()[-1].frame if recorders() else None
    while frame is not None:
        count, frame = count + frame.is_fresh(x), frame.parent
    return count


DONE = object()


def next_quietly(items: Iterator[Any]) -> tuple[Any, bool]:
    """The next item, and whether something was done besides computing it."""
    r = current()
    trial = r.frame = Frame(TRIAL, r, r.frame, here())
    first = next(NUMBERS)
    try:
        x = next(items, DONE)
    except BaseException:
        trial.abandon()
        raise
    does = bool(trial.irreversible) or any(old.handle.number < first for old in trial.log.values()) or any(
        sys.getrefcount(old.owner) > MINE for old, _ in trial.changed())
    trial.commit()
    return x, does


MINE = sys.getrefcount(ContentsBefore([]).owner)
"""The references to what nobody but such a note holds: it was made on the way."""


def _len(x: Any) -> Any:
    """The length; of x[mask] with a traced mask a traced one."""
    if isinstance(x, TracedArray) and x.ndim:
        return x.shape[0]
    if grown.is_grown(x):
        return grown.length(x)
    if isinstance(x, iterables.IndexedIterator):
        raise TypeError("an iterator has no len()")
    if isinstance(x, iterables.IndexedIterable):
        return extents.handle(x.count())
    return x.shape[0] if isinstance(x, Selection) else len(x)


def _calls_back(builtin: Rule) -> Rule:
    """A builtin that calls its first argument, or its `key`: the user's functions are lifted first."""
    def rule(*args: Any, **kwargs: Any) -> Any:
        from .calls import as_user, call
        first = (as_user(args[0]), *args[1:]) if args else ()
        if first and first[0] is args[0] is not None:  # NumPy's or SciPy's, a builtin, a method of C code
            first = (functools.partial(call, first[0]), *first[1:])
        return builtin(*first, **{k: as_user(v) for k, v in kwargs.items()})

    return rule


def _pow(x: Any, y: Any, mod: Any = None) -> Any:
    if mod is not None and o.is_traced((x, y, mod)):
        fail(UnsupportedError, "pow(x, y, mod) of traced values is not supported: its powers are Python's, of any "
                               "size; multiply in a loop, as r = r * x % mod")
    return pow(x, y) if mod is None else pow(x, y, mod)


def _sorted(items: Any, /, *, key: Any = None, reverse: bool = False) -> Any:
    return made(in_key_order(items, key, reverse))


def in_key_order(items: Any, key: Any, reverse: bool) -> list[Any]:
    """What sorted() gives: by NumPy's stable sort of the keys, where those are traced."""
    from . import sequences
    from .calls import call
    known = grown.expanded(items, "sorted()") if grown.is_grown(items) else list(items)
    keys = [call(key, x) for x in known] if key is not None else known
    if any(map(is_compared, keys)):
        columns = columns_of(keys)
        if columns is None:
            return in_order(known, keys, reverse)
        places = order_of(columns, reverse)
        return [item_of(known, places[k]) for k in range(len(known))]
    if not o.is_traced(keys):
        order = sorted(range(len(known)), key=keys.__getitem__, reverse=reverse)
        return [known[k] for k in order]
    if any(h.ndim for h in map(o.as_traced, keys)):
        fail(TraceError, "sorted() of several arrays has no order; sort them by a number, as by key=np.sum")
    column = o.stack_nested(keys)
    if keys is known and len({stand_in(x) for x in known}) == 1 and all(map(sequences.is_number, known)):
        in_order_now = rows_of(apply(np.sort, (column[::-1] if reverse else column,), {"kind": "stable"}), known)
        return in_order_now[::-1] if reverse else in_order_now
    places = order_of(column, reverse)
    return [item_of(known, places[k]) for k in range(len(known))]


def rows_of(found: Any, like: list[Any]) -> list[Any]:
    """The elements of a vector as numbers of the kind that others are."""
    kind = o.as_traced(like[0]).kind
    return [leave(o.root(x.content, x.home, kind)) for x in (o.as_traced(found[k]) for k in range(len(like)))]


def columns_of(keys: list[Any]) -> list[TracedArray] | None:
    """Keys that are tuples of numbers, as many each, as an array for each place in them; None for others."""
    from . import sequences
    if any(type(k) is not tuple or not k or len(k) != len(keys[0]) for k in keys):
        return None
    if not all(map(sequences.is_number, itertools.chain(*keys))):
        return None
    return [o.stack_nested(column) for column in zip(*keys, strict=True)]


def order_of(keys: TracedArray | list[TracedArray], reverse: bool) -> Any:
    """The places of sorted keys: equal ones keep their order. A list of columns is sorted by the first, then by the
    second..."""
    columns = keys if isinstance(keys, list) else [keys]
    if reverse:
        places = order_of([c[::-1] for c in columns], False)
        return columns[0].shape[0] - 1 - places[::-1]
    if len(columns) == 1:
        return apply(np.argsort, (columns[0],), {"kind": "stable"})
    return apply(np.lexsort, (tuple(reversed(columns)),), {})


def item_of(items: list[Any], place: Any) -> Any:
    """An item at a traced place, part by part."""
    from . import sequences
    if all(map(sequences.is_number, items)) and len({stand_in(x) for x in items}) == 1:
        return sequences.item(items, place)
    if all(options_of(x) is not None for x in items):
        return sequences.item(items, place)
    if not isinstance(items[0], TracedArray) and not sequences.is_alike(items):
        fail(TraceError, "sorted() of items of several kinds by traced keys is not supported; sort their numbers")
    return sequences.item_of(items, place, "it stands in a list that is sorted by traced keys")


def _bisect(side: str, builtin: Rule) -> Rule:
    """bisect: NumPy's searchsorted, where something is traced."""
    def rule(a: Any, x: Any, *args: Any, **kwargs: Any) -> Any:
        if not (o.is_traced((a, x)) or grown.is_grown(a)) or args or kwargs:
            return builtin(grown.expanded(a, builtin.__name__) if grown.is_grown(a) else a, x, *args, **kwargs)
        keys = grown.as_array(a) if grown.is_grown(a) else o.as_traced(a)
        if keys.type.is_static:
            y = o.as_traced(apply(np.searchsorted, (keys, x), {"side": side}))
        else:  # as many as come before, in a list that is in order
            y = o.as_traced(apply(np.sum, (keys < x if side == "left" else keys <= x,), {}))
        return leave(o.root(y.content, y.home, PYTHON))

    return rule


def _fromiter(items: Any, dtype: Any, count: int = -1, *, like: Any = None) -> Any:
    """np.fromiter: the array of what an iterable gives."""
    found: Any = items if grown.is_grown(items) else list(items if count < 0 else itertools.islice(items, count))
    if not o.is_traced(found):
        return np.fromiter(found, dtype, len(found))
    if count >= 0 and len(found) < count:
        raise ValueError("iterator too short")
    return apply(np.array, (found, dtype), {})


def _text(builtin: Rule, conversion: str) -> Rule:
    """str and repr: of what is traced a text that is filled in when it is told."""
    def rule(*args: Any, **kwargs: Any) -> Any:
        if len(args) == 1 and not kwargs and (isinstance(args[0], texts.Text) or texts.holds([args[0]])):
            return texts.shown(args[0], conversion)
        return builtin(*args, **kwargs)

    return rule


def _format(x: Any, spec: Any = "") -> Any:
    return texts.shown(x, "", spec) if isinstance(x, (TracedArray, texts.Text)) else format(x, spec)


def _setattr(owner: Any, name: str, value: Any) -> None:
    from .hooks import Hooks
    Hooks.set_attr(value, owner, name)


def _set_plainly(owner: Any, name: str, value: Any) -> None:
    """object.__setattr__, type.__setattr__."""
    from .hooks import Hooks
    Hooks.set_attr(value, owner, name, plainly=True)


def _print(*args: Any, **kwargs: Any) -> None:
    from .telling import printed
    printed(*args, **kwargs)


def _refused(name: str) -> Rule:
    def rule(*args: Any, **kwargs: Any) -> Any:
        fail(TraceError, f"{name}() inside a compiled function would run once, while tracing, and its result be "
                         f"repeated; "
                         f"call it outside and pass the result as an argument")

    return rule


RULES: dict[Any, Rule] = {
    type: _type, isinstance: _isinstance, float: _float, int: _int, bool: _bool, complex: _complex, round: _round,
    divmod: lambda x, y: (x // y, x % y) if o.is_traced((x, y)) else divmod(x, y),
    sorted: _sorted, pow: _pow, bisect.bisect_left: _bisect("left", bisect.bisect_left),
    bisect.bisect_right: _bisect("right", bisect.bisect_right),
    min: _extreme("min", min, "lt", np.min), max: _extreme("max", max, "gt", np.max), sum: _sum,
    len: _len, any: _truth(any, np.any), all: _truth(all, np.all),
    map: _calls_back(map), filter: _calls_back(filter),
    functools.reduce: _calls_back(functools.reduce),
    **ordered_lists.RULES,
    **iterables.RULES,
    **iterators.RULES,
    np.fromiter: _fromiter, setattr: _setattr, object.__setattr__: _set_plainly,
    type.__setattr__: _set_plainly, print: _print, str: _text(str, "s"), repr: _text(repr, "r"), format: _format,
    input: _refused("input"), open: _refused("open"),
    **{t: _scalar_type(t) for t in (np.bool_, np.int8, np.int16, np.int32, np.int64, np.uint8, np.uint16, np.uint32,
                                    np.uint64, np.float32, np.float64, np.complex64, np.complex128)},
}
