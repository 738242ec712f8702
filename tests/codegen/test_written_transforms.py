"""Fourier transforms written out as transforms of many lines: what NumPy computes, by any way that there is."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.testing import assert_allclose

from gradjit.codegen.written_transforms import LONGEST, factors, written_transforms
from gradjit.ir import interpret, parse, verify
from gradjit.runtime.kernel import compile_func

rng = np.random.default_rng(0)
LENGTHS = (1, 2, 5, 12, 64, 100, 101, 1009)
"""Of few elements, with two factors, prime; the last one's convolution is of 2048."""
KINDS = {
    "rfft": ("%x: {d}[{n}]", "{d}[{h},2]", "rfft %x"),
    "inverse": ("%x: {d}[{n},2]", "{d}[{n},2]", "fft %x inverse=true"),
    "middle": ("%x: {d}[3,{n},2,2]", "{d}[3,{n},2,2]", "fft %x inverse=false behind=1"),
    "irfft": ("%x: {d}[2,{h},2]", "{d}[2,{n}]", "irfft %x n={n}"),
}


def written(kind: str, n: int, dtype: str):
    parameter, result, op = (t.format(d=dtype, n=n, h=n // 2 + 1) for t in KINDS[kind])
    return parse(f"func @f({parameter}) -> {result} {{\n  %0: {result} = {op}\n  return %0\n}}")["f"]


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("dtype, eps", [("f64", 2e-15), ("f32", 1e-6)])
def test_they_are_what_numpy_computes(kind: str, dtype: str, eps: float) -> None:
    for n in LENGTHS:
        f = written(kind, n, dtype)
        other = written_transforms(f)
        verify(other)
        (p,) = f.params
        x = rng.normal(size=p.shape).astype(p.dtype.np)
        (expected,) = interpret(f, [x])
        size = np.abs(expected).max()
        for (found,) in (interpret(other, [x]), compile_func(other)(x)):
            assert_allclose(found / size, expected / size, rtol=0, atol=eps * max(np.log2(n), 1))
        kernel = compile_func(other)
        assert not any("numpy.fft" in name for name in kernel.lowered.externals)


def test_the_ends_of_half_a_line_are_read_as_reals() -> None:
    x = rng.normal(size=(2, 33, 2))
    x[:, [0, -1], 1] = np.nan
    f = written("irfft", 64, "f64")
    assert_allclose(interpret(written_transforms(f), [x])[0], interpret(f, [x])[0], atol=1e-13)


def test_what_is_left_as_it_is() -> None:
    """Too long ones, and those that are code of our own already."""
    own = "func @f(%x: f64[8,64,2]) -> f64[8,64,2] {\n  %0: f64[8,64,2] = fft %x inverse=false\n  return %0\n}"
    for f in (written("rfft", 2 * LONGEST, "f64"), parse(own)["f"]):
        assert str(written_transforms(f)) == str(f)


def test_factors() -> None:
    assert factors(64, 8) == (8, 8) and factors(65536, 8) == (256, 256) and factors(40, 8) is None
