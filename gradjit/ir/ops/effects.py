"""What a program does besides computing results: it prints, and it checks what was asserted.

`debug_print %v... format="..."` prints the values through the format (of str.format); with `to="..."` the text goes to
another of `RECEIVERS`. `assert %cond message="..."` stops the program where the condition is false, with an
AssertionError or another of `ERRORS`. `raise %v... error="..." message="..."` stops it with an exception of the
program's own: one of Python's by its name, whose text is the formatted message, or what one of `MAKERS` makes of the
values. They give nothing, and are kept, and kept in order, though nobody reads them. `probe %x format="..."` is x
itself; the reverse pass makes a `show` of the cotangent that arrives there, which prints it on its way.
"""

from __future__ import annotations

import builtins
import re
import string
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from ...errors import ArgumentError, BoundsError, ConversionError, DivisionError, DtypeError, LinAlgError, ShapeError
from .. import attrs as kinds
from ..types import BOOL, ArrayType
from .planes import joined
from .spec import STEP, Fails, Memory, OpSpec, table


class _Formatter(string.Formatter):
    """A field named `3&4` is the complex number of which these two values are the parts."""

    def get_value(self, key: int | str, args: Any, kwargs: Any) -> Any:
        if isinstance(key, str) and "&" in key:
            parts = [args[int(k)] for k in key.split("&")]
            return joined(*parts)[()]
        return super().get_value(key, args, kwargs)

    def format_field(self, value: Any, format_spec: str) -> str:
        if format_spec and isinstance(value, np.ndarray):
            return np.array2string(value, formatter={"all": lambda x: format(x, format_spec)})
        return str(super().format_field(value, format_spec))


def by_parts(form: str, places: Sequence[Sequence[int]]) -> str:
    """A format whose values are given by their parts: where those of each stand."""
    made, count = [], 0
    for literal, name, spec, conversion in string.Formatter().parse(form):
        made.append(literal.replace("{", "{{").replace("}", "}}"))
        if name is None:
            continue
        first = re.split(r"[.\[]", name)[0]
        k, count = (int(first), count) if first else (count, count + 1)
        made.append("{" + "&".join(map(str, places[k])) + name[len(first):] + (f"!{conversion}" if conversion else "")
                    + (f":{spec}" if spec else "") + "}")
    return "".join(made)


def formatted(form: str, values: Sequence[Any]) -> str:
    """The text of a `debug_print`: as str.format makes it. A format specification holds for each element of an array,
    0-d arrays are numbers."""
    try:
        return _Formatter().format(form, *(v[()] if isinstance(v, np.ndarray) else v for v in values))
    except (ValueError, LookupError, TypeError, AttributeError, ArithmeticError) as e:
        given = ", ".join(map(repr, values))
        raise ArgumentError(f"debug_print: {form!r} does not format {given:.200}: {e}") from e


RECEIVERS: dict[str, Callable[[str], Any]] = {"": print}
"""What takes the text of a `debug_print`, by name: a print with an ending or file of its own, a logger's method."""
MAKERS: dict[str, Callable[[Sequence[np.ndarray]], BaseException]] = {}
"""What makes the exceptions of the program's own, by the `error` of a `raise`."""


def _infer_print(*types: ArrayType, format: str, to: str = "") -> tuple[ArrayType, ...]:
    if to not in RECEIVERS:
        raise ArgumentError(f"debug_print: there is no receiver {to!r}")
    return ()


def tell(format: str, values: Sequence[np.ndarray], to: str = "") -> None:
    """What a `debug_print` does."""
    RECEIVERS[to](formatted(format, values))


def _print(*values: np.ndarray, format: str, to: str = "") -> tuple[()]:
    tell(format, values, to)
    return ()


def builtin_error(name: str) -> type[Exception] | None:
    """Python's own exception of that name."""
    found = getattr(builtins, name, None)
    return found if isinstance(found, type) and issubclass(found, Exception) else None


def _infer_raise(*types: ArrayType, error: str, message: str) -> tuple[ArrayType, ...]:
    if error not in MAKERS and builtin_error(error) is None:
        raise ArgumentError(f"raise: {error!r} is neither an exception of Python's nor known here")
    return ()


def exception(error: str, message: str, values: Sequence[np.ndarray]) -> BaseException:
    """What a `raise` raises."""
    if error in MAKERS:
        return MAKERS[error](values)
    cls = builtin_error(error)
    assert cls is not None
    return cls(formatted(message, values)) if message else cls()


def described(error: str, message: str) -> tuple[str, str]:
    """The name of Python's own exception that it is, or is one of, and its text, with "..." for the numbers in it."""
    if error in MAKERS:
        told: tuple[str, str] = MAKERS[error].described()  # type: ignore[attr-defined]  # where it is one of the tracer's
        return told
    return error, "".join(text + ("" if field is None else "...")
                          for text, field, _, _ in string.Formatter().parse(message))


def _raise(*values: np.ndarray, error: str, message: str) -> tuple[()]:
    raise exception(error, message, values)


def _show(x: np.ndarray, format: str) -> np.ndarray:
    print(formatted(format, [x]))
    return x


def _infer_assert(cond: ArrayType, message: str, error: str = "AssertionError") -> tuple[ArrayType, ...]:
    if error not in ERRORS and builtin_error(error) is None:
        raise ArgumentError(f"assert: the error {error!r} is neither one of Python's nor of {', '.join(ERRORS)}")
    if cond != ArrayType(BOOL):
        raise DtypeError(f"assert: the condition is {cond}, expected {ArrayType(BOOL)}")
    return ()


def _assert(cond: np.ndarray, message: str, error: str = "AssertionError") -> tuple[()]:
    if not cond:
        raise asserted(error)(message)
    return ()


def asserted(error: str) -> type[Exception]:
    """What an `assert` raises."""
    found = ERRORS.get(error) or builtin_error(error)
    assert found is not None
    return found


ERRORS: dict[str, type[Exception]] = {
    "AssertionError": AssertionError, "BoundsError": BoundsError, "ShapeError": ShapeError,
    "ArgumentError": ArgumentError, "ConversionError": ConversionError, "DivisionError": DivisionError,
    "LinAlgError": LinAlgError,
}
"""What an `assert` can raise, beside Python's own exceptions."""


def _infer_same(x: ArrayType, format: str) -> tuple[ArrayType, ...]:
    if not x.dtype.is_inexact:
        raise DtypeError(f"{x} has no cotangent")
    return (x,)


OPS = table(
    OpSpec("debug_print", "effects", None, _infer_print, _print, Fails.NEVER,
           {"format": kinds.STR, "to": kinds.STR}, effect=True, defaults={"to": ""}, **STEP),
    OpSpec("raise", "effects", None, _infer_raise, _raise, Fails.SOMETIMES,
           {"error": kinds.STR, "message": kinds.STR}, effect=True, ends=True, **STEP),
    OpSpec("assert", "effects", 1, _infer_assert, _assert, Fails.SOMETIMES, {"message": kinds.STR, "error": kinds.STR},
           effect=True, defaults={"error": "AssertionError"}, **STEP),
    OpSpec("probe", "effects", 1, _infer_same, lambda x, format: x, Fails.NEVER, {"format": kinds.STR},
           memory=Memory.ELEMENT, cost=0.0, open_extents=False, by_planes=True),
    OpSpec("show", "effects", 1, _infer_same, _show, Fails.NEVER, {"format": kinds.STR}, effect=True, by_planes=True,
           **STEP),
)
