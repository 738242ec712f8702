"""MyGrad's losses."""

from __future__ import annotations

from typing import Any

import numpy as np

from ... import nn
from ...errors import ArgumentError, DtypeError, ShapeError
from ..tensor_base import _plain, composed, operand_of


def labels(y: Any) -> np.ndarray:
    return np.asarray(_plain(y))


def labels_for(scores: Any, y: Any) -> np.ndarray:
    """The labels of rows of scores, checked."""
    right, shape = labels(y), np.shape(_plain(scores))
    if len(shape) != 2:
        raise ShapeError(f"scores are of shape (N, C), not {shape}")
    if right.dtype.kind not in "iu":
        raise DtypeError(f"labels are integers, not {right.dtype}")
    if right.shape != shape[:1]:
        raise ShapeError(f"labels of shape {right.shape} for scores of shape {shape}; one for each row")
    return right


def focus(gamma: Any) -> float:
    if not isinstance(gamma, int | float | np.number) or gamma < 0:
        raise ArgumentError(f"`gamma` must be a non-negative number, got: {gamma}")
    return float(gamma)


@composed
def softmax_crossentropy(x: Any, y_true: Any) -> Any:
    return nn.softmax_crossentropy(operand_of(x), labels_for(x, y_true))


@composed
def negative_log_likelihood(x: Any, y_true: Any, *, weights: Any = None) -> Any:
    """The mean over rows; of weighted ones, the sum divided by their number."""
    t, right = operand_of(x), labels_for(x, y_true)
    if weights is not None and np.shape(_plain(weights)) != t.shape[1:]:
        raise ShapeError(f"weights of shape {np.shape(_plain(weights))} for {t.shape[1]} classes; one for each")
    picked = t[np.arange(len(right)), right]
    return -(picked if weights is None else picked * np.asarray(_plain(weights))[right]).mean()


@composed
def multiclass_hinge(x: Any, y_true: Any, hinge: float = 1.0) -> Any:
    return nn.multiclass_hinge(operand_of(x), labels_for(x, y_true), float(hinge))


@composed
def margin_ranking_loss(x1: Any, x2: Any, y: Any, margin: Any) -> Any:
    one, other, sign = operand_of(x1), operand_of(x2), np.asarray(_plain(y))
    if one.shape != other.shape or not 0 < one.ndim < 3:
        raise ShapeError(f"`x1` and `x2` have one shape, (N,) or (N, D), and not {one.shape} and {other.shape}")
    if one.dtype.kind != "f" or other.dtype.kind != "f":
        raise DtypeError(f"`x1` and `x2` are floats, not {one.dtype} and {other.dtype}")
    if not isinstance(margin, int | float | np.number) or margin < 0:
        raise ArgumentError(f"`margin` must be a non-negative number, got: {margin}")
    if sign.ndim and sign.shape != one.shape[:1]:
        raise ShapeError(f"`y` is a number or of shape {one.shape[:1]}, not {sign.shape}")
    return nn.margin_ranking(one, other, sign.reshape(-1, 1) if sign.ndim and one.ndim == 2 else sign, float(margin))


@composed
def focal_loss(class_probs: Any, targets: Any, *, alpha: float = 1, gamma: float = 0) -> Any:
    """One loss for each row of probabilities."""
    right, power = labels_for(class_probs, targets), focus(gamma)
    p = operand_of(class_probs)[np.arange(len(right)), right]
    return -float(alpha) * np.clip(1.0 - p, 0.0, 1.0) ** power * np.log(p)


@composed
def softmax_focal_loss(scores: Any, targets: Any, *, alpha: float = 1, gamma: float = 0) -> Any:
    """One loss for each row of scores."""
    return nn.focal(operand_of(scores), labels_for(scores, targets), float(alpha), focus(gamma), reduction="none")


__all__ = ["focal_loss", "margin_ranking_loss", "multiclass_hinge", "negative_log_likelihood", "softmax_crossentropy",
           "softmax_focal_loss"]
