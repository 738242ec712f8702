"""Functions for libraries, and calls of them as C makes them."""

from __future__ import annotations

import ctypes
import shutil
from typing import Any

import numpy as np

from gradjit.runtime.library import linker
from gradjit.runtime.library.processors import host_processor

HAS_LINKER = linker.found(host_processor()) is not None
HAS_COMPILER = shutil.which("cc") is not None
OFFSETS = np.array([1.0, 2.0, 4.0])


def spectrum(x):
    return np.sum(np.abs(np.fft.fft2(x)) ** 4)


def filtered(x, y):
    return np.fft.irfft(np.fft.rfft(x) * np.fft.rfft(y), n=x.shape[0])


def rosenbrock(x):
    return np.sum(100 * (x[1:] - x[:-1] ** 2) ** 2 + (1 - x[:-1]) ** 2)


def loss(w, x, y):
    return np.mean((np.tanh(x @ w) - y) ** 2)


def picked(x, i):
    return x[i] * 2.0


def relaxed(u, rate):
    u[1:-1] += rate * (u[2:] - 2 * u[1:-1] + u[:-2])
    return np.sum(u)


def shifted(x, scale):
    return {"sum": x + OFFSETS * scale, "scale": 3, "both": [np.sum(x), scale * 2]}


def product(a, b):
    return a @ b


def layered(p, x):
    return np.sum(np.tanh(x @ p["w"] + p["b"]))


def chosen(x, mask, counts):
    return np.where(mask, x, np.float32(0)), counts.sum()


def recurrence(x, n):
    total = 0.0
    for i in range(n):
        total = np.sin(total + x[i % 3]) * 1.5
    return total


def scaled_scalar(x, y):
    return x * y


def pointers(*values: Any) -> list[Any]:
    """Arrays as addresses, other values as they are."""
    return [v.ctypes.data_as(ctypes.c_void_p) if isinstance(v, np.ndarray) else v for v in values]


def c_function(address: int, *types: Any) -> Any:
    return ctypes.CFUNCTYPE(ctypes.c_int32, *types)(address)
