"""Traced values on their way out of the function, other than by `return`: a compiled function cannot give them out."""

from __future__ import annotations

import types
from collections.abc import Iterable
from typing import Any, NoReturn

import numpy as np

from . import trees
from .array import TracedArray
from .control.frames import is_container
from .locations import with_place
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
    return not is_other and not type(owner).__module__.startswith("gradjit.")


def is_state(value: Any) -> bool:
    """Whether an attribute holds numbers that would be lost: not None, and not what an earlier trace has left there."""
    return isinstance(value, (np.ndarray, np.generic, int, float, complex))


def refuse_rebinding(what: str, state: State | None = None) -> NoReturn:
    """TraceError; where it tells a state, gj.jit carries that from call to call."""
    raise Kept(with_place(f"the function gives a traced value to {what}, outside of the function: a compiled function "
                          f"cannot do that at each call; return the new value instead"), state) from None
