"""scipy.signal's design of filters, as functions of their frequencies: zeros, poles and gain of a prototype, moved.

The prototype (of an order and ripples, which are known) is SciPy's. Which zeros and poles stand in one section of the
second order SciPy decides while the program runs; what the sections are follows from these.
"""

from __future__ import annotations

import importlib
import math
from typing import Any

import numpy as np

from ...numpy.common import array, static
from ...operands import emit, require, unsupported
from ...run_by_python import run_by_python
from ..written_loops import Rule, doubles, invalid

Roots = Any
Design = tuple[Any, Any, Any]
"""Zeros, poles and gain."""


def scipys() -> Any:
    return importlib.import_module("scipy.signal._filter_design")


def complexes(x: Any) -> Any:
    v = array(x)
    return v if v.ir_dtype.is_complex else v.astype(np.complex128)


def degree(z: Any, p: Any) -> int:
    """How many more poles there are than zeros."""
    more = int(p.shape[0]) - int(z.shape[0])
    if more < 0:
        invalid("Improper transfer function. Must have at least as many poles as zeros.")
    return more


def joined(*parts: Any) -> Any:
    return np.concatenate([complexes(x) for x in parts])


# moved prototypes -----------------------------------------------------------------------------------------------------
def lp2lp_zpk(z, p, k, wo=1.0) -> Design:
    z, p = complexes(z), complexes(p)
    return wo * z, wo * p, k * wo ** degree(z, p)


def inverted_gain(z: Any, p: Any, k: Any) -> Any:
    return k * np.real(np.prod(-z) / np.prod(-p))


def lp2hp_zpk(z, p, k, wo=1.0) -> Design:
    z, p = complexes(z), complexes(p)
    return joined(wo / z, np.zeros(degree(z, p))), wo / p, inverted_gain(z, p, k)


def both(roots: Any, wo: Any) -> Any:
    """A root at each side of the middle of a band."""
    away = np.sqrt(roots**2 - wo**2)
    return np.concatenate([roots + away, roots - away])


def lp2bp_zpk(z, p, k, wo=1.0, bw=1.0) -> Design:
    z, p = complexes(z), complexes(p)
    more = degree(z, p)
    return joined(both(z * bw / 2, wo), np.zeros(more)), both(p * bw / 2, wo), k * bw**more


def lp2bs_zpk(z, p, k, wo=1.0, bw=1.0) -> Design:
    z, p = complexes(z), complexes(p)
    ends = np.full(degree(z, p), 1j) * wo
    return joined(both((bw / 2) / z, wo), ends, -ends), both((bw / 2) / p, wo), inverted_gain(z, p, k)


def bilinear_zpk(z, p, k, fs) -> Design:
    z, p, twice = complexes(z), complexes(p), 2.0 * fs
    gain = k * np.real(np.prod(twice - z) / np.prod(twice - p))
    return joined((twice + z) / (twice - z), -np.ones(degree(z, p))), (twice + p) / (twice - p), gain


# forms of a filter ----------------------------------------------------------------------------------------------------
def polynomial(roots: Any) -> Any:
    """The coefficients of the polynomial with these roots, which come in conjugate pairs."""
    a: Any = np.ones(1, complex)
    for k in range(int(roots.shape[0])):
        a = np.concatenate([a, np.zeros(1)]) - np.concatenate([np.zeros(1), a * roots[k]])
    return np.real(a)


def zpk2tf(z, p, k) -> tuple[Any, Any]:
    z, p = complexes(z), complexes(p)
    if z.ndim != 1:
        unsupported("scipy.signal.zpk2tf", "zeros of several outputs; convert them one by one")
    return k * polynomial(z), polynomial(p)


def zpk2sos(z, p, k, pairing=None, *, analog=False):
    if analog:
        unsupported("scipy.signal.zpk2sos", "analog=True; zpk2tf is")
    z, p = complexes(z), complexes(p)
    count = max(int(z.shape[0]), int(p.shape[0]))
    sections = (count + 1) // 2
    if not count:
        return np.concatenate([np.reshape(k, 1) * np.eye(1, 3)[0], np.eye(1, 3)[0]])[np.newaxis]
    z, p = (joined(x, np.zeros(2 * sections - int(x.shape[0]))) for x in (z, p))

    def run(z: Any, p: Any) -> list[Any]:
        found = importlib.import_module("scipy.signal").zpk2sos(z[:count], p[:count], 1.0, pairing)
        return [placed(found[:, :3], z), placed(found[:, 3:], p)]

    in_z, in_p = run_by_python("scipy.signal.zpk2sos", run, [np.zeros((sections, 2), np.int64)] * 2,
                               [emit("stop_gradient", x) for x in (z, p)])
    b, a = (quadratics(x[at], sections) for x, at in ((z, in_z), (p, in_p)))
    gain = np.where(np.arange(sections) == 0, k, 1.0)
    return np.concatenate([b * gain[:, np.newaxis], a], axis=1)


