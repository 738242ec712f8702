"""Calls in lifted code: what the tracer answers itself, which functions are lifted in turn, which run as they are."""

from __future__ import annotations

import collections
import contextlib
import copy
import functools
import io
import itertools
import operator
import types
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from typing import Any

import numpy as np

from ..probe import class_name, has_dict, is_of, is_of_package, peek, text
from . import dispatch, grown, hidden_state, opaque, overrides, patience, structures
from .ambient import note_printing
from .array import ARRAY, TracedArray, root
from .control import recursion
from .control.frames import Frame, before_change, is_container
from .control.iterables import IndexedIterator
from .control.iterators import OF_ARRAYS, Progress, bar
from .control.states import by_options, is_something, needed, presence, surely
from .foreign import look_at_elements
from .guards import ABSENT, Source, is_plain, lookup
from .layout import of_array
from .leaks import call_later, is_effect, refuse_keeping
from .lift import is_product, is_user_code, lifted
from .masked_selection import elements_of, holds_selection
from .operands import as_traced, brought, captured, is_born, is_traced, laid
from .outside import described, is_data_array, is_user_class, outside
from .parts import HEAP_TYPE, cell_content, is_iterator, items_within, parts
from .perhaps import OneOf, Perhaps, Unset
from .recognised import called_by, is_compiled, is_liftable, is_numpy, library_rule, of_numba, solver_of
from .recorder import current, recorders
from .sparse import Sparse, matrix_of

Rule = Callable[..., Any]


def is_wrapper_outside(x: Any) -> bool:
    """Whether x is a UserList or UserDict from outside, of no class of the user's: as any object of a library's, its
    methods are called when the compiled function runs."""
    return type(x) in (collections.UserList, collections.UserDict) and not outside(current()).is_fresh(x)


def is_followed(method: types.MethodType) -> bool:
    """Whether a method's function is what is called, with the object in front."""
    f = method.__func__
    if is_compiled(f) or type(f) is opaque.LRU or getattr(f, "__code__", None) is _MANAGING:
        return True
    return is_liftable(f) and not is_wrapper_outside(method.__self__)


def call(f: Any, /, *args: Any, **kwargs: Any) -> Any:
    """`f(*args, **kwargs)` as lifted code makes it."""
    if not recorders():  # a function that was kept, called when nothing is traced any more
        return f(*args, **kwargs)
    kind = type(f)
    given = (*args, *kwargs.values())
    if any(isinstance(x, (OneOf, Perhaps)) for x in given) and not hands_on(f) and told(f) is None:
        if any(isinstance(x, OneOf) for x in given):
            return by_options(args, kwargs, functools.partial(call, f))
        take = needed if opaque.among(f, OF_NUMBERS) or kind is np.ufunc or text(f, "__module__") == "math" else surely
        return call(f, *map(take, args), **{k: take(v) for k, v in kwargs.items()})
    if holds_selection((*args, *kwargs.values())) and not (is_liftable(f) or kind is np.ufunc or is_numpy(f)):
        args, kwargs = tuple(map(elements_of, args)), {k: elements_of(v) for k, v in kwargs.items()}
    if is_compiled(f):
        return f.inline_while_tracing(*args, **kwargs)
    if (rule := library_rule(f)) is not None and (is_traced(given) or draws_from(given)):
        return dispatch.leave(dispatch.run(rule, f, args, kwargs))
    if (solver := solver_of(f)) is not None:
        return solver(*args, **kwargs)
    if kind is types.FunctionType:
        if f.__code__ is _DISPATCHING and args:
            return call_dispatched(f, args, kwargs)
        if f.__code__ is _MANAGING:
            return managed(f, args, kwargs)
        if is_numpy(f):
            return call_numpy(f, args, kwargs)
        if (said := told(f)) is not None:
            return said(*args, **kwargs)
        if (rule := bar(f) or of_standard_library(f, args)) is not None:
            return rule(*args, **kwargs)
        return call_user(f, args, kwargs) if is_user_code(f.__code__) else as_it_is(f, args, kwargs)
    if kind is types.MethodType:
        if is_followed(f):
            return call(f.__func__, f.__self__, *args, **kwargs)
        if (said := told(f) or special_methods().of_stack(f)) is not None:
            return said(*args, **kwargs)
        return as_it_is(f, args, kwargs)
    if kind is types.MethodWrapperType and f.__name__ == "__call__" and isinstance(f.__self__, type):
        return instance(f.__self__, args, kwargs)
    if (asked := asked_of(f, args, kwargs)) is not None:
        return asked()
    if kind is types.BuiltinFunctionType:
        structures.before_call(f, args)
        if is_look_up(f, args) and not kwargs:
            return f(*args)
        if (said := told(f)) is not None:
            return said(*args, **kwargs)
        if (found := grown.of_method(f, args, kwargs)) is not None:
            return found()
        if type(f.__self__) in (str, list) and (made := method_of(f, args, kwargs)) is not None:
            return made()
        if type(f.__self__) is np.ufunc and f.__name__ != "at":  # it asks arrays, no lists of them (`at` takes indices)
            args = tuple(as_traced(a) if isinstance(a, (list, tuple)) and is_traced(a) else a for a in args)
    return call_object(f, args, kwargs)


