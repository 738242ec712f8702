"""Between which numbers an i64 scalar lies: what codegen sizes its memory by, and the tracer proves indices with.

A bound of a value is a linear form of values that are defined before it: the index of `for %i+1, %n` lies between
`%i + 1` and `%n - 1`. A form's least number is found by putting bounds in place of its atoms, those that depend
on others first: `%n - %j` becomes `%n - (%n - 1) = 1`. What two values have in common cancels so, where
intervals of numbers would forget it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager
from typing import Any

import numpy as np

from .core import Block, Func, Op, Value, walk
from .linear import Form, Forms, Linear, atom, constant, total
from .ops import OPS
from .ops.control import For, Loop, While, is_loop
from .sizes import is_nonnegative, is_open
from .types import I64, INDEX, DType, is_integer

Interval = tuple[int | None, int | None]
"""The least and the greatest number, None where it is not known."""

Bound = tuple[int, tuple[Linear, ...]]
"""`scale, cases`: scale times the atom is at least (or at most) one of the cases; which one is not known."""

Concluded = tuple[dict[Linear, tuple[int | None, bool]], dict[tuple[Value, bool], list[Bound]], dict[Value, int]]
"""Lower bounds of forms, and whether there is none that is greater; the bounds of atoms; how deep these go."""

BUDGET = 200
"""So many forms are looked at in one question at most."""
LEVELS = 16
"""So many atoms are replaced one after the other: what depends on more than that counts as unknown."""


def is_at_least(n: int | None, k: int | None) -> bool:
    """Whether both numbers are known, and n is surely not less than k."""
    return n is not None and k is not None and (n >= k if not (is_open(n) or is_open(k)) else is_nonnegative(n - k))


def _smallest(numbers: list[int | None]) -> int | None:
    """The least of some numbers; None where one of them is not known, or which it is."""
    known = [n for n in numbers if n is not None]
    if len(known) < len(numbers):
        return None
    return next((n for n in known if all(is_at_least(other, n) for other in known)), None)


def _is_multiple(fact: Linear) -> bool:
    """Whether a fact is about a multiple of an atom: twice %i is 4 where %i is 2, or so much that it has wrapped. Of %i
    itself it says nothing."""
    return len(fact.terms) == 1 and abs(fact.terms[0][1]) != 1


def owners_of(func: Func) -> dict[Block, Op]:
    """The operation that each region belongs to."""
    return {region: op for op in walk(func.body) for region in op.regions}


class Ranges:
    """What is known about the i64 scalars of a function.

    owners: `owners_of(func)`, for the indices of loops. While a loop is under construction `declare` tells them.
    """

    def __init__(self, owners: Mapping[Block, Op] | None = None):
        self.owners = owners or {}
        self.linear = Forms()
        self.declared: dict[Value, tuple[list[Bound], list[Bound]]] = {}
        self.facts: list[Linear] = []
        """Forms known not to be negative where questions are asked now: the conditions of branches around."""
        self._considered: list[Linear] = []
        """The facts that are counted in now."""
        self._single: tuple[Linear, ...] = ()
        """Those of them that are about one atom: its bounds."""
        self._concluded: dict[tuple[Linear, ...], Concluded] = {}
        """By the facts about single atoms, those here and around, what has been concluded where they hold."""
        self._lower, self._bounds, self._depth = self._concluded[()] = {}, {}, {}
        self._budget = BUDGET
        self._level = 0
        self._cut = False
        """Whether a search was given up: what it has found holds, but there may be more to find."""

    # what is asked --------------------------------------------------------------------------------------------------
    def interval(self, x: Form | Value) -> Interval:
        """The numbers between which x lies."""
        form = self.linear(x)
        return self.lower(form), self.upper(form)

    def lower(self, x: Form | Value, enough: int | None = None) -> int | None:
        """The greatest number known to be at most x; any that is `enough` will do."""
        self._budget, self._level, self._cut = BUDGET, 0, False
        if self.facts != self._considered:
            self._consider()
        form = self.linear(x)
        found = self.least(form, enough)
        for fact in (*self.facts, *(self.implied(form) if found is None else ())):
            for times in (1, *self.divisors(form)):
                if is_at_least(found, enough):
                    return found
                rest = form * times - fact
                if _is_multiple(fact) and fact.terms[0][0] in rest.atoms:
                    continue
                better = self.least(rest, None if enough is None else enough * times)
                if better is not None and (found is None or not is_at_least(found * times, better)):
                    found = -(-better // times)
        return found

    def divisors(self, form: Linear) -> set[int]:
        """By what its atoms were divided: as many times the form go with what is known of the dividends."""
        return {scale for v, k in form.terms for scale, _ in self.bounds(v, k > 0) if scale > 1}

    def implied(self, form: Linear) -> Iterator[Linear]:
        """What the ranges of its atoms say of other values in them: where an index runs below n, n is greater."""
        for v in form.atoms:
            for low in (True, False):
                yield from ((atom(v) - cases[0]) * (1 if low else -1) for scale, cases in self.bounds(v, low)
                            if scale == len(cases) == 1 and cases[0].terms)

    def upper(self, x: Form | Value) -> int | None:
        """The least number known to be at least x."""
        low = self.lower(-self.linear(x))
        return None if low is None else -low

    def is_nonnegative(self, x: Form | Value) -> bool:
        """Whether x >= 0 is proven."""
        return is_at_least(self.lower(x, 0), 0)

    def is_less(self, a: Form | Value, b: Form | Value) -> bool:
        """Whether a < b is proven."""
        return self.is_nonnegative(self.linear(b) - self.linear(a) - 1)

    def difference(self, a: Form | Value, b: Form | Value) -> int | None:
        """a - b, where that is one number whatever the atoms stand for."""
        d = self.linear(a) - self.linear(b)
        return d.const if d.is_const else None

    # what is told ---------------------------------------------------------------------------------------------------
    def declare(self, v: Value, lo: Form | Value | None, hi: Form | Value | None, step: int = 1) -> None:
        """v runs through range(lo, hi, step); a bound that is None is not known."""
        low = None if lo is None else self.linear(lo)
        high = None if hi is None else self.linear(hi)
        self.declared[v] = _range_bounds(low, high, step)
        self.forget()

    def define(self, v: Value, form: Linear) -> None:
        """v is the number that the form is."""
        self.linear.forms[v] = form

    @contextmanager
    def supposing(self, forms: Iterable[Linear]) -> Iterator[None]:
        """While questions are asked where these forms are not negative."""
        count = len(self.facts)
        self.facts += list(forms)  # (which ask questions themselves)
        try:
            yield
        finally:
            del self.facts[count:]

    def under(self, op: Op, k: int) -> AbstractContextManager[None]:
        """While questions are asked within the k-th region of an operation."""
        return self.supposing(self.within(op, k))

    def within(self, op: Op, k: int) -> Iterator[Linear]:
        """The forms that are not negative in a region: a branch runs where its condition holds."""
        if op.name in BEHIND and op.regions:
            yield from self.said(op.operands[0], k == 0)

    def said(self, condition: Value, truth: bool) -> Iterator[Linear]:
        """The forms that are not negative where a condition is true (or false)."""
        return facts(condition, truth, self.linear, self.is_nonnegative)

    def before(self, block: Block, end: Op | None) -> Iterator[Linear]:
        """The forms that are not negative where a block has come to an operation; None: at its beginning."""
        for op in block.ops if end is not None else ():
            if op is end:
                break
            yield from self.behind(op)

    def behind(self, op: Op) -> Iterator[Linear]:
        """The forms that are not negative behind an operation, as the program would have ended there otherwise."""
        if op.name in BEHIND:
            for truth in BEHIND[op.name](op):
                yield from self.said(op.operands[0], truth)

    def forget(self) -> None:
        """Drop what has been concluded: something new is known."""
        self._concluded.clear()
        self._consider()

    def _consider(self) -> None:
        """Count in the facts that hold now. What was concluded where fewer held stays, to be found again there."""
        self._considered = list(self.facts)
        self._single = now = tuple(f for f in self.facts if len(f.terms) == 1 and not _is_multiple(f))
        self._concluded = {them: c for them, c in self._concluded.items() if them == now[:len(them)]}
        self._lower, self._bounds, self._depth = self._concluded.setdefault(now, ({}, {}, {}))

    # proofs ---------------------------------------------------------------------------------------------------------
    def least(self, form: Linear, enough: int | None = None) -> int | None:
        """The greatest lower bound that substitution finds, or the first that is enough."""
        if form.is_const:
            return form.const
        rest, known = Linear(form.terms), self._lower.get(Linear(form.terms))
        goal = None if enough is None else enough - form.const
        if known is None or not (known[1] or is_at_least(known[0], goal)):
            self._lower[rest] = None, True  # while it is looked for: indices that bound each other go round in circles
            outer, self._cut = self._cut, False
            known = self._lower[rest] = self._substituted(rest, goal), False
            if self._cut:
                del self._lower[rest]
            else:
                self._lower[rest] = known = known[0], not is_at_least(known[0], goal)
                self._cut = outer
        return None if known[0] is None else known[0] + form.const

    def most(self, form: Linear) -> int | None:
        """The least upper bound that substitution finds."""
        low = self.least(-form)
        return None if low is None else -low

    def _substituted(self, form: Linear, enough: int | None) -> int | None:
        self._budget -= 1
        if self._budget < 0 or self._level >= LEVELS:
            self._cut = True
            return None
        self._level += 1
        v, k = max(form.terms, key=lambda t: self.depth(t[0]))
        best: int | None = None
        for scale, cases in self.bounds(v, k > 0):
            times = 1 if k % scale == 0 else scale  # what is known of `times * form`, divided
            change = times * k // scale
            goal = None if enough is None else enough * times
            low = _smallest([self.least(form * times + (case - atom(v) * scale) * change, goal) for case in cases])
            if low is not None and (best is None or not is_at_least(best, -(-low // times))):
                best = -(-low // times)
                if is_at_least(best, enough):
                    break
        self._level -= 1
        return best

    def depth(self, v: Value, level: int = 0) -> int:
        """How far v's bounds are from values without bounds: what depends on others is replaced before them."""
        found = self._depth.get(v)
        if found is None:
            if level > LEVELS:
                return 0
            self._depth[v] = 0
            below = [self.depth(a, level + 1) for side in (True, False) for _, cases in self.bounds(v, side)
                     for c in cases for a in c.atoms]
            found = self._depth[v] = 1 + max(below, default=-1)
        return found

    def bounds(self, v: Value, low: bool) -> list[Bound]:
        """The lower (or upper) bounds of an atom, each of which holds."""
        key = v, low
        found = self._bounds.get(key)
        if found is None:
            self._bounds[key] = []
            outer, self._cut = self._cut, False
            found = self._bounds[key] = [*self._find(v, low), *self._said(v, low)]
            if self._cut:
                del self._bounds[key]
            else:
                self._cut = outer
        return found

    def _said(self, v: Value, low: bool) -> Iterator[Bound]:
        """What the facts say of an atom alone: where `7 - %i` is not negative, %i is at most 7."""
        for fact in self._single:
            (a, k), = fact.terms
            if a is v and k == (1 if low else -1):
                yield 1, (Linear(const=-fact.const if low else fact.const),)

    def _find(self, v: Value, low: bool) -> list[Bound]:
        if v in self.declared:
            return self.declared[v][0 if low else 1]
        if v.op is None:
            return self._of_parameter(v, low)
        if v.op.name == "if":
            return list(_chosen(self, v, low))
        if is_loop(v.op) and v.type == INDEX:
            return self._carried(v.op, v.index, low)
        rule = SCALARS.get(v.op.name)
        if rule is not None and is_integer(v.type):
            return list(rule(self, v.op, low))
        number = elements(v)[0 if low else 1]
        return [] if number is None else [(1, (Linear(const=number),))]

    def _of_parameter(self, v: Value, low: bool) -> list[Bound]:
        """The index of a loop, or an integer that it carries."""
        op = self.owners.get(v.owner)  # type: ignore[arg-type]
        if op is None or v.type != INDEX or not is_loop(op):
            return []
        if op.name == "for":
            return self._of_index(op, low) if v.index == 0 else self._carried(op, v.index - 1, low)
        found = self._carried(op, v.index, low)
        return found + self._of_condition(op, v, low) if v.owner is op.regions[1] else found

    def _carried(self, op: Op, k: int, low: bool) -> list[Bound]:
        """An integer that a loop carries and that never falls (or never rises) is at least (at most) what it was."""
        loop = Loop.of(op)
        p = loop.params[k]
        within = Ranges(self.owners)
        within.linear, within.declared = self.linear, {**self.declared, p: ([], [])}
        change = self.linear(loop.yields[k]) - atom(p)
        if not is_at_least(within.lower(change if low else -change), 0):
            return []
        return [(1, (self.linear(loop.inits[k]),))]

    def _of_condition(self, op: Op, v: Value, low: bool) -> list[Bound]:
        """What the condition of a `while` says of an integer in its body."""
        loop = While(op)
        now = dict(zip(loop.condition.params, loop.params, strict=True))
        out: list[Bound] = []
        for fact in facts(loop.test, True, self.linear, lambda _: False):
            fact = total(atom(now.get(a, a)) * k for a, k in fact.terms) + fact.const
            k = dict(fact.terms).get(v, 0)
            rest = fact - atom(v) * k
            if (k > 0) if low else (k < 0):
                out.append((abs(k), (-rest if low else rest,)))
        return out

    def _of_index(self, op: Op, low: bool) -> list[Bound]:
        """The index of a `for`, whose step need not be known, only its sign."""
        lo, hi, step = For(op).bounds
        k = constant(step)
        if k is None:
            least, most = self.least(self.linear(step)), self.most(self.linear(step))
            k = 1 if is_at_least(least, 1) else -1 if most is not None and most < 0 else 0
        if k == 0:
            return []
        return _range_bounds(self.linear(lo), self.linear(hi), k)[0 if low else 1]


