"""scipy.interpolate's piecewise polynomials through samples."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from ..numpy.common import array
from ..operands import cast, require, unsupported

Rule = Callable[..., Any]


class LinearInterpolant:
    """What `scipy.interpolate.interp1d(x, y)` gives: straight lines between samples along the last axis of y."""

    def __init__(self, x: Any, y: Any, bounds_error: bool, fill_value: Any):
        self.x = x
        self.y = y
        self.bounds_error = bounds_error
        self.fill_value = fill_value

    def __call__(self, x: Any) -> Any:
        places = cast(array(x), np.float64)
        if self.y.ndim != 1:
            unsupported("scipy.interpolate.interp1d", "of y with more than one axis")
        knots, heights = self.x, self.y
        outside = (places < knots[0]) | (places > knots[-1])
        if self.bounds_error:
            require(array(~np.any(outside)), "a value of x is outside of the interpolation range")
        k = np.clip(np.searchsorted(knots, places, "left"), 1, knots.shape[0] - 1)
        slope = (heights[k] - heights[k - 1]) / (knots[k] - knots[k - 1])
        value = slope * (places - knots[k - 1]) + heights[k - 1]
        if isinstance(self.fill_value, str):
            return value
        below, above = self.fill_value if isinstance(self.fill_value, tuple) else (self.fill_value,) * 2
        return np.where(places < knots[0], below, np.where(places > knots[-1], above, value))


def interp1d(x, y, kind="linear", axis=-1, copy=True, bounds_error=None, fill_value=np.nan, assume_sorted=False):
    if kind != "linear" or axis != -1:
        unsupported("scipy.interpolate.interp1d", f"kind={kind!r}, axis={axis}; kind='linear' along the last axis is")
    knots, heights = cast(array(x), np.float64), cast(array(y), np.float64)
    if not assume_sorted:
        order = np.argsort(knots, kind="stable")
        knots, heights = knots[order], heights[..., order]
    extrapolates = isinstance(fill_value, str) and fill_value == "extrapolate"
    constant = not extrapolates and (isinstance(fill_value, tuple) or not np.all(np.isnan(fill_value)))
    error = not (extrapolates or constant) if bounds_error is None else bounds_error
    return LinearInterpolant(knots, heights, error, fill_value)


RULES: dict[tuple[str, str], Rule] = {("scipy.interpolate._interpolate", "interp1d"): interp1d}
