"""Numba's `prange` is a `range`: which loops run on all cores is found out, not told."""

from __future__ import annotations

import numpy as np
import pytest

import gradjit as gj

numba = pytest.importorskip("numba")


def plain(x, n):
    total = 0.0
    for i in numba.prange(n):
        total += x[i] ** 2
    for i in numba.prange(1, len(x) - 1, 2):
        total += x[i]
    return total


@numba.njit(parallel=False)
def compiled(x, n):
    total = 0.0
    for i in numba.prange(n):
        total += x[i] ** 2
    for i in numba.prange(1, len(x) - 1, 2):
        total += x[i]
    return total


@pytest.mark.parametrize("f", [plain, compiled])
@pytest.mark.parametrize("sizes", ["exact", "any"])
def test_prange_is_range(f, sizes):
    x = np.linspace(0, 1, 21)
    value, gradient = gj.value_and_grad(f, sizes=sizes)(x, 21)
    expected = 2 * x
    expected[1:-1:2] += 1
    assert value == pytest.approx(plain(x, 21))
    np.testing.assert_allclose(gradient, expected)


def test_of_a_traced_number():
    x = np.linspace(0, 1, 21)
    assert gj.jit(plain)(x, np.int64(5)) == pytest.approx(plain(x, 5))
