"""`next((e for x in items if c), default)`: the first of a few items for which a traced condition holds."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import gradjit as gj


def first_above(x: Any) -> Any:
    return next((v * v for v in x if v > 1.0), x[0])


def place(x: Any) -> Any:
    return next((i for i, v in enumerate(x) if v > 1.0), -1) * x[0]


def of_pairs(x: Any) -> Any:
    return next((a * b for a, b in zip(x, x[1:], strict=False) if a < b), 7.0)


def reciprocal(x: Any) -> Any:
    """What stands behind the first is not computed."""
    return next((1.0 / float(v) for v in x if v > 0.0), 0.0)


def known(x: Any) -> Any:
    return len(next((k for k in ("a", "bb") if len(k) > 1), "c")) * x[0]


def without_default(x: Any) -> Any:
    return next(v * 2.0 for v in x if v > -5.0) * x[1]


@pytest.mark.parametrize("f", [first_above, place, of_pairs, reciprocal, known, without_default])
def test_values_and_gradients(f: Any) -> None:
    value_and_grad = gj.value_and_grad(f)
    for x in (np.array([1.1, 2.2, 3.3]), np.array([0.6, -1.2, 2.1]), np.array([-1.1, -2.2, -3.3])):
        value, gradient = value_and_grad(x)
        assert np.isclose(value, f(x))
        np.testing.assert_allclose(gradient, [(f(x + e) - f(x - e)) / 2e-6 for e in np.eye(3) * 1e-6], atol=1e-6)


def test_none_and_no_default() -> None:
    with pytest.raises(StopIteration):
        gj.jit(without_default)(np.array([-6.0, -7.0, -8.0]))
