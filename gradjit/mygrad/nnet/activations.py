"""MyGrad's activations."""

from __future__ import annotations

from typing import Any

from ... import nn
from ..functions_table import FUNCTIONS
from ..tensor_base import composed, operand_of

tanh = FUNCTIONS["tanh"]


@composed
def relu(x: Any) -> Any:
    return nn.relu(operand_of(x))


@composed
def leaky_relu(x: Any, slope: float) -> Any:
    return nn.leaky_relu(operand_of(x), float(slope))


@composed
def elu(x: Any, alpha: float) -> Any:
    return nn.elu(operand_of(x), float(alpha))


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
    return nn.hard_tanh(operand_of(x), float(lower_bound), float(upper_bound))


@composed
def softmax(x: Any, axis: Any = -1) -> Any:
    return nn.softmax(operand_of(x), axis)


@composed
def logsoftmax(x: Any, axis: Any = -1) -> Any:
    return nn.log_softmax(operand_of(x), axis)


@composed
def glu(x: Any, axis: int = -1) -> Any:
    return nn.glu(operand_of(x), axis)


__all__ = ["elu", "glu", "hard_tanh", "leaky_relu", "logsoftmax", "relu", "selu", "sigmoid", "soft_sign", "softmax",
           "tanh"]
