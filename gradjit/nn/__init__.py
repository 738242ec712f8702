"""Parts of neural networks (`gj.nn`): plain functions over arrays or tensors, in the functional style and inside of
`gj.grad` as well as on tensors; optimisers, schedules, initial values."""

from __future__ import annotations

from typing import NoReturn

from ..tensors.tensor_names import missing_layer
from .activations import (
    celu,
    elu,
    gelu,
    glu,
    hard_sigmoid,
    hard_swish,
    hard_tanh,
    leaky_relu,
    log_sigmoid,
    log_softmax,
    maxout,
    mish,
    relu,
    relu6,
    selu,
    sigmoid,
    silu,
    soft_sign,
    softmax,
    softplus,
    tanh,
)
from .convolution import avg_pool, conv1d, conv2d, conv3d, conv_nd, max_pool
from .initialisers import (
    dirac,
    glorot_normal,
    glorot_uniform,
    he_normal,
    he_uniform,
    lecun_normal,
    lecun_uniform,
    normal,
    orthogonal,
    uniform,
)
from .layers import attention, batchnorm, dense, dropout, embedding, layernorm
from .losses import (
    accuracy,
    binary_crossentropy,
    focal,
    huber,
    kl_divergence,
    mae,
    margin_ranking,
    mse,
    multiclass_hinge,
    negative_log_likelihood,
    softmax_crossentropy,
)
from .optimisers import (
    SGD,
    Adadelta,
    AdaGrad,
    Adam,
    AdamW,
    Optimiser,
    OptimiserState,
    RMSProp,
    adadelta,
    adagrad,
    adam,
    adamw,
    lbfgs,
    rmsprop,
    sgd,
)
from .recurrent import gru, lstm, simple_rnn
from .schedules import (
    clip_by_global_norm,
    clip_by_value,
    constant_rate,
    cosine_decay,
    exponential_decay,
    global_norm,
    inverse_time_decay,
    linear_decay,
    piecewise,
    step_decay,
    warmup,
)


def __getattr__(name: str) -> NoReturn:
    missing_layer(name)


__all__ = [
    "SGD", "AdaGrad", "Adadelta", "Adam", "AdamW", "Optimiser", "OptimiserState", "RMSProp", "accuracy", "adadelta",
    "adagrad", "adam", "adamw", "attention", "avg_pool", "batchnorm", "binary_crossentropy", "celu",
    "clip_by_global_norm", "clip_by_value", "constant_rate", "conv1d", "conv2d", "conv3d", "conv_nd", "cosine_decay",
    "dense", "dirac", "dropout", "elu", "embedding", "exponential_decay", "focal", "gelu", "global_norm",
    "glorot_normal", "glorot_uniform", "glu", "gru", "hard_sigmoid", "hard_swish", "hard_tanh", "he_normal",
    "he_uniform", "huber", "inverse_time_decay", "kl_divergence", "layernorm", "lbfgs", "leaky_relu", "lecun_normal",
    "lecun_uniform", "linear_decay", "log_sigmoid", "log_softmax", "lstm", "mae", "margin_ranking", "max_pool",
    "maxout", "mish", "mse", "multiclass_hinge", "negative_log_likelihood", "normal", "orthogonal", "piecewise", "relu",
    "relu6", "rmsprop", "selu", "sgd", "sigmoid", "silu", "simple_rnn", "soft_sign", "softmax", "softmax_crossentropy",
    "softplus", "step_decay", "tanh", "uniform", "warmup",
]
