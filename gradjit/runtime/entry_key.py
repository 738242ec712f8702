"""Which specialisations can share the code of an entry.

The code of an entry names the objects that it compares with by their position (`EntrySpec.objects`), so two specs have
the same code where they differ in nothing but these objects. The key of a spec says everything else about it: of an
object, where it stands among the others and what the code asks of its kind; of all other fields, their values.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import fields
from typing import Any

import numpy as np

from gradjit.ir.sizes import is_open
from gradjit.runtime.entry_spec import (
    ABSENT,
    ANY,
    Argument,
    ArraySpec,
    AttributeGuard,
    AttributeRef,
    Build,
    Capture,
    CapturedResult,
    CellGuard,
    CellRef,
    ComplexSpec,
    Constant,
    DictGuard,
    EntrySpec,
    FieldGuard,
    FloatSpec,
    GlobalGuard,
    ItemRef,
    ListGuard,
    MethodGuard,
    NumpyScalarSpec,
    OpaqueGuard,
    OutputSpec,
    SameSpec,
    StaticSpec,
)


def entry_key(kernel: str, spec: EntrySpec) -> bytes:
    """A key that two specs, for kernels of one name, share only if one entry's code does for both."""
    index = {id(x): k for k, x in enumerate(spec.objects())}

    def named(x: Any) -> Any:
        """An object that the code knows by its position."""
        return index.get(id(x), -1), kind_of(x)

    def described(x: Any) -> Any:
        """A part of the spec."""
        if type(x) in OBJECTS:
            return type(x).__name__, *(named(getattr(x, f.name)) if f.name in OBJECTS[type(x)] else
                                       described(getattr(x, f.name)) for f in fields(x) if f.init)
        if type(x) in OTHERS:
            return OTHERS[type(x)](x, named, described)
        if isinstance(x, np.dtype):
            return "dtype", x.str
        if x is None or type(x) in (int, str, bool):
            return x
        if is_open(x):
            return "size", x.text
        if type(x) is tuple:
            return tuple(map(described, x))
        raise TypeError(f"no part of an entry: {x!r}")  # pragma: no cover (a new kind of part needs a row here)

    def result(node: Any) -> Any:
        """A node of the result."""
        if type(node) is dict:
            return "dict", *((named(k), result(v)) for k, v in node.items())
        if type(node) in (tuple, list):
            return type(node).__name__, *map(result, node)
        if type(node) is Build:
            return "Build", named(node.factory), *map(result, node.parts)
        return described(node)

    errors = tuple((named(cls), named(message)) for cls, message in spec.errors)
    whole = (kernel, described(spec.parameters), described(spec.outputs), result(spec.result),
             described(spec.captured), described(spec.guards), errors, spec.workspace_bytes, spec.release_gil,
             tuple((described(target), output) for target, output in spec.writes),
             tuple(d.name for d in spec.sizes), tuple((str(c.left), c.op, str(c.right)) for c in spec.conditions))
    return repr(whole).encode()


def kind_of(x: Any) -> str:
    """What the code that is made depends on, of an object that it names."""
    if x is ABSENT or x is ANY or x is None:
        return repr(x)
    if type(x) in (dict, list, type):
        return type(x).__name__
    return "array" if isinstance(x, np.ndarray) else "callable" if callable(x) else ""


OBJECTS: dict[type, tuple[str, ...]] = {
    ArraySpec: (), NumpyScalarSpec: (), FloatSpec: (), ComplexSpec: (), SameSpec: (), OutputSpec: (),
    Argument: (), CapturedResult: (),
    StaticSpec: ("value",), Constant: ("value",), CellRef: ("cell",), AttributeRef: ("owner", "name"),
    GlobalGuard: ("namespace", "name", "expected"), CellGuard: ("cell", "expected"),
    AttributeGuard: ("owner", "name", "expected"), FieldGuard: ("owner", "expected"),
    MethodGuard: ("owner", "name", "function"), OpaqueGuard: ("holds",),
}
"""The parts of a spec, and which of their fields hold objects that the code names; the others count by value."""

Part = Callable[[Any], Any]


def _item(x: ItemRef, named: Part, described: Part) -> Any:
    """The code of a look at a list holds the index."""
    return "ItemRef", named(x.container), x.key if type(x.container) is list else named(x.key)


def _capture(x: Capture, named: Part, described: Part) -> Any:
    source = named(x.source) if isinstance(x.source, np.ndarray) else described(x.source)
    return "Capture", source, described(x.spec), x.is_passed


def _dict_guard(x: DictGuard, named: Part, described: Part) -> Any:
    return "DictGuard", named(x.mapping), tuple((named(k), named(v)) for k, v in x.items)


def _list_guard(x: ListGuard, named: Part, described: Part) -> Any:
    return "ListGuard", named(x.sequence), tuple(map(named, x.items))


OTHERS: dict[type, Callable[[Any, Part, Part], Any]] = {
    ItemRef: _item, Capture: _capture, DictGuard: _dict_guard, ListGuard: _list_guard,
}

__all__ = ["entry_key"]
