"""Integers that are not known while tracing: indices, bounds of slices, extents.

Every traced i64 scalar is a linear form of others (`ir/linear.py`), and has a range (`ir/ranges.py`): a loop's index
from its bounds, everything else from how it is computed. Forms answer what NumPy decides by looking: whether an index
is negative, whether a slice goes past the end. Where a proof is found no code is emitted; otherwise select, minimum,
maximum and `bounded` say at run time what NumPy would.

A number of one form is one value in one scope: so extents that are equal are the same value, as the IR compares shapes.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from typing import Any, Union

import numpy as np

from ..bounded import Bounded
from ..errors import ArgumentError, TraceError
from ..ir import OPS, Block, Op, Value, sizes
from ..ir.greatest_extents import not_below_0
from ..ir.linear import Form, Linear, as_linear, atom
from ..ir.ranges import Ranges, facts, is_at_least
from ..ir.sizes import agree, is_known, is_open
from ..ir.types import INDEX, is_integer
from ..ir.widths import Widths
from .array import PYTHON, TracedArray, root
from .locations import fail, here as here_in_source
from .recorder import Recorder, current
from .views import plain

Integer = Union[int, np.integer, TracedArray, Value, Linear]
"""What names an integer: a number, a handle or a value of one, a form."""


class Integers:
    """The integers of one recorder: what is known of them, and the values that stand for forms."""

    def __init__(self, recorder: Recorder):
        self.recorder = recorder
        self.ranges = Ranges()
        self.widths = Widths(lambda v: v in self.ranges.declared or v in self.sizes.values())
        self.placed: dict[Block, dict[Any, tuple[Value, int]]] = {}
        """By block and key: a value, and the position in the block of the operation that defines it (or -1)."""
        self.homes: dict[Value, Recorder] = {}
        """Of the outermost recorder: whose function an atom belongs to."""
        self.agreements: dict[Linear, tuple[Linear, Linear]] = {}
        """Extents that stand for two others, of which a run checks that they are equal."""
        self.sizes: dict[int, Value] = {}
        """The values that stand for open extents."""
        self.numbers: dict[Value, int] = {}
        self.numbered: dict[Any, int] = {}

    def find(self, key: Any) -> Value | None:
        """The value that stands for a key in this scope or around it."""
        for block in scopes(self.recorder):
            found = self.placed.get(block, {}).get(key)
            if found is not None and is_in(block, *found) and self.is_around(*found):
                return found[0]
        return None

    def is_around(self, v: Value, place: int) -> bool:
        """Whether what was defined outside of its block still is, in one around: a branch there may have ended."""
        return place >= 0 or v.op is None or any(position(block, v) >= 0 for block in scopes(self.recorder))

    def put(self, key: Any, v: Value) -> Value:
        """v stands for the key in the innermost scope."""
        block = self.recorder.builder.block
        self.placed.setdefault(block, {})[key] = v, position(block, v)
        return v


    # equal by computation -------------------------------------------------------------------------------------------
    def number(self, v: Value, depth: int = 0) -> int:
        """The same for integers that are computed alike from the same: `idx[0]` read twice is one number."""
        found = self.numbers.get(v)
        if found is None:
            key = self.key(v, depth) if depth < DEEP else v
            found = self.numbers[v] = self.numbered.setdefault(key, len(self.numbered))
        return found

    def key(self, v: Value, depth: int) -> Any:
        """How v is computed; v itself where that is not looked into."""
        form = self.ranges.linear(v) if v.type == INDEX else atom(v)
        if form.atom is not v:
            sums: dict[int, int] = {}  # different atoms may be one number
            for a, k in form.terms:
                n = self.number(a, depth + 1)
                sums[n] = sums.get(n, 0) + k
            return "sum", frozenset(sums.items()), form.const
        op = v.op
        if op is not None and op.name == "const":
            literal = op.attrs["value"]
            return (v.type, literal.tobytes()) if literal.size <= SMALL else v
        if op is None or v.dtype.kind not in "iub" or not is_pure(op):
            return v
        uses = tuple(self.number(u, depth + 1) for u in op.uses())
        return op.name, v.index, uses, tuple((name, without_values(a)) for name, a in op.attrs.items())

    def representative(self, v: Value) -> Value:
        """The first value in scope that is surely the same number as the atom v."""
        if v.op is None:
            return v
        key = "number", self.number(v)
        found = self.find(key)
        if found is None and any(position(block, v) >= 0 for block in scopes(self.recorder)):
            return self.put(key, v)
        return found or v  # one of a region that has ended, in which a condition was computed, stands for no other


DEEP = 50
"""Values that are computed in more steps than this are only equal to themselves."""
SMALL = 16
"""Literals of at most so many elements are compared by what they hold."""


def without_values(attr: Any) -> Any:
    """An attribute, whose index values are counted among the operation's uses."""
    return tuple(None if isinstance(a, Value) else a for a in attr) if isinstance(attr, tuple) else attr


