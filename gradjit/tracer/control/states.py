"""The types of what loops carry and branches merge: which differences are bridged, which are errors.

Python numbers and NumPy scalars give way to one another as they do in arithmetic (an int to a float, a Python number to
a NumPy scalar); a bool does not become a number, an array neither changes its dtype nor its shape.
"""

from __future__ import annotations

import enum
import functools
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any, NoReturn

import numpy as np

from ...errors import Signal, TraceError
from ...ir import ArrayType, Block, Builder, DType, Value, dtype_of
from ...records import dataclass
from .. import operands as o, structures
from ..array import ARRAY, PYTHON, SCALAR, TracedArray, root
from ..guards import same_value
from ..locations import fail, here
from ..outside import is_data_array
from ..perhaps import OneOf, Perhaps
from ..recorder import current, recorders
from .names import PREFIX, shown


class NeedsFlag(Signal):
    """Whether a name is bound depends on the traced values: the function should be traced again, with a flag."""

    def __init__(self, name: str):
        super().__init__(f"whether {name} is bound depends on traced values")
        self.name = name


class Undefined:
    """What a name holds that is not bound (yet). Reading it is an error."""

    __slots__ = ("name", "why", "harmless", "by_way", "is_noted")

    def __init__(self, name: str, why: str = "", harmless: bool = False, by_way: bool = False, is_noted: bool = False):
        self.name, self.why, self.by_way, self.is_noted = name, why, by_way, is_noted
        self.harmless = harmless or is_noted or name.startswith(PREFIX)
        """Whether the name is read only where it is bound, so that anything may stand for it elsewhere."""
        # by_way: whether it is bound on some ways through the program; is_noted: whether a flag of the program's tells
        # if it is: of such a name what an earlier iteration has bound may be read in a later one

    def read(self) -> Any:
        """What stands there, if anything does."""
        self.fail()

    def fail(self) -> NoReturn:
        if not self.why:
            raise UnboundLocalError(f"cannot access local variable '{self.name}' where it is not associated with a "
                                    f"value")
        if recorders():
            if self.by_way and self.name not in recorders()[-1].outermost.flagged:
                raise NeedsFlag(self.name)
            recorders()[-1].outermost.is_needed = True
        fail(TraceError, f"{shown(self.name)} {self.why}")

    def __repr__(self) -> str:
        return f"<{self.name} is not bound>"


class MaybeBound(Undefined):
    """What a name holds that one side of a branch has bound and the other has not. Reading it is an error at run time,
    where the other side was taken: `check` records that, and tells whether it can."""

    __slots__ = ("value", "check")

    def __init__(self, name: str, why: str, value: Any, check: Callable[[], bool]):
        super().__init__(name, why, by_way=True)
        self.value, self.check = value, check

    def read(self) -> Any:
        if not self.check():
            self.fail()
        return self.value


@dataclass(frozen=True)
class Spec:
    """A numeric leaf: its kind of handle, dtype and shape."""

    kind: str
    dtype: DType
    shape: tuple[Any, ...]

    @property
    def type(self) -> ArrayType:
        return ArrayType(self.dtype, self.shape)

    def __str__(self) -> str:
        what = {ARRAY: "an array", SCALAR: "a NumPy scalar", PYTHON: "a Python number"}.get(self.kind, f"a {self.kind}")
        return f"{self.type} ({what})"


def spec_of(h: TracedArray) -> Spec:
    return Spec(h.kind, h.ir_dtype, h.extents)


def numeric(x: Any) -> TracedArray | None:
    """A leaf as a handle; None for what is no number and no array."""
    if isinstance(x, TracedArray):
        return x
    if type(x) is bool:
        return root(np.asarray(x), None, PYTHON)
    if type(x) is int:
        return o.as_traced(x) if -2 ** 63 <= x < 2 ** 63 else None
    if type(x) in (float, complex):
        return o.as_traced(x)
    if isinstance(x, np.generic):
        return o.as_traced(x) if x.dtype.kind in "biufc" and x.dtype != np.float16 else None
    return o.captured(x) if is_data_array(x) else None