def placed(sections: np.ndarray, roots: np.ndarray) -> np.ndarray:
    """Where the roots of each section stand among all of them."""
    left = list(range(len(roots)))
    found = np.zeros((len(sections), 2), np.int64)
    for row, section in enumerate(sections):
        for k, root in enumerate(np.append(np.roots(section), [0.0, 0.0])[:2]):
            found[row, k] = left.pop(int(np.argmin(np.abs(roots[left] - root))))
    return found


def quadratics(roots: Any, sections: int) -> Any:
    """The polynomials with two roots each."""
    first, second = roots[:, 0], roots[:, 1]
    return np.stack([np.ones(sections), np.real(-first - second), np.real(first * second)], axis=1)


def sos2tf(sos) -> tuple[Any, Any]:
    rows = doubles(sos)
    b: Any = rows[0, :3]
    a: Any = rows[0, 3:]
    for k in range(1, int(rows.shape[0])):
        b, a = np.convolve(b, rows[k, :3]), np.convolve(a, rows[k, 3:])
    return b, a


def freqz_zpk(z, p, k, worN=512, whole=False, fs=2 * np.pi):
    if worN is None or isinstance(worN, (int, np.integer)):
        w: Any = np.linspace(0, 2 * np.pi if whole else np.pi, 512 if worN is None else int(worN), endpoint=False)
    else:
        w = np.reshape(doubles(worN), -1) * (2 * np.pi / fs)
    unit = np.exp(1j * array(w))[:, np.newaxis]
    up, down = (np.prod(unit - np.reshape(complexes(x), -1), axis=1) for x in (z, p))
    return array(w * (fs / (2 * np.pi))), k * up / down


# designs --------------------------------------------------------------------------------------------------------------
def iirfilter(N, Wn, rp=None, rs=None, btype="band", analog=False, ftype="butter", output="ba", fs=None):
    of = scipys()
    ftype, btype, output = (x.lower() for x in (ftype, btype, output))
    if output not in ("ba", "zpk", "sos"):
        invalid(f"'{output}' is not a valid output form.")
    if btype not in of.band_dict or ftype not in of.filter_dict:
        invalid(f"'{btype}' is an invalid bandtype for filter." if btype not in of.band_dict else
                f"'{ftype}' is not a valid basic IIR filter.")
    w: Any = doubles(Wn)
    w = np.reshape(w if fs is None else w / (fs / 2), -1)
    band = of.band_dict[btype]
    wanted = 1 if band in ("lowpass", "highpass") else 2
    if int(w.shape[0]) != wanted:
        invalid("Must specify a single critical frequency Wn for lowpass or highpass filter" if wanted == 1 else
                "Wn must specify start and stop frequencies for bandpass or bandstop filter")
    require(array(w > 0), "filter critical frequencies must be greater than 0")
    if wanted == 2:
        require(array(w[0] < w[1]), "Wn[0] must be less than Wn[1]")
    if not analog:
        require(array(w < 1), "Digital filter critical frequencies must be 0 < Wn < 1" if fs is None else
                "Digital filter critical frequencies must be 0 < Wn < fs/2")
    z, p, k = moved(*prototype(of, ftype, N, rp, rs), band, w if analog else 4.0 * np.tan(np.pi * w / 2.0))
    if not analog:
        z, p, k = bilinear_zpk(z, p, k, 2.0)
    return (z, p, k) if output == "zpk" else zpk2tf(z, p, k) if output == "ba" else zpk2sos(z, p, k, analog=analog)


def prototype(of: Any, ftype: str, order: Any, rp: Any, rs: Any) -> Design:
    """SciPy's analog lowpass filter at the frequency 1."""
    kind = of.filter_dict[ftype][0]
    ripples = [None if r is None else float(static(r, name)) for r, name in ((rp, "rp"), (rs, "rs"))]
    wanted = {"cheb1ap": ripples[:1], "cheb2ap": ripples[1:], "ellipap": ripples}.get(kind.__name__, [])
    if None in wanted:
        invalid("passband ripple (rp) and stopband attenuation (rs) must be provided where the design has them")
    more = {"norm": of.bessel_norms[ftype]} if kind.__name__ == "besselap" else {}
    z, p, k = kind(int(static(order, "the order of a filter")), *wanted, **more)
    return z, p, k


def moved(z: Any, p: Any, k: Any, band: str, w: Any) -> Design:
    if band == "lowpass":
        return lp2lp_zpk(z, p, k, w[0])
    if band == "highpass":
        return lp2hp_zpk(z, p, k, w[0])
    width, middle = w[1] - w[0], np.sqrt(w[0] * w[1])
    return (lp2bp_zpk if band == "bandpass" else lp2bs_zpk)(z, p, k, middle, width)


def butter(N, Wn, btype="low", analog=False, output="ba", fs=None):
    return iirfilter(N, Wn, None, None, btype, analog, "butter", output, fs)


