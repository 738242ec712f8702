"""scipy.interpolate.interp1d: between samples by lines, steps and splines."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np

from ..attributes import read
from ..numpy.common import array
from ..operands import cast, is_traced, require, unsupported
from .bsplines import BasisSpline, from_outside as spline_from_outside, make_interp_spline
from .piecewise import column

Rule = Callable[..., Any]


class LineInterpolant:
    """What `scipy.interpolate.interp1d(x, y)` gives: between samples along an axis of y."""

    def __init__(self, x: Any, y: Any, axis: int, kind: Any, bounds_error: bool, fill_value: Any,
                 spline: BasisSpline | None = None):
        self.x, self.axis, self.bounds_error, self.fill_value = x, axis, bounds_error, fill_value
        self.y: Any = np.moveaxis(y, axis, 0)
        degree = DEGREES.get(kind, kind)
        if KINDS.get(degree) is linear and x.shape[0] == 1 and self.y.ndim == 1 and not isinstance(fill_value, str):
            degree = "previous"  # as np.interp, by which SciPy computes these
        self.between = spline or (KINDS[degree] if degree in KINDS else make_interp_spline(x, self.y, degree,
                                                                                              check_finite=False))

    def __call__(self, x: Any) -> Any:
        places: Any = cast(array(x), np.float64)
        flat, knots = np.reshape(places, (-1,)), self.x
        below, above = flat < knots[0], flat > knots[-1]
        if self.bounds_error:
            require(array(~np.any(below | above)), "a value of x is outside of the interpolation range")
        y = self.between(flat) if isinstance(self.between, BasisSpline) else self.between(knots, self.y, flat)
        y = np.reshape(y, (*flat.shape, *self.y.shape[1:]))
        if not isinstance(self.fill_value, str):
            low, high = self.fill_value if isinstance(self.fill_value, tuple) else (self.fill_value,) * 2
            y = np.where(column(below, y), low, np.where(column(above, y), high, y))
        y = np.reshape(y, (*places.shape, *self.y.shape[1:]))
        return np.moveaxis(y, tuple(range(places.ndim)), tuple(range(self.axis, self.axis + places.ndim)))


def linear(knots: Any, y: Any, x: Any) -> Any:
    k = np.clip(np.searchsorted(knots, x, "left"), 1, knots.shape[0] - 1)
    slope = (y[k] - y[k - 1]) / column(knots[k] - knots[k - 1], y)
    return slope * column(x - knots[k - 1], y) + y[k - 1]


def nearest(side: Any) -> Rule:
    def rule(knots: Any, y: Any, x: Any) -> Any:
        return y[np.searchsorted(0.5 * (knots[1:] + knots[:-1]), x, side)]

    return rule


def previous(knots: Any, y: Any, x: Any) -> Any:
    return y[np.clip(np.searchsorted(knots, x, "right") - 1, 0, knots.shape[0] - 1)]


def following(knots: Any, y: Any, x: Any) -> Any:
    return y[np.clip(np.searchsorted(knots, x, "left"), 0, knots.shape[0] - 1)]


KINDS: dict[Any, Rule] = {"linear": linear, 1: linear, "nearest": nearest("left"), "nearest-up": nearest("right"),
                          "previous": previous, "next": following, 0: previous}
DEGREES: dict[Any, Any] = {"zero": 0, "slinear": 1, "quadratic": 2, "cubic": 3}


def interp1d(x, y, kind="linear", axis=-1, copy=True, bounds_error=None, fill_value=np.nan, assume_sorted=False):
    if kind not in KINDS and not isinstance(DEGREES.get(kind, kind), int):
        unsupported("scipy.interpolate.interp1d", f"kind={kind!r}")
    knots, heights = cast(array(x), np.float64), cast(array(y), np.float64)
    axis = axis % heights.ndim
    if not assume_sorted:
        order = np.argsort(knots, kind="stable")
        knots, heights = knots[order], np.take(heights, order, axis=axis)  # type: ignore[assignment]
    extrapolates = isinstance(fill_value, str) and fill_value == "extrapolate"
    constant = not extrapolates and (isinstance(fill_value, tuple) or is_traced(fill_value) or not np.all(
        np.isnan(fill_value)))
    error = not (extrapolates or constant) if bounds_error is None else bounds_error
    return LineInterpolant(knots, heights, axis, kind, error, fill_value)


def called(f, x):
    """An interpolator of one variable that SciPy has made: what an interp1d holds are arrays from outside."""
    if type(f).__name__ != "interp1d" or f.y.dtype.kind != "f":
        unsupported(f"scipy.interpolate.{type(f).__name__}", "made outside, of traced points; make it inside of the "
                                                             "compiled function")
    knots, heights = (read(f, name) for name in ("x", "y"))
    axis, kind = read(f, "axis"), read(f, "_kind")
    shape = np.moveaxis(heights, axis, 0).shape[1:]
    fill_value: Any = "extrapolate" if read(f, "_extrapolate") else tuple(
        extended(read(f, f"_fill_value_{side}"), shape) for side in ("below", "above"))
    between = spline_from_outside(read(f, "_spline")) if kind == "spline" else None
    return LineInterpolant(knots, heights, axis, kind, read(f, "bounds_error"), fill_value, between)(x)


def extended(fill: Any, shape: tuple[int, ...]) -> Any:
    """What stands outside of the range, of which a number is kept in an array of one."""
    return np.reshape(fill, shape) if np.size(fill) == math.prod(shape) else np.reshape(fill, ())


RULES: dict[tuple[str, str], Rule] = {("scipy.interpolate._interpolate", "interp1d"): interp1d,
                                      ("scipy.interpolate._polyint", "_Interpolator1D.__call__"): called}
