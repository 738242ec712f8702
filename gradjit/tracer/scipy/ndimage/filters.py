"""scipy.ndimage's linear filters: in float64, and the result in the dtype of the input, as SciPy has it."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import numpy as np

from ...numpy.common import array, magnitude
from ...operands import TracedArray, is_traced, unsupported
from ..written_loops import Rule, axis_of, doubles, invalid, sequence, slid
from .boundaries import extended, output_dtype, spread, stored, window_reach


def axes_of(axes: Any, rank: int) -> list[int]:
    if axes is None:
        return list(range(rank))
    found = [axis_of(a, rank) for a in (axes if isinstance(axes, Iterable) else [axes])]
    if len(set(found)) != len(found):
        invalid("axes must be unique")
    return found


# along an axis --------------------------------------------------------------------------------------------------------
def correlate1d(input, weights, axis=-1, output=None, mode="reflect", cval=0.0, origin=0):
    x = array(input)
    dtype = output_dtype("correlate1d", output, x)
    axis = axis_of(axis, x.ndim)
    return stored(_along(doubles(x), _weights(weights), axis, mode, cval, origin), dtype)


def convolve1d(input, weights, axis=-1, output=None, mode="reflect", cval=0.0, origin=0):
    w = _weights(weights)
    origin = -origin - (1 if w.shape[0] % 2 == 0 else 0)
    return correlate1d(input, w[::-1], axis, output, mode, cval, origin)


def _weights(weights: Any) -> TracedArray:
    w = doubles(weights)
    if w.ndim != 1 or not w.shape[0]:
        invalid("no filter weights given")
    return w


def _along(x: Any, w: Any, axis: int, mode: Any, cval: Any, origin: int) -> Any:
    before, behind = window_reach(w.shape[0], origin)
    around = extended(x, axis, before, behind, mode, cval)
    kernel = np.reshape(w, [w.shape[0] if k == axis else 1 for k in range(x.ndim)])
    return slid(around, kernel, x.shape)


def uniform_filter1d(input, size, axis=-1, output=None, mode="reflect", cval=0.0, origin=0):
    if size < 1:
        invalid("incorrect filter size")
    x = array(input)
    dtype = output_dtype("uniform_filter1d", output, x)
    sums = _along(doubles(x), doubles(np.ones(size)), axis_of(axis, x.ndim), mode, cval, origin)
    return stored(sums / size, dtype)


def gaussian_filter1d(input, sigma, axis=-1, order=0, output=None, mode="reflect", cval=0.0, truncate=4.0, *,
                      radius=None):
    return correlate1d(input, gaussian_weights(sigma, order, truncate, radius)[::-1], axis, output, mode, cval, 0)


def gaussian_weights(sigma: Any, order: int, truncate: float, radius: Any) -> Any:
    """Gauss's function, or a derivative of it, at the integers."""
    if order < 0:
        invalid("order must be non-negative")
    if radius is None:
        if is_traced(sigma) and array(sigma).known is None:
            unsupported("scipy.ndimage.gaussian_filter", "of a traced sigma without radius=, which it determines; "
                                                         "write radius=")
        radius = int(truncate * float(sigma) + 0.5)
    if int(radius) != radius or radius < 0:
        invalid("Radius must be a nonnegative integer.")
    x = np.arange(-int(radius), int(radius) + 1)
    variance = sigma * sigma
    bell = np.exp(-0.5 / variance * x ** 2)
    bell = bell / np.sum(bell)
    factor = [1.0]  # the polynomial before the bell: the lowest power first
    for _ in range(order):
        slope = [k * c for k, c in enumerate(factor)][1:] + [0.0, 0.0]
        moved = [0.0] + [-c / variance for c in factor]
        factor = [a + b for a, b in zip(slope, moved, strict=True)]
    return sum(c * x ** k for k, c in enumerate(factor)) * bell if order else bell


# along several axes ---------------------------------------------------------------------------------------------------
def gaussian_filter(input, sigma, order=0, output=None, mode="reflect", cval=0.0, truncate=4.0, *, radius=None,
                    axes=None):
    x = array(input)
    dtype = output_dtype("gaussian_filter", output, x)
    chosen = axes_of(axes, x.ndim)
    each = zip(chosen, *(sequence(v, len(chosen), what) for v, what in (
        (sigma, "sigma"), (order, "order"), (mode, "mode"), (radius, "radius"))), strict=True)
    x = x if output is None else stored(x, dtype)
    for axis, s, o, m, r in each:
        if is_traced(s) or s > 1e-15:
            x = gaussian_filter1d(x, s, axis, o, None, m, cval, truncate, radius=r)
    return stored(x, dtype)


def uniform_filter(input, size=3, output=None, mode="reflect", cval=0.0, origin=0, *, axes=None):
    x = array(input)
    dtype = output_dtype("uniform_filter", output, x)
    chosen = axes_of(axes, x.ndim)
    for axis, n, o, m in zip(chosen, *(sequence(v, len(chosen), what) for v, what in (
            (size, "size"), (origin, "origin"), (mode, "mode"))), strict=True):
        if n > 1:
            x = uniform_filter1d(x, int(n), axis, dtype, m, cval, o)
    return stored(x, dtype)


