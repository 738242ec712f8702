"""scipy.signal's estimates of spectra, and what is done by a Fourier transform: segments of a signal are rows of a
matrix, transformed all at once."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from ...calls import as_user
from ...numpy.common import array, static
from ...operands import cast, constant, static_int, unsupported
from ..written_loops import Rule, axis_of, floats, invalid, zeros
from .recursive_filters import extended
from .smoothing import detrend as less_trend

BOUNDARIES = ("even", "odd", "constant", "zeros", None)
"""How a signal goes on at its ends."""


# windows and segments -------------------------------------------------------------------------------------------------
def window_of(window: Any, nperseg: Any, length: int) -> tuple[Any, int]:
    """The window, and the length of a segment: 256 of a named one, where the signal is not shorter."""
    if isinstance(window, (str, tuple)):
        n = 256 if nperseg is None else static_int(nperseg, "nperseg")
        if n < 1:
            invalid("nperseg must be a positive integer")
        n = min(n, length)
        return named_window(window, n), n
    w = floats(window)
    if w.ndim != 1:
        invalid("window must be 1-D")
    if length < w.shape[0]:
        invalid("window is longer than input signal")
    if nperseg is not None and static_int(nperseg, "nperseg") != w.shape[0]:
        invalid("value specified for nperseg is different from length of window")
    return w, w.shape[0]


def named_window(window: Any, n: int) -> Any:
    from scipy.signal import get_window
    return get_window(window, n)


def overlap(noverlap: Any, nperseg: int) -> int:
    n = nperseg // 2 if noverlap is None else static_int(noverlap, "noverlap")
    if n >= nperseg:
        invalid("noverlap must be less than nperseg.")
    return n


def length_of_transform(nfft: Any, nperseg: int) -> int:
    n = nperseg if nfft is None else static_int(nfft, "nfft")
    if n < nperseg:
        invalid("nfft must be greater than or equal to nperseg.")
    return n


def segments(x: Any, nperseg: int, step: int) -> Any:
    """Windows along the last axis: (..., segments, nperseg)."""
    count = (x.shape[-1] - nperseg) // step + 1
    return x[..., np.arange(count)[:, np.newaxis] * step + np.arange(nperseg)]


def levelled(detrend: Any, x: Any, axis: int) -> Any:
    """Segments without their trend; a function of the user's gets them along `axis`."""
    if detrend is False or detrend is None:
        return x
    if callable(detrend):
        return np.moveaxis(as_user(detrend)(np.moveaxis(x, -1, axis)), axis, -1) if axis != -1 else as_user(detrend)(x)
    return less_trend(x, type=detrend, axis=-1)


def transformed(x: Any, window: Any, detrend: Any, step: int, nfft: int, half: bool, axis: int) -> Any:
    """The transforms of all segments."""
    rows = levelled(detrend, segments(x, window.shape[0], step), axis) * window
    return np.fft.rfft(rows, nfft) if half else np.fft.fft(rows, nfft)


def signal(x: Any) -> Any:
    v = floats(x)
    if v.ndim == 0:
        invalid("a signal has at least one axis")
    return v


def lengthened(x: Any, n: int) -> Any:
    """Zeros behind the last axis's elements, up to n."""
    return np.pad(x, [(0, 0)] * (x.ndim - 1) + [(0, n - x.shape[-1])]) if x.shape[-1] < n else x


class Spectra:
    """Products of the transforms of two signals' segments (of one with itself), or the transforms of one."""

    def __init__(self, x: Any, y: Any, fs: Any, window: Any, nperseg: Any, noverlap: Any, nfft: Any, detrend: Any,
                 return_onesided: Any, scaling: str, axis: int, products: bool = True, boundary: Any = None,
                 padded: bool = False):
        if scaling not in ("density", "spectrum"):
            invalid(f"Unknown scaling: {scaling!r}")
        first = signal(x)
        axis = axis_of(axis, first.ndim)
        pair = [np.moveaxis(v, axis, -1) for v in ((first,) if y is x else (first, signal(y)))]
        length = max(v.shape[-1] for v in pair)
        pair = [lengthened(v, length) for v in pair]
        self.dtype = np.result_type(*(v.dtype for v in pair), np.complex64)
        win, n = window_of(window, nperseg, length)
        size = length_of_transform(nfft, n)
        step = n - overlap(noverlap, n)
        pair = [_extended(v, n, step, boundary, padded) for v in pair]
        half = bool(return_onesided) and not any(np.iscomplexobj(v) for v in pair)
        real = np.zeros(0, self.dtype).real.dtype
        win = cast(array(win), real)
        total = fs * np.sum(win * win) if scaling == "density" else np.sum(win) ** 2
        made = [transformed(v, win, detrend, step, size, half, axis if axis != first.ndim - 1 else -1) for v in pair]
        result = made[0] / np.sqrt(total)
        if products:
            result = (squared(made[0]) if len(made) == 1 else np.conj(made[0]) * made[1]) / total
            result = result * both_sides(size).astype(real) if half else result
        self.axis, self.count = axis, result.shape[-2]
        self.result = np.moveaxis(result, -1, -2)  # (..., frequencies, segments)
        self.frequencies = (np.fft.rfftfreq if half else np.fft.fftfreq)(size, 1 / fs)
        starts = np.arange(n / 2, pair[0].shape[-1] - n / 2 + 1, step) / float(fs)
        self.times = starts - (n / 2) / fs if boundary is not None else starts

    def at_axis(self, x: Any) -> Any:
        """The frequencies where the signal was; what the segments were is last."""
        return np.moveaxis(x, -2, self.axis)


