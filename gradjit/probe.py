"""Questions to users' objects, which may answer with any error, or with nonsense.

An object whose `__getattr__` is a dictionary look-up raises KeyError where `hasattr` expects AttributeError; a mock has
every attribute. What is asked here is asked so that neither matters.
"""

from __future__ import annotations

import functools
import inspect
import sys
import types
from collections.abc import Callable
from typing import Any


def peek(x: Any, name: str, default: Any = None) -> Any:
    """`getattr(x, name, default)`, whatever the object raises."""
    try:
        return getattr(x, name, default)
    except Exception:
        return default


def is_of(x: Any, module: str, name: str) -> bool:
    """Whether an object's class is that one of a module that may not be imported yet: NumPy imports np.random and np.ma
    when they are first asked for, which takes as long as to trace a function."""
    found = sys.modules.get(module)
    return found is not None and type(x) is getattr(found, name, None)


def text(x: Any, name: str, default: str = "") -> str:
    """An attribute that is a text where it is what it should be: `__name__`, `__module__`."""
    found = peek(x, name)
    return found if isinstance(found, str) and found else default


def is_of_package(x: Any, package: str) -> bool:
    """Whether a class or function was made by a package, or by a module in it. (An array of ctypes has a class that
    ctypes keeps, and that names whoever has asked for such arrays first.)"""
    return text(x, "__module__").partition(".")[0] == package and text(type(x), "__module__") != "_ctypes"


def class_name(cls: type) -> str:
    """A class as Python's messages have it. (`__module__` may be a descriptor, of a class that Cython has made.)"""
    module = text(cls, "__module__", "builtins")
    return cls.__qualname__ if module == "builtins" else f"{module}.{cls.__qualname__}"


def code_of(f: Any) -> types.CodeType | None:
    """The code of a Python function."""
    found = peek(f, "__code__")
    return found if isinstance(found, types.CodeType) else None


def is_array_like(x: Any) -> bool:
    """Whether NumPy would ask x for an array."""
    return not isinstance(x, type) and callable(peek(x, "__array__"))


def has_dict(x: Any) -> bool:
    """Whether x has attributes of its own."""
    return isinstance(peek(x, "__dict__"), dict | types.MappingProxyType)


def parameters_of(f: Callable[..., Any]) -> list[inspect.Parameter] | None:
    """The parameters of a function; None where it does not tell."""
    try:
        return list(inspect.signature(f).parameters.values())
    except Exception:  # builtins tell nothing; objects may raise anything
        return None


def unwrapped(f: Any) -> Any:
    """The function behind decorators that say so."""
    try:
        return inspect.unwrap(f)
    except Exception:
        return f


def named_like(new: Any, f: Callable[..., Any]) -> Any:
    """`new` with f's name, documentation and, of a plain function, attributes: `functools.update_wrapper`. (The
    `__dict__` of another callable is its state.)"""
    for name in functools.WRAPPER_ASSIGNMENTS:
        if (found := peek(f, name, new)) is not new:
            try:
                setattr(new, name, found)
            except Exception:  # nonsense that Python does not take for a name
                continue
    if isinstance(f, types.FunctionType):
        new.__dict__.update(f.__dict__)
    new.__wrapped__ = f
    return new
