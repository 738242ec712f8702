"""MyGrad's linear algebra."""

from __future__ import annotations

from typing import Any

import numpy as np

from .functions_table import einsum, multi_matmul
from .tensor_base import asked, operand_of


def norm(x: Any, ord: Any = None, axis: Any = None, keepdims: bool = False, *, nan_to_num: bool = True,
         constant: bool | None = None) -> Any:
    """np.linalg.norm of vectors; where it is 0 the gradient is 0 with nan_to_num."""
    t = operand_of(x)
    if nan_to_num and ord in (None, 2):
        squares = t._apply(np.sum, (t * t,), {"axis": axis, "keepdims": keepdims, **asked(constant)})
        is_zero = squares._value() == 0
        if np.any(is_zero):
            return np.where(is_zero, 0.0, np.sqrt(np.where(is_zero, 1.0, squares)))
        return np.sqrt(squares)
    return t._apply(np.linalg.norm, (t,), {"ord": ord, "axis": axis, "keepdims": keepdims, **asked(constant)})


__all__ = ["einsum", "multi_matmul", "norm"]
