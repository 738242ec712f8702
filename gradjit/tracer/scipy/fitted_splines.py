"""scipy.interpolate's splines that FITPACK fits: those from outside in one and two variables, through samples on a
grid, by least squares between given knots, and smoothing ones of a given weight."""

from __future__ import annotations

from typing import Any

import numpy as np

from ..numpy.common import array
from ..operands import require, static_int, unsupported
from ..outside import outside
from ..recorder import current
from .bsplines import BasisSpline, basis, make_interp_spline
from .piecewise import column, pchip
from .written_loops import Rule, doubles, zeros


# in one variable ------------------------------------------------------------------------------------------------------
class UnivariateInside(BasisSpline):
    """What stands for a UnivariateSpline: a spline, with what it gives beyond its ends."""

    ext: Any = 0

    def __call__(self, x: Any, nu: int = 0, ext: Any = None) -> Any:
        how = self.ext if ext is None else ext
        at = doubles(x)
        low, high = self.t[self.k], self.t[-self.k - 1]
        if how in (3, "const"):
            return super().__call__(np.clip(at, low, high), nu)
        y = super().__call__(at, nu)
        is_inside = (at >= low) & (at <= high)
        if how in (2, "raise"):
            require(array(np.all(is_inside)), "a point is outside of the spline's knots")
        return np.where(is_inside, y, 0.0) if how in (1, "zeros") else y

    def integral(self, a: Any, b: Any) -> Any:
        """Between a and b; beyond its ends the spline is 0."""
        return BasisSpline(self.t, self.c, self.k).integrate(a, b, extrapolate=False)

    def derivatives(self, x: Any) -> Any:
        return np.stack([self(x, nu) for nu in range(self.k + 1)])

    def get_knots(self) -> Any:
        return self.t[self.k:-self.k]

    def get_coeffs(self) -> Any:
        return self.c[:self.t.shape[0] - self.k - 1]

    def derivative(self, nu: int = 1) -> UnivariateInside:
        return inside(super().derivative(nu), 1 if self.ext in (3, "const") else self.ext)

    def antiderivative(self, nu: int = 1) -> UnivariateInside:
        return inside(super().antiderivative(nu), self.ext)


def inside(spline: BasisSpline, ext: Any) -> UnivariateInside:
    made = UnivariateInside(spline.t, spline.c, spline.k)
    made.ext = ext
    return made


def from_outside(spline: Any) -> UnivariateInside:
    """One that SciPy has made."""
    outside(current()).watch(spline, "a spline")
    t, c, k = spline._eval_args
    return inside(BasisSpline(t, c[:len(t) - k - 1], k), spline.ext)


def called(spline, x, nu=0, ext=None):
    return from_outside(spline)(x, nu, ext)


def integral(spline, a, b):
    return from_outside(spline).integral(a, b)


def derivatives(spline, x):
    return from_outside(spline).derivatives(x)


def univariate(x, y, w=None, bbox=(None, None), k=3, s=None, ext=0, check_finite=False):
    if s is None or s != 0 or w is not None or any(v is not None for v in bbox):
        unsupported("scipy.interpolate.UnivariateSpline", "of traced samples but with s=0, through all of them: "
                                                          "smoothing chooses knots by the elements; give the knots "
                                                          "(LSQUnivariateSpline), or a weight (make_smoothing_spline)")
    return inside(make_interp_spline(x, y, k, check_finite=False), ext)


def interpolating(x, y, w=None, bbox=(None, None), k=3, ext=0, check_finite=False):
    return univariate(x, y, w, bbox, k, 0, ext)


def between_knots(x, y, t, w=None, bbox=(None, None), k=3, ext=0, check_finite=False):
    """LSQUnivariateSpline, whose knots are those inside."""
    at, inner = doubles(x), doubles(t)
    first, last = (end if given is None else doubles(given) for given, end in zip(bbox, (at[0], at[-1]), strict=True))
    whole = np.concatenate([np.ones(k + 1) * first, inner, np.ones(k + 1) * last])
    return inside(make_lsq_spline(x, y, whole, k, w), ext)


def splint(a, b, tck, full_output=0):
    if full_output:
        unsupported("scipy.interpolate.splint", "with full_output=")
    t, c, k = tck.tck if isinstance(tck, BasisSpline) else tck
    return BasisSpline(t, c, k).integrate(a, b, extrapolate=False)


def make_lsq_spline(x, y, t, k=3, w=None, axis=0, check_finite=True, method="qr"):
    """Of the splines with these knots the one that is nearest to the samples."""
    k, at, knots = static_int(k, "k"), doubles(x), doubles(t)
    values: Any = doubles(y)
    values = np.moveaxis(values, axis, 0)
    count = knots.shape[0] - k - 1
    rows = matrix_of(knots, k, at, count)
    weights = np.ones(at.shape) if w is None else doubles(w)
    scaled = weights[:, np.newaxis] * rows
    right = np.reshape(values, (at.shape[0], -1)) * weights[:, np.newaxis]
    c = np.linalg.solve(scaled.T @ scaled, scaled.T @ right)
    return BasisSpline(knots, np.moveaxis(np.reshape(c, (count, *values.shape[1:])), 0, axis), k, True, axis)


