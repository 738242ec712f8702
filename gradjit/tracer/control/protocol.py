"""The part of `_gj` (hooks.py) that stands for control flow in lifted code."""

from __future__ import annotations

import enum
import functools
import itertools
import operator
import sys
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from ...errors import Signal, TraceError
from .. import comparison, operands as o, trees
from ..array import ARRAY, PYTHON, TracedArray, root
from ..calls import call
from ..comparison import is_in_range, line
from ..dispatch import leave
from ..effects import check
from ..grown import is_grown
from ..locations import fail
from ..outside import is_user_class, outside
from ..perhaps import OneOf, Perhaps, Undecided
from ..raising import Acting, Trying, caught, thrown
from ..recorder import current, recorders
from ..special_methods import binary
from ..structures import refuse_identity
from .attempts import TryStatement
from .branches import Branch, raised_in_branch, truth
from .folding import decided, listed, static_length
from .for_loops import ForStatement
from .frames import before_change, is_container
from .may_alias import bind_returned, when_one
from .names import NONE, SITES, Site
from .states import Undefined, by_options, is_chosen, is_none, is_something, same, surely, there
from .while_loops import WhileStatement

Thunk = Callable[[], Any]


class Control:
    """Hooks for statements and expressions that choose a way."""

    __slots__ = ()

    @staticmethod
    def undefined(name: str, harmless: bool = False, is_noted: bool = False) -> Undefined:
        """What a name holds that is not bound."""
        return Undefined(name, harmless=harmless, is_noted=is_noted)

    thrown = staticmethod(thrown)
    trying = staticmethod(Trying)
    acting = staticmethod(Acting)

    @staticmethod
    def attempt(site: str, line: int, kinds: Sequence[Thunk | None], values: tuple[Any, ...]) -> TryStatement:
        return TryStatement(SITES[site], line, kinds, values)

    @staticmethod
    def branch(site: str, test: Any, values: tuple[Any, ...]) -> Branch:
        return Branch(SITES[site], test, values)

    @staticmethod
    def for_loop(site: str, iterable: Any, values: tuple[Any, ...], hints: tuple[Any, ...]) -> ForStatement:
        return ForStatement(SITES[site], iterable, values, hints)

    @staticmethod
    def while_loop(site: str, values: tuple[Any, ...], hints: tuple[Any, ...]) -> WhileStatement:
        return WhileStatement(SITES[site], values, hints)

    @staticmethod
    def either(line: int, test: Any, then: Thunk, other: Thunk) -> Any:
        """`then if test else other`."""
        b = Branch(expression(line), test, (None,))
        if b.is_static:
            return then() if b.test else other()
        value: tuple[Any, ...] = ()
        for begin, thunk in ((b.then, then), (b.otherwise, other)):
            begin()
            with b:
                value = (thunk(),)
                b.leave(value)
        if not value:
            fail(TraceError, f"the expression in line {line} raises an exception whichever way it takes")
        return defined(b.exit(value)[0])

    @classmethod
    def all_of(cls, line: int, first: Any, *rest: Thunk) -> Any:
        """`first and rest[0]() and ...`: Python's value."""
        for k, thunk in enumerate(rest):
            t = truth(first)
            if not isinstance(t, bool):
                return cls.joined(line, "and", first, t, functools.partial(cls.rest_of, cls.all_of, line, rest[k:]))
            if not t:
                return first
            first = thunk()
        return first

    @classmethod
    def any_of(cls, line: int, first: Any, *rest: Thunk) -> Any:
        """`first or rest[0]() or ...`."""
        for k, thunk in enumerate(rest):
            t = truth(first)
            if not isinstance(t, bool):
                return cls.joined(line, "or", first, t, functools.partial(cls.rest_of, cls.any_of, line, rest[k:]))
            if t:
                return first
            first = thunk()
        return first

    @staticmethod
    def rest_of(which: Callable[..., Any], line: int, rest: tuple[Thunk, ...]) -> Any:
        """What comes behind an operand that leaves the answer open."""
        return which(line, rest[0](), *rest[1:])

    @classmethod
    def joined(cls, line: int, op: str, first: Any, test: TracedArray, rest: Thunk) -> Any:
        """The second operand is computed only where the first leaves the answer open."""
        found: list[Any] = []

        def second() -> Any:
            found.append(rest())
            return found[0]

        whole = cls.either(line, test, second, lambda: first) if op == "and" else (
            cls.either(line, test, lambda: surely(first), second))
        if isinstance(first, TracedArray) and first.ir_dtype.is_bool and found and found[0] is (op == "or"):
            return found[0]  # the first decides nothing
        return whole

    @staticmethod
    def true(x: Any) -> Any:
        """The truth of an operand of a test."""
        return truth(x)

    @staticmethod
    def negated(x: Any) -> Any:
        """`not x`."""
        t = truth(x)
        if isinstance(t, bool):
            return not t
        y = o.emit("not", t)
        return root(y.content, y.home, PYTHON)

    @classmethod
    def compared(cls, name: str, a: Any, b: Any) -> Any:
        """`a < b` and its kin, `a is b`."""
        if isinstance(a, Perhaps) or isinstance(b, Perhaps):
            if name in SAME and (a is None or b is None):
                x = b if a is None else a
                return is_none(x) if name in ("is_", "eq") else is_something(x)
            x, y = (a, b) if isinstance(a, Perhaps) else (b, a)
            if name in ("eq", "ne") and not isinstance(y, Perhaps):  # None is equal to nothing else
                equal = cls.all_of(line(), is_something(x), lambda: cls.compared("eq", x.value, y))
                return equal if name == "eq" else cls.negated(equal)
            a, b = (there(x) if name in ORDERED else surely(x) for x in (a, b))
        if isinstance(a, OneOf) or isinstance(b, OneOf):
            if name not in SAME:
                return by_options((a, b), {}, functools.partial(cls.compared, name))
            found = same(a, b, operator.is_ if name in ("is_", "is_not") else functools.partial(cls.compared, "eq"))
            return found if name in ("is_", "eq") else cls.negated(found)
        if name not in ("is_", "is_not"):
            return binary(name, a, b)
        return identical(a, b) if name == "is_" else cls.negated(identical(a, b))

    @classmethod
    def chain(cls, line: int, first: Any, *links: Any) -> Any:
        """`first < b < c`, as links (operator, thunk), each operand computed once."""
        compare, thunk = links[0]
        second = thunk()
        answer = cls.compared(compare, first, second)
        if len(links) == 1:
            return answer
        return cls.all_of(line, answer, lambda: cls.chain(line, second, *links[1:]))

    @staticmethod
    def returned(x: Any) -> Any:
        """The value of a function, whichever of its returns gave it."""
        for leaf in trees.flatten(x)[0] if recorders() else ():
            if isinstance(leaf, TracedArray) and leaf.root.aliases is not None:
                bind_returned(leaf.root)
        return x

    @staticmethod
    def mark() -> int:
        """How many regions are under construction, before a `try`."""
        return recorders()[-1].frame.depth if recorders() else 0

    @staticmethod
    def unwind(mark: int) -> None:
        """A handler has caught something: regions that were open where it was raised are taken back. What is the
        tracer's own complaint, or raised on one side of a traced condition, is no answer of the program."""
        error = sys.exc_info()[1]
        if isinstance(error, Signal):
            raise error
        if not recorders() or error is None:
            return
        r = recorders()[-1]
        if r.frame.depth > mark:
            r.outermost.unanswered = error if isinstance(error, TraceError) else raised_in_branch(error)
        else:
            caught(error)
        unanswered = r.outermost.unanswered
        while r.frame.depth > mark:
            r.frame.abandon()
        r.outermost.unanswered = unanswered

    @staticmethod
    def assert_(test: Thunk, message: Thunk) -> None:
        """`assert test, message`. A traced one is checked at run time, where that is asked for."""
        t = truth(test())
        if isinstance(t, bool):
            if not t:
                said = message()
                raise thrown(AssertionError(*(() if said is None else (said,))))
        else:
            check(t, message)

    @staticmethod
    def made(x: Any) -> Any:
        """A container that the function has just made: a region may change those made inside of it."""
        if recorders():
            recorders()[-1].frame.fresh[id(x)] = x
            outside(current()).made(x)
            for item in x if isinstance(x, (set, dict)) else ():
                watch_key(item)
        return x

    condition = staticmethod(truth)

    @staticmethod
    def listed(line: int, items: Any, whole: Callable[[Any], list[Any]], each: Callable[[Any], list[Any]],
               chooses: bool) -> list[Any]:
        """A list comprehension."""
        if recorders() and (found := listed(line, items, each, chooses)) is not None:
            return found
        return whole(items)

    @staticmethod
    def decided(f: Any, items: Any, whole: Callable[[Any], Any], each: Callable[[Any], list[Any]], _: bool) -> Any:
        """`any(e for x in items)`, or all."""
        if recorders() and (found := decided(f, items, each)) is not None:
            return found
        generator = whole(items)
        del items  # which nobody else has, if nobody else had: Pulled counts
        return call(f, generator)

    @classmethod
    def first(cls, line: int, f: Any, items: Any, whole: Callable[[Any], Any], each: Callable[[Any], list[Any]],
              chooses: bool, *default: Any) -> Any:
        """`next((e for x in items if c), default)`: over a few items a chain of choices, each made where those before
        have not been."""
        n = static_length(items) if f is next and chooses and len(default) <= 1 and recorders() else None
        if n is None:
            return call(f, whole(items), *default)
        remaining = iter(items)

        def choice() -> Any:
            pairs = [pair for x in itertools.islice(remaining, 1) for pair in each(x)]
            if not pairs:
                if default:
                    return default[0]
                raise thrown(StopIteration())
            ((test, make),) = pairs
            t = truth(test)
            return cls.either(line, t, make, choice) if not isinstance(t, bool) else make() if t else choice()

        return choice()

    @staticmethod
    def changing(x: Any) -> Any:
        """A value that `op=` is about to change in place."""
        if is_container(x):
            before_change(x)
        return x

    @staticmethod
    def contains(item: Any, items: Any) -> Any:
        """`item in items`, where something is traced."""
        item, items = surely(item), there(items)
        if is_chosen(item) or isinstance(items, OneOf):
            return by_options((item, items), {}, Control.contains)
        if is_grown(items):
            return comparison.contains(items, item)
        if isinstance(items, TracedArray):
            found = np.any(items == item)
        elif isinstance(items, (list, tuple)) and items and o.is_traced((item, *items)):
            found = functools.reduce(np.logical_or, [np.all(i is item or i == item) for i in items])
        elif type(items) is range and isinstance(item, TracedArray) and not item.ndim:
            found = is_in_range(item, items)
        elif recorders():
            for i in items if isinstance(items, (list, tuple)) else ():
                refuse_identity(item, i)
            return call(operator.contains, items, item)
        else:
            return item in items
        y = o.as_traced(found)
        return leave(root(y.content, y.home, PYTHON))


