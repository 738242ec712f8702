"""Convolution and pooling in any number of dimensions: windows side by side, and one matrix product."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from typing import Any

import numpy as np

from ..errors import ArgumentError, ShapeError

Amount = int | Sequence[int]


def amounts(x: Amount, n: int, what: str, least: int) -> tuple[int, ...]:
    """One int for each dimension."""
    found = tuple(int(i) for i in x) if isinstance(x, tuple | list | np.ndarray) else (int(x),) * n  # type: ignore[arg-type]
    if len(found) != n or any(i < least for i in found):
        raise ArgumentError(f"{what}={x!r}: an int of at least {least}, or {n} of them, one for each dimension")
    return found


def extents(size: Sequence[int], window: Sequence[int], stride: Sequence[int], dilation: Sequence[int]
            ) -> tuple[int, ...]:
    """How many windows there are along each dimension. ShapeError where they do not tile what is there."""
    found = []
    for n, w, s, d in zip(size, window, stride, dilation, strict=True):
        reach = (w - 1) * d + 1
        if reach > n:
            raise ShapeError(f"a window that reaches over {reach} elements does not fit into {n}")
        found.append((n - reach) // s + 1)
    return tuple(found)


def windows(x: Any, window: Sequence[int], stride: Sequence[int], dilation: Sequence[int]) -> list[Any]:
    """For each place in the window, what stands there in all windows: arrays (*leading, *extents)."""
    n = len(window)
    lead = np.ndim(x) - n
    count = extents(np.shape(x)[lead:], window, stride, dilation)
    found = []
    for place in itertools.product(*map(range, window)):
        key = tuple(slice(p * d, p * d + (c - 1) * s + 1, s)
                    for p, d, c, s in zip(place, dilation, count, stride, strict=True))
        found.append(x[(slice(None),) * lead + key])
    return found


def conv_nd(x: Any, kernels: Any, bias: Any = None, *, stride: Amount = 1, padding: Amount = 0, dilation: Amount = 1
            ) -> Any:
    """The cross-correlation of a batch x (n, c, *sizes) with kernels (f, c, *window): (n, f, *extents).

    stride, padding (zeros on both sides) and dilation: ints, or one for each dimension. bias: f numbers.
    """
    f, c, *window = np.shape(kernels)
    n = len(window)
    if np.ndim(x) != n + 2 or np.shape(x)[1] != c:
        raise ShapeError(f"conv_nd of shape {np.shape(x)} with kernels of shape {np.shape(kernels)}; they are "
                         f"(n, c, *sizes) and (f, c, *window)")
    stride, dilation = amounts(stride, n, "stride", 1), amounts(dilation, n, "dilation", 1)
    pads = amounts(padding, n, "padding", 0)
    rows = np.swapaxes(x, 0, 1)  # (c, n, *sizes), so that what is summed over comes first
    if any(pads):
        rows = np.pad(rows, ((0, 0), (0, 0), *((p, p) for p in pads)))
    if all(w == 1 for w in window) and all(s == 1 for s in stride):
        columns = rows[:, None]
    else:
        columns = np.stack(windows(rows, window, stride, dilation), axis=1)
    out = np.tensordot(np.reshape(kernels, (f, c, -1)), columns, axes=((1, 2), (0, 1)))
    if bias is not None:
        out = out + np.reshape(bias, (f,) + (1,) * (n + 1))
    return np.swapaxes(out, 0, 1)


def conv1d(x: Any, kernels: Any, bias: Any = None, **options: Any) -> Any:
    """`conv_nd` of (n, c, length)."""
    return conv_nd(x, kernels, bias, **options)


conv2d = conv3d = conv1d


def pooled(x: Any, window: Amount, stride: Amount | None, padding: Amount, dims: int | None, fill: float) -> list[Any]:
    """What stands at each place of the windows."""
    n = dims if dims is not None else len(window) if isinstance(window, tuple | list) else np.ndim(x) - 2
    size = amounts(window, n, "window", 1)
    pads = amounts(padding, n, "padding", 0)
    if any(pads):
        x = np.pad(x, (*((0, 0),) * (np.ndim(x) - n), *((p, p) for p in pads)), constant_values=fill)
    return windows(x, size, size if stride is None else amounts(stride, n, "stride", 1), (1,) * n)


def max_pool(x: Any, window: Amount, stride: Amount | None = None, padding: Amount = 0, dims: int | None = None) -> Any:
    """The largest element of each window over the last dimensions of x; ties share the derivative.

    stride: that of the windows, their own size unless given. dims: over how many dimensions, where the window is an
    int; all but the first two unless given.
    """
    parts = pooled(x, window, stride, padding, dims, -np.inf)
    return np.max(np.stack(parts, axis=-1), axis=-1)


def avg_pool(x: Any, window: Amount, stride: Amount | None = None, padding: Amount = 0, dims: int | None = None) -> Any:
    """The mean of each window, padding included."""
    parts = pooled(x, window, stride, padding, dims, 0.0)
    total = parts[0]
    for p in parts[1:]:
        total = total + p
    return total / len(parts)
