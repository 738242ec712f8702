"""Functions without source: their bytecode says which names from outside they read, and which attributes of those."""

from __future__ import annotations

import dis
import functools
import re
import types
from collections.abc import Iterator
from typing import Any

from ..errors import TraceError
from .calls import call
from .guards import ABSENT, Source, is_plain
from .lift import is_user_code
from .locations import fail
from .operands import captured
from .outside import Outside, is_data_array, outside
from .parts import parts
from .recorder import current

Chain = tuple[str, ...]
"""A name, and the attributes that are read of it one after the other."""
NAMES = ("LOAD_GLOBAL", "LOAD_NAME", "LOAD_DEREF", "LOAD_CLASSDEREF", "LOAD_FROM_DICT_OR_DEREF",
         "LOAD_FROM_DICT_OR_GLOBALS")
ATTRIBUTES = ("LOAD_ATTR", "LOAD_METHOD")


@functools.lru_cache(maxsize=1024)
def chains(code: types.CodeType) -> tuple[Chain, ...]:
    """The names that the code, or code nested in it, reads, with the attributes that it reads of them."""
    found: dict[Chain, None] = {}
    chain: Chain = ()
    for i in dis.get_instructions(code):
        if i.opname in NAMES:
            chain = (i.argval,)
        elif i.opname in ATTRIBUTES and chain:
            chain = (*chain, i.argval)
        else:
            chain = ()
        if chain:
            found[chain] = None
    for c in code.co_consts:
        if isinstance(c, types.CodeType):
            found.update(dict.fromkeys(chains(c)))
    return tuple(found)


def with_handles(f: types.FunctionType) -> types.FunctionType:
    """The function with the names that it reads guarded, and what they stand for as lifted code would see it: arrays,
    also those in lists and dicts, are hidden inputs, the user's functions are called by way of the tracer."""
    world = outside(current())
    world.runs(f)
    code = f.__code__
    if any(i.opname in STORES for i in dis.get_instructions(code)):  # what it binds must be bound in its own names
        guard_names(f)
        return f
    space = dict(f.__globals__)
    cells = dict(zip(code.co_freevars, f.__closure__ or (), strict=True))
    for name, *attributes in chains(code):
        for source in sources(name, f.__globals__, cells):
            value = source.read()
            if value is ABSENT:
                world.absent(source)
                continue
            seen = functools.partial(call, value) if FACTORY.match(name) else as_seen(world, value, source)
            if seen is value:
                guard_value(world, value, source, attributes)
            elif source.kind == "cell":
                cells[name] = types.CellType(seen)
            else:
                space[name] = seen
            break
    g = types.FunctionType(code, space, f.__name__, f.__defaults__, tuple(cells[n] for n in code.co_freevars))
    g.__kwdefaults__, g.__qualname__, g.__module__ = f.__kwdefaults__, f.__qualname__, f.__module__
    g.__dict__.update(f.__dict__)
    return g


FACTORY = re.compile(r"_dflt_|__dataclass_dflt_")
"""What the __init__ of a dataclass calls for fields with a default_factory."""
STORES = ("STORE_GLOBAL", "DELETE_GLOBAL", "STORE_DEREF", "DELETE_DEREF", "IMPORT_NAME")


def as_seen(world: Outside, value: Any, source: Source) -> Any:
    """What stands for a value from outside; the value itself where it may be seen as it is."""
    if is_data_array(value):
        return captured(value, source)
    if type(value) in (list, dict) and holds_arrays(value):
        world.enter(value, source)
        return filled(value)
    if isinstance(value, types.FunctionType) and is_user_code(value.__code__):
        world.enter(value, source)
        return functools.partial(call, value)
    return value


def holds_arrays(x: Any) -> bool:
    """Whether a list or dict holds nothing but arrays, plain values and such containers, and some array."""
    items = list(x.values()) if type(x) is dict else x
    fit = all(is_data_array(i) or is_plain(i) or (type(i) in (list, dict, tuple) and holds_arrays(i)) for i in items)
    return fit and any(not is_plain(i) for i in items)


def filled(x: Any) -> Any:
    """A copy of a container with handles in the place of arrays."""
    if is_data_array(x):
        return captured(x)
    if type(x) not in (list, dict, tuple):
        return x
    made = {k: filled(v) for k, v in x.items()} if type(x) is dict else type(x)(map(filled, x))
    outside(current()).copies.append((made, parts(made)))
    return made


def check_copies(world: Outside, name: str) -> None:
    """TraceError where a function without source has changed a container from outside, of which it got a copy."""
    for made, held in world.copies:
        now = parts(made) or ()
        if len(now) != len(held) or any(a is not b for a, b in zip(now, held, strict=True)):
            fail(TraceError, f"{name} changes a {type(made).__name__} that it captures; a compiled function runs its "
                             f"Python code only once, so it must not change things outside: return the new value")


def guard_names(f: types.FunctionType) -> None:
    """Guard what the function, and those that it calls by name, read from outside.

    An array, which NumPy's protocols bring in, is read from where its name says.
    """
    world = outside(current())
    if f in world.followed:
        return
    world.followed.add(f)
    world.runs(f)
    cells = dict(zip(f.__code__.co_freevars, f.__closure__ or (), strict=True))
    guard_code(f.__code__, f.__globals__, cells)


def guard_code(code: types.CodeType, namespace: dict[str, Any], cells: dict[str, types.CellType] | None = None) -> None:
    """The same for code that is run with these global names and cells."""
    world = outside(current())
    for name, *attributes in chains(code):
        for source in sources(name, namespace, cells or {}):
            value = source.read()
            if value is ABSENT:
                world.absent(source)
                continue
            guard_value(world, value, source, attributes)
            break


def sources(name: str, namespace: dict[str, Any], cells: dict[str, types.CellType]) -> Iterator[Source]:
    """The places where Python looks a name up."""
    if name in cells:
        yield Source("cell", cells[name], label=name)
        return
    yield Source("item", namespace, name)
    builtins = namespace.get("__builtins__", {})
    yield Source("item", builtins.__dict__ if isinstance(builtins, types.ModuleType) else builtins, name)


def guard_value(world: Outside, value: Any, source: Source, attributes: list[str]) -> None:
    """What a name stands for: an array is read from there, a function followed, an object watched."""
    from .attributes import read
    if is_data_array(value):
        world.place(value, source)
        return
    world.enter(value, source)
    if isinstance(value, types.FunctionType):
        if is_user_code(value.__code__):
            guard_names(value)
    elif isinstance(value, (types.ModuleType, type)):
        for name in attributes:
            try:
                value = read(value, name)
            except AttributeError:
                break
    else:
        world.watch(value, "a function without source")