def matrix_of(t: Any, k: int, x: Any, count: int) -> Any:
    """The basis at points, a row for each."""
    shares, start = basis(t, k, x)
    rows: Any = zeros((x.shape[0], count))
    rows[np.arange(x.shape[0])[:, np.newaxis], start[:, np.newaxis] + np.arange(k + 1)] = shares
    return rows


def make_smoothing_spline(x, y, w=None, lam=None, *, axis=0):
    """The natural spline f that makes sum w (y - f)^2 + lam * integral of f''^2 least (Green and Silverman, 1994,
    section 2.3)."""
    if lam is None:
        unsupported("scipy.interpolate.make_smoothing_spline", "of traced samples without lam=, which is searched for")
    at: Any = doubles(x)
    values: Any = doubles(y)
    values = np.moveaxis(values, axis, 0)
    n = at.shape[0]
    weights = np.ones(n) if w is None else doubles(w)
    h = np.diff(at)
    inner = np.arange(n - 2)
    q: Any = zeros((n, n - 2))
    r: Any = zeros((n - 2, n - 2))
    q[inner, inner], q[inner + 1, inner], q[inner + 2, inner] = 1 / h[:-1], -1 / h[:-1] - 1 / h[1:], 1 / h[1:]
    r[inner, inner] = (h[:-1] + h[1:]) / 3
    r[inner[:-1], inner[:-1] + 1] = r[inner[:-1] + 1, inner[:-1]] = h[1:-1] / 6
    rough = q @ np.linalg.solve(r, q.T)
    flat = np.reshape(values, (n, -1))
    g = np.linalg.solve(np.diag(weights) + lam * rough, weights[:, np.newaxis] * flat)
    g = np.moveaxis(np.reshape(g, values.shape), 0, axis)
    return make_interp_spline(at, g, 3, bc_type="natural", axis=axis)


# in two variables -----------------------------------------------------------------------------------------------------
class Bivariate:
    """What stands for a spline in two variables."""

    def __init__(self, tx: Any, ty: Any, c: Any, kx: int, ky: int):
        self.tx, self.ty, self.c, self.kx, self.ky = tx, ty, c, kx, ky

    def moved(self, dx: int, dy: int) -> Bivariate:
        """A partial derivative."""
        along = BasisSpline(self.tx, self.c, self.kx).derivative(dx)
        across = BasisSpline(self.ty, np.transpose(along.c), self.ky).derivative(dy)
        return Bivariate(along.t, across.t, np.transpose(across.c), along.k, across.k)

    def __call__(self, x: Any, y: Any, dx: int = 0, dy: int = 0, grid: bool = True) -> Any:
        s = self.moved(dx, dy) if dx or dy else self
        x, y = (np.clip(doubles(v), t[k], t[-k - 1]) for v, t, k in ((x, self.tx, self.kx), (y, self.ty, self.ky)))
        if grid:
            x, y = np.atleast_1d(x), np.atleast_1d(y)
            along = BasisSpline(s.tx, s.c, s.kx)(x)
            return np.transpose(BasisSpline(s.ty, np.transpose(along), s.ky)(y))
        x, y = np.broadcast_arrays(x, y)
        flat = np.reshape(x, (-1,)), np.reshape(y, (-1,))
        along = BasisSpline(s.tx, s.c, s.kx)(flat[0])
        shares, start = basis(s.ty, s.ky, flat[1])
        rows = np.arange(flat[0].shape[0])[:, np.newaxis]
        return np.reshape(np.sum(along[rows, start[:, np.newaxis] + np.arange(s.ky + 1)] * shares, axis=-1), x.shape)

    def ev(self, xi: Any, yi: Any, dx: int = 0, dy: int = 0) -> Any:
        return self(xi, yi, dx, dy, grid=False)

    def integral(self, xa: Any, xb: Any, ya: Any, yb: Any) -> Any:
        along = BasisSpline(self.tx, self.c, self.kx).integrate(xa, xb, extrapolate=False)
        return BasisSpline(self.ty, along, self.ky).integrate(ya, yb, extrapolate=False)


def rectangular(x, y, z, bbox=(None, None, None, None), kx=3, ky=3, s=0, maxit=20):
    if s != 0 or any(v is not None for v in bbox):
        unsupported("scipy.interpolate.RectBivariateSpline", "of traced samples but with s=0 and no bbox=")
    first = make_interp_spline(x, z, kx)
    second = make_interp_spline(y, np.transpose(first.c), ky)
    return Bivariate(first.t, second.t, np.transpose(second.c), first.k, second.k)


