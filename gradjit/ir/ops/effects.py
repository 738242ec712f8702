"""What a program does besides computing results: it prints, and it checks what was asserted.

`debug_print %v... format="..."` prints the values through the format (of str.format), `assert %cond message="..."`
stops the program where the condition is false, with an AssertionError or another of `ERRORS`. Both give nothing, and
are kept, and kept in order, though nobody reads them. `probe %x format="..."` is x itself; the reverse pass makes a
`show` of the cotangent that arrives there, which prints it on its way.
"""

from __future__ import annotations

import string
from collections.abc import Sequence
from typing import Any

import numpy as np

from ...errors import ArgumentError, BoundsError, DtypeError, ShapeError
from .. import attrs as kinds
from ..types import BOOL, ArrayType
from .spec import STEP, Fails, Memory, OpSpec, table


class _Formatter(string.Formatter):
    def format_field(self, value: Any, format_spec: str) -> str:
        if format_spec and isinstance(value, np.ndarray):
            return np.array2string(value, formatter={"all": lambda x: format(x, format_spec)})
        return str(super().format_field(value, format_spec))


def formatted(form: str, values: Sequence[Any]) -> str:
    """The text of a `debug_print`: as str.format makes it. A format specification holds for each element of an array,
    0-d arrays are numbers."""
    try:
        return _Formatter().format(form, *(v[()] if isinstance(v, np.ndarray) else v for v in values))
    except (ValueError, LookupError, TypeError, AttributeError, ArithmeticError) as e:
        given = ", ".join(map(repr, values))
        raise ArgumentError(f"debug_print: {form!r} does not format {given:.200}: {e}") from e


def _infer_print(*types: ArrayType, format: str) -> tuple[ArrayType, ...]:
    return ()


def _print(*values: np.ndarray, format: str) -> tuple[()]:
    print(formatted(format, values))
    return ()


def _show(x: np.ndarray, format: str) -> np.ndarray:
    print(formatted(format, [x]))
    return x


def _infer_assert(cond: ArrayType, message: str, error: str = "AssertionError") -> tuple[ArrayType, ...]:
    if error not in ERRORS:
        raise ArgumentError(f"assert: the error {error!r} is none of {', '.join(ERRORS)}")
    if cond != ArrayType(BOOL):
        raise DtypeError(f"assert: the condition is {cond}, expected {ArrayType(BOOL)}")
    return ()


def _assert(cond: np.ndarray, message: str, error: str = "AssertionError") -> tuple[()]:
    if not cond:
        raise ERRORS[error](message)
    return ()


ERRORS: dict[str, type[Exception]] = {
    "AssertionError": AssertionError, "BoundsError": BoundsError, "ShapeError": ShapeError,
    "ArgumentError": ArgumentError,
}
"""What an `assert` can raise."""


def _infer_same(x: ArrayType, format: str) -> tuple[ArrayType, ...]:
    if not x.dtype.is_inexact:
        raise DtypeError(f"{x} has no cotangent")
    return (x,)


OPS = table(
    OpSpec("debug_print", "effects", None, _infer_print, _print, Fails.NEVER, {"format": kinds.STR}, effect=True,
           **STEP),
    OpSpec("assert", "effects", 1, _infer_assert, _assert, Fails.SOMETIMES, {"message": kinds.STR, "error": kinds.STR},
           effect=True, defaults={"error": "AssertionError"}, **STEP),
    OpSpec("probe", "effects", 1, _infer_same, lambda x, format: x, Fails.NEVER, {"format": kinds.STR},
           memory=Memory.ELEMENT, cost=0.0, open_extents=False),
    OpSpec("show", "effects", 1, _infer_same, _show, Fails.NEVER, {"format": kinds.STR}, effect=True, **STEP),
)
