"""Running sums, and the places of greatest and least elements, in chunks and in vectors."""

from __future__ import annotations

import numpy as np
import pytest

import gradjit as gj
from gradjit.codegen import cores, loopir
from tests.parallel.programs import CHUNK

rng = np.random.default_rng(8)


def running(x):
    return np.cumsum(x, axis=-1)


def of_dear(x):
    return np.cumsum(np.sin(x), axis=-1)


def backwards(x):
    return np.cumsum(x[..., ::-1], axis=-1)[..., ::-1]


def of_running(x):
    a, b = np.cumsum(np.sin(x)), np.cumsum(np.cos(x) * x)
    return a * b, np.cumsum(a * np.exp(-b * b)), np.argmax(a)


def shifted(x):
    y = np.sin(x)
    y[1:] = np.cumsum(y[:-1])
    return y


def products(x):
    return np.cumprod(1 + 0 * x + x // 3)


def steps(x):
    for _ in range(3):
        x = np.cumsum(np.tanh(x)) / x.size
    return x


def greatest(x):
    return np.argmax(x, axis=-1), np.argmin(x, axis=-1)


def of_something(x):
    return np.argmax(np.exp(x) * x), np.argmin(np.exp(x) - x)


def parts(result):
    return [np.asarray(r) for r in (result if isinstance(result, tuple) else (result,))]


@pytest.mark.thinned
@pytest.mark.parametrize("sizes", ["exact", "any"])
@pytest.mark.parametrize("chunk", [CHUNK, 2e5])
@pytest.mark.parametrize("dtype", [np.float64, np.float32, np.int64, np.int32])
@pytest.mark.parametrize("f", [running, of_dear, backwards, of_running, shifted, products, steps])
def test_scans(f, dtype, chunk, sizes):
    with cores.limits(chunk=chunk):
        compiled = gj.jit(f, sizes=sizes)
        for n in (1, 2, 9, 64, 257, 1500):
            x = (rng.normal(size=n) * 2).astype(dtype)
            if f is shifted and dtype in (np.int64, np.int32):
                continue
            found = []
            for threads in (1, 2, 7):
                with gj.threads(threads):
                    found.append(parts(compiled(x)))
            for other in found[1:]:
                assert [a.tobytes() for a in other] == [a.tobytes() for a in found[0]]
            for a, b in zip(parts(f(x)), found[0], strict=True):
                assert a.dtype == b.dtype
                tolerance = 2e-3 if a.dtype == np.float32 else 1e-10
                np.testing.assert_allclose(b, a, rtol=tolerance, atol=tolerance * max(1, np.abs(a).max()))


@pytest.mark.thinned
@pytest.mark.parametrize("sizes", ["exact", "any"])
@pytest.mark.parametrize("chunk", [CHUNK, 2e5])
@pytest.mark.parametrize("dtype", [np.float64, np.float32, np.int64, np.int8, bool])
def test_places(dtype, chunk, sizes):
    """The first of equals, the first nan of all, whatever the lanes and chunks."""
    with cores.limits(chunk=chunk):
        compiled = gj.jit(greatest, sizes=sizes)
        for shape in ((1,), (3,), (8,), (9,), (100,), (1000,), (5, 9), (40, 33), (70, 4)):
            for kind in range(6):
                x = (rng.integers(-3, 4, shape) if kind < 3 else rng.normal(size=shape) * 100).astype(dtype)
                if dtype in (np.float64, np.float32):
                    x[rng.random(shape) < 0.3] = {1: np.nan, 4: np.inf, 5: -np.inf}.get(kind, 0)
                    x = np.full_like(x, -np.inf) if kind == 2 else x
                if kind == 0:
                    x[...] = x.flat[0]
                for threads in (1, 3):
                    with gj.threads(threads):
                        for a, b in zip(greatest(x), compiled(x), strict=True):
                            np.testing.assert_array_equal(a, b)


def test_places_of_what_is_computed():
    x = rng.normal(size=3000)
    with cores.limits(chunk=CHUNK):
        f = gj.jit(of_something)
        assert "argmax" in f.ir(x, stage="loops") and "lanes" in f.ir(x, stage="loops")
        assert tuple(map(int, f(x))) == tuple(map(int, of_something(x)))


def loss(x):
    return np.sum(np.cumsum(np.exp(-x * x)) ** 2) + 1e-3 * np.sum(np.cumsum(np.cumsum(x)))


def test_derivatives():
    x, v = rng.normal(size=(2, 700))
    with cores.limits(chunk=CHUNK):
        gradient = gj.grad(loss)(x)
        np.testing.assert_allclose(gj.jvp(loss, (x,), (v,))[1], gradient @ v, rtol=1e-12)
    h = 1e-6 * v
    np.testing.assert_allclose((loss(x + h) - loss(x - h)) / 2, gradient @ h, rtol=1e-6)


@pytest.mark.parametrize("f", [running, of_dear, backwards, of_running, of_something])
def test_the_text_is_what_runs(f):
    x = rng.normal(size=700)
    with cores.limits(chunk=CHUNK):
        text = gj.jit(f).ir(x, stage="loops")
    assert "chunks" in text
    kernel = loopir.parse(text)
    loopir.verify(kernel)
    assert loopir.print_program(kernel) == text
    for last_first in (False, True):
        for a, b in zip(parts(f(x)), loopir.interpret(kernel, (x,), backwards=last_first), strict=True):
            np.testing.assert_allclose(b, a, rtol=1e-9, atol=1e-9)
