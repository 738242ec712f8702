"""`python -m benchmarks.sizes`: one compilation for every size.

For each case: as many calls as sizes, each with arrays of another size (`--sizes`, 1,000); how many compilations they
take, and how long all of them; and the open compilation beside an exact one, warm, at the case's own size. Results are
compared with the exact compilations at some of the sizes. JAX, where it is installed, compiles for each size; it is
given some of them, and what they take is scaled up.
"""

from __future__ import annotations

import argparse
import importlib.util
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from math import exp, log
from typing import Any

import numpy as np

import gradjit as gj

from .cases import Case, logistic_data, mixture_data, mlp_data
from .loops.cases import positive_data, rod_data, signal_data
from .machine import pin
from .peers import peer, written
from .report import Figure, ratio, show, table as aligned

CHECKED = 5
"""Sizes at which results are compared, and with which JAX is measured."""
MEAN, WORST, OF_JAX = 1.05, 1.25, 1 / 50
"""What is required: open over exact, as a geometric mean and at most; the whole sweep over JAX's."""


@dataclass(frozen=True)
class Swept:
    """A program (as `benchmarks.PROGRAMS.in_numpy` has it) and its arguments by a size. at: the size at which warm
    times are compared; first: the least of the sweep, whose sizes are `step` apart."""

    name: str
    function: str
    arguments: Callable[[int], tuple[Any, ...]]
    at: int
    first: int = 100
    step: int = 1
    argnums: int | tuple[int, ...] = 0
    programs: str = "functions"

    def case(self, n: int) -> Case:
        """The case of one size."""
        return Case(self.name, self.name, self.function, partial(self.arguments, n), self.argnums,
                    programs=self.programs)


def numbers(n: int) -> tuple[Any, ...]:
    return (np.random.default_rng(n).normal(size=n),)


def layers(n: int) -> tuple[Any, ...]:
    return mlp_data(np.float64, n)


def mixture(n: int, d: int, k: int) -> tuple[Any, ...]:
    return mixture_data(d, k, n)


SWEPT = (
    Swept("rosenbrock", "rosenbrock", numbers, 1000),
    Swept("elementwise", "elementwise", numbers, 1000),
    Swept("logsumexp", "log_sum_exp", numbers, 1000),
    Swept("logistic", "logistic", partial(logistic_data, d=20), 1000),
    Swept("mlp", "mlp", layers, 128, 10),
    Swept("gmm", "mixture", partial(mixture, d=2, k=5), 1000),
    Swept("gmm-broadcast", "mixture_broadcast", partial(mixture, d=2, k=5), 1000),
    Swept("rk4", "oscillators", lambda n: (*numbers(n), 100), 100, programs="loops"),
    Swept("heat", "heat", partial(rod_data, steps=100), 1000, programs="loops"),
    Swept("filter", "recursive_filter", signal_data, 10_000, argnums=(0, 1, 2), programs="loops"),
    Swept("cholesky", "cholesky", positive_data, 100, 10, programs="loops"),
)


@dataclass(frozen=True)
class Row:
    name: str
    compilations: int
    seconds: float
    jax: float | None
    """What JAX would take, in seconds."""
    ratio: float
    said: str


def measured(c: Swept, sizes: int) -> Row:
    make = partial(gj.value_and_grad, written(c.case(0), "in_numpy"), argnums=c.argnums)
    opened, exact = make(sizes="auto"), make(sizes="exact", tier="compile")
    every = [c.first + k * c.step for k in range(sizes)]
    some = every[1::max(sizes // CHECKED, 1)]
    seconds = 0.0
    for n in every:
        args = c.arguments(n)
        start = time.perf_counter()
        result = opened(*args)
        seconds += time.perf_counter() - start
        if n in some:
            compare(c.name, n, result, make(sizes="exact")(*args))
    found = opened.stats()
    said = "; ".join([w for s in found.specialisations for w in s.conditions] + found.closed)
    # Its exact compilation is for another size than that of the comparison. Both have code of LLVM's full effort from
    # the first call on: made beside the calls it would come too late.
    alone = make(sizes="auto", tier="compile")
    for n in (every[0], every[1]):
        alone(*c.arguments(n))
    return Row(c.name, len(found.specialisations), seconds, jax_seconds(c, some, sizes),
               warm_ratio(alone, exact, c.arguments(c.at)), said)


def jax_seconds(c: Swept, some: Sequence[int], sizes: int) -> float | None:
    """What JAX takes for all sizes, by some of them; None where it is not installed."""
    if importlib.util.find_spec("jax") is None:
        return None
    jax = peer("jax")
    seconds = 0.0
    for n in some:
        case = c.case(n)
        args = jax.convert(case)
        start = time.perf_counter()
        jax.start(case, args).run()
        seconds += time.perf_counter() - start
    return seconds / len(some) * sizes


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


def table(rows: Sequence[Row], sizes: int) -> str:
    """The table in Markdown."""
    head = ["value and gradient", f"compilations for {sizes} sizes", "all calls", f"JAX, by {CHECKED} sizes",
            "gradjit / JAX", "open / exact, warm", "conditions"]
    return aligned(head, [[r.name, str(r.compilations), show(r.seconds), show(r.jax),
                           ratio(r.seconds / r.jax) if r.jax else "–", f"{r.ratio:.2f}", r.said] for r in rows])


def figures(rows: Sequence[Row], sizes: int) -> list[Figure]:
    """What was required of all of them."""
    most = max(rows, key=lambda r: r.compilations)
    mean = exp(sum(log(r.ratio) for r in rows) / len(rows))
    worst = max(rows, key=lambda r: r.ratio)
    found = [Figure("sizes compilations", f"{sizes} sizes of each case: most compilations ({most.name})", "≤ 2",
                    str(most.compilations), most.compilations <= 2),
             Figure("sizes mean", "code for every size over code for one, warm, geometric mean", f"≤ {MEAN}",
                    f"{mean:.2f}", mean <= MEAN),
             Figure("sizes worst", f"the same, worst ({worst.name})", f"≤ {WORST}", f"{worst.ratio:.2f}",
                    worst.ratio <= WORST)]
    beside = [(r.seconds / r.jax, r.name) for r in rows if r.jax]
    if beside:
        most_of_jax, name = max(beside)
        found.append(Figure("sizes jax", f"{sizes} sizes: time over JAX's, worst ({name})", "≤ 1/50",
                            ratio(most_of_jax), most_of_jax <= OF_JAX))
    return found


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
    print(f"\n{table(rows, asked.sizes)}\n")
    for f in figures(rows, asked.sizes):
        print(f"{f.what}: {f.reached} ({f.required})")


if __name__ == "__main__":
    main()
