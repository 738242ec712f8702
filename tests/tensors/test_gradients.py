"""Tensors against NumPy (values) and against the functional style (gradients)."""

from __future__ import annotations

import copy
import gc
import pickle
import threading
import weakref
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal

import gradjit as gj
from gradjit import errors
from gradjit.tensors import kernels


def leaf(data: object) -> gj.Tensor:
    return gj.tensor(data, requires_grad=True)


# what backward gives --------------------------------------------------------------------------------------------------
def test_the_case_of_two_numbers() -> None:
    x, y = leaf(2.0), leaf(4.0)
    z = x * y + x**2
    assert z.item() == 12
    z.backward()
    assert (x.grad.item(), y.grad.item()) == (8, 2)


def test_gradients_add_up_until_they_are_cleared() -> None:
    x = leaf([1.0, 2.0])
    for times in (1, 2, 3):
        (x**2).sum().backward()
        assert_array_equal(x.grad, times * np.array([2.0, 4.0]))
    assert x.zero_grad() is x
    (x**2).sum().backward()
    assert_array_equal(x.grad, [2, 4])


@pytest.mark.parametrize("zero", [0, 0.0, None, np.zeros(2)])
def test_a_gradient_may_be_set(zero: object) -> None:
    x = leaf([1.0, 2.0])
    (3 * x).sum().backward()
    x.grad = zero
    (x**2).sum().backward()
    assert_array_equal(x.grad, [2, 4])


def test_several_elements_are_summed_or_take_a_cotangent() -> None:
    x = leaf([1.0, 2.0, 3.0])
    (x**2).backward()
    assert_array_equal(x.grad, [2, 4, 6])
    x.grad = None
    (x**2).backward(np.array([1.0, 0.0, 10.0]))
    assert_array_equal(x.grad, [2, 0, 60])
    with pytest.raises(errors.ArgumentError, match=r"shape \(2,\)"):
        (x**2).backward([1.0, 2.0])


def test_an_updated_leaf_stays_one() -> None:
    w = leaf(10.0)
    found = []
    for _ in range(10):
        (w**2).backward()
        w -= 0.3 * w.grad
        w.grad = 0
        found.append(w.item())
    assert w.is_leaf
    assert_allclose(found, 10 * 0.4 ** np.arange(1, 11))


@pytest.mark.parametrize("update", ["guard", "data", "setter", "copy"])
def test_updates_that_are_not_recorded(update: str) -> None:
    w = leaf([10.0, 1.0])
    for _ in range(3):
        (w**2).sum().backward()
        if update == "guard":
            with gj.no_grad():
                w -= 0.3 * w.grad
        elif update == "data":
            w.data -= 0.3 * w.grad
        elif update == "setter":
            w.data = w.data - 0.3 * w.grad
        else:
            w.detach()[...] = w.numpy() - 0.3 * w.grad.numpy()
        w.grad = None
    assert w.is_leaf and w.requires_grad
    assert_allclose(w, np.array([10, 1]) * 0.4**3)


def test_the_gradient_is_that_of_the_values_that_were_used() -> None:
    x = leaf([1.0, 2.0])
    y = (x**2).sum()
    with gj.no_grad():
        x *= 10
    y.backward()
    assert_array_equal(x, [10, 20])
    assert_array_equal(x.grad, [2, 4])
    x.grad = None
    y = (x**2).sum()
    y.item()
    x.numpy()[:] = 7
    y.backward()
    assert_array_equal(x, [7, 7])
    assert_array_equal(x.grad, [20, 40])


def test_a_recorded_write_makes_another_variable() -> None:
    x = leaf([[3.0, 4.0]])
    x /= np.sqrt(np.sum(x**2, axis=1, keepdims=True))
    assert_allclose(x, [[0.6, 0.8]])
    (x**2).sum().backward()
    assert_allclose(x.grad, [[1.2, 1.6]])


@pytest.mark.parametrize("look", [False, True])
def test_writes_in_place_are_differentiated(look: bool) -> None:
    x = leaf([1.0, 2.0, 3.0])
    y = x * 2
    if look:
        y.item(0)
    y[1:] *= x[:-1]
    y[0] = 5.0
    y += 1
    if look:
        y.item(0)
    (y * y).sum().backward()
    reference = gj.grad(functional_writes)(np.array([1.0, 2.0, 3.0]))
    assert_allclose(x.grad, reference)


