"""Structured arrays that the traced function makes."""

from __future__ import annotations

import numpy as np
import pytest

import gradjit as gj

X = np.array([1.0, 2.0, 3.0])
BODY = np.dtype([("pos", float, (2,)), ("mass", float), ("kind", np.int64)])


def by_fields(x):
    s = np.zeros(3, dtype=[("pos", float), ("vel", float)])
    s["pos"] = x
    s["vel"] = x**2
    return np.sum(s["pos"] * s["vel"])


def by_rows(x):
    s = np.zeros(3, BODY)
    for i in range(3):
        s[i]["mass"] = x[i]
        s["pos"][i] = [x[i], 2 * x[i]]
        s[i]["kind"] = i
    s[0] = (x[:2], x[1], 7)
    total = 0.0
    for p in s:
        total = total + p["mass"] * p["pos"][0] + p["kind"]
    return total + np.sum(s[1:]["mass"] ** 2) + s["pos"][s["kind"] > 1].sum()


def in_a_loop(x):
    s = np.zeros(3, dtype=[("q", float), ("p", float)])
    s["q"] = x
    for k in range(20):
        s["p"] -= 0.1 * s["q"]
        s["q"][k % 3] += 0.1 * s[k % 3]["p"]
        if s["q"][0] > 0.5:
            s["q"][1] *= 0.9
    return s["q"] @ s["p"]


def from_tuples(x):
    s = np.array([(x[0], 1.0), (x[1], x[2])], dtype=[("a", float), ("b", float)])
    a, b = s[1]
    c = s.copy()
    c["a"] *= 2
    t = s[np.argsort(-s["b"])]
    return np.sum(s["a"] * s["b"]) + a * b + c["a"].sum() + len(s) * t["a"][0] + s[["a", "b"]]["b"][1] + s.shape[0]


@pytest.mark.parametrize("f", [by_fields, by_rows, in_a_loop, from_tuples])
def test_value_and_gradient(f):
    value, gradient = gj.value_and_grad(f, backend="interpreter")(X)
    np.testing.assert_allclose(value, f(X), rtol=1e-14)
    d = np.array([0.3, -0.2, 0.5])
    np.testing.assert_allclose(gradient @ d, (f(X + 1e-6 * d) - f(X - 1e-6 * d)) / 2e-6, rtol=1e-7)


@pytest.mark.parametrize("backend", ["native", "interpreter"])
def test_it_is_returned_as_one(backend):
    def f(x):
        s = np.zeros(3, dtype=[("a", float), ("b", np.int64)])
        s["a"], s["b"] = 2 * x, [1, 2, 3]
        return s, s[0], {"a": s["a"]}

    got, want = gj.jit(f, backend=backend)(X), f(X)
    assert got[0].dtype == want[0].dtype and np.array_equal(got[0], want[0])
    assert got[1] == want[1] and np.array_equal(got[2]["a"], want[2]["a"])


def test_refused():
    def whole(x):
        s = np.zeros(3, dtype=[("a", float)])
        s["a"] = x
        return np.sort(s)["a"][0]

    with pytest.raises(gj.UnsupportedError, match=r"(?s)np.sort of a structured array as a whole.*the fields, as"):
        gj.jit(whole)(X)
    with pytest.raises(ValueError, match="no field of name b"):
        gj.jit(lambda x: np.zeros(3, dtype=[("a", float)])["b"] + x)(X)
