"""Special methods of the user's own classes, where Python or a builtin would call them by itself.

`x * s`, `len(s)`, `for v in s`, `with s`: the method is lifted and called as the protocol of the language says, so that
what it reads is seen. Operands of other types are left to Python.
"""

from __future__ import annotations

import contextlib
import functools
import itertools
import math
import operator
import types
from collections import UserList, deque
from collections.abc import Callable, Iterable, Iterator
from typing import Any

import numpy as np

from ..errors import GradjitError, Signal
from ..probe import is_of_package
from . import grown, libraries, sparse
from .array import PYTHON, SCALAR, TracedArray
from .attributes import read, special
from .calls import as_user, call
from .comparison import by_parts, is_usual, parts_of
from .control.states import by_options, there
from .foreign import look_at_elements
from .grown import is_grown
from .guards import ABSENT, lookup
from .opaque import among, watched
from .outside import outside
from .overrides import entered
from .parts import CONTAINERS, HEAP_TYPE, is_iterator, items_within
from .perhaps import OneOf, Perhaps
from .raising import Managed, is_refusal
from .recognised import is_liftable
from .recorder import current, recorders
from .structures import made, refuse_identity
from .ufuncs import not_defined

BINARY: dict[str, tuple[str, str, Callable[[Any, Any], Any]]] = {
    name.strip("_"): (f"__{name.strip('_')}__", f"__r{name.strip('_')}__", getattr(operator, name))
    for name in ("add", "sub", "mul", "truediv", "floordiv", "mod", "pow", "matmul", "and_", "or_", "xor", "lshift",
                 "rshift")
} | {
    name: (f"__{name}__", f"__{other}__", getattr(operator, name))
    for name, other in (("lt", "gt"), ("le", "ge"), ("gt", "lt"), ("ge", "le"), ("eq", "eq"), ("ne", "ne"))
}
"""By its name in `operator`: the method of the left operand, that of the right one, and Python's own function."""
OF_PYTHON = frozenset({int, float, bool, complex})
"""Python's own numbers, of which plain Python has many."""
COMPARING = frozenset({"lt", "le", "gt", "ge", "eq", "ne"})
UNARY: dict[str, Callable[[Any], Any]] = {"neg": operator.neg, "pos": operator.pos, "invert": operator.invert}

OF_BUILTINS: dict[Any, tuple[str, ...]] = {
    len: ("__len__",), float: ("__float__", "__index__"), int: ("__int__", "__index__"),
    complex: ("__complex__", "__float__", "__index__"), bool: ("__bool__", "__len__"), abs: ("__abs__",),
    round: ("__round__",), next: ("__next__",), reversed: ("__reversed__",), hash: ("__hash__",), repr: ("__repr__",),
    str: ("__str__", "__repr__"), format: ("__format__",), divmod: ("__divmod__",), operator.index: ("__index__",),
    operator.neg: ("__neg__",), operator.getitem: ("__getitem__",), operator.contains: ("__contains__",),
    math.floor: ("__floor__",), math.ceil: ("__ceil__",), math.trunc: ("__trunc__",), bytes: ("__bytes__",),
    dir: ("__dir__",), operator.length_hint: ("__len__", "__length_hint__"),
}
"""Builtins by the methods of their first argument that they ask, the first one that there is."""
OPERATORS = {function: name for name, (_, _, function) in BINARY.items()}
ITERATING = frozenset({
    list, tuple, set, frozenset, sum, zip, enumerate, map, filter, sorted, min, max, any, all, iter, deque, dict,
    functools.reduce, itertools.chain, itertools.product, itertools.accumulate, itertools.islice, itertools.repeat,
    itertools.cycle, itertools.starmap, itertools.zip_longest, math.fsum, math.prod, dict.fromkeys,
    itertools.chain.from_iterable,
})
"""Builtins that iterate over their arguments."""


def of_builtin(f: Any, args: tuple[Any, ...]) -> Any:
    """The call that the builtin `f` makes of a method of its first argument, as a thunk; None if it makes none."""
    names = OF_BUILTINS[f] if among(f, OF_BUILTINS) else ()
    args = (*args, "") if f is format and len(args) == 1 else args
    for name in names if args else ():
        if (method := special(args[0], name)) is not None:
            return functools.partial(call, method, *args)
        if lookup(type(args[0]), name) is not ABSENT and name not in ("__repr__", "__str__", "__hash__"):
            return None
    if among(f, OPERATORS) and len(args) == 2:
        return functools.partial(binary, OPERATORS[f], *args)
    return None