def functional_writes(x):
    y = x * 2
    y[1:] *= x[:-1]
    y[0] = 5.0
    y += 1
    return np.sum(y * y)


@pytest.mark.parametrize("look", [False, True])
def test_views_share_memory_and_gradients(look: bool) -> None:
    x = leaf(np.arange(6.0).reshape(2, 3))
    y = x * 1
    row, t = y[1], y.T
    if look:
        assert_array_equal(t, x.numpy().T)
    row += 10
    t[0] = 0
    assert_array_equal(y, [[0, 1, 2], [0, 14, 15]])
    assert_array_equal(row, [0, 14, 15])
    assert row.base is y and t.shape == (3, 2)
    (row * row).sum().backward()
    assert_array_equal(x.grad, [[0, 0, 0], [0, 28, 30]])


def test_looking_does_not_end_the_history() -> None:
    x = leaf(2.0)
    y = x * x
    for k in range(20):
        y = y + k * x
        assert float(y) == 4 + 2 * sum(range(k + 1))
    y.backward()
    assert x.grad.item() == 4 + sum(range(20))


# the graph ------------------------------------------------------------------------------------------------------------
def test_a_graph_is_used_up() -> None:
    x = leaf([1.0, 2.0])
    h = x * 2
    y = (h * h).sum()
    y.backward(retain_graph=True)
    y.backward()
    assert_array_equal(x.grad, [16, 32])
    for again in (y, h):
        with pytest.raises(errors.DifferentiationError, match=r"freed by the backward[\s\S]*test_gradients.py"):
            again.backward()


def test_two_graphs_on_one_leaf() -> None:
    x = leaf(3.0)
    a, b = x**2, x**3
    a.backward()
    b.backward()
    assert x.grad.item() == 6 + 27


def test_retained_gradients_and_hooks() -> None:
    x = leaf([1.0, 2.0])
    h = x * 3
    h.retain_grad()
    seen = []
    remove = h.register_hook(lambda g: seen.append(g.numpy().copy()) or g * 10)
    (h * h).sum().backward()
    assert_array_equal(seen, [[6, 12]])
    assert_array_equal(x.grad, [180, 360])
    assert_array_equal(h.grad, [60, 120])
    remove()
    x.grad = None
    x.register_hook(lambda g: -g)
    (x * x).sum().backward()
    assert_array_equal(x.grad, [-2, -4])


LENGTHS: dict[str, Callable[[Any], Any]] = {
    "abs": np.abs, "sqrt": np.sqrt, "hypot": lambda x: np.hypot(x, 2 * x), "norm": np.linalg.norm, "std": np.std,
    "norm of columns": lambda x: np.linalg.norm(x, axis=0), "neg": np.negative, "transposed": np.transpose,
}
SQUARES: dict[str, Callable[[Any], Any]] = {
    "product": lambda y: (y * y).sum(), "power": lambda y: (y**2).sum(), "in another shape": lambda y: np.vdot(y, y),
    "broadcast": lambda y: (np.broadcast_to(y, (2, *y.shape))**2).sum(), "length again": lambda y: np.linalg.norm(y)**2,
    "neg": lambda y: ((-y)**2).sum(), "transposed": lambda y: (y.T**2).sum(),
}


@pytest.mark.parametrize("square", SQUARES)
@pytest.mark.parametrize("length", LENGTHS)
def test_the_gradient_of_what_is_squared(length: str, square: str) -> None:
    """The derivative of a squared length passes the length by; not where the length keeps a gradient of its own."""
    x = leaf([[1.0, 1.5, 2.0], [1.2, 1.3, 0.4]])
    y = LENGTHS[length](x)
    y.retain_grad()
    SQUARES[square](y).backward()
    assert_allclose(y.grad, (4 if square == "broadcast" else 2) * y.numpy(), rtol=1e-12)
    assert_allclose(x.grad, gj.grad(lambda x: SQUARES[square](LENGTHS[length](x)))(x.numpy()), rtol=1e-12)


def test_whether_a_gradient_is_kept() -> None:
    x = leaf([1.0, 2.0])
    y = x * 3
    assert not y.retains_grad
    y.retain_grad()
    x.retain_grad()
    assert y.retains_grad and not x.retains_grad


