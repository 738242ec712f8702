"""A classifier in plain NumPy: a small network with softmax cross-entropy. Nothing here knows of derivatives."""

from __future__ import annotations

from itertools import pairwise
from typing import Any

import numpy as np

Array = Any

SIZES = (64, 48, 32, 10)
"""Pixels, two hidden layers, classes."""
DECAY = 1e-4
"""How dear large weights are."""


def layers(parameters: Array) -> list[tuple[Array, Array]]:
    """Weights and bias of each layer, all cut from one flat vector, as an optimiser wants it."""
    found, at = [], 0
    for inputs, outputs in pairwise(SIZES):
        weights = parameters[at : at + inputs * outputs].reshape(inputs, outputs)
        at += inputs * outputs
        found.append((weights, parameters[at : at + outputs]))
        at += outputs
    return found


def scores(parameters: Array, images: Array) -> Array:
    """A number for each image and class, (n, 10); the largest wins."""
    *inner, (weights, bias) = layers(parameters)
    hidden = images
    for w, b in inner:
        hidden = np.tanh(hidden @ w + b)
    return hidden @ weights + bias


def log_softmax(x: Array) -> Array:
    shifted = x - np.max(x, axis=1, keepdims=True)
    return shifted - np.log(np.sum(np.exp(shifted), axis=1, keepdims=True))


def loss(parameters: Array, images: Array, labels: Array) -> Array:
    """Mean cross-entropy and weight decay. images: (n, 64), labels: integers (n,)."""
    log_likelihoods = log_softmax(scores(parameters, images))
    return -np.mean(log_likelihoods[np.arange(len(labels)), labels]) + DECAY * np.sum(parameters**2)


def accuracy(parameters: Array, images: Array, labels: Array) -> float:
    return float(np.mean(np.argmax(scores(parameters, images), axis=1) == labels))


def start(rng: np.random.Generator) -> Array:
    """Random weights of a size that keeps the layers' outputs near 1; biases 0."""
    parts = []
    for inputs, outputs in pairwise(SIZES):
        parts += [rng.normal(size=inputs * outputs) / np.sqrt(inputs), np.zeros(outputs)]
    return np.concatenate(parts)
