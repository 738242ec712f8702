"""Lanes of vectors in other places."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from .. import llvm
from ..vecmath.lanes import I32


def chosen(b: Any, x: llvm.Value, y: llvm.Value, lanes: Sequence[int]) -> llvm.Value:
    """Lanes of two vectors, those of `y` numbered behind those of `x`. b: what builds instructions."""
    return b.shuffle_vector(x, y, llvm.Constant(llvm.VectorType(I32, len(lanes)), list(lanes)))


def across(b: Any, rows: Sequence[llvm.Value]) -> list[llvm.Value]:
    """The columns of a square of rows: in each step blocks beside the diagonal change places, then smaller ones."""
    rows, width = list(rows), len(rows)
    half = width // 2
    while half:
        low = [k if not k & half else width + k - half for k in range(width)]
        high = [k + half if not k & half else width + k for k in range(width)]
        for i in (i for i in range(width) if not i & half):
            rows[i], rows[i + half] = (chosen(b, rows[i], rows[i + half], lanes) for lanes in (low, high))
        half //= 2
    return rows
