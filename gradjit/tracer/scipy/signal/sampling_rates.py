"""scipy.signal's changes of the sampling rate by filters."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from ...numpy.common import array
from ...operands import cast, static_int, unsupported
from ..written_loops import Rule, along, axis_of, back, floats, invalid, looped, rows_of, zeros
from .recursive_filters import common, sosfilt, sosfiltfilt


def upfirdn(h, x, up=1, down=1, axis=-1, mode="constant", cval=0):
    """Zeros between samples, a filter, and some of what comes: only that is computed."""
    if mode != "constant" or cval != 0:
        unsupported("scipy.signal.upfirdn", f"mode={mode!r}, cval={cval!r}; mode='constant' with cval=0 is")
    taps, v = array(h), array(x)
    if taps.ndim != 1 or not taps.shape[0]:
        invalid("h must be 1-D with non-zero length")
    up, down = static_int(up, "up"), static_int(down, "down")
    if up < 1 or down < 1:
        invalid("Both up and down must be >= 1")
    dtype = common(taps, v)
    axis = axis_of(axis, v.ndim)
    rows, rest = rows_of(cast(v, dtype), axis)
    n, k = rows.shape[0], taps.shape[0]
    each = -(-k // up)
    phases = np.reshape(np.pad(cast(taps, dtype), (0, each * up - k)), (each, up))
    at = np.arange(((n - 1) * up + k - 1) // down + 1) * down
    around = np.pad(rows, ((each - 1, each), (0, 0)))
    out = zeros((len(at), rows.shape[1]), dtype)
    y = looped(_phases)(phases, around, at % up, at // up + each - 1, out)
    return back(y, rest, axis)


def _phases(h: Any, x: Any, phase: Any, place: Any, out: Any) -> Any:
    for k in range(h.shape[0]):
        out += h[k][phase][:, np.newaxis] * x[place - k]
    return out


LEVELS: dict[str, Rule] = {"mean": np.mean, "median": np.median, "minimum": np.min, "maximum": np.max}


def resample_poly(x, up, down, axis=0, window=("kaiser", 5.0), padtype="constant", cval=None):
    from scipy.signal import firwin
    v = floats(x)
    if up != int(up) or down != int(down) or up < 1 or down < 1:
        invalid("up and down must be integers >= 1")
    if cval not in (None, 0) or padtype not in ("constant", *LEVELS):
        unsupported("scipy.signal.resample_poly", f"padtype={padtype!r}, cval={cval!r}; 'constant' with 0, 'mean', "
                                                  f"'median', 'minimum' and 'maximum' are")
    axis = axis_of(axis, v.ndim)
    common_factor = math.gcd(int(up), int(down))
    up, down = int(up) // common_factor, int(down) // common_factor
    if up == down == 1:
        return v.copy()
    n = v.shape[axis]
    count = -(-n * up // down)
    if isinstance(window, (str, tuple, float)):
        half = 10 * max(up, down)
        h: Any = array(np.asarray(firwin(2 * half + 1, 1.0 / max(up, down), window=window)).astype(v.dtype))
    else:
        h = array(window)
        if h.ndim != 1:
            invalid("window must be 1-D")
        half = (h.shape[0] - 1) // 2
    before = down - half % down
    first = (half + before) // down
    behind = max(0, (count + first - 1) * down + 1 - (before + h.shape[0] + (n - 1) * up))
    h = np.pad(h * up, (before, behind))
    level = LEVELS[padtype](v, axis=axis, keepdims=True) if padtype in LEVELS else None
    y = upfirdn(h, v if level is None else v - level, up, down, axis)
    y = y[along(axis, v.ndim, slice(first, first + count))]
    return y if level is None else y + level


def decimate(x, q, n=None, ftype="iir", axis=-1, zero_phase=True):
    from scipy.signal import cheby1, firwin
    v = floats(x)
    axis, q = axis_of(axis, v.ndim), static_int(q, "q")
    every = along(axis, v.ndim, slice(None, None, q))
    if ftype == "iir":
        sos = cheby1(8 if n is None else n, 0.05, 0.8 / q, output="sos").astype(v.dtype)
        return (sosfiltfilt if zero_phase else sosfilt)(sos, v, axis)[every]
    if ftype != "fir":
        unsupported("scipy.signal.decimate", "with a system as ftype=; 'iir' and 'fir' are")
    taps = firwin((20 * q if n is None else n) + 1, 1.0 / q, window="hamming").astype(v.dtype)
    if zero_phase:
        return resample_poly(v, 1, q, axis, taps)
    return upfirdn(taps, v, 1, q, axis)[along(axis, v.ndim, slice(None, -(-v.shape[axis] // q)))]


RULES: dict[tuple[str, str], Rule] = {
    ("scipy.signal._upfirdn", "upfirdn"): upfirdn,
    **{("scipy.signal._signaltools", f.__name__): f for f in (resample_poly, decimate)},
}
