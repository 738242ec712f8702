"""`gradjit.mygrad` behaves as MyGrad's documentation says."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal

import gradjit.mygrad as mg
from gradjit import errors
from gradjit.mygrad.nnet import activations, initializers, layers, losses

NAMES = """
Tensor abs absolute add add_sequence allclose amax amin any arange arccos arccosh arccot arccoth arccsc arccsch arcsec
arcsin arcsinh arctan arctan2 arctanh argmax argmin asarray astensor atleast_1d atleast_2d atleast_3d bincount bool_
broadcast_to can_cast cbrt ceil clip concatenate copyto cos cosh cot coth csc csch cumprod cumsum divide divmod double e
einsum empty empty_like equal errors euler_gamma execute_op exp exp2 expand_dims expm1 eye float16 float32 float64 floor
floor_divide fmod full full_like geomspace greater greater_equal half identity inf int16 int32 int64 int8 intp isclose
isfinite isinf isnan isnat less less_equal linalg linspace load log log10 log1p log2 logaddexp logaddexp2 logical_and
logical_not logical_or logical_xor logspace longdouble matmul max maximum may_share_memory mean mem_guard_active
mem_guard_off mem_guard_on min min_scalar_type minimum mod moveaxis multi_matmul multiply multiply_sequence nan negative
newaxis nnet no_autodiff not_equal ones ones_like operation_base pi positive power prod random ravel reciprocal
remainder repeat reshape result_type rint roll save sec sech shape shares_memory sign signbit sin sinc single sinh
sliding_window_view sqrt square squeeze stack std subtract sum swapaxes tan tanh tensor transpose true_divide trunc
turn_memory_guarding_off turn_memory_guarding_on ufunc uint16 uint32 uint64 uint8 uintp var where zeros zeros_like
""".split()
MEMBERS = """
T any argmax argmin astype backward base clear_graph clip constant copy creator cumprod cumsum dtype flatten grad item
max mean min moveaxis ndim null_grad null_gradients prod ravel reshape shape size squeeze std sum swapaxes transpose var
""".split()


def test_all_names_are_there() -> None:
    assert [n for n in NAMES if not hasattr(mg, n)] == []
    assert [n for n in MEMBERS if not hasattr(mg.Tensor, n)] == []


def test_types_and_defaults() -> None:
    assert [t.dtype for t in (mg.ones(3), mg.zeros((2, 2)), mg.empty(1))] == [np.float32] * 3
    assert [t.dtype for t in (mg.arange(3), mg.arange(3.0), mg.eye(2), mg.full(2, 1), mg.linspace(0, 1, 3),
                              mg.random.rand(2))] == [np.int64, *[np.float64] * 2, np.int64, *[np.float64] * 2]
    assert repr(mg.tensor([1.0, 2.0], dtype=np.float32)) == "Tensor([1., 2.], dtype=float32)"
    assert [repr(mg.tensor(x)) for x in (2, 2.0, [1, 2], [True])] == ["Tensor(2)", "Tensor(2.)", "Tensor([1, 2])",
                                                                     "Tensor([ True])"]
    assert mg.tensor([1, 2]).constant and not mg.tensor([1.0]).constant and mg.zeros(2, constant=True).constant
    with pytest.raises(ValueError, match="Integer-valued tensors must be treated as constants"):
        mg.tensor([1, 2], constant=False)
    with pytest.raises(TypeError):
        mg.tensor(["a"])
    with pytest.raises(TypeError, match="unhashable"):
        hash(mg.tensor(1.0))
    assert mg.linspace(0, np.pi, 15, dtype=np.float32).dtype == np.float32
    assert mg.tensor(2.0, ndmin=2).shape == (1, 1)


def test_every_tensor_alive_gets_its_gradient_and_using_one_clears_it() -> None:
    x, y = mg.tensor(2.0), mg.tensor(3.0)
    f = x * y
    g = f + x - 2
    g.backward()
    assert [float(t.grad) for t in (g, f, y, x)] == [1, 1, 2, 4]
    assert type(x.grad) is np.ndarray
    _ = x + 2
    assert x.grad is None and y.grad is not None
    assert y.null_grad() is y and y.grad is None


def test_descent_without_clearing() -> None:
    w = mg.tensor(10.0)
    found = []
    for _ in range(3):
        loss = w**2
        loss.backward()
        w.data -= 0.3 * w.grad
        found.append(w.item())
    assert_allclose(found, [4, 1.6, 0.64])


def test_backward() -> None:
    x = mg.tensor([1.0, 2.0])
    y = x * x
    y.backward()
    assert_array_equal(y.grad, [1, 1])
    assert_array_equal(x.grad, [2, 4])
    x = mg.tensor(3.0)
    x.backward()
    assert x.grad == 1
    x = mg.tensor([1.0, 2.0])
    x.backward(np.array([3.0, 4.0]))
    assert_array_equal(x.grad, [3, 4])
    loss = (x * x).sum()
    loss.backward()
    loss.backward()  # the graph is gone: it is a leaf
    assert_array_equal(x.grad, [2, 4])
    c = mg.tensor(2.0, constant=True)
    c.backward()
    assert c.grad is None
    x = mg.tensor(np.arange(9.0))
    sum(n * x[n] for n in range(9)).backward()
    assert_array_equal(x.grad, np.arange(9))


def test_constants() -> None:
    x, c = mg.tensor([1.0, 2.0]), mg.tensor([1.0, 2.0], constant=True)
    assert (c * c).constant and not (c * x).constant and not (x + np.ones(2)).constant
    assert mg.exp(np.ones(1)).constant and mg.add(1.0, 2.0).constant
    assert mg.sum(x, constant=True).constant and x.sum(constant=True).constant
    z = mg.multiply(c, 2.0, constant=False)
    z.backward()
    assert_array_equal(z.grad, [1, 1])
    with mg.no_autodiff:
        assert not (x * 2).constant and not (c * 2).constant and (mg.tensor([1]) * 2).constant
    assert type(mg.no_autodiff(lambda: x * 2, to_numpy=True)()) is np.ndarray


@pytest.mark.parametrize("look", [False, True])
def test_what_is_computed_without_derivatives_is_a_variable(look: bool) -> None:
    x, c = mg.tensor([1.0, 2.0]), mg.tensor([3.0, 4.0], constant=True)
    before = c * 2
    with mg.no_autodiff:
        y = x * 2
        if look:
            y.tolist()
        with mg.no_autodiff:
            z = c + 1
        x -= 1.0
    assert before.constant and c.constant and not y.constant and not z.constant
    (x * y * z * before).sum().backward()
    assert_array_equal(x.grad, y.data * z.data * before.data)
    assert_array_equal(y.grad, x.data * z.data * before.data)
    assert_array_equal(z.grad, x.data * y.data * before.data)
    assert before.grad is None
    w = mg.no_autodiff(lambda t: t * 3)(x)
    (w * w).sum().backward()
    assert_array_equal(w.grad, 2 * w.data)


def test_what_gives_arrays() -> None:
    x = mg.tensor([1.0, -2.0])
    for found in (x < 2, x == 1, mg.isnan(x), mg.floor(x.data), mg.logical_and(x, x), np.isfinite(x)):
        assert type(found) is np.ndarray
    assert mg.argmax(x) == 0 and x.argmin() == 1 and x.any() and mg.allclose(x, [1, -2])
    for t in (np.multiply(x, 2), np.exp(x), np.sum(x), mg.sinc(x), mg.where(x > 0, x, 0.0)):
        assert type(t) is mg.Tensor


def test_views() -> None:
    x = mg.tensor([1.0, 2.0])
    v = x[:1]
    assert v.base is x
    (x**2).sum().backward()
    assert_array_equal(v.grad, [2])
    assert np.shares_memory(v.grad, x.grad) and np.shares_memory(v.data, x.data)
    y = mg.tensor([1.0, 2.0, 3.0])
    w = y * 1
    w[:2] = 0
    (w * w).sum().backward()
    assert_array_equal(y.grad, [0, 0, 6])


def test_memory_is_versioned() -> None:
    x = mg.tensor([1.0, 2.0])
    y = (x * x).sum()
    x.data[:] = 10
    y.backward()
    assert_array_equal(x.grad, [2, 4])
    assert mg.mem_guard_active()
    with mg.mem_guard_off:
        assert not mg.mem_guard_active()
    assert mg.mem_guard_off(mg.mem_guard_active)() is False and mg.mem_guard_active()


class Square(mg.operation_base.Operation):
    def __call__(self, a: Any, b: Any) -> np.ndarray:
        self.variables = (a, b)
        return a.data**2 + b.data

    def backward_var(self, grad: np.ndarray, index: int, **_: Any) -> np.ndarray:
        return grad * 2 * self.variables[0].data if index == 0 else grad


def test_operations_of_the_users() -> None:
    x, b = mg.tensor([1.0, 2.0]), mg.tensor(3.0)
    y = mg.execute_op(Square, x * 3, b)
    assert_array_equal(y, [12, 39])
    (y * 2).sum().backward()
    assert_array_equal(x.grad, [36, 72])
    assert b.grad == 4
    assert mg.execute_op(Square, 1.0, 2.0).constant


def test_files(tmp_path: Path) -> None:
    x = mg.tensor([1.0, 2.0])
    (x * x).sum().backward()
    mg.save(tmp_path / "x.npz", x)
    y = mg.load(tmp_path / "x.npz")
    assert_array_equal(y, x)
    assert_array_equal(y.grad, x.grad)


def test_the_tour() -> None:
    x = mg.arange(16.0).reshape(4, 4)
    assert_allclose(mg.log(x[2, ::2]), [2.07944154, 2.30258509])
    assert_array_equal(x[:2, :2] + x[:2, 2:] + x[2:, :2] + x[2:, 2:], [[20, 24], [36, 40]])
    assert_array_equal(x.mean(axis=1), [1.5, 5.5, 9.5, 13.5])
    a, b = mg.tensor(np.arange(5.0)), mg.tensor([[0.0], [0.25], [0.5]])
    assert_array_equal(mg.sum(a * b, axis=0), [0, 0.75, 1.5, 2.25, 3])
    assert mg.matmul(mg.tensor([1.0, 2.0]), mg.tensor([-3.0, -4.0])) == -11
    p, q = mg.tensor([[1, 0], [0, 1], [2, 1], [3, 4]]), mg.tensor([[4, 1, 5], [2, 2, 6]])
    assert_array_equal(p @ q, [[4, 1, 5], [2, 2, 6], [10, 4, 16], [20, 11, 39]])
    assert (mg.arange(60.0).reshape(5, 3, 4) @ mg.arange(8.0).reshape(4, 2)).shape == (5, 3, 2)
    n = mg.arange(12.0).reshape(4, 3)
    assert_array_equal(mg.einsum("nd,nd->n", n, -n), [-5, -50, -149, -302])
    x, y = mg.tensor(np.arange(5.0)), mg.tensor([[0.0], [1.0], [2.0]])
    (x * y).sum().backward()
    assert_array_equal(x.grad, [3] * 5)
    assert_array_equal(y.grad, [[10]] * 3)
    ax, ay, az = mg.tensor([1.0, 2.0, 3.0])
    assert float(ax + ay * az) == 7
    x = mg.tensor([[3.0, 4.0]])
    x /= np.sqrt(np.sum(x**2, axis=1, keepdims=True))
    assert_allclose(x, [[0.6, 0.8]])


def test_functions_that_numpy_has_not() -> None:
    x = mg.tensor([0.3, 0.7])
    for f, of, slope in ((mg.sec, 1 / np.cos(x.data), np.tan(x.data) / np.cos(x.data)),
                         (mg.coth, 1 / np.tanh(x.data), -1 / np.sinh(x.data) ** 2),
                         (mg.arccot, np.pi / 2 - np.arctan(x.data), -1 / (1 + x.data**2)),
                         (mg.arccsch, np.arcsinh(1 / x.data), -1 / (x.data * np.sqrt(1 + x.data**2)))):
        y = f(x)
        assert_allclose(y, of)
        y.backward()
        assert_allclose(x.grad, slope)
    assert_array_equal(mg.add_sequence(x, x, 1.0), 2 * x.data + 1)
    assert_allclose(mg.multiply_sequence(x, x, x), x.data**3)
    a, b, c = (mg.random.rand(*s) for s in ((2, 3), (3, 4), (4, 1)))
    assert_allclose(mg.multi_matmul([a, b, c]), a.data @ b.data @ c.data)
    z = mg.tensor([[0.0, 0.0], [3.0, 4.0]])
    norms = mg.linalg.norm(z, axis=1)
    assert_allclose(norms, [0, 5])
    norms.sum().backward()
    assert_allclose(z.grad, [[0, 0], [0.6, 0.8]])


def test_networks() -> None:
    x = mg.tensor(np.arange(25.0).reshape(1, 1, 5, 5))
    plus = np.array([[0.0, 1, 0], [1, 1, 1], [0, 1, 0]]).reshape(1, 1, 3, 3)
    found = layers.conv_nd(x, plus, stride=1, padding=1)
    assert_array_equal(found[0, 0, 1:4], [[21, 30, 35, 40, 35], [41, 55, 60, 65, 55], [61, 80, 85, 90, 75]])
    assert layers.max_pool(x, (2, 2), 1).shape == (1, 1, 4, 4)
    assert not layers.batchnorm(x, gamma=np.ones(1), beta=None, eps=1e-6).constant
    scores = mg.tensor([[1.0, 2.0, 0.5], [0.3, -1.0, 2.0]])
    loss = losses.softmax_crossentropy(scores, mg.tensor([1, 2]))
    loss.backward()
    p = np.exp(scores.data) / np.exp(scores.data).sum(1, keepdims=True)
    assert_allclose(loss, -np.log(p[[0, 1], [1, 2]]).mean())
    assert_allclose(scores.grad, (p - np.eye(3)[[1, 2]]) / 2, atol=1e-15)
    assert losses.softmax_focal_loss(scores, [1, 2], gamma=2).shape == (2,)
    assert losses.multiclass_hinge(scores, [1, 2]).shape == ()
    assert_allclose(activations.leaky_relu(mg.tensor([-1.0, 1.0]), 0.1), [-0.1, 1])
    mg.random.seed(0)
    spread = np.std(initializers.glorot_normal(20, 30, 4, 25, gain=2.0).data)
    assert abs(spread / (2.0 * np.sqrt(2 / (50 * 25))) - 1) < 0.02
    assert initializers.glorot_uniform(3, 4).dtype == np.float32 and initializers.constant(2, value=3.0).shape == (2,)
    weights = [mg.random.randn(*s) for s in ((3, 5), (5, 5), (5,)) * 3]
    assert layers.gru(mg.random.rand(4, 2, 3), *weights).shape == (5, 2, 5)


def test_a_picture_of_the_graph() -> None:
    x = mg.tensor([1.0, 2.0])
    source = mg.build_graph((x * x + 3).sum()).source
    assert [source.count(f'"{name}  ') for name in ("mul", "add", "sum", "leaf")] == [1, 1, 1, 1]


def test_errors() -> None:
    with pytest.raises(ValueError, match="test_mygrad.py"):
        mg.tensor([1.0, 2.0]) + mg.tensor([1.0, 2.0, 3.0])
    with pytest.raises(errors.DtypeError):
        mg.Tensor([1.0]).astype(int).requires_grad_(True)


def test_what_forgets_a_gradient() -> None:
    def used() -> mg.Tensor:
        x = mg.tensor([1.0, 2.0, 3.0])
        (x * 2).sum().backward()
        return x

    x = used()
    with mg.no_autodiff:
        assert (x * 5).sum().item() == 30
    assert_array_equal(x.grad, [2, 2, 2])
    y = (x * 7).sum()
    y.backward()
    assert_array_equal(x.grad, [7, 7, 7])

    x = used()
    v = x[:2]
    assert_array_equal(x.grad, [2, 2, 2])
    assert_array_equal(v.grad, [2, 2])
    (v * 3).sum().backward()
    assert_array_equal(x.grad, [3, 3, 0])

    x = used()
    w = (x.reshape(3, 1) * x.T).sum() + x[0]
    w.backward()
    assert_array_equal(x.grad, [13, 12, 12])
    for forget in (lambda x: x + 2, lambda x: mg.add(x, 1, constant=True), lambda x: x[0]):
        x = used()
        forget(x)
        assert x.grad is None

    w = mg.tensor([1.0, 2.0])
    for _ in range(70):  # interpreted and compiled
        (w**2).sum().backward()
        with mg.no_autodiff:
            (w * w).sum().item()
        w.data -= 0.25 * w.grad
    assert_array_equal(w, np.array([1.0, 2.0]) * 0.5**70)
