"""scipy.interpolate between scattered points inside traced functions: which triangle a point is in, and which point is
nearest, SciPy says while the program runs; barycentric coordinates are computed of the corners, with derivatives."""

from __future__ import annotations

import importlib
from math import prod
from typing import Any

import numpy as np

from ...errors import ShapeError, UnsupportedError
from ...tracer import libraries
from ...tracer.calls import call
from ...tracer.locations import fail
from ...tracer.opaque import on_data
from ...tracer.operands import as_traced, captured
from ..primitive import primitive
from .found_by_elements import without_derivative
from .neighbours import nearest


def places(xi: Any, axes: int) -> tuple[Any, tuple[Any, ...]]:
    """Points as rows, and the shape of what is interpolated there."""
    if isinstance(xi, tuple):
        at: Any = np.stack(np.broadcast_arrays(*(as_traced(x) * 1.0 for x in xi)), axis=-1)
    else:
        at = as_traced(xi) * 1.0
        at = at[:, np.newaxis] if at.ndim == 1 and axes == 1 else at
    if at.extents[-1] != axes:
        fail(ShapeError, f"points of {at.extents[-1]} coordinates, between data in {axes} dimensions")
    return np.reshape(at, (prod(at.extents[:-1]), axes)), at.extents[:-1]


def refuse_rescale(rescale: Any, name: str) -> None:
    if rescale:
        fail(UnsupportedError, f"scipy.interpolate.{name} of traced numbers does not take rescale=; scale the points")


class LinearBetween:
    """What stands for a LinearNDInterpolator."""

    def __init__(self, points: Any, values: Any, fill_value: Any = np.nan, rescale: bool = False):
        refuse_rescale(rescale, "LinearNDInterpolator")
        tri = getattr(points, "simplices", None)
        if tri is not None:
            fail(UnsupportedError, "scipy.interpolate.LinearNDInterpolator of a triangulation is not supported with "
                                   "traced values; pass its points")
        self.points, self.values, self.fill_value = as_traced(points) * 1.0, as_traced(values) * 1.0, fill_value

    def __call__(self, *args: Any) -> Any:
        axes = self.points.extents[1]
        at, shape = places(args[0] if len(args) == 1 else tuple(args), axes)

        def run(points: Any, at: Any) -> Any:
            mesh = importlib.import_module("scipy.spatial").Delaunay(points)
            found = mesh.find_simplex(at)
            return np.where(found[:, None] >= 0, mesh.simplices[found], -1).astype(np.int64)

        corners = primitive(run, out=lambda *_: np.zeros((len(at), axes + 1), np.int64))(
            *without_derivative(self.points, at))
        is_inside = corners[:, 0] >= 0
        at_corners = self.points[np.where(is_inside[:, None], corners, np.arange(axes + 1))]
        edges = np.swapaxes(at_corners[:, 1:] - at_corners[:, :1], 1, 2)
        edges = np.where(is_inside[:, None, None], edges, np.eye(axes))
        shares = np.linalg.solve(edges, (at - at_corners[:, 0])[..., None])[..., 0]
        shares = np.concatenate([1.0 - np.sum(shares, axis=1, keepdims=True), shares], axis=1)
        values = self.values[np.maximum(corners, 0)]
        wide = (..., *(None for _ in values.extents[2:]))
        y = np.where(is_inside[wide], np.sum(shares[wide] * values, axis=1), self.fill_value)
        return np.reshape(y, (*shape, *self.values.extents[1:]))


class NearestOf:
    """What stands for a NearestNDInterpolator."""

    def __init__(self, x: Any, y: Any, rescale: bool = False, tree_options: Any = None):
        refuse_rescale(rescale, "NearestNDInterpolator")
        self.points, self.values = as_traced(x) * 1.0, as_traced(y)

    def __call__(self, *args: Any, **options: Any) -> Any:
        at, shape = places(args[0] if len(args) == 1 else tuple(args), self.points.extents[1])
        _, found = nearest(self.points, at, 1, 2, **options)
        return np.reshape(self.values[found], (*shape, *self.values.extents[1:]))


def linear_called(made: Any, *args: Any) -> Any:
    """Of one that SciPy has made outside."""
    known = on_data(made, args, {})
    if known is not None:
        return known
    if type(made).__name__ == "CloughTocher2DInterpolator":
        from .clough_tocher import cubic_called
        return cubic_called(made, *args)
    if type(made).__name__ != "LinearNDInterpolator" or made.scale is not None:
        fail(UnsupportedError, f"scipy.interpolate.{type(made).__name__} with rescale=True at traced points is not "
                               f"supported; scale the points")
    return LinearBetween(captured(made.points), np.reshape(captured(made.values), (-1, *made.values_shape)),
                         made.fill_value)(*args)


def nearest_called(made: Any, *args: Any, **options: Any) -> Any:
    known = on_data(made, args, options)
    return NearestOf(captured(made.points), captured(made.values))(*args, **options) if known is None else known


def griddata(points: Any, values: Any, xi: Any, method: str = "linear", fill_value: Any = np.nan,
             rescale: bool = False) -> Any:
    interpolate = importlib.import_module("scipy.interpolate")
    known = on_data(interpolate.griddata, (points, values, xi), {"method": method, "fill_value": fill_value,
                                                                 "rescale": rescale})
    if known is not None:
        return known
    if isinstance(points, tuple):
        points = np.stack(points, axis=-1)
    points = as_traced(points)
    if points.ndim == 1 or points.extents[-1] == 1:
        at = xi[0] if isinstance(xi, tuple) else xi
        order = np.argsort(points.reshape(-1))
        line = call(interpolate.interp1d, points.reshape(-1)[order], as_traced(values)[order], kind=method, axis=0,
                    bounds_error=False, fill_value="extrapolate" if method == "nearest" else fill_value)
        return line(at)
    if method == "nearest":
        return NearestOf(points, values, rescale)(xi)
    if method == "cubic" and points.extents[-1] == 2:
        from .clough_tocher import CubicBetween
        return CubicBetween(points, values, fill_value, None, rescale)(xi)
    if method != "linear":
        fail(UnsupportedError, f"scipy.interpolate.griddata of traced numbers with method={method!r} is not supported; "
                               f"'linear' and 'nearest' are, 'cubic' in the plane, and RBFInterpolator")
    return LinearBetween(points, values, fill_value, rescale)(xi)


def linear(points: Any, values: Any, fill_value: Any = np.nan, rescale: bool = False) -> Any:
    made = importlib.import_module("scipy.interpolate").LinearNDInterpolator
    known = on_data(made, (points, values), {"fill_value": fill_value, "rescale": rescale})
    return LinearBetween(points, values, fill_value, rescale) if known is None else known


def nearest_of(x: Any, y: Any, rescale: bool = False, tree_options: Any = None) -> Any:
    made = importlib.import_module("scipy.interpolate").NearestNDInterpolator
    known = on_data(made, (x, y), {"rescale": rescale, "tree_options": tree_options})
    return NearestOf(x, y, rescale) if known is None else known


RULES: libraries.Rules = {
    ("scipy.interpolate._ndgriddata", "griddata"): griddata,
    ("scipy.interpolate._interpnd", "LinearNDInterpolator"): linear,
    ("scipy.interpolate._interpnd", "NDInterpolatorBase.__call__"): linear_called,
    ("scipy.interpolate._ndgriddata", "NearestNDInterpolator"): nearest_of,
    ("scipy.interpolate._ndgriddata", "NearestNDInterpolator.__call__"): nearest_called,
}