def surface(spline: Any) -> Bivariate:
    """One that SciPy has made."""
    outside(current()).watch(spline, "a spline")
    (tx, ty, c), (kx, ky) = spline.tck, spline.degrees
    shape = len(tx) - kx - 1, len(ty) - ky - 1
    return Bivariate(doubles(tx), doubles(ty), np.reshape(doubles(c), shape), kx, ky)


def surface_called(spline, x, y, dx=0, dy=0, grid=True):
    return surface(spline)(x, y, dx, dy, grid)


def surface_at(spline, xi, yi, dx=0, dy=0):
    return surface(spline).ev(xi, yi, dx, dy)


def surface_integral(spline, xa, xb, ya, yb):
    return surface(spline).integral(xa, xb, ya, yb)


# on a grid ------------------------------------------------------------------------------------------------------------
DEGREES = {"slinear": 1, "cubic": 3, "quintic": 5}


def on_grid(grid: Any, values: Any, x: Any, method: str) -> Any:
    """RegularGridInterpolator's splines: one along each axis, at rows of x."""
    return by_pchip(grid, values, x) if method == "pchip" else by_splines(grid, values, x, DEGREES[method])


def by_splines(grid: Any, values: Any, x: Any, k: int) -> Any:
    c = values
    shares, places = [], []
    for axis, knots in enumerate(grid):
        spline = make_interp_spline(knots, np.moveaxis(c, axis, 0), k)
        c = np.moveaxis(spline.c, 0, axis)
        share, start = basis(spline.t, k, x[:, axis])
        shares.append(share)
        places.append(start)
    axes = len(grid)
    along = [(slice(None), *(slice(None) if j == axis else np.newaxis for j in range(axes))) for axis in range(axes)]
    window = [(start[:, np.newaxis] + np.arange(k + 1))[at] for start, at in zip(places, along, strict=True)]
    terms = c[tuple(window)]
    for axis in range(axes - 1, -1, -1):  # the window's last axis, which stands in front of the values' own
        share = np.reshape(shares[axis], (-1, *[1] * axis, k + 1, *[1] * (terms.ndim - axis - 2)))
        terms = np.sum(terms * share, axis=axis + 1)
    return terms


def by_pchip(grid: Any, values: Any, x: Any) -> Any:
    """Along the last axis first, for each point by itself."""
    count, axes = x.shape[0], len(grid)
    folded = np.broadcast_to(values[..., np.newaxis] if values.ndim == axes else np.moveaxis(
        values[..., np.newaxis], -1, axes), (*values.shape[:axes], count, *values.shape[axes:]))
    rows = np.arange(count)
    for axis in range(axes - 1, -1, -1):
        whole = pchip(grid[axis], folded, axis)
        i = np.clip(np.searchsorted(grid[axis], x[:, axis], "right") - 1, 0, grid[axis].shape[0] - 2)
        c = whole.c[:, i]  # degree, point, the axes before, point, the axes behind
        c = np.moveaxis(c, 2 + axis, 2)[:, rows, rows]
        away = x[:, axis] - grid[axis][i]
        y: Any = 0.0
        for j in range(c.shape[0]):
            y = y * column(away, c[j]) + c[j]
        folded = np.moveaxis(y, 0, axis)
    return folded


def pchip_interpolate(xi, yi, x, der=0, axis=0):
    made = pchip(xi, yi, axis)
    if isinstance(der, (list, tuple)):
        return [made(x, nu) for nu in der]
    return made(x, der)


_FITPACK = "scipy.interpolate._fitpack2"
RULES: dict[tuple[str, str], Rule] = {
    (_FITPACK, "UnivariateSpline"): univariate, (_FITPACK, "InterpolatedUnivariateSpline"): interpolating,
    (_FITPACK, "LSQUnivariateSpline"): between_knots, (_FITPACK, "UnivariateSpline.__call__"): called,
    (_FITPACK, "UnivariateSpline.integral"): integral, (_FITPACK, "UnivariateSpline.derivatives"): derivatives,
    (_FITPACK, "RectBivariateSpline"): rectangular, (_FITPACK, "_BivariateSplineBase.__call__"): surface_called,
    (_FITPACK, "BivariateSpline.ev"): surface_at, (_FITPACK, "BivariateSpline.integral"): surface_integral,
    ("scipy.interpolate._fitpack_py", "splint"): splint,
    ("scipy.interpolate._bsplines", "make_lsq_spline"): make_lsq_spline,
    ("scipy.interpolate._bsplines", "make_smoothing_spline"): make_smoothing_spline,
    ("scipy.interpolate._cubic", "pchip_interpolate"): pchip_interpolate,
}
