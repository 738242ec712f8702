"""Whether a loss is a sum over rows, a mean, or neither: its values and gradients on two halves of a partition tell."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import optree

from ..errors import ArgumentError

OVER = ("sum", "mean")


def leaves(result: Any) -> list[np.ndarray]:
    """The numbers of a result, gradient included."""
    return [np.asarray(x) for x in optree.tree_leaves(result, none_is_leaf=False)]


def furthest(whole: Any, other: Any) -> float:
    """The largest difference of two results, over the size of their numbers."""
    worst = 0.0
    for a, b in zip(leaves(whole), leaves(other), strict=True):
        if a.size:
            scale = max(float(np.max(np.abs(a))), float(np.max(np.abs(b))), float(np.finfo(a.dtype).tiny))
            worst = max(worst, float(np.max(np.abs(a - b))) / scale)
    return worst


def found_over(compute: Callable[[Sequence[np.ndarray]], Any], arrays: Sequence[np.ndarray], title: str) -> str:
    """"sum" or "mean": which of them the loss is over rows. ArgumentError if it is neither, or both.

    compute: the result for some rows of all arrays.
    """
    n = len(arrays[0])
    half = n // 2
    if not half:
        raise ArgumentError(f"{title}: the first partition has one row, so nobody can tell whether the loss is a sum "
                            f"or a mean over rows; say over=\"sum\" or over=\"mean\"")
    whole, one, two = (compute([a[rows] for a in arrays]) for rows in (
        slice(None), slice(half), slice(half, None)))
    as_sum = optree.tree_map(lambda a, b: a + b, one, two)
    as_mean = optree.tree_map(lambda a, b: (a * half + b * (n - half)) / n, one, two)
    allowed = 1e-8 if all(x.dtype.itemsize >= 8 for x in leaves(whole)) else 1e-3
    apart = {"sum": furthest(whole, as_sum), "mean": furthest(whole, as_mean)}
    fits = [how for how in OVER if apart[how] <= allowed]
    if len(fits) == 1:
        return fits[0]
    if fits:
        finite = all(np.isfinite(x).all() for x in leaves(whole))
        raise ArgumentError(f"{title}: on the first partition both the loss and its gradient are "
                            f"{'0' if finite else 'not finite'}, so nobody can tell "
                            f"whether it is a sum or a mean over rows; say over=\"sum\" or over=\"mean\"")
    values = [f"{float(leaves(x)[0].ravel()[0]):.6g}" for x in (whole, one, two)]
    raise ArgumentError(
        f"{title} is no sum and no mean over rows, so it cannot be computed from partitions: for the {n} rows of the "
        f"first one it gives {values[0]}, for its halves {values[1]} and {values[2]}; value or gradient differ from "
        f"those of a sum by {apart['sum']:.2g}, of a mean by {apart['mean']:.2g} (relative; {allowed:g} is allowed). "
        f"What does not depend on the rows, as a penalty on the parameters, is added outside of it")