# conditions ---------------------------------------------------------------------------------------------------------
def _of_ended_sides(op: Op) -> list[bool]:
    """Behind a branch of which one side ends the program its condition is as on the other."""
    return [k == 1 for k, region in enumerate(op.regions) if any(OPS[o.name].ends for o in region.ops)]


BEHIND: dict[str, Callable[[Op], list[bool]]] = {"assert": lambda op: [True], "if": _of_ended_sides}
"""What a condition is known to be behind the operation that has it as its first operand."""


def facts(condition: Value, truth: bool, linear: Callable[[Value], Linear],
          is_nonnegative: Callable[[Linear], bool]) -> Iterator[Linear]:
    """The forms that are not negative where a condition on i64 scalars is true (or false)."""
    op = condition.op
    if op is None or any(e != 1 for e in condition.shape):
        return
    if op.name in ("if", "select"):
        for side, v in zip((True, False), sides(condition), strict=True):
            if is_literal(v, not truth):  # not the side that was taken: `a and b` is `if a { b } else { false }`
                yield from facts(op.operands[0], not side, linear, is_nonnegative)
                yield from facts(sides(condition)[1 if side else 0], truth, linear, is_nonnegative)
    elif OPS[op.name].selects:
        yield from facts(op.operands[0], truth, linear, is_nonnegative)
    elif op.name == "not":
        yield from facts(op.operands[0], not truth, linear, is_nonnegative)
    elif op.name == ("and" if truth else "or") and condition.dtype.is_bool:
        for operand in op.operands:
            yield from facts(operand, truth, linear, is_nonnegative)
    elif op.name in COMPARED and is_integer(op.operands[0].type):
        a, b = map(linear, op.operands)
        name = op.name if truth else OPPOSITE[op.name]
        if name == "ne":  # of numbers that differ, the one that cannot be less is greater
            yield from (d - 1 for d in (a - b, b - a) if is_nonnegative(d))
        else:
            yield from COMPARED[name](a, b)


