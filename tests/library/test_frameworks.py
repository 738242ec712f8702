"""Compiled functions inside of PyTorch and JAX."""

from __future__ import annotations

import numpy as np
import pytest

import gradjit as gj
from gradjit.api import frameworks


def loss(w, x, y):
    return np.mean((np.tanh(x @ w["a"] + w["b"]) - y) ** 2)


def several(x, n, scale):
    return {"sum": np.sum(x**n) * scale, "both": (np.sin(x), np.argmax(x)), "n": n}


def data():
    rng = np.random.default_rng(0)
    return {"a": rng.normal(size=3), "b": rng.normal(size=1)}, rng.normal(size=(5, 3)), rng.normal(size=5)


class TestTorch:
    def setup_method(self):
        self.torch = pytest.importorskip("torch", reason="PyTorch is not installed")

    def test_values_and_gradients_of_containers(self):
        torch = self.torch
        w, x, y = data()
        f = gj.to_torch(loss)
        t = {k: torch.tensor(v, requires_grad=True) for k, v in w.items()}
        for _ in range(2):
            for v in t.values():
                v.grad = None
            value = f(t, torch.from_numpy(x), torch.from_numpy(y))
            value.backward()
            expected, gradient = gj.value_and_grad(loss)(w, x, y)
            assert value.item() == pytest.approx(expected)
            for k in w:
                np.testing.assert_allclose(t[k].grad.numpy(), gradient[k], rtol=1e-12)

    def test_derivatives_of_derivatives(self):
        torch = self.torch
        f = gj.to_torch(lambda x, y: np.sum(np.sin(x) * y**2))
        x, y = (torch.linspace(0.1, 1, 4, dtype=torch.float64, requires_grad=True) for _ in range(2))
        assert torch.autograd.gradcheck(f, (x, y))
        assert torch.autograd.gradgradcheck(f, (x, y))
        third = x
        for _ in range(3):
            third = torch.autograd.grad(f(x, y) if third is x else third.sum(), x, create_graph=True)[0]
        np.testing.assert_allclose(third.detach(), -np.cos(x.detach()) * y.detach() ** 2)

    def test_other_arguments_and_results(self):
        torch = self.torch
        x = torch.tensor([1.0, 3.0, 2.0], requires_grad=True)  # of 32 bits
        got = gj.to_torch(several)(x, 2, torch.tensor(2.0))
        assert got["n"] == 2 and got["both"][1].item() == 1 and got["sum"].dtype == torch.float32
        got["sum"].backward()
        np.testing.assert_allclose(x.grad, [4, 12, 8])

    def test_memory_is_not_copied(self, monkeypatch):
        torch = self.torch
        seen = []
        call = frameworks.LeafFunction.__call__
        monkeypatch.setattr(frameworks.LeafFunction, "__call__",
                            lambda own, leaves: seen.append(leaves[0].ctypes.data) or call(own, leaves))
        x = torch.arange(4.0)
        np.testing.assert_allclose(gj.to_torch(gj.jit(lambda x: x * 2))(x), 2 * x)
        assert seen == [x.data_ptr()]

    def test_inside_of_a_compiled_function_of_torchs(self):
        torch = self.torch
        f = gj.to_torch(lambda x: np.sum(np.sin(x)))
        g = torch.compile(lambda x: f(x * 2) + 1, backend="eager")
        x = torch.linspace(0, 1, 5, dtype=torch.float64)
        assert g(x).item() == pytest.approx(np.sin(2 * x.numpy()).sum() + 1)


class TestJax:
    def setup_method(self):
        self.jax = pytest.importorskip("jax", reason="JAX is not installed")
        self.jax.config.update("jax_enable_x64", True)

    def test_values_and_gradients_inside_jit(self):
        jax = self.jax
        w, x, y = data()
        f = gj.to_jax(loss)
        expected, gradient = gj.value_and_grad(loss)(w, x, y)
        for g in (jax.value_and_grad(f), jax.jit(jax.value_and_grad(f))):
            value, got = g(w, x, y)
            assert float(value) == pytest.approx(expected)
            for k in w:
                np.testing.assert_allclose(got[k], gradient[k], rtol=1e-12)

    def test_vmap_and_second_derivatives(self):
        jax = self.jax
        f = gj.to_jax(lambda x: np.sum(np.sin(x) * x**2))
        x = np.linspace(0.1, 1, 3)
        hessian = jax.jacrev(jax.grad(f))(x)
        np.testing.assert_allclose(hessian, gj.hessian(lambda x: np.sum(np.sin(x) * x**2))(x), atol=1e-12)
        rows = np.arange(6.0).reshape(2, 3)
        np.testing.assert_allclose(jax.jit(jax.vmap(f))(rows), [f(r) for r in rows])
        np.testing.assert_allclose(jax.vmap(jax.grad(f))(rows), [jax.grad(f)(r) for r in rows])

    def test_other_arguments_and_results(self):
        jax = self.jax
        got = gj.to_jax(several)(np.array([1.0, 3.0, 2.0]), 2, 2.0)
        assert int(got["n"]) == 2 and int(got["both"][1]) == 1
        slope = jax.grad(lambda x: gj.to_jax(several)(x, 2, 2.0)["sum"])(np.array([1.0, 3.0, 2.0]))
        np.testing.assert_allclose(slope, [4, 12, 8])
