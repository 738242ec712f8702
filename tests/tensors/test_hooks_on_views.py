"""Hooks on views and gradients kept there: what PyTorch gives on the same lines."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from numpy.testing import assert_array_equal

import gradjit as gj


def leaf(*numbers: float) -> gj.Tensor:
    return gj.tensor(numbers, requires_grad=True, dtype=float)


class Seen(list[Any]):
    """Hooks that note the gradients that they get."""

    def by(self, factor: float) -> Callable[[Any], Any]:
        def hook(g: Any) -> Any:
            self.append(g.tolist())
            return g * factor

        return hook


def test_of_a_leaf() -> None:
    x, seen = leaf(1, 2, 3), Seen()
    v = x[1:]
    v.register_hook(seen.by(10))
    ((v * v).sum() + (x * 3).sum()).backward()
    assert seen == [[4, 6]]
    assert_array_equal(x.grad, [3, 43, 63])


def test_of_what_was_computed_and_behind_its_use() -> None:
    x, seen = leaf(1, 2, 3), Seen()
    z = x * 2
    v = z[:2]
    y = (v**3).sum() + z.sum()
    v.register_hook(seen.by(5))
    z.register_hook(seen.by(1))
    y.backward()
    assert seen == [[12, 48], [61, 241, 1]]
    assert_array_equal(x.grad, [122, 482, 2])


def test_one_call_with_all_that_arrives() -> None:
    x, seen = leaf(1, 2, 3), Seen()
    v = x[1:]
    v.register_hook(seen.by(10))
    y = (v * v).sum()
    assert y.item() == 13
    z = (v * 3).sum()
    assert z.item() == 15
    (y + z).backward()
    assert seen == [[7, 9]]
    assert_array_equal(x.grad, [0, 70, 90])


def test_of_a_leaf_that_several_looks_lead_to() -> None:
    x, seen = leaf(1, 2), Seen()
    x.register_hook(seen.by(2))
    y = (x * x).sum()
    assert y.item() == 5
    z = y * 2 + x.sum()
    del x
    z.backward()
    assert seen == [[5, 9]]


def test_kept_gradients() -> None:
    x, seen = leaf(1, 2, 3), Seen()
    v, w = x[1:], x[:2]
    v.retain_grad()
    w.retain_grad()
    handle = w.register_hook(seen.by(2))
    v.register_hook(seen.by(3)).remove()
    (v * w).sum().backward(retain_graph=True)
    assert seen == [[2, 3]]
    assert_array_equal(v.grad, [1, 2])
    assert_array_equal(w.grad, [4, 6])
    assert_array_equal(x.grad, [4, 7, 2])
    handle.remove()
    (v * w).sum().backward()
    assert_array_equal(w.grad, [6, 9])


def test_views_of_views() -> None:
    x, seen = leaf(1, 2, 3, 4), Seen()
    v = x[1:]
    w = v[1:]
    v.register_hook(seen.by(2))
    w.register_hook(seen.by(3))
    (w * w).sum().backward()
    assert seen == [[6, 8], [0, 18, 24]]
    assert_array_equal(x.grad, [0, 0, 36, 48])


def test_a_view_that_is_kept_in_a_loop() -> None:
    x, seen = leaf(1, 2, 3), Seen()
    v = x[1:]
    v.register_hook(seen.by(2))
    for _ in range(80):  # interpreted and compiled
        (v * v).sum().backward()
        with gj.no_grad():
            x -= 0.125 * x.grad
            x.grad = None
    expected = 2.0 * 0.5 ** np.arange(80)
    assert_array_equal([g[0] for g in seen], 2 * expected)
    assert_array_equal(v, [2 * 0.5**80, 3 * 0.5**80])


def test_writes() -> None:
    x, seen = leaf(1, 2, 3), Seen()
    z = x * 1
    v = z[1:]
    v.register_hook(seen.by(2))
    v *= 3.0  # another variable now
    (v * v).sum().backward()
    assert_array_equal(x.grad, [0, 72, 108])
    assert seen == [[36, 54]]

    x, seen = leaf(1, 2, 3), Seen()
    z = x * 1
    v = z[1:]
    v.register_hook(seen.by(2))
    y = (v * v).sum()
    with gj.no_grad():
        z += 1
    (y + (v * v).sum()).backward()
    assert seen == [[10, 14]]
    assert_array_equal(x.grad, [0, 20, 28])


def test_cotangents_that_do_not_flow() -> None:
    x, seen = leaf(1, 2, 3), Seen()
    v = x[1:]
    v.register_hook(seen.by(2))
    (x[1:] * v.detach()).sum().backward()
    assert seen == []
    assert_array_equal(x.grad, [0, 2, 3])


def test_twice_through_one_graph() -> None:
    x, seen = leaf(1, 2), Seen()
    v = x[:1]
    v.register_hook(seen.by(2))
    v.register_hook(seen.by(5))
    y = v * v
    y.backward(retain_graph=True)
    y.backward()
    assert seen == [[2], [4], [2], [4]]
    assert_array_equal(x.grad, [40, 0])
    v.backward()
    assert_array_equal(x.grad, [50, 0])


def test_too_late() -> None:
    x = leaf(1, 2, 3)
    v = x[1:]
    y = v * 2
    assert y.tolist() == [4, 6]
    for method in (v.retain_grad, lambda: v.register_hook(print)):
        with pytest.raises(gj.DifferentiationError, match=r"used in what is computed already[\s\S]*test_hooks_on_v"):
            method()
    y.sum().backward()
    assert_array_equal(x.grad, [0, 2, 2])
