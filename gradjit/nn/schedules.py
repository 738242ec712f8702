"""Rates by step (from 0), and gradients kept within bounds."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from math import cos, pi
from typing import Any

import numpy as np

from ..tracer import trees

Schedule = Callable[[int], float]


def constant_rate(rate: float) -> Schedule:
    """Always the same."""
    return lambda step: rate


def exponential_decay(rate: float, factor: float, every: int = 1) -> Schedule:
    """rate * factor ** (step / every)."""
    return lambda step: rate * factor ** (step / every)


def step_decay(rate: float, factor: float, every: int) -> Schedule:
    """rate * factor ** (step // every)."""
    return lambda step: rate * factor ** (step // every)


def piecewise(rates: Sequence[float], ends: Sequence[int]) -> Schedule:
    """rates[k] up to, and without, step ends[k]; the last one from there on."""
    return lambda step: rates[sum(step >= e for e in ends)]


def inverse_time_decay(rate: float, factor: float) -> Schedule:
    """rate / (1 + factor * step)."""
    return lambda step: rate / (1 + factor * step)


def linear_decay(rate: float, steps: int, end: float = 0.0) -> Schedule:
    """From rate to end in a straight line."""
    return lambda step: end + (rate - end) * max(0.0, 1 - step / steps)


def cosine_decay(rate: float, steps: int, end: float = 0.0) -> Schedule:
    """From rate to end along half a cosine."""
    return lambda step: end + (rate - end) * 0.5 * (1 + cos(pi * min(step / steps, 1.0)))


def warmup(schedule: Schedule | float, steps: int) -> Schedule:
    """A schedule behind some steps in which the rate rises from 0."""
    def at(step: int) -> float:
        if step < steps:
            first = schedule(0) if callable(schedule) else schedule
            return first * (step + 1) / steps
        return schedule(step - steps) if callable(schedule) else schedule

    return at


# clipping -------------------------------------------------------------------------------------------------------------
def global_norm(gradients: Any) -> Any:
    """The Euclidean norm of all numbers in a pytree."""
    leaves, _ = trees.flatten(gradients)
    total: Any = 0.0
    for g in leaves:
        total = total + np.sum(g * g)
    return np.sqrt(total)


def clip_by_global_norm(gradients: Any, largest: float) -> Any:
    """The gradients, all scaled by one number where their norm is larger than `largest`."""
    leaves, tree = trees.flatten(gradients)
    norm = global_norm(leaves)
    scale = np.minimum(1.0, largest / np.maximum(norm, 1e-30))
    return trees.unflatten(tree, [g * scale.astype(g.dtype) if hasattr(g, "dtype") else g * scale for g in leaves])


def clip_by_value(gradients: Any, largest: float) -> Any:
    """The gradients, each number between -largest and largest."""
    leaves, tree = trees.flatten(gradients)
    return trees.unflatten(tree, [np.clip(g, -largest, largest) for g in leaves])
