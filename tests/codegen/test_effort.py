"""What LLVM spends on a kernel changes its speed, and no bit of its results: rounding is decided above LLVM."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import gradjit as gj
from tests.fuzz.effort import llvm_effort

R = np.random.default_rng(3)
X, Y, M, W = R.normal(size=37), R.normal(size=37), R.normal(size=(37, 5)), R.normal(size=(5, 4))


def rosenbrock(x):
    return np.sum(100.0 * (x[1:] - x[:-1] ** 2) ** 2 + (1 - x[:-1]) ** 2)


def compensated(x):
    total, rest = 0.0, 0.0
    for k in range(len(x)):
        term = x[k] * x[k] - rest
        new = total + term
        rest = (new - total) - term
        total = new
    return total * 3.0 + rest


def layer(w, x):
    h = np.tanh(x @ w)
    h = h - np.max(h, axis=1, keepdims=True)
    return -np.mean(h[:, 0] - np.log(np.sum(np.exp(h), axis=1)))


def recurrence(x):
    y = np.zeros_like(x)
    for k in range(2, len(x)):
        y[k] = x[k] - 1.2 * y[k - 1] + 0.4 * y[k - 2] * x[k - 1]
    return np.sum(y * y)


def pendulum(x):
    angle, speed = x[0], 0.1
    for _ in range(50):
        speed = speed - 0.01 * np.sin(angle)
        angle = angle + 0.01 * speed
    return angle * speed


def moments(m):
    c = m - np.mean(m, axis=0)
    return np.sum((c.T @ c) ** 2) + np.sum(np.std(m, axis=1))


def single(x):
    return np.sum(np.exp(-x.astype(np.float32) ** 2) * np.float32(0.3) + np.sqrt(np.abs(x.astype(np.float32))))


def complex_product(x, y):
    z = (x + 1j * y) ** 2 * (0.5 - x * 1j)
    return np.sum(np.abs(z) ** 2)


PROGRAMS: dict[Callable[..., Any], tuple[np.ndarray, ...]] = {
    rosenbrock: (X,), compensated: (X,), layer: (W, M), recurrence: (X,), pendulum: (X,), moments: (M,), single: (X,),
    complex_product: (X, Y),
}


@pytest.mark.parametrize("f", PROGRAMS, ids=lambda f: f.__name__)
def test_the_same_bits_with_any_effort(f):
    found = []
    for full in (True, False):
        with llvm_effort(full):
            value, gradient = gj.value_and_grad(f)(*PROGRAMS[f])
            found.append((np.asarray(value).tobytes(), gradient.tobytes()))
    assert found[0] == found[1]
