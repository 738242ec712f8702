"""MyGrad's activations."""

from __future__ import annotations

import operator
from typing import Any

import numpy as np

from ... import nn
from ...errors import DtypeError, ShapeError
from ..functions_table import FUNCTIONS
from ..tensor_base import Tensor, composed, operand_of

tanh = FUNCTIONS["tanh"]


def number(x: Any, name: str) -> float:
    x = x.item() if isinstance(x, np.ndarray | Tensor) and x.ndim == 0 else x
    if not isinstance(x, int | float | np.number):
        raise DtypeError(f"`{name}` must be a real-valued scalar, got {x!r}")
    return float(x)


def floats_of(x: Any) -> Any:
    """An operand in floats, and integers as such."""
    t = operand_of(x)
    return t if t.dtype.kind == "f" else t.astype(np.float64)


@composed
def relu(x: Any) -> Any:
    return nn.relu(operand_of(x))


@composed
def leaky_relu(x: Any, slope: float) -> Any:
    return nn.leaky_relu(operand_of(x), number(slope, "slope"))


@composed
def elu(x: Any, alpha: float) -> Any:
    return nn.elu(operand_of(x), number(alpha, "alpha"))


@composed
def selu(x: Any) -> Any:
    return nn.selu(operand_of(x))


@composed
def sigmoid(x: Any) -> Any:
    return nn.sigmoid(operand_of(x))


@composed
def soft_sign(x: Any) -> Any:
    return nn.soft_sign(operand_of(x))


@composed
def hard_tanh(x: Any, *, lower_bound: float = -1, upper_bound: float = 1) -> Any:
    return nn.hard_tanh(operand_of(x), number(lower_bound, "lower_bound"), number(upper_bound, "upper_bound"))


@composed
def softmax(x: Any, axis: Any = -1) -> Any:
    t = floats_of(x)
    return nn.softmax(t, axis) if t.size else t * 1


@composed
def logsoftmax(x: Any, axis: Any = -1) -> Any:
    t = floats_of(x)
    return nn.log_softmax(t, axis) if t.size else t * 1


@composed
def glu(x: Any, axis: int = -1) -> Any:
    if not hasattr(axis, "__index__"):
        raise DtypeError(f"`axis` must be an integer, got {axis!r}")
    t, axis = operand_of(x), operator.index(axis)
    if t.shape[axis] % 2:
        raise ShapeError(f"glu halves axis {axis}, which has {t.shape[axis]} elements")
    return nn.glu(t, axis)


__all__ = ["elu", "glu", "hard_tanh", "leaky_relu", "logsoftmax", "relu", "selu", "sigmoid", "soft_sign", "softmax",
           "tanh"]
