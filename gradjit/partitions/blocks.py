"""Partitions of the arguments that have rows: how arrays are cut, and what belongs together."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from math import prod
from typing import Any

import numpy as np

from ..errors import ArgumentError, DtypeError, ShapeError
from ..records import dataclass

BLOCK_BYTES = 1 << 23
"""About so large is the part of all arrays that makes a partition, where nobody says how many rows it has. By size, not
by workers: so results have the same bits for any number of them."""


@dataclass(frozen=True)
class Partition:
    """One partition of one argument: an array, or a function without arguments that gives it, where it is used."""

    data: Any

    def load(self, like: RowType | None = None) -> np.ndarray:
        """The array. DtypeError, ShapeError where its rows are no others than the first partition's."""
        array = np.asarray(self.data() if callable(self.data) else self.data)
        return array if like is None else like.checked(array)


@dataclass(frozen=True)
class RowType:
    """What all partitions of an argument have in common, as the first of them has it."""

    name: str
    dtype: np.dtype[Any]
    shape: tuple[int, ...]

    @property
    def row_bytes(self) -> int:
        return self.dtype.itemsize * prod(self.shape)

    @classmethod
    def of(cls, name: str, array: np.ndarray) -> RowType:
        if not array.ndim:
            raise ArgumentError(f"{name} has a partition that is a number; partitions are arrays with rows")
        return cls(name, array.dtype, array.shape[1:])

    def checked(self, array: np.ndarray) -> np.ndarray:
        if not array.ndim or array.shape[1:] != self.shape:
            raise ShapeError(f"{self.name} has a partition of shape {array.shape}, and the rows of the first one are "
                             f"of shape {self.shape}")
        if array.dtype != self.dtype:
            raise DtypeError(f"{self.name} has a partition of {array.dtype}, and the first one is {self.dtype}; "
                             f"convert it: one loss is computed in one dtype")
        return array


def cut(arguments: Sequence[Any], names: Sequence[str], rows: int | None) -> list[tuple[Partition, ...]]:
    """The partitions: a block of each argument. Arrays are cut into blocks of so many rows; lists are blocks already.

    Raises ArgumentError where the arguments do not have the same number of rows, or of blocks.
    """
    for a, name in zip(arguments, names, strict=True):
        if isinstance(a, Iterator):
            raise ArgumentError(f"{name} is a {type(a).__name__}, which gives its partitions only once; pass a list of "
                                f"arrays, or of functions without arguments that load one each")
    kinds = {isinstance(a, (list, tuple)) for a in arguments}
    if len(kinds) > 1:
        raise ArgumentError(f"{', '.join(names)}: some are lists of partitions, and some are not")
    if kinds == {True}:
        lengths = [len(a) for a in arguments]
        if len(set(lengths)) > 1:
            raise ArgumentError(f"{', '.join(names)} have {', '.join(map(str, lengths))} partitions")
        return [tuple(map(Partition, some)) for some in zip(*arguments, strict=True)]
    arrays = [np.asarray(a) if not isinstance(a, np.ndarray) else a for a in arguments]
    for a, name in zip(arrays, names, strict=True):
        if not a.ndim:
            raise ArgumentError(f"{name} is a number; what is cut into partitions has rows")
    lengths = [len(a) for a in arrays]
    if len(set(lengths)) > 1:
        raise ArgumentError(f"{', '.join(names)} have {', '.join(map(str, lengths))} rows")
    step = rows if rows is not None else usual_rows(arrays)
    return [tuple(Partition(a[k:k + step]) for a in arrays) for k in range(0, lengths[0], step)]


def usual_rows(arrays: Sequence[np.ndarray]) -> int:
    """The rows of a partition of usual size."""
    each = sum(a.nbytes for a in arrays) / max(len(arrays[0]), 1)
    return max(int(BLOCK_BYTES / max(each, 1)), 1)


def added(parts: list[Any], add: Callable[[Any, Any], Any]) -> Any:
    """The sum of at least one part, in a tree whose shape depends on their number alone."""
    while len(parts) > 1:
        pairs = [add(a, b) for a, b in zip(parts[::2], parts[1::2], strict=False)]
        parts = pairs + parts[2 * len(pairs):]
    return parts[0]
