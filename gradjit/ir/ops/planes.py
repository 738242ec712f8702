"""Complex numbers and their two planes, the real and the imaginary parts.

All other operations that take complex numbers have the meaning that NumPy gives them. `passes/planes` writes a program
with planes only; what stands behind that pass knows of no complex numbers.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from ...errors import DtypeError, ShapeError
from ..types import COMPLEX_OF, ArrayType
from .spec import Fails, Memory, OpSpec, table


def _infer_part(x: ArrayType) -> tuple[ArrayType, ...]:
    if not x.dtype.is_complex:
        raise DtypeError(f"the parts of {x}, which is not complex")
    return (x.with_dtype(x.dtype.part),)


def _infer_complex(re: ArrayType, im: ArrayType) -> tuple[ArrayType, ...]:
    if re.dtype not in COMPLEX_OF or re.dtype != im.dtype:
        raise DtypeError(f"complex: {re} and {im}")
    if re.shape != im.shape:
        raise ShapeError(f"complex: the parts have shapes {re} and {im}")
    return (re.with_dtype(COMPLEX_OF[re.dtype]),)


def joined(re: Any, im: Any) -> np.ndarray:
    """The complex array of two planes, bit by bit: `re + 1j * im` makes a nan of an infinite part."""
    re = np.asarray(re)
    z = np.empty(re.shape, np.result_type(re.dtype, np.complex64))
    z.real, z.imag = re, im
    return z


CHEAPLY: dict[str, Any] = {"memory": Memory.ELEMENT, "cost": 0.15, "open_extents": True, "pointwise": True}

OPS = table(
    OpSpec("real", "planes", 1, _infer_part, np.real, Fails.NEVER, **CHEAPLY),
    OpSpec("imag", "planes", 1, _infer_part, np.imag, Fails.NEVER, **CHEAPLY),
    OpSpec("complex", "planes", 2, _infer_complex, joined, Fails.NEVER, **CHEAPLY),
)
