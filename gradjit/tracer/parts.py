"""What an object holds, one level deep, whatever its kind: the ground on which changes are noticed.

`parts(x)` is a tuple of objects that is equal, part by part (the same object or the same plain value), as long as
nothing was changed in x. It is empty for what cannot change, and None for what cannot be looked into.
"""

from __future__ import annotations

import array
import collections
import datetime
import decimal
import enum
import fractions
import functools
import hashlib
import operator
import re
import sys
import types
import weakref
from collections.abc import Callable, Collection, Iterator
from typing import Any

import numpy as np

HEAP_TYPE = 1 << 9
"""The flag of types that are made at run time, by a class statement for instance: they can be changed."""
SMALL = 256
"""Bytes up to which the elements of an array are kept as they are; of more a digest is."""
UNCHANGING = (
    int, float, complex, str, bytes, bool, type(None), type(Ellipsis), type(NotImplemented), range, slice, np.dtype,
    np.generic, np.ufunc, types.BuiltinFunctionType, types.MethodDescriptorType, types.WrapperDescriptorType,
    types.MethodWrapperType, types.GetSetDescriptorType, types.MemberDescriptorType, types.ClassMethodDescriptorType,
    types.CodeType, datetime.date, datetime.time, datetime.timedelta, datetime.tzinfo,
    decimal.Decimal, fractions.Fraction, re.Pattern, enum.Enum, operator.itemgetter, operator.attrgetter,
    operator.methodcaller, weakref.ref, type(len),
)
"""Of these the parts are no question: they have none, or are looked into by other ways (modules, classes)."""


_EMPTY = frozenset({int, float, complex, str, bytes, bool, type(None), object, types.ModuleType, np.ufunc})


def is_iterator(x: Any) -> bool:
    """Whether x moves on when it is read."""
    return isinstance(x, (Iterator, types.AsyncGeneratorType, types.CoroutineType))


def parts(x: Any) -> tuple[Any, ...] | None:
    """See above."""
    kind = type(x)
    if kind in _EMPTY:
        return ()
    if kind in _BY_TYPE:
        return _BY_TYPE[kind](x)
    for base, look in _BY_BASE.items():
        if isinstance(x, base):
            return (*look(x), *attributes(x))
    if isinstance(x, type):
        return class_parts(x)
    if isinstance(x, UNCHANGING):
        return attributes(x)
    if is_iterator(x):
        return None
    return attributes(x) or reduced(x)


def reduced(x: Any) -> tuple[Any, ...] | None:
    """An object without attributes that Python sees, by what `copy` would make it from."""
    try:
        made = x.__reduce_ex__(2)
    except Exception:
        return None
    return tuple(flat(made[1:3])) if isinstance(made, tuple) else None


def flat(x: Any) -> Iterator[Any]:
    """The leaves of nested tuples, lists and dicts, arrays among them by their elements."""
    if isinstance(x, dict):
        for k, v in x.items():
            yield k
            yield from flat(v)
    elif isinstance(x, (tuple, list)):
        yield len(x)
        for v in x:
            yield from flat(v)
    elif isinstance(x, np.ndarray):
        yield from array_parts(x)
    else:
        yield x


def attributes(x: Any) -> tuple[Any, ...]:
    """The names and values of an instance's attributes, in its `__dict__` and in slots."""
    held: list[Any] = []
    own = getattr(x, "__dict__", None)
    if isinstance(own, dict):
        for pair in own.items():
            held += pair
    for cls in type(x).__mro__:
        for name, member in cls.__dict__.items() if "__slots__" in cls.__dict__ else ():
            if isinstance(member, types.MemberDescriptorType):
                try:
                    held += (name, member.__get__(x))
                except AttributeError:
                    pass
    return tuple(held)


def class_parts(cls: type) -> tuple[Any, ...]:
    """The classes that it inherits from, and what stands in its own body. Classes of C code cannot change."""
    if not cls.__flags__ & HEAP_TYPE:
        return ()
    skipped = ("__dict__", "__weakref__", "__abstractmethods__", "_abc_impl", "__annotations__")
    return (*cls.__mro__, *(y for k, v in list(cls.__dict__.items()) if k not in skipped for y in (k, v)))


