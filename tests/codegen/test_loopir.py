"""The loop IR as a language: text, rules and meaning, on everything that the code generator's cases and traced programs
become."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from typing import Any

import numpy as np
import pytest

import gradjit as gj
from gradjit.codegen import lower
from gradjit.codegen.emit import emit
from gradjit.codegen.loopir import errors_of, interpret, parse, print_program
from gradjit.ir import Func, interpret as meaning
from tests.codegen.cases import CASES
from tests.fuzz.inputs import same


def relax(u, n):
    for _ in range(n):
        u[1:-1] += 0.1 * (u[2:] - 2 * u[1:-1] + u[:-2])
    return np.sum(u**2)


def newton(a):
    x = a
    while abs(x * x - a) > 1e-9:
        x = 0.5 * (x + a / x)
    return x


def cholesky(A):
    n = A.shape[0]
    L = np.zeros((n, n))
    for i in range(n):
        for j in range(i + 1):
            s = A[i, j] - L[i, :j] @ L[j, :j]
            if i == j:
                L[i, i] = np.sqrt(s)
            else:
                L[i, j] = s / L[j, j]
    return np.sum(np.log(np.diag(L)))


def pendulum(x, v):
    for _ in range(20):
        v = v - 0.1 * np.sin(x)
        x = x + 0.1 * v
    return x


def smoothed(x, n):
    y = x * 1.0
    for k in range(n):
        y = np.concatenate([y[1:], y[:1] * (k + 1)])
        if y[0] > 1:
            y = np.sort(y)
    return y @ y


def centroids(x, c):
    best = np.full(len(x), np.inf)
    for k in range(len(c)):
        d = np.sum((x - c[k]) ** 2, axis=1)
        best = np.where(d < best, d, best)
    return np.sum(best)


def picked(x, idx):
    return np.sum(np.sin(x[idx]) * np.arange(len(idx)))


def layer(x, w, b):
    return np.sum(np.tanh(x @ w + b) ** 2)


MANY = 3000
"""Elements up to which a program is interpreted."""
rng = np.random.default_rng(0)
M = rng.normal(size=(9, 9))
TRACED: dict[str, tuple[Callable[..., Any], tuple[Any, ...]]] = {
    "relax": (relax, (rng.normal(size=30), np.int64(7))),
    "newton": (newton, (2.0,)),
    "cholesky": (cholesky, (M @ M.T + 9 * np.eye(9),)),
    "pendulum": (pendulum, (0.3, 0.1)),
    "smoothed": (smoothed, (rng.normal(size=11), np.int64(12))),
    "centroids": (centroids, (rng.normal(size=(13, 3)), rng.normal(size=(12, 3)))),
    "picked": (picked, (rng.normal(size=7), np.array([0, 3, 6, 6]))),
    "layer": (layer, (rng.normal(size=(20, 17)), rng.normal(size=(17, 19)), rng.normal(size=19))),
}


@cache
def traced(name: str, derivative: bool) -> tuple[Func, list[np.ndarray]]:
    f, args = TRACED[name]
    g = gj.value_and_grad(f) if derivative else gj.jit(f)
    return g.specialisation(args, {}).program.func, [np.asarray(a) for a in args]


def programs() -> list[Any]:
    found = [pytest.param(lambda c=c: (c.func(), c.arguments()), id=c.name) for c in CASES]
    return found + [pytest.param(lambda n=n, d=d: traced(n, d), id=f"{n}{'.grad' * d}")
                    for n in TRACED for d in (False, True)]


@pytest.mark.thinned
@pytest.mark.parametrize("made", programs())
def test_text_rules_and_meaning(made: Callable[[], tuple[Func, list[np.ndarray]]]) -> None:
    func, args = made()
    p = lower(func).program
    text = print_program(p)
    again = parse(text)
    assert print_program(again) == text
    assert errors_of(p) == errors_of(again) == []
    assert str(emit(again).module) == str(emit(p).module)  # nothing that the text does not say
    if sum(a.size for a in args) <= MANY:
        assert not same(interpret(again, args), meaning(func, args), exact=False)


@pytest.mark.thinned
@pytest.mark.parametrize("derivative", [False, True])
@pytest.mark.parametrize("name", TRACED)
def test_open_sizes(name: str, derivative: bool) -> None:
    """The text has polynomials for what is open; with numbers in their place the kernel is that of these sizes."""
    f, args = TRACED[name]
    g = (gj.value_and_grad if derivative else gj.jit)(f, sizes="any")
    made = g.specialisation(args, {})
    func, p = made.program.func, made.executable.made.lower().program
    text = print_program(p)
    again = parse(text)
    assert print_program(again) == text
    assert errors_of(p) == errors_of(again) == []
    assert str(emit(again).module) == str(emit(p).module)
    args = [np.asarray(a) for a in args]
    assert not same(interpret(again, args), meaning(func, args), exact=False)