def is_pure(op: Op) -> bool:
    """Whether the operation gives the same whenever it is computed from the same."""
    return not op.regions and not OPS[op.name].effect and OPS[op.name].family != "tape"


def scopes(recorder: Recorder) -> Iterator[Block]:
    """The blocks that are under construction, innermost first."""
    frame = getattr(recorder, "frame", None)
    if frame is None:
        yield recorder.block
    while frame is not None:
        yield frame.block
        frame = frame.parent


def position(block: Block, v: Value) -> int:
    """Where in the block the operation stands that defines v; -1 where it stands outside."""
    return next((k for k in range(len(block.ops) - 1, -1, -1) if block.ops[k] is v.owner), -1)


def is_in(block: Block, v: Value, place: int) -> bool:
    """Whether v is still defined in the block: an attempt to trace a loop may have been taken back."""
    if place < 0:
        return True
    ops = block.ops
    return any(ops[k] is v.owner for k in range(place, len(ops)))  # literals put in before it have moved it on


def of(recorder: Recorder) -> Integers:
    found: Integers | None = recorder.integers
    if found is None:
        found = recorder.integers = Integers(recorder)
    return found


def integers() -> Integers:
    """Those of the current recorder."""
    return of(current())


# from handles to forms and back -------------------------------------------------------------------------------------
def linear(x: Integer) -> Linear:
    """The form of an integer, in atoms of the current function."""
    if isinstance(x, Linear):
        return here(x)
    if isinstance(x, TracedArray):
        if (known := x.known) is not None:
            return as_linear(int(known))
        x = _i64(x).value
    elif not isinstance(x, Value):
        return as_linear(x) if is_open(x) else as_linear(int(x))
    ours = integers()
    raw = ours.ranges.linear(x)
    found = Linear(const=raw.const)
    for a, k in raw.terms:
        found = found + atom(ours.representative(a)) * k
    homes = of(current().outermost).homes
    for a in found.atoms:
        homes.setdefault(a, ours.recorder)
    if found.terms and found.atom is None and ours.find(found) is None:
        ours.put(found, x)
    return found


def form(x: Integer) -> Form:
    """The same, an int where it is known."""
    return plain(linear(x))


def _i64(x: TracedArray) -> TracedArray:
    from .operands import cast
    return cast(x, np.int64)


def here(x: Linear) -> Linear:
    """A form whose atoms may belong to the functions around this one, in atoms of this one."""
    recorder = current()
    homes = of(recorder.outermost).homes
    if all(homes.get(a, recorder) is recorder for a in x.atoms):
        return x
    out = Linear(const=x.const)
    for a, k in x.terms:
        out = out + _adopted(a, homes.get(a, recorder)) * k
    return out


