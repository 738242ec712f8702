"""scipy.interpolate's splines of a basis: BSpline, make_interp_spline, splrep and splev."""

from __future__ import annotations

from typing import Any

import numpy as np

from ..guards import Source
from ..numpy.common import array
from ..operands import as_traced, captured, is_traced, require, static_int, unsupported
from ..outside import outside
from ..recorder import current
from .bands import banded
from .piecewise import column
from .written_loops import Rule, doubles, invalid, zeros


class BasisSpline:
    """What `scipy.interpolate.BSpline(t, c, k)` gives: sums of c times polynomials of degree k between knots."""

    def __init__(self, t: Any, c: Any, k: Any, extrapolate: Any = True, axis: int = 0):
        self.t, self.k, self.extrapolate = doubles(t), static_int(k, "k"), extrapolate
        coefficients: Any = doubles(c)
        self.axis = axis % coefficients.ndim
        self._c: Any = np.moveaxis(coefficients, self.axis, 0)
        n = self.t.shape[0] - self.k - 1
        if self.k < 0 or self.t.ndim != 1 or n < self.k + 1 or self._c.shape[0] < n:
            invalid(f"{self.t.shape} knots and coefficients of shape {coefficients.shape} make no spline of degree "
                    f"{self.k}")

    @property
    def c(self) -> Any:
        """With the axis of the coefficients first, as SciPy keeps them."""
        return self._c

    @property
    def tck(self) -> tuple[Any, Any, int]:
        return self.t, self.c, self.k

    def __call__(self, x: Any, nu: int = 0, extrapolate: Any = None) -> Any:
        places, how = doubles(x), self.extrapolate if extrapolate is None else extrapolate
        s = self
        for _ in range(nu):
            s = s._derived()
        t, k = s.t, s.k
        n = t.shape[0] - k - 1
        flat: Any = np.reshape(places, (-1,))
        if how == "periodic":
            flat = t[k] + (flat - t[k]) % (t[n] - t[k])
        y = de_boor(t, s._c, k, flat)
        if not how:
            inside = (flat >= t[k]) & (flat <= t[n])
            y = np.where(column(inside, y), y, np.nan)
        y = np.reshape(y, (*places.shape, *s._c.shape[1:]))
        return np.moveaxis(y, tuple(range(places.ndim)), tuple(range(s.axis, s.axis + places.ndim))) if s.axis else y

    def _derived(self) -> BasisSpline:
        t, k = self.t, self.k
        n = t.shape[0] - k - 1
        if k == 0:
            return self._like(t, self._c * 0.0, 0)
        c = k * np.diff(self._c[:n], axis=0) / column(t[k + 1:-1] - t[1:-k - 1], self._c)
        return self._like(t[1:-1], c, k - 1)

    def _like(self, t: Any, c: Any, k: int) -> BasisSpline:
        return BasisSpline(t, np.moveaxis(c, 0, self.axis), k, self.extrapolate, self.axis)

    def derivative(self, nu: int = 1) -> BasisSpline:
        s = self
        for _ in range(nu):
            s = s._derived()
        return s

    def antiderivative(self, nu: int = 1) -> BasisSpline:
        s = self
        for _ in range(nu):
            t, k = s.t, s.k
            n = t.shape[0] - k - 1
            sums = np.cumsum(s._c[:n] * column(t[k + 1:] - t[:n], s._c), axis=0) / (k + 1)
            c = np.concatenate([np.zeros((1, *s._c.shape[1:])), sums])
            s = s._like(np.concatenate([t[:1], t, t[-1:]]), c, k + 1)
        return s

    def integrate(self, a: Any, b: Any, extrapolate: Any = None) -> Any:
        how = self.extrapolate if extrapolate is None else extrapolate
        if how == "periodic":
            unsupported("scipy.interpolate.BSpline.integrate", "of a periodic function; integrate each period")
        t, k = self.t, self.k
        if not how:
            a, b = (np.clip(v, t[k], t[-k - 1]) for v in (a, b))
        whole = self.antiderivative()
        return whole(b, extrapolate=True) - whole(a, extrapolate=True)


