"""What a program under construction knows of its names: types, intervals, and where they are in scope."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass


@dataclass(frozen=True)
class Float:
    """A scalar."""


@dataclass(frozen=True)
class Bool:
    """A truth value."""


@dataclass(frozen=True)
class Int:
    """An integer in [lo, hi]."""

    lo: int
    hi: int
    fixed: bool = False
    """Whether the program must not assign to it: loop indices and counters."""
    proven: bool = False
    """Whether the interval follows from the text alone: indices of loops over ranges."""


@dataclass(frozen=True)
class Vec:
    n: int


@dataclass(frozen=True)
class Mat:
    n: int
    m: int


@dataclass(frozen=True)
class Ints:
    """A vector of integers, of any dtype and any values: indices are taken modulo an extent."""

    n: int
    signed: bool = True


@dataclass(frozen=True)
class Listed:
    """A list of at least two floats."""


Type = Float | Bool | Int | Vec | Mat | Ints | Listed


@dataclass(frozen=True)
class Number:
    """The text of an integer expression, and the interval that it stays in."""

    text: str
    lo: int
    hi: int


@dataclass(frozen=True)
class Helper:
    """A function of an array and a scalar that gives a scalar, and may change the array."""

    name: str
    takes: Vec | Mat
    gradient: bool = False
    """Whether it gives, in place of the scalar, its derivative by the array."""


@dataclass(frozen=True)
class Pure:
    """A function of a vector and a scalar that only computes: its name, and what it gives."""

    name: str
    gives: str


class Scope:
    """Names and their types; inner blocks see outer ones."""

    def __init__(self) -> None:
        self.stack: list[dict[str, Type]] = [{}]

    @contextmanager
    def block(self) -> Iterator[None]:
        self.stack.append({})
        yield
        self.stack.pop()

    def bind(self, name: str, t: Type) -> None:
        self.stack[-1][name] = t

    def names(self, fits: Callable[[Type], bool]) -> list[str]:
        return [name for d in self.stack for name, t in d.items() if fits(t)]

    def __getitem__(self, name: str) -> Type:
        return next(d[name] for d in reversed(self.stack) if name in d)
