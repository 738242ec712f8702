"""Calls that run as they are while tracing: what they may have looked at is watched, or they are refused.

- What is pure and cheap is called once more as the guard (`REPEATED`), and so is a library's function that is given
  nothing whose changes are noticed: what it finds comes from the environment, or from what its module keeps.
- A function of C code looks at its arguments one level deep: the containers among them are watched already.
- What Python code of a library, or C code that calls back, may look at is everything that can be reached from its
  arguments: all of it is watched (`Outside.watch`).
- What moves on at each call (iterators from outside, random numbers that are drawn on the side) is refused.
"""

from __future__ import annotations

import array
import contextvars
import functools
import gc
import glob
import itertools
import operator
import os
import pathlib
import random
import sys
import types
import weakref
from collections.abc import Container, Iterable, Iterator
from typing import Any

import numpy as np

from ..errors import TraceError, UnsupportedError
from ..probe import is_of_package, peek, text
from . import depth, process_settings
from .array import TracedArray
from .foreign import look_at_elements
from .guards import alike, is_plain
from .locations import fail, is_own
from .operands import as_primitive, is_traced, name_of as function_name
from .outside import Outside, described, is_user_class, outside
from .parts import CONTAINERS, HEAP_TYPE, cell_content, is_iterator, items_within
from .reading import listened
from .recognised import is_cython
from .recorder import current

LRU = functools._lru_cache_wrapper
REPEATED: frozenset[Any] = frozenset({
    isinstance, issubclass, callable, os.getenv, os.getcwd, os.environ.get, os.environ.__getitem__, np.geterr,
    np.geterrcall, np.getbufsize,
    np.get_printoptions, depth.limit, dir, contextvars.copy_context, os.listdir, glob.glob,
    os.path.exists, os.path.isfile, os.path.isdir, os.path.getsize, os.path.getmtime, pathlib.Path.exists,
    pathlib.Path.is_file, pathlib.Path.is_dir, gc.get_threshold, sys.getswitchinterval, sys.get_int_max_str_digits,
    sys.getprofile, sys.gettrace, os.getpid, os.cpu_count, os.get_terminal_size,
})
"""Functions that are called again."""
OF_LOCALE = frozenset({"getlocale", "localeconv"})
"""The same in a module that may not be imported yet."""
OF_CLASSES = frozenset({"__subclasses__", "mro"})
"""The same among the methods of classes."""
MAKING_CLASSES = frozenset({"type()", "namedtuple()", "make_dataclass()", "new_class()", "NamedTuple()"})
"""Functions that give a new class."""
SHALLOW: frozenset[Any] = frozenset({
    id, isinstance, issubclass, callable, type, super, print, setattr, delattr, object.__setattr__, object, slice,
    property, staticmethod, classmethod, functools.partial, types.MethodType,
})
"""Functions of C code that do not look into instances of classes."""
CALLING_BACK: frozenset[Any] = frozenset({map, filter, sorted, min, max, functools.reduce})
"""Builtins that call what they are given, which is lifted."""
BY_ELEMENT: frozenset[Any] = frozenset({
    operator.contains, sorted, min, max, sum, any, all, filter, set, frozenset, dict.fromkeys, functools.reduce, repr,
    str, format, ascii, bytes, bytearray, array.array, itertools.accumulate,
})
BY_ELEMENT_METHODS = frozenset({"index", "count", "remove", "sort", "join", "format", "update", "union",
                                "intersection"})
"""Functions of C code that compare, add or print the items of their arguments."""
OF_NUMBERS = frozenset({"math", "cmath", "numpy"})
"""Modules whose functions make numbers of the items of their arguments."""


def among(f: Any, group: Container[Any]) -> bool:
    """Whether f is one of a group of functions."""
    return isinstance(f, FUNCTIONS) and f in group


def is_repeated(f: Any) -> bool:
    if isinstance(f, LRU):
        return True
    owner = peek(f, "__self__")
    if isinstance(owner, contextvars.ContextVar):
        return text(f, "__name__") == "get"
    if isinstance(f, types.BuiltinFunctionType) and isinstance(owner, type):
        return text(f, "__name__") in OF_CLASSES
    if text(f, "__module__") in ("locale", "_locale"):
        return text(f, "__name__") in OF_LOCALE
    return among(f.__func__ if isinstance(f, types.MethodType) else f, REPEATED)


