"""Memory that is shared, and writes that are not recorded: values and gradients are those that PyTorch gives."""

from __future__ import annotations

import sys
import threading
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import pytest
from numpy.testing import assert_array_equal

import gradjit as gj
from gradjit.tensors import kernels


@pytest.fixture(params=["interpreted", "compiled"], autouse=True)
def tier(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    if request.param == "compiled":
        monkeypatch.setattr(kernels, "runs_interpreted", lambda func: 0)
    gj.tensors.trie.clear()
    yield
    gj.tensors.trie.clear()


def leaf(*x: float) -> gj.Tensor:
    return gj.tensor(x, requires_grad=True)


# buffers --------------------------------------------------------------------------------------------------------------
def test_what_is_written_shows_in_the_buffer_at_once() -> None:
    t = gj.tensor([1.0, 2.0, 3.0])
    a, part = t.numpy(), t[1:].numpy()
    t += 1
    assert_array_equal(a, [2, 3, 4])
    assert_array_equal(part, [3, 4])
    t[0] = 9.0
    np.multiply(t, 2.0, out=t)
    assert_array_equal(a, [18, 6, 8])
    t.zero_()
    assert_array_equal(part, [0, 0])


def test_what_is_written_to_the_buffer_shows_at_the_next_use() -> None:
    t = gj.tensor([1.0, 2.0])
    y, view = t * 2, t[:1]
    a = t.numpy()
    assert_array_equal(view * 1, [1])
    a[:] = 100
    assert_array_equal(t * 2, [200, 200])
    assert_array_equal(view * 1, [100])
    assert_array_equal(y, [2, 4])
    z = t + 0
    a[:] = 5
    assert_array_equal(t + z, [105, 105])


def test_a_leaf_whose_buffer_is_held() -> None:
    x = leaf(1.0, 2.0)
    a = x.numpy()
    y = x * x
    a[:] = 10
    y = y + x * 3
    a[:] = 20
    y.sum().backward()
    assert_array_equal(y, [31, 34])
    assert_array_equal(x.grad, [2 + 3, 4 + 3])
    x.grad = None
    x += x
    assert_array_equal(a, [40, 40])
    (x * x).sum().backward()
    assert_array_equal(x.grad, [80, 80])


def test_two_tensors_on_one_array() -> None:
    t = gj.tensor([1.0, 2.0])
    u = gj.from_numpy(t.numpy())
    t += 1
    assert_array_equal(u, [2, 3])
    u *= 2
    assert_array_equal(t, [4, 6])


def test_the_buffer_of_a_gradient() -> None:
    x = leaf(3.0)
    y = (x * x).sum()
    y.backward(retain_graph=True)
    a = x.grad.numpy()
    y.backward()
    assert_array_equal(a, [12])
    x.grad.zero_()
    assert_array_equal(a, [0])


def test_a_buffer_that_nobody_holds_costs_nothing() -> None:
    x = leaf(1.0, 2.0)
    x.numpy()
    y = x * x
    assert not x._exposed
    assert y._recording is x._recording


@pytest.mark.parametrize("count", [1, 2, 3])
def test_gradients_of_numbers_are_arrays(count: int) -> None:
    x = gj.tensor(2.0, requires_grad=True)
    y = x
    for _ in range(count):
        y = y * 0.5 + x
        y.item()
        (x * x).backward()
    y.backward()
    assert type(x.grad.numpy()) is np.ndarray
    x.grad.numpy()[...] = 7.0
    assert x.grad.item() == 7


# what is not recorded -------------------------------------------------------------------------------------------------
def scaled(y: gj.Tensor) -> None:
    with gj.no_grad():
        y *= 3


def set_item(y: gj.Tensor) -> None:
    with gj.no_grad():
        y[0] = 5.0


def scaled_view(y: gj.Tensor) -> None:
    view = y[:1]
    with gj.no_grad():
        view *= 5


def filled(y: gj.Tensor) -> None:
    with gj.no_grad():
        y.zero_()


def detached(y: gj.Tensor) -> None:
    d = y.detach()
    d *= 3


def data(y: gj.Tensor) -> None:
    y.data *= 3


def assigned(y: gj.Tensor) -> None:
    y.data = gj.tensor([9.0, 9.0])


@pytest.mark.parametrize("write, holds", [
    (scaled, [24, 18]), (set_item, [5, 6]), (scaled_view, [40, 6]), (filled, [0, 0]), (detached, [24, 18]),
    (data, [24, 18]), (assigned, [9, 9]),
])
@pytest.mark.parametrize("looks", [False, True])
def test_cotangents_pass_a_write_that_was_not_recorded(write: Callable[[Any], None], holds: list[float], looks: bool
                                                       ) -> None:
    weights = np.array([1.0, 10.0])
    x = leaf(4.0, 3.0)
    y = x * 2
    if looks:
        y.item(0)
    before = (y * y).sum()
    write(y)
    ((y * y * weights).sum() + before).backward()
    assert_array_equal(y, holds)
    assert_array_equal(x.grad, 2 * (2 * weights * holds + 2 * np.array([8.0, 6.0])))


def test_writes_of_both_kinds() -> None:
    x = leaf(4.0, 3.0)
    y = x * 2
    with gj.no_grad():
        y *= 3
    y *= 2
    with gj.no_grad():
        y += 1
    (y * np.array([1.0, 10.0])).sum().backward()
    assert_array_equal(y, [49, 37])
    assert_array_equal(x.grad, [4, 40])


# leaves of what was detached ------------------------------------------------------------------------------------------
def test_a_detached_tensor_becomes_a_leaf() -> None:
    w = leaf(4.0, 3.0)
    for _ in range(3):
        (w * w).sum().backward()
        w = (w - 0.25 * w.grad).detach().requires_grad_()
        assert w.is_leaf and w.requires_grad and w.grad is None and w.base is None
    assert_array_equal(w, [0.5, 0.375])
    y = w * 1
    assert not w._exposed
    assert y.requires_grad


def test_it_shares_the_memory() -> None:
    x = leaf(4.0, 3.0)
    y = x.detach()
    y.requires_grad = True
    with gj.no_grad():
        y -= 1
    assert_array_equal(x, [3, 2])
    x.data -= 1
    assert_array_equal(y, [2, 1])
    (y * x).sum().backward()
    assert_array_equal(x.grad, [2, 1])
    assert_array_equal(y.grad, [2, 1])


def test_a_part_of_a_constant_becomes_a_leaf() -> None:
    c = gj.tensor(np.arange(6.0).reshape(2, 3))
    column = c.T[1].requires_grad_()
    (column * column).sum().backward()
    assert_array_equal(column.grad, [2, 8])
    c[0, 1] = 7.0
    assert_array_equal(column, [7, 4])
    with gj.no_grad():
        column += 1
    assert_array_equal(c, [[0, 8, 2], [3, 5, 5]])
    row = leaf(1.0, 2.0)[:1]
    with pytest.raises(gj.DifferentiationError, match="detach"):
        row.requires_grad = False


# threads --------------------------------------------------------------------------------------------------------------
def test_views_and_writes_that_another_thread_records() -> None:
    data, other = gj.tensor([1.0, 2.0, 3.0]), gj.tensor([1.0])
    data.numpy()
    view = data[1:]
    found: list[Any] = []

    def work() -> None:
        found.append((view * 2).tolist())
        other.__iadd__(1)
        other.sum()
        found.append(other)
        done.set()
        leave.wait(10)

    done, leave = threading.Event(), threading.Event()
    thread = threading.Thread(target=work)
    thread.start()
    assert done.wait(10)
    with pytest.raises(gj.TraceError, match="another thread"):
        other * 2
    leave.set()
    thread.join()
    assert found[0] == [4, 6]


def test_an_operand_that_is_given_back() -> None:
    t = gj.tensor([1.0, 2.0])
    a = t.numpy()
    assert np.add(t, t.reshape(2), out=t) is t
    assert_array_equal(a, [2, 4])


def test_tensors_that_threads_share() -> None:
    data = gj.tensor(np.arange(1.0, 6.0))
    part = data[1:4]
    wrong: list[Any] = []

    def work(k: int) -> None:
        x = gj.tensor(np.arange(5.0) + k, requires_grad=True)
        others = [gj.tensor(float(i)) for i in range(k)]
        for _ in range(40):
            x.grad = None
            ((x * data * data).sum() + (x[1:4] * part).sum() + sum(others)).backward()
            if x.grad.tolist() != [1, 6, 12, 20, 25]:
                wrong.append(x.grad)

    interval = sys.getswitchinterval()
    sys.setswitchinterval(1e-6)
    try:
        threads = [threading.Thread(target=work, args=(k,)) for k in range(6)]
        for t in threads:
            t.start()
        for t in threads:
            t.join()
    finally:
        sys.setswitchinterval(interval)
    assert not wrong


# variables ------------------------------------------------------------------------------------------------------------
def test_views_are_entered_again_as_what_they_were_made_as() -> None:
    x = leaf(1.0, 2.0, 3.0)
    y = x * 2
    view = y[1:]
    with gj.no_grad():
        constant = y[:2]
    assert y.tolist() == [2, 4, 6]
    with gj.no_grad():
        view += 1
    (view * view).sum().backward(retain_graph=True)
    assert_array_equal(x.grad, [0, 20, 28])
    x.grad = None
    (constant * y[:2]).sum().backward()
    assert_array_equal(x.grad, [4, 10, 0])


@pytest.mark.parametrize("same", [lambda y: y.clone(), lambda y: +y, lambda y: y.reshape(2).copy()])
def test_a_copy_is_a_variable_of_its_own(same: Callable[[Any], Any]) -> None:
    x = leaf(1.0, 2.0)
    y = x * 3
    a, b = same(y), same(y)
    for t in (y, a, b):
        t.retain_grad()
    (y * y + 5 * a + b * b).sum().backward()
    assert_array_equal(a.grad, [5, 5])
    assert_array_equal(b.grad, [6, 12])
    assert_array_equal(y.grad, [17, 29])
    assert_array_equal(x.grad, [51, 87])


def test_what_is_written_is_a_variable_of_its_own() -> None:
    x, w = leaf(1.0, 2.0), leaf(0.0, 0.0)
    y = x * 3
    w[:] = y
    (y * y + 5 * w).sum().backward()
    assert_array_equal(w.grad, [5, 5])
    assert_array_equal(x.grad, [33, 51])


@pytest.mark.parametrize("looks", [False, True])
def test_hooks_belong_to_what_was_there(looks: bool) -> None:
    seen = []
    x = leaf(1.0, 2.0)
    y = x * x
    if looks:
        y.item(0)
    y.register_hook(lambda g: seen.append(g.tolist()) or g * 3)
    y *= 2
    with gj.no_grad():
        y += 1
    (y * np.array([1.0, 10.0])).sum().backward()
    assert seen == [[2, 20]]
    assert_array_equal(x.grad, [12, 240])


@pytest.mark.parametrize("looks", [False, True])
def test_kept_gradients_count_all_uses(looks: bool) -> None:
    x = leaf(1.0, 2.0)
    y = x * 2
    y.retain_grad()
    z = y * 5
    if looks:
        z.item(0)
    with gj.no_grad():
        y *= 10
    (z + y * y).sum().backward()
    assert_array_equal(y.grad, [45, 85])
    assert_array_equal(x.grad, [90, 170])


def test_what_is_detached_takes_no_derivatives() -> None:
    x, y = leaf(1.0, 2.0), leaf(3.0, 4.0)
    for write in (lambda: x.detach().__imul__(y), lambda: x.detach()[:1].__iadd__(x[:1] * 2),
                  lambda: np.add(x, y, out=x.detach())):
        with pytest.raises(gj.DifferentiationError, match=r"clone\(\)[\s\S]*test_shared_memory.py"):
            write()
    with gj.no_grad():
        x.detach().__imul__(y)
    assert_array_equal(x, [3, 8])


def test_hooks_of_variables_that_come_from_each_other() -> None:
    x = leaf(1.0, 2.0)
    a = x * 2
    b = x.clone()
    a += b
    calls = []
    a.register_hook(lambda g: calls.append("a") or g * 3)
    b.register_hook(lambda g: calls.append("b") or g * 5)
    (a + b * b).sum().backward()
    assert calls == ["a", "b"]
    assert_array_equal(x.grad, [3 * 2 + 5 * (2 + 3), 3 * 2 + 5 * (4 + 3)])


def test_a_variable_ends_where_it_is_written_to() -> None:
    x = leaf(1.0, 2.0)
    y = x * 3
    y.item(0)
    with gj.no_grad():
        y += 1
    y.item(0)
    y *= x
    y.retain_grad()
    y.item(0)
    (y * y).sum().backward()
    assert_array_equal(y.grad, [8, 28])
    assert_array_equal(x.grad, [8 * (4 + 3), 28 * (7 + 6)])


def test_views_where_each_operation_is_computed_at_once() -> None:
    x = leaf(1.0, 2.0)
    with gj.eager():
        y = x * 3
        y.item(0)
        part = y[:1]
        part *= 5
        y[1:] -= part
    (y * y).sum().backward()
    assert_array_equal(y, [15, -9])
    assert_array_equal(x.grad, [2 * 15 * 15 + 2 * 9 * 15, -2 * 9 * 3])
