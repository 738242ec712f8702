"""scipy.interpolate.CloughTocher2DInterpolator inside traced functions: cubics on the triangles between known points.

The slopes at the points are linear in the values; SciPy tells the matrix, and which triangle a place is in. The cubics
are Alfeld's (A trivariate Clough-Tocher scheme for tetrahedral data, 1984), in barycentric coordinates: a triangle is
cut into three by its centre, and its slopes across the edges fit those of its neighbours.
"""

from __future__ import annotations

import importlib
from typing import Any

import numpy as np

from ...errors import UnsupportedError
from ...tracer import libraries
from ...tracer.array import TracedArray
from ...tracer.locations import fail
from ...tracer.numpy.common import elements_if_known
from ...tracer.opaque import on_data
from ...tracer.operands import as_traced, captured
from ..primitive import primitive
from .found_by_elements import without_derivative
from .triangles import places, refuse_rescale


def scipys() -> Any:
    return importlib.import_module("scipy.interpolate")


class CubicBetween:
    """What stands for a CloughTocher2DInterpolator of points and values."""

    def __init__(self, points: Any, values: Any, fill_value: Any = np.nan, slopes: Any = None, rescale: bool = False,
                 tol: float = 1e-6, maxiter: int = 400):
        refuse_rescale(rescale, "CloughTocher2DInterpolator")
        known = elements_if_known(as_traced(points) * 1.0) if isinstance(points, TracedArray) else np.asarray(points)
        if known is None or known.ndim != 2 or known.shape[1] != 2:
            fail(UnsupportedError, "scipy.interpolate.CloughTocher2DInterpolator takes points that are known while the "
                                   "function is traced, as rows of two; RBFInterpolator takes others")
        self.points, self.fill_value = known, fill_value
        self.values: Any = as_traced(values) * 1.0
        self.mesh = importlib.import_module("scipy.spatial").Delaunay(known)
        self.corners = self.mesh.simplices
        count = len(known)
        if slopes is None:
            of_units = scipys().CloughTocher2DInterpolator(self.mesh, np.eye(count), tol=tol, maxiter=maxiter).grad
            flat = np.reshape(self.values, (count, -1))
            self.slopes: Any = np.stack([of_units[:, :, k] @ flat for k in range(2)], axis=-1)
        else:
            self.slopes = slopes

    def across(self) -> np.ndarray:
        """For each edge of each triangle where the slope across it stays linear: by the neighbour's centre."""
        found = np.full((len(self.corners), 3), -0.5)
        for k in range(3):
            there = np.flatnonzero(self.mesh.neighbors[:, k] >= 0)
            centre = self.points[self.corners[self.mesh.neighbors[there, k]]].mean(axis=1)
            inverse, origin = self.mesh.transform[there, :2], self.mesh.transform[there, 2]
            two = np.einsum("kij,kj->ki", inverse, centre - origin)
            c = np.concatenate([two, 1 - two.sum(axis=1, keepdims=True)], axis=1)
            first, second = c[:, (k + 1) % 3], c[:, (k + 2) % 3]
            found[there, k] = (2 * second + first - 1) / (2 - 3 * second - 3 * first)
        return found

    def __call__(self, *args: Any) -> Any:
        at, shape = places(args[0] if len(args) == 1 else tuple(args), 2)
        mesh = self.mesh
        found = primitive(lambda x: mesh.find_simplex(x).astype(np.int64), out=lambda x: np.zeros(len(x), np.int64))(
            *without_derivative(at))
        is_inside, found = found >= 0, np.maximum(found, 0)
        corners = as_traced(self.corners.astype(np.int64))[found]
        transform, points = as_traced(mesh.transform)[found], as_traced(self.points)
        two = np.sum(transform[:, :2] * (at - transform[:, 2])[:, None, :], axis=2)
        shares = [two[:, 0], two[:, 1], 1 - two[:, 0] - two[:, 1]]
        count = self.points.shape[0]
        values = np.reshape(self.values, (count, -1))[corners]
        bends = as_traced(self.across())[found]
        y = cubic([b[:, None] for b in shares], [values[:, k] for k in range(3)],
                  [self.slopes[corners[:, k]] for k in range(3)], [points[corners[:, k]] for k in range(3)],
                  [bends[:, k][:, None] for k in range(3)])
        y = np.where(is_inside[:, None], y, self.fill_value)
        return np.reshape(y, (*shape, *self.values.extents[1:]))


def cubic(b: list[Any], f: list[Any], df: list[Any], p: list[Any], g: list[Any]) -> Any:
    """The value at barycentric coordinates b, by Bézier's ordinates: c[i][j] beside corner i towards j, m[i] from
    corner i towards the centre, e[i] behind the edge that is opposite of i."""
    def along(i: int, j: int) -> Any:
        return np.sum(df[i] * (p[j] - p[i])[:, None, :], axis=2)

    c = [[f[i] + along(i, j) / 3 if i != j else f[i] for j in range(3)] for i in range(3)]
    m = [(c[i][0] + c[i][1] + c[i][2]) / 3 for i in range(3)]
    e = []
    for k in range(3):
        i, j = (k + 1) % 3, (k + 2) % 3
        third = -f[i] + 3 * c[i][j] - 3 * c[j][i] + f[j]
        e.append((g[k] * third - f[i] + 2 * c[i][j] - c[j][i] + m[j] + m[i]) / 2)
    n = [(m[i] + e[(i + 1) % 3] + e[(i + 2) % 3]) / 3 for i in range(3)]
    centre = (n[0] + n[1] + n[2]) / 3
    least = np.minimum(np.minimum(b[0], b[1]), b[2])
    b = [x - least for x in b]
    inner = 3 * least
    total = inner**3 * centre
    for i in range(3):
        j, k = (i + 1) % 3, (i + 2) % 3
        total = total + b[i] ** 3 * f[i] + 3 * b[i] ** 2 * (b[j] * c[i][j] + b[k] * c[i][k] + inner * m[i])
        total = total + 6 * b[j] * b[k] * inner * e[i] + 3 * b[i] * inner**2 * n[i]
    return total


def cubic_called(made: Any, *args: Any) -> Any:
    """Of one that SciPy has made outside."""
    if made.scale is not None:
        fail(UnsupportedError, "scipy.interpolate.CloughTocher2DInterpolator with rescale=True at traced points is not "
                               "supported; scale the points")
    values = np.reshape(captured(made.values), (-1, *made.values_shape))
    return CubicBetween(made.points, values, made.fill_value, captured(made.grad))(*args)


def cubic_between(points: Any, values: Any, fill_value: Any = np.nan, tol: float = 1e-6, maxiter: int = 400,
                  rescale: bool = False) -> Any:
    made = scipys().CloughTocher2DInterpolator
    options = {"fill_value": fill_value, "tol": tol, "maxiter": maxiter, "rescale": rescale}
    known = on_data(made, (points, values), options)
    return CubicBetween(points, values, fill_value, None, rescale, tol, maxiter) if known is None else known


RULES: libraries.Rules = {("scipy.interpolate._interpnd", "CloughTocher2DInterpolator"): cubic_between}
