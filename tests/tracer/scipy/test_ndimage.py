"""scipy.ndimage: values under every mode, gradients by elements, weights and places, bad arguments."""

from __future__ import annotations

import numpy as np
import pytest
import scipy.ndimage as sn

import gradjit as gj
from gradjit.errors import UnsupportedError
from tests.tracer.scipy.calls import Call, check_gradients, check_values

RNG = np.random.default_rng(0)
X, A, V, B = RNG.normal(size=9), RNG.normal(size=(5, 6)), RNG.normal(size=4), RNG.normal(size=(3, 2))
PLACES = RNG.uniform(0.1, 3.9, size=(2, 4))
FAR = RNG.uniform(-9, 14, size=(2, 8))
CUBE = RNG.normal(size=(3, 4, 3))
LABELS = np.array([1, 3, 0, 2, 3, 1, 1, 3, 0])
FILTER_MODES = ("reflect", "constant", "nearest", "mirror", "wrap")
MODES = (*FILTER_MODES, "grid-mirror", "grid-constant", "grid-wrap")
CROSS = [[0, 1, 0], [1, 1, 1], [0, 1, 0]]
ARGS = [X, A, V, B, PLACES]

FILTERS: list[Call] = [
    *(lambda x, a, v, b, p, m=m: sn.correlate1d(x, v, mode=m, cval=0.3) for m in FILTER_MODES),
    lambda x, a, v, b, p: sn.convolve1d(a, v, axis=0, origin=1), lambda x, a, v, b, p: sn.gaussian_filter(a, 1.0),
    lambda x, a, v, b, p: sn.correlate1d(a, np.ones(17), axis=0, mode="mirror"),
    lambda x, a, v, b, p: sn.gaussian_filter(a, (0.5, 1.2), order=(1, 2), mode=("wrap", "nearest")),
    lambda x, a, v, b, p: sn.gaussian_filter1d(x, 0.7, order=3), lambda x, a, v, b, p: sn.sobel(a),
    lambda x, a, v, b, p: sn.gaussian_filter(a, 1.0, axes=1, radius=2), lambda x, a, v, b, p: sn.prewitt(a, 0),
    lambda x, a, v, b, p: sn.uniform_filter(a, (3, 4), origin=(1, -1)), lambda x, a, v, b, p: sn.laplace(a),
    lambda x, a, v, b, p: sn.gaussian_laplace(a, 0.8), lambda x, a, v, b, p: sn.gaussian_gradient_magnitude(a, 0.8),
    lambda x, a, v, b, p: sn.correlate(a, b, origin=(1, 0)), lambda x, a, v, b, p: sn.convolve(a, b, mode="wrap"),
    lambda x, a, v, b, p: sn.correlate(a, np.ones((6, 5)), mode="mirror"),
]
SPECTRA: list[Call] = [
    lambda x, a, v, b, p: np.abs(sn.fourier_gaussian(np.fft.fft2(a), (1.0, 0.3))),
    lambda x, a, v, b, p: np.imag(sn.fourier_shift(np.fft.rfft2(a), shift=[0.5, 2.0], n=6)),
    lambda x, a, v, b, p: sn.fourier_uniform(a, 3), lambda x, a, v, b, p: sn.fourier_ellipsoid(a, size=2.0),
]
RANKS: list[Call] = [
    lambda x, a, v, b, p: sn.median_filter(x, 3), lambda x, a, v, b, p: sn.median_filter(a, (2, 3), origin=(0, 1)),
    lambda x, a, v, b, p: sn.maximum_filter(a, 3), lambda x, a, v, b, p: sn.maximum_filter(a, footprint=CROSS),
    lambda x, a, v, b, p: sn.minimum_filter(a, (2, 4), mode="constant", cval=-0.2, origin=(-1, 1)),
    lambda x, a, v, b, p: sn.percentile_filter(a, 30, 3), lambda x, a, v, b, p: sn.rank_filter(a, -2, 2),
    lambda x, a, v, b, p: sn.maximum_filter1d(a, 40, axis=0),
]
GREY = (sn.grey_erosion, sn.grey_dilation, sn.grey_opening, sn.grey_closing, sn.white_tophat, sn.black_tophat,
        sn.morphological_gradient, sn.morphological_laplace)
