"""The programs of `benchmarks.threads`, in plain NumPy."""

from __future__ import annotations

from typing import Any

import numpy as np
from scipy.special import logsumexp

Array = Any


def copy(x: Array) -> Array:
    return x.copy()


def elementwise(x: Array) -> Array:
    return np.sum(np.exp(-x * x) * np.sin(x))


def log_sum_exp(x: Array) -> Array:
    return logsumexp(x)


def rosenbrock(x: Array) -> Array:
    return np.sum(100 * (x[1:] - x[:-1] ** 2) ** 2 + (1 - x[:-1]) ** 2)


def softmax(x: Array) -> Array:
    e = np.exp(x - np.max(x, axis=1, keepdims=True))
    return np.sum((e / np.sum(e, axis=1, keepdims=True)) ** 2)


def k_means(centres: Array, points: Array) -> Array:
    return np.sum(np.min(np.sum((points[:, None, :] - centres[None, :, :]) ** 2, axis=2), axis=1))


def n_body(p: Array, m: Array) -> Array:
    d = p[:, None, :] - p[None, :, :]
    return -0.5 * np.sum(m[:, None] * m[None, :] / np.sqrt(np.sum(d * d, axis=2) + 0.01))


def logistic(w: Array, x: Array, y: Array) -> Array:
    z = x @ w
    return np.mean(np.logaddexp(0, z) - y * z)


def oscillators(k: Array) -> Array:
    """Runge and Kutta's fourth order, 100 steps for each parameter."""
    y, h = np.ones(k.shape), 0.01

    def f(y: Array) -> Array:
        return -k * y + np.sin(y)

    for _ in range(100):
        a = f(y)
        b = f(y + h / 2 * a)
        c = f(y + h / 2 * b)
        d = f(y + h * c)
        y = y + h / 6 * (a + 2 * b + 2 * c + d)
    return np.sum(y * y)


def wave(u: Array) -> Array:
    """The wave equation on a grid, 20 steps."""
    v = np.zeros_like(u)
    for _ in range(20):
        v[1:-1, 1:-1] += 0.1 * (u[2:, 1:-1] + u[:-2, 1:-1] + u[1:-1, 2:] + u[1:-1, :-2] - 4 * u[1:-1, 1:-1])
        u = u + 0.1 * v
    return np.sum(u * u)


def mandelbrot(x: Array, y: Array) -> Array:
    """How far 30 iterations go, of points that stop at a distance of 2."""
    a, b = np.zeros_like(x), np.zeros_like(y)
    for _ in range(30):
        inside = a * a + b * b < 4
        a, b = np.where(inside, a * a - b * b + x, a), np.where(inside, 2 * a * b + y, b)
    return np.sum(a * a + b * b)
