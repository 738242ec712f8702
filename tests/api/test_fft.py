"""np.fft and scipy.fft: values and dtypes are theirs; derivatives are those of linear maps."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import scipy.fft as sf

import gradjit as gj
from gradjit.errors import ArgumentError, AxisError, DtypeError

RNG = np.random.default_rng(11)
X = RNG.normal(size=(4, 6))
Z = X + 1j * RNG.normal(size=(4, 6))
Function = Callable[..., Any]

LINES: list[Function] = [
    *(lambda x, f=f: f(x) for f in (np.fft.fft, np.fft.ifft, np.fft.hfft, np.fft.irfft)),
    *(lambda x, f=f, n=n: f(x, n) for f in (np.fft.fft, np.fft.ifft, np.fft.irfft, np.fft.hfft) for n in (1, 3, 8, 11)),
    *(lambda x, f=f, norm=norm: f(x, axis=0, norm=norm) for f in (np.fft.fft, np.fft.ifft, np.fft.irfft, np.fft.hfft)
      for norm in ("ortho", "forward", "backward")),
    *(lambda x, f=f, norm=norm: f(x, axis=-2, norm=norm) for f in (sf.fft, sf.ifft, sf.irfft, sf.hfft)
      for norm in (None, "ortho")),
]
REAL: list[Function] = [
    *(lambda x, f=f: f(x) for f in (np.fft.rfft, np.fft.ihfft)),
    *(lambda x, f=f, n=n: f(x, n) for f in (np.fft.rfft, np.fft.ihfft, sf.rfft) for n in (1, 3, 8, 11)),
    *(lambda x, f=f, norm=norm: f(x, axis=0, norm=norm) for f in (np.fft.rfft, np.fft.ihfft)
      for norm in ("ortho", "forward", "backward")),
    lambda x: np.fft.rfft2(x), lambda x: np.fft.rfftn(x, (5, 3), (1, 0), "ortho"), lambda x: sf.rfftn(x, norm="ortho"),
]
SEVERAL: list[Function] = [
    *(lambda x, f=f: f(x) for f in (np.fft.fft2, np.fft.ifft2, np.fft.fftn, np.fft.ifftn, np.fft.irfft2, np.fft.irfftn,
                                    sf.fft2, sf.ifftn, sf.irfftn)),
    *(lambda x, f=f: f(x, (5, 7), (0, 1), "ortho") for f in (np.fft.fft2, np.fft.ifftn, np.fft.irfftn, sf.fftn)),
    lambda x: np.fft.fftn(x, axes=(1,)), lambda x: np.fft.fftn(x[None], (3, 3), axes=(-1, 0)),
    lambda x: np.fft.fftn(x, axes=()) * 1,
    lambda x: np.fft.fftshift(np.fft.fft2(x)), lambda x: np.fft.ifftshift(np.fft.fft(x, axis=0), axes=1),
    lambda x: np.fft.fft(x) * np.fft.fftfreq(6) + np.fft.fft(x.T).T * sf.fftfreq(6, 0.1),
]
COSINES: list[Function] = [
    *(lambda x, f=f, t=t: f(x, t) for f in (sf.dct, sf.idct, sf.dst, sf.idst) for t in (1, 2, 3, 4)),
    *(lambda x, f=f, t=t, norm=norm: f(x, t, axis=0, norm=norm) for f in (sf.dct, sf.idct, sf.dst, sf.idst)
      for t in (1, 2, 3, 4) for norm in ("ortho", "forward")),
    *(lambda x, f=f, n=n: f(x, 2, n) for f in (sf.dct, sf.dst) for n in (2, 9)),
    *(lambda x, f=f: f(x, norm="ortho") for f in (sf.dctn, sf.idctn, sf.dstn, sf.idstn)),
    lambda x: sf.dctn(x, 3, (3, 8), (1, 0)), lambda x: sf.dct(x, 2, orthogonalize=True),
    *(lambda x, f=f, k=k: f(np.real(x), 0.1, 0.5, offset=0.2, bias=k) for f in (sf.fht, sf.ifht) for k in (0, 0.3)),
    lambda x: sf.dct(x, 3, norm="ortho", orthogonalize=False), lambda x: sf.dct(x, 4, 1), lambda x: sf.dst(x, 1, 1),
]


def check(f: Function, x: np.ndarray, tolerance: float = 1e-12) -> None:
    expected = f(x)
    got = gj.jit(f)(x)
    assert got.dtype == expected.dtype and got.shape == expected.shape
    np.testing.assert_allclose(got, expected, rtol=tolerance, atol=tolerance * max(1, np.abs(expected).max()))


def in_turn(functions: list[Function]) -> Function:
    """All of them in one compilation."""
    return lambda x: [f(x) for f in functions]


@pytest.mark.thinned
@pytest.mark.parametrize("functions,x", [
    (LINES, X), (LINES, Z), (REAL, X), (SEVERAL, X), (SEVERAL, Z), (COSINES[:24], X), (COSINES[24:], X),
    (COSINES[:6], Z), (LINES[:6], X.astype(np.float32)), (LINES[:6], Z.astype(np.complex64)),
    (REAL[:4], X.astype(np.float32)), (COSINES[:8], X.astype(np.float32)), (REAL[:2], np.arange(24).reshape(4, 6)),
    (LINES[:3], X > 0), (SEVERAL[:4], np.asfortranarray(Z)), (LINES[:9], Z[::-1, ::2]), (REAL[:4], X.T[::2]),
])
def test_values(functions: list[Function], x: np.ndarray) -> None:
    tolerance = 2e-5 if x.dtype in (np.float32, np.complex64) else 1e-12
    for k, (got, expected) in enumerate(zip(gj.jit(in_turn(functions))(x), in_turn(functions)(x), strict=True)):
        assert got.dtype == expected.dtype and got.shape == expected.shape, k
        np.testing.assert_allclose(got, expected, tolerance, tolerance * max(1, np.abs(expected).max()), err_msg=str(k))


@pytest.mark.thinned
@pytest.mark.parametrize("functions,x", [
    (LINES[:20], X), (LINES[20:], X), (LINES[:20], Z), (LINES[20:], Z), (REAL, X), (SEVERAL, X), (SEVERAL, Z),
    (COSINES[:24], X), (COSINES[24:], X),
])
def test_derivatives(functions: list[Function], x: np.ndarray) -> None:
    """Reverse against forward mode, and a quadratic loss against its exact difference."""
    def loss(x: Any) -> Any:
        total = 0.0
        for k, f in enumerate(functions):
            r = f(x)
            w = np.cos(np.arange(r.size) + k).reshape(r.shape)
            total = total + np.sum(w * np.real(r) ** 2) + np.sum((1 - w) * np.imag(r) ** 2) + np.sum(w * np.imag(r))
        return total

    d = RNG.normal(size=x.shape) + (1j * RNG.normal(size=x.shape) if x.dtype.kind == "c" else 0)
    value, gradient = gj.value_and_grad(loss)(x)
    slope = (loss(x + d) - loss(x - d)) / 2
    np.testing.assert_allclose(value, loss(x))
    np.testing.assert_allclose(np.sum((np.conj(gradient) * d).real), slope, rtol=1e-9)
    pushed = gj.jit(lambda x, d: gj.jvp(loss, (x,), (d,))[1], backend="interpreter")(x, d)
    np.testing.assert_allclose(pushed, slope, rtol=1e-9)


def test_second_order_batches_and_loops() -> None:
    def loss(x: Any) -> Any:
        for _ in range(3):
            x = np.fft.ifft(np.fft.fft(x) * np.exp(-0.1j * np.fft.fftfreq(len(x)) ** 2)) + 0.1 * np.abs(x) ** 2
        return np.sum(np.abs(np.fft.rfft(x.real)) ** 4)

    x = X[0]
    h = gj.hessian(loss)(x)
    g = gj.grad(loss)
    for k in range(3):
        e = np.eye(6)[k] * 1e-5
        np.testing.assert_allclose(h[k], (g(x + e) - g(x - e)) / 2e-5, rtol=1e-6, atol=1e-6)
    np.testing.assert_allclose(gj.vmap(g)(X), [g(row) for row in X])
    np.testing.assert_allclose(gj.jacobian(lambda x: np.fft.irfft(np.fft.rfft(x) ** 2))(x)[:, 0],
                               gj.jvp(lambda x: np.fft.irfft(np.fft.rfft(x) ** 2), (x,), (np.eye(6)[0],))[1])


def test_sizes() -> None:
    f = gj.jit(lambda x: np.fft.rfft(x * 2))
    for n in (4, 5, 6, 7, 64, 1):
        check(f.__wrapped__ if hasattr(f, "__wrapped__") else (lambda x: np.fft.rfft(x * 2)), RNG.normal(size=n))
        x = RNG.normal(size=n)
        np.testing.assert_allclose(f(x), np.fft.rfft(x * 2), atol=1e-13)


@pytest.mark.parametrize("f,error,words", [
    (lambda x: np.fft.fft(x, 0), ArgumentError, "data points"),
    (lambda x: np.fft.fft(x, norm="odd"), ArgumentError, "norm"),
    (lambda x: np.fft.fft(x, axis=2), AxisError, "out of bounds"),
    (lambda x: np.fft.rfft(x * 1j), DtypeError, r"np\.fft\.fft"),
    (lambda x: np.fft.fftn(x, (3,), (0, 1)), ArgumentError, "different lengths"),
    (lambda x: sf.dct(x, 5), ArgumentError, "type"),
    (lambda x: sf.dct(x, 1, 1), ArgumentError, "size < 2"),
])
def test_errors(f: Function, error: type[Exception], words: str) -> None:
    with pytest.raises(error, match=words):
        gj.jit(f)(X)
