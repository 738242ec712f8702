"""`owner.name` in lifted code: what Python would find, and a guard for the way on which it was found.

Data of an instance are guarded by what the whole look-up gives, wherever they stand (in the instance, in a slot, in the
class). What the class decides, such as a method, a property or another descriptor, is guarded in the class; the code
behind it is lifted, so that what it reads is guarded in turn. What is not there is guarded as absent.
"""

from __future__ import annotations

import contextlib
import functools
import types
from collections.abc import Callable
from typing import Any

import numpy as np

from ..errors import UnsupportedError
from ..probe import is_of_package
from . import sparse
from .array import TracedArray
from .calls import call
from .concatenators import STAND_INS
from .control.states import by_option, there
from .guards import ABSENT, Guard, Source, is_plain, lookup
from .lift import is_product
from .operands import captured
from .outside import Outside, is_data_array, outside
from .parts import CONTAINERS, HEAP_TYPE, UNCHANGING, is_iterator
from .perhaps import OneOf, Perhaps, Unset
from .recognised import is_liftable
from .recorder import current, recorders

METHODS = (types.FunctionType, staticmethod, classmethod)
C_METHODS = (types.MethodDescriptorType, types.WrapperDescriptorType, types.ClassMethodDescriptorType)


def special(x: Any, name: str) -> Any:
    """A special method of the user's own, as Python finds it for operators and builtins; None for any other.

    That the class has it, and the object that class, is guarded.
    """
    cls = type(x)
    if not cls.__flags__ & HEAP_TYPE or cls is TracedArray:
        return None
    found = lookup(cls, name)
    if not is_liftable(found):
        return None
    if recorders():
        world = outside(current())
        world.has_class(x)
        world.has_member(cls, name, found)
    return found


def enter(value: Any, source: Source) -> Any:
    """A value from outside: an array as a hidden input read at `source`, anything else guarded."""
    if not recorders() or isinstance(value, TracedArray):
        return value
    if is_data_array(value):
        return captured(value, source)
    if sparse.is_sparse(value):
        outside(current()).guards.setdefault(source, Guard(source, value, False))
        return sparse.stand_in(value)
    outside(current()).enter(value, source)
    return value


def local(value: Any) -> Any:
    """A value from a place that cannot change, or that is watched already."""
    if type(value) is np.ndarray:
        return captured(value) if is_data_array(value) and recorders() else value
    return sparse.stand_in(value) if sparse.is_sparse(value) and recorders() else value


def read(owner: Any, name: str) -> Any:
    """`owner.name`."""
    if isinstance(owner, Perhaps):
        owner = there(owner, "AttributeError", f"'NoneType' object has no attribute '{name}'")
    if isinstance(owner, OneOf):
        methods = (types.BuiltinFunctionType, types.MethodType)
        if all(isinstance(getattr(x, name, None), methods) for x in owner.options):
            return lambda *args, **kwargs: by_option(owner, lambda x: call(getattr(x, name), *args, **kwargs))
        return by_option(owner, lambda x: read(x, name))
    if isinstance(owner, TracedArray) and name == "__class__":
        from .builtin_functions import stand_in
        return stand_in(owner)
    if isinstance(owner, TracedArray) or not recorders():
        return getattr(owner, name)
    if is_data_array(owner):
        with contextlib.suppress(UnsupportedError):
            return getattr(captured(owner), name)
    if isinstance(owner, types.ModuleType):
        return of_module(owner, name)
    if is_unchanging(owner):
        return local(getattr(owner, name))
    world = outside(current())
    if isinstance(owner, super):
        return of_super(world, owner, name)
    if isinstance(owner, type):
        return of_class(world, owner, name)
    if name == "__dict__" and world.is_fresh(owner):
        world.made(owner.__dict__)
        if (frame := recorders()[-1].frame).is_fresh(owner):
            frame.fresh[id(owner.__dict__)] = owner.__dict__
    value = of_instance(world, owner, name)
    if not isinstance(value, Unset):
        return value
    if lookup(type(owner), name) is not ABSENT:
        return one_of(value, of_class(world, type(owner), name))
    return there(value, "AttributeError", f"'{type(owner).__name__}' object has no attribute '{name}'")


