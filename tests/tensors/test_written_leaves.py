"""Leaves that other variables are written into, and variables that only zero derivatives reach."""

from __future__ import annotations

import contextlib
from collections.abc import Callable
from typing import Any

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
    assert w.is_leaf and w._source.leaf() is w
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


@pytest.mark.parametrize("write", [
    lambda o, t: np.add(t, 1.0, out=o), lambda o, t: np.copyto(o, t + 1.0), lambda o, t: o.__iadd__(t + 1.0),
    lambda o, t: np.put(o, [0, 1], t + 1.0), lambda o, t: np.add.at(o, [0, 1], t + 1.0),
])
def test_arrays_are_written_to_or_it_is_an_error(write: Callable[[np.ndarray, gj.Tensor], Any]) -> None:
    out = np.zeros(2)
    write(out, gj.tensor([1.0, 2.0]))
    assert_array_equal(out, [2, 3])
    with pytest.raises(gj.DifferentiationError, match="to an array"):
        write(out, leaf(1.0, 2.0))
    assert_array_equal(out, [2, 3])


def test_hooks_keep_the_shape() -> None:
    for is_leaf in (True, False):
        x = leaf(1.0, 2.0)
        y = x if is_leaf else x * 2
        y.register_hook(lambda g: np.ones(5))
        with pytest.raises(ValueError, match="hook"):
            (y * y).sum().backward()


def test_a_view_of_what_was_freed() -> None:
    y = leaf(1.0, 2.0) * 2
    v = y[1:]
    (y * y).sum().backward()
    with pytest.raises(gj.DifferentiationError, match="freed"):
        (v * v).sum().backward()
    y[0] = 3.0
    with pytest.raises(gj.DifferentiationError, match="freed"):
        y.sum().backward()


def test_an_index_that_is_a_buffer() -> None:
    x = leaf(1.0, 2.0, 3.0)
    x[np.array([2, 0]).data].sum().backward()
    assert_array_equal(x.grad, [1, 0, 1])


@pytest.mark.parametrize("recorded", [True, False])
def test_a_leaf_filled_with_a_number_is_a_variable_still(recorded: bool) -> None:
    x, y = leaf(1.0, 2.0), leaf(1.0, 2.0)
    with contextlib.nullcontext() if recorded else gj.no_grad():
        x.fill_(2.0)
        y[...] = 2.0
    (x * 3 + x * x * y).sum().backward()
    assert_array_equal(x.grad, [11, 11])
    assert_array_equal(y.grad, [4, 4])
    z = leaf(5.0)
    with gj.no_grad():
        z.zero_()
    z.sum().backward()
    assert_array_equal(z.grad, [1])
