"""Fourier transforms of lines, not normalised. A complex line is an array of reals whose last axis has two elements."""

from __future__ import annotations

from typing import Any

import numpy as np

from ...errors import DtypeError, ShapeError
from .. import attrs as kinds
from ..size_conditions import holds
from ..sizes import same
from ..types import ArrayType
from .planes import joined
from .spec import Fails, Memory, OpSpec, table

ROUTINE: dict[str, Any] = {"memory": Memory.NEST, "cost": 20.0, "open_extents": False}


def _check(name: str, x: ArrayType, rank: int, behind: int = 0) -> None:
    if not x.dtype.is_float:
        raise DtypeError(f"{name}: not defined for {x}")
    if not 0 <= behind <= x.rank - rank or (rank == 2 and x.shape[-1] != 2) or x.shape[-rank - behind] == 0:
        raise ShapeError(f"{name}: {x} holds no lines")


def _infer_fft(x: ArrayType, inverse: bool, behind: int = 0) -> tuple[ArrayType, ...]:
    _check("fft", x, 2, behind)
    return (x,)


def _infer_rfft(x: ArrayType) -> tuple[ArrayType, ...]:
    _check("rfft", x, 1)
    return (x.with_shape((*x.shape[:-1], x.extents[-1] // 2 + 1, 2)),)


def _infer_irfft(x: ArrayType, n: int) -> tuple[ArrayType, ...]:
    _check("irfft", x, 2)
    if not holds(n, ">=", 1) or not same(x.shape[-2], n // 2 + 1):
        raise ShapeError(f"irfft: {n} elements of {x}")
    return (x.with_shape((*x.shape[:-2], n)),)


def _complex(x: np.ndarray) -> np.ndarray:
    return joined(x[..., 0], x[..., 1])


def _parts(z: np.ndarray) -> np.ndarray:
    return np.stack([z.real, z.imag], -1)


def _fft(x: np.ndarray, inverse: bool, behind: int = 0) -> np.ndarray:
    z, axis = _complex(x), -1 - behind
    return _parts(np.fft.ifft(z, axis=axis, norm="forward") if inverse else np.fft.fft(z, axis=axis))


OPS = table(
    # exp(-2 pi i j k / n) of each line; inverse: exp(+2 pi i j k / n), not divided by n. behind: so many axes there are
    # between that of the lines and that of the two parts.
    OpSpec("fft", "fourier", 1, _infer_fft, _fft, Fails.NEVER, {"inverse": kinds.BOOL, "behind": kinds.INT},
           defaults={"behind": 0}, **ROUTINE),
    # Of real lines the first n // 2 + 1 elements, of which the others are the conjugates.
    OpSpec("rfft", "fourier", 1, _infer_rfft, lambda x: _parts(np.fft.rfft(x)), Fails.NEVER, **ROUTINE),
    # The real lines of n elements from those, not divided by n. The imaginary parts of the first, and of the last for
    # an even n, are not read.
    OpSpec("irfft", "fourier", 1, _infer_irfft, lambda x, n: np.fft.irfft(_complex(x), n, norm="forward"),
           Fails.NEVER, {"n": kinds.SIZE}, **ROUTINE),
)