def one_of(own: Unset, of_its_class: Any) -> Any:
    """An attribute that an object may have; else that of its class."""
    from .hooks import Hooks
    from .lift import lifted
    return lifted(_chosen, Hooks)(own.is_there, own.value, of_its_class)  # type: ignore[arg-type]


def _chosen(is_own: Any, own: Any, of_its_class: Any) -> Any:
    """Plain Python, which is lifted."""
    return own if is_own else of_its_class


def is_unchanging(owner: Any) -> bool:
    """Whether its attributes need no guard: values of C code, exceptions raised inside, gradjit's own objects."""
    cls = type(owner)
    if isinstance(owner, types.FunctionType):
        return is_product(owner.__code__)
    if isinstance(owner, BaseException):
        return not outside(current()).knows(owner)
    if isinstance(owner, types.MethodType):
        return True
    if not cls.__flags__ & HEAP_TYPE and not hasattr(owner, "__dict__"):
        return isinstance(owner, (*UNCHANGING, *CONTAINERS)) or is_iterator(owner)
    if isinstance(owner, tuple) and not hasattr(owner, "__dict__"):
        return not any(is_liftable(x) or isinstance(x, property) for c in cls.__mro__ for x in c.__dict__.values())
    return is_of_package(cls, "gradjit")


def of_module(owner: types.ModuleType, name: str) -> Any:
    space = owner.__dict__
    if name == "__dict__":
        return outside(current()).namespaces.setdefault(id(space), space)
    if name in space:
        return STAND_INS.get(id(space[name])) or enter(space[name], Source("item", space, name))
    outside(current()).absent(Source("item", space, name))
    value = getattr(owner, name)  # by the module's own __getattr__
    return STAND_INS.get(id(value)) or enter(value, Source("attribute", owner, name))


def of_super(world: Outside, owner: Any, name: str) -> Any:
    """The classes behind the one that `super()` was called in are asked, one after the other."""
    chain = owner.__self_class__.__mro__
    behind = chain[chain.index(owner.__thisclass__) + 1:]
    holder = next((cls for cls in behind if name in cls.__dict__), None)
    if holder is None:
        return getattr(owner, name)
    in_class = holder.__dict__[name]
    if isinstance(in_class, types.FunctionType) and behind[0].__mro__ == behind:
        world.has_member(behind[0], name, in_class)
    else:
        for cls in behind[:behind.index(holder) + 1]:
            source = Source("body", cls, name)
            world.guards.setdefault(source, Guard(source, cls.__dict__.get(name, ABSENT), False))
    if isinstance(in_class, property) and is_liftable(in_class.fget):
        return local(call(in_class.fget, owner.__self__))
    return local(getattr(owner, name))


def of_class(world: Outside, owner: type, name: str) -> Any:
    """An attribute of a class itself. Classes of C code do not change."""
    meta = lookup(type(owner), name)
    if isinstance(meta, property) and is_liftable(meta.fget):
        world.has_class(owner)
        world.has_member(type(owner), name, meta)
        return local(call(meta.fget, owner))
    in_class = lookup(owner, name)
    getter = lookup(type(in_class), "__get__")
    if is_liftable(getter) and meta is ABSENT:
        world.has_member(type(in_class), "__get__", getter)
        if not world.is_fresh(owner):
            world.enter(in_class, Source("member", owner, name))
        return local(call(getter, in_class, None, owner))
    value = found(world, owner, name)
    if not owner.__flags__ & HEAP_TYPE or world.is_fresh(owner):
        return local(value)
    if isinstance(value, types.MethodType) and value.__self__ is owner:
        world.enter(value.__func__, Source("method", owner, name))
        return value
    return given(owner, name, value)


def of_instance(world: Outside, owner: Any, name: str) -> Any:
    cls = type(owner)
    asked = lookup(cls, "__getattribute__")
    if is_liftable(asked):
        special(owner, "__getattribute__")
        return local(call(asked, owner, name))
    in_class = lookup(cls, name)
    if in_class is not ABSENT and (by_class := of_descriptor(world, owner, name, in_class)) is not ABSENT:
        return by_class
    otherwise = lookup(cls, "__getattr__")
    if is_liftable(otherwise) and Source("plain", owner, name).read() is ABSENT:
        if not world.is_fresh(owner):
            world.absent(Source("plain", owner, name))
        special(owner, "__getattr__")
        return local(call(otherwise, owner, name))
    value = found(world, owner, name)
    return local(value) if world.is_fresh(owner) else given(owner, name, value)


