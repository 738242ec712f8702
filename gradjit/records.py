"""Data classes that are quick to define: there are near two hundred, and each import of gradjit defines them.

The standard library writes and compiles the text of each method of each class. Here `__init__` is the code of one
that has been compiled, with other names in it: one for each form (how many fields, which of them are made by a
factory); comparison, hash and display are functions that all classes share. What `dataclasses.fields`, `replace` and
the others read is made when it is first read. `frozen` is held by the type checker, and gives a hash; while the
program runs, nothing stops an assignment (and nothing slows one down in `__init__`).
"""

from __future__ import annotations

import dataclasses
import reprlib
from collections.abc import Callable, Sequence
from operator import attrgetter
from types import CodeType, FunctionType
from typing import TYPE_CHECKING, Any, NamedTuple

if TYPE_CHECKING:
    from dataclasses import dataclass
else:
    def dataclass(cls: type | None = None, /, *, eq: bool = True, frozen: bool = False) -> Any:
        """`dataclasses.dataclass`, of which `fields`, `replace` and the others take what it makes."""
        if cls is None:
            return lambda cls: _made(cls, eq, frozen)
        return _made(cls, eq, frozen)


_NONE: Any = dataclasses.MISSING

_LATER: Any = type("later", (), {"__repr__": lambda self: "<factory>"})()
"""The default of a parameter whose value a factory makes."""


class _Field(NamedTuple):
    """What the text of a class says of one of its fields; the names are those of `dataclasses.field`."""

    name: str
    default: Any = _NONE
    default_factory: Any = _NONE
    init: bool = True
    kw_only: bool = False
    compare: bool = True
    hash: bool | None = None

    @property
    def has_factory(self) -> bool:
        return self.default_factory is not _NONE

    @property
    def is_set(self) -> bool:
        """Whether `__init__` sets it: else a method of the class does."""
        return self.init or self.has_factory or self.default is not _NONE

    @property
    def parameter_default(self) -> Any:
        return _LATER if self.has_factory else self.default


def _made(cls: Any, eq: bool, frozen: bool) -> Any:
    own = vars(cls)
    has_hash = own.get("__hash__") is not None or ("__hash__" in own and "__eq__" not in own)
    has_repr, has_eq = "__repr__" in own, "__eq__" in own
    cls.__doc__ = cls.__doc__ or cls.__name__  # else the signature is inspected, to make one
    fields = _fields(cls)
    cls._record_fields = fields
    cls.__dataclass_fields__ = _Described(cls)
    setattr(cls, "__match_args__", tuple(f.name for f in fields if f.init and not f.kw_only))  # noqa: B010 (mypy's rule)
    if "__init__" not in own:
        cls.__init__ = _initialiser(cls, list(fields))
    if not has_repr:
        cls.__repr__ = _shown
    if eq:
        if not has_eq:
            cls.__eq__ = _equality(_values([f.name for f in fields if f.compare]))
        if not has_hash:
            hashed = [f.name for f in fields if (f.compare if f.hash is None else f.hash)]
            cls.__hash__ = _hash(_values(hashed)) if frozen else None
    return cls


def _fields(cls: Any) -> tuple[_Field, ...]:
    """Those of its bases, then its own; one that is written again keeps its place."""
    fields: dict[str, _Field] = {}
    for base in cls.__mro__[:0:-1]:
        fields.update({f.name: f for f in vars(base).get("_record_fields", ())})
    own = vars(cls)
    for name, annotation in cls.__annotations__.items():
        if not annotation.startswith("ClassVar"):
            fields[name] = _field(name, own.get(name, _NONE))
    return tuple(fields.values())


def _field(name: str, said: Any) -> _Field:
    if not isinstance(said, dataclasses.Field):
        return _Field(name, said)
    return _Field(name, said.default, said.default_factory, said.init, said.kw_only is True, said.compare, said.hash)


class _Described:
    """What the standard library knows of a class, made when something asks for it."""

    def __init__(self, cls: type):
        self.cls = cls

    def __get__(self, instance: object, owner: type) -> Any:
        dataclasses.dataclass(init=False, repr=False, eq=False)(self.cls)  # writes its own into the class
        return vars(self.cls)["__dataclass_fields__"]


_FORMS: dict[tuple[str, ...], CodeType] = {}
"""The code of `__init__` by what it does with each field, and at last."""


def _initialiser(cls: Any, fields: Sequence[_Field]) -> Any:
    """Raises TypeError where a field without a default stands behind one that has one."""
    ordered = [*(f for f in fields if not f.kw_only), *(f for f in fields if f.kw_only)]  # as Python keeps parameters
    given = [f for f in ordered if f.init]
    positional = [f for f in given if not f.kw_only]
    defaults = [f.parameter_default for f in positional if f.parameter_default is not _NONE]
    if any(f.parameter_default is _NONE for f in positional[len(positional) - len(defaults):]):
        raise TypeError(f"{cls.__qualname__}: a field without a default stands behind one that has one")
    set_here = [f for f in ordered if f.is_set]
    form = _form(given, set_here, hasattr(cls, "__post_init__"))
    names = {f"field{k}": f.name for k, f in enumerate(set_here)}
    code = form.replace(
        co_name="__init__", co_qualname=f"{cls.__qualname__}.__init__",
        co_argcount=1 + len(positional), co_kwonlyargcount=len(given) - len(positional),
        co_names=tuple(names.get(n, n) for n in form.co_names),
        co_varnames=("self", *(f.name for f in given)),
    )
    made = FunctionType(code, _sources(set_here), "__init__", tuple(defaults))
    made.__kwdefaults__ = {f.name: f.parameter_default for f in given[len(positional):]
                           if f.parameter_default is not _NONE}
    made.__module__ = cls.__module__
    return made


def _form(given: Sequence[_Field], set_here: Sequence[_Field], ends: bool) -> CodeType:
    """The code whose fields are `field0`, `field1`, ... and whose parameters are `given0`, ..."""
    parameter = {f.name: f"given{k}" for k, f in enumerate(given)}
    lines = [f"self.field{k} = {_source(f, k, parameter.get(f.name))}" for k, f in enumerate(set_here)]
    lines += ["self.__post_init__()"] * ends or ["pass"]
    key = (*parameter.values(), *lines)
    if key not in _FORMS:
        text = f"def __init__(self, {', '.join(parameter.values())}):\n " + "\n ".join(lines)
        module = compile(text, "<record>", "exec", dont_inherit=True)
        _FORMS[key] = next(c for c in module.co_consts if isinstance(c, CodeType))
    return _FORMS[key]


def _source(f: _Field, k: int, parameter: str | None) -> str:
    """The expression that a field is set to; the names are those of `_sources`."""
    if f.has_factory:
        return f"factory{k}() if {parameter} is later else {parameter}" if parameter else f"factory{k}()"
    return parameter or f"default{k}"


def _sources(set_here: Sequence[_Field]) -> dict[str, Any]:
    found = {"later": _LATER}
    for k, f in enumerate(set_here):
        if f.has_factory:
            found[f"factory{k}"] = f.default_factory
        elif not f.init:
            found[f"default{k}"] = f.default
    return found


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
