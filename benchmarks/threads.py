"""`python -m benchmarks.threads`: two threads over one.

For each case: value and gradient on one thread and on two, in one run, side by side; and what a plain copy of an array
that no cache holds gains by the second core, which bounds the cases that move more than they compute. Where the machine
has fewer free cores than two the table says little; `--threads` takes other numbers.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from math import inf
from typing import Any

import numpy as np

import gradjit as gj

from .cases import SEED, logistic_data, vector
from .machine import pin
from .report import Figure, table as aligned
from .threaded_programs import (
    copy,
    elementwise,
    k_means,
    log_sum_exp,
    logistic,
    mandelbrot,
    n_body,
    oscillators,
    rosenbrock,
    softmax,
    wave,
)

REQUIRED, OF_COPY = 1.8, 0.9
"""Two threads over one: of what computes; and of what is bounded by memory, as a part of what a copy gains."""


@dataclass(frozen=True)
class Threaded:
    """A case. bound: by what, "arithmetic" or "memory"."""

    name: str
    f: Callable[..., Any]
    arguments: Callable[[], tuple[Any, ...]]
    bound: str = "arithmetic"
    is_gradient: bool = True

    @property
    def key(self) -> str:
        """What an explanation calls it: its name without its size."""
        return self.name.partition(",")[0]

    def compiled(self) -> Callable[..., Any]:
        return gj.value_and_grad(self.f) if self.is_gradient else gj.jit(self.f)


def normal(*shapes: tuple[int, ...]) -> tuple[Any, ...]:
    rng = np.random.default_rng(SEED)
    return tuple(rng.normal(size=s) for s in shapes)


CASES = (
    Threaded("elementwise, 1e6", elementwise, vector(10**6)),
    Threaded("log-sum-exp, 1e6", log_sum_exp, vector(10**6)),
    Threaded("Rosenbrock, 1e6", rosenbrock, vector(10**6), "memory"),
    Threaded("softmax of rows, 10000 × 1000", softmax, partial(normal, (10_000, 1000))),
    Threaded("k-means, 100 × 1e4", k_means, partial(normal, (100, 3), (10_000, 3))),
    Threaded("n-body, 1000", n_body, partial(normal, (1000, 3), (1000,))),
    Threaded("logistic regression, 1e5 × 50", logistic, partial(logistic_data, 100_000, 50)),
    Threaded("RK4, 1000 parameter sets", oscillators, partial(normal, (1000,))),
    Threaded("wave, 1000²", wave, partial(normal, (1000, 1000)), "memory"),
    Threaded("Mandelbrot, 1000²", mandelbrot, partial(normal, (1000, 1000), (1000, 1000)), is_gradient=False),
)
COPY = Threaded("a copy of 160 MB", copy, lambda: (np.ones(20_000_000),), "memory", is_gradient=False)


@dataclass(frozen=True)
class ThreadsRow:
    """Seconds of a call with each number of threads, and how many of its long loops run on all cores."""

    case: Threaded
    seconds: tuple[float, ...]
    parallel: int
    serial: int

    @property
    def gain(self) -> float:
        return self.seconds[0] / self.seconds[1]


def measured(case: Threaded, threads: Sequence[int], rounds: int = 7) -> ThreadsRow:
    """The least of interleaved rounds."""
    f, arguments = case.compiled(), case.arguments()
    f(*arguments)
    least = [inf] * len(threads)
    for _ in range(rounds):
        for k, n in enumerate(threads):
            with gj.threads(n):
                start = time.perf_counter()
                f(*arguments)
                least[k] = min(least[k], time.perf_counter() - start)
    cores = [c for s in f.stats().specialisations for c in s.cores]  # type: ignore[attr-defined]
    return ThreadsRow(case, tuple(least), sum(c.is_parallel for c in cores), sum(not c.is_parallel for c in cores))


def threads_table(rows: Sequence[ThreadsRow], threads: Sequence[int]) -> str:
    """The table in Markdown."""
    head = ["value and gradient", *(f"{n} thread{'s' * (n > 1)}" for n in threads), f"gain by {threads[1]}",
            "long loops on all cores", "bound by"]
    return aligned(head, [[r.case.name, *(f"{1e3 * s:.2f} ms" for s in r.seconds), f"{r.gain:.2f} ×",
                           f"{r.parallel} of {r.parallel + r.serial}", r.case.bound] for r in rows])


def figures(rows: Sequence[ThreadsRow], copied: ThreadsRow) -> list[Figure]:
    """What was required."""
    found = []
    for r in rows:
        least = REQUIRED if r.case.bound == "arithmetic" else OF_COPY * copied.gain
        found.append(Figure(f"threads {r.case.key}", f"two threads over one: {r.case.name}", f"≥ {least:.2f}",
                            f"{r.gain:.2f}", r.gain >= least))
    return found


def main(argv: list[str] | None = None) -> None:
    p = argparse.ArgumentParser(prog="python -m benchmarks.threads", description=__doc__)
    p.add_argument("--only", action="append", default=[], help="a part of a case's name; repeatable")
    p.add_argument("--threads", default="1,2", help="numbers of threads, by which the first two are compared")
    asked = p.parse_args(argv)
    pin()
    threads = [int(n) for n in asked.threads.split(",")]
    rows = []
    for c in (COPY, *CASES):
        if not asked.only or c is COPY or any(o in c.name for o in asked.only):
            rows.append(measured(c, threads))
            print(f"{c.name}: {rows[-1].gain:.2f}", flush=True)
    print(f"\n{threads_table(rows, threads)}\n")
    for f in figures(rows[1:], rows[0]):
        print(f"{f.what}: {f.reached} ({f.required})")


if __name__ == "__main__":
    main()
