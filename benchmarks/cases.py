"""What is measured, on which data, and what must be reached."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from itertools import pairwise
from typing import Any

import numpy as np

SEED = 20240


@dataclass(frozen=True)
class Case:
    """One row of the table.

    name: as `--only` takes it. title: as the table shows it. function: its name in `benchmarks.PROGRAMS.in_...`, where
    programs is "functions" or "loops". arguments: makes the NumPy arguments; an int among them is a count, a part of
    the specialisation. argnums: which of them are differentiated.
    required: gradjit's time over JAX's must not exceed this; None where nothing is asked.
    small: its first call must stay under 100 ms.
    over_value: value and gradient together may cost so many times the compiled value alone; None where nothing asks.
    over_numba: the same over value and gradient by hand in Numba. runs: all that is required is the right result.
    tolerance: largest difference of two contenders' values or gradients, relative to the largest element.
    """

    name: str
    title: str
    function: str
    arguments: Callable[[], tuple[Any, ...]]
    argnums: int | tuple[int, ...] = 0
    required: float | None = None
    small: bool = False
    over_value: float | None = None
    tolerance: float = 1e-10
    programs: str = "functions"
    over_numba: float | None = None
    runs: bool = False


def vector(n: int) -> Callable[[], tuple[Any, ...]]:
    return lambda: (np.random.default_rng(SEED).normal(size=n),)


def logistic_data(n: int, d: int) -> tuple[Any, ...]:
    rng = np.random.default_rng(SEED)
    rows = rng.normal(size=(n, d))
    hidden = rng.normal(size=d) / np.sqrt(d)
    labels = (rng.random(n) < 1 / (1 + np.exp(-rows @ hidden))).astype(float)
    return 0.1 * rng.normal(size=d), rows, labels


def mlp_data(dtype: type[np.floating[Any]], batch: int = 128) -> tuple[Any, ...]:
    sizes = (784, 256, 256, 10)
    rng = np.random.default_rng(SEED)
    layers = [
        ((rng.normal(size=(i, o)) * np.sqrt(2 / i)).astype(dtype), (0.01 * rng.normal(size=o)).astype(dtype))
        for i, o in pairwise(sizes)
    ]
    return layers, rng.random((batch, sizes[0])).astype(dtype), rng.integers(0, sizes[-1], batch)


def process_data(n: int) -> tuple[Any, ...]:
    rng = np.random.default_rng(SEED)
    x = np.sort(rng.uniform(0.0, 10.0, n))
    return np.array([0.2, -0.3, -2.0]), x, np.sin(x) + 0.3 * rng.normal(size=n)


def optics_data(n: int, planes: int) -> tuple[Any, ...]:
    """A field of random phase behind a round aperture, and what a little other phase would give on each plane."""
    rng = np.random.default_rng(SEED)
    at = np.linspace(-1.0, 1.0, n)
    amplitude = np.where(at[:, None] ** 2 + at**2 < 0.5, 1.0, 0.1)
    frequencies = np.fft.fftfreq(n)
    transfer = np.exp(-40j * (frequencies[:, None] ** 2 + frequencies**2))
    field, measured = amplitude * np.exp(1j * rng.normal(scale=0.3, size=(n, n))), []
    for _ in range(planes):
        field = np.fft.ifft2(np.fft.fft2(field) * transfer)
        measured.append(np.abs(field) ** 2)
    return rng.normal(scale=0.3, size=(n, n)), amplitude, transfer, np.stack(measured)


def claims_data(n: int, d: int) -> tuple[Any, ...]:
    rng = np.random.default_rng(SEED)
    x = np.concatenate([rng.gamma(2.0, 1.5, n // 2), np.abs(rng.normal(6.0, 1.0, n - n // 2))])
    factor = np.tril(rng.normal(scale=0.3, size=(d, d)), -1) + np.eye(d)
    points = rng.normal(size=(n, d)) @ factor.T
    parameters = np.array([0.1, -0.2, -1.0, 0.6, 0.5, 5.5, 0.1, 4.0, 0.7])
    return parameters, 0.1 * rng.normal(size=d), x, points, factor @ factor.T


def mixture_data(d: int, k: int, n: int = 1000) -> tuple[Any, ...]:
    rng = np.random.default_rng(SEED)
    factors = 0.3 * rng.normal(size=(k, d + d * (d - 1) // 2))
    return rng.normal(size=k), rng.normal(size=(k, d)), factors, rng.normal(size=(n, d))


CASES = (
    Case("float", "sin(x)·x² at a float", "sine_square", lambda: (0.7,), required=1 / 40, small=True),
    Case("rosenbrock-10", "Rosenbrock, n = 10", "rosenbrock", vector(10), required=1 / 15, small=True),
    Case("rosenbrock-1e3", "Rosenbrock, n = 1000", "rosenbrock", vector(1000), required=1 / 5, small=True),
    Case("rosenbrock-1e6", "Rosenbrock, n = 10⁶", "rosenbrock", vector(10**6), required=1),
    Case("elementwise-1e3", "elementwise, n = 10³", "elementwise", vector(10**3), required=1 / 8, small=True,
         over_value=3),
    Case("elementwise-1e5", "elementwise, n = 10⁵", "elementwise", vector(10**5), required=1 / 3, over_value=3),
    Case("elementwise-1e6", "elementwise, n = 10⁶", "elementwise", vector(10**6), required=1 / 3, over_value=3),
    Case("logsumexp-1e3", "log-sum-exp, n = 10³", "log_sum_exp", vector(10**3), required=1 / 6, small=True),
    Case("logsumexp-1e6", "log-sum-exp, n = 10⁶", "log_sum_exp", vector(10**6), required=1),
    Case("logistic", "logistic regression, 10⁵ × 100", "logistic", lambda: logistic_data(10**5, 100), required=1),
    Case("mlp-f32", "MLP 784-256-256-10, batch 128, float32", "mlp", lambda: mlp_data(np.float32), required=1,
         tolerance=1e-4),
    Case("mlp-f64", "MLP 784-256-256-10, batch 128, float64", "mlp", lambda: mlp_data(np.float64), required=1),
    *(
        Case(f"gmm-{d}x{k}", f"Gaussian mixture, d = {d}, k = {k}, n = 1000", "mixture", partial(mixture_data, d, k),
             argnums=(0, 1, 2), required=1 / 2)
        for d, k in ((2, 5), (10, 25), (32, 25))
    ),
    *(
        Case(f"gmm-broadcast-{d}x{k}", f"the same by broadcasting, d = {d}, k = {k}", "mixture_broadcast",
             partial(mixture_data, d, k), argnums=(0, 1, 2))
        for d, k in ((2, 5), (10, 25), (32, 25))
    ),
    *(
        Case(f"process-{n}", f"Gaussian process by Cholesky, n = {n}", "gaussian_process", partial(process_data, n),
             required=required, over_value=3, tolerance=1e-8)
        for n, required in ((50, 1 / 10), (200, 1 / 3), (1000, 1))
    ),
    Case("optics", "phase retrieval, 10 planes of 256 × 256", "phase_retrieval", partial(optics_data, 256, 10),
         required=1),
    Case("claims", "a mixture of SciPy's distributions, 10⁴ samples", "claims", partial(claims_data, 10**4, 4),
         argnums=(0, 1), required=1 / 5, tolerance=1e-9),
)
