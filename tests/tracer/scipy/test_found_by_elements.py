"""SciPy's functions that decide by elements, of traced values: neighbours, peaks, regions of pictures."""

from __future__ import annotations

import numpy as np
import pytest
import scipy.ndimage as sn
import scipy.signal as sg
import scipy.spatial as sp
import scipy.stats as st

import gradjit as gj

P = np.random.default_rng(0).random((20, 2))
Q = np.array([[0.1, 0.2], [0.8, 0.8]])
TREE = sp.cKDTree(P)
PICTURE = np.random.default_rng(1).random((8, 8))
WAVE = np.sin(np.arange(64) * 0.4) + 0.3 * np.random.default_rng(2).normal(size=64)
TOPS = sg.find_peaks(WAVE)[0]
MASKED = {f.__name__: f for f in (sn.binary_dilation, sn.binary_erosion, sn.binary_opening, sn.binary_closing,
                                  sn.binary_fill_holes, sn.distance_transform_edt, sn.distance_transform_cdt)}


def about_peaks(s, **conditions):
    peaks, about = sg.find_peaks(WAVE * s + s**2 * np.arange(64) / 64, **conditions)
    return np.sum(peaks) * s + sum(np.sum(v) for v in about.values())


def regions(s):
    labels, count = sn.label(PICTURE * s > 0.5)
    total = 0.0
    for k in range(1, count + 1):
        total = total + np.sum(PICTURE[labels == k] * s) ** 2
    return total


CASES = {
    "all distances": lambda s: np.sum(sp.distance_matrix(P * s, Q)) + np.sum(sp.distance_matrix(P * s, Q, p=1)),
    "mahalanobis": lambda s: sp.distance.mahalanobis(P[0] * s, P[1], np.eye(2) * 2 + 0.3),
    "neighbours": lambda s: np.sum(TREE.query(Q * s, k=3)[0]),
    "the nearest": lambda s: TREE.query(Q[0] * s)[0],
    "positions": lambda s: np.sum(P[TREE.query(Q * s)[1]] * s),
    "moving points": lambda s: np.sum(sp.KDTree(P * s).query(Q, k=[2, 4], p=1)[0]),
    "within a distance": lambda s: np.sum(1 / (1 + sp.cKDTree(P * s).query(Q, k=9, distance_upper_bound=0.4)[0])),
    "peaks": lambda s: np.sum((WAVE * s)[sg.find_peaks(WAVE * s)[0]]),
    "heights": lambda s: about_peaks(s, height=0.3, distance=4),
    "thresholds": lambda s: about_peaks(s, threshold=0.02),
    "prominences": lambda s: about_peaks(s, prominence=0.2),
    "widths": lambda s: about_peaks(s, width=1.5, prominence=0.2),
    "prominences there": lambda s: np.sum(sg.peak_prominences(WAVE * s, TOPS)[0]),
    "widths there": lambda s: np.sum(sg.peak_widths(WAVE * s + s**2 * np.arange(64) / 9, TOPS[:2], 0.4)[0]),
    "relative maxima": lambda s: np.sum((WAVE * s)[sg.argrelmax(WAVE * s, order=2)]),
    "regions": regions,
    **{name: lambda s, f=f: np.sum(f(PICTURE * s > 0.3) * PICTURE) * s for name, f in MASKED.items()},
}


@pytest.mark.thinned
@pytest.mark.parametrize("name", CASES)
def test_case(name):
    f, h = CASES[name], 1e-5
    value, slope = gj.value_and_grad(f)(0.8)
    assert value == pytest.approx(f(0.8))
    assert slope == pytest.approx((f(0.8 + h) - f(0.8 - h)) / (2 * h), rel=1e-4, abs=1e-6)
    assert gj.jvp(f, (0.8,), (1.0,))[1] == pytest.approx(slope, rel=1e-9, abs=1e-12)


def test_what_is_refused():
    with pytest.raises(gj.UnsupportedError, match="query_ball_point of a KDTree of traced points is not supported: "):
        gj.jit(lambda p: sp.KDTree(p).query_ball_point(Q, 0.1))(P)
    with pytest.raises(gj.UnsupportedError, match="find_peaks of traced samples does not take plateau_size="):
        gj.jit(lambda x: sg.find_peaks(x, plateau_size=2)[0])(WAVE)


SAMPLE, OTHER, EQUAL = (np.random.default_rng(0).normal(size=n) + s for n, s in ((12, 0.0), (9, 0.4), (12, 0.2)))
TESTS = {
    "mannwhitneyu": lambda x, y: st.mannwhitneyu(x, y, alternative="less"), "mood": lambda x, y: st.mood(x, y),
    "kruskal": lambda x, y: st.kruskal(x, y), "ks_2samp": lambda x, y: st.ks_2samp(x, y),
    "ansari": lambda x, y: st.ansari(x, y), "brunnermunzel": lambda x, y: st.brunnermunzel(x, y),
    "wilcoxon": lambda x, y: st.wilcoxon(x, EQUAL), "kendalltau": lambda x, y: st.kendalltau(x, EQUAL),
}


def test_tests_by_ranks():
    def everything(x, y):
        return [(t.statistic, t.pvalue) for t in (f(x, y) for f in TESTS.values())]

    for name, got, wanted in zip(TESTS, gj.jit(everything)(SAMPLE, OTHER), everything(SAMPLE, OTHER), strict=True):
        np.testing.assert_allclose(got, wanted, rtol=1e-14, err_msg=name)
    value = TESTS["mannwhitneyu"](SAMPLE, OTHER).pvalue
    slope = gj.grad(lambda x: TESTS["mannwhitneyu"](x, OTHER)[1] * x[0])(SAMPLE)
    np.testing.assert_allclose(slope, np.where(np.arange(12) == 0, value, 0.0))
    with pytest.raises(gj.UnsupportedError, match="scipy.stats.kruskal of traced samples takes vectors"):
        gj.jit(lambda x: st.kruskal(x, x))(np.ones((2, 3)))