def binary(name: str, a: Any, b: Any) -> Any:
    """`a op b`."""
    if type(a) in OF_PYTHON and type(b) in OF_PYTHON:  # nothing is asked of the program's, nor watched
        return BINARY[name][2](a, b)
    if isinstance(a, Perhaps) or isinstance(b, Perhaps):
        a, b = (there(x, message=f"unsupported operand type for {name}: 'NoneType'") for x in (a, b))
    if isinstance(a, OneOf) or isinstance(b, OneOf):
        if name in ("eq", "ne"):
            from .control.protocol import Control
            return Control.compared(name, a, b)
        return by_options((a, b), {}, functools.partial(binary, name))
    forward, reflected, function = BINARY[name]
    left, right = special(a, forward), special(b, reflected)
    if name == "ne" and left is None and right is None and asks_equality(a, b):
        from .control.protocol import Control
        return Control.negated(binary("eq", a, b))
    if name in COMPARING and (is_grown(a) or is_grown(b)) and left is None and right is None:
        from .comparison import compared
        if (found := compared(name, a, b)) is not NotImplemented:
            return found
    if name in COMPARING and (left is None or is_usual(left)):
        parts = parts_of(a, b) if recorders() else None
        if parts is not None:
            return by_parts(name, *parts)
    if left is None and right is None:
        if is_grown(a) or is_grown(b):
            return of_lists(name, a, b)
        if name == "mod" and isinstance(a, (str, bytes)) and recorders():
            outside(current()).watch(b, "a format")
            from .texts import holds, percent
            if isinstance(a, str) and holds([b]):
                return percent(a, b)
        if name in ("eq", "ne"):
            refuse_identity(a, b)
        a, b = places_known(a, b)
        same = [(x, "__eq__") for x in (a, b)] if name == "ne" else []  # which `!=` asks
        look_behind("an operator", (a, forward), (b, reflected), *same)
        result = operated(function, a, b)
        return made(result) if recorders() and isinstance(result, NEW) and result is not a else result
    theirs: list[tuple[Any, Any, Any]] = [(lookup(type(a), forward), a, b), (lookup(type(b), reflected), b, a)]
    if type(a) is not type(b) and issubclass(type(b), class_of(a)):
        theirs.reverse()
    elif type(a) is type(b) and name not in ("lt", "le", "gt", "ge", "eq", "ne"):
        del theirs[1]
    for method, x, y in theirs:
        if method is ABSENT or method is None:
            continue
        result = call(method, x, y) if is_liftable(method) else method(x, y)
        if result is not NotImplemented:
            return result
    if name in ("eq", "ne"):
        return (a is b) == (name == "eq")
    raise TypeError(f"unsupported operand type(s) for {forward.strip('_')}: '{type(a).__name__}' and "
                    f"'{type(b).__name__}'")


def places_known(a: Any, b: Any) -> tuple[Any, Any]:
    """The operands; a sparse matrix that SciPy has made inside, or a polynomial, beside a traced one, as what stands
    for it."""
    if not recorders() or not (is_known(a) or is_known(b)):
        return a, b
    if not any(isinstance(x, TracedArray) or hasattr(type(x), "stands_for") for x in (a, b)):
        return a, b
    left, right = (sparse.with_places(x) if sparse.is_sparse(x) else libraries.rules("numpy")[libraries.OF_KNOWN](x)
                   if isinstance(x, np.poly1d) else x for x in (a, b))
    return left, right


def is_known(x: Any) -> bool:
    return isinstance(x, np.poly1d) or sparse.is_sparse(x)


def asks_equality(a: Any, b: Any) -> bool:
    """Whether `a != b` is Python's own, which asks an `__eq__` of the user's."""
    arrays = (TracedArray, np.ndarray)
    return not isinstance(a, arrays) and not isinstance(b, arrays) and any(
        lookup(type(x), "__ne__") is object.__ne__ and special(x, "__eq__") is not None for x in (a, b))


def class_of(x: Any) -> type:
    """The class of x, or of what it stands for."""
    from .builtin_functions import stand_in
    return stand_in(x) if isinstance(x, TracedArray) else type(x)


NEW = (list, dict, set, deque)
"""What operators make anew, as that or as a kind of it: `[0.0] * n`, `a + b`, `d | e`."""