def _edges(smoothing: list[float]) -> Rule:
    """sobel and prewitt: the difference along one axis, smoothed along the others."""
    def rule(input, axis=-1, output=None, mode="reflect", cval=0.0):
        x = array(input)
        dtype = output_dtype("sobel", output, x)
        axis = axis_of(axis, x.ndim)
        modes = sequence(mode, x.ndim, "mode")
        y = correlate1d(x, [-1, 0, 1], axis, dtype, modes[axis], cval)
        for k in range(x.ndim):
            y = y if k == axis else correlate1d(y, smoothing, k, dtype, modes[k], cval)
        return y

    return rule


def _summed(name: str, x: Any, output: Any, mode: Any, axes: Any, f: Rule) -> Any:
    """The sum over axes of what f(x, axis, dtype, mode) gives."""
    dtype = output_dtype(name, output, x)
    chosen = axes_of(axes, x.ndim)
    if not chosen:
        return stored(x, dtype)
    modes = sequence(mode, len(chosen), "mode")
    return sum(f(x, axis, dtype, m) for axis, m in zip(chosen, modes, strict=True))


def laplace(input, output=None, mode="reflect", cval=0.0, *, axes=None):
    return _summed("laplace", array(input), output, mode, axes,
                   lambda x, axis, dtype, m: correlate1d(x, [1, -2, 1], axis, dtype, m, cval))


def _of_order(x: Any, axis: int, order: int, sigma: Any, dtype: Any, mode: Any, cval: Any, options: Any) -> Any:
    orders = [order if k == axis else 0 for k in range(x.ndim)]
    return gaussian_filter(x, sigma, orders, dtype, mode, cval, **options)


def gaussian_laplace(input, sigma, output=None, mode="reflect", cval=0.0, *, axes=None, **kwargs):
    x = array(input)
    chosen = axes_of(axes, x.ndim)
    sigmas = dict(zip(chosen, sequence(sigma, len(chosen), "sigma"), strict=True))
    whole = [sigmas.get(k, 0) for k in range(x.ndim)]
    return _summed("gaussian_laplace", x, output, mode, axes,
                   lambda x, axis, dtype, m: _of_order(x, axis, 2, whole, dtype, m, cval, kwargs))


def gaussian_gradient_magnitude(input, sigma, output=None, mode="reflect", cval=0.0, *, axes=None, **kwargs):
    squares = _summed("gaussian_gradient_magnitude", array(input), output, mode, axes,
                      lambda x, axis, dtype, m: np.square(_of_order(x, axis, 1, sigma, dtype, m, cval, kwargs)))
    return stored(magnitude(doubles(squares)), squares.dtype)


# of whole kernels -----------------------------------------------------------------------------------------------------
def correlate(input, weights, output=None, mode="reflect", cval=0.0, origin=0, *, axes=None):
    return _of_kernel("correlate", input, doubles(weights), output, mode, cval, origin, axes)


def convolve(input, weights, output=None, mode="reflect", cval=0.0, origin=0, *, axes=None):
    w = doubles(weights)
    origins = [-o - (1 if n % 2 == 0 else 0) for o, n in zip(sequence(origin, w.ndim, "origin"), w.shape, strict=True)]
    return _of_kernel("convolve", input, w[(slice(None, None, -1),) * w.ndim], output, mode, cval, origins, axes)


def _of_kernel(name: str, input: Any, w: Any, output: Any, mode: Any, cval: Any, origin: Any, axes: Any) -> Any:
    x = array(input)
    dtype = output_dtype(name, output, x)
    chosen = axes_of(axes, x.ndim)
    if w.ndim != len(chosen):
        invalid(f"weights.ndim ({w.ndim}) must match len(axes) ({len(chosen)})")
    if not isinstance(mode, str):
        invalid("A sequence of modes is not supported")
    origins = dict(zip(chosen, sequence(origin, w.ndim, "origin"), strict=True))
    order = [int(k) for k in np.argsort(chosen)]
    kernel = np.transpose(w, order)
    sizes = dict(zip(sorted(chosen), kernel.shape, strict=True))
    kernel = np.reshape(kernel, [sizes.get(k, 1) for k in range(x.ndim)])
    around = spread(doubles(x), kernel.shape, [origins.get(k, 0) for k in range(x.ndim)], [mode] * x.ndim, cval)
    return stored(slid(around, kernel, x.shape), dtype)


_FILE = "scipy.ndimage._filters"
RULES: dict[tuple[str, str], Rule] = {
    **{(_FILE, f.__name__): f for f in (
        correlate1d, convolve1d, uniform_filter1d, gaussian_filter1d, gaussian_filter, uniform_filter, laplace,
        gaussian_laplace, gaussian_gradient_magnitude, correlate, convolve)},
    (_FILE, "sobel"): _edges([1, 2, 1]), (_FILE, "prewitt"): _edges([1, 1, 1]),
}
