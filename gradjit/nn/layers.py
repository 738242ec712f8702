"""Layers as functions: parameters are arguments. Arrays, traced arrays and tensors alike."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from ..errors import ArgumentError, DtypeError
from .activations import softmax


def dense(x: Any, weights: Any, bias: Any = None) -> Any:
    """x @ weights + bias: (..., n) by (n, m)."""
    y = x @ weights
    return y if bias is None else y + bias


def normalised(x: Any, axes: Sequence[int], eps: float) -> Any:
    mean = np.mean(x, axis=tuple(axes), keepdims=True)
    centred = x - mean
    return centred / np.sqrt(np.mean(centred * centred, axis=tuple(axes), keepdims=True) + eps)


def batchnorm(x: Any, scale: Any = None, shift: Any = None, *, eps: float = 1e-5, mean: Any = None, var: Any = None
              ) -> Any:
    """x (n, c, ...) with mean 0 and variance 1 for each channel, over the batch and all positions; then scaled and
    shifted by c numbers each. With `mean` and `var` by these, as for inference."""
    shape = (1, -1) + (1,) * (np.ndim(x) - 2)
    if mean is None or var is None:
        y = normalised(x, [a for a in range(np.ndim(x)) if a != 1], eps)
    else:
        y = (x - np.reshape(mean, shape)) / np.sqrt(np.reshape(var, shape) + eps)
    y = y if scale is None else y * np.reshape(scale, shape)
    return y if shift is None else y + np.reshape(shift, shape)


def layernorm(x: Any, scale: Any = None, shift: Any = None, *, axes: int = 1, eps: float = 1e-5) -> Any:
    """x with mean 0 and variance 1 over its last `axes` axes; then scaled and shifted."""
    y = normalised(x, range(-axes, 0), eps)
    y = y if scale is None else y * scale
    return y if shift is None else y + shift


def dropout(x: Any, rate: float, rng: np.random.Generator | None, training: bool = True) -> Any:
    """x with elements dropped at random, the others larger by 1 / (1 - rate); x itself where training is False.

    A function that gradjit compiles runs its Python code once, so that it would drop the same elements for ever: draw
    the mask outside of it, and pass it as an argument.
    """
    if not 0 <= rate < 1:
        raise ArgumentError(f"rate={rate!r}: dropout drops a share of at least 0 and less than 1")
    if not training or not rate:
        return x
    if rng is None:
        raise ArgumentError("dropout draws from a generator: rng=np.random.default_rng(seed)")
    kept = np.asarray(rng.random(np.shape(x)) >= rate, x.dtype) / x.dtype.type(1 - rate)
    return x * kept


def places(numbers: Any, n: int, what: str) -> Any:
    """Integers that name one of n things, as an index. Those below zero do not count from the end: they become n, which
    no axis has."""
    named = numbers if hasattr(numbers, "dtype") else np.asarray(numbers)
    if named.dtype.kind not in "iu":
        raise DtypeError(f"{what} of {named.dtype}; they are integers from 0 on: write {what}.astype(int)")
    return np.where(named < 0, n, named) if named.dtype.kind == "i" else named


def embedding(table: Any, tokens: Any) -> Any:
    """The rows of a table that integers name."""
    return table[places(tokens, np.shape(table)[0], "tokens")]


def attention(q: Any, k: Any, v: Any, mask: Any = None) -> Any:
    """softmax(q @ k^T / sqrt(d)) @ v over the last two axes; where `mask` is False nobody looks."""
    scores = (q @ np.swapaxes(k, -1, -2)) / float(np.sqrt(np.shape(q)[-1]))
    if mask is not None:
        if (kind := getattr(mask, "dtype", np.dtype(bool))).kind not in "biu":
            raise DtypeError(f"a mask of {kind}; it is True where somebody looks: write mask > -1 of one that is added")
        scores = np.where(mask, scores, -1e30)
    return softmax(scores) @ v
