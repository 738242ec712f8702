"""What rewrite rules ask about a value."""

from __future__ import annotations

from typing import Any

import numpy as np

from ..ir import OPS, DType, Op, Sign, Value

Ints = tuple[int, ...]

def made_by(v: Value, name: str) -> Op | None:
    """The operation that defines v, if it is of that name."""
    op = v.owner
    return op if type(op) is Op and op.name == name else None


# numbers --------------------------------------------------------------------------------------------------------------
def is_zero(c: Any) -> bool:
    """Zero of either sign."""
    return c is not None and c == 0


def is_positive_zero(c: Any) -> bool:
    """0 of an integer, +0.0 of a float; no complex number."""
    return c is not None and c.dtype.kind != "c" and c == 0 and not np.signbit(c)


def is_negative_zero(c: Any) -> bool:
    """What adds nothing to any number: -0.0 of a float, 0 of an integer, -0.0-0.0j."""
    if c is None or c != 0:
        return False
    if c.dtype.kind == "c":
        return bool(np.signbit(c.real) and np.signbit(c.imag))
    return c.dtype.kind != "f" or bool(np.signbit(c))


def is_one(c: Any) -> bool:
    """1 of a real dtype. (A complex 1 is no neutral element: (inf+0j) * (1+0j) has a nan part.)"""
    return c is not None and c.dtype.kind in "iuf" and c == 1


def is_all_ones(c: Any) -> bool:
    """true of bool, every bit set of an integer."""
    return bool(c == np.invert(c.dtype.type(0)))



def never_negative_zero(v: Value, depth: int = 4) -> bool:
    """Whether no element can be -0.0. A sum is -0.0 only where all its terms are."""
    op = v.owner
    if v.dtype.kind in "iub":
        return True
    if type(op) is not Op or not depth or v.dtype.kind != "f":
        return False
    name, args = op.name, op.operands
    if name == "const":
        value = op.attrs["value"]
        return not np.any((value == 0) & np.signbit(value))
    if name == "cast":
        return args[0].dtype.kind in "iub"
    if name == "mul":
        return args[0] is args[1]
    if name == "add":
        return any(never_negative_zero(a, depth - 1) for a in args)
    if name == "sub":
        return never_negative_zero(args[0], depth - 1)
    if OPS[name].chooses:
        return all(never_negative_zero(a, depth - 1) for a in args)
    sign = OPS[name].sign
    if sign is Sign.KEPT:
        return never_negative_zero(args[0], depth - 1) and all(type(e) is int and e for e in args[0].shape)
    return sign is Sign.POSITIVE


def _bits(d: DType) -> int:
    """Of the significand of a (complex) float."""
    return np.finfo(d.np).nmant + 1


def preserves(narrow: DType, wide: DType) -> bool:
    """Whether a cast keeps every value, so that a further cast may start from the first dtype."""
    a, b = narrow.kind, wide.kind
    if narrow == wide or a == "b":
        return True
    if b == "b":
        return False
    if a in "iu":
        lo, hi = np.iinfo(narrow.np).min, np.iinfo(narrow.np).max
        if b in "iu":
            return bool(np.iinfo(wide.np).min <= lo and hi <= np.iinfo(wide.np).max)
        return 2 ** _bits(wide) >= max(-lo, hi)
    return b in ("fc" if a == "f" else "c") and _bits(narrow) <= _bits(wide)


# shapes ---------------------------------------------------------------------------------------------------------------
def static_ints(*groups: tuple[Any, ...]) -> bool:
    """Whether no index value is among the extents."""
    return all(type(e) is int for g in groups for e in g)


def nonunit(shape: tuple[Any, ...]) -> Ints:
    """The axes whose extent is not 1."""
    return tuple(k for k, e in enumerate(shape) if type(e) is not int or e != 1)


def unit_move(old: tuple[Any, ...], new: tuple[Any, ...]) -> dict[int, int] | None:
    """For a reshape that only inserts and drops unit axes: the new axis of each other old axis. None for another."""
    a, b = nonunit(old), nonunit(new)
    if len(a) != len(b) or any(old[i] != new[j] for i, j in zip(a, b, strict=True)):
        return None
    return dict(zip(a, b, strict=True))


def without(shape: tuple[Any, ...], axes: Ints) -> tuple[Any, ...]:
    """The shape without the given axes."""
    return tuple(e for k, e in enumerate(shape) if k not in axes)
