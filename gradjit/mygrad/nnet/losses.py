"""MyGrad's losses."""

from __future__ import annotations

from typing import Any

import numpy as np

from ... import nn
from ..tensor_base import _plain, composed, operand_of


def labels(y: Any) -> np.ndarray:
    return np.asarray(_plain(y))


@composed
def softmax_crossentropy(x: Any, y_true: Any) -> Any:
    return nn.softmax_crossentropy(operand_of(x), labels(y_true))


@composed
def negative_log_likelihood(x: Any, y_true: Any, *, weights: Any = None) -> Any:
    """The mean over rows; of weighted ones, the sum divided by their number."""
    t, right = operand_of(x), labels(y_true)
    picked = t[np.arange(len(right)), right]
    return -(picked if weights is None else picked * np.asarray(_plain(weights))[right]).mean()


@composed
def multiclass_hinge(x: Any, y_true: Any, hinge: float = 1.0) -> Any:
    return nn.multiclass_hinge(operand_of(x), labels(y_true), float(hinge))


@composed
def margin_ranking_loss(x1: Any, x2: Any, y: Any, margin: float) -> Any:
    return nn.margin_ranking(operand_of(x1), operand_of(x2), np.asarray(_plain(y)), float(margin))


@composed
def focal_loss(class_probs: Any, targets: Any, *, alpha: float = 1, gamma: float = 0) -> Any:
    """One loss for each row of probabilities."""
    right = labels(targets)
    p = operand_of(class_probs)[np.arange(len(right)), right]
    return -float(alpha) * (1.0 - p) ** float(gamma) * np.log(p)


@composed
def softmax_focal_loss(scores: Any, targets: Any, *, alpha: float = 1, gamma: float = 0) -> Any:
    """One loss for each row of scores."""
    return nn.focal(operand_of(scores), labels(targets), float(alpha), float(gamma), reduction="none")


__all__ = ["focal_loss", "margin_ranking_loss", "multiclass_hinge", "negative_log_likelihood", "softmax_crossentropy",
           "softmax_focal_loss"]
