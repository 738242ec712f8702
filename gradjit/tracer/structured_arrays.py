"""Structured arrays that the traced function makes: one traced array for each field.

    s = np.zeros(n, dtype=[("pos", float, 3), ("mass", float)])     s["pos"] += v;  s[i]["mass"];  s[mask];  for p in s

The fields are arrays of their own, so that `s["pos"]` is the array itself and a window of s has windows of them. What
the function returns is a structured array again.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Any, NoReturn

import numpy as np

from ..errors import TraceError, UnsupportedError
from ..ir import DTYPES
from . import trees
from .array import ARRAY, TracedArray, root
from .calls import KINDS
from .locations import fail
from .operands import as_array, as_traced, filled

_NUMBERS = frozenset(t.np.str[1:] for t in DTYPES.values() if t.kind in "biufc")


def is_structured(dtype: Any) -> bool:
    """Whether all fields of a dtype are numbers that can be compiled."""
    return isinstance(dtype, np.dtype) and dtype.names is not None and all(
        t.base.str[1:] in _NUMBERS and t.isnative for t, *_ in dtype.fields.values())  # type: ignore[union-attr]


class StructuredArray:
    """What stands for a structured array, or for a row of one (of no shape)."""

    __array_priority__ = 1000.0

    @property
    def stands_for(self) -> type:
        return np.ndarray if self.shape else np.void

    def __init__(self, dtype: np.dtype, fields: Sequence[TracedArray]):
        self.dtype = dtype
        self._fields = dict(zip(dtype.names or (), fields, strict=True))

    @classmethod
    def of(cls, array: np.ndarray) -> StructuredArray:
        """A new array, whose elements are known."""
        return cls(array.dtype, [root(np.ascontiguousarray(array[n]), None, ARRAY) for n in array.dtype.names or ()])

    @property
    def shape(self) -> tuple[Any, ...]:
        name, field = next(iter(self._fields.items()))
        inner = len(self.dtype[name].shape)
        return field.shape[:-inner] if inner else field.shape

    @property
    def ndim(self) -> int:
        return len(self.shape)

    @property
    def size(self) -> Any:
        found: Any = 1
        for n in self.shape:
            found = found * n
        return found

    def __len__(self) -> Any:
        if not self.shape:
            return len(self._fields)
        return self.shape[0]

    def __getitem__(self, key: Any) -> Any:
        if isinstance(key, str):
            return self._field(key)[()] if not self.shape else self._field(key)
        if isinstance(key, list) and key and all(isinstance(k, str) for k in key):
            return StructuredArray(self.dtype[key], [self._field(k) for k in key])
        if not self.shape and isinstance(key, (int, np.integer)):
            return self[(self.dtype.names or ())[key]]
        return StructuredArray(self.dtype, [as_traced(f[self._key(n, key)]) for n, f in self._fields.items()])

    def __setitem__(self, key: Any, value: Any) -> None:
        if isinstance(key, str):
            self._field(key)[...] = value
            return
        if isinstance(key, list) and key and all(isinstance(k, str) for k in key):
            self[key][...] = value
            return
        if not self.shape and isinstance(key, (int, np.integer)):
            self[(self.dtype.names or ())[key]] = value
            return
        for n, v in zip(self._fields, parts(value, len(self._fields)), strict=True):
            self._fields[n][self._key(n, key)] = v

    def __iter__(self) -> Iterator[Any]:
        return iter([self[k] for k in range(len(self))])

    def __getattr__(self, name: str) -> Any:
        if name.startswith("_"):
            raise AttributeError(name)
        fail(UnsupportedError, f"{name} of a structured array is not supported in compiled functions; apply it to the "
                               f"fields, as s[\"x\"].{name}")

    def copy(self, order: Any = "C") -> StructuredArray:
        return StructuredArray(self.dtype, [f.copy() for f in self._fields.values()])

    __copy__ = copy

    def fill(self, value: Any) -> None:
        self[...] = value

    def item(self) -> tuple[Any, ...]:
        """A row as a tuple."""
        return self.tolist()

    def tolist(self) -> Any:
        if self.shape:
            return [row.tolist() for row in self]
        return tuple(self[n] for n in self._fields)

    def __repr__(self) -> str:
        return f"Traced(structured {self.shape} of {self.dtype})"

    def __array_ufunc__(self, ufunc: np.ufunc, *_: Any, **__: Any) -> NoReturn:
        self._refuse(f"np.{ufunc.__name__}")

    def __array_function__(self, func: Any, types: Any, args: Any, kwargs: Any) -> Any:
        if func is np.copy:
            return self.copy()
        if func in (np.shape, np.ndim, np.size):
            return {np.shape: self.shape, np.ndim: self.ndim, np.size: self.size}[func]
        if func in LIKE:
            return LIKE[func](self)
        self._refuse(f"np.{func.__name__}")

    def __array__(self, *_: Any, **__: Any) -> NoReturn:
        self._refuse("an array of numbers")

    def _refuse(self, what: str) -> NoReturn:
        fail(UnsupportedError, f"{what} of a structured array as a whole is not supported in compiled functions; "
                               f"apply it to the fields, as s[\"x\"]")

    def _field(self, name: str) -> TracedArray:
        if name not in self._fields:
            raise ValueError(f"no field of name {name}")
        return self._fields[name]

    def _key(self, name: str, key: Any) -> Any:
        """The index for a field, which may have axes of its own behind. A row is an array without axes, which can be
        written to."""
        keys = key if isinstance(key, tuple) else (key,)
        if any(k is Ellipsis for k in keys):
            return (*keys, *[slice(None)] * len(self.dtype[name].shape))
        if all(isinstance(k, (int, np.integer)) or (isinstance(k, TracedArray) and not k.ndim) for k in keys):
            return (*keys, Ellipsis)
        return key


def parts(value: Any, count: int) -> Sequence[Any]:
    """What is assigned to rows, by field: another structured array, a tuple, or one number for all."""
    if isinstance(value, StructuredArray):
        return list(value._fields.values())
    if isinstance(value, (np.ndarray, np.void)) and value.dtype.names:
        return [value[n] for n in value.dtype.names]
    if isinstance(value, tuple):
        if len(value) != count:
            raise ValueError(f"could not assign tuple of length {len(value)} to structure with {count} fields.")
        return value
    if isinstance(value, list):
        return [[parts(row, count)[k] for row in value] for k in range(count)]
    return [value] * count


def zeros(shape: Any, dtype: np.dtype) -> StructuredArray:
    """New memory."""
    shape = (shape,) if isinstance(shape, (int, np.integer, TracedArray)) else tuple(shape)
    fields = [dtype[n] for n in dtype.names or ()]
    return StructuredArray(dtype, [as_array(filled(0, (*shape, *f.shape), f.base)) for f in fields])


def array(items: Any, dtype: np.dtype) -> StructuredArray:
    """`np.array(items, dtype)` of rows as tuples, with traced values among their numbers."""
    if isinstance(items, StructuredArray):
        return items.copy()
    if isinstance(items, tuple):
        made = zeros((), dtype)
        made[...] = items
        return made
    if not isinstance(items, list) or not all(isinstance(row, (tuple, StructuredArray)) for row in items):
        fail(TraceError, "a structured array is made of a list of tuples, one for each row")
    made = zeros(len(items), dtype)
    for k, row in enumerate(items):
        made[k] = row
    return made


LIKE: dict[Any, Any] = {
    np.zeros_like: lambda s: zeros(s.shape, s.dtype), np.empty_like: lambda s: zeros(s.shape, s.dtype),
}
MAKING: dict[Any, Any] = {
    np.array: array, np.asarray: lambda x, dtype: x if isinstance(x, StructuredArray) else array(x, dtype),
    np.zeros: zeros, np.empty: zeros,
}
"""NumPy's functions that make arrays of a dtype."""


