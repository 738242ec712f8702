"""scipy.integrate's sums over samples, and Gauss's rule."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any

import numpy as np

from ...ir.sizes import agree
from ..calls import call
from ..numpy.common import array
from ..operands import cast, filled, unsupported

Rule = Callable[..., Any]


def samples(y: Any, x: Any, axis: int) -> tuple[Any, Any]:
    """The samples with their axis last, and places along it (None: they are dx apart)."""
    move: Rule = np.moveaxis
    v = array(y)
    v = move(v if v.ir_dtype.is_inexact else cast(v, np.float64), axis, -1)
    if x is None:
        return v, None
    places = array(x)
    return v, places if places.ndim == 1 else move(places, axis, -1)


def trapezoid(y, x=None, dx=1.0, axis=-1):
    v, places = samples(y, x, axis)
    width = dx if places is None else places[..., 1:] - places[..., :-1]
    return np.sum(width * (v[..., 1:] + v[..., :-1]) / 2.0, axis=-1)


def cumulative_trapezoid(y, x=None, dx=1.0, axis=-1, initial=None):
    v, places = samples(y, x, axis)
    if initial not in (None, 0):
        unsupported("scipy.integrate.cumulative_trapezoid", "initial= other than 0 or None")
    width = dx if places is None else places[..., 1:] - places[..., :-1]
    sums = np.cumsum(width * (v[..., 1:] + v[..., :-1]) / 2.0, axis=-1)
    if initial == 0:
        sums = np.concatenate([np.zeros_like(sums[..., :1]), sums], axis=-1)
    return np.moveaxis(sums, -1, axis)


def simpson(y, x=None, *, dx=1.0, axis=-1):
    """Simpson's rule on unequal intervals; of an even number of samples the last one by Cartwright's correction."""
    v, places = samples(y, x, axis)
    n = v.extents[-1]
    h = dx * filled(1.0, (n - 1,), width_of(v)) if places is None else places[..., 1:] - places[..., :-1]
    if n == 2:
        return 0.5 * h[..., -1] * (v[..., -1] + v[..., -2])
    is_odd = not agree(n % 2, 0)
    total = _pairs(v, h) if is_odd else _pairs(v[..., :-1], h[..., :-1])
    if is_odd:
        return total
    a, b = (cast(array(h[..., k]), np.float64) for k in (-2, -1))
    alpha = quotient(2 * b * b + 3 * a * b, 6 * (b + a))
    beta = quotient(b * b + 3 * a * b, 6 * a)
    eta = quotient(b * b * b, 6 * a * (a + b))
    last = alpha * v[..., -1] + beta * v[..., -2] - eta * v[..., -3]
    return total + (last.astype(array(total).dtype) if v.ndim > 1 else last)  # (SciPy adds to what is there)


def width_of(v: Any) -> Any:
    """The dtype of distances that leave samples in theirs."""
    return np.real(np.zeros(0, v.dtype)).dtype


def quotient(x: Any, y: Any) -> Any:
    """x / y, and 0 where y is 0: of places that coincide."""
    none = y == 0
    return np.where(none, 0.0, x / np.where(none, 1.0, y))


def _pairs(v: Any, h: Any) -> Any:
    """The parabolas through three samples each."""
    h0, h1 = h[..., 0::2], h[..., 1::2]
    y0, y1, y2 = v[..., 0:-2:2], v[..., 1:-1:2], v[..., 2::2]
    total, ratio = h0 + h1, quotient(h0, h1)
    return np.sum(total / 6.0 * (y0 * (2.0 - quotient(1.0, ratio)) + y1 * total * quotient(total, h0 * h1)
                                 + y2 * (2.0 - ratio)), axis=-1)


def romb(y, dx=1.0, axis=-1, show=False):
    """Romberg's extrapolation of the trapezoidal rule, for 2**k + 1 samples."""
    v, _ = samples(y, None, axis)
    intervals = v.shape[-1] - 1
    k = intervals.bit_length() - 1
    if intervals < 1 or 1 << k != intervals or show:
        unsupported("scipy.integrate.romb", "show=, and a number of samples that is not one plus a power of two")
    rows = [[intervals * dx * (v[..., 0] + v[..., -1]) / 2.0]]
    for i in range(1, k + 1):
        step = intervals >> i
        middle = np.sum(v[..., step:intervals:2 * step], axis=-1)
        row = [0.5 * (rows[-1][0] + dx * 2 * step * middle)]
        for j in range(1, i + 1):
            row.append(row[-1] + (row[-1] - rows[-1][j - 1]) / (4 ** j - 1))
        rows.append(row)
    return rows[-1][-1]


def fixed_quad(func, a, b, args=(), n=5):
    """Gauss's rule of n points, on a function of arrays."""
    nodes, weights = _gauss(n)
    places = (b - a) * (nodes + 1) / 2.0 + a
    return (b - a) / 2.0 * np.sum(weights * call(func, places, *args), axis=-1), None


@functools.cache
def _gauss(n: int) -> tuple[np.ndarray, np.ndarray]:
    return np.polynomial.legendre.leggauss(n)


_FILE = "scipy.integrate._quadrature"
RULES: dict[tuple[str, str], Rule] = {
    (_FILE, f.__name__): f for f in (trapezoid, cumulative_trapezoid, simpson, romb, fixed_quad)}
