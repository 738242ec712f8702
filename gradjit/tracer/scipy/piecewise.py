"""scipy.interpolate's piecewise polynomials: cubic splines, PCHIP, Akima's, and calls of such that were made outside.

What goes through traced samples is an object of ours with SciPy's methods; the coefficients are those of SciPy, as a
function of the samples.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from ..guards import Source
from ..numpy.common import array
from ..operands import as_traced, captured, is_traced, require, unsupported
from ..outside import outside
from ..recorder import current
from .written_loops import Rule, doubles, invalid, looped, zeros


class PiecewisePolynomial:
    """Polynomials between knots: c[k, i] before (x - knots[i]) ** (order - k), as scipy.interpolate.PPoly has it."""

    def __init__(self, c: Any, x: Any, extrapolate: Any = True, axis: int = 0):
        self.c, self.x, self.extrapolate, self.axis = c, x, extrapolate, axis

    def __call__(self, x: Any, nu: int = 0, extrapolate: Any = None) -> Any:
        places = doubles(x)
        how = self.extrapolate if extrapolate is None else extrapolate
        c = slopes(self.c, nu)
        flat = np.reshape(places, (-1,))
        if how == "periodic":
            first, period = self.x[0], self.x[-1] - self.x[0]
            flat = first + (flat - first) % period
        k = np.clip(np.searchsorted(self.x, flat, "right") - 1, 0, self.x.shape[0] - 2)
        t = np.reshape(flat - self.x[k], (flat.shape[0], *[1] * (c.ndim - 2)))
        y = c[0][k]
        for row in range(1, c.shape[0]):
            y = y * t + c[row][k]
        if not how:
            inside = np.reshape((flat >= self.x[0]) & (flat <= self.x[-1]), t.shape)
            y = np.where(inside, y, np.nan)
        y = np.reshape(y, (*places.shape, *c.shape[2:]))
        if self.axis:
            y = np.moveaxis(y, tuple(range(places.ndim)), tuple(range(self.axis, self.axis + places.ndim)))
        return y

    def derivative(self, nu: int = 1) -> PiecewisePolynomial:
        if nu < 0:
            return self.antiderivative(-nu)
        return PiecewisePolynomial(slopes(self.c, nu), self.x, self.extrapolate, self.axis)

    def antiderivative(self, nu: int = 1) -> PiecewisePolynomial:
        made = self
        for _ in range(nu):
            made = made._integrated()
        return made

    def _integrated(self) -> PiecewisePolynomial:
        order = self.c.shape[0]
        shape = (-1, *[1] * (self.c.ndim - 1))
        c = self.c / np.reshape(np.arange(order, 0, -1.0), shape)
        h = np.reshape(np.diff(self.x), (-1, *[1] * (self.c.ndim - 2)))
        rise = 0.0
        for row in range(order):
            rise = (rise + c[row]) * h if row else c[row] * h
        start = np.concatenate([np.zeros((1, *self.c.shape[2:])), np.cumsum(rise, axis=0)[:-1]])
        how = False if self.extrapolate == "periodic" else self.extrapolate
        return PiecewisePolynomial(np.concatenate([c, start[np.newaxis]]), self.x, how, self.axis)

    def integrate(self, a: Any, b: Any, extrapolate: Any = None) -> Any:
        how = self.extrapolate if extrapolate is None else extrapolate
        if how == "periodic":
            unsupported("scipy.interpolate's integrate", "of a periodic function; integrate each period")
        whole = self.antiderivative()
        return whole(b, extrapolate=how) - whole(a, extrapolate=how)

    def roots(self, *args: Any, **kwargs: Any) -> Any:
        unsupported("scipy.interpolate's roots", "how many there are depends on the elements; scipy.optimize.brentq is")

    solve = roots


def slopes(c: Any, nu: int) -> Any:
    """The coefficients of the nu-th derivative."""
    for _ in range(nu):
        order = c.shape[0] - 1
        if order == 0:
            return c * 0.0
        c = c[:-1] * np.reshape(np.arange(order, 0, -1.0), (-1, *[1] * (c.ndim - 1)))
    return c


def samples(x: Any, y: Any, axis: int) -> tuple[Any, Any]:
    knots, values = doubles(x), doubles(y)
    axis = axis % values.ndim
    if axis:
        move: Rule = np.moveaxis
        values = move(values, axis, 0)
    if knots.ndim != 1:
        invalid("`x` must be 1-dimensional.")
    if knots.shape[0] < 2:
        invalid("`x` must contain at least 2 elements.")
    if knots.shape[0] != values.shape[0]:
        invalid(f"The length of `y` along `axis`={axis} doesn't match the length of `x`")
    require(array(np.all(np.diff(knots) > 0)), "`x` must be strictly increasing sequence.")
    require(array(np.all(np.isfinite(values))), "`y` must contain only finite values.")
    return knots, values


def hermite(x: Any, y: Any, dydx: Any, extrapolate: Any, axis: int) -> PiecewisePolynomial:
    """The cubics with these values and slopes."""
    h = np.reshape(np.diff(x), (-1, *[1] * (y.ndim - 1)))
    slope = np.diff(y, axis=0) / h
    t = (dydx[:-1] + dydx[1:] - 2 * slope) / h
    c = np.stack([t / h, (slope - dydx[:-1]) / h - t, dydx[:-1], y[:-1]])
    return PiecewisePolynomial(c, x, extrapolate, axis)


def column(v: Any, y: Any) -> Any:
    return np.reshape(v, (-1, *[1] * (y.ndim - 1)))


def parabola(h: Any, values: Any) -> Any:
    """The slopes of the line through two samples, or of the parabola through three."""
    slope = np.diff(values, axis=0) / column(h, values)
    if slope.shape[0] == 1:
        return np.concatenate([slope, slope])
    bend = (slope[1] - slope[0]) / (h[0] + h[1])
    return np.stack([slope[0] - bend * h[0], slope[0] + bend * h[0], slope[1] + bend * h[1]])


# the slopes at the knots --------------------------------------------------------------------------------------------
def cubic_spline(x, y, axis=0, bc_type="not-a-knot", extrapolate=None):
    knots, values = samples(x, y, axis)
    n = knots.shape[0]
    if isinstance(bc_type, str) and bc_type == "periodic":
        unsupported("scipy.interpolate.CubicSpline", "with bc_type='periodic'; 'not-a-knot', 'clamped', 'natural', "
                                                     "pairs (order, value) are")
    how = True if extrapolate is None else extrapolate
    ends = (bc_type,) * 2 if isinstance(bc_type, str) else bc_type
    if n < 4 and all(isinstance(end, str) and end == "not-a-knot" for end in ends):
        return hermite(knots, values, parabola(np.diff(knots), values), how, axis % np.ndim(values))
    first, last = (bc_type,) * 2 if isinstance(bc_type, str) else bc_type
    h = np.diff(knots)
    slope = np.diff(values, axis=0) / column(h, values)
    inner = 3 * (column(h[1:], values) * slope[:-1] + column(h[:-1], values) * slope[1:])
    top = _end(first, h[0], h[1] if n > 2 else h[0], slope[0], slope[1] if n > 2 else slope[0], 1.0)
    low = _end(last, h[-1], h[-2] if n > 2 else h[-1], slope[-1], slope[-2] if n > 2 else slope[-1], -1.0)
    one = np.reshape
    diagonal = np.concatenate([one(top[0], (1,)), 2 * (h[:-1] + h[1:]), one(low[0], (1,))])
    upper = np.concatenate([one(top[1], (1,)), h[:-1]])
    lower = np.concatenate([h[1:], one(low[1], (1,))])
    right = np.concatenate([top[2][np.newaxis], inner, low[2][np.newaxis]])
    flat = np.reshape(right, (n, -1))
    s = looped(_tridiagonal)(lower, diagonal.copy(), upper, flat.copy(), zeros(flat.shape))
    return hermite(knots, values, np.reshape(s, values.shape), how, axis % np.ndim(values))


def _end(condition: Any, h: Any, inner: Any, slope: Any, next_slope: Any, sign: float) -> tuple[Any, Any, Any]:
    """The first or last equation: what stands before the slope at the end, before its neighbour, and on the right."""
    if isinstance(condition, str):
        if condition == "not-a-knot":
            d = h + inner
            return inner, d, ((h + 2 * d) * inner * slope + h * h * next_slope) / d
        if condition not in ("clamped", "natural"):
            invalid(f"bc_type={condition!r} is not allowed.")
        condition = (1, 0.0) if condition == "clamped" else (2, 0.0)
    order, value = condition
    if order == 1:
        return 1.0 + 0.0 * h, 0.0 * h, 0.0 * slope + value
    if order != 2:
        invalid("The specified derivative order must be 1 or 2.")
    return 2 * h, h, 3 * h * slope - sign * 0.5 * value * h * h


def _tridiagonal(lower: Any, diagonal: Any, upper: Any, right: Any, out: Any) -> Any:
    """The solution, by elimination."""
    n = diagonal.shape[0]
    for i in range(1, n):
        w = lower[i - 1] / diagonal[i - 1]
        diagonal[i] -= w * upper[i - 1]
        right[i] -= w * right[i - 1]
    out[n - 1] = right[n - 1] / diagonal[n - 1]
    for i in range(n - 2, -1, -1):
        out[i] = (right[i] - upper[i] * out[i + 1]) / diagonal[i]
    return out


def pchip(x, y, axis=0, extrapolate=None):
    knots, values = samples(x, y, axis)
    h = column(np.diff(knots), values)
    m = np.diff(values, axis=0) / h
    how = True if extrapolate is None else extrapolate
    if knots.shape[0] == 2:
        return hermite(knots, values, np.concatenate([m, m]), how, axis % np.ndim(values))
    extremes = (np.sign(m[1:]) != np.sign(m[:-1])) | (m[1:] == 0) | (m[:-1] == 0)
    w1, w2 = 2 * h[1:] + h[:-1], h[1:] + 2 * h[:-1]
    mean = (w1 / np.where(extremes, 1.0, m[:-1]) + w2 / np.where(extremes, 1.0, m[1:])) / (w1 + w2)
    inner = np.where(extremes, 0.0, 1.0 / np.where(extremes, 1.0, mean))
    ends = [_one_sided(h[a], h[b], m[a], m[b]) for a, b in ((0, 1), (-1, -2))]
    return hermite(knots, values, np.concatenate([ends[0][np.newaxis], inner, ends[1][np.newaxis]]), how,
                   axis % np.ndim(values))


def _one_sided(h0: Any, h1: Any, m0: Any, m1: Any) -> Any:
    """The slope at an end by three samples, so that the shape is kept."""
    d = ((2 * h0 + h1) * m0 - h0 * m1) / (h0 + h1)
    wrong, steep = np.sign(d) != np.sign(m0), (np.sign(m0) != np.sign(m1)) & (np.abs(d) > 3.0 * np.abs(m0))
    return np.where(wrong, 0.0, np.where(steep, 3.0 * m0, d))


def akima(x, y, axis=0, *, method="akima", extrapolate=None):
    knots, values = samples(x, y, axis)
    if method not in ("akima", "makima"):
        unsupported("scipy.interpolate.Akima1DInterpolator", f"method={method!r}")
    n = knots.shape[0]
    inner = np.diff(values, axis=0) / column(np.diff(knots), values)
    if n == 2:
        slopes_at = np.concatenate([inner, inner])
    else:
        before = 2 * inner[0] - inner[1]
        behind = 2 * inner[-1] - inner[-2]
        m = np.concatenate([(2 * before - inner[0])[np.newaxis], before[np.newaxis], inner, behind[np.newaxis],
                            (2 * behind - inner[-1])[np.newaxis]])
        dm = np.abs(np.diff(m, axis=0))
        if method == "makima":
            pm = np.abs(m[1:] + m[:-1])
            f1, f2 = dm[2:] + 0.5 * pm[2:], dm[:-2] + 0.5 * pm[:-2]
        else:
            f1, f2 = dm[2:], dm[:-2]
        total = f1 + f2
        even = total <= 1e-9 * np.max(total)
        slopes_at = np.where(even, 0.5 * (m[3:] + m[:-3]), m[1:-2] + f2 / np.where(even, 1.0, total) *
                             (m[2:-1] - m[1:-2]))
    return hermite(knots, values, slopes_at, False if extrapolate is None else extrapolate, axis % np.ndim(values))


def cubic_hermite(x, y, dydx, axis=0, extrapolate=None):
    knots, values = samples(x, y, axis)
    _, at = samples(x, dydx, axis)
    return hermite(knots, values, at, True if extrapolate is None else extrapolate, axis % np.ndim(values))


def from_outside(spline: Any) -> PiecewisePolynomial:
    """One that SciPy has made: its coefficients are arrays from outside."""
    if all(cls.__name__ != "PPoly" for cls in type(spline).__mro__) or spline.c.dtype.kind != "f":
        unsupported(f"scipy.interpolate.{type(spline).__name__}", "of traced points; the real piecewise polynomials of "
                                                                  "PPoly are, also CubicSpline and its kin")
    world = outside(current())
    for name in ("extrapolate", "axis"):
        world.enter(getattr(spline, name), Source("attribute", spline, name))
    c, x = (as_traced(v) if is_traced(v) else captured(v, Source("attribute", spline, name))
            for name, v in (("c", spline.c), ("x", spline.x)))
    return PiecewisePolynomial(c, x, spline.extrapolate, spline.axis)


def called(spline, x, nu=0, extrapolate=None):
    return from_outside(spline)(x, nu, extrapolate)


def integrated(spline, a, b, extrapolate=None):
    return from_outside(spline).integrate(a, b, extrapolate)


_FILE, _PPOLY = "scipy.interpolate._cubic", "scipy.interpolate._interpolate"
RULES: dict[tuple[str, str], Rule] = {
    (_FILE, "CubicSpline"): cubic_spline, (_FILE, "PchipInterpolator"): pchip, (_FILE, "Akima1DInterpolator"): akima,
    (_FILE, "CubicHermiteSpline"): cubic_hermite,
    (_PPOLY, "_PPolyBase.__call__"): called, (_PPOLY, "PPoly.integrate"): integrated,
}
