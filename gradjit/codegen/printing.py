"""What a `debug_print` in compiled code calls: it reads the numbers from memory and prints them."""

from __future__ import annotations

import ctypes
from dataclasses import dataclass
from typing import Any

import numpy as np

from ..ir import DType
from ..ir.ops.effects import formatted


@dataclass(frozen=True)
class Print:
    """Prints arrays through a format of str.format. `operands` are their dtypes and ranks.

    Called with the address of i64 words: for each array where its first element is, then extent and stride (in
    elements) of each axis.
    """

    format: str
    operands: tuple[tuple[DType, int], ...]

    @property
    def words(self) -> int:
        return sum(1 + 2 * rank for _, rank in self.operands)

    def __call__(self, address: int) -> None:
        words = list((ctypes.c_int64 * self.words).from_address(address))
        arrays = []
        for dtype, rank in self.operands:
            (data, *axes), words = words[:1 + 2 * rank], words[1 + 2 * rank:]
            arrays.append(elements(data, dtype.np, axes[::2], axes[1::2]))
        print(formatted(self.format, arrays))


def elements(address: int, dtype: np.dtype, shape: list[int], strides: list[int]) -> np.ndarray:
    """A copy of the array at an address. Strides are in elements, of any sign."""
    if 0 in shape:
        return np.empty(shape, dtype)
    reach = [(n - 1) * s for n, s in zip(shape, strides, strict=True)]
    below, above = sum(min(r, 0) for r in reach), sum(max(r, 0) for r in reach)
    size = dtype.itemsize
    memory: Any = (ctypes.c_char * ((above - below + 1) * size)).from_address(address + below * size)
    flat = np.frombuffer(memory, dtype)
    steps = [s * size for s in strides]
    return np.lib.stride_tricks.as_strided(flat[-below:], shape, steps).copy()