MORPHOLOGY: list[Call] = [
    *(lambda x, a, v, b, p, f=f: f(a, structure=b) for f in GREY),
    *(lambda x, a, v, b, p, f=f: f(a, size=(2, 3), mode="constant", cval=0.1) for f in GREY),
    *(lambda x, a, v, b, p, f=f: f(a, footprint=CROSS, mode="wrap") for f in GREY[:3]),
    *(lambda x, a, v, b, p, f=f: f(a, size=4, origin=1) for f in GREY[:3]),
    *(lambda x, a, v, b, p, f=f: f(a, structure=b, footprint=[[1, 0], [1, 1], [0, 1]]) for f in GREY[:3]),
    *(lambda x, a, v, b, p, f=f: f(a, structure=v, axes=(0,)) for f in GREY[:3]),
    *(lambda x, a, v, b, p, f=f: f(a, size=(3, 2), axes=(1, 0)) for f in GREY[1:3]),
]
PLACED: list[Call] = [
    *(lambda x, a, v, b, p, m=m, o=o: sn.map_coordinates(a, FAR + 0.01 * x[:2, None], order=o, mode=m, cval=0.3)
      for m in MODES for o in (1, 3)),
    *(lambda x, a, v, b, p, o=o: sn.map_coordinates(a, p, order=o) for o in (0, 2, 4, 5)),
    lambda x, a, v, b, p: sn.map_coordinates(a, p, prefilter=False),
]
RESAMPLED: list[Call] = [
    *(lambda x, a, v, b, p, m=m: sn.shift(a, (0.5, -1.3), mode=m, cval=0.2) for m in MODES),
    lambda x, a, v, b, p: sn.shift(a, v[:2], order=1, mode="nearest"), lambda x, a, v, b, p: sn.zoom(a, 2),
    lambda x, a, v, b, p: sn.zoom(a, (1.6, 0.5), order=1, grid_mode=True, mode="grid-constant"),
    lambda x, a, v, b, p: sn.rotate(a, 30.0), lambda x, a, v, b, p: sn.rotate(a, 20 * v[0], reshape=False, order=1),
    lambda x, a, v, b, p: sn.rotate(CUBE * v[0], 20, axes=(0, 2), order=1),
    lambda x, a, v, b, p: sn.affine_transform(a, np.eye(2) + 0.1 * b[:2], v[:2], order=1),
    lambda x, a, v, b, p: sn.affine_transform(a, np.array([0.9, 1.1]), 0.2, output_shape=(4, 3)),
    *(lambda x, a, v, b, p, m=m, o=o: sn.spline_filter1d(a, o, axis=0, mode=m)
      for m in ("mirror", "reflect", "grid-wrap") for o in (2, 5)),
]
MEASURED: list[Call] = [
    lambda x, a, v, b, p: sn.sum_labels(x, LABELS, [1, 3]), lambda x, a, v, b, p: sn.mean(x, LABELS, [3, 1, 1]),
    lambda x, a, v, b, p: sn.variance(x, LABELS), lambda x, a, v, b, p: sn.standard_deviation(x, LABELS, 3),
    lambda x, a, v, b, p: sn.maximum(x, LABELS, [0, 3]), lambda x, a, v, b, p: sn.center_of_mass(a ** 2)[1],
    lambda x, a, v, b, p: sn.center_of_mass(x ** 2, LABELS, [1, 3])[1][0], lambda x, a, v, b, p: sn.mean(a),
]
GROUPS = [FILTERS, SPECTRA, RANKS, MORPHOLOGY, PLACED, RESAMPLED, MEASURED]
NAMES = ["filters", "spectra", "ranks", "morphology", "placed", "resampled", "measured"]


