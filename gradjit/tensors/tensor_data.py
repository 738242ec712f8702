"""The elements of tensors: what the user gives as data, as an array of our own."""

from __future__ import annotations

from typing import Any

import numpy as np

from ..errors import DtypeError
from ..tracer.locations import fail
from .tensor_operators import TensorOperators


def copied(data: Any, dtype: Any = None) -> np.ndarray:
    """A row-major copy of what the user gives as data."""
    if isinstance(data, TensorOperators):
        data = data._value()
    elif isinstance(data, list | tuple):
        data = plain_nested(data)
    a = np.array(data, dtype, order="C")
    if a.dtype.kind not in "biufc":
        fail(DtypeError, f"a tensor is of numbers, not of {a.dtype}")
    return np.asarray(a, a.dtype.newbyteorder("="))


def plain_nested(x: Any) -> Any:
    if isinstance(x, TensorOperators):
        return x._value()
    return [plain_nested(i) for i in x] if isinstance(x, list | tuple) else x
