"""What lies beyond the edges: which element stands for one at a place outside, by scipy.ndimage's modes."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from ...numpy.creation import arange as arange_of_open_length
from ...operands import TracedArray, cast, unsupported
from ..written_loops import along, invalid

ALIASES = {"grid-mirror": "reflect", "grid-wrap": "wrap", "grid-constant": "constant"}
"""What means the same where samples alone are looked at."""
MODES = ("reflect", "constant", "nearest", "mirror", "wrap", *ALIASES)


def filter_mode(mode: Any) -> str:
    if mode not in MODES:
        invalid(f"boundary mode {mode!r} not supported; the modes are {', '.join(map(repr, MODES))}")
    return ALIASES.get(mode, mode)


def inside(places: Any, n: int, mode: str) -> Any:
    """The places inside of 0..n that stand for these, which are integers (known or traced)."""
    if mode == "nearest" or n == 1:
        return np.clip(places, 0, n - 1)
    if mode == "wrap":
        return places % n
    if mode == "mirror":
        k = places % (2 * n - 2)
        return np.where(k >= n, 2 * n - 2 - k, k)
    k = places % (2 * n)
    return np.where(k >= n, 2 * n - 1 - k, k)


def extended(x: Any, axis: int, before: int, behind: int, mode: Any, cval: Any) -> Any:
    """x with some elements more along an axis."""
    mode = filter_mode(mode)
    if not before and not behind:
        return x
    if mode == "constant":
        widths = [(before, behind) if k == axis else (0, 0) for k in range(x.ndim)]
        return np.pad(x, widths, constant_values=cval)
    n = x.shape[axis]
    arange: Any = arange_of_open_length if isinstance(n, TracedArray) else np.arange
    return x[along(axis, x.ndim, inside(arange(-before, n + behind), n, mode))]


def window_reach(size: int, origin: int, what: str = "weights") -> tuple[int, int]:
    """How far a window reaches before and behind its place."""
    before = size // 2 + origin
    if not 0 <= before < size:
        invalid(f"Invalid origin; origin must satisfy -(len({what}) // 2) <= origin <= (len({what})-1) // 2")
    return before, size - 1 - before


def spread(x: Any, sizes: Sequence[int], origins: Sequence[int], modes: Sequence[Any], cval: Any) -> Any:
    """x with as much around it as windows of these sizes reach out. Where they overlap, axis after axis."""
    for axis, (size, origin, mode) in enumerate(zip(sizes, origins, modes, strict=True)):
        x = extended(x, axis, *window_reach(size, origin), mode, cval)
    return x


def output_dtype(name: str, output: Any, x: TracedArray) -> np.dtype:
    """The dtype of the result; `output=` may name it."""
    if x.ir_dtype.is_complex:
        unsupported(f"scipy.ndimage.{name}", "of complex numbers; filter real and imaginary parts")
    if output is None:
        return x.dtype
    if isinstance(output, (TracedArray, np.ndarray)):
        unsupported(f"scipy.ndimage.{name}", "output= an array; write y[...] = the result, or output= a dtype")
    return np.dtype(output)


def stored(value: Any, dtype: np.dtype) -> Any:
    return cast(value, dtype)