def _adopted(v: Value, home: Recorder) -> Linear:
    """An atom of a function around this one: a parameter, of which is known what was known of it there."""
    recorder = current()
    p = recorder.adopt(v, home)
    known = of(recorder).ranges.declared
    if p is not v and p not in known:
        lo, hi = of(home).ranges.interval(v)
        declare(p, lo, None if hi is None else hi + 1)
    return atom(p)


def value(x: Form) -> Value:
    """The value that the form is: the same one for the same form within a scope."""
    x = here(as_linear(x))
    if x.atom is not None:
        return x.atom
    if x.is_const:
        return _sized(x.const) if is_open(x.const) else current().literal(_number(x.const))
    ours = integers()
    found = ours.find(x)
    if found is None:
        found = _emitted(x)
        ours.ranges.linear.forms[found] = x
        ours.put(x, found)
    return found


def _sized(n: int) -> Value:
    """An open extent as a value: one for each, in the function's own block, so that all regions may use it."""
    recorder = current()
    made = of(recorder).sizes
    if n not in made or not is_in(recorder.block, made[n], 0):
        b = recorder.root_builder
        b.loc = here_in_source()
        made[n] = b.size(of=(n,))
    return made[n]


_NUMBERS: Bounded[int, np.ndarray] = Bounded(1 << 14)


def _number(n: int) -> np.ndarray:
    """One array for each number: literals are found by identity."""
    known = _NUMBERS.get(n)
    return known if known is not None else _NUMBERS.put(n, np.asarray(n, np.int64))


def _emitted(x: Linear) -> Value:
    """Sums and multiples, positive ones first."""
    total: Value | None = None
    terms = sorted(x.terms, key=lambda t: t[1] < 0)
    if (is_open(x.const) or x.const) and terms[0][1] < 0:
        total = value(x.const)
    for a, k in terms:
        part = a if abs(k) == 1 else _append("mul", a, value(abs(k)))
        total = part if total is None and k > 0 else _append("neg", part) if total is None else _append(
            "add" if k > 0 else "sub", total, part)
    assert total is not None
    if (is_open(x.const) or x.const) and terms[0][1] > 0:
        total = _append("add", total, value(x.const)) if is_open(x.const) else _append(
            "add" if x.const > 0 else "sub", total, value(abs(x.const)))
    return total


def _append(name: str, *operands: Value, **attrs: Any) -> Value:
    return current().append(name, operands, attrs)[0]


def extent(x: Form) -> int | Value:
    """The form as an extent or a start of the IR: an int where it is known."""
    x = plain(x)
    return x if isinstance(x, int) else value(x)


def handle(x: Form | Value) -> Any:
    """The form as the user sees it: an int, or a traced Python number."""
    known = form(x)
    return known if isinstance(known, int) and not is_open(known) else root(value(known), current(), PYTHON)


def size(x: Any) -> int | None:
    """The number, or the open extent, that an integer is; None where it is computed in another way."""
    if isinstance(x, TracedArray):
        if x.ndim or not x.ir_dtype.is_integer:
            return None
        if (known := x.known) is not None:
            return int(known)
        x = form(x)
    return x if isinstance(x, int) else None


def decided(x: TracedArray, concluding: bool = True) -> bool | None:
    """Whether a condition on open extents holds: for the sizes that came first, and then for all calls of what is
    compiled; or, if nothing is to be concluded, where it does for all sizes. None for one on other values."""
    known = x.known
    if known is not None:
        return bool(known)
    if x.ndim or not x.ir_dtype.is_integer:
        return _decided(x.value, concluding) if x.ir_dtype.is_bool and not x.ndim else None
    n = size(x)  # `if len(x)`: whether it is not 0
    if not is_open(n):
        return None
    return sizes.decided(n, "!=", 0) if concluding else is_known(n, "!=", 0)