def test_a_leaf_that_wants_no_gradient_any_more() -> None:
    x, w = leaf([1.0, 2.0]), leaf([3.0, 4.0])
    y = (x * w).sum()
    x.requires_grad_(False)
    y.backward()
    assert x.grad is None
    assert_array_equal(w.grad, [1, 2])


def by_item(t: Any, x: Any) -> None:
    t[0] = x[1]
    t[1:] += x[:1]


def by_view(t: Any, x: Any) -> None:
    v = t[:1]
    v *= x[1]


def by_chain(t: Any, x: Any) -> None:
    other = gj.zeros(2)
    other += x
    t *= other * x


WRITES_TO_CONSTANTS: dict[str, Callable[[Any, Any], Any]] = {
    "add": lambda t, x: t.add_(x), "item": by_item, "view": by_view, "chain": by_chain,
    "out": lambda t, x: np.exp(x, out=t), "copy": lambda t, x: t.copy_(x), "fill": lambda t, x: t.fill(x[0]),
    "mask": lambda t, x: t.__setitem__(x > 2.5, x[1] * 2), "at": lambda t, x: np.add.at(t, [0], x[1]),
}


@pytest.mark.parametrize("name", WRITES_TO_CONSTANTS)
@pytest.mark.parametrize("look", [False, True])
def test_what_is_written_into_a_constant_under_no_grad_is_constant(name: str, look: bool) -> None:
    x, t = leaf([2.0, 3.0]), gj.tensor([1.0, 1.0])
    with gj.no_grad():
        WRITES_TO_CONSTANTS[name](t, x)
    if look:
        t.tolist()
    (x * t).sum().backward()
    assert not t.requires_grad
    assert not np.array_equal(t.tolist(), [1, 1])
    assert_array_equal(x.grad, t)


@pytest.mark.parametrize("used_before", [False, True])
@pytest.mark.parametrize("look", ["", "before", "behind"])
def test_a_hook_on_what_was_written_to_unseen(look: str, used_before: bool) -> None:
    x = leaf([1.0, 2.0])
    t = x * 2
    if look == "before":
        t.item(0)
    before = (t * 5).sum() if used_before else 0.0
    with gj.no_grad():
        t[:1] += 1.0
    if look == "behind":
        t.item(0)
    u = t.clone()
    t.register_hook(lambda g: g * 3)
    ((u * u).sum() + before).backward()
    assert_array_equal(x.grad, 3 * 2 * (np.array([6.0, 8.0]) + 5 * used_before))


def test_an_exception_in_a_hook_leaves_all_as_it_was() -> None:
    x = leaf([1.0, 2.0])
    h = x * 3

    def bad(_: object) -> None:
        raise ZeroDivisionError

    remove = h.register_hook(bad)
    y = (h * h).sum()
    with pytest.raises(ZeroDivisionError):
        y.backward(retain_graph=True)
    assert x.grad is None
    remove()
    y.backward()
    assert_array_equal(x.grad, [18, 36])


def test_constants() -> None:
    c, x = gj.tensor([1.0, 2.0]), leaf([1.0, 2.0])
    assert not (c * c).requires_grad
    (c * c).backward()
    assert c.grad is None
    (c * x * np.array([5.0, 7.0])).sum().backward()
    assert_array_equal(x.grad, [5, 14])
    assert c.grad is None
    with gj.no_grad():
        y = x * 2
    assert not y.requires_grad and x.requires_grad

    @gj.no_grad()
    def f(x: gj.Tensor) -> gj.Tensor:
        with gj.enable_grad():
            assert (x * 2).requires_grad
        return x * 2

    assert not f(x).requires_grad
    with pytest.raises(errors.DifferentiationError, match="int64"):
        gj.tensor([1, 2]).backward()
    with pytest.raises(errors.DtypeError, match="dtype=float"):
        gj.tensor([1, 2], requires_grad=True)


