"""scipy.signal: values, gradients, one filter under vmap and in a loop, bad arguments."""

from __future__ import annotations

import functools

import numpy as np
import pytest
import scipy.signal as sg

import gradjit as gj
from gradjit.errors import UnsupportedError
from tests.tracer.scipy.calls import Call, check_gradients, check_values

RNG = np.random.default_rng(0)
X, V, A, K = RNG.normal(size=40), RNG.normal(size=4), RNG.normal(size=(5, 6)), RNG.normal(size=(2, 3))
NUM, DEN = np.array([0.3, 0.2, 0.1]), np.array([1.1, -0.4, 0.2, 0.05])
LONG = RNG.normal(size=33)
SECTIONS = sg.butter(4, 0.3, output="sos")
ARGS = [X, V, A, K, NUM, DEN]

CONVOLUTIONS: list[Call] = [
    *(lambda x, v, a, k, n, d, m=m: sg.convolve(x, v, m) for m in ("full", "same", "valid")),
    lambda x, v, a, k, n, d: sg.convolve(v, x, "same"), lambda x, v, a, k, n, d: sg.convolve(a, k, "same"),
    lambda x, v, a, k, n, d: sg.fftconvolve(x, LONG), lambda x, v, a, k, n, d: sg.oaconvolve(a, k, "valid"),
    lambda x, v, a, k, n, d: sg.fftconvolve(a, a[:, :2], axes=1), lambda x, v, a, k, n, d: sg.correlate(v, x),
    lambda x, v, a, k, n, d: sg.correlate(x, v, "same"), lambda x, v, a, k, n, d: sg.correlate(v, x, "valid"),
    lambda x, v, a, k, n, d: sg.correlate(k, a, "same"), lambda x, v, a, k, n, d: sg.correlate2d(k, a, "valid"),
]
BOUNDARIES: list[Call] = [
    lambda x, v, a, k, n, d, m=m, b=b, f=f: f(a, k, m, b, 0.3)
    for f in (sg.convolve2d, sg.correlate2d) for m in ("full", "same", "valid") for b in ("fill", "wrap", "symm")]
