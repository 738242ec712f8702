"""Leaves that other variables are written into, and variables that only zero derivatives reach."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.testing import assert_array_equal

import gradjit as gj


def leaf(*x: float) -> gj.Tensor:
    return gj.tensor(x, requires_grad=True)


@pytest.mark.parametrize("looks", [False, True])
def test_derivatives_pass_what_was_written_whoever_looks(looks: bool) -> None:
    x, w = leaf(1.0, 2.0), leaf(0.0, 0.0)
    for _ in range(3):
        w[0] = x[0] ** 2
        if looks:
            w.numpy()
        w[1] = 3 * x[1]
        if looks:
            assert w.sum() == 7
        assert not w.is_leaf
        (w * w).sum().backward()
        assert_array_equal(x.grad, [4, 36])
        assert_array_equal(w.grad, [2, 12])
        assert w.is_leaf
        x.grad = w.grad = None


@pytest.mark.parametrize("looks", [False, True])
def test_a_derived_tensor_that_was_written_to_keeps_the_gradient_of_what_it_holds(looks: bool) -> None:
    x = leaf(1.0, 2.0)
    y = x * 2
    y.retain_grad()
    z = (y * y).sum()
    if looks:
        y.numpy()
    y[0] = 5.0
    (z + (y * y).sum()).backward()
    assert_array_equal(y.grad, [10, 8])
    assert_array_equal(x.grad, [8, 32])


def test_an_update_by_its_own_gradient_leaves_a_leaf_without_a_past() -> None:
    w = leaf(1.0, 2.0)
    for _ in range(3):
        (w * w).sum().backward()
        w -= 0.1 * w.grad
        w.numpy()
        w.grad = None
    assert w.is_leaf and w._source is None
    np.testing.assert_allclose(w, [0.512, 1.024])


def test_variables_that_only_zeros_reach() -> None:
    x = leaf(1.5, 2.5)
    (np.floor(x) + x[:0].sum()).sum().backward()
    assert_array_equal(x.grad, [0, 0])
    x.grad = None
    z = +x
    z[:] = 2.0
    (z * z).sum().backward()
    assert_array_equal(x.grad, [0, 0])
    y = leaf(1.5)
    (y.detach() * x).sum().backward()
    assert y.grad is None


def test_an_index_that_is_a_buffer() -> None:
    x = leaf(1.0, 2.0, 3.0)
    x[np.array([2, 0]).data].sum().backward()
    assert_array_equal(x.grad, [1, 0, 1])
