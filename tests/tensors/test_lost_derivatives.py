"""NumPy makes an array of a list of tensors: an error where a derivative would be lost, and the numbers else."""

from __future__ import annotations

import cmath
import math
from collections.abc import Callable

import numpy as np
import pytest
from numpy.polynomial import Polynomial

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


def assigned(a, key, value):
    a[key] = value


rng = np.random.default_rng(0)
MADE = {
    "full": lambda: np.full(3, x[0]), "r_": lambda: np.r_[x, 1.0], "arange": lambda: np.arange(0, x[1], 0.5),
    "normal": lambda: rng.normal(x[1]), "permutation": lambda: rng.permutation(x), "Polynomial": lambda: Polynomial(x),
    "vectorize": lambda: np.vectorize(lambda t: t * t)(x), "full of gj": lambda: gj.full(3, x[0]),
    "tensor of gj": lambda: gj.tensor([x[0], 1.0]), "tensor of pairs": lambda: gj.tensor(((1.0, 2.0), (x[0], x[1]))),
}
OF_MATH = {
    "sin": (lambda: math.sin(x[0]), "np.sin"), "within": (lambda: 2 * math.exp(x[0] * 2) + 1, "np.exp"),
    "atan2": (lambda: math.atan2(1.0, x[0]), "np.arctan2"), "complex": (lambda: cmath.exp(x[0]), "np.exp"),
}


@pytest.mark.parametrize("name", MADE)
def test_arrays_made_of_a_tensor_are_an_error(name):
    with pytest.raises(gj.DifferentiationError, match=r"no derivative passes.*t.detach\(\)[\s\S]*test_lost_deriv"):
        MADE[name]()
    with gj.no_grad():
        MADE[name]()


@pytest.mark.parametrize("name", OF_MATH)
def test_functions_of_math_are_an_error(name):
    call, instead = OF_MATH[name]
    with pytest.raises(gj.DifferentiationError, match=rf"for a number.*write {instead}\(t\), or t.item"):
        call()
    with gj.no_grad():
        assert cmath.isfinite(call())


def test_elements_of_an_array_take_no_tensor():
    a = np.zeros(2)
    with pytest.raises(gj.DifferentiationError, match=r"assigned to elements of an array.*gj.tensor\(array\)"):
        assigned(a, slice(None), x)
    with pytest.raises(ValueError, match="element") as caught:  # NumPy has its own words in front
        assigned(a, 0, x[0] * 2)
    assert isinstance(caught.value.__cause__, gj.DifferentiationError)
    assigned(a, 0, x[0].item())
    assigned(a, 1, float(x[0]))
    assert a.tolist() == [3.0, 3.0]
    with gj.no_grad():
        assigned(a, slice(None), x)
    assert a.tolist() == [3.0, 1.0]
    kept: list = [0.0]
    assigned(kept, 0, x[0])
    assert kept[0].requires_grad


WORDS: dict[str, tuple[Callable, object]] = {
    "format": (lambda: f"{x[0]:.1f}", "3.0"), "round": (lambda: round(float(x[0])), 3),
    "truth": (lambda: math.isnan(x[0]), False), "floor": (lambda: math.floor(x[0]), 3),
    "text": (lambda: np.array_str(x * 2), "[6. 2.]"), "type": (lambda: np.float32(x[0]), 3.0),
    "nonzero": (lambda: x.nonzero()[0].tolist(), [0, 1]), "shape": (lambda: gj.zeros_like(x).tolist(), [0.0, 0.0]),
    "testing": (lambda: np.testing.assert_allclose(x, [3.0, 1.0]), None),
}


@pytest.mark.parametrize("name", WORDS)
def test_what_has_no_derivative_takes_tensors(name):
    call, expected = WORDS[name]
    assert call() == expected


def test_what_the_error_says_has_derivatives():
    t = gj.tensor([3.0, 1.0], requires_grad=True)
    (np.stack([t[0] * 2, t[1]]) ** 2).sum().backward()
    assert t.grad.tolist() == [24.0, 2.0]
