"""The programs' data, what must be reached, and the pairs whose first calls differ in the number of steps only."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np

from ..cases import SEED, Case

GROWTH = 1.25
"""A first call with a thousand times the steps may take so many times as long, each less the run itself: the same
work, timed in two processes."""


@dataclass(frozen=True)
class Pair:
    """One program with few steps and with a thousand times as many."""

    title: str
    few: Case
    many: Case


def numbers() -> np.random.Generator:
    return np.random.default_rng(SEED)


def volterra_data(steps: int) -> tuple[Any, ...]:
    return np.array([0.6, 0.1, 0.075, 0.9]), steps


def body_data(n: int, steps: int) -> tuple[Any, ...]:
    rng = numbers()
    return rng.normal(size=(n, 3)), 0.1 * rng.normal(size=(n, 3)), rng.random(n) / n, steps


def source_data(n: int, sweeps: int) -> tuple[Any, ...]:
    return numbers().normal(size=(n, n)), sweeps


def rod_data(n: int, steps: int) -> tuple[Any, ...]:
    return numbers().normal(size=n), steps


def track_data(steps: int) -> tuple[Any, ...]:
    return np.array([-1.0, -2.0]), np.cumsum(0.1 * numbers().normal(size=(steps, 2)), axis=0)


def medium_data(n: int, steps: int) -> tuple[Any, ...]:
    return 1 + 0.5 * numbers().random(size=(n, n)), steps


def sequence_data(steps: int, hidden: int, fed: int) -> tuple[Any, ...]:
    rng = numbers()
    scale = 1 / np.sqrt(hidden)
    return (scale * rng.normal(size=(4 * hidden, fed)), scale * rng.normal(size=(4 * hidden, hidden)),
            0.1 * rng.normal(size=4 * hidden), rng.normal(size=(steps, fed)))


def signal_data(n: int) -> tuple[Any, ...]:
    return 0.95, 0.3, numbers().normal(size=n)


def positive_data(n: int) -> tuple[Any, ...]:
    A = numbers().normal(size=(n, n))
    return (A @ A.T / n + np.eye(n),)


def dominant_data(n: int) -> tuple[Any, ...]:
    return (numbers().normal(size=(n, n)) / np.sqrt(n) + 3 * np.eye(n),)


def triangle_data(n: int) -> tuple[Any, ...]:
    rng = numbers()
    return np.tril(rng.normal(size=(n, n))) / np.sqrt(n) + 2 * np.eye(n), rng.normal(size=n)


def square_data(n: int) -> tuple[Any, ...]:
    return (numbers().normal(size=(n, n)),)


def anomaly_data(n: int) -> tuple[Any, ...]:
    return 0.6, 2 * np.pi * numbers().random(n)


def cubic_data(n: int) -> tuple[Any, ...]:
    rng = numbers()
    return 0.5 + rng.random(n), 5 * rng.normal(size=n)


def point_data(n: int) -> tuple[Any, ...]:
    rng = numbers()
    return rng.uniform(-2, 0.5, n), rng.uniform(-1.2, 1.2, n)


def table_data(m: int, n: int) -> tuple[Any, ...]:
    rng = numbers()
    return np.linspace(-1.2, 1.2, m) + 0.01 * rng.random(m), rng.normal(size=m), rng.normal(size=n)


loop = partial(Case, programs="loops")

LOOPS = (
    loop("volterra", "Lotka-Volterra by Runge-Kutta, 1000 steps", "lotka_volterra", lambda: volterra_data(1000),
         required=1 / 25, over_numba=1.5),
    loop("volterra-scalars", "the same by scalars", "lotka_volterra_scalars", lambda: volterra_data(1000)),
    loop("seidel-32", "Gauss-Seidel by element, 32 × 32, 10 sweeps", "gauss_seidel", lambda: source_data(32, 10),
         required=1 / 25, over_numba=1.5),
    loop("seidel-200", "Gauss-Seidel by element, 200 × 200, 20 sweeps", "gauss_seidel", lambda: source_data(200, 20),
         required=1 / 25, over_numba=1.5),
    loop("seidel-32-rows", "32 × 32, in JAX by scans over rows", "gauss_seidel_rows", lambda: source_data(32, 10)),
    loop("seidel-200-rows", "200 × 200, in JAX by scans over rows", "gauss_seidel_rows", lambda: source_data(200, 20)),
    loop("heat", "heat equation in place, n = 1000, 500 steps", "heat", lambda: rod_data(1000, 500),
         required=0.6, over_numba=1.5),
    loop("lstm", "LSTM, 1000 steps, hidden 64, inputs 32", "lstm", lambda: sequence_data(1000, 64, 32),
         argnums=(0, 1, 2), required=1 / 3, over_numba=1.5),
    loop("filter", "first-order recursive filter, 10⁶ samples", "recursive_filter", lambda: signal_data(10**6),
         argnums=(0, 1, 2), required=1 / 10, over_numba=1.5),
    loop("filter-unrolled", "the same, in JAX unrolled by four", "recursive_filter_unrolled",
         lambda: signal_data(10**6), argnums=(0, 1, 2)),
    loop("cholesky", "Cholesky by slices, n = 100", "cholesky", lambda: positive_data(100), required=1 / 5),
    loop("lu", "LU by slices, n = 100", "lu", lambda: dominant_data(100), required=1 / 5),
    loop("triangular", "triangular solve by slices, n = 100", "triangular_solve", lambda: triangle_data(100),
         argnums=(0, 1), required=1 / 5),
    loop("bodies", "100 bodies, 20 leapfrog steps", "bodies", lambda: body_data(100, 20), argnums=(0, 1), required=1),
    loop("bodies-pairs", "the same by pairs", "bodies_by_pairs", lambda: body_data(100, 20), argnums=(0, 1)),
    loop("wave", "wave in two dimensions in place, 100 × 100, 100 steps", "wave", lambda: medium_data(100, 100),
         required=1),
    loop("newton", "Newton's iteration with `while`, 1000 equations", "kepler", lambda: anomaly_data(1000),
         argnums=(0, 1), runs=True),
    loop("bisection", "bisection with `while`, 1000 equations", "bisection", lambda: cubic_data(1000),
         argnums=(0, 1), runs=True),
    loop("escape", "escape with `break`, 1000 points", "escape", lambda: point_data(1000), argnums=(0, 1), runs=True,
         tolerance=1e-7),
    loop("table", "table look-up with branches, 10⁴ numbers", "look_up", lambda: table_data(50, 10**4),
         argnums=(1, 2), runs=True),
    loop("kalman", "Kalman filter of 4 states by np.linalg, 1000 steps", "kalman_filter", lambda: track_data(1000),
         required=1 / 20),
    loop("minors", "determinant by minors, order 6", "determinant", lambda: square_data(6), required=1),
)


def pair(title: str, name: str, function: str, data: Any, argnums: int | tuple[int, ...] = 0) -> Pair:
    """`data(10)` and `data(10000)` are the arguments."""
    few, many = (loop(f"{name}-{n}-steps", f"{title}, {n} steps", function, partial(data, n), argnums=argnums)
                 for n in (10, 10_000))
    return Pair(title, few, many)


PAIRS = (
    pair("Lotka-Volterra by Runge-Kutta", "volterra", "lotka_volterra", volterra_data),
    pair("Gauss-Seidel by element, 32 × 32", "seidel", "gauss_seidel", partial(source_data, 32)),
    pair("heat equation in place, n = 1000", "heat", "heat", partial(rod_data, 1000)),
    pair("LSTM, hidden 16, inputs 8", "lstm", "lstm", partial(sequence_data, hidden=16, fed=8), (0, 1, 2)),
    pair("first-order recursive filter", "filter", "recursive_filter", signal_data, (0, 1, 2)),
    pair("10 bodies by leapfrog", "bodies", "bodies", partial(body_data, 10), (0, 1)),
    pair("wave in two dimensions, 30 × 30", "wave", "wave", partial(medium_data, 30)),
)