def of_lists(name: str, a: Any, b: Any) -> Any:
    """`a op b` where one is a list that a compiled loop has made longer."""
    if name == "add" and type(a) is type(b) is list:
        found = grown.copied([*a, *b])
        grown.join_tails(found)
        return found
    if isinstance(a, TracedArray) or isinstance(b, TracedArray):
        number = a if isinstance(a, TracedArray) else b
        if number.kind == PYTHON or (number.kind == SCALAR and name == "mul"):
            return BINARY[name][2](a, b)  # as beside any other list: it is repeated, or that is an error
        a, b = (grown.as_array(x) if is_grown(x) else x for x in (a, b))
    return BINARY[name][2](*grown.arguments(BINARY[name][2], (a, b)))


def in_place(name: str, a: Any, b: Any) -> Any:
    """`a op= b`, with the name of the function in `operator`."""
    if type(a) in OF_PYTHON and type(b) in OF_PYTHON:
        return BINARY[name[1:]][2](a, b)
    method = special(a, f"__{name}__")
    if method is not None:
        result = call(method, a, b)
        if result is not NotImplemented:
            return result
    plain = name[1:]
    forward, reflected, _ = BINARY[plain]
    if method is not None or (lookup(type(a), f"__{name}__") is ABSENT
                              and (special(a, forward) or special(b, reflected))):
        return binary(plain, a, b)
    if special(b, reflected) is not None:
        result = operated(lookup(type(a), f"__{name}__"), a, b) if isinstance(a, TracedArray) else NotImplemented
        return binary(plain, a, b) if result is NotImplemented else result
    look_behind("an operator", (a, f"__{name}__"), (a, forward), (b, reflected))
    return operated(getattr(operator, name), a, b)


def look_behind(what: str, *asked: tuple[Any, str]) -> None:
    """What methods may look at that are called as they are is watched: those of a library's objects, and those that C
    code calls of the items of containers. asked: operands, each with the name of a method that may be called."""
    if not recorders():
        return
    world = outside(current())
    objects = [x for x, _ in asked if type(x) not in PLAIN]
    if any(is_answered(type(x), name) for x, name in asked if not isinstance(x, CONTAINERS)):
        for x in objects:
            if not isinstance(x, (TracedArray, *CONTAINERS)):
                world.watch(x, what)
    names = {name for _, name in asked}
    for x in objects:
        if isinstance(x, CONTAINERS) and not isinstance(x, (np.ndarray, memoryview)):
            for item in items_within(x):
                if any(is_answered(type(item), name) for name in names):
                    world.watch(item, what)


def is_answered(cls: type, name: str) -> bool:
    """Whether a method of a class is written in Python, or is C code that looks at attributes."""
    if cls is types.SimpleNamespace:
        return True
    return bool(cls.__flags__ & HEAP_TYPE) and cls is not TracedArray and isinstance(
        lookup(cls, name), types.FunctionType)


def operated(function: Any, a: Any, b: Any) -> Any:
    """What an operator gives; what it has against a traced value names the type that this stands for."""
    if recorders():
        look_at_elements(a)
        look_at_elements(b)
        a, b = entered((a, b))
    try:
        return function(a, b)
    except TypeError as e:
        if TracedArray.__name__ not in str(e) or isinstance(e, GradjitError):
            raise
        not_defined(e, a, b)


def unary(name: str, a: Any) -> Any:
    """`-a`, `+a`, `~a`."""
    a = there(a)
    method = special(a, f"__{name}__")
    look_behind("an operator", (a, f"__{name}__"))
    return UNARY[name](a) if method is None else call(method, a)


def truth_value(x: Any) -> Any:
    """What decides about the truth of x: the answer of its `__bool__` or `__len__`, or x itself."""
    for name in ("__bool__", "__len__"):
        if (method := special(x, name)) is not None:
            return call(method, x)
        if lookup(type(x), name) is not ABSENT:
            look_behind("a condition", (x, name))
            break
    return x


def iterated(x: Any) -> Any:
    """What is to be iterated over for x: what its own `__iter__` gives, or its items by `__getitem__`; else x, whose
    items are then watched. An iterator from outside is refused."""
    x = unwrapped(there(x, message="'NoneType' object is not iterable"))
    if is_grown(x):
        return grown.expanded(x, "running over the items")
    if not recorders() or type(x) in PLAIN:
        return x
    frame = recorders()[-1].frame
    if is_iterator(x) and frame.logs_containers and outside(current()).is_fresh(x) and not frame.is_fresh(x):
        frame.refuse("something runs over an iterator that was made outside")
    if is_of_package(type(x), "gradjit"):
        return x
    outside(current()).require_known(x)
    if (method := special(x, "__iter__")) is not None:
        found = call(method, x)
        return made(steps(found)) if special(found, "__next__") is not None else iterated(found)
    if lookup(type(x), "__iter__") is ABSENT and special(x, "__getitem__") is not None:
        return made(items_of(x))
    world = outside(current())
    if type(x) is GROUP and not world.knows(x):
        return made(x)  # of a groupby that was made inside: one from outside is refused before
    if not world.knows(x) and not world.is_fresh(x):
        refusal = watched(world, iter, "a loop", (x,))
        if refusal is None and has_items(x):
            world.watch(x, "a loop")
        elif refusal is not None:
            raise refusal
    elif is_iterator(x) and not world.is_fresh(x):
        raise watched(world, iter, "a loop", (x,)) or AssertionError
    elif has_items(x) and not world.is_fresh(x):
        world.watch(x, "a loop")  # a library's, whose items stand in attributes
    return x