def _decided(v: Value, concluding: bool) -> bool | None:
    op = v.op
    if op is None or v.type.rank:
        return None
    if op.name in TOGETHER and op.operands[0].dtype.is_bool:
        parts = [_decided(o, concluding) if o.op is None or o.op.name != "const" else bool(o.op.attrs["value"])
                 for o in op.operands]
        known = [p for p in parts if p is not None]
        return TOGETHER[op.name](known) if len(known) == len(parts) else None
    if op.name not in SIGNS or any(not is_integer(o.type) for o in op.operands):
        return None
    left, right = (form(o) for o in op.operands)
    if not (isinstance(left, int) and isinstance(right, int)):
        return None
    if not concluding:
        return is_known(left, SIGNS[op.name], right)
    if op.name in ("eq", "ne"):
        return agree(left, right) == (op.name == "eq")
    return sizes.decided(left, SIGNS[op.name], right)


TOGETHER: dict[str, Callable[[list[bool]], bool]] = {"not": lambda x: not x[0], "and": all, "or": any}
"""How conditions are put together."""
SIGNS = {"lt": "<", "le": "<=", "gt": ">", "ge": ">=", "eq": "==", "ne": "!="}
"""Comparisons as they are written."""


# in words -----------------------------------------------------------------------------------------------------------
NAMED = {"minimum": "min({}, {})", "maximum": "max({}, {})", "floordiv": "{} // {}", "mod": "{} % {}",
         "mul": "{} * {}", "abs": "abs({})", "argmax": "argmax(...)", "argmin": "argmin(...)"}


def described(x: Linear, depth: int = 0) -> str:
    """A form as the user could have written it; `?` for what cannot be told in a few words."""
    if is_open(x.const):
        terms = Linear(x.terms)
        return x.const.words if not x.terms else f"{described(terms, depth)} + {x.const.words}"
    parts = [(k, f"{'' if abs(k) == 1 else f'{abs(k)} * '}{_named(a, depth)}") for a, k in x.terms]
    if x.const or not parts:
        parts.append((x.const, str(abs(x.const))))
    parts.sort(key=lambda part: part[0] < 0)
    text = "".join(f" {'-' if k < 0 else '+'} {part}" for k, part in parts)
    return text[3:] if parts[0][0] >= 0 else f"-{text[3:]}"


def _named(v: Value, depth: int) -> str:
    op = v.op
    if v.name:
        return v.name
    if op is None or depth > 3:
        return "?"
    if op.name in NAMED:
        return NAMED[op.name].format(*(described(linear(o), depth + 1) for o in op.operands if o.type == INDEX))
    if op.name == "bounded":
        return described(linear(op.operands[0]), depth + 1)
    if op.name == "select":  # an index that counts from the end where it is negative
        return described(linear(op.operands[2]), depth + 1)
    if op.name == "size":
        return str(op.attrs["of"][0].words)
    while op is not None and (OPS[op.name].selects or op.name == "cast"):
        v = op.operands[0]
        op = v.op
    return f"{v.name or '?'}[...]"


# what is known ------------------------------------------------------------------------------------------------------
def declare(v: Integer, lo: Integer | None, hi: Integer | None, step: int = 1) -> None:
    """v, the index of a loop under construction, runs through range(lo, hi, step). None: no bound is known."""
    target = v.value if isinstance(v, TracedArray) else v
    assert isinstance(target, Value)
    integers().ranges.declare(target, None if lo is None else linear(lo), None if hi is None else linear(hi), step)


def is_nonnegative(x: Integer) -> bool:
    """Whether x >= 0 is proven."""
    return integers().ranges.is_nonnegative(linear(x))


def is_less(a: Integer, b: Integer) -> bool:
    """Whether a < b is proven."""
    return integers().ranges.is_less(linear(a), linear(b))


def difference(a: Integer, b: Integer) -> int | None:
    """a - b, where that is one known number."""
    d = linear(a) - linear(b)
    return d.const if d.is_const else None


def interval(x: Integer) -> tuple[int | None, int | None]:
    """Between which known numbers x lies."""
    return integers().ranges.interval(linear(x))


