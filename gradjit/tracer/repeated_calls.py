"""Calls that repeat an earlier one: what is computed twice is computed once.

    def det(a): return a[0, 0] if len(a) == 1 else sum((-1) ** j * a[0, j] * det(minor(a, j)) for j in range(len(a)))

A call of a function of the user's gives what an earlier call gave if it is the same function, and whatever it may read
is equal: arguments, closure cells, global names, and those of all functions that it names. So a recursion over the
subsets of n things is 2^n calls, and no longer n!.

What must hold, or nothing is remembered: the texts do nothing but compute (purity.py); what they name are numbers,
arrays, lists and dicts of such, other such functions, and functions of NumPy, `math` and builtins that compute; nothing
from outside of the call was written to while it ran. Arrays are equal if their elements are (value_numbers.py), at the
time of the call: one that was written to between two calls is another. Each call gives arrays, lists and dicts of its
own, as Python does.

A call is remembered in the region that it was made in, where its values are in scope.
"""

from __future__ import annotations

import types
from collections.abc import Callable, Hashable, Mapping
from dataclasses import field
from typing import Any

import numpy as np

from ..errors import GradjitError
from ..ir import OPS, can_fail
from ..ir.core import Block, walk
from ..records import dataclass
from .array import ARRAY, TracedArray, root
from .calls import intercept, run_user
from .control.frames import Frame
from .foreign import Foreign, foreignness, note
from .grown import is_grown
from .guards import is_plain
from .lift import HOOKS, is_product, reads_of
from .numpy import RULES, refused
from .operands import laid, own
from .purity import Chain
from .recognised import DISPATCHER, is_liftable
from .recorder import Recorder
from .structures import made
from .value_numbers import FEW, ValueNumbers, is_hashable
from .views import Maybe

MOST_PARTS = 256
"""Objects among what a call may read: of more, nothing is remembered."""
FIRST = 2
"""The call of a function from which on its calls are remembered."""
EFFECTS: frozenset[Any] = frozenset({print, input, open, setattr, object.__setattr__, str, repr, format})
"""Functions that the tracer has rules for, and that do something, or make texts."""
BUILTINS: frozenset[Any] = frozenset({abs, dict, list, slice, tuple})
"""Functions without a rule that only compute."""
OF_UFUNCS = frozenset({"reduce", "accumulate", "outer"})
ATTRIBUTES = (int, float, complex, str, tuple, list, dict, np.generic, np.ndarray, TracedArray)
"""Of these the attributes are part of them."""


class Unknown(Exception):
    """Something that a call may read, and of which it is not known when it is the same."""


