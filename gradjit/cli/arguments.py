"""Arguments as text: `f64[1000]` for sample data, numbers, containers of both, or an array from a `.npy` file.

    f64[1000]           normally distributed, seeded: the same at every run
    f64[3,4](0.5, 2)    uniformly distributed between 0.5 and 2
    i64[10](0, 5)       integers 0 to 4; without bounds 0 to 9
    f64[]               a NumPy scalar
    2.0  -3  True       Python numbers; ints and bools are static, as in a call
    [f64[3,4], f64[4]]  containers: lists, tuples, dicts
    data.npy            what the file holds
"""

from __future__ import annotations

import ast
import os
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from ..ir import DType
from ..ir.types import ELEMENTS, ArrayType
from . import console
from .usage import UsageError

NAMES = {t.name: t for t in ELEMENTS}
_EMPTY = re.compile(rf"\b({'|'.join(NAMES)})\[\s*\]")


def read(text: str, rng: np.random.Generator) -> Any:
    """The argument that the text means. Raises UsageError for what cannot be read."""
    if text.endswith(".npy"):
        return _file(text)
    try:
        # `f64[]` alone is not an expression of Python; `f64[()]` is.
        tree = ast.parse(_EMPTY.sub(r"\1[()]", text), mode="eval").body
        return _Reader(text, rng).value(tree)
    except (SyntaxError, ValueError, RecursionError, MemoryError) as e:
        raise _unreadable(text) from e


def _file(text: str) -> Any:
    try:
        found = np.load(Path(text))
    except Exception as e:  # a file may be anything
        raise UsageError(f"cannot read the array {text}: {console.one_line(e)}") from e
    if not isinstance(found, np.ndarray):
        raise UsageError(f"cannot read the array {text}: it holds several")
    return found


def _unreadable(text: str) -> UsageError:
    return UsageError(f"cannot read the argument {text[:60]!r}; arguments are, for example: f64[1000], "
                      f"f64[3,4](0.5, 2), i64[10](0, 5), f64[], 2.0, True, [f64[3,4], f64[4]], data.npy")


class _Reader:
    def __init__(self, text: str, rng: np.random.Generator):
        self.text = text
        self.rng = rng

    def value(self, node: ast.expr) -> Any:
        match node:
            case ast.Subscript() | ast.Call():
                return self.sample(node)
            case ast.List(elts):
                return [self.value(e) for e in elts]
            case ast.Tuple(elts):
                return tuple(self.value(e) for e in elts)
            case ast.Dict(keys, values):
                return {self.literal(k): self.value(v) for k, v in zip(keys, values, strict=True)}
        return self.literal(node)

    def literal(self, node: ast.expr | None) -> Any:
        match node:
            case ast.Constant(bool() | int() | float() | complex() | str() | None as number):
                return number
            case ast.UnaryOp(ast.USub(), operand):
                number = self.literal(operand)
                if isinstance(number, int | float | complex):
                    return -number
            case ast.BinOp(left, ast.Add() | ast.Sub() as sign, right):
                x, y = self.literal(left), self.literal(right)
                if isinstance(y, complex) and isinstance(x, int | float):
                    return x + y if isinstance(sign, ast.Add) else x - y
            case ast.Name("inf" | "nan" as name):
                return float(name)
        raise _unreadable(self.text)

    def sample(self, node: ast.expr) -> Any:
        bounds: list[Any] | None = None
        if isinstance(node, ast.Call):
            bounds = [self.literal(a) for a in node.args]
            if len(bounds) != 2 or node.keywords:
                raise _unreadable(self.text)
            node = node.func
        if not (isinstance(node, ast.Subscript) and isinstance(node.value, ast.Name) and node.value.id in NAMES):
            raise _unreadable(self.text)
        return sample(NAMES[node.value.id], self.extents(node.slice), self.rng, bounds)

    def extents(self, node: ast.expr) -> tuple[int, ...]:
        found = tuple(self.literal(e) for e in (node.elts if isinstance(node, ast.Tuple) else [node]))
        if not all(type(e) is int and e >= 0 for e in found):
            raise _unreadable(self.text)
        return found


Draw = Callable[[np.random.Generator, DType, tuple[int, ...], "list[Any] | None"], Any]


def _floats(rng: np.random.Generator, dtype: DType, shape: tuple[int, ...], bounds: list[Any] | None) -> Any:
    if bounds is None:
        return rng.standard_normal(shape)
    low, high = bounds
    return rng.uniform(low, high, size=shape)


def _integers(rng: np.random.Generator, dtype: DType, shape: tuple[int, ...], bounds: list[Any] | None) -> Any:
    low, high = bounds or (0, 10)
    return rng.integers(low, high, size=shape, dtype=dtype.np)


def _complexes(rng: np.random.Generator, dtype: DType, shape: tuple[int, ...], bounds: list[Any] | None) -> Any:
    return _floats(rng, dtype, shape, bounds) + 1j * _floats(rng, dtype, shape, bounds)


SAMPLES: dict[str, Draw] = {
    "f": _floats, "i": _integers, "u": _integers, "c": _complexes,
    "b": lambda rng, dtype, shape, bounds: rng.random(shape) < 0.5,
}
"""How data of each kind of dtype are drawn."""


def sample(dtype: DType, shape: tuple[int, ...], rng: np.random.Generator, bounds: list[Any] | None = None) -> Any:
    """Random data; a NumPy scalar for an empty shape. Raises UsageError for bounds in which nothing lies."""
    check_size(ArrayType(dtype, shape))
    try:
        with np.errstate(over="ignore"):
            drawn = np.asarray(SAMPLES[dtype.kind](rng, dtype, shape, bounds)).astype(dtype.np)
    except (ValueError, OverflowError, TypeError, MemoryError) as e:
        raise UsageError(f"cannot draw {ArrayType(dtype, shape)} between {bounds}: {console.one_line(e)}") from e
    return drawn if shape else drawn[()]


def check_size(t: ArrayType) -> None:
    """UsageError for an array that this machine has no memory for."""
    nbytes = t.dtype.itemsize * t.size
    if nbytes > memory():
        raise UsageError(f"{t!s:.60} takes {nbytes / 2**30:.4g} GB; this machine has {memory() / 2**30:.4g}")


def memory() -> int:
    """The bytes of memory of this machine, as far as it tells."""
    try:
        return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    except (AttributeError, ValueError, OSError):
        return 1 << 40


def describe(value: Any) -> str:
    """`f64[3,4]` for an array, the number itself, or the container of such."""
    if isinstance(value, dict):
        return "{" + ", ".join(f"{k!r}: {describe(v)}" for k, v in value.items()) + "}"
    if isinstance(value, list | tuple):
        inside = ", ".join(describe(v) for v in value)
        return f"[{inside}]" if isinstance(value, list) else f"({inside}{',' if len(value) == 1 else ''})"
    if isinstance(value, np.ndarray | np.generic):
        from ..ir import type_of
        return str(type_of(value))
    return repr(value)