def unwrapped(x: Any) -> Any:
    """What runs over a UserList runs over its list."""
    if isinstance(x, UserList) and lookup(type(x), "__iter__") is UserList.__iter__ and (
            lookup(type(x), "__getitem__") is UserList.__getitem__):
        return read(x, "data")
    return x


def has_items(x: Any) -> bool:
    """Whether a loop may run over it, and it is no container, which is watched as soon as it comes in."""
    iterates = isinstance(x, Iterable) or lookup(type(x), "__getitem__") is not ABSENT
    return iterates and not isinstance(x, CONTAINERS)


GROUP = type(next(itertools.groupby("a"))[1])
PLAIN = frozenset({range, str, bytes, TracedArray, int, float, type(None)})


def steps(x: Any) -> Iterator[Any]:
    """An iterator of the user's own class, step by step."""
    while True:
        try:
            value = call(next, x)
        except StopIteration:
            return
        yield value


def items_of(x: Any) -> Iterator[Any]:
    """`x[0]`, `x[1]`, ... up to the IndexError."""
    for k in itertools.count():
        try:
            value = call(lookup(type(x), "__getitem__"), x, k)
        except IndexError:
            return
        yield value


# context managers -----------------------------------------------------------------------------------------------------
class Context:
    """A context manager: one of the user's own class has its methods lifted."""

    def __init__(self, manager: Any, line: int):
        self.manager = manager
        self.body = Managed(line, manager)

    def __enter__(self) -> Any:
        entered = enter(self.manager)
        self.body.__enter__()
        return entered

    def __exit__(self, *error: object) -> Any:
        self.body.__exit__(*error)
        return leave(self.manager, *error)


def enter(manager: Any) -> Any:
    """What its `__enter__` gives."""
    method = special(manager, "__enter__")
    return type(manager).__enter__(manager) if method is None else call(method, manager)


def leave(manager: Any, *error: Any) -> Any:
    """Call its `__exit__`. Whether it swallows the exception, which is no refusal of the tracer's."""
    method, own = special(manager, "__exit__"), type(manager).__exit__
    swallowed = own(manager, *error) if method is None else call(method, manager, *error)
    return False if isinstance(error[1], Signal) or is_refusal(error[1]) else swallowed


def enter_later_left(stack: contextlib.ExitStack, manager: Any) -> Any:
    """`stack.enter_context(manager)`."""
    entered = enter(manager)
    leave_later(stack, manager)
    return entered


def leave_later(stack: contextlib.ExitStack, manager: Any) -> Any:
    """`stack.push(manager)`, or of a function."""
    stack.push(functools.partial(leave, manager) if hasattr(type(manager), "__exit__") else as_user(manager))
    return manager


def call_when_left(stack: contextlib.ExitStack, f: Any, /, *args: Any, **kwargs: Any) -> Any:
    """`stack.callback(f, ...)`."""
    stack.callback(as_user(f), *args, **kwargs)
    return f


OF_STACKS: dict[Any, Callable[..., Any]] = {
    contextlib.ExitStack.enter_context: enter_later_left, contextlib.ExitStack.push: leave_later,
    contextlib.ExitStack.callback: call_when_left,
}
"""Methods of stacks of context managers, which call what is the user's own."""


def of_stack(f: types.MethodType) -> Callable[..., Any] | None:
    """What a method of such a stack does that the function has made itself."""
    rule = OF_STACKS.get(f.__func__) if isinstance(f.__func__, types.FunctionType) else None
    return functools.partial(rule, f.__self__) if rule and outside(current()).is_fresh(f.__self__) else None



def context(x: Any, line: int) -> Any:
    """The context manager that `with x` enters."""
    x = there(x)
    return Context(x, line) if recorders() and hasattr(type(x), "__enter__") and hasattr(type(x), "__exit__") else x
