"""Losses. Each gives a number, the mean over the batch unless `reduction` says "sum" or "none" (one for each row).

Rows of scores have shape (n, c); labels are n integers.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from ..errors import ArgumentError, ShapeError
from .activations import log_sigmoid, log_softmax, relu, softmax
from .layers import places

REDUCTIONS: dict[str, Any] = {"mean": np.mean, "sum": np.sum, "none": lambda x: x}


def reduced(x: Any, reduction: str) -> Any:
    if reduction not in REDUCTIONS:
        raise ArgumentError(f"reduction={reduction!r}; there are {', '.join(REDUCTIONS)}")
    return REDUCTIONS[reduction](x)


def of_labels(rows: Any, labels: Any) -> Any:
    """The element of each row that its label names."""
    if np.ndim(rows) != 2 or np.shape(labels) != np.shape(rows)[:1]:
        raise ShapeError(f"scores of shape {np.shape(rows)} with labels of shape {np.shape(labels)}; they are (n, c), "
                         f"and n integers from 0 to c - 1")
    n, c = np.shape(rows)
    return rows[np.arange(n), places(labels, c, "labels")]


def check_alike(prediction: Any, target: Any) -> None:
    """ShapeError where each is stretched along an axis of the other's, as (n, 1) beside (n,)."""
    given = np.shape(prediction), np.shape(target)
    found = np.broadcast_shapes(*given)
    if found not in given:
        raise ShapeError(f"a prediction of shape {given[0]} beside a target of shape {given[1]} would be compared each "
                         f"with each, in {found}; reshape one to the other's shape")


def mse(prediction: Any, target: Any, reduction: str = "mean") -> Any:
    """The squared difference of each element."""
    check_alike(prediction, target)
    return reduced((prediction - target) ** 2, reduction)


def mae(prediction: Any, target: Any, reduction: str = "mean") -> Any:
    """The absolute difference of each element."""
    check_alike(prediction, target)
    return reduced(abs(prediction - target), reduction)


def huber(prediction: Any, target: Any, delta: float = 1.0, reduction: str = "mean") -> Any:
    """Half the square of a difference up to delta, and linear beyond."""
    check_alike(prediction, target)
    error = abs(prediction - target)
    small = np.minimum(error, delta)
    return reduced(0.5 * small * small + delta * (error - small), reduction)


def binary_crossentropy(scores: Any, target: Any, reduction: str = "mean") -> Any:
    """-log of the probability of target (0 or 1, or between), where sigmoid(score) is that of 1."""
    check_alike(scores, target)
    return reduced(-(target * log_sigmoid(scores) + (1.0 - target) * log_sigmoid(-scores)), reduction)


def negative_log_likelihood(log_probabilities: Any, labels: Any, weights: Any = None, reduction: str = "mean") -> Any:
    """-log p of the right class; weighted by class, and the mean a weighted one, where `weights` are given."""
    losses = -of_labels(log_probabilities, labels)
    if weights is None:
        return reduced(losses, reduction)
    w = weights[labels]
    total = reduced(losses * w, "sum" if reduction == "mean" else reduction)
    return total / np.sum(w) if reduction == "mean" else total


def softmax_crossentropy(scores: Any, labels: Any, reduction: str = "mean") -> Any:
    """-log of the softmax of the right class."""
    return negative_log_likelihood(log_softmax(scores), labels, reduction=reduction)


def focal(scores: Any, labels: Any, alpha: float = 1.0, gamma: float = 2.0, reduction: str = "mean") -> Any:
    """-alpha (1 - p)^gamma log p of the right class: cross-entropy that cares less for what is right already."""
    log_p = of_labels(log_softmax(scores), labels)
    return reduced(-alpha * (1.0 - np.exp(log_p)) ** gamma * log_p, reduction)


def multiclass_hinge(scores: Any, labels: Any, margin: float = 1.0, reduction: str = "mean") -> Any:
    """How far the scores of the wrong classes come within `margin` of the right one's, added up."""
    shortfall = scores - of_labels(scores, labels)[:, None] + margin
    wrong = np.arange(np.shape(scores)[1]) != np.reshape(labels, (-1, 1))
    return reduced(np.sum(np.where(wrong, relu(shortfall), 0.0), axis=1), reduction)


def margin_ranking(first: Any, second: Any, order: Any, margin: float = 0.0, reduction: str = "mean") -> Any:
    """max(0, margin - order * (first - second)): order 1 where the first should be larger, -1 where the second."""
    check_alike(first, second)
    return reduced(relu(margin - order * (first - second)), reduction)


def kl_divergence(log_probabilities: Any, target: Any, reduction: str = "mean") -> Any:
    """The sum over classes of target * (log target - log p), for each row."""
    none = target == 0
    log_target = np.log(np.where(none, 1.0, target))
    return reduced(np.sum(np.where(none, 0.0, target * (log_target - log_probabilities)), axis=-1), reduction)


def accuracy(scores: Any, labels: Any) -> float:
    """The share of rows whose highest score is the right one."""
    return float(np.mean(np.argmax(np.asarray(scores), axis=-1) == np.asarray(labels)))


__all__ = [
    "accuracy", "binary_crossentropy", "focal", "huber", "kl_divergence", "mae", "margin_ranking", "mse",
    "multiclass_hinge", "negative_log_likelihood", "softmax", "softmax_crossentropy",
]
