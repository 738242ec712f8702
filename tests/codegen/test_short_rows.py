"""Loops over rows of a few elements, of which several run side by side."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import gradjit as gj


def softmax(x: Any) -> Any:
    e = np.exp(x - np.max(x, axis=1, keepdims=True))
    return np.sum((e / np.sum(e, axis=1, keepdims=True)) ** 2)


@pytest.mark.parametrize("dtype", [np.float64, np.float32])
@pytest.mark.parametrize("k", [1, 2, 3, 4, 5, 6, 9])
def test_short_rows_side_by_side(k: int, dtype: Any) -> None:
    """Each row as if it were alone, whatever else its vector holds."""
    x = np.random.default_rng(k).normal(size=(101, k)).astype(dtype)
    value, gradient = gj.value_and_grad(softmax)(x)
    near = {"rtol": 1e-9, "atol": 1e-15} if dtype is np.float64 else {"rtol": 1e-2, "atol": 1e-6}
    np.testing.assert_allclose(value, softmax(x), rtol=1e-12 if dtype is np.float64 else 1e-5)
    for row in (0, 57, 100):
        np.testing.assert_allclose(gradient[row], gj.grad(softmax)(x[row:row + 1])[0], **near)
    x[57] = np.nan
    spoilt = gj.grad(softmax)(x)
    assert np.isnan(spoilt[57]).all() and np.array_equal(np.delete(spoilt, 57, 0), np.delete(gradient, 57, 0))


@pytest.mark.parametrize("n", [4, 5, 6, 7, 9, 11])
def test_rows_that_are_set_and_added_to(n: int) -> None:
    """The last vector of rows does not run rows once more whose sums begin again."""
    hessian = gj.hessian(lambda x: np.sum(np.sin(x) * x[0]))
    x = np.random.default_rng(5).normal(size=(n, 3))
    wanted = np.stack([hessian(row) for row in x])
    for given, axis in ((x, 0), (np.asfortranarray(x), 0), (np.ascontiguousarray(x.T), 1)):
        np.testing.assert_allclose(gj.vmap(hessian, in_axes=axis)(given), wanted, rtol=1e-13, atol=1e-14)
