"""B-splines on a grid: the filter that makes coefficients of samples, and what a spline weighs them with."""

from __future__ import annotations

from typing import Any

import numpy as np

from ...numpy.common import array
from ..written_loops import Rule, axis_of, back, doubles, invalid, looped, rows_of
from .boundaries import output_dtype, stored

ROOTS: dict[int, tuple[float, ...]] = {
    2: (np.sqrt(8.0) - 3.0,), 3: (np.sqrt(3.0) - 2.0,),
    4: (np.sqrt(664.0 - np.sqrt(438976.0)) + np.sqrt(304.0) - 19.0,
        np.sqrt(664.0 + np.sqrt(438976.0)) - np.sqrt(304.0) - 19.0),
    5: (np.sqrt(67.5 - np.sqrt(4436.25)) + np.sqrt(26.25) - 6.5,
        np.sqrt(67.5 + np.sqrt(4436.25)) - np.sqrt(26.25) - 6.5),
}
"""Of the polynomials whose coefficients are the B-spline at the integers."""
BOUNDARIES = {"reflect": "reflect", "grid-mirror": "reflect", "nearest": "reflect", "grid-wrap": "wrap"}
"""How samples go on beyond the edges, where it is not by mirroring."""


def checked_order(order: int) -> int:
    if not 0 <= order <= 5:
        invalid("spline order not supported")
    return int(order)


def filtered(x: Any, order: int, axis: int, mode: str) -> Any:
    """The coefficients along one axis, in float64."""
    if order < 2 or x.shape[axis] < 2:
        return x
    c, rest = rows_of(x, axis)
    boundary = BOUNDARIES.get(mode, "mirror")
    for z in ROOTS[order]:
        c = c * ((1.0 - z) * (1.0 - 1.0 / z))
        c = looped(_pass)(c + 0.0, z, first(c, z, boundary), LAST[boundary], weights(c.shape[0], z))
    return back(c, rest, axis)


def weights(n: int, z: float) -> np.ndarray:
    return z ** np.arange(n, dtype=float)


def first(c: Any, z: float, boundary: str) -> Any:
    """What the filter has gathered before it begins: the sum over all that lies before the first sample."""
    n = c.shape[0]
    powers = weights(n, z)
    if boundary == "wrap":
        return (c[0] + powers[1:] @ c[:0:-1]) / (1.0 - z ** n)
    if boundary == "reflect":
        # In place, as SciPy has it: where the first sample comes last it is this sum already.
        most = powers[:-1] @ c[:-1] + z ** n * (powers[:-1] @ c[:0:-1])
        total = most * (1.0 + z ** (2 * n - 1)) + powers[-1] * c[-1]
        return c[0] + total * z / (1.0 - z ** (2 * n))
    inner = powers[1:-1] + z ** (n - 1) * powers[1:-1][::-1]
    return (c[0] + z ** (n - 1) * c[-1] + inner @ c[1:-1]) / (1.0 - z ** (2 * n - 2))


def _mirrored(c: Any, z: Any, powers: Any) -> Any:
    return (z * c[-2] + c[-1]) * z / (z * z - 1)


def _reflected(c: Any, z: Any, powers: Any) -> Any:
    return c[-1] * z / (z - 1)


def _wrapped(c: Any, z: Any, powers: Any) -> Any:
    n = c.shape[0]
    return (c[-1] + z * (powers[:-1] @ c[:-1])) * z / (z ** n - 1)


LAST = {"mirror": _mirrored, "reflect": _reflected, "wrap": _wrapped}


def _pass(c: Any, z: Any, start: Any, last: Any, powers: Any) -> Any:
    """Once forward and once backward, in place."""
    n = c.shape[0]
    c[0] = start
    for i in range(1, n):
        c[i] += z * c[i - 1]
    c[n - 1] = last(c, z, powers)
    for i in range(n - 2, -1, -1):
        c[i] = z * (c[i + 1] - c[i])
    return c


def basis(t: Any, order: int) -> list[Any]:
    """The weights of the order + 1 samples around a place, which lies t behind the first of the middle ones (t from 0
    to 1; for even orders from -1/2 to 1/2 around the middle one)."""
    if order == 0:
        return [np.ones_like(t)]
    if order == 1:
        return [1.0 - t, t]
    if order == 2:
        return [0.5 * (0.5 - t) ** 2, 0.75 - t * t, 0.5 * (0.5 + t) ** 2]
    if order == 3:
        u = 1.0 - t
        middle = [(s * s * (s - 2.0) * 3.0 + 4.0) / 6.0 for s in (t, u)]
        return [u ** 3 / 6.0, *middle, t ** 3 / 6.0]
    return [_bspline(t + order // 2 - k, order) for k in range(order + 1)]


def _bspline(x: Any, order: int) -> Any:
    """The B-spline around 0 at x, by the two of the order below."""
    if order == 1:
        return np.maximum(1.0 - np.abs(x), 0.0)
    half = (order + 1) / 2.0
    return ((half + x) * _bspline(x + 0.5, order - 1) + (half - x) * _bspline(x - 0.5, order - 1)) / order


def spline_filter1d(input, order=3, axis=-1, output=np.float64, mode="mirror"):
    x = array(input)
    dtype = output_dtype("spline_filter1d", output, x)
    return stored(filtered(doubles(x), checked_order(order), axis_of(axis, x.ndim), mode), dtype)


def spline_filter(input, order=3, output=np.float64, mode="mirror"):
    x = array(input)
    dtype = output_dtype("spline_filter", output, x)
    if order not in range(2, 6):
        invalid("spline order not supported")
    y = doubles(x)
    for axis in range(x.ndim):
        y = filtered(y, order, axis, mode)
    return stored(y, dtype)


_FILE = "scipy.ndimage._interpolation"
RULES: dict[tuple[str, str], Rule] = {(_FILE, f.__name__): f for f in (spline_filter1d, spline_filter)}
