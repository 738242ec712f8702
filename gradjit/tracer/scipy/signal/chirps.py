"""scipy.signal's transforms at frequencies that are given: on a spiral in the plane, and of samples at any times."""

from __future__ import annotations

from typing import Any

import numpy as np

from ...numpy.common import array
from ...operands import static_int
from ..written_loops import Rule, axis_of, doubles, floats, invalid


# on a spiral ----------------------------------------------------------------------------------------------------------
def count_of(m: Any, x: Any, axis: int) -> int:
    count = int(x.shape[axis]) if m is None else static_int(m, "m")
    if min(count, int(x.shape[axis])) < 1:
        invalid(f"Invalid number of CZT data points ({count}): both lengths must be positive.")
    return count


def spiral(x: Any, axis: int, count: int, chirp: Any, start: Any) -> Any:
    """sum of x[k] z**-k at the points z = start * step**-j, by Bluestein's convolution. chirp: step**(k**2 / 2)."""
    n = int(x.shape[axis])
    rows = np.moveaxis(x, axis, -1)
    size = 1 << (n + count - 2).bit_length()
    mirrored = np.concatenate([chirp[n - 1:0:-1], chirp[:count]])
    weighted = rows * (start ** -np.arange(n) * chirp[:n])
    folded = np.fft.ifft(np.fft.fft(1 / mirrored, size) * np.fft.fft(weighted, size))
    return np.moveaxis(folded[..., n - 1:n + count - 1] * chirp[:count], -1, axis)


def czt(x, m=None, w=None, a=1 + 0j, *, axis=-1):
    v: Any = floats(x)
    k = axis_of(axis, v.ndim)
    count = count_of(m, v, k)
    j = np.arange(max(count, int(v.shape[k])))
    if w is None:
        chirp: Any = np.exp(-1j * np.pi * (j * j % (2 * count)) / count)
    else:
        chirp = array(w) ** (j * j / 2.0 + 0j)
    return spiral(v, k, count, chirp, array(a) + 0j)


def zoom_fft(x, fn, m=None, *, fs=2, endpoint=False, axis=-1):
    v: Any = floats(x)
    k = axis_of(axis, v.ndim)
    count = count_of(m, v, k)
    band: Any = doubles(fn)
    if band.ndim > 1 or (band.ndim == 1 and band.shape[0] != 2):
        invalid("fn must be a scalar or 2-length sequence")
    first, last = (0.0, band) if band.ndim == 0 else (band[0], band[1])
    share = count / (count - 1) if endpoint else 1.0
    j = np.arange(max(count, int(v.shape[k])))
    chirp = np.exp(-1j * (np.pi * (last - first) * share / fs * (j * j) / count))
    return spiral(v, k, count, chirp, np.exp(2j * np.pi * first / fs))


def hilbert2(x, N=None, axes=(-2, -1)):
    """One sided in both directions of frequencies."""
    v: Any = np.atleast_2d(floats(x))
    if np.iscomplexobj(v):
        invalid("x must be real.")
    places = [axis_of(k, v.ndim) for k in axes]
    sizes = [int(v.shape[k]) for k in places] if N is None else [static_int(n, "N") for n in np.broadcast_to(N, 2)]
    spectrum = np.fft.fft2(v, sizes, axes=places)
    for k, n in zip(places, sizes, strict=True):
        keep = np.zeros(n)
        keep[0], keep[1:(n + 1) // 2] = 1.0, 2.0
        spectrum = spectrum * np.reshape(keep, (n, *(1,) * (v.ndim - 1 - k)))
    return np.fft.ifft2(spectrum, axes=places)


# at any times ---------------------------------------------------------------------------------------------------------
POWERS = {False: "power", True: "normalize", "power": "power", "normalize": "normalize", "amplitude": "amplitude"}


def lombscargle(x, y, freqs, *, precenter=False, normalize=False, weights=None, floating_mean=False):
    """Least squares of a wave of each frequency, in the phase in which its cosine and its sine are orthogonal."""
    at, v, frequencies = (doubles(s) for s in (x, y, freqs))
    if normalize not in POWERS:
        invalid("Normalize must be: False (or 'power'), True (or 'normalize'), or 'amplitude'.")
    if at.ndim != 1 or v.ndim != 1 or frequencies.ndim != 1 or at.shape != v.shape:
        invalid("Parameters x, y, weights must be 1-D arrays of equal non-zero length, and freqs one of its own!")
    w = np.ones(at.shape[0]) if weights is None else doubles(weights)
    w = w / np.sum(w)
    v = v - np.mean(v) if precenter is True else v
    middle = w @ v if floating_mean else 0.0

    def covariance(one: Any, other: Any) -> Any:
        product = w @ (one * other)
        return product - (w @ one) * (w @ other) if floating_mean else product

    angle = at[:, np.newaxis] * frequencies
    cosine, sine = np.cos(angle), np.sin(angle)
    of_cosine = covariance(cosine, cosine)
    lost = (w @ cosine) ** 2 + (w @ sine) ** 2 if floating_mean else 0.0
    phase = 0.5 * np.arctan2(2.0 * covariance(cosine, sine), 2.0 * of_cosine - 1.0 + lost)
    cosine, sine = np.cos(angle - phase), np.sin(angle - phase)
    of_cosine, of_sine = (_positive(covariance(s, s)) for s in (cosine, sine))
    centred = v - middle
    a, b = (w * centred) @ cosine / of_cosine, (w * centred) @ sine / of_sine
    if POWERS[normalize] == "amplitude":
        return (a + 1j * b) * np.exp(1j * phase)
    power = 2.0 * (a * a * of_cosine + b * b * of_sine)
    if POWERS[normalize] == "power":
        return power * (at.shape[0] / 4.0)
    return power * 0.5 / (w @ (centred * centred) if floating_mean else w @ (v * v))


def _positive(x: Any) -> Any:
    least = np.finfo(np.float64).epsneg
    return np.where(x < least, least, x)


RULES: dict[tuple[str, str], Rule] = {
    **{("scipy.signal._czt", f.__name__): f for f in (czt, zoom_fft)},
    ("scipy.signal._spectral_py", "lombscargle"): lombscargle,
    ("scipy.signal._signaltools", "hilbert2"): hilbert2,
}
