"""Parts of an array that nothing reads: their derivative is absent, whichever operation has left them out.

Each case is written twice, so that the infinite derivative stands in front of what is left out, and so that it is not
there at all. The gradient is the same, and so are second derivatives in all mixtures of modes.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import gradjit as gj

X = np.array([0.0, 1.0, 4.0, 9.0])
M = np.array([[0.0, 1.0, 4.0], [9.0, 0.0, 2.0], [3.0, 5.0, 0.0]])
PLACES, KEPT, UPPER = np.array([1, 2, 2]), np.array([False, True, True, False]), np.triu_indices(3, 1)
OFF = ~np.eye(3, dtype=bool)
Function = Callable[[Any], Any]
CASES: dict[str, tuple[np.ndarray, Function, Function]] = {
    "indices": (X, lambda x: np.sum(np.sqrt(x)[PLACES]), lambda x: np.sum(np.sqrt(x[PLACES]))),
    "elements": (X, lambda x: np.sqrt(x)[1] * np.sqrt(x)[2], lambda x: np.sqrt(x[1]) * np.sqrt(x[2])),
    "truths": (X, lambda x: np.sum(np.log(x)[KEPT] ** 2), lambda x: np.sum(np.log(x[1:3]) ** 2)),
    "indices of a choice": (X, lambda x: np.sum(np.where(KEPT, np.sqrt(x)[[0, 1, 2, 0]], 1.0)),
                            lambda x: np.sum(np.sqrt(x[1:3]))),
    "indices and a window": (X, lambda x: np.sum((y := np.sqrt(x))[PLACES]) + y[3] * y[1],
                             lambda x: np.sum(np.sqrt(x[PLACES])) + np.sqrt(x[3]) * np.sqrt(x[1])),
    "upper triangle": (M, lambda m: np.sum(1 / m[UPPER] + np.sqrt(m)[UPPER]),
                       lambda m: sum(1 / m[i, j] + np.sqrt(m[i, j]) for i, j in ((0, 1), (0, 2), (1, 2)))),
    "all but the diagonal": (M, lambda m: np.sum(np.log(m)[OFF]),
                             lambda m: sum(np.log(m[i, j]) for i in range(3) for j in range(3) if i != j)),
    "windows": (X, lambda x: np.sum(np.sqrt(x)[1:]), lambda x: np.sum(np.sqrt(x[1:]))),
    "padded": (X, lambda x: np.sum(np.pad(np.sqrt(x), 1)[2:]), lambda x: np.sum(np.sqrt(x[1:]))),
    "sorted": (X, lambda x: np.sort(np.sqrt(x))[-1] ** 3, lambda x: np.sqrt(x[3]) ** 3),
    "median": (X, lambda x: np.median(np.sqrt(x)), lambda x: (np.sqrt(x[1]) + np.sqrt(x[2])) / 2),
    "by argsort": (X, lambda x: np.sum(np.sqrt(x)[np.argsort(x)][1:]), lambda x: np.sum(np.sqrt(x[1:]))),
    "scanned": (X, lambda x: np.cumsum(np.sqrt(x)[::-1])[2], lambda x: np.sum(np.sqrt(x[1:]))),
    "products of rows": (M, lambda m: np.sum(np.prod(np.sqrt(m), axis=1, where=m > 0)),
                         lambda m: sum(np.sqrt(m[k, (k + 1) % 3] * m[k, (k + 2) % 3]) for k in range(3))),
    "chosen products": (np.array([[0.0, 2.0], [3.0, 4.0]]),
                        lambda m: np.sum(np.where(np.array([False, True]), np.prod(np.sqrt(m), axis=1), 0.0)),
                        lambda m: np.sqrt(m[1, 0] * m[1, 1])),
    "chosen largest": (np.array([[0.0, 0.0], [3.0, 4.0]]),
                       lambda m: np.sum(np.where(np.array([False, True]), np.max(np.sqrt(m), axis=1), 0.0)),
                       lambda m: np.sqrt(m[1, 1])),
    "repeated along a new axis": (
        X, lambda x: np.sum(np.where((x > 0)[:, None], np.log(x)[:, None] + np.zeros(3), 0.0)),
        lambda x: 3 * np.sum(np.log(x[1:]))),
    "an outer product": (
        X, lambda x: np.sum(np.where(np.outer(x, x) > 0, np.sqrt(x)[:, None] * np.sqrt(x)[None], 0.0)),
        lambda x: np.sum(np.sqrt(x[1:])) ** 2),
    "a diagonal": (X, lambda x: np.sum(np.where(np.diag(x) > 0, np.diag(np.sqrt(x)), 0.0)),
                   lambda x: np.sum(np.sqrt(x[1:]))),
    "np.choose": (X, lambda x: np.sum(np.choose((x > 0).astype(int), [0 * x, np.log(x)])),
                  lambda x: np.sum(np.log(x[1:]))),
    "a quotient that is replaced": (X, lambda x: np.sum(np.where(np.isnan(y := x / x), 1.0, y * x)),
                                    lambda x: np.sum(x[1:])),
    "a branch of some lanes": (X, lambda x: np.sum(gj.vmap(lambda v: np.log(v) if v > 0 else 0.0 * v)(x)),
                               lambda x: np.sum(np.log(x[1:]))),
    "branches within": (X, lambda x: np.sum(gj.vmap(lambda v: (np.log(v) if v > 1 else v / v) if v > 0 else v * v)(x)),
                        lambda x: np.sum(np.log(x[2:])) + x[0] * x[0]),
}


@pytest.mark.parametrize("name", CASES)
def test_first_and_second_order(name: str) -> None:
    x, f, plainly = CASES[name]
    np.testing.assert_allclose(gj.grad(f)(x), gj.grad(plainly)(x), rtol=1e-12)
    want = gj.hessian(plainly)(x)
    for way in (gj.hessian(f), gj.jacrev(gj.grad(f)), gj.jacrev(gj.jacfwd(f))):
        np.testing.assert_allclose(way(x), want, rtol=1e-9, atol=1e-12)


@pytest.mark.parametrize("name", ["indices", "upper triangle", "sorted", "a branch of some lanes"])
def test_of_a_stack(name: str) -> None:
    x, f, plainly = CASES[name]
    np.testing.assert_allclose(gj.vmap(gj.grad(f))(np.stack([x, x])), np.stack([gj.grad(plainly)(x)] * 2), rtol=1e-12)
