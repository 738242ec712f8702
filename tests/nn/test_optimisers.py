"""Optimisers: their formulas, the same as functions and as objects, schedules, clipping."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest
from numpy.testing import assert_allclose

import gradjit as gj
from gradjit import errors, nn


@pytest.fixture(autouse=True)
def _interpreted() -> Iterator[None]:
    """What is tested are formulas, so that nothing need be compiled."""
    with gj.config(tier="interpret", interpreted_calls=50):
        yield


PAIRS: list[tuple[Any, Any, dict[str, Any]]] = [
    (nn.sgd, nn.SGD, {}), (nn.sgd, nn.SGD, {"momentum": 0.9}), (nn.sgd, nn.SGD, {"momentum": 0.9, "nesterov": True}),
    (nn.sgd, nn.SGD, {"weight_decay": 0.1}), (nn.adam, nn.Adam, {}), (nn.adam, nn.Adam, {"weight_decay": 0.1}),
    (nn.adamw, nn.AdamW, {}), (nn.rmsprop, nn.RMSProp, {}), (nn.adagrad, nn.AdaGrad, {}),
    (nn.adadelta, nn.Adadelta, {}),
]


def loss(p: Any) -> Any:
    return np.sum((p["a"] - 1) ** 2) + np.sum(p["b"] ** 4) + p["a"][0] * p["b"][1]


@pytest.mark.parametrize("function, cls, options", PAIRS)
def test_functions_and_objects_take_the_same_steps(function: Any, cls: Any, options: dict[str, Any]) -> None:
    params = {"a": np.array([3.0, -1.0]), "b": np.array([0.5, 1.5, -1.0])}
    tensors = {k: gj.tensor(v, requires_grad=True) for k, v in params.items()}
    optimiser, gradient = function(0.05, **options), gj.grad(loss)
    state = optimiser.init(params)
    held = cls(tensors.values(), 0.05, **options)
    before = loss(params)
    for _ in range(12):
        params, state = optimiser.update(params, gradient(params), state)
        loss(tensors).backward()
        held.step()
        held.zero_grad()
    assert loss(params) < before and state.steps == 12
    for k in params:
        assert_allclose(tensors[k], params[k], rtol=1e-11)
        assert tensors[k].is_leaf


def test_the_first_steps_of_adam_and_momentum() -> None:
    g = np.array([0.5, -2.0])
    state = (adam := nn.adam(0.1)).init(g)
    p, state = adam.update(np.zeros(2), g, state)
    assert_allclose(p, -0.1 * np.sign(g), rtol=1e-6)
    sgd = nn.sgd(0.1, momentum=0.5)
    p, state = sgd.update(np.zeros(2), g, sgd.init(g))
    p, state = sgd.update(p, g, state)
    assert_allclose(p, -0.1 * (1 + 1.5) * g)


def test_parameters_without_a_gradient_are_let_be() -> None:
    a, b = gj.tensor([1.0], requires_grad=True), gj.tensor([1.0], requires_grad=True)
    optimiser = nn.Adam([a, b], 0.1)
    (a**2).sum().backward()
    optimiser.step()
    assert a.item() != 1 and b.item() == 1
    with pytest.raises(errors.ArgumentError, match="leaves"):
        nn.SGD([a * 2], 0.1)


def test_lbfgs() -> None:
    params = {"a": np.zeros(2), "b": np.ones((2, 1)), "c": 4.0}
    found, result = nn.lbfgs(lambda p: np.sum((p["a"] - 3) ** 2) + np.sum(p["b"] ** 2) + (p["c"] - 1) ** 2, params)
    assert result.success
    assert_allclose(found["a"], [3, 3], atol=1e-6)
    assert found["b"].shape == (2, 1) and abs(found["c"] - 1) < 1e-6


def test_schedules() -> None:
    assert [nn.step_decay(1.0, 0.1, 2)(k) for k in range(4)] == [1, 1, 0.1, 0.1]
    assert_allclose([nn.exponential_decay(1.0, 0.25, 2)(k) for k in range(3)], [1, 0.5, 0.25])
    assert_allclose([nn.cosine_decay(2.0, 4)(k) for k in (0, 2, 4, 9)], [2, 1, 0, 0], atol=1e-15)
    assert_allclose([nn.linear_decay(1.0, 4, 0.5)(k) for k in (0, 2, 4, 9)], [1, 0.75, 0.5, 0.5])
    assert [nn.piecewise([3, 2, 1], [2, 4])(k) for k in (0, 1, 2, 3, 4)] == [3, 3, 2, 2, 1]
    assert_allclose([nn.warmup(nn.constant_rate(1.0), 2)(k) for k in range(3)], [0.5, 1, 1])
    assert_allclose(nn.inverse_time_decay(1.0, 1.0)(3), 0.25)
    w = gj.tensor([1.0], requires_grad=True)
    optimiser = nn.SGD([w], nn.piecewise([1.0, 0.0], [1]))
    for _ in range(3):
        w.sum().backward()
        optimiser.step()
        optimiser.zero_grad()
    assert w.item() == 0


def test_clipping() -> None:
    g = {"a": np.array([3.0, 0.0]), "b": np.array([[4.0]])}
    assert nn.global_norm(g) == 5
    clipped = nn.clip_by_global_norm(g, 1.0)
    assert_allclose(clipped["a"], [0.6, 0])
    assert_allclose(nn.clip_by_global_norm(g, 10.0)["b"], [[4]])
    assert_allclose(nn.clip_by_value(g, 3.5)["b"], [[3.5]])
    assert_allclose(gj.jit(lambda g: nn.clip_by_global_norm(g, 1.0))(g)["b"], [[0.8]])


def test_progress(capsys: pytest.CaptureFixture[str]) -> None:
    value = 1.0
    assert [value := k + 0.5 for k in gj.progress(range(3), loss=lambda: value, description="training")][-1] == 2.5
    assert list(gj.progress(iter("abc"), loss=lambda: unknown)) == ["a", "b", "c"]  # noqa: F821
    assert capsys.readouterr().out == ""
