"""Open sizes as plain data, which another process reads: the dims by their numbers.

A number is itself. A size is its terms, in an order of their own: `[[coefficient, [atom, ...]], ...]`; an atom is the
number of a dim, or `[by, of]` for a quotient.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from .size_conditions import SizeCondition
from .sizes import COMPARE, Atom, Dim, Quotient, Size, size_of


def size_data(x: int, numbers: Mapping[Dim, int]) -> Any:
    """KeyError for a dim without a number."""
    if type(x) is not Size:
        return int(x)
    return sorted(([k, sorted((_atom(a, numbers) for a in m), key=repr)] for m, k in x.terms.items()), key=repr)


def _atom(a: Atom, numbers: Mapping[Dim, int]) -> Any:
    return [a.by, size_data(a.of, numbers)] if isinstance(a, Quotient) else numbers[a]


def size_from(data: Any, dims: Sequence[Dim]) -> int:
    """What `size_data` was made from, of other dims. ValueError, TypeError or IndexError for anything else."""
    if type(data) is int:
        return data
    total = 0
    for factor, atoms in data:
        product: int = int(factor)
        for a in atoms:
            product = product * (size_of(dims[a]) if type(a) is int else size_from(a[1], dims) // int(a[0]))
        total = total + product
    return total


def condition_data(c: SizeCondition, numbers: Mapping[Dim, int]) -> Any:
    return [size_data(c.left, numbers), c.op, size_data(c.right, numbers), c.is_preference]


def condition_from(data: Any, dims: Sequence[Dim]) -> SizeCondition:
    left, op, right, is_preference = data
    if op not in COMPARE:
        raise ValueError(f"no comparison {op!r}")
    return SizeCondition(size_from(left, dims), op, size_from(right, dims), bool(is_preference))
