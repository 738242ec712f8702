"""Elementwise functions."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from ..operands import TracedArray, emit
from ..ufuncs import Raw


def _boolean(op: str, logical: str) -> Callable[..., TracedArray]:
    """Arithmetic that on booleans means a logical operation."""
    return lambda x, y: emit(logical if x.ir_dtype.is_bool else op, x, y)


UFUNCS: dict[np.ufunc, str | Callable[..., Any] | Raw] = {
    np.add: _boolean("add", "or"),
    np.multiply: _boolean("mul", "and"),
    np.subtract: "sub",
    np.true_divide: "div",
    np.negative: "neg",
    np.sin: "sin",
    np.less: "lt", np.less_equal: "le", np.equal: "eq", np.not_equal: "ne", np.greater: "gt", np.greater_equal: "ge",
}
