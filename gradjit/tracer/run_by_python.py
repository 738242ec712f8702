"""A function of arrays that Python runs while the program does, as an operation without a derivative."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from ..ir import ArrayType, dtype_of
from ..ir.ops.custom import OpaqueFunction
from .array import ARRAY, SCALAR, TracedArray, root
from .operands import as_traced
from .recorder import current


def run_by_python(title: str, run: Callable[..., Sequence[Any]], likes: Sequence[Any], operands: Sequence[Any],
                  ) -> list[TracedArray]:
    """The results of `run(*operands)`, which are of the types of `likes`. title: how errors name it."""
    types = tuple(ArrayType(dtype_of(np.asarray(x).dtype), np.shape(x)) for x in likes)
    r = current()
    values = r.append("opaque", tuple(as_traced(x).value for x in operands),
                      {"function": OpaqueFunction(title, run), "types": types})
    return [root(v, r, ARRAY if isinstance(x, np.ndarray) else SCALAR) for v, x in zip(values, likes, strict=True)]
