"""NumPy makes an array of a list of tensors: an error where a derivative would be lost, and the numbers else."""

from __future__ import annotations

import numpy as np
import pytest

import gradjit as gj

x = gj.tensor([3.0, 1.0], requires_grad=True)
items = [x[0] * 2, x[1]]


def over_lines():
    return np.array(
        [[x[0], 1.0],
         [2.0, x[1]]])


LOST = {
    "array": lambda: np.array([x[0] * 2, x[1]]), "nested": over_lines, "name": lambda: np.asarray(items),
    "comprehension": lambda: np.array([x[k] for k in range(2)]), "tuple": lambda: np.sum((x[0], x[1])),
    "ufunc": lambda: np.maximum([x[0], x[1]], 0), "second": lambda: np.dot([1.0, 2.0], [x[0], x[1]]),
    "python": lambda: np.mean(items), "operator": lambda: [x[0], x[1]] * np.ones(2),
    "reflected": lambda: np.ones(2) @ items, "linalg": lambda: np.linalg.norm([x[0], x[1]]),
}
NUMBERS = {
    "one": lambda: np.asarray(x), "of an expression": lambda: np.array(x[0] * 2), "detached": lambda: np.array(
        [x.detach()[0]]), "floats": lambda: np.array([float(t) for t in items]), "places": lambda: np.argsort(items),
    "truths": lambda: np.isclose(items, 6), "of Python": lambda: max(items),
}


@pytest.mark.parametrize("name", LOST)
def test_what_would_lose_derivatives_is_an_error(name):
    with pytest.raises(gj.DifferentiationError, match=r"list of tensors.*np.stack.*detach"):
        LOST[name]()


@pytest.mark.parametrize("name", LOST)
def test_without_derivatives_it_is_what_numpy_gives(name):
    with gj.no_grad():
        assert np.all(np.isfinite(np.asarray(LOST[name]())))


@pytest.mark.parametrize("name", NUMBERS)
def test_the_way_to_numbers_stays(name):
    assert np.all(np.isfinite(np.asarray(NUMBERS[name]())))


def test_what_the_error_says_has_derivatives():
    t = gj.tensor([3.0, 1.0], requires_grad=True)
    (np.stack([t[0] * 2, t[1]]) ** 2).sum().backward()
    assert t.grad.tolist() == [24.0, 2.0]