def conditions_on_integers(condition: Value) -> list[Value]:
    """A condition and its parts, if it is made of comparisons of integers; none else."""
    op = condition.op
    if op is None or any(e != 1 for e in condition.shape):
        return []
    if op.name in COMPARED:
        return [condition] if is_integer(op.operands[0].type) else []
    is_made_of_others = OPS[op.name].pointwise or OPS[op.name].selects
    parts = [conditions_on_integers(o) for o in op.operands] if is_made_of_others and not op.regions else [[]]
    return [condition, *(v for part in parts for v in part)] if parts and all(parts) else []


def chosen_by(v: Value) -> Value | None:
    """The condition by which v is one value or another; None where it is no such choice."""
    return v.op.operands[0] if v.op is not None and v.op.name in ("if", "select") else None


def sides(v: Value) -> tuple[Value, Value]:
    """The two values of which an `if` or `select` gives one."""
    op = v.op
    assert op is not None
    if not op.regions:
        return op.operands[1], op.operands[2]
    then, other = (r.results[v.index] for r in op.regions)
    return then, other


def is_literal(v: Value, truth: bool) -> bool:
    return v.op is not None and v.op.name == "const" and not v.type.rank and bool(v.op.attrs["value"]) == truth


COMPARED: dict[str, Callable[[Linear, Linear], list[Linear]]] = {
    "lt": lambda a, b: [b - a - 1], "le": lambda a, b: [b - a], "gt": lambda a, b: [a - b - 1],
    "ge": lambda a, b: [a - b], "eq": lambda a, b: [a - b, b - a], "ne": lambda a, b: [],
}
"""What a comparison says: forms that are not negative."""
OPPOSITE = {"lt": "ge", "le": "gt", "gt": "le", "ge": "lt", "eq": "ne", "ne": "eq"}


