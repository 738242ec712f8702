"""Addresses: sums of loop variables and computed indices with integer weights.

An address counts elements from the start of a buffer: `8*i + j + 3`. Its atoms are loop variables (`Var`) and, for
gathers, computed index nodes; the code generator only asks an atom for its `vars`, the loop variables it depends on.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

from ..ir.sizes import is_nonnegative, is_open
from .symbolic import reckoned, upper

ANYWHERE = 1 << 62
"""Beyond any index."""


class Var:
    """A loop variable that runs over lo, lo+1, ..., hi-1. Compared by identity.

    The variable of a program's own loop (`loops.Repeat`, `loops.While`) lies somewhere within [lo, hi).
    """

    __slots__ = ("name", "lo", "hi", "vars")

    def __init__(self, name: str, lo: int = -ANYWHERE, hi: int = ANYWHERE):
        self.name = name
        self.lo = lo
        self.hi = hi
        self.vars = frozenset((self,))

    @property
    def extent(self) -> int:
        """The number of iterations of a loop nest's variable."""
        return self.hi if self.lo == 0 else self.hi - self.lo

    @property
    def reckoned(self) -> int:
        """The number of iterations as costs are reckoned."""
        return reckoned(self.hi if self.lo == 0 else self.hi - self.lo)

    def __repr__(self) -> str:
        return self.name


class Affine:
    """`const + sum(weight * atom)`. Immutable, hashable, compared by value."""

    __slots__ = ("terms", "const", "_hash", "_vars")
    _vars: frozenset[Var]

    def __init__(self, terms: dict[Any, int], const: int = 0):
        self.terms = {a: w for a, w in terms.items() if type(w) is not int or w} if terms else terms
        self.const = const
        self._hash = hash((frozenset(self.terms.items()), const))

    @staticmethod
    def of(atom: Any, weight: int = 1) -> Affine:
        return Affine({atom: weight})

    def __add__(self, other: Affine | int) -> Affine:
        if isinstance(other, int):
            return Affine(self.terms, self.const + other) if is_open(other) or other else self
        terms = dict(self.terms)
        for a, w in other.terms.items():
            terms[a] = terms.get(a, 0) + w
        return Affine(terms, self.const + other.const)

    __radd__ = __add__

    def __mul__(self, k: int) -> Affine:
        return self if k == 1 else Affine({a: w * k for a, w in self.terms.items()}, self.const * k)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Affine) and self.const == other.const and self.terms == other.terms

    def __hash__(self) -> int:
        return self._hash

    @property
    def vars(self) -> frozenset[Var]:
        """Of all atoms; found once."""
        try:
            return self._vars
        except AttributeError:
            found: frozenset[Var] = frozenset().union(*[a.vars for a in self.terms])
            self._vars = found
            return found

    def interval(self) -> tuple[int, int] | None:
        """The least and greatest value; None where a computed index takes part."""
        lo = hi = self.const
        for a, w in self.terms.items():
            if not isinstance(a, Var):
                return None
            first, last = a.lo * w, (upper(a.hi) - 1) * w
            if not is_nonnegative(w):
                first, last = last, first
            lo += first
            hi += last
        return lo, hi

    def substitute(self, f: Callable[[Any], Affine | None]) -> Affine:
        """The address with each atom replaced by `f(atom)`, kept where that is None."""
        out = Affine({}, self.const)
        for a, w in self.terms.items():
            new = f(a)
            out = out + (Affine({a: w}) if new is None else new * w)
        return out

    def __repr__(self) -> str:
        parts = [f"{w}*{a!r}" if w != 1 else f"{a!r}" for a, w in self.terms.items()]
        if is_open(self.const) or self.const or not parts:
            parts.append(str(self.const))
        return " + ".join(parts).replace("+ -", "- ")


ZERO = Affine({})


def dot(index: Iterable[Affine], strides: Iterable[int], offset: Affine | int = 0) -> Affine:
    """`offset + sum(index * stride)`: the address of an element."""
    terms, const = (dict(offset.terms), offset.const) if isinstance(offset, Affine) else ({}, offset)
    for i, s in zip(index, strides, strict=True):
        for a, w in i.terms.items():
            terms[a] = terms.get(a, 0) + w * s
        const += i.const * s
    return Affine(terms, const)