class RepeatedCalls:
    """The calls in one recorder."""

    def __init__(self, recorder: Recorder):
        self.recorder = recorder
        self.numbers = ValueNumbers()
        self.counts: dict[types.CodeType, int] = {}

    def run(self, f: types.FunctionType, lifted: types.FunctionType, args: tuple[Any, ...], kwargs: dict[str, Any],
            plain: Callable[[], Any]) -> Any:
        """What `plain()` gives, the call of the function."""
        if not self.is_watched(lifted):
            return plain()
        before = self.look(f, args, kwargs)
        if before is None:
            return plain()
        frame: Frame | None = self.recorder.frame
        while frame is not None:
            if (found := frame.calls.get(before.key)) is not None:
                return found.result()
            frame = frame.parent
        return self.remembered(f, args, kwargs, plain, before)

    def is_watched(self, lifted: types.FunctionType) -> bool:
        code = lifted.__code__
        if reads_of(code) is None:
            return False
        count = self.counts[code] = self.counts.get(code, 0) + 1
        return count >= FIRST and not self.recorder.asking and not self.recorder.outermost.trying

    def look(self, f: types.FunctionType, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Look | None:
        look = Look(self.recorder, self.numbers)
        try:
            look.key = look.function(f), look.value(args), look.value(kwargs)
            hash(look.key)
        except (Unknown, GradjitError, TypeError):
            return None
        return look

    def remembered(self, f: types.FunctionType, args: tuple[Any, ...], kwargs: dict[str, Any],
                   plain: Callable[[], Any], before: Look) -> Any:
        frame = self.recorder.frame
        start = len(frame.block.ops)
        result = plain()
        done = Block()
        done.ops = frame.block.ops[start:]
        if any(OPS[op.name].effect and not can_fail(op) for op in walk(done)):
            return result
        after = self.look(f, args, kwargs)
        if after is not None and before.is_unchanged(after):
            try:
                frame.calls[after.key] = Recorded(Remaking(after).of(result), after)
            except Unknown:
                pass
        return result


@dataclass(eq=False)
class Recorded:
    """What a call has given. `read`: what it may have read, which the key names by identity."""

    result: Callable[[], Any]
    read: Look


class Look:
    """A look at all that a call may read: its key is equal where that is."""

    def __init__(self, recorder: Recorder, numbers: ValueNumbers):
        self.recorder, self.numbers = recorder, numbers
        self.key: Hashable = ()
        self.functions: dict[int, int] = {}
        self.arrays: dict[int, tuple[TracedArray, int]] = {}
        """Handles of arrays that own elements, with their versions; by id."""
        self.containers: dict[int, tuple[Any, list[int]]] = {}
        """With the identities of what they hold."""
        self.names: dict[int, int] = {}
        self.kept: list[Any] = []
        self.count = 0

    def is_unchanged(self, after: Look) -> bool:
        """Whether nothing was written to in between. (An array that was read for the first time has no version.)"""
        return all(after.arrays[k][1] == (self.arrays[k][1] if k in self.arrays else 0) for k in after.arrays) and (
            self.arrays.keys() <= after.arrays.keys() and self.containers.keys() == after.containers.keys()
            and all(after.containers[k][1] == ids for k, (_, ids) in self.containers.items()))

    # values ---------------------------------------------------------------------------------------------------------
    def value(self, x: Any) -> Any:
        """Equal for what the function cannot tell apart."""
        self.count += 1
        if self.count > MOST_PARTS:
            raise Unknown
        kind = type(x)
        if isinstance(x, TracedArray):
            return self.handle(x)
        if kind in CONTENTS:
            return kind, *CONTENTS[kind](self, x)
        if kind is types.FunctionType and is_liftable(x):
            return self.function(x)
        if kind is np.ndarray:
            return self.captured(x)
        if is_plain(x) and not isinstance(x, tuple):
            return kind, number(x)
        if computes(x):
            return x
        raise Unknown

    def list_(self, x: list[Any]) -> list[Hashable]:
        if is_grown(x):
            raise Unknown
        return [self.named(x), *self.items(x)]

    def dict_(self, x: dict[Any, Any]) -> list[Hashable]:
        return [self.named(x), *(self.value(k) for k in x), *self.items(x.values())]

    def named(self, x: Any) -> int:
        """The place at which an object turned up first: whether two names are one object can be asked."""
        self.kept.append(x)
        if isinstance(x, list | dict):
            self.containers[id(x)] = x, list(map(id, x.values() if isinstance(x, dict) else x))
        return self.names.setdefault(id(x), len(self.names))

    def items(self, x: Any) -> list[Hashable]:
        return [self.value(item) for item in x]

    # arrays ---------------------------------------------------------------------------------------------------------
    def handle(self, x: TracedArray) -> Hashable:
        base = x.root
        if base.aliases is not None or base.same_arrays or x.origin not in ("", "argument", "captured array"):
            raise Unknown
        if x.kind == ARRAY:
            above: TracedArray | None = x
            while above is not None:
                if isinstance(above._view, Maybe):
                    raise Unknown
                above = above.parent
            names = self.named(base), self.named(x)
        else:
            names = (0, 0)
        content = x.content
        if x.kind == ARRAY:
            self.arrays[id(base)] = base, base.version
        return x.kind, self.content(x, content), x.strides_in_elements, foreignness(x), base.origin, names

    def content(self, x: TracedArray, content: Any) -> Hashable:
        if not isinstance(content, np.ndarray):
            assert x.home is not None
            return self.numbers.of(self.recorder.adopt(content, x.home))
        if content.size <= FEW:
            return content.dtype, content.shape, content.tobytes()
        self.kept.append(content)
        return id(content), content.dtype, content.shape, content.strides

    def captured(self, array: np.ndarray) -> Hashable:
        """An array from outside; as long as nobody has read it, itself."""
        self.kept.append(array)
        found = [c.handle for c in self.recorder.outermost.captured.values() if (
            c.array is array and c.handle is not None)]
        if self.recorder.outer is not None:
            found = list(map(own, found))
        return id(array), *map(self.handle, found)

    # functions ------------------------------------------------------------------------------------------------------
    def function(self, f: types.FunctionType) -> Hashable:
        """A function of the user's, with all that it names. One that the function under trace has made itself is equal
        to another of the same text with equal cells."""
        if id(f) in self.functions:  # it names itself, or is named twice
            return "function", self.functions[id(f)]
        self.functions[id(f)] = len(self.functions)
        self.kept.append(f)
        lifted = run_user(f)
        reads = reads_of(lifted.__code__)
        if reads is None or f.__dict__:
            raise Unknown
        given = [*(f.__defaults__ or ()), *(f.__kwdefaults__ or {}).values()]
        if any(isinstance(d, list | dict) for d in given):
            raise Unknown
        names = [self.read(lifted, chain) for chain in sorted(reads)]
        return f.__code__ if is_product(f.__code__) else f, *self.items(given), *names

    def read(self, lifted: types.FunctionType, chain: Chain) -> Hashable:
        """What a name and its attributes stand for."""
        found, behind = named_in(lifted, chain[0]), chain[1:]
        while behind and isinstance(found, types.ModuleType):
            found, behind = found.__dict__.get(behind[0]), behind[1:]
        if behind and not (isinstance(found, ATTRIBUTES) or (isinstance(found, np.ufunc) and behind[0] in OF_UFUNCS)):
            raise Unknown
        return self.value(found)


CONTENTS: Mapping[type, Callable[[Look, Any], list[Hashable]]] = {
    tuple: Look.items, list: Look.list_, dict: Look.dict_,
    slice: lambda look, x: look.items((x.start, x.stop, x.step)),
}
"""What is equal if its parts are."""


def number(x: Any) -> Hashable:
    """A plain value, so that 0.0 and -0.0 differ."""
    return np.asarray(x).tobytes() if isinstance(x, float | complex | np.generic) else x


def named_in(lifted: types.FunctionType, name: str) -> Any:
    """What a name stands for in a lifted function, or one that is nested in such."""
    cells = dict(zip(lifted.__code__.co_freevars, lifted.__closure__ or (), strict=True))
    if name in cells:
        return in_cell(cells[name])
    if HOOKS not in cells:
        raise Unknown
    hooks: Any = in_cell(cells[HOOKS])
    if name in hooks.cells:
        return in_cell(hooks.cells[name])
    return hooks.namespace.get(name, hooks.builtins.get(name, Unknown))


def in_cell(cell: types.CellType) -> Any:
    try:
        return cell.cell_contents
    except ValueError:  # the name is not bound yet
        raise Unknown from None


def computes(x: Any) -> bool:
    """Whether it is a function (or class) of NumPy's, Python's or `math`'s whose result depends on nothing but its
    arguments. What is written to those is noticed."""
    if isinstance(x, np.ufunc) or x is None:
        return True
    if isinstance(x, type) and issubclass(x, Exception):
        return x.__module__ in ("builtins", "numpy.linalg")
    if not isinstance(x, type | types.FunctionType | types.BuiltinFunctionType | DISPATCHER) or not is_hashable(x):
        return False  # (objects of the user's are not asked for a hash, nor bound methods, which ask these)
    return x in BUILTINS or (x in RULES and x not in refused.RULES) or (intercept(x) is not None and x not in EFFECTS)


class Remaking:
    """How the result of a call is made again."""

    def __init__(self, read: Look):
        self.read = read
        self.arrays: dict[int, TracedArray] = {}
        self.containers: dict[int, Any] = {}

    def of(self, x: Any) -> Callable[[], Any]:
        if isinstance(x, TracedArray):
            return self.array(x) if x.kind == ARRAY else Remade(x.content, x.home, x.kind)
        if type(x) in (list, dict):
            return self.container(x)
        if type(x) is tuple:
            parts = list(map(self.of, x))
            return lambda: tuple(p() for p in parts)
        if not is_plain(x):
            raise Unknown
        return lambda: x

    def array(self, x: TracedArray) -> Remade:
        base = x.root
        if id(base) in self.arrays or id(base) in self.read.arrays or base.aliases is not None or base.same_arrays or (
                x.origin or base.origin or isinstance(x._view, Maybe)):
            raise Unknown
        self.arrays[id(base)] = base
        return Remade(x.content, x.home, ARRAY, x.strides_in_elements, foreignness(x))

    def container(self, x: Any) -> Callable[[], Any]:
        if id(x) in self.containers or id(x) in self.read.containers or is_grown(x):
            raise Unknown
        self.containers[id(x)] = x
        if isinstance(x, list):
            items = list(map(self.of, x))
            return lambda: made([i() for i in items])
        values = {k: self.of(v) for k, v in x.items()}
        if not all(map(is_plain, values)):
            raise Unknown
        return lambda: made({k: v() for k, v in values.items()})


@dataclass(eq=False)
class Remade:
    """Makes a handle of its own of a value."""

    content: Any
    home: Any
    kind: str
    strides: Any = ()
    foreign: frozenset[Foreign] = field(default_factory=frozenset)

    def __call__(self) -> TracedArray:
        h = root(self.content, self.home, self.kind)
        if self.kind == ARRAY:
            laid(h, self.strides)
            note(h, self.foreign)
        return h
