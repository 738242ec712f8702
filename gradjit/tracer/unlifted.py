"""Functions without source: their bytecode says which names from outside they read."""

from __future__ import annotations

import dis
import functools
import types

from .lift import is_user_code
from .outside import Source, is_data_array, outside
from .recorder import current


@functools.lru_cache(maxsize=1024)
def global_names(code: types.CodeType) -> tuple[str, ...]:
    """Names that the code, or code nested in it, reads as globals."""
    names = {i.argval for i in dis.get_instructions(code) if i.opname == "LOAD_GLOBAL"}
    for c in code.co_consts:
        if isinstance(c, types.CodeType):
            names.update(global_names(c))
    return tuple(sorted(names))


def guard_names(f: types.FunctionType) -> None:
    """Guard what the function, and those that it calls by name, read from outside.

    An array, which NumPy's protocols bring in, is read from where its name says.
    """
    world = outside(current())
    namespace = f.__globals__
    found = [(Source("item", namespace, n), namespace[n]) for n in global_names(f.__code__) if n in namespace]
    for name, cell in zip(f.__code__.co_freevars, f.__closure__ or (), strict=True):
        source = Source("cell", cell, label=name)
        value = source.read()
        if value is not source:
            found.append((source, value))
    for source, value in found:
        if is_data_array(value):
            world.place(value, source)
            continue
        world.enter(value, source)
        if isinstance(value, types.FunctionType) and is_user_code(value.__code__) and id(value) not in world.objects:
            world.objects[id(value)] = value
            guard_names(value)
