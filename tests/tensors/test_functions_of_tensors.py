"""gradjit's own functions on tensors: rules of the user's, what is not looked into, what stops derivatives."""

from __future__ import annotations

import copy
import pickle
import re
from typing import Any

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from scipy.linalg import solve
from scipy.special import logsumexp

import gradjit as gj
from gradjit.tensors import tensor_names

FACTOR = 10.0


def leaf(*x: float) -> gj.Tensor:
    return gj.tensor(x, requires_grad=True)


@gj.custom_vjp
def by_cotangents(x):
    return x * x


by_cotangents.defvjp(lambda x: (x * x, x), lambda x, ct: (ct * FACTOR * x,))


@gj.custom_jvp
def by_tangents(x):
    return x * x


@by_tangents.defjvp
def by_tangents_rule(primals, tangents):
    return primals[0] * primals[0], 10 * primals[0] * tangents[0]


@pytest.mark.parametrize("f", [by_cotangents, by_tangents])
@pytest.mark.parametrize("wrapped", [lambda f: f, gj.jit, gj.checkpoint, lambda f: gj.jit(lambda x: f(f(x)) / x**2)])
def test_rules_of_the_users(f: Any, wrapped: Any) -> None:
    x = leaf(1.0, 2.0)
    call = wrapped(f)
    for _ in range(3):
        x.grad = None
        y = call(x)
        y.sum().backward()
        assert_array_equal(y, [1, 4])
        assert_allclose(x.grad, gj.grad(lambda a: np.sum(call(a)))(np.array([1.0, 2.0])))


def test_a_rule_reads_the_world_at_the_call(monkeypatch: pytest.MonkeyPatch) -> None:
    x = leaf(1.0, 2.0)
    for factor in (10.0, 3.0, 10.0):
        monkeypatch.setitem(globals(), "FACTOR", factor)
        x.grad = None
        y = by_cotangents(x).sum()
        monkeypatch.setitem(globals(), "FACTOR", -1.0)
        y.backward()
        assert_array_equal(x.grad, factor * np.array([1.0, 2.0]))


def test_a_rule_that_is_defined_anew() -> None:
    @gj.custom_vjp
    def f(x):
        return x * x

    x = leaf(1.0, 2.0)
    for factor in (2.0, 5.0):
        f.defvjp(lambda x: (x * x, x), lambda x, ct, factor=factor: (ct * factor * x,))
        x.grad = None
        f(x).sum().backward()
        assert_array_equal(x.grad, factor * np.array([1.0, 2.0]))


def test_primitives() -> None:
    triple = gj.primitive(lambda a: np.asarray(a) * 3, out="f64[n]", vjp="numeric")
    x = leaf(1.0, 2.0)
    (triple(x) * x).sum().backward()
    assert_allclose(x.grad, [6, 12], rtol=1e-7)
    without = gj.primitive(lambda a: np.asarray(a) * 3, out="f64[n]")
    assert_array_equal(without(x.detach()), [3, 6])
    with pytest.raises(gj.DifferentiationError, match="gj.primitive without a derivative"):
        without(x).sum().backward()


def test_solvers_are_differentiated_by_their_equation() -> None:
    @gj.implicit(lambda x, a: x * x - a)
    def root(a):
        return gj.stop_gradient(np.sqrt(a))

    x = gj.tensor(4.0, requires_grad=True)
    y = root(x)
    y.backward()
    assert y.item() == 2
    assert_allclose(x.grad, 0.25)


def test_what_stops_derivatives() -> None:
    x = leaf(1.0, 2.0)
    (gj.stop_gradient({"a": x * x})["a"] * x).sum().backward()
    assert_array_equal(x.grad, [1, 4])


