"""Times of repeated calls: interleaved rounds, the minimum of each contender, results compared."""

from __future__ import annotations

import time
import timeit
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from .cases import SEED, Case
from .peers import GRADIENTS, VALUES, Contender, leaves, peer, takes, written


@dataclass(frozen=True)
class Effort:
    """rounds: how often each contender has its turn; one that takes `slow` seconds a call has but one. turn: seconds it
    then runs. settle: seconds of rest before it, in which the thread pools of the one before stop spinning."""

    rounds: int = 9
    turn: float = 0.06
    settle: float = 0.03
    slow: float = 0.5


QUICK = Effort(rounds=3, turn=0.03, settle=0.01)


@dataclass
class Times:
    """Seconds a call by contender, why there are none for some, and what was wrong."""

    case: Case
    seconds: dict[str, float] = field(default_factory=dict)
    failed: dict[str, str] = field(default_factory=dict)
    problems: list[str] = field(default_factory=list)

    def ratio(self, above: str, below: str) -> float | None:
        if above in self.seconds and below in self.seconds:
            return self.seconds[above] / self.seconds[below]
        return None


def measure(case: Case, names: list[str], effort: Effort, failed: dict[str, str] | None = None) -> Times:
    """Time the contenders of one case on the same data in one process, but for those known to have failed."""
    times = Times(case, failed=dict(failed or {}))
    contenders: dict[str, Contender] = {}
    results: dict[str, list[Any]] = {}
    for name in names:
        if not takes(name, case) or name in times.failed:
            continue
        try:
            module = peer(name)
            contender = module.start(case, module.convert(case))
            results[name] = module.arrays(contender.run())
            contenders[name] = contender
        except Exception as e:  # one contender's failure is a finding about it; the others are measured all the same
            times.failed[name] = f"{type(e).__name__}: {str(e).splitlines()[0] if str(e) else ''}"
    times.problems += [f"{name} failed: {why}" for name, why in times.failed.items()]
    times.problems += disagreements(case, results)
    if case.programs == "loops":
        times.problems += slopes(case, results)
    times.seconds = rounds(contenders, effort)
    return times


def rounds(contenders: dict[str, Contender], effort: Effort) -> dict[str, float]:
    """The least time a call of each over all rounds."""
    clocks = {n: Clock(c, effort.turn) for n, c in contenders.items()}
    for k in range(effort.rounds):
        for clock in clocks.values():
            if k > 0 and clock.best > effort.slow:
                continue
            time.sleep(effort.settle)
            clock.turn()
    return {n: c.best for n, c in clocks.items()}


class Clock:
    """Runs a contender's statement in blocks: many calls between two readings of the clock where a call is short."""

    SHORTEST_BLOCK = 0.002

    def __init__(self, contender: Contender, turn: float):
        self.timer = timeit.Timer(contender.expression + contender.wait, globals=contender.names)
        self.length = turn
        self.best = float("inf")
        self.calls = 1
        while self.block() * self.calls < self.SHORTEST_BLOCK:
            self.calls *= 2

    def block(self) -> float:
        seconds = self.timer.timeit(self.calls) / self.calls
        self.best = min(self.best, seconds)
        return seconds

    def turn(self) -> None:
        """One block to bring back what the others drove out of the caches, then blocks until the time is up."""
        end = time.perf_counter() + self.length
        self.block()
        while time.perf_counter() < end:
            self.block()


def disagreements(case: Case, results: dict[str, list[Any]]) -> list[str]:
    """Contenders whose value or gradient differs from the reference: the first there is."""
    reference = reference_of(results)
    if reference is None:
        return []
    found = []
    for name, arrays in results.items():
        if name not in (*GRADIENTS, *VALUES):
            continue
        expected = results[reference] if name in GRADIENTS else results[reference][:1]
        if len(arrays) != len(expected):
            found.append(f"{name} gives {len(arrays)} arrays, {reference} {len(expected)}")
            continue
        worst = max(distance(a, b) for a, b in zip(arrays, expected, strict=True))
        if not worst <= case.tolerance:
            found.append(f"{name} differs from {reference} by {worst:.1e} (allowed: {case.tolerance:.0e})")
    return found


STEP, SLOPE_TOLERANCE = 1e-6, 1e-5


def slopes(case: Case, results: dict[str, list[Any]]) -> list[str]:
    """Where the gradients that all are compared with differ from the plain program's central differences, along one
    direction an argument: random, so that every element counts, with the gradient's own, so that nothing cancels. No
    element moves farther than STEP."""
    name = reference_of(results)
    if name is None:
        return []
    arguments = case.arguments()
    program = written(case, "in_numpy")
    rng = np.random.default_rng(SEED)
    found = []
    for k, gradient in zip(leaves((case.argnums,)), results[name][1:], strict=True):
        size = float(np.sqrt(np.mean(gradient**2))) or 1.0
        direction = rng.normal(size=gradient.shape) + gradient / size
        direction /= np.max(np.abs(direction))
        above, below = (program(*arguments[:k], arguments[k] + h * direction, *arguments[k + 1:])
                        for h in (STEP, -STEP))
        measured, told = (above - below) / (2 * STEP), np.sum(gradient * direction)
        if not abs(measured - told) <= SLOPE_TOLERANCE * abs(told):
            found.append(f"{name}'s slope in argument {k} is {told:.9g}, finite differences give {measured:.9g}")
    return found


def reference_of(results: dict[str, list[Any]]) -> str | None:
    return next((n for n in ("jax", "autograd", "torch", "numba", "gradjit") if n in results), None)


def distance(a: Any, b: Any) -> float:
    """Largest difference relative to the largest element; inf for different shapes."""
    if a.shape != b.shape:
        return float("inf")
    scale = float(np.max(np.abs(b), initial=0.0)) or 1.0
    return float(np.max(np.abs(np.asarray(a, np.float64) - b), initial=0.0)) / scale
