"""`python -m benchmarks.sizes`: one compilation for every size.

For each case: as many calls as sizes, each with arrays of another size (`--sizes`, 1,000); how many compilations they
take, and how long all of them; and the open compilation beside an exact one, warm, at the case's own size. Results are
compared with the exact compilations at some of the sizes.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from math import exp, log
from typing import Any

import numpy as np

import gradjit as gj

from .cases import logistic_data, mixture_data, mlp_data
from .functions import in_numpy as functions
from .loops import in_numpy as loops
from .loops.cases import positive_data, rod_data, signal_data
from .machine import pin

CHECKED = 5
"""Sizes at which results are compared."""


@dataclass(frozen=True)
class Swept:
    """A program and its arguments by a size. at: the size at which warm times are compared; first: the least of the
    sweep, whose sizes are `step` apart."""

    name: str
    function: Callable[..., Any]
    arguments: Callable[[int], tuple[Any, ...]]
    at: int
    first: int = 100
    step: int = 1
    argnums: int | tuple[int, ...] = 0


def numbers(n: int) -> tuple[Any, ...]:
    return (np.random.default_rng(n).normal(size=n),)


def layers(n: int) -> tuple[Any, ...]:
    return mlp_data(np.float64, n)


def mixture(n: int, d: int, k: int) -> tuple[Any, ...]:
    return mixture_data(d, k, n)


def runge_kutta(x: Any, steps: int) -> Any:
    """Coupled oscillators by Runge and Kutta's method."""
    def slope(x: Any) -> Any:
        return np.sin(x) - x * np.mean(x)

    for _ in range(steps):
        a = slope(x)
        b = slope(x + 0.005 * a)
        c = slope(x + 0.005 * b)
        x = x + 0.01 / 6 * (a + 2 * b + 2 * c + slope(x + 0.01 * c))
    return np.sum(x**2)


SWEPT = (
    Swept("rosenbrock", functions.rosenbrock, numbers, 1000),
    Swept("elementwise", functions.elementwise, numbers, 1000),
    Swept("logsumexp", functions.log_sum_exp, numbers, 1000),
    Swept("logistic", functions.logistic, partial(logistic_data, d=20), 1000),
    Swept("mlp", functions.mlp, layers, 128, 10),
    Swept("gmm", functions.mixture, partial(mixture, d=2, k=5), 1000),
    Swept("gmm-broadcast", functions.mixture_broadcast, partial(mixture, d=2, k=5), 1000),
    Swept("rk4", runge_kutta, lambda n: (*numbers(n), 100), 100),
    Swept("heat", loops.heat, partial(rod_data, steps=100), 1000),
    Swept("filter", loops.recursive_filter, signal_data, 10_000, argnums=(0, 1, 2)),
    Swept("cholesky", loops.cholesky, positive_data, 100, 10),
)


@dataclass(frozen=True)
class Row:
    name: str
    compilations: int
    seconds: float
    ratio: float
    said: str


def measured(c: Swept, sizes: int) -> Row:
    make = partial(gj.value_and_grad, c.function, argnums=c.argnums)
    opened, exact = make(sizes="auto"), make(sizes="exact")
    every = [c.first + k * c.step for k in range(sizes)]
    seconds = 0.0
    for k, n in enumerate(every):
        args = c.arguments(n)
        start = time.perf_counter()
        result = opened(*args)
        seconds += time.perf_counter() - start
        if k % max(sizes // CHECKED, 1) == 1:
            compare(c.name, n, result, make(sizes="exact")(*args))
    found = opened.stats()
    compilations = len(found.specialisations)
    said = "; ".join([w for s in found.specialisations for w in s.conditions] + found.closed)
    alone = make(sizes="auto")  # whose exact compilation is for another size than that of the comparison
    for n in (every[0], every[1]):
        alone(*c.arguments(n))
    return Row(c.name, compilations, seconds, warm_ratio(alone, exact, c.arguments(c.at)), said)


def compare(name: str, n: int, got: Any, want: Any) -> None:
    import optree
    for a, b in zip(optree.tree_leaves(got), optree.tree_leaves(want), strict=True):
        a, b = np.asarray(a), np.asarray(b)
        scale = max(float(np.max(np.abs(b), initial=0.0)), 1e-300)
        if a.shape != b.shape or not np.allclose(a / scale, b / scale, rtol=0, atol=1e-10):
            raise SystemExit(f"{name}, n = {n}: the open compilation gives another result than the exact one")


def warm_ratio(one: Callable[..., Any], other: Callable[..., Any], args: Sequence[Any]) -> float:
    """The time of one over the other's, interleaved, the least of several."""
    for f in (one, other):
        f(*args)
    start = time.perf_counter()
    other(*args)
    calls = max(int(2e-3 / max(time.perf_counter() - start, 1e-7)), 1)
    least = [float("inf")] * 2
    for _ in range(15):
        for k, f in enumerate((one, other)):
            start = time.perf_counter()
            for _ in range(calls):
                f(*args)
            least[k] = min(least[k], time.perf_counter() - start)
    return least[0] / least[1]


def table(rows: Sequence[Row], sizes: int) -> list[str]:
    """The table in Markdown."""
    mean = exp(sum(log(r.ratio) for r in rows) / len(rows))
    return [f"| case | compilations for {sizes} sizes | all calls, s | open over exact, warm | conditions |",
            "| --- | --- | --- | --- | --- |",
            *(f"| {r.name} | {r.compilations} | {r.seconds:.2f} | {r.ratio:.2f} | {r.said} |" for r in rows), "",
            f"Geometric mean of open over exact: {mean:.3f}; worst: {max(r.ratio for r in rows):.2f}."]


def main(argv: list[str] | None = None) -> None:
    p = argparse.ArgumentParser(prog="python -m benchmarks.sizes", description=__doc__)
    p.add_argument("--only", action="append", default=[], help="a case's name; repeatable")
    p.add_argument("--sizes", type=int, default=1000)
    asked = p.parse_args(argv)
    pin()
    rows = []
    for c in SWEPT:
        if not asked.only or c.name in asked.only:
            rows.append(measured(c, asked.sizes))
            print(rows[-1], flush=True)
    print("\n" + "\n".join(table(rows, asked.sizes)))


if __name__ == "__main__":
    main()