def is_look_up(f: types.BuiltinFunctionType, args: tuple[Any, ...]) -> bool:
    """Whether it looks for a number, text, or tuple of such, in a dict that the function has made: nothing is to be
    watched, however much that holds."""
    if f is operator.contains and len(args) == 2:
        owner, key = args
    elif f.__name__ == "get" and args:
        owner, key = f.__self__, args[0]
    else:
        return False
    return type(owner) is dict and is_plain(key) and outside(current()).is_fresh(owner)


def draws_from(given: Iterable[Any]) -> bool:
    """Whether a library's function gets a random generator, whose state moves on."""
    return any(is_of(x, "numpy.random", "Generator") for x in given)


OF_NUMBERS: frozenset[Any] = frozenset({float, int, complex, abs, round, len, sum, min, max, sorted, divmod, pow})
"""Builtins that have a TypeError for None."""


def hands_on(f: Any) -> bool:
    """Whether a function takes what may be None as it is: the user's own, methods that put things into lists and dicts,
    exceptions, which keep it."""
    if isinstance(f, type):
        return is_user_class(f) or issubclass(f, BaseException)
    if f is print or (text(f, "__name__") == "__init__" and isinstance(peek(f, "__self__"), BaseException)):
        return True
    if type(f) is types.BuiltinFunctionType:
        return type(f.__self__) in (list, deque) and f.__name__ in ("append", "appendleft", "insert", "extend")
    return is_liftable(f.__func__ if type(f) is types.MethodType else f)


def puts_into(f: Any) -> bool:
    """Whether it is a method that puts its argument, as it is, into a list, deque or dict."""
    return type(f) is types.BuiltinFunctionType and type(f.__self__) in (list, deque, dict) and f.__name__ in (
        "append", "appendleft", "insert", "setdefault")


KEEPING: frozenset[Any] = frozenset({functools.partial, types.SimpleNamespace, itertools.repeat})
"""Classes of Python's own that keep what they are given."""


def passes_on(f: Any) -> bool:
    """Whether it gives a list to code of the user's, or keeps it, as it is: who has it under another name sees what is
    done to it."""
    if isinstance(f, functools.partial) or type(f) is opaque.LRU or attributes().special(f, "__call__") is not None:
        return True
    if not isinstance(f, type):
        return False
    if opaque.among(f, KEEPING) or issubclass(f, BaseException):
        return True
    made_by = [m for name in ("__init__", "__new__") if isinstance(m := getattr(f, name), types.FunctionType)]
    return bool(made_by) and all(is_liftable(m) or m.__code__.co_filename == "<string>" for m in made_by)


