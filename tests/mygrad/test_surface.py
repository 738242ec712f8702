"""What MyGrad's own users rely on: its ufuncs, where= and out=, constants that stay so, refusals."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from numpy.testing import assert_array_equal

import gradjit.mygrad as mg
from gradjit.mygrad.nnet import activations, initializers, layers, losses


def test_ufuncs_are_types_with_numpys_facts() -> None:
    assert issubclass(mg.add, mg.ufunc) and mg.add.nin == 2 and mg.exp.nout == 1 and mg.abs is mg.absolute
    assert list(inspect.signature(mg.exp).parameters) == ["x", "out", "where", "dtype", "constant"]
    assert repr(mg.add) == "<mygrad-ufunc 'add'>"
    with pytest.raises(NotImplementedError, match="reduce"):
        mg.add.reduce([1.0, 2.0])
    with pytest.raises(TypeError):
        type("own", (mg.ufunc,), {})
    assert mg.floor is np.floor and mg.allclose is np.allclose


def test_where_without_out() -> None:
    x, y = mg.tensor([1.0, 2.0, 3.0]), mg.tensor([4.0])
    z = mg.multiply(x, y, where=[True, False, True])
    assert_array_equal(z[[0, 2]], [4, 12])
    z = mg.multiply(x, y, where=[True, False, True])
    z.backward([1.0, 10.0, 100.0])
    assert_array_equal(x.grad, [4, 0, 400])
    assert_array_equal(y.grad, [301])


@pytest.mark.parametrize("call", [lambda x, o: mg.exp(x, out=o), lambda x, o: mg.exp(x, o),
                                  lambda x, o: np.exp(x, out=o)])
def test_an_array_as_out_is_the_result(call: Callable[..., Any]) -> None:
    x, out = mg.tensor([0.0, 1.0]), np.zeros(2)
    y = call(x, out)
    assert y.data is out and not y.constant
    assert_array_equal(out, np.exp(x.data))
    y.backward()
    assert_array_equal(x.grad, np.exp(x.data))


def test_masked_out() -> None:
    x, out = mg.tensor([1.0, 2.0]), np.array([7.0, 8.0])
    y = mg.add(x, 1.0, where=[True, False], out=out)
    assert_array_equal(out, [2, 8])
    y.backward()
    assert_array_equal(x.grad, [1, 0])


def test_masked_out_of_constants() -> None:
    assert mg.add(mg.tensor([1.0], constant=True), 1.0, where=[False], out=np.zeros(1)).constant


def test_what_is_written_to_says_whether_derivatives_pass() -> None:
    x, c = mg.tensor([1.0, 2.0]), mg.tensor([0.0, 0.0], constant=True)
    c += x
    assert c.constant and mg.exp(x, out=c).constant
    c[:] = x
    assert c.constant
    v = mg.zeros(2, dtype=float)
    v[0] = 3 * x[0]
    v.data  # noqa: B018
    v.backward()
    assert_array_equal(x.grad, [3, 0])
    assert_array_equal(v.grad, [1, 1])


def test_constants() -> None:
    for f in (mg.exp, mg.expand_dims, mg.ravel):
        args = ([1.0, 2.0], 0) if f is mg.expand_dims else ([1.0, 2.0],)
        t = f(mg.tensor(args[0], constant=True), *args[1:], constant=False)
        assert not t.constant
        t.backward()
        assert_array_equal(t.grad, np.ones(t.shape))
    with pytest.raises(TypeError, match="boolean"):
        mg.tensor(1.0, constant=1)  # type: ignore[arg-type]
    t = mg.tensor([1.0, 2.0])
    t.backward()
    assert np.zeros_like(t).sum() == 0 and t.grad is not None  # nothing was used
    assert mg.zeros_like(np.ones(2)).constant and not mg.zeros_like(mg.ones(2)).constant
    x = mg.tensor([1.5])
    for f in (np.floor, np.sign, lambda t: t // 1, lambda t: t % 1):
        with pytest.raises(ValueError, match="variable"):
            f(x)
    assert_array_equal(mg.tensor([1.5], constant=True) // 1, [1])
    assert not x.astype(np.float32).constant and x.copy().creator is None
    with mg.no_autodiff:
        (x * 2).backward()
        assert x.grad is None and mg.exp(mg.tensor([1j])).dtype == complex


def test_the_same_tensor_unless_it_must_be_another() -> None:
    x = mg.tensor([1.0])
    assert mg.astensor(x) is x and mg.tensor(x, copy=False) is x and mg.tensor(x, copy=False, ndmin=2).shape == (1, 1)
    assert mg.astensor(x, constant=True).data is x.data


def test_several_and_arrays_without_axes() -> None:
    one, two = mg.atleast_1d(mg.tensor(1.0), mg.tensor([2.0]))
    assert one.shape == two.shape == (1,) and mg.atleast_2d(1.0).shape == (1, 1)
    assert_array_equal(mg.repeat(mg.tensor(3.0), 2, axis=0), [3, 3])
    assert_array_equal(mg.roll(mg.tensor([1.0, 2.0]), (1,), axis=()), [1, 2])


def test_gradients_that_are_none() -> None:
    x = mg.tensor([-1.0, 0.0, 1.0])
    mg.abs(x, nan_to_num=False).backward()
    assert_array_equal(x.grad, [-1, np.nan, 1])
    with pytest.raises(mg.errors.InvalidGradient):
        (x * 2).backward("a")


@pytest.mark.parametrize("call", [
    lambda: losses.softmax_crossentropy(mg.ones((2, 3)), [0.0, 1.0]),
    lambda: losses.softmax_crossentropy(mg.ones((2, 3)), [0]),
    lambda: losses.multiclass_hinge(mg.ones(3), [0]),
    lambda: losses.negative_log_likelihood(mg.ones((2, 3)), [0, 1], weights=[1.0]),
    lambda: losses.focal_loss(mg.ones((2, 3)), [0, 1], gamma=-1),
    lambda: losses.margin_ranking_loss(mg.ones(2), mg.ones(3), 1, 0.5),
    lambda: losses.margin_ranking_loss(mg.ones(2), mg.ones(2), 1, -0.5),
    lambda: initializers.normal(3, dtype=int), lambda: initializers.uniform(3, lower_bound=2, upper_bound=1),
    lambda: initializers.dirac(3), lambda: activations.glu(mg.ones(3)), lambda: activations.elu(mg.ones(3), "a"),
    lambda: layers.gru(*[mg.ones((1, 1, 1))] * 10, s0=mg.ones((1, 1))), lambda: mg.multi_matmul([mg.ones((2, 2))]),
    lambda: mg.sliding_window_view(np.ones(3), (4,), 1), lambda: mg.sliding_window_view(np.ones(3), 2, 1),
])
def test_refusals(call: Callable[[], Any]) -> None:
    with pytest.raises((ValueError, TypeError)):
        call()


def test_losses_at_their_edges() -> None:
    assert losses.focal_loss(mg.tensor([[2.0, 0.5]]), [0], gamma=0.5)[0] == 0
    assert activations.softmax(mg.zeros((0, 3))).shape == (0, 3)
    assert_array_equal(activations.softmax(mg.tensor([0, 0])), [0.5, 0.5])
    x, y = mg.tensor([[1.0, 2.0], [3.0, 4.0]]), mg.tensor([[2.0, 1.0], [3.0, 5.0]])
    assert losses.margin_ranking_loss(x, y, np.array([1, -1]), 0.5) == np.mean([1.5, 0, 0.5, 0])


def test_writes_through_views_belong_to_what_they_look_at() -> None:
    x, y = mg.arange(4.0), mg.tensor([-1.0, 2.0, 3.0])
    out = mg.clip(y, 0, 2.1, out=x[1:])
    out.backward()
    assert_array_equal(x, [0, 0, 2, 2.1])
    assert_array_equal(x.grad, [0, 1, 1, 1])
    assert_array_equal(y.grad, [0, 1, 0])
    x, y = mg.tensor([1.0, 2.0]), mg.tensor([3.0, 4.0])
    z = x * y
    y[:] = 0
    z.backward()
    assert_array_equal(x.grad, [3, 4])
    assert y.grad is None


def test_what_came_into_a_recording_gets_its_gradient() -> None:
    x = mg.tensor([1.0, 2.0])
    y = -x
    y.data  # noqa: B018
    z = x * y
    z.data  # noqa: B018
    z.backward()
    assert_array_equal(y.grad, [1, 2])
    assert_array_equal(x.grad, [-2, -4])