ORDERED = "lt le gt ge".split()  # Python's names, not operations'
"""Comparisons that None does not take part in."""
SAME = "is_ is_not eq ne".split()
"""Comparisons of which the answer is the same for the same things."""


def watch_key(x: Any) -> None:
    """A member of a set, a key of a dict, an index: which of them are equal, and what number an index is, may depend on
    all that they hold."""
    if isinstance(x, Undecided):
        x.refuse()
    if isinstance(x, (tuple, list, slice)):
        for part in (x.start, x.stop, x.step) if isinstance(x, slice) else x:
            watch_key(part)
    elif is_user_class(type(x)) and not isinstance(x, (enum.Enum, type)):
        outside(current()).watch(x, "a set, a dict or an index")


def identical(a: Any, b: Any) -> Any:
    """`a is b`. Whether two arguments, or an argument and a captured array, are one object, a call decides; which array
    a name stands for behind a branch, a run."""
    if a is not b and recorders() and may_be_one(a) and may_be_one(b):
        fail(TraceError, "whether two arrays or containers that are passed to a compiled function, or captured by it, "
                         "are one object differs from call to call; compare what they hold, or pass a flag")
    if a is not b:
        refuse_identity(a, b)
        if isinstance(a, TracedArray) and isinstance(b, TracedArray) and a.kind == b.kind == ARRAY:
            when = when_one(a, b)
            return when if isinstance(when, bool) else root(when(recorders()[-1]), recorders()[-1], PYTHON)
    return a is b


def may_be_one(x: Any) -> bool:
    """Whether it stands for an object of the caller's."""
    if isinstance(x, TracedArray):
        return x.parent is None and x.origin in ("argument", "captured array") and x.kind == ARRAY
    return outside(current()).is_passed(x)


def expression(line: int) -> Site:
    return Site(line, ("the expression",), 1, NONE, (), None)


def defined(x: Any) -> Any:
    if isinstance(x, Undefined):
        x.fail()
    return x
