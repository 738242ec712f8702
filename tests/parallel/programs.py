"""Programs whose loops run in chunks when the limits are low, with arguments that make some tens of chunks."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from scipy.special import logsumexp

rng = np.random.default_rng(0)


def elementwise(x):
    return np.sum(np.exp(-x * x) * np.sin(x))


def log_sum_exp(x):
    return logsumexp(x)


def rosenbrock(x):
    return np.sum(100 * (x[1:] - x[:-1] ** 2) ** 2 + (1 - x[:-1]) ** 2)


def softmax(x):
    e = np.exp(x - np.max(x, axis=1, keepdims=True))
    return np.sum((e / np.sum(e, axis=1, keepdims=True)) ** 2)


def k_means(centres, points):
    return np.sum(np.min(np.sum((points[:, None, :] - centres[None, :, :]) ** 2, axis=2), axis=1))


def n_body(p, m):
    d = p[:, None, :] - p[None, :, :]
    return -0.5 * np.sum(m[:, None] * m[None, :] / np.sqrt(np.sum(d * d, axis=2) + 0.01))


def logistic(w, x, y):
    z = x @ w
    return np.mean(np.logaddexp(0, z) - y * z)


def waves(u):
    v = np.zeros_like(u)
    for _ in range(5):
        v[1:-1, 1:-1] += 0.1 * (u[2:, 1:-1] + u[:-2, 1:-1] + u[1:-1, 2:] + u[1:-1, :-2] - 4 * u[1:-1, 1:-1])
        u = u + 0.1 * v
    return np.sum(u * u)


def runge_kutta(k):
    y, h = np.ones(k.shape), 0.01
    f = lambda y: -k * y + np.sin(y)
    for _ in range(12):
        a = f(y)
        b = f(y + h / 2 * a)
        c = f(y + h / 2 * b)
        d = f(y + h * c)
        y = y + h / 6 * (a + 2 * b + 2 * c + d)
    return np.sum(y * y)


def gathers(x, n):
    return np.sum(np.sin(x[n]) * x)


def products(x):
    return np.prod(1 + 1e-3 * x) + np.max(np.abs(x)) + np.min(x) + np.all(x > -9) + np.any(x > 2)


def columns(a):
    return np.sum(np.sum(np.tanh(a), axis=0) ** 2)


def counted(x, n):
    sums = np.zeros(7)
    np.add.at(sums, n % 7, np.exp(x))
    return np.sum(np.sin(sums) * sums)


def row_sums(a):
    b = np.cumsum(a, axis=1)
    for _ in range(3):
        b = np.cumsum(np.tanh(b), axis=1) * 0.5
    return np.sum(b * a)


def singles(x):
    return np.mean(np.cos(x) * x)


PROGRAMS: dict[str, tuple[Callable[..., Any], tuple[Any, ...]]] = {
    "elementwise": (elementwise, (rng.normal(size=1003),)),
    "log-sum-exp": (log_sum_exp, (rng.normal(size=1003),)),
    "rosenbrock": (rosenbrock, (rng.normal(size=1003),)),
    "softmax": (softmax, (rng.normal(size=(61, 17)),)),
    "k-means": (k_means, (rng.normal(size=(5, 3)), rng.normal(size=(203, 3)))),
    "n-body": (n_body, (rng.normal(size=(43, 3)), rng.random(43))),
    "logistic": (logistic, (rng.normal(size=7), rng.normal(size=(403, 7)), (rng.random(403) > 0.5) * 1.0)),
    "waves": (waves, (rng.normal(size=(31, 33)),)),
    "runge-kutta": (runge_kutta, (rng.random(203),)),
    "gathers": (gathers, (rng.normal(size=503), rng.integers(0, 503, 503))),
    "counted": (counted, (rng.normal(size=503), rng.integers(0, 503, 503))),
    "products": (products, (rng.normal(size=503),)),
    "columns": (columns, (rng.normal(size=(203, 13)),)),
    "row-sums": (row_sums, (rng.normal(size=(61, 7)),)),
    "singles": (singles, (rng.normal(size=1003).astype("f4"),)),
}
CHUNK = 300.0
"""The work of a chunk."""