def cheby1(N, rp, Wn, btype="low", analog=False, output="ba", fs=None):
    return iirfilter(N, Wn, rp, None, btype, analog, "cheby1", output, fs)


def cheby2(N, rs, Wn, btype="low", analog=False, output="ba", fs=None):
    return iirfilter(N, Wn, None, rs, btype, analog, "cheby2", output, fs)


def ellip(N, rp, rs, Wn, btype="low", analog=False, output="ba", fs=None):
    return iirfilter(N, Wn, rp, rs, btype, analog, "elliptic", output, fs)


def bessel(N, Wn, btype="low", analog=False, output="ba", norm="phase", fs=None):
    return iirfilter(N, Wn, None, None, btype, analog, f"bessel_{norm}", output, fs)


def resonator(w0: Any, Q: Any, fs: Any, is_notch: bool) -> tuple[Any, Any]:
    """A notch or a peak, by Orfanidis' formulas."""
    w = 2 * doubles(w0) / fs
    require(array((w >= 0) & (w <= 1)), "w0 should be such that 0 < w0 < 1")
    gain = 1.0 / (1.0 + np.tan(np.pi * w / Q / 2.0))
    turn = -2.0 * np.cos(np.pi * w)
    b = gain * np.stack([1.0, turn, 1.0]) if is_notch else (1.0 - gain) * np.array([1.0, 0.0, -1.0])
    return b, np.stack([1.0, gain * turn, 2.0 * gain - 1.0])


def iirnotch(w0, Q, fs=2.0):
    return resonator(w0, Q, fs, True)


def iirpeak(w0, Q, fs=2.0):
    return resonator(w0, Q, fs, False)


PASSES = {"lowpass": True, "bandstop": True, "highpass": False, "bandpass": False, True: True, False: False}


def firwin(numtaps, cutoff, *, width=None, window="hamming", pass_zero=True, scale=True, fs=None):
    signal = importlib.import_module("scipy.signal")
    edges = np.reshape(doubles(cutoff), -1) / (0.5 * (2.0 if fs is None else fs))
    count = int(edges.shape[0])
    if pass_zero not in PASSES or (pass_zero in ("lowpass", "highpass") and count != 1) or (
            pass_zero in ("bandstop", "bandpass") and count < 2):
        invalid(f"pass_zero={pass_zero!r} does not fit {count} cutoff frequencies")
    require(array((edges > 0) & (edges < 1)), "Invalid cutoff frequency: frequencies must be greater than 0 and less "
                                              "than fs/2.")
    require(array(edges[1:] > edges[:-1]), "Invalid cutoff frequencies: the frequencies must be strictly increasing.")
    from_zero = PASSES[pass_zero]
    to_end = (count % 2 == 0) == from_zero
    if to_end and numtaps % 2 == 0:
        invalid("A filter with an even number of coefficients must have zero response at the Nyquist frequency.")
    if width is not None:
        half = 0.5 * (2.0 if fs is None else static(fs, "fs"))
        window = ("kaiser", signal.kaiser_beta(signal.kaiser_atten(numtaps, float(width) / half)))
    ends = [np.zeros(1)] * from_zero + [edges] + [np.ones(1)] * to_end
    bands = np.reshape(np.concatenate(ends), (-1, 2))
    m = np.arange(numtaps) - 0.5 * (numtaps - 1)
    h = sum(b * np.sinc(b * m) - a * np.sinc(a * m) for a, b in (bands[j] for j in range(int(bands.shape[0]))))
    h = h * signal.get_window(window, numtaps, fftbins=False)
    if not scale:
        return h
    middle = 0.0 if from_zero else 1.0 if to_end and count == 1 else 0.5 * (bands[0, 0] + bands[0, 1])
    return h / np.sum(h * np.cos(math.pi * m * middle))


def firls(numtaps, bands, desired, *, weight=None, fs=None):
    """Least squares: the coefficients are linear in what is desired at the edges of the bands."""
    edges = static(bands, "bands")
    gains: Any = np.reshape(doubles(desired), -1)
    given = {"weight": None if weight is None else static(weight, "weight"), "fs": fs}
    each = importlib.import_module("scipy.signal").firls
    require(array(gains >= 0), "desired must be non-negative.")
    columns = [each(numtaps, edges, unit, **given) for unit in np.eye(int(gains.shape[0]))]
    return np.stack(columns, axis=1) @ gains


_DESIGN = (lp2lp_zpk, lp2hp_zpk, lp2bp_zpk, lp2bs_zpk, bilinear_zpk, zpk2tf, zpk2sos, sos2tf, freqz_zpk, iirfilter,
           butter, cheby1, cheby2, ellip, bessel, iirnotch, iirpeak)
RULES: dict[tuple[str, str], Rule] = {
    **{("scipy.signal._filter_design", f.__name__): f for f in _DESIGN},
    **{("scipy.signal._fir_filter_design", f.__name__): f for f in (firwin, firls)},
}
