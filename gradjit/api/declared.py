"""Signatures: the types of arguments as text, with names for the extents that are open.

    f64[n,3], f64[n] -> ...         extents of one name are equal; what is behind the arrow is for people
    f64[n], float, True -> ...      Python numbers by their types; ints, bools and texts are static, as in a call
    {"w": f64[n,m], "b": f64[m]}    containers: dicts, lists, tuples
"""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np

from ..errors import ArgumentError
from ..ir.types import ELEMENTS
from ..tracer import trees

NAMES = {t.name: t for t in ELEMENTS}
_EMPTY = re.compile(rf"\b({'|'.join(NAMES)})\[\s*\]")
NUMBERS = {"float": 1.0, "complex": 1j}
"""Python's numbers that are traced; an example of each."""
EXAMPLE = 97
"""What the first name stands for while the code is made; the others for the numbers that follow, so that no two are
equal by chance."""


class Array:
    """An array (or, without extents, a NumPy scalar) of a dtype; an extent is a number or a name. (No dataclass: those
    are containers.)"""

    def __init__(self, dtype: np.dtype[Any], shape: tuple[int | str, ...]):
        self.dtype, self.shape = dtype, shape

    def __str__(self) -> str:
        name = next(n for n, t in NAMES.items() if t.np == self.dtype)
        return f"{name}[{','.join(map(str, self.shape))}]"


class DeclaredSignature:
    """The arguments that a text declares."""

    def __init__(self, text: str):
        self.text = text
        arguments, _, results = text.partition("->")
        self.arguments = self._read(arguments)
        if results.strip() not in ("", "..."):
            self._read(results)

    # reading ----------------------------------------------------------------------------------------------------------
    def _read(self, text: str) -> tuple[Any, ...]:
        try:
            items = _EMPTY.sub(r"\1[()]", text)  # `f64[]` is no expression of Python; `f64[()]` is
            tree = ast.parse(f"({items},)" if text.strip() else "()", mode="eval").body
        except (SyntaxError, ValueError, RecursionError, MemoryError):
            raise self._wrong(text) from None
        return tuple(self._part(e) for e in tree.elts) if isinstance(tree, ast.Tuple) else ()

    def _part(self, node: ast.expr) -> Any:
        match node:
            case ast.Subscript(ast.Name(name), index) if name in NAMES:
                extents = index.elts if isinstance(index, ast.Tuple) else [index]
                return Array(NAMES[name].np, tuple(map(self._extent, extents)))
            case ast.Subscript(ast.Name(name)):
                raise ArgumentError(f"the signature {self.text!r} has the unknown dtype {name!r}; there are "
                                    f"{', '.join(NAMES)}")
            case ast.Name(name) if name in NUMBERS:
                return NUMBERS[name]
            case ast.Name(name) if name in NAMES:
                raise ArgumentError(f"the signature {self.text!r} has {name} without extents; write {name}[] for a "
                                    f"scalar, {name}[n] for a vector, float for a Python number")
            case ast.Constant(bool() | int() | float() | complex() | str() | None as value):
                return value
            case ast.List(elts):
                return [self._part(e) for e in elts]
            case ast.Tuple(elts):
                return tuple(self._part(e) for e in elts)
            case ast.Dict(keys, values) if all(isinstance(k, ast.Constant) for k in keys):
                return {k.value: self._part(v) for k, v in zip(keys, values, strict=True)}  # type: ignore[union-attr]
        raise self._wrong(ast.unparse(node))

    def _extent(self, node: ast.expr) -> int | str:
        match node:
            case ast.Constant(int() as n) if type(n) is int and n >= 0:
                return n
            case ast.Name(name):
                return name
        raise ArgumentError(f"the signature {self.text!r} has the extent {ast.unparse(node)!r}; an extent is a number, "
                            f"or a name for one that is open")

    def _wrong(self, text: str) -> ArgumentError:
        return ArgumentError(f"cannot read {text.strip()!r} in the signature {self.text!r}; one is, for example, "
                             f"'f64[n,3], f64[n] -> ...'")

    # using ------------------------------------------------------------------------------------------------------------
    @property
    def leaves(self) -> list[Any]:
        """What is declared of each leaf of a call."""
        leaves: list[Any] = trees.flatten_call((self.arguments, {}))[0]
        return leaves

    def names(self) -> dict[tuple[int, int], str]:
        """The names of open extents, by leaf and axis."""
        return {(k, a): e for k, x in enumerate(self.leaves) if isinstance(x, Array)
                for a, e in enumerate(x.shape) if isinstance(e, str)}

    def samples(self, numbers: Mapping[str, int] | None = None) -> tuple[Any, ...]:
        """Arguments of these types, with some numbers, or these, for the names."""
        if numbers is None:
            numbers = {name: EXAMPLE + k for k, name in enumerate(dict.fromkeys(self.names().values()))}

        def sample(x: Any) -> Any:
            if not isinstance(x, Array):
                return x
            made = np.zeros([numbers[e] if isinstance(e, str) else e for e in x.shape], x.dtype)
            return made if x.shape else made[()]

        found, tree = trees.flatten(self.arguments)
        made: tuple[Any, ...] = trees.unflatten(tree, map(sample, found))
        return made

    def check(self, name: str, tree: trees.Tree, leaves: Sequence[Any], names: Sequence[str]) -> None:
        """ArgumentError where a call is none of those that are declared."""
        declared, own, _ = trees.flatten_call((self.arguments, {}))
        if own != tree:
            raise ArgumentError(f"{name} is declared for ({self.text}), and is called with {len(leaves)} arguments in "
                                f"other containers, or another number of them")
        known: dict[str, int] = {}
        for what, x, given in zip(names, declared, leaves, strict=True):
            for problem in mismatches(x, given, known):
                raise ArgumentError(f"{name} is declared for ({self.text}): the argument {what} is {shown(given)}, "
                                    f"{problem}")


def mismatches(declared: Any, given: Any, known: dict[str, int]) -> Iterator[str]:
    """What is wrong with an argument. `known`: the numbers that names stand for, as far as is known."""
    if not isinstance(declared, Array):
        fits = type(given) is type(declared) if type(declared) in (float, complex) else (
            type(given) is type(declared) and given == declared)
        if not fits:
            yield f"expected {type(declared).__name__ if type(declared) in (float, complex) else repr(declared)}"
        return
    if not isinstance(given, np.ndarray if declared.shape else (np.generic, np.ndarray)) or (
            given.dtype != declared.dtype or given.ndim != len(declared.shape)):
        is_number = isinstance(given, (int, float, complex)) and not isinstance(given, np.generic)
        remedy = f", a NumPy scalar; write np.{declared.dtype.name}({given!r})"
        yield f"expected {declared}{remedy if is_number and not declared.shape else ''}"
        return
    for axis, (e, n) in enumerate(zip(declared.shape, given.shape, strict=True)):
        if isinstance(e, str) and known.setdefault(e, n) != n:
            yield f"whose axis {axis} should have {e} = {known[e]} elements"
        if isinstance(e, int) and e != n:
            yield f"expected {declared}"


def shown(x: Any) -> str:
    """An argument for people."""
    if isinstance(x, (np.ndarray, np.generic)):
        return f"an array of {x.dtype} and shape {x.shape}" if isinstance(x, np.ndarray) else f"an np.{x.dtype}"
    return f"{x!r:.40}"