def upper_bound(x: Integer) -> int | None:
    """The greatest number that x can be, where one is known."""
    return integers().ranges.upper(linear(x))


def greatest(e: Integer) -> int | None:
    """The greatest number that an extent can be, where one is known."""
    return not_below_0(upper_bound(e))


@contextmanager
def assuming(condition: Any, truth: bool) -> Iterator[None]:
    """Inside, a traced condition is known to be true (or false): what it says of integers serves proofs."""
    with integers().ranges.supposing(facts_of(condition, truth)):
        yield


def facts_of(condition: Any, truth: bool = True) -> list[Linear]:
    """The forms that are not negative where the condition is true (or false)."""
    if not isinstance(condition, TracedArray) or condition.is_known or condition.ndim:
        return []
    return list(facts(condition.value, truth, linear, is_nonnegative))


# what is decided at run time where it is not proven -----------------------------------------------------------------
def _operation(name: str, *operands: Form, **attrs: Any) -> Linear:
    """An operation on integers, once in a scope."""
    ours = integers()
    xs = tuple(here(as_linear(x)) for x in operands)
    key = (name, xs, *attrs.values())
    found = ours.find(key)
    if found is None:
        found = ours.put(key, _append(name, *map(value, xs), **attrs))
    return linear(found)


def smaller(a: Form, b: Form) -> Form:
    """min(a, b)."""
    if isinstance(a, int) and isinstance(b, int):
        return a if a <= b else b
    if is_nonnegative(linear(b) - linear(a)):
        return a
    return b if is_nonnegative(linear(a) - linear(b)) else _extreme("minimum", a, b)


def larger(a: Form, b: Form) -> Form:
    """max(a, b)."""
    if isinstance(a, int) and isinstance(b, int):
        return a if a >= b else b
    if is_nonnegative(linear(a) - linear(b)):
        return a
    return b if is_nonnegative(linear(b) - linear(a)) else _extreme("maximum", a, b)


def _extreme(name: str, a: Form, b: Form) -> Form:
    """The minimum or maximum of two numbers, of which no sum goes beyond 64 bits: that of %k + 3 and 10, where nothing
    bounds %k, is that of %k and 7, and 3."""
    for x, other in ((a, b), (b, a)):
        v = _loose(as_linear(x), name == "minimum")
        if v is not None:
            rest = linear(x) - atom(v)
            return plain(linear(_operation(name, atom(v), linear(other) - rest)) + rest)
    return _operation(name, a, b)


def begin_of_range(lo: Form, hi: Form, step: int) -> Form:
    """Where a range begins: not where a sum wraps, but then at its end."""
    return lo if _loose(as_linear(lo), step > 0) is None else _extreme("minimum" if step > 0 else "maximum", lo, hi)


def _loose(x: Linear, above: bool) -> Value | None:
    """A term of a sum, where neither it nor the sum have a bound above (or below), and the rest has one on the other
    side."""
    if x.atom is not None or x.is_const or interval(x)[above] is not None:
        return None
    return next((v for v, k in x.terms if k == 1 and interval(atom(v))[above] is None
                 and interval(x - atom(v))[not above] is not None), None)


def from_end(i: Form, n: Form) -> Form:
    """An index or bound as NumPy takes it: a negative one counts from the end."""
    if isinstance(i, int):
        return i if i >= 0 else plain(linear(i) + linear(n))
    if is_nonnegative(i):
        return i
    behind = linear(i) + linear(n)
    if is_less(i, 0):
        return plain(behind)
    ours = integers()
    key = "from_end", here(as_linear(i)), here(as_linear(n))
    found = ours.find(key)
    if found is None:
        negative = _append("lt", value(i), value(0))
        found = ours.put(key, _append("select", negative, value(behind), value(i)))
    return linear(found)