def test_loops_as_functions() -> None:
    x = leaf(1.0, 2.0, 3.0)
    carry, ys = gj.scan(lambda c, a: (c + a * a, c * a), gj.tensor(0.0), x)
    (carry + ys.sum()).backward()
    expected = gj.grad(lambda x: np.sum(x**2) + x[0] ** 2 * (x[1] + x[2]) + x[1] ** 2 * x[2])(x.numpy())
    assert_array_equal(x.grad, expected)
    x.grad = None

    def doubled(i, c):
        c *= 2.0
        return c

    gj.fori_loop(0, 3, doubled, x).sum().backward()
    assert_array_equal(x, [1, 2, 3])
    assert_array_equal(x.grad, [8, 8, 8])


def test_hooks_and_kept_gradients() -> None:
    x = leaf(1.0, 2.0)
    handle = x.register_hook(lambda g: g * 5)
    handle.remove()
    y = x * 2

    def write(g: gj.Tensor) -> None:
        g *= 10

    y.register_hook(write)
    y.sum().backward()
    assert_array_equal(x.grad, [20, 20])
    part = x[1:].clone()
    part.retain_grad()
    (part * part).sum().backward()
    assert_array_equal(part.grad, [4])


def test_gradients_that_are_set() -> None:
    x = gj.tensor([1.0, 2.0], requires_grad=True, dtype=np.float32)
    x.grad = np.array([1.0, 2.0])
    assert x.grad.dtype == np.float32
    (x * x).sum().backward()
    assert_array_equal(x.grad, [3, 6])
    x.grad = gj.tensor([1, 2])
    (x * x).sum().backward()
    assert_array_equal(x.grad, [3, 6])
    for bad in (1.0, "zero", [1.0, 2.0], np.zeros(3), gj.tensor([1j, 2j])):
        with pytest.raises(gj.ArgumentError if not isinstance(bad, gj.Tensor) else gj.DtypeError, match="gradient"):
            x.grad = bad


def test_ints_that_change_are_inputs() -> None:
    x = leaf(1.0, 2.0, 3.0)
    nodes = []
    for k in range(40):
        x.grad = None
        y = (x[k % 3 - 1] * k - (k - x).sum()) / (k + 1) + (x > k)
        y += k
        y.sum().backward()
        expected = np.full(3, 3 / (k + 1))
        expected[k % 3 - 1] += 3 * k / (k + 1)
        assert_allclose(x.grad, expected)
        nodes.append(gj.tensors.trie._trie.nodes)
    assert nodes[5] < nodes[15] and nodes[22] == nodes[-1]
    assert [(gj.tensor([1, 2]) + k).dtype for k in range(20)] == [np.int64] * 20
    for k in range(3, 23):
        with pytest.raises(IndexError, match=rf"index {k} is out of bounds[\s\S]*test_functions_of_tensors.py"):
            x[k]


def test_functions_of_scipy_do_not_lose_derivatives() -> None:
    x, a = leaf(1.5, 2.0), gj.tensor([[2.0, 1.0], [1.0, 3.0]], requires_grad=True)
    for call in (lambda: logsumexp(x), lambda: logsumexp(x * 2), lambda: solve(a, np.ones(2))):
        with pytest.raises(gj.DifferentiationError, match=r"gj\.jit[\s\S]*test_functions_of_tensors.py"):
            call()
    assert_allclose(logsumexp(x.detach()), np.log(np.exp([1.5, 2.0]).sum()))
    with gj.no_grad():
        logsumexp(x)
    gj.jit(logsumexp)(x).backward()
    assert_allclose(x.grad, np.exp([1.5, 2.0]) / np.exp([1.5, 2.0]).sum())


