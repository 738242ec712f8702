"""Fourier transforms of lines."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from gradjit.errors import DtypeError, ShapeError
from gradjit.ir import F32, F64, I64, OPS, ArrayType
from tests.ops.harness import Case, check

RNG = np.random.default_rng(3)


def normal(*shape: int) -> np.ndarray:
    return np.asarray(RNG.standard_normal(shape))


def whole(x: np.ndarray) -> np.ndarray:
    return x[..., 0] + 1j * x[..., 1]


def parts(z: Any) -> np.ndarray:
    return np.stack([z.real, z.imag], -1)


def forward(x: np.ndarray) -> np.ndarray:
    return parts(np.fft.fft(whole(x)))


def backward(x: np.ndarray) -> np.ndarray:
    return parts(np.fft.ifft(whole(x), norm="forward"))


CASES = [Case("fft", (normal(*shape, 2),), {"inverse": inverse}, backward if inverse else forward)
         for shape in ((1,), (2,), (5,), (8,), (3, 4), (2, 9, 7), (0, 4)) for inverse in (False, True)]
CASES += [Case("rfft", (normal(*shape),), {}, lambda x: parts(np.fft.rfft(x)))
          for shape in ((1,), (2,), (5,), (8,), (3, 6), (2, 9, 7), (0, 4))]
CASES += [Case("irfft", (normal(*shape, n // 2 + 1, 2),), {"n": n},
               lambda x, n=n: np.fft.irfft(whole(x), n, norm="forward"), note=str(n))
          for shape, n in (((), 1), ((), 2), ((), 7), ((3,), 8), ((2, 9), 5))]


@pytest.mark.thinned
@pytest.mark.parametrize("case", CASES, ids=lambda c: c.id)
def test_transform(case: Case) -> None:
    check(case)


@pytest.mark.parametrize("op,t,attrs,error", [
    ("fft", ArrayType(F64, (4, 3)), {"inverse": False}, ShapeError),
    ("fft", ArrayType(I64, (4, 2)), {"inverse": False}, DtypeError),
    ("fft", ArrayType(F64, (0, 2)), {"inverse": False}, ShapeError),
    ("rfft", ArrayType(F32, ()), {}, ShapeError),
    ("irfft", ArrayType(F64, (4, 2)), {"n": 5}, ShapeError),
])
def test_types(op: str, t: ArrayType, attrs: dict[str, Any], error: type[Exception]) -> None:
    with pytest.raises(error):
        OPS[op].infer(t, **attrs)
