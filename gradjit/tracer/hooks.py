"""What lifted code calls: names, attributes and calls on their way into the function."""

from __future__ import annotations

import functools
import operator
import os
import sys
import types
from collections import defaultdict, deque
from typing import Any

import numpy as np

from ..errors import UnsupportedError
from . import grown, sequences, sparse, tables
from .array import TracedArray
from .attributes import enter, read, setting, special
from .calls import call, call_for_effect, note_parts
from .concatenators import STAND_INS
from .control.frames import Frame, before_change, is_container, set_plainly
from .control.protocol import Control, watch_key
from .control.states import Undefined, by_option, by_options, is_chosen, presence, surely, there
from .foreign import look_at_elements
from .grown import is_grown
from .guards import ABSENT, Source, is_plain, lookup
from .leaks import is_kept, is_of_library, refuse_rebinding
from .locations import fail, here
from .operands import captured, is_traced
from .outside import is_data_array, outside
from .perhaps import OneOf, Perhaps
from .raising import thrown
from .recognised import is_liftable
from .recorder import current, recorders
from .special_methods import binary, context, in_place, iterated, truth_value, unary
from .state import State, before_writing, is_carried
from .structures import made
from .subscripts import update_by_mask
from .texts import fstring
from .unlifted import guard_code


def local(value: Any) -> Any:
    """A value that a local name, an item or a private attribute holds: an array from outside becomes a hidden input."""
    if type(value) in AS_IT_IS:
        return value
    if isinstance(value, Undefined):
        value = value.read()
    if isinstance(value, OneOf):
        value.read_at = here()
    if type(value) is Perhaps and recorders():
        value.read_at, known = here(), presence(value)
        if known is not None:
            value = value.value if known else None
    if type(value) is np.ndarray:
        return captured(value) if is_data_array(value) and recorders() else value
    return sparse.stand_in(value) if sparse.is_sparse(value) and recorders() else value


AS_IT_IS = frozenset({int, float, bool, str, tuple, type(None), TracedArray})
"""Of these nothing else stands for what a name holds."""


def item_of_option(owner: Any, key: Any) -> Any:
    """`owner[key]`, where a traced condition has chosen the key: one that is missing is an error of that run."""
    try:
        return Hooks.item(owner, key)
    except KeyError as e:
        raise thrown(e) from None


HOLDING = (list, dict)
"""What is read from these is the very object that they hold."""
WATCHED = (*HOLDING, deque, type(os.environ))
"""Items that are put into these are taken back where the trace fails."""