# names of other libraries ---------------------------------------------------------------------------------------------
def test_names_of_other_libraries() -> None:
    x = leaf(1.0, 2.0, 3.0, 4.0)
    assert_array_equal(x.view(2, 2), [[1, 2], [3, 4]])
    (x.view(-1, 2) * np.array([1.0, 10.0])).sum().backward()
    assert_array_equal(x.grad, [1, 10, 1, 10])
    assert x.detach().view(np.int64).dtype == np.int64
    for name, said in (("mm", "t @ other"), ("norm", r"np\.linalg\.norm\(t\)"), ("grad_fn", r"t\.creator"),
                       ("tril", r"np\.tril\(t\)"), ("floor", r"np\.floor\(t\)"), ("eq", "t == other")):
        with pytest.raises(AttributeError, match=f"no attribute '{name}'; write {said}"):
            getattr(x, name)
    with pytest.raises(AttributeError, match="no attribute 'nonesuch'$"):
        _ = x.nonesuch
    with pytest.raises(AttributeError, match=r"write np\.sum"):
        _ = gj.sum
    with pytest.raises(gj.ArgumentError, match=r"axis=0[\s\S]*test_functions_of_tensors.py"):
        x.sum(dim=0)


@pytest.mark.parametrize("looks", [False, True])
def test_the_shape_is_set(looks: bool) -> None:
    x = leaf(1.0, 2.0, 3.0, 4.0)
    before = (x * x).sum()
    y = x * 2
    y.retain_grad()
    if looks:
        before.item(), y.item(0)
    y.shape = x.shape = (2, 2)
    w = np.array([[1.0, 2.0], [3.0, 4.0]])
    (before + (y * w).sum() + (x * w).sum()).backward()
    assert_array_equal(y.grad, w)
    assert_array_equal(x.grad, 2 * w + 2 * w + w)
    x.shape = 4
    assert_array_equal(x.grad, [5, 10, 15, 20])
    (x * x).sum().backward()
    assert_array_equal(x.grad, [7, 14, 21, 28])
    with pytest.raises(ValueError, match="reshape"):
        x.shape = 3
    a = x.numpy()
    x.shape = (2, 2)
    x[0, 0] = 7.0
    assert a[0] == 7


def test_the_shape_of_views_is_not_set() -> None:
    x = leaf(1.0, 2.0)
    for t in (x.T, x):
        with pytest.raises(gj.UnsupportedError, match=r"reshape\(shape\)[\s\S]*test_functions_of_tensors.py"):
            t.shape = (1, 2)


def test_copies_keep_the_users_attributes() -> None:
    x = leaf(1.0, 2.0)
    x.name = ["w"]
    both = copy.deepcopy([x, x])
    assert both[0] is both[1] and both[0].name == ["w"] and both[0].name is not x.name
    assert pickle.loads(pickle.dumps(x)).name == ["w"]


def test_names_of_other_libraries_say_what_is_written_here() -> None:
    for module, name, hint in ((gj, "cat", "np.concatenate"), (gj, "optim", "gj.nn.SGD"), (gj, "sin", "np.sin"),
                               (gj.nn, "Linear", "gj.nn.dense"), (gj.nn, "CrossEntropyLoss", "softmax_crossentropy")):
        with pytest.raises(AttributeError, match=rf"has no attribute '{name}'; write .*{hint}"):
            getattr(module, name)
    with pytest.raises(AttributeError, match="no attribute 'unheard_of'$"):
        getattr(gj.nn, "unheard_of")  # noqa: B009 # the type checker knows that there is none
    x = leaf(2.0)
    with pytest.raises(gj.UnsupportedError, match=r"gj.grad\(gj.grad\(f\)\)"):
        (x**3).backward(create_graph=True)
    assert_array_equal(gj.grad(lambda x: gj.grad(lambda x: (x**3).sum())(x).sum())(x), [12])


@pytest.mark.parametrize("table", [tensor_names.IN_THEIR_PLACE, tensor_names.IN_PLACE_OF_FUNCTIONS,
                                   tensor_names.IN_PLACE_OF_LAYERS])
def test_what_is_to_be_written_exists(table: dict[str, str]) -> None:
    for name, hint in table.items():
        for module, path in re.findall(r"\b(gj|np)\.([A-Za-z_.0-9]*[a-z0-9])", hint):
            found: object = {"gj": gj, "np": np}[module]
            for part in path.split("."):
                found = getattr(found, part, None)
            assert found is not None, (name, hint)
