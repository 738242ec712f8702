"""Data classes that are quick to define: there are near two hundred, and each import of gradjit defines them.

The standard library writes and compiles the text of each method of each class. Here `__init__` alone is made so;
comparison, hash and display are functions that all classes share. `frozen` is held by the type checker, and gives a
hash; while the program runs, nothing stops an assignment (and nothing slows one down in `__init__`).
"""

from __future__ import annotations

import dataclasses
import reprlib
from collections.abc import Callable
from operator import attrgetter
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from dataclasses import dataclass
else:
    def dataclass(cls: type | None = None, /, *, eq: bool = True, frozen: bool = False) -> Any:
        """`dataclasses.dataclass`, of which `fields`, `replace` and the others take what it makes."""
        if cls is None:
            return lambda cls: _made(cls, eq, frozen)
        return _made(cls, eq, frozen)


def _made(cls: Any, eq: bool, frozen: bool) -> Any:
    own = dict(vars(cls))
    has_hash = own.get("__hash__") is not None or ("__hash__" in own and "__eq__" not in own)
    cls.__doc__ = cls.__doc__ or cls.__name__  # else the signature is inspected, to make one
    dataclasses.dataclass(cls, repr=False, eq=False)
    if "__repr__" not in own:
        cls.__repr__ = _shown
    if eq:
        fields = dataclasses.fields(cls)
        if "__eq__" not in own:
            cls.__eq__ = _equality(_values([f.name for f in fields if f.compare]))
        if not has_hash:
            hashed = [f.name for f in fields if (f.compare if f.hash is None else f.hash)]
            cls.__hash__ = _hash(_values(hashed)) if frozen else None
    return cls


def _values(names: list[str]) -> Callable[[Any], tuple[Any, ...]]:
    """What gives the values of some attributes, as a tuple."""
    if len(names) > 1:
        return attrgetter(*names)
    return lambda x: tuple(getattr(x, name) for name in names)


def _equality(values: Callable[[Any], tuple[Any, ...]]) -> Callable[[Any, Any], bool]:
    def __eq__(self: Any, other: Any) -> bool:
        return values(self) == values(other) if other.__class__ is self.__class__ else NotImplemented

    return __eq__


def _hash(values: Callable[[Any], tuple[Any, ...]]) -> Callable[[Any], int]:
    def __hash__(self: Any) -> int:
        return hash(values(self))

    return __hash__


@reprlib.recursive_repr()
def _shown(self: Any) -> str:
    shown = (f"{f.name}={getattr(self, f.name)!r}" for f in dataclasses.fields(self) if f.repr)
    return f"{type(self).__qualname__}({', '.join(shown)})"
