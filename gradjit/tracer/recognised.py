"""What a function is that lifted code calls: one of the user's, of NumPy's, of another library that gradjit has a rule
for, one that a compiler has made."""

from __future__ import annotations

import functools
import sys
import types
from collections.abc import Callable
from typing import Any

import numpy as np

from ..probe import text
from . import libraries
from .lift import is_user_code

Rule = Callable[..., Any]


def of_numba(f: Any) -> Any:
    """The Python function that Numba has compiled into f, or what Numba's `prange` is to Python; None for anything
    else."""
    special = sys.modules.get("numba.misc.special")
    if special is not None and f is special.prange:
        return range
    numba = sys.modules.get("numba.core.dispatcher")
    return f.py_func if numba is not None and isinstance(f, numba.Dispatcher) else None


def is_cython(f: Any) -> bool:
    """Whether it is a function that Cython has compiled. (Each of its modules may have a type of its own for them.)"""
    return type(f).__name__ == "cython_function_or_method"


def called_by(cls: type) -> Any:
    """The method that a call of an instance is; None where there is none."""
    return next((c.__dict__["__call__"] for c in cls.__mro__ if "__call__" in c.__dict__), None)


def is_compiled(f: Any) -> bool:
    """Whether it is one of gradjit's own compiled functions: called in a trace, it becomes part of that."""
    return hasattr(type(f), "inline_while_tracing")


def is_liftable(f: Any) -> bool:
    return isinstance(f, types.FunctionType) and is_user_code(f.__code__)


def is_numpy(f: Any) -> bool:
    """Whether it is NumPy's function (not a method, not a scalar type)."""
    if isinstance(f, type):
        return False
    module = text(f, "__module__")
    named = bool(text(f, "__qualname__"))  # which an np.poly1d, say, has not
    return isinstance(f, np.ufunc) or (
        named and module.partition(".")[0] == "numpy" and not module.startswith("numpy.random"))


def library_rule(f: Any) -> Rule | None:
    """The rule of another library's Python function (scipy.special.logsumexp), of a method, or of an instance."""
    owner, made = None, f
    if isinstance(f, type) or is_multimethod(f) or is_cython(f):
        pass
    elif isinstance(f, types.MethodType):
        owner, made = f.__self__, f.__func__
    elif not isinstance(f, (types.FunctionType, DISPATCHER)):
        owner, made = f, called_by(type(f))
    module = text(made, "__module__")
    if not (module.startswith("scipy") or (module.startswith("numpy") and of_polynomials(f, module))):
        return None
    name = text(made, "__qualname__")
    if module == MULTIPLE:
        name = multiple_name(f)
    rule = libraries.rules(module.partition(".")[0]).get((module, name))
    return rule if rule is None or owner is None or module == MULTIPLE else functools.partial(rule, owner)


def solver_of(f: Any) -> Rule | None:
    """The rule of a library's function that takes functions."""
    is_function = isinstance(f, (types.FunctionType, types.BuiltinFunctionType, type)) or is_cython(f)
    if not is_function or not text(f, "__module__").startswith("scipy"):
        return None
    return libraries.solvers().get((f.__module__, f.__qualname__))


def is_multimethod(f: Any) -> bool:
    """Whether it is one of scipy.fft's functions, which stand for those of any backend, and have their name."""
    return text(type(f), "__module__") == "uarray"


MULTIPLE = "scipy.special._multiufuncs"


DISPATCHER: type = type(np.sum)
"""NumPy's functions that ask their arguments (`__array_function__`)."""


def of_polynomials(f: Any, module: str) -> bool:
    """Whether it is one of NumPy's classes and functions of polynomials that do not dispatch."""
    return module.startswith("numpy.polynomial") or f is np.poly1d or isinstance(f, np.poly1d)


def multiple_name(f: Any) -> str:
    """The name of one of SciPy's functions that are several ufuncs: its instances do not know it."""
    space = sys.modules["scipy.special"].__dict__
    return next((n for n, value in space.items() if value is f), "")
