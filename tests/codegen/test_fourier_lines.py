"""Fourier transforms of many lines by code of our own: as exact as NumPy's, wherever the lines stand."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
import scipy.fft

import gradjit as gj
from gradjit.codegen import cores, loopir
from gradjit.codegen.routines.fourier_passes import LONGEST, is_made_of_passes, radices_of, roots_of_unity
from gradjit.codegen.target import Machine
from gradjit.ir import F32, F64

RNG = np.random.default_rng(5)
LENGTHS = (1, 2, 3, 4, 5, 7, 8, 11, 12, 15, 16, 21, 30, 32, 64, 77, 100, 128, 210, 243, 256, 343, 360, 512, 625, 1000,
           2310, 4096)
CODE = "call fft_lines"


def complex_normal(*shape: int, dtype: type = np.complex128) -> np.ndarray:
    return (RNG.normal(size=shape) + 1j * RNG.normal(size=shape)).astype(dtype)


def exact(x: np.ndarray, axis: int, inverse: bool) -> np.ndarray:
    wide = x.astype(np.clongdouble)
    return scipy.fft.ifft(wide, axis=axis, norm="forward") if inverse else scipy.fft.fft(wide, axis=axis)


def last(x):
    return np.fft.fft(x)


def first(x):
    return np.fft.fft(x, axis=0)


def last_inverse(x):
    return np.fft.ifft(x, norm="forward")


def first_inverse(x):
    return np.fft.ifft(x, axis=0, norm="forward")


@pytest.mark.thinned
@pytest.mark.parametrize("dtype", [np.complex128, np.complex64])
@pytest.mark.parametrize("n", LENGTHS)
def test_errors_are_a_few_units_of_the_last_place(n: int, dtype: type) -> None:
    """Of the length of each line, as pocketfft's: those grow with the logarithm of n."""
    allowed = (1.5 + 0.4 * np.log2(n)) * np.finfo(dtype).eps
    for f, axis, inverse in ((last, 1, False), (first, 0, False), (last_inverse, 1, True), (first_inverse, 0, True)):
        x = complex_normal(*((n, 18) if axis == 0 else (18, n)), dtype=dtype)
        x *= 10.0 ** RNG.integers(-9, 9, (1, 18) if axis == 0 else (18, 1))  # no line has errors of another one's
        compiled = gj.jit(f)
        assert CODE in compiled.ir(x, stage="loops")
        expected = exact(x, axis, inverse)
        error = np.linalg.norm(compiled(x) - expected, axis=axis) / np.linalg.norm(expected, axis=axis)
        assert error.max() <= allowed, (f.__name__, error.max() / np.finfo(dtype).eps)


@pytest.mark.parametrize("n", [1, 2, 3, 7, 8, 12, 100, 4096])
def test_roots_of_unity_are_rounded_once(n: int) -> None:
    angle = -2 * np.arccos(np.longdouble(-1)) * np.arange(n) / n
    expected = np.stack([np.cos(angle), np.sin(angle)], -1)
    assert np.abs(roots_of_unity(n, F64) - expected).max() <= 1.2e-16
    np.testing.assert_array_equal(roots_of_unity(n, F32), roots_of_unity(n, F64).astype(np.float32))
    assert (roots_of_unity(n, F64)[0] == (1, 0)).all()


def test_which_lengths() -> None:
    assert [radices_of(n) for n in (1, 8, 12, 77)] == [[], [4, 2], [4, 3], [7, 11]]
    assert [radices_of(n, wide=True) for n in (8, 16, 256, 1024)] == [[8], [4, 4], [8, 8, 4], [4, 8, 8, 4]]
    assert not any(map(is_made_of_passes, (0, 13, 26, 2 * LONGEST, 169)))
    assert all(map(is_made_of_passes, LENGTHS))


@pytest.mark.parametrize("shape,axis", [((7, 16), 1), ((16, 13), 1), ((30,), 0), ((16, 2 * LONGEST), 1)])
def test_others_are_numpys(shape: tuple[int, ...], axis: int) -> None:
    x = complex_normal(*shape)
    compiled = gj.jit(last)
    text = compiled.ir(x, stage="loops")
    assert CODE not in text and "call fft(" in text
    np.testing.assert_allclose(compiled(x), np.fft.fft(x), rtol=1e-12, atol=1e-11)


def both_axes(x):
    return np.fft.fft2(x)


def all_axes(x):
    return np.fft.ifftn(x)


def middle(x):
    return np.fft.fft(x, axis=1, norm="ortho")


def a_part(x):
    return np.fft.fft(x[::-1, 1::2], axis=-2)


def padded(x):
    return np.fft.fft(x, 20, axis=0)


def of_reals(x):
    return np.fft.fft2(x.real)


def read_in_other_shapes(x):
    y = np.fft.fft(x)
    return y.reshape(-1)[::3], y.T, np.fft.ifft(y.reshape(-1, 8), axis=0), np.sum(np.abs(y), axis=0)


def between(x):
    y = np.fft.fft2(2 * x)
    return np.fft.ifft2(y * np.conj(y) + 0.5 * y) * 3


def halves(x):
    return np.fft.irfftn(np.fft.rfftn(x.real))


FUNCTIONS: tuple[Callable, ...] = (
    last, first, both_axes, all_axes, middle, a_part, padded, of_reals, read_in_other_shapes, between, halves)