def interval(t: Any, k: int, x: Any) -> Any:
    """Between which knots each point stands; those outside belong to the first or the last ones."""
    return np.clip(np.searchsorted(t, x, "right") - 1, k, t.shape[0] - k - 2)


def de_boor(t: Any, c: Any, k: int, x: Any) -> Any:
    """The values at points, by quotients of differences of knots."""
    m = interval(t, k, x)
    d = [c[m - k + j] for j in range(k + 1)]
    for r in range(1, k + 1):
        for j in range(k, r - 1, -1):
            low, high = t[j + m - k], t[j + 1 + m - r]
            w = column((x - low) / (high - low), c)
            d[j] = (1.0 - w) * d[j - 1] + w * d[j]
    return d[k]


def basis(t: Any, k: int, x: Any) -> tuple[Any, Any]:
    """The k + 1 polynomials of the basis that are not 0 at each point, and the number of the first one."""
    m = interval(t, k, x)
    values = [np.ones(x.shape)]
    for r in range(1, k + 1):
        made: list[Any] = [0.0] * (r + 1)
        for j in range(r):
            low, high = t[m + j + 1 - r], t[m + j + 1]
            share = values[j] / (high - low)
            made[j] = made[j] + (high - x) * share
            made[j + 1] = (x - low) * share
        values = made
    return np.stack(values, axis=-1), m - k


# through samples ------------------------------------------------------------------------------------------------------
ENDS: dict[Any, list[tuple[int, float]]] = {"clamped": [(1, 0.0)], "natural": [(2, 0.0)], "not-a-knot": []}


def conditions(given: Any) -> list[tuple[int, Any]]:
    if given is None:
        return []
    if isinstance(given, str):
        if given not in ENDS:
            invalid(f"Unknown boundary condition: {given}")
        return list(ENDS[given])
    return [(static_int(order, "the order of a derivative"), value) for order, value in given]


def make_interp_spline(x, y, k=3, t=None, bc_type=None, axis=0, check_finite=True):
    if isinstance(bc_type, str) and bc_type == "periodic":
        unsupported("scipy.interpolate.make_interp_spline", "with bc_type='periodic'")
    first, last = (map(conditions, (bc_type, bc_type)) if bc_type is None or isinstance(bc_type, str) else
                   map(conditions, bc_type))
    k = static_int(k, "k")
    at: Any = doubles(x)
    values: Any = doubles(y)
    axis = axis % values.ndim
    values = np.moveaxis(values, axis, 0)
    if at.ndim != 1 or at.shape[0] != values.shape[0]:
        invalid(f"Shapes of x {at.shape} and y {values.shape} are incompatible")
    require(array(np.diff(at) > 0), "Expect x to be a 1D strictly increasing sequence.")
    if check_finite:
        require(array(np.all(np.isfinite(values))), "Array must not contain infs or nans.")
    if t is None:
        t = knots(at, k, bool(first or last))
    t = doubles(t)
    if k <= 1:
        return BasisSpline(t, np.moveaxis(values, 0, axis), k, True, axis)
    if t.shape[0] - k - 1 - at.shape[0] != len(first) + len(last):
        invalid(f"The number of derivatives at boundaries does not match: expected {t.shape[0] - k - 1 - at.shape[0]}, "
                f"got {len(first)}+{len(last)}")
    c = _coefficients(t, k, at, values, first, last)
    return BasisSpline(t, np.moveaxis(c, 0, axis), k, True, axis)


def knots(x: Any, k: int, at_samples: bool) -> Any:
    """Where the polynomials meet: at the samples, but for the second and the last but one, or between them."""
    ends = np.repeat(x[:1], k + (k > 0)), np.repeat(x[-1:], k + 1)
    if k == 0:
        return np.concatenate([x, x[-1:]])
    if at_samples or k == 1:
        return np.concatenate([ends[0], x[1:-1], ends[1]])
    inner = x if k % 2 else (x[1:] + x[:-1]) / 2
    off = (k + 1) // 2 if k % 2 else k // 2
    return np.concatenate([ends[0], inner[off:inner.shape[0] - off], ends[1]])


