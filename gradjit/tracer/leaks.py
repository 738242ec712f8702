"""What goes out of the function other than by `return`. A compiled function cannot give traced values out.

But methods of a library's objects that stand outside may be called for their effect: `queue.put(1.0)`. Nobody asks what
they give, and what they do is no part of what is computed: the compiled function calls them each time that it runs,
where and as often as the text says, with what they are given here. So their arguments are values that stay what they
are; and what such an object holds is not read in the function (left_outside.py), which would see it as it was before.
"""

from __future__ import annotations

import functools
import types
from collections.abc import Iterable
from typing import Any, NoReturn

import numpy as np

from ..errors import TraceError
from ..ir.ops.effects import RECEIVERS
from ..probe import is_of_package, peek, text
from . import trees
from .array import TracedArray
from .control.frames import is_container
from .guards import is_plain
from .locations import fail, here, with_place
from .operands import is_traced
from .outside import described, outside
from .recorder import current, recorders
from .state import Kept, State, is_carried

KEEPING = frozenset({"append", "appendleft", "extend", "extendleft", "insert", "add", "update", "setdefault",
                     "__setitem__", "__iadd__", "__ior__"})
"""Methods by which a container keeps what it is given."""


def refuse_keeping(owner: Any, method: str, given: Iterable[Any], is_effect: bool) -> None:
    """TraceError where a call of a method would put a traced value into a container from outside, or give it to an
    object of a library (is_effect: nobody asks what that answers, so that it keeps the value, or acts on it)."""
    if not is_container(owner) and is_effect and is_kept(owner) and is_of_library(owner) and is_traced(list(given)):
        refuse_rebinding(f"the method {method} of {described(owner)}")
    if method in KEEPING and is_container(owner) and is_kept(owner) and any(
            isinstance(x, TracedArray) for x in trees.flatten(list(given))[0]):
        states = states_of(owner, method, list(given))
        if not states or not all(map(is_carried, states)):
            new = next((s for s in states if not is_carried(s)), None)
            refuse_rebinding(f"an item of a {type(owner).__name__}", new)


def states_of(owner: Any, method: str, given: list[Any]) -> list[State]:
    """What a method of a container changes, as far as that can be carried from call to call."""
    if type(owner) is list:
        name = outside(current()).variable(owner)
        return [State(owner, None, appends=True, name=name)] if method in ("append", "extend") else []
    if type(owner) is not dict:
        return []
    if method in ("setdefault", "__setitem__"):
        return [State(owner, given[0], is_item=True)]
    return [State(owner, k, is_item=True) for x in given if isinstance(x, dict) for k in x]


def is_kept(owner: Any) -> bool:
    """Whether an object outlives the trace: it came from outside."""
    return bool(recorders()) and outside(current()).outlives(owner)


def is_of_library(owner: Any) -> bool:
    """Whether it is an instance of a class that is neither the user's nor gradjit's own, and no function."""
    is_other = isinstance(owner, types.ModuleType) or callable(owner)
    return not is_other and not is_of_package(type(owner), "gradjit")


def is_state(value: Any) -> bool:
    """Whether an attribute holds numbers that would be lost: not None, and not what an earlier trace has left there."""
    return isinstance(value, (np.ndarray, np.generic, int, float, complex))


def refuse_rebinding(what: str, state: State | None = None) -> NoReturn:
    """TraceError; where it tells a state, gj.jit carries that from call to call."""
    raise Kept(with_place(f"the function gives a traced value to {what}, outside of the function: a compiled function "
                          f"cannot do that at each call; return the new value instead"), state) from None


# effects --------------------------------------------------------------------------------------------------------------
METHODS = (types.MethodType, types.BuiltinFunctionType, types.MethodWrapperType)
LRU = functools._lru_cache_wrapper
PASSED_ON = (types.FunctionType, types.ModuleType, type)


def is_effect(f: Any) -> bool:
    """Whether a call of f that nobody asks for a result is one of these."""
    owner = peek(f, "__self__")
    return (outside(current()).for_effect is f and isinstance(f, METHODS) and not is_container(owner)
            and (is_of_library(owner) or isinstance(owner, LRU)) and not isinstance(owner, TracedArray)
            and is_kept(owner))


def call_later(f: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> None:
    """The call, when the compiled function runs."""
    world, owner = outside(current()), f.__self__
    what = f"the method {text(f, '__name__')} of {described(owner)}, which stands outside of the function"
    for x in (*args, *kwargs.values()):
        if not (is_plain(x) or isinstance(x, PASSED_ON) or world.knows(x)):
            fail(TraceError, f"{what}, is called with {described(x)}, which the compiled function would not make anew "
                             f"at each call; call it outside, or give it numbers and texts")
    for around in current().outermost.trying:
        if around.may_catch:
            fail(TraceError, f"{what}, is called where {around.name}, if it raised an exception, which a compiled "
                             f"function cannot do; call it outside")
    for x in (owner, *args, *kwargs.values()):
        if not (is_plain(x) or isinstance(x, PASSED_ON)):  # what it is given it may change, too
            world.effects.setdefault(id(x), (x, text(f, "__name__"), here()))
    name = f"call#{len(RECEIVERS)}"
    RECEIVERS[name] = lambda _: f(*args, **kwargs)
    current().append("debug_print", (), {"format": "", "to": name})
