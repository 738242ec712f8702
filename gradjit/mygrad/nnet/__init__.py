"""MyGrad's parts of neural networks."""

from __future__ import annotations

from . import activations, initializers, layers, losses
from .activations import (
    elu,
    glu,
    hard_tanh,
    leaky_relu,
    logsoftmax,
    relu,
    selu,
    sigmoid,
    soft_sign,
    softmax,
    tanh,
)
from .initializers import dirac, glorot_normal, glorot_uniform, he_normal, he_uniform, normal, uniform
from .layers import batchnorm, conv_nd, gru, max_pool
from .losses import (
    focal_loss,
    margin_ranking_loss,
    multiclass_hinge,
    negative_log_likelihood,
    softmax_crossentropy,
    softmax_focal_loss,
)

__all__ = [
    "activations", "batchnorm", "conv_nd", "dirac", "elu", "focal_loss", "glorot_normal", "glorot_uniform", "glu",
    "gru", "hard_tanh", "he_normal", "he_uniform", "initializers", "layers", "leaky_relu", "logsoftmax", "losses",
    "margin_ranking_loss", "max_pool", "multiclass_hinge", "negative_log_likelihood", "normal", "relu", "selu",
    "sigmoid", "soft_sign", "softmax", "softmax_crossentropy", "softmax_focal_loss", "tanh", "uniform",
]
