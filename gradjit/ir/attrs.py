"""Kinds of attributes: how each is printed and parsed, without loss."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import numpy as np

from ..records import dataclass
from .types import TAPE, ArrayType, DType

if TYPE_CHECKING:
    from .core import Func, Value
    from .parser import Cursor

NameOf = Callable[["Value | Func"], str]


@dataclass(frozen=True)
class AttrKind:
    """`show(attribute, name_of)` gives its text; `read(cursor)` takes it back."""

    name: str
    show: Callable[[Any, NameOf], str]
    read: Callable[[Cursor], Any]


def show_extents(extents: tuple[Any, ...], name_of: NameOf) -> str:
    return "[" + ",".join(str(e) if isinstance(e, int) else name_of(e) for e in extents) + "]"


def read_list(c: Cursor, item: Callable[[], Any]) -> tuple[Any, ...]:
    """Items in brackets, with commas between them."""
    c.expect("[")
    items: list[Any] = []
    while not c.accept("]"):
        items.append(item())
        if not c.peek("]"):
            c.expect(",")
    return tuple(items)


def read_extents(c: Cursor) -> tuple[Any, ...]:
    return read_list(c, c.extent)


def show_type(t: ArrayType, name_of: NameOf) -> str:
    return f"{t.dtype}{show_extents(t.shape, name_of)}"


def show_types(types: tuple[ArrayType, ...], name_of: NameOf) -> str:
    return "[" + ",".join(show_type(t, name_of) for t in types) + "]"


def read_types(c: Cursor) -> tuple[ArrayType, ...]:
    return read_list(c, c.type)


def _show_scalar(x: Any) -> str:
    if isinstance(x, (bool, np.bool_)):
        return "true" if x else "false"
    if isinstance(x, (complex, np.complexfloating)):
        return f"({float(x.real)!r},{float(x.imag)!r})"
    return str(int(x)) if isinstance(x, (int, np.integer)) else repr(float(x))


def _read_scalar(c: Cursor, dtype: DType) -> Any:
    if dtype.is_complex:
        c.expect("(")
        re = c.floating()
        c.expect(",")
        im = c.floating()
        c.expect(")")
        return complex(re, im)
    if dtype.is_bool:
        return c.truth()
    return c.floating() if dtype.is_inexact else c.integer(dtype)


def show_literal(a: np.ndarray) -> str:
    """A number for a splat; the elements in row-major order in braces for a dense array. The type stands elsewhere."""
    return _show_scalar(a[()]) if a.ndim == 0 else "{" + ",".join(_show_scalar(x) for x in a.ravel()) + "}"


def read_literal(c: Cursor, t: ArrayType) -> np.ndarray:
    """The literal of a constant of type `t`."""
    if t.dtype is TAPE:
        raise c.error("a tape has no literal")
    if not c.accept("{"):
        return _array(_read_scalar(c, t.dtype), t.dtype)
    items: list[Any] = []
    while not c.accept("}"):
        items.append(_read_scalar(c, t.dtype))
        if not c.peek("}"):
            c.expect(",")
    if not t.is_static or t.size != len(items):
        raise c.error(f"{len(items)} elements for {t}")
    return frozen(_array(items, t.dtype).reshape(t.extents))


def _array(numbers: Any, dtype: DType) -> np.ndarray:
    with np.errstate(over="ignore"):  # what is too large for a float32 is infinite
        return frozen(np.array(numbers, dtype=dtype.np))


def frozen(a: np.ndarray) -> np.ndarray:
    """The array made read-only, as literals are."""
    a = np.array(a, copy=True) if a.flags.writeable and a.base is not None else a
    a.setflags(write=False)
    return a


def _no_literal(c: Cursor) -> Any:
    raise c.error("a literal stands only in a const")


EXTENTS = AttrKind("extents", show_extents, read_extents)
"""A tuple of ints, sizes and index values."""
INTS = AttrKind("ints", show_extents, lambda c: read_list(c, c.size))
"""A tuple of ints: axes, permutations, steps. (How much is padded may be a size.)"""
STR = AttrKind("str", lambda a, _: json.dumps(a), lambda c: c.string())
"""A text, in double quotes, with JSON's escapes."""
INT = AttrKind("int", lambda a, _: str(a), lambda c: c.integer())
SIZE = AttrKind("size", lambda a, _: str(a), lambda c: c.size())
"""An int, or an open size."""
TYPES = AttrKind("types", show_types, read_types)
"""A tuple of types, whose extents may be index values."""
FUNC = AttrKind("func", lambda f, name_of: name_of(f), lambda c: c.function())
"""A function, printed before the one that names it."""
BOOL = AttrKind("bool", lambda a, _: "true" if a else "false", lambda c: c.truth())
DTYPE = AttrKind("dtype", lambda a, _: a.name, lambda c: c.dtype())
LITERAL = AttrKind("literal", lambda a, _: show_literal(a), _no_literal)
"""A constant's elements; printed without dtype and shape, which stand in the result's type."""
