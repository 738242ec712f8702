"""Scikit-learn's handwritten digits, 8 × 8 pixels each, cut into a part to learn from and a part held out."""

from __future__ import annotations

from typing import Any

import numpy as np

from ..records import dataclass

HELD_OUT = 0.3


@dataclass(frozen=True)
class DigitSet:
    """images: (n, 64) in [0, 1]. labels: integers (n,)."""

    images: Any
    labels: Any

    def __len__(self) -> int:
        return len(self.labels)


def load(rng: np.random.Generator) -> tuple[DigitSet, DigitSet]:
    """(to learn from, held out), shuffled."""
    from sklearn.datasets import load_digits

    images, labels = load_digits(return_X_y=True)
    images = images / 16
    order = rng.permutation(len(labels))
    cut = round(len(labels) * HELD_OUT)
    held, learnt = order[:cut], order[cut:]
    return DigitSet(images[learnt], labels[learnt]), DigitSet(images[held], labels[held])