def squared(x: Any) -> Any:
    return np.real(x) ** 2 + np.imag(x) ** 2


def both_sides(nfft: int) -> np.ndarray:
    """Frequencies that stand for themselves and their negative count twice."""
    twice = np.full(nfft // 2 + 1, 2.0)
    twice[0] = 1.0
    if nfft % 2 == 0:
        twice[-1] = 1.0
    return twice


def _extended(x: Any, nperseg: int, step: int, boundary: Any, padded: bool) -> Any:
    if boundary not in BOUNDARIES:
        invalid(f"Unknown boundary option '{boundary}', must be one of: {list(BOUNDARIES)}")
    if boundary == "zeros":
        x = np.pad(x, [(0, 0)] * (x.ndim - 1) + [(nperseg // 2,) * 2])
    elif boundary is not None:
        x = extended(x, x.ndim - 1, boundary, nperseg // 2, 0)[0]
    return lengthened(x, x.shape[-1] + (-(x.shape[-1] - nperseg) % step) % nperseg) if padded else x


# densities ------------------------------------------------------------------------------------------------------------
def csd(x, y, fs=1.0, window="hann", nperseg=None, noverlap=None, nfft=None, detrend="constant", return_onesided=True,
        scaling="density", axis=-1, average="mean"):
    s = Spectra(x, y, fs, window, nperseg, noverlap, nfft, detrend, return_onesided, scaling, axis)
    if average not in ("mean", "median"):
        invalid(f"Parameter {average=} must be 'median' or 'mean'!")
    if average == "mean":
        mean = np.mean(s.result, axis=-1)
    elif np.iscomplexobj(s.result):
        mean = (np.median(np.real(s.result), axis=-1) + 1j * np.median(np.imag(s.result), axis=-1)) / bias(s.count)
    else:
        mean = np.median(s.result, axis=-1) / bias(s.count)
    return constant(s.frequencies), np.moveaxis(mean, -1, s.axis)


def bias(n: int) -> float:
    """By how much the median of n values of a distribution chi2 with 2 degrees of freedom is off its mean."""
    return 1.0 if n == 1 else 1 + math.fsum(1 / (2 * k + 1) - 1 / (2 * k) for k in range(1, (n - 1) // 2 + 1))


def welch(x, fs=1.0, window="hann", nperseg=None, noverlap=None, nfft=None, detrend="constant", return_onesided=True,
          scaling="density", axis=-1, average="mean"):
    return csd(x, x, fs, window, nperseg, noverlap, nfft, detrend, return_onesided, scaling, axis, average)


def periodogram(x, fs=1.0, window="boxcar", nfft=None, detrend="constant", return_onesided=True, scaling="density",
                axis=-1):
    v = signal(x)
    k = axis_of(axis, v.ndim)
    n = v.shape[k]
    if nfft is not None and static_int(nfft, "nfft") < n:
        n, v, nfft = nfft, np.take(v, np.arange(nfft), axis=k), None
    if window is None:
        window = "boxcar"
    return welch(v, fs, window, n, 0, nfft, detrend, return_onesided, scaling, k)


def coherence(x, y, fs=1.0, window="hann", nperseg=None, noverlap=None, nfft=None, detrend="constant", axis=-1):
    given = {"fs": fs, "window": window, "nperseg": nperseg, "noverlap": noverlap, "nfft": nfft, "detrend": detrend,
             "axis": axis}
    frequencies, of_x = welch(x, **given)
    return frequencies, squared(csd(x, y, **given)[1]) / of_x / welch(y, **given)[1]


def spectrogram(x, fs=1.0, window=("tukey", 0.25), nperseg=None, noverlap=None, nfft=None, detrend="constant",
                return_onesided=True, scaling="density", axis=-1, mode="psd"):
    if mode not in ("psd", "complex", "magnitude", "angle", "phase"):
        invalid(f"unknown value for mode {mode}")
    _, n = window_of(window, nperseg, signal(x).shape[axis])
    step = n // 8 if noverlap is None else noverlap
    s = Spectra(x, x, fs, window, nperseg, step, nfft, detrend, return_onesided, scaling, axis, mode == "psd")
    result = s.result
    if mode in ("magnitude", "angle", "phase"):
        result = np.abs(result) if mode == "magnitude" else np.angle(result)
    result = s.at_axis(result)
    return (constant(s.frequencies), constant(s.times),
            np.unwrap(result, axis=axis - 1 if axis < 0 else axis) if mode == "phase" else result)


def stft(x, fs=1.0, window="hann", nperseg=256, noverlap=None, nfft=None, detrend=False, return_onesided=True,
         boundary="zeros", padded=True, axis=-1, scaling="spectrum"):
    if scaling not in ("psd", "spectrum"):
        invalid(f"Parameter {scaling=} not in ['spectrum', 'psd']!")
    s = Spectra(x, x, fs, window, nperseg, noverlap, nfft, detrend, return_onesided,
                "density" if scaling == "psd" else scaling, axis, False, boundary, padded)
    return constant(s.frequencies), constant(s.times), s.at_axis(s.result)


def istft(Zxx, fs=1.0, window="hann", nperseg=None, noverlap=None, nfft=None, input_onesided=True, boundary=True,
          time_axis=-1, freq_axis=-2, scaling="spectrum"):
    z: Any = array(Zxx)
    z = z if np.iscomplexobj(z) else z + 0j
    if z.ndim < 2:
        invalid("Input stft must be at least 2d!")
    times, frequencies = axis_of(time_axis, z.ndim), axis_of(freq_axis, z.ndim)
    if times == frequencies:
        invalid("Must specify differing time and frequency axes!")
    whole = 2 * (z.shape[frequencies] - 1) if input_onesided else z.shape[frequencies]
    n = whole if nperseg is None else static_int(nperseg, "nperseg")
    size = (n if input_onesided and n == whole + 1 else whole) if nfft is None else length_of_transform(nfft, n)
    step = n - overlap(noverlap, n)
    win = named_window(window, n) if isinstance(window, (str, tuple)) else floats(window)
    if win.shape != (n,):
        invalid(f"window must have length of {n}")
    rows = np.moveaxis(z, (times, frequencies), (0, 1))
    rows = (np.fft.irfft if input_onesided else np.fft.ifft)(rows, size, axis=1)[:, :n]
    scale = np.sum(win) if scaling == "spectrum" else np.sqrt(fs * np.sum(win * win))
    x = added(np.moveaxis(rows * scale, 1, -1) * win, step)
    norm = added(np.broadcast_to(win * win, (z.shape[times], n)) + zeros((z.shape[times], n)), step)
    if boundary:
        x, norm = (v[n // 2:-(n // 2)] for v in (x, norm))
    x = np.moveaxis(np.moveaxis(x, 0, -1) / np.where(norm > 1e-10, norm, 1.0), -1,
                    times - (frequencies < times) if z.ndim > 2 else 0)
    return constant(np.arange(x.shape[0]) / float(fs)), x


def added(rows: Any, step: int) -> Any:
    """Rows (count, ..., n) laid over each other, each `step` behind the one before: (length, ...)."""
    count, n = rows.shape[0], rows.shape[-1]
    out = zeros((n + (count - 1) * step, *rows.shape[1:-1]), rows.dtype)
    np.add.at(out, np.arange(count)[:, np.newaxis] * step + np.arange(n), np.moveaxis(rows, -1, 1))
    return out


# by one transform -----------------------------------------------------------------------------------------------------
def hilbert(x, N=None, axis=-1):
    v: Any = floats(x)
    if np.iscomplexobj(v):
        invalid("x must be real.")
    k = axis_of(axis, v.ndim)
    n = v.shape[k] if N is None else static_int(N, "N")
    if n <= 0:
        invalid("N must be positive.")
    keep = np.zeros(n)
    keep[0] = 1.0
    keep[1:(n + 1) // 2] = 2.0
    if n % 2 == 0:
        keep[n // 2] = 1.0
    return np.moveaxis(np.fft.ifft(np.moveaxis(np.fft.fft(v, n, axis=k), k, -1) * keep.astype(v.dtype)), -1, k)


def resample(x, num, t=None, axis=0, window=None, domain="time"):
    if domain not in ("time", "freq"):
        invalid(f"Parameter {domain=} not in ('time', 'freq')!")
    v: Any = floats(x)
    k, count = axis_of(axis, v.ndim), static_int(num, "num")
    v = np.moveaxis(v, k, -1)
    n = v.shape[-1]
    w = None if window is None else _window_of_frequencies(window, n)
    if domain == "time" and not np.iscomplexobj(v):
        y = _real_resampled(v, n, count, w)
    else:
        y = _resampled(np.fft.fft(v) if domain == "time" else v + 0j, n, count, w)
    y = np.moveaxis(y, -1, k)
    if t is None:
        return y
    at: Any = array(t)
    return y, at[0] + (at[1] - at[0]) * (n / count) * np.arange(count)


def _window_of_frequencies(window: Any, n: int) -> np.ndarray:
    if callable(window):
        return static(as_user(window)(np.fft.fftfreq(n)), "the window of scipy.signal.resample")
    if isinstance(window, (str, tuple, float)):
        return np.asarray(np.fft.fftshift(named_window(window, n)))
    w = static(window, "the window of scipy.signal.resample")
    if w.shape != (n,):
        invalid(f"window.shape={w.shape} != ({n},), i.e., window length is not equal to number of frequency bins!")
    return w


def _real_resampled(x: Any, n: int, count: int, window: np.ndarray | None) -> Any:
    spectrum, m = np.fft.rfft(x), min(count, n)
    if window is not None:
        folded = window[:n // 2 + 1].copy()
        folded[1:] = (folded[1:] + window[::-1][:n // 2]) / 2
        spectrum = spectrum * folded
    scale = np.full(m // 2 + 1, count / n, x.dtype)
    if m % 2 == 0 and count != n:
        scale[m // 2] *= 2.0 if count < n else 0.5
    return np.fft.irfft(spectrum[..., :m // 2 + 1] * scale, count)


def _resampled(spectrum: Any, n: int, count: int, window: np.ndarray | None) -> Any:
    m = min(count, n)
    spectrum = (spectrum if window is None else spectrum * window) * (count / n)
    low, high = spectrum[..., :m // 2 + 1], spectrum[..., n - (m - m // 2 - 1):]
    if m % 2 == 0 and count > n:
        middle = 0.5 * low[..., m // 2:]
        low, high = np.concatenate([low[..., :m // 2], middle], -1), np.concatenate([middle, high], -1)
    elif m % 2 == 0 and count < n:
        low = np.concatenate([low[..., :m // 2], low[..., m // 2:] + spectrum[..., n - m // 2:n - m // 2 + 1]], -1)
    between = np.zeros((*spectrum.shape[:-1], count - low.shape[-1] - high.shape[-1]), spectrum.dtype)
    return np.fft.ifft(np.concatenate([low, between, high], -1))


# responses ------------------------------------------------------------------------------------------------------------
def freqz(b, a=1, worN=512, whole=False, plot=None, fs=2 * np.pi, include_nyquist=False):
    if plot is not None:
        unsupported("scipy.signal.freqz", "plot=; plot what it gives")
    up, down = (np.atleast_1d(floats(c)) for c in (b, a))
    if up.ndim > 1 or down.ndim > 1:
        unsupported("scipy.signal.freqz", "of several filters at once")
    n = 512 if worN is None else worN
    if isinstance(n, (int, np.integer)):
        count = int(n)
        size = count if whole else 2 * (count - 1) if include_nyquist else 2 * count
        w: Any = np.linspace(0, 2 * np.pi if whole else np.pi, count, endpoint=bool(include_nyquist and not whole))
        if count > 0 and size >= max(up.shape[0], down.shape[0]):
            first, second = (np.fft.fft(c, size)[:count] for c in (up, down))
            return constant(w * (fs / (2 * np.pi))), first / second
    else:
        w = np.atleast_1d(floats(n)) * (2 * np.pi / fs)
    unit = np.exp(-1j * array(w))
    return w * (fs / (2 * np.pi)), _polynomial(up, unit) / _polynomial(down, unit)


def _polynomial(coefficients: Any, z: Any) -> Any:
    """The lowest power first."""
    return np.polyval(coefficients[::-1], z)


def sosfreqz(sos, worN=512, whole=False, fs=2 * np.pi):
    rows: Any = floats(sos)
    if rows.ndim != 2 or rows.shape[1] != 6:
        invalid("sos array must be shape (n_sections, 6)")
    found = [freqz(rows[k, :3], rows[k, 3:], worN, whole, None, fs) for k in range(rows.shape[0])]
    if not found:
        invalid("Cannot compute frequencies with no sections")
    h = found[0][1]
    for _, more in found[1:]:
        h = h * more
    return found[0][0], h


_TOOLS, _SPECTRAL, _DESIGN = (f"scipy.signal.{m}" for m in ("_signaltools", "_spectral_py", "_filter_design"))
RULES: dict[tuple[str, str], Rule] = {
    **{(_TOOLS, f.__name__): f for f in (hilbert, resample)},
    **{(_SPECTRAL, f.__name__): f for f in (csd, welch, periodogram, coherence, spectrogram, stft, istft)},
    **{(_DESIGN, f.__name__): f for f in (freqz, sosfreqz)}, (_DESIGN, "freqz_sos"): sosfreqz,
}