def of_maker(f: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Callable[..., StructuredArray] | None:
    """The rule of a NumPy function that makes a structured array; None where it makes none."""
    if f not in MAKING:
        return None
    given = kwargs.get("dtype", args[1] if len(args) > 1 else None)
    if not isinstance(given, (list, np.dtype, dict)):
        return None
    dtype: np.dtype = np.dtype(given)  # type: ignore[arg-type]  # a list of fields, which the stubs do not know
    return (lambda x, *_, **__: MAKING[f](x, dtype)) if is_structured(dtype) and args else None


def _take(s: StructuredArray) -> tuple[tuple[TracedArray, ...], np.dtype, tuple[str, ...]]:
    return tuple(s._fields.values()), s.dtype, tuple(s._fields)


def _build(dtype: np.dtype, children: Any) -> Any:
    if any(isinstance(c, TracedArray) or not isinstance(c, (np.ndarray, np.generic, float, int)) for c in children):
        traced = [as_traced(c) if isinstance(c, (np.ndarray, np.generic)) else c for c in children]
        return StructuredArray(dtype, traced)
    fields = list(map(np.asarray, children))
    inner = len(dtype[0].shape)
    out = np.zeros(fields[0].shape[:fields[0].ndim - inner], dtype)
    for n, c in zip(dtype.names or (), fields, strict=True):
        out[n] = c
    return out if out.shape else out[()]


trees.register(StructuredArray, _take, _build)
KINDS.append(of_maker)