def join(a: Spec, b: Spec) -> Spec | None:
    """The type that both can be given, None where there is none."""
    if a == b:
        return a
    if a.shape != b.shape:
        return None
    kind = a.kind if a.kind == b.kind else SCALAR
    if a.dtype == b.dtype:
        return Spec(kind, a.dtype, a.shape) if not a.shape else None
    if ARRAY in (a.kind, b.kind) or a.dtype.is_bool or b.dtype.is_bool:
        return None
    if a.kind == b.kind == SCALAR:
        if a.dtype.kind == b.dtype.kind:
            return None
        return Spec(kind, dtype_of(np.result_type(a.dtype.np, b.dtype.np)), ())
    if a.kind == b.kind:
        return Spec(kind, max(a.dtype, b.dtype, key=lambda t: "iufc".index(t.kind)), ())
    strong, weak = (a, b) if a.kind == SCALAR else (b, a)
    number: Any = {"i": 0, "u": 0, "f": 0.0, "c": 0j}[weak.dtype.kind]
    return Spec(SCALAR, dtype_of(np.result_type(strong.dtype.np, number)), ())


def converted(h: TracedArray, spec: Spec) -> TracedArray:
    """The handle as one of the given type (a new one, that shares nothing)."""
    y = o.cast(h, spec.dtype)
    return root(y.content, y.home, spec.kind)


def described(x: Any) -> str:
    """A value as error messages show it."""
    if isinstance(x, Undefined):
        return "not bound"
    if isinstance(x, Perhaps):
        return f"None or {described(x.value)}"
    if isinstance(x, OneOf):
        return f"one of {', '.join(map(repr, x.options))}"
    h = numeric(x)
    if h is not None and not (isinstance(x, (bool, int, float)) and not isinstance(x, np.generic)):
        return str(spec_of(h))
    return f"{x!r:.60}" if isinstance(x, (bool, int, float, str, type(None))) else f"a {type(x).__name__}"


def is_same(a: Any, b: Any) -> bool:
    """Whether two leaves that are no arrays are interchangeable."""
    return a is b or same_value(a, b)


# what may be None: questions and uses ---------------------------------------------------------------------------------
def is_none(x: Perhaps) -> Any:
    """`x is None`: a bool where that is known, else a traced one."""
    known = presence(x)
    if known is not None:
        return not known
    y = o.emit("not", o.as_traced(x.is_there))
    current().outermost.told_by[y._content] = x.is_there._content, False, True
    return root(y.content, y.home, PYTHON)


def is_something(x: Perhaps) -> Any:
    """`x is not None`."""
    known = presence(x)
    return x.is_there if known is None else known


def is_there_and(x: Perhaps, test: TracedArray) -> TracedArray:
    """Whether it is there, and something holds of it."""
    y = o.emit("and", o.as_traced(x.is_there), test)
    current().outermost.told_by[y._content] = x.is_there._content, True, None
    return root(y.content, y.home, PYTHON)


def presence(x: Perhaps) -> bool | None:
    """Whether it is there, as far as that is known: the condition is, or a branch is under way that asked for it."""
    flag = x.is_there
    if isinstance(flag, bool):
        return flag
    if flag.known is not None:
        return bool(flag.known)
    frame: Any = current().frame
    while frame is not None:
        if flag._content in frame.present:
            answer: bool = frame.present[flag._content]
            return answer
        frame = frame.parent
    return None


def note_side(frame: Any, test: TracedArray, side: bool) -> None:
    """A side of a branch begins: of what its condition asked it is known whether it is there."""
    value: Any = test._content
    about, if_true, if_false = current().outermost.told_by.get(value, (value, True, False))
    answer = if_true if side else if_false
    if answer is not None:
        frame.present[about] = answer


def there(x: Any, error: str = "TypeError", message: str = "") -> Any:
    """What a use of x gets: the value of what may be None, with the error that Python has for None where it is."""
    if not isinstance(x, Perhaps):
        return x
    known = presence(x)
    if known is not None:
        return x.value if known else None
    missing, r = Block(), current()
    if any(t.catches(ERRORS[error]()) for t in r.outermost.trying):
        x.refuse()
    message = message or "None is used as a value"
    Builder(missing, here()).emit("raise", error=error, message=message.replace("{", "{{"))
    builder = r.builder
    builder.loc = here()
    flag = x.is_there.value
    builder.append("if", (flag,), {}, (Block(), missing), [])
    return x.value


