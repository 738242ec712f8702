"""What lifted code calls: names, attributes and calls on their way into the function."""

from __future__ import annotations

import inspect
import operator
import types
from typing import Any

import numpy as np

from ..probe import peek, text
from . import sequences, sparse
from .array import TracedArray
from .calls import call
from .concatenators import STAND_INS
from .control.frames import before_change, is_container
from .control.protocol import Control
from .control.states import Undefined
from .indexing import update_by_mask
from .leaving import is_kept, is_state, refuse_rebinding
from .locations import is_internal
from .operands import captured, is_traced
from .outside import Guard, Source, is_data_array, outside
from .recorder import current, recorders


def local(value: Any) -> Any:
    """A value that a local name, an item or a private attribute holds: an array from outside becomes a hidden input."""
    if type(value) is Undefined:
        value.fail()
    if type(value) is np.ndarray:
        return captured(value) if is_data_array(value) and recorders() else value
    return sparse.stand_in(value) if sparse.is_sparse(value) and recorders() else value


class Hooks(Control):
    """What `_gj` stands for in one lifted function (see lift.py)."""

    __slots__ = ("namespace", "cells")

    def __init__(self, f: types.FunctionType):
        self.namespace = f.__globals__
        self.cells = dict(zip(f.__code__.co_freevars, f.__closure__ or (), strict=True))

    local = staticmethod(local)
    call = staticmethod(call)

    def glob(self, name: str, value: Any) -> Any:
        """A global name; what is no global is a builtin."""
        if name not in self.namespace:
            return value
        return STAND_INS.get(id(value)) or enter(value, Source("item", self.namespace, name))

    def cell(self, name: str, value: Any) -> Any:
        """A name of an enclosing function that had finished its own lifting, or was never lifted."""
        if type(value) is Undefined:
            value.fail()
        return enter(value, Source("cell", self.cells[name], label=name))

    @staticmethod
    def attr(owner: Any, name: str) -> Any:
        """`owner.name`."""
        if isinstance(owner, TracedArray) or type(owner) is sparse.Sparse:
            return getattr(owner, name)
        if isinstance(owner, types.ModuleType):
            value = getattr(owner, name)
            if name not in owner.__dict__ or is_internal(text(owner, "__file__", "<frozen")):
                return STAND_INS.get(id(value)) or local(value)
            return enter(value, Source("item", owner.__dict__, name))
        found = inspect.getattr_static(owner, name, None) if isinstance(owner, type) else getattr(
            type(owner), name, None)
        if isinstance(found, property) and found.fget is not None:
            return local(call(found.fget, owner))
        value = getattr(owner, name)
        if not recorders() or not outside(current()).knows(owner) or is_behaviour(found):
            return local(value)
        return enter(value, Source("attribute", owner, name))

    @staticmethod
    def rebound(value: Any, name: str) -> Any:
        """A value about to be given to a name outside of the function."""
        if recorders():
            recorders()[-1].frame.refuse(f"the function binds the name {name} anew, which is global or of another "
                                         f"function")
            if is_traced(value):
                refuse_rebinding(f"the name {name}")
        return value

    @staticmethod
    def set_attr(value: Any, owner: Any, name: str) -> None:
        """`owner.name = value`. An attribute that is new, or None until then, may hold a traced value for the time."""
        if is_traced(value) and is_kept(owner) and is_state(peek(owner, name)):
            refuse_rebinding(f"the attribute {name} of a {type(owner).__name__}")
        before_change(owner)
        setattr(owner, name, value)

    @staticmethod
    def item(owner: Any, key: Any) -> Any:
        """`owner[key]`."""
        if isinstance(key, TracedArray) and isinstance(owner, (list, tuple)):
            return local(sequences.item(owner, key))
        return local(local(owner)[key])

    @staticmethod
    def set_item(value: Any, owner: Any, key: Any) -> None:
        """`owner[key] = value`."""
        if isinstance(key, TracedArray) and isinstance(owner, list):
            key = sequences.place(owner, key)
        owner = local(owner)
        if type(owner) in (list, dict) and is_traced(value) and is_kept(owner):
            refuse_rebinding(f"an item of a {type(owner).__name__}")
        if is_container(owner):
            before_change(owner)
        owner[key] = value

    @staticmethod
    def aug(value: Any, op: str, other: Any) -> Any:
        """`value op= other`, as an expression."""
        Control.changing(value)
        return getattr(operator, op)(value, other)

    @classmethod
    def aug_attr(cls, owner: Any, name: str, op: str, other: Any) -> None:
        """`owner.name op= other`. What was changed in place is not stored again."""
        old = cls.changing(cls.attr(owner, name))
        new = getattr(operator, op)(old, other)
        if new is not old:
            before_change(owner)
            setattr(owner, name, new)

    @classmethod
    def aug_item(cls, owner: Any, key: Any, op: str, other: Any) -> None:
        """`owner[key] op= other`. What a list or dict holds and was changed in place is not stored again."""
        apply, owner = getattr(operator, op), local(owner)
        if isinstance(key, TracedArray) and isinstance(owner, list):
            key = sequences.place(owner, key)
        if isinstance(owner, TracedArray) and update_by_mask(owner, key, lambda x: apply(x, other), other):
            return
        old = cls.changing(local(owner[key]))
        new = apply(old, other)
        if new is not old or isinstance(owner, TracedArray):
            cls.changing(owner)
            owner[key] = new


def is_behaviour(found: Any) -> bool:
    """Whether a class attribute is a method or another descriptor: found anew at each call, not data to be guarded."""
    return found is not None and hasattr(type(found), "__get__")


def enter(value: Any, source: Source) -> Any:
    """A value from outside: an array as a hidden input read at `source`, anything else guarded."""
    if not recorders():
        return value
    if isinstance(value, TracedArray):
        return value
    if is_data_array(value):
        return captured(value, source)
    if sparse.is_sparse(value):
        outside(current()).guards.setdefault(source, Guard(source, value, False))
        return sparse.stand_in(value)
    outside(current()).enter(value, source)
    return value

