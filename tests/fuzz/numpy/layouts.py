"""Arrays in all the layouts that NumPy's have, and copies that keep the layout."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np


def spaced(a: np.ndarray) -> np.ndarray:
    """Every second element of a larger array."""
    view = np.zeros((*a.shape[:-1], 2 * a.shape[-1]), a.dtype)[..., ::2]
    view[...] = a
    return view


LAYOUTS: tuple[Callable[[np.ndarray], np.ndarray], ...] = (
    lambda a: a.copy(), lambda a: a.copy(), np.asfortranarray, spaced,
    lambda a: a[::-1].copy()[::-1], lambda a: np.ascontiguousarray(a[..., ::-1])[..., ::-1],
    lambda a: np.ascontiguousarray(np.swapaxes(a, 0, -1)).swapaxes(0, -1),
)
"""Of arrays of at least one axis."""


def copied(a: np.ndarray) -> np.ndarray:
    """A copy with the same steps in memory, negative ones among them."""
    low = sum(min(0, (n - 1) * step) for n, step in zip(a.shape, a.strides, strict=True))
    high = sum(max(0, (n - 1) * step) for n, step in zip(a.shape, a.strides, strict=True))
    memory = np.zeros((high - low) // 8 + 2)
    copy = np.ndarray(a.shape, a.dtype, memory, -low, a.strides)
    copy[...] = a
    return copy