def array_parts(x: np.ndarray) -> tuple[Any, ...]:
    """An array by its elements: those of an object array one by one, others by their bytes."""
    form = (type(x), x.dtype, x.shape, x.strides)
    if x.dtype.hasobject:
        return (*form, *x.reshape(-1).tolist())
    data = np.asarray(x).tobytes()
    held = (*form, data if len(data) <= SMALL else hashlib.blake2b(data, digest_size=16).digest())
    return held if type(x) is np.ndarray else (*held, *mask_of(x))


def record_parts(x: np.void) -> tuple[Any, ...]:
    """A record of a structured array, which is a view of its elements."""
    return (x.dtype, *x.tolist()) if x.dtype.hasobject else (x.dtype, x.tobytes())


def mask_of(x: np.ndarray) -> tuple[bytes, ...]:
    """The mask of a masked array. (NumPy imports those when they are first asked for, which takes a while.)"""
    ma = sys.modules.get("numpy.ma")
    return (ma.getmaskarray(x).tobytes(),) if ma is not None and isinstance(x, ma.MaskedArray) else ()


def function_parts(f: types.FunctionType) -> tuple[Any, ...]:
    cells = [cell_content(c) for c in f.__closure__ or ()]
    return (f.__code__, f.__defaults__, f.__kwdefaults__, *cells, *attributes(f))


def cell_content(cell: types.CellType) -> Any:
    try:
        return cell.cell_contents
    except ValueError:
        return None


def dict_parts(x: Any) -> tuple[Any, ...]:
    return tuple(y for pair in x.items() for y in pair)


def memory_parts(x: memoryview) -> tuple[Any, ...]:
    return x.format, x.shape, x.strides, x.tobytes()


_BY_TYPE: dict[type, Callable[[Any], tuple[Any, ...]]] = {
    list: tuple,
    tuple: tuple,
    dict: dict_parts,
    types.FunctionType: function_parts,
    types.MethodType: lambda m: (m.__self__, m.__func__),
    types.CellType: lambda c: (cell_content(c),),
    property: lambda p: (p.fget,),
    staticmethod: lambda m: (m.__func__,),
    classmethod: lambda m: (m.__func__,),
    memoryview: memory_parts,
    types.MappingProxyType: dict_parts,
}
VIEWS: tuple[type[Collection[Any]], ...] = (type({}.keys()), type({}.values()), type({}.items()))
"""Views of dicts, which show what stands there now."""
_BY_BASE: dict[type, Callable[[Any], tuple[Any, ...]]] = {
    **{view: lambda x: dict_parts(x.mapping) for view in VIEWS},
    collections.defaultdict: lambda x: (x.default_factory, *dict_parts(x)),
    collections.OrderedDict: lambda x: tuple(y for pair in collections.OrderedDict.items(x) for y in pair),
    list: lambda x: tuple(list.__iter__(x)),
    dict: lambda x: tuple(y for pair in dict.items(x) for y in pair),
    tuple: lambda x: tuple(tuple.__iter__(x)),
    set: lambda x: tuple(set.__iter__(x)),
    frozenset: lambda x: tuple(frozenset.__iter__(x)),
    collections.deque: lambda x: (x.maxlen, *collections.deque.__iter__(x)),
    bytearray: lambda x: (bytes(x),),
    array.array: lambda x: (x.typecode, x.tobytes()),
    np.ndarray: array_parts,
    np.void: record_parts,
    functools.partial: lambda p: (p.func, p.args, *dict_parts(p.keywords)),
}
CONTAINERS: tuple[type[Collection[Any]], ...] = (
    list, dict, tuple, set, frozenset, collections.deque, bytearray, array.array, memoryview, types.MappingProxyType,
    np.ndarray, *VIEWS)
"""What is looked into as soon as it comes from outside: its items are read by ways that are not seen."""


def items_within(x: Any) -> Iterator[Any]:
    """The items of a container, and those of containers among them."""
    todo, seen = [x], set[int]()
    while todo:
        x = todo.pop()
        if not isinstance(x, CONTAINERS) or isinstance(x, np.ndarray):
            yield x
        elif id(x) not in seen:
            seen.add(id(x))
            todo += parts(x) or ()