def bounded(i: Form, n: Form) -> Form:
    """An index that is in range: checked at run time where that is not proven."""
    if isinstance(i, int) and isinstance(n, int) and (is_open(i) or is_open(n)) and 0 <= i < n:
        return i
    if is_nonnegative(i) and is_less(i, n):
        return i
    return _operation("bounded", i, extent=(extent(n),))


def told(i: Form) -> Form:
    """A sum of several numbers, of which only the tracer knows how great it is at most, as one that says so."""
    if isinstance(i, int) or len(linear(i).terms) < 2 or (most := upper_bound(i)) is None or is_open(most):
        return i
    return _operation("bounded", i, extent=(extent(most + 1),))


DIFFER = ("operands could not be broadcast together: two extents that are computed while the function runs differ (one "
          "of 1 is stretched only where that is known before)")


def may_agree(a: Form, b: Form) -> bool:
    """Whether two extents could be the same number."""
    lo, hi = interval(linear(a) - linear(b))
    return not is_at_least(lo, 1) and not is_at_least(-1, hi)


def agreed(a: Form, b: Form) -> Form:
    """The number that two extents both are, as a run has to check: the smaller of them, once that is done."""
    ours = integers()
    x, y = here(as_linear(a)), here(as_linear(b))
    key = "agreed", x, y
    if ours.find(key) is None:
        equal = _append("eq", value(x), value(y))
        current().append("assert", (equal,), {"message": DIFFER, "error": "ShapeError"})
        ours.put(key, value(smaller(x, y)))
    found = smaller(x, y)
    ours.agreements[as_linear(found)] = x, y
    return found


def stands_for(e: Form, other: Form) -> bool:
    """Whether a run has checked that the extent e is `other`, too."""
    pair = integers().agreements.get(as_linear(e))
    return pair is not None and any(p == as_linear(other) or (p != as_linear(e) and stands_for(p, other)) for p in pair)


def quotient(x: Form, k: int) -> Form:
    """x floor-divided by a positive number."""
    exact = linear(x).divided(k)
    return plain(exact) if exact is not None else _operation("floordiv", x, k)


def product(factors: Iterable[Form]) -> Form:
    """The product of extents."""
    total: Form = 1
    for n in factors:
        a, b = linear(total), linear(n)
        total = plain(a * b.const if b.is_const else b * a.const if a.is_const else _operation("mul", a, b))
    return total


NEGATIVE = "negative dimensions are not allowed"
SAYS_NOTHING = 2**28
"""Elements above which a bound, as that of an int32, says nothing about the memory that is to be set aside."""


def as_extent(x: TracedArray, what: str) -> int | Value:
    """A traced integer as an extent: it must not be negative, and code must know how large it can be."""
    if not x.ir_dtype.is_integer or x.ndim:
        fail(TraceError, f"{what} must be an integer, got {x!r}")
    return checked(linear(x), what)


def checked(n: Form, what: str) -> int | Value:
    """A number as an extent. TraceError where nothing says how large it can be."""
    if isinstance(n, int) or n.is_const:
        n = n if isinstance(n, int) else n.const
        if n < 0:
            fail(ArgumentError, f"{what}: {NEGATIVE}")
        return n
    top = greatest(n)
    if top is None or top > SAYS_NOTHING:
        fail(TraceError, f"{what} is a traced value, and nothing says how large it can be: no memory can be set aside; "
                         f"pass the number as an int argument, which is static, or make the array in its full size "
                         f"and take a slice of it, as buffer[:n]")
    return extent(n if is_nonnegative(n) else _not_negative(n, top))


def _not_negative(n: Linear, top: int) -> Linear:
    """An extent that is at most `top`, once a run has checked that it is not negative."""
    key = "not negative", here(n)
    if (ours := integers()).find(key) is None:
        holds = _append("ge", value(n), value(0))
        current().append("assert", (holds,), {"message": NEGATIVE, "error": "ArgumentError"})
        ours.put(key, holds)
    return _operation("bounded", n, extent=(top + 1,))