ERRORS: dict[str, type[Exception]] = {"TypeError": TypeError, "AttributeError": AttributeError}


def needed(x: Any) -> Any:
    """An argument of a function that has a TypeError for None."""
    return there(x, message="a number is needed, not NoneType")


def surely(x: Any) -> Any:
    """The same for what takes None, too, and does something else with it: it must be known whether it is there."""
    if not isinstance(x, Perhaps):
        return x
    known = presence(x)
    if known is None:
        x.refuse()
    return x.value if known else None


# one of several strings, or members of an enumeration: questions and uses ---------------------------------------------
MOST = 32
"""So many options one value has at most: a use is compiled for each."""


def is_option(x: Any) -> bool:
    """Whether it is something that can be numbered: what never changes, and is equal to no number."""
    return type(x) is str or (isinstance(x, enum.Enum) and not isinstance(x, (int, float)))


def are_labels(strings: Sequence[str]) -> bool:
    """Whether the same few strings come again and again, so that a loop over them may have a branch for each."""
    letters = all(len(x) == 1 for x in strings)
    return len(set(strings)) <= min(MOST, len(strings) - 1 if letters else len(strings) // 2)


def options_of(x: Any) -> tuple[Any, ...] | None:
    """What it may be; None for what is no option."""
    return x.options if isinstance(x, OneOf) else (x,) if is_option(x) else None


def number_of(x: Any) -> int:
    """The number of an option in the program."""
    known: dict[Any, int] = current().outermost.options
    return known.setdefault((type(x), x), len(known))


def union(*several: tuple[Any, ...] | None) -> tuple[Any, ...] | None:
    """All of the options, each once; None where something is no option, or they are too many."""
    found: dict[Any, Any] = {}
    for options in several:
        if options is None:
            return None
        found.update(((type(x), x), x) for x in options)
    return tuple(found.values()) if len(found) <= MOST else None


def as_one_of(x: Any, options: tuple[Any, ...], why: str) -> OneOf:
    """An option, or one of some, as one of more."""
    number = x.number if isinstance(x, OneOf) else root(np.asarray(number_of(x)), None, PYTHON)
    return OneOf(number, options, why)


def fitting(tree: structures.Structure, found: structures.Structure, leaves: Iterator[Any]) -> list[Any] | None:
    """The parts of something that is put together as others are, but that a string or member of an enumeration may be
    fewer of them, or is one; None for anything else."""
    options = tree.kind[1] if tree.type is OneOf else ()
    if found.is_leaf():
        x = next(leaves)
        if tree.is_leaf():
            return [x]
        return [as_one_of(x, options, "").number] if any(is_same(x, option) for option in options) else None
    if found.type is OneOf and options:
        return [next(leaves)] if set(found.kind[1]) <= set(options) else None
    if found.kind != tree.kind or len(found.children) != len(tree.children):
        return None
    parts = [fitting(t, f, leaves) for t, f in zip(tree.children, found.children, strict=True)]
    return [leaf for part in parts for leaf in part or ()] if None not in parts else None


def fitted(tree: structures.Structure, x: Any) -> list[Any] | None:
    """The parts of x by the structure of others; None where it has another one."""
    if isinstance(x, TracedArray):
        return [x] if tree.is_leaf() else None
    leaves, found = structures.flatten(x)
    return leaves if found == tree else fitting(tree, found, iter(leaves))


def option_at(items: Iterable[Any], place: TracedArray, why: str) -> OneOf | None:
    """An item of a list of options at a traced place."""
    items = list(items)
    options = union(*map(options_of, items))
    if options is None:
        return None
    numbers = [o.as_traced(x.number if isinstance(x, OneOf) else number_of(x)) for x in items]
    from ..subscripts import getitem
    found = getitem(o.stack_nested(numbers), place)
    return OneOf(root(found.content, found.home, PYTHON), options, why)


def as_letters(x: OneOf, letters: Callable[[Any], str]) -> OneOf:
    """One of the texts of the options."""
    texts = [letters(option) for option in x.options]
    places = place_of(x)
    found = option_at(texts, places, x.why)
    assert found is not None
    return found


def place_of(x: OneOf) -> TracedArray:
    """Its place among its options."""
    numbers = [number_of(option) for option in x.options]
    table = np.zeros(max(numbers) + 1, np.int64)
    table[numbers] = np.arange(len(numbers))
    from ..subscripts import getitem
    return getitem(o.as_traced(table), o.as_traced(x.number))


def is_any(x: OneOf, fits: Callable[[Any], Any]) -> Any:
    """Whether it is one of the options that fit: a bool where all do that it may be here, or none."""
    options = possible(x)
    fitting = [option for option in options if fits(option)]
    if len(fitting) in (0, len(options)):
        return bool(fitting)
    tests = [o.as_traced(o.as_traced(x.number) == number_of(option)) for option in fitting]
    either: Any = np.logical_or
    found = o.as_traced(functools.reduce(either, tests))
    value: Any = found._content
    if isinstance(value, Value):
        rest = tuple(option for option in options if not is_among(option, fitting))
        current().outermost.told_by[value] = x.number._content, tuple(fitting), rest
    return root(found.content, found.home, PYTHON)


def possible(x: OneOf) -> tuple[Any, ...]:
    """The options that are left here: a branch that is under way may have asked for some."""
    options = x.options
    frame: Any = current().frame
    while frame is not None and isinstance(x.number._content, Value):
        left = frame.present.get(x.number._content)
        if left is not None:
            options = tuple(option for option in options if is_among(option, left))
        frame = frame.parent
    return options


def is_among(option: Any, options: Iterable[Any]) -> bool:
    return any(type(option) is type(other) and option == other for other in options)


def same(a: Any, b: Any, by: Callable[[Any, Any], Any]) -> Any:
    """`a == b` or `a is b`, where one of them, or both, are chosen."""
    if not isinstance(a, OneOf):
        a, b = b, a
    if not isinstance(b, OneOf):
        return is_any(a, lambda option: by(option, b))
    if all(type(option) is str for option in (*a.options, *b.options)):
        equal = o.as_traced(o.as_traced(a.number) == b.number)
        return root(equal.content, equal.home, PYTHON)
    return by_option(a, lambda option: same(option, b, by))


def by_option(x: Any, use: Callable[[Any], Any]) -> Any:
    """`use(x)`: where x, or a part of a tuple, is chosen, of each option, under the condition that it is the one."""
    if type(x) is tuple and is_chosen(x):
        return by_options(x, {}, lambda *parts: use(parts))
    if not isinstance(x, OneOf):
        return use(x)
    from ..comparison import line
    from .protocol import Control

    def from_here(k: int) -> Any:
        if k == len(x.options) - 1:
            return use(x.options[k])
        is_this = is_any(OneOf(x.number, x.options[k:], x.why), lambda option: option is x.options[k])
        return Control.either(line(), is_this, lambda: use(x.options[k]), lambda: from_here(k + 1))

    return from_here(0)


def is_chosen(x: Any) -> bool:
    """Whether it is one of several options, or a tuple of such."""
    return isinstance(x, OneOf) or (type(x) is tuple and any(map(is_chosen, x)))


def by_options(args: tuple[Any, ...], kwargs: dict[str, Any], use: Callable[..., Any]) -> Any:
    """The same of all arguments of a call that are chosen."""
    for k, a in enumerate(args):
        if is_chosen(a):
            return by_option(a, functools.partial(_in_place, args, kwargs, use, k))
    for name, a in kwargs.items():
        if is_chosen(a):
            return by_option(a, functools.partial(_by_name, args, kwargs, use, name))
    return use(*args, **kwargs)


def _in_place(args: tuple[Any, ...], kwargs: dict[str, Any], use: Callable[..., Any], k: int, option: Any) -> Any:
    return by_options((*args[:k], option, *args[k + 1:]), kwargs, use)


def _by_name(args: tuple[Any, ...], kwargs: dict[str, Any], use: Callable[..., Any], name: str, option: Any) -> Any:
    return by_options(args, {**kwargs, name: option}, use)
