"""Where there is nothing to differentiate an error says so, and which argument was meant; None is no gradient."""

from __future__ import annotations

import dataclasses
import functools
import types

import numpy as np
import pytest

import gradjit as gj

X = np.ones(3)


class Net:
    def __init__(self):
        self.w = 2.0 * np.ones(3)

    def plain(self, x):
        return np.sum((self.w * x) ** 2)

    def __call__(self, x):
        return self.plain(x)

    grad = gj.grad(plain)
    value_and_grad = gj.value_and_grad(plain)
    hessian = gj.hessian(plain)
    jacobian = gj.jacobian(plain)
    hvp = gj.hvp(plain)
    right = gj.grad(plain, argnums=1)


@pytest.mark.parametrize("name", ["grad", "value_and_grad", "hessian", "jacobian", "hvp"])
def test_a_method_decorated_without_argnums(name):
    message = rf'derivative of plain .* self \(argnums=0\), which is a Net.*argnums=1 \(x\)(.|\n)*{__file__}", line'
    args = (X, X) if name == "hvp" else (X,)
    with pytest.raises(gj.DifferentiationError, match=message.replace(r" \(x\)", r" \(") if name == "hvp" else message):
        getattr(Net(), name)(*args)


def test_methods_as_they_are_meant():
    np.testing.assert_allclose(Net().right(X), 8 * X)
    np.testing.assert_allclose(gj.grad(Net().plain)(X), 8 * X)
    np.testing.assert_allclose(gj.grad(Net())(X), 8 * X)
    np.testing.assert_allclose(gj.grad(Net.plain, argnums=1)(Net(), X), 8 * X)
    np.testing.assert_allclose(gj.grad(functools.partial(Net.plain, Net()))(X), 8 * X)


@dataclasses.dataclass
class Config:
    name: str


NOTHING = {
    "string": "abc", "bytes": b"abc", "None": None, "builtin": len, "function": lambda: 0, "class": Net,
    "object": object(),
    "namespace": types.SimpleNamespace(a="b"), "module": np, "dtype": np.dtype("f8"), "range": range(3), "set": {1.0},
    "dict of strings": {"a": "b", "c": None}, "list of strings": ["a", ["b"]], "dataclass of strings": Config("a"),
    "slice": slice(3), "bool": True, "int": 3, "array of ints": np.arange(3), "array of bools": X > 0,
    "NumPy int": np.int64(3),
}
TRANSFORMS = {
    "grad": gj.grad, "value_and_grad": gj.value_and_grad, "hessian": gj.hessian, "jacobian": gj.jacobian,
    "jvp": lambda f: lambda k: gj.jvp(f, (k,), (k,)), "vjp": lambda f: lambda k: gj.vjp(f, k)[1](1.0),
    "hvp": lambda f: lambda k: gj.hvp(f)(k, k), "nested": lambda f: gj.jit(lambda k: gj.grad(f)(k)),
    "tuple": functools.partial(gj.grad, argnums=(0,)), "compiled": lambda f: gj.grad(gj.jit(f)),
}


@pytest.mark.parametrize("name", NOTHING)
@pytest.mark.parametrize("transform", TRANSFORMS)
def test_arguments_without_a_derivative(name, transform):
    def f(thing, x=X):
        return np.sum(x**2)

    with pytest.raises(gj.DifferentiationError, match="thing"):
        TRANSFORMS[transform](f)(NOTHING[name])


@pytest.mark.parametrize("argnums, name", [
    (1, "norm"), ((0, 1), "norm"), ((1, 0), "norm"), (-1, "flag"), ((0, 2), "flag")])
def test_one_of_several_arguments(argnums, name):
    def f(x, norm, flag="a"):
        return np.sum(x**2)

    with pytest.raises(gj.DifferentiationError, match=rf"derivative of f .*respect to {name} .*argnums=0 \(x\)"):
        gj.grad(f, argnums=argnums)(X, "l2", "b")


def test_what_holds_arrays_that_are_not_looked_into():
    with pytest.raises(gj.DifferentiationError, match="p .* a SimpleNamespace.*dataclass"):
        gj.grad(lambda p: np.sum(p.w**2))(types.SimpleNamespace(w=X))


def test_structure_without_derivatives_among_others():
    gradient = gj.grad(lambda p: np.sum(p["w"] ** 2))({"w": X, "name": "layer", "empty": [], "none": None})
    np.testing.assert_array_equal(gradient["w"], 2 * X)
    assert gradient["name"] is None and gradient["empty"] == [] and gradient["none"] is None
    assert gj.grad(lambda p, x: np.sum(x))({}, X) == {}
    np.testing.assert_array_equal(gj.grad(lambda x, y: np.sum(x), argnums=1)(X, X), 0 * X)
    assert gj.vjp(lambda x, k: x * 2.0, X, "l2")[1](X)[1] is None
