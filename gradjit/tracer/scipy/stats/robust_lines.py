"""scipy.stats' lines through points by medians of slopes, Theil's and Sen's, and Siegel's."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np

from ...numpy.common import array
from ...operands import static_int
from ..special import ufunc
from ..written_loops import doubles, invalid

Rule = Callable[..., Any]


class TheilslopesResult(NamedTuple):
    """As SciPy's."""

    slope: Any
    intercept: Any
    low_slope: Any
    high_slope: Any


class SiegelslopesResult(NamedTuple):
    """As SciPy's."""

    slope: Any
    intercept: Any


def _points(y: Any, x: Any) -> tuple[Any, Any, int]:
    y = doubles(np.ravel(array(y)))
    n = static_int(y.shape[0], "the number of points")
    x = np.arange(float(n)) if x is None else doubles(np.ravel(array(x)))
    if x.shape[0] != n:
        invalid("Array shapes are incompatible for broadcasting.")
    if n < 2:
        invalid("`x` and `y` must have length at least 2.")
    return y, x, n


def _slopes(y: Any, x: Any, wanted: Callable[[Any], Any]) -> tuple[Any, Any]:
    """The slopes from each point to each, nan where none is wanted; and where one is."""
    across: Any = x[:, np.newaxis] - x
    there = wanted(across)
    return np.where(there, (y[:, np.newaxis] - y) / np.where(there, across, 1.0), np.nan), there


def _of_ties(x: Any) -> Any:
    """The sum of k (k - 1) (2 k + 5) over groups of k equal elements."""
    k = np.sum(x[:, np.newaxis] == x, axis=1)
    return np.sum((k - 1) * (2 * k + 5))


def theilslopes(y, x=None, alpha=0.95, method="separate"):
    if method not in ("joint", "separate"):
        invalid(f"method must be either 'joint' or 'separate'.'{method}' is invalid.")
    y, x, n = _points(y, x)
    slopes, there = _slopes(y, x, lambda across: across > 0)
    in_order, count = np.sort(np.ravel(slopes)), np.sum(there)  # what is not wanted stands behind
    slope = np.nanmedian(slopes)
    middle = np.median(y - slope * x) if method == "joint" else np.median(y) - slope * np.median(x)
    z = ufunc("ndtri", (1.0 - alpha if alpha > 0.5 else alpha) / 2.0)
    spread = z * np.sqrt((n * (n - 1) * (2 * n + 5) - _of_ties(x) - _of_ties(y)) / 18.0)
    last = np.minimum(np.round((count - spread) / 2.0).astype(int), count - 1)
    first = np.maximum(np.round((count + spread) / 2.0).astype(int) - 1, 0)
    bad = np.any(np.isnan(x + y))
    return TheilslopesResult(*(np.where(bad, np.nan, found)[()] for found in (
        slope, middle, in_order[first], in_order[last])))


def siegelslopes(y, x=None, method="hierarchical"):
    if method not in ("hierarchical", "separate"):
        invalid("method can only be 'hierarchical' or 'separate'")
    y, x, _ = _points(y, x)
    slopes, there = _slopes(y, x, lambda across: across != 0)
    slope = np.median(np.nanmedian(slopes, axis=1))
    if method == "hierarchical":
        return SiegelslopesResult(slope, np.median(y - slope * x))
    across: Any = x - x[:, np.newaxis]
    at_zero = (y[:, np.newaxis] * x - y * x[:, np.newaxis]) / np.where(there, across, 1.0)
    return SiegelslopesResult(slope, np.median(np.nanmedian(np.where(there, at_zero, np.nan), axis=1)))


RULES: dict[tuple[str, str], Rule] = {
    ("scipy.stats._stats_mstats_common", f.__name__): f for f in (theilslopes, siegelslopes)}
