"""np.eye, np.identity and np.tri: where elements stand beside the diagonal decides what they are.

For known sizes NumPy computes them; for open ones they are comparisons of indices.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from .. import operands as o
from ..operands import TracedArray, cast, static_int
from .common import call, iota
from .creation import known, new


def eye(N, M=None, k=0, dtype=float, order="C", *, device=None, like=None):
    return compared(np.equal, N, M, k, dtype, order) if is_open(N, M) else known(np.eye)(N, M, k, dtype, order)


def identity(n, dtype=None, *, like=None):
    return eye(n, dtype=float if dtype is None else dtype)


def tri(N, M=None, k=0, dtype=float, *, like=None):
    return compared(np.less_equal, N, M, k, dtype, "C") if is_open(N, M) else known(np.tri)(N, M, k, dtype)


def is_open(*extents: Any) -> bool:
    """Whether some extent is a number that is not known."""
    return any(isinstance(e, TracedArray) and e.known is None for e in extents)


def compared(how: np.ufunc, rows: Any, columns: Any, k: Any, dtype: Any, order: str) -> TracedArray:
    """1 where the column, less k, stands so to the row, and 0 elsewhere."""
    shape = o.shape_of((rows, rows if columns is None else columns))
    beside = call(np.subtract, iota(shape, 1), static_int(k, "k"))
    return new(cast(call(how, beside, iota(shape, 0)), o.ir_dtype(dtype).np), order)


RULES: dict[Callable[..., Any], Callable[..., Any]] = {np.eye: eye, np.identity: identity, np.tri: tri}
