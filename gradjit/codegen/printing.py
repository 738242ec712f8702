"""What compiled code calls in Python: it reads numbers from memory, and prints, raises, or computes others."""

from __future__ import annotations

import ctypes
from typing import Any

import numpy as np

from ..ir import DType, Loc
from ..ir.ops.custom import OpaqueFunction
from ..ir.ops.effects import exception, tell
from ..records import dataclass


@dataclass(frozen=True)
class Telling:
    """Hands arrays to Python. `operands` are their dtypes and ranks.

    Called with the address of i64 words: for each array where its first element is, then extent and stride (in
    elements) of each axis.
    """

    operands: tuple[tuple[DType, int], ...]

    @property
    def words(self) -> int:
        return sum(1 + 2 * rank for _, rank in self.operands)

    def __call__(self, address: int) -> None:
        self.tell([a.copy() for a in self.arrays(address)])

    def arrays(self, address: int) -> list[np.ndarray]:
        """The arrays where they stand."""
        words = list((ctypes.c_int64 * self.words).from_address(address))
        arrays = []
        for dtype, rank in self.operands:
            (data, *axes), words = words[:1 + 2 * rank], words[1 + 2 * rank:]
            arrays.append(elements(data, dtype.np, axes[::2], axes[1::2]))
        return arrays

    def tell(self, arrays: list[np.ndarray]) -> None:
        """What is done with the arrays."""
        raise NotImplementedError


@dataclass(frozen=True)
class Print(Telling):
    """Prints through a format of str.format, or gives the text to another receiver."""

    format: str
    to: str = ""

    def tell(self, arrays: list[np.ndarray]) -> None:
        tell(self.format, arrays, self.to)


@dataclass(frozen=True)
class Raise(Telling):
    """Raises an exception of the program's own, from the user's line."""

    error: str
    message: str
    loc: Loc | None

    def tell(self, arrays: list[np.ndarray]) -> None:
        raise_from(self.loc, exception(self.error, self.message, arrays))


@dataclass(frozen=True)
class Apply(Telling):
    """Calls an opaque function. The last of the arrays are its results, which are written."""

    function: OpaqueFunction
    results: int

    def __call__(self, address: int) -> None:
        arrays = self.arrays(address)
        operands, results = arrays[:-self.results], arrays[-self.results:]
        made = self.function([a.copy() for a in operands], [(a.dtype, a.shape) for a in results])
        for a, x in zip(results, made, strict=True):
            a[...] = x


def raise_from(loc: Loc | None, raised: BaseException) -> None:
    """Raise the exception so that its traceback ends in the user's line."""
    if loc is None:
        raise raised
    code = compile("\n" * (loc.line - 1) + "raise raised", loc.file, "exec")
    exec(code.replace(co_name=loc.function or code.co_name), {"raised": raised})


def elements(address: int, dtype: np.dtype, shape: list[int], strides: list[int]) -> np.ndarray:
    """The array at an address. Strides are in elements, of any sign."""
    if 0 in shape:
        return np.empty(shape, dtype)
    reach = [(n - 1) * s for n, s in zip(shape, strides, strict=True)]
    below, above = sum(min(r, 0) for r in reach), sum(max(r, 0) for r in reach)
    size = dtype.itemsize
    memory: Any = (ctypes.c_char * ((above - below + 1) * size)).from_address(address + below * size)
    flat = np.frombuffer(memory, dtype)
    steps = [s * size for s in strides]
    return np.lib.stride_tricks.as_strided(flat[-below:], shape, steps)
