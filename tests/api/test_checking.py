"""check_grads finds wrong derivatives and passes right ones."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest

import gradjit as gj
from gradjit.passes import vjp

X = np.array([0.4, -1.3, 2.0])


def test_right_derivatives_pass():
    gj.check_grads(lambda x: np.sum(np.sin(x) * x), X, order=2)
    gj.check_grads(lambda x, y, n: {"a": x * y, "b": (x[0] ** n, n)}, X, 2.0, 3)
    gj.check_grads(lambda p: np.sum(np.exp(p["w"])) * p["b"], {"w": X, "b": 1.5})
    gj.check_grads(lambda x: np.sum(x * x), X.astype(np.float32))
    gj.check_grads(lambda x, y: np.sum(x * y), X, X, argnums=1)
    gj.check_grads(lambda x, *, k: np.sum(x) * k, X, k=2.0)


def test_a_wrong_reverse_rule_is_found(monkeypatch):
    rules = {**vjp.LOCAL, "sin": lambda b, op, needs, ct: (ct,)}
    monkeypatch.setattr(vjp, "TABLES", dataclasses.replace(vjp.TABLES, rules=rules))

    def sines(x):
        return np.sum(np.sin(x))

    with pytest.raises(AssertionError, match="reverse mode.*sines, order 1.*finite differences"):
        gj.check_grads(sines, X)
    gj.check_grads(sines, X, modes=("fwd",))


def test_kinks_show_up():
    with pytest.raises(AssertionError, match="forward mode"):
        gj.check_grads(lambda x: np.sum(np.floor(x * 1e5) / 1e5 * 1.0), np.array([0.123456789]), eps=1e-3)


def test_nothing_to_differentiate():
    with pytest.raises(gj.DifferentiationError, match="no argument is floating-point"):
        gj.check_grads(lambda n: n, 3)