class Hooks(Control):
    """What `_gj` stands for in one lifted function (see lift.py)."""

    __slots__ = ("namespace", "builtins", "cells")

    def __init__(self, f: types.FunctionType):
        self.namespace = f.__globals__
        self.builtins: dict[str, Any] = getattr(f, "__builtins__")  # noqa: B009 (typeshed has it not)
        self.cells = dict(zip(f.__code__.co_freevars, f.__closure__ or (), strict=True))

    local = staticmethod(local)
    call = staticmethod(call)
    call_for_effect = staticmethod(call_for_effect)
    binary = staticmethod(binary)
    unary = staticmethod(unary)
    context = staticmethod(context)
    iterated = staticmethod(iterated)
    is_grown = staticmethod(is_grown)
    fstring = staticmethod(fstring)

    def glob(self, name: str) -> Any:
        """A global name; what is no global is a builtin."""
        for space in (self.namespace, self.builtins):
            source = Source("item", space, name)
            if name in space:
                value = space[name]
                return STAND_INS.get(id(value)) or enter(value, source)
            if recorders():
                outside(current()).absent(source)
        raise NameError(f"name '{name}' is not defined", name=name)

    def cell(self, name: str) -> Any:
        """A name of an enclosing function that had finished its own lifting, or was never lifted."""
        source = Source("cell", self.cells[name], label=name)
        value = source.read()
        if value is ABSENT:
            if recorders():
                outside(current()).absent(source)
            raise NameError(f"cannot access free variable '{name}' where it is not associated with a value in "
                            f"enclosing scope", name=name)
        if isinstance(value, Undefined):
            return value.read()
        return enter(value, source)

    attr = staticmethod(read)

    @staticmethod
    def importing(module: str, *names: str) -> None:
        """An import statement is about to run: what is not there when the trace has ended is guarded as absent."""
        def missing(_: object) -> None:
            found: Any = sys.modules.get(module, ABSENT)
            if found is ABSENT:
                world.absent(Source("item", sys.modules, module))
            elif found is None:  # so that it cannot be imported
                world.enter(None, Source("item", sys.modules, module))
            else:
                for name in names:
                    if name not in vars(found):
                        world.absent(Source("item", vars(found), name))

        if recorders():
            world = outside(current())
            world.at_end.append(missing)

    @staticmethod
    def imported(value: Any, module: str, name: str) -> Any:
        """What an import statement has given to a name."""
        if not recorders() or module not in sys.modules:
            return value
        found = sys.modules[module]
        outside(current()).enter(found, Source("item", sys.modules, module))
        return read(found, name) if name else value

    @staticmethod
    def global_names(space: dict[str, Any]) -> Any:
        """`globals()`: items are guarded one by one."""
        if recorders():
            outside(current()).namespaces[id(space)] = space
        return space

    def evaluated(self, name: str, code: Any, *spaces: Any) -> tuple[Any, ...]:
        """The arguments of `eval` or `exec`: the names that the code reads are guarded, in the namespaces given."""
        if recorders():
            compiled = compile(code, "<string>", name) if isinstance(code, (str, bytes)) else code
            for space in [s for s in spaces if isinstance(s, dict)] or [self.namespace]:
                guard_code(compiled, space)
        return (code, *spaces)

    @staticmethod
    def tested(x: Any) -> bool:
        """The truth of a condition that Python decides by: one that is traced has none."""
        return bool(truth_value(x) if recorders() else x)

    @staticmethod
    def mapping(x: Any) -> Any:
        """What `**x` spreads."""
        x = there(x)
        if not recorders() or (type(x) is dict and outside(current()).is_fresh(x)):
            return x
        if (keys := special(x, "keys")) is not None:
            return {k: Hooks.item(x, k) for k in iterated(call(keys, x))}
        return iterated(x)

    @classmethod
    def taken_apart(cls, x: Any) -> Any:
        """The subject of a `match` statement."""
        return x.refuse() if isinstance(x, OneOf) else cls.looked_at(x)

    @staticmethod
    def looked_at(x: Any) -> Any:
        """A value that a pattern or a format looks into."""
        x = surely(x)
        if recorders() and not isinstance(x, TracedArray) and not is_plain(x):
            outside(current()).watch(x, "a match statement or format")
        return x

    def rebound(self, value: Any, name: str) -> Any:
        """A value about to be given to a name outside of the function."""
        if recorders():
            state = self.state_of(name)
            if is_traced(value) and not is_carried(state):
                refuse_rebinding(f"the name {name}", state)
            self.rebinding(name)
        return value

    @staticmethod
    def region() -> Frame | None:
        """The region in which a function runs whose names others rebind."""
        return recorders()[-1].frame if recorders() else None

    @staticmethod
    def rebound_within(value: Any, name: str, made_in: Frame | None) -> Any:
        """A value about to be given to a name of a function around, which what stands between must hand on."""
        if recorders():
            recorders()[-1].frame.refuse_unless_carried(name, made_in)
        return value

    def rebinding(self, name: str) -> None:
        """Before a name outside of the function is bound to something else."""
        if recorders():
            recorders()[-1].frame.refuse(f"the function binds the name {name} anew, which is global or of another "
                                         f"function")
            before_writing(self.state_of(name), known=True)

    def state_of(self, name: str) -> State:
        cell = self.cells.get(name)
        return State(self.namespace, name, is_item=True) if cell is None else State(cell, "cell_contents")

    @staticmethod
    def set_attr(value: Any, owner: Any, name: str, plainly: bool = False) -> None:
        """`owner.name = value`."""
        owner = there(owner, "AttributeError", f"'NoneType' object has no attribute '{name}'")
        if is_traced(value) and is_kept(owner) and not is_carried(State(owner, name)):
            refuse_rebinding(f"the attribute {name} of a {type(owner).__name__}", State(owner, name))
        if not isinstance(owner, TracedArray):  # its attributes are its elements, or how they are seen
            before_writing(State(owner, name))
            before_change(owner)
        if (setter := setting(owner, name, plainly)) is not None:
            setter(value)
        elif plainly:
            set_plainly(owner, name, value)
        else:
            setattr(owner, name, value)

    @staticmethod
    def item(owner: Any, key: Any) -> Any:
        """`owner[key]`."""
        owner, key = there(owner, message="'NoneType' object is not subscriptable"), surely(key)
        if is_chosen(key) and type(owner) is dict and (found := sequences.by_label(owner, key)) is not None:
            return found
        if isinstance(owner, OneOf) or is_chosen(key):
            return by_options((owner, key), {}, item_of_option)
        if is_grown(owner):
            return local(grown.item(owner, key))
        if isinstance(key, TracedArray) and (isinstance(owner, (list, tuple)) or type(owner) is str):
            return local(sequences.item(owner, key))
        if isinstance(key, TracedArray) and type(owner) is range:
            return sequences.item_of_range(owner, key)
        owner = local(owner)
        if isinstance(key, TracedArray) and isinstance(owner, np.ndarray):
            fail(UnsupportedError, f"an array of {owner.dtype} is indexed by a traced value, and holds no numbers that "
                                   f"can be compiled; keep the numbers in an array of their own, or choose with if and "
                                   f"else")
        if recorders():
            watch_key(key)
            look_at_elements(owner)
        if isinstance(owner, (TracedArray, str, tuple)) or not recorders():
            return local(owner[key])
        if type(owner) is dict and is_plain(key) and outside(current()).is_fresh(owner):
            return local(owner[key])
        if type(owner) is list and type(key) is slice:
            return made(owner[key]) if not grown.is_traced_slice(key) else grown.part(owner, key)
        if (method := special(owner, "__getitem__")) is not None:
            return call(method, owner, key)
        if isinstance(owner, type):
            generic: Any = owner
            own = getattr(lookup(owner, "__class_getitem__"), "__func__", None)
            return call(read(owner, "__class_getitem__"), key) if is_liftable(own) else generic[key]
        if type(owner) is defaultdict and owner.default_factory is not None and key not in owner:
            before_change(owner)
            before_writing(State(owner, key, is_item=True))
            owner[key] = made(call(owner.default_factory))
        if id(owner) in outside(current()).namespaces:
            source = Source("item", owner, key)
            if key not in owner:
                outside(current()).absent(source)
            return enter(owner[key], source)
        if (method := special(owner, "__missing__")) is not None and isinstance(owner, dict) and not call(
                operator.contains, owner, key):
            return call(method, owner, key)
        if type(owner) not in (list, dict) or not outside(current()).knows(owner):
            return local(call(operator.getitem, owner, key))
        return local(owner[key])

    @staticmethod
    def set_item(value: Any, owner: Any, key: Any) -> None:
        """`owner[key] = value`."""
        owner, key = there(owner, message="'NoneType' object does not support item assignment"), surely(key)
        if is_chosen(key):
            by_option(key, lambda option: Hooks.set_item(value, owner, option))
            return
        if isinstance(key, TracedArray) and isinstance(owner, list):
            key = sequences.place(owner, key)
        if is_grown(owner):
            if tables.put(owner, key, value):
                return
            grown.before_item(owner, key)
        owner = local(owner)
        if isinstance(owner, np.ndarray) and is_traced((key, value)):
            fail(UnsupportedError, f"a traced value is written into a {type(owner).__name__} of {owner.dtype}, which "
                                   f"holds what is known while gradjit compiles the function; write into an ordinary "
                                   f"array of floats, and make the other of it behind that")
        state, method = State(owner, key, is_item=True), special(owner, "__setitem__")
        is_one = type(owner) in HOLDING and not isinstance(key, slice)
        if method is None and is_traced(value) and is_kept(owner) and is_of_library(owner) and not is_carried(state):
            refuse_rebinding(f"an item of a {type(owner).__name__}", state if is_one else None)
        if isinstance(owner, WATCHED):
            before_writing(state)
        if is_container(owner):
            before_change(owner)
        if isinstance(key, TracedArray) and isinstance(owner, list):
            sequences.put(owner, key, value)
        elif method is not None:
            call(method, owner, key, value)
        else:
            note_parts(owner)
            owner[key] = value

    @classmethod
    def set_items(cls, values: tuple[Any, ...], *places: Any) -> None:
        """`owner[key], owner[key] = values`, where no assignment changes what the next one names."""
        given = list(zip(values, places[::2], places[1::2], strict=True))
        for items in [x for x in {id(owner): owner for owner in places[::2]}.values() if is_grown(x)]:
            own = [g for g in given if g[1] is items]
            if tables.exchanged(items, [value for value, *_ in own], [key for *_, key in own]):
                given = [g for g in given if g[1] is not items]
        for value, owner, key in given:
            cls.set_item(value, owner, key)

    @staticmethod
    def del_item(owner: Any, key: Any) -> None:
        """`del owner[key]`."""
        if is_grown(owner):
            grown.whole_again(owner, "del")
        owner = local(owner)
        if is_container(owner):
            before_change(owner)
            if isinstance(owner, WATCHED):
                before_writing(State(owner, key, is_item=True))
        if (method := special(owner, "__delitem__")) is not None:
            call(method, owner, key)
        else:
            note_parts(owner)
            del owner[key]

    @staticmethod
    def del_attr(owner: Any, name: str) -> None:
        """`del owner.name`."""
        before_writing(State(owner, name))
        before_change(owner)
        in_class = getattr(type(owner), name, None)
        if isinstance(in_class, property) and in_class.fdel is not None:
            call(in_class.fdel, owner)
        else:
            delattr(owner, name)

    @staticmethod
    def aug(value: Any, op: str, other: Any) -> Any:
        """`value op= other`, as an expression."""
        value, other = there(value), there(other)
        Control.changing(value)
        if op == "iadd" and type(value) is list and (is_grown(value) or is_grown(other)):
            grown.extend(value, other)
            return grown.noted(value) if is_grown(other) else value
        return in_place(op, value, other)

    @classmethod
    def aug_attr(cls, owner: Any, name: str, op: str, other: Any) -> None:
        """`owner.name op= other`. What the object holds and was changed in place is not stored again; a setter is
        called, as reading may have given a copy."""
        old, other = there(cls.changing(cls.attr(owner, name))), there(other)
        new = in_place(op, old, other)
        is_property = isinstance(lookup(type(owner), name), property)
        if new is not old or is_property or setting(owner, name) is not None:
            cls.set_attr(new, owner, name)

    @classmethod
    def aug_item(cls, owner: Any, key: Any, op: str, other: Any) -> None:
        """`owner[key] op= other`. What a list or dict holds and was changed in place is not stored again; of all else
        reading may have given a copy."""
        apply, owner, key, other = functools.partial(in_place, op), local(there(owner)), surely(key), there(other)
        if is_chosen(key):
            by_option(key, lambda option: cls.aug_item(owner, option, op, other))
            return
        if isinstance(key, TracedArray) and isinstance(owner, list):
            key = sequences.place(owner, key)
        if isinstance(owner, TracedArray) and update_by_mask(owner, key, lambda x: apply(x, other), other):
            return
        old = there(cls.changing(cls.item(owner, key)))
        if isinstance(owner, list) and isinstance(key, TracedArray) and not sequences.is_number(old):
            sequences.refuse(owner, "its item is changed in place")
        new = apply(old, other)
        is_own = any(special(owner, name) is not None for name in ("__getitem__", "__setitem__"))
        if new is not old or is_own or not isinstance(owner, HOLDING):
            cls.changing(owner)
            cls.set_item(new, owner, key)