def range_length(lo: int, hi: int, step: int) -> int:
    """len(range(lo, hi, step)), also where that is more than len can tell."""
    return max(0, -((lo - hi) // step))


def _range_bounds(lo: Linear | None, hi: Linear | None, step: int) -> tuple[list[Bound], list[Bound]]:
    """Lower and upper bounds of what range(lo, hi, step) runs through."""
    first: list[Bound] = [] if lo is None else [(1, (lo,))]
    last: list[Bound] = [] if hi is None else [(1, (hi + (-1 if step > 0 else 1),))]
    if lo is not None and hi is not None and (hi - lo).is_number:
        trip_count = range_length(0, (hi - lo).const, step)
        last = [(1, (lo + max(trip_count - 1, 0) * step,))]
    return (first, last) if step > 0 else (last, first)


# bounds of scalars by the operation that defines them ---------------------------------------------------------------
Rule = Callable[[Ranges, Op, bool], Iterator[Bound]]


def _number(n: int | None) -> Iterator[Bound]:
    if n is not None:
        yield 1, (Linear(const=n),)


def _same(r: Ranges, op: Op, low: bool) -> Iterator[Bound]:
    if is_integer(op.operands[0].type):
        yield 1, (r.linear(op.operands[0]),)


def _smaller(r: Ranges, op: Op, low: bool) -> Iterator[Bound]:
    yield from _either(r, op, low, low)


def _larger(r: Ranges, op: Op, low: bool) -> Iterator[Bound]:
    yield from _either(r, op, low, not low)


def _either(r: Ranges, op: Op, low: bool, one_of: bool) -> Iterator[Bound]:
    """A minimum is at most each operand, and at least one of them; a maximum the other way round."""
    x, y = map(r.linear, op.operands)
    yield from [(1, (x, y))] if one_of else [(1, (x,)), (1, (y,))]


def _select(r: Ranges, op: Op, low: bool) -> Iterator[Bound]:
    yield from _chosen(r, op.result, low)


def _chosen(r: Ranges, v: Value, low: bool) -> Iterator[Bound]:
    """Each side, or what is less (or more) by something that is not negative where the side is taken.

    `select %i < 0, %i + %n, %i` is at most `%i + %n + (-1 - %i) = %n - 1` where it is negative.
    """
    sign, condition = -1 if low else 1, chosen_by(v)
    assert condition is not None
    then, other = (
        [r.linear(side), *(r.linear(side) + fact * sign for fact in facts(condition, truth, r.linear, lambda _: False))]
        for side, truth in zip(sides(v), (True, False), strict=True))
    yield from ((1, (a, b)) for a in then for b in other)


def _bounded(r: Ranges, op: Op, low: bool) -> Iterator[Bound]:
    yield 1, (r.linear(op.operands[0]),)
    yield 1, (Linear() if low else r.linear(op.attrs["extent"][0]) - 1,)


def _floordiv(r: Ranges, op: Op, low: bool) -> Iterator[Bound]:
    """`c*q <= x < c*q + c` for a positive number c."""
    x, c = r.linear(op.operands[0]), constant(op.operands[1])
    if c is None or c <= 0:
        return
    yield c, (x - (c - 1) if low else x,)
    number = r.least(x) if low else r.most(x)
    yield from _number(None if number is None else number // c)


def _mod(r: Ranges, op: Op, low: bool) -> Iterator[Bound]:
    c = r.linear(op.operands[1])
    if is_at_least(r.least(c, 1), 1):
        yield 1, (Linear() if low else c - 1,)


def _mul(r: Ranges, op: Op, low: bool) -> Iterator[Bound]:
    """Products of numbers that are not known, by the corners of their intervals."""
    (a, b), (c, d) = ((r.least(r.linear(v)), r.most(r.linear(v))) for v in op.operands)
    if None not in (a, b, c, d) and not any(map(is_open, (a, b, c, d))):
        corners = [x * y for x in (a, b) for y in (c, d)]  # type: ignore[operator]
        yield from _number(min(corners) if low else max(corners))
    elif is_at_least(a, 0) and is_at_least(c, 0):
        ends = (a, c) if low else (b, d)
        yield from _number(None if None in ends else ends[0] * ends[1])  # type: ignore[operator]


def _abs(r: Ranges, op: Op, low: bool) -> Iterator[Bound]:
    x = r.linear(op.operands[0])
    if not low:
        yield 1, (x, -x)
        return
    yield from ((1, (x,)), (1, (-x,)), (1, (Linear(),)))


def _and(r: Ranges, op: Op, low: bool) -> Iterator[Bound]:
    """A mask that is not negative: what is under it lies between 0 and the mask."""
    masks = [c for c in map(constant, op.operands) if c is not None and c >= 0]
    if masks:
        yield from _number(0 if low else masks[0])


def _shr(r: Ranges, op: Op, low: bool) -> Iterator[Bound]:
    """A shift to the right divides by a power of 2."""
    x, n = r.linear(op.operands[0]), constant(op.operands[1])
    if n is not None and 0 <= n < 63:
        c = 2 ** n
        yield c, (x - (c - 1) if low else x,)
        number = r.least(x) if low else r.most(x)
        yield from _number(None if number is None else number >> n)


def _arg(r: Ranges, op: Op, low: bool) -> Iterator[Bound]:
    yield 1, (Linear() if low else r.linear(op.operands[0].shape[op.attrs["axis"]]) - 1,)


SCALARS: dict[str, Rule] = {
    "reshape": _same, "minimum": _smaller, "fmin": _smaller, "maximum": _larger, "fmax": _larger, "select": _select,
    "bounded": _bounded, "floordiv": _floordiv, "mod": _mod, "mul": _mul, "abs": _abs, "and": _and, "shr": _shr,
    "argmax": _arg, "argmin": _arg,
}
"""Bounds of an i64 scalar that is the result of the operation."""


# bounds of the elements of arrays -----------------------------------------------------------------------------------
def elements(v: Value, depth: int = 0) -> Interval:
    """Between which numbers all elements of an i64 array lie, as far as its origin tells in a few steps."""
    op = v.op
    while op is not None and OPS[op.name].selects:
        v = op.operands[0]
        op = v.op
    if op is None or v.dtype != I64:
        return None, None
    if op.name == "const":
        a: np.ndarray = op.attrs["value"]
        return (int(a.min()), int(a.max())) if a.size else (None, None)
    if op.name in ELEMENTS:
        return ELEMENTS[op.name](op)
    if op.name not in COMBINED or depth > DEEPEST:
        return None, None
    return COMBINED[op.name](op, [elements(o, depth + 1) for o in op.operands if o.dtype == I64])


def _index(op: Op) -> Interval:
    """An index along an axis of the operand."""
    return 0, _last(op.operands[0].shape[op.attrs["axis"]])


def of_dtype(t: DType) -> Interval:
    """The numbers that a dtype of integers holds, where they are fewer than those of i64."""
    if t.is_bool:
        return 0, 1
    if not t.is_integer or t.itemsize == 8:
        return None, None
    info = np.iinfo(t.np)
    return int(info.min), int(info.max)


def _last(extent: Any) -> int | None:
    return extent - 1 if isinstance(extent, int) else None


ELEMENTS: dict[str, Callable[[Op], Interval]] = {
    "argsort": _index, "argmax": _index, "argmin": _index,
    "iota": lambda op: (0, _last(op.attrs["shape"][op.attrs["axis"]])),
    "cast": lambda op: of_dtype(op.operands[0].dtype),
    "sign": lambda op: (-1, 1),
}
"""Between which numbers the elements of an array of integers lie that is the result of the operation."""
LEAST, MOST = -2**63, 2**63 - 1
"""Between these are all numbers of an i64; what would be beyond them wraps."""
DEEPEST = 12
"""Elements that are computed in more steps may be any numbers."""


def _both(how: Callable[[int, int], int], a: int | None, b: int | None) -> int | None:
    return None if a is None or b is None else how(a, b)


def _nearer(how: Callable[[int, int], int], a: int | None, b: int | None) -> int | None:
    """Of two bounds that both hold the better one."""
    return b if a is None else a if b is None else how(a, b)


def _added(x: Interval, y: Interval) -> Interval:
    """Of sums. An end that is not known is that of all numbers: what may wrap there may be any number."""
    lo, hi = (sum(end if e is None else e for e in ends) for end, ends in
              ((LEAST, (x[0], y[0])), (MOST, (x[1], y[1]))))
    return _unless_it_wraps(lo, hi)


def _unless_it_wraps(lo: int | None, hi: int | None) -> Interval:
    wraps = any(type(n) is int and not LEAST <= n <= MOST for n in (lo, hi))  # (sizes are no such numbers)
    return (None, None) if wraps else (lo, hi)


def _negated(x: Interval) -> Interval:
    return None if x[1] is None else -x[1], None if x[0] is None else -x[0]


def _sum(op: Op, of: list[Interval]) -> Interval:
    (lo, hi), count = of[0], 1
    for k in op.attrs["axes"]:
        n = op.operands[0].shape[k]
        if not isinstance(n, int):
            return None, None
        count = count * n
    if lo is None or hi is None:
        return None, None
    return _unless_it_wraps(min(lo * count, lo, 0), max(hi * count, hi, 0))


def _remainder(op: Op, of: list[Interval]) -> Interval:
    lo, hi = of[1]
    return (0, hi - 1) if is_at_least(lo, 1) and hi is not None else (None, None)


COMBINED: dict[str, Callable[[Op, list[Interval]], Interval]] = {
    "add": lambda op, of: _added(*of), "sub": lambda op, of: _added(of[0], _negated(of[1])),
    "minimum": lambda op, of: (_both(min, of[0][0], of[1][0]), _nearer(min, of[0][1], of[1][1])),
    "maximum": lambda op, of: (_nearer(max, of[0][0], of[1][0]), _both(max, of[0][1], of[1][1])),
    "select": lambda op, of: (_both(min, of[0][0], of[1][0]), _both(max, of[0][1], of[1][1])),
    "scatter": lambda op, of: (_both(min, of[0][0], of[-1][0]), _both(max, of[0][1], of[-1][1])),
    "mod": _remainder, "sum": _sum,
}
"""The same by those of the operands that are i64."""


def interval(v: Value, owners: Mapping[Block, Op]) -> Interval:
    """Between which numbers an i64 scalar lies: `Ranges(owners).interval(v)`, for a single question."""
    return Ranges(owners).interval(v)