def of_descriptor(world: Outside, owner: Any, name: str, in_class: Any) -> Any:
    """What a descriptor in the class gives; ABSENT where the attribute is data."""
    cls, own = type(owner), getattr(owner, "__dict__", ())
    if isinstance(in_class, property) and is_liftable(in_class.fget):
        world.has_class(owner)
        world.has_member(cls, name, in_class)
        return local(call(in_class.fget, owner))
    if isinstance(in_class, METHODS) and name not in own:
        value = getattr(owner, name)
        function = value.__func__ if isinstance(value, types.MethodType) else value
        if not world.is_fresh(owner):
            world.enter(function, Source("attribute" if function is value else "method", owner, name))
        elif isinstance(in_class, classmethod):
            world.enter(function, Source("method", cls, name))
        else:
            world.has_member(cls, name, function)
        return value
    if isinstance(in_class, functools.cached_property) and world.is_fresh(owner) and name not in own:
        value = owner.__dict__[name] = call(in_class.func, owner)
        return value
    if isinstance(in_class, C_METHODS) and name not in own:
        world.has_class(owner)
        if cls.__flags__ & HEAP_TYPE:
            world.enter(in_class, Source("member", cls, name))
        if isinstance(own, dict) and not world.is_fresh(owner):
            world.absent(Source("item", own, name))
        return getattr(owner, name)
    getter = lookup(type(in_class), "__get__")
    if is_liftable(getter) and (hasattr(type(in_class), "__set__") or name not in own):
        world.has_class(owner)
        world.has_member(type(in_class), "__get__", getter)
        world.enter(in_class, Source("member", cls, name))
        if isinstance(own, dict) and not hasattr(type(in_class), "__set__") and not world.is_fresh(owner):
            world.absent(Source("item", own, name))
        return local(call(getter, in_class, owner, cls))
    return ABSENT


def setting(owner: Any, name: str, plainly: bool = False) -> Callable[[Any], Any] | None:
    """What `owner.name = value` calls of the user's own: the setter of a property, the `__set__` of a descriptor, a
    `__setattr__` (not where it is set plainly); None where there is nothing such."""
    if isinstance(owner, (TracedArray, types.ModuleType)) or not recorders():
        return None
    if not plainly and (method := special(owner, "__setattr__")) is not None:
        return functools.partial(call, method, owner, name)
    in_class = lookup(type(owner), name)
    if in_class is ABSENT:
        return None
    world = outside(current())
    if isinstance(in_class, property) and is_liftable(in_class.fset):
        world.has_class(owner)
        world.has_member(type(owner), name, in_class)
        return functools.partial(call, in_class.fset, owner)
    setter = lookup(type(in_class), "__set__")
    if is_liftable(setter):
        world.has_class(owner)
        world.has_member(type(in_class), "__set__", setter)
        return functools.partial(call, setter, in_class, owner)
    return None


def read_plainly(owner: Any, name: str) -> Any:
    """`object.__getattribute__(owner, name)`."""
    world = outside(current())
    source = Source("plain", owner, name)
    value = source.read()
    if not world.is_fresh(owner):
        world.guards.setdefault(source, Guard(source, value, is_plain(value)))
        world.look_into(value)
    return local(object.__getattribute__(owner, name))


def found(world: Outside, owner: Any, name: str) -> Any:
    """The attribute as Python finds it; one that is not there is guarded as absent."""
    try:
        return getattr(owner, name)
    except AttributeError:
        if not world.is_fresh(owner):
            world.absent(Source("attribute", owner, name))
        raise


def given(owner: Any, name: str, value: Any) -> Any:
    """An attribute of something from outside. One that is made anew each time is compared by what it holds."""
    if isinstance(value, TracedArray) or is_data_array(value) or sparse.is_sparse(value):
        return enter(value, Source("attribute", owner, name))
    world = outside(current())
    world.objects.setdefault(id(owner), owner)
    source = Source("attribute", owner, name)
    if source in world.guards:
        return value
    if not is_plain(value) and getattr(owner, name) is not value:
        world.repeat(getattr, (owner, name), {}, value)
        return value
    return enter(value, source)
