"""scipy.signal's smoothing: trends, polynomials through windows, medians, Wiener's filter."""

from __future__ import annotations

import itertools
from typing import Any

import numpy as np

from ...numpy.common import array, static
from ...operands import cast, static_int
from ..written_loops import Rule, axis_of, back, floats, invalid, rows_of, sequence
from .sums_of_products import correlate


def detrend(data, axis=-1, type="linear", bp=0, overwrite_data=False):
    if type not in ("linear", "l", "constant", "c"):
        invalid("Trend type must be 'linear' or 'constant'.")
    v = floats(data)
    axis = axis_of(axis, v.ndim)
    if type in ("constant", "c"):
        return v - np.mean(v, axis, keepdims=True)
    rows, rest = rows_of(v, axis)
    n = rows.shape[0]
    ends = np.unique(np.concatenate([[0, n], np.atleast_1d(static(bp, "bp"))]).astype(int))
    if ends[-1] > n or ends[0] < 0:
        invalid("Breakpoints must be less than length of data along given axis.")
    parts = [_less_line(rows[a:b]) for a, b in itertools.pairwise(ends)]
    return back(np.concatenate(parts), rest, axis)


def _less_line(x: Any) -> Any:
    """Without the straight line that fits best."""
    n = x.shape[0]
    base, _ = np.linalg.qr(np.stack([np.ones(n), np.arange(n) / n], axis=1))
    base = base[:, :min(n, 2)].astype(x.dtype)
    return x - base @ (base.T @ x)


def savgol_filter(x, window_length, polyorder, deriv=0, delta=1.0, axis=-1, mode="interp", cval=0.0):
    from scipy.signal import savgol_coeffs

    from ..ndimage.filters import convolve1d
    if mode not in ("mirror", "constant", "nearest", "interp", "wrap"):
        invalid("mode must be 'mirror', 'constant', 'nearest' 'wrap' or 'interp'.")
    v = floats(x)
    axis = axis_of(axis, v.ndim)
    width = window_length
    taps = savgol_coeffs(width, polyorder, deriv=deriv, delta=1.0) / delta ** deriv
    if mode != "interp":
        return convolve1d(v, taps, axis=axis, mode=mode, cval=cval)
    if width > v.shape[axis]:
        invalid("If mode is 'interp', window_length must be less than or equal to the size of x.")
    y, rest = rows_of(convolve1d(v, taps, axis=axis, mode="constant"), axis)
    rows, _ = rows_of(v, axis)
    half, n = width // 2, rows.shape[0]
    start, end = (cast(array(fit), v.dtype) / delta ** deriv for fit in edge_fits(width, polyorder, deriv))
    ends = [start @ rows[:width], y[half:n - half], end @ rows[n - width:]]
    return back(np.concatenate(ends), rest, axis)


def edge_fits(width: int, order: int, deriv: int) -> tuple[np.ndarray, np.ndarray]:
    """What gives the first and the last values of a window, from its samples: those of the polynomial through them."""
    places = np.arange(width)
    center = (width - 1) / 2.0
    powers = np.vander((places - center) / width, order + 1, increasing=True)
    solve = np.linalg.pinv(powers)
    slopes = np.eye(order + 1)
    for _ in range(deriv):
        slopes = np.diag(np.arange(1, order + 1), 1) @ slopes / width
    fit = powers @ slopes @ solve
    half = width // 2
    return fit[:half], fit[width - half:]


def sizes_of(size: Any, rank: int) -> tuple[int, ...]:
    found = tuple(int(k) for k in sequence(size, rank, "kernel_size"))
    if any(k % 2 != 1 for k in found):
        invalid("Each element of kernel_size should be odd.")
    return found


def medfilt(volume, kernel_size=None):
    """The median of windows; zeros are around."""
    v = np.atleast_1d(array(volume))
    size = 3 if kernel_size is None else kernel_size
    sizes = sizes_of(size.tolist() if isinstance(size, np.ndarray) else size, v.ndim)
    around = np.pad(v, [(k // 2, k // 2) for k in sizes])
    windows = np.stack([around[tuple(slice(j, j + n) for j, n in zip(at, v.shape, strict=True))]
                        for at in np.ndindex(*sizes)])
    return np.sort(windows, axis=0)[windows.shape[0] // 2]


def order_filter(a, domain, rank):
    """The element of that rank in windows where the domain is not zero; zeros are around."""
    v, shape = array(a), np.asarray(static(domain, "domain")) != 0
    if any(k % 2 != 1 for k in shape.shape) or shape.ndim != v.ndim:
        invalid("Each dimension of domain argument should have an odd number of elements.")
    around = np.pad(v, [(k // 2, k // 2) for k in shape.shape])
    windows = np.stack([around[tuple(slice(j, j + n) for j, n in zip(at, v.shape, strict=True))]
                        for at in np.argwhere(shape).tolist()])
    return np.sort(windows, axis=0)[static_int(rank, "rank")]


def medfilt2d(input, kernel_size=3):
    if array(input).ndim != 2:
        invalid("medfilt2d wants an array of two axes")
    return medfilt(input, kernel_size)


def wiener(im, mysize=None, noise=None):
    v = array(im)
    sizes = sequence(3 if mysize is None else mysize, v.ndim, "mysize")
    ones, count = np.ones(sizes), float(np.prod(sizes))
    mean = correlate(v, ones, "same") / count
    variance = correlate(v ** 2, ones, "same") / count - mean ** 2
    level = np.mean(variance) if noise is None else noise
    flat = variance < level
    return np.where(flat, mean, (v - mean) * (1 - level / np.where(flat, 1.0, variance)) + mean)


_FILE = "scipy.signal._signaltools"
RULES: dict[tuple[str, str], Rule] = {
    **{(_FILE, f.__name__): f for f in (detrend, medfilt, medfilt2d, order_filter, wiener)},
    ("scipy.signal._savitzky_golay", "savgol_filter"): savgol_filter,
}
