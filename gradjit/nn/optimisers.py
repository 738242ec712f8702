"""Optimisers: as functions of pytrees, and as objects that hold tensors.

    optimiser = nn.adam(0.01)
    state = optimiser.init(params)                             # any pytree of arrays
    params, state = optimiser.update(params, gradients, state)

    optimiser = nn.Adam(tensors, 0.01)
    loss.backward(); optimiser.step(); optimiser.zero_grad()

A rate is a number, or a schedule: a function of the step, which counts from 0 (`nn.cosine_decay(0.1, 1000)`).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any, NamedTuple

import numpy as np

from ..errors import ArgumentError
from ..tensors import Tensor, no_grad
from ..tracer import trees
from .rules import AdadeltaRule, AdagradRule, AdamRule, OptimiserRule, RmspropRule, SgdRule

Rate = float | Callable[[int], float]


class OptimiserState(NamedTuple):
    """What an optimiser keeps: the number of steps taken, and its slots for each parameter."""

    steps: int
    slots: tuple[Any, ...]


def rate_at(rate: Rate, step: int) -> float:
    return float(rate(step)) if callable(rate) else float(rate)


class Optimiser:
    """The functions `init` and `update` of a rule."""

    def __init__(self, rule: OptimiserRule, rate: Rate):
        self.rule = rule
        self.rate = rate

    def __repr__(self) -> str:
        return f"{self.rule!r} with rate {self.rate!r}"

    def init(self, params: Any) -> OptimiserState:
        """The state before the first step."""
        leaves, _ = trees.flatten(params)
        return OptimiserState(0, tuple(tuple(np.zeros(np.shape(p), np.asarray(p).dtype) for _ in self.rule.slots)
                                       for p in leaves))

    def update(self, params: Any, gradients: Any, state: OptimiserState) -> tuple[Any, OptimiserState]:
        """New parameters and the new state. Nothing is changed in place."""
        leaves, tree = trees.flatten(params)
        slopes, other = trees.flatten(gradients)
        if other != tree:
            raise ArgumentError(f"the gradients have the structure {other}, the parameters {tree}")
        rate = rate_at(self.rate, state.steps)
        found, slots = [], []
        for p, g, kept in zip(leaves, slopes, state.slots, strict=True):
            change, new = self.rule.step(p, g, kept, state.steps + 1, rate)
            found.append(p - change)
            slots.append(new)
        return trees.unflatten(tree, found), OptimiserState(state.steps + 1, tuple(slots))


def sgd(rate: Rate, momentum: float = 0.0, nesterov: bool = False, weight_decay: float = 0.0) -> Optimiser:
    """Gradient descent, with momentum if asked for: v = momentum * v + g; p -= rate * v."""
    return Optimiser(SgdRule(weight_decay, momentum, nesterov), rate)


def adam(rate: Rate = 1e-3, beta1: float = 0.9, beta2: float = 0.999, eps: float = 1e-8, weight_decay: float = 0.0
         ) -> Optimiser:
    """Steps scaled by running means of the gradient and of its square."""
    return Optimiser(AdamRule(weight_decay, beta1, beta2, eps), rate)


def adamw(rate: Rate = 1e-3, beta1: float = 0.9, beta2: float = 0.999, eps: float = 1e-8, weight_decay: float = 1e-2
          ) -> Optimiser:
    """Adam with weights that decay beside the gradient's step."""
    return Optimiser(AdamRule(weight_decay, beta1, beta2, eps, decoupled=True), rate)


def rmsprop(rate: Rate = 1e-2, decay: float = 0.99, eps: float = 1e-8, weight_decay: float = 0.0) -> Optimiser:
    """Steps scaled by a running mean of the squared gradient."""
    return Optimiser(RmspropRule(weight_decay, decay, eps), rate)


def adagrad(rate: Rate = 1e-2, eps: float = 1e-10, weight_decay: float = 0.0) -> Optimiser:
    """Steps scaled by the sum of all squared gradients."""
    return Optimiser(AdagradRule(weight_decay, eps), rate)