def test_modes_as_decorators() -> None:
    x = leaf([1.0, 2.0])

    def f(x: gj.Tensor) -> gj.Tensor:
        return x * 2

    assert not gj.no_grad(f)(x).requires_grad and not gj.no_grad()(f)(x).requires_grad
    assert gj.no_grad(gj.enable_grad(f))(x).requires_grad and f(x).requires_grad

    async def later() -> None:
        pass

    def some() -> Any:
        yield

    for g in (later, some):
        with pytest.raises(TypeError, match=f"and {g.__name__} is a generator or a coroutine; write `with` inside"):
            gj.no_grad(g)
    with pytest.raises(TypeError, match="takes a function, as a decorator, or nothing; got 3"):
        gj.no_grad(3)


def test_detached_parts() -> None:
    x = leaf([1.0, 2.0])
    y = x * 3
    (y.detach() * x).sum().backward()
    assert_array_equal(x.grad, [3, 6])
    assert not y.detach().requires_grad and y.detach().is_leaf


def test_nonfinite_numbers() -> None:
    x = leaf([0.0, -1.0, np.inf])
    np.log(x).sum().backward()
    assert_array_equal(x.grad, [np.inf, -1, 0])


# objects --------------------------------------------------------------------------------------------------------------
def test_pickle_and_deepcopy() -> None:
    x = leaf([1.0, 2.0])
    (x * x).sum().backward()
    for y in (pickle.loads(pickle.dumps(x)), copy.deepcopy(x)):
        assert_array_equal(y, x)
        assert_array_equal(y.grad, x.grad)
        assert y.requires_grad and y.is_leaf and y is not x
        y -= 1
        assert_array_equal(x, [1, 2])


def test_memory_is_freed() -> None:
    x = leaf(np.ones(10))
    y = (x * 2) + 1
    y.item(0)
    z = np.sin(y)
    z.item(0)
    watched = [weakref.ref(t) for t in (y, z)]
    del y, z
    gc.collect()
    assert [w() for w in watched] == [None, None]


def test_a_graph_for_each_thread() -> None:
    found: dict[int, np.ndarray] = {}

    def work(k: int) -> None:
        x = leaf([float(k)])
        for _ in range(30):
            y = x * x
            y.backward()
            x -= 0.1 * x.grad
            x.grad = 0
        found[k] = x.numpy()

    threads = [threading.Thread(target=work, args=(k,)) for k in range(4)]
    for t in threads:
        t.start()
    for t in threads:
        t.join()
    assert_allclose([found[k][0] for k in range(4)], 0.8**30 * np.arange(4))


def test_a_pending_tensor_of_another_thread() -> None:
    pending: list[gj.Tensor] = []
    t = threading.Thread(target=lambda: pending.append(gj.tensor([1.0]) * 2))
    t.start()
    t.join()
    with pytest.raises(errors.TraceError, match="another thread"):
        pending[0] + 1


def test_huge_graphs() -> None:
    x = leaf(1.0)
    y = x * 1.0
    for _ in range(20_000):
        y = y + x
    y.backward()
    assert x.grad.item() == 20_001


def test_errors_come_at_the_line() -> None:
    x = leaf(np.ones((2, 3)))
    for f in (lambda: x @ x, lambda: x + np.ones(4), lambda: x[5], lambda: x[[0, 7]], lambda: np.sum(x, axis=3)):
        with pytest.raises((ValueError, IndexError), match="test_gradients.py"):
            f()
    (x * x).sum().backward()
    assert_array_equal(x.grad, 2 * np.ones((2, 3)))


def test_eager() -> None:
    x = leaf([1.0, 2.0])
    with gj.eager(True):
        y = x * 2
        y[0] = 5.0
        y += x
        assert y._array is not None and y._array.tolist() == [6, 6]
        (y * y).sum().backward()
    assert (x * 2)._array is None
    assert_array_equal(x.grad, [12, 36])


def test_what_numpy_does_itself() -> None:
    x = leaf([1.0, 0.0, 3.0])
    (places,) = np.nonzero(x)
    assert_array_equal(places, [0, 2])
    assert (gj.tensor([1.0], dtype=np.float16) + 1).dtype == np.float16
    assert_array_equal(np.linalg.eigvals(gj.tensor(np.eye(2))), [1, 1])
    assert_array_equal(np.linalg.eigvals(leaf(np.eye(2))), [1, 1])
    assert_array_equal(x[x > 0.5], [1, 3])


FACTOR = 2.0
TABLE = np.array([1.0, 10.0, 100.0])


