"""scipy.interpolate in several variables, and by polynomials: regular grids, radial functions, Lagrange's formula."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from ..guards import Source
from ..numpy import factorisation as nf
from ..numpy.common import array, elements_if_known
from ..operands import as_traced, captured, cast, is_traced, require, static_int, unsupported
from ..outside import outside
from ..recorder import current
from .fitted_splines import on_grid
from .piecewise import column
from .written_loops import Rule, doubles, floats, invalid


# regular grids --------------------------------------------------------------------------------------------------------
class GridInterpolant:
    """What `scipy.interpolate.RegularGridInterpolator(points, values)` gives."""

    def __init__(self, points: Any, values: Any, method: Any = "linear", bounds_error: Any = True,
                 fill_value: Any = np.nan):
        if method not in METHODS:
            invalid(f"Method '{method}' is not defined")
        self.method, self.bounds_error, self.fill_value = method, bounds_error, fill_value
        v: Any = floats(values)
        grid: list[Any] = [doubles(p) for p in points]
        if v.ndim < len(grid):
            invalid(f"There are {len(grid)} point arrays, but values has {v.ndim} dimensions")
        for k, p in enumerate(grid):
            if p.ndim != 1 or p.shape[0] != v.shape[k]:
                invalid(f"There are {p.shape[0]} points and {v.shape[k]} values along dimension {k}")
            known = elements_if_known(p)
            if known is not None and known[0] > known[-1]:
                grid[k], v = p[::-1], np.flip(v, k)
            require(array(np.diff(grid[k]) > 0), f"The points in dimension {k} must be strictly ascending or "
                                                        f"descending")
        self.grid, self.values = tuple(grid), v

    def __call__(self, xi: Any, method: Any = None) -> Any:
        method = self.method if method is None else method
        axes = len(self.grid)
        at = points_of(xi, axes)
        if at.shape[-1] != axes:
            invalid(f"The requested sample points xi have dimension {at.shape[-1]} but this RegularGridInterpolator "
                    f"has dimension {axes}")
        shape, flat = at.shape[:-1], np.reshape(at, (-1, axes))
        places, shares, inside = [], [], True
        for k, p in enumerate(self.grid):
            x = flat[:, k]
            i = np.clip(np.searchsorted(p, x, "right") - 1, 0, max(p.shape[0] - 2, 0))
            inside = inside & ~((x < p[0]) | (x > p[-1]))
            if self.bounds_error:
                require(array(np.all((x >= p[0]) & (x <= p[-1]) | np.isnan(x))),
                        f"One of the requested xi is out of bounds in dimension {k}")
            places.append(i)
            shares.append((x - p[i]) / (p[np.minimum(i + 1, p.shape[0] - 1)] - p[i]) if p.shape[0] > 1 else 0 * x)
        if method in ("nearest", "linear"):
            y = self._nearest(places, shares) if method == "nearest" else self._linear(places, shares)
        else:
            y = on_grid(self.grid, self.values, flat, method)
        if not self.bounds_error and self.fill_value is not None:
            y = np.where(column(inside, y), y, self.fill_value)
        y = np.where(column(np.any(np.isnan(flat), axis=-1), y), np.nan, y)
        return np.reshape(y, (*shape, *self.values.shape[axes:]))

    def _linear(self, places: list[Any], shares: list[Any]) -> Any:
        total: Any = 0.0
        for corner in itertools.product(*(range(min(2, p.shape[0])) for p in self.grid)):
            weight = 1.0
            for c, share in zip(corner, shares, strict=True):
                weight = weight * (share if c else 1.0 - share)
            values = self.values[tuple([i + c for i, c in zip(places, corner, strict=True)])]
            total = total + values * column(weight, values)
        return total

    def _nearest(self, places: list[Any], shares: list[Any]) -> Any:
        return self.values[tuple([np.where(s <= 0.5, i, i + 1) for i, s in zip(places, shares, strict=True)])]


METHODS = ("linear", "nearest", "slinear", "cubic", "quintic", "pchip")


def points_of(xi: Any, axes: int) -> Any:
    """Points as rows; a tuple has the coordinates one by one. Of one variable each number is a point."""
    if isinstance(xi, tuple):
        return np.stack(np.broadcast_arrays(*map(doubles, xi)), axis=-1)
    x: Any = doubles(xi)
    return x[:, np.newaxis] if x.ndim == 1 and axes == 1 else x[np.newaxis] if x.ndim == 0 else x


def grid_interpolator(points, values, method="linear", bounds_error=True, fill_value=np.nan):
    return GridInterpolant(points, values, method, bounds_error, fill_value)


def interpn(points, values, xi, method="linear", bounds_error=True, fill_value=np.nan):
    return GridInterpolant(points, values, method, bounds_error, fill_value)(xi)


def held(owner: Any, name: str) -> Any:
    """An array that an object from outside holds, which is read at each call."""
    found = getattr(owner, name)
    return as_traced(found) if is_traced(found) else captured(found, Source("attribute", owner, name))


def grid_called(made, xi, method=None):
    world = outside(current())
    for name in ("method", "bounds_error", "fill_value"):
        world.enter(getattr(made, name), Source("attribute", made, name))
    grid = world.watch_attribute(made, "_grid", "RegularGridInterpolator()")
    values = held(made, "_values")
    return GridInterpolant(grid, values, made.method, made.bounds_error, made.fill_value)(xi, method)


# radial functions -----------------------------------------------------------------------------------------------------
def _logarithmic(s: Any) -> Any:
    return 0.5 * s * np.log(np.where(s > 0, s, 1.0))


def _power(half: float) -> Callable[[Any], Any]:
    return lambda s: np.where(s > 0, np.where(s > 0, s, 1.0) ** half, 0.0)


RADIAL: dict[str, tuple[Callable[[Any], Any], int, bool]] = {
    "linear": (lambda s: -_power(0.5)(s), 0, True), "thin_plate_spline": (_logarithmic, 1, True),
    "cubic": (_power(1.5), 1, True), "quintic": (lambda s: -_power(2.5)(s), 2, True),
    "multiquadric": (lambda s: -np.sqrt(s + 1), 0, False), "inverse_multiquadric": (lambda s: 1 / np.sqrt(s + 1), -1,
                                                                                    False),
    "inverse_quadratic": (lambda s: 1 / (s + 1), -1, False), "gaussian": (lambda s: np.exp(-s), -1, False),
}
"""Kernels as functions of the squared distance, the least degree of the polynomial beside them, and whether they need
no scale."""


class RadialInterpolant:
    """What `scipy.interpolate.RBFInterpolator(y, d)` gives."""

    def __init__(self, y: Any, d: Any, smoothing: Any, kernel: str, epsilon: Any, degree: Any):
        if kernel not in RADIAL:
            invalid(f"`kernel` must be one of {sorted(RADIAL)}.")
        self.kernel, least, needs_none = RADIAL[kernel]
        if epsilon is None and not needs_none:
            invalid(f"`epsilon` must be specified if `kernel` is not one of "
                    f"{sorted(n for n, (_, _, free) in RADIAL.items() if free)}.")
        self.epsilon = 1.0 if epsilon is None else epsilon
        self.y: Any = doubles(y)
        values: Any = doubles(d)
        if self.y.ndim != 2 or values.shape[:1] != self.y.shape[:1]:
            invalid(f"data at points of shape {self.y.shape}, and values of shape {values.shape}")
        n, axes = self.y.shape
        self.shape = values.shape[1:]
        degree = max(least, 0) if degree is None else static_int(degree, "degree")
        self.powers = [p for p in itertools.product(range(degree + 1), repeat=axes) if sum(p) <= degree]
        high, low = np.max(self.y, axis=0), np.min(self.y, axis=0)
        self.shift, width = (high + low) / 2, (high - low) / 2
        self.width = np.where(width == 0, 1.0, width)
        beside = self.polynomial(self.y)
        smooth = np.broadcast_to(smoothing, (n,)) if np.ndim(smoothing) == 0 else doubles(smoothing)
        inner = self.radial(self.y) + np.diag(smooth + np.zeros(n))
        count = len(self.powers)
        whole = np.concatenate([np.concatenate([inner, beside], axis=1),
                                np.concatenate([beside.T, np.zeros((count, count))], axis=1)])
        right = np.concatenate([np.reshape(values, (n, -1)), np.zeros((count, int(np.prod(self.shape))))])
        self.coefficients: Any = nf.solved(cast(array(whole), np.float64), cast(array(right), np.float64))

    def radial(self, x: Any) -> Any:
        away = (x[:, np.newaxis, :] - self.y) * self.epsilon
        return self.kernel(np.sum(away * away, axis=-1))

    def polynomial(self, x: Any) -> Any:
        scaled = (x - self.shift) / self.width
        columns = [np.prod(np.stack([scaled[:, k] ** e for k, e in enumerate(p)]), axis=0) for p in self.powers]
        return np.stack(columns, axis=1) if columns else np.zeros((x.shape[0], 0))

    def __call__(self, x: Any) -> Any:
        at: Any = doubles(x)
        if at.ndim != 2 or at.shape[1] != self.y.shape[1]:
            invalid(f"Expected the second axis of `x` to have length {self.y.shape[1]}.")
        rows = np.concatenate([self.radial(at), self.polynomial(at)], axis=1)
        return np.reshape(rows @ self.coefficients, (at.shape[0], *self.shape))


def radial_interpolator(y, d, neighbors=None, smoothing=0.0, kernel="thin_plate_spline", epsilon=None, degree=None):
    if neighbors is not None:
        unsupported("scipy.interpolate.RBFInterpolator", "with neighbors=, which are found by the elements; leave it "
                                                         "out")
    return RadialInterpolant(y, d, smoothing, kernel, epsilon, degree)


# polynomials through samples ------------------------------------------------------------------------------------------
class PolynomialInterpolant:
    """The polynomial through samples, by Lagrange's formula."""

    def __init__(self, xi: Any, yi: Any, axis: int = 0):
        self.xi: Any = doubles(xi)
        values: Any = doubles(yi)
        self.axis = axis % values.ndim
        self.yi: Any = np.moveaxis(values, self.axis, 0)
        if self.xi.ndim != 1 or self.xi.shape[0] != self.yi.shape[0]:
            invalid(f"x and y arrays must be equal in length along interpolation axis: {self.xi.shape} and "
                    f"{self.yi.shape}")

    def __call__(self, x: Any) -> Any:
        at: Any = doubles(x)
        n, flat = self.xi.shape[0], np.reshape(at, (-1,))
        own = np.eye(n, dtype=bool)
        away = np.where(own, 1.0, self.xi[:, np.newaxis] - self.xi)
        near = np.where(own, 1.0, flat[:, np.newaxis, np.newaxis] - self.xi)
        shares = np.prod(near / away, axis=-1)
        y = np.reshape(shares @ np.reshape(self.yi, (n, -1)), (*at.shape, *self.yi.shape[1:]))
        return np.moveaxis(y, tuple(range(at.ndim)), tuple(range(self.axis, self.axis + at.ndim))) if self.axis else y


def polynomial_interpolator(xi, yi=None, axis=0):
    if yi is None:
        unsupported("scipy.interpolate.BarycentricInterpolator", "without yi")
    return PolynomialInterpolant(xi, yi, axis)


def barycentric_interpolate(xi, yi, x, axis=0):
    return PolynomialInterpolant(xi, yi, axis)(x)


_KINDS: Sequence[tuple[str, str, Rule]] = (
    ("_rgi", "RegularGridInterpolator", grid_interpolator), ("_rgi", "interpn", interpn),
    ("_rgi", "RegularGridInterpolator.__call__", grid_called), ("_rbfinterp", "RBFInterpolator", radial_interpolator),
    ("_polyint", "BarycentricInterpolator", polynomial_interpolator),
    ("_polyint", "KroghInterpolator", polynomial_interpolator),
    ("_polyint", "barycentric_interpolate", barycentric_interpolate),
    ("_polyint", "krogh_interpolate", barycentric_interpolate),
)
RULES: dict[tuple[str, str], Rule] = {(f"scipy.interpolate.{module}", name): rule for module, name, rule in _KINDS}