def call_object(f: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
    """A call of a builtin, a class, a universal function, or another object that can be called."""
    kind = type(f)
    if opaque.among(f, special_methods().ITERATING) or f in (reversed, itertools.pairwise):
        args = tuple(map(special_methods().unwrapped, args))
    one_by_one = grown.ONE_BY_ONE.get(f) if isinstance(f, grown.BUILTIN) else None
    if one_by_one is not None and (found := one_by_one(*args, **kwargs)) is not None:
        return noted(f, found, args, kwargs)
    if any(map(grown.is_grown, args)) and not is_numpy(f):
        if f is list:
            return grown.copied(args[0])
        if not (opaque.among(f, grown.AWARE) or puts_into(f) or opaque.among(f, ordered_lists().RULES) or passes_on(f)):
            if opaque.among(f, structures.CHANGING_FIRST) and grown.is_grown(args[0]):
                before_change(args[0])
                grown.whole_again(args[0], f"{f.__name__}()")
            args = tuple(grown.arguments(f, args))
    if opaque.among(f, special_methods().ITERATING) and not (f in (min, max) and len(args) > 1):
        calls = opaque.among(f, CALLING_FIRST)
        args = tuple(a if grown.is_grown(a) or (calls and not k) or is_function(a) else special_methods().iterated(a)
                     for k, a in enumerate(args))
    handler = intercept(f)
    if handler is not None and (f not in (isinstance, type) or stands_for_another(args[:1])):
        if recorders()[-1].frame.logs_containers:
            watch(recorders()[-1].frame, f, args)
        return noted(f, handler(*args, **kwargs), args, kwargs)
    if kind is functools.partial:
        world = outside(current())
        if text(f.func, "__module__").startswith("gradjit."):  # a method of a traced array
            watch_numbers("a method of an array", (*args, *kwargs.values()))
        else:
            world.look_into(f)
        return call(f.func, *f.args, *args, **{**f.keywords, **kwargs})
    if kind is opaque.LRU and is_traced((*args, *kwargs.values())):
        for x in (*args, *kwargs.values()):
            if isinstance(x, TracedArray) and x.kind == ARRAY:
                hash(x)  # the error that the cache would have given
        return call(f.__wrapped__, *args, **kwargs)
    if kind is opaque.LRU and any(has_dict(x) and outside(current()).is_fresh(x) for x in args):
        return once(f, args, kwargs)
    if kind is np.vectorize and is_traced((*args, *kwargs.values())):
        from .control.folding import vectorized
        return vectorized(f, args, kwargs)
    if (python := of_numba(f)) is not None and is_traced((*args, *kwargs.values())):
        return call(python, *args, **kwargs)
    if kind is types.MethodDescriptorType and f.__objclass__ is np.ndarray and isinstance(args[0], TracedArray):
        return call(getattr(args[0], f.__name__), *args[1:], **kwargs)
    if kind is np.ufunc or is_numpy(f):
        return call_numpy(f, args, kwargs)
    if isinstance(f, type) and is_of_package(f, "numpy") and (rule := of_kinds(f, args, kwargs)) is not None:
        return rule(*args, **kwargs)
    if isinstance(f, type) and f in OF_ARRAYS and is_traced(args[:1]):
        return OF_ARRAYS[f](*args, **kwargs)
    if isinstance(f, type):
        return construct(f, args, kwargs) if (rule := bar(f)) is None else rule(*args, **kwargs)
    method = called_by(kind)
    if attributes().special(f, "__call__") is not None or is_compiled(method):
        return call(method, f, *args, **kwargs)
    return as_it_is(f, args, kwargs)


def once(f: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
    """What a function with a cache gives for objects that the function has made, which may hold traced values: the
    cache is that of the region, where the values are in scope, and ends with it."""
    r = recorders()[-1]
    key = LRU_CALL, id(f), args, tuple(kwargs.items())
    frame: Frame | None = r.frame
    while frame is not None:
        if key in frame.calls:
            return frame.calls[key]
        frame = frame.parent
    around = r.frame
    found = call(f.__wrapped__, *args, **kwargs)
    if r.frame is around:
        around.calls[key] = found
    return found


LRU_CALL = "lru_cache"
CALLING_FIRST: frozenset[Any] = frozenset({map, filter, functools.reduce, itertools.starmap})
"""Builtins that call their first argument."""


def is_function(x: Any) -> bool:
    """Whether it is a function, or a class that is nothing to iterate over."""
    return isinstance(x, opaque.FUNCTIONS) and not (
        isinstance(x, type) and attributes().special(x, "__iter__") is not None)


def stands_for_another(args: tuple[Any, ...]) -> bool:
    """Whether the first of them is an object of the tracer's, in the place of one of another type."""
    return bool(args) and (isinstance(args[0], TracedArray) or hasattr(type(args[0]), "stands_for"))


def method_of(f: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Callable[[], Any] | None:
    """What a method of a text or list does, where traced values are looked at; None for Python's own."""
    if type(f.__self__) is list:
        from .standard_library import of_list
        return of_list(f, args, kwargs)
    from .texts import of_method
    made = of_method(f, args, kwargs)
    return None if made is None else lambda: made


def told(f: Any) -> Rule | None:
    """The rule of a function that tells the user something: of `logging` or `warnings`."""
    if text(f, "__module__") not in ("logging", "warnings", "_warnings"):
        return None
    from .telling import of_library
    return of_library(f)


def of_standard_library(f: Any, args: tuple[Any, ...]) -> Rule | None:
    """The rule of a function of Python's own library that looks at numbers."""
    if f.__module__ not in ("statistics", "copy", "heapq"):
        return None
    from .standard_library import FROM_HEAPS, deep_copy, of_statistics
    if f.__module__ == "heapq":
        return FROM_HEAPS.get(f.__name__)
    if f is copy.copy:
        return grown.copied if grown.is_grown(args[0]) else None
    return (deep_copy if f is copy.deepcopy else None) if f.__module__ == "copy" else of_statistics(f, args)


def attributes() -> Any:
    from . import attributes
    return attributes


def ordered_lists() -> Any:
    from . import ordered_lists
    return ordered_lists


def special_methods() -> Any:
    from . import special_methods
    return special_methods


_DISPATCHING = getattr(functools.singledispatch(lambda x: x), "__code__")  # noqa: B009 (typeshed has it not)


def call_dispatched(f: Any, args: Any, kwargs: Any) -> Any:
    """A function by `functools.singledispatch`: the one that is registered for the class of the first argument."""
    from .builtin_functions import stand_in
    world = outside(current())
    cls = stand_in(args[0]) if isinstance(args[0], TracedArray) else type(args[0])
    world.has_class(args[0])
    chosen = f.dispatch(cls)
    world.repeat(f.dispatch, (cls,), {}, chosen)
    return call(chosen, *args, **kwargs)


_MANAGING = contextlib.contextmanager(lambda: iter(())).__code__


def managed(f: Any, args: Any, kwargs: Any) -> Any:
    """A call of a function by `contextlib.contextmanager`: the generator function in it is the user's own."""
    (cell,) = f.__closure__
    manager: Any = contextlib._GeneratorContextManager(as_user(cell.cell_contents), args, kwargs)
    structures.made(manager.gen)
    return structures.made(manager)


def asked_of(f: Any, args: Any, kwargs: Any) -> Callable[[], Any] | None:
    """What a builtin asks an object of the user's for, where it reads attributes or calls special methods."""
    if opaque.among(f, READING) and 1 <= len(args) <= 3 and not kwargs:
        return functools.partial(READING_RULES[f], *args)
    return special_methods().of_builtin(f, args) if not kwargs else None


def _getattr(owner: Any, name: str, *default: Any) -> Any:
    if default and isinstance(found := peek(owner, name), Unset) and lookup(type(owner), name) is ABSENT:
        return surely(found) if presence(found) is not False else default[0]
    try:
        return attributes().read(owner, name)
    except AttributeError:
        if default:
            return default[0]
        raise


def _hasattr(owner: Any, name: str) -> Any:
    if isinstance(found := peek(owner, name), Unset) and lookup(type(owner), name) is ABSENT:
        return is_something(found)
    try:
        attributes().read(owner, name)
    except AttributeError:
        return False
    return True


READING_RULES: dict[Any, Rule] = {
    getattr: _getattr, hasattr: _hasattr,
    object.__getattribute__: lambda owner, name: attributes().read_plainly(owner, name),
    vars: lambda owner: attributes().read(owner, "__dict__"),
}
READING = frozenset(READING_RULES)
"""Builtins that read attributes."""


def noted(f: Any, result: Any, args: Any, kwargs: Any) -> Any:
    """The result of a builtin that the tracer has a rule for, which was given ordinary values, too."""
    world, frame = outside(current()), recorders()[-1].frame
    note_printing(world, f, args)
    given = (*args, *kwargs.values())
    for x in given:
        look_at_elements(x)
    refusal = opaque.watched(world, f, opaque.name_of(f), given)
    if refusal is not None:
        raise refusal
    if isinstance(result, Iterator):
        world.made(result)
        if all(frame.is_fresh(x) for x in given if isinstance(x, Iterator)):
            frame.fresh[id(result)] = result
    return result


def call_for_effect(f: Any, /, *args: Any, **kwargs: Any) -> Any:
    """The same where nothing depends on the result."""
    if not recorders():
        return f(*args, **kwargs)
    world = outside(current())
    world.for_effect = f
    try:
        return call(f, *args, **kwargs)
    finally:
        world.for_effect = None


def as_it_is(f: Any, args: Any, kwargs: Any) -> Any:
    """A function of a library, or a builtin, run by Python."""
    frame, world = recorders()[-1].frame, outside(current())
    if is_of(owner := peek(f, "__self__"), "numpy.random", "Generator"):
        from . import random_streams
        if random_streams.is_stream(owner, (*args, *kwargs.values())):
            return random_streams.draw(owner, text(f, "__name__"), args, kwargs)
    refuse_keeping(owner, text(f, "__name__"), (*args, kwargs) if kwargs else args, world.for_effect is f)
    if is_effect(f):
        return call_later(f, args, kwargs)
    if frame.logs_containers:
        watch(frame, f, args)
    if type(getattr(f, "__self__", None)) is not Sparse:
        args, kwargs = tuple(map(matrix_of, args)), {k: matrix_of(v) for k, v in kwargs.items()}
    if not hidden_state.refuse(f, args, kwargs, world.seeded):
        result = born(opaque.run(world, f, args, kwargs))
        if isinstance(result, Iterator) or (isinstance(f, type) and not isinstance(result, type)):
            frame.fresh[id(result)] = result
            world.made(result)
        for part in result if f is itertools.tee else ():
            frame.fresh[id(part)] = part
            world.made(part)
        return result
    if frame.parent is not None and not isinstance(f, type) and frame.is_fresh(peek(f, "__self__")) is False:
        frame.refuse("random numbers are drawn while gradjit compiles the function")
    copies = [np.array(a) if isinstance(a, TracedArray) else a for a in args]
    result = f(*copies, **kwargs)
    for a, b in zip(args, copies, strict=True):  # shuffle
        if isinstance(a, TracedArray) and not np.array_equal(np.asarray(a), b):
            a[...] = b
    if hidden_state.is_generator(result):
        world.seeded[id(result)] = result
    from . import random_streams
    random_streams.made_inside(result)
    random_streams.drawn_as_known(peek(f, "__self__"))
    world.made(result)
    return as_known(result)


def watch(frame: Frame, f: Any, args: Any) -> None:
    """Inside of a region: what a builtin or library function may change is noted before."""
    owner = peek(f, "__self__")
    if is_container(owner):
        frame.before_change(owner)
    watch_iterators(frame, f, owner, args)
    if f is setattr or f is delattr:
        frame.before_change(args[0])
    if not isinstance(f, types.FunctionType) or not is_user_code(f.__code__):
        note_objects(frame, f, (owner, *args))
    for a in args:
        for x in (a, peek(a, "__self__")):
            if is_container(x):
                frame.before_change(x)


def watch_iterators(frame: Frame, f: Any, owner: Any, args: Iterable[Any]) -> None:
    """A call inside of a region moves on what was made outside of it, which would be done once for all iterations."""
    name = text(f, "__name__")
    if isinstance(owner, set) and name == "pop" and not frame.is_fresh(owner):
        frame.refuse("pop() takes any item of a set that was made outside")
    if opaque.among(f, opaque.SHALLOW) or (is_container(owner) and name in PUTTING):
        return
    for x in (owner, *args):
        if is_iterator(x) and not frame.is_fresh(x) and not isinstance(x, Progress):
            what = "iterator" if isinstance(x, IndexedIterator) else class_name(type(x))
            frame.refuse(f"{name or 'a call'}() may change where the {what} stands that was made outside")


PUTTING = frozenset({"append", "appendleft", "insert", "setdefault", "index", "count", "remove"})
"""Methods of containers that keep an item as it is, or look for it."""


# user functions -----------------------------------------------------------------------------------------------------
def call_user(f: types.FunctionType, args: Any, kwargs: Any) -> Any:
    """A function of the user's own, lifted."""
    outside(current()).for_effect = None
    current().runs_user_code = True
    patience.look()
    new, frame = run_user(f), recorders()[-1].frame
    is_unlifted = new.__code__ is f.__code__ and not is_product(f.__code__)
    if is_unlifted:
        watch_objects(f, (*args, *kwargs.values()))
    if is_unlifted and frame.logs_containers:
        for x in objects_within((*args, *kwargs.values(), *map(cell_content, f.__closure__ or ()))):
            frame.before_change(x)
        watch(frame, f, (*args, *(Source("cell", cell).read() for cell in f.__closure__ or ())))
    plain = functools.partial(recursion.run, f, new, args, kwargs) if recursion.is_of_itself(f) else (
        functools.partial(new, *args, **kwargs))
    repeated = recorders()[-1].repeated
    result = plain() if repeated is None else repeated.run(f, new, args, kwargs, plain)
    if isinstance(result, types.GeneratorType):
        frame.fresh[id(result)] = result
        outside(current()).made(result)
    return result


STORING = frozenset({"__init__", "__new__", "__post_init__"})
"""Methods that keep what they are given."""


def watch_objects(f: types.FunctionType, given: Iterable[Any]) -> None:
    """What a function without source may read of objects, which is not seen."""
    for x in items_within(tuple(given)) if f.__name__ not in STORING else ():
        if not (is_plain(x) or isinstance(x, OPEN) or is_of_package(type(x), "gradjit")):
            outside(current()).watch(x, f.__qualname__)


def note_objects(frame: Frame, f: Any, given: Iterable[Any]) -> None:
    """What a library's code may change of objects, those that they hold among them. One that cannot be looked into
    may not be asked for anything."""
    owner = peek(f, "__self__")
    if type(f) is types.BuiltinFunctionType and not frame.is_fresh(owner) and isinstance(owner, OPAQUE):
        frame.refuse(f"{opaque.name_of(f)} may change {described(owner)}")
    for x in objects_within(given):
        frame.before_change(x)


def note_parts(owner: Any) -> None:
    """Before an item of a library's object is changed by the object's own code: what it holds in attributes changes."""
    if recorders() and recorders()[-1].frame.logs_containers and type(owner).__flags__ & HEAP_TYPE:
        for x in objects_within((owner,)):
            recorders()[-1].frame.before_change(x)


OPAQUE = (io.IOBase,)
"""What holds something that cannot be looked at without a change."""


def objects_within(given: Iterable[Any]) -> Iterator[Any]:
    """The objects of classes that can be reached from what a function is given."""
    todo, seen = list(given), set[int]()
    while todo:
        x = todo.pop()
        if id(x) in seen or is_plain(x) or isinstance(x, OPEN) or is_of_package(type(x), "gradjit"):
            continue
        seen.add(id(x))
        if type(x).__flags__ & HEAP_TYPE or is_container(x):
            yield x
        todo += parts(x) or ()


OPEN = (TracedArray, np.ndarray, types.FunctionType, types.BuiltinFunctionType, types.ModuleType, type)
"""What is looked into by other ways."""


def run_user(f: types.FunctionType) -> types.FunctionType:
    """The lifted function; where there is no source, the function itself, with its globals and cells guarded."""
    from .hooks import Hooks
    new = lifted(f, Hooks, recorders()[-1].outermost.flagged if recorders() else frozenset())
    if not is_product(f.__code__):
        outside(current()).runs(f)
    if new is f and not is_product(f.__code__):
        from .unlifted import with_handles
        return with_handles(f)
    return new


def as_user(f: Any) -> Any:
    """For a library that calls back: what is the user's own is called as lifted code would."""
    if is_liftable(f):
        new = run_user(f)
        return new if new.__code__ is not f.__code__ or is_product(f.__code__) else functools.partial(call, f)
    by_call = isinstance(f, (functools.partial, types.MethodType)) or attributes().special(f, "__call__") is not None
    return functools.partial(call, f) if by_call else f


def construct(cls: type, args: Any, kwargs: Any) -> Any:
    """An instance of a class: by its metaclass, if that says how; of a plain user class `__init__` is lifted."""
    if (making := attributes().special(cls, "__call__")) is not None:
        return call(making, cls, *args, **kwargs)
    return instance(cls, args, kwargs)


def instance(cls: type, args: Any, kwargs: Any) -> Any:
    """What `type.__call__` makes."""
    init, new = getattr(cls, "__init__"), getattr(cls, "__new__")  # noqa: B009 (of the class itself: not an instance's)
    is_exception = issubclass(cls, Exception) and type(new) is types.BuiltinFunctionType and new is not OSError.__new__
    if (new is object.__new__ or is_exception) and is_liftable(init):
        obj: Any = object.__new__(cls) if new is object.__new__ else new(cls, *args)
        recorders()[-1].frame.fresh[id(obj)] = obj
        outside(current()).made(obj)
        outside(current()).has_member(cls, "__init__", init)
        call(init, obj, *args, **kwargs)
        return obj
    return as_it_is(cls, args, kwargs)


# NumPy --------------------------------------------------------------------------------------------------------------
KINDS: list[Callable[[Any, tuple[Any, ...], dict[str, Any]], Rule | None]] = []
"""Kinds of arrays that are made of others: each says by which rule it is that NumPy's function makes, or takes, one of
them. They stand here themselves."""


def of_kinds(f: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Rule | None:
    return next((rule for kind in KINDS if (rule := kind(f, args, kwargs)) is not None), None)


BORN: list[Callable[[Any], Any]] = []
"""The same for what NumPy has made of known numbers: each gives what stands for it, or it itself."""


def born(result: Any) -> Any:
    if isinstance(result, np.ndarray) and type(result) is not np.ndarray and is_born(result):
        for kind in BORN:
            result = kind(result)
    return result


WITH_CONTENTS = {np.empty: np.zeros, np.empty_like: np.zeros_like}
"""What stands in new memory by chance is no part of a program: it would be another one each time."""


def call_numpy(f: Any, args: Any, kwargs: Any) -> Any:
    """A NumPy function: on concrete arguments NumPy itself, whose new arrays are then known; else its rule."""
    args = tuple(map(entered, args))
    kwargs = {k: entered(v) for k, v in kwargs.items()}
    note_printing(outside(current()), f, args)
    if (rule := of_kinds(f, args, kwargs)) is not None:
        return rule(*args, **kwargs)
    if not is_traced((*args, *kwargs.values())):
        if opaque.is_repeated(f):
            return opaque.run(outside(current()), f, args, kwargs)
        refusal = opaque.watched(outside(current()), f, opaque.name_of(f), (*args, *kwargs.values()))
        if refusal is not None:
            raise refusal
        result = opaque.heard(opaque.name_of(f), WITH_CONTENTS.get(f, f), tuple(map(as_user, args)), kwargs)
        if isinstance(result, np.ndarray) and type(result) is not np.ndarray and opaque.is_new(result):
            outside(current()).made(result)  # a record array
        return brought(born(result))
    watch_numbers(opaque.name_of(f), (*args, *kwargs.values()))
    if isinstance(f, np.ufunc):
        from .ufuncs import call as call_ufunc
        return as_asked(f, args, kwargs) if overrides.has_ufunc(args) else call_ufunc(f, args, **kwargs)
    if overrides.has_function((*args, *kwargs.values())):
        return as_asked(f, args, kwargs)
    return dispatch.apply(f, args, kwargs)


ASKED = ("__index__", "__bool__", "__len__", "__iter__")
"""Methods by which NumPy's functions ask an axis, a shape, a flag what it is."""


def watch_numbers(name: str, given: Iterable[Any]) -> None:
    """Objects that are asked for a number or a row of numbers, where a traced array stands beside them."""
    for x in given:
        if isinstance(x, (tuple, list)):
            watch_numbers(name, x)
        elif type(x).__flags__ & HEAP_TYPE and not isinstance(x, (TracedArray, type)) and isinstance(
                next((m for a in ASKED if (m := lookup(type(x), a)) is not ABSENT), None), types.FunctionType):
            if lookup(type(x), "__array__") is ABSENT:
                outside(current()).watch(x, name)


def as_asked(f: Any, args: Any, kwargs: Any) -> Any:
    """A NumPy function that asks its arguments: what those of the user's own hold is watched."""
    for x in (*args, *kwargs.values()):
        if not isinstance(x, TracedArray):
            outside(current()).watch(x, opaque.name_of(f))
    return f(*args, **kwargs)


def entered(x: Any) -> Any:
    """An argument with the arrays in its lists as hidden inputs."""
    look_at_elements(x)
    if grown.is_grown(x):
        return grown.as_operand(x)
    if is_data_array(x):
        return captured(x)
    if type(x) is deque and outside(current()).is_fresh(x):
        return entered(list(x))
    if type(x) in (list, tuple) and holds_arrays(x):
        return type(x)(map(entered, x))
    if not any(hasattr(type(x), name) for name in ("__array_ufunc__", "__array_function__")):
        if (method := attributes().special(x, "__array__")) is not None:
            return call(method, x)
    return x


def holds_arrays(x: Any) -> bool:
    return any(is_data_array(i) or (type(i) in (list, tuple) and holds_arrays(i)) for i in x)


def as_known(result: Any) -> Any:
    """What NumPy gives for known elements, as handles that know theirs, so that they can be written to and mixed."""
    if is_data_array(result):
        return laid(root(result, None, ARRAY), of_array(result))
    if type(result) in (list, tuple) and holds_arrays(result):
        return type(result)(map(as_known, result))
    return result


# what the tracer answers itself -------------------------------------------------------------------------------------
@functools.cache
def _own_rules() -> dict[Any, Rule]:
    """Rules by function object."""
    from . import builtin_functions, math_functions
    return {**builtin_functions.RULES, **math_functions.RULES}


def intercept(f: Any) -> Rule | None:
    """The rule of a builtin or a function of `math`."""
    try:
        return _own_rules().get(f)
    except TypeError:  # not hashable
        return None
