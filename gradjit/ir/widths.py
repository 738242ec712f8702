"""How many bits an integer may take: |v| < 2**w.

For Python's integers, which have no bound, in code that has 64 bits of them. `Ranges` proves more of few values; this
tells something of each, in one look at the operation that makes it.

Three things are taken as given, as no program that ends breaks them. Extents, and what counts a loop, take `COUNTED`
bits. What a loop carries takes `CARRIED` bits: its end is checked where more may come out. Adding what takes `LITTLE`
bits lets nothing grow that takes `MUCH`: it would be 2**40 additions.
"""

from __future__ import annotations

from collections.abc import Callable
from math import inf

import numpy as np

from .core import Op, Value

INT, COUNTED, CARRIED, LITTLE, MUCH = 63, 31, 62, 40, 60
"""Bits beside the sign: of int64, of counters and extents, of what loops carry; what adds little to what is large."""

Width = int | float


class Widths:
    """The widths of a function's integers. counts: whether a parameter counts a loop or is an extent."""

    def __init__(self, counts: Callable[[Value], bool]):
        self.counts = counts
        self.known: dict[Value, Width] = {}

    def of(self, v: Value) -> Width:
        """Of a value that is there: what it may be beyond int64 has been checked."""
        found = self.known.get(v)
        if found is None:
            found = self.known[v] = min(self.reckoned(v), INT)
        return found

    def reckoned(self, v: Value) -> Width:
        """What the operation that makes it may give."""
        if v.dtype.is_bool:
            return 1
        if v.op is None:
            return COUNTED if self.counts(v) else CARRIED
        rule = RULES.get(v.op.name)
        return rule(self, v.op, v.index) if rule else narrow(v)


def narrow(v: Value) -> Width:
    """By the type alone."""
    if not v.dtype.is_integer:
        return INT
    bits = 8 * v.dtype.itemsize
    return bits - 1 if v.dtype.kind == "i" else bits


def of_number(n: int) -> int:
    return abs(n).bit_length()


def constant(v: Value) -> int | None:
    """The number that a value is, where it is a literal."""
    literal = v.op.attrs.get("value") if v.op is not None else None
    return int(literal) if isinstance(literal, np.ndarray) and literal.ndim == v.type.rank == 0 else None


def added(a: Width, b: Width) -> Width:
    low, high = sorted((a, b))
    return high if low <= LITTLE and high >= MUCH else high + 1


def shifted(a: Width, count: int | None) -> Width:
    """Left, by a number of bits that may be known."""
    return inf if count is None else max(a + count, 0)


def _two(combine: Callable[[Width, Width], Width]) -> Rule:
    return lambda w, op, _: combine(*map(w.of, op.operands))


def _const(w: Widths, op: Op, _: int) -> Width:
    value = op.attrs["value"]
    return of_number(int(np.max(np.abs(value.astype(object))))) if value.size else 0


def _quotient(w: Widths, op: Op, _: int) -> Width:
    a, n = w.of(op.operands[0]), constant(op.operands[1])
    return max(a - of_number(n) + 1, 1) if n else a


def _shift_right(w: Widths, op: Op, _: int) -> Width:
    a, n = w.of(op.operands[0]), constant(op.operands[1])
    return max(a - n, 1) if n is not None and n >= 0 else a


def _shift_left(w: Widths, op: Op, _: int) -> Width:
    return shifted(w.of(op.operands[0]), constant(op.operands[1]))


def _and(w: Widths, op: Op, _: int) -> Width:
    masks = [n for v in op.operands if (n := constant(v)) is not None and n >= 0]
    return min(map(of_number, masks)) if masks else max(map(w.of, op.operands))


def _widest(w: Widths, op: Op, _: int) -> Width:
    return max(map(w.of, op.operands))


def _of_branches(w: Widths, op: Op, index: int) -> Width:
    return max(w.of(block.results[index]) for block in op.regions)


Rule = Callable[[Widths, Op, int], Width]

RULES: dict[str, Rule] = {
    "const": _const, "add": _two(added), "sub": _two(added), "mul": _two(lambda a, b: a + b), "neg": _widest,
    "abs": _widest, "floordiv": _quotient, "mod": lambda w, op, _: w.of(op.operands[1]), "shr": _shift_right,
    "shl": _shift_left, "and": _and, "or": _widest, "xor": _widest, "not": _widest, "minimum": _widest,
    "maximum": _widest, "select": lambda w, op, _: max(map(w.of, op.operands[1:])),
    "cast": lambda w, op, _: w.of(op.operands[0]) if op.operands[0].dtype.kind in "biu" else INT,
    "size": lambda w, op, _: COUNTED, "if": _of_branches, "for": lambda w, op, _: CARRIED,
    "while": lambda w, op, _: CARRIED,
}
"""By operation: the width of a result."""


__all__ = ["CARRIED", "INT", "Widths", "added", "shifted"]
