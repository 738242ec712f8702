"""Activations: plain NumPy on arrays, traced arrays and tensors alike. At a kink the derivative is that of the left.

What is not a number stays that: comparisons, which are false of it, choose the constant.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from ..api import stop_gradient

SELU_ALPHA, SELU_SCALE = 1.6732632423543772, 1.0507009873554805


def relu(x: Any) -> Any:
    """max(x, 0)."""
    return np.where(x <= 0, 0.0, x)


def leaky_relu(x: Any, slope: float = 0.01) -> Any:
    """x where it is positive, slope * x elsewhere."""
    return np.where(x > 0, x, x * slope)


def hard_tanh(x: Any, lower: float = -1.0, upper: float = 1.0) -> Any:
    """x, kept between two bounds."""
    return np.where(x <= lower, lower, np.where(x >= upper, upper, x))


def hard_sigmoid(x: Any) -> Any:
    """clip(x/6 + 1/2, 0, 1)."""
    return hard_tanh(x / 6 + 0.5, 0.0, 1.0)


def hard_swish(x: Any) -> Any:
    """x * hard_sigmoid(x)."""
    return x * hard_sigmoid(x)


def relu6(x: Any) -> Any:
    """x, kept between 0 and 6."""
    return hard_tanh(x, 0.0, 6.0)


def elu(x: Any, alpha: float = 1.0) -> Any:
    """x where it is positive, alpha * (exp(x) - 1) elsewhere."""
    return np.where(x > 0, x, np.expm1(np.where(x > 0, 0.0, x)) * alpha)


def selu(x: Any) -> Any:
    """The elu that keeps mean 0 and variance 1."""
    return elu(x, SELU_ALPHA) * SELU_SCALE


def celu(x: Any, alpha: float = 1.0) -> Any:
    """max(x, 0) + min(0, alpha * (exp(x / alpha) - 1)), smooth at 0 for every alpha."""
    return np.where(x > 0, x, np.expm1(np.where(x > 0, 0.0, x) / alpha) * alpha)


def gelu(x: Any, approximate: bool = False) -> Any:
    """x times the normal distribution function of x; by tanh where `approximate`."""
    if approximate:
        return 0.5 * x * (1.0 + np.tanh(0.7978845608028654 * (x + 0.044715 * x * x * x)))
    return 0.5 * x * (1.0 + erf(x * 0.7071067811865476))


def erf(x: Any) -> Any:
    from scipy import special
    return special.erf(x)


def sigmoid(x: Any) -> Any:
    """1 / (1 + exp(-x)), without overflow."""
    return 0.5 * (np.tanh(0.5 * x) + 1.0)


def silu(x: Any) -> Any:
    """x * sigmoid(x), also called swish."""
    return x * sigmoid(x)


def tanh(x: Any) -> Any:
    return np.tanh(x)


def softplus(x: Any, beta: float = 1.0) -> Any:
    """log(1 + exp(beta * x)) / beta."""
    return np.logaddexp(0.0, x * beta) / beta


def log_sigmoid(x: Any) -> Any:
    """log(sigmoid(x))."""
    return -np.logaddexp(0.0, -x)


def soft_sign(x: Any) -> Any:
    """x / (1 + |x|)."""
    return x / (1.0 + abs(x))


def mish(x: Any) -> Any:
    """x * tanh(softplus(x))."""
    return x * np.tanh(softplus(x))


def log_softmax(x: Any, axis: int = -1) -> Any:
    """x - log(sum(exp(x))) along an axis, without overflow."""
    top = stop_gradient(np.max(x, axis=axis, keepdims=True))
    shifted = x - top
    return shifted - np.log(np.sum(np.exp(shifted), axis=axis, keepdims=True))


def softmax(x: Any, axis: int = -1) -> Any:
    """exp(x) / sum(exp(x)) along an axis, without overflow."""
    weights = np.exp(x - stop_gradient(np.max(x, axis=axis, keepdims=True)))
    return weights / np.sum(weights, axis=axis, keepdims=True)


def glu(x: Any, axis: int = -1) -> Any:
    """The first half along an axis times the sigmoid of the second."""
    a, b = np.split(x, 2, axis=axis)
    return a * sigmoid(b)


def maxout(x: Any, pieces: int, axis: int = -1) -> Any:
    """The largest of every `pieces` neighbours along an axis."""
    axis = axis % np.ndim(x)
    shape = np.shape(x)
    return np.max(np.reshape(x, (*shape[:axis], shape[axis] // pieces, pieces, *shape[axis + 1:])), axis=axis + 1)
