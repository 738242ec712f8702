"""The rules of optimisers: what a step does to one parameter, in plain NumPy on arrays and tensors alike.

A rule has `slots`, the names of what it keeps beside each parameter (zeros at first), and `step(p, g, slots, t, rate)`,
which gives the parameter's change, to be subtracted, and the new slots. t counts steps from 1.
"""

from __future__ import annotations

from typing import Any, ClassVar

import numpy as np

from ..records import dataclass


@dataclass(frozen=True)
class OptimiserRule:
    """Base of the rules."""

    slots: ClassVar[tuple[str, ...]] = ()
    weight_decay: float = 0.0
    """Added to the gradient as weight_decay * p (AdamW: subtracted from the parameter beside it)."""

    def step(self, p: Any, g: Any, kept: tuple[Any, ...], t: int, rate: float) -> tuple[Any, tuple[Any, ...]]:
        return self.change(g if not self.weight_decay else g + p * self.weight_decay, kept, t, rate)

    def change(self, g: Any, kept: tuple[Any, ...], t: int, rate: float) -> tuple[Any, tuple[Any, ...]]:
        raise NotImplementedError


@dataclass(frozen=True)
class SgdRule(OptimiserRule):
    momentum: float = 0.0
    nesterov: bool = False

    slots = ("velocity",)

    def change(self, g: Any, kept: tuple[Any, ...], t: int, rate: float) -> tuple[Any, tuple[Any, ...]]:
        if not self.momentum:
            return g * rate, kept
        velocity = kept[0] * self.momentum + g
        return (g + velocity * self.momentum if self.nesterov else velocity) * rate, (velocity,)


@dataclass(frozen=True)
class AdamRule(OptimiserRule):
    beta1: float = 0.9
    beta2: float = 0.999
    eps: float = 1e-8
    decoupled: bool = False
    """Whether weights decay beside the gradient's step, as in AdamW."""

    slots = ("mean", "square")

    def step(self, p: Any, g: Any, kept: tuple[Any, ...], t: int, rate: float) -> tuple[Any, tuple[Any, ...]]:
        if not (self.decoupled and self.weight_decay):
            return super().step(p, g, kept, t, rate)
        change, kept = self.change(g, kept, t, rate)
        return change + p * (rate * self.weight_decay), kept

    def change(self, g: Any, kept: tuple[Any, ...], t: int, rate: float) -> tuple[Any, tuple[Any, ...]]:
        mean = kept[0] * self.beta1 + g * (1 - self.beta1)
        square = kept[1] * self.beta2 + (g * g) * (1 - self.beta2)
        scale = rate / (1 - self.beta1**t)
        return (mean * scale) / (np.sqrt(square * (1 / (1 - self.beta2**t))) + self.eps), (mean, square)


@dataclass(frozen=True)
class RmspropRule(OptimiserRule):
    decay: float = 0.99
    eps: float = 1e-8

    slots = ("square",)

    def change(self, g: Any, kept: tuple[Any, ...], t: int, rate: float) -> tuple[Any, tuple[Any, ...]]:
        square = kept[0] * self.decay + (g * g) * (1 - self.decay)
        return (g * rate) / (np.sqrt(square) + self.eps), (square,)


@dataclass(frozen=True)
class AdagradRule(OptimiserRule):
    eps: float = 1e-10

    slots = ("square",)

    def change(self, g: Any, kept: tuple[Any, ...], t: int, rate: float) -> tuple[Any, tuple[Any, ...]]:
        square = kept[0] + g * g
        return (g * rate) / (np.sqrt(square) + self.eps), (square,)


@dataclass(frozen=True)
class AdadeltaRule(OptimiserRule):
    decay: float = 0.9
    eps: float = 1e-6

    slots = ("square", "change")

    def change(self, g: Any, kept: tuple[Any, ...], t: int, rate: float) -> tuple[Any, tuple[Any, ...]]:
        square = kept[0] * self.decay + (g * g) * (1 - self.decay)
        change = np.sqrt(kept[1] + self.eps) / np.sqrt(square + self.eps) * g
        return change * rate, (square, kept[1] * self.decay + (change * change) * (1 - self.decay))
