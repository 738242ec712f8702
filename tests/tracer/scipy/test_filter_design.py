"""scipy.signal's designs of filters as functions of their frequencies, waveforms and windows of traced parameters."""

from __future__ import annotations

import numpy as np
import pytest
import scipy.signal as sg

import gradjit as gj
from tests.tracer.scipy.calls import Call, check_gradients, check_values

T = np.linspace(0.013, 1.0, 40)
X = np.sin(9 * T) + 0.3 * np.cos(77 * T)
BANDS = ("low", "high", "bandpass", "bandstop")
ARGS = [np.array(0.3), np.array([0.2, 0.45])]


def edges(kind, w, v):
    return w if kind in ("low", "high") else v


DESIGNS: list[Call] = [
    *(lambda w, v, n=n, b=b, k=k: sg.butter(n, edges(b, w, v), b)[k] for n in (3,) for b in BANDS for k in (0, 1)),
    *(lambda w, v, n=n, b=b: sg.butter(n, edges(b, w, v), b, output="sos") for n in (2, 3) for b in BANDS),
    lambda w, v: sg.butter(3, v, "band", output="zpk")[2], lambda w, v: sg.butter(3, 10 * v, "band", analog=True)[0],
    lambda w, v: np.abs(sg.butter(2, v, "bandstop", output="zpk")[0]), lambda w, v: sg.butter(3, 9 * w, fs=20.0)[1],
    lambda w, v: sg.cheby1(4, 1.0, w)[1], lambda w, v: sg.cheby2(4, 20.0, w, output="sos"),
    lambda w, v: sg.ellip(5, 1.0, 30.0, w, "high", output="sos"), lambda w, v: sg.bessel(5, w)[1],
    lambda w, v: sg.ellip(4, 1.0, 30.0, v, "bandstop", output="sos"),
    lambda w, v: sg.iirfilter(3, v, ftype="butter")[0],
    lambda w, v: sg.iirnotch(w, 20 * v[0])[0], lambda w, v: sg.iirpeak(w, 8.0, fs=5.0)[1],
    lambda w, v: sg.sos2tf(sg.butter(4, w, output="sos"))[0],
    lambda w, v: np.abs(sg.freqz_zpk(*sg.butter(3, w, output="zpk"), worN=9)[1]),
    lambda w, v: sg.firwin(21, w), lambda w, v: sg.firwin(21, w, pass_zero=False, fs=3.0),
    lambda w, v: sg.firwin(21, v),
    lambda w, v: sg.firwin(20, v, pass_zero="bandpass", window=("kaiser", 5.0)),
    lambda w, v: sg.firwin(21, v, width=0.1, scale=False),
]
USED: list[Call] = [
    lambda w, v: sg.filtfilt(*sg.butter(3, w), X), lambda w, v: sg.lfilter(*sg.butter(3, v, "band"), X),
    lambda w, v: sg.sosfilt(sg.butter(4, w, output="sos"), X),
    lambda w, v: sg.sosfiltfilt(sg.butter(4, w, output="sos"), X, padlen=12),
    lambda w, v: np.abs(sg.freqz(*sg.butter(3, w), worN=16)[1]),
]
WAVES: list[Call] = [
    *(lambda w, v, m=m: sg.chirp(T, w, 1.1, 9 * v[1], m, phi=20) for m in ("linear", "quadratic", "log", "hyp")),
    lambda w, v: sg.chirp(T, w, 1.1, 5.0, "quadratic", vertex_zero=False),
    lambda w, v: sg.chirp(w * T, 2.0, 1.1, 2.0, "log"),
    lambda w, v: np.imag(sg.chirp(w * T, 2.0, 1.1, 3.0, complex=True)),
    lambda w, v: sg.sawtooth(60 * w * T, v[0]), lambda w, v: sg.sawtooth(60 * w * T),
    lambda w, v: w * sg.square(60 * T, w),
    *(lambda w, v, k=k: sg.gausspulse(T, 15 * w, v[1], retquad=True, retenv=True)[k] for k in range(3)),
    lambda w, v: sg.gausspulse("cutoff", 15 * w, v[1]),
    lambda w, v: sg.windows.kaiser(11, 7 * w), lambda w, v: sg.windows.kaiser(12, 7 * w, False),
    *(lambda w, v, a=a, s=s: sg.windows.tukey(11, a * w, s) for a in (-1.0, 1.4, 5.0) for s in (True, False)),
    lambda w, v: sg.get_window(("kaiser", 9 * w), 11), lambda w, v: sg.get_window(("gaussian", 9 * w), 11, False),
]


@pytest.mark.parametrize("calls", [DESIGNS[:8], DESIGNS[8:16], DESIGNS[16:], USED, WAVES],
                         ids=["coefficients", "sections", "others", "used", "waves"])
def test_values_and_gradients(calls: list[Call]) -> None:
    check_values(calls, ARGS, 1e-9)
    check_gradients(calls[::3], ARGS, 2e-6)


def test_a_cutoff_is_found_by_newtons_method():
    target = sg.sosfiltfilt(sg.butter(4, 0.3, output="sos"), X, padlen=12)
    loss = lambda w: np.sum((sg.sosfiltfilt(sg.butter(4, w, output="sos"), X, padlen=12) - target) ** 2)
    slope, second, w = gj.grad(loss), gj.grad(gj.grad(loss)), 0.31
    assert second(w) == pytest.approx((slope(w + 1e-4) - slope(w - 1e-4)) / 2e-4, rel=1e-4)
    for _ in range(5):
        w -= slope(w) / second(w)
    assert w == pytest.approx(0.3, abs=1e-6)
    batch = gj.vmap(lambda w: sg.butter(3, w)[1])(np.array([0.2, 0.3]))
    np.testing.assert_allclose(batch, [sg.butter(3, w)[1] for w in (0.2, 0.3)], rtol=1e-12)


@pytest.mark.parametrize("f, match", [
    (lambda w: sg.butter(3, 4 * w), "must be 0 < Wn < 1"), (lambda w: sg.butter(3, -w), "must be greater than 0"),
    (lambda w: sg.butter(3, w, "band"), "start and stop"), (lambda w: sg.butter(3, w, "odd"), "invalid bandtype"),
    (lambda w: sg.cheby1(3, None, w), "ripple"), (lambda w: sg.firwin(20, w, pass_zero=False), "even number"),
    (lambda w: sg.firwin(20, 4 * w), "Invalid cutoff"), (lambda w: sg.cheby1(3, w, w), "rp must be known"),
])
def test_bad_arguments(f, match):
    with pytest.raises((ValueError, gj.UnsupportedError), match=match):
        gj.jit(f)(0.3)