def _coefficients(t: Any, k: int, x: Any, y: Any, first: list[Any], last: list[Any]) -> Any:
    """By the equations that the spline goes through the samples, which have k diagonals on each side."""
    n, count = x.shape[0], t.shape[0] - k - 1
    values, start = basis(t, k, x)
    row = np.arange(n) + len(first)
    matrix = zeros((count, 2 * k + 1))
    np.add.at(matrix, (row[:, np.newaxis], (start - row)[:, np.newaxis] + k + np.arange(k + 1)), values)
    right: Any = zeros((count, *y.shape[1:]))
    right[len(first):len(first) + n] = y
    for r, (order, value) in enumerate(first):
        ends = BasisSpline(t, np.eye(count)[:, :k + 1], k)(x[0], order)
        matrix[r, k - r:2 * k + 1 - r], right[r] = ends, value
    for r, (order, value) in enumerate(last, count - len(last)):
        ends = BasisSpline(t, np.eye(count)[:, count - k - 1:], k)(x[-1], order)
        into = count - 1 - r  # the last k + 1 columns, of which the last stands so many behind the diagonal
        matrix[r, into:into + k + 1], right[r] = ends, value
    c = banded(matrix, k, k, np.reshape(right, (count, -1)))
    return np.reshape(c, (count, *y.shape[1:]))


# FITPACK's ------------------------------------------------------------------------------------------------------------
def splrep(x, y, w=None, xb=None, xe=None, k=3, task=0, s=None, t=None, full_output=0, per=0, quiet=1):
    given = {"w": w, "xb": xb, "xe": xe, "t": t}
    if any(v is not None for v in given.values()) or task or per or full_output or (s is not None and s != 0):
        unsupported("scipy.interpolate.splrep", "but through all samples, as splrep(x, y, k=k, s=0): smoothing chooses "
                                                "knots by the elements; make the spline outside and call it inside")
    spline = make_interp_spline(x, y, k)
    return spline.t, np.concatenate([spline.c, np.zeros(spline.k + 1)]), spline.k


def splev(x, tck, der=0, ext=0):
    t, c, k = tck if not isinstance(tck, BasisSpline) else tck.tck
    spline, at = BasisSpline(t, c, k), doubles(x)
    if ext in (0, "extrapolate"):
        return spline(at, der)
    low, high = spline.t[spline.k], spline.t[-spline.k - 1]
    if ext in (3, "const"):
        return spline(np.clip(at, low, high), der)
    inside = (at >= low) & (at <= high)
    if ext in (2, "raise"):
        require(array(np.all(inside)), "a point is outside of the spline's knots")
        return spline(at, der)
    return np.where(inside, spline(at, der), 0.0)


# from outside ---------------------------------------------------------------------------------------------------------
def from_outside(spline: Any) -> BasisSpline:
    """One that SciPy has made: its knots and coefficients are arrays from outside."""
    world = outside(current())
    for name in ("k", "extrapolate", "axis"):
        world.enter(getattr(spline, name), Source("attribute", spline, name))
    t: Any
    c: Any
    t, c = (as_traced(v) if is_traced(v) else captured(v, Source("attribute", spline, name))
            for name, v in (("t", spline.t), ("c", spline.c)))
    if c.dtype.kind != "f":
        unsupported("scipy.interpolate.BSpline", "with complex coefficients")
    return BasisSpline(t, np.moveaxis(c, 0, spline.axis) if spline.axis else c, spline.k, spline.extrapolate,
                       spline.axis)


def called(spline, x, nu=0, extrapolate=None):
    return from_outside(spline)(x, nu, extrapolate)


def bspline(t, c, k, extrapolate=True, axis=0):
    return BasisSpline(t, c, k, extrapolate, axis)


_FILE, _FITPACK = "scipy.interpolate._bsplines", "scipy.interpolate._fitpack_py"
RULES: dict[tuple[str, str], Rule] = {
    (_FILE, "BSpline"): bspline, (_FILE, "make_interp_spline"): make_interp_spline,
    (_FILE, "BSpline.__call__"): called, (_FITPACK, "splrep"): splrep, (_FITPACK, "splev"): splev,
}