FILTERS: list[Call] = [
    lambda x, v, a, k, n, d: sg.lfilter(n, d, x), lambda x, v, a, k, n, d: sg.lfilter(n, [2.0], x),
    lambda x, v, a, k, n, d: sg.lfilter(n, d, a, axis=0, zi=np.ones((3, 6)))[0],
    lambda x, v, a, k, n, d: sg.lfilter(n, d, x, zi=v[:3])[1], lambda x, v, a, k, n, d: sg.lfilter_zi(n, d),
    lambda x, v, a, k, n, d: sg.lfilter(n, [1.0], x, zi=v[:2])[1], lambda x, v, a, k, n, d: sg.filtfilt(n, d, x),
    lambda x, v, a, k, n, d: sg.filtfilt(n, d, x, padtype="even", padlen=5),
    lambda x, v, a, k, n, d: sg.sosfilt(SECTIONS, a, axis=0), lambda x, v, a, k, n, d: sg.sosfiltfilt(SECTIONS, x),
    lambda x, v, a, k, n, d: sg.deconvolve(x, d)[1],
    lambda x, v, a, k, n, d: sg.lfilter(x[:14], np.concatenate([[3.0], 0.1 * x[:13]]), x),
]
SMOOTHING: list[Call] = [
    lambda x, v, a, k, n, d: sg.detrend(x, bp=[10, 25]), lambda x, v, a, k, n, d: sg.detrend(a, 0, "constant"),
    lambda x, v, a, k, n, d: sg.savgol_filter(x, 7, 2), lambda x, v, a, k, n, d: sg.savgol_filter(a, 3, 1, 1, 0.5, 0),
    lambda x, v, a, k, n, d: sg.savgol_filter(x, 6, 2, mode="mirror"), lambda x, v, a, k, n, d: sg.medfilt(a, (3, 1)),
    lambda x, v, a, k, n, d: sg.wiener(x), lambda x, v, a, k, n, d: sg.decimate(x, 2),
    lambda x, v, a, k, n, d: sg.decimate(x, 3, ftype="fir"), lambda x, v, a, k, n, d: sg.upfirdn(v, x, 3, 2),
    lambda x, v, a, k, n, d: sg.resample_poly(x, 3, 2),
    lambda x, v, a, k, n, d: sg.resample_poly(a, 2, 3, axis=1, padtype="mean"),
]
SPECTRA: list[Call] = [
    lambda x, v, a, k, n, d: sg.hilbert(x).imag, lambda x, v, a, k, n, d: np.abs(sg.hilbert(a, 7, axis=0)),
    *(lambda x, v, a, k, n, d, m=m, c=c, w=w: sg.resample(x[:m], c, window=w)
      for m, c, w in [(40, 24, None), (40, 61, "hamming"), (35, 28, None), (34, 52, ("kaiser", 3.0))]),
    *(lambda x, v, a, k, n, d, c=c: np.abs(sg.resample(x + 1j * x[::-1], c)) for c in (24, 60, 27)),
    lambda x, v, a, k, n, d: sg.periodogram(x, 2.0, "hann", 50, "linear")[1],
    lambda x, v, a, k, n, d: sg.periodogram(x, nfft=30)[1], lambda x, v, a, k, n, d: sg.welch(x, nperseg=16)[1],
    lambda x, v, a, k, n, d: sg.welch(x, 3.0, nperseg=15, scaling="spectrum", average="median", detrend=False)[1],
    lambda x, v, a, k, n, d: np.imag(sg.csd(x, x[4:] ** 2, nperseg=16)[1]),
    lambda x, v, a, k, n, d: np.imag(sg.csd(x, x ** 2, nperseg=9, average="median", return_onesided=False)[1]),
    lambda x, v, a, k, n, d: sg.coherence(x, x ** 2, nperseg=8)[1],
    lambda x, v, a, k, n, d: sg.spectrogram(np.reshape(x, (20, 2)), nperseg=9, axis=0, mode="angle")[2],
    lambda x, v, a, k, n, d: np.imag(sg.stft(x, 2.0, nperseg=15, noverlap=9, boundary="even", scaling="psd")[2]),
    lambda x, v, a, k, n, d: np.imag(sg.stft(np.reshape(x, (20, 2)), nperseg=8, axis=0, boundary="odd")[2]),
    lambda x, v, a, k, n, d: sg.istft(0.5 * sg.stft(np.reshape(x, (2, 20)), nperseg=8)[2], nperseg=8)[1],
    lambda x, v, a, k, n, d: np.imag(sg.freqz(v, d, worN=12)[1]),
    lambda x, v, a, k, n, d: np.real(sg.freqz(v, d, worN=np.array([0.3, 1.2]), fs=8.0)[1]),
    lambda x, v, a, k, n, d: np.abs(sg.freqz_sos(np.where(np.arange(6) == 3, 1.0, a[:2]), 7, True)[1]),
]
CHIRPS: list[Call] = [
    lambda x, v, a, k, n, d: np.imag(sg.czt(x)), lambda x, v, a, k, n, d: np.real(sg.czt(a, 4, axis=0)),
    lambda x, v, a, k, n, d: np.imag(sg.czt(x, 50, np.exp(-0.1j - 0.01 * v[0]), 0.9 + 0.1j)),
    lambda x, v, a, k, n, d: np.abs(sg.zoom_fft(x, [0.2, 0.7], 15, endpoint=True)),
    lambda x, v, a, k, n, d: np.real(sg.zoom_fft(a, 0.1 * d[0], fs=3.0)),
    lambda x, v, a, k, n, d: np.imag(sg.hilbert2(a[:, :5])), lambda x, v, a, k, n, d: np.abs(sg.hilbert2(a, (7, 3))),
    *(lambda x, v, a, k, n, d, m=m: sg.lombscargle(np.cumsum(np.abs(x)), np.sin(x), v**2 + 0.3, **m) for m in (
        {}, {"normalize": True}, {"floating_mean": True, "weights": np.arange(1.0, 41.0)},
        {"floating_mean": True, "normalize": True})),
    lambda x, v, a, k, n, d: np.abs(sg.lombscargle(np.cumsum(np.abs(x)), x, v**2 + 0.3, normalize="amplitude")),
]
TRANSFER_FUNCTIONS: list[Call] = [
    lambda x, v, a, k, n, d: sg.group_delay((n, d), 9)[1],
    lambda x, v, a, k, n, d: sg.group_delay((n, 2), [0.3, 1.0])[0],
    lambda x, v, a, k, n, d: sg.group_delay((v, d), v**2, fs=4.0)[1],
    lambda x, v, a, k, n, d: sg.bilinear(n, d, 2.0)[0],
    lambda x, v, a, k, n, d: sg.bilinear(d, n, 0.7)[1], lambda x, v, a, k, n, d: sg.tf2ss(n, d)[0],
    lambda x, v, a, k, n, d: sg.tf2ss(v, d)[2], lambda x, v, a, k, n, d: sg.tf2ss(n[:1], d[:1])[3],
    lambda x, v, a, k, n, d: np.sort(np.abs(sg.tf2zpk(n, d)[1])), lambda x, v, a, k, n, d: sg.tf2zpk(n, d)[2],
    lambda x, v, a, k, n, d: sg.tf2sos(n, d), lambda x, v, a, k, n, d: sg.firls(7, [0, 0.3, 0.5, 1], n[[0, 0, 1, 1]]),
    lambda x, v, a, k, n, d: sg.order_filter(a, np.ones((3, 1)), 0),
    lambda x, v, a, k, n, d: sg.order_filter(x, [1, 0, 1, 1, 0], 2),
]