SHAPES = ((16, 16), (9, 24), (24, 10), (3, 18, 16), (16, 18, 4), (2, 3, 4, 32), (40, 8))
LAYOUTS: dict[str, Callable[[np.ndarray], np.ndarray]] = {
    "rows": lambda x: x, "columns": np.asfortranarray, "apart": lambda x: np.stack([x, x], -1)[..., 1],
    "backwards": lambda x: np.ascontiguousarray(x[::-1])[::-1], "one": lambda x: np.broadcast_to(x[:1], x.shape),
    "reals": lambda x: x.real.copy()}


@pytest.mark.thinned
@pytest.mark.parametrize("layout", LAYOUTS)
@pytest.mark.parametrize("f", FUNCTIONS)
def test_wherever_the_lines_stand(f: Callable, layout: str) -> None:
    for shape in SHAPES:
        x = LAYOUTS[layout](complex_normal(*shape))
        expected, got = f(x), gj.jit(f)(x)
        for a, b in zip(*(r if isinstance(r, tuple) else (r,) for r in (expected, got)), strict=True):
            assert a.dtype == b.dtype
            np.testing.assert_allclose(b, a, rtol=1e-12, atol=1e-12 * np.abs(a).max())


@pytest.mark.parametrize("machine", [Machine(16, False), Machine(32, True), Machine(64, True)])
def test_vectors_of_any_width(machine: Machine, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("gradjit.codegen.this_machine", lambda: machine)
    for dtype in (np.complex128, np.complex64):
        for n in (8, 9, 64, 60, 256):
            x = complex_normal(19, n, dtype=dtype)
            for f in (last, both_axes):
                compiled = gj.jit(f)
                lanes = machine.vector_bytes // (x.itemsize // 2)
                assert f"'lanes': {lanes}, 'fuses': {machine.multiply_adds}" in compiled.ir(x, stage="loops")
                expected = f(x.astype(complex))
                error = np.linalg.norm(compiled(x) - expected) / np.linalg.norm(expected)
                assert error <= 4 * np.finfo(dtype).eps


def power(x):
    y = np.fft.fft2(x + 1j * x**2)
    return np.sum(np.abs(np.fft.ifft(y * np.cos(x), axis=0))**2)


@pytest.mark.parametrize("dtype", [np.float64, np.float32])
def test_derivatives(dtype: type) -> None:
    """Both modes, twice, against finite differences."""
    x = RNG.normal(size=(9, 10) if dtype is np.float64 else (18, 20)).astype(dtype)
    assert CODE in gj.grad(power).ir(x, stage="loops")
    if dtype is np.float64:
        gj.check_grads(power, x, order=2)
    v = RNG.normal(size=x.shape).astype(dtype)
    _, forward = gj.jvp(power, (x,), (v,))
    np.testing.assert_allclose(forward, np.sum(gj.grad(power)(x) * v), rtol=1e-9 if dtype is np.float64 else 1e-3)


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf, 1e308])
def test_a_line_that_is_not_finite_leaves_the_others_alone(value: float) -> None:
    x = complex_normal(20, 16)
    other = x.copy()
    other[5, 3] = value
    f = gj.jit(last)
    clean, spoilt = f(x), f(other)
    rows = np.arange(20) != 5
    assert clean[rows].tobytes() == spoilt[rows].tobytes()
    assert not (spoilt[5] == clean[5]).any()


def propagated(x, transfer):
    return np.fft.ifft2(np.fft.fft2(x) * transfer)


def test_planes_pass_from_transform_to_transform() -> None:
    """Nothing is copied between them: factors are taken along, and lines read across where they stand."""
    x = complex_normal(32, 32)
    text = gj.jit(propagated).ir(x, x, stage="loops")
    assert text.count(CODE) == 4
    assert sum(line.lstrip().startswith("for ") for line in text.splitlines()) <= 2


@pytest.mark.parametrize("f", [both_axes, middle, between, read_in_other_shapes])
def test_in_chunks(f: Callable) -> None:
    """Whatever the number of threads, the same bits; and those of the interpreter of loops, whose chunks come last
    first, are the same numbers."""
    x = complex_normal(64, 40)
    with cores.limits(chunk=300.0):
        compiled = gj.jit(f)
        text = compiled.ir(x, stage="loops")
        assert any("chunks" in a and CODE in b for a, b in zip(text.splitlines(), text.splitlines()[1:], strict=False))
        found = []
        for n in (1, 2, 3, 7, 16):
            with gj.threads(n):
                result = compiled(x)
                found.append([np.asarray(r).tobytes() for r in (result if isinstance(result, tuple) else (result,))])
        assert all(other == found[0] for other in found)
        kernel = loopir.parse(text)
        loopir.verify(kernel)
        assert loopir.print_program(kernel) == text
        parts = np.stack([x.real, x.imag], -1)
        for backwards in (False, True):
            judge = loopir.interpret(kernel, (parts,), backwards=backwards)
            np.testing.assert_allclose(judge[0].reshape(-1)[:2], parted(compiled(x))[:2], rtol=1e-9)


def parted(result: object) -> np.ndarray:
    z = np.asarray(result[0] if isinstance(result, tuple) else result).reshape(-1)
    return np.stack([z.real, z.imag], -1).reshape(-1)