def adadelta(rate: Rate = 1.0, decay: float = 0.9, eps: float = 1e-6, weight_decay: float = 0.0) -> Optimiser:
    """Steps in the units of the parameters: scaled by running means of squared gradients and squared steps."""
    return Optimiser(AdadeltaRule(weight_decay, decay, eps), rate)


# objects --------------------------------------------------------------------------------------------------------------
class TensorOptimiser:
    """Updates tensors in place from their `.grad`; those without one are let be."""

    make: Callable[..., Optimiser]

    def __init__(self, params: Iterable[Tensor] | Tensor, rate: Any = None, **options: Any):
        self.params = [params] if isinstance(params, Tensor) else list(params)
        for p in self.params:
            if not (isinstance(p, Tensor) and p.is_leaf and p.requires_grad):
                raise ArgumentError(f"an optimiser is of leaves that require a gradient, not of {p!r:.80}")
        made = type(self).make(**options) if rate is None else type(self).make(rate, **options)
        self.rule, self.rate = made.rule, made.rate
        self.steps = 0
        self.slots: dict[int, tuple[Any, ...]] = {}

    def step(self) -> None:
        """One step with the gradients that are there."""
        rate = rate_at(self.rate, self.steps)
        self.steps += 1
        with no_grad():
            for k, p in enumerate(self.params):
                if p.grad is None:
                    continue
                kept = self.slots.get(k)
                if kept is None:
                    kept = tuple(Tensor(np.zeros(p.shape, p.dtype)) for _ in self.rule.slots)
                change, self.slots[k] = self.rule.step(p, p.grad, kept, self.steps, rate)
                p -= change

    def zero_grad(self) -> None:
        """Forget the gradients."""
        for p in self.params:
            p.grad = None


class SGD(TensorOptimiser):
    """`sgd` of tensors."""

    make = staticmethod(sgd)


class Adam(TensorOptimiser):
    """`adam` of tensors."""

    make = staticmethod(adam)


class AdamW(TensorOptimiser):
    """`adamw` of tensors."""

    make = staticmethod(adamw)


class RMSProp(TensorOptimiser):
    """`rmsprop` of tensors."""

    make = staticmethod(rmsprop)


class AdaGrad(TensorOptimiser):
    """`adagrad` of tensors."""

    make = staticmethod(adagrad)


class Adadelta(TensorOptimiser):
    """`adadelta` of tensors."""

    make = staticmethod(adadelta)


def lbfgs(f: Callable[[Any], Any], params: Any, steps: int = 200, tolerance: float = 1e-8, **options: Any
          ) -> tuple[Any, Any]:
    """Minimise f(params), for any pytree of arrays, by SciPy's L-BFGS-B with gradjit's gradient.

    Gives the parameters and SciPy's result. Further options are those of `scipy.optimize.minimize(options=...)`.
    """
    from scipy import optimize

    from ..api import value_and_grad
    leaves, tree = trees.flatten(params)
    arrays = [np.asarray(p, float) for p in leaves]
    ends = np.cumsum([a.size for a in arrays])
    compiled = value_and_grad(f)

    def parted(v: np.ndarray) -> Any:
        parts = np.split(v, ends[:-1])
        return trees.unflatten(tree, [p.reshape(a.shape).copy() if a.ndim else p[0]
                                      for p, a in zip(parts, arrays, strict=True)])

    def both(v: np.ndarray) -> tuple[float, np.ndarray]:
        value, slope = compiled(parted(v))
        return float(value), np.concatenate([np.ravel(g) for g in trees.flatten(slope)[0]])

    found = optimize.minimize(both, np.concatenate([a.ravel() for a in arrays]), jac=True, method="L-BFGS-B",
                              options={"maxiter": steps, "gtol": tolerance, **options})
    return parted(found.x), found
