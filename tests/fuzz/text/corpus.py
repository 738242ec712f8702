"""Good programs to start from: the file tests, and traced programs at all stages."""

from __future__ import annotations

import functools
import re
from collections.abc import Callable
from typing import Any

import numpy as np

import gradjit as gj
from tests.filetests.runner import paths, read

X, M, N = np.linspace(-1.0, 1.0, 5), np.linspace(0.0, 1.0, 12).reshape(3, 4), np.int64(3)
LONGEST = 6000
"""Characters of a program. Of longer ones most of a mutant is what it was."""


def windows(x, n):
    s = 0.0
    for i in range(1, n):
        s = s + np.sum(x[:i]) * x[i]
    return s


def relax(u, n):
    for _ in range(n):
        u[1:-1] += 0.1 * (u[2:] - 2 * u[1:-1] + u[:-2])
    return np.sum(u ** 2)


def counted(x):
    k = 0
    while np.sum(x) > 0.25 and k < 4:
        x = x * 0.5
        k += 1
    return np.sum(x) * k


def branches(x, y):
    if x[0] > y[0]:
        z = np.sin(x) * y
    else:
        z = np.maximum(x, y) - x
    return np.sum(z[::-1] * z)


def picked(x, i):
    return np.sum(x[i] * np.arange(3.0)) + np.max(x)


def nested(a):
    s = 0.0
    for i in range(a.shape[0]):
        for j in range(i, a.shape[1]):
            if a[i, j] > 0.5:
                s = s + a[i, j] * a[i, j - 1]
            else:
                a[i, j] = s
    return s + np.sum(a)


def linear(a, x):
    return np.sum(np.tanh(a @ x[:4]) ** 2) + np.sum(np.sort(a, axis=0)[0])


def scans(x):
    return np.sum(np.cumsum(x[::2]) * np.cumprod(x[::2])) + np.argmax(x) * np.min(x) + np.sum(np.diff(x))


def padded(a):
    return np.sum(np.pad(a, 1)[1:, :-1] * np.concatenate([a, a], 0)[:4, :1]) + np.sum(np.where(a > 0.5, a, 0.0))


def integers(i, x):
    j = (i * 3 + 1) // 2 % 5
    return np.sum(x[np.abs(j) % 5] * (j & 3)) + np.sum(x.astype(np.float32))


PROGRAMS: tuple[tuple[Callable[..., Any], tuple[Any, ...]], ...] = (
    (windows, (X, N)), (relax, (X, N)), (counted, (X,)), (branches, (X, X[::-1].copy())),
    (picked, (X, np.array([0, 2, 4]))), (nested, (M,)), (linear, (M, X)), (scans, (X,)), (padded, (M,)),
    (integers, (np.array([1, 2, 3]), X)),
)


@functools.cache
def corpus() -> list[str]:
    """All texts, in a fixed order."""
    texts = [part for path in paths() for part in (read(path).source, read(path).expected)]
    for f, args in PROGRAMS:
        at = 1 if f is integers else 0
        for transform in (gj.jit, lambda f: gj.grad(f, argnums=at), lambda f: gj.jacobian(f, argnums=at)):
            compiled = transform(f)
            texts += [compiled.ir(*args, stage=stage) for stage in ("traced", "adjoint", "optimized")]
    plain = (re.sub(r"[ \t]*;[^\n]*", "", t).strip() + "\n" for t in texts)
    return [t for t in dict.fromkeys(plain) if "func" in t and len(t) < LONGEST]