def run(world: Outside, f: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
    """`f(*args, **kwargs)`."""
    if isinstance(f, (types.FunctionType, type)) and is_of_package(f, "gradjit"):
        return f(*args, **kwargs)
    given = (*args, *kwargs.values())
    for x in (*held_by(f), *given):
        look_at_elements(x)
        world.require_known(x)
    if isinstance(f, weakref.ref):
        fail(TraceError, "a weak reference is followed inside a compiled function, which would keep what it refers to "
                         "alive; follow it outside and pass the result as an argument")
    if asks_class(f, args):
        world.has_class(args[0])
        return f(*args)
    f = depth.limit if f is sys.getrecursionlimit else f
    if isinstance(peek(f, "__self__"), LRU) and text(f, "__name__") == "cache_info":
        fail(TraceError, "cache_info() tells how often a function was called, which is another number at each call; "
                         "call it outside and pass the result as an argument")
    if is_repeated(f):
        result = f(*args, **kwargs)
        if not any(map(is_traced, given)):
            world.repeat(f, args, kwargs, result)
        return result
    name = name_of(f)
    if (known := on_data(f, args, kwargs)) is not None:
        return known
    refusal = moves_on(world, name, (*held_by(f), *given)) if world.for_effect is f else watched(world, f, name, given)
    before = None if is_c(f) else random_state()
    try:
        result = heard(name, f, args, kwargs)
    except TraceError as e:
        raise not_traced(f, e) from None
    except TypeError as e:
        if TracedArray.__name__ not in str(e) and not isinstance(f, type):
            raise
        refuse_traced(f, name, e, given)
        raise
    if refusal is not None and not (result is None and is_c(f)):
        raise refusal
    if before is not None and random_state() != before:
        refuse_random(name)
    if world.for_effect is not f and not isinstance(result, type) and may_ask_process(f, args, kwargs):
        again = f(*args, **kwargs)
        if alike(again, result):
            world.repeat(f, args, kwargs, again)
    if is_new(result) or (isinstance(result, type) and name in MAKING_CLASSES):
        world.made(result)
        current().frame.fresh[id(result)] = result
    return result


PURE = ("numpy", "scipy", "builtins")
"""Packages whose functions read nothing but what they are given; those that do are among `REPEATED`, or refused."""


def may_ask_process(f: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> bool:
    """Whether what a call gives may come from the environment, the directory, or what a module keeps: a library's
    function in Python that is given nothing else that changes, or one of C code that is given nothing."""
    function = f.__func__ if isinstance(f, types.MethodType) else f
    if text(function, "__module__").partition(".")[0] in PURE or is_own(function):
        return False
    if isinstance(function, types.FunctionType):
        return all(is_plain(x) or isinstance(x, NAMED) for x in (*held_by(f), *args, *kwargs.values()))
    owner = peek(f, "__self__")
    return isinstance(f, types.BuiltinFunctionType) and isinstance(owner, types.ModuleType) and not (args or kwargs)


NAMED = (type, types.FunctionType, types.ModuleType)


def on_data(f: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
    """What a function of SciPy's gives for arrays from outside, whose elements are then watched; None where some are
    traced otherwise, or none is."""
    given = (*args, *kwargs.values())
    if not is_of_library(f) or not any(map(is_traced, given)):
        return None
    from .calls import as_known
    from .known_elements import known_copies
    copies = known_copies((args, kwargs))
    if copies is None:
        return None
    world, name = outside(current()), name_of(f)
    args, kwargs = copies
    refusal = watched(world, f, name, (*args, *kwargs.values()))
    if refusal is not None:
        raise refusal
    before = random_state()
    try:
        result = heard(name, f, args, kwargs)
    except TraceError as e:  # a function among the arguments reads traced values
        raise not_traced(f, e) from None
    if random_state() != before:
        refuse_random(name)
    if is_new(result) and not isinstance(result, np.ndarray):
        world.made(result)
        current().frame.fresh[id(result)] = result
    return as_known(result)


LIBRARIES = ("scipy",)
"""Libraries whose functions may be called with known elements in the place of traced arrays: they compute, and do
nothing else."""


def is_of_library(f: Any) -> bool:
    owner = peek(f, "__self__")
    kind = type(f) if owner is None or isinstance(owner, types.ModuleType) else type(owner)
    modules = {text(f, "__module__"), text(kind, "__module__"), text(owner, "__module__"), text(owner, "__name__")}
    return any(m.partition(".")[0] in LIBRARIES for m in modules)


def refuse_random(name: str) -> None:
    fail(TraceError, f"{name} draws random numbers, which the compiled function would repeat at each call; call it "
                     f"outside and pass the result as an argument")


def refuse_traced(f: Any, name: str, e: TypeError, given: Iterable[Any]) -> None:
    """UnsupportedError where a library wants numbers of Python's, and got traced ones."""
    if any(map(is_traced, given)) and (TracedArray.__name__ in str(e) or f.__module__ in NUMBERS):
        fail(UnsupportedError, f"{name.removesuffix('()')} takes no traced value: it wants numbers that are known "
                               f"while gradjit compiles the function; compute with floats and arrays, or call it "
                               f"outside, with what is returned")


NUMBERS = ("fractions", "decimal", "datetime")
"""Modules with kinds of numbers of their own."""


def heard(name: str, f: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
    """`f(*args, **kwargs)`; TraceError if it has read or written a file, or asked another program."""
    process_settings.before_call(current().outermost.world, f)
    result, told = listened(f, args, kwargs)
    if told:
        fail(TraceError, f"{name} {told}; call it outside, and pass what it gives as an argument")
    return result


def not_traced(f: Any, e: TraceError) -> Exception:
    """The error for a library's function that wants the elements of a traced array."""
    is_function = isinstance(f, FUNCTIONS)
    module = (text(f if is_function else type(f), "__module__") or "builtins").partition(".")[0]
    asked = current().outermost.asked
    is_conversion = asked is not None and asked[0] is e and "converting it to an ndarray" in str(e)
    if not is_conversion or module in ("builtins", "gradjit"):
        return e
    name = function_name(f if is_function else type(f))
    _, *lines = str(e).split("\n")
    instead = as_primitive(name) if is_function else f"make it inside of the compiled function; or {as_primitive(name)}"
    remedy = f"{name} wants the elements of a traced array, which are not known yet; {instead}"
    return UnsupportedError("\n".join([remedy, *lines]))


def asks_class(f: Any, args: tuple[Any, ...]) -> bool:
    """Whether the class of the first argument alone decides: `type(x)`, `isinstance(x, C)` with ordinary classes."""
    if f is type:
        return len(args) == 1
    if f is not isinstance or len(args) != 2:
        return False
    classes = args[1] if isinstance(args[1], tuple) else (args[1],)
    return all(type(c) is type for c in classes) and type(args[0]).__dict__.get("__class__") is None


def is_new(result: Any) -> bool:
    """Whether nothing but the caller's own variable holds it: it was made by the call."""
    return not is_plain(result) and sys.getrefcount(result) <= NEW


def _count() -> int:
    def asked(result: Any) -> int:
        return sys.getrefcount(result)

    result: Any = list(range(2))
    return asked(result)


NEW = _count()
"""The references to an object that only one variable holds, as `is_new` counts them."""


def is_c(f: Any) -> bool:
    """Whether it is C code."""
    return not f.__flags__ & HEAP_TYPE if isinstance(f, type) else isinstance(f, C_CODE) or is_cython(f)


FUNCTIONS = (types.FunctionType, types.MethodType, types.BuiltinFunctionType, types.MethodDescriptorType,
             types.WrapperDescriptorType, type)
C_CODE = (types.BuiltinFunctionType, types.MethodDescriptorType, types.WrapperDescriptorType, types.MethodWrapperType,
          types.ClassMethodDescriptorType, np.ufunc)


def watched(world: Outside, f: Any, name: str, given: Iterable[Any]) -> TraceError | None:
    """Guard what a call may look at. The error, where that is not possible."""
    try:
        for x in (*held_by(f), *given):
            if is_plain(x) or isinstance(x, TracedArray) or (callable(x) and among(f, CALLING_BACK)):
                continue
            if isinstance(x, types.ModuleType):
                if not among(f, SHALLOW):
                    world.look_into(x.__dict__)
                continue
            if (refusal := moves_on(world, name, [x])) is not None:
                return refusal
            if is_c(f) or is_numpy(f) or among(f, SHALLOW):
                of_c_code(world, f, name, x)
            else:
                world.watch(x, name, follows=is_own(f))
    except TraceError as e:
        return e
    return None


def moves_on(world: Outside, name: str, given: Iterable[Any]) -> TraceError | None:
    """The error for a call that moves an iterator on."""
    try:
        for x in given:
            if is_iterator(x) and not world.is_fresh(x) and not is_of_package(type(x), "gradjit"):
                fail(TraceError, f"{name} moves on {described(x)} that was made outside, which the compiled function "
                                 f"cannot do at each call; make the iterator inside, or pass a list")
    except TraceError as e:
        return e
    return None


def held_by(f: Any) -> Iterator[Any]:
    """What a callable brings along: the object that it is a method of, its closure, itself if it is an instance."""
    owner = peek(f, "__self__")
    if isinstance(f, type):
        yield f
    elif isinstance(f, types.FunctionType):
        yield from (cell_content(c) for c in f.__closure__ or ())
    elif not isinstance(f, (*C_CODE, types.MethodType)) and not is_cython(f):
        yield f
    elif not isinstance(owner, (type, types.ModuleType)):
        yield owner


def is_numpy(f: Any) -> bool:
    return isinstance(f, types.FunctionType) and is_of_package(f, "numpy")


def of_c_code(world: Outside, f: Any, name: str, x: Any) -> None:
    """A function of C code gets x: a container is watched as it is, an instance with all that it may be asked for."""
    if isinstance(x, CONTAINERS) and not isinstance(x, np.ndarray):
        world.look_into(x)
        by_element = (among(f, BY_ELEMENT) or text(f, "__name__") in BY_ELEMENT_METHODS
                      or text(f, "__module__").partition(".")[0] in OF_NUMBERS)
        for item in items_within(x) if by_element and not isinstance(x, memoryview) else ():
            if is_user_class(type(item)) or type(item) is types.SimpleNamespace:
                world.watch(item, name)
    elif not (among(f, SHALLOW) or world.is_fresh(x) or (isinstance(x, type) and not is_user_class(x))):
        world.watch(x, name)


def random_state() -> Any:
    """Where the two generators stand that libraries draw from."""
    legacy: Any = getattr(np.random, "get_state")(legacy=False)  # noqa: B009 (it is asked for, not used)
    return legacy["state"]["pos"], legacy["state"]["key"].tobytes(), legacy["has_gauss"], random.getstate()


def name_of(f: Any) -> str:
    """A function as an error names it."""
    return f"{text(f, '__qualname__') or type(f).__qualname__}()"