def test_compiled_functions_on_tensors() -> None:
    x = leaf([1.0, 2.0, 3.0])
    slope = gj.grad(lambda a: np.sum(a**3))
    g = slope(x)
    assert_array_equal(g, [3, 12, 27])
    (g * g).sum().backward()
    assert_allclose(x.grad, 36 * x.numpy() ** 3)

    @gj.jit
    def powers(a, times):
        s = a * 0
        for k in range(50):
            s = s + a * k
        return s * times

    for times in (2.0, 3.0):
        x.grad = None
        powers(x, times).backward()
        assert_allclose(x.grad, [1225 * times] * 3)
    p = {"w": leaf([1.0, 2.0]), "b": leaf(0.5)}
    value, gradients = gj.value_and_grad(lambda p, x: np.sum((x @ p["w"] + p["b"]) ** 2))(p, np.ones((3, 2)))
    value.backward()
    assert_allclose(gradients["w"], p["w"].grad)
    assert gradients["b"].item() == p["b"].grad.item() == 21


def test_what_a_compiled_function_reads_from_outside(monkeypatch: pytest.MonkeyPatch) -> None:
    x = leaf([1.0, 2.0, 3.0])
    f = gj.jit(lambda a: np.sum(a * TABLE * FACTOR))
    for _ in range(3):
        y = f(x)
        expected, slope = np.sum(x.numpy() * TABLE * FACTOR), TABLE * FACTOR
        TABLE[0] += 1
        monkeypatch.setitem(globals(), "FACTOR", FACTOR + 1)
        y.backward()
        assert y.item() == expected
        assert_array_equal(x.grad, slope)
        x.grad = None


def test_tensors_meet_traced_arrays() -> None:
    x = leaf([1.0, 2.0])
    with pytest.raises(errors.TraceError, match=r"t\.numpy\(\)"):
        gj.grad(lambda a: (a * x).sum())(np.ones(2))
    assert_array_equal(gj.grad(lambda a: (a * x.numpy()).sum())(np.ones(2)), [1, 2])


def test_what_cannot_be_computed_is_that_tensors_affair() -> None:
    x = leaf([1.0, 2.0])
    w, y, s = x * 3, np.take(x, gj.tensor([5])), x.sum()
    for _ in range(2):
        with pytest.raises(IndexError, match="test_gradients.py"):
            y.numpy()
    assert_array_equal(w, [3, 6])
    assert_array_equal(x * 2, [2, 4])
    with pytest.raises(IndexError):
        np.take(x, gj.tensor([7])).sum().backward()
    bad = np.take(x, gj.tensor([7]))
    (s + w.sum()).backward()
    assert_array_equal(x.grad, [4, 4])
    with pytest.raises(IndexError):
        bad.item()


@pytest.mark.parametrize("runs", [0, 48])
def test_gradients_share_no_memory(runs: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(kernels, "runs_interpreted", lambda func: runs)
    gj.tensors.trie.clear()
    x, y = leaf([1.0, 2.0]), leaf([3.0, 4.0])
    (x + y).sum().backward()
    held, array = x.grad, x.grad.numpy()
    assert not np.shares_memory(array, y.grad.numpy())
    array += 10
    assert_array_equal(held, [11, 11])
    assert_array_equal(y.grad, [1, 1])
    (x + y).sum().backward()
    assert x.grad is held
    assert_array_equal(array, [12, 12])  # gradients add up in place
    kept = x * 2
    (kept + y).sum().backward()
    assert_array_equal(kept, [2, 4])
    assert (kept + 1).requires_grad


def test_data_given_as_arrays_is_read_when_it_is_used() -> None:
    x, data = leaf([1.0, 2.0]), np.array([3.0, 4.0])
    y = (x * data).sum()
    data[:] = 0
    y.backward()
    assert y.item() == 11
    assert_array_equal(x.grad, [3, 4])


def test_the_line_that_freed_a_graph_is_the_users_where_another_value_fails() -> None:
    x = leaf([1.0, 2.0])
    singular = np.linalg.inv(gj.tensor(np.zeros((2, 2))))
    y = (x * x).sum()
    y.backward()
    with pytest.raises(gj.DifferentiationError, match=r"freed by the backward at\n.*test_gradients.py"):
        y.backward()
    with pytest.raises(np.linalg.LinAlgError):
        singular.numpy()