@pytest.mark.thinned
@pytest.mark.parametrize("calls", [FILTERS[::3], SPECTRA, RANKS[::2], MORPHOLOGY[::3], PLACED[4::14],
                                   RESAMPLED[1::11], MEASURED], ids=NAMES)
def test_values_and_gradients(calls: list[Call]) -> None:
    check_values(calls, ARGS, 1e-10)
    check_gradients(calls, ARGS)


@pytest.mark.slow
@pytest.mark.parametrize("calls", GROUPS, ids=NAMES)
def test_all_values(calls: list[Call]) -> None:
    check_values(calls, ARGS, 1e-10)


@pytest.mark.slow
@pytest.mark.parametrize("calls", GROUPS, ids=NAMES)
def test_all_gradients(calls: list[Call]) -> None:
    check_gradients(calls, ARGS)


def test_the_dtype_is_that_of_the_input() -> None:
    image = np.arange(30, dtype=np.int32).reshape(5, 6) ** 2
    got = gj.jit(lambda a: (sn.uniform_filter(a, 3), sn.maximum_filter(a, 3)))(image)
    for g, e in zip(got, (sn.uniform_filter(image, 3), sn.maximum_filter(image, 3)), strict=True):
        assert g.dtype == e.dtype
        np.testing.assert_array_equal(g, e)


def test_a_structure_of_fractions_for_an_image_of_whole_numbers() -> None:
    image = RNG.integers(0, 9, (5, 6))
    got = gj.jit(lambda a: [f(a, structure=B) for f in GREY])(image)
    for g, f in zip(got, GREY, strict=True):
        np.testing.assert_array_equal(g, f(image, structure=B))
    tophat = gj.jit(lambda a: sn.white_tophat(a > 0, size=3))(A)
    np.testing.assert_array_equal(tophat, sn.white_tophat(A > 0, size=3))


def test_bad_arguments() -> None:
    with pytest.raises(ValueError, match="size, footprint, or structure must be specified"):
        gj.jit(lambda a: sn.grey_erosion(a))(A)
    with pytest.raises(ValueError, match="origin"):
        gj.jit(lambda x: sn.correlate1d(x, [1, 2, 1], origin=5))(X)
    with pytest.raises(ValueError, match="mode"):
        gj.jit(lambda x: sn.gaussian_filter(x, 1.0, mode="symmetric"))(X)
    with pytest.raises(UnsupportedError, match="radius="):
        gj.jit(lambda x, s: sn.gaussian_filter1d(x, s))(X, 1.0)
    with pytest.raises(UnsupportedError, match="reshape=False"):
        gj.jit(lambda a, t: sn.rotate(a, t))(A, 10.0)


def test_places_that_a_function_tells():
    def bent(c):
        if c[0] > 1:
            return c[0] - 0.3, c[1] * 0.9
        return c[0] * 0.5 + 0.1, c[1] * 0.5

    def scaled(c, k, q=1.0):
        return c[0] * k, c[1] * q

    picture = np.arange(12.0).reshape(3, 4) ** 1.2
    calls = [
        lambda a, k: sn.geometric_transform(a, bent, (5, 3), order=1, mode="reflect"),
        lambda a, k: sn.geometric_transform(a, scaled, order=1, extra_arguments=(k,), extra_keywords={"q": 0.6}),
        lambda a, k: sn.geometric_transform(picture[0], lambda c: (c[0] * k + 0.2,)),
    ]
    check_values(calls, (picture, 0.7))
    check_gradients(calls, (picture, 0.7))
    with pytest.raises(ValueError, match="1 coordinates for an input of 2 axes"):
        gj.jit(lambda a: sn.geometric_transform(a, lambda c: (c[0],)))(picture)