@pytest.mark.thinned
@pytest.mark.parametrize("calls", [CONVOLUTIONS, CHIRPS, TRANSFER_FUNCTIONS, BOUNDARIES, FILTERS, SMOOTHING,
                                   SPECTRA[::2]],
                         ids=["convolutions", "chirps", "transfer functions", "boundaries", "filters", "smoothing",
                              "spectra"])
def test_values(calls: list[Call]) -> None:
    check_values(calls, ARGS, 1e-9)


def test_spectra_have_their_frequencies_and_times() -> None:
    calls = [lambda x: sg.welch(x, nperseg=16), lambda x: sg.stft(x, 2.0, nperseg=16),
             lambda x: sg.freqz(x[:3], worN=5),
             lambda x: sg.spectrogram(x, nperseg=12), lambda x: sg.resample(x, 24, x)]
    for got, want in zip(gj.jit(lambda x: [f(x) for f in calls])(X), (f(X) for f in calls), strict=True):
        for g, w in zip(got, want, strict=True):
            np.testing.assert_allclose(g, w, atol=1e-12)
            assert g.dtype == w.dtype
    with pytest.raises(gj.GradjitError, match="noverlap must be less than nperseg"):
        gj.jit(lambda x: sg.welch(x, nperseg=8, noverlap=8))(X)


@pytest.mark.thinned
@pytest.mark.parametrize("calls", [CONVOLUTIONS[3:6], CHIRPS[::3], TRANSFER_FUNCTIONS[::4], BOUNDARIES[4::7],
                                   FILTERS[::4], SMOOTHING[::5], SPECTRA[::6]],
                         ids=["convolutions", "chirps", "transfer functions", "boundaries", "filters", "smoothing",
                              "spectra"])
def test_gradients(calls: list[Call]) -> None:
    check_gradients(calls, ARGS)


@pytest.mark.slow
@pytest.mark.parametrize("calls", [CONVOLUTIONS, CHIRPS, TRANSFER_FUNCTIONS, BOUNDARIES, FILTERS, SMOOTHING,
                                   SPECTRA])
def test_all_gradients(calls: list[Call]) -> None:
    check_gradients(calls, ARGS)


def test_a_long_filter_is_one_loop() -> None:
    text = gj.jit(lambda x: sg.lfilter([0.3, 0.2], [1.0, -0.5], x)).ir(np.zeros(5000), stage="optimized")
    assert text.count(" for ") == 1 and len(text.splitlines()) < 40


def test_under_vmap_and_in_a_loop() -> None:
    rows = np.stack([X, 2 * X])
    got = gj.vmap(lambda x: sg.lfilter(NUM, DEN, x))(rows)
    np.testing.assert_allclose(got, sg.lfilter(NUM, DEN, rows), rtol=1e-12)

    def twelve_times(x: np.ndarray) -> np.ndarray:
        for _ in range(12):
            x = sg.lfilter([0.5, 0.4], [1.0, -0.1], x)
        return x

    np.testing.assert_allclose(gj.jit(twelve_times)(X), twelve_times(X), rtol=1e-10)


def test_bad_arguments() -> None:
    with pytest.raises(ValueError, match="same dimensionality"):
        gj.jit(lambda x: sg.convolve(x, A))(X)
    with pytest.raises(ValueError, match="greater than padlen"):
        gj.jit(lambda x: sg.filtfilt(NUM, DEN, x))(X[:5])
    with pytest.raises(ValueError, match="zi"):
        gj.jit(lambda x: sg.lfilter(NUM, DEN, x, zi=np.zeros(7)))(X)
    with pytest.raises(UnsupportedError, match="gust"):
        gj.jit(lambda x: sg.filtfilt(NUM, DEN, x, method="gust"))(X)


@pytest.mark.parametrize("name", ["convolve", "correlate", "fftconvolve", "oaconvolve"])
@pytest.mark.parametrize("mode", ["full", "same", "valid"])
def test_nothing_is_convolved_as_scipy_does(name: str, mode: str) -> None:
    f = functools.partial(getattr(sg, name), mode=mode)
    for a, b in ((np.zeros(0), np.ones(3)), (np.ones(3), np.zeros(0)), (np.zeros(0), np.zeros(0))):
        try:
            expected = f(a, b)
        except ValueError as e:
            assert "cannot be empty" in str(e)
            with pytest.raises(ValueError, match="cannot be empty"):
                gj.jit(lambda a, b: f(a, b))(a, b)
        else:
            np.testing.assert_array_equal(gj.jit(lambda a, b: f(a, b))(a, b), expected)
